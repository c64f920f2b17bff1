//! List columns: rows straight on values, offsets and validity, chunk by chunk. In nested lists the innermost level is
//! reduced and the levels around it stay.

use std::borrow::Cow;

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, ListArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::offset::OffsetsBuffer;

use super::chunks::FloatChunks;
use super::convert::{self, Float};
use super::dtypes::{self, Method, Shape};
use super::errors::{in_row, missing_in_column, pair_rows};
use super::fixed::Fixed;
use super::kwargs::RowKwargs;
use super::states::StateKind;
use super::totals::{self, Totals};
use crate::kernel::layout::{Error, Extents, ListLayout, Offsets, OuterList, Pairing};
use crate::kernel::options::{NanPolicy, Precision, Unit};
use crate::kernel::registry::Registered;
use crate::kernel::rows::Rows;
use crate::kernel::values::Values;

/// Place of the rows of a list array.
enum Place {
    Offsets(OffsetsBuffer<i64>),
    Width { width: usize, rows: usize },
}

/// The memory behind a [`ListLayout`].
struct Lists {
    place: Place,
    validity: Option<Bitmap>,
}

impl Lists {
    /// Offsets count from the first of them: what is below was cut there.
    fn layout(&self) -> ListLayout<'_> {
        let extents = match &self.place {
            Place::Offsets(offsets) => Extents::Offsets {
                offsets: Offsets::Large(offsets.as_slice()),
                start: *offsets.first() as usize,
            },
            Place::Width { width, rows } => Extents::Width { width: *width, rows: *rows },
        };
        ListLayout { extents, valid: convert::bits(self.validity.as_ref()) }
    }
}

/// A chunk taken apart.
struct Chunk<T: Float> {
    /// The lists that stay.
    outer: Vec<Lists>,
    inner: Lists,
    elements: PrimitiveArray<T>,
}

impl<T: Float> Chunk<T> {
    fn open(array: &ArrayRef, dtype: &DataType) -> PolarsResult<Chunk<T>> {
        let (mut array, mut dtype) = (array.clone(), dtype);
        let mut outer = Vec::new();
        loop {
            if let (Some(lists), DataType::List(below)) =
                (array.as_any().downcast_ref::<ListArray<i64>>(), dtype)
            {
                let offsets = lists.offsets().clone();
                let (first, last) = (*offsets.first() as usize, *offsets.last() as usize);
                let values = lists.values().sliced(first, last - first);
                let level = Lists { place: Place::Offsets(offsets), validity: lists.validity().cloned() };
                if below.is_list() || below.is_array() {
                    outer.push(level);
                    (array, dtype) = (values, &**below);
                    continue;
                }
                return Ok(Chunk { outer, inner: level, elements: convert::as_floats(values, below)? });
            }
            if let (Some(cells), DataType::Array(below, width)) =
                (array.as_any().downcast_ref::<FixedSizeListArray>(), dtype)
            {
                let place = Place::Width { width: *width, rows: cells.len() };
                let inner = Lists { place, validity: cells.validity().cloned() };
                return Ok(Chunk {
                    outer,
                    inner,
                    elements: convert::as_floats(cells.values().clone(), below)?,
                });
            }
            polars_bail!(ComputeError: "expected lists of {dtype}, got {:?}", array.dtype());
        }
    }

    fn outer(&self) -> Vec<ListLayout<'_>> {
        self.outer.iter().map(Lists::layout).collect()
    }

    fn rows(&self) -> Rows<'_, T> {
        Rows { weights: convert::weights(&self.elements), layout: self.inner.layout() }
    }
}

/// Puts the lists that stay back around the values.
fn wrap(mut array: ArrayRef, outer: Vec<OuterList>) -> PolarsResult<ArrayRef> {
    for list in outer.into_iter().rev() {
        let dtype = ListArray::<i64>::default_datatype(array.dtype().clone());
        let offsets = OffsetsBuffer::try_from(list.offsets)?;
        let validity = Bitmap::from_iter(list.valid);
        let validity = (validity.unset_bits() > 0).then_some(validity);
        array = ListArray::try_new(dtype, offsets, array, validity)?.boxed();
    }
    Ok(array)
}

/// Results of rows: one element each.
trait RowResult {
    /// Results of pairs of innermost rows, in a chunk that comes after so many rows.
    fn of_rows<T: Float>(
        &self,
        p: &Rows<T>,
        q: Option<&Rows<T>>,
        pairing: &Pairing,
        before: usize,
    ) -> Result<ArrayRef, Error>;
}

/// Values of rows.
struct AsValues<'a> {
    quantity: &'static Registered,
    kwargs: &'a RowKwargs,
    precision: Precision,
    totals: Option<Totals>,
}

impl RowResult for AsValues<'_> {
    fn of_rows<T: Float>(
        &self,
        p: &Rows<T>,
        q: Option<&Rows<T>>,
        pairing: &Pairing,
        before: usize,
    ) -> Result<ArrayRef, Error> {
        let (policy, unit) = (self.kwargs.nan_policy.0, Unit::new(self.kwargs.base));
        let (drivers, pairs) = (T::rows(self.quantity), pairing.rows());
        let mut values = Values::default();
        match (q, &self.totals) {
            (Some(q), Some(totals)) => {
                // One for all innermost rows in a row of the column.
                let total_of = |inner| totals.get(before + pairing.outermost(inner));
                (drivers.of_total().values)(p, q, pairs, &total_of, policy, unit, &mut values)?;
            }
            _ => (drivers.values)(p, q, pairs, policy, unit, &mut values)?,
        }
        Ok(convert::values(values, self.precision))
    }
}

/// States of rows.
struct AsStates {
    kind: StateKind,
    policy: NanPolicy,
}

impl RowResult for AsStates {
    fn of_rows<T: Float>(
        &self,
        p: &Rows<T>,
        q: Option<&Rows<T>>,
        pairing: &Pairing,
        _: usize,
    ) -> Result<ArrayRef, Error> {
        Ok(self.kind.array(self.kind.of_rows(p, q, pairing.rows(), self.policy)?))
    }
}

/// Field of the values of rows.
pub fn values_field(fields: &[Field], kwargs: &RowKwargs) -> PolarsResult<Field> {
    if kwargs.gathered {
        return gathered_field(fields, kwargs);
    }
    let method = Method::value(Shape::List, kwargs.quantity.0);
    let fields = Totals::split_fields(fields, kwargs.q_totals, &method.path())?;
    dtypes::list_output(method, &Fixed::fields(kwargs.fixed.as_ref(), fields, true))
}

/// Field of the values of whole columns or groups, which come as rows. Messages speak of columns.
fn gathered_field(fields: &[Field], kwargs: &RowKwargs) -> PolarsResult<Field> {
    let flat = |field: &Field| match field.dtype() {
        DataType::List(inner) => Field::new(field.name.clone(), (**inner).clone()),
        _ => field.clone(),
    };
    let fields: Vec<Field> = fields.iter().map(flat).collect();
    let method = Method::value(Shape::Flat, kwargs.quantity.0);
    dtypes::flat_output(method, Totals::split_fields(&fields, kwargs.q_totals, &method.path())?, false)
}

/// Values of all rows of p, or of p and q.
pub fn values(inputs: &[Series], kwargs: &RowKwargs) -> PolarsResult<Series> {
    let (inputs, totals) = Totals::split(inputs, kwargs.q_totals)?;
    let inputs = with_fixed(inputs, kwargs)?;
    let inputs = match &totals {
        Some(totals) => totals::for_each(&inputs, totals)?,
        None => inputs,
    };
    let precision = dtypes::of_series(&inputs, false);
    let result = AsValues { quantity: kwargs.quantity.0, kwargs, precision, totals };
    every_row(&inputs, precision, &dtypes::float(precision), &result, kwargs.gathered)
}

/// Field of the states of rows.
pub fn states_field(fields: &[Field], kwargs: &RowKwargs) -> PolarsResult<Field> {
    let fields = &*Fixed::fields(kwargs.fixed.as_ref(), fields, true);
    let quantity = kwargs.quantity.0;
    let value = dtypes::list_output(Method::state(Shape::List, quantity), fields)?;
    let kind = StateKind::new(quantity, dtypes::precision([value.dtype().leaf_dtype()]))?;
    Ok(Field::new(value.name, dtypes::reduce_innermost(fields[0].dtype(), kind.dtype())))
}

/// States of all rows of p, or of p and q.
pub fn states(inputs: &[Series], kwargs: &RowKwargs) -> PolarsResult<Series> {
    let inputs = with_fixed(inputs, kwargs)?;
    let precision = dtypes::of_series(&inputs, false);
    let kind = StateKind::new(kwargs.quantity.0, precision)?;
    let dtype = kind.dtype();
    every_row(&inputs, precision, &dtype, &AsStates { kind, policy: kwargs.nan_policy.0 }, false)
}

fn with_fixed<'a>(inputs: &'a [Series], kwargs: &RowKwargs) -> PolarsResult<Cow<'a, [Series]>> {
    Fixed::inputs(kwargs.fixed.as_ref(), inputs, true)
}

fn every_row(
    inputs: &[Series],
    precision: Precision,
    out: &DataType,
    result: &impl RowResult,
    gathered: bool,
) -> PolarsResult<Series> {
    let (p, q) = (&inputs[0], inputs.get(1));
    if inputs.iter().any(|s| *s.dtype() == DataType::Null) {
        let rows = q.map_or(Ok(p.len()), |q| Ok::<_, PolarsError>(pair_rows(p, q)?.rows()))?;
        return Ok(convert::nulls(p.name(), rows, &dtypes::reduce_innermost(p.dtype(), out.clone())));
    }
    match precision {
        Precision::Single => every_row_in::<f32>(p, q, result, gathered),
        Precision::Double => every_row_in::<f64>(p, q, result, gathered),
    }
}

/// Every innermost row of p, with its row of q.
fn every_row_in<T: Float>(
    p: &Series,
    q: Option<&Series>,
    result: &impl RowResult,
    gathered: bool,
) -> PolarsResult<Series> {
    let mut out = Vec::new();
    let mut before = 0;
    let chunks = FloatChunks::of::<T>(p, q)?;
    for pair in &chunks.pairs {
        let p_chunk = Chunk::<T>::open(&pair.p, p.dtype())?;
        let q_chunk = q.map(|q| Chunk::<T>::open(&pair.q, q.dtype())).transpose()?;
        let q_outer = q_chunk.as_ref().map_or(vec![], Chunk::outer);
        let located = |(row, error): (usize, Error)| {
            let q_name = q.map_or("", |q| q.name());
            match error {
                Error::Missing { missing, .. } if gathered => missing_in_column(missing, p.name(), q_name),
                error => in_row(error, before + row, p.name(), q_name),
            }
        };
        let pairing = Pairing::new(pair.rows, &p_chunk.outer(), &q_outer).map_err(located)?;
        let (p_rows, q_rows) = (p_chunk.rows(), q_chunk.as_ref().map(Chunk::rows));
        let results = result.of_rows(&p_rows, q_rows.as_ref(), &pairing, before);
        out.push(wrap(results.map_err(|error| located(pairing.locate(error)))?, pairing.outer)?);
        before += pair.rows.rows();
    }
    chunks.join(p.name(), out)
}
