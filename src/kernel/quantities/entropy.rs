//! Shannon entropy (C. E. Shannon, *A Mathematical Theory of Communication*, 1948, §6), in nats, of weights x that need
//! not sum to one:
//!
//! ```text
//! S = Σ xᵢ,        H = −Σ (xᵢ/S) ln(xᵢ/S)                                                                     (1)
//! ```
//!
//! **Rows** are read twice, for the total and for the terms of (1). All terms are ≥ 0, so nothing cancels between them;
//! but in the term of a share beside 1 the logarithm has lost the digits of 1 − share. There is at most one share m/S
//! above ½, and it has a term of its own, with R the sum of the others:
//!
//! ```text
//! H = (m/S) ln(1 + R/m) + Σ_{i ≠ max} (xᵢ/S) ln(S/xᵢ)                                                         (2)
//! ```
//!
//! **Rows in single precision** owe their reader fewer digits, and are read once. With logarithms that are right to 1.03e-8,
//! which take little time ([`mitchell_correction`]), m the dominant weight if there is one, else 0, and R = S − m:
//!
//! ```text
//! H = ((m ln(1 + R/m) + R ln S) − (L − m ln m))/S,        L = Σ xᵢ ln xᵢ                                      (3)
//! ```
//!
//! m ln m is the very number that is in L, so what is left is a sum of terms xᵢ ln(S/xᵢ), each with a share of at most ½:
//! the relative error of H is that of the logarithms over ln 2, or 1.5e-8. In double precision, S and L lose what matters
//! only if R is below 1e-6 of S; such rows take equation (2).
//!
//! **Columns, groups and windows** are sums that the data frame takes:
//!
//! ```text
//! H = (S ln S + T)/S,        T = −Σ xᵢ ln xᵢ                                                                   (4)
//! ```
//!
//! A group of one value is exactly 0, since the logarithm on both sides of (4) is the same. (4) cancels where H is small beside
//! ln S, which leaves an absolute error of some 1e-16·(1 + |ln S|) beside that of the sums themselves, which
//! [`summands`](crate::kernel::summands) keeps small.
//!
//! **Logits** z are logarithms of weights w = exp(z − M), with M the largest of them, and need no others:
//!
//! ```text
//! H = ln Σ wᵢ + Σ wᵢ (M − zᵢ)/Σ wᵢ                                                                             (5)
//! ```
//!
//! No term is negative, and none of the largest logits is in the second sum. [`softmax`] keeps the digits of the first beside 0.

use crate::kernel::blocks::{
    Block, Extremes, FastPath, GROUP, LANES, Layout, OneRow, Source, Stored, Terms, Totals, Wide, lanes,
    pinned, sums,
};
use crate::kernel::mass::{LN_SCALE, ln_of_sum, ln_of_weight, mass, not_below_zero, summed};
use crate::kernel::math::{ln, ln_1p, ln_of_quotient, ln_single, mitchell_correction, quotient};
use crate::kernel::quantity::{Element, GroupSums, Mergeable, OfFew, Part, Quantity, Summed, Sums, value};
use crate::kernel::rules::Answers;
use crate::kernel::scales::mass_of_sum;
use crate::kernel::simd::{Arithmetic, IsaOps};
use crate::kernel::softmax;
use crate::kernel::weights::{Weight, Weights};

/// Shannon entropy.
pub struct Entropy;

impl Quantity for Entropy {
    const NAME: &'static str = "entropy";
    const PAIR: bool = false;
    // As in `scipy.special.entr`.
    const ANSWERS: Answers = Answers { negative: f64::NEG_INFINITY, q_zero: None };
    const EIGHT_IN_SINGLE: bool = true;
    const OF_FEW: Option<OfFew> = Some(|entropy, _, _| entropy);
    const READS_LOGITS: bool = true;

    #[inline(always)]
    fn of_blocks<A: Arithmetic, L: Layout>(x: &impl Stored, _: &impl Stored) -> FastPath {
        of_blocks::<A, L, _>(x)
    }

    #[inline(always)]
    fn of_logits<A: Arithmetic, L: Layout>(z: &impl Source, _: &impl Source) -> FastPath {
        of_logits::<A, L>(z)
    }

    #[inline(always)]
    fn carefully<A: Arithmetic, T: Weight>(x: Weights<T>, _: Weights<T>) -> f64 {
        let scale = Totals::of::<A, OneRow>(&x.masked(x, 1.0)).scale();
        let x = x.masked(x, scale);
        of_shares::<A, OneRow>(&x, Totals::of::<A, OneRow>(&x))[0]
    }
}

impl Summed for Entropy {
    type Sums = Entropy;
}

impl Sums for Entropy {
    const PARTS: &'static [Part] = &[Part::MASS_P, Part::TERM];
    type Numbers = [f64; 2];

    #[inline(always)]
    fn parts<A: Arithmetic>(x: f64, _: f64, scale: f64) -> [f64; 2] {
        let (x, _) = summed(x, 1.0);
        [x * scale, 0.0 - x * scale * ln_of_weight::<A>(x)]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(sums: GroupSums<[f64; 2]>) -> f64 {
        let ([total, term], exponent) = (sums.by_p, sums.exponents[0]);
        // Rounding of the sums may leave a distribution of one value a hair below zero.
        not_below_zero((total * ln_of_sum::<A>(total, exponent) + term) / total * LN_SCALE)
    }
}

/// States merge by the grouping rule (Shannon 1948, §6, property 3), for parts i with totals Sᵢ and wᵢ = Sᵢ/S:
///
/// ```text
/// H = Σ wᵢHᵢ + H(w)
/// ```
impl Mergeable for Entropy {
    const KEPT: &'static [&'static str] = &["mass"];
    type Kept = [f64; 1];
    type StateSums = Entropy;

    fn kept(sums: GroupSums<[f64; 2]>) -> [f64; 1] {
        [mass_of_sum(sums.by_p[0], sums.exponents[0])]
    }

    fn kept_of(x: f64, _: f64) -> [f64; 1] {
        [mass(x)]
    }

    fn between([masses]: &[&[f64]; 1], _: [f64; 1]) -> f64 {
        value::<Entropy>(masses, masses)
    }
}

/// Entropies of distributions in blocks.
#[inline(always)]
fn of_blocks<A: Arithmetic, L: Layout, S: Stored>(x: &S) -> FastPath {
    let single = if S::SINGLE { in_single::<A, L>(x) } else { FastPath::NOWHERE };
    if single.is_valid::<L>() { single } else { single.or(in_double::<A, L>(x)) }
}

/// Equation (2).
#[inline(always)]
fn in_double<A: Arithmetic, L: Layout>(x: &impl Source) -> FastPath {
    let totals = Totals::of::<A, L>(x);
    let plain = totals.are_plain::<L>();
    if L::ONE && !plain[0] {
        return FastPath::NOWHERE;
    }
    FastPath::of(of_shares::<A, L>(x, totals), plain)
}

/// Equation (3), where its rounding leaves the digits of single precision alone.
#[inline(always)]
fn in_single<A: Arithmetic, L: Layout>(x: &impl Stored) -> FastPath {
    let mut logs = Logs { x, extremes: Extremes::default() };
    let [total, mut term] = sums::<A, L, 2, 0>(x.groups(), &mut logs);
    let totals = Totals::new(total, logs.extremes);
    let (mut rest, mut dominant_term) = (total, [0.0; LANES]);
    if totals.have_dominant() {
        let max = totals.max::<L>();
        for k in 0..LANES {
            let dominant = max[k] > 0.5 * total[k];
            let max = if dominant { max[k] } else { 0.0 };
            // Exact, and the very number that is in the sum.
            let single = max as f32;
            rest[k] = total[k] - max;
            term[k] -= max * ln_single::<A>(single, mitchell_correction::<A>(single));
            dominant_term[k] = if dominant { max * ln_1p::<A>(rest[k] / max) } else { 0.0 };
        }
    }
    let inverse = lanes!(k => 1.0 / total[k]);
    let value = lanes!(k => (dominant_term[k] + (rest[k] * ln::<A>(total[k]) - term[k])) * inverse[k]);
    let (plain, normal) = (totals.are_plain::<L>(), totals.outweigh_subnormals());
    FastPath::of(value, lanes!(k => plain[k] & normal[k] & (rest[k] >= LEAST_REST * total[k])))
}

/// Share of all but the dominant weight below which the rounding of S and L counts in H.
const LEAST_REST: f64 = 1e-6;

/// S and L of equation (3).
struct Logs<'a, S> {
    x: &'a S,
    extremes: Extremes,
}

impl<A: Arithmetic, S: Stored> Terms<A, 2> for Logs<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], sums: &mut [Block; 2]) {
        let group = self.x.group(i);
        let mut corrections = [Wide::default(); GROUP];
        let mut extremes = self.extremes;
        for (i, corrections) in group.clone().zip(&mut corrections) {
            let x = A::Isa::pinned_single(self.x.wide(i));
            extremes.see::<A>(&x);
            for k in 0..x.len() {
                corrections[k] = mitchell_correction::<A>(x[k]);
            }
        }
        self.extremes = extremes;
        for (i, corrections) in group.zip(&corrections) {
            let x = A::Isa::pinned_single(self.x.wide(i));
            let [total, term] = &mut *sums;
            for k in 0..LANES {
                let (low, high) = (x[k], x[k + LANES]);
                let ln_low = ln_single::<A>(low, corrections[k]);
                let ln_high = ln_single::<A>(high, corrections[k + LANES]);
                let (low, high) = (f64::from(low), f64::from(high));
                total[k] += low + high;
                term[k] += A::mul_add(low, ln_low, high * ln_high);
            }
            *sums = pinned::<A, 2>(*sums);
        }
    }
}

#[inline(always)]
fn of_shares<A: Arithmetic, L: Layout>(x: &impl Source, totals: Totals) -> Block {
    let total = totals.total;
    if !totals.have_dominant() {
        let mut shares = Shares { x, inverse: lanes!(k => 1.0 / total[k]) };
        let [h] = sums::<A, L, 1, 3>(x.blocks(), &mut shares);
        return lanes!(k => 0.0 - h[k]);
    }
    // Equation (2). More than half of the total is in one weight, so no other is equal to it. For distributions beside it
    // that have no such weight, no term is of its own, and every bit is as above.
    let max = totals.max::<L>();
    let dominant = lanes!(k => if max[k] > 0.5 * total[k] { max[k] } else { 0.0 });
    let x = &Below { x, limit: lanes!(k => if dominant[k] > 0.0 { dominant[k] } else { f64::INFINITY }) };
    let [rest] = sums::<A, L, 1, 0>(x.blocks(), &mut Weighed(x));
    let inverse = lanes!(k => 1.0 / (dominant[k] + rest[k]));
    let [h] = sums::<A, L, 1, 3>(x.blocks(), &mut Shares { x, inverse });
    lanes!(k => {
        let ratio = if dominant[k] > 0.0 { rest[k] / dominant[k] } else { 0.0 };
        dominant[k] * inverse[k] * ln_1p::<A>(ratio) - h[k]
    })
}

/// The shares times their logarithms. No share that counts is beside 1.
struct Shares<'a, S> {
    x: &'a S,
    inverse: Block,
}

impl<A: Arithmetic, S: Source> Terms<A, 1, 3> for Shares<'_, S> {
    #[inline(always)]
    fn begin(&mut self, i: usize) -> [Block; 3] {
        let x = self.x.block(i);
        self.x.prefetch_next(i);
        let [mut share, mut s, mut exponent] = [[0.0; LANES]; 3];
        for k in 0..LANES {
            share[k] = x[k] * self.inverse[k];
            (s[k], exponent[k]) = quotient(share[k]);
        }
        [share, s, exponent]
    }

    #[inline(always)]
    fn add(&mut self, _: usize, [share, s, exponent]: &[Block; 3], [h]: &mut [Block; 1]) {
        for k in 0..LANES {
            h[k] += share[k] * ln_of_quotient::<A>(s[k], exponent[k]);
        }
    }
}

/// Equation (5).
#[inline(always)]
fn of_logits<A: Arithmetic, L: Layout>(z: &impl Source) -> FastPath {
    let max = softmax::largest::<A, L>(z);
    let [largest, others, term] = sums::<A, L, 3, 0>(z.blocks(), &mut Logits { z, max });
    let total = softmax::Total { largest, others };
    let (ln, weight) = (total.ln::<A>(), total.weight());
    // NaN where a logit is NaN or ∞, or none is finite: then a rule decides.
    FastPath { value: lanes!(k => ln[k] - term[k] / weight[k]) }
}

/// Sums of equation (5).
struct Logits<'a, S> {
    z: &'a S,
    max: Block,
}

impl<A: Arithmetic, S: Source> Terms<A, 3> for Logits<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], [largest, others, term]: &mut [Block; 3]) {
        self.z.prefetch_next(i);
        let (differences, weights) = softmax::weights::<A>(&self.z.block(i), &self.max, 0.0);
        softmax::add_total(&differences, &weights, largest, others);
        for k in 0..LANES {
            term[k] += weights[k] * differences[k];
        }
    }
}

/// The weights themselves.
struct Weighed<'a, S>(&'a S);

impl<A, S: Source> Terms<A, 1> for Weighed<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], [sum]: &mut [Block; 1]) {
        let x = self.0.block(i);
        for k in 0..LANES {
            sum[k] += x[k];
        }
    }
}

/// The weights with 0 in place of those at a limit or above.
struct Below<'a, S> {
    x: &'a S,
    limit: Block,
}

impl<S: Source> Source for Below<'_, S> {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.x.blocks()
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        let x = self.x.block(i);
        lanes!(k => if x[k] < self.limit[k] { x[k] } else { 0.0 })
    }
}

/// The element's term of the entropy.
pub struct Entr;

impl Element for Entr {
    const NAME: &'static str = "entr";
    const PAIR: bool = false;

    #[inline(always)]
    fn of<A: Arithmetic>(x: f64, _: f64) -> f64 {
        entr::<A>(x)
    }
}

/// −x ln x, with the values of `scipy.special.entr`: 0 at 0, −∞ for negative x, NaN for NaN. Never −0.
#[inline(always)]
fn entr<A: Arithmetic>(x: f64) -> f64 {
    // Selections in sequence, and no branch, for loops over columns.
    let value = if (x > 0.0) & (x <= f64::MAX) { 0.0 - x * ln::<A>(x) } else { f64::NEG_INFINITY };
    let value = if x == 0.0 { 0.0 } else { value };
    if x.is_nan() { x } else { value }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;
    use crate::kernel::options::NanPolicy;
    use crate::kernel::registry::ByFloat;
    use crate::kernel::rows;
    use crate::kernel::rules::judge;
    use crate::kernel::simd::Fused;
    use crate::kernel::tests::{group_of, rows_of, uniform};

    fn propagate(x: &[f64]) -> Option<f64> {
        rows::value::<Entropy, _>(Weights::new(x, None), None, NanPolicy::Propagate).unwrap()
    }

    fn grouped(x: &[f64]) -> Option<f64> {
        let rank = judge(Weights::new(x, None), None, NanPolicy::Propagate).unwrap();
        rank.settle(Entropy::ANSWERS, || true, || group_of::<Entropy>(x, x))
    }

    fn assert_both(x: &[f64], expected: f64) {
        for value in [propagate(x), grouped(x)] {
            let value = value.unwrap();
            let same = value == expected || (value.is_nan() && expected.is_nan());
            assert!(same && (value != 0.0 || value.is_sign_positive()), "H({x:?}) = {value}");
        }
    }

    #[test]
    fn the_rules_in_their_order() {
        assert_both(&[], 0.0);
        assert_both(&[f64::NAN, -1.0], f64::NAN);
        assert_both(&[f64::INFINITY, -1.0], f64::NAN);
        assert_both(&[2.0, -1.0], f64::NEG_INFINITY);
        assert_both(&[-2.0, -2.0], f64::NEG_INFINITY);
        assert_both(&[0.0, -0.0], f64::NAN);
        assert_both(&[7.0, 0.0], 0.0);
        assert_both(&[5e-324], 0.0);
        assert_both(&[f64::MAX], 0.0);
    }

    #[test]
    fn known_values() {
        assert_both(&[1.0, 1.0], LN_2);
        assert_both(&[0.25; 16], 16f64.ln());
    }

    #[test]
    fn totals_at_the_ends_of_the_range() {
        for x in [1e308, 1e-300] {
            assert_eq!(propagate(&[x, x]), Some(LN_2));
            // Equation (4) has an absolute error of some units in the last place of |ln S| ≤ 710.
            assert!((grouped(&[x, x]).unwrap() - LN_2).abs() < 32.0 * 710.0 * f64::EPSILON, "{x:e}");
        }
        assert_eq!(propagate(&[1e-320, 1e-320]), Some(LN_2));
    }

    #[test]
    fn a_dominant_share_keeps_its_digits() {
        // H([1, ε]) = ln(1 + ε) + ε/(1 + ε)·ln(1/ε), evaluated by the terms of its expansion.
        for k in [20, 50, 100, 300] {
            let e = f64::powi(0.5, k);
            let exact = (e.ln_1p() - e * e.ln() / (1.0 + e)) as f32;
            assert_eq!(propagate(&[e, 1.0]).unwrap() as f32, exact, "2^-{k}");
        }
    }

    #[test]
    fn long_rows_cross_blocks_and_runs() {
        for n in [1, 7, 8, 9, 511, 512, 513, 5000] {
            let value = propagate(&vec![3.0; n]).unwrap();
            let exact = (n as f64).ln();
            assert!((value - exact).abs() <= 4.0 * f64::EPSILON * exact, "{n}");
        }
    }

    /// Error of H from logarithms of single precision, and a little for the sums; see the head of this file. Rounding
    /// the result to single precision adds 6e-8, and makes 7.5e-8.
    const SINGLE: f64 = 1.5e-8;

    /// Compares rows of this width with the same numbers in double precision.
    fn assert_single(x: &[f32], width: usize) {
        let widened: Vec<f64> = x.iter().copied().map(f64::from).collect();
        let (single, double) = (of_rows(x, width), of_rows(&widened, width));
        for (row, (value, exact)) in single.into_iter().zip(double).enumerate() {
            let x = &x[row * width..][..width.min(10)];
            let same = (value - exact).abs() <= SINGLE * exact || (value.is_nan() && exact.is_nan());
            assert!(same, "H({x:?}…) = {value:e}, not {exact:e}");
        }
    }

    fn of_rows<T: ByFloat>(x: &[T], width: usize) -> Vec<f64> {
        rows_of("entropy", x, x, width)
    }

    #[test]
    fn single_precision_at_any_width_and_scale() {
        let mut next = uniform(1);
        for width in [2, 3, 10, 17, 64, 65, 100, 128, 129, 1000, 5000] {
            for scale in [1e-41, 1e-30, 1e-19, 1e-5, 1.0, 1e30, 1e36] {
                let flat: Vec<f32> = (0..10_000).map(|_| (scale * next()) as f32).collect();
                assert_single(&flat, width);
                // Of many magnitudes, so that most short rows have a dominant share.
                let spread = |_| (scale * 100.0 * next() * (-20.0 * next()).exp()) as f32;
                assert_single(&(0..10_000).map(spread).collect::<Vec<_>>(), width);
            }
        }
    }

    #[test]
    fn single_precision_of_a_dominant_share() {
        for k in 1..140 {
            let rest = f32::powi(0.5, k);
            assert_single(&[1.0, rest, 0.0, 1.7 * rest, 3.0, 0.9 * rest, rest, 1.0], 2);
            let mut row = [1.3 * rest; 200];
            row[70] = 1.0;
            assert_single(&row, 200);
        }
    }

    #[test]
    fn single_precision_of_equal_weights_and_of_any_significand() {
        // One rounding error, as often as it can be.
        let mut next = uniform(3);
        for n in [2, 3, 8, 33, 100, 1000] {
            for _ in 0..300 {
                let x = next() as f32;
                let (value, exact) = (of_rows(&vec![x; n], n)[0], (n as f64).ln());
                assert!((value - exact).abs() <= SINGLE * exact, "{n} times {x:e}: {value}");
            }
        }
    }

    #[test]
    fn single_precision_is_summed_in_double() {
        assert_single(&[f32::MAX; 3], 3);
        assert_single(&[1e-45; 300], 300);
        // A million subnormals, which are a tenth of the mass.
        let mut x = vec![1e-39; 1_000_000];
        x[0] = 1e-32;
        assert_single(&x, 1_000_000);
    }

    #[test]
    fn the_rules_in_single_precision() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let value = |x: &[f32]| {
            rows::value::<Entropy, _>(Weights::new(x, None), None, NanPolicy::Propagate).unwrap().unwrap()
        };
        assert!(value(&[nan, -1.0]).is_nan());
        assert!(value(&[inf, -1.0]).is_nan());
        assert_eq!(value(&[2.0, -1.0]), f64::NEG_INFINITY);
        assert!(value(&[0.0, -0.0]).is_nan());
        for zero in [vec![], vec![7.0, 0.0], vec![0.0, -0.0, 3e-39], vec![f32::MAX]] {
            assert_eq!(value(&zero).to_bits(), 0, "{zero:?}");
        }
        assert!((value(&[1.0, -0.0, 0.0, 1.0]) - LN_2).abs() <= SINGLE * LN_2);
    }

    #[test]
    fn the_infinite_and_the_rest_of_entr() {
        assert_eq!(entr::<Fused>(0.0), 0.0);
        assert_eq!(entr::<Fused>(-1e-320), f64::NEG_INFINITY);
        assert_eq!(entr::<Fused>(f64::INFINITY), f64::NEG_INFINITY);
        assert!(entr::<Fused>(f64::NAN).is_nan());
        assert!((entr::<Fused>(0.5) - 0.5 * LN_2).abs() < 1e-16);
    }
}
