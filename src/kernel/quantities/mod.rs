//! The quantities, a file each, and the registry of them: a line each.

mod cross_entropy;
mod entropy;
mod kl_div;

pub use cross_entropy::CrossEntropy;
pub use entropy::{Entr, Entropy};
pub use kl_div::{KlDiv, RelEntr};

use super::registry::{Function, Registered};

/// All quantities, with what they can do.
pub static QUANTITIES: &[Registered] = &[
    // A line each.
    Registered::mergeable::<Entropy>(),
    Registered::mergeable::<KlDiv>(),
    Registered::mergeable::<CrossEntropy>(),
];

/// All functions of single elements.
pub static FUNCTIONS: &[Function] = &[Function::of::<Entr>(), Function::of::<RelEntr>()];

/// The quantity of this name.
pub fn quantity(name: &str) -> Option<&'static Registered> {
    QUANTITIES.iter().find(|quantity| quantity.name == name)
}

/// The function of single elements of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}
