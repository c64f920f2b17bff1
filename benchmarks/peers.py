"""Whoever computes entropies or divergences of rows, each in the way its own users would."""

from collections.abc import Callable
from typing import Any, NamedTuple

import duckdb
import numba
import numkong
import numpy as np
import polars as pl
import scipy.spatial.distance
import scipy.stats
import simsimd

import polars_entropy.arrow as pea

from .timing import FLOOR, KL_DIV, METHODS, OF_COUNTS, OURS


class Peer(NamedTuple):
    # From the List columns p and q to what the functions take. It isn't timed.
    prepare: Callable[[pl.DataFrame], Any]
    # A function for each operation that the peer has.
    of: dict[str, Callable[[Any], Any]]
    # The relative difference from ours past which the benchmark stops. None is for what computes something else.
    tolerance: float | None = 1e-9
    # What doesn't normalise is timed on rows that sum to one.
    normalises: bool = True


def unchanged(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def arrays(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.all().list.to_array(len(frame["q"][0])))


def counts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select((pl.all() * 1000 + 1).cast(pl.List(pl.Int64)))


def matrices(frame: pl.DataFrame) -> tuple[np.ndarray, ...]:
    return tuple(column.explode(empty_as_null=False).to_numpy().reshape(len(column), -1) for column in frame)


def arrow(frame: pl.DataFrame) -> tuple[Any, ...]:
    return tuple(column.to_arrow() for column in frame)


def selection(*exprs: pl.Expr) -> Callable[[pl.DataFrame], pl.Series]:
    return lambda frame: frame.select(exprs).to_series()


def numpy_entropy(w: tuple[np.ndarray, ...]) -> np.ndarray:
    p = w[0] / w[0].sum(axis=1, keepdims=True)
    return -(p * np.log(p)).sum(axis=1)


def numpy_kl_div(w: tuple[np.ndarray, ...]) -> np.ndarray:
    p, q = (x / x.sum(axis=1, keepdims=True) for x in w)
    return (p * np.log(p / q)).sum(axis=1)


def numpy_js_div(w: tuple[np.ndarray, ...]) -> np.ndarray:
    p, q = (x / x.sum(axis=1, keepdims=True) for x in w)
    m = (p + q) / 2
    return ((p * np.log(p / m)).sum(axis=1) + (q * np.log(q / m)).sum(axis=1)) / 2


def numpy_psi(w: tuple[np.ndarray, ...]) -> np.ndarray:
    p, q = (x / x.sum(axis=1, keepdims=True) for x in w)
    return ((p - q) * np.log(p / q)).sum(axis=1)


# Fastmath, save its promise that there are no NaNs and infinities: with that, anything may come out of an empty row,
# and without it nothing is slower. As in NumPy, 0/0 is no ZeroDivisionError.
compiled = numba.njit(fastmath={"afn", "arcp", "contract", "nsz", "reassoc"}, error_model="numpy")


@compiled
def numba_entropy(p: np.ndarray) -> np.ndarray:
    out = np.empty(len(p))
    for i in range(len(p)):
        total = terms = 0.0
        for x in p[i]:
            if x != 0:
                total += x
                terms += x * np.log(x)
        out[i] = np.log(total) - terms / total
    return out


@compiled
def numba_kl_div(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    out = np.empty(len(p))
    for i in range(len(p)):
        p_total = q_total = terms = 0.0
        for x, y in zip(p[i], q[i]):  # noqa: B905  numba knows no strict
            p_total += x
            q_total += y
            if x != 0:
                terms += x * np.log(x / y)
        out[i] = terms / p_total - np.log(p_total / q_total)
    return out


@compiled
def numba_js_div(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    out = np.empty(len(p))
    for i in range(len(p)):
        p_total, q_total, terms = p[i].sum(), q[i].sum(), 0.0
        for x, y in zip(p[i], q[i]):  # noqa: B905
            a, b = x / p_total, y / q_total
            if a != 0:
                terms += a * np.log(2 * a / (a + b))
            if b != 0:
                terms += b * np.log(2 * b / (a + b))
        out[i] = terms / 2
    return out


@compiled
def numba_psi(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    out = np.empty(len(p))
    for i in range(len(p)):
        p_total, q_total, terms = p[i].sum(), q[i].sum(), 0.0
        for x, y in zip(p[i], q[i]):  # noqa: B905
            a, b = x / p_total, y / q_total
            if a != b:
                terms += (a - b) * np.log(a / b)
        out[i] = terms
    return out


def duckdb_table(frame: pl.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.register("frame", frame.to_arrow())
    connection.execute("create table weights as select * from frame")
    return connection


def duckdb_query(value: str) -> Callable[[duckdb.DuckDBPyConnection], np.ndarray]:
    query = f"select {value} as value from weights"  # noqa: S608
    return lambda connection: connection.execute(query).fetchnumpy()["value"]


DUCKDB_H = "ln(list_sum(p)) - list_sum(list_transform(p, lambda x: x * ln(x))) / list_sum(p)"
DUCKDB_D = "list_sum(list_transform(p, lambda x, i: x * ln(x / q[i]))) / list_sum(p) - ln(list_sum(p) / list_sum(q))"
P, LIST, ARRAY = pl.col("p"), pl.col("p").info.list, pl.col("p").info.arr


def ours(accessor: Any) -> dict[str, Callable[[pl.DataFrame], pl.Series]]:
    """Our methods under an accessor of p."""
    return {
        operation: selection(getattr(accessor, method)(*["q"] * (operation != "H")))
        for operation, method in METHODS.items()
    }


def ours_of_arrow(operation: str) -> Callable[[tuple[Any, ...]], pl.Series]:
    function = getattr(pea, METHODS[operation])
    return lambda w: pl.Series(function(*w[: 1 + (operation != "H")]))


def two_divergences() -> dict[str, Callable[[pl.DataFrame], pl.Series]]:
    """Our own, by hand."""
    p, q = P / P.list.sum(), pl.col("q") / pl.col("q").list.sum()
    m = p + q
    return {
        "JS": selection((p.info.list.kl_div(m) + q.info.list.kl_div(m)) / 2),
        "PSI": selection(LIST.kl_div("q") + pl.col("q").info.list.kl_div("p")),
    }


PEERS = {
    "SciPy": Peer(
        matrices,
        {
            "H": lambda w: scipy.stats.entropy(w[0], axis=1),
            "D": lambda w: scipy.stats.entropy(w[0], w[1], axis=1),
            "JS": lambda w: scipy.spatial.distance.jensenshannon(w[0], w[1], axis=1) ** 2,
            "PSI": lambda w: scipy.stats.entropy(w[0], w[1], axis=1) + scipy.stats.entropy(w[1], w[0], axis=1),
        },
    ),
    "NumPy by hand": Peer(matrices, {"H": numpy_entropy, "D": numpy_kl_div, "JS": numpy_js_div, "PSI": numpy_psi}),
    "Polars `entropy`": Peer(unchanged, {"H": selection(P.list.agg(pl.element().entropy()))}),
    "DuckDB by hand": Peer(duckdb_table, {"H": duckdb_query(DUCKDB_H), "D": duckdb_query(DUCKDB_D)}),
    "numba fastmath": Peer(
        matrices,
        {
            "H": lambda w: numba_entropy(w[0]),
            "D": lambda w: numba_kl_div(*w),
            "JS": lambda w: numba_js_div(*w),
            "PSI": lambda w: numba_psi(*w),
        },
    ),
    "SimSIMD": Peer(
        matrices,
        {"D": lambda w: simsimd.kullbackleibler(*w), "JS": lambda w: np.square(simsimd.jensenshannon(*w))},
        tolerance=None,
        normalises=False,
    ),
    "NumKong": Peer(
        matrices,
        {"D": lambda w: numkong.kullbackleibler(*w), "JS": lambda w: np.square(numkong.jensenshannon(*w))},
        tolerance=1e-6,
        normalises=False,
    ),
    FLOOR: Peer(
        unchanged,
        {
            "H": selection(P.list.sum()),
            **dict.fromkeys(("D", "JS", "PSI"), selection(pl.col("p", "q").list.sum())),
        },
        tolerance=None,
    ),
    "two `kl_div`": Peer(unchanged, two_divergences()),
    KL_DIV: Peer(unchanged, dict.fromkeys(("JS", "PSI"), ours(LIST)["D"]), tolerance=None),
    OURS: Peer(unchanged, ours(LIST)),
    "polars-entropy, Array": Peer(arrays, ours(ARRAY)),
    # The tolerance: to the last bit.
    "polars-entropy, Arrow": Peer(
        arrow, {operation: ours_of_arrow(operation) for operation in METHODS}, tolerance=1e-300
    ),
    "polars-entropy, List of Float32": Peer(lambda frame: frame.cast(pl.List(pl.Float32)), ours(LIST), tolerance=1e-4),
    OF_COUNTS: Peer(counts, ours(LIST), tolerance=None),
}
