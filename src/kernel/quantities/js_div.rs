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
//! **Rows** are read twice, for the totals and for the terms. With h and l the larger and the smaller of a and b, u = |s| and
//! x = 2u/(2 + u), twice a term is
//!
//! ```text
//! (h + l) ln(1 + u) − l ln(h/l),      ln(1 + u) = 2·artanh(x/2) = x + x³H(x²),      ln(h/l) = 2·artanh u = 2u + uR(u²)        (3)
//! ```
//!
//! with R from [`math`](crate::kernel::math). Here the first parts of the logarithms cancel: (h + l)x − 2lu = xhu. So
//!
//! * up to about h = 3l, where u = ½, it is x·(hu + (h + l)x²H(x²)) − l·uR(u²), the first part of which is the larger by far;
//! * beyond, it is (3), with ln(h/l) = k ln 2 + 2s + sR(s²) for s = (h − 2ᵏl)/(h + 2ᵏl). The difference is at least 0.28 of the
//!   first part.
//!
//! k is an even number, and s between −⅕ and ½. Where it is 0, s is u: both ways have the same divisions and polynomials.
//!
//! **Columns, groups and windows** have no sums that make up (2), since m needs both totals first: they are gathered into rows.

use std::f64::consts::LN_2;

use crate::kernel::blocks::{FastPath, Layout, Stored};
use crate::kernel::math::polynomial;
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

/// R(z)/z for z up to ¼: the polynomial with the least maximum of its part in the relative error of a term (Remez), which is 3.2e-17.
const R: [f64; 13] = [
    0.666_666_666_666_668_5,
    0.399_999_999_999_068,
    0.285_714_285_852_835_54,
    0.222_222_212_735_861_68,
    0.181_818_544_672_208_26,
    0.153_837_563_829_692_05,
    0.133_466_805_739_879_18,
    0.116_240_993_083_570_96,
    0.115_435_492_092_792_3,
    0.044_992_806_827_712_72,
    0.251_407_869_528_458_7,
    -0.251_620_755_835_372_6,
    0.415_842_032_351_778_8,
];

/// H(y) for y up to 4/9, in the same way; the error is 4e-18. The last coefficient is raised by 2e-13, and a term with l = 0 by 6e-17 of
/// itself, so that p and q without a common element give ln 2 and not less.
const H: [f64; 10] = [
    0.083_333_333_333_333_26,
    0.012_500_000_000_012_49,
    0.002_232_142_856_492_363_5,
    0.000_434_027_793_049_496_05,
    0.000_088_778_214_522_519_32,
    0.000_018_781_521_597_225_666,
    0.000_004_062_095_796_993_264,
    0.000_000_917_770_541_172_540_1,
    0.000_000_165_446_965_168_364_54,
    0.000_000_078_211_687_873_002_9,
];

/// Added to the larger share, which may be 0 and is divided by; it changes no other.
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
        // The smaller share needs no care: where it has lost digits, it is nothing beside the larger. Less 1, the bits of 0 are a
        // NaN, which no comparison finds, and those of another number hardly change.
        let high = if a > b { a } else { b };
        f64::from_bits(high.to_bits().wrapping_sub(1))
    }

    #[inline(always)]
    fn finished(terms: f64, excess: f64) -> f64 {
        // See the head of this file.
        (0.5 * terms - 0.125 * excess * excess).clamp(0.0, LN_2)
    }
}

/// Half of the distance of a number and its double, in their bits.
const HALF_OCTAVE: u64 = 1 << 51;
/// The bits of an exponent but the last.
const EVEN_EXPONENT: u64 = 0x7fe0_0000_0000_0000;

/// Twice a term; see the head of this file.
#[inline(always)]
fn term<A: Arithmetic>(a: f64, b: f64, difference: f64) -> f64 {
    let high = (if a > b { a } else { b }) + NOT_ZERO;
    // A −0 may make a NaN, which the rules settle.
    let low = if a > b { b } else { a };
    let difference = difference.abs();
    // k, in the place of an exponent. The bits of numbers go nearly with their logarithms (Mitchell 1962).
    let k = high.to_bits().wrapping_sub(low.to_bits()).wrapping_add(HALF_OCTAVE) & EVEN_EXPONENT;
    let lifted = f64::from_bits(low.to_bits().wrapping_add(k));
    let far = k != 0;
    let sum = high + low;
    let s = (if far { high - lifted } else { difference }) / (high + lifted);
    let x = difference / A::mul_add(0.5, difference, sum);
    let (z, y) = (s * s, x * x);
    let ln = A::mul_add((k >> 52) as f64, LN_2, if far { 2.0 * s } else { 0.0 });
    let of_low = low * A::mul_add(s * z, polynomial::<A, _>(z, &R), ln);
    let of_sum = A::mul_add(sum * y, polynomial::<A, _>(y, &H), if far { sum } else { high * s });
    A::mul_add(x, of_sum, -of_low)
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
            let s = 0.5 * f64::from(i) / 1000.0;
            let exact = s.ln_1p() - (-s).ln_1p();
            let got = 2.0 * s + s * s * s * polynomial::<Fused, _>(s * s, &R);
            assert!((got - exact).abs() <= 3e-16, "{s}: {got} {exact}");
            let x = f64::from(i) / 1500.0;
            let exact = (0.5 * x).ln_1p() - (-0.5 * x).ln_1p();
            let got = x + x * x * x * polynomial::<Fused, _>(x * x, &H);
            assert!((got - exact).abs() <= 3e-16, "{x}: {got} {exact}");
        }
        // The series of the inverse hyperbolic tangent.
        for k in 0..3 {
            let exact = 2.0 / f64::from(2 * k + 3);
            assert!((R[k as usize] / exact - 1.0).abs() < 1e-9);
            assert!((H[k as usize] / exact * f64::powi(2.0, 2 * k + 3) - 1.0).abs() < 1e-9);
        }
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
