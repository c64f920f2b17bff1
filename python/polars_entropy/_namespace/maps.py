"""The accessor `info.map`: distributions by key, whose supports may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars_entropy import _lowering as lowering
from polars_entropy import _reference as reference
from polars_entropy._namespace._base import Accessor, T

if TYPE_CHECKING:
    from polars_entropy._arguments import NanPolicy
    from polars_entropy._reference import Column, Distribution


class MapInfo(Accessor[T]):
    """Methods for Map columns, and for List columns of a Struct of two fields, key and weight. A row is a distribution.

    Keys are equal where `group_by` takes them for equal: null is equal to null, NaN to NaN, and 0.0 to -0.0. A key that
    one side lacks weighs 0 there. A key that occurs several times weighs the sum. The order of keys changes nothing.
    """

    def entropy(self, *, base: float | None = None, nan_policy: NanPolicy = "propagate") -> T:
        r"""Shannon entropy of each row of keys and weights.

        :math:`H = -\sum_k \frac{x_k}{S} \ln \frac{x_k}{S}` with :math:`S = \sum_k x_k` [1]_.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs. A key with a missing weight is missing as a whole.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: missing keys are dropped. If none is left the result is 0.0, as it is without any key.
            * `"raise"`: an error names the column, the row and the entry.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative. Float64, or Float32 if no weights need more.

            * Null for a row that is null.
            * 0.0 for an empty row.
            * NaN if a weight is infinite, or if the total is zero.
            * -inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold keys and weights, when the plan is resolved. If a weight is missing
            under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shops = pl.DataFrame({"shop": ["a", "a", "a", "b"], "bin": ["low", "mid", "low", "mid"], "n": [1, 2, 1, 7]})
        >>> maps = shops.group_by("shop", maintain_order=True).agg(pl.struct("bin", "n"))
        >>> maps.select(pl.col("bin").info.map.entropy(base=2)).to_series().to_list()
        [1.0, 0.0]

        """
        return self._finish(lowering.maps("entropy", self._p, base=base, nan_policy=nan_policy))

    def kl_div(
        self,
        q: Column | Distribution,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
        pseudo_count: float = 0.0,
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) of each row p from its row of q, by key.

        :math:`D = \sum_k \frac{p_k}{P} \ln \frac{p_k / P}{q_k / Q}` with :math:`P = \sum_k p_k`, :math:`Q =
        \sum_k q_k` [1]_. A key that q lacks weighs 0 there, and so does one that p lacks.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p.
            * A dict of keys and weights, a one-row Series, a literal or an aggregate: one distribution for every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs. A key with a missing weight is missing as a whole.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: missing keys are dropped, on both sides. If none is left the result is 0.0, as it is without any
              key.
            * `"raise"`: an error names the column, the row and the entry.
        pseudo_count
            A number that is added on both sides to every key that either side has. It is finite and not negative.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative. Float64, or Float32 if no weights need more.

            * Null for a row that is null in p or q.
            * 0.0 for two empty rows.
            * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
            * inf if a weight is negative, or if q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base`, `nan_policy` or `pseudo_count` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold keys and weights, or if their keys cannot be compared, when the plan is
            resolved. If a weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Kullback, S., and Leibler, R. A., "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> months = pl.DataFrame({"month": [1, 1, 2, 2], "bin": ["low", "mid", "mid", "high"], "n": [3, 1, 1, 1]})
        >>> maps = months.group_by("month", maintain_order=True).agg(pl.struct("bin", "n"))
        >>> maps.select(
        ...     pl.col("bin").info.map.kl_div({"low": 1, "mid": 1, "high": 2}, base=2).round(6),
        ...     smoothed=pl.col("bin").info.map.kl_div({"low": 1, "mid": 1}, base=2, pseudo_count=0.5).round(6),
        ... ).rows()
        [(1.188722, 0.118709), (0.5, 0.452846)]

        """
        return self._pair("kl_div", q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)

    def cross_entropy(
        self,
        q: Column | Distribution,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
        pseudo_count: float = 0.0,
    ) -> T:
        r"""Cross-entropy of each row p relative to its row of q, by key.

        :math:`\mathrm{CE} = -\sum_k \frac{p_k}{P} \ln \frac{q_k}{Q}` with :math:`P = \sum_k p_k`, :math:`Q =
        \sum_k q_k` [1]_. A key that q lacks weighs 0 there, and so does one that p lacks.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p.
            * A dict of keys and weights, a one-row Series, a literal or an aggregate: one distribution for every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs. A key with a missing weight is missing as a whole.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: missing keys are dropped, on both sides. If none is left the result is 0.0, as it is without any
              key.
            * `"raise"`: an error names the column, the row and the entry.
        pseudo_count
            A number that is added on both sides to every key that either side has. It is finite and not negative.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative. Float64, or Float32 if no weights need more.

            * Null for a row that is null in p or q.
            * 0.0 for two empty rows.
            * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
            * inf if a weight is negative, or if q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base`, `nan_policy` or `pseudo_count` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold keys and weights, or if their keys cannot be compared, when the plan is
            resolved. If a weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Kerridge, D. F., "Inaccuracy and Inference", 1961.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> coins = pl.DataFrame({"p": [[{"side": "head", "n": 1}, {"side": "tail", "n": 1}]]})
        >>> coins.select(pl.col("p").info.map.cross_entropy({"tail": 1, "head": 3}, base=2).round(6)).item()
        1.207519

        """
        return self._pair("cross_entropy", q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)

    def js_div(
        self,
        q: Column | Distribution,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
        pseudo_count: float = 0.0,
    ) -> T:
        r"""Jensen-Shannon divergence of each row p and its row of q, by key.

        :math:`\mathrm{JS} = \tfrac12 \sum_k a_k \ln \frac{a_k}{m_k} + \tfrac12 \sum_k b_k \ln \frac{b_k}{m_k}`
        with the shares :math:`a_k = p_k / \sum p`, :math:`b_k = q_k / \sum q` and their mean :math:`m_k = (a_k
        + b_k) / 2` [1]_. It is the divergence, not its root. A key that q lacks weighs 0 there, and so does one
        that p lacks.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p.
            * A dict of keys and weights, a one-row Series, a literal or an aggregate: one distribution for every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs. A key with a missing weight is missing as a whole.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: missing keys are dropped, on both sides. If none is left the result is 0.0, as it is without any
              key.
            * `"raise"`: an error names the column, the row and the entry.
        pseudo_count
            A number that is added on both sides to every key that either side has. It is finite and not negative.

        Returns
        -------
        Expr or Series
            One value per row, named like p, from 0 to ln 2, or to 1 with `base=2`. Float64, or Float32 if
            no weights need more.

            * Null for a row that is null in p or q.
            * 0.0 for two empty rows.
            * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
            * inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base`, `nan_policy` or `pseudo_count` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold keys and weights, or if their keys cannot be compared, when the plan is
            resolved. If a weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Lin, J., "Divergence Measures Based on the Shannon Entropy", 1991.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> words = pl.DataFrame({"p": [[{"w": "a", "n": 3}, {"w": "b", "n": 1}]], "q": [[{"w": "c", "n": 9}]]})
        >>> words.select(pl.col("p").info.map.js_div("q", base=2)).item()
        1.0

        """
        return self._pair("js_div", q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)

    def psi(
        self,
        q: Column | Distribution,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
        pseudo_count: float = 0.0,
    ) -> T:
        r"""Population stability index of each row p and its row of q, by key.

        :math:`\mathrm{PSI} = \sum_k (a_k - b_k) \ln \frac{a_k}{b_k}` with the shares :math:`a_k = p_k / \sum
        p`, :math:`b_k = q_k / \sum q` [1]_. It is the divergence of each from the other, added up. A key that q
        lacks weighs 0 there, and so does one that p lacks.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a row for each of p.
            * A dict of keys and weights, a one-row Series, a literal or an aggregate: one distribution for every row.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs. A key with a missing weight is missing as a whole.

            * `"propagate"`: the row's result is null if there is a null, else NaN.
            * `"omit"`: missing keys are dropped, on both sides. If none is left the result is 0.0, as it is without any
              key.
            * `"raise"`: an error names the column, the row and the entry.
        pseudo_count
            A number that is added on both sides to every key that either side has. It is finite and not negative.

        Returns
        -------
        Expr or Series
            One value per row, named like p and never negative. Float64, or Float32 if no weights need more.

            * Null for a row that is null in p or q.
            * 0.0 for two empty rows.
            * NaN if a weight is infinite, or if a total is zero, as that of one empty row is.
            * inf if a weight is negative, or if a key weighs nothing on one side alone.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base`, `nan_policy` or `pseudo_count` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold keys and weights, or if their keys cannot be compared, when the plan is
            resolved. If a weight is missing under `"raise"`, when the query runs.

        References
        ----------
        .. [1] Jeffreys, H., "An Invariant Form for the Prior Probability in Estimation Problems", 1946.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> words = pl.DataFrame({"p": [[{"w": "a", "n": 3}, {"w": "b", "n": 1}]], "q": [[{"w": "a", "n": 9}]]})
        >>> words.select(
        ...     pl.col("p").info.map.psi("q"),
        ...     pl.col("p").info.map.psi("q", pseudo_count=0.5).round(6).alias("smoothed"),
        ... ).row(0)
        (inf, 0.524285)

        """
        return self._pair("psi", q, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)

    def _pair(self, quantity: str, q: object, *, base: float | None, nan_policy: NanPolicy, pseudo_count: float) -> T:
        row = reference.maps(q, is_series=self._is_series)
        return self._finish(
            lowering.maps(quantity, self._p, row, base=base, nan_policy=nan_policy, pseudo_count=pseudo_count)
        )
