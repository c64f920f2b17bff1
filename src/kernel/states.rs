//! States of distributions that merge into that of the whole without losing digits, where the parts hold different events.
//!
//! Entropy by the grouping rule (Shannon 1948, §6, property 3), divergence by the chain rule (Kullback & Leibler 1951), for
//! parts i with totals Pᵢ and Qᵢ, the whole's totals P and Q, wᵢ = Pᵢ/P and vᵢ = Qᵢ/Q:
//!
//! ```text
//! H = Σ wᵢHᵢ + H(w),        D = Σ wᵢDᵢ + D(w‖v)                                                               (1)
//! ```
//!
//! Both are sums of terms that are not negative, so nothing cancels. D(w‖v) needs vᵢ − wᵢ: where p is near q, the totals,
//! as doubles, have lost what tells them apart. So a state also carries the excess Eᵢ = Σ (q − p), with which
//!
//! ```text
//! vᵢ − wᵢ = (QᵢP − PᵢQ)/(PQ) = (EᵢP − PᵢE)/(PQ)                                                               (2)
//! ```
//!
//! Totals are [`mass`]es, times 2^−20, so that they do not overflow.

use super::blocks::Carried;
use super::contract::{NanPolicy, Rank, Unit, Verdict, judge, judge_pairs};
use super::entropy::{self, mass};
use super::kl_div;
use super::math::{Arithmetic, XI_MAX, XI_MIN};
use super::rows::{self, Error, Rows, Values, Which};
use super::simd::Base;
use super::weights::{Mask, Weight, Weights};

/// N sums of each distribution, its value in nats and its [`Rank`].
///
/// The sums of an entropy are its mass; those of a divergence the masses of p and q and the excess of q over p.
#[derive(Debug)]
pub struct States<const N: usize> {
    /// The sums.
    pub sums: [Vec<f64>; N],
    /// What the rules make of each.
    pub values: Values,
    /// The number of the rank.
    pub ranks: Vec<u8>,
}

impl<const N: usize> States<N> {
    /// Room for so many.
    pub fn with_capacity(count: usize) -> Self {
        States {
            sums: std::array::from_fn(|_| Vec::with_capacity(count)),
            values: Values::with_capacity(count),
            ranks: Vec::with_capacity(count),
        }
    }

    /// Adds what belongs to the next of the values.
    pub fn push(&mut self, sums: [f64; N], rank: Rank) {
        for (column, sum) in self.sums.iter_mut().zip(sums) {
            column.push(sum);
        }
        self.ranks.push(rank as u8);
    }
}

/// The states of rows.
pub fn entropy_of_rows<T: Weight>(x: &Rows<T>, which: Which, policy: NanPolicy) -> Result<States<1>, Error> {
    let mut states = States::with_capacity(which.len());
    rows::entropy(x, which, policy, Unit::new(None), &mut states.values)?;
    for row in 0..which.len() {
        let Some(x) = x.row(which.get(row).0) else {
            states.push([0.0], Rank::Null);
            continue;
        };
        let mut total = Carried::default();
        x.iter().flatten().for_each(|x| total.add(mass(x)));
        let rank = judge(x, policy).map_err(|missing| Error::Missing { row, missing })?;
        states.push([total.total()], rank);
    }
    Ok(states)
}

/// The states of pairs of rows.
pub fn kl_div_of_rows<T: Weight>(
    p: &Rows<T>,
    q: &Rows<T>,
    which: Which,
    policy: NanPolicy,
) -> Result<States<3>, Error> {
    let mut states = States::with_capacity(which.len());
    rows::kl_div(p, q, which, policy, Unit::new(None), &mut states.values)?;
    for row in 0..which.len() {
        let (i, j) = which.get(row);
        let (Some(p), Some(q)) = (p.row(i), q.row(j)) else {
            states.push([0.0; 3], Rank::Null);
            continue;
        };
        let mut sums = [Carried::default(); 3];
        for at in (0..p.len()).filter(|at| (p, q).keeps(*at)) {
            let (x, y) = (mass(p.get(at).unwrap_or_default()), mass(q.get(at).unwrap_or_default()));
            for (sum, x) in sums.iter_mut().zip([x, y, y - x]) {
                sum.add(x);
            }
        }
        let rank = judge_pairs(p, q, policy).map_err(|missing| Error::Missing { row, missing })?;
        states.push(sums.map(Carried::total), rank);
    }
    Ok(states)
}

/// States to be merged: N sums, values and ranks, in rows. A null state has the rank [`Rank::Null`].
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a, const N: usize> {
    /// The sums, as in [`States`].
    pub sums: [&'a [f64]; N],
    /// The values; what a null holds does not count.
    pub values: &'a [f64],
    /// The numbers of the ranks.
    pub ranks: &'a [u8],
}

impl<const N: usize> Parts<'_, N> {
    fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Parts {
            sums: self.sums.map(|sums| &sums[range.clone()]),
            values: &self.values[range.clone()],
            ranks: &self.ranks[range],
        }
    }

    fn rank(&self) -> Rank {
        Rank::from_number(self.ranks.iter().copied().max().unwrap_or(Rank::Absent as u8))
    }

    fn totals(&self) -> [f64; N] {
        self.sums.map(total)
    }

    /// Σ wᵢ·valueᵢ.
    fn within(&self, total_of_p: f64) -> f64 {
        let mut sum = Carried::default();
        for (mass, value) in self.sums[0].iter().zip(self.values) {
            if *mass > 0.0 {
                sum.add(mass / total_of_p * value);
            }
        }
        sum.total()
    }
}

fn total(x: &[f64]) -> f64 {
    let mut sum = Carried::default();
    x.iter().for_each(|x| sum.add(*x));
    sum.total()
}

/// Merges the states between each offset and the next.
pub fn merge_entropy(parts: Parts<1>, offsets: &[i64], unit: Unit) -> States<1> {
    let mut merged = States::with_capacity(offsets.len());
    for pair in offsets.windows(2) {
        let parts = parts.slice((pair[0] - offsets[0]) as usize..(pair[1] - offsets[0]) as usize);
        let ([total], rank) = (parts.totals(), parts.rank());
        let nats = match rank.verdict(entropy::NEGATIVE) {
            Verdict::Settled(value) => value,
            Verdict::Sum => {
                let shares =
                    entropy::row::<Base, f64>(Weights::new(parts.sums[0], None), NanPolicy::Propagate);
                shares.ok().flatten().map(|between| parts.within(total) + between)
            }
        };
        merged.values.push(nats.map(|nats| unit.express(nats)));
        merged.push([total], rank);
    }
    merged
}

/// Merges the states between each offset and the next.
pub fn merge_kl_div(parts: Parts<3>, offsets: &[i64], unit: Unit) -> States<3> {
    let mut merged = States::with_capacity(offsets.len());
    for pair in offsets.windows(2) {
        let parts = parts.slice((pair[0] - offsets[0]) as usize..(pair[1] - offsets[0]) as usize);
        let ([p, q, excess], rank) = (parts.totals(), parts.rank());
        let nats = kl_div::settle(rank, q, || parts.within(p) + between(parts.sums, [p, q, excess]));
        merged.values.push(nats.map(|nats| unit.express(nats)));
        merged.push([p, q, excess], rank);
    }
    merged
}

/// D(w‖v).
fn between([p, q, excess]: [&[f64]; 3], [of_p, of_q, of_excess]: [f64; 3]) -> f64 {
    if !(XI_MIN..=XI_MAX).contains(&(of_excess / of_p)) {
        // The totals tell w and v apart.
        let row =
            kl_div::row::<Base, f64>(Weights::new(p, None), Weights::new(q, None), NanPolicy::Propagate);
        return row.ok().flatten().unwrap_or(f64::NAN);
    }
    // Scaled to a P of about 1, for the products.
    let scale = of_p.log2().round().clamp(-1000.0, 1000.0).exp2().recip();
    let [of_p, of_q, of_excess] = [of_p, of_q, of_excess].map(|x| x * scale);
    let mut sum = Carried::default();
    for ((p, q), excess) in p.iter().zip(q).zip(excess) {
        let [p, q, excess] = [p, q, excess].map(|x| x * scale);
        // Equation (2).
        let difference = Base::difference_of_products(excess, of_p, p, of_excess);
        let of_pq = of_p * of_q;
        sum.add(kl_div::term::<Base>(p * of_q, q * of_p, difference, p / of_p, difference / of_pq));
    }
    sum.total()
}
