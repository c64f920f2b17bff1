"""The reader of physical plans: what the streaming engine makes of a query, and what it leaves to the one in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

NODE = re.compile(
    r'^(\d+) \[label="([a-z0-9-]+)(?:[^"\\]|\\.)*"(?:,style=filled,fillcolor="([^"]+)")?\];$', re.MULTILINE | re.DOTALL
)
EDGE = re.compile(r"^(\d+) -> (\d+);$", re.MULTILINE)
LEGEND = re.compile(r'<FONT COLOR="([^"]+)">⬤</FONT> in-memory engine fallback')
# Nodes that hand a frame or a column to the engine in memory. Most are painted, too: if one of the two signs goes, the
# other still tells.
IN_MEMORY = {"in-memory-map", "in-memory-join", "columnar-function"}


def plan(query: pl.LazyFrame) -> list[tuple[str, bool]]:
    """The kind of each node of the streaming engine's plan, and whether Polars paints it as a fallback."""
    graph = query.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
    (colour,) = LEGEND.findall(graph)
    nodes = {key: (kind, fill == colour) for key, kind, fill in NODE.findall(graph)}
    # No node has gone by unread.
    assert nodes
    assert nodes.keys() >= {key for edge in EDGE.findall(graph) for key in edge}
    return list(nodes.values())


def kinds(query: pl.LazyFrame) -> list[str]:
    """The kinds of the nodes, sorted."""
    return sorted(kind for kind, _ in plan(query))


def fallbacks(query: pl.LazyFrame) -> list[str]:
    """The nodes that don't stream."""
    return [kind for kind, painted in plan(query) if painted or kind in IN_MEMORY]
