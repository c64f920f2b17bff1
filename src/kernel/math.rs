//! The one logarithm of the crate, and what else rests on its series.
//!
//! That is the series of the inverse hyperbolic tangent (Abramowitz & Stegun, 4.1.27): with s = f / (2 + f),
//!
//! ```text
//! ln(1 + f) = 2·artanh(s) = 2s + s·R(s²),      R(z) = 2z/3 + 2z²/5 + 2z³/7 + …
//! ```
//!
//! and, since f − 2s = f·s, without any cancellation for small f,
//!
//! ```text
//! ln(1 + f) = f − (f²/2 − s·(f²/2 + R)),       f − ln(1 + f) = s·(f − R)
//! ```
//!
//! The functions are branch-free, so that the compiler turns loops over them into vector code.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2};

use super::simd::Arithmetic;

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

/// R(z)/z for z up to ((√2 − 1)/(√2 + 1))² = 0.0295, which is one significand from [√½, √2): the polynomial with the least
/// maximum of the error in R (Remez), which is 3.6e-18.
const NARROW: [f64; 7] = [
    0.666_666_666_666_673_4,
    0.399_999_999_994_146_76,
    0.285_714_287_423_883_94,
    0.222_221_985_730_961_75,
    0.181_835_643_311_373,
    0.153_140_504_136_571_57,
    0.147_959_511_806_434_16,
];

/// R(z)/z for z up to 1/9, which is a quotient of two such significands; the error is 6.8e-18.
const WIDE: [f64; 10] = [
    0.666_666_666_666_663_1,
    0.400_000_000_001_572_43,
    0.285_714_285_478_536_7,
    0.222_222_239_697_460_44,
    0.181_817_439_243_485_7,
    0.153_865_599_362_566_39,
    0.133_009_734_038_285_28,
    0.121_060_877_520_032_65,
    0.083_400_947_689_402_82,
    0.170_185_880_993_701_52,
];

/// Σ cₖ xᵏ. Two interleaved Horner chains have half the latency of one.
#[inline(always)]
pub fn polynomial<A: Arithmetic, const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let w = x * x;
    let (mut top, mut next) = (c[N - 1], c[N - 2]);
    let mut k = N - 2;
    while k >= 2 {
        top = A::mul_add(top, w, c[k - 1]);
        next = A::mul_add(next, w, c[k - 2]);
        k -= 2;
    }
    if k == 1 {
        // The chain of the top has the even powers and ends with the constant.
        A::mul_add(next, x, A::mul_add(top, w, c[0]))
    } else {
        A::mul_add(top, x, next)
    }
}

/// R(z), from one of the above.
#[inline(always)]
fn artanh_remainder_of<A: Arithmetic, const N: usize>(z: f64, c: &[f64; N]) -> f64 {
    z * polynomial::<A, N>(z, c)
}

/// R(s²) for |s| ≤ ⅓.
#[inline(always)]
pub fn artanh_remainder<A: Arithmetic>(s: f64) -> f64 {
    artanh_remainder_of::<A, _>(s * s, &WIDE)
}

/// ln x for positive finite x, subnormals included, within one unit in the last place.
///
/// At x = 0 it is some finite number, so that `x * ln(x)` is the 0·ln 0 = 0 of information theory without a branch.
/// For negative, infinite and NaN arguments the result means nothing.
#[inline(always)]
pub fn ln<A: Arithmetic>(x: f64) -> f64 {
    let (m, e) = parts(x, SQRT_HALF);
    let f = m - 1.0;
    ln_of_parts::<A>(f, f / (1.0 + m), e)
}

/// ln(x·2ᵏ), also where the product would leave the range of doubles: as [`ln`], but with an error of 1.2e-16 where it is near
/// 0, which takes less work.
#[inline(always)]
pub fn ln_scaled<A: Arithmetic>(x: f64, k: f64) -> f64 {
    let (m, e) = parts(x, SQRT_HALF);
    ln_of_quotient::<A>((m - 1.0) / (m + 1.0), e + k)
}

/// ln x for normal x that are not beside 1: the error is one unit in the last place for |ln x| ≥ ½, and below 1.2e-16 in
/// any case. Half the work of [`ln`]; what it is at 0 and elsewhere is as there.
#[inline(always)]
pub fn ln_away_from_one<A: Arithmetic>(x: f64) -> f64 {
    let (s, e) = quotient(x);
    ln_of_quotient::<A>(s, e)
}

/// First step of [`ln_away_from_one`]: s = (m − 1)/(m + 1) and e, of x = m·2ᵉ.
#[inline(always)]
pub fn quotient(x: f64) -> (f64, f64) {
    let (m, e) = normal_parts(x);
    ((m - 1.0) / (m + 1.0), e)
}

/// Second step of [`ln_away_from_one`].
#[inline(always)]
pub fn ln_of_quotient<A: Arithmetic>(s: f64, e: f64) -> f64 {
    A::mul_add(e, LN_2, s * (2.0 + artanh_remainder_of::<A, _>(s * s, &NARROW)))
}

/// ln 2·2⁻²³, the logarithm that one unit of the bits of an f32 stands for; see [`mitchell_correction`].
const LN_2_PER_BIT: f64 = LN_2 / 8_388_608.0;

const ONE_SINGLE: u32 = 0x3f80_0000;
const SIGNIFICAND_SINGLE: u32 = 0x007f_ffff;

/// β(m)/(¼ − t²) as a polynomial in t = m − 3/2, the even powers and the odd ones: that with the least maximum of the error
/// in β (Remez), which is 8e-10, its coefficients then varied by some units in their last place to lessen what rounding
/// them costs; with it, 2.7e-9.
const CORRECTION_EVEN: [f32; 5] = [0.235_566_08, 0.053_375_12, 0.015_977_468, 0.005_258_774_4, 0.002_390_793];
const CORRECTION_ODD: [f32; 4] = [-0.105_921_99, -0.028_631_318, -0.009_065_296, -0.003_776_357_5];

/// Difference of the logarithm of a positive normal f32 and its bits, read as an integer. These are linear between the powers
/// of two (Mitchell 1962): with x = 2ᵉ·m and m in [1, 2),
///
/// ```text
/// ln x = (e + m − 1)·ln 2 + β,        β = ln m − (m − 1)·ln 2,        0 ≤ β < 0.06
/// ```
///
/// The first part needs double precision, but hardly any work; β is small, and single precision is enough for it: it is
/// right to 1.03e-8, and to 2.4e-9 in the root of the mean square (of all significands).
#[inline(always)]
pub fn mitchell_correction<A: Arithmetic>(x: f32) -> f32 {
    let m = f32::from_bits((x.to_bits() & SIGNIFICAND_SINGLE) | ONE_SINGLE);
    let t = m - 1.5;
    let w = t * t;
    let (even, odd) = (horner::<A, _>(w, &CORRECTION_EVEN), horner::<A, _>(w, &CORRECTION_ODD));
    A::mul_add_single(-t, t, 0.25) * A::mul_add_single(odd, t, even)
}

/// ln x from the [`mitchell_correction`] of x, with its error. At 0 it is some finite number, as that of [`ln`].
#[inline(always)]
pub fn ln_single<A: Arithmetic>(x: f32, mitchell_correction: f32) -> f64 {
    let bits = x.to_bits().wrapping_sub(ONE_SINGLE) as i32;
    A::mul_add(f64::from(bits), LN_2_PER_BIT, f64::from(mitchell_correction))
}

/// ln(x/y) from the [`mitchell_correction`] of x less that of y, as [`ln_single`] otherwise.
#[inline(always)]
pub fn ln_ratio_single<A: Arithmetic>(x: f32, y: f32, mitchell_correction: f32) -> f64 {
    let bits = x.to_bits().wrapping_sub(y.to_bits()) as i32;
    A::mul_add(f64::from(bits), LN_2_PER_BIT, f64::from(mitchell_correction))
}

/// Σ cₖ zᵏ.
#[inline(always)]
fn horner<A: Arithmetic, const N: usize>(z: f32, c: &[f32; N]) -> f32 {
    let mut sum = c[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = A::mul_add_single(sum, z, c[k]);
    }
    sum
}

/// (eʳ − 1 − r)/r² for |r| ≤ ½·ln 2: the polynomial with the least maximum of the error (Remez), which is 1e-17 in eʳ.
const EXP: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_74,
    0.041_666_666_666_624_16,
    0.008_333_333_333_322_226,
    0.001_388_888_891_719_828_4,
    0.000_198_412_698_865_444_7,
    0.000_024_801_521_320_080_36,
    0.000_002_755_724_238_417_805,
    2.762_007_689_363_285_7e-7,
    2.511_003_313_926_931_4e-8,
];

/// Adding this to a double below 2^51 in magnitude, and taking it off again, rounds to an integer, which the last bits of the sum
/// have in between.
const ROUNDER: f64 = 1.5 * TWO_52;

/// Exponent of the power of two by which [`exp_scaled`] is scaled.
const EXP_SCALE: u64 = 300;

/// Least argument of [`exp_scaled`].
pub const EXP_FLOOR: f64 = -850.0;

/// 2³⁰⁰·exp(x + y), for x from [`EXP_FLOOR`] to 0 and y below a unit in the last place of x, within one unit in the last place. For other
/// arguments, NaN among them, it means nothing.
#[inline(always)]
pub fn exp_scaled<A: Arithmetic>(x: f64, y: f64) -> f64 {
    let rounded = A::mul_add(x, std::f64::consts::LOG2_E, ROUNDER);
    let k = rounded - ROUNDER;
    // Exact: the product by the bits of its factors, the difference since they are near each other.
    let r = A::mul_add(-k, LN_2_HI, x);
    let r = r + A::mul_add(-k, LN_2_LO, y);
    let square = r * r;
    let (mut even, mut odd) = (EXP[8], EXP[9]);
    let mut i = 8;
    while i >= 2 {
        i -= 2;
        even = A::mul_add(even, square, EXP[i]);
        odd = A::mul_add(odd, square, EXP[i + 1]);
    }
    let exp = 1.0 + A::mul_add(A::mul_add(odd, r, even), square, r);
    f64::from_bits(exp.to_bits().wrapping_add(rounded.to_bits().wrapping_add(EXP_SCALE) << 52))
}

/// ln(1 + x) for x ≥ 0, within two units in the last place however small x is.
#[inline(always)]
pub fn ln_1p<A: Arithmetic>(x: f64) -> f64 {
    let sum = 1.0 + x;
    // What the sum has rounded off, put back to first order (Kahan).
    ln::<A>(sum) + (x - (sum - 1.0)) / sum
}

/// ln(x/y) for positive finite x and y, also where the quotient would leave the range of doubles; exactly 0 for x = y.
/// Within two units in the last place: beside 1, x − y is exact (Sterbenz), and no digit is lost to a rounded quotient.
/// Its value elsewhere is as for [`ln`].
#[inline(always)]
pub fn ln_ratio<A: Arithmetic>(x: f64, y: f64) -> f64 {
    let ((m, e), (n, g)) = (parts(x, ONE), parts(y, ONE));
    // The quotient of the significands is between ½ and 2; one doubling or halving brings it to [√½, √2).
    let low = m < n * FRAC_1_SQRT_2;
    let high = m > n * SQRT_2;
    let m = if low { 2.0 * m } else { m };
    let m = if high { 0.5 * m } else { m };
    let k = if low { -1.0 } else { 0.0 };
    let k = if high { 1.0 } else { k };
    let difference = m - n;
    ln_of_parts::<A>(difference / n, difference / (m + n), e - g + k)
}

/// ln(x/y) as [`ln_ratio`], but with an error of 1.2e-16 where x is beside y, which takes less work.
#[inline(always)]
pub fn ln_quotient<A: Arithmetic>(x: f64, y: f64) -> f64 {
    let ((m, e), (n, g)) = (parts(x, SQRT_HALF), parts(y, SQRT_HALF));
    let s = (m - n) / (m + n);
    A::mul_add(e - g, LN_2, s * (2.0 + artanh_remainder::<A>(s)))
}

/// x as m·2ᵉ, with m from the number with the bits `low` to below twice it.
#[inline(always)]
fn parts(x: f64, low: u64) -> (f64, f64) {
    let subnormal = x < f64::MIN_POSITIVE;
    let bias = if subnormal { EXPONENT_BIAS + 54.0 } else { EXPONENT_BIAS };
    split(if subnormal { x * TWO_54 } else { x }, low, bias)
}

/// Normal x as m·2ᵉ, with m in [√½, √2). Some finite numbers at 0.
#[inline(always)]
pub fn normal_parts(x: f64) -> (f64, f64) {
    split(x, SQRT_HALF, EXPONENT_BIAS)
}

/// As [`normal_parts`], but the exponent has an addend, the same for every x.
#[inline(always)]
pub fn biased_parts(x: f64) -> (f64, f64) {
    split_biased(x, SQRT_HALF)
}

#[inline(always)]
fn split(x: f64, low: u64, bias: f64) -> (f64, f64) {
    let (m, e) = split_biased(x, low);
    (m, e - (TWO_52 + bias))
}

#[inline(always)]
fn split_biased(x: f64, low: u64) -> (f64, f64) {
    let shifted = x.to_bits().wrapping_add(ONE - low);
    (f64::from_bits((shifted & SIGNIFICAND) + low), f64::from_bits((shifted >> 52) | TWO_52.to_bits()))
}

/// The number, or NaN unless a condition holds. Quicker than a selection where that takes several instructions, as with AVX2.
#[inline(always)]
pub fn nan_unless(condition: bool, x: f64) -> f64 {
    f64::from_bits(x.to_bits() | if condition { 0 } else { u64::MAX })
}

/// ln((1 + f)·2ᵉ) for 1 + f in [√½, √2) and s = f / (2 + f).
#[inline(always)]
fn ln_of_parts<A: Arithmetic>(f: f64, s: f64, e: f64) -> f64 {
    let half = 0.5 * f * f;
    let rest = A::mul_add(s, half + artanh_remainder_of::<A, _>(s * s, &NARROW), e * LN_2_LO);
    A::mul_add(e, LN_2_HI, f - (half - rest))
}

/// The range in which [`xi`] holds: |d/(2 + d)| ≤ ⅓.
pub const XI_MIN: f64 = -0.5;
/// The range in which [`xi`] holds.
pub const XI_MAX: f64 = 1.0;

/// ξ(d) = d − ln(1 + d) ≥ 0 for d in [`XI_MIN`], [`XI_MAX`], with a relative error of a few units in the last place
/// however small d is: ξ(d) = d²/2 − d³/3 + …
#[inline(always)]
pub fn xi<A: Arithmetic>(d: f64) -> f64 {
    let s = d / (2.0 + d);
    s * (d - artanh_remainder::<A>(s))
}

/// 2ᵏ for an exponent within the normal range.
pub const fn power_of_two(k: i32) -> f64 {
    assert!(k > -1023 && k < 1024);
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::simd::{Fused, Separate};

    #[test]
    fn ln_single_has_the_error_it_says_for_all_significands() {
        let (mut worst, mut square) = (0f64, 0.0);
        for bits in 0..1 << 23 {
            let x = f32::from_bits(ONE_SINGLE + bits);
            let exact = f64::from(x).ln();
            for mitchell_correction in [mitchell_correction::<Fused>(x), mitchell_correction::<Separate>(x)] {
                let error = ln_single::<Fused>(x, mitchell_correction) - exact;
                worst = worst.max(error.abs());
                square += error * error;
            }
        }
        let mean = (square / f64::powi(2.0, 24)).sqrt();
        assert!(worst <= 1.03e-8 && mean <= 2.5e-9, "{worst:e} {mean:e}");
    }

    #[test]
    fn ln_single_of_powers_of_two_is_that_of_double_precision() {
        for e in -126..128 {
            let x = f32::powi(2.0, e);
            assert_eq!(mitchell_correction::<Fused>(x), 0.0);
            assert!((ln_single::<Fused>(x, 0.0) - f64::from(x).ln()).abs() <= 2e-14);
            assert_eq!(ln_ratio_single::<Fused>(x, 1.0, 0.0), ln_single::<Fused>(x, 0.0));
        }
        assert!((0.0 * ln_single::<Fused>(0.0, mitchell_correction::<Fused>(0.0))).abs() == 0.0);
    }

    /// The standard library's logarithm is itself within one unit in the last place, hence the two.
    fn assert_close(x: f64) {
        let theirs = x.ln();
        let tolerance = 2.0 * f64::EPSILON * theirs.abs();
        for ours in [ln::<Fused>(x), ln::<Separate>(x)] {
            assert!((ours - theirs).abs() <= tolerance, "ln({x:e}) = {ours:e}, std says {theirs:e}");
        }
        for ours in [ln_scaled::<Fused>(x, 0.0), ln_scaled::<Separate>(x, 0.0)] {
            assert!((ours - theirs).abs() <= tolerance.max(2e-16), "{x:e}");
        }
        if x >= f64::MIN_POSITIVE {
            for ours in [ln_away_from_one::<Fused>(x), ln_away_from_one::<Separate>(x)] {
                assert!((ours - theirs).abs() <= tolerance.max(2e-16), "{x:e}");
            }
        }
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
        assert_eq!(ln::<Fused>(1.0), 0.0);
        for k in 1..52 {
            let d = f64::powi(0.5, k);
            for x in [1.0 + d, 1.0 - d] {
                let exact = (x - 1.0).ln_1p();
                assert!((ln::<Fused>(x) - exact).abs() <= 2.0 * f64::EPSILON * exact.abs(), "{x}");
            }
        }
    }

    #[test]
    fn ln_ratio_needs_no_quotient_within_range() {
        assert_eq!(ln_ratio::<Fused>(0.3, 0.3), 0.0);
        assert_eq!(ln_ratio::<Fused>(f64::MAX, f64::MAX), 0.0);
        for (x, y) in [(f64::MAX, 5e-324), (1e-310, 1e300), (2.0, 3.0), (1.0 - f64::EPSILON, 1.0)] {
            let exact = if x / y > 0.1 { ((x - y) / y).ln_1p() } else { x.ln() - y.ln() };
            let exact = if (x / y).is_infinite() { x.ln() - y.ln() } else { exact };
            assert!(
                (ln_ratio::<Fused>(x, y) - exact).abs() <= 4.0 * f64::EPSILON * exact.abs(),
                "{x:e} {y:e}"
            );
            assert!(
                (ln_ratio::<Fused>(y, x) + ln_ratio::<Fused>(x, y)).abs() <= 4.0 * f64::EPSILON * exact.abs()
            );
        }
    }

    #[test]
    fn zero_times_ln_zero_is_zero() {
        assert_eq!(0.0 * ln::<Fused>(0.0), 0.0);
    }

    #[test]
    fn xi_is_exact_in_the_limit_and_joins_its_definition() {
        assert_eq!(xi::<Fused>(0.0), 0.0);
        for k in 30..500 {
            let d = f64::powi(0.5, k);
            // The second term of the series, d³/3, is below one unit of the last place from k = 52 on.
            let series = 0.5 * d * d - d * d * d / 3.0;
            assert!((xi::<Fused>(d) - series).abs() <= 4.0 * f64::EPSILON * series, "{d:e}");
        }
        for d in [XI_MIN, -0.1, 0.1, 0.3, XI_MAX] {
            let direct = d - d.ln_1p();
            // The direct form cancels up to two digits at ±0.1.
            assert!((xi::<Fused>(d) - direct).abs() <= 1e-14 * direct, "{d}");
        }
    }

    #[test]
    fn ln_1p_keeps_small_arguments() {
        for k in 0..1000 {
            let x = 1.7 * f64::powi(0.5, k + 1);
            let exact = x.ln_1p();
            assert!((ln_1p::<Fused>(x) - exact).abs() <= 3.0 * f64::EPSILON * exact, "{x:e}");
        }
        assert_eq!(ln_1p::<Fused>(0.0), 0.0);
    }
}
