//! The words for what goes wrong in the data.

use polars::prelude::*;

use crate::kernel::contract::{Missing, Side};
use crate::kernel::rows;

/// Rows are counted within the batch that the engine passes: a plugin isn't told where the batch begins.
const COUNTED: &str = "rows count from 0 within the batch; a streaming query passes large frames in several";

fn named(side: Side, p: &str, q: &str) -> String {
    match side {
        Side::P => format!("'{}'", p.escape_debug()),
        Side::Q => format!("q ('{}')", q.escape_debug()),
    }
}

/// A missing element of a flat column under `raise`.
pub fn missing_in_column(missing: Missing, p: &str, q: &str) -> PolarsError {
    polars_err!(
        ComputeError:
        "The input contains nan values: column {}, row {} (nan_policy=\"raise\"; {COUNTED})",
        named(missing.side, p, q), missing.at
    )
}

/// Whatever a row of a List or Array column has wrong. `row` is the row of the column.
pub fn in_row(error: rows::Error, row: usize, p: &str, q: &str) -> PolarsError {
    match error {
        rows::Error::Missing { missing, .. } => polars_err!(
            ComputeError:
            "The input contains nan values: column {}, row {row}, element {} (nan_policy=\"raise\"; {COUNTED})",
            named(missing.side, p, q), missing.at
        ),
        rows::Error::Lengths { p: of_p, q: of_q, .. } => polars_err!(
            ShapeMismatch:
            "p and q differ in length: row {row} has {of_p} elements in {} and {of_q} in {} ({COUNTED})",
            named(Side::P, p, q), named(Side::Q, p, q)
        ),
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
            "{} has {of_p} rows and {} has {of_q}: q needs one row for each of p, or a single row; \
             in a group or window, join q in as a column",
            named(Side::P, p.name(), q.name()), named(Side::Q, p.name(), q.name())
        )),
    }
}
