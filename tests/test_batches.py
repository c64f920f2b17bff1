"""Summands of a batch are computed once for all calls that ask for them: nothing is left behind, nothing mixed up."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import polars.testing
import pytest
import scipy.stats

from engines import ENGINES
from polars_entropy import _lib

N = 30_000
RNG = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {
        "g": RNG.integers(0, 7, N),
        "many": RNG.integers(0, 5_000, N),
        "t": np.arange(N),
        "x": RNG.random(N),
        "y": RNG.random(N),
        "n": RNG.integers(0, 50, N),
    }
).with_columns(
    holes=pl.when(pl.col("n") > 3).then("x"),
    f=pl.col("x").cast(pl.Float32),
    b=pl.col("n") > 20,
    d=pl.col("x").cast(pl.Decimal(20, 10)),
    same=1.0,
    large=pl.when(pl.col("t") == 17).then(1e280).otherwise("x"),
)
X, Y = (pl.col(name).info for name in "xy")

VALUES = {
    "entropy": X.entropy(),
    "kl_div": X.kl_div("y"),
    "cross_entropy": X.cross_entropy("y", q_total=pl.col("y").sum() + 1),
    "psi": X.psi("y"),
    "state": X.entropy_state(),
    "state of a pair": X.kl_div_state("y"),
    "state and value": pl.struct(v=X.kl_div("y"), s=X.kl_div_state("y")),
    "estimator": pl.col("n").info.entropy(estimator="miller_madow"),
    "raise": X.entropy(nan_policy="raise"),
    "nulls": pl.col("holes").info.entropy(nan_policy="omit"),
    "a number as q": X.kl_div(2.0),
    "computed": (pl.col("x") * 2).info.kl_div(pl.col("y") + 1),
    "integers": pl.col("n").info.entropy(),
    "Float32": pl.col("f").info.entropy(),
    "Boolean": pl.col("b").info.entropy(),
    "Decimal": pl.col("d").info.entropy(),
    "large weights": pl.col("large").info.entropy(),
    "the same batch again and again": pl.col("same").info.entropy(),
    "p is q": X.kl_div("x"),
    "several": pl.struct(a=X.entropy(), b=X.entropy(base=2), c=Y.entropy(), d=X.psi("y"), e=Y.psi("x")),
}

CONTEXTS = {
    "select": lambda f, e: f.select(e.alias("out")),
    "few groups": lambda f, e: f.group_by("g").agg(e.alias("out")),
    "many groups": lambda f, e: f.group_by("many").agg(e.alias("out")),
    "windows": lambda f, e: f.select(e.over("g").alias("out")),
    "dynamic": lambda f, e: f.group_by_dynamic(pl.col("t").set_sorted(), every="500i", period="700i").agg(
        e.alias("out")
    ),
    "rolling": lambda f, e: f.head(2_000).rolling(pl.col("t").set_sorted(), period="50i").agg(e.alias("out")),
}


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("value", VALUES)
def test_a_query_leaves_nothing_behind(value, context, engine):
    for frame in (FRAME, pl.concat([FRAME[:100], FRAME[100:20_000], FRAME[20_000:]], rechunk=False)):
        before = _lib.stored_summands()
        CONTEXTS[context](frame.lazy(), VALUES[value]).collect(engine=engine)
        # Less than before, if a test of before has left something behind.
        assert _lib.stored_summands() <= before, f"{frame.n_chunks()} chunks"


@pytest.mark.parametrize("context", ["select", "few groups", "many groups", "windows"])
def test_values_of_one_query_are_those_of_queries_of_their_own(context, engine):
    """Of the same columns, with other quantities, policies, precisions and sides."""
    one = pl.lit(2.0)
    exprs = VALUES | {
        "policy": pl.col("holes").info.entropy(),
        "of a pair": pl.col("holes").info.kl_div("y", nan_policy="omit"),
        "the other way": pl.col("y").info.kl_div("x"),
        "another quantity": X.cross_entropy("y"),
        "another number": X.kl_div(3.0),
        "a literal, which has a precision": pl.col("f").info.kl_div(one),
        "a number, which has none": pl.col("f").info.kl_div(2.0),
        "integers as counts": pl.col("n").info.entropy(base=2),
    }
    by_key = {"few groups": "g", "many groups": "many"}.get(context)

    def values(**exprs):
        frame = FRAME.lazy()
        if by_key:
            query = frame.group_by(by_key).agg(**exprs).sort(by_key).drop(by_key)
        else:
            query = frame.select(**{k: e.over("g") if context == "windows" else e for k, e in exprs.items()})
        return query.collect(engine=engine)

    together = values(**exprs)
    for name, expr in exprs.items():
        alone = values(**{name: expr})
        # Threads add up in any order.
        pl.testing.assert_series_equal(together[name], alone[name], rel_tol=1e-12, abs_tol=1e-12)


def wait_until_nothing_is_stored():
    start = time.monotonic()
    while _lib.stored_summands():
        assert time.monotonic() - start < 60, "it is dropped after a second"
        time.sleep(0.05)


def broken_off(frame, calls):
    """A query that breaks off in the call after so many for its input."""

    def passes(s):
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise RuntimeError("on purpose")
        return s

    x = pl.col("x").map_batches(passes, return_dtype=pl.Float64, is_elementwise=True)
    with pytest.raises((pl.exceptions.PolarsError, RuntimeError), match="on purpose"):
        frame.lazy().group_by("g").agg(x.info.entropy()).collect(engine="streaming")


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_query_that_breaks_off_leaves_nothing_behind(calls):
    wait_until_nothing_is_stored()
    frame = pl.DataFrame({"g": [0] * 5000, "x": [1.0] * 5000})
    broken_off(frame, calls)
    assert _lib.stored_summands() > 0
    wait_until_nothing_is_stored()


def test_what_a_broken_query_leaves_is_not_taken_for_other_weights(engine):
    # Polars reads the memory of NumPy, which may change between two queries.
    weights = np.ones(5000)
    frame = pl.DataFrame({"g": [0] * 5000, "x": pl.Series(weights)})
    broken_off(frame, 2)
    weights[:500] = 3.0
    got = frame.lazy().group_by("g").agg(X.entropy()).collect(engine=engine)
    assert got["x"].item() == pytest.approx(scipy.stats.entropy(weights), rel=1e-14)


def test_calls_for_each_group_leave_nothing_behind(engine):
    # With an aggregate as one side, Polars asks for a column in a call for each group.
    before = _lib.stored_summands()
    groups = FRAME.lazy().group_by("many").agg(pl.col("x").info.kl_div(pl.col("y").max()))
    assert groups.collect(engine=engine)["x"].is_between(0, 10).all()
    assert _lib.stored_summands() <= before


def test_what_is_stored_has_a_limit():
    # Summands of 200 MB.
    x = pl.DataFrame({"x": np.ones(6_500_000)})
    before = _lib.stored_summands()
    assert x.select(X.entropy()).item() == pytest.approx(np.log(len(x)), rel=1e-14)
    assert _lib.stored_summands() <= before


def test_queries_on_several_threads_keep_to_themselves():
    """Their batches are of the same length, some of the same weights, and of the same memory."""
    frames = [
        pl.DataFrame(
            {"g": np.arange(N) % groups, "x": RNG.integers(1, 4, N) if i % 2 else np.ones(N), "y": RNG.random(N)},
            schema_overrides={"x": pl.Float64},
        )
        for i, groups in enumerate([1, 3, 70, 3, 70, 1])
    ]
    forms = {
        "group_by": lambda f: f.group_by("g").agg(e=X.entropy(), kl=X.kl_div("y"), psi=Y.psi("x")),
        "over": lambda f: f.select("g", e=X.entropy().over("g"), kl=X.kl_div("y").over("g"), psi=Y.psi("x").over("g")),
    }

    def groups(frame, form, engine):
        return form(frame.lazy()).collect(engine=engine).unique().sort("g").select("e", "kl", "psi").to_numpy()

    jobs = [(frame, form, engine) for frame in frames for form in forms.values() for engine in ENGINES]
    alone = [groups(*job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: groups(*job), jobs * 5))
    for got, want in zip(together, alone * 5, strict=True):
        # Threads add sums up in any order.
        np.testing.assert_allclose(got, want, rtol=1e-12)
    wait_until_nothing_is_stored()
