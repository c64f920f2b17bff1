"""The contract with users, rule by rule: the table of docs/reference/rules.md, as data.

Each case is the rule that it shows, its inputs, and the value under `propagate` and under `omit`. Expected values are
worked out by hand: an entropy of equal shares is a logarithm of their number, and so on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# Those under which a case has a value, and all.
POLICIES = ("propagate", "omit")
ALL_POLICIES = (*POLICIES, "raise")

NAN, INF = math.nan, math.inf
LN2, LN4 = math.log(2), math.log(4)

Weights = "list[float | None] | None"


class One(NamedTuple):
    """A case of a quantity of one input."""

    rule: str
    p: Weights
    propagate: float | None
    omit: float | None

    @property
    def inputs(self):
        return (self.p,)


class Two(NamedTuple):
    """A case of a quantity of two inputs."""

    rule: str
    p: Weights
    q: Weights
    propagate: float | None
    omit: float | None

    @property
    def inputs(self):
        return (self.p, self.q)


ENTROPY = [
    One("1 null row", None, None, None),
    One("3 null", [1.0, None, 1.0], None, LN2),
    One("3 NaN", [1.0, NAN, 1.0], NAN, LN2),
    One("3 null beside NaN", [NAN, 1.0, None, 1.0], None, LN2),
    One("3 before 5", [None, INF], None, NAN),
    One("3 before 6", [NAN, -1.0, 1.0], NAN, -INF),
    One("3 before 7", [None, 0.0], None, NAN),
    One("4 empty", [], 0.0, 0.0),
    One("4 nothing left, null", [None], None, 0.0),
    One("4 nothing left, NaN", [NAN, NAN], NAN, 0.0),
    One("5 infinity", [INF, 1.0], NAN, NAN),
    One("5 negative infinity", [1.0, -INF], NAN, NAN),
    One("5 before 6", [INF, -1.0], NAN, NAN),
    One("6 negative, positive total", [2.0, -1.0], -INF, -INF),
    One("6 negative, negative total", [-2.0, 1.0], -INF, -INF),
    One("6 negative, no total", [1.0, -1.0], -INF, -INF),
    One("6 all negative", [-1.0, -3.0], -INF, -INF),
    One("6 negative subnormal", [1.0, -5e-324], -INF, -INF),
    One("7 zero", [0.0], NAN, NAN),
    One("7 zeros of both signs", [0.0, -0.0, 0.0], NAN, NAN),
    One("9 one value", [5.0], 0.0, 0.0),
    One("9 one subnormal value", [5e-324], 0.0, 0.0),
    One("9 one value among zeros", [0.0, 0.3, -0.0], 0.0, 0.0),
    One("9 two equal", [3.0, 3.0], LN2, LN2),
    One("9 four equal among zeros", [0.0, 0.1, 0.1, 0.0, 0.1, 0.1], LN4, LN4),
    One("9 more than a block", [0.25] * 16, math.log(16), math.log(16)),
    One("9 more than a run", [7.0] * 1024, math.log(1024), math.log(1024)),
]

# Of quantities that compare p with q.
COMPARISONS = [
    Two("1 null row in p", None, [1.0], None, None),
    Two("1 null row in q", [1.0], None, None, None),
    Two("1 null row in both", None, None, None, None),
    Two("3 null beside NaN", [None, 1.0], [1.0, NAN], None, 0.0),
    Two("3 pairs dropped crosswise", [NAN, 1.0, 2.0], [1.0, NAN, 3.0], NAN, 0.0),
    Two("3 before 5", [None, INF], [1.0, 1.0], None, NAN),
    Two("3 before 6", [NAN, -1.0], [1.0, 1.0], NAN, INF),
    Two("4 empty", [], [], 0.0, 0.0),
    Two("4 nothing left", [None, NAN], [1.0, 1.0], None, 0.0),
    Two("5 infinity in p", [INF, 1.0], [1.0, 1.0], NAN, NAN),
    Two("5 infinity in q", [0.0, 1.0], [INF, 1.0], NAN, NAN),
    Two("5 before 6", [INF, -1.0], [1.0, 1.0], NAN, NAN),
    Two("6 negative in p", [2.0, -1.0], [1.0, 1.0], INF, INF),
    Two("6 negative in q", [0.0, 1.0], [-1.0, 2.0], INF, INF),
    Two("6 all negative", [-1.0, -3.0], [-1.0, -3.0], INF, INF),
    Two("6 before 7", [0.0, 0.0], [-1.0, 1.0], INF, INF),
    Two("7 p is zero", [0.0, 0.0], [1.0, 1.0], NAN, NAN),
    Two("7 q is zero", [1.0, 1.0], [0.0, 0.0], NAN, NAN),
    Two("7 both are zero", [0.0], [0.0], NAN, NAN),
    Two("7 before 8", [1.0], [0.0], NAN, NAN),
]

# Of those that are infinite where q = 0 < p.
RATIOS = [
    *COMPARISONS,
    Two("8 q = 0 < p", [1.0, 1.0], [0.0, 1.0], INF, INF),
]

KL_DIV = [
    *RATIOS,
    Two("3 null in p", [None, 1.0, 1.0], [1.0, 1.0, 3.0], None, math.log(2) - 0.5 * math.log(3)),
    Two("3 null in q", [1.0, 1.0, 1.0], [None, 1.0, 1.0], None, 0.0),
    Two("3 NaN in p", [NAN, 1.0, 1.0], [1.0, 1.0, 1.0], NAN, 0.0),
    Two("3 NaN in q", [1.0, 1.0, 1.0], [NAN, 2.0, 2.0], NAN, 0.0),
    Two("9 p = 0 <= q", [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], LN2, LN2),
    Two("9 p = q", [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], 0.0, 0.0),
    Two("9 one pair", [3.0], [0.1], 0.0, 0.0),
    Two("9 unnormalised", [10.0, 0.0], [0.5, 0.5], LN2, LN2),
    Two("9 from uniform", [0.0] * 8 + [1.0] * 8, [3.0] * 16, LN2, LN2),
    Two("9 more than a run", [1.0] * 512 + [0.0] * 512, [2.0] * 1024, LN2, LN2),
]

CROSS_ENTROPY = [
    *RATIOS,
    Two("3 null in p", [None, 1.0, 1.0], [1.0, 1.0, 3.0], None, math.log(4) - 0.5 * math.log(3)),
    Two("3 null in q", [1.0, 1.0, 1.0], [None, 1.0, 1.0], None, LN2),
    Two("3 NaN in p", [NAN, 1.0, 1.0], [1.0, 1.0, 1.0], NAN, LN2),
    Two("3 NaN in q", [1.0, 1.0, 1.0], [NAN, 2.0, 2.0], NAN, LN2),
    Two("9 p = 0 <= q", [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], LN2, LN2),
    Two("9 p = q", [2.0] * 4, [2.0] * 4, LN4, LN4),
    Two("9 one pair", [3.0], [0.1], 0.0, 0.0),
    Two("9 all in one event", [0.0, 3.0, 0.0], [0.0, 7.0, 0.0], 0.0, 0.0),
    Two("9 unnormalised", [10.0, 0.0], [0.5, 0.5], LN2, LN2),
    Two("9 from uniform", [0.0] * 8 + [1.0] * 8, [3.0] * 16, math.log(16), math.log(16)),
    Two("9 more than a run", [1.0] * 512 + [0.0] * 512, [2.0] * 1024, math.log(1024), math.log(1024)),
]

# A half in each event, and a quarter and three quarters.
JS_OF_HALVES = 0.25 * math.log(4 / 3) + 0.25 * math.log(4 / 5) + 0.125 * math.log(2 / 3) + 0.375 * math.log(6 / 5)
# All in one event, and a half in each.
JS_OF_ONE = 0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * math.log(2)

JS_DIV = [
    *COMPARISONS,
    Two("3 null in p", [None, 1.0, 1.0], [1.0, 1.0, 3.0], None, JS_OF_HALVES),
    Two("3 null in q", [1.0, 1.0, 1.0], [None, 1.0, 1.0], None, 0.0),
    Two("3 NaN in p", [NAN, 1.0, 1.0], [1.0, 1.0, 1.0], NAN, 0.0),
    Two("3 NaN in q", [1.0, 1.0, 1.0], [NAN, 2.0, 2.0], NAN, 0.0),
    Two("9 q = 0 < p", [1.0, 1.0], [0.0, 3.0], JS_OF_ONE, JS_OF_ONE),
    Two("9 p = 0 <= q", [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], JS_OF_ONE, JS_OF_ONE),
    Two("9 nothing in common", [2.0, 0.0], [0.0, 0.3], LN2, LN2),
    Two("9 p = q", [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], 0.0, 0.0),
    Two("9 one pair", [3.0], [0.1], 0.0, 0.0),
    Two("9 unnormalised", [10.0, 30.0], [0.5, 0.5], JS_OF_HALVES, JS_OF_HALVES),
    Two("9 more than a run", [1.0, 0.0] * 512, [0.0, 2.0] * 512, LN2, LN2),
]

LN3 = math.log(3)

PSI = [
    *RATIOS,
    Two("3 null in p", [None, 1.0, 1.0], [1.0, 1.0, 3.0], None, 0.25 * LN3),
    Two("3 null in q", [1.0, 1.0, 1.0], [None, 1.0, 1.0], None, 0.0),
    Two("3 NaN in p", [NAN, 1.0, 1.0], [1.0, 1.0, 1.0], NAN, 0.0),
    Two("3 NaN in q", [1.0, 1.0, 1.0], [NAN, 2.0, 2.0], NAN, 0.0),
    Two("8 p = 0 < q", [0.0, 1.0], [1.0, 1.0], INF, INF),
    Two("8 on both sides", [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], INF, INF),
    Two("9 zeros on both sides", [0.0, 1.0, 3.0], [0.0, 3.0, 1.0], LN3, LN3),
    Two("9 p = q", [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], 0.0, 0.0),
    Two("9 one pair", [3.0], [0.1], 0.0, 0.0),
    Two("9 unnormalised", [10.0, 30.0], [0.75, 0.25], LN3, LN3),
    Two("9 from uniform", [1.0] * 8 + [3.0] * 8, [3.0] * 16, 0.25 * LN3, 0.25 * LN3),
    Two("9 more than a run", [1.0, 3.0] * 512, [3.0, 1.0] * 512, LN3, LN3),
]
