"""Comparison of values, for all tests."""

from __future__ import annotations

import math
import struct
from typing import Any

# The error that rows are allowed: the sum of up to 1024 shares is right to some units in the last place.
ROW = 4 * 2.0**-52


def assert_same(got: Any, want: Any, *, rel: float = 0.0, tol: float = 0.0, what: object = "") -> None:
    """Equal, or within the error allowed; null, NaN, infinities and the sign of zero have to be exactly right."""
    message = f"{what}: got {got!r}, want {want!r}"
    if want is None or got is None:
        assert want is got, message
    elif math.isnan(want) or math.isinf(want) or math.isinf(got):
        assert got == want or (math.isnan(got) and math.isnan(want)), message
    else:
        assert abs(got - want) <= tol + rel * abs(want), message
        assert got != 0 or math.copysign(1.0, got) == 1.0, message


def bits(values: Any) -> list[Any]:
    """Values that are equal only if their bits are, NaNs apart."""
    return [x if x is None else "NaN" if math.isnan(x) else struct.pack("<d", x) for x in values]
