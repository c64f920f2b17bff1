"""Entropy and Kullback-Leibler divergence of Spark data frames, with the values that Polars gives.

| functions | distribution | result |
| --- | --- | --- |
| `entropy`, … | a column, as a whole or in groups | a Spark data frame of keys and values |
| `list_entropy`, … | a row of an array column | a Spark expression |
| `map_entropy`, … | a row of a map column | a Spark expression |

Groups are computed from mergeable states. Each partition makes one state for each of its groups, where its rows are.
Only these states are exchanged, and merged to values. Rows are computed by Arrow UDFs.

Wrong arguments and columns raise on the driver, before a job starts. The executors need this package in the same
version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    import pyarrow as pa  # noqa: F401
    import pyspark.sql  # noqa: F401
except ImportError as error:
    raise ImportError(
        f'polars_entropy.spark needs PySpark 4 and PyArrow: pip install "polars-entropy[spark]" ({error})'
    ) from error

from polars_entropy.spark._driver import per_group, per_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, types

    from polars_entropy._arguments import NanPolicy
    from polars_entropy._reference import Distribution, Vector

__all__ = [
    "cross_entropy",
    "entropy",
    "js_div",
    "kl_div",
    "list_cross_entropy",
    "list_entropy",
    "list_js_div",
    "list_kl_div",
    "list_logits_cross_entropy",
    "list_logits_entropy",
    "list_logits_js_div",
    "list_logits_kl_div",
    "list_psi",
    "map_cross_entropy",
    "map_entropy",
    "map_js_div",
    "map_kl_div",
    "map_psi",
    "psi",
]


def entropy(
    sdf: DataFrame,
    x: str,
    *,
    by: str | Sequence[str] = (),
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> DataFrame:
    r"""Shannon entropy of a column of weights, as a whole or in groups: `info.entropy` over Spark.

    :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i`. The weights need not sum to
    one.

    Parameters
    ----------
    sdf
        A Spark data frame, not a stream.
    x
        The name of the column of weights: numbers, Booleans or decimals.
    by
        The names of the key columns. Null is a key, as in `GROUP BY`. Without keys the column is one distribution.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of missing weights, which are nulls and NaNs.

        * `"propagate"`: the result is null if there is a null, else NaN.
        * `"omit"`: missing weights are dropped. If none is left the result is 0.0, as it is without any weight.
        * `"raise"`: the job fails with an error that names the column.

    Returns
    -------
    DataFrame
        The keys and the value of each group, in a column named like `x`. A double, or a float for a column of floats.
        The values are those of `info.entropy`. Without keys there is a single row, with 0.0 for an empty frame.

    Raises
    ------
    TypeError, ValueError
        If `x`, `by`, `base` or `nan_policy` is invalid, or if the frame is a stream.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError, polars.exceptions.DuplicateError
        If `x` does not hold numbers, or if there is no such column or key. Raised as in Polars, before a job starts.

    Notes
    -----
    Each partition makes a state for each of its groups, where its rows are. Only the states are exchanged.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> sales = spark.createDataFrame([("a", 5), ("a", 5), ("a", 10), ("b", 7), ("b", 0)], "store string, units int")
    >>> bits = pes.entropy(sales, "units", by="store", base=2)
    >>> bits.select("store", round("units", 6).alias("bits")).sort("store").show()
    +-----+----+
    |store|bits|
    +-----+----+
    |    a| 1.5|
    |    b| 0.0|
    +-----+----+
    <BLANKLINE>

    """
    return per_group("entropy", sdf, x, by=by, base=base, nan_policy=nan_policy)


def kl_div(
    sdf: DataFrame,
    p: str,
    q: str | float,
    *,
    q_total: float | str | None = None,
    by: str | Sequence[str] = (),
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> DataFrame:
    r"""Kullback-Leibler divergence D(p‖q) of two columns, as a whole or in groups: `info.kl_div` over Spark.

    :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i`. Neither side needs to sum to one.

    Parameters
    ----------
    sdf
        A Spark data frame, not a stream.
    p
        The name of the column of weights: numbers, Booleans or decimals.
    q
        The reference.

        * The name of a column: a weight for each of p.
        * One number: a uniform q.
    q_total
        The total of all of q, if q has more rows than p has: a number, or the name of a column with one and the same
        number in all rows of a group. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. Details
        are in `info.kl_div`.
    by
        The names of the key columns. Null is a key, as in `GROUP BY`. Without keys each column is one distribution.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column.

    Returns
    -------
    DataFrame
        The keys and the value of each group, in a column named like `p`. A double, or a float if neither p nor q needs
        more. The values are those of `info.kl_div`. Without keys there is a single row, with 0.0 for an empty frame.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `q_total`, `by`, `base` or `nan_policy` is invalid, or if the frame is a stream.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError, polars.exceptions.DuplicateError
        If p or q does not hold numbers, or if there is no such column or key. Raised as in Polars, before a job
        starts.

    Notes
    -----
    Each partition makes a state for each of its groups, where its rows are. Only the states are exchanged.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> flips = spark.createDataFrame([(9, 1), (1, 1)], "biased int, fair int")
    >>> pes.kl_div(flips, "biased", "fair", base=2).select(round("biased", 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |0.531004|
    +--------+
    <BLANKLINE>

    """
    return per_group("kl_div", sdf, p, q, q_total=q_total, by=by, base=base, nan_policy=nan_policy)


def cross_entropy(
    sdf: DataFrame,
    p: str,
    q: str | float,
    *,
    q_total: float | str | None = None,
    by: str | Sequence[str] = (),
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> DataFrame:
    r"""Cross-entropy of p relative to q, two columns, as a whole or in groups: `info.cross_entropy` over Spark.

    :math:`\mathrm{CE} = -\sum_i \frac{p_i}{P} \ln \frac{q_i}{Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i`. Neither side needs to sum to one.

    Parameters
    ----------
    sdf
        A Spark data frame, not a stream.
    p
        The name of the column of weights: numbers, Booleans or decimals.
    q
        The reference.

        * The name of a column: a weight for each of p.
        * One number: a uniform q.
    q_total
        The total of all of q, if q has more rows than p has: a number, or the name of a column with one and the same
        number in all rows of a group. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. Details
        are in `info.cross_entropy`.
    by
        The names of the key columns. Null is a key, as in `GROUP BY`. Without keys each column is one distribution.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column.

    Returns
    -------
    DataFrame
        The keys and the value of each group, in a column named like `p`. A double, or a float if neither p nor q needs
        more. The values are those of `info.cross_entropy`. Without keys there is a single row, with 0.0 for an empty
        frame.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `q_total`, `by`, `base` or `nan_policy` is invalid, or if the frame is a stream.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError, polars.exceptions.DuplicateError
        If p or q does not hold numbers, or if there is no such column or key. Raised as in Polars, before a job
        starts.

    Notes
    -----
    Each partition makes a state for each of its groups, where its rows are. Only the states are exchanged.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> flips = spark.createDataFrame([(9, 1), (1, 1)], "biased int, fair int")
    >>> pes.cross_entropy(flips, "fair", "biased", base=2).select(round("fair", 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |1.736966|
    +--------+
    <BLANKLINE>

    """
    return per_group("cross_entropy", sdf, p, q, q_total=q_total, by=by, base=base, nan_policy=nan_policy)


def js_div(
    sdf: DataFrame,
    p: str,
    q: str | float,
    *,
    by: str | Sequence[str] = (),
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> DataFrame:
    r"""Jensen-Shannon divergence of p and q, two columns, as a whole or in groups: `info.js_div` over Spark.

    :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with the
    shares :math:`a_i = p_i / \sum p`, :math:`b_i = q_i / \sum q` and their mean :math:`m_i = (a_i + b_i) / 2` (Lin
    1991). It is symmetric. It is the divergence, not its root: ``.sqrt()`` gives
    `scipy.spatial.distance.jensenshannon`.

    Parameters
    ----------
    sdf
        A Spark data frame, not a stream.
    p
        The name of the column of weights: numbers, Booleans or decimals.
    q
        The reference.

        * The name of a column: a weight for each of p.
        * One number: a uniform q.
    by
        The names of the key columns. Null is a key, as in `GROUP BY`. Without keys each column is one distribution.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column.

    Returns
    -------
    DataFrame
        The keys and the value of each group, in a column named like `p`. A double, or a float if neither p nor q needs
        more. The values are those of `info.js_div`. Without keys there is a single row, with 0.0 for an empty
        frame.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `by`, `base` or `nan_policy` is invalid, or if the frame is a stream.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError, polars.exceptions.DuplicateError
        If p or q does not hold numbers, or if there is no such column or key. Raised as in Polars, before a job
        starts.

    Notes
    -----
    There are no states of this divergence: the rows of a group are brought to one worker, which holds them in memory.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> flips = spark.createDataFrame([(9, 1), (1, 1)], "biased int, fair int")
    >>> pes.js_div(flips, "fair", "biased", base=2).select(round("fair", 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |0.146793|
    +--------+
    <BLANKLINE>

    """
    return per_group("js_div", sdf, p, q, by=by, base=base, nan_policy=nan_policy)


def psi(
    sdf: DataFrame,
    p: str,
    q: str | float,
    *,
    by: str | Sequence[str] = (),
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> DataFrame:
    r"""Population stability index of p and q, two columns, as a whole or in groups: `info.psi` over Spark.

    :math:`\mathrm{PSI} = \sum_i (a_i - b_i) \ln \frac{a_i}{b_i}` with the shares :math:`a_i = p_i / \sum p` and
    :math:`b_i = q_i / \sum q` (Jeffreys 1946). It is the sum of both divergences, and symmetric. Nothing is added to
    empty bins: smooth both sides first, with ``+ 0.5`` for counts.

    Parameters
    ----------
    sdf
        A Spark data frame, not a stream.
    p
        The name of the column of weights: numbers, Booleans or decimals.
    q
        The reference.

        * The name of a column: a weight for each of p.
        * One number: a uniform q.
    by
        The names of the key columns. Null is a key, as in `GROUP BY`. Without keys each column is one distribution.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column.

    Returns
    -------
    DataFrame
        The keys and the value of each group, in a column named like `p`. A double, or a float if neither p nor q needs
        more. The values are those of `info.psi`. Without keys there is a single row, with 0.0 for an empty
        frame.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `by`, `base` or `nan_policy` is invalid, or if the frame is a stream.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError, polars.exceptions.DuplicateError
        If p or q does not hold numbers, or if there is no such column or key. Raised as in Polars, before a job
        starts.

    Notes
    -----
    Each partition makes a state for each of its groups, where its rows are. Only the states are exchanged.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> flips = spark.createDataFrame([(9, 1), (1, 1)], "biased int, fair int")
    >>> pes.psi(flips, "fair", "biased", base=2).select(round("fair", 6).alias("bits")).show()
    +-------+
    |   bits|
    +-------+
    |1.26797|
    +-------+
    <BLANKLINE>

    """
    return per_group("psi", sdf, p, q, by=by, base=base, nan_policy=nan_policy)


def list_entropy(
    x: str | Column,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Shannon entropy of each row of an array column: `info.list.entropy` as a Spark expression.

    :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i`. The weights need not sum to
    one.

    Parameters
    ----------
    x
        A column of arrays of numbers, or its name.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of missing weights, which are nulls and NaNs.

        * `"propagate"`: the row's result is null if there is a null, else NaN.
        * `"omit"`: missing weights are dropped. If none is left the result is 0.0, as it is without any weight.
        * `"raise"`: the job fails with an error that names the column, the row and the element.
    schema
        The schema of the frame, `sdf.schema`, if `x` is a name. Spark expressions do not know column types. With the
        schema they are checked here, and arrays of floats and nested arrays get results of their own type. Without it
        the job fails if they are wrong.

    Returns
    -------
    Column
        One value per row, as in `info.list.entropy`. Without `schema` it is a double, with a float's precision for
        arrays of floats. With `schema` it is a float for arrays of floats, and an array of values for nested arrays.

    Raises
    ------
    TypeError, ValueError
        If `x`, `base` or `nan_policy` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        With `schema`: if `x` does not hold arrays of numbers, or if there is no such column. Raised as in Polars.
    ImportError
        If PySpark is older than 4.1.

    Notes
    -----
    This is an Arrow UDF, which needs PySpark 4.1.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> coins = spark.createDataFrame([([1, 1],), ([3, 1],), ([1, None],)], "p array<int>")
    >>> coins.select(round(pes.list_entropy("p", base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |     1.0|
    |0.811278|
    |    NULL|
    +--------+
    <BLANKLINE>

    """
    return per_row("entropy", x, base=base, nan_policy=nan_policy, schema=schema)


def list_kl_div(
    p: str | Column,
    q: str | Column | Vector,
    *,
    q_total: float | str | Column | None = None,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Kullback-Leibler divergence D(p‖q) of each row of an array column: `info.list.kl_div` as a Spark expression.

    :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i`. Neither side needs to sum to one.

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The reference.

        * A column of arrays, or its name: an array for each of p, of the same length.
        * A sequence of numbers, a NumPy vector or a Polars Series: one distribution for every row.
    q_total
        The total of each whole q, if q has more elements than its array here: a number for all rows, or a column or its
        name. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. Details are in
        `info.list.kl_div`.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the row's result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column, the row and the element.
    schema
        The schema of the frame, if the columns are names, as in `list_entropy`.

    Returns
    -------
    Column
        One value per row, as in `info.list.kl_div`. Without `schema` it is a double, with a float's precision if
        neither p nor q needs more. With `schema` it is a float then, and an array of values for nested arrays.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `q_total`, `base` or `nan_policy` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        With `schema`: if p or q does not hold arrays of numbers, or if there is no such column. Raised as in Polars.
    ImportError
        If PySpark is older than 4.1.

    Notes
    -----
    This is an Arrow UDF, which needs PySpark 4.1.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> topics = spark.createDataFrame([([1, 1],), ([3, 1],)], "p array<int>")
    >>> topics.select(round(pes.list_kl_div("p", [1, 1], base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |     0.0|
    |0.188722|
    +--------+
    <BLANKLINE>

    """
    return per_row("kl_div", p, q, q_total=q_total, base=base, nan_policy=nan_policy, schema=schema)


def list_cross_entropy(
    p: str | Column,
    q: str | Column | Vector,
    *,
    q_total: float | str | Column | None = None,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Cross-entropy of each row of an array column: `info.list.cross_entropy` as a Spark expression.

    :math:`\mathrm{CE} = -\sum_i \frac{p_i}{P} \ln \frac{q_i}{Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i`. Neither side needs to sum to one.

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The reference.

        * A column of arrays, or its name: an array for each of p, of the same length.
        * A sequence of numbers, a NumPy vector or a Polars Series: one distribution for every row.
    q_total
        The total of each whole q, if q has more elements than its array here: a number for all rows, or a column or its
        name. The rest, :math:`T - \sum_i q_i`, counts as one more element, with p = 0. Details are in
        `info.list.cross_entropy`.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the row's result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column, the row and the element.
    schema
        The schema of the frame, if the columns are names, as in `list_entropy`.

    Returns
    -------
    Column
        One value per row, as in `info.list.cross_entropy`. Without `schema` it is a double, with a float's precision if
        neither p nor q needs more. With `schema` it is a float then, and an array of values for nested arrays.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `q_total`, `base` or `nan_policy` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        With `schema`: if p or q does not hold arrays of numbers, or if there is no such column. Raised as in Polars.
    ImportError
        If PySpark is older than 4.1.

    Notes
    -----
    This is an Arrow UDF, which needs PySpark 4.1.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> topics = spark.createDataFrame([([1, 1],), ([3, 1],)], "p array<int>")
    >>> topics.select(round(pes.list_cross_entropy("p", [3, 1], base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |1.207519|
    |0.811278|
    +--------+
    <BLANKLINE>

    """
    return per_row("cross_entropy", p, q, q_total=q_total, base=base, nan_policy=nan_policy, schema=schema)


def list_js_div(
    p: str | Column,
    q: str | Column | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Jensen-Shannon divergence of each row of an array column: `info.list.js_div` as a Spark expression.

    :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with the
    shares :math:`a_i = p_i / \sum p`, :math:`b_i = q_i / \sum q` and their mean :math:`m_i = (a_i + b_i) / 2` (Lin
    1991). It is symmetric. It is the divergence, not its root: ``.sqrt()`` gives
    `scipy.spatial.distance.jensenshannon`.

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The reference.

        * A column of arrays, or its name: an array for each of p, of the same length.
        * A sequence of numbers, a NumPy vector or a Polars Series: one distribution for every row.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the row's result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column, the row and the element.
    schema
        The schema of the frame, if the columns are names, as in `list_entropy`.

    Returns
    -------
    Column
        One value per row, as in `info.list.js_div`. Without `schema` it is a double, with a float's precision if
        neither p nor q needs more. With `schema` it is a float then, and an array of values for nested arrays.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `base` or `nan_policy` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        With `schema`: if p or q does not hold arrays of numbers, or if there is no such column. Raised as in Polars.
    ImportError
        If PySpark is older than 4.1.

    Notes
    -----
    This is an Arrow UDF, which needs PySpark 4.1.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> topics = spark.createDataFrame([([1, 1],), ([3, 1],)], "p array<int>")
    >>> topics.select(round(pes.list_js_div("p", [3, 1], base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |0.048795|
    |     0.0|
    +--------+
    <BLANKLINE>

    """
    return per_row("js_div", p, q, base=base, nan_policy=nan_policy, schema=schema)


def list_psi(
    p: str | Column,
    q: str | Column | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Population stability index of each row of an array column: `info.list.psi` as a Spark expression.

    :math:`\mathrm{PSI} = \sum_i (a_i - b_i) \ln \frac{a_i}{b_i}` with the shares :math:`a_i = p_i / \sum p` and
    :math:`b_i = q_i / \sum q` (Jeffreys 1946). It is the sum of both divergences, and symmetric. Nothing is added to
    empty bins: smooth both sides first, with ``+ 0.5`` for counts.

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The reference.

        * A column of arrays, or its name: an array for each of p, of the same length.
        * A sequence of numbers, a NumPy vector or a Polars Series: one distribution for every row.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        Treatment of pairs with a null or a NaN.

        * `"propagate"`: the row's result is null if there is a null, else NaN.
        * `"omit"`: such pairs are dropped. If none is left the result is 0.0, as it is without any pair.
        * `"raise"`: the job fails with an error that names the column, the row and the element.
    schema
        The schema of the frame, if the columns are names, as in `list_entropy`.

    Returns
    -------
    Column
        One value per row, as in `info.list.psi`. Without `schema` it is a double, with a float's precision if
        neither p nor q needs more. With `schema` it is a float then, and an array of values for nested arrays.

    Raises
    ------
    TypeError, ValueError
        If `p`, `q`, `base` or `nan_policy` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        With `schema`: if p or q does not hold arrays of numbers, or if there is no such column. Raised as in Polars.
    ImportError
        If PySpark is older than 4.1.

    Notes
    -----
    This is an Arrow UDF, which needs PySpark 4.1.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> topics = spark.createDataFrame([([1, 1],), ([3, 1],)], "p array<int>")
    >>> topics.select(round(pes.list_psi("p", [3, 1], base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |0.396241|
    |     0.0|
    +--------+
    <BLANKLINE>

    """
    return per_row("psi", p, q, base=base, nan_policy=nan_policy, schema=schema)


def list_logits_entropy(
    x: str | Column,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Shannon entropy of rows of logits: `info.list.logits.entropy` as a Spark expression.

    :math:`H = -\sum_i a_i \ln a_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` (Shannon 1948).

    Parameters
    ----------
    x
        A column of arrays of numbers, or its name.
    base, nan_policy, schema
        As in `list_entropy`.

    Returns
    -------
    Column
        One value per row, as in `info.list.logits.entropy`, in the type that `list_entropy` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_entropy`.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_entropy`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> answers = spark.createDataFrame([([2.0, 2.0],), ([1.0, 0.0],)], "z array<double>")
    >>> answers.select(round(pes.list_logits_entropy("z", base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |     1.0|
    |0.839942|
    +--------+
    <BLANKLINE>

    """
    return per_row("logits.entropy", x, base=base, nan_policy=nan_policy, schema=schema)


def list_logits_kl_div(
    p: str | Column,
    q: str | Column | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Kullback-Leibler divergence D(p‖q) of rows of logits: `info.list.logits.kl_div` as a Spark expression.

    :math:`D = \sum_i a_i \ln \frac{a_i}{b_i}` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i =
    e^{w_i} / \sum_j e^{w_j}` (Kullback & Leibler 1951).

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The logits of the reference: a column of arrays or its name, or one row of logits for every row, as a sequence
        of numbers, a NumPy vector or a Polars Series.
    base, nan_policy, schema
        As in `list_kl_div`.

    Returns
    -------
    Column
        One value per row, as in `info.list.logits.kl_div`, in the type that `list_kl_div` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_kl_div`.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_kl_div`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> answers = spark.createDataFrame([([2.0, 2.0],), ([1.0, 0.0],)], "z array<double>")
    >>> answers.select(round(pes.list_logits_kl_div("z", [0.0, 0.0], base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |     0.0|
    |0.160058|
    +--------+
    <BLANKLINE>

    """
    return per_row("logits.kl_div", p, q, base=base, nan_policy=nan_policy, schema=schema)


def list_logits_cross_entropy(
    p: str | Column,
    q: str | Column | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Cross-entropy of rows of logits: `info.list.logits.cross_entropy` as a Spark expression.

    :math:`\mathrm{CE} = -\sum_i a_i \ln b_i` with the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i =
    e^{w_i} / \sum_j e^{w_j}` (Kerridge 1961).

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The logits of the reference: a column of arrays or its name, or one row of logits for every row, as a sequence
        of numbers, a NumPy vector or a Polars Series.
    base, nan_policy, schema
        As in `list_kl_div`.

    Returns
    -------
    Column
        One value per row, as in `info.list.logits.cross_entropy`, in the type that `list_cross_entropy` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_cross_entropy`.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_cross_entropy`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> answers = spark.createDataFrame([([2.0, 2.0],), ([1.0, 0.0],)], "z array<double>")
    >>> answers.select(round(pes.list_logits_cross_entropy("z", [0.0, 0.0], base=2), 6).alias("bits")).show()
    +----+
    |bits|
    +----+
    | 1.0|
    | 1.0|
    +----+
    <BLANKLINE>

    """
    return per_row("logits.cross_entropy", p, q, base=base, nan_policy=nan_policy, schema=schema)


def list_logits_js_div(
    p: str | Column,
    q: str | Column | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Jensen-Shannon divergence of rows of logits: `info.list.logits.js_div` as a Spark expression.

    :math:`\mathrm{JS} = \tfrac12 \sum_i a_i \ln \frac{a_i}{m_i} + \tfrac12 \sum_i b_i \ln \frac{b_i}{m_i}` with
    :math:`m_i = (a_i + b_i) / 2` and the shares :math:`a_i = e^{z_i} / \sum_j e^{z_j}` and :math:`b_i = e^{w_i} /
    \sum_j e^{w_j}` (Lin 1991).

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The logits of the reference: a column of arrays or its name, or one row of logits for every row, as a sequence
        of numbers, a NumPy vector or a Polars Series.
    base, nan_policy, schema
        As in `list_kl_div`.

    Returns
    -------
    Column
        One value per row, as in `info.list.logits.js_div`, in the type that `list_js_div` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_js_div`.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_js_div`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> answers = spark.createDataFrame([([2.0, 2.0],), ([1.0, 0.0],)], "z array<double>")
    >>> answers.select(round(pes.list_logits_js_div("z", [0.0, 0.0], base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |     0.0|
    |0.041168|
    +--------+
    <BLANKLINE>

    """
    return per_row("logits.js_div", p, q, base=base, nan_policy=nan_policy, schema=schema)


def map_entropy(
    x: str | Column,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Shannon entropy of each row of a map column: `info.map.entropy` as a Spark expression.

    :math:`H = -\sum_k \frac{x_k}{S} \ln \frac{x_k}{S}` with :math:`S = \sum_k x_k` (Shannon 1948).

    Parameters
    ----------
    x
        A column of maps from keys to numbers, or its name; or of arrays of structs of two fields, key and weight.
    base, nan_policy, schema
        As in `list_entropy`.

    Returns
    -------
    Column
        One value per row, as in `info.map.entropy`, in the type that `list_entropy` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_entropy`.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_entropy`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> coins = spark.createDataFrame([({"head": 1, "tail": 1},)], "p map<string, int>")
    >>> coins.select(pes.map_entropy("p", base=2).alias("bits")).show()
    +----+
    |bits|
    +----+
    | 1.0|
    +----+
    <BLANKLINE>

    """
    return per_row("entropy", x, base=base, nan_policy=nan_policy, schema=schema, accessor="map")


def map_kl_div(
    p: str | Column,
    q: str | Column | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
    schema: types.StructType | None = None,
) -> Column:
    r"""Kullback-Leibler divergence D(p‖q) of each row of a map column: `info.map.kl_div` as a Spark expression.

    :math:`D = \sum_k a_k \ln \frac{a_k}{b_k}` with the shares :math:`a_k = p_k / \sum p` and :math:`b_k = q_k /
    \sum q` (Kullback & Leibler 1951). A key that one side lacks weighs 0 there.

    Parameters
    ----------
    p
        A column of maps from keys to numbers, or its name; or of arrays of structs of two fields, key and weight.
    q
        The reference: a column of maps or its name, or one distribution for every row, as a dict of keys and weights.
    base, nan_policy, schema
        As in `list_kl_div`.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Column
        One value per row, as in `info.map.kl_div`, in the type that `list_kl_div` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_kl_div`, and if `pseudo_count` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_kl_div`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> coins = spark.createDataFrame([({"head": 1, "tail": 1},)], "p map<string, int>")
    >>> coins.select(round(pes.map_kl_div("p", {"tail": 1, "head": 3}, base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |0.207519|
    +--------+
    <BLANKLINE>

    """
    return per_row(
        "kl_div", p, q, base=base, nan_policy=nan_policy, schema=schema, accessor="map", pseudo_count=pseudo_count
    )


def map_cross_entropy(
    p: str | Column,
    q: str | Column | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
    schema: types.StructType | None = None,
) -> Column:
    r"""Cross-entropy of each row of a map column: `info.map.cross_entropy` as a Spark expression.

    :math:`\mathrm{CE} = -\sum_k a_k \ln b_k` with the shares :math:`a_k = p_k / \sum p` and :math:`b_k = q_k / \sum
    q` (Kerridge 1961). A key that one side lacks weighs 0 there.

    Parameters
    ----------
    p
        A column of maps from keys to numbers, or its name; or of arrays of structs of two fields, key and weight.
    q
        The reference: a column of maps or its name, or one distribution for every row, as a dict of keys and weights.
    base, nan_policy, schema
        As in `list_cross_entropy`.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Column
        One value per row, as in `info.map.cross_entropy`, in the type that `list_cross_entropy` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_cross_entropy`, and if `pseudo_count` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_cross_entropy`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> coins = spark.createDataFrame([({"head": 1, "tail": 1},)], "p map<string, int>")
    >>> coins.select(round(pes.map_cross_entropy("p", {"tail": 1, "head": 3}, base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |1.207519|
    +--------+
    <BLANKLINE>

    """
    return per_row(
        "cross_entropy",
        p,
        q,
        base=base,
        nan_policy=nan_policy,
        schema=schema,
        accessor="map",
        pseudo_count=pseudo_count,
    )


def map_js_div(
    p: str | Column,
    q: str | Column | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
    schema: types.StructType | None = None,
) -> Column:
    r"""Jensen-Shannon divergence of each row of a map column: `info.map.js_div` as a Spark expression.

    :math:`\mathrm{JS} = \tfrac12 \sum_k a_k \ln \frac{a_k}{m_k} + \tfrac12 \sum_k b_k \ln \frac{b_k}{m_k}` with
    :math:`m_k = (a_k + b_k) / 2` and the shares :math:`a_k = p_k / \sum p` and :math:`b_k = q_k / \sum q` (Lin
    1991). A key that one side lacks weighs 0 there.

    Parameters
    ----------
    p
        A column of maps from keys to numbers, or its name; or of arrays of structs of two fields, key and weight.
    q
        The reference: a column of maps or its name, or one distribution for every row, as a dict of keys and weights.
    base, nan_policy, schema
        As in `list_js_div`.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Column
        One value per row, as in `info.map.js_div`, in the type that `list_js_div` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_js_div`, and if `pseudo_count` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_js_div`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> coins = spark.createDataFrame([({"head": 1, "tail": 1},)], "p map<string, int>")
    >>> coins.select(round(pes.map_js_div("p", {"tail": 1, "head": 3}, base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |0.048795|
    +--------+
    <BLANKLINE>

    """
    return per_row(
        "js_div", p, q, base=base, nan_policy=nan_policy, schema=schema, accessor="map", pseudo_count=pseudo_count
    )


def map_psi(
    p: str | Column,
    q: str | Column | Distribution,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    pseudo_count: float = 0.0,
    schema: types.StructType | None = None,
) -> Column:
    r"""Population stability index of each row of a map column: `info.map.psi` as a Spark expression.

    :math:`\mathrm{PSI} = \sum_k (a_k - b_k) \ln \frac{a_k}{b_k}` with the shares :math:`a_k = p_k / \sum p` and
    :math:`b_k = q_k / \sum q` (Jeffreys 1946). A key that one side lacks weighs 0 there.

    Parameters
    ----------
    p
        A column of maps from keys to numbers, or its name; or of arrays of structs of two fields, key and weight.
    q
        The reference: a column of maps or its name, or one distribution for every row, as a dict of keys and weights.
    base, nan_policy, schema
        As in `list_psi`.
    pseudo_count
        A number that is added on both sides to every key that either side has. It is finite and not negative.

    Returns
    -------
    Column
        One value per row, as in `info.map.psi`, in the type that `list_psi` gives.

    Raises
    ------
    TypeError, ValueError, ImportError
        As in `list_psi`, and if `pseudo_count` is invalid.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in `list_psi`.

    Examples
    --------
    >>> import polars_entropy.spark as pes
    >>> from pyspark.sql.functions import round
    >>> coins = spark.createDataFrame([({"head": 1, "tail": 1},)], "p map<string, int>")
    >>> coins.select(round(pes.map_psi("p", {"tail": 1, "head": 3}, base=2), 6).alias("bits")).show()
    +--------+
    |    bits|
    +--------+
    |0.396241|
    +--------+
    <BLANKLINE>

    """
    return per_row(
        "psi", p, q, base=base, nan_policy=nan_policy, schema=schema, accessor="map", pseudo_count=pseudo_count
    )
