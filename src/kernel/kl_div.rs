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
//! with ξ(d) = d − ln(1 + d) ≥ 0. All its terms are ≥ 0. The totals P and Q are rounded, so that the terms add up to
//! D + ξ(δ) rather than D, with δ = Σ (bᵢ − aᵢ) ≈ 1e-16; δ is summed as well, and ξ(δ) = δ²/2 taken off.
//!
//! **Rows** are read twice, for the totals and for the terms of (2), from a = pᵢQ, b = qᵢP and their difference, which is
//! taken as if rounded once:
//!
//! * where b is near a, aᵢξ(dᵢ) = s·((bᵢ − aᵢ) − aᵢR(s²)) with s = (b − a)/(b + a) and R from [`math`](super::math): each
//!   factor is right to a few units in the last place, however small it is;
//! * elsewhere, |dᵢ| being large, the parts of (bᵢ − aᵢ) + aᵢ ln(aᵢ/bᵢ) are at most four times as large as the term.
//!
//! **Columns, groups and windows** are sums that the data frame takes, with R = Σ pᵢ ln(pᵢ/qᵢ):
//!
//! ```text
//! D = R/P − ln(P/Q)                                                                                          (3)
//! ```
//!
//! which cancels where D is small: its error is absolute, some 1e-16·(1 + |ln(P/Q)|) beside that of the sums, which
//! [`groups`](super::groups) keeps small.
//!
//! **Rows in single precision** owe their reader fewer digits, and are read once for (3), with logarithms that are right to
//! 1.03e-8 and take little time ([`bulge`]). Where D is below 0.16 that is not enough, and they are read again for (2).

use std::f64::consts::LN_2;

use super::blocks::{
    Along, Block, Carried, Extremes, GROUP, LANES, Layout, NOT_PLAIN, Plain, Source, Stored, Terms, Totals,
    Wide, all, any, lanes, sums,
};
use super::contract::{self, Missing, NanPolicy, Rank, Verdict};
use super::entropy::{LN_UNIT, mass, not_below_zero};
use super::math::{
    Arithmetic, Registers, XI_MAX, XI_MIN, bulge, ln, ln_quotient, ln_ratio, ln_ratio_single, normal_parts,
    tail, xi,
};
use super::simd::Loop;
use super::weights::{Mask, Weight, Weights};

/// Rule 6: a negative weight makes the divergence infinite, as in `scipy.special.rel_entr`.
const NEGATIVE: f64 = f64::INFINITY;

/// The divergence of one distribution from another of the same length; `None` is null.
#[inline(always)]
pub fn row<A: Arithmetic, T: Weight>(
    p: Weights<T>,
    q: Weights<T>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    debug_assert_eq!(p.len(), q.len());
    let mut plain = match (p.dense(), q.dense()) {
        (Some(p), Some(q)) => of_one::<A, _, _>(&p, &q),
        _ => NOT_PLAIN,
    };
    if !plain.holds[0] && policy == NanPolicy::Omit {
        plain = of_one::<A, _, _>(&p.masked((p, q), 1.0), &q.masked((p, q), 1.0));
    }
    if plain.holds[0] { Ok(Some(plain.value[0])) } else { by_the_rules::<A, T>(p, q, policy) }
}

/// The divergences of distributions in blocks, where no rule but 9 can apply and nothing leaves the range.
#[inline(always)]
pub fn of_blocks<A: Arithmetic, L: Layout>(p: &impl Source, q: &impl Source) -> Plain {
    in_double::<A, L>(p, q, Totals::of::<L>(p), Totals::of::<L>(q))
}

/// The same for one distribution, which may be in single precision. Eight of them would rarely do without equation (2): one
/// small divergence among them is enough to read all again.
#[inline(always)]
fn of_one<A: Arithmetic, P: Stored, Q: Stored>(p: &P, q: &Q) -> Plain {
    if !(P::SINGLE && Q::SINGLE) {
        return of_blocks::<A, Along>(p, q);
    }
    let (single, of_p, of_q) = in_single::<A, Along>(p, q);
    if all(single.holds) { single } else { in_double::<A, Along>(p, q, of_p, of_q) }
}

/// Equation (3), where its rounding leaves the digits of single precision alone; and the totals.
#[inline(always)]
fn in_single<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> (Plain, Totals, Totals) {
    let (of_p, of_q) = (Extremes::default(), Extremes::default());
    let mut logs = Logs { p, q, of_p, of_q, least: [1.0; 2 * LANES] };
    let [of_p, of_q, r] = sums::<A, L, 3>(p.groups(), &mut logs);
    let value = lanes!(k => r[k] / of_p[k] + ln::<A>(of_q[k] / of_p[k]));
    let (of_p, of_q) = (Totals::new(of_p, logs.of_p), Totals::new(of_q, logs.of_q));
    let (p_holds, q_holds) = (of_p.are_plain::<L>(), of_q.are_plain::<L>());
    let plain = lanes!(k => p_holds[k] & q_holds[k]);
    let normal_q = L::all(lanes!(k => logs.least[k].min(logs.least[k + LANES]) >= f32::MIN_POSITIVE));
    let normal_p = of_p.outweigh_subnormals();
    let holds = lanes!(k => plain[k] & normal_p[k] & normal_q[k] & (value[k] >= LEAST_DIVERGENCE));
    (Plain { value, holds }, of_p, of_q)
}

/// The error of a difference of two logarithms in single precision, 2.25e-8, over the relative error that D may have: 1.4e-7,
/// since rounding the result adds 6e-8.
const LEAST_DIVERGENCE: f64 = 0.16;

/// P, Q and R of equation (3).
struct Logs<'a, P, Q> {
    p: &'a P,
    q: &'a Q,
    of_p: Extremes,
    of_q: Extremes,
    /// The least q where p has a share.
    least: Wide,
}

impl<A: Arithmetic, P: Stored, Q: Stored> Terms<A, 3> for Logs<'_, P, Q> {
    #[inline(always)]
    fn add(&mut self, i: usize, [of_p, of_q, r]: &mut [Block; 3]) {
        let group = self.p.group(i);
        let mut bulges = [Wide::default(); GROUP];
        let (mut extremes_p, mut extremes_q, mut least) = (self.of_p, self.of_q, self.least);
        for (i, bulges) in group.clone().zip(&mut bulges) {
            let (p, q) = (self.p.wide(i), self.q.wide(i));
            extremes_p.see(&p);
            extremes_q.see(&q);
            for k in 0..p.len() {
                let beside_share = if p[k] > 0.0 { q[k] } else { 1.0 };
                least[k] = if beside_share < least[k] { beside_share } else { least[k] };
                bulges[k] = bulge::<A>(p[k]) - bulge::<A>(q[k]);
            }
        }
        (self.of_p, self.of_q, self.least) = (extremes_p, extremes_q, least);
        for (i, bulges) in group.zip(&bulges) {
            let (p, q) = (self.p.wide(i), self.q.wide(i));
            for k in 0..LANES {
                let ln_low = ln_ratio_single::<A>(p[k], q[k], bulges[k]);
                let ln_high = ln_ratio_single::<A>(p[k + LANES], q[k + LANES], bulges[k + LANES]);
                let (low, high) = (f64::from(p[k]), f64::from(p[k + LANES]));
                of_p[k] += low + high;
                of_q[k] += f64::from(q[k]) + f64::from(q[k + LANES]);
                r[k] += A::mul_add(low, ln_low, high * ln_high);
            }
        }
    }
}

/// Equation (2).
#[inline(always)]
fn in_double<A: Arithmetic, L: Layout>(
    p: &impl Source,
    q: &impl Source,
    of_p: Totals,
    of_q: Totals,
) -> Plain {
    let (p_holds, q_holds) = (of_p.are_plain::<L>(), of_q.are_plain::<L>());
    let plain = lanes!(k => p_holds[k] & q_holds[k]);
    if !any(plain) {
        return NOT_PLAIN;
    }
    let (of_p, of_q) = (of_p.total, of_q.total);
    let inverse_p = lanes!(k => 1.0 / of_p[k]);
    let inverse_pq = lanes!(k => inverse_p[k] / of_q[k]);
    let mut pairs = Pairs { p, q, of_p, of_q, inverse_p, inverse_pq, least: [1.0; LANES] };
    let [d, excess] = sums::<A, L, 2>(p.blocks(), &mut pairs);
    // See the head of this file.
    let value = lanes!(k => (d[k] - 0.5 * excess[k] * excess[k]).max(0.0));
    let in_range = L::all(lanes!(k => pairs.least[k] >= LEAST));
    Plain { value, holds: lanes!(k => plain[k] & in_range[k]) }
}

/// Below this a product of a weight and a total is left to the rules, which also find q = 0 < p: the rounding error of the
/// product has to be a normal number.
const LEAST: f64 = 1e-280;

/// Where |b − a| is below this times b + a, d is in the range of ξ: [−½, 1].
const NEAR: f64 = 1.0 / 3.0;

/// The terms of equation (2).
struct Pairs<'a, P, Q> {
    p: &'a P,
    q: &'a Q,
    of_p: Block,
    of_q: Block,
    inverse_p: Block,
    inverse_pq: Block,
    /// The least product of a weight and a total where p has a share.
    least: Block,
}

impl<A: Arithmetic, P: Source, Q: Source> Terms<A, 2> for Pairs<'_, P, Q> {
    #[inline(always)]
    fn add(&mut self, i: usize, [d, total_excess]: &mut [Block; 2]) {
        let (p, q) = (self.p.block(i), self.q.block(i));
        self.p.prefetch_next(i);
        self.q.prefetch_next(i);
        for k in 0..LANES {
            // The shares over their common denominator, PQ.
            let (a, b) = (p[k] * self.of_q[k], q[k] * self.of_p[k]);
            let least = if b < a { b } else { a };
            let least = if p[k] > 0.0 { least } else { 1.0 };
            self.least[k] = if least < self.least[k] { least } else { self.least[k] };

            let difference = A::difference_of_products(q[k], self.of_p[k], p[k], self.of_q[k]);
            let (share, excess) = (p[k] * self.inverse_p[k], difference * self.inverse_pq[k]);
            d[k] += term::<A>(a, b, difference, share, excess);
            total_excess[k] += excess;
        }
    }
}

#[inline(always)]
fn is_near(a: f64, b: f64, difference: f64) -> bool {
    difference.abs() < NEAR * (a + b)
}

/// A term of equation (2), from shares over a common denominator, a and b, their difference b − a, and the share aᵢ and the
/// excess bᵢ − aᵢ as they are.
#[inline(always)]
pub fn term<A: Arithmetic>(a: f64, b: f64, difference: f64, share: f64, excess: f64) -> f64 {
    let near = is_near(a, b, difference);
    let ((m, e), (n, g)) = (normal_parts(a), normal_parts(b));
    let above = if near { difference } else { n - m };
    let below = if near { a + b } else { n + m };
    let s = above / below;
    let tail = tail::<A>(s);
    let near_term = s * (excess - share * tail);
    let far_term = excess - share * A::mul_add(g - e, LN_2, A::mul_add(2.0, s, s * tail));
    if near { near_term } else { far_term }
}

/// The way for everything out of the ordinary: missing, infinite or negative weights, no mass, q = 0 < p, shares and
/// totals at the ends of the range.
#[inline(always)]
pub fn by_the_rules<A: Arithmetic, T: Weight>(
    p: Weights<T>,
    q: Weights<T>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    A::Registers::outlined::<A, _>(ByTheRules { p, q, policy })
}

struct ByTheRules<'a, T> {
    p: Weights<'a, T>,
    q: Weights<'a, T>,
    policy: NanPolicy,
}

impl<T: Weight> Loop for ByTheRules<'_, T> {
    type Out = Result<Option<f64>, Missing>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Self::Out {
        let (p, q) = (self.p, self.q);
        let rank = contract::judge_pairs(p, q, self.policy)?;
        if let Verdict::Settled(value) = rank.verdict(NEGATIVE) {
            return Ok(value);
        }
        let (of_p, of_q) = (Total::of(p, (p, q)), Total::of(q, (p, q)));
        Ok(settle(rank, of_q.sum, || carefully::<A, T>(p, q, of_p, of_q)))
    }
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
        let scale = Totals::of::<Along>(&x.masked(mask, 1.0)).scale();
        Total { sum: Totals::of::<Along>(&x.masked(mask, scale)).total[0], scale }
    }

    /// ln(x/total), also where the scaled weight is no longer a normal number.
    fn ln_share<A: Arithmetic>(self, x: f64) -> f64 {
        let scaled = x * self.scale;
        if scaled >= f64::MIN_POSITIVE {
            ln_ratio::<A>(scaled, self.sum)
        } else {
            ln_ratio::<A>(x, self.sum) + ln::<A>(self.scale)
        }
    }
}

/// Equation (2), an element at a time, for weights that are finite and not negative, with q > 0 wherever p > 0.
#[inline(always)]
fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>, of_p: Total, of_q: Total) -> f64 {
    let (mut d, mut excess) = (Carried::default(), 0.0);
    for i in 0..p.len() {
        let (Some(p), Some(q), true) = (p.get(i), q.get(i), (p, q).keeps(i)) else { continue };
        let (x, y) = (p * of_p.scale, q * of_q.scale);
        let (a, b) = (x / of_p.sum, y / of_q.sum);
        let near = A::difference_of_products(y, of_p.sum, x, of_q.sum) / (x * of_q.sum);
        let is_near = (XI_MIN..=XI_MAX).contains(&near);
        excess += if is_near { a * near } else { b - a };
        d.add(if p == 0.0 {
            b
        } else if is_near {
            a * xi::<A>(near)
        } else {
            (b - a) + a * (of_p.ln_share::<A>(p) - of_q.ln_share::<A>(q))
        });
    }
    (d.total() - 0.5 * excess * excess).max(0.0)
}

/// x ln(x/y), with the values of `scipy.special.rel_entr`: NaN if either is NaN, 0 for x = 0 ≤ y, ∞ for negative x or y
/// and for y = 0 < x.
#[inline(always)]
pub fn rel_entr<A: Arithmetic>(x: f64, y: f64) -> f64 {
    // Selections in sequence, and no branch, for loops over columns.
    let value = x * ln_ratio::<A>(x, y);
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

/// What a pair adds to the sums of its group's state, beside its masses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart {
    /// qᵢ − pᵢ, where q is near p.
    pub near: f64,
    /// qᵢ − pᵢ, where it is not.
    pub far: f64,
    /// pᵢ ξ((qᵢ − pᵢ)/pᵢ) where q is near p, and pᵢ ln(pᵢ/qᵢ) where it is not.
    pub term: f64,
}

/// A pair's part in the sums of its group: nothing where a rule keeps it out.
#[inline(always)]
pub fn summands<A: Arithmetic>(p: f64, q: f64) -> Summands {
    // False for NaN. All selections below, and no branch, so that loops over pairs become vector code.
    let range = 0.0..=f64::MAX;
    let weigh = range.contains(&p) & range.contains(&q);
    let (p, q) = (mass(if weigh { p } else { 0.0 }), mass(if weigh { q } else { 0.0 }));
    let ln = ln_quotient::<A>(p, q) * (1.0 / LN_UNIT);
    Summands { p, q, term: if (p > 0.0) & (q > 0.0) { p * ln } else { 0.0 } }
}

/// A pair's part in the sums that keep the digits of nearly equal distributions.
#[inline(always)]
pub fn apart<A: Arithmetic>(p: f64, q: f64) -> Apart {
    let Summands { p, q, term: far } = summands::<A>(p, q);
    let excess = q - p;
    let is_near = is_near(p, q, excess);
    let near = term::<A>(p, q, excess, p, excess) * (1.0 / LN_UNIT);
    Apart {
        near: if is_near { excess } else { 0.0 },
        far: if is_near { 0.0 } else { excess },
        term: if is_near { near } else { far },
    }
}

/// The divergence from the sums of a group's [`Apart`]. With N and F the excesses near and far, T the terms and E = N + F,
/// R = T − N in equation (3), and
///
/// ```text
/// D = (T + F − P ξ(E/P))/P = (T − N − P ln(P/Q))/P
/// ```
///
/// The first keeps its digits where p is near q, and is taken where the totals are near each other. What is taken off is
/// computed like the term of a pair, so that a group of one pair gives exactly 0.
#[inline(always)]
pub fn of_sums_apart<A: Arithmetic>(p: f64, q: f64, Apart { near, far, term: sum }: Apart) -> f64 {
    const PER_UNIT: f64 = 1.0 / LN_UNIT;
    let excess = near + far;
    let close = (sum + far * PER_UNIT) - term::<A>(p, q, excess, p, excess) * PER_UNIT;
    let apart = (sum - near * PER_UNIT) - p * (ln_quotient::<A>(p, q) * PER_UNIT);
    let value = if is_near(p, q, excess) { close } else { apart };
    not_below_zero(value / p * LN_UNIT)
}

/// The relative difference of sums of the same weights, taken in different orders; well below the error that groups may have.
const SAME: f64 = 4e-15;

/// Equation (3), for the sums of a group's [`Summands`].
#[inline(always)]
pub fn of_sums<A: Arithmetic>(Summands { p, q, term }: Summands) -> f64 {
    // Written with the difference over P so that a group of one pair gives exactly 0. Rounding of the sums may leave the
    // divergence of p from a multiple of itself a hair below.
    let value = not_below_zero((term - p * (ln_quotient::<A>(p, q) * (1.0 / LN_UNIT))) / p * LN_UNIT);
    // Without any term, what tells P from Q is that threads have added them up in another order.
    if (term == 0.0) & ((q - p).abs() <= SAME * p) { 0.0 } else { value }
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
    use super::*;
    use crate::kernel::contract::Unit;
    use crate::kernel::levels::{Extents, Level};
    use crate::kernel::math::Fused;
    use crate::kernel::math::tests::uniform;
    use crate::kernel::rows::{self, Rows, Values, Which};

    #[test]
    fn a_group_of_one_pair_has_no_divergence() {
        for (p, q) in [(3.0, 4.0), (3.0, 0.1), (1e-3, 39.0), (7.0, 7.0), (1e300, 1e-300)] {
            let Summands { p: of_p, q: of_q, .. } = summands::<Fused>(p, q);
            assert_eq!(of_sums_apart::<Fused>(of_p, of_q, apart::<Fused>(p, q)), 0.0, "{p} {q}");
        }
    }

    #[test]
    fn sums_of_the_same_weights_may_differ_by_their_order() {
        let of = |q, term| of_sums::<Fused>(Summands { p: 1.0, q, term });
        assert_eq!(of(1.0 + 4.0 * f64::EPSILON, 0.0), 0.0);
        // Neither where there are terms, nor where the totals are further apart.
        assert!(of(1.0 + 4.0 * f64::EPSILON, 1e-9) > 0.0);
        assert!(of(1.0 + 1e-13, 0.0) > 0.0);
    }

    #[test]
    fn sums_beyond_the_range_have_no_value() {
        let (p, q) = (f64::INFINITY, 1.0);
        assert!(of_sums::<Fused>(Summands { p, q, term: p }).is_nan());
        assert!(of_sums_apart::<Fused>(p, q, Apart { near: 0.0, far: -p, term: p }).is_nan());
        assert!(crate::kernel::entropy::of_sums::<Fused>(p, -p).is_nan());
    }

    fn propagate(p: &[f64], q: &[f64]) -> Option<f64> {
        row::<Fused, _>(Weights::new(p, None), Weights::new(q, None), NanPolicy::Propagate).unwrap()
    }

    fn grouped(p: &[f64], q: &[f64]) -> Option<f64> {
        let pairs = || p.iter().copied().zip(q.iter().copied());
        let rank = contract::judge_pairs(Weights::new(p, None), Weights::new(q, None), NanPolicy::Propagate);
        let sums = pairs().map(|(p, q)| summands::<Fused>(p, q)).fold(
            Summands { p: 0.0, q: 0.0, term: 0.0 },
            |a, b| Summands { p: a.p + b.p, q: a.q + b.q, term: a.term + b.term },
        );
        settle(rank.unwrap(), sums.q, || of_sums::<Fused>(sums))
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

    /// See [`LEAST_DIVERGENCE`].
    const SINGLE: f64 = 1.4e-7;

    /// Compares rows of this width with the same numbers in double precision.
    fn assert_single(p: &[f32], q: &[f32], width: usize) {
        let widened = |x: &[f32]| x.iter().copied().map(f64::from).collect::<Vec<_>>();
        let (single, double) = (of_rows(p, q, width), of_rows(&widened(p), &widened(q), width));
        for (row, (value, exact)) in single.into_iter().zip(double).enumerate() {
            let [p, q] = [p, q].map(|x| &x[row * width..][..width.min(10)]);
            let same = value == exact || (value.is_nan() && exact.is_nan());
            let same = same || (value - exact).abs() <= SINGLE * exact;
            assert!(same, "D({p:?}…, {q:?}…) = {value:e}, not {exact:e}");
        }
    }

    fn of_rows<T: Weight>(p: &[T], q: &[T], width: usize) -> Vec<f64> {
        let level = Level { extents: Extents::Width { width, rows: p.len() / width }, valid: None };
        let [p, q] = [p, q].map(|x| Rows { weights: Weights::new(x, None), level });
        let (all, mut out) = (Which::all(level.extents.len()), Values::default());
        rows::kl_div(&p, &q, all, NanPolicy::Propagate, Unit::new(None), &mut out).unwrap();
        out.into_parts().0
    }

    #[test]
    fn single_precision_at_any_width_and_scale() {
        let mut next = uniform(1);
        for width in [2, 3, 10, 17, 64, 65, 100, 128, 129, 1000, 5000] {
            for scale in [1e-41, 1e-30, 1e-19, 1e-5, 1.0, 1e30, 1e36] {
                let mut flat = |scale: f64| (0..10_000).map(|_| (scale * next()) as f32).collect::<Vec<_>>();
                let (p, q, one) = (flat(scale), flat(scale), flat(1.0));
                assert_single(&p, &q, width);
                assert_single(&p, &one, width);
                assert_single(&one, &p, width);
                // Of many magnitudes, with zeros among them.
                let mut spread =
                    |_| (scale * 100.0 * next() * (-20.0 * next()).exp() - 1e-5 * scale).max(0.0) as f32;
                let spread: Vec<f32> = (0..10_000).map(&mut spread).collect();
                assert_single(&spread, &q, width);
            }
        }
    }

    #[test]
    fn single_precision_near_and_far() {
        let mut next = uniform(2);
        for width in [2, 10, 100, 1000] {
            // From nearly equal to unrelated: D is on both sides of what single precision is enough for.
            for k in 0..24 {
                let p: Vec<f32> = (0..10_000).map(|_| next() as f32).collect();
                let near =
                    |p: &f32| (f64::from(*p) * (1.0 + f64::powi(0.5, k) * (2.0 * next() - 1.0))) as f32;
                assert_single(&p, &p.iter().map(near).collect::<Vec<_>>(), width);
            }
        }
    }

    #[test]
    fn single_precision_of_a_multiple_of_itself() {
        let p: Vec<f32> = (1..1000).map(|i| i as f32 * 0.1).collect();
        assert_eq!(of_rows(&p, &p, 999), [0.0]);
        assert_eq!(of_rows(&p, &p, 9), [0.0; 111]);
        for c in [0.1f32, 3.0, 1e-3, 1e7] {
            let q: Vec<f32> = p.iter().map(|p| c * p).collect();
            // q is rounded to 6e-8 of itself, and the divergence is of the order of the square.
            for width in [9, 999] {
                assert!(of_rows(&p, &q, width).iter().all(|d| (0.0..=4e-15).contains(d)), "{c}");
            }
        }
    }

    #[test]
    fn the_rules_in_single_precision() {
        let (nan, inf, tiny) = (f32::NAN, f32::INFINITY, 1e-45);
        let value = |p: &[f32], q: &[f32]| {
            row::<Fused, _>(Weights::new(p, None), Weights::new(q, None), NanPolicy::Propagate)
                .unwrap()
                .unwrap()
        };
        assert!(value(&[1.0, -1.0], &[nan, 1.0]).is_nan());
        assert!(value(&[1.0, -1.0], &[inf, 1.0]).is_nan());
        assert_eq!(value(&[2.0, -1.0], &[1.0, 1.0]), f64::INFINITY);
        assert_eq!(value(&[0.0, 1.0], &[-1.0, 1.0]), f64::INFINITY);
        assert!(value(&[0.0, 0.0], &[1.0, 1.0]).is_nan());
        assert!(value(&[1.0, 1.0], &[0.0, -0.0]).is_nan());
        assert_eq!(value(&[1.0, 1.0], &[1.0, 0.0]), f64::INFINITY);
        assert_eq!(value(&[1.0, tiny], &[tiny, 0.0]), f64::INFINITY);
        assert_eq!(value(&[1.0, 0.0], &[1.0, -0.0]), 0.0);
        assert_single(&[1.0, 0.0, -0.0, 1.0], &[1.0, 1.0, tiny, 1.0], 2);
        assert_single(&[1.0, 1.0, tiny, 1.0], &[tiny, 1.0, f32::MAX, 1.0], 2);
    }

    #[test]
    fn rel_entr_is_scipys() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(rel_entr::<Fused>(0.0, 0.0), 0.0);
        assert_eq!(rel_entr::<Fused>(-0.0, 1.0), 0.0);
        assert_eq!(rel_entr::<Fused>(0.0, inf), 0.0);
        assert_eq!(rel_entr::<Fused>(0.0, -1.0), inf);
        assert_eq!(rel_entr::<Fused>(1.0, 0.0), inf);
        assert_eq!(rel_entr::<Fused>(-1.0, 1.0), inf);
        assert_eq!(rel_entr::<Fused>(inf, 1.0), inf);
        assert_eq!(rel_entr::<Fused>(1.0, inf), -inf);
        assert!(rel_entr::<Fused>(inf, inf).is_nan());
        assert!(rel_entr::<Fused>(nan, -1.0).is_nan());
        assert!(rel_entr::<Fused>(1.0, nan).is_nan());
        assert!((rel_entr::<Fused>(2.0, 1.0) - 2.0 * LN_2).abs() < 1e-15);
    }
}
