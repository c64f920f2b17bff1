"""The registry is complete: no quantity without a row, no row without its methods, no expression that nobody knows."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

import polars_entropy
from polars_entropy import _lib, arrow
from quantities import QUANTITIES

# The expressions that the plugin exports. A quantity adds none: it is an argument of them.
EXPRESSIONS = {
    "rows", "rows_state", "axes", "element", "summand", "missing", "of_sums", "state_of_sums", "merge", "merge_state",
    # Keys and weights; observed values; characters.
    "map_rows",
    "keys",
    "key_rows",
    "key_pairs",
    "characters",
}  # fmt: skip

NAMES = [quantity.name for quantity in QUANTITIES]
# The rules that a case can show of one input, and of two.
RULES = {False: {"1", "3", "4", "5", "6", "7", "9"}, True: {"1", "3", "4", "5", "6", "7", "8", "9"}}


def test_every_quantity_of_the_plugin_has_its_row():
    assert sorted(NAMES) == sorted(_lib.QUANTITIES)
    assert [able.name for able in _lib.QUANTITIES.values()] == list(_lib.QUANTITIES)


def test_rows_say_of_quantities_what_the_plugin_does(quantity):
    able = _lib.QUANTITIES[quantity.name]
    assert able.pair == quantity.pair
    assert (able.state_sums is not None) == bool(quantity.sums)


def test_every_quantity_has_cases_of_every_rule(quantity):
    # The one rule that a quantity may not have.
    rules = {case.rule.split()[0] for case in quantity.cases} | ({"8"} if quantity.name == "js_div" else set())
    assert rules == RULES[quantity.pair]
    assert all(len(case.inputs) == len(quantity.columns) for case in quantity.cases)
    names = [case.rule for case in quantity.cases]
    assert len(set(names)) == len(names)


def test_every_quantity_has_its_methods(quantity):
    faces = [polars_entropy.Info, polars_entropy.ListInfo, polars_entropy.ArrayInfo, arrow]
    assert all(callable(getattr(face, quantity.name, None)) for face in faces)
    assert quantity.name in arrow.__all__
    has_state = [hasattr(face, f"{quantity.name}_state") for face in faces]
    # A quantity without states has methods that refuse them.
    assert has_state == [quantity.pair or bool(quantity.sums)] * 2 + [False] * 2


def test_every_quantity_has_its_functions_over_spark(quantity):
    # Read, since it can be imported only where PySpark is.
    source = (Path(polars_entropy.__file__).parent / "spark" / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    [names] = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(names) <= defined
    assert {quantity.name, f"list_{quantity.name}"} <= set(names)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names that an ELF file exports")
def test_the_plugin_exports_these_expressions_and_no_other():
    exported = set(re.findall(rb"(?<=\0)_polars_plugin_(\w+)(?=\0)", Path(_lib.__file__).read_bytes()))
    names = {name.decode() for name in exported}
    of_schema = {name.removeprefix("field_") for name in names if name.startswith("field_")}
    # What Polars asks of any plugin.
    protocol = {"get_version", "get_last_error_message"}
    assert of_schema == EXPRESSIONS
    assert names - {f"field_{name}" for name in of_schema} - protocol == EXPRESSIONS
