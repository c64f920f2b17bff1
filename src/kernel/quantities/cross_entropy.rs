//! Cross-entropy, or inaccuracy (D. F. Kerridge, *Inaccuracy and Inference*, 1961), in nats, of weights p relative to weights q
//! that need not sum to one:
//!
//! ```text
//! P = Σ pᵢ,  Q = Σ qᵢ,  aᵢ = pᵢ/P,  bᵢ = qᵢ/Q,        CE = −Σ aᵢ ln bᵢ = H(a) + D(a‖b)                         (1)
//! ```
//!
//! **Rows** are read twice, for the totals and for the terms of (1). All terms are ≥ 0, so nothing cancels between them; but
//! where b is beside 1 the logarithm has lost the digits of 1 − b. There is at most one share m/Q of q above ½, and its
//! logarithm comes from the rest R, the sum of the others:
//!
//! ```text
//! −ln(m/Q) = ln(1 + R/m)                                                                                     (2)
//! ```
//!
//! **Rows in single precision** owe their reader fewer digits, and are read once, with logarithms that are right to 1.03e-8
//! ([`mitchell_correction`]):
//!
//! ```text
//! CE = ln Q − L/P,        L = Σ pᵢ ln qᵢ                                                                      (3)
//! ```
//!
//! Where CE is below 0.11 that is not enough, and they are read again for (1).
//!
//! **Columns, groups and windows** are sums that the data frame takes, and (3) puts them together. The same logarithm on both
//! sides makes it exactly 0 for a group of one pair. It cancels where CE is small beside ln Q, which leaves an absolute error of
//! some 1e-16·(1 + |ln Q| + CE) beside that of the sums, which [`summands`](crate::kernel::summands) keeps small.
//!
//! **Logits** w of q are logarithms of weights v = exp(w − M), with M the largest of them, and need no others:
//!
//! ```text
//! CE = ln Σ vᵢ + Σ aᵢ (M − wᵢ)                                                                               (4)
//! ```
//!
//! No term is negative. [`softmax`] keeps the digits of the first part beside 0.

use crate::kernel::blocks::{
    Block, Carried, Extremes, FastPath, GROUP, LANES, Layout, Source, Stored, Terms, Totals, Wide, lanes,
    pinned, sums,
};
use crate::kernel::mass::{LN_SCALE, Total, ln_of_sum, ln_of_weight, mass, not_below_zero, summed};
use crate::kernel::math::{
    ln, ln_1p, ln_away_from_one, ln_of_quotient, ln_single, mitchell_correction, nan_unless, quotient,
};
use crate::kernel::quantity::{GroupSums, Mergeable, Part, Quantity, Summed, Sums, value};
use crate::kernel::rules::Answers;
use crate::kernel::scales::mass_of_sum;
use crate::kernel::simd::{Arithmetic, IsaOps};
use crate::kernel::softmax;
use crate::kernel::weights::{Mask, Weight, Weights};

/// Cross-entropy of p relative to q.
pub struct CrossEntropy;

impl Quantity for CrossEntropy {
    const NAME: &'static str = "cross_entropy";
    const PAIR: bool = true;
    // As the divergence that is in it.
    const ANSWERS: Answers = Answers { negative: f64::INFINITY, q_zero: Some(f64::INFINITY) };
    const EIGHT_IN_SINGLE: bool = true;
    const READS_LOGITS: bool = true;

    #[inline(always)]
    fn of_logits<A: Arithmetic, L: Layout>(p: &impl Source, q: &impl Source) -> FastPath {
        of_logits::<A, L>(p, q)
    }

    #[inline(always)]
    fn of_blocks<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> FastPath {
        of_blocks::<A, L, _, _>(p, q)
    }

    #[inline(always)]
    fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64 {
        carefully::<A, T>(p, q)
    }
}

impl Summed for CrossEntropy {
    type Sums = CrossEntropy;
}

/// The sums of equation (3).
impl Sums for CrossEntropy {
    const PARTS: &'static [Part] = &[Part::MASS_P, Part::MASS_Q, Part::TERM];
    type Numbers = [f64; 3];

    #[inline(always)]
    fn parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> [f64; 3] {
        let (p, q) = summed(p, q);
        [p * scale, q * scale, 0.0 - p * scale * ln_of_weight::<A>(q)]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(sums: GroupSums<[f64; 3]>) -> f64 {
        let ([p, _, terms], [_, q, _]) = (sums.by_p, sums.by_q);
        // Rounding of the sums may leave a distribution of one value a hair below zero.
        not_below_zero((p * ln_of_sum::<A>(q, sums.exponents[1]) + terms) / p * LN_SCALE)
    }
}

/// States merge by the chain rule of (1), for parts i with totals Pᵢ and Qᵢ, wᵢ = Pᵢ/P and vᵢ = Qᵢ/Q:
///
/// ```text
/// CE = Σ wᵢCEᵢ − Σ wᵢ ln vᵢ
/// ```
impl Mergeable for CrossEntropy {
    const KEPT: &'static [&'static str] = &["mass_p", "mass_q"];
    type Kept = [f64; 2];
    type StateSums = CrossEntropy;

    fn kept(sums: GroupSums<[f64; 3]>) -> [f64; 2] {
        [mass_of_sum(sums.by_p[0], sums.exponents[0]), mass_of_sum(sums.by_q[1], sums.exponents[1])]
    }

    fn kept_of(p: f64, q: f64) -> [f64; 2] {
        [mass(p), mass(q)]
    }

    fn between([p, q]: &[&[f64]; 2], _: [f64; 2]) -> f64 {
        value::<CrossEntropy>(p, q)
    }
}

/// Cross-entropies of distributions in blocks.
#[inline(always)]
fn of_blocks<A: Arithmetic, L: Layout, P: Stored, Q: Stored>(p: &P, q: &Q) -> FastPath {
    let single = if P::SINGLE && Q::SINGLE { in_single::<A, L>(p, q) } else { FastPath::NOWHERE };
    if single.is_valid::<L>() { single } else { single.or(in_double::<A, L>(p, q)) }
}

/// Equation (3), where its rounding leaves the digits of single precision alone.
#[inline(always)]
fn in_single<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> FastPath {
    let (p_extremes, q_extremes) = (Extremes::default(), Extremes::default());
    let mut logs = Logs { p, q, p_extremes, q_extremes, least: [1.0; 2 * LANES] };
    let [p_total, q_total, l] = sums::<A, L, 3, 0>(p.groups(), &mut logs);
    let value = lanes!(k => ln::<A>(q_total[k]) - l[k] / p_total[k]);
    let (of_p, of_q) = (Totals::new(p_total, logs.p_extremes), Totals::new(q_total, logs.q_extremes));
    let (p_plain, q_plain) = (of_p.are_plain::<L>(), of_q.are_plain::<L>());
    let normal_q = L::all(lanes!(k => logs.least[k].min(logs.least[k + LANES]) >= f32::MIN_POSITIVE));
    let normal_p = of_p.outweigh_subnormals();
    let exact = lanes!(k => normal_p[k] & normal_q[k] & (value[k] >= LEAST_SINGLE));
    FastPath::of(value, lanes!(k => p_plain[k] & q_plain[k] & exact[k]))
}

/// The error of a logarithm in single precision, 1.03e-8, over the relative error that a value may have before it is rounded,
/// which is 1e-7.
const LEAST_SINGLE: f64 = 0.11;

/// P, Q and L of equation (3).
struct Logs<'a, P, Q> {
    p: &'a P,
    q: &'a Q,
    p_extremes: Extremes,
    q_extremes: Extremes,
    /// The least q where p has a share.
    least: Wide,
}

impl<A: Arithmetic, P: Stored, Q: Stored> Terms<A, 3> for Logs<'_, P, Q> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], sums: &mut [Block; 3]) {
        let group = self.p.group(i);
        let mut corrections = [Wide::default(); GROUP];
        let (mut p_extremes, mut q_extremes, mut least) = (self.p_extremes, self.q_extremes, self.least);
        for (i, corrections) in group.clone().zip(&mut corrections) {
            let [p, q] = [self.p.wide(i), self.q.wide(i)].map(A::Isa::pinned_single);
            p_extremes.see::<A>(&p);
            q_extremes.see::<A>(&q);
            for k in 0..p.len() {
                let beside_share = if p[k] > 0.0 { q[k] } else { 1.0 };
                least[k] = if beside_share < least[k] { beside_share } else { least[k] };
                corrections[k] = mitchell_correction::<A>(q[k]);
            }
            least = A::Isa::pinned_single(least);
        }
        (self.p_extremes, self.q_extremes, self.least) = (p_extremes, q_extremes, least);
        for (i, corrections) in group.zip(&corrections) {
            let [p, q] = [self.p.wide(i), self.q.wide(i)].map(A::Isa::pinned_single);
            let [p_total, q_total, l] = &mut *sums;
            for k in 0..LANES {
                let ln_low = ln_single::<A>(q[k], corrections[k]);
                let ln_high = ln_single::<A>(q[k + LANES], corrections[k + LANES]);
                let (low, high) = (f64::from(p[k]), f64::from(p[k + LANES]));
                p_total[k] += low + high;
                q_total[k] += f64::from(q[k]) + f64::from(q[k + LANES]);
                l[k] += A::mul_add(low, ln_low, high * ln_high);
            }
            *sums = pinned::<A, 3>(*sums);
        }
    }
}

/// Equation (1), with (2) for the dominant share.
#[inline(always)]
fn in_double<A: Arithmetic, L: Layout>(p: &impl Source, q: &impl Source) -> FastPath {
    let (of_p, of_q) = (Totals::of::<A, L>(p), Totals::of::<A, L>(q));
    let (p_plain, q_plain) = (of_p.are_plain::<L>(), of_q.are_plain::<L>());
    let plain = lanes!(k => p_plain[k] & q_plain[k]);
    if L::ONE && !plain[0] {
        return FastPath::NOWHERE;
    }
    let mut least = [1.0; LANES];
    let sum = if of_q.have_dominant() {
        with_dominant::<A, L>(p, q, of_q, &mut least)
    } else {
        let mut pairs = Pairs { p, q, inverse: lanes!(k => 1.0 / of_q.total[k]), least };
        let [sum] = sums::<A, L, 1, 3>(p.blocks(), &mut pairs);
        least = pairs.least;
        lanes!(k => 0.0 - sum[k])
    };
    let normal = L::all(lanes!(k => least[k] >= f64::MIN_POSITIVE));
    FastPath::of(lanes!(k => sum[k] / of_p.total[k]), lanes!(k => plain[k] & normal[k]))
}

/// P·CE where some distribution has a dominant share. For those beside it that have none, every bit is as without.
#[inline(always)]
fn with_dominant<A: Arithmetic, L: Layout>(
    p: &impl Source,
    q: &impl Source,
    of_q: Totals,
    least: &mut Block,
) -> Block {
    let max = of_q.max::<L>();
    // More than half of the total is in one weight, so no other is equal to it.
    let dominant = lanes!(k => if max[k] > 0.5 * of_q.total[k] { max[k] } else { 0.0 });
    let limit = lanes!(k => if dominant[k] > 0.0 { dominant[k] } else { f64::INFINITY });
    let [rest] = sums::<A, L, 1, 0>(q.blocks(), &mut Rest { q, limit });
    let inverse = lanes!(k => 1.0 / (dominant[k] + rest[k]));
    let mut pairs = PairsBelow { p, q, inverse, limit, least: *least };
    let [sum, p_at_dominant] = sums::<A, L, 2, 0>(p.blocks(), &mut pairs);
    *least = pairs.least;
    lanes!(k => {
        let ratio = if dominant[k] > 0.0 { rest[k] / dominant[k] } else { 0.0 };
        p_at_dominant[k] * ln_1p::<A>(ratio) - sum[k]
    })
}

/// The weights of p times the logarithms of the shares of q. No share that counts is beside 1.
struct Pairs<'a, P, Q> {
    p: &'a P,
    q: &'a Q,
    inverse: Block,
    /// The least share of q where p has one.
    least: Block,
}

impl<A: Arithmetic, P: Source, Q: Source> Terms<A, 1, 3> for Pairs<'_, P, Q> {
    #[inline(always)]
    fn begin(&mut self, i: usize) -> [Block; 3] {
        let (p, q) = (self.p.block(i), self.q.block(i));
        self.p.prefetch_next(i);
        self.q.prefetch_next(i);
        let [mut s, mut exponent] = [[0.0; LANES]; 2];
        for k in 0..LANES {
            let share = q[k] * self.inverse[k];
            let beside_share = nan_unless(p[k] > 0.0, share);
            self.least[k] = if beside_share < self.least[k] { beside_share } else { self.least[k] };
            (s[k], exponent[k]) = quotient(share);
        }
        self.least = A::Isa::pinned(self.least);
        [p, s, exponent]
    }

    #[inline(always)]
    fn add(&mut self, _: usize, [p, s, exponent]: &[Block; 3], [sum]: &mut [Block; 1]) {
        for k in 0..LANES {
            sum[k] += p[k] * ln_of_quotient::<A>(s[k], exponent[k]);
        }
    }
}

/// [`Pairs`] with q below a limit, and the weight of p where it is not.
struct PairsBelow<'a, P, Q> {
    p: &'a P,
    q: &'a Q,
    inverse: Block,
    limit: Block,
    least: Block,
}

impl<A: Arithmetic, P: Source, Q: Source> Terms<A, 2> for PairsBelow<'_, P, Q> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], [sum, p_at_dominant]: &mut [Block; 2]) {
        let (p, q) = (self.p.block(i), self.q.block(i));
        for k in 0..LANES {
            let below = q[k] < self.limit[k];
            let share = q[k] * self.inverse[k];
            let beside_share = if p[k] > 0.0 { share } else { 1.0 };
            self.least[k] = if beside_share < self.least[k] { beside_share } else { self.least[k] };
            sum[k] += if below { p[k] } else { 0.0 } * ln_away_from_one::<A>(share);
            p_at_dominant[k] += if below { 0.0 } else { p[k] };
        }
        self.least = A::Isa::pinned(self.least);
    }
}

/// The weights of q below a limit.
struct Rest<'a, Q> {
    q: &'a Q,
    limit: Block,
}

impl<A, Q: Source> Terms<A, 1> for Rest<'_, Q> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], [sum]: &mut [Block; 1]) {
        let q = self.q.block(i);
        for k in 0..LANES {
            sum[k] += if q[k] < self.limit[k] { q[k] } else { 0.0 };
        }
    }
}

/// Equation (1), an element at a time, for weights that are finite and not negative, with q > 0 wherever p > 0.
#[inline(always)]
fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64 {
    let (of_p, of_q) = (Total::of::<A, T>(p, (p, q)), Total::of::<A, T>(q, (p, q)));
    let pairs = || (0..p.len()).filter(|i| (p, q).keeps(*i)).filter_map(|i| Some((p.get(i)?, q.get(i)?)));
    let is_dominant = |q: f64| q * of_q.scale > 0.5 * of_q.sum;
    let mut rest = Carried::default();
    pairs().filter(|(_, q)| !is_dominant(*q)).for_each(|(_, q)| rest.add(q * of_q.scale));
    let mut sum = Carried::default();
    for (p, q) in pairs().filter(|(p, _)| *p > 0.0) {
        let minus_ln = match is_dominant(q) {
            true => ln_1p::<A>(rest.total() / (q * of_q.scale)),
            false => -of_q.ln_share::<A>(q),
        };
        sum.add(p * of_p.scale * minus_ln);
    }
    sum.total() / of_p.sum
}

/// Equation (4).
#[inline(always)]
fn of_logits<A: Arithmetic, L: Layout>(p: &impl Source, q: &impl Source) -> FastPath {
    let (p_max, q_max) = (softmax::largest::<A, L>(p), softmax::largest::<A, L>(q));
    let mut logits = Logits { p, q, p_max, q_max };
    let [mass_p, largest, others, term] = sums::<A, L, 4, 0>(p.blocks(), &mut logits);
    let ln = softmax::Total { largest, others }.ln::<A>();
    let value = lanes!(k => ln[k] - term[k] / mass_p[k]);
    // Where q is 0 beside p > 0, rule 8 has to be asked, and so where a difference is too large for its product.
    FastPath::of(value, lanes!(k => value[k] < f64::INFINITY))
}

/// Sums of equation (4).
struct Logits<'a, P, Q> {
    p: &'a P,
    q: &'a Q,
    p_max: Block,
    q_max: Block,
}

impl<A: Arithmetic, P: Source, Q: Source> Terms<A, 4> for Logits<'_, P, Q> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], [mass_p, largest, others, term]: &mut [Block; 4]) {
        let (p, q) = (self.p.block(i), self.q.block(i));
        self.p.prefetch_next(i);
        self.q.prefetch_next(i);
        let (_, of_p) = softmax::weights::<A>(&p, &self.p_max, 0.0);
        let (differences, of_q) = softmax::weights::<A>(&q, &self.q_max, 0.0);
        softmax::add_total(&differences, &of_q, largest, others);
        for k in 0..LANES {
            mass_p[k] += of_p[k];
            // As far as q is below, but nothing where p is −∞. Of −∞ beside a p that is too small for a weight, the product is NaN.
            let difference = if p[k] == f64::NEG_INFINITY { 0.0 } else { q[k] - self.q_max[k] };
            term[k] += of_p[k] * difference;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;
    use crate::kernel::options::NanPolicy;
    use crate::kernel::registry::ByFloat;
    use crate::kernel::rows;
    use crate::kernel::tests::{group_of, rows_of, uniform};

    fn propagate(p: &[f64], q: &[f64]) -> Option<f64> {
        let [p, q] = [p, q].map(|x| Weights::new(x, None));
        rows::value::<CrossEntropy, _>(p, Some(q), NanPolicy::Propagate).unwrap()
    }

    #[test]
    fn the_rules_in_their_order() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let value = |p: &[f64], q: &[f64]| propagate(p, q).unwrap();
        assert_eq!(value(&[], &[]).to_bits(), 0);
        assert!(value(&[1.0, -1.0], &[nan, 1.0]).is_nan());
        assert!(value(&[1.0, -1.0], &[inf, 1.0]).is_nan());
        assert_eq!(value(&[2.0, -1.0], &[1.0, 1.0]), inf);
        assert_eq!(value(&[0.0, 1.0], &[-1.0, 1.0]), inf);
        assert!(value(&[0.0, 0.0], &[1.0, 1.0]).is_nan());
        assert!(value(&[1.0, 1.0], &[0.0, 0.0]).is_nan());
        assert_eq!(value(&[1.0, 1.0], &[1.0, 0.0]), inf);
        assert_eq!(value(&[1.0, 0.0], &[1.0, 0.0]).to_bits(), 0);
        assert_eq!(value(&[3.0], &[7.0]).to_bits(), 0);
        assert_eq!(value(&[1.0, 1.0], &[1.0, 1.0]), LN_2);
        assert_eq!(value(&[1.0, 0.0], &[1e300, 1e300]), LN_2);
        assert_eq!(value(&[1e-310, 0.0], &[1e-310, 1e-310]), LN_2);
    }

    #[test]
    fn concentrated_on_one_event_it_keeps_its_digits() {
        // CE((1, p), (1, ε)) with p in no proportion to ε, by the terms of (1).
        for k in [20, 50, 100, 300, 1000, 1060] {
            let e = f64::powi(0.5, k);
            for p in [0.0, e, f64::powi(0.5, 2 * k), 0.5 * e] {
                let exact = (e.ln_1p() + p * (e.ln_1p() - e.ln())) / (1.0 + p);
                let value = propagate(&[1.0, p], &[1.0, e]).unwrap();
                // The standard library's logarithms and the arithmetic here have errors of their own.
                assert!(
                    (value - exact).abs() <= 4.0 * f64::EPSILON * exact,
                    "2^-{k}, {p:e}: {value:e} {exact:e}"
                );
            }
        }
    }

    #[test]
    fn a_group_of_one_pair_has_none() {
        for (p, q) in [(3.0, 4.0), (3.0, 0.1), (1e-3, 39.0), (7.0, 7.0), (1e300, 1e-300)] {
            assert_eq!(group_of::<CrossEntropy>(&[p], &[q]), 0.0, "{p} {q}");
        }
    }

    #[test]
    fn it_is_entropy_and_divergence() {
        let mut next = uniform(5);
        for width in [1, 2, 7, 10, 64, 100, 200, 1000] {
            let [p, q] =
                [(); 2].map(|()| (0..5000).map(|_| next() * (-9.0 * next()).exp()).collect::<Vec<_>>());
            let [h, d, both] =
                ["entropy", "kl_div", "cross_entropy"].map(|name| rows_of(name, &p, &q, width));
            for ((h, d), both) in h.iter().zip(&d).zip(both) {
                assert!((h + d - both).abs() <= 8.0 * f64::EPSILON * both, "{width}: {h} + {d} = {both}");
            }
        }
    }

    /// The relative error before the result is rounded; see [`LEAST_SINGLE`].
    const SINGLE: f64 = 1e-7;

    fn assert_single(p: &[f32], q: &[f32], width: usize) {
        let widened = |x: &[f32]| x.iter().copied().map(f64::from).collect::<Vec<_>>();
        let of = |single: &[f32], double: &[f32]| (widened(single), widened(double));
        let (p_double, q_double) = of(p, q);
        let (single, double) = (values(p, q, width), values(&p_double, &q_double, width));
        for (value, exact) in single.into_iter().zip(double) {
            let same = value == exact || (value.is_nan() && exact.is_nan());
            assert!(same || (value - exact).abs() <= SINGLE * exact, "{width}: {value:e}, not {exact:e}");
        }
    }

    fn values<T: ByFloat>(p: &[T], q: &[T], width: usize) -> Vec<f64> {
        rows_of("cross_entropy", p, q, width)
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
                let spread =
                    |_| (scale * 100.0 * next() * (-20.0 * next()).exp() - 1e-5 * scale).max(0.0) as f32;
                let spread: Vec<f32> = (0..10_000).map(spread).collect();
                assert_single(&spread, &q, width);
                assert_single(&q, &spread, width);
            }
        }
    }
}
