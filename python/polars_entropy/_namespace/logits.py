"""The accessors `info.list.logits` and `info.arr.logits`: rows and axes of unnormalised logarithms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars_entropy._namespace._base import AxesAccessor, RowAccessor, T

if TYPE_CHECKING:
    from polars_entropy._arguments import Axis, NanPolicy
    from polars_entropy._reference import Cell, Column, Vector


class ListLogits(RowAccessor[T]):
    """Methods for List columns of logits: unnormalised logarithms of shares, as before a softmax."""

    _INPUT = "logits."

    def entropy(
        self,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Shannon entropy of each row of logits.

        :math:`H = -\sum_i a_i \ln a_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` [1]_. Logits are
        logarithms of weights: adding a constant to all of a row changes nothing, and log-probabilities are logits.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing logits, which are nulls and NaNs.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: missing logits are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, never negative; a list of values per row if the lists are nested. Float64, or Float32 if
            the logits need no more, summed in Float64.

            * Null for a row that is null.
            * 0.0 for an empty row.
            * NaN if a logit is inf, or if all of them are -inf.

        Raises
        ------
        TypeError, ValueError
            If `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold lists of numbers, when the plan is resolved. If a logit is missing under
            `"raise"`, when the query runs.

        Notes
        -----
        The relative error is at most 1e-15, however far the largest logit is from the others.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> answers = pl.DataFrame({"z": [[2.0, 2.0], [40.0, 0.0], [0.0, float("-inf")]]})
        >>> answers.select(pl.col("z").info.list.logits.entropy(base=2).round_sig_figs(6)).to_series().to_list()
        [1.0, 2.51292e-16, 0.0]

        """
        return self._value("entropy", base=base, nan_policy=nan_policy)

    def kl_div(
        self,
        q: Column | Vector,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) of each row of logits p from its row of q.

        :math:`D = \sum_i a_i \ln \frac{a_i}{b_i}` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i
        = e^{w_i} / \sum_j e^{w_j}` [1]_. Logits are logarithms of weights: adding a constant to all of a row changes
        nothing, and log-probabilities are logits.

        Parameters
        ----------
        q
            The logits of the reference.

            * A column name, an expression or a Series: a row for each of p, of the same length.
            * A sequence of numbers, a NumPy vector, a one-row Series, a literal or an aggregate: one row of logits for
              every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative; a list of values per row if the lists are nested.
            Float64, or Float32 if neither p nor q needs more, summed in Float64.

            * Null for a row that is null in p or q.
            * 0.0 for an empty row.
            * NaN if a logit is inf, or if all logits of p, or of q, are -inf.
            * inf if a logit of q is -inf where that of p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold lists of numbers, when the plan is resolved. If two rows differ in length, or if a
            logit is missing under `"raise"`, when the query runs.

        Notes
        -----
        A finite logit of q, however low, leaves the result finite: a mask of -1e9 in q where p has the share a adds
        a·1e9.

        References
        ----------
        .. [1] Kullback, S., and Leibler, R. A., "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> models = pl.DataFrame({"z": [[0.0, 0.0], [3.0, 0.0]], "w": [[0.0, -1e9], [5.0, 2.0]]})
        >>> models.select(pl.col("z").info.list.logits.kl_div("w").round(6)).to_series().to_list()
        [499999999.306853, 0.0]

        """
        return self._value("kl_div", self._reference(q), base=base, nan_policy=nan_policy)

    def cross_entropy(
        self,
        q: Column | Vector,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Cross-entropy of each row of logits p relative to its row of q.

        :math:`\mathrm{CE} = -\sum_i a_i \ln b_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i
        = e^{w_i} / \sum_j e^{w_j}` [1]_. Logits are logarithms of weights: adding a constant to all of a row changes
        nothing, and log-probabilities are logits.

        Parameters
        ----------
        q
            The logits of the reference.

            * A column name, an expression or a Series: a row for each of p, of the same length.
            * A sequence of numbers, a NumPy vector, a one-row Series, a literal or an aggregate: one row of logits for
              every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative; a list of values per row if the lists are nested.
            Float64, or Float32 if neither p nor q needs more, summed in Float64.

            * Null for a row that is null in p or q.
            * 0.0 for an empty row.
            * NaN if a logit is inf, or if all logits of p, or of q, are -inf.
            * inf if a logit of q is -inf where that of p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold lists of numbers, when the plan is resolved. If two rows differ in length, or if a
            logit is missing under `"raise"`, when the query runs.

        Notes
        -----
        A finite logit of q, however low, leaves the result finite: a mask of -1e9 in q where p has the share a adds
        a·1e9.

        References
        ----------
        .. [1] Kerridge, D. F., "Inaccuracy and Inference", 1961.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> models = pl.DataFrame({"z": [[0.0, 0.0], [3.0, 0.0]]})
        >>> models.select(pl.col("z").info.list.logits.cross_entropy([0.0, 0.0], base=2)).to_series().to_list()
        [1.0, 1.0]

        """
        return self._value("cross_entropy", self._reference(q), base=base, nan_policy=nan_policy)

    def js_div(
        self,
        q: Column | Vector,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Jensen-Shannon divergence of each row of logits p and its row of q.

        :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with
        :math:`m_i = (a_i + b_i) / 2` and the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i = e^{w_i} /
        \sum_j e^{w_j}` [1]_. Logits are logarithms of weights: adding a constant to all of a row changes nothing, and
        log-probabilities are logits.

        Parameters
        ----------
        q
            The logits of the reference.

            * A column name, an expression or a Series: a row for each of p, of the same length.
            * A sequence of numbers, a NumPy vector, a one-row Series, a literal or an aggregate: one row of logits for
              every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, named like p, from 0 to ln 2, or to 1 with `base=2`; a list of values per row if the
            lists are nested. Float64, or Float32 if neither p nor q needs more, summed in Float64.

            * Null for a row that is null in p or q.
            * 0.0 for an empty row.
            * NaN if a logit is inf, or if all logits of p, or of q, are -inf.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold lists of numbers, when the plan is resolved. If two rows differ in length, or if a
            logit is missing under `"raise"`, when the query runs.

        Notes
        -----
        It is the divergence, not its root. A logit far below the others, such as the -1e9 of a mask, is a share of 0.

        References
        ----------
        .. [1] Lin, J., "Divergence Measures Based on the Shannon Entropy", 1991.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> models = pl.DataFrame({"z": [[0.0, 0.0], [50.0, 0.0]], "w": [[1.0, 1.0], [0.0, 50.0]]})
        >>> models.select(pl.col("z").info.list.logits.js_div("w", base=2).round(6)).to_series().to_list()
        [0.0, 1.0]

        """
        return self._value("js_div", self._reference(q), base=base, nan_policy=nan_policy)


class ArrayLogits(AxesAccessor[T]):
    """Methods for Array columns of logits, along the axes of `column.to_numpy()`."""

    _INPUT = "logits."

    def entropy(
        self,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Shannon entropy of logits along axes of the column.

        :math:`H = -\sum_i a_i \ln a_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` [1]_. Logits are
        logarithms of weights: adding a constant to all of a row changes nothing, and log-probabilities are logits.

        Parameters
        ----------
        axis
            Axes to reduce, as in `info.arr.entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing logits, which are nulls and NaNs.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: missing logits are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left. One for each row, or, where axis 0 is reduced,
            one per column, group or window. Float64, or Float32 if the logits need no more. The values are those of
            `info.list.logits.entropy`.

        Raises
        ------
        TypeError, ValueError
            If `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold arrays of numbers or has no such axis, when the plan is resolved. If a logit is
            missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> z = pl.Series("z", [[0.0, 0.0], [5.0, 5.0]], dtype=pl.Array(pl.Float64, 2))
        >>> z.info.arr.logits.entropy(base=2).to_list()
        [1.0, 1.0]

        """
        return self._value("entropy", axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy)

    def kl_div(
        self,
        q: Column | Cell,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) of logits p from those of q along axes of the column.

        :math:`D = \sum_i a_i \ln \frac{a_i}{b_i}` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i
        = e^{w_i} / \sum_j e^{w_j}` [1]_. Logits are logarithms of weights: adding a constant to all of a row changes
        nothing, and log-probabilities are logits.

        Parameters
        ----------
        q
            The logits of the reference, in the forms that `info.arr.kl_div` takes.
        axis
            Axes to reduce, as in `info.arr.entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left. One for each row, or, where axis 0 is reduced,
            one per column, group or window. Float64, or Float32 if neither p nor q needs more. The values are those of
            `info.list.logits.kl_div`.

        Raises
        ------
        TypeError, ValueError
            If `q`, `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold arrays of numbers, if their shapes do not match or if there is no such axis, when
            the plan is resolved. If a logit is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Kullback, S., and Leibler, R. A., "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> z = pl.Series("z", [[0.0, 0.0], [1.0, 0.0]], dtype=pl.Array(pl.Float64, 2))
        >>> z.info.arr.logits.kl_div([0.0, 0.0]).round(6).to_list()
        [0.0, 0.110944]

        """
        return self._value("kl_div", self._reference(q), axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy)

    def cross_entropy(
        self,
        q: Column | Cell,
        *,
        axis: Axis = -1,
        keepdims: bool = False,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Cross-entropy of logits p relative to those of q along axes of the column.

        :math:`\mathrm{CE} = -\sum_i a_i \ln b_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i
        = e^{w_i} / \sum_j e^{w_j}` [1]_. Logits are logarithms of weights: adding a constant to all of a row changes
        nothing, and log-probabilities are logits.

        Parameters
        ----------
        q
            The logits of the reference, in the forms that `info.arr.kl_div` takes.
        axis
            Axes to reduce, as in `info.arr.entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left. One for each row, or, where axis 0 is reduced,
            one per column, group or window. Float64, or Float32 if neither p nor q needs more. The values are those of
            `info.list.logits.cross_entropy`.

        Raises
        ------
        TypeError, ValueError
            If `q`, `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold arrays of numbers, if their shapes do not match or if there is no such axis, when
            the plan is resolved. If a logit is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Kerridge, D. F., "Inaccuracy and Inference", 1961.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> z = pl.Series("z", [[0.0, 0.0], [1.0, 0.0]], dtype=pl.Array(pl.Float64, 2))
        >>> z.info.arr.logits.cross_entropy([0.0, 0.0], base=2).to_list()
        [1.0, 1.0]

        """
        return self._value(
            "cross_entropy", self._reference(q), axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy
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
        r"""Jensen-Shannon divergence of logits p and those of q along axes of the column.

        :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with
        :math:`m_i = (a_i + b_i) / 2` and the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i = e^{w_i} /
        \sum_j e^{w_j}` [1]_. Logits are logarithms of weights: adding a constant to all of a row changes nothing, and
        log-probabilities are logits.

        Parameters
        ----------
        q
            The logits of the reference, in the forms that `info.arr.kl_div` takes.
        axis
            Axes to reduce, as in `info.arr.entropy`.
        keepdims
            Keep reduced axes, with width 1.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: a result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            Cells without the reduced axes, or values if no axis is left. One for each row, or, where axis 0 is reduced,
            one per column, group or window. Float64, or Float32 if neither p nor q needs more. The values are those of
            `info.list.logits.js_div`.

        Raises
        ------
        TypeError, ValueError
            If `q`, `axis`, `keepdims`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold arrays of numbers, if their shapes do not match or if there is no such axis, when
            the plan is resolved. If a logit is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Lin, J., "Divergence Measures Based on the Shannon Entropy", 1991.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> z = pl.Series("z", [[0.0, 0.0], [1.0, 0.0]], dtype=pl.Array(pl.Float64, 2))
        >>> z.info.arr.logits.js_div([0.0, 0.0], base=2).round(6).to_list()
        [0.0, 0.041168]

        """
        return self._value("js_div", self._reference(q), axis=axis, keepdims=keepdims, base=base, nan_policy=nan_policy)
