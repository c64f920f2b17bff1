//! Driver of rows of logits z: unnormalised logarithms of shares, as in a softmax. A quantity that takes logarithms of shares has them
//! in the logits ([`Quantity::of_logits`]). For others the logits of a row, or of eight short ones, are turned into weights
//! ([`softmax`](super::softmax)), which go on as in [`rows`].
//!
//! * A logit that is too far below the largest for a weight of its own, such as the −1e9 of a mask, has the least weight there is, which
//!   adds nothing to any sum. Beside p > 0 its share of q leaves a divergence finite: it grows by p's share for each unit that the logit
//!   is lower, which `beyond_floor` adds. Eight short rows leave such a row to `OfOne`.
//! * −∞ is a weight of 0, ∞ one of ∞, NaN and null are missing: then the [`rules`](super::rules) decide.

use std::marker::PhantomData;

use super::blocks::{Block, Carried, EightRows, FastPath, LANES, OneRow, Source, any, lanes};
use super::broadcast::RowPairs;
use super::layout::Error;
use super::math::{EXP_FLOOR, exp_scaled};
use super::options::{NanPolicy, Unit};
use super::quantity::Quantity;
use super::rows::{self, Kind, Pair, Rows};
use super::rules::Missing;
use super::simd::{Arithmetic, Base, IsaOps, Loop, vectorised};
use super::softmax::{largest, weights};
use super::values::Values;
use super::weights::{Bits, Dense, Mask, SHORT, Tile, Weight, Weights};

/// Adds the values of rows of logits of p, or of pairs of rows of p and q.
pub fn values<Q: Quantity, T: Weight>(
    p: &Rows<T>,
    q: Option<&Rows<T>>,
    pairs: RowPairs,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    rows::values_of::<OfLogits, Q, T>(p, q, pairs, policy, unit, out)
}

/// Value of one distribution, `None` being null.
pub fn value<Q: Quantity, T: Weight>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    debug_assert_eq!(q.is_some(), Q::PAIR, "{}", Q::NAME);
    let pair = Pair { p, q: q.unwrap_or(p), rows: (0, 0) };
    vectorised(OfOne::<Q, T> { pair, policy, rows: &mut Default::default(), quantity: PhantomData })
}

/// Rows of logits.
struct OfLogits;

/// Memory for the weights of eight short rows of p and q, or of one row.
#[derive(Default)]
struct Scratch {
    tiles: [Tile<f64>; 2],
    rows: [RowWeights; 2],
}

impl Kind for OfLogits {
    type Scratch = Scratch;

    #[inline(always)]
    fn short<Q: Quantity, T: Weight>() -> usize {
        SHORT
    }

    #[inline(always)]
    fn nothing<T: Weight>() -> T {
        T::NEG_INFINITY
    }

    #[inline(always)]
    fn of_eight<Q: Quantity, A: Arithmetic, T: Weight>(
        p: &Tile<T>,
        q: &Tile<T>,
        scratch: &mut Scratch,
    ) -> FastPath {
        if Q::READS_LOGITS {
            return Q::of_logits::<A, EightRows>(p, q);
        }
        let [of_p, of_q] = &mut scratch.tiles;
        // A q of 0 beside p > 0 leaves the row to `OfOne`, which tells it from −∞.
        A::Isa::call_outlined::<A, _>(Weigh { logits: p, far: least_weight(), out: of_p });
        A::Isa::call_outlined::<A, _>(Weigh { logits: q, far: 0.0, out: of_q });
        Q::of_blocks::<A, EightRows>(&*of_p, &*of_q)
    }

    #[inline(always)]
    fn of_one<Q: Quantity, A: Arithmetic, T: Weight>(
        pair: Pair<T>,
        policy: NanPolicy,
        scratch: &mut Scratch,
    ) -> Result<Option<f64>, Missing> {
        let rows = &mut scratch.rows;
        A::Isa::call_outlined::<A, _>(OfOne::<Q, T> { pair, policy, rows, quantity: PhantomData })
    }
}

/// Weight of a logit at the floor.
fn least_weight() -> f64 {
    exp_scaled::<Base>(EXP_FLOOR, 0.0)
}

/// Loop that writes the weights of eight rows of logits.
struct Weigh<'a, T> {
    logits: &'a Tile<T>,
    /// Weight of a finite logit below the floor.
    far: f64,
    out: &'a mut Tile<f64>,
}

impl<T: Weight> Loop for Weigh<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Weigh { logits, far, out } = self;
        let max = largest::<A, EightRows>(logits);
        for (i, block) in out.blocks_mut(logits.blocks()).iter_mut().enumerate() {
            (_, *block) = weights::<A>(&logits.block(i), &max, far);
        }
    }
}

/// Value of one row.
struct OfOne<'a, 'b, Q, T> {
    pair: Pair<'a, T>,
    policy: NanPolicy,
    rows: &'b mut [RowWeights; 2],
    quantity: PhantomData<Q>,
}

impl<Q: Quantity, T: Weight> Loop for OfOne<'_, '_, Q, T> {
    type Out = Result<Option<f64>, Missing>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Self::Out {
        let OfOne { pair: Pair { p, q, rows: (i, j) }, policy, rows: [of_p, of_q], .. } = self;
        if Q::READS_LOGITS
            && let (Some(p), Some(q)) = (p.dense_before(T::NEG_INFINITY), q.dense_before(T::NEG_INFINITY))
            && let Some(value) = Q::of_logits::<A, OneRow>(&p, &q).get(0)
        {
            return Ok(Some(value));
        }
        if !Q::PAIR {
            // The largest logit is one that isn't missing.
            of_p.read::<A, T>(p, i);
            return of_weights::<Q, A>(of_p, of_p, policy);
        }
        if policy == NanPolicy::Omit && (some_missing(p) || some_missing(q)) {
            // The largest logit has to be one that stays.
            of_p.read_kept::<A, T>(p, (p, q));
            of_q.read_kept::<A, T>(q, (p, q));
        } else {
            of_p.read::<A, T>(p, i);
            of_q.read::<A, T>(q, j);
        }
        let value = of_weights::<Q, A>(of_p, of_q, policy)?;
        Ok(match (value, of_q.far_below, Q::ANSWERS.q_zero) {
            (Some(value), Some(max), Some(_)) => {
                Some(value + beyond_floor(of_p.weights(), of_q.weights(), q, max))
            }
            _ => value,
        })
    }
}

#[inline(always)]
fn of_weights<Q: Quantity, A: Arithmetic>(
    p: &RowWeights,
    q: &RowWeights,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    A::Isa::call_outlined::<A, _>(rows::OfOne::<Q, f64>::new(p.weights(), q.weights(), policy))
}

/// Weights of a row of logits.
#[derive(Default)]
struct RowWeights {
    /// Weights, filled up to whole blocks.
    values: Vec<f64>,
    len: usize,
    /// Validity, where some logit is null.
    valid: Vec<u8>,
    some_null: bool,
    /// The row of the input that this is of, if it goes with any partner.
    source: Option<usize>,
    /// Largest logit, if some logit is too far below it for a weight of its own.
    far_below: Option<f64>,
    /// Logits of a row that isn't read where it lies.
    logits: Vec<f64>,
}

impl RowWeights {
    #[inline(always)]
    fn weights(&self) -> Weights<'_, f64> {
        Weights::new(&self.values[..self.len], self.some_null.then(|| Bits::new(&self.valid, 0)))
    }

    /// Reads a row, unless it is the last one again.
    #[inline(always)]
    fn read<A: Arithmetic, T: Weight>(&mut self, row: Weights<T>, source: usize) {
        if self.source == Some(source) {
            return;
        }
        match row.no_nulls() {
            Some(logits) => self.fill::<A, T>(logits),
            None => self.read_kept::<A, T>(row, row),
        }
        self.source = Some(source);
    }

    /// Reads a row, of which the mask keeps some elements. The others are missing.
    #[inline(always)]
    fn read_kept<A: Arithmetic, T: Weight>(&mut self, row: Weights<T>, mask: impl Mask) {
        let mut logits = std::mem::take(&mut self.logits);
        logits.clear();
        logits.extend((0..row.len()).map(|at| match row.get(at) {
            Some(logit) if mask.keeps(at) => logit,
            _ => f64::NAN,
        }));
        self.fill::<A, f64>(&logits);
        self.logits = logits;
        self.valid.clear();
        self.valid.resize(row.len().div_ceil(8), u8::MAX);
        for at in (0..row.len()).filter(|at| row.get(*at).is_none()) {
            self.valid[at / 8] &= !(1 << (at % 8));
            self.some_null = true;
        }
    }

    #[inline(always)]
    fn fill<A: Arithmetic, T: Weight>(&mut self, logits: &[T]) {
        A::Isa::call_outlined::<A, _>(Fill { logits, row: self });
    }
}

/// Loop that writes the weights of a row of logits.
struct Fill<'a, T> {
    logits: &'a [T],
    row: &'a mut RowWeights,
}

impl<T: Weight> Loop for Fill<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Fill { logits, row } = self;
        (row.len, row.source, row.some_null) = (logits.len(), None, false);
        let logits = Dense::new(logits, T::NEG_INFINITY);
        let room = LANES * logits.blocks();
        if row.values.len() < room {
            row.values.resize(room, 0.0);
        }
        let max = largest::<A, OneRow>(&logits);
        let blocks = &mut row.values.as_chunks_mut::<LANES>().0[..logits.blocks()];
        // 1 where a logit is finite and below the floor, or is NaN: a number, for vector code.
        let mut irregular = [0.0; LANES];
        for (i, out) in blocks.iter_mut().enumerate() {
            let z = A::Isa::pinned(logits.block(i));
            logits.prefetch_next(i);
            let (difference, weights) = weights::<A>(&z, &max, 0.0);
            *out = weights;
            for k in 0..LANES {
                let is_below = (difference[k] <= EXP_FLOOR) | difference[k].is_nan();
                let is_irregular = is_below & (z[k] != f64::NEG_INFINITY);
                irregular[k] = if is_irregular { 1.0 } else { irregular[k] };
            }
            irregular = A::Isa::pinned(irregular);
        }
        let mut some_below = false;
        if any(lanes!(k => irregular[k] > 0.0)) | !max[0].is_finite() {
            for (i, out) in blocks.iter_mut().enumerate() {
                some_below |= settle(&logits.block(i), max[0], out);
            }
        }
        row.far_below = some_below.then_some(max[0]);
    }
}

/// Sets the weights of missing and infinite logits, and of finite ones below the floor. Returns whether there are some of the last.
#[cold]
#[inline(never)]
fn settle(logits: &Block, max: f64, weights: &mut Block) -> bool {
    let mut some_below = false;
    for (logit, weight) in logits.iter().zip(weights) {
        *weight = match *logit {
            z if z.is_nan() => f64::NAN,
            f64::INFINITY => f64::INFINITY,
            f64::NEG_INFINITY => 0.0,
            // An infinity decides, whatever stands beside it.
            _ if max == f64::INFINITY => 1.0,
            z if z - max <= EXP_FLOOR => {
                some_below = true;
                least_weight()
            }
            _ => *weight,
        };
    }
    some_below
}

fn some_missing<T: Weight>(row: Weights<T>) -> bool {
    row.no_nulls().is_none_or(|values| {
        // Without a branch, which becomes vector code.
        values.iter().fold(false, |some, x| some | x.is_missing())
    })
}

/// Part of a divergence that the floor cuts off: for each logit of q below it, p's share times the distance.
fn beyond_floor<T: Weight>(p: Weights<f64>, of_q: Weights<f64>, q: Weights<T>, max: f64) -> f64 {
    let there = || {
        (0..p.len())
            .filter(|at| p.keeps(*at) && of_q.keeps(*at))
            .map(|at| (at, p.get(at).unwrap_or_default()))
    };
    let mut total = Carried::default();
    there().for_each(|(_, p)| total.add(p));
    let total = total.total();
    if !(total > 0.0 && total.is_finite()) {
        // A rule decides.
        return 0.0;
    }
    let floor = least_weight();
    let mut beyond = Carried::default();
    for (at, p) in there() {
        let logit = q.get(at).unwrap_or(f64::NEG_INFINITY);
        // Half of it, since the whole may be more than there is.
        let below = 0.5 * max - 0.5 * logit + 0.5 * EXP_FLOOR;
        // A p at its floor is 0 to all that matters.
        if logit > f64::NEG_INFINITY && below > 0.0 && p > floor {
            beyond.add(p / total * below);
        }
    }
    2.0 * beyond.total()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::layout::{Extents, ListLayout, Offsets};
    use crate::kernel::quantities::{CrossEntropy, Entropy, JsDiv, KlDiv, OF_LOGITS, quantity};
    use crate::kernel::registry::ByFloat;
    use crate::kernel::tests::uniform;

    fn one<Q: Quantity>(p: &[f64], q: Option<&[f64]>, policy: NanPolicy) -> Option<f64> {
        let weights = |x| Weights::new(x, None);
        value::<Q, f64>(weights(p), q.map(weights), policy).unwrap()
    }

    fn entropy(z: &[f64]) -> f64 {
        one::<Entropy>(z, None, NanPolicy::Propagate).unwrap()
    }

    fn of_pair<Q: Quantity>(p: &[f64], q: &[f64]) -> f64 {
        one::<Q>(p, Some(q), NanPolicy::Propagate).unwrap()
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn a_dominant_logit_leaves_all_digits() {
        for gap in 1..=700 {
            // H = ln(1 + r) + gap·r/(1 + r) with r = exp(−gap).
            let r = (-f64::from(gap)).exp();
            let exact = r.ln_1p() + f64::from(gap) * r / (1.0 + r);
            for shift in [0.0, 1024.0, -4096.0] {
                let got = entropy(&[shift, shift - f64::from(gap)]);
                assert!((got - exact).abs() <= 1e-15 * exact, "{gap} {shift}: {got} {exact}");
            }
        }
    }

    #[test]
    fn digits_of_the_difference_are_kept() {
        let (z, max) = (0.1f64, 600.0);
        let rounded = z - max;
        // Both differences are exact.
        let exact = rounded.exp() * (1.0 + (z - (rounded + max)));
        let (_, [weight, ..]) = weights::<Base>(&[z; LANES], &[max; LANES], 0.0);
        assert!((weight / 2f64.powi(300) / exact - 1.0).abs() <= 3e-16);
        assert!((rounded.exp() / exact - 1.0).abs() > 1e-14);
    }

    #[test]
    fn rules_decide_about_infinities_and_missing_logits() {
        assert_eq!(entropy(&[]), 0.0);
        assert_eq!(entropy(&[3.0]), 0.0);
        assert!((entropy(&[3.0, 3.0, -INF]) - 2f64.ln()).abs() < 1e-15);
        for z in [vec![-INF, -INF], vec![INF, 0.0], vec![INF, INF], vec![1.0, f64::NAN]] {
            assert!(entropy(&z).is_nan(), "{z:?}");
        }
        let omit = |p: &[f64]| one::<Entropy>(p, None, NanPolicy::Omit).unwrap();
        assert!((omit(&[1.0, f64::NAN, 1.0]) - 2f64.ln()).abs() < 1e-15);
        assert!(omit(&[INF, f64::NAN]).is_nan());
        assert_eq!(omit(&[f64::NAN]), 0.0);
        assert_eq!(of_pair::<KlDiv>(&[0.0, 0.0], &[0.0, -INF]), INF);
        assert_eq!(of_pair::<KlDiv>(&[0.0, -INF], &[0.0, -INF]), 0.0);
        let raised = value::<Entropy, f64>(Weights::new(&[1.0, f64::NAN], None), None, NanPolicy::Raise);
        assert_eq!(raised.unwrap_err().at, 1);
        // Nothing of this is missing.
        let none = Weights::new(&[-INF, -INF][..], None);
        for q in [none, Weights::new(&[0.0, 0.0], None)] {
            assert!(value::<KlDiv, f64>(none, Some(q), NanPolicy::Raise).unwrap().unwrap().is_nan());
        }
    }

    #[test]
    fn the_largest_logit_is_one_that_stays() {
        let (p, q) = ([2000.0, 1.0, 0.0], [f64::NAN, 5.0, 5.0]);
        let got = one::<KlDiv>(&p, Some(&q), NanPolicy::Omit).unwrap();
        let exact = of_pair::<KlDiv>(&p[1..], &q[1..]);
        assert_eq!(got, exact);
        assert!(exact > 0.1);
    }

    #[test]
    fn finite_masks_leave_divergences_finite() {
        let p = [0.0, 0.0, -1e9];
        for mask in [-1e4, -1e9, f64::from(f32::MIN), -1e300] {
            let exact = 0.5 * (2.0 * 0.5f64.ln() - mask);
            for q in [[0.0, mask, mask], [0.0, mask, -1e9]] {
                let got = of_pair::<KlDiv>(&p, &q);
                assert!((got / exact - 1.0).abs() < 1e-15, "{mask}: {got} {exact}");
                let crossed = of_pair::<CrossEntropy>(&p, &q);
                assert!((crossed / (-0.5 * mask) - 1.0).abs() < 1e-15, "{mask}: {crossed}");
                assert!(of_pair::<JsDiv>(&p, &q) < 2f64.ln());
            }
            assert_eq!(of_pair::<KlDiv>(&[1.0, mask], &[1.0, mask]), 0.0);
        }
    }

    #[test]
    fn a_share_too_small_for_a_weight_is_no_share_of_0() {
        // In one row and in eight, short and long.
        for width in [2, 200] {
            let (mut p, mut q) = (vec![-1e9; width], vec![-INF; width]);
            (p[0], q[0]) = (0.0, 0.0);
            let layout = ListLayout { extents: Extents::Width { width, rows: 8 }, valid: None };
            let (of_p, of_q) = (p.repeat(8), q.repeat(8));
            let rows = |z| Rows { weights: Weights::new(z, None), layout };
            for (name, expected) in [("kl_div", INF), ("cross_entropy", INF), ("js_div", 0.0)] {
                let quantity = quantity(&format!("logits.{name}")).unwrap();
                let (mut out, unit) = (Values::default(), Unit::new(None));
                let q = rows(&of_q);
                let policy = NanPolicy::Propagate;
                (f64::rows(quantity).values)(
                    &rows(&of_p),
                    Some(&q),
                    RowPairs::same(8),
                    policy,
                    unit,
                    &mut out,
                )
                .unwrap();
                assert_eq!(out.get(5), Some(expected), "{name} {width}");
                let (p, q) = (Weights::new(&of_p[..width], None), Weights::new(&of_q[..width], None));
                assert_eq!(
                    (f64::rows(quantity).value)(p, Some(q), policy).unwrap(),
                    Some(expected),
                    "{name} {width}"
                );
            }
        }
    }

    #[test]
    fn a_difference_of_more_than_there_is_leaves_a_finite_divergence() {
        for of in [of_pair::<KlDiv>, of_pair::<CrossEntropy>] {
            let got = of(&[0.0, 0.0], &[1e308, -1e308]);
            assert!((got / 1e308 - 1.0).abs() < 1e-15, "{got}");
        }
    }

    #[test]
    fn at_the_floor_nothing_jumps() {
        let at = |below: f64| of_pair::<KlDiv>(&[0.0, 0.0], &[0.0, EXP_FLOOR - below]);
        for below in [-1.0, -0.5, 0.5, 1.0] {
            assert!((at(below) - at(0.0) - 0.5 * below).abs() < 1e-12);
        }
    }

    #[test]
    fn neighbours_change_nothing() {
        let mut next = uniform(3);
        let lens: Vec<usize> =
            (0..400).map(|row| [row % 9, 10, 10, 100, 300, 1000][(row / 11) % 6]).collect();
        let mut offsets = vec![0];
        lens.iter().for_each(|len| offsets.push(offsets[offsets.len() - 1] + *len as i64));
        let count = offsets[offsets.len() - 1] as usize;
        let mut logits = || -> Vec<f64> { (0..count).map(|_| 40.0 * next() - 20.0).collect() };
        let (p, mut q) = (logits(), logits());
        q.iter_mut().step_by(997).for_each(|q| *q = -1e9);
        let bits: Vec<u8> =
            (0..count.div_ceil(8)).map(|i| if i % 200 == 0 { 0b1011_1111 } else { u8::MAX }).collect();
        let extents = Extents::Offsets { offsets: Offsets::Large(&offsets), start: 0 };
        let layout = ListLayout { extents, valid: None };
        let longer = lens.iter().position(|len| *len == 300).unwrap();
        // One row of q for many of p.
        let fixed: Vec<(usize, usize)> =
            (0..lens.len()).filter(|i| lens[*i] == 300).map(|i| (i, longer)).collect();
        let nulls = Some(Bits::new(&bits, 0));
        for quantity in OF_LOGITS {
            for (policy, nulls) in
                [(NanPolicy::Propagate, None), (NanPolicy::Omit, nulls), (NanPolicy::Propagate, nulls)]
            {
                let p = Rows { weights: Weights::new(&p, nulls), layout };
                let q = Rows { weights: Weights::new(&q, None), layout };
                let q = quantity.pair.then_some(&q);
                let of = |pairs: RowPairs<'_>| {
                    let mut out = Values::default();
                    let driver = f64::rows(quantity).values;
                    driver(&p, q, pairs, policy, Unit::new(None), &mut out).unwrap();
                    out
                };
                let (all, of_fixed) = (of(RowPairs::same(lens.len())), of(RowPairs::Listed(&fixed)));
                for i in 0..lens.len() {
                    assert_eq!(
                        of(RowPairs::Listed(&[(i, i)])).get(0),
                        all.get(i),
                        "{} row {i}",
                        quantity.name
                    );
                }
                for (at, pair) in fixed.iter().enumerate() {
                    assert_eq!(of(RowPairs::Listed(&[*pair])).get(0), of_fixed.get(at), "{pair:?}");
                }
            }
        }
    }

    #[test]
    fn eight_short_rows_have_the_digits_of_one() {
        let mut next = uniform(11);
        for width in [1, 2, 3, 8, 10, 33, 128] {
            let mut logits = || -> Vec<f64> {
                let mut z: Vec<f64> = (0..8 * width).map(|_| 900.0 * (next() - 0.5).powi(3)).collect();
                // Masks, one of which stands for nothing, and the other for very little.
                z.iter_mut().step_by(7).for_each(|z| *z = -1e9);
                z.iter_mut().step_by(5).for_each(|z| *z = -INF);
                z
            };
            let (p, q) = (logits(), logits());
            let layout = ListLayout { extents: Extents::Width { width, rows: 8 }, valid: None };
            let rows = |z| Rows { weights: Weights::new(z, None), layout };
            let (p_rows, q_rows) = (rows(&p), rows(&q));
            for quantity in OF_LOGITS {
                let drivers = f64::rows(quantity);
                let (mut out, unit) = (Values::default(), Unit::new(None));
                let q_rows = quantity.pair.then_some(&q_rows);
                (drivers.values)(&p_rows, q_rows, RowPairs::same(8), NanPolicy::Propagate, unit, &mut out)
                    .unwrap();
                for row in 0..8 {
                    let of = |z| Weights::new(z, None).slice(row * width..(row + 1) * width);
                    let q = quantity.pair.then(|| of(&q));
                    let one = (drivers.value)(of(&p), q, NanPolicy::Propagate).unwrap().unwrap();
                    let got = out.get(row).unwrap();
                    let close = (got - one).abs() <= 1e-15 * one.abs() + 1e-15 * one.abs().sqrt();
                    assert!(
                        close || got == one || (got.is_nan() && one.is_nan()),
                        "{} {width}: {got} {one}",
                        quantity.name
                    );
                }
            }
        }
    }

    #[test]
    fn exp_is_right_to_its_last_digit() {
        use crate::kernel::simd::{Fused, Separate};
        let mut next = uniform(9);
        for i in 0..20_000 {
            let x = if i < 1000 { -0.69 * next() } else { -705.0 * next() };
            let exact = x.exp();
            for got in [exp_scaled::<Fused>(x, 0.0), exp_scaled::<Separate>(x, 0.0)] {
                // One unit in the last place, beside that of the library's.
                assert!((got / 2f64.powi(300) / exact - 1.0).abs() <= 2.3e-16, "{x}: {got}");
            }
        }
        assert_eq!(exp_scaled::<Fused>(0.0, 0.0), 2f64.powi(300));
        assert!(exp_scaled::<Fused>(EXP_FLOOR, 0.0) > 1e-279);
    }
}
