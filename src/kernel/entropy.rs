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
//! **Columns, groups and windows** are sums that the data frame takes, of what [`mass`] and [`term`] make of each
//! element, and [`of_sums`] puts them together:
//!
//! ```text
//! H = (S ln S + T)/S,        T = −Σ xᵢ ln xᵢ                                                                   (3)
//! ```
//!
//! The same [`ln`] on both sides makes (3) exactly 0 for a group of one value. It cancels where H is small beside
//! ln S, which leaves an absolute error of some 1e-16·(1 + |ln S|) beside that of the sums themselves.

use super::contract::{self, Missing, NanPolicy, Rank, Verdict};
use super::math::{ln, ln_ratio, power_of_two};
use super::weights::{Block, LANES, Source, Terms, Totals, Weight, Weights, sums};

/// Rule 6: a negative weight has entropy −∞, as in `scipy.special.entr`.
const NEGATIVE: f64 = f64::NEG_INFINITY;

/// The entropy of one distribution; `None` is null.
#[inline(always)]
pub fn row<T: Weight>(x: Weights<T>, policy: NanPolicy) -> Result<Option<f64>, Missing> {
    if let Some(x) = x.dense() {
        let totals = Totals::of(&x);
        if totals.are_plain() {
            return Ok(Some(of_shares(&x, totals)));
        }
    }
    by_the_rules(x, policy)
}

/// The way for everything out of the ordinary: missing, infinite or negative weights, no mass, totals that overflow.
#[inline(always)]
fn by_the_rules<T: Weight>(x: Weights<T>, policy: NanPolicy) -> Result<Option<f64>, Missing> {
    match contract::judge(x, policy)?.verdict(NEGATIVE) {
        Verdict::Settled(value) => Ok(value),
        Verdict::Sum => {
            let scale = Totals::of(&x.masked(x, 1.0)).scale();
            let x = x.masked(x, scale);
            Ok(Some(of_shares(&x, Totals::of(&x))))
        }
    }
}

#[inline(always)]
fn of_shares(x: &impl Source, totals: Totals) -> f64 {
    if !totals.have_dominant() {
        let [h] = sums(x.blocks(), &mut Shares { x, inverse: 1.0 / totals.total });
        return 0.0 - h;
    }
    // Equation (2). More than half of the total is in one weight, so no other is equal to it.
    let max = totals.max();
    let x = &Below { x, max };
    let [rest] = sums(x.blocks(), &mut Plain(x));
    let inverse = 1.0 / (max + rest);
    let [h] = sums(x.blocks(), &mut Shares { x, inverse });
    max * inverse * (rest / max).ln_1p() - h
}

/// The shares times their logarithms.
struct Shares<'a, S> {
    x: &'a S,
    inverse: f64,
}

impl<S: Source> Terms<1> for Shares<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, [h]: &mut [Block; 1]) {
        let x = self.x.block(i);
        for k in 0..LANES {
            let share = x[k] * self.inverse;
            h[k] += share * ln(share);
        }
    }
}

/// The weights themselves.
struct Plain<'a, S>(&'a S);

impl<S: Source> Terms<1> for Plain<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, [sum]: &mut [Block; 1]) {
        let x = self.0.block(i);
        for k in 0..LANES {
            sum[k] += x[k];
        }
    }
}

/// The weights with 0 in place of the largest.
struct Below<'a, S> {
    x: &'a S,
    max: f64,
}

impl<S: Source> Source for Below<'_, S> {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.x.blocks()
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        let mut block = self.x.block(i);
        for x in &mut block {
            *x = if *x < self.max { *x } else { 0.0 };
        }
        block
    }
}

/// −x ln x, with the values of `scipy.special.entr`: 0 at 0, −∞ for negative x, NaN for NaN. Never −0.
#[inline(always)]
pub fn entr(x: f64) -> f64 {
    // Selections in sequence, and no branch, for loops over columns.
    let value = if (x > 0.0) & (x < f64::INFINITY) { 0.0 - x * ln(x) } else { f64::NEG_INFINITY };
    let value = if x == 0.0 { 0.0 } else { value };
    if x.is_nan() { x } else { value }
}

/// Sums over groups are taken of weights times 2^−20, so that a million weights of any size do not overflow. Scaling by
/// a power of two is exact but among the subnormals, so the promise on groups ends at totals below 1e-300: there,
/// weights are rounded to multiples of 5e-318, and the value loses its digits.
const HEADROOM: f64 = power_of_two(-20);

/// Logarithms are summed in units of 2^11, which is above the largest that occurs, |ln(p/q)| < 1490: a term is then not
/// larger than its mass and needs no headroom of its own.
pub(super) const LN_UNIT: f64 = power_of_two(11);

/// An element's part in the total of its group: the scaled weight, or 0 where a rule keeps it out of the sum.
#[inline(always)]
pub fn mass(x: f64) -> f64 {
    // False for NaN, so these comparisons keep out everything that is not a positive number.
    let weighs = (x > 0.0) & (x < f64::INFINITY);
    let scaled = x * HEADROOM;
    let scaled = if scaled > 0.0 { scaled } else { f64::from_bits(1) };
    if weighs { scaled } else { 0.0 }
}

/// An element's part in T of equation (3).
#[inline(always)]
pub fn term(x: f64) -> f64 {
    let mass = mass(x);
    0.0 - mass * ln_of_mass(mass)
}

/// The logarithm of the weight behind a mass, in [`LN_UNIT`]s.
#[inline(always)]
fn ln_of_mass(mass: f64) -> f64 {
    // The weight behind a sum of masses may be beyond the range, its logarithm is not.
    ln_ratio(mass, HEADROOM) * (1.0 / LN_UNIT)
}

/// Equation (3), for the sums of a group's [`mass`] and [`term`].
#[inline(always)]
pub fn of_sums(mass: f64, term: f64) -> f64 {
    // Rounding of the sums may leave a distribution of one value a hair below zero.
    ((mass * ln_of_mass(mass) + term) / mass * LN_UNIT).max(0.0)
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

    fn propagate(x: &[f64]) -> Option<f64> {
        row(Weights::new(x, None), NanPolicy::Propagate).unwrap()
    }

    fn grouped(x: &[f64]) -> Option<f64> {
        let rank = contract::judge(Weights::new(x, None), NanPolicy::Propagate).unwrap();
        let sum = |f: fn(f64) -> f64| x.iter().copied().map(f).sum();
        settle(rank, of_sums(sum(mass), sum(term)))
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
            // Equation (3) has an absolute error of some units in the last place of |ln S| ≤ 710.
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

    #[test]
    fn single_precision_is_summed_in_double() {
        let x = vec![3e38f32; 3];
        let value = row(Weights::new(&x, None), NanPolicy::Propagate).unwrap().unwrap();
        assert!((value - 3f64.ln()).abs() <= 2.0 * f64::EPSILON);
    }

    #[test]
    fn the_infinite_and_the_rest_of_entr() {
        assert_eq!(entr(0.0), 0.0);
        assert_eq!(entr(-1e-320), f64::NEG_INFINITY);
        assert_eq!(entr(f64::INFINITY), f64::NEG_INFINITY);
        assert!(entr(f64::NAN).is_nan());
        assert!((entr(0.5) - 0.5 * LN_2).abs() < 1e-16);
    }
}
