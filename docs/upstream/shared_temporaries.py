"""Evaluations of an expression that several aggregates of a group-by share, and their cost.

Needs polars and NumPy only. One thread unless POLARS_MAX_THREADS says otherwise.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import time
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 1_000_000
GROUPS = 1_000
REPEATS = 9
ENGINES: tuple[Literal["streaming", "in-memory"], ...] = ("streaming", "in-memory")

rows_seen = 0


def counted_log(s: pl.Series) -> pl.Series:
    """The logarithm, which counts the rows it was given."""
    global rows_seen  # noqa: PLW0603
    rows_seen += len(s)
    return s.log()


def counted(e: pl.Expr) -> pl.Expr:
    return e.map_batches(counted_log, return_dtype=pl.Float64, is_elementwise=True)


def frame() -> pl.LazyFrame:
    rng = np.random.default_rng(1)
    columns = {"g": rng.integers(0, GROUPS, ROWS), "x": rng.uniform(0.5, 1.0, ROWS), "y": rng.uniform(1.0, 2.0, ROWS)}
    return pl.DataFrame(columns).lazy()


def sums(shared: pl.Expr, count: int) -> list[pl.Expr]:
    """Sums of inputs that differ by a factor only."""
    return [(shared * (2.0 + i)).sum().alias(f"s{i}") for i in range(count)]


def queries(lf: pl.LazyFrame, function: Callable[[pl.Expr], pl.Expr]) -> dict[str, pl.LazyFrame]:
    x, t = pl.col("x"), function(pl.col("x"))
    return {
        "1 sum": lf.group_by("g").agg(sums(t, 1)),
        "2 sums": lf.group_by("g").agg(sums(t, 2)),
        "4 sums": lf.group_by("g").agg(sums(t, 4)),
        "4 sums and the sum of t itself": lf.group_by("g").agg(*sums(t, 4), t.sum().alias("s")),
        "4 sums, t by with_columns": lf.with_columns(t=t).group_by("g").agg(sums(pl.col("t"), 4)),
        "4 sums, t of two columns": lf.group_by("g").agg(sums(function(x / pl.col("y")), 4)),
        "4 sums of x * k, no t": lf.group_by("g").agg(sums(x, 4)),
    }


def evaluations(query: pl.LazyFrame, engine: Literal["streaming", "in-memory"]) -> float:
    """How often the shared expression is evaluated for each row."""
    global rows_seen  # noqa: PLW0603
    rows_seen = 0
    query.collect(engine=engine)
    return rows_seen / ROWS


def best(cases: dict[str, pl.LazyFrame], engine: Literal["streaming", "in-memory"]) -> dict[str, float]:
    """The best time of each query, in ms; the queries take turns."""
    times = dict.fromkeys(cases, float("inf"))
    for _ in range(REPEATS):
        for name, query in cases.items():
            start = time.perf_counter()
            query.collect(engine=engine)
            times[name] = min(times[name], 1e3 * (time.perf_counter() - start))
    return times


def main() -> None:
    print(f"polars {pl.__version__}, {pl.thread_pool_size()} thread(s); {ROWS:,} rows, {GROUPS:,} groups")
    lf = frame()
    counts = {e: {name: evaluations(q, e) for name, q in queries(lf, counted).items()} for e in ENGINES}
    logs = {e: best(queries(lf, pl.Expr.log), e) for e in ENGINES}
    heavies = {e: best(queries(lf, lambda x: x.log().tanh()), e) for e in ENGINES}
    for engine in ENGINES:
        print(f"\n{engine}: evaluations of t per row; ms, best of {REPEATS}, and as a multiple of one sum")
        print(f"{'':<32}{'evaluations':>12}{'t = x.log()':>20}{'t = x.log().tanh()':>22}")
        for name, count in counts[engine].items():
            cells = f"{name:<32}{count:>12.2f}"
            for times in (logs[engine], heavies[engine]):
                cells += f"{times[name]:>14.1f}{times[name] / times['1 sum']:>6.2f}"
            print(cells)


if __name__ == "__main__":
    main()
