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
//! **All columns at once.** Several columns need the logarithm of an element, so one pass computes all of them, and stores those that
//! are asked for.

use std::marker::PhantomData;
use std::ops::Range;

use super::broadcast::{Broadcast, Mismatch};
use super::elements::{Map, map, map_pairs};
use super::options::{NanPolicy, Precision};
use super::quantity::{Numbers, Sums};
use super::rules::{NULL_SIGNALS, Rank, Role, Side, Split, SplitSum, located, signal};
use super::scales::{LARGE_WEIGHT, SCALES, USUAL_SCALE, scale};
use super::simd::{Arithmetic, IsaOps, Loop, vectorised};
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

/// The bits that the lead has. In single precision all is lead, and the rest has nothing but signals.
fn lead_bits(precision: Precision) -> u64 {
    if precision == Precision::Single { u64::MAX } else { LEAD }
}

/// Summands of all elements in the columns of these places, for a result of this precision.
pub fn columns<S: Sums, T: Weight>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    places: Range<usize>,
    precision: Precision,
    policy: NanPolicy,
) -> Result<Vec<Vec<f64>>, Mismatch> {
    let rows = q.map_or(Ok(Broadcast::same(p.len())), |q| Broadcast::new(p.len(), q.len()))?;
    let mut columns: Vec<_> = places.clone().map(|_| Vec::with_capacity(rows.rows())).collect();
    let splitting = Splitting { lead: lead_bits(precision), policy, sums: PhantomData::<S> };
    vectorised(EachPiece { p, q, rows, splitting, places, columns: &mut columns });
    Ok(columns)
}

/// Elements that are computed in one go: so many that what a go costs is little, so few that their summands stay in the nearest
/// cache.
pub(super) const PIECE: usize = 64;

/// Summands of a piece: for each part the leads, and the rests.
type Halves<S> = <<S as Sums>::Numbers as Numbers>::Of<SplitSum<[f64; PIECE]>>;

/// Rules by which a summand is split into lead and rest.
struct Splitting<S> {
    /// The bits that the lead has.
    lead: u64,
    policy: NanPolicy,
    sums: PhantomData<S>,
}

struct EachPiece<'a, S, T> {
    p: Weights<'a, T>,
    q: Option<Weights<'a, T>>,
    rows: Broadcast,
    splitting: Splitting<S>,
    places: Range<usize>,
    columns: &'a mut [Vec<f64>],
}

impl<S: Sums, T: Weight> Loop for EachPiece<'_, S, T> {
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
            // Next to no column has such weights, and a look is quicker than a choice for each element.
            if (0..PIECE).fold(false, |any, at| any | (p[at] >= LARGE_WEIGHT) | (q[at] >= LARGE_WEIGHT)) {
                A::Isa::call_outlined::<A, _>(OfLarge {
                    p: &p,
                    q: &q,
                    splitting: &self.splitting,
                    out: &mut halves,
                });
            } else {
                self.splitting.of_usual::<A>(&p, &q, &mut halves);
            }
            let halves = S::Numbers::slice_of_mut(&mut halves);
            if nulls {
                self.leave_out_nulls(piece.clone(), halves);
            }
            let halves = halves.as_flattened()[self.places.clone()].iter();
            for (column, half) in self.columns.iter_mut().zip(halves) {
                column.extend_from_slice(&half[..piece.len()]);
            }
        }
    }
}

impl<S: Sums> Splitting<S> {
    /// Halves of a piece without large weights.
    #[inline(always)]
    fn of_usual<A: Arithmetic>(&self, p: &[f64; PIECE], q: &[f64; PIECE], out: &mut Halves<S>) {
        let out = S::Numbers::slice_of_mut(out);
        for at in 0..PIECE {
            let (p, q) = (p[at], q[at]);
            let parts = S::parts::<A>(p, q, USUAL_SCALE);
            for (k, halves) in out.iter_mut().enumerate() {
                let value = parts.as_slice()[k];
                let lead = self.lead_of(value);
                self.put([lead, value - lead], (p, q), S::PARTS[k].role, at, halves);
            }
        }
    }

    #[inline(always)]
    fn lead_of(&self, value: f64) -> f64 {
        f64::from_bits(value.to_bits() & self.lead)
    }

    /// Puts the halves of an element in their place, with their signals.
    #[inline(always)]
    fn put(
        &self,
        [lead, rest]: SplitSum<f64>,
        (p, q): (f64, f64),
        role: Role,
        at: usize,
        [leads, rests]: &mut SplitSum<[f64; PIECE]>,
    ) {
        let dropped = (self.policy == NanPolicy::Omit) & (p.is_missing() | q.is_missing());
        let rest = signal(role, Split::Rest, rest, p, q);
        let lead = signal(role, Split::Lead, lead, p, q);
        leads[at] = if dropped { 0.0 } else { lead };
        rests[at] = if dropped { 0.0 } else { rest };
    }
}

/// Loop that splits the summands of a piece with weights of any size.
struct OfLarge<'a, S: Sums> {
    p: &'a [f64; PIECE],
    q: &'a [f64; PIECE],
    splitting: &'a Splitting<S>,
    out: &'a mut Halves<S>,
}

impl<S: Sums> Loop for OfLarge<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let out = S::Numbers::slice_of_mut(self.out);
        for at in 0..PIECE {
            let (p, q) = (self.p[at], self.q[at]);
            let scaled = SCALES.map(|scale| S::parts::<A>(p, q, scale));
            for (k, halves) in out.iter_mut().enumerate() {
                let part = &S::PARTS[k];
                let weight = match part.side {
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
                let [lead, rest] = [Split::Lead, Split::Rest].map(|split| {
                    let (scale, is_divided) = scale(weight, split);
                    let value = scaled[scale].as_slice()[k];
                    match (is_divided, split) {
                        (false, _) => value,
                        (true, Split::Lead) => self.splitting.lead_of(value),
                        (true, Split::Rest) => value - self.splitting.lead_of(value),
                    }
                });
                self.splitting.put([lead, rest], (p, q), part.role, at, halves);
            }
        }
    }
}

impl<S: Sums, T: Weight> EachPiece<'_, S, T> {
    /// Replaces the summands of pairs with a null, which were computed of what stands there.
    fn leave_out_nulls(&self, piece: Range<usize>, out: &mut [SplitSum<[f64; PIECE]>]) {
        let is_null = |x: Weights<T>, repeats, at| x.get(if repeats { 0 } else { at }).is_none();
        for (at, row) in piece.enumerate() {
            let q_is_null = self.q.is_some_and(|q| is_null(q, self.rows.repeats_q(), row));
            if is_null(self.p, self.rows.repeats_p(), row) || q_is_null {
                for (k, [leads, rests]) in out.iter_mut().enumerate() {
                    let role = S::PARTS[k].role;
                    leads[at] = null_summand(role, Split::Lead, self.splitting.policy);
                    rests[at] = null_summand(role, Split::Rest, self.splitting.policy);
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
    use crate::kernel::quantities::{CrossEntropy, ESTIMATORS, Entropy, KlDiv, MillerMadow, Psi, QUANTITIES};
    use crate::kernel::quantity::Mergeable;
    use crate::kernel::registry::{ByFloat, Registered, Summands};
    use crate::kernel::rules::{Missing, first_missing, judge, rank_of_sums};
    use crate::kernel::simd::{Fused, Isa};
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
        let place = Column::find::<Entropy>(name).unwrap().place();
        let (x, precision) = (&[x], Precision::Double);
        let x = Weights::new(x, None);
        columns::<Entropy, f64>(x, None, place..place + 1, precision, NanPolicy::Propagate).unwrap()[0][0]
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
        let (p_values, p_valid) = with_validity(p);
        let (q_values, q_valid) = with_validity(q.unwrap_or(p));
        let of_p = Weights::new(&p_values, Some(Bits::new(&p_valid, 0)));
        let of_q = q.map(|_| Weights::new(&q_values, Some(Bits::new(&q_valid, 0))));
        for policy in [NanPolicy::Propagate, NanPolicy::Omit] {
            let columns = f64::summands(summands)(of_p, of_q, 0..summands.count, Precision::Double, policy);
            let sums: Vec<f64> = columns.unwrap().iter().map(|column| column.iter().sum()).collect();
            let (mass, term) = ([sums[0], sums[1]], [sums[sums.len() - 2], sums[sums.len() - 1]]);
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

    /// Summand of a pair in one column, by the table of [`scales`](super::super::scales).
    fn expected<S: Sums>(
        column: Column,
        (p, q): (Option<f64>, Option<f64>),
        precision: Precision,
        policy: NanPolicy,
    ) -> f64 {
        let Column { part, split, role } = column;
        let (Some(p), Some(q)) = (p, q) else { return null_summand(role, split, policy) };
        if policy == NanPolicy::Omit && (p.is_missing() || q.is_missing()) {
            return 0.0;
        }
        let at = |scale: f64| S::parts::<Fused>(p, q, scale).as_slice()[part];
        let size = match S::PARTS[part].side {
            Some(Side::P) => p,
            Some(Side::Q) => q,
            None if p < q => q,
            None => p,
        };
        let (up, down) = (power_of_two(80), power_of_two(-20));
        let lead =
            if precision == Precision::Single { at(up) } else { f64::from_bits(at(up).to_bits() & LEAD) };
        let half = match split {
            Split::Lead if size >= power_of_two(924) => at(0.0),
            Split::Lead if size >= power_of_two(760) => at(up),
            Split::Lead => lead,
            Split::Rest if size >= power_of_two(760) => at(down),
            Split::Rest => at(up) - lead,
        };
        signal(role, split, half, p, q)
    }

    fn assert_expected<S: Sums, T: Weight>(pair: bool, float: fn(f64) -> T) {
        let mut next = uniform(5);
        let odd = [0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 5e-324, 1e-300, 1e30];
        // For some of the pieces, so that p has some, or q, or both, or neither.
        let large = [LARGE_WEIGHT, 1e278, 3e278, f64::MAX, f64::INFINITY, f64::NAN, 1.0];
        let mut some = |pieces: [usize; 2]| -> Vec<T> {
            let mut of = |at: usize| match (next(), next()) {
                (choice, x) if choice > 0.1 => x,
                (_, x) if pieces.contains(&(at / 64)) => large[(7.0 * x) as usize % 7],
                (_, x) => odd[(7.0 * x) as usize % 7],
            };
            (0..300).map(|at| float(of(at))).collect()
        };
        let (p, q) = (some([1, 2]), some([2, 3]));
        // A null in the last of the pieces.
        let valid: Vec<u8> = (0..38).map(|byte| if byte > 24 { 0b1011_0111 } else { u8::MAX }).collect();
        for len in [0, 1, 63, 65, 291] {
            let whole = |x| Weights::new(x, None).slice(3..3 + len);
            let nulls = |x| Weights::new(x, Some(Bits::new(&valid, 0))).slice(3..3 + len);
            let one = |x, valid| Weights::new(x, valid);
            let (null, large) = (Some(Bits::new(&[0], 0)), [float(f64::MAX)]);
            let ones = [one(&q[..1], None), one(&q[..1], null), one(&large, None)];
            let many = [whole(&p), nulls(&p)];
            let pairs: Vec<_> = if pair {
                let both = [whole(&q), nulls(&q)].into_iter().chain(ones);
                let both = both.flat_map(|q| many.map(|p| (p, Some(q))));
                both.chain(ones.map(|p| (p, Some(whole(&q))))).collect()
            } else {
                many.map(|p| (p, None)).to_vec()
            };
            for (p, q) in pairs {
                for policy in [NanPolicy::Propagate, NanPolicy::Omit] {
                    for precision in [Precision::Double, Precision::Single] {
                        let all = columns::<S, T>(p, q, 0..2 * S::PARTS.len(), precision, policy).unwrap();
                        for (place, name) in column_names::<S>().into_iter().enumerate() {
                            let column = Column::find::<S>(name).unwrap();
                            let q_at = |at| q.map_or(Some(1.0), |q| q.get(if q.len() == 1 { 0 } else { at }));
                            let rows =
                                q.map_or(p.len(), |q| Broadcast::new(p.len(), q.len()).unwrap().rows());
                            let p_at = |at| p.get(if p.len() == 1 { 0 } else { at });
                            let of = |at| expected::<S>(column, (p_at(at), q_at(at)), precision, policy);
                            let one = columns::<S, T>(p, q, place..place + 1, precision, policy).unwrap();
                            assert_eq!(one.len(), 1);
                            for got in [&all[place], &one[0]] {
                                assert!(
                                    got.iter().map(bits).eq((0..rows).map(of).map(|x| bits(&x))),
                                    "{name}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    /// Bits of a number. Which NaN it is means nothing, nor does the sign of a zero.
    fn bits(x: &f64) -> u64 {
        if x.is_nan() { f64::NAN.to_bits() } else { (x + 0.0).to_bits() }
    }

    #[test]
    fn every_column_has_its_summands() {
        // The baseline may have another logarithm.
        if Isa::current() == Isa::Baseline && cfg!(target_arch = "x86_64") {
            return;
        }
        let mut names = vec![];
        macro_rules! of {
            ($($sums:ty: $pair:literal),+) => {
                $(
                    names.push(column_names::<$sums>());
                    assert_expected::<$sums, f64>($pair, |x| x);
                    assert_expected::<$sums, f32>($pair, |x| x as f32);
                )+
            };
        }
        of!(
            Entropy: false,
            MillerMadow: false,
            KlDiv: true,
            CrossEntropy: true,
            Psi: true,
            <KlDiv as Mergeable>::StateSums: true,
            <Psi as Mergeable>::StateSums: true
        );
        assert!(registered().all(|(_, summands)| names.contains(&(summands.names)())));
    }
}
