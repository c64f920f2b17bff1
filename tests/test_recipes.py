"""Recipes of docs/how-to, and cases that people in the field tripped over, on both engines against exact values."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from compare import assert_same
from contract import INF, NAN
from engines import ENGINES, collect, run
from quantities import QUANTITIES


def entropy(counts, base=math.e):
    return float(oracle.entropy(counts)) / math.log(base)


def kl_div(p, q, base=math.e):
    return float(oracle.kl_div(p, q)) / math.log(base)


@pytest.fixture
def visits():
    rng = np.random.default_rng(4)
    page = pl.Series(rng.zipf(1.7, 30_000) % 40).cast(pl.String)
    frame = pl.DataFrame({"user": rng.integers(0, 9, 30_000), "page": page})
    return frame.with_columns(pl.when(pl.col("page") != "3").then("page"))


@pytest.mark.parametrize("drop", [False, True])
def test_categories_with_nulls(visits, engine, drop):
    page = pl.col("page").drop_nulls() if drop else pl.col("page")
    bits = page.unique_counts().implode().info.list.entropy(base=2)

    def want(column):
        return entropy((column.drop_nulls() if drop else column).value_counts()["count"].to_numpy(), 2)

    assert visits["page"].null_count() > 0
    assert_same(run(visits, bits, engine=engine).item(), want(visits["page"]), rel=1e-14)
    groups = collect(visits.lazy().group_by("user").agg(bits), engine)
    windows = collect(visits.lazy().select("user", bits.over("user")), engine).unique()
    for user, column in visits.group_by("user"):
        for got in (groups, windows):
            assert_same(got.filter(pl.col("user") == user[0])["page"].item(), want(column["page"]), rel=1e-14)


def test_counts_are_counted_once(visits):
    """Not once for each of the columns that are summed, as without `implode`."""
    bits = pl.col("page").unique_counts().implode().info.list.entropy()
    assert visits.lazy().select(bits).explain().count("unique_counts") == 1


def test_drift_with_a_bin_of_missing_values(engine):
    keys = ["store", "bin"]
    old = pl.LazyFrame({"store": ["x"] * 4, "bin": ["low", "mid", "high", None], "n": [10, 20, 10, 4]})
    new = pl.LazyFrame({"store": ["x"] * 3, "bin": ["mid", "high", None], "n": [12, 24, 4]})
    both = new.join(old, on=keys, how="full", coalesce=True, nulls_equal=True, suffix="_old").fill_null(0)
    smoothed = both.with_columns(pl.col("n", "n_old") + 0.5)
    got = collect(smoothed.group_by("store").agg(pl.col("n").info.kl_div("n_old")), engine)["n"].item()
    assert_same(got, kl_div([0.5, 12.5, 24.5, 4.5], [10.5, 20.5, 10.5, 4.5]), tol=1e-14)


def test_one_reference_for_many_groups_with_bins_that_one_side_lacks(engine):
    reference = pl.LazyFrame({"bin": ["a", "b", "c", "d"], "share": [0.4, 0.3, 0.2, 0.1]})
    counts = pl.LazyFrame({"g": [1, 1, 2, 3, 3, 3], "bin": ["a", "c", "d", "a", "b", "e"], "n": [5, 5, 9, 1, 1, 2]})
    value = pl.col("n").info.kl_div("share", q_total=1)
    inner = counts.join(reference, on="bin").group_by("g").agg(value).sort("g")
    want = [kl_div([5, 0, 5, 0], [0.4, 0.3, 0.2, 0.1]), kl_div([0, 0, 0, 9], [0.4, 0.3, 0.2, 0.1])]
    for got, exact in zip(collect(inner, engine)["n"], want, strict=False):
        assert_same(got, exact, tol=1e-14)
    # A bin that the reference lacks is impossible there. After a left join it is null until it is filled.
    left = counts.join(reference, on="bin", how="left").group_by("g").agg(value).sort("g")
    assert collect(left, engine)["n"].to_list()[2] is None
    filled = counts.join(reference, on="bin", how="left").fill_null(0).group_by("g").agg(value).sort("g")
    assert collect(filled, engine)["n"].to_list()[2] == INF


def test_nothing_observed_is_set_apart(engine):
    frame = pl.LazyFrame({"g": [1, 1, 2, 2, 3], "n": [1, 3, None, None, 0], "old": [1, 1, 1, 1, 1]})
    drift = pl.col("n").info.kl_div("old", nan_policy="omit")
    groups = frame.group_by("g").agg(drift, apart=pl.when(pl.col("n").count() > 0).then(drift)).sort("g")
    got = collect(groups, engine)
    for column, want in (("n", [kl_div([1, 3], [1, 1]), 0.0, NAN]), ("apart", [kl_div([1, 3], [1, 1]), None, NAN])):
        for value, exact in zip(got[column], want, strict=True):
            assert_same(value, exact, tol=1e-14)
    rows = pl.LazyFrame({"p": [[1.0, 1.0], [None], [], None]})
    some = pl.col("p").list.drop_nulls().list.len() > 0
    apart = pl.when(some).then(pl.col("p").info.list.entropy(base=2, nan_policy="omit"))
    assert collect(rows.select(apart), engine)["p"].to_list() == [1.0, None, None, None]


def test_pairs_are_made_by_position(engine):
    """What the docs warn of: filtered columns are not aligned by any bin, and a pivot aligns them."""
    bins = pl.DataFrame({"g": [1] * 4, "year": [0, 0, 1, 1], "bin": ["a", "b", "b", "a"], "n": [10, 30, 30, 10]})
    n, year = pl.col("n"), pl.col("year")
    # Not in a group: Polars 1.34 takes two filters there for the same.
    by_position = bins.lazy().select(n.filter(year == 1).info.kl_div(n.filter(year == 0)))
    assert_same(collect(by_position, engine)["n"].item(), kl_div([30, 10], [10, 30]), tol=1e-14)
    wide = bins.pivot("year", index=["g", "bin"], values="n").lazy().group_by("g").agg(pl.col("1").info.kl_div("0"))
    assert collect(wide, engine)["1"].item() == 0.0


# Weights of any size.

# The exponents of all positive doubles, and of all positive singles.
EXPONENTS = {pl.Float64: (-1074, 1023), pl.Float32: (-149, 127)}


def exponents(dtype):
    weight = st.tuples(st.integers(*EXPONENTS[dtype]), st.integers(*EXPONENTS[dtype]))
    return st.lists(weight, min_size=1, max_size=6)


@pytest.mark.parametrize("beside", [True, False], ids=["beside 1", "alone"])
@pytest.mark.parametrize("dtype", EXPONENTS, ids=str)
@given(data=st.data())
def test_weights_of_any_size(dtype, beside, data):
    """As the promise on groups has it, for subnormal weights, too: in p, in q, in both."""
    pairs = [*[(0, 0)] * beside, *data.draw(exponents(dtype))]
    p, q = ([math.ldexp(1.0, exponent) for exponent in side] for side in zip(*pairs, strict=True))
    frame = pl.DataFrame({"g": [0] * len(p), "p": p, "q": q}, schema={"g": pl.Int8, "p": dtype, "q": dtype})
    for quantity in QUANTITIES:
        inputs = [p, q][: 1 + quantity.pair]
        want = float(quantity.exact(*inputs))
        # Of a total beyond the range, the largest weight has much the same logarithm.
        totals = [min(sum(x), 1.7e308) for x in inputs]
        bound = 1e-14 * quantity.scale(want, *totals) if dtype == pl.Float64 else 1e-7 * want + 1e-13
        for engine in ENGINES:
            value = quantity.value(pl.col("p").info)
            ways = [
                run(frame, value, engine=engine),
                collect(frame.lazy().group_by("g").agg(value), engine).select("p"),
                run(frame, value.over("g"), engine=engine).head(1),
            ]
            # A state has a scale of its own, in which totals below 1e-290 lose digits.
            if quantity.sums and beside:
                state = frame.select(quantity.state(pl.col("p").info))
                ways.append(run(state, pl.col("p").info.merge(), engine=engine))
            for got in ways:
                assert_same(got.item(), want, tol=bound, what=(quantity.name, p, q))


def test_the_softmax_of_a_confident_row(engine):
    """exp(-735) is subnormal: its logarithm has to be that of the very double."""
    q = [1.0, math.exp(-735), math.exp(-2)]
    frame = pl.DataFrame({"p": [1.0, 1.0, 1.0], "q": q})
    for quantity in (row for row in QUANTITIES if row.pair):
        got = run(frame, quantity.value(pl.col("p").info), engine=engine).item()
        want = float(quantity.exact([1.0, 1.0, 1.0], q))
        assert_same(got, want, tol=1e-14 * quantity.scale(want, 3.0, sum(q)))
