//! The quantities, a file each, and the registry of them: a line each.

mod cross_entropy;
mod entropy;
mod js_div;
mod kl_div;
mod psi;

pub use cross_entropy::CrossEntropy;
pub use entropy::{Entr, Entropy};
pub use js_div::JsDiv;
pub use kl_div::{KlDiv, RelEntr};
pub use psi::Psi;

use super::registry::{Function, Registered};

/// All quantities, with what they can do.
pub static QUANTITIES: &[Registered] = &[
    // A line each.
    Registered::mergeable::<Entropy>(),
    Registered::mergeable::<KlDiv>(),
    Registered::mergeable::<CrossEntropy>(),
    Registered::rows::<JsDiv>(),
    Registered::mergeable::<Psi>(),
];

/// The quantities of logits, by the name of the accessor and that of the method. Not the stability index, which is infinite as soon
/// as a share underflows on either side.
pub static OF_LOGITS: &[Registered] = &[
    // A line each.
    Registered::of_logits::<Entropy>("logits.entropy"),
    Registered::of_logits::<KlDiv>("logits.kl_div"),
    Registered::of_logits::<CrossEntropy>("logits.cross_entropy"),
    Registered::of_logits::<JsDiv>("logits.js_div"),
];

/// All functions of single elements.
pub static FUNCTIONS: &[Function] = &[Function::of::<Entr>(), Function::of::<RelEntr>()];

/// The quantity of this name.
pub fn quantity(name: &str) -> Option<&'static Registered> {
    QUANTITIES.iter().chain(OF_LOGITS).find(|quantity| quantity.name == name)
}

/// The function of single elements of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}
