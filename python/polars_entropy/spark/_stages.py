"""Code that runs in Spark's Python workers: the two `mapInArrow` stages of groups, and the Arrow UDF of rows.

1. `make_states` turns the rows of a partition into one state for each group.
2. Spark moves the states of a group to one worker.
3. `merge_states` turns the states of a group into its value.

A stage goes through its partition frame by frame and merges what it has so far. It holds one frame and a few states
for each group, however many rows there are.
"""

from __future__ import annotations

import itertools
import os
import pickle
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
import pyarrow as pa
from pyspark import cloudpickle

from polars_entropy import info
from polars_entropy._lowering import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from functools import partial

    from polars_entropy._arguments import NanPolicy

    Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

ROWS_PER_FRAME = 1 << 18
"""Rows that make a frame. A batch of Spark has 10 000, for which a query takes longer to plan than to run."""


@dataclass(frozen=True)
class Distribution:
    """A quantity and its inputs, from which driver and workers build their expressions.

    Expressions themselves are not sent: they contain the path of the driver's plugin, which a worker may not have.
    """

    quantity: str
    p: str
    q: tuple[str | float | pl.Series | dict[Any, Any], ...]
    """The reference, or nothing for a quantity of one input."""
    base: float | None
    nan_policy: NanPolicy
    q_total: str | float | None = None
    """The total of q: the name of a column, a number, or nothing."""
    accessor: str = "list"
    """The accessor of rows."""
    pseudo_count: float | None = None
    """What is added to each weight, or nothing where there is no such argument."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns of weights, and of totals."""
        return [self.p, *(name for name in (*self.q, self.q_total) if isinstance(name, str))]

    def value(self) -> pl.Expr:
        """Value of a column or group."""
        return self._call(info(self.p), self.quantity, base=self.base, **self._total)

    def state(self) -> pl.Expr:
        """Mergeable state of a column or group, and beside it the least and the greatest of a column of totals."""
        state = self._call(info(self.p), f"{self.quantity}_state")
        if not isinstance(self.q_total, str):
            return state
        total = pl.col(self.q_total).cast(pl.Float64)
        return pl.struct(state=state, least=total.min(), greatest=total.max()).alias(self.p)

    def merge_state(self) -> pl.Expr:
        """State of several states together, in the column that goes by p's name."""
        if not isinstance(self.q_total, str):
            return info(self.p).merge_state()
        state, least, greatest = self._fields
        return pl.struct(state=info(state).merge_state(), least=least.min(), greatest=greatest.max()).alias(self.p)

    def merge(self) -> pl.Expr:
        """Value of several states together, likewise."""
        if isinstance(self.q_total, str):
            state, least, greatest = self._fields
            return merge(state, (least.min(), greatest.max()), base=self.base).alias(self.p)
        totals = () if self.q_total is None else (pl.lit(self.q_total),)
        return merge(pl.col(self.p), totals, base=self.base)

    def rows(self) -> pl.Expr:
        """Values of rows."""
        options = self._total if self.pseudo_count is None else {"pseudo_count": self.pseudo_count}
        return self._call(getattr(info(self.p), self.accessor), self.quantity, base=self.base, **options)

    @property
    def _total(self) -> dict[str, Any]:
        return {} if self.q_total is None else {"q_total": self.q_total}

    @property
    def _fields(self) -> list[pl.Expr]:
        return [pl.col(self.p).struct.field(name) for name in ("state", "least", "greatest")]

    def _call(self, namespace: object, method: str, **options: Any) -> pl.Expr:
        expression: pl.Expr = attrgetter(method)(namespace)(*self.q, **options, nan_policy=self.nan_policy)
        return expression


def make_states(
    distribution: Distribution, keys: list[str], columns: list[str], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """First stage: the state of each group of a partition, from its rows."""
    key_types, frames = _read(batches, keys, columns)
    merge = distribution.merge_state()
    yield from _write(_fold(frames, keys, to_states=distribution.state(), merge=merge, finish=merge), key_types)


def merge_states(
    distribution: Distribution, keys: list[str], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Second stage: the value of each group of a partition, from all states of the group."""
    key_types, frames = _read(batches, keys, [*keys, distribution.p])
    # A null stands for a frame without rows. States themselves are never null.
    states = (frame.drop_nulls(distribution.p) for frame in frames)
    merge = distribution.merge_state()
    yield from _write(_fold(states, keys, to_states=merge, merge=merge, finish=distribution.merge()), key_types)


def gather_values(
    distribution: Distribution, keys: list[str], columns: list[str], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Only stage of a quantity without states: the value of each group of a partition, which has all of its rows."""
    key_types, frames = _read(batches, keys, columns)
    gathered = list(frames)
    frame = aggregated(pl.concat(gathered), keys, distribution.value()) if gathered else None
    yield from _write(frame, key_types)


def row_values(distribution: Distribution, names: list[str], dtype: pl.DataType, *arrays: pa.Array) -> pa.Array:
    """Arrow UDF: the value of each row of array or map columns, which go by these names in the distribution."""
    values = pl.DataFrame(dict(zip(names, arrays, strict=True))).select(distribution.rows()).to_series()
    if values.dtype.is_nested() and not dtype.is_nested():
        raise TypeError(f"the rows of {names[0]!r} are nested: pass `schema`, for a result of their type")
    return values.cast(dtype).to_arrow(compat_level=pl.CompatLevel.oldest())


def pickled_twice(function: partial[Any], name: str) -> Callable[..., Any]:
    """The function as Spark sends it to the workers, where Polars gets as many threads as the task has cores.

    Polars reads the number of threads when it is imported. Unpickling a function that uses Polars imports it, so the
    function travels as bytes, inside a function that sets the number first and unpickles them then.
    """
    dumps: Callable[[object], bytes] = cloudpickle.dumps
    pickled = dumps(function)

    def unpickle_and_call(*arguments):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202
        # Spark announces the cores of a task to OpenMP, in this variable.
        os.environ.setdefault("POLARS_MAX_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
        return pickle.loads(pickled)(*arguments)  # noqa: S301  pickled above

    unpickle_and_call.__name__ = name
    return unpickle_and_call


def aggregated(frame: Frame, keys: list[str], aggregate: pl.Expr) -> Frame:
    """An aggregate of each group of a frame, or of the whole frame if there are no keys."""
    return frame.group_by(keys).agg(aggregate) if keys else frame.select(aggregate)


def _fold(
    frames: Iterable[pl.DataFrame], keys: list[str], *, to_states: pl.Expr, merge: pl.Expr, finish: pl.Expr
) -> pl.DataFrame | None:
    """One row for each group of all frames together: `finish` of its states. `None` if there are no frames."""
    states: list[pl.DataFrame] = []
    limit = ROWS_PER_FRAME
    for frame in frames:
        states.append(aggregated(frame, keys, to_states))
        if sum(part.height for part in states) > limit:
            states = [aggregated(pl.concat(states), keys, merge)]
            # The next merge has to wait until the states have doubled, or many groups would be merged for every frame.
            limit = max(ROWS_PER_FRAME, 2 * states[0].height)
    return aggregated(pl.concat(states), keys, finish) if states else None


def _read(
    batches: Iterator[pa.RecordBatch], keys: list[str], columns: list[str]
) -> tuple[list[pa.DataType], Iterator[pl.DataFrame]]:
    """Arrow types of the keys, which are the first columns, and the partition as frames with these columns."""
    first = next(batches, None)
    if first is None:
        return [], iter(())
    return first.schema.types[: len(keys)], _frames(itertools.chain([first], batches), columns)


def _frames(batches: Iterable[pa.RecordBatch], columns: list[str]) -> Iterator[pl.DataFrame]:
    """Frames of at least `ROWS_PER_FRAME` rows, the last one aside."""
    pending, rows = [], 0
    for batch in batches:
        pending.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_PER_FRAME:
            yield _frame(pending, columns)
            pending, rows = [], 0
    if pending:
        yield _frame(pending, columns)


def _frame(batches: list[pa.RecordBatch], columns: list[str]) -> pl.DataFrame:
    table = pa.Table.from_batches(batches).rename_columns(columns)
    for i, field in enumerate(table.schema):
        # Polars doesn't know all of Spark's time zones ("Z", "GMT+2"). Instants are equal or not without them.
        if pa.types.is_timestamp(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.timestamp(field.type.unit)))
    return pl.DataFrame(table)


def _write(frame: pl.DataFrame | None, key_types: list[pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Batches of a result, with keys of the types that they had in the input."""
    if frame is None:
        return
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    *keys, result = table.schema
    fields = [key.with_type(kind) for key, kind in zip(keys, key_types, strict=True)]
    yield from table.cast(pa.schema([*fields, result])).to_batches(max_chunksize=ROWS_PER_FRAME)
