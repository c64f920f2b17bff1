//! Quantities of distributions by key, whose supports may differ: of arrays of maps, and of lists of structs of two fields.
//!
//! The first field is the key and the second the weight. A key that one side lacks weighs 0 there. A key that occurs several times
//! weighs the sum. The order of keys changes nothing.
//!
//! # Details
//!
//! Keys are integers, floats, decimals, Booleans, dates, times, texts, bytes, dictionaries of these, and Null. They are equal where a
//! group-by takes them for equal: null is equal to null, NaN to NaN, and 0.0 to −0.0. Keys of two types are compared where one type
//! holds both: integers of any width, integers and floats, integers and decimals, decimals of two scales, texts in any layout or in
//! a dictionary.
//!
//! Weights are the numbers of [`arrow`](super), and the rules those of the [crate](crate#rules), but that no two distributions have
//! different lengths. A key with a missing weight is missing as a whole. A null entry is a missing weight without a key.
//!
//! A pseudo-count is added on both sides to each key that either side has. Of empty bins it leaves none.

#[cfg(test)]
mod tests;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array, PrimitiveArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::keys::{Form, Keys, common_form, form, has_keys};
use super::view::{
    Unnested, asked_by, bits, check_room, element_field, floats, innermost, is_number, nested, value_array,
    weights,
};
use super::{Error, Inputs, Options, Side};
use crate::kernel::maps::{self, EntryRows};
use crate::kernel::options::Precision;
use crate::kernel::quantities::{CrossEntropy, Entropy, JsDiv, KlDiv, Psi};
use crate::kernel::registry::Registered;
use crate::kernel::values::Values;

/// Shannon entropy of each row of keys and weights.
///
/// H = −Σ (pₖ/P) ln (pₖ/P) with P = Σ pₖ over the keys k, in units of ln `base` (Shannon 1948).
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Map`] if the array holds neither maps nor lists of structs of a key and a weight.
/// * [`Error::Missing`] for a null or NaN among the weights, under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
/// * [`Error::Extent`] or [`Error::Key`] if a list or a key does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::builder::{Float64Builder, MapBuilder, StringBuilder};
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use polars_entropy::arrow::{Options, map::entropy};
///
/// let mut maps = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
/// for row in [&[("low", 1.0), ("mid", 2.0), ("high", 1.0)][..], &[("mid", 7.0)]] {
///     for (key, weight) in row {
///         maps.keys().append_value(key);
///         maps.values().append_value(*weight);
///     }
///     maps.append(true)?;
/// }
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// let values = entropy(&maps.finish(), &bits)?;
/// assert_eq!(values.as_primitive::<Float64Type>().values(), &[1.5, 0.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn entropy(p: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<Entropy>(), p, None, 0.0, options)
}

/// Kullback–Leibler divergence D(p‖q) of each row of p from its row of q, by key.
///
/// D = Σ (pₖ/P) ln ((pₖ/P) / (qₖ/Q)) with P = Σ pₖ and Q = Σ qₖ over the keys k, in units of ln `base` (Kullback & Leibler 1951).
///
/// # Details
///
/// q has a row for each of p, or one row for all of them.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Map`] if an array holds neither maps nor lists of structs of a key and a weight.
/// * [`Error::KeyTypes`] if the keys of p and q cannot be compared.
/// * [`Error::PseudoCount`] if the pseudo-count is negative or not finite.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Missing`] for a null or NaN among the weights, under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
/// * [`Error::Extent`] or [`Error::Key`] if a list or a key does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::builder::{Float64Builder, MapBuilder, StringBuilder};
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use polars_entropy::arrow::{Options, map::kl_div};
///
/// let mut maps = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
/// for row in [&[("low", 1.0)][..], &[("mid", 1.0), ("low", 1.0)]] {
///     for (key, weight) in row {
///         maps.keys().append_value(key);
///         maps.values().append_value(*weight);
///     }
///     maps.append(true)?;
/// }
/// let both = maps.finish();
/// let (p, q) = (both.slice(0, 1), both.slice(1, 1));
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// let values = kl_div(&p, &q, 0.0, &bits)?;
/// assert_eq!(values.as_primitive::<Float64Type>().values(), &[1.0]);
/// // From q to p, which lacks a key of it.
/// assert_eq!(kl_div(&q, &p, 0.0, &bits)?.as_primitive::<Float64Type>().value(0), f64::INFINITY);
/// assert!(kl_div(&q, &p, 0.5, &bits)?.as_primitive::<Float64Type>().value(0) < 1.0);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn kl_div(p: &dyn Array, q: &dyn Array, pseudo_count: f64, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<KlDiv>(), p, Some(q), pseudo_count, options)
}

/// Cross-entropy of each row of p relative to its row of q, by key.
///
/// CE = −Σ (pₖ/P) ln (qₖ/Q) with P = Σ pₖ and Q = Σ qₖ over the keys k, in units of ln `base` (D. F. Kerridge, *Inaccuracy and
/// Inference*, 1961).
///
/// # Details
///
/// q has a row for each of p, or one row for all of them.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Map`] if an array holds neither maps nor lists of structs of a key and a weight.
/// * [`Error::KeyTypes`] if the keys of p and q cannot be compared.
/// * [`Error::PseudoCount`] if the pseudo-count is negative or not finite.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Missing`] for a null or NaN among the weights, under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
/// * [`Error::Extent`] or [`Error::Key`] if a list or a key does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::builder::{Float64Builder, MapBuilder, StringBuilder};
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use polars_entropy::arrow::{Options, map::cross_entropy};
///
/// let mut maps = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
/// for row in [&[("low", 1.0)][..], &[("mid", 3.0), ("low", 1.0)]] {
///     for (key, weight) in row {
///         maps.keys().append_value(key);
///         maps.values().append_value(*weight);
///     }
///     maps.append(true)?;
/// }
/// let both = maps.finish();
/// let (p, q) = (both.slice(0, 1), both.slice(1, 1));
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// let values = cross_entropy(&p, &q, 0.0, &bits)?;
/// assert_eq!(values.as_primitive::<Float64Type>().values(), &[2.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn cross_entropy(
    p: &dyn Array,
    q: &dyn Array,
    pseudo_count: f64,
    options: &Options,
) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<CrossEntropy>(), p, Some(q), pseudo_count, options)
}

/// Jensen–Shannon divergence of each row of p and its row of q, by key.
///
/// JS = ½ Σ a ln(a/m) + ½ Σ b ln(b/m) with the shares a = pₖ/P and b = qₖ/Q of a key k and their mean m, in units of ln `base`
/// (J. Lin, *Divergence Measures Based on the Shannon Entropy*, 1991). It is symmetric and at most ln 2.
///
/// # Details
///
/// q has a row for each of p, or one row for all of them.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Map`] if an array holds neither maps nor lists of structs of a key and a weight.
/// * [`Error::KeyTypes`] if the keys of p and q cannot be compared.
/// * [`Error::PseudoCount`] if the pseudo-count is negative or not finite.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Missing`] for a null or NaN among the weights, under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
/// * [`Error::Extent`] or [`Error::Key`] if a list or a key does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::builder::{Float64Builder, MapBuilder, StringBuilder};
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use polars_entropy::arrow::{Options, map::js_div};
///
/// let mut maps = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
/// for row in [&[("low", 3.0), ("mid", 1.0)][..], &[("high", 9.0)]] {
///     for (key, weight) in row {
///         maps.keys().append_value(key);
///         maps.values().append_value(*weight);
///     }
///     maps.append(true)?;
/// }
/// let both = maps.finish();
/// let (p, q) = (both.slice(0, 1), both.slice(1, 1));
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// let values = js_div(&p, &q, 0.0, &bits)?;
/// assert_eq!(values.as_primitive::<Float64Type>().values(), &[1.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn js_div(p: &dyn Array, q: &dyn Array, pseudo_count: f64, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<JsDiv>(), p, Some(q), pseudo_count, options)
}

/// Population stability index of each row of p and its row of q, by key.
///
/// PSI = Σ (a − b) ln(a/b) with the shares a = pₖ/P and b = qₖ/Q of a key k, in units of ln `base` (H. Jeffreys, *An Invariant Form
/// for the Prior Probability in Estimation Problems*, 1946). It is infinite where a key weighs nothing on one side alone.
///
/// # Details
///
/// q has a row for each of p, or one row for all of them.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Map`] if an array holds neither maps nor lists of structs of a key and a weight.
/// * [`Error::KeyTypes`] if the keys of p and q cannot be compared.
/// * [`Error::PseudoCount`] if the pseudo-count is negative or not finite.
/// * [`Error::Rows`] if the arrays differ in length and neither has just one row.
/// * [`Error::Depth`] if q has more levels of lists than p.
/// * [`Error::Missing`] for a null or NaN among the weights, under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
/// * [`Error::Extent`] or [`Error::Key`] if a list or a key does not lie within its values, which no array built by safe code has.
/// * [`Error::Arrow`] if there is no memory for the result.
///
/// # Example
///
/// ```
/// use arrow_array::builder::{Float64Builder, MapBuilder, StringBuilder};
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use polars_entropy::arrow::{Options, map::psi};
///
/// let mut maps = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
/// for row in [&[("low", 1.0), ("mid", 2.0)][..], &[("mid", 2.0), ("low", 1.0), ("high", 3.0)]] {
///     for (key, weight) in row {
///         maps.keys().append_value(key);
///         maps.values().append_value(*weight);
///     }
///     maps.append(true)?;
/// }
/// let both = maps.finish();
/// let (p, q) = (both.slice(0, 1), both.slice(1, 1));
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// let index = |count| psi(&p, &q, count, &bits);
/// assert_eq!(index(0.0)?.as_primitive::<Float64Type>().values(), &[f64::INFINITY]);
/// assert!(index(0.5)?.as_primitive::<Float64Type>().value(0) < 2.0);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn psi(p: &dyn Array, q: &dyn Array, pseudo_count: f64, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::rows::<Psi>(), p, Some(q), pseudo_count, options)
}

/// Types of the keys and the weights; `None` where there is nothing but nulls.
type EntryTypes<'a> = Option<[&'a DataType; 2]>;

fn entry_types(data_type: &DataType, side: Side) -> Result<EntryTypes<'_>, Error> {
    match (element_field(data_type).is_some(), innermost(data_type)) {
        (true, DataType::Null) => Ok(None),
        (true, DataType::Struct(fields)) if fields.len() == 2 => {
            let [key, weight] = [fields[0].data_type(), fields[1].data_type()];
            let is_one = has_keys(key) && is_number(weight);
            is_one.then_some(Some([key, weight])).ok_or(())
        }
        _ => Err(()),
    }
    .map_err(|()| Error::Map { side, data_type: data_type.clone() })
}

/// Error unless the type is one of maps, or of lists of structs of a key and a weight.
#[cfg(feature = "python")]
pub(crate) fn check_type(data_type: &DataType, side: Side) -> Result<(), Error> {
    entry_types(data_type, side).map(|_| ())
}

/// Values of a quantity of each row of keys and weights. There is a q if the quantity takes one.
pub(crate) fn distribution(
    quantity: &Registered,
    p: &dyn Array,
    q: Option<&dyn Array>,
    pseudo_count: f64,
    options: &Options,
) -> Result<ArrayRef, Error> {
    let unit = options.unit().map_err(Error::Base)?;
    if !(0.0..f64::INFINITY).contains(&pseudo_count) {
        return Err(Error::PseudoCount(pseudo_count));
    }
    let of_p = entry_types(p.data_type(), Side::P)?;
    let of_q = q.map(|q| entry_types(q.data_type(), Side::Q)).transpose()?.flatten();
    let form = match (of_p, of_q) {
        (Some([p, _]), Some([q, _])) => {
            common_form(p, q).ok_or_else(|| Error::KeyTypes { p: p.clone(), q: q.clone() })?
        }
        (Some([key, _]), None) | (None, Some([key, _])) => form(key),
        (None, None) => Form::Own,
    };
    let precision = Precision::of(
        [of_p, of_q].into_iter().flatten().filter_map(|[_, weight]| asked_by(weight).flatten()),
    );

    let inputs = Inputs::of_checked(p, q)?;
    let p_entries = Entries::open(&inputs.p, form, Side::P)?;
    let q_entries = inputs.q.as_ref().map(|q| Entries::open(q, form, Side::Q)).transpose()?;
    let (_, pairing) = inputs.paired()?;
    let mut out = Values::default();
    maps::values(
        &p_entries.rows(&inputs.p),
        q_entries.as_ref().zip(inputs.q.as_ref()).map(|(entries, q)| entries.rows(q)).as_ref(),
        pairing.rows(),
        quantity,
        pseudo_count,
        options.nan_policy,
        unit,
        &mut out,
    )
    .map_err(|error| inputs.located(pairing.locate(error)))?;
    nested(value_array(out, precision), pairing.outer, p.data_type())
}

/// Memory behind [`EntryRows`].
struct Entries {
    keys: Keys,
    weights: PrimitiveArray<Float64Type>,
    nulls: Option<NullBuffer>,
}

impl Entries {
    fn open(rows: &Unnested, form: Form, side: Side) -> Result<Entries, Error> {
        let entries = rows.elements();
        // Nulls alone take up no memory before.
        check_room(entries.len())?;
        let Some(fields) = entries.as_struct_opt().map(StructArray::columns) else {
            let nulls = Some(NullBuffer::new_null(entries.len()));
            let weights = Float64Array::new_null(entries.len());
            return Ok(Entries { keys: Keys::of(entries, form, side)?, weights, nulls });
        };
        let (keys, weights) = (Keys::of(&fields[0], form, side)?, floats(&fields[1])?);
        Ok(Entries { keys, weights, nulls: entries.nulls().cloned() })
    }

    fn rows<'a>(&'a self, rows: &Unnested<'a>) -> EntryRows<'a> {
        EntryRows {
            keys: maps::Keys::Numbers(&self.keys.keys),
            valid_keys: bits(self.keys.nulls.as_ref()),
            weights: weights(&self.weights),
            valid: bits(self.nulls.as_ref()),
            layout: rows.layout(self.weights.len()),
        }
    }
}
