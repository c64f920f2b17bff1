"""Entropy and Kullback-Leibler divergence of Arrow data, by the kernels that run in Polars.

Whatever speaks the Arrow PyCapsule interface goes in: arrays of PyArrow, nanoarrow and arro3, columns of pandas,
results of DuckDB and DataFusion, Series of Polars. What comes out, an `Array` or a `ChunkedArray`, speaks it, too.
Floats of one precision are not copied on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, overload

import polars as pl

from polars_entropy import _arguments as arguments
from polars_entropy import _lib
from polars_entropy._lib import Array, ChunkedArray

if TYPE_CHECKING:
    from polars_entropy._arguments import NanPolicy, Vector

__all__ = ["Array", "ChunkedArray", "entr", "entropy", "kl_div", "rel_entr"]


class SupportsArrowArray(Protocol):
    """An Arrow array, as `pyarrow.Array` is one."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]: ...


class SupportsArrowStream(Protocol):
    """A stream of Arrow arrays, as `pyarrow.ChunkedArray` and `polars.Series` are one."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


SupportsArrow: TypeAlias = SupportsArrowArray | SupportsArrowStream


@overload
def entropy(p: SupportsArrowArray, *, base: float | None = ..., nan_policy: NanPolicy = ...) -> Array: ...
@overload
def entropy(p: SupportsArrowStream, *, base: float | None = ..., nan_policy: NanPolicy = ...) -> ChunkedArray: ...
def entropy(
    p: SupportsArrow, *, base: float | None = None, nan_policy: NanPolicy = "propagate"
) -> Array | ChunkedArray:
    r"""Shannon entropy of each list, or of numbers as a whole.

    :math:`H = -\sum_i \frac{p_i}{S} \ln \frac{p_i}{S}` with :math:`S = \sum_i p_i` (Shannon 1948).

    Parameters
    ----------
    p
        An Arrow array, or a stream of them such as a chunked array or a table of one column. Lists of any kind are a
        distribution each; of nested ones the innermost level is reduced. Numbers without lists are one distribution
        together. Numbers are integers, floats, decimals and Booleans; a distribution need not sum to one.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        What to do about missing elements, which are nulls and NaNs: `"propagate"` makes the result null if there is a
        null, else NaN; `"omit"` drops them; `"raise"` is an error.

    Returns
    -------
    A float64 for each list, in the lists that are around it, if any; for numbers a single one. It is float32 if the
    numbers are float32 or float16. An `Array` for an array, a `ChunkedArray` of the same chunks for a stream; numbers
    in several chunks are copied together. The values of lists are those of `info.list.entropy`, to the last bit.

    Raises
    ------
    TypeError
        If `p` is not Arrow, or holds neither numbers nor lists of numbers.
    ValueError
        If `base` or `nan_policy` is none of those above; for a missing element under `"raise"`; for memory that is not
        as Arrow has it; and if a stream fails.
    MemoryError
        If there is no memory for the result.

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
    return _lib.entropy(p, arguments.check_base(base), arguments.check_nan_policy(nan_policy))


@overload
def kl_div(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def kl_div(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def kl_div(
    p: SupportsArrow,
    q: SupportsArrow | Vector | float,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Kullback-Leibler divergence D(p‖q) of each list of p from that of q, or of numbers as a whole.

    :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i` (Kullback & Leibler 1951).

    Parameters
    ----------
    p
        As for `entropy`.
    q
        The reference. For lists in p: as many lists, or one distribution for all of them, as an Arrow array of one list
        or of numbers, a sequence or a NumPy vector; it may lack outer levels that p has. For numbers in p: as many
        numbers, or one, which is a uniform q.
    base, nan_policy
        As for `entropy`; a pair with a missing element is missing.

    Returns
    -------
    As for `entropy`, in the chunks of p, however q is chunked; float32 if neither p nor q needs more. Where p is one
    list and q many, there is a value for each of q, in its chunks if p is a stream. The values of lists are those of
    `info.list.kl_div`, to the last bit.

    Raises
    ------
    TypeError
        If `p` is not Arrow, if either holds neither numbers nor lists of numbers, if q has more levels of lists than p,
        or is one number beside lists.
    ValueError, MemoryError
        As for `entropy`; and if p and q, or two of their lists, differ in length.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import kl_div
    >>> p = pa.chunked_array([[[1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]])
    >>> kl_div(p, [0.5, 0.5], base=2)
    <polars_entropy.arrow.ChunkedArray of 3 Float64 in 2 chunks: [1.0, 0.0, 1.0]>

    """
    base, nan_policy = arguments.check_base(base), arguments.check_nan_policy(nan_policy)
    return _lib.kl_div(p, *_second(q), base, nan_policy)


@overload
def entr(p: SupportsArrowArray) -> Array: ...
@overload
def entr(p: SupportsArrowStream) -> ChunkedArray: ...
def entr(p: SupportsArrow) -> Array | ChunkedArray:
    r"""The terms of an entropy: :math:`-p_i \ln p_i` for each element, as `scipy.special.entr` has it.

    Parameters
    ----------
    p
        An Arrow array of numbers, or a stream of them. Nothing is normalised.

    Returns
    -------
    A float64 for each element, float32 if the numbers are float32 or float16, in the chunks of p: 0 at 0, -inf below,
    null for null.

    Raises
    ------
    TypeError
        If `p` is not Arrow, or holds anything but numbers. Pass the values of lists on their own.
    ValueError
        For memory that is not as Arrow has it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import entr
    >>> entr(pa.array([1.0, 0.0, None, -1.0]))
    <polars_entropy.arrow.Array of 4 Float64: [0.0, 0.0, null, -inf]>

    """
    return _lib.entr(p)


@overload
def rel_entr(p: SupportsArrowArray, q: SupportsArrow | Vector | float) -> Array: ...
@overload
def rel_entr(p: SupportsArrowStream, q: SupportsArrow | Vector | float) -> ChunkedArray: ...
def rel_entr(p: SupportsArrow, q: SupportsArrow | Vector | float) -> Array | ChunkedArray:
    r"""The terms of a divergence: :math:`p_i \ln(p_i / q_i)` for each element, as `scipy.special.rel_entr` has it.

    Parameters
    ----------
    p
        An Arrow array of numbers, or a stream of them. Nothing is normalised.
    q
        As many numbers, in Arrow, a sequence or a NumPy vector; or one for all of p.

    Returns
    -------
    A float64 for each element, float32 if neither p nor q needs more, in the chunks of p: 0 where p = 0 ≤ q, inf where
    either is negative or q = 0 < p, null for null.

    Raises
    ------
    TypeError
        If `p` is not Arrow, or either holds anything but numbers. Pass the values of lists on their own.
    ValueError
        If p and q differ in length; and for memory that is not as Arrow has it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import rel_entr
    >>> rel_entr(pa.array([1.0, 0.0, None, 1.0]), [1.0, 1.0, 1.0, 0.0])
    <polars_entropy.arrow.Array of 4 Float64: [0.0, 0.0, null, inf]>

    """
    return _lib.rel_entr(p, *_second(q))


def _second(q: object) -> tuple[object, str]:
    """Q as something that speaks Arrow, and what it was: a number goes with all of p, a sequence does not."""
    if hasattr(q, "__arrow_c_array__") or hasattr(q, "__arrow_c_stream__"):
        return q, "arrow"
    if arguments.is_number(q):
        return pl.Series([arguments.number(q)], dtype=pl.Float64), "number"
    if isinstance(q, (str, bytes, bytearray)) or not (isinstance(q, Sequence) or hasattr(q, "__array__")):
        raise TypeError(f"q must be Arrow, a sequence of numbers, a NumPy vector or a number, not {q!r}")
    return arguments.vector(q), "sequence"
