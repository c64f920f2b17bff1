"""Information theory for data frames: entropy and Kullback-Leibler divergence as Polars expressions.

Importing the package registers the namespace `info` on `polars.Expr` and `polars.Series`. The function `info` gives the
same methods with full types, for editors and type checkers, which cannot see registered namespaces.
"""

from importlib.metadata import version

from polars_entropy._arguments import Axis, NanPolicy
from polars_entropy._namespace import ArrayInfo, ArrayLogits, ExprInfo, Info, ListInfo, ListLogits, SeriesInfo, info

__version__ = version("polars-entropy")

__all__ = [
    "ArrayInfo",
    "ArrayLogits",
    "Axis",
    "ExprInfo",
    "Info",
    "ListInfo",
    "ListLogits",
    "NanPolicy",
    "SeriesInfo",
    "__version__",
    "info",
]
