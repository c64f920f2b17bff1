//! Entropy and divergence of slices.

use std::fmt;

use crate::kernel::options::Unit;
use crate::kernel::quantities::{CrossEntropy, Entropy, JsDiv, KlDiv, Psi};
use crate::kernel::registry::{ByFloat, Registered};
use crate::kernel::rules::{Missing, Side};
use crate::kernel::weights::Weights;
use crate::options::Options;

/// Reason why slices have no value.
///
/// # Example
///
/// ```
/// use polars_entropy::{Error, Options, kl_div};
///
/// let error = kl_div(&[1.0, 1.0], &[1.0], &Options::default()).unwrap_err();
/// assert_eq!(error, Error::Lengths { p: 2, q: 1 });
/// assert_eq!(error.to_string(), "p and q differ in length: 2 elements in p and 1 in q");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Base that is not a positive finite number other than 1.
    Base(f64),
    /// Slices of different lengths.
    Lengths {
        /// Length of p.
        p: usize,
        /// Length of q.
        q: usize,
    },
    /// NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
    Missing {
        /// Input that it is in.
        side: Side,
        /// Position of the first one.
        position: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Base(base) => {
                write!(f, "base must be a positive finite number other than 1, or none for nats, not {base}")
            }
            Error::Lengths { p, q } => {
                write!(f, "p and q differ in length: {p} elements in p and {q} in q")
            }
            Error::Missing { side, position } => write!(
                f,
                "The input contains nan values: {}, element {position} is NaN (nan_policy \"raise\")",
                side_name(*side)
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Name of a side in messages.
pub(crate) fn side_name(side: Side) -> &'static str {
    match side {
        Side::P => "p",
        Side::Q => "q",
    }
}

/// Shannon entropy of one distribution.
///
/// H = −Σ (pᵢ/P) ln (pᵢ/P) with P = Σ pᵢ, in units of ln `base` (Shannon 1948,
/// [doi:10.1002/j.1538-7305.1948.tb01338.x]).
///
/// # Details
///
/// The weights need not sum to one. The [crate](crate#rules) has the rules for NaN and for degenerate
/// distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{NanPolicy, Options, entropy};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(entropy(&[1.0, 1.0, 2.0], &bits)?, 1.5);
///
/// let omit = Options { nan_policy: NanPolicy::Omit, ..bits };
/// assert_eq!(entropy(&[3.0, f64::NAN, 3.0], &omit)?, 1.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
///
/// [doi:10.1002/j.1538-7305.1948.tb01338.x]: https://doi.org/10.1002/j.1538-7305.1948.tb01338.x
pub fn entropy(p: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::rows::<Entropy>(), p, None, options)
}

/// Kullback–Leibler divergence D(p‖q) of one distribution from another one.
///
/// D = Σ (pᵢ/P) ln ((pᵢ/P) / (qᵢ/Q)) with P = Σ pᵢ and Q = Σ qᵢ, in units of ln `base` (Kullback & Leibler 1951,
/// [doi:10.1214/aoms/1177729694]).
///
/// # Details
///
/// Neither side needs to sum to one. The result is exactly 0 for p = q. The [crate](crate#rules) has the rules for
/// NaN and for degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Lengths`] if p and q differ in length.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, kl_div};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(kl_div(&[1.0, 0.0], &[0.5, 0.5], &bits)?, 1.0);
/// assert_eq!(kl_div(&[3.0, 1.0], &[3.0, 1.0], &bits)?, 0.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
///
/// [doi:10.1214/aoms/1177729694]: https://doi.org/10.1214/aoms/1177729694
pub fn kl_div(p: &[f64], q: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::rows::<KlDiv>(), p, Some(q), options)
}

/// Cross-entropy of one distribution relative to another one.
///
/// CE = −Σ (pᵢ/P) ln (qᵢ/Q) with P = Σ pᵢ and Q = Σ qᵢ, in units of ln `base`: the entropy of p plus its divergence from q
/// (D. F. Kerridge, *Inaccuracy and Inference*, 1961).
///
/// # Details
///
/// Neither side needs to sum to one. The [crate](crate#rules) has the rules for
/// NaN and for degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Lengths`] if p and q differ in length.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, cross_entropy};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(cross_entropy(&[1.0, 0.0], &[0.5, 0.5], &bits)?, 1.0);
/// assert_eq!(cross_entropy(&[1.0, 1.0], &[1.0, 3.0], &bits)?, 2.0 - 0.5 * 3f64.log2());
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn cross_entropy(p: &[f64], q: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::rows::<CrossEntropy>(), p, Some(q), options)
}

/// Jensen–Shannon divergence of two distributions, not its root.
///
/// JS = ½ Σ a ln(a/m) + ½ Σ b ln(b/m) with the shares a = pᵢ/P and b = qᵢ/Q and their mean m, in units of ln `base` (J. Lin,
/// *Divergence Measures Based on the Shannon Entropy*, 1991). It is symmetric and at most ln 2.
///
/// # Details
///
/// Neither side needs to sum to one. The [crate](crate#rules) has the rules for
/// NaN and for degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Lengths`] if p and q differ in length.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, js_div};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(js_div(&[1.0, 0.0], &[0.0, 7.0], &bits)?, 1.0);
/// assert_eq!(js_div(&[3.0, 1.0], &[3.0, 1.0], &bits)?, 0.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn js_div(p: &[f64], q: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::rows::<JsDiv>(), p, Some(q), options)
}

/// Population stability index of two distributions.
///
/// PSI = Σ (a − b) ln(a/b) with the shares a = pᵢ/P and b = qᵢ/Q, in units of ln `base` (H. Jeffreys, *An Invariant Form for the Prior
/// Probability in Estimation Problems*, 1946). It is symmetric, and infinite where one of p and q is 0 and the other is not.
///
/// # Details
///
/// Neither side needs to sum to one. The [crate](crate#rules) has the rules for
/// NaN and for degenerate distributions.
///
/// # Errors
///
/// * [`Error::Base`] if the base is not positive, finite and other than 1.
/// * [`Error::Lengths`] if p and q differ in length.
/// * [`Error::Missing`] for a NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, psi};
///
/// let index = psi(&[1.0, 3.0], &[3.0, 1.0], &Options::default())?;
/// assert!((index - 3f64.ln()).abs() < 1e-15);
/// assert_eq!(psi(&[1.0, 0.0], &[1.0, 1.0], &Options::default())?, f64::INFINITY);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn psi(p: &[f64], q: &[f64], options: &Options) -> Result<f64, Error> {
    value(&Registered::rows::<Psi>(), p, Some(q), options)
}

/// Divergence D(p‖q) where q has more elements than p has, and all of them sum to `q_total`.
///
/// The value of [`kl_div`] with one more element, of which p has 0 and q the rest, `q_total` − Σ qᵢ.
///
/// # Details
///
/// A rest below zero by no more than 1e-6 of `q_total` is taken for rounding and counts as none. Below that it is a negative weight,
/// for which the value is ∞. For a total that is NaN or infinite the value is NaN. What [`NanPolicy::Omit`](crate::NanPolicy::Omit) drops
/// of q belongs to the rest.
///
/// # Errors
///
/// As for [`kl_div`].
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, kl_div_with_total};
///
/// // All of p is in an event that q has in one of eight cases.
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(kl_div_with_total(&[5.0], &[0.125], 1.0, &bits)?, 3.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn kl_div_with_total(p: &[f64], q: &[f64], q_total: f64, options: &Options) -> Result<f64, Error> {
    value_of_total(&Registered::rows::<KlDiv>(), p, q, q_total, options)
}

/// Cross-entropy where q has more elements than p has, and all of them sum to `q_total`.
///
/// The value of [`cross_entropy`] with one more element, of which p has 0 and q the rest, `q_total` − Σ qᵢ.
///
/// # Details
///
/// The total is taken as in [`kl_div_with_total`].
///
/// # Errors
///
/// As for [`cross_entropy`].
///
/// # Example
///
/// ```
/// use polars_entropy::{Options, cross_entropy_with_total};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(cross_entropy_with_total(&[1.0, 1.0], &[0.125, 0.125], 1.0, &bits)?, 3.0);
/// # Ok::<(), polars_entropy::Error>(())
/// ```
pub fn cross_entropy_with_total(p: &[f64], q: &[f64], q_total: f64, options: &Options) -> Result<f64, Error> {
    value_of_total(&Registered::rows::<CrossEntropy>(), p, q, q_total, options)
}

/// Value of a quantity, that of a row with these weights.
pub(crate) fn value(
    quantity: &Registered,
    p: &[f64],
    q: Option<&[f64]>,
    options: &Options,
) -> Result<f64, Error> {
    let unit = options.unit().map_err(Error::Base)?;
    if let Some(q) = q.filter(|q| q.len() != p.len()) {
        return Err(Error::Lengths { p: p.len(), q: q.len() });
    }
    let weights = |x| Weights::new(x, None);
    expressed((f64::rows(quantity).value)(weights(p), q.map(weights), options.nan_policy), unit)
}

/// Value of a quantity, where the total of q is known.
fn value_of_total(
    quantity: &Registered,
    p: &[f64],
    q: &[f64],
    total: f64,
    options: &Options,
) -> Result<f64, Error> {
    let unit = options.unit().map_err(Error::Base)?;
    if q.len() != p.len() {
        return Err(Error::Lengths { p: p.len(), q: q.len() });
    }
    let [p, q] = [p, q].map(|x| Weights::new(x, None));
    expressed((f64::rows(quantity).of_total().value)(p, q, Some(total), options.nan_policy), unit)
}

/// A value in nats in this unit.
fn expressed(nats: Result<Option<f64>, Missing>, unit: Unit) -> Result<f64, Error> {
    match nats.map_err(|Missing { side, at }| Error::Missing { side, position: at })? {
        Some(nats) => Ok(unit.express(nats)),
        // For a null, which no slice has.
        None => Ok(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::broadcast::RowPairs;
    use crate::kernel::layout::{Extents, ListLayout};
    use crate::kernel::options::NanPolicy;
    use crate::kernel::rows::Rows;
    use crate::kernel::values::Values;
    use crate::kernel::weights::SHORT;

    const NATS: Options = Options { base: None, nan_policy: NanPolicy::Propagate };

    /// Values of rows of one width, as arrays have them.
    fn in_rows(quantity: &Registered, p: &[f64], q: &[f64], width: usize, options: &Options) -> Vec<f64> {
        let rows = p.len() / width;
        let layout = ListLayout { extents: Extents::Width { width, rows }, valid: None };
        let [p, q] = [p, q].map(|x| Rows { weights: Weights::new(x, None), layout });
        let (mut out, q) = (Values::default(), quantity.pair.then_some(&q));
        let (pairs, unit) = (RowPairs::same(rows), options.unit().unwrap());
        (f64::rows(quantity).values)(&p, q, pairs, options.nan_policy, unit, &mut out).unwrap();
        out.into_parts().0
    }

    /// Checks that two values are the same: to the last bit, but for short rows, which are added up in another order.
    fn assert_same(slice: f64, row: f64, width: usize) {
        let bound = if width > SHORT { 0.0 } else { 2e-15 * row };
        assert!((slice - row).abs() <= bound, "{slice:?} and in rows of {width} {row:?}");
    }

    #[test]
    fn a_slice_has_the_value_of_a_row() {
        let options = Options { base: Some(2.0), nan_policy: NanPolicy::Omit };
        for width in [1, 2, 7, 8, 9, 31, 64, 65, 1000] {
            let weights = |seed: f64| -> Vec<f64> {
                let weight = |i| if i % 23 == 5 { f64::NAN } else { (seed * (i + 1) as f64).sin().abs() };
                (0..9 * width).map(weight).collect()
            };
            let (p, q) = (weights(0.7), weights(0.3));
            let entropies = in_rows(&Registered::rows::<Entropy>(), &p, &q, width, &options);
            let divergences = in_rows(&Registered::rows::<KlDiv>(), &p, &q, width, &options);
            let pairs = p.chunks(width).zip(q.chunks(width));
            for ((p, q), (h, d)) in pairs.zip(entropies.into_iter().zip(divergences)) {
                assert_same(entropy(p, &options).unwrap(), h, width);
                assert_same(kl_div(p, q, &options).unwrap(), d, width);
            }
        }
    }

    #[test]
    fn slices_follow_the_rules() {
        let inf = f64::INFINITY;
        assert_eq!(entropy(&[], &NATS), Ok(0.0));
        assert_eq!(entropy(&[1.0, -1.0], &NATS), Ok(-inf));
        assert_eq!(kl_div(&[1.0, 1.0], &[1.0, 0.0], &NATS), Ok(inf));
        for p in [[0.0, 0.0], [1.0, inf], [1.0, f64::NAN]] {
            assert!(entropy(&p, &NATS).unwrap().is_nan(), "{p:?}");
            assert!(kl_div(&[1.0, 1.0], &p, &NATS).unwrap().is_nan(), "{p:?}");
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        let raise = Options { nan_policy: NanPolicy::Raise, ..NATS };
        let (ones, with_nan) = ([1.0, 1.0], [1.0, f64::NAN]);
        let missing = |side| Err(Error::Missing { side, position: 1 });
        assert_eq!(entropy(&with_nan, &raise), missing(Side::P));
        assert_eq!(kl_div(&with_nan, &with_nan, &raise), missing(Side::P));
        assert_eq!(kl_div(&ones, &with_nan, &raise), missing(Side::Q));
        // One weight does not go with many, as in a row.
        assert_eq!(kl_div(&ones, &[1.0], &raise), Err(Error::Lengths { p: 2, q: 1 }));
        for base in [0.0, 1.0, -2.0, f64::INFINITY] {
            assert_eq!(entropy(&ones, &Options { base: Some(base), ..NATS }), Err(Error::Base(base)));
        }
        let error = entropy(&with_nan, &raise).unwrap_err().to_string();
        assert!(error.starts_with("The input contains nan values: p, element 1 is NaN"), "{error}");
    }
}
