//! Polars expressions: thin shells, one for each exported name. A quantity goes by its name, an argument, so there are as many of
//! them however many quantities there are. Which expressions make up a method is decided in Python (`_lowering.py`); what is
//! right for which dtype, in [`dtypes`]. Polars loads the library by its path and finds the expressions in it by name.

mod arrays;
mod chunks;
mod columns;
mod convert;
mod dtypes;
mod errors;
mod fixed;
mod keys;
mod kwargs;
mod lists;
mod maps;
mod observed;
mod states;
pub(crate) mod summands;
mod totals;

use polars::prelude::*;
use pyo3_polars::PolarsAllocator;
use pyo3_polars::derive::polars_expr;

use self::kwargs::{
    AxesKwargs, CharacterKwargs, ElementKwargs, KeyKwargs, KeyRowKwargs, MapKwargs, MergeKwargs,
    MissingKwargs, PairKwargs, RowKwargs, SumKwargs, SummandKwargs,
};
use self::states::StateKind;
use self::totals::Totals;
use crate::kernel::options::Unit;

/// Shares the allocator of the Polars process, which frees what the expressions return.
#[global_allocator]
static ALLOC: PolarsAllocator = PolarsAllocator::new();

// Rows of List columns.

fn rows_field(fields: &[Field], kwargs: RowKwargs) -> PolarsResult<Field> {
    lists::values_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=rows_field)]
fn rows(inputs: &[Series], kwargs: RowKwargs) -> PolarsResult<Series> {
    lists::values(inputs, &kwargs)
}

fn rows_state_field(fields: &[Field], kwargs: RowKwargs) -> PolarsResult<Field> {
    lists::states_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=rows_state_field)]
fn rows_state(inputs: &[Series], kwargs: RowKwargs) -> PolarsResult<Series> {
    lists::states(inputs, &kwargs)
}

// Axes of Array columns.

fn axes_field(fields: &[Field], kwargs: AxesKwargs) -> PolarsResult<Field> {
    arrays::values_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=axes_field)]
fn axes(inputs: &[Series], kwargs: AxesKwargs) -> PolarsResult<Series> {
    arrays::values(inputs, &kwargs)
}

// Elements of flat columns.

fn element_field(fields: &[Field], kwargs: ElementKwargs) -> PolarsResult<Field> {
    columns::element_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=element_field)]
fn element(inputs: &[Series], kwargs: ElementKwargs) -> PolarsResult<Series> {
    columns::element(inputs, &kwargs)
}

// Columns, groups and windows: what is summed, and what the sums amount to.

fn summand_field(fields: &[Field], kwargs: SummandKwargs) -> PolarsResult<Field> {
    summands::field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=summand_field)]
fn summand(inputs: &[Series], kwargs: SummandKwargs) -> PolarsResult<Series> {
    summands::column(inputs, &kwargs)
}

fn missing_field(fields: &[Field], kwargs: MissingKwargs) -> PolarsResult<Field> {
    columns::missing_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=missing_field)]
fn missing(inputs: &[Series], kwargs: MissingKwargs) -> PolarsResult<Series> {
    columns::missing(inputs, &kwargs)
}

fn of_sums_field(fields: &[Field], kwargs: SumKwargs) -> PolarsResult<Field> {
    columns::values_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=of_sums_field)]
fn of_sums(inputs: &[Series], kwargs: SumKwargs) -> PolarsResult<Series> {
    columns::values(inputs, &kwargs)
}

fn state_of_sums_field(fields: &[Field], kwargs: SumKwargs) -> PolarsResult<Field> {
    columns::states_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=state_of_sums_field)]
fn state_of_sums(inputs: &[Series], kwargs: SumKwargs) -> PolarsResult<Series> {
    columns::states(inputs, &kwargs)
}

// Observed values.

fn keys_field(fields: &[Field], kwargs: KeyKwargs) -> PolarsResult<Field> {
    observed::keys_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=keys_field)]
fn keys(inputs: &[Series], kwargs: KeyKwargs) -> PolarsResult<Series> {
    observed::keys(inputs, &kwargs)
}

fn key_rows_field(fields: &[Field], kwargs: KeyRowKwargs) -> PolarsResult<Field> {
    observed::rows_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=key_rows_field)]
fn key_rows(inputs: &[Series], kwargs: KeyRowKwargs) -> PolarsResult<Series> {
    observed::rows(inputs, &kwargs)
}

fn key_pairs_field(fields: &[Field]) -> PolarsResult<Field> {
    observed::pairs_field(fields)
}

#[polars_expr(output_type_func=key_pairs_field)]
fn key_pairs(inputs: &[Series], kwargs: PairKwargs) -> PolarsResult<Series> {
    observed::pairs(inputs, &kwargs)
}

fn characters_field(fields: &[Field], kwargs: CharacterKwargs) -> PolarsResult<Field> {
    observed::characters_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=characters_field)]
fn characters(inputs: &[Series], kwargs: CharacterKwargs) -> PolarsResult<Series> {
    observed::characters(inputs, &kwargs)
}

// Rows of keys and weights.

fn map_rows_field(fields: &[Field], kwargs: MapKwargs) -> PolarsResult<Field> {
    maps::values_field(fields, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=map_rows_field)]
fn map_rows(inputs: &[Series], kwargs: MapKwargs) -> PolarsResult<Series> {
    maps::values(inputs, &kwargs)
}

// States, and what they merge to.

fn merge_field(fields: &[Field], kwargs: MergeKwargs) -> PolarsResult<Field> {
    let fields = Totals::split_fields(fields, kwargs.q_totals, "info.merge")?;
    let precision = StateKind::of_lists(&fields[0])?.precision();
    Ok(Field::new(fields[0].name.clone(), dtypes::float(precision)))
}

#[polars_expr(output_type_func_with_kwargs=merge_field)]
fn merge(inputs: &[Series], kwargs: MergeKwargs) -> PolarsResult<Series> {
    let (inputs, totals) = Totals::split(inputs, kwargs.q_totals)?;
    let kind = StateKind::of_lists(&inputs[0].field())?;
    let merged = kind.merge(&inputs[0], totals.as_ref(), kwargs.unit())?;
    convert::series(inputs[0].name(), vec![convert::values(merged.values, kind.precision())])
}

fn merge_state_field(fields: &[Field]) -> PolarsResult<Field> {
    Ok(Field::new(fields[0].name.clone(), StateKind::of_lists(&fields[0])?.dtype()))
}

#[polars_expr(output_type_func=merge_state_field)]
fn merge_state(inputs: &[Series]) -> PolarsResult<Series> {
    let kind = StateKind::of_lists(&inputs[0].field())?;
    let merged = kind.merge(&inputs[0], None, Unit::new(None))?;
    convert::series(inputs[0].name(), vec![kind.array(merged)])
}
