"""Arrow arrays of maps, and of lists of keys and weights: the values of `info.map` in any layout; hostile keys."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import polars_entropy.arrow as pea
from compare import assert_same, bits
from contract import INF, NAN, POLICIES
from polars_entropy.arrow import map as maps
from quantities import QUANTITIES
from test_arrow import to_list
from test_maps import HALF, LN_2, RULES, aligned, column

Row = "list[tuple[Any, Any] | None] | None"


def of(quantity, p, q, **how):
    """The quantity's function of maps."""
    return quantity.of_inputs(getattr(maps, quantity.name), p, q, **how)


def smoothed(quantity, count):
    return {"pseudo_count": count} if quantity.pair else {}


# Layouts.


def entries(rows: list[Any], key: Any, weight: Any) -> tuple[pa.StructArray, list[int], pa.Array]:
    """Keys and weights of all rows, with junk between them, at both ends, and behind null entries and rows."""
    junk = (rows_of_junk(rows) or [None])[0]
    flat, offsets, is_null = [junk] if junk else [], [], []
    for row in rows:
        offsets.append(len(flat))
        flat += [junk] if row is None and junk else row or []
        is_null.append(row is None)
    offsets.append(len(flat))
    flat += [junk] if junk else []
    keys, weights = (pa.array([None if e is None else e[side] for e in flat], t) for side, t in ((0, key), (1, weight)))
    structs = pa.StructArray.from_arrays(
        [keys, weights], ["key", "n"], mask=pa.array([e is None for e in flat], pa.bool_())
    )
    return structs, offsets, pa.array(is_null, pa.bool_())


def rows_of_junk(rows: list[Any]) -> list[Any]:
    """An entry with a key that there is, and a weight that nobody may see."""
    return [(entry[0], -7) for row in rows if row for entry in row if entry is not None and entry[0] is not None]


def list_of(kind, index):
    def build(rows, key, weight):
        structs, offsets, is_null = entries(rows, key, weight)
        return kind.from_arrays(pa.array(offsets, index), structs, mask=is_null)

    return build


def view_of(kind, index):
    def build(rows, key, weight):
        structs, offsets, is_null = entries(rows, key, weight)
        sizes = [b - a for a, b in itertools.pairwise(offsets)]
        # Back to front.
        order = list(range(len(rows)))[::-1]
        starts, sizes = (pa.array([side[i] for i in order], index) for side in (offsets, sizes))
        back = kind.from_arrays(starts, sizes, structs, mask=pa.array([is_null[i].as_py() for i in order], pa.bool_()))
        return back.take(pa.array(order)) if rows else back

    return build


def a_map(rows, key, weight):
    structs, offsets, is_null = entries(rows, key, weight)
    keys, weights = structs.flatten()
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, weights, mask=is_null)


def sliced(rows, key, weight):
    around = [[], None, rows_of_junk(rows)[:1]]
    return list_of(pa.ListArray, pa.int32())([*around, *rows, *around], key, weight).slice(len(around), len(rows))


def chunked(rows, key, weight):
    build = list_of(pa.LargeListArray, pa.int64())
    return pa.chunked_array([build(part, key, weight) for part in (rows[:1], [], rows[1:5], rows[5:])])


KINDS = {
    "list": list_of(pa.ListArray, pa.int32()),
    "large list": list_of(pa.LargeListArray, pa.int64()),
    "list view": view_of(pa.ListViewArray, pa.int32()),
    "large list view": view_of(pa.LargeListViewArray, pa.int64()),
    "map": a_map,
    "sliced": sliced,
    "chunked": chunked,
}

DAY, NOON = dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 12)  # noqa: DTZ001
HOUR = dt.timedelta(hours=1)
LONG = "a text of more than twelve bytes, "
KEYS = {
    **{
        str(t): (t, [0, 1, 2, 100, 7])
        for t in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16(), pa.uint32())
    },
    "int64": (pa.int64(), [2**53, 2**53 + 1, -1, 0, -(2**63)]),
    "uint64": (pa.uint64(), [2**53, 2**53 + 1, 2**64 - 1, 0, 2**63]),
    "float32": (pa.float32(), [0.0, -0.0, NAN, 1.5, INF]),
    "float64": (pa.float64(), [0.0, -0.0, NAN, 1.5, -INF]),
    "bool": (pa.bool_(), [True, False]),
    "date32": (pa.date32(), [DAY + i * dt.timedelta(days=1) for i in range(5)]),
    "time64": (pa.time64("ns"), [dt.time(i) for i in range(5)]),
    "timestamp": (pa.timestamp("us"), [NOON + i * HOUR for i in range(5)]),
    "timestamp with a zone": (pa.timestamp("ms", "Europe/Paris"), [NOON + i * HOUR for i in range(5)]),
    "duration": (pa.duration("ms"), [i * HOUR for i in range(5)]),
    "decimal": (pa.decimal128(12, 2), [Decimal("1.5"), Decimal("-1.5"), Decimal(0), Decimal("1e9"), Decimal(1)]),
    "string": (pa.string(), ["", "a", "äöü", LONG, LONG + "another"]),
    "large string": (pa.large_string(), ["", "a", "\0", LONG, LONG + "another"]),
    "string view": (pa.string_view(), ["", "a", "\0", LONG, LONG + "another"]),
    "binary": (pa.binary(), [b"", b"a", b"\xff\x00", LONG.encode(), b"\xff" * 13]),
    "large binary": (pa.large_binary(), [b"", b"a", b"\xff\x00", LONG.encode(), b"\xff" * 13]),
    "binary view": (pa.binary_view(), [b"", b"a", b"\xff\x00", LONG.encode(), b"\xff" * 13]),
    "binary of a width": (pa.binary(2), [b"ab", b"cd", b"\xff\x00"]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["", "a", "b", LONG]),
    "dictionary, large": (pa.dictionary(pa.uint32(), pa.large_string()), ["", "a", "b", LONG]),
    "null": (pa.null(), [None]),
}


def random_rows(keys, rng, *, plain):
    """Rows with everything in them: keys that occur several times, nulls, zeros."""

    def entry():
        if not plain and rng.random() < 0.02:
            return None
        weight = None if rng.random() < 0.02 else rng.choice([0.0, 1.0, rng.random(), 3.0])
        return (None if not plain and rng.random() < 0.1 else rng.choice(keys), weight)

    return [None if rng.random() < 0.1 else [entry() for _ in range(rng.choice([0, 1, 2, 5, 20]))] for _ in range(80)]


def in_polars(rows, key):
    """The same in Polars."""
    if pl.__version__.startswith("1."):
        pytest.skip("Polars 1 panics at structs of most types in lists from Arrow")
    return pl.Series("p", pl.from_arrow(KINDS["large list"](rows, key, pa.float64())))


# The values.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", KEYS)
def test_rows_have_the_bits_of_polars(name, kind):
    (key, keys), rng = KEYS[name], random.Random(f"{name} {kind}")  # noqa: S311
    plain = kind == "map"
    if plain and name == "null":
        pytest.skip("keys of maps are not null")
    rows, others = (random_rows(keys, rng, plain=plain) for _ in range(2))
    p, q = (KINDS[kind](side, key, pa.float64()) for side in (rows, others))
    left, right = (in_polars(side, key) for side in (rows, others))
    for quantity, policy in itertools.product(QUANTITIES, POLICIES):
        how = {"nan_policy": policy, "base": 2, **smoothed(quantity, 0.5)}
        got = to_list(of(quantity, p, q, **how))
        assert bits(got) == bits(quantity.value(left.info.map, right, **how)), (quantity.name, policy)
        if policy == "omit":
            assert any(value is not None and 0 < value < INF for value in got) or len(keys) == 1, quantity.name


@pytest.mark.parametrize("kind", ["list", "map", "string view"])
def test_many_rows_of_few_keys_have_them_too(pair, kind):
    # From some thousand entries on, the kernel has another way.
    rng = random.Random(3)  # noqa: S311
    rows = [[(f"key {rng.randrange(50)}", rng.random()) for _ in range(30)] for _ in range(200)]
    key = pa.string_view() if kind == "string view" else pa.string()
    p = KINDS["list" if kind == "string view" else kind](rows, key, pa.float64())
    series = in_polars(rows, key)
    got = to_list(of(pair, p, p.slice(7, 1), pseudo_count=1))
    assert bits(got) == bits(pair.value(series.info.map, series[7:8], pseudo_count=1))
    weights = aligned(rows[0], rows[7], 1)
    assert_same(got[0], float(pair.exact(*weights)), rel=4e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_rule_that_applies_decides(kind):
    if kind == "map":
        pytest.skip("maps have neither null entries nor null keys")
    p, q = (KINDS[kind]([case[side] for case in RULES], pa.string(), pa.float64()) for side in (0, 1))
    values = zip(to_list(maps.kl_div(p, q)), to_list(maps.js_div(p, q)), strict=True)
    for (of_p, of_q, *want), row in zip(RULES, values, strict=True):
        for value, expected in zip(row, want, strict=True):
            if expected is not None or None in (of_p, of_q) or value is None:
                assert_same(value, expected, rel=1e-15, what=(of_p, of_q))


def test_raise_names_the_row_and_the_entry():
    rows = [HALF, None, [("a", 1.0), ("b", None)]]
    p, q = (KINDS["list"](side, pa.string(), pa.float64()) for side in (rows, [HALF] * 3))
    with pytest.raises(ValueError, match="contains nan values: p, row 2, element 1 is null or NaN"):
        maps.entropy(p, nan_policy="raise")
    with pytest.raises(ValueError, match="contains nan values: q, row 2, element 1"):
        maps.psi(q, pa.chunked_array([p.slice(0, 2), p.slice(2)]), nan_policy="raise")


ONES = {
    pa.int8(): 1, pa.uint64(): 1, pa.float16(): np.float16(1), pa.float32(): 1.0, pa.bool_(): True,
    pa.decimal128(10, 2): Decimal(1), pa.null(): None,
}  # fmt: skip


@pytest.mark.parametrize("weight", ONES, ids=str)
def test_weights_are_any_numbers(quantity, weight):
    keys, weights = pa.array(["a", "b", "a"]), pa.array([ONES[weight]] * 3, weight)
    structs = pa.StructArray.from_arrays([keys, weights], ["k", "n"])
    p = pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), structs)
    got = of(quantity, p, p)
    single = weight in {pa.float16(), pa.float32()}
    assert pa.array(got).type == (pa.float32() if single else pa.float64())
    if weight == pa.null():
        assert to_list(got) == [None, None]
    else:
        same = KINDS["list"]([HALF, HALF[:1]], pa.string(), pa.float64())
        assert to_list(got) == pytest.approx(to_list(of(quantity, same, same)), rel=1e-7)


def test_nested_lists_are_reduced_at_their_innermost_level(quantity):
    inner = KINDS["list"]([HALF, [("a", 1.0)], HALF], pa.string(), pa.float64())
    outer = pa.ListArray.from_arrays(pa.array([0, 2, 2, 3], pa.int32()), inner)
    flat = to_list(of(quantity, inner, inner))
    assert to_list(of(quantity, outer, outer)) == [flat[:2], [], flat[2:]]
    if quantity.pair:
        assert to_list(of(quantity, outer, inner.slice(0, 1), pseudo_count=1))[2] == [flat[2]]
        with pytest.raises(TypeError, match="q has 2 levels of lists and p 1"):
            of(quantity, inner, outer)


def test_entries_without_a_type_are_missing(quantity):
    p = pa.array([[], [None], None], pa.list_(pa.null()))
    q = KINDS["list"]([[]] * 3, pa.string(), pa.float64())
    assert to_list(of(quantity, p, q)) == [0.0, None, None]
    assert to_list(of(quantity, p, q, nan_policy="omit")) == [0.0, 0.0, None]


# One q, and chunks.


def test_ways_to_give_one_q(pair):
    q = {"b": 1.0, "c": 2.0, "a": 3.0}
    p = KINDS["chunked"]([HALF, [("a", 3.0), ("c", 1.0)], [("b", 1.0)], None], pa.string(), pa.float64())
    rows = KINDS["list"]([[*q.items()]] * 4, pa.large_string(), pa.float64())
    want = to_list(of(pair, p, rows, pseudo_count=0.5))
    pairs = [*q.items()]
    for one in (q, column([q]), rows.slice(2, 1), pa.array([pairs], pa.map_(pa.string(), pa.float64()))):
        got = of(pair, p, one, pseudo_count=0.5)
        assert to_list(got) == want
        assert [len(chunk) for chunk in got.chunks] == [1, 0, 3, 0]
    # One p, and many of q.
    turned = pa.array(of(pair, rows.slice(0, 1), p, pseudo_count=0.5))
    assert len(turned) == 4
    assert turned[3].as_py() is None


def test_chunks_of_q_may_end_anywhere(pair):
    rng = random.Random(4)  # noqa: S311
    rows, others = ([[(rng.randrange(9), rng.random()) for _ in range(5)] for _ in range(7)] for _ in range(2))
    p, q = (KINDS["list"](side, pa.int64(), pa.float64()) for side in (rows, others))
    want = to_list(of(pair, p, q, pseudo_count=1))
    cut = pa.chunked_array([q.slice(0, 2), q.slice(2, 1), q.slice(3)])
    for left in (p, pa.chunked_array([p.slice(0, 4), p.slice(4)])):
        assert to_list(of(pair, left, cut, pseudo_count=1)) == want
    with pytest.raises(ValueError, match="p has 7 rows and q has 3"):
        of(pair, p, q.slice(0, 3))


def test_dicts_of_any_keys():
    for key, keys in (
        (pa.string(), ["a", None]),
        (pa.int64(), [1, 2]),
        (pa.float64(), [1.5, NAN]),
        (pa.bool_(), [True, False]),
        (pa.date32(), [DAY, None]),
        (pa.timestamp("us"), [NOON, None]),
        (pa.decimal128(12, 2), [Decimal("1.5"), Decimal(2)]),
        (pa.binary(), [b"a", b"\xff"]),
    ):
        p = KINDS["list"]([list(zip(keys, [1.0, 3.0], strict=True))], key, pa.float64())
        assert to_list(maps.kl_div(p, dict(zip(keys, [2, 6], strict=True)))) == [0.0]
        assert to_list(maps.kl_div(p, {keys[0]: 2}))[0] == INF
        assert np.isnan(to_list(maps.kl_div(p, {}))[0])
    with pytest.raises(TypeError, match="q must hold numbers"):
        maps.kl_div(p, {"a": "b"})
    with pytest.raises(TypeError, match="keys of q must be of one type"):
        maps.kl_div(p, {"a": 1, 2: 1})
    for q in ([1.0], "q", None, 1.0):
        with pytest.raises(TypeError, match="q must be Arrow or a dict of keys and weights, not"):
            maps.kl_div(p, q)


def test_other_libraries_have_maps_too():
    rows = [[("a", 1), ("b", 1)], [("a", 3)], []]
    p = pa.array(rows, pa.map_(pa.string(), pa.int64()))
    want = [1.0, 0.0, 0.0]
    assert to_list(maps.entropy(pl.Series(pl.from_arrow(p)), base=2)) == want
    assert to_list(maps.entropy(pa.table({"p": p}), base=2)) == want
    arro3 = pytest.importorskip("arro3.core")
    assert to_list(maps.entropy(arro3.Array(p), base=2)) == want
    nanoarrow = pytest.importorskip("nanoarrow")
    assert to_list(maps.entropy(nanoarrow.Array(p), base=2)) == want
    duckdb = pytest.importorskip("duckdb")
    query = duckdb.sql("select map {'a': 1, 'b': 1} as p union all select map {'a': 3}")
    assert sorted(to_list(maps.entropy(query, base=2))) == [0.0, 1.0]


def test_categories_are_compared_by_their_texts():
    for dtype in (pl.Categorical, pl.Enum(["b", "a"])):
        p = column([HALF, HALF[::-1]], key=dtype)
        assert to_list(maps.kl_div(p, {"b": 2, "a": 2})) == [0.0, 0.0]
        assert to_list(maps.kl_div(KINDS["list"]([HALF] * 2, pa.string(), pa.float64()), p)) == [0.0, 0.0]


# Keys of two types.

TOGETHER = [
    (pa.int8(), pa.int64(), [1, 2]),
    (pa.int64(), pa.uint64(), [2**53, 2**53 + 1]),
    (pa.int64(), pa.uint8(), [1, 2]),
    (pa.int64(), pa.float64(), [1, 2]),
    (pa.float32(), pa.float64(), [1.5, NAN]),
    (pa.decimal128(10, 2), pa.decimal128(12, 4), [Decimal("1.5"), Decimal(2)]),
    (pa.decimal128(10, 2), pa.int64(), [Decimal(1), Decimal(2)]),
    (pa.decimal32(9, 2), pa.decimal256(40, 4), [Decimal(1), Decimal(2)]),
    (pa.string(), pa.string_view(), ["a", LONG]),
    (pa.large_string(), pa.dictionary(pa.int16(), pa.string()), ["a", LONG]),
    (pa.binary(), pa.binary_view(), [b"a", LONG.encode()]),
    (pa.null(), pa.string(), [None]),
]


@pytest.mark.parametrize(("one", "other", "keys"), TOGETHER, ids=str)
def test_keys_of_two_types_are_equal_where_one_holds_both(one, other, keys):
    def row(key, order):
        ints = pa.types.is_integer(key)
        return KINDS["list"]([[(int(k) if ints else k, n) for k, n in order]], key, pa.float64())

    weighed = list(zip(keys, [1.0, 3.0], strict=False))
    for p, q in ((one, other), (other, one)):
        assert to_list(maps.kl_div(row(p, weighed), row(q, weighed[::-1]))) == [0.0]
        if len(keys) > 1:
            assert to_list(maps.kl_div(row(p, weighed), row(q, weighed[:1]))) == [INF]


APART = [
    (pa.int64(), pa.string()),
    (pa.string(), pa.binary()),
    (pa.string(), pa.date32()),
    (pa.int64(), pa.date32()),
    (pa.int64(), pa.bool_()),
    (pa.timestamp("ns"), pa.timestamp("us")),
    (pa.timestamp("us"), pa.timestamp("us", "UTC")),
    (pa.date32(), pa.timestamp("us")),
    (pa.timestamp("us"), pa.duration("us")),
    (pa.decimal128(10, 2), pa.float64()),
]


@pytest.mark.parametrize(("one", "other"), APART, ids=str)
def test_keys_that_cannot_be_compared_are_refused(pair, one, other):
    for p, q in ((one, other), (other, one)):
        left, right = (KINDS["list"]([[]], key, pa.float64()) for key in (p, q))
        with pytest.raises(TypeError, match=r"the keys of p are .* and those of q are .*: cast one of them"):
            of(pair, left, right)


# What is refused.

KEYED = pa.struct({"a": pa.string(), "b": pa.int64()})
WRONG = [
    (pa.array([1.0]), "p is Float64, and not an array of maps, or of lists of structs of a key and a weight"),
    (pa.array([[1.0]]), "its lists have no keys; they are for the functions outside of `map`"),
    (pa.array([["a"]]), "make lists of structs of two fields"),
    (pa.array([[{"a": 1}]]), "make lists of structs of two fields"),
    (pa.array([{"a": "k", "b": 1}]), "put the rows of a distribution into a list"),
    (pa.array([[{"a": 1, "b": "x"}]]), "its second field, the weight, is Utf8; cast it to numbers"),
    (pa.array([[{"a": [1], "b": 1}]]), r"keys of List\(Int64\) are not taken"),
    (pa.array([[{"a": {"x": 1}, "b": 1}]]), r"of format .\+s. with structs in it, which is neither numbers"),
    (
        pa.array([[(pa.MonthDayNano([1, 2, 3]), 1)]], pa.map_(pa.month_day_nano_interval(), pa.int8())),
        "keys of Interval",
    ),
    (pa.array([[{"a": "k", "b": 1}]], pa.list_(KEYED, 1)), r"of format .\+w:1. with structs in it"),
    (pa.nulls(2), "p is Null"),
    ({"a": 1}, "p must speak the Arrow PyCapsule interface.*dict has neither"),
]


@pytest.mark.parametrize(("p", "message"), WRONG)
def test_what_is_no_map_is_refused(quantity, p, message):
    with pytest.raises(TypeError, match=message):
        of(quantity, p, {"a": 1})


def test_run_ends_are_refused():
    keys = pa.RunEndEncodedArray.from_arrays([2], ["a"])
    structs = pa.StructArray.from_arrays([keys, pa.array([1.0, 2.0])], ["k", "n"])
    with pytest.raises(TypeError, match=r"of format .*which is neither numbers nor lists of them, nor keys"):
        maps.entropy(pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), structs))


def test_arguments_are_checked(pair):
    p = KINDS["map"]([HALF], pa.string(), pa.float64())
    for wrong in (-0.5, NAN, INF, 10**400):
        with pytest.raises(ValueError, match="`pseudo_count` must be finite and not negative"):
            of(pair, p, p, pseudo_count=wrong)
    for wrong in ("1", None, True):
        with pytest.raises(TypeError, match="`pseudo_count` must be a number"):
            of(pair, p, p, pseudo_count=wrong)
    with pytest.raises(ValueError, match="`base` must be"):
        of(pair, p, p, base=1)
    with pytest.raises(ValueError, match="`nan_policy` must be one of"):
        of(pair, p, p, nan_policy="drop")
    with pytest.raises(TypeError, match="pseudo_count"):
        maps.entropy(p, pseudo_count=1)


# Hostile memory. `tests` in Rust and the fuzzer have the rest.


def lying(key, honest, lies, *others):
    """A list of one row whose keys have these numbers in their first buffer. PyArrow looks at them when it makes the
    array, so they change afterwards."""
    memory = np.array(honest)
    keys = pa.Array.from_buffers(key, 3, [None, pa.py_buffer(memory), *others])
    structs = pa.StructArray.from_arrays([keys, pa.array([1.0, 1.0, 1.0])], ["key", "n"])
    array = pa.ListArray.from_arrays(pa.array([0, 3], pa.int32()), structs)
    memory[:] = lies
    return array


BYTES = pa.py_buffer(b"some text of more than twelve bytes")


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ((0, 3, 2, 4), "p is not a valid array: its key 1 does not lie within its bytes"),
        ((0, 9, 4, 4), "its key 0 does not lie within its bytes"),
        ((-1, 3, 4, 4), "its key 0 does not lie within its bytes"),
        ((0, 1, -(2**31), 4), "its key 1 does not lie within its bytes"),
        ((0, 1, 2, -1), "texts that end at -1 are not possible"),
        ((0, 1, 2, -(2**31)), "texts that end at -2147483648 are not possible"),
    ],
)
def test_texts_that_do_not_lie_within_their_bytes_are_an_error(dtype, offsets, message):
    for key in (pa.string(), pa.binary()) if dtype == np.int32 else (pa.large_string(), pa.large_binary()):
        p = lying(key, np.zeros(4, dtype), np.array(offsets, dtype), BYTES)
        with pytest.raises(ValueError, match=message):
            maps.entropy(p)
        q = pa.chunked_array([p])
        with pytest.raises(ValueError, match=message.replace("p is not", "q is not")):
            maps.js_div(KINDS["list"]([[]], key, pa.float64()), q)


def view(length, buffer, offset):
    return np.array([length, 0, buffer, offset], np.uint32)


@pytest.mark.parametrize(
    "lie", [(13, 0, 30), (13, 1, 0), (2**32 - 1, 0, 0), (14, 0, 2**32 - 1), (13, 2**32 - 1, 0)], ids=str
)
def test_views_that_do_not_lie_within_their_buffers_are_an_error(lie):
    for key in (pa.string_view(), pa.binary_view()):
        honest = np.concatenate([view(0, 0, 0)] * 3)
        p = lying(key, honest, np.concatenate([view(0, 9, 9), view(13, 0, 5), view(*lie)]), BYTES)
        with pytest.raises(ValueError, match="its key 2 does not lie within its bytes"):
            maps.entropy(p)


@pytest.mark.parametrize(("values", "behind"), [(["a", "b"], 2), (["a", "b", "c", "d"], 4)], ids=["short", "long"])
@pytest.mark.parametrize("index", ["behind", -1, 127, -128])
def test_indices_that_do_not_lie_within_their_dictionary_are_an_error(index, values, behind):
    memory = np.zeros(3, np.int8)
    indices = pa.Array.from_buffers(pa.int8(), 3, [None, pa.py_buffer(memory)])
    keys = pa.DictionaryArray.from_arrays(indices, pa.array(values))
    structs = pa.StructArray.from_arrays([keys, pa.array([1.0, 1.0, 1.0])], ["key", "n"])
    p = pa.ListArray.from_arrays(pa.array([0, 3], pa.int32()), structs)
    assert to_list(maps.entropy(p)) == [0.0]
    memory[2] = behind if index == "behind" else index
    with pytest.raises(ValueError, match=r"its key 2 does not lie within its bytes, or within its dictionary"):
        maps.entropy(p)


@pytest.mark.parametrize(
    "text",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()],
    ids=str,
)
@pytest.mark.parametrize("others", [0, 100])
def test_a_dictionary_may_hold_more_than_its_rows(text, others):
    # A null, and a value that is there twice.
    values = ["a", LONG, None, "a", *map(str, range(others))]
    values = pa.array([x if x is None or "binary" not in str(text) else x.encode() for x in values]).cast(text)
    keys = pa.DictionaryArray.from_arrays(pa.array([3, 1, 2, None, 0], pa.int8()), values)
    structs = pa.StructArray.from_arrays([keys, pa.array([1.0, 4.0, 1.0, 1.0, 1.0])], ["key", "n"])
    p = pa.ListArray.from_arrays(pa.array([0, 5], pa.int32()), structs)
    # Both of the key "a", both of null, and the long text.
    assert to_list(maps.entropy(p, base=2)) == [1.5]


def test_texts_need_not_be_text():
    keys = pa.array([b"\xff\xfe", b"\xc3", b"\xff\xfe"]).view(pa.string())
    structs = pa.StructArray.from_arrays([keys, pa.array([1.0, 2.0, 1.0])], ["key", "n"])
    p = pa.ListArray.from_arrays(pa.array([0, 3], pa.int32()), structs)
    assert to_list(maps.entropy(p)) == [LN_2]


ODD = """
import itertools
import numpy as np, pyarrow as pa
from polars_entropy.arrow import map as maps

rng = np.random.default_rng(7)
lies = itertools.cycle([-1, 2**31 - 1, -(2**31), 7, 3, 0, 1, 40])
data = pa.py_buffer(b"some text of more than twelve bytes")
one = pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8()))
for trial in range(900):
    key = [pa.string(), pa.large_string(), pa.string_view()][trial % 3]
    dtype, count = [(np.int32, 5), (np.int64, 5), (np.uint32, 16)][trial % 3]
    memory = np.zeros(count, dtype)
    keys = pa.Array.from_buffers(key, 4, [None, pa.py_buffer(memory), data])
    structs = pa.StructArray.from_arrays([keys, pa.array([1.0] * 4)], ["key", "n"])
    where = np.zeros(3, np.int32)
    p = pa.Array.from_buffers(pa.list_(structs.type), 2, [None, pa.py_buffer(where)], children=[structs])
    # Never more bytes than there are: a producer's word for that is all there is.
    wrapped = (lambda x: x % 2**32) if dtype == np.uint32 else int
    wild = [wrapped(next(lies)) for _ in range(count)]
    memory[:] = rng.integers(0, 20, count) if trial % 2 else wild
    if dtype != np.uint32:
        memory[-1] = min(memory[-1], 35)
    where[:] = np.sort(rng.integers(0, 5, 3)) if trial % 4 else rng.integers(-2, 7, 3)
    for call in (lambda: maps.entropy(p), lambda: maps.kl_div(p, p), lambda: maps.psi(p, one, nan_policy="omit")):
        try:
            assert len(call()) == 2
        except ValueError as error:
            assert "not" in str(error) and "panicked" not in str(error), error
print("survived")
"""


def test_hostile_keys_never_end_the_interpreter():
    result = subprocess.run([sys.executable, "-c", ODD], capture_output=True, text=True, check=False)
    assert result.stdout == "survived\n", result.stderr


@pytest.mark.parametrize("policy", POLICIES)
def test_results_are_arrays_as_others_are(policy):
    p = KINDS["map"]([HALF, HALF], pa.string(), pa.float64())
    got = maps.js_div(p, p, nan_policy=policy)
    assert isinstance(got, pea.Array)
    assert np.asarray(got).tolist() == [0.0, 0.0]
    assert isinstance(maps.entropy(pa.chunked_array([p])), pea.ChunkedArray)
