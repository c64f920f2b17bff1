//! Driver of rows whose q has more elements than p has: its total is known, and what the row lacks of it, the remainder, counts as one
//! more element, with p = 0.
//!
//! ```text
//! r = T − Σ qᵢ
//! ```
//!
//! Where q adds up to nearly all of T, digits of r hang on the rounding of the sum, so errors of the sum are carried along.
//! Groups and merged states take the remainder from here, too.

use std::marker::PhantomData;

use super::blocks::{Carried, LANES, OneRow};
use super::broadcast::RowPairs;
use super::layout::Error;
use super::math::power_of_two;
use super::options::{NanPolicy, Unit};
use super::quantity::Quantity;
use super::rows::{self, Rows};
use super::rules::{Missing, Rank, judge};
use super::simd::{Arithmetic, IsaOps, Loop, vectorised};
use super::values::Values;
use super::weights::{Mask, Weight, Weights};

/// Total of q for the distribution of this number; `None` is null.
pub type TotalOf<'a> = &'a dyn Fn(usize) -> Option<f64>;

/// The most that q may exceed its total by, in units of the total, for the excess to be taken for rounding.
const ROUNDING: f64 = 1e-6;

/// Remainder of a total: an element of q, beside which p is 0.
#[derive(Clone, Copy, Debug)]
pub struct Remainder {
    /// Rank of the element. A total that isn't finite is as an infinite weight, and null as a null one, under any policy.
    pub rank: Rank,
    /// Weight of the element, in the unit of the total; never negative.
    pub weight: f64,
}

impl Remainder {
    /// Remainder of a total. Of a finite one, `rest` tells what is left.
    #[inline(always)]
    pub fn of(total: Option<f64>, rest: impl FnOnce(f64) -> f64) -> Remainder {
        let (rank, weight) = match total {
            None => (Rank::Null, 0.0),
            Some(total) if !total.is_finite() => (Rank::Infinite, 0.0),
            Some(total) => match rest(total) {
                rest if rest > 0.0 => (Rank::OnlyQ, rest),
                rest if rest < -ROUNDING * total => (Rank::Negative, 0.0),
                _ => (Rank::Zero, 0.0),
            },
        };
        Remainder { rank, weight }
    }
}

/// Adds the values of pairs of rows of p and q, with the total of q for each pair.
pub fn values<Q: Quantity, T: Weight>(
    p: &Rows<T>,
    q: &Rows<T>,
    pairs: RowPairs,
    totals: TotalOf,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    vectorised(EachRow::<Q, T> { p, q, pairs, totals, policy, unit, out, quantity: PhantomData })
}

/// Value of one distribution, `None` being null.
pub fn value_of<Q: Quantity, T: Weight>(
    p: Weights<T>,
    q: Weights<T>,
    total: Option<f64>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    let longer = &mut Longer::default();
    vectorised(OfOne::<Q, T> { p, q, total, policy, longer, quantity: PhantomData })
}

struct EachRow<'a, Q, T> {
    p: &'a Rows<'a, T>,
    q: &'a Rows<'a, T>,
    pairs: RowPairs<'a>,
    totals: TotalOf<'a>,
    policy: NanPolicy,
    unit: Unit,
    out: &'a mut Values,
    quantity: PhantomData<Q>,
}

impl<Q: Quantity, T: Weight> Loop for EachRow<'_, Q, T> {
    type Out = Result<(), Error>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Result<(), Error> {
        let (policy, longer) = (self.policy, &mut Longer::default());
        for row in 0..self.pairs.len() {
            let (i, j) = self.pairs.get(row);
            let value = match (self.p.row(i), self.q.row(j)) {
                (Some(p), Some(q)) if p.len() != q.len() => {
                    return Err(Error::Lengths { row, p: p.len(), q: q.len() });
                }
                (Some(p), Some(q)) => {
                    let (total, longer) = ((self.totals)(row), &mut *longer);
                    let one = OfOne::<Q, T> { p, q, total, policy, longer, quantity: PhantomData };
                    A::Isa::call_outlined::<A, _>(one).map_err(|missing| Error::Missing { row, missing })?
                }
                _ => None,
            };
            self.out.push(value.map(|nats| self.unit.express(nats)));
        }
        Ok(())
    }
}

/// Value of one row.
struct OfOne<'a, 'b, Q, T> {
    p: Weights<'a, T>,
    q: Weights<'a, T>,
    total: Option<f64>,
    policy: NanPolicy,
    longer: &'b mut Longer,
    quantity: PhantomData<Q>,
}

impl<Q: Quantity, T: Weight> Loop for OfOne<'_, '_, Q, T> {
    type Out = Result<Option<f64>, Missing>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Self::Out {
        let OfOne { p, q, total, policy, longer, .. } = self;
        if let (Some(of_p), Some(of_q)) = (p.no_nulls(), q.no_nulls()) {
            longer.fill(of_p, of_q);
            let remainder = longer.add_remainder(total);
            let Longer { p, q } = &*longer;
            let (p, q) = (Weights::new(p, None).dense(), Weights::new(q, None).dense());
            // With a remainder of one of these ranks, rules can speak of nothing but the elements.
            if let (Rank::OnlyQ | Rank::Zero, Some(p), Some(q)) = (remainder.rank, p, q) {
                let fast = Q::of_blocks::<A, OneRow>(&p, &q).get(0);
                if fast.is_some() {
                    return Ok(fast);
                }
            }
        }
        let rank = judge(p, Some(q), policy)?;
        longer.fill_kept(p, q);
        let remainder = longer.add_remainder(total);
        let Longer { p, q } = &*longer;
        let q_has_mass = || q.iter().any(|q| *q > 0.0);
        let value = || {
            let [p, q] = [p, q].map(|x| Weights::new(x, None));
            // Nothing is missing, so there is a value.
            let row = rows::OfOne::<Q, f64>::new(p, q, NanPolicy::Propagate);
            A::Isa::call_outlined::<A, _>(row).ok().flatten().unwrap_or(f64::NAN)
        };
        Ok(rank.max(remainder.rank).settle(Q::ANSWERS, q_has_mass, value))
    }
}

/// A pair of rows with the remainder behind it.
#[derive(Default)]
struct Longer {
    p: Vec<f64>,
    q: Vec<f64>,
}

impl Longer {
    #[inline(always)]
    fn fill<T: Weight>(&mut self, p: &[T], q: &[T]) {
        for (to, from) in [(&mut self.p, p), (&mut self.q, q)] {
            to.clear();
            to.extend(from.iter().map(|x| x.to_f64()));
        }
    }

    /// Pairs of which nothing is missing.
    fn fill_kept<T: Weight>(&mut self, p: Weights<T>, q: Weights<T>) {
        self.p.clear();
        self.q.clear();
        for at in (0..p.len()).filter(|at| (p, q).keeps(*at)) {
            self.p.extend(p.get(at));
            self.q.extend(q.get(at));
        }
    }

    #[inline(always)]
    fn add_remainder(&mut self, total: Option<f64>) -> Remainder {
        let remainder = Remainder::of(total, |total| rest(total, &self.q));
        self.p.push(0.0);
        self.q.push(remainder.weight);
        remainder
    }
}

/// T − Σ q.
#[inline(always)]
fn rest(total: f64, q: &[f64]) -> f64 {
    let rest = scaled_rest(total, q, 1.0);
    if rest.is_finite() {
        return rest;
    }
    // The sum is beyond the range, or q is.
    const DOWN: f64 = power_of_two(-64);
    scaled_rest(total, q, DOWN) / DOWN
}

#[inline(always)]
fn scaled_rest(total: f64, q: &[f64], scale: f64) -> f64 {
    let mut lanes = [Carried::default(); LANES];
    let (blocks, last) = q.as_chunks::<LANES>();
    for block in blocks {
        for k in 0..LANES {
            lanes[k].add(block[k] * scale);
        }
    }
    for (lane, q) in lanes.iter_mut().zip(last) {
        lane.add(q * scale);
    }
    let mut rest = Carried::default();
    rest.add(total * scale);
    for part in lanes.map(Carried::parts).as_flattened() {
        rest.add(-part);
    }
    rest.total()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::layout::{Extents, ListLayout};
    use crate::kernel::quantities::{CrossEntropy, KlDiv};
    use crate::kernel::rules::Side;
    use crate::kernel::tests::uniform;
    use crate::kernel::weights::Bits;

    fn divergence(p: &[f64], q: &[f64], total: f64) -> f64 {
        let (p, q) = (Weights::new(p, None), Weights::new(q, None));
        value_of::<KlDiv, _>(p, q, Some(total), NanPolicy::Propagate).unwrap().unwrap()
    }

    #[test]
    fn the_remainder_is_one_more_element() {
        let mut next = uniform(3);
        for len in [0, 1, 3, 8, 63, 64, 65, 300] {
            let [mut p, mut q] = [(); 2].map(|()| (0..len).map(|_| next()).collect::<Vec<f64>>());
            let total = q.iter().sum::<f64>() + 0.7;
            let (got, rest) = (divergence(&p, &q, total), rest(total, &q));
            p.push(0.0);
            q.push(rest);
            let (p, q) = (Weights::new(&p, None), Weights::new(&q, None));
            let row = rows::value::<KlDiv, _>(p, Some(q), NanPolicy::Propagate);
            let row = row.unwrap().unwrap();
            // Without anything in p its total is zero.
            assert!(if len == 0 { got.is_nan() && row.is_nan() } else { got == row }, "{len}: {got} {row}");
        }
    }

    #[test]
    fn a_remainder_is_right_where_the_sum_of_q_is_rounded() {
        assert_eq!(rest(1.0, &[1.0 - f64::EPSILON, 1e-20]), f64::EPSILON - 1e-20);
        // The exact sum of these three doubles is 1 − 2⁻⁵⁵, and that of many small ones has bits below those of 1.
        assert_eq!(rest(1.0, &[0.1, 0.2, 0.7]), f64::powi(2.0, -55));
        assert_eq!(rest(1.0, &vec![f64::powi(2.0, -60); 1 << 10]), 1.0 - f64::powi(2.0, -50));
        assert_eq!(rest(1e308, &[1e308, 1e308]), -1e308);
        assert_eq!(rest(f64::MAX, &[f64::MAX, 5e-324]), -5e-324);
    }

    #[test]
    fn rules_look_at_the_total_as_at_an_element() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let half = [0.5, 0.5];
        for (p, q, total, want) in [
            (&half[..], &half[..], 1.0, 0.0),
            // Rounding, and more than that.
            (&half, &half, 1.0 - 1e-7, 0.0),
            (&half, &half, 1.0 - 1e-5, inf),
            (&half, &half, 0.0, inf),
            (&half, &half, -1.0, inf),
            (&half, &half, nan, nan),
            (&half, &half, inf, nan),
            (&half, &half, -inf, nan),
            (&half, &half, 4.0, 4f64.ln()),
            (&[1.0], &[0.0], 1.0, inf),
            (&[1.0], &[0.0], 0.0, nan),
            (&[0.0], &[0.5], 1.0, nan),
            (&[1.0, -1.0], &[1.0, 1.0], nan, nan),
            (&[1.0, nan], &[1.0, 1.0], 4.0, nan),
            (&[], &[], 1.0, nan),
        ] {
            let got = divergence(p, q, total);
            assert!(got == want || (got.is_nan() && want.is_nan()), "{p:?} {q:?} {total}: {got}");
        }
    }

    #[test]
    fn policies_look_at_elements_and_a_null_total_makes_null() {
        let values = [1.0, 2.0, 1.0];
        let with_null = Weights::new(&values, Some(Bits::new(&[0b101], 0)));
        let q = Weights::new(&[0.25, 0.5, 0.25], None);
        let value = |total, policy| value_of::<CrossEntropy, _>(with_null, q, total, policy);
        assert_eq!(value(Some(1.0), NanPolicy::Propagate), Ok(None));
        // What is dropped of q belongs to the remainder.
        assert_eq!(value(Some(1.0), NanPolicy::Omit), Ok(Some(4f64.ln())));
        assert_eq!(value(None, NanPolicy::Omit), Ok(None));
        let missing = Err(Missing { side: Side::P, at: 1 });
        assert_eq!(value(Some(1.0), NanPolicy::Raise), missing);
        assert_eq!(value(None, NanPolicy::Raise), missing);
    }

    #[test]
    fn rows_have_totals_of_their_own() {
        let p = [1f32, 1.0, 1.0, 1.0, 1.0, 1.0];
        let layout = ListLayout { extents: Extents::Width { width: 2, rows: 3 }, valid: None };
        let rows = Rows { weights: Weights::new(&p, None), layout };
        let totals = [Some(2.0), None, Some(8.0)];
        let mut out = Values::default();
        let (policy, unit) = (NanPolicy::Omit, Unit::new(Some(2.0)));
        values::<KlDiv, f32>(&rows, &rows, RowPairs::same(3), &|row| totals[row], policy, unit, &mut out)
            .unwrap();
        let (values, valid) = out.into_parts();
        assert_eq!(values, [0.0, 0.0, 2.0]);
        assert_eq!(valid.unwrap()[0] & 0b111, 0b101);
    }
}
