"""Bad arguments are refused when the expression is built, with what was wrong and what to write instead."""

from __future__ import annotations

import decimal
import fractions
import functools
import math

import numpy as np
import polars as pl
import pytest

import polars_entropy as pe
from quantities import QUANTITIES

x, p, P = pl.col("x").info, pl.col("p").info.list, pl.col("P").info.arr


def methods(**accessors):
    """The methods of all quantities, with a q where they take one."""
    return [
        pytest.param(functools.partial(quantity.value, accessor), id=f"{name}.{quantity}")
        for name, accessor in accessors.items()
        for quantity in QUANTITIES
    ]


def methods_of_q(**accessors):
    """The methods of all quantities that take q."""
    return [
        pytest.param(getattr(accessor, quantity.name), id=f"{name}.{quantity}")
        for name, accessor in accessors.items()
        for quantity in QUANTITIES
        if quantity.pair
    ]


def states(**accessors):
    """The methods that make states, with a q where they take one."""
    return [
        pytest.param(functools.partial(quantity.state, accessor), id=f"{name}.{quantity}_state")
        for name, accessor in accessors.items()
        for quantity in QUANTITIES
        if quantity.sums
    ]


MERGE = pytest.param(pl.col("state").info.merge, id="merge")


@pytest.mark.parametrize("method", [*methods(x=x, p=p, P=P), MERGE])
@pytest.mark.parametrize("base", [0, -1, 1, 1.0, math.nan, math.inf, -0.0, False, True, 10**400, np.float64(0)])
def test_a_base_that_is_no_unit_is_refused(method, base):
    with pytest.raises(ValueError, match="`base` must be a positive finite number other than 1, or None for nats, not"):
        method(base=base)


@pytest.mark.parametrize("method", [*methods(x=x, p=p, P=P), MERGE])
@pytest.mark.parametrize("base", ["2", [2], 2j, pl.lit(2), np.array([2.0])])
def test_a_base_that_is_no_number_is_refused(method, base):
    with pytest.raises(TypeError, match="`base` must be a number or None, not"):
        method(base=base)


@pytest.mark.parametrize("base", [2, 2.0, np.float32(2), np.int8(2), decimal.Decimal(2), fractions.Fraction(2)])
def test_a_base_may_be_any_number(base):
    assert pl.Series([[1.0, 1.0]]).info.list.entropy(base=base).item() == 1.0


@pytest.mark.parametrize("method", [*methods(x=x, p=p, P=P), *states(x=x, p=p)])
@pytest.mark.parametrize("nan_policy", ["ignore", "Omit", None, 1, ["omit"]])
def test_what_is_no_nan_policy_is_refused(method, nan_policy):
    with pytest.raises(ValueError, match="`nan_policy` must be one of propagate, omit, raise, not"):
        method(nan_policy=nan_policy)


def test_a_nan_policy_may_be_a_string_of_numpys():
    assert pl.Series([1.0, None]).info.entropy(nan_policy=np.str_("omit")).item() == 0.0


@pytest.mark.parametrize("method", methods(P=P))
def test_what_is_no_axis_is_refused(method):
    for axis in (1.0, "0", True, (0, 1.5), pl.lit(0)):
        with pytest.raises(TypeError, match="`axis` must be an integer, a tuple of integers or None, not"):
            method(axis=axis)
    with pytest.raises(ValueError, match="at least one axis"):
        method(axis=())
    with pytest.raises(ValueError, match="must be an axis of the column, not 9223372036854775808"):
        method(axis=2**63)
    with pytest.raises(ValueError, match=r"must not name an axis twice, as \(0, 0\) does"):
        method(axis=(0, 0))
    with pytest.raises(TypeError, match="`keepdims` must be True or False, not 1"):
        method(keepdims=1)


@pytest.mark.parametrize("method", [*methods_of_q(x=x, p=p, P=P), pytest.param(x.rel_entr, id="x.rel_entr")])
def test_what_is_no_q_is_refused(method):
    for q in (None, object(), {"a": 1}, {1.0}, b"ab", 1j, np.array("a"), (i for i in [1.0])):
        with pytest.raises(TypeError, match="q must be a column name, an expression, a Series, a sequence of numbers"):
            method(q)
    for q in (["a"], [1, "2"], [1j], [object()], np.array([object()])):
        with pytest.raises(TypeError, match="q must hold numbers, not"):
            method(q)
    with pytest.raises(ValueError, match="q must fit a float"):
        method([10**400])


def test_q_of_rows_is_no_number(pair):
    with pytest.raises(TypeError, match="q must be a column name"):
        pair.value(p, 1.0)


@pytest.mark.parametrize("method", methods_of_q(x=x, p=p))
def test_q_of_columns_and_of_lists_has_one_dimension(method):
    for q in (np.ones((2, 2)), [[1.0, 2.0]]):
        with pytest.raises(TypeError, match=r"q must be one-dimensional|q must hold numbers"):
            method(q)


@pytest.mark.parametrize("method", methods_of_q(P=P))
def test_q_of_arrays_is_rectangular(method):
    for q in ([[1.0, 2.0], [3.0]], [[1.0], 2.0], [[1.0], [[2.0]]]):
        with pytest.raises(ValueError, match="q must be rectangular"):
            method(q)


SERIES = {"x": pl.Series([1.0]).info, "p": pl.Series([[1.0]]).info.list}


@pytest.mark.parametrize("method", [*methods_of_q(**SERIES), pytest.param(SERIES["x"].rel_entr, id="x.rel_entr")])
def test_a_series_has_no_columns(method):
    with pytest.raises(TypeError, match="a Series has no columns, and so no 'q'"):
        method("q")


def test_masked_elements_are_missing(pair):
    q = np.ma.MaskedArray([7.0, 1.0, 1.0], mask=[True, False, False])
    rows = pl.Series([[1.0, 1.0, 1.0]])
    assert pair.value(rows.info.list, q).to_list() == [None]
    omitted = pair.value(rows.info.list, q, nan_policy="omit")
    assert omitted.to_list() == pair.value(pl.Series([[1.0, 1.0]]).info.list, [1.0, 1.0]).to_list()


def test_info_takes_names_expressions_and_series():
    frame = pl.DataFrame({"p": [[1.0, 1.0]]})
    for namespace in (pe.info("p"), pe.info(pl.col("p"))):
        assert frame.select(namespace.list.entropy(base=2)).item() == 1.0
    assert pe.info(frame["p"]).list.entropy(base=2).item() == 1.0
    with pytest.raises(TypeError, match="info\\(\\) takes a column name, an expression or a Series, not int 3"):
        pe.info(3)
