//! The rules of the contract, once: which of them decides about a distribution, what it makes of the value, and how the sums
//! of a group tell it.
//!
//! Every element has a [`Rank`]: the strongest rule it calls for. A distribution has the highest rank of its elements, and since
//! the ranks stand in the order of the rules, that rank alone tells which rule applies first. A row takes the maximum over
//! its elements ([`judge`]). A group reads it off its sums ([`rank_of_sums`]). A state keeps it as a [code](Rank::code).
//!
//! | rule | case | entropy | kl_div | rank | code |
//! | --- | --- | --- | --- | --- | --- |
//! | 3 | a missing element: `raise` | error | error | | |
//! | 3 | … `omit` | dropped | dropped in pairs | | |
//! | 3 | … `propagate`: a null | null | null | `Null` | 3 |
//! | 3 | … `propagate`: else a NaN | NaN | NaN | `Nan` | 5 |
//! | 4 | nothing (left) to sum | 0 | 0 | `Absent` | 4 |
//! | 5 | an infinity | NaN | NaN | `Infinite` | 5 |
//! | 6 | a negative weight | −∞ | ∞ | `Negative` | 6 |
//! | 7 | a total of zero | NaN | NaN (either total) | `Zero`, `OnlyQ` | 7 |
//! | 8 | q = 0 < p | – | ∞ | `OnlyP` | 8 |
//! | 9 | otherwise | the sum | the sum | `Positive` | 9 |
//!
//! A quantity declares its [`Answers`] to rules 6 and 8; the others are the same for all. An element is missing if it is null or
//! [`Weight::is_missing`] says so. Rules 1 and 2 (a null row, unequal lengths) are about rows as such and are the business of [`super::rows`].
//!
//! # Signals
//!
//! A group is summed by the data frame, which passes numbers and nothing else. So what isn't a number travels in band. Where a
//! rule keeps the sums from being the answer, they needn't be numbers, and tell the rule by NaN:
//!
//! | signal | carried by | written by | read by |
//! | --- | --- | --- | --- |
//! | a NaN or an infinity | NaN in the lead of a mass | [`signal`] | [`rank_of_sums`] |
//! | a negative weight | NaN in the rest of a mass | [`signal`] | [`rank_of_sums`] |
//! | a weight that is too large for the scale of the sums | a rest of a mass of at least 2^904 | `scales::scale` | `scales::is_down` |
//! | a null | NaN in the lead of the term | [`NULL_SIGNALS`] | [`rank_of_sums`] |
//! | q = 0 < p | NaN in the rest of the term | [`signal`] | [`rank_of_sums`] |
//! | p = 0 < q, where that makes the value infinite, too | NaN in a part that is neither mass nor term | `Sums::parts` of the stability index | its `Sums::value` |
//! | some p is 0: zeros differ from no elements | −[`MARK`] in the rest of the term | [`signal`] | [`rank_of_sums`] |
//! | the result has single precision | Float32 as the dtype of the rest of the term, where −1 stands for −[`MARK`] ([`single_marks`]) | `plugin::summands` | `plugin::columns` |
//! | where an element is missing, and in which input | the largest of [`located`] | `summands::missing` | [`first_missing`] |
//! | the call is for a group and not for a column | an empty name of p, which is Polars' doing | Polars | `plugin::errors` |
//! | sums are taken over overlapping windows, if Polars likes | an empty second chunk of each summand | `plugin::summands` | Polars |

use super::options::NanPolicy;
use super::weights::{Weight, Weights};

/// A missing element under [`NanPolicy::Raise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The input that it is in.
    pub side: Side,
    /// Its position within the distribution.
    pub at: usize,
}

/// Side of a pair of inputs; a sole input is `P`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The left input, the distribution that weighs the sum.
    P,
    /// The right input, the reference.
    Q,
}

/// A quantity's own answers to the rules.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// Rule 6: the value with a negative weight.
    pub negative: f64,
    /// Rule 8: the value where q = 0 < p; `None` if the formula has one.
    pub q_zero: Option<f64>,
}

/// Strongest rule that an element calls for, weakest first. As wide as a double, so that a loop over doubles selects ranks in
/// the very lanes in which it compares. The order is private; what is stored is the [code](Rank::code).
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

/// Verdict of a rank on a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    /// A settled value; `None` is null.
    Settled(Option<f64>),
    /// Rules 7 to 9: a look at the weights.
    Sum,
}

impl Rank {
    /// Rank of one weight as it is, before any policy. Selections in sequence, and no branch, for loops over columns.
    #[inline(always)]
    fn of(x: f64) -> Rank {
        let rank = if x > 0.0 { Rank::Positive } else { Rank::Negative };
        let rank = if x == 0.0 { Rank::Zero } else { rank };
        let rank = if x.abs() == f64::INFINITY { Rank::Infinite } else { rank };
        if x.is_missing() { Rank::Nan } else { rank }
    }

    /// Whether the element is missing.
    #[inline(always)]
    pub fn is_missing(self) -> bool {
        self as u64 >= Rank::Nan as u64
    }

    /// Rank of one element, `None` being null.
    #[inline(always)]
    pub fn of_element(x: Option<f64>) -> Rank {
        match x {
            Some(x) => Rank::of(x),
            None => Rank::Null,
        }
    }

    /// Rank of a pair of elements of p and q.
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
    fn apply_policy(self, policy: NanPolicy) -> Option<Rank> {
        match policy {
            NanPolicy::Propagate => Some(self),
            NanPolicy::Omit => Some(if self.is_missing() { Rank::Absent } else { self }),
            NanPolicy::Raise => (!self.is_missing()).then_some(self),
        }
    }

    /// Number that states store: that of the rule, see the head of this file. It never changes, whatever ranks are added. NaN and
    /// infinities share one, and so do the ranks of rule 7, since a group cannot tell them apart.
    pub fn code(self) -> i32 {
        match self {
            Rank::Null => 3,
            Rank::Absent => 4,
            Rank::Nan | Rank::Infinite => 5,
            Rank::Negative => 6,
            Rank::Zero | Rank::OnlyQ => 7,
            Rank::OnlyP => 8,
            Rank::Positive => 9,
        }
    }

    /// Rank of a stored code, `None` if it is not one.
    pub fn from_code(code: i64) -> Option<Rank> {
        match code {
            3 => Some(Rank::Null),
            4 => Some(Rank::Absent),
            5 => Some(Rank::Nan),
            6 => Some(Rank::Negative),
            7 => Some(Rank::Zero),
            8 => Some(Rank::OnlyP),
            9 => Some(Rank::Positive),
            _ => None,
        }
    }

    fn verdict(self, negative: f64) -> Verdict {
        match self {
            Rank::Null => Verdict::Settled(None),
            Rank::Nan | Rank::Infinite => Verdict::Settled(Some(f64::NAN)),
            Rank::Negative => Verdict::Settled(Some(negative)),
            Rank::Absent => Verdict::Settled(Some(0.0)),
            Rank::Zero | Rank::OnlyQ => Verdict::Settled(Some(f64::NAN)),
            Rank::Positive | Rank::OnlyP => Verdict::Sum,
        }
    }

    /// Value of a distribution of this rank. Only where it takes them, `q_has_mass` is asked whether q has a total, and `value`
    /// for what rule 9 says.
    #[inline(always)]
    pub fn settle(
        self,
        answers: Answers,
        q_has_mass: impl FnOnce() -> bool,
        value: impl FnOnce() -> f64,
    ) -> Option<f64> {
        match self.verdict(answers.negative) {
            Verdict::Settled(settled) => settled,
            // Where there is mass in both of a pair, q has a total.
            Verdict::Sum if self == Rank::OnlyP && !q_has_mass() => Some(f64::NAN),
            Verdict::Sum if self == Rank::OnlyP => Some(answers.q_zero.unwrap_or_else(value)),
            Verdict::Sum => Some(value()),
        }
    }
}

/// Highest rank of the elements of p, or of the pairs of p and q.
#[inline(always)]
pub fn judge<T: Weight>(p: Weights<T>, q: Option<Weights<T>>, policy: NanPolicy) -> Result<Rank, Missing> {
    // The bitmap tells of a null without reading the weights.
    let has_null = p.no_nulls().is_none() || q.is_some_and(|q| q.no_nulls().is_none());
    if policy == NanPolicy::Propagate && has_null {
        return Ok(Rank::Null);
    }
    let mut highest = Rank::Absent;
    for at in 0..p.len() {
        let element = match q {
            None => Rank::of_element(p.get(at)),
            Some(q) => Rank::of_pair(p.get(at), q.get(at)),
        };
        match element.apply_policy(policy) {
            Some(rank) => highest = highest.max(rank),
            None => return Err(Missing { side: missing_side(p.get(at)), at }),
        }
    }
    Ok(highest)
}

/// Side of a pair that is missing, for the error message: p, if both are.
fn missing_side(p: Option<f64>) -> Side {
    if Rank::of_element(p).is_missing() { Side::P } else { Side::Q }
}

/// Role of a part in the sums of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Mass of p or q.
    Mass,
    /// Summand of the value, which comes last.
    Term,
    /// Anything else, which signals nothing.
    Other,
}

/// Part of a summand that a column has: its leading bits, or the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The leading bits.
    Lead,
    /// The others.
    Rest,
}

/// Lead and rest of a sum.
pub type SplitSum<T> = [T; 2];

/// The signal of p = 0. It is the smallest double there is, and changes no sum that is a normal number; negative, lest it lift a
/// result of 0.
pub const MARK: f64 = f64::from_bits(1);

/// A lead or a rest with the signals of its element in it.
#[inline(always)]
pub fn signal(role: Role, split: Split, half: f64, p: f64, q: f64) -> f64 {
    match (role, split) {
        // 0 times anything finite is 0.
        (Role::Mass, Split::Lead) => half + (p * 0.0 + q * 0.0),
        (Role::Mass, Split::Rest) => {
            if (p < 0.0) | (q < 0.0) {
                f64::NAN
            } else {
                half
            }
        }
        (Role::Term, Split::Rest) => {
            let half = if p == 0.0 { -MARK } else { half };
            if (p > 0.0) & (q == 0.0) { f64::NAN } else { half }
        }
        (Role::Term, Split::Lead) | (Role::Other, _) => half,
    }
}

/// The column of summands that becomes NaN for a null.
pub const NULL_SIGNALS: (Role, Split) = (Role::Term, Split::Lead);

/// Rank of a group, the highest of its elements', from the signals in its sums. Ranks with the same [code](Rank::code) are not
/// told apart.
pub fn rank_of_sums(mass: SplitSum<f64>, term: SplitSum<f64>) -> Rank {
    let ([mass_lead, mass_rest], [term_lead, term_rest]) = (mass, term);
    if term_lead.is_nan() {
        Rank::Null
    } else if mass_lead.is_nan() {
        Rank::Nan
    } else if mass_rest.is_nan() {
        Rank::Negative
    } else if term_rest.is_nan() {
        Rank::OnlyP
    } else if mass_lead + mass_rest > 0.0 {
        Rank::Positive
    } else if term_rest == 0.0 {
        Rank::Absent
    } else {
        Rank::Zero
    }
}

/// The rest of the term of a result in single precision, which has nothing but marks. There, −1 stands for −[`MARK`].
pub fn single_marks(rest: Vec<f64>) -> Vec<f32> {
    // Not a quotient: to divide by a subnormal number takes long.
    rest.into_iter().map(|mark| if mark < 0.0 { -1.0 } else { mark as f32 }).collect()
}

/// Sums of [`single_marks`] as sums of marks.
pub fn marks_of_single(sums: &[f64]) -> Vec<f64> {
    sums.iter().map(|sum| sum * MARK).collect()
}

/// Room for the positions in a batch, and exact as a double.
const LOCATED: i64 = 1 << 52;

/// Signal of the pair at this position: a number if an element is missing, the greater the earlier it is, else 0.
pub fn located(is_missing: bool, at: usize, p: Option<f64>) -> i64 {
    match is_missing {
        true => LOCATED - 2 * at as i64 - i64::from(missing_side(p) == Side::Q),
        false => 0,
    }
}

/// Missing element that the maximum of [`located`] tells.
pub fn first_missing(located: f64) -> Option<Missing> {
    let below = LOCATED - located as i64;
    let side = if below % 2 == 0 { Side::P } else { Side::Q };
    (located > 0.0).then_some(Missing { side, at: (below / 2) as usize })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::weights::Bits;

    const RANKS: [Rank; 9] = [
        Rank::Absent,
        Rank::Zero,
        Rank::OnlyQ,
        Rank::Positive,
        Rank::OnlyP,
        Rank::Negative,
        Rank::Infinite,
        Rank::Nan,
        Rank::Null,
    ];

    /// These numbers are in users' files.
    #[test]
    fn codes_never_change() {
        let codes = [(4, 4), (7, 7), (7, 7), (9, 9), (8, 8), (6, 6), (5, 5), (5, 5), (3, 3)];
        for (rank, (code, again)) in RANKS.into_iter().zip(codes) {
            assert_eq!(rank.code(), code, "{rank:?}");
            assert_eq!(Rank::from_code(i64::from(code)).unwrap().code(), again, "{rank:?}");
        }
        for code in [-1, 0, 1, 2, 10, i64::MAX] {
            assert_eq!(Rank::from_code(code), None);
        }
    }

    #[test]
    fn ranks_of_one_code_have_one_verdict() {
        for rank in RANKS {
            let same = Rank::from_code(i64::from(rank.code())).unwrap();
            let [a, b] = [rank, same].map(|rank| rank.verdict(-1.0));
            let nan = |v| matches!(v, Verdict::Settled(Some(x)) if x.is_nan());
            assert!(a == b || (nan(a) && nan(b)), "{rank:?}");
        }
    }

    #[test]
    fn the_first_rule_that_applies_decides() {
        let judged = |xs: &[f64]| judge(Weights::new(xs, None), None, NanPolicy::Propagate).unwrap();
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(judged(&[]), Rank::Absent);
        assert_eq!(judged(&[0.0, -0.0]), Rank::Zero);
        assert_eq!(judged(&[0.0, 1.0]), Rank::Positive);
        assert_eq!(judged(&[-1.0, 1.0]), Rank::Negative);
        assert_eq!(judged(&[-1.0, inf]), Rank::Infinite);
        assert_eq!(judged(&[inf, nan, -1.0]), Rank::Nan);
        let values = [nan, 1.0, inf];
        let with_null = Weights::new(&values, Some(Bits::new(&[0b101], 0)));
        assert_eq!(judge(with_null, None, NanPolicy::Propagate), Ok(Rank::Null));
    }

    #[test]
    fn policies_decide_about_missing_elements_only() {
        for rank in [Rank::Zero, Rank::Positive, Rank::Negative, Rank::Infinite] {
            for policy in [NanPolicy::Propagate, NanPolicy::Omit, NanPolicy::Raise] {
                assert_eq!(rank.apply_policy(policy), Some(rank));
            }
        }
        for rank in [Rank::Nan, Rank::Null] {
            assert_eq!(rank.apply_policy(NanPolicy::Propagate), Some(rank));
            assert_eq!(rank.apply_policy(NanPolicy::Omit), Some(Rank::Absent));
            assert_eq!(rank.apply_policy(NanPolicy::Raise), None);
        }
    }

    #[test]
    fn a_missing_pair_names_its_side() {
        let (p, q) = (Weights::new(&[1.0, 1.0], None), Weights::new(&[1.0, f64::NAN], None));
        let error = judge(p, Some(q), NanPolicy::Raise).unwrap_err();
        assert_eq!(error, Missing { side: Side::Q, at: 1 });
    }
}
