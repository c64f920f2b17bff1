//! The Python module `polars_entropy._lib`: the functions over Arrow arrays, for `polars_entropy.arrow`, where their arguments
//! have been checked.

mod chunks;
mod input;
mod output;

use ::arrow::array::{Array, ArrayRef};
use ::arrow::compute;
use ::arrow::datatypes::DataType;
use ::arrow::error::ArrowError;
use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use self::chunks::Column;
use self::input::Source;
use self::output::{Chunked, Whole};
use crate::arrow::{self, Error, NanPolicy, Options, Side};

#[pymodule]
fn _lib(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Whole>()?;
    module.add_class::<Chunked>()?;
    module.add_function(wrap_pyfunction!(entropy, module)?)?;
    module.add_function(wrap_pyfunction!(kl_div, module)?)?;
    module.add_function(wrap_pyfunction!(entr, module)?)?;
    module.add_function(wrap_pyfunction!(rel_entr, module)?)
}

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        let text = error.to_string();
        match error {
            Error::Type { .. } | Error::Depth { .. } | Error::Unsupported(_) => PyTypeError::new_err(text),
            Error::Arrow(ArrowError::MemoryError(_)) => PyMemoryError::new_err(text),
            _ => PyValueError::new_err(text),
        }
    }
}

fn options(base: Option<f64>, nan_policy: &str) -> PyResult<Options> {
    let nan_policy: NanPolicy = nan_policy.parse().map_err(PyValueError::new_err)?;
    Ok(Options { base, nan_policy })
}

#[pyfunction]
fn entropy(p: &Bound<'_, PyAny>, base: Option<f64>, nan_policy: &str) -> PyResult<Py<PyAny>> {
    let (source, options) = (Source::open(p, Side::P, true)?, options(base, nan_policy)?);
    let out = p.py().detach(|| {
        if source.is_of_lists() {
            source.each(|array| arrow::entropy(array, &options))
        } else {
            source.column()?.of_whole(|array| arrow::entropy(array, &options))
        }
    });
    output::to_python(p.py(), out?)
}

/// What q was in Python, which tells what it may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    /// Arrow.
    Arrow,
    /// One number, which goes with all of p and has no precision of its own.
    Number,
    /// A sequence or a vector, which has as many numbers as it has.
    Sequence,
}

impl FromPyObject<'_, '_> for Second {
    type Error = PyErr;

    fn extract(name: Borrowed<'_, '_, PyAny>) -> PyResult<Second> {
        match name.extract::<&str>()? {
            "arrow" => Ok(Second::Arrow),
            "number" => Ok(Second::Number),
            "sequence" => Ok(Second::Sequence),
            name => Err(PyValueError::new_err(format!("unknown kind of q {name:?}"))),
        }
    }
}

impl Second {
    /// Holds a q of numbers against a p of numbers.
    fn check(self, p: &Column, q: &Column) -> Result<(), Error> {
        match (self, p.len(), q.len()) {
            (Second::Sequence, p, q) if p != q => Err(Error::Lengths { row: None, p, q }),
            _ => Ok(()),
        }
    }

    /// The value in single precision, where a number is all that asked for more.
    fn rounded(self, column: Column, p_is_single: bool) -> Result<Column, Error> {
        if self != Second::Number || !p_is_single {
            return Ok(column);
        }
        let cast = |chunk: &ArrayRef| Ok(compute::cast(chunk, &DataType::Float32)?);
        let chunks = column.chunks.iter().map(cast).collect::<Result<_, Error>>()?;
        Ok(Column { data_type: DataType::Float32, chunks, ..column })
    }
}

#[pyfunction]
fn kl_div(
    p: &Bound<'_, PyAny>,
    q: &Bound<'_, PyAny>,
    q_is: Second,
    base: Option<f64>,
    nan_policy: &str,
) -> PyResult<Py<PyAny>> {
    let options = options(base, nan_policy)?;
    let (of_p, of_q) = (Source::open(p, Side::P, true)?, Source::open(q, Side::Q, true)?);
    let (lists, single) = (of_p.is_of_lists(), of_p.is_single());
    if q_is == Second::Number && lists {
        return Err(PyTypeError::new_err(
            "q is one number, which goes with a p of numbers, and p is of lists: pass one distribution, as a sequence",
        ));
    }
    let out = p.py().detach(|| {
        let of = |p: &dyn Array, q: &dyn Array| arrow::kl_div(p, q, &options);
        let of_q = of_q.column()?;
        if lists && of_q.is_one_distribution() {
            let q = of_q.array()?;
            return of_p.each(|p| of(p, &q));
        }
        let of_p = of_p.column()?;
        if lists {
            return chunks::each_pair(of_p, of_q, of);
        }
        q_is.check(&of_p, &of_q)?;
        q_is.rounded(chunks::of_whole(of_p, of_q, of)?, single)
    });
    output::to_python(p.py(), out?)
}

#[pyfunction]
fn entr(p: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let source = Source::open(p, Side::P, false)?;
    let out = p.py().detach(|| source.each(|array| arrow::entr(array)));
    output::to_python(p.py(), out?)
}

#[pyfunction]
fn rel_entr(p: &Bound<'_, PyAny>, q: &Bound<'_, PyAny>, q_is: Second) -> PyResult<Py<PyAny>> {
    let (of_p, of_q) = (Source::open(p, Side::P, false)?, Source::open(q, Side::Q, false)?);
    let single = of_p.is_single();
    let out = p.py().detach(|| {
        let (of_p, of_q) = (of_p.column()?, of_q.column()?);
        q_is.check(&of_p, &of_q)?;
        q_is.rounded(chunks::each_pair(of_p, of_q, arrow::rel_entr)?, single)
    });
    output::to_python(p.py(), out?)
}
