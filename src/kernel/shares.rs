//! Quantities of the shares of p and q that treat both alike: sums of a term for each pair. Shares are taken over their common
//! denominator, PQ, and with their difference, so that a term keeps its digits where they are near each other.

use std::marker::PhantomData;

use super::blocks::{Block, Carried, FastPath, LANES, Layout, Source, Terms, Totals, lanes, pinned, sums};
use super::mass::Total;
use super::math::power_of_two;
use super::simd::{Arithmetic, IsaOps};
use super::weights::{Mask, Weight, Weights};

/// A sum of terms of shares. With p and q exchanged, terms are the same to the bit, and so is the sum.
pub trait OfShares {
    /// Term of a pair of shares and their difference b − a, all times PQ, none of which is beyond the range; 0 for two zeros.
    fn term<A: Arithmetic>(a: f64, b: f64, difference: f64) -> f64;

    /// Term of a pair of shares one of which is so small beside the other that it has lost digits, with their logarithm, ln(b/a).
    fn extreme_term<A: Arithmetic>(a: f64, b: f64, difference: f64, ln: f64) -> f64;

    /// The product of a weight and a total that has to be a normal number for the term; 1 if none has to, or NaN, which no comparison finds. The sum of the weights
    /// tells zeros from what is too small for a product.
    fn least(a: f64, b: f64, weights: f64) -> f64;

    /// Value of the sum of all terms, which carries the rounding of the totals, and of δ = Σ (b − a), which tells that.
    fn finished(terms: f64, excess: f64) -> f64;
}

/// Below this a product is left to the careful way: its rounding error has to be a normal number.
const LEAST: f64 = 1e-280;

/// Values of distributions in blocks.
#[inline(always)]
pub fn of_blocks<S: OfShares, A: Arithmetic, L: Layout>(p: &impl Source, q: &impl Source) -> FastPath {
    let (of_p, of_q) = (Totals::of::<A, L>(p), Totals::of::<A, L>(q));
    let (p_plain, q_plain) = (of_p.are_plain::<L>(), of_q.are_plain::<L>());
    let plain = lanes!(k => p_plain[k] & q_plain[k]);
    if L::ONE && !plain[0] {
        return FastPath::NOWHERE;
    }
    let (of_p, of_q) = (of_p.total, of_q.total);
    let mut pairs = Pairs::<_, _, S> { p, q, of_p, of_q, least: [1.0; LANES], terms: PhantomData };
    let [terms, excess] = sums::<A, L, 2, 0>(p.blocks(), &mut pairs);
    let value = lanes!(k => {
        let inverse = 1.0 / (of_p[k] * of_q[k]);
        S::finished(terms[k] * inverse, excess[k] * inverse)
    });
    let in_range = L::all(lanes!(k => pairs.least[k] >= LEAST));
    FastPath::of(value, lanes!(k => plain[k] & in_range[k]))
}

/// The terms, and the differences.
struct Pairs<'a, P, Q, S> {
    p: &'a P,
    q: &'a Q,
    of_p: Block,
    of_q: Block,
    /// The least product that has to be a normal number.
    least: Block,
    terms: PhantomData<S>,
}

impl<A: Arithmetic, P: Source, Q: Source, S: OfShares> Terms<A, 2> for Pairs<'_, P, Q, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], [terms, excess]: &mut [Block; 2]) {
        let [p, q] = pinned::<A, 2>([self.p.block(i), self.q.block(i)]);
        self.p.prefetch_next(i);
        self.q.prefetch_next(i);
        let a = lanes!(k => p[k] * self.of_q[k]);
        let b = lanes!(k => q[k] * self.of_p[k]);
        // Pinned, lest the compiler multiply again for a product with the other sign.
        let [a, b] = pinned::<A, 2>([a, b]);
        let mut difference = [0.0; LANES];
        for k in 0..LANES {
            difference[k] =
                difference_of_shares::<A>([p[k], q[k]], [self.of_p[k], self.of_q[k]], [a[k], b[k]]);
            let least = S::least(a[k], b[k], p[k] + q[k]);
            self.least[k] = if least < self.least[k] { least } else { self.least[k] };
        }
        self.least = A::Isa::pinned(self.least);
        let difference = A::Isa::pinned(difference);
        for k in 0..LANES {
            terms[k] += S::term::<A>(a[k], b[k], difference[k]);
            excess[k] += difference[k];
        }
    }
}

/// Scaled weights below this are lifted by so much.
const LIFTED: f64 = 1e-150;
const LIFT: f64 = power_of_two(600);

/// Value, an element at a time, for weights that are finite and not negative, with some mass on both sides.
#[inline(always)]
pub fn carefully<S: OfShares, A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64 {
    let (of_p, of_q) = (Total::of::<A, T>(p, (p, q)), Total::of::<A, T>(q, (p, q)));
    let inverse = 1.0 / (of_p.sum * of_q.sum);
    let (mut terms, mut excess) = (Carried::default(), 0.0);
    for i in 0..p.len() {
        let (Some(p), Some(q), true) = (p.get(i), q.get(i), (p, q).keeps(i)) else { continue };
        let (x, y) = (p * of_p.scale, q * of_q.scale);
        // Lifted, so that products and their reciprocals are normal numbers.
        let lift = if x.max(y) < LIFTED { LIFT } else { 1.0 };
        let [a, b, difference] = shares::<A>(x * lift, y * lift, of_p.sum, of_q.sum);
        let term = if a.min(b) < LEAST {
            let ln = of_q.ln_share::<A>(q) - of_p.ln_share::<A>(p);
            S::extreme_term::<A>(a, b, difference, ln)
        } else {
            S::term::<A>(a, b, difference)
        };
        terms.add(term / lift);
        excess += difference / lift;
    }
    S::finished(terms.total() * inverse, excess * inverse)
}

/// The shares a = p/P and b = q/Q of a pair, times PQ, and their difference b − a as if rounded once. With p and q exchanged the
/// shares are, too, and the difference has the other sign, to the bit.
///
/// The products must be normal numbers well within the range, or zero.
#[inline(always)]
fn shares<A: Arithmetic>(p: f64, q: f64, p_total: f64, q_total: f64) -> [f64; 3] {
    let (a, b) = (p * q_total, q * p_total);
    [a, b, difference_of_shares::<A>([p, q], [p_total, q_total], [a, b])]
}

/// b − a of [`shares`], from the weights, the totals and the shares.
#[inline(always)]
fn difference_of_shares<A: Arithmetic>(
    [p, q]: [f64; 2],
    [p_total, q_total]: [f64; 2],
    [a, b]: [f64; 2],
) -> f64 {
    // Where the shares are near each other, b − a is exact (Sterbenz), and what the products were rounded by is not lost.
    (b - a) + (A::rounding_of_product(q, p_total, b) - A::rounding_of_product(p, q_total, a))
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
