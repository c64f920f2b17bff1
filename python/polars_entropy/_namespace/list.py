"""The accessor `info.list`: rows of List columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from polars_entropy import _lowering as lowering
from polars_entropy import _reference as reference
from polars_entropy._namespace._base import RowAccessor, T
from polars_entropy._namespace.logits import ListLogits
from polars_entropy._namespace.values import ListValues

if TYPE_CHECKING:
    from polars_entropy._arguments import Estimator, NanPolicy
    from polars_entropy._reference import Column, Reference, Total, Vector


class ListInfo(RowAccessor[T]):
    """Methods for List columns of numbers. Each row is a distribution; of nested lists, each list of numbers is one."""

    @property
    def logits(self) -> ListLogits[T]:
        """Methods for rows of logits, which are unnormalised logarithms of shares."""
        return ListLogits(self._p, self._finish, self._series)

    @property
    def values(self) -> ListValues[T]:
        """Methods for rows of observed values, of which it counts how often each occurs."""
        return ListValues(self._p, self._finish, self._series)

    def entropy(
        self, *, base: float | None = None, nan_policy: NanPolicy = "propagate", estimator: Estimator = "plugin"
    ) -> T:
        r"""Shannon entropy of each row.

        :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i` [1]_. The weights need not sum
        to one. In a nested list the innermost level is reduced.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: missing weights are dropped. If none is left the result is 0.0, as it is without any weight.
              `pl.when(pl.col("p").list.drop_nulls().list.len() > 0)` sets such apart.
            * `"raise"`: an error names the column, the row and the element.

        estimator
            Estimator of the entropy of what the weights were counted in. But for `"plugin"` they have to be integers.

            * `"plugin"`: the formula above, which is too low by some :math:`(K - 1) / 2S` for K categories.
            * `"miller_madow"`: with that bias added [2]_. It helps where most categories were counted several times.
            * `"chao_shen"`: with room for categories that were not observed [3]_. It helps where many were counted
              once.

        Returns
        -------
        Expr or Series
            One value per row, never negative; a list of values per row if the lists are nested. Float64, or Float32 for
            Float32 and Float16 weights, which are summed in Float64.

            * Null for a null row.
            * 0.0 for an empty row.
            * NaN if a weight is infinite, or if the total is zero.
            * -inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `base`, `nan_policy` or `estimator` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold lists of numbers, or of integers where the estimator needs them, when the plan
            is resolved. If a weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.
        .. [2] Miller, G. A., "Note on the Bias of Information Estimates", 1955.
        .. [3] Chao, A., and Shen, T.-J., "Nonparametric Estimation of Shannon's Index of Diversity When There Are
           Unseen Species in Sample", 2003.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> coins = pl.DataFrame({"p": [[1, 1], [9, 1], [1, None], None]})
        >>> coins.select(pl.col("p").info.list.entropy(base=2).round(6)).to_series().to_list()
        [1.0, 0.468996, None, None]

        """
        return self._value(lowering.by("entropy", estimator), base=base, nan_policy=nan_policy)

    def kl_div(
        self,
        q: Column | Vector,
        *,
        q_total: Total | None = None,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) of each row p from its row of q.

        :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. Neither side needs to sum to one. In a nested list the innermost level is reduced.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p, of the same length.
            * A sequence of numbers, a NumPy vector, a one-row Series, a literal or an aggregate: one distribution for
              every row.
        q_total
            The total of each whole q, if q has more elements than its row here: a number for all rows, a column name,
            an expression or a Series. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. For a
            rest below 0 see Notes.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("p").list.drop_nulls().list.len() > 0)` sets such apart.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative; a list of values per row if the lists are nested.
            Float64, or Float32 if neither p nor q needs more.

            * Null for a row that is null in p or q.
            * 0.0 for an empty row.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative, or if q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `q_total`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold lists of numbers, when the plan is resolved. If two rows differ in length, or if a
            weight is missing under `"raise"`, when the query runs.

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
        return self._value("kl_div", self._reference(q, q_total), base=base, nan_policy=nan_policy)

    def cross_entropy(
        self,
        q: Column | Vector,
        *,
        q_total: Total | None = None,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Cross-entropy of each row p relative to its row of q.

        :math:`\mathrm{CE} = -\sum_i \frac{p_i}{P} \ln \frac{q_i}{Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. It is the entropy of p plus the divergence of p from q. Neither side needs to sum
        to one. In a nested list the innermost level is reduced.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p, of the same length.
            * A sequence of numbers, a NumPy vector, a one-row Series, a literal or an aggregate: one distribution for
              every row.
        q_total
            The total of each whole q, if q has more elements than its row here: a number for all rows, a column name,
            an expression or a Series. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. For a
            rest below 0 see Notes.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("p").list.drop_nulls().list.len() > 0)` sets such apart.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative; a list of values per row if the lists are nested.
            Float64, or Float32 if neither p nor q needs more.

            * Null for a row that is null in p or q.
            * 0.0 for an empty row.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative, or if q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `q_total`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold lists of numbers, when the plan is resolved. If two rows differ in length, or if a
            weight is missing under `"raise"`, when the query runs.

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
        >>> topics = pl.DataFrame({"p": [[1.0, 1.0], [9.0, 1.0]], "q": [[9.0, 1.0], [1.0, 1.0]]})
        >>> topics.select(pl.col("p").info.list.cross_entropy("q", base=2).round(6)).to_series().to_list()
        [1.736966, 1.0]

        """
        return self._value("cross_entropy", self._reference(q, q_total), base=base, nan_policy=nan_policy)

    def js_div(
        self,
        q: Column | Vector,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Jensen-Shannon divergence of each row p and its row of q.

        :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with the
        shares :math:`a_i = p_i / \sum p`, :math:`b_i = q_i / \sum q` and their mean :math:`m_i = (a_i + b_i) / 2` [1]_.
        It is symmetric. It is the divergence, not its root: ``.sqrt()`` gives `scipy.spatial.distance.jensenshannon`.
        In a nested list the innermost level is reduced.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p, of the same length.
            * A sequence of numbers, a NumPy vector, a one-row Series, a literal or an aggregate: one distribution for
              every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("p").list.drop_nulls().list.len() > 0)` sets such apart.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, named like p, from 0 to ln 2, or to 1 with `base=2`; a list of values per row if the
            lists are nested. Float64, or Float32 if neither p nor q needs more.

            * Null for a row that is null in p or q.
            * 0.0 for an empty row.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold lists of numbers, when the plan is resolved. If two rows differ in length, or if a
            weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Lin, J., "Divergence Measures Based on the Shannon Entropy", 1991.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> topics = pl.DataFrame({"p": [[1.0, 0.0], [9.0, 1.0]], "q": [[0.0, 1.0], [1.0, 1.0]]})
        >>> topics.select(pl.col("p").info.list.js_div("q", base=2).round(6)).to_series().to_list()
        [1.0, 0.146793]

        """
        return self._value("js_div", self._reference(q), base=base, nan_policy=nan_policy)

    def psi(
        self,
        q: Column | Vector,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Population stability index of each row p and its row of q.

        :math:`\mathrm{PSI} = \sum_i (a_i - b_i) \ln \frac{a_i}{b_i}` with the shares :math:`a_i = p_i / \sum p` and
        :math:`b_i = q_i / \sum q` [1]_. It is the sum of both divergences, and symmetric. Nothing is added to empty
        bins: smooth both sides first, with ``+ 0.5`` for counts. In a nested list the innermost level is reduced.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p, of the same length.
            * A sequence of numbers, a NumPy vector, a one-row Series, a literal or an aggregate: one distribution for
              every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("p").list.drop_nulls().list.len() > 0)` sets such apart.
            * `"raise"`: an error names the column, the row and the element.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative; a list of values per row if the lists are nested.
            Float64, or Float32 if neither p nor q needs more.

            * Null for a row that is null in p or q.
            * 0.0 for an empty row.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative, or if one of p and q is 0 where the other is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold lists of numbers, when the plan is resolved. If two rows differ in length, or if a
            weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Jeffreys, H., "An Invariant Form for the Prior Probability in Estimation Problems", 1946.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> bins = pl.DataFrame({"now": [[10, 30, 60], [50, 50, 0]], "before": [[20, 30, 50], [50, 40, 10]]})
        >>> bins.select(pl.col("now").info.list.psi("before").round(6)).to_series().to_list()
        [0.087547, inf]

        """
        return self._value("psi", self._reference(q), base=base, nan_policy=nan_policy)

    def entropy_state(self, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of each row, for the entropy of several rows together.

        `info.merge` computes the entropy of the whole, :math:`H = \sum_i w_i H_i + H(w)`. The rows must hold different
        events.

        Parameters
        ----------
        nan_policy
            As in `entropy`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per row, with the fields of `info.entropy_state`. For a null row the field `rule` is 3.

        Raises
        ------
        ValueError
            If `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `entropy`.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[1, 1], [2]]}).select(state=pl.col("p").info.list.entropy_state())
        >>> shards.select(pl.col("state").struct.field("entropy").round(6)).to_series().to_list()
        [0.693147, 0.0]
        >>> shards.select(pl.col("state").info.merge(base=2)).item()
        1.5

        """
        return self._state("entropy", nan_policy=nan_policy)

    def kl_div_state(self, q: Column | Vector, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of each row p and its row of q, for the divergence of several rows together.

        `info.merge` computes the divergence of the whole, :math:`D = \sum_i w_i D_i + D(w \Vert v)`. The rows must hold
        different events, with both sides of an event in one row.

        Parameters
        ----------
        q
            The reference, as in `kl_div`.
        nan_policy
            As in `kl_div`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per row, with the fields of `info.kl_div_state`. For a null row the field `rule` is 3. The error of
            the divergence is relative.

        Raises
        ------
        TypeError, ValueError
            If `q` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `kl_div`.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[9, 1]]}).select(state=pl.col("p").info.list.kl_div_state([1, 1]))
        >>> shards.select(pl.col("state").info.merge(base=2).round(6)).item()
        0.531004

        """
        return self._state("kl_div", self._reference(q), nan_policy=nan_policy)

    def cross_entropy_state(self, q: Column | Vector, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of each row p and its row of q, for the cross-entropy of several rows together.

        `info.merge` computes the cross-entropy of the whole,
        :math:`\mathrm{CE} = \sum_i w_i \mathrm{CE}_i - \sum_i w_i \ln v_i`. The rows must hold
        different events, with both sides of an event in one row.

        Parameters
        ----------
        q
            The reference, as in `cross_entropy`.
        nan_policy
            As in `cross_entropy`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per row, with the fields of `info.cross_entropy_state`. For a null row the field `rule` is 3.

        Raises
        ------
        TypeError, ValueError
            If `q` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `cross_entropy`.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[9, 1]]}).select(state=pl.col("p").info.list.cross_entropy_state([1, 1]))
        >>> shards.select(pl.col("state").info.merge(base=2).round(6)).item()
        1.0

        """
        return self._state("cross_entropy", self._reference(q), nan_policy=nan_policy)

    def psi_state(self, q: Column | Vector, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of each row p and its row of q, for the stability index of several rows together.

        `info.merge` computes the index of the whole, :math:`D(p \Vert q) + D(q \Vert p)`. The rows must hold
        different events, with both sides of an event in one row.

        Parameters
        ----------
        q
            The reference, as in `psi`.
        nan_policy
            As in `psi`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per row, with the fields of `info.psi_state`. For a null row the field `rule` is 3. The error
            is relative.

        Raises
        ------
        TypeError, ValueError
            If `q` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `psi`.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[10, 30, 60]]}).select(state=pl.col("p").info.list.psi_state([20, 30, 50]))
        >>> shards.select(pl.col("state").info.merge().round(6)).item()
        0.087547

        """
        return self._state("psi", self._reference(q), nan_policy=nan_policy)

    def js_div_state(self, q: Column | Vector, *, nan_policy: NanPolicy = "propagate") -> NoReturn:
        r"""Refuse: the Jensen-Shannon divergence has no state.

        The mixture :math:`m_i = (a_i + b_i) / 2` is of shares, which need both totals before anything can be summed.
        Keep the weights, or rows of them, and write `js_div` where all of them are together.

        Returns
        -------
        Nothing.

        Raises
        ------
        ValueError
            Always, when the expression is built.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> pl.col("p").info.list.js_div_state("q")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: js_div has no state: its value for a whole does not follow from values of the parts...

        """
        self._state("js_div", self._reference(q), nan_policy=nan_policy)
        raise AssertionError

    def _state(self, quantity: str, q: Reference = reference.ABSENT, *, nan_policy: NanPolicy) -> T:
        return self._finish(lowering.rows_state(quantity, self._p, q, nan_policy=nan_policy))
