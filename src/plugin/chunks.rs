//! Chunks of p and q that belong together.

use polars::prelude::*;

use super::errors::pair_rows;
use crate::kernel::broadcast::Broadcast;

/// A chunk of p and one of q.
pub struct ChunkPair {
    pub p: ArrayRef,
    pub q: ArrayRef,
    /// Pairing of their rows.
    pub rows: Broadcast,
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
