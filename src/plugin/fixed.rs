//! A fixed q: one distribution that goes with every row of p.

use std::borrow::Cow;

use polars::prelude::*;
use serde::Deserialize;

/// Distribution that goes with every row of p. Not an input: the streaming engine would repeat it for each row.
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

    /// Fields of the inputs, q among them.
    pub fn fields<'a>(fixed: Option<&Fixed>, fields: &'a [Field], lists: bool) -> Cow<'a, [Field]> {
        let Some(fixed) = fixed else { return Cow::Borrowed(fields) };
        let dtype = if lists { DataType::List(Box::new(fixed.number())) } else { fixed.array() };
        Cow::Owned(fields.iter().cloned().chain([Field::new(fixed.name.as_str().into(), dtype)]).collect())
    }

    /// Inputs, q among them.
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
