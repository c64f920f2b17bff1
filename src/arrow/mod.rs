//! Entropy and Kullback–Leibler divergence of [`arrow`] arrays.
//!
//! | function | of lists | of numbers |
//! | --- | --- | --- |
//! | [`entropy`] | a value for each list | one value, the array being one distribution |
//! | [`kl_div`] | a value for each pair of lists | one value |
//! | [`entr`], [`rel_entr`] | – | a value for each element |
//!
//! Lists are [`ListArray`], [`LargeListArray`], [`FixedSizeListArray`] and the list views; of nested ones the innermost level
//! is reduced, and the levels around it stay. Numbers are all integers, floats, decimals, Boolean, and Null, which is
//! missing. Nothing is copied but numbers that are neither `f32` nor `f64`, `f32` beside `f64`, and a single number that goes
//! with many.
//!
//! # Details
//!
//! A distribution need not sum to one. Missing elements are nulls and NaNs. The first rule that applies decides:
//!
//! | case | entropy | divergence D(p‖q) |
//! | --- | --- | --- |
//! | the list itself is null, in p or in q | null | null |
//! | p and q differ in length | – | [`Error::Lengths`] |
//! | a missing element, [`NanPolicy::Raise`] | [`Error::Missing`] | the same, for p and q |
//! | … [`NanPolicy::Omit`] | dropped, the rest renormalised | dropped in pairs |
//! | … [`NanPolicy::Propagate`], a null; else a NaN | null; NaN | null; NaN |
//! | nothing (left) to sum | 0 | 0 |
//! | an infinity | NaN | NaN |
//! | a negative weight | −∞ | ∞ |
//! | a total of zero | NaN | NaN (either total) |
//! | q = 0 < p somewhere | – | ∞ |
//! | otherwise | the value, never negative | the same; exactly 0 for p = q |
//!
//! Results are [`Float64`](DataType::Float64); [`Float32`](DataType::Float32) where all inputs are `Float32` or `Float16`, summed in double precision
//! nevertheless. The relative error is about 1e-15 (2e-15 for the divergence of unlike p and q), in `Float32` 1e-7, and a value
//! is the same whatever lies around it in memory, behind nulls, or in neighbouring lists.
//!
//! # Example
//!
//! ```
//! use arrow::array::{AsArray, ListArray};
//! use arrow::datatypes::{Float64Type, Int32Type};
//! use polars_entropy::arrow::{Options, entropy, kl_div};
//!
//! let p = ListArray::from_iter_primitive::<Int32Type, _, _>([
//!     Some(vec![Some(1), Some(1), Some(2)]),
//!     None,
//!     Some(vec![Some(7)]),
//! ]);
//! let bits = entropy(&p, &Options { base: Some(2.0), ..Options::default() })?;
//! assert_eq!(bits.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(1.5), None, Some(0.0)]);
//!
//! let zero = kl_div(&p, &p, &Options::default())?;
//! assert_eq!(zero.as_primitive::<Float64Type>().value(0), 0.0);
//! # Ok::<(), polars_entropy::arrow::Error>(())
//! ```
//!
//! [`ListArray`]: arrow::array::ListArray
//! [`LargeListArray`]: arrow::array::LargeListArray
//! [`FixedSizeListArray`]: arrow::array::FixedSizeListArray

mod error;
#[doc(hidden)]
pub mod ffi;
mod nest;
#[cfg(test)]
mod tests;

use arrow::array::{Array, ArrayRef, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

pub use self::error::Error;
use self::nest::{Leaf, Nest};
#[cfg(feature = "python")]
pub(crate) use self::nest::{check_type, element, is_single};
use crate::kernel::columns;
pub use crate::kernel::contract::{NanPolicy, Side};
use crate::kernel::contract::{Precision, Unit};
use crate::kernel::levels::innermost;
use crate::kernel::rows::{self, Values, Which};

/// What [`entropy`] and [`kl_div`] take beside the data.
///
/// ```
/// use polars_entropy::arrow::{NanPolicy, Options};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(bits.nan_policy, NanPolicy::Propagate);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A positive finite number other than 1; one below 1
    /// flips the sign.
    pub base: Option<f64>,
    /// What to do about missing elements, which are nulls and NaNs.
    pub nan_policy: NanPolicy,
}

impl Options {
    fn unit(&self) -> Result<Unit, Error> {
        match self.base {
            Some(base) if !(base > 0.0 && base <= f64::MAX && base != 1.0) => Err(Error::Base(base)),
            base => Ok(Unit::new(base)),
        }
    }
}

/// Shannon entropy of each list, or of an array of numbers as a whole.
///
/// H = −Σ (xᵢ/S) ln (xᵢ/S) with S = Σ xᵢ, in units of ln `base` (Shannon 1948, [doi:10.1002/j.1538-7305.1948.tb01338.x]).
///
/// # Details
///
/// A value for each list, of which the lists around it, if there are any, are kept as they are; for numbers without lists an
/// array of one value. The [module](self) has the rules for missing elements and degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Type`] if the array holds neither numbers nor lists of numbers.
/// * [`Error::Missing`] for a null or NaN under [`NanPolicy::Raise`].
/// * [`Error::Extent`] if a list does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow::array::{AsArray, Float64Array, ListArray};
/// use arrow::datatypes::Float64Type;
/// use polars_entropy::arrow::{NanPolicy, Options, entropy};
///
/// let rows = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(0.5), Some(0.5)]),
///     Some(vec![Some(3.0), None, Some(3.0)]),
/// ]);
/// let omit = Options { base: Some(2.0), nan_policy: NanPolicy::Omit };
/// let bits = entropy(&rows, &omit)?;
/// assert_eq!(bits.as_primitive::<Float64Type>().values(), &[1.0, 1.0]);
///
/// let whole = entropy(&Float64Array::from(vec![1.0, 1.0, 1.0, 1.0]), &omit)?;
/// assert_eq!(whole.as_primitive::<Float64Type>().values(), &[2.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
///
/// [doi:10.1002/j.1538-7305.1948.tb01338.x]: https://doi.org/10.1002/j.1538-7305.1948.tb01338.x
pub fn entropy(p: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    let unit = options.unit()?;
    let nest = Nest::open(p, Side::P)?;
    match Precision::of(nest.precision()) {
        Precision::Single => entropy_in::<Float32Type>(p, &nest, options, unit),
        Precision::Double => entropy_in::<Float64Type>(p, &nest, options, unit),
    }
}

fn entropy_in<T: Leaf>(p: &dyn Array, nest: &Nest, options: &Options, unit: Unit) -> Result<ArrayRef, Error> {
    let weights = nest.weights::<T>()?;
    let rows = nest.rows_of(&weights);
    each_row(p.data_type(), nest, None, T::PRECISION, |which, out| {
        rows::entropy(&rows, which, options.nan_policy, unit, out)
    })
}

/// Kullback–Leibler divergence D(p‖q) of each list of p from that of q, or of an array of numbers from another one.
///
/// D = Σ (pᵢ/P) ln ((pᵢ/P) / (qᵢ/Q)) with P = Σ pᵢ and Q = Σ qᵢ, in units of ln `base` (Kullback & Leibler 1951,
/// [doi:10.1214/aoms/1177729694]).
///
/// # Details
///
/// q has a list for each of p, or one list for all of them; numbers without a list around them are one such distribution,
/// too. q may have fewer levels of lists than p: each of its lists then goes with all that are below its place in p. Where p
/// has one list and q many, there is a value for each of q.
///
/// Of two arrays of numbers, one may have a single element, which stands for as many as the other has: a uniform
/// distribution. The [module](self) has the rules for missing elements and degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Type`] if an array holds neither numbers nor lists of numbers, [`Error::Depth`] if q has more levels of lists
///   than p.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row, [`Error::Lengths`] if two distributions do.
/// * [`Error::Missing`] for a null or NaN under [`NanPolicy::Raise`].
/// * [`Error::Extent`] if a list does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow::array::{AsArray, Float64Array, ListArray};
/// use arrow::datatypes::Float64Type;
/// use polars_entropy::arrow::{Options, kl_div};
///
/// let p = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(1.0), Some(0.0)]),
///     Some(vec![Some(0.5), Some(0.5)]),
/// ]);
/// let uniform = Float64Array::from(vec![0.5, 0.5]);
/// let bits = kl_div(&p, &uniform, &Options { base: Some(2.0), ..Options::default() })?;
/// assert_eq!(bits.as_primitive::<Float64Type>().values(), &[1.0, 0.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
///
/// [doi:10.1214/aoms/1177729694]: https://doi.org/10.1214/aoms/1177729694
pub fn kl_div(p: &dyn Array, q: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    let unit = options.unit()?;
    let (of_p, of_q) = (Nest::open(p, Side::P)?, Nest::open(q, Side::Q)?);
    if of_q.levels.len() > of_p.levels.len() {
        return Err(Error::Depth { p: of_p.levels.len(), q: of_q.levels.len() });
    }
    match Precision::of([&of_p, &of_q].into_iter().filter_map(|nest| nest.precision())) {
        Precision::Single => kl_div_in::<Float32Type>(p, &of_p, &of_q, options, unit),
        Precision::Double => kl_div_in::<Float64Type>(p, &of_p, &of_q, options, unit),
    }
}

fn kl_div_in<T: Leaf>(
    p: &dyn Array,
    of_p: &Nest,
    of_q: &Nest,
    options: &Options,
    unit: Unit,
) -> Result<ArrayRef, Error> {
    let (mut of_elements_p, mut of_elements_q) = (of_p.weights::<T>()?, of_q.weights::<T>()?);
    if of_p.levels.is_empty() {
        let len = common_rows(of_elements_p.len(), of_elements_q.len()).map_err(|_| Error::Lengths {
            row: None,
            p: of_elements_p.len(),
            q: of_elements_q.len(),
        })?;
        (of_elements_p, of_elements_q) = (repeated(of_elements_p, len), repeated(of_elements_q, len));
    }
    let (rows_p, rows_q) = (of_p.rows_of(&of_elements_p), of_q.rows_of(&of_elements_q));
    each_row(p.data_type(), of_p, Some(of_q), T::PRECISION, |which, out| {
        rows::kl_div(&rows_p, &rows_q, which, options.nan_policy, unit, out)
    })
}

/// A single element as many times as there are others.
fn repeated<T: Leaf>(array: PrimitiveArray<T>, len: usize) -> PrimitiveArray<T> {
    match array.len() {
        1 if len != 1 && array.is_valid(0) => PrimitiveArray::from_value(array.value(0), len),
        1 if len != 1 => PrimitiveArray::new_null(len),
        _ => array,
    }
}

/// The values of the rows of p, or of p and q, which `fill` adds, in the lists around them.
fn each_row(
    like: &DataType,
    p: &Nest,
    q: Option<&Nest>,
    precision: Precision,
    fill: impl FnOnce(Which, &mut Values) -> Result<(), rows::Error>,
) -> Result<ArrayRef, Error> {
    let (of_p, of_q) = (p.distributions(), q.map_or(p.distributions(), Nest::distributions));
    let rows = Which::All { rows: common_rows(of_p, of_q)?, p: of_p, q: of_q };
    let filled = innermost(rows, p.outer(), q.map_or(&[], Nest::outer), |which| {
        let mut values = Values::default();
        fill(which, &mut values).map(|()| values)
    });
    let (values, kept) =
        filled.map_err(|(row, error)| Error::in_row(error, (!p.levels.is_empty()).then_some(row)))?;
    nest::wrap(nest::values(values, precision), kept, like)
}

/// The number of rows that come out of p and q, where one stands for any number of them.
fn common_rows(p: usize, q: usize) -> Result<usize, Error> {
    match (p, q) {
        (p, q) if p == q => Ok(p),
        (p, 1) => Ok(p),
        (1, q) => Ok(q),
        (p, q) => Err(Error::Rows { p, q }),
    }
}

/// The terms of an entropy: −p ln p for each element, as `scipy.special.entr` has it.
///
/// # Details
///
/// 0 at 0, −∞ below, null for null. Nothing is normalised.
///
/// # Errors
///
/// [`Error::Type`] if the array holds anything but numbers; pass the values of lists on their own. [`Error::Arrow`] if there is
/// no memory for the result.
///
/// # Example
///
/// ```
/// use arrow::array::{AsArray, Float64Array};
/// use arrow::datatypes::Float64Type;
/// use polars_entropy::arrow::entr;
///
/// let terms = entr(&Float64Array::from(vec![Some(0.5), Some(0.0), None, Some(-1.0)]))?;
/// let expected = [Some(0.5 * std::f64::consts::LN_2), Some(0.0), None, Some(f64::NEG_INFINITY)];
/// assert_eq!(terms.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), expected);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn entr(p: &dyn Array) -> Result<ArrayRef, Error> {
    let nest = Nest::open_flat(p, Side::P)?;
    match Precision::of(nest.precision()) {
        Precision::Single => entr_in::<Float32Type>(&nest),
        Precision::Double => entr_in::<Float64Type>(&nest),
    }
}

fn entr_in<T: Leaf>(nest: &Nest) -> Result<ArrayRef, Error> {
    let p = nest.weights::<T>()?;
    let values = columns::map(nest::view(&p), &columns::Entr);
    Ok(nest::floats(values, p.nulls().map(owned), T::PRECISION))
}

/// The terms of a divergence: p ln(p/q) for each pair of elements, as `scipy.special.rel_entr` has it.
///
/// # Details
///
/// 0 where p = 0 ≤ q, ∞ where p or q is negative or q = 0 < p, null for null. Nothing is normalised. One of the arrays may have
/// a single element, which goes with all of the other.
///
/// # Errors
///
/// * [`Error::Type`] if an array holds anything but numbers; pass the values of lists on their own.
/// * [`Error::Arrow`] if there is no memory for the result.
/// * [`Error::Lengths`] if the arrays differ in length, and neither has just one element.
///
/// # Example
///
/// ```
/// use arrow::array::{AsArray, Float64Array};
/// use arrow::datatypes::Float64Type;
/// use polars_entropy::arrow::rel_entr;
///
/// let x = Float64Array::from(vec![Some(1.0), Some(0.0), None]);
/// let terms = rel_entr(&x, &Float64Array::from(vec![0.5]))?;
/// let expected = [Some(std::f64::consts::LN_2), Some(0.0), None];
/// assert_eq!(terms.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), expected);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn rel_entr(p: &dyn Array, q: &dyn Array) -> Result<ArrayRef, Error> {
    let (p, q) = (Nest::open_flat(p, Side::P)?, Nest::open_flat(q, Side::Q)?);
    match Precision::of([&p, &q].into_iter().filter_map(|nest| nest.precision())) {
        Precision::Single => rel_entr_in::<Float32Type>(&p, &q),
        Precision::Double => rel_entr_in::<Float64Type>(&p, &q),
    }
}

fn rel_entr_in<T: Leaf>(p: &Nest, q: &Nest) -> Result<ArrayRef, Error> {
    let (p, q) = (p.weights::<T>()?, q.weights::<T>()?);
    let len =
        common_rows(p.len(), q.len()).map_err(|_| Error::Lengths { row: None, p: p.len(), q: q.len() })?;
    let values = columns::map_pairs(nest::view(&p), nest::view(&q), &columns::RelEntr);
    let spread = |array: &PrimitiveArray<T>| match array.nulls() {
        Some(nulls) if array.len() != len => {
            Some(if nulls.is_null(0) { NullBuffer::new_null(len) } else { NullBuffer::new_valid(len) })
        }
        nulls => nulls.cloned(),
    };
    let nulls = NullBuffer::union(spread(&p).as_ref(), spread(&q).as_ref());
    Ok(nest::floats(values, nulls.as_ref().map(owned), T::PRECISION))
}

/// A copy, so that a result doesn't keep the memory of its input.
fn owned(nulls: &NullBuffer) -> NullBuffer {
    let bits = Buffer::from(nulls.inner().sliced().as_slice());
    NullBuffer::new(BooleanBuffer::new(bits, 0, nulls.len()))
}
