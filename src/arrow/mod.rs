//! Entropy and Kullback–Leibler divergence of arrow-rs' arrays.
//!
//! | function | of lists | of numbers |
//! | --- | --- | --- |
//! | [`entropy`] | a value for each list | one value, the array being one distribution |
//! | [`kl_div`], [`cross_entropy`], [`js_div`], [`psi`] | a value for each pair of lists | one value |
//! | [`kl_div_with_total`], [`cross_entropy_with_total`] | likewise, of a q whose total is known | likewise |
//! | [`entr`], [`rel_entr`] | – | a value for each element |
//! | those of [`logits`] | of unnormalised logarithms, likewise | likewise |
//! | those of [`map`] | of keys and weights, likewise | – |
//!
//! Lists are [`ListArray`], [`LargeListArray`], [`FixedSizeListArray`] and the list views. Of nested lists the
//! innermost level is reduced, and the levels around it stay. Numbers are all integers, floats, decimals, Boolean, and
//! Null, which is missing. Three things are copied: numbers that are neither `f32` nor `f64`, `f32` beside `f64`, and
//! a single number that goes with many.
//!
//! # Details
//!
//! The [crate](crate#rules) has the rules for missing elements and degenerate distributions. Lists of different lengths
//! are [`Error::Lengths`], and a missing element under [`NanPolicy::Raise`] is [`Error::Missing`]; both name the row.
//!
//! Results are [`Float64`]. They are [`Float32`] where all inputs are `Float32` or `Float16`, with sums in double
//! precision nevertheless. The relative error is about 1e-15 (2e-15 for the divergence of unlike p and q), in
//! `Float32` 1e-7. A value does not depend on what lies around it in memory, behind nulls, or in neighbouring lists.
//!
//! # Example
//!
//! ```
//! use arrow_array::ListArray;
//! use arrow_array::cast::AsArray;
//! use arrow_array::types::{Float64Type, Int32Type};
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
//! The crates `arrow_array` and `arrow_schema` are parts of the crate `arrow`, and their types are the same.
//!
//! [`Float32`]: arrow_schema::DataType::Float32
//! [`Float64`]: arrow_schema::DataType::Float64
//! [`ListArray`]: arrow_array::ListArray
//! [`LargeListArray`]: arrow_array::LargeListArray
//! [`FixedSizeListArray`]: arrow_array::FixedSizeListArray

mod error;
#[doc(hidden)]
pub mod import;
mod keys;
pub mod logits;
pub mod map;
#[cfg(test)]
mod tests;
mod view;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_cast::cast;
use arrow_schema::DataType;

pub use self::error::Error;
pub(crate) use self::view::check_type;
use self::view::{Float, Unnested, is_number, nested, number_array, value_array, weights};
#[cfg(feature = "python")]
pub(crate) use self::view::{element_field, is_single};
use crate::kernel::broadcast::Broadcast;
use crate::kernel::layout::{self, OuterList, Pairing};
use crate::kernel::options::{Precision, Unit};
use crate::kernel::quantities::{CrossEntropy, Entr, Entropy, JsDiv, KlDiv, Psi, RelEntr};
use crate::kernel::registry::{ByFloat, Function, Registered};
use crate::kernel::values::Values;
pub use crate::{NanPolicy, Options, Side};

/// Shannon entropy of each list, or of an array of numbers as a whole.
///
/// H = −Σ (pᵢ/P) ln (pᵢ/P) with P = Σ pᵢ, in units of ln `base` (Shannon 1948,
/// [doi:10.1002/j.1538-7305.1948.tb01338.x]).
///
/// # Details
///
/// The result has a value for each list, and the lists around these, if there are any, as they are. For numbers without
/// lists it is an array of one value. The [crate](crate#rules) has the rules for missing elements and degenerate
/// distributions.
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
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
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
    distribution(&Registered::rows::<Entropy>(), p, None, None, options)
}

/// Kullback–Leibler divergence D(p‖q) of each list of p from that of q, or of an array of numbers from another one.
///
/// D = Σ (pᵢ/P) ln ((pᵢ/P) / (qᵢ/Q)) with P = Σ pᵢ and Q = Σ qᵢ, in units of ln `base` (Kullback & Leibler 1951,
/// [doi:10.1214/aoms/1177729694]).
///
/// # Details
///
/// q has a list for each of p, or one list for all of them. Numbers without a list around them are one such
/// distribution, too. q may have fewer levels of lists than p: each of its lists then goes with all that are below its
/// place in p. Where p has one list and q many, there is a value for each of q.
///
/// Of two arrays of numbers, one may have a single element, which stands for as many as the other has: a uniform
/// distribution. The [crate](crate#rules) has the rules for missing elements and degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Type`] if an array holds neither numbers nor lists of numbers.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row, [`Error::Lengths`] if two
///   distributions do.
/// * [`Error::Missing`] for a null or NaN under [`NanPolicy::Raise`].
/// * [`Error::Extent`] if a list does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
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
    distribution(&Registered::rows::<KlDiv>(), p, Some(q), None, options)
}

/// Divergence D(p‖q) where lists of q lack elements that p hasn't either, and the total of each whole q is known.
///
/// The values of [`kl_div`] with one more element in each list, of which p has 0 and q the rest, `q_total` − Σ qᵢ.
///
/// # Details
///
/// `q_total` has a number for each row, or one for all of them; of nested lists, all lists in a row share that of the row. Where it is
/// null the value is null, and where it is NaN or infinite, NaN. A rest below zero by no more than 1e-6 of the total is taken for
/// rounding and counts as none; below that it is a negative weight, for which the value is ∞. What [`NanPolicy::Omit`] drops of q
/// belongs to the rest. The dtype of `q_total` has no part in that of the result.
///
/// # Errors
///
/// * [`Error::TotalType`] if `q_total` doesn't hold numbers, and [`Error::Totals`] if it has another length.
/// * Those of [`kl_div`].
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
/// use polars_entropy::arrow::{Options, kl_div_with_total};
///
/// // Counts of the letters that two words have, beside the shares of these letters in a language.
/// let p = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(3.0)]), Some(vec![Some(1.0); 2])]);
/// let q = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(0.25)]), Some(vec![Some(0.125); 2])]);
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// let values = kl_div_with_total(&p, &q, &Float64Array::from(vec![1.0]), &bits)?;
/// assert_eq!(values.as_primitive::<Float64Type>().values(), &[2.0, 2.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn kl_div_with_total(
    p: &dyn Array,
    q: &dyn Array,
    q_total: &dyn Array,
    options: &Options,
) -> Result<ArrayRef, Error> {
    let totals = Totals::open(q_total)?;
    distribution(&Registered::rows::<KlDiv>(), p, Some(q), Some(&totals), options)
}

/// Cross-entropy of each list of p relative to that of q, or of an array of numbers relative to another one.
///
/// CE = −Σ (pᵢ/P) ln (qᵢ/Q) with P = Σ pᵢ and Q = Σ qᵢ, in units of ln `base`: the entropy of p plus its divergence from q
/// (D. F. Kerridge, *Inaccuracy and Inference*, 1961).
///
/// # Details
///
/// q has a list for each of p, or one list for all of them. Numbers without a list around them are one such
/// distribution, too. q may have fewer levels of lists than p: each of its lists then goes with all that are below its
/// place in p. Where p has one list and q many, there is a value for each of q.
///
/// Of two arrays of numbers, one may have a single element, which stands for as many as the other has: a uniform
/// distribution. The [crate](crate#rules) has the rules for missing elements and degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Type`] if an array holds neither numbers nor lists of numbers.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row, [`Error::Lengths`] if two
///   distributions do.
/// * [`Error::Missing`] for a null or NaN under [`NanPolicy::Raise`].
/// * [`Error::Extent`] if a list does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
/// use polars_entropy::arrow::{Options, cross_entropy};
///
/// let p = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(1.0), Some(0.0)]),
///     Some(vec![Some(0.5), Some(0.5)]),
/// ]);
/// let uniform = Float64Array::from(vec![0.5, 0.5]);
/// let bits = cross_entropy(&p, &uniform, &Options { base: Some(2.0), ..Options::default() })?;
/// assert_eq!(bits.as_primitive::<Float64Type>().values(), &[1.0, 1.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn cross_entropy(p: &dyn Array, q: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<CrossEntropy>(), p, Some(q), None, options)
}

/// Cross-entropy where lists of q lack elements that p hasn't either, and the total of each whole q is known.
///
/// The values of [`cross_entropy`] with one more element in each list, of which p has 0 and q the rest, `q_total` − Σ qᵢ.
///
/// # Details
///
/// Totals are taken as in [`kl_div_with_total`].
///
/// # Errors
///
/// * [`Error::TotalType`] if `q_total` doesn't hold numbers, and [`Error::Totals`] if it has another length.
/// * Those of [`cross_entropy`].
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, Int32Array, ListArray};
/// use polars_entropy::arrow::{Options, cross_entropy_with_total};
///
/// let p = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.0); 2])]);
/// let counts = Float64Array::from(vec![100.0, 100.0]);
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// let values = cross_entropy_with_total(&p, &counts, &Int32Array::from(vec![800]), &bits)?;
/// assert_eq!(values.as_primitive::<Float64Type>().values(), &[3.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn cross_entropy_with_total(
    p: &dyn Array,
    q: &dyn Array,
    q_total: &dyn Array,
    options: &Options,
) -> Result<ArrayRef, Error> {
    let totals = Totals::open(q_total)?;
    distribution(&Registered::rows::<CrossEntropy>(), p, Some(q), Some(&totals), options)
}

/// Jensen–Shannon divergence of each list of p and that of q, or of two arrays of numbers.
///
/// JS = ½ Σ a ln(a/m) + ½ Σ b ln(b/m) with the shares a = pᵢ/P and b = qᵢ/Q and their mean m, in units of ln `base` (J. Lin,
/// *Divergence Measures Based on the Shannon Entropy*, 1991). It is symmetric and at most ln 2. It is not the root, which
/// `scipy.spatial.distance.jensenshannon` gives.
///
/// # Details
///
/// q has a list for each of p, or one list for all of them. Numbers without a list around them are one such
/// distribution, too. q may have fewer levels of lists than p: each of its lists then goes with all that are below its
/// place in p. Where p has one list and q many, there is a value for each of q.
///
/// Of two arrays of numbers, one may have a single element, which stands for as many as the other has: a uniform
/// distribution. The [crate](crate#rules) has the rules for missing elements and degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Type`] if an array holds neither numbers nor lists of numbers.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row, [`Error::Lengths`] if two
///   distributions do.
/// * [`Error::Missing`] for a null or NaN under [`NanPolicy::Raise`].
/// * [`Error::Extent`] if a list does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
/// use polars_entropy::arrow::{Options, js_div};
///
/// let p = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(1.0), Some(0.0)]),
///     Some(vec![Some(0.5), Some(0.5)]),
/// ]);
/// let q = Float64Array::from(vec![0.0, 2.0]);
/// let bits = js_div(&p, &q, &Options { base: Some(2.0), ..Options::default() })?;
/// let values = bits.as_primitive::<Float64Type>().values();
/// assert_eq!(values[0], 1.0);
/// assert!((values[1] - (1.5 - 0.75 * 3f64.log2())).abs() < 1e-15);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn js_div(p: &dyn Array, q: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<JsDiv>(), p, Some(q), None, options)
}

/// Population stability index of each list of p and that of q, or of two arrays of numbers.
///
/// PSI = Σ (a − b) ln(a/b) with the shares a = pᵢ/P and b = qᵢ/Q, in units of ln `base` (H. Jeffreys, *An Invariant Form for the Prior
/// Probability in Estimation Problems*, 1946): both divergences together. It is infinite where one of p and q is 0 and the other is
/// not; nothing is added to empty bins.
///
/// # Details
///
/// q has a list for each of p, or one list for all of them. Numbers without a list around them are one such
/// distribution, too. q may have fewer levels of lists than p: each of its lists then goes with all that are below its
/// place in p. Where p has one list and q many, there is a value for each of q.
///
/// Of two arrays of numbers, one may have a single element, which stands for as many as the other has: a uniform
/// distribution. The [crate](crate#rules) has the rules for missing elements and degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Type`] if an array holds neither numbers nor lists of numbers.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row, [`Error::Lengths`] if two
///   distributions do.
/// * [`Error::Missing`] for a null or NaN under [`NanPolicy::Raise`].
/// * [`Error::Extent`] if a list does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
/// use polars_entropy::arrow::{Options, psi};
///
/// let p = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(1.0), Some(3.0)]),
///     Some(vec![Some(1.0), Some(0.0)]),
/// ]);
/// let index = psi(&p, &Float64Array::from(vec![3.0, 1.0]), &Options::default())?;
/// let values = index.as_primitive::<Float64Type>().values();
/// assert!((values[0] - 3f64.ln()).abs() < 1e-15);
/// assert_eq!(values[1], f64::INFINITY);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn psi(p: &dyn Array, q: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<Psi>(), p, Some(q), None, options)
}

/// Terms of an entropy: −p ln p for each element, as `scipy.special.entr` has it.
///
/// # Details
///
/// A term is 0 at 0, −∞ below, and null for null. Nothing is normalised.
///
/// # Errors
///
/// * [`Error::Type`] if the array holds anything but numbers. Of lists, pass the values.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::Float64Array;
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use polars_entropy::arrow::entr;
///
/// let terms = entr(&Float64Array::from(vec![Some(0.5), Some(0.0), None, Some(-1.0)]))?;
/// let expected = [Some(0.5 * std::f64::consts::LN_2), Some(0.0), None, Some(f64::NEG_INFINITY)];
/// assert_eq!(terms.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), expected);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn entr(p: &dyn Array) -> Result<ArrayRef, Error> {
    element(&Function::of::<Entr>(), p, None)
}

/// Terms of a divergence: p ln(p/q) for each pair of elements, as `scipy.special.rel_entr` has it.
///
/// # Details
///
/// A term is 0 where p = 0 ≤ q, ∞ where p or q is negative or q = 0 < p, and null for null. Nothing is normalised. One
/// of the arrays may have a single element, which goes with all of the other.
///
/// # Errors
///
/// * [`Error::Type`] if an array holds anything but numbers. Of lists, pass the values.
/// * [`Error::Lengths`] if the arrays differ in length, and neither has just one element.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::Float64Array;
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use polars_entropy::arrow::rel_entr;
///
/// let x = Float64Array::from(vec![Some(1.0), Some(0.0), None]);
/// let terms = rel_entr(&x, &Float64Array::from(vec![0.5]))?;
/// let expected = [Some(std::f64::consts::LN_2), Some(0.0), None];
/// assert_eq!(terms.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), expected);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn rel_entr(p: &dyn Array, q: &dyn Array) -> Result<ArrayRef, Error> {
    element(&Function::of::<RelEntr>(), p, Some(q))
}

/// Inputs of a call, taken apart.
struct Inputs<'a> {
    p: Unnested<'a>,
    q: Option<Unnested<'a>>,
}

impl<'a> Inputs<'a> {
    /// Numbers, or lists of them where `lists` are taken.
    fn open(p: &'a dyn Array, q: Option<&'a dyn Array>, lists: bool) -> Result<Inputs<'a>, Error> {
        check_type(p.data_type(), Side::P, lists)?;
        q.map_or(Ok(()), |q| check_type(q.data_type(), Side::Q, lists))?;
        Inputs::of_checked(p, q)
    }

    /// Arrays whose types have been checked.
    fn of_checked(p: &'a dyn Array, q: Option<&'a dyn Array>) -> Result<Inputs<'a>, Error> {
        let p = Unnested::open(p, Side::P)?;
        let q = q.map(|q| Unnested::open(q, Side::Q)).transpose()?;
        let (p_depth, q_depth) = (p.depth(), q.as_ref().map_or(0, Unnested::depth));
        if q_depth > p_depth {
            return Err(Error::Depth { p: p_depth, q: q_depth });
        }
        Ok(Inputs { p, q })
    }

    /// Distributions that go together at the outermost level, and below it.
    fn paired(&self) -> Result<(Broadcast, Pairing), Error> {
        let Inputs { p, q } = self;
        let distributions = q.as_ref().map_or(p.distributions(), Unnested::distributions);
        let rows = Broadcast::new(p.distributions(), distributions).map_err(Error::unequal_rows)?;
        let pairing = Pairing::new(rows, p.outer(), q.as_ref().map_or(&[], Unnested::outer));
        Ok((rows, pairing.map_err(|error| self.located(error))?))
    }

    /// Error in an outermost row.
    fn located(&self, (row, error): (usize, layout::Error)) -> Error {
        Error::in_row(error, (self.p.depth() > 0).then_some(row))
    }

    /// Precision of the result.
    fn precision(&self) -> Precision {
        Precision::of([Some(&self.p), self.q.as_ref()].into_iter().flatten().filter_map(Unnested::precision))
    }

    /// Numbers of p and q as floats.
    fn floats<T: Float>(&self) -> Result<Floats<T>, Error> {
        Ok((self.p.floats()?, self.q.as_ref().map(Unnested::floats).transpose()?))
    }
}

/// Numbers of p, and of q if there is one.
type Floats<T> = (PrimitiveArray<T>, Option<PrimitiveArray<T>>);

/// Totals of q: one for each row, or one for all.
pub(crate) struct Totals {
    numbers: PrimitiveArray<Float64Type>,
}

impl Totals {
    /// Error unless the type is one of numbers.
    pub(crate) fn check_type(data_type: &DataType) -> Result<(), Error> {
        if is_number(data_type) { Ok(()) } else { Err(Error::TotalType(data_type.clone())) }
    }

    pub(crate) fn open(q_total: &dyn Array) -> Result<Totals, Error> {
        Totals::check_type(q_total.data_type())?;
        Ok(Totals { numbers: cast(q_total, &DataType::Float64)?.as_primitive().clone() })
    }

    /// Totals of so many rows behind those that are done.
    #[cfg(feature = "python")]
    pub(crate) fn next(&self, done: usize, rows: usize) -> Result<Totals, Error> {
        let numbers = match self.numbers.len() {
            1 => self.numbers.clone(),
            totals if totals < done + rows => return Err(Error::Totals { totals, rows: done + rows }),
            _ => self.numbers.slice(done, rows),
        };
        Ok(Totals { numbers })
    }

    /// Refuses another number of totals than there are rows.
    pub(crate) fn check(&self, rows: usize) -> Result<(), Error> {
        let totals = self.numbers.len();
        if totals == 1 || totals == rows { Ok(()) } else { Err(Error::Totals { totals, rows }) }
    }

    fn get(&self, row: usize) -> Option<f64> {
        weights(&self.numbers).get(if self.numbers.len() == 1 { 0 } else { row })
    }
}

/// Values of a quantity: of each list, or of arrays of numbers as a whole. There is a q if the quantity takes one.
pub(crate) fn distribution(
    quantity: &Registered,
    p: &dyn Array,
    q: Option<&dyn Array>,
    totals: Option<&Totals>,
    options: &Options,
) -> Result<ArrayRef, Error> {
    let unit = options.unit().map_err(Error::Base)?;
    let inputs = Inputs::open(p, q, true)?;
    let (values, outer) = match inputs.precision() {
        Precision::Single => values_in::<Float32Type>(quantity, &inputs, totals, options.nan_policy, unit)?,
        Precision::Double => values_in::<Float64Type>(quantity, &inputs, totals, options.nan_policy, unit)?,
    };
    nested(values, outer, p.data_type())
}

/// Values of all innermost rows, and the lists around them.
fn values_in<T: Float>(
    quantity: &Registered,
    inputs: &Inputs,
    totals: Option<&Totals>,
    policy: NanPolicy,
    unit: Unit,
) -> Result<(ArrayRef, Vec<OuterList>), Error> {
    let Inputs { p, q } = inputs;
    let (mut p_floats, mut q_floats) = inputs.floats::<T>()?;
    if let (0, Some(q_floats)) = (p.depth(), &mut q_floats) {
        let elements = Broadcast::new(p_floats.len(), q_floats.len()).map_err(Error::unequal_lengths)?;
        p_floats = repeated(p_floats, elements.rows());
        *q_floats = repeated(q_floats.clone(), elements.rows());
    }
    let p_rows = p.rows(&p_floats);
    let q_rows = q.as_ref().zip(q_floats.as_ref()).map(|(q, floats)| q.rows(floats));

    let (rows, pairing) = inputs.paired()?;
    let mut values = Values::default();
    let (drivers, pairs) = (T::Native::rows(quantity), pairing.rows());
    let done = match (&q_rows, totals) {
        (Some(q), Some(totals)) => {
            totals.check(rows.rows())?;
            let total_of = |inner| totals.get(pairing.outermost(inner));
            (drivers.of_total().values)(&p_rows, q, pairs, &total_of, policy, unit, &mut values)
        }
        _ => (drivers.values)(&p_rows, q_rows.as_ref(), pairs, policy, unit, &mut values),
    };
    done.map_err(|error| inputs.located(pairing.locate(error)))?;
    Ok((value_array(values, T::PRECISION), pairing.outer))
}

/// Array of this length, in which a single element stands for many.
fn repeated<T: Float>(array: PrimitiveArray<T>, len: usize) -> PrimitiveArray<T> {
    if array.len() == len {
        array
    } else if array.is_valid(0) {
        PrimitiveArray::from_value(array.value(0), len)
    } else {
        PrimitiveArray::new_null(len)
    }
}

/// Values of a function of elements. There is a q if the function takes one.
pub(crate) fn element(function: &Function, p: &dyn Array, q: Option<&dyn Array>) -> Result<ArrayRef, Error> {
    let inputs = Inputs::open(p, q, false)?;
    match inputs.precision() {
        Precision::Single => element_in::<Float32Type>(function, &inputs),
        Precision::Double => element_in::<Float64Type>(function, &inputs),
    }
}

fn element_in<T: Float>(function: &Function, inputs: &Inputs) -> Result<ArrayRef, Error> {
    let (p, q) = inputs.floats::<T>()?;
    let numbers = T::Native::elements(function)(weights(&p), q.as_ref().map(weights));
    let numbers = numbers.map_err(Error::unequal_lengths)?;
    let len = numbers.len();
    let q_nulls = q.as_ref().and_then(|q| repeated_nulls(q, len));
    let nulls = NullBuffer::union(repeated_nulls(&p, len).as_ref(), q_nulls.as_ref());
    Ok(number_array(numbers, nulls.as_ref().map(owned), T::PRECISION))
}

/// Nulls of an array of this length, in which a single element stands for many.
fn repeated_nulls(array: &dyn Array, len: usize) -> Option<NullBuffer> {
    match array.nulls() {
        Some(nulls) if nulls.len() != len && nulls.is_null(0) => Some(NullBuffer::new_null(len)),
        Some(nulls) if nulls.len() != len => None,
        nulls => nulls.cloned(),
    }
}

/// Copy of a buffer, so that a result does not keep the memory of its input.
fn owned(nulls: &NullBuffer) -> NullBuffer {
    let bits = Buffer::from(nulls.inner().sliced().as_slice());
    NullBuffer::new(BooleanBuffer::new(bits, 0, nulls.len()))
}
