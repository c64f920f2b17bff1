"""The contract, rule by rule: every case of every quantity in every layout, on both engines, through every accessor."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from compare import ROW, assert_same
from contract import POLICIES
from engines import collect, run
from layouts import chunked, flat_layouts, sliced
from quantities import QUANTITIES

# The promise on groups is 1e-14 (1 + |ln S|), and S is at most 7168 in the table.
GROUP = 1e-14 * (1 + math.log(7168))

P, ROWS, CELLS = pl.col("p").info, pl.col("p").info.list, pl.col("p").info.arr


def columns(quantity, cases, layout):
    """A row for each case, in each input."""
    return {name: layout([getattr(case, name) for case in cases]) for name in quantity.columns}


def is_row(x):
    return x is not None


def columns_of(quantity):
    """The cases that make columns."""
    return [case for case in quantity.cases if all(map(is_row, case.inputs))]


# Rows.


@pytest.mark.parametrize("policy", POLICIES)
def test_rows_of_lists(quantity, layout, engine, policy):
    frame = pl.DataFrame(columns(quantity, quantity.cases, layout))
    got = run(frame, quantity.value(ROWS, nan_policy=policy), engine=engine)["p"]
    assert got.dtype == pl.Float64
    for value, case in zip(got, quantity.cases, strict=True):
        assert_same(value, getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_chunks_of_p_and_q_need_not_agree(pair, engine, policy):
    p, q = ([getattr(case, side) for case in pair.cases] for side in "pq")
    frame = pl.DataFrame({"p": chunked(p), "q": sliced(q)})
    assert frame["p"].n_chunks() != frame["q"].n_chunks()
    got = run(frame, pair.value(ROWS, nan_policy=policy), engine=engine)["p"]
    for value, case in zip(got, pair.cases, strict=True):
        assert_same(value, getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_rows_of_arrays(quantity, layout, engine, policy):
    there = [case for case in quantity.cases if all(case.inputs)]
    together = [[case for case in there if len(case.p) == width] for width in sorted({len(case.p) for case in there})]
    # Alone, too: at the edges of chunks, and beside nothing but itself.
    for cases in [*together, *([case] for case in there if engine == "in-memory")]:
        # Null rows around each, so that the layouts have something to hide.
        rows = {
            "p": [row for case in cases for row in (None, case.p, case.p, None)],
            "q": [row for case in cases for row in (None, case.inputs[-1], None, case.inputs[-1])],
        }
        frame = pl.DataFrame({side: layout(rows[side]).list.to_array(len(cases[0].p)) for side in quantity.columns})
        got = run(frame, quantity.value(CELLS, nan_policy=policy), engine=engine)["p"].to_list()
        assert [*got[::4], *got[3::4]] == [None] * 2 * len(cases)
        for case, value, beside_null in zip(cases, got[1::4], got[2::4], strict=True):
            want = getattr(case, policy)
            assert_same(value, want, rel=ROW, tol=ROW, what=case.rule)
            assert_same(beside_null, None if quantity.pair else want, rel=ROW, what=case.rule)


# Columns, groups, windows.


def flat(quantity):
    """The cases one below the other, each with a row to be filtered away, so that empty ones are there, too."""
    there = [(i, case) for i, case in enumerate(quantity.cases) if all(map(is_row, case.inputs))]
    flat = {side: [x for _, case in there for x in (*getattr(case, side), 1.0)] for side in quantity.columns}
    keep = [k < len(case.p) for _, case in there for k in range(len(case.p) + 1)]
    key = [i for i, case in there for _ in range(len(case.p) + 1)]
    return pl.DataFrame({"case": key, "keep": keep, **flat}, schema_overrides=dict.fromkeys(flat, pl.Float64))


def check(got, quantity, policy):
    assert got["case"].n_unique() > 20
    for i, value in got.iter_rows():
        case = quantity.cases[i]
        assert_same(value, getattr(case, policy), tol=GROUP, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_groups(quantity, engine, policy):
    p, q = (pl.col(side).filter("keep") for side in "pq")
    query = flat(quantity).lazy().group_by("case").agg(quantity.value(p.info, q, nan_policy=policy))
    check(collect(query, engine), quantity, policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_windows(quantity, engine, policy):
    query = flat(quantity).filter("keep").lazy().select("case", quantity.value(P, nan_policy=policy).over("case"))
    check(collect(query, engine), quantity, policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_columns(quantity, engine, policy):
    for case in columns_of(quantity):
        for inputs in zip(*map(flat_layouts, case.inputs), strict=True):
            frame = pl.DataFrame(dict(zip(quantity.columns, inputs, strict=True)))
            got = run(frame, quantity.value(P, nan_policy=policy), engine=engine).item()
            assert_same(got, getattr(case, policy), tol=GROUP, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_down_a_column_of_arrays(quantity, engine, policy):
    for case in columns_of(quantity):
        # The case in the first of two columns, to which nothing may leak from the second.
        beside = [[1.0, *[0.0] * (len(case.p) - 1)]] * 2
        frame = pl.DataFrame(
            {
                side: pl.Series(list(zip(getattr(case, side), other, strict=False)), dtype=pl.Array(pl.Float64, 2))
                for side, other in zip(quantity.columns, beside, strict=False)
            }
        )
        got = run(frame, quantity.value(CELLS, axis=0, nan_policy=policy), engine=engine).item()
        assert_same(got[0], getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)
        assert_same(got[1], 0.0, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_series_give_series(quantity, policy):
    for case in quantity.cases:
        p, q = (pl.Series("p", [x], dtype=pl.List(pl.Float64)) for x in (case.p, case.inputs[-1]))
        rows = quantity.value(p.info.list, q, nan_policy=policy)
        assert isinstance(rows, pl.Series)
        assert rows.name == "p"
        assert_same(rows.item(), getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)
        # A Series of one number is a uniform q.
        if all(map(is_row, case.inputs)) and not (quantity.pair and len(case.p) == 1):
            column = quantity.value(pl.Series("p", case.p, dtype=pl.Float64).info, case.inputs[-1], nan_policy=policy)
            assert_same(column.item(), getattr(case, policy), tol=GROUP, what=case.rule)


# `raise`.


def first_missing(case):
    """The element and the side of the first missing one, or nothing."""
    if None in case.inputs:
        return None
    for at, elements in enumerate(zip(*case.inputs, strict=True)):
        for side, x in zip("pq", elements, strict=False):
            if x is None or math.isnan(x):
                return at, side
    return None


WITH_MISSING = [
    pytest.param(quantity, case, id=f"{quantity.name}, {case.rule}")
    for quantity in QUANTITIES
    for case in columns_of(quantity)
    if first_missing(case)
]


def in_memory(row):
    """Pattern of the number of a row on this engine, which passes each chunk by itself if it has but one thread."""
    return row if pl.thread_pool_size() > 1 else r"\d"


@pytest.mark.parametrize(("quantity", "case"), WITH_MISSING)
def test_raise_names_the_row_and_the_column(layout, engine, quantity, case):
    at, side = first_missing(case)
    column = {"p": "'weights'", "q": r"q \('reference'\)"}[side]
    names = dict(zip(("weights", "reference"), case.inputs, strict=False))
    message = "The input contains nan values: column"

    rows = pl.LazyFrame({name: layout([[1.0], None, x]) for name, x in names.items()})
    query = rows.select(quantity.value(pl.col("weights").info.list, "reference", nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match=rf"{message} {column}, row \d, element {at}"):
        query.collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=rf"{message} {column}, row {in_memory(2)}, element {at}"):
        query.collect(engine="in-memory")

    flat = pl.LazyFrame({"g": [1] * (1 + len(case.p)), **{name: [1.0, *x] for name, x in names.items()}})
    value = quantity.value(pl.col("weights").info, "reference", nan_policy="raise")
    with pytest.raises(pl.exceptions.ComputeError, match=rf"{message} {column}, row {1 + at} "):
        flat.select(value).collect(engine="in-memory")
    for query in (flat.select(value), flat.group_by("g").agg(value), flat.select(value.over("g"))):
        # A streaming query counts in each batch, and meets these in any order.
        with pytest.raises(pl.exceptions.ComputeError, match=rf"{message} ('weights'|q \('reference'\)), row \d"):
            query.collect(engine=engine)


def test_raise_lets_everything_else_pass(quantity, engine):
    rest = [case for case in quantity.cases if not first_missing(case)]
    assert len(rest) > 10
    frame = pl.DataFrame(columns(quantity, rest, chunked))
    got = run(frame, quantity.value(ROWS, nan_policy="raise"), engine=engine)["p"]
    for value, case in zip(got, rest, strict=True):
        assert_same(value, case.propagate, rel=ROW, tol=ROW, what=case.rule)
    for case in rest:
        if all(map(is_row, case.inputs)):
            flat = dict(zip(quantity.columns, case.inputs, strict=True))
            frame = pl.DataFrame(flat, schema=dict.fromkeys(flat, pl.Float64))
            value = run(frame, quantity.value(P, nan_policy="raise"), engine=engine).item()
            assert_same(value, case.propagate, tol=GROUP, what=case.rule)


# Two inputs.


def test_unequal_lengths_name_the_row_and_both_lengths(pair, layout, engine):
    # Rows before it that are null on either side may differ as they like.
    p = layout([None, [1.0, 2.0], [1.0], [1.0, 2.0]])
    q = layout([[1.0], None, [1.0], [1.0, 2.0, 3.0]])
    query = pl.LazyFrame({"p": p, "q": q}).select(pair.value(ROWS))
    with pytest.raises(pl.exceptions.ComputeError, match=r"row \d has 2 elements in 'p' and 3 in q \('q'\)"):
        query.collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=rf"row {in_memory(3)} has 2 elements in 'p' and 3 in q"):
        query.collect(engine="in-memory")
    assert query.head(3).collect(engine=engine)["p"].to_list() == [None, None, 0.0]


def test_a_stray_length_of_one_does_not_broadcast(pair, engine):
    frame = pl.DataFrame({"p": [[1.0, 1.0]], "q": [[1.0]]})
    with pytest.raises(pl.exceptions.ComputeError, match="row 0 has 2 elements in 'p' and 1 in q"):
        run(frame, pair.value(ROWS), engine=engine)


def test_the_order_of_operands_is_kept_whatever_their_lengths(pair, engine):
    # ln 2 of p and q, and inf of q and p, unless it is the same whichever comes first.
    p, q = [1.0, 0.0], [1.0, 1.0]
    there, back = (pytest.approx([pair.scipy(*inputs)] * 2, rel=1e-15) for inputs in ((p, q), (q, p)))
    assert (there == back.expected) == (pair.name in {"js_div", "psi"})
    frame = pl.DataFrame({"p": [p, p], "q": [q, q]})
    one_p, one_q = pl.lit(pl.Series("p", [p])).first(), pl.lit(pl.Series("q", [q])).first()
    for right in (pl.col("q"), one_q):
        assert run(frame, pair.value(ROWS, right), engine=engine)["p"].to_list() == there
    assert run(frame, pair.value(one_p.info.list, "q"), engine=engine).to_series().to_list() == there
    assert run(frame, pair.value(one_q.info.list, "p"), engine=engine).to_series().to_list() == back


def test_no_divergence_is_negative_for_multiples_of_itself(engine):
    rng = np.random.default_rng(11)
    p = rng.random((500, 40))
    q = p * rng.random((500, 1))
    frame = pl.DataFrame({"p": p.tolist(), "q": q.tolist()})
    got = run(frame, ROWS.kl_div("q"), engine=engine)["p"]
    # q is rounded to 1.1e-16 of itself, and a divergence is of the order of the square of that.
    assert got.min() >= 0
    assert got.max() < 1e-30
