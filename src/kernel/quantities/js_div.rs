//! Jensen–Shannon divergence (J. Lin, *Divergence Measures Based on the Shannon Entropy*, 1991), in nats, of weights p and q that
//! need not sum to one:
//!
//! ```text
//! a = p/ΣP,  b = q/ΣQ,  m = (a + b)/2,        JS = ½ Σ a ln(a/m) + ½ Σ b ln(b/m)                              (1)
//! ```
//!
//! It is symmetric, at most ln 2, and needs no rule for zeros on one side. The terms of (1) have both signs and cancel where p is
//! near q. Put together for each element they don't (F. Topsøe, *Some Inequalities for Information Divergence and Related
//! Measures of Discrimination*, 2000), with s = (b − a)/(b + a):
//!
//! ```text
//! JS = Σ m·g(s),        g(s) = ½(1 + s) ln(1 + s) + ½(1 − s) ln(1 − s) = Σ s²ᵏ/(2k(2k − 1)) ≥ 0               (2)
//! ```
//!
//! The totals are rounded, so that the terms add up to JS + δ²/8 rather than JS, with δ = Σ (b − a) ≈ 1e-16; δ is summed as well, and
//! δ²/8 taken off.
//!
//! **Rows** are read twice, for the totals and for the terms. With h and l the larger and the smaller of a and b, and u = |s|,
//!
//! * up to u = ½, where h = 3l, a term is m·u²·G(u²);
//! * beyond, it is ½h·φ(r) − ½l·ln(h/l) with r = l/h and φ(r) = (1 + r) ln(2/(1 + r)). The difference is at least 0.32 of the
//!   first part.
//!
//! G and φ are polynomials with as many coefficients, so that each lane of a block chooses its own.
//!
//! **Columns, groups and windows** have no sums that make up (2), since m needs both totals first: they are gathered into rows.

use std::f64::consts::LN_2;

use crate::kernel::blocks::{FastPath, Layout, Stored};
use crate::kernel::math::ln_away_from_one;
use crate::kernel::quantity::Quantity;
use crate::kernel::rules::Answers;
use crate::kernel::shares::{self, OfShares};
use crate::kernel::simd::Arithmetic;
use crate::kernel::weights::{Weight, Weights};

/// Jensen–Shannon divergence, not its root.
pub struct JsDiv;

impl Quantity for JsDiv {
    const NAME: &'static str = "js_div";
    const PAIR: bool = true;
    // As in `scipy.spatial.distance.jensenshannon`.
    const ANSWERS: Answers = Answers { negative: f64::INFINITY, q_zero: None };
    const EIGHT_IN_SINGLE: bool = true;

    #[inline(always)]
    fn of_blocks<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> FastPath {
        shares::of_blocks::<JsDiv, A, L>(p, q)
    }

    #[inline(always)]
    fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64 {
        shares::carefully::<JsDiv, A, T>(p, q)
    }
}

const TERMS: usize = 13;

/// G(z) = g(√z)/z for z up to ¼: the polynomial with the least maximum of the relative error (Remez), which is 6.2e-18.
const G: [f64; TERMS] = [
    0.5,
    0.083_333_333_333_329_21,
    0.033_333_333_334_242_95,
    0.017_857_142_778_434_906,
    0.011_111_114_642_325_006,
    0.007_575_663_568_815_546,
    0.005_496_105_182_855_299,
    0.004_148_535_414_543_740_6,
    0.003_407_379_485_693_633,
    0.001_905_998_629_231_382_4,
    0.004_653_278_781_818_857,
    -0.003_437_679_892_742_789_8,
    0.007_229_752_976_833_442,
];

/// φ(r) for r up to ⅓: the polynomial with the least maximum of the error, which is 2e-17.
const PHI: [f64; TERMS] = [
    LN_2,
    -0.306_852_819_440_075_4,
    -0.499_999_999_996_446_1,
    0.166_666_666_426_954_8,
    -0.083_333_324_915_296_17,
    0.049_999_823_488_662_956,
    -0.033_330_945_584_637_86,
    0.023_787_710_273_002_707,
    -0.017_719_042_895_826_077,
    0.013_276_110_944_127_076,
    -0.009_206_139_600_604_747,
    0.004_979_756_897_535_248,
    -0.001_469_951_301_692_448,
];

/// The polynomial with these coefficients. Two interleaved Horner chains have half the latency of one.
#[inline(always)]
fn polynomial<A: Arithmetic>(x: f64, c: impl Fn(usize) -> f64) -> f64 {
    let w = x * x;
    let (mut even, mut odd) = (c(TERMS - 1), c(TERMS - 2));
    let mut k = TERMS - 2;
    while k >= 2 {
        even = A::mul_add(even, w, c(k - 1));
        odd = A::mul_add(odd, w, c(k - 2));
        k -= 2;
    }
    A::mul_add(odd, x, A::mul_add(even, w, c(0)))
}

/// Added to what may be 0 and is divided by; it changes nothing else.
const NOT_ZERO: f64 = 1e-300;

/// Twice equation (2).
impl OfShares for JsDiv {
    #[inline(always)]
    fn term<A: Arithmetic>(a: f64, b: f64, difference: f64) -> f64 {
        term::<A>(a, b, difference)
    }

    #[inline(always)]
    fn extreme_term<A: Arithmetic>(a: f64, b: f64, _: f64, ln: f64) -> f64 {
        // The larger share's part is next to that beside a 0.
        A::mul_add(a + b, LN_2, -(a.min(b) * ln.abs()))
    }

    #[inline(always)]
    fn least(a: f64, b: f64, _: f64) -> f64 {
        // A 0 on one side needs no care, as long as the other is a normal number.
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        let least = if low > 0.0 { low } else { high };
        if least > 0.0 { least } else { 1.0 }
    }

    #[inline(always)]
    fn finished(terms: f64, excess: f64) -> f64 {
        // See the head of this file.
        (0.5 * terms - 0.125 * excess * excess).clamp(0.0, LN_2)
    }
}

#[inline(always)]
fn term<A: Arithmetic>(a: f64, b: f64, difference: f64) -> f64 {
    let high = if a > b { a } else { b };
    let low = if a > b { b } else { a };
    let near = high <= 3.0 * low;
    let sum = a + b;
    // u of the head of this file, or r.
    let x = if near { difference.abs() } else { low } / (if near { sum } else { high } + NOT_ZERO);
    let square = x * x;
    let value = polynomial::<A>(if near { square } else { x }, |k| if near { G[k] } else { PHI[k] });
    let weight = if near { sum * square } else { high };
    let taken_off = if near { 0.0 } else { low } * ln_away_from_one::<A>(x);
    A::mul_add(weight, value, taken_off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::options::NanPolicy;
    use crate::kernel::rows;
    use crate::kernel::simd::Fused;
    use crate::kernel::tests::{rows_of, uniform};

    fn js_div(p: &[f64], q: &[f64]) -> f64 {
        let (p, q) = (Weights::new(p, None), Weights::new(q, None));
        rows::value::<JsDiv, _>(p, Some(q), NanPolicy::Propagate).unwrap().unwrap()
    }

    #[test]
    fn polynomials_are_what_they_say() {
        for i in 1..=1000 {
            let u = 0.5 * f64::from(i) / 1000.0;
            let exact = 0.5 * ((1.0 + u) * u.ln_1p() + (1.0 - u) * (-u).ln_1p());
            let got = u * u * polynomial::<Fused>(u * u, |k| G[k]);
            // The exact one cancels.
            assert!((got - exact).abs() <= 2e-16 * u, "{u}: {got} {exact}");
            let r = f64::from(i) / 3000.0;
            let exact = (1.0 + r) * (LN_2 - r.ln_1p());
            let got = polynomial::<Fused>(r, |k| PHI[k]);
            assert!((got - exact).abs() <= 3e-16, "{r}: {got} {exact}");
        }
        // The series of equation (2).
        for k in 1..4 {
            let exact = 1.0 / f64::from(2 * k * (2 * k - 1));
            assert!((G[k as usize - 1] - exact).abs() < 1e-11);
        }
        assert_eq!(polynomial::<Fused>(0.0, |k| PHI[k]), LN_2);
    }

    #[test]
    fn terms_are_right_on_both_sides_of_where_the_ways_part() {
        for i in 0..=1000 {
            let (a, b) = (1.0, f64::from(i) / 1000.0);
            let part = |x: f64| if x > 0.0 { x * (2.0 * x / (a + b)).ln() } else { 0.0 };
            let (got, exact) = (term::<Fused>(a, b, b - a), part(a) + part(b));
            // A few roundings of logarithms up to ln 2 and of their sum, which are the exact one's.
            assert!((got - exact).abs() <= 4e-16, "{b}: {got} {exact}");
            assert_eq!(got, term::<Fused>(b, a, a - b));
        }
    }

    #[test]
    fn known_values() {
        assert_eq!(js_div(&[1.0, 0.0], &[0.0, 5.0]), LN_2);
        assert_eq!(js_div(&[0.1, 0.2, 0.7], &[0.1, 0.2, 0.7]), 0.0);
        // ½ ln(4/3) + ½ (½ ln(2/3) + ½ ln 2) by hand.
        let half = 0.5 * (4f64 / 3.0).ln() + 0.25 * (2f64 / 3.0).ln() + 0.25 * 2f64.ln();
        assert!((js_div(&[1.0, 0.0], &[0.5, 0.5]) - half).abs() <= 2e-16);
        assert!(js_div(&[0.0, 0.0], &[1.0, 1.0]).is_nan() && js_div(&[1.0], &[0.0]).is_nan());
        assert_eq!(js_div(&[1.0, -1.0], &[1.0, 1.0]), f64::INFINITY);
    }

    #[test]
    fn exchanged_inputs_give_the_same_bits_and_nothing_leaves_the_range() {
        let mut next = uniform(5);
        for len in [1, 2, 3, 8, 9, 64, 65, 300] {
            for round in 0..60 {
                let power = 1 + round % 9;
                let p: Vec<f64> = (0..len).map(|_| next().powi(power) * f64::from(next() > 0.2)).collect();
                let near = |p: &f64| p * (1.0 + 1e-9 * next());
                let mut q: Vec<f64> = if round % 3 == 0 { p.iter().map(near).collect() } else { p.clone() };
                if round % 3 == 1 {
                    q.reverse();
                }
                let (there, back) = (js_div(&p, &q), js_div(&q, &p));
                if there.is_nan() {
                    assert!(p.iter().sum::<f64>() == 0.0);
                    continue;
                }
                assert_eq!(there, back, "{p:?} {q:?}");
                assert!((0.0..=LN_2).contains(&there));
                let in_eights = |p: &[f64], q: &[f64]| rows_of("js_div", &p.repeat(8), &q.repeat(8), len)[3];
                assert_eq!(in_eights(&p, &q), in_eights(&q, &p));
                if round % 3 == 2 {
                    assert_eq!(there, 0.0);
                    let multiple: Vec<f64> = q.iter().map(|q| q * 3.0).collect();
                    assert!(js_div(&p, &multiple) < 1e-30);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        let plain = js_div(&[1.0, 3.0], &[2.0, 1.0]);
        for scale in [1e-320, 1e-305, 1e-200, 1e200, 1e307] {
            let got = js_div(&[scale, 3.0 * scale], &[2.0, 1.0]);
            assert!(
                (got - plain).abs() <= if scale < 1e-310 { 1e-4 } else { 1e-15 },
                "{scale}: {got} {plain}"
            );
            assert_eq!(got, js_div(&[2.0, 1.0], &[scale, 3.0 * scale]));
        }
        // A subnormal is as nothing beside 1.
        for tail in [5e-324, 1e-310, 1e-290] {
            assert_eq!(js_div(&[0.0, 1.0], &[1.0, tail]), LN_2, "{tail}");
            let tiny = js_div(&[1.0, tail], &[1.0, 0.0]);
            assert!((0.0..=tail).contains(&tiny), "{tail}: {tiny}");
        }
        let got = js_div(&[1.0, 1e-300], &[1.0, 2e-300]);
        // m g(1/3) times 1e-300.
        let exact = 1.5e-300 * 0.5 * ((4f64 / 3.0) * (4f64 / 3.0).ln() + (2f64 / 3.0) * (2f64 / 3.0).ln());
        assert!((got / exact - 1.0).abs() < 1e-12, "{got} {exact}");
    }
}
