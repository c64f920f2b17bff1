//! Columns in chunks: which of p and q belong together.

use arrow::array::{Array, ArrayRef, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::DataType;

use crate::arrow::{Error, element};

/// An array, or several that follow each other.
pub struct Column {
    pub data_type: DataType,
    pub chunks: Vec<ArrayRef>,
    /// Whether it came as chunks, be it a single one or none.
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

    /// Whether it goes with all lists of another one: a single list, or numbers without.
    pub fn is_one_distribution(&self) -> bool {
        element(&self.data_type).is_none() || self.len() == 1
    }

    /// In one piece. Chunks of numbers are copied together; lists are only if their rows are in several, which is never asked
    /// for.
    pub fn array(&self) -> Result<ArrayRef, Error> {
        let mut filled = self.chunks.iter().filter(|chunk| !chunk.is_empty());
        match (filled.next(), filled.next()) {
            (Some(only), None) => Ok(only.clone()),
            _ => joined(&self.chunks, &self.data_type),
        }
    }

    /// The form that it came in: a single array, if that is what it was made of.
    fn in_form(self, is_chunked: bool) -> Result<Column, Error> {
        if is_chunked { Ok(Column { is_chunked, ..self }) } else { Ok(Column::whole(self.array()?)) }
    }

    /// What `of` makes of the whole, which is one value.
    pub fn of_whole(self, of: impl Fn(&dyn Array) -> Result<ArrayRef, Error>) -> Result<Column, Error> {
        let value = of(&self.array()?)?;
        Ok(Column { is_chunked: self.is_chunked, ..Column::whole(value) })
    }

    /// What `of` makes of each chunk.
    fn each(self, of: impl Fn(&dyn Array) -> Result<ArrayRef, Error>) -> Result<Column, Error> {
        each(&self.data_type, self.chunks.into_iter().map(Ok), of)?.in_form(self.is_chunked)
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

/// What `of` makes of each chunk. One is let go of before the next is asked for. Without any chunk it has the type that comes
/// out of an empty one.
pub fn each(
    data_type: &DataType,
    chunks: impl Iterator<Item = Result<ArrayRef, Error>>,
    of: impl Fn(&dyn Array) -> Result<ArrayRef, Error>,
) -> Result<Column, Error> {
    let (mut out, mut rows) = (Vec::new(), 0);
    for chunk in chunks {
        let chunk = chunk?;
        out.push(of(&chunk).map_err(|error| error.after(rows))?);
        rows += chunk.len();
    }
    let data_type = match out.first() {
        Some(chunk) => chunk.data_type().clone(),
        None => of(&new_empty_array(data_type))?.data_type().clone(),
    };
    Ok(Column::chunked(data_type, out))
}

/// What `of` makes of p and q as a whole, which is one value.
pub fn of_whole(
    p: Column,
    q: Column,
    of: impl Fn(&dyn Array, &dyn Array) -> Result<ArrayRef, Error>,
) -> Result<Column, Error> {
    let q = q.array()?;
    p.of_whole(|p| of(p, &q))
}

/// What `of` makes of each row of p with its row of q, in the chunks of p. A side of one row goes with all of the other; if that
/// side is p, and p a stream, the chunks are those of q.
pub fn each_pair(
    p: Column,
    q: Column,
    of: impl Fn(&dyn Array, &dyn Array) -> Result<ArrayRef, Error>,
) -> Result<Column, Error> {
    if q.len() == 1 {
        let q = q.array()?;
        return p.each(|p| of(p, &q));
    }
    if p.len() == 1 {
        let (array, is_chunked) = (p.array()?, p.is_chunked);
        return Column { is_chunked: true, ..q }.each(|q| of(&array, q))?.in_form(is_chunked);
    }
    if p.len() != q.len() {
        let (p_rows, q_rows) = (p.len(), q.len());
        return Err(match element(&p.data_type) {
            Some(_) => Error::Rows { p: p_rows, q: q_rows },
            None => Error::Lengths { row: None, p: p_rows, q: q_rows },
        });
    }
    let mut of_q = q.chunks.iter().filter(|chunk| !chunk.is_empty()).cloned();
    let mut left = new_empty_array(&q.data_type);
    let mut out = Vec::with_capacity(p.chunks.len());
    let mut rows = 0;
    for chunk in &p.chunks {
        // Pulled apart where a chunk of q ends, and put together again.
        let mut parts = Vec::new();
        let mut done = 0;
        loop {
            if left.is_empty() && done < chunk.len() {
                left = of_q.next().unwrap_or_else(|| left.clone());
            }
            let len = left.len().min(chunk.len() - done);
            let part = of(&chunk.slice(done, len), &left.slice(0, len));
            parts.push(part.map_err(|error| error.after(rows))?);
            left = left.slice(len, left.len() - len);
            (done, rows) = (done + len, rows + len);
            if done == chunk.len() {
                break;
            }
        }
        out.push(joined(&parts, parts[0].data_type())?);
    }
    let data_type = match out.first() {
        Some(chunk) => chunk.data_type().clone(),
        None => of(&new_empty_array(&p.data_type), &left)?.data_type().clone(),
    };
    Ok(Column { data_type, chunks: out, is_chunked: p.is_chunked })
}
