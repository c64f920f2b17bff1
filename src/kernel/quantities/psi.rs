//! Population stability index, which is Jeffreys' divergence (H. Jeffreys, *An Invariant Form for the Prior Probability in Estimation
//! Problems*, 1946; as J in Kullback & Leibler 1951), in nats, of weights p and q that need not sum to one:
//!
//! ```text
//! a = p/P,  b = q/Q,        PSI = D(a‖b) + D(b‖a) = Σ (b − a) ln(b/a)                                         (1)
//! ```
//!
//! All terms of (1) are ≥ 0. It is infinite where one of p and q is 0 and the other is not.
//!
//! **Rows** are read twice, for the totals and for the terms of (1). Where a and b are near each other, with s = (b − a)/(b + a),
//! ln(b/a) = 2·artanh s keeps its digits. The totals are rounded, so that the terms add up to PSI + δ² rather than PSI, with
//! δ = Σ (b − a) ≈ 1e-16; δ is summed as well, and δ² taken off.
//!
//! **Columns, groups and windows** are sums that the data frame takes, the terms of both divergences without their totals:
//!
//! ```text
//! PSI = Σ p ln(p/q) / P + Σ q ln(q/p) / Q                                                                    (2)
//! ```
//!
//! which cancels where p is near q: its error is absolute, as that of a divergence.

use std::f64::consts::LN_2;

use super::kl_div::{self, Exact, KlDiv, exact_of_sums, kept_excess};
use crate::kernel::blocks::{FastPath, Layout, Stored};
use crate::kernel::mass::{LN_SCALE, not_below_zero, summed};
use crate::kernel::math::{artanh_remainder, ln_quotient, normal_parts};
use crate::kernel::quantity::{
    GroupSums, Mergeable, Part, Quantity, Summed, Sums, sum_of_row, value, within,
};
use crate::kernel::rules::{Answers, Role, Side};
use crate::kernel::scales::mass_of_sum;
use crate::kernel::shares::{self, OfShares};
use crate::kernel::simd::{Arithmetic, Base};
use crate::kernel::weights::{Mask, Weight, Weights};

/// Population stability index.
pub struct Psi;

impl Quantity for Psi {
    const NAME: &'static str = "psi";
    const PAIR: bool = true;
    // As the two divergences that are in it. That p = 0 < q is infinite, too, is in the formula.
    const ANSWERS: Answers = Answers { negative: f64::INFINITY, q_zero: Some(f64::INFINITY) };
    const EIGHT_IN_SINGLE: bool = true;

    #[inline(always)]
    fn of_blocks<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> FastPath {
        shares::of_blocks::<Psi, A, L>(p, q)
    }

    #[inline(always)]
    fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64 {
        let one_sided = |at: usize| {
            let [p, q] = [p, q].map(|x| x.get(at) > Some(0.0));
            p != q
        };
        if (0..p.len()).any(|at| (p, q).keeps(at) && one_sided(at)) {
            return f64::INFINITY;
        }
        shares::carefully::<Psi, A, T>(p, q)
    }
}

impl Summed for Psi {
    type Sums = Psi;
}

/// The sums of equation (2). Where p = 0 < q the term of q is infinite, and as a sum of its halves NaN.
impl Sums for Psi {
    const PARTS: &'static [Part] = &[
        Part::MASS_P,
        Part::MASS_Q,
        Part { lead: "term_q", rest: "term_q_rest", role: Role::Other, side: Some(Side::Q) },
        Part::TERM,
    ];
    type Numbers = [f64; 4];

    #[inline(always)]
    fn parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> [f64; 4] {
        let (p, q) = summed(p, q);
        let ln = ln_quotient::<A>(p, q) * (1.0 / LN_SCALE);
        let ln = if (p > 0.0) & (q > 0.0) { ln } else { 0.0 };
        let one_sided = (p == 0.0) & (q > 0.0);
        let (p, q) = (p * scale, q * scale);
        [p, q, if one_sided { f64::INFINITY } else { q * -ln }, p * ln]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(sums: GroupSums<[f64; 4]>) -> f64 {
        let ([p, _, _, term_p], [_, q, term_q, _]) = (sums.by_p, sums.by_q);
        let value = not_below_zero((term_p / p + term_q / q) * LN_SCALE);
        if term_q.is_finite() { value } else { f64::INFINITY }
    }
}

/// Sums that keep the digits of nearly equal distributions: those of both divergences.
pub struct BothExact;

impl Sums for BothExact {
    const PARTS: &'static [Part] = &[
        Part::MASS_P,
        Part::MASS_Q,
        Part::NEAR,
        Part::FAR,
        Part { lead: "exact_term_q", rest: "exact_term_q_rest", role: Role::Other, side: Some(Side::Q) },
        Part { lead: "exact_term", rest: "exact_term_rest", role: Role::Term, side: Some(Side::P) },
    ];
    type Numbers = [f64; 6];

    #[inline(always)]
    fn parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> [f64; 6] {
        let [mass_p, mass_q, near, far, term] = Exact::parts::<A>(p, q, scale);
        let [.., term_q] = Exact::parts::<A>(q, p, scale);
        let (p, q) = summed(p, q);
        let one_sided = (p == 0.0) & (q > 0.0);
        [mass_p, mass_q, near, far, if one_sided { f64::INFINITY } else { term_q }, term]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(sums: GroupSums<[f64; 6]>) -> f64 {
        let [there, back] = divergences::<A>(sums);
        let term_q = sums.by_q[4];
        if term_q.is_finite() { there + back } else { f64::INFINITY }
    }
}

/// D(p‖q) and D(q‖p) from the sums of [`BothExact`].
#[inline(always)]
fn divergences<A: Arithmetic>(sums: GroupSums<[f64; 6]>) -> [f64; 2] {
    let ([p, _, near, far, _, term], ln_scales) = (sums.by_p, sums.ln_scales());
    let [_, q, near_by_q, far_by_q, term_q, _] = sums.by_q;
    [
        exact_of_sums::<A>([p, q, near, far, term], ln_scales),
        exact_of_sums::<A>([q, p, -near_by_q, -far_by_q, term_q], -ln_scales),
    ]
}

/// States keep D(p‖q) beside the index: the rest of it is D(q‖p), and each of the two merges by its own chain rule, the one with
/// the weights of p, the other with those of q.
impl Mergeable for Psi {
    const KEPT: &'static [&'static str] = &["mass_p", "mass_q", "excess", "kl_div_pq"];
    type Kept = [f64; 4];
    type StateSums = BothExact;

    fn kept(sums: GroupSums<[f64; 6]>) -> [f64; 4] {
        let ([p, _, near, far, ..], [_, q, ..], of) = (sums.by_p, sums.by_q, sums.exponents);
        let excess = kept_excess(p, q, near, far, of);
        [mass_of_sum(p, of[0]), mass_of_sum(q, of[1]), excess, or_zero(divergences::<Base>(sums)[0])]
    }

    fn kept_of(p: f64, q: f64) -> [f64; 4] {
        let [p, q, excess] = KlDiv::kept_of(p, q);
        [p, q, excess, 0.0]
    }

    fn kept_of_row<T: Weight>(p: Weights<T>, q: Weights<T>) -> [f64; 4] {
        let [mass_p, mass_q, excess, _] = sum_of_row::<Psi, T>(p, q);
        let there = (0..p.len()).filter(|at| (p, q).keeps(*at));
        let pairs = there.map(|at| (p.get(at).unwrap_or_default(), q.get(at).unwrap_or_default()));
        let (p, q): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let pairs = || p.iter().zip(&q);
        let in_order = pairs().all(|(p, q)| (0.0..=f64::MAX).contains(p) && (0.0..=f64::MAX).contains(q));
        let divided = pairs().all(|(p, q)| (*p == 0.0) | (*q > 0.0)) && p.iter().any(|p| *p > 0.0);
        // Where another rule than 9 applies nobody asks for it.
        let divergence = if in_order && divided { value::<KlDiv>(&p, &q) } else { 0.0 };
        [mass_p, mass_q, excess, divergence]
    }

    fn between(parts: &[&[f64]; 4], totals: [f64; 4]) -> f64 {
        let [there, back] = between(parts, totals);
        there + back
    }

    fn merge(parts: &[&[f64]; 4], values: &[f64], totals: &mut [f64; 4]) -> f64 {
        let [p, q, _, there] = *parts;
        let [between_there, between_back] = between(parts, *totals);
        totals[3] = within(there, p, totals[0]) + between_there;
        // A part of which p has nothing has no value of its own.
        if between_back == f64::INFINITY {
            return between_back;
        }
        let back: Vec<f64> = values.iter().zip(there).map(|(both, there)| both - there).collect();
        within(there, p, totals[0]) + within(&back, q, totals[1]) + (between_there + between_back)
    }
}

/// Divergences of the distributions over parts, there and back; the latter is infinite where p has nothing of a part and q has some.
fn between([p, q, excess, _]: &[&[f64]; 4], [p_total, q_total, total_excess, _]: [f64; 4]) -> [f64; 2] {
    let there = kl_div::between([p, q, excess], [p_total, q_total, total_excess]);
    if p.iter().zip(*q).any(|(p, q)| (*p == 0.0) & (*q > 0.0)) {
        return [there, f64::INFINITY];
    }
    let excess_back: Vec<f64> = excess.iter().map(|excess| -excess).collect();
    [there, kl_div::between([q, p, &excess_back], [q_total, p_total, -total_excess])]
}

/// A divergence that there is, or 0 where another rule than 9 applies and nobody asks for it.
fn or_zero(divergence: f64) -> f64 {
    if divergence.is_finite() { divergence } else { 0.0 }
}

/// Equation (1).
impl OfShares for Psi {
    #[inline(always)]
    fn term<A: Arithmetic>(a: f64, b: f64, difference: f64) -> f64 {
        let near = kl_div::is_near(a, b, difference);
        let ((m, e), (n, g)) = (normal_parts(a), normal_parts(b));
        let above = if near { difference } else { n - m };
        let below = if near { a + b } else { n + m };
        let s = above / below;
        let artanh = s * (2.0 + artanh_remainder::<A>(s));
        difference * if near { artanh } else { A::mul_add(g - e, LN_2, artanh) }
    }

    #[inline(always)]
    fn extreme_term<A: Arithmetic>(_: f64, _: f64, difference: f64, ln: f64) -> f64 {
        difference * ln
    }

    #[inline(always)]
    fn least(a: f64, b: f64, weights: f64) -> f64 {
        // A 0 on one side alone is for the careful way to find.
        let least = if a < b { a } else { b };
        if weights > 0.0 { least } else { 1.0 }
    }

    #[inline(always)]
    fn finished(terms: f64, excess: f64) -> f64 {
        // See the head of this file.
        not_below_zero(terms - excess * excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::options::NanPolicy;
    use crate::kernel::rows;
    use crate::kernel::tests::{group_of, uniform};

    fn psi(p: &[f64], q: &[f64]) -> f64 {
        let (p, q) = (Weights::new(p, None), Weights::new(q, None));
        rows::value::<Psi, _>(p, Some(q), NanPolicy::Propagate).unwrap().unwrap()
    }

    #[test]
    fn known_values() {
        // ½ ln 3 twice, by hand.
        assert!((psi(&[1.0, 3.0], &[3.0, 1.0]) - 3f64.ln()).abs() <= 3e-16);
        assert_eq!(psi(&[0.1, 0.2, 0.0, 0.7], &[0.1, 0.2, 0.0, 0.7]), 0.0);
        for (p, q) in [([1.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [0.0, 1.0]), ([1.0, 0.0], [0.0, 1.0])] {
            assert_eq!(psi(&p, &q), f64::INFINITY);
        }
        // A product that is too small is no zero.
        assert_eq!(psi(&[5e-324, 0.5], &[0.0, 0.5]), f64::INFINITY);
        assert_eq!(psi(&[0.0, 0.1], &[1e-323, 0.1]), f64::INFINITY);
        assert!(psi(&[0.0, 0.0], &[1.0, 0.0]).is_nan() && psi(&[1.0, 1.0], &[0.0, 0.0]).is_nan());
        assert_eq!(psi(&[2.0, -1.0], &[1.0, 1.0]), f64::INFINITY);
    }

    #[test]
    fn it_is_both_divergences_whichever_comes_first() {
        let mut next = uniform(9);
        for len in [2, 3, 9, 64, 65, 300] {
            for power in 1..9 {
                let [p, q] = [(); 2].map(|()| (0..len).map(|_| next().powi(power)).collect::<Vec<f64>>());
                let there = psi(&p, &q);
                assert_eq!(there, psi(&q, &p));
                let [of_p, of_q] = [&p, &q].map(|x| Weights::new(x, None));
                let d = |p, q| rows::value::<KlDiv, f64>(p, Some(q), NanPolicy::Propagate).unwrap().unwrap();
                let both = d(of_p, of_q) + d(of_q, of_p);
                assert!((there - both).abs() <= 4e-15 * both, "{there} {both}");
                let multiple: Vec<f64> = p.iter().map(|p| p * 3.0).collect();
                assert!(psi(&p, &multiple) < 1e-30);
            }
        }
    }

    #[test]
    fn sums_of_groups_are_symmetric_and_tell_zeros_on_either_side() {
        let group = |pairs: &[(f64, f64)]| {
            let (p, q): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            [group_of::<Psi>(&p, &q), group_of::<Psi>(&q, &p), psi(&p, &q)]
        };
        let [there, back, row] = group(&[(0.1, 0.3), (2.0, 1.0), (0.0, 0.0), (5e-324, 1.0)]);
        assert_eq!(there, back);
        assert!((there - row).abs() <= 1e-14 * (1.0 + row), "{there} {row}");
        assert_eq!(group(&[(0.0, 1.0), (1.0, 1.0)])[0], f64::INFINITY);
        assert_eq!(group(&[(0.7, 0.7), (0.1, 0.1)])[0], 0.0);
    }

    #[test]
    fn the_ends_of_the_range() {
        let plain = psi(&[1.0, 3.0], &[2.0, 1.0]);
        for scale in [1e-305, 1e-200, 1e200, 1e307] {
            let got = psi(&[scale, 3.0 * scale], &[2.0, 1.0]);
            assert!((got - plain).abs() <= 2e-15, "{scale}: {got} {plain}");
        }
        let got = psi(&[1.0, 5e-324], &[1.0, 1.0]);
        let exact = 0.5 * 2f64.ln() + 0.5 * (0.5f64.ln() - 5e-324f64.ln());
        assert!((got / exact - 1.0).abs() <= 2e-15, "{got} {exact}");
        let got = psi(&[1.0, 1e-300], &[1.0, 2e-300]);
        assert!((got / (1e-300 * LN_2) - 1.0).abs() < 1e-12, "{got}");
    }
}
