//! Shannon entropy, Kullback–Leibler and Jensen–Shannon divergence, cross-entropy and stability index of slices and Arrow arrays,
//! and as Polars expressions.
//!
//! ```
//! use polars_entropy::{Options, entropy, kl_div};
//!
//! let bits = Options { base: Some(2.0), ..Options::default() };
//! assert_eq!(entropy(&[1.0, 1.0, 2.0], &bits)?, 1.5);
//! assert_eq!(kl_div(&[1.0, 0.0], &[0.5, 0.5], &bits)?, 1.0);
//! # Ok::<(), polars_entropy::Error>(())
//! ```
//!
//! | item | feature | input |
//! | --- | --- | --- |
//! | [`entropy`], [`kl_div`], [`cross_entropy`], [`js_div`], [`psi`] | | slices |
//! | [`logits`] | | slices of logits |
#![cfg_attr(feature = "arrow", doc = "| [`arrow`] | `arrow` | arrays of arrow-rs, logits, maps |")]
#![cfg_attr(not(feature = "arrow"), doc = "| `arrow` | `arrow` | arrays of arrow-rs, logits, maps |")]
//! | the plugin of the Python package `polars-entropy` | `plugin` | Polars expressions |
//! | the Python module of the same package | `python` | whatever speaks the Arrow PyCapsule interface |
//!
//! A Rust program takes `default-features = false`, with `features = ["arrow"]` for arrays.
//!
//! # Rules
//!
//! A distribution need not sum to one. A missing element is a NaN or, in an array, a null. The first rule that applies
//! decides:
//!
//! | case | entropy | divergence D(p‖q), cross-entropy, Jensen–Shannon divergence, stability index |
//! | --- | --- | --- |
//! | a list of an array is null, in p or in q | null | null |
//! | p and q differ in length | – | error |
//! | a missing element, [`NanPolicy::Raise`] | error | error |
//! | … [`NanPolicy::Omit`] | dropped, the rest renormalised | dropped in pairs |
//! | … [`NanPolicy::Propagate`], a null; else a NaN | null; NaN | null; NaN |
//! | nothing (left) to sum | 0 | 0 |
//! | an infinity | NaN | NaN |
//! | a negative weight | −∞ | ∞ |
//! | a total of zero | NaN | NaN (either total) |
//! | q = 0 < p somewhere | – | ∞, and for the index also where p = 0 < q; not for Jensen–Shannon |
//! | otherwise | the value, never negative | the value, never negative, and 0 for p = q unless it is the cross-entropy |
//!
//! The relative error is about 1e-15, and 2e-15 for the divergence of unlike p and q.

#![warn(missing_docs)]

#[cfg(feature = "arrow")]
pub mod arrow;
// Public for the benchmarks and the fuzzer, and no promise to anyone else.
#[doc(hidden)]
pub mod kernel;
pub mod logits;
mod options;
#[cfg(feature = "plugin")]
mod plugin;
#[cfg(feature = "python")]
mod python;
#[cfg(any(test, feature = "plugin"))]
mod shared_work;
mod slices;

pub use kernel::options::NanPolicy;
pub use kernel::rules::Side;
pub use options::Options;
pub use slices::{
    Error, cross_entropy, cross_entropy_with_total, entropy, js_div, kl_div, kl_div_with_total, psi,
};
