//! Many distributions at a time: rows of a flat buffer of weights, one by one or in pairs.

use super::blocks::{Across, Block, LANES, Plain, lanes};
use super::contract::{Missing, NanPolicy, Unit};
use super::levels::Level;
use super::math::{Arithmetic, Registers};
use super::simd::{Loop, vectorised};
use super::weights::{Lens, SHORT, Tile, Weight, Weights};
use super::{entropy, kl_div};

/// Rows of weights, some of which may be null as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// The weights of all rows.
    pub weights: Weights<'a, T>,
    /// Where the rows are.
    pub level: Level<'a>,
}

impl<'a, T: Weight> Rows<'a, T> {
    /// The weights of row `i`, `None` being null.
    pub fn row(&self, i: usize) -> Option<Weights<'a, T>> {
        self.level.get(i).map(|range| self.weights.slice(range))
    }
}

/// Why a row has no value. Rows are counted in the order in which they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Rule 3 under [`NanPolicy::Raise`].
    Missing {
        /// The row.
        row: usize,
        /// The input and the position within the row.
        missing: Missing,
    },
    /// Rule 2: p and q differ in length.
    Lengths {
        /// The row.
        row: usize,
        /// The length of p.
        p: usize,
        /// The length of q.
        q: usize,
    },
    /// There is no memory for what is below a row.
    Memory {
        /// The row.
        row: usize,
    },
}

/// A value per row, with Arrow's validity.
#[derive(Debug, Default)]
pub struct Values {
    values: Vec<f64>,
    /// Made at the first null.
    valid: Option<Vec<u8>>,
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Values { values, valid: None }
    }
}

impl Values {
    /// Room for this many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Values { values: Vec::with_capacity(rows), valid: None }
    }

    /// Adds a row, `None` being null.
    #[inline(always)]
    pub fn push(&mut self, value: Option<f64>) {
        let i = self.values.len();
        if value.is_none() && self.valid.is_none() {
            self.valid = Some(vec![u8::MAX; i.div_ceil(8)]);
        }
        if let Some(valid) = &mut self.valid {
            if i.is_multiple_of(8) {
                valid.push(u8::MAX);
            }
            if value.is_none() {
                valid[i / 8] &= !(1 << (i % 8));
            }
        }
        self.values.push(value.unwrap_or_default());
    }

    /// Replaces the value of row `i`.
    #[inline(always)]
    fn set(&mut self, i: usize, nats: Option<f64>, unit: Unit) {
        match nats {
            Some(nats) => self.values[i] = unit.express(nats),
            None => {
                let rows = self.values.len();
                let valid = self.valid.get_or_insert_with(|| vec![u8::MAX; rows.div_ceil(8)]);
                valid[i / 8] &= !(1 << (i % 8));
            }
        }
    }

    /// Adds rows with the value 0.
    fn push_zeros(&mut self, rows: usize) {
        self.values.resize(self.values.len() + rows, 0.0);
        if let Some(valid) = &mut self.valid {
            valid.resize(self.values.len().div_ceil(8), u8::MAX);
        }
    }

    /// Adds rows without a value.
    pub fn push_nulls(&mut self, rows: usize) {
        (0..rows).for_each(|_| self.push(None));
    }

    /// The values and, if there are nulls, the validity bits, least significant first.
    pub fn into_parts(self) -> (Vec<f64>, Option<Vec<u8>>) {
        (self.values, self.valid)
    }
}

/// Which rows of p, and of q if there are two inputs, make up the rows of the result.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// All in order. A side that has fewer rows than the result begins anew; a sole input is `p`.
    All {
        /// The number of rows of the result.
        rows: usize,
        /// That of p.
        p: usize,
        /// That of q.
        q: usize,
    },
    /// These; of a sole input, those named first.
    Listed(&'a [(usize, usize)]),
}

impl Which<'_> {
    /// All rows of p, and as many of q.
    pub fn all(rows: usize) -> Self {
        Which::All { rows, p: rows, q: rows }
    }

    pub(super) fn len(self) -> usize {
        match self {
            Which::All { rows, .. } => rows,
            Which::Listed(pairs) => pairs.len(),
        }
    }

    #[inline(always)]
    pub(super) fn get(self, row: usize) -> (usize, usize) {
        match self {
            Which::All { rows, p, q } => {
                (if p == rows { row } else { row % p }, if q == rows { row } else { row % q })
            }
            Which::Listed(pairs) => pairs[row],
        }
    }
}

/// Adds the entropy of rows.
pub fn entropy<T: Weight>(
    x: &Rows<T>,
    which: Which,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    let quantity = Entropies { x, tile: Tile::default() };
    vectorised(EachRow { quantity, which, policy, unit, out })
}

/// Adds the divergence of rows of p from rows of q.
pub fn kl_div<T: Weight>(
    p: &Rows<T>,
    q: &Rows<T>,
    which: Which,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    let quantity = Divergences { p, q, tile_p: Tile::default(), tile_q: Tile::default() };
    vectorised(EachRow { quantity, which, policy, unit, out })
}

/// Where a row begins in the buffer of p and in that of q, and its length. `None` is null, an error the lengths of p and q
/// that are not equal.
type Found = Result<Option<((usize, usize), usize)>, (usize, usize)>;

/// What a row has a value of.
trait Quantity {
    /// The longest row that is short.
    const SHORT: usize;
    /// Where row i of p, and row j of q, is.
    fn get(&self, i: usize, j: usize) -> Found;
    /// The values of eight short rows.
    fn of_short<A: Arithmetic>(&mut self, queue: &Queue, policy: NanPolicy) -> Plain;
    /// The value of a row of any length.
    fn of_row<A: Arithmetic>(
        &self,
        start: (usize, usize),
        len: usize,
        policy: NanPolicy,
    ) -> Result<Option<f64>, Missing>;
    /// The value of a row that is not plain.
    fn by_the_rules<A: Arithmetic>(
        &self,
        start: (usize, usize),
        len: usize,
        policy: NanPolicy,
    ) -> Result<Option<f64>, Missing>;
}

struct Entropies<'a, T> {
    x: &'a Rows<'a, T>,
    tile: Tile<T>,
}

impl<T: Weight> Quantity for Entropies<'_, T> {
    const SHORT: usize = SHORT;

    #[inline(always)]
    fn get(&self, i: usize, _: usize) -> Found {
        match self.x.level.get(i) {
            Some(range) => Ok(Some(((range.start, 0), range.len()))),
            None => Ok(None),
        }
    }

    #[inline(always)]
    fn of_short<A: Arithmetic>(&mut self, queue: &Queue, policy: NanPolicy) -> Plain {
        self.tile.fill::<A>(self.x.weights, &queue.p, &queue.lens);
        if policy == NanPolicy::Omit {
            self.tile.omit();
        }
        entropy::of_blocks::<A, Across, _>(&self.tile)
    }

    #[inline(always)]
    fn of_row<A: Arithmetic>(
        &self,
        (start, _): (usize, usize),
        len: usize,
        policy: NanPolicy,
    ) -> Result<Option<f64>, Missing> {
        entropy::row::<A, T>(self.x.weights.slice(start..start + len), policy)
    }

    #[inline(always)]
    fn by_the_rules<A: Arithmetic>(
        &self,
        (start, _): (usize, usize),
        len: usize,
        policy: NanPolicy,
    ) -> Result<Option<f64>, Missing> {
        entropy::by_the_rules::<A, T>(self.x.weights.slice(start..start + len), policy)
    }
}

struct Divergences<'a, T> {
    p: &'a Rows<'a, T>,
    q: &'a Rows<'a, T>,
    tile_p: Tile<T>,
    tile_q: Tile<T>,
}

impl<T: Weight> Quantity for Divergences<'_, T> {
    // In single precision, rows by themselves have a quicker way.
    const SHORT: usize = if T::SINGLE { SHORT / 2 } else { SHORT };

    #[inline(always)]
    fn get(&self, i: usize, j: usize) -> Found {
        match (self.p.level.get(i), self.q.level.get(j)) {
            (Some(p), Some(q)) if p.len() != q.len() => Err((p.len(), q.len())),
            (Some(p), Some(q)) => Ok(Some(((p.start, q.start), p.len()))),
            _ => Ok(None),
        }
    }

    #[inline(always)]
    fn of_short<A: Arithmetic>(&mut self, queue: &Queue, policy: NanPolicy) -> Plain {
        self.tile_p.fill::<A>(self.p.weights, &queue.p, &queue.lens);
        self.tile_q.fill::<A>(self.q.weights, &queue.q, &queue.lens);
        if policy == NanPolicy::Omit {
            self.tile_p.omit_pairs(&mut self.tile_q);
        }
        kl_div::of_blocks::<A, Across>(&self.tile_p, &self.tile_q)
    }

    #[inline(always)]
    fn of_row<A: Arithmetic>(
        &self,
        (p, q): (usize, usize),
        len: usize,
        policy: NanPolicy,
    ) -> Result<Option<f64>, Missing> {
        kl_div::row::<A, T>(self.p.weights.slice(p..p + len), self.q.weights.slice(q..q + len), policy)
    }

    #[inline(always)]
    fn by_the_rules<A: Arithmetic>(
        &self,
        (p, q): (usize, usize),
        len: usize,
        policy: NanPolicy,
    ) -> Result<Option<f64>, Missing> {
        kl_div::by_the_rules::<A, T>(
            self.p.weights.slice(p..p + len),
            self.q.weights.slice(q..q + len),
            policy,
        )
    }
}

/// Short rows that wait for others of like length.
#[derive(Clone, Copy, Default)]
struct Queue {
    /// Where they begin in the buffers of p and q.
    p: [usize; LANES],
    q: [usize; LANES],
    lens: Lens,
    /// Where their values go.
    slots: [usize; LANES],
    count: usize,
}

impl Queue {
    #[inline(always)]
    fn put(&mut self, k: usize, (p, q): (usize, usize), len: usize) {
        (self.p[k], self.q[k]) = (p, q);
        self.lens.put(k, len);
    }
}

/// Lengths that round up to the same multiple of eight queue together, so that little is filled up with nothing.
const QUEUES: usize = SHORT / LANES + 1;

#[inline(always)]
fn queue_for(len: usize) -> usize {
    len.div_ceil(LANES)
}

/// Adds the values of rows.
///
/// Short rows go through queues, eight together; which eight rows and in which order does not matter to any of them.
struct EachRow<'a, Q> {
    quantity: Q,
    which: Which<'a>,
    policy: NanPolicy,
    unit: Unit,
    out: &'a mut Values,
}

impl<Q: Quantity> Loop for EachRow<'_, Q> {
    type Out = Result<(), Error>;

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) -> Result<(), Error> {
        let first = self.out.values.len();
        let mut queues = [Queue::default(); QUEUES];
        let mut failure: Option<Error> = None;
        self.out.push_zeros(self.which.len());
        for row in 0..self.which.len() {
            let slot = first + row;
            let (i, j) = self.which.get(row);
            match self.quantity.get(i, j) {
                Ok(Some((start, len))) if len <= Q::SHORT => {
                    let queue = &mut queues[queue_for(len)];
                    let k = queue.count % LANES;
                    queue.put(k, start, len);
                    queue.slots[k] = slot;
                    queue.count += 1;
                    if queue.count == LANES {
                        failure = self.flush::<A>(queue, first);
                    }
                }
                Ok(Some((start, len))) => match self.quantity.of_row::<A>(start, len, self.policy) {
                    Ok(value) => self.out.set(slot, value, self.unit),
                    Err(missing) => failure = Some(Error::Missing { row, missing }),
                },
                Ok(None) => self.out.set(slot, None, self.unit),
                Err((p, q)) => failure = Some(Error::Lengths { row, p, q }),
            }
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

/// The values of the rows of a queue.
struct OfShort<'a, Q> {
    quantity: &'a mut Q,
    queue: &'a Queue,
    policy: NanPolicy,
}

impl<Q: Quantity> Loop for OfShort<'_, Q> {
    type Out = Plain;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Plain {
        self.quantity.of_short::<A>(self.queue, self.policy)
    }
}

impl<Q: Quantity> EachRow<'_, Q> {
    /// Empties a queue; tells the error of the first of its rows that has one.
    #[inline(always)]
    fn flush<A: Arithmetic>(&mut self, queue: &mut Queue, first: usize) -> Option<Error> {
        let count = queue.count;
        if count == 0 {
            return None;
        }
        for k in count..LANES {
            // Lanes that are not in use repeat a row.
            queue.put(k, (queue.p[0], queue.q[0]), queue.lens.get(0));
        }
        let plain = A::Registers::outlined::<A, _>(OfShort {
            quantity: &mut self.quantity,
            queue,
            policy: self.policy,
        });
        let value: Block = lanes!(k => self.unit.express(plain.value[k]));
        let mut failure = None;
        for k in 0..count {
            let slot = queue.slots[k];
            if plain.holds[k] {
                self.out.values[slot] = value[k];
                continue;
            }
            let start = (queue.p[k], queue.q[k]);
            match self.quantity.by_the_rules::<A>(start, queue.lens.get(k), self.policy) {
                Ok(value) => self.out.set(slot, value, self.unit),
                Err(missing) => {
                    failure = Some(Error::Missing { row: slot - first, missing });
                    break;
                }
            }
        }
        (queue.count, queue.lens) = (0, Lens::default());
        failure
    }
}

impl Error {
    /// The row that the error is about.
    pub fn row(&self) -> usize {
        match self {
            Error::Missing { row, .. } | Error::Lengths { row, .. } | Error::Memory { row } => *row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::contract::Side;
    use crate::kernel::levels::{Extents, Ints};
    use crate::kernel::weights::Bits;

    /// Three rows, [1, 1], null with junk behind it, [2, null, 2], in the middle of a longer buffer.
    fn ragged<'a>(values: &'a [f64], element_bits: &'a [u8], row_bits: &'a [u8]) -> Rows<'a, f64> {
        Rows {
            weights: Weights::new(values, Some(Bits::new(element_bits, 3))),
            level: Level {
                extents: Extents::Offsets { offsets: Ints::Large(&[5, 7, 8, 11]), start: 4 },
                valid: Some(Bits::new(row_bits, 1)),
            },
        }
    }

    const VALUES: [f64; 7] = [f64::NAN, 1.0, 1.0, f64::NAN, 2.0, f64::NAN, 2.0];
    /// From bit 3 on: all but the element before the last.
    const ELEMENTS: [u8; 2] = [!0, !1];
    /// From bit 1 on: valid, null, valid.
    const ROWS: [u8; 1] = [0b1010];

    fn entropies(x: &Rows<f64>, rows: usize, policy: NanPolicy) -> Result<Values, Error> {
        let mut out = Values::default();
        entropy(x, Which::all(rows), policy, Unit::new(None), &mut out).map(|()| out)
    }

    fn divergences(p: &Rows<f64>, q: &Rows<f64>, pairs: &[(usize, usize)]) -> Result<Values, Error> {
        let mut out = Values::default();
        kl_div(p, q, Which::Listed(pairs), NanPolicy::Raise, Unit::new(None), &mut out).map(|()| out)
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
            level: Level { extents: Extents::Width { width: 2, rows: 2 }, valid: None },
        };
        let q = Rows {
            weights: Weights::new(&[1.0, 1.0], None),
            level: Level { extents: Extents::Width { width: 2, rows: 1 }, valid: None },
        };
        let (values, valid) = divergences(&p, &q, &[(0, 0), (1, 0)]).unwrap().into_parts();
        assert_eq!(values[0], 0.0);
        assert!((values[1] - (2f64.ln() - 4f64.ln() + 0.75 * 3f64.ln())).abs() < 1e-15);
        assert_eq!(valid, None);

        let extents = Extents::Width { width: 4, rows: 1 };
        let long = Rows { level: Level { extents, valid: None }, ..p };
        let error = divergences(&q, &long, &[(0, 0)]).unwrap_err();
        assert_eq!(error, Error::Lengths { row: 0, p: 2, q: 4 });
    }

    /// Rows of all lengths that queues and blocks tell apart, of all kinds: plain, with a dominant weight, with zeros, with
    /// NaN, negative, huge.
    fn mixed() -> (Vec<f64>, Vec<f64>, Vec<i64>, Vec<u8>) {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 11) as f64 + 1.0) / (1u64 << 53) as f64
        };
        let (mut p, mut q, mut offsets) = (vec![], vec![], vec![0]);
        for row in 0..600 {
            let len = [row % 10, row % 67, row % 130, 200][row % 4];
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
            let values = |offsets: &[i64]| {
                let rows = |x| Rows {
                    weights: Weights::new(x, Some(Bits::new(&bits, 0))),
                    level: Level {
                        extents: Extents::Offsets { offsets: Ints::Large(offsets), start: 0 },
                        valid: None,
                    },
                };
                let (p, q): (Rows<T>, Rows<T>) = (rows(&p), rows(&q));
                let (mut h, mut d) = (Values::default(), Values::default());
                let all = Which::all(offsets.len() - 1);
                entropy(&p, all, policy, Unit::new(None), &mut h).unwrap();
                kl_div(&p, &q, all, policy, Unit::new(None), &mut d).unwrap();
                [h, d].map(|values| {
                    let (values, valid) = values.into_parts();
                    let valid = valid.unwrap_or(vec![u8::MAX; values.len().div_ceil(8)]);
                    let valid = Bits::new(&valid, 0);
                    let bits = |(i, x): (usize, f64)| valid.get(i).then_some(x.to_bits());
                    values.into_iter().enumerate().map(bits).collect::<Vec<_>>()
                })
            };
            let together = values(&offsets);
            for i in 0..count {
                let alone = values(&offsets[i..i + 2]);
                assert_eq!(
                    [&alone[0][0], &alone[1][0]],
                    [&together[0][i], &together[1][i]],
                    "row {i}, {policy:?}"
                );
            }
        }
    }

    #[test]
    fn the_first_error_is_told_whichever_queue_its_row_is_in() {
        let mut values = vec![1.0; 500];
        // Row 1 is short and waits; row 2 is long and is looked at at once.
        (values[5], values[300]) = (f64::NAN, f64::NAN);
        let x = Rows {
            weights: Weights::new(&values, None),
            level: Level {
                extents: Extents::Offsets { offsets: Ints::Small(&[0, 4, 8, 500]), start: 0 },
                valid: None,
            },
        };
        let missing = Missing { side: Side::P, at: 1 };
        assert_eq!(entropies(&x, 3, NanPolicy::Raise).unwrap_err(), Error::Missing { row: 1, missing });
    }
}
