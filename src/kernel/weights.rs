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

    /// The weights one by one.
    pub fn iter(self) -> impl Iterator<Item = Option<f64>> + use<'a, T> {
        (0..self.len()).map(move |i| self.get(i))
    }

    #[inline(always)]
    fn is_valid(self, i: usize) -> bool {
        self.valid.is_none_or(|bits| bits.get(i))
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
        self.no_nulls().map(Dense::new)
    }

    /// The weights with 0 in place of those that the mask drops, scaled by a power of two. Dropping an element and giving it
    /// no mass are the same thing to a sum, so nothing is copied.
    #[inline(always)]
    pub fn masked<M: Mask>(self, mask: M, scale: f64) -> Masked<'a, T, M> {
        Masked { values: self.values, mask, scale }
    }
}

/// Which elements of a distribution stay.
pub trait Mask: Copy {
    /// Whether element `i` does.
    fn keeps(&self, i: usize) -> bool;
}

/// Those that are numbers: neither null nor NaN.
impl<T: Weight> Mask for Weights<'_, T> {
    #[inline(always)]
    fn keeps(&self, i: usize) -> bool {
        self.is_valid(i) && !self.values[i].to_f64().is_nan()
    }
}

/// Those that both keep.
impl<A: Mask, B: Mask> Mask for (A, B) {
    #[inline(always)]
    fn keeps(&self, i: usize) -> bool {
        self.0.keeps(i) && self.1.keeps(i)
    }
}

/// The width of a block. Eight doubles are one AVX-512 register or two AVX2 ones. Sums are kept in this many lanes,
/// whatever the machine, so that the order of addition, and with it every bit of the result, is the same everywhere.
pub const LANES: usize = 8;

/// One block of weights; the last is filled up with zeros, which add nothing to any sum.
pub type Block = [f64; LANES];

/// Something that a distribution can be read from in blocks.
pub trait Source {
    /// The number of blocks.
    fn blocks(&self) -> usize;
    /// The `i`-th block.
    fn block(&self, i: usize) -> Block;
}

/// Weights without nulls.
#[derive(Clone, Copy)]
pub struct Dense<'a, T> {
    /// As many as fill blocks.
    whole: &'a [[T; LANES]],
    /// The others, read once for all passes.
    last: Block,
    blocks: usize,
}

impl<'a, T: Weight> Dense<'a, T> {
    #[inline(always)]
    fn new(values: &'a [T]) -> Self {
        let (whole, rest) = values.as_chunks::<LANES>();
        let mut last = [0.0; LANES];
        for (slot, x) in last.iter_mut().zip(rest) {
            *slot = x.to_f64();
        }
        Dense { whole, last, blocks: whole.len() + usize::from(!rest.is_empty()) }
    }
}

impl<T: Weight> Source for Dense<'_, T> {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.blocks
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        let Some(whole) = self.whole.get(i) else { return self.last };
        let mut block = [0.0; LANES];
        for k in 0..LANES {
            block[k] = whole[k].to_f64();
        }
        block
    }
}

/// Weights of which some are dropped; see [`Weights::masked`].
#[derive(Clone, Copy)]
pub struct Masked<'a, T, M> {
    values: &'a [T],
    mask: M,
    scale: f64,
}

impl<T: Weight, M: Mask> Source for Masked<'_, T, M> {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.values.len().div_ceil(LANES)
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        let mut block = [0.0; LANES];
        for (k, slot) in block.iter_mut().enumerate() {
            let at = i * LANES + k;
            if at < self.values.len() && self.mask.keeps(at) {
                *slot = self.values[at].to_f64() * self.scale;
            }
        }
        block
    }
}

/// What a sum is taken of. Not a closure: those are not sure to be inlined, and a loop that isn't inlined as a whole is not
/// compiled for the instruction set at hand.
pub trait Terms<const N: usize> {
    /// Adds the terms of the `i`-th block to the lanes of N sums.
    fn add(&mut self, i: usize, lanes: &mut [Block; N]);
}

/// Sums N quantities over so many blocks.
///
/// The order, which fixes the rounding: lane by lane over runs of 16 blocks, the lanes pairwise at the end of a run,
/// and the runs in sequence with the rounding error carried along (Neumaier 1974). So the error is that of 16
/// additions, however long the row is.
#[inline(always)]
pub fn sums<const N: usize>(blocks: usize, terms: &mut impl Terms<N>) -> [f64; N] {
    const RUN: usize = 16;
    let mut sums = [Carried::default(); N];
    let mut start = 0;
    while start < blocks {
        let mut lanes = [[0.0; LANES]; N];
        for i in start..blocks.min(start + RUN) {
            terms.add(i, &mut lanes);
        }
        for n in 0..N {
            sums[n].add(pairwise(lanes[n]));
        }
        start += RUN;
    }
    let mut totals = [0.0; N];
    for n in 0..N {
        totals[n] = sums[n].total();
    }
    totals
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

/// The total of a distribution and its extremes.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// The sum.
    pub total: f64,
    /// The largest weights by lane, and at least 0.
    max: Block,
    /// The smallest weights by lane, and at most 0.
    min: Block,
}

/// Totals outside of these need scaling: products of two of them, or their reciprocals, would leave the range of
/// doubles or the normal numbers.
const TINY: f64 = 1e-150;
const HUGE: f64 = 1e150;

impl Totals {
    /// Reads the distribution once.
    #[inline(always)]
    pub fn of(source: &impl Source) -> Totals {
        let mut scan = Scan { source, max: [0.0; LANES], min: [0.0; LANES] };
        let [total] = sums(source.blocks(), &mut scan);
        Totals { total, max: scan.max, min: scan.min }
    }

    /// The largest weight, and at least 0.
    #[inline(always)]
    pub fn max(&self) -> f64 {
        let mut max = self.max[0];
        for k in 1..LANES {
            max = if self.max[k] > max { self.max[k] } else { max };
        }
        max
    }

    /// Whether some weight is more than half of the total. Asked of the lanes at once, which is quicker than the maximum.
    #[inline(always)]
    pub fn have_dominant(&self) -> bool {
        let mut any = false;
        for k in 0..LANES {
            any |= self.max[k] > 0.5 * self.total;
        }
        any
    }

    /// Whether no rule but 9 can apply and no care is needed about the range: there is mass, all weights are finite,
    /// not missing and not negative (a NaN or an infinity would show in the total), and the total can be multiplied.
    #[inline(always)]
    pub fn are_plain(&self) -> bool {
        let mut negative = false;
        for k in 0..LANES {
            negative |= self.min[k] < 0.0;
        }
        !negative && self.total >= TINY && self.total <= HUGE
    }

    /// The power of two that brings the sum of weights with this maximum into the middle of the range.
    pub fn scale(&self) -> f64 {
        if self.max() > HUGE {
            power_of_two(-600)
        } else if self.max() < TINY {
            power_of_two(600)
        } else {
            1.0
        }
    }
}

struct Scan<'a, S> {
    source: &'a S,
    max: Block,
    min: Block,
}

impl<S: Source> Terms<1> for Scan<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, [total]: &mut [Block; 1]) {
        let x = self.source.block(i);
        for k in 0..LANES {
            total[k] += x[k];
            self.max[k] = if x[k] > self.max[k] { x[k] } else { self.max[k] };
            self.min[k] = if x[k] < self.min[k] { x[k] } else { self.min[k] };
        }
    }
}
