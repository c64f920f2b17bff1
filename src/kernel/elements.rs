//! Driver of elements: what becomes of each element of a column, or of each pair.

use std::marker::PhantomData;

use super::broadcast::{Broadcast, Mismatch};
use super::quantity::Element;
use super::simd::{Arithmetic, Loop, vectorised};
use super::weights::{Weight, Weights};

/// Function of a pair of elements, `None` being null. A sole element p comes with a q of 1. Not a closure, for the reason given at
/// [`Terms`](super::blocks::Terms).
pub trait Map {
    /// Result.
    type Out: Copy + Default;
    /// Result of one pair.
    fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> Self::Out;
}

/// Maps every element of p.
pub fn map<T: Weight, M: Map>(p: Weights<T>, map: &M) -> Vec<M::Out> {
    map_one(p, Sole { map })
}

/// Maps every pair of elements of p and q, of which one may be a single element that goes with all of the other.
pub fn map_pairs<T: Weight, M: Map>(p: Weights<T>, q: Weights<T>, map: &M) -> Result<Vec<M::Out>, Mismatch> {
    let rows = Broadcast::new(p.len(), q.len())?;
    if rows.repeats_q() {
        return Ok(map_one(p, WithQ { map, q: q.get(0) }));
    }
    if rows.repeats_p() {
        return Ok(map_one(q, WithP { map, p: p.get(0) }));
    }
    let mut out = vec![M::Out::default(); rows.rows()];
    vectorised(EachPair { p, q, map, out: &mut out });
    Ok(out)
}

/// Values of a function of elements. What stands under a null means nothing.
pub fn values<E: Element, T: Weight>(x: Weights<T>, y: Option<Weights<T>>) -> Result<Vec<f64>, Mismatch> {
    match y {
        None => Ok(map(x, &OfElement::<E>(PhantomData))),
        Some(y) => map_pairs(x, y, &OfElement::<E>(PhantomData)),
    }
}

struct OfElement<E>(PhantomData<E>);

impl<E: Element> Map for OfElement<E> {
    type Out = f64;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, x: Option<f64>, y: Option<f64>) -> f64 {
        match (x, y) {
            (Some(x), Some(y)) => E::of::<A>(x, y),
            _ => 0.0,
        }
    }
}

/// Function of one element: a [`Map`] whose other side is fixed.
trait MapOne {
    type Out: Copy + Default;
    fn of<A: Arithmetic>(&self, x: Option<f64>) -> Self::Out;
}

/// Declares how the two sides of a [`Map`] come from one element.
macro_rules! one_of_two {
    ($name:ident { $($fixed:ident)? }: |$self:ident, $x:ident| $p:expr, $q:expr) => {
        struct $name<'a, M> {
            map: &'a M,
            $($fixed: Option<f64>,)?
        }

        impl<M: Map> MapOne for $name<'_, M> {
            type Out = M::Out;

            #[inline(always)]
            fn of<A: Arithmetic>(&$self, $x: Option<f64>) -> M::Out {
                $self.map.of::<A>($p, $q)
            }
        }
    };
}

one_of_two!(Sole {}: |self, x| x, Some(1.0));
one_of_two!(WithQ { q }: |self, x| x, self.q);
one_of_two!(WithP { p }: |self, x| self.p, x);

fn map_one<T: Weight, M: MapOne>(x: Weights<T>, map: M) -> Vec<M::Out> {
    let mut out = vec![M::Out::default(); x.len()];
    vectorised(EachElement { x, map, out: &mut out });
    out
}

struct EachElement<'a, T, M: MapOne> {
    x: Weights<'a, T>,
    map: M,
    out: &'a mut [M::Out],
}

impl<T: Weight, M: MapOne> Loop for EachElement<'_, T, M> {
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

struct EachPair<'a, T, M: Map> {
    p: Weights<'a, T>,
    q: Weights<'a, T>,
    map: &'a M,
    out: &'a mut [M::Out],
}

impl<T: Weight, M: Map> Loop for EachPair<'_, T, M> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_element_stands_for_many_on_either_side() {
        let (one, many) = ([2.0], [1.0, 3.0]);
        let (one, many) = (Weights::new(&one, None), Weights::new(&many, None));
        struct Minus;
        impl Map for Minus {
            type Out = f64;
            fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> f64 {
                p.unwrap() - q.unwrap()
            }
        }
        assert_eq!(map_pairs(one, many, &Minus).unwrap(), [1.0, -1.0]);
        assert_eq!(map_pairs(many, one, &Minus).unwrap(), [-1.0, 1.0]);
        assert_eq!(map_pairs(many, many, &Minus).unwrap(), [0.0, 0.0]);
        assert!(map_pairs(Weights::new(&[0.0; 0], None), one, &Minus).unwrap().is_empty());
        let three = Weights::new(&[0.0; 3], None);
        assert_eq!(map_pairs(many, three, &Minus), Err(Mismatch { p: 2, q: 3 }));
    }
}
