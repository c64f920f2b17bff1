//! One binary for every machine: a loop is compiled once for each instruction set, and the best that the processor has is
//! taken at run time. Rare code is compiled for all of them at once ([`Arithmetic::Anywhere`]).
//!
//! The kernels are plain loops over blocks of eight lanes, inlined into one of the functions below, where the compiler may use
//! its registers. Nothing is written with intrinsics but the transposition of rows, of which the compiler makes one move for
//! each element, and the prefetch, which it has no word for. Where a loop carries blocks, they are pinned to vector registers
//! ([`IsaOps::pinned`]): whether the compiler finds the vectors by itself would depend on the code around. The order of operations is
//! the same in all of them, and so are the bits of the results wherever there is a fused multiply-add. Without one (x86-64 before
//! AVX2), the logarithm rounds more often: results differ by at most 8 units in the last place.

use std::marker::PhantomData;
use std::sync::OnceLock;

/// The arithmetic of every processor of the target.
#[cfg(any(target_arch = "aarch64", target_feature = "fma"))]
pub type Base = Fused;
/// The arithmetic of every processor of the target.
#[cfg(not(any(target_arch = "aarch64", target_feature = "fma")))]
pub type Base = Separate;

/// Environment variable with the name of the best instruction set to use, read once: benchmarks compare the levels of one
/// machine by it. Without effect where the processor has no such set.
pub const LIMIT: &str = "POLARS_ENTROPY_ISA";

/// An instruction set that loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Instructions that every processor of the target has: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2 and FMA, and the instructions for bits that came with them: BMI 1, BMI 2 and POPCNT.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// All of that, and AVX-512 F, DQ, BW and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// Name, as [`LIMIT`] spells it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
        }
    }

    /// All that this processor has up to [`LIMIT`], the best one last.
    pub fn available() -> &'static [Isa] {
        static AVAILABLE: OnceLock<Vec<Isa>> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            #[allow(unused_mut, reason = "the list is longer on x86-64")]
            let mut sets = vec![Isa::Baseline];
            #[cfg(target_arch = "x86_64")]
            {
                let avx2 = is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("popcnt");
                let avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl");
                if avx2 {
                    sets.push(Isa::Avx2);
                }
                if avx2 && avx512 {
                    sets.push(Isa::Avx512);
                }
            }
            if let Ok(limit) = std::env::var(LIMIT)
                && let Some(last) = sets.iter().position(|isa| isa.name() == limit)
            {
                sets.truncate(last + 1);
            }
            sets
        })
    }

    /// The instruction set that loops run on.
    #[inline]
    pub fn current() -> Isa {
        #[cfg(test)]
        if let Some(forced) = tests::FORCED.get() {
            return forced;
        }
        Isa::available().last().copied().unwrap_or(Isa::Baseline)
    }
}

/// A loop to be compiled for each instruction set. Not a closure: whatever takes part has to be inlined, which is only sure for
/// functions that say `#[inline(always)]`, and closures can't.
pub trait Loop {
    /// Result.
    type Out;
    /// Runs it, with this arithmetic.
    fn run<A: Arithmetic>(self) -> Self::Out;
}

/// Runs a loop on the best instruction set there is.
pub fn vectorised<L: Loop>(body: L) -> L::Out {
    match Isa::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `current` gives only what the processor has.
        Isa::Avx512 => unsafe { registers::avx512::<Fused<registers::Avx512>, L>(body) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { registers::avx2::<Fused<registers::Avx2>, L>(body) },
        Isa::Baseline => <Base as Arithmetic>::Isa::call_outlined::<Base, L>(body),
    }
}

/// Has the cache fetch what will be read. The element may lie outside of `x`.
#[inline(always)]
pub fn prefetch<T>(x: &[T], i: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has the instruction, which does nothing but that, at any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().wrapping_add(i).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, i);
}

/// Arithmetic of an instruction set: multiplication with addition.
pub trait Arithmetic {
    /// a·b + c.
    fn mul_add(a: f64, b: f64, c: f64) -> f64;

    /// a·b + c in single precision.
    fn mul_add_single(a: f32, b: f32, c: f32) -> f32;

    /// a·b − c·d within two units in the last place, even where the products cancel. The products must be normal numbers
    /// well within the range, or zero.
    fn difference_of_products(a: f64, b: f64, c: f64, d: f64) -> f64;

    /// a·b less what it rounds to, `product`, exactly, of a product as there.
    fn rounding_of_product(a: f64, b: f64, product: f64) -> f64;

    /// How the instruction set moves data.
    type Isa: IsaOps;

    /// Arithmetic with the same bits, in code that every processor of the target runs. Code that is rare and large is compiled once with
    /// it for all instruction sets that have a fused multiply-add; each of these is a call of the C library then.
    type Anywhere: Arithmetic;
}

/// Operations of an instruction set other than arithmetic.
pub trait IsaOps: Sized {
    /// Runs a loop in a function of its own, compiled for the same instructions. Inlined together, loops would run out of registers,
    /// and take minutes to compile.
    #[inline(never)]
    fn call_outlined<A: Arithmetic<Isa = Self>, L: Loop>(body: L) -> L::Out {
        body.run::<A>()
    }

    /// The block itself, held in vector registers at this point. Otherwise the compiler splits what a loop carries into single
    /// numbers, and joins them again in each round. Only the time depends on it.
    #[inline(always)]
    fn pinned(block: [f64; 8]) -> [f64; 8] {
        block
    }

    /// [`pinned`](IsaOps::pinned) for two blocks in single precision.
    #[inline(always)]
    fn pinned_single(blocks: [f32; 16]) -> [f32; 16] {
        blocks
    }

    /// Four columns of eight rows.
    #[inline(always)]
    fn columns(rows: [[f64; 4]; 8]) -> [[f64; 8]; 4] {
        columns(rows)
    }

    /// Four columns of eight rows, in single precision.
    #[inline(always)]
    fn columns_single(rows: [[f32; 4]; 8]) -> [[f32; 8]; 4] {
        columns(rows)
    }
}

#[inline(always)]
fn columns<T: Copy + Default>(rows: [[T; 4]; 8]) -> [[T; 8]; 4] {
    let mut columns = [[T::default(); 8]; 4];
    for i in 0..4 {
        for k in 0..8 {
            columns[i][k] = rows[k][i];
        }
    }
    columns
}

/// Leaves moving data to the compiler.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl IsaOps for Portable {}

/// Rounds a·b + c once. All instruction sets that have it give the same bits.
#[derive(Clone, Copy, Debug)]
pub struct Fused<R = Portable>(PhantomData<R>);

impl<R: IsaOps> Arithmetic for Fused<R> {
    type Isa = R;
    type Anywhere = Fused;

    #[inline(always)]
    fn mul_add(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn mul_add_single(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    /// Kahan's; Jeannerod, Louvet & Muller 2013.
    #[inline(always)]
    fn difference_of_products(a: f64, b: f64, c: f64, d: f64) -> f64 {
        let cd = c * d;
        let rounding = (-c).mul_add(d, cd);
        a.mul_add(b, -cd) + rounding
    }

    #[inline(always)]
    fn rounding_of_product(a: f64, b: f64, product: f64) -> f64 {
        a.mul_add(b, -product)
    }
}

/// Rounds a·b and the sum, on processors that have nothing better; the emulation of the fused instruction would be some
/// twenty times slower.
#[derive(Clone, Copy, Debug)]
pub struct Separate;

impl Arithmetic for Separate {
    type Isa = Portable;
    type Anywhere = Separate;

    #[inline(always)]
    fn mul_add(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }

    #[inline(always)]
    fn mul_add_single(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    #[inline(always)]
    fn difference_of_products(a: f64, b: f64, c: f64, d: f64) -> f64 {
        let (ab, cd) = (a * b, c * d);
        (ab - cd) + (Self::rounding_of_product(a, b, ab) - Self::rounding_of_product(c, d, cd))
    }

    /// Dekker's, 1971, with Veltkamp's splitting.
    #[inline(always)]
    fn rounding_of_product(a: f64, b: f64, product: f64) -> f64 {
        let split = |x: f64| {
            let scaled = 134_217_729.0 * x;
            let high = scaled - (scaled - x);
            (high, x - high)
        };
        let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
        ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    }
}

/// Code that needs instructions that not every processor has. Only [`vectorised`] names these types, and only where the processor
/// has them; nobody else can.
#[cfg(target_arch = "x86_64")]
mod registers {
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::hint::black_box;
    use std::mem::{MaybeUninit, transmute};

    use super::{Arithmetic, IsaOps, Loop};

    #[repr(align(64))]
    struct Line([MaybeUninit<u8>; 64]);

    /// Aligns the frame of the function that this is inlined into to a line of the cache. The compiler aligns variables, but not
    /// spilled registers, half of which would otherwise cross two lines.
    #[inline(always)]
    fn align_frame() {
        black_box(&Line([MaybeUninit::uninit(); 64]).0);
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt")]
    pub fn avx2<A: Arithmetic, L: Loop>(body: L) -> L::Out {
        align_frame();
        body.run::<A>()
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt,avx512f,avx512dq,avx512bw,avx512vl")]
    pub fn avx512<A: Arithmetic, L: Loop>(body: L) -> L::Out {
        align_frame();
        body.run::<A>()
    }

    pub struct Avx2;

    impl IsaOps for Avx2 {
        #[inline(always)]
        fn call_outlined<A: Arithmetic<Isa = Self>, L: Loop>(body: L) -> L::Out {
            // SAFETY: only `vectorised` names this type, and only where the processor has all that `avx2` enables.
            unsafe { avx2::<A, L>(body) }
        }

        #[inline(always)]
        fn pinned(block: [f64; 8]) -> [f64; 8] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX2 and FMA.
            unsafe { in_two_registers(block) }
        }

        #[inline(always)]
        fn pinned_single(blocks: [f32; 16]) -> [f32; 16] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX2 and FMA.
            // Any bits are doubles, and the sizes are the same.
            unsafe { transmute(in_two_registers(transmute::<[f32; 16], [f64; 8]>(blocks))) }
        }

        #[inline(always)]
        fn columns(rows: [[f64; 4]; 8]) -> [[f64; 8]; 4] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX2 and FMA.
            unsafe { doubles_by_four(rows) }
        }

        #[inline(always)]
        fn columns_single(rows: [[f32; 4]; 8]) -> [[f32; 8]; 4] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX2 and FMA.
            unsafe { singles(rows) }
        }
    }

    pub struct Avx512;

    impl IsaOps for Avx512 {
        #[inline(always)]
        fn call_outlined<A: Arithmetic<Isa = Self>, L: Loop>(body: L) -> L::Out {
            // SAFETY: only `vectorised` names this type, and only where the processor has all that `avx512` enables.
            unsafe { avx512::<A, L>(body) }
        }

        #[inline(always)]
        fn pinned(block: [f64; 8]) -> [f64; 8] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX-512 F, DQ, BW and VL.
            unsafe { in_one_register(block) }
        }

        #[inline(always)]
        fn pinned_single(blocks: [f32; 16]) -> [f32; 16] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX-512 F, DQ, BW and VL.
            // Any bits are doubles, and the sizes are the same.
            unsafe { transmute(in_one_register(transmute::<[f32; 16], [f64; 8]>(blocks))) }
        }

        #[inline(always)]
        fn columns(rows: [[f64; 4]; 8]) -> [[f64; 8]; 4] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX-512 F, DQ, BW and VL.
            unsafe { doubles(rows) }
        }

        #[inline(always)]
        fn columns_single(rows: [[f32; 4]; 8]) -> [[f32; 8]; 4] {
            // SAFETY: only `vectorised` names this type, and only where the processor has AVX-512 F, DQ, BW and VL.
            unsafe { singles(rows) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn in_two_registers(block: [f64; 8]) -> [f64; 8] {
        // SAFETY: any bits are doubles, and the sizes are the same.
        let [mut low, mut high]: [__m256d; 2] = unsafe { transmute(block) };
        // SAFETY: the text is an assembler comment, so that no instruction is emitted and no state changes.
        unsafe {
            asm!("/* {0} {1} */", inout(ymm_reg) low, inout(ymm_reg) high, options(pure, nomem, nostack, preserves_flags))
        };
        // SAFETY: any bits are doubles, and the sizes are the same.
        unsafe { transmute([low, high]) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn in_one_register(block: [f64; 8]) -> [f64; 8] {
        // SAFETY: any bits are doubles, and the sizes are the same.
        let mut x: __m512d = unsafe { transmute(block) };
        // SAFETY: the text is an assembler comment, so that no instruction is emitted and no state changes.
        unsafe { asm!("/* {0} */", inout(zmm_reg) x, options(pure, nomem, nostack, preserves_flags)) };
        // SAFETY: any bits are doubles, and the sizes are the same.
        unsafe { transmute(x) }
    }

    // Arrays are transmuted to registers: loads and stores would need pointers, which are no safer. Rows are paired as they are
    // read, which costs no shuffle. The pairs are such that the next step leaves the rows in order.

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn doubles(rows: [[f64; 4]; 8]) -> [[f64; 8]; 4] {
        // SAFETY: any bits are doubles, and the sizes are the same.
        let r: [__m256d; 8] = unsafe { transmute(rows) };
        let beside = |a: usize, b: usize| _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(r[a]), r[b]);
        let (low, high) = ([beside(0, 2), beside(1, 3)], [beside(4, 6), beside(5, 7)]);
        let even = |[a, b]: [__m512d; 2]| _mm512_unpacklo_pd(a, b);
        let odd = |[a, b]: [__m512d; 2]| _mm512_unpackhi_pd(a, b);
        let first = |a, b| _mm512_shuffle_f64x2::<0x88>(a, b);
        let last = |a, b| _mm512_shuffle_f64x2::<0xdd>(a, b);
        let (a, b, c, d) = (even(low), even(high), odd(low), odd(high));
        // SAFETY: as above.
        unsafe { transmute([first(a, b), first(c, d), last(a, b), last(c, d)]) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn doubles_by_four(rows: [[f64; 4]; 8]) -> [[f64; 8]; 4] {
        // SAFETY: any bits are doubles, and the sizes are the same.
        let r: [[__m128d; 2]; 8] = unsafe { transmute(rows) };
        let beside = |half: usize, a: usize, b: usize| {
            _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(r[a][half]), r[b][half])
        };
        let columns = |half: usize, k: usize| {
            let (a, b) = (beside(half, k, k + 2), beside(half, k + 1, k + 3));
            (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b))
        };
        let ((a, b), (c, d)) = (columns(0, 0), columns(1, 0));
        let ((e, f), (g, h)) = (columns(0, 4), columns(1, 4));
        // SAFETY: as above.
        unsafe { transmute([[a, e], [b, f], [c, g], [d, h]]) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn singles(rows: [[f32; 4]; 8]) -> [[f32; 8]; 4] {
        // SAFETY: any bits are floats, and the sizes are the same.
        let r: [__m128; 8] = unsafe { transmute(rows) };
        let beside = |k: usize| _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(r[k]), r[k + 4]);
        let (r, s, t, u) = (beside(0), beside(1), beside(2), beside(3));
        let (a, b) = (_mm256_unpacklo_ps(r, s), _mm256_unpackhi_ps(r, s));
        let (c, d) = (_mm256_unpacklo_ps(t, u), _mm256_unpackhi_ps(t, u));
        let first = |a, b| _mm256_shuffle_ps::<0x44>(a, b);
        let last = |a, b| _mm256_shuffle_ps::<0xee>(a, b);
        // SAFETY: as above.
        unsafe { transmute([first(a, c), last(a, c), first(b, d), last(b, d)]) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// Overrides the choice of an instruction set on this thread.
        pub static FORCED: Cell<Option<Isa>> = const { Cell::new(None) };
    }

    /// Runs something on this instruction set.
    pub fn at<R>(isa: Isa, f: impl FnOnce() -> R) -> R {
        FORCED.set(Some(isa));
        let result = f();
        FORCED.set(None);
        result
    }

    struct Columns;

    impl Loop for Columns {
        type Out = ([[f64; 8]; 4], [[f32; 8]; 4]);

        fn run<A: Arithmetic>(self) -> Self::Out {
            let rows = std::array::from_fn(|k| std::array::from_fn(|i| (10 * k + i) as f64));
            let single = rows.map(|row: [f64; 4]| row.map(|x| x as f32));
            (A::Isa::columns(rows), A::Isa::columns_single(single))
        }
    }

    #[test]
    fn every_instruction_set_has_columns_of_rows() {
        for isa in Isa::available() {
            let (double, single) = at(*isa, || vectorised(Columns));
            for (i, k) in (0..32).map(|at| (at / 8, at % 8)) {
                assert_eq!((double[i][k], single[i][k]), ((10 * k + i) as f64, (10 * k + i) as f32));
            }
        }
    }

    #[test]
    fn difference_of_products_survives_cancellation() {
        let (a, b) = (1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
        let exact = -f64::EPSILON * f64::EPSILON;
        assert_eq!(<Fused>::difference_of_products(a, b, 1.0, 1.0), exact);
        assert_eq!(Separate::difference_of_products(a, b, 1.0, 1.0), exact);
    }
}
