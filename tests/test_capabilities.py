"""What a quantity can't do is refused, and what it does without native sums has the same values.

Every quantity of today has sums and states, so the table is told otherwise here.
"""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from compare import assert_same
from contract import POLICIES
from engines import collect, run
from plans import fallbacks
from polars_entropy import _lib

X, ROWS = pl.col("x").info, pl.col("x").implode().info.list
FRAME = pl.DataFrame(
    {
        "g": ["a", "a", "b", "b", "b", "c", "c"],
        "x": [1.0, 1.0, 3.0, 0.0, 5.0, 2.0, None],
        "y": [1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 1.0],
    }
)
# The promise on groups, with all logarithms of totals and values below 3.
GROUP = 1e-14 * 4

RIGHT = {
    "a column": "y",
    "an expression": pl.col("y") + 1,
    "a number": 2.5,
    "a whole number": 3,
    "an aggregate": pl.col("y").mean(),
    "a Series of one row": pl.Series([2.0]),
}


@pytest.fixture
def without(monkeypatch):
    """Takes a capability from a quantity."""

    def take(quantity, *capabilities):
        able = _lib.QUANTITIES[quantity.name]
        told = {name: getattr(able, name) for name in ("name", "pair", "sums", "state_sums")}
        told |= dict.fromkeys(capabilities)
        monkeypatch.setitem(_lib.QUANTITIES, quantity.name, SimpleNamespace(**told))

    return take


def contexts(expr):
    """The value in every context that a sum has one in."""
    lazy = FRAME.lazy()
    return {
        "select": lazy.select(expr),
        "select, of nothing": lazy.clear().select(expr),
        "with_columns": lazy.with_columns(out=expr).select("out"),
        "group_by": lazy.group_by("g", maintain_order=True).agg(expr),
        "group_by, others beside": lazy.group_by("g", maintain_order=True).agg(expr, n=pl.len(), s=pl.col("y").sum()),
        "over": lazy.select("g", expr.over("g")),
        "group_by, filtered": lazy.filter(pl.col("y") > 1).group_by("g", maintain_order=True).agg(expr),
    }


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("q", RIGHT.values(), ids=RIGHT)
def test_a_quantity_without_sums_has_the_same_values_by_gathering(quantity, without, engine, q, policy):
    want = [collect(query, engine) for query in contexts(quantity.value(X, q, base=2, nan_policy=policy)).values()]
    without(quantity, "sums")
    gathered = contexts(quantity.value(X, q, base=2, nan_policy=policy))
    # To know that it does gather.
    assert fallbacks(FRAME.lazy().select(quantity.value(X, q)))
    for (context, query), of_sums in zip(gathered.items(), want, strict=True):
        got = collect(query, engine)
        assert got.schema == of_sums.schema, context
        for row, of_row in zip(got.rows(), of_sums.rows(), strict=True):
            for value, of_value in zip(row, of_row, strict=True):
                if isinstance(value, float | None):
                    assert_same(value, of_value, tol=GROUP, what=context)
                else:
                    assert value == of_value, context


def test_a_quantity_without_sums_has_the_values_of_rows_to_the_bit(quantity, without, engine):
    rows = FRAME.lazy().group_by("g").agg(quantity.value(ROWS, pl.col("y").implode())).sort("g")
    without(quantity, "sums")
    gathered = FRAME.lazy().group_by("g").agg(quantity.value(X, "y")).sort("g")
    assert collect(gathered, engine).equals(collect(rows, engine))


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int64, pl.Boolean], ids=str)
def test_a_quantity_without_sums_has_the_same_dtypes(quantity, without, engine, dtype):
    frame = FRAME.drop_nulls().with_columns(pl.col("x", "y").cast(dtype))
    exprs = [quantity.value(X, "y"), quantity.value(X, 2).alias("number")]
    want = run(frame, *exprs, engine=engine)
    without(quantity, "sums")
    got = run(frame, quantity.value(X, "y"), quantity.value(X, 2).alias("number"), engine=engine)
    assert got.schema == want.schema
    for value, of_sums in zip(got.row(0), want.row(0), strict=True):
        assert_same(value, of_sums, tol=GROUP if got.dtypes[0] == pl.Float64 else 1e-7)


def test_a_quantity_without_sums_raises_at_the_same_element(quantity, without, engine):
    without(quantity, "sums")
    value = quantity.value(X, "y", nan_policy="raise")
    for query in (FRAME.lazy().select(value), FRAME.lazy().group_by("g").agg(value)):
        with pytest.raises(pl.exceptions.ComputeError, match="contains nan values: column 'x'"):
            query.collect(engine=engine)
    present = FRAME.lazy().filter(pl.col("g") != "c").group_by("g").agg(value)
    assert collect(present, engine).height == 2


def test_a_sequence_goes_with_a_column_of_a_quantity_without_sums(pair, without, engine):
    q = FRAME["y"].to_list()
    want = run(FRAME, pair.value(X, q, nan_policy="omit"), engine=engine).item()
    without(pair, "sums")
    assert_same(run(FRAME, pair.value(X, q, nan_policy="omit"), engine=engine).item(), want, tol=GROUP)
    of_series = pair.value(FRAME["x"].info, q, nan_policy="omit").item()
    assert_same(of_series, want, tol=GROUP)
    for query in (FRAME.lazy().group_by("g").agg(pair.value(X, [1.0, 2.0])), FRAME.lazy().select(pair.value(X, [1.0]))):
        with pytest.raises(pl.exceptions.ComputeError):
            query.collect(engine=engine)


def test_a_state_of_a_quantity_without_one_is_refused_when_the_expression_is_built(mergeable, without):
    without(mergeable, "state_sums")
    for accessor in (X, ROWS):
        with pytest.raises((TypeError, ValueError), match=rf"{mergeable}.* state"):
            mergeable.state(accessor, "y")
    # The value needs none.
    assert FRAME.select(mergeable.value(X, "y", nan_policy="omit")).item() is not None
