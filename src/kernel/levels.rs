//! Where rows are: the levels of lists, one or several above each other, around a flat buffer of weights.

use std::ops::Range;

use super::rows::{Error, Which};
use super::weights::Bits;

/// Positions or lengths, as wide as a list array has them.
#[derive(Clone, Copy, Debug)]
pub enum Ints<'a> {
    /// Of lists and list views.
    Small(&'a [i32]),
    /// Of large ones.
    Large(&'a [i64]),
}

impl Ints<'_> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Ints::Small(ints) => ints.len(),
            Ints::Large(ints) => ints.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// One that is negative, or not a position, is larger than any length.
    #[inline(always)]
    fn get(self, i: usize) -> usize {
        match self {
            Ints::Small(ints) => usize::try_from(ints[i]).unwrap_or(usize::MAX),
            Ints::Large(ints) => usize::try_from(ints[i]).unwrap_or(usize::MAX),
        }
    }
}

/// Where each row begins and ends in what is below: a buffer of weights, or the rows of another level.
#[derive(Clone, Copy, Debug)]
pub enum Extents<'a> {
    /// Row i is `offsets[i] - start .. offsets[i + 1] - start`, as in an Arrow list array; `start` is where what is below
    /// was cut out of something longer.
    Offsets {
        /// One more than there are rows.
        offsets: Ints<'a>,
        /// The offset of the first element below.
        start: usize,
    },
    /// Row i begins at `offsets[i] - start` and has `sizes[i]` elements, as in an Arrow list view array.
    Views {
        /// One for each row, in no order.
        offsets: Ints<'a>,
        /// One for each row.
        sizes: Ints<'a>,
        /// The offset of the first element below.
        start: usize,
    },
    /// All rows have the same width.
    Width {
        /// The width.
        width: usize,
        /// The number of rows.
        rows: usize,
    },
}

impl<'a> Extents<'a> {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Extents::Offsets { offsets, .. } => offsets.len().saturating_sub(1),
            Extents::Views { offsets, sizes, .. } => offsets.len().min(sizes.len()),
            Extents::Width { rows, .. } => *rows,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements of row `i`. Whether they are there is for [`Level::span`] to say.
    #[inline(always)]
    pub fn range(&self, i: usize) -> Range<usize> {
        match *self {
            Extents::Offsets { offsets, start } => {
                offsets.get(i).wrapping_sub(start)..offsets.get(i + 1).wrapping_sub(start)
            }
            Extents::Views { offsets, sizes, start } => {
                let first = offsets.get(i).wrapping_sub(start);
                first..first.saturating_add(sizes.get(i))
            }
            Extents::Width { width, .. } => i.saturating_mul(width)..(i + 1).saturating_mul(width),
        }
    }

    /// The same where what is below is cut off before its element `first`, and what is really to be cut off: nothing before rows
    /// of one width, which have no offsets to tell.
    pub fn cut_at(self, first: usize) -> (Extents<'a>, usize) {
        match self {
            Extents::Offsets { offsets, start } => {
                (Extents::Offsets { offsets, start: start + first }, first)
            }
            Extents::Views { offsets, sizes, start } => {
                (Extents::Views { offsets, sizes, start: start + first }, first)
            }
            Extents::Width { .. } => (self, 0),
        }
    }
}

/// Rows, some of which may be null as a whole. What lies behind a null row is never looked at.
#[derive(Clone, Copy, Debug)]
pub struct Level<'a> {
    /// Where the rows are.
    pub extents: Extents<'a>,
    /// Which of them are there; `None` means all.
    pub valid: Option<Bits<'a>>,
}

impl Level<'_> {
    /// Where row `i` is, `None` being null.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Range<usize>> {
        match self.valid {
            Some(bits) if !bits.get(i) => None,
            _ => Some(self.extents.range(i)),
        }
    }

    /// What these of its rows cover of the `len` elements below, or the first of them that is not within. A level that comes
    /// from elsewhere has to pass this before anything is read through it.
    pub fn span(&self, rows: Range<usize>, len: usize) -> Result<Range<usize>, usize> {
        if let Extents::Width { width, rows: all } = self.extents {
            let end = width.checked_mul(all).filter(|end| *end <= len);
            let covered = |_| rows.start * width..rows.end * width;
            return end.map(covered).ok_or_else(|| len.checked_div(width).unwrap_or(0));
        }
        let (mut first, mut last) = (len, 0);
        for row in rows {
            let Some(range) = self.get(row) else { continue };
            if range.start > range.end || range.end > len {
                return Err(row);
            }
            (first, last) = (first.min(range.start), last.max(range.end));
        }
        Ok(first.min(last)..last)
    }
}

/// A level of a result, around the values.
#[derive(Debug)]
pub struct Kept {
    /// One more than there are rows.
    pub offsets: Vec<i64>,
    /// Which of the rows are there.
    pub valid: Vec<bool>,
}

/// Which innermost rows belong together, and the levels around them. Rows behind a null of p or q are left out, so what
/// lies there is never looked at.
#[derive(Debug)]
pub struct Pairing {
    /// The row numbers of p and q.
    pub pairs: Vec<(usize, usize)>,
    /// The levels, from the outermost in.
    pub kept: Vec<Kept>,
}

impl Pairing {
    /// Goes down the levels of p. Those of q go along as far as they reach; an innermost row of q then serves all rows of
    /// p below. An error comes with the outermost row that it is in.
    pub fn new(mut pairs: Vec<(usize, usize)>, p: &[Level], q: &[Level]) -> Result<Pairing, (usize, Error)> {
        let mut kept: Vec<Kept> = Vec::with_capacity(p.len());
        for (depth, p) in p.iter().enumerate() {
            let mut below = Vec::new();
            let mut level = Kept { offsets: vec![0], valid: Vec::with_capacity(pairs.len()) };
            for (row, &(i, j)) in pairs.iter().enumerate() {
                let of_p = p.get(i);
                let of_q = match q.get(depth) {
                    Some(q) => q.get(j),
                    None => of_p.clone().map(|range| j..j + range.len()),
                };
                level.valid.push(of_p.is_some() && of_q.is_some());
                if let (Some(of_p), Some(of_q)) = (of_p, of_q) {
                    if of_p.len() != of_q.len() {
                        let error = Error::Lengths { row, p: of_p.len(), q: of_q.len() };
                        return Err((outermost(&kept, row), error));
                    }
                    // Lists that share what is below them, or hold nothing, can be more than there is memory for.
                    if below.try_reserve(of_p.len()).is_err() {
                        return Err((outermost(&kept, row), Error::Memory { row }));
                    }
                    match q.get(depth) {
                        Some(_) => below.extend(of_p.zip(of_q)),
                        None => below.extend(of_p.map(|i| (i, j))),
                    }
                }
                level.offsets.push(below.len() as i64);
            }
            kept.push(level);
            pairs = below;
        }
        Ok(Pairing { pairs, kept })
    }
}

/// What `fill` makes of the innermost rows below some rows of p and q, and the levels to put around it. An error comes with the
/// outermost row that it is in.
pub fn innermost<V>(
    rows: Which,
    p: &[Level],
    q: &[Level],
    fill: impl FnOnce(Which) -> Result<V, Error>,
) -> Result<(V, Vec<Kept>), (usize, Error)> {
    if p.is_empty() {
        let values = fill(rows).map_err(|error| (error.row(), error))?;
        return Ok((values, vec![]));
    }
    let pairs = (0..rows.len()).map(|row| rows.get(row)).collect();
    let Pairing { pairs, kept } = Pairing::new(pairs, p, q)?;
    let values = fill(Which::Listed(&pairs)).map_err(|error| (outermost(&kept, error.row()), error))?;
    Ok((values, kept))
}

fn outermost(kept: &[Kept], inner: usize) -> usize {
    kept.iter()
        .rev()
        .fold(inner, |row, level| level.offsets.partition_point(|&offset| offset <= row as i64) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Level<'_> {
        fn whole_span(&self, len: usize) -> Result<Range<usize>, usize> {
            self.span(0..self.extents.len(), len)
        }
    }

    fn level<'a>(extents: Extents<'a>, valid: Option<&'a [u8]>) -> Level<'a> {
        Level { extents, valid: valid.map(|bytes| Bits::new(bytes, 0)) }
    }

    fn offsets(offsets: &[i64]) -> Extents<'_> {
        Extents::Offsets { offsets: Ints::Large(offsets), start: 0 }
    }

    fn views<'a>(offsets: &'a [i32], sizes: &'a [i32]) -> Extents<'a> {
        Extents::Views { offsets: Ints::Small(offsets), sizes: Ints::Small(sizes), start: 0 }
    }

    #[test]
    fn a_span_is_what_rows_cover() {
        assert_eq!(level(offsets(&[3, 5, 5, 9]), None).whole_span(9), Ok(3..9));
        assert_eq!(level(offsets(&[]), None).whole_span(0), Ok(0..0));
        assert_eq!(level(offsets(&[3, 5, 5, 9]), None).span(0..1, 9), Ok(3..5));
        assert_eq!(level(Extents::Width { width: 3, rows: 3 }, None).span(1..2, 9), Ok(3..6));
        assert_eq!(Extents::Width { width: 3, rows: 3 }.cut_at(3).1, 0);
        // Empty rows, too, so that they are somewhere where the rest is cut off.
        assert_eq!(level(offsets(&[7, 7]), None).whole_span(9), Ok(7..7));
        assert_eq!(level(views(&[6, 2, 9], &[2, 3, 0]), None).whole_span(9), Ok(2..9));
        assert_eq!(level(Extents::Width { width: 3, rows: 3 }, None).whole_span(10), Ok(0..9));
        let cut = level(offsets(&[3, 5, 9]).cut_at(3).0, None);
        assert_eq!((cut.get(0), cut.get(1), cut.whole_span(6)), (Some(0..2), Some(2..6), Ok(0..6)));
    }

    #[test]
    fn a_row_that_is_not_within_is_told() {
        for (extents, len, row) in [
            (offsets(&[0, 4, 2, 5]), 9, 1),
            (offsets(&[0, 4, 10]), 9, 1),
            (offsets(&[-1, 4]), 9, 0),
            (offsets(&[0, i64::MIN]), 9, 0),
            (views(&[0, 5], &[9, 5]), 9, 1),
            (views(&[0, -5], &[9, 5]), 9, 1),
            (views(&[3], &[-1]), 9, 0),
            (views(&[-1], &[-1]), 9, 0),
            (Extents::Width { width: 3, rows: 4 }, 11, 3),
            (Extents::Width { width: usize::MAX, rows: 2 }, 11, 0),
        ] {
            assert_eq!(level(extents, None).whole_span(len), Err(row), "{extents:?}");
        }
        // Cut, with a row before the cut.
        assert_eq!(level(offsets(&[2, 5]).cut_at(3).0, None).whole_span(9), Err(0));
    }

    #[test]
    fn null_rows_may_lie_anywhere() {
        assert_eq!(
            level(views(&[0, -5, i32::MAX, 2], &[2, 7, 9, 1]), Some(&[0b1001])).whole_span(3),
            Ok(0..3)
        );
        assert_eq!(level(offsets(&[0, 4, 2, 3]), Some(&[0b101])).whole_span(4), Ok(0..4));
    }

    #[test]
    fn rows_are_paired_level_by_level() {
        // p is [[a, b], null, [c]], and so is q, but for a null in place of its last row.
        let p = level(offsets(&[0, 2, 2, 3]), Some(&[0b101]));
        let q = level(offsets(&[0, 2, 2, 3]), Some(&[0b011]));
        let pairing = Pairing::new(vec![(0, 0), (1, 1), (2, 2)], &[p], &[q]).unwrap();
        assert_eq!(pairing.pairs, [(0, 0), (1, 1)]);
        assert_eq!(pairing.kept[0].offsets, [0, 2, 2, 2]);
        assert_eq!(pairing.kept[0].valid, [true, false, false]);
        // One row of q for all of p.
        let pairing = Pairing::new(vec![(0, 0), (2, 0)], &[p], &[]).unwrap();
        assert_eq!(pairing.pairs, [(0, 0), (1, 0), (2, 0)]);
        assert_eq!([0, 1, 2].map(|inner| outermost(&pairing.kept, inner)), [0, 0, 1]);
        let (row, error) = Pairing::new(vec![(2, 2), (0, 2)], &[p], &[p]).unwrap_err();
        assert_eq!((row, error), (1, Error::Lengths { row: 1, p: 2, q: 1 }));
    }
}
