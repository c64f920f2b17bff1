"""Groups of data of growing size on the streaming engine, and under a limit of memory: `make bench-scale`.

The data is written to a temporary folder, which is deleted afterwards; scale-benchmark.md and scale.svg stay.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

from .report import Cells, beside, formatted, grid, label, machine, select
from .timing import arguments

OURS, SUMS = "entropy and kl_div", "two sums"
IN_MEMORY = f"{OURS}, in-memory engine"
VALUES = "values", "values, two stages"
# A file each, of which a measurement reads as many as it takes; all of them at --scale 1.
PIECE = 4_000_000
PIECES = 1, 4, 16, 64
GROUPS = 1_000
ROW_GROUP = 100_000
# What a row takes: a key that packs to 10 bits, a value that packs to 7, and two weights that don't compress; in
# memory, the weights and a key of 32 bits.
DISK_BYTES, MEMORY_BYTES = 18, 20
KINDS = 100
# Far below the data, and above what two threads, the allocator and the libraries reserve.
LIMIT = 2 * 2**30
GROWTH = 1.3
STYLES = {
    OURS: {"color": "#c1121f", "lw": 3.5, "marker": "o", "zorder": 4},
    SUMS: {"color": "#000000", "ls": ":", "marker": "."},
    IN_MEMORY: {"color": "#1d4ed8", "marker": "s"},
}


class Job(NamedTuple):
    name: str
    pieces: int
    side: str = OURS
    engine: str = "streaming"
    limit: int | None = None


def jobs(runs: int) -> Iterator[Job]:
    """The sides in turn, all sizes in each round: a slow moment of the machine meets all of them."""
    for _ in range(runs):
        for pieces in PIECES:
            yield from (Job(side, pieces, side) for side in (OURS, SUMS))
    # Not for the largest, which a machine may not hold.
    yield from (Job(IN_MEMORY, pieces, engine="in-memory") for pieces in PIECES[:-1])
    yield from (Job(side, pieces, side) for pieces in PIECES[:-1] for side in VALUES)
    yield from (Job(f"{engine}, limited", PIECES[-1], OURS, engine, LIMIT) for engine in ("streaming", "in-memory"))


def main() -> None:
    parser = arguments()
    parser.add_argument(
        "--out", type=Path, default=Path("docs/explanation"), help="the folder of scale-benchmark.md and scale.svg"
    )
    parser.add_argument("--data", type=Path, default=Path("target"), help="where the data is for the time being")
    parser.set_defaults(runs=5)
    args = parser.parse_args()
    piece = max(GROUPS, int(args.scale * PIECE))
    for folder in (args.out, args.data):
        folder.mkdir(parents=True, exist_ok=True)
    check_disk(args.data, piece * PIECES[-1])
    results: dict[tuple, Any] = {}
    with tempfile.TemporaryDirectory(prefix="scale-", dir=args.data) as name:
        total = piece * (PIECES[-1] + sum(job.pieces for job in jobs(args.runs)))
        with tqdm(total=total, unit=" rows", unit_scale=True, dynamic_ncols=True) as bar:
            for rows in generate(Path(name), piece):
                bar.update(rows)
            for job in jobs(args.runs):
                rows = piece * job.pieces
                bar.set_description(f"{job.name}, {rows:,} rows")
                record(results, job, rows, measure(job, name))
                bar.update(rows)
        disk = sum(file.stat().st_size for file in Path(name).iterdir())
    plot(results, args.out / "scale.svg")
    text = markdown(results, disk, args.scale, args.runs)
    (args.out / "scale-benchmark.md").write_text(text)
    print(text)


def check_disk(folder: Path, rows: int) -> None:
    need, free = DISK_BYTES * rows / 1e9, shutil.disk_usage(folder).free / 1e9
    print(f"{need:.2f} GB for the time being, of {free:.0f} GB free in {folder}", file=sys.stderr)
    if need > 0.9 * free:
        raise SystemExit("not enough room on the disk: `--scale` shrinks the data, `--data` names another folder")


def generate(folder: Path, rows: int) -> Iterator[int]:
    """Writes the files one by one, and gives the number of rows after each."""
    for piece in range(PIECES[-1]):
        rng = np.random.default_rng(piece)
        keys = rng.integers(0, GROUPS, rows, dtype=np.int32)
        weights = {"x": rng.random(rows), "y": rng.random(rows)}
        frame = pl.DataFrame({"g": keys, **weights, "v": rng.integers(0, KINDS, rows, dtype=np.int32)})
        frame.write_parquet(folder / f"{piece}.parquet", row_group_size=ROW_GROUP)
        yield rows
    os.sync()  # or it goes on beside the first measurements


def measure(job: Job, folder: str) -> dict[str, float] | None:
    """The figures of a process of its own, `None` if memory is not enough."""
    command = [sys.executable, "-m", f"{__package__}.streaming", folder, str(job.pieces), job.side, job.engine]
    environment = dict(os.environ)
    if job.limit:
        command += ["--limit", str(job.limit)]
        environment["POLARS_MAX_THREADS"] = "2"
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if process.returncode == 0:
        return json.loads(process.stdout)
    if job.limit and job.engine == "in-memory" and "memory allocation of" in process.stderr:
        return None
    raise SystemExit(f"{job.name}: failed\n{process.stderr}")


def record(results: dict[tuple, Any], job: Job, rows: int, figures: dict[str, float] | None) -> None:
    if job.limit:
        results["limited", job.engine, rows] = figures
        return
    if figures["groups"] != GROUPS:
        raise ValueError(f"{job.name}: {figures['groups']} groups of {GROUPS}")
    for table, value, worse in (
        ("peak", figures["peak"] / 1e6, max),
        ("time", figures["seconds"], min),
        ("before", figures["before"] / 1e6, max),
    ):
        results[table, rows, job.name] = worse(value, results.get((table, rows, job.name), value))


def markdown(results: dict[tuple, Any], disk: int, scale: float, runs: int) -> str:
    peaks, times = of_weights(results, "peak"), of_weights(results, "time")
    of_values = {at: x for at, x in select(results, "peak").items() if at[1] in VALUES}
    of_values |= {(rows, f"{side}, s"): x for (rows, side), x in select(results, "time").items() if side in VALUES}
    sizes = list(dict.fromkeys(rows for rows, _ in peaks))
    per_row = {(rows, side): 1e9 * seconds / rows for (rows, side), seconds in times.items()}
    in_memory = {(rows, "data in memory"): MEMORY_BYTES * rows / 1e6 for rows in sizes}
    timed = beside(times, "{:.2f}", lambda rows, side: (rows, SUMS) if side == OURS else (None, None))
    timed |= {(rows, f"{OURS}, ns per row"): f"{per_row[rows, OURS]:.1f}" for rows in sizes}
    return (
        (Path(__file__).parent / "scale.md")
        .read_text()
        .format(
            machine=machine() + f", **a trial run at {scale:g} of the sizes**" * (scale != 1),
            versions=", ".join(f"{package} {version(package)}" for package in ("polars-entropy", "polars")),
            groups=GROUPS,
            row_group=ROW_GROUP,
            largest=sizes[-1],
            disk=disk / 1e9,
            memory=MEMORY_BYTES * sizes[-1] / 1e9,
            runs=runs,
            before=max(select(results, "before").values()),
            promises=promises({"peak memory": peaks, "time per row": per_row}, sizes[1], sizes[-1]),
            peaks=grid("rows", formatted("{:,.0f}", peaks | in_memory)),
            times=grid("rows", timed),
            kinds=KINDS,
            values=grid(
                "rows", {at: f"{x:,.2f}" if at[1].endswith(", s") else f"{x:,.0f}" for at, x in of_values.items()}
            ),
            limit=LIMIT // 1024,
            limit_gb=LIMIT / 1e9,
            limited=grid("engine", limited(results)),
        )
    )


def of_weights(results: dict[tuple, Any], table: str) -> Cells:
    """The figures of a table, but for those of observed values."""
    return {at: x for at, x in select(results, table).items() if at[1] not in VALUES}


def promises(tables: dict[str, Cells], small: int, large: int) -> str:
    cells = {}
    for what, table in tables.items():
        growth = table[large, OURS] / table[small, OURS]
        cells[what, "promised"] = f"at most {GROWTH:g}×"
        cells[what, "found"] = f"{growth:.2f}×"
        cells[what, "met"] = "yes" if growth <= GROWTH else "**no**"
    return grid(f"from {label(small)} rows to {label(large)}", cells)


def limited(results: dict[tuple, Any]) -> Cells:
    cells = {}
    for (engine, _), figures in select(results, "limited").items():
        cells[engine, "time, s"] = f"{figures['seconds']:.2f}" if figures else "out of memory"
        for column, field in (("peak, MB", "peak"), ("address space, MB", "reserved")):
            cells[engine, column] = f"{figures[field] / 1e6:,.0f}" if figures else ""
    return cells


def plot(results: dict[tuple, Any], path: Path) -> None:
    # Without random ids and a date, the same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    figure = Figure(figsize=(12, 4.8), facecolor="white", layout="constrained")
    left, right = figure.subplots(1, 2)
    peaks, times = of_weights(results, "peak"), of_weights(results, "time")
    sizes = list(dict.fromkeys(rows for rows, _ in peaks))
    left.plot(sizes, [MEMORY_BYTES * rows / 1e6 for rows in sizes], color="#9ca3af", ls="--", label="the data itself")
    lines(left, peaks, sizes, "peak memory of the process, MB")
    lines(right, times, sizes, "time, s")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, metadata={"Date": None})


def lines(ax: Axes, table: Cells, sizes: list[int], ylabel: str) -> None:
    """A line for each side, over the number of rows."""
    for side, style in STYLES.items():
        there = [rows for rows in sizes if (rows, side) in table]
        ax.loglog(there, [table[rows, side] for rows in there], label=side, **style)
    ax.set(xlabel="million rows", ylabel=ylabel, xticks=sizes, xticklabels=[f"{rows / 1e6:g}" for rows in sizes])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter("{x:g}")
    ax.grid(color="#e5e7eb")
    ax.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
