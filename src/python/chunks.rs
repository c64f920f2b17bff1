//! Columns in chunks, and functions of them chunk by chunk, or of two whose chunks end in different places.

use std::vec;

use arrow_array::{Array, ArrayRef, new_empty_array};
use arrow_schema::DataType;
use arrow_select::concat::concat;

use crate::arrow::{Error, element_field};
use crate::kernel::broadcast::Broadcast;

/// Array, or several that follow each other.
pub struct Column {
    pub data_type: DataType,
    pub chunks: Vec<ArrayRef>,
    /// True if it came as chunks, be it a single one or none.
    pub is_chunked: bool,
}

impl Column {
    pub fn whole(array: ArrayRef) -> Column {
        Column { data_type: array.data_type().clone(), chunks: vec![array], is_chunked: false }
    }

    pub fn chunked(data_type: DataType, chunks: Vec<ArrayRef>) -> Column {
        Column { data_type, chunks, is_chunked: true }
    }

    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// True for a single list, and for numbers without: it goes with all lists of another column.
    pub fn is_one_distribution(&self) -> bool {
        element_field(&self.data_type).is_none() || self.len() == 1
    }

    /// The column in one piece. Chunks of numbers are copied together. Lists are only if their rows are in several
    /// chunks, which no caller asks for.
    pub fn array(&self) -> Result<ArrayRef, Error> {
        let mut filled = self.chunks.iter().filter(|chunk| !chunk.is_empty());
        match (filled.next(), filled.next()) {
            (Some(only), None) => Ok(only.clone()),
            _ => joined(&self.chunks, &self.data_type),
        }
    }

    /// The column as chunks, or as a single array.
    fn in_form(self, is_chunked: bool) -> Result<Column, Error> {
        if is_chunked { Ok(Column { is_chunked, ..self }) } else { Ok(Column::whole(self.array()?)) }
    }

    /// Result of a function of the whole column, which gives one value.
    pub fn map_whole(
        self,
        function: impl FnOnce(&dyn Array) -> Result<ArrayRef, Error>,
    ) -> Result<Column, Error> {
        let value = function(&self.array()?)?;
        Ok(Column { is_chunked: self.is_chunked, ..Column::whole(value) })
    }

    /// Results of a function of each chunk.
    fn map_chunks(
        self,
        function: impl FnMut(&dyn Array) -> Result<ArrayRef, Error>,
    ) -> Result<Column, Error> {
        map_chunks(&self.data_type, self.chunks.into_iter().map(Ok), function)?.in_form(self.is_chunked)
    }
}

fn joined(chunks: &[ArrayRef], data_type: &DataType) -> Result<ArrayRef, Error> {
    match chunks {
        [] => Ok(new_empty_array(data_type)),
        [chunk] => Ok(chunk.clone()),
        _ => {
            let chunks: Vec<&dyn Array> = chunks.iter().map(|chunk| chunk.as_ref()).collect();
            Ok(concat(&chunks)?)
        }
    }
}

/// Results of a function of each chunk, which is let go of before the next one is asked for. Without any chunk the
/// result has the type of that of an empty one.
pub fn map_chunks(
    data_type: &DataType,
    chunks: impl Iterator<Item = Result<ArrayRef, Error>>,
    mut function: impl FnMut(&dyn Array) -> Result<ArrayRef, Error>,
) -> Result<Column, Error> {
    let (mut out, mut rows) = (Vec::new(), 0);
    for chunk in chunks {
        let chunk = chunk?;
        out.push(function(&chunk).map_err(|error| error.after(rows))?);
        rows += chunk.len();
    }
    let data_type = match out.first() {
        Some(chunk) => chunk.data_type().clone(),
        None => function(&new_empty_array(data_type))?.data_type().clone(),
    };
    Ok(Column::chunked(data_type, out))
}

/// Results of a function of rows of p and the same rows of q, in the chunks of p. A side of one row goes with all of
/// the other; if that side is p, and p a stream, the chunks are those of q.
pub fn map_pairs(
    p: Column,
    q: Column,
    function: impl Fn(&dyn Array, &dyn Array) -> Result<ArrayRef, Error>,
) -> Result<Column, Error> {
    let is_of_lists = element_field(&p.data_type).is_some();
    let unequal = if is_of_lists { Error::unequal_rows } else { Error::unequal_lengths };
    let rows = Broadcast::new(p.len(), q.len()).map_err(unequal)?;
    if rows.repeats_q() {
        let q = q.array()?;
        return p.map_chunks(|p| function(p, &q));
    }
    if rows.repeats_p() {
        let (array, is_chunked) = (p.array()?, p.is_chunked);
        return Column { is_chunked: true, ..q }.map_chunks(|q| function(&array, q))?.in_form(is_chunked);
    }
    let mut q = Pieces::new(q);
    p.map_chunks(|p| map_pieces(p, &mut q, &function))
}

/// Results of a function of a chunk of p and the next rows of q: pulled apart where a chunk of q ends, and put
/// together again.
fn map_pieces(
    p: &dyn Array,
    q: &mut Pieces,
    function: impl Fn(&dyn Array, &dyn Array) -> Result<ArrayRef, Error>,
) -> Result<ArrayRef, Error> {
    let (mut parts, mut done) = (Vec::new(), 0);
    loop {
        let piece = q.next(p.len() - done);
        let part = function(&p.slice(done, piece.len()), &piece);
        parts.push(part.map_err(|error| error.after(done))?);
        done += piece.len();
        // An empty chunk has an empty result, and no chunk of p is longer than what is left of q.
        if done == p.len() || piece.is_empty() {
            return joined(&parts, parts[0].data_type());
        }
    }
}

/// Rows of a column, in pieces that end where a chunk does, or before.
struct Pieces {
    chunks: vec::IntoIter<ArrayRef>,
    /// Rest of a chunk.
    left: ArrayRef,
}

impl Pieces {
    fn new(column: Column) -> Pieces {
        Pieces { left: new_empty_array(&column.data_type), chunks: column.chunks.into_iter() }
    }

    /// The next rows, at most this many; none only where none are asked for, or left.
    fn next(&mut self, most: usize) -> ArrayRef {
        while self.left.is_empty() && most > 0 {
            let Some(chunk) = self.chunks.next() else { break };
            self.left = chunk;
        }
        let len = self.left.len().min(most);
        let piece = self.left.slice(0, len);
        self.left = self.left.slice(len, self.left.len() - len);
        piece
    }
}
