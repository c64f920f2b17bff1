//! Driver of columns, groups and windows, which a data frame sums: what the sums of [`summands`](super::summands) amount to.

use super::options::Unit;
use super::quantity::{GroupSums, Numbers, Quantity, Sums};
use super::remainder::{Remainder, TotalOf};
use super::rules::{Rank, Role, SplitSum, rank_of_sums};
use super::scales::{exponent, exponent_beside, factor, is_down, rescaled};
use super::simd::{Arithmetic, Base, Loop, vectorised};
use super::summands::PIECE;
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
    let positive = vectorised(EachGroup::<S> { sums, nats: &mut nats });
    if positive.iter().all(|piece| *piece) {
        nats.iter_mut().for_each(|nats| *nats = unit.express(*nats));
        return nats.into();
    }
    let mut values = Values::with_capacity(nats.len());
    for (i, nats) in nats.into_iter().enumerate() {
        let nats = if positive[i / PIECE] {
            Some(nats)
        } else {
            let (rank, totals) = group::<S>(sums, i);
            rank.settle(Q::ANSWERS, || !Q::PAIR || totals.by_q.as_slice()[1] != 0.0, || nats)
        };
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

/// Places of the masses of p and q among the parts. A sole p is its own q.
const fn masses<S: Sums>() -> [usize; 2] {
    [0, if matches!(S::PARTS[1].role, Role::Mass) { 1 } else { 0 }]
}

/// Sum of one part, at the scale that its mass says.
#[inline(always)]
fn total(is_down: bool, [lead, rest]: SplitSum<f64>) -> f64 {
    if is_down { rest } else { lead + rest }
}

fn totals<S: Sums>(columns: &[SplitSum<&[f64]>], i: usize) -> GroupSums<S::Numbers> {
    let down = masses::<S>().map(|mass| is_down(columns[mass][1][i]));
    let [by_p, by_q] = down.map(|is_down| {
        let mut totals = S::Numbers::ZERO;
        for (slot, halves) in totals.as_mut_slice().iter_mut().zip(columns) {
            *slot = total(is_down, halves.map(|half| half[i]));
        }
        totals
    });
    GroupSums { by_p, by_q, exponents: down.map(exponent) }
}

/// A number for each part of each group of a piece.
type Totals<S> = <<S as Sums>::Numbers as Numbers>::Of<[f64; PIECE]>;

struct EachGroup<'a, 'b, S: Sums> {
    sums: &'a Sum<'b, S>,
    nats: &'a mut [f64],
}

impl<S: Sums> Loop for EachGroup<'_, '_, S> {
    /// Whether all groups of each piece have the rank [`Rank::Positive`].
    type Out = Vec<bool>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Vec<bool> {
        let columns = <S::Numbers as Numbers>::slice_of(self.sums);
        // Several plain loops over arrays, each of which becomes vector code. One loop for all, or closures in between, would not.
        // Places behind the last group hold ones.
        let mut halves = <S::Numbers as Numbers>::repeat([[1.0; PIECE]; 2]);
        let mut totals: [Totals<S>; 2] = [<S::Numbers as Numbers>::repeat([0.0; PIECE]); 2];
        let (mut exponents, mut values) = ([[0.0; PIECE]; 2], [0.0; PIECE]);
        let mut positive = vec![true; self.nats.len().div_ceil(PIECE)];
        for (k, nats) in self.nats.chunks_mut(PIECE).enumerate() {
            let halves = <S::Numbers as Numbers>::slice_of_mut(&mut halves);
            for (half, column) in halves.iter_mut().flatten().zip(columns.iter().flatten()) {
                half[..nats.len()].copy_from_slice(&column[k * PIECE..][..nats.len()]);
            }
            for (side, mass) in masses::<S>().into_iter().enumerate() {
                let down: [bool; PIECE] = std::array::from_fn(|at| is_down(halves[mass][1][at]));
                for at in 0..PIECE {
                    exponents[side][at] = exponent(down[at]);
                }
                let totals = <S::Numbers as Numbers>::slice_of_mut(&mut totals[side]);
                for (totals, [leads, rests]) in totals.iter_mut().zip(&*halves) {
                    for at in 0..PIECE {
                        totals[at] = total(down[at], [leads[at], rests[at]]);
                    }
                }
            }
            let [of_p, of_q] = totals.each_ref().map(<S::Numbers as Numbers>::slice_of);
            for at in 0..PIECE {
                let (mut by_p, mut by_q) = (S::Numbers::ZERO, S::Numbers::ZERO);
                for (k, sum) in by_p.as_mut_slice().iter_mut().enumerate() {
                    *sum = of_p[k][at];
                }
                for (k, sum) in by_q.as_mut_slice().iter_mut().enumerate() {
                    *sum = of_q[k][at];
                }
                let exponents = [exponents[0][at], exponents[1][at]];
                values[at] = S::value::<A>(GroupSums { by_p, by_q, exponents });
            }
            // Signals are in either half, of which a sum of large weights has but one.
            let (masses, terms) = (&halves[0], &halves[S::Numbers::LEN - 1]);
            for at in 0..nats.len() {
                positive[k] &=
                    (masses[0][at] + masses[1][at] > 0.0) & !(terms[0][at] + terms[1][at]).is_nan();
            }
            nats.copy_from_slice(&values[..nats.len()]);
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
                let (precision, policy) = (Precision::Double, NanPolicy::Propagate);
                let columns = summands::columns::<Entropy, _>(x, None, 0..4, precision, policy).unwrap();
                // Added up as a streaming engine may: one element after the other.
                let sums: Vec<f64> = columns.iter().map(|column| column.iter().sum()).collect();
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
