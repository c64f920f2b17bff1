"""Streaming is a promise: the engine's physical plan leaves nothing of ours to the engine in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract import ALL_POLICIES
from plans import IN_MEMORY, fallbacks, kinds, plan
from polars_entropy import _lib
from polars_entropy import _lowering as lowering
from quantities import QUANTITIES

FRAME = pl.DataFrame(
    {
        "g": ["a", "a", "b", "b"],
        "k": [1, 2, 1, 1],
        "t": [1, 2, 3, 4],
        "x": [1.0, 1.0, 3.0, 0.0],
        "y": [1.0, 2.0, 3.0, 4.0],
        "p": [[1.0, 2.0], [3.0, 4.0], [1.0, 1.0], [2.0, 2.0]],
        "q": [[1.0, 2.0], [3.0, 5.0], [1.0, 2.0], [1.0, 1.0]],
    }
).with_columns(P=pl.col("p").list.to_array(2), Q=pl.col("q").list.to_array(2))
x, y, p, P = pl.col("x").info, pl.col("y"), pl.col("p").info.list, pl.col("P").info.arr


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    path = tmp_path_factory.mktemp("streaming") / "frame.parquet"
    FRAME.write_parquet(path)
    return pl.scan_parquet(path)


# The reader of plans. Python functions are what no engine can split into batches.

SAME = {
    "of the frame": lambda f: f.map_batches(lambda frame: frame),
    "of a column": lambda f: f.select(pl.col("x").map_batches(lambda s: s, return_dtype=pl.Float64)),
    "of a group": lambda f: f.group_by("g").agg(pl.col("x").map_batches(lambda s: s, return_dtype=pl.Float64)),
    "beside ours": lambda f: f.select(x.entropy(), s=pl.col("x").map_batches(lambda s: s, return_dtype=pl.Float64)),
    "below ours": lambda f: f.map_batches(lambda frame: frame).group_by("g").agg(x.entropy()),
}


@pytest.mark.parametrize("query", SAME.values(), ids=SAME)
def test_the_reader_flags_what_cannot_stream(scan, query):
    # By its name as well as by its colour: if one of the two goes, the other still tells.
    assert [kind for kind, painted in plan(query(scan)) if painted and kind in IN_MEMORY]


def test_the_reader_flags_what_is_known_not_to_stream(scan):
    for expr in (P.entropy(axis=0), P.entropy(axis=-2), x.kl_div([1.0, 2.0, 3.0, 4.0])):
        assert fallbacks(scan.select(expr))


# Columns, groups, windows.

FIXED = {
    "a number": 2.0,
    "a Series of one row": pl.Series([2.0]),
    "a literal": pl.lit(2.0),
    "a literal integer": pl.lit(2, dtype=pl.Int8),
}
RIGHT = {"a column": "y", "an expression": y.sqrt() + 1, **FIXED}

# An aggregation of each quantity, and of each way to give q, as a function of its arguments.
AGGREGATIONS = {
    f"{quantity}{', ' if name else ''}{name}": (quantity, q)
    for quantity in QUANTITIES
    if _lib.QUANTITIES[quantity.name].sums
    for name, q in (RIGHT.items() if quantity.pair else [("", None)])
}
CONTEXTS = {
    "select": lambda f, expr: f.select(expr),
    "select, others beside": lambda f, expr: f.select(expr, pl.len(), s=y.sum(), m=y.mean()),
    "with_columns": lambda f, expr: f.with_columns(expr),
    "agg": lambda f, expr: f.group_by("g").agg(expr),
    "agg, keys": lambda f, expr: f.group_by("g", "k").agg(expr),
    "agg, a computed key": lambda f, expr: f.group_by(pl.col("t") // 2).agg(expr),
    "agg, others beside": lambda f, expr: f.group_by("g").agg(expr, pl.len(), s=y.sum(), m=y.mean(), top=y.max()),
    "agg, ours beside": lambda f, expr: f.group_by("g", "k").agg(expr, h=y.info.entropy(), d=y.info.kl_div("x")),
    "agg, filtered": lambda f, expr: f.filter(pl.col("t") > 1).group_by("g").agg(expr).filter(pl.col("x") > 0),
    "agg, then select": lambda f, expr: f.group_by("g").agg(expr).select(pl.col("x").mean()),
}
# Contexts that not all versions of Polars stream for anything.
WINDOWS = {
    "over": lambda f, expr: f.select(expr.over("g")),
    "group_by_dynamic": lambda f, expr: f.group_by_dynamic("t", every="2i").agg(expr),
    "group_by_dynamic, keys": lambda f, expr: f.group_by_dynamic("t", every="2i", group_by="g").agg(expr),
    "rolling": lambda f, expr: f.rolling("t", period="2i").agg(expr),
    "rolling, keys": lambda f, expr: f.rolling("t", period="2i", group_by="g").agg(expr),
    "rolling, in select": lambda f, expr: f.select(expr.rolling("t", period="2i")),
}


def value(aggregation, policy, **how):
    quantity, q = AGGREGATIONS[aggregation]
    return quantity.value(x, q, nan_policy=policy, **how)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_columns_and_groups_stream(scan, context, aggregation):
    for policy in ALL_POLICIES:
        assert fallbacks(context(scan, value(aggregation, policy, base=2))) == [], policy


@pytest.mark.parametrize("context", ["select", "agg", "agg, keys"])
def test_states_of_columns_and_groups_stream(scan, mergeable, context):
    for policy in ALL_POLICIES:
        assert fallbacks(CONTEXTS[context](scan, mergeable.state(x, "y", nan_policy=policy))) == [], policy


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_group_by_keeps_the_engines_own_node(scan, aggregation):
    native = kinds(scan.group_by("g").agg(pl.col("x").sum()))
    for policy in ALL_POLICIES:
        nodes = kinds(scan.group_by("g").agg(value(aggregation, policy)))
        assert "group-by" in nodes, policy
        # The very nodes of a native sum, and one to put the sums together.
        assert set(nodes) <= {*native, "select"}, policy


def sums_stream(scan, context):
    return not fallbacks(context(scan, pl.col("x").sum()))


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("context", WINDOWS.values(), ids=WINDOWS)
def test_windows_stream_where_sums_do(scan, context, aggregation):
    if not sums_stream(scan, context):
        pytest.skip(f"Polars {pl.__version__} takes a native sum to memory here, too")
    for policy in ALL_POLICIES:
        assert fallbacks(context(scan, value(aggregation, policy))) == [], policy


def test_sums_stream_in_most_windows_so_that_the_test_of_ours_is_not_skipped_in_all(scan):
    # Polars 1 streams none of them, 2.1 streams four.
    least = 4 if tuple(map(int, pl.__version__.split(".")[:2])) >= (2, 1) else 0
    assert sum(sums_stream(scan, context) for context in WINDOWS.values()) >= least


@pytest.mark.parametrize("quantity", [row for row in QUANTITIES if _lib.QUANTITIES[row.name].sums], ids=str)
def test_groups_stream_into_a_file(scan, quantity, tmp_path):
    grouped = scan.group_by("g").agg(quantity.value(x, "y"))
    assert fallbacks(grouped.sink_parquet(tmp_path / "out.parquet", lazy=True)) == []


# Rows and elements.

ROWS = {
    "list": lambda quantity, **how: quantity.value(p, "q", **how),
    "arr, axis -1": lambda quantity, **how: quantity.value(P, "Q", axis=-1, **how),
    "arr, axis 1": lambda quantity, **how: quantity.value(P, "Q", axis=1, keepdims=True, **how),
}
FIXED_ROWS = {
    "list, a sequence": lambda quantity, **how: quantity.value(p, [1, 2], **how),
    "list, a vector": lambda quantity, **how: quantity.value(p, np.array([1.0, 2.0]), **how),
    "list, a Series of one row": lambda quantity, **how: quantity.value(p, pl.Series([[1.0, 2.0]]), **how),
    "list, a literal": lambda quantity, **how: quantity.value(p, pl.lit([1.0, 2.0]), **how),
    "arr, a vector": lambda quantity, **how: quantity.value(P, np.array([1.0, 2.0]), axis=1, **how),
    "arr, a Series of one row": lambda quantity, **how: quantity.value(P, FRAME["Q"].head(1), **how),
}
ELEMENTWISE = {
    "entr": x.entr(),
    "rel_entr": x.rel_entr("y"),
    "rel_entr, an expression": x.rel_entr(y + 1),
    **{f"rel_entr, {name}": x.rel_entr(q) for name, q in FIXED.items()},
    **{
        f"{quantity}, {name}, {policy}": row(quantity, nan_policy=policy, base=2)
        for quantity in QUANTITIES
        for name, row in (ROWS | FIXED_ROWS if quantity.pair else ROWS).items()
        for policy in ALL_POLICIES
    },
    **{f"{quantity}, list, state": quantity.state(p) for quantity in QUANTITIES if quantity.sums},
}
PLACES = {
    "select": lambda f, expr: f.select(expr),
    "with_columns": lambda f, expr: f.with_columns(out=expr),
    "filter": lambda f, expr: f.filter(expr.is_not_null()),
    "below select": lambda f, expr: f.select(expr.is_not_null().sum()),
    "below agg": lambda f, expr: f.group_by("g").agg(expr.is_not_null().sum()),
    "as a key": lambda f, expr: f.group_by(expr.is_not_null().alias("key")).agg(pl.len()),
}


@pytest.mark.parametrize("expr", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_rows_and_elements_stream(scan, expr):
    for place, query in PLACES.items():
        assert fallbacks(query(scan, expr)) == [], place


def test_a_call_that_is_not_elementwise_would_be_seen(scan, quantity, monkeypatch):
    plugin = lowering.register_plugin_function
    monkeypatch.setattr(
        lowering, "register_plugin_function", lambda **call: plugin(**{**call, "is_elementwise": False})
    )
    for context in CONTEXTS.values():
        assert fallbacks(context(scan, quantity.value(x, "y")))
    for expr in (x.entr(), quantity.value(p), quantity.value(P, "Q")):
        assert fallbacks(scan.select(expr))


# A fixed q.


@pytest.mark.parametrize("pair", [row for row in QUANTITIES if row.pair and _lib.QUANTITIES[row.name].sums], ids=str)
@pytest.mark.parametrize("q", FIXED.values(), ids=FIXED)
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_a_fixed_q_takes_no_more_nodes_than_none(scan, pair, context, q):
    # As a stream of its own it would be joined to each batch, row by row.
    assert kinds(context(scan, pair.value(x, q))) == kinds(context(scan, x.entropy()))


# Null rows of p: whatever takes memory is q.
FIXED_ROW = """
import sys
from pathlib import Path

import numpy as np
import polars as pl

import polars_entropy


def status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


rows, width = 2_000, 10_000
kind, dtype, context = sys.argv[1:]
dtype = {"list": pl.List(pl.Float64), "arr": pl.Array(pl.Float64, width)}[dtype]
q = np.ones(width)
q = {
    "sequence": q.tolist(),
    "vector": q,
    "series": pl.Series([q.tolist()], dtype=dtype),
    "literal": pl.lit(q.tolist(), dtype=dtype),
}[kind]
frame = pl.DataFrame({"g": [1, 2] * (rows // 2), "p": pl.Series([None] * rows, dtype=dtype)}).lazy()
p = pl.col("p").info
expr = (p.list if dtype == pl.List else p.arr).kl_div(q)
query = {"select": frame.select(expr), "agg": frame.group_by("g").agg(expr.sum())}[context]
Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
before = status("VmRSS")
query.collect(engine="streaming")
print((status("VmHWM") - before) / (8e-6 * rows * width))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read where Linux tells it")
@pytest.mark.parametrize("context", ["select", "agg"])
@pytest.mark.parametrize("dtype", ["list", "arr"])
@pytest.mark.parametrize("kind", ["sequence", "vector", "series", "literal"])
def test_a_fixed_q_is_not_copied_to_every_row(kind, dtype, context):
    command = [sys.executable, "-c", FIXED_ROW, kind, dtype, context]
    share = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent).stdout
    # 160 MB in all, of which the engine itself takes a tenth.
    assert float(share) < 0.5
