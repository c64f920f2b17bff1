//! Driver of rows of logits: unnormalised logarithms z of shares, as in a softmax. A row is turned into weights
//!
//! ```text
//! wᵢ = 2³⁰⁰·exp(zᵢ − max z)
//! ```
//!
//! and the driver of [`rows`] takes them from there, a few rows at a time: what all quantities need to know about logits is here.
//!
//! * The difference is taken with its rounding error, so that weights are right to a unit in the last place, however far the
//!   logits are from 0.
//! * The scale keeps the weight of a logit as far as 850 below the largest a normal number.
//! * A logit that is farther below, such as the −1e9 of a mask, has the weight of 850, which adds nothing to any sum. Where its
//!   share of q stands beside p > 0, the divergence is finite, and grows by p's share for each unit that the logit is below: that is added.
//! * −∞ is a weight of 0, ∞ one of ∞, NaN and null are missing: then the [`rules`](super::rules) decide.

use std::marker::PhantomData;

use super::blocks::{Block, Carried, LANES, Layout, OneRow, all, lanes, two_sum};
use super::broadcast::RowPairs;
use super::layout::{Error, Extents, ListLayout, Offsets};
use super::math::{EXP_FLOOR, exp_scaled};
use super::options::{NanPolicy, Unit};
use super::quantity::Quantity;
use super::rows::{self, Rows};
use super::rules::Missing;
use super::simd::{Arithmetic, Base, Loop, vectorised};
use super::values::Values;
use super::weights::{Bits, Mask, Weight, Weights};

/// Adds the values of rows of logits of p, or of pairs of rows of p and q.
pub fn values<Q: Quantity, T: Weight>(
    p: &Rows<T>,
    q: Option<&Rows<T>>,
    pairs: RowPairs,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    let mut batch = Batch::default();
    let mut done = 0;
    while done < pairs.len() {
        vectorised(Fill::<Q, T> { p, q, pairs, done, policy, batch: &mut batch, quantity: PhantomData });
        let first = out.len();
        let (p, q) = (batch.p.rows(), batch.q.rows());
        let listed = RowPairs::Listed(&batch.pairs);
        rows::values::<Q, f64>(&p, Q::PAIR.then_some(&q), listed, policy, unit, out)
            .map_err(|error| error.behind(done))?;
        for (row, nats) in &batch.beyond {
            if let Some(value) = out.get(first + row) {
                out.put(first + row, value + unit.express(*nats));
            }
        }
        done += batch.pairs.len();
    }
    Ok(())
}

/// Value of one distribution, `None` being null.
pub fn value<Q: Quantity, T: Weight>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    let (p, q) = (one_row(p), q.map(one_row));
    let mut out = Values::default();
    match values::<Q, T>(&p, q.as_ref(), RowPairs::same(1), policy, Unit::new(None), &mut out) {
        Ok(()) => Ok(out.get(0)),
        Err(Error::Missing { missing, .. }) => Err(missing),
        Err(error) => unreachable!("{error:?} of one row"),
    }
}

fn one_row<T: Weight>(weights: Weights<'_, T>) -> Rows<'_, T> {
    rows_of(weights.values(), weights.nulls(), Extents::Width { width: weights.len(), rows: 1 })
}

fn rows_of<'a, T: Weight>(values: &'a [T], valid: Option<Bits<'a>>, extents: Extents<'a>) -> Rows<'a, T> {
    Rows { weights: Weights::new(values, valid), layout: ListLayout { extents, valid: None } }
}

/// Elements of a side that make up a batch: enough to be worth a call, few enough to stay in the cache. A longer row is a batch.
const ELEMENTS: usize = 1 << 13;

/// Some rows of weights.
#[derive(Default)]
struct Batch {
    p: Side,
    q: Side,
    /// Rows of both that make up a row of the result.
    pairs: Vec<(usize, usize)>,
    /// Rows of the result, and what is to be added to their values, in nats.
    beyond: Vec<(usize, f64)>,
}

/// Rows of weights of one side.
#[derive(Default)]
struct Side {
    /// Weights, with room for a block behind them.
    values: Vec<f64>,
    /// Begin of each row, and the end of the last.
    offsets: Vec<i64>,
    valid: Flags,
    valid_rows: Flags,
    /// Row of the input that the last row is of, if that goes with any partner.
    source: Option<usize>,
    /// Largest logit of the last row, if some logit is too far below it for a weight of its own.
    far_below: Option<f64>,
    /// Logits of a row that isn't read where it lies.
    logits: Vec<f64>,
}

/// Validity of a growing number of things, all of them valid at first.
#[derive(Default)]
struct Flags {
    bytes: Vec<u8>,
    some_null: bool,
}

impl Flags {
    fn clear(&mut self) {
        self.bytes.clear();
        self.some_null = false;
    }

    fn unset(&mut self, i: usize) {
        self.grow(i + 1);
        self.bytes[i / 8] &= !(1 << (i % 8));
        self.some_null = true;
    }

    fn grow(&mut self, len: usize) {
        if self.bytes.len() < len.div_ceil(8) {
            self.bytes.resize(len.div_ceil(8), u8::MAX);
        }
    }

    fn finish(&mut self, len: usize) {
        if self.some_null {
            self.grow(len);
        }
    }

    fn bits(&self) -> Option<Bits<'_>> {
        self.some_null.then(|| Bits::new(&self.bytes, 0))
    }
}

impl Side {
    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn end(&self) -> usize {
        self.offsets.last().map_or(0, |end| *end as usize)
    }

    fn rows(&self) -> Rows<'_, f64> {
        let weights = Weights::new(&self.values[..self.end()], self.valid.bits());
        let extents = Extents::Offsets { offsets: Offsets::Large(&self.offsets), start: 0 };
        Rows { weights, layout: ListLayout { extents, valid: self.valid_rows.bits() } }
    }

    /// Weights of the last row.
    fn last(&self) -> &[f64] {
        &self.values[self.offsets[self.len() - 1] as usize..self.end()]
    }

    /// Drops all rows; but keeps the last one, as the first, if it is that of this row of the input.
    fn restart(&mut self, next: usize) {
        let kept =
            if self.source == Some(next) && self.valid.bits().is_none() && self.valid_rows.bits().is_none() {
                let (begin, end) = (self.offsets[self.len() - 1] as usize, self.end());
                self.values.copy_within(begin..end, 0);
                Some(end - begin)
            } else {
                self.source = None;
                None
            };
        self.offsets.clear();
        self.offsets.push(0);
        self.offsets.extend(kept.map(|len| len as i64));
        self.valid.clear();
        self.valid_rows.clear();
    }

    /// Makes the rows readable.
    fn finish(&mut self) {
        self.valid.finish(self.end());
        self.valid_rows.finish(self.len());
    }

    /// Adds a row of the input, or finds it as the last row.
    #[inline(always)]
    fn push<A: Arithmetic, T: Weight>(&mut self, row: Option<Weights<T>>, source: usize) {
        if self.source == Some(source) {
            return;
        }
        match row {
            None => {
                self.append::<A, T>(&[]);
                self.valid_rows.unset(self.len() - 1);
            }
            Some(row) => match row.no_nulls() {
                Some(values) => self.append::<A, T>(values),
                None => self.push_kept::<A, T>(row, row),
            },
        }
        self.source = Some(source);
    }

    /// Adds a row, of which the mask keeps some elements. The others are missing.
    fn push_kept<A: Arithmetic, T: Weight>(&mut self, row: Weights<T>, mask: impl Mask) {
        let mut logits = std::mem::take(&mut self.logits);
        logits.clear();
        logits.extend((0..row.len()).map(|at| match row.get(at) {
            Some(logit) if mask.keeps(at) => logit,
            _ => f64::NAN,
        }));
        self.append::<A, f64>(&logits);
        self.logits = logits;
        let begin = self.end() - row.len();
        for at in (0..row.len()).filter(|at| row.get(*at).is_none()) {
            self.valid.unset(begin + at);
        }
        self.source = None;
    }

    /// Adds the weights of these logits.
    #[inline(always)]
    fn append<A: Arithmetic, T: Weight>(&mut self, logits: &[T]) {
        let begin = self.end();
        let room = begin + logits.len() + LANES;
        if self.values.len() < room {
            self.values.resize(room, 0.0);
        }
        let out = &mut self.values[begin..room];
        let max = largest(logits);
        let (whole, rest) = logits.as_chunks::<LANES>();
        let mut some_below = false;
        if max.is_finite() {
            for (i, logits) in whole.iter().enumerate() {
                let logits = lanes!(k => logits[k].to_f64());
                let block = weights_of::<A>(&logits, max, &mut some_below);
                out[i * LANES..(i + 1) * LANES].copy_from_slice(&block);
            }
            let block = weights_of::<A>(&last_block(rest), max, &mut some_below);
            out[whole.len() * LANES..(whole.len() + 1) * LANES].copy_from_slice(&block);
        } else {
            out.iter_mut().zip(logits).for_each(|(out, logit)| *out = of_infinities(logit.to_f64(), max));
        }
        self.far_below = some_below.then_some(max);
        self.offsets.push((begin + logits.len()) as i64);
    }
}

/// Rest of a row, filled up with what weighs nothing.
#[inline(always)]
fn last_block<T: Weight>(rest: &[T]) -> [f64; LANES] {
    let mut block = [f64::NEG_INFINITY; LANES];
    block.iter_mut().zip(rest).for_each(|(slot, logit)| *slot = logit.to_f64());
    block
}

/// Largest logit, −∞ if there is none. NaN counts for nothing.
#[inline(always)]
fn largest<T: Weight>(logits: &[T]) -> f64 {
    let (whole, rest) = logits.as_chunks::<LANES>();
    let mut max: Block = last_block(rest);
    for max in &mut max {
        *max = if max.is_nan() { f64::NEG_INFINITY } else { *max };
    }
    for logits in whole {
        for k in 0..LANES {
            let logit = logits[k].to_f64();
            max[k] = if logit > max[k] { logit } else { max[k] };
        }
    }
    OneRow::max(OneRow::optimisation_barrier(max))[0]
}

/// Weights of logits beside a finite largest one; takes note of finite ones below the floor.
#[inline(always)]
fn weights_of<A: Arithmetic>(logits: &Block, max: f64, some_below: &mut bool) -> Block {
    let mut difference = Block::default();
    let mut weights = Block::default();
    for k in 0..LANES {
        let rounded;
        (difference[k], rounded) = two_sum(logits[k], -max);
        weights[k] = exp_scaled::<A>(difference[k], rounded);
    }
    // Rarely otherwise, and false for NaN.
    if !all(lanes!(k => difference[k] > EXP_FLOOR)) {
        *some_below |= floored(logits, max, &mut weights);
    }
    weights
}

/// Mends the weights of logits that are at the floor or below it, or are missing. Whether some of them is finite.
#[cold]
#[inline(never)]
fn floored(logits: &Block, max: f64, weights: &mut Block) -> bool {
    let mut some_below = false;
    for (logit, weight) in logits.iter().zip(weights) {
        if logit.is_nan() {
            *weight = f64::NAN;
        } else if *logit == f64::NEG_INFINITY {
            *weight = 0.0;
        } else if logit - max <= EXP_FLOOR {
            *weight = exp_scaled::<Base>(EXP_FLOOR, 0.0);
            some_below = true;
        }
    }
    some_below
}

/// Weight of a logit in a row whose largest is ∞, or is −∞.
fn of_infinities(logit: f64, max: f64) -> f64 {
    match logit {
        f64::INFINITY => f64::INFINITY,
        logit if logit.is_nan() => f64::NAN,
        // ∞ decides, whatever stands beside it.
        _ if max > 0.0 => 1.0,
        _ => 0.0,
    }
}

/// Fills a batch with the rows from `done` on.
struct Fill<'a, 'b, Q, T> {
    p: &'a Rows<'b, T>,
    q: Option<&'a Rows<'b, T>>,
    pairs: RowPairs<'a>,
    done: usize,
    policy: NanPolicy,
    batch: &'a mut Batch,
    quantity: PhantomData<Q>,
}

impl<Q: Quantity, T: Weight> Loop for Fill<'_, '_, Q, T> {
    type Out = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Batch { p: p_side, q: q_side, pairs, beyond } = self.batch;
        let (i, j) = self.pairs.get(self.done);
        p_side.restart(i);
        q_side.restart(j);
        pairs.clear();
        beyond.clear();
        for row in self.done..self.pairs.len() {
            // Eight short rows go through the kernels together.
            if pairs.len().is_multiple_of(LANES) && p_side.end().max(q_side.end()) >= ELEMENTS {
                break;
            }
            // Long ones don't, and would grow the batch.
            if p_side.end().max(q_side.end()) >= 2 * ELEMENTS {
                break;
            }
            let (i, j) = self.pairs.get(row);
            let p = self.p.row(i);
            let Some(q_rows) = self.q else {
                p_side.push::<A, T>(p, i);
                pairs.push((p_side.len() - 1, p_side.len() - 1));
                continue;
            };
            let q = q_rows.row(j);
            let both = p.zip(q).filter(|(p, q)| p.len() == q.len());
            match both
                .filter(|(p, q)| self.policy == NanPolicy::Omit && (some_missing(*p) || some_missing(*q)))
            {
                Some((p, q)) => {
                    // The largest logit has to be one that stays.
                    p_side.push_kept::<A, T>(p, (p, q));
                    q_side.push_kept::<A, T>(q, (p, q));
                }
                None => {
                    p_side.push::<A, T>(p, i);
                    q_side.push::<A, T>(q, j);
                }
            }
            if let (Some((_, q)), Some(max), Some(_)) = (both, q_side.far_below, Q::ANSWERS.q_zero) {
                beyond.push((pairs.len(), beyond_floor(p_side.last(), q_side.last(), q, max)));
            }
            pairs.push((p_side.len() - 1, q_side.len() - 1));
        }
        p_side.finish();
        q_side.finish();
    }
}

fn some_missing<T: Weight>(row: Weights<T>) -> bool {
    row.no_nulls().is_none_or(|values| {
        // Without a branch, which becomes vector code.
        values.iter().fold(false, |some, x| some | x.is_missing())
    })
}

/// Part of a divergence that the floor cuts off: for each logit of q below it, p's share times the distance.
fn beyond_floor<T: Weight>(p: &[f64], of_q: &[f64], q: Weights<T>, max: f64) -> f64 {
    let there = || (0..p.len()).filter(|at| !p[*at].is_nan() && !of_q[*at].is_nan());
    let mut total = Carried::default();
    there().for_each(|at| total.add(p[at]));
    let total = total.total();
    if !(total > 0.0 && total.is_finite()) {
        // A rule decides.
        return 0.0;
    }
    let floor = exp_scaled::<Base>(EXP_FLOOR, 0.0);
    let mut beyond = Carried::default();
    for at in there() {
        let logit = q.get(at).unwrap_or(f64::NEG_INFINITY);
        let below = max - logit + EXP_FLOOR;
        // A p at its floor is 0 to all that matters.
        if logit > f64::NEG_INFINITY && below > 0.0 && p[at] > floor {
            beyond.add(p[at] / total * below);
        }
    }
    beyond.total()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::quantities::{CrossEntropy, Entropy, JsDiv, KlDiv};
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
        let mut some_below = false;
        let [weight, ..] = weights_of::<Base>(&[z; LANES], max, &mut some_below);
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
    fn at_the_floor_nothing_jumps() {
        let at = |below: f64| of_pair::<KlDiv>(&[0.0, 0.0], &[0.0, EXP_FLOOR - below]);
        for below in [-1.0, -0.5, 0.5, 1.0] {
            assert!((at(below) - at(0.0) - 0.5 * below).abs() < 1e-12);
        }
    }

    #[test]
    fn batches_and_neighbours_change_nothing() {
        let mut next = uniform(3);
        let lens: Vec<usize> = (0..900).map(|row| [row % 9, 10, 100, 700, 9000][(row * 7) % 5]).collect();
        let mut offsets = vec![0];
        lens.iter().for_each(|len| offsets.push(offsets[offsets.len() - 1] + *len as i64));
        let count = offsets[offsets.len() - 1] as usize;
        let mut logits = |_: &str| -> Vec<f64> { (0..count).map(|_| 40.0 * next() - 20.0).collect() };
        let (p, mut q) = (logits("p"), logits("q"));
        q.iter_mut().step_by(997).for_each(|q| *q = -1e9);
        let bits: Vec<u8> =
            (0..count.div_ceil(8)).map(|i| if i % 200 == 0 { 0b1011_1111 } else { u8::MAX }).collect();
        let extents = Extents::Offsets { offsets: Offsets::Large(&offsets), start: 0 };
        let nulls = Some(Bits::new(&bits, 0));
        for (policy, nulls) in
            [(NanPolicy::Propagate, None), (NanPolicy::Omit, nulls), (NanPolicy::Propagate, nulls)]
        {
            let (p, q) = (rows_of(&p, nulls, extents), rows_of(&q, None, extents));
            let mut all = Values::default();
            let pairs = RowPairs::same(lens.len());
            values::<KlDiv, f64>(&p, Some(&q), pairs, policy, Unit::new(None), &mut all).unwrap();
            assert_eq!(all.len(), lens.len());
            for i in 0..lens.len() {
                let mut alone = Values::default();
                let pair = [(i, i)];
                values::<KlDiv, f64>(
                    &p,
                    Some(&q),
                    RowPairs::Listed(&pair),
                    policy,
                    Unit::new(None),
                    &mut alone,
                )
                .unwrap();
                assert_eq!(alone.get(0), all.get(i), "row {i}");
            }
            // One row of q for many of p.
            let fixed: Vec<(usize, usize)> =
                (0..lens.len()).filter(|i| lens[*i] == 700).map(|i| (i, 3)).collect();
            let fixed: Vec<(usize, usize)> = fixed
                .into_iter()
                .map(|(i, _)| (i, lens.iter().position(|len| *len == 700).unwrap()))
                .collect();
            let mut all = Values::default();
            values::<KlDiv, f64>(&p, Some(&q), RowPairs::Listed(&fixed), policy, Unit::new(None), &mut all)
                .unwrap();
            for (at, pair) in fixed.iter().enumerate() {
                let mut alone = Values::default();
                values::<KlDiv, f64>(
                    &p,
                    Some(&q),
                    RowPairs::Listed(&[*pair]),
                    policy,
                    Unit::new(None),
                    &mut alone,
                )
                .unwrap();
                assert_eq!(alone.get(0), all.get(at), "{pair:?}");
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
