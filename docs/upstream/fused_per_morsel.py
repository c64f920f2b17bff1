"""Calls of a fused aggregate input, and their cost, at 10 to 1 000 groups.

Needs polars and NumPy only. One thread unless POLARS_MAX_THREADS says otherwise.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import time

import numpy as np
import polars as pl

ROWS = 2_000_000
GROUPS = (10, 64, 65, 1_000)
REPEATS = 25
AGGREGATES = 4
# KEY_SLICE_SIZE of the group-by's sink.
SLICE = 4_096

lengths: list[int] = []


def counted(s: pl.Series) -> pl.Series:
    """The identity, which writes down how many rows it was given."""
    lengths.append(len(s))
    return s


def frame(groups: int) -> pl.LazyFrame:
    rng = np.random.default_rng(1)
    return pl.DataFrame({"g": rng.integers(0, groups, ROWS), "x": rng.uniform(0.5, 1.0, ROWS)}).lazy()


def sums(inputs: list[pl.Expr]) -> list[pl.Expr]:
    return [e.sum().alias(f"s{i}") for i, e in enumerate(inputs)]


def grouped(lf: pl.LazyFrame, inputs: list[pl.Expr]) -> pl.LazyFrame:
    return lf.group_by("g").agg(sums(inputs))


def grouped_after_with_columns(lf: pl.LazyFrame, inputs: list[pl.Expr]) -> pl.LazyFrame:
    """The same aggregates, over inputs that a node of their own computes per morsel."""
    names = [f"t{i}" for i in range(len(inputs))]
    lf = lf.with_columns(e.alias(n) for n, e in zip(names, inputs, strict=True))
    return grouped(lf, [pl.col(n) for n in names])


def chain(k: float, operations: int) -> pl.Expr:
    """Cheap arithmetic, no two of which share a part."""
    e = pl.col("x") * k
    for _ in range(operations - 1):
        e = e + k
    return e


def best(queries: dict[str, pl.LazyFrame]) -> dict[str, float]:
    """The best time of each query, in ms; the queries take turns."""
    times = dict.fromkeys(queries, float("inf"))
    for _ in range(REPEATS):
        for name, query in queries.items():
            start = time.perf_counter()
            query.collect(engine="streaming")
            times[name] = min(times[name], 1e3 * (time.perf_counter() - start))
    return times


def print_calls() -> None:
    print(f"Calls of one fused input, {ROWS:,} rows")
    print(f"{'groups':>8}{'calls':>8}{'up to 4,096 rows':>19}{'more rows':>12}{'longest':>10}")
    identity = pl.col("x").map_batches(counted, return_dtype=pl.Float64, is_elementwise=True)
    for groups in GROUPS:
        query = grouped(frame(groups), [identity + 1.0])
        lengths.clear()
        query.collect(engine="streaming")
        short = sum(n <= SLICE for n in lengths)
        print(f"{groups:>8,}{len(lengths):>8,}{short:>19,}{len(lengths) - short:>12,}{max(lengths):>10,}")


def print_times() -> None:
    kinds = {
        "columns": [pl.col(f"c{i}") for i in range(AGGREGATES)],
        "x * k": [chain(1.0 + i, 1) for i in range(AGGREGATES)],
        "x * k + k (5 operations)": [chain(1.0 + i, 5) for i in range(AGGREGATES)],
        "x * k + k (20 operations)": [chain(1.0 + i, 20) for i in range(AGGREGATES)],
        "Python identity": [
            pl.col("x").map_batches(counted, return_dtype=pl.Float64, is_elementwise=True) * (1.0 + i)
            for i in range(AGGREGATES)
        ],
    }
    print(f"\n{AGGREGATES} sums, ms, best of {REPEATS}")
    print(f"{'inputs':<28}{'64 groups':>22}{'65 groups':>22}{'64 : 65':>16}")
    print(f"{'':<28}{'fused':>11}{'before':>11}{'fused':>11}{'before':>11}{'fused':>8}{'before':>8}")
    for kind, inputs in kinds.items():
        queries = {}
        for groups in (64, 65):
            lf = frame(groups)
            if kind == "columns":
                lf = (
                    lf.with_columns((pl.col("x") * (1.0 + i)).alias(f"c{i}") for i in range(AGGREGATES))
                    .collect()
                    .lazy()
                )
            queries[f"{groups} fused"] = grouped(lf, inputs)
            if kind != "columns":
                queries[f"{groups} before"] = grouped_after_with_columns(lf, inputs)
        t = best(queries)
        t |= {key: float("nan") for key in ("64 before", "65 before") if key not in t}
        row = [t["64 fused"], t["64 before"], t["65 fused"], t["65 before"]]
        ratios = [t["64 fused"] / t["65 fused"], t["64 before"] / t["65 before"]]
        cells = "".join(f"{v:>11.1f}" for v in row) + "".join(f"{v:>8.2f}" for v in ratios)
        print(f"{kind:<28}{cells}".replace("nan", "  -"))


if __name__ == "__main__":
    print(f"polars {pl.__version__}, {pl.thread_pool_size()} thread(s)\n")
    print_calls()
    print_times()
