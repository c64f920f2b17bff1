"""mpmath on the exact binary inputs as the oracle, where SciPy loses its digits.

Bounds are on the relative error. Each is some units in the last place (1.1e-16) of what has to be computed: a share, a
logarithm, their product, and a sum of positive terms.
"""

from __future__ import annotations

import functools
import math

import mpmath
import numpy as np
import polars as pl
import pytest

import oracle
from engines import ENGINES
from oracle import error
from quantities import QUANTITIES

# Exact values of longer rows take too long for a test; `make accuracy` has them.
LONGEST = 40_000


def of_row(quantity, *inputs):
    """The value of one row, in the precision of the inputs."""
    p, q = (pl.Series("p", np.array([x])).arr.to_list() for x in (inputs[0], inputs[-1]))
    return quantity.value(p.info.list, q).item()


def entropy_of(x):
    return pl.Series([x]).info.list.entropy().item()


def kl_div_of(p, q):
    return pl.Series([p]).info.list.kl_div(q).item()


@pytest.fixture
def rng():
    return np.random.default_rng(20261121)


REGIMES = [
    pytest.param(quantity, regime, n, id=f"{quantity}, {regime.what}, {n}")
    for quantity in QUANTITIES
    for regime in quantity.regimes
    for n in regime.lengths
    if n <= LONGEST
]


@pytest.mark.parametrize(("quantity", "regime", "n"), REGIMES)
def test_rows_have_the_relative_error_that_is_promised(rng, quantity, regime, n):
    for kind, inputs in regime.draw(rng, n, max(1, min(20, 2_000 // n))):
        for row in zip(*inputs, strict=True):
            got = of_row(quantity, *row)
            assert got > 0, kind
            assert error(got, quantity.exact(*row)) <= regime.bound, kind


@pytest.mark.parametrize("k", range(1, 15))
def test_the_entropy_of_equal_weights_is_a_whole_number_of_bits(k):
    x = pl.Series([[0.1] * 2**k])
    assert x.info.list.entropy(base=2).item() == pytest.approx(k, rel=2 * 2.0**-52)


def test_divergences_have_digits_where_totals_are_rounded():
    """The totals are rounded to 1e-16, and so is every share: an error of 1e-32, which counts here."""
    p, q = [17.79484863669429, 6.23588074992695e-05], [17.794848635510025, 6.235880749187255e-05]
    assert oracle.kl_div(p, q) < 1e-26
    assert error(kl_div_of(p, q), oracle.kl_div(p, q)) <= 1e-9


def test_values_are_right_at_the_ends_of_the_range():
    assert entropy_of([1e308, 1e308]) == math.log(2)
    assert entropy_of([5e-324, 5e-324]) == math.log(2)
    assert kl_div_of([1.0, 1.0], [1e308, 1e308]) == 0.0
    for p, q in (([1e300, 1e-300], [1e-300, 1e300]), ([1.0, 1e-320], [1e-320, 1.0]), ([1e308, 1e308], [1e308, 1e-308])):
        assert error(kl_div_of(p, q), oracle.kl_div(p, q)) <= 1e-15
    # The result is 7.4e-306, of shares that are subnormal themselves and have 1074 - 1023 = 51 digits at the most.
    p, q = [1e308, 1.0], [1e308, 1e-320]
    assert error(kl_div_of(p, q), oracle.kl_div(p, q)) <= 1e-13


# Groups.


@pytest.mark.parametrize("scale", [1e-290, 1e-3, 1.0, 1e6, 1e300])
def test_groups_have_the_absolute_error_that_is_promised(quantity, rng, scale):
    frame = pl.DataFrame({"p": scale * rng.random(5000), "q": rng.random(5000)})
    inputs = frame.select(quantity.columns).get_columns()
    exact = quantity.exact(*inputs)
    bound = 1e-14 * quantity.scale(exact, *(math.fsum(x) for x in inputs))
    for engine in ENGINES:
        got = frame.lazy().select(quantity.value(pl.col("p").info)).collect(engine=engine).item()
        assert abs(mpmath.mpf(got) - exact) <= bound, engine


def test_groups_at_the_top_of_the_range(engine):
    frame = pl.DataFrame({"x": [1e308, 1e308], "y": [1.0, 1.0]})
    exprs = [pl.col("x").info.entropy(), pl.col("y").info.kl_div("x")]
    got = frame.lazy().select(exprs).collect(engine=engine).row(0)
    assert got == pytest.approx((math.log(2), 0.0), abs=1e-14 * 711)


# A streaming group-by adds row by row, and the rounding errors of equal weights all have one sign.


@functools.cache
def of_equal_weights(quantity, count):
    return quantity.exact(*(np.ones(count), np.arange(1.0, count + 1))[: len(quantity.columns)], bits=128)


@pytest.mark.parametrize("weight", [0.1, 1e-6])
def test_a_group_of_equal_weights_has_the_error_that_is_promised(quantity, engine, weight):
    count = 50_000
    frame = pl.DataFrame({"g": [0, 1] * count, "p": weight, "q": np.repeat(np.arange(1.0, count + 1), 2)})
    grouped = frame.lazy().group_by("g").agg(quantity.value(pl.col("p").info)).collect(engine=engine)
    exact = of_equal_weights(quantity, count)
    totals = [count * weight, count * (count + 1) / 2][: len(quantity.columns)]
    for got in grouped["p"]:
        assert abs(mpmath.mpf(got) - exact) <= 1e-14 * quantity.scale(exact, *totals)


@pytest.mark.parametrize("weight", [0.1, 1e-6])
def test_a_million_equal_weights_have_the_error_that_is_promised(engine, weight):
    count = 1_000_000
    x = pl.DataFrame({"g": np.zeros(count, int), "x": np.full(count, weight), "y": np.arange(1.0, count + 1)})
    frame = pl.concat([x, pl.DataFrame({"g": [1], "x": [1.0], "y": [1.0]}, schema=x.schema)])
    exprs = [
        pl.col("x").info.entropy(),
        pl.col("x").info.kl_div("y").alias("d"),
        pl.col("x").info.entropy_state().struct.field("entropy").alias("h_state"),
        pl.col("x").info.kl_div_state("y").struct.field("kl_div").alias("d_state"),
    ]
    grouped = frame.lazy().group_by("g").agg(exprs).filter(pl.col("g") == 0).drop("g").collect(engine=engine)
    bound = 1e-14 * (1 + abs(math.log(count * weight)))
    # Σ ln i = ln(n!), and Σ i = n(n + 1)/2.
    divergence = math.log((count + 1) / 2) - float(mpmath.loggamma(count + 1)) / count
    got = grouped.row(0)
    assert got == pytest.approx((math.log(count), divergence) * 2, abs=bound, rel=0)
