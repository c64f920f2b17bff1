//! Targets of the fuzzer: each reads arbitrary bytes as its input, and panics where a promise is broken.
//!
//! `make fuzz` looks for such bytes. `make test` replays those in `corpus`, which between them reach all of the code
//! that the fuzzer has reached.

mod arrow_import;
mod kernel;

pub use arrow_import::{arrow_import, arrow_map};
pub use kernel::kernel;
