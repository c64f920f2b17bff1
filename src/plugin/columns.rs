//! Flat columns: element by element, and the sums of columns, groups and windows.
//!
//! A group's value is taken from native sums over what the `summand` expressions make of each element ([`summands`](super::summands)),
//! so that it stays in the engine's own group-by. What isn't a number travels in these sums as a signal: see
//! [`rules`](crate::kernel::rules#signals).

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;
use polars_arrow::bitmap::Bitmap;
use polars_arrow::compute::utils::combine_validities_and;

use super::convert::{self, Float};
use super::dtypes::{self, Method, Shape};
use super::errors::{missing_in_column, pair_elements};
use super::kwargs::{ElementKwargs, MissingKwargs, Sequence, SumKwargs};
use super::states::StateKind;
use super::totals::{self, Totals};
use crate::kernel::broadcast::{Broadcast, Mismatch};
use crate::kernel::options::{Precision, Unit};
use crate::kernel::registry::Registered;
use crate::kernel::remainder::TotalOf;
use crate::kernel::rules::{SplitSum, first_missing, marks_of_single};
use crate::kernel::summands;
use crate::kernel::weights::Weights;

/// Something that is computed of the weights of p and q, of either float type.
pub trait OfWeights {
    type Out;
    fn of<T: Float>(self, p: Weights<T>, q: Option<Weights<T>>) -> PolarsResult<Self::Out>;
}

/// The pairs that the columns make, if there are two.
pub fn pairs(inputs: &[Series], sequence: Sequence) -> PolarsResult<Option<Broadcast>> {
    match inputs {
        [p, q] => pair_elements(p, q, sequence).map(Some),
        _ => Ok(None),
    }
}

/// Computes something of columns, in single precision if all of them have it.
pub fn of_columns<O: OfWeights>(inputs: &[Series], compute: O) -> PolarsResult<O::Out> {
    match dtypes::precision(inputs.iter().map(|s| s.dtype())) {
        Precision::Single => of_columns_in::<f32, O>(inputs, compute),
        Precision::Double => of_columns_in::<f64, O>(inputs, compute),
    }
}

fn of_columns_in<T: Float, O: OfWeights>(inputs: &[Series], compute: O) -> PolarsResult<O::Out> {
    let p = convert::column::<T>(&inputs[0])?;
    let q = inputs.get(1).map(convert::column::<T>).transpose()?;
    compute.of(convert::weights(&p), q.as_ref().map(convert::weights))
}

/// The error of columns that no check has compared.
pub fn mismatch(Mismatch { p, q }: Mismatch) -> PolarsError {
    polars_err!(ShapeMismatch: "p has {p} rows and q has {q}")
}

/// Field of a function of elements.
pub fn element_field(fields: &[Field], kwargs: &ElementKwargs) -> PolarsResult<Field> {
    dtypes::flat_output(Method::element(kwargs.function.0), fields, kwargs.weak_q)
}

/// Values of a function of elements, null for null.
pub fn element(inputs: &[Series], kwargs: &ElementKwargs) -> PolarsResult<Series> {
    struct Elements<'a>(&'a ElementKwargs);
    impl OfWeights for Elements<'_> {
        type Out = Vec<f64>;

        fn of<T: Float>(self, p: Weights<T>, q: Option<Weights<T>>) -> PolarsResult<Vec<f64>> {
            T::elements(self.0.function.0)(p, q).map_err(mismatch)
        }
    }
    let pairs = pairs(inputs, kwargs.sequence)?;
    let values = of_columns(inputs, Elements(kwargs))?;
    let validity = match (inputs, pairs) {
        ([x, y], Some(rows)) => {
            let [x, y] = [repeated(x, rows.repeats_p(), rows), repeated(y, rows.repeats_q(), rows)];
            combine_validities_and(x.as_ref(), y.as_ref())
        }
        _ => validity(&inputs[0]),
    };
    let precision = dtypes::of_series(inputs, kwargs.weak_q);
    convert::series(inputs[0].name(), vec![convert::floats(values, validity, precision)])
}

fn validity(s: &Series) -> Option<Bitmap> {
    match s.dtype() {
        DataType::Null => Some(Bitmap::new_zeroed(s.len())),
        _ => s.rechunk().chunks()[0].validity().cloned(),
    }
}

fn repeated(s: &Series, repeats: bool, rows: Broadcast) -> Option<Bitmap> {
    match validity(s) {
        Some(bits) if repeats => Some(Bitmap::new_with_value(bits.get_bit(0), rows.rows())),
        bits => bits,
    }
}

/// Field of the places of missing elements.
pub fn missing_field(fields: &[Field], kwargs: &MissingKwargs) -> PolarsResult<Field> {
    let value = dtypes::flat_output(Method::value(Shape::Flat, kwargs.quantity.0), fields, kwargs.weak_q)?;
    Ok(Field::new(value.name, DataType::Int64))
}

/// Places of missing elements, of which a group takes the maximum.
pub fn missing(inputs: &[Series], kwargs: &MissingKwargs) -> PolarsResult<Series> {
    struct Missing;
    impl OfWeights for Missing {
        type Out = Vec<i64>;

        fn of<T: Float>(self, p: Weights<T>, q: Option<Weights<T>>) -> PolarsResult<Vec<i64>> {
            summands::missing(p, q).map_err(mismatch)
        }
    }
    pairs(inputs, kwargs.sequence)?;
    let missing = of_columns(inputs, Missing)?;
    convert::series(inputs[0].name(), vec![PrimitiveArray::from_vec(missing).boxed()])
}

/// Precision of the result that these sums signal.
fn precision_of_sums<'a>(dtypes: impl IntoIterator<Item = &'a DataType>) -> Precision {
    let single = dtypes.into_iter().any(|dtype| *dtype == DataType::Float32);
    if single { Precision::Single } else { Precision::Double }
}

/// Sums of groups: a lead and a rest for each part.
struct Sums {
    columns: Vec<SplitSum<PrimitiveArray<f64>>>,
    precision: Precision,
}

impl Sums {
    /// Under `raise` the greatest of [`missing`] follows the sums, of which there are so many.
    fn open(inputs: &[Series], count: usize, kwargs: &SumKwargs) -> PolarsResult<Sums> {
        polars_ensure!((count..=count + 1).contains(&inputs.len()), ComputeError: "expected {count} sums");
        if let Some(located) = inputs.get(count) {
            let located = convert::column::<f64>(located)?;
            if let Some(missing) = convert::weights(&located).iter().flatten().find_map(first_missing) {
                let q = kwargs.q_name.as_deref().unwrap_or_default();
                return Err(missing_in_column(missing, inputs[0].name(), q));
            }
        }
        let precision = precision_of_sums(inputs.iter().map(|s| s.dtype()));
        let mut sums =
            inputs[..count].iter().map(convert::column::<f64>).collect::<PolarsResult<Vec<_>>>()?;
        if let (Precision::Single, Some(marks)) = (precision, sums.last_mut()) {
            *marks = PrimitiveArray::from_vec(marks_of_single(marks.values()));
        }
        let columns = sums.chunks_exact(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect();
        Ok(Sums { columns, precision })
    }

    fn slices(&self) -> Vec<SplitSum<&[f64]>> {
        self.columns.iter().map(|pair| pair.each_ref().map(|half| half.values().as_slice())).collect()
    }
}

/// Field of the values of groups.
pub fn values_field(fields: &[Field], kwargs: &SumKwargs) -> PolarsResult<Field> {
    let method = Method::value(Shape::Flat, kwargs.quantity.0);
    let fields = Totals::split_fields(fields, kwargs.q_totals, &method.path())?;
    let precision = precision_of_sums(fields.iter().map(Field::dtype));
    Ok(Field::new(fields[0].name.clone(), dtypes::float(precision)))
}

/// Values of groups from their sums.
pub fn values(inputs: &[Series], kwargs: &SumKwargs) -> PolarsResult<Series> {
    let quantity = kwargs.quantity.0;
    let Some(groups) = &quantity.groups else { return Err(no_sums(quantity)) };
    let (inputs, totals) = Totals::split(inputs, kwargs.q_totals)?;
    let sums = Sums::open(inputs, groups.summands.count, kwargs)?;
    let values =
        |total_of: Option<TotalOf>| (groups.values)(&sums.slices(), total_of, Unit::new(kwargs.base));
    let values = totals::of_groups(totals.as_ref(), inputs[0].len(), values)?;
    let values = values.ok_or_else(|| no_sums(quantity))?;
    convert::series(inputs[0].name(), vec![convert::values(values, sums.precision)])
}

fn no_sums(quantity: &Registered) -> PolarsError {
    polars_err!(ComputeError: "{} of a group does not come from these sums", quantity.name)
}

/// Field of the states of groups.
pub fn states_field(fields: &[Field], kwargs: &SumKwargs) -> PolarsResult<Field> {
    let precision = precision_of_sums(fields.iter().map(Field::dtype));
    Ok(Field::new(fields[0].name.clone(), StateKind::new(kwargs.quantity.0, precision)?.dtype()))
}

/// States of groups from their sums.
pub fn states(inputs: &[Series], kwargs: &SumKwargs) -> PolarsResult<Series> {
    let kind = StateKind::new(kwargs.quantity.0, precision_of_sums(inputs.iter().map(|s| s.dtype())))?;
    let sums = Sums::open(inputs, kind.summands(), kwargs)?;
    let states = kind.of_sums(&sums.slices()).ok_or_else(|| no_sums(kwargs.quantity.0))?;
    convert::series(inputs[0].name(), vec![kind.array(states)])
}
