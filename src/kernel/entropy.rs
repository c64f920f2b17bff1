//! Shannon entropy (C. E. Shannon, *A Mathematical Theory of Communication*, 1948, §6), in nats, of weights x that need
//! not sum to one:
//!
//! ```text
//! S = Σ xᵢ,        H = −Σ (xᵢ/S) ln(xᵢ/S)                                                                     (1)
//! ```
//!
//! **Rows** are read twice, for the total and for the terms of (1). All terms are ≥ 0, so nothing cancels between them;
//! but in the term of a share beside 1 the logarithm has lost the digits of 1 − share. There is at most one share m/S
//! above ½, and it is taken apart, with R the sum of the others:
//!
//! ```text
//! H = (m/S) ln(1 + R/m) + Σ_{i ≠ max} (xᵢ/S) ln(S/xᵢ)                                                         (2)
//! ```
//!
//! **Rows in single precision** owe their reader fewer digits, and are read once. With logarithms that are right to 1.03e-8,
//! which take little time ([`bulge`]), m the dominant weight if there is one, else 0, and R = S − m:
//!
//! ```text
//! H = ((m ln(1 + R/m) + R ln S) − (L − m ln m))/S,        L = Σ xᵢ ln xᵢ                                      (3)
//! ```
//!
//! m ln m is the very number that is in L, so what is left is a sum of terms xᵢ ln(S/xᵢ), each with a share of at most ½:
//! the relative error of H is that of the logarithms over ln 2, or 1.5e-8. In double precision, S and L lose what matters
//! only if R is below 1e-6 of S; such rows take equation (2).
//!
//! **Columns, groups and windows** are sums that the data frame takes, of what [`mass`] and [`term`] make of each
//! element, and [`of_sums`] puts them together:
//!
//! ```text
//! H = (S ln S + T)/S,        T = −Σ xᵢ ln xᵢ                                                                   (4)
//! ```
//!
//! The same logarithm on both sides makes (4) exactly 0 for a group of one value. It cancels where H is small beside
//! ln S, which leaves an absolute error of some 1e-16·(1 + |ln S|) beside that of the sums themselves, which
//! [`groups`](super::groups) keeps small.

use super::blocks::{
    Along, Block, Extremes, GROUP, LANES, Layout, NOT_PLAIN, Plain, Source, Stored, Terms, Totals, Wide, all,
    any, lanes, sums,
};
use super::contract::{self, Missing, NanPolicy, Rank, Verdict};
use super::math::{
    Arithmetic, Registers, bulge, ln, ln_1p, ln_away_from_one, ln_scaled, ln_single, power_of_two,
};
use super::simd::Loop;
use super::weights::{Weight, Weights};

/// Rule 6: a negative weight has entropy −∞, as in `scipy.special.entr`.
pub const NEGATIVE: f64 = f64::NEG_INFINITY;

/// The entropy of one distribution; `None` is null.
#[inline(always)]
pub fn row<A: Arithmetic, T: Weight>(x: Weights<T>, policy: NanPolicy) -> Result<Option<f64>, Missing> {
    let mut plain = match x.dense() {
        Some(x) => of_blocks::<A, Along, _>(&x),
        None => NOT_PLAIN,
    };
    if !plain.holds[0] && policy == NanPolicy::Omit {
        plain = of_blocks::<A, Along, _>(&x.masked(x, 1.0));
    }
    if plain.holds[0] { Ok(Some(plain.value[0])) } else { by_the_rules::<A, T>(x, policy) }
}

/// The way for everything out of the ordinary: missing, infinite or negative weights, no mass, totals that overflow.
#[inline(always)]
pub fn by_the_rules<A: Arithmetic, T: Weight>(
    x: Weights<T>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    A::Registers::outlined::<A, _>(ByTheRules { x, policy })
}

struct ByTheRules<'a, T> {
    x: Weights<'a, T>,
    policy: NanPolicy,
}

impl<T: Weight> Loop for ByTheRules<'_, T> {
    type Out = Result<Option<f64>, Missing>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Self::Out {
        let x = self.x;
        match contract::judge(x, self.policy)?.verdict(NEGATIVE) {
            Verdict::Settled(value) => Ok(value),
            Verdict::Sum => {
                let scale = Totals::of::<Along>(&x.masked(x, 1.0)).scale();
                let x = x.masked(x, scale);
                Ok(Some(of_shares::<A, Along>(&x, Totals::of::<Along>(&x))[0]))
            }
        }
    }
}

/// The entropies of distributions in blocks, where no rule but 9 can apply and nothing leaves the range.
#[inline(always)]
pub fn of_blocks<A: Arithmetic, L: Layout, S: Stored>(x: &S) -> Plain {
    let single = if S::SINGLE { in_single::<A, L>(x) } else { NOT_PLAIN };
    if all(single.holds) { single } else { single.or(in_double::<A, L>(x)) }
}

/// Equation (2).
#[inline(always)]
fn in_double<A: Arithmetic, L: Layout>(x: &impl Source) -> Plain {
    let totals = Totals::of::<L>(x);
    let holds = totals.are_plain::<L>();
    if !any(holds) {
        return NOT_PLAIN;
    }
    Plain { value: of_shares::<A, L>(x, totals), holds }
}

/// Equation (3), where its rounding leaves the digits of single precision alone.
#[inline(always)]
fn in_single<A: Arithmetic, L: Layout>(x: &impl Stored) -> Plain {
    let mut logs = Logs { x, extremes: Extremes::default() };
    let [total, mut term] = sums::<A, L, 2>(x.groups(), &mut logs);
    let totals = Totals::new(total, logs.extremes);
    let (mut rest, mut apart) = (total, [0.0; LANES]);
    if totals.have_dominant() {
        let max = totals.max::<L>();
        for k in 0..LANES {
            let dominant = max[k] > 0.5 * total[k];
            let max = if dominant { max[k] } else { 0.0 };
            // Exact, and the very number that is in the sum.
            let single = max as f32;
            rest[k] = total[k] - max;
            term[k] -= max * ln_single::<A>(single, bulge::<A>(single));
            apart[k] = if dominant { max * ln_1p::<A>(rest[k] / max) } else { 0.0 };
        }
    }
    let inverse = lanes!(k => 1.0 / total[k]);
    let value = lanes!(k => (apart[k] + (rest[k] * ln::<A>(total[k]) - term[k])) * inverse[k]);
    let (plain, normal) = (totals.are_plain::<L>(), totals.outweigh_subnormals());
    Plain { value, holds: lanes!(k => plain[k] & normal[k] & (rest[k] >= LEAST_REST * total[k])) }
}

/// Where the share of all but the dominant weight is below this, what is rounded in S and L counts in H.
const LEAST_REST: f64 = 1e-6;

/// S and L of equation (3).
struct Logs<'a, S> {
    x: &'a S,
    extremes: Extremes,
}

impl<A: Arithmetic, S: Stored> Terms<A, 2> for Logs<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, [total, term]: &mut [Block; 2]) {
        let group = self.x.group(i);
        let mut bulges = [Wide::default(); GROUP];
        let mut extremes = self.extremes;
        for (i, bulges) in group.clone().zip(&mut bulges) {
            let x = self.x.wide(i);
            extremes.see(&x);
            for k in 0..x.len() {
                bulges[k] = bulge::<A>(x[k]);
            }
        }
        self.extremes = extremes;
        for (i, bulges) in group.zip(&bulges) {
            let x = self.x.wide(i);
            for k in 0..LANES {
                let (low, high) = (x[k], x[k + LANES]);
                let ln_low = ln_single::<A>(low, bulges[k]);
                let ln_high = ln_single::<A>(high, bulges[k + LANES]);
                let (low, high) = (f64::from(low), f64::from(high));
                total[k] += low + high;
                term[k] += A::mul_add(low, ln_low, high * ln_high);
            }
        }
    }
}

#[inline(always)]
fn of_shares<A: Arithmetic, L: Layout>(x: &impl Source, totals: Totals) -> Block {
    let total = totals.total;
    if !totals.have_dominant() {
        let mut shares = Shares { x, inverse: lanes!(k => 1.0 / total[k]) };
        let [h] = sums::<A, L, 1>(x.blocks(), &mut shares);
        return lanes!(k => 0.0 - h[k]);
    }
    // Equation (2). More than half of the total is in one weight, so no other is equal to it. For distributions beside it
    // that have no such weight, nothing is taken apart, and every bit is as above.
    let max = totals.max::<L>();
    let apart = lanes!(k => if max[k] > 0.5 * total[k] { max[k] } else { 0.0 });
    let x = &Below { x, limit: lanes!(k => if apart[k] > 0.0 { apart[k] } else { f64::INFINITY }) };
    let [rest] = sums::<A, L, 1>(x.blocks(), &mut Weighed(x));
    let inverse = lanes!(k => 1.0 / (apart[k] + rest[k]));
    let [h] = sums::<A, L, 1>(x.blocks(), &mut Shares { x, inverse });
    lanes!(k => {
        let ratio = if apart[k] > 0.0 { rest[k] / apart[k] } else { 0.0 };
        apart[k] * inverse[k] * ln_1p::<A>(ratio) - h[k]
    })
}

/// The shares times their logarithms. No share that counts is beside 1.
struct Shares<'a, S> {
    x: &'a S,
    inverse: Block,
}

impl<A: Arithmetic, S: Source> Terms<A, 1> for Shares<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, [h]: &mut [Block; 1]) {
        let x = self.x.block(i);
        self.x.prefetch_next(i);
        for k in 0..LANES {
            let share = x[k] * self.inverse[k];
            h[k] += share * ln_away_from_one::<A>(share);
        }
    }
}

/// The weights themselves.
struct Weighed<'a, S>(&'a S);

impl<A, S: Source> Terms<A, 1> for Weighed<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, [sum]: &mut [Block; 1]) {
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

/// −x ln x, with the values of `scipy.special.entr`: 0 at 0, −∞ for negative x, NaN for NaN. Never −0.
#[inline(always)]
pub fn entr<A: Arithmetic>(x: f64) -> f64 {
    // Selections in sequence, and no branch, for loops over columns.
    let value = if (x > 0.0) & (x <= f64::MAX) { 0.0 - x * ln::<A>(x) } else { f64::NEG_INFINITY };
    let value = if x == 0.0 { 0.0 } else { value };
    if x.is_nan() { x } else { value }
}

/// Sums over groups are taken of weights times 2^−20, so that a million weights of any size do not overflow. Scaling by
/// a power of two is exact but among the subnormals, so the promise on groups ends at totals below 1e-290: there,
/// weights are rounded to multiples of 5e-318, and the value loses its digits.
const HEADROOM: i32 = 20;

/// Logarithms are summed in units of 2^11, which is above the largest that occurs, |ln(p/q)| < 1490: a term is then not
/// larger than its mass and needs no headroom of its own.
pub(super) const LN_UNIT: f64 = power_of_two(11);

/// An element's part in the total of its group: the scaled weight, or 0 where a rule keeps it out of the sum.
#[inline(always)]
pub fn mass(x: f64) -> f64 {
    // False for NaN, so these comparisons keep out everything that is not a positive number.
    let weighs = (x > 0.0) & (x <= f64::MAX);
    let scaled = x * const { power_of_two(-HEADROOM) };
    let scaled = if scaled > 0.0 { scaled } else { f64::from_bits(1) };
    if weighs { scaled } else { 0.0 }
}

/// An element's part in T of equation (4).
#[inline(always)]
pub fn term<A: Arithmetic>(x: f64) -> f64 {
    let mass = mass(x);
    0.0 - mass * ln_of_mass::<A>(mass)
}

/// The logarithm of the weight behind a mass, in [`LN_UNIT`]s.
#[inline(always)]
fn ln_of_mass<A: Arithmetic>(mass: f64) -> f64 {
    // The weight behind a sum of masses may be beyond the range, its logarithm is not.
    ln_scaled::<A>(mass, f64::from(HEADROOM)) * (1.0 / LN_UNIT)
}

/// Equation (4), for the sums of a group's [`mass`] and [`term`].
#[inline(always)]
pub fn of_sums<A: Arithmetic>(mass: f64, term: f64) -> f64 {
    // Rounding of the sums may leave a distribution of one value a hair below zero.
    not_below_zero((mass * ln_of_mass::<A>(mass) + term) / mass * LN_UNIT)
}

/// The value, or 0 for a negative one. Not `max`, which would take sums beyond the range, whose value is NaN, for 0.
#[inline(always)]
pub(super) fn not_below_zero(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}

/// What the highest [`Rank`] of a group makes of its value.
#[inline(always)]
pub fn settle(rank: Rank, value: f64) -> Option<f64> {
    match rank.verdict(NEGATIVE) {
        Verdict::Settled(settled) => settled,
        Verdict::Sum => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;
    use crate::kernel::contract::Unit;
    use crate::kernel::levels::{Extents, Level};
    use crate::kernel::math::Fused;
    use crate::kernel::math::tests::uniform;
    use crate::kernel::rows::{self, Rows, Values, Which};

    fn propagate(x: &[f64]) -> Option<f64> {
        row::<Fused, _>(Weights::new(x, None), NanPolicy::Propagate).unwrap()
    }

    fn grouped(x: &[f64]) -> Option<f64> {
        let rank = contract::judge(Weights::new(x, None), NanPolicy::Propagate).unwrap();
        let sum = |f: fn(f64) -> f64| x.iter().copied().map(f).sum();
        settle(rank, of_sums::<Fused>(sum(mass), sum(term::<Fused>)))
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

    /// What the logarithms of single precision leave in H, and a little for the sums; see the head of this file. Rounding
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

    fn of_rows<T: Weight>(x: &[T], width: usize) -> Vec<f64> {
        let rows = x.len() / width;
        let level = Level { extents: Extents::Width { width, rows }, valid: None };
        let x = Rows { weights: Weights::new(x, None), level };
        let mut out = Values::default();
        rows::entropy(&x, Which::all(rows), NanPolicy::Propagate, Unit::new(None), &mut out).unwrap();
        out.into_parts().0
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
        let value =
            |x: &[f32]| row::<Fused, _>(Weights::new(x, None), NanPolicy::Propagate).unwrap().unwrap();
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
