"""Spark gives the values that one machine gives, however the rows are spread and whichever process dies meanwhile."""

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
from compare import bits
from contract import INF, LN2, NAN, POLICIES
from polars_entropy import _lib
from polars_entropy.spark import _stages
from quantities import QUANTITIES

STATES = [quantity for quantity in QUANTITIES if quantity.sums]
PAIRS = [quantity for quantity in QUANTITIES if quantity.pair]
each_quantity = pytest.mark.parametrize("quantity", QUANTITIES, ids=str)
each_with_states = pytest.mark.parametrize("quantity", STATES, ids=str)
each_pair = pytest.mark.parametrize("quantity", PAIRS, ids=str)
needs_arrow_udf = pytest.mark.skipif(not hasattr(F, "arrow_udf"), reason="PySpark 4.1 has arrow_udf")


def per_group(quantity, sdf, p="p", q="q", **how):
    """The value of each group, by the public function of the quantity."""
    return getattr(pes, quantity.name)(sdf, *((p, q) if quantity.pair else (p,)), **how)


def per_row(quantity, p="p", q="q", **how):
    """The value of each row, by the public function of the quantity."""
    return getattr(pes, f"list_{quantity}")(*((p, q) if quantity.pair else (p,)), **how)


def aggregated(frame, by, aggregate):
    """On one machine, an aggregate of each group, or of the whole frame if there are no keys."""
    return frame.group_by(by).agg(aggregate) if by else frame.select(aggregate)


def to_spark(spark, frame, partitions=5):
    """The frame, its rows dealt out to the partitions one by one."""
    return spark.createDataFrame(frame.to_arrow(compat_level=pl.CompatLevel.oldest())).repartition(partitions)


def to_polars(sdf):
    return pl.DataFrame(sdf.toArrow())


def assert_same_rows(got, want, **tolerance):
    """Equal but for the order of rows; null, NaN and infinities have to be exactly right."""
    tolerance = {"rel_tol": 1e-12, "abs_tol": 1e-13, **tolerance}
    assert_frame_equal(to_polars(got), want, check_row_order=False, **tolerance)


def weights(rows=20_000, groups=300, missing=0.001, seed=0):
    """Rows with two keys and two weights; some of all these are missing. One group is half of the rows."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(rows) < 0.5, 0, rng.integers(0, groups, rows))
    frame = pl.DataFrame({"g": group, "h": rng.integers(0, 3, rows), "p": rng.random(rows), "q": rng.random(rows)})
    hit = [pl.Series(rng.random(rows) < missing) for _ in range(6)]
    return frame.with_columns(
        pl.when(hit[0]).then(None).otherwise("g").cast(pl.String).alias("g"),
        pl.when(hit[1]).then(None).otherwise("h").alias("h"),
        pl.when(hit[2]).then(None).when(hit[3]).then(NAN).otherwise("p").alias("p"),
        pl.when(hit[4]).then(None).when(hit[5]).then(NAN).otherwise("q").alias("q"),
    )


OF_TOTAL = [quantity for quantity in QUANTITIES if quantity.of_total]
each_of_total = pytest.mark.parametrize("quantity", OF_TOTAL, ids=str)


@each_of_total
@pytest.mark.parametrize("by", [["g"], []], ids=["groups", "whole"])
def test_totals_of_groups(spark, quantity, by):
    # Of one group the total is null; of another, less than what is there.
    totals = pl.col("g").replace_strict({"7": None, "8": 1.0}, default=1e5, return_dtype=pl.Float64) if by else 1e5
    frame = weights(missing=0).with_columns(total=totals)
    for q_total in (20_000, "total"):
        want = aggregated(frame, by, quantity.value(pe.info("p"), q_total=q_total, base=2))
        got = per_group(quantity, to_spark(spark, frame), by=by, q_total=q_total, base=2)
        assert_same_rows(got, want)


@each_of_total
def test_totals_of_groups_have_to_be_one_number(spark, quantity):
    frame = weights(missing=0).with_columns(total=pl.int_range(pl.len()) % 2 + 1e5)
    with pytest.raises(PythonException, match="q_total is not one number for the distribution: there are 1"):
        per_group(quantity, to_spark(spark, frame), q_total="total").collect()
    with pytest.raises(ValueError, match="`q_total` must be positive and finite"):
        per_group(quantity, to_spark(spark, frame), q_total=-1)
    with pytest.raises(TypeError, match="`q_total` must be a column name or a number"):
        per_group(quantity, to_spark(spark, frame), q_total=[1.0])
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        per_group(quantity, to_spark(spark, frame), q_total="nowhere")


@needs_arrow_udf
@each_of_total
def test_totals_of_rows(spark, quantity):
    rows = {"p": [[1.0], [1.0], None, [1.0]], "q": [[1.0], [1.0], [1.0], [1.0]], "total": [2.0, 8.0, 1.0, None]}
    sdf = spark.createDataFrame(pl.DataFrame(rows).to_arrow(compat_level=pl.CompatLevel.oldest()))
    for schema in (None, sdf.schema):
        of_rows = per_row(quantity, q_total="total", base=2, schema=schema)
        of_one = per_row(quantity, q=[1.0], q_total=4, base=2, schema=schema)
        got = to_polars(sdf.select(of_rows.alias("a"), of_one.alias("b")))
        assert got.rows() == [(1.0, 2.0), (3.0, 2.0), (None, None), (None, 2.0)]
    got = to_polars(sdf.select(per_row(quantity, q_total=F.col("total") * 2, base=2).alias("a")))
    assert got["a"].to_list() == [2.0, 4.0, None, None]


def test_every_quantity_has_its_functions():
    names = [quantity.name for quantity in QUANTITIES]
    rows = [f"list_{name}" for name in names]
    # The index is infinite as soon as a share underflows.
    logits = [f"list_logits_{name}" for name in names if name != "psi"]
    maps = [f"map_{name}" for name in names]
    assert sorted(pes.__all__) == sorted([*names, *rows, *logits, *maps])
    assert set(names) == set(_lib.QUANTITIES)


@pytest.fixture
def small_batches(spark):
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
    yield
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


@pytest.mark.usefixtures("small_batches")
@each_with_states
@pytest.mark.parametrize("nan_policy", POLICIES)
@pytest.mark.parametrize("by", [["g"], ["h", "g"], []], ids=lambda by: ",".join(by) or "whole")
def test_groups_are_those_of_one_machine(spark, quantity, by, nan_policy):
    frame, how = weights(), {"base": 2, "nan_policy": nan_policy}
    want = aggregated(frame, by, quantity.value(pe.info("p"), **how))
    assert_same_rows(per_group(quantity, to_spark(spark, frame), by=by, **how), want)


@each_with_states
@pytest.mark.parametrize("nan_policy", POLICIES)
def test_the_contract_holds_for_groups_in_pieces(spark, quantity, nan_policy):
    """Every case is a group. A group has a row at least, so there are no rules 1 and 4 for empty rows."""
    cases = [case for case in quantity.cases if all(case.inputs)]
    inputs = zip(*(case.inputs for case in cases), strict=True)
    rules = [case.rule for case in cases]
    rows = pl.DataFrame({"case": rules, **dict(zip(quantity.columns, inputs, strict=True))}).explode(quantity.columns)
    want = pl.DataFrame({"case": rules, "p": [getattr(case, nan_policy) for case in cases]})
    got = per_group(quantity, to_spark(spark, rows, 7), by="case", nan_policy=nan_policy)
    assert_same_rows(got, want, rel_tol=1e-14, abs_tol=1e-14)


@each_with_states
@pytest.mark.parametrize("by", [(), "g"])
def test_raise_stops_the_job(spark, quantity, by):
    frame, column = weights(100, 3, missing=0), quantity.columns[-1]
    clean, missing = (
        per_group(quantity, to_spark(spark, f), by=by, nan_policy="raise")
        for f in (frame, frame.with_columns(pl.lit(None, pl.Float64).alias(column)))
    )
    assert clean.count() == (3 if by else 1)
    with pytest.raises(PythonException, match=rf"The input contains nan values[\s\S]*'{column}'"):
        missing.collect()


def test_more_groups_than_a_worker_takes_at_once(spark):
    groups = _stages.ROWS_PER_FRAME + 50_000
    sdf = spark.range(3 * groups, numPartitions=2).select((F.col("id") % groups).alias("k"), "id")
    k = pl.int_range(groups, eager=True).alias("k")
    want = pl.select(k, id=pl.concat_list(k, k + groups, k + 2 * groups).info.list.entropy(base=2))
    assert_same_rows(pes.entropy(sdf, "id", by="k", base=2), want)


@each_with_states
def test_a_worker_holds_states_of_its_groups_and_not_its_rows(monkeypatch, quantity):
    groups, held, concat = 200, [], pl.concat
    monkeypatch.setattr(_stages, "ROWS_PER_FRAME", 100)
    monkeypatch.setattr(pl, "concat", lambda frames: held.append(sum(map(len, frames))) or concat(frames))
    frame = weights(50_000, groups, missing=0).select("g", *quantity.columns)
    distribution = _stages.Distribution(quantity.name, "p", quantity.columns[1:], None, "propagate")
    batches = (part.to_arrow().to_batches()[0] for part in frame.iter_slices(10))
    states = _stages.make_states(distribution, ["g"], frame.columns, batches)
    values = _stages.merge_states(distribution, ["g"], states)
    got = pl.concat([pl.DataFrame(batch) for batch in values])
    want = aggregated(frame, "g", quantity.value(pe.info("p")))
    assert_frame_equal(got, want, check_row_order=False)
    assert len(held) > 50
    assert max(held) < 4 * groups


@each_with_states
@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
def test_states_survive_the_tables_of_spark(spark, tmp_path, quantity, dtype):
    """Types and bits, in the Parquet files that Spark writes."""
    frame = weights(3_000, 20).with_columns(pl.col("p", "q").cast(dtype))
    states = aggregated(frame, "g", quantity.state(pe.info("p"))).sort("g")
    to_spark(spark, states).write.parquet(f"{tmp_path}/states")
    back = pl.read_parquet(f"{tmp_path}/states/*.parquet").sort("g")
    assert back.schema == states.schema
    # All of them call for a null, and those of rule 9 for a number.
    rules = states["p"].struct["rule"]
    assert {3, 9} <= set(rules)
    merges = [pe.info("p").merge(base=2), pe.info("p").merge_state().alias("state").struct.unnest()]
    for part in (rules > 0, rules == 9):
        got, want = (f.filter(part).select(merges) for f in (back, states))
        assert got.schema == want.schema
        assert got.schema["p"] == dtype
        assert bits(got.row(0)) == bits(want.row(0))


def test_divergence_of_nearly_equal_columns_keeps_its_digits(spark):
    p = weights(20_000, missing=0).select("g", "p").with_row_index("i")
    frame = p.select("g", "p", q=pl.col("p") * (1 + 1e-8 * (pl.col("i") % 7)))
    rows = pe.info(pl.col("p").implode()).list.kl_div(pl.col("q").implode())
    got = pes.kl_div(to_spark(spark, frame), "p", "q", by="g")
    assert_same_rows(got, frame.group_by("g").agg(rows), rel_tol=1e-11, abs_tol=0)


@each_with_states
def test_empty_partitions_add_nothing(spark, quantity):
    sdf = spark.range(100, numPartitions=10).where("id < 15").selectExpr("id % 2 k", "id p", "id % 7 + 1 q")
    frame = to_polars(sdf)
    for by in ([], ["k"]):
        assert_same_rows(per_group(quantity, sdf, by=by), aggregated(frame, by, quantity.value(pe.info("p"))))


@each_with_states
@pytest.mark.parametrize("nan_policy", [*POLICIES, "raise"])
def test_an_empty_frame_has_no_groups_and_a_value_of_0(spark, tmp_path, quantity, nan_policy):
    schema = "k string, p float, q double"
    dtype = pl.Float64 if quantity.pair else pl.Float32
    spark.createDataFrame([], schema).write.parquet(f"{tmp_path}/empty")
    for sdf in (
        spark.createDataFrame([], schema),
        spark.createDataFrame([("a", 1.0, 1.0)], schema).where("p > 1"),
        spark.read.schema(schema).parquet(f"{tmp_path}/empty"),
    ):
        whole, groups = (per_group(quantity, sdf, by=by, nan_policy=nan_policy) for by in ((), "k"))
        assert_same_rows(whole, pl.DataFrame({"p": [0.0]}, schema={"p": dtype}))
        assert_same_rows(groups, pl.DataFrame(schema={"k": pl.String, "p": dtype}))


@each_with_states
@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("float", T.FloatType()),
        *((kind, T.DoubleType()) for kind in ("double", "tinyint", "smallint", "int", "bigint")),
        *((kind, T.DoubleType()) for kind in ("decimal(5,1)", "decimal(38,18)", "boolean")),
    ],
)
def test_all_numbers_are_weights(spark, quantity, kind, result):
    sdf = spark.range(1, 9, numPartitions=3).select(
        (F.col("id") % 2).alias("k"), (F.col("id") % 5).cast(kind).alias("p"), F.lit(2).cast(kind).alias("q")
    )
    frame = to_polars(sdf)
    for q in ("q", 2) if quantity.pair else ("q",):
        got = per_group(quantity, sdf, q=q, by="k")
        assert got.schema["p"].dataType == result
        want = aggregated(frame, "k", quantity.value(pe.info("p"), q))
        assert_same_rows(got, want, rel_tol=1e-7 if kind == "float" else 1e-14)


@each_with_states
def test_void_weights_are_missing(spark, quantity):
    sdf = spark.range(4).select(F.lit(None).alias("p"), F.lit(None).alias("q"))
    assert per_group(quantity, sdf).collect() == [(None,)]
    assert per_group(quantity, sdf, nan_policy="omit").collect() == [(0.0,)]


@each_pair
def test_single_only_if_neither_needs_more(spark, quantity):
    sdf = spark.createDataFrame([(1.0, 1.0, 1)], "f float, d double, i int")
    kinds = [per_group(quantity, sdf, p, q).schema[p].dataType.typeName() for p in "fd" for q in ("f", "d", "i", 0.1)]
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
    assert_same_rows(got.select(*signless), rows.with_columns(pl.col("k").replace("-0.0", "0.0")))


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


@each_with_states
@pytest.mark.parametrize("by", [["k"], []])
def test_only_states_are_exchanged(spark, tmp_path, quantity, by):
    """One exchange, behind the first of two `mapInArrow`, and no column is read that isn't needed."""
    path = str(tmp_path / "rows")
    spark.range(100).selectExpr("id", "id % 3 k", "id * 1.0 p", "id * 2.0 q", "'unused' z").write.parquet(path)
    query = per_group(quantity, spark.read.parquet(path), by=by)
    query.collect()
    nodes = re.findall(r"\b(MapInArrow|Exchange|FileScan|Sort|\w*Join|\w*Aggregate)\b", plan(query))
    assert nodes == ["MapInArrow", "Exchange", "MapInArrow", "FileScan"]
    (read,) = re.findall(r"ReadSchema: struct<(.*)>", plan(query))
    assert sorted(re.findall(r"(\w+):", read)) == sorted([*by, *quantity.columns])


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
    got = pes.kl_div(sdf, "p", "q", by=["g", "h"], nan_policy="omit")
    assert_same_rows(got, frame.group_by("g", "h").agg(pe.info("p").kl_div("q", nan_policy="omit")))
    assert program in marker.read_text(encoding="utf-8")


@needs_arrow_udf
@each_quantity
@pytest.mark.parametrize("nan_policy", POLICIES)
def test_the_contract_holds_for_rows(spark, quantity, nan_policy):
    names = quantity.columns
    data = [(case.rule, *case.inputs) for case in quantity.cases]
    fields = ", ".join(f"{name} array<double>" for name in names)
    sdf = spark.createDataFrame(data, f"case string, {fields}").repartition(3)
    want = {"case": [row[0] for row in data], "p": [getattr(case, nan_policy) for case in quantity.cases]}
    for columns in (names, [sdf[name] for name in names]):
        got = sdf.select("case", per_row(quantity, *columns, nan_policy=nan_policy).alias("p"))
        # What is expected is rounded, too.
        assert_same_rows(got, pl.DataFrame(want), rel_tol=1e-15, abs_tol=2.0**-53)


@needs_arrow_udf
@each_pair
def test_one_distribution_goes_with_every_row(spark, quantity):
    p = [[1.0, 1.0], [4.0, 0.0], None]
    sdf, series = spark.createDataFrame([(row,) for row in p], "p array<double>"), pl.Series(p)
    for q in ([2, 2], (0.5, 0.5), np.array([3, 3]), np.ones(2, np.float32), pl.Series([1, 1])):
        want = quantity.value(series.info.list, list(q))
        assert sdf.select(per_row(quantity, q=q)).collect() == [(value,) for value in want]
    how = {"nan_policy": "omit", "base": 2}
    want = quantity.value(series.info.list, [1, None], **how)
    assert sdf.select(per_row(quantity, sdf.p, [1, None], **how)).collect() == [(value,) for value in want]


@needs_arrow_udf
def test_rows_of_logits_are_those_of_one_machine(spark):
    rows = [([1.0, 2.0, -1e9], [3.0, 1.0, 0.0]), ([40.0, 0.0], [0.0, None]), (None, [1.0]), ([], [])]
    frame = pl.DataFrame(rows, schema=dict.fromkeys("pq", pl.List(pl.Float64)), orient="row")
    sdf = spark.createDataFrame(rows, "p array<double>, q array<double>")
    of_logits = pl.col("p").info.list.logits
    for name in ("entropy", "kl_div", "cross_entropy", "js_div"):
        for q in ((),) if name == "entropy" else (("q",),):
            want = frame.select(getattr(of_logits, name)(*q, base=2))["p"].to_list()
            query = getattr(pes, f"list_logits_{name}")("p", *q, base=2, schema=sdf.schema)
            assert [row[0] for row in sdf.coalesce(1).select(query).collect()] == want


@needs_arrow_udf
def test_rows_of_maps_are_those_of_one_machine(spark, quantity):
    rows = [({"a": 1.0, "b": 2.0}, {"b": 3.0, "c": 1.0}), ({"a": 1.0}, {"a": 4.0}), ({}, {"a": 1.0}), ({"a": None}, {})]
    sdf = spark.createDataFrame(rows, "p map<string, double>, q map<string, double>")
    lists = [[[{"key": key, "n": n} for key, n in side.items()] for side in row] for row in rows]
    dtype = pl.List(pl.Struct({"key": pl.String, "n": pl.Float64}))
    of_maps = pl.DataFrame(lists, schema={"p": dtype, "q": dtype}, orient="row")
    function = getattr(pes, f"map_{quantity}")
    fixed = {"a": 2, "c": 0.5}
    for q, how in (
        (("q", {}), ("q", {"pseudo_count": 0.5}), (fixed, {"pseudo_count": 1})) if quantity.pair else ((None, {}),)
    ):
        given = (q,) if quantity.pair else ()
        want = of_maps.select(getattr(pl.col("p").info.map, quantity.name)(*given, base=2, **how))["p"]
        for schema in (None, sdf.schema):
            got = sdf.coalesce(1).select(function("p", *given, base=2, schema=schema, **how)).collect()
            assert pl.Series([row[0] for row in got], dtype=pl.Float64).equals(want.alias(""))
    if quantity.pair:
        with pytest.raises(TypeError, match="a dict of keys and weights"):
            function("p", [1.0, 2.0])
        with pytest.raises(ValueError, match="`pseudo_count` must be finite and not negative"):
            function("p", "q", pseudo_count=-1)


@needs_arrow_udf
def test_rows_whose_names_cross(spark):
    """A column without a name goes by a letter, which may be the name of the other."""
    sdf = spark.createDataFrame([([1.0, 0.0], [1.0, 1.0])], "q array<double>, p array<double>")
    for query in (pes.list_kl_div("q", "p"), pes.list_kl_div("q", sdf.p), pes.list_kl_div(sdf.q, "p")):
        assert sdf.select(query).collect() == [(LN2,)]
    assert sdf.select(pes.list_kl_div("q", "q")).collect() == [(0.0,)]


@needs_arrow_udf
def test_rows_have_the_types_that_the_schema_promises(spark):
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


def error_of(build):
    """The class and the first line of the error, if there is one."""
    try:
        build()
    except pl.exceptions.PolarsError as error:
        return type(error), str(error).partition("\n")[0]


COLUMNS = {
    False: [["x"], ["s"], ["a"], ["t"], ["m"], ["nox"]],
    True: [["x", "x"], ["x", "noq"], ["x", "a"], ["s", "x"], ["nop", "x"]],
}


@pytest.mark.usefixtures("no_jobs")
@pytest.mark.parametrize("by", [[], ["k"], ["nokey"], ["k", "b", "k"], ["x"], ["b", "nokey"]], ids=",".join)
@pytest.mark.parametrize(
    ("quantity", "columns"),
    [(quantity, columns) for quantity in STATES for columns in COLUMNS[quantity.pair]],
    ids=lambda value: ",".join(value) if isinstance(value, list) else str(value),
)
def test_wrong_columns_raise_as_in_polars(sdf, quantity, by, columns):
    value = quantity.value(pe.info(columns[0]), columns[-1])
    want = error_of(aggregated(pl.LazyFrame(schema=POLARS), by, value).collect_schema)
    assert error_of(lambda: per_group(quantity, sdf, columns[0], columns[-1], by=by)) == want


@pytest.mark.usefixtures("no_jobs")
@each_with_states
def test_wrong_arguments_raise_as_in_polars(sdf, quantity):
    def value(p="x", q="x", **how):
        return per_group(quantity, sdf, p, q, **how)

    for base in (0, -1, 1, math.nan, math.inf, True):
        with pytest.raises(ValueError, match="`base` must be a positive finite number other than 1, or None for"):
            value(base=base)
    with pytest.raises(TypeError, match="`base` must be a number or None, not '2'"):
        value(base="2")
    with pytest.raises(ValueError, match="`nan_policy` must be one of propagate, omit, raise, not 'ignore'"):
        value(nan_policy="ignore")
    for by in (1, None, F.col("k"), {"k"}, (c for c in "k")):
        with pytest.raises(TypeError, match="`by` must be a column name or a sequence of them, not"):
            value(by=by)
    with pytest.raises(TypeError, match="`by` must be a column name, not 1"):
        value(by=["k", 1])
    with pytest.raises(TypeError, match=f"`{'p' if quantity.pair else 'x'}` must be a column name, not Column"):
        value(F.col("x"))
    for pattern in ("*", "^x$"):
        for how in ({"p": pattern}, {"by": pattern}, {"q": pattern} if quantity.pair else {"p": pattern}):
            with pytest.raises(ValueError, match="must be the name of one column, and Polars takes"):
                value(**how)


@pytest.mark.usefixtures("no_jobs")
@each_pair
def test_wrong_references_raise(sdf, quantity):
    for q in (None, object(), b"x", pl.lit, 1j):
        with pytest.raises(TypeError, match="q must be a column name, an expression, a Series, a sequence of numbers"):
            per_group(quantity, sdf, "x", q)
    for q in ([1.0, 2.0], pl.col("x"), pl.Series([1.0]), np.ones(2)):
        with pytest.raises(TypeError, match=r"`q` must be a column name or a number, not .*: join it in as a column"):
            per_group(quantity, sdf, "x", q)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'q'"):
        getattr(pes, quantity.name)(sdf, "x")
    with pytest.raises(ValueError, match="q must fit a float"):
        per_group(quantity, sdf, "x", 10**400)


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
@pytest.mark.parametrize(
    ("quantity", "q"), [(quantity, q) for quantity in QUANTITIES for q in (["a", [1]] if quantity.pair else [None])]
)
def test_wrong_rows_raise_as_in_polars(sdf, quantity, q):
    def value(p="a", **how):
        return per_row(quantity, p, q, **how)

    argument = "p" if quantity.pair else "x"
    with pytest.raises(ValueError, match="`base` must be a positive finite number"):
        value(base=1)
    with pytest.raises(ValueError, match="`nan_policy` must be one of"):
        value(nan_policy="ignore")
    with pytest.raises(ValueError, match=f"`{argument}` must be the name of one column, and Polars takes"):
        value("*")
    with pytest.raises(TypeError, match=f"`{argument}` must be a column or its name, not 1"):
        value(1)
    with pytest.raises(TypeError, match=f"`{argument}` must be a column's name, to be found in `schema`, not Column"):
        value(sdf.a, schema=sdf.schema)
    with pytest.raises(pl.exceptions.ComputeError, match=r"takes a List column of numbers, but p \('x'\) is f64"):
        value("x", schema=sdf.schema)
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match='unable to find column "nox"'):
        value("nox", schema=sdf.schema)
    with pytest.raises(AnalysisException, match="nox"):
        sdf.select(value("nox"))


@needs_arrow_udf
@pytest.mark.usefixtures("no_jobs")
@each_pair
def test_wrong_references_of_rows_raise(sdf, quantity):
    for q in (None, 1.0, object(), pl.col("a")):
        with pytest.raises(TypeError, match="q must be a column name, an expression, a Series, a sequence of numbers"):
            per_row(quantity, "a", q)
    with pytest.raises(pl.exceptions.ComputeError, match=r"but q \('x'\) is f64"):
        per_row(quantity, "a", "x", schema=sdf.schema)
    with pytest.raises(TypeError, match="`q` must be a column's name, to be found in `schema`, not Column"):
        per_row(quantity, "a", sdf.a, schema=sdf.schema)


@needs_arrow_udf
def test_what_only_the_job_finds_raises_there(spark):
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
    assert results.attempted >= 3 * len(pes.__all__)
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
