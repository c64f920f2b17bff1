//! The table of dtypes: what counts as a number, which precision comes out, and what the wrong accessor is told.

use polars::prelude::*;

use super::errors::refused;
use super::kwargs::{AxesKwargs, Span};
use crate::kernel::axes;
use crate::kernel::options::Precision;
use crate::kernel::quantities;
use crate::kernel::registry::{Function, Registered};

/// Dtype of results of this precision.
pub fn float(precision: Precision) -> DataType {
    match precision {
        Precision::Single => DataType::Float32,
        Precision::Double => DataType::Float64,
    }
}

/// Precision that values of this dtype ask for: `Some(None)` if they ask for none (`Null`: all of them are missing), `None` if they
/// are no numbers.
fn asked_by(dtype: &DataType) -> Option<Option<Precision>> {
    use DataType::*;
    match dtype {
        Float16 | Float32 => Some(Some(Precision::Single)),
        Float64 | Boolean | Decimal(..) => Some(Some(Precision::Double)),
        Null => Some(None),
        dtype if dtype.is_integer() => Some(Some(Precision::Double)),
        _ => None,
    }
}

/// Whether values of this dtype are weights.
pub fn is_number(dtype: &DataType) -> bool {
    asked_by(dtype).is_some()
}

/// Precision of a result of inputs of these dtypes.
pub fn precision<'a>(dtypes: impl IntoIterator<Item = &'a DataType>) -> Precision {
    Precision::of(dtypes.into_iter().filter_map(|dtype| asked_by(dtype).flatten()))
}

/// Whether values of this dtype are texts.
pub fn is_text(dtype: &DataType) -> bool {
    matches!(dtype, DataType::String | DataType::Categorical(..) | DataType::Enum(..))
}

/// Name of the weights in a list of keys and weights, which is what a Map is to a plugin.
fn entries(dtype: &DataType) -> Option<&str> {
    match dtype.inner_dtype() {
        Some(DataType::Struct(fields)) if fields.len() == 2 && is_number(fields[1].dtype()) => {
            Some(fields[1].name())
        }
        _ => None,
    }
}

/// Place of a distribution: the three accessors of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Flat,
    List,
    Array,
}

impl Shape {
    fn of(dtype: &DataType) -> Option<Shape> {
        match dtype {
            DataType::List(_) => Some(Shape::List),
            DataType::Array(..) => Some(Shape::Array),
            dtype if is_number(dtype) => Some(Shape::Flat),
            _ => None,
        }
    }

    fn accessor(self) -> &'static str {
        match self {
            Shape::Flat => "info",
            Shape::List => "info.list",
            Shape::Array => "info.arr",
        }
    }

    fn takes(self) -> &'static str {
        match self {
            Shape::Flat => "a column of numbers",
            Shape::List => "a List column of numbers",
            Shape::Array => "an Array column of numbers",
        }
    }
}

/// A method of the namespace, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    shape: Shape,
    name: &'static str,
    /// Suffix of the name where a state comes out.
    suffix: &'static str,
    pair: bool,
    elementwise: bool,
    of_counts: bool,
}

impl Method {
    /// The method that gives values of a quantity.
    pub fn value(shape: Shape, quantity: &Registered) -> Method {
        let Registered { name, pair, of_counts, .. } = *quantity;
        Method { shape, name, suffix: "", pair, elementwise: false, of_counts }
    }

    /// The method that gives states of it.
    pub fn state(shape: Shape, quantity: &Registered) -> Method {
        Method { suffix: "_state", ..Method::value(shape, quantity) }
    }

    /// The method of a function of elements.
    pub fn element(function: &Function) -> Method {
        let Function { name, pair, .. } = *function;
        Method { shape: Shape::Flat, name, suffix: "", pair, elementwise: true, of_counts: false }
    }

    fn full_name(self) -> String {
        format!("{}{}", self.name, self.suffix)
    }

    /// The method as a user writes it.
    pub fn path(self) -> String {
        format!("{}.{}", self.shape.accessor(), self.full_name())
    }

    /// Refuses another number of inputs than the method takes.
    fn check_inputs(self, fields: &[Field]) -> PolarsResult<()> {
        let takes = if self.pair { 2 } else { 1 };
        polars_ensure!(
            fields.len() == takes,
            InvalidOperation: "`{}` takes {takes} columns, not {}", self.path(), fields.len()
        );
        Ok(())
    }

    /// The error for a dtype that the method does not take as p, or, after `q`, as q.
    fn refuse(self, role: &str, field: &Field) -> PolarsError {
        let Method { shape, elementwise, .. } = self;
        let name = self.full_name();
        let has = |dtype: &DataType| -> String {
            match Shape::of(dtype) {
                Some(other) if self.of_counts && other == shape && is_number(dtype.leaf_dtype()) => {
                    "counts are integers; cast whole numbers, as with `cast(pl.Int64)`, or leave `estimator` out".into()
                }
                Some(Shape::List | Shape::Array) if elementwise => {
                    format!("write `list.eval(pl.element().info.{name}(…))`, or explode the column")
                }
                _ if is_text(dtype) => {
                    "for the entropy of how often each value occurs write `info.values.entropy`, for that of the \
                     characters of each text `info.str.entropy`; for numbers in text, cast it"
                        .into()
                }
                Some(Shape::List) if dtype.inner_dtype().is_some_and(is_text) => {
                    "for the entropy of how often each value occurs in a row write `info.list.values.entropy`; for numbers in \
                     text, `list.eval(pl.element().cast(pl.Float64))`"
                        .into()
                }
                Some(Shape::List) if entries(dtype).is_some() => {
                    let weights = entries(dtype).unwrap_or_default().escape_debug();
                    if quantities::QUANTITIES.iter().any(|quantity| quantity.name == name) {
                        format!("it holds keys and weights, as a Map does: write `info.map.{name}`")
                    } else {
                        format!(
                            "it holds keys and weights, as a Map does; take the weights out with \
                             `list.eval(pl.element().struct.field(\"{weights}\"))`"
                        )
                    }
                }
                _ if !is_number(dtype.leaf_dtype()) => {
                    "cast it to numbers first; Boolean, Decimal, integers and floats are taken as they are"
                        .into()
                }
                Some(Shape::Flat) if role == "p" && let Some(of_weights) = name.strip_prefix("logits.") => {
                    format!("for a column of logits as one distribution write `exp().info.{of_weights}`")
                }
                Some(other) if other != shape && role == "p" => {
                    format!("write `{}.{name}`", other.accessor())
                }
                Some(Shape::Flat) => {
                    "for one fixed distribution pass a sequence of numbers, or q.implode()".into()
                }
                Some(_) if shape == Shape::Flat => {
                    "q takes a column of numbers or one number, with the same rows as p".into()
                }
                Some(Shape::List) if shape == Shape::Array => {
                    "make it an Array, with `list.to_array(width)`".into()
                }
                Some(_) => "flatten it, or reduce it level by level".into(),
                None => "cast it to numbers first".into(),
            }
        };
        let takes = shape.takes();
        let takes = if self.of_counts { takes.replace("numbers", "counts") } else { takes.into() };
        refused(&self.path(), &takes, role, field, &has(field.dtype()))
    }

    fn check_flat(self, role: &str, field: &Field) -> PolarsResult<()> {
        if self.takes_leaf(field.dtype()) { Ok(()) } else { Err(self.refuse(role, field)) }
    }

    fn takes_leaf(self, dtype: &DataType) -> bool {
        if self.of_counts { dtype.is_integer() || dtype.is_null() } else { is_number(dtype) }
    }

    /// The innermost level may be an Array. A `Null` column is a column of null rows.
    fn check_list(self, role: &str, field: &Field) -> PolarsResult<()> {
        let mut inner = field.dtype();
        let outermost_fits = inner.is_list() || inner.is_null() || (role == "q" && inner.is_array());
        while let DataType::List(below) = inner {
            inner = below;
        }
        if let DataType::Array(below, width) = inner {
            self.check_width(role, field, *width)?;
            inner = below;
        }
        if outermost_fits && self.takes_leaf(inner) { Ok(()) } else { Err(self.refuse(role, field)) }
    }

    fn check_array(self, role: &str, field: &Field) -> PolarsResult<()> {
        let mut inner = field.dtype();
        let outermost_fits = inner.is_array() || inner.is_null();
        while let DataType::Array(below, width) = inner {
            self.check_width(role, field, *width)?;
            inner = below;
        }
        if outermost_fits && is_number(inner) { Ok(()) } else { Err(self.refuse(role, field)) }
    }

    /// Polars loses the length of an array of width 0 on the way to and from a plugin.
    fn check_width(self, role: &str, field: &Field, width: usize) -> PolarsResult<()> {
        polars_ensure!(
            width > 0,
            InvalidOperation:
            "`{}`: {role} ('{}') is {}, and Polars cannot pass arrays of width 0 to a plugin: make lists of them, \
             with `arr.to_list()`, and write `info.list.{}`",
            self.path(), field.name().escape_debug(), field.dtype(), self.full_name()
        );
        Ok(())
    }
}

/// Precision of a result of these inputs; a weak q is a Python number, which has none of its own.
pub fn of_series(inputs: &[Series], weak_q: bool) -> Precision {
    of_inputs(inputs.iter().map(|s| s.dtype()), weak_q)
}

fn of_inputs<'a>(dtypes: impl IntoIterator<Item = &'a DataType>, weak_q: bool) -> Precision {
    let count = if weak_q { 1 } else { 2 };
    precision(dtypes.into_iter().take(count).map(|dtype| dtype.leaf_dtype()))
}

/// Field of the result of flat columns.
pub fn flat_output(method: Method, fields: &[Field], weak_q: bool) -> PolarsResult<Field> {
    method.check_inputs(fields)?;
    for (field, role) in fields.iter().zip(["p", "q"]) {
        method.check_flat(role, field)?;
    }
    let precision = of_inputs(fields.iter().map(Field::dtype), weak_q);
    Ok(Field::new(fields[0].name.clone(), float(precision)))
}

/// Number of levels of nesting of a dtype.
fn depth(dtype: &DataType) -> usize {
    dtype.inner_dtype().map_or(0, |inner| 1 + depth(inner))
}

/// `dtype` with its innermost level replaced by a number.
pub fn reduce_innermost(dtype: &DataType, number: DataType) -> DataType {
    match dtype {
        DataType::List(inner) if inner.is_nested() => {
            DataType::List(Box::new(reduce_innermost(inner, number)))
        }
        _ => number,
    }
}

/// Field of the result of the rows of List columns.
pub fn list_output(method: Method, fields: &[Field]) -> PolarsResult<Field> {
    method.check_inputs(fields)?;
    for (field, role) in fields.iter().zip(["p", "q"]) {
        method.check_list(role, field)?;
    }
    let p = &fields[0];
    if let Some(q) = fields.get(1).filter(|q| depth(q.dtype()) > depth(p.dtype()).max(1)) {
        polars_bail!(
            InvalidOperation:
            "`{}`: q ('{}') is {} and so nested deeper than p ('{}'), which is {}: explode q first",
            method.path(), q.name().escape_debug(), q.dtype(), p.name().escape_debug(), p.dtype()
        );
    }
    let number = float(of_inputs(fields.iter().map(Field::dtype), false));
    Ok(Field::new(p.name.clone(), reduce_innermost(p.dtype(), number)))
}

/// Dtype of the cells of an input of an Array method: those in the list that a column or group was imploded to.
pub fn cell_dtype(dtype: &DataType, span: Span) -> &DataType {
    match dtype {
        DataType::List(cell) if span == Span::Group => cell,
        dtype => dtype,
    }
}

/// Flags of the axes of a column of these cells: whether each is reduced.
pub fn reduced_axes(cell: &DataType, kwargs: &AxesKwargs) -> PolarsResult<Vec<bool>> {
    let ndim = 1 + cell.get_shape().map_or(0, |shape| shape.len());
    axes::reduced(kwargs.axis.as_deref(), ndim).map_err(|error| {
        polars_err!(InvalidOperation: "`info.arr`: {error}: the column's rows are axis 0 and its cells are {cell}")
    })
}

/// Field of the result of the axes of Array columns.
pub fn arr_output(method: Method, fields: &[Field], kwargs: &AxesKwargs) -> PolarsResult<Field> {
    method.check_inputs(fields)?;
    let cells: Vec<Field> = fields
        .iter()
        .map(|field| Field::new(field.name.clone(), cell_dtype(field.dtype(), kwargs.span).clone()))
        .collect();
    for (field, role) in cells.iter().zip(["p", "q"]) {
        method.check_array(role, field)?;
    }
    let p = &cells[0];
    let number = float(of_inputs(cells.iter().map(Field::dtype), false));
    let Some(shape) = p.dtype().get_shape() else {
        return Ok(Field::new(p.name.clone(), number));
    };
    if let Some(q) = cells.get(1) {
        let of_q = q.dtype().get_shape();
        polars_ensure!(
            of_q.is_none_or(|of_q| shape.ends_with(&of_q)),
            ShapeMismatch:
            "p and q differ in length: every row of '{}' is {} and every row of q ('{}') is {}; \
             q needs the shape of p, or its last axes",
            p.name().escape_debug(), p.dtype(), q.name().escape_debug(), q.dtype()
        );
    }
    let reduced = reduced_axes(p.dtype(), kwargs)?;
    let out = axes::result(&shape, &reduced[1..], kwargs.keepdims);
    let dtype = out.iter().rev().fold(number, |inner, width| DataType::Array(Box::new(inner), *width));
    Ok(Field::new(p.name.clone(), dtype))
}
