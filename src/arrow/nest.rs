//! Arrays as the kernels see them, and values as arrays again.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray, Float32Array, Float64Array,
    GenericListArray, GenericListViewArray, OffsetSizeTrait, PrimitiveArray, UInt64Array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};
use arrow::error::ArrowError;

use super::Error;
use crate::kernel::contract::{Precision, Side};
use crate::kernel::levels::{Extents, Ints, Kept, Level};
use crate::kernel::rows::{Rows, Values};
use crate::kernel::weights::{Bits, Weight, Weights};

/// The two types that the kernels read.
pub trait Leaf: ArrowPrimitiveType<Native: Weight> {
    /// That of results.
    const PRECISION: Precision;
}

impl Leaf for Float32Type {
    const PRECISION: Precision = Precision::Single;
}
impl Leaf for Float64Type {
    const PRECISION: Precision = Precision::Double;
}

/// The precision that numbers of this type ask for: `Some(None)` if they don't mind (Null: all of them are missing), `None` if
/// they are no numbers.
fn asked_by(data_type: &DataType) -> Option<Option<Precision>> {
    use DataType::*;
    match data_type {
        Float16 | Float32 => Some(Some(Precision::Single)),
        Float64 | Boolean => Some(Some(Precision::Double)),
        Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => Some(Some(Precision::Double)),
        integer if integer.is_integer() => Some(Some(Precision::Double)),
        Null => Some(None),
        _ => None,
    }
}

/// Whether values of this type are weights.
pub fn is_number(data_type: &DataType) -> bool {
    asked_by(data_type).is_some()
}

/// An array taken apart, without a copy: levels of lists around numbers.
pub struct Nest<'a> {
    /// The levels, from the outermost in, each within the next one's length.
    pub levels: Vec<Level<'a>>,
    /// The numbers that the innermost level covers.
    leaf: ArrayRef,
    /// The number of rows.
    rows: usize,
}

impl<'a> Nest<'a> {
    /// Checks the types and the extents of all levels, so that all that is read through them is there.
    pub fn open(array: &'a dyn Array, side: Side) -> Result<Nest<'a>, Error> {
        check_type(array.data_type(), side, true)?;
        let mut levels = Vec::new();
        let mut below = array;
        let mut covered = 0..array.len();
        while let Some((extents, values)) = list(below) {
            let level = Level { extents, valid: bits(below.nulls()) };
            let row = |row| Error::Extent { side, level: levels.len(), row };
            covered = level.span(covered, values.len()).map_err(row)?;
            levels.push(level);
            below = values.as_ref();
        }
        if let Some(innermost) = levels.last_mut() {
            (innermost.extents, covered.start) = innermost.extents.cut_at(covered.start);
        }
        // Lists of width 0 are there without taking up memory, but their values do.
        has_room(array.len())?;
        let leaf = below.slice(covered.start, covered.len());
        Ok(Nest { levels, leaf, rows: array.len() })
    }

    /// The same, of numbers alone.
    pub fn open_flat(array: &'a dyn Array, side: Side) -> Result<Nest<'a>, Error> {
        check_type(array.data_type(), side, false)?;
        Nest::open(array, side)
    }

    /// The precision that the numbers ask for.
    pub fn precision(&self) -> Option<Precision> {
        asked_by(self.leaf.data_type()).flatten()
    }

    /// How many distributions there are at the outermost level; numbers without lists are one.
    pub fn distributions(&self) -> usize {
        if self.levels.is_empty() { 1 } else { self.rows }
    }

    /// The levels of the result.
    pub fn outer(&self) -> &[Level<'a>] {
        self.levels.split_last().map_or(&[], |(_, outer)| outer)
    }

    /// The numbers as floats: as they are, or cast.
    pub fn weights<T: Leaf>(&self) -> Result<PrimitiveArray<T>, Error> {
        match self.leaf.as_primitive_opt::<T>() {
            Some(floats) => Ok(floats.clone()),
            None => {
                // Nulls alone take up no memory before.
                has_room(self.leaf.len())?;
                Ok(cast(&self.leaf, &T::DATA_TYPE)?.as_primitive::<T>().clone())
            }
        }
    }

    /// The innermost rows; numbers without a list around them are a single row.
    pub fn rows_of<T: Leaf>(&self, weights: &'a PrimitiveArray<T>) -> Rows<'a, T::Native> {
        let whole = Level { extents: Extents::Width { width: weights.len(), rows: 1 }, valid: None };
        Rows { weights: view(weights), level: self.levels.last().copied().unwrap_or(whole) }
    }
}

/// An error in place of an abort where there is no memory for so many floats.
fn has_room(len: usize) -> Result<(), Error> {
    let room = Vec::<f64>::new().try_reserve_exact(len);
    Ok(room.map_err(|error| ArrowError::MemoryError(error.to_string()))?)
}

fn innermost(data_type: &DataType) -> &DataType {
    element(data_type).map_or(data_type, |field| innermost(field.data_type()))
}

/// Refuses what is not an array of numbers, or of lists of them where they are taken.
pub fn check_type(data_type: &DataType, side: Side, lists: bool) -> Result<(), Error> {
    if is_number(if lists { innermost(data_type) } else { data_type }) {
        Ok(())
    } else {
        Err(Error::Type { side, data_type: data_type.clone(), lists })
    }
}

/// Whether the numbers ask for single precision.
#[cfg(feature = "python")]
pub fn is_single(data_type: &DataType) -> bool {
    asked_by(innermost(data_type)) == Some(Some(Precision::Single))
}

/// Where the lists of an array are, and what they are of.
fn list(array: &dyn Array) -> Option<(Extents<'_>, &ArrayRef)> {
    fn small(ints: &[i32]) -> Ints<'_> {
        Ints::Small(ints)
    }
    fn large(ints: &[i64]) -> Ints<'_> {
        Ints::Large(ints)
    }
    match array.data_type() {
        DataType::List(_) => Some(list_of(array.as_list(), small)),
        DataType::LargeList(_) => Some(list_of(array.as_list(), large)),
        DataType::ListView(_) => Some(view_of(array.as_list_view(), small)),
        DataType::LargeListView(_) => Some(view_of(array.as_list_view(), large)),
        DataType::FixedSizeList(..) => {
            let cells = array.as_fixed_size_list();
            let extents = Extents::Width { width: cells.value_length() as usize, rows: cells.len() };
            Some((extents, cells.values()))
        }
        _ => None,
    }
}

fn list_of<O: OffsetSizeTrait>(
    lists: &GenericListArray<O>,
    ints: for<'a> fn(&'a [O]) -> Ints<'a>,
) -> (Extents<'_>, &ArrayRef) {
    (Extents::Offsets { offsets: ints(lists.value_offsets()), start: 0 }, lists.values())
}

fn view_of<O: OffsetSizeTrait>(
    views: &GenericListViewArray<O>,
    ints: for<'a> fn(&'a [O]) -> Ints<'a>,
) -> (Extents<'_>, &ArrayRef) {
    let (offsets, sizes) = (ints(views.value_offsets()), ints(views.value_sizes()));
    (Extents::Views { offsets, sizes, start: 0 }, views.values())
}

fn bits(nulls: Option<&NullBuffer>) -> Option<Bits<'_>> {
    nulls
        .filter(|nulls| nulls.null_count() > 0)
        .map(|nulls| Bits::new(nulls.inner().values(), nulls.inner().offset()))
}

/// Numbers with their validity.
pub fn view<T: Leaf>(array: &PrimitiveArray<T>) -> Weights<'_, T::Native> {
    Weights::new(array.values(), bits(array.nulls()))
}

/// What the kernel computed, in the precision that the result has.
pub fn floats(values: Vec<f64>, nulls: Option<NullBuffer>, precision: Precision) -> ArrayRef {
    match precision {
        Precision::Double => Arc::new(Float64Array::new(values.into(), nulls)),
        Precision::Single => {
            let values: Vec<f32> = values.into_iter().map(|x| x as f32).collect();
            Arc::new(Float32Array::new(values.into(), nulls))
        }
    }
}

/// One value per row.
pub fn values(values: Values, precision: Precision) -> ArrayRef {
    let (values, valid) = values.into_parts();
    let bits = |bytes| BooleanBuffer::new(Buffer::from_vec(bytes), 0, values.len());
    let nulls = valid.map(|bytes| NullBuffer::new(bits(bytes)));
    floats(values, nulls, precision)
}

/// What the lists of a type are of, `None` if it is no list.
pub fn element(data_type: &DataType) -> Option<&FieldRef> {
    use DataType::*;
    match data_type {
        List(field) | LargeList(field) | ListView(field) | LargeListView(field) | FixedSizeList(field, _) => {
            Some(field)
        }
        _ => None,
    }
}

/// Puts the levels that stay back around the values: lists of the kind that they were in `like`.
pub fn wrap(values: ArrayRef, kept: Vec<Kept>, like: &DataType) -> Result<ArrayRef, Error> {
    let kinds: Vec<&DataType> =
        std::iter::successors(Some(like), |kind| Some(element(kind)?.data_type())).take(kept.len()).collect();
    let levels = kept.into_iter().zip(kinds);
    levels.rev().try_fold(values, |values, (level, kind)| level_around(level, kind, values))
}

fn level_around(level: Kept, kind: &DataType, values: ArrayRef) -> Result<ArrayRef, Error> {
    let nulls = Some(NullBuffer::from(level.valid)).filter(|nulls| nulls.null_count() > 0);
    let offsets = level.offsets;
    let field = |of: &FieldRef| {
        let field = Field::clone(of).with_data_type(values.data_type().clone());
        Arc::new(field.with_nullable(true))
    };
    match kind {
        DataType::List(of) => list_around::<i32>(field(of), &offsets, values, nulls),
        DataType::LargeList(of) => list_around::<i64>(field(of), &offsets, values, nulls),
        DataType::ListView(of) => list_view::<i32>(field(of), &offsets, values, nulls),
        DataType::LargeListView(of) => list_view::<i64>(field(of), &offsets, values, nulls),
        DataType::FixedSizeList(of, width) => {
            let (field, rows) = (field(of), offsets.len() - 1);
            // The rows that were left out take up space here.
            let there = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            let cell = |row: usize| {
                let elements = offsets[row] as u64..(offsets[row] + i64::from(*width)) as u64;
                elements.map(move |element| there(row).then_some(element))
            };
            let values = match nulls {
                Some(_) => take(&values, &(0..rows).flat_map(cell).collect::<UInt64Array>(), None)?,
                None => values,
            };
            Ok(Arc::new(FixedSizeListArray::try_new_with_length(field, *width, values, nulls, rows)?))
        }
        other => Err(ArrowError::SchemaError(format!("{other} is no list")).into()),
    }
}

/// Offsets or sizes, of which there may be too many for their type.
fn ints<O: OffsetSizeTrait>(ints: impl IntoIterator<Item = i64>) -> Result<ScalarBuffer<O>, ArrowError> {
    let fits = |x: i64| O::from_usize(x as usize).ok_or(ArrowError::OffsetOverflowError(x as usize));
    Ok(ints.into_iter().map(fits).collect::<Result<Vec<O>, _>>()?.into())
}

fn list_around<O: OffsetSizeTrait>(
    field: FieldRef,
    offsets: &[i64],
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    let offsets = OffsetBuffer::new(ints::<O>(offsets.iter().copied())?);
    Ok(Arc::new(GenericListArray::try_new(field, offsets, values, nulls)?))
}

fn list_view<O: OffsetSizeTrait>(
    field: FieldRef,
    offsets: &[i64],
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    let firsts = ints::<O>(offsets[..offsets.len() - 1].iter().copied())?;
    let sizes = ints::<O>(offsets.windows(2).map(|pair| pair[1] - pair[0]))?;
    Ok(Arc::new(GenericListViewArray::try_new(field, firsts, sizes, values, nulls)?))
}
