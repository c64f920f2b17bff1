//! The words for what goes wrong in the data.

use polars::prelude::*;

use super::kwargs::Sequence;
use crate::kernel::contract::{Missing, Side};
use crate::kernel::rows;

/// Rows are counted within the batch that the engine passes: a plugin isn't told where the batch begins.
const COUNTED: &str = "rows count from 0 within the batch; a streaming query passes any frame in several";

fn named(side: Side, p: &str, q: &str) -> String {
    match (side, p, q) {
        (Side::P, "", _) => "p".into(),
        (Side::P, p, _) => format!("'{}'", p.escape_debug()),
        (Side::Q, _, "") => "q".into(),
        (Side::Q, _, q) => format!("q ('{}')", q.escape_debug()),
    }
}

/// A missing element of a flat column under `raise`.
pub fn missing_in_column(missing: Missing, p: &str, q: &str) -> PolarsError {
    polars_err!(
        ComputeError:
        "The input contains nan values: column {}, row {} is null or NaN (nan_policy=\"raise\"; {COUNTED})",
        named(missing.side, p, q), missing.at
    )
}

/// Whatever a row of a List or Array column has wrong. `row` is the row of the column.
pub fn in_row(error: rows::Error, row: usize, p: &str, q: &str) -> PolarsError {
    match error {
        rows::Error::Missing { missing, .. } => polars_err!(
            ComputeError:
            "The input contains nan values: column {}, row {row}, element {} is null or NaN (nan_policy=\"raise\"; {COUNTED})",
            named(missing.side, p, q), missing.at
        ),
        rows::Error::Lengths { p: of_p, q: of_q, .. } => polars_err!(
            ShapeMismatch:
            "p and q differ in length: row {row} has {of_p} elements in {} and {of_q} in {} ({COUNTED})",
            named(Side::P, p, q), named(Side::Q, p, q)
        ),
        rows::Error::Memory { .. } => polars_err!(ComputeError: "no memory for the lists of row {row}"),
    }
}

/// The number of rows that come out of p and q, where one row stands for any number of them.
pub fn common_rows(p: &Series, q: &Series) -> PolarsResult<usize> {
    match (p.len(), q.len()) {
        (p, q) if p == q => Ok(p),
        (p, 1) => Ok(p),
        (1, q) => Ok(q),
        (of_p, of_q) => Err(polars_err!(
            ShapeMismatch:
            "{} has {of_p} rows and {} has {of_q}: q needs one row for each of p, or a single row",
            named(Side::P, p.name(), q.name()), named(Side::Q, p.name(), q.name())
        )),
    }
}

/// [`common_rows`] of flat columns. A sequence, which is a column of its own length, goes with whole columns only.
pub fn flat_rows(p: &Series, q: &Series, q_is: Sequence) -> PolarsResult<usize> {
    // Polars calls a function that is not elementwise once for each group, and doesn't pass the name then. A group of the
    // very length of q would otherwise pass for a column.
    polars_ensure!(
        q_is != Sequence::OfFrame || !p.name().is_empty(),
        ShapeMismatch:
        "q is a sequence of {} numbers, which is a column of its own and goes with a whole column only: in a group or \
         window, join q in as a column",
        q.len()
    );
    polars_ensure!(
        q_is == Sequence::No || p.len() == q.len(),
        ShapeMismatch:
        "{} has {} rows and q, a sequence of numbers, is a column of {}: it takes one number for each row, or a single \
         number that is no sequence; in a group or window, join q in as a column",
        named(Side::P, p.name(), ""), p.len(), q.len()
    );
    common_rows(p, q)
}
