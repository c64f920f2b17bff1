"""The accessors `info.values` and `info.list.values`: observed values, whose weights are how often they occur."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars_entropy import _lowering as lowering
from polars_entropy import _reference as reference
from polars_entropy._namespace._base import Accessor, T

if TYPE_CHECKING:
    from polars_entropy._arguments import Estimator, NanPolicy
    from polars_entropy._reference import Column


class ValuesInfo(Accessor[T]):
    """Methods for columns of observed values. Their weights are how often they occur in a column, group or window."""

    def entropy(
        self, *, base: float | None = None, nan_policy: NanPolicy = "propagate", estimator: Estimator = "plugin"
    ) -> T:
        r"""Shannon entropy of how often each value of a column, group or window occurs.

        :math:`H = -\sum_v \frac{n_v}{N} \ln \frac{n_v}{N}` with :math:`n_v` the number of times that the value v
        occurs, and :math:`N = \sum_v n_v` [1]_. The column may have any dtype but Object.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of nulls. NaN is a value.

            * `"propagate"`: the result is null if there is a null.
            * `"omit"`: nulls are dropped. If nothing is left the result is 0.0, as it is without any value.
              `pl.when(pl.col("x").count() > 0)` sets such apart.
            * `"raise"`: an error names the column and the row.
        estimator
            Estimator of the entropy of what the values were drawn from.

            * `"plugin"`: the formula above, which is too low by some :math:`(K - 1) / 2N` for K different values.
            * `"miller_madow"`: with that bias added [2]_. It helps where most values occur several times.
            * `"chao_shen"`: with room for values that were not observed [3]_. It helps where many values occur once.

        Returns
        -------
        Expr or Series
            One value per column, group or window, never negative. Float64.

        Raises
        ------
        TypeError, ValueError
            If `base`, `nan_policy` or `estimator` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the dtype holds Arrays of width 0, when the plan is resolved. If there is a null under `"raise"`, when
            the query runs.

        Notes
        -----
        This is an aggregation: it gives one value in `select`, one per group in `group_by(...).agg`, and one per window
        in `over`, `rolling` and `group_by_dynamic`. A streaming query computes it in the engine's own group-by, from
        Polars 1.39 on. It gathers 8 bytes for each row, of which the engine may hold up to three copies.

        Values are equal where `group_by` takes them for equal: NaN is equal to NaN, and 0.0 to -0.0. Integers up to
        64 bits, floats, Booleans, dates and times are compared exactly. Other values are compared by a 64-bit hash: two
        of a million different values have the same one with a probability of 3e-8.

        A column of Objects comes to a plugin as references, so that equal objects count as different values.

        The relative error is at most 1e-15, but for `"chao_shen"`. No order and no names of the values change a bit.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.
        .. [2] Miller, G. A., "Note on the Bias of Information Estimates", 1955.
        .. [3] Chao, A., and Shen, T.-J., "Nonparametric Estimation of Shannon's Index of Diversity When There Are
           Unseen Species in Sample", 2003.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> visits = pl.DataFrame({"page": ["home", "home", "cart", "help", None]})
        >>> visits.select(pl.col("page").info.values.entropy(base=2, nan_policy="omit")).item()
        1.5

        """
        x = lowering.values(lowering.by("entropy", estimator), self._p, base=base, nan_policy=nan_policy)
        return self._finish(x)

    def mutual_info(self, y: Column, *, base: float | None = None, nan_policy: NanPolicy = "propagate") -> T:
        r"""Mutual information of a column, group or window of pairs of values.

        :math:`I(X; Y) = \sum_{x, y} \frac{n_{xy}}{N} \ln \frac{N n_{xy}}{n_x n_y}` with :math:`n_{xy}` the number of
        times that the pair occurs [1]_. It is computed as H(X) + H(Y) - H(X, Y). Both columns may have any dtype but
        Object.

        Parameters
        ----------
        y
            The other column: a column name, an expression or a Series.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null. NaN is a value.

            * `"propagate"`: the result is null if there is a null.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
            * `"raise"`: an error names the column and the row.

        Returns
        -------
        Expr or Series
            One value per column, group or window, never negative. Float64. It is the same to the bit with x and y
            exchanged.

        Raises
        ------
        TypeError, ValueError
            If `y`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If a dtype holds Arrays of width 0, when the plan is resolved. If x and y differ in length, or if there is a
            null under `"raise"`, when the query runs.

        Notes
        -----
        This is an aggregation, as `entropy` is. It gathers 24 bytes for each row.

        The error is absolute, some 1e-15. The estimate itself is too high by some (K - 1)(L - 1) / 2N for N pairs of K
        and L values that have nothing to do with each other.

        The part of the entropy of x that y tells is I / (I + H(X|Y)), with `cond_entropy` for the other term. Both are
        of the same pairs. `entropy` is of all x, those beside a null in y among them.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> visits = pl.DataFrame({"page": ["a", "a", "b", "b"], "country": ["NL", "NL", "IT", "FR"]})
        >>> visits.select(pl.col("page").info.values.mutual_info("country", base=2).round(6)).item()
        1.0

        """
        return self._pairs("mutual_info", y, base=base, nan_policy=nan_policy)

    def cond_entropy(self, y: Column, *, base: float | None = None, nan_policy: NanPolicy = "propagate") -> T:
        r"""Conditional entropy H(X|Y) of a column, group or window of pairs of values: that of x where y is known.

        :math:`H(X | Y) = -\sum_{x, y} \frac{n_{xy}}{N} \ln \frac{n_{xy}}{n_y}` with :math:`n_{xy}` the number of times
        that the pair occurs [1]_. It is computed as H(X, Y) - H(Y). Both columns may have any dtype but Object.

        Parameters
        ----------
        y
            What is known: a column name, an expression or a Series.
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of pairs with a null. NaN is a value.

            * `"propagate"`: the result is null if there is a null.
            * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
            * `"raise"`: an error names the column and the row.

        Returns
        -------
        Expr or Series
            One value per column, group or window, never negative. Float64.

        Raises
        ------
        TypeError, ValueError
            If `y`, `base` or `nan_policy` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If a dtype holds Arrays of width 0, when the plan is resolved. If x and y differ in length, or if there is a
            null under `"raise"`, when the query runs.

        Notes
        -----
        This is an aggregation, as `entropy` is. It gathers 16 bytes for each row. The error is absolute, some 1e-15.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> visits = pl.DataFrame({"page": ["a", "a", "b", "b"], "country": ["NL", "NL", "NL", "NL"]})
        >>> visits.select(
        ...     pl.col("page").info.values.cond_entropy("country", base=2).alias("page | country"),
        ...     pl.col("country").info.values.cond_entropy("page", base=2).alias("country | page"),
        ... ).row(0)
        (1.0, 0.0)

        """
        return self._pairs("cond_entropy", y, base=base, nan_policy=nan_policy)

    def _pairs(self, quantity: str, y: object, *, base: float | None, nan_policy: NanPolicy) -> T:
        pairs = reference.observed(y, is_series=self._is_series)
        return self._finish(lowering.pairs(quantity, self._p, pairs, base=base, nan_policy=nan_policy))


class ListValues(Accessor[T]):
    """Methods for List columns of observed values. Their weights are how often they occur in a row."""

    def entropy(
        self, *, base: float | None = None, nan_policy: NanPolicy = "propagate", estimator: Estimator = "plugin"
    ) -> T:
        r"""Shannon entropy of how often each value of a row occurs.

        :math:`H = -\sum_v \frac{n_v}{N} \ln \frac{n_v}{N}` with :math:`n_v` the number of times that the value v
        occurs, and :math:`N = \sum_v n_v` [1]_. The lists may hold any dtype but Object. A list in a list is a value.

        Parameters
        ----------
        base
            Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
        nan_policy
            Treatment of nulls in a row. NaN is a value.

            * `"propagate"`: the row's result is null if there is a null.
            * `"omit"`: nulls are dropped. If nothing is left the result is 0.0, as it is without any value.
            * `"raise"`: an error names the column, the row and the element.
        estimator
            Estimator of the entropy of what the values were drawn from: `"plugin"`, `"miller_madow"` [2]_ or
            `"chao_shen"` [3]_, as in `info.values.entropy`.

        Returns
        -------
        Expr or Series
            One value per row, never negative. Float64.

            * Null for a null row.
            * 0.0 for an empty row.

        Raises
        ------
        TypeError, ValueError
            If `base`, `nan_policy` or `estimator` is invalid, when the expression is built.
        polars.exceptions.ComputeError
            If the column does not hold lists, when the plan is resolved. If there is a null in a row under `"raise"`,
            when the query runs.

        Notes
        -----
        Values are equal where `group_by` takes them for equal, as in `info.values.entropy`. The relative error is at
        most 1e-15, but for `"chao_shen"`. No order and no names of the values change a bit.

        References
        ----------
        .. [1] Shannon, C. E., "A Mathematical Theory of Communication", 1948.
        .. [2] Miller, G. A., "Note on the Bias of Information Estimates", 1955.
        .. [3] Chao, A., and Shen, T.-J., "Nonparametric Estimation of Shannon's Index of Diversity When There Are
           Unseen Species in Sample", 2003.

        Examples
        --------
        >>> import polars as pl, polars_entropy
        >>> photos = pl.DataFrame({"tags": [["sea", "sea", "sun", "sky"], ["sea", "sea"], []]})
        >>> photos.select(pl.col("tags").info.list.values.entropy(base=2)).to_series().to_list()
        [1.5, 0.0, 0.0]

        """
        x = lowering.rows_of_values(lowering.by("entropy", estimator), self._p, base=base, nan_policy=nan_policy)
        return self._finish(x)
