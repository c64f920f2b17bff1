"""SciPy as the oracle, over inputs that hypothesis makes up: rows, axes, groups, columns, elements.

Weights are kept where SciPy itself is right: not negative (see docs/how-to/scipy.md), and with sums that
don't overflow. Its error is then absolute, some units in the last place of ln n + |ln(p/q)| < 500.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from compare import assert_same
from contract import POLICIES
from engines import ENGINES, collect, run

TOL, REL = 1e-13, 1e-15
# The promise on groups is 1e-14 (1 + |ln S|): S is up to 1e102 here, and a base of 2 divides by ln 2.
GROUP = 1e-14 * (1 + math.log(1e102)) / math.log(2)

P, ROWS, CELLS = pl.col("p").info, pl.col("p").info.list, pl.col("p").info.arr

positive = st.floats(1e-100, 1e100)
weights = st.one_of(st.just(0.0), st.integers(0, 5).map(float), positive)
missing = st.sampled_from([None, math.nan])
elements = st.one_of(weights, weights, weights, missing)
pairs = st.lists(st.tuples(elements, elements), max_size=20)
engines = st.sampled_from(ENGINES)
policies = st.sampled_from(POLICIES)
bases = st.sampled_from([None, 2, 10, 0.5, 7.3])


@pytest.fixture(autouse=True)
def _scipy_warns_where_it_divides_by_zero():
    with np.errstate(all="ignore"):
        yield


def scipy_value(quantity, p, q, *, base, nan_policy):
    """SciPy's value of one distribution, with the one thing that it can't say: that there was a null."""
    rows = [p, q] if quantity.pair else [p]
    if nan_policy == "propagate" and any(x is None for row in rows for x in row):
        return None
    p, q = (np.array([math.nan if x is None else x for x in row], dtype=float) for row in (p, q))
    return float(quantity.of_inputs(quantity.scipy, p, q, base=base, nan_policy=nan_policy))


def assert_nearly(value, want, what, tol=TOL):
    """SciPy's divergences of p from itself come out as ±1e-16, ours as 0."""
    if value == 0 and want is not None and math.isfinite(want):
        assert abs(want) <= tol, what
        return
    assert_same(value, want, tol=tol, rel=REL, what=what)


def test_worked_examples_have_their_known_values():
    p = [0.05, 0.1, 0.2, 0.05, 0.15, 0.25, 0.08, 0.12]
    q = [0.3, 0.1, 0.2, 0.1, 0.1, 0.02, 0.08, 0.1]
    frame = pl.DataFrame({"p": [p], "q": [q]})
    rows = frame.select(pq=ROWS.kl_div("q"), qp=pl.col("q").info.list.kl_div("p"))
    assert rows.row(0) == pytest.approx((0.589885181619163, 0.497549319448034), abs=1e-15)
    flat = frame.explode("p", "q").select(pq=P.kl_div("q"), qp=pl.col("q").info.kl_div("p"))
    assert flat.row(0) == pytest.approx((0.589885181619163, 0.497549319448034), abs=1e-14)


def test_coins_have_the_values_of_the_textbook():
    fair, biased = pl.Series([[0.5, 0.5]]), pl.Series([[0.9, 0.1]])
    entropy = biased.info.list.entropy(base=2).item()
    divergence = fair.info.list.kl_div(biased, base=2).item()
    assert fair.info.list.entropy(base=2).item() == 1.0
    assert entropy == pytest.approx(0.46899559358928117, rel=1e-15)
    assert divergence == pytest.approx(0.7369655941662062, rel=1e-15)
    # The cross-entropy H(p, q) = H(p) + D(p‖q).
    assert 1.0 + divergence == pytest.approx(1.736965594166206, rel=1e-15)


@given(st.lists(st.one_of(st.none(), pairs), max_size=12), policies, bases, engines)
def test_rows(quantity, rows, nan_policy, base, engine):
    sides = [[None if row is None else [pair[k] for pair in row] for row in rows] for k in (0, 1)]
    frame = pl.DataFrame(dict(zip("pq", sides, strict=True)), schema=dict.fromkeys("pq", pl.List(pl.Float64)))
    got = run(frame, quantity.value(ROWS, base=base, nan_policy=nan_policy), engine=engine)["p"]
    for value, p, q in zip(got, *sides, strict=True):
        want = None if p is None else scipy_value(quantity, p, q, base=base, nan_policy=nan_policy)
        assert_nearly(value, want, (p, q))


@given(st.lists(st.tuples(st.integers(0, 4), elements, elements), max_size=60), policies, bases, engines)
def test_groups_columns_and_windows(quantity, rows, nan_policy, base, engine):
    schema = {"g": pl.Int64, "p": pl.Float64, "q": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").lazy()
    expr = quantity.value(P, base=base, nan_policy=nan_policy)
    groups: dict[int, list[tuple]] = {}
    for g, p, q in rows:
        groups.setdefault(g, []).append((p, q))

    def check(value, pairs):
        p, q = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        assert_nearly(value, scipy_value(quantity, p, q, base=base, nan_policy=nan_policy), pairs, GROUP)

    for g, value in collect(frame.group_by("g").agg(expr), engine).rows():
        check(value, groups[g])
    for g, value in collect(frame.select("g", expr.over("g")), engine).rows():
        check(value, groups[g])
    check(collect(frame.select(expr), engine).item(), [(p, q) for _, p, q in rows])


@st.composite
def cells(draw, count=1):
    """Columns as NumPy has them, an axis of them, and whether to keep it."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=4))
    arrays = [
        draw(hnp.arrays(float, shape, elements=st.one_of(weights, weights, st.just(math.nan)))) for _ in range(count)
    ]
    ndim = len(shape)
    one = st.integers(-ndim, ndim - 1)
    several = st.sets(st.integers(0, ndim - 1), min_size=1).flatmap(
        lambda axes: st.tuples(*(st.sampled_from([a, a - ndim]) for a in axes))
    )
    return arrays, draw(st.one_of(st.none(), one, several)), draw(st.booleans())


def as_numpy(got: pl.Series, axis, ndim: int, keepdims: bool):  # noqa: FBT001
    """A result as SciPy shapes it: where axis 0 went, the column of one row goes too."""
    over_rows = axis is None or 0 in [a % ndim for a in np.atleast_1d(axis)]
    array = got.to_numpy()
    return array[0] if over_rows and not keepdims else array


@given(cells(count=2), policies, bases, engines)
def test_axes(quantity, drawn, nan_policy, base, engine):
    ([p, q], axis, keepdims) = drawn
    how = {"axis": axis, "keepdims": keepdims, "base": base, "nan_policy": nan_policy}
    want = quantity.of_inputs(quantity.scipy, p, q, **how)
    frame = pl.DataFrame({"p": pl.Series(p), "q": pl.Series(q)})
    lazily = run(frame, quantity.value(CELLS, **how), engine=engine)["p"]
    for got in (lazily, quantity.value(frame["p"].info.arr, frame["q"], **how)):
        np.testing.assert_allclose(as_numpy(got, axis, p.ndim, keepdims), want, rtol=REL, atol=TOL)
        assert got.dtype == lazily.dtype


@given(cells(), st.integers(0, 3), engines)
def test_one_cell_for_every_row_broadcasts_as_in_numpy(pair, drawn, leave_out, engine):
    ([p], axis, keepdims) = drawn
    # NumPy lines shapes up from the back; a cell may lack leading axes.
    q = np.arange(1.0, 1.0 + math.prod(p.shape[1 + leave_out :])).reshape(p.shape[1 + leave_out :])
    if q.ndim == 0:
        return
    want = pair.scipy(p, np.broadcast_to(q, p.shape), axis=axis, keepdims=keepdims)
    for fixed in (q, q.tolist()):
        got = run(pl.DataFrame({"p": p}), pair.value(CELLS, fixed, axis=axis, keepdims=keepdims), engine=engine)
        np.testing.assert_allclose(as_numpy(got["p"], axis, p.ndim, keepdims), want, rtol=REL, atol=TOL)


anything = st.one_of(st.floats(), weights, st.none())


@given(st.lists(st.tuples(anything, anything), max_size=40), engines)
def test_elements(rows, engine):
    frame = pl.DataFrame(rows, schema={"x": pl.Float64, "y": pl.Float64}, orient="row")
    exprs = pl.col("x").info.entr().alias("e"), pl.col("x").info.rel_entr("y").alias("r")
    got = run(frame, *exprs, engine=engine)
    for (x, y), entr, rel_entr in zip(rows, got["e"], got["r"], strict=True):
        assert_element(entr, None if x is None else float(scipy.special.entr(x)), x)
        want = None if None in (x, y) else float(scipy.special.rel_entr(x, y))
        if want is not None and abs(want) == math.inf and 0 < x < math.inf and 0 < y < math.inf and x / y == 0:
            continue  # SciPy 1.15 takes the logarithm of a quotient that has underflown
        assert_element(rel_entr, want, (x, y))


def assert_element(got, want, what):
    if want is not None and want == 0:
        want = 0.0  # entr(1) is -0.0 in SciPy, 0.0 here
    # Two units in the last place of the product, and SciPy's own; subnormal products round to their spacing.
    assert_same(got, want, rel=1e-15, tol=1e-323, what=what)
