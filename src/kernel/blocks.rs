//! Blocks of eight lanes: how distributions lie in them, how they are summed, and what their totals tell.

use std::ops::Range;

use super::math::{nan_unless, power_of_two};
use super::simd::{Arithmetic, IsaOps};

/// The width of a block. Eight doubles are one AVX-512 register or two AVX2 ones. Sums are kept in this many lanes,
/// whatever the machine, so that the order of addition, and with it every bit of the result, is the same everywhere.
pub const LANES: usize = 8;

/// A number for each lane.
pub type Block = [f64; LANES];

/// Two blocks of weights in single precision: one register of sixteen.
pub type Wide = [f32; 2 * LANES];

/// A block of an expression for each lane. A macro, since closures are not sure to be inlined; see [`Terms`].
macro_rules! lanes {
    ($k:ident => $lane:expr) => {{
        let mut block = [Default::default(); $crate::kernel::blocks::LANES];
        for $k in 0..$crate::kernel::blocks::LANES {
            block[$k] = $lane;
        }
        block
    }};
}
pub(crate) use lanes;

/// How distributions lie in blocks.
pub trait Layout {
    /// Whether all lanes belong to one distribution.
    const ONE: bool;
    /// The sum over all lanes that belong to the same distribution, in each of these lanes.
    fn sum(lanes: Block) -> Block;
    /// The maximum over them.
    fn max(lanes: Block) -> Block;
    /// Whether something holds for all of them.
    fn all(lanes: [bool; LANES]) -> [bool; LANES];
    /// Optimisation barrier: without it LLVM vectorises the horizontal step in pairs, and narrows the loop before it. Nothing but
    /// the time depends on it.
    fn optimisation_barrier(lanes: Block) -> Block;
}

/// One distribution, eight elements to a block.
pub struct OneRow;

impl Layout for OneRow {
    const ONE: bool = true;

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

    #[inline(always)]
    fn optimisation_barrier(lanes: Block) -> Block {
        std::hint::black_box(lanes)
    }
}

/// Not inlined, which is an [optimisation barrier](Layout::optimisation_barrier), too, and spares a sum the way through memory.
#[inline(never)]
fn pairwise([a, b, c, d, e, f, g, h]: &Block) -> f64 {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Eight distributions, an element of each to a block. In this way short ones are as cheap as long ones.
pub struct EightRows;

impl Layout for EightRows {
    const ONE: bool = false;

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

    #[inline(always)]
    fn optimisation_barrier(lanes: Block) -> Block {
        lanes
    }
}

/// Something that distributions can be read from in blocks. What is no element is 0, which adds nothing to any sum.
pub trait Source {
    /// The number of blocks.
    fn blocks(&self) -> usize;
    /// The `i`-th block.
    fn block(&self, i: usize) -> Block;
    /// Has the cache fetch the `i`-th block of what lies right behind, which is likely the next distribution.
    #[inline(always)]
    fn prefetch_next(&self, _: usize) {}
}

/// A source whose weights may be stored in single precision, and can be read so.
///
/// They are taken in groups, each of which goes through a loop in single precision and then through one in double. A loop for
/// both would be compiled for eight lanes, the fewer of the two.
pub trait Stored: Source {
    /// Whether they are.
    const SINGLE: bool;
    /// Blocks 2i and 2i + 1; the latter is 0 if there is none.
    fn wide(&self, i: usize) -> Wide;

    /// The number of groups.
    #[inline(always)]
    fn groups(&self) -> usize {
        self.blocks().div_ceil(2 * GROUP)
    }

    /// The pairs of blocks of the `i`-th group.
    #[inline(always)]
    fn group(&self, i: usize) -> Range<usize> {
        let (start, end) = (i * GROUP, self.blocks().div_ceil(2));
        // Asserted, since a loop over what may be nothing keeps its sums apart.
        assert!(start < end, "a group has blocks");
        start..end.min(start + GROUP)
    }
}

/// The number of pairs of blocks in a group.
pub const GROUP: usize = 8;

/// Terms of a sum. Not a closure: those are not sure to be inlined, and a loop that isn't inlined as a whole is not
/// compiled for the instruction set at hand.
///
/// Terms of many operations are computed in two steps, with M blocks in between. A processor looks a hundred instructions or so
/// ahead, and would otherwise wait for the division of a block before it begins the next.
pub trait Terms<A, const N: usize, const M: usize = 0> {
    /// First step of the terms of the `i`-th block.
    #[inline(always)]
    fn begin(&mut self, _: usize) -> [Block; M] {
        [[0.0; LANES]; M]
    }

    /// Adds the terms of the `i`-th block to the lanes of N sums.
    fn add(&mut self, i: usize, begun: &[Block; M], sums: &mut [Block; N]);
}

/// Sums N quantities over so many blocks.
///
/// The order, which fixes the rounding: lane by lane over runs of 16 blocks, the runs in sequence with the rounding error
/// carried along (Neumaier 1974), and then the lanes, pairwise. So the error is that of 16 additions or so, however long
/// the distribution is.
#[inline(always)]
pub fn sums<A: Arithmetic, L: Layout, const N: usize, const M: usize>(
    blocks: usize,
    terms: &mut impl Terms<A, N, M>,
) -> [Block; N] {
    const RUN: usize = 16;
    let mut sums = [[0.0; LANES]; N];
    let mut errors = [[0.0; LANES]; N];
    for start in (0..blocks).step_by(RUN) {
        let run = run(start..blocks.min(start + RUN), terms);
        if start == 0 {
            sums = run;
            continue;
        }
        for n in 0..N {
            for k in 0..LANES {
                let (carried, error) = two_sum(sums[n][k], run[n][k]);
                sums[n][k] = carried;
                errors[n][k] += error;
            }
        }
    }
    for n in 0..N {
        let sum = L::sum(sums[n]);
        let error = if blocks > RUN { L::sum(errors[n]) } else { [0.0; LANES] };
        sums[n] = lanes!(k => sum[k] + error[k]);
    }
    if L::ONE { sums } else { pinned::<A, N>(sums) }
}

/// Sums lane by lane, over at least one block. The first step of a block precedes the second step of the block before it.
#[inline(always)]
fn run<A: Arithmetic, const N: usize, const M: usize>(
    blocks: Range<usize>,
    terms: &mut impl Terms<A, N, M>,
) -> [Block; N] {
    let mut sums = [[0.0; LANES]; N];
    let last = blocks.end - 1;
    let mut begun = pinned::<A, M>(terms.begin(blocks.start));
    for i in blocks.start..last {
        let next = pinned::<A, M>(terms.begin(i + 1));
        terms.add(i, &begun, &mut sums);
        sums = pinned::<A, N>(sums);
        begun = next;
    }
    terms.add(last, &begun, &mut sums);
    pinned::<A, N>(sums)
}

/// The blocks, [in vector registers](IsaOps::pinned).
#[inline(always)]
pub fn pinned<A: Arithmetic, const N: usize>(mut blocks: [Block; N]) -> [Block; N] {
    for block in &mut blocks {
        *block = A::Isa::pinned(*block);
    }
    blocks
}

/// The sum and its rounding error, exactly (Knuth).
#[inline(always)]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
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

    /// The sum so far in two parts, the second of which is too small for the first.
    #[inline(always)]
    pub fn parts(self) -> [f64; 2] {
        [self.value, self.error]
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

/// Totals outside of this are not for the logarithms of single precision. Those of subnormal weights are off by up to 16,
/// but beside such a total subnormals have no part in any result: not even as many as fit in memory.
const LEAST_SINGLE: f64 = 1e-18;

impl Totals {
    /// Reads the distributions once.
    #[inline(always)]
    pub fn of<A: Arithmetic, L: Layout>(source: &impl Source) -> Totals {
        let mut scan = Scan { source, max: [0.0; LANES], min: [0.0; LANES] };
        let [total] = sums::<A, L, 1, 0>(source.blocks(), &mut scan);
        Totals { total, max: L::optimisation_barrier(scan.max), min: L::optimisation_barrier(scan.min) }
    }

    /// Totals from sums and extremes of weights in single precision.
    #[inline(always)]
    pub fn new(total: Block, Extremes { max, min }: Extremes) -> Totals {
        let max = lanes!(k => f64::from(if max[k] > max[k + LANES] { max[k] } else { max[k + LANES] }));
        let min = lanes!(k => f64::from(if min[k] < min[k + LANES] { min[k] } else { min[k + LANES] }));
        Totals { total, max, min }
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

    /// Lanes in which no rule but 9 can apply and no care is needed about the range: there is mass, all weights are finite, not
    /// missing and not negative (a NaN or an infinity would show in the total), and totals can be multiplied.
    #[inline(always)]
    pub fn are_plain<L: Layout>(&self) -> [bool; LANES] {
        L::all(lanes!(k => (self.min[k] >= 0.0) & (self.total[k] >= TINY) & (self.total[k] <= HUGE)))
    }

    /// Lanes in which no subnormal weight counts, in single precision.
    #[inline(always)]
    pub fn outweigh_subnormals(&self) -> [bool; LANES] {
        lanes!(k => self.total[k] >= LEAST_SINGLE)
    }

    /// The power of two that brings the sum of weights with this maximum into the middle of the range.
    pub fn scale(&self) -> f64 {
        let max = OneRow::max(self.max)[0];
        if max > HUGE {
            power_of_two(if max > 1e200 { -900 } else { -500 })
        } else if max < TINY {
            power_of_two(if max < 1e-200 { 900 } else { 500 })
        } else {
            1.0
        }
    }
}

/// The largest and the smallest weight of each lane, at least and at most 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extremes {
    max: Wide,
    min: Wide,
}

impl Extremes {
    /// Takes note of weights.
    #[inline(always)]
    pub fn see<A: Arithmetic>(&mut self, x: &Wide) {
        let Extremes { max, min } = self;
        for k in 0..2 * LANES {
            max[k] = if x[k] > max[k] { x[k] } else { max[k] };
            min[k] = if x[k] < min[k] { x[k] } else { min[k] };
        }
        (*max, *min) = (A::Isa::pinned_single(*max), A::Isa::pinned_single(*min));
    }
}

/// Values of distributions in blocks, where nothing is out of the ordinary; elsewhere NaN, and the rules have to be asked.
#[derive(Clone, Copy, Debug)]
pub struct FastPath {
    /// The values.
    pub value: Block,
}

impl FastPath {
    /// No value is valid.
    pub const NOWHERE: FastPath = FastPath { value: [f64::NAN; LANES] };

    /// Values, and in which lanes they are valid.
    #[inline(always)]
    pub fn of(value: Block, valid: [bool; LANES]) -> FastPath {
        FastPath { value: lanes!(k => nan_unless(valid[k], value[k])) }
    }

    /// Whether all values are valid.
    #[inline(always)]
    pub fn is_valid<L: Layout>(&self) -> bool {
        if L::ONE { !self.value[0].is_nan() } else { !any(lanes!(k => self.value[k].is_nan())) }
    }

    /// The value in a lane, where it is valid.
    #[inline(always)]
    pub fn get(&self, k: usize) -> Option<f64> {
        Some(self.value[k]).filter(|value| !value.is_nan())
    }

    /// These values where they are valid, and others elsewhere.
    #[inline(always)]
    pub fn or(self, other: FastPath) -> FastPath {
        FastPath { value: lanes!(k => if self.value[k].is_nan() { other.value[k] } else { self.value[k] }) }
    }
}

/// Whether all lanes hold.
#[inline(always)]
pub fn all(lanes: [bool; LANES]) -> bool {
    OneRow::all(lanes)[0]
}

/// Whether some lane holds.
#[inline(always)]
pub fn any(lanes: [bool; LANES]) -> bool {
    // As wide as what was compared.
    let mut any = 0u64;
    for lane in lanes {
        any |= if lane { u64::MAX } else { 0 };
    }
    any != 0
}

struct Scan<'a, S> {
    source: &'a S,
    max: Block,
    min: Block,
}

impl<A: Arithmetic, S: Source> Terms<A, 1> for Scan<'_, S> {
    #[inline(always)]
    fn add(&mut self, i: usize, _: &[Block; 0], [total]: &mut [Block; 1]) {
        let x = A::Isa::pinned(self.source.block(i));
        for k in 0..LANES {
            total[k] += x[k];
            self.max[k] = if x[k] > self.max[k] { x[k] } else { self.max[k] };
            self.min[k] = if x[k] < self.min[k] { x[k] } else { self.min[k] };
        }
        self.max = A::Isa::pinned(self.max);
        self.min = A::Isa::pinned(self.min);
    }
}
