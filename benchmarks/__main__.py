"""Runs all measurements, each part in a process of its own with its own threads, and writes tables and a plot."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from tqdm import tqdm

from . import report
from .timing import (
    GROUPS,
    LOGIT_WIDTHS,
    MEMORY_ELEMENTS,
    MEMORY_SIDES,
    OF_LOGITS,
    OPERATIONS,
    SCALED,
    THREAD_ELEMENTS,
    VALUES,
    WIDTHS,
    arguments,
)

LIMITS = "POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"


def jobs() -> Iterator[tuple[str, int | None, int]]:
    """Module and arguments, threads (None is for all that the machine has), and how often it takes its runs."""
    yield "rows", 1, 2 * len(OPERATIONS) * len(WIDTHS)
    yield "logits", 1, len(OF_LOGITS) * len(LOGIT_WIDTHS)
    yield "groups", 1, 2 * len(GROUPS)
    # Three dtypes; and pairs and characters on one thread.
    yield "values", 1, 3 * len(VALUES) + 2
    yield "maps", 1, 2
    yield "values", 2, 3 * len(VALUES)
    for operation in SCALED:
        for threads in (1, 2, 1, 2):  # in turn, and the better one counts
            yield f"scaling {operation} {THREAD_ELEMENTS}", threads, 1
        for elements, side in product(MEMORY_ELEMENTS, MEMORY_SIDES):
            yield f"scaling {operation} {elements} {side}", None, 0


def figures(job: str, threads: int | None, options: list[str]) -> Iterator[Any]:
    environment = {name: value for name, value in os.environ.items() if name not in LIMITS}
    if threads:
        environment |= dict.fromkeys(LIMITS, str(threads))
    module, *rest = job.split()
    command = [sys.executable, "-m", f"{__package__}.{module}", *options, *rest]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield from map(json.loads, process.stdout)
    if process.returncode:
        raise SystemExit(f"{job}: failed")


def main() -> None:
    parser = arguments()
    parser.add_argument(
        "--out", type=Path, default=Path("docs/explanation"), help="the folder of benchmarks.md and benchmarks.svg"
    )
    args = parser.parse_args()
    results: dict[tuple, Any] = {}
    options = ["--scale", str(args.scale), "--runs", str(args.runs)]
    with tqdm(total=sum(rounds * args.runs or 1 for *_, rounds in jobs()), unit="round", dynamic_ncols=True) as bar:
        for job, threads, rounds in jobs():
            bar.set_description(job)
            for figure in figures(job, threads, options):
                if figure is None:
                    bar.update()
                else:
                    *key, value = figure
                    key = tuple(key)
                    results[key] = min(value, results.get(key, value)) if "threads" in key else value
            bar.update(not rounds)
    args.out.mkdir(parents=True, exist_ok=True)
    limit = os.environ.get("POLARS_ENTROPY_ISA")
    name = f"benchmarks-{limit}" if limit else "benchmarks"
    report.plot(results, args.out / f"{name}.svg")
    text = report.markdown(results, args.scale, args.runs, name)
    (args.out / f"{name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
