//! The Polars expressions: thin shells, one for each exported name. Which of them make up a method is decided in Python
//! (`_lowering.py`); what is right for which dtype, in [`dtypes`]. Polars loads the library by its path and finds the
//! expressions in it by name.

mod cells;
mod dtypes;
mod errors;
mod flat;
mod kwargs;
mod leaf;
mod lists;
mod states;

use polars::prelude::*;
use pyo3_polars::PolarsAllocator;
use pyo3_polars::derive::polars_expr;

use self::dtypes::{Method, Shape, float, precision};
use self::kwargs::{CellKwargs, ElementKwargs, Fixed, RowKwargs, SumKwargs, SummandKwargs};
use crate::kernel::contract::{Precision, Unit};
use crate::kernel::states::{merge_entropy, merge_kl_div};

/// Shares the allocator of the Polars process, which frees what the expressions return.
#[global_allocator]
static ALLOC: PolarsAllocator = PolarsAllocator::new();

// Rows of List columns.

fn list_output(fields: &[Field], kwargs: RowKwargs) -> PolarsResult<Field> {
    let fields = &*Fixed::fields(kwargs.fixed.as_ref(), fields, true);
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

fn list_state_output(fields: &[Field], kwargs: RowKwargs) -> PolarsResult<Field> {
    let fields = &*Fixed::fields(kwargs.fixed.as_ref(), fields, true);
    let name = if fields.len() == 1 { "entropy_state" } else { "kl_div_state" };
    let value = dtypes::list_output(Method { shape: Shape::List, name }, fields)?;
    let state = lists::state_dtype(fields.len(), precision([value.dtype().leaf_dtype()]));
    Ok(Field::new(value.name, dtypes::reduce_innermost(fields[0].dtype(), state)))
}

#[polars_expr(output_type_func_with_kwargs=list_state_output)]
fn list_entropy_state(inputs: &[Series], kwargs: RowKwargs) -> PolarsResult<Series> {
    lists::apply_states(inputs, &kwargs)
}

#[polars_expr(output_type_func_with_kwargs=list_state_output)]
fn list_kl_div_state(inputs: &[Series], kwargs: RowKwargs) -> PolarsResult<Series> {
    lists::apply_states(inputs, &kwargs)
}

// Axes of Array columns.

fn arr_output(fields: &[Field], kwargs: CellKwargs) -> PolarsResult<Field> {
    let fields = &*Fixed::fields(kwargs.fixed.as_ref(), fields, false);
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
    Ok(Field::new(value.name, flat::summand_dtype(&kwargs, precision)))
}

#[polars_expr(output_type_func_with_kwargs=summand_output)]
fn entropy_summand(inputs: &[Series], kwargs: SummandKwargs) -> PolarsResult<Series> {
    flat::entropy_summand(&inputs[0], &kwargs, dtypes::of_series(inputs, false))
}

#[polars_expr(output_type_func_with_kwargs=summand_output)]
fn kl_div_summand(inputs: &[Series], kwargs: SummandKwargs) -> PolarsResult<Series> {
    flat::kl_div_summand(&inputs[0], &inputs[1], &kwargs, dtypes::of_series(inputs, kwargs.weak_q))
}

fn missing_output(fields: &[Field], kwargs: ElementKwargs) -> PolarsResult<Field> {
    let method = Method::of_distributions(Shape::Flat, fields.len());
    let value = dtypes::flat_output(method, fields, kwargs.weak_q)?;
    Ok(Field::new(value.name, DataType::Int64))
}

#[polars_expr(output_type_func_with_kwargs=missing_output)]
fn missing(inputs: &[Series], kwargs: ElementKwargs) -> PolarsResult<Series> {
    match inputs {
        [p, q] => flat::missing_pairs(p, q, kwargs.sequence),
        _ => flat::missing(&inputs[0]),
    }
}

fn precision_of_sums(fields: &[Field]) -> Precision {
    flat::precision_of_sums(fields.iter().map(Field::dtype))
}

fn sums_output(fields: &[Field], _: SumKwargs) -> PolarsResult<Field> {
    Ok(Field::new(fields[0].name.clone(), float(precision_of_sums(fields))))
}

#[polars_expr(output_type_func_with_kwargs=sums_output)]
fn entropy_of_sums(inputs: &[Series], kwargs: SumKwargs) -> PolarsResult<Series> {
    flat::entropy_of_sums(inputs, kwargs.unit())
}

#[polars_expr(output_type_func_with_kwargs=sums_output)]
fn kl_div_of_sums(inputs: &[Series], kwargs: SumKwargs) -> PolarsResult<Series> {
    flat::kl_div_of_sums(inputs, kwargs.unit())
}

// States of columns, groups and windows, and what they merge to.

fn entropy_state_output(fields: &[Field]) -> PolarsResult<Field> {
    Ok(Field::new(fields[0].name.clone(), states::ENTROPY.dtype(precision_of_sums(fields))))
}

#[polars_expr(output_type_func=entropy_state_output)]
fn entropy_state_of_sums(inputs: &[Series]) -> PolarsResult<Series> {
    flat::entropy_state_of_sums(inputs)
}

fn kl_div_state_output(fields: &[Field]) -> PolarsResult<Field> {
    Ok(Field::new(fields[0].name.clone(), states::KL_DIV.dtype(precision_of_sums(fields))))
}

#[polars_expr(output_type_func=kl_div_state_output)]
fn kl_div_state_of_sums(inputs: &[Series]) -> PolarsResult<Series> {
    flat::kl_div_state_of_sums(inputs)
}

/// What states merge to: values, or states again.
macro_rules! merges {
    ($($kind:ident by $merge:ident: $value:ident -> $value_output:ident, $state:ident -> $state_output:ident;)+) => {$(
        fn $value_output(fields: &[Field], _: SumKwargs) -> PolarsResult<Field> {
            Ok(Field::new(fields[0].name.clone(), float(states::$kind.precision(&fields[0])?)))
        }

        #[polars_expr(output_type_func_with_kwargs=$value_output)]
        fn $value(inputs: &[Series], kwargs: SumKwargs) -> PolarsResult<Series> {
            let precision = states::$kind.precision(&inputs[0].field())?;
            let merged = states::$kind.merge(&inputs[0], kwargs.unit(), $merge)?;
            leaf::series(inputs[0].name(), vec![leaf::values(merged.values, precision)])
        }

        fn $state_output(fields: &[Field]) -> PolarsResult<Field> {
            let precision = states::$kind.precision(&fields[0])?;
            Ok(Field::new(fields[0].name.clone(), states::$kind.dtype(precision)))
        }

        #[polars_expr(output_type_func=$state_output)]
        fn $state(inputs: &[Series]) -> PolarsResult<Series> {
            let precision = states::$kind.precision(&inputs[0].field())?;
            let merged = states::$kind.merge(&inputs[0], Unit::new(None), $merge)?;
            leaf::series(inputs[0].name(), vec![states::$kind.array(merged, precision)])
        }
    )+};
}

merges! {
    ENTROPY by merge_entropy: entropy_merge -> entropy_merge_output,
        entropy_merge_state -> entropy_merge_state_output;
    KL_DIV by merge_kl_div: kl_div_merge -> kl_div_merge_output,
        kl_div_merge_state -> kl_div_merge_state_output;
}
