"""The base of the accessors: an expression for p, and where its result goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import polars as pl

from polars_entropy import _lowering as lowering
from polars_entropy import _reference as reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from polars_entropy._arguments import Axis, NanPolicy
    from polars_entropy._reference import Reference

T = TypeVar("T")


class Accessor(Generic[T]):
    """Methods on an expression for p."""

    def __init__(self, p: pl.Expr, finish: Callable[[pl.Expr], T], series: pl.Series | None = None) -> None:
        """Keep p, the function that every built expression goes through, and the Series that p stands for, if any."""
        self._p = p
        self._finish = finish
        self._series = series

    @property
    def _is_series(self) -> bool:
        """Whether there is no frame, in which a name could mean a column."""
        return self._series is not None


class FlatAccessor(Accessor[T]):
    """Methods on columns, groups and windows."""

    def _value(self, quantity: str, q: Reference = reference.ABSENT, *, base: float | None, nan_policy: NanPolicy) -> T:
        return self._finish(lowering.column(quantity, self._p, q, base=base, nan_policy=nan_policy))

    def _state(self, quantity: str, q: Reference = reference.ABSENT, *, nan_policy: NanPolicy) -> T:
        return self._finish(lowering.column_state(quantity, self._p, q, nan_policy=nan_policy))

    def _element(self, function: str, y: Reference = reference.ABSENT) -> T:
        return self._finish(lowering.element(function, self._p, y))

    def _reference(self, q: object, q_total: object = None) -> Reference:
        return reference.flat(q, q_total, is_series=self._is_series)


class RowAccessor(Accessor[T]):
    """Methods on rows of List columns."""

    _INPUT: ClassVar[str] = ""
    """What the rows hold, as the plugin's names of quantities begin; nothing for weights."""

    def _value(self, quantity: str, q: Reference = reference.ABSENT, *, base: float | None, nan_policy: NanPolicy) -> T:
        return self._finish(lowering.rows(self._INPUT + quantity, self._p, q, base=base, nan_policy=nan_policy))

    def _reference(self, q: object, q_total: object = None) -> Reference:
        return reference.rows(q, q_total, is_series=self._is_series)


class AxesAccessor(Accessor[T]):
    """Methods on axes of Array columns."""

    _INPUT: ClassVar[str] = ""
    """As for rows."""

    def _value(
        self,
        quantity: str,
        q: Reference = reference.ABSENT,
        *,
        axis: Axis,
        keepdims: bool,
        base: float | None,
        nan_policy: NanPolicy,
    ) -> T:
        dtype = None if self._series is None else self._series.dtype
        ndim = 1 + len(dtype.shape) if isinstance(dtype, pl.Array) else None
        name = self._INPUT + quantity
        return self._finish(
            lowering.axes(name, self._p, q, axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy, ndim=ndim)
        )

    def _reference(self, q: object, q_total: object = None) -> Reference:
        return reference.cells(q, q_total, is_series=self._is_series)
