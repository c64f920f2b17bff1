//! Driver of rows: many distributions at a time, one by one or in pairs, of any quantity.

use std::marker::PhantomData;
use std::ops::Range;

use super::blocks::{EightRows, FastPath, LANES, OneRow, any, lanes};
use super::broadcast::RowPairs;
use super::layout::{Error, ListLayout};
use super::options::{NanPolicy, Unit};
use super::quantity::Quantity;
use super::rules::{Missing, judge};
use super::simd::{Arithmetic, IsaOps, Loop, vectorised};
use super::values::Values;
use super::weights::{Lens, Mask, SHORT, Tile, Weight, Weights};

/// Rows of weights, some of which may be null as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// The weights of all rows.
    pub weights: Weights<'a, T>,
    /// Layout of the rows.
    pub layout: ListLayout<'a>,
}

impl<'a, T: Weight> Rows<'a, T> {
    /// The weights of row `i`, `None` being null.
    pub fn row(&self, i: usize) -> Option<Weights<'a, T>> {
        self.layout.get(i).map(|range| self.weights.slice(range))
    }
}

/// Kind of the elements of rows: weights, or logits.
pub trait Kind {
    /// Memory that the rows of a call share.
    type Scratch: Default;

    /// The longest row that is short, which goes together with seven others.
    fn short<Q: Quantity, T: Weight>() -> usize;

    /// Padding behind the end of a row and in place of a dropped element: it adds nothing to any sum.
    fn nothing<T: Weight>() -> T;

    /// Values of eight short rows, padded.
    fn of_eight<Q: Quantity, A: Arithmetic, T: Weight>(
        p: &Tile<T>,
        q: &Tile<T>,
        scratch: &mut Self::Scratch,
    ) -> FastPath;

    /// Value of a row of any length.
    fn of_one<Q: Quantity, A: Arithmetic, T: Weight>(
        pair: Pair<T>,
        policy: NanPolicy,
        scratch: &mut Self::Scratch,
    ) -> Result<Option<f64>, Missing>;

    /// Value of a short row in which something is out of the ordinary.
    #[inline(always)]
    fn slowly<Q: Quantity, A: Arithmetic, T: Weight>(
        pair: Pair<T>,
        policy: NanPolicy,
        scratch: &mut Self::Scratch,
    ) -> Result<Option<f64>, Missing> {
        Self::of_one::<Q, A, T>(pair, policy, scratch)
    }
}

/// A row of p and one of q, which are as long. A sole p is its own q.
#[derive(Clone, Copy)]
pub struct Pair<'a, T> {
    /// Elements of the row of p.
    pub p: Weights<'a, T>,
    /// Elements of the row of q.
    pub q: Weights<'a, T>,
    /// Numbers of the two rows.
    pub rows: (usize, usize),
}

/// Rows of weights.
struct OfWeights;

impl Kind for OfWeights {
    type Scratch = ();

    #[inline(always)]
    fn short<Q: Quantity, T: Weight>() -> usize {
        if T::SINGLE && !Q::EIGHT_IN_SINGLE { SHORT / 2 } else { SHORT }
    }

    #[inline(always)]
    fn nothing<T: Weight>() -> T {
        T::default()
    }

    #[inline(always)]
    fn of_eight<Q: Quantity, A: Arithmetic, T: Weight>(p: &Tile<T>, q: &Tile<T>, _: &mut ()) -> FastPath {
        Q::of_blocks::<A, EightRows>(p, q)
    }

    #[inline(always)]
    fn of_one<Q: Quantity, A: Arithmetic, T: Weight>(
        Pair { p, q, .. }: Pair<T>,
        policy: NanPolicy,
        _: &mut (),
    ) -> Result<Option<f64>, Missing> {
        A::Isa::call_outlined::<A, _>(OfOne::<Q, T>::new(p, q, policy))
    }

    #[inline(always)]
    fn slowly<Q: Quantity, A: Arithmetic, T: Weight>(
        Pair { p, q, .. }: Pair<T>,
        policy: NanPolicy,
        _: &mut (),
    ) -> Result<Option<f64>, Missing> {
        A::Isa::call_outlined::<A, _>(SlowPath::<Q, T> { p, q, policy, quantity: PhantomData })
    }
}

/// Adds the values of rows of p, or of pairs of rows of p and q.
pub fn values<Q: Quantity, T: Weight>(
    p: &Rows<T>,
    q: Option<&Rows<T>>,
    pairs: RowPairs,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    values_of::<OfWeights, Q, T>(p, q, pairs, policy, unit, out)
}

/// Adds the values of rows that hold something of this kind.
pub fn values_of<K: Kind, Q: Quantity, T: Weight>(
    p: &Rows<T>,
    q: Option<&Rows<T>>,
    pairs: RowPairs,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    debug_assert_eq!(q.is_some(), Q::PAIR, "{}", Q::NAME);
    let inputs = Inputs::<K, Q, T> { p, q: q.unwrap_or(p), policy, kind: PhantomData };
    let (tiles, scratch) = Default::default();
    vectorised(EachRow { inputs, tiles, scratch, pairs, unit, out })
}

/// Value of one distribution, `None` being null.
pub fn value<Q: Quantity, T: Weight>(
    p: Weights<T>,
    q: Option<Weights<T>>,
    policy: NanPolicy,
) -> Result<Option<f64>, Missing> {
    debug_assert_eq!(q.is_some(), Q::PAIR, "{}", Q::NAME);
    vectorised(OfOne::<Q, T>::new(p, q.unwrap_or(p), policy))
}

/// Value of one row of weights, of any length.
pub struct OfOne<'a, Q, T> {
    p: Weights<'a, T>,
    q: Weights<'a, T>,
    policy: NanPolicy,
    quantity: PhantomData<Q>,
}

impl<'a, Q, T> OfOne<'a, Q, T> {
    /// Of these weights. A sole p is its own q.
    pub fn new(p: Weights<'a, T>, q: Weights<'a, T>, policy: NanPolicy) -> Self {
        OfOne { p, q, policy, quantity: PhantomData }
    }
}

impl<Q: Quantity, T: Weight> Loop for OfOne<'_, Q, T> {
    type Out = Result<Option<f64>, Missing>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Self::Out {
        let OfOne { p, q, policy, .. } = self;
        debug_assert_eq!(p.len(), q.len());
        let mut fast = None;
        if Q::PAIR {
            if let (Some(p), Some(q)) = (p.dense(), q.dense()) {
                fast = Q::of_blocks::<A, OneRow>(&p, &q).get(0);
            }
        } else if let Some(p) = p.dense() {
            fast = Q::of_blocks::<A, OneRow>(&p, &p).get(0);
        }
        if fast.is_none() && policy == NanPolicy::Omit {
            fast = if Q::PAIR {
                Q::of_blocks::<A, OneRow>(&p.masked((p, q), 1.0), &q.masked((p, q), 1.0)).get(0)
            } else {
                Q::of_blocks::<A, OneRow>(&p.masked(p, 1.0), &p.masked(p, 1.0)).get(0)
            };
        }
        if fast.is_some() {
            return Ok(fast);
        }
        A::Isa::call_outlined::<A, _>(SlowPath::<Q, T> { p, q, policy, quantity: PhantomData })
    }
}

/// Way of everything out of the ordinary: missing, infinite or negative weights, no mass, q = 0 < p, totals and shares at the
/// ends of the range.
struct SlowPath<'a, Q, T> {
    p: Weights<'a, T>,
    q: Weights<'a, T>,
    policy: NanPolicy,
    quantity: PhantomData<Q>,
}

impl<Q: Quantity, T: Weight> Loop for SlowPath<'_, Q, T> {
    type Out = Result<Option<f64>, Missing>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Self::Out {
        let (p, q) = (self.p, self.q);
        let rank = judge(p, Q::PAIR.then_some(q), self.policy)?;
        let keeps = |at: usize| p.keeps(at) && q.keeps(at);
        let q_has_mass = || (0..q.len()).any(|at| keeps(at) && q.get(at) > Some(0.0));
        Ok(rank.settle(Q::ANSWERS, q_has_mass, || Q::carefully::<A::Anywhere, T>(p, q)))
    }
}

/// The rows of the inputs. A sole p is its own q.
struct Inputs<'a, K, Q, T> {
    p: &'a Rows<'a, T>,
    q: &'a Rows<'a, T>,
    policy: NanPolicy,
    kind: PhantomData<(K, Q)>,
}

/// Place of a row: where it begins in the buffers of p and q, and its length. `Ok(None)` if the row is null, `Err` with the two
/// lengths if they differ.
type RowRange = Result<Option<((usize, usize), usize)>, (usize, usize)>;

impl<K: Kind, Q: Quantity, T: Weight> Inputs<'_, K, Q, T> {
    /// Place of row i of p, and row j of q.
    #[inline(always)]
    fn range(&self, i: usize, j: usize) -> RowRange {
        if !Q::PAIR {
            return Ok(self.p.layout.get(i).map(|range| ((range.start, range.start), range.len())));
        }
        match (self.p.layout.get(i), self.q.layout.get(j)) {
            (Some(p), Some(q)) if p.len() != q.len() => Err((p.len(), q.len())),
            (Some(p), Some(q)) => Ok(Some(((p.start, q.start), p.len()))),
            _ => Ok(None),
        }
    }

    /// Rows of p and q, from where they begin, and their length.
    #[inline(always)]
    fn pair(&self, (p, q): (usize, usize), len: usize, rows: (usize, usize)) -> Pair<'_, T> {
        let of_p = self.p.weights.slice(p..p + len);
        Pair { p: of_p, q: if Q::PAIR { self.q.weights.slice(q..q + len) } else { of_p }, rows }
    }

    /// Places of eight rows from this one on, if they are short, of like length, and none is null.
    #[inline(always)]
    fn places(&self, pairs: RowPairs, row: usize) -> Option<Places> {
        let (p, q) = pairs.sequences(row, LANES)?;
        let of_p = self.p.layout.eight(p)?;
        let of_q = if Q::PAIR { self.q.layout.eight(q)? } else { of_p };
        let lens = Lens::of(of_p.lens);
        let (shortest, longest) = lens.extremes();
        let fit = longest <= K::short::<Q, T>() && longest - shortest < LANES;
        let differ = Q::PAIR && any(lanes!(k => of_p.lens[k] != of_q.lens[k]));
        (fit && !differ).then_some(Places { p: of_p.starts, q: of_q.starts, lens })
    }

    /// Values of eight short rows.
    #[inline(always)]
    fn eight_rows<A: Arithmetic>(
        &self,
        [p, q]: &mut [Tile<T>; 2],
        scratch: &mut K::Scratch,
        places: &Places,
    ) -> FastPath {
        let nothing = K::nothing();
        p.fill::<A>(self.p.weights, &places.p, &places.lens, nothing);
        if !Q::PAIR {
            if self.policy == NanPolicy::Omit {
                p.omit(nothing);
            }
            return K::of_eight::<Q, A, T>(p, p, scratch);
        }
        q.fill::<A>(self.q.weights, &places.q, &places.lens, nothing);
        if self.policy == NanPolicy::Omit {
            p.omit_pairs(q, nothing);
        }
        K::of_eight::<Q, A, T>(p, q, scratch)
    }
}

/// Places of eight short rows: their begin in the buffers of p and q, and their lengths.
#[derive(Clone, Copy, Default)]
struct Places {
    p: [usize; LANES],
    q: [usize; LANES],
    lens: Lens,
}

impl Places {
    #[inline(always)]
    fn put(&mut self, k: usize, (p, q): (usize, usize), len: usize) {
        (self.p[k], self.q[k]) = (p, q);
        self.lens.put(k, len);
    }
}

/// Short rows that wait for others of like length.
#[derive(Clone, Copy, Default)]
struct Queue {
    places: Places,
    /// Row of each.
    rows: [usize; LANES],
    count: usize,
}

/// Lengths that round up to the same multiple of eight queue together, so that little is filled up with nothing.
const QUEUES: usize = SHORT / LANES + 1;

#[inline(always)]
fn queue_for(len: usize) -> usize {
    len.div_ceil(LANES)
}

/// Adds the values of rows.
///
/// Short rows go eight together: those that follow each other and are of like length at once, others through queues. Which eight
/// rows and in which order does not matter to any of them.
struct EachRow<'a, K: Kind, Q, T> {
    inputs: Inputs<'a, K, Q, T>,
    tiles: [Tile<T>; 2],
    scratch: K::Scratch,
    pairs: RowPairs<'a>,
    unit: Unit,
    out: &'a mut Values,
}

impl<K: Kind, Q: Quantity, T: Weight> Loop for EachRow<'_, K, Q, T> {
    type Out = Result<(), Error>;

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) -> Result<(), Error> {
        let (first, count) = (self.out.len(), self.pairs.len());
        let mut queues = [Queue::default(); QUEUES];
        let mut failure: Option<Error> = None;
        self.out.push_zeros(count);
        for start in (0..count).step_by(LANES) {
            failure = match self.inputs.places(self.pairs, start) {
                Some(places) => self.eight::<A>(&places, start, first),
                None => self.one_by_one::<A>(start..count.min(start + LANES), &mut queues, first),
            };
            if failure.is_some() {
                break;
            }
        }
        for queue in &mut queues {
            // The error of the first row counts, and that one may still be waiting.
            failure = match (self.flush::<A>(queue, first), failure) {
                (Some(a), Some(b)) => Some(if a.row() < b.row() { a } else { b }),
                (a, b) => a.or(b),
            };
        }
        failure.map_or(Ok(()), Err)
    }
}

/// Values of eight rows.
struct OfEight<'a, 'b, K: Kind, Q, T> {
    inputs: &'a Inputs<'b, K, Q, T>,
    tiles: &'a mut [Tile<T>; 2],
    scratch: &'a mut K::Scratch,
    places: &'a Places,
}

impl<K: Kind, Q: Quantity, T: Weight> Loop for OfEight<'_, '_, K, Q, T> {
    type Out = FastPath;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> FastPath {
        self.inputs.eight_rows::<A>(self.tiles, self.scratch, self.places)
    }
}

impl<K: Kind, Q: Quantity, T: Weight> EachRow<'_, K, Q, T> {
    /// Values of eight rows that follow each other; tells the error of the first of them that has one.
    #[inline(always)]
    fn eight<A: Arithmetic>(&mut self, places: &Places, start: usize, first: usize) -> Option<Error> {
        let (inputs, tiles, scratch) = (&self.inputs, &mut self.tiles, &mut self.scratch);
        let fast = A::Isa::call_outlined::<A, _>(OfEight { inputs, tiles, scratch, places });
        if fast.is_valid::<EightRows>() {
            self.out.put_eight(first + start, self.unit.express_block(fast.value));
            return None;
        }
        self.settle::<A>(places, &fast, &lanes!(k => start + k), first)
    }

    /// Values of rows, the short ones of which wait in queues; tells the error of the first that has one, of those that don't wait.
    #[inline(always)]
    fn one_by_one<A: Arithmetic>(
        &mut self,
        rows: Range<usize>,
        queues: &mut [Queue; QUEUES],
        first: usize,
    ) -> Option<Error> {
        for row in rows {
            let (i, j) = self.pairs.get(row);
            let failure = match self.inputs.range(i, j) {
                Ok(Some((start, len))) if len <= K::short::<Q, T>() => {
                    let queue = &mut queues[queue_for(len)];
                    let k = queue.count % LANES;
                    queue.places.put(k, start, len);
                    queue.rows[k] = row;
                    queue.count += 1;
                    if queue.count == LANES { self.flush::<A>(queue, first) } else { None }
                }
                Ok(Some((start, len))) => {
                    let pair = self.inputs.pair(start, len, (i, j));
                    match K::of_one::<Q, A, T>(pair, self.inputs.policy, &mut self.scratch) {
                        Ok(value) => {
                            self.out.set(first + row, value, self.unit);
                            None
                        }
                        Err(missing) => Some(Error::Missing { row, missing }),
                    }
                }
                Ok(None) => {
                    self.out.set(first + row, None, self.unit);
                    None
                }
                Err((p, q)) => Some(Error::Lengths { row, p, q }),
            };
            if failure.is_some() {
                return failure;
            }
        }
        None
    }

    /// Empties a queue; tells the error of the first of its rows that has one.
    #[inline(always)]
    fn flush<A: Arithmetic>(&mut self, queue: &mut Queue, first: usize) -> Option<Error> {
        let (places, count) = (&mut queue.places, queue.count);
        if count == 0 {
            return None;
        }
        for k in count..LANES {
            // Lanes that are not in use repeat a row.
            places.put(k, (places.p[0], places.q[0]), places.lens.get(0));
        }
        let (inputs, tiles, scratch) = (&self.inputs, &mut self.tiles, &mut self.scratch);
        let fast = A::Isa::call_outlined::<A, _>(OfEight { inputs, tiles, scratch, places });
        let failure = self.settle::<A>(places, &fast, &queue.rows[..count], first);
        (queue.count, queue.places.lens) = (0, Lens::default());
        failure
    }

    /// Sets the values of some of eight rows, by the slow path where they are not valid; tells the error of the first that has one.
    #[inline(always)]
    fn settle<A: Arithmetic>(
        &mut self,
        places: &Places,
        fast: &FastPath,
        rows: &[usize],
        first: usize,
    ) -> Option<Error> {
        let value = self.unit.express_block(fast.value);
        for (k, &row) in rows.iter().enumerate() {
            if !fast.value[k].is_nan() {
                self.out.put(first + row, value[k]);
                continue;
            }
            let start = (places.p[k], places.q[k]);
            let pair = self.inputs.pair(start, places.lens.get(k), self.pairs.get(row));
            match K::slowly::<Q, A, T>(pair, self.inputs.policy, &mut self.scratch) {
                Ok(value) => self.out.set(first + row, value, self.unit),
                Err(missing) => return Some(Error::Missing { row, missing }),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::broadcast::Broadcast;
    use crate::kernel::layout::{Extents, Offsets};
    use crate::kernel::quantities::{Entropy, KlDiv};
    use crate::kernel::rules::Side;
    use crate::kernel::tests::uniform;
    use crate::kernel::weights::Bits;

    /// Three rows, [1, 1], null with junk behind it, [2, null, 2], in the middle of a longer buffer.
    fn ragged<'a>(values: &'a [f64], element_bits: &'a [u8], row_bits: &'a [u8]) -> Rows<'a, f64> {
        Rows {
            weights: Weights::new(values, Some(Bits::new(element_bits, 3))),
            layout: ListLayout {
                extents: Extents::Offsets { offsets: Offsets::Large(&[5, 7, 8, 11]), start: 4 },
                valid: Some(Bits::new(row_bits, 1)),
            },
        }
    }

    const VALUES: [f64; 7] = [f64::NAN, 1.0, 1.0, f64::NAN, 2.0, f64::NAN, 2.0];
    /// Validity from bit 3 on: all but the element before the last.
    const ELEMENTS: [u8; 2] = [!0, !1];
    /// Validity from bit 1 on: valid, null, valid.
    const ROWS: [u8; 1] = [0b1010];

    fn entropies(x: &Rows<f64>, rows: usize, policy: NanPolicy) -> Result<Values, Error> {
        let mut out = Values::default();
        values::<Entropy, _>(x, None, RowPairs::same(rows), policy, Unit::new(None), &mut out).map(|()| out)
    }

    fn divergences(p: &Rows<f64>, q: &Rows<f64>, pairs: &[(usize, usize)]) -> Result<Values, Error> {
        let mut out = Values::default();
        values::<KlDiv, _>(p, Some(q), RowPairs::Listed(pairs), NanPolicy::Raise, Unit::new(None), &mut out)
            .map(|()| out)
    }

    #[test]
    fn null_rows_and_null_elements_follow_the_policy() {
        let x = ragged(&VALUES, &ELEMENTS, &ROWS);
        let ln_2 = std::f64::consts::LN_2;
        for (policy, last) in [(NanPolicy::Propagate, 0.0), (NanPolicy::Omit, ln_2)] {
            let (values, valid) = entropies(&x, 3, policy).unwrap().into_parts();
            assert_eq!(values, [ln_2, 0.0, last]);
            let nulls = if policy == NanPolicy::Propagate { 0b110 } else { 0b010 };
            assert_eq!(valid.unwrap()[0] | !0b111, !nulls);
        }
        let missing = Missing { side: Side::P, at: 1 };
        let error = entropies(&x, 3, NanPolicy::Raise).unwrap_err();
        assert_eq!(error, Error::Missing { row: 2, missing });
    }

    #[test]
    fn junk_behind_a_null_row_is_never_looked_at() {
        let x = ragged(&VALUES, &ELEMENTS, &ROWS);
        assert!(entropies(&x, 2, NanPolicy::Raise).is_ok());
        // Lengths are not compared either: p's row is null, q's has another length.
        assert!(divergences(&x, &x, &[(1, 0)]).is_ok());
    }

    #[test]
    fn one_row_stands_for_many_and_lengths_are_compared() {
        let p = Rows {
            weights: Weights::new(&[1.0, 1.0, 1.0, 3.0], None),
            layout: ListLayout { extents: Extents::Width { width: 2, rows: 2 }, valid: None },
        };
        let q = Rows {
            weights: Weights::new(&[1.0, 1.0], None),
            layout: ListLayout { extents: Extents::Width { width: 2, rows: 1 }, valid: None },
        };
        let (values, valid) = divergences(&p, &q, &[(0, 0), (1, 0)]).unwrap().into_parts();
        assert_eq!(values[0], 0.0);
        assert!((values[1] - (2f64.ln() - 4f64.ln() + 0.75 * 3f64.ln())).abs() < 1e-15);
        assert_eq!(valid, None);

        let extents = Extents::Width { width: 4, rows: 1 };
        let long = Rows { layout: ListLayout { extents, valid: None }, ..p };
        let error = divergences(&q, &long, &[(0, 0)]).unwrap_err();
        assert_eq!(error, Error::Lengths { row: 0, p: 2, q: 4 });
    }

    /// Rows of all lengths that queues and blocks tell apart, of all kinds: plain, with a dominant weight, with zeros, with
    /// NaN, negative, huge.
    fn mixed() -> (Vec<f64>, Vec<f64>, Vec<i64>, Vec<u8>) {
        let mut next = uniform(1);
        let (mut p, mut q, mut offsets) = (vec![], vec![], vec![0]);
        for row in 0..600 {
            // Every other sixteen rows are of like length, so that they need no queue.
            let len =
                if row / 16 % 2 == 0 { 10 + row % 3 } else { [row % 10, row % 67, row % 130, 200][row % 4] };
            for i in 0..len {
                let x = next();
                p.push(match (row % 11, i) {
                    (1, 0) => 1e3,
                    (2, 1) => f64::NAN,
                    (3, 2) => -1.0,
                    (4, _) => 1e307 * x,
                    (5, _) if i % 3 == 0 => 0.0,
                    _ => x,
                });
                q.push(if row % 5 == 0 { p[p.len() - 1] * (1.0 + 1e-9 * next()) } else { next() });
            }
            offsets.push(p.len() as i64);
        }
        let bits = (0..p.len().div_ceil(8)).map(|i| if i % 9 == 0 { 0b1011_1111 } else { u8::MAX });
        (p, q, offsets, bits.collect())
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        check_neighbours(|x| x);
        check_neighbours(|x| x as f32);
    }

    fn check_neighbours<T: Weight>(of: fn(f64) -> T) {
        let (p, q, offsets, bits) = mixed();
        let [p, q] = [p, q].map(|x| x.into_iter().map(of).collect::<Vec<_>>());
        let count = offsets.len() - 1;
        for policy in [NanPolicy::Propagate, NanPolicy::Omit] {
            let values_of = |offsets: &[i64]| {
                let rows = |x| Rows {
                    weights: Weights::new(x, Some(Bits::new(&bits, 0))),
                    layout: ListLayout {
                        extents: Extents::Offsets { offsets: Offsets::Large(offsets), start: 0 },
                        valid: None,
                    },
                };
                let (p, q): (Rows<T>, Rows<T>) = (rows(&p), rows(&q));
                let (mut h, mut d) = (Values::default(), Values::default());
                let all = RowPairs::same(offsets.len() - 1);
                values::<Entropy, _>(&p, None, all, policy, Unit::new(None), &mut h).unwrap();
                values::<KlDiv, _>(&p, Some(&q), all, policy, Unit::new(None), &mut d).unwrap();
                [h, d].map(|values| {
                    let (values, valid) = values.into_parts();
                    let valid = valid.unwrap_or(vec![u8::MAX; values.len().div_ceil(8)]);
                    let valid = Bits::new(&valid, 0);
                    let bits = |(i, x): (usize, f64)| valid.get(i).then_some(x.to_bits());
                    values.into_iter().enumerate().map(bits).collect::<Vec<_>>()
                })
            };
            let together = values_of(&offsets);
            for i in 0..count {
                let alone = values_of(&offsets[i..i + 2]);
                assert_eq!(
                    [&alone[0][0], &alone[1][0]],
                    [&together[0][i], &together[1][i]],
                    "row {i}, {policy:?}"
                );
            }
        }
    }

    #[test]
    fn eight_rows_that_follow_each_other_are_told_from_others() {
        let mut next = uniform(3);
        let values_of_all: Vec<f64> = (0..400).map(|_| next()).collect();
        let weights = Weights::new(&values_of_all, None);
        let layout = |width, rows| ListLayout { extents: Extents::Width { width, rows }, valid: None };
        let valid = Some(Bits::new(&[!0, 0b1111_0111, !0, !0], 0));
        let p = Rows { weights, layout: ListLayout { valid, ..layout(10, 32) } };
        let one = Rows { weights: weights.slice(330..340), layout: layout(10, 1) };
        let few = Rows { weights: weights.slice(330..370), layout: layout(10, 4) };
        for (q, pairs) in [
            (&p, RowPairs::same(32)),
            (&one, RowPairs::All(Broadcast::new(32, 1).unwrap())),
            (&few, RowPairs::All(Broadcast::new(8, 1).unwrap().times(4))),
        ] {
            let base = Unit::new(Some(2.0));
            let mut together = Values::default();
            values::<KlDiv, _>(&p, Some(q), pairs, NanPolicy::Propagate, base, &mut together).unwrap();
            for row in 0..32 {
                let mut alone = Values::default();
                let pair = [pairs.get(row)];
                let pair = RowPairs::Listed(&pair);
                values::<KlDiv, _>(&p, Some(q), pair, NanPolicy::Propagate, base, &mut alone).unwrap();
                assert_eq!(together.get(row), alone.get(0), "{row}");
                assert_eq!(together.get(row).is_none(), row == 11);
            }
        }
    }

    #[test]
    fn the_first_error_is_reported_whichever_queue_its_row_is_in() {
        let mut values = vec![1.0; 500];
        // Row 1 is short and waits; row 2 is long and is looked at at once.
        (values[5], values[300]) = (f64::NAN, f64::NAN);
        let x = Rows {
            weights: Weights::new(&values, None),
            layout: ListLayout {
                extents: Extents::Offsets { offsets: Offsets::Small(&[0, 4, 8, 500]), start: 0 },
                valid: None,
            },
        };
        let missing = Missing { side: Side::P, at: 1 };
        assert_eq!(entropies(&x, 3, NanPolicy::Raise).unwrap_err(), Error::Missing { row: 1, missing });
    }
}
