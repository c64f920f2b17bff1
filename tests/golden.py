"""States in files, which every later build has to merge to the same values; and how they were made.

`data/states.parquet` has a row for each part of each whole below, and a column for each quantity in each precision. It
is not written anew, for a state that somebody keeps is not either. It was written once, by

    python tests/golden.py tests/data/states.parquet entropy kl_div

A quantity that comes later has a file of its own beside it, `data/states-NAME.parquet`.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import NamedTuple

import polars as pl

import polars_entropy  # noqa: F401  registers the namespace

FILES = sorted((Path(__file__).parent / "data").glob("states*.parquet"))
PRECISIONS = {"double": pl.Float64, "single": pl.Float32}

NAN, INF = math.nan, math.inf


class Golden(NamedTuple):
    """A whole in parts, each of p or of p and q, and what their states merge to, in double and in single precision."""

    parts: list[tuple[list[float | None], ...]]
    double: float | None
    single: float | None

    def whole(self) -> list[list[float | None]]:
        """The inputs of all parts together."""
        return [[x for row in side for x in row] for side in zip(*self.parts, strict=True)]


GOLDEN = {
    "entropy": {
        "3 a null": Golden([([1.0, None],), ([2.0, 1.0],)], None, None),
        "3 a null before all others": Golden([([INF],), ([-1.0],), ([None],)], None, None),
        "4 nothing": Golden([([],), ([],)], 0.0, 0.0),
        "5 a NaN": Golden([([1.0, NAN],), ([2.0],)], NAN, NAN),
        "5 an infinity": Golden([([-1.0],), ([INF],)], NAN, NAN),
        "6 a negative weight": Golden([([1.0, -1.0],), ([2.0],)], -INF, -INF),
        "7 no mass": Golden([([0.0, 0.0],), ([],), ([-0.0],)], NAN, NAN),
        "9 one event": Golden([([],), ([0.0],), ([5.0],)], 0.0, 0.0),
        "9 counts": Golden([([1.0, 2.0, 3.0],), ([4.0, 5.0],), ([6.0],)], 1.6623769591928224, 1.6623769998550415),
        "9 shares": Golden(
            [([0.05, 0.1, 0.2],), ([0.05],), ([0.15, 0.25, 0.08, 0.12],)], 1.93935082304315, 1.9393508434295654
        ),
        "9 a dominant part": Golden(
            [([1.0],), ([1e-12, 2e-12],), ([3e-16],)], 8.451779181117646e-11, 8.45177886010795e-11
        ),
        "9 far apart": Golden([([1e30, 2e30],), ([1e-30],), ([1.0, 7.0],)], 0.6365141682948128, 0.6365141868591309),
    },
    "kl_div": {
        "3 a null": Golden([([1.0, 1.0], [1.0, None]), ([2.0], [1.0])], None, None),
        "3 a null before all others": Golden([([INF], [1.0]), ([1.0], [-1.0]), ([None], [0.0])], None, None),
        "4 nothing": Golden([([], []), ([], [])], 0.0, 0.0),
        "5 a NaN": Golden([([1.0], [NAN]), ([2.0], [1.0])], NAN, NAN),
        "5 an infinity": Golden([([-1.0], [1.0]), ([1.0], [INF])], NAN, NAN),
        "6 a negative weight": Golden([([1.0, 1.0], [1.0, -1.0]), ([2.0], [0.0])], INF, INF),
        "7 no mass in p": Golden([([0.0, 0.0], [1.0, 2.0]), ([], []), ([0.0], [0.0])], NAN, NAN),
        "7 no mass in q": Golden([([1.0, 2.0], [0.0, 0.0]), ([0.0], [0.0])], NAN, NAN),
        "8 q = 0 < p": Golden([([1.0, 1.0], [0.0, 1.0]), ([2.0], [1.0])], INF, INF),
        "9 p = 0 < q": Golden([([0.0], [3.0]), ([1.0, 2.0], [2.0, 1.0])], 0.9241962407465937, 0.9241962432861328),
        "9 p = q": Golden([([0.1, 0.2], [0.1, 0.2]), ([0.7], [0.7])], 0.0, 0.0),
        "9 counts": Golden(
            [([1.0, 2.0, 3.0], [3.0, 1.0, 2.0]), ([4.0, 5.0], [1.0, 1.0]), ([6.0], [9.0])],
            0.3917220375126669,
            0.39172202348709106,
        ),
        "9 shares": Golden(
            [([0.05, 0.1, 0.2], [0.3, 0.1, 0.2]), ([0.05, 0.15], [0.1, 0.1]), ([0.25, 0.08, 0.12], [0.02, 0.08, 0.1])],
            0.5898851816191628,
            0.5898851752281189,
        ),
        "9 nearly equal": Golden(
            [([3.0, 5.0], [3.0003, 4.9997]), ([7.0], [7.0]), ([2.0, 4.0], [1.9998, 4.0002])],
            1.8571361974998887e-09,
            1.8562769099617071e-09,
        ),
        "9 far apart": Golden(
            [([1e30, 2e30], [1.0, 2.0]), ([1e-30], [1e-10]), ([1.0], [3.0])], 0.693147180576612, 0.6931471824645996
        ),
    },
    "cross_entropy": {
        "3 a null": Golden([([1.0, 1.0], [1.0, None]), ([2.0], [1.0])], None, None),
        "3 a null before all others": Golden([([INF], [1.0]), ([1.0], [-1.0]), ([None], [0.0])], None, None),
        "4 nothing": Golden([([], []), ([], [])], 0.0, 0.0),
        "5 a NaN": Golden([([1.0], [NAN]), ([2.0], [1.0])], NAN, NAN),
        "5 an infinity": Golden([([-1.0], [1.0]), ([1.0], [INF])], NAN, NAN),
        "6 a negative weight": Golden([([1.0, 1.0], [1.0, -1.0]), ([2.0], [0.0])], INF, INF),
        "7 no mass in p": Golden([([0.0, 0.0], [1.0, 2.0]), ([], []), ([0.0], [0.0])], NAN, NAN),
        "7 no mass in q": Golden([([1.0, 2.0], [0.0, 0.0]), ([0.0], [0.0])], NAN, NAN),
        "8 q = 0 < p": Golden([([1.0, 1.0], [0.0, 1.0]), ([2.0], [1.0])], INF, INF),
        "9 p = 0 < q": Golden([([0.0], [3.0]), ([1.0, 2.0], [2.0, 1.0])], 1.5607104090414066, 1.5607104301452637),
        "9 p = q": Golden([([0.1, 0.2], [0.1, 0.2]), ([0.7], [0.7])], 0.8018185525433373, 0.8018185496330261),
        "9 counts": Golden(
            [([1.0, 2.0, 3.0], [3.0, 1.0, 2.0]), ([4.0, 5.0], [1.0, 1.0]), ([6.0], [9.0])],
            2.0540989967054895,
            2.0540990829467773,
        ),
        "9 shares": Golden(
            [([0.05, 0.1, 0.2], [0.3, 0.1, 0.2]), ([0.05, 0.15], [0.1, 0.1]), ([0.25, 0.08, 0.12], [0.02, 0.08, 0.1])],
            2.529236004662313,
            2.529236078262329,
        ),
        "9 nearly equal": Golden(
            [([3.0, 5.0], [3.0003, 4.9997]), ([7.0], [7.0]), ([2.0, 4.0], [1.9998, 4.0002])],
            1.525671521620489,
            1.5256714820861816,
        ),
        "9 far apart": Golden(
            [([1e30, 2e30], [1.0, 2.0]), ([1e-30], [1e-10]), ([1.0], [3.0])], 1.3296613488714246, 1.3296613693237305
        ),
    },
    "psi": {
        "3 a null": Golden([([1.0, 1.0], [1.0, None]), ([2.0], [1.0])], None, None),
        "3 a null before all others": Golden([([INF], [1.0]), ([1.0], [-1.0]), ([None], [0.0])], None, None),
        "4 nothing": Golden([([], []), ([], [])], 0.0, 0.0),
        "5 a NaN": Golden([([1.0], [NAN]), ([2.0], [1.0])], NAN, NAN),
        "5 an infinity": Golden([([-1.0], [1.0]), ([1.0], [INF])], NAN, NAN),
        "6 a negative weight": Golden([([1.0, 1.0], [1.0, -1.0]), ([2.0], [0.0])], INF, INF),
        "7 no mass in p": Golden([([0.0, 0.0], [1.0, 2.0]), ([], []), ([0.0], [0.0])], NAN, NAN),
        "7 no mass in q": Golden([([1.0, 2.0], [0.0, 0.0]), ([0.0], [0.0])], NAN, NAN),
        "8 q = 0 < p": Golden([([1.0, 1.0], [0.0, 1.0]), ([2.0], [1.0])], INF, INF),
        "8 p = 0 < q": Golden([([0.0], [3.0]), ([1.0, 2.0], [2.0, 1.0])], INF, INF),
        "9 p = q": Golden([([0.1, 0.2], [0.1, 0.2]), ([0.7], [0.7])], 0.0, 0.0),
        "9 counts": Golden(
            [([1.0, 2.0, 3.0], [3.0, 1.0, 2.0]), ([4.0, 5.0], [1.0, 1.0]), ([6.0], [9.0])],
            0.7468671999238469,
            0.7468671798706055,
        ),
        "9 shares": Golden(
            [([0.05, 0.1, 0.2], [0.3, 0.1, 0.2]), ([0.05, 0.15], [0.1, 0.1]), ([0.25, 0.08, 0.12], [0.02, 0.08, 0.1])],
            1.087434501067197,
            1.0874345302581787,
        ),
        "9 nearly equal": Golden(
            [([3.0, 5.0], [3.0003, 4.9997]), ([7.0], [7.0]), ([2.0, 4.0], [1.9998, 4.0002])],
            3.714275723652211e-09,
            3.712557150592488e-09,
        ),
        "9 far apart": Golden(
            [([1e30, 2e30], [1.0, 2.0]), ([1e-30], [1e-10]), ([1.0], [3.0])], 35.08808254057876, 35.08808135986328
        ),
    },
}


def read(name: str) -> pl.DataFrame:
    """The states of a quantity as they stand in the files: the case, and a column for each precision."""
    states = pl.concat(map(pl.read_parquet, FILES), how="diagonal").filter(pl.col("quantity") == name)
    return states.select("case", **{precision: f"{name}, {precision}" for precision in PRECISIONS})


def make(name: str) -> pl.DataFrame:
    """The states of a quantity as this build makes them, in the shape of the file."""
    rows = [(name, case, *part) for case, golden in GOLDEN[name].items() for part in golden.parts]
    inputs = ["p", "q"][: len(rows[0]) - 2]
    frame = pl.DataFrame(rows, schema=["quantity", "case", *inputs], orient="row")
    states = []
    for precision, dtype in PRECISIONS.items():
        p, *q = (pl.col(side).cast(pl.List(dtype)) for side in inputs)
        states.append(getattr(p.info.list, f"{name}_state")(*q).alias(f"{name}, {precision}"))
    return frame.select("quantity", "case", *states)


def main(file: str, *names: str) -> None:
    """Writes a new file."""
    if Path(file).exists():
        raise FileExistsError(f"{file} is what later builds have to read: it stays")
    pl.concat(map(make, names), how="diagonal").write_parquet(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
