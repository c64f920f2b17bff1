"""Both engines, and queries on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

ENGINES = ("in-memory", "streaming")


def run(frame: pl.DataFrame | pl.LazyFrame, *exprs: pl.Expr, engine: str) -> pl.DataFrame:
    """Selects, on one engine."""
    return collect(frame.lazy().select(*exprs), engine)


def collect(query: pl.LazyFrame, engine: str) -> pl.DataFrame:
    """Collects, and holds the schema that was announced against the one that came."""
    announced = query.collect_schema()
    result = query.collect(engine=engine)
    assert result.schema == announced
    return result
