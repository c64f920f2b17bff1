//! Columns, groups and windows, which a data frame sums: what each element adds to the sums, and what they amount to.
//!
//! **Two halves.** A data frame may add up one element after the other, and each addition to a large total rounds: after a
//! million equal weights, as much as 9e-12 of it. So every quantity is summed in two halves. The leading 16 bits of each
//! element add up without rounding, but for elements below 2^−37 of the total (53 bits less 16). What the sum of the other
//! bits loses is smaller by 2^15. (The idea of splitting is Veltkamp's and Dekker's; bits are cut off here, not rounded.)
//!
//! **Rules.** Where a rule keeps the sums from being the answer, they needn't be numbers. Each half of a mass and of a term
//! tells one rule, by NaN, so that no column of [`Rank`]s has to be reduced beside them; [`rank`] reads it back:
//!
//! | | high half | low half |
//! | --- | --- | --- |
//! | mass | a NaN or an infinity | a negative weight |
//! | term | a null | q = 0 < p; and, by −[`MARK`], that some p is 0 |

use std::marker::PhantomData;

use super::columns::{Map, MapPairs, map, map_pairs};
use super::contract::{Missing, NanPolicy, Precision, Rank, Side, Unit, missing_side};
use super::kl_div::Summands;
use super::math::Arithmetic;
use super::rows::Values;
use super::simd::{Loop, vectorised};
use super::weights::{Weight, Weights};
use super::{entropy, kl_div};

/// A half of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The leading bits.
    High,
    /// The others.
    Low,
}

/// The bits of a double that the high half has: sign, exponent and the leading 16 of the significand.
const HIGH: u64 = u64::MAX << (53 - 16);

/// What a quantity is to the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Mass of p or q.
    Mass,
    /// A summand of the value.
    Term,
    /// Anything else.
    Other,
}

/// The low half of a term has −MARK where p is 0, so that a group of nothing but zeros differs from one of no elements. It is
/// the smallest double there is, and changes no sum that is a normal number; negative, lest it lift a result of 0.
pub const MARK: f64 = f64::from_bits(1);

/// The low half of the term of a result in single precision, which has nothing but marks. There, −1 stands for −[`MARK`].
pub fn single_marks(low: Vec<f64>) -> Vec<f32> {
    low.into_iter().map(|mark| (mark / MARK) as f32).collect()
}

/// Sums of [`single_marks`] as sums of marks.
pub fn marks_of_single(sums: &[f64]) -> Vec<f64> {
    sums.iter().map(|sum| sum * MARK).collect()
}

/// A half of one quantity, compiled for each.
trait Channel {
    /// The half of a value that belongs to p and q, where `high` are the bits that the high half has.
    fn of(value: f64, high: u64, p: f64, q: f64) -> f64;

    /// Whether it tells of a null.
    const OF_NULL: bool = false;
}

#[inline(always)]
fn high_half(value: f64, high: u64) -> f64 {
    f64::from_bits(value.to_bits() & high)
}

#[inline(always)]
fn low_half(value: f64, high: u64) -> f64 {
    value - high_half(value, high)
}

/// Declares channels.
macro_rules! channels {
    ($($name:ident = |$value:ident, $high:ident, $p:ident, $q:ident| $half:expr $(, of_null: $of_null:literal)?;)+) => {$(
        struct $name;

        impl Channel for $name {
            $(const OF_NULL: bool = $of_null;)?

            #[inline(always)]
            fn of($value: f64, $high: u64, $p: f64, $q: f64) -> f64 {
                $half
            }
        }
    )+};
}

channels! {
    // 0 times anything finite is 0.
    MassHigh = |value, high, p, q| high_half(value, high) + (p * 0.0 + q * 0.0);
    MassLow = |value, high, p, q| if (p < 0.0) | (q < 0.0) { f64::NAN } else { low_half(value, high) };
    TermHigh = |value, high, _p, _q| high_half(value, high), of_null: true;
    TermLow = |value, high, p, q| {
        let half = if p == 0.0 { -MARK } else { low_half(value, high) };
        if (p > 0.0) & (q == 0.0) { f64::NAN } else { half }
    };
    OtherHigh = |value, high, _p, _q| high_half(value, high);
    OtherLow = |value, high, _p, _q| low_half(value, high);
}

/// How a quantity is summed.
#[derive(Clone, Copy, Debug)]
pub struct Summing {
    /// What it is to the sums.
    pub role: Role,
    /// Which half of it.
    pub half: Half,
    /// The precision of the result.
    pub precision: Precision,
    /// What to do about missing elements.
    pub policy: NanPolicy,
}

/// A half of what a map makes of elements.
struct Summed<'a, M, C> {
    of: &'a M,
    high: u64,
    policy: NanPolicy,
    channel: PhantomData<C>,
}

impl<M, C: Channel> Summed<'_, M, C> {
    #[inline(always)]
    fn summand(&self, p: f64, q: f64, value: f64) -> f64 {
        let half = C::of(value, self.high, p, q);
        let dropped = (self.policy == NanPolicy::Omit) & (p.is_nan() | q.is_nan());
        if dropped { 0.0 } else { half }
    }

    #[inline(always)]
    fn of_null(&self) -> f64 {
        if C::OF_NULL && self.policy != NanPolicy::Omit { f64::NAN } else { 0.0 }
    }
}

impl<M: Map<Out = f64>, C: Channel> Map for Summed<'_, M, C> {
    type Out = f64;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, x: Option<f64>) -> f64 {
        match x {
            // There is mass wherever p has some.
            Some(p) => self.summand(p, 1.0, self.of.of::<A>(x)),
            None => self.of_null(),
        }
    }
}

impl<M: MapPairs<Out = f64>, C: Channel> MapPairs for Summed<'_, M, C> {
    type Out = f64;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> f64 {
        match (p, q) {
            (Some(x), Some(y)) => self.summand(x, y, self.of.of::<A>(p, q)),
            _ => self.of_null(),
        }
    }
}

/// Calls `$f` with a [`Summed`] of `$of`, as `$how` says.
macro_rules! with_summed {
    ($of:expr, $how:expr, |$summed:ident| $f:expr) => {{
        let Summing { role, half, precision, policy } = $how;
        // Single precision needs no second half, and that of the term is in single precision, too.
        let high = if precision == Precision::Single { u64::MAX } else { HIGH };
        macro_rules! with {
            ($channel:ty) => {{
                let $summed = &Summed { of: $of, high, policy, channel: PhantomData::<$channel> };
                $f
            }};
        }
        match (role, half) {
            (Role::Mass, Half::High) => with!(MassHigh),
            (Role::Mass, Half::Low) => with!(MassLow),
            (Role::Term, Half::High) => with!(TermHigh),
            (Role::Term, Half::Low) => with!(TermLow),
            (Role::Other, Half::High) => with!(OtherHigh),
            (Role::Other, Half::Low) => with!(OtherLow),
        }
    }};
}

/// A half of a quantity of every element.
pub fn summands<T: Weight>(x: Weights<T>, of: &impl Map<Out = f64>, how: Summing) -> Vec<f64> {
    with_summed!(of, how, |summed| map(x, summed))
}

/// The same for pairs; lengths as in [`map_pairs`].
pub fn pair_summands<T: Weight>(
    p: Weights<T>,
    q: Weights<T>,
    of: &impl MapPairs<Out = f64>,
    how: Summing,
) -> Vec<f64> {
    with_summed!(of, how, |summed| map_pairs(p, q, summed))
}

/// Whether an element is missing.
struct IsMissing;

impl Map for IsMissing {
    type Out = bool;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, x: Option<f64>) -> bool {
        Rank::of_element(x).is_missing()
    }
}

impl MapPairs for IsMissing {
    type Out = bool;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> bool {
        Rank::of_pair(p, q).is_missing()
    }
}

/// For [`NanPolicy::Raise`]: where elements are missing, as numbers of which a group takes the maximum. Whether it is an error
/// is for the group to say: elements that are in none are told of, too.
pub fn missing<T: Weight>(x: Weights<T>) -> Vec<i64> {
    located(map(x, &IsMissing), |_| Side::P)
}

/// The same for pairs; lengths as in [`map_pairs`].
pub fn missing_pairs<T: Weight>(p: Weights<T>, q: Weights<T>) -> Vec<i64> {
    let side = |at| missing_side(p.get(if p.len() == 1 { 0 } else { at }));
    located(map_pairs(p, q, &IsMissing), side)
}

fn located(missing: Vec<bool>, side: impl Fn(usize) -> Side) -> Vec<i64> {
    let locate = |(at, missing)| match missing {
        // The first of a group has to be the greatest.
        true => LOCATED - 2 * at as i64 - i64::from(side(at) == Side::Q),
        false => 0,
    };
    missing.into_iter().enumerate().map(locate).collect()
}

/// Room for the positions in a batch, and exact as a double.
const LOCATED: i64 = 1 << 52;

/// What the maximum of [`missing`] says is missing.
pub fn first_missing(located: f64) -> Option<Missing> {
    let below = LOCATED - located as i64;
    let side = if below % 2 == 0 { Side::P } else { Side::Q };
    (located > 0.0).then_some(Missing { side, at: (below / 2) as usize })
}

/// What becomes of the N sums of a group, of which the first is the mass of p and the last that of the terms.
pub trait Finish<const N: usize> {
    /// The value of the sums, where no rule but 9 applies.
    fn value<A: Arithmetic>(sums: [f64; N]) -> f64;
    /// What the rules make of it.
    fn settle(rank: Rank, sums: [f64; N], value: f64) -> Option<f64>;
}

/// Sums of [`columns::Mass`](super::columns::Mass) and [`columns::Term`](super::columns::Term).
pub struct Entropy;

impl Finish<2> for Entropy {
    #[inline(always)]
    fn value<A: Arithmetic>([mass, term]: [f64; 2]) -> f64 {
        entropy::of_sums::<A>(mass, term)
    }

    #[inline(always)]
    fn settle(rank: Rank, _: [f64; 2], value: f64) -> Option<f64> {
        entropy::settle(rank, value)
    }
}

/// Sums of the masses of p and q and of [`columns::TermPq`](super::columns::TermPq).
pub struct KlDiv;

impl Finish<3> for KlDiv {
    #[inline(always)]
    fn value<A: Arithmetic>([p, q, term]: [f64; 3]) -> f64 {
        kl_div::of_sums::<A>(Summands { p, q, term })
    }

    #[inline(always)]
    fn settle(rank: Rank, [_, q, _]: [f64; 3], value: f64) -> Option<f64> {
        kl_div::settle(rank, q, || value)
    }
}

/// Sums of the masses of p and q, the excesses near and far, and of [`columns::TermApart`](super::columns::TermApart).
pub struct KlDivApart;

impl Finish<5> for KlDivApart {
    #[inline(always)]
    fn value<A: Arithmetic>([p, q, near, far, term]: [f64; 5]) -> f64 {
        kl_div::of_sums_apart::<A>(p, q, kl_div::Apart { near, far, term })
    }

    #[inline(always)]
    fn settle(rank: Rank, [_, q, ..]: [f64; 5], value: f64) -> Option<f64> {
        kl_div::settle(rank, q, || value)
    }
}

/// The sums of a group's halves, high and low.
pub type Halves<T> = [T; 2];

/// The values of groups.
pub fn finish<F: Finish<N>, const N: usize>(halves: [Halves<&[f64]>; N], unit: Unit) -> Values {
    let mut nats = vec![0.0; halves[0][0].len()];
    // In a window there are as many groups as there are rows, hence the loops.
    if vectorised(EachGroup::<F, N> { halves, nats: &mut nats, of: PhantomData }) {
        nats.iter_mut().for_each(|nats| *nats = unit.express(*nats));
        return nats.into();
    }
    let mut values = Values::with_capacity(nats.len());
    for (i, nats) in nats.into_iter().enumerate() {
        let group = halves.map(|halves| halves.map(|half| half[i]));
        let nats = F::settle(rank(group), sums(group), nats);
        values.push(nats.map(|nats| unit.express(nats)));
    }
    values
}

/// The sums of both halves.
#[inline(always)]
pub fn sums<const N: usize>(group: [Halves<f64>; N]) -> [f64; N] {
    group.map(|[high, low]| high + low)
}

/// The rank of a group, which is the highest of its elements', from what the halves of its sums tell. Ranks with the same
/// value are not told apart: an infinity has that of NaN, and p = 0 < q that of p = q = 0.
pub fn rank<const N: usize>(group: [Halves<f64>; N]) -> Rank {
    let ([mass_high, mass_low], [term_high, term_low]) = (group[0], group[N - 1]);
    if term_high.is_nan() {
        Rank::Null
    } else if mass_high.is_nan() {
        Rank::Nan
    } else if mass_low.is_nan() {
        Rank::Negative
    } else if term_low.is_nan() {
        Rank::OnlyP
    } else if mass_high + mass_low > 0.0 {
        Rank::Positive
    } else if term_low == 0.0 {
        Rank::Absent
    } else {
        Rank::Zero
    }
}

struct EachGroup<'a, F, const N: usize> {
    halves: [Halves<&'a [f64]>; N],
    nats: &'a mut [f64],
    of: PhantomData<F>,
}

impl<F: Finish<N>, const N: usize> Loop for EachGroup<'_, F, N> {
    /// Whether all have the rank [`Rank::Positive`].
    type Out = bool;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> bool {
        // Of one length for all, which spares the loop the checks.
        let count = self.nats.len();
        let mut halves = self.halves;
        for half in halves.iter_mut().flatten() {
            *half = &half[..count];
        }
        let mut positive = true;
        for (i, nats) in self.nats.iter_mut().enumerate() {
            let mut group = [[0.0; 2]; N];
            for (group, [high, low]) in group.iter_mut().zip(&halves) {
                *group = [high[i], low[i]];
            }
            let sums = sums(group);
            positive &= (sums[0] > 0.0) & !sums[N - 1].is_nan();
            *nats = F::value::<A>(sums);
        }
        positive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::columns::{Mass, MassP, Term, TermApart, TermPq, map};
    use crate::kernel::contract::{judge, judge_pairs};
    use crate::kernel::weights::Bits;

    #[test]
    fn a_missing_element_is_named_under_raise() {
        let values = [1.0, 5.0, f64::NAN];
        let q = Weights::new(&values, Some(Bits::new(&[0b101], 0)));
        let p = Weights::new(&[1.0], None);
        let cases = [(missing(q), Side::P), (missing_pairs(p, q), Side::Q), (missing_pairs(q, p), Side::P)];
        for (missing, side) in cases {
            let highest = missing.into_iter().max().unwrap();
            assert_eq!(first_missing(highest as f64), Some(Missing { side, at: 1 }));
        }
        assert_eq!(missing(p), [0]);
        assert_eq!(first_missing(0.0), None);
    }

    fn how(role: Role, half: Half, policy: NanPolicy) -> Summing {
        Summing { role, half, precision: Precision::Double, policy }
    }

    /// Added up as a streaming engine may: one element after the other.
    fn halves<M: Map<Out = f64>>(x: Weights<f64>, of: &M, role: Role, policy: NanPolicy) -> Halves<f64> {
        [Half::High, Half::Low].map(|half| summands(x, of, how(role, half, policy)).iter().sum())
    }

    fn group(x: Weights<f64>, policy: NanPolicy) -> (Rank, Option<f64>) {
        let mass = halves(x, &Mass, Role::Mass, policy);
        let term = halves(x, &Term, Role::Term, policy);
        let slices = [&mass, &term].map(|[high, low]| [high, low].map(std::slice::from_ref));
        let (values, valid) = finish::<Entropy, 2>(slices, Unit::new(None)).into_parts();
        (rank([mass, term]), valid.is_none().then_some(values[0]))
    }

    #[test]
    fn many_equal_weights_lose_nothing() {
        for weight in [0.1, 0.3, 1e-6, 1e9] {
            for count in [1, 2, 1000, 1_000_000] {
                let x = vec![weight; count];
                let (rank, value) = group(Weights::new(&x, None), NanPolicy::Propagate);
                let (got, exact) = (value.unwrap(), (count as f64).ln());
                assert_eq!(rank, Rank::Positive);
                // The promise on groups; exactly 0 for one.
                let bound = if count == 1 { 0.0 } else { 1e-14 * (1.0 + (weight * count as f64).ln().abs()) };
                assert!((got - exact).abs() <= bound, "{count} times {weight}: {got} for {exact}");
            }
        }
    }

    #[test]
    fn halves_add_up_to_the_whole() {
        for x in [0.1, 1e300, 3e-300, 5e-324, 1.0] {
            let x = Weights::new(std::slice::from_ref(&x), None);
            let [high, low] = halves(x, &Mass, Role::Mass, NanPolicy::Propagate);
            assert_eq!(high + low, map(x, &Mass)[0]);
            assert_eq!(high.to_bits() & !HIGH, 0);
            let [high, low] = halves(x, &Term, Role::Term, NanPolicy::Propagate);
            assert_eq!(high + low, map(x, &Term)[0]);
        }
    }

    /// The elements that rules are about; `None` is null.
    const KINDS: [Option<f64>; 8] = [
        Some(0.0),
        Some(2.0),
        Some(5e-324),
        Some(-1.0),
        Some(f64::INFINITY),
        Some(f64::NEG_INFINITY),
        Some(f64::NAN),
        None,
    ];

    /// Ranks that are told apart by nothing but their names.
    fn alike(rank: Rank) -> Rank {
        match rank {
            Rank::Infinite => Rank::Nan,
            Rank::OnlyQ => Rank::Zero,
            rank => rank,
        }
    }

    fn bits(x: &[Option<f64>]) -> (Vec<f64>, Vec<u8>) {
        let valid = x.iter().enumerate().map(|(i, x)| u8::from(x.is_some()) << i).sum();
        (x.iter().map(|x| x.unwrap_or(7.0)).collect(), vec![valid])
    }

    #[test]
    fn halves_tell_the_rank() {
        let groups = KINDS.iter().flat_map(|a| KINDS.map(|b| vec![*a, b])).chain([vec![], vec![None; 3]]);
        for group_of in groups {
            let (values, valid) = bits(&group_of);
            let x = Weights::new(&values, Some(Bits::new(&valid, 0)));
            for policy in [NanPolicy::Propagate, NanPolicy::Omit] {
                let expected = judge(x, policy).unwrap();
                assert_eq!(group(x, policy).0, alike(expected), "{group_of:?} {policy:?}");
            }
        }
    }

    #[test]
    fn halves_tell_the_rank_of_pairs() {
        let pairs: Vec<_> = KINDS.iter().flat_map(|p| KINDS.map(|q| (*p, q))).collect();
        for (first, second) in pairs.iter().flat_map(|a| pairs.iter().map(move |b| (*a, *b))) {
            let ((p, p_valid), (q, q_valid)) = (bits(&[first.0, second.0]), bits(&[first.1, second.1]));
            let p = Weights::new(&p, Some(Bits::new(&p_valid, 0)));
            let q = Weights::new(&q, Some(Bits::new(&q_valid, 0)));
            for policy in [NanPolicy::Propagate, NanPolicy::Omit] {
                let sum = |of: &dyn Fn(Summing) -> Vec<f64>, role| {
                    [Half::High, Half::Low].map(|half| of(how(role, half, policy)).iter().sum::<f64>())
                };
                let mass = sum(&|how| pair_summands(p, q, &MassP, how), Role::Mass);
                let term = sum(&|how| pair_summands(p, q, &TermPq, how), Role::Term);
                let apart = sum(&|how| pair_summands(p, q, &TermApart, how), Role::Term);
                let expected = alike(judge_pairs(p, q, policy).unwrap());
                assert_eq!(rank([mass, term]), expected, "{first:?} {second:?} {policy:?}");
                assert_eq!(rank([mass, apart]), expected, "{first:?} {second:?} {policy:?}");
            }
        }
    }
}
