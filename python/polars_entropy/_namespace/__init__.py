"""The namespace `info`: a class for each accessor. Nothing is computed here, see `_lowering`."""

from __future__ import annotations

from typing import overload

import polars as pl

from polars_entropy._namespace.array import ArrayInfo
from polars_entropy._namespace.characters import BinInfo, StrInfo
from polars_entropy._namespace.flat import Info
from polars_entropy._namespace.list import ListInfo
from polars_entropy._namespace.logits import ArrayLogits, ListLogits
from polars_entropy._namespace.maps import MapInfo
from polars_entropy._namespace.values import ListValues, ValuesInfo

__all__ = [
    "ArrayInfo",
    "ArrayLogits",
    "BinInfo",
    "ExprInfo",
    "Info",
    "ListInfo",
    "ListLogits",
    "ListValues",
    "MapInfo",
    "SeriesInfo",
    "StrInfo",
    "ValuesInfo",
    "info",
]


@pl.api.register_expr_namespace("info")
class ExprInfo(Info[pl.Expr]):
    """The namespace of an expression, whose methods return expressions."""

    def __init__(self, expr: pl.Expr) -> None:
        """Wrap the expression."""
        super().__init__(expr, lambda built: built)


@pl.api.register_series_namespace("info")
class SeriesInfo(Info[pl.Series]):
    """The namespace of a Series, whose methods return Series."""

    def __init__(self, series: pl.Series) -> None:
        """Wrap the Series."""
        # Polars would expand names such as "*" and "^…$".
        p = pl.first() if series.name.startswith(("*", "^")) else pl.col(series.name)
        super().__init__(p, lambda built: series.to_frame().select(built).to_series(), series)


@overload
def info(p: str | pl.Expr) -> ExprInfo: ...
@overload
def info(p: pl.Series) -> SeriesInfo: ...
def info(p: str | pl.Expr | pl.Series) -> ExprInfo | SeriesInfo:
    """Namespace of a column name, an expression or a Series, with full types.

    Type checkers and editors cannot see namespaces that are registered at run time. They see this function.

    Parameters
    ----------
    p
        A column name, an expression or a Series.

    Returns
    -------
    ExprInfo or SeriesInfo
        The methods of `pl.col(p).info`, of `p.info` for an expression, or of `p.info` for a Series.

    Raises
    ------
    TypeError
        If `p` is none of these.

    Examples
    --------
    >>> import polars as pl, polars_entropy as pe
    >>> df = pl.DataFrame({"p": [[1.0, 1.0]]})
    >>> df.select(pe.info("p").list.entropy(base=2)).item()
    1.0

    """
    if isinstance(p, str):
        return ExprInfo(pl.col(p))
    if isinstance(p, pl.Expr):
        return ExprInfo(p)
    if isinstance(p, pl.Series):
        return SeriesInfo(p)
    raise TypeError(f"info() takes a column name, an expression or a Series, not {type(p).__name__} {p!r}")
