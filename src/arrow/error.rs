//! What can be wrong with arrays.

use std::fmt;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::nest;
use crate::kernel::contract::{Missing, Side};
use crate::kernel::rows;

/// Why there is no result: what is wrong, and where.
///
/// ```
/// use arrow::array::StringArray;
/// use polars_entropy::arrow::{Error, Options, entropy};
///
/// let error = entropy(&StringArray::from(vec!["a"]), &Options::default()).unwrap_err();
/// assert!(matches!(error, Error::Type { .. }));
/// assert!(error.to_string().starts_with("p is Utf8, and not an array of numbers or lists of numbers"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The base is not a positive finite number other than 1.
    Base(f64),
    /// An array holds neither numbers nor lists of numbers, or lists where numbers alone are taken.
    Type {
        /// The input.
        side: Side,
        /// What it is.
        data_type: DataType,
        /// Whether lists are taken.
        lists: bool,
    },
    /// q has more levels of lists than p.
    Depth {
        /// Those of p.
        p: usize,
        /// Those of q.
        q: usize,
    },
    /// p and q have different numbers of rows, and neither has just one.
    Rows {
        /// The rows of p.
        p: usize,
        /// The rows of q.
        q: usize,
    },
    /// p and q differ in length.
    Lengths {
        /// The row, `None` where the arrays are one distribution as a whole.
        row: Option<usize>,
        /// The length of p.
        p: usize,
        /// The length of q.
        q: usize,
    },
    /// A null or a NaN under [`NanPolicy::Raise`](super::NanPolicy::Raise).
    Missing {
        /// The input.
        side: Side,
        /// The row, `None` where the array is one distribution as a whole.
        row: Option<usize>,
        /// The position within the distribution.
        element: usize,
    },
    /// A list that does not lie within its values: offsets that go backwards, or past the end.
    Extent {
        /// The input.
        side: Side,
        /// The level of lists, 0 being the outermost.
        level: usize,
        /// The row of that level.
        row: usize,
    },
    /// A type of a foreign producer that is neither numbers nor lists of them, in its words.
    Unsupported(String),
    /// Memory of a foreign producer that is not as the Arrow C data interface has it.
    Foreign(String),
    /// A stream that failed, in its own words.
    Stream(String),
    /// What arrow-rs has to say.
    Arrow(ArrowError),
}

impl Error {
    /// The error of a kernel, in this row of the array.
    pub(super) fn in_row(error: rows::Error, row: Option<usize>) -> Error {
        match error {
            rows::Error::Missing { missing: Missing { side, at }, .. } => {
                Error::Missing { side, row, element: at }
            }
            rows::Error::Lengths { p, q, .. } => Error::Lengths { row, p, q },
            rows::Error::Memory { row } => {
                ArrowError::MemoryError(format!("the lists below row {row}")).into()
            }
        }
    }

    /// The same error where the array is a chunk that so many rows come before.
    #[cfg(feature = "python")]
    pub(crate) fn after(mut self, rows: usize) -> Error {
        match &mut self {
            Error::Missing { row: Some(row), .. } | Error::Lengths { row: Some(row), .. } => *row += rows,
            Error::Extent { level: 0, row, .. } => *row += rows,
            _ => {}
        }
        self
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::P => "p",
        Side::Q => "q",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |row: &Option<usize>| row.map_or(String::new(), |row| format!("row {row}, "));
        match self {
            Error::Base(base) => {
                write!(f, "base must be a positive finite number other than 1, or none for nats, not {base}")
            }
            Error::Type { side, data_type, lists } => {
                let takes = if *lists { "numbers or lists of numbers" } else { "numbers" };
                let instead = match data_type {
                    DataType::Dictionary(_, values) => format!("cast it to {values}"),
                    DataType::Struct(_) => "pass one column of it".into(),
                    nested if !lists && nest::element(nested).is_some() => {
                        "pass its values, one level down".into()
                    }
                    _ => "cast it first; integers, floats, decimals and Boolean are taken as they are".into(),
                };
                write!(f, "{} is {data_type}, and not an array of {takes}: {instead}", name(*side))
            }
            Error::Depth { p, q } => {
                write!(f, "q has {q} levels of lists and p {p}: q may have as many as p or fewer; flatten q")
            }
            Error::Rows { p, q } => {
                write!(f, "p has {p} rows and q has {q}: q needs one row for each of p, or a single row")
            }
            Error::Lengths { row, p, q } => {
                write!(f, "p and q differ in length: {}{p} elements in p and {q} in q", at(row))
            }
            Error::Missing { side, row, element } => write!(
                f,
                "The input contains nan values: {}, {}element {element} is null or NaN (nan_policy \"raise\")",
                name(*side),
                at(row)
            ),
            Error::Extent { side, level, row } => write!(
                f,
                "{} is not a valid array: at level {level}, list {row} does not lie within its values",
                name(*side)
            ),
            Error::Unsupported(what) => {
                write!(f, "an array is {what}, which is neither numbers nor lists of them")
            }
            Error::Foreign(what) => write!(f, "not a valid Arrow array: {what}"),
            Error::Stream(what) => write!(f, "the stream of arrays failed: {what}"),
            Error::Arrow(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Error::Arrow(error)
    }
}
