"""Code that runs on the driver: checks, and Spark's plan for groups and for rows. It names no quantity.

Wrong columns and arguments raise here, before a job starts: the same Polars query is resolved on an empty frame with
the columns of the Spark frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
from pyspark.sql import Column, functions, types

from polars_entropy import info
from polars_entropy._arguments import check_base, check_nan_policy, check_pseudo_count
from polars_entropy._lib import QUANTITIES
from polars_entropy._reference import is_number, total_number, vector
from polars_entropy.spark._stages import (
    Distribution,
    aggregated,
    gather_values,
    make_states,
    merge_states,
    pickled_twice,
    row_values,
)
from polars_entropy.spark._types import check_key, check_name, check_names, column, polars_schema, spark_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from polars_entropy._arguments import NanPolicy


def per_group(
    quantity: str,
    sdf: DataFrame,
    p: object,
    *q: object,
    by: str | Sequence[str],
    base: float | None,
    nan_policy: NanPolicy,
    q_total: object = None,
) -> DataFrame:
    """A frame with the value of each group, in a column that goes by p's name."""
    p = check_name("p" if q else "x", p)
    distribution = Distribution(
        quantity,
        p,
        tuple(_checked_reference(quantity, one) for one in q),
        check_base(base),
        check_nan_policy(nan_policy),
        _checked_total(q_total),
    )
    if sdf.isStreaming:
        raise ValueError("a stream has no end, and so no groups to sum up: pass the frame of a batch (`foreachBatch`)")
    keys = check_names("by", by)
    needed = list(dict.fromkeys([*keys, *distribution.columns]))
    empty = pl.LazyFrame(schema=polars_schema(sdf.schema, needed))
    value = aggregated(empty, keys, distribution.value()).collect_schema()[p]
    key_fields = [check_key(sdf.schema[key]) for key in keys]
    value_fields = types.StructType([*key_fields, types.StructField(p, spark_type(value))])

    # Between the stages columns go by number: Spark looks names up unquoted there, and fails at a dot or a backtick.
    rows = sdf.select(*[column(name).alias(f"c{i}") for i, name in enumerate(needed)])
    numbered = [types.StructField(f"c{i}", field.dataType) for i, field in enumerate(key_fields)]
    if QUANTITIES[quantity].state_sums is None:
        together = rows.repartition(*[field.name for field in numbered]) if keys else rows.repartition(1)
        return together.mapInArrow(
            pickled_twice(partial(gather_values, distribution, keys, needed), "gather_values"), value_fields
        )
    state = aggregated(empty, keys, distribution.state()).collect_schema()[p]
    state_fields = types.StructType([*numbered, types.StructField("state", spark_type(state))])
    states = rows.mapInArrow(
        pickled_twice(partial(make_states, distribution, keys, needed), "make_states"), state_fields
    )
    if keys:
        together = states.repartition(*[field.name for field in numbered])
    else:
        # A frame without partitions has no states, so nothing would come out. This row makes it 0.0.
        nothing = sdf.sparkSession.range(1).select(functions.lit(None).cast(state_fields["state"].dataType))
        together = states.union(nothing).repartition(1)
    return together.mapInArrow(pickled_twice(partial(merge_states, distribution, keys), "merge_states"), value_fields)


def per_row(
    quantity: str,
    p: object,
    *q: object,
    base: float | None,
    nan_policy: NanPolicy,
    schema: types.StructType | None,
    q_total: object = None,
    accessor: str = "list",
    pseudo_count: float | None = None,
) -> Column:
    """A UDF with the value of each row of array or map columns, in the type that the schema promises."""
    function = f"{accessor}_{quantity.replace('.', '_')}"
    if (arrow_udf := getattr(functions, "arrow_udf", None)) is None:
        raise ImportError(f"{function} needs PySpark 4.1 or newer, which has `arrow_udf`")
    p_argument = "p" if q else "x"
    inputs = [(p_argument, p), *(("q", one) for one in q), ("q_total", q_total)]
    given = [(argument, one) for argument, one in inputs if argument == p_argument or isinstance(one, (str, Column))]
    columns = {argument: _check_array_column(argument, one, schema) for argument, one in given}
    # Names say more in messages than arguments do. But if not all columns have one, a name may be "p" or "q".
    if all(isinstance(one, str) for one in columns.values()):
        names = {argument: check_name(argument, one) for argument, one in columns.items()}
    else:
        names = {argument: argument for argument in columns}
    one_row = _one_map if accessor == "map" else _one_row
    distribution = Distribution(
        quantity,
        names[p_argument],
        tuple(names["q"] if "q" in names else one_row(one) for one in q),
        check_base(base),
        check_nan_policy(nan_policy),
        names["q_total"] if "q_total" in names else _checked_total(q_total),
        accessor,
        None if pseudo_count is None else check_pseudo_count(pseudo_count),
    )
    expression = distribution.rows()
    dtype: pl.DataType = pl.Float64()
    if schema is not None:
        empty = pl.LazyFrame(schema=polars_schema(schema, distribution.columns))
        (dtype,) = empty.select(expression).collect_schema().dtypes()
    by_name = dict(zip(names.values(), columns.values(), strict=True))
    udf = arrow_udf(pickled_twice(partial(row_values, distribution, list(by_name), dtype), function), spark_type(dtype))
    result: Column = udf(*by_name.values())
    return result


def _checked_reference(quantity: str, q: Any) -> str | float:
    """Reference of a group: the name of a column, or one number."""
    if isinstance(q, str):
        return check_name("q", q)
    if is_number(q):
        number: float = q
        return number
    # Raises if Polars would not take it for q, either.
    getattr(info("p"), quantity)(q)
    raise TypeError(f"`q` must be a column name or a number, not {type(q).__name__}: join it in as a column")


def _checked_total(q_total: Any) -> str | float | None:
    """Total of q: the name of a column, one number, or nothing."""
    if q_total is None:
        return None
    if isinstance(q_total, str):
        return check_name("q_total", q_total)
    if (total := total_number(q_total)) is None:
        raise TypeError(f"`q_total` must be a column name or a number, not {q_total!r}")
    return total


def _check_array_column(argument: str, given: object, schema: types.StructType | None) -> str | Column:
    """Column, which only a name can find in a schema."""
    if isinstance(given, str) or (isinstance(given, Column) and schema is None):
        return given
    wanted = "a column or its name" if schema is None else "a column's name, to be found in `schema`"
    raise TypeError(f"`{argument}` must be {wanted}, not {given!r}")


def _one_row(q: object) -> pl.Series:
    """One distribution as a column of one row, which goes with every row of p."""
    return pl.Series([q if isinstance(q, pl.Series) else vector(q)])


def _one_map(q: Any) -> dict[Any, Any] | pl.Series:
    """One distribution by key, which goes with every row of p."""
    if isinstance(q, Mapping):
        return dict(q)
    if isinstance(q, pl.Series) and len(q) == 1:
        return q
    raise TypeError(f"`q` must be a column, its name, or a dict of keys and weights, not {q!r}")
