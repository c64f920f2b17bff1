//! Chunks of p and q that belong together.

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, ListArray};

use super::convert::{self, Float};
use super::errors::pair_rows;
use crate::kernel::broadcast::Broadcast;

/// A chunk of p and one of q.
pub struct ChunkPair {
    pub p: ArrayRef,
    pub q: ArrayRef,
    /// Pairing of their rows.
    pub rows: Broadcast,
}

/// Chunks of p and q whose elements are floats, or are cut into pieces to be converted.
pub struct FloatChunks {
    pub pairs: Vec<ChunkPair>,
    are_cut: bool,
}

impl FloatChunks {
    /// Pairs the chunks. A sole p goes along with itself.
    pub fn of<T: Float>(p: &Series, q: Option<&Series>) -> PolarsResult<FloatChunks> {
        let is_float = |s: &Series| *s.dtype().leaf_dtype() == T::DTYPE;
        let chunks = aligned_chunks(p, q.unwrap_or(p))?;
        if is_float(p) && q.is_none_or(is_float) {
            return Ok(FloatChunks { pairs: chunks, are_cut: false });
        }
        let count = chunks.len();
        let pairs: Vec<ChunkPair> = chunks.into_iter().flat_map(ChunkPair::pieces).collect();
        Ok(FloatChunks { are_cut: pairs.len() > count, pairs })
    }

    /// Series of the results of the chunks, one each; in one piece if the chunks were cut.
    pub fn join(&self, name: &PlSmallStr, results: Vec<ArrayRef>) -> PolarsResult<Series> {
        let results = convert::series(name, results)?;
        Ok(if self.are_cut { results.rechunk() } else { results })
    }
}

/// Elements of a side that are converted at a time: few enough to stay in the cache until they are used.
const PIECE: usize = 1 << 15;

/// Number of rows to be read at a time, at least 1. Neither side has many more than `most` elements then; p and q are the numbers of all
/// of their elements. It is all rows if a side is a single row that goes with many, and has more than an eighth of `most`.
pub fn rows_of_piece(rows: Broadcast, [p, q]: [usize; 2], most: usize) -> usize {
    let is_long = |repeats, elements| repeats && elements > most / 8;
    if is_long(rows.repeats_p(), p) || is_long(rows.repeats_q(), q) {
        return rows.rows().max(1);
    }
    (most.saturating_mul(rows.rows()) / p.max(q).max(1)).max(1)
}

impl ChunkPair {
    /// This pair in pieces for conversion, in order.
    fn pieces(self) -> Vec<ChunkPair> {
        let rows = self.rows.rows();
        let piece = rows_of_piece(self.rows, [elements(&*self.p), elements(&*self.q)], PIECE);
        if piece >= rows {
            return vec![self];
        }
        let cut = |first: usize| {
            let len = piece.min(rows - first);
            let side =
                |array: &ArrayRef, repeats| if repeats { array.clone() } else { array.sliced(first, len) };
            let (p, q) = (side(&self.p, self.rows.repeats_p()), side(&self.q, self.rows.repeats_q()));
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
fn aligned_chunks(p: &Series, q: &Series) -> PolarsResult<Vec<ChunkPair>> {
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
