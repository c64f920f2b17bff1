"""Errors against exact values, beside SciPy's: `make accuracy`, which writes docs/accuracy.md and prints it.

The exact values are mpmath's, of the very doubles (or singles) that go in. A bound that is missed is shown as such.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import mpmath
import numpy as np
import polars as pl
import scipy.stats
from mpmath.libmp import from_float, mpf_div, mpf_log, mpf_mul, mpf_sum

import polars_entropy

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT = Path(__file__).parents[1] / "docs" / "accuracy.md"
SEED = 20261121
LENGTHS = (2, 10, 1_000, 100_000)
# Sizes of groups, and how many of them.
GROUPS = {10: 1_000, 1_000: 50, 100_000: 2, 1_000_000: 1}
GROUP_BOUND = 1e-14
MULTIPLE_BOUND = 1e-30

# For the few numbers that become of long sums.
mpmath.mp.prec = 1_000


def total(x: np.ndarray, bits: int) -> mpmath.mpf:
    return mpmath.mp.make_mpf(mpf_sum(map(from_float, x.tolist()), bits))


def mean_ln(p: np.ndarray, q: np.ndarray | None, bits: int) -> mpmath.mpf:
    """Σ p ln(p/q) / Σ p, with q = 1 if there is none. `libmp` is mpmath without its objects, in half the time."""
    exact = [from_float(x) for x in p.tolist()]
    ratios = exact if q is None else map(lambda x, y: mpf_div(x, from_float(y), bits), exact, q.tolist())
    terms = map(lambda x, ratio: mpf_mul(x, mpf_log(ratio, bits)), exact, ratios)
    return mpmath.mp.make_mpf(mpf_sum(terms, bits)) / total(p, bits)


class Inputs(NamedTuple):
    """Positive weights, a distribution per row."""

    kind: str
    p: np.ndarray
    q: np.ndarray | None = None

    def exact(self, bits: int = 200) -> list[mpmath.mpf]:
        """What cancels costs bits and no more: a D of 1e-25 beside logarithms of 1e3 takes 95."""
        if self.q is None:
            return [mpmath.log(total(x, bits)) - mean_ln(x, None, bits) for x in self.p]
        pairs = zip(self.p, self.q, strict=True)
        return [mean_ln(x, y, bits) - mpmath.log(total(x, bits) / total(y, bits)) for x, y in pairs]

    def scipys(self) -> np.ndarray:
        with np.errstate(all="ignore"):
            return scipy.stats.entropy(self.p, self.q, axis=1)

    def ours(self) -> np.ndarray:
        p, q = (None if x is None else pl.Series(x).arr.to_list() for x in (self.p, self.q))
        return (p.info.list.entropy() if q is None else p.info.list.kl_div(q)).to_numpy()


def worst(values: np.ndarray, exact: list[mpmath.mpf], scales: list[mpmath.mpf] | None = None) -> float:
    """The largest error, relative to the exact value or to a scale; there may be several rounds of values."""
    exact, scales = (of_each * (len(values) // len(exact)) for of_each in (exact, scales or exact))
    cases = zip(values.tolist(), exact, scales, strict=True)
    errors = [float(abs((mpmath.mpf(value) - e) / scale)) for value, e, scale in cases]
    return max(math.inf if math.isnan(error) else error for error in errors)


class Table:
    """A row for each case, told as soon as it is known; `met` is `None` where there is no bound."""

    def __init__(self, *head: str):
        self.rows = [[*head, "met"]]

    def add(self, *cells: object, met: bool | None) -> None:
        shown = [f"{cell:.1e}" if isinstance(cell, float) else str(cell) for cell in cells]
        self.rows.append([*shown, {True: "yes", False: "**no**", None: ""}[met]])
        print(" | ".join(self.rows[-1]), file=sys.stderr)

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        head, *rows = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in self.rows)
        return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["-" * width for width in widths], *rows))


def draws(n: int, rows: int | None = None) -> Iterator[tuple[str, np.random.Generator, np.ndarray]]:
    """By default many short rows, and few of the long ones, which take longest."""
    rng, shape = np.random.default_rng(SEED), (rows or max(3, min(500, 20_000 // n)), n)
    # Not 0, which the exact sums would have to leave out.
    yield "uniform", rng, 1 - rng.random(shape)
    yield "lognormal", rng, rng.lognormal(0, 3, shape)


def near(rng: np.random.Generator, p: np.ndarray, noise: float) -> np.ndarray:
    return p * (1 + noise * rng.standard_normal(p.shape))


def random_weights(n: int, *scales: float) -> Iterator[Inputs]:
    return (Inputs(f"{kind} × {scale:g}", scale * x) for kind, _, x in draws(n) for scale in scales)


def random_pairs(n: int) -> Iterator[Inputs]:
    return (Inputs(kind, x[:, :n], 7 * x[:, n:]) for kind, _, x in draws(2 * n))


def near_pairs(n: int, noise: float, rows: int | None = None) -> Iterator[Inputs]:
    return (Inputs(kind, p, near(rng, p, noise)) for kind, rng, p in draws(n, rows))


def singles(doubles: Iterator[Inputs]) -> Iterator[Inputs]:
    return (Inputs(kind, *(x.astype(np.float32) for x in pq if x is not None)) for kind, *pq in doubles)


def relative_cases() -> Iterator[tuple[str, float, Iterator[Inputs]]]:
    for n in (2, 3, 10, 100, 1_000, 10_000, 100_000):
        yield f"H, random weights, n = {n:,}", 1e-15, random_weights(n, 1e-300, 1e-5, 1, 1e5, 1e300)
    for tail in (1e-4, 1e-8, 1e-12, 1e-16, 1e-20, 1e-100):
        yield f"H([1, {tail:g}])", 1e-15, iter([Inputs("", np.array([[1.0, tail]]))])
    logits = np.random.default_rng(SEED).normal(0, 1, (20, 1_000))
    for gap in (30, 40, 50):
        x = np.exp(np.where(np.arange(1_000) == 500, gap, logits))  # noqa: PLR2004
        yield f"H, softmax of 1,000 logits with a peak of {gap}", 1e-15, iter([Inputs("normal logits", x)])
    for n in LENGTHS:
        yield f"D, random p and q, n = {n:,}", 2e-15, random_pairs(n)
    for noise, bound in ((1e-3, 1e-13), (1e-5, 1e-12), (1e-8, 1e-11), (1e-10, 1e-9)):
        for n in LENGTHS:
            yield f"D, q = p·(1 + {noise:g}·noise), n = {n:,}", bound, near_pairs(n, noise)
    for n in LENGTHS:
        yield f"Float32: H, n = {n:,}", 1e-7, singles(random_weights(n, 1e-5, 1, 1e5))
        yield f"Float32: D, random p and q, n = {n:,}", 2e-7, singles(random_pairs(n))
        yield f"Float32: D, q = p·(1 + 0.001·noise), n = {n:,}", 1e-6, singles(near_pairs(n, 1e-3))


def rows() -> Table:
    table = Table("relative error", "SciPy", "here", "worst here for", "bound")
    for what, bound, kinds in relative_cases():
        theirs, ours = 0.0, (-1.0, "")
        for inputs in kinds:
            exact = inputs.exact(bits=200 if inputs.kind else 800)
            theirs = max(theirs, worst(inputs.scipys(), exact))
            ours = max(ours, (worst(inputs.ours(), exact), inputs.kind))
        table.add(what, theirs, *ours, bound, met=ours[0] <= bound)
    return table


def signs() -> Table:
    table = Table("", "SciPy", "here", "bound")
    for n in (10, 1_000):
        for inputs in near_pairs(n, 1e-8, rows=2_000_000 // n):
            theirs, ours = (1 - np.mean(values > 0) for values in (inputs.scipys(), inputs.ours()))
            what = f"share of {len(inputs.p):,} D not above 0, q = p·(1 + 1e-8·noise), n = {n:,}, {inputs.kind}"
            table.add(what, f"{theirs:.1%}", f"{ours:.1%}" if ours else "none", "none", met=ours == 0)
        for kind, rng, p in draws(n, 2_000):
            inputs = Inputs(kind, p, p * rng.lognormal(0, 3, (len(p), 1)))
            theirs, ours = (float(np.abs(values).max()) for values in (inputs.scipys(), inputs.ours()))
            what = f"largest abs D(p‖c·p) of {len(p):,}, n = {n:,}, {kind}"
            table.add(what, theirs, ours, MULTIPLE_BOUND, met=ours <= MULTIPLE_BOUND)
    return table


def extremes() -> Table:
    table = Table("", "exact", "SciPy", "here", "bound, relative")
    for inputs in (
        Inputs("H([1e308, 1e308])", np.array([[1e308, 1e308]])),
        Inputs("D([1, 1]‖[1e308, 1e308])", np.array([[1.0, 1.0]]), np.array([[1e308, 1e308]])),
        Inputs("D([1e300, 1e-300]‖[1e-300, 1e300])", np.array([[1e300, 1e-300]]), np.array([[1e-300, 1e300]])),
        Inputs("H([2^62, 2^62]), Int64", np.array([[2**62, 2**62]])),
    ):
        exact, theirs, ours = inputs.exact(bits=5_000)[0], inputs.scipys().item(), inputs.ours().item()
        met = bool(abs(ours - exact) <= 1e-15 * exact)
        table.add(inputs.kind, *(f"{float(value):.16g}" for value in (exact, theirs, ours)), 1e-15, met=met)
    return table


def each_way(exprs: list[pl.Expr], **columns: np.ndarray) -> list[np.ndarray]:
    """The values of each expression in each group, which is a row of the columns, for each context and engine."""
    count, size = columns["p"].shape
    columns["g"] = np.repeat(np.arange(count), size).reshape(count, size)
    # Groups one after the other, and interleaved, as in a table that nobody has sorted.
    frames = [pl.DataFrame({name: x.ravel(order) for name, x in columns.items()}) for order in "CF"]
    grouped = [frame.lazy().group_by("g").agg(exprs).sort("g").drop("g") for frame in frames]
    alone = [group.lazy().select(exprs) for group in frames[0].partition_by("g", maintain_order=True)]
    ways = [(plans, engine) for plans in (grouped, alone) for engine in ("in-memory", "streaming")]
    return [pl.concat(plan.collect(engine=engine) for plan in plans).to_numpy().T for plans, engine in ways]


def group_errors(size: int) -> Iterator[tuple[str, list[list[float]]]]:
    """For each kind of weights, by expression: the errors of SciPy, each way, and rows."""
    rng, p_expr = np.random.default_rng(SEED), pl.col("p")
    exprs = [p_expr.sum().alias("sum"), p_expr.info.entropy(), *(p_expr.info.kl_div(q).alias(q) for q in ("q", "r"))]
    for kind, scale in (
        ("uniform", 1.0),
        ("total 1", None),
        ("× 1e6", 1e6),
        ("× 1e-6", 1e-6),
        ("equal", 0.1),
        ("lognormal", 1.0),
    ):
        p, q = 1 - rng.random((2, GROUPS[size], size))
        if kind == "equal":
            # Rounding errors of one sign, where others cancel.
            p = np.ones_like(p)
        if kind == "lognormal":
            p, q = np.exp(3 * rng.standard_normal((2, GROUPS[size], size)))
        p, q, r = (scale * x if scale else x / x.sum(axis=1, keepdims=True) for x in (p, q, near(rng, p, 1e-5)))
        # Each group once more from its end, so that there are two keys at least.
        ways = each_way(exprs, **{name: np.vstack([x, x[:, ::-1]]) for name, x in (("p", p), ("q", q), ("r", r))})
        totals = [total(x, 128) for x in p]
        scales = [1 + abs(mpmath.log(x)) for x in totals]
        errors = [[worst(values, totals) for values in (p.sum(axis=1), *(way[0] for way in ways), p.sum(axis=1))]]
        for at, inputs in enumerate((Inputs(kind, p), Inputs(kind, p, q), Inputs(kind, p, r)), start=1):
            exact, values = inputs.exact(bits=128), (inputs.scipys(), *(way[at] for way in ways), inputs.ours())
            errors.append([worst(each, exact, scales) for each in values])
        yield kind, errors


def groups() -> Table:
    ways = ("agg, in memory", "agg, streaming", "select, in memory", "select, streaming", "as a row")
    table = Table("", "elements", "SciPy", *ways, "worst for", "bound")
    for size in GROUPS:
        kinds, errors = (np.array(x) for x in zip(*group_errors(size), strict=True))
        for at, what in enumerate(("sum of p, relative", "H", "D, random p and q", "D, q = p·(1 + 1e-5·noise)")):
            ours = errors[:, at, 1:5].max(axis=1)
            cells = what, f"{size:,}", *errors[:, at].max(axis=0).tolist(), kinds[ours.argmax()]
            table.add(*cells, GROUP_BOUND if at else "", met=bool(ours.max() <= GROUP_BOUND) if at else None)
    return table


def zeros() -> Table:
    table = Table("", "elements", "smallest", "largest", "promise")
    exprs = [pl.col(x).info.kl_div(y).alias(x + y) for x, y in ("pp", "pr")] + [pl.col("one").info.entropy()]
    promises = {"D(p‖p)": "0", "D, q = p·(1 + 1e-8·noise)": "≥ 0", "H of one weight among zeros": "0"}
    for size, count in GROUPS.items():
        _, rng, p = next(draws(size, count))
        values = np.hstack(each_way(exprs, p=p, r=near(rng, p, 1e-8), one=p * (np.arange(size) == size // 2)))
        for (what, promise), of in zip(promises.items(), values, strict=True):
            least, most = of.min().item(), of.max().item()
            table.add(what, f"{size:,}", least, most, promise, met=least >= 0 and (promise != "0" or most == 0))
    return table


PAGE = """\
# Accuracy

`make accuracy` writes this page: SciPy {scipy}, NumPy {numpy}, Polars {polars}, polars-entropy {polars_entropy}.
{met} of {all} bounds are met; one that is not says **no**.

The exact values are mpmath's for the very numbers that go in, as they stand in memory, so that only what the
computation adds counts. Each figure is the worst of several random inputs: up to 500 short ones of each kind, three of
the longest. H is the entropy and D the divergence of p from q, in nats. Uniform weights are between 0 and 1, lognormal
ones have σ = 3.

## Rows

Rows of List columns and axes of Array columns promise a small relative error: however small a result, its digits are
right. The bounds are those this project has set itself. Float32 results are rounded to 6e-8 in any case.

{rows}

D is never negative, and nothing between multiples of the same distribution:

{signs}

Sums and shares may leave the range of their type:

{extremes}

## Columns, groups and windows

These are put together from sums that the engine takes, and promise an absolute error of 1e-14·(1 + abs ln S) for up to
a million elements, S being the total of p. The figures are errors divided by 1 + abs ln S. The first line of each size
shows the relative error of Polars' own `sum`, and NumPy's in the columns of SciPy and of rows: where the engine adds
element by element, it loses digits, most of all in equal weights. That would come back in H, times ln of the number of
elements, were not every sum here taken in two halves. Heavy tails are more than these can hold: the README says where
the promise ends. Groups lie one after the other in one frame and interleaved in another; the worse counts.

{groups}

So a result far below 1, as of a group with one dominant weight or of two that hardly differ, may have few right digits
or none. If they matter, gather the group into a row, which takes its memory and has a row's accuracy:

```python
pl.col("x").implode().info.list.entropy()
pl.col("x").implode().info.list.kl_div(pl.col("y").implode())
```

What the contract says is 0 is 0 in groups, too, and nothing is negative:

{zeros}
"""


def main() -> None:
    tables = {make.__name__: make() for make in (rows, signs, extremes, groups, zeros)}
    marks = [row[-1] for table in tables.values() for row in table.rows[1:] if row[-1]]
    versions = {module.__name__: module.__version__ for module in (scipy, np, pl, polars_entropy)}
    print(page := PAGE.format(met=marks.count("yes"), all=len(marks), **tables, **versions), end="")
    REPORT.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
