//! Shannon entropy estimated from counts, with room for categories that were not observed (A. Chao & T.-J. Shen, *Nonparametric
//! Estimation of Shannon's Index of Diversity When There Are Unseen Species in Sample*, 2003), in nats. Of N observations, f₁ of them
//! in categories that occur once:
//!
//! ```text
//! C = 1 − f₁/N,    p = C nᵢ/N,        H = −Σ p ln p / (1 − (1 − p)^N)                                         (1)
//! ```
//!
//! C estimates the share of the categories that were observed; the denominator is the chance that a category is observed at all
//! (Horvitz & Thompson). If all categories occur once, C would be 0, so f₁ is taken for N − 1.

use super::entropy::Entropy;
use crate::kernel::blocks::{Carried, FastPath, Layout, Stored};
use crate::kernel::quantity::Quantity;
use crate::kernel::rules::Answers;
use crate::kernel::simd::Arithmetic;
use crate::kernel::weights::{Mask, Weight, Weights};

/// Entropy by Chao and Shen.
pub struct ChaoShen;

impl Quantity for ChaoShen {
    const NAME: &'static str = "entropy(estimator=\"chao_shen\")";
    const PAIR: bool = false;
    const ANSWERS: Answers = Entropy::ANSWERS;
    const EIGHT_IN_SINGLE: bool = true;
    const OF_COUNTS: bool = true;

    #[inline(always)]
    fn of_blocks<A: Arithmetic, L: Layout>(_: &impl Stored, _: &impl Stored) -> FastPath {
        FastPath::NOWHERE
    }

    fn carefully<A: Arithmetic, T: Weight>(n: Weights<T>, _: Weights<T>) -> f64 {
        let counts =
            || (0..n.len()).filter(|at| n.keeps(*at)).filter_map(|at| n.get(at)).filter(|n| *n > 0.0);
        let total: f64 = counts().sum();
        let once = counts().filter(|n| *n == 1.0).count() as f64;
        let once = if once == total { total - 1.0 } else { once };
        let mut h = Carried::default();
        counts().for_each(|n| h.add(term(n, total, once)));
        h.total()
    }
}

/// Term of a category.
fn term(n: f64, total: f64, once: f64) -> f64 {
    let share = n / total;
    let p = share - share * (once / total);
    // 1 − p without its rounding: what others have of the total, and what C takes off this one.
    let rest = (total - n + share * once) / total;
    let ln_p = if p > 0.5 { (-rest).ln_1p() } else { p.ln() };
    let ln_rest = if p > 0.5 { rest.ln() } else { (-p).ln_1p() };
    let observed = -(total * ln_rest).exp_m1();
    -p * ln_p / observed + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::rows_of;

    fn estimate(counts: &[f64]) -> f64 {
        rows_of(ChaoShen::NAME, counts, counts, counts.len())[0]
    }

    #[test]
    fn one_category_has_none() {
        assert_eq!(estimate(&[7.0]).to_bits(), 0);
        assert_eq!(estimate(&[1.0, 0.0]).to_bits(), 0);
    }

    #[test]
    fn nothing_that_occurs_once_leaves_the_shares_as_they_are() {
        // C is 1: the denominator alone is left.
        let expected = std::f64::consts::LN_2 / (1.0 - 0.5f64.powi(8));
        assert!((estimate(&[4.0, 4.0]) - expected).abs() < 1e-15);
    }

    #[test]
    fn all_that_occurs_once_is_not_all_there_is() {
        // C = 1/4 and p = 1/16.
        let expected = 4.0 / 16.0 * 16f64.ln() / (1.0 - (15.0f64 / 16.0).powi(4));
        assert!((estimate(&[1.0; 4]) - expected).abs() < 2e-15);
    }
}
