"""The contract with users, row by row: `design` section 2 as data. Rust has it in `src/kernel/contract.rs`.

Each case is the rule that it shows, the input, and the value under `propagate` and under `omit`. Expected values are
worked out by hand: an entropy of equal shares is a logarithm of their number, and so on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

NAN, INF = math.nan, math.inf
LN2, LN4 = math.log(2), math.log(4)

Weights = "list[float | None] | None"


class Entropy(NamedTuple):
    rule: str
    p: Weights
    propagate: float | None
    omit: float | None


class KlDiv(NamedTuple):
    rule: str
    p: Weights
    q: Weights
    propagate: float | None
    omit: float | None


ENTROPY = [
    Entropy("1 null row", None, None, None),
    Entropy("3 null", [1.0, None, 1.0], None, LN2),
    Entropy("3 NaN", [1.0, NAN, 1.0], NAN, LN2),
    Entropy("3 null beside NaN", [NAN, 1.0, None, 1.0], None, LN2),
    Entropy("3 before 5", [None, INF], None, NAN),
    Entropy("3 before 6", [NAN, -1.0, 1.0], NAN, -INF),
    Entropy("3 before 7", [None, 0.0], None, NAN),
    Entropy("4 empty", [], 0.0, 0.0),
    Entropy("4 nothing left, null", [None], None, 0.0),
    Entropy("4 nothing left, NaN", [NAN, NAN], NAN, 0.0),
    Entropy("5 infinity", [INF, 1.0], NAN, NAN),
    Entropy("5 negative infinity", [1.0, -INF], NAN, NAN),
    Entropy("5 before 6", [INF, -1.0], NAN, NAN),
    Entropy("6 negative, positive total", [2.0, -1.0], -INF, -INF),
    Entropy("6 negative, negative total", [-2.0, 1.0], -INF, -INF),
    Entropy("6 negative, no total", [1.0, -1.0], -INF, -INF),
    Entropy("6 all negative", [-1.0, -3.0], -INF, -INF),
    Entropy("6 negative subnormal", [1.0, -5e-324], -INF, -INF),
    Entropy("7 zero", [0.0], NAN, NAN),
    Entropy("7 zeros of both signs", [0.0, -0.0, 0.0], NAN, NAN),
    Entropy("9 one value", [5.0], 0.0, 0.0),
    Entropy("9 one subnormal value", [5e-324], 0.0, 0.0),
    Entropy("9 one value among zeros", [0.0, 0.3, -0.0], 0.0, 0.0),
    Entropy("9 two equal", [3.0, 3.0], LN2, LN2),
    Entropy("9 four equal among zeros", [0.0, 0.1, 0.1, 0.0, 0.1, 0.1], LN4, LN4),
    Entropy("9 more than a block", [0.25] * 16, math.log(16), math.log(16)),
    Entropy("9 more than a run", [7.0] * 1024, math.log(1024), math.log(1024)),
]

KL_DIV = [
    KlDiv("1 null row in p", None, [1.0], None, None),
    KlDiv("1 null row in q", [1.0], None, None, None),
    KlDiv("1 null row in both", None, None, None, None),
    KlDiv("3 null in p", [None, 1.0, 1.0], [1.0, 1.0, 3.0], None, math.log(2) - 0.5 * math.log(3)),
    KlDiv("3 null in q", [1.0, 1.0, 1.0], [None, 1.0, 1.0], None, 0.0),
    KlDiv("3 NaN in p", [NAN, 1.0, 1.0], [1.0, 1.0, 1.0], NAN, 0.0),
    KlDiv("3 NaN in q", [1.0, 1.0, 1.0], [NAN, 2.0, 2.0], NAN, 0.0),
    KlDiv("3 null beside NaN", [None, 1.0], [1.0, NAN], None, 0.0),
    KlDiv("3 pairs dropped crosswise", [NAN, 1.0, 2.0], [1.0, NAN, 3.0], NAN, 0.0),
    KlDiv("3 before 5", [None, INF], [1.0, 1.0], None, NAN),
    KlDiv("3 before 6", [NAN, -1.0], [1.0, 1.0], NAN, INF),
    KlDiv("4 empty", [], [], 0.0, 0.0),
    KlDiv("4 nothing left", [None, NAN], [1.0, 1.0], None, 0.0),
    KlDiv("5 infinity in p", [INF, 1.0], [1.0, 1.0], NAN, NAN),
    KlDiv("5 infinity in q", [0.0, 1.0], [INF, 1.0], NAN, NAN),
    KlDiv("5 before 6", [INF, -1.0], [1.0, 1.0], NAN, NAN),
    KlDiv("6 negative in p", [2.0, -1.0], [1.0, 1.0], INF, INF),
    KlDiv("6 negative in q", [0.0, 1.0], [-1.0, 2.0], INF, INF),
    KlDiv("6 all negative", [-1.0, -3.0], [-1.0, -3.0], INF, INF),
    KlDiv("6 before 7", [0.0, 0.0], [-1.0, 1.0], INF, INF),
    KlDiv("7 p is zero", [0.0, 0.0], [1.0, 1.0], NAN, NAN),
    KlDiv("7 q is zero", [1.0, 1.0], [0.0, 0.0], NAN, NAN),
    KlDiv("7 both are zero", [0.0], [0.0], NAN, NAN),
    KlDiv("7 before 8", [1.0], [0.0], NAN, NAN),
    KlDiv("8 q = 0 < p", [1.0, 1.0], [0.0, 1.0], INF, INF),
    KlDiv("9 p = 0 <= q", [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], LN2, LN2),
    KlDiv("9 p = q", [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], 0.0, 0.0),
    KlDiv("9 one pair", [3.0], [0.1], 0.0, 0.0),
    KlDiv("9 unnormalised", [10.0, 0.0], [0.5, 0.5], LN2, LN2),
    KlDiv("9 from uniform", [0.0] * 8 + [1.0] * 8, [3.0] * 16, LN2, LN2),
    KlDiv("9 more than a run", [1.0] * 512 + [0.0] * 512, [2.0] * 1024, LN2, LN2),
]
