//! Relative entropy, or Kullback–Leibler divergence (S. Kullback & R. A. Leibler, *On Information and Sufficiency*, 1951),
//! in nats, of weights p from weights q that need not sum to one:
//!
//! ```text
//! P = Σ pᵢ,  Q = Σ qᵢ,  aᵢ = pᵢ/P,  bᵢ = qᵢ/Q,        D = Σ aᵢ ln(aᵢ/bᵢ)                                      (1)
//! ```
//!
//! The terms of (1) have both signs and cancel where p is near q. Since Σ aᵢ = Σ bᵢ, it is also
//!
//! ```text
//! D = Σ (bᵢ − aᵢ) + aᵢ ln(aᵢ/bᵢ) = Σ_{p > 0} aᵢ ξ(dᵢ) + Σ_{p = 0} bᵢ,     dᵢ = (bᵢ − aᵢ)/aᵢ                    (2)
//! ```
//!
//! with ξ(d) = d − ln(1 + d) ≥ 0. All its terms are ≥ 0, and rounding errors of the totals P and Q enter only squared,
//! because Σ aᵢdᵢ = 0.
//!
//! **Rows** are read twice, for the totals and for the terms in the first form of (2). The parts of these terms add up to
//! Σ |bᵢ − aᵢ| + aᵢ |ln(aᵢ/bᵢ)| ≤ D + 4, each known to a few units in the last place; so where D ≥ ⅛ that is all there is
//! to do. Otherwise the row is summed once more in the second form, with dᵢ = (qᵢP − pᵢQ)/(pᵢQ) from a difference of
//! products that doesn't cancel.
//!
//! **Columns, groups and windows** are sums that the data frame takes, with R = Σ pᵢ ln(pᵢ/qᵢ):
//!
//! ```text
//! D = R/P − ln(P/Q)                                                                                          (3)
//! ```
//!
//! which cancels where D is small: its error is absolute, some 1e-16·(1 + |ln(P/Q)|) beside that of the sums.

use super::contract::{self, Missing, NanPolicy, Rank, Verdict};
use super::entropy::{LN_UNIT, mass};
use super::math::{XI_MAX, XI_MIN, difference_of_products, ln, xi};
use super::weights::{Source, Totals, Weight, Weights, both, sums};

/// Rule 6: a negative weight makes the divergence infinite, as in `scipy.special.rel_entr`.
const NEGATIVE: f64 = f64::INFINITY;

/// The divergence of one distribution from another of the same length; `None` is null.
#[inline]
pub fn row<T: Weight, U: Weight>(
    p: Weights<T>,
    q: Weights<U>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    debug_assert_eq!(p.len(), q.len());
    if let (Some(p), Some(q)) = (p.dense(), q.dense()) {
        let (of_p, of_q) = (Totals::of(&p), Totals::of(&q));
        if of_p.are_plain() && of_q.are_plain() {
            if let Some(value) = of_shares(&p, &q, of_p.total, of_q.total) {
                return Ok(Some(value));
            }
        }
    }
    by_the_rules(p, q, policy)
}

/// Equation (2), first form, if it keeps the digits and no share is out of range.
#[inline(always)]
fn of_shares(p: &impl Source, q: &impl Source, of_p: f64, of_q: f64) -> Option<f64> {
    /// Below this a share of q is left to the careful way, which also finds q = 0 < p: a/b has to stay a normal number.
    const LEAST: f64 = 1e-290;
    /// See the head of this file.
    const ENOUGH: f64 = 1.0 / 8.0;

    let (per_p, per_q) = (1.0 / of_p, 1.0 / of_q);
    let mut least = [1.0; super::weights::LANES];
    let [d] = sums(p.blocks(), |i| {
        let a = p.block(i).map(|p| p * per_p);
        let b = q.block(i).map(|q| q * per_q);
        let needed = both(a, b, |a, b| if a > 0.0 { b } else { 1.0 });
        least = both(least, needed, |least, b| if b < least { b } else { least });
        [both(a, b, |a, b| (b - a) + if a > 0.0 { a * ln(a / b) } else { 0.0 })]
    });
    let in_range = least.into_iter().all(|b| b >= LEAST);
    (in_range && d >= ENOUGH).then_some(d)
}

/// The way for everything out of the ordinary: what [`of_shares`] turns down, and missing, infinite or negative
/// weights, no mass, totals that overflow.
#[cold]
#[inline(never)]
fn by_the_rules<T: Weight, U: Weight>(
    p: Weights<T>,
    q: Weights<U>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    let rank = contract::judge_pairs(p.iter().zip(q.iter()), policy)?;
    if let Verdict::Settled(value) = rank.verdict(NEGATIVE) {
        return Ok(value);
    }
    let keep = |i| p.is_number(i) && q.is_number(i);
    let of_p = Total::of(p, keep);
    let of_q = Total::of(q, keep);
    Ok(Some(if of_q.sum == 0.0 {
        f64::NAN
    } else if rank == Rank::OnlyP {
        f64::INFINITY
    } else {
        carefully(pairs(p, q, keep), of_p, of_q)
    }))
}

fn pairs<T: Weight, U: Weight>(
    p: Weights<T>,
    q: Weights<U>,
    keep: impl Fn(usize) -> bool,
) -> impl Iterator<Item = (f64, f64)> {
    (0..p.len())
        .filter(move |&i| keep(i))
        .map(move |i| (p.get(i).unwrap_or_default(), q.get(i).unwrap_or_default()))
}

/// A total as the sum of weights times a power of two that keeps it within range.
#[derive(Clone, Copy)]
struct Total {
    sum: f64,
    scale: f64,
}

impl Total {
    fn of<T: Weight>(x: Weights<T>, keep: impl Fn(usize) -> bool + Copy) -> Total {
        let scale = Totals::of(&x.masked(keep, 1.0)).scale();
        Total { sum: Totals::of(&x.masked(keep, scale)).total, scale }
    }

    /// ln(x/total), also where x/total is no longer a normal number.
    fn ln_share(self, x: f64) -> f64 {
        let share = x * self.scale / self.sum;
        if share >= f64::MIN_POSITIVE { ln(share) } else { ln(x) + ln(self.scale) - ln(self.sum) }
    }
}

/// Equation (2), second form, for weights that are finite and not negative, with q > 0 wherever p > 0.
fn carefully(pairs: impl Iterator<Item = (f64, f64)>, of_p: Total, of_q: Total) -> f64 {
    let mut d = super::weights::Carried::default();
    for (p, q) in pairs {
        let (x, y) = (p * of_p.scale, q * of_q.scale);
        let (a, b) = (x / of_p.sum, y / of_q.sum);
        let near = difference_of_products(y, of_p.sum, x, of_q.sum) / (x * of_q.sum);
        d.add(if p == 0.0 {
            b
        } else if (XI_MIN..=XI_MAX).contains(&near) {
            a * xi(near)
        } else {
            (b - a) + a * (of_p.ln_share(p) - of_q.ln_share(q))
        });
    }
    d.total()
}

/// x ln(x/y), with the values of `scipy.special.rel_entr`: NaN if either is NaN, 0 for x = 0 ≤ y, ∞ for negative x or y
/// and for y = 0 < x.
#[inline(always)]
pub fn rel_entr(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if x > 0.0 && y > 0.0 {
        x * ln_ratio(x, y)
    } else if x == 0.0 && y >= 0.0 {
        0.0
    } else {
        f64::INFINITY
    }
}

/// ln(x/y) for positive x and y.
#[inline(always)]
fn ln_ratio(x: f64, y: f64) -> f64 {
    let ratio = x / y;
    if (0.5..=2.0).contains(&ratio) {
        // x − y is exact here (Sterbenz), and so nothing is lost beside 1.
        ((x - y) / y).ln_1p()
    } else if (f64::MIN_POSITIVE..f64::INFINITY).contains(&ratio) {
        ln(ratio)
    } else {
        // Out of the normal range; the standard library's logarithm also knows infinities.
        x.ln() - y.ln()
    }
}

/// What a pair adds to the sums of its group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summands {
    /// To the total of p.
    pub p: f64,
    /// To the total of q.
    pub q: f64,
    /// To R of equation (3).
    pub term: f64,
}

/// A pair's part in the sums of its group: nothing where a rule keeps it out.
#[inline(always)]
pub fn summands(p: f64, q: f64) -> Summands {
    let weighs = |x: f64| (0.0..f64::INFINITY).contains(&x);
    if !(weighs(p) && weighs(q)) {
        return Summands { p: 0.0, q: 0.0, term: 0.0 };
    }
    let (p, q) = (mass(p), mass(q));
    let term = if p > 0.0 && q > 0.0 { p * ln_of_ratio(p, q) } else { 0.0 };
    Summands { p, q, term }
}

/// ln(p/q) of two masses in [`LN_UNIT`]s.
#[inline(always)]
fn ln_of_ratio(p: f64, q: f64) -> f64 {
    let ratio = p / q;
    let nats = if (f64::MIN_POSITIVE..f64::INFINITY).contains(&ratio) { ln(ratio) } else { ln(p) - ln(q) };
    nats * (1.0 / LN_UNIT)
}

/// Equation (3): the divergence of a group of which the data frame has summed the [`Summands`] and taken the highest
/// [`Rank`].
pub fn from_sums(Summands { p, q, term }: Summands, rank: Rank) -> Option<f64> {
    match rank.verdict(NEGATIVE) {
        Verdict::Settled(value) => value,
        Verdict::Sum if q == 0.0 => Some(f64::NAN),
        Verdict::Sum if rank == Rank::OnlyP => Some(f64::INFINITY),
        // Rounding of the sums may leave the divergence of p from a multiple of itself a hair below zero. Written with
        // the difference over P so that a group of one pair gives exactly 0.
        Verdict::Sum => Some(((term - p * ln_of_ratio(p, q)) / p * LN_UNIT).max(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;

    fn propagate(p: &[f64], q: &[f64]) -> Option<f64> {
        row(Weights::new(p, None), Weights::new(q, None), NanPolicy::Propagate).unwrap()
    }

    fn grouped(p: &[f64], q: &[f64]) -> Option<f64> {
        let pairs = || p.iter().copied().zip(q.iter().copied());
        let ranked = pairs().map(|(p, q)| (Some(p), Some(q)));
        let rank = contract::judge_pairs(ranked, NanPolicy::Propagate).unwrap();
        let sums =
            pairs().map(|(p, q)| summands(p, q)).fold(Summands { p: 0.0, q: 0.0, term: 0.0 }, |a, b| {
                Summands { p: a.p + b.p, q: a.q + b.q, term: a.term + b.term }
            });
        from_sums(sums, rank)
    }

    fn assert_both(p: &[f64], q: &[f64], expected: f64) {
        for value in [propagate(p, q), grouped(p, q)] {
            let value = value.unwrap();
            let same = value == expected || (value.is_nan() && expected.is_nan());
            assert!(same && (value != 0.0 || value.is_sign_positive()), "D({p:?}, {q:?}) = {value}");
        }
    }

    #[test]
    fn the_rules_in_their_order() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_both(&[], &[], 0.0);
        assert_both(&[1.0, -1.0], &[nan, 1.0], nan);
        assert_both(&[1.0, -1.0], &[inf, 1.0], nan);
        assert_both(&[0.0, inf], &[1.0, 1.0], nan);
        assert_both(&[2.0, -1.0], &[1.0, 1.0], inf);
        assert_both(&[0.0, 1.0], &[-1.0, 1.0], inf);
        assert_both(&[0.0, 0.0], &[1.0, 1.0], nan);
        assert_both(&[1.0, 1.0], &[0.0, 0.0], nan);
        assert_both(&[1.0, 1.0], &[1.0, 0.0], inf);
        assert_both(&[1.0, 0.0], &[1.0, 0.0], 0.0);
        assert_both(&[0.3, 0.7], &[0.3, 0.7], 0.0);
        assert_both(&[3.0], &[7.0], 0.0);
    }

    #[test]
    fn known_values() {
        assert_both(&[1.0, 0.0], &[1.0, 1.0], LN_2);
        assert_both(&[1.0, 1.0], &[1e308, 1e308], 0.0);
        let far = propagate(&[1e300, 1e-300], &[1e-300, 1e300]).unwrap();
        assert!((far - 600.0 * 10f64.ln()).abs() < 1e-12);
        let tiny = propagate(&[1e308, 1.0], &[1e308, 1e-320]).unwrap();
        // 1e-308·(ln(1e320) − 1), the share being rounded to the spacing of subnormals.
        assert!((tiny - 7.36e-306).abs() < 1e-308);
    }

    #[test]
    fn divergence_of_nearly_equal_distributions_keeps_its_digits() {
        // p = (1, 1), q = (1 + d, 1 − d): D = −½ ln(1 − d²), exactly.
        for k in [10, 20, 26, 40, 52] {
            let d = f64::powi(0.5, k);
            let value = propagate(&[1.0, 1.0], &[1.0 + d, 1.0 - d]).unwrap();
            let exact = -0.5 * (-d * d).ln_1p();
            assert!((value - exact).abs() <= 8.0 * f64::EPSILON * exact, "2^-{k}: {value:e} {exact:e}");
        }
    }

    #[test]
    fn a_multiple_of_itself_is_no_divergence() {
        let p: Vec<f64> = (1..1000).map(f64::from).collect();
        for c in [0.1, 3.0, 1e-3, 1e7] {
            let q: Vec<f64> = p.iter().map(|p| c * p).collect();
            // q is rounded to 1.1e-16 of itself, and the divergence is of the order of the square.
            assert!((0.0..=1e-30).contains(&propagate(&p, &q).unwrap()), "{c}");
        }
    }

    #[test]
    fn rel_entr_is_scipys() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(rel_entr(0.0, 0.0), 0.0);
        assert_eq!(rel_entr(-0.0, 1.0), 0.0);
        assert_eq!(rel_entr(0.0, inf), 0.0);
        assert_eq!(rel_entr(0.0, -1.0), inf);
        assert_eq!(rel_entr(1.0, 0.0), inf);
        assert_eq!(rel_entr(-1.0, 1.0), inf);
        assert_eq!(rel_entr(inf, 1.0), inf);
        assert_eq!(rel_entr(1.0, inf), -inf);
        assert!(rel_entr(inf, inf).is_nan());
        assert!(rel_entr(nan, -1.0).is_nan());
        assert!(rel_entr(1.0, nan).is_nan());
        assert!((rel_entr(2.0, 1.0) - 2.0 * LN_2).abs() < 1e-15);
    }
}
