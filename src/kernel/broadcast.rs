//! Broadcasting: which row of p, and which of q, make up a row of the result. In the manner of arrow-rs' `Datum`, a side of
//! one row goes with any number of rows of the other. Everything that pairs rows or elements asks this type.

/// Number of rows of p and of q that cannot be paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Rows of p.
    pub p: usize,
    /// Rows of q.
    pub q: usize,
}

/// Rows of the result, and the rows after which p and q begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast {
    rows: usize,
    p: usize,
    q: usize,
}

impl Broadcast {
    /// Pairing of as many rows of p as of q; a sole input is both.
    pub fn same(rows: usize) -> Broadcast {
        Broadcast { rows, p: rows, q: rows }
    }

    /// Pairing of so many rows of p with so many of q: as many of each, or one on either side.
    pub fn new(p: usize, q: usize) -> Result<Broadcast, Mismatch> {
        match (p, q) {
            (p, q) if p == q => Ok(Broadcast::same(p)),
            (rows, 1) | (1, rows) => Ok(Broadcast { rows, p, q }),
            (p, q) => Err(Mismatch { p, q }),
        }
    }

    /// Pairing of the inner rows, of which every row has so many.
    pub fn times(self, inner: usize) -> Broadcast {
        Broadcast { rows: self.rows * inner, p: self.p * inner, q: self.q * inner }
    }

    /// Pairing of a part of the result with so many rows, where both sides were cut, but for a side of one row.
    pub fn part(self, rows: usize) -> Broadcast {
        let side = |len| if len == self.rows { rows } else { len };
        Broadcast { rows, p: side(self.p), q: side(self.q) }
    }

    /// Number of rows of the result.
    pub fn rows(self) -> usize {
        self.rows
    }

    /// Whether one row of p stands for another number of them.
    pub fn repeats_p(self) -> bool {
        self.p != self.rows
    }

    /// Whether one row of q stands for another number of them.
    pub fn repeats_q(self) -> bool {
        self.q != self.rows
    }

    /// The rows of p and q that make up this row.
    #[inline(always)]
    pub fn get(self, row: usize) -> (usize, usize) {
        let side = |len| if len == self.rows { row } else { row % len };
        (side(self.p), side(self.q))
    }

    /// The rows of p and q that make up so many rows from this one on, if they are in sequence on either side.
    #[inline(always)]
    pub fn sequences(self, row: usize, count: usize) -> Option<(Sequence, Sequence)> {
        if row + count > self.rows {
            return None;
        }
        let side = |len: usize| {
            let first = if len == self.rows { row } else { row % len };
            let repeats = len == 1;
            (repeats || first + count <= len).then_some(Sequence { first, repeats })
        };
        Some((side(self.p)?, side(self.q)?))
    }
}

/// Rows of one side that make up rows in sequence of the result: rows in sequence, or one again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The first of the rows.
    pub first: usize,
    /// Whether it is also all others.
    pub repeats: bool,
}

/// Rows of p and q that make up the rows of the result.
#[derive(Clone, Copy, Debug)]
pub enum RowPairs<'a> {
    /// All rows in order.
    All(Broadcast),
    /// The listed ones; of a sole input, those named first.
    Listed(&'a [(usize, usize)]),
}

impl RowPairs<'_> {
    /// All rows of p, and as many of q.
    pub fn same(rows: usize) -> Self {
        RowPairs::All(Broadcast::same(rows))
    }

    /// Number of rows of the result.
    pub fn len(self) -> usize {
        match self {
            RowPairs::All(rows) => rows.rows(),
            RowPairs::Listed(pairs) => pairs.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The rows of p and q that make up this row.
    #[inline(always)]
    pub fn get(self, row: usize) -> (usize, usize) {
        match self {
            RowPairs::All(rows) => rows.get(row),
            RowPairs::Listed(pairs) => pairs[row],
        }
    }

    /// The rows of p and q that make up so many rows from this one on, if they are known to be in sequence on either side.
    #[inline(always)]
    pub fn sequences(self, row: usize, count: usize) -> Option<(Sequence, Sequence)> {
        match self {
            RowPairs::All(rows) => rows.sequences(row, count),
            RowPairs::Listed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(rows: Broadcast) -> Vec<(usize, usize)> {
        (0..rows.rows()).map(|row| rows.get(row)).collect()
    }

    #[test]
    fn one_row_stands_for_many_on_either_side() {
        assert_eq!(pairs(Broadcast::new(2, 2).unwrap()), [(0, 0), (1, 1)]);
        assert_eq!(pairs(Broadcast::new(1, 3).unwrap()), [(0, 0), (0, 1), (0, 2)]);
        assert_eq!(pairs(Broadcast::new(3, 1).unwrap()), [(0, 0), (1, 0), (2, 0)]);
        assert_eq!(Broadcast::new(2, 3), Err(Mismatch { p: 2, q: 3 }));
    }

    #[test]
    fn nothing_beside_one_row_is_nothing() {
        for (p, q) in [(0, 0), (0, 1), (1, 0)] {
            assert!(pairs(Broadcast::new(p, q).unwrap()).is_empty());
        }
        assert_eq!(Broadcast::new(0, 2), Err(Mismatch { p: 0, q: 2 }));
    }

    #[test]
    fn inner_rows_begin_anew_with_their_row() {
        assert_eq!(pairs(Broadcast::new(2, 1).unwrap().times(2)), [(0, 0), (1, 1), (2, 0), (3, 1)]);
        assert_eq!(pairs(Broadcast::new(4, 1).unwrap().part(2)), [(0, 0), (1, 0)]);
    }

    #[test]
    fn rows_are_in_sequence_until_a_side_begins_anew() {
        let side = |first, repeats| Sequence { first, repeats };
        let same = Broadcast::same(20);
        assert_eq!(same.sequences(12, 8), Some((side(12, false), side(12, false))));
        assert_eq!(same.sequences(13, 8), None);
        let one = Broadcast::new(20, 1).unwrap();
        assert_eq!(one.sequences(8, 8), Some((side(8, false), side(0, true))));
        let inner = Broadcast::new(3, 1).unwrap().times(10);
        assert_eq!(inner.sequences(12, 8), Some((side(12, false), side(2, false))));
        assert_eq!(inner.sequences(8, 8), None);
    }
}
