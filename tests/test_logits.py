"""What is promised of logits: the values of the weights e^z, to the last digits, on both engines and in all layouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layouts
import oracle
import plans
import polars_entropy
from compare import assert_same, bits
from contract import INF, NAN
from engines import collect, run
from polars_entropy.arrow import logits as arrow_logits

Z, Z_ARR = pl.col("z").info.list.logits, pl.col("z").info.arr.logits
PAIRS = ("kl_div", "cross_entropy", "js_div")
ALL = ("entropy", *PAIRS)
LN_2 = math.log(2)


def exact(name: str, z: Any, w: Any = ()) -> float:
    """Value of weights e^z."""
    return float(oracle.of_logits(name, z, w))


def value(name: str, z: Any, w: Any = None, dtype: Any = pl.Float64, **how: Any) -> Any:
    """Value of one row."""
    schema = {"z": pl.List(dtype), "w": pl.List(dtype)}
    frame = pl.DataFrame({"z": [list(z)], "w": [list(z if w is None else w)]}, schema=schema)
    return frame.select(getattr(Z, name)(*(() if name == "entropy" else ("w",)), **how)).item()


# Rules.

RULES = [
    # logits, entropy under propagate, and under omit
    ([], 0.0, 0.0),
    ([3.0], 0.0, 0.0),
    ([-INF], NAN, NAN),
    ([-INF, -INF], NAN, NAN),
    ([INF, 0.0], NAN, NAN),
    ([INF, INF], NAN, NAN),
    ([0.0, -INF], 0.0, 0.0),
    ([5.0, 5.0, -INF], LN_2, LN_2),
    ([5.0, None, 5.0], None, LN_2),
    ([5.0, NAN, 5.0], NAN, LN_2),
    ([5.0, NAN, None], None, 0.0),
    ([INF, None], None, NAN),
    ([INF, NAN], NAN, NAN),
    ([None, None], None, 0.0),
    ([-1e308, 1e308], 0.0, 0.0),
    (None, None, None),
]


@pytest.mark.parametrize("layout", layouts.LAYOUTS.values(), ids=layouts.LAYOUTS)
def test_rules_hold_in_every_layout(layout, engine):
    frame = pl.DataFrame({"z": layout([z for z, *_ in RULES])})
    got = run(frame, Z.entropy().alias("p"), Z.entropy(nan_policy="omit").alias("o"), engine=engine)
    for (z, propagate, omit), (p, o) in zip(RULES, got.rows(), strict=True):
        assert_same(p, propagate, rel=1e-15, what=z)
        assert_same(o, omit, rel=1e-15, what=z)


PAIR_RULES = [
    # z, w, kl_div, cross_entropy, js_div
    ([0.0, 0.0], [0.0, -INF], INF, INF, None),
    ([0.0, -INF], [0.0, -INF], 0.0, 0.0, 0.0),
    ([0.0, -INF], [0.0, 0.0], LN_2, LN_2, None),
    ([0.0, -INF], [-INF, 0.0], INF, INF, LN_2),
    ([-INF, -INF], [0.0, 0.0], NAN, NAN, NAN),
    ([0.0, 0.0], [-INF, -INF], NAN, NAN, NAN),
    ([0.0, INF], [0.0, 0.0], NAN, NAN, NAN),
    ([], [], 0.0, 0.0, 0.0),
]


@pytest.mark.parametrize("rule", PAIR_RULES, ids=str)
def test_rules_of_pairs(rule):
    z, w, *want = rule
    for name, expected in zip(PAIRS, want, strict=True):
        if expected is not None:
            assert_same(value(name, z, w), expected, rel=1e-15, what=name)


def test_missing_pairs_are_dropped_and_the_largest_logit_is_one_that_stays(engine):
    frame = pl.DataFrame({"z": [[2000.0, 1.0, 0.0]], "w": [[None, 5.0, 7.0]]})
    for name in PAIRS:
        got = run(frame, getattr(Z, name)("w", nan_policy="omit"), engine=engine).item()
        assert_same(got, exact(name, [1.0, 0.0], [5.0, 7.0]), rel=1e-15, what=name)
        assert run(frame, getattr(Z, name)("w"), engine=engine).item() is None


def test_errors_name_the_accessor_the_row_and_the_element():
    frame = pl.DataFrame({"z": [[1.0], [1.0, None]], "w": [[1.0], [1.0]], "x": [1.0, 2.0]})
    with pytest.raises(pl.exceptions.ComputeError, match=r"column 'z', row 1, element 1 is null or NaN"):
        frame.select(Z.entropy(nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match="row 1 has 2 elements in 'z' and 1 in q"):
        frame.select(Z.kl_div("w"))
    with pytest.raises(pl.exceptions.ComputeError, match=r"`info\.list\.logits\.entropy` .* `exp\(\)\.info\.entropy`"):
        frame.select(pl.col("x").info.list.logits.entropy())
    with pytest.raises(pl.exceptions.ComputeError, match=r"write `info\.list\.logits\.entropy`"):
        frame.select(Z_ARR.entropy())
    for wrong in ({"base": 1}, {"nan_policy": "drop"}):
        with pytest.raises(ValueError, match="must be"):
            Z.entropy(**wrong)


# Values.


@pytest.mark.parametrize("n", [2, 3, 10, 64, 129, 1000])
@pytest.mark.parametrize("spread", [1, 5, 20, 50, 300])
def test_entropy_is_right_to_its_last_digits(n, spread):
    rng = np.random.default_rng(n * spread)
    for row in spread * rng.standard_normal((8, n)):
        assert_same(value("entropy", row), exact("entropy", row), rel=1e-15)


@pytest.mark.parametrize("gap", [30, 40, 60, 100, 300, 500, 700])
@pytest.mark.parametrize("n", [2, 10, 1000])
def test_a_confident_row_keeps_its_digits(gap, n):
    """Where a log-softmax is 2.5 to 5 % off."""
    row = np.random.default_rng(gap).standard_normal(n)
    row[n // 2] = gap
    # Up to 700, so that neither the value nor a term of it is subnormal.
    assert_same(value("entropy", row), exact("entropy", row), rel=1e-15)


def test_beyond_the_range_of_doubles_entropy_is_zero():
    for gap in (800.0, 1e4, 1e9, 1e300):
        assert value("entropy", [gap, 0.0]) == exact("entropy", [gap, 0.0]) == 0.0


def of_rounding(divergence: float) -> float:
    """Relative error that weights right to 2^-53 leave a divergence. D is half the square of what they differ by."""
    return 3 * 2.0**-53 / math.sqrt(2 * divergence)


@pytest.mark.parametrize("name", PAIRS)
def test_independent_logits(name):
    rng = np.random.default_rng(7)
    for n in (2, 3, 10, 100, 1000):
        for spread in (1, 5, 20):
            for _ in range(4):
                z, w = spread * rng.standard_normal((2, n))
                want = exact(name, z, w)
                assert_same(value(name, z, w), want, rel=1e-15 + of_rounding(want), what=(n, spread))


@pytest.mark.parametrize("noise", [1e-3, 1e-5, 1e-8, 1e-10])
@pytest.mark.parametrize("name", ["kl_div", "js_div"])
def test_near_each_other_only_the_rounding_of_shares_counts(name, noise):
    rng = np.random.default_rng(5)
    for n in (2, 10, 100):
        for _ in range(5):
            z = 5 * rng.standard_normal(n)
            w = z + noise * rng.standard_normal(n)
            want = exact(name, z, w)
            assert_same(value(name, z, w), want, rel=of_rounding(want), what=n)


logits_of_a_row = st.lists(
    st.one_of(st.floats(-50, 50), st.floats(-1e5, 1e5), st.sampled_from([-INF, -1e9, -1e4, 0.0])),
    min_size=1,
    max_size=30,
)


@given(logits_of_a_row)
def test_the_divergence_from_itself_is_exactly_zero(z):
    if max(z) > -INF:
        assert [value(name, z, z) for name in ("kl_div", "js_div")] == [0.0, 0.0]


@given(st.lists(st.integers(-2000, 2000), min_size=1, max_size=20), st.integers(-(2**20), 2**20))
def test_a_constant_changes_nothing(z, constant):
    """Sums of small multiples of 1/64 are exact."""
    row = [x / 64 for x in z]
    shifted = [x + constant for x in row]
    for name in ALL:
        assert_same(value(name, shifted, row[::-1]), value(name, row, row[::-1]), rel=1e-14)


@given(st.lists(st.tuples(st.floats(1e-5, 1), st.floats(1e-5, 1)), min_size=2, max_size=30))
def test_logarithms_of_weights_are_logits(pairs):
    p, q = np.array(pairs).T
    frame = pl.DataFrame({"p": [p.tolist()], "q": [q.tolist()]})
    rows = pl.col("p").info.list
    for name in ALL:
        want = frame.select(getattr(rows, name)(*(() if name == "entropy" else ("q",)))).item()
        # ln p is rounded by up to 1e-15, which is the error of a weight.
        assert_same(value(name, np.log(p), np.log(q)), want, rel=1e-12, tol=1e-14)


def test_truncated_lists_are_renormalised():
    top = [math.log(x) for x in (0.5, 0.25, 0.25)]
    assert_same(value("entropy", [x - 1.5 for x in top], base=2), 1.5, rel=1e-15)


@pytest.mark.parametrize("mask", [-1e4, -1e9, float(np.finfo(np.float32).min), float(np.finfo(np.float16).min), -1e300])
def test_finite_masks_never_make_a_divergence_infinite(mask, engine):
    for z, w in (
        ([1.0, 2.0, 3.0], [1.0, mask, 3.0]),
        ([1.0, mask, 3.0], [1.0, 2.0, mask]),
        ([1.0, mask, 3.0], [2.0, mask, 3.0]),
        ([1.0, mask, mask, -INF], [mask, 1.0, mask, -INF]),
    ):
        frame = pl.DataFrame({"z": [z], "w": [w]})
        got = run(frame, *(getattr(Z, name)("w").alias(name) for name in PAIRS), engine=engine).row(0)
        for name, found in zip(PAIRS, got, strict=True):
            assert math.isfinite(found)
            assert_same(found, exact(name, z, w), rel=2e-15, what=(name, z, w))


# Dtypes and shapes.


@pytest.mark.parametrize(
    ("dtype", "result"),
    [(pl.Float64, pl.Float64), (pl.Float32, pl.Float32), (pl.Int32, pl.Float64), (pl.Boolean, pl.Float64)],
)
def test_dtypes(dtype, result, engine):
    frame = pl.DataFrame({"z": [[0, 1, 1], [1, 0, 0]]}).cast({"z": pl.List(dtype)})
    got = run(frame, Z.entropy().alias("h"), Z.kl_div([0, 0, 0]).alias("d"), engine=engine)
    assert got["h"].dtype == result
    rel = 1e-7 if result == pl.Float32 else 1e-15
    assert_same(got["h"][0], exact("entropy", [0, 1, 1]), rel=rel)
    assert_same(got["d"][1], exact("kl_div", [1, 0, 0], [0, 0, 0]), rel=rel)


def test_half_floats():
    z = np.array([[60000.0, 0.0, -65504.0], [1.0, 0.5, 0.25]], dtype=np.float16)
    rows = pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), 3)
    got = pl.Series(arrow_logits.entropy(rows))
    assert got.dtype == pl.Float32
    for found, row in zip(got, z, strict=True):
        assert_same(found, exact("entropy", row), rel=1e-7)
    if hasattr(pl, "Float16"):
        frame = pl.DataFrame({"z": pl.Series(z.astype(float).tolist()).cast(pl.List(pl.Float16))})
        assert frame.select(Z.entropy())["z"].to_list() == got.to_list()


def test_nested_lists_keep_their_outer_lists(engine):
    frame = pl.DataFrame({"z": [[[0.0, 0.0], [900.0, 0.0]], [], None, [None]]})
    got = run(frame, Z.entropy(base=2), engine=engine)["z"].to_list()
    assert got == [[1.0, 0.0], [], None, [None]]


@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 1), None])
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes_are_those_of_weights(axis, keepdims, engine):
    rng = np.random.default_rng(11)
    z, w = (pl.Series(x.tolist(), dtype=pl.Array(pl.Float64, 3)) for x in rng.standard_normal((2, 7, 3)))
    frame = pl.DataFrame({"z": z, "w": w})
    weights = frame.select(pl.all().arr.eval(pl.element().exp())) if hasattr(pl.Expr.arr, "eval") else None
    if weights is None:
        as_arrays = (pl.Series(n, np.exp(frame[n].to_numpy()).tolist(), dtype=pl.Array(pl.Float64, 3)) for n in "zw")
        weights = pl.DataFrame(list(as_arrays))
    for name in ALL:
        q = () if name == "entropy" else ("w",)
        got = run(frame, getattr(Z_ARR, name)(*q, axis=axis, keepdims=keepdims), engine=engine)
        want = run(weights, getattr(pl.col("z").info.arr, name)(*q, axis=axis, keepdims=keepdims), engine=engine)
        assert got.schema == want.schema
        np.testing.assert_allclose(got["z"].to_numpy(), want["z"].to_numpy(), rtol=1e-13)


def test_one_reference_for_all_rows(engine):
    """A fixed q, an aggregate, a one-row Series and a column of it give the same bits, across batches."""
    rng = np.random.default_rng(2)
    w = rng.standard_normal(50)
    w[7] = -1e9
    frame = pl.DataFrame({"z": (9 * rng.standard_normal((3000, 50))).tolist(), "w": [w.tolist()] * 3000})
    for name in PAIRS:
        method = getattr(Z, name)
        forms = [
            method("w"),
            method(w.tolist()),
            method(w),
            method(pl.Series([w.tolist()])),
            method(pl.col("w").first()),
        ]
        columns = [bits(run(frame, form, engine=engine)["z"].to_list()) for form in forms]
        assert all(column == columns[0] for column in columns)
        for i in (0, 1, 2999):
            assert_same(run(frame[i], method(w), engine=engine).item(), exact(name, frame["z"][i], w), rel=1e-14)


def test_rows_of_all_lengths_with_nulls_are_those_of_single_rows(engine):
    rng = np.random.default_rng(8)
    rows = [
        None if i % 17 == 3 else [None if rng.random() < 0.02 else x for x in 30 * rng.standard_normal(length)]
        for i, length in enumerate(rng.choice([0, 1, 7, 10, 64, 129, 3000], 300))
    ]
    others = [None if row is None else (10 * rng.standard_normal(len(row))).tolist() for row in rows]
    frame = pl.DataFrame({"z": rows, "w": others}, schema={"z": pl.List(pl.Float64), "w": pl.List(pl.Float64)})
    for policy in ("propagate", "omit"):
        forms = [Z.entropy(nan_policy=policy).alias("h"), Z.kl_div("w", nan_policy=policy).alias("d")]
        together = run(frame, *forms, engine=engine)
        alone = pl.concat(run(frame[i], *forms, engine=engine) for i in range(len(rows)))
        assert bits(together["h"].to_list()) == bits(alone["h"].to_list())
        assert bits(together["d"].to_list()) == bits(alone["d"].to_list())


# Faces.


def test_series_and_arrow_give_the_same_bits():
    rng = np.random.default_rng(4)
    z, w = (pl.Series(n, (5 * rng.standard_normal((100, 20))).tolist()) for n in "zw")
    frame = pl.DataFrame([z, w])
    for name in ALL:
        q = () if name == "entropy" else (w,)
        want = bits(frame.select(getattr(Z, name)(*(["w"] if q else []), base=2))["z"].to_list())
        assert bits(getattr(z.info.list.logits, name)(*q, base=2).to_list()) == want
        assert bits(pl.Series(getattr(arrow_logits, name)(z, *q, base=2)).to_list()) == want
        array = z.list.to_array(20)
        of_array = getattr(array.info.arr.logits, name)(*(x.list.to_array(20) for x in q), base=2)
        assert bits(of_array.to_list()) == want


def test_rows_stream():
    query = pl.LazyFrame({"z": [[0.0, 1.0]], "w": [[0.0, 1.0]]}).select(Z.entropy().alias("h"), Z.kl_div("w"))
    assert plans.fallbacks(query) == []


def test_flat_columns_are_exponentials(engine):
    """Why there is no accessor for them: this is native, and streams."""
    frame = pl.DataFrame({"g": [1, 1, 2, 2], "z": [0.0, 0.0, 3.0, 1.0]})
    query = frame.lazy().group_by("g", maintain_order=True).agg(pl.col("z").exp().info.entropy())
    got = collect(query, engine)["z"].to_list()
    assert_same(got[0], LN_2, rel=1e-14)
    assert_same(got[1], exact("entropy", [3.0, 1.0]), rel=1e-13)
    assert not hasattr(polars_entropy.Info, "logits")
