"""Over Spark come the values that one machine computes, whatever lies where and whoever dies meanwhile."""

from __future__ import annotations

import doctest
import math
import os
import re
import signal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyspark.errors import AnalysisException, PythonException
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

import polars_entropy as pe
import polars_entropy.spark as pes
from contract import ENTROPY, INF, KL_DIV, LN2, NAN

POLICIES = ("propagate", "omit")
needs_arrow_udf = pytest.mark.skipif(not hasattr(F, "arrow_udf"), reason="PySpark 4.1 has arrow_udf")


def to_spark(spark, frame, partitions=5):
    """The frame, its rows dealt out to the partitions one by one."""
    return spark.createDataFrame(frame.to_arrow(compat_level=pl.CompatLevel.oldest())).repartition(partitions)


def to_polars(sdf):
    return pl.DataFrame(sdf.toArrow())


def assert_same(got, want, **tolerance):
    """Equal but for the order of rows; null, NaN and infinities have to be exactly right."""
    tolerance = {"rel_tol": 1e-12, "abs_tol": 1e-13, **tolerance}
    assert_frame_equal(to_polars(got), want, check_row_order=False, **tolerance)


def weights(rows=20_000, groups=300, missing=0.001, seed=0):
    """Rows with two keys and two weights; some of all these are missing. One group is half of the rows."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(rows) < 0.5, 0, rng.integers(0, groups, rows))
    frame = pl.DataFrame({"g": group, "h": rng.integers(0, 3, rows), "x": rng.random(rows), "y": rng.random(rows)})
    hit = [pl.Series(rng.random(rows) < missing) for _ in range(6)]
    return frame.with_columns(
        pl.when(hit[0]).then(None).otherwise("g").cast(pl.String).alias("g"),
        pl.when(hit[1]).then(None).otherwise("h").alias("h"),
        pl.when(hit[2]).then(None).when(hit[3]).then(NAN).otherwise("x").alias("x"),
        pl.when(hit[4]).then(None).when(hit[5]).then(NAN).otherwise("y").alias("y"),
    )


@pytest.fixture
def small_batches(spark):
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
    yield
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("nan_policy", POLICIES)
@pytest.mark.parametrize("by", [["g"], ["h", "g"], []], ids=lambda by: ",".join(by) or "whole")
def test_groups_are_those_of_one_machine(spark, by, nan_policy):
    frame = weights()
    sdf = to_spark(spark, frame)
    rows = frame.group_by(by) if by else None
    h, d = pe.info("x").entropy(base=2, nan_policy=nan_policy), pe.info("x").kl_div("y", nan_policy=nan_policy)
    assert_same(pes.entropy(sdf, "x", by=by, base=2, nan_policy=nan_policy), rows.agg(h) if by else frame.select(h))
    assert_same(pes.kl_div(sdf, "x", "y", by=by, nan_policy=nan_policy), rows.agg(d) if by else frame.select(d))


@pytest.mark.parametrize("nan_policy", POLICIES)
@pytest.mark.parametrize(("cases", "columns"), [(ENTROPY, ["p"]), (KL_DIV, ["p", "q"])], ids=["entropy", "kl_div"])
def test_contract(spark, cases, columns, nan_policy):
    """Every row of the contract is a group in pieces. A group has a row at least, so there are no rules 1 and 4a."""
    cases = [case for case in cases if all(getattr(case, name) for name in columns)]
    rows = pl.DataFrame(
        {"case": [case.rule for case in cases], **{name: [getattr(case, name) for case in cases] for name in columns}}
    ).explode(columns)
    want = {"case": [case.rule for case in cases], "p": [getattr(case, nan_policy) for case in cases]}
    function = {1: pes.entropy, 2: pes.kl_div}[len(columns)]
    got = function(to_spark(spark, rows, 7), *columns, by="case", nan_policy=nan_policy)
    assert_same(got, pl.DataFrame(want), rel_tol=1e-14, abs_tol=1e-14)


@pytest.mark.parametrize("by", [(), "g"])
def test_raise_stops_the_job(spark, by):
    frame = weights(100, 3, missing=0)
    clean, missing = (to_spark(spark, f) for f in (frame, frame.with_columns(y=pl.lit(None, pl.Float64))))
    assert pes.kl_div(clean, "x", "y", by=by, nan_policy="raise").count() == (3 if by else 1)
    assert pes.entropy(missing, "x", by=by, nan_policy="raise").count() == (3 if by else 1)
    for query in (
        pes.entropy(missing, "y", by=by, nan_policy="raise"),
        pes.kl_div(missing, "x", "y", by=by, nan_policy="raise"),
    ):
        with pytest.raises(PythonException, match=r"The input contains nan values[\s\S]*'y'"):
            query.collect()


def test_more_groups_than_a_worker_takes_at_once(spark):
    groups = 300_000
    sdf = spark.range(3 * groups, numPartitions=2).select((F.col("id") % groups).alias("k"), "id")
    k = pl.int_range(groups, eager=True).alias("k")
    want = pl.select(k, id=pl.concat_list(k, k + groups, k + 2 * groups).info.list.entropy(base=2))
    assert_same(pes.entropy(sdf, "id", by="k", base=2), want)


def test_states_are_merged_on_the_way(monkeypatch):
    """What a worker holds goes with the groups that it has met, not with its rows."""
    held, concat = [], pl.concat
    monkeypatch.setattr(pes, "_RUN", 100)
    monkeypatch.setattr(pl, "concat", lambda frames: held.append(sum(map(len, frames))) or concat(frames))
    frame = weights(50_000, 200, missing=0).select("g", "x")
    quantity = pes._Entropy("x", None, "propagate")  # noqa: SLF001
    state = frame.group_by("g").agg(quantity.state()).schema["x"]
    batches = (part.to_arrow().to_batches()[0] for part in frame.iter_slices(10))
    values = pes._values(quantity, ["g"], state)(pes._states(quantity, ["g"], ["g", "x"])(batches))  # noqa: SLF001
    got = pl.concat([pl.DataFrame(batch) for batch in values])
    assert_frame_equal(got, frame.group_by("g").agg(pe.info("x").entropy()), check_row_order=False)
    assert len(held) > 50
    assert max(held) < 4 * 200


def test_divergence_of_nearly_equal_columns_keeps_its_digits(spark):
    p = weights(20_000, missing=0).select("g", p="x").with_row_index("i")
    frame = p.select("g", "p", q=pl.col("p") * (1 + 1e-8 * (pl.col("i") % 7)))
    rows = pe.info(pl.col("p").implode()).list.kl_div(pl.col("q").implode())
    got = pes.kl_div(to_spark(spark, frame), "p", "q", by="g")
    assert_same(got, frame.group_by("g").agg(rows), rel_tol=1e-11, abs_tol=0)


def test_empty_partitions(spark):
    sdf = spark.range(100, numPartitions=10).where("id < 15")
    want = pl.DataFrame({"id": range(15)})
    assert_same(pes.entropy(sdf, "id"), want.select(pe.info("id").entropy()))
    by = pes.entropy(sdf.withColumn("k", F.col("id") % 2), "id", by="k")
    assert_same(by, want.group_by(k=pl.col("id") % 2).agg(pe.info("id").entropy()))


@pytest.mark.parametrize("nan_policy", [*POLICIES, "raise"])
def test_empty_frames(spark, tmp_path, nan_policy):
    schema = "k string, x float, y double"
    spark.createDataFrame([], schema).write.parquet(f"{tmp_path}/empty")
    for sdf in (
        spark.createDataFrame([], schema),
        spark.createDataFrame([("a", 1.0, 1.0)], schema).where("x > 1"),
        spark.read.schema(schema).parquet(f"{tmp_path}/empty"),
    ):
        whole, groups = (pes.entropy(sdf, "x", by=by, nan_policy=nan_policy) for by in ((), "k"))
        assert_same(whole, pl.DataFrame({"x": [0.0]}, schema={"x": pl.Float32}))
        assert_same(groups, pl.DataFrame(schema={"k": pl.String, "x": pl.Float32}))
        whole, groups = (pes.kl_div(sdf, "x", "y", by=by, nan_policy=nan_policy) for by in ((), "k"))
        assert_same(whole, pl.DataFrame({"x": [0.0]}))
        assert_same(groups, pl.DataFrame(schema={"k": pl.String, "x": pl.Float64}))


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("float", T.FloatType()),
        *((kind, T.DoubleType()) for kind in ("double", "tinyint", "smallint", "int", "bigint")),
        *((kind, T.DoubleType()) for kind in ("decimal(5,1)", "decimal(38,18)", "boolean")),
    ],
)
def test_types_of_weights(spark, kind, result):
    sdf = spark.range(1, 9, numPartitions=3).select(
        (F.col("id") % 2).alias("k"), (F.col("id") % 5).cast(kind).alias("x")
    )
    sdf = sdf.withColumn("y", F.lit(2).cast(kind))
    frame = to_polars(sdf)
    for got, want in (
        (pes.entropy(sdf, "x", by="k"), pe.info("x").entropy()),
        (pes.kl_div(sdf, "x", "y", by="k"), pe.info("x").kl_div("y")),
        (pes.kl_div(sdf, "x", 2, by="k"), pe.info("x").kl_div(2)),
    ):
        assert got.schema["x"].dataType == result
        assert_same(got, frame.group_by("k").agg(want), rel_tol=1e-7 if kind == "float" else 1e-14)


def test_void_weights_are_missing(spark):
    sdf = spark.range(4).select(F.lit(None).alias("x"))
    assert pes.entropy(sdf, "x").collect() == [(None,)]
    assert pes.entropy(sdf, "x", nan_policy="omit").collect() == [(0.0,)]


def test_single_only_if_neither_needs_more(spark):
    sdf = spark.createDataFrame([(1.0, 1.0, 1)], "f float, d double, i int")
    kinds = [pes.kl_div(sdf, p, q).schema[p].dataType.typeName() for p in "fd" for q in ("f", "d", "i", 0.1)]
    assert kinds == ["float", "double", "double", "float", "double", "double", "double", "double"]


KEYS = {
    "boolean": [True, False],
    "tinyint": [1, -1],
    "double": [0.0, -0.0, NAN, -NAN, INF],
    "float": [0.0, -0.0, NAN, 1.5],
    "decimal(20,3)": ["1.5", "1.500", "-2"],
    "string": ["a", "A", "", "ä\N{COMBINING DIAERESIS}"],
    "binary": ["a", "b"],
    "date": ["2024-02-29", "1900-01-01"],
    "timestamp": ["2024-03-31 02:30:00", "2024-03-31 03:30:00", "1883-01-01 00:00:00.000001"],
    "timestamp_ntz": ["2024-03-31 02:30:00", "2024-03-31 02:30:00.5"],
    "interval day to second": ["1 02:03:04.5", "0 00:00:00"],
    "void": [None],
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_are_those_of_group_by(spark, kind):
    values = [None, *KEYS[kind]] * 3
    source = "double" if isinstance(values[1], float) else "int" if kind == "tinyint" else "string"
    if kind in ("boolean", "void"):
        source = kind
    sdf = spark.createDataFrame([(value, i) for i, value in enumerate(values)], f"k {source}, x int").repartition(3)
    key = F.expr(f"k::{kind}") if source != "void" else F.lit(None)
    sdf = sdf.select(key.alias("k"), "x")
    text = F.col("k").cast("string").alias("k")
    got = pes.entropy(sdf, "x", by="k")
    assert got.schema["k"].dataType == sdf.schema["k"].dataType
    want = sdf.groupBy("k").agg(F.sort_array(F.collect_list("x")).alias("x"))
    rows = to_polars(want.select(text, "x")).with_columns(pe.info("x").list.entropy())
    # Zeros of both signs are one key, and either may stand for it.
    signless = [F.regexp_replace(text, "^-0.0$", "0.0").alias("k"), "x"]
    assert_same(got.select(*signless), rows.with_columns(pl.col("k").replace("-0.0", "0.0")))


def test_names_are_taken_as_they_are(spark):
    sdf = spark.createDataFrame([(1, "a", 3.0, 4.0)], "`a.b` int, `k``ey` string, ` x ` double, `x.y` double")
    got = pes.kl_div(sdf, " x ", "x.y", by=["k`ey", "a.b"])
    assert got.columns == ["k`ey", "a.b", " x "]
    assert got.collect() == [("a", 1, pytest.approx(0, abs=1e-16))]
    assert pes.kl_div(sdf, "x.y", "x.y", by="a.b").collect() == [(1, 0.0)]
    assert pes.kl_div(sdf, " x ", "a.b", by="a.b").collect() == [(1, pytest.approx(0, abs=1e-16))]


def plan(sdf):
    """The physical plan, after the run the final one."""
    return sdf._jdf.queryExecution().executedPlan().toString().partition("== Initial Plan ==")[0]  # noqa: SLF001


@pytest.mark.parametrize("by", [["k"], []])
def test_only_states_are_exchanged(spark, tmp_path, by):
    """One exchange, behind the first of two `mapInArrow`, and no column is read that isn't needed."""
    path = str(tmp_path / "rows")
    spark.range(100).selectExpr("id", "id % 3 k", "id * 1.0 x", "id * 2.0 y", "'unused' z").write.parquet(path)
    for query, columns in (
        (pes.entropy(spark.read.parquet(path), "x", by=by), [*by, "x"]),
        (pes.kl_div(spark.read.parquet(path), "x", "y", by=by), [*by, "x", "y"]),
    ):
        query.collect()
        nodes = re.findall(r"\b(MapInArrow|Exchange|FileScan|Sort|\w*Join|\w*Aggregate)\b", plan(query))
        assert nodes == ["MapInArrow", "Exchange", "MapInArrow", "FileScan"]
        (read,) = re.findall(r"ReadSchema: struct<(.*)>", plan(query))
        assert sorted(re.findall(r"(\w+):", read)) == sorted(columns)


def die_once(marker, partition, generations):
    """A step for `mapInArrow` that hands the rows on, but once, in one partition, kills its process or an ancestor.

    The marker tells which program that was.
    """

    def ps(field, pid):
        ran = subprocess.run(["ps", "-o", f"{field}=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S607
        return ran.stdout.strip()

    def step(batches):
        from pyspark import TaskContext

        for batch in batches:
            if TaskContext.get().partitionId() == partition and not marker.exists():
                victim = os.getpid()
                for _ in range(generations):
                    victim = int(ps("ppid", victim))
                marker.write_text(ps("comm", victim), encoding="utf-8")
                os.kill(victim, signal.SIGKILL)
            yield batch

    return step


@pytest.mark.parametrize(("generations", "program"), [(0, "python"), (1, "python"), (2, "java")])
def test_the_job_survives_a_death(spark, tmp_path, generations, program):
    """A Python worker, all of an executor's, or the executor: with that go the states of what it has done."""
    marker = tmp_path / "died"
    frame = weights(5_000, 50)
    sdf = to_spark(spark, frame, 8)
    sdf = sdf.mapInArrow(die_once(marker, 7, generations), sdf.schema)
    got = pes.kl_div(sdf, "x", "y", by=["g", "h"], nan_policy="omit")
    assert_same(got, frame.group_by("g", "h").agg(pe.info("x").kl_div("y", nan_policy="omit")))
    assert program in marker.read_text(encoding="utf-8")


@needs_arrow_udf
@pytest.mark.parametrize("nan_policy", POLICIES)
def test_rows(spark, nan_policy):
    """The contract, as rows of array columns."""
    for cases, names in ((ENTROPY, ["p"]), (KL_DIV, ["p", "q"])):
        data = [(case.rule, *(getattr(case, name) for name in names)) for case in cases]
        fields = ", ".join(f"{name} array<double>" for name in names)
        sdf = spark.createDataFrame(data, f"case string, {fields}").repartition(3)
        function = pes.list_entropy if names == ["p"] else pes.list_kl_div
        for columns in (names, [sdf[name] for name in names]):
            got = sdf.select("case", function(*columns, nan_policy=nan_policy).alias("p"))
            want = {"case": [case.rule for case in cases], "p": [getattr(case, nan_policy) for case in cases]}
            assert_same(got, pl.DataFrame(want), rel_tol=1e-15, abs_tol=0)


@needs_arrow_udf
def test_rows_from_one_distribution(spark):
    sdf = spark.createDataFrame([([1.0, 1.0],), ([4.0, 0.0],), (None,)], "p array<double>")
    for q in ([2, 2], (0.5, 0.5), np.array([3, 3]), np.ones(2, np.float32), pl.Series([1, 1])):
        assert sdf.select(pes.list_kl_div("p", q)).collect() == [(0.0,), (LN2,), (None,)]
    omit = pes.list_kl_div(sdf.p, [1, None], nan_policy="omit", base=2)
    assert sdf.select(omit).collect() == [(0.0,), (0.0,), (None,)]


@needs_arrow_udf
def test_rows_whose_names_cross(spark):
    """A column without a name goes by a letter, which may be the name of the other."""
    sdf = spark.createDataFrame([([1.0, 0.0], [1.0, 1.0])], "q array<double>, p array<double>")
    for query in (pes.list_kl_div("q", "p"), pes.list_kl_div("q", sdf.p), pes.list_kl_div(sdf.q, "p")):
        assert sdf.select(query).collect() == [(LN2,)]
    assert sdf.select(pes.list_kl_div("q", "q")).collect() == [(0.0,)]


@needs_arrow_udf
def test_types_of_rows(spark):
    sdf = spark.createDataFrame([([1, 2], [[1.0], [1.0, 1.0]])], "p array<int>, n array<array<double>>")
    sdf = sdf.withColumn("f", F.col("p").cast("array<float>")).withColumn("d", F.col("p").cast("array<decimal(9,2)>"))
    single = np.float32(pl.Series([[1.0, 2.0]]).info.list.entropy().item()).item()
    double = pl.Series([[1.0, 2.0]]).info.list.entropy().item()
    for name, kind, value in (
        ("p", "double", double), ("d", "double", double), ("f", "float", single), ("n", "array<double>", [0.0, LN2])
    ):  # fmt: skip
        got = sdf.select(pes.list_entropy(name, schema=sdf.schema).alias("h"))
        assert got.schema["h"].dataType.simpleString() == kind
        assert got.collect() == [(value,)]
    assert sdf.select(pes.list_entropy("f").alias("h")).schema["h"].dataType == T.DoubleType()
    assert sdf.select(pes.list_entropy("f")).collect() == [(single,)]
    with pytest.raises(PythonException, match="the rows of 'n' are nested: pass `schema`"):
        sdf.select(pes.list_entropy("n")).collect()


@pytest.fixture
def no_jobs(spark):
    """Nothing is computed in the test."""
    tracker = spark.sparkContext.statusTracker()
    before = tracker.getJobIdsForGroup()
    yield
    assert tracker.getJobIdsForGroup() == before


SCHEMA = "k string, x double, s string, a array<double>, t timestamp, m map<string,int>, b boolean, v variant"
POLARS = {
    "k": pl.String, "x": pl.Float64, "s": pl.String, "a": pl.List(pl.Float64), "t": pl.Datetime("us", "UTC"),
    "m": pl.List(pl.Struct({"key": pl.String, "value": pl.Int32})), "b": pl.Boolean, "v": pl.Null,
}  # fmt: skip


@pytest.fixture
def sdf(spark):
    return spark.createDataFrame([], SCHEMA)


def told(build):
    """The class and the first line of the error, if there is one."""
    try:
        build()
    except pl.exceptions.PolarsError as error:
        return type(error), str(error).partition("\n")[0]


@pytest.mark.usefixtures("no_jobs")
@pytest.mark.parametrize("by", [[], ["k"], ["nokey"], ["k", "b", "k"], ["x"], ["b", "nokey"]], ids=",".join)
@pytest.mark.parametrize("columns", [["x"], ["s"], ["a"], ["t"], ["m"], ["nox"], ["x", "x"], ["x", "noq"], ["x", "a"],
                                     ["s", "x"], ["nop", "x"]], ids=",".join)  # fmt: skip
def test_what_is_wrong_with_columns_is_told_as_in_polars(sdf, by, columns):
    frame = pl.LazyFrame(schema=POLARS)
    value = pe.info(columns[0]).kl_div(columns[1]) if columns[1:] else pe.info(columns[0]).entropy()
    polars = told((frame.group_by(by).agg(value) if by else frame.select(value)).collect_schema)
    assert told(lambda: (pes.kl_div if columns[1:] else pes.entropy)(sdf, *columns, by=by)) == polars


@pytest.mark.usefixtures("no_jobs")
def test_bad_arguments_are_told_as_in_polars(sdf):
    for function in (pes.entropy, lambda s, x, **k: pes.kl_div(s, x, "x", **k)):
        for base in (0, -1, 1, math.nan, math.inf, True):
            with pytest.raises(ValueError, match="`base` must be a positive finite number other than 1, or None for"):
                function(sdf, "x", base=base)
        with pytest.raises(TypeError, match="`base` must be a number or None, not '2'"):
            function(sdf, "x", base="2")
        with pytest.raises(ValueError, match="`nan_policy` must be one of propagate, omit, raise, not 'ignore'"):
            function(sdf, "x", nan_policy="ignore")
        for by in (1, None, F.col("k"), {"k"}, (c for c in "k")):
            with pytest.raises(TypeError, match="`by` must be a column name or a sequence of them, not"):
                function(sdf, "x", by=by)
        with pytest.raises(TypeError, match="`by` must be a column name, not 1"):
            function(sdf, "x", by=["k", 1])
        with pytest.raises(TypeError, match=r"`[xp]` must be a column name, not Column"):
            function(sdf, F.col("x"))
        for pattern in ("*", "^x$"):
            with pytest.raises(ValueError, match="must be the name of one column, and Polars takes"):
                function(sdf, pattern)
            with pytest.raises(ValueError, match="must be the name of one column, and Polars takes"):
                function(sdf, "x", by=pattern)
    for q in (None, object(), b"x", pl.lit, 1j):
        with pytest.raises(TypeError, match="q must be a column name, an expression, a Series, a sequence of numbers"):
            pes.kl_div(sdf, "x", q)
    for q in ([1.0, 2.0], pl.col("x"), pl.Series([1.0]), np.ones(2)):
        with pytest.raises(TypeError, match=r"`q` must be a column name or a number, not .*: join it in as a column"):
            pes.kl_div(sdf, "x", q)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'q'"):
        pes.kl_div(sdf, "x")
    with pytest.raises(ValueError, match="q must fit a float"):
        pes.kl_div(sdf, "x", 10**400)


@pytest.mark.usefixtures("no_jobs")
def test_keys_that_are_refused(spark, sdf):
    for key, kind in {"a": "array<double>", "m": "map<string,int>"}.items():
        with pytest.raises(TypeError, match=f"a key must be a single value, and '{key}' is of type {kind}"):
            pes.entropy(sdf, "x", by=key)
    with pytest.raises(TypeError, match="Polars has no type for column 'v', which is of type variant"):
        pes.entropy(sdf, "x", by="v")
    collated = sdf.select("x", F.expr("k collate utf8_lcase k"))
    with pytest.raises(TypeError, match="keys are compared as bytes, and 'k' is of type string collate UTF8_LCASE"):
        pes.entropy(collated, "x", by="k")
    twice = sdf.join(sdf.select("k", F.col("x").alias("y")).alias("o"))
    assert pes.entropy(twice, "x", by="b").columns == ["b", "x"]
    with pytest.raises(AnalysisException, match="AMBIGUOUS_REFERENCE"):
        pes.entropy(twice, "x", by="k")
    stream = spark.readStream.format("rate").load()
    with pytest.raises(ValueError, match="a stream has no end"):
        pes.entropy(stream, "value")


@needs_arrow_udf
@pytest.mark.usefixtures("no_jobs")
def test_bad_rows_are_told_as_in_polars(sdf):
    for function in (
        pes.list_entropy,
        lambda p, **k: pes.list_kl_div(p, "a", **k),
        lambda p, **k: pes.list_kl_div(p, [1], **k),
    ):
        with pytest.raises(ValueError, match="`base` must be a positive finite number"):
            function("a", base=1)
        with pytest.raises(ValueError, match="`nan_policy` must be one of"):
            function("a", nan_policy="ignore")
        with pytest.raises(TypeError, match="must be a column or its name, not 1"):
            function(1)
        with pytest.raises(TypeError, match="must be a column's name, to be found in `schema`, not Column"):
            function(sdf.a, schema=sdf.schema)
        with pytest.raises(pl.exceptions.ComputeError, match=r"takes a List column of numbers, but p \('x'\) is f64"):
            function("x", schema=sdf.schema)
        with pytest.raises(pl.exceptions.ColumnNotFoundError, match='unable to find column "nox"'):
            function("nox", schema=sdf.schema)
        with pytest.raises(AnalysisException, match="nox"):
            sdf.select(function("nox"))
    for q in (None, 1.0, object(), pl.col("a")):
        with pytest.raises(TypeError, match="q must be a column name, an expression, a Series, a sequence of numbers"):
            pes.list_kl_div("a", q)
    with pytest.raises(pl.exceptions.ComputeError, match=r"but q \('x'\) is f64"):
        pes.list_kl_div("a", "x", schema=sdf.schema)


@needs_arrow_udf
def test_what_only_the_job_finds_has_the_same_words(spark):
    sdf = spark.createDataFrame([(1.0, [1.0, None], [1.0])], "x double, p array<double>, q array<double>")
    for query, words in (
        (pes.list_entropy("x"), r"takes a List column of numbers, but p \('x'\) is f64"),
        (pes.list_entropy("p", nan_policy="raise"), "The input contains nan values"),
        (pes.list_kl_div("p", "q"), "length"),
    ):
        with pytest.raises(PythonException, match=words):
            sdf.select(query).collect()


@needs_arrow_udf
def test_docstrings(spark):
    results = doctest.testmod(pes, extraglobs={"spark": spark})
    assert results.failed == 0
    assert results.attempted >= 3 * 4
    for name in pes.__all__:
        doc = getattr(pes, name).__doc__
        assert all(f"{section}\n    {'-' * len(section)}" in doc for section in ("Returns", "Raises", "Examples"))
        assert ":math:" in doc


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_spark_is_imported_only_when_asked_for():
    ran = python("import sys, polars_entropy; sys.exit('pyspark' in sys.modules or 'pyarrow' in sys.modules)")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("missing", ["pyspark", "pyarrow"])
def test_missing_packages_are_named(missing):
    ran = python(f"import sys; sys.modules[{missing!r}] = None; import polars_entropy.spark")
    assert (
        'ImportError: polars_entropy.spark needs PySpark 4 and PyArrow: pip install "polars-entropy[spark]"'
        in ran.stderr
    )
