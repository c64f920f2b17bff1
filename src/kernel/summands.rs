//! Driver of summands: what each element of a column adds to the sums of its group. A data frame takes the sums
//! ([`groups`](super::groups)).
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
//!
//! **All columns at once.** Several columns need the logarithm of an element. [`all`] computes every column in one pass. [`column`]
//! computes one, for weights that are too large for [`all`] or if only one is needed.

use std::marker::PhantomData;
use std::ops::Range;

use super::broadcast::{Broadcast, Mismatch};
use super::elements::{Map, map, map_pairs};
use super::options::{NanPolicy, Precision};
use super::quantity::{Numbers, Sums};
use super::rules::{NULL_SIGNALS, Rank, Role, Side, Split, SplitSum, located, signal};
use super::scales::{LARGE_WEIGHT, USUAL_SCALE, scale};
use super::simd::{Arithmetic, Loop, vectorised};
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

    /// Place among the columns.
    pub fn place(self) -> usize {
        2 * self.part + usize::from(self.split == Split::Rest)
    }
}

/// Names of the columns of summands, in the order in which their sums are taken.
pub fn column_names<S: Sums>() -> Vec<&'static str> {
    S::PARTS.iter().flat_map(|part| [part.lead, part.rest]).collect()
}

/// Summand of a pair with a null.
#[inline(always)]
fn null_summand(role: Role, split: Split, policy: NanPolicy) -> f64 {
    if (role, split) == NULL_SIGNALS && policy != NanPolicy::Omit { f64::NAN } else { 0.0 }
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
        let (Some(p), Some(q)) = (p, q) else { return null_summand(role, split, self.policy) };
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

/// The bits that the lead has. In single precision all is lead, and the rest has nothing but signals.
fn lead_bits(precision: Precision) -> u64 {
    if precision == Precision::Single { u64::MAX } else { LEAD }
}

/// Whether a weight may be too large for the usual scale. Next to no column has such weights, and a look is quicker than a choice
/// for each element.
fn any_large<T: Weight>(p: Weights<T>, q: Option<Weights<T>>) -> bool {
    p.any_from(LARGE_WEIGHT) || q.is_some_and(|q| q.any_from(LARGE_WEIGHT))
}

/// Greatest number of parts that sums may have.
const MOST_PARTS: usize = 8;

/// Summands of all elements in one column, for a result of this precision.
pub fn column<S: Sums, T: Weight>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    column: Column,
    precision: Precision,
    policy: NanPolicy,
) -> Result<Vec<f64>, Mismatch> {
    const { assert!(S::PARTS.len() <= MOST_PARTS) }
    let lead = lead_bits(precision);
    macro_rules! by_part {
        ($($part:literal)*) => {
            match (column.part, column.split) {
                $(
                    ($part, Split::Lead) => column_of::<S, T, $part, false>(p, q, lead, policy),
                    ($part, Split::Rest) => column_of::<S, T, $part, true>(p, q, lead, policy),
                )*
                _ => unreachable!("a column of no part"),
            }
        };
    }
    by_part!(0 1 2 3 4 5 6 7)
}

fn column_of<S: Sums, T: Weight, const PART: usize, const REST: bool>(
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
    if any_large(p, q) { with!(true) } else { with!(false) }
}

/// Summands of all elements in every column, in the order of their names, for a result of this precision: the numbers that
/// [`column`] gives. `None` if a weight may be too large for the usual scale.
pub fn all<S: Sums, T: Weight>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    precision: Precision,
    policy: NanPolicy,
) -> Result<Option<Vec<Vec<f64>>>, Mismatch> {
    let rows = q.map_or(Ok(Broadcast::same(p.len())), |q| Broadcast::new(p.len(), q.len()))?;
    if any_large(p, q) {
        return Ok(None);
    }
    let mut columns: Vec<_> = (0..2 * S::PARTS.len()).map(|_| Vec::with_capacity(rows.rows())).collect();
    let lead = lead_bits(precision);
    vectorised(AllColumns::<S, T> { p, q, rows, lead, policy, columns: &mut columns, sums: PhantomData });
    Ok(Some(columns))
}

/// Elements that are computed in one go: so many that what a go costs is little, so few that their summands stay in the nearest
/// cache.
pub(super) const PIECE: usize = 64;

/// Summands of a piece: for each part the leads, and the rests.
type Halves<S> = <<S as Sums>::Numbers as Numbers>::Of<SplitSum<[f64; PIECE]>>;

struct AllColumns<'a, S, T> {
    p: Weights<'a, T>,
    q: Option<Weights<'a, T>>,
    rows: Broadcast,
    lead: u64,
    policy: NanPolicy,
    columns: &'a mut [Vec<f64>],
    sums: PhantomData<S>,
}

impl<S: Sums, T: Weight> Loop for AllColumns<'_, S, T> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        // A sole p goes with a q of 1.
        let (mut p, mut q) = ([1.0; PIECE], [1.0; PIECE]);
        let mut halves: Halves<S> = S::Numbers::repeat([[0.0; PIECE]; 2]);
        for start in (0..self.rows.rows()).step_by(PIECE) {
            let piece = start..self.rows.rows().min(start + PIECE);
            let mut nulls = read(self.p, self.rows.repeats_p(), piece.clone(), &mut p);
            if let Some(of_q) = self.q {
                nulls |= read(of_q, self.rows.repeats_q(), piece.clone(), &mut q);
            }
            self.compute::<A>(&p, &q, &mut halves);
            let halves = S::Numbers::slice_of_mut(&mut halves);
            if nulls {
                self.leave_out_nulls(piece.clone(), halves);
            }
            for (column, half) in self.columns.iter_mut().zip(halves.iter().flatten()) {
                column.extend_from_slice(&half[..piece.len()]);
            }
        }
    }
}

impl<S: Sums, T: Weight> AllColumns<'_, S, T> {
    #[inline(always)]
    fn compute<A: Arithmetic>(&self, p: &[f64; PIECE], q: &[f64; PIECE], out: &mut Halves<S>) {
        let out = S::Numbers::slice_of_mut(out);
        let (omit, lead_bits) = (self.policy == NanPolicy::Omit, self.lead);
        for at in 0..PIECE {
            let (p, q) = (p[at], q[at]);
            let dropped = omit & (p.is_missing() | q.is_missing());
            let parts = S::parts::<A>(p, q, USUAL_SCALE);
            for (k, [leads, rests]) in out.iter_mut().enumerate() {
                let (value, role) = (parts.as_slice()[k], S::PARTS[k].role);
                let lead = f64::from_bits(value.to_bits() & lead_bits);
                let rest = signal(role, Split::Rest, value - lead, p, q);
                let lead = signal(role, Split::Lead, lead, p, q);
                leads[at] = if dropped { 0.0 } else { lead };
                rests[at] = if dropped { 0.0 } else { rest };
            }
        }
    }

    /// Replaces the summands of pairs with a null, which were computed of what stands there.
    fn leave_out_nulls(&self, piece: Range<usize>, out: &mut [SplitSum<[f64; PIECE]>]) {
        let is_null = |x: Weights<T>, repeats, at| x.get(if repeats { 0 } else { at }).is_none();
        for (at, row) in piece.enumerate() {
            let q_is_null = self.q.is_some_and(|q| is_null(q, self.rows.repeats_q(), row));
            if is_null(self.p, self.rows.repeats_p(), row) || q_is_null {
                for (k, [leads, rests]) in out.iter_mut().enumerate() {
                    let role = S::PARTS[k].role;
                    leads[at] = null_summand(role, Split::Lead, self.policy);
                    rests[at] = null_summand(role, Split::Rest, self.policy);
                }
            }
        }
    }
}

/// Reads a piece of the weights, junk under nulls included. Returns whether there are nulls.
#[inline(always)]
fn read<T: Weight>(x: Weights<T>, repeats: bool, piece: Range<usize>, out: &mut [f64; PIECE]) -> bool {
    let x = x.slice(if repeats { 0..1 } else { piece });
    match x.values() {
        [one] => *out = [one.to_f64(); PIECE],
        many => out.iter_mut().zip(many).for_each(|(slot, x)| *slot = x.to_f64()),
    }
    x.no_nulls().is_none()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::math::power_of_two;
    use crate::kernel::quantities::{ESTIMATORS, Entropy, QUANTITIES};
    use crate::kernel::registry::{ByFloat, Registered, Summands};
    use crate::kernel::rules::{Missing, first_missing, judge, rank_of_sums};
    use crate::kernel::simd::Fused;
    use crate::kernel::tests::uniform;
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

    fn summand(x: f64, name: &str) -> f64 {
        let (x, column) = (&[x], Column::find::<Entropy>(name).unwrap());
        super::column::<Entropy, f64>(
            Weights::new(x, None),
            None,
            column,
            Precision::Double,
            NanPolicy::Propagate,
        )
        .unwrap()[0]
    }

    #[test]
    fn lead_and_rest_add_up_to_the_whole() {
        let names = column_names::<Entropy>();
        for x in [0.1, 1e300, 3e-300, 5e-324, 1.0] {
            let up = power_of_two(80);
            let [lead, rest] = [0, 1].map(|at| summand(x, names[at]));
            assert_eq!(lead.to_bits() & !LEAD, 0);
            if x < 1e200 {
                assert_eq!(lead + rest, x * up);
                let [lead, rest] = [2, 3].map(|at| summand(x, names[at]));
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
                let column = (summands.find)(name).unwrap();
                let drivers = f64::summands(summands);
                (drivers.column)(of_p, of_q, column, Precision::Double, policy).unwrap().iter().sum()
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
            for summands in [false, true].into_iter().filter_map(|of_state| quantity.summands(of_state)) {
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

    /// All summands that there are, with the quantities that they are of.
    fn registered() -> impl Iterator<Item = (&'static Registered, &'static Summands)> {
        let of = |of_state| {
            let quantities = QUANTITIES.iter().chain(ESTIMATORS);
            quantities.filter_map(move |quantity| Some((quantity, quantity.summands(of_state)?)))
        };
        of(false).chain(of(true))
    }

    #[test]
    fn a_column_belongs_to_one_part() {
        for (_, summands) in registered() {
            let names = (summands.names)();
            let column = |name| (summands.find)(name).unwrap();
            assert!(names.iter().enumerate().all(|(i, name)| !names[..i].contains(name)));
            assert!(names.iter().enumerate().all(|(i, name)| column(name).place() == i));
            assert_eq!(column(names[0]).role, Role::Mass);
            assert_eq!(column(names[names.len() - 1]).role, Role::Term);
            assert_eq!((summands.find)("nothing"), None);
        }
    }

    fn assert_all_are_the_columns<T: ByFloat>(float: fn(f64) -> T) {
        let mut next = uniform(5);
        let mut some = |len: usize| -> Vec<T> {
            let odd = [0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 5e-324, 1e-300, 1e30];
            let of = |x: f64| if x < 0.1 { odd[(70.0 * x) as usize % 7] } else { x };
            (0..len).map(|_| float(of(next()))).collect()
        };
        let (p, q) = (some(300), some(300));
        // A null in the last of the pieces.
        let valid: Vec<u8> = (0..38).map(|byte| if byte > 24 { 0b1011_0111 } else { u8::MAX }).collect();
        for (quantity, summands) in registered() {
            let drivers = T::summands(summands);
            for len in [0, 1, 7, 63, 64, 65, 128, 291] {
                let whole = |x| Weights::new(x, None).slice(3..3 + len);
                let nulls = |x| Weights::new(x, Some(Bits::new(&valid, 0))).slice(3..3 + len);
                let one = |valid| Weights::new(&q[..1], valid);
                let of_q = [whole(&q), nulls(&q), one(None), one(Some(Bits::new(&[0], 0)))].map(Some);
                let of_q = if quantity.pair { &of_q[..] } else { &[None] };
                for (p, q) in
                    [whole(&p), nulls(&p)].into_iter().flat_map(|p| of_q.iter().map(move |q| (p, *q)))
                {
                    for policy in [NanPolicy::Propagate, NanPolicy::Omit] {
                        for precision in [Precision::Double, Precision::Single] {
                            let all = (drivers.all)(p, q, precision, policy).unwrap().unwrap();
                            for (name, all) in (summands.names)().into_iter().zip(all) {
                                let column = (summands.find)(name).unwrap();
                                let one = (drivers.column)(p, q, column, precision, policy).unwrap();
                                assert!(
                                    one.iter().map(bits).eq(all.iter().map(bits)),
                                    "{} {name}",
                                    quantity.name
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    /// Bits of a number. Which NaN it is means nothing.
    fn bits(x: &f64) -> u64 {
        if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
    }

    #[test]
    fn all_are_the_columns() {
        assert_all_are_the_columns(|x| x);
        assert_all_are_the_columns(|x| x as f32);
    }

    #[test]
    fn large_weights_are_not_for_all_at_once() {
        for weight in [LARGE_WEIGHT, f64::MAX, f64::INFINITY] {
            let x = [1.0, weight];
            let x = Weights::new(&x, None);
            assert_eq!(all::<Entropy, _>(x, None, Precision::Double, NanPolicy::Omit), Ok(None));
        }
    }
}
