"""The accessor `info.arr`: axes of Array columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars_entropy._namespace._base import AxesAccessor, T
from polars_entropy._namespace.logits import ArrayLogits

if TYPE_CHECKING:
    from polars_entropy._arguments import Axis, NanPolicy
    from polars_entropy._reference import Cell, Column, Total


class ArrayInfo(AxesAccessor[T]):
    """Methods for Array columns of numbers, along the axes of `column.to_numpy()`."""

    @property
    def logits(self) -> ArrayLogits[T]:
        """Methods for axes of logits, which are unnormalised logarithms of shares."""
        return ArrayLogits(self._p, self._finish, self._series)

    def entropy(
        self,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Shannon entropy along axes of the column.

        :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i` [1]_. The weights need not sum
        to one.

        Parameters
        ----------
        axis
            Axes to reduce, as in `scipy.stats.entropy(column.to_numpy(), axis=...)`.

            * 0 runs down the column, which makes the method an aggregation.
            * 1, 2, … and, from the back, -1 run inside the cell.
            * A tuple joins several axes into one distribution.
            * `None` takes all axes.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: missing weights are dropped. If none is left the result is 0.0, as it is without any weight.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left, never negative. One for each row, or, where
            axis 0 is reduced, one per column, group or window. Float64, or Float32 for Float32 and Float16 weights,
            which are summed in Float64.

            * Null for a null cell that is a distribution or holds several. Where a cell is only a part of a
              distribution, as for axis 0, each element of a null cell is a missing weight.
            * 0.0 if there are no weights.
            * NaN if a weight is infinite, or if the total is zero.
            * -inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold arrays of numbers or has no such axis, when the plan is resolved. If a weight is
            missing under `"raise"`, when the query runs.

        Notes
        -----
        Write the column's own axis as 0. A negative axis below -1 is resolved only when the dtype is known, so it does
        not stream. If it turns out to be the column's own, a group gives a list of one cell and a window an error.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> P = pl.Series("P", [[1, 1], [3, 1]], dtype=pl.Array(pl.Int64, 2))
        >>> P.info.arr.entropy(base=2).round(6).to_list()
        [1.0, 0.811278]
        >>> P.info.arr.entropy(axis=0, base=2).arr.to_list().list.eval(pl.element().round(6)).to_list()
        [[0.811278, 1.0]]

        """
        return self._value("entropy", axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy)

    def kl_div(
        self,
        q: Column | Cell,
        *,
        q_total: Total | None = None,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) along axes of the column.

        :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. Neither side needs to sum to one.

        Parameters
        ----------
        q
            The reference. A cell of q has the shape of p's cells, or that of their last axes; it is repeated along the
            others.

            * A column name, an expression or a Series: a cell for each of p.
            * Nested sequences of numbers, a NumPy array, a one-row Series, a literal or an aggregate: one cell for
              every row.
        q_total
            The total of each whole q, if q has more elements than its cell here: a number for all rows, a column name,
            an expression or a Series. All distributions in a cell share it. The rest, :math:`T - \sum_i q_i`, counts as
            one more element, with p = 0. For a rest below 0 see Notes.
        axis
            Axes to reduce, as in `entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left, named like p. One for each row, or, where axis
            0 is reduced, one per column, group or window. Float64, or Float32 if neither p nor q needs more. The values
            are those of `info.list.kl_div`.

        Raises
        ------
        TypeError, ValueError
            If `q`, `q_total`, `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold arrays of numbers, if their shapes do not match or if there is no such axis, when
            the plan is resolved. If a weight is missing under `"raise"`, when the query runs.

        Notes
        -----
        A rest below 0 by no more than 1e-6 of `q_total` is taken for rounding and counts as none. Below that it is a
        negative weight. A null `q_total` gives null, a NaN or an infinity NaN. What `"omit"` drops of q belongs to the
        rest.

        References
        ----------
        .. [1] Kullback, S., and Leibler, R. A., "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> P = pl.Series("P", [[1, 1], [9, 1]], dtype=pl.Array(pl.Int64, 2))
        >>> P.info.arr.kl_div([1, 1], base=2).round(6).to_list()
        [0.0, 0.531004]

        """
        return self._value(
            "kl_div", self._reference(q, q_total), axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy
        )

    def cross_entropy(
        self,
        q: Column | Cell,
        *,
        q_total: Total | None = None,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Cross-entropy of p relative to q along axes of the column.

        :math:`\mathrm{CE} = -\sum_i \frac{p_i}{P} \ln \frac{q_i}{Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. It is the entropy of p plus the divergence of p from q. Neither side needs to sum
        to one.

        Parameters
        ----------
        q
            The reference. A cell of q has the shape of p's cells, or that of their last axes; it is repeated along the
            others.

            * A column name, an expression or a Series: a cell for each of p.
            * Nested sequences of numbers, a NumPy array, a one-row Series, a literal or an aggregate: one cell for
              every row.
        q_total
            The total of each whole q, if q has more elements than its cell here: a number for all rows, a column name,
            an expression or a Series. All distributions in a cell share it. The rest, :math:`T - \sum_i q_i`, counts as
            one more element, with p = 0. For a rest below 0 see Notes.
        axis
            Axes to reduce, as in `entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left, named like p. One for each row, or, where axis
            0 is reduced, one per column, group or window. Float64, or Float32 if neither p nor q needs more. The values
            are those of `info.list.cross_entropy`.

        Raises
        ------
        TypeError, ValueError
            If `q`, `q_total`, `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold arrays of numbers, if their shapes do not match or if there is no such axis, when
            the plan is resolved. If a weight is missing under `"raise"`, when the query runs.

        Notes
        -----
        A rest below 0 by no more than 1e-6 of `q_total` is taken for rounding and counts as none. Below that it is a
        negative weight. A null `q_total` gives null, a NaN or an infinity NaN. What `"omit"` drops of q belongs to the
        rest.

        References
        ----------
        .. [1] Kerridge, D. F., "Inaccuracy and Inference", 1961.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> P = pl.Series("P", [[1, 1], [9, 1]], dtype=pl.Array(pl.Int64, 2))
        >>> P.info.arr.cross_entropy([9, 1], base=2).round(6).to_list()
        [1.736966, 0.468996]

        """
        return self._value(
            "cross_entropy", self._reference(q, q_total), axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy
        )

    def js_div(
        self,
        q: Column | Cell,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Jensen-Shannon divergence of p and q along axes of the column.

        :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with the
        shares :math:`a_i = p_i / \sum p`, :math:`b_i = q_i / \sum q` and their mean :math:`m_i = (a_i + b_i) / 2` [1]_.
        It is symmetric. It is the divergence, not its root: ``.sqrt()`` gives `scipy.spatial.distance.jensenshannon`.

        Parameters
        ----------
        q
            The reference. A cell of q has the shape of p's cells, or that of their last axes; it is repeated along the
            others.

            * A column name, an expression or a Series: a cell for each of p.
            * Nested sequences of numbers, a NumPy array, a one-row Series, a literal or an aggregate: one cell for
              every row.
        axis
            Axes to reduce, as in `entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left, named like p. One for each row, or, where axis
            0 is reduced, one per column, group or window. Float64, or Float32 if neither p nor q needs more. The values
            are those of `info.list.js_div`.

        Raises
        ------
        TypeError, ValueError
            If `q`, `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold arrays of numbers, if their shapes do not match or if there is no such axis, when
            the plan is resolved. If a weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Lin, J., "Divergence Measures Based on the Shannon Entropy", 1991.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> P = pl.Series("P", [[1, 0], [9, 1]], dtype=pl.Array(pl.Int64, 2))
        >>> P.info.arr.js_div([1, 1], base=2).round(6).to_list()
        [0.311278, 0.146793]

        """
        return self._value("js_div", self._reference(q), axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy)

    def psi(
        self,
        q: Column | Cell,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Population stability index of p and q along axes of the column.

        :math:`\mathrm{PSI} = \sum_i (a_i - b_i) \ln \frac{a_i}{b_i}` with the shares :math:`a_i = p_i / \sum p` and
        :math:`b_i = q_i / \sum q` [1]_. It is the sum of both divergences, and symmetric. Nothing is added to empty
        bins: smooth both sides first, with ``+ 0.5`` for counts.

        Parameters
        ----------
        q
            The reference. A cell of q has the shape of p's cells, or that of their last axes; it is repeated along the
            others.

            * A column name, an expression or a Series: a cell for each of p.
            * Nested sequences of numbers, a NumPy array, a one-row Series, a literal or an aggregate: one cell for
              every row.
        axis
            Axes to reduce, as in `entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left, named like p. One for each row, or, where axis
            0 is reduced, one per column, group or window. Float64, or Float32 if neither p nor q needs more. The values
            are those of `info.list.psi`.

        Raises
        ------
        TypeError, ValueError
            If `q`, `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold arrays of numbers, if their shapes do not match or if there is no such axis, when
            the plan is resolved. If a weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Jeffreys, H., "An Invariant Form for the Prior Probability in Estimation Problems", 1946.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> P = pl.Series("P", [[10, 30, 60], [20, 30, 50]], dtype=pl.Array(pl.Int64, 3))
        >>> P.info.arr.psi([20, 30, 50]).round(6).to_list()
        [0.087547, 0.0]

        """
        return self._value("psi", self._reference(q), axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy)
