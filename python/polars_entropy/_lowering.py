"""The one place that decides which Polars expressions a method becomes.

| form | lowering |
| --- | --- |
| rows of List and Array columns | one elementwise call of the plugin |
| columns, groups, windows | native sums (and a maximum, under `raise`) of elementwise summands, and a finish |
| axes of Array columns with axis 0 among them | implode, and one elementwise call for each column or group |
| states of columns and groups; of rows | as their values |
| merges of states, which are few | implode, and one elementwise call |

Elementwise calls stay in the streaming engine, and in its native group-by.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
from polars.plugins import register_plugin_function

from polars_entropy import _arguments as arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from polars_entropy._arguments import Axis, NanPolicy

_LIBRARY = Path(__file__).parent

_POLARS = tuple(int(part) for part in pl.__version__.split(".")[:2])

# Before 2.1 a slice of an Array column with nulls, such as a morsel of it, arrives with its offset applied twice
# (pola-rs/polars#28583), which panics.
_SLICED_ARRAYS_ARRIVE = _POLARS >= (2, 1)

# Arguments are left out where they are as usual. But no arguments at all are no pickle, and so none that can be read.
_USUAL = {"weak_q": False}


def _whole(cells: pl.Expr) -> pl.Expr:
    """The same cells, in memory of their own where a slice would not arrive."""
    if _SLICED_ARRAYS_ARRIVE or not cells.meta.is_column():
        return cells
    return pl.when(cells.is_null()).then(None).otherwise(cells).alias(cells.meta.output_name())


def _call(
    function: str, *inputs: pl.Expr, elementwise: bool = True, changes_length: bool = False, **kwargs: Any
) -> pl.Expr:
    return register_plugin_function(
        plugin_path=_LIBRARY,
        function_name=function,
        args=inputs,
        kwargs=kwargs,
        is_elementwise=elementwise,
        changes_length=changes_length,
    )


def entr(x: pl.Expr) -> pl.Expr:
    return _call("entr", x, **_USUAL)


def rel_entr(x: pl.Expr, y: object, *, names: bool) -> pl.Expr:
    y_expr, how = _flat(y, names=names)
    return _call("rel_entr", x, y_expr, **{**_USUAL, **how})


def entropy(x: pl.Expr, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    return _call("entropy_of_sums", *_entropy_sums(x, nan_policy), base=arguments.check_base(base))


def entropy_state(x: pl.Expr, *, nan_policy: NanPolicy) -> pl.Expr:
    return _call("entropy_state_of_sums", *_entropy_sums(x, nan_policy))


def _entropy_sums(x: pl.Expr, nan_policy: NanPolicy) -> list[pl.Expr]:
    return _sums("entropy", [([x], "mass_p"), ([x], "term")], {}, nan_policy)


def kl_div(p: pl.Expr, q: object, *, base: float | None, nan_policy: NanPolicy, names: bool) -> pl.Expr:
    base = arguments.check_base(base)
    return _call("kl_div_of_sums", *_kl_div_sums(p, q, "term", nan_policy=nan_policy, names=names), base=base)


def kl_div_state(p: pl.Expr, q: object, *, nan_policy: NanPolicy, names: bool) -> pl.Expr:
    terms = "near", "far", "term_apart"
    return _call("kl_div_state_of_sums", *_kl_div_sums(p, q, *terms, nan_policy=nan_policy, names=names))


def _kl_div_sums(p: pl.Expr, q: object, *terms: str, nan_policy: NanPolicy, names: bool) -> list[pl.Expr]:
    q_expr, how = _flat(q, names=names)
    pair = [p, q_expr]
    # With q first, so that the sum goes by its name, which messages need. A sequence has none.
    mass_q = ([q_expr, p], "mass_p") if "sequence" not in how else (pair, "mass_q")
    return _sums("kl_div", [(pair, "mass_p"), mass_q, *((pair, term) for term in terms)], how, nan_policy)


def _sums(
    quantity: str, parts: list[tuple[list[pl.Expr], str]], how: dict[str, Any], nan_policy: NanPolicy
) -> list[pl.Expr]:
    """Native sums of both halves of each part, and under `raise` what a group is missing."""
    nan_policy = arguments.check_nan_policy(nan_policy)
    # Arguments are parsed for every morsel, so those that are as usual are left out.
    summing = dict(how)
    if nan_policy != "propagate":
        summing["nan_policy"] = nan_policy
    sums = [
        _call(f"{quantity}_summand", *inputs, part=part, **half, **summing).sum()
        for inputs, part in parts
        for half in ({}, {"low": True})
    ]
    if nan_policy == "raise":
        sums.append(_call("missing", *parts[0][0], **{**_USUAL, **how}).max())
    return sums


def merge(states: pl.Expr, quantity: str, *, base: float | None) -> pl.Expr:
    return _call(f"{quantity}_merge", states.implode(), base=arguments.check_base(base))


def merge_state(states: pl.Expr, quantity: str) -> pl.Expr:
    return _call(f"{quantity}_merge_state", states.implode())


def _flat(q: object, *, names: bool) -> tuple[pl.Expr, dict[str, Any]]:
    """The expression of a flat `q`, and how to call the plugin with it, where that is out of the ordinary."""
    if (expression := arguments.expression(q, names=names)) is not None:
        return expression, {}
    if arguments.is_number(q):
        # A Python number has no precision of its own.
        return pl.lit(arguments.number(q)), {"weak_q": True}
    if isinstance(q, pl.Series) and len(q) == 1:
        # A scalar literal is not repeated; a Series of one row would be.
        return pl.lit(q.item(), dtype=q.dtype).alias(q.name), {}
    values = q if isinstance(q, pl.Series) else arguments.vector(q)
    # A column of its own length goes with a whole column, never with a group. The plugin has to see the call to say so,
    # and so that a morsel doesn't meet the whole of q; a Series by itself is one piece in any case.
    return pl.lit(values), {"sequence": "of_frame" if names else "of_series", "elementwise": not names}


def list_entropy(x: pl.Expr, *, base: float | None, nan_policy: NanPolicy) -> pl.Expr:
    base, nan_policy = arguments.check_base(base), arguments.check_nan_policy(nan_policy)
    return _call("list_entropy", x, base=base, nan_policy=nan_policy, fixed=None)


def list_kl_div(p: pl.Expr, q: object, *, base: float | None, nan_policy: NanPolicy, names: bool) -> pl.Expr:
    base, nan_policy = arguments.check_base(base), arguments.check_nan_policy(nan_policy)
    columns, rows, fixed = _second(q, lambda: pl.Series([arguments.vector(q)]), names=names)
    return _call("list_kl_div", p, *columns, *rows, base=base, nan_policy=nan_policy, fixed=fixed)


def list_entropy_state(x: pl.Expr, *, nan_policy: NanPolicy) -> pl.Expr:
    nan_policy = arguments.check_nan_policy(nan_policy)
    return _call("list_entropy_state", x, base=None, nan_policy=nan_policy, fixed=None)


def list_kl_div_state(p: pl.Expr, q: object, *, nan_policy: NanPolicy, names: bool) -> pl.Expr:
    nan_policy = arguments.check_nan_policy(nan_policy)
    columns, rows, fixed = _second(q, lambda: pl.Series([arguments.vector(q)]), names=names)
    return _call("list_kl_div_state", p, *columns, *rows, base=None, nan_policy=nan_policy, fixed=fixed)


class _Second(NamedTuple):
    """Q as it goes into a call: as a column of rows, as one row for all of p, or as the values of such a row."""

    columns: list[pl.Expr]
    rows: list[pl.Expr]
    fixed: dict[str, Any] | None


def _second(q: object, row: Callable[[], pl.Series], *, names: bool) -> _Second:
    """Q, of which `row` makes one row where it is no Series."""
    if isinstance(q, pl.Series) and len(q) != 1:
        return _Second([pl.lit(q)], [], None)
    if (column := arguments.expression(q, names=names)) is not None:
        return _Second([column], [], None)
    series = q if isinstance(q, pl.Series) else row()
    if (constant := arguments.constant(series)) is not None:
        return _Second([], [], constant)
    # Not one of numbers: the plugin says what it makes of that.
    return _Second([], [arguments.fixed(series)], None)


def arr_entropy(
    x: pl.Expr, *, axis: Axis, keepdims: bool, base: float | None, nan_policy: NanPolicy, ndim: int | None
) -> pl.Expr:
    return _along_axes(
        "arr_entropy", [x], [], None, axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy, ndim=ndim
    )


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
    columns, rows, fixed = _second(q, lambda: arguments.cell(q), names=names)
    return _along_axes(
        "arr_kl_div",
        [p, *columns],
        rows,
        fixed,
        axis=axis,
        keepdims=keepdims,
        base=base,
        nan_policy=nan_policy,
        ndim=ndim,
    )


def _along_axes(
    function: str,
    columns: list[pl.Expr],
    rows: list[pl.Expr],
    fixed: dict[str, Any] | None,
    *,
    axis: Axis,
    keepdims: bool,
    base: float | None,
    nan_policy: NanPolicy,
    ndim: int | None,
) -> pl.Expr:
    """A call for columns, of which axis 0 runs down the column, and one cell perhaps that goes with all of theirs."""
    columns = [_whole(column) for column in columns]
    axes = arguments.check_axis(axis)
    kwargs: dict[str, Any] = {
        "axis": axes,
        "keepdims": arguments.check_keepdims(keepdims),
        "base": arguments.check_base(base),
        "nan_policy": arguments.check_nan_policy(nan_policy),
        "fixed": fixed,
    }
    if axes is not None and ndim is not None:
        axes = [a + ndim if a < 0 else a for a in axes]
    if axes is None or 0 in axes:
        return _call(function, *(column.implode() for column in columns), *rows, span="group", **kwargs)
    if min(axes) >= -1:
        return _call(function, *columns, *rows, span="row", **kwargs)
    # Counted from the back, whether -2 is an axis of the cell or the column itself depends on the dtype.
    return _call(function, *columns, *rows, elementwise=False, changes_length=True, span="column", **kwargs)
