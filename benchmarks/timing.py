"""What is measured, how a time is taken, and how a figure reaches the report."""

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping

OURS = "polars-entropy, List"
OURS_PLAIN = "polars-entropy"
# What it takes to read the data.
FLOOR = "Polars `list.sum`"
# What the other quantities of a pair are held against.
KL_DIV = "polars-entropy, `kl_div`"
# Rows of counts, which are other weights.
OF_COUNTS = "polars-entropy, List of Int64"
# Timed beside ours, but with other results by design.
UNCOMPARED = FLOOR, KL_DIV, OF_COUNTS
OPERATIONS = {
    "H": "Entropy H(p)",
    "D": "Divergence D(p‖q)",
    "JS": "Jensen-Shannon divergence JS(p, q)",
    "PSI": "Stability index PSI(p, q)",
}
# The method of each.
METHODS = {"H": "entropy", "D": "kl_div", "JS": "js_div", "PSI": "psi"}
OF_LOGITS = {"HZ": "Entropy of logits", "DZ": "Divergence of logits"}
# The same of weights, for which the exponentials are there.
OF_WEIGHTS = "polars-entropy, weights"
# Those whose threads and memory are measured: others have the same driver.
SCALED = "H", "D", "HZ"
MEMORY_SIDES = "streaming", "in-memory", "SciPy"
# The sizes, all of them but the widths multiplied by --scale.
WIDTHS = 10, 100, 1_000, 50_000
# The last is the size of a vocabulary.
LOGIT_WIDTHS = 10, 100, 1_000, 32_000
ROW_ELEMENTS = 4_000_000
GROUPS = 10, 1_000, 100_000, 500_000
GROUP_ROWS = 2_000_000
# Groups of observed values, and the number of different ones.
VALUES = (1_000, 100), (100_000, 20)
TEXTS = 200_000
# Rows of keys and weights.
MAPS = 100_000
THREAD_ELEMENTS = 20_000_000
MEMORY_ELEMENTS = 8_000_000, 64_000_000


def best(sides: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """The best time of each side in seconds. They take turns: a slow moment of the machine meets all of them."""
    times = dict.fromkeys(sides, math.inf)
    for _ in range(runs):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            times[name] = min(times[name], time.perf_counter() - start)
        print("null", flush=True)  # a step of the progress bar
    return times


def tell(table: str, row: str | int, column: str | int, value: object) -> None:
    """Hands one figure to the process that writes the report."""
    print(json.dumps([table, row, column, value]), flush=True)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="a factor for all sizes, for instance 0.02")
    parser.add_argument("--runs", type=int, default=7, help="each time is the best of so many")
    return parser
