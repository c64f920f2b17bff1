"""What the README and the docstrings show is what happens."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import io
import math
import pkgutil
import re
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import polars_entropy
from polars_entropy import _namespace, arrow
from polars_entropy.arrow import logits
from polars_entropy.arrow import map as maps
from quantities import QUANTITIES

ROOT = Path(__file__).parents[1]


BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    if "```python" in page.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_what_their_code_prints(page):
    """Runs the Python blocks one after the other; a text block behind one is what it prints."""
    if page.endswith("duckdb.md"):
        pytest.importorskip("duckdb")
    shown, names, printed = 0, {}, ""
    for language, block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block, page, "exec"), names)  # noqa: S102
            printed = out.getvalue()
        elif language == "text":
            assert printed.split() == block.split()
            shown += 1
            printed = ""
    assert shown > 0
    # Nothing is printed that the page doesn't show.
    assert printed == ""


def test_the_pages_are_there():
    """A page that nobody finds isn't run."""
    assert {"README.md", "docs/index.md", "docs/tutorial.md", "docs/how-to/drift.md"} <= set(PAGES)
    assert len(PAGES) >= 15


FACES = (
    polars_entropy.Info,
    polars_entropy.ListInfo,
    polars_entropy.ArrayInfo,
    polars_entropy.ListLogits,
    polars_entropy.ArrayLogits,
    polars_entropy.ValuesInfo,
    polars_entropy.ListValues,
    polars_entropy.StrInfo,
    polars_entropy.BinInfo,
    polars_entropy.MapInfo,
)
METHODS = [
    getattr(face, name)
    for face in FACES
    for name in dir(face)
    if not name.startswith("_") and callable(getattr(face, name))
]
FUNCTIONS = [value for name, value in vars(arrow).items() if name in arrow.__all__ and not isinstance(value, type)]
OF_LOGITS = [getattr(logits, name) for name in logits.__all__]
OF_MAPS = [getattr(maps, name) for name in maps.__all__]


def test_examples_in_docstrings_run():
    accessors = [
        importlib.import_module(f"{_namespace.__name__}.{module.name}")
        for module in pkgutil.iter_modules(_namespace.__path__)
    ]
    results = [doctest.testmod(module) for module in (_namespace, *accessors, arrow, logits, maps)]
    assert sum(result.failed for result in results) == 0
    # An import and a call at least, for each method, each function and info() itself.
    functions = [*FUNCTIONS, *OF_LOGITS, *OF_MAPS]
    assert sum(result.attempted for result in results) >= 2 * (len(METHODS) + len(functions) + 1)


@pytest.mark.parametrize("method", METHODS + FUNCTIONS + OF_LOGITS + OF_MAPS, ids=lambda m: m.__qualname__)
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
        # The index is infinite as soon as a share underflows.
        "ListLogits": [name for name in names if name != "psi"],
        "ArrayLogits": [name for name in names if name != "psi"],
        "ValuesInfo": ["entropy", "mutual_info", "cond_entropy"],
        "ListValues": ["entropy"],
        "StrInfo": ["entropy"],
        "BinInfo": ["entropy"],
        "MapInfo": names,
    }
    assert sorted(f.__name__ for f in OF_LOGITS) == sorted(methods["ListLogits"])
    assert sorted(f.__name__ for f in OF_MAPS) == sorted(methods["MapInfo"])
    documented = sorted(f"{face}.{name}" for face, of_face in methods.items() for name in of_face)
    assert sorted(m.__qualname__ for m in METHODS) == documented


def test_the_repository_has_one_address():
    """The owner is a placeholder until the repository is public. Then it changes everywhere or nowhere."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = project["urls"]["Source"].removeprefix("https://github.com/")
    owner, name = source.split("/")
    files = [ROOT / "Cargo.toml", ROOT / "CITATION.cff", ROOT / "docs" / "conf.py", *ROOT.glob("*.md")]
    files += [*ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.yml")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    addresses = set(re.findall(r"github\.com/([\w-]+/polars-entropy)", text))
    sites = set(re.findall(r"([\w-]+)\.github\.io/polars-entropy", text))
    assert (addresses, sites) == ({source}, {owner})
    assert name == project["name"]


def test_links_of_the_readme_are_absolute():
    """A package page has no files beside it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)", text, flags=re.MULTILINE)
    assert len(targets) > 10
    assert all(target.startswith("https://") for target in targets)


def test_every_method_has_a_page():
    """The lists of docs/reference, of which `make docs` makes a page each."""
    listed = {
        line.strip()
        for page in (ROOT / "docs" / "reference").glob("*.rst")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("   ") and not line.strip().startswith(":")
    }
    prefixes = {
        "Info": "Expr.info.",
        "ListInfo": "Expr.info.list.",
        "ArrayInfo": "Expr.info.arr.",
        "ListLogits": "Expr.info.list.logits.",
        "ArrayLogits": "Expr.info.arr.logits.",
        "ValuesInfo": "Expr.info.values.",
        "ListValues": "Expr.info.list.values.",
        "StrInfo": "Expr.info.str.",
        "BinInfo": "Expr.info.bin.",
        "MapInfo": "Expr.info.map.",
    }
    methods = {prefixes[m.__qualname__.partition(".")[0]] + m.__name__ for m in METHODS}
    assert methods <= listed
    modules = {f"{module}.{name}" for module, of in (("logits", logits), ("map", maps)) for name in of.__all__}
    assert set(arrow.__all__) | modules <= listed
    # `polars_entropy.spark` without PySpark.
    spark = ast.parse((Path(polars_entropy.__file__).parent / "spark" / "__init__.py").read_text(encoding="utf-8"))
    assert {node.name for node in spark.body if isinstance(node, ast.FunctionDef)} <= listed


def test_the_namespace_is_registered_on_both():
    assert isinstance(pl.col("x").info, polars_entropy.ExprInfo)
    assert isinstance(pl.Series([1.0]).info, polars_entropy.SeriesInfo)
    assert polars_entropy.__version__


def lines_of_code(page, section):
    """The code in the second column of the table of a section."""
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text.partition(f"### {section}\n")[2].partition("\n### ")[0]
    return re.findall(r"^\| [^|]+ \| `(.+)` \|$", table, flags=re.MULTILINE)


PRODUCERS = lines_of_code("docs/how-to/arrow.md", "Producers")
CONSUMERS = lines_of_code("docs/how-to/arrow.md", "Consumers")


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
