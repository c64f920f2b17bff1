"""The second distribution, q: the ways to give it, and the form that calls of the plugin take."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from numbers import Real
from typing import Any, Protocol, TypeAlias

import polars as pl

from polars_entropy._arguments import as_float


class SupportsArray(Protocol):
    """A NumPy array, or an object that NumPy converts to one."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


Column: TypeAlias = str | pl.Expr | pl.Series
"""A column name, an expression or a Series."""
Vector: TypeAlias = Sequence[float | None] | SupportsArray
"""One distribution."""
Total: TypeAlias = str | pl.Expr | pl.Series | float
"""The total of q: one number for each distribution, or one for all."""
Distribution: TypeAlias = Mapping[Any, float | None]
"""One distribution by key."""
Cell: TypeAlias = Sequence[Any] | SupportsArray
"""One cell of an Array column."""


@dataclass(frozen=True)
class Reference:
    """The second distribution, q, in the form that calls of the plugin take."""

    inputs: tuple[pl.Expr, ...] = ()
    """The expression of q. There is none if q is a constant row, or if the quantity takes no q."""
    kwargs: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments for calls that take flat columns. Those with their usual value are left out."""
    number: float | None = None
    """The Python number that the expression stands for."""
    row: dict[str, Any] | None = None
    """A constant row for every row of p. It is an argument, since the streaming engine would repeat an input."""
    is_one_row: bool = False
    """Whether the expression is one row for every row of p."""
    totals: tuple[pl.Expr, ...] = ()
    """The total of each q: one expression, or two, which are its least and greatest value and have to be the same."""

    @property
    def totals_kwargs(self) -> dict[str, Any]:
        """Keyword arguments for calls that take totals, after all other inputs."""
        return {"q_totals": len(self.totals)} if self.totals else {}

    @property
    def name(self) -> str:
        """Name of q in error messages, empty if it has none or if it depends on the schema."""
        names = (expr.meta.output_name(raise_if_undetermined=False) for expr in self.inputs)
        return next(names, None) or ""


ABSENT = Reference()
"""The reference of a quantity of one input."""


def flat(q: object, q_total: object = None, *, is_series: bool) -> Reference:
    """Reference for a column, group or window: one number for each of p, or one for all."""
    return replace(_flat(q, is_series=is_series), totals=one_total(_totals(q_total, is_series=is_series)))


def _flat(q: object, *, is_series: bool) -> Reference:
    if (expr := _expression(q, is_series=is_series)) is not None:
        return Reference((expr,))
    if is_number(q):
        value = number(q)
        # A Python number has neither a name nor a precision of its own.
        return Reference((pl.lit(value).alias(""),), {"weak_q": True}, number=value)
    if isinstance(q, pl.Series) and len(q) == 1:
        # A scalar literal is not repeated; a Series of one row would be.
        return Reference((pl.lit(q.item(), dtype=q.dtype).alias(q.name),))
    values = q if isinstance(q, pl.Series) else vector(q)
    return _column_of_its_own(values, is_series=is_series)


def _column_of_its_own(values: pl.Series, *, is_series: bool) -> Reference:
    """A sequence, which is a column of its own length, for a whole column and never for a group."""
    # An elementwise call would see neither that there are groups nor, in a morsel, the whole of q. A Series has no
    # groups and is one piece.
    how = {"sequence": "of_series"} if is_series else {"sequence": "of_frame", "elementwise": False}
    return Reference((pl.lit(values),), how)


def rows(q: object, q_total: object = None, *, is_series: bool) -> Reference:
    """Reference for the rows of a List column: a row for each of p, or one for all."""
    reference = _row_wise(q, lambda q: pl.Series([vector(q)]), is_series=is_series)
    return replace(reference, totals=_totals(q_total, is_series=is_series))


def cells(q: object, q_total: object = None, *, is_series: bool) -> Reference:
    """Reference for the cells of an Array column: a cell for each of p, or one for all."""
    return replace(_row_wise(q, _cell, is_series=is_series), totals=_totals(q_total, is_series=is_series))


def observed(y: object, *, is_series: bool) -> Reference:
    """Reference for the other value of pairs: one for each of x, or one for all."""
    if (expr := _expression(y, is_series=is_series)) is not None:
        return Reference((expr,))
    if isinstance(y, pl.Series):
        if len(y) == 1:
            return Reference((pl.lit(y).first(),))
        return _column_of_its_own(y, is_series=is_series)
    raise TypeError(f"y must be a column name, an expression or a Series, not {type(y).__name__} {y!r}")


def maps(q: object, *, is_series: bool) -> Reference:
    """Reference for rows of keys and weights: a row for each of p, or one for all."""
    if isinstance(q, Mapping):
        q = map_row(q)
    if isinstance(q, pl.Series):
        if len(q) != 1:
            return Reference((pl.lit(q),))
        constant = _constant_map(q)
        return Reference((pl.lit(q).first(),)) if constant is None else Reference(row=constant)
    if (expr := _expression(q, is_series=is_series)) is not None:
        return Reference((expr,))
    raise TypeError(
        f"q must be a column name, an expression, a Series or a dict of keys and weights, not {type(q).__name__} {q!r}"
    )


def map_row(q: Mapping[Any, Any]) -> pl.Series:
    """One row of the keys and weights of a dict."""
    keys = _of_one_type("key", list(q))
    weights = pl.Series("weight", [_element(weight) for weight in q.values()], dtype=pl.Float64)
    return pl.select(pl.struct(keys, weights).implode().alias("")).to_series()


def _of_one_type(name: str, keys: list[Any]) -> pl.Series:
    some = [key for key in keys if key is not None]
    if any(isinstance(key, float) for key in some) and all(
        is_number(key) and not isinstance(key, bool) for key in some
    ):
        keys = [None if key is None else number(key) for key in keys]
    # Polars takes integers for 64 bits until one has more.
    wide = ("Int128", "UInt128") if all(type(key) is int for key in some) else ()
    for dtype in (None, *(getattr(pl, each) for each in wide if hasattr(pl, each))):
        with contextlib.suppress(TypeError):
            return pl.Series(name, keys, dtype=dtype)
    raise TypeError(f"the keys of q must be of one type, not {keys!r}")


def _constant_map(row: pl.Series) -> dict[str, Any] | None:
    """One row of keys and weights as plain values, `None` if it isn't one, or if its keys have to go as a column."""
    entries = row.explode() if row.dtype == pl.List and not row.null_count() else None
    if entries is None or entries.dtype != pl.Struct or not entries.len() or entries.null_count():
        return None
    if len(entries.struct.fields) != 2:  # noqa: PLR2004
        return None
    keys, weights = (entries.struct.field(name) for name in entries.struct.fields)
    if not (weights.dtype.is_numeric() or weights.dtype == pl.Boolean):
        return None
    kinds = {"texts": pl.String, "integers": pl.Int64, "floats": pl.Float64, "booleans": pl.Boolean}
    if not any(keys.dtype == dtype for dtype in kinds.values()):
        return None
    of_kind = {kind: keys.to_list() if keys.dtype == dtype else None for kind, dtype in kinds.items()}
    return {"name": row.name, "keys": of_kind, **_plain("weights", weights)}


def one_total(totals: tuple[pl.Expr, ...]) -> tuple[pl.Expr, ...]:
    """Totals for a column, group or window, of which a column of the frame has one number for each row."""
    if not totals or not totals[0].meta.is_column():
        return totals
    return (totals[0].min(), totals[0].max())


def _totals(q_total: object, *, is_series: bool) -> tuple[pl.Expr, ...]:
    """Total of each q, if there is any."""
    if q_total is None:
        return ()
    if (total := total_number(q_total)) is not None:
        return (pl.lit(total),)
    if isinstance(q_total, pl.Series):
        return (pl.lit(q_total.item(), dtype=q_total.dtype) if len(q_total) == 1 else pl.lit(q_total),)
    if isinstance(q_total, str) and is_series:
        raise TypeError(f"a Series has no columns, and so no {q_total!r}: pass `q_total` as a number or a Series")
    if (expr := _expression(q_total, is_series=is_series)) is not None:
        return (expr,)
    raise TypeError(
        "`q_total` must be a number, a column name, an expression or a Series, "
        f"not {type(q_total).__name__} {q_total!r}"
    )


def total_number(q_total: Any) -> float | None:
    """A total that is one number, `None` if it is something else."""
    if not is_number(q_total) or isinstance(q_total, bool):
        return None
    total = as_float(q_total)
    if not 0 < total < math.inf:
        raise ValueError(f"`q_total` must be positive and finite, not {q_total!r}")
    return total


def _row_wise(q: object, one_row: Callable[[object], pl.Series], *, is_series: bool) -> Reference:
    if isinstance(q, pl.Series) and len(q) != 1:
        return Reference((pl.lit(q),))
    if (expr := _expression(q, is_series=is_series)) is not None:
        return Reference((expr,))
    row = q if isinstance(q, pl.Series) else one_row(q)
    if (constant := _constant(row)) is not None:
        return Reference(row=constant)
    # A cell with a null vector, or no row of numbers, for which the plugin has the error message. A literal Series
    # alone is no scalar to a group.
    return Reference((pl.lit(row).first(),), is_one_row=True)


def _expression(q: object, *, is_series: bool) -> pl.Expr | None:
    """The expression that `q` is or names, `None` if it is neither."""
    if isinstance(q, str):
        if is_series:
            raise TypeError(f"a Series has no columns, and so no {q!r}: pass q as a Series or a sequence of numbers")
        return pl.col(q)
    return q if isinstance(q, pl.Expr) else None


def _constant(row: pl.Series) -> dict[str, Any] | None:
    """One row of numbers as plain values. `None` if it isn't one, is null, or holds a null vector."""
    dtype = row.dtype
    widths: list[int] = list(dtype.shape) if isinstance(dtype, pl.Array) else []
    while isinstance(dtype, pl.Array):
        dtype = dtype.inner  # type: ignore[assignment]
    if isinstance(dtype, pl.List) and not widths:
        dtype, widths = dtype.inner, [row.list.len().item()]  # type: ignore[assignment]
    if not widths or 0 in widths or not (dtype.is_numeric() or dtype == pl.Boolean):
        return None
    leaf = row
    for _ in widths:
        # `explode` would make a vector of nulls of a null vector.
        if leaf.null_count():
            return None
        leaf = leaf.explode()
    return {"name": row.name, "shape": widths, **_plain("values", leaf)}


def _plain(name: str, numbers: pl.Series) -> dict[str, Any]:
    """Numbers as plain values, under a name, and whether they ask for single precision only."""
    single = numbers.dtype in {pl.Float32, getattr(pl, "Float16", pl.Float32)}
    return {name: numbers.cast(pl.Float64).to_list(), "single": single}


def is_arrow(q: object) -> bool:
    """Whether `q` is an Arrow array or a stream of them, by the PyCapsule interface."""
    return hasattr(q, "__arrow_c_array__") or hasattr(q, "__arrow_c_stream__")


def is_number(q: object) -> bool:
    """Whether `q` is one Python or NumPy number."""
    return isinstance(q, (Real, Decimal))


def number(q: Any) -> float:
    """A number as a float."""
    try:
        return float(q)
    except OverflowError:
        raise ValueError(f"q must fit a float, not {q!r}") from None


def vector(q: object) -> pl.Series:
    """The numbers of one distribution, or of a column."""
    values = _values(q)
    if isinstance(values, pl.Series):
        if values.dtype.is_nested():
            raise TypeError(
                f"q must be one-dimensional, not an array of shape {_shape_of(values)}; for one distribution per row "
                "pass a Series"
            )
        return values
    return pl.Series([_element(value) for value in values], dtype=pl.Float64)


def _cell(q: object) -> pl.Series:
    """One cell, of one dimension or more, as a column of one row."""
    values = _values(q)
    if isinstance(values, pl.Series):
        shape, leaf = _shape_of(values), values
        while leaf.dtype.is_nested():
            leaf = leaf.explode()
        dtype: pl.DataType = leaf.dtype
    else:
        shape, numbers = _flatten(values)
        leaf, dtype = pl.Series(numbers, dtype=pl.Float64), pl.Float64()
    for width in reversed(shape):
        dtype = pl.Array(dtype, width)
    if 0 in shape:
        return pl.Series([_nest_empty(shape)], dtype=dtype)
    return leaf.reshape((1, *shape)).cast(dtype)


def _values(q: object) -> Sequence[Any] | pl.Series:
    """The values as a sequence, or as a Series that keeps an array's dtype."""
    message = (
        "q must be a column name, an expression, a Series, a sequence of numbers or a NumPy array, "
        f"not {type(q).__name__} {q!r}"
    )
    if isinstance(q, Sequence) and not isinstance(q, (str, bytes, bytearray)):
        return q
    if not hasattr(q, "__array__"):
        raise TypeError(message)
    import numpy as np

    array = q if isinstance(q, np.ndarray) else np.asarray(q)
    if array.ndim == 0 or array.dtype.kind not in "biufO":
        raise TypeError(message)
    if array.dtype.kind == "O" or isinstance(array, np.ma.MaskedArray):
        # A masked element is a missing one, and `tolist` makes it None.
        values: list[Any] = array.tolist()
        return values
    return pl.Series(array)


def _element(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"q must hold numbers, not {value!r}; for one distribution per row pass a Series of lists")
    return number(value)


def _shape_of(array: pl.Series) -> tuple[int, ...]:
    own = array.dtype.shape if isinstance(array.dtype, pl.Array) else ()
    return (len(array), *own)


def _flatten(values: Sequence[Any]) -> tuple[tuple[int, ...], list[float | None]]:
    """The shape and the numbers of nested sequences."""
    if not values or not isinstance(values[0], Sequence) or isinstance(values[0], (str, bytes)):
        return (len(values),), [_element(value) for value in values]
    parts = [_flatten(value) for value in values if isinstance(value, Sequence)]
    if len(parts) < len(values) or len({shape for shape, _ in parts}) > 1:
        raise ValueError("q must be rectangular: its rows differ in shape")
    return (len(values), *parts[0][0]), [value for _, values_of_part in parts for value in values_of_part]


def _nest_empty(shape: tuple[int, ...]) -> list[Any]:
    return [_nest_empty(shape[1:]) for _ in range(shape[0])] if shape else []
