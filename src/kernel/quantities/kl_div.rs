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
//! * where b is near a, aᵢξ(dᵢ) = s·((bᵢ − aᵢ) − aᵢR(s²)) with s = (b − a)/(b + a) and R from [`math`](crate::kernel::math): each
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
//! [`summands`](crate::kernel::summands) keeps small.
//!
//! **Rows in single precision** owe their reader fewer digits, and are read once for (3), with logarithms that are right to
//! 1.03e-8 and take little time ([`mitchell_correction`]). Where D is below 0.16 that is not enough, and they are read again for (2).

use std::f64::consts::LN_2;

use crate::kernel::blocks::{
    Block, Carried, Extremes, FastPath, GROUP, LANES, Layout, Source, Stored, Terms, Totals, Wide, lanes,
    pinned, sums,
};
use crate::kernel::mass::{LN_SCALE, Total, mass, not_below_zero, summed};
use crate::kernel::math::{
    XI_MAX, XI_MIN, artanh_remainder, biased_parts, ln, ln_quotient, ln_ratio, ln_ratio_single,
    mitchell_correction, nan_unless, xi,
};
use crate::kernel::quantity::{Element, GroupSums, Mergeable, Part, Quantity, Summed, Sums, value};
use crate::kernel::rules::{Answers, Role, Side};
use crate::kernel::scales::mass_of_sum;
use crate::kernel::simd::{Arithmetic, Base, IsaOps};
use crate::kernel::weights::{Mask, Weight, Weights};

/// Kullback–Leibler divergence D(p‖q).
pub struct KlDiv;

impl Quantity for KlDiv {
    const NAME: &'static str = "kl_div";
    const PAIR: bool = true;
    // As in `scipy.special.rel_entr`.
    const ANSWERS: Answers = Answers { negative: f64::INFINITY, q_zero: Some(f64::INFINITY) };
    // Eight of them would rarely do without equation (2): one small divergence among them is enough to read all again.
    const EIGHT_IN_SINGLE: bool = false;

    #[inline(always)]
    fn of_blocks<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> FastPath {
        of_blocks::<A, L, _, _>(p, q)
    }

    #[inline(always)]
    fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64 {
        carefully::<A, T>(p, q)
    }
}

impl Summed for KlDiv {
    type Sums = KlDiv;
}

/// The sums of equation (3).
impl Sums for KlDiv {
    const PARTS: &'static [Part] = &[Part::MASS_P, Part::MASS_Q, Part::TERM];
    type Numbers = [f64; 3];

    #[inline(always)]
    fn parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> [f64; 3] {
        parts::<A>(p, q, scale)
    }

    #[inline(always)]
    fn value<A: Arithmetic>(sums: GroupSums<[f64; 3]>) -> f64 {
        of_sums::<A>(sums)
    }
}

impl Part {
    /// The excess of q over p where they are near each other.
    pub(super) const NEAR: Part =
        Part { lead: "near", rest: "near_rest", role: Role::Other, side: Some(Side::P) };
    /// The excess of q over p where they are not.
    pub(super) const FAR: Part = Part { lead: "far", rest: "far_rest", role: Role::Other, side: None };
}

/// The total excess of q over p as a state keeps it, from the sums of [`Exact`].
pub(super) fn kept_excess(p: f64, q: f64, near: f64, far: f64, [of_p, of_q]: [f64; 2]) -> f64 {
    if of_p == of_q {
        mass_of_sum(near + far, of_p)
    } else {
        // One of the totals is nothing beside the other.
        mass_of_sum(q, of_q) - mass_of_sum(p, of_p)
    }
}

/// Sums that keep the digits of nearly equal distributions; see [`exact_of_sums`].
pub struct Exact;

impl Sums for Exact {
    const PARTS: &'static [Part] = &[
        Part::MASS_P,
        Part::MASS_Q,
        Part::NEAR,
        Part::FAR,
        Part { lead: "exact_term", rest: "exact_term_rest", role: Role::Term, side: Some(Side::P) },
    ];
    type Numbers = [f64; 5];

    #[inline(always)]
    fn parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> [f64; 5] {
        exact_parts::<A>(p, q, scale)
    }

    #[inline(always)]
    fn value<A: Arithmetic>(sums: GroupSums<[f64; 5]>) -> f64 {
        let ([p, _, near, far, terms], [_, q, ..]) = (sums.by_p, sums.by_q);
        exact_of_sums::<A>([p, q, near, far, terms], sums.ln_scales())
    }
}

/// States merge by the chain rule (Kullback & Leibler 1951), for parts i with totals Pᵢ and Qᵢ, wᵢ = Pᵢ/P and vᵢ = Qᵢ/Q:
///
/// ```text
/// D = Σ wᵢDᵢ + D(w‖v)                                                                                        (4)
/// ```
///
/// Both sums are of terms that are not negative, so nothing cancels. D(w‖v) needs vᵢ − wᵢ: where p is near q, the totals, as
/// doubles, have lost what tells them apart. So a state also keeps the excess Eᵢ = Σ (q − p), with which
///
/// ```text
/// vᵢ − wᵢ = (QᵢP − PᵢQ)/(PQ) = (EᵢP − PᵢE)/(PQ)                                                               (5)
/// ```
impl Mergeable for KlDiv {
    const KEPT: &'static [&'static str] = &["mass_p", "mass_q", "excess"];
    type Kept = [f64; 3];
    type StateSums = Exact;

    fn kept(sums: GroupSums<[f64; 5]>) -> [f64; 3] {
        let ([p, _, near, far, _], [_, q, ..], of) = (sums.by_p, sums.by_q, sums.exponents);
        [mass_of_sum(p, of[0]), mass_of_sum(q, of[1]), kept_excess(p, q, near, far, of)]
    }

    fn kept_of(p: f64, q: f64) -> [f64; 3] {
        let (p, q) = (mass(p), mass(q));
        [p, q, q - p]
    }

    fn between(parts: &[&[f64]; 3], totals: [f64; 3]) -> f64 {
        between(*parts, totals)
    }
}

/// Divergences of distributions in blocks.
#[inline(always)]
fn of_blocks<A: Arithmetic, L: Layout, P: Stored, Q: Stored>(p: &P, q: &Q) -> FastPath {
    if !(P::SINGLE && Q::SINGLE && L::ONE) {
        return in_double::<A, L>(p, q, Totals::of::<A, L>(p), Totals::of::<A, L>(q));
    }
    let (single, p_totals, q_totals) = in_single::<A, L>(p, q);
    if single.is_valid::<L>() { single } else { in_double::<A, L>(p, q, p_totals, q_totals) }
}

/// Equation (3), where its rounding leaves the digits of single precision alone; and the totals.
#[inline(always)]
fn in_single<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> (FastPath, Totals, Totals) {
    let (of_p, of_q) = (Extremes::default(), Extremes::default());
    let mut logs = Logs { p, q, of_p, of_q, least: [1.0; 2 * LANES] };
    let [of_p, of_q, r] = sums::<A, L, 3, 0>(p.groups(), &mut logs);
    let value = lanes!(k => r[k] / of_p[k] + ln::<A>(of_q[k] / of_p[k]));
    let (of_p, of_q) = (Totals::new(of_p, logs.of_p), Totals::new(of_q, logs.of_q));
    let (p_plain, q_plain) = (of_p.are_plain::<L>(), of_q.are_plain::<L>());
    let plain = lanes!(k => p_plain[k] & q_plain[k]);
    let normal_q = L::all(lanes!(k => logs.least[k].min(logs.least[k + LANES]) >= f32::MIN_POSITIVE));
    let normal_p = of_p.outweigh_subnormals();
    let valid = lanes!(k => plain[k] & normal_p[k] & normal_q[k] & (value[k] >= LEAST_DIVERGENCE));
    (FastPath::of(value, valid), of_p, of_q)
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
    fn add(&mut self, i: usize, _: &[Block; 0], sums: &mut [Block; 3]) {
        let group = self.p.group(i);
        let mut corrections = [Wide::default(); GROUP];
        let (mut extremes_p, mut extremes_q, mut least) = (self.of_p, self.of_q, self.least);
        for (i, corrections) in group.clone().zip(&mut corrections) {
            let [p, q] = [self.p.wide(i), self.q.wide(i)].map(A::Isa::pinned_single);
            extremes_p.see::<A>(&p);
            extremes_q.see::<A>(&q);
            for k in 0..p.len() {
                let beside_share = if p[k] > 0.0 { q[k] } else { 1.0 };
                least[k] = if beside_share < least[k] { beside_share } else { least[k] };
                corrections[k] = mitchell_correction::<A>(p[k]) - mitchell_correction::<A>(q[k]);
            }
            least = A::Isa::pinned_single(least);
        }
        (self.of_p, self.of_q, self.least) = (extremes_p, extremes_q, least);
        for (i, corrections) in group.zip(&corrections) {
            let [p, q] = [self.p.wide(i), self.q.wide(i)].map(A::Isa::pinned_single);
            let [of_p, of_q, r] = &mut *sums;
            for k in 0..LANES {
                let ln_low = ln_ratio_single::<A>(p[k], q[k], corrections[k]);
                let ln_high = ln_ratio_single::<A>(p[k + LANES], q[k + LANES], corrections[k + LANES]);
                let (low, high) = (f64::from(p[k]), f64::from(p[k + LANES]));
                of_p[k] += low + high;
                of_q[k] += f64::from(q[k]) + f64::from(q[k + LANES]);
                r[k] += A::mul_add(low, ln_low, high * ln_high);
            }
            *sums = pinned::<A, 3>(*sums);
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
) -> FastPath {
    let (p_plain, q_plain) = (of_p.are_plain::<L>(), of_q.are_plain::<L>());
    let plain = lanes!(k => p_plain[k] & q_plain[k]);
    if L::ONE && !plain[0] {
        return FastPath::NOWHERE;
    }
    let (of_p, of_q) = (of_p.total, of_q.total);
    let inverse_p = lanes!(k => 1.0 / of_p[k]);
    let inverse_pq = lanes!(k => inverse_p[k] / of_q[k]);
    let mut pairs = Pairs { p, q, of_p, of_q, inverse_p, inverse_pq, least: [1.0; LANES] };
    let [d, excess] = sums::<A, L, 2, 4>(p.blocks(), &mut pairs);
    // See the head of this file.
    let value = lanes!(k => (d[k] - 0.5 * excess[k] * excess[k]).max(0.0));
    let in_range = L::all(lanes!(k => pairs.least[k] >= LEAST));
    FastPath::of(value, lanes!(k => plain[k] & in_range[k]))
}

/// Below this a product of a weight and a total is left to the rules, which also find q = 0 < p: the rounding error of the
/// product has to be a normal number.
const LEAST: f64 = 1e-280;

/// Largest |b − a| in units of b + a for which d is in the range of ξ, [−½, 1].
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

impl<A: Arithmetic, P: Source, Q: Source> Terms<A, 2, 4> for Pairs<'_, P, Q> {
    #[inline(always)]
    fn begin(&mut self, i: usize) -> [Block; 4] {
        let (p, q) = (self.p.block(i), self.q.block(i));
        self.p.prefetch_next(i);
        self.q.prefetch_next(i);
        let [mut a, mut b, mut difference, mut least] = [[0.0; LANES]; 4];
        for k in 0..LANES {
            // The shares over their common denominator, PQ.
            (a[k], b[k]) = (p[k] * self.of_q[k], q[k] * self.of_p[k]);
            least[k] = if b[k] < a[k] { b[k] } else { a[k] };
            difference[k] = A::difference_of_products(q[k], self.of_p[k], p[k], self.of_q[k]);
        }
        let [least, difference] = pinned::<A, 2>([least, difference]);
        for k in 0..LANES {
            let least = nan_unless(p[k] > 0.0, least[k]);
            self.least[k] = if least < self.least[k] { least } else { self.least[k] };
        }
        self.least = A::Isa::pinned(self.least);

        let [mut above, mut below, mut exponent] = [[0.0; LANES]; 3];
        for k in 0..LANES {
            (above[k], below[k], exponent[k]) = far_fraction(a[k], b[k]);
        }
        // Pinned, lest there be two divisions of which one is chosen.
        let [above, below, exponent] = pinned::<A, 3>([above, below, exponent]);
        let near = lanes!(k => is_near(a[k], b[k], difference[k]));
        let above = lanes!(k => if near[k] { difference[k] } else { above[k] });
        let below = lanes!(k => if near[k] { a[k] + b[k] } else { below[k] });
        let [above, below] = pinned::<A, 2>([above, below]);
        [
            lanes!(k => p[k] * self.inverse_p[k]),
            lanes!(k => difference[k] * self.inverse_pq[k]),
            lanes!(k => above[k] / below[k]),
            lanes!(k => nan_unless(!near[k], exponent[k])),
        ]
    }

    #[inline(always)]
    fn add(&mut self, _: usize, begun: &[Block; 4], [d, total_excess]: &mut [Block; 2]) {
        let [share, excess, s, exponent] = begun;
        for k in 0..LANES {
            d[k] += term_of_quotient::<A>(s[k], exponent[k], share[k], excess[k]);
            total_excess[k] += excess[k];
        }
    }
}

#[inline(always)]
pub(super) fn is_near(a: f64, b: f64, difference: f64) -> bool {
    difference.abs() < NEAR * (a + b)
}

/// A term of equation (2), from shares over a common denominator, a and b, their difference b − a, and the share aᵢ and the
/// excess bᵢ − aᵢ as they are.
#[inline(always)]
fn term<A: Arithmetic>(a: f64, b: f64, difference: f64, share: f64, excess: f64) -> f64 {
    let near = is_near(a, b, difference);
    let (above, below, exponent) = far_fraction(a, b);
    let s = if near { difference / (a + b) } else { above / below };
    term_of_quotient::<A>(s, nan_unless(!near, exponent), share, excess)
}

/// Numerator and denominator of s, and the exponent k, with ln(b/a) = 2·artanh s + k·ln 2, where b is not near a.
#[inline(always)]
fn far_fraction(a: f64, b: f64) -> (f64, f64, f64) {
    let ((m, e), (n, g)) = (biased_parts(a), biased_parts(b));
    (n - m, n + m, g - e)
}

/// A term of equation (2) from s and the exponent, which is NaN where b is near a.
#[inline(always)]
fn term_of_quotient<A: Arithmetic>(s: f64, exponent: f64, share: f64, excess: f64) -> f64 {
    let remainder = artanh_remainder::<A>(s);
    let near_term = s * (excess - share * remainder);
    let far_term = excess - share * A::mul_add(exponent, LN_2, A::mul_add(2.0, s, s * remainder));
    if exponent.is_nan() { near_term } else { far_term }
}

/// Equation (2), an element at a time, for weights that are finite and not negative, with q > 0 wherever p > 0.
#[inline(always)]
fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64 {
    let (of_p, of_q) = (Total::of::<A, T>(p, (p, q)), Total::of::<A, T>(q, (p, q)));
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

/// The element's term of the divergence.
pub struct RelEntr;

impl Element for RelEntr {
    const NAME: &'static str = "rel_entr";
    const PAIR: bool = true;

    #[inline(always)]
    fn of<A: Arithmetic>(x: f64, y: f64) -> f64 {
        rel_entr::<A>(x, y)
    }
}

/// x ln(x/y), with the values of `scipy.special.rel_entr`: NaN if either is NaN, 0 for x = 0 ≤ y, ∞ for negative x or y
/// and for y = 0 < x.
#[inline(always)]
fn rel_entr<A: Arithmetic>(x: f64, y: f64) -> f64 {
    // Selections in sequence, and no branch, for loops over columns.
    let value = x * ln_ratio::<A>(x, y);
    let value = if y == f64::INFINITY { f64::NEG_INFINITY } else { value };
    let to_infinity = if y == f64::INFINITY { f64::NAN } else { f64::INFINITY };
    let value = if x == f64::INFINITY { to_infinity } else { value };
    let value = if (x > 0.0) & (y > 0.0) { value } else { f64::INFINITY };
    let value = if (x == 0.0) & (y >= 0.0) { 0.0 } else { value };
    if x.is_nan() | y.is_nan() { f64::NAN } else { value }
}

/// A pair's part in the sums of its group: the weights, and a term of R in equation (3).
#[inline(always)]
fn parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> [f64; 3] {
    let (p, q) = summed(p, q);
    let ln = ln_quotient::<A>(p, q) * (1.0 / LN_SCALE);
    [p * scale, q * scale, if (p > 0.0) & (q > 0.0) { p * scale * ln } else { 0.0 }]
}

/// A pair's part in the sums that keep the digits of nearly equal distributions: the weights; qᵢ − pᵢ where q is near p, and where
/// it is not; and the term, which is pᵢ ξ((qᵢ − pᵢ)/pᵢ) where q is near p, and pᵢ ln(pᵢ/qᵢ) where it is not.
#[inline(always)]
fn exact_parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> [f64; 5] {
    let [of_p, of_q, far] = parts::<A>(p, q, scale);
    let (p, q) = summed(p, q);
    let excess = q - p;
    // Halves, since the sum of the largest weights is beyond the range.
    let is_near = is_near(0.5 * p, 0.5 * q, 0.5 * excess);
    let scaled = excess * scale;
    // The quotient s is of the weights as they are, all else is scaled.
    let s = (0.5 * excess) / (0.5 * p + 0.5 * q);
    let near = s * (scaled - of_p * artanh_remainder::<A>(s)) * (1.0 / LN_SCALE);
    [
        of_p,
        of_q,
        if is_near { scaled } else { 0.0 },
        if is_near { 0.0 } else { scaled },
        if is_near { near } else { far },
    ]
}

/// The divergence from the sums of [`exact_parts`]. With N and F the excesses near and far, T the terms and E = N + F,
/// R = T − N in equation (3), and
///
/// ```text
/// D = (T + F − P ξ(E/P))/P = (T − N − P ln(P/Q))/P
/// ```
///
/// The first keeps its digits where p is near q, and is taken where the totals are near each other. What is taken off is
/// computed like the term of a pair, so that a group of one pair gives exactly 0.
#[inline(always)]
pub(super) fn exact_of_sums<A: Arithmetic>([p, q, near, far, terms]: [f64; 5], ln_scales: f64) -> f64 {
    const PER_SCALE: f64 = 1.0 / LN_SCALE;
    let excess = near + far;
    let for_near_totals = (terms + far * PER_SCALE) - term::<A>(p, q, excess, p, excess) * PER_SCALE;
    let ln = ln_quotient::<A>(p, q) + ln_scales;
    let for_far_totals = (terms - near * PER_SCALE) - p * (ln * PER_SCALE);
    let near_totals = is_near(p, q, excess) & (ln_scales == 0.0);
    let value = if near_totals { for_near_totals } else { for_far_totals };
    not_below_zero(value / p * LN_SCALE)
}

/// The relative difference of sums of the same weights, taken in different orders; well below the error that groups may have.
const SAME: f64 = 4e-15;

/// Equation (3), for the sums of [`parts`].
#[inline(always)]
fn of_sums<A: Arithmetic>(sums: GroupSums<[f64; 3]>) -> f64 {
    let ([p, _, terms], [_, q, _]) = (sums.by_p, sums.by_q);
    let ln = ln_quotient::<A>(p, q) + sums.ln_scales();
    // Written with the difference over P so that a group of one pair gives exactly 0. Rounding of the sums may leave the
    // divergence of p from a multiple of itself a hair below.
    let value = not_below_zero((terms - p * (ln * (1.0 / LN_SCALE))) / p * LN_SCALE);
    // Without any term, what tells P from Q is that threads have added them up in another order.
    if (terms == 0.0) & ((q - p).abs() <= SAME * p) { 0.0 } else { value }
}

/// D(w‖v) of equation (4).
pub(super) fn between([p, q, excess]: [&[f64]; 3], [p_total, q_total, total_excess]: [f64; 3]) -> f64 {
    if !(XI_MIN..=XI_MAX).contains(&(total_excess / p_total)) {
        // The totals tell w and v apart.
        return value::<KlDiv>(p, q);
    }
    // Scaled to a P of about 1, for the products.
    let scale = p_total.log2().round().clamp(-1000.0, 1000.0).exp2().recip();
    let [p_total, q_total, total_excess] = [p_total, q_total, total_excess].map(|x| x * scale);
    let mut sum = Carried::default();
    for ((p, q), excess) in p.iter().zip(q).zip(excess) {
        let [p, q, excess] = [p, q, excess].map(|x| x * scale);
        // Equation (5).
        let difference = Base::difference_of_products(excess, p_total, p, total_excess);
        let pq = p_total * q_total;
        sum.add(term::<Base>(p * q_total, q * p_total, difference, p / p_total, difference / pq));
    }
    sum.total()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::options::NanPolicy;
    use crate::kernel::registry::ByFloat;
    use crate::kernel::rows;
    use crate::kernel::rules::judge;
    use crate::kernel::simd::Fused;
    use crate::kernel::tests::{group_of, rows_of, scaled_alike, uniform};

    #[test]
    fn a_group_of_one_pair_has_no_divergence() {
        for (p, q) in [(3.0, 4.0), (3.0, 0.1), (1e-3, 39.0), (7.0, 7.0), (1e300, 1e-300)] {
            assert_eq!(group_of::<Exact>(&[p], &[q]), 0.0, "{p} {q}");
            assert_eq!(group_of::<KlDiv>(&[p], &[q]), 0.0, "{p} {q}");
        }
    }

    #[test]
    fn sums_of_the_same_weights_may_differ_by_their_order() {
        let of = |q, term| of_sums::<Fused>(scaled_alike([1.0, q, term]));
        assert_eq!(of(1.0 + 4.0 * f64::EPSILON, 0.0), 0.0);
        // Neither where there are terms, nor where the totals are further apart.
        assert!(of(1.0 + 4.0 * f64::EPSILON, 1e-9) > 0.0);
        assert!(of(1.0 + 1e-13, 0.0) > 0.0);
    }

    #[test]
    fn sums_beyond_the_range_have_no_value() {
        let (p, q) = (f64::INFINITY, 1.0);
        assert!(of_sums::<Fused>(scaled_alike([p, q, p])).is_nan());
        assert!(exact_of_sums::<Fused>([p, q, 0.0, -p, p], 0.0).is_nan());
    }

    fn propagate(p: &[f64], q: &[f64]) -> Option<f64> {
        let [p, q] = [p, q].map(|x| Weights::new(x, None));
        rows::value::<KlDiv, _>(p, Some(q), NanPolicy::Propagate).unwrap()
    }

    fn grouped(p: &[f64], q: &[f64]) -> Option<f64> {
        let rank = judge(Weights::new(p, None), Some(Weights::new(q, None)), NanPolicy::Propagate);
        let q_has_mass = || q.iter().any(|q| *q > 0.0);
        rank.unwrap().settle(KlDiv::ANSWERS, q_has_mass, || group_of::<KlDiv>(p, q))
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

    fn of_rows<T: ByFloat>(p: &[T], q: &[T], width: usize) -> Vec<f64> {
        rows_of("kl_div", p, q, width)
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
            let [p, q] = [p, q].map(|x| Weights::new(x, None));
            rows::value::<KlDiv, _>(p, Some(q), NanPolicy::Propagate).unwrap().unwrap()
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
