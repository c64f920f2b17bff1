//! The Python module `polars_entropy._lib`: the functions over Arrow arrays, for `polars_entropy.arrow`, where their
//! arguments have been checked, and the table of quantities.

mod chunks;
mod input;
mod output;
mod quantity;

use std::cell::Cell;

use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use self::chunks::Column;
use self::input::{Argument, Source};
use self::output::{Chunked, Whole};
use self::quantity::Quantity;
use crate::arrow::{self, Error, Totals, element_field};
use crate::kernel::quantities;
use crate::kernel::registry::{Function, Registered};
use crate::{NanPolicy, Options, Side};

#[pymodule]
fn _lib(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Whole>()?;
    module.add_class::<Chunked>()?;
    module.add_class::<Quantity>()?;
    module.add("QUANTITIES", quantity::quantities(module.py())?)?;
    module.add("ESTIMATORS", quantity::estimators(module.py())?)?;
    module.add("OF_PAIRS", quantity::of_pairs(module.py())?)?;
    #[cfg(feature = "plugin")]
    {
        module.add_function(wrap_pyfunction!(stored_summands, module)?)?;
        let clear = wrap_pyfunction!(clear_summands, module)?;
        module.py().import("atexit")?.call_method1("register", (clear,))?;
    }
    module.add_function(wrap_pyfunction!(distribution, module)?)?;
    module.add_function(wrap_pyfunction!(map_distribution, module)?)?;
    module.add_function(wrap_pyfunction!(element, module)?)
}

/// Bytes of summands that are stored for calls of the plugin to come.
#[cfg(feature = "plugin")]
#[pyfunction]
fn stored_summands() -> usize {
    crate::plugin::summands::stored()
}

/// Drops these summands.
#[cfg(feature = "plugin")]
#[pyfunction]
fn clear_summands(py: Python<'_>) {
    py.detach(crate::plugin::summands::clear);
}

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        let text = error.to_string();
        match error {
            Error::Type { .. }
            | Error::Map { .. }
            | Error::KeyTypes { .. }
            | Error::TotalType(_)
            | Error::Depth { .. }
            | Error::Unsupported(_) => PyTypeError::new_err(text),
            Error::Arrow(ArrowError::MemoryError(_)) => PyMemoryError::new_err(text),
            _ => PyValueError::new_err(text),
        }
    }
}

/// Kind of Python object that q was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum QKind {
    /// Arrow data, or no q at all.
    Arrow,
    /// One number, which goes with all of p and has no precision of its own.
    Number,
    /// Sequence or vector, which has to be as long as p.
    Sequence,
}

impl FromPyObject<'_, '_> for QKind {
    type Error = PyErr;

    fn extract(name: Borrowed<'_, '_, PyAny>) -> PyResult<QKind> {
        match name.extract::<&str>()? {
            "arrow" => Ok(QKind::Arrow),
            "number" => Ok(QKind::Number),
            "sequence" => Ok(QKind::Sequence),
            name => Err(PyValueError::new_err(format!("unknown kind of q {name:?}"))),
        }
    }
}

impl QKind {
    /// Checks a q of numbers against a p of numbers.
    fn check(self, p: &Column, q: &Column) -> Result<(), Error> {
        match (self, p.len(), q.len()) {
            (QKind::Sequence, p, q) if p != q => Err(Error::Lengths { row: None, p, q }),
            _ => Ok(()),
        }
    }

    /// Values in single precision, where a number is all that asked for more.
    fn rounded(self, column: Column, p_is_single: bool) -> Result<Column, Error> {
        if self != QKind::Number || !p_is_single {
            return Ok(column);
        }
        let single = |chunk: &ArrayRef| Ok(cast(chunk, &DataType::Float32)?);
        let chunks = column.chunks.iter().map(single).collect::<Result<_, Error>>()?;
        Ok(Column { data_type: DataType::Float32, chunks, ..column })
    }
}

/// Sources of p, and of q if there is one.
fn open(
    name: &str,
    pair: bool,
    p: &Bound<'_, PyAny>,
    q: Option<&Bound<'_, PyAny>>,
    argument: impl Fn(Side) -> Argument,
) -> PyResult<(Source, Option<Source>)> {
    if pair != q.is_some() {
        let inputs = if pair { "p and q" } else { "p alone" };
        return Err(PyTypeError::new_err(format!("{name} takes {inputs}")));
    }
    let p = Source::open(p, argument(Side::P))?;
    Ok((p, q.map(|q| Source::open(q, argument(Side::Q))).transpose()?))
}

/// Quantity and options by their names in Python.
fn named(quantity: &str, base: Option<f64>, nan_policy: &str) -> PyResult<(&'static Registered, Options)> {
    let quantity = quantities::quantity(quantity)
        .ok_or_else(|| PyValueError::new_err(format!("unknown quantity {quantity:?}")))?;
    let nan_policy: NanPolicy = nan_policy.parse().map_err(PyValueError::new_err)?;
    Ok((quantity, Options { base, nan_policy }))
}

#[pyfunction]
fn distribution(
    quantity: &str,
    p: &Bound<'_, PyAny>,
    q: Option<&Bound<'_, PyAny>>,
    q_is: QKind,
    q_total: Option<&Bound<'_, PyAny>>,
    base: Option<f64>,
    nan_policy: &str,
) -> PyResult<Py<PyAny>> {
    let py = p.py();
    let (quantity, options) = named(quantity, base, nan_policy)?;
    let (p, q) = open(quantity.name, quantity.pair, p, q, |side| Argument::Weights { side, lists: true })?;
    if q_is == QKind::Number && p.is_of_lists() {
        return Err(PyTypeError::new_err(
            "q is one number, which goes with a p of numbers, and p is of lists: pass one distribution, as a sequence",
        ));
    }
    let totals = q_total.map(totals).transpose()?;
    let out = py.detach(|| values(quantity, p, q, q_is, totals.as_ref(), &options));
    output::to_python(py, out?)
}

/// Totals of q, of an object that speaks Arrow and holds numbers.
fn totals(q_total: &Bound<'_, PyAny>) -> PyResult<Totals> {
    Ok(Totals::open(&Source::open(q_total, Argument::Totals)?.column()?.array()?)?)
}

/// Values of lists, chunk by chunk where that is possible, or the one value of numbers.
fn values(
    quantity: &Registered,
    p: Source,
    q: Option<Source>,
    q_is: QKind,
    totals: Option<&Totals>,
    options: &Options,
) -> Result<Column, Error> {
    // Chunks come in their order, so each takes the next of the totals.
    let done = Cell::new(0);
    let values = |p: &dyn Array, q: Option<&dyn Array>| {
        let lists = |array: &&dyn Array| element_field(array.data_type()).is_some();
        let rows = [Some(p), q].into_iter().flatten().filter(lists).map(|lists| lists.len());
        let rows = rows.reduce(|p, q| if p == 1 { q } else { p }).unwrap_or(1);
        let totals = totals.map(|totals| totals.next(done.get(), rows)).transpose()?;
        done.set(done.get() + rows);
        arrow::distribution(quantity, p, q, totals.as_ref(), options)
    };
    let column = match (q.map(Source::column).transpose()?, p.is_of_lists()) {
        (q, true) => of_lists(p, q, values),
        (None, false) => p.column()?.map_whole(|p| values(p, None)),
        (Some(q), false) => {
            let (p_is_single, p) = (p.is_single(), p.column()?);
            q_is.check(&p, &q)?;
            let q = q.array()?;
            q_is.rounded(p.map_whole(|p| values(p, Some(&q)))?, p_is_single)
        }
    }?;
    // Behind what is wrong with the chunks, after which not all are done.
    totals.map_or(Ok(()), |totals| totals.check(done.get()))?;
    Ok(column)
}

/// Values of lists, chunk by chunk where that is possible.
fn of_lists(
    p: Source,
    q: Option<Column>,
    values: impl Fn(&dyn Array, Option<&dyn Array>) -> Result<ArrayRef, Error>,
) -> Result<Column, Error> {
    match q {
        None => p.map_chunks(|p| values(p, None)),
        Some(q) if q.is_one_distribution() => {
            let q = q.array()?;
            p.map_chunks(|p| values(p, Some(&q)))
        }
        Some(q) => chunks::map_pairs(p.column()?, q, |p, q| values(p, Some(q))),
    }
}

#[pyfunction]
fn map_distribution(
    quantity: &str,
    p: &Bound<'_, PyAny>,
    q: Option<&Bound<'_, PyAny>>,
    pseudo_count: f64,
    base: Option<f64>,
    nan_policy: &str,
) -> PyResult<Py<PyAny>> {
    let py = p.py();
    let (quantity, options) = named(quantity, base, nan_policy)?;
    let (p, q) = open(quantity.name, quantity.pair, p, q, |side| Argument::Map { side })?;
    let values = |p: &dyn Array, q: Option<&dyn Array>| {
        arrow::map::distribution(quantity, p, q, pseudo_count, &options)
    };
    let out = py.detach(|| of_lists(p, q.map(Source::column).transpose()?, values));
    output::to_python(py, out?)
}

#[pyfunction]
fn element(
    function: &str,
    p: &Bound<'_, PyAny>,
    q: Option<&Bound<'_, PyAny>>,
    q_is: QKind,
) -> PyResult<Py<PyAny>> {
    let py = p.py();
    let function = quantities::function(function)
        .ok_or_else(|| PyValueError::new_err(format!("unknown function {function:?}")))?;
    let (p, q) = open(function.name, function.pair, p, q, |side| Argument::Weights { side, lists: false })?;
    let out = py.detach(|| elements(function, p, q, q_is));
    output::to_python(py, out?)
}

/// Values of elements, in the chunks of p.
fn elements(function: &Function, p: Source, q: Option<Source>, q_is: QKind) -> Result<Column, Error> {
    let Some(q) = q else {
        return p.map_chunks(|p| arrow::element(function, p, None));
    };
    let p_is_single = p.is_single();
    let (p, q) = (p.column()?, q.column()?);
    q_is.check(&p, &q)?;
    let values = chunks::map_pairs(p, q, |p, q| arrow::element(function, p, Some(q)));
    q_is.rounded(values?, p_is_single)
}
