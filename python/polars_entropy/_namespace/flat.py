"""The accessor `info`: columns, groups and windows, their elements, and states."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from polars_entropy import _lowering as lowering
from polars_entropy._namespace._base import FlatAccessor, T
from polars_entropy._namespace.array import ArrayInfo
from polars_entropy._namespace.characters import BinInfo, StrInfo
from polars_entropy._namespace.list import ListInfo
from polars_entropy._namespace.maps import MapInfo
from polars_entropy._namespace.values import ValuesInfo

if TYPE_CHECKING:
    from polars_entropy._arguments import Estimator, NanPolicy
    from polars_entropy._reference import Column, Total, Vector


class Info(FlatAccessor[T]):
    """Methods for columns of numbers. A column, a group or a window is one distribution."""

    @property
    def list(self) -> ListInfo[T]:
        """Methods for List columns, in which each row is a distribution."""
        return ListInfo(self._p, self._finish, self._series)

    @property
    def arr(self) -> ArrayInfo[T]:
        """Methods for Array columns, along the axes of `column.to_numpy()`."""
        return ArrayInfo(self._p, self._finish, self._series)

    @property
    def map(self) -> MapInfo[T]:
        """Methods for Map columns, and for List columns of keys and weights, in which each row is a distribution."""
        return MapInfo(self._p, self._finish, self._series)

    @property
    def values(self) -> ValuesInfo[T]:
        """Methods for columns of observed values of any dtype, of which it counts how often each occurs."""
        return ValuesInfo(self._p, self._finish, self._series)

    @property
    def str(self) -> StrInfo[T]:
        """Methods for String columns, in which each text is a distribution of characters."""
        return StrInfo(self._p, self._finish, self._series)

    @property
    def bin(self) -> BinInfo[T]:
        """Methods for Binary columns, in which each row is a distribution of bytes."""
        return BinInfo(self._p, self._finish, self._series)

    def entropy(
        self, *, base: float | None = None, nan_policy: NanPolicy = "propagate", estimator: Estimator = "plugin"
    ) -> T:
        r"""Shannon entropy of a column, group or window of weights.

        :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i` [1]_. The weights need not sum
        to one.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of missing weights, which are nulls and NaNs.

            * `"propagate"`: the result is null if there is a null, else NaN.
            * `"omit"`: missing weights are dropped. If none is left the result is 0.0, as it is without any weight.
              `pl.when(pl.col("x").count() > 0)` sets such apart.
            * `"raise"`: an error names the column and the row.

        estimator
            Estimator of the entropy of what the weights were counted in. But for `"plugin"` they have to be integers.

            * `"plugin"`: the formula above, which is too low by some :math:`(K - 1) / 2S` for K categories.
            * `"miller_madow"`: with that bias added [2]_. It helps where most categories were counted several times.
            * `"chao_shen"`: with room for categories that were not observed [3]_. It helps where many were counted
              once.

        Returns
        -------
        Expr or Series
            One value per column, group or window, never negative. Float64, or Float32 for Float32 and Float16 weights,
            which are summed in Float64.

            * 0.0 if there are no weights.
            * NaN if a weight is infinite, or if the total is zero.
            * -inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `base`, `nan_policy` or `estimator` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold numbers, or integers where the estimator needs them, when the plan is resolved.
            If a weight is missing under `"raise"`, when the query runs.

        Notes
        -----
        This is an aggregation: it gives one value in `select`, one per group in `group_by(...).agg`, and one per window
        in `over`, `rolling` and `group_by_dynamic`. A streaming query computes it in the engine's own group-by.

        The error is absolute, at most ``1e-14 * (1 + abs(ln(S)))`` for up to a million rows. One case exceeds this
        bound: a streaming group-by over many weights that are each below 1e-11 of the total. Weights beyond 1e228 have
        the error of the engine's own sums. For a small relative error, gather the group into a row:
        ``pl.col("x").implode().info.list.entropy()``.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.
        .. [2] Miller, G. A., "Note on the Bias of Information Estimates", 1955.
        .. [3] Chao, A., and Shen, T.-J., "Nonparametric Estimation of Shannon's Index of Diversity When There Are
           Unseen Species in Sample", 2003.

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
        return self._value(lowering.by("entropy", estimator), base=base, nan_policy=nan_policy)

    def kl_div(
        self,
        q: Column | Vector | float,
        *,
        q_total: Total | None = None,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Kullback-Leibler divergence D(p‖q) of a column, group or window p from q.

        :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. Neither side needs to sum to one.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a weight for each of p.
            * One number or aggregate: a uniform q.
            * A sequence of numbers or a NumPy vector: a weight for each row of the frame, in `select`. In a group, join
              it in as a column first.
        q_total
            The total of all of q, if q has more rows than p has: a number, an aggregate, or a column of one and the
            same number. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. For a rest below 0
            see Notes.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("x").count() > 0)` sets such apart.
            * `"raise"`: an error names the column and the row.

        Returns
        -------
        Expr or Series
            One value per column, group or window, named like p and never negative. Float64, or Float32 if neither p nor
            q needs more.

            * 0.0 if there are no weights.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative, or if q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `q_total`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold numbers, when the plan is resolved. If p and q differ in length, or if a weight is
            missing under `"raise"`, when the query runs.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        A rest below 0 by no more than 1e-6 of `q_total` is taken for rounding and counts as none. Below that it is a
        negative weight. A null `q_total` gives null, a NaN or an infinity NaN. What `"omit"` drops of q belongs to the
        rest.

        The error is absolute, at most ``1e-14 * (1 + abs(ln(P/Q)) + D)`` for up to a million rows. One case exceeds
        this bound: a streaming group-by over many weights that are each below 1e-11 of their total. Weights beyond
        1e228 have the error of the engine's own sums. For a small relative error, gather both sides into rows:
        ``pl.col("p").implode().info.list.kl_div(pl.col("q").implode())``.

        References
        ----------
        .. [1] Kullback, S., and Leibler, R. A., "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> flips = pl.DataFrame({"biased": [9, 1], "fair": [1, 1]})
        >>> flips.select(pl.col("biased").info.kl_div("fair", base=2).round(6)).item()
        0.531004

        """
        return self._value("kl_div", self._reference(q, q_total), base=base, nan_policy=nan_policy)

    def cross_entropy(
        self,
        q: Column | Vector | float,
        *,
        q_total: Total | None = None,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Cross-entropy of a column, group or window p relative to q.

        :math:`\mathrm{CE} = -\sum_i \frac{p_i}{P} \ln \frac{q_i}{Q}` with :math:`P = \sum_i p_i`,
        :math:`Q = \sum_i q_i` [1]_. It is the entropy of p plus the divergence of p from q. Neither side needs to sum
        to one.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a weight for each of p.
            * One number or aggregate: a uniform q.
            * A sequence of numbers or a NumPy vector: a weight for each row of the frame, in `select`. In a group, join
              it in as a column first.
        q_total
            The total of all of q, if q has more rows than p has: a number, an aggregate, or a column of one and the
            same number. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. For a rest below 0
            see Notes.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("x").count() > 0)` sets such apart.
            * `"raise"`: an error names the column and the row.

        Returns
        -------
        Expr or Series
            One value per column, group or window, named like p and never negative. Float64, or Float32 if neither p nor
            q needs more.

            * 0.0 if there are no weights.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative, or if q is 0 where p is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `q_total`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold numbers, when the plan is resolved. If p and q differ in length, or if a weight is
            missing under `"raise"`, when the query runs.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        A rest below 0 by no more than 1e-6 of `q_total` is taken for rounding and counts as none. Below that it is a
        negative weight. A null `q_total` gives null, a NaN or an infinity NaN. What `"omit"` drops of q belongs to the
        rest.

        The error is absolute, at most ``1e-14 * (1 + abs(ln(Q)) + CE)`` for up to a million rows. One case exceeds
        this bound: a streaming group-by over many weights that are each below 1e-11 of their total. Weights beyond
        1e228 have the error of the engine's own sums. For a small relative error, gather both sides into rows:
        ``pl.col("p").implode().info.list.cross_entropy(pl.col("q").implode())``.

        References
        ----------
        .. [1] Kerridge, D. F., "Inaccuracy and Inference", 1961.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> flips = pl.DataFrame({"biased": [9, 1], "fair": [1, 1]})
        >>> flips.select(pl.col("fair").info.cross_entropy("biased", base=2).round(6)).item()
        1.736966

        """
        return self._value("cross_entropy", self._reference(q, q_total), base=base, nan_policy=nan_policy)

    def js_div(
        self,
        q: Column | Vector | float,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Jensen-Shannon divergence of a column, group or window p and q.

        :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with the
        shares :math:`a_i = p_i / \sum p`, :math:`b_i = q_i / \sum q` and their mean :math:`m_i = (a_i + b_i) / 2` [1]_.
        It is symmetric. It is the divergence, not its root: ``.sqrt()`` gives `scipy.spatial.distance.jensenshannon`.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a weight for each of p.
            * One number or aggregate: a uniform q.
            * A sequence of numbers or a NumPy vector: a weight for each row of the frame, in `select`. In a group, join
              it in as a column first.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("x").count() > 0)` sets such apart.
            * `"raise"`: an error names the column and the row.

        Returns
        -------
        Expr or Series
            One value per column, group or window, named like p, from 0 to ln 2, or to 1 with `base=2`. Float64, or
            Float32 if neither p nor q needs more.

            * 0.0 if there are no weights.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold numbers, when the plan is resolved. If p and q differ in length, or if a weight is
            missing under `"raise"`, when the query runs.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        Each group is gathered into a row, so it takes memory for all of its weights: there are no sums of weights from
        which the value could be told. The relative error is that of `info.list.js_div`.

        References
        ----------
        .. [1] Lin, J., "Divergence Measures Based on the Shannon Entropy", 1991.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> flips = pl.DataFrame({"biased": [9, 1], "fair": [1, 1]})
        >>> flips.select(pl.col("biased").info.js_div("fair", base=2).round(6)).item()
        0.146793

        """
        return self._value("js_div", self._reference(q), base=base, nan_policy=nan_policy)

    def psi(
        self,
        q: Column | Vector | float,
        *,
        base: float | None = None,
        nan_policy: NanPolicy = "propagate",
    ) -> T:
        r"""Population stability index of a column, group or window p and q.

        :math:`\mathrm{PSI} = \sum_i (a_i - b_i) \ln \frac{a_i}{b_i}` with the shares :math:`a_i = p_i / \sum p` and
        :math:`b_i = q_i / \sum q` [1]_. It is the sum of both divergences, and symmetric. Nothing is added to empty
        bins: smooth both sides first, with ``+ 0.5`` for counts.

        Parameters
        ----------
        q
            The reference.

            * A column name, an expression or a Series: a weight for each of p.
            * One number or aggregate: a uniform q.
            * A sequence of numbers or a NumPy vector: a weight for each row of the frame, in `select`. In a group, join
              it in as a column first.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null or a NaN.

            * `"propagate"`: the result is null if there is a null, else NaN.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
              `pl.when(pl.col("x").count() > 0)` sets such apart.
            * `"raise"`: an error names the column and the row.

        Returns
        -------
        Expr or Series
            One value per column, group or window, named like p and never negative. Float64, or Float32 if neither p nor
            q needs more.

            * 0.0 if there are no weights.
            * NaN if a weight is infinite, or if a total is zero.
            * inf if a weight is negative, or if one of p and q is 0 where the other is not.

        Raises
        ------
        TypeError, ValueError
            If `q`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If p or q does not hold numbers, when the plan is resolved. If p and q differ in length, or if a weight is
            missing under `"raise"`, when the query runs.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        The error is absolute, at most ``1e-14 * (1 + abs(ln(P/Q)) + PSI)`` for up to a million rows, with the
        exceptions of `kl_div`. For a small relative error, gather both sides into rows:
        ``pl.col("p").implode().info.list.psi(pl.col("q").implode())``.

        References
        ----------
        .. [1] Jeffreys, H., "An Invariant Form for the Prior Probability in Estimation Problems", 1946.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> bins = pl.DataFrame({"now": [10, 30, 60], "before": [20, 30, 50]})
        >>> bins.select((pl.col("now") + 0.5).info.psi(pl.col("before") + 0.5).round(6)).item()
        0.083716

        """
        return self._value("psi", self._reference(q), base=base, nan_policy=nan_policy)

    def entropy_state(self, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of a column, group or window, for the entropy of several of them together.

        `merge` computes the entropy of the whole from the states of its parts, such as days or shards. It uses
        Shannon's grouping rule, :math:`H = \sum_i w_i H_i + H(w)` with :math:`w_i = S_i / S` [1]_. The parts must hold
        different events.

        Parameters
        ----------
        nan_policy
            As in `entropy`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per column, group or window, with these fields:

            * `mass` (Float64): the total of the weights, times 2⁻²⁰ so that it does not overflow.
            * `entropy` (Float64): the entropy in nats.
            * `rule` (Int32): the number of the rule that the weights call for, see Notes.
            * `single` (Boolean): True. The field is there only if the weights are Float32 or Float16, and makes the
              merge Float32.

        Raises
        ------
        ValueError
            If `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `entropy`.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        The first rule that applies gives the field `rule`. The numbers stay the same in later versions.

        * 3: a weight is null.
        * 4: there are no weights.
        * 5: a weight is NaN or infinite.
        * 6: a weight is negative.
        * 7: the total is zero.
        * 9: none of these.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948, §6.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> sales = pl.DataFrame({"day": [1, 1, 2, 2], "units": [1, 1, 1, 1]})
        >>> days = sales.group_by("day").agg(state=pl.col("units").info.entropy_state())
        >>> days.select(pl.col("state").info.merge(base=2)).item()
        2.0

        """
        return self._state("entropy", nan_policy=nan_policy)

    def kl_div_state(self, q: Column | Vector | float, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of a column, group or window p and its q, for the divergence of several of them together.

        `merge` computes the divergence of the whole from the states of its parts, such as days or shards. It uses the
        chain rule, :math:`D = \sum_i w_i D_i + D(w \Vert v)` with :math:`w_i = P_i / P`, :math:`v_i = Q_i / Q` [1]_.
        The parts must hold different events, with both sides of an event in one part.

        Parameters
        ----------
        q
            The reference, as in `kl_div`.
        nan_policy
            As in `kl_div`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per column, group or window, with these fields:

            * `mass_p`, `mass_q` (Float64): the totals of p and q, times 2⁻²⁰ so that they do not overflow.
            * `excess` (Float64): the total of q - p, times 2⁻²⁰. It has the digits that nearly equal totals differ in.
            * `kl_div` (Float64): the divergence in nats.
            * `rule` (Int32): the number of the rule that the pairs call for, see Notes.
            * `single` (Boolean): True. The field is there only if `kl_div` is Float32, and makes the merge Float32.

        Raises
        ------
        TypeError, ValueError
            If `q` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `kl_div`.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        The error of the divergence is relative for p near q with the same total. Otherwise it is that of `kl_div`.

        The first rule that applies gives the field `rule`. The numbers stay the same in later versions.

        * 3: a weight is null.
        * 4: there are no pairs.
        * 5: a weight is NaN or infinite.
        * 6: a weight is negative.
        * 7: the total of p is zero.
        * 8: q is 0 where p is not.
        * 9: none of these.

        References
        ----------
        .. [1] Kullback, S., and Leibler, R. A., "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> flips = pl.DataFrame({"part": [1, 2], "biased": [9, 1], "fair": [1, 1]})
        >>> parts = flips.group_by("part").agg(state=pl.col("biased").info.kl_div_state("fair"))
        >>> parts.select(pl.col("state").info.merge(base=2).round(6)).item()
        0.531004

        """
        return self._state("kl_div", self._reference(q), nan_policy=nan_policy)

    def cross_entropy_state(self, q: Column | Vector | float, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of a column, group or window p and its q, for the cross-entropy of several of them together.

        `merge` computes the cross-entropy of the whole from the states of its parts, such as days or shards. It uses
        :math:`\mathrm{CE} = \sum_i w_i \mathrm{CE}_i - \sum_i w_i \ln v_i` with :math:`w_i = P_i / P`,
        :math:`v_i = Q_i / Q`. The parts must hold different events, with both sides of an event in one part.

        Parameters
        ----------
        q
            The reference, as in `cross_entropy`.
        nan_policy
            As in `cross_entropy`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per column, group or window, with these fields:

            * `mass_p`, `mass_q` (Float64): the totals of p and q, times 2⁻²⁰ so that they do not overflow.
            * `cross_entropy` (Float64): the cross-entropy in nats.
            * `rule` (Int32): the number of the rule that the pairs call for, see Notes.
            * `single` (Boolean): True. The field is there only if `cross_entropy` is Float32, and makes the merge
              Float32.

        Raises
        ------
        TypeError, ValueError
            If `q` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `cross_entropy`.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        The first rule that applies gives the field `rule`. The numbers stay the same in later versions.

        * 3: a weight is null.
        * 4: there are no pairs.
        * 5: a weight is NaN or infinite.
        * 6: a weight is negative.
        * 7: the total of p is zero.
        * 8: q is 0 where p is not.
        * 9: none of these.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> flips = pl.DataFrame({"part": [1, 2], "biased": [9, 1], "fair": [1, 1]})
        >>> parts = flips.group_by("part").agg(state=pl.col("fair").info.cross_entropy_state("biased"))
        >>> parts.select(pl.col("state").info.merge(base=2).round(6)).item()
        1.736966

        """
        return self._state("cross_entropy", self._reference(q), nan_policy=nan_policy)

    def psi_state(self, q: Column | Vector | float, *, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mergeable state of a column, group or window p and its q, for the stability index of several together.

        `merge` computes the index of the whole from the states of its parts, such as days or shards. Each of the two
        divergences merges by its chain rule, as in `kl_div_state`, and :math:`\mathrm{PSI} = D(p \Vert q) + D(q \Vert
        p)`. The parts must hold different events, with both sides of an event in one part.

        Parameters
        ----------
        q
            The reference, as in `psi`.
        nan_policy
            As in `psi`. It is applied here: a merge has no policy.

        Returns
        -------
        Expr or Series
            A Struct per column, group or window, with these fields:

            * `mass_p`, `mass_q` (Float64): the totals of p and q, times 2⁻²⁰ so that they do not overflow.
            * `excess` (Float64): the total of q - p, times 2⁻²⁰. It has the digits that nearly equal totals differ in.
            * `kl_div_pq` (Float64): the divergence D(p‖q) in nats, a part of the index.
            * `psi` (Float64): the index in nats.
            * `rule` (Int32): the number of the rule that the pairs call for, see Notes.
            * `single` (Boolean): True. The field is there only if `psi` is Float32, and makes the merge Float32.

        Raises
        ------
        TypeError, ValueError
            If `q` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            As in `psi`.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        The error is relative for p near q with the same total. Otherwise it is that of `psi`.

        The first rule that applies gives the field `rule`. The numbers stay the same in later versions.

        * 3: a weight is null.
        * 4: there are no pairs.
        * 5: a weight is NaN or infinite.
        * 6: a weight is negative.
        * 7: the total of p is zero.
        * 8: one of p and q is 0 where the other is not.
        * 9: none of these.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> bins = pl.DataFrame({"part": [1, 1, 2], "now": [10, 30, 60], "before": [20, 30, 50]})
        >>> parts = bins.group_by("part").agg(state=pl.col("now").info.psi_state("before"))
        >>> parts.select(pl.col("state").info.merge().round(6)).item()
        0.087547

        """
        return self._state("psi", self._reference(q), nan_policy=nan_policy)

    def js_div_state(self, q: Column | Vector | float, *, nan_policy: NanPolicy = "propagate") -> NoReturn:
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
        >>> pl.col("p").info.js_div_state("q")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: js_div has no state: its value for a whole does not follow from values of the parts...

        """
        self._state("js_div", self._reference(q), nan_policy=nan_policy)
        raise AssertionError

    def merge(self, *, base: float | None = None) -> T:
        r"""Value of the whole from the states of its parts, for a column of states of any quantity.

        :math:`F = \sum_i w_i F_i + F(w, v)`, where :math:`F_i` is the value of part :math:`i`, and :math:`w_i` and
        :math:`v_i` are its shares of the totals of p and q. For a quantity of p alone this is Shannon's grouping rule
        [1]_; for one of p and q it is the chain rule [2]_.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.

        Returns
        -------
        Expr or Series
            One value per column, group or window of states: the value that the quantity's own method gives for all
            weights together. Float64, or Float32 if the states have the field `single`.

            * 0.0 if there are no states.
            * Null if a state is null. `drop_nulls` leaves such states out.

        Raises
        ------
        TypeError, ValueError
            If `base` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold states, when the plan is resolved.

        Notes
        -----
        This is an aggregation, as `entropy` is.

        The parts must hold different events. If a category is spread over several parts, sum its weights over the parts
        first, and use the method of the quantity on these sums.

        The fields of a state say which quantity it is of. They may come in any order, and `rule` in any integer dtype.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948, §6.
        .. [2] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> shards = pl.DataFrame({"p": [[1, 1], [2, 0]]})
        >>> states = shards.select(
        ...     h=pl.col("p").info.list.entropy_state(),
        ...     d=pl.col("p").info.list.kl_div_state([1, 1]),
        ... )
        >>> states.select(pl.col("h", "d").info.merge(base=2).round(6)).row(0)
        (1.5, 0.5)

        """
        return self._finish(lowering.merge(self._p, base=base))

    def merge_state(self) -> T:
        r"""State of the whole from the states of its parts, for merging in stages: days to months, months to years.

        Its value is :math:`\sum_i w_i F_i + F(w, v)`, see `merge`.

        Returns
        -------
        Expr or Series
            One state per column, group or window of states, a Struct with the same fields.

        Raises
        ------
        polars.exceptions.ComputeError
            If the column does not hold states, when the plan is resolved.

        Notes
        -----
        This is an aggregation, as `entropy` is. As in `merge`, the parts must hold different events, and a null state
        makes the state of the whole null.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> days = pl.DataFrame({"month": [1, 1, 2], "p": [[1], [1], [2]]})
        >>> days = days.select("month", state=pl.col("p").info.list.entropy_state())
        >>> months = days.group_by("month").agg(pl.col("state").info.merge_state())
        >>> months.select(pl.col("state").info.merge(base=2)).item()
        1.5

        """
        return self._finish(lowering.merge_state(self._p))

    def entr(self) -> T:
        r"""Term of the entropy for each element, :math:`-x \ln x`, as `scipy.special.entr`.

        The result is in nats. Nothing is normalised.

        Returns
        -------
        Expr or Series
            One value per element. Float64, or Float32 for Float32 and Float16 elements.

            * Null for null, NaN for NaN.
            * 0.0 for 0.
            * -inf for negative and for infinite x.

        Raises
        ------
        polars.exceptions.ComputeError
            If the column does not hold numbers, when the plan is resolved.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> pl.Series([0.0, 0.5, 1.0, None]).info.entr().round(6).to_list()
        [0.0, 0.346574, 0.0, None]

        """
        return self._element("entr")

    def rel_entr(self, y: Column | Vector | float) -> T:
        r"""Term of the divergence for each element, :math:`x \ln (x/y)`, as `scipy.special.rel_entr`.

        The result is in nats. Nothing is normalised.

        Parameters
        ----------
        y
            A column name, an expression, a Series, a sequence of numbers or a NumPy vector, with an element for each of
            x; or one number or aggregate for all of them.

        Returns
        -------
        Expr or Series
            One value per element, named like x. Float64, or Float32 if neither x nor y needs more.

            * Null if x or y is null, else NaN if one is NaN.
            * 0.0 for x = 0 ≤ y.
            * inf if x or y is negative, and for y = 0 < x.

        Raises
        ------
        TypeError, ValueError
            If `y` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If x or y does not hold numbers, when the plan is resolved. If they differ in length, when the query runs.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> pl.Series([0.0, 1.0, 1.0, None]).info.rel_entr([1.0, 0.5, 0.0, 1.0]).round(6).to_list()
        [0.0, 0.693147, inf, None]

        """
        return self._element("rel_entr", self._reference(y))
