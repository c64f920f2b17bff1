//! Words for what goes wrong in the data.

use polars::prelude::*;

use super::kwargs::Sequence;
use crate::kernel::broadcast::Broadcast;
use crate::kernel::layout;
use crate::kernel::rules::{Missing, Side};

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

/// The error for a column of a dtype that the method does not take in this role, and what to do instead.
pub fn refused(method: &str, takes: &str, role: &str, field: &Field, instead: &str) -> PolarsError {
    refused_that(method, takes, role, "is", field, instead)
}

/// The error for a column that came in the dtype that it is stored as, as categories come as numbers.
pub fn refused_as_stored(method: &str, takes: &str, role: &str, field: &Field, instead: &str) -> PolarsError {
    refused_that(method, takes, role, "is stored as", field, instead)
}

fn refused_that(
    method: &str,
    takes: &str,
    role: &str,
    is: &str,
    field: &Field,
    instead: &str,
) -> PolarsError {
    polars_err!(
        InvalidOperation: "`{method}` takes {takes}, but {role} ('{}') {is} {}: {instead}",
        field.name().escape_debug(), field.dtype()
    )
}

/// A missing element of a flat column under `raise`.
pub fn missing_in_column(missing: Missing, p: &str, q: &str) -> PolarsError {
    polars_err!(
        ComputeError:
        "The input contains nan values: column {}, row {} is null or NaN (nan_policy=\"raise\"; {COUNTED})",
        named(missing.side, p, q), missing.at
    )
}

/// A null among observed values under `raise`, as x or as the other value y of a pair.
pub fn null_value(is_y: bool, name: &str, row: usize) -> PolarsError {
    let y = if is_y { "y " } else { "" };
    polars_err!(
        ComputeError:
        "The input contains nulls: column {y}'{}', row {row} is null (nan_policy=\"raise\"; {COUNTED})",
        name.escape_debug()
    )
}

/// A null in a row of observed values under `raise`.
pub fn null_in_row(name: &str, row: usize, element: usize) -> PolarsError {
    polars_err!(
        ComputeError:
        "The input contains nulls: column '{}', row {row}, element {element} is null (nan_policy=\"raise\"; {COUNTED})",
        name.escape_debug()
    )
}

/// Error of a row of a List or Array column. `row` is the row of the column.
pub fn in_row(error: layout::Error, row: usize, p: &str, q: &str) -> PolarsError {
    match error {
        layout::Error::Missing { missing, .. } => polars_err!(
            ComputeError:
            "The input contains nan values: column {}, row {row}, element {} is null or NaN (nan_policy=\"raise\"; {COUNTED})",
            named(missing.side, p, q), missing.at
        ),
        layout::Error::Lengths { p: of_p, q: of_q, .. } => polars_err!(
            ShapeMismatch:
            "p and q differ in length: row {row} has {of_p} elements in {} and {of_q} in {} ({COUNTED})",
            named(Side::P, p, q), named(Side::Q, p, q)
        ),
        layout::Error::Memory { .. } => polars_err!(ComputeError: "no memory for the lists of row {row}"),
    }
}

/// Pairing of the rows of p and q, where one row stands for any number of them.
pub fn pair_rows(p: &Series, q: &Series) -> PolarsResult<Broadcast> {
    Broadcast::new(p.len(), q.len()).map_err(|rows| {
        polars_err!(
            ShapeMismatch:
            "{} has {} rows and {} has {}: q needs one row for each of p, or a single row",
            named(Side::P, p.name(), q.name()), rows.p, named(Side::Q, p.name(), q.name()), rows.q
        )
    })
}

/// Pairing of the values x and y of pairs. A Series, which is a column of its own length, goes with whole columns only.
pub fn pair_values(x: &Series, y: &Series, sequence: Sequence) -> PolarsResult<Broadcast> {
    polars_ensure!(
        sequence != Sequence::OfFrame || !x.name().is_empty(),
        ShapeMismatch:
        "y is a Series of {} rows, which is a column of its own and goes with a whole column only: in a group or window, \
         join it in as a column",
        y.len()
    );
    let mismatch = || {
        polars_err!(
            ShapeMismatch: "{} has {} rows and y ('{}') has {}: each x needs its y, or one y for all",
            named(Side::P, x.name(), ""), x.len(), y.name().escape_debug(), y.len()
        )
    };
    if sequence != Sequence::No && x.len() != y.len() {
        return Err(mismatch());
    }
    Broadcast::new(x.len(), y.len()).map_err(|_| mismatch())
}

/// [`pair_rows`] of flat columns. A sequence, which is a column of its own length, goes with whole columns only.
pub fn pair_elements(p: &Series, q: &Series, sequence: Sequence) -> PolarsResult<Broadcast> {
    // Polars calls a function that is not elementwise once for each group, and doesn't pass the name then. A group of the
    // very length of q would otherwise pass for a column.
    polars_ensure!(
        sequence != Sequence::OfFrame || !p.name().is_empty(),
        ShapeMismatch:
        "q is a sequence of {} numbers, which is a column of its own and goes with a whole column only: in a group or \
         window, join q in as a column, and say its whole total as `q_total` if p has no row for some of it",
        q.len()
    );
    polars_ensure!(
        sequence == Sequence::No || p.len() == q.len(),
        ShapeMismatch:
        "{} has {} rows and q, a sequence of numbers, is a column of {}: it takes one number for each row, or a single \
         number that is no sequence; in a group or window, join q in as a column, and say its whole total as `q_total` if \
         p has no row for some of it",
        named(Side::P, p.name(), ""), p.len(), q.len()
    );
    pair_rows(p, q)
}
