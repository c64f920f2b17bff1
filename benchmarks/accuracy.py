"""Errors against exact values, beside SciPy's: `make accuracy`, which writes the page accuracy.md and prints it.

The exact values are mpmath's, of the very doubles (or singles) that go in. A bound that is missed is shown as such.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import mpmath
import numpy as np
import polars as pl
import scipy.stats

import polars_entropy

ROOT = Path(__file__).parents[1]
# The oracle, the random weights and the registry of quantities are those of the tests.
sys.path.append(str(ROOT / "tests"))
import inputs  # noqa: E402
import oracle  # noqa: E402
from quantities import ENTROPY, KL_DIV, QUANTITIES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quantities import Quantity

REPORT = ROOT / "docs" / "explanation" / "accuracy.md"
SEED = 20261121
# Sizes of groups, and how many of them.
GROUPS = {10: 1_000, 1_000: 50, 100_000: 2, 1_000_000: 1}
GROUP_BOUND = 1e-14
MULTIPLE_BOUND = 1e-30


def rows_of(n: int) -> int:
    """Many short rows, and few of the long ones, which take longest."""
    return max(3, min(500, 20_000 // n))


def scipys(quantity: Quantity, *rows: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return quantity.scipy(*rows, axis=1)


def ours(quantity: Quantity, *rows: np.ndarray) -> np.ndarray:
    p, q = (pl.Series(x).arr.to_list() for x in (rows[0], rows[-1]))
    return quantity.value(p.info.list, q).to_numpy()


def exactly(quantity: Quantity, *rows: np.ndarray, bits: int | None = None) -> list[mpmath.mpf]:
    return [quantity.exact(*row, bits=bits) for row in zip(*rows, strict=True)]


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


def rows() -> Table:
    table = Table("relative error", "SciPy", "here", "worst here for", "bound")
    cases = [(quantity, regime, n) for quantity in QUANTITIES for regime in quantity.regimes for n in regime.lengths]
    for quantity, regime, n in cases:
        theirs, here = 0.0, (-1.0, "")
        for kind, weights in regime.draw(np.random.default_rng(SEED), n, rows_of(n)):
            exact = exactly(quantity, *weights)
            theirs = max(theirs, worst(scipys(quantity, *weights), exact))
            here = max(here, (worst(ours(quantity, *weights), exact), kind))
        what = f"{quantity.symbol}, {regime.what}, n = {n:,}"
        table.add(what, theirs, *here, regime.bound, met=here[0] <= regime.bound)
    return table


def logits() -> Table:
    """Rows of logits, and SciPy's of their softmax."""
    table = Table("relative error", "SciPy", "here", "bound")
    rng = np.random.default_rng(SEED)

    def add(name: str, symbol: str, what: str, rows: list[tuple[np.ndarray, ...]], bound: float | None) -> None:
        exact = [oracle.of_logits(name, *row) for row in rows]
        sides = [np.array(side) for side in zip(*rows, strict=True)]
        with np.errstate(all="ignore"):
            shares = [scipy.special.softmax(side, axis=1) for side in sides]
            quantity = next(quantity for quantity in QUANTITIES if quantity.name == name)
            theirs = worst(scipys(quantity, *shares), exact)
        p, *q = (pl.Series(side).arr.to_list() for side in sides)
        here = worst(getattr(p.info.list.logits, name)(*q).to_numpy(), exact)
        # What the rounding of shares leaves, D being half the square of what they differ by.
        bound = bound or 1e-15 + max(3.4e-16 / float(mpmath.sqrt(2 * d)) for d in exact)
        table.add(f"{symbol}, {what}, n = {rows[0][0].size:,}", theirs, here, bound, met=here <= bound)

    for n in (2, 10, 1_000):
        for spread in (1, 20):
            add("entropy", "H", f"normal, σ = {spread}", [(spread * rng.standard_normal(n),) for _ in range(20)], 1e-15)
        for gap in (30, 50, 100, 300, 700):
            rows = [rng.standard_normal(n) for _ in range(5)]
            for row in rows:
                row[0] = gap
            add("entropy", "H", f"one logit {gap} above the others", [(row,) for row in rows], 1e-15)
    for name, symbol in (("kl_div", "D"), ("js_div", "JS")):
        for n in (2, 10, 100):
            add(name, symbol, "independent, σ = 3", [tuple(3 * rng.standard_normal((2, n))) for _ in range(20)], None)
            for noise in (1e-3, 1e-5, 1e-8):
                pairs = ((3 * rng.standard_normal(n), noise * rng.standard_normal(n)) for _ in range(20))
                add(name, symbol, f"w = z + {noise:g}·noise", [(z, z + of_w) for z, of_w in pairs], None)
    masked = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1e9, 3.0])
    add("kl_div", "D", "a mask of -1e9 in q", [masked], 1e-15)
    return table


def signs() -> Table:
    table = Table("", "SciPy", "here", "bound")
    ways: list[Callable[..., np.ndarray]] = [scipys, ours]
    for n in (10, 1_000):
        for kind, weights in inputs.nearly_equal(1e-8)(np.random.default_rng(SEED), n, 2_000_000 // n):
            theirs, here = (1 - np.mean(way(KL_DIV, *weights) > 0) for way in ways)
            what = f"share of {len(weights[0]):,} D not above 0, q = p·(1 + 1e-8·noise), n = {n:,}, {kind}"
            table.add(what, f"{theirs:.1%}", f"{here:.1%}" if here else "none", "none", met=here == 0)
        rng = np.random.default_rng(SEED)
        for kind, p in inputs.weights(rng, n, 2_000):
            q = p * rng.lognormal(0, 3, (len(p), 1))
            theirs, here = (float(np.abs(way(KL_DIV, p, q)).max()) for way in ways)
            what = f"largest abs D(p‖c·p) of {len(p):,}, n = {n:,}, {kind}"
            table.add(what, theirs, here, MULTIPLE_BOUND, met=here <= MULTIPLE_BOUND)
    return table


def extremes() -> Table:
    table = Table("", "exact", "SciPy", "here", "bound, relative")
    for what, quantity, *row in (
        ("H([1e308, 1e308])", ENTROPY, [1e308, 1e308]),
        ("D([1, 1]‖[1e308, 1e308])", KL_DIV, [1.0, 1.0], [1e308, 1e308]),
        ("D([1e300, 1e-300]‖[1e-300, 1e300])", KL_DIV, [1e300, 1e-300], [1e-300, 1e300]),
        ("H([2^62, 2^62]), Int64", ENTROPY, [2**62, 2**62]),
    ):
        weights = [np.array([x]) for x in row]
        exact, theirs, here = (way(quantity, *weights)[0] for way in (exactly, scipys, ours))
        met = bool(abs(here - exact) <= 1e-15 * exact)
        table.add(what, *(f"{float(value):.16g}" for value in (exact, theirs, here)), 1e-15, met=met)
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


# Weights of groups: a kind, and a scale; without one they are shares.
KINDS = {"uniform": 1.0, "total 1": None, "× 1e6": 1e6, "× 1e-6": 1e-6, "equal": 0.1, "lognormal": 1.0}
# The quantities of groups, of p or of p and one of two q.
CASES = [
    (f"{quantity.symbol}{', ' if what else ''}{what}", quantity, side)
    for quantity in QUANTITIES
    for what, side in ([("random p and q", "q"), ("q = p·(1 + 1e-5·noise)", "r")] if quantity.pair else [("", "p")])
]


def cases_of(size: int) -> list[tuple[str, Quantity, str]]:
    """All of them, but of the largest groups those of H and D: others have sums of the same kind."""
    return [case for case in CASES if size < max(GROUPS) or case[1] in (ENTROPY, KL_DIV)]


def group_weights(kind: str, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights p, independent ones q, and r near p; a group per row."""
    p, q = 1 - rng.random((2, GROUPS[size], size))
    if kind == "equal":
        # Rounding errors of one sign, where others cancel.
        p = np.ones_like(p)
    if kind == "lognormal":
        p, q = np.exp(3 * rng.standard_normal((2, GROUPS[size], size)))
    scale = KINDS[kind]
    weights = {"p": p, "q": q, "r": inputs.near(rng, p, 1e-5)}
    return {side: scale * x if scale else x / x.sum(axis=1, keepdims=True) for side, x in weights.items()}


def group_errors(size: int) -> Iterator[tuple[str, list[list[float]]]]:
    """For each kind of weights, the errors of the sum of p and of each case: SciPy's, each way's, and those of rows."""
    rng, p_expr = np.random.default_rng(SEED), pl.col("p")
    exprs = [p_expr.sum().alias("sum"), *(case.value(p_expr.info, q).alias(what) for what, case, q in cases_of(size))]
    for kind in KINDS:
        weights = group_weights(kind, size, rng)
        # Each group once more from its end, so that there are two keys at least.
        ways = each_way(exprs, **{side: np.vstack([x, x[:, ::-1]]) for side, x in weights.items()})
        totals = {side: [oracle.total(x, 128) for x in of_side] for side, of_side in weights.items()}
        p = weights["p"]
        errors = [[worst(of_p, totals["p"]) for of_p in (p.sum(axis=1), *(way[0] for way in ways), p.sum(axis=1))]]
        for at, (_, quantity, side) in enumerate(cases_of(size), start=1):
            sides = ["p", side][: len(quantity.columns)]
            of_case = [weights[x] for x in sides]
            exact = exactly(quantity, *of_case, bits=128)
            scales = list(map(quantity.scale, exact, *(totals[x] for x in sides)))
            values = (scipys(quantity, *of_case), *(way[at] for way in ways), ours(quantity, *of_case))
            errors.append([worst(each, exact, scales) for each in values])
        yield kind, errors


def groups() -> Table:
    ways = ("agg, in memory", "agg, streaming", "select, in memory", "select, streaming", "as a row")
    table = Table("", "elements", "SciPy", *ways, "worst for", "bound")
    for size in GROUPS:
        kinds, errors = (np.array(x) for x in zip(*group_errors(size), strict=True))
        for at, what in enumerate(("sum of p, relative", *(what for what, *_ in cases_of(size)))):
            here = errors[:, at, 1:5].max(axis=1)
            cells = what, f"{size:,}", *errors[:, at].max(axis=0).tolist(), kinds[here.argmax()]
            table.add(*cells, GROUP_BOUND if at else "", met=bool(here.max() <= GROUP_BOUND) if at else None)
    return table


def zeros() -> Table:
    table = Table("", "elements", "smallest", "largest", "promise")
    exprs = [pl.col(x).info.kl_div(y).alias(x + y) for x, y in ("pp", "pr")] + [pl.col("one").info.entropy()]
    promises = {"D(p‖p)": "0", "D, q = p·(1 + 1e-8·noise)": "≥ 0", "H of one weight among zeros": "0"}
    for size, count in GROUPS.items():
        rng = np.random.default_rng(SEED)
        _, p = next(inputs.weights(rng, size, count))
        near = inputs.near(rng, p, 1e-8)
        values = np.hstack(each_way(exprs, p=p, r=near, one=p * (np.arange(size) == size // 2)))
        for (what, promise), of in zip(promises.items(), values, strict=True):
            least, most = of.min().item(), of.max().item()
            table.add(what, f"{size:,}", least, most, promise, met=least >= 0 and (promise != "0" or most == 0))
    return table


PAGE = """\
# Accuracy, measured

`make accuracy` writes this page: SciPy {scipy}, NumPy {numpy}, Polars {polars}, polars-entropy {polars_entropy}.
{met} of {all} bounds are met; one that is not says **no**.

The exact values are mpmath's for the very numbers that go in, as they stand in memory, so that only what the
computation adds counts. Each figure is the worst of several random inputs: up to 500 short ones of each kind, three of
the longest. H is the entropy, D the divergence of p from q, CE the cross-entropy, JS the Jensen-Shannon divergence and
PSI the stability index, in nats. Uniform weights are between 0 and 1, lognormal ones have σ = 3. SciPy's JS is the
square of `jensenshannon`, by the entropies that it consists of; its CE and PSI are sums of two of its values.

## Rows

Rows of List columns and axes of Array columns promise a small relative error: however small a result, its digits are
right. The bounds are those this project has set itself. Float32 results are rounded to 6e-8 in any case.

{rows}

D is never negative, and nothing between multiples of the same distribution:

{signs}

Rows of logits, beside SciPy's value of their softmax:

{logits}

Sums and shares may leave the range of their type:

{extremes}

## Columns, groups and windows

These are computed from sums that the engine takes. They promise an absolute error, for up to a million elements: at
most 1e-14·(1 + abs ln P) for H, 1e-14·(1 + abs ln(P/Q) + D) for D and with PSI in its place for PSI, and
1e-14·(1 + abs ln Q + CE) for CE, where P and Q are the totals. JS is that of a row, and its figures are errors over
0.1·(JS + 1e-6). The figures are errors divided by the factor in brackets. Heavy tails may exceed the promise:
{{doc}}`limits` says where that ends.

The first line of each size shows the relative error of Polars' own `sum`, and of NumPy's in the columns of SciPy and of
rows. Where the engine adds element by element, it loses digits, most of all in equal weights. In H this error would be
multiplied by ln of the number of elements. Therefore every sum is taken in two halves. Groups lie one after the other
in one frame and interleaved in another; the worse counts.

{groups}

So a result far below 1, as of a group with one dominant weight or of two that hardly differ, may have few right digits
or none. If they matter, gather the group into a row, which takes its memory and has a row's accuracy:

```py
pl.col("x").implode().info.list.entropy()
pl.col("x").implode().info.list.kl_div(pl.col("y").implode())
```

What the contract says is 0 is 0 in groups, too, and nothing is negative:

{zeros}
"""


def main() -> None:
    tables = {make.__name__: make() for make in (rows, logits, signs, extremes, groups, zeros)}
    marks = [row[-1] for table in tables.values() for row in table.rows[1:] if row[-1]]
    versions = {module.__name__: module.__version__ for module in (scipy, np, pl, polars_entropy)}
    print(page := PAGE.format(met=marks.count("yes"), all=len(marks), **tables, **versions), end="")
    REPORT.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
