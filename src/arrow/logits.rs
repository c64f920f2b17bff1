//! Quantities of arrays of logits: unnormalised logarithms of shares, as before a softmax.
//!
//! Arrays are those of [`arrow`](super), and the rules those of [`crate::logits`].

use arrow_array::{Array, ArrayRef};

use super::{Error, Options, distribution};
use crate::kernel::quantities::{CrossEntropy, Entropy, JsDiv, KlDiv};
use crate::kernel::registry::Registered;

/// Shannon entropy of each list of logits, or of an array of logits as a whole.
///
/// H = −Σ aᵢ ln aᵢ with aᵢ = exp(zᵢ)/Σ exp(zⱼ), in units of ln `base`.
///
/// # Errors
///
/// As [`super::entropy`].
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::ListArray;
/// use polars_entropy::arrow::{Options, logits::entropy};
///
/// let z = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(7.0), Some(7.0)]),
///     Some(vec![Some(0.0), Some(f64::NEG_INFINITY)]),
/// ]);
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(entropy(&z, &bits)?.as_primitive::<Float64Type>().values(), &[1.0, 0.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn entropy(z: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::of_logits::<Entropy>("logits.entropy"), z, None, None, options)
}

/// Kullback–Leibler divergence D(p‖q) of each pair of lists of logits, or of two arrays of logits as a whole.
///
/// D = Σ aᵢ ln (aᵢ/bᵢ) with aᵢ = exp(pᵢ)/Σ exp(pⱼ) and bᵢ = exp(qᵢ)/Σ exp(qⱼ), in units of ln `base`.
///
/// # Errors
///
/// As [`super::kl_div`].
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
/// use polars_entropy::arrow::{Options, logits::kl_div};
///
/// let z = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(7.0), Some(7.0)]),
///     Some(vec![Some(0.0), Some(f64::NEG_INFINITY)]),
/// ]);
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(kl_div(&z, &Float64Array::from(vec![3.0, 3.0]), &bits)?.as_primitive::<Float64Type>().values(), &[0.0, 1.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn kl_div(p: &dyn Array, q: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::of_logits::<KlDiv>("logits.kl_div"), p, Some(q), None, options)
}

/// Cross-entropy of each pair of lists of logits, or of two arrays of logits as a whole.
///
/// CE = −Σ aᵢ ln bᵢ with aᵢ = exp(pᵢ)/Σ exp(pⱼ) and bᵢ = exp(qᵢ)/Σ exp(qⱼ), in units of ln `base`.
///
/// # Errors
///
/// As [`super::cross_entropy`].
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::{Float64Array, ListArray};
/// use polars_entropy::arrow::{Options, logits::cross_entropy};
///
/// let z = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(7.0), Some(7.0)]),
///     Some(vec![Some(0.0), Some(f64::NEG_INFINITY)]),
/// ]);
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(cross_entropy(&z, &Float64Array::from(vec![3.0, 3.0]), &bits)?.as_primitive::<Float64Type>().values(), &[1.0, 1.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn cross_entropy(p: &dyn Array, q: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::of_logits::<CrossEntropy>("logits.cross_entropy"), p, Some(q), None, options)
}

/// Jensen–Shannon divergence of each pair of lists of logits, or of two arrays of logits as a whole.
///
/// JS = ½ Σ aᵢ ln (aᵢ/mᵢ) + ½ Σ bᵢ ln (bᵢ/mᵢ) with mᵢ = ½(aᵢ + bᵢ), aᵢ = exp(pᵢ)/Σ exp(pⱼ) and bᵢ = exp(qᵢ)/Σ
/// exp(qⱼ), in units of ln `base`.
///
/// # Errors
///
/// As [`super::js_div`].
///
/// # Example
///
/// ```
/// use arrow_array::cast::AsArray;
/// use arrow_array::types::Float64Type;
/// use arrow_array::ListArray;
/// use polars_entropy::arrow::{Options, logits::js_div};
///
/// let z = ListArray::from_iter_primitive::<Float64Type, _, _>([
///     Some(vec![Some(7.0), Some(7.0)]),
///     Some(vec![Some(0.0), Some(f64::NEG_INFINITY)]),
/// ]);
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(js_div(&z, &z, &bits)?.as_primitive::<Float64Type>().values(), &[0.0, 0.0]);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub fn js_div(p: &dyn Array, q: &dyn Array, options: &Options) -> Result<ArrayRef, Error> {
    distribution(&Registered::of_logits::<JsDiv>("logits.js_div"), p, Some(q), None, options)
}
