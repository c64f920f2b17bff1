"""Bad arguments are refused when the expression is built, with what was wrong and what to write instead."""

from __future__ import annotations

import decimal
import fractions
import math

import numpy as np
import polars as pl
import pytest

import polars_entropy as pe

x, p, P = pl.col("x").info, pl.col("p").info.list, pl.col("P").info.arr
METHODS = [x.entropy, lambda **k: x.kl_div("y", **k), p.entropy, lambda **k: p.kl_div("q", **k), P.entropy,
           lambda **k: P.kl_div("Q", **k)]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("base", [0, -1, 1, 1.0, math.nan, math.inf, -0.0, False, True, 10**400, np.float64(0)])
def test_base_values(method, base):
    with pytest.raises(ValueError, match="`base` must be a positive finite number other than 1, or None for nats, not"):
        method(base=base)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("base", ["2", [2], 2j, pl.lit(2), np.array([2.0])])
def test_base_types(method, base):
    with pytest.raises(TypeError, match="`base` must be a number or None, not"):
        method(base=base)


@pytest.mark.parametrize("base", [2, 2.0, np.float32(2), np.int8(2), decimal.Decimal(2), fractions.Fraction(2)])
def test_bases_that_are_numbers(base):
    assert pl.Series([[1.0, 1.0]]).info.list.entropy(base=base).item() == 1.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("nan_policy", ["ignore", "Omit", None, 1, ["omit"]])
def test_nan_policy(method, nan_policy):
    with pytest.raises(ValueError, match="`nan_policy` must be one of propagate, omit, raise, not"):
        method(nan_policy=nan_policy)


def test_a_nan_policy_may_be_a_string_of_numpys():
    assert pl.Series([1.0, None]).info.entropy(nan_policy=np.str_("omit")).item() == 0.0


@pytest.mark.parametrize("method", METHODS[4:])
def test_axis(method):
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


@pytest.mark.parametrize("method", [x.kl_div, x.rel_entr, p.kl_div, P.kl_div])
def test_q(method):
    for q in (None, object(), {"a": 1}, {1.0}, b"ab", 1j, np.array("a"), (i for i in [1.0])):
        with pytest.raises(TypeError, match="q must be a column name, an expression, a Series, a sequence of numbers"):
            method(q)
    for q in (["a"], [1, "2"], [1j], [object()], np.array([object()])):
        with pytest.raises(TypeError, match="q must hold numbers, not"):
            method(q)
    with pytest.raises(ValueError, match="q must fit a float"):
        method([10**400])


def test_q_of_one_dimension():
    for q in (np.ones((2, 2)), [[1.0, 2.0]]):
        for method in (x.kl_div, p.kl_div):
            with pytest.raises(TypeError, match=r"q must be one-dimensional|q must hold numbers"):
                method(q)
    with pytest.raises(TypeError, match="q must be a column name"):
        p.kl_div(1.0)


def test_q_of_more_dimensions():
    for q in ([[1.0, 2.0], [3.0]], [[1.0], 2.0], [[1.0], [[2.0]]]):
        with pytest.raises(ValueError, match="q must be rectangular"):
            P.kl_div(q)


def test_a_series_has_no_columns():
    for method in (pl.Series([1.0]).info.kl_div, pl.Series([1.0]).info.rel_entr, pl.Series([[1.0]]).info.list.kl_div):
        with pytest.raises(TypeError, match="a Series has no columns, and so no 'q'"):
            method("q")


def test_masked_elements_are_missing():
    q = np.ma.MaskedArray([7.0, 1.0, 1.0], mask=[True, False, False])
    rows = pl.Series([[1.0, 1.0, 1.0]])
    assert rows.info.list.kl_div(q).to_list() == [None]
    assert rows.info.list.kl_div(q, nan_policy="omit").to_list() == [0.0]


def test_info_takes_names_expressions_and_series():
    frame = pl.DataFrame({"p": [[1.0, 1.0]]})
    for namespace in (pe.info("p"), pe.info(pl.col("p"))):
        assert frame.select(namespace.list.entropy(base=2)).item() == 1.0
    assert pe.info(frame["p"]).list.entropy(base=2).item() == 1.0
    with pytest.raises(TypeError, match="info\\(\\) takes a column name, an expression or a Series, not int 3"):
        pe.info(3)
