"""Engines, memory layouts and comparison, for all tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings

import polars_entropy  # noqa: F401  registers the namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The first examples on a cold machine take longer than hypothesis' default deadline.
settings.register_profile("thorough", deadline=None, suppress_health_check=list(HealthCheck), max_examples=1500)
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.load_profile("default")

ENGINES = ("in-memory", "streaming")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


def run(frame: pl.DataFrame | pl.LazyFrame, *exprs: pl.Expr, engine: str) -> pl.DataFrame:
    """Selects, on one engine, and holds the schema that was announced against the one that came."""
    return collect(frame.lazy().select(*exprs), engine)


def collect(query: pl.LazyFrame, engine: str) -> pl.DataFrame:
    announced = query.collect_schema()
    result = query.collect(engine=engine)
    assert result.schema == announced
    return result


Row = "Sequence[float | None] | None"

# Weights that would change or stop any result that looked at them.
JUNK = [math.nan, -1.0, math.inf]


def _arrow_list(rows: Sequence[Row]) -> pa.Array:
    """A list array in which null rows span junk, and so do the ends of the values."""
    values, offsets, there = list(JUNK), [len(JUNK)], []
    for row in rows:
        values += JUNK if row is None else row
        offsets.append(len(values))
        there.append(row is not None)
    values += JUNK
    data = pa.array(values, type=pa.float64())
    is_null = pa.array([not t for t in there], pa.bool_())
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), data, mask=is_null)


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
    return pl.Series(pl.from_arrow(_arrow_list(rows)))


LAYOUTS: dict[str, Callable[[Sequence[Row]], pl.Series]] = {
    f.__name__: f for f in (plain, sliced, chunked, junk_under_nulls)
}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Callable[[Sequence[Row]], pl.Series]:
    return LAYOUTS[request.param]


def assert_same(got: Any, want: Any, *, rel: float = 0.0, tol: float = 0.0, what: object = "") -> None:
    """Equal, or within the error allowed; null, NaN, infinities and the sign of zero have to be exactly right."""
    message = f"{what}: got {got!r}, want {want!r}"
    if want is None or got is None:
        assert want is got, message
    elif math.isnan(want) or math.isinf(want) or math.isinf(got):
        assert got == want or (math.isnan(got) and math.isnan(want)), message
    else:
        assert abs(got - want) <= tol + rel * abs(want), message
        assert got != 0 or math.copysign(1.0, got) == 1.0, message
