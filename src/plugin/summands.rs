//! Columns of summands, of which Polars takes the sums of columns, groups and windows.
//!
//! Polars asks for each column in a call of its own. The first call for a batch computes all of them, and the others take theirs
//! ([`Once`]). A batch is known by a hash of what is in it: nothing that belongs to a query is held, and it makes no difference
//! whether the engine hands in the same memory again or has computed the input anew.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;
use std::time::Duration;

use foldhash::quality::RandomState;
use polars::prelude::*;
use polars_arrow::array::{BooleanArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;

use super::columns::{OfWeights, check_pair, mismatch, of_columns};
use super::convert::{self, Float};
use super::dtypes::{self, Method, Shape};
use super::kwargs::SummandKwargs;
use crate::kernel::options::{NanPolicy, Precision};
use crate::kernel::registry::{Registered, Summands};
use crate::kernel::rules::{Role, Split, single_marks};
use crate::kernel::summands::Column;
use crate::kernel::weights::Weights;
use crate::once::{Once, Piece};

/// Batches of which some columns have been asked for.
static BATCHES: Once<Batch, ArrayRef> = Once::new(128 << 20, Duration::from_secs(1));

/// Bytes of summands that are kept for calls to come.
pub fn kept() -> usize {
    BATCHES.bytes()
}

/// What the summands of a batch depend on.
#[derive(Debug, PartialEq)]
struct Batch {
    /// The quantity's name, and whether the summands are those of its state.
    of: (&'static str, bool),
    policy: NanPolicy,
    precision: Precision,
    inputs: Vec<(DataType, usize)>,
    /// Hash of the weights. Two batches with the same one would get each other's summands: one chance in 2^64 for each pair of
    /// batches that are there at the same time.
    hash: u64,
}

impl Batch {
    /// `None` for dtypes whose memory isn't looked into.
    fn of(inputs: &[Series], kwargs: &SummandKwargs, precision: Precision) -> Option<Batch> {
        // Random, so that nobody can choose weights for their hashes.
        static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::default);
        let mut hasher = HASHES.build_hasher();
        for array in inputs.iter().flat_map(|s| s.chunks()) {
            hash_array(array, &mut hasher)?;
        }
        Some(Batch {
            of: (kwargs.quantity.0.name, kwargs.of_state),
            policy: kwargs.nan_policy.0,
            precision,
            inputs: inputs.iter().map(|s| (s.dtype().clone(), s.len())).collect(),
            hash: hasher.finish(),
        })
    }
}

fn hash_array(array: &ArrayRef, hasher: &mut impl Hasher) -> Option<()> {
    macro_rules! values {
        ($($native:ty)*) => {
            $(if let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<$native>>() {
                hasher.write(bytemuck::must_cast_slice(array.values().as_slice()));
            } else)*
            if let Some(array) = array.as_any().downcast_ref::<BooleanArray>() {
                hash_bits(array.values(), hasher);
            } else {
                return None;
            }
        };
    }
    values!(f64 f32 i64 i32 u32 u64 i8 u8 i16 u16 i128 u128);
    if let Some(validity) = array.validity().filter(|validity| validity.unset_bits() > 0) {
        hash_bits(validity, hasher);
    }
    Some(())
}

fn hash_bits(bits: &Bitmap, hasher: &mut impl Hasher) {
    let (bytes, offset, len) = bits.as_slice();
    hasher.write_usize(offset);
    hasher.write(&bytes[..(offset + len).div_ceil(8)]);
}

fn no_column(SummandKwargs { quantity, column, .. }: &SummandKwargs) -> PolarsError {
    polars_err!(ComputeError: "{} has no summands {column:?}", quantity.0.name)
}

/// The summands that are asked for, and which column of them.
fn asked(kwargs: &SummandKwargs) -> PolarsResult<(&'static Summands, Column)> {
    let quantity: &'static Registered = kwargs.quantity.0;
    let found = quantity.summands(kwargs.of_state);
    found.and_then(|of| Some((of, (of.find)(&kwargs.column)?))).ok_or_else(|| no_column(kwargs))
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
    let value = dtypes::flat_output(Method::value(Shape::Flat, kwargs.quantity.0), fields, kwargs.weak_q)?;
    let precision = precision_of(asked(kwargs)?.1, dtypes::precision([value.dtype()]));
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
    let (summands, column) = asked(kwargs)?;
    let (result, policy) = (dtypes::of_series(inputs, kwargs.weak_q), kwargs.nan_policy.0);
    let precision = precision_of(column, result);
    let summands = match handed_on(inputs, kwargs, (summands, column), result) {
        Some(column) => column,
        None => array(of_columns(inputs, One(summands, column, result, policy))?, precision),
    };
    convert::series(inputs[0].name(), vec![summands, convert::floats(Vec::new(), None, precision)])
}

/// A column of summands that is computed together with the others, or was so.
fn handed_on(
    inputs: &[Series],
    kwargs: &SummandKwargs,
    (summands, column): (&'static Summands, Column),
    result: Precision,
) -> Option<ArrayRef> {
    let names = (summands.names)();
    let rows = inputs.iter().map(Series::len).max()?;
    let piece = Piece { at: column.place(), of: names.len(), bytes: names.len() * rows * size_of::<f64>() };
    BATCHES.piece(Batch::of(inputs, kwargs, result)?, piece, || {
        // An error is for those to tell who ask for one column.
        let columns = of_columns(inputs, All(summands, result, kwargs.nan_policy.0)).ok()??;
        let precision = |name| (summands.find)(name).map(|column| precision_of(column, result));
        names.iter().zip(columns).map(|(name, column)| Some(array(column, precision(name)?))).collect()
    })
}
