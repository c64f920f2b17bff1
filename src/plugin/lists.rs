//! List columns: rows straight on values, offsets and validity, chunk by chunk. In nested lists the innermost level is
//! reduced and the levels around it stay.

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, ListArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::offset::OffsetsBuffer;

use super::dtypes;
use super::errors::{common_rows, in_row};
use super::kwargs::{Fixed, RowKwargs};
use super::leaf::{self, Leaf};
use super::states;
use crate::kernel::contract::{NanPolicy, Precision, Unit};
use crate::kernel::levels::{Extents, Ints, Kept, Level, innermost};
use crate::kernel::rows::{self, Rows, Values, Which};
use crate::kernel::states::{entropy_of_rows, kl_div_of_rows};

/// Where the rows of a level are.
enum Place {
    Offsets(OffsetsBuffer<i64>),
    Width { width: usize, rows: usize },
}

/// A level of lists, the memory behind a [`Level`].
struct Lists {
    place: Place,
    validity: Option<Bitmap>,
}

impl Lists {
    /// Offsets count from the first of them: what is below was cut there.
    fn level(&self) -> Level<'_> {
        let extents = match &self.place {
            Place::Offsets(offsets) => Extents::Offsets {
                offsets: Ints::Large(offsets.as_slice()),
                start: *offsets.first() as usize,
            },
            Place::Width { width, rows } => Extents::Width { width: *width, rows: *rows },
        };
        Level { extents, valid: leaf::bits(self.validity.as_ref()) }
    }
}

/// A chunk taken apart.
struct Chunk<T: Leaf> {
    /// The levels that stay.
    outer: Vec<Lists>,
    inner: Lists,
    leaf: PrimitiveArray<T>,
}

impl<T: Leaf> Chunk<T> {
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
                return Ok(Chunk { outer, inner: level, leaf: leaf::leaf(values, below)? });
            }
            if let (Some(cells), DataType::Array(below, width)) =
                (array.as_any().downcast_ref::<FixedSizeListArray>(), dtype)
            {
                let place = Place::Width { width: *width, rows: cells.len() };
                let inner = Lists { place, validity: cells.validity().cloned() };
                return Ok(Chunk { outer, inner, leaf: leaf::leaf(cells.values().clone(), below)? });
            }
            polars_bail!(ComputeError: "expected lists of {dtype}, got {:?}", array.dtype());
        }
    }

    fn outer(&self) -> Vec<Level<'_>> {
        self.outer.iter().map(Lists::level).collect()
    }

    fn rows(&self) -> Rows<'_, T> {
        Rows { weights: leaf::weights(&self.leaf), level: self.inner.level() }
    }
}

/// Puts the levels that stay back around the values.
fn wrap((mut array, kept): (ArrayRef, Vec<Kept>)) -> PolarsResult<ArrayRef> {
    for level in kept.into_iter().rev() {
        let dtype = ListArray::<i64>::default_datatype(array.dtype().clone());
        let offsets = OffsetsBuffer::try_from(level.offsets)?;
        let validity = Bitmap::from_iter(level.valid);
        let validity = (validity.unset_bits() > 0).then_some(validity);
        array = ListArray::try_new(dtype, offsets, array, validity)?.boxed();
    }
    Ok(array)
}

/// What is made of each innermost row: an array of as many elements, and which of the rows failed.
trait Made {
    fn of_rows<T: Leaf>(&self, x: &Rows<T>, which: Which) -> Result<ArrayRef, rows::Error>;
    fn of_pairs<T: Leaf>(&self, p: &Rows<T>, q: &Rows<T>, which: Which) -> Result<ArrayRef, rows::Error>;
}

/// Values.
struct Valued {
    policy: NanPolicy,
    unit: Unit,
    precision: Precision,
}

impl Made for Valued {
    fn of_rows<T: Leaf>(&self, x: &Rows<T>, which: Which) -> Result<ArrayRef, rows::Error> {
        let mut values = Values::default();
        rows::entropy(x, which, self.policy, self.unit, &mut values)?;
        Ok(leaf::values(values, self.precision))
    }

    fn of_pairs<T: Leaf>(&self, p: &Rows<T>, q: &Rows<T>, which: Which) -> Result<ArrayRef, rows::Error> {
        let mut values = Values::default();
        rows::kl_div(p, q, which, self.policy, self.unit, &mut values)?;
        Ok(leaf::values(values, self.precision))
    }
}

/// States.
struct Stated {
    policy: NanPolicy,
    precision: Precision,
}

impl Made for Stated {
    fn of_rows<T: Leaf>(&self, x: &Rows<T>, which: Which) -> Result<ArrayRef, rows::Error> {
        Ok(states::ENTROPY.array(entropy_of_rows(x, which, self.policy)?, self.precision))
    }

    fn of_pairs<T: Leaf>(&self, p: &Rows<T>, q: &Rows<T>, which: Which) -> Result<ArrayRef, rows::Error> {
        Ok(states::KL_DIV.array(kl_div_of_rows(p, q, which, self.policy)?, self.precision))
    }
}

/// The values of all rows of p, or of p and q.
pub fn apply(inputs: &[Series], kwargs: &RowKwargs) -> PolarsResult<Series> {
    let inputs = &*Fixed::inputs(kwargs.fixed.as_ref(), inputs, true)?;
    let precision = dtypes::of_series(inputs, false);
    let made = Valued { policy: kwargs.nan_policy.0, unit: kwargs.unit(), precision };
    each_row(inputs, precision, &dtypes::float(precision), &made)
}

/// The states of all rows of p, or of p and q.
pub fn apply_states(inputs: &[Series], kwargs: &RowKwargs) -> PolarsResult<Series> {
    let inputs = &*Fixed::inputs(kwargs.fixed.as_ref(), inputs, true)?;
    let precision = dtypes::of_series(inputs, false);
    let made = Stated { policy: kwargs.nan_policy.0, precision };
    each_row(inputs, precision, &state_dtype(inputs.len(), precision), &made)
}

/// The dtype of a state of so many inputs.
pub fn state_dtype(inputs: usize, precision: Precision) -> DataType {
    match inputs {
        1 => states::ENTROPY.dtype(precision),
        _ => states::KL_DIV.dtype(precision),
    }
}

fn each_row(
    inputs: &[Series],
    precision: Precision,
    out: &DataType,
    made: &impl Made,
) -> PolarsResult<Series> {
    let (p, q) = (&inputs[0], inputs.get(1));
    if inputs.iter().any(|s| *s.dtype() == DataType::Null) {
        let dtype = dtypes::reduce_innermost(p.dtype(), out.clone());
        return Ok(leaf::nulls(p.name(), q.map_or(Ok(p.len()), |q| common_rows(p, q))?, &dtype));
    }
    match (precision, q) {
        (Precision::Single, None) => of_rows::<f32>(p, made),
        (Precision::Double, None) => of_rows::<f64>(p, made),
        (Precision::Single, Some(q)) => of_pairs::<f32>(p, q, made),
        (Precision::Double, Some(q)) => of_pairs::<f64>(p, q, made),
    }
}

/// Every innermost row.
fn of_rows<T: Leaf>(x: &Series, made: &impl Made) -> PolarsResult<Series> {
    let mut out = Vec::with_capacity(x.n_chunks());
    let mut before = 0;
    for array in x.chunks() {
        let chunk = Chunk::<T>::open(array, x.dtype())?;
        let values = innermost(Which::all(array.len()), &chunk.outer(), &[], |which| {
            made.of_rows(&chunk.rows(), which)
        });
        out.push(wrap(values.map_err(|(row, error)| in_row(error, before + row, x.name(), ""))?)?);
        before += array.len();
    }
    leaf::series(x.name(), out)
}

/// Every innermost row of p with its row of q.
fn of_pairs<T: Leaf>(p: &Series, q: &Series, made: &impl Made) -> PolarsResult<Series> {
    let mut out = Vec::new();
    let mut before = 0;
    for pair in aligned_chunks(p, q)? {
        let of_p = Chunk::<T>::open(&pair.p, p.dtype())?;
        let of_q = Chunk::<T>::open(&pair.q, q.dtype())?;
        let values = innermost(pair.which(), &of_p.outer(), &of_q.outer(), |which| {
            made.of_pairs(&of_p.rows(), &of_q.rows(), which)
        });
        out.push(wrap(values.map_err(|(row, error)| in_row(error, before + row, p.name(), q.name()))?)?);
        before += pair.rows;
    }
    leaf::series(p.name(), out)
}

/// Chunks of p and q that belong together.
pub struct ChunkPair {
    pub p: ArrayRef,
    pub q: ArrayRef,
    /// The number of rows that come out.
    pub rows: usize,
    one_p: bool,
    one_q: bool,
}

impl ChunkPair {
    /// The rows of p and q, for the kernel.
    fn which(&self) -> Which<'static> {
        let of = |one| if one { 1 } else { self.rows };
        Which::All { rows: self.rows, p: of(self.one_p), q: of(self.one_q) }
    }

    /// The row numbers of p and q for each row that comes out.
    pub fn indices(&self) -> impl ExactSizeIterator<Item = (usize, usize)> + use<> {
        let (one_p, one_q) = (self.one_p, self.one_q);
        (0..self.rows).map(move |i| (if one_p { 0 } else { i }, if one_q { 0 } else { i }))
    }
}

/// Pairs the chunks of p and q. A single row on either side goes with every chunk of the other; it is p that is the left
/// operand in any case.
pub fn aligned_chunks(p: &Series, q: &Series) -> PolarsResult<Vec<ChunkPair>> {
    let rows = common_rows(p, q)?;
    let (one_p, one_q) = (p.len() != rows, q.len() != rows);
    let pair =
        |p: &ArrayRef, q: &ArrayRef, rows| ChunkPair { p: p.clone(), q: q.clone(), rows, one_p, one_q };
    if one_p {
        let p = p.rechunk();
        return Ok(q.chunks().iter().map(|q| pair(&p.chunks()[0], q, q.len())).collect());
    }
    if one_q {
        let q = q.rechunk();
        return Ok(p.chunks().iter().map(|p| pair(p, &q.chunks()[0], p.len())).collect());
    }
    if p.chunk_lengths().eq(q.chunk_lengths()) {
        return Ok(p.chunks().iter().zip(q.chunks()).map(|(p, q)| pair(p, q, p.len())).collect());
    }
    let (p, q) = (p.rechunk(), q.rechunk());
    Ok(vec![pair(&p.chunks()[0], &q.chunks()[0], rows)])
}
