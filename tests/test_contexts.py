"""Every place that an expression can stand in, every right-hand side, and what the engine makes of it."""

from __future__ import annotations

import io
import math
import pickle
import re

import numpy as np
import polars as pl
import pytest
import scipy.stats

from conftest import ENGINES, collect, run

H = scipy.stats.entropy

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


def close(want):
    return pytest.approx(want, rel=1e-14, abs=1e-15)


# Columns, groups, windows.


def test_with_columns_repeats_the_value_of_the_column(engine):
    got = collect(FRAME.lazy().with_columns(h=x.entropy(), d=x.kl_div("y")), engine)
    assert got["h"].to_list() == [close(H(X))] * 5
    assert got["d"].to_list() == [close(H(X, Y))] * 5


def test_groups(engine):
    assert by_group(x.entropy(), engine) == [close(H(X[A])), close(H(X[B]))]
    assert by_group(x.kl_div("y"), engine) == [close(H(X[A], Y[A])), close(H(X[B], Y[B]))]


def test_windows_by_key(engine):
    got = run(FRAME, x.kl_div("y").over("g"), engine=engine)["x"].to_list()
    assert got == [close(H(X[A], Y[A]))] * 2 + [close(H(X[B], Y[B]))] * 3


ROLLING = [slice(max(0, i - 1), i + 1) for i in range(5)]


def test_rolling(engine):
    want = [close(H(X[w], Y[w])) for w in ROLLING]
    want[3] = close(H([3.0, 0.0], [3.0, 4.0]))
    as_frame = FRAME.lazy().rolling("t", period="2i").agg(x.kl_div("y"))
    assert collect(as_frame, engine)["x"].to_list() == want
    assert run(FRAME, x.kl_div("y").rolling("t", period="2i"), engine=engine)["x"].to_list() == want


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
    ("values", "period", "last"),
    [
        ([0.5, 0.0], 2, math.nan),
        ([1e12, 0.1], 2, 0.0),
        ([1e16, 1.0, 0.5], 3, H([0.5])),
        ([1e30, 0.1, 0.1, 0.1], 2, H([0.1])),
    ],
)
@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
def test_overlapping_windows_leave_nothing_behind(engine, values, period, last, dtype):
    frame = pl.DataFrame({"t": range(len(values)), "x": pl.Series(values, dtype=dtype)})
    query = frame.lazy().group_by_dynamic("t", every="1i", period=f"{period}i")
    got = collect(query.agg(pl.col("x"), h=x.entropy(), d=x.kl_div("x")), engine)
    for h, row in zip(got["h"], got["x"].info.list.entropy(), strict=True):
        # The promise on groups, with ln S < 70, and the rounding of Float32.
        assert h == pytest.approx(row, abs=1e-14 * 71 if dtype == pl.Float64 else 1e-7, nan_ok=True)
    assert got["h"][-1] == pytest.approx(last, abs=0, nan_ok=True)
    assert got["d"][-1] == pytest.approx(0.0 if values[-1] else math.nan, abs=0, nan_ok=True)


def test_group_by_dynamic(engine):
    query = FRAME.lazy().group_by_dynamic("t", every="2i").agg(x.entropy(), d=x.kl_div("y"))
    got = collect(query, engine)
    want = [slice(0, 1), slice(1, 3), slice(3, 5)]
    assert got["x"].to_list() == [close(H(X[w])) for w in want]
    assert got["d"].to_list() == [close(H(X[w], Y[w])) for w in want]


def test_empty_groups_are_zero(engine):
    kept = pl.col("x").filter(pl.col("x") > 4)
    assert by_group(kept.info.entropy(), engine) == [0.0, 0.0]


def test_raise_looks_only_at_what_is_in_the_group(engine):
    frame = pl.LazyFrame({"g": [1, 1, 1, 2, 2, 2], "k": [True, True, False] * 2, "x": [1.0, 2.0, None, 4.0, 5.0, None]})
    kept = pl.col("x").filter("k").info
    for expr in (kept.entropy(nan_policy="raise"), kept.kl_div(1.0, nan_policy="raise")):
        assert collect(frame.group_by("g").agg(expr), engine).height == 2
    with pytest.raises(pl.exceptions.ComputeError, match=r"contains nan values: column 'x', row \d"):
        frame.group_by("g").agg(x.entropy(nan_policy="raise")).collect(engine=engine)


def test_empty_frames(engine):
    empty = FRAME.clear()
    flat = run(empty, x.entropy().alias("h"), x.kl_div("y").alias("d"), engine=engine)
    assert flat.rows() == [(0.0, 0.0)]
    for expr in (
        p.entropy(),
        p.kl_div("q"),
        p.kl_div([1, 2, 3]),
        P.entropy(),
        P.kl_div("Q"),
        x.entr(),
        x.rel_entr("y"),
    ):
        assert run(empty, expr, engine=engine).height == 0
    assert collect(empty.lazy().group_by("g").agg(x.entropy()), engine).height == 0
    assert run(empty, P.entropy(axis=0), engine=engine)["P"].to_list() == [[0.0, 0.0, 0.0]]


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
def test_one_distribution_for_all_rows(engine, q):
    want = H(ROWS_P, np.array(FIXED)[None], axis=1)
    assert run(FRAME, p.kl_div(q), engine=engine)["p"].to_list() == close(want.tolist())
    assert collect(FRAME.lazy().with_columns(d=p.kl_div(q)), engine)["d"].to_list() == close(want.tolist())
    of_a, of_b = by_group(p.kl_div(q), engine)
    assert (of_a, of_b) == (close(want[A].tolist()), close(want[B].tolist()))
    assert by_group(p.kl_div(q).max(), engine) == close([want[A].max(), want[B].max()])
    assert run(FRAME, p.kl_div(q).over("g"), engine=engine)["p"].to_list() == close(want.tolist())


@pytest.mark.parametrize("q", [q for name, q in FIXED_Q.items() if "iteral" not in name])
def test_one_distribution_for_all_rows_of_a_series(q):
    want = H(ROWS_P, np.array(FIXED)[None], axis=1).tolist()
    assert FRAME["p"].info.list.kl_div(q).to_list() == close(want)


def test_an_aggregate_as_q(engine):
    first = pl.col("q").first()
    assert run(FRAME, p.kl_div(first), engine=engine)["p"].to_list() == [
        close(d) for d in H(ROWS_P, ROWS_Q[:1], axis=1)
    ]
    want = [H(ROWS_P[s], ROWS_Q[s][:1], axis=1) for s in (A, B)]
    assert by_group(p.kl_div(first), engine) == [[close(d) for d in group] for group in want]
    assert run(FRAME, P.kl_div(pl.col("Q").first()), engine=engine)["P"].to_list() == [
        close(d) for d in H(ROWS_P, ROWS_Q[:1], axis=1)
    ]


def test_a_group_gathered_into_a_row(engine):
    d = pl.col("x").implode().info.list.kl_div(pl.col("y").implode())
    assert by_group(d, engine) == [close(H(X[A], Y[A])), close(H(X[B], Y[B]))]
    ungrouped = pl.col("x").head(3).implode().info.list.kl_div([1, 2, 3])
    assert run(FRAME, ungrouped, engine=engine).item() == close(H(X[:3], [1, 2, 3]))


def test_missing_elements_of_a_fixed_distribution(engine):
    assert run(FRAME, p.kl_div([None, 2, 3]), engine=engine)["p"].to_list() == [None] * 5
    omitted = run(FRAME, p.kl_div([None, 2, 3], nan_policy="omit"), engine=engine)["p"].to_list()
    assert omitted == close(H(ROWS_P[:, 1:], [[2.0, 3.0]], axis=1).tolist())
    with pytest.raises(pl.exceptions.ComputeError, match="column q, row 0, element 0"):
        run(FRAME, p.kl_div([math.nan, 2, 3], nan_policy="raise"), engine=engine)


# q of columns and groups.


def test_a_number_or_an_aggregate_is_a_uniform_q(engine):
    for q in (1, 2.5, np.float64(3.0), pl.lit(4.0), pl.col("y").mean(), pl.Series([7.0])):
        assert run(FRAME, x.kl_div(q), engine=engine).item() == close(H(X, np.ones(5)))
        assert by_group(x.kl_div(q), engine) == [0.0, close(H(X[B], np.ones(3)))]
        got = run(FRAME, x.kl_div(q).over("g"), engine=engine)["x"].to_list()
        assert got == [0.0] * 2 + [close(H(X[B], np.ones(3)))] * 3


def test_a_uniform_p(engine):
    assert run(FRAME, pl.col("x").mean().info.kl_div("y"), engine=engine).item() == close(H(np.ones(5), Y))
    assert by_group(pl.col("x").mean().info.kl_div("y"), engine) == [
        close(H(np.ones(2), Y[A])),
        close(H(np.ones(3), Y[B])),
    ]


@pytest.mark.parametrize("q", [Y.tolist(), Y, pl.Series(Y)], ids=["list", "vector", "Series"])
def test_a_sequence_is_a_column_in_select(engine, q):
    assert run(FRAME, x.kl_div(q), engine=engine).item() == close(H(X, Y))
    assert collect(FRAME.lazy().with_columns(d=x.kl_div(q)), engine)["d"].to_list() == [close(H(X, Y))] * 5
    assert FRAME["x"].info.kl_div(q).item() == close(H(X, Y))
    assert FRAME["x"].alias("").info.kl_div(q).item() == close(H(X, Y))
    assert run(FRAME, x.rel_entr(q), engine=engine)["x"].to_list() == FRAME["x"].info.rel_entr(FRAME["y"]).to_list()


def test_a_long_sequence_meets_a_streamed_column(engine):
    n = 300_000
    rng = np.random.default_rng(5)
    a, b = rng.random(n), rng.random(n)
    got = run(pl.DataFrame({"x": a}), x.kl_div(b), engine=engine).item()
    # The promise on groups; P and Q are about n/2.
    assert got == pytest.approx(H(a, b), abs=1e-14)


@pytest.mark.parametrize("length", [2, 3, 5, 4], ids=["a group", "the other group", "the frame", "nothing"])
def test_a_sequence_in_a_group_says_to_join(engine, length):
    q = [1.0] * length
    message = "join q in as a column"
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        FRAME.lazy().group_by("g").agg(x.kl_div(q)).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        FRAME.lazy().select(x.kl_div(q).over("g")).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        FRAME.lazy().group_by("g").agg(x.rel_entr(pl.Series(q))).collect(engine=engine)
    with pytest.raises(
        pl.exceptions.ComputeError, match="'x' has 5 rows and q, a sequence of numbers, is a column of 1"
    ):
        FRAME.lazy().select(x.kl_div([1.0])).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match="p has 5 rows and q, a sequence of numbers, is a column of 1"):
        FRAME["x"].alias("").info.kl_div([1.0])
    # Groups that all have the length of q would pass for columns.
    alike = pl.LazyFrame({"g": [1, 1, 2, 2], "x": [1.0, 2.0, 3.0, 4.0]}).group_by("g").agg(x.kl_div([1.0, 1.0]))
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        alike.collect(engine=engine)
    if length != FRAME.height:
        with pytest.raises(pl.exceptions.ComputeError, match=f"'x' has 5 rows and q, .* is a column of {length}"):
            FRAME.lazy().select(x.kl_div(q)).collect(engine=engine)


# Axes.


def test_axis_0_is_an_aggregation(engine):
    want = [H(ROWS_P[s], axis=0) for s in (A, B)]
    assert by_group(P.entropy(axis=0), engine) == [close(list(h)) for h in want]
    assert by_group(P.entropy(axis=None), engine) == [close(H(ROWS_P[s], axis=None)) for s in (A, B)]
    want = [H(ROWS_P[s], ROWS_Q[s], axis=0) for s in (A, B)]
    assert by_group(P.kl_div("Q", axis=0), engine) == [close(list(d)) for d in want]
    got = run(FRAME, P.entropy(axis=0).over("g"), engine=engine)["P"].to_list()
    assert got[0] == got[1] == close(list(H(ROWS_P[A], axis=0)))
    assert (
        collect(FRAME.lazy().with_columns(h=P.entropy(axis=None)), engine)["h"].to_list()
        == [close(H(ROWS_P, axis=None))] * 5
    )


def test_one_cell_for_every_row_of_a_group(engine):
    want = [H(ROWS_P[s], np.broadcast_to(FIXED, ROWS_P[s].shape), axis=None) for s in (A, B)]
    for q in (FIXED, np.array(FIXED), pl.Series([FIXED], dtype=pl.Array(pl.Float64, 3))):
        assert by_group(P.kl_div(q, axis=None), engine) == [close(d) for d in want]


@pytest.mark.skipif(
    pl.__version__ < "2", reason="Polars 1 panics at pl.col('Q').first().implode() of an Array in a group"
)
def test_an_aggregate_for_every_row_of_a_group(engine):
    want = [H(ROWS_P[s], np.broadcast_to(ROWS_Q[s][:1], ROWS_P[s].shape), axis=None) for s in (A, B)]
    assert by_group(P.kl_div(pl.col("Q").first(), axis=None), engine) == [close(d) for d in want]


def test_null_cells(engine):
    cells = pl.Series("P", [[1.0, 1.0], None, [3.0, 1.0]], dtype=pl.Array(pl.Float64, 2)).to_frame()
    assert run(cells, P.entropy(), engine=engine)["P"].to_list() == [close(math.log(2)), None, close(H([3, 1]))]
    # Down the column a null cell is a missing element of each distribution.
    assert run(cells, P.entropy(axis=0), engine=engine)["P"].to_list() == [[None, None]]
    omitted = run(cells, P.entropy(axis=0, nan_policy="omit"), engine=engine)["P"].to_list()
    assert omitted == [close([H([1, 3]), math.log(2)])]
    nested = pl.Series("P", [[[1.0, 1.0], None], None], dtype=pl.Array(pl.Float64, (2, 2))).to_frame()
    assert run(nested, P.entropy(), engine=engine)["P"].to_list() == [[close(math.log(2)), None], None]
    assert run(nested, P.entropy(axis=1), engine=engine)["P"].to_list() == [[None, None], None]
    assert run(nested, P.entropy(axis=1, nan_policy="omit"), engine=engine)["P"].to_list() == [[0.0, 0.0], None]
    assert run(nested, P.entropy(axis=(1, 2)), engine=engine)["P"].to_list() == [None, None]
    # A null cell of q nulls the rows that it is the reference of.
    q = pl.Series("Q", [None, [[1.0, 1.0], [1.0, 1.0]]], dtype=pl.Array(pl.Float64, (2, 2)))
    assert run(nested.with_columns(q), P.kl_div("Q"), engine=engine)["P"].to_list() == [None, None]


# Nested lists.


def test_nested_lists_reduce_the_innermost_level(engine):
    rows = [[[1.0, 1.0], None, []], None, [], [[3.0, 1.0, None]]]
    nested = pl.DataFrame({"p": pl.Series(rows, dtype=pl.List(pl.List(pl.Float64)))})
    want = [[close(math.log(2)), None, 0.0], None, [], [None]]
    assert run(nested, p.entropy(), engine=engine)["p"].to_list() == want
    around = pl.concat([nested, nested]).slice(3, 4)
    assert run(around, p.entropy(), engine=engine)["p"].to_list() == [*want[3:], *want[:3]]
    deeper = pl.DataFrame({"p": pl.Series([rows, None], dtype=pl.List(pl.List(pl.List(pl.Float64))))})
    assert run(deeper, p.entropy(), engine=engine)["p"].to_list() == [want, None]
    arrays = pl.DataFrame({"p": pl.Series([[[1, 1], None], None], dtype=pl.List(pl.Array(pl.Int8, 2)))})
    assert run(arrays, p.entropy(), engine=engine)["p"].to_list() == [[close(math.log(2)), None], None]


def test_pairs_in_nested_lists(engine):
    a = [[[1.0, 1.0], [1.0, 3.0]], None, [[1.0, 0.0]], [None, [2.0]]]
    b = [[[1.0, 1.0], [1.0, 1.0]], [[5.0]], None, [[1.0], [1.0]]]
    frame = pl.DataFrame({"p": a, "q": b}, schema=dict.fromkeys("pq", pl.List(pl.List(pl.Float64))))
    want = [[0.0, close(H([1, 3], [1, 1]))], None, None, [None, 0.0]]
    assert run(frame, p.kl_div("q"), engine=engine)["p"].to_list() == want
    fixed = run(frame.head(3), p.kl_div([1, 1]), engine=engine)["p"].to_list()
    assert fixed == [[0.0, close(H([1, 3], [1, 1]))], None, [close(math.log(2))]]
    # One level less: a reference for each row, and all its lists.
    per_row = frame.head(3).with_columns(q=pl.Series([[1.0, 1.0], [1.0], None]))
    assert run(per_row, p.kl_div("q"), engine=engine)["p"].to_list() == [want[0], None, [None]]
    with pytest.raises(pl.exceptions.ComputeError, match=r"row 0 has 2 elements in 'p' and 1 in q"):
        frame.head(1).with_columns(q=pl.Series([[[1.0, 1.0]]])).select(p.kl_div("q"))
    with pytest.raises(pl.exceptions.ComputeError, match=r"row 3 has 1 elements in 'p' and 2 in q"):
        frame.with_columns(q=pl.Series([b[0], b[1], b[2], [[1.0], [1.0, 2.0]]])).select(p.kl_div("q"))
    with pytest.raises(pl.exceptions.ComputeError, match="row 3, element 0"):
        frame.with_columns(q=pl.Series([b[0], b[1], b[2], [[1.0], [None]]])).select(p.kl_div("q", nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match="nested deeper than p"):
        frame.select(pl.col("q").list.first().info.list.kl_div("p"))


# What the engine makes of it.


def physical_nodes(query: pl.LazyFrame) -> list[str]:
    """The kinds of nodes in the streaming engine's plan."""
    graph = query.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
    return re.findall(r'label="([a-z-]+)', graph)


AGGREGATIONS = {
    "entropy": x.entropy(),
    "entropy, omit": x.entropy(nan_policy="omit", base=2),
    "entropy, raise": x.entropy(nan_policy="raise"),
    "kl_div": x.kl_div("y"),
    "kl_div from uniform": x.kl_div(1.0),
}


@pytest.mark.parametrize("expr", AGGREGATIONS.values(), ids=AGGREGATIONS)
def test_a_group_by_keeps_the_engines_own_node(expr):
    nodes = physical_nodes(FRAME.lazy().group_by("g").agg(expr))
    assert "group-by" in nodes
    assert "in-memory-map" not in nodes
    # The very nodes of a native sum, and one to put the sums together.
    native = physical_nodes(FRAME.lazy().group_by("g").agg(pl.col("x").sum()))
    assert set(nodes) <= {*native, "select"}


ELEMENTWISE = {
    "list entropy": p.entropy(),
    "list kl_div": p.kl_div("q"),
    "list kl_div, fixed": p.kl_div(FIXED),
    "arr entropy": P.entropy(),
    "arr kl_div": P.kl_div("Q", axis=1),
    "entr": x.entr(),
    "rel_entr": x.rel_entr("y"),
    "rel_entr of a number": x.rel_entr(2.0),
}


@pytest.mark.parametrize("expr", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_rows_and_elements_stream(expr):
    assert "in-memory-map" not in physical_nodes(FRAME.lazy().select(expr))


@pytest.mark.parametrize("expr", [*AGGREGATIONS.values(), *ELEMENTWISE.values()], ids=[*AGGREGATIONS, *ELEMENTWISE])
def test_expressions_travel(expr):
    want = FRAME.select(expr)
    assert FRAME.select(pickle.loads(pickle.dumps(expr))).equals(want)
    assert FRAME.select(pl.Expr.deserialize(io.BytesIO(expr.meta.serialize()))).equals(want)
    lazy = FRAME.lazy().select(expr)
    assert pl.LazyFrame.deserialize(io.BytesIO(lazy.serialize())).collect().equals(want)


def test_from_parquet(engine, tmp_path):
    FRAME.write_parquet(tmp_path / "frame.parquet", row_group_size=2)
    scan = pl.scan_parquet(tmp_path / "frame.parquet")
    assert collect(scan.select(p.kl_div("q"), h=P.entropy()), engine).equals(
        FRAME.select(p.kl_div("q"), h=P.entropy()), null_equal=True
    )
    got = collect(scan.group_by("g").agg(x.entropy()), engine).sort("g")
    assert got["x"].to_list() == [close(H(X[A])), close(H(X[B]))]


def test_results_are_named_like_p():
    for expr in (x.entropy(), x.kl_div("y"), x.kl_div(1), x.entr(), x.rel_entr("y")):
        assert FRAME.select(expr).columns == ["x"]
    for expr in (p.entropy(), p.kl_div("q"), p.kl_div(FIXED)):
        assert FRAME.select(expr).columns == ["p"]
    for expr in (P.entropy(axis=0), P.entropy(axis=-2), P.kl_div("Q"), P.kl_div(FIXED, axis=None)):
        assert FRAME.select(expr).columns == ["P"]
    assert FRAME.select(pl.col("x", "y").info.entropy()).columns == ["x", "y"]
    for name in ("", "*", "^.*$", "Größe"):
        assert FRAME["x"].alias(name).info.entropy().name == name


def test_both_engines_agree_on_large_frames():
    rng = np.random.default_rng(3)
    n = 200_000
    frame = pl.DataFrame({"g": rng.integers(0, 50, n), "x": rng.random(n), "y": rng.random(n)})
    rows = frame.select(p=pl.concat_list("x", "y"), q=pl.concat_list("y", "x"))
    results = [
        (
            collect(rows.lazy().select(p.kl_div("q"), h=p.entropy(nan_policy="omit")), e),
            collect(frame.lazy().group_by("g").agg(x.entropy(), d=x.kl_div("y")), e).sort("g"),
        )
        for e in ENGINES
    ]
    assert results[0][0].equals(results[1][0])
    for a, b in zip(results[0][1].rows(), results[1][1].rows(), strict=True):
        # Sums in another order; S is about 2000.
        assert a == pytest.approx(b, abs=1e-14 * (1 + math.log(2000)))
