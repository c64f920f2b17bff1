"""Information theory for data frames: entropy and Kullback-Leibler divergence as Polars expressions.

Importing the package registers the namespace `info` on `polars.Expr` and `polars.Series`. The function `info` gives the
same methods with full types, for editors and type checkers, which cannot see registered namespaces.
"""

from importlib.metadata import version

from polars_entropy._arguments import Axis, Estimator, NanPolicy
from polars_entropy._namespace import (
    ArrayInfo,
    ArrayLogits,
    BinInfo,
    ExprInfo,
    Info,
    ListInfo,
    ListLogits,
    ListValues,
    MapInfo,
    SeriesInfo,
    StrInfo,
    ValuesInfo,
    info,
)

__version__ = version("polars-entropy")

__all__ = [
    "ArrayInfo",
    "ArrayLogits",
    "Axis",
    "BinInfo",
    "Estimator",
    "ExprInfo",
    "Info",
    "ListInfo",
    "ListLogits",
    "ListValues",
    "MapInfo",
    "NanPolicy",
    "SeriesInfo",
    "StrInfo",
    "ValuesInfo",
    "__version__",
    "info",
]
