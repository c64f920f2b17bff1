//! One binary for every machine: a loop is compiled once for each instruction set, and the best that the processor has is
//! taken at run time.
//!
//! Nothing in the kernels is written with intrinsics. They are plain loops over blocks of eight lanes, inlined into one of
//! the functions below, where the compiler may use its registers. The order of operations is the same in all of them and
//! none is contracted to a fused multiply-add, so the results are the same to the last bit.

use std::sync::OnceLock;

/// An instruction set that loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What every processor of the target has: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2, with FMA for differences of products.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// All that this processor has, the best one last.
    pub fn available() -> &'static [Level] {
        static AVAILABLE: OnceLock<Vec<Level>> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            #[allow(unused_mut, reason = "the list is longer on x86-64")]
            let mut levels = vec![Level::Baseline];
            #[cfg(target_arch = "x86_64")]
            {
                let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                let avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                if avx2 {
                    levels.push(Level::Avx2);
                }
                if avx2 && avx512 {
                    levels.push(Level::Avx512);
                }
            }
            levels
        })
    }

    /// The level that loops run at.
    #[inline]
    pub fn current() -> Level {
        #[cfg(test)]
        if let Some(forced) = tests::FORCED.get() {
            return forced;
        }
        Level::available().last().copied().unwrap_or(Level::Baseline)
    }
}

/// Evaluates a loop at the best level there is. What is called in it has to be inlined to take part.
///
/// A macro, so that the loop is a closure of its own for each level: only a closure with a single caller is sure to be
/// inlined into it.
macro_rules! vectorised {
    ($body:expr) => {
        match $crate::kernel::simd::Level::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `current` gives only levels that the processor has.
            $crate::kernel::simd::Level::Avx512 => unsafe { $crate::kernel::simd::avx512(|| $body) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            $crate::kernel::simd::Level::Avx2 => unsafe { $crate::kernel::simd::avx2(|| $body) },
            $crate::kernel::simd::Level::Baseline => $crate::kernel::simd::baseline(|| $body),
        }
    };
}
pub(crate) use vectorised;

#[inline(always)]
pub(crate) fn baseline<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
pub(crate) fn avx512<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::Level;
    use crate::kernel::columns;
    use crate::kernel::contract::{NanPolicy, Unit};
    use crate::kernel::rows::{self, Extents, Rows, Values};
    use crate::kernel::weights::{Bits, Weights};

    thread_local! {
        /// Overrides the choice of a level on this thread.
        pub static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
    }

    fn at<R>(level: Level, f: impl FnOnce() -> R) -> R {
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

    /// The bits of everything that is computed in loops.
    fn results() -> Vec<u64> {
        let (p, q, valid) = data();
        let mut out = Values::default();
        for width in [1, 7, 8, 13, 1000] {
            let rows = |x| Rows {
                weights: Weights::new(x, Some(Bits::new(&valid, 0))),
                extents: Extents::Width { width, rows: 3000 / width },
                valid: None,
            };
            let (p, q): (Rows<f64>, Rows<f64>) = (rows(&p), rows(&q));
            let (all, unit) = (0..3000 / width, Unit::new(Some(2.0)));
            rows::entropy(&p, all.clone(), NanPolicy::Omit, unit, &mut out).unwrap();
            rows::kl_div(&p, &q, all.map(|i| (i, i)), NanPolicy::Omit, unit, &mut out).unwrap();
        }
        let (mut values, _) = out.into_parts();
        let (p, q) = (Weights::new(&p, None), Weights::new(&q, None));
        values.extend(columns::map(p, &columns::Term));
        values.extend(columns::map(p, &columns::Entr));
        values.extend(columns::map_pairs(p, q, &columns::TermPq));
        values.extend(columns::map_pairs(p, q, &columns::RelEntr));
        values.into_iter().map(f64::to_bits).collect()
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        let baseline = at(Level::Baseline, results);
        for level in Level::available() {
            assert!(at(*level, results) == baseline, "{level:?}");
        }
    }
}
