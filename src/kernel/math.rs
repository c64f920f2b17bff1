//! The one logarithm of the crate, and ξ(d) = d − ln(1 + d), which KL divergence is made of.
//!
//! Both rest on the series of the inverse hyperbolic tangent (Abramowitz & Stegun, 4.1.27): with s = f / (2 + f),
//!
//! ```text
//! ln(1 + f) = 2·artanh(s) = 2s + s·R(s²),      R(z) = 2z/3 + 2z²/5 + 2z³/7 + …
//! ```
//!
//! and, since f − 2s = f·s, without any cancellation for small f,
//!
//! ```text
//! ln(1 + f) = f − (f²/2 − s·(f²/2 + R)),       ξ(f) = s·(f − R)
//! ```
//!
//! The functions are branch-free, so that the compiler turns loops over them into vector code, and they avoid fused
//! multiply-add, so that every instruction set gives the same bits.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// ln 2 in two parts: the first has 42 bits, so that its product with any exponent of a double is exact.
const LN_2_HI: f64 = f64::from_bits(0x3fe6_2e42_fefa_3800);
const LN_2_LO: f64 = 5.497_923_018_708_371e-14;

/// The bits of √½: significands are taken from [√½, √2), which keeps |f| and thereby the series small.
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const SIGNIFICAND: u64 = 0x000f_ffff_ffff_ffff;

/// Adding an integer below 2^52 to the bits of 2^52 gives that integer as a double: a conversion without a convert
/// instruction, which AVX2 lacks for 64-bit integers.
const TWO_52: f64 = 4_503_599_627_370_496.0;
const EXPONENT_BIAS: f64 = 1023.0;

/// Subnormals are multiplied by 2^54 before their exponent is read.
const TWO_54: f64 = 18_014_398_509_481_984.0;

/// R(z) = Σ 2zᵏ/(2k + 1), k ≥ 1. The first term left out is 2z¹¹/23: below 1.3e-18 for the logarithm, where z ≤ 0.0295,
/// and below 3.7e-17 for [`xi`], where z ≤ 0.04; it counts beside 1 and beside (f − R)/f ≥ 0.9.
#[inline(always)]
fn artanh_tail(z: f64) -> f64 {
    const C: [f64; 10] = [
        2.0 / 3.0,
        2.0 / 5.0,
        2.0 / 7.0,
        2.0 / 9.0,
        2.0 / 11.0,
        2.0 / 13.0,
        2.0 / 15.0,
        2.0 / 17.0,
        2.0 / 19.0,
        2.0 / 21.0,
    ];
    // Two interleaved Horner chains: half the latency of one, which counts in rows of a few elements.
    let w = z * z;
    let odd = C[0] + w * (C[2] + w * (C[4] + w * (C[6] + w * C[8])));
    let even = C[1] + w * (C[3] + w * (C[5] + w * (C[7] + w * C[9])));
    z * (odd + z * even)
}

/// ln x for positive finite x, subnormals included, within one unit in the last place.
///
/// At x = 0 it is some finite number, so that `x * ln(x)` is the 0·ln 0 = 0 of information theory without a branch.
/// For negative, infinite and NaN arguments the result means nothing.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let (m, e) = parts(x, SQRT_HALF);
    let f = m - 1.0;
    ln_of_parts(f, f / (2.0 + f), e)
}

/// ln(x/y) for positive finite x and y, also where the quotient would leave the range of doubles; exactly 0 for x = y.
/// Within two units in the last place: beside 1, x − y is exact (Sterbenz), and no digit is lost to a rounded quotient.
/// What it is elsewhere is as for [`ln`].
#[inline(always)]
pub fn ln_ratio(x: f64, y: f64) -> f64 {
    let ((m, e), (n, g)) = (parts(x, ONE), parts(y, ONE));
    // The quotient of the significands is between ½ and 2; one doubling or halving brings it to [√½, √2).
    let low = m < n * FRAC_1_SQRT_2;
    let high = m > n * SQRT_2;
    let m = if low { 2.0 * m } else { m };
    let m = if high { 0.5 * m } else { m };
    let k = if low { -1.0 } else { 0.0 };
    let k = if high { 1.0 } else { k };
    let difference = m - n;
    ln_of_parts(difference / n, difference / (m + n), e - g + k)
}

/// x as m·2ᵉ, with m from the number with the bits `low` to below twice it.
#[inline(always)]
fn parts(x: f64, low: u64) -> (f64, f64) {
    let subnormal = x < f64::MIN_POSITIVE;
    let bits = if subnormal { x * TWO_54 } else { x }.to_bits();
    let bias = if subnormal { EXPONENT_BIAS + 54.0 } else { EXPONENT_BIAS };
    let shifted = bits.wrapping_add(ONE - low);
    let e = f64::from_bits((shifted >> 52) | TWO_52.to_bits()) - TWO_52 - bias;
    (f64::from_bits((shifted & SIGNIFICAND) + low), e)
}

/// ln((1 + f)·2ᵉ) for 1 + f in [√½, √2) and s = f / (2 + f).
#[inline(always)]
fn ln_of_parts(f: f64, s: f64, e: f64) -> f64 {
    let half = 0.5 * f * f;
    e * LN_2_HI - ((half - (s * (half + artanh_tail(s * s)) + e * LN_2_LO)) - f)
}

/// The range in which [`xi`] holds.
pub const XI_MIN: f64 = -1.0 / 3.0;
/// The range in which [`xi`] holds.
pub const XI_MAX: f64 = 0.5;

/// ξ(d) = d − ln(1 + d) ≥ 0 for d in [`XI_MIN`], [`XI_MAX`], with a relative error of a few units in the last place
/// however small d is: ξ(d) = d²/2 − d³/3 + …
#[inline(always)]
pub fn xi(d: f64) -> f64 {
    let s = d / (2.0 + d);
    s * (d - artanh_tail(s * s))
}

/// a·b − c·d as if rounded once (Kahan; Jeannerod, Louvet & Muller 2013): the error is below 1.5 units in the last
/// place even where the products cancel.
#[inline(always)]
pub fn difference_of_products(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let cd = c * d;
    let rounding = (-c).mul_add(d, cd);
    a.mul_add(b, -cd) + rounding
}

/// 2ᵏ for an exponent within the normal range.
pub const fn power_of_two(k: i32) -> f64 {
    assert!(k > -1023 && k < 1024);
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard library's logarithm is itself within one unit in the last place, hence the two.
    fn assert_close(x: f64) {
        let (ours, theirs) = (ln(x), x.ln());
        let tolerance = 2.0 * f64::EPSILON * theirs.abs();
        assert!((ours - theirs).abs() <= tolerance, "ln({x:e}) = {ours:e}, std says {theirs:e}");
    }

    #[test]
    fn ln_agrees_with_the_standard_library_over_the_whole_range() {
        let mut x = 5e-324;
        while x < f64::MAX / 1.1 {
            assert_close(x);
            x = x * 1.0371 + 5e-324;
        }
        assert_close(f64::MAX);
        assert_close(f64::MIN_POSITIVE);
    }

    #[test]
    fn ln_keeps_its_digits_beside_one() {
        assert_eq!(ln(1.0), 0.0);
        for k in 1..52 {
            let d = f64::powi(0.5, k);
            for x in [1.0 + d, 1.0 - d] {
                let exact = (x - 1.0).ln_1p();
                assert!((ln(x) - exact).abs() <= 2.0 * f64::EPSILON * exact.abs(), "{x}");
            }
        }
    }

    #[test]
    fn ln_ratio_needs_no_quotient_within_range() {
        assert_eq!(ln_ratio(0.3, 0.3), 0.0);
        assert_eq!(ln_ratio(f64::MAX, f64::MAX), 0.0);
        for (x, y) in [(f64::MAX, 5e-324), (1e-310, 1e300), (2.0, 3.0), (1.0 - f64::EPSILON, 1.0)] {
            let exact = if x / y > 0.1 { ((x - y) / y).ln_1p() } else { x.ln() - y.ln() };
            let exact = if (x / y).is_infinite() { x.ln() - y.ln() } else { exact };
            assert!((ln_ratio(x, y) - exact).abs() <= 4.0 * f64::EPSILON * exact.abs(), "{x:e} {y:e}");
            assert!((ln_ratio(y, x) + ln_ratio(x, y)).abs() <= 4.0 * f64::EPSILON * exact.abs());
        }
    }

    #[test]
    fn zero_times_ln_zero_is_zero() {
        assert_eq!(0.0 * ln(0.0), 0.0);
    }

    #[test]
    fn xi_is_exact_in_the_limit_and_joins_its_definition() {
        assert_eq!(xi(0.0), 0.0);
        for k in 30..500 {
            let d = f64::powi(0.5, k);
            // The second term of the series, d³/3, is below one unit of the last place from k = 52 on.
            let series = 0.5 * d * d - d * d * d / 3.0;
            assert!((xi(d) - series).abs() <= 4.0 * f64::EPSILON * series, "{d:e}");
        }
        for d in [XI_MIN, -0.1, 0.1, 0.3, XI_MAX] {
            let direct = d - d.ln_1p();
            // The direct form cancels up to two digits at ±0.1.
            assert!((xi(d) - direct).abs() <= 1e-14 * direct, "{d}");
        }
    }

    #[test]
    fn difference_of_products_survives_cancellation() {
        let (a, b) = (1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
        assert_eq!(difference_of_products(a, b, 1.0, 1.0), -f64::EPSILON * f64::EPSILON);
    }
}
