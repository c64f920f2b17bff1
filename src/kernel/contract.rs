//! What a distribution's value is before anything is summed: the contract's rules 3 to 8, once, for rows, columns,
//! groups and windows alike.
//!
//! Every element has a [`Rank`]: the strongest rule it calls for. A distribution has the highest rank of its elements,
//! and since the ranks stand in the order of the rules, that rank alone tells which rule applies first. So a row asks
//! for the maximum over its elements, and a group reads it off its sums (see [`super::groups`]).
//!
//! | rule | case | entropy | kl_div |
//! | --- | --- | --- | --- |
//! | 3 | a missing element: `raise` | error | error |
//! | 3 | … `omit` | dropped | dropped in pairs |
//! | 3 | … `propagate`: a null, else a NaN | null, NaN | null, NaN |
//! | 4 | nothing (left) to sum | 0 | 0 |
//! | 5 | an infinity | NaN | NaN |
//! | 6 | a negative weight | −∞ | ∞ |
//! | 7 | a total of zero | NaN | NaN (either total) |
//! | 8 | q = 0 < p | – | ∞ |
//! | 9 | otherwise | the sum | the sum |
//!
//! Rules 1 and 2 (a null row, unequal lengths) are about rows as such and are the business of [`super::rows`].

use std::str::FromStr;

use super::weights::{Weight, Weights};

/// What to do about missing elements, which are nulls and NaNs.
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

    /// From the names that SciPy has for them.
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "propagate" => Ok(NanPolicy::Propagate),
            "omit" => Ok(NanPolicy::Omit),
            "raise" => Ok(NanPolicy::Raise),
            _ => Err(format!("unknown nan_policy {name:?}")),
        }
    }
}

/// A missing element under [`NanPolicy::Raise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The input that it is in.
    pub side: Side,
    /// Its position within the distribution.
    pub at: usize,
}

/// One of the two inputs of a divergence; a sole input is `P`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The left input, the distribution that weighs the sum.
    P,
    /// The right input, the reference.
    Q,
}

/// The rule that an element calls for, weakest first. As wide as a double, so that a loop over doubles selects ranks in the
/// very lanes in which it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Rank {
    /// Dropped, or never there (rule 4).
    Absent = 0,
    /// No mass: 0, or 0 in both of p and q (rule 7, if it stays at that).
    Zero = 1,
    /// p = 0 < q: mass in q only (rule 7, if it stays at that).
    OnlyQ = 2,
    /// Mass, in both of p and q if there are two (rule 9).
    Positive = 3,
    /// q = 0 < p (rule 8, or rule 7 if q has no mass elsewhere).
    OnlyP = 4,
    /// Rule 6.
    Negative = 5,
    /// Rule 5.
    Infinite = 6,
    /// Rule 3.
    Nan = 7,
    /// Rule 3.
    Null = 8,
}

/// What a rank makes of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// The value is settled; `None` is null.
    Settled(Option<f64>),
    /// Rules 7 to 9: look at the totals.
    Sum,
}

impl Rank {
    /// The rank of one weight as it is, before any policy. Selections in sequence, and no branch, for loops over columns.
    #[inline(always)]
    fn of(x: f64) -> Rank {
        let rank = if x > 0.0 { Rank::Positive } else { Rank::Negative };
        let rank = if x == 0.0 { Rank::Zero } else { rank };
        let rank = if x.abs() == f64::INFINITY { Rank::Infinite } else { rank };
        if x.is_nan() { Rank::Nan } else { rank }
    }

    /// Whether it is that of a null or a NaN.
    #[inline(always)]
    pub fn is_missing(self) -> bool {
        self as u64 >= Rank::Nan as u64
    }

    /// The rank of one element, `None` being null.
    #[inline(always)]
    pub fn of_element(x: Option<f64>) -> Rank {
        match x {
            Some(x) => Rank::of(x),
            None => Rank::Null,
        }
    }

    /// The rank of a pair of elements of p and q.
    #[inline(always)]
    pub fn of_pair(p: Option<f64>, q: Option<f64>) -> Rank {
        let (p, q) = (Rank::of_element(p), Rank::of_element(q));
        let rank = if p as u64 > q as u64 { p } else { q };
        let rank = if (p as u64 == Rank::Positive as u64) & (q as u64 == Rank::Zero as u64) {
            Rank::OnlyP
        } else {
            rank
        };
        if (p as u64 == Rank::Zero as u64) & (q as u64 == Rank::Positive as u64) { Rank::OnlyQ } else { rank }
    }

    /// Applies the policy: `None` where it says that the element is an error.
    #[inline(always)]
    pub fn under(self, policy: NanPolicy) -> Option<Rank> {
        match policy {
            NanPolicy::Propagate => Some(self),
            NanPolicy::Omit => Some(if self.is_missing() { Rank::Absent } else { self }),
            NanPolicy::Raise => (!self.is_missing()).then_some(self),
        }
    }

    /// Reads a rank back from its number; anything that is not the number of a rank is the strongest.
    pub fn from_number(number: u8) -> Rank {
        use Rank::*;
        const ALL: [Rank; 9] = [Absent, Zero, OnlyQ, Positive, OnlyP, Negative, Infinite, Nan, Null];
        ALL.get(usize::from(number)).copied().unwrap_or(Null)
    }

    /// The value of a distribution of this rank, where `negative` is the answer of rule 6.
    pub fn verdict(self, negative: f64) -> Verdict {
        match self {
            Rank::Null => Verdict::Settled(None),
            Rank::Nan | Rank::Infinite => Verdict::Settled(Some(f64::NAN)),
            Rank::Negative => Verdict::Settled(Some(negative)),
            Rank::Absent => Verdict::Settled(Some(0.0)),
            Rank::Zero | Rank::OnlyQ => Verdict::Settled(Some(f64::NAN)),
            Rank::Positive | Rank::OnlyP => Verdict::Sum,
        }
    }
}

/// Which side of a pair is missing, for the error message.
pub fn missing_side(p: Option<f64>) -> Side {
    if Rank::of_element(p).is_missing() { Side::P } else { Side::Q }
}

/// The rank of a whole distribution: the highest of its elements'.
#[inline(always)]
pub fn judge<T: Weight>(x: Weights<T>, policy: NanPolicy) -> Result<Rank, Missing> {
    // The bitmap tells of a null without reading the weights.
    if policy == NanPolicy::Propagate && x.no_nulls().is_none() {
        return Ok(Rank::Null);
    }
    let mut highest = Rank::Absent;
    for at in 0..x.len() {
        match Rank::of_element(x.get(at)).under(policy) {
            Some(rank) => highest = highest.max(rank),
            None => return Err(Missing { side: Side::P, at }),
        }
    }
    Ok(highest)
}

/// [`judge`] for pairs.
#[inline(always)]
pub fn judge_pairs<T: Weight>(p: Weights<T>, q: Weights<T>, policy: NanPolicy) -> Result<Rank, Missing> {
    // As above.
    if policy == NanPolicy::Propagate && (p.no_nulls().is_none() || q.no_nulls().is_none()) {
        return Ok(Rank::Null);
    }
    let mut highest = Rank::Absent;
    for at in 0..p.len() {
        match Rank::of_pair(p.get(at), q.get(at)).under(policy) {
            Some(rank) => highest = highest.max(rank),
            None => return Err(Missing { side: missing_side(p.get(at)), at }),
        }
    }
    Ok(highest)
}

/// The precision that a result has. Sums are taken in double precision either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// That of `f32`.
    Single,
    /// That of `f64`.
    Double,
}

impl Precision {
    /// Single if some input has it and none needs more. An input that doesn't mind, since all of it is missing, asks for
    /// none.
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

/// The unit of the result: nats, or another base's.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// ln(base).
    in_nats: f64,
}

impl Unit {
    /// The unit of this base, which is positive, finite and not 1; nats if there is none.
    pub fn new(base: Option<f64>) -> Unit {
        Unit { in_nats: base.map_or(1.0, f64::ln) }
    }

    /// A value in nats in this unit. A base below 1 has a negative unit and flips the sign, but not that of zero.
    #[inline(always)]
    pub fn express(self, nats: f64) -> f64 {
        nats / self.in_nats + 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::weights::Bits;

    #[test]
    fn ranks_read_back_from_their_numbers() {
        for number in 0..=8 {
            assert_eq!(Rank::from_number(number) as u64, u64::from(number));
        }
        assert_eq!(Rank::from_number(200), Rank::Null);
    }

    #[test]
    fn the_first_rule_that_applies_decides() {
        let judged = |xs: &[f64]| judge(Weights::new(xs, None), NanPolicy::Propagate).unwrap();
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(judged(&[]), Rank::Absent);
        assert_eq!(judged(&[0.0, -0.0]), Rank::Zero);
        assert_eq!(judged(&[0.0, 1.0]), Rank::Positive);
        assert_eq!(judged(&[-1.0, 1.0]), Rank::Negative);
        assert_eq!(judged(&[-1.0, inf]), Rank::Infinite);
        assert_eq!(judged(&[inf, nan, -1.0]), Rank::Nan);
        let values = [nan, 1.0, inf];
        let with_null = Weights::new(&values, Some(Bits::new(&[0b101], 0)));
        assert_eq!(judge(with_null, NanPolicy::Propagate), Ok(Rank::Null));
    }

    #[test]
    fn policies_decide_about_missing_elements_only() {
        for rank in [Rank::Zero, Rank::Positive, Rank::Negative, Rank::Infinite] {
            for policy in [NanPolicy::Propagate, NanPolicy::Omit, NanPolicy::Raise] {
                assert_eq!(rank.under(policy), Some(rank));
            }
        }
        for rank in [Rank::Nan, Rank::Null] {
            assert_eq!(rank.under(NanPolicy::Propagate), Some(rank));
            assert_eq!(rank.under(NanPolicy::Omit), Some(Rank::Absent));
            assert_eq!(rank.under(NanPolicy::Raise), None);
        }
    }

    #[test]
    fn a_missing_pair_names_its_side() {
        let (p, q) = (Weights::new(&[1.0, 1.0], None), Weights::new(&[1.0, f64::NAN], None));
        let error = judge_pairs(p, q, NanPolicy::Raise).unwrap_err();
        assert_eq!(error, Missing { side: Side::Q, at: 1 });
    }

    #[test]
    fn a_base_below_one_flips_the_sign_but_not_that_of_zero() {
        let unit = Unit::new(Some(0.5));
        assert_eq!(unit.express(1.0), -1.0 / std::f64::consts::LN_2);
        assert!(unit.express(0.0).is_sign_positive());
        assert_eq!(Unit::new(None).express(0.3), 0.3);
    }
}
