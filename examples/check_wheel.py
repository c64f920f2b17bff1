"""What a wheel has to do in a bare environment: rows, groups in a streaming query, and Arrow: `make check-wheel`."""

import math
import sys

import polars as pl

import polars_entropy as pe
from polars_entropy import arrow

frame = pl.DataFrame({"group": ["a", "a", "b"], "n": [1, 1, 3], "p": [[1, 1], [3, 1], None]})
rows = frame.select(pl.col("p").info.list.kl_div([1, 1], base=2))["p"].to_list()
groups = frame.lazy().group_by("group").agg(pl.col("n").info.entropy(base=2)).sort("group").collect(engine="streaming")
assert rows[0] == 0.0 and math.isclose(rows[1], 0.188721875540867) and rows[2] is None, rows  # noqa: PT018, S101
assert groups["n"].to_list() == [1.0, 0.0], groups  # noqa: S101
assert pl.Series(arrow.entropy(frame["p"], base=2))[0] == 1.0  # noqa: S101
print(f"polars-entropy {pe.__version__}, Polars {pl.__version__}, Python {sys.version.split()[0]}: all right")
