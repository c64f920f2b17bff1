"""Every dtype: what goes in, what comes out, what is refused, and that nothing takes the interpreter with it."""

from __future__ import annotations

import decimal
import math
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import scipy.stats

from conftest import ENGINES, collect, run

LN2 = math.log(2)
VALUES = [3, 1, 0, 1]
Q = [1, 1, 1, 2]
H, D = scipy.stats.entropy(VALUES), scipy.stats.entropy(VALUES, Q)

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
def test_a_column_of_zeros_is_not_a_column_of_none(engine, dtype):
    frame = pl.DataFrame({"x": series([0, 0, 1], dtype), "y": series([1, 1, 1], dtype)})
    frame = frame.with_columns(pl.when(pl.int_range(3) < 2).then("x"))
    exprs = [pl.col("x").info.entropy(nan_policy="omit"), pl.col("x").info.kl_div("y", nan_policy="omit").alias("d")]
    for rows, expected in ((slice(0, 3), math.nan), (slice(2, 3), 0.0)):
        assert run(frame[rows], exprs, engine=engine).row(0) == pytest.approx((expected,) * 2, nan_ok=True, abs=0)


@pytest.mark.parametrize("dtype", EXPECTED, ids=str)
def test_numbers(engine, dtype):
    out = EXPECTED[dtype]
    frame = pl.DataFrame({"x": series(VALUES, dtype), "y": series(Q, dtype)})
    frame = frame.with_columns(g=pl.lit(1))
    rows = (
        frame.group_by("g").agg("x", "y").with_columns(X=pl.col("x").list.to_array(4), Y=pl.col("y").list.to_array(4))
    )
    exprs = {
        "h": (rows, pl.col("x").info.list.entropy(), H),
        "d": (rows, pl.col("x").info.list.kl_div("y"), D),
        "H": (rows, pl.col("X").info.arr.entropy(), H),
        "D": (rows, pl.col("X").info.arr.kl_div("Y"), D),
        "n": (rows, pl.col("X").info.arr.entropy(axis=None), H),
        "e": (frame, pl.col("x").info.entropy(), H),
        "k": (frame, pl.col("x").info.kl_div("y"), D),
        "u": (frame, pl.col("x").info.kl_div(2.5), scipy.stats.entropy(VALUES, np.ones(4))),
    }
    for name, (data, expr, want) in exprs.items():
        got = run(data, expr.alias(name), engine=engine)[name]
        assert got.dtype == out, name
        assert got.item() == pytest.approx(want, rel=tolerance(out)), name
    grouped = collect(
        frame.lazy().group_by("g").agg(e=pl.col("x").info.entropy(), k=pl.col("x").info.kl_div("y")), engine
    )
    assert grouped.dtypes[1:] == [out, out]
    elements = run(frame, pl.col("x").info.entr(), engine=engine)["x"]
    assert elements.dtype == out
    assert elements.to_list() == pytest.approx([-3 * math.log(3), 0, 0, 0], rel=tolerance(out))
    relative = run(frame, pl.col("x").info.rel_entr("y"), engine=engine)["x"]
    assert relative.dtype == out
    assert relative.to_list() == pytest.approx([3 * math.log(3), 0, 0, -LN2], rel=tolerance(out))


def test_booleans(engine):
    frame = pl.DataFrame({"x": [True, False, True], "p": [[True], [True, True], [False]]})
    assert run(frame, pl.col("x").info.entropy(), engine=engine).item() == pytest.approx(LN2)
    rows = run(frame, pl.col("p").info.list.entropy(), engine=engine)["p"].to_list()
    assert rows[:2] == [0.0, pytest.approx(LN2)]
    assert math.isnan(rows[2])


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
def test_two_inputs_are_single_only_if_neither_needs_more(engine, p, q, out):
    frame = pl.DataFrame({"p": [[1, 1]], "q": [[1, 1]]}, schema={"p": pl.List(pl.Int8), "q": pl.List(pl.Int8)})

    def cast(name, dtype):
        nulls = pl.Series(name, [[None, None]], dtype=pl.List(pl.Null))
        return nulls if dtype == pl.Null else frame[name].cast(pl.List(dtype))

    frame = pl.DataFrame([cast("p", p), cast("q", q)])
    rows = run(frame, pl.col("p").info.list.kl_div("q"), engine=engine)["p"]
    flat = run(frame.explode("p", "q"), pl.col("p").info.kl_div("q"), engine=engine)["p"]
    elements = run(frame.explode("p", "q"), pl.col("p").info.rel_entr("q"), engine=engine)["p"]
    assert [rows.dtype, flat.dtype, elements.dtype] == [out] * 3
    assert rows.item() == flat.item() == (None if pl.Null in (p, q) else 0.0)


def test_a_python_number_has_no_precision_of_its_own(engine):
    frame = pl.DataFrame({"x": [1.0, 3.0]}, schema={"x": pl.Float32})
    assert run(frame, pl.col("x").info.rel_entr(0.1), engine=engine)["x"].dtype == pl.Float32
    assert run(frame, pl.col("x").info.kl_div(1), engine=engine)["x"].dtype == pl.Float32
    double = run(frame.cast(pl.Float64), pl.col("x").info.rel_entr(0.1), engine=engine)["x"]
    assert double[0] == pytest.approx(math.log(10), rel=1e-15)


def test_nulls_count_as_missing_numbers(engine):
    column = pl.DataFrame({"x": [None, None], "p": [[None], [None, None]]})
    assert column.schema == {"x": pl.Null, "p": pl.List(pl.Null)}
    for policy, want in {"propagate": None, "omit": 0.0}.items():
        assert run(column, pl.col("x").info.entropy(nan_policy=policy), engine=engine).item() == want
        assert run(column, pl.col("x").info.kl_div(1.0, nan_policy=policy), engine=engine).item() == want
        assert run(column, pl.col("p").info.list.entropy(nan_policy=policy), engine=engine)["p"].to_list() == [want] * 2
    for expr in (pl.col("x").info.list.entropy(), pl.col("x").info.arr.entropy(), pl.col("x").info.entr()):
        assert run(column, expr, engine=engine)["x"].to_list() == [None, None]
    with pytest.raises(pl.exceptions.ComputeError, match="contains nan values"):
        run(column, pl.col("x").info.entropy(nan_policy="raise"), engine=engine)
    rows = pl.DataFrame({"p": [[1.0], [2.0]]})
    assert run(rows, pl.col("p").info.list.kl_div(pl.lit(None)), engine=engine)["p"].to_list() == [None, None]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Int128], ids=str)
def test_integer_sums_do_not_wrap(engine, dtype):
    large = 2**62 if dtype != pl.Int128 else 2**126
    frame = pl.DataFrame({"x": pl.Series([large] * 4, dtype=dtype)})
    assert run(frame, pl.col("x").info.entropy(), engine=engine).item() == pytest.approx(2 * LN2, abs=1e-14 * 90)
    assert run(frame, pl.col("x").implode().info.list.entropy(), engine=engine).item() == pytest.approx(
        2 * LN2, rel=1e-15
    )


def test_single_precision_is_summed_in_double(engine):
    x = np.ones(2**24 + 2**10, dtype=np.float32)
    frame = pl.DataFrame({"x": x})
    got = run(frame, pl.col("x").info.entropy(), engine=engine).item()
    assert got == np.float32(math.log(len(x)))
    assert run(frame, pl.col("x").implode().info.list.entropy(), engine=engine).item() == got


WRONG_ACCESSOR = [
    (pl.col("list").info.entropy(), "p .*list.*write `info.list.entropy`"),
    (pl.col("arr").info.entropy(), "p .*array.*write `info.arr.entropy`"),
    (pl.col("list").info.kl_div("flat"), "write `info.list.kl_div`"),
    (pl.col("flat").info.list.entropy(), "write `info.entropy`"),
    (pl.col("arr").info.list.entropy(), "write `info.arr.entropy`"),
    (pl.col("arr").info.list.kl_div("arr"), "write `info.arr.kl_div`"),
    (pl.col("flat").info.arr.entropy(), "write `info.entropy`"),
    (pl.col("list").info.arr.entropy(), "write `info.list.entropy`"),
    (pl.col("list").info.arr.entropy(axis=0), "write `info.list.entropy`"),
    (pl.col("list").info.arr.entropy(axis=-2), "write `info.list.entropy`"),
    (pl.col("list").info.list.kl_div("flat"), r"q \('flat'\) is f64.*q.implode\(\)"),
    (pl.col("flat").info.kl_div("list"), r"q \('list'\) is list"),
    (pl.col("list").info.entr(), "list.eval"),
    (pl.col("arr").info.rel_entr(1), "list.eval"),
    (pl.col("str").info.entropy(), "'str'.* is str.*unique_counts"),
    (pl.col("strs").info.list.entropy(), "list.str.*cast it to numbers"),
    (pl.col("arr").info.arr.kl_div("list"), r"q \('list'\) is list.*list.to_array"),
    (pl.col("arr").info.arr.entropy(axis=2), "axis 2 is out of bounds for an array of 2 dimensions"),
    (pl.col("arr").info.arr.entropy(axis=-3), "axis -3 is out of bounds"),
    (pl.col("arr").info.arr.entropy(axis=(1, -1)), "axis -1 is named twice"),
    (pl.col("arr").info.arr.kl_div([1, 2]), "p and q differ in length: .*array.f64, 3.*array.f64, 2"),
    (pl.col("arr").info.arr.kl_div([1, 2], axis=0), "p and q differ in length"),
    (pl.col("empty").info.arr.entropy(), "arrays of width 0"),
]


@pytest.mark.parametrize(("expr", "message"), WRONG_ACCESSOR, ids=[message for _, message in WRONG_ACCESSOR])
def test_the_wrong_one_is_refused_when_the_plan_is_resolved(expr, message):
    frame = pl.DataFrame(
        {"flat": [1.0], "list": [[1.0, 2.0, 3.0]], "str": ["a"], "strs": [["a"]]},
    ).with_columns(arr=pl.col("list").list.to_array(3), empty=pl.Series([[]], dtype=pl.Array(pl.Float64, 0)))
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        frame.lazy().select(expr).collect_schema()


ODD = """
import datetime as dt, sys
import polars as pl
import polars_entropy

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

x, y = pl.col("x").info, pl.lit(1.0)
exprs = [
    x.entropy(), x.kl_div("x"), x.kl_div(1.0), x.entr(), x.rel_entr("x"), pl.lit(1.0).info.rel_entr("x"),
    x.list.entropy(), x.list.kl_div("x"), x.list.kl_div([1.0]), pl.lit([1.0]).info.list.kl_div("x"),
    x.arr.entropy(), x.arr.entropy(axis=0), x.arr.entropy(axis=-2), x.arr.kl_div("x"), x.arr.kl_div([1.0]),
]
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


def test_the_schema_never_depends_on_the_data():
    frame = pl.DataFrame({"x": [1.0], "f": [1.0], "p": [[1.0]], "i": [1]}, schema_overrides={"f": pl.Float32})
    exprs = [
        pl.col("x").info.entropy(),
        pl.col("f").info.kl_div("f").alias("k"),
        pl.col("p").info.list.entropy(),
        pl.col("i").info.entr(),
    ]
    for engine in ENGINES:
        for data in (frame, frame.clear(), pl.concat([frame] * 5, rechunk=False)):
            assert run(data, *exprs[:2], engine=engine).dtypes == [pl.Float64, pl.Float32]
            assert run(data, *exprs[2:], engine=engine).dtypes == [pl.Float64, pl.Float64]
