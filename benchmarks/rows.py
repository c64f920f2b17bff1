"""Rows on one thread: what each peer makes of special rows, its time beside ours, and what special rows cost us."""

import itertools
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from .peers import PEERS, Peer, matrices
from .timing import METHODS, OPERATIONS, OURS, ROW_ELEMENTS, UNCOMPARED, WIDTHS, arguments, best, tell

NAN = float("nan")
# Rows of p and q that tell the peers apart.
TRIALS = [
    ([2.0, 6.0], [1.0, 1.0]),
    ([0.0, 1.0], [0.5, 0.5]),
    ([0.5, 0.5], [0.0, 1.0]),
    ([0.0, 0.0], [0.5, 0.5]),
    ([0.5, NAN], [0.5, 0.5]),
    ([0.5, None], [0.5, 0.5]),
    ([], []),
    (None, [0.5, 0.5]),
]


def main() -> None:
    args = arguments().parse_args()
    for (name, peer), operation, (p, q) in itertools.product(PEERS.items(), OPERATIONS, TRIALS):
        if name not in UNCOMPARED and method(peer, operation):
            label = f"{p}" if operation == "H" else f"{p} ‖ {q}"
            label = label.replace(".0", "").replace("nan", "NaN").replace("None", "null")
            tell(f"{operation} trials", name, label, attempt(peer, operation, p, q))
    for width in WIDTHS:
        rng = np.random.default_rng(width)
        rows = max(10, int(args.scale * ROW_ELEMENTS) // width)
        p, q, noise = rng.random((3, rows, width))
        compare(p, q, args.runs)
        special(p, q, noise, args.runs)


def method(peer: Peer, operation: str) -> Callable[[Any], Any] | None:
    return peer.of.get(operation)


def attempt(peer: Peer, operation: str, p: list[float | None] | None, q: list[float]) -> str:
    """What a peer makes of one row, as text."""
    if peer.prepare is matrices and (p is None or None in p):
        return "–"
    frame = pl.DataFrame({"p": [p], "q": [q]}, schema=dict.fromkeys("pq", pl.List(pl.Float64)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = method(peer, operation)(peer.prepare(frame))
    except Exception:  # noqa: BLE001  whatever it is, it's no value
        return "error"
    # DuckDB's null is a masked element.
    value = result.item() if isinstance(result, pl.Series) else np.ma.atleast_1d(np.ma.asarray(result)).tolist()[0]
    return "null" if value is None else "NaN" if np.isnan(value) else f"{value + 0.0:.4g}"


def compare(p: np.ndarray, q: np.ndarray, runs: int) -> None:
    frame, shares = columns(p, q), columns(*(w / w.sum(axis=1, keepdims=True) for w in (p, q)))
    prepared = {name: peer.prepare(frame if peer.normalises else shares) for name, peer in PEERS.items()}
    for operation in OPERATIONS:
        runners = {name: method(peer, operation) for name, peer in PEERS.items()}
        sides = {name: partial(run, prepared[name]) for name, run in runners.items() if run}
        expected = np.asarray(sides[OURS]())
        for name in [name for name in sides if name not in {OURS, *UNCOMPARED}]:
            error = np.abs(np.asarray(sides[name]()) / expected - 1)
            if (limit := PEERS[name].tolerance) and not (error < limit).all():
                raise ValueError(f"{name}: {operation} in rows of {p.shape[1]} differs from ours by {error.max():.1e}")
            tell(f"{operation} differences", name, p.shape[1], [np.median(error), error.max()])
        for name, seconds in best(sides, runs).items():
            tell(operation, name, p.shape[1], 1e9 * seconds / p.size)


def special(p: np.ndarray, q: np.ndarray, noise: np.ndarray, runs: int) -> None:
    """Rows that need more than the plain sums, beside those that don't."""
    at = np.zeros(p.shape, bool)
    at[::10, p.shape[1] // 2] = True
    missing = {"null": columns(p, q, None, at), "NaN": columns(p, q, NAN, at)}
    near, dominant = columns(p, p * (1 + 1e-6 * noise)), 1e-3 * p
    dominant[:, 0] = 1e3
    for operation in OPERATIONS:

        def side(frame: pl.DataFrame, policy: str = "propagate", operation: str = operation) -> partial:
            info = pl.col("p").info.list
            expr = getattr(info, METHODS[operation])(*["q"] * (operation != "H"), nan_policy=policy)
            return partial(frame.select, expr)

        sides = {"clean": side(columns(p, q))}
        for (what, frame), policy in itertools.product(missing.items(), ("omit", "propagate")):
            sides[f"one {what} in every tenth row, `{policy}`"] = side(frame, policy)
        if operation == "H":
            sides["one dominant share: 1000 beside weights below 0.001"] = side(columns(dominant, q))
        else:
            sides["p near q: q = p·(1 + 1e-6·noise)"] = side(near)
        times = best(sides, runs)
        for case, seconds in times.items():
            tell(f"{operation} special", case, p.shape[1], seconds / times["clean"])


def columns(p: np.ndarray, q: np.ndarray, missing: float | None = NAN, at: np.ndarray | None = None) -> pl.DataFrame:
    """The List columns p and q, contiguous, p with the missing element, None or NaN, where `at` says."""
    flat = {"p": pl.Series(p.ravel()), "q": pl.Series(q.ravel())}
    if at is not None:
        flat["p"] = flat["p"].set(pl.Series(at.ravel()), missing)
    return pl.DataFrame({name: column.reshape(p.shape).arr.to_list() for name, column in flat.items()})


if __name__ == "__main__":
    main()
