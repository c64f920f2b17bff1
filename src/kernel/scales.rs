//! Scales of the sums of groups, which are taken of weights times a power of two: 2^80, so that subnormal weights and their terms
//! keep all digits, or 2^−20, so that a million of the largest stay in range. No power serves for both. So it depends on the size of
//! the weight and on the half of the sum ([`Split`]):
//!
//! | weight | lead | rest |
//! | --- | --- | --- |
//! | below 2^760 | the leading bits, times 2^80 | the others, times 2^80 |
//! | from 2^760 to 2^924 | all bits, times 2^80 | all bits, times 2^−20 |
//! | from there on | nothing | all bits, times 2^−20 |
//!
//! A group with a weight of the last kind has a rest of at least 2^904, to which those of the first kind add less than rounding
//! does: its sum is the rest alone, times 2^−20 ([`is_down`]). In any other group it is lead and rest together, times 2^80, and what
//! weights of the second kind have in the rest is less than rounding.

use super::mass::HEADROOM;
use super::math::power_of_two;
use super::rules::Split;

const UP: i32 = 80;
const DOWN: i32 = -20;
/// The least weight that doesn't have the usual scale.
pub const LARGE_WEIGHT: f64 = power_of_two(760);
/// The scale of all weights below it, in leads and rests.
pub const USUAL_SCALE: f64 = power_of_two(UP);
const HUGE: f64 = power_of_two(924);

/// All scales that a summand may have: the usual one, the one of large weights, and that of what is left out.
pub const SCALES: [f64; 3] = [USUAL_SCALE, power_of_two(DOWN), 0.0];
const BY_USUAL: usize = 0;
const BY_DOWN: usize = 1;
const BY_ZERO: usize = 2;

/// Place among [`SCALES`] of the scale of a weight of this size in a lead or a rest, and whether its bits are divided between them.
#[inline(always)]
pub fn scale(weight: f64, split: Split) -> (usize, bool) {
    let scale = match split {
        Split::Lead if weight < HUGE => BY_USUAL,
        Split::Lead => BY_ZERO,
        Split::Rest if weight < LARGE_WEIGHT => BY_USUAL,
        Split::Rest => BY_DOWN,
    };
    (scale, weight < LARGE_WEIGHT)
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
