//! Information theory for data frames: the Rust side of the Python package `polars-entropy`.
//!
//! * [`kernel`]: the mathematics, on slices. It is all there is without the default feature `plugin`.
//! * `plugin`: the Polars expressions.

#![warn(missing_docs)]

pub mod kernel;
#[cfg(feature = "plugin")]
mod plugin;
