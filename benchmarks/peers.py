"""Speed beside SciPy and beside Polars' own sums, in one run on the same data: `make bench`.

Rows are timed on one thread. Each figure is the best of several runs, the sides in turn; ratios are what counts, since
machines differ and are noisy.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if __name__ == "__main__" and "rows" in sys.argv:
    os.environ["POLARS_MAX_THREADS"] = "1"

import numpy as np
import polars as pl
import scipy.stats

import polars_entropy  # noqa: F401  registers the namespace

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 7


def best(*sides: Callable[[], object]) -> list[float]:
    """The best time of each side, in seconds."""
    times = [[] for _ in sides]
    for _ in range(RUNS):
        for side, measured in zip(sides, times, strict=True):
            start = time.perf_counter()
            side()
            measured.append(time.perf_counter() - start)
    return [min(measured) for measured in times]


def rows() -> None:
    rng = np.random.default_rng(0)
    elements = 4_000_000
    print("| rows of | SciPy H, ns/element | ours | ratio | SciPy D | ours | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for width in (10, 100, 1_000, 50_000):
        p, q = rng.random((elements // width, width)), rng.random((elements // width, width))
        frame = pl.DataFrame({"p": p, "q": q}).select(pl.all().arr.to_list())
        cells = []
        for theirs, expr in (
            (lambda p=p: scipy.stats.entropy(p, axis=1), pl.col("p").info.list.entropy()),
            (lambda p=p, q=q: scipy.stats.entropy(p, q, axis=1), pl.col("p").info.list.kl_div("q")),
        ):
            scipy_time, our_time = best(theirs, lambda expr=expr, frame=frame: frame.select(expr))
            per_element = [1e9 * t / elements for t in (scipy_time, our_time)]
            cells += [f"{per_element[0]:.1f}", f"{per_element[1]:.1f}", f"**{scipy_time / our_time:.1f}×**"]
        print(f"| {width:,} | {' | '.join(cells)} |")


def groups() -> None:
    rng = np.random.default_rng(0)
    n = 2_000_000
    print("| groups | native sum, ms | entropy | ratio | Polars' own entropy | two sums | kl_div | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for count in (10, 1_000, 100_000, 500_000):
        frame = pl.DataFrame({"g": rng.integers(0, count, n), "x": rng.random(n), "y": rng.random(n)}).lazy()
        queries = [
            frame.group_by("g").agg(exprs)
            for exprs in (
                [pl.col("x").sum()],
                [pl.col("x").info.entropy()],
                [pl.col("x").entropy()],
                [pl.col("x", "y").sum()],
                [pl.col("x").info.kl_div("y")],
            )
        ]
        times = best(*(lambda query=query: query.collect(engine="streaming") for query in queries))
        native, entropy, own, two, kl_div = (f"{1e3 * t:.0f}" for t in times)
        ratios = f"**{times[1] / times[0]:.1f}×**", f"**{times[4] / times[3]:.1f}×**"
        print(f"| {count:,} | {native} | {entropy} | {ratios[0]} | {own} | {two} | {kl_div} | {ratios[1]} |")


if __name__ == "__main__":
    {"rows": rows, "groups": groups}[sys.argv[1]]()
