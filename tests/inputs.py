"""Random weights, and the regimes of them that accuracy is promised for, for the tests and for `make accuracy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Draw = Callable[[np.random.Generator, int, int], Iterator["Rows"]]


class Rows(NamedTuple):
    """Positive weights, a distribution per row of each matrix."""

    kind: str
    inputs: tuple[np.ndarray, ...]


class Regime(NamedTuple):
    """A kind of input, and the relative error that rows are allowed on it."""

    what: str
    bound: float
    # The lengths of rows for `make accuracy`; tests take the shorter ones.
    lengths: tuple[int, ...]
    # Takes a generator, the length of rows and their number.
    draw: Draw


def weights(rng: np.random.Generator, n: int, rows: int) -> Iterator[tuple[str, np.ndarray]]:
    """Uniform ones and heavy-tailed ones; none is 0, which the exact sums would have to leave out."""
    yield "uniform", 1 - rng.random((rows, n))
    yield "lognormal", rng.lognormal(0, 3, (rows, n))


def near(rng: np.random.Generator, p: np.ndarray, noise: float) -> np.ndarray:
    return p * (1 + noise * rng.standard_normal(p.shape))


def scaled(*scales: float) -> Draw:
    """One input, at several scales."""

    def draw(rng, n, rows):
        return (Rows(f"{kind} × {s:g}", (s * x,)) for kind, x in weights(rng, n, rows) for s in scales)

    return draw


def softmax(peak: float) -> Draw:
    """Exponentials of normal logits, one of which is a peak."""

    def draw(rng, n, rows):
        logits = np.where(np.arange(n) == n // 2, peak, rng.normal(0, 1, (rows, n)))
        return iter([Rows("normal logits", (np.exp(logits),))])

    return draw


def independent(rng: np.random.Generator, n: int, rows: int) -> Iterator[Rows]:
    """Two inputs that have nothing to do with each other."""
    return (Rows(kind, (x[:, :n], 7 * x[:, n:])) for kind, x in weights(rng, 2 * n, rows))


def nearly_equal(noise: float) -> Draw:
    """Two inputs that differ by some noise."""

    def draw(rng, n, rows):
        return (Rows(kind, (p, near(rng, p, noise))) for kind, p in weights(rng, n, rows))

    return draw


def one_sided(rng: np.random.Generator, n: int, rows: int) -> Iterator[Rows]:
    """Two inputs that have nothing to do with each other, each with zeros where the other has none."""
    for kind, p, q in ((kind, x[:, :n], x[:, n:]) for kind, x in weights(rng, 2 * n, rows)):
        p[:, 1::3], q[:, 2::3] = 0, 0
        yield Rows(kind, (p, q))


def subnormal(rng: np.random.Generator, n: int, rows: int) -> Iterator[Rows]:
    """Subnormal weights beside one of 1, on either side."""
    p, q = rng.integers(1, 2**40, (2, rows, n)) * 5e-324
    p[:, 0], q[:, -1] = 1, 1
    return iter([Rows("uniform", (p, q))])


def vocabulary(rng: np.random.Generator, n: int, rows: int) -> Iterator[Rows]:
    """Two inputs as alike as the next word is to two models."""
    p = rng.lognormal(0, 2, (rows, n))
    return iter([Rows("lognormal", (p, p * rng.lognormal(0, 0.1, p.shape)))])


def single(draw: Draw) -> Draw:
    """The same in single precision."""

    def singles(rng, n, rows):
        return (Rows(kind, tuple(x.astype(np.float32) for x in inputs)) for kind, inputs in draw(rng, n, rows))

    return singles


def fixed(*inputs: list[float]) -> Draw:
    """One row, as it is given."""

    def draw(_rng, _n, _rows):
        return iter([Rows("", tuple(np.array([x]) for x in inputs))])

    return draw
