"""Threads and memory of the row forms, in rows of 100: one measurement in each process."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import scipy.special
import scipy.stats

import polars_entropy  # noqa: F401  registers the namespace

from .timing import MEMORY_SIDES, OF_LOGITS, OPERATIONS, SCALED, arguments, best, tell

WIDTH = 100


def main() -> None:
    parser = arguments()
    parser.add_argument("operation", choices=SCALED)
    parser.add_argument("elements", type=int)
    parser.add_argument("side", choices=MEMORY_SIDES, nargs="?", help="whose memory to measure; without it, our time")
    args = parser.parse_args()
    shape = max(1, int(args.scale * args.elements) // WIDTH), WIDTH
    rng = np.random.default_rng(0)
    weights = [rng.random(shape) for _ in range(2 if args.operation == "D" else 1)]
    if args.side is None:
        seconds = best({"": computation(weights, args.operation, "streaming")}, args.runs)[""]
        tell("threads", (OPERATIONS | OF_LOGITS)[args.operation], f"on {pl.thread_pool_size()}", 1e3 * seconds)
    else:
        tell(
            f"{args.operation} memory",
            f"{args.elements:,} elements",
            args.side,
            peak(weights, args.operation, args.side) / 2**20,
        )


def computation(weights: list[np.ndarray], operation: str, side: str) -> Callable[[], Any]:
    if side == "SciPy":
        if operation == "HZ":
            return lambda: scipy.stats.entropy(scipy.special.softmax(*weights, axis=1), axis=1)
        return partial(scipy.stats.entropy, *weights, axis=1)
    info = pl.col("p").info.list
    info = info.logits if operation == "HZ" else info
    # List columns over NumPy's own memory: building them leaves nothing behind for the allocator to reuse.
    offsets = pa.array(np.arange(0, weights[0].size + 1, WIDTH))
    columns = [pa.LargeListArray.from_arrays(offsets, pa.array(w.ravel())) for w in weights]
    frame = pl.LazyFrame(pa.table(dict(zip("pq", columns, strict=False))))
    return partial(frame.select(info.entropy() if len(weights) == 1 else info.kl_div("q")).collect, engine=side)


def peak(weights: list[np.ndarray], operation: str, side: str) -> int:
    """The bytes that computing takes above the input and the output, at its peak, as Linux counts them."""
    computation([w[:1000] for w in weights], operation, side)()  # whatever is loaded or started once
    compute = computation(weights, operation, side)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = status("VmRSS")
    result = compute()
    after = status("VmHWM")
    output = result.estimated_size() if isinstance(result, pl.DataFrame) else result.nbytes
    return max(0, after - before - output)


def status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    main()
