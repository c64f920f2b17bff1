//! Quantities of logits: unnormalised logarithms of shares, as before a softmax.
//!
//! Adding a constant to all logits changes nothing, and log-probabilities are logits. A logit of −∞ is a share of 0. One of ∞, or nothing but
//! −∞, gives NaN. A finite logit of q, however low, leaves a divergence finite. The [crate](crate#rules) has the rules for everything else.
//! The relative error is about 1e-15, however far the largest logit is from the others.

use crate::kernel::quantities::{CrossEntropy, Entropy, JsDiv, KlDiv};
use crate::kernel::registry::Registered;
use crate::slices::value;
use crate::{Error, Options};

/// Shannon entropy of the distribution with these logits.
///
/// H = −Σ aᵢ ln aᵢ with aᵢ = exp(zᵢ)/Σ exp(zⱼ), in units of ln `base`.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, logits::entropy};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(entropy(&[7.0, 7.0], &bits)?, 1.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn entropy(z: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::of_logits::<Entropy>("logits.entropy"), z, None, options)
}

/// Kullback–Leibler divergence D(p‖q) of the distributions with these logits.
///
/// D = Σ aᵢ ln (aᵢ/bᵢ) with aᵢ = exp(pᵢ)/Σ exp(pⱼ) and bᵢ = exp(qᵢ)/Σ exp(qⱼ), in units of ln `base`.
///
/// # Errors
///
/// * [`Error::Lengths`] if p and q differ in length.
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, logits::kl_div};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(kl_div(&[0.0, f64::NEG_INFINITY], &[3.0, 3.0], &bits)?, 1.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn kl_div(p: &[f64], q: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::of_logits::<KlDiv>("logits.kl_div"), p, Some(q), options)
}

/// Cross-entropy of the distributions with these logits.
///
/// CE = −Σ aᵢ ln bᵢ with aᵢ = exp(pᵢ)/Σ exp(pⱼ) and bᵢ = exp(qᵢ)/Σ exp(qⱼ), in units of ln `base`.
///
/// # Errors
///
/// * [`Error::Lengths`] if p and q differ in length.
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, logits::cross_entropy};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(cross_entropy(&[1.0, 0.0], &[3.0, 3.0], &bits)?, 1.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn cross_entropy(p: &[f64], q: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::of_logits::<CrossEntropy>("logits.cross_entropy"), p, Some(q), options)
}

/// Jensen–Shannon divergence of the distributions with these logits.
///
/// JS = ½ Σ aᵢ ln (aᵢ/mᵢ) + ½ Σ bᵢ ln (bᵢ/mᵢ) with mᵢ = ½(aᵢ + bᵢ), aᵢ = exp(pᵢ)/Σ exp(pⱼ) and bᵢ = exp(qᵢ)/Σ
/// exp(qⱼ), in units of ln `base`.
///
/// # Errors
///
/// * [`Error::Lengths`] if p and q differ in length.
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, logits::js_div};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(js_div(&[900.0, 0.0], &[0.0, 900.0], &bits)?, 1.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn js_div(p: &[f64], q: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::of_logits::<JsDiv>("logits.js_div"), p, Some(q), options)
}
