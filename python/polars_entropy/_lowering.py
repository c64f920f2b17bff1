"""Lowering: the one place that decides which Polars expressions a method becomes, by the shape of its input.

| shape | lowering |
| --- | --- |
| rows of List columns, axes of Array columns within the cell | one elementwise call of the plugin |
| columns, groups, windows | native sums of elementwise summands (and a maximum, under `raise`), then a finish |
| … of a quantity without native sums | ordered implode of both sides, then the call for rows |
| axes of Array columns with axis 0 among them | implode, then one elementwise call for each column or group |
| states of rows; of columns and groups | as their values |
| merges of states | implode, then one elementwise call |
| rows of keys and weights | one elementwise call |
| observed values of rows, characters | one elementwise call |
| … of columns, groups, windows | elementwise keys, unordered implode, then one elementwise call on the rows of keys |
| pairs of observed values | as those, of the keys of each side that the quantity asks for |

Elementwise calls stay in the streaming engine, and in its native group-by. So does an unordered implode, from Polars
1.39 on.

The plugin knows the quantities by name, and `_lib.QUANTITIES` says what each can do. No quantity is named here. The way
of a value through the whole is drawn in `docs/explanation/architecture.md`.
"""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.plugins import register_plugin_function

from polars_entropy import _lib
from polars_entropy import _reference as reference
from polars_entropy._arguments import (
    check_axis,
    check_base,
    check_estimator,
    check_keepdims,
    check_nan_policy,
    check_pseudo_count,
)
from polars_entropy._reference import ABSENT, Reference

if TYPE_CHECKING:
    from polars_entropy._arguments import Axis, Estimator, NanPolicy

_LIBRARY = Path(__file__).parent

_POLARS = tuple(int(part) for part in pl.__version__.split(".")[:2])

# Before 2.1 a slice of an Array column with nulls, such as a morsel of it, arrives with its offset applied twice
# (pola-rs/polars#28583), which panics.
_SLICED_ARRAYS_ARRIVE = _POLARS >= (2, 1)


# Before there was a choice, `implode` kept the order.
_UNORDERED: dict[str, Any] = (
    {"maintain_order": False} if "maintain_order" in inspect.signature(pl.Expr.implode).parameters else {}
)


def _able(quantity: str) -> _lib.Quantity:
    """What a quantity or an estimator can do."""
    return _lib.QUANTITIES.get(quantity) or _lib.ESTIMATORS[quantity]


def by(quantity: str, estimator: Estimator) -> str:
    """The name that an estimator of a quantity has among the quantities."""
    estimator = check_estimator(estimator)
    return quantity if estimator == "plugin" else f'{quantity}(estimator="{estimator}")'


# Columns, groups and windows.


def column(quantity: str, p: pl.Expr, q: Reference = ABSENT, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    """Value of a column, group or window."""
    columns = _able(quantity).sums
    if columns is None:
        return _row_call("rows", quantity, *_gathered(quantity, p, q), base=base, nan_policy=nan_policy, gathered=True)
    options = {"base": check_base(base), **q.totals_kwargs}
    return _from_sums("of_sums", quantity, columns, p, q, nan_policy=nan_policy, **options)


def column_state(quantity: str, p: pl.Expr, q: Reference = ABSENT, *, nan_policy: NanPolicy) -> pl.Expr:
    """State of a column, group or window."""
    columns = _state_columns(quantity)
    return _from_sums("state_of_sums", quantity, columns, p, q, nan_policy=nan_policy, of_state=True)


def _from_sums(
    export: str,
    quantity: str,
    columns: list[str],
    p: pl.Expr,
    q: Reference,
    *,
    nan_policy: NanPolicy,
    of_state: bool = False,
    **kwargs: Any,
) -> pl.Expr:
    """Call on native sums of the columns, and under `raise` on the position of a missing element."""
    nan_policy = check_nan_policy(nan_policy)
    # Arguments are unpickled for each column of each batch, so there are few. Usual values are left out.
    how = q.kwargs if nan_policy == "propagate" else {"nan_policy": nan_policy, **q.kwargs}
    method = f"{quantity}_state" if of_state else quantity
    sums = [_call("summand", p, *q.inputs, column=f"{method}.{name}", **how).sum() for name in columns]
    if nan_policy == "raise":
        sums.append(_call("missing", p, *q.inputs, quantity=quantity, **q.kwargs).max())
        if q.name:
            kwargs["q_name"] = q.name
    return _call(export, *sums, *q.totals, quantity=quantity, **kwargs)


def _gathered(quantity: str, p: pl.Expr, q: Reference) -> tuple[pl.Expr, Reference]:
    """Both sides of each column, group or window as a row, in the same order."""
    inputs = q.inputs
    if q.number is not None:
        # The scale of a uniform q is of no matter. Its mantissa fits Float32, which leaves the result p's precision.
        inputs = (pl.lit(math.frexp(q.number)[0], dtype=pl.Float32).alias(""),)
    if all(side.meta.is_column() for side in (p, *inputs)):
        # Columns of one frame make pairs.
        p, *others = (side.implode() for side in (p, *inputs))
        return p, Reference(tuple(others), totals=q.totals)
    # `missing` has a number for each pair. As a condition it repeats a scalar to the length of the other side, and
    # refuses inputs that make no pairs. It also checks dtypes, but Polars resolves no conditions when it resolves a
    # plan. So it is the other branch, too, which is never taken and whose dtype is no one's supertype.
    located = _call("missing", p, *q.inputs, quantity=quantity, **q.kwargs)
    pair, none = located.is_not_null(), located.cast(pl.Null, strict=False)
    p, *others = (pl.when(pair).then(side).otherwise(none).implode() for side in (p, *inputs))
    return p, Reference(tuple(others), totals=q.totals)


def _state_columns(quantity: str) -> list[str]:
    columns = _able(quantity).state_sums
    if columns is None:
        raise ValueError(
            f"{quantity} has no state: its value for a whole does not follow from values of the parts. Keep the "
            f"weights, or rows of them, and write `{quantity}` where all of them are together"
        )
    return columns


# Rows of List columns.


def rows(quantity: str, p: pl.Expr, q: Reference = ABSENT, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    """Value of each row."""
    return _row_call("rows", quantity, p, q, base=base, nan_policy=nan_policy)


def rows_state(quantity: str, p: pl.Expr, q: Reference = ABSENT, *, nan_policy: NanPolicy) -> pl.Expr:
    """State of each row."""
    _state_columns(quantity)
    return _row_call("rows_state", quantity, p, q, base=None, nan_policy=nan_policy)


def _row_call(
    export: str,
    quantity: str,
    p: pl.Expr,
    q: Reference,
    *,
    base: float | None,
    nan_policy: NanPolicy,
    **how: bool,
) -> pl.Expr:
    options: dict[str, Any] = {"base": check_base(base), "nan_policy": check_nan_policy(nan_policy), "fixed": q.row}
    return _call(export, p, *q.inputs, *q.totals, quantity=quantity, **options, **how, **q.totals_kwargs)


# Axes of Array columns.


def axes(
    quantity: str,
    p: pl.Expr,
    q: Reference = ABSENT,
    *,
    axis: Axis,
    keepdims: bool,
    base: float | None,
    nan_policy: NanPolicy,
    ndim: int | None = None,
) -> pl.Expr:
    """Values along axes of the column, of which axis 0 runs down the column; `ndim` is their number, where known."""
    reduced = check_axis(axis)
    kwargs: dict[str, Any] = {
        "quantity": quantity,
        "axis": reduced,
        "keepdims": check_keepdims(keepdims),
        "base": check_base(base),
        "nan_policy": check_nan_policy(nan_policy),
        "fixed": q.row,
    }
    totals = q.totals
    p, *others = (_whole(cells) for cells in (p, *q.inputs))
    if reduced is not None and ndim is not None:
        reduced = [a + ndim if a < 0 else a for a in reduced]
    if reduced is None or 0 in reduced:
        if not q.is_one_row:
            others = [cells.implode() for cells in others]
        totals = reference.one_total(totals)
        return _call("axes", p.implode(), *others, *totals, span="group", q_totals=len(totals), **kwargs)
    kwargs.update(q.totals_kwargs)
    if min(reduced) >= -1:
        return _call("axes", p, *others, *totals, span="row", **kwargs)
    # Counted from the back, whether -2 is an axis of the cell or the column itself depends on the dtype.
    return _call("axes", p, *others, *totals, elementwise=False, changes_length=True, span="column", **kwargs)


def _whole(cells: pl.Expr) -> pl.Expr:
    """The same cells, in memory of their own where a slice would not arrive."""
    if _SLICED_ARRAYS_ARRIVE or not cells.meta.is_column():
        return cells
    return pl.when(cells.is_null()).then(None).otherwise(cells).alias(cells.meta.output_name())


# Observed values.


def values(quantity: str, x: pl.Expr, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    """Value of how often each value occurs in a column, group or window."""
    policy = check_nan_policy(nan_policy)
    keys = _call("keys", _numbered(_whole(x)), method=quantity, nan_policy=policy)
    rows = keys.implode(**_UNORDERED)
    return _once_a_group(_key_rows(quantity, rows, base=base, nan_policy=policy, gathered=True))


def rows_of_values(quantity: str, x: pl.Expr, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    """Value of how often each value occurs in a row."""
    return _key_rows(quantity, _numbered(x), base=base, nan_policy=nan_policy)


def _numbered(x: pl.Expr) -> pl.Expr:
    """The same values, and categories by their numbers, since Polars hands each of their texts to a plugin."""
    return x.to_physical()


def _key_rows(quantity: str, rows: pl.Expr, *, base: float | None, nan_policy: NanPolicy, **how: bool) -> pl.Expr:
    options: dict[str, Any] = {"base": check_base(base), "nan_policy": check_nan_policy(nan_policy)}
    return _call("key_rows", rows, quantity=quantity, **options, **how)


def _once_a_group(value: pl.Expr) -> pl.Expr:
    """The same value, which is computed before it is repeated to the rows of a window.

    Otherwise the streaming engine computes a window by its group-by, joins the list of each group to all rows of it,
    and calls the plugin on those. An aggregate of a literal keeps it from that, and is a constant in a group-by. As an
    input of the call it would have the in-memory engine call the plugin for each group.
    """
    # Without `otherwise` it is a `Then`, which Polars 1 cannot unpickle.
    return pl.when(pl.lit(pl.Series([True])).first()).then(value).otherwise(None)


def pairs(quantity: str, x: pl.Expr, y: Reference, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    """Value of pairs of observed values of a column, group or window."""
    policy = check_nan_policy(nan_policy)
    # The order of the pairs is of no matter to any side, so that unordered implodes don't part what belongs together.
    x, *others = (_numbered(_whole(side)) for side in (x, *y.inputs))
    sides = [
        _call("keys", x, *others, method=quantity, side=side, nan_policy=policy, **y.kwargs).implode(**_UNORDERED)
        for side in _lib.OF_PAIRS[quantity]
    ]
    return _once_a_group(_call("key_pairs", *sides, pairs=quantity, base=check_base(base), nan_policy=policy))


def characters(quantity: str, x: pl.Expr, *, base: float | None, are_bytes: bool) -> pl.Expr:
    """Value of how often each character of a text occurs, or each byte of a row."""
    return _call("characters", x, quantity=quantity, base=check_base(base), bytes=are_bytes)


# Rows of keys and weights.


def maps(
    quantity: str,
    p: pl.Expr,
    q: Reference = ABSENT,
    *,
    base: float | None,
    nan_policy: NanPolicy,
    pseudo_count: float = 0.0,
) -> pl.Expr:
    """Value of each row of keys and weights."""
    options: dict[str, Any] = {"base": check_base(base), "nan_policy": check_nan_policy(nan_policy), "fixed": q.row}
    count = check_pseudo_count(pseudo_count)
    return _call("map_rows", p, *q.inputs, quantity=quantity, pseudo_count=count, **options)


# Elements.


def element(function: str, x: pl.Expr, y: Reference = ABSENT) -> pl.Expr:
    """Function of each element."""
    return _call("element", x, *y.inputs, function=function, **y.kwargs)


# States.


def merge(states: pl.Expr, totals: tuple[pl.Expr, ...] = (), *, base: float | None) -> pl.Expr:
    """Value of the whole from the states of its parts, and perhaps the total of q."""
    return _call("merge", states.implode(), *totals, base=check_base(base), q_totals=len(totals))


def merge_state(states: pl.Expr) -> pl.Expr:
    """State of the whole from those of its parts."""
    return _call("merge_state", states.implode())


def _call(
    export: str, /, *inputs: pl.Expr, elementwise: bool = True, changes_length: bool = False, **kwargs: Any
) -> pl.Expr:
    """Call of one of the plugin's exports."""
    return register_plugin_function(
        plugin_path=_LIBRARY,
        function_name=export,
        args=inputs,
        kwargs=kwargs,
        is_elementwise=elementwise,
        changes_length=changes_length,
    )
