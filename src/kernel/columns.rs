//! Whole columns of elements: what goes in and comes out element by element.

use std::marker::PhantomData;

use super::contract::{Missing, NanPolicy, Rank, Side, Unit};
use super::kl_div::Summands;
use super::math::Arithmetic;
use super::rows::Values;
use super::simd::{Loop, vectorised};
use super::weights::{Weight, Weights};
use super::{entropy, kl_div};

/// What becomes of an element. Not a closure, for the reason given at [`Terms`](super::blocks::Terms).
pub trait Map {
    /// What it becomes.
    type Out: Copy + Default;
    /// `None` is null.
    fn of<A: Arithmetic>(&self, x: Option<f64>) -> Self::Out;
}

/// What becomes of a pair of elements.
pub trait MapPairs {
    /// What it becomes.
    type Out: Copy + Default;
    /// `None` is null.
    fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> Self::Out;
}

/// Every element.
pub fn map<T: Weight, M: Map>(x: Weights<T>, map: &M) -> Vec<M::Out> {
    let mut out = vec![M::Out::default(); x.len()];
    vectorised(EachElement { x, map, out: &mut out });
    out
}

struct EachElement<'a, T, M: Map> {
    x: Weights<'a, T>,
    map: &'a M,
    out: &'a mut [M::Out],
}

impl<T: Weight, M: Map> Loop for EachElement<'_, T, M> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        match self.x.no_nulls() {
            Some(values) => {
                for (slot, x) in self.out.iter_mut().zip(values) {
                    *slot = self.map.of::<A>(Some(x.to_f64()));
                }
            }
            None => {
                for (i, slot) in self.out.iter_mut().enumerate() {
                    *slot = self.map.of::<A>(self.x.get(i));
                }
            }
        }
    }
}

/// Every pair of elements. A column of one element stands for any number of it; otherwise the lengths are equal.
pub fn map_pairs<T: Weight, M: MapPairs>(p: Weights<T>, q: Weights<T>, map_of: &M) -> Vec<M::Out> {
    if q.len() == 1 && p.len() != 1 {
        return map(p, &WithQ { map: map_of, q: q.get(0) });
    }
    if p.len() == 1 && q.len() != 1 {
        return map(q, &WithP { map: map_of, p: p.get(0) });
    }
    debug_assert_eq!(p.len(), q.len());
    let mut out = vec![M::Out::default(); p.len()];
    vectorised(EachPair { p, q, map: map_of, out: &mut out });
    out
}

struct EachPair<'a, T, M: MapPairs> {
    p: Weights<'a, T>,
    q: Weights<'a, T>,
    map: &'a M,
    out: &'a mut [M::Out],
}

impl<T: Weight, M: MapPairs> Loop for EachPair<'_, T, M> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        match (self.p.no_nulls(), self.q.no_nulls()) {
            (Some(p), Some(q)) => {
                for ((slot, p), q) in self.out.iter_mut().zip(p).zip(q) {
                    *slot = self.map.of::<A>(Some(p.to_f64()), Some(q.to_f64()));
                }
            }
            _ => {
                for (i, slot) in self.out.iter_mut().enumerate() {
                    *slot = self.map.of::<A>(self.p.get(i), self.q.get(i));
                }
            }
        }
    }
}

struct WithQ<'a, M> {
    map: &'a M,
    q: Option<f64>,
}

impl<M: MapPairs> Map for WithQ<'_, M> {
    type Out = M::Out;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, p: Option<f64>) -> M::Out {
        self.map.of::<A>(p, self.q)
    }
}

struct WithP<'a, M> {
    map: &'a M,
    p: Option<f64>,
}

impl<M: MapPairs> Map for WithP<'_, M> {
    type Out = M::Out;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, q: Option<f64>) -> M::Out {
        self.map.of::<A>(self.p, q)
    }
}

/// Declares a [`Map`] or [`MapPairs`] to floats: a function of numbers, and what null becomes.
macro_rules! maps {
    ($($(#[$doc:meta])* $name:ident: $kind:ident, <$arithmetic:ident>|$($x:ident),+| $value:expr, null $null:expr;)+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl $kind for $name {
            type Out = f64;

            #[inline(always)]
            fn of<$arithmetic: Arithmetic>(&self, $($x: Option<f64>),+) -> f64 {
                match ($($x,)+) {
                    ($(Some($x),)+) => $value,
                    _ => $null,
                }
            }
        }
    )+};
}

maps! {
    /// [`entropy::entr`]; what stands under a null means nothing.
    Entr: Map, <A>|x| entropy::entr::<A>(x), null 0.0;
    /// [`entropy::mass`].
    Mass: Map, <A>|x| entropy::mass(x), null 0.0;
    /// [`entropy::term`].
    Term: Map, <A>|x| entropy::term::<A>(x), null 0.0;
    /// [`kl_div::rel_entr`]; what stands under a null means nothing.
    RelEntr: MapPairs, <A>|p, q| kl_div::rel_entr::<A>(p, q), null 0.0;
    /// The part in the total of p of [`kl_div::summands`].
    MassP: MapPairs, <A>|p, q| kl_div::summands::<A>(p, q).p, null 0.0;
    /// The part in the total of q of [`kl_div::summands`].
    MassQ: MapPairs, <A>|p, q| kl_div::summands::<A>(p, q).q, null 0.0;
    /// The term of [`kl_div::summands`].
    TermPq: MapPairs, <A>|p, q| kl_div::summands::<A>(p, q).term, null 0.0;
    /// The near excess of [`kl_div::apart`].
    Near: MapPairs, <A>|p, q| kl_div::apart::<A>(p, q).near, null 0.0;
    /// The far excess of [`kl_div::apart`].
    Far: MapPairs, <A>|p, q| kl_div::apart::<A>(p, q).far, null 0.0;
    /// The term of [`kl_div::apart`].
    TermApart: MapPairs, <A>|p, q| kl_div::apart::<A>(p, q).term, null 0.0;
}

/// The number of an element's rank, with what a policy makes of missing ones.
struct Ranked {
    nan: u64,
    null: u64,
}

/// Not the number of any rank: the policy says that the element is an error.
const ERROR: u8 = u8::MAX;

impl Ranked {
    fn new(policy: NanPolicy) -> Ranked {
        let number = |rank: Rank| rank.under(policy).map_or(ERROR.into(), |rank| rank as u64);
        Ranked { nan: number(Rank::Nan), null: number(Rank::Null) }
    }

    #[inline(always)]
    fn number(&self, rank: Rank) -> u8 {
        let number = if rank as u64 == Rank::Nan as u64 { self.nan } else { rank as u64 };
        let number = if rank as u64 == Rank::Null as u64 { self.null } else { number };
        number as u8
    }
}

impl Map for Ranked {
    type Out = u8;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, x: Option<f64>) -> u8 {
        self.number(Rank::of_element(x))
    }
}

impl MapPairs for Ranked {
    type Out = u8;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> u8 {
        self.number(Rank::of_pair(p, q))
    }
}

/// The rank of every element under a policy, as a number of which a group takes the maximum.
pub fn ranks<T: Weight>(x: Weights<T>, policy: NanPolicy) -> Vec<u8> {
    map(x, &Ranked::new(policy))
}

/// The rank of every pair under a policy; lengths as in [`map_pairs`].
pub fn pair_ranks<T: Weight>(p: Weights<T>, q: Weights<T>, policy: NanPolicy) -> Vec<u8> {
    map_pairs(p, q, &Ranked::new(policy))
}

/// Ranks under [`NanPolicy::Raise`], which also tell where an error is. Whether it is one is for the group to say: elements
/// that are in none are ranked, too.
pub fn located(ranks: Vec<u8>, side: impl Fn(usize) -> Side) -> Vec<i64> {
    let locate = |(at, rank)| match rank {
        // The first of a group has to be the greatest.
        ERROR => LOCATED - 2 * at as i64 - i64::from(side(at) == Side::Q),
        rank => i64::from(rank),
    };
    ranks.into_iter().enumerate().map(locate).collect()
}

/// Above all ranks, with room for the positions in a batch, and exact as a double.
const LOCATED: i64 = 1 << 52;

/// What the maximum of [`located`] ranks says is missing.
pub fn missing(located: f64) -> Option<Missing> {
    let below = LOCATED - located as i64;
    let side = if below % 2 == 0 { Side::P } else { Side::Q };
    (located > f64::from(ERROR)).then_some(Missing { side, at: (below / 2) as usize })
}

/// The rank of a group from the maximum over its ranks, which is null over no elements at all.
pub fn rank_of_group(highest: Option<f64>) -> Rank {
    highest.map_or(Rank::Absent, |number| Rank::from_number(number as u8))
}

/// What becomes of the N sums of a group.
pub trait Finish<const N: usize> {
    /// The value of the sums, where no rule but 9 applies.
    fn value<A: Arithmetic>(sums: [f64; N]) -> f64;
    /// What the rules make of it.
    fn settle(rank: Rank, sums: [f64; N], value: f64) -> Option<f64>;
}

/// Sums of [`Mass`] and [`Term`].
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

/// Sums of [`MassP`], [`MassQ`] and [`TermPq`].
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

/// Sums of [`MassP`], [`MassQ`], [`Near`], [`Far`] and [`TermApart`].
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

/// The values of groups from their sums and their ranks.
pub fn finish<F: Finish<N>, const N: usize>(sums: [&[f64]; N], ranks: Weights<f64>, unit: Unit) -> Values {
    let mut values = vec![0.0; ranks.len()];
    vectorised(EachGroup::<F, N> { sums, values: &mut values, of: PhantomData });
    let mut out = Values::with_capacity(ranks.len());
    for (i, value) in values.into_iter().enumerate() {
        out.push(
            F::settle(rank_of_group(ranks.get(i)), sums.map(|sum| sum[i]), value)
                .map(|nats| unit.express(nats)),
        );
    }
    out
}

struct EachGroup<'a, F, const N: usize> {
    sums: [&'a [f64]; N],
    values: &'a mut [f64],
    of: PhantomData<F>,
}

impl<F: Finish<N>, const N: usize> Loop for EachGroup<'_, F, N> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        for (i, value) in self.values.iter_mut().enumerate() {
            *value = F::value::<A>(self.sums.map(|sum| sum[i]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::weights::Bits;

    #[test]
    fn one_element_stands_for_many_on_either_side() {
        let (one, many) = ([2.0], [1.0, 3.0]);
        let (one, many) = (Weights::new(&one, None), Weights::new(&many, None));
        struct Minus;
        impl MapPairs for Minus {
            type Out = f64;
            fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> f64 {
                p.unwrap() - q.unwrap()
            }
        }
        assert_eq!(map_pairs(one, many, &Minus), [1.0, -1.0]);
        assert_eq!(map_pairs(many, one, &Minus), [-1.0, 1.0]);
        assert_eq!(map_pairs(many, many, &Minus), [0.0, 0.0]);
        assert!(map_pairs(Weights::new(&[0.0; 0], None), one, &Minus).is_empty());
    }

    #[test]
    fn a_missing_element_is_named_under_raise() {
        let values = [1.0, 5.0, f64::NAN];
        let q = Weights::new(&values, Some(Bits::new(&[0b101], 0)));
        let p = Weights::new(&[1.0], None);
        assert_eq!(ranks(q, NanPolicy::Propagate), [3, 8, 7]);
        assert_eq!(ranks(q, NanPolicy::Omit), [3, 0, 0]);
        for (ranks, side) in [
            (ranks(q, NanPolicy::Raise), Side::P),
            (pair_ranks(p, q, NanPolicy::Raise), Side::Q),
            (pair_ranks(q, p, NanPolicy::Raise), Side::P),
        ] {
            let highest = located(ranks, |_| side).into_iter().max().unwrap();
            assert_eq!(missing(highest as f64), Some(Missing { side, at: 1 }));
        }
        assert_eq!(missing(8.0), None);
    }
}
