"""Groups of what lies in Parquet files: one query, its time and its peak of memory, in a process of its own."""

import argparse
import json
import resource
import time
from pathlib import Path

import polars as pl

import polars_entropy  # noqa: F401  registers the namespace

WEIGHTS = [pl.col("x").info.entropy(), pl.col("x").info.kl_div("y").alias("d")]
SIDES = {
    "entropy and kl_div": lambda scan: scan.group_by("g").agg(WEIGHTS),
    "two sums": lambda scan: scan.group_by("g").agg(pl.col("x", "y").sum()),
    "values": lambda scan: scan.group_by("g").agg(pl.col("v").info.values.entropy()),
    "values, two stages": lambda scan: scan.group_by("g", "v").len("n").group_by("g").agg(pl.col("n").info.entropy()),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("pieces", type=int, help="how many of the folder's files to read")
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("engine", choices=["streaming", "in-memory"])
    parser.add_argument("--limit", type=int, help="bytes of address space, as `ulimit -v` has kilobytes")
    args = parser.parse_args()
    if args.limit:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (args.limit, args.limit))
    scan = pl.scan_parquet([args.folder / f"{piece}.parquet" for piece in range(args.pieces)])
    query = SIDES[args.side](scan)
    figures = {"before": status("VmHWM")}
    start = time.perf_counter()
    groups = query.collect(engine=args.engine).height
    figures |= {"seconds": time.perf_counter() - start, "peak": status("VmHWM"), "reserved": status("VmPeak")}
    print(json.dumps({"groups": groups, **figures}))


def status(field: str) -> int:
    """Bytes, as Linux counts them. The module that has the same beside it would bring SciPy into this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    main()
