//! Views of weights with their validity, and the blocks in which they are read.

use std::ops::Range;

use super::blocks::{Block, LANES, Source, Stored, Wide, any, lanes};
use super::simd::{Arithmetic, IsaOps, prefetch};

/// A floating-point number that weights are stored in. Integers and the rest are cast at the edge; sums are always
/// taken in double precision.
pub trait Weight: Copy + Default + 'static {
    /// Whether that is single precision, which has ways of its own.
    const SINGLE: bool;
    /// Not a number.
    const NAN: Self;
    /// −∞.
    const NEG_INFINITY: Self;
    /// The number in double precision.
    fn to_f64(self) -> f64;
    /// The number in single precision.
    fn to_f32(self) -> f32;
    /// Whether the number is missing: the one definition, beside which only nulls are.
    #[inline(always)]
    fn is_missing(self) -> bool {
        self.to_f64().is_nan()
    }
    /// Four columns of eight rows.
    fn columns<A: Arithmetic>(rows: [[Self; QUAD]; LANES]) -> [[Self; LANES]; QUAD];
}

impl Weight for f64 {
    const SINGLE: bool = false;
    const NAN: f64 = f64::NAN;
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn columns<A: Arithmetic>(rows: [[f64; QUAD]; LANES]) -> [[f64; LANES]; QUAD] {
        A::Isa::columns(rows)
    }
}

impl Weight for f32 {
    const SINGLE: bool = true;
    const NAN: f32 = f32::NAN;
    const NEG_INFINITY: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn columns<A: Arithmetic>(rows: [[f32; QUAD]; LANES]) -> [[f32; LANES]; QUAD] {
        A::Isa::columns_single(rows)
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

    /// The bits from element `i` on.
    #[inline(always)]
    pub(super) fn from(self, i: usize) -> Self {
        Bits { bytes: self.bytes, offset: self.offset + i }
    }

    /// The bits of elements `i` to `i + 7`, the first the lowest; what lies behind the end of the map means nothing.
    #[inline(always)]
    pub(super) fn eight(self, i: usize) -> u8 {
        let i = self.offset + i;
        let byte = |at| self.bytes.get(at).copied().map_or(0, u16::from);
        ((byte(i / 8) | (byte(i / 8 + 1) << 8)) >> (i % 8)) as u8
    }

    /// Whether the first `len` elements are valid.
    #[inline(always)]
    pub(super) fn all(self, len: usize) -> bool {
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

    /// The weights as they lie in memory, junk under nulls included.
    pub(super) fn values(self) -> &'a [T] {
        self.values
    }

    /// Validity, if there are nulls.
    pub(super) fn nulls(self) -> Option<Bits<'a>> {
        self.valid.filter(|bits| !bits.all(self.len()))
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

    /// Whether a weight, or junk under a null, is at least this large.
    pub fn any_from(self, least: f64) -> bool {
        // In pieces without a branch, which become vector code.
        self.values.chunks(256).any(|piece| piece.iter().fold(false, |any, x| any | (x.to_f64() >= least)))
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
        self.dense_before(T::default())
    }

    /// As [`dense`](Weights::dense), with something else than 0 behind the last element.
    #[inline(always)]
    pub fn dense_before(self, nothing: T) -> Option<Dense<'a, T>> {
        self.no_nulls().map(|values| Dense::new(values, nothing))
    }

    /// The weights with 0 in place of those that the mask drops, scaled by a power of two. Dropping an element and giving it
    /// no mass are the same thing to a sum, so nothing is copied.
    #[inline(always)]
    pub fn masked<M: Mask>(self, mask: M, scale: f64) -> Masked<'a, T, M> {
        Masked { values: self.values, mask, scale }
    }
}

/// Choice of the elements of a distribution that stay.
pub trait Mask: Copy {
    /// Whether element `i` does.
    fn keeps(&self, i: usize) -> bool;
    /// Whether elements `i` to `i + 7` do; behind the end it means nothing.
    fn keeps_eight(&self, i: usize) -> [bool; LANES];
}

/// Mask of what isn't missing.
impl<T: Weight> Mask for Weights<'_, T> {
    #[inline(always)]
    fn keeps(&self, i: usize) -> bool {
        self.is_valid(i) && !self.values[i].is_missing()
    }

    #[inline(always)]
    fn keeps_eight(&self, i: usize) -> [bool; LANES] {
        let valid = self.valid.map_or(u8::MAX, |bits| bits.eight(i));
        let x = padded::<LANES, _>(self.values, i, T::default());
        lanes!(k => (valid & (1 << k) != 0) & !x[k].is_missing())
    }
}

/// Intersection of two masks.
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

/// Elements from `i` on, with what stands for nothing behind the end.
#[inline(always)]
fn padded<const N: usize, T: Weight>(values: &[T], i: usize, nothing: T) -> [T; N] {
    let rest = values.get(i..).unwrap_or_default();
    match rest.first_chunk() {
        Some(whole) => *whole,
        None => {
            let mut block = [nothing; N];
            block.iter_mut().zip(rest).for_each(|(slot, x)| *slot = *x);
            block
        }
    }
}

/// Sixteen elements in single precision.
#[inline(always)]
fn to_wide<T: Weight>(values: &[T]) -> Wide {
    let mut wide = Wide::default();
    for k in 0..wide.len() {
        wide[k] = values[k].to_f32();
    }
    wide
}

/// Weights without nulls, [`OneRow`](super::blocks::OneRow).
#[derive(Clone, Copy)]
pub struct Dense<'a, T> {
    /// Weights that fill blocks.
    whole: &'a [[T; LANES]],
    /// Other weights, read once for all passes.
    last: [T; LANES],
    blocks: usize,
}

impl<'a, T: Weight> Dense<'a, T> {
    /// These weights, with what stands for nothing behind the last.
    #[inline(always)]
    pub fn new(values: &'a [T], nothing: T) -> Self {
        let (whole, rest) = values.as_chunks::<LANES>();
        Dense { whole, last: padded(rest, 0, nothing), blocks: values.len().div_ceil(LANES) }
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
            None => lanes!(k => self.last[k].to_f64()),
        }
    }

    #[inline(always)]
    fn prefetch_next(&self, i: usize) {
        prefetch(self.whole, self.blocks + i);
    }
}

impl<T: Weight> Stored for Dense<'_, T> {
    const SINGLE: bool = T::SINGLE;

    #[inline(always)]
    fn wide(&self, i: usize) -> Wide {
        match self.whole.get(2 * i..2 * i + 2) {
            Some(whole) => to_wide(whole.as_flattened()),
            None if 2 * i < self.whole.len() => to_wide([self.whole[2 * i], self.last].as_flattened()),
            None => to_wide([self.last, [T::default(); LANES]].as_flattened()),
        }
    }
}

/// Weights of which some are dropped, [`OneRow`](super::blocks::OneRow); see [`Weights::masked`].
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
        let (x, keeps) =
            (padded::<LANES, _>(self.values, i * LANES, T::default()), self.mask.keeps_eight(i * LANES));
        lanes!(k => if keeps[k] { x[k].to_f64() * self.scale } else { 0.0 })
    }
}

impl<T: Weight, M: Mask> Stored for Masked<'_, T, M> {
    const SINGLE: bool = T::SINGLE;

    #[inline(always)]
    fn wide(&self, i: usize) -> Wide {
        debug_assert_eq!(self.scale, 1.0, "weights are scaled in double precision");
        let kept = |i| {
            let (x, keeps) =
                (padded::<LANES, _>(self.values, i * LANES, T::default()), self.mask.keeps_eight(i * LANES));
            lanes!(k => if keeps[k] { x[k] } else { T::default() })
        };
        to_wide([kept(2 * i), kept(2 * i + 1)].as_flattened())
    }
}

/// The longest distribution that fits a [`Tile`].
pub const SHORT: usize = 128;

/// So many columns of a tile are filled at a time.
const QUAD: usize = 4;

/// The lengths of eight short distributions.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    each: [usize; LANES],
    shortest: usize,
    longest: usize,
}

impl Default for Lens {
    fn default() -> Self {
        Lens { each: [0; LANES], shortest: SHORT, longest: 0 }
    }
}

impl Lens {
    /// Sets the length of distribution `k`, once.
    #[inline(always)]
    pub fn put(&mut self, k: usize, len: usize) {
        self.each[k] = len;
        // Here and not of all at once: a vector load right after eight scalar stores would wait for them.
        self.shortest = self.shortest.min(len);
        self.longest = self.longest.max(len);
    }

    /// The lengths.
    #[inline(always)]
    pub fn of(each: [usize; LANES]) -> Lens {
        let (mut shortest, mut longest) = (each[0], each[0]);
        // As a rule they are all the same, which is known at once.
        if any(lanes!(k => each[k] != each[0])) {
            for len in each {
                shortest = shortest.min(len);
                longest = longest.max(len);
            }
        }
        Lens { each, shortest, longest }
    }

    /// The shortest and the longest of them.
    #[inline(always)]
    pub fn extremes(&self) -> (usize, usize) {
        (self.shortest, self.longest)
    }

    /// Length of distribution `k`.
    #[inline(always)]
    pub fn get(&self, k: usize) -> usize {
        self.each[k]
    }
}

/// The bytes of a line of the cache.
const LINE: usize = 64;

/// Eight short distributions, [`EightRows`](super::blocks::EightRows). Aligned, so that no block lies in two lines of the cache.
#[repr(C, align(64))]
pub struct Tile<T> {
    blocks: [[T; LANES]; SHORT],
    used: usize,
}

impl<T: Weight> Default for Tile<T> {
    fn default() -> Self {
        Tile { blocks: [[T::default(); LANES]; SHORT], used: 0 }
    }
}

impl<T: Weight> Tile<T> {
    /// Puts a distribution into each lane: those that start there in `x` and are so long, and nothing behind them. What is missing
    /// becomes NaN.
    #[inline(always)]
    pub fn fill<A: Arithmetic>(&mut self, x: Weights<T>, starts: &[usize; LANES], lens: &Lens, nothing: T) {
        let (shortest, longest, lens) = (lens.shortest, lens.longest, &lens.each);
        // In single precision, blocks are read in twos.
        self.used = if T::SINGLE { longest.next_multiple_of(2) } else { longest };
        // What follows a distribution is read along with its last elements, and taken out below.
        let quads = longest.div_ceil(QUAD);
        let columns = &mut self.blocks.as_chunks_mut().0[..quads];
        let room = x.values.len().checked_sub(quads * QUAD);
        let mut within = room.is_some();
        for start in starts {
            within &= *start <= room.unwrap_or_default();
        }
        if within {
            // Eight rows at once are no sequence that a processor would read ahead of by itself. The next eight most often lie
            // right behind the last of these.
            let next = starts[LANES - 1] + lens[LANES - 1];
            for (i, columns) in columns.iter_mut().enumerate() {
                let ahead = next + i * QUAD * LANES;
                for line in (0..QUAD * LANES).step_by(LINE / size_of::<T>()) {
                    prefetch(x.values, ahead + line);
                }
                // SAFETY: `within` says that all elements of the tile's columns follow each start.
                let row = |k: usize| unsafe {
                    x.values.as_ptr().add(starts[k] + i * QUAD).cast::<[T; QUAD]>().read_unaligned()
                };
                *columns = T::columns::<A>([row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)]);
            }
        } else {
            for (i, columns) in columns.iter_mut().enumerate() {
                *columns = T::columns::<A>(lanes!(k => padded(x.values, starts[k] + i * QUAD, nothing)));
            }
        }
        for (i, block) in self.blocks[..self.used].iter_mut().enumerate().skip(shortest) {
            *block = lanes!(k => if i < lens[k] { block[k] } else { nothing });
        }
        let Some(bits) = x.valid else { return };
        for k in 0..LANES {
            if !bits.from(starts[k]).all(lens[k]) {
                for i in 0..lens[k] {
                    self.blocks[i][k] = if bits.get(starts[k] + i) { self.blocks[i][k] } else { T::NAN };
                }
            }
        }
    }

    /// So many blocks, to be written.
    #[inline(always)]
    pub fn blocks_mut(&mut self, used: usize) -> &mut [[T; LANES]] {
        self.used = used;
        &mut self.blocks[..used]
    }

    /// Drops what is missing.
    #[inline(always)]
    pub fn omit(&mut self, nothing: T) {
        for x in self.blocks[..self.used].as_flattened_mut() {
            *x = if x.is_missing() { nothing } else { *x };
        }
    }

    /// Drops what is missing in this or the other one.
    #[inline(always)]
    pub fn omit_pairs(&mut self, other: &mut Tile<T>, nothing: T) {
        let pairs = self.blocks[..self.used].as_flattened_mut().iter_mut();
        for (p, q) in pairs.zip(other.blocks.as_flattened_mut()) {
            let keep = !p.is_missing() & !q.is_missing();
            *p = if keep { *p } else { nothing };
            *q = if keep { *q } else { nothing };
        }
    }
}

impl<T: Weight> Source for Tile<T> {
    #[inline(always)]
    fn blocks(&self) -> usize {
        self.used.min(SHORT)
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Block {
        lanes!(k => self.blocks[i][k].to_f64())
    }
}

impl<T: Weight> Stored for Tile<T> {
    const SINGLE: bool = T::SINGLE;

    #[inline(always)]
    fn wide(&self, i: usize) -> Wide {
        to_wide(self.blocks[2 * i..2 * i + 2].as_flattened())
    }
}
