//! Layout of lists: where rows are in a flat buffer of weights, and the lists, one or several above each other, around them.

use std::ops::Range;

use super::blocks::{LANES, lanes};
use super::broadcast::{Broadcast, RowPairs, Sequence};
use super::rules::Missing;
use super::weights::Bits;

/// Reason why a row has no value. Rows are counted in the order in which they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Rule 3 under [`NanPolicy::Raise`](super::options::NanPolicy::Raise).
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

impl Error {
    /// The row that the error is about.
    pub fn row(&self) -> usize {
        match self {
            Error::Missing { row, .. } | Error::Lengths { row, .. } | Error::Memory { row } => *row,
        }
    }
}

/// Offsets or lengths, as wide as a list array has them.
#[derive(Clone, Copy, Debug)]
pub enum Offsets<'a> {
    /// Offsets of lists and list views.
    Small(&'a [i32]),
    /// Offsets of large lists and list views.
    Large(&'a [i64]),
}

impl Offsets<'_> {
    /// Number of offsets.
    pub fn len(self) -> usize {
        match self {
            Offsets::Small(ints) => ints.len(),
            Offsets::Large(ints) => ints.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The offset at `i`. One that is negative is larger than any length.
    #[inline(always)]
    fn get(self, i: usize) -> usize {
        match self {
            Offsets::Small(ints) => usize::try_from(ints[i]).unwrap_or(usize::MAX),
            Offsets::Large(ints) => usize::try_from(ints[i]).unwrap_or(usize::MAX),
        }
    }
}

/// Begin and end of each row in what is below: a buffer of weights, or the rows of further lists.
#[derive(Clone, Copy, Debug)]
pub enum Extents<'a> {
    /// Row i is `offsets[i] - start .. offsets[i + 1] - start`, as in an Arrow list array; `start` is where what is below
    /// was cut out of something longer.
    Offsets {
        /// One more than there are rows.
        offsets: Offsets<'a>,
        /// The offset of the first element below.
        start: usize,
    },
    /// Row i begins at `offsets[i] - start` and has `sizes[i]` elements, as in an Arrow list view array.
    Views {
        /// One for each row, in no order.
        offsets: Offsets<'a>,
        /// One for each row.
        sizes: Offsets<'a>,
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

    /// The elements of row `i`. Whether they are there is for [`ListLayout::span`] to say.
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

    /// Extents where what is below is cut off before its element `first`, and what is really to be cut off: nothing before rows
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
pub struct ListLayout<'a> {
    /// Extents of the rows.
    pub extents: Extents<'a>,
    /// Validity of the rows; `None` where all are there.
    pub valid: Option<Bits<'a>>,
}

impl ListLayout<'_> {
    /// Range of row `i`, `None` being null.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Range<usize>> {
        match self.valid {
            Some(bits) if !bits.get(i) => None,
            _ => Some(self.extents.range(i)),
        }
    }

    /// Where eight rows begin, and how many elements they have, if none of them is null.
    #[inline(always)]
    pub fn eight(&self, rows: Sequence) -> Option<Eight> {
        let first = rows.first;
        if rows.repeats {
            let range = self.get(first)?;
            return Some(Eight { starts: [range.start; LANES], lens: [range.len(); LANES] });
        }
        if self.valid.is_some_and(|bits| bits.eight(first) != u8::MAX) {
            return None;
        }
        Some(match self.extents {
            Extents::Offsets { offsets: Offsets::Small(offsets), start } => {
                Eight::of(offsets, first, start, |x| x as usize)?
            }
            Extents::Offsets { offsets: Offsets::Large(offsets), start } => {
                Eight::of(offsets, first, start, |x| x as usize)?
            }
            Extents::Width { width, .. } => {
                Eight { starts: lanes!(k => (first + k) * width), lens: [width; LANES] }
            }
            Extents::Views { .. } => {
                let range = |k: usize| self.extents.range(first + k);
                Eight { starts: lanes!(k => range(k).start), lens: lanes!(k => range(k).len()) }
            }
        })
    }

    /// Part of the `len` elements below that these rows cover, or the first of the rows that is not within. A layout that comes
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

/// Eight rows.
#[derive(Clone, Copy, Debug)]
pub struct Eight {
    /// Where each begins.
    pub starts: [usize; LANES],
    /// The number of elements of each.
    pub lens: [usize; LANES],
}

impl Eight {
    #[inline(always)]
    fn of<T: Copy>(offsets: &[T], first: usize, start: usize, number: fn(T) -> usize) -> Option<Eight> {
        let begins: &[T; LANES] = offsets.get(first..)?.first_chunk()?;
        let ends: &[T; LANES] = offsets.get(first + 1..)?.first_chunk()?;
        Some(Eight {
            starts: lanes!(k => number(begins[k]).wrapping_sub(start)),
            lens: lanes!(k => number(ends[k]).wrapping_sub(number(begins[k]))),
        })
    }
}

/// Lists of a result, around its values or around other lists.
#[derive(Debug)]
pub struct OuterList {
    /// One more than there are rows.
    pub offsets: Vec<i64>,
    /// Validity of the rows.
    pub valid: Vec<bool>,
}

/// Innermost rows that belong together, and the lists around them. Rows behind a null of p or q are left out, so what lies
/// there is never looked at.
#[derive(Debug)]
pub struct Pairing {
    innermost: Innermost,
    /// The lists around the rows, from the outermost in.
    pub outer: Vec<OuterList>,
}

#[derive(Debug)]
enum Innermost {
    All(Broadcast),
    Listed(Vec<(usize, usize)>),
}

impl Pairing {
    /// Pairing of the rows below `rows`, which are those of the outermost lists in p and q. An error comes with the outermost row
    /// that it is in.
    pub fn new(rows: Broadcast, p: &[ListLayout], q: &[ListLayout]) -> Result<Pairing, (usize, Error)> {
        if p.is_empty() {
            return Ok(Pairing { innermost: Innermost::All(rows), outer: vec![] });
        }
        Pairing::below((0..rows.rows()).map(|row| rows.get(row)).collect(), p, q)
    }

    /// Pairing of the rows below pairs of outermost rows. The lists of q go along as far as they reach; an innermost row of q then
    /// serves all rows of p below.
    pub fn below(
        mut pairs: Vec<(usize, usize)>,
        p: &[ListLayout],
        q: &[ListLayout],
    ) -> Result<Pairing, (usize, Error)> {
        let mut outer: Vec<OuterList> = Vec::with_capacity(p.len());
        for (depth, p) in p.iter().enumerate() {
            let mut below = Vec::new();
            let mut list = OuterList { offsets: vec![0], valid: Vec::with_capacity(pairs.len()) };
            for (row, &(i, j)) in pairs.iter().enumerate() {
                let p_range = p.get(i);
                let q_range = match q.get(depth) {
                    Some(q) => q.get(j),
                    None => p_range.clone().map(|range| j..j + range.len()),
                };
                list.valid.push(p_range.is_some() && q_range.is_some());
                if let (Some(p_range), Some(q_range)) = (p_range, q_range) {
                    if p_range.len() != q_range.len() {
                        let error = Error::Lengths { row, p: p_range.len(), q: q_range.len() };
                        return Err((outermost(&outer, row), error));
                    }
                    // Lists that share what is below them, or hold nothing, can be more than there is memory for.
                    if below.try_reserve(p_range.len()).is_err() {
                        return Err((outermost(&outer, row), Error::Memory { row }));
                    }
                    match q.get(depth) {
                        Some(_) => below.extend(p_range.zip(q_range)),
                        None => below.extend(p_range.map(|i| (i, j))),
                    }
                }
                list.offsets.push(below.len() as i64);
            }
            outer.push(list);
            pairs = below;
        }
        Ok(Pairing { innermost: Innermost::Listed(pairs), outer })
    }

    /// The innermost rows.
    pub fn rows(&self) -> RowPairs<'_> {
        match &self.innermost {
            Innermost::All(rows) => RowPairs::All(*rows),
            Innermost::Listed(pairs) => RowPairs::Listed(pairs),
        }
    }

    /// The outermost row that an innermost one is in.
    #[inline(always)]
    pub fn outermost(&self, inner: usize) -> usize {
        outermost(&self.outer, inner)
    }

    /// An error of an innermost row, with the outermost row that it is in.
    pub fn locate(&self, error: Error) -> (usize, Error) {
        (outermost(&self.outer, error.row()), error)
    }
}

fn outermost(outer: &[OuterList], inner: usize) -> usize {
    outer
        .iter()
        .rev()
        .fold(inner, |row, list| list.offsets.partition_point(|&offset| offset <= row as i64) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl ListLayout<'_> {
        fn whole_span(&self, len: usize) -> Result<Range<usize>, usize> {
            self.span(0..self.extents.len(), len)
        }
    }

    fn level<'a>(extents: Extents<'a>, valid: Option<&'a [u8]>) -> ListLayout<'a> {
        ListLayout { extents, valid: valid.map(|bytes| Bits::new(bytes, 0)) }
    }

    fn offsets(offsets: &[i64]) -> Extents<'_> {
        Extents::Offsets { offsets: Offsets::Large(offsets), start: 0 }
    }

    fn views<'a>(offsets: &'a [i32], sizes: &'a [i32]) -> Extents<'a> {
        Extents::Views { offsets: Offsets::Small(offsets), sizes: Offsets::Small(sizes), start: 0 }
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
    fn eight_rows_are_where_each_of_them_is() {
        let ends: Vec<i64> = (0..12).map(|i| 3 + i * i).collect();
        let (small, sizes): (Vec<i32>, Vec<i32>) = (0..11).map(|i| (50 - i, i % 4)).unzip();
        let small_ends: Vec<i32> = ends.iter().map(|end| *end as i32).collect();
        for extents in [
            Extents::Offsets { offsets: Offsets::Large(&ends), start: 2 },
            Extents::Offsets { offsets: Offsets::Small(&small_ends), start: 2 },
            Extents::Views { offsets: Offsets::Small(&small), sizes: Offsets::Small(&sizes), start: 1 },
            Extents::Width { width: 7, rows: 11 },
        ] {
            let layout = level(extents, None);
            for (first, repeats) in [(0, false), (3, false), (2, true)] {
                let eight = layout.eight(Sequence { first, repeats }).unwrap();
                for k in 0..LANES {
                    let range = layout.get(if repeats { first } else { first + k }).unwrap();
                    assert_eq!((eight.starts[k], eight.lens[k]), (range.start, range.len()), "{extents:?}");
                }
            }
            let with_null = level(extents, Some(&[0b1111_1011, 0b111]));
            assert!(with_null.eight(Sequence { first: 0, repeats: false }).is_none());
            assert!(with_null.eight(Sequence { first: 2, repeats: true }).is_none());
            assert!(with_null.eight(Sequence { first: 3, repeats: false }).is_some());
        }
    }

    fn listed(pairing: &Pairing) -> Vec<(usize, usize)> {
        (0..pairing.rows().len()).map(|row| pairing.rows().get(row)).collect()
    }

    #[test]
    fn rows_are_paired_level_by_level() {
        // p is [[a, b], null, [c]], and so is q, but for a null in place of its last row.
        let p = level(offsets(&[0, 2, 2, 3]), Some(&[0b101]));
        let q = level(offsets(&[0, 2, 2, 3]), Some(&[0b011]));
        let pairing = Pairing::below(vec![(0, 0), (1, 1), (2, 2)], &[p], &[q]).unwrap();
        assert_eq!(listed(&pairing), [(0, 0), (1, 1)]);
        assert_eq!(pairing.outer[0].offsets, [0, 2, 2, 2]);
        assert_eq!(pairing.outer[0].valid, [true, false, false]);
        // One row of q for all of p.
        let pairing = Pairing::below(vec![(0, 0), (2, 0)], &[p], &[]).unwrap();
        assert_eq!(listed(&pairing), [(0, 0), (1, 0), (2, 0)]);
        assert_eq!([0, 1, 2].map(|inner| outermost(&pairing.outer, inner)), [0, 0, 1]);
        let (row, error) = Pairing::below(vec![(2, 2), (0, 2)], &[p], &[p]).unwrap_err();
        assert_eq!((row, error), (1, Error::Lengths { row: 1, p: 2, q: 1 }));
    }
}
