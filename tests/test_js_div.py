"""What is promised of the Jensen-Shannon divergence and the stability index beyond the contract."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import scipy.spatial.distance
from hypothesis import given
from hypothesis import strategies as st

import oracle
from compare import assert_same, bits
from engines import collect, run
from quantities import JS_DIV, PSI

P, Q, ROWS = pl.col("p").info, pl.col("q").info, pl.col("p").info.list
weights = st.lists(
    st.tuples(*[st.one_of(st.just(0.0), st.floats(5e-324, 1e300), st.integers(0, 9).map(float))] * 2), min_size=1
)


@given(weights)
def test_both_are_symmetric_to_the_bit_and_within_their_range(pairs):
    frame = pl.DataFrame(pairs, schema={"p": pl.Float64, "q": pl.Float64}, orient="row")
    rows = frame.select(pl.all().implode())
    for quantity in (JS_DIV, PSI):
        for data, left, right in ((frame, P, Q), (rows, ROWS, pl.col("q").info.list)):
            there, back = data.select(quantity.value(left)).item(), data.select(quantity.value(right, "p")).item()
            assert bits([there]) == bits([back])
            top = math.log(2) if quantity is JS_DIV else math.inf
            assert math.isnan(there) or 0 <= there <= top
            same = data.select(quantity.value(left, "p")).item()
            assert math.isnan(same) or same == 0


def test_base_2_never_exceeds_1(engine):
    rng = np.random.default_rng(3)
    p = rng.random((200, 30)) * (rng.random((200, 30)) < 0.1)
    q = rng.random((200, 30)) * (p == 0)
    frame = pl.DataFrame({"p": p.tolist(), "q": q.tolist()})
    got = run(frame, ROWS.js_div("q", base=2), engine=engine)["p"].drop_nans()
    assert len(got) > 100
    assert got.max() == 1.0


# Seeds of SciPy's own bugs.


def test_p_near_q_has_a_value():
    """scipy/scipy#20083: NaN, where rounding makes the square negative."""
    rng = np.random.default_rng(20083)
    p = rng.random((500, 4))
    q = p * (1 + 1e-9 * rng.standard_normal(p.shape))
    with np.errstate(invalid="ignore"):
        theirs = scipy.spatial.distance.jensenshannon(p, q, axis=1)
    assert np.isnan(theirs).any()
    got = pl.DataFrame({"p": p.tolist(), "q": q.tolist()}).select(ROWS.js_div("q"))["p"]
    for value, row_p, row_q in zip(got[:50], p, q, strict=False):
        assert oracle.error(value, oracle.js_div(row_p, row_q)) < 1e-9
    assert got.min() > 0


@pytest.mark.parametrize("tiny", [5e-324, 1e-320, 1e-310, 1e-300])
def test_tiny_weights_beside_1_are_finite(tiny):
    """scipy/scipy#19436: inf, where a share underflows."""
    frame = pl.DataFrame({"p": [[0.0, 1.0]], "q": [[tiny, 1.0]]})
    want = float(oracle.js_div([0.0, 1.0], [tiny, 1.0]))
    assert_same(frame.select(ROWS.js_div("q")).item(), want, rel=1e-9, tol=5e-324)
    frame = pl.DataFrame({"p": [[0.0, 1.0]], "q": [[1.0, tiny]]})
    assert frame.select(ROWS.js_div("q")).item() == math.log(2)


def test_zeros_on_one_side(engine):
    """SimSIMD takes them for something else."""
    p, q = [0.0, 0.5, 0.5, 0.0], [0.25, 0.25, 0.0, 0.5]
    frame = pl.DataFrame({"p": [p], "q": [q]})
    assert_same(run(frame, ROWS.js_div("q"), engine=engine).item(), float(oracle.js_div(p, q)), rel=1e-15)
    assert run(frame, ROWS.psi("q"), engine=engine).item() == math.inf


def test_the_root_is_scipys_distance(engine):
    rng = np.random.default_rng(8)
    p, q = rng.random((2, 50, 20))
    frame = pl.DataFrame({"p": p.tolist(), "q": q.tolist()})
    got = run(frame, ROWS.js_div("q", base=2).sqrt(), engine=engine)["p"].to_numpy()
    np.testing.assert_allclose(got, scipy.spatial.distance.jensenshannon(p, q, base=2, axis=1), rtol=1e-13)


# Groups.

PAIRING = """
import numpy as np, polars as pl, polars_entropy
rng = np.random.default_rng(1)
rows, groups = 2_000_000, 500_000
frame = pl.DataFrame({"g": rng.integers(0, groups, rows), "p": rng.random(rows), "q": rng.random(rows)})
frame = frame.with_columns(q=pl.col("p") * (1 + 1e-9 * pl.col("q")))
assert pl.thread_pool_size() == 2
for engine in ("in-memory", "streaming"):
    grouped = frame.lazy().group_by("g").agg(pl.col("p").info.js_div("q"))
    worst = grouped.select(pl.col("p").max()).collect(engine=engine)
    # Of pairs that belong together; of others it is of the order of 1.
    assert 0 < worst.item() < 1e-17, worst
print("paired")
"""


def test_groups_keep_pairs_together_on_two_threads():
    """Two unordered implodes would lose them, in silence."""
    env = os.environ | {"POLARS_MAX_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", PAIRING], env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "paired\n", done.stderr


def test_a_state_is_refused_with_the_reason_and_what_to_do():
    for accessor in (P, ROWS):
        with pytest.raises(ValueError, match=r"js_div has no state: .* write `js_div` where all of them are together"):
            accessor.js_div_state("q")


def test_psi_of_groups_is_both_divergences(engine):
    rng = np.random.default_rng(6)
    frame = pl.DataFrame({"g": rng.integers(0, 40, 9000), "p": rng.lognormal(0, 2, 9000), "q": rng.random(9000)})
    exprs = P.psi("q").alias("psi"), P.kl_div("q").alias("pq"), Q.kl_div("p").alias("qp")
    got = collect(frame.lazy().group_by("g").agg(exprs), engine)
    assert (got["psi"] - got["pq"] - got["qp"]).abs().max() < 1e-13


def test_states_of_psi_keep_the_digits_of_nearly_equal_distributions():
    rng = np.random.default_rng(12)
    p = rng.random(3000)
    q = p * (1 + 1e-6 * rng.standard_normal(3000))
    frame = pl.DataFrame({"part": rng.integers(0, 30, 3000), "p": p, "q": q})
    merged = frame.group_by("part").agg(P.psi_state("q")).select(P.merge()).item()
    assert oracle.error(merged, oracle.psi(p, q)) < 1e-10
    rows = frame.group_by("part").agg("p", "q").select(ROWS.psi_state("q")).select(P.merge()).item()
    assert oracle.error(rows, oracle.psi(p, q)) < 1e-10


def test_an_epsilon_decides_the_index_and_none_is_added():
    """What docs/how-to/drift.md says of one pair of histograms."""
    p, q = np.array([10.0, 20, 10, 0]), np.array([0.0, 12, 24, 4])
    frame = pl.DataFrame({"p": p, "q": q})
    assert frame.select(P.psi("q")).item() == math.inf
    for epsilon, want in ((1.0, 1.04), (0.5, 1.31)):
        smoothed = (pl.col("p") + epsilon).info.psi(pl.col("q") + epsilon)
        assert frame.select(smoothed).item() == pytest.approx(want, abs=0.01)
    # Evidently's way: a share of an epsilon in empty bins, and nothing normalised again.
    for epsilon, want in ((1e-6, 4.67), (1e-4, 3.05)):
        a, b = (np.where(x == 0, epsilon, x / x.sum()) for x in (p, q))
        assert np.sum((a - b) * np.log(a / b)) == pytest.approx(want, abs=0.01)


def test_the_mixture_of_an_ensemble(engine):
    """H of the mean less the mean of H, which for two members is the Jensen-Shannon divergence."""
    rows = pl.DataFrame({"item": [1, 1, 2, 2], "p": [[0.9, 0.1], [0.1, 0.9], [0.5, 0.5], [0.5, 0.5]]})
    mean = pl.concat_list(pl.col("p").list.get(k).mean() for k in range(2))
    disagreement = mean.info.list.entropy() - pl.col("p").info.list.entropy().mean()
    got = collect(rows.lazy().group_by("item", maintain_order=True).agg(disagreement.alias("bald")), engine)["bald"]
    assert_same(got[0], float(oracle.js_div([0.9, 0.1], [0.1, 0.9])), rel=1e-14)
    assert_same(got[1], 0.0, tol=1e-16)
