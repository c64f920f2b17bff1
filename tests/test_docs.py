"""What the README and the docstrings show is what happens."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import math
import pkgutil
import re
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import polars_entropy
from polars_entropy import _namespace, arrow
from quantities import QUANTITIES

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("page", "results"), [("README.md", 6), ("docs/recipes.md", 10), ("docs/scale.md", 1), ("docs/arrow.md", 1)]
)
def test_pages_show_what_their_code_prints(page, results):
    """Runs the Python blocks one after the other; a text block behind one is what it prints."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    shown, names, printed = 0, {}, ""
    for language, block in blocks:
        if language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block, page, "exec"), names)  # noqa: S102
            printed = out.getvalue()
        elif language == "text":
            assert printed.split() == block.split()
            shown += 1
    assert shown == results


FACES = (polars_entropy.Info, polars_entropy.ListInfo, polars_entropy.ArrayInfo)
METHODS = [
    getattr(face, name)
    for face in FACES
    for name in dir(face)
    if not name.startswith("_") and callable(getattr(face, name))
]
FUNCTIONS = [value for name, value in vars(arrow).items() if name in arrow.__all__ and not isinstance(value, type)]


def test_examples_in_docstrings_run():
    accessors = [
        importlib.import_module(f"{_namespace.__name__}.{module.name}")
        for module in pkgutil.iter_modules(_namespace.__path__)
    ]
    results = [doctest.testmod(module) for module in (_namespace, *accessors, arrow)]
    assert sum(result.failed for result in results) == 0
    # An import and a call at least, for each method, each function and info() itself.
    assert sum(result.attempted for result in results) >= 2 * (len(METHODS) + len(FUNCTIONS) + 1)


@pytest.mark.parametrize("method", METHODS + FUNCTIONS, ids=lambda m: m.__qualname__)
def test_every_method_tells_what_it_returns_and_raises_and_shows_it(method):
    for section in ("Returns", "Raises", "Examples"):
        assert re.search(rf"^ +{section}\n +{'-' * len(section)}$", method.__doc__, flags=re.MULTILINE)
    assert ":math:" in method.__doc__


def test_no_method_goes_by_undocumented():
    names = [quantity.name for quantity in QUANTITIES]
    states = [f"{quantity}_state" for quantity in QUANTITIES if quantity.pair or quantity.sums]
    elements = ["entr", "rel_entr"]
    assert sorted(f.__name__ for f in FUNCTIONS) == sorted(names + elements)
    methods = {
        "Info": [*names, *states, *elements, "merge", "merge_state"],
        "ListInfo": [*names, *states],
        "ArrayInfo": names,
    }
    documented = sorted(f"{face}.{name}" for face, of_face in methods.items() for name in of_face)
    assert sorted(m.__qualname__ for m in METHODS) == documented


def test_the_namespace_is_registered_on_both():
    assert isinstance(pl.col("x").info, polars_entropy.ExprInfo)
    assert isinstance(pl.Series([1.0]).info, polars_entropy.SeriesInfo)
    assert polars_entropy.__version__


def lines_of_code(page, section):
    """The code in the second column of the table of a section."""
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text.partition(f"### {section}\n")[2].partition("\n### ")[0]
    return re.findall(r"^\| [^|]+ \| `(.+)` \|$", table, flags=re.MULTILINE)


PRODUCERS = lines_of_code("docs/arrow.md", "Producers")
CONSUMERS = lines_of_code("docs/arrow.md", "Consumers")


@pytest.fixture
def names(tmp_path):
    """What the lines of code speak of."""
    rows = [[1.0, 1.0], [0.0, 3.0], [2.0, 2.0]]
    weights = pa.table({"p": rows, "other": ["a", "b", "c"]})
    path = tmp_path / "weights.parquet"
    pyarrow.parquet.write_table(weights, path)
    named = {"rows": rows, "weights": weights, "path": path, "matrix": np.array(rows), "entropy": arrow.entropy}
    return named | {"pa": pa, "pyarrow": pyarrow, "pl": pl, "np": np}


LIBRARIES = {
    "pd.": "pandas",
    "duckdb.": "duckdb",
    "datafusion.": "datafusion",
    "nanoarrow.": "nanoarrow",
    "arro3.": "arro3",
}


def libraries(line):
    """Those that a line of code names, which not every environment has."""
    for prefix, module in LIBRARIES.items():
        if re.search(rf"\b{re.escape(prefix)}", line):
            library = pytest.importorskip(module)
            if module == "arro3":
                pytest.importorskip("arro3.core")
            yield prefix.rstrip("."), library


WANT = [math.log(2), 0.0, math.log(2)]


@pytest.mark.parametrize("line", PRODUCERS)
def test_every_producer_is_read(names, line):
    names |= dict(libraries(line))
    if line.startswith("entropy(pd.") and int(names["pd"].__version__.split(".")[0]) < 3:
        pytest.skip("needs pandas 3")
    # DuckDB finds tables among the variables around it.
    weights = names["weights"]
    values = eval(line, names, {"weights": weights})  # noqa: S307
    assert pl.Series(values).to_list() == WANT


@pytest.mark.parametrize("line", CONSUMERS)
def test_every_consumer_gets_the_values(names, line):
    names |= dict(libraries(line))
    names["values"] = arrow.entropy(pa.array(names["rows"]))
    values = eval(line, names)  # noqa: S307
    got = values if isinstance(values, list) else pa.array(values).to_pylist()
    assert got == WANT


def test_the_tables_are_not_empty():
    assert len(PRODUCERS) >= 15
    assert len(CONSUMERS) >= 7
