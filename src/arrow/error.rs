//! Errors of arrays.

use std::fmt;

use arrow_schema::{ArrowError, DataType};

use super::view::{element_field, innermost, is_number};
use crate::kernel::broadcast::Mismatch;
use crate::kernel::layout;
use crate::kernel::rules::{Missing, Side};
use crate::slices::{self, side_name};

/// Reason why arrays have no result: what is wrong, and where.
///
/// # Example
///
/// ```
/// use arrow_array::StringArray;
/// use polars_entropy::arrow::{Error, Options, entropy};
///
/// let error = entropy(&StringArray::from(vec!["a"]), &Options::default()).unwrap_err();
/// assert!(matches!(error, Error::Type { .. }));
/// assert!(error.to_string().starts_with("p is Utf8, and not an array of numbers or lists of numbers"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Base that is not a positive finite number other than 1.
    Base(f64),
    /// Array of neither numbers nor lists of numbers, or of lists where numbers alone are taken.
    Type {
        /// Input.
        side: Side,
        /// Its type.
        data_type: DataType,
        /// True where lists are taken.
        lists: bool,
    },
    /// Array of neither maps nor lists of structs of two fields, a key and a weight.
    Map {
        /// Input.
        side: Side,
        /// Its type.
        data_type: DataType,
    },
    /// Keys that cannot be compared.
    KeyTypes {
        /// Type of the keys of p.
        p: DataType,
        /// Type of the keys of q.
        q: DataType,
    },
    /// Pseudo-count that is negative or not finite.
    PseudoCount(f64),
    /// More levels of lists in q than in p.
    Depth {
        /// Levels of p.
        p: usize,
        /// Levels of q.
        q: usize,
    },
    /// Different numbers of rows, neither of which is one.
    Rows {
        /// Rows of p.
        p: usize,
        /// Rows of q.
        q: usize,
    },
    /// Number of totals of q that is neither one nor that of the rows.
    Totals {
        /// The totals.
        totals: usize,
        /// The rows.
        rows: usize,
    },
    /// Array of totals of q that holds no numbers.
    TotalType(DataType),
    /// Distributions of different lengths.
    Lengths {
        /// Row, `None` where the arrays are one distribution as a whole.
        row: Option<usize>,
        /// Length of p.
        p: usize,
        /// Length of q.
        q: usize,
    },
    /// Null or NaN under [`NanPolicy::Raise`](crate::NanPolicy::Raise).
    Missing {
        /// Input.
        side: Side,
        /// Row, `None` where the array is one distribution as a whole.
        row: Option<usize>,
        /// Position within the distribution.
        element: usize,
    },
    /// List that does not lie within its values: offsets that go backwards, or past the end.
    Extent {
        /// Input.
        side: Side,
        /// Level of lists, 0 being the outermost.
        level: usize,
        /// Row of that level.
        row: usize,
    },
    /// Key that does not lie within the bytes of an array, or within its dictionary. A value of a dictionary that no key uses may go
    /// unchecked.
    Key {
        /// Input.
        side: Side,
        /// Number of the key among all that the lists cover, or in their dictionary.
        key: usize,
    },
    /// Type of a foreign producer that no function takes, in its words.
    Unsupported(String),
    /// Memory of a foreign producer that does not follow the Arrow C data interface.
    Foreign(String),
    /// Stream that failed, in its own words.
    Stream(String),
    /// Error of arrow-rs.
    Arrow(ArrowError),
}

impl Error {
    /// Error of the kernel, in this row of the array.
    pub(super) fn in_row(error: layout::Error, row: Option<usize>) -> Error {
        match error {
            layout::Error::Missing { missing: Missing { side, at }, .. } => {
                Error::Missing { side, row, element: at }
            }
            layout::Error::Lengths { p, q, .. } => Error::Lengths { row, p, q },
            layout::Error::Memory { row } => {
                ArrowError::MemoryError(format!("the lists below row {row}")).into()
            }
        }
    }

    /// Error of rows that cannot be paired.
    pub(crate) fn unequal_rows(Mismatch { p, q }: Mismatch) -> Error {
        Error::Rows { p, q }
    }

    /// Error of single elements that cannot be paired.
    pub(crate) fn unequal_lengths(Mismatch { p, q }: Mismatch) -> Error {
        Error::Lengths { row: None, p, q }
    }

    /// Error of the whole, where the array is a chunk that comes after this many rows.
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |row: &Option<usize>| row.map_or(String::new(), |row| format!("row {row}, "));
        match self {
            Error::Base(base) => slices::Error::Base(*base).fmt(f),
            Error::Type { side, data_type, lists } => {
                let takes = if *lists { "numbers or lists of numbers" } else { "numbers" };
                let instead = match data_type {
                    DataType::Dictionary(_, values) => format!("cast it to {values}"),
                    DataType::Struct(_) => "pass one column of it".into(),
                    nested if matches!(innermost(nested), DataType::Struct(fields) if fields.len() == 2) => {
                        "the functions of `map` take keys and weights".into()
                    }
                    nested if !lists && element_field(nested).is_some() => {
                        "pass its values, one level down".into()
                    }
                    _ => "cast it first; integers, floats, decimals and Boolean are taken as they are".into(),
                };
                write!(f, "{} is {data_type}, and not an array of {takes}: {instead}", side_name(*side))
            }
            Error::Map { side, data_type } => {
                let instead = match innermost(data_type) {
                    DataType::Struct(fields) if fields.len() == 2 => match fields[1].data_type() {
                        _ if element_field(data_type).is_none() => {
                            "put the rows of a distribution into a list".into()
                        }
                        weight if !is_number(weight) => {
                            format!("its second field, the weight, is {weight}; cast it to numbers first")
                        }
                        _ => format!("keys of {} are not taken; cast them first", fields[0].data_type()),
                    },
                    number if is_number(number) && element_field(data_type).is_some() => {
                        "its lists have no keys; they are for the functions outside of `map`".into()
                    }
                    _ => "make lists of structs of two fields".into(),
                };
                write!(
                    f,
                    "{} is {data_type}, and not an array of maps, or of lists of structs of a key and a weight: {instead}",
                    side_name(*side)
                )
            }
            Error::KeyTypes { p, q } => {
                write!(f, "the keys of p are {p} and those of q are {q}: cast one of them")
            }
            Error::PseudoCount(count) => {
                write!(f, "a pseudo-count must be finite and not negative, not {count}")
            }
            Error::Depth { p, q } => {
                write!(f, "q has {q} levels of lists and p {p}: q may have as many as p or fewer; flatten q")
            }
            Error::Rows { p, q } => {
                write!(f, "p has {p} rows and q has {q}: q needs one row for each of p, or a single row")
            }
            Error::Totals { totals, rows } => {
                write!(
                    f,
                    "q_total has {totals} values for {rows} rows: it takes one for each of them, or one number"
                )
            }
            Error::TotalType(data_type) => {
                write!(f, "q_total is {data_type}, and not an array of numbers, one for each row")
            }
            Error::Lengths { row, p, q } => {
                write!(f, "p and q differ in length: {}{p} elements in p and {q} in q", at(row))
            }
            Error::Missing { side, row, element } => write!(
                f,
                "The input contains nan values: {}, {}element {element} is null or NaN (nan_policy \"raise\")",
                side_name(*side),
                at(row)
            ),
            Error::Extent { side, level, row } => write!(
                f,
                "{} is not a valid array: at level {level}, list {row} does not lie within its values",
                side_name(*side)
            ),
            Error::Key { side, key } => write!(
                f,
                "{} is not a valid array: its key {key} does not lie within its bytes, or within its dictionary",
                side_name(*side)
            ),
            Error::Unsupported(what) => {
                write!(f, "an array is {what}, which is neither numbers nor lists of them, nor keys")
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
