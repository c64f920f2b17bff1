//! Options of a call: the policy for missing elements, the unit of the result, the precision.

use std::str::FromStr;

use super::blocks::{Block, lanes};

/// Policy for missing elements, which are nulls and NaNs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanPolicy {
    /// A null makes the result null, else a NaN makes it NaN.
    #[default]
    Propagate,
    /// Missing elements are dropped (in pairs, if there are two inputs) and the rest is renormalised.
    Omit,
    /// A missing element is an error.
    Raise,
}

impl FromStr for NanPolicy {
    type Err = String;

    /// Parses the names that SciPy has for the policies.
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "propagate" => Ok(NanPolicy::Propagate),
            "omit" => Ok(NanPolicy::Omit),
            "raise" => Ok(NanPolicy::Raise),
            _ => Err(format!("unknown nan_policy {name:?}")),
        }
    }
}

/// Precision of a result. Sums are taken in double precision either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Precision of `f32`.
    Single,
    /// Precision of `f64`.
    Double,
}

impl Precision {
    /// Single if some input has it and none needs more. An input of nothing but missing elements has no part in it.
    pub fn of(asked: impl IntoIterator<Item = Precision>) -> Precision {
        let mut asked = asked.into_iter().peekable();
        let some = asked.peek().is_some();
        if some && asked.all(|precision| precision == Precision::Single) {
            Precision::Single
        } else {
            Precision::Double
        }
    }
}

/// Unit of a result: nats, or that of another base.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    ln_base: f64,
}

impl Unit {
    /// Unit of a base that [`Unit::checked`] has let pass before; nats without one.
    pub fn new(base: Option<f64>) -> Unit {
        Unit { ln_base: base.map_or(1.0, f64::ln) }
    }

    /// Unit of a base, or the base if it isn't a positive finite number other than 1.
    pub fn checked(base: Option<f64>) -> Result<Unit, f64> {
        match base {
            Some(base) if !(base > 0.0 && base <= f64::MAX && base != 1.0) => Err(base),
            base => Ok(Unit::new(base)),
        }
    }

    /// A value in nats in this unit. A base below 1 has a negative unit and flips the sign, but not that of zero.
    #[inline(always)]
    pub fn express(self, nats: f64) -> f64 {
        nats / self.ln_base + 0.0
    }

    /// Values in nats in this unit.
    #[inline(always)]
    pub(super) fn express_block(self, nats: Block) -> Block {
        // To divide by 1 changes nothing, but takes time.
        if self.ln_base == 1.0 { lanes!(k => nats[k] + 0.0) } else { lanes!(k => self.express(nats[k])) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_below_one_flips_the_sign_but_not_that_of_zero() {
        let unit = Unit::new(Some(0.5));
        assert_eq!(unit.express(1.0), -1.0 / std::f64::consts::LN_2);
        assert!(unit.express(0.0).is_sign_positive());
        assert_eq!(Unit::new(None).express(0.3), 0.3);
    }

    #[test]
    fn a_base_is_positive_finite_and_not_one() {
        for base in [0.0, -2.0, 1.0, f64::INFINITY] {
            assert_eq!(Unit::checked(Some(base)).unwrap_err(), base);
        }
        assert!(Unit::checked(Some(f64::NAN)).unwrap_err().is_nan());
        assert!(Unit::checked(Some(0.5)).is_ok() && Unit::checked(None).is_ok());
    }
}
