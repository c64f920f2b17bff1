"""The contract row by row: every case in every layout, on both engines, through every accessor."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from conftest import assert_same, chunked, collect, run, sliced
from contract import ENTROPY, KL_DIV, LN2

POLICIES = ("propagate", "omit")

# Rows: the sum of up to 1024 shares is right to some units in the last place.
ROW = 4 * 2.0**-52
# Groups: the promise is 1e-14 (1 + |ln S|), and S is at most 7168 in the table.
GROUP = 1e-14 * (1 + math.log(7168))


@pytest.mark.parametrize("policy", POLICIES)
def test_rows_of_lists(layout, engine, policy):
    frame = pl.DataFrame({"p": layout([case.p for case in ENTROPY])})
    got = run(frame, pl.col("p").info.list.entropy(nan_policy=policy), engine=engine)["p"]
    assert got.dtype == pl.Float64
    for value, case in zip(got, ENTROPY, strict=True):
        assert_same(value, getattr(case, policy), rel=ROW, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_pairs_of_rows_of_lists(layout, engine, policy):
    frame = pl.DataFrame({"p": layout([case.p for case in KL_DIV]), "q": layout([case.q for case in KL_DIV])})
    got = run(frame, pl.col("p").info.list.kl_div("q", nan_policy=policy), engine=engine)["p"]
    for value, case in zip(got, KL_DIV, strict=True):
        assert_same(value, getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_chunks_of_p_and_q_need_not_agree(engine, policy):
    frame = pl.DataFrame({"p": chunked([case.p for case in KL_DIV]), "q": sliced([case.q for case in KL_DIV])})
    assert frame["p"].n_chunks() != frame["q"].n_chunks()
    got = run(frame, pl.col("p").info.list.kl_div("q", nan_policy=policy), engine=engine)["p"]
    for value, case in zip(got, KL_DIV, strict=True):
        assert_same(value, getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [c for c in ENTROPY if c.p], ids=lambda c: c.rule)
def test_rows_of_arrays(layout, engine, policy, case):
    # Null rows around, so that the layouts have something to hide.
    rows = layout([None, case.p, None]).list.to_array(len(case.p))
    got = run(pl.DataFrame({"p": rows}), pl.col("p").info.arr.entropy(nan_policy=policy), engine=engine)["p"]
    assert_same(got[1], getattr(case, policy), rel=ROW)
    assert got[0] is None
    assert got[2] is None


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [c for c in KL_DIV if c.p and c.q], ids=lambda c: c.rule)
def test_pairs_of_rows_of_arrays(layout, engine, policy, case):
    width = len(case.p)
    p = layout([None, case.p, case.p, None]).list.to_array(width)
    q = layout([None, case.q, None, case.q]).list.to_array(width)
    frame = pl.DataFrame({"p": p, "q": q})
    got = run(frame, pl.col("p").info.arr.kl_div("q", nan_policy=policy), engine=engine)["p"]
    assert_same(got[1], getattr(case, policy), rel=ROW, tol=ROW)
    assert [got[0], got[2], got[3]] == [None, None, None]


def flat(cases, *names):
    """The cases one below the other, each with a row that is to be filtered away so that empty ones are there too."""
    cases = [(i, case) for i, case in enumerate(cases) if all(getattr(case, name) is not None for name in names)]
    columns = {name: [x for _, case in cases for x in (*getattr(case, name), 1.0)] for name in names}
    keep = [k < len(case.p) for _, case in cases for k in range(len(case.p) + 1)]
    key = [i for i, case in cases for _ in range(len(case.p) + 1)]
    return pl.DataFrame({"case": key, "keep": keep, **columns}, schema_overrides=dict.fromkeys(names, pl.Float64))


def check(got, cases, policy):
    assert got.height > 20
    for i, value in got.iter_rows():
        assert_same(value, getattr(cases[i], policy), tol=GROUP, what=cases[i].rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_groups(engine, policy):
    x = pl.col("p").filter("keep")
    query = flat(ENTROPY, "p").lazy().group_by("case").agg(x.info.entropy(nan_policy=policy))
    check(collect(query, engine), ENTROPY, policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_pairs_in_groups(engine, policy):
    p, q = pl.col("p").filter("keep"), pl.col("q").filter("keep")
    query = flat(KL_DIV, "p", "q").lazy().group_by("case").agg(p.info.kl_div(q, nan_policy=policy))
    check(collect(query, engine), KL_DIV, policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_windows(engine, policy):
    entropies = flat(ENTROPY, "p").filter("keep").lazy()
    query = entropies.select("case", pl.col("p").info.entropy(nan_policy=policy).over("case"))
    check(collect(query, engine), ENTROPY, policy)
    pairs = flat(KL_DIV, "p", "q").filter("keep").lazy()
    query = pairs.select("case", pl.col("p").info.kl_div("q", nan_policy=policy).over("case"))
    check(collect(query, engine), KL_DIV, policy)


def flat_layouts(values):
    """A flat column in the ways that it can lie in memory."""
    around = pl.Series([math.nan, -1.0, None, math.inf], dtype=pl.Float64)
    series = pl.Series(values, dtype=pl.Float64)
    cut = len(values) // 2
    yield series
    yield pl.concat([around, series, around], rechunk=True).slice(4, len(values))
    yield pl.concat([series[:cut], pl.Series([], dtype=pl.Float64), series[cut:]], rechunk=False)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [c for c in ENTROPY if c.p is not None], ids=lambda c: c.rule)
def test_columns(engine, policy, case):
    for x in flat_layouts(case.p):
        got = run(pl.DataFrame({"p": x}), pl.col("p").info.entropy(nan_policy=policy), engine=engine).item()
        assert_same(got, getattr(case, policy), tol=GROUP)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [c for c in KL_DIV if None not in (c.p, c.q)], ids=lambda c: c.rule)
def test_pairs_of_columns(engine, policy, case):
    for p, q in zip(flat_layouts(case.p), flat_layouts(case.q), strict=True):
        frame = pl.DataFrame({"p": p, "q": q})
        got = run(frame, pl.col("p").info.kl_div("q", nan_policy=policy), engine=engine).item()
        assert_same(got, getattr(case, policy), tol=GROUP)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [c for c in ENTROPY if c.p is not None], ids=lambda c: c.rule)
def test_down_a_column_of_arrays(engine, policy, case):
    # The case in the first of two columns, to which nothing in the second may leak.
    cells = pl.Series("p", [[x, 1.0] for x in case.p], dtype=pl.Array(pl.Float64, 2))
    got = run(cells.to_frame(), pl.col("p").info.arr.entropy(axis=0, nan_policy=policy), engine=engine).item()
    assert_same(got[0], getattr(case, policy), rel=ROW)
    assert_same(got[1], math.log(len(case.p)) if case.p else 0.0, rel=ROW)


@pytest.mark.parametrize("policy", POLICIES)
def test_series_give_series(policy):
    for case in ENTROPY:
        rows = pl.Series("p", [case.p], dtype=pl.List(pl.Float64)).info.list.entropy(nan_policy=policy)
        assert isinstance(rows, pl.Series)
        assert rows.name == "p"
        assert_same(rows.item(), getattr(case, policy), rel=ROW, what=case.rule)
        if case.p is not None:
            column = pl.Series("p", case.p, dtype=pl.Float64).info.entropy(nan_policy=policy)
            assert_same(column.item(), getattr(case, policy), tol=GROUP, what=case.rule)
    for case in KL_DIV:
        p, q = (pl.Series("p", [x], dtype=pl.List(pl.Float64)) for x in (case.p, case.q))
        rows = p.info.list.kl_div(q, nan_policy=policy)
        assert_same(rows.item(), getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)
        if None not in (case.p, case.q) and len(case.p) > 1:
            column = pl.Series(case.p, dtype=pl.Float64).info.kl_div(case.q, nan_policy=policy)
            assert_same(column.item(), getattr(case, policy), tol=GROUP, what=case.rule)


def has_missing(*rows):
    present = [row for row in rows if row is not None]
    return len(present) == len(rows) and any(x is None or math.isnan(x) for row in present for x in row)


@pytest.mark.parametrize("case", [c for c in ENTROPY if has_missing(c.p)], ids=lambda c: c.rule)
def test_raise_names_column_and_row(layout, case):
    frame = pl.DataFrame({"weights": layout([[1.0], None, case.p])})
    with pytest.raises(pl.exceptions.ComputeError, match=r"The input contains nan values: column 'weights', row 2"):
        frame.select(pl.col("weights").info.list.entropy(nan_policy="raise"))
    flat_frame = pl.DataFrame({"x": [1.0, *case.p]})
    at = 1 + next(i for i, x in enumerate(case.p) if x is None or math.isnan(x))
    with pytest.raises(pl.exceptions.ComputeError, match=rf"contains nan values: column 'x', row {at} "):
        flat_frame.select(pl.col("x").info.entropy(nan_policy="raise"))


@pytest.mark.parametrize("case", [c for c in KL_DIV if has_missing(c.p, c.q)], ids=lambda c: c.rule)
def test_raise_names_the_side(layout, case):
    frame = pl.DataFrame({"a": layout([[1.0], case.p]), "b": layout([[1.0], case.q])})
    missing = [i for i, (p, q) in enumerate(zip(case.p, case.q, strict=True)) if has_missing([p, q])]
    side = r"'a'" if has_missing([case.p[missing[0]]]) else r"q \('b'\)"
    with pytest.raises(pl.exceptions.ComputeError, match=rf"column {side}, row 1, element {missing[0]}"):
        frame.select(pl.col("a").info.list.kl_div("b", nan_policy="raise"))
    flat_frame = pl.DataFrame({"a": case.p, "b": case.q}, schema_overrides={"a": pl.Float64, "b": pl.Float64})
    with pytest.raises(pl.exceptions.ComputeError, match=rf"column {side}, row {missing[0]} "):
        flat_frame.select(pl.col("a").info.kl_div("b", nan_policy="raise"))


def test_raise_lets_everything_else_pass(engine):
    for case in ENTROPY:
        if not has_missing(case.p):
            frame = pl.DataFrame({"p": pl.Series([case.p], dtype=pl.List(pl.Float64))})
            got = run(frame, pl.col("p").info.list.entropy(nan_policy="raise"), engine=engine).item()
            assert_same(got, case.propagate, rel=ROW, what=case.rule)
    for case in KL_DIV:
        if not has_missing(case.p, case.q):
            frame = pl.DataFrame({"p": [case.p], "q": [case.q]}, schema=dict.fromkeys("pq", pl.List(pl.Float64)))
            got = run(frame, pl.col("p").info.list.kl_div("q", nan_policy="raise"), engine=engine).item()
            assert_same(got, case.propagate, rel=ROW, tol=ROW, what=case.rule)


@pytest.mark.parametrize("engine_", ["in-memory", "streaming"])
def test_raise_is_an_error_on_both_engines(engine_):
    lazy = pl.LazyFrame({"g": [1, 1, 2], "x": [1.0, None, 2.0]})
    x = pl.col("x").info.entropy(nan_policy="raise")
    for query in (lazy.select(x), lazy.group_by("g").agg(x), lazy.select(x.over("g"))):
        with pytest.raises(pl.exceptions.ComputeError, match=r"contains nan values: column 'x', row \d"):
            query.collect(engine=engine_)


def test_unequal_lengths_name_the_row_and_both_lengths(layout, engine):
    # Rows before it that are null on either side may differ as they like.
    p = layout([None, [1.0, 2.0], [1.0], [1.0, 2.0]])
    q = layout([[1.0], None, [1.0], [1.0, 2.0, 3.0]])
    lazy = pl.LazyFrame({"p": p, "q": q})
    with pytest.raises(pl.exceptions.ComputeError, match=r"row \d has 2 elements in 'p' and 3 in q \('q'\)"):
        lazy.select(pl.col("p").info.list.kl_div("q")).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match="row 3 has 2 elements in 'p' and 3 in q"):
        lazy.select(pl.col("p").info.list.kl_div("q")).collect(engine="in-memory")
    assert lazy.select(pl.col("p").info.list.kl_div("q")).head(3).collect(engine=engine)["p"].to_list() == [
        None,
        None,
        0.0,
    ]


def test_a_stray_length_of_one_does_not_broadcast():
    with pytest.raises(pl.exceptions.ComputeError, match="row 0 has 2 elements in 'p' and 1 in q"):
        pl.DataFrame({"p": [[1.0, 1.0]], "q": [[1.0]]}).select(pl.col("p").info.list.kl_div("q"))


def test_the_order_of_operands_is_kept_whatever_their_lengths(engine):
    # D(p‖q) = ln 2 and D(q‖p) = inf.
    p, q = [1.0, 0.0], [1.0, 1.0]
    frame = pl.DataFrame({"p": [p, p], "q": [q, q]})
    one_p, one_q = pl.lit(pl.Series("p", [p])).first(), pl.lit(pl.Series("q", [q])).first()
    for left, right in [("p", pl.col("q")), ("p", one_q)]:
        assert run(frame, pl.col(left).info.list.kl_div(right), engine=engine)["p"].to_list() == [LN2, LN2]
    assert run(frame, one_p.info.list.kl_div("q"), engine=engine).to_series().to_list() == [LN2, LN2]
    assert run(frame, one_q.info.list.kl_div("p"), engine=engine).to_series().to_list() == [math.inf, math.inf]


def test_no_result_is_negative_for_multiples_of_itself(engine):
    rng = np.random.default_rng(11)
    p = rng.random((500, 40))
    q = p * rng.random((500, 1))
    frame = pl.DataFrame({"p": p.tolist(), "q": q.tolist()})
    got = run(frame, pl.col("p").info.list.kl_div("q"), engine=engine)["p"]
    # q is rounded to 1.1e-16 of itself, and a divergence is of the order of the square of that.
    assert got.min() >= 0
    assert got.max() < 1e-30
