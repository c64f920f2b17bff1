//! Driver of columns, groups and windows, which a data frame sums: what the sums of [`summands`](super::summands) amount to.

use super::options::Unit;
use super::quantity::{GroupSums, Numbers, Quantity, Sums};
use super::remainder::{Remainder, TotalOf};
use super::rules::{Rank, Role, SplitSum, rank_of_sums};
use super::scales::{exponent, exponent_beside, factor, is_down, rescaled};
use super::simd::{Arithmetic, Base, Loop, vectorised};
use super::values::Values;

/// Values of groups from their sums: a lead and a rest for each part; and from totals of q, if there are some.
pub fn finish<Q: Quantity, S: Sums>(sums: &Sum<S>, totals: Option<TotalOf>, unit: Unit) -> Values {
    let columns = <S::Numbers as Numbers>::slice_of(sums);
    let count = columns[0][0].len();
    if let Some(of) = totals {
        let mut values = Values::with_capacity(count);
        for group in 0..count {
            values.push(of_total::<Q, S>(sums, group, of(group)).map(|nats| unit.express(nats)));
        }
        return values;
    }
    let mut nats = vec![0.0; count];
    // In a window there are as many groups as there are rows, hence the loop over all at once.
    if vectorised(EachGroup::<S> { sums, nats: &mut nats }) {
        nats.iter_mut().for_each(|nats| *nats = unit.express(*nats));
        return nats.into();
    }
    let mut values = Values::with_capacity(nats.len());
    for (i, nats) in nats.into_iter().enumerate() {
        let (rank, totals) = group::<S>(sums, i);
        let nats = rank.settle(Q::ANSWERS, || !Q::PAIR || totals.by_q.as_slice()[1] != 0.0, || nats);
        values.push(nats.map(|nats| unit.express(nats)));
    }
    values
}

/// Value in nats of a group, to whose sums the remainder of the total of q comes as one more element.
fn of_total<Q: Quantity, S: Sums>(sums: &Sum<S>, i: usize, total: Option<f64>) -> Option<f64> {
    let (rank, mut sums) = group::<S>(sums, i);
    // With a total that is too large for the scale of q, another one.
    let before = sums.exponents[1];
    let at = exponent_beside(total.unwrap_or_default(), before);
    sums.exponents[1] = at;
    sums.by_q.as_mut_slice().iter_mut().for_each(|sum| *sum = rescaled(*sum, before, at));
    let q = sums.by_q.as_slice()[1];
    let remainder = Remainder::of(total.map(|total| total * factor(at)), |total| total - q);
    for (by, at) in [(&mut sums.by_p, sums.exponents[0]), (&mut sums.by_q, at)] {
        let parts = S::parts::<Base>(0.0, remainder.weight / factor(sums.exponents[1]), factor(at));
        by.as_mut_slice().iter_mut().zip(parts.as_slice()).for_each(|(sum, part)| *sum += part);
    }
    let q = sums.by_q.as_slice()[1];
    rank.max(remainder.rank).settle(Q::ANSWERS, || q != 0.0, || S::value::<Base>(sums))
}

/// Sums of groups, in columns.
pub type Sum<'a, S> = <<S as Sums>::Numbers as Numbers>::Of<SplitSum<&'a [f64]>>;

/// Rank and sums of one group.
pub fn group<S: Sums>(sums: &Sum<S>, i: usize) -> (Rank, GroupSums<S::Numbers>) {
    let columns = <S::Numbers as Numbers>::slice_of(sums);
    let of = |[lead, rest]: SplitSum<&[f64]>| [lead[i], rest[i]];
    let rank = rank_of_sums(of(columns[0]), of(columns[columns.len() - 1]));
    (rank, totals::<S>(columns, i))
}

#[inline(always)]
fn totals<S: Sums>(columns: &[SplitSum<&[f64]>], i: usize) -> GroupSums<S::Numbers> {
    // A sole p is its own q.
    let of_q = if const { matches!(S::PARTS[1].role, Role::Mass) } { 1 } else { 0 };
    let down = [columns[0][1][i], columns[of_q][1][i]].map(is_down);
    let [by_p, by_q] = down.map(|down| {
        let mut totals = S::Numbers::ZERO;
        for (total, [lead, rest]) in totals.as_mut_slice().iter_mut().zip(columns) {
            *total = if down { rest[i] } else { lead[i] + rest[i] };
        }
        totals
    });
    GroupSums { by_p, by_q, exponents: down.map(exponent) }
}

struct EachGroup<'a, 'b, S: Sums> {
    sums: &'a Sum<'b, S>,
    nats: &'a mut [f64],
}

impl<S: Sums> Loop for EachGroup<'_, '_, S> {
    /// Whether all have the rank [`Rank::Positive`].
    type Out = bool;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> bool {
        // Of one length for all, which spares the loop the checks.
        let count = self.nats.len();
        let mut columns = *self.sums;
        for half in <S::Numbers as Numbers>::slice_of_mut(&mut columns).iter_mut().flatten() {
            *half = &half[..count];
        }
        let columns = <S::Numbers as Numbers>::slice_of(&columns);
        let mut positive = true;
        for (i, nats) in self.nats.iter_mut().enumerate() {
            let totals = totals::<S>(columns, i);
            let of = totals.by_p.as_slice();
            positive &= (of[0] > 0.0) & !of[S::Numbers::LEN - 1].is_nan();
            *nats = S::value::<A>(totals);
        }
        positive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::options::{NanPolicy, Precision};
    use crate::kernel::quantities::Entropy;
    use crate::kernel::summands;
    use crate::kernel::weights::Weights;

    #[test]
    fn many_equal_weights_lose_nothing() {
        for weight in [0.1, 0.3, 1e-6, 1e9] {
            for count in [1, 2, 1000, 1_000_000] {
                let x = vec![weight; count];
                let x = Weights::new(&x, None);
                let columns = summands::all::<Entropy, _>(x, None, Precision::Double, NanPolicy::Propagate);
                // Added up as a streaming engine may: one element after the other.
                let sums: Vec<f64> =
                    columns.unwrap().unwrap().iter().map(|column| column.iter().sum()).collect();
                let columns = [0, 2].map(|k| [&sums[k..=k], &sums[k + 1..=k + 1]]);
                let got = finish::<Entropy, Entropy>(&columns, None, Unit::new(None)).into_parts().0[0];
                let exact = (count as f64).ln();
                // The promise on groups; exactly 0 for one.
                let bound = if count == 1 { 0.0 } else { 1e-14 * (1.0 + (weight * count as f64).ln().abs()) };
                assert!((got - exact).abs() <= bound, "{count} times {weight}: {got} for {exact}");
            }
        }
    }
}
