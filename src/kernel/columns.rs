//! Whole columns of elements: what goes in and comes out element by element.

use super::contract::{Missing, NanPolicy, Rank, Side, missing_side};
use super::weights::{Weight, Weights};

/// `f` of every element, `None` being null.
#[inline(always)]
pub fn map<T: Weight, R>(x: Weights<T>, f: impl Fn(Option<f64>) -> R) -> Vec<R> {
    match x.no_nulls() {
        Some(values) => values.iter().map(|x| f(Some(x.to_f64()))).collect(),
        None => x.iter().map(f).collect(),
    }
}

/// `f` of every pair of elements. A column of one element stands for any number of it; otherwise the lengths are equal.
#[inline(always)]
pub fn map_pairs<T: Weight, R>(
    p: Weights<T>,
    q: Weights<T>,
    f: impl Fn(Option<f64>, Option<f64>) -> R,
) -> Vec<R> {
    if q.len() == 1 && p.len() != 1 {
        let q = q.get(0);
        return map(p, |p| f(p, q));
    }
    if p.len() == 1 && q.len() != 1 {
        let p = p.get(0);
        return map(q, |q| f(p, q));
    }
    debug_assert_eq!(p.len(), q.len());
    match (p.no_nulls(), q.no_nulls()) {
        (Some(p), Some(q)) => p.iter().zip(q).map(|(p, q)| f(Some(p.to_f64()), Some(q.to_f64()))).collect(),
        _ => p.iter().zip(q.iter()).map(|(p, q)| f(p, q)).collect(),
    }
}

/// The rank of every element under a policy.
pub fn ranks<T: Weight>(x: Weights<T>, policy: NanPolicy) -> Result<Vec<u8>, Missing> {
    checked(map(x, |x| number(Rank::of_element(x), policy)), |_| Side::P)
}

/// The rank of every pair under a policy; lengths as in [`map_pairs`].
pub fn pair_ranks<T: Weight>(p: Weights<T>, q: Weights<T>, policy: NanPolicy) -> Result<Vec<u8>, Missing> {
    let ranks = map_pairs(p, q, |p, q| number(Rank::of_pair(p, q), policy));
    checked(ranks, |at| missing_side(p.get(if p.len() == 1 { 0 } else { at })))
}

/// Not the number of any rank: the policy says that the element is an error.
const ERROR: u8 = u8::MAX;

#[inline(always)]
fn number(rank: Rank, policy: NanPolicy) -> u8 {
    rank.under(policy).map_or(ERROR, |rank| rank as u8)
}

fn checked(ranks: Vec<u8>, side: impl Fn(usize) -> Side) -> Result<Vec<u8>, Missing> {
    match ranks.iter().position(|&rank| rank == ERROR) {
        None => Ok(ranks),
        Some(at) => Err(Missing { side: side(at), at }),
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
        let minus = |p: Option<f64>, q: Option<f64>| p.unwrap() - q.unwrap();
        assert_eq!(map_pairs(one, many, minus), [1.0, -1.0]);
        assert_eq!(map_pairs(many, one, minus), [-1.0, 1.0]);
        assert_eq!(map_pairs(many, many, minus), [0.0, 0.0]);
        assert_eq!(map_pairs(Weights::new(&[0.0; 0], None), one, minus), []);
    }

    #[test]
    fn a_missing_element_is_named_under_raise() {
        let values = [1.0, 5.0, f64::NAN];
        let q = Weights::new(&values, Some(Bits::new(&[0b101], 0)));
        let p = Weights::new(&[1.0], None);
        assert_eq!(ranks(q, NanPolicy::Propagate), Ok(vec![3, 8, 7]));
        assert_eq!(ranks(q, NanPolicy::Omit), Ok(vec![3, 0, 0]));
        assert_eq!(ranks(q, NanPolicy::Raise), Err(Missing { side: Side::P, at: 1 }));
        assert_eq!(pair_ranks(p, q, NanPolicy::Raise), Err(Missing { side: Side::Q, at: 1 }));
        assert_eq!(pair_ranks(q, p, NanPolicy::Raise), Err(Missing { side: Side::P, at: 1 }));
    }
}
