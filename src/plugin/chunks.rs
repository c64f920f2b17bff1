//! Chunks of p and q that belong together.

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, ListArray};

use super::errors::pair_rows;
use crate::kernel::broadcast::Broadcast;

/// A chunk of p and one of q.
pub struct ChunkPair {
    pub p: ArrayRef,
    pub q: ArrayRef,
    /// Pairing of their rows.
    pub rows: Broadcast,
}

/// Elements of a side that are converted at a time: few enough to stay in the cache until they are used.
const PIECE: usize = 1 << 15;

/// Number of rows that have so many elements all in all are to be taken at a time, at least 1.
pub fn rows_of_piece(rows: usize, elements: usize) -> usize {
    (PIECE.saturating_mul(rows) / elements.max(1)).max(1)
}

impl ChunkPair {
    /// This pair in pieces for conversion, in order. Whole if a row goes with many, as it would be converted for each piece.
    pub fn pieces(self) -> Vec<ChunkPair> {
        if self.rows.repeats_p() || self.rows.repeats_q() {
            return vec![self];
        }
        let rows = self.rows.rows();
        let piece = rows_of_piece(rows, elements(&*self.p).max(elements(&*self.q)));
        let cut = |first: usize| {
            let len = piece.min(rows - first);
            let (p, q) = (self.p.sliced(first, len), self.q.sliced(first, len));
            ChunkPair { p, q, rows: self.rows.part(len) }
        };
        (0..rows).step_by(piece).map(cut).collect()
    }
}

/// Number of elements in the innermost lists.
fn elements(array: &dyn polars_arrow::array::Array) -> usize {
    if let Some(lists) = array.as_any().downcast_ref::<ListArray<i64>>() {
        let offsets = lists.offsets();
        let (first, last) = (*offsets.first() as usize, *offsets.last() as usize);
        elements(&*lists.values().sliced(first, last - first))
    } else if let Some(cells) = array.as_any().downcast_ref::<FixedSizeListArray>() {
        elements(&**cells.values())
    } else {
        array.len()
    }
}

/// Pairs the chunks of p and q. A single row on either side goes with every chunk of the other; it is p that is the left
/// operand in any case.
pub fn aligned_chunks(p: &Series, q: &Series) -> PolarsResult<Vec<ChunkPair>> {
    let rows = pair_rows(p, q)?;
    let pair =
        |p: &ArrayRef, q: &ArrayRef, len| ChunkPair { p: p.clone(), q: q.clone(), rows: rows.part(len) };
    if rows.repeats_p() {
        let p = p.rechunk();
        return Ok(q.chunks().iter().map(|q| pair(&p.chunks()[0], q, q.len())).collect());
    }
    if rows.repeats_q() {
        let q = q.rechunk();
        return Ok(p.chunks().iter().map(|p| pair(p, &q.chunks()[0], p.len())).collect());
    }
    if p.chunk_lengths().eq(q.chunk_lengths()) {
        return Ok(p.chunks().iter().zip(q.chunks()).map(|(p, q)| pair(p, q, p.len())).collect());
    }
    let (p, q) = (p.rechunk(), q.rechunk());
    Ok(vec![pair(&p.chunks()[0], &q.chunks()[0], rows.rows())])
}
