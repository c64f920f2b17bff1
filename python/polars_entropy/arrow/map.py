"""Quantities of Arrow data of distributions by key, whose supports may differ: maps, and lists of keys and weights.

A key that one side lacks weighs 0 there. A key that occurs several times weighs the sum. The order of keys changes
nothing. Keys are equal where a group-by takes them for equal: null is equal to null, NaN to NaN, and 0.0 to -0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

from polars_entropy import _lib
from polars_entropy import _reference as reference
from polars_entropy._arguments import check_base, check_nan_policy, check_pseudo_count

if TYPE_CHECKING:
    from polars_entropy._arguments import NanPolicy
    from polars_entropy._lib import Array, ChunkedArray
    from polars_entropy._reference import Distribution
    from polars_entropy.arrow import SupportsArrow, SupportsArrowArray, SupportsArrowStream

__all__ = ["cross_entropy", "entropy", "js_div", "kl_div", "psi"]


@overload
def entropy(p: SupportsArrowArray, *, base: float | None = ..., nan_policy: NanPolicy = ...) -> Array: ...
@overload
def entropy(p: SupportsArrowStream, *, base: float | None = ..., nan_policy: NanPolicy = ...) -> ChunkedArray: ...
def entropy(
    p: SupportsArrow, *, base: float | None = None, nan_policy: NanPolicy = "propagate"
) -> Array | ChunkedArray:
    r"""Shannon entropy of each row of keys and weights.

    :math:`H = -\sum_k \frac{x_k}{S} \ln \frac{x_k}{S}` with :math:`S = \sum_k x_k` over the keys k (Shannon 1948).

    Parameters
    ----------
    p
        An Arrow array, or a stream of them such as a chunked array or a table of one column.

        * Maps, or lists of structs of two fields, the key and the weight. Each is a distribution. In nested lists the
          innermost level is reduced. Lists of a fixed size are not taken.
        * Keys are integers, floats, decimals, Booleans, dates, times, strings, bytes, dictionaries of these, or nulls.
        * Weights are numbers, as in `polars_entropy.arrow.entropy`.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of missing weights, which are nulls and NaNs. A key with a missing weight is missing as a whole.

        * `"propagate"`: the row's result is null if there is a null, else NaN.
        * `"omit"`: missing keys are dropped. If none is left the result is 0.0, as it is without any key.
        * `"raise"`: an error names the row and the entry.

    Returns
    -------
    Array or ChunkedArray
        One value per row, inside the outer levels of nested lists. Float64, or Float32 if the weights are Float32 or
        Float16. An `Array` for an array, a `ChunkedArray` with the same chunks for a stream. The values are those of
        `info.map.entropy`.

        * Null for a row that is null.
        * 0.0 for an empty row.
        * NaN if a weight is infinite, or if the total is zero.
        * -inf if a weight is negative.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, or does not hold maps or lists of keys and weights. If `base` is not a number.
    ValueError
        If `base` or `nan_policy` is invalid, if a weight is missing under `"raise"`, if the memory is not a valid Arrow
        array, or if the stream fails.
    MemoryError
        If there is no memory for the result.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import map
    >>> shops = pa.array([[("low", 1), ("mid", 2), ("high", 1)], [("mid", 7)]], pa.map_(pa.string(), pa.int64()))
    >>> map.entropy(shops, base=2)
    <polars_entropy.arrow.Array of 2 Float64: [1.5, 0.0]>

    """
    return _lib.map_distribution("entropy", p, None, 0.0, check_base(base), check_nan_policy(nan_policy))


@overload
def kl_div(
    p: SupportsArrowArray,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> Array: ...
@overload
def kl_div(
    p: SupportsArrowStream,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> ChunkedArray: ...
def kl_div(
    p: SupportsArrow,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
) -> Array | ChunkedArray:
    r"""Kullback-Leibler divergence D(p‖q) of each row of p from its row of q, by key.

    :math:`D = \sum_k \frac{p_k}{P} \ln \frac{p_k / P}{q_k / Q}` with :math:`P = \sum_k p_k`, :math:`Q = \sum_k q_k`
    over the keys k (Kullback & Leibler 1951).

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * Arrow data as p: a row for each of p, or one row for all of them. Its lists may lack outer levels that p has.
        * A dict of keys and weights: one distribution for every row.

        Keys of p and q may have two types where one holds both: integers of any width, integers and floats, integers
        and decimals, decimals of two scales, strings in any layout or in a dictionary.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`. A key that is missing on one side is missing on both.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Array or ChunkedArray
        One value per row of p, inside the outer levels of nested lists. Float64, or Float32 if no weights need more. An
        `Array` for an array, a `ChunkedArray` with the chunks of p for a stream. If p is one row and q has many, there
        is one value per row of q, in the chunks of q if p is a stream. The values are those of `info.map.kl_div`.

        * Null for a row that is null in p or q.
        * 0.0 for two empty rows.
        * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
        * inf if a weight is negative, or if q is 0 where p is not.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q does not hold maps or lists of keys and weights, if their keys cannot be
        compared, or if q has more levels of lists than p. If `base` or `pseudo_count` is not a number.
    ValueError, MemoryError
        As in `entropy`. If p and q differ in length and neither has just one row, or if `pseudo_count` is negative or
        not finite.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import map
    >>> months = pa.array([[("low", 3), ("mid", 1)], [("mid", 1), ("low", 1)]], pa.map_(pa.string(), pa.int64()))
    >>> map.kl_div(months, {"low": 1, "mid": 1, "high": 2}, base=2)
    <polars_entropy.arrow.Array of 2 Float64: [1.188721875540867, 1.0]>
    >>> map.kl_div(months, {"low": 1})
    <polars_entropy.arrow.Array of 2 Float64: [inf, inf]>
    >>> map.kl_div(months, {"low": 1}, pseudo_count=0.5)
    <polars_entropy.arrow.Array of 2 Float64: [0.006401456997320372, 0.14384103622589045]>

    """
    return _pair("kl_div", p, q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)


@overload
def cross_entropy(
    p: SupportsArrowArray,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> Array: ...
@overload
def cross_entropy(
    p: SupportsArrowStream,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> ChunkedArray: ...
def cross_entropy(
    p: SupportsArrow,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
) -> Array | ChunkedArray:
    r"""Cross-entropy of each row of p relative to its row of q, by key.

    :math:`\mathrm{CE} = -\sum_k \frac{p_k}{P} \ln \frac{q_k}{Q}` with :math:`P = \sum_k p_k`, :math:`Q = \sum_k q_k`
    over the keys k (Kerridge 1961).

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * Arrow data as p: a row for each of p, or one row for all of them. Its lists may lack outer levels that p has.
        * A dict of keys and weights: one distribution for every row.

        Keys of p and q may have two types where one holds both: integers of any width, integers and floats, integers
        and decimals, decimals of two scales, strings in any layout or in a dictionary.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`. A key that is missing on one side is missing on both.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Array or ChunkedArray
        One value per row of p, inside the outer levels of nested lists. Float64, or Float32 if no weights need more. An
        `Array` for an array, a `ChunkedArray` with the chunks of p for a stream. If p is one row and q has many, there
        is one value per row of q, in the chunks of q if p is a stream. The values are those of
        `info.map.cross_entropy`.

        * Null for a row that is null in p or q.
        * 0.0 for two empty rows.
        * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
        * inf if a weight is negative, or if q is 0 where p is not.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q does not hold maps or lists of keys and weights, if their keys cannot be
        compared, or if q has more levels of lists than p. If `base` or `pseudo_count` is not a number.
    ValueError, MemoryError
        As in `entropy`. If p and q differ in length and neither has just one row, or if `pseudo_count` is negative or
        not finite.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import map
    >>> coins = pa.array([[{"side": "head", "n": 1}, {"side": "tail", "n": 1}]])
    >>> map.cross_entropy(coins, {"tail": 2, "head": 2}, base=2)
    <polars_entropy.arrow.Array of 1 Float64: [1.0]>

    """
    return _pair("cross_entropy", p, q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)


@overload
def js_div(
    p: SupportsArrowArray,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> Array: ...
@overload
def js_div(
    p: SupportsArrowStream,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> ChunkedArray: ...
def js_div(
    p: SupportsArrow,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
) -> Array | ChunkedArray:
    r"""Jensen-Shannon divergence of each row of p and its row of q, by key.

    :math:`\mathrm{JS} = \tfrac12 \sum_k a_k \ln \frac{a_k}{m_k} + \tfrac12 \sum_k b_k \ln \frac{b_k}{m_k}` with the
    shares :math:`a_k = p_k / \sum p`, :math:`b_k = q_k / \sum q` of a key k and their mean :math:`m_k = (a_k + b_k) /
    2` (Lin 1991). It is the divergence, not its root.

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * Arrow data as p: a row for each of p, or one row for all of them. Its lists may lack outer levels that p has.
        * A dict of keys and weights: one distribution for every row.

        Keys of p and q may have two types where one holds both: integers of any width, integers and floats, integers
        and decimals, decimals of two scales, strings in any layout or in a dictionary.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`. A key that is missing on one side is missing on both.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Array or ChunkedArray
        One value per row of p, inside the outer levels of nested lists. Float64, or Float32 if no weights need more. An
        `Array` for an array, a `ChunkedArray` with the chunks of p for a stream. If p is one row and q has many, there
        is one value per row of q, in the chunks of q if p is a stream. The values are those of `info.map.js_div`.

        * Null for a row that is null in p or q.
        * 0.0 for two empty rows.
        * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
        * inf if a weight is negative.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q does not hold maps or lists of keys and weights, if their keys cannot be
        compared, or if q has more levels of lists than p. If `base` or `pseudo_count` is not a number.
    ValueError, MemoryError
        As in `entropy`. If p and q differ in length and neither has just one row, or if `pseudo_count` is negative or
        not finite.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import map
    >>> words = pa.array([[{"w": "a", "n": 3}, {"w": "b", "n": 1}]])
    >>> map.js_div(words, {"c": 9}, base=2)
    <polars_entropy.arrow.Array of 1 Float64: [1.0]>

    """
    return _pair("js_div", p, q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)


@overload
def psi(
    p: SupportsArrowArray,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> Array: ...
@overload
def psi(
    p: SupportsArrowStream,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
    pseudo_count: float = ...,
) -> ChunkedArray: ...
def psi(
    p: SupportsArrow,
    q: SupportsArrow | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
) -> Array | ChunkedArray:
    r"""Population stability index of each row of p and its row of q, by key.

    :math:`\mathrm{PSI} = \sum_k (a_k - b_k) \ln \frac{a_k}{b_k}` with the shares :math:`a_k = p_k / \sum p`,
    :math:`b_k = q_k / \sum q` of a key k (Jeffreys 1946). It is the divergence of each from the other, added up.

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * Arrow data as p: a row for each of p, or one row for all of them. Its lists may lack outer levels that p has.
        * A dict of keys and weights: one distribution for every row.

        Keys of p and q may have two types where one holds both: integers of any width, integers and floats, integers
        and decimals, decimals of two scales, strings in any layout or in a dictionary.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`. A key that is missing on one side is missing on both.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Array or ChunkedArray
        One value per row of p, inside the outer levels of nested lists. Float64, or Float32 if no weights need more. An
        `Array` for an array, a `ChunkedArray` with the chunks of p for a stream. If p is one row and q has many, there
        is one value per row of q, in the chunks of q if p is a stream. The values are those of `info.map.psi`.

        * Null for a row that is null in p or q.
        * 0.0 for two empty rows.
        * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
        * inf if a weight is negative, or if a key weighs nothing on one side alone.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q does not hold maps or lists of keys and weights, if their keys cannot be
        compared, or if q has more levels of lists than p. If `base` or `pseudo_count` is not a number.
    ValueError, MemoryError
        As in `entropy`. If p and q differ in length and neither has just one row, or if `pseudo_count` is negative or
        not finite.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import map
    >>> words = pa.array([[{"w": "a", "n": 3}, {"w": "b", "n": 1}]])
    >>> map.psi(words, {"a": 9})
    <polars_entropy.arrow.Array of 1 Float64: [inf]>
    >>> map.psi(words, {"a": 9}, pseudo_count=0.5)
    <polars_entropy.arrow.Array of 1 Float64: [0.5242852796948092]>

    """
    return _pair("psi", p, q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)


def _pair(
    quantity: str,
    p: SupportsArrow,
    q: object,
    *,
    base: float | None,
    nan_policy: NanPolicy,
    pseudo_count: float,
) -> Array | ChunkedArray:
    count = check_pseudo_count(pseudo_count)
    return _lib.map_distribution(quantity, p, _reference(q), count, check_base(base), check_nan_policy(nan_policy))


def _reference(q: object) -> object:
    """Return q as Arrow data."""
    if reference.is_arrow(q):
        return q
    if isinstance(q, Mapping):
        return reference.map_row(q)
    raise TypeError(f"q must be Arrow or a dict of keys and weights, not {type(q).__name__} {q!r}")
