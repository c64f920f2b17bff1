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
use super::math::{XI_MAX, XI_MIN, difference_of_products, ln, ln_ratio, xi};
use super::weights::{Block, Carried, LANES, Mask, Source, Terms, Totals, Weight, Weights, sums};

/// Rule 6: a negative weight makes the divergence infinite, as in `scipy.special.rel_entr`.
const NEGATIVE: f64 = f64::INFINITY;

/// The divergence of one distribution from another of the same length; `None` is null.
#[inline(always)]
pub fn row<T: Weight>(p: Weights<T>, q: Weights<T>, policy: NanPolicy) -> Result<Option<f64>, Missing> {
    debug_assert_eq!(p.len(), q.len());
    if let (Some(p), Some(q)) = (p.dense(), q.dense()) {
        let (of_p, of_q) = (Totals::of(&p), Totals::of(&q));
        if of_p.are_plain()
            && of_q.are_plain()
            && let Some(value) = of_shares(&p, &q, of_p.total, of_q.total)
        {
            return Ok(Some(value));
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

    let mut shares = Shares { p, q, per_p: 1.0 / of_p, per_q: 1.0 / of_q, least: [1.0; LANES] };
    let [d] = sums(p.blocks(), &mut shares);
    let in_range = shares.least.into_iter().all(|b| b >= LEAST);
    (in_range && d >= ENOUGH).then_some(d)
}

/// The terms of equation (2), first form.
struct Shares<'a, P, Q> {
    p: &'a P,
    q: &'a Q,
    per_p: f64,
    per_q: f64,
    /// The least share of q where p has one.
    least: Block,
}

impl<P: Source, Q: Source> Terms<1> for Shares<'_, P, Q> {
    #[inline(always)]
    fn add(&mut self, i: usize, [d]: &mut [Block; 1]) {
        let (p, q) = (self.p.block(i), self.q.block(i));
        for k in 0..LANES {
            let (a, b) = (p[k] * self.per_p, q[k] * self.per_q);
            // Of p itself: its share may have underflown.
            let needed = if p[k] > 0.0 { b } else { 1.0 };
            self.least[k] = if needed < self.least[k] { needed } else { self.least[k] };
            let weighted = a * ln(a / b);
            d[k] += (b - a) + if a > 0.0 { weighted } else { 0.0 };
        }
    }
}

/// The way for everything out of the ordinary: what [`of_shares`] turns down, and missing, infinite or negative
/// weights, no mass, totals that overflow.
#[inline(always)]
fn by_the_rules<T: Weight>(p: Weights<T>, q: Weights<T>, policy: NanPolicy) -> Result<Option<f64>, Missing> {
    let rank = contract::judge_pairs(p, q, policy)?;
    if let Verdict::Settled(value) = rank.verdict(NEGATIVE) {
        return Ok(value);
    }
    let (of_p, of_q) = (Total::of(p, (p, q)), Total::of(q, (p, q)));
    Ok(settle(rank, of_q.sum, || carefully(p, q, of_p, of_q)))
}

/// A total as the sum of weights times a power of two that keeps it within range.
#[derive(Clone, Copy)]
struct Total {
    sum: f64,
    scale: f64,
}

impl Total {
    #[inline(always)]
    fn of<T: Weight>(x: Weights<T>, mask: impl Mask) -> Total {
        let scale = Totals::of(&x.masked(mask, 1.0)).scale();
        Total { sum: Totals::of(&x.masked(mask, scale)).total, scale }
    }

    /// ln(x/total), also where the scaled weight is no longer a normal number.
    fn ln_share(self, x: f64) -> f64 {
        let scaled = x * self.scale;
        if scaled >= f64::MIN_POSITIVE {
            ln_ratio(scaled, self.sum)
        } else {
            ln_ratio(x, self.sum) + ln(self.scale)
        }
    }
}

/// Equation (2), second form, for weights that are finite and not negative, with q > 0 wherever p > 0.
#[inline(always)]
fn carefully<T: Weight>(p: Weights<T>, q: Weights<T>, of_p: Total, of_q: Total) -> f64 {
    let mut d = Carried::default();
    for i in 0..p.len() {
        let (Some(p), Some(q), true) = (p.get(i), q.get(i), (p, q).keeps(i)) else { continue };
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
    // Selections in sequence, and no branch, for loops over columns.
    let value = x * ln_ratio(x, y);
    let value = if y == f64::INFINITY { f64::NEG_INFINITY } else { value };
    let to_infinity = if y == f64::INFINITY { f64::NAN } else { f64::INFINITY };
    let value = if x == f64::INFINITY { to_infinity } else { value };
    let value = if (x > 0.0) & (y > 0.0) { value } else { f64::INFINITY };
    let value = if (x == 0.0) & (y >= 0.0) { 0.0 } else { value };
    if x.is_nan() | y.is_nan() { f64::NAN } else { value }
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
    // False for NaN. All selections below, and no branch, so that loops over pairs become vector code.
    let range = 0.0..f64::INFINITY;
    let weigh = range.contains(&p) & range.contains(&q);
    let (p, q) = (mass(if weigh { p } else { 0.0 }), mass(if weigh { q } else { 0.0 }));
    let ln = ln_ratio(p, q) * (1.0 / LN_UNIT);
    Summands { p, q, term: if (p > 0.0) & (q > 0.0) { p * ln } else { 0.0 } }
}

/// Equation (3), for the sums of a group's [`Summands`].
#[inline(always)]
pub fn of_sums(Summands { p, q, term }: Summands) -> f64 {
    // Written with the difference over P so that a group of one pair gives exactly 0. Rounding of the sums may leave the
    // divergence of p from a multiple of itself a hair below.
    ((term - p * (ln_ratio(p, q) * (1.0 / LN_UNIT))) / p * LN_UNIT).max(0.0)
}

/// What the highest [`Rank`] of a distribution makes of its value; `q` is the total of q.
#[inline(always)]
pub fn settle(rank: Rank, q: f64, value: impl FnOnce() -> f64) -> Option<f64> {
    match rank.verdict(NEGATIVE) {
        Verdict::Settled(settled) => settled,
        Verdict::Sum if q == 0.0 => Some(f64::NAN),
        Verdict::Sum if rank == Rank::OnlyP => Some(f64::INFINITY),
        Verdict::Sum => Some(value()),
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
        let rank = contract::judge_pairs(Weights::new(p, None), Weights::new(q, None), NanPolicy::Propagate);
        let sums =
            pairs().map(|(p, q)| summands(p, q)).fold(Summands { p: 0.0, q: 0.0, term: 0.0 }, |a, b| {
                Summands { p: a.p + b.p, q: a.q + b.q, term: a.term + b.term }
            });
        settle(rank.unwrap(), sums.q, || of_sums(sums))
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
        assert_both(&[1e16, 1e-310, 0.0], &[1.0, 0.0, 1.0], inf);
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
