"""Streaming is a promise: the engine's physical plan leaves nothing of ours to the engine in memory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from polars_entropy import _lowering as lowering

POLICIES = ("propagate", "omit", "raise")
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


# The reader of plans.

NODE = re.compile(
    r'^(\d+) \[label="([a-z0-9-]+)(?:[^"\\]|\\.)*"(?:,style=filled,fillcolor="([^"]+)")?\];$', re.MULTILINE | re.DOTALL
)
EDGE = re.compile(r"^(\d+) -> (\d+);$", re.MULTILINE)
LEGEND = re.compile(r'<FONT COLOR="([^"]+)">⬤</FONT> in-memory engine fallback')
KINDS = {"in-memory-map", "in-memory-join", "columnar-function"}


def plan(query: pl.LazyFrame) -> list[tuple[str, bool]]:
    """The kind of each node of the streaming engine's plan, and whether Polars paints it as a fallback."""
    graph = query.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
    (colour,) = LEGEND.findall(graph)
    nodes = {key: (kind, fill == colour) for key, kind, fill in NODE.findall(graph)}
    # No node has gone by unread.
    assert nodes
    assert nodes.keys() >= {key for edge in EDGE.findall(graph) for key in edge}
    return list(nodes.values())


def fallbacks(query: pl.LazyFrame) -> list[str]:
    return [kind for kind, painted in plan(query) if painted or kind in KINDS]


# Python functions, which no engine can split into batches.
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
    assert [kind for kind, painted in plan(query(scan)) if painted and kind in KINDS]


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


def aggregation(name: str, policy: str) -> pl.Expr:
    return x.entropy(nan_policy=policy, base=2) if name == "entropy" else x.kl_div(RIGHT[name], nan_policy=policy)


AGGREGATIONS = ["entropy", *RIGHT]
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


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", AGGREGATIONS)
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_columns_and_groups_stream(scan, context, name, policy):
    assert fallbacks(context(scan, aggregation(name, policy))) == []


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", AGGREGATIONS)
@pytest.mark.parametrize("context", WINDOWS.values(), ids=WINDOWS)
def test_windows_stream_where_sums_do(scan, context, name, policy):
    if fallbacks(context(scan, pl.col("x").sum())):
        pytest.skip(f"Polars {pl.__version__} takes a native sum to memory here, too")
    assert fallbacks(context(scan, aggregation(name, policy))) == []


def test_groups_stream_into_a_file(scan, tmp_path):
    grouped = scan.group_by("g").agg(x.entropy(), d=x.kl_div("y"))
    assert fallbacks(grouped.sink_parquet(tmp_path / "out.parquet", lazy=True)) == []


# Rows and elements.

ROWS = {
    "list entropy": p.entropy,
    "list kl_div": lambda **how: p.kl_div("q", **how),
    "list kl_div, a sequence": lambda **how: p.kl_div([1, 2], **how),
    "list kl_div, a vector": lambda **how: p.kl_div(np.array([1.0, 2.0]), **how),
    "list kl_div, a Series of one row": lambda **how: p.kl_div(pl.Series([[1.0, 2.0]]), **how),
    "list kl_div, a literal": lambda **how: p.kl_div(pl.lit([1.0, 2.0]), **how),
    "arr entropy, axis -1": lambda **how: P.entropy(axis=-1, **how),
    "arr entropy, axis 1": lambda **how: P.entropy(axis=1, keepdims=True, **how),
    "arr kl_div, axis -1": lambda **how: P.kl_div("Q", axis=-1, **how),
    "arr kl_div, axis 1": lambda **how: P.kl_div("Q", axis=1, **how),
    "arr kl_div, a vector": lambda **how: P.kl_div(np.array([1.0, 2.0]), axis=1, **how),
    "arr kl_div, a Series of one row": lambda **how: P.kl_div(FRAME["Q"].head(1), **how),
}
ELEMENTS = {
    "entr": x.entr(),
    "rel_entr": x.rel_entr("y"),
    "rel_entr, an expression": x.rel_entr(y + 1),
    **{f"rel_entr, {name}": x.rel_entr(q) for name, q in FIXED.items()},
}
ELEMENTWISE = ELEMENTS | {
    f"{name}, {policy}": row(nan_policy=policy, base=2) for name, row in ROWS.items() for policy in POLICIES
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
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_rows_and_elements_stream(scan, place, expr):
    assert fallbacks(place(scan, expr)) == []


def test_a_call_that_is_not_elementwise_would_be_seen(scan, monkeypatch):
    plugin = lowering.register_plugin_function
    monkeypatch.setattr(
        lowering, "register_plugin_function", lambda **call: plugin(**{**call, "is_elementwise": False})
    )
    for context in CONTEXTS.values():
        assert fallbacks(context(scan, x.entropy()))
        assert fallbacks(context(scan, x.kl_div("y")))
    for expr in (x.entr(), p.entropy(), p.kl_div("q"), P.entropy()):
        assert fallbacks(scan.select(expr))


# A fixed q.


@pytest.mark.parametrize("q", FIXED.values(), ids=FIXED)
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_a_fixed_q_takes_no_more_nodes_than_none(scan, context, q):
    # As a stream of its own it would be joined to each batch, row by row.
    alone, beside = (sorted(kind for kind, _ in plan(context(scan, expr))) for expr in (x.entropy(), x.kl_div(q)))
    assert alone == beside


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
