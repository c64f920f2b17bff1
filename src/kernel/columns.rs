//! Whole columns of elements: what goes in and comes out element by element.

use super::math::Arithmetic;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
