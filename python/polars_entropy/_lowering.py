"""The one place that decides which Polars expressions a method becomes.

| form | lowering |
| --- | --- |
| rows of List and Array columns | one elementwise call of the plugin |
| columns, groups, windows | native sums and a maximum over elementwise summands, and an elementwise finish |
| axes of Array columns with axis 0 among them | implode, and one elementwise call for each column or group |

Elementwise calls stay in the streaming engine, and in its native group-by.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.plugins import register_plugin_function

from polars_entropy import _arguments as arguments

if TYPE_CHECKING:
    from polars_entropy._arguments import Axis, NanPolicy

_LIBRARY = Path(__file__).parent


def _call(function: str, *inputs: pl.Expr, whole_column: bool = False, **kwargs: Any) -> pl.Expr:
    return register_plugin_function(
        plugin_path=_LIBRARY,
        function_name=function,
        args=inputs,
        kwargs=kwargs,
        is_elementwise=not whole_column,
        changes_length=whole_column,
    )


def entr(x: pl.Expr) -> pl.Expr:
    return _call("entr", x, weak_q=False)


def rel_entr(x: pl.Expr, y: object, *, names: bool) -> pl.Expr:
    y_expr, weak_q = _flat(y, names=names)
    return _call("rel_entr", x, y_expr, weak_q=weak_q)


def entropy(x: pl.Expr, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    base, nan_policy = arguments.check_base(base), arguments.check_nan_policy(nan_policy)

    def summand(part: str) -> pl.Expr:
        return _call("entropy_summand", x, part=part, nan_policy=nan_policy, weak_q=False)

    return _call("entropy_of_sums", summand("mass_p").sum(), summand("term").sum(), summand("rank").max(), base=base)


def kl_div(p: pl.Expr, q: object, *, base: float | None, nan_policy: NanPolicy, names: bool) -> pl.Expr:
    base, nan_policy = arguments.check_base(base), arguments.check_nan_policy(nan_policy)
    q_expr, weak_q = _flat(q, names=names)

    def summand(part: str) -> pl.Expr:
        return _call("kl_div_summand", p, q_expr, part=part, nan_policy=nan_policy, weak_q=weak_q)

    sums = [summand(part).sum() for part in ("mass_p", "mass_q", "term")]
    return _call("kl_div_of_sums", *sums, summand("rank").max(), base=base)


def _flat(q: object, *, names: bool) -> tuple[pl.Expr, bool]:
    """q of flat columns, and whether it is a Python number, which has no precision of its own."""
    if (column := arguments.column(q, names=names)) is not None:
        return column, False
    if arguments.is_number(q):
        return pl.lit(arguments.number(q)), True
    return pl.lit(arguments.vector(q)), False


def list_entropy(x: pl.Expr, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    base, nan_policy = arguments.check_base(base), arguments.check_nan_policy(nan_policy)
    return _call("list_entropy", x, base=base, nan_policy=nan_policy)


def list_kl_div(p: pl.Expr, q: object, *, base: float | None, nan_policy: NanPolicy, names: bool) -> pl.Expr:
    base, nan_policy = arguments.check_base(base), arguments.check_nan_policy(nan_policy)
    q_expr = arguments.column(q, names=names)
    if q_expr is None:
        q_expr = pl.lit(pl.Series([arguments.vector(q)]))
    return _call("list_kl_div", p, q_expr, base=base, nan_policy=nan_policy)


def arr_entropy(
    x: pl.Expr, *, axis: Axis, keepdims: bool, base: float | None, nan_policy: NanPolicy, ndim: int | None
) -> pl.Expr:
    return _along_axes("arr_entropy", [x], axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy, ndim=ndim)


def arr_kl_div(
    p: pl.Expr,
    q: object,
    *,
    axis: Axis,
    keepdims: bool,
    base: float | None,
    nan_policy: NanPolicy,
    names: bool,
    ndim: int | None,
) -> pl.Expr:
    column = arguments.column(q, names=names)
    fixed = [] if column is not None else [pl.lit(arguments.cell(q))]
    columns = [p] if column is None else [p, column]
    return _along_axes(
        "arr_kl_div", columns, *fixed, axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy, ndim=ndim
    )


def _along_axes(
    function: str,
    columns: list[pl.Expr],
    *fixed: pl.Expr,
    axis: Axis,
    keepdims: bool,
    base: float | None,
    nan_policy: NanPolicy,
    ndim: int | None,
) -> pl.Expr:
    """A call for columns, and one fixed cell perhaps, of which axis 0 runs down the column."""
    axes = arguments.check_axis(axis)
    kwargs = {
        "axis": axes,
        "keepdims": arguments.check_keepdims(keepdims),
        "base": arguments.check_base(base),
        "nan_policy": arguments.check_nan_policy(nan_policy),
    }
    if axes is not None and ndim is not None:
        axes = [a + ndim if a < 0 else a for a in axes]
    if axes is None or 0 in axes:
        return _call(function, *(column.implode() for column in columns), *fixed, span="group", **kwargs)
    if min(axes) >= -1:
        return _call(function, *columns, *fixed, span="row", **kwargs)
    # Counted from the back, whether -2 is an axis of the cell or the column itself depends on the dtype.
    return _call(function, *columns, *fixed, whole_column=True, span="column", **kwargs)
