//! Columns of summands, of which Polars takes the sums of columns, groups and windows.
//!
//! Polars asks for each column in a call of its own. The first call for a batch computes all of them, and the others take theirs
//! ([`SharedWork`]).

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use polars::prelude::*;
use polars_arrow::array::{BooleanArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;

use super::columns::{OfWeights, mismatch, of_columns, pairs};
use super::convert::{self, Float};
use super::dtypes::{self, Method, Shape};
use super::kwargs::{SummandColumn, SummandKwargs};
use crate::kernel::options::{NanPolicy, Precision};
use crate::kernel::registry::Summands;
use crate::kernel::rules::{Role, Split, single_marks};
use crate::kernel::summands::Column;
use crate::kernel::weights::Weights;
use crate::shared_work::{Piece, SharedWork, Source};

/// Batches of which some columns have been asked for.
static BATCHES: SharedWork<Batch, ArrayRef> = SharedWork::new(128 << 20, Duration::from_secs(1));

/// Rows from which on a batch is shared. A smaller one takes less time than to look for it. There may be one for each group: of a
/// group with an aggregate as one side, Polars asks for one column after the other, each for all groups.
const LEAST: usize = 1_024;

/// The number of times that Polars has asked for a field, which it does whenever it plans a query.
static PLANNED: AtomicU64 = AtomicU64::new(0);

/// Bytes of summands that are stored for calls to come.
pub fn stored() -> usize {
    BATCHES.bytes()
}

/// Drops what is stored, before the interpreter ends: its owners may be Python's.
pub fn clear() {
    BATCHES.clear();
}

/// Everything that the summands of a batch depend on.
#[derive(Debug)]
struct Batch {
    /// All but the weights.
    parameters: Parameters,
    /// The weights, which are held so that nothing else can get their place in memory.
    arrays: Vec<ArrayRef>,
    places: Vec<Place>,
}

/// Everything else that they depend on.
#[derive(Debug, PartialEq)]
struct Parameters {
    /// Address of the summands, of which each quantity has some for its value and some for its state.
    summands: usize,
    policy: NanPolicy,
    precision: Precision,
    inputs: Vec<(DataType, usize)>,
    /// Number of fields asked for so far. Memory does not change within a query, but memory that Polars shares with NumPy may change
    /// between two. So the planning of a query invalidates what an earlier one has left.
    planned: u64,
}

/// Addresses and offsets in bits of values and of validity, and the number of elements.
type Place = [usize; 5];

impl Batch {
    /// `None` for arrays whose memory isn't looked into.
    fn of(inputs: &[Series], kwargs: &SummandKwargs, precision: Precision) -> Option<Batch> {
        let summands = kwargs.column.summands;
        let arrays: Vec<ArrayRef> = inputs.iter().flat_map(|s| s.chunks()).cloned().collect();
        let parameters = Parameters {
            summands: std::ptr::from_ref(summands).addr(),
            policy: kwargs.nan_policy.0,
            precision,
            inputs: inputs.iter().map(|s| (s.dtype().clone(), s.len())).collect(),
            planned: PLANNED.load(Ordering::Relaxed),
        };
        Some(Batch { parameters, places: arrays.iter().map(place).collect::<Option<_>>()?, arrays })
    }
}

impl Source for Batch {
    fn is_like(&self, other: &Batch) -> bool {
        self.parameters == other.parameters
    }

    fn is_at(&self, other: &Batch) -> bool {
        self.places == other.places && self.parameters == other.parameters
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

/// Computation of the columns of summands at these places.
struct Columns<'a>(&'a Summands, Range<usize>, Precision, NanPolicy);

impl OfWeights for Columns<'_> {
    type Out = Vec<Vec<f64>>;

    fn of<T: Float>(self, p: Weights<T>, q: Option<Weights<T>>) -> PolarsResult<Vec<Vec<f64>>> {
        let Columns(summands, places, precision, policy) = self;
        T::summands(summands)(p, q, places, precision, policy).map_err(mismatch)
    }
}

/// Summands in one column, which Polars sums. Over overlapping windows (`rolling`, `group_by_dynamic`) it may add what enters and
/// subtract what leaves. That leaves the rounding errors of large summands behind. It does so only for columns of one chunk, so a
/// second, empty chunk follows.
pub fn column(inputs: &[Series], kwargs: &SummandKwargs) -> PolarsResult<Series> {
    pairs(inputs, kwargs.sequence)?;
    let SummandColumn { summands, column, .. } = kwargs.column;
    let result = dtypes::of_series(inputs, kwargs.weak_q);
    let precision = precision_of(column, result);
    let summands = match shared_column(inputs, kwargs, result) {
        Some(column) => column,
        None => {
            let place = column.place()..column.place() + 1;
            let columns = of_columns(inputs, Columns(summands, place, result, kwargs.nan_policy.0))?;
            array(columns.into_iter().next().unwrap_or_default(), precision)
        }
    };
    convert::series(inputs[0].name(), vec![summands, convert::floats(Vec::new(), None, precision)])
}

/// Column of summands from the shared work on its batch; `None` if it has to be computed by itself.
fn shared_column(inputs: &[Series], kwargs: &SummandKwargs, result: Precision) -> Option<ArrayRef> {
    let SummandColumn { summands, column, .. } = kwargs.column;
    let rows = inputs.iter().map(|s| s.len()).max().filter(|rows| *rows >= LEAST)?;
    let piece =
        Piece { at: column.place(), of: summands.count, bytes: summands.count * rows * size_of::<f64>() };
    BATCHES.piece(Batch::of(inputs, kwargs, result)?, piece, || {
        // The call for one column reports the error.
        let all = Columns(summands, 0..summands.count, result, kwargs.nan_policy.0);
        let columns = of_columns(inputs, all).ok()?;
        let precision = |name| (summands.find)(name).map(|column| precision_of(column, result));
        let names = (summands.names)();
        names.iter().zip(columns).map(|(name, column)| Some(array(column, precision(name)?))).collect()
    })
}
