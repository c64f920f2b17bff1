"""The registry of quantities: one row for each, with all that the tests and `make accuracy` need to know of it.

Every test of a shape (rows, axes, columns, groups, windows, states, Series, Arrow, plans) runs over all rows.
`test_quantities` fails where the plugin has a quantity without a row here, or a row lacks its methods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats

import contract
import inputs
import oracle
from inputs import Regime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import mpmath


@dataclass(frozen=True, eq=False)
class Quantity:
    """A row of the registry."""

    # The name of its methods, and of the value in its states.
    name: str
    # Its symbol in docs/explanation/accuracy.md.
    symbol: str
    # Whether it takes q beside p.
    pair: bool
    # The sums in its states; empty if it has no states.
    sums: tuple[str, ...]
    # The cases of the contract.
    cases: Sequence[contract.One | contract.Two]
    # SciPy's value of p, or of p and q, with `axis`, `keepdims`, `base` and `nan_policy`.
    scipy: Callable[..., Any]
    # mpmath's value of p, or of p and q.
    exact: Callable[..., mpmath.mpf]
    # What the error of a group is promised to be 1e-14 of: from the value, and the totals of p, or of p and q.
    scale: Callable[..., Any]
    # What rows are right on, and how right.
    regimes: Sequence[Regime]
    # Whether it takes `q_total`.
    of_total: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its inputs, in frames that have more."""
        return ("p", "q") if self.pair else ("p",)

    def value(self, accessor: Any, q: object = "q", **how: Any) -> Any:
        """The value that an accessor of p gives, with this q if it takes any."""
        return getattr(accessor, self.name)(*((q,) if self.pair else ()), **how)

    def state(self, accessor: Any, q: object = "q", **how: Any) -> Any:
        """The state that an accessor of p gives, with this q if it takes any."""
        return getattr(accessor, f"{self.name}_state")(*((q,) if self.pair else ()), **how)

    def of_inputs(self, function: Callable[..., Any], p: Any, q: Any, **how: Any) -> Any:
        """What a function, such as SciPy's, makes of p, and of q if there is any."""
        return function(p, *((q,) if self.pair else ()), **how)


def of_totals(_: Any, p: Any) -> Any:
    """The scale of errors of what depends on p alone."""
    return 1 + abs(math.log(p))


def of_ratio(value: Any, p: Any, q: Any) -> Any:
    """The scale of errors of what compares p with q."""
    return 1 + abs(math.log(p) - math.log(q)) + value


LENGTHS = (2, 10, 1_000, 100_000)
NEAR = {1e-3: 1e-13, 1e-5: 1e-12, 1e-8: 1e-11, 1e-10: 1e-9}

ENTROPY = Quantity(
    name="entropy",
    symbol="H",
    pair=False,
    sums=("mass",),
    cases=contract.ENTROPY,
    scipy=scipy.stats.entropy,
    exact=oracle.entropy,
    scale=of_totals,
    regimes=[
        Regime(
            "random weights", 1e-15, (2, 3, 10, 100, 1_000, 10_000, 100_000), inputs.scaled(1e-300, 1e-5, 1, 1e5, 1e300)
        ),
        *(
            Regime(f"weights 1 and {tail:g}", 1e-15, (2,), inputs.fixed([1.0, tail]))
            for tail in (1e-1, 1e-4, 1e-8, 1e-12, 1e-16, 1e-20, 1e-100, 1e-300)
        ),
        *(
            Regime(f"softmax of logits with a peak of {peak}", 1e-15, (1_000,), inputs.softmax(peak))
            for peak in (30, 40, 50)
        ),
        Regime("Float32, random weights", 1e-7, LENGTHS, inputs.single(inputs.scaled(1e-5, 1, 1e5))),
    ],
)

KL_DIV = Quantity(
    name="kl_div",
    symbol="D",
    pair=True,
    sums=("mass_p", "mass_q", "excess"),
    cases=contract.KL_DIV,
    scipy=scipy.stats.entropy,
    exact=oracle.kl_div,
    scale=of_ratio,
    regimes=[
        Regime("random p and q", 2e-15, LENGTHS, inputs.independent),
        *(
            Regime(f"q = p·(1 + {noise:g}·noise)", bound, LENGTHS, inputs.nearly_equal(noise))
            for noise, bound in NEAR.items()
        ),
        Regime("p and q of a vocabulary", 1e-14, (32_000,), inputs.vocabulary),
        Regime("Float32, random p and q", 1e-7, LENGTHS, inputs.single(inputs.independent)),
        Regime("Float32, q = p·(1 + 0.001·noise)", 1e-7, LENGTHS, inputs.single(inputs.nearly_equal(1e-3))),
    ],
    of_total=True,
)


def of_reference(value: Any, _: Any, q: Any) -> Any:
    """The scale of errors of what takes the logarithms of q."""
    return 1 + abs(math.log(q)) + value


def scipy_cross_entropy(p: Any, q: Any, **how: Any) -> Any:
    """H(p) + D(p‖q) of the pairs of which nothing is missing."""
    p = np.where(np.isnan(q), np.nan, p)
    return scipy.stats.entropy(p, **how) + scipy.stats.entropy(p, q, **how)


CROSS_ENTROPY = Quantity(
    name="cross_entropy",
    symbol="CE",
    pair=True,
    sums=("mass_p", "mass_q"),
    cases=contract.CROSS_ENTROPY,
    scipy=scipy_cross_entropy,
    exact=oracle.cross_entropy,
    scale=of_reference,
    regimes=[
        Regime("random p and q", 1e-15, LENGTHS, inputs.independent),
        *(Regime(f"q = p·(1 + {noise:g}·noise)", 1e-15, LENGTHS, inputs.nearly_equal(noise)) for noise in NEAR),
        *(
            Regime(f"p and q 1 and {tail:g}", 1e-15, (2,), inputs.fixed([1.0, tail], [1.0, 3 * tail]))
            for tail in (1e-1, 1e-4, 1e-8, 1e-12, 1e-16, 1e-20, 1e-100, 1e-300)
        ),
        Regime("p and q of a vocabulary", 1e-15, (32_000,), inputs.vocabulary),
        Regime("Float32, random p and q", 1e-7, LENGTHS, inputs.single(inputs.independent)),
    ],
    of_total=True,
)


def of_shares(value: Any, *_: Any) -> Any:
    """The scale of errors of groups that are gathered into rows."""
    return 0.1 * (value + 1e-6)


def with_missing(p: Any, q: Any) -> list[Any]:
    """Both inputs with NaN where one has it."""
    p, q = np.broadcast_arrays(np.asarray(p, float), np.asarray(q, float))
    return [np.where(np.isnan(p) | np.isnan(q), np.nan, x) for x in (p, q)]


def scipy_js_div(p: Any, q: Any, *, axis: Any = 0, **how: Any) -> Any:
    """The square of `jensenshannon`, which has no `nan_policy`, by the entropies that it consists of."""
    p, q = with_missing(p, q)
    totals = [np.nansum(x, axis=axis, keepdims=True) for x in (p, q)]
    with np.errstate(all="ignore"):
        m = p / totals[0] + q / totals[1]
    value = (scipy.stats.entropy(p, m, axis=axis, **how) + scipy.stats.entropy(q, m, axis=axis, **how)) / 2
    # A mixture that is NaN would be dropped.
    zero = ((totals[0] == 0) | (totals[1] == 0)) & ~np.isnan(p).all(axis=axis, keepdims=True)
    return np.where(zero if how.get("keepdims") else np.squeeze(zero, axis=axis), np.nan, value)[()]


def scipy_psi(p: Any, q: Any, **how: Any) -> Any:
    """D(p‖q) + D(q‖p)."""
    p, q = with_missing(p, q)
    return scipy.stats.entropy(p, q, **how) + scipy.stats.entropy(q, p, **how)


SHORT = (2, 10, 100)

JS_DIV = Quantity(
    name="js_div",
    symbol="JS",
    pair=True,
    sums=(),
    cases=contract.JS_DIV,
    scipy=scipy_js_div,
    exact=oracle.js_div,
    scale=of_shares,
    regimes=[
        Regime("random p and q", 1e-15, (*SHORT, 1_000, 10_000), inputs.independent),
        *(Regime(f"q = p·(1 + {noise:g}·noise)", NEAR[noise], SHORT, inputs.nearly_equal(noise)) for noise in NEAR),
        Regime("zeros on one side", 1e-15, SHORT, inputs.one_sided),
        Regime("subnormals beside 1", 1e-15, (2, 10), inputs.subnormal),
        Regime("p and q of a vocabulary", 1e-14, (32_000,), inputs.vocabulary),
        Regime("Float32, random p and q", 1e-7, SHORT, inputs.single(inputs.independent)),
        Regime("Float32, q = p·(1 + 0.001·noise)", 1e-7, SHORT, inputs.single(inputs.nearly_equal(1e-3))),
    ],
)

PSI = Quantity(
    name="psi",
    symbol="PSI",
    pair=True,
    sums=("mass_p", "mass_q", "excess", "kl_div_pq"),
    cases=contract.PSI,
    scipy=scipy_psi,
    exact=oracle.psi,
    scale=of_ratio,
    regimes=[
        Regime("random p and q", 1e-15, (*SHORT, 1_000, 10_000), inputs.independent),
        *(Regime(f"q = p·(1 + {noise:g}·noise)", NEAR[noise], SHORT, inputs.nearly_equal(noise)) for noise in NEAR),
        Regime("subnormals beside 1", 1e-15, (2, 10), inputs.subnormal),
        Regime("p and q of a vocabulary", 1e-14, (32_000,), inputs.vocabulary),
        Regime("Float32, random p and q", 1e-7, SHORT, inputs.single(inputs.independent)),
        Regime("Float32, q = p·(1 + 0.001·noise)", 1e-7, SHORT, inputs.single(inputs.nearly_equal(1e-3))),
    ],
)

QUANTITIES = [ENTROPY, KL_DIV, CROSS_ENTROPY, JS_DIV, PSI]
