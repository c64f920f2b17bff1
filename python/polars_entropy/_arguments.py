"""Checks of arguments that depend on no data, when an expression is built. Dtypes are checked in Rust."""

from __future__ import annotations

import math
import operator
from decimal import Decimal
from numbers import Real
from typing import Any, Literal, TypeAlias, TypeVar, get_args

NanPolicy: TypeAlias = Literal["propagate", "omit", "raise"]
Estimator: TypeAlias = Literal["plugin", "miller_madow", "chao_shen"]
Name = TypeVar("Name", bound=str)
Axis: TypeAlias = int | tuple[int, ...] | None


def as_float(number: Any) -> float:
    """A number as a float, infinity if it does not fit."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def check_base(base: float | None) -> float | None:
    """The base as a float, `None` for nats."""
    if base is None:
        return None
    if not isinstance(base, (Real, Decimal)):
        raise TypeError(f"`base` must be a number or None, not {base!r}")
    number = as_float(base)
    if not 0 < number < math.inf or number == 1:
        raise ValueError(f"`base` must be a positive finite number other than 1, or None for nats, not {base!r}")
    return number


def check_nan_policy(nan_policy: NanPolicy) -> NanPolicy:
    """The policy, if it is one, as a plain string, which a NumPy string or a member of an Enum is not."""
    policies: tuple[NanPolicy, ...] = get_args(NanPolicy)
    return _one_of("nan_policy", nan_policy, policies)


def check_estimator(estimator: Estimator) -> Estimator:
    """The estimator, if it is one, as a plain string."""
    estimators: tuple[Estimator, ...] = get_args(Estimator)
    return _one_of("estimator", estimator, estimators)


def _one_of(argument: str, name: object, names: tuple[Name, ...]) -> Name:
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"`{argument}` must be one of {', '.join(names)}, not {name!r}")
    return names[names.index(name)]


def check_pseudo_count(pseudo_count: float) -> float:
    """What is added to each weight, as a float."""
    if not isinstance(pseudo_count, (Real, Decimal)) or isinstance(pseudo_count, bool):
        raise TypeError(f"`pseudo_count` must be a number, not {pseudo_count!r}")
    number = as_float(pseudo_count)
    if not 0 <= number < math.inf:
        raise ValueError(f"`pseudo_count` must be finite and not negative, not {pseudo_count!r}")
    return number


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
