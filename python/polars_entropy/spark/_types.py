"""Types and names that Spark and Polars share, and the checks of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from pyspark.sql import Column, functions, types

# Types of columns, as Polars gets them through Arrow. Decimals and nested types have parameters: see `_polars_type`.
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

# Types of results: values are floats, and a state also has an integer and, in single precision, a Boolean.
_SPARK_TYPES: dict[pl.DataType, types.DataType] = {
    pl.Float64(): types.DoubleType(),
    pl.Float32(): types.FloatType(),
    pl.Int32(): types.IntegerType(),
    pl.Boolean(): types.BooleanType(),
}


def polars_schema(schema: types.StructType, needed: list[str]) -> dict[str, pl.DataType]:
    """Polars' types of the columns that are needed. Of the other columns only the names matter."""
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


def spark_type(dtype: Any) -> types.DataType:
    """Spark's type of a value, a state or nested values."""
    if isinstance(dtype, pl.Struct):
        return types.StructType([types.StructField(f.name, spark_type(f.dtype)) for f in dtype.fields])
    if isinstance(dtype, pl.List):
        return types.ArrayType(spark_type(dtype.inner))
    return _SPARK_TYPES[dtype]


def check_key(field: types.StructField) -> types.StructField:
    """The field of a key column, if Polars groups by its type as Spark does."""
    kind = field.dataType
    if isinstance(kind, (types.ArrayType, types.MapType, types.StructType)):
        raise TypeError(f"a key must be a single value, and {field.name!r} is of type {kind.simpleString()}")
    if isinstance(kind, types.StringType) and kind != types.StringType():
        # A collation makes strings equal that differ byte for byte.
        raise TypeError(f"keys are compared as bytes, and {field.name!r} is of type {kind.simpleString()}: cast it")
    return field


def check_name(argument: str, name: object) -> str:
    """The name of one column, if it is one to Polars, too."""
    if not isinstance(name, str):
        raise TypeError(f"`{argument}` must be a column name, not {name!r}")
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        raise ValueError(f"`{argument}` must be the name of one column, and Polars takes {name!r} for a pattern")
    return name


def check_names(argument: str, names: object) -> list[str]:
    """The names of columns, of which there may be one or none."""
    if isinstance(names, str):
        return [check_name(argument, names)]
    if not isinstance(names, Sequence):
        raise TypeError(f"`{argument}` must be a column name or a sequence of them, not {names!r}")
    return [check_name(argument, name) for name in names]


def column(name: str) -> Column:
    """The column of exactly this name. Unquoted, a dot would mean a field, and a backtick a quote."""
    return functions.col("`" + name.replace("`", "``") + "`")
