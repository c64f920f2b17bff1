"""Rows of text keys and weights, whose keys differ from side to side, on one thread and beside peers."""

from functools import partial

import numpy as np
import polars as pl
import scipy.stats

import polars_entropy  # noqa: F401  registers the namespace

from .timing import MAPS, OURS_PLAIN, arguments, best, tell

KEYS = 200
# Of so many rows the dictionaries do one: they take a minute for all.
SHARE = 20
DICTIONARIES = "a dictionary for each row, SciPy"


def main() -> None:
    args = arguments().parse_args()
    rng = np.random.default_rng(0)
    n = max(10, int(args.scale * MAPS))
    frame = pl.DataFrame({"p": rows(rng, n), "q": rows(rng, n)})
    for name in ("js_div", "psi"):
        sides = {
            DICTIONARIES: partial(by_dictionary, frame.head(max(1, n // SHARE)), name),
            "explode, full join, group_by": recipe(frame, name),
            OURS_PLAIN: partial(frame.lazy().select(ours(name)).collect, engine="streaming"),
        }
        expected = values(sides[OURS_PLAIN]())
        for side, compute in sides.items():
            got = values(compute())
            if not np.allclose(got, expected[: len(got)], rtol=1e-9, atol=1e-12):
                raise ValueError(f"{name}: {side} differs from ours")
        for side, seconds in best(sides, args.runs).items():
            tell("maps", side, name, 1e3 * seconds * (SHARE if side == DICTIONARIES else 1))


def rows(rng: np.random.Generator, n: int) -> pl.Series:
    """From 20 to 50 keys in each row, none of them twice."""
    lengths = rng.integers(20, 51, n)
    keys = np.concatenate([rng.permutation(KEYS)[:length] for length in lengths])
    table = pl.DataFrame({"row": np.repeat(np.arange(n), lengths), "bin": keys, "n": rng.integers(1, 100, len(keys))})
    table = table.with_columns(pl.format("bin {}", "bin"))
    return table.group_by("row", maintain_order=True).agg(pl.struct("bin", "n").alias("m"))["m"]


def ours(name: str) -> pl.Expr:
    """The method, with a pseudo-count where it needs one."""
    return getattr(pl.col("p").info.map, name)("q", pseudo_count=0.5 if name == "psi" else 0)


def recipe(frame: pl.DataFrame, name: str) -> partial:
    """What to write without the accessor."""
    sides = [
        frame.lazy().select(pl.col(side)).with_row_index("row").explode(side).unnest(side).rename({"n": side})
        for side in ("p", "q")
    ]
    both = sides[0].join(sides[1], on=["row", "bin"], how="full", coalesce=True).fill_null(0)
    if name == "psi":
        both = both.with_columns(pl.col("p", "q") + 0.5)
    value = getattr(pl.col("p").info, name)("q")
    return partial(both.group_by("row").agg(value).sort("row").collect, engine="streaming")


def by_dictionary(frame: pl.DataFrame, name: str) -> list[float]:
    result = []
    for p, q in frame.iter_rows():
        of_p, of_q = ({entry["bin"]: entry["n"] for entry in side} for side in (p, q))
        keys = of_p.keys() | of_q.keys()
        a, b = (np.array([side.get(key, 0) for key in keys], dtype=float) for side in (of_p, of_q))
        if name == "psi":
            a, b = a + 0.5, b + 0.5
            result.append(scipy.stats.entropy(a, b) + scipy.stats.entropy(b, a))
        else:
            m = a / a.sum() + b / b.sum()
            result.append((scipy.stats.entropy(a, m) + scipy.stats.entropy(b, m)) / 2)
    return result


def values(result: object) -> np.ndarray:
    return result["p"].to_numpy() if isinstance(result, pl.DataFrame) else np.asarray(result)


if __name__ == "__main__":
    main()
