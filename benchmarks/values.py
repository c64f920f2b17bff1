"""Observed values: groups of them, pairs of columns, and the characters of texts, beside peers."""

import os
from collections import Counter
from functools import partial

import duckdb
import numpy as np
import polars as pl
import polars_ds
import scipy.stats
import sklearn.metrics

import polars_entropy  # noqa: F401  registers the namespace

from .timing import GROUP_ROWS, OURS_PLAIN, TEXTS, VALUES, arguments, best, tell

V = pl.col("v")


def main() -> None:
    args = arguments().parse_args()
    threads = int(os.environ["POLARS_MAX_THREADS"])
    database = duckdb.connect(config={"threads": threads})
    rng = np.random.default_rng(0)
    n = int(args.scale * GROUP_ROWS)
    for groups, kinds in VALUES:
        numbers = pl.DataFrame({"g": rng.integers(0, groups, n), "v": rng.integers(0, kinds, n)})
        texts = numbers.with_columns(v=pl.format("value-{}", "v"))
        categories = texts.with_columns(V.cast(pl.Categorical))
        for dtype, frame in (("Int64", numbers), ("String", texts), ("Categorical", categories)):
            # On a table of its own.
            database.register("frame", frame.to_arrow())
            database.execute("create or replace table t as select * from frame")
            lazy = frame.lazy().group_by("g")
            sides = {
                "DuckDB `entropy`": database.sql("select g, entropy(v) * ln(2) as v from t group by g").pl,
                "Polars `unique_counts().entropy()`": of(lazy, V.unique_counts().entropy()),
                "Polars `unique_counts().entropy()`, in memory": of(lazy, V.unique_counts().entropy(), "in-memory"),
                "polars-ds `query_entropy`": of(lazy, polars_ds.query_entropy("v")),
                OURS_PLAIN: of(lazy, V.info.values.entropy()),
                f"{OURS_PLAIN}, in memory": of(lazy, V.info.values.entropy(), "in-memory"),
                "gathering alone": of(lazy, V.hash().implode(maintain_order=False)),
            }
            for name, seconds in timed(sides, args.runs, of_floor="gathering alone").items():
                tell(f"values {threads}", name, f"{groups:,} × {kinds}, {dtype}", 1e3 * seconds)
    if threads == 1:
        pairs(rng, n, args.runs)
        characters(rng, int(args.scale * TEXTS), args.runs)


def of(groups: pl.lazyframe.group_by.LazyGroupBy, expr: pl.Expr, engine: str = "streaming") -> partial:
    return partial(groups.agg(expr).collect, engine=engine)


def timed(sides: dict, runs: int, of_floor: str = "") -> dict[str, float]:
    """The times of sides, which have to give the same values."""
    expected = values(sides[OURS_PLAIN]())
    for name, side in sides.items():
        # Plain doubles cancel: a dominant value leaves 1e-12 or so.
        if name != of_floor and not np.allclose(values(side()), expected, rtol=1e-9, atol=1e-9):
            raise ValueError(f"{name} differs from ours")
    return best(sides, runs)


def values(result: object) -> np.ndarray:
    if isinstance(result, pl.DataFrame):
        return (result.sort("g") if "g" in result.columns else result)["v"].to_numpy()
    return np.asarray(result)


def pairs(rng: np.random.Generator, n: int, runs: int) -> None:
    frame = pl.DataFrame({"v": rng.integers(0, 100, n)}).with_columns(w=V * rng.integers(0, 2, n) // 4)
    v, w = (frame[name].to_numpy() for name in ("v", "w"))
    sides = {
        "scikit-learn `mutual_info_score`": partial(sklearn.metrics.mutual_info_score, v, w),
        "Polars counts, then SciPy": partial(by_counts, frame),
        OURS_PLAIN: partial(frame.lazy().select(V.info.values.mutual_info("w")).collect, engine="streaming"),
    }
    for name, seconds in timed(sides, runs).items():
        tell("pairs", name, "ms", 1e3 * seconds)


def by_counts(frame: pl.DataFrame) -> float:
    counts = [frame.group_by(by).len()["len"].to_numpy() for by in (["v"], ["w"], ["v", "w"])]
    x, y, both = (scipy.stats.entropy(count) for count in counts)
    return x + y - both


def characters(rng: np.random.Generator, n: int, runs: int) -> None:
    lengths = rng.integers(5, 25, n)
    letters = rng.integers(97, 123, lengths.sum(), dtype=np.uint8).tobytes().decode()
    ends = lengths.cumsum()
    texts = [letters[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    frame = pl.DataFrame({"v": texts})
    recipe = V.str.split("").list.eval(pl.element().unique_counts()).info.list.entropy()
    sides = {
        "Python `Counter`": partial(by_counter, texts),
        "Polars `str.split`, counts by `list.eval`, ours": partial(frame.select, recipe),
        OURS_PLAIN: partial(frame.select, V.info.str.entropy()),
    }
    for name, seconds in timed(sides, runs).items():
        tell("characters", name, "ns per character", 1e9 * seconds / lengths.sum())


def by_counter(texts: list[str]) -> list[float]:
    return [-sum(n / len(text) * np.log(n / len(text)) for n in Counter(text).values()) for text in texts]


if __name__ == "__main__":
    main()
