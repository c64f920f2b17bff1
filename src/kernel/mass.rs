//! Scaling that keeps sums in range: the masses of elements in a group, and the totals of a distribution that is out of range.

use super::blocks::{OneRow, Totals};
use super::math::{ln, ln_ratio, ln_scaled, power_of_two};
use super::rules::Split;
use super::simd::Arithmetic;
use super::weights::{Mask, Weight, Weights};

/// States keep totals times 2^−20, so that those of a million weights of any size do not overflow. Scaling by a power of two is
/// exact but among the subnormals: totals below 1e-290 lose digits in a state.
const HEADROOM: i32 = 20;

/// Sums over groups are taken of weights times a power of two: 2^80, so that subnormal weights and their terms keep all digits, or
/// 2^−20, so that a million of the largest stay in range. No power serves for both. So it depends on the size of the weight and on
/// the half of the sum ([`Split`]):
///
/// | weight | lead | rest |
/// | --- | --- | --- |
/// | below 2^760 | the leading bits, times 2^80 | the others, times 2^80 |
/// | from 2^760 to 2^924 | all bits, times 2^80 | all bits, times 2^−20 |
/// | from there on | nothing | all bits, times 2^−20 |
///
/// A group with a weight of the last kind has a rest of at least 2^904, to which those of the first kind add less than rounding
/// does: its sum is the rest alone, times 2^−20 ([`is_down`]). In any other group it is lead and rest together, times 2^80, and what
/// weights of the second kind have in the rest is less than rounding.
const UP: i32 = 80;
const DOWN: i32 = -20;
/// The least weight that doesn't have the usual scale.
pub const LARGE_WEIGHT: f64 = power_of_two(760);
/// The scale of all weights below it, in leads and rests.
pub const USUAL_SCALE: f64 = power_of_two(UP);
const HUGE: f64 = power_of_two(924);

/// Scale of the summand of a weight of this size in a lead or a rest, and whether its bits are divided between them.
#[inline(always)]
pub fn scale(weight: f64, split: Split) -> (f64, bool) {
    const FACTORS: [f64; 2] = [power_of_two(UP), power_of_two(DOWN)];
    let divided = weight < LARGE_WEIGHT;
    let scale = match split {
        Split::Lead => {
            if weight < HUGE {
                FACTORS[0]
            } else {
                0.0
            }
        }
        Split::Rest => {
            if divided {
                FACTORS[0]
            } else {
                FACTORS[1]
            }
        }
    };
    (scale, divided)
}

/// Whether a mass with this rest is the rest alone, times 2^−20.
#[inline(always)]
pub fn is_down(rest: f64) -> bool {
    rest >= const { power_of_two(924 + DOWN) }
}

/// Exponent of the power of two that a sum is scaled by.
#[inline(always)]
pub fn exponent(is_down: bool) -> f64 {
    if is_down { f64::from(DOWN) } else { f64::from(UP) }
}

/// The power of two itself.
#[inline(always)]
pub fn factor(exponent: f64) -> f64 {
    if exponent == f64::from(DOWN) { const { power_of_two(DOWN) } } else { const { power_of_two(UP) } }
}

/// Exponent for sums beside this one, one of which has the exponent `at`: that of large sums, if it is one.
#[inline(always)]
pub fn exponent_beside(total: f64, at: f64) -> f64 {
    if total.abs() < LARGE_WEIGHT { at } else { f64::from(DOWN) }
}

/// A sum that is scaled with the exponent `from`, scaled with another.
#[inline(always)]
pub fn rescaled(sum: f64, from: f64, to: f64) -> f64 {
    if from == to {
        sum
    } else if from > to {
        sum * const { power_of_two(DOWN - UP) }
    } else {
        sum * const { power_of_two(UP - DOWN) }
    }
}

/// The mass that a state keeps, of a sum that is scaled with this exponent.
#[inline(always)]
pub fn mass_of_sum(sum: f64, exponent: f64) -> f64 {
    const { assert!(DOWN == -HEADROOM) }
    let mass = rescaled(sum, exponent, f64::from(DOWN));
    if (sum > 0.0) & (mass == 0.0) { f64::from_bits(1) } else { mass }
}

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
    pub fn of<T: Weight>(x: Weights<T>, mask: impl Mask) -> Total {
        let scale = Totals::of::<OneRow>(&x.masked(mask, 1.0)).scale();
        Total { sum: Totals::of::<OneRow>(&x.masked(mask, scale)).total[0], scale }
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
