//! Softmax: weights from logits z, the unnormalised logarithms of shares.
//!
//! ```text
//! wᵢ = 2³⁰⁰·exp(zᵢ − max z)
//! ```
//!
//! * The difference is taken with its rounding error, so that weights are right to a unit in the last place, however far the
//!   logits are from 0.
//! * The scale keeps the weight of a logit as far as 850 below the largest a normal number. One that is farther below has a weight that
//!   the caller says. −∞ weighs 0.

use super::blocks::{Block, LANES, Layout, Source, lanes, pinned, two_sum};
use super::math::{EXP_FLOOR, exp_scaled, ln_1p, power_of_two};
use super::simd::{Arithmetic, IsaOps};

/// The largest logits, −∞ where there is none. NaN counts for nothing.
#[inline(always)]
pub fn largest<A: Arithmetic, L: Layout>(z: &impl Source) -> Block {
    let mut max = [f64::NEG_INFINITY; LANES];
    for i in 0..z.blocks() {
        let z = A::Isa::pinned(z.block(i));
        for k in 0..LANES {
            max[k] = if z[k] > max[k] { z[k] } else { max[k] };
        }
        max = A::Isa::pinned(max);
    }
    L::max(L::optimisation_barrier(max))
}

/// Logits less the largest, and at least [`EXP_FLOOR`]; and their weights, of which a finite logit below the floor has `far`. NaN for a
/// logit that is NaN or ∞, and for all if the largest is −∞.
#[inline(always)]
pub fn weights<A: Arithmetic>(z: &Block, max: &Block, far: f64) -> (Block, Block) {
    let z = A::Isa::pinned(*z);
    let [mut differences, mut rounded, mut weights] = [[0.0; LANES]; 3];
    for k in 0..LANES {
        (differences[k], rounded[k]) = two_sum(z[k], -max[k]);
    }
    [differences, rounded] = pinned::<A, 2>([differences, rounded]);
    for k in 0..LANES {
        rounded[k] = if differences[k] < EXP_FLOOR { 0.0 } else { rounded[k] };
        differences[k] = if differences[k] < EXP_FLOOR { EXP_FLOOR } else { differences[k] };
    }
    for k in 0..LANES {
        weights[k] = exp_scaled::<A>(differences[k], rounded[k]);
    }
    for k in 0..LANES {
        let far = if z[k] == f64::NEG_INFINITY { 0.0 } else { far };
        // The difference is at the floor, or NaN.
        weights[k] = if differences[k] > EXP_FLOOR { weights[k] } else { far + (differences[k] - EXP_FLOOR) };
    }
    [differences, weights] = pinned::<A, 2>([differences, weights]);
    (differences, weights)
}

/// Sum of weights in two parts, how many logits are the largest and the weights of the others: Σ exp(z − max z) = largest + others/2³⁰⁰.
#[derive(Clone, Copy, Debug)]
pub struct Total {
    /// How many are the largest.
    pub largest: Block,
    /// Weights of the others.
    pub others: Block,
}

impl Total {
    /// ln Σ exp(z − max z), which loses no digit beside 0.
    #[inline(always)]
    pub fn ln<A: Arithmetic>(&self) -> Block {
        lanes!(k => ln_1p::<A>(self.others[k] / SCALE + (self.largest[k] - 1.0)))
    }

    /// The sum itself.
    #[inline(always)]
    pub fn weight(&self) -> Block {
        lanes!(k => SCALE * self.largest[k] + self.others[k])
    }
}

/// Weight of the largest logit.
const SCALE: f64 = power_of_two(300);

/// Adds weights to the two sums of a [`Total`].
#[inline(always)]
pub fn add_total(differences: &Block, weights: &Block, largest: &mut Block, others: &mut Block) {
    for k in 0..LANES {
        let is_largest = differences[k] == 0.0;
        largest[k] += if is_largest { 1.0 } else { 0.0 };
        others[k] += if is_largest { 0.0 } else { weights[k] };
    }
}
