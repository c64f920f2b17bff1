//! Driver of states: what is kept of parts, such as days or shards, that hold different events, so that the value of the whole
//! comes from theirs. How the values merge is the quantity's to say; for each it has the form
//!
//! ```text
//! value of the whole = Σ wᵢ·valueᵢ + value of the distribution over the parts,        wᵢ = Pᵢ/P
//! ```
//!
//! with Pᵢ and P the totals of p. All terms are ≥ 0, so nothing cancels. Totals are [`mass`](super::mass::mass)es, times 2^−20,
//! so that they do not overflow.

use super::blocks::Carried;
use super::broadcast::RowPairs;
use super::groups::{self, Sum};
use super::layout::Error;
use super::mass::{mass_of_total, total_of_mass};
use super::options::{NanPolicy, Unit};
use super::quantity::{Mergeable, Numbers};
use super::remainder::{Remainder, TotalOf};
use super::rows::{self, Rows};
use super::rules::{Rank, judge};
use super::values::Values;
use super::weights::Weight;

/// The kept sums of each distribution, its value in nats, and its [`Rank`].
#[derive(Debug)]
pub struct States {
    /// The kept sums, in columns.
    pub sums: Vec<Vec<f64>>,
    /// The values, in nats unless they were merged to another unit.
    pub values: Values,
    /// The ranks.
    pub ranks: Vec<Rank>,
}

impl States {
    fn with_capacity<Q: Mergeable>(count: usize) -> Self {
        States {
            sums: Q::KEPT.iter().map(|_| Vec::with_capacity(count)).collect(),
            values: Values::with_capacity(count),
            ranks: Vec::with_capacity(count),
        }
    }

    /// Gives rule 8 to values that the formula of rule 9 makes infinite, as where p = 0 < q in a quantity that treats both alike.
    fn mark_infinite(&mut self) {
        for (rank, value) in self.ranks.iter_mut().zip(self.values.as_slice()) {
            if (*rank, *value) == (Rank::Positive, f64::INFINITY) {
                *rank = Rank::OnlyP;
            }
        }
    }

    /// Adds the sums and the rank that belong to the next of the values.
    fn push(&mut self, sums: impl Numbers, rank: Rank) {
        for (column, sum) in self.sums.iter_mut().zip(sums.as_slice()) {
            column.push(*sum);
        }
        self.ranks.push(rank);
    }
}

/// States of rows.
pub fn states_of_rows<Q: Mergeable, T: Weight>(
    p: &Rows<T>,
    q: Option<&Rows<T>>,
    pairs: RowPairs,
    policy: NanPolicy,
) -> Result<States, Error> {
    let mut states = States::with_capacity::<Q>(pairs.len());
    rows::values::<Q, T>(p, q, pairs, policy, Unit::new(None), &mut states.values)?;
    for row in 0..pairs.len() {
        let (i, j) = pairs.get(row);
        let (Some(p), Some(q)) = (p.row(i), q.map_or(p.row(i), |q| q.row(j))) else {
            states.push(Q::Kept::ZERO, Rank::Null);
            continue;
        };
        let rank = judge(p, Q::PAIR.then_some(q), policy);
        states.push(Q::kept_of_row::<T>(p, q), rank.map_err(|missing| Error::Missing { row, missing })?);
    }
    states.mark_infinite();
    Ok(states)
}

/// States of groups from their sums.
pub fn states_of_sums<Q: Mergeable>(sums: &Sum<Q::StateSums>) -> States {
    let values = groups::finish::<Q, Q::StateSums>(sums, None, Unit::new(None));
    let mut states = States::with_capacity::<Q>(values.len());
    for i in 0..values.len() {
        let (rank, totals) = groups::group::<Q::StateSums>(sums, i);
        states.push(Q::kept(totals), rank);
    }
    states.values = values;
    states.mark_infinite();
    states
}

/// States to be merged, in columns.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The kept sums, as in [`States`].
    pub sums: &'a [&'a [f64]],
    /// The values in nats. One that no rule asks for does not count.
    pub values: &'a [f64],
    /// The ranks; a null state has [`Rank::Null`].
    pub ranks: &'a [Rank],
}

/// Merges the states between each offset and the next, which count from the first; `None` if there are not as many sums as the
/// quantity keeps. The remainder of a total of q, if there are such, is one more part.
pub fn merge<Q: Mergeable>(
    parts: Parts,
    offsets: &[i64],
    totals: Option<TotalOf>,
    unit: Unit,
) -> Option<States> {
    let sums = <Q::Kept as Numbers>::from_slice(parts.sums)?;
    let mut merged = States::with_capacity::<Q>(offsets.len());
    for (whole, pair) in offsets.windows(2).enumerate() {
        let range = (pair[0] - offsets[0]) as usize..(pair[1] - offsets[0]) as usize;
        let (values, ranks) = (&parts.values[range.clone()], &parts.ranks[range.clone()]);
        let mut sums = sums;
        for sums in <Q::Kept as Numbers>::slice_of_mut(&mut sums) {
            *sums = &sums[range.clone()];
        }
        let (rank, totals, nats) = match totals {
            None => merge_parts::<Q>(&sums, values, ranks),
            Some(total_of) => merge_with_remainder::<Q>(&sums, values, ranks, total_of(whole)),
        };
        merged.values.push(nats.map(|nats| unit.express(nats)));
        merged.push(totals, rank);
    }
    merged.mark_infinite();
    Some(merged)
}

fn merge_parts<Q: Mergeable>(
    sums: &<Q::Kept as Numbers>::Of<&[f64]>,
    values: &[f64],
    ranks: &[Rank],
) -> (Rank, Q::Kept, Option<f64>) {
    let columns = <Q::Kept as Numbers>::slice_of(sums);
    let mut totals = Q::Kept::ZERO;
    totals.as_mut_slice().iter_mut().zip(columns).for_each(|(total, sums)| *total = sum(sums));
    let rank = ranks.iter().copied().max().unwrap_or(Rank::Absent);
    let q_has_mass = !Q::PAIR || totals.as_slice()[1] != 0.0;
    let finite = totals.as_slice().iter().all(|total| total.is_finite());
    let value = || if finite { Q::merge(sums, values, &mut totals) } else { f64::NAN };
    let nats = rank.settle(Q::ANSWERS, || q_has_mass, value);
    (rank, totals, nats)
}

/// Merges parts, and one more with what they lack of the total of q.
fn merge_with_remainder<Q: Mergeable>(
    sums: &<Q::Kept as Numbers>::Of<&[f64]>,
    values: &[f64],
    ranks: &[Rank],
    total: Option<f64>,
) -> (Rank, Q::Kept, Option<f64>) {
    let columns = <Q::Kept as Numbers>::slice_of(sums);
    let remainder = Remainder::of(total.map(mass_of_total), |total| total - sum(columns[1]));
    let kept = Q::kept_of(0.0, total_of_mass(remainder.weight));
    let with = |(column, last): (&&[f64], &f64)| [*column, &[*last]].concat();
    let longer: Vec<Vec<f64>> = columns.iter().zip(kept.as_slice()).map(with).collect();
    let longer: Vec<&[f64]> = longer.iter().map(Vec::as_slice).collect();
    let Some(sums) = <Q::Kept as Numbers>::from_slice(&longer) else { unreachable!("as many as before") };
    merge_parts::<Q>(&sums, &[values, &[0.0]].concat(), &[ranks, &[remainder.rank]].concat())
}

fn sum(x: &[f64]) -> f64 {
    let mut sum = Carried::default();
    x.iter().for_each(|x| sum.add(*x));
    sum.total()
}
