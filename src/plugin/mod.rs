//! The Polars expressions: thin shells, one for each exported name. Which of them make up a method is decided in Python
//! (`_lowering.py`); what is right for which dtype, in [`dtypes`].

mod cells;
mod dtypes;
mod errors;
mod flat;
mod kwargs;
mod leaf;
mod lists;

use polars::prelude::*;
use pyo3::types::PyModule;
use pyo3::{Bound, PyResult, pymodule};
use pyo3_polars::PolarsAllocator;
use pyo3_polars::derive::polars_expr;

use self::dtypes::{Method, Shape, precision};
use self::kwargs::{CellKwargs, ElementKwargs, RowKwargs, SumKwargs, SummandKwargs};

/// Shares the allocator of the Polars process, which frees what the expressions return.
#[global_allocator]
static ALLOC: PolarsAllocator = PolarsAllocator::new();

/// The module is empty: Polars loads the library by its path and finds the expressions in it by name.
#[pymodule]
fn _lib(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}

// Rows of List columns.

fn list_output(fields: &[Field], _: RowKwargs) -> PolarsResult<Field> {
    dtypes::list_output(Method::of_distributions(Shape::List, fields.len()), fields)
}

#[polars_expr(output_type_func_with_kwargs=list_output)]
fn list_entropy(inputs: &[Series], kwargs: RowKwargs) -> PolarsResult<Series> {
    lists::apply(inputs, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=list_output)]
fn list_kl_div(inputs: &[Series], kwargs: RowKwargs) -> PolarsResult<Series> {
    lists::apply(inputs, &kwargs)
}

// Axes of Array columns.

fn arr_output(fields: &[Field], kwargs: CellKwargs) -> PolarsResult<Field> {
    dtypes::arr_output(Method::of_distributions(Shape::Array, fields.len()), fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=arr_output)]
fn arr_entropy(inputs: &[Series], kwargs: CellKwargs) -> PolarsResult<Series> {
    cells::apply(inputs, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=arr_output)]
fn arr_kl_div(inputs: &[Series], kwargs: CellKwargs) -> PolarsResult<Series> {
    cells::apply(inputs, &kwargs)
}

// Elements of flat columns.

fn element_output(fields: &[Field], kwargs: ElementKwargs) -> PolarsResult<Field> {
    let name = if fields.len() == 1 { "entr" } else { "rel_entr" };
    dtypes::flat_output(Method { shape: Shape::Flat, name }, fields, kwargs.weak_q)
}

#[polars_expr(output_type_func_with_kwargs=element_output)]
fn entr(inputs: &[Series], kwargs: ElementKwargs) -> PolarsResult<Series> {
    flat::entr(&inputs[0], dtypes::of_series(inputs, kwargs.weak_q))
}

#[polars_expr(output_type_func_with_kwargs=element_output)]
fn rel_entr(inputs: &[Series], kwargs: ElementKwargs) -> PolarsResult<Series> {
    flat::rel_entr(&inputs[0], &inputs[1], &kwargs, dtypes::of_series(inputs, kwargs.weak_q))
}

// Columns, groups and windows: what is summed, and what the sums amount to.

fn summand_output(fields: &[Field], kwargs: SummandKwargs) -> PolarsResult<Field> {
    let method = Method::of_distributions(Shape::Flat, fields.len());
    let value = dtypes::flat_output(method, fields, kwargs.weak_q)?;
    let precision = precision([value.dtype()]);
    Ok(Field::new(value.name, flat::part_dtype(&kwargs, precision)))
}

#[polars_expr(output_type_func_with_kwargs=summand_output)]
fn entropy_summand(inputs: &[Series], kwargs: SummandKwargs) -> PolarsResult<Series> {
    flat::entropy_summand(&inputs[0], &kwargs, dtypes::of_series(inputs, false))
}

#[polars_expr(output_type_func_with_kwargs=summand_output)]
fn kl_div_summand(inputs: &[Series], kwargs: SummandKwargs) -> PolarsResult<Series> {
    flat::kl_div_summand(&inputs[0], &inputs[1], &kwargs, dtypes::of_series(inputs, kwargs.weak_q))
}

fn sums_output(fields: &[Field], _: SumKwargs) -> PolarsResult<Field> {
    let ranks = fields.last().ok_or_else(|| polars_err!(ComputeError: "expected sums and ranks"))?;
    let precision = flat::precision_of_ranks(ranks.dtype());
    Ok(Field::new(fields[0].name.clone(), precision.dtype()))
}

#[polars_expr(output_type_func_with_kwargs=sums_output)]
fn entropy_of_sums(inputs: &[Series], kwargs: SumKwargs) -> PolarsResult<Series> {
    flat::entropy_of_sums(inputs, kwargs.unit())
}

#[polars_expr(output_type_func_with_kwargs=sums_output)]
fn kl_div_of_sums(inputs: &[Series], kwargs: SumKwargs) -> PolarsResult<Series> {
    flat::kl_div_of_sums(inputs, kwargs.unit())
}
