//! Information theory for data frames: the Rust side of the Python package `polars-entropy`.
//!
//! | module | feature | what it holds |
//! | --- | --- | --- |
//! | [`kernel`] | | the mathematics, on slices |
#![cfg_attr(feature = "arrow", doc = "| [`arrow`] | `arrow` | entropy and divergence of arrow-rs' arrays |")]
#![cfg_attr(
    not(feature = "arrow"),
    doc = "| `arrow` | `arrow` | entropy and divergence of arrow-rs' arrays |"
)]
//! | `plugin` | `plugin` | the Polars expressions |
//! | `python` | `python` | the Python module |
//!
//! A Rust program takes `default-features = false, features = ["arrow"]`.

#![warn(missing_docs)]

#[cfg(feature = "arrow")]
pub mod arrow;
pub mod kernel;
#[cfg(feature = "plugin")]
mod plugin;
#[cfg(feature = "python")]
mod python;
