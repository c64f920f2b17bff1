"""Errors of a group-by's sum on both engines, and what more accurate sums cost.

Needs polars and NumPy only. One thread unless POLARS_MAX_THREADS says otherwise.
"""
# ruff: noqa: T201

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import math
import time

import numpy as np
import polars as pl

LARGE = 1_000_000
ROWS = 2_000_000
REPEATS = 11
RUNS = 20
# Numbers of groups: below and above the bound up to which the in-memory engine hands a group-by to the streaming one.
FEW, MANY = 101, 100_001

X = pl.col("x")
# x without the lower 27 of its 53 bits. Sums of fewer than 2**26 such values of like size are exact.
LEAD = (X.reinterpret(dtype=pl.UInt64) & pl.lit(2**64 - 2**27, dtype=pl.UInt64)).reinterpret(dtype=pl.Float64)


def weights(kind: str) -> np.ndarray:
    rng = np.random.default_rng(2)
    match kind:
        case "0.1 each":
            return np.full(ROWS, 0.1)
        case "total 1":
            return np.full(ROWS, 1.0 / LARGE)
        case "uniform":
            return rng.uniform(0.0, 1.0, ROWS)
        case _:
            return rng.lognormal(0.0, 2.0, ROWS)


def one_large_group(kind: str, others: int) -> pl.DataFrame:
    """A million rows of group 0 among a million rows of `others` groups, in random order."""
    rng = np.random.default_rng(1)
    keys = np.zeros(ROWS, dtype=np.int64)
    keys[LARGE:] = 1 + np.arange(ROWS - LARGE) % others
    rng.shuffle(keys)
    return pl.DataFrame({"g": keys, "x": weights(kind)})


def of_group_0(df: pl.DataFrame, name: str = "x") -> float:
    return float(df.filter(pl.col("g") == 0)[name].item())


def totals_of(df: pl.DataFrame, groups: int) -> dict[str, list[float]]:
    """The totals of group 0 by each way, of `RUNS` runs in memory and of one elsewhere."""
    plain = df.lazy().group_by("g").agg(X.sum())
    totals = {
        f"streaming, {groups:,} groups": [of_group_0(plain.collect(engine="streaming"))],
        f"in-memory, {groups:,} groups": [of_group_0(plain.collect(engine="in-memory")) for _ in range(RUNS)],
    }
    if groups == FEW:
        halves = df.lazy().group_by("g").agg(lead=LEAD.sum(), rest=(X - LEAD).sum())
        of_both = of_group_0(halves.with_columns(x=pl.col("lead") + pl.col("rest")).collect(engine="streaming"))
        alone = df.lazy().filter(pl.col("g") == 0).select(X.sum()).collect(engine="streaming").item()
        totals |= {"streaming, lead and rest": [of_both], "streaming, select(sum)": [alone]}
    return totals


def print_errors() -> None:
    kinds = ("0.1 each", "total 1", "uniform", "lognormal")
    errors: dict[str, list[float]] = {}
    values: dict[str, list[int]] = {}
    for kind in kinds:
        for groups in (FEW, MANY):
            df = one_large_group(kind, groups - 1)
            exact = math.fsum(df.filter(pl.col("g") == 0)["x"])
            for name, totals in totals_of(df, groups).items():
                errors.setdefault(name, []).append(max(abs(total - exact) / exact for total in totals))
                values.setdefault(name, []).append(len(set(totals)))
    print(f"Sum of a group of {LARGE:,} rows: relative error against math.fsum, worst of {RUNS} runs in memory")
    print(f"{'':<32}" + "".join(f"{kind:>12}" for kind in kinds))
    for name, row in errors.items():
        print(f"{name:<32}" + "".join(f"{e:>12.1e}" for e in row))
    name = f"in-memory, {FEW:,} groups"
    print(f"\nDifferent values of the same sum in {RUNS} runs")
    print(f"{name:<32}" + "".join(f"{n:>12}" for n in values[name]))


def print_times() -> None:
    sizes = (10, 1_000, 100_000, 500_000)
    aggregates = {
        "sum": [X.sum()],
        "mean (sum and count)": [X.mean()],
        "var (three numbers, a division)": [X.var()],
        "lead and rest (two sums)": [LEAD.sum().alias("lead"), (X - LEAD).sum().alias("rest")],
    }
    print(f"\nstreaming, {ROWS:,} rows, best of {REPEATS}: ms, and as a multiple of one sum")
    print(f"{'groups':<34}" + "".join(f"{n:>16,}" for n in sizes))
    times: dict[str, list[float]] = {name: [] for name in aggregates}
    rng = np.random.default_rng(3)
    for size in sizes:
        df = pl.DataFrame({"g": rng.integers(0, size, ROWS), "x": rng.uniform(0.0, 1.0, ROWS)})
        queries = {name: df.lazy().group_by("g").agg(aggs) for name, aggs in aggregates.items()}
        best = dict.fromkeys(queries, math.inf)
        for _ in range(REPEATS):
            for name, query in queries.items():
                start = time.perf_counter()
                query.collect(engine="streaming")
                best[name] = min(best[name], 1e3 * (time.perf_counter() - start))
        for name, t in best.items():
            times[name].append(t)
    for name, row in times.items():
        print(f"{name:<34}" + "".join(f"{t:>10.1f}{t / one:>6.2f}" for t, one in zip(row, times["sum"], strict=True)))


if __name__ == "__main__":
    print(f"polars {pl.__version__}, {pl.thread_pool_size()} thread(s)\n")
    print_errors()
    print_times()
