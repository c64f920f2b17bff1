"""mpmath on the exact binary inputs as the oracle, where SciPy loses its digits.

Bounds are on the relative error. Each is some units in the last place (1.1e-16) of what has to be computed: a share, a
logarithm, their product, and a sum of positive terms.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import polars as pl
import pytest


def enough(n):
    """The bits that a total keeps beside weights of any magnitude; long rows here span no more than 300."""
    return mpmath.workprec(2500 if n <= 2 else 300)


def exact_entropy(x):
    with enough(len(x)):
        x = [mpmath.mpf(float(v)) for v in x if v != 0]
        total = mpmath.fsum(x)
        return mpmath.fsum(v / total * mpmath.log(total / v) for v in x)


def exact_kl_div(p, q):
    with enough(len(p)):
        p, q = ([mpmath.mpf(float(v)) for v in w] for w in (p, q))
        of_p, of_q = mpmath.fsum(p), mpmath.fsum(q)
        terms = (a / of_p * mpmath.log((a / of_p) / (b / of_q)) for a, b in zip(p, q, strict=True) if a != 0)
        return mpmath.fsum(terms)


def error(got, exact):
    with enough(1):
        return float(abs((mpmath.mpf(got) - exact) / exact))


def entropy_of(x, dtype=pl.Float64):
    return pl.Series([list(x)], dtype=pl.List(dtype)).info.list.entropy().item()


def kl_div_of(p, q, dtype=pl.Float64):
    sides = (pl.Series([list(x)], dtype=pl.List(dtype)) for x in (p, q))
    return next(sides).info.list.kl_div(next(sides)).item()


@pytest.fixture
def rng():
    return np.random.default_rng(20261121)


@pytest.mark.parametrize("n", [2, 3, 8, 10, 100, 1000, 20_000])
@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1.0, 1e5, 1e300])
def test_entropy_of_random_weights(rng, n, scale):
    for x in (rng.random(n), rng.lognormal(0, 3, n)):
        assert error(entropy_of(scale * x), exact_entropy(scale * x)) <= 1e-15


@pytest.mark.parametrize("epsilon", [1e-1, 1e-4, 1e-8, 1e-12, 1e-16, 1e-20, 1e-100, 1e-300])
def test_entropy_of_a_dominant_weight(epsilon):
    x = [1.0, epsilon]
    assert error(entropy_of(x), exact_entropy(x)) <= 1e-15


@pytest.mark.parametrize("gap", [30, 40, 50])
def test_entropy_of_a_peaked_softmax(rng, gap):
    x = np.exp(rng.normal(0, 1, 1000))
    x[500] = math.exp(gap)
    assert error(entropy_of(x), exact_entropy(x)) <= 1e-15


@pytest.mark.parametrize("k", range(1, 15))
def test_entropy_of_equal_weights_is_a_whole_number_of_bits(k):
    x = pl.Series([[0.1] * 2**k])
    assert x.info.list.entropy(base=2).item() == pytest.approx(k, rel=2 * 2.0**-52)


@pytest.mark.parametrize("n", [2, 3, 10, 100, 3000])
def test_kl_div_of_random_weights(rng, n):
    for _ in range(20):
        p, q = rng.random(n), 7 * rng.random(n)
        assert error(kl_div_of(p, q), exact_kl_div(p, q)) <= 2e-15


@pytest.mark.parametrize(("noise", "bound"), [(1e-3, 1e-13), (1e-5, 1e-12), (1e-8, 1e-11), (1e-10, 1e-9)])
def test_kl_div_of_nearly_equal_weights(rng, noise, bound):
    for n in (2, 3, 10, 40, 100, 1000):
        for p in (rng.random(n), rng.lognormal(0, 3, n)):
            q = p * (1 + noise * rng.standard_normal(n))
            got = kl_div_of(p, q)
            assert got > 0
            assert error(got, exact_kl_div(p, q)) <= bound


def test_kl_div_beside_rounded_totals():
    """The totals are rounded to 1e-16, and so is every share: an error of 1e-32, which counts here."""
    p, q = [17.79484863669429, 6.23588074992695e-05], [17.794848635510025, 6.235880749187255e-05]
    assert exact_kl_div(p, q) < 1e-26
    assert error(kl_div_of(p, q), exact_kl_div(p, q)) <= 1e-9


def test_kl_div_of_a_vocabulary(rng):
    p = rng.lognormal(0, 2, 32_000)
    q = p * rng.lognormal(0, 0.1, 32_000)
    assert error(kl_div_of(p, q), exact_kl_div(p, q)) <= 1e-14


def test_at_the_ends_of_the_range():
    assert entropy_of([1e308, 1e308]) == math.log(2)
    assert entropy_of([5e-324, 5e-324]) == math.log(2)
    assert kl_div_of([1.0, 1.0], [1e308, 1e308]) == 0.0
    for p, q in (([1e300, 1e-300], [1e-300, 1e300]), ([1.0, 1e-320], [1e-320, 1.0]), ([1e308, 1e308], [1e308, 1e-308])):
        assert error(kl_div_of(p, q), exact_kl_div(p, q)) <= 1e-15
    # The result is 7.4e-306, of shares that are subnormal themselves and have 1074 - 1023 = 51 digits at the most.
    p, q = [1e308, 1.0], [1e308, 1e-320]
    assert error(kl_div_of(p, q), exact_kl_div(p, q)) <= 1e-13


def test_single_precision(rng):
    x, y = rng.random(1000).astype(np.float32), rng.random(1000).astype(np.float32)
    near = (x * (1 + 1e-3 * rng.standard_normal(1000))).astype(np.float32)
    # The result is rounded to 6e-8 once.
    assert error(entropy_of(x, pl.Float32), exact_entropy(x)) <= 6e-8
    assert error(kl_div_of(x, y, pl.Float32), exact_kl_div(x, y)) <= 6e-8
    assert error(kl_div_of(x, near, pl.Float32), exact_kl_div(x, near)) <= 6e-8


@pytest.mark.parametrize("scale", [1e-290, 1e-3, 1.0, 1e6, 1e300])
def test_groups_keep_their_absolute_error(rng, engine, scale):
    frame = pl.DataFrame({"x": scale * rng.random(5000), "y": rng.random(5000)})
    exprs = [pl.col("x").info.entropy(), pl.col("x").info.kl_div("y").alias("d")]
    [(entropy, divergence)] = frame.lazy().select(exprs).collect(engine=engine).rows()
    bound = 1e-14 * (1 + abs(math.log(2500 * scale)))
    assert abs(mpmath.mpf(entropy) - exact_entropy(frame["x"])) <= bound
    assert abs(mpmath.mpf(divergence) - exact_kl_div(frame["x"], frame["y"])) <= bound


def test_groups_at_the_top_of_the_range(engine):
    frame = pl.DataFrame({"x": [1e308, 1e308], "y": [1.0, 1.0]})
    exprs = [pl.col("x").info.entropy(), pl.col("y").info.kl_div("x")]
    got = frame.lazy().select(exprs).collect(engine=engine).row(0)
    assert got == pytest.approx((math.log(2), 0.0), abs=1e-14 * 711)


@pytest.mark.parametrize("weight", [0.1, 1e-6])
def test_a_large_group_of_equal_weights(engine, weight):
    # A streaming group-by adds row by row, and the rounding errors of equal weights all have one sign.
    count = 1_000_000
    x = pl.DataFrame({"g": np.zeros(count, int), "x": np.full(count, weight), "y": np.arange(1.0, count + 1)})
    frame = pl.concat([x, pl.DataFrame({"g": [1], "x": [1.0], "y": [1.0]}, schema=x.schema)])
    exprs = [
        pl.col("x").info.entropy(),
        pl.col("x").info.kl_div("y").alias("d"),
        pl.col("x").info.entropy_state().struct.field("entropy").alias("h_state"),
        pl.col("x").info.kl_div_state("y").struct.field("divergence").alias("d_state"),
    ]
    grouped = frame.lazy().group_by("g").agg(exprs).filter(pl.col("g") == 0).drop("g").collect(engine=engine)
    bound = 1e-14 * (1 + abs(math.log(count * weight)))
    # Σ ln i = ln(n!), and Σ i = n(n + 1)/2.
    divergence = math.log((count + 1) / 2) - float(mpmath.loggamma(count + 1)) / count
    got = grouped.row(0)
    assert got == pytest.approx((math.log(count), divergence) * 2, abs=bound, rel=0)
