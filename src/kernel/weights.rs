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

    /// Those from element `i` on.
    #[inline(always)]
    fn from(self, i: usize) -> Self {
        Bits { bytes: self.bytes, offset: self.offset + i }
    }

    /// The bits of elements `i` to `i + 7`, the first the lowest; what lies behind the end of the map means nothing.
    #[inline(always)]
    fn eight(self, i: usize) -> u8 {
        let i = self.offset + i;
        let byte = |at| self.bytes.get(at).copied().map_or(0, u16::from);
        ((byte(i / 8) | (byte(i / 8 + 1) << 8)) >> (i % 8)) as u8
    }

    /// Whether the first `len` elements are valid.
    #[inline(always)]
    fn all(self, len: usize) -> bool {
        let at = self.offset / 8..;
        if let Some(word) = self.bytes.get(at).and_then(<[u8]>::first_chunk::<8>)
            && self.offset % 8 + len < 64
        {
            let within = (1 << len) - 1;
            return !(u64::from_le_bytes(*word) >> (self.offset % 8)) & within == 0;
        }
        let mut invalid = 0;
        for i in (0..len).step_by(8) {
            let within = if len - i < 8 { (1 << (len - i)) - 1 } else { u8::MAX };
            invalid |= !self.eight(i) & within;
        }
        invalid == 0
    }
}

/// Weights and which of them are there.
#[derive(Clone, Copy, Debug, Default)]
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
        let valid = self.valid.map(|bits| bits.from(range.start));
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
            Some(bits) if !bits.all(self.len()) => None,
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
    /// The same for elements `i` to `i + 7`; behind the end it means nothing.
    fn keeps_eight(&self, i: usize) -> [bool; LANES];
}

/// Those that are numbers: neither null nor NaN.
impl<T: Weight> Mask for Weights<'_, T> {
    #[inline(always)]
    fn keeps(&self, i: usize) -> bool {
        self.is_valid(i) && !self.values[i].to_f64().is_nan()
    }

    #[inline(always)]
    fn keeps_eight(&self, i: usize) -> [bool; LANES] {
        let valid = self.valid.map_or(u8::MAX, |bits| bits.eight(i));
        let x = eight(self.values, i);
        lanes!(k => (valid & (1 << k) != 0) & !x[k].is_nan())
    }
}

/// Those that both keep.
impl<A: Mask, B: Mask> Mask for (A, B) {
    #[inline(always)]
    fn keeps(&self, i: usize) -> bool {
        self.0.keeps(i) && self.1.keeps(i)
    }

    #[inline(always)]
    fn keeps_eight(&self, i: usize) -> [bool; LANES] {
        let (a, b) = (self.0.keeps_eight(i), self.1.keeps_eight(i));
        lanes!(k => a[k] & b[k])
    }
}

/// Elements `i` to `i + 7`, with 0 behind the end.
#[inline(always)]
fn eight<T: Weight>(values: &[T], i: usize) -> Block {
    let rest = &values[i..];
    match rest.first_chunk::<LANES>() {
        Some(whole) => lanes!(k => whole[k].to_f64()),
        None => {
            let mut block = [0.0; LANES];
            block.iter_mut().zip(rest).for_each(|(slot, x)| *slot = x.to_f64());
            block
        }
    }
}

/// The width of a block. Eight doubles are one AVX-512 register or two AVX2 ones. Sums are kept in this many lanes,
/// whatever the machine, so that the order of addition, and with it every bit of the result, is the same everywhere.
pub const LANES: usize = 8;

/// A number for each lane.
pub type Block = [f64; LANES];

/// A block of an expression for each lane. A macro, since closures are not sure to be inlined; see [`Terms`].
macro_rules! lanes {
    ($k:ident => $lane:expr) => {{
        let mut block = [Default::default(); $crate::kernel::weights::LANES];
        for $k in 0..$crate::kernel::weights::LANES {
            block[$k] = $lane;
        }
        block
    }};
}
pub(crate) use lanes;

/// How distributions lie in blocks.
pub trait Layout {
    /// The sum over all lanes that belong to the same distribution, in each of these lanes.
    fn sum(lanes: Block) -> Block;
    /// The maximum over them.
    fn max(lanes: Block) -> Block;
    /// Whether something holds for all of them.
    fn all(lanes: [bool; LANES]) -> [bool; LANES];
}

/// One distribution, eight elements to a block.
pub struct Along;

impl Layout for Along {
    #[inline(always)]
    fn sum(lanes: Block) -> Block {
        [pairwise(&lanes); LANES]
    }

    #[inline(always)]
    fn max(lanes: Block) -> Block {
        let mut max = lanes[0];
        for x in lanes {
            max = if x > max { x } else { max };
        }
        [max; LANES]
    }

    #[inline(always)]
    fn all(lanes: [bool; LANES]) -> [bool; LANES] {
        let mut all = true;
        for lane in lanes {
            all &= lane;
        }
        [all; LANES]
    }
}

/// Not inlined, so that the lanes are one block up to here: the compiler's vectoriser would begin with the pairs, and go
/// through all that comes before in pairs.
#[inline(never)]
fn pairwise([a, b, c, d, e, f, g, h]: &Block) -> f64 {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Eight distributions, an element of each to a block. In this way short ones are as cheap as long ones.
pub struct Across;

impl Layout for Across {
    #[inline(always)]
    fn sum(lanes: Block) -> Block {
        lanes
    }

    #[inline(always)]
    fn max(lanes: Block) -> Block {
        lanes
    }

    #[inline(always)]
    fn all(lanes: [bool; LANES]) -> [bool; LANES] {
        lanes
    }
}

/// Something that distributions can be read from in blocks. What is no element is 0, which adds nothing to any sum.
pub trait Source {
    /// The number of blocks.
    fn blocks(&self) -> usize;
    /// The `i`-th block.
    fn block(&self, i: usize) -> Block;
}

/// Weights without nulls, [`Along`].
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
        Dense { whole, last: eight(rest, 0), blocks: values.len().div_ceil(LANES) }
    }
}

impl<T: Weight> Source for Dense<'_, T> {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.blocks
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        match self.whole.get(i) {
            Some(whole) => lanes!(k => whole[k].to_f64()),
            None => self.last,
        }
    }
}

/// Weights of which some are dropped, [`Along`]; see [`Weights::masked`].
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
        let (x, keeps) = (eight(self.values, i * LANES), self.mask.keeps_eight(i * LANES));
        lanes!(k => if keeps[k] { x[k] * self.scale } else { 0.0 })
    }
}

/// The longest distribution that is taken [`Across`].
pub const SHORT: usize = 64;

/// Eight short distributions, [`Across`].
pub struct Tile {
    blocks: [Block; SHORT],
    used: usize,
}

impl Default for Tile {
    fn default() -> Self {
        Tile { blocks: [[0.0; LANES]; SHORT], used: 0 }
    }
}

impl Tile {
    /// Puts a distribution into each lane: those that start there in `x` and are so long. What is missing becomes NaN.
    #[inline(always)]
    pub fn fill<T: Weight>(&mut self, x: Weights<T>, starts: [usize; LANES], lens: [usize; LANES]) {
        let (mut shortest, mut longest) = (SHORT, 0);
        for len in lens {
            shortest = shortest.min(len);
            longest = longest.max(len);
        }
        self.used = longest.min(SHORT);
        let heads: [&[T]; LANES] = lanes!(k => &x.values[starts[k]..starts[k] + shortest]);
        for (i, block) in self.blocks[..shortest].iter_mut().enumerate() {
            *block = lanes!(k => heads[k][i].to_f64());
        }
        if shortest < longest {
            self.blocks[shortest..self.used].fill([0.0; LANES]);
            for k in 0..LANES {
                let rest = &x.values[starts[k] + shortest..starts[k] + lens[k]];
                for (block, x) in self.blocks[shortest..].iter_mut().zip(rest) {
                    block[k] = x.to_f64();
                }
            }
        }
        let Some(bits) = x.valid else { return };
        for k in 0..LANES {
            if !bits.from(starts[k]).all(lens[k]) {
                for i in 0..lens[k] {
                    self.blocks[i][k] = if bits.get(starts[k] + i) { self.blocks[i][k] } else { f64::NAN };
                }
            }
        }
    }

    /// Drops what is missing.
    #[inline(always)]
    pub fn omit(&mut self) {
        for x in self.blocks[..self.used].as_flattened_mut() {
            *x = if x.is_nan() { 0.0 } else { *x };
        }
    }

    /// Drops what is missing in this or the other one.
    #[inline(always)]
    pub fn omit_pairs(&mut self, other: &mut Tile) {
        let pairs = self.blocks[..self.used].as_flattened_mut().iter_mut();
        for (p, q) in pairs.zip(other.blocks.as_flattened_mut()) {
            let keep = !p.is_nan() & !q.is_nan();
            *p = if keep { *p } else { 0.0 };
            *q = if keep { *q } else { 0.0 };
        }
    }
}

impl Source for Tile {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.used.min(SHORT)
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        self.blocks[i]
    }
}

/// What a sum is taken of. Not a closure: those are not sure to be inlined, and a loop that isn't inlined as a whole is not
/// compiled for the instruction set at hand.
pub trait Terms<A, const N: usize> {
    /// Adds the terms of the `i`-th block to the lanes of N sums.
    fn add(&mut self, i: usize, sums: &mut [Block; N]);
}

/// Sums N quantities over so many blocks.
///
/// The order, which fixes the rounding: lane by lane over runs of 16 blocks, the runs in sequence with the rounding error
/// carried along (Neumaier 1974), and then the lanes, pairwise. So the error is that of 16 additions or so, however long
/// the distribution is.
#[inline(always)]
pub fn sums<A, L: Layout, const N: usize>(blocks: usize, terms: &mut impl Terms<A, N>) -> [Block; N] {
    const RUN: usize = 16;
    let mut sums = [[0.0; LANES]; N];
    for i in 0..blocks.min(RUN) {
        terms.add(i, &mut sums);
    }
    let mut errors = [[0.0; LANES]; N];
    let mut start = RUN;
    while start < blocks {
        let mut run = [[0.0; LANES]; N];
        for i in start..blocks.min(start + RUN) {
            terms.add(i, &mut run);
        }
        for n in 0..N {
            for k in 0..LANES {
                let (carried, error) = two_sum(sums[n][k], run[n][k]);
                sums[n][k] = carried;
                errors[n][k] += error;
            }
        }
        start += RUN;
    }
    for n in 0..N {
        let (sum, error) = (L::sum(sums[n]), L::sum(errors[n]));
        sums[n] = lanes!(k => sum[k] + error[k]);
    }
    sums
}

/// The sum and its rounding error, exactly (Knuth).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
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
        let (value, error) = two_sum(self.value, x);
        self.value = value;
        self.error += error;
    }

    /// The sum so far.
    #[inline(always)]
    pub fn total(self) -> f64 {
        self.value + self.error
    }
}

/// The totals of distributions and their extremes.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// The sums.
    pub total: Block,
    /// The largest weights of each lane, and at least 0.
    max: Block,
    /// The smallest weights of each lane, and at most 0.
    min: Block,
}

/// Totals outside of these need scaling: their products, products of one with a weight, or their reciprocals would leave
/// the range of doubles or the normal numbers.
const TINY: f64 = 1e-100;
const HUGE: f64 = 1e100;

impl Totals {
    /// Reads the distributions once.
    #[inline(always)]
    pub fn of<L: Layout>(source: &impl Source) -> Totals {
        let mut scan = Scan { source, max: [0.0; LANES], min: [0.0; LANES] };
        let [total] = sums::<(), L, 1>(source.blocks(), &mut scan);
        Totals { total, max: scan.max, min: scan.min }
    }

    /// The largest weights, and at least 0.
    #[inline(always)]
    pub fn max<L: Layout>(&self) -> Block {
        L::max(self.max)
    }

    /// Whether some weight is more than half of its total. Asked of the lanes at once, which is quicker than the maximum.
    #[inline(always)]
    pub fn have_dominant(&self) -> bool {
        any(lanes!(k => self.max[k] > 0.5 * self.total[k]))
    }

    /// Where no rule but 9 can apply and no care is needed about the range: there is mass, all weights are finite, not
    /// missing and not negative (a NaN or an infinity would show in the total), and totals can be multiplied.
    #[inline(always)]
    pub fn are_plain<L: Layout>(&self) -> [bool; LANES] {
        L::all(lanes!(k => (self.min[k] >= 0.0) & (self.total[k] >= TINY) & (self.total[k] <= HUGE)))
    }

    /// The power of two that brings the sum of weights with this maximum into the middle of the range.
    pub fn scale(&self) -> f64 {
        let max = Along::max(self.max)[0];
        if max > HUGE {
            power_of_two(if max > 1e200 { -900 } else { -500 })
        } else if max < TINY {
            power_of_two(if max < 1e-200 { 900 } else { 500 })
        } else {
            1.0
        }
    }
}

/// Values of distributions in blocks, and where they hold; elsewhere the rules have to be asked.
#[derive(Clone, Copy, Debug)]
pub struct Plain {
    /// The values.
    pub value: Block,
    /// Whether they hold.
    pub holds: [bool; LANES],
}

/// Nowhere.
pub const NOT_PLAIN: Plain = Plain { value: [0.0; LANES], holds: [false; LANES] };

/// Whether one of them holds.
#[inline(always)]
pub fn any(lanes: [bool; LANES]) -> bool {
    let mut any = false;
    for lane in lanes {
        any |= lane;
    }
    any
}

struct Scan<'a, S> {
    source: &'a S,
    max: Block,
    min: Block,
}

impl<S: Source> Terms<(), 1> for Scan<'_, S> {
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
