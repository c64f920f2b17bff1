//! Many distributions at a time: rows of a flat buffer of weights, one by one or in pairs.

use std::ops::Range;

use super::contract::{Missing, NanPolicy, Unit};
use super::simd::vectorised;
use super::weights::{Bits, Weight, Weights};
use super::{entropy, kl_div};

/// Where each row begins and ends in the buffer.
#[derive(Clone, Copy, Debug)]
pub enum Extents<'a> {
    /// Row i is `offsets[i] - start .. offsets[i + 1] - start`, as in an Arrow list array; `start` is where the buffer
    /// itself was cut out of a longer one.
    Offsets {
        /// One more than there are rows.
        offsets: &'a [i64],
        /// The offset of the first weight of the buffer.
        start: i64,
    },
    /// All rows have the same width.
    Width {
        /// The width.
        width: usize,
        /// The number of rows.
        rows: usize,
    },
}

impl Extents<'_> {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Extents::Offsets { offsets, .. } => offsets.len().saturating_sub(1),
            Extents::Width { rows, .. } => *rows,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements of row `i`.
    #[inline(always)]
    pub fn range(&self, i: usize) -> Range<usize> {
        match *self {
            Extents::Offsets { offsets, start } => {
                (offsets[i] - start) as usize..(offsets[i + 1] - start) as usize
            }
            Extents::Width { width, .. } => i * width..(i + 1) * width,
        }
    }
}

/// Rows of weights, some of which may be null as a whole. What lies behind a null row is never looked at.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// The weights of all rows.
    pub weights: Weights<'a, T>,
    /// Where the rows are.
    pub extents: Extents<'a>,
    /// Which rows are there; `None` means all.
    pub valid: Option<Bits<'a>>,
}

impl<'a, T: Weight> Rows<'a, T> {
    /// Row `i`, `None` being null.
    #[inline(always)]
    fn get(&self, i: usize) -> Option<Weights<'a, T>> {
        let valid = self.valid.is_none_or(|bits| bits.get(i));
        valid.then(|| self.weights.slice(self.extents.range(i)))
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
}

/// A value per row, with Arrow's validity.
#[derive(Debug, Default)]
pub struct Values {
    values: Vec<f64>,
    /// Made at the first null.
    valid: Option<Vec<u8>>,
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

    /// Adds rows without a value.
    pub fn push_nulls(&mut self, rows: usize) {
        (0..rows).for_each(|_| self.push(None));
    }

    /// The values and, if there are nulls, the validity bits, least significant first.
    pub fn into_parts(self) -> (Vec<f64>, Option<Vec<u8>>) {
        (self.values, self.valid)
    }
}

/// Adds the entropy of each of the rows `which`.
pub fn entropy<T: Weight>(
    x: &Rows<T>,
    which: impl Iterator<Item = usize>,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    vectorised!({
        for (row, i) in which.enumerate() {
            let value = match x.get(i) {
                None => None,
                Some(x) => entropy::row(x, policy).map_err(|missing| Error::Missing { row, missing })?,
            };
            out.push(value.map(|nats| unit.express(nats)));
        }
        Ok(())
    })
}

/// Adds the divergence of a row of p from a row of q for each of the `pairs` of row numbers.
pub fn kl_div<T: Weight>(
    p: &Rows<T>,
    q: &Rows<T>,
    pairs: impl Iterator<Item = (usize, usize)>,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    vectorised!({
        for (row, (i, j)) in pairs.enumerate() {
            let value = match (p.get(i), q.get(j)) {
                (Some(p), Some(q)) if p.len() != q.len() => {
                    return Err(Error::Lengths { row, p: p.len(), q: q.len() });
                }
                (Some(p), Some(q)) => {
                    kl_div::row(p, q, policy).map_err(|missing| Error::Missing { row, missing })?
                }
                _ => None,
            };
            out.push(value.map(|nats| unit.express(nats)));
        }
        Ok(())
    })
}

impl Error {
    /// The row that the error is about.
    pub fn row(&self) -> usize {
        match self {
            Error::Missing { row, .. } | Error::Lengths { row, .. } => *row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::contract::Side;

    /// Three rows, [1, 1], null with junk behind it, [2, null, 2], in the middle of a longer buffer.
    fn ragged<'a>(values: &'a [f64], element_bits: &'a [u8], row_bits: &'a [u8]) -> Rows<'a, f64> {
        Rows {
            weights: Weights::new(values, Some(Bits::new(element_bits, 3))),
            extents: Extents::Offsets { offsets: &[5, 7, 8, 11], start: 4 },
            valid: Some(Bits::new(row_bits, 1)),
        }
    }

    const VALUES: [f64; 7] = [f64::NAN, 1.0, 1.0, f64::NAN, 2.0, f64::NAN, 2.0];
    /// From bit 3 on: all but the element before the last.
    const ELEMENTS: [u8; 2] = [!0, !1];
    /// From bit 1 on: valid, null, valid.
    const ROWS: [u8; 1] = [0b1010];

    fn entropies(x: &Rows<f64>, rows: Range<usize>, policy: NanPolicy) -> Result<Values, Error> {
        let mut out = Values::default();
        entropy(x, rows, policy, Unit::new(None), &mut out).map(|()| out)
    }

    fn divergences(p: &Rows<f64>, q: &Rows<f64>, pairs: &[(usize, usize)]) -> Result<Values, Error> {
        let mut out = Values::default();
        kl_div(p, q, pairs.iter().copied(), NanPolicy::Raise, Unit::new(None), &mut out).map(|()| out)
    }

    #[test]
    fn null_rows_and_null_elements_follow_the_policy() {
        let x = ragged(&VALUES, &ELEMENTS, &ROWS);
        let ln_2 = std::f64::consts::LN_2;
        for (policy, last) in [(NanPolicy::Propagate, 0.0), (NanPolicy::Omit, ln_2)] {
            let (values, valid) = entropies(&x, 0..3, policy).unwrap().into_parts();
            assert_eq!(values, [ln_2, 0.0, last]);
            let nulls = if policy == NanPolicy::Propagate { 0b110 } else { 0b010 };
            assert_eq!(valid.unwrap()[0] | !0b111, !nulls);
        }
        let missing = Missing { side: Side::P, at: 1 };
        let error = entropies(&x, 0..3, NanPolicy::Raise).unwrap_err();
        assert_eq!(error, Error::Missing { row: 2, missing });
    }

    #[test]
    fn junk_behind_a_null_row_is_never_looked_at() {
        let x = ragged(&VALUES, &ELEMENTS, &ROWS);
        assert!(entropies(&x, 0..2, NanPolicy::Raise).is_ok());
        // Lengths are not compared either: p's row is null, q's has another length.
        assert!(divergences(&x, &x, &[(1, 0)]).is_ok());
    }

    #[test]
    fn one_row_stands_for_many_and_lengths_are_compared() {
        let p = Rows {
            weights: Weights::new(&[1.0, 1.0, 1.0, 3.0], None),
            extents: Extents::Width { width: 2, rows: 2 },
            valid: None,
        };
        let q = Rows {
            weights: Weights::new(&[1.0, 1.0], None),
            extents: Extents::Width { width: 2, rows: 1 },
            valid: None,
        };
        let (values, valid) = divergences(&p, &q, &[(0, 0), (1, 0)]).unwrap().into_parts();
        assert_eq!(values[0], 0.0);
        assert!((values[1] - (2f64.ln() - 4f64.ln() + 0.75 * 3f64.ln())).abs() < 1e-15);
        assert_eq!(valid, None);

        let long = Rows { extents: Extents::Width { width: 4, rows: 1 }, ..p };
        let error = divergences(&q, &long, &[(0, 0)]).unwrap_err();
        assert_eq!(error, Error::Lengths { row: 0, p: 2, q: 4 });
    }
}
