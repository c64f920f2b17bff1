"""The ways that a column of lists, or of numbers, can lie in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Row = "Sequence[float | None] | None"

# Weights that would change or stop any result that looked at them.
JUNK = [math.nan, -1.0, math.inf]


def plain(rows: Sequence[Row]) -> pl.Series:
    return pl.Series(rows, dtype=pl.List(pl.Float64))


def sliced(rows: Sequence[Row]) -> pl.Series:
    around = [JUNK, None, [2.0]]
    return pl.Series([*around, *rows, *around], dtype=pl.List(pl.Float64)).slice(len(around), len(rows))


def chunked(rows: Sequence[Row]) -> pl.Series:
    cut = len(rows) // 3
    parts = [plain(rows[:cut]), plain([]), plain(rows[cut : 2 * cut + 1]), sliced(rows[2 * cut + 1 :])]
    return pl.concat(parts, rechunk=False)


def junk_under_nulls(rows: Sequence[Row]) -> pl.Series:
    """Null rows span junk, and so do the ends of the values."""
    values, offsets, there = list(JUNK), [len(JUNK)], []
    for row in rows:
        values += JUNK if row is None else row
        offsets.append(len(values))
        there.append(row is not None)
    values += JUNK
    data = pa.array(values, type=pa.float64())
    is_null = pa.array([not t for t in there], pa.bool_())
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), data, mask=is_null)))


LAYOUTS: dict[str, Callable[[Sequence[Row]], pl.Series]] = {
    f.__name__: f for f in (plain, sliced, chunked, junk_under_nulls)
}


def flat_layouts(values: Sequence[float | None]) -> Iterator[pl.Series]:
    """A column of numbers, plain, sliced and in chunks."""
    around = pl.Series([math.nan, -1.0, None, math.inf], dtype=pl.Float64)
    series = pl.Series(values, dtype=pl.Float64)
    cut = len(values) // 2
    yield series
    yield pl.concat([around, series, around], rechunk=True).slice(4, len(values))
    yield pl.concat([series[:cut], pl.Series([], dtype=pl.Float64), series[cut:]], rechunk=False)
