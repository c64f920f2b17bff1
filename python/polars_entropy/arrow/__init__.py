"""Entropy and Kullback-Leibler divergence of Arrow data, by the kernels that run in Polars.

Everything that implements the Arrow PyCapsule interface is taken: arrays of PyArrow, nanoarrow and arro3, columns of
pandas, results of DuckDB and DataFusion, Series of Polars. The results, `Array` and `ChunkedArray`, implement it, too.
Float64 and Float32 weights are read without a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, overload

import polars as pl

from polars_entropy import _lib
from polars_entropy import _reference as reference
from polars_entropy._arguments import check_base, check_nan_policy
from polars_entropy._lib import Array, ChunkedArray

if TYPE_CHECKING:
    from polars_entropy._arguments import NanPolicy
    from polars_entropy._reference import Vector

__all__ = ["Array", "ChunkedArray", "cross_entropy", "entr", "entropy", "js_div", "kl_div", "psi", "rel_entr"]


class SupportsArrowArray(Protocol):
    """An Arrow array, such as a `pyarrow.Array`."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]: ...


class SupportsArrowStream(Protocol):
    """A stream of Arrow arrays, such as a `pyarrow.ChunkedArray` or a `polars.Series`."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


SupportsArrow: TypeAlias = SupportsArrowArray | SupportsArrowStream


@overload
def entropy(p: SupportsArrowArray, *, base: float | None = ..., nan_policy: NanPolicy = ...) -> Array: ...
@overload
def entropy(p: SupportsArrowStream, *, base: float | None = ..., nan_policy: NanPolicy = ...) -> ChunkedArray: ...
def entropy(
    p: SupportsArrow, *, base: float | None = None, nan_policy: NanPolicy = "propagate"
) -> Array | ChunkedArray:
    r"""Shannon entropy of each list, or of a column of numbers.

    :math:`H = -\sum_i \frac{p_i}{S} \ln \frac{p_i}{S}` with :math:`S = \sum_i p_i` (Shannon 1948). The weights need not
    sum to one.

    Parameters
    ----------
    p
        An Arrow array, or a stream of them such as a chunked array or a table of one column. The numbers are integers,
        floats, decimals or Booleans.

        * Lists of any kind: each list is a distribution. In nested lists the innermost level is reduced.
        * Numbers: all of them together are one distribution.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of missing weights, which are nulls and NaNs.

        * `"propagate"`: the result is null if there is a null, else NaN.
        * `"omit"`: missing weights are dropped. If none is left the result is 0.0, as it is without any weight.
        * `"raise"`: an error names the list and the element.

    Returns
    -------
    Array or ChunkedArray
        One value per list, inside the outer levels of nested lists; for numbers a single value. Float64, or Float32 if
        the weights are Float32 or Float16. An `Array` for an array, a `ChunkedArray` with the same chunks for a stream.
        The values of lists are those of `info.list.entropy`, to the last bit.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, or holds neither numbers nor lists of numbers. If `base` is not a number.
    ValueError
        If `base` or `nan_policy` is invalid, if a weight is missing under `"raise"`, if the memory is not a valid Arrow
        array, or if the stream fails.
    MemoryError
        If there is no memory for the result.

    Notes
    -----
    Numbers in several chunks are copied into one.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import entropy
    >>> entropy(pa.array([[1, 1, 2], None, [7]]), base=2)
    <polars_entropy.arrow.Array of 3 Float64: [1.5, null, 0.0]>
    >>> np.asarray(entropy(pa.array([0.25, 0.25, 0.5]), base=2))
    array([1.5])

    """
    return _distribution("entropy", p, base=base, nan_policy=nan_policy)


@overload
def kl_div(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector | float,
    *,
    q_total: SupportsArrow | float | None = ...,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def kl_div(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector | float,
    *,
    q_total: SupportsArrow | float | None = ...,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def kl_div(
    p: SupportsArrow,
    q: SupportsArrow | Vector | float,
    *,
    q_total: SupportsArrow | float | None = None,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Kullback-Leibler divergence D(p‖q) of each list of p from its list of q, or of two columns of numbers.

    :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i` (Kullback & Leibler 1951). Neither side needs to sum to one.

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * For lists in p: as many lists, which may lack outer levels that p has; or one distribution for all lists, as
          an Arrow array of one list or of numbers, a sequence or a NumPy vector.
        * For numbers in p: as many numbers; or one number, which means a uniform q.
    q_total
        The total of each whole q, if q has more elements than its list here: one number, or Arrow data with a number
        for each list of p. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. For a rest below 0
        see Notes.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`, for pairs with a null or a NaN.

    Returns
    -------
    Array or ChunkedArray
        One value per list of p, inside the outer levels of nested lists; for numbers a single value. Float64, or
        Float32 if neither p nor q needs more. An `Array` for an array, a `ChunkedArray` with the chunks of p for a
        stream. If p is one list and q has many, there is one value per list of q, in the chunks of q if p is a stream.
        The values of lists are those of `info.list.kl_div`, to the last bit.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q holds neither numbers nor lists of numbers, if q has more levels of lists
        than p, or if q is one number and p has lists. If `q_total` is no number and holds none. If `base` is not a
        number.
    ValueError, MemoryError
        As in `entropy`. If p and q, or two of their lists, differ in length. If `q_total` is a number that is not
        positive and finite, or has not one number for each list of p.

    Notes
    -----
    A rest below 0 by no more than 1e-6 of `q_total` is taken for rounding and counts as none. Below that it is a
    negative weight. A null `q_total` gives null, a NaN or an infinity NaN. What `"omit"` drops of q belongs to the
    rest.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import kl_div
    >>> p = pa.chunked_array([[[1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]])
    >>> kl_div(p, [0.5, 0.5], base=2)
    <polars_entropy.arrow.ChunkedArray of 3 Float64 in 2 chunks: [1.0, 0.0, 1.0]>

    """
    return _distribution("kl_div", p, *_reference(q), q_total=q_total, base=base, nan_policy=nan_policy)


@overload
def cross_entropy(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector | float,
    *,
    q_total: SupportsArrow | float | None = ...,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def cross_entropy(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector | float,
    *,
    q_total: SupportsArrow | float | None = ...,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def cross_entropy(
    p: SupportsArrow,
    q: SupportsArrow | Vector | float,
    *,
    q_total: SupportsArrow | float | None = None,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Cross-entropy of each list of p relative to its list of q, or of two columns of numbers.

    :math:`\mathrm{CE} = -\sum_i \frac{p_i}{P} \ln \frac{q_i}{Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i` (Kerridge 1961). It is the entropy of p plus the divergence of p from q. Neither side
    needs to sum to one.

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * For lists in p: as many lists, which may lack outer levels that p has; or one distribution for all lists, as
          an Arrow array of one list or of numbers, a sequence or a NumPy vector.
        * For numbers in p: as many numbers; or one number, which means a uniform q.
    q_total
        The total of each whole q, if q has more elements than its list here: one number, or Arrow data with a number
        for each list of p. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. For a rest below 0
        see Notes.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`, for pairs with a null or a NaN.

    Returns
    -------
    Array or ChunkedArray
        One value per list of p, inside the outer levels of nested lists; for numbers a single value. Float64, or
        Float32 if neither p nor q needs more. An `Array` for an array, a `ChunkedArray` with the chunks of p for a
        stream. If p is one list and q has many, there is one value per list of q, in the chunks of q if p is a stream.
        The values of lists are those of `info.list.cross_entropy`, to the last bit.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q holds neither numbers nor lists of numbers, if q has more levels of lists
        than p, or if q is one number and p has lists. If `q_total` is no number and holds none. If `base` is not a
        number.
    ValueError, MemoryError
        As in `entropy`. If p and q, or two of their lists, differ in length. If `q_total` is a number that is not
        positive and finite, or has not one number for each list of p.

    Notes
    -----
    A rest below 0 by no more than 1e-6 of `q_total` is taken for rounding and counts as none. Below that it is a
    negative weight. A null `q_total` gives null, a NaN or an infinity NaN. What `"omit"` drops of q belongs to the
    rest.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import cross_entropy
    >>> p = pa.chunked_array([[[1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]])
    >>> cross_entropy(p, [0.5, 0.5], base=2)
    <polars_entropy.arrow.ChunkedArray of 3 Float64 in 2 chunks: [1.0, 1.0, 1.0]>

    """
    return _distribution("cross_entropy", p, *_reference(q), q_total=q_total, base=base, nan_policy=nan_policy)


@overload
def js_div(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def js_div(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def js_div(
    p: SupportsArrow,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Jensen-Shannon divergence of each list of p and its list of q, or of two columns of numbers.

    :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with the
    shares :math:`a_i = p_i / \sum p`, :math:`b_i = q_i / \sum q` and their mean :math:`m_i = (a_i + b_i) / 2` (Lin
    1991). It is symmetric. It is the divergence, not its root: ``.sqrt()`` gives
    `scipy.spatial.distance.jensenshannon`.

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * For lists in p: as many lists, which may lack outer levels that p has; or one distribution for all lists, as
          an Arrow array of one list or of numbers, a sequence or a NumPy vector.
        * For numbers in p: as many numbers; or one number, which means a uniform q.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`, for pairs with a null or a NaN.

    Returns
    -------
    Array or ChunkedArray
        One value per list of p, inside the outer levels of nested lists; for numbers a single value. Float64, or
        Float32 if neither p nor q needs more. An `Array` for an array, a `ChunkedArray` with the chunks of p for a
        stream. If p is one list and q has many, there is one value per list of q, in the chunks of q if p is a stream.
        The values of lists are those of `info.list.js_div`, to the last bit.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q holds neither numbers nor lists of numbers, if q has more levels of lists
        than p, or if q is one number and p has lists. If `base` is not a
        number.
    ValueError, MemoryError
        As in `entropy`. If p and q, or two of their lists, differ in length.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import js_div
    >>> js_div(pa.array([[1.0, 0.0], [0.0, 3.0], None]), [0, 1], base=2)
    <polars_entropy.arrow.Array of 3 Float64: [1.0, 0.0, null]>

    """
    return _distribution("js_div", p, *_reference(q), base=base, nan_policy=nan_policy)


@overload
def psi(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def psi(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def psi(
    p: SupportsArrow,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Population stability index of each list of p and its list of q, or of two columns of numbers.

    :math:`\mathrm{PSI} = \sum_i (a_i - b_i) \ln \frac{a_i}{b_i}` with the shares :math:`a_i = p_i / \sum p` and
    :math:`b_i = q_i / \sum q` (Jeffreys 1946). It is the sum of both divergences, and symmetric. Nothing is added to
    empty bins: smooth both sides first, with ``+ 0.5`` for counts.

    Parameters
    ----------
    p
        As in `entropy`.
    q
        The reference.

        * For lists in p: as many lists, which may lack outer levels that p has; or one distribution for all lists, as
          an Arrow array of one list or of numbers, a sequence or a NumPy vector.
        * For numbers in p: as many numbers; or one number, which means a uniform q.
    base
        As in `entropy`.
    nan_policy
        As in `entropy`, for pairs with a null or a NaN.

    Returns
    -------
    Array or ChunkedArray
        One value per list of p, inside the outer levels of nested lists; for numbers a single value. Float64, or
        Float32 if neither p nor q needs more. An `Array` for an array, a `ChunkedArray` with the chunks of p for a
        stream. If p is one list and q has many, there is one value per list of q, in the chunks of q if p is a stream.
        The values of lists are those of `info.list.psi`, to the last bit.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, if p or q holds neither numbers nor lists of numbers, if q has more levels of lists
        than p, or if q is one number and p has lists. If `base` is not a
        number.
    ValueError, MemoryError
        As in `entropy`. If p and q, or two of their lists, differ in length.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import psi
    >>> psi(pa.array([[1.0, 1.0], [1.0, 0.0]]), [1, 1])
    <polars_entropy.arrow.Array of 2 Float64: [0.0, inf]>

    """
    return _distribution("psi", p, *_reference(q), base=base, nan_policy=nan_policy)


@overload
def entr(p: SupportsArrowArray) -> Array: ...
@overload
def entr(p: SupportsArrowStream) -> ChunkedArray: ...
def entr(p: SupportsArrow) -> Array | ChunkedArray:
    r"""Term of the entropy for each element, :math:`-p_i \ln p_i`, as `scipy.special.entr`.

    The result is in nats. Nothing is normalised.

    Parameters
    ----------
    p
        An Arrow array of numbers, or a stream of them.

    Returns
    -------
    Array or ChunkedArray
        One value per element, in the chunks of p. Float64, or Float32 if the numbers are Float32 or Float16.

        * Null for null, NaN for NaN.
        * 0.0 for 0.
        * -inf for negative and for infinite numbers.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, or does not hold numbers. Of lists, pass the values.
    ValueError
        If the memory is not a valid Arrow array, or if the stream fails.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import entr
    >>> entr(pa.array([1.0, 0.0, None, -1.0]))
    <polars_entropy.arrow.Array of 4 Float64: [0.0, 0.0, null, -inf]>

    """
    return _lib.element("entr", p, *_ABSENT)


@overload
def rel_entr(p: SupportsArrowArray, q: SupportsArrow | Vector | float) -> Array: ...
@overload
def rel_entr(p: SupportsArrowStream, q: SupportsArrow | Vector | float) -> ChunkedArray: ...
def rel_entr(p: SupportsArrow, q: SupportsArrow | Vector | float) -> Array | ChunkedArray:
    r"""Term of the divergence for each element, :math:`p_i \ln(p_i / q_i)`, as `scipy.special.rel_entr`.

    The result is in nats. Nothing is normalised.

    Parameters
    ----------
    p
        An Arrow array of numbers, or a stream of them.
    q
        As many numbers, as Arrow data, a sequence or a NumPy vector; or one number for all of p.

    Returns
    -------
    Array or ChunkedArray
        One value per element, in the chunks of p. Float64, or Float32 if neither p nor q needs more.

        * Null if p or q is null, else NaN if one is NaN.
        * 0.0 for p = 0 ≤ q.
        * inf if p or q is negative, and for q = 0 < p.

    Raises
    ------
    TypeError
        If `p` is not Arrow data, or if p or q does not hold numbers. Of lists, pass the values.
    ValueError
        If p and q differ in length, if the memory is not a valid Arrow array, or if a stream fails.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import rel_entr
    >>> rel_entr(pa.array([1.0, 0.0, None, 1.0]), [1.0, 1.0, 1.0, 0.0])
    <polars_entropy.arrow.Array of 4 Float64: [0.0, 0.0, null, inf]>

    """
    return _lib.element("rel_entr", p, *_reference(q))


_ABSENT = (None, "arrow")


def _reference(q: object) -> tuple[object, str]:
    """Return q as Arrow data, and how it was given: one number goes with all of p, a sequence does not."""
    if reference.is_arrow(q):
        return q, "arrow"
    if reference.is_number(q):
        return pl.Series([reference.number(q)], dtype=pl.Float64), "number"
    if isinstance(q, (str, bytes, bytearray)) or not (isinstance(q, Sequence) or hasattr(q, "__array__")):
        raise TypeError(f"q must be Arrow, a sequence of numbers, a NumPy vector or a number, not {q!r}")
    return reference.vector(q), "sequence"


def _distribution(
    quantity: str,
    p: SupportsArrow,
    q: object = None,
    q_is: str = "arrow",
    *,
    q_total: object = None,
    base: float | None,
    nan_policy: NanPolicy,
) -> Array | ChunkedArray:
    totals = None if q_total is None else _total(q_total)
    return _lib.distribution(quantity, p, q, q_is, totals, check_base(base), check_nan_policy(nan_policy))


def _total(q_total: object) -> object:
    """Total of q as Arrow data."""
    if reference.is_arrow(q_total):
        return q_total
    if (total := reference.total_number(q_total)) is None:
        raise TypeError(f"`q_total` must be a number, or Arrow with a number for each list, not {q_total!r}")
    return pl.Series([total])
