//! The arguments as they come from Python, where they have been checked.

use std::borrow::Cow;

use polars::prelude::*;
use serde::Deserialize;

use crate::kernel::contract::{NanPolicy, Precision, Unit};
use crate::kernel::groups::{Half, Role, Summing};

/// What the rows of a List column take.
#[derive(Deserialize)]
pub struct RowKwargs {
    pub nan_policy: Policy,
    pub base: Option<f64>,
    pub fixed: Option<Fixed>,
}

impl RowKwargs {
    pub fn unit(&self) -> Unit {
        Unit::new(self.base)
    }
}

/// What the axes of an Array column take.
#[derive(Deserialize)]
pub struct CellKwargs {
    pub nan_policy: Policy,
    pub base: Option<f64>,
    /// `None` is all of them.
    pub axis: Option<Vec<i64>>,
    pub keepdims: bool,
    pub span: Span,
    pub fixed: Option<Fixed>,
}

/// One distribution that goes with every row of p. Not an input: the streaming engine would repeat it for each row.
#[derive(Deserialize)]
pub struct Fixed {
    pub name: String,
    pub values: Vec<Option<f64>>,
    /// One width for a list, those of all axes for a cell.
    pub shape: Vec<usize>,
    /// Whether the values come from single precision, and so ask for no more.
    pub single: bool,
}

impl Fixed {
    fn number(&self) -> DataType {
        if self.single { DataType::Float32 } else { DataType::Float64 }
    }

    fn array(&self) -> DataType {
        let nest = |inner, width: &usize| DataType::Array(Box::new(inner), *width);
        self.shape.iter().rev().fold(self.number(), nest)
    }

    /// The fields of the inputs, q among them.
    pub fn fields<'a>(fixed: Option<&Fixed>, fields: &'a [Field], lists: bool) -> Cow<'a, [Field]> {
        let Some(fixed) = fixed else { return Cow::Borrowed(fields) };
        let dtype = if lists { DataType::List(Box::new(fixed.number())) } else { fixed.array() };
        Cow::Owned(fields.iter().cloned().chain([Field::new(fixed.name.as_str().into(), dtype)]).collect())
    }

    /// The inputs, q among them.
    pub fn inputs<'a>(
        fixed: Option<&Fixed>,
        inputs: &'a [Series],
        lists: bool,
    ) -> PolarsResult<Cow<'a, [Series]>> {
        let Some(fixed) = fixed else { return Ok(Cow::Borrowed(inputs)) };
        let values = Float64Chunked::from_slice_options(fixed.name.as_str().into(), &fixed.values);
        let values = values.into_series().cast(&fixed.number())?;
        let row = match lists {
            true => values.implode()?.into_series(),
            false => {
                let dims = [1].into_iter().chain(fixed.shape.iter().map(|width| *width as i64));
                let dims: Vec<_> = dims.map(ReshapeDimension::new).collect();
                values.reshape_array(&dims)?
            }
        };
        Ok(Cow::Owned(inputs.iter().cloned().chain([row]).collect()))
    }
}

/// What the elements of a column take.
#[derive(Deserialize)]
pub struct ElementKwargs {
    /// q is a Python number, which has no precision of its own.
    #[serde(default)]
    pub weak_q: bool,
    #[serde(default)]
    pub sequence: Sequence,
}

/// What the summands of a group take. They are parsed anew for every morsel: what is as usual is left out.
#[derive(Deserialize)]
pub struct SummandKwargs {
    pub part: Part,
    /// Which half of it.
    #[serde(default)]
    pub low: bool,
    #[serde(default)]
    pub nan_policy: Policy,
    #[serde(default)]
    pub weak_q: bool,
    #[serde(default)]
    pub sequence: Sequence,
}

impl SummandKwargs {
    pub fn half(&self) -> Half {
        if self.low { Half::Low } else { Half::High }
    }

    /// How this is summed, for a result of this precision.
    pub fn summing(&self, precision: Precision) -> Summing {
        Summing { role: self.part.role(), half: self.half(), precision, policy: self.nan_policy.0 }
    }
}

/// What the value of a group takes beside its sums.
#[derive(Deserialize)]
pub struct SumKwargs {
    pub base: Option<f64>,
}

impl SumKwargs {
    pub fn unit(&self) -> Unit {
        Unit::new(self.base)
    }
}

/// An element's part in the sums of its group.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Part {
    MassP,
    MassQ,
    Term,
    Near,
    Far,
    TermApart,
}

impl Part {
    pub fn role(self) -> Role {
        match self {
            Part::MassP | Part::MassQ => Role::Mass,
            Part::Term | Part::TermApart => Role::Term,
            Part::Near | Part::Far => Role::Other,
        }
    }
}

/// What the input of an Array method is.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Span {
    /// Cells, each reduced on its own: axis 0 is not among the axes.
    Row,
    /// One list of cells for each column or group: axis 0 is among the axes.
    Group,
    /// A whole column, where it takes the dtype to tell which of the two it is.
    Column,
}

/// Whether q is a sequence, which is a column of its own length.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Sequence {
    #[default]
    No,
    /// Beside a column of a frame, which may stand in a group.
    OfFrame,
    /// Beside a Series, which has no groups.
    OfSeries,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Policy(pub NanPolicy);

impl TryFrom<String> for Policy {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Policy)
    }
}

/// From the names that Python uses. Pickle has no notion of Rust's enums, hence not by derive.
macro_rules! from_name {
    ($kind:ty: $($name:literal => $value:expr),+) => {
        impl TryFrom<String> for $kind {
            type Error = String;

            fn try_from(name: String) -> Result<Self, String> {
                match name.as_str() {
                    $($name => Ok($value),)+
                    _ => Err(format!("unknown name {name:?}")),
                }
            }
        }
    };
}

from_name!(Part:
    "mass_p" => Part::MassP,
    "mass_q" => Part::MassQ,
    "term" => Part::Term,
    "near" => Part::Near,
    "far" => Part::Far,
    "term_apart" => Part::TermApart
);
from_name!(Span:
    "row" => Span::Row,
    "group" => Span::Group,
    "column" => Span::Column
);
from_name!(Sequence:
    "no" => Sequence::No,
    "of_frame" => Sequence::OfFrame,
    "of_series" => Sequence::OfSeries
);
