"""What the README and the docstrings show is what happens."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path

import polars as pl
import pytest

import polars_entropy
from polars_entropy import _namespace

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("page", "results"), [("README.md", 5), ("docs/scale.md", 1)])
def test_pages(page, results):
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


def test_docstrings():
    results = doctest.testmod(_namespace)
    assert results.failed == 0
    # One for each method, and info() itself.
    assert results.attempted >= 2 * 17


METHODS = [
    getattr(kind, name)
    for kind in (polars_entropy.Info, polars_entropy.ListInfo, polars_entropy.ArrayInfo)
    for name in dir(kind)
    if not name.startswith("_") and callable(getattr(kind, name))
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__qualname__)
def test_every_method_tells_what_it_returns_and_raises_and_shows_it(method):
    for section in ("Returns", "Raises", "Examples"):
        assert f"{section}\n        {'-' * len(section)}" in method.__doc__
    assert ":math:" in method.__doc__


def test_no_method_goes_by_undocumented():
    assert sorted(m.__qualname__ for m in METHODS) == [
        "ArrayInfo.entropy", "ArrayInfo.kl_div", "Info.entr", "Info.entropy", "Info.entropy_merge",
        "Info.entropy_merge_state", "Info.entropy_state", "Info.kl_div", "Info.kl_div_merge", "Info.kl_div_merge_state",
        "Info.kl_div_state", "Info.rel_entr", "ListInfo.entropy", "ListInfo.entropy_state", "ListInfo.kl_div",
        "ListInfo.kl_div_state",
    ]  # fmt: skip


def test_the_namespace_is_registered_on_both():
    assert isinstance(pl.col("x").info, polars_entropy.ExprInfo)
    assert isinstance(pl.Series([1.0]).info, polars_entropy.SeriesInfo)
    assert polars_entropy.__version__
