//! What is fuzzed: each function makes what it can of arbitrary bytes, and panics where a promise is broken.
//!
//! `make fuzz` looks for bytes that do so; `make test` replays those in `corpus`, which between them reach all of the code that
//! was found.

mod foreign;
mod kernel;

pub use foreign::way_in;
pub use kernel::kernel;
