//! Conversion from Polars' memory to the kernel's views and back.

use polars::prelude::*;
use polars_arrow::array::{BooleanArray, FixedSizeListArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::types::NativeType;

use crate::kernel::axes::Validity;
use crate::kernel::options::Precision;
use crate::kernel::registry::ByFloat;
use crate::kernel::values::Values;
use crate::kernel::weights::{Bits, Weights};

/// Float type that the kernels read.
pub trait Float: ByFloat + NativeType {
    const DTYPE: DataType;
    const ONE: Self;
}

impl Float for f64 {
    const DTYPE: DataType = DataType::Float64;
    const ONE: f64 = 1.0;
}

impl Float for f32 {
    const DTYPE: DataType = DataType::Float32;
    const ONE: f32 = 1.0;
}

/// Numbers as floats: as they are, or cast.
///
/// Cut out what is needed before: the cast converts the whole array, and in a streaming query each morsel of a List column
/// holds the values of the entire column.
pub fn as_floats<T: Float>(array: ArrayRef, dtype: &DataType) -> PolarsResult<PrimitiveArray<T>> {
    match array.as_any().downcast_ref::<BooleanArray>() {
        Some(booleans) => Ok(of_booleans(booleans)),
        None => primitives(array, dtype, &T::DTYPE),
    }
}

/// Booleans as 0 and 1, which takes less time than a cast.
fn of_booleans<T: Float>(booleans: &BooleanArray) -> PrimitiveArray<T> {
    let bits = booleans.values().chunks::<u64>();
    let mut floats = Vec::with_capacity(booleans.len() + 64);
    let last = bits.remainder();
    for word in bits.chain([last]) {
        floats.extend((0..64).map(|k| if word & (1 << k) != 0 { T::ONE } else { T::default() }));
    }
    floats.truncate(booleans.len());
    PrimitiveArray::from_vec(floats).with_validity(booleans.validity().cloned())
}

/// Values as primitives of another dtype: as they are, or cast.
pub fn primitives<N: NativeType>(
    array: ArrayRef,
    dtype: &DataType,
    to: &DataType,
) -> PolarsResult<PrimitiveArray<N>> {
    let array = if dtype == to {
        array
    } else {
        // SAFETY: the array holds values of `dtype`, since both are a series' chunk and dtype, or children of them.
        let values =
            unsafe { Series::from_chunks_and_dtype_unchecked(PlSmallStr::EMPTY, vec![array], dtype) };
        values.cast(to)?.rechunk().chunks()[0].clone()
    };
    let typed = array.as_any().downcast_ref::<PrimitiveArray<N>>();
    typed.cloned().ok_or_else(|| polars_err!(ComputeError: "expected {to}, got {:?}", array.dtype()))
}

/// A column in one piece, as floats.
pub fn column<T: Float>(s: &Series) -> PolarsResult<PrimitiveArray<T>> {
    as_floats(s.rechunk().chunks()[0].clone(), s.dtype())
}

/// Numbers with their validity.
pub fn weights<T: Float>(array: &PrimitiveArray<T>) -> Weights<'_, T> {
    Weights::new(array.values().as_slice(), bits(array.validity()))
}

/// Validity bits, if some are unset.
pub fn bits(validity: Option<&Bitmap>) -> Option<Bits<'_>> {
    validity.filter(|bitmap| bitmap.unset_bits() > 0).map(|bitmap| {
        let (bytes, offset, _) = bitmap.as_slice();
        Bits::new(bytes, offset)
    })
}

/// Array of what the kernel computed, in the precision of the result.
pub fn floats(values: Vec<f64>, validity: Option<Bitmap>, precision: Precision) -> ArrayRef {
    match precision {
        Precision::Double => PrimitiveArray::from_vec(values).with_validity(validity).boxed(),
        Precision::Single => {
            let values = values.into_iter().map(|x| x as f32).collect();
            PrimitiveArray::<f32>::from_vec(values).with_validity(validity).boxed()
        }
    }
}

/// Array of one value per row.
pub fn values(values: Values, precision: Precision) -> ArrayRef {
    let (values, valid) = values.into_parts();
    let validity = valid.map(|bytes| Bitmap::from_u8_vec(bytes, values.len()));
    floats(values, validity, precision)
}

/// Bitmap of so many validity bits.
pub fn bitmap(validity: &Validity, len: usize) -> Bitmap {
    (0..len).map(|i| validity.get(i)).collect()
}

/// Wraps values into so many cells of this shape.
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

/// Series of these chunks, in the precision and of the shape that they have.
pub fn series(name: &PlSmallStr, chunks: Vec<ArrayRef>) -> PolarsResult<Series> {
    Series::try_from((name.clone(), chunks))
}

/// A series of nothing but nulls.
pub fn nulls(name: &PlSmallStr, rows: usize, dtype: &DataType) -> Series {
    Series::full_null(name.clone(), rows, dtype)
}
