"""The figures as Markdown tables and as a plot."""

import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .timing import (
    FLOOR,
    GROUP_ROWS,
    KL_DIV,
    MAPS,
    OF_COUNTS,
    OF_LOGITS,
    OPERATIONS,
    OURS,
    OURS_PLAIN,
    ROW_ELEMENTS,
    SCALED,
    TEXTS,
    THREAD_ELEMENTS,
    WIDTHS,
)

Cells = dict[tuple[Any, Any], Any]

PACKAGES = (
    "polars-entropy",
    "polars",
    "scipy",
    "numpy",
    "numba",
    "duckdb",
    "simsimd",
    "numkong",
    "scikit-learn",
    "polars-ds",
)
# What a side is held against: as many native sums as it takes, or what it is a variety of.
SUMS = {
    "four sums of `x * k`": "sum",
    "entropy": "four sums of `x * k`",
    "entropy of Int64": "entropy",
    "entropy of Boolean": "entropy",
    "entropy of Float32": "entropy",
    "Polars `entropy`": "entropy",
    "six sums": "sum",
    "kl_div": "six sums",
    "cross_entropy": "six sums",
    "eight sums": "sum",
    "psi": "eight sums",
    "js_div": "kl_div",
}
# Ours in one strong colour, the peers each in a quieter one.
STYLES = {
    OURS: {"color": "#c1121f", "lw": 3.5, "marker": "o", "zorder": 4},
    "polars-entropy, Array": {"color": "#c1121f", "ls": "--", "marker": "s", "zorder": 3},
    "polars-entropy, Arrow": {"color": "#c1121f", "ls": "-.", "marker": "d", "zorder": 3},
    "polars-entropy, List of Float32": {"color": "#c1121f", "ls": ":", "marker": "v", "zorder": 3},
    OF_COUNTS: {"color": "#c1121f", "ls": ":", "marker": "^", "zorder": 3},
    "SciPy": {"color": "#1d4ed8", "marker": "o"},
    "NumPy by hand": {"color": "#0891b2", "marker": "D"},
    "Polars `entropy`": {"color": "#7c3aed", "marker": "^"},
    "DuckDB by hand": {"color": "#a16207", "marker": "P"},
    "numba fastmath": {"color": "#15803d", "marker": "X"},
    "SimSIMD": {"color": "#9ca3af", "ls": "--", "marker": "<"},
    "NumKong": {"color": "#4b5563", "marker": ">"},
    "two `kl_div`": {"color": "#c1121f", "lw": 1, "marker": "x"},
    KL_DIV: {"color": "#000000", "ls": "--", "marker": "1"},
    FLOOR: {"color": "#000000", "ls": ":", "marker": "."},
}


def markdown(results: dict[tuple, Any], scale: float, runs: int, name: str) -> str:
    def pair(
        table: str, corner: str, cells: Callable[[Cells], Cells], of: dict[str, str] = OPERATIONS | OF_LOGITS
    ) -> str:
        """A table for each operation that has figures."""
        tables = {title: cells(select(results, operation + table)) for operation, title in of.items()}
        return "\n\n".join(grid(title + corner, cells) for title, cells in tables.items() if cells)

    threads = select(results, "threads")
    titles = [(OPERATIONS | OF_LOGITS)[operation] for operation in SCALED]
    ratios = {(title, "ratio"): threads[title, "on 1"] / threads[title, "on 2"] for title in titles}
    forms = {"group_by": '`group_by("g").agg(…)`', "over": '`….over("g")`'}
    return (
        (Path(__file__).parent / "template.md")
        .read_text()
        .format(
            machine=machine() + f", **a trial run at {scale:g} of the sizes named here**" * (scale != 1),
            versions=", ".join(f"{package} {version(package)}" for package in PACKAGES),
            runs=runs,
            name=name,
            title="Benchmarks, measured" + (f", with {limit.upper()}" if (limit := instruction_set_limit()) else ""),
            row_elements=ROW_ELEMENTS,
            group_rows=GROUP_ROWS,
            thread_elements=THREAD_ELEMENTS,
            texts=TEXTS,
            map_rows=MAPS,
            rows=pair("", ", rows of", beside_ours, OPERATIONS),
            logits=pair("", ", rows of", beside_ours, OF_LOGITS),
            special=pair(" special", ", rows of", lambda cells: formatted("{:.2f}×", cells)),
            groups="\n\n".join(
                grid(f"{title}, groups", beside(select(results, form), "{:.1f}", lambda side, n: (SUMS.get(side), n)))
                for form, title in forms.items()
            ),
            values="\n\n".join(
                grid(
                    f"{threads} thread{'s' * (threads > 1)}, groups × values",
                    of_values(select(results, f"values {threads}")),
                )
                for threads in (1, 2)
            ),
            pairs=grid("mutual information", of_values(select(results, "pairs"))),
            characters=grid("entropy of characters", of_values(select(results, "characters"))),
            maps=grid("rows of keys and weights", of_values(select(results, "maps"))),
            threads=grid("threads", formatted("{:.1f}", threads) | formatted("{:.2f}×", ratios)),
            memory=pair(" memory", "", lambda cells: formatted("{:.1f}", cells)),
            trials=pair(" trials", "", lambda cells: cells),
            differences=pair(" differences", ", rows of", lambda cells: formatted("{0[0]:.0e}, {0[1]:.0e}", cells)),
        )
    )


def select(results: dict[tuple, Any], table: str) -> Cells:
    return {(row, column): value for (name, row, column), value in results.items() if name == table}


def formatted(form: str, cells: Cells) -> Cells:
    return {at: form.format(value) for at, value in cells.items()}


def beside(cells: Cells, form: str, base: Callable[[Any, Any], tuple[Any, Any]]) -> Cells:
    """Each figure, and in brackets as a multiple of the one that is its base, if there is one."""
    multiples = {at: f" ({value / cells[base(*at)]:.2f}×)" for at, value in cells.items() if base(*at) in cells}
    return {at: text + multiples.get(at, "") for at, text in formatted(form, cells).items()}


def beside_ours(cells: Cells) -> Cells:
    """Times, each as a multiple of ours, too."""
    return beside(cells, "{:.2f}", lambda _, width: (OURS, width))


def of_values(cells: Cells) -> Cells:
    """Times, each as a multiple of ours, too."""
    return beside(cells, "{:.1f}", lambda _, column: (OURS_PLAIN, column))


def grid(corner: str, cells: Cells) -> str:
    """A Markdown table of what is at (row, column)."""
    rows, columns = (dict.fromkeys(at[axis] for at in cells) for axis in (0, 1))
    lines = [[corner, *map(label, columns)], ["---"] * (1 + len(columns))]
    for row in rows:
        line = [label(row), *(cells.get((row, column), "") for column in columns)]
        lines.append([f"**{cell}**" if row in (OURS, OURS_PLAIN) else cell for cell in line])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def label(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def instruction_set_limit() -> str | None:
    """The best instruction set that ours may use, if that is limited. Peers use all that there is."""
    return os.environ.get("POLARS_ENTROPY_ISA")


def machine() -> str:
    """The processor, without anything that tells whose it is."""
    source = Path("/proc/cpuinfo")
    pairs = [line.partition(":") for line in source.read_text().splitlines()] if source.exists() else []
    cpu = {name.strip(): value.strip() for name, _, value in pairs}
    flags = cpu.get("flags", "").split()
    limit = instruction_set_limit()
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine()
    vectors += f" (polars-entropy: {limit.upper()} only)" if limit else ""
    return f"{cpu.get('model name', platform.system())}, {vectors}, {os.cpu_count()} threads"


def plot(results: dict[tuple, Any], path: Path) -> None:
    # Without random ids and a date, the same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    figure = Figure(figsize=(12, 10), facecolor="white", layout="constrained")
    handles = {}
    for ax, operation in zip(figure.subplots(2, 2, sharey=True).flat, OPERATIONS, strict=True):
        table = select(results, operation)
        for name, style in STYLES.items():
            if (name, WIDTHS[0]) in table:
                handles[name], *_ = ax.loglog(WIDTHS, [table[name, width] for width in WIDTHS], **style)
        ax.set(title=OPERATIONS[operation], xlabel="elements in a row", xticks=WIDTHS, xticklabels=map(label, WIDTHS))
        ax.set(ylabel="ns per element on one thread; lower is faster" if operation in {"H", "JS"} else "")
        ax.minorticks_off()
        ax.yaxis.set_major_formatter("{x:g}")
        ax.grid(color="#e5e7eb")
        ax.spines[["top", "right"]].set_visible(False)
    order = [name for name in STYLES if name in handles]
    labels = [name.replace("`", "") for name in order]
    figure.legend([handles[name] for name in order], labels, loc="outside right upper", frameon=False)
    figure.savefig(path, metadata={"Date": None})
