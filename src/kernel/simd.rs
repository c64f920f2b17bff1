//! One binary for every machine: a loop is compiled once for each instruction set, and the best that the processor has is
//! taken at run time.
//!
//! The kernels are plain loops over blocks of eight lanes, inlined into one of the functions below, where the compiler may use
//! its registers. Nothing is written with intrinsics but the transposition of a block, of which the compiler makes one move for
//! each element, and the prefetch, which it has no word for. The order of operations is the same in all of them, and so are the
//! bits of the results wherever there is a fused multiply-add. Without one (x86-64 before AVX2), the logarithm rounds more
//! often: results differ by at most 8 units in the last place.

use std::sync::OnceLock;

use super::math::Arithmetic;
#[cfg(target_arch = "x86_64")]
use super::math::{Fused, Registers};

/// The arithmetic of every processor of the target.
#[cfg(any(target_arch = "aarch64", target_feature = "fma"))]
pub type Base = super::math::Fused;
/// The arithmetic of every processor of the target.
#[cfg(not(any(target_arch = "aarch64", target_feature = "fma")))]
pub type Base = super::math::Separate;

/// An instruction set that loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// What every processor of the target has: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, DQ, BW and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// All that this processor has, the best one last.
    pub fn available() -> &'static [Isa] {
        static AVAILABLE: OnceLock<Vec<Isa>> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            #[allow(unused_mut, reason = "the list is longer on x86-64")]
            let mut levels = vec![Isa::Baseline];
            #[cfg(target_arch = "x86_64")]
            {
                let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                let avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl");
                if avx2 {
                    levels.push(Isa::Avx2);
                }
                if avx2 && avx512 {
                    levels.push(Isa::Avx512);
                }
            }
            levels
        })
    }

    /// The level that loops run at.
    #[inline]
    pub fn current() -> Isa {
        #[cfg(test)]
        if let Some(forced) = tests::FORCED.get() {
            return forced;
        }
        Isa::available().last().copied().unwrap_or(Isa::Baseline)
    }
}

/// A loop to be compiled for each level. Not a closure: whatever takes part has to be inlined, which is only sure for
/// functions that say `#[inline(always)]`, and closures can't.
pub trait Loop {
    /// What comes out.
    type Out;
    /// Runs it, with this arithmetic.
    fn run<A: Arithmetic>(self) -> Self::Out;
}

/// Runs a loop at the best level there is.
pub fn vectorised<L: Loop>(body: L) -> L::Out {
    match Isa::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `current` gives only levels that the processor has.
        Isa::Avx512 => unsafe { registers::avx512::<Fused<registers::Avx512>, L>(body) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { registers::avx2::<Fused<registers::Avx2>, L>(body) },
        Isa::Baseline => body.run::<Base>(),
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

/// What needs instructions that not every processor has. Only [`vectorised`] names these types, and only where the processor
/// has them; nobody else can.
#[cfg(target_arch = "x86_64")]
mod registers {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::{Arithmetic, Loop, Registers};

    #[inline(never)]
    #[target_feature(enable = "avx2,fma")]
    pub fn avx2<A: Arithmetic, L: Loop>(body: L) -> L::Out {
        body.run::<A>()
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
    pub fn avx512<A: Arithmetic, L: Loop>(body: L) -> L::Out {
        body.run::<A>()
    }

    pub struct Avx2;

    impl Registers for Avx2 {
        #[inline(always)]
        fn outlined<A: Arithmetic<Registers = Self>, L: Loop>(body: L) -> L::Out {
            // SAFETY: see the head of this module.
            unsafe { avx2::<A, L>(body) }
        }

        #[inline(always)]
        fn transpose(rows: [[f64; 8]; 8]) -> [[f64; 8]; 8] {
            // SAFETY: see the head of this module.
            unsafe { doubles_by_four(rows) }
        }

        #[inline(always)]
        fn transpose_single(rows: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
            // SAFETY: as above.
            unsafe { singles(rows) }
        }
    }

    pub struct Avx512;

    impl Registers for Avx512 {
        #[inline(always)]
        fn outlined<A: Arithmetic<Registers = Self>, L: Loop>(body: L) -> L::Out {
            // SAFETY: see the head of this module.
            unsafe { avx512::<A, L>(body) }
        }

        #[inline(always)]
        fn transpose(rows: [[f64; 8]; 8]) -> [[f64; 8]; 8] {
            // SAFETY: see the head of this module.
            unsafe { doubles(rows) }
        }

        #[inline(always)]
        fn transpose_single(rows: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
            // SAFETY: as above.
            unsafe { singles(rows) }
        }
    }

    // Transmuted, since loads and stores would need pointers, which are no safer.

    /// In three steps, each of which takes pairs of registers and swaps half of what is in them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn doubles(rows: [[f64; 8]; 8]) -> [[f64; 8]; 8] {
        // SAFETY: any bits are doubles, and the sizes are the same.
        let r: [__m512d; 8] = unsafe { transmute(rows) };
        let even = |k: usize| _mm512_unpacklo_pd(r[k], r[k + 1]);
        let odd = |k: usize| _mm512_unpackhi_pd(r[k], r[k + 1]);
        // Columns 0, 2, 4 and 6 of two rows each, and 1, 3, 5 and 7.
        let (a, b) = ([even(0), even(2), even(4), even(6)], [odd(0), odd(2), odd(4), odd(6)]);
        let spread = |t: [__m512d; 4]| {
            let (u, v) = (_mm512_shuffle_f64x2::<0x88>(t[0], t[1]), _mm512_shuffle_f64x2::<0x88>(t[2], t[3]));
            let (w, x) = (_mm512_shuffle_f64x2::<0xdd>(t[0], t[1]), _mm512_shuffle_f64x2::<0xdd>(t[2], t[3]));
            [
                _mm512_shuffle_f64x2::<0x88>(u, v),
                _mm512_shuffle_f64x2::<0x88>(w, x),
                _mm512_shuffle_f64x2::<0xdd>(u, v),
                _mm512_shuffle_f64x2::<0xdd>(w, x),
            ]
        };
        let ([a, c, e, g], [b, d, f, h]) = (spread(a), spread(b));
        // SAFETY: as above.
        unsafe { transmute([a, b, c, d, e, f, g, h]) }
    }

    /// The same in quarters of four rows and columns.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn doubles_by_four(rows: [[f64; 8]; 8]) -> [[f64; 8]; 8] {
        // SAFETY: any bits are doubles, and the sizes are the same.
        let r: [[__m256d; 2]; 8] = unsafe { transmute(rows) };
        let quarter = |half: usize, k: usize| {
            let (r, s, t, u) = (r[k][half], r[k + 1][half], r[k + 2][half], r[k + 3][half]);
            let (a, b) = (_mm256_unpacklo_pd(r, s), _mm256_unpackhi_pd(r, s));
            let (c, d) = (_mm256_unpacklo_pd(t, u), _mm256_unpackhi_pd(t, u));
            [
                _mm256_permute2f128_pd::<0x20>(a, c),
                _mm256_permute2f128_pd::<0x20>(b, d),
                _mm256_permute2f128_pd::<0x31>(a, c),
                _mm256_permute2f128_pd::<0x31>(b, d),
            ]
        };
        let [[a, b, c, d], [e, f, g, h]] = [quarter(0, 0), quarter(1, 0)];
        let [[i, j, k, l], [m, n, o, p]] = [quarter(0, 4), quarter(1, 4)];
        // SAFETY: as above.
        unsafe { transmute([[a, i], [b, j], [c, k], [d, l], [e, m], [f, n], [g, o], [h, p]]) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn singles(rows: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        // SAFETY: any bits are floats, and the sizes are the same.
        let r: [__m256; 8] = unsafe { transmute(rows) };
        let four = |k: usize| {
            let (a, b) = (_mm256_unpacklo_ps(r[k], r[k + 1]), _mm256_unpackhi_ps(r[k], r[k + 1]));
            let (c, d) = (_mm256_unpacklo_ps(r[k + 2], r[k + 3]), _mm256_unpackhi_ps(r[k + 2], r[k + 3]));
            // Columns 0 and 4 of four rows, 1 and 5, 2 and 6, 3 and 7.
            [
                _mm256_shuffle_ps::<0x44>(a, c),
                _mm256_shuffle_ps::<0xee>(a, c),
                _mm256_shuffle_ps::<0x44>(b, d),
                _mm256_shuffle_ps::<0xee>(b, d),
            ]
        };
        let (low, high) = (four(0), four(4));
        let first = |k: usize| _mm256_permute2f128_ps::<0x20>(low[k], high[k]);
        let last = |k: usize| _mm256_permute2f128_ps::<0x31>(low[k], high[k]);
        // SAFETY: as above.
        unsafe { transmute([first(0), first(1), first(2), first(3), last(0), last(1), last(2), last(3)]) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::{Isa, Loop, vectorised};
    use crate::kernel::columns;
    use crate::kernel::contract::{NanPolicy, Unit};
    use crate::kernel::levels::{Extents, Level};
    use crate::kernel::math::{Arithmetic, Registers};
    use crate::kernel::rows::{self, Rows, Values, Which};
    use crate::kernel::weights::{Bits, Weight, Weights};

    struct Transpose;

    impl Loop for Transpose {
        type Out = ([[f64; 8]; 8], [[f32; 8]; 8]);

        fn run<A: Arithmetic>(self) -> Self::Out {
            let rows = std::array::from_fn(|k| std::array::from_fn(|i| (10 * k + i) as f64));
            let single = rows.map(|row: [f64; 8]| row.map(|x| x as f32));
            (A::Registers::transpose(rows), A::Registers::transpose_single(single))
        }
    }

    #[test]
    fn every_level_transposes() {
        for level in Isa::available() {
            let (double, single) = at(*level, || vectorised(Transpose));
            for (i, k) in (0..64).map(|at| (at / 8, at % 8)) {
                assert_eq!((double[i][k], single[i][k]), ((10 * k + i) as f64, (10 * k + i) as f32));
            }
        }
    }

    thread_local! {
        /// Overrides the choice of a level on this thread.
        pub static FORCED: Cell<Option<Isa>> = const { Cell::new(None) };
    }

    fn at<R>(level: Isa, f: impl FnOnce() -> R) -> R {
        FORCED.set(Some(level));
        let result = f();
        FORCED.set(None);
        result
    }

    /// Weights of many magnitudes, with zeros and a NaN here and there; and q near p in every other row.
    fn data() -> (Vec<f64>, Vec<f64>, Vec<u8>) {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let p: Vec<f64> = (0..3000)
            .map(|i| match i % 17 {
                3 => 0.0,
                5 if i % 5 == 0 => f64::NAN,
                _ => next().powi(i % 9) * 10f64.powi(i % 7),
            })
            .collect();
        let q = p
            .iter()
            .enumerate()
            .map(|(i, p)| if i / 13 % 2 == 0 { p * (1.0 + 1e-9 * next()) } else { next() });
        let q = q.collect();
        (p, q, (0..375).map(|i| if i % 3 == 0 { 0b1110_1111 } else { 0xff }).collect())
    }

    /// The values of rows of many widths, in this type.
    fn rows_of<T: Weight>(of: fn(f64) -> T) -> Vec<f64> {
        let (p, q, valid) = data();
        let [p, q] = [p, q].map(|x| x.into_iter().map(of).collect::<Vec<_>>());
        let mut out = Values::default();
        for width in [1, 7, 8, 13, 100, 1000] {
            let rows = |x| Rows {
                weights: Weights::new(x, Some(Bits::new(&valid, 0))),
                level: Level { extents: Extents::Width { width, rows: 3000 / width }, valid: None },
            };
            let (p, q): (Rows<T>, Rows<T>) = (rows(&p), rows(&q));
            let (all, unit) = (Which::all(3000 / width), Unit::new(Some(2.0)));
            rows::entropy(&p, all, NanPolicy::Omit, unit, &mut out).unwrap();
            rows::kl_div(&p, &q, all, NanPolicy::Omit, unit, &mut out).unwrap();
        }
        out.into_parts().0
    }

    /// The bits of everything that is computed in loops in double precision.
    fn results() -> Vec<u64> {
        let (p, q, _) = data();
        let mut values = rows_of(|x| x);
        let (p, q) = (Weights::new(&p, None), Weights::new(&q, None));
        values.extend(columns::map(p, &columns::Term));
        values.extend(columns::map(p, &columns::Entr));
        values.extend(columns::map_pairs(p, q, &columns::TermPq));
        values.extend(columns::map_pairs(p, q, &columns::RelEntr));
        values.into_iter().map(f64::to_bits).collect()
    }

    /// The distance of two doubles of the same sign, in units in the last place.
    fn distance(a: u64, b: u64) -> u64 {
        if f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan() { 0 } else { a.abs_diff(b) }
    }

    #[test]
    fn every_level_with_fused_arithmetic_gives_the_same_bits() {
        let [_, fused @ ..] = Isa::available() else { unreachable!("there is always the baseline") };
        let single = || rows_of(|x| x as f32).into_iter().map(f64::to_bits).collect::<Vec<_>>();
        let best = (results(), single());
        for level in fused {
            assert!(at(*level, results) == best.0, "{level:?}");
            assert!(at(*level, single) == best.1, "{level:?}, single precision");
        }
    }

    #[test]
    fn the_baseline_is_within_some_units_in_the_last_place() {
        let distances = at(Isa::Baseline, results).into_iter().zip(results()).map(|(a, b)| distance(a, b));
        // A handful of roundings more in each logarithm; 5 were seen.
        assert!(distances.max().unwrap() <= 8);
    }

    #[test]
    fn the_baseline_in_single_precision_is_within_its_error() {
        let single = || rows_of(|x| x as f32);
        for (baseline, best) in at(Isa::Baseline, single).into_iter().zip(single()) {
            // Twice the error that a divergence may have.
            let same = baseline == best || (baseline.is_nan() && best.is_nan());
            assert!(same || (baseline - best).abs() <= 2.8e-7 * best, "{baseline:e} {best:e}");
        }
    }
}
