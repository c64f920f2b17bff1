"""What tests ask for by name: quantities, engines, memory layouts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# pytest's workers use all cores. OpenBLAS' threads would compete with them: a fit of 0.1 seconds takes 4.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Before they are imported.
pytest.register_assert_rewrite("compare", "engines", "plans")

import polars_entropy  # noqa: E402, F401  registers the namespace
from engines import ENGINES  # noqa: E402
from layouts import LAYOUTS  # noqa: E402
from quantities import QUANTITIES, Quantity  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from layouts import Row

# The first examples on a cold machine take longer than hypothesis' default deadline.
settings.register_profile("thorough", deadline=None, suppress_health_check=list(HealthCheck), max_examples=1500)
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.load_profile("default")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Callable[[Sequence[Row]], pl.Series]:
    return LAYOUTS[request.param]


# Hypothesis takes fixtures of the session alone.
@pytest.fixture(scope="session", params=QUANTITIES, ids=str)
def quantity(request: pytest.FixtureRequest) -> Quantity:
    """Every quantity."""
    return request.param


@pytest.fixture(scope="session", params=[row for row in QUANTITIES if row.pair], ids=str)
def pair(request: pytest.FixtureRequest) -> Quantity:
    """Every quantity that takes q."""
    return request.param


@pytest.fixture(scope="session", params=[row for row in QUANTITIES if row.of_total], ids=str)
def of_total(request: pytest.FixtureRequest) -> Quantity:
    """Every quantity that takes the total of q."""
    return request.param


@pytest.fixture(scope="session", params=[row for row in QUANTITIES if row.sums], ids=str)
def mergeable(request: pytest.FixtureRequest) -> Quantity:
    """Every quantity that has states."""
    return request.param
