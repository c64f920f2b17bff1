//! From Polars' memory to the kernel's views and back.

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::types::NativeType;

use crate::kernel::contract::Precision;
use crate::kernel::rows::Values;
use crate::kernel::weights::{Bits, Weight, Weights};

/// The two types that the kernels read.
pub trait Leaf: Weight + NativeType {
    const DTYPE: DataType;
}

impl Leaf for f64 {
    const DTYPE: DataType = DataType::Float64;
}

impl Leaf for f32 {
    const DTYPE: DataType = DataType::Float32;
}

/// The numbers as floats: as they are, or cast.
///
/// Cut out what is needed before: the cast converts the whole array, and in a streaming query each morsel of a List column
/// holds the values of the entire column.
pub fn leaf<T: Leaf>(array: ArrayRef, dtype: &DataType) -> PolarsResult<PrimitiveArray<T>> {
    let array = if *dtype == T::DTYPE {
        array
    } else {
        // SAFETY: the array holds values of `dtype`, since both are a series' chunk and dtype, or children of them.
        let numbers =
            unsafe { Series::from_chunks_and_dtype_unchecked(PlSmallStr::EMPTY, vec![array], dtype) };
        numbers.cast(&T::DTYPE)?.rechunk().chunks()[0].clone()
    };
    let typed = array.as_any().downcast_ref::<PrimitiveArray<T>>();
    typed.cloned().ok_or_else(|| polars_err!(ComputeError: "expected {}, got {:?}", T::DTYPE, array.dtype()))
}

pub fn weights<T: Leaf>(array: &PrimitiveArray<T>) -> Weights<'_, T> {
    Weights::new(array.values().as_slice(), bits(array.validity()))
}

pub fn bits(validity: Option<&Bitmap>) -> Option<Bits<'_>> {
    validity.filter(|bitmap| bitmap.unset_bits() > 0).map(|bitmap| {
        let (bytes, offset, _) = bitmap.as_slice();
        Bits::new(bytes, offset)
    })
}

/// What the kernel computed, in the precision that the result has.
pub fn floats(values: Vec<f64>, validity: Option<Bitmap>, precision: Precision) -> ArrayRef {
    match precision {
        Precision::Double => PrimitiveArray::from_vec(values).with_validity(validity).boxed(),
        Precision::Single => {
            let values = values.into_iter().map(|x| x as f32).collect();
            PrimitiveArray::<f32>::from_vec(values).with_validity(validity).boxed()
        }
    }
}

/// One value per row.
pub fn values(values: Values, precision: Precision) -> ArrayRef {
    let (values, valid) = values.into_parts();
    let validity = valid.map(|bytes| Bitmap::from_u8_vec(bytes, values.len()));
    floats(values, validity, precision)
}

/// Wraps values into cells of this shape, of which there are `rows`.
pub fn cells(values: ArrayRef, rows: usize, shape: &[usize], validity: &[Option<Bitmap>]) -> ArrayRef {
    let mut array = values;
    for level in (0..shape.len()).rev() {
        let count = rows * shape[..level].iter().product::<usize>();
        let dtype = array.dtype().clone().to_fixed_size_list(shape[level], true);
        let validity = validity.get(level).cloned().flatten();
        array = FixedSizeListArray::new(dtype, count, array, validity).boxed();
    }
    array
}

/// A series of these chunks, in the precision and of the shape that they have.
pub fn series(name: &PlSmallStr, chunks: Vec<ArrayRef>) -> PolarsResult<Series> {
    Series::try_from((name.clone(), chunks))
}

/// Nothing but nulls.
pub fn nulls(name: &PlSmallStr, rows: usize, dtype: &DataType) -> Series {
    Series::full_null(name.clone(), rows, dtype)
}
