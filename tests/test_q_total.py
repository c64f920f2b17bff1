"""`q_total`: a q that has more events than p has rows for, of which only the total is known.

The value is that of one more element, with p = 0 and the rest of q. So what is expected is the value of rows that have
this element, which the contract's tests and the exact ones hold to account.
"""

from __future__ import annotations

import inspect
import math

import mpmath
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import polars_entropy
import polars_entropy.arrow
from compare import ROW, assert_same
from contract import INF, NAN, POLICIES
from engines import collect, run
from plans import fallbacks
from quantities import QUANTITIES
from test_contract import GROUP

P, ROWS, CELLS = pl.col("p").info, pl.col("p").info.list, pl.col("p").info.arr
REST = 1.5


def is_missing(x):
    return x is None or math.isnan(x)


def kept_total(p, q):
    """The total of the weights of q whose pairs are whole."""
    return math.fsum(y for x, y in zip(p, q, strict=True) if not is_missing(x) and not is_missing(y))


def with_rest(case, rest):
    """The case with one more element."""
    return [*case.p, 0.0], [*case.q, rest]


def whole_cases(quantity):
    """The cases without null rows, and without infinities, of which there is no rest."""
    cases = [case for case in quantity.cases if None not in case.inputs]
    return [case for case in cases if math.isfinite(kept_total(case.p, case.q))]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_contract_holds_with_one_more_element(of_total, layout, engine, policy):
    cases = whole_cases(of_total)
    longer = [with_rest(case, REST) for case in cases]
    # One in the middle with a null total, and a null row.
    totals = [kept_total(case.p, case.q) + REST for case in cases]
    p, q = ([*([getattr(case, side) for case in cases]), [1.0], None] for side in "pq")
    frame = pl.DataFrame({"p": layout(p), "q": layout(q), "total": [*totals, None, 1.0]})
    got = run(frame, of_total.value(ROWS, q_total="total", nan_policy=policy), engine=engine)["p"]
    both = pl.DataFrame({"p": layout([p for p, _ in longer]), "q": layout([q for _, q in longer])})
    want = run(both, of_total.value(ROWS, nan_policy=policy), engine=engine)["p"].to_list()
    assert len(want) > 20
    assert len({x for x in want if x is not None}) > 5
    for value, expected, case in zip(got, [*want, None, None], [*cases, "total", "row"], strict=True):
        assert_same(value, expected, rel=ROW, tol=ROW, what=case)


@pytest.mark.parametrize("policy", POLICIES)
def test_columns_groups_and_windows_have_the_values_of_rows(of_total, engine, policy):
    cases = [case for case in whole_cases(of_total) if case.p]
    rows = pl.DataFrame({"p": [case.p for case in cases], "q": [case.q for case in cases]}).with_row_index("case")
    rows = rows.with_columns(total=pl.Series([kept_total(case.p, case.q) + REST for case in cases]))
    want = run(rows, of_total.value(ROWS, q_total="total", nan_policy=policy), engine="in-memory")["p"].to_list()
    flat = rows.explode("p", "q").lazy()
    for total in ("total", pl.col("total").first(), pl.col("total").max()):
        value = of_total.value(P, q_total=total, nan_policy=policy)
        got = collect(flat.group_by("case").agg(value), engine).sort("case")["p"].to_list()
        window = collect(flat.select("case", value.over("case")), engine).unique("case").sort("case")["p"].to_list()
        for i, case in enumerate(cases):
            assert_same(got[i], want[i], tol=GROUP, what=case)
            assert_same(window[i], want[i], tol=GROUP, what=case)
            column = collect(flat.filter(pl.col("case") == i).select(value), engine)["p"].item()
            assert_same(column, want[i], tol=GROUP, what=case)


# What a total can be. The second of two equal elements is left out, so that the rest is half of q.
TOTALS = [
    (2.0, math.log(2)),
    # Nothing is left, but for rounding.
    (1.0, 0.0),
    (1.0 - 1e-7, 0.0),
    (1.0 + 1e-7, math.log(1.0 + 1e-7)),
    # More of q is there than there is of it.
    (1.0 - 1e-5, INF),
    (0.0, INF),
    (-1.0, INF),
    (NAN, NAN),
    (INF, NAN),
    (-INF, NAN),
    (None, None),
]


@pytest.mark.parametrize("policy", ["propagate", "omit", "raise"])
@pytest.mark.parametrize(("total", "want"), TOTALS)
def test_totals_that_are_too_small_or_no_numbers(of_total, engine, policy, total, want):
    frame = pl.DataFrame({"p": [[3.0]], "q": [[1.0]], "total": [total]}, schema_overrides={"total": pl.Float64})
    for inner in (pl.col("p", "q"), pl.col("p", "q").list.to_array(1)):
        shape = frame.with_columns(inner)
        accessor = ROWS if shape["p"].dtype == pl.List else CELLS
        got = run(shape, of_total.value(accessor, q_total="total", nan_policy=policy), engine=engine)["p"]
        assert_same(got.item(), want, rel=ROW, tol=1e-22)
    flat = frame.explode("p", "q").lazy()
    value = of_total.value(P, q_total=pl.col("total").first(), nan_policy=policy)
    for query in (flat.select(value), flat.group_by("total").agg(value), flat.select(value.over("total"))):
        # The promise on groups.
        assert_same(collect(query, engine)["p"].item(), want, tol=1e-14)


def test_rules_come_before_the_total(of_total, engine):
    # Null, infinite, negative; and q = 0 < p, where the rest is what q has.
    p = [[None], [INF], [-1.0], [1.0], [0.0]]
    q = [[1.0], [1.0], [1.0], [0.0], [0.5]]
    frame = pl.DataFrame({"p": p, "q": q}).with_row_index("i")
    got = run(frame, of_total.value(ROWS, q_total=2), engine=engine)["p"].to_list()
    for value, want in zip(got, [None, NAN, INF, INF, NAN], strict=True):
        assert_same(value, want)
    groups = frame.explode("p", "q").lazy().group_by("i", maintain_order=True).agg(of_total.value(P, q_total=2))
    for value, want in zip(collect(groups, engine)["p"], [None, NAN, INF, INF, NAN], strict=True):
        assert_same(value, want)


def test_what_omit_drops_of_q_belongs_to_the_rest(of_total, engine):
    frame = pl.DataFrame({"p": [[1.0, None, 1.0]], "q": [[0.25, 0.5, 0.25]], "two": [[1.0, 1.0, 0.0]]})
    q = pl.concat_list(pl.lit(0.25), pl.lit(0.25), pl.lit(0.5))
    want = run(frame, of_total.value(pl.col("two").info.list, q), engine=engine).item()
    got = run(frame, of_total.value(ROWS, q_total=1, nan_policy="omit"), engine=engine).item()
    assert_same(got, want, rel=ROW)
    flat = frame.select("p", "q").explode("p", "q")
    got = run(flat, of_total.value(P, q_total=1, nan_policy="omit"), engine=engine).item()
    assert_same(got, want, tol=GROUP)


@pytest.mark.parametrize("shift", [20, 30, 45, 60])
def test_rows_stay_exact_near_p_equal_q(of_total, shift):
    """Multiples of 2⁻⁵⁰ that sum to 1 less a rest of 2⁻ˢ, which as a double is exact."""
    rng = np.random.default_rng(shift)
    rest = 2.0**-shift
    q = rng.integers(1, 2**40, (20, 30)).astype(float)
    q[:, 0] += 2**46 - q.sum(axis=1)
    q /= 2.0**46
    p = q * (1 + 1e-9 * rng.standard_normal(q.shape))
    # The last of them leaves the rest, and has more bits than a sum of doubles keeps.
    q = np.concatenate([q, np.full((20, 1), 2.0**-51)], axis=1)
    p = np.concatenate([p, np.full((20, 1), 2.0**-51)], axis=1)
    total = 1.0 if shift > 51 else 1.0 + 2.0**-51 + rest
    frame = pl.DataFrame({"p": p.tolist(), "q": q.tolist()})
    got = frame.select(of_total.value(ROWS, q_total=total)).to_series().to_list()
    for value, p_row, q_row in zip(got, p, q, strict=True):
        with mpmath.workprec(300):
            left = mpmath.mpf(total) - mpmath.fsum(map(mpmath.mpf, q_row))
        if left <= 0:
            want = of_total.exact(p_row, q_row)
        else:
            assert left == mpmath.mpf(float(left))
            want = of_total.exact(np.append(p_row, 0.0), np.append(q_row, float(left)), 400)
        # As docs/explanation/accuracy.md has it for p within 1e-10 of q; a cross-entropy is right to 1e-15.
        assert abs((value - want) / want) < (1e-15 if of_total.name == "cross_entropy" else 1e-9)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(1e-3, 1e3)), min_size=1, max_size=40),
    st.one_of(st.just(0.0), st.floats(1e-6, 1e6)),
)
def test_groups_and_rows_agree(pairs, rest):
    p, q = map(list, zip(*pairs, strict=True))
    total = math.fsum(q) + rest
    frame = pl.DataFrame({"p": pl.Series(p, dtype=pl.Float64), "q": q})
    longer = pl.DataFrame({"p": [[*p, 0]], "q": [[*q, total - math.fsum(q)]]})
    for quantity in (row for row in QUANTITIES if row.of_total):
        want = longer.select(quantity.value(ROWS)).item()
        row = frame.select(quantity.value(pl.col("p").implode().info.list, pl.col("q").implode(), q_total=total))
        group = frame.select(quantity.value(P, q_total=total)).item()
        assert_same(row.item(), want, rel=1e-13, tol=1e-15)
        scale = quantity.scale(want, sum(p), total) if sum(p) else 1
        assert_same(group, want, tol=2e-14 * scale)


# Shapes.


def test_a_row_of_nested_lists_shares_its_total(of_total, engine):
    frame = pl.DataFrame(
        {"p": [[[1.0], [1.0, 1.0]], None, [[3.0]]], "q": [[[1.0], [1.0, 1.0]], [[1.0]], [[1.0]]], "total": [4, 5, 8]}
    )
    got = run(frame, of_total.value(ROWS, q_total="total", base=2), engine=engine)["p"].to_list()
    # The cross-entropy has one bit more where p has two events.
    more = float(of_total.name == "cross_entropy")
    assert got == [[2.0, 1.0 + more], None, [3.0]]


def test_one_row_goes_with_many_totals(of_total, engine):
    frame = pl.DataFrame({"total": [1.0, 2.0, None, 8.0]})
    one = pl.lit(pl.Series([[5.0]])).first()
    want = [0.0, 1.0, None, 3.0]
    for q in ([1.0], one / 5):
        got = run(frame, of_total.value(one.info.list, q, q_total="total", base=2).alias("p"), engine=engine)
        assert got["p"].to_list() == want
    cell = one.list.to_array(1)
    got = run(frame, of_total.value(cell.info.arr, [1.0], q_total="total", base=2).alias("p"), engine=engine)
    assert got["p"].to_list() == want


def test_totals_in_chunks_of_their_own(of_total, engine):
    p = pl.concat([pl.Series("p", [[1.0]] * 3), pl.Series("p", [[1.0]] * 4)], rechunk=False)
    total = pl.concat([pl.Series([1.0]), pl.Series([2.0, 4.0, 8.0, 16.0, 32.0, 64.0])], rechunk=False)
    frame = pl.DataFrame({"p": p, "q": p, "total": total})
    assert frame["p"].n_chunks() == frame["total"].n_chunks() == 2
    for i, part in enumerate((frame, frame[2:])):
        got = run(part, of_total.value(ROWS, q_total="total", base=2), engine=engine)["p"].to_list()
        assert got == [float(k) for k in range(2 * i, 7)]
        cells = part.with_columns(pl.col("p", "q").list.to_array(1))
        assert run(cells, of_total.value(CELLS, q_total="total", base=2), engine=engine)["p"].to_list() == got


@pytest.mark.parametrize("axis", [-1, (1, 2), 1, -2, 0, (0, 1), (0, -1), None, (-3, -1), -3])
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes(of_total, engine, axis, keepdims):
    rng = np.random.default_rng(7)
    p, q = rng.integers(1, 9, (2, 5, 2, 3)).astype(float)
    reduces_rows = axis is None or 0 in np.atleast_1d(axis) or -3 in np.atleast_1d(axis)
    totals = np.full(5, 500.0) if reduces_rows else np.arange(500.0, 505.0)
    frame = pl.DataFrame(
        {
            "p": pl.Series(p, dtype=pl.Array(pl.Float64, (2, 3))),
            "q": pl.Series(q, dtype=pl.Array(pl.Float64, (2, 3))),
            "total": totals,
        }
    )
    expr = of_total.value(CELLS, q_total="total", axis=axis, keepdims=keepdims)
    got = run(frame, expr, engine=engine)["p"].to_numpy()
    rest = (totals[0] if reduces_rows else totals[:, None, None]) - q.sum(axis=axis, keepdims=True)
    # q's rest beside a p of 0, behind each distribution.
    shape = p.shape
    flat_axes = tuple(range(3)) if axis is None else tuple(int(a) % 3 for a in np.atleast_1d(axis))
    moved_p, moved_q = (
        np.moveaxis(x, flat_axes, range(-len(flat_axes), 0)).reshape(
            *[shape[k] for k in range(3) if k not in flat_axes], -1
        )
        for x in (p, q)
    )
    rest = rest.reshape(*moved_q.shape[:-1], 1)
    want = of_total.scipy(
        np.concatenate([moved_p, np.zeros_like(rest)], axis=-1), np.concatenate([moved_q, rest], axis=-1), axis=-1
    )
    np.testing.assert_allclose(np.ravel(got), np.ravel(want), rtol=1e-13)


def test_series_take_numbers_and_series(of_total):
    p, q = pl.Series("p", [3.0]), pl.Series([1.0])
    for total in (8, 8.0, np.float32(8), pl.Series([8])):
        assert of_total.value(p.info, q, q_total=total, base=2).to_list() == [3.0]
    rows, of_rows = pl.Series([[3.0], [3.0]]), pl.Series([[1.0], [1.0]])
    assert of_total.value(rows.info.list, of_rows, q_total=pl.Series([2, 8]), base=2).to_list() == [1.0, 3.0]
    cells, of_cells = rows.list.to_array(1), of_rows.list.to_array(1)
    assert of_total.value(cells.info.arr, of_cells, q_total=pl.Series([2, 8]), base=2).to_list() == [1.0, 3.0]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Int128, pl.Float32, pl.Decimal(10, 2), pl.Float64])
@pytest.mark.parametrize("weights", [pl.Float32, pl.Float64])
def test_the_dtype_of_a_total_has_no_part_in_that_of_the_result(of_total, engine, dtype, weights):
    frame = pl.DataFrame({"p": [[3.0]], "q": [[1.0]], "total": [8]})
    frame = frame.with_columns(pl.col("p", "q").cast(pl.List(weights)), pl.col("total").cast(dtype))
    got = run(frame, of_total.value(ROWS, q_total="total", base=2), engine=engine)["p"]
    flat = run(frame.explode("p", "q"), of_total.value(P, q_total=pl.col("total").first(), base=2), engine=engine)["p"]
    assert got.to_list() == flat.to_list() == [3.0]
    assert got.dtype == flat.dtype == weights
    # All of them missing.
    null = frame.with_columns(total=None)
    assert run(null, of_total.value(ROWS, q_total="total"), engine=engine)["p"].to_list() == [None]


def test_totals_beyond_what_adds_up(of_total, engine):
    big = 1.7e308
    frame = pl.DataFrame({"p": [[1.0, 1.0]], "q": [[big / 2, big / 4]], "total": [big]})
    longer = [0.5, 0.25, 0.25]
    want = frame.select(of_total.value(pl.lit(pl.Series([[1.0, 1.0, 0.0]])).first().info.list, longer)).item()
    assert_same(run(frame, of_total.value(ROWS, q_total="total"), engine=engine)["p"].item(), want, rel=ROW)
    flat = frame.explode("p", "q")
    got = run(flat, of_total.value(P, q_total=pl.col("total").first()), engine=engine)["p"].item()
    # |ln Q| is 709.
    assert_same(got, want, tol=1e-14 * 711)
    over = pl.DataFrame({"p": [[1.0, 1.0]], "q": [[big, big]]})
    assert run(over, of_total.value(ROWS, q_total=big), engine=engine)["p"].item() == math.inf


# The engine.


def test_groups_stay_in_the_native_group_by(of_total):
    frame = pl.LazyFrame({"g": [1, 1, 2], "p": [1.0, 2.0, 3.0], "q": [1.0, 2.0, 3.0], "t": [9.0, 9.0, 9.0]})
    for total in (10, "t", pl.col("t").first(), pl.col("q").sum() * 2):
        value = of_total.value(P, q_total=total)
        assert fallbacks(frame.group_by("g").agg(value)) == []
        assert fallbacks(frame.select(value)) == []
    rows = pl.LazyFrame({"p": [[1.0]], "q": [[1.0]], "t": [9.0]})
    assert fallbacks(rows.select(of_total.value(ROWS, q_total="t"))) == []


def test_a_window_takes_an_aggregate(of_total, engine):
    frame = pl.DataFrame({"g": [1, 1, 2], "p": [1.0, 1.0, 3.0], "q": [1.0, 1.0, 1.0]})
    value = of_total.value(P, q_total=pl.col("q").sum() * 2, base=2)
    more = float(of_total.name == "cross_entropy")
    for got, want in zip(run(frame, value.over("g"), engine=engine)["p"], [1.0 + more, 1.0 + more, 1.0], strict=True):
        assert_same(got, want, tol=2e-14)


# Errors.


def test_wrong_totals_raise_when_the_expression_is_built(of_total):
    for accessor in (P, ROWS, CELLS):
        for total in (0, -1, 0.0, NAN, INF, 10**400):
            with pytest.raises(ValueError, match="`q_total` must be positive and finite, not"):
                of_total.value(accessor, q_total=total)
        for total in (True, [1.0], np.array([1.0]), b"total", object()):
            with pytest.raises(TypeError, match="`q_total` must be a number, a column name, an expression or a Series"):
                of_total.value(accessor, q_total=total)
    with pytest.raises(TypeError, match="a Series has no columns, and so no 'total'"):
        of_total.value(pl.Series([1.0]).info, [1.0], q_total="total")


def test_dtypes_of_totals_are_checked_when_the_plan_is_resolved(of_total):
    frame = pl.LazyFrame({"p": [[1.0]], "q": [[1.0]], "total": ["a"]})
    cells = frame.with_columns(pl.col("p", "q").list.to_array(1))
    total = pl.col("total")
    for query, method in (
        (frame.select(of_total.value(ROWS, q_total=total)), "info.list."),
        (cells.select(of_total.value(CELLS, q_total=total)), "info.arr."),
        (frame.explode("p", "q").select(of_total.value(P, q_total=total.first())), "info."),
    ):
        message = f"`{method}{of_total.name}` takes one number for each distribution as q_total, but 'total' is str"
        with pytest.raises(pl.exceptions.ComputeError, match=message):
            query.collect_schema()


def test_a_column_of_totals_has_to_be_one_number_for_a_group(of_total, engine):
    frame = pl.LazyFrame({"g": [1, 1, 2], "p": [1.0, 1.0, 1.0], "q": [1.0, 1.0, 1.0], "total": [4.0, 4.0, 8.0]})
    value = of_total.value(P, q_total="total", base=2)
    more = float(of_total.name == "cross_entropy")
    assert collect(frame.group_by("g").agg(value), engine).sort("g")["p"].to_list() == [1.0 + more, 3.0]
    assert collect(frame.select(value.over("g")), engine)["p"].to_list() == [1.0 + more, 1.0 + more, 3.0]
    for query in (frame.select(value), frame.with_columns(g=1).group_by("g").agg(value)):
        with pytest.raises(pl.exceptions.ComputeError, match=r"q_total is not one number .* there are 4\.0 and 8\.0"):
            query.collect(engine=engine)
    cells = frame.with_columns(pl.concat_arr("p"), pl.concat_arr("q"))
    for axis in (0, None, -2):
        with pytest.raises(pl.exceptions.ComputeError, match="q_total is not one number"):
            cells.select(of_total.value(pl.col("p").info.arr, q_total="total", axis=axis)).collect(engine=engine)


def test_another_number_of_totals_is_an_error(of_total):
    frame = pl.DataFrame({"p": [[1.0]] * 3, "q": [[1.0]] * 3, "t": [1.0, 2.0, 3.0]})
    with pytest.raises(pl.exceptions.ComputeError, match=r"q_total has 3 values for 1 distribution: .* an aggregate"):
        frame.explode("p", "q").select(of_total.value(P, q_total=pl.col("t") + 1))
    two = pl.Series([1.0, 2.0])
    with pytest.raises(pl.exceptions.PolarsError, match=r"q_total has 2 values for 3 distributions|lengths|length"):
        frame.select(of_total.value(ROWS, q_total=two))


def test_states_take_no_total(mergeable):
    for accessor in (P, ROWS):
        with pytest.raises(TypeError, match="q_total"):
            mergeable.state(accessor, q_total=1.0)


def test_only_what_the_registry_names_takes_totals(quantity):
    for face in (polars_entropy.Info, polars_entropy.ListInfo, polars_entropy.ArrayInfo, polars_entropy.arrow):
        assert ("q_total" in inspect.signature(getattr(face, quantity.name)).parameters) == quantity.of_total


# Arrow.


def test_arrow_takes_numbers_and_arrays_of_them(of_total):
    function = getattr(polars_entropy.arrow, of_total.name)
    p = pa.chunked_array([[[1.0], [1.0]], [], [[1.0], None, [1.0]]])
    q = pa.chunked_array([[[1.0], [1.0], [1.0]], [[1.0], [1.0]]])
    totals = pa.array([1, 2, 4, 8, None])
    for of_p, of_q in ((p, q), (p, [1.0]), (p.combine_chunks(), q), (p, q.combine_chunks())):
        got = function(of_p, of_q, q_total=totals, base=2)
        assert pl.Series(got).to_list() == [0.0, 1.0, 2.0, None, None]
        assert pl.Series(function(of_p, of_q, q_total=4, base=2)).to_list() == [2.0, 2.0, 2.0, None, 2.0]
    assert pl.Series(function(p[:1], q, q_total=totals, base=2)).to_list() == [0.0, 1.0, 2.0, 3.0, None]
    numbers = function(pa.array([1.0, 1.0]), pa.array([1.0, 1.0]), q_total=pa.array([4]), base=2)
    assert pl.Series(numbers).to_list() == [1.0 + float(of_total.name == "cross_entropy")]


def test_arrow_refuses_wrong_totals(of_total):
    function = getattr(polars_entropy.arrow, of_total.name)
    p = pa.chunked_array([[[1.0], [1.0]], [[1.0]]])
    for total in (pa.array([1, 2]), pa.array([1, 2, 3, 4]), pa.array([], pa.int64())):
        with pytest.raises(ValueError, match=rf"q_total has {len(total)} values for \d rows"):
            function(p, p, q_total=total)
    for total in (0, -1, NAN, INF):
        with pytest.raises(ValueError, match="`q_total` must be positive and finite"):
            function(p, p, q_total=total)
    for total in ("total", [1.0], True, pa.array(["a"]), pa.array([[1.0]])):
        with pytest.raises(TypeError, match="q_total"):
            function(p, p, q_total=total)


def test_what_is_wrong_with_the_lists_is_told_before_the_number_of_totals(of_total):
    function = getattr(polars_entropy.arrow, of_total.name)
    p = pa.chunked_array([[[1.0, None]], [[1.0]]])
    q = pa.chunked_array([[[1.0, 1.0]], [[1.0]]])
    with pytest.raises(ValueError, match="The input contains nan values: p, row 0, element 1"):
        function(p, q, q_total=pa.array([4, 4]), nan_policy="raise")


# What it is for.


def test_a_background_of_which_groups_have_only_some(engine):
    """The relative entropy of words from the letters of a language."""
    letters = dict(zip("abcdeq", [40, 20, 10, 10, 16, 4], strict=True))
    words = ["abba", "qqq", "cab", "decade"]
    background = pl.LazyFrame({"letter": list(letters), "n_all": list(letters.values())})
    counts = pl.LazyFrame({"word": words}).with_columns(letter=pl.col("word").str.split("")).explode("letter")
    both = counts.group_by("word", "letter").len("n").join(background, on="letter")
    value = pl.col("n").info.kl_div("n_all", q_total=sum(letters.values()), base=2)
    got = dict(collect(both.group_by("word").agg(value), engine).iter_rows())
    for word in words:
        p = np.array([word.count(letter) for letter in letters], float)
        q = np.array(list(letters.values()), float)
        want = float(QUANTITIES[1].exact(p, q)) / math.log(2)
        assert_same(got[word], want, tol=1e-13)


def test_mutual_information_is_a_divergence_of_the_cells_that_occur(engine):
    """D(joint‖product), where the product has cells in which nothing was seen."""
    cells = pl.LazyFrame({"x": ["a", "a", "b", "c"], "y": ["u", "v", "v", "w"], "n": [20, 10, 30, 5]})
    n, row, column = pl.col("n"), pl.col("n").sum().over("x"), pl.col("n").sum().over("y")
    query = cells.select(mi=n.info.kl_div(row * column, q_total=n.sum() ** 2))
    joint = np.array([[20, 10, 0], [0, 30, 0], [0, 0, 5]], float)
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    want = float(QUANTITIES[1].exact(joint.ravel(), product.ravel()))
    assert_same(collect(query, engine)["mi"].item(), want, tol=1e-13)
    # Without the total it is another number.
    assert collect(cells.select(mi=n.info.kl_div(row * column)), engine)["mi"].item() < want - 0.3
