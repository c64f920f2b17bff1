//! Options of a call, for arrays and for slices alike.

use crate::kernel::options::{NanPolicy, Unit};

/// Unit of the result, and policy for missing elements.
///
/// # Example
///
/// ```
/// use polars_entropy::{NanPolicy, Options};
///
/// let bits = Options { base: Some(2.0), ..Options::default() };
/// assert_eq!(bits.nan_policy, NanPolicy::Propagate);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Base of the logarithm, which is the unit of the result: 2 for bits, 10 for hartleys, `None` for nats. A
    /// positive finite number other than 1; one below 1 flips the sign.
    pub base: Option<f64>,
    /// Policy for missing elements, which are nulls and NaNs.
    pub nan_policy: NanPolicy,
}

impl Options {
    /// Unit of the base, or the base if it is not one.
    pub(crate) fn unit(&self) -> Result<Unit, f64> {
        Unit::checked(self.base)
    }
}
