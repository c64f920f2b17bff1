"""The namespace `info`. Nothing is computed here: every method builds an expression, see `_lowering`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, overload

import polars as pl

from polars_entropy import _lowering as lowering

if TYPE_CHECKING:
    from collections.abc import Callable

    from polars_entropy._arguments import Axis, Cell, Column, NanPolicy, Vector

T = TypeVar("T")


class _Namespace(Generic[T]):
    """An expression for p, and what becomes of the expression that a method builds on it."""

    def __init__(self, p: pl.Expr, finish: Callable[[pl.Expr], T], series: pl.Series | None = None) -> None:
        self._p = p
        self._finish = finish
        self._series = series

    @property
    def _names(self) -> bool:
        """Whether there are columns that a name could mean."""
        return self._series is None


class Info(_Namespace[T]):
    """Entropy and divergence of flat columns: a whole column, a group or a window is one distribution."""

    @property
    def list(self) -> ListInfo[T]:
        """The methods for List columns, one distribution per row."""
        return ListInfo(self._p, self._finish, self._series)

    @property
    def arr(self) -> ArrayInfo[T]:
        """The methods for Array columns, along the axes of `column.to_numpy()`."""
        return ArrayInfo(self._p, self._finish, self._series)

    def entropy(self, *, base: float | None = None, nan_policy: NanPolicy = "propagate") -> T:
        r"""Shannon entropy of a column, group or window of weights.

        :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i` [1]_. An aggregation: it gives
        one value in `select`, per group in `group_by(...).agg`, and per window in `over`, `rolling` and
        `group_by_dynamic`. In a streaming query it stays in the engine's own group-by.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            What to do about missing weights, which are nulls and NaNs: `"propagate"` makes the result null if there is
            a null, else NaN; `"omit"` drops them; `"raise"` is an error that names the row.

        Returns
        -------
        Float64, or Float32 for Float32 and Float16 weights (summed in Float64), and never negative. 0.0 for no weights
        at all; NaN if the total is zero or a weight infinite; -inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `base` or `nan_policy` is not one, when the expression is built.
        polars.exceptions.ComputeError
            If the column doesn't hold numbers (when the plan is resolved), or for a missing weight under `"raise"`.

        Notes
        -----
        The weights need not sum to one. The error is absolute, at most 1e-14 (1 + |ln S|) for up to a million rows, S
        being the total, but for heavy tails in a streaming query; for a relative one gather the group into a row:
        ``pl.col("x").implode().info.list.entropy()``. Below a total of 1e-290 digits are lost.

        References
        ----------
        .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> sales = pl.DataFrame({"store": ["a", "a", "a", "b", "b"], "units": [5, 5, 10, 7, 0]})
        >>> sales.group_by("store", maintain_order=True).agg(pl.col("units").info.entropy(base=2))
        shape: (2, 2)
        ┌───────┬───────┐
        │ store ┆ units │
        │ ---   ┆ ---   │
        │ str   ┆ f64   │
        ╞═══════╪═══════╡
        │ a     ┆ 1.5   │
        │ b     ┆ 0.0   │
        └───────┴───────┘

        """
        return self._finish(lowering.entropy(self._p, base=base, nan_policy=nan_policy))

    def kl_div(
        self, q: Column | Vector | float, *, base: float | None = None, nan_policy: NanPolicy = "propagate"
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) of a column, group or window p from q.

        :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. An aggregation, as `entropy` is.

        Parameters
        ----------
        q
            The reference: a column name, an expression or a Series with a weight for each of p; a sequence of as many
            numbers (in `select`; in a group, join q in as a column); or one number or aggregate, which is a uniform q.
        base
            Unit of the result: 2 for bits, `None` for nats. A positive finite number other than 1.
        nan_policy
            What to do about pairs with a null or a NaN: `"propagate"` makes the result null if there is a null, else
            NaN; `"omit"` drops the pair; `"raise"` is an error that names the column and the row.

        Returns
        -------
        Float64, or Float32 if neither p nor q needs more, named like p and never negative. 0.0 for no weights at all;
        NaN if a total is zero or a weight infinite; inf if a weight is negative, or q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If an argument is not one, when the expression is built.
        polars.exceptions.ComputeError
            If p or q doesn't hold numbers (when the plan is resolved), if they differ in length, or for a missing
            weight under `"raise"`.

        Notes
        -----
        Neither side needs to sum to one. The error is absolute, at most 1e-14 (1 + |ln P/Q| + D) for up to a million
        rows, P and Q being the totals, but for heavy tails in a streaming query; for a relative one gather both sides
        into rows:
        ``pl.col("p").implode().info.list.kl_div(pl.col("q").implode())``.

        References
        ----------
        .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> flips = pl.DataFrame({"biased": [9, 1], "fair": [1, 1]})
        >>> flips.select(pl.col("biased").info.kl_div("fair", base=2).round(6)).item()
        0.531004

        """
        return self._finish(lowering.kl_div(self._p, q, base=base, nan_policy=nan_policy, names=self._names))

    def entropy_state(self, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""What is to be kept of a column, group or window so that the entropy of several of them together can be told.

        An aggregation, as `entropy` is. States of parts that hold different events, such as days or shards, merge to
        that of the whole by Shannon's grouping rule :math:`H = \sum_i w_i H_i + H(w)` with :math:`w_i = S_i / S` [1]_.

        Parameters
        ----------
        nan_policy
            As in `entropy`.

        Returns
        -------
        A Struct: `mass`, the total of the weights times 2⁻²⁰; `entropy`, in nats; and `rank`, the number of the
        strongest rule that a weight calls for. Its dtype, UInt8 or Int8, tells Float64 from Float32.

        Raises
        ------
        ValueError
            If `nan_policy` is not one, when the expression is built.
        polars.exceptions.ComputeError
            As in `entropy`.

        References
        ----------
        .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948, §6.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> sales = pl.DataFrame({"day": [1, 1, 2, 2], "units": [1, 1, 1, 1]})
        >>> days = sales.group_by("day").agg(state=pl.col("units").info.entropy_state())
        >>> days.select(pl.col("state").info.entropy_merge(base=2)).item()
        2.0

        """
        return self._finish(lowering.entropy_state(self._p, nan_policy=nan_policy))

    def kl_div_state(self, q: Column | Vector | float, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""What is to be kept of a column, group or window so that the divergence of several together can be told.

        An aggregation, as `kl_div` is. States merge by the chain rule :math:`D = \sum_i w_i D_i + D(w \Vert v)` with
        :math:`w_i = P_i / P`, :math:`v_i = Q_i / Q` [1]_, without losing the digits of nearly equal p and q.

        Parameters
        ----------
        q, nan_policy
            As in `kl_div`.

        Returns
        -------
        A Struct: `mass_p`, `mass_q` and `excess`, the totals of p, q and q - p, times 2⁻²⁰; `divergence`, in nats; and
        `rank`, as in `entropy_state`. The divergence is relatively exact for p near q with the same total, else as
        that of `kl_div`.

        Raises
        ------
        TypeError, ValueError
            If an argument is not one, when the expression is built.
        polars.exceptions.ComputeError
            As in `kl_div`.

        References
        ----------
        .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> flips = pl.DataFrame({"part": [1, 2], "biased": [9, 1], "fair": [1, 1]})
        >>> parts = flips.group_by("part").agg(state=pl.col("biased").info.kl_div_state("fair"))
        >>> parts.select(pl.col("state").info.kl_div_merge(base=2).round(6)).item()
        0.531004

        """
        return self._finish(lowering.kl_div_state(self._p, q, nan_policy=nan_policy, names=self._names))

    def entropy_merge(self, *, base: float | None = None) -> T:
        r"""The entropy of the whole from the states of its parts.

        :math:`H = \sum_i w_i H_i + H(w)` with :math:`w_i = S_i / S` [1]_. An aggregation over a column of
        `entropy_state`: in `select`, per group, or per window. The parts must hold different events: where one category
        is spread over several, its weights have to be summed first.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.

        Returns
        -------
        The value that `entropy` gives for the whole: Float64 or Float32. 0.0 for no states; null if one is null, which
        `drop_nulls` leaves out.

        Raises
        ------
        TypeError, ValueError
            If `base` is not one, when the expression is built.
        polars.exceptions.ComputeError
            If the column doesn't hold such states, when the plan is resolved.

        References
        ----------
        .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948, §6.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[1, 1], [2]]}).select(state=pl.col("p").info.list.entropy_state())
        >>> shards.select(pl.col("state").info.entropy_merge(base=2)).item()
        1.5

        """
        return self._finish(lowering.merge(self._p, "entropy", base=base))

    def kl_div_merge(self, *, base: float | None = None) -> T:
        r"""The divergence of the whole from the states of its parts.

        :math:`D = \sum_i w_i D_i + D(w \Vert v)` with :math:`w_i = P_i / P`, :math:`v_i = Q_i / Q` [1]_. An aggregation
        over a column of `kl_div_state`; see `entropy_merge`.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, `None` for nats. A positive finite number other than 1.

        Returns
        -------
        The value that `kl_div` gives for the whole: Float64 or Float32. 0.0 for no states; null if one is null.

        Raises
        ------
        TypeError, ValueError
            If `base` is not one, when the expression is built.
        polars.exceptions.ComputeError
            If the column doesn't hold such states, when the plan is resolved.

        References
        ----------
        .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[3.0], [1.0]]})
        >>> shards = shards.select(state=pl.col("p").info.list.kl_div_state([1.0]))
        >>> shards.select(pl.col("state").info.kl_div_merge(base=2).round(6)).item()
        0.188722

        """
        return self._finish(lowering.merge(self._p, "kl_div", base=base))

    def entropy_merge_state(self) -> T:
        r"""The state of the whole from those of its parts, for merging in stages: days to months, months to years.

        The value in it is :math:`\sum_i w_i H_i + H(w)`, see `entropy_merge`.

        Returns
        -------
        A state as `entropy_state` gives, one for each column, group or window.

        Raises
        ------
        polars.exceptions.ComputeError
            If the column doesn't hold such states, when the plan is resolved.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> days = pl.DataFrame({"month": [1, 1, 2], "p": [[1], [1], [2]]})
        >>> days = days.select("month", state=pl.col("p").info.list.entropy_state())
        >>> months = days.group_by("month").agg(pl.col("state").info.entropy_merge_state())
        >>> months.select(pl.col("state").info.entropy_merge(base=2)).item()
        1.5

        """
        return self._finish(lowering.merge_state(self._p, "entropy"))

    def kl_div_merge_state(self) -> T:
        r"""The state of the whole from those of its parts, for merging in stages.

        The value in it is :math:`\sum_i w_i D_i + D(w \Vert v)`, see `kl_div_merge`.

        Returns
        -------
        A state as `kl_div_state` gives, one for each column, group or window.

        Raises
        ------
        polars.exceptions.ComputeError
            If the column doesn't hold such states, when the plan is resolved.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> days = pl.DataFrame({"month": [1, 1, 2], "p": [[1], [1], [2]]})
        >>> days = days.select("month", state=pl.col("p").info.list.kl_div_state([1]))
        >>> months = days.group_by("month").agg(pl.col("state").info.kl_div_merge_state())
        >>> months.select(pl.col("state").info.kl_div_merge().round(6)).item()
        0.058892

        """
        return self._finish(lowering.merge_state(self._p, "kl_div"))

    def entr(self) -> T:
        r"""The element's term of the entropy, :math:`-x \ln x`, as `scipy.special.entr`.

        Returns
        -------
        As many elements, Float64, or Float32 for Float32 and Float16. Null for null, NaN for NaN, 0 for 0, -inf for
        negative and infinite x. In nats, and of x as it is: nothing is normalised.

        Raises
        ------
        polars.exceptions.ComputeError
            If the column doesn't hold numbers, when the plan is resolved.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> pl.Series([0.0, 0.5, 1.0, None]).info.entr().round(6).to_list()
        [0.0, 0.346574, 0.0, None]

        """
        return self._finish(lowering.entr(self._p))

    def rel_entr(self, y: Column | Vector | float) -> T:
        r"""The element's term of the divergence, :math:`x \ln (x/y)`, as `scipy.special.rel_entr`.

        Parameters
        ----------
        y
            A column name, an expression, a Series or a sequence with an element for each of x, or one number.

        Returns
        -------
        As many elements, Float64, or Float32 if neither x nor y needs more. Null if either is null, NaN if either is
        NaN, 0 for x = 0 ≤ y, inf if either is negative or y = 0 < x. In nats, and nothing is normalised.

        Raises
        ------
        TypeError
            If `y` is none of these, when the expression is built.
        polars.exceptions.ComputeError
            If x or y doesn't hold numbers (when the plan is resolved), or if they differ in length.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> pl.Series([0.0, 1.0, 1.0, None]).info.rel_entr([1.0, 0.5, 0.0, 1.0]).round(6).to_list()
        [0.0, 0.693147, inf, None]

        """
        return self._finish(lowering.rel_entr(self._p, y, names=self._names))


class ListInfo(_Namespace[T]):
    """Entropy and divergence of the rows of List columns."""

    def entropy(self, *, base: float | None = None, nan_policy: NanPolicy = "propagate") -> T:
        r"""Shannon entropy of each row.

        :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i` [1]_. In a nested list the
        innermost level is reduced.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            What to do about missing weights, which are nulls and NaNs: `"propagate"` makes the row's result null if
            there is a null, else NaN; `"omit"` drops them; `"raise"` is an error that names the row.

        Returns
        -------
        A value per row: Float64, or Float32 for Float32 and Float16 weights (summed in Float64), and never negative.
        Null for a null row; 0.0 for an empty one; NaN if the total is zero or a weight infinite; -inf if a weight is
        negative.

        Raises
        ------
        TypeError, ValueError
            If `base` or `nan_policy` is not one, when the expression is built.
        polars.exceptions.ComputeError
            If the column isn't a list of numbers (when the plan is resolved), or for a missing weight under `"raise"`.

        References
        ----------
        .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> coins = pl.DataFrame({"p": [[1, 1], [9, 1], [1, None], None]})
        >>> coins.select(pl.col("p").info.list.entropy(base=2).round(6)).to_series().to_list()
        [1.0, 0.468996, None, None]

        """
        return self._finish(lowering.list_entropy(self._p, base=base, nan_policy=nan_policy))

    def kl_div(self, q: Column | Vector, *, base: float | None = None, nan_policy: NanPolicy = "propagate") -> T:
        r"""Kullback-Leibler divergence D(p‖q) of each row p from its row of q.

        :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. In a nested list the innermost level is reduced.

        Parameters
        ----------
        q
            The reference: a column name, an expression or a Series with a row for each of p, of the same length; or one
            distribution for every row: a sequence of numbers, a NumPy vector, a one-row Series, a literal or aggregate.
        base
            Unit of the result: 2 for bits, `None` for nats. A positive finite number other than 1.
        nan_policy
            What to do about pairs with a null or a NaN: `"propagate"` makes the row's result null if there is a null,
            else NaN; `"omit"` drops the pair; `"raise"` is an error that names the column and the row.

        Returns
        -------
        A value per row: Float64, or Float32 if neither p nor q needs more, named like p and never negative. Null if the
        row is null in p or q; 0.0 for an empty one; NaN if a total is zero or a weight infinite; inf if a weight is
        negative, or q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If an argument is not one, when the expression is built.
        polars.exceptions.ComputeError
            If p or q isn't a list of numbers (when the plan is resolved), if a row differs in length, or for a missing
            weight under `"raise"`.

        References
        ----------
        .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> topics = pl.DataFrame({"p": [[1.0, 1.0], [9.0, 1.0]], "q": [[1.0, 1.0], [1.0, 1.0]]})
        >>> topics.select(
        ...     bits=pl.col("p").info.list.kl_div("q", base=2).round(6),
        ...     from_biased=pl.col("p").info.list.kl_div([0.9, 0.1], base=2).round(6),
        ... )
        shape: (2, 2)
        ┌──────────┬─────────────┐
        │ bits     ┆ from_biased │
        │ ---      ┆ ---         │
        │ f64      ┆ f64         │
        ╞══════════╪═════════════╡
        │ 0.0      ┆ 0.736966    │
        │ 0.531004 ┆ 0.0         │
        └──────────┴─────────────┘

        """
        return self._finish(lowering.list_kl_div(self._p, q, base=base, nan_policy=nan_policy, names=self._names))

    def entropy_state(self, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""What is to be kept of each row so that the entropy of several together can be told.

        States merge by Shannon's grouping rule :math:`H = \sum_i w_i H_i + H(w)`, see `info.entropy_merge`.

        Parameters
        ----------
        nan_policy
            As in `entropy`.

        Returns
        -------
        A Struct per row, as `info.entropy_state` gives, for `info.entropy_merge`.

        Raises
        ------
        ValueError
            If `nan_policy` is not one, when the expression is built.
        polars.exceptions.ComputeError
            As in `entropy`.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[1, 1], [2]]}).select(state=pl.col("p").info.list.entropy_state())
        >>> shards.select(pl.col("state").struct.field("entropy").round(6)).to_series().to_list()
        [0.693147, 0.0]

        """
        return self._finish(lowering.list_entropy_state(self._p, nan_policy=nan_policy))

    def kl_div_state(self, q: Column | Vector, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""What is to be kept of each row p and its row of q so that the divergence of several together can be told.

        States merge by the chain rule :math:`D = \sum_i w_i D_i + D(w \Vert v)`, see `info.kl_div_merge`.

        Parameters
        ----------
        q, nan_policy
            As in `kl_div`.

        Returns
        -------
        A Struct per row, as `info.kl_div_state` gives, for `info.kl_div_merge`; its divergence is relatively exact in
        any case.

        Raises
        ------
        TypeError, ValueError
            If an argument is not one, when the expression is built.
        polars.exceptions.ComputeError
            As in `kl_div`.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[9, 1]]}).select(state=pl.col("p").info.list.kl_div_state([1, 1]))
        >>> shards.select(pl.col("state").info.kl_div_merge(base=2).round(6)).item()
        0.531004

        """
        return self._finish(lowering.list_kl_div_state(self._p, q, nan_policy=nan_policy, names=self._names))


class ArrayInfo(_Namespace[T]):
    """Entropy and divergence of Array columns, along the axes of `column.to_numpy()`."""

    @property
    def _ndim(self) -> int | None:
        """The number of axes, where it is known."""
        dtype = None if self._series is None else self._series.dtype
        return 1 + len(dtype.shape) if isinstance(dtype, pl.Array) else None

    def entropy(
        self,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Shannon entropy along axes of the column.

        :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i` [1]_.

        Parameters
        ----------
        axis
            The axes to reduce, as in `scipy.stats.entropy(column.to_numpy(), axis=...)`: axis 0 runs down the column,
            which makes it an aggregation; 1, 2, … and, from the back, -1 run inside the cell; a tuple joins axes into
            one distribution; `None` takes them all. In groups, write axis 0 as 0: where an axis from -2 on turns out to
            be axis 0, the result is a list of one cell there.
        keepdims
            Keep reduced axes with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            What to do about missing weights, which are nulls and NaNs: `"propagate"` makes a result null if there is
            a null, else NaN; `"omit"` drops them; `"raise"` is an error that names the row.

        Returns
        -------
        Cells without the reduced axes, or values if no axis is left: Float64, or Float32 for Float32 and Float16
        weights (summed in Float64). A null cell gives null where it is a distribution or holds several, and counts as
        missing weights where it is part of one. 0.0 for no weights at all; NaN if the total is zero or a weight
        infinite; -inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If an argument is not one, when the expression is built.
        polars.exceptions.ComputeError
            If the column isn't an array of numbers or has no such axis (when the plan is resolved), or for a missing
            weight under `"raise"`.

        References
        ----------
        .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> P = pl.Series("P", [[1, 1], [3, 1]], dtype=pl.Array(pl.Int64, 2))
        >>> P.info.arr.entropy(base=2).round(6).to_list()
        [1.0, 0.811278]
        >>> P.info.arr.entropy(axis=0, base=2).arr.to_list().list.eval(pl.element().round(6)).to_list()
        [[0.811278, 1.0]]

        """
        return self._finish(
            lowering.arr_entropy(
                self._p, axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy, ndim=self._ndim
            )
        )

    def kl_div(
        self,
        q: Column | Cell,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) along axes of the column.

        :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_.

        Parameters
        ----------
        q
            The reference: a column name, an expression or a Series with a cell for each of p; or one cell for every
            row: nested sequences of numbers, a NumPy array, a one-row Series, a literal or aggregate. A cell has the
            shape of p's, or that of its last axes and is repeated along the others.
        axis
            The axes to reduce, as in `entropy`.
        keepdims
            Keep reduced axes with width 1.
        base
            Unit of the result: 2 for bits, `None` for nats. A positive finite number other than 1.
        nan_policy
            What to do about pairs with a null or a NaN: `"propagate"` makes a result null if there is a null, else NaN;
            `"omit"` drops the pair; `"raise"` is an error that names the column and the row.

        Returns
        -------
        Cells without the reduced axes, or values if no axis is left: Float64, or Float32 if neither p nor q needs more,
        named like p. The values are those of `info.list.kl_div`.

        Raises
        ------
        TypeError, ValueError
            If an argument is not one, when the expression is built.
        polars.exceptions.ComputeError
            If p or q isn't an array of numbers, their shapes don't match or there is no such axis (when the plan is
            resolved), or for a missing weight under `"raise"`.

        References
        ----------
        .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> P = pl.Series("P", [[1, 1], [9, 1]], dtype=pl.Array(pl.Int64, 2))
        >>> P.info.arr.kl_div([1, 1], base=2).round(6).to_list()
        [0.0, 0.531004]

        """
        return self._finish(
            lowering.arr_kl_div(
                self._p,
                q,
                axis=axis,
                keepdims=keepdims,
                base=base,
                nan_policy=nan_policy,
                names=self._names,
                ndim=self._ndim,
            )
        )


@pl.api.register_expr_namespace("info")
class ExprInfo(Info[pl.Expr]):
    """The namespace of an expression, whose methods give expressions."""

    def __init__(self, expr: pl.Expr) -> None:
        super().__init__(expr, lambda built: built)


@pl.api.register_series_namespace("info")
class SeriesInfo(Info[pl.Series]):
    """The namespace of a Series, whose methods give Series."""

    def __init__(self, series: pl.Series) -> None:
        # A name that Polars would expand, as it does "*" and "^…$", is not to be.
        p = pl.first() if series.name.startswith(("*", "^")) else pl.col(series.name)
        super().__init__(p, lambda built: series.to_frame().select(built).to_series(), series)


@overload
def info(p: str | pl.Expr) -> ExprInfo: ...
@overload
def info(p: pl.Series) -> SeriesInfo: ...
def info(p: str | pl.Expr | pl.Series) -> ExprInfo | SeriesInfo:
    """The namespace of a column name, an expression or a Series, with full types.

    Type checkers and editors don't know of namespaces that are registered at run time; of this function they do.

    Parameters
    ----------
    p
        A column name, an expression or a Series.

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> import polars as pl, polars_entropy as pe
    >>> df = pl.DataFrame({"p": [[1.0, 1.0]]})
    >>> df.select(pe.info("p").list.entropy(base=2)).item()
    1.0

    """
    if isinstance(p, str):
        return ExprInfo(pl.col(p))
    if isinstance(p, pl.Expr):
        return ExprInfo(p)
    if isinstance(p, pl.Series):
        return SeriesInfo(p)
    raise TypeError(f"info() takes a column name, an expression or a Series, not {type(p).__name__} {p!r}")
