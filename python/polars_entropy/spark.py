"""Entropy and Kullback-Leibler divergence of Spark data frames, by the kernels that run in Polars.

Groups are summed up where their rows lie. Each partition becomes a frame of states, one for each of its groups, in
`mapInArrow`; the states alone are exchanged, and a second `mapInArrow` merges them. Rows of array columns go through
Arrow UDFs.

Everything that can be wrong before there are data is found on the driver, by resolving the same Polars query on an
empty frame of the same columns. The executors need this package, too, in the same version.
"""

from __future__ import annotations

import itertools
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from polars_entropy import _arguments as arguments
from polars_entropy._namespace import info

try:
    import pyarrow as pa
    from pyspark import cloudpickle
    from pyspark.sql import Column, functions, types
except ImportError as error:
    raise ImportError(
        f'polars_entropy.spark needs PySpark 4 and PyArrow: pip install "polars-entropy[spark]" ({error})'
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyspark.sql import DataFrame

    from polars_entropy._arguments import NanPolicy, Vector

    Stage: TypeAlias = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

__all__ = ["entropy", "kl_div", "list_entropy", "list_kl_div"]


def entropy(
    sdf: DataFrame,
    x: str,
    *,
    by: str | Sequence[str] = (),
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> DataFrame:
    r"""Shannon entropy of a column of weights, as a whole or in groups: `info.entropy` over Spark.

    :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i`. Each partition is summed up where
    it lies, and only a state for each of its groups is exchanged.

    Parameters
    ----------
    sdf
        A Spark data frame, not a stream.
    x
        The name of the column of weights: any number, Boolean or decimal.
    by
        The names of the key columns. Null is a key, as in `GROUP BY`. Without any, the column is one distribution.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        What to do about missing weights, which are nulls and NaNs: `"propagate"` makes the result null if there is a
        null, else NaN; `"omit"` drops them; `"raise"` is an error of the job that names the column.

    Returns
    -------
    A Spark data frame of the keys and the value, which has the name of `x`: float for a float, else double. One row for
    each group; without keys a single row, 0.0 for an empty frame. Otherwise the values are those of
    `info.entropy`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError, polars.exceptions.DuplicateError
        As in Polars, before a job starts: if `x` doesn't hold numbers, or there is no such column or key.

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
    return _group_form(sdf, by, _Entropy(_name("x", x), arguments.check_base(base), nan_policy))


def kl_div(
    sdf: DataFrame,
    p: str,
    q: str | float,
    *,
    by: str | Sequence[str] = (),
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
) -> DataFrame:
    r"""Kullback-Leibler divergence D(p‖q) of two columns, as a whole or in groups: `info.kl_div` over Spark.

    :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`,
    :math:`Q = \sum_i q_i`. Each partition is summed up where it lies, and only a state for each of its groups is
    exchanged.

    Parameters
    ----------
    sdf
        A Spark data frame, not a stream.
    p
        The name of the column of weights: any number, Boolean or decimal.
    q
        The reference: the name of a column, or one number, which is a uniform q.
    by
        The names of the key columns. Null is a key, as in `GROUP BY`. Without any, each column is one distribution.
    base
        Unit of the result: 2 for bits, `None` for nats. A positive finite number other than 1.
    nan_policy
        What to do about pairs with a null or a NaN: `"propagate"` makes the result null if there is a null, else NaN;
        `"omit"` drops the pair; `"raise"` is an error of the job that names the column.

    Returns
    -------
    A Spark data frame of the keys and the value, which has the name of `p`: float if neither p nor q needs more, else
    double. One row for each group; without keys a single row, 0.0 for an empty frame. Otherwise the values are
    those of `info.kl_div`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError, polars.exceptions.DuplicateError
        As in Polars, before a job starts: if p or q doesn't hold numbers, or there is no such column or key.

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
    if not isinstance(q, str) and not arguments.is_number(q):
        info(_name("p", p)).kl_div(q)  # what is no q in Polars has its words
        raise TypeError(f"`q` must be a column name or a number, not {type(q).__name__}: join it in as a column")
    return _group_form(sdf, by, _KlDiv(_name("p", p), q, arguments.check_base(base), nan_policy))


def list_entropy(
    x: str | Column,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Shannon entropy of each row of an array column: `info.list.entropy` as a Spark expression.

    :math:`H = -\sum_i \frac{x_i}{S} \ln \frac{x_i}{S}` with :math:`S = \sum_i x_i`. An Arrow UDF, which needs PySpark
    4.1.

    Parameters
    ----------
    x
        A column of arrays of numbers, or its name.
    base
        Unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1.
    nan_policy
        What to do about missing weights, which are nulls and NaNs: `"propagate"` makes the row's result null if there
        is a null, else NaN; `"omit"` drops them; `"raise"` is an error of the job that names the row.
    schema
        The schema of the frame, if `x` is a name: `sdf.schema`. An expression of Spark doesn't know the types of its
        columns. With the schema they are checked here, and float or nested arrays get results of their own type;
        without it the job finds out.

    Returns
    -------
    A double for each row, which has a float's digits for an array of floats. With `schema`: a float for an array of
    floats, an array for nested ones. The values are those of `info.list.entropy`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in Polars, with `schema`: if `x` isn't an array of numbers, or there is no such column.
    ImportError
        If PySpark is older than 4.1.

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
    name = x if isinstance(x, str) else "x"
    return _row_form(
        "list_entropy", {name: x}, lambda: info(name).list.entropy(base=base, nan_policy=nan_policy), schema
    )


def list_kl_div(
    p: str | Column,
    q: str | Column | Vector,
    *,
    base: float | None = None,
    nan_policy: NanPolicy = "propagate",
    schema: types.StructType | None = None,
) -> Column:
    r"""Kullback-Leibler divergence D(p‖q) of each row of an array column: `info.list.kl_div` as a Spark expression.

    :math:`D = \sum_i \frac{p_i}{P} \ln \frac{p_i / P}{q_i / Q}` with :math:`P = \sum_i p_i`, :math:`Q = \sum_i q_i`. An
    Arrow UDF, which needs PySpark 4.1.

    Parameters
    ----------
    p
        A column of arrays of numbers, or its name.
    q
        The reference: a column of arrays of the same lengths, or its name; or one distribution for every row, a
        sequence of numbers or a NumPy vector.
    base
        Unit of the result: 2 for bits, `None` for nats. A positive finite number other than 1.
    nan_policy
        What to do about pairs with a null or a NaN: `"propagate"` makes the row's result null if there is a null, else
        NaN; `"omit"` drops the pair; `"raise"` is an error of the job that names the column and the row.
    schema
        The schema of the frame, if the columns are names, as in `list_entropy`.

    Returns
    -------
    A double for each row, which has a float's digits if neither p nor q needs more. With `schema`: a float then, and an
    array for nested arrays. The values are those of `info.list.kl_div`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one.
    polars.exceptions.ComputeError, polars.exceptions.ColumnNotFoundError
        As in Polars, with `schema`: if p or q isn't an array of numbers, or there is no such column.
    ImportError
        If PySpark is older than 4.1.

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
    # Names say more in messages than letters do, but beside a column without one a letter could be the other's name.
    p_name = p if isinstance(p, str) and not isinstance(q, Column) else "p"
    columns: dict[str, str | Column] = {p_name: p}
    reference: str | pl.Series
    if isinstance(q, (str, Column)):
        reference = q if isinstance(p, str) and isinstance(q, str) else "q"
        columns[reference] = q
    else:
        reference = pl.Series([q if isinstance(q, pl.Series) else arguments.vector(q)])
    return _row_form(
        "list_kl_div",
        columns,
        lambda: info(p_name).list.kl_div(reference, base=base, nan_policy=nan_policy),
        schema,
    )


@dataclass(frozen=True)
class _Entropy:
    """Which entropy. The workers make expressions of it: an expression itself has the path of the driver's plugin."""

    x: str
    base: float | None
    nan_policy: NanPolicy

    @property
    def columns(self) -> list[str]:
        return [self.x]

    def value(self) -> pl.Expr:
        return info(self.x).entropy(base=self.base, nan_policy=self.nan_policy)

    def state(self) -> pl.Expr:
        return info(self.x).entropy_state(nan_policy=self.nan_policy)

    def merge_state(self) -> pl.Expr:
        return info(self.x).entropy_merge_state()

    def merge(self) -> pl.Expr:
        return info(self.x).entropy_merge(base=self.base)


@dataclass(frozen=True)
class _KlDiv:
    """Which divergence, likewise."""

    p: str
    q: str | float
    base: float | None
    nan_policy: NanPolicy

    @property
    def columns(self) -> list[str]:
        return [self.p, self.q] if isinstance(self.q, str) else [self.p]

    def value(self) -> pl.Expr:
        return info(self.p).kl_div(self.q, base=self.base, nan_policy=self.nan_policy)

    def state(self) -> pl.Expr:
        return info(self.p).kl_div_state(self.q, nan_policy=self.nan_policy)

    def merge_state(self) -> pl.Expr:
        return info(self.p).kl_div_merge_state()

    def merge(self) -> pl.Expr:
        return info(self.p).kl_div_merge(base=self.base)


def _group_form(sdf: DataFrame, by: str | Sequence[str], quantity: _Entropy | _KlDiv) -> DataFrame:
    """The value of each group. It goes by the name of the first column, and so do the states on their way."""
    if sdf.isStreaming:
        raise ValueError("a stream has no end, and so no groups to sum up: pass the frame of a batch (`foreachBatch`)")
    keys, name = _names(by), quantity.columns[0]
    needed = list(dict.fromkeys([*keys, *quantity.columns]))
    empty = pl.LazyFrame(schema=_polars_schema(sdf.schema, needed))
    value = _per_group(empty, keys, quantity.value()).collect_schema()[name]
    state = _per_group(empty, keys, quantity.state()).collect_schema()[name]
    fields = [_key(sdf.schema[key]) for key in keys]

    # What goes into `mapInArrow` must not have names with a dot or a backtick: Spark looks them up unquoted.
    rows = sdf.select(*[_column(column).alias(f"c{i}") for i, column in enumerate(needed)])
    positions = rows.columns[: len(keys)]
    wire = types.StructType(
        [types.StructField(position, field.dataType) for position, field in zip(positions, fields, strict=True)]
    ).add("state", _spark_type(state))
    states = rows.mapInArrow(_states(quantity, keys, needed), wire)
    if keys:
        together = states.repartition(*positions)
    else:
        # Where there are no partitions no state arises, and the value of nothing is 0.0: this is the row for it.
        nothing = sdf.sparkSession.range(1).select(functions.lit(None).cast(wire["state"].dataType).alias("state"))
        together = states.union(nothing).repartition(1)
    result = types.StructType([*fields, types.StructField(name, _spark_type(value))])
    return together.mapInArrow(_values(quantity, keys, state), result)


def _per_group(frame: Any, keys: list[str], aggregate: pl.Expr) -> Any:
    """The aggregate of each group of a frame, eager or lazy, or of the whole."""
    return frame.group_by(keys).agg(aggregate) if keys else frame.select(aggregate)


def _states(quantity: _Entropy | _KlDiv, keys: list[str], columns: list[str]) -> Stage:
    """From rows to a state for each group of the partition."""

    def states(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        key_types, runs = _runs(batches, keys, columns)
        again = quantity.merge_state()
        yield from _batches(_fold(runs, keys, quantity.state(), again, again), key_types)

    return _packed(states)


def _values(quantity: _Entropy | _KlDiv, keys: list[str], state: pl.DataType) -> Stage:
    """From all states of the partition's groups to a value for each."""
    name = quantity.columns[0]

    def values(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        key_types, runs = _runs(batches, keys, [*keys, name])
        states = (run.drop_nulls(name).cast({name: state}) for run in runs)
        again = quantity.merge_state()
        yield from _batches(_fold(states, keys, again, again, quantity.merge()), key_types)

    return _packed(values)


def _packed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function on its way to the workers, where Polars gets as many threads as the task has cores.

    It looks for their number when it is imported, and it is imported when what uses it is unpickled: hence a pickle in
    a pickle.
    """
    dumps: Callable[[object], bytes] = cloudpickle.dumps
    pickled = dumps(function)

    def unpacked(*arguments):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202
        # Spark tells the cores of a task so, to libraries that would take all there are.
        os.environ.setdefault("POLARS_MAX_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
        return pickle.loads(pickled)(*arguments)  # noqa: S301  this module's own

    unpacked.__name__ = function.__name__
    return unpacked


# Spark's batches have 10 000 rows, of which a query takes longer to plan than to run.
_RUN = 1 << 18


def _runs(
    batches: Iterator[pa.RecordBatch], keys: list[str], columns: list[str]
) -> tuple[list[pa.DataType], Iterator[pl.DataFrame]]:
    """The types of the keys, which come first, and the rows of a partition, some batches at a time."""
    head = next(batches, None)
    if head is None:
        return [], iter(())

    def runs() -> Iterator[pl.DataFrame]:
        run, rows = [], 0
        for batch in itertools.chain([head], batches):
            run.append(batch)
            rows += batch.num_rows
            if rows >= _RUN:
                yield _frame(run, columns)
                run, rows = [], 0
        if run:
            yield _frame(run, columns)

    return head.schema.types[: len(keys)], runs()


def _frame(batches: list[pa.RecordBatch], columns: list[str]) -> pl.DataFrame:
    table = pa.Table.from_batches(batches).rename_columns(columns)
    for i, field in enumerate(table.schema):
        # Spark's zones ("Z", "GMT+2") aren't all known to Polars, and equal instants are equal without them.
        if pa.types.is_timestamp(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.timestamp(field.type.unit)))
    return pl.DataFrame(table)


def _fold(
    runs: Iterable[pl.DataFrame], keys: list[str], first: pl.Expr, again: pl.Expr, last: pl.Expr
) -> pl.DataFrame | None:
    """The `last` of each group, holding no more than a run, and a few states for each group so far."""
    parts: list[pl.DataFrame] = []
    room = _RUN
    for run in runs:
        parts.append(_per_group(run, keys, first))
        if sum(part.height for part in parts) > room:
            parts = [_per_group(pl.concat(parts), keys, again)]
            # To merge pays again when as much has come as there is.
            room = max(_RUN, 2 * parts[0].height)
    return _per_group(pl.concat(parts), keys, last) if parts else None


def _batches(frame: pl.DataFrame | None, key_types: list[pa.DataType]) -> Iterator[pa.RecordBatch]:
    """A result on its way to Spark: keys in the types that they came in, and states in those that Spark has."""
    if frame is None:
        return
    name = frame.columns[-1]
    table = frame.cast({name: _wire(frame.schema[name])}).to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [field.with_type(kind) for field, kind in zip(table.schema, key_types, strict=False)]
    table = table.cast(pa.schema([*fields, table.schema.field(name)]))
    yield from table.to_batches(max_chunksize=_RUN)


def _row_form(
    function: str,
    columns: dict[str, str | Column],
    build: Callable[[], pl.Expr],
    schema: types.StructType | None,
) -> Column:
    """A UDF of the columns, which the expression knows by these names, in the type that the schema promises."""
    if (arrow_udf := getattr(functions, "arrow_udf", None)) is None:
        raise ImportError(f"{function} needs PySpark 4.1 or newer, which has `arrow_udf`")
    for name, column in columns.items():
        if not isinstance(column, (str, Column) if schema is None else str):
            wanted = "a column or its name" if schema is None else "a column's name, to be found in `schema`"
            raise TypeError(f"`{name}` must be {wanted}, not {column!r}")
    names = [_name("p", name) for name in columns]
    expression = build()
    result: pl.DataType = pl.Float64()
    if schema is not None:
        (result,) = pl.LazyFrame(schema=_polars_schema(schema, names)).select(expression).collect_schema().dtypes()

    def rows(*arrays: pa.Array) -> pa.Array:
        values = pl.DataFrame(dict(zip(names, arrays, strict=True))).select(build()).to_series()
        if values.dtype.is_nested() and not result.is_nested():
            raise TypeError(f"the rows of {names[0]!r} are nested: pass `schema`, for a result of their type")
        return values.cast(result).to_arrow(compat_level=pl.CompatLevel.oldest())

    rows.__name__ = function
    udf: Column = arrow_udf(_packed(rows), _spark_type(result))(*columns.values())
    return udf


def _name(argument: str, name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"`{argument}` must be a column name, not {name!r}")
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        raise ValueError(f"`{argument}` must be the name of one column, and Polars takes {name!r} for a pattern")
    return name


def _names(by: object) -> list[str]:
    if isinstance(by, str):
        return [_name("by", by)]
    if not isinstance(by, Sequence):
        raise TypeError(f"`by` must be a column name or a sequence of them, not {by!r}")
    return [_name("by", name) for name in by]


def _column(name: str) -> Column:
    """The column of just this name, whatever is in it."""
    return functions.col("`" + name.replace("`", "``") + "`")


def _key(field: types.StructField) -> types.StructField:
    kind = field.dataType
    if isinstance(kind, (types.ArrayType, types.MapType, types.StructType)):
        raise TypeError(f"a key must be a single value, and {field.name!r} is of type {kind.simpleString()}")
    if isinstance(kind, types.StringType) and kind != types.StringType():
        # Text that is equal to Spark in such an order isn't equal byte for byte.
        raise TypeError(f"keys are compared as bytes, and {field.name!r} is of type {kind.simpleString()}: cast it")
    return field


_POLARS_TYPES: dict[type[types.DataType], pl.DataType] = {
    types.NullType: pl.Null(),
    types.BooleanType: pl.Boolean(),
    types.ByteType: pl.Int8(),
    types.ShortType: pl.Int16(),
    types.IntegerType: pl.Int32(),
    types.LongType: pl.Int64(),
    types.FloatType: pl.Float32(),
    types.DoubleType: pl.Float64(),
    types.StringType: pl.String(),
    types.CharType: pl.String(),
    types.VarcharType: pl.String(),
    types.BinaryType: pl.Binary(),
    types.DateType: pl.Date(),
    types.TimestampType: pl.Datetime("us", "UTC"),
    types.TimestampNTZType: pl.Datetime("us"),
    types.DayTimeIntervalType: pl.Duration("us"),
}
if hasattr(types, "TimeType"):  # PySpark 4.1
    _POLARS_TYPES[types.TimeType] = pl.Time()

_SPARK_TYPES: dict[pl.DataType, types.DataType] = {
    pl.Float64(): types.DoubleType(),
    pl.Float32(): types.FloatType(),
    pl.Int16(): types.ShortType(),
    pl.Int8(): types.ByteType(),
}


def _polars_schema(schema: types.StructType, needed: list[str]) -> dict[str, pl.DataType]:
    """The columns in the types in which Polars gets them. Of those that aren't needed only the names matter."""
    return {f.name: _polars_type(f.dataType, f.name) if f.name in needed else pl.Null() for f in schema}


def _polars_type(kind: types.DataType, column: str) -> pl.DataType:
    if isinstance(kind, types.DecimalType):
        return pl.Decimal(kind.precision, kind.scale)
    if isinstance(kind, types.ArrayType):
        return pl.List(_polars_type(kind.elementType, column))
    if isinstance(kind, types.MapType):
        pair = {"key": _polars_type(kind.keyType, column), "value": _polars_type(kind.valueType, column)}
        return pl.List(pl.Struct(pair))
    if isinstance(kind, types.StructType):
        return pl.Struct({field.name: _polars_type(field.dataType, column) for field in kind})
    if type(kind) not in _POLARS_TYPES:
        raise TypeError(f"Polars has no type for column {column!r}, which is of type {kind.simpleString()}")
    return _POLARS_TYPES[type(kind)]


def _wire(dtype: Any) -> pl.DataType:
    """The type in which values travel through Spark, which has no unsigned ones."""
    if isinstance(dtype, pl.Struct):
        return pl.Struct({f.name: _wire(f.dtype) for f in dtype.fields})
    wire: pl.DataType = pl.Int16() if dtype == pl.UInt8 else dtype
    return wire


def _spark_type(dtype: Any) -> types.DataType:
    if isinstance(dtype, pl.Struct):
        return types.StructType([types.StructField(f.name, _spark_type(f.dtype)) for f in dtype.fields])
    if isinstance(dtype, pl.List):
        return types.ArrayType(_spark_type(dtype.inner))
    return _SPARK_TYPES[_wire(dtype)]
