//! Shares of a pair of weights over their common denominator, for quantities that treat p and q alike.

use super::simd::Arithmetic;

/// The shares a = p/P and b = q/Q of a pair, times PQ, and their difference b − a as if rounded once. With p and q exchanged the
/// shares are, too, and the difference has the other sign, to the bit.
///
/// The products must be normal numbers well within the range, or zero.
#[inline(always)]
pub fn shares<A: Arithmetic>(p: f64, q: f64, p_total: f64, q_total: f64) -> [f64; 3] {
    let (a, b) = (p * q_total, q * p_total);
    // Where the shares are near each other, b − a is exact (Sterbenz), and what the products were rounded by is not lost.
    let rounded = A::rounding_of_product(q, p_total) - A::rounding_of_product(p, q_total);
    [a, b, (b - a) + rounded]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::simd::{Fused, Separate};

    #[test]
    fn exchanged_weights_have_exchanged_shares() {
        let weights = [0.1, 0.2, 0.3, 1.0 - f64::EPSILON, 1.0 + f64::EPSILON, 7.0, 1e-9];
        for p in weights {
            for q in weights {
                let [a, b, d] = shares::<Fused>(p, q, 1.1, 0.7);
                assert_eq!(shares::<Fused>(q, p, 0.7, 1.1), [b, a, -d]);
                assert_eq!(shares::<Separate>(p, q, 1.1, 0.7), [a, b, d]);
            }
        }
        let [a, b, d] = shares::<Fused>(1.0 + f64::EPSILON, 1.0, 1.0, 1.0 - f64::EPSILON);
        assert_eq!((a, b, d), (1.0, 1.0, f64::EPSILON * f64::EPSILON));
    }
}
