"""What the methods take, checked when the expression is built. What depends on dtypes is checked in Rust."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, Literal, Protocol, TypeAlias, get_args

import polars as pl

NanPolicy: TypeAlias = Literal["propagate", "omit", "raise"]
Axis: TypeAlias = int | tuple[int, ...] | None


class SupportsArray(Protocol):
    """A NumPy array, or what NumPy makes one of."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


Column: TypeAlias = str | pl.Expr | pl.Series
"""A column name, an expression or a Series."""
Vector: TypeAlias = Sequence[float | None] | SupportsArray
"""One distribution."""
Cell: TypeAlias = Sequence[Any] | SupportsArray
"""One cell of an Array column."""


def check_base(base: float | None) -> float | None:
    """The base as a float, `None` for nats."""
    if base is None:
        return None
    if not isinstance(base, (Real, Decimal)):
        raise TypeError(f"`base` must be a number or None, not {base!r}")
    try:
        number = float(base)
    except OverflowError:
        number = math.inf
    if not 0 < number < math.inf or number == 1:
        raise ValueError(f"`base` must be a positive finite number other than 1, or None for nats, not {base!r}")
    return number


def check_nan_policy(nan_policy: NanPolicy) -> NanPolicy:
    """The policy, if it is one, as a plain string, which a NumPy string or a member of an Enum is not."""
    policies: tuple[NanPolicy, ...] = get_args(NanPolicy)
    if not isinstance(nan_policy, str) or nan_policy not in policies:
        raise ValueError(f"`nan_policy` must be one of {', '.join(policies)}, not {nan_policy!r}")
    return policies[policies.index(nan_policy)]


def check_axis(axis: Axis) -> list[int] | None:
    """The axes as a list, `None` for all of them."""
    if axis is None:
        return None
    axes = [_index(a, axis) for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if not axes:
        raise ValueError("`axis` must name at least one axis; None takes all of them")
    if len(set(axes)) < len(axes):
        raise ValueError(f"`axis` must not name an axis twice, as {axis!r} does")
    return axes


def _index(axis: Any, whole: Any) -> int:
    message = f"`axis` must be an integer, a tuple of integers or None, not {whole!r}"
    if isinstance(axis, bool):
        raise TypeError(message)
    try:
        index = operator.index(axis)
    except TypeError:
        raise TypeError(message) from None
    if abs(index) >= 2**63:
        raise ValueError(f"`axis` must be an axis of the column, not {axis!r}")
    return index


def check_keepdims(keepdims: bool) -> bool:  # noqa: FBT001
    """The flag, if it is one."""
    if not isinstance(keepdims, bool):
        raise TypeError(f"`keepdims` must be True or False, not {keepdims!r}")
    return keepdims


def expression(q: object, *, names: bool) -> pl.Expr | None:
    """The expression of a name or an expression, `None` if `q` is neither; a name means nothing without a frame."""
    if isinstance(q, str):
        if not names:
            raise TypeError(f"a Series has no columns, and so no {q!r}: pass q as a Series or a sequence of numbers")
        return pl.col(q)
    if isinstance(q, pl.Expr):
        return q
    return None


def fixed(row: pl.Series) -> pl.Expr:
    """One row that goes with any number of them; a literal Series alone is no scalar to a group."""
    return pl.lit(row).first()


def constant(row: pl.Series) -> dict[str, Any] | None:
    """One row of numbers as plain values, which is no input and so never repeated; `None` if it isn't one."""
    dtype = row.dtype
    widths: list[int] = list(dtype.shape) if isinstance(dtype, pl.Array) else []
    while isinstance(dtype, pl.Array):
        dtype = dtype.inner  # type: ignore[assignment]
    if isinstance(dtype, pl.List) and not widths:
        dtype, widths = dtype.inner, [row.list.len().item()]  # type: ignore[assignment]
    if row.null_count() or not widths or 0 in widths or not (dtype.is_numeric() or dtype == pl.Boolean):
        return None
    leaf = row
    for _ in widths:
        leaf = leaf.explode()
    single = dtype in {pl.Float32, getattr(pl, "Float16", pl.Float32)}
    return {"name": row.name, "values": leaf.cast(pl.Float64).to_list(), "shape": widths, "single": single}


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


def cell(q: object) -> pl.Series:
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
    return (len(values), *parts[0][0]), [number for _, numbers in parts for number in numbers]


def _nest_empty(shape: tuple[int, ...]) -> list[Any]:
    return [_nest_empty(shape[1:]) for _ in range(shape[0])] if shape else []
