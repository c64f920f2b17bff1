//! The quantities, a file each, and the registry of them: a line each.

mod chao_shen;
mod cross_entropy;
mod entropy;
mod js_div;
mod kl_div;
mod miller_madow;
mod psi;

pub use chao_shen::ChaoShen;
pub use cross_entropy::CrossEntropy;
pub use entropy::{Entr, Entropy};
pub use js_div::JsDiv;
pub use kl_div::{KlDiv, RelEntr};
pub use miller_madow::MillerMadow;
pub use psi::Psi;

use super::registry::{Function, PairSide, Pairs, Registered};

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

/// The estimators of the entropy, by the method and its argument.
pub static ESTIMATORS: &[Registered] = &[
    // A line each.
    Registered::summed::<MillerMadow>(),
    Registered::rows::<ChaoShen>(),
];

/// The quantities of pairs of observed values x and y.
pub static OF_PAIRS: &[Pairs] = &[
    // I(X; Y) = H(X) + H(Y) − H(X, Y), and H(X | Y) = H(X, Y) − H(Y) (Shannon 1948, §6).
    Pairs::of::<Entropy>("mutual_info", &[(PairSide::X, 1.0), (PairSide::Y, 1.0), (PairSide::Both, -1.0)]),
    Pairs::of::<Entropy>("cond_entropy", &[(PairSide::Both, 1.0), (PairSide::Y, -1.0)]),
];

/// All functions of single elements.
pub static FUNCTIONS: &[Function] = &[Function::of::<Entr>(), Function::of::<RelEntr>()];

/// The quantity of this name.
pub fn quantity(name: &str) -> Option<&'static Registered> {
    QUANTITIES.iter().chain(OF_LOGITS).chain(ESTIMATORS).find(|quantity| quantity.name == name)
}

/// The quantity of pairs of observed values of this name.
pub fn pairs(name: &str) -> Option<&'static Pairs> {
    OF_PAIRS.iter().find(|pairs| pairs.name == name)
}

/// The function of single elements of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}
