"""Groups and windows on all threads and the streaming engine, beside the native sums that they need at least."""

from functools import partial

import numpy as np
import polars as pl

import polars_entropy  # noqa: F401  registers the namespace

from .timing import GROUP_ROWS, GROUPS, arguments, best, tell

SIDES = {
    "sum": [pl.col("x").sum()],
    "entropy": [pl.col("x").info.entropy()],
    "Polars `entropy`": [pl.col("x").entropy()],
    "two sums": [pl.col("x", "y").sum()],
    "kl_div": [pl.col("x").info.kl_div("y")],
    "psi": [pl.col("x").info.psi("y")],
    "js_div": [pl.col("x").info.js_div("y")],
}


def main() -> None:
    args = arguments().parse_args()
    rng = np.random.default_rng(0)
    n = int(args.scale * GROUP_ROWS)
    for groups in GROUPS:
        frame = pl.LazyFrame({"g": rng.integers(0, groups, n), "x": rng.random(n), "y": rng.random(n)})
        queries = {
            "group_by": {name: frame.group_by("g").agg(exprs) for name, exprs in SIDES.items()},
            "over": {name: frame.select(expr.over("g") for expr in exprs) for name, exprs in SIDES.items()},
        }
        for form, sides in queries.items():
            times = best({name: partial(query.collect, engine="streaming") for name, query in sides.items()}, args.runs)
            for name, seconds in times.items():
                tell(form, groups, name, 1e3 * seconds)


if __name__ == "__main__":
    main()
