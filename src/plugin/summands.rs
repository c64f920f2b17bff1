//! Columns of summands, of which Polars takes the sums of columns, groups and windows.
//!
//! Polars asks for each column in a call of its own. The first call for a batch computes all of them, and the others take theirs
//! ([`Once`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use polars::prelude::*;
use polars_arrow::array::{BooleanArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;

use super::columns::{OfWeights, check_pair, mismatch, of_columns};
use super::convert::{self, Float};
use super::dtypes::{self, Method, Shape};
use super::kwargs::{SummandColumn, SummandKwargs};
use crate::kernel::options::{NanPolicy, Precision};
use crate::kernel::registry::Summands;
use crate::kernel::rules::{Role, Split, single_marks};
use crate::kernel::summands::Column;
use crate::kernel::weights::Weights;
use crate::once::{Once, Piece, Source};

/// Batches of which some columns have been asked for.
static BATCHES: Once<Batch, ArrayRef> = Once::new(128 << 20, Duration::from_secs(1));

/// The number of times that Polars has asked for a field, which it does whenever it plans a query.
static PLANNED: AtomicU64 = AtomicU64::new(0);

/// Bytes of summands that are kept for calls to come.
pub fn kept() -> usize {
    BATCHES.bytes()
}

/// What the summands of a batch depend on.
#[derive(Debug)]
struct Batch {
    /// All but the weights.
    how: How,
    /// The weights, which are held so that nothing else can get their place in memory.
    arrays: Vec<ArrayRef>,
    places: Vec<Place>,
}

/// What the summands of a batch depend on beside the weights.
#[derive(Debug, PartialEq)]
struct How {
    quantity: &'static str,
    /// Address of the summands, which are those of the value of the quantity or of its state.
    summands: usize,
    policy: NanPolicy,
    precision: Precision,
    inputs: Vec<(DataType, usize)>,
    /// Memory doesn't change within a query, but memory that Polars shares with NumPy may change between two. So whatever a query has left
    /// behind is no one's as soon as another one is planned.
    planned: u64,
}

/// Addresses and offsets in bits of values and of validity, and the number of elements.
type Place = [usize; 5];

impl Batch {
    /// `None` for arrays whose memory isn't looked into.
    fn of(inputs: &[Series], kwargs: &SummandKwargs, precision: Precision) -> Option<Batch> {
        let SummandColumn { quantity, summands, .. } = kwargs.column;
        let arrays: Vec<ArrayRef> = inputs.iter().flat_map(|s| s.chunks()).cloned().collect();
        let how = How {
            quantity: quantity.name,
            summands: std::ptr::from_ref(summands).addr(),
            policy: kwargs.nan_policy.0,
            precision,
            inputs: inputs.iter().map(|s| (s.dtype().clone(), s.len())).collect(),
            planned: PLANNED.load(Ordering::Relaxed),
        };
        Some(Batch { how, places: arrays.iter().map(place).collect::<Option<_>>()?, arrays })
    }
}

impl Source for Batch {
    fn is_like(&self, other: &Batch) -> bool {
        self.how == other.how
    }

    fn is_at(&self, other: &Batch) -> bool {
        self.places == other.places && self.how == other.how
    }

    fn equals(&self, other: &Batch) -> bool {
        let equal = |(a, b): (&ArrayRef, &ArrayRef)| {
            // In chunks of other lengths it isn't the same batch.
            let nulls =
                |array: &ArrayRef| array.validity().filter(|validity| validity.unset_bits() > 0).cloned();
            let same_nulls = nulls(a).as_ref().map(bytes) == nulls(b).as_ref().map(bytes);
            a.len() == b.len() && same_nulls && memory(a) == memory(b)
        };
        self.arrays.len() == other.arrays.len() && self.arrays.iter().zip(&other.arrays).all(equal)
    }
}

fn place(array: &ArrayRef) -> Option<Place> {
    let (values, bit) = memory(array)?;
    let (validity, valid_bit) = array.validity().map_or((&[][..], 0), bytes);
    Some([values.as_ptr().addr(), bit, validity.as_ptr().addr(), valid_bit, array.len()])
}

/// Memory of the values of an array, and the bit of it where they begin. `None` for arrays of other than numbers.
fn memory(array: &ArrayRef) -> Option<(&[u8], usize)> {
    macro_rules! of_numbers {
        ($($native:ty)*) => {
            $(if let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<$native>>() {
                return Some((bytemuck::must_cast_slice(array.values().as_slice()), 0));
            })*
        };
    }
    of_numbers!(f64 f32 i64 i32 u32 u64 i8 u8 i16 u16 i128 u128);
    array.as_any().downcast_ref::<BooleanArray>().map(|array| bytes(array.values()))
}

fn bytes(bits: &Bitmap) -> (&[u8], usize) {
    let (bytes, offset, len) = bits.as_slice();
    (&bytes[..(offset + len).div_ceil(8)], offset)
}

/// Precision of a column of summands. That of a result in single precision is signalled by the rest of the term, which is
/// Float32 then; all others are Float64.
fn precision_of(column: Column, result: Precision) -> Precision {
    match (column.role, column.split) {
        (Role::Term, Split::Rest) => result,
        _ => Precision::Double,
    }
}

/// Field of a column of summands.
pub fn field(fields: &[Field], kwargs: &SummandKwargs) -> PolarsResult<Field> {
    PLANNED.fetch_add(1, Ordering::Relaxed);
    let SummandColumn { quantity, column, .. } = kwargs.column;
    let value = dtypes::flat_output(Method::value(Shape::Flat, quantity), fields, kwargs.weak_q)?;
    let precision = precision_of(column, dtypes::precision([value.dtype()]));
    Ok(Field::new(value.name, dtypes::float(precision)))
}

/// The array of a column of summands.
fn array(summands: Vec<f64>, precision: Precision) -> ArrayRef {
    match precision {
        Precision::Double => PrimitiveArray::from_vec(summands).boxed(),
        Precision::Single => PrimitiveArray::from_vec(single_marks(summands)).boxed(),
    }
}

/// Computes one column of summands.
struct One<'a>(&'a Summands, Column, Precision, NanPolicy);

impl OfWeights for One<'_> {
    type Out = Vec<f64>;

    fn of<T: Float>(self, p: Weights<T>, q: Option<Weights<T>>) -> PolarsResult<Vec<f64>> {
        let One(summands, column, precision, policy) = self;
        (T::summands(summands).column)(p, q, column, precision, policy).map_err(mismatch)
    }
}

/// Computes all columns of summands, `None` where they don't come at once.
struct All<'a>(&'a Summands, Precision, NanPolicy);

impl OfWeights for All<'_> {
    type Out = Option<Vec<Vec<f64>>>;

    fn of<T: Float>(self, p: Weights<T>, q: Option<Weights<T>>) -> PolarsResult<Self::Out> {
        let All(summands, precision, policy) = self;
        (T::summands(summands).all)(p, q, precision, policy).map_err(mismatch)
    }
}

/// Summands in one column, which Polars sums. Over overlapping windows (`rolling`, `group_by_dynamic`) it may do so by adding what
/// comes in and subtracting what goes out, which leaves behind what the large ones rounded off; but only in a column of one chunk.
/// So there is a second.
pub fn column(inputs: &[Series], kwargs: &SummandKwargs) -> PolarsResult<Series> {
    check_pair(inputs, kwargs.sequence)?;
    let SummandColumn { summands, column, .. } = kwargs.column;
    let result = dtypes::of_series(inputs, kwargs.weak_q);
    let precision = precision_of(column, result);
    let summands = match handed_on(inputs, kwargs, result) {
        Some(column) => column,
        None => array(of_columns(inputs, One(summands, column, result, kwargs.nan_policy.0))?, precision),
    };
    convert::series(inputs[0].name(), vec![summands, convert::floats(Vec::new(), None, precision)])
}

/// A column of summands that is computed together with the others, or was so.
fn handed_on(inputs: &[Series], kwargs: &SummandKwargs, result: Precision) -> Option<ArrayRef> {
    let SummandColumn { summands, column, .. } = kwargs.column;
    let rows = inputs.iter().map(|s| s.len()).max()?;
    let piece =
        Piece { at: column.place(), of: summands.count, bytes: summands.count * rows * size_of::<f64>() };
    BATCHES.piece(Batch::of(inputs, kwargs, result)?, piece, || {
        // An error is for those to tell who ask for one column.
        let columns = of_columns(inputs, All(summands, result, kwargs.nan_policy.0)).ok()??;
        let precision = |name| (summands.find)(name).map(|column| precision_of(column, result));
        let names = (summands.names)();
        names.iter().zip(columns).map(|(name, column)| Some(array(column, precision(name)?))).collect()
    })
}
