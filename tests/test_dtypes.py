"""Every dtype: what goes in, what comes out, what is refused, and that nothing takes the interpreter with it."""

from __future__ import annotations

import decimal
import math
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engines import ENGINES, collect, run

LN2 = math.log(2)
VALUES = [3, 1, 0, 1]
Q = [1, 1, 1, 2]

X, ROWS, CELLS = pl.col("x").info, pl.col("x").info.list, pl.col("x").info.arr
P = pl.col("p").info.list

DOUBLE = [
    pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
    pl.Decimal(20, 2),
]  # fmt: skip
SINGLE = [pl.Float32]
# Newer than the floor.
DOUBLE += [dtype for dtype in [getattr(pl, "UInt128", None)] if dtype is not None]
SINGLE += [dtype for dtype in [getattr(pl, "Float16", None)] if dtype is not None]
EXPECTED = {**dict.fromkeys(DOUBLE, pl.Float64), **dict.fromkeys(SINGLE, pl.Float32)}


def tolerance(dtype):
    """Units in the last place of the result, which is rounded once."""
    return 1e-14 if dtype == pl.Float64 else 1e-7


def series(values, dtype):
    if isinstance(dtype, pl.Decimal):
        values = [decimal.Decimal(v) for v in values]
    return pl.Series(values).cast(dtype)


@pytest.mark.parametrize("dtype", EXPECTED, ids=str)
def test_a_column_of_zeros_is_not_a_column_of_none(quantity, engine, dtype):
    frame = pl.DataFrame({"x": series([0, 0, 1], dtype), "y": series([1, 1, 1], dtype)})
    frame = frame.with_columns(pl.when(pl.int_range(3) < 2).then("x"))
    expr = quantity.value(X, "y", nan_policy="omit")
    for rows, expected in ((slice(0, 3), math.nan), (slice(2, 3), 0.0)):
        assert run(frame[rows], expr, engine=engine).item() == pytest.approx(expected, nan_ok=True, abs=0)


@pytest.mark.parametrize("dtype", EXPECTED, ids=str)
def test_every_number_has_a_value_in_every_shape(quantity, engine, dtype):
    out = EXPECTED[dtype]
    flat = pl.DataFrame({"g": 1, "x": series(VALUES, dtype), "y": series(Q, dtype)})
    rows = flat.group_by("g").agg("x", "y")
    cells = rows.with_columns(pl.col("x", "y").list.to_array(4))
    want, of_uniform = (quantity.of_inputs(quantity.scipy, VALUES, q) for q in (Q, [1] * 4))
    shapes = {
        "rows": (rows.lazy().select(quantity.value(ROWS, "y")), want),
        "cells": (cells.lazy().select(quantity.value(CELLS, "y")), want),
        "all cells": (cells.lazy().select(quantity.value(CELLS, "y", axis=None)), want),
        "column": (flat.lazy().select(quantity.value(X, "y")), want),
        "column, a number": (flat.lazy().select(quantity.value(X, 2.5)), of_uniform),
        "group": (flat.lazy().group_by("g").agg(quantity.value(X, "y")).select("x"), want),
    }
    for shape, (query, value) in shapes.items():
        got = collect(query, engine)["x"]
        assert got.dtype == out, shape
        assert got.item() == pytest.approx(value, rel=tolerance(out)), shape


@pytest.mark.parametrize("dtype", EXPECTED, ids=str)
def test_every_number_has_a_value_element_by_element(engine, dtype):
    out = EXPECTED[dtype]
    frame = pl.DataFrame({"x": series(VALUES, dtype), "y": series(Q, dtype)})
    elements = run(frame, X.entr(), engine=engine)["x"]
    assert elements.dtype == out
    assert elements.to_list() == pytest.approx([-3 * math.log(3), 0, 0, 0], rel=tolerance(out))
    relative = run(frame, X.rel_entr("y"), engine=engine)["x"]
    assert relative.dtype == out
    assert relative.to_list() == pytest.approx([3 * math.log(3), 0, 0, -LN2], rel=tolerance(out))


def test_booleans_are_0_and_1(quantity, engine):
    frame = pl.DataFrame({"x": [True, False, True], "p": [[True], [True, True], [False]]})
    numbers = frame.with_columns(pl.col("x").cast(pl.Int8), pl.col("p").cast(pl.List(pl.Int8)))
    for expr in (quantity.value(X, [True, True, True]), quantity.value(X, "x")):
        assert run(frame, expr, engine=engine).equals(run(numbers, expr, engine=engine))
    expr = quantity.value(pl.col("p").info.list, "p")
    assert run(frame, expr, engine=engine).equals(run(numbers, expr, engine=engine))


@pytest.mark.parametrize(
    ("p", "q", "out"),
    [
        (pl.Float32, pl.Float32, pl.Float32),
        (pl.Float32, pl.Float64, pl.Float64),
        (pl.Float64, pl.Float32, pl.Float64),
        (pl.Float32, pl.Int8, pl.Float64),
        (pl.Int64, pl.UInt64, pl.Float64),
        (pl.Float32, pl.Null, pl.Float32),
        (pl.Null, pl.Null, pl.Float64),
    ],
)
def test_two_inputs_are_single_only_if_neither_needs_more(pair, engine, p, q, out):
    # Of a single event every quantity is 0.
    frame = pl.DataFrame({"p": [[1]], "q": [[1]]}, schema={"p": pl.List(pl.Int8), "q": pl.List(pl.Int8)})

    def cast(name, dtype):
        nulls = pl.Series(name, [[None]], dtype=pl.List(pl.Null))
        return nulls if dtype == pl.Null else frame[name].cast(pl.List(dtype))

    frame = pl.DataFrame([cast("p", p), cast("q", q)])
    rows = run(frame, pair.value(pl.col("p").info.list), engine=engine)["p"]
    flat = run(frame.explode("p", "q"), pair.value(pl.col("p").info), engine=engine)["p"]
    elements = run(frame.explode("p", "q"), pl.col("p").info.rel_entr("q"), engine=engine)["p"]
    assert [rows.dtype, flat.dtype, elements.dtype] == [out] * 3
    assert rows.item() == flat.item() == (None if pl.Null in (p, q) else 0.0)


def test_a_python_number_has_no_precision_of_its_own(pair, engine):
    frame = pl.DataFrame({"x": [1.0, 3.0]}, schema={"x": pl.Float32})
    assert run(frame, X.rel_entr(0.1), engine=engine)["x"].dtype == pl.Float32
    assert run(frame, pair.value(X, 1), engine=engine)["x"].dtype == pl.Float32
    double = run(frame.cast(pl.Float64), X.rel_entr(0.1), engine=engine)["x"]
    assert double[0] == pytest.approx(math.log(10), rel=1e-15)


def test_nulls_count_as_missing_numbers(quantity, engine):
    column = pl.DataFrame({"x": [None, None], "p": [[None], [None, None]]})
    assert column.schema == {"x": pl.Null, "p": pl.List(pl.Null)}
    for policy, want in {"propagate": None, "omit": 0.0}.items():
        for q in ("x", 1.0):
            assert run(column, quantity.value(X, q, nan_policy=policy), engine=engine).item() == want
        rows = quantity.value(pl.col("p").info.list, "p", nan_policy=policy)
        assert run(column, rows, engine=engine)["p"].to_list() == [want] * 2
    for expr in (quantity.value(ROWS, "x"), quantity.value(CELLS, "x"), X.entr()):
        assert run(column, expr, engine=engine)["x"].to_list() == [None, None]
    with pytest.raises(pl.exceptions.ComputeError, match="contains nan values"):
        run(column, quantity.value(X, "x", nan_policy="raise"), engine=engine)


def test_a_null_is_a_null_row_of_q(pair, engine):
    rows = pl.DataFrame({"p": [[1.0], [2.0]]})
    assert run(rows, pair.value(pl.col("p").info.list, pl.lit(None)), engine=engine)["p"].to_list() == [None, None]


def lists_of_counts(seed, rows=6_000):
    """Lists of up to 40 counts, some of them null: more of them than are converted at a time."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 41, rows)
    flat = pl.DataFrame({"row": np.repeat(np.arange(rows), lengths), "n": rng.integers(0, 1000, lengths.sum())})
    flat = flat.with_columns(pl.when(pl.col("n") < 990).then("n"))
    lists = flat.group_by("row", maintain_order=True).agg("n")
    return pl.DataFrame({"row": range(rows)}).join(lists, on="row", how="left", maintain_order="left")["n"]


def test_counts_that_are_converted_in_pieces_have_the_bits_of_floats(quantity, engine):
    p = lists_of_counts(1)
    q = pl.DataFrame({"p": p}).select(pl.col("p").list.eval(pl.element().shuffle(seed=1) * 2 + 1)).to_series()
    counts = pl.DataFrame({"p": p, "q": q})
    floats = counts.cast(pl.List(pl.Float64))
    queries = [quantity.value(P), quantity.value(P, nan_policy="omit").alias("omit")]
    expected = run(floats, *queries, engine=engine)
    assert_frame_equal(run(counts, *queries, engine=engine), expected, check_exact=True)
    # In a chunk of several, from its middle, and below lists that stay.
    several = pl.concat([counts, counts.slice(777)], rechunk=False)
    twice = pl.concat([expected, expected.slice(777)])
    assert_frame_equal(run(several, *queries, engine=engine), twice, check_exact=True)
    nested, of_floats = (
        table.group_by(pl.int_range(pl.len()) // 3, maintain_order=True).agg("p", "q") for table in (counts, floats)
    )
    expected = run(of_floats, queries[0], engine=engine)
    assert_frame_equal(run(nested, queries[0], engine=engine), expected, check_exact=True)


# A short row of q, and one that is too long to be converted for each piece.
@pytest.mark.parametrize("width", [30, 6_000])
def test_one_row_goes_with_all_pieces(pair, engine, width):
    rows = [[(i * k) % 7 + (k % 3) for k in range(width)] for i in range(90_000 // width)]
    counts = pl.DataFrame({"p": rows})
    of_q = pair.value(P, list(range(1, width + 1)))
    expected = run(counts.cast(pl.List(pl.Float64)), of_q, engine=engine)
    assert_frame_equal(run(counts, of_q, engine=engine), expected, check_exact=True)


def test_cells_of_counts_that_are_converted_in_pieces_have_the_bits_of_floats(quantity, engine):
    rng = np.random.default_rng(3)
    counts = pl.DataFrame({name: pl.Series(rng.integers(0, 9, 90_000)).reshape((5_000, 3, 6)) for name in ("p", "q")})
    counts = pl.concat([counts, counts.slice(77)], rechunk=False)
    floats = counts.cast(pl.Array(pl.Float64, (3, 6)))
    for axis in (1, 2):
        of_axis = quantity.value(pl.col("p").info.arr, axis=axis)
        expected = run(floats, of_axis, engine=engine)
        assert_frame_equal(run(counts, of_axis, engine=engine), expected, check_exact=True)


def test_no_rows_of_integers_are_no_rows(quantity, engine):
    empty = pl.DataFrame(schema={"p": pl.List(pl.Int64), "q": pl.List(pl.Int64)})
    assert run(empty, quantity.value(P), engine=engine).shape == (0, 1)


def test_an_error_in_a_later_piece_names_its_row(quantity):
    counts = pl.Series("p", [[1] * 100] * 1_999 + [[1] * 99 + [None]], dtype=pl.List(pl.Int64))
    frame = pl.DataFrame({"p": counts, "q": [[1] * 100] * 2_000})
    with pytest.raises(pl.exceptions.ComputeError, match="row 1999, element 99"):
        frame.select(quantity.value(P, nan_policy="raise"))


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Int128], ids=str)
def test_integer_sums_do_not_wrap(quantity, engine, dtype):
    large = 2**62 if dtype != pl.Int128 else 2**126
    frame = pl.DataFrame({"x": pl.Series([large] * 4, dtype=dtype)})
    want = quantity.of_inputs(quantity.scipy, [1] * 4, [1] * 4)
    assert run(frame, quantity.value(X, "x"), engine=engine).item() == pytest.approx(want, abs=1e-14 * 90)
    gathered = quantity.value(pl.col("x").implode().info.list, pl.col("x").implode())
    assert run(frame, gathered, engine=engine).item() == pytest.approx(want, rel=1e-15)


def test_single_precision_is_summed_in_double(engine):
    x = np.ones(2**24 + 2**10, dtype=np.float32)
    frame = pl.DataFrame({"x": x})
    got = run(frame, X.entropy(), engine=engine).item()
    assert got == np.float32(math.log(len(x)))
    assert run(frame, pl.col("x").implode().info.list.entropy(), engine=engine).item() == got


# The accessor, the column, q, and what the message tells; {} stands for the method.
WRONG_ACCESSOR = [
    ("flat", "list", "list", "p .*list.*write `info.list.{}`"),
    ("flat", "arr", "arr", "p .*array.*write `info.arr.{}`"),
    ("list", "flat", "flat", "write `info.{}`"),
    ("list", "arr", "arr", "write `info.arr.{}`"),
    ("arr", "flat", "flat", "write `info.{}`"),
    ("arr", "list", "list", "write `info.list.{}`"),
    ("flat", "str", "str", r"'str'.* is str.*`info.values.entropy`.*`info.str.entropy`"),
    ("list", "strs", "strs", r"is list.str.*`info.list.values.entropy`"),
    ("list", "map", "map", r"keys and weights.*write `info.map.{}`"),
    ("list", "structs", "structs", "is list.struct.3.*cast it to numbers"),
    ("arr", "empty", "empty", "arrays of width 0"),
]
WRONG_Q = [
    ("list", "list", "flat", r"q \('flat'\) is f64.*q.implode\(\)"),
    ("flat", "list", "flat", "write `info.list.{}`"),
    ("flat", "flat", "list", r"q \('list'\) is list"),
    ("arr", "arr", "list", r"q \('list'\) is list.*list.to_array"),
    ("arr", "arr", [1, 2], "p and q differ in length: .*array.f64, 3.*array.f64, 2"),
]
WRONG_AXIS = [
    ("list", 0, "write `info.list.{}`"),
    ("list", -2, "write `info.list.{}`"),
    ("arr", 2, "axis 2 is out of bounds for an array of 2 dimensions"),
    ("arr", -3, "axis -3 is out of bounds"),
    ("arr", (1, -1), "axis -1 is named twice"),
]


def refused(expr, message):
    frame = pl.DataFrame(
        {
            "flat": [1.0],
            "list": [[1.0, 2.0, 3.0]],
            "str": ["a"],
            "strs": [["a"]],
            "map": [[{"bin": "low", "n": 3}]],
            "structs": [[{"a": 1, "b": 2, "c": 3}]],
        },
    ).with_columns(arr=pl.col("list").list.to_array(3), empty=pl.Series([[]], dtype=pl.Array(pl.Float64, 0)))
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        frame.lazy().select(expr).collect_schema()


def accessor(name, column):
    info = pl.col(column).info
    return info if name == "flat" else getattr(info, name)


@pytest.mark.parametrize(("name", "column", "q", "message"), WRONG_ACCESSOR)
def test_the_wrong_accessor_is_refused_when_the_plan_is_resolved(quantity, name, column, q, message):
    refused(quantity.value(accessor(name, column), q), message.format(quantity))


@pytest.mark.parametrize(("name", "column", "q", "message"), WRONG_Q)
def test_the_wrong_q_is_refused_when_the_plan_is_resolved(pair, name, column, q, message):
    refused(pair.value(accessor(name, column), q), message.format(pair))


@pytest.mark.parametrize(("column", "axis", "message"), WRONG_AXIS)
def test_the_wrong_axis_is_refused_when_the_plan_is_resolved(quantity, column, axis, message):
    refused(quantity.value(pl.col(column).info.arr, column, axis=axis), message.format(quantity))


def test_a_cell_of_the_wrong_length_is_refused_along_every_axis(pair):
    for axis in (0, 1, None):
        refused(pair.value(pl.col("arr").info.arr, [1, 2], axis=axis), "p and q differ in length")


def test_elements_of_lists_are_refused_when_the_plan_is_resolved():
    refused(pl.col("list").info.entr(), "list.eval")
    refused(pl.col("arr").info.rel_entr(1), "list.eval")


ODD = """
import datetime as dt, sys
import polars as pl
from polars_entropy._lib import QUANTITIES

class Extension(getattr(pl, "BaseExtension", object)):
    def __init__(self):
        super().__init__("polars_entropy.test", pl.Float64, None)

def odd(name):
    if name == "Map":
        import pyarrow as pa
        return pl.Series(pl.from_arrow(pa.array([[("a", 1)]], type=pa.map_(pa.string(), pa.int64()))))
    if name == "Extension":
        return pl.Series([1.0]).ext.to(Extension())
    return {
        "String": lambda: pl.Series(["a"]),
        "Binary": lambda: pl.Series([b"a"]),
        "Date": lambda: pl.Series([dt.date(2020, 1, 1)]),
        "Datetime": lambda: pl.Series([dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)]),
        "Duration": lambda: pl.Series([dt.timedelta(1)]),
        "Time": lambda: pl.Series([dt.time(1)]),
        "Struct": lambda: pl.Series([{"a": 1.0}]),
        "Object": lambda: pl.Series([object()], dtype=pl.Object),
        "Categorical": lambda: pl.Series(["a"], dtype=pl.Categorical),
        "Enum": lambda: pl.Series(["a"], dtype=pl.Enum(["a"])),
        "width 0": lambda: pl.Series([[]], dtype=pl.Array(pl.Float64, 0)),
    }[name]()

x, one, ones = pl.col("x").info, pl.lit(1.0).info, pl.lit([1.0]).info
exprs = [x.entr(), x.rel_entr("x"), one.rel_entr("x")]
for name, able in QUANTITIES.items():
    for q in ["x", 1.0, [1.0]] if able.pair else [None]:
        args = [q] if able.pair else []
        if q != [1.0]:
            exprs += [getattr(x, name)(*args)] + ([getattr(x, name + "_state")(*args)] if able.state_sums else [])
        if q != 1.0:
            exprs += [getattr(x.list, name)(*args)]
            exprs += [getattr(x.arr, name)(*args, axis=axis) for axis in (-1, 0, -2)]
    if able.pair:
        exprs += [getattr(one, name)("x"), getattr(ones.list, name)("x")]
s = odd(sys.argv[1])
columns = [s] if s.dtype == pl.Object else [s, s.to_frame().select(pl.first().implode()).to_series()]
for column in columns:
    for expr in exprs:
        lazy = column.alias("x").to_frame().lazy().select(expr)
        for resolve in (lazy.collect_schema, lazy.collect, lambda: lazy.collect(engine="streaming")):
            try:
                resolve()
            except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
                assert "panicked" not in str(error), error
                # Polars' own words where it refuses on the way to us.
                assert "info." in str(error) or "implode" in str(error), error
            else:
                raise AssertionError(f"accepted {column.dtype}: {expr}")
print("survived")
"""

NAMES = [
    "String", "Binary", "Date", "Datetime", "Duration", "Time", "Struct", "Object", "Categorical", "Enum", "Map",
    "width 0",
]  # fmt: skip


@pytest.mark.parametrize("name", [*NAMES, *(["Extension"] if hasattr(pl, "BaseExtension") else [])])
def test_odd_dtypes_are_errors_and_never_the_end_of_the_interpreter(name):
    result = subprocess.run([sys.executable, "-c", ODD, name], capture_output=True, text=True, check=False)
    assert result.stdout == "survived\n", result.stderr


def test_the_schema_never_depends_on_the_data(quantity):
    frame = pl.DataFrame({"x": [1.0], "f": [1.0], "p": [[1.0]], "i": [1]}, schema_overrides={"f": pl.Float32})
    flat = [quantity.value(X, "x"), quantity.value(pl.col("f").info, "f")]
    rows = [quantity.value(pl.col("p").info.list, "p"), pl.col("i").info.entr()]
    for engine in ENGINES:
        for data in (frame, frame.clear(), pl.concat([frame] * 5, rechunk=False)):
            assert run(data, *flat, engine=engine).dtypes == [pl.Float64, pl.Float32]
            assert run(data, *rows, engine=engine).dtypes == [pl.Float64, pl.Float64]
