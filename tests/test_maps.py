"""What is promised of distributions by key: supports that differ, in Map columns and in lists of keys and weights."""

from __future__ import annotations

import datetime as dt
import math
import random
import subprocess
import sys
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from compare import assert_same
from contract import INF, NAN
from engines import ENGINES, collect, run
from plans import fallbacks
from quantities import QUANTITIES, Quantity

P = pl.col("p").info.map
PAIRS = [quantity for quantity in QUANTITIES if quantity.pair]
KL_DIV = next(quantity for quantity in QUANTITIES if quantity.name == "kl_div")
DTYPE = pl.List(pl.Struct({"key": pl.String, "n": pl.Float64}))

Row = "list[tuple[Any, Any] | None] | None"


def column(rows: list[Any], name: str = "p", key: Any = pl.String, weight: Any = pl.Float64) -> pl.Series:
    """A column of rows, each of which is a dict or a list of keys and weights."""
    entries = [
        None
        if row is None
        else [
            None if entry is None else dict(zip(("key", "n"), entry, strict=True))
            for entry in (row.items() if isinstance(row, dict) else row)
        ]
        for row in rows
    ]
    return pl.Series(name, entries, dtype=pl.List(pl.Struct({"key": key, "n": weight})))


def frame(p: list[Any], q: list[Any], **how: Any) -> pl.DataFrame:
    return pl.DataFrame([column(p, "p", **how), column(q, "q", **how)])


def aligned(p: Any, q: Any, pseudo_count: float = 0.0) -> tuple[list[float], list[float]]:
    """Weights of the keys of either side, by a dictionary each."""
    sides = []
    for side in (p, q):
        sums: dict[Any, float] = {}
        for key, weight in side.items() if isinstance(side, dict) else side:
            sums[key] = sums.get(key, 0.0) + weight
        sides.append(sums)
    keys = sorted({*sides[0], *sides[1]}, key=repr)
    return tuple([side.get(key, 0.0) + pseudo_count for key in keys] for side in sides)


def exact(quantity: Quantity, p: Any, q: Any, pseudo_count: float = 0.0) -> float:
    weights = aligned(p, q, pseudo_count)
    # Of one key, mpmath leaves some of its last digits.
    return float(quantity.exact(*(weights if quantity.pair else weights[:1]))) if len(weights[0]) > 1 else 0.0


# Values.

KEYS = [f"key {i}" for i in range(40)]

# In Arrow's views, long texts of one begin and length may look the same on both sides.
LONG = [f"category number {i}" for i in range(6)]


@pytest.mark.parametrize(
    ("of_p", "of_q"),
    [
        (LONG[:1], LONG[1:2]),
        (LONG[:2], LONG[1:3]),
        ([*LONG[:1], "a"], [*LONG[1:2], "a"]),
        (["a", *LONG[:1]], ["b", *LONG[:1]]),
        ([*KEYS, *LONG], [*LONG, *KEYS]),
        ([None, *LONG[:2]], [None, *LONG[2:3], "a"]),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("key", [pl.String, pl.Binary])
def test_keys_of_any_length_in_many_rows(of_p, of_q, engine, key):
    """So many that they are told by their views, where that is possible."""
    rng = random.Random(4)  # noqa: S311
    weights = pl.Series("n", [1.0 + i % 7 for i in range(1500)])

    def table(keys: list[str | None]) -> pl.DataFrame:
        """The row, the number of the key, and the weight of each entry."""
        kinds = [rng.sample(range(len(keys)), rng.randint(1, len(keys))) for _ in weights]
        return pl.DataFrame({"row": range(1500), "kind": kinds, "n": weights}).explode("kind")

    def rows(table: pl.DataFrame, keys: pl.Series) -> pl.Series:
        # Taken from a Series, equal texts have one place, and the first of either side the same.
        table = table.with_columns(keys.gather(table["kind"]).alias("key"))
        return table.group_by("row", maintain_order=True).agg(pl.struct("key", "n").alias("m"))["m"]

    tables = [(table(keys), keys) for keys in (of_p, of_q)]
    texts = [rows(side, pl.Series(keys, dtype=pl.String).cast(key)) for side, keys in tables]
    # Keys that are numbers don't take that way.
    numbers = {text: number for number, text in enumerate({*of_p, *of_q} - {None})} | {None: None}
    others = [rows(side, pl.Series([numbers[key] for key in keys], dtype=pl.Int64)) for side, keys in tables]
    got, want = (
        # With rows that are left out, and junk before and behind.
        pl.DataFrame(dict(zip("pq", sides, strict=True))).lazy().slice(3, 1400).filter(pl.int_range(pl.len()) % 5 != 0)
        for sides in (texts, others)
    )
    values = (collect(side.select(P.js_div("q")), engine)["p"].to_list() for side in (got, want))
    for i, (a, b) in enumerate(zip(*values, strict=True)):
        # Terms come in another order.
        assert_same(a, b, rel=1e-13, tol=1e-16, what=i)


def random_row(rng: random.Random, most: int = 30) -> list[tuple[str, float]]:
    return [(rng.choice(KEYS), rng.random()) for _ in range(rng.randint(1, most))]


def test_entropy_by_key(engine):
    rng = random.Random(1)  # noqa: S311
    rows = [random_row(rng) for _ in range(200)]
    got = run(pl.DataFrame([column(rows)]), P.entropy(), engine=engine).to_series()
    entropy = next(quantity for quantity in QUANTITIES if not quantity.pair)
    for value, row in zip(got, rows, strict=True):
        # What occurs several times is summed, once here and once there.
        assert_same(value, exact(entropy, row, {}), rel=3e-15)


@pytest.mark.parametrize("pseudo_count", [0, 0.5, 1])
def test_pairs_by_key(pair, pseudo_count, engine):
    rng = random.Random(2)  # noqa: S311
    rows = [(random_row(rng), random_row(rng)) for _ in range(100)]
    got = run(
        frame([p for p, _ in rows], [q for _, q in rows]), pair.value(P, pseudo_count=pseudo_count), engine=engine
    )
    for value, (p, q) in zip(got.to_series(), rows, strict=True):
        weights = aligned(p, q, pseudo_count)
        lacking = any(b == 0 < a or (pair.name == "psi" and a == 0 < b) for a, b in zip(*weights, strict=True))
        want = INF if lacking and pair.name != "js_div" else float(pair.exact(*weights))
        assert_same(value, want, rel=4e-15)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=12),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=12),
    st.randoms(),
)
def test_the_order_of_the_keys_changes_nothing_to_the_bit(p, q, rng):
    how = {"key": pl.Int64, "weight": pl.Int64}
    shuffled = [rng.sample(side, len(side)) for side in (p, q)]
    tables = [frame([p], [q], **how), frame([shuffled[0]], [shuffled[1]], **how)]
    for pair in PAIRS:
        a, b = (table.select(pair.value(P, pseudo_count=0.3)).item() for table in tables)
        assert a.hex() == b.hex()


def test_fractions_of_a_key_that_occurs_often_have_no_order():
    weights = [0.1 * i for i in range(1, 40)]
    table = [column([[("a", w) for w in side] + [("b", 1.0)]]).to_frame() for side in (weights, weights[::-1])]
    a, b = (side.select(P.entropy()).item() for side in table)
    assert a.hex() == b.hex()


# Rules.

HALF, LN_2 = [("a", 1.0), ("b", 1.0)], math.log(2)
RULES = [
    # p, q, kl_div, js_div
    (HALF, HALF, 0.0, 0.0),
    (HALF, [("b", 2.0), ("a", 2.0)], 0.0, 0.0),
    (HALF, [("a", 1.0)], INF, None),
    ([("a", 1.0)], HALF, LN_2, None),
    ([("a", 1.0)], [("b", 1.0)], INF, LN_2),
    ([("a", 0.0), ("b", 1.0)], [("b", 1.0)], 0.0, 0.0),
    ([], [], 0.0, 0.0),
    ([], HALF, NAN, NAN),
    (HALF, [], NAN, NAN),
    (HALF, [("a", 0.0)], NAN, NAN),
    (HALF, [("a", INF), ("b", 1.0)], NAN, NAN),
    (HALF, [("a", -1.0), ("a", 2.0), ("b", 1.0)], INF, INF),
    ([("a", INF), ("a", -INF), ("b", 1.0)], HALF, NAN, NAN),
    ([("a", NAN), ("b", 1.0)], HALF, NAN, NAN),
    ([("a", None), ("b", 1.0)], HALF, None, None),
    (HALF, [("a", NAN), ("b", None)], None, None),
    ([None, ("a", 1.0)], HALF, None, None),
    ([(None, 1.0), ("a", 1.0)], [("a", 1.0), (None, 1.0)], 0.0, 0.0),
    ([(None, 1.0), ("a", 1.0)], HALF, INF, None),
    (None, HALF, None, None),
    (HALF, None, None, None),
    ([("a", 1e308), ("a", 1e308), ("b", 1e308), ("b", 1e308)], HALF, 0.0, 0.0),
]


def layouts(series: pl.Series) -> list[pl.Series]:
    """The same column, sliced out of junk, in chunks, and as Arrow has it with junk under nulls."""
    junk = column([[("a", -1.0)], None, [("z", NAN), None]], series.name)
    sliced = pl.concat([junk, series, junk], rechunk=True).slice(3, len(series))
    chunked = pl.concat([series.head(2), series.head(0), series.slice(2)], rechunk=False)
    return [series, sliced, chunked]


def test_the_first_rule_that_applies_decides(engine):
    table = frame([p for p, *_ in RULES], [q for _, q, *_ in RULES])
    for p, q in zip(layouts(table["p"]), layouts(table["q"])[::-1], strict=True):
        got = run(pl.DataFrame([p, q]), P.kl_div("q").alias("d"), P.js_div("q").alias("js"), engine=engine)
        for (of_p, of_q, *want), row in zip(RULES, got.rows(), strict=True):
            for value, expected in zip(row, want, strict=True):
                if expected is not None or None in (of_p, of_q) or value is None:
                    assert_same(value, expected, rel=1e-15, what=(of_p, of_q))


def test_junk_under_a_null_row_is_never_looked_at():
    structs = pa.StructArray.from_arrays(
        [pa.array(["a", "a", "b"], pa.string_view()), pa.array([-1.0, 1.0, 1.0])], ["key", "n"]
    )
    lists = pa.LargeListArray.from_arrays(pa.array([0, 1, 3], pa.int64()), structs, mask=pa.array([True, False]))
    got = pl.Series("p", pl.from_arrow(lists)).to_frame().select(P.entropy()).to_series()
    assert got.to_list() == [None, LN_2]


MISSING = [
    ([("a", 1.0), ("b", None), ("c", 1.0)], [("a", 1.0), ("b", 5.0), ("c", 1.0)], 0.0),
    ([("a", 1.0), ("b", 5.0), ("c", 1.0)], [("b", NAN), ("a", 1.0), ("c", 1.0)], 0.0),
    # The key as a whole.
    ([("a", 1.0), ("b", None), ("b", 7.0), ("c", 1.0)], [("a", 1.0), ("c", 1.0)], 0.0),
    ([None, ("a", 1.0)], [("a", 2.0)], 0.0),
    ([("a", None)], [("a", 1.0)], 0.0),
    ([("a", None)], [("a", 1.0), ("b", 1.0)], NAN),
]


@pytest.mark.parametrize("case", MISSING, ids=str)
def test_omit_drops_keys(case, engine):
    p, q, want = case
    got = run(frame([p], [q]), P.kl_div("q", nan_policy="omit"), engine=engine).item()
    assert_same(got, want)


def test_raise_names_the_column_the_row_and_the_entry():
    table = frame([HALF, [("a", 1.0), ("b", None)]], [HALF, HALF])
    with pytest.raises(pl.exceptions.ComputeError, match="column 'p', row 1, element 1 is null or NaN"):
        table.select(P.kl_div("q", nan_policy="raise"))
    with pytest.raises(pl.exceptions.ComputeError, match=r"column q \('q'\), row 0, element 0 is null or NaN"):
        frame([HALF], [[None]]).select(P.kl_div("q", nan_policy="raise"))


def test_rows_that_are_read_in_pieces_have_the_values_of_rows_alone(quantity, engine):
    rng = random.Random(5)  # noqa: S311
    some = [random_row(rng) for _ in range(40)]
    pairs = [(rng.randrange(40), rng.randrange(40)) for _ in range(6_000)]
    # Of 90,000 entries a side, some 65,536 are read at a time.
    table = frame(*([some[pair[side]] for pair in pairs] for side in (0, 1)))
    got = run(table, quantity.value(P), engine=engine)["p"]
    each = sorted(set(pairs))
    want = frame(*([some[pair[side]] for pair in each] for side in (0, 1))).select(quantity.value(P))["p"]
    want = dict(zip(each, want, strict=True))
    for row, (pair, value) in enumerate(zip(pairs, got, strict=True)):
        assert_same(value, want[pair], what=row)
    for row in (0, 1, 2_999, 5_998, 5_999):
        assert_same(got[row], table[row : row + 1].select(quantity.value(P)).item())


def test_an_error_in_a_later_piece_names_its_row():
    rows = [[(key, 1.0) for key in KEYS]] * 1_999
    table = frame([*rows, [("a", 1.0), ("b", None)]], [*rows, HALF])
    with pytest.raises(pl.exceptions.ComputeError, match="column 'p', row 1999, element 1 is null or NaN"):
        table.select(P.kl_div("q", nan_policy="raise"))


def test_a_pseudo_count_is_checked_when_the_expression_is_built(pair):
    for wrong in (-0.5, NAN, INF, 10**400):
        with pytest.raises(ValueError, match="`pseudo_count` must be finite and not negative"):
            pair.value(P, pseudo_count=wrong)
    for wrong in ("1", None, True):
        with pytest.raises(TypeError, match="`pseudo_count` must be a number"):
            pair.value(P, pseudo_count=wrong)
    with pytest.raises(TypeError):
        P.entropy(pseudo_count=1)
    with pytest.raises(ValueError, match="must be"):
        pair.value(P, base=1)


# One q for all.


def test_ways_to_give_one_q(pair, engine):
    q = {"b": 1.0, "c": 2.0, "a": 3.0}
    rows = [HALF, [("a", 3.0), ("c", 1.0)], [("b", 1.0)]]
    table = frame(rows, [q] * 3)
    how = {"pseudo_count": 0.5}
    want = run(table, pair.value(P, **how), engine=engine).to_series().to_list()
    one_row = column([q], "")
    for given_q in (q, one_row, pl.lit(one_row), pl.col("q").first(), pl.lit(one_row).first()):
        got = run(table, pair.value(P, given_q, **how), engine=engine).to_series().to_list()
        assert got == want
    groups = table.with_columns(g=pl.Series([1, 1, 2])).lazy().group_by("g", maintain_order=True)
    agg = collect(groups.agg(pair.value(P, q, **how)), engine)["p"].explode().to_list()
    assert agg == want


def test_one_p_goes_with_many_q(pair):
    rows = [HALF, [("a", 3.0), ("c", 1.0)], [("b", 1.0)]]
    table = frame([HALF] * 3, rows)
    want = table.select(pair.value(P, pseudo_count=1)).to_series().to_list()
    one = pl.lit(column([HALF], "p")).first().alias("p").info.map
    assert table.select(pair.value(one, pseudo_count=1)).to_series().to_list() == want


def test_dicts_of_any_keys():
    day = dt.date(2020, 1, 1)
    for keys, dtype in (
        (["a", None], pl.String),
        ([1, 2], pl.Int64),
        ([1, 2**100], pl.Int128),
        ([None, -(2**100)], pl.Int128),
        ([1.5, NAN], pl.Float64),
        ([True, False], pl.Boolean),
        ([day, None], pl.Date),
    ):
        p = column([list(zip(keys, [1.0, 3.0], strict=True))], key=dtype).to_frame()
        assert p.select(P.kl_div(dict(zip(keys, [2, 6], strict=True)))).item() == 0.0
        assert p.select(P.kl_div({keys[1]: 5.0}, pseudo_count=1)).item() > 0.0
    assert p.select(P.kl_div({})).dtypes == [pl.Float64]
    # Whichever comes first.
    numbers = column([[(1, 1.0), (2.5, 0.5)]], key=pl.Float64).to_frame()
    for q in ({1: 1, 2.5: 0.5}, {2.5: 0.5, 1: 1}):
        assert numbers.select(P.kl_div(q)).item() == 0.0
    with pytest.raises(TypeError, match="q must hold numbers"):
        P.kl_div({"a": "b"})
    with pytest.raises(TypeError, match="keys of q must be of one type"):
        P.kl_div({"a": 1, 2: 1})
    with pytest.raises(TypeError, match="q must be a column name, an expression, a Series or a dict"):
        P.kl_div([1, 2])


def test_a_series_has_the_same_methods():
    p, q = column([HALF, HALF]), column([HALF, [("a", 1.0)]], "q")
    assert p.info.map.js_div(q).to_list()[0] == 0.0
    assert p.info.map.kl_div({"a": 1, "b": 1}).to_list() == [0.0, 0.0]
    with pytest.raises(TypeError, match="a Series has no columns"):
        p.info.map.kl_div("q")


# Keys.


def odd_keys() -> dict[str, pl.Series]:
    """Keys of which the first is equal to the third, and not to the second."""
    day = dt.date(2020, 1, 1)
    return {
        "Int8": pl.Series([1, -1, 1], dtype=pl.Int8),
        "UInt64": pl.Series([2**64 - 1, 0, 2**64 - 1], dtype=pl.UInt64),
        "Float64": pl.Series([0.0, 1.0, -0.0]),
        "NaN": pl.Series([NAN, 1.0, -NAN]),
        "null": pl.Series([None, 0, None], dtype=pl.Int64),
        "Boolean": pl.Series([True, False, True]),
        "String": pl.Series(["a", "b", "a"]),
        "Binary": pl.Series([b"a", b"b", b"a"]),
        "Date": pl.Series([day, dt.date(2021, 1, 1), day]),
        "Categorical": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
        "Enum": pl.Series(["a", "b", "a"], dtype=pl.Enum(["b", "a"])),
        "Decimal": pl.Series(["1.50", "1.00", "1.5"]).cast(pl.Decimal(20, 2)),
        "Int128": pl.Series([2**100, 1, 2**100], dtype=pl.Int128),
        "Struct": pl.Series([{"a": 1, "b": None}, {"a": None, "b": 1}, {"a": 1, "b": None}]),
        "List": pl.Series([[1], [1, 1], [1]]),
    }


@pytest.mark.parametrize("name", odd_keys())
def test_keys_are_equal_where_a_group_by_takes_them_for_equal(name, engine):
    key = odd_keys()[name].alias("key")
    entries = pl.DataFrame([key, pl.Series("n", [1, 2, 3])])
    assert len(entries.group_by("key").len()) == 2
    table = entries.select(p=pl.struct("key", "n").implode(), q=pl.struct(pl.col("key").reverse(), "n").implode())
    got = run(table, P.entropy(base=2), P.kl_div("q").alias("d"), engine=engine).row(0)
    assert_same(got[0], scipy.stats.entropy([4, 2], base=2), rel=1e-15)
    assert got[1] == 0.0


SUPERTYPES = [
    (pl.Int32, pl.Int64, [1, 2], [2, 1]),
    (pl.Int64, pl.UInt64, [1, 2], [2, 1]),
    (pl.Int64, pl.Float64, [1, 2], [2.0, 1.0]),
    (pl.Float32, pl.Float64, [1.0, 2.0], [2.0, 1.0]),
    (pl.String, pl.Categorical, ["a", "b"], ["b", "a"]),
    (pl.Categorical, pl.Enum(["a", "b"]), ["a", "b"], ["b", "a"]),
    (pl.Null, pl.String, [None, None], [None, None]),
    (pl.Decimal(10, 2), pl.Int64, [1, 2], [2, 1]),
    (pl.List(pl.Enum(["a", "b"])), pl.List(pl.Enum(["b", "a"])), [["a"], ["b"]], [["b"], ["a"]]),
    (pl.List(pl.Int64), pl.List(pl.UInt64), [[2**53], [2**53 + 1]], [[2**53 + 1], [2**53]]),
    (pl.Struct({"a": pl.Int64}), pl.Struct({"a": pl.UInt64}), [{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}]),
]


def test_large_integers_are_not_compared_as_floats():
    left = column([[(2**53, 1.0), (2**53 + 1, 3.0)]], "p", key=pl.Int64)
    for key in (pl.UInt64, pl.Int128):
        right = column([[(2**53 + 1, 3.0), (2**53, 1.0)]], "q", key=key)
        assert pl.DataFrame([left, right]).select(P.kl_div("q")).item() == 0.0
    unsigned = column([[(2**53, 1.0), (2**53 + 1, 3.0)]], "p", key=pl.UInt64)
    assert unsigned.to_frame().select(P.kl_div({2**53: 1, 2**53 + 1: 3})).item() == 0.0


@pytest.mark.parametrize(("p", "q", "of_p", "of_q"), SUPERTYPES, ids=str)
def test_keys_of_two_dtypes_are_compared_in_their_supertype(p, q, of_p, of_q, engine):
    weights = [1.0, 3.0]
    left = column([list(zip(of_p, weights, strict=True))], "p", key=p)
    right = column([list(zip(of_q, weights[::-1], strict=True))], "q", key=q)
    assert run(pl.DataFrame([left, right]), P.kl_div("q"), engine=engine).item() == 0.0


APART = [
    (pl.Int64, pl.String),
    (pl.String, pl.Date),
    (pl.Int64, pl.Date),
    (pl.Int64, pl.Boolean),
    (pl.List(pl.Int64), pl.List(pl.String)),
    (pl.Struct({"a": pl.Int64}), pl.Struct({"a": pl.String})),
    (pl.Struct({"a": pl.Int64}), pl.Struct({"b": pl.Int64})),
    (pl.List(pl.Struct({"a": pl.Int64})), pl.List(pl.Struct({"a": pl.Date}))),
    (pl.Datetime("ns"), pl.Datetime("us")),
    (pl.Date, pl.Datetime("us")),
    (pl.Datetime("us"), pl.Duration("us")),
    (pl.Decimal(10, 2), pl.Float64),
]


@pytest.mark.parametrize(("p", "q"), APART)
def test_keys_that_cannot_be_compared_are_refused(p, q):
    table = pl.DataFrame([column([[]], "p", key=p), column([[]], "q", key=q)])
    with pytest.raises(
        pl.exceptions.ComputeError, match=r"the keys of p \('p'\) are .* and those of q \('q'\) are .*: cast one"
    ):
        table.lazy().select(P.kl_div("q")).collect_schema()


# Dtypes and plans.


def test_weights_have_the_dtypes_of_other_weights(engine):
    for dtype, out in (
        (pl.Int8, pl.Float64),
        (pl.UInt64, pl.Float64),
        (pl.Boolean, pl.Float64),
        (pl.Float32, pl.Float32),
        (pl.Float64, pl.Float64),
        (pl.Decimal(10, 2), pl.Float64),
    ):
        table = column([[("a", 1), ("b", 1)]], weight=dtype).to_frame()
        got = run(table, P.entropy(), P.js_div("p").alias("js"), engine=engine)
        assert got.dtypes == [out, out]
        assert_same(got["p"].item(), LN_2, rel=1e-7 if out == pl.Float32 else 1e-15)
        for data in (table.clear(), pl.concat([table] * 3, rechunk=False)):
            assert run(data, P.entropy(), engine=engine).dtypes == [out]


def test_a_column_of_nothing_but_nulls(engine):
    nulls = pl.DataFrame({"p": [None, None], "q": column([HALF, HALF], "q"), "e": [[], [None]]})
    assert run(nulls, P.entropy(), P.kl_div("q").alias("d"), engine=engine).rows() == [(None, None)] * 2
    empty = run(
        nulls, pl.col("e").info.map.entropy(), pl.col("e").info.map.entropy(nan_policy="omit").alias("o"), engine=engine
    )
    assert empty.rows() == [(0.0, 0.0), (None, 0.0)]


def test_arrow_maps(engine):
    maps = pa.array([[("a", 1), ("b", 1)], [("a", 3)], []], pa.map_(pa.string(), pa.int64()))
    table = pl.DataFrame({"p": pl.from_arrow(maps)})
    got = run(table, P.entropy(base=2), P.kl_div({"a": 1, "b": 1}, base=2).alias("d"), engine=engine)
    assert got.rows()[:2] == [(1.0, 0.0), (0.0, 1.0)]
    assert got["p"][2] == 0.0
    assert math.isnan(got["d"][2])


WRONG = [
    ("x", r"`info\.map\.entropy` takes a Map.*gather its rows first"),
    ("f", r"write `implode\(\)\.info\.map\.entropy`"),
    ("l", r"write `info\.list\.entropy`"),
    ("s", r"make structs of two fields"),
    ("t", "make structs of two fields"),
    ("w", r"its second field, the weight, is str; cast it to numbers"),
]


@pytest.mark.parametrize(("name", "message"), WRONG)
def test_the_wrong_column_is_refused_when_the_plan_is_resolved(name, message):
    table = pl.DataFrame({"x": [1.0], "l": [[1.0]], "s": [["a"]], "t": [[{"a": 1}]], "w": [[{"a": 1, "b": "x"}]]})
    table = table.with_columns(f=pl.struct("x", "l"))
    with pytest.raises(pl.exceptions.ComputeError, match=message):
        table.lazy().select(pl.col(name).info.map.entropy()).collect_schema()


def test_a_map_in_the_accessor_of_lists_is_told_where_to_go(quantity):
    table = frame([HALF], [HALF])
    with pytest.raises(pl.exceptions.ComputeError, match=rf"write `info\.map\.{quantity}`"):
        table.lazy().select(quantity.value(pl.col("p").info.list)).collect_schema()


def test_rows_stream(quantity, tmp_path):
    frame([HALF], [HALF]).write_parquet(tmp_path / "maps.parquet")
    scan = pl.scan_parquet(tmp_path / "maps.parquet")
    assert fallbacks(scan.select(quantity.value(P))) == []
    assert fallbacks(scan.select(quantity.value(P, {"a": 1}))) == []


ODD = """
import sys
import polars as pl
import polars_entropy
sys.path.insert(0, "tests")
from test_maps import odd_keys
from test_values import odd_columns

class Extension(getattr(pl, "BaseExtension", object)):
    def __init__(self):
        super().__init__("polars_entropy.test", pl.Float64, None)

columns = {**odd_columns(), "width 0": pl.Series([[], []], dtype=pl.Array(pl.Float64, 0))}
if hasattr(pl, "BaseExtension"):
    columns["Extension"] = pl.Series([1.0, 2.0]).ext.to(Extension())
p = pl.col("p").info.map
for name, column in columns.items():
    entries = pl.DataFrame([column.alias("key")]).with_columns(n=pl.lit(1.0))
    shapes = {
        "keys": pl.struct("key", "n").implode(),
        "weights": pl.struct("n", "key").implode(),
        "lists": pl.col("key").implode(),
        "flat": pl.col("key"),
    }
    for shape, expr in shapes.items():
        table = entries.lazy().select(p=expr)
        for value in (p.entropy(), p.psi("p"), p.js_div({"a": 1}), p.kl_div({1: 1})):
            for how in ("schema", "in-memory", "streaming"):
                query = table.select(value)
                try:
                    query.collect_schema() if how == "schema" else query.collect(engine=how)
                except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
                    assert "panicked" not in str(error), (name, shape, error)
print("survived")
"""


def test_odd_dtypes_never_end_the_interpreter():
    result = subprocess.run([sys.executable, "-c", ODD], capture_output=True, text=True, check=False)
    assert result.stdout == "survived\n", result.stderr


# The way to them.


def test_two_group_bys_and_a_join_are_a_drift_by_group():
    """With null bins, and with bins that one side lacks."""
    now = pl.DataFrame(
        {"store": ["x"] * 3 + ["y"] * 2, "bin": ["low", None, "mid", "low", "high"], "n": [4, 2, 1, 3, 1]}
    )
    before = pl.DataFrame({"store": ["x"] * 2 + ["y"] * 2, "bin": [None, "low", "low", "mid"], "n": [3, 3, 5, 5]})
    maps = [
        part.group_by("store").agg(pl.struct("bin", "n").alias(name))
        for part, name in ((now, "now"), (before, "before"))
    ]
    for engine in ENGINES:
        query = maps[0].lazy().join(maps[1].lazy(), on="store")
        got = collect(query.select("store", psi=pl.col("now").info.map.psi("before", pseudo_count=0.5)), engine)
        psi = next(quantity for quantity in QUANTITIES if quantity.name == "psi")
        want = {
            "x": exact(psi, {"low": 4, None: 2, "mid": 1}, {None: 3, "low": 3}, 0.5),
            "y": exact(psi, {"low": 3, "high": 1}, {"low": 5, "mid": 5}, 0.5),
        }
        for store, value in got.rows():
            assert_same(value, want[store], rel=1e-15)
