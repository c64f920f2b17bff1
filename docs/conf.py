"""Configuration of the site: `make docs`."""

from __future__ import annotations

import socket
from importlib.metadata import version as version_of
from pathlib import Path

import polars as pl
from sphinx_autosummary_accessors import templates_path as accessor_templates

import polars_entropy as pe

HERE = Path(__file__).parent
REPOSITORY = "https://github.com/polars-entropy/polars-entropy"

project = "polars-entropy"
author = "The polars-entropy developers"
copyright = f"2026, {author}"  # noqa: A001
release = version_of("polars-entropy")
version = release

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_autosummary_accessors",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates", accessor_templates]
exclude_patterns = ["_build", "upstream", "**sg_execution_times.rst"]
# gallery: sphinx-gallery writes it, and says on each page which script it is from.
nitpicky = True

# Markdown as on the package page.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# The configuration of the gallery has a function in it, which is no reason to build anew.
suppress_warnings = ["config.cache"]

# The methods as users find them, polars.Expr.info.list.kl_div. Accessors are properties, which lead nowhere on a class.
# Here they lead to the class of what they give.


class _OnTheClass:
    """A property that is the class of its value where it is looked up on a class."""

    def __init__(self, of_instances: property, accessor: type) -> None:
        self.of_instances = of_instances
        self.accessor = accessor

    def __get__(self, instance: object, owner: type) -> object:
        return self.accessor if instance is None else self.of_instances.__get__(instance, owner)


pe.Info.list = _OnTheClass(pe.Info.list, pe.ListInfo)
pe.Info.arr = _OnTheClass(pe.Info.arr, pe.ArrayInfo)
pe.Info.values = _OnTheClass(pe.Info.values, pe.ValuesInfo)
pe.Info.str = _OnTheClass(pe.Info.str, pe.StrInfo)
pe.Info.bin = _OnTheClass(pe.Info.bin, pe.BinInfo)
pe.Info.map = _OnTheClass(pe.Info.map, pe.MapInfo)
pe.ListInfo.logits = _OnTheClass(pe.ListInfo.logits, pe.ListLogits)
pe.ListInfo.values = _OnTheClass(pe.ListInfo.values, pe.ListValues)
pe.ArrayInfo.logits = _OnTheClass(pe.ArrayInfo.logits, pe.ArrayLogits)
assert pl.Expr.info.list is pe.ListInfo  # noqa: S101

autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_class_members_toctree = False

# Without a network, names of other projects are no links.
try:
    socket.create_connection(("docs.python.org", 443), timeout=3).close()
except OSError:
    intersphinx_mapping = {}
else:
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable/", None),
        "polars": ("https://docs.pola.rs/api/python/stable/", None),
        "python": ("https://docs.python.org/3/", None),
        "scipy": ("https://docs.scipy.org/doc/scipy/", None),
    }

# What is copied is the code.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# Single backticks are code, as in Polars' docstrings.
default_role = "code"

# From npm, so that formulas show without a network: see the Makefile.
mathjax_path = "mathjax/tex-svg.js"

html_theme = "pydata_sphinx_theme"
html_title = "polars-entropy"
html_static_path = ["_static", "../target/mathjax-static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "github_url": REPOSITORY,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": ["page-toc"],
}

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples" / "gallery"),
    "gallery_dirs": "gallery",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1_000,
    "copyfile_regex": r".*\.rst",
    "remove_config_comments": True,
    "image_scrapers": ("matplotlib",),
}

# Its documentation needs no cluster.
autodoc_mock_imports = ["pyspark"]
