"""Bits of a dozen rows and groups, which hold machines, instruction sets, engines and versions together.

They were recorded with the build before the quantities had names (commit 70befff), on x86-64 with AVX2, and were the
same on Polars 1.34 and 2.1. Whatever changes one of them changes results: then the notes of the release say so. They
hold wherever there is a fused multiply-add; without one, logarithms round more often.
"""

from __future__ import annotations

import math
import platform

import numpy as np
import polars as pl
import pytest

from engines import collect
from quantities import QUANTITIES


def has_fma():
    """Whether the kernels run with fused multiply-adds: on every ARM, and on x86-64 with AVX2."""
    if platform.machine().lower() in {"arm64", "aarch64"}:
        return True
    features = np._core._multiarray_umath.__cpu_features__  # noqa: SLF001
    return features.get("AVX2", False) and features.get("FMA3", False)


pytestmark = pytest.mark.skipif(not has_fma(), reason="the bits are those of fused multiply-adds")


def numbers(n, step):
    """Exact multiples of 1/64."""
    return [(step * k * k + 7 * k + 1) % 1009 / 64 for k in range(n)]


def positive(n, step):
    return [x + 1 / 64 for x in numbers(n, step)]


INPUTS = {
    "three": ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0]),
    "shares": ([0.05, 0.1, 0.2, 0.05, 0.15, 0.25, 0.08, 0.12], [0.3, 0.1, 0.2, 0.1, 0.1, 0.02, 0.08, 0.1]),
    "nine": (numbers(9, 5), positive(9, 3)),
    "zeros of p": ([0.0, 4.0, 0.0, 0.1, 0.0], [1.0, 0.7, 0.0, 0.2, 5e-3]),
    "a hundred": (numbers(100, 3), positive(100, 5)),
    "a thousand": (numbers(1000, 11), positive(1000, 13)),
    "five thousand": (numbers(5000, 17), positive(5000, 19)),
    "a dominant weight": ([1.0, 1e-9, 3e-12], [1e-9, 1.0, 7e-3]),
    "far apart": ([3e30, 1e-30, 2e29, 7.0], [1e-30, 2e28, 1.0, 4e30]),
    "nearly equal": ([3.0, 5.0, 7.0, 11.0], [3.0003, 4.9997, 7.0007, 10.9993]),
    "something missing": ([0.3, None, 5.0, 0.7, math.nan, 2.0], [1.0, 2.0, 0.1, math.nan, 3.0, 0.9]),
    # Groups of a total below 1e-290 lose digits, and single precision has no such numbers.
    "subnormal": ([5e-324, 1e-310, 3e-320], [1e-310, 1e-310, 1e-323]),
}
# Of a row, of a group, and of a row in single precision, under `omit`.
BITS = {
    "entropy": {
        "three": ("0x1.02eb63cff3f7fp+0", "0x1.02eb63cff3f81p+0", "0x1.02eb64p+0"),
        "shares": ("0x1.f0794ba870e62p+0", "0x1.f0794ba870e62p+0", "0x1.f0794cp+0"),
        "nine": ("0x1.c7151fb2a9eb6p+0", "0x1.c7151fb2a9eb7p+0", "0x1.c71520p+0"),
        "zeros of p": ("0x1.d5ab4350c4febp-4", "0x1.d5ab4350c4fd8p-4", "0x1.d5ab44p-4"),
        "a hundred": ("0x1.1612c028aa115p+2", "0x1.1612c028aa115p+2", "0x1.1612c0p+2"),
        "a thousand": ("0x1.adc35dbb7bc28p+2", "0x1.adc35dbb7bc29p+2", "0x1.adc35ep+2"),
        "five thousand": ("0x1.0a1791de111aep+3", "0x1.0a1791de111aep+3", "0x1.0a1792p+3"),
        "a dominant weight": ("0x1.769f332aecf6bp-26", "0x1.769f334fa53dap-26", "0x1.769f32p-26"),
        "far apart": ("0x1.dece2941c6522p-3", "0x1.dece2941c6615p-3", "0x1.dece2ap-3"),
        "nearly equal": ("0x1.488f14de07086p+0", "0x1.488f14de07087p+0", "0x1.488f14p+0"),
        "something missing": ("0x1.f406c30a5a952p-1", "0x1.f406c30a5a952p-1", "0x1.f406c4p-1"),
        "subnormal": ("0x1.d8c4490a176a2p-28", None, None),
    },
    "kl_div": {
        "three": ("0x1.00b224e934614p-2", "0x1.00b224e934614p-2", "0x1.00b224p-2"),
        "shares": ("0x1.2e056e36e60e0p-1", "0x1.2e056e36e60dfp-1", "0x1.2e056ep-1"),
        "nine": ("0x1.054ac335b13a9p-9", "0x1.054ac335b12fcp-9", "0x1.054ac4p-9"),
        "zeros of p": ("0x1.d5872aa94c0efp-1", "0x1.d5872aa94c0f1p-1", "0x1.d5872cp-1"),
        "a hundred": ("0x1.ea650ea7b7f52p-2", "0x1.ea650ea7b7f53p-2", "0x1.ea650ep-2"),
        "a thousand": ("0x1.f61689a1f78d7p-2", "0x1.f61689a1f78d9p-2", "0x1.f6168ap-2"),
        "five thousand": ("0x1.f5fd0a91b2765p-2", "0x1.f5fd0a91b2766p-2", "0x1.f5fd0ap-2"),
        "a dominant weight": ("0x1.4baf119da4466p+4", "0x1.4baf119da4466p+4", "0x1.4baf12p+4"),
        "far apart": ("0x1.0dfd913f512cep+7", "0x1.0dfd913f512cep+7", "0x1.0dfd92p+7"),
        "nearly equal": ("0x1.ad9b2c7e9275ap-29", "0x1.ad9b2c7e989d9p-29", "0x1.ad8b78p-29"),
        "something missing": ("0x1.8dd502d8ce7c2p+0", "0x1.8dd502d8ce7c1p+0", "0x1.8dd502p+0"),
        "subnormal": ("0x1.62e43001b6427p-1", None, None),
    },
}
KINDS = ("row", "group", "row in single precision")


def frame(dtype=pl.Float64):
    sides = [[inputs[side] for inputs in INPUTS.values()] for side in (0, 1)]
    columns = {"case": list(INPUTS), **dict(zip("pq", sides, strict=True))}
    rows = pl.DataFrame(columns, schema={"case": pl.String, **dict.fromkeys("pq", pl.List(pl.Float64))})
    return rows.with_columns(pl.col("p", "q").cast(pl.List(dtype)))


def value(name, accessor):
    [quantity] = [quantity for quantity in QUANTITIES if quantity.name == name]
    return quantity.value(accessor, nan_policy="omit")


def assert_bits(got, name, kind):
    at = KINDS.index(kind)
    for case, result in got.rows():
        if (bits := BITS[name][case][at]) is not None:
            assert result.hex() == float.fromhex(bits).hex(), case


@pytest.mark.parametrize("name", BITS)
def test_rows_have_the_same_bits_for_ever(name, engine):
    expr = value(name, pl.col("p").info.list)
    assert_bits(collect(frame().lazy().select("case", expr), engine), name, "row")
    single = frame(pl.Float32).lazy().select("case", expr.cast(pl.Float64))
    assert_bits(collect(single, engine), name, "row in single precision")


@pytest.mark.parametrize("name", BITS)
def test_rows_have_the_same_bits_whatever_stands_beside_them(name, engine):
    expr = value(name, pl.col("p").info.list)
    for one in frame().iter_slices(1):
        assert_bits(collect(one.lazy().select("case", expr), engine), name, "row")
    many = pl.concat([frame().sample(fraction=1, shuffle=True, seed=seed) for seed in range(20)], rechunk=False)
    assert_bits(collect(many.lazy().select("case", expr), engine), name, "row")


@pytest.mark.parametrize("name", BITS)
def test_groups_have_the_same_bits_for_ever(name, engine):
    expr, flat = value(name, pl.col("p").info), frame().explode("p", "q")
    interleaved = flat.with_columns(k=pl.int_range(pl.len()).over("case")).sort("k", maintain_order=True)
    for rows in (flat, interleaved, flat.reverse()):
        assert_bits(collect(rows.lazy().group_by("case").agg(expr), engine), name, "group")
    assert_bits(collect(flat.lazy().select("case", expr.over("case")), engine), name, "group")
    for column in flat.partition_by("case"):
        assert_bits(collect(column.lazy().select(pl.col("case").first(), expr), engine), name, "group")
