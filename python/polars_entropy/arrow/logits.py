"""Quantities of Arrow data of logits, unnormalised logarithms of shares, as before a softmax.

Adding a constant to all logits of a list changes nothing, and log-probabilities are logits. A logit of -inf is a share
of 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from polars_entropy.arrow import _distribution, _reference

if TYPE_CHECKING:
    from polars_entropy._arguments import NanPolicy
    from polars_entropy._lib import Array, ChunkedArray
    from polars_entropy._reference import Vector
    from polars_entropy.arrow import SupportsArrow, SupportsArrowArray, SupportsArrowStream

__all__ = ["cross_entropy", "entropy", "js_div", "kl_div"]


@overload
def entropy(
    p: SupportsArrowArray,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def entropy(
    p: SupportsArrowStream,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def entropy(
    p: SupportsArrow,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Shannon entropy of each list of logits, or of whole arrays.

    :math:`H = -\sum_i a_i \ln a_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` (Shannon 1948).

    Parameters
    ----------
    p
        Arrow data of logits, as `polars_entropy.arrow.entropy` takes weights.
    base, nan_policy
        As in `polars_entropy.arrow.entropy`.

    Returns
    -------
    Array or ChunkedArray
        As from `polars_entropy.arrow.entropy`. The values of lists are those of `info.list.logits.entropy`, to the last
        bit.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As in `polars_entropy.arrow.entropy`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import logits
    >>> logits.entropy(pa.array([[3.0, 3.0], [900.0, 0.0]]), base=2)
    <polars_entropy.arrow.Array of 2 Float64: [1.0, 0.0]>

    """
    return _distribution("logits.entropy", p, base=base, nan_policy=nan_policy)


@overload
def kl_div(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def kl_div(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def kl_div(
    p: SupportsArrow,
    q: SupportsArrow | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Kullback-Leibler divergence D(p‖q) of each list of logits p from its list of q, or of whole arrays.

    :math:`D = \sum_i a_i \ln \frac{a_i}{b_i}` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i =
    e^{w_i} / \sum_j e^{w_j}` (Kullback & Leibler 1951).

    Parameters
    ----------
    p
        Arrow data of logits, as `polars_entropy.arrow.kl_div` takes weights.
    q
        Logits of the reference, in the forms that `polars_entropy.arrow.kl_div` takes, but for one number.
    base, nan_policy
        As in `polars_entropy.arrow.entropy`.

    Returns
    -------
    Array or ChunkedArray
        As from `polars_entropy.arrow.kl_div`. The values of lists are those of `info.list.logits.kl_div`, to the last
        bit.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As in `polars_entropy.arrow.kl_div`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import logits
    >>> logits.kl_div(pa.array([[3.0, 3.0], [0.0, 1.0]]), [0.0, 0.0], base=2)
    <polars_entropy.arrow.Array of 2 Float64: [0.0, 0.16005846201683077]>

    """
    return _distribution("logits.kl_div", p, *_reference(q), base=base, nan_policy=nan_policy)


@overload
def cross_entropy(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def cross_entropy(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def cross_entropy(
    p: SupportsArrow,
    q: SupportsArrow | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Cross-entropy of each list of logits p relative to its list of q, or of whole arrays.

    :math:`\mathrm{CE} = -\sum_i a_i \ln b_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i =
    e^{w_i} / \sum_j e^{w_j}` (Kerridge 1961).

    Parameters
    ----------
    p
        Arrow data of logits, as `polars_entropy.arrow.cross_entropy` takes weights.
    q
        Logits of the reference, in the forms that `polars_entropy.arrow.kl_div` takes, but for one number.
    base, nan_policy
        As in `polars_entropy.arrow.entropy`.

    Returns
    -------
    Array or ChunkedArray
        As from `polars_entropy.arrow.cross_entropy`. The values of lists are those of `info.list.logits.cross_entropy`,
        to the last bit.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As in `polars_entropy.arrow.cross_entropy`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import logits
    >>> logits.cross_entropy(pa.array([[3.0, 3.0], [0.0, 1.0]]), [0.0, 0.0], base=2)
    <polars_entropy.arrow.Array of 2 Float64: [1.0, 1.0]>

    """
    return _distribution("logits.cross_entropy", p, *_reference(q), base=base, nan_policy=nan_policy)


@overload
def js_div(
    p: SupportsArrowArray,
    q: SupportsArrow | Vector,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> Array: ...
@overload
def js_div(
    p: SupportsArrowStream,
    q: SupportsArrow | Vector,
    *,
    base: float | None = ...,
    nan_policy: NanPolicy = ...,
) -> ChunkedArray: ...
def js_div(
    p: SupportsArrow,
    q: SupportsArrow | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> Array | ChunkedArray:
    r"""Jensen-Shannon divergence of each list of logits p and its list of q, or of whole arrays.

    :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with
    :math:`m_i = (a_i + b_i) / 2` and the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i = e^{w_i} /
    \sum_j e^{w_j}` (Lin 1991).

    Parameters
    ----------
    p
        Arrow data of logits, as `polars_entropy.arrow.js_div` takes weights.
    q
        Logits of the reference, in the forms that `polars_entropy.arrow.kl_div` takes, but for one number.
    base, nan_policy
        As in `polars_entropy.arrow.entropy`.

    Returns
    -------
    Array or ChunkedArray
        As from `polars_entropy.arrow.js_div`. The values of lists are those of `info.list.logits.js_div`, to the last
        bit.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As in `polars_entropy.arrow.js_div`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from polars_entropy.arrow import logits
    >>> logits.js_div(pa.array([[3.0, 3.0], [900.0, 0.0]]), [0.0, 900.0], base=2)
    <polars_entropy.arrow.Array of 2 Float64: [0.3112781244591329, 1.0]>

    """
    return _distribution("logits.js_div", p, *_reference(q), base=base, nan_policy=nan_policy)
