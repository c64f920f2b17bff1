"""States: whatever the split, the order, the stages and the files, the merge is the value of the whole."""

from __future__ import annotations

import io
import itertools
import math
import platform

import mpmath
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import golden
import oracle
from compare import ROW, assert_same, bits
from contract import NAN, POLICIES
from engines import ENGINES, collect, run
from oracle import error
from quantities import QUANTITIES

X, P = pl.col("x").info, pl.col("p").info
STATE = pl.col("state").info

# The grouping rule adds a few roundings to those of the parts: logarithms of up to 1024 shares, each right to 1e-16.
MERGED = 1e-14
# The parts' own values are those of groups, whose error is 1e-14 (1 + |ln S|) with S up to 6e7.
GROUPS = 1e-14 * 19

MERGEABLE = [quantity for quantity in QUANTITIES if quantity.sums]
PRECISIONS = {"double": pl.Float64, "single": pl.Float32}


# Any split, in any order and stages.


def parts_of(inputs, cuts):
    """Each input cut at the same places, as rows."""
    edges = [0, *cuts, len(inputs[0])]
    return [[values[a:b] for a, b in itertools.pairwise(edges)] for values in inputs]


def states_of_rows(quantity, parts, policy="propagate"):
    frame = pl.DataFrame(dict(zip("pq", parts, strict=False)), schema=dict.fromkeys("pq"[: len(parts)], LISTS))
    return frame.select(state=quantity.state(P.list, nan_policy=policy))


LISTS = pl.List(pl.Float64)


def states_of_groups(quantity, parts, policy="propagate", engine="in-memory"):
    flat = {side: [x for row in rows for x in row] for side, rows in zip("pq", parts, strict=False)}
    flat = {side: pl.Series(values, dtype=pl.Float64) for side, values in flat.items()}
    part = pl.Series([i for i, row in enumerate(parts[0]) for _ in row], dtype=pl.Int64)
    query = pl.LazyFrame({"part": part, **flat}).group_by("part", maintain_order=True)
    return collect(query.agg(state=quantity.state(P, nan_policy=policy)), engine)


def merged(states):
    return states.select(STATE.merge()).item()


def merged_in_stages(states):
    """The merge of the merged states of every two."""
    return merged(states.with_row_index().group_by(pl.col("index") // 2).agg(STATE.merge_state()))


WHOLE = [(quantity, case) for quantity in MERGEABLE for case in quantity.cases if None not in case.inputs]


@pytest.mark.parametrize(("quantity", "case"), WHOLE, ids=lambda of: getattr(of, "rule", str(of)))
def test_any_two_parts_merge_to_the_value_of_the_contract(quantity, case, engine):
    n = len(case.p)
    for policy, cut in itertools.product(POLICIES, {0, 1, n // 2, n} & set(range(n + 1))):
        want, what, parts = getattr(case, policy), (policy, cut), parts_of(case.inputs, [cut])
        assert_same(merged(states_of_rows(quantity, parts, policy)), want, tol=MERGED, what=what)
        assert_same(merged(states_of_groups(quantity, parts, policy, engine)), want, tol=GROUPS, what=what)


# Weights of counts and shares, with zeros and what is missing.
weights = st.one_of(st.floats(1e-6, 1e6), st.integers(0, 50).map(float), st.sampled_from([0.0, 0.0, None, NAN, 1e-300]))


@given(st.lists(st.tuples(weights, weights), max_size=60), st.data(), st.sampled_from(POLICIES))
def test_any_split_in_any_order_and_stages_merges_to_the_value_of_the_whole(mergeable, pairs, data, policy):
    inputs = [[pair[side] for pair in pairs] for side in range(len(mergeable.columns))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(pairs)), max_size=8)))
    order = data.draw(st.permutations(range(len(cuts) + 1)))
    parts = [[rows[i] for i in order] for rows in parts_of(inputs, cuts)]
    whole = pl.DataFrame(
        dict(zip("pq", ([x] for x in inputs), strict=False)), schema=dict.fromkeys("pq"[: len(inputs)], LISTS)
    )
    want = whole.select(mergeable.value(P.list, nan_policy=policy)).item()
    scale = 1 + want if want and math.isfinite(want) else 1
    rows = states_of_rows(mergeable, parts, policy)
    for got in (merged(rows), merged_in_stages(rows)):
        assert_same(got, want, tol=MERGED * scale)
    for engine in ENGINES:
        got = merged(states_of_groups(mergeable, parts, policy, engine))
        assert_same(got, want, tol=GROUPS * scale, what=engine)


# How exact merges are.


@pytest.mark.parametrize("noise", [1e-4, 1e-8])
def test_nearly_equal_distributions_keep_their_digits(noise, engine):
    rng = np.random.default_rng(7)
    p = rng.random(20_000)
    q = p * (1 + noise * rng.standard_normal(len(p)))
    exact = oracle.kl_div(p, q)
    frame = pl.LazyFrame({"day": rng.integers(0, 365, len(p)), "p": p, "q": q})
    days = collect(frame.group_by("day").agg(state=P.kl_div_state("q")), engine)
    rows = frame.group_by("day").agg("p", "q").select("day", state=P.list.kl_div_state("q")).collect()
    of_days = {day: oracle.kl_div(*pq) for day, *pq in frame.group_by("day").agg("p", "q").collect().rows()}
    for states in (days, rows):
        assert error(merged(states), exact) <= 1e-11
        for day, state in states.rows():
            assert error(state["kl_div"], of_days[day]) <= 1e-11
        months = states.group_by(pl.col("day") // 30).agg(STATE.merge_state())
        assert error(merged(months), exact) <= 1e-11


def test_a_dominant_part_keeps_its_digits():
    x = [[1.0], [1e-12, 2e-12], [3e-16]]
    got = pl.DataFrame({"p": x}).select(state=P.list.entropy_state()).select(STATE.merge()).item()
    assert error(got, oracle.entropy([v for row in x for v in row])) <= 1e-15


def test_totals_may_lie_beyond_the_range(mergeable):
    parts = [[[1e308, 1e308], [1e308, 1e308]], [[1.0, 1.0], [1.0, 1.0]]][: len(mergeable.columns)]
    states = states_of_rows(mergeable, parts)
    want = mergeable.of_inputs(mergeable.scipy, [1.0] * 4, [1.0] * 4, base=2)
    assert states.select(STATE.merge(base=2)).item() == pytest.approx(want, rel=1e-15)


# The format.

DOUBLE, RULE = pl.Float64, pl.Int32


def dtype_of(quantity, precision):
    fields = [*((name, DOUBLE) for name in (*quantity.sums, quantity.name)), ("rule", RULE)]
    return pl.Struct(dict(fields if precision == "double" else [*fields, ("single", pl.Boolean)]))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_states_say_what_they_are_and_merge_to_the_precision_of_their_inputs(mergeable, precision, engine):
    dtype = PRECISIONS[precision]
    frame = pl.LazyFrame({"g": [1, 1], "x": [1, 3], "p": [[1.0], [2.0]]})
    frame = frame.with_columns(pl.col("x").cast(dtype), pl.col("p").cast(pl.List(dtype)))
    queries = {
        "column": frame.select(mergeable.state(X, "x")),
        "groups": frame.group_by("g").agg(mergeable.state(X, "x")).select("x"),
        "rows": frame.select(mergeable.state(P.list, "p").alias("x")),
    }
    for shape, query in queries.items():
        states = collect(query, engine)
        assert states.schema == {"x": dtype_of(mergeable, precision)}, shape
        whole = run(states, X.merge_state(), engine=engine)
        assert whole.schema == states.schema, shape
        for parts in (states, whole):
            assert run(parts, X.merge(base=2), engine=engine).schema == {"x": dtype}, shape
        if precision == "single":
            assert states["x"].struct.field("single").to_list() == [True] * len(states), shape


def strongest_rule(case):
    """The rule that the strongest of the elements calls for, under `propagate`."""
    if case.propagate is None:
        return 3
    if any(not math.isfinite(x) for row in case.inputs for x in row):
        # No sum tells a NaN from an infinity.
        return 5
    if case.rule[0] in "78" and any(p > 0 == q for p, q in zip(case.p, case.inputs[-1], strict=True)):
        # If q has no total it is rule 7, which the sums tell.
        return 8
    return int(case.rule[0])


def test_states_have_the_number_of_the_rule(mergeable):
    for case in mergeable.cases:
        rows = [[x] for x in case.inputs]
        states = states_of_rows(mergeable, rows)["state"].struct
        assert states.field("rule").item() == strongest_rule(case), case.rule
        assert_same(states.field(mergeable.name).item(), case.propagate, rel=ROW, tol=ROW, what=case.rule)


@pytest.mark.parametrize("policy", POLICIES)
def test_states_of_rows_and_of_groups_have_the_same_rule(mergeable, policy):
    cases = [case for case in mergeable.cases if None not in case.inputs and case.p]
    parts = [[case.inputs[side] for case in cases] for side in range(len(mergeable.columns))]
    rows, groups = (make(mergeable, parts, policy)["state"] for make in (states_of_rows, states_of_groups))
    assert groups.struct.field("rule").to_list() == rows.struct.field("rule").to_list()


def test_no_states_merge_to_zero(mergeable, engine):
    states = states_of_rows(mergeable, [[[1.0]]] * len(mergeable.columns)).clear()
    assert run(states, STATE.merge(), engine=engine).item() == 0.0
    assert run(states.select(STATE.merge_state()), STATE.merge(), engine=engine).item() == 0.0


def test_a_state_of_a_null_and_a_null_state_make_the_merge_null(mergeable, engine):
    rows = [[[1.0, 1.0], None, [2.0]]] * len(mergeable.columns)
    states = states_of_rows(mergeable, rows)
    assert run(states, STATE.merge(), engine=engine).item() is None
    lost = states.with_columns(pl.when(pl.int_range(3) != 1).then("state"))
    assert lost["state"].null_count() == 1
    rule = pl.when(pl.int_range(3) != 1).then(pl.field("rule")).alias("rule")
    no_rule = states.with_columns(pl.col("state").struct.with_fields(rule))
    for broken in (lost, no_rule):
        assert run(broken, STATE.merge(), engine=engine).item() is None
        assert merged(broken.select(STATE.merge_state())) is None
    whole = mergeable.of_inputs(mergeable.scipy, [1.0, 1.0, 2.0], [1.0, 1.0, 2.0], base=2)
    assert run(lost.drop_nulls(), STATE.merge(base=2), engine=engine).item() == pytest.approx(whole, rel=1e-15)


def test_merges_are_aggregations(mergeable, engine):
    inputs = [[[1.0], [1.0], [1.0, 1.0, 1.0, 1.0]]] * len(mergeable.columns)
    states = states_of_rows(mergeable, inputs).with_columns(g=pl.Series([1, 1, 2])).lazy()
    two, four = (mergeable.of_inputs(mergeable.scipy, [1.0] * n, [1.0] * n, base=2) for n in (2, 4))
    groups = collect(states.group_by("g", maintain_order=True).agg(STATE.merge(base=2)), engine)
    assert groups["state"].to_list() == [two, four]
    windows = collect(states.select(STATE.merge(base=2).over("g")), engine)
    assert windows["state"].to_list() == [two, two, four]
    assert states.collect()["state"].info.merge().item() == merged(states.collect())
    in_groups = collect(states.group_by("g", maintain_order=True).agg(STATE.merge_state()), engine)
    assert run(in_groups, STATE.merge(), engine=engine).item() == pytest.approx(merged(states.collect()), rel=1e-15)


# What else states may look like, after other hands have had them.


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int16, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64])
def test_the_rule_may_be_of_any_integer_dtype(mergeable, dtype):
    states = states_of_every_rule(mergeable, "double")
    cast = states.with_columns(pl.col("state").struct.with_fields(pl.field("rule").cast(dtype)))
    assert cast["state"].struct.field("rule").dtype == dtype
    assert_merges_alike(cast, states)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_fields_may_stand_in_any_order(mergeable, precision):
    states = states_of_every_rule(mergeable, precision)
    names = states["state"].struct.fields
    for order in (names[::-1], sorted(names), names[2:] + names[:2]):
        shuffled = states.select("case", state=pl.struct(pl.col("state").struct.field(name) for name in order))
        assert shuffled["state"].struct.fields == order
        assert_merges_alike(shuffled, states)


def test_a_null_beside_a_rule_is_a_number_that_a_file_could_not_hold(mergeable):
    states = states_of_every_rule(mergeable, "double")
    floats = {name: pl.field(name) for name in (*mergeable.sums, mergeable.name)}
    nulls = [pl.when(field.is_finite()).then(field).alias(name) for name, field in floats.items()]
    assert_merges_alike(states.with_columns(pl.col("state").struct.with_fields(nulls)), states)


def test_a_null_where_a_number_matters_makes_the_merge_nan(mergeable):
    # A mass that was infinite, say: the rule tells of a value.
    states = states_of_rows(mergeable, [[[1.0, 3.0], [2.0, 1.0]]] * len(mergeable.columns))
    for name in (*mergeable.sums, mergeable.name):
        lost = states.with_columns(
            pl.col("state").struct.with_fields(pl.when(pl.int_range(2) != 0).then(pl.field(name)).alias(name))
        )
        assert math.isnan(merged(lost)), name


def test_a_field_without_any_number_may_have_lost_its_dtype(mergeable):
    # As in NDJSON, where a value that is never a number is never more than null.
    states = states_of_rows(mergeable, [[[1.0, None], [2.0, 1.0]]] * len(mergeable.columns))
    lost = states.with_columns(pl.col("state").struct.with_fields(pl.lit(None).alias(mergeable.name)))
    assert lost["state"].struct.field(mergeable.name).dtype == pl.Null
    assert merged(lost) is None
    assert merged(lost.select(STATE.merge_state())) is None


@pytest.mark.parametrize("code", [-1, 0, 1, 2, 10, 2**40])
def test_a_rule_that_nobody_writes_is_an_error(mergeable, code):
    states = states_of_rows(mergeable, [[[1.0, 3.0]]] * len(mergeable.columns))
    strange = states.with_columns(pl.col("state").struct.with_fields(rule=pl.lit(code, pl.Int64)))
    for way in (STATE.merge(), STATE.merge_state()):
        with pytest.raises(pl.exceptions.ComputeError, match=f"rule is {code}"):
            strange.select(way)


def refused(frame, name="state"):
    """The message with which both merges refuse a column when the plan is resolved."""
    messages = []
    for way in (pl.col(name).info.merge(), pl.col(name).info.merge_state()):
        with pytest.raises(pl.exceptions.PolarsError) as error:
            frame.lazy().select(way).collect_schema()
        messages.append(str(error.value).partition("\n")[0])
    assert "`info.merge` takes the states that" in messages[0]
    assert f"but '{name}' is " in messages[0]
    assert messages[0] == messages[1]
    return messages[0]


def test_what_is_no_state_is_refused_when_the_plan_is_resolved():
    number, other = pl.DataFrame({"x": [1.0]}), pl.DataFrame({"x": [{"mass": 1.0}]})
    for frame in (number, other, other.select(pl.col("x").implode())):
        message = refused(frame, "x")
        assert all(f"`info.{quantity}_state`" in message for quantity in MERGEABLE)


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int64, pl.String])
def test_states_of_other_dtypes_are_refused(mergeable, dtype):
    states = states_of_rows(mergeable, [[[1.0, 1.0]]] * len(mergeable.columns))
    for name in (*mergeable.sums, mergeable.name):
        cast = pl.field(name).cast(dtype, strict=False)
        refused(states.with_columns(pl.col("state").struct.with_fields(cast)))


def test_states_with_a_field_more_or_less_are_refused(mergeable):
    states = states_of_rows(mergeable, [[[1.0, 3.0]]] * len(mergeable.columns))
    refused(states.with_columns(pl.col("state").struct.with_fields(extra=pl.lit(1.0))))
    fields = states["state"].struct.fields
    for lost in fields:
        refused(states.select(state=pl.struct(pl.col("state").struct.field(name) for name in fields if name != lost)))


OLD = {
    "entropy": {"mass": DOUBLE, "entropy": DOUBLE, "rank": pl.UInt8},
    "entropy, single": {"mass": DOUBLE, "entropy": DOUBLE, "rank": pl.Int8},
    "kl_div": {"mass_p": DOUBLE, "mass_q": DOUBLE, "excess": DOUBLE, "divergence": DOUBLE, "rank": pl.UInt8},
}


@pytest.mark.parametrize("fields", OLD.values(), ids=OLD)
def test_states_from_before_the_first_release_are_refused(fields):
    old = pl.DataFrame({"x": [dict.fromkeys(fields, 3)]}, schema={"x": pl.Struct(fields)})
    # The message tells them by their fields.
    assert "rank" in refused(old, "x")


def test_what_is_summed_names_the_row_that_is_missing(mergeable, engine):
    frame = pl.LazyFrame({"g": [1, 1, 2], "x": [1.0, None, 2.0]})
    query = frame.group_by("g").agg(mergeable.state(X, "g", nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match=r"The input contains nan values: column 'x', row 1"):
        query.collect(engine=engine)


def test_q_of_a_state_is_checked_when_the_expression_is_built(pair):
    if pair.sums:
        with pytest.raises(TypeError, match="q must be a column name"):
            pair.state(X, None)
        with pytest.raises(TypeError, match="q must be a column name"):
            pair.state(P.list, 1.0)


# Files.


def states_of_every_rule(quantity, precision):
    """Two states for each case of the contract, of the case in halves: rules, and values of all kinds."""
    cases = [case for case in quantity.cases if None not in case.inputs]
    halves = [parts_of(case.inputs, [len(case.p) // 2]) for case in cases]
    inputs = [[row for parts in halves for row in parts[side]] for side in range(len(quantity.columns))]
    schema = dict.fromkeys(quantity.columns, pl.List(PRECISIONS[precision]))
    frame = pl.DataFrame(dict(zip(quantity.columns, inputs, strict=True)), schema=schema)
    keys = pl.Series([case.rule for case in cases for _ in range(2)])
    states = frame.select(case=keys, state=quantity.state(P.list))
    rules = {3, 4, 5, 6, 7, 9} | ({8} if quantity.pair else set())
    assert set(states["state"].struct.field("rule")) == rules
    return states


def merged_cases(states):
    merges = states.group_by("case", maintain_order=True).agg(STATE.merge(), whole=STATE.merge_state())
    # By way of their states, too.
    return merges.select("case", "state", again=pl.col("whole").info.merge().over("case"))


def assert_merges_alike(got, want):
    """To the bit, and in the same precision."""
    got, want = merged_cases(got), merged_cases(want)
    assert got.schema == want.schema
    for name in got.columns[1:]:
        assert bits(got[name]) == bits(want[name]), name


def by_parquet(states, _):
    file = io.BytesIO()
    states.write_parquet(file)
    file.seek(0)
    return pl.read_parquet(file)


def by_ipc(states, _):
    file = io.BytesIO()
    states.write_ipc(file)
    file.seek(0)
    return pl.read_ipc(file)


def by_ndjson(states, _):
    # Which has no integers of 32 bits, and null for an infinity and a NaN.
    file = io.BytesIO()
    states.write_ndjson(file)
    file.seek(0)
    return pl.read_ndjson(file)


def by_delta(states, folder):
    pytest.importorskip("deltalake")
    states.write_delta(folder / "delta")
    return pl.read_delta(str(folder / "delta"))


def by_duckdb(states, folder):
    duckdb = pytest.importorskip("duckdb")
    read, written = folder / "read.parquet", folder / "written.parquet"
    states.write_parquet(read)
    duckdb.read_parquet(str(read)).write_parquet(str(written))
    return pl.read_parquet(written)


FORMATS = {"Parquet": by_parquet, "IPC": by_ipc, "NDJSON": by_ndjson, "Delta": by_delta, "DuckDB's Parquet": by_duckdb}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("by", FORMATS.values(), ids=FORMATS)
def test_states_merge_to_the_same_bits_after_a_file(mergeable, by, precision, tmp_path):
    states = states_of_every_rule(mergeable, precision)
    assert_merges_alike(by(states, tmp_path), states)


# The golden files, of the quantities whose states somebody may have kept.


@pytest.fixture(scope="module", params=[row for row in QUANTITIES if row.name in golden.GOLDEN], ids=str)
def kept(request):
    return request.param


@pytest.mark.parametrize("precision", PRECISIONS)
def test_states_of_the_golden_files_merge_to_the_same_values_for_ever(kept, precision):
    states = golden.read(kept.name)
    merges = states.group_by("case", maintain_order=True).agg(pl.col(precision).info.merge())
    assert merges.schema[precision] == PRECISIONS[precision]
    assert merges["case"].to_list() == list(golden.GOLDEN[kept.name])
    # Merging has the same arithmetic on every x86, and fused multiply-adds elsewhere.
    rel = 0 if platform.machine().lower() in {"x86_64", "amd64"} or precision == "single" else ROW
    for case, value in merges.rows():
        assert_same(value, getattr(golden.GOLDEN[kept.name][case], precision), rel=rel, what=case)


def test_golden_files_have_states_of_every_rule(kept):
    for precision in PRECISIONS:
        rules = set(golden.read(kept.name)[precision].struct.field("rule"))
        assert rules == {3, 4, 5, 6, 7, 9} | ({8} if kept.pair else set())


def test_values_of_the_golden_files_are_those_of_mpmath(kept):
    for case, (parts, double, single) in golden.GOLDEN[kept.name].items():
        if case.startswith("9"):
            whole = golden.GOLDEN[kept.name][case].whole()
            assert len(whole) == len(parts[0])
            # An exact 0 is what mpmath's own rounding leaves of it.
            exact = kept.exact(*whole)
            assert abs(mpmath.mpf(double) - exact) <= MERGED * exact + 1e-50
            exact = kept.exact(*(np.array(x, np.float32) for x in whole))
            assert abs(mpmath.mpf(single) - exact) <= 1e-7 * exact + 1e-50


def test_this_build_makes_the_states_of_the_golden_files(kept):
    """To some units in the last place: what a state holds may become more exact, but means the same."""
    made = golden.make(kept.name)
    for precision in PRECISIONS:
        of_file, of_build = golden.read(kept.name)[precision], made[f"{kept.name}, {precision}"]
        assert of_build.dtype == of_file.dtype
        for got, want in zip(of_build, of_file, strict=True):
            for name in want:
                assert_same(got[name], want[name], rel=1e-14, what=name)
