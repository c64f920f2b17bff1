"""States: whatever the split, the order and the stages, the merge is the value of the whole."""

from __future__ import annotations

import io
import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import ENGINES, assert_same, collect, run
from contract import ENTROPY, KL_DIV, NAN
from test_accuracy import error, exact_entropy, exact_kl_div

POLICIES = ("propagate", "omit")
X, P = pl.col("x").info, pl.col("p").info
STATE = pl.col("state").info

# The grouping rule adds a few roundings to those of the parts: logarithms of up to 1024 shares, each right to 1e-16.
MERGED = 1e-14
# The parts' own values are those of groups, whose error is 1e-14 (1 + |ln S|) with S up to 6e7.
GROUPS = 1e-14 * 19


def parts_of(case_lists, cuts):
    """Each list cut at the same places, as rows."""
    edges = [0, *cuts, len(case_lists[0])]
    return [[values[a:b] for a, b in itertools.pairwise(edges)] for values in case_lists]


def merged_rows(p, q=None, *, policy, stages=False):
    """The merge of the states of rows, perhaps by way of the states of every two."""
    frame = pl.DataFrame({"p": p, "q": q or p}, schema=dict.fromkeys("pq", pl.List(pl.Float64)))
    rows = P.list.entropy_state(nan_policy=policy) if q is None else P.list.kl_div_state("q", nan_policy=policy)
    states = frame.select(state=rows)
    if stages:
        half = states.with_row_index().group_by(pl.col("index") // 2)
        states = half.agg(STATE.entropy_merge_state() if q is None else STATE.kl_div_merge_state())
    return states.select(STATE.entropy_merge() if q is None else STATE.kl_div_merge()).item()


def merged_groups(p, q=None, *, policy, engine):
    """The merge of the states of groups."""
    flat = {"p": [x for row in p for x in row], "q": [y for row in q or p for y in row]}
    frame = pl.DataFrame(flat, schema=dict.fromkeys("pq", pl.Float64))
    part = [i for i, row in enumerate(p) for _ in row]
    states = P.entropy_state(nan_policy=policy) if q is None else P.kl_div_state("q", nan_policy=policy)
    query = frame.lazy().with_columns(part=pl.Series(part, dtype=pl.Int64)).group_by("part").agg(state=states)
    return collect(query, engine).select(STATE.entropy_merge() if q is None else STATE.kl_div_merge()).item()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [c for c in ENTROPY if c.p is not None], ids=lambda c: c.rule)
def test_entropy_of_any_two_parts(case, policy, engine):
    n = len(case.p)
    for cut in {0, 1, n // 2, n} & set(range(n + 1)):
        [parts] = parts_of([case.p], [cut])
        want = getattr(case, policy)
        assert_same(merged_rows(parts, policy=policy), want, tol=MERGED, what=cut)
        assert_same(merged_groups(parts, policy=policy, engine=engine), want, tol=GROUPS, what=cut)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", [c for c in KL_DIV if c.p is not None and c.q is not None], ids=lambda c: c.rule)
def test_kl_div_of_any_two_parts(case, policy, engine):
    n = len(case.p)
    for cut in {0, 1, n // 2, n} & set(range(n + 1)):
        p, q = parts_of([case.p, case.q], [cut])
        want = getattr(case, policy)
        assert_same(merged_rows(p, q, policy=policy), want, tol=MERGED, what=cut)
        assert_same(merged_groups(p, q, policy=policy, engine=engine), want, tol=GROUPS, what=cut)


# Weights of counts and shares, with zeros and what is missing.
weights = st.one_of(st.floats(1e-6, 1e6), st.integers(0, 50).map(float), st.sampled_from([0.0, 0.0, None, NAN, 1e-300]))


@given(st.lists(st.tuples(weights, weights), max_size=60), st.data(), st.sampled_from(POLICIES))
def test_any_split_in_any_order_and_stages(pairs, data, policy):
    p, q = [a for a, _ in pairs], [b for _, b in pairs]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(p)), max_size=8)))
    order = data.draw(st.permutations(range(len(cuts) + 1)))
    p_parts, q_parts = ([parts[i] for i in order] for parts in parts_of([p, q], cuts))
    whole = pl.DataFrame({"p": [p], "q": [q]}, schema=dict.fromkeys("pq", pl.List(pl.Float64)))
    h, d = whole.select(P.list.entropy(nan_policy=policy), d=P.list.kl_div("q", nan_policy=policy)).row(0)
    for stages in (False, True):
        assert_same(merged_rows(p_parts, policy=policy, stages=stages), h, tol=MERGED, what="H")
        got = merged_rows(p_parts, q_parts, policy=policy, stages=stages)
        assert_same(got, d, tol=MERGED * (1 + d if d and math.isfinite(d) else 1), what="D")
    for engine in ENGINES:
        assert_same(merged_groups(p_parts, policy=policy, engine=engine), h, tol=GROUPS, what="H, groups")
        got = merged_groups(p_parts, q_parts, policy=policy, engine=engine)
        assert_same(got, d, tol=GROUPS * (1 + d if d and math.isfinite(d) else 1), what="D, groups")


@pytest.mark.parametrize("noise", [1e-4, 1e-8])
def test_nearly_equal_distributions_keep_their_digits(noise, engine):
    rng = np.random.default_rng(7)
    p = rng.random(20_000)
    q = p * (1 + noise * rng.standard_normal(len(p)))
    exact = exact_kl_div(p, q)
    frame = pl.LazyFrame({"day": rng.integers(0, 365, len(p)), "p": p, "q": q})
    days = collect(frame.group_by("day").agg(state=P.kl_div_state("q")), engine)
    rows = frame.group_by("day").agg("p", "q").select("day", state=P.list.kl_div_state("q")).collect()
    for states in (days, rows):
        assert error(states.select(STATE.kl_div_merge()).item(), exact) <= 1e-11
        days = {day: (p_of, q_of) for day, p_of, q_of in frame.group_by("day").agg("p", "q").collect().rows()}
        for day, state in states.rows():
            assert error(state["divergence"], exact_kl_div(*days[day])) <= 1e-11
        months = states.group_by(pl.col("day") // 30).agg(STATE.kl_div_merge_state())
        assert error(months.select(STATE.kl_div_merge()).item(), exact) <= 1e-11


def test_a_dominant_part_keeps_its_digits():
    x = [[1.0], [1e-12, 2e-12], [3e-16]]
    got = pl.DataFrame({"p": x}).select(state=P.list.entropy_state()).select(STATE.entropy_merge()).item()
    assert error(got, exact_entropy([v for row in x for v in row])) <= 1e-15


def test_totals_beyond_the_range():
    states = pl.DataFrame({"p": [[1e308, 1e308], [1e308, 1e308]]}).select(
        h=P.list.entropy_state(), d=P.list.kl_div_state([1.0, 1.0])
    )
    assert states.select(pl.col("h").info.entropy_merge(base=2)).item() == pytest.approx(2, rel=1e-15)
    assert states.select(pl.col("d").info.kl_div_merge()).item() == 0.0


@pytest.mark.parametrize("form", ["parquet", "ipc"])
def test_states_survive_files(form):
    frame = pl.DataFrame({"g": [1, 1, 2, 2], "x": [1.0, 2.0, None, 4.0], "y": [1.0, 1.0, 1.0, math.inf]})
    policy = "omit"
    states = frame.group_by("g", maintain_order=True).agg(
        h=X.entropy_state(nan_policy=policy), d=X.kl_div_state("y", nan_policy=policy)
    )
    file = io.BytesIO()
    getattr(states, f"write_{form}")(file)
    file.seek(0)
    again = getattr(pl, f"read_{form}")(file)
    assert again.equals(states, null_equal=True)
    merged = again.select(pl.col("h").info.entropy_merge(), pl.col("d").info.kl_div_merge())
    whole = frame.select(X.entropy(nan_policy=policy), d=X.kl_div("y", nan_policy=policy))
    assert_same(merged.item(0, "h"), whole.item(0, "x"), tol=MERGED)
    assert_same(merged.item(0, "d"), whole.item(0, "d"), tol=MERGED)


def test_dtypes_and_names(engine):
    frame = pl.DataFrame({"g": [1, 1], "x": [1, 3], "p": [[1.0], [2.0]]})
    single = frame.with_columns(pl.col("x").cast(pl.Float32), pl.col("p").cast(pl.List(pl.Float32)))
    for data, dtype in ((frame, pl.Float64), (single, pl.Float32)):
        query = data.lazy().group_by("g").agg(X.entropy_state(), d=X.kl_div_state("x"))
        states = collect(query, engine)
        assert states["x"].struct.fields == ["mass", "entropy", "rank"]
        assert states["d"].struct.fields == ["mass_p", "mass_q", "excess", "divergence", "rank"]
        merged = run(states, X.entropy_merge(base=2), pl.col("d").info.kl_div_merge(), engine=engine)
        assert merged.schema == {"x": dtype, "d": dtype}
        assert merged.item(0, "x") == pytest.approx(0.8112781, rel=1e-7)
        rows = data.lazy().select(P.list.entropy_state(), d=P.list.kl_div_state("p"))
        merged = collect(rows, engine).select(P.entropy_merge(), pl.col("d").info.kl_div_merge())
        assert merged.schema == {"p": dtype, "d": dtype}


def test_no_states_and_null_states(engine):
    states = pl.DataFrame({"p": [[1.0, 1.0], None, [2.0]]}).select(state=P.list.entropy_state())
    assert run(states.clear(), STATE.entropy_merge(), engine=engine).item() == 0.0
    assert run(states, STATE.entropy_merge(), engine=engine).item() is None
    lost = states.with_columns(pl.when(pl.int_range(3) != 1).then("state"))
    assert lost["state"].null_count() == 1
    assert run(lost, STATE.entropy_merge(), engine=engine).item() is None
    assert run(lost.drop_nulls(), STATE.entropy_merge(base=2), engine=engine).item() == 1.5


def test_merges_in_groups_and_windows(engine):
    frame = pl.DataFrame({"g": [1, 1, 2], "p": [[1.0], [1.0], [1.0, 1.0, 1.0, 1.0]]})
    states = frame.select("g", state=P.list.entropy_state())
    groups = collect(states.lazy().group_by("g", maintain_order=True).agg(STATE.entropy_merge(base=2)), engine)
    assert groups["state"].to_list() == [1.0, 2.0]
    windows = collect(states.lazy().select(STATE.entropy_merge(base=2).over("g")), engine)
    assert windows["state"].to_list() == [1.0, 1.0, 2.0]
    assert states["state"].info.entropy_merge().item() == pytest.approx(
        math.log(2) * (2 + 4 * 2) / 6 + 0.636514168294813
    )


def test_raise_tells_the_row(engine):
    frame = pl.LazyFrame({"g": [1, 1, 2], "x": [1.0, None, 2.0]})
    with pytest.raises(pl.exceptions.ComputeError, match=r"The input contains nan values: column 'x', row 1"):
        frame.group_by("g").agg(X.entropy_state(nan_policy="raise")).collect(engine=engine)
    with pytest.raises(pl.exceptions.ComputeError, match=r"column 'x', row 1"):
        frame.group_by("g").agg(X.kl_div_state("g", nan_policy="raise")).collect(engine=engine)


@pytest.mark.parametrize(("method", "made_by"), [("entropy_merge", "entropy_state"), ("kl_div_merge", "kl_div_state")])
def test_what_is_no_state_is_refused_when_the_plan_is_resolved(method, made_by):
    frame = pl.LazyFrame({"x": [1.0], "s": [{"mass": 1.0}]})
    for name in ("x", "s"):
        for way in (method, f"{method}_state"):
            with pytest.raises(pl.exceptions.PolarsError, match=rf"`info.{made_by}` makes, but '{name}' is"):
                frame.select(getattr(pl.col(name).info, way)()).collect_schema()


def test_arguments_are_checked_when_the_expression_is_built():
    with pytest.raises(ValueError, match="`nan_policy` must be one of"):
        X.entropy_state(nan_policy="ignore")
    with pytest.raises(ValueError, match="`nan_policy` must be one of"):
        P.list.kl_div_state("q", nan_policy="ignore")
    with pytest.raises(ValueError, match="`base` must be a positive"):
        STATE.entropy_merge(base=1)
    with pytest.raises(TypeError, match="q must be a column name"):
        X.kl_div_state(None)
