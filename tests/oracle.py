"""Exact values by mpmath, of the very doubles (or singles) that go in, for the tests and for `make accuracy`.

`libmp` is mpmath without its objects, in half the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mpmath
import numpy as np
from mpmath.libmp import from_float, fzero, mpf_add, mpf_div, mpf_log, mpf_mul, mpf_shift, mpf_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    Weights = Sequence[float] | np.ndarray


def entropy(p: Weights, bits: int | None = None) -> mpmath.mpf:
    """ln P - Σ p ln p / P."""
    bits = bits or enough(p)
    with mpmath.workprec(bits):
        return mpmath.log(total(p, bits)) - mean_ln(p, p, None, bits)


def kl_div(p: Weights, q: Weights, bits: int | None = None) -> mpmath.mpf:
    """Σ p ln(p/q) / P - ln(P/Q)."""
    bits = bits or enough(p, q)
    with mpmath.workprec(bits):
        return mean_ln(p, p, q, bits) - mpmath.log(total(p, bits) / total(q, bits))


def cross_entropy(p: Weights, q: Weights, bits: int | None = None) -> mpmath.mpf:
    """ln Q - Σ p ln q / P."""
    bits = bits or enough(p, q)
    with mpmath.workprec(bits):
        return mpmath.log(total(q, bits)) - mean_ln(p, q, None, bits)


def js_div(p: Weights, q: Weights, bits: int | None = None) -> mpmath.mpf:
    """Half of Σ a ln(a/m) and of Σ b ln(b/m), with shares a and b and their mean m."""
    bits = bits or enough(p, q)
    with mpmath.workprec(bits):
        scales = [(1 / total(x, bits))._mpf_ for x in (p, q)]
        shares = [
            [mpf_mul(from_float(float(v)), scale, bits) for v in x] for x, scale in zip((p, q), scales, strict=True)
        ]
        terms = []
        for a, b in zip(*shares, strict=True):
            both = mpf_add(a, b, bits)
            # a ln(2a/(a + b)), and that of b.
            ratios = ((x, mpf_div(mpf_shift(x, 1), both, bits)) for x in (a, b) if x != fzero)
            terms += [mpf_mul(x, mpf_log(ratio, bits)) for x, ratio in ratios]
        return mpmath.mp.make_mpf(mpf_sum(terms, bits)) / 2


def of_logits(name: str, z: Weights, w: Weights = ()) -> mpmath.mpf:
    """Value of the weights e^z, and e^w, of the quantity of this name."""
    finite = [float(x) for x in (*z, *w) if x > -np.inf]
    span = max(finite) - min(finite) if finite else 0.0
    # Twice the bits that the least share needs, down to e^-1000.
    with mpmath.workprec(128 + int(min(2000, 3 * span))):
        p, q = ([mpmath.exp(mpmath.mpf(float(x))) if x > -np.inf else mpmath.mpf(0) for x in side] for side in (z, w))
        of_p, of_q = mpmath.fsum(p), mpmath.fsum(q)
        a = [x / of_p for x in p]
        if name == "entropy":
            return -mpmath.fsum(x * mpmath.log(x) for x in a if x)
        b = [x / of_q for x in q]
        if name == "js_div":
            m = [(x + y) / 2 for x, y in zip(a, b, strict=True)]
            return (divergence(a, m) + divergence(b, m)) / 2
        d = divergence(a, b)
        return d if name == "kl_div" else d - mpmath.fsum(x * mpmath.log(x) for x in a if x)


def divergence(a: list[mpmath.mpf], b: list[mpmath.mpf]) -> mpmath.mpf:
    """Σ a ln(a/b) of shares."""
    return mpmath.fsum(x * mpmath.log(x / y) for x, y in zip(a, b, strict=True) if x)


def psi(p: Weights, q: Weights, bits: int | None = None) -> mpmath.mpf:
    """D(p‖q) + D(q‖p)."""
    bits = bits or enough(p, q)
    with mpmath.workprec(bits):
        return kl_div(p, q, bits) + kl_div(q, p, bits)


def total(x: Weights, bits: int) -> mpmath.mpf:
    """Σ x."""
    return mpmath.mp.make_mpf(mpf_sum([from_float(float(v)) for v in x], bits))


def mean_ln(p: Weights, x: Weights, y: Weights | None, bits: int) -> mpmath.mpf:
    """Σ p ln(x/y) / P over p > 0, with y = 1 if there is none."""
    p, x = np.asarray(p, float), np.asarray(x, float)
    there = p > 0
    p_exact, ratios = ([from_float(v) for v in w[there].tolist()] for w in (p, x))
    if y is not None:
        divisors = map(from_float, np.asarray(y, float)[there].tolist())
        ratios = [mpf_div(a, b, bits) for a, b in zip(ratios, divisors, strict=True)]
    terms = [mpf_mul(a, mpf_log(ratio, bits)) for a, ratio in zip(p_exact, ratios, strict=True)]
    return mpmath.mp.make_mpf(mpf_sum(terms, bits)) / total(p, bits)


def enough(*weights: Weights) -> int:
    """The bits that totals need beside the smallest weight, and those of what cancels.

    A divergence of 1e-25 beside logarithms of 1e3 takes 95, and as many more as it is to have digits.
    """
    exponents = [np.frexp(x[x > 0])[1] for x in (np.asarray(w, float) for w in weights)]
    exponents = np.concatenate(exponents)
    return 160 + int(np.ptp(exponents)) if exponents.size else 160


def error(got: float, exact: mpmath.mpf) -> float:
    """The relative error."""
    return float(abs((mpmath.mpf(float(got)) - exact) / exact))
