"""Groups and windows on one thread and the streaming engine, beside as many native sums as they take."""

from functools import partial

import numpy as np
import polars as pl

import polars_entropy  # noqa: F401  registers the namespace

from .timing import GROUP_ROWS, GROUPS, arguments, best, tell


def sums(*columns: str, each: int) -> list[pl.Expr]:
    """Sums of multiples of the columns, which the engine computes inside its group-by, as it does our summands."""
    return [(pl.col(name) * (k + 2.0)).sum().alias(f"{name}{k}") for name in columns for k in range(each)]


SIDES = {
    "sum": [pl.col("x").sum()],
    "four sums of `x * k`": sums("x", each=4),
    "entropy": [pl.col("x").info.entropy()],
    "entropy of Int64": [pl.col("n").info.entropy()],
    "entropy of Boolean": [pl.col("b").info.entropy()],
    "entropy of Float32": [pl.col("f").info.entropy()],
    "Polars `entropy`": [pl.col("x").entropy()],
    "six sums": sums("x", "y", each=3),
    "kl_div": [pl.col("x").info.kl_div("y")],
    "cross_entropy": [pl.col("x").info.cross_entropy("y")],
    "eight sums": sums("x", "y", each=4),
    "psi": [pl.col("x").info.psi("y")],
    "js_div": [pl.col("x").info.js_div("y")],
}


def main() -> None:
    args = arguments().parse_args()
    rng = np.random.default_rng(0)
    n = int(args.scale * GROUP_ROWS)
    for groups in GROUPS:
        frame = pl.LazyFrame({"g": rng.integers(0, groups, n), "x": rng.random(n), "y": rng.random(n)})
        frame = frame.with_columns(
            n=(100 * pl.col("x")).cast(pl.Int64), b=2 * pl.col("x") > 1, f=pl.col("x").cast(pl.Float32)
        )
        # Collected once, so that all queries read the same memory.
        frame = frame.collect().lazy()
        queries = {
            "group_by": {name: frame.group_by("g").agg(exprs) for name, exprs in SIDES.items()},
            "over": {name: frame.select(expr.over("g") for expr in exprs) for name, exprs in SIDES.items()},
        }
        for form, sides in queries.items():
            times = best({name: partial(query.collect, engine="streaming") for name, query in sides.items()}, args.runs)
            for name, seconds in times.items():
                tell(form, name, groups, 1e3 * seconds)


if __name__ == "__main__":
    main()
