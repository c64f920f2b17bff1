//! Views: weights with their validity, and the blocks in which a distribution is read.

use std::ops::Range;

use super::math::power_of_two;

/// A floating-point number that weights are stored in. Integers and the rest are cast at the edge; sums are always
/// taken in double precision.
pub trait Weight: Copy + Default {
    /// The number in double precision, in which everything is computed.
    fn to_f64(self) -> f64;
}

impl Weight for f64 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
}

impl Weight for f32 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

/// A validity bitmap as Arrow has it: least significant bit first, set where the element is valid.
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Bits<'a> {
    /// `offset` counts bits from the start of `bytes`.
    pub fn new(bytes: &'a [u8], offset: usize) -> Self {
        Bits { bytes, offset }
    }

    /// Whether element `i` is valid.
    #[inline(always)]
    pub fn get(self, i: usize) -> bool {
        let i = self.offset + i;
        self.bytes[i / 8] & (1 << (i % 8)) != 0
    }
}

/// Weights and which of them are there.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, T> {
    values: &'a [T],
    valid: Option<Bits<'a>>,
}

impl<'a, T: Weight> Weights<'a, T> {
    /// `valid` is `None` where no weight is null; otherwise it covers all of `values`.
    pub fn new(values: &'a [T], valid: Option<Bits<'a>>) -> Self {
        Weights { values, valid }
    }

    /// The number of weights, nulls included.
    pub fn len(self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.values.is_empty()
    }

    /// The weights in `range`, which has to lie within.
    #[inline(always)]
    pub fn slice(self, range: Range<usize>) -> Self {
        let valid = self.valid.map(|bits| Bits::new(bits.bytes, bits.offset + range.start));
        Weights { values: &self.values[range], valid }
    }

    /// The weight at `i`, `None` being null.
    #[inline(always)]
    pub fn get(self, i: usize) -> Option<f64> {
        self.is_valid(i).then(|| self.values[i].to_f64())
    }

    #[inline(always)]
    fn is_valid(self, i: usize) -> bool {
        self.valid.is_none_or(|bits| bits.get(i))
    }

    /// The weights one by one.
    pub fn iter(self) -> impl Iterator<Item = Option<f64>> + 'a
    where
        T: 'a,
    {
        (0..self.len()).map(move |i| self.get(i))
    }

    /// The values alone, if there are no nulls among them.
    #[inline(always)]
    pub fn no_nulls(self) -> Option<&'a [T]> {
        match self.valid {
            Some(bits) if !(0..self.len()).all(|i| bits.get(i)) => None,
            _ => Some(self.values),
        }
    }

    /// The weights in blocks, if there are no nulls among them.
    #[inline(always)]
    pub fn dense(self) -> Option<Dense<'a, T>> {
        self.no_nulls().map(Dense)
    }

    /// Whether the weight at `i` is a number: neither null nor NaN.
    #[inline(always)]
    pub fn is_number(self, i: usize) -> bool {
        self.is_valid(i) && !self.values[i].to_f64().is_nan()
    }

    /// The weights with 0 in place of those that `keep` turns down, scaled by a power of two. Dropping an element and
    /// giving it no mass are the same thing to a sum, so nothing is copied.
    pub fn masked<K: Fn(usize) -> bool>(self, keep: K, scale: f64) -> Masked<'a, T, K> {
        Masked { values: self.values, keep, scale }
    }
}

/// The width of a block. Eight doubles are one AVX-512 register or two AVX2 ones. Sums are kept in this many lanes,
/// whatever the machine, so that the order of addition, and with it every bit of the result, is the same everywhere.
pub const LANES: usize = 8;

/// One block of weights; the last is filled up with zeros, which add nothing to any sum.
pub type Block = [f64; LANES];

/// Something that a distribution can be read from in blocks.
pub trait Source {
    /// The number of weights.
    fn len(&self) -> usize;
    /// The `i`-th block.
    fn block(&self, i: usize) -> Block;
    /// The number of blocks.
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.len().div_ceil(LANES)
    }
}

/// Weights without nulls.
#[derive(Clone, Copy)]
pub struct Dense<'a, T>(&'a [T]);

impl<T: Weight> Source for Dense<'_, T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        let rest = &self.0[i * LANES..];
        match rest.first_chunk::<LANES>() {
            Some(chunk) => chunk.map(T::to_f64),
            None => {
                let mut block = [0.0; LANES];
                for (slot, x) in block.iter_mut().zip(rest) {
                    *slot = x.to_f64();
                }
                block
            }
        }
    }
}

/// Weights of which some are dropped; see [`Weights::masked`].
#[derive(Clone, Copy)]
pub struct Masked<'a, T, K> {
    values: &'a [T],
    keep: K,
    scale: f64,
}

impl<T: Weight, K: Fn(usize) -> bool> Source for Masked<'_, T, K> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.values.len()
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        let mut block = [0.0; LANES];
        for (k, slot) in block.iter_mut().enumerate() {
            let at = i * LANES + k;
            if at < self.values.len() && (self.keep)(at) {
                *slot = self.values[at].to_f64() * self.scale;
            }
        }
        block
    }
}

/// Sums N quantities over the blocks: `terms(i)` gives what the `i`-th block adds to each.
///
/// The order, which fixes the rounding: lane by lane over runs of 16 blocks, the lanes pairwise at the end of a run,
/// and the runs in sequence with the rounding error carried along (Neumaier 1974). So the error is that of 16
/// additions, however long the row is.
#[inline(always)]
pub fn sums<const N: usize>(blocks: usize, mut terms: impl FnMut(usize) -> [Block; N]) -> [f64; N] {
    const RUN: usize = 16;
    let mut sums = [Carried::default(); N];
    for start in (0..blocks).step_by(RUN) {
        let mut lanes = [[0.0; LANES]; N];
        for i in start..blocks.min(start + RUN) {
            let block = terms(i);
            for (lanes, block) in lanes.iter_mut().zip(block) {
                for (lane, term) in lanes.iter_mut().zip(block) {
                    *lane += term;
                }
            }
        }
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            sum.add(pairwise(lanes));
        }
    }
    sums.map(Carried::total)
}

/// A sum and the rounding error it has lost so far.
#[derive(Clone, Copy, Default)]
pub struct Carried {
    value: f64,
    error: f64,
}

impl Carried {
    /// Adds one number.
    #[inline(always)]
    pub fn add(&mut self, x: f64) {
        let sum = self.value + x;
        let (large, small) = if self.value.abs() >= x.abs() { (self.value, x) } else { (x, self.value) };
        self.error += (large - sum) + small;
        self.value = sum;
    }

    /// The sum so far.
    #[inline(always)]
    pub fn total(self) -> f64 {
        self.value + self.error
    }
}

#[inline(always)]
fn pairwise([a, b, c, d, e, f, g, h]: Block) -> f64 {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// A block made of another lane by lane.
#[inline(always)]
pub fn each(block: Block, f: impl Fn(f64) -> f64) -> Block {
    block.map(f)
}

/// A block made of two others lane by lane.
#[inline(always)]
pub fn both(a: Block, b: Block, f: impl Fn(f64, f64) -> f64) -> Block {
    std::array::from_fn(|k| f(a[k], b[k]))
}

/// The total of a distribution and its extremes.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// The sum.
    pub total: f64,
    /// The largest weight, and at least 0.
    pub max: f64,
    /// The smallest weight, and at most 0.
    pub min: f64,
}

/// Totals outside of these need scaling: products of two of them, or their reciprocals, would leave the range of
/// doubles or the normal numbers.
const TINY: f64 = 1e-150;
const HUGE: f64 = 1e150;

impl Totals {
    /// Reads the distribution once.
    #[inline(always)]
    pub fn of(source: &impl Source) -> Totals {
        let (mut max, mut min) = ([0.0; LANES], [0.0; LANES]);
        let [total] = sums(source.blocks(), |i| {
            let x = source.block(i);
            max = both(max, x, |m, x| if x > m { x } else { m });
            min = both(min, x, |m, x| if x < m { x } else { m });
            [x]
        });
        Totals { total, max: max.into_iter().fold(0.0, f64::max), min: min.into_iter().fold(0.0, f64::min) }
    }

    /// Whether no rule but 9 can apply and no care is needed about the range: there is mass, all weights are finite,
    /// not missing and not negative (a NaN or an infinity would show in the total), and the total can be multiplied.
    #[inline(always)]
    pub fn are_plain(&self) -> bool {
        self.min >= 0.0 && self.total >= TINY && self.total <= HUGE
    }

    /// The power of two that brings the sum of weights with this maximum into the middle of the range.
    pub fn scale(&self) -> f64 {
        if self.max > HUGE {
            power_of_two(-600)
        } else if self.max < TINY {
            power_of_two(600)
        } else {
            1.0
        }
    }
}
