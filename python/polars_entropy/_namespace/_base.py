"""The base of the accessors: an expression for p, and where its result goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

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
