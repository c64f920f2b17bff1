"""Arrow arrays: the rows of the contract, to the last bit as in Polars; lists, chunks, types, hostile memory."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import threading
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import polars_entropy.arrow as pea
from compare import ROW, assert_same, bits
from contract import LN2, POLICIES
from layouts import JUNK

VALUES = pa.array([1.0, 2.0, 3.0])


def of(quantity, p, q, **how):
    """The quantity's function of Arrow."""
    return quantity.of_inputs(getattr(pea, quantity.name), p, q, **how)


def of_row(quantity, p, q):
    """The value in Polars."""
    return quantity.value(pl.Series([p]).info.list, q).item()


def to_list(result):
    kind = pa.array if isinstance(result, pea.Array) else pa.chunked_array
    return kind(result).to_pylist()


def with_junk(rows):
    """Values, offsets, sizes and what is there, with junk behind null rows and at both ends."""
    values, offsets, sizes = list(JUNK), [], []
    for row in rows:
        offsets.append(len(values))
        values += JUNK if row is None else row
        sizes.append(len(values) - offsets[-1])
    return pa.array(values + JUNK, pa.float64()), offsets, sizes, pa.array([row is None for row in rows], pa.bool_())


def list_array(kind, index):
    def build(rows):
        values, offsets, _, is_null = with_junk(rows)
        return kind.from_arrays(pa.array([*offsets, len(values) - len(JUNK)], index), values, mask=is_null)

    return build


def view_array(kind, index):
    def build(rows):
        # Back to front, which list arrays cannot be.
        values, offsets, sizes, is_null = with_junk(rows[::-1])
        arrays = [pa.array(x[::-1], index) for x in (offsets, sizes)]
        return kind.from_arrays(*arrays, values, mask=pa.array(is_null.to_pylist()[::-1], pa.bool_()))

    return build


def sliced(rows):
    around = [[1.0], None, list(JUNK)]
    return pa.array([*around, *rows, *around], pa.list_(pa.float64())).slice(len(around), len(rows))


def chunked(rows):
    parts = [rows[:1], [], rows[1:5], rows[5:]]
    return pa.chunked_array([KINDS["large list"](part) for part in parts])


KINDS = {
    "list": list_array(pa.ListArray, pa.int32()),
    "large list": list_array(pa.LargeListArray, pa.int64()),
    "list view": view_array(pa.ListViewArray, pa.int32()),
    "large list view": view_array(pa.LargeListViewArray, pa.int64()),
    "sliced": sliced,
    "chunked": chunked,
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


# The contract.


def whole(quantity):
    """The cases without null rows."""
    return [case for case in quantity.cases if None not in case.inputs]


@pytest.mark.parametrize("policy", POLICIES)
def test_rows_have_the_values_of_the_contract_and_the_bits_of_polars(quantity, kind, policy):
    p, q = ([case.inputs[side] for case in quantity.cases] for side in (0, -1))
    got = to_list(of(quantity, kind(p), kind(q), nan_policy=policy))
    for value, case in zip(got, quantity.cases, strict=True):
        assert_same(value, getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)
    p, q = (pl.Series(side, dtype=pl.List(pl.Float64)) for side in (p, q))
    assert bits(got) == bits(quantity.value(p.info.list, q, nan_policy=policy))


def fixed_size(row):
    """The row between others, cut out of a longer array."""
    width = len(row)
    junk = (JUNK * width)[:width]
    rows = [junk, None, row, junk]
    in_polars = pl.Series(rows[1:3], dtype=pl.Array(pl.Float64, width))
    return pa.array(rows, pa.list_(pa.float64(), width)).slice(1, 2), in_polars


@pytest.mark.parametrize("policy", POLICIES)
def test_rows_of_fixed_size_have_them_too(quantity, policy):
    for case in whole(quantity):
        if not case.p:
            continue
        (p, p_in_polars), (q, q_in_polars) = fixed_size(case.p), fixed_size(case.inputs[-1])
        got = to_list(of(quantity, p, q, nan_policy=policy))
        assert got[0] is None
        assert_same(got[1], getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)
        assert bits(got) == bits(quantity.value(p_in_polars.info.arr, q_in_polars, nan_policy=policy))


def test_raise_is_an_error_where_something_is_missing_and_nowhere_else(quantity, kind):
    for case in quantity.cases:
        p, q = kind([[1.0], None, case.p]), kind([None, [1.0], case.inputs[-1]])
        if None not in case.inputs and any(x is None or math.isnan(x) for row in case.inputs for x in row):
            with pytest.raises(ValueError, match=r"contains nan values: [pq], row 2, element"):
                of(quantity, p, q, nan_policy="raise")
        else:
            assert bits(to_list(of(quantity, p, q, nan_policy="raise"))) == bits(to_list(of(quantity, p, q)))


@pytest.mark.parametrize("policy", POLICIES)
def test_numbers_are_one_distribution_in_chunks_or_in_one(quantity, policy):
    for case in whole(quantity):
        p, q = (pa.array([*JUNK, *x], pa.float64()).slice(len(JUNK)) for x in (case.p, case.inputs[-1]))
        p_in_chunks, q_in_chunks = (pa.chunked_array([x[:1], x[1:]]) for x in (p, q))
        for left, right in ((p, q), (p_in_chunks, q), (p, q_in_chunks), (p_in_chunks, q_in_chunks)):
            got = to_list(of(quantity, left, right, nan_policy=policy))[0]
            assert_same(got, getattr(case, policy), rel=ROW, tol=ROW, what=case.rule)


weights = st.none() | st.floats() | st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e308, 2.5])
lists_of_weights = st.lists(st.none() | st.lists(weights, max_size=70), max_size=20)


@given(lists_of_weights, st.sampled_from([None, 2, 0.5]), st.sampled_from(POLICIES), st.sampled_from(sorted(KINDS)))
def test_any_rows_are_those_of_polars_to_the_last_bit(quantity, rows, base, policy, name):
    series = pl.Series(rows, dtype=pl.List(pl.Float64))
    reverse = series.list.reverse()
    got = to_list(of(quantity, KINDS[name](rows), reverse, base=base, nan_policy=policy))
    assert bits(got) == bits(quantity.value(series.info.list, reverse, base=base, nan_policy=policy))


@given(st.lists(weights, max_size=40))
def test_any_elements_are_those_of_polars_to_the_last_bit(x):
    series, y = pl.Series(x, dtype=pl.Float64), pl.Series(x[::-1], dtype=pl.Float64)
    assert bits(to_list(pea.entr(pa.array(x, pa.float64())))) == bits(series.info.entr())
    assert bits(to_list(pea.rel_entr(pa.array(x, pa.float64()), y))) == bits(series.info.rel_entr(y))


# Types.

NUMBERS = [
    *(t() for t in (pa.int8, pa.int16, pa.int32, pa.int64, pa.uint8, pa.uint16, pa.uint32, pa.uint64)),
    *(t() for t in (pa.float16, pa.float32, pa.float64, pa.bool_)),
    pa.decimal128(12, 3),
    pa.decimal32(9, 2),
    pa.decimal64(12, 1),
    pa.decimal256(40, 3),
]


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_every_number_is_that_of_polars_to_the_last_bit(quantity, number):
    if number == pa.float16() and not hasattr(pl, "Float16"):
        pytest.skip("this Polars has no Float16")
    rows = [[True, False, True], [True], None, [False, True, None]]
    if not pa.types.is_boolean(number):
        rows = [row and [x if x is None else int(x) for x in row] for row in rows]
        rows += [[100, 27, 3], [1, 2, 3, 4]]
    if pa.types.is_decimal(number):
        rows = [row and [x if x is None else Decimal(x) / 10 for x in row] for row in rows]
    p = pa.array(rows, pa.large_list(number))
    single = number in {pa.float16(), pa.float32()}
    assert pa.array(of(quantity, p, p)).type == (pa.float32() if single else pa.float64())
    # Polars has no decimals of these widths.
    same = p.cast(pa.large_list(pa.decimal128(38, number.scale))) if pa.types.is_decimal(number) else p
    series = pl.Series(pl.from_arrow(same))
    q = series.list.reverse()
    for policy in POLICIES:
        got = to_list(of(quantity, p, q, nan_policy=policy))
        assert bits(got) == bits(quantity.value(series.info.list, q, nan_policy=policy))


def test_results_are_single_only_if_neither_input_needs_more(pair):
    single, double = pa.array([[1.0, 3.0]], pa.list_(pa.float32())), pa.array([[1.0, 2.0]], pa.list_(pa.float64()))
    assert pa.array(of(pair, single, single)).type == pa.float32()
    assert pa.array(of(pair, single, double)).type == pa.float64()
    assert pa.array(of(pair, double, single)).type == pa.float64()


def test_a_python_number_has_no_precision_of_its_own_and_a_sequence_has(pair):
    flat = pa.array([1.0, 3.0], pa.float32())
    assert pa.array(of(pair, flat, 1)).type == pa.float32()
    assert pa.array(pea.rel_entr(flat, 0.1)).type == pa.float32()
    assert pa.array(pea.rel_entr(flat, [0.1, 0.1])).type == pa.float64()
    assert to_list(pea.rel_entr(flat, 0.1)) == pl.Series([1.0, 3.0], dtype=pl.Float32).info.rel_entr(0.1).to_list()


def test_nulls_without_a_type_are_missing_numbers(quantity):
    rows, nulls = pa.array([[None, None], [], None], pa.list_(pa.null())), pa.nulls(3)
    assert to_list(of(quantity, rows, rows)) == [None, 0.0, None]
    assert to_list(of(quantity, rows, rows, nan_policy="omit")) == [0.0, 0.0, None]
    assert to_list(of(quantity, nulls, nulls)) == [None]
    single = pa.array([[1.0, 1.0], [], []], pa.list_(pa.float32()))
    assert pa.array(of(quantity, single, rows)).type == pa.float32()


def test_nulls_of_polars_come_with_a_buffer():
    nulls = pl.Series([None, None])
    assert to_list(pea.entropy(nulls)) == [None]
    assert to_list(pea.entropy(nulls.implode(), nan_policy="omit")) == [0.0]


def test_nulls_without_a_type_are_missing_elements():
    assert to_list(pea.entr(pa.nulls(2))) == [None, None]


def test_lists_of_width_zero_are_empty(quantity):
    # Which Polars cannot pass to a plugin.
    rows = pl.Series([[], None, []], dtype=pl.Array(pl.Float64, 0))
    assert to_list(of(quantity, rows, rows)) == [0.0, None, 0.0]


# Nested lists.

NESTED = [[[1.0, 1.0], [4.0]], None, [[0.0, 2.0], None]]


@pytest.mark.parametrize("outer", [pa.list_, pa.large_list, lambda t: pa.list_(t, 2), pa.list_view, pa.large_list_view])
@pytest.mark.parametrize("inner", [pa.list_, pa.large_list])
def test_the_innermost_level_is_reduced_and_those_around_it_stay(quantity, outer, inner):
    innermost = inner(pa.float64())
    views = {
        pa.list_view: (pa.ListViewArray, pa.int32()),
        pa.large_list_view: (pa.LargeListViewArray, pa.int64()),
    }
    of_equal, of_one = of_row(quantity, [1.0, 1.0], [1.0, 1.0]), of_row(quantity, [0.0, 2.0], [0.0, 2.0])
    assert of_one == 0.0
    if outer in views:
        values = pa.array([[4.0], None, [1.0, 1.0], [0.0, 2.0]], innermost)
        kind, index = views[outer]
        rows = kind.from_arrays(
            pa.array([0, 3, 2], index), pa.array([1, 1, 2], index), values, mask=pa.array([False, True, False])
        )
        want = [[0.0], None, [of_equal, of_one]]
    else:
        rows, want = pa.array(NESTED, outer(innermost)), [[of_equal, 0.0], None, [of_one, None]]
    got = pa.array(of(quantity, rows, rows))
    assert got.type == outer(pa.float64())
    assert got.to_pylist() == want
    got.validate(full=True)


@pytest.mark.parametrize("outer", [pa.list_, pa.large_list])
@pytest.mark.parametrize("inner", [pa.list_, lambda t: pa.list_(t, 2), pa.large_list])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_slices_of_nested_lists_are_those_of_polars(quantity, outer, inner, first):
    rows = [[[1.0, 1.0]], [[1.0, 3.0], [1.0, 7.0], None], None, [[2.0, 5.0]]]
    p = pa.array(rows, outer(inner(pa.float64()))).slice(first)
    q = pa.array(rows[first:], p.type)
    series = pl.Series(rows, dtype=pl.List(pl.List(pl.Float64)))[first:]
    want = quantity.value(series.info.list, series).to_list()
    for right in (q, pa.chunked_array([q.slice(0, 1), q.slice(1)])):
        assert to_list(of(quantity, p, right)) == want


def test_q_may_lack_outer_levels(pair):
    p = pa.array([[[1.0, 0.0], [1.0, 1.0]], [[0.0, 1.0]]])
    even, (first, second, third) = [1.0, 1.0], p.flatten().to_pylist()
    per_outer = pa.array([even, [0.0, 3.0]])
    of_even = [of_row(pair, first, even), of_row(pair, second, even)]
    assert to_list(of(pair, p, per_outer)) == [of_even, [of_row(pair, third, [0.0, 3.0])]]
    for one in (pa.array([even]), even):
        assert to_list(of(pair, p, one)) == [of_even, [of_row(pair, third, even)]]
    with pytest.raises(TypeError, match=r"q has 2 levels of lists and p 1"):
        of(pair, per_outer, p)
    with pytest.raises(ValueError, match="p and q differ in length: row 1, 1 elements in p and 2 in q"):
        of(pair, p, pa.array([[[1.0, 1.0]] * 2, [[1.0, 1.0]] * 2]))


# Broadcasting and chunks.


def test_one_fixed_distribution_goes_with_every_row(pair):
    rows = [[1.0, 0.0], None, [1.0, 1.0]]
    p, want = pa.array(rows), [None if row is None else of_row(pair, row, [1.0, 1.0]) for row in rows]
    for q in (
        [1, 1], (1.0, 1.0), np.array([2.0, 2.0]), pa.array([1, 1]), pa.array([[3.0, 3.0]]), pl.Series([1.0, 1.0]),
        pa.chunked_array([[1.0], [1.0]]), pa.chunked_array([[], [[1.0, 1.0]]], pa.list_(pa.float64())),
    ):  # fmt: skip
        for got, value in zip(to_list(of(pair, p, q)), want, strict=True):
            assert_same(got, value, rel=ROW)
    assert to_list(of(pair, p, pa.array([None], pa.list_(pa.float64())))) == [None] * 3


def test_one_p_goes_with_every_q_and_the_operands_keep_their_places(pair):
    p, q = pa.array([[1.0, 0.0]]), pa.chunked_array([[[1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])
    got = of(pair, p, q)
    rows = to_list(q)
    assert to_list(got) == pytest.approx([of_row(pair, [1.0, 0.0], row) for row in rows], rel=ROW)
    assert to_list(of(pair, q, p)) == pytest.approx([of_row(pair, row, [1.0, 0.0]) for row in rows], rel=ROW)
    # An array gives an array, a stream a stream.
    assert isinstance(got, pea.Array)
    assert [len(chunk) for chunk in of(pair, pa.chunked_array([[], p], p.type), q).chunks] == [1, 2]


def test_one_number_is_a_uniform_q(pair):
    p = pa.array([1.0, 1.0, 2.0])
    want = to_list(of(pair, p, [1.0, 1.0, 1.0]))
    for q in (3, pa.array([7.0])):
        for got, value in zip(to_list(of(pair, p, q)), want, strict=True):
            assert_same(got, value, rel=ROW)
    assert to_list(of(pair, p, pa.array([None], pa.float64()))) == [None]
    # A sequence has as many numbers as it has.
    with pytest.raises(ValueError, match="p and q differ in length: 3 elements in p and 1 in q"):
        of(pair, p, [1.0])
    with pytest.raises(TypeError, match="q is one number"):
        of(pair, pa.array([[1.0, 1.0]]), 3)


def test_one_number_goes_with_every_element():
    assert to_list(pea.rel_entr(pa.array([1.0, None]), pa.array([None], pa.float64()))) == [None, None]
    with pytest.raises(ValueError, match="p and q differ in length: 1 elements in p and 3 in q"):
        pea.rel_entr(pa.array([1.0]), np.ones(3))


def in_chunks(array, cuts):
    parts = [array.slice(a, b - a) for a, b in itertools.pairwise([0, *cuts, len(array)])]
    return pa.chunked_array(parts, array.type)


@given(st.data())
def test_results_have_the_chunks_of_p_however_q_is_chunked(pair, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    n = data.draw(st.integers(2, 12))
    p, q = (pa.array(rng.random((n, 3)).tolist()) for _ in "pq")
    cuts = st.lists(st.integers(0, n), max_size=4).map(sorted)
    of_p, of_q = in_chunks(p, data.draw(cuts)), in_chunks(q, data.draw(cuts))
    whole = to_list(of(pair, p, q))
    got = of(pair, of_p, of_q)
    assert to_list(got) == whole
    assert [len(chunk) for chunk in got.chunks] == [len(chunk) for chunk in of_p.chunks]
    assert isinstance(of(pair, p, of_q), pea.Array)
    assert to_list(of(pair, p, of_q)) == whole
    flat_p, flat_q = (x.combine_chunks().flatten() for x in (of_p, of_q))
    terms = pea.rel_entr(in_chunks(flat_p, data.draw(cuts)), in_chunks(flat_q, data.draw(cuts)))
    assert to_list(terms) == to_list(pea.rel_entr(flat_p, flat_q))


def test_a_stream_without_chunks_has_a_type_nevertheless(quantity):
    none = pa.chunked_array([], pa.list_(pa.float32()))
    for q in (none, [1.0]):
        column = pa.chunked_array(of(quantity, none, q))
        assert column.num_chunks == 0
    assert pa.chunked_array(of(quantity, none, none)).type == pa.float32()
    nested = pa.chunked_array([], pa.list_(pa.list_(pa.int64())))
    assert pa.chunked_array(of(quantity, nested, nested)).type == pa.list_(pa.float64())
    numbers = pa.chunked_array([], pa.int64())
    assert to_list(of(quantity, numbers, numbers)) == [0.0]


# Memory.


def test_results_become_arrays_of_others_without_a_copy():
    got = pea.entropy(pa.array([[1.0, 1.0], [1.0, 3.0]]))
    vector, array, series = np.asarray(got), pa.array(got), pl.Series(got).to_numpy(allow_copy=False)
    address = got.__array_interface__["data"][0]
    assert vector.ctypes.data == address
    assert array.buffers()[1].address == address
    assert series.ctypes.data == address
    assert not vector.flags.writeable
    chunked = pea.entropy(pa.chunked_array([[[1.0, 1.0]], [[1.0, 3.0]]]))
    addresses = [chunk.buffers()[1].address for chunk in pa.chunked_array(chunked).chunks]
    assert addresses == [np.asarray(chunk).ctypes.data for chunk in chunked.chunks]
    del got, array, series
    assert vector.tolist() == to_list(chunked)


def test_consumers_may_ask_for_the_other_float_and_for_nothing_else():
    got = pea.entropy(pa.chunked_array([[[1.0, 1.0]], [[1.0]]]))
    assert pa.array(got.chunks[0], pa.float32()).to_pylist() == [np.float32(LN2)]
    assert pa.chunked_array(got, pa.float32()).type == pa.float32()
    schema = pa.field("x", pa.int64()).__arrow_c_schema__()
    assert pa.Array._import_from_c_capsule(*got.chunks[0].__arrow_c_array__(schema)).to_pylist() == [LN2]  # noqa: SLF001


def test_metadata_is_bytes_that_mean_nothing():
    table = pa.table({"p": pa.array([[1.0, 1.0]])}).replace_schema_metadata({b"k": b"\xff", b"\xff": b""})
    assert to_list(pea.entropy(table)) == [LN2]


def test_numpy_gets_a_copy_with_nan_where_there_are_nulls_or_chunks():
    nulls = pea.entropy(pa.array([[1.0, 1.0], None]))
    np.testing.assert_array_equal(np.asarray(nulls), [LN2, np.nan])
    np.testing.assert_array_equal(np.asarray(nulls, dtype=np.float32), np.array([LN2, np.nan], np.float32))
    chunks = pea.entropy(pa.chunked_array([[[1.0, 1.0]], [[2.0]]]))
    np.testing.assert_array_equal(np.asarray(chunks), [LN2, 0.0])
    assert np.array(chunks).flags.writeable
    singles = pea.entropy(pa.chunked_array([[[1.0]], [None]], pa.list_(pa.float32())))
    assert np.asarray(singles).dtype == np.float32
    with pytest.raises(ValueError, match="without a copy"):
        np.array(nulls, copy=False)
    with pytest.raises(TypeError, match="is not one vector"):
        np.asarray(pea.entropy(pa.array([[[1.0]]])))


MEMORY = """
import resource, sys
import numpy as np, pyarrow as pa
import polars_entropy.arrow as pea

values = pa.array(np.random.default_rng(0).random(1 << 25))  # 256 MiB
offsets = pa.array(np.arange(0, (1 << 25) + 1, 1 << 10, dtype=np.int64))
p = pa.LargeListArray.from_arrays(offsets, values)
pea.entropy(p.slice(0, 1)), pea.kl_div(p.slice(0, 1), p.slice(0, 1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pea.entropy(p), pea.kl_div(p, p.slice(0)), pea.entropy(values)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / (1 << 10))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_values_are_not_copied_on_the_way_in():
    grown = subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True).stdout
    # Two columns of 32 768 results are half a mebibyte; a copy would be 256.
    assert float(grown) < 16


def test_results_do_not_keep_the_memory_of_their_inputs():
    before = pa.total_allocated_bytes()
    # With nulls, which the results have, too.
    p = pa.array([1.0, None] * (1 << 16))
    results = pea.entr(p), pea.rel_entr(p, p), pea.entr(pa.chunked_array([p, p.slice(3)]))
    del p
    assert pa.total_allocated_bytes() == before
    assert [len(result) for result in results] == [1 << 17, 1 << 17, (1 << 18) - 3]
    assert np.isnan(np.asarray(results[0])).sum() == 1 << 16


# Lists of lists, in memory of which the pages far from a slice cannot be read: whoever looks there dies.
PAGES = """
import ctypes, mmap, sys
import numpy as np, pyarrow as pa
import polars_entropy.arrow as pea

ROWS, FIRST, LENGTH = 200_000, 100_000, 100
mprotect = ctypes.CDLL(None, use_errno=True).mprotect
mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def guarded(numbers, first, last):
    "A buffer of these numbers, in whose inner pages nothing is to be read but around [first, last)."
    memory = mmap.mmap(-1, numbers.nbytes)
    view = np.frombuffer(memory, numbers.dtype)
    view[:] = numbers
    page, size = mmap.PAGESIZE, numbers.itemsize
    # The import looks at the ends, where the length of what is below stands.
    edges = page, first * size // page * page, -(-last * size // page) * page, (numbers.nbytes - 1) // page * page
    for start, end in zip(edges[::2], edges[1::2]):
        assert start < end
        assert mprotect(view.ctypes.data + start, end - start, 0) == 0
    return pa.py_buffer(view)


counts = {"offsets": np.arange(ROWS + 1, dtype=np.int32), "values": 2 * np.arange(ROWS + 1, dtype=np.int32)}
values = np.ones(2 * ROWS)
last = FIRST + LENGTH
inner = pa.Array.from_buffers(
    pa.list_(pa.float64()), ROWS, [None, guarded(counts["values"], FIRST, last + 1)],
    children=[pa.Array.from_buffers(pa.float64(), 2 * ROWS, [None, guarded(values, 2 * FIRST, 2 * last)])],
)
outer = pa.Array.from_buffers(
    pa.list_(inner.type), ROWS, [None, guarded(counts["offsets"], FIRST, last + 1)], children=[inner]
)
rows = outer if sys.argv[1] == "all" else outer.slice(FIRST, LENGTH)
got = pa.array(pea.entropy(rows)), pa.array(pea.kl_div(rows, rows))
assert len(got[0]) == len(got[1]) == LENGTH
assert got[1].flatten().to_pylist() == [0.0] * LENGTH
print("survived")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory is protected by mprotect")
@pytest.mark.parametrize(("rows", "out"), [("slice", "survived\n"), ("all", "")])
def test_slices_of_nested_lists_cost_what_they_cover(rows, out):
    result = subprocess.run([sys.executable, "-c", PAGES, rows], capture_output=True, text=True, check=False)
    # Of all rows, to show that the memory is guarded.
    assert result.stdout == out, result.stderr
    assert (result.returncode == 0) == (rows == "slice"), result.stderr


class Exported:
    """An array that has been exported beforehand, in which PyArrow lets other threads run."""

    def __init__(self, array):
        self.capsules = array.__arrow_c_array__()

    def __arrow_c_array__(self, requested_schema=None):
        return self.capsules


def test_the_gil_is_released(quantity):
    p = pa.array(np.random.default_rng(1).random((20_000, 64)).tolist())
    calls = [(Exported(p), Exported(p)) for _ in range(50)]
    gate, others_ran = threading.Lock(), threading.Event()
    gate.acquire()

    def other():
        gate.acquire()
        others_ran.set()

    thread = threading.Thread(target=other)
    thread.start()
    interval = sys.getswitchinterval()
    # So that no thread has to give way to another within an hour. It may, and does so where it releases the GIL.
    sys.setswitchinterval(3600)
    try:
        gate.release()
        # Once would be enough, if the system woke the thread in time.
        while calls and not others_ran.is_set():
            of(quantity, *calls.pop())
        assert others_ran.is_set()
    finally:
        sys.setswitchinterval(interval)
        thread.join()


# What is refused.


NO_NUMBERS = [
    (pa.array(["a"]), "p is Utf8, and not an array of numbers.*: cast it"),
    (pa.array([1, 2]).dictionary_encode(), "p is Dictionary.*: cast it to Int64"),
    (pa.table({"a": [1], "b": [2]}), "p is Struct.*: pass one column of it"),
    (pa.array([1], pa.date32()), "p is Date32.*: cast it"),
    (
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        "p is Map.*: the functions of `map` take keys and weights",
    ),
    (pa.RunEndEncodedArray.from_arrays([2], [1.0]), "of format .*which is neither numbers nor lists"),
    (pl.Series([1], dtype=pl.Int128), "of the unknown format .*which is neither numbers nor lists"),
    (
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())),
        "of the extension type .*which is neither numbers nor lists",
    ),
    (
        pa.StructArray.from_arrays([VALUES], ["p"], mask=pa.array([False, True, False])),
        "structs some of which are null",
    ),
    ([[1.0]], "p must speak the Arrow PyCapsule interface.*list has neither"),
    (pl.LazyFrame({"p": [1]}), "LazyFrame has neither"),
    (np.array([1.0]), "ndarray has neither"),
]
NO_LISTS_OF_NUMBERS = [
    (pa.array([["a"]]), r"p is List\(Utf8\), and not an array of numbers or lists of numbers: cast it first"),
    (pa.array([[{"k": "a", "n": 1}]]), r"p is List\(Struct.*: the functions of `map` take keys and weights"),
    (pa.array([[{"x": 1}]]), r"p is List\(Struct.*, and not an array of numbers or lists of numbers: cast it first"),
    (pa.array([{"p": {"x": 1}}]), r"of format .\+s. with structs in it, which is neither numbers nor lists of them"),
]


@pytest.mark.parametrize(("p", "message"), NO_NUMBERS + NO_LISTS_OF_NUMBERS)
def test_what_is_no_number_is_refused(quantity, p, message):
    with pytest.raises(TypeError, match=message):
        of(quantity, p, [1.0])


@pytest.mark.parametrize(("p", "message"), NO_NUMBERS)
def test_what_is_no_number_is_refused_element_by_element(p, message):
    for function in (pea.entr, lambda p: pea.rel_entr(p, [1.0])):
        with pytest.raises(TypeError, match=message):
            function(p)


def test_elements_take_numbers_alone():
    for function in (pea.entr, lambda p: pea.rel_entr(p, p)):
        with pytest.raises(TypeError, match="not an array of numbers: pass its values, one level down"):
            function(pa.array([[1.0]]))


def test_q_is_checked_like_p(pair):
    p = pa.array([[1.0]])
    for q, error, message in [
        (pa.array(["a"]), TypeError, "q is Utf8"),
        ("q", TypeError, "q must be Arrow, a sequence of numbers, a NumPy vector or a number, not 'q'"),
        (None, TypeError, "q must be Arrow, .*not None"),
        ([1.0, 2.0], ValueError, "p and q differ in length: row 0, 1 elements in p and 2 in q"),
        ([[1.0]], TypeError, "q must hold numbers"),
    ]:
        with pytest.raises(error, match=message):
            of(pair, p, q)


def test_one_row_goes_with_none_and_with_many_and_no_other_numbers_of_rows_go_together(pair):
    for q in (pa.array([[1.0]]).slice(0, 0), pa.array([[1.0]] * 3)):
        assert len(of(pair, pa.array([[1.0]]), q)) == len(q)
    with pytest.raises(ValueError, match="p has 2 rows and q has 3"):
        of(pair, pa.array([[1.0]] * 2), pa.array([[1.0]] * 3))
    with pytest.raises(ValueError, match="p and q differ in length: 2 elements in p and 3 in q"):
        of(pair, pa.array([1.0, 2.0]), pa.array([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="p and q differ in length: 2 elements in p and 3 in q"):
        pea.rel_entr(pa.array([1.0, 2.0]), pa.chunked_array([[1.0], [2.0, 3.0]]))


@pytest.mark.parametrize("base", [0, 1, -2, math.inf, math.nan, True])
def test_a_base_that_is_no_unit_is_refused(quantity, base):
    with pytest.raises(ValueError, match="`base` must be"):
        of(quantity, pa.array([1.0]), 1, base=base)


def test_what_is_no_nan_policy_is_refused(quantity):
    with pytest.raises(ValueError, match="`nan_policy` must be one of"):
        of(quantity, pa.array([1.0]), 1, nan_policy="drop")


def test_raise_names_the_row_and_the_element(quantity):
    p, ones = pa.chunked_array([[[1.0], None], [[1.0], [1.0, None]]]), pa.array([[1.0], [1.0], [1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match=r"The input contains nan values: p, row 3, element 1 is null or NaN"):
        of(quantity, p, ones, nan_policy="raise")
    with pytest.raises(ValueError, match=r"contains nan values: p, element 1 is"):
        of(quantity, pa.array([1.0, None]), 1, nan_policy="raise")
    rows = pa.array([[1.0, 1.0], None])
    assert to_list(of(quantity, rows, rows, nan_policy="raise")) == to_list(of(quantity, rows, rows))


def test_raise_names_the_side(pair):
    p, q = pa.array([[1.0]] * 3 + [[1.0, 2.0]]), pa.chunked_array([[[1.0], [1.0], [1.0], [1.0, math.nan]]])
    with pytest.raises(ValueError, match=r"contains nan values: q, row 3, element 1"):
        of(pair, p, q, nan_policy="raise")
    with pytest.raises(ValueError, match=r"contains nan values: p, row 3, element 1"):
        of(pair, q, p, nan_policy="raise")


# Hostile memory. `tests` in Rust and the fuzzer have the rest, for which Python has no words.


def lying(kind, length, *numbers):
    """A list array of VALUES whose offsets, or offsets and sizes, are these. PyArrow looks at them when it makes it, so
    they change afterwards."""
    honest = [np.zeros(len(x), np.int32) for x in numbers]
    buffers = [None, *(pa.py_buffer(x) for x in honest)]
    array = pa.Array.from_buffers(kind(pa.float64()), length, buffers, children=[VALUES])
    for memory, lies in zip(honest, numbers, strict=True):
        memory[:] = lies
    return array


@pytest.mark.parametrize(
    ("offsets", "row"),
    [((0, 2, 1, 3), 1), ((0, 2, 4, 4), 1), ((-1, 1, 2, 3), 0), ((0, 1, 2, 2**31 - 1), 2), ((0, 1, -(2**31), 3), 1)],
)
def test_lists_that_do_not_lie_within_their_values_are_an_error(offsets, row):
    p = lying(pa.list_, 3, offsets)
    message = rf"p is not a valid array: at level 0, list {row} does not lie within its values"
    with pytest.raises(ValueError, match=message):
        pea.entropy(p)
    with pytest.raises(ValueError, match=message.replace("list 0", "list 3").replace(f"list {row}", f"list {row + 3}")):
        pea.entropy(pa.chunked_array([[[1.0]] * 3, p]))
    for right in (p, pa.chunked_array([p.slice(0, 0), p])):
        with pytest.raises(ValueError, match="q is not a valid array"):
            pea.kl_div(pa.array([[1.0]]), right)
        with pytest.raises(ValueError, match=r"p has 2 rows and q has 3"):
            pea.kl_div(pa.chunked_array([[[1.0]], [[1.0]]]), right)


def test_list_views_that_do_not_lie_within_their_values_are_an_error():
    for offsets, sizes in [((0, 2), (1, 2)), ((0, -1), (1, 1)), ((0, 1), (1, -1)), ((0, 2**31 - 1), (1, 2**31 - 1))]:
        p = lying(pa.list_view, 2, offsets, sizes)
        with pytest.raises(ValueError, match="at level 0, list 1 does not lie within its values"):
            pea.entropy(p)
        # Behind a null, anything goes.
        p = pa.Array.from_buffers(p.type, 2, [pa.py_buffer(b"\x01"), *p.buffers()[1:3]], children=[VALUES])
        assert to_list(pea.entropy(p)) == [0.0, None]


class Broken:
    """A producer that fails."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __arrow_c_stream__(self, requested_schema=None):
        return self.capsule()

    __arrow_c_array__ = property()


def test_producers_that_fail_are_an_error():
    def raises():
        raise RuntimeError("no data today")

    with pytest.raises(RuntimeError, match="no data today"):
        pea.entropy(Broken(raises))
    with pytest.raises(TypeError):
        pea.entropy(Broken(lambda: 7))
    stream = pl.Series([1.0]).__arrow_c_stream__()
    assert to_list(pea.entropy(Broken(lambda: stream))) == [0.0]
    with pytest.raises(ValueError, match="released"):
        pea.entropy(Broken(lambda: stream))

    def batches():
        yield pa.record_batch({"p": [1.0]})
        raise RuntimeError("the line broke")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"p": pa.float64()}), batches())
    with pytest.raises(ValueError, match=r"the stream of arrays failed:(.|\n)*the line broke"):
        pea.entropy(reader)


def test_results_describe_themselves():
    assert repr(pea.entropy(pa.array([[1.0]] * 12))).endswith("of 12 Float64: [" + "0.0, " * 10 + "…]>")
    assert pa.field(pea.entropy(pa.array([[1.0]]))).nullable
    assert repr(pea.entr(pa.chunked_array([], pa.float32()))).endswith("of 0 Float32 in 0 chunks: []>")
    assert len(pea.entropy(pa.array([[1.0]] * 12))) == 12
