//! Keys of the values of a column: see [`keys`](crate::kernel::keys).

use polars::prelude::*;
use polars_arrow::array::{Array as _, BinaryViewArray, FixedSizeListArray, ListArray, PrimitiveArray, View};
use polars_arrow::bitmap::Bitmap;

use super::convert;
use crate::kernel::keys::{SHORT, VIEWS_AHEAD, of_bytes, of_float, of_several, of_short_bytes, of_wide};
use crate::kernel::layout::{Extents, ListLayout, Offsets};
use crate::kernel::simd::prefetch;

/// Refuses a dtype whose values have no keys, anywhere within it. Not Object, which comes to a plugin as bytes.
pub fn check(dtype: &DataType) -> Result<(), &DataType> {
    match dtype {
        // Polars loses the length of such an array on the way to a plugin.
        DataType::Array(_, 0) => Err(dtype),
        DataType::List(inner) | DataType::Array(inner, _) => check(inner),
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check(field.dtype())),
        DataType::Extension(_, storage) => check(storage),
        DataType::Object(_) | DataType::Unknown(_) => Err(dtype),
        _ => Ok(()),
    }
}

/// Whether there are categories, whose texts have to be read, anywhere within.
pub fn has_categories(dtype: &DataType) -> bool {
    match dtype {
        DataType::Categorical(..) | DataType::Enum(..) => true,
        DataType::List(inner) | DataType::Array(inner, _) => has_categories(inner),
        DataType::Struct(fields) => fields.iter().any(|field| has_categories(field.dtype())),
        _ => false,
    }
}

/// Key of each value of a column, null for null.
pub fn keys(s: &Series) -> PolarsResult<PrimitiveArray<u64>> {
    let s = s.rechunk();
    let validity = match s.dtype() {
        DataType::Null => Some(Bitmap::new_zeroed(s.len())),
        _ => s.chunks()[0].validity().cloned(),
    };
    let keys = match s.dtype() {
        DataType::Null => vec![0; s.len()],
        DataType::Extension(..) => return keys(s.to_storage()),
        DataType::UInt64 => return Ok(s.u64()?.downcast_as_array().clone()),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            // A float has one key, however wide it is.
            let floats = s.cast(&DataType::Float64)?;
            floats.f64()?.downcast_as_array().values_iter().map(|x| of_float(*x)).collect()
        }
        DataType::String => of_views(&s.str()?.downcast_as_array().to_binview()),
        DataType::Binary => of_views(s.binary()?.downcast_as_array()),
        DataType::Categorical(_, mapping) | DataType::Enum(_, mapping) => of_categories(&s, mapping)?,
        DataType::Struct(_) => of_fields(&s)?,
        DataType::List(_) | DataType::Array(..) => of_lists(&s)?,
        _ => {
            let physical = s.to_physical_repr();
            if matches!(physical.dtype(), DataType::Int128 | DataType::UInt128) {
                of_wide_numbers(&physical)?
            } else {
                // Their own keys: integers, Booleans, dates and times.
                let integers = physical.cast(&DataType::Int64)?;
                return Ok(integers.i64()?.downcast_as_array().clone().transmute::<u64>());
            }
        }
    };
    Ok(PrimitiveArray::from_vec(keys).with_validity(validity))
}

/// Keys of bytes, of which short ones are in their views.
fn of_views(bytes: &BinaryViewArray) -> Vec<u64> {
    let views = bytes.views().as_slice();
    let key = |(at, view): (usize, &View)| {
        prefetch(views, at + VIEWS_AHEAD);
        if view.length as usize <= SHORT { of_short_bytes(view.as_u128()) } else { of_long_bytes(bytes, at) }
    };
    let views = views.iter().enumerate();
    match convert::bits(bytes.validity()) {
        None => views.map(key).collect(),
        // Junk under a null is no text.
        Some(valid) => views.map(|(at, view)| if valid.get(at) { key((at, view)) } else { 0 }).collect(),
    }
}

/// Apart from the loop, which has no registers left for it.
#[cold]
#[inline(never)]
fn of_long_bytes(bytes: &BinaryViewArray, at: usize) -> u64 {
    of_bytes(bytes.value(at))
}

/// Keys of integers of 128 bits, decimals among them.
fn of_wide_numbers(s: &Series) -> PolarsResult<Vec<u64>> {
    match s.dtype() {
        DataType::UInt128 => {
            Ok(s.u128()?.downcast_as_array().values_iter().map(|x| of_wide(*x as i128)).collect())
        }
        _ => Ok(s.i128()?.downcast_as_array().values_iter().map(|x| of_wide(*x)).collect()),
    }
}

/// Keys of categories: those of their texts, since the number of a category may be another one in the next batch.
fn of_categories(s: &Series, mapping: &CategoricalMapping) -> PolarsResult<Vec<u64>> {
    let codes = s.to_physical_repr().cast(&DataType::UInt32)?;
    let codes = codes.u32()?.downcast_as_array();
    let mut of_code: Vec<Option<u64>> = vec![];
    let mut key = |code: &u32| {
        let at = *code as usize;
        if at >= of_code.len() {
            of_code.resize(at + 1, None);
        }
        *of_code[at].get_or_insert_with(|| of_bytes(mapping.cat_to_str(*code).unwrap_or_default().as_bytes()))
    };
    // Junk under a null is no category.
    let valid = convert::bits(codes.validity());
    let codes = codes.values_iter().enumerate();
    Ok(codes.map(|(i, code)| if valid.is_none_or(|bits| bits.get(i)) { key(code) } else { 0 }).collect())
}

fn of_fields(s: &Series) -> PolarsResult<Vec<u64>> {
    let fields = s.struct_()?.fields_as_series();
    let fields = fields.iter().map(keys).collect::<PolarsResult<Vec<_>>>()?;
    Ok((0..s.len()).map(|row| of_several(fields.iter().map(|keys| keys.get(row)))).collect())
}

fn of_lists(s: &Series) -> PolarsResult<Vec<u64>> {
    let (lists, values) = Lists::open(s)?;
    let keys = keys(&values)?;
    let row = |range: &[i64]| of_several((range[0]..range[1]).map(|at| keys.get(at as usize)));
    Ok(lists.offsets.windows(2).map(row).collect())
}

/// The lists of a column, in one piece.
pub struct Lists {
    /// Begin of each list in the values below; at the last, its end.
    offsets: Vec<i64>,
    validity: Option<Bitmap>,
}

impl Lists {
    /// The lists, and the values below them.
    pub fn open(s: &Series) -> PolarsResult<(Lists, Series)> {
        let lists = s.rechunk();
        let array = &lists.chunks()[0];
        let (values, offsets) = if let Some(lists) = array.as_any().downcast_ref::<ListArray<i64>>() {
            let offsets = lists.offsets();
            let (first, last) = (*offsets.first(), *offsets.last());
            let values = lists.values().sliced(first as usize, (last - first) as usize);
            (values, offsets.iter().map(|offset| offset - first).collect())
        } else if let Some(cells) = array.as_any().downcast_ref::<FixedSizeListArray>() {
            (cells.values().clone(), (0..=cells.len()).map(|row| (row * cells.size()) as i64).collect())
        } else {
            polars_bail!(ComputeError: "expected lists, got {:?}", array.dtype())
        };
        let dtype = s.dtype().inner_dtype().expect("lists have an inner dtype");
        // SAFETY: the array holds values of `dtype`, since both are what is below the series' chunk and dtype.
        let values =
            unsafe { Series::from_chunks_and_dtype_unchecked(PlSmallStr::EMPTY, vec![values], dtype) };
        Ok((Lists { offsets, validity: array.validity().cloned() }, values))
    }

    /// Layout of the lists in the values below.
    pub fn layout(&self) -> ListLayout<'_> {
        let extents = Extents::Offsets { offsets: Offsets::Large(&self.offsets), start: 0 };
        ListLayout { extents, valid: convert::bits(self.validity.as_ref()) }
    }
}
