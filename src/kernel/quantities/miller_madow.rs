//! Shannon entropy estimated from counts, with the bias of the plug-in estimate taken off to first order (G. A. Miller, *Note on the
//! Bias of Information Estimates*, 1955), in nats. Of N observations in K categories that occur:
//!
//! ```text
//! H = −Σ (nᵢ/N) ln(nᵢ/N) + (K − 1)/(2N)                                                                       (1)
//! ```
//!
//! Rows and groups are those of the [entropy](super::entropy), with K as one more sum.

use super::entropy::Entropy;
use crate::kernel::blocks::{FastPath, Layout, Stored};
use crate::kernel::quantity::{GroupSums, OfFew, Part, Quantity, Summed, Sums};
use crate::kernel::rules::{Answers, Role, Side};
use crate::kernel::scales::factor;
use crate::kernel::simd::Arithmetic;
use crate::kernel::weights::{Mask, Weight, Weights};

/// Entropy by Miller and Madow.
pub struct MillerMadow;

impl Quantity for MillerMadow {
    const NAME: &'static str = "entropy(estimator=\"miller_madow\")";
    const PAIR: bool = false;
    const ANSWERS: Answers = Entropy::ANSWERS;
    const EIGHT_IN_SINGLE: bool = true;
    const OF_COUNTS: bool = true;
    const OF_FEW: Option<OfFew> = Some(|entropy, n, k| entropy + bias(k as f64, n as f64));

    #[inline(always)]
    fn of_blocks<A: Arithmetic, L: Layout>(_: &impl Stored, _: &impl Stored) -> FastPath {
        FastPath::NOWHERE
    }

    fn carefully<A: Arithmetic, T: Weight>(n: Weights<T>, _: Weights<T>) -> f64 {
        let counts = (0..n.len()).filter(|at| n.keeps(*at)).filter_map(|at| n.get(at)).filter(|n| *n > 0.0);
        let (k, total) = counts.fold((0.0, 0.0), |(k, total), n| (k + 1.0, total + n));
        Entropy::carefully::<A, T>(n, n) + bias(k, total)
    }
}

/// Bias of the plug-in estimate, with its sign changed.
fn bias(k: f64, n: f64) -> f64 {
    // Of nothing there is none.
    (k - 1.0).max(0.0) / (2.0 * n).max(1.0)
}

impl Summed for MillerMadow {
    type Sums = MillerMadow;
}

impl Sums for MillerMadow {
    const PARTS: &'static [Part] = &[
        Part::MASS_P,
        Part { lead: "categories", rest: "categories_rest", role: Role::Other, side: Some(Side::P) },
        Part::TERM,
    ];
    type Numbers = [f64; 3];

    #[inline(always)]
    fn parts<A: Arithmetic>(n: f64, _: f64, scale: f64) -> [f64; 3] {
        let [mass, term] = <Entropy as Sums>::parts::<A>(n, 1.0, scale);
        [mass, if n > 0.0 { scale } else { 0.0 }, term]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(sums: GroupSums<[f64; 3]>) -> f64 {
        let without_k = |[mass, _, term]: [f64; 3]| [mass, term];
        let of_entropy =
            GroupSums { by_p: without_k(sums.by_p), by_q: without_k(sums.by_q), exponents: sums.exponents };
        // Both sums are scaled alike, so that their ratio isn't.
        let ([total, categories, _], one) = (sums.by_p, factor(sums.exponents[0]));
        <Entropy as Sums>::value::<A>(of_entropy) + (categories - one) / (2.0 * total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::{group_of, rows_of};

    #[test]
    fn the_bias_of_first_order_is_added() {
        let counts = [4.0, 2.0, 1.0, 0.0, 1.0];
        // Shares of 1/2, 1/4 and two of 1/8 are 1.75 bits.
        let expected = 1.75 * std::f64::consts::LN_2 + 3.0 / 16.0;
        let [row] = rows_of(MillerMadow::NAME, &counts, &counts, 5)[..] else { panic!() };
        for value in [row, group_of::<MillerMadow>(&counts, &counts)] {
            assert!((value - expected).abs() < 1e-15, "{value} is not {expected}");
        }
    }
}
