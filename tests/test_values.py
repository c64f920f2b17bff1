"""What is promised of observed values: entropy of categories and characters, pairs of values, estimators."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
from collections import Counter
from typing import Any

import mpmath
import numpy as np
import polars as pl
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

import oracle
from compare import assert_same
from engines import ENGINES, collect, run
from layouts import LAYOUTS
from plans import fallbacks, kinds
from polars_entropy import _lib
from polars_entropy._arguments import Estimator

V, W = pl.col("v").info.values, pl.col("w").info.values
# From there on an unordered implode is native in the streaming group-by.
STREAMS = tuple(map(int, pl.__version__.split(".")[:2])) >= (1, 39)


def bits(x: float) -> str:
    """All of a float."""
    return x.hex()


def exact(values: Any) -> float:
    """Entropy of how often each value occurs."""
    return of_counts(list(Counter(values).values()))


def of_counts(counts: list[int]) -> float:
    """Entropy of counts."""
    # One kind has none; mpmath leaves some of its last digits.
    return float(oracle.entropy([float(n) for n in counts])) if len(counts) > 1 else 0.0


def words(count: int, kinds: int, seed: int = 0) -> list[str]:
    """Words of which some are much commoner than others."""
    return [f"word {int(x)}" for x in np.random.default_rng(seed).pareto(0.7, count) % kinds]


# Columns, groups and windows.

COUNTS = {
    "none": [],
    "one": ["a"],
    "one kind": ["a"] * 1000,
    "two kinds": ["a"] * 255 + ["b"],
    "a rare one among many": ["a"] * 100_000 + ["b"],
    "as many as the table has": words(255, 40),
    "one more than that": words(256, 40),
    "thousands": words(5000, 400),
    "all different": [str(i) for i in range(3000)],
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_value_is_right_to_its_last_digits(name, engine):
    values = COUNTS[name]
    got = run(pl.DataFrame({"v": values}, schema={"v": pl.String}), V.entropy(), engine=engine).item()
    assert_same(got, exact(values), rel=1e-15)


@given(st.lists(st.integers(0, 6), max_size=300))
def test_any_list_of_values_is_right(values):
    row = pl.DataFrame({"v": [values]}, schema={"v": pl.List(pl.Int16)})
    assert_same(row.select(pl.col("v").info.list.values.entropy()).item(), exact(values), rel=1e-15)


FRAME = pl.DataFrame(
    {
        "g": [1, 1, 1, 2, 2, 2, 2, 3],
        "t": [0, 1, 2, 3, 4, 5, 6, 7],
        "v": ["a", "a", "b", "c", None, "c", "d", None],
        "w": [1.0, -0.0, 0.0, math.nan, math.nan, 2.0, None, 3.0],
    }
)


@pytest.mark.parametrize(
    ("policy", "want"), [("propagate", [exact("aab"), None, None]), ("omit", [exact("aab"), exact("ccd"), 0.0])]
)
def test_nulls_follow_the_policy_in_groups_and_windows(policy, want, engine):
    value = V.entropy(nan_policy=policy)
    groups = collect(FRAME.lazy().group_by("g").agg(value), engine).sort("g")
    for got, expected in zip(groups["v"], want, strict=True):
        assert_same(got, expected, rel=1e-15)
    windows = collect(FRAME.lazy().select(value.over("g")), engine).to_series()
    assert windows.to_list() == [groups["v"][g - 1] for g in FRAME["g"]]


def test_rolling_and_dynamic_windows(engine):
    value = V.entropy(nan_policy="omit", base=2)
    rolling = collect(FRAME.lazy().rolling("t", period="3i").agg(value), engine)
    dynamic = collect(FRAME.lazy().group_by_dynamic("t", every="4i").agg(value), engine)
    column = FRAME["v"].to_list()

    def bits_of(start: int, end: int) -> float:
        return exact([x for x in column[max(start, 0) : end] if x is not None]) / math.log(2)

    for got, end in zip(rolling["v"], range(1, 9), strict=True):
        assert_same(got, bits_of(end - 3, end), rel=1e-15)
    for got, start in zip(dynamic["v"], (0, 4), strict=True):
        assert_same(got, bits_of(start, start + 4), rel=1e-15)


def test_nan_is_a_value_and_both_zeros_are_one(engine):
    assert_same(run(FRAME, W.entropy(nan_policy="omit"), engine=engine).item(), exact("abbcc23"), rel=1e-15)


def test_raise_names_the_column_and_the_row():
    with pytest.raises(pl.exceptions.ComputeError, match=r"nulls: column 'v', row 4 is null"):
        FRAME.select(V.entropy(nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match=r"nulls: column 'v', row 4 is null"):
        FRAME.select(V.mutual_info("w", nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match=r"nulls: column y 'w', row 6 is null"):
        FRAME.head(7).select(pl.col("t").info.values.cond_entropy("w", nan_policy="raise"))
    rows = pl.DataFrame({"v": [["a"], ["b", None]]})
    with pytest.raises(pl.exceptions.ComputeError, match=r"nulls: column 'v', row 1, element 1 is null"):
        rows.select(pl.col("v").info.list.values.entropy(nan_policy="raise"))
    assert FRAME.select(pl.col("t").info.values.entropy(nan_policy="raise")).item() == math.log(8)


def test_neither_order_nor_names_change_a_bit(engine):
    values = words(3000, 500)
    shuffled = sorted(values)
    names = {value: i for i, value in enumerate(sorted(set(values), key=hash))}
    others = [str(x) for x in words(3000, 30, seed=2)]
    base = pl.DataFrame({"v": values, "w": others})
    for name, quantity in {
        "entropy": lambda v, _: v.entropy(),
        "chao_shen": lambda v, _: v.entropy(estimator="chao_shen"),
        "mutual_info": lambda v, w: v.mutual_info(w),
        "cond_entropy": lambda v, w: v.cond_entropy(w),
    }.items():
        want = run(base, quantity(V, "w"), engine=engine).item()
        relabelled = base.with_columns(pl.col("v").replace_strict(names))
        assert bits(run(relabelled, quantity(V, "w"), engine=engine).item()) == bits(want), name
        assert bits(run(base.sample(fraction=1, shuffle=True, seed=3), quantity(V, "w"), engine=engine).item()) == bits(
            want
        ), name
    assert bits(run(pl.DataFrame({"v": shuffled}), V.entropy(), engine=engine).item()) == bits(
        run(base, V.entropy(), engine=engine).item()
    )


# Values of any dtype.


def odd_columns() -> dict[str, pl.Series]:
    day = dt.date(2020, 2, 29)
    nan = math.nan
    columns = {
        "Int8": pl.Series([1, -1, 1, None, -128], dtype=pl.Int8),
        "UInt64": pl.Series([2**64 - 1, 0, 2**63, 0, None], dtype=pl.UInt64),
        "Int128": pl.Series([2**64, 0, 2**100, 0, None], dtype=pl.Int128),
        "Float32": pl.Series([nan, 0.0, -0.0, -nan, None, 1.5], dtype=pl.Float32),
        "Float64": pl.Series([nan, 0.0, -0.0, -nan, None, 1.5]),
        "Boolean": pl.Series([True, False, True, None]),
        "Decimal": pl.Series(["1.50", "1.5", "2.0", None]).cast(pl.Decimal(20, 2)),
        "String": pl.Series(["", "a", "b", "a", None, "a longer text than a view holds", "é"]),
        "Binary": pl.Series([b"", b"a", b"\0", b"\0\0", b"a", None]),
        "Date": pl.Series([day, day, None, dt.date(1969, 1, 1)]),
        "Datetime": pl.Series([day, day, None, dt.date(1, 1, 1)]).cast(pl.Datetime("ms", "UTC")),
        "Duration": pl.Series([dt.timedelta(1), dt.timedelta(-1), dt.timedelta(1)]),
        "Time": pl.Series([dt.time(1), dt.time(2), dt.time(1)]),
        "Categorical": pl.Series(["b", "a", "b", None, "c"], dtype=pl.Categorical),
        "Enum": pl.Series(["b", "a", "b", None], dtype=pl.Enum(["c", "a", "b"])),
        "Null": pl.Series([None, None]),
        "List": pl.Series([[1, 2], [1], [1, 2], [], None, [None], [None, None], [12]]),
        "List of texts": pl.Series([["a", "b"], ["ab"], ["", "ab"], ["a", "b"], [None], ["ab"]]),
        "Array": pl.Series([[1.0, -0.0], [1.0, 0.0], [nan, 1.0], [nan, 1.0], None], dtype=pl.Array(pl.Float64, 2)),
        "Struct": pl.Series([{"a": 1, "b": "x"}, {"a": 1, "b": "x"}, {"a": 1, "b": None}, {"a": None, "b": "x"}, None]),
        "Struct of lists": pl.Series([{"a": [1]}, {"a": [1]}, {"a": []}, {"a": None}]),
        "List of categories": pl.Series([["a"], ["b"], ["a"]], dtype=pl.List(pl.Categorical)),
    }
    if hasattr(pl, "UInt128"):
        columns["UInt128"] = pl.Series([2**127, 2**128 - 1, 2**127], dtype=pl.UInt128)
    if hasattr(pl, "Float16"):
        columns["Float16"] = pl.Series([nan, 0.0, -0.0, 1.5], dtype=pl.Float16)
    return columns


@pytest.mark.parametrize("name", odd_columns())
def test_values_are_equal_where_a_group_by_takes_them_for_equal(name, engine):
    column = odd_columns()[name].alias("v")
    counts = column.to_frame().filter(pl.col("v").is_not_null()).group_by("v").len()["len"].to_list()
    want = of_counts(counts)
    around = pl.concat([column, column, column]).slice(len(column), len(column))
    chunked = pl.concat([column.head(1), column.slice(1)], rechunk=False)
    for layout in (column, around, chunked):
        frame = layout.to_frame()
        assert_same(run(frame, V.entropy(nan_policy="omit"), engine=engine).item(), want, rel=1e-15)
        rows = frame.select(pl.col("v").implode())
        got = run(rows, pl.col("v").info.list.values.entropy(nan_policy="omit"), engine=engine).item()
        assert_same(got, want, rel=1e-15)
        has_null = layout.null_count() > 0
        assert (run(frame, V.entropy(), engine=engine).item() is None) == has_null


def test_categories_may_differ_between_files(tmp_path, engine):
    # The same categories under other numbers, and a batch for each file.
    texts = [["a", "b", "a"], ["c", "b"], ["b", "a", "c", "c"]]
    for i, values in enumerate(texts):
        frame = pl.DataFrame({"v": pl.Series(values, dtype=pl.Categorical), "g": [1] * len(values)})
        frame.write_parquet(tmp_path / f"{i}.parquet")
    query = pl.scan_parquet(tmp_path / "*.parquet").group_by("g").agg(V.entropy())
    assert_same(collect(query, engine)["v"].item(), exact("abacbbacc"), rel=1e-15)


ODD = """
import datetime as dt, sys
import polars as pl
import polars_entropy
sys.path.insert(0, "tests")
from test_values import odd_columns

class Extension(getattr(pl, "BaseExtension", object)):
    def __init__(self):
        super().__init__("polars_entropy.test", pl.Float64, None)

columns = {
    **odd_columns(),
    "width 0": pl.Series([[], []], dtype=pl.Array(pl.Float64, 0)),
    "Struct of nothing": pl.Series([{}, {}], dtype=pl.Struct([])),
}
if hasattr(pl, "BaseExtension"):
    columns["Extension"] = pl.Series([1.0, 2.0]).ext.to(Extension())
v = pl.col("v").info
for name, column in columns.items():
    for of_list in (False, True):
        exprs = [v.values.entropy(), v.values.mutual_info("v")]
        exprs += [v.str.entropy(), v.bin.entropy(), v.list.values.entropy()]
        frame = column.alias("v").to_frame().select(pl.col("v").implode() if of_list else pl.col("v"))
        for i, expr in enumerate(exprs):
            for how in ("schema", "in-memory", "streaming"):
                query = frame.lazy().select(expr)
                try:
                    query.collect_schema() if how == "schema" else query.collect(engine=how)
                except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
                    assert "panicked" not in str(error), error
                    assert i > 1 or name == "width 0", (name, error)
print("survived")
"""


def test_odd_dtypes_never_end_the_interpreter():
    result = subprocess.run([sys.executable, "-c", ODD], capture_output=True, text=True, check=False)
    assert result.stdout == "survived\n", result.stderr


# Rows.


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_rows_of_values_in_every_layout(layout, engine):
    rows = [[1.0, 1.0, 2.0], None, [], [math.nan, math.nan, 0.0, -0.0], [1.0, None], [None], [3.0] * 300 + [4.0] * 5]
    want = [exact("aab"), None, 0.0, math.log(2), None, None, exact("a" * 300 + "b" * 5)]
    omit = [*want[:4], 0.0, 0.0, want[6]]
    frame = pl.DataFrame({"v": layout(rows)})
    values = pl.col("v").info.list.values
    got = run(frame, values.entropy().alias("p"), values.entropy(nan_policy="omit").alias("o"), engine=engine)
    for (p, o), of_p, of_o in zip(got.rows(), want, omit, strict=True):
        assert_same(p, of_p, rel=1e-15)
        assert_same(o, of_o, rel=1e-15)


def test_a_list_in_a_list_is_a_value():
    frame = pl.DataFrame({"v": [[[1, 2], [1, 2], [2], []]]})
    assert frame.select(pl.col("v").info.list.values.entropy(base=2)).item() == 1.5


TEXTS = [
    "",
    "a",
    "aaaa",
    "noon",
    "test",
    "été",
    "été",
    "日本語日本",
    "a\0b\0",
    "🙂🙃🙂",
    "ß" * 500 + "s",
    "xy" * 4000,
    None,
]


def test_characters_are_code_points(engine):
    frame = pl.DataFrame({"v": TEXTS})
    around = pl.concat([frame, frame, frame], rechunk=True).slice(len(TEXTS), len(TEXTS))
    chunked = pl.concat([frame.head(3), frame.slice(3)], rechunk=False)
    for layout in (frame, around, chunked):
        got = run(layout, pl.col("v").info.str.entropy(), engine=engine).to_series()
        for value, text in zip(got, TEXTS, strict=True):
            assert_same(value, None if text is None else exact(text), rel=1e-15, what=text)
    # Each different, so that the logarithm is of their number.
    lengths = pl.DataFrame({"v": ["abc", "äöü", "日本語", "🙂🙃a"]})
    got = lengths.select(pl.col("v").info.str.entropy() - pl.col("v").str.len_chars().log())
    assert got.to_series().abs().max() < 1e-15


def test_bytes(engine):
    frame = pl.DataFrame({"v": [None if text is None else text.encode() for text in TEXTS]})
    got = run(frame, pl.col("v").info.bin.entropy(), engine=engine).to_series()
    for value, data in zip(got, frame["v"], strict=True):
        assert_same(value, None if data is None else exact(data), rel=1e-15, what=data)


@given(st.text(max_size=40))
def test_any_text(text):
    frame = pl.DataFrame({"v": [text, "between", text]})
    got = frame.select(pl.col("v").info.str.entropy()).to_series()
    assert bits(got[0]) == bits(got[2])
    assert_same(got[0], exact(text), rel=1e-15)


# Pairs.


def test_pairs_beside_scikit_learn(engine):
    v, w = words(4000, 30), words(4000, 8, seed=5)
    w = [a if i % 3 else b for i, (a, b) in enumerate(zip(v, w, strict=True))]
    frame = pl.DataFrame({"v": v, "w": w})
    got = run(frame, V.mutual_info("w").alias("i"), V.cond_entropy("w").alias("h"), engine=engine)
    # scikit-learn sums in plain doubles, some 1e-14 off.
    assert_same(got["i"].item(), sklearn.metrics.mutual_info_score(v, w), rel=1e-12)
    assert abs(got["i"].item() - (exact(v) + exact(w) - exact(zip(v, w, strict=True)))) < 4e-15
    assert abs(got["h"].item() - (exact(zip(v, w, strict=True)) - exact(w))) < 4e-15


def test_what_pairs_are_bound_to_be(engine):
    frame = pl.DataFrame({"v": [i % 6 for i in range(360)], "w": [i // 6 % 5 for i in range(360)]})
    both = run(
        frame.with_columns(u=pl.col("v") * 2),
        V.mutual_info("w").alias("independent"),
        V.mutual_info("u").alias("one to one"),
        V.cond_entropy("u").alias("known"),
        V.cond_entropy("w").alias("unknown"),
        V.mutual_info(pl.lit("x")).alias("constant"),
        V.entropy().alias("h"),
        engine=engine,
    )
    row = both.row(0, named=True)
    assert 0 <= row["independent"] < 2e-15
    assert (row["known"], row["constant"]) == (0.0, 0.0)
    assert row["one to one"] == row["h"]
    assert_same(row["unknown"], math.log(6), rel=2e-15)


def test_mutual_information_is_symmetric_to_the_bit(engine):
    frame = pl.DataFrame({"v": words(999, 40), "w": words(999, 20, seed=9)})
    got = run(frame, V.mutual_info("w"), W.mutual_info("v"), engine=engine).row(0)
    assert bits(got[0]) == bits(got[1])


def test_pairs_with_a_null_follow_the_policy_on_both_sides(engine):
    there = [(v, w) for v, w in zip(FRAME["v"], FRAME["w"], strict=True) if None not in (v, w)]
    names = {id(w): ("nan" if math.isnan(w) else str(w + 0.0)) for _, w in there}
    pairs = [(v, names[id(w)]) for v, w in there]
    want = exact([v for v, _ in pairs]) + exact([w for _, w in pairs]) - exact(pairs)
    got = run(FRAME, V.mutual_info("w", nan_policy="omit").alias("omit"), V.mutual_info("w"), engine=engine).row(0)
    assert abs(got[0] - want) < 2e-15
    assert got[1] is None


@pytest.mark.parametrize("name", _lib.OF_PAIRS)
def test_pairs_in_groups_and_windows(name, engine):
    frame = pl.DataFrame({"g": [i % 7 for i in range(700)], "v": words(700, 5), "w": words(700, 4, seed=1)})
    value = getattr(V, name)("w")
    want = {g: part.select(value).item() for (g,), part in frame.group_by("g")}
    groups = collect(frame.lazy().group_by("g").agg(value), engine)
    assert all(bits(x) == bits(want[g]) for g, x in groups.rows())
    windows = collect(frame.lazy().select("g", value.over("g")), engine)
    assert all(bits(x) == bits(want[g]) for g, x in windows.rows())


def test_ways_to_give_y():
    frame = pl.DataFrame({"v": ["a", "b", "b"], "w": [1, 2, 2]})
    want = frame.select(V.mutual_info("w")).item()
    assert frame.select(V.mutual_info(pl.col("w") + 1)).item() == want
    assert frame.select(V.mutual_info(pl.Series([1, 2, 2]))).item() == want
    assert frame["v"].info.values.mutual_info(frame["w"]).item() == want
    assert frame.select(V.mutual_info(pl.Series([7]))).item() == 0.0
    with pytest.raises(TypeError, match=r"y must be a column name, an expression or a Series, not list"):
        V.mutual_info([1, 2, 2])
    with pytest.raises(TypeError, match="a Series has no columns"):
        frame["v"].info.values.mutual_info("w")
    with pytest.raises(pl.exceptions.ComputeError, match="column of its own"):
        frame.group_by("w").agg(V.mutual_info(pl.Series([1, 2])))
    with pytest.raises(pl.exceptions.PolarsError):
        frame.select(V.mutual_info(pl.Series([1, 2])))


# Estimators.

SAMPLES = [[1], [7], [1, 1], [1, 1, 1, 1], [3, 2, 1, 1], [50, 1], [5, 5, 0, 5], [1] * 40 + [300], list(range(1, 90))]


def chao_shen(counts: list[int]) -> mpmath.mpf:
    """Chao and Shen 2003, with f1 = N - 1 where all categories occur once."""
    counts = [n for n in counts if n]
    total, once = sum(counts), counts.count(1)
    coverage = 1 - mpmath.mpf(total - 1 if once == total else once) / total
    shares = [coverage * n / total for n in counts]
    return -sum(p * mpmath.log(p) / (1 - (1 - p) ** total) for p in shares if p != 1)


def miller_madow(counts: list[int]) -> mpmath.mpf:
    """Miller 1955."""
    counts = [n for n in counts if n]
    return mpmath.mpf(of_counts(counts)) + mpmath.mpf(len(counts) - 1) / (2 * sum(counts))


ESTIMATORS = {"miller_madow": miller_madow, "chao_shen": chao_shen}


def test_every_estimator_is_one_of_the_registry():
    names = {f'entropy(estimator="{name}")' for name in ESTIMATORS}
    assert names == set(_lib.ESTIMATORS)
    assert set(Estimator.__args__) == {"plugin", *ESTIMATORS}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("counts", SAMPLES, ids=lambda counts: str(counts[:5]))
def test_estimators_are_right_in_every_shape(estimator, counts, engine):
    with mpmath.workdps(50):
        want = float(ESTIMATORS[estimator](counts))
    frame = pl.DataFrame({"n": counts, "g": [1] * len(counts)})
    n = pl.col("n").info
    observed = pl.DataFrame({"v": [i for i, count in enumerate(counts) for _ in range(count)]})
    got = [
        run(frame, n.entropy(estimator=estimator), engine=engine).item(),
        collect(frame.lazy().group_by("g").agg(n.entropy(estimator=estimator)), engine)["n"].item(),
        run(frame, pl.col("n").implode().info.list.entropy(estimator=estimator), engine=engine).item(),
        run(observed, V.entropy(estimator=estimator), engine=engine).item(),
        run(observed, pl.col("v").implode().info.list.values.entropy(estimator=estimator), engine=engine).item(),
    ]
    for value in got:
        # The chance of an observation is itself rounded by some ulps; a group's error is absolute.
        assert_same(value, want, rel=4e-15)
        assert math.copysign(1, value) == 1


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimators_beside_infomeasure(estimator):
    infomeasure = pytest.importorskip("infomeasure", reason="make test has it beside the newest Polars only")
    for seed in range(5):
        values = words(400, 60, seed)
        codes = np.unique(values, return_inverse=True)[1]
        want = infomeasure.entropy(codes, approach=estimator, base="e")
        got = pl.DataFrame({"v": values}).select(V.entropy(estimator=estimator)).item()
        assert_same(got, want, rel=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimators_follow_the_rules(estimator, engine):
    n = pl.col("n").info.entropy
    rows = {(): 0.0, (0, 0): math.nan, (-1, 2): -math.inf, (None, 2): None}
    for row, want in rows.items():
        frame = pl.DataFrame({"n": row}, schema={"n": pl.Int32})
        assert_same(run(frame, n(estimator=estimator), engine=engine).item(), want)
        lists = run(frame, pl.col("n").implode().info.list.entropy(estimator=estimator), engine=engine)
        assert_same(lists.item(), want)
    frame = pl.DataFrame({"n": [2, None, 2]})
    omit = run(frame, n(estimator=estimator, nan_policy="omit", base=2), engine=engine).item()
    assert_same(omit, run(frame.drop_nulls(), n(estimator=estimator, base=2), engine=engine).item(), rel=1e-15)


def test_what_is_no_count_is_refused_when_the_plan_is_resolved():
    frame = pl.DataFrame({"x": [0.5, 0.5], "b": [True, False], "l": [[0.5], [0.5]], "n": [1, 2]})
    frame = frame.with_columns(d=pl.col("n").cast(pl.Decimal(10, 2)))
    for column in ("x", "b", "d"):
        query = frame.lazy().select(pl.col(column).info.entropy(estimator="miller_madow"))
        with pytest.raises(pl.exceptions.ComputeError, match=r"takes a column of counts.*cast whole numbers"):
            query.collect_schema()
    query = frame.lazy().select(pl.col("l").info.list.entropy(estimator="chao_shen"))
    with pytest.raises(pl.exceptions.ComputeError, match=r"takes a List column of counts.*cast whole numbers"):
        query.collect_schema()
    for entropy in (
        pl.col("n").info.entropy,
        V.entropy,
        pl.col("l").info.list.entropy,
        pl.col("l").info.list.values.entropy,
    ):
        with pytest.raises(
            ValueError, match="`estimator` must be one of plugin, miller_madow, chao_shen, not 'jackknife'"
        ):
            entropy(estimator="jackknife")


# Plans.


@pytest.fixture
def scan(tmp_path):
    FRAME.with_columns(k=pl.col("g"), n=pl.col("t")).write_parquet(tmp_path / "frame.parquet")
    return pl.scan_parquet(tmp_path / "frame.parquet")


IN_GROUPS = {
    "entropy": V.entropy(),
    "omit": V.entropy(nan_policy="omit"),
    "raise": pl.col("t").info.values.entropy(nan_policy="raise"),
    "chao_shen": V.entropy(estimator="chao_shen"),
    "mutual_info": V.mutual_info("w"),
    "cond_entropy": V.cond_entropy("w"),
}


@pytest.mark.skipif(not STREAMS, reason="an unordered implode doesn't stream before Polars 1.39")
@pytest.mark.parametrize("name", IN_GROUPS)
def test_groups_stay_in_the_streaming_group_by(scan, name):
    query = scan.group_by("g").agg(IN_GROUPS[name])
    assert fallbacks(query) == []
    # The last three hand each group a constant.
    constant = {"input-independent-select", "reduce", "zip-broadcast"}
    assert set(kinds(query)) <= {*kinds(scan.group_by("g").agg(pl.col("t").sum())), "select", *constant}


@pytest.mark.parametrize("name", IN_GROUPS)
def test_windows_are_counted_once_a_group(scan, name):
    """Lists that are joined to the rows of their group would be counted for each of them, and held as often."""
    query = scan.select(IN_GROUPS[name].over("g"))
    assert "equi-join" not in kinds(query)


def test_counts_by_miller_and_madow_are_native_sums(scan):
    query = scan.group_by("g").agg(pl.col("n").info.entropy(estimator="miller_madow"))
    assert fallbacks(query) == []


def test_rows_and_characters_stream(scan):
    texts = scan.select(pl.col("v").info.str.entropy(), b=pl.col("v").cast(pl.Binary).info.bin.entropy())
    assert fallbacks(texts) == []


def test_the_schema_is_float64_whatever_the_data():
    frame = pl.DataFrame({"v": pl.Series([1.5], dtype=pl.Float32), "s": ["a"], "l": [["a"]], "n": [1]})
    exprs = [
        V.entropy(),
        pl.col("s").info.str.entropy(),
        pl.col("l").info.list.values.entropy(),
        pl.col("n").info.entropy(estimator="miller_madow"),
        V.mutual_info("s").alias("i"),
    ]
    for engine in ENGINES:
        for data in (frame, frame.clear(), pl.concat([frame] * 3, rechunk=False)):
            assert run(data, *exprs, engine=engine).dtypes == [pl.Float64] * len(exprs)


WRONG = [
    (
        pl.col("n").info.list.values.entropy(),
        r"`info\.list\.values\.entropy` takes a List column.*`info\.values\.entropy`",
    ),
    (pl.col("a").info.list.values.entropy(), r"arr\.to_list"),
    (pl.col("c").info.list.values.entropy(), r"x \('c'\) is stored as u32"),
    (pl.col("n").info.str.entropy(), r"`info\.str\.entropy` takes a String column.*`info\.values\.entropy`"),
    (pl.col("s").info.bin.entropy(), r"write `info\.str\.entropy`"),
    (pl.col("b").info.str.entropy(), r"write `info\.bin\.entropy`"),
    (pl.col("c").info.str.entropy(), r"cast\(pl\.String\)"),
    (pl.col("w").info.values.entropy(), r"`info\.values\.entropy` takes .* group-by.*arr\.to_list"),
    (pl.col("n").info.values.mutual_info("w"), r"`info\.values\.mutual_info` takes .* y \('w'\)"),
]


@pytest.mark.parametrize(("expr", "message"), WRONG)
def test_the_wrong_accessor_is_refused_when_the_plan_is_resolved(expr, message):
    frame = pl.DataFrame({"n": [1], "s": ["a"], "b": [b"a"], "l": [["a"]]}).with_columns(
        pl.Series("a", [[1, 2]], dtype=pl.Array(pl.Int64, 2)),
        pl.Series("c", ["a"], dtype=pl.Categorical),
        pl.Series("w", [[]], dtype=pl.Array(pl.Int64, 0)),
    )
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        frame.lazy().select(expr).collect_schema()


@pytest.mark.parametrize("wrong", [{"base": 1}, {"base": -2}, {"nan_policy": "drop"}])
def test_wrong_arguments_are_refused_when_built(wrong):
    for method in (V.entropy, pl.col("l").info.list.values.entropy):
        with pytest.raises(ValueError, match="must be"):
            method(**wrong)
    with pytest.raises(ValueError, match="must be"):
        V.mutual_info("w", **wrong)
    with pytest.raises(ValueError, match="must be"):
        pl.col("s").info.str.entropy(base=1)


def test_a_base_below_one_flips_the_sign():
    frame = pl.DataFrame({"v": ["a", "b"], "w": ["a", "b"]})
    for value in (V.entropy(base=0.5), V.mutual_info("w", base=0.5)):
        assert frame.select(value).item() == -1.0


# The rest is in memory alone.


def test_two_stages_have_the_same_value_with_memory_for_the_values_only():
    frame = pl.DataFrame({"g": [i % 3 for i in range(999)], "v": words(999, 50)})
    counted = frame.lazy().group_by("g", "v").len().group_by("g").agg(pl.col("len").info.entropy())
    direct = frame.lazy().group_by("g").agg(V.entropy())
    for engine in ENGINES:
        a, b = (collect(query, engine).sort("g") for query in (counted, direct))
        # A group's error is absolute.
        assert (a["len"] - b["v"]).abs().max() < 1e-13
