//! Driver of columns, groups and windows, which a data frame sums: what each element adds to the sums, and what they amount to.
//!
//! **Lead and rest.** A data frame may add up one element after the other, and each addition to a large total rounds: after a
//! million equal weights, as much as 9e-12 of it. So every part is summed in two columns. The leading 16 bits of each
//! summand add up without rounding, but for summands below 2^−37 of the total (53 bits less 16). What the sum of the other
//! bits loses is smaller by 2^15. (The idea of splitting is Veltkamp's and Dekker's; bits are cut off here, not rounded.)
//!
//! **Scales.** Summands are scaled by powers of two, so that sums neither overflow nor lose the digits of subnormal weights: see
//! [`scales`](super::scales).
//!
//! **Rules** travel as signals in these columns: see [`rules`](super::rules).

use std::marker::PhantomData;

use super::broadcast::Mismatch;
use super::elements::{Map, map, map_pairs};
use super::options::{NanPolicy, Precision, Unit};
use super::quantity::{GroupSums, Numbers, Quantity, Sums};
use super::remainder::{Remainder, TotalOf};
use super::rules::{NULL_SIGNALS, Rank, Role, Side, Split, SplitSum, located, rank_of_sums, signal};
use super::scales::{LARGE_WEIGHT, USUAL_SCALE, exponent, exponent_beside, factor, is_down, rescaled, scale};
use super::simd::{Arithmetic, Base, Loop, vectorised};
use super::values::Values;
use super::weights::{Weight, Weights};

/// Bits of a double that the lead has: sign, exponent and the leading 16 of the significand.
const LEAD: u64 = u64::MAX << (53 - 16);

/// One column of summands: a part of the sums, and a split of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Position among the parts.
    pub part: usize,
    /// Lead or rest.
    pub split: Split,
    /// Role of the part in the sums.
    pub role: Role,
}

impl Column {
    /// The column of this name.
    pub fn find<S: Sums>(name: &str) -> Option<Column> {
        S::PARTS.iter().enumerate().find_map(|(part, of)| {
            let split = if of.lead == name { Split::Lead } else { Split::Rest };
            (split == Split::Lead || of.rest == name).then_some(Column { part, split, role: of.role })
        })
    }
}

/// Names of the columns of summands, in the order in which their sums are taken.
pub fn column_names<S: Sums>() -> Vec<&'static str> {
    S::PARTS.iter().flat_map(|part| [part.lead, part.rest]).collect()
}

/// Summand of each element in one column of the sums `S`; `LARGE` if a weight may be too large for the usual scale.
struct Summand<S, const PART: usize, const REST: bool, const LARGE: bool> {
    /// The bits that the lead has.
    lead: u64,
    policy: NanPolicy,
    sums: PhantomData<S>,
}

impl<S: Sums, const PART: usize, const REST: bool, const LARGE: bool> Map for Summand<S, PART, REST, LARGE> {
    type Out = f64;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> f64 {
        let (role, split) = (S::PARTS[PART].role, if REST { Split::Rest } else { Split::Lead });
        let (Some(p), Some(q)) = (p, q) else {
            let signals = (role, split) == NULL_SIGNALS && self.policy != NanPolicy::Omit;
            return if signals { f64::NAN } else { 0.0 };
        };
        let weight = match S::PARTS[PART].side {
            Some(Side::P) => p,
            Some(Side::Q) => q,
            None => {
                if p < q {
                    q
                } else {
                    p
                }
            }
        };
        let (scale, divided) = if LARGE { scale(weight, split) } else { (USUAL_SCALE, true) };
        let value = S::parts::<A>(p, q, scale).as_slice()[PART];
        let lead = f64::from_bits(value.to_bits() & if divided { self.lead } else { u64::MAX });
        let rest = if divided { value - lead } else { value };
        let half = signal(role, split, if REST { rest } else { lead }, p, q);
        let dropped = (self.policy == NanPolicy::Omit) & (p.is_missing() | q.is_missing());
        if dropped { 0.0 } else { half }
    }
}

/// The most parts that sums may have.
const MOST_PARTS: usize = 8;

/// Summands of all elements in one column, for a result of this precision.
pub fn summands<S: Sums, T: Weight>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    column: Column,
    precision: Precision,
    policy: NanPolicy,
) -> Result<Vec<f64>, Mismatch> {
    const { assert!(S::PARTS.len() <= MOST_PARTS) }
    // In single precision all is lead, and the rest has nothing but signals.
    let lead = if precision == Precision::Single { u64::MAX } else { LEAD };
    macro_rules! by_part {
        ($($part:literal)*) => {
            match (column.part, column.split) {
                $(
                    ($part, Split::Lead) => summands_of::<S, T, $part, false>(p, q, lead, policy),
                    ($part, Split::Rest) => summands_of::<S, T, $part, true>(p, q, lead, policy),
                )*
                _ => unreachable!("a column of no part"),
            }
        };
    }
    by_part!(0 1 2 3 4 5 6 7)
}

fn summands_of<S: Sums, T: Weight, const PART: usize, const REST: bool>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    lead: u64,
    policy: NanPolicy,
) -> Result<Vec<f64>, Mismatch> {
    // A constant, so that nothing is compiled for parts that there aren't.
    if const { PART >= S::PARTS.len() } {
        return Ok(Vec::new());
    }
    macro_rules! with {
        ($large:literal) => {{
            let summand = Summand::<S, PART, REST, $large> { lead, policy, sums: PhantomData };
            match q {
                None => Ok(map(p, &summand)),
                Some(q) => map_pairs(p, q, &summand),
            }
        }};
    }
    // Next to no column has such weights, and a look is quicker than a choice for each element.
    let large = p.any_from(LARGE_WEIGHT) || q.is_some_and(|q| q.any_from(LARGE_WEIGHT));
    if large { with!(true) } else { with!(false) }
}

/// Whether an element is missing.
struct IsMissing;

impl Map for IsMissing {
    type Out = bool;

    #[inline(always)]
    fn of<A: Arithmetic>(&self, p: Option<f64>, q: Option<f64>) -> bool {
        Rank::of_pair(p, q).is_missing()
    }
}

/// Places of missing elements, for [`NanPolicy::Raise`], as numbers of which a group takes the maximum. Whether one is an error
/// is for the group to say: elements that are in none have places, too.
pub fn missing<T: Weight>(p: Weights<T>, q: Option<Weights<T>>) -> Result<Vec<i64>, Mismatch> {
    let missing = match q {
        None => map(p, &IsMissing),
        Some(q) => map_pairs(p, q, &IsMissing)?,
    };
    let p_at = |at| p.get(if p.len() == 1 { 0 } else { at });
    let place = |(at, missing)| if missing { located(true, at, p_at(at)) } else { 0 };
    Ok(missing.into_iter().enumerate().map(place).collect())
}

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
    use crate::kernel::math::power_of_two;
    use crate::kernel::quantities::{Entropy, QUANTITIES};
    use crate::kernel::registry::{Registered, Summands};
    use crate::kernel::rules::{Missing, Side, first_missing, judge};
    use crate::kernel::simd::Fused;
    use crate::kernel::weights::Bits;

    #[test]
    fn a_missing_element_is_named_under_raise() {
        let values = [1.0, 5.0, f64::NAN];
        let q = Weights::new(&values, Some(Bits::new(&[0b101], 0)));
        let p = Weights::new(&[1.0], None);
        for (p, q, side) in [(q, None, Side::P), (p, Some(q), Side::Q), (q, Some(p), Side::P)] {
            let highest = missing(p, q).unwrap().into_iter().max().unwrap();
            assert_eq!(first_missing(highest as f64), Some(Missing { side, at: 1 }));
        }
        assert_eq!(missing(p, None).unwrap(), [0]);
        assert_eq!(first_missing(0.0), None);
    }

    fn column(part: usize, split: Split) -> Column {
        Column { part, split, role: <Entropy as Sums>::PARTS[part].role }
    }

    /// Added up as a streaming engine may: one element after the other.
    fn split_sum(x: &[f64], part: usize) -> SplitSum<f64> {
        [Split::Lead, Split::Rest].map(|split| {
            let x = Weights::new(x, None);
            let column = column(part, split);
            let summands = summands::<Entropy, _>(x, None, column, Precision::Double, NanPolicy::Propagate);
            summands.unwrap().iter().sum()
        })
    }

    #[test]
    fn many_equal_weights_lose_nothing() {
        for weight in [0.1, 0.3, 1e-6, 1e9] {
            for count in [1, 2, 1000, 1_000_000] {
                let x = vec![weight; count];
                let sums = [split_sum(&x, 0), split_sum(&x, 1)];
                let columns = sums.each_ref().map(|sums| sums.each_ref().map(std::slice::from_ref));
                let got = finish::<Entropy, Entropy>(&columns, None, Unit::new(None)).into_parts().0[0];
                let exact = (count as f64).ln();
                // The promise on groups; exactly 0 for one.
                let bound = if count == 1 { 0.0 } else { 1e-14 * (1.0 + (weight * count as f64).ln().abs()) };
                assert!((got - exact).abs() <= bound, "{count} times {weight}: {got} for {exact}");
            }
        }
    }

    #[test]
    fn lead_and_rest_add_up_to_the_whole() {
        for x in [0.1, 1e300, 3e-300, 5e-324, 1.0] {
            let up = power_of_two(80);
            let [lead, rest] = split_sum(&[x], 0);
            assert_eq!(lead.to_bits() & !LEAD, 0);
            if x < 1e200 {
                assert_eq!(lead + rest, x * up);
                let [lead, rest] = split_sum(&[x], 1);
                assert_eq!(lead + rest, <Entropy as Sums>::parts::<Fused>(x, 1.0, up)[1]);
            } else {
                assert_eq!((lead, rest), (0.0, x * power_of_two(-20)));
            }
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

    fn with_validity(x: &[Option<f64>]) -> (Vec<f64>, Vec<u8>) {
        let valid = x.iter().enumerate().map(|(i, x)| u8::from(x.is_some()) << i).sum();
        (x.iter().map(|x| x.unwrap_or(7.0)).collect(), vec![valid])
    }

    /// Holds the rank that the sums of a group signal against the highest of its elements.
    fn assert_signalled(
        quantity: &Registered,
        summands: &Summands,
        p: &[Option<f64>],
        q: Option<&[Option<f64>]>,
    ) {
        let names = (summands.names)();
        let (p_values, p_valid) = with_validity(p);
        let (q_values, q_valid) = with_validity(q.unwrap_or(p));
        let of_p = Weights::new(&p_values, Some(Bits::new(&p_valid, 0)));
        let of_q = q.map(|_| Weights::new(&q_values, Some(Bits::new(&q_valid, 0))));
        for policy in [NanPolicy::Propagate, NanPolicy::Omit] {
            let sum = |name: &str| -> f64 {
                let (column, summands) = quantity.summands::<f64>(name).unwrap();
                summands(of_p, of_q, column, Precision::Double, policy).unwrap().iter().sum()
            };
            let (mass, term) = ([0, 1].map(|k| sum(names[k])), [2, 1].map(|k| sum(names[names.len() - k])));
            let expected = judge(of_p, of_q, policy).unwrap();
            let what = format!("{} {p:?} {q:?} {policy:?}", quantity.name);
            assert_eq!(rank_of_sums(mass, term).code(), expected.code(), "{what}");
        }
    }

    #[test]
    fn sums_signal_the_rank() {
        let pairs: Vec<_> = KINDS.iter().flat_map(|p| KINDS.map(|q| (*p, q))).collect();
        for quantity in QUANTITIES {
            let summands = quantity.groups.iter().map(|groups| &groups.summands);
            for summands in summands.chain(quantity.states.iter().map(|states| &states.summands)) {
                if quantity.pair {
                    for (a, b) in pairs.iter().flat_map(|a| pairs.iter().map(move |b| (*a, *b))) {
                        assert_signalled(quantity, summands, &[a.0, b.0], Some(&[a.1, b.1]));
                    }
                    assert_signalled(quantity, summands, &[], Some(&[]));
                } else {
                    pairs.iter().for_each(|(a, b)| assert_signalled(quantity, summands, &[*a, *b], None));
                    assert_signalled(quantity, summands, &[], None);
                    assert_signalled(quantity, summands, &[None; 3], None);
                }
            }
        }
    }

    #[test]
    fn a_column_belongs_to_one_part_of_one_quantity() {
        for quantity in QUANTITIES {
            let lists = quantity.groups.iter().map(|of| &of.summands);
            for summands in lists.chain(quantity.states.iter().map(|of| &of.summands)) {
                let names = (summands.names)();
                assert!(names.iter().all(|name| quantity.column(name).is_some()));
                assert!(names.iter().enumerate().all(|(i, name)| !names[..i].contains(name)));
                assert_eq!(quantity.column(names[0]).unwrap().role, Role::Mass);
                assert_eq!(quantity.column(names[names.len() - 1]).unwrap().role, Role::Term);
            }
            assert_eq!(quantity.column("nothing"), None);
        }
    }
}
