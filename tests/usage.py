"""Every form that a user writes, for the type checker: it has to accept all of it, and know what comes out."""

from __future__ import annotations

from typing import assert_type

import numpy as np
import polars as pl

import polars_entropy as pe
from polars_entropy import arrow
from polars_entropy.arrow import logits
from polars_entropy.arrow import map as maps

p, x, P = pe.info("p"), pe.info(pl.col("x")), pe.info("P")

assert_type(p.list.entropy(), pl.Expr)
assert_type(p.list.entropy(base=2, nan_policy="omit"), pl.Expr)
assert_type(p.list.kl_div("q"), pl.Expr)
assert_type(p.list.kl_div(pl.col("q"), base=10), pl.Expr)
assert_type(p.list.kl_div([0.2, 0.3, 0.5]), pl.Expr)
assert_type(p.list.kl_div((1, 2, None)), pl.Expr)
assert_type(p.list.kl_div(np.array([0.2, 0.3, 0.5])), pl.Expr)
assert_type(p.list.kl_div(pl.Series([[1.0, 2.0]]), nan_policy="raise"), pl.Expr)

assert_type(P.arr.entropy(axis=-1, keepdims=False), pl.Expr)
assert_type(P.arr.entropy(axis=(0, 1), keepdims=True), pl.Expr)
assert_type(P.arr.entropy(axis=None, base=2), pl.Expr)
assert_type(P.arr.kl_div("Q", axis=0), pl.Expr)
assert_type(P.arr.kl_div([[0.5, 0.5], [0.1, 0.9]]), pl.Expr)
assert_type(P.arr.kl_div(np.ones((2, 2))), pl.Expr)

assert_type(x.entropy(), pl.Expr)
assert_type(x.kl_div("y", base=2, nan_policy="propagate"), pl.Expr)
assert_type(x.kl_div(1.0), pl.Expr)
assert_type(x.kl_div(pl.col("y").mean()), pl.Expr)
assert_type(x.kl_div([1.0, 2.0]), pl.Expr)
assert_type(x.entr(), pl.Expr)
assert_type(x.rel_entr("y"), pl.Expr)
assert_type(x.rel_entr(2), pl.Expr)

assert_type(x.entropy_state(nan_policy="omit"), pl.Expr)
assert_type(x.kl_div_state("y"), pl.Expr)
assert_type(p.list.entropy_state(), pl.Expr)
assert_type(p.list.kl_div_state([0.5, 0.5]), pl.Expr)
assert_type(x.merge(base=2), pl.Expr)
assert_type(x.merge(), pl.Expr)
assert_type(x.merge_state(), pl.Expr)

assert_type(p.list.logits.entropy(base=2), pl.Expr)
assert_type(p.list.logits.kl_div("q"), pl.Expr)
assert_type(p.list.logits.js_div([0.0, 1.0]), pl.Expr)
assert_type(P.arr.logits.cross_entropy("Q", axis=-1, keepdims=True), pl.Expr)

assert_type(x.values.entropy(base=2, nan_policy="omit", estimator="miller_madow"), pl.Expr)
assert_type(x.values.mutual_info("y"), pl.Expr)
assert_type(x.values.cond_entropy(pl.col("y")), pl.Expr)
assert_type(p.list.values.entropy(), pl.Expr)
assert_type(x.entropy(estimator="chao_shen"), pl.Expr)
assert_type(x.str.entropy(base=2), pl.Expr)
assert_type(x.bin.entropy(), pl.Expr)
assert_type(p.map.entropy(), pl.Expr)
assert_type(p.map.psi("q", pseudo_count=0.5), pl.Expr)
assert_type(p.map.kl_div({"a": 1, "b": 2.5}), pl.Expr)
assert_type(p.map.js_div({1: None}), pl.Expr)

column = pl.Series("x", [1.0, 2.0])
assert_type(pe.info(column).values.mutual_info(column), pl.Series)
assert_type(pe.info(column).map.cross_entropy(column), pl.Series)
assert_type(pe.info(column).merge(), pl.Series)
assert_type(pe.info(column).merge_state(), pl.Series)
assert_type(pe.info(column).entropy(), pl.Series)
assert_type(pe.info(column).kl_div([1, 1]), pl.Series)
assert_type(pe.info(column).entr(), pl.Series)
assert_type(pe.info(column).list.entropy(), pl.Series)
assert_type(pe.info(column).arr.kl_div(column), pl.Series)

assert_type(pe.info(column).list.logits.entropy(), pl.Series)

# A Series is a stream of arrays, and so are its values.
assert_type(logits.entropy(column), arrow.ChunkedArray)
assert_type(maps.entropy(column, base=2), arrow.ChunkedArray)
assert_type(maps.psi(column, column, pseudo_count=0.5), arrow.ChunkedArray)
assert_type(maps.js_div(arrow.entr(column).chunks[0], {"a": 1, "b": None}), arrow.Array)
assert_type(arrow.entropy(column), arrow.ChunkedArray)
assert_type(arrow.entropy(arrow.entr(column), base=2, nan_policy="omit"), arrow.ChunkedArray)
assert_type(arrow.kl_div(column, [0.5, None]), arrow.ChunkedArray)
assert_type(arrow.kl_div(column, column, base=2), arrow.ChunkedArray)
assert_type(arrow.rel_entr(column, 1), arrow.ChunkedArray)
assert_type(arrow.rel_entr(arrow.entr(column).chunks[0], np.ones(2)), arrow.Array)
