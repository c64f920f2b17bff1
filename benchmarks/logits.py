"""Rows of logits on one thread, beside weights, which are their exponentials made before, and beside peers."""

from functools import partial

import numpy as np
import polars as pl
import scipy.special
import scipy.stats

import polars_entropy  # noqa: F401  registers the namespace

from .rows import columns
from .timing import LOGIT_WIDTHS, OF_LOGITS, OF_WEIGHTS, OURS, ROW_ELEMENTS, arguments, best, tell

P, Q = pl.col("p"), pl.col("q")


def main() -> None:
    args = arguments().parse_args()
    for width in LOGIT_WIDTHS:
        rng = np.random.default_rng(width)
        rows = max(4, int(args.scale * ROW_ELEMENTS) // width)
        z, w = 3 * rng.standard_normal((2, rows, width))
        logits, weights = columns(z, w), columns(np.exp(z), np.exp(w))
        for operation, sides in {
            "HZ": {
                "SciPy": lambda z=z: scipy.stats.entropy(scipy.special.softmax(z, axis=1), axis=1),
                "NumPy by hand": lambda z=z: numpy_entropy(z),
                "Polars softmax, then ours": partial(logits.select, softmax(P).info.list.entropy()),
                OF_WEIGHTS: partial(weights.select, P.info.list.entropy()),
                OURS: partial(logits.select, P.info.list.logits.entropy()),
            },
            "DZ": {
                "SciPy": lambda z=z, w=w: scipy.stats.entropy(
                    *(scipy.special.softmax(x, axis=1) for x in (z, w)), axis=1
                ),
                "NumPy by hand": lambda z=z, w=w: numpy_kl_div(z, w),
                "Polars softmax, then ours": partial(logits.select, softmax(P).info.list.kl_div(softmax(Q))),
                OF_WEIGHTS: partial(weights.select, P.info.list.kl_div("q")),
                OURS: partial(logits.select, P.info.list.logits.kl_div("q")),
            },
        }.items():
            expected = np.asarray(sides[OURS]().to_series())
            for name, side in sides.items():
                got = side()
                got = np.asarray(got.to_series() if isinstance(got, pl.DataFrame) else got)
                # Of independent logits, where nothing cancels.
                if not np.allclose(got, expected, rtol=1e-9):
                    raise ValueError(f"{name}: {OF_LOGITS[operation]} in rows of {width} differs from ours")
            for name, seconds in best(sides, args.runs).items():
                tell(operation, name, width, 1e9 * seconds / z.size)


def softmax(logits: pl.Expr) -> pl.Expr:
    """Weights, since a distribution needn't sum to one."""
    return logits.list.eval((pl.element() - pl.element().max()).exp())


def log_softmax(z: np.ndarray) -> np.ndarray:
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def numpy_entropy(z: np.ndarray) -> np.ndarray:
    log_p = log_softmax(z)
    return -(np.exp(log_p) * log_p).sum(axis=1)


def numpy_kl_div(z: np.ndarray, w: np.ndarray) -> np.ndarray:
    log_p, log_q = log_softmax(z), log_softmax(w)
    return (np.exp(log_p) * (log_p - log_q)).sum(axis=1)


if __name__ == "__main__":
    main()
