//! Traits of a quantity: all that it has to say. A quantity names no driver, and a driver ([`rows`](super::rows),
//! [`summands`](super::summands), [`groups`](super::groups), [`states`](super::states), [`elements`](super::elements)) names no quantity: they meet in these
//! traits, and in the registry ([`quantities`](super::quantities)).
//!
//! Every quantity has rows. What else it can do it declares by the traits that it implements: [`Summed`] if a group's value comes
//! from native sums, [`Mergeable`] if the values of parts merge to that of the whole.

use super::blocks::{Carried, FastPath, Layout, OneRow, Source, Stored};
use super::rules::{Answers, Role, Side};
use super::simd::{Arithmetic, Base};
use super::weights::{Mask, Weight, Weights};

/// A quantity of one distribution p, or of p and its reference q. A sole p goes along as its own q.
pub trait Quantity: Sized + 'static {
    /// Name of the method, of the `quantity` argument, of the value in a state, and in messages.
    const NAME: &'static str;

    /// Whether there are two inputs.
    const PAIR: bool;

    /// Answers to the rules that quantities answer differently.
    const ANSWERS: Answers;

    /// Whether eight short rows of `f32` are read in single precision. If not, fewer of them count as short, since a row by itself
    /// is then the quicker one.
    const EIGHT_IN_SINGLE: bool;

    /// Whether weights have to be counts, which are whole numbers.
    const OF_COUNTS: bool = false;

    /// Value of few observations of so many kinds, from their entropy, their number and that of the kinds, if it comes from these.
    const OF_FEW: Option<OfFew> = None;

    /// Values in nats of distributions in blocks, where no rule but 9 can apply and nothing leaves the range of doubles.
    fn of_blocks<A: Arithmetic, L: Layout>(p: &impl Stored, q: &impl Stored) -> FastPath;

    /// Whether logits are read as they are, by [`of_logits`](Quantity::of_logits). Otherwise weights are made of them.
    const READS_LOGITS: bool = false;

    /// Values in nats of logits in blocks, where no rule but 9 can apply. Behind the end of a row there is −∞.
    #[inline(always)]
    fn of_logits<A: Arithmetic, L: Layout>(_p: &impl Source, _q: &impl Source) -> FastPath {
        unreachable!("{} does not read logits", Self::NAME)
    }

    /// Value in nats of one distribution that rule 9 applies to, whatever its range and whatever is missing, which is dropped.
    fn carefully<A: Arithmetic, T: Weight>(p: Weights<T>, q: Weights<T>) -> f64;
}

/// Value in nats of observations, from their entropy, their number and that of their kinds.
pub type OfFew = fn(f64, usize, usize) -> f64;

/// Value of weights none of which is missing, infinite or negative, with mass in p, and in q wherever p has some.
pub fn value<Q: Quantity>(p: &[f64], q: &[f64]) -> f64 {
    let (p, q) = (Weights::new(p, None), Weights::new(q, None));
    let fast = match (p.dense(), q.dense()) {
        (Some(p), Some(q)) => Q::of_blocks::<Base, OneRow>(&p, &q),
        _ => FastPath::NOWHERE,
    };
    fast.get(0).unwrap_or_else(|| Q::carefully::<Base, f64>(p, q))
}

/// A quantity whose groups are sums that the data frame takes.
pub trait Summed: Quantity {
    /// The sums that a value comes from.
    type Sums: Sums;
}

/// Elementwise parts whose sums over a group give a value.
pub trait Sums: 'static {
    /// The parts: the mass of p first, that of q next if there are two inputs, and the term of the value last.
    const PARTS: &'static [Part];

    /// A number for each part.
    type Numbers: Numbers;

    /// Parts of a pair of elements times a power of two, zeros where a rule keeps it out. A sole p comes with a q of 1.
    fn parts<A: Arithmetic>(p: f64, q: f64, scale: f64) -> Self::Numbers;

    /// Value in nats of the sums of a group that rule 9 applies to.
    fn value<A: Arithmetic>(sums: GroupSums<Self::Numbers>) -> f64;
}

/// A part of the sums.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Name of the column that has the leading bits of the summands.
    pub lead: &'static str,
    /// Name of the column that has the rest of them.
    pub rest: &'static str,
    /// Role of the part in the sums.
    pub role: Role,
    /// The weight that the part is of the size of; `None` is the larger of the two.
    pub side: Option<Side>,
}

/// Sums of a group, which are scaled by powers of two: one that is right for the total of p, and one that is right for that of q.
#[derive(Clone, Copy, Debug)]
pub struct GroupSums<N> {
    /// The sums scaled as is right for p.
    pub by_p: N,
    /// The sums scaled as is right for q.
    pub by_q: N,
    /// Exponents of the two powers of two.
    pub exponents: [f64; 2],
}

impl<N> GroupSums<N> {
    /// ln(P/Q) beyond that of the scaled totals; 0 if they are scaled alike.
    #[inline(always)]
    pub fn ln_scales(&self) -> f64 {
        (self.exponents[1] - self.exponents[0]) * std::f64::consts::LN_2
    }
}

impl Part {
    /// The mass of p.
    pub const MASS_P: Part =
        Part { lead: "mass_p", rest: "mass_p_rest", role: Role::Mass, side: Some(Side::P) };
    /// The mass of q.
    pub const MASS_Q: Part =
        Part { lead: "mass_q", rest: "mass_q_rest", role: Role::Mass, side: Some(Side::Q) };
    /// The terms of the value.
    pub const TERM: Part = Part { lead: "term", rest: "term_rest", role: Role::Term, side: Some(Side::P) };
}

/// A quantity whose values merge: that of the whole comes from what is kept of its parts, which hold different events.
pub trait Mergeable: Summed {
    /// Names of the sums that a state keeps beside the value: the mass of p first, that of q next if there are two inputs.
    const KEPT: &'static [&'static str];

    /// A number for each of the kept sums.
    type Kept: Numbers;

    /// The sums that the state of a group comes from.
    type StateSums: Sums;

    /// Kept sums of a group from the sums of its state.
    fn kept(sums: GroupSums<<Self::StateSums as Sums>::Numbers>) -> Self::Kept;

    /// Parts of a pair of elements in the kept sums, for the states of rows.
    fn kept_of(p: f64, q: f64) -> Self::Kept;

    /// Kept sums of a row, in which something may be missing, and is left out.
    fn kept_of_row<T: Weight>(p: Weights<T>, q: Weights<T>) -> Self::Kept {
        sum_of_row::<Self, T>(p, q)
    }

    /// Value in nats of the distribution over parts, of which the kept sums are given, with their totals.
    fn between(parts: &<Self::Kept as Numbers>::Of<&[f64]>, totals: Self::Kept) -> f64;

    /// Value in nats of the whole, from the kept sums and the values of parts. What is kept and does not add up it puts into the
    /// totals.
    fn merge(parts: &<Self::Kept as Numbers>::Of<&[f64]>, values: &[f64], totals: &mut Self::Kept) -> f64 {
        let p = <Self::Kept as Numbers>::slice_of(parts)[0];
        within(values, p, totals.as_slice()[0]) + Self::between(parts, *totals)
    }
}

/// The kept sums of a row, in which something may be missing, and is left out.
pub fn sum_of_row<Q: Mergeable, T: Weight>(p: Weights<T>, q: Weights<T>) -> Q::Kept {
    let mut sums = <Q::Kept as Numbers>::repeat(Carried::default());
    let sums = <Q::Kept as Numbers>::slice_of_mut(&mut sums);
    for at in (0..p.len()).filter(|at| p.keeps(*at) && (!Q::PAIR || q.keeps(*at))) {
        let kept = Q::kept_of(p.get(at).unwrap_or_default(), q.get(at).unwrap_or_default());
        sums.iter_mut().zip(kept.as_slice()).for_each(|(sum, x)| sum.add(*x));
    }
    let mut kept = Q::Kept::ZERO;
    kept.as_mut_slice().iter_mut().zip(sums).for_each(|(kept, sum)| *kept = sum.total());
    kept
}

/// Σ wᵢ·valueᵢ.
pub fn within(values: &[f64], masses: &[f64], total: f64) -> f64 {
    let mut sum = Carried::default();
    for (mass, value) in masses.iter().zip(values) {
        if *mass > 0.0 {
            sum.add(mass / total * value);
        }
    }
    sum.total()
}

/// A fixed number of doubles: an array, whose length a trait can't say otherwise.
pub trait Numbers: Copy {
    /// Length of the array.
    const LEN: usize;
    /// Array of zeros.
    const ZERO: Self;
    /// Array of as many of something else.
    type Of<T: Copy>: Copy;

    /// The numbers.
    fn as_slice(&self) -> &[f64];
    /// The numbers, to be changed.
    fn as_mut_slice(&mut self) -> &mut [f64];
    /// Array of something else, the same throughout.
    fn repeat<T: Copy>(x: T) -> Self::Of<T>;
    /// Array of something else, from a slice of just this length.
    fn from_slice<T: Copy>(slice: &[T]) -> Option<Self::Of<T>>;
    /// Slice of an array of something else.
    fn slice_of<T: Copy>(of: &Self::Of<T>) -> &[T];
    /// Mutable slice of an array of something else.
    fn slice_of_mut<T: Copy>(of: &mut Self::Of<T>) -> &mut [T];
}

impl<const N: usize> Numbers for [f64; N] {
    const LEN: usize = N;
    const ZERO: Self = [0.0; N];
    type Of<T: Copy> = [T; N];

    #[inline(always)]
    fn as_slice(&self) -> &[f64] {
        self
    }

    #[inline(always)]
    fn as_mut_slice(&mut self) -> &mut [f64] {
        self
    }

    #[inline(always)]
    fn repeat<T: Copy>(x: T) -> [T; N] {
        [x; N]
    }

    fn from_slice<T: Copy>(slice: &[T]) -> Option<[T; N]> {
        slice.try_into().ok()
    }

    #[inline(always)]
    fn slice_of<T: Copy>(of: &[T; N]) -> &[T] {
        of
    }

    #[inline(always)]
    fn slice_of_mut<T: Copy>(of: &mut [T; N]) -> &mut [T] {
        of
    }
}

/// A function of single elements, of which nothing is normalised.
pub trait Element: 'static {
    /// Name of the method and of the `function` argument.
    const NAME: &'static str;
    /// Whether there are two inputs.
    const PAIR: bool;
    /// The value. A sole x comes with a y of 1.
    fn of<A: Arithmetic>(x: f64, y: f64) -> f64;
}
