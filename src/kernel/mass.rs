//! Scaling that keeps sums in range: the masses in states, and the totals of a distribution that is out of range. The sums of
//! groups have scales of their own: see [`scales`](super::scales).

use super::blocks::{OneRow, Totals};
use super::math::{ln, ln_ratio, ln_scaled, power_of_two};
use super::simd::Arithmetic;
use super::weights::{Mask, Weight, Weights};

/// States keep totals times 2^−20, so that those of a million weights of any size do not overflow. Scaling by a power of two is
/// exact but among the subnormals: totals below 1e-290 lose digits in a state.
pub const HEADROOM: i32 = 20;

/// Logarithms are summed in units of 2^11, which is above the largest that occurs, |ln(p/q)| < 1490: a term is then not
/// larger than its mass and needs no headroom of its own.
pub const LN_SCALE: f64 = power_of_two(11);

/// An element's part in the mass of a state: the scaled weight, or 0 where a rule keeps it out of the sum.
#[inline(always)]
pub fn mass(x: f64) -> f64 {
    // False for NaN, so these comparisons keep out everything that is not a positive number.
    let weighs = (x > 0.0) & (x <= f64::MAX);
    let scaled = x * const { power_of_two(-HEADROOM) };
    let scaled = if scaled > 0.0 { scaled } else { f64::from_bits(1) };
    if weighs { scaled } else { 0.0 }
}

/// The mass that a total of weights has in a state.
#[inline(always)]
pub fn mass_of_total(total: f64) -> f64 {
    total * const { power_of_two(-HEADROOM) }
}

/// The total of weights that has this mass.
#[inline(always)]
pub fn total_of_mass(mass: f64) -> f64 {
    mass * const { power_of_two(HEADROOM) }
}

/// Weights of a pair that go into the sums of its group: both 0 where a rule keeps one of them out.
#[inline(always)]
pub fn summed(p: f64, q: f64) -> (f64, f64) {
    // False for NaN. All selections, and no branch, so that loops over pairs become vector code.
    let range = 0.0..=f64::MAX;
    let weigh = range.contains(&p) & range.contains(&q);
    (if weigh { p } else { 0.0 }, if weigh { q } else { 0.0 })
}

/// Logarithm of a weight, in units of [`LN_SCALE`].
#[inline(always)]
pub fn ln_of_weight<A: Arithmetic>(x: f64) -> f64 {
    ln_scaled::<A>(x, 0.0) * (1.0 / LN_SCALE)
}

/// Logarithm of the total behind a sum that is scaled with this exponent, in units of [`LN_SCALE`].
#[inline(always)]
pub fn ln_of_sum<A: Arithmetic>(sum: f64, exponent: f64) -> f64 {
    // The total may be beyond the range, its logarithm is not.
    ln_scaled::<A>(sum, -exponent) * (1.0 / LN_SCALE)
}

/// The value, or 0 for a negative one and for −0. Not `max`, which would take sums beyond the range, whose value is NaN, for 0.
#[inline(always)]
pub fn not_below_zero(value: f64) -> f64 {
    if value <= 0.0 { 0.0 } else { value }
}

/// Total of a distribution, as the sum of weights times a power of two that keeps it within range.
#[derive(Clone, Copy, Debug)]
pub struct Total {
    /// The sum of the scaled weights.
    pub sum: f64,
    /// The power of two.
    pub scale: f64,
}

impl Total {
    /// Total of what the mask keeps.
    #[inline(always)]
    pub fn of<A: Arithmetic, T: Weight>(x: Weights<T>, mask: impl Mask) -> Total {
        let scale = Totals::of::<A, OneRow>(&x.masked(mask, 1.0)).scale();
        Total { sum: Totals::of::<A, OneRow>(&x.masked(mask, scale)).total[0], scale }
    }

    /// ln(x/total), also where the scaled weight is no longer a normal number.
    pub fn ln_share<A: Arithmetic>(self, x: f64) -> f64 {
        let scaled = x * self.scale;
        if scaled >= f64::MIN_POSITIVE {
            ln_ratio::<A>(scaled, self.sum)
        } else {
            ln_ratio::<A>(x, self.sum) + ln::<A>(self.scale)
        }
    }
}
