"""Every place that an expression can stand in, and every right-hand side."""

from __future__ import annotations

import io
import math
import pickle

import numpy as np
import polars as pl
import pytest

from engines import ENGINES, collect, run

FRAME = pl.DataFrame(
    {
        "g": ["a", "a", "b", "b", "b"],
        "t": [1, 2, 3, 4, 5],
        "x": [1.0, 1.0, 3.0, 0.0, 5.0],
        "y": [1.0, 2.0, 3.0, 4.0, 5.0],
        "p": [[1.0, 2.0, 3.0], [3.0, 4.0, 1.0], [1.0, 1.0, 1.0], [2.0, 2.0, 1.0], [1.0, 5.0, 0.0]],
        "q": [[1.0, 2.0, 4.0], [3.0, 5.0, 1.0], [1.0, 1.0, 2.0], [1.0, 1.0, 1.0], [1.0, 3.0, 1.0]],
    }
).with_columns(P=pl.col("p").list.to_array(3), Q=pl.col("q").list.to_array(3))
ROWS_P, ROWS_Q = FRAME["P"].to_numpy(), FRAME["Q"].to_numpy()
X, Y = FRAME["x"].to_numpy(), FRAME["y"].to_numpy()
A, B = slice(0, 2), slice(2, 5)

x, p, P = pl.col("x").info, pl.col("p").info.list, pl.col("P").info.arr


def by_group(expr, engine):
    grouped = collect(FRAME.lazy().group_by("g").agg(expr.alias("out")), engine).sort("g")
    assert grouped["g"].to_list() == ["a", "b"]
    return grouped["out"].to_list()


def want(quantity, p, q, **how):
    """SciPy's value, or values, to compare with."""
    value = quantity.of_inputs(quantity.scipy, np.asarray(p), np.broadcast_to(q, np.shape(p)), **how)
    return close(value.tolist())


def close(value):
    if isinstance(value, list):
        return [close(v) for v in value]
    return pytest.approx(value, rel=1e-14, abs=1e-15)


# Columns, groups, windows.


def test_with_columns_repeats_the_value_of_the_column(quantity, engine):
    got = collect(FRAME.lazy().with_columns(out=quantity.value(x, "y")), engine)
    assert got["out"].to_list() == [want(quantity, X, Y)] * 5


def test_a_group_is_a_distribution(quantity, engine):
    assert by_group(quantity.value(x, "y"), engine) == [want(quantity, X[s], Y[s]) for s in (A, B)]


def test_a_window_is_a_distribution(quantity, engine):
    got = run(FRAME, quantity.value(x, "y").over("g"), engine=engine)["x"].to_list()
    assert got == [want(quantity, X[A], Y[A])] * 2 + [want(quantity, X[B], Y[B])] * 3


def test_a_rolling_window_is_a_distribution(quantity, engine):
    values = [want(quantity, X[w], Y[w]) for w in (slice(max(0, i - 1), i + 1) for i in range(5))]
    expr = quantity.value(x, "y")
    assert collect(FRAME.lazy().rolling("t", period="2i").agg(expr), engine)["x"].to_list() == values
    assert run(FRAME, expr.rolling("t", period="2i"), engine=engine)["x"].to_list() == values


def test_a_dynamic_window_is_a_distribution(quantity, engine):
    query = FRAME.lazy().group_by_dynamic("t", every="2i").agg(quantity.value(x, "y"))
    windows = [slice(0, 1), slice(1, 3), slice(3, 5)]
    assert collect(query, engine)["x"].to_list() == [want(quantity, X[w], Y[w]) for w in windows]


def test_windows_leave_nothing_behind_in_the_next(engine):
    # Polars adds what comes into a window and subtracts what goes out: a large value could leave its rounding behind.
    frame = pl.DataFrame({"t": range(9), "x": [1.0, 3.0, 1e16, 3.0, 0.0, 0.0, 1.0, 1.0, 5.0]})
    got = collect(frame.lazy().rolling("t", period="2i").agg("x", h=x.entropy()), engine)
    # The promise on groups, with ln S < 37.
    for h, row in zip(got["h"], got["x"].info.list.entropy(), strict=True):
        assert h == pytest.approx(row, abs=1e-14 * 38, nan_ok=True)
    assert math.isnan(got["h"][5])
    assert got["h"][4] == 0.0


@pytest.mark.parametrize(
    ("period", "values"), [(2, [0.5, 0.0]), (2, [1e12, 0.1]), (3, [1e16, 1.0, 0.5]), (2, [1e30, 0.1, 0.1, 0.1])]
)
@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
def test_overlapping_windows_leave_nothing_behind(quantity, engine, values, period, dtype):
    frame = pl.DataFrame({"t": range(len(values)), "x": pl.Series(values, dtype=dtype)})
    query = frame.lazy().group_by_dynamic("t", every="1i", period=f"{period}i")
    got = collect(query.agg("x", out=quantity.value(x, "x")), engine)
    rows = quantity.value(got["x"].info.list, got["x"])
    for group, row in zip(got["out"], rows, strict=True):
        # The promise on groups, with ln S < 70, and the rounding of Float32.
        assert group == pytest.approx(row, abs=1e-14 * 71 if dtype == pl.Float64 else 1e-7, nan_ok=True)
    # The last window is one weight alone, whose value is exact.
    assert got["out"][-1] == pytest.approx(0.0 if values[-1] else math.nan, abs=0, nan_ok=True)


def test_empty_groups_are_zero(quantity, engine):
    kept = pl.col("x").filter(pl.col("x") > 7)
    assert by_group(quantity.value(kept.info, kept), engine) == [0.0, 0.0]


def test_raise_looks_only_at_what_is_in_the_group(quantity, engine):
    frame = pl.LazyFrame({"g": [1, 1, 1, 2, 2, 2], "k": [True, True, False] * 2, "x": [1.0, 2.0, None, 4.0, 5.0, None]})
    kept = pl.col("x").filter("k")
    for q in (kept, 1.0):
        expr = quantity.value(kept.info, q, nan_policy="raise")
        assert collect(frame.group_by("g").agg(expr), engine).height == 2
    with pytest.raises(pl.exceptions.ComputeError, match=r"contains nan values: column 'x', row \d"):
        frame.group_by("g").agg(quantity.value(x, "x", nan_policy="raise")).collect(engine=engine)


def test_empty_frames_have_no_rows_and_columns_of_nothing_are_zero(quantity, engine):
    empty = FRAME.clear()
    assert run(empty, quantity.value(x, "y"), engine=engine).rows() == [(0.0,)]
    rows = [quantity.value(p, q) for q in ("q", FIXED)] + [quantity.value(P, "Q")]
    for expr in (*rows, x.entr(), x.rel_entr("y")):
        assert run(empty, expr, engine=engine).height == 0
    assert collect(empty.lazy().group_by("g").agg(quantity.value(x, "y")), engine).height == 0
    assert run(empty, quantity.value(P, "Q", axis=0), engine=engine)["P"].to_list() == [[0.0, 0.0, 0.0]]


# q of rows: one for each row, or one for all of them.

FIXED = [1.0, 2.0, 3.0]
FIXED_Q = {
    "list": FIXED,
    "tuple of ints": (1, 2, 3),
    "range": range(1, 4),
    "vector": np.array(FIXED),
    "vector, not contiguous": np.arange(1.0, 4.0, 0.5)[::2],
    "integer vector": np.array([1, 2, 3], dtype=np.int16),
    "Series of one row": pl.Series([FIXED]),
    "literal": pl.lit([1.0, 2.0, 3.0]),
    "literal Series": pl.lit(pl.Series([FIXED])).first(),
}


@pytest.mark.parametrize("q", FIXED_Q.values(), ids=FIXED_Q)
def test_one_distribution_goes_with_all_rows(pair, engine, q):
    values, expr = pair.scipy(ROWS_P, np.array(FIXED)[None], axis=1), pair.value(p, q)
    assert run(FRAME, expr, engine=engine)["p"].to_list() == close(values.tolist())
    assert collect(FRAME.lazy().with_columns(d=expr), engine)["d"].to_list() == close(values.tolist())
    assert by_group(expr, engine) == [close(values[s].tolist()) for s in (A, B)]
    assert by_group(expr.max(), engine) == [close(values[s].max()) for s in (A, B)]
    assert run(FRAME, expr.over("g"), engine=engine)["p"].to_list() == close(values.tolist())


@pytest.mark.parametrize("q", [q for name, q in FIXED_Q.items() if "iteral" not in name])
def test_one_distribution_goes_with_all_rows_of_a_series(pair, q):
    values = pair.scipy(ROWS_P, np.array(FIXED)[None], axis=1).tolist()
    assert pair.value(FRAME["p"].info.list, q).to_list() == close(values)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("policy", ["propagate", "omit", "raise"])
def test_a_fixed_cell_with_a_null_vector_has_the_value_of_a_column(pair, engine, policy, width):
    """It is a null row, and no row of nulls."""
    cells = [[[1.0] * width, [2.0] * width]], [[[1.0] * width, None]]
    frame = pl.DataFrame(
        dict(zip("PQ", cells, strict=True)), schema=dict.fromkeys("PQ", pl.Array(pl.Float64, (2, width)))
    )
    for axis in (-1, None, 0, (0, 1)):
        of_column, of_cell = (pair.value(P, q, axis=axis, nan_policy=policy) for q in ("Q", frame["Q"]))
        if policy == "raise" and axis != -1:
            for value in (of_column, of_cell):
                with pytest.raises(
                    pl.exceptions.ComputeError, match=r"column q \('Q'\), row 0, element \d is null or NaN"
                ):
                    run(frame, value, engine=engine)
        else:
            assert run(frame, of_cell, engine=engine).equals(run(frame, of_column, engine=engine))
    assert run(frame, pair.value(P, frame["Q"], nan_policy=policy), engine=engine).item().to_list()[1] is None


def test_an_aggregate_goes_with_all_rows(pair, engine):
    values = [pair.scipy(ROWS_P[s], ROWS_Q[s][:1], axis=1).tolist() for s in (slice(None), A, B)]
    first = pl.col("q").first()
    assert run(FRAME, pair.value(p, first), engine=engine)["p"].to_list() == close(values[0])
    assert by_group(pair.value(p, first), engine) == close(values[1:])
    assert run(FRAME, pair.value(P, pl.col("Q").first()), engine=engine)["P"].to_list() == close(values[0])


def test_a_group_gathered_into_a_row_is_a_row(quantity, engine):
    gathered = quantity.value(pl.col("x").implode().info.list, pl.col("y").implode())
    assert by_group(gathered, engine) == [want(quantity, X[s], Y[s]) for s in (A, B)]
    ungrouped = quantity.value(pl.col("x").head(3).implode().info.list, [1, 2, 3])
    assert run(FRAME, ungrouped, engine=engine).item() == want(quantity, X[:3], [1, 2, 3])


def test_missing_elements_of_a_fixed_distribution_follow_the_policy(pair, engine):
    q = [None, 2, 3]
    assert run(FRAME, pair.value(p, q), engine=engine)["p"].to_list() == [None] * 5
    omitted = run(FRAME, pair.value(p, q, nan_policy="omit"), engine=engine)["p"].to_list()
    assert omitted == close(pair.scipy(ROWS_P[:, 1:], [[2.0, 3.0]], axis=1).tolist())
    with pytest.raises(pl.exceptions.ComputeError, match="column q, row 0, element 0"):
        run(FRAME, pair.value(p, [math.nan, 2, 3], nan_policy="raise"), engine=engine)


# q of columns and groups.


def test_a_number_or_an_aggregate_is_a_uniform_q(pair, engine):
    values = [want(pair, X[s], 1.0) for s in (slice(None), A, B)]
    for q in (1, 2.5, np.float64(3.0), pl.lit(4.0), pl.col("y").mean(), pl.Series([7.0])):
        expr = pair.value(x, q)
        assert run(FRAME, expr, engine=engine).item() == values[0]
        assert by_group(expr, engine) == values[1:]
        got = run(FRAME, expr.over("g"), engine=engine)["x"].to_list()
        assert got == [values[1]] * 2 + [values[2]] * 3


def test_a_uniform_p(pair, engine):
    expr = pair.value(pl.col("x").mean().info, "y")
    assert run(FRAME, expr, engine=engine).item() == want(pair, np.ones(5), Y)
    assert by_group(expr, engine) == [want(pair, np.ones(2), Y[A]), want(pair, np.ones(3), Y[B])]


@pytest.mark.parametrize("q", [Y.tolist(), Y, pl.Series(Y)], ids=["list", "vector", "Series"])
def test_a_sequence_is_a_column_in_select(pair, engine, q):
    value, expr = want(pair, X, Y), pair.value(x, q)
    assert run(FRAME, expr, engine=engine).item() == value
    assert collect(FRAME.lazy().with_columns(d=expr), engine)["d"].to_list() == [value] * 5
    assert pair.value(FRAME["x"].info, q).item() == value
    assert pair.value(FRAME["x"].alias("").info, q).item() == value


@pytest.mark.parametrize("y", [Y.tolist(), Y, pl.Series(Y)], ids=["list", "vector", "Series"])
def test_a_sequence_of_elements_is_a_column(engine, y):
    assert run(FRAME, x.rel_entr(y), engine=engine)["x"].to_list() == FRAME["x"].info.rel_entr(FRAME["y"]).to_list()


def test_a_long_sequence_meets_a_streamed_column(pair, engine):
    n = 300_000
    rng = np.random.default_rng(5)
    a, b = rng.random(n), rng.random(n)
    got = run(pl.DataFrame({"x": a}), pair.value(x, b), engine=engine).item()
    value = pair.scipy(a, b)
    assert got == pytest.approx(value, rel=0, abs=1e-14 * pair.scale(value, a.sum(), b.sum()))


@pytest.mark.parametrize("length", [2, 3, 5, 4], ids=["a group", "the other group", "the frame", "nothing"])
def test_a_sequence_in_a_group_says_to_join(pair, engine, length):
    q = [1.0] * length
    expr, message = pair.value(x, q), "join q in as a column"
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        FRAME.lazy().group_by("g").agg(expr).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        FRAME.lazy().select(expr.over("g")).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        FRAME.lazy().group_by("g").agg(x.rel_entr(pl.Series(q))).collect(engine=engine)
    if length != FRAME.height:
        with pytest.raises(pl.exceptions.ComputeError, match=f"'x' has 5 rows and q, .* is a column of {length}"):
            FRAME.lazy().select(expr).collect(engine=engine)


def test_a_sequence_of_one_is_no_number(pair, engine):
    message = "has 5 rows and q, a sequence of numbers, is a column of 1"
    with pytest.raises(pl.exceptions.ComputeError, match=f"'x' {message}"):
        FRAME.lazy().select(pair.value(x, [1.0])).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=f"p {message}"):
        pair.value(FRAME["x"].alias("").info, [1.0])


def test_groups_that_all_have_the_length_of_a_sequence_do_not_pass_for_columns(pair, engine):
    alike = pl.LazyFrame({"g": [1, 1, 2, 2], "x": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(pl.exceptions.ComputeError, match="join q in as a column"):
        alike.group_by("g").agg(pair.value(x, [1.0, 1.0])).collect(engine=engine)


# Axes.


def test_axis_0_is_an_aggregation(quantity, engine):
    down, whole = ([want(quantity, ROWS_P[s], ROWS_Q[s], axis=axis) for s in (A, B)] for axis in (0, None))
    assert by_group(quantity.value(P, "Q", axis=0), engine) == down
    assert by_group(quantity.value(P, "Q", axis=None), engine) == whole
    got = run(FRAME, quantity.value(P, "Q", axis=0).over("g"), engine=engine)["P"].to_list()
    assert got == [down[0]] * 2 + [down[1]] * 3
    got = collect(FRAME.lazy().with_columns(out=quantity.value(P, "Q", axis=None)), engine)["out"].to_list()
    assert got == [want(quantity, ROWS_P, ROWS_Q, axis=None)] * 5


def test_one_cell_goes_with_every_row_of_a_group(pair, engine):
    values = [want(pair, ROWS_P[s], FIXED, axis=None) for s in (A, B)]
    for q in (FIXED, np.array(FIXED), pl.Series([FIXED], dtype=pl.Array(pl.Float64, 3))):
        assert by_group(pair.value(P, q, axis=None), engine) == values


@pytest.mark.skipif(
    pl.__version__ < "2", reason="Polars 1 panics at pl.col('Q').first().implode() of an Array in a group"
)
def test_an_aggregate_goes_with_every_row_of_a_group(pair, engine):
    values = [want(pair, ROWS_P[s], ROWS_Q[s][:1], axis=None) for s in (A, B)]
    assert by_group(pair.value(P, pl.col("Q").first(), axis=None), engine) == values


def test_null_cells_are_null_rows_or_missing_elements(quantity, engine):
    def value(cells, q, **how):
        frame = pl.DataFrame({"P": cells, "Q": pl.Series(q, dtype=cells.dtype)})
        return run(frame, quantity.value(P, "Q", **how), engine=engine)["P"].to_list()

    def of(p, q):
        return want(quantity, p, q)

    q = [[1.0, 2.0], [1.0, 1.0], [1.0, 3.0]]
    cells = pl.Series([[1.0, 1.0], None, [3.0, 1.0]], dtype=pl.Array(pl.Float64, 2))
    assert value(cells, q) == [of([1, 1], [1, 2]), None, of([3, 1], [1, 3])]
    # Down the column a null cell is a missing element of each distribution.
    assert value(cells, q, axis=0) == [[None, None]]
    assert value(cells, q, axis=0, nan_policy="omit") == [[of([1, 3], [1, 1]), of([1, 1], [2, 3])]]
    q = [[[1.0, 1.0], [1.0, 2.0]]] * 2
    nested = pl.Series([[[1.0, 1.0], None], None], dtype=pl.Array(pl.Float64, (2, 2)))
    assert value(nested, q) == [[of([1, 1], [1, 1]), None], None]
    assert value(nested, q, axis=1) == [[None, None], None]
    assert value(nested, q, axis=1, nan_policy="omit") == [[0.0, 0.0], None]
    assert value(nested, q, axis=(1, 2)) == [None, None]


def test_null_cells_of_q_are_null_rows(pair, engine):
    cells = {"P": [[[1.0, 1.0], None], None], "Q": [None, [[1.0, 1.0], [1.0, 1.0]]]}
    frame = pl.DataFrame(cells, schema=dict.fromkeys("PQ", pl.Array(pl.Float64, (2, 2))))
    assert run(frame, pair.value(P, "Q"), engine=engine)["P"].to_list() == [None, None]


# Nested lists.


def test_nested_lists_reduce_the_innermost_level(quantity, engine):
    rows = [[[1.0, 1.0], None, []], None, [], [[3.0, 1.0, None]]]
    nested = pl.DataFrame({"p": pl.Series(rows, dtype=pl.List(pl.List(pl.Float64)))})
    value, values = quantity.value(p, "p"), [[want(quantity, [1, 1], [1, 1]), None, 0.0], None, [], [None]]
    assert run(nested, value, engine=engine)["p"].to_list() == values
    around = pl.concat([nested, nested]).slice(3, 4)
    assert run(around, value, engine=engine)["p"].to_list() == [*values[3:], *values[:3]]
    deeper = pl.DataFrame({"p": pl.Series([rows, None], dtype=pl.List(pl.List(pl.List(pl.Float64))))})
    assert run(deeper, value, engine=engine)["p"].to_list() == [values, None]
    arrays = pl.DataFrame({"p": pl.Series([[[1, 1], None], None], dtype=pl.List(pl.Array(pl.Int8, 2)))})
    assert run(arrays, value, engine=engine)["p"].to_list() == [values[0][:2], None]


def test_pairs_in_nested_lists_meet_level_by_level(pair, engine):
    a = [[[1.0, 1.0], [1.0, 3.0]], None, [[1.0, 0.0]], [None, [2.0]]]
    b = [[[1.0, 1.0], [1.0, 1.0]], [[5.0]], None, [[1.0], [1.0]]]
    frame = pl.DataFrame({"p": a, "q": b}, schema=dict.fromkeys("pq", pl.List(pl.List(pl.Float64))))
    first = [want(pair, [1, 1], [1, 1]), want(pair, [1, 3], [1, 1])]
    assert run(frame, pair.value(p), engine=engine)["p"].to_list() == [first, None, None, [None, 0.0]]
    fixed = run(frame.head(3), pair.value(p, [1, 1]), engine=engine)["p"].to_list()
    assert fixed == [first, None, [want(pair, [1, 0], [1, 1])]]
    # One level less: a reference for each row, and all its lists.
    per_row = frame.head(3).with_columns(q=pl.Series([[1.0, 1.0], [1.0], None]))
    assert run(per_row, pair.value(p), engine=engine)["p"].to_list() == [first, None, [None]]


def test_pairs_in_nested_lists_that_do_not_meet_are_an_error(pair):
    a = [[[1.0, 1.0], [1.0, 3.0]], [[2.0], [2.0]]]
    frame = pl.DataFrame({"p": a}, schema={"p": pl.List(pl.List(pl.Float64))})
    for q, message in (
        ([[[1.0, 1.0]], a[1]], r"row 0 has 2 elements in 'p' and 1 in q"),
        ([a[0], [[1.0], [1.0, 2.0]]], r"row 1 has 1 elements in 'p' and 2 in q"),
    ):
        with pytest.raises(pl.exceptions.ComputeError, match=message):
            frame.with_columns(q=pl.Series(q)).select(pair.value(p))
    missing = frame.with_columns(q=pl.Series([a[0], [[1.0], [None]]]))
    with pytest.raises(pl.exceptions.ComputeError, match="row 1, element 0"):
        missing.select(pair.value(p, nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match="nested deeper than p"):
        frame.select(pair.value(pl.col("p").list.first().info.list, "p"))


# Everything else that may happen to an expression.

# Those that aren't of a quantity.
OTHERS = {
    "entr": x.entr(),
    "rel_entr": x.rel_entr("y"),
    "rel_entr of a number": x.rel_entr(2.0),
    "values": x.values.entropy(),
    "pairs of values": x.values.mutual_info("y"),
    "rows of values": p.values.entropy(),
    "characters": pl.col("g").info.str.entropy(),
}


def expressions(quantity):
    flat = [quantity.value(x, "y"), quantity.value(x, "y", nan_policy="omit", base=2)]
    flat += [quantity.value(x, "y", nan_policy="raise"), quantity.value(x, 1.0)]
    rows = [quantity.value(p, "q"), quantity.value(p, FIXED)]
    axes = [quantity.value(P, "Q"), quantity.value(P, "Q", axis=1), quantity.value(P, FIXED, axis=0)]
    return [*flat, *rows, *axes, *([quantity.state(x, "y"), quantity.state(p, FIXED)] if quantity.sums else [])]


def travel(expr):
    value = FRAME.select(expr)
    assert FRAME.select(pickle.loads(pickle.dumps(expr))).equals(value)
    assert FRAME.select(pl.Expr.deserialize(io.BytesIO(expr.meta.serialize()))).equals(value)
    lazy = FRAME.lazy().select(expr)
    assert pl.LazyFrame.deserialize(io.BytesIO(lazy.serialize())).collect().equals(value)


def test_expressions_travel(quantity):
    for expr in expressions(quantity):
        travel(expr)


@pytest.mark.parametrize("expr", OTHERS.values(), ids=OTHERS)
def test_other_expressions_travel(expr):
    travel(expr)


def test_frames_may_come_from_parquet(quantity, engine, tmp_path):
    FRAME.write_parquet(tmp_path / "frame.parquet", row_group_size=2)
    scan = pl.scan_parquet(tmp_path / "frame.parquet")
    rows = [quantity.value(p), quantity.value(P, "Q")]
    assert collect(scan.select(rows), engine).equals(FRAME.select(rows))
    got = collect(scan.group_by("g").agg(quantity.value(x, "y")), engine).sort("g")
    assert got["x"].to_list() == [want(quantity, X[s], Y[s]) for s in (A, B)]


def test_results_are_named_like_p(quantity):
    names = {"x": [(x, "y", {}), (x, 1, {})], "p": [(p, "q", {}), (p, FIXED, {})]}
    names["P"] = [(P, "Q", {}), (P, "Q", {"axis": 0}), (P, "Q", {"axis": -2}), (P, FIXED, {"axis": None})]
    for name, values in names.items():
        for accessor, q, how in values:
            assert FRAME.select(quantity.value(accessor, q, **how)).columns == [name]
    assert FRAME.select(quantity.value(pl.col("x", "y").info, "y")).columns == ["x", "y"]
    for name in ("", "*", "^.*$", "Größe"):
        assert quantity.value(FRAME["x"].alias(name).info, Y).name == name


def test_elements_are_named_like_x():
    for expr in (x.entr(), x.rel_entr("y"), x.rel_entr(2.0)):
        assert FRAME.select(expr).columns == ["x"]


def test_both_engines_agree_on_large_frames(quantity):
    rng = np.random.default_rng(3)
    n = 200_000
    frame = pl.DataFrame({"g": rng.integers(0, 50, n), "x": rng.random(n), "y": rng.random(n)})
    rows = frame.select(p=pl.concat_list("x", "y"), q=pl.concat_list("y", "x"))
    of_rows = [collect(rows.lazy().select(quantity.value(p, nan_policy="omit")), e) for e in ENGINES]
    assert of_rows[0].equals(of_rows[1])
    of_groups = [collect(frame.lazy().group_by("g").agg(quantity.value(x, "y")), e).sort("g") for e in ENGINES]
    for a, b in zip(*(groups["x"] for groups in of_groups), strict=True):
        # Sums in another order; S is about 2000.
        assert a == pytest.approx(b, rel=0, abs=1e-14 * (1 + math.log(2000)))


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
@pytest.mark.parametrize("form", ["select", "group_by", "over", "state"])
def test_large_weights_hide_no_missing_one(quantity, form, missing, engine):
    """A sum of weights beyond 1e278 has no lead, in which nulls and NaN are signalled."""
    frame = pl.LazyFrame({"g": [0, 0, 0], "x": [1e300, missing, 1.0], "y": [1.0, 2.0, 3.0]})
    names = ["xy", "yx"] if quantity.pair else ["x"]
    for sides in names:
        p, q = pl.col(sides[0]).info, pl.col(sides[-1])
        if form == "state" and not quantity.sums:
            continue
        value = quantity.state(p, q) if form == "state" else quantity.value(p, q)
        value = value.struct.field(quantity.name) if form == "state" else value
        queries = {
            "group_by": lambda value: frame.group_by("g").agg(out=value),
            "over": lambda value: frame.select(out=value.over("g")),
        }
        got = queries.get(form, lambda value: frame.select(out=value))(value).collect(engine=engine)["out"]
        assert got[0] is None if missing is None else math.isnan(got[0])
