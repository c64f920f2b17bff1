//! Views of arrays as the kernel sees them, and arrays of its values.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, GenericListArray, GenericListViewArray,
    OffsetSizeTrait, PrimitiveArray, UInt64Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, FieldRef};
use arrow_select::take::take;

use super::Error;
use crate::kernel::layout::{Extents, ListLayout, Offsets, OuterList};
use crate::kernel::options::Precision;
use crate::kernel::registry::ByFloat;
use crate::kernel::rows::Rows;
use crate::kernel::rules::Side;
use crate::kernel::values::Values;
use crate::kernel::weights::{Bits, Weights};

/// Type of the numbers that the kernel reads: one of two.
pub trait Float: ArrowPrimitiveType<Native: ByFloat> {
    /// Precision of results of this type.
    const PRECISION: Precision;
}

impl Float for Float32Type {
    const PRECISION: Precision = Precision::Single;
}

impl Float for Float64Type {
    const PRECISION: Precision = Precision::Double;
}

/// Precision that numbers of this type ask for: `Some(None)` for Null, which has nothing but missing elements, `None`
/// for anything that is not a number.
pub fn asked_by(data_type: &DataType) -> Option<Option<Precision>> {
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

/// True if values of this type are weights.
pub fn is_number(data_type: &DataType) -> bool {
    asked_by(data_type).is_some()
}

/// Array taken apart, without a copy: lists, one or several above each other, and the elements in them.
pub struct Unnested<'a> {
    /// Lists, from the outermost in. The rows of each are within the next one's length.
    lists: Vec<ListLayout<'a>>,
    /// Numbers, or keys and weights, that the innermost lists cover.
    elements: ArrayRef,
    /// Length of the array.
    len: usize,
}

impl<'a> Unnested<'a> {
    /// View of an array whose type has been checked. Extents are checked here, so that whatever is read through the view
    /// is there.
    pub fn open(array: &'a dyn Array, side: Side) -> Result<Unnested<'a>, Error> {
        let mut lists = Vec::new();
        let mut below = array;
        let mut covered = 0..array.len();
        while let Some((extents, values)) = extents(below) {
            let list = ListLayout { extents, valid: bits(below.nulls()) };
            let outside = |row| Error::Extent { side, level: lists.len(), row };
            covered = list.span(covered, values.len()).map_err(outside)?;
            lists.push(list);
            below = values;
        }
        if let Some(innermost) = lists.last_mut() {
            (innermost.extents, covered.start) = innermost.extents.cut_at(covered.start);
        }
        // Lists of width 0 take up no memory, but their values do.
        check_room(array.len())?;
        let elements = below.slice(covered.start, covered.len());
        Ok(Unnested { lists, elements, len: array.len() })
    }

    /// Precision that the numbers ask for.
    pub fn precision(&self) -> Option<Precision> {
        asked_by(self.elements.data_type()).flatten()
    }

    /// Number of levels of lists.
    pub fn depth(&self) -> usize {
        self.lists.len()
    }

    /// Number of distributions at the outermost level; numbers without lists are one.
    pub fn distributions(&self) -> usize {
        if self.lists.is_empty() { 1 } else { self.len }
    }

    /// Lists around the rows, which the result has, too.
    pub fn outer(&self) -> &[ListLayout<'a>] {
        self.lists.split_last().map_or(&[], |(_, outer)| outer)
    }

    /// Numbers as floats: as they are, or cast.
    pub fn floats<T: Float>(&self) -> Result<PrimitiveArray<T>, Error> {
        floats(&self.elements)
    }

    /// Elements of the innermost lists, all of them in one piece.
    pub fn elements(&self) -> &ArrayRef {
        &self.elements
    }

    /// Layout of the innermost lists; without lists, the elements are a single row of this length.
    pub fn layout(&self, len: usize) -> ListLayout<'a> {
        let whole = ListLayout { extents: Extents::Width { width: len, rows: 1 }, valid: None };
        self.lists.last().copied().unwrap_or(whole)
    }

    /// Innermost rows, of these floats; numbers without lists are a single row.
    pub fn rows<T: Float>(&self, floats: &'a PrimitiveArray<T>) -> Rows<'a, T::Native> {
        Rows { weights: weights(floats), layout: self.layout(floats.len()) }
    }
}

/// Numbers of an array as floats: as they are, or cast.
pub fn floats<T: Float>(numbers: &ArrayRef) -> Result<PrimitiveArray<T>, Error> {
    match numbers.as_primitive_opt::<T>() {
        Some(floats) => Ok(floats.clone()),
        None => {
            // Nulls alone take up no memory before.
            check_room(numbers.len())?;
            Ok(cast(numbers, &T::DATA_TYPE)?.as_primitive::<T>().clone())
        }
    }
}

/// Error in place of an abort where there is no memory for this many floats.
pub fn check_room(len: usize) -> Result<(), Error> {
    let room = Vec::<f64>::new().try_reserve_exact(len);
    Ok(room.map_err(|error| ArrowError::MemoryError(error.to_string()))?)
}

/// Error unless the type is one of numbers, or of lists of them where `lists` are taken.
pub fn check_type(data_type: &DataType, side: Side, lists: bool) -> Result<(), Error> {
    if is_number(if lists { innermost(data_type) } else { data_type }) {
        Ok(())
    } else {
        Err(Error::Type { side, data_type: data_type.clone(), lists })
    }
}

/// True if the numbers, or those in the lists, ask for single precision.
#[cfg(feature = "python")]
pub fn is_single(data_type: &DataType) -> bool {
    asked_by(innermost(data_type)) == Some(Some(Precision::Single))
}

/// Type of the elements of the innermost lists.
pub fn innermost(data_type: &DataType) -> &DataType {
    element_field(data_type).map_or(data_type, |field| innermost(field.data_type()))
}

/// Field of the elements of a list, or of the entries of a map; `None` for any other type.
pub fn element_field(data_type: &DataType) -> Option<&FieldRef> {
    use DataType::*;
    match data_type {
        List(field)
        | LargeList(field)
        | ListView(field)
        | LargeListView(field)
        | FixedSizeList(field, _)
        | Map(field, _) => Some(field),
        _ => None,
    }
}

/// Extents of the lists of an array, and the array below; `None` for any other array.
fn extents(array: &dyn Array) -> Option<(Extents<'_>, &dyn Array)> {
    match array.data_type() {
        DataType::List(_) => Some(list_extents(array.as_list::<i32>(), |ints| Offsets::Small(ints))),
        DataType::LargeList(_) => Some(list_extents(array.as_list::<i64>(), |ints| Offsets::Large(ints))),
        DataType::ListView(_) => Some(view_extents(array.as_list_view::<i32>(), |ints| Offsets::Small(ints))),
        DataType::LargeListView(_) => {
            Some(view_extents(array.as_list_view::<i64>(), |ints| Offsets::Large(ints)))
        }
        DataType::FixedSizeList(..) => {
            let cells = array.as_fixed_size_list();
            let extents = Extents::Width { width: cells.value_length() as usize, rows: cells.len() };
            Some((extents, cells.values()))
        }
        DataType::Map(..) => {
            let maps = array.as_map();
            let offsets = Offsets::Small(maps.value_offsets());
            Some((Extents::Offsets { offsets, start: 0 }, maps.entries()))
        }
        _ => None,
    }
}

fn list_extents<O: OffsetSizeTrait>(
    lists: &GenericListArray<O>,
    offsets: for<'a> fn(&'a [O]) -> Offsets<'a>,
) -> (Extents<'_>, &dyn Array) {
    (Extents::Offsets { offsets: offsets(lists.value_offsets()), start: 0 }, lists.values())
}

fn view_extents<O: OffsetSizeTrait>(
    views: &GenericListViewArray<O>,
    offsets: for<'a> fn(&'a [O]) -> Offsets<'a>,
) -> (Extents<'_>, &dyn Array) {
    let (offsets, sizes) = (offsets(views.value_offsets()), offsets(views.value_sizes()));
    (Extents::Views { offsets, sizes, start: 0 }, views.values())
}

/// Validity; `None` where nothing is null.
pub fn bits(nulls: Option<&NullBuffer>) -> Option<Bits<'_>> {
    nulls
        .filter(|nulls| nulls.null_count() > 0)
        .map(|nulls| Bits::new(nulls.inner().values(), nulls.inner().offset()))
}

/// Weights of an array, with their validity.
pub fn weights<T: Float>(array: &PrimitiveArray<T>) -> Weights<'_, T::Native> {
    Weights::new(array.values(), bits(array.nulls()))
}

/// Array of numbers that the kernel computed, in the precision of the result.
pub fn number_array(numbers: Vec<f64>, nulls: Option<NullBuffer>, precision: Precision) -> ArrayRef {
    match precision {
        Precision::Double => Arc::new(Float64Array::new(numbers.into(), nulls)),
        Precision::Single => {
            let numbers: Vec<f32> = numbers.into_iter().map(|x| x as f32).collect();
            Arc::new(Float32Array::new(numbers.into(), nulls))
        }
    }
}

/// Array of one value per row.
pub fn value_array(values: Values, precision: Precision) -> ArrayRef {
    let (values, valid) = values.into_parts();
    let bits = |bytes| BooleanBuffer::new(Buffer::from_vec(bytes), 0, values.len());
    let nulls = valid.map(|bytes| NullBuffer::new(bits(bytes)));
    number_array(values, nulls, precision)
}

/// Array of values in the lists around them, which are of the kind that they have in the type `like`.
pub fn nested(values: ArrayRef, outer: Vec<OuterList>, like: &DataType) -> Result<ArrayRef, Error> {
    let kinds = std::iter::successors(Some(like), |kind| Some(element_field(kind)?.data_type()));
    let kinds: Vec<&DataType> = kinds.take(outer.len()).collect();
    let lists = outer.into_iter().zip(kinds);
    lists.rev().try_fold(values, |values, (list, kind)| list_array(list, kind, values))
}

fn list_array(list: OuterList, kind: &DataType, values: ArrayRef) -> Result<ArrayRef, Error> {
    let nulls = Some(NullBuffer::from(list.valid)).filter(|nulls| nulls.null_count() > 0);
    let offsets = list.offsets;
    let field = |field: &FieldRef| {
        let field = Field::clone(field).with_data_type(values.data_type().clone());
        Arc::new(field.with_nullable(true))
    };
    match kind {
        DataType::List(item) => offset_lists::<i32>(field(item), &offsets, values, nulls),
        DataType::LargeList(item) => offset_lists::<i64>(field(item), &offsets, values, nulls),
        DataType::ListView(item) => view_lists::<i32>(field(item), &offsets, values, nulls),
        DataType::LargeListView(item) => view_lists::<i64>(field(item), &offsets, values, nulls),
        DataType::FixedSizeList(item, width) => wide_lists(field(item), *width, &offsets, values, nulls),
        other => Err(ArrowError::SchemaError(format!("{other} is no list")).into()),
    }
}

/// Offsets or sizes in the type that a list has for them, which may be too small for them.
fn in_width<O: OffsetSizeTrait>(ints: impl IntoIterator<Item = i64>) -> Result<ScalarBuffer<O>, ArrowError> {
    let fits = |x: i64| O::from_usize(x as usize).ok_or(ArrowError::OffsetOverflowError(x as usize));
    Ok(ints.into_iter().map(fits).collect::<Result<Vec<O>, _>>()?.into())
}

fn offset_lists<O: OffsetSizeTrait>(
    field: FieldRef,
    offsets: &[i64],
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    let offsets = OffsetBuffer::new(in_width::<O>(offsets.iter().copied())?);
    Ok(Arc::new(GenericListArray::try_new(field, offsets, values, nulls)?))
}

fn view_lists<O: OffsetSizeTrait>(
    field: FieldRef,
    offsets: &[i64],
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    let firsts = in_width::<O>(offsets[..offsets.len() - 1].iter().copied())?;
    let sizes = in_width::<O>(offsets.windows(2).map(|pair| pair[1] - pair[0]))?;
    Ok(Arc::new(GenericListViewArray::try_new(field, firsts, sizes, values, nulls)?))
}

fn wide_lists(
    field: FieldRef,
    width: i32,
    offsets: &[i64],
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Error> {
    let rows = offsets.len() - 1;
    let values = match &nulls {
        None => values,
        // Rows behind a null were left out, and take up space here.
        Some(nulls) => {
            let cell = |row: usize| {
                let elements = offsets[row] as u64..(offsets[row] + i64::from(width)) as u64;
                elements.map(move |element| nulls.is_valid(row).then_some(element))
            };
            take(&values, &(0..rows).flat_map(cell).collect::<UInt64Array>(), None)?
        }
    };
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(field, width, values, nulls, rows)?))
}
