//! Output: arrays that speak the Arrow PyCapsule interface and NumPy's array interface.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::FFI_ArrowSchema;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Field, FieldRef};
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::ffi::{ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule};

use super::chunks::Column;
use crate::arrow::import;

/// Python object of a result.
pub fn to_python(py: Python<'_>, column: Column) -> PyResult<Py<PyAny>> {
    match (column.is_chunked, &column.chunks[..]) {
        (false, [array]) => Ok(Py::new(py, Whole(array.clone()))?.into_any()),
        _ => Ok(Py::new(py, Chunked(column))?.into_any()),
    }
}

/// Values in an Arrow array.
///
/// It implements the Arrow PyCapsule interface: `pyarrow.array(x)`, `polars.Series(x)` and any other consumer read it
/// without a copy. So does `numpy.asarray(x)` where there are no nulls. With nulls, NumPy gets a copy that has NaN in
/// their place.
#[pyclass(frozen, module = "polars_entropy.arrow", name = "Array")]
pub struct Whole(ArrayRef);

/// Values in Arrow arrays that follow each other, as `pyarrow.chunked_array` has them.
///
/// It implements the Arrow PyCapsule interface: `pyarrow.chunked_array(x)`, `polars.Series(x)` and any other consumer
/// of streams read it without a copy. `numpy.asarray(x)` copies the chunks together, unless there is just one.
#[pyclass(frozen, module = "polars_entropy.arrow", name = "ChunkedArray")]
pub struct Chunked(Column);

/// Type that a consumer asks for. Unreadable schemas are ignored: the interface lets a producer decline a request.
fn wanted(schema: Option<&Bound<'_, PyCapsule>>) -> Option<DataType> {
    let schema = schema?.pointer_checked(Some(c"arrow_schema")).ok()?.cast::<FFI_ArrowSchema>();
    // SAFETY: capsules of this name hold schemas, as the interface has it.
    unsafe { import::data_type(schema.as_ref()) }.ok()
}

/// Values in the type that a consumer asks for, if that is a float; in any other type the values would be others.
fn as_requested(array: &ArrayRef, wanted: Option<&DataType>) -> Result<ArrayRef, ArrowError> {
    match wanted {
        Some(float @ (DataType::Float32 | DataType::Float64)) if array.data_type().is_floating() => {
            cast(array, float)
        }
        _ => Ok(array.clone()),
    }
}

fn field(data_type: &DataType) -> FieldRef {
    Arc::new(Field::new("", data_type.clone(), true))
}

#[pymethods]
impl Whole {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyTuple>> {
        let array = as_requested(&self.0, wanted(requested_schema.as_ref()).as_ref())?;
        to_array_pycapsules(py, field(array.data_type()), &array, None)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, field(self.0.data_type()).as_ref())
    }

    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        array_interface(py, std::slice::from_ref(&self.0))
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        copied(py, &Column::whole(self.0.clone()), dtype, copy)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> PyResult<String> {
        described("Array", std::slice::from_ref(&self.0), self.0.data_type())
    }
}

#[pymethods]
impl Chunked {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyArrowResult<Bound<'py, PyCapsule>> {
        let wanted = wanted(requested_schema.as_ref());
        let chunks: Vec<ArrayRef> = self
            .0
            .chunks
            .iter()
            .map(|chunk| as_requested(chunk, wanted.as_ref()))
            .collect::<Result<_, _>>()?;
        let field = field(chunks.first().map_or(&self.0.data_type, |chunk| chunk.data_type()));
        let reader = ArrayIterator::new(chunks.into_iter().map(Ok), field);
        to_stream_pycapsule(py, Box::new(reader), None)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyArrowResult<Bound<'py, PyCapsule>> {
        to_schema_pycapsule(py, field(&self.0.data_type).as_ref())
    }

    /// Arrays, one for each chunk.
    #[getter]
    fn chunks(&self) -> Vec<Whole> {
        self.0.chunks.iter().cloned().map(Whole).collect()
    }

    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        array_interface(py, &self.0.chunks)
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        copied(py, &self.0, dtype, copy)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> PyResult<String> {
        described("ChunkedArray", &self.0.chunks, &self.0.data_type)
    }
}

/// Address and dtype of the values for NumPy, read-only. At an AttributeError NumPy copies.
fn array_interface<'py>(py: Python<'py>, chunks: &[ArrayRef]) -> PyResult<Bound<'py, PyDict>> {
    let [array] = chunks else { return Err(PyAttributeError::new_err("several chunks are not one vector")) };
    if array.null_count() > 0 {
        return Err(PyAttributeError::new_err("NumPy has no nulls"));
    }
    let place = place::<Float64Type>(array).or_else(|| place::<Float32Type>(array));
    let (address, bytes) = place.ok_or_else(|| PyAttributeError::new_err("lists are not one vector"))?;
    let order = if cfg!(target_endian = "big") { '>' } else { '<' };
    let interface = PyDict::new(py);
    interface.set_item("version", 3)?;
    interface.set_item("shape", (array.len(),))?;
    interface.set_item("typestr", format!("{order}f{bytes}"))?;
    interface.set_item("data", (address, true))?;
    Ok(interface)
}

/// Address of the values and the width of one, if they are of this type.
fn place<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<(usize, usize)> {
    let values = array.as_primitive_opt::<T>()?.values();
    Some((values.as_ptr() as usize, size_of::<T::Native>()))
}

/// Vector of NumPy's own, with NaN for null.
fn copied<'py>(
    py: Python<'py>,
    column: &Column,
    dtype: Option<Bound<'py, PyAny>>,
    copy: Option<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    if copy == Some(false) {
        return Err(PyValueError::new_err(
            "nulls, chunks or lists cannot become a NumPy vector without a copy",
        ));
    }
    let vector: ArrayRef = match column.data_type {
        DataType::Float64 => Arc::new(with_nan::<Float64Type>(&column.chunks, f64::NAN)),
        DataType::Float32 => Arc::new(with_nan::<Float32Type>(&column.chunks, f32::NAN)),
        ref lists => {
            return Err(PyTypeError::new_err(format!(
                "{lists} is not one vector: make an array of lists of it, as in `pyarrow.array(…)`"
            )));
        }
    };
    py.import("numpy")?.call_method1("array", (to_python(py, Column::whole(vector))?, dtype))
}

fn with_nan<T: ArrowPrimitiveType>(chunks: &[ArrayRef], nan: T::Native) -> PrimitiveArray<T> {
    let arrays = chunks.iter().map(|chunk| chunk.as_primitive::<T>());
    let values = arrays.flat_map(|array| array.iter().map(|x| x.unwrap_or(nan)));
    PrimitiveArray::from_iter_values(values)
}

/// Number of values that a description shows.
const SHOWN: usize = 10;

fn described(kind: &str, chunks: &[ArrayRef], data_type: &DataType) -> PyResult<String> {
    let rows: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let mut text = format!("<polars_entropy.arrow.{kind} of {rows} {data_type}");
    if kind != "Array" {
        let _ = write!(text, " in {} chunks", chunks.len());
    }
    text.push_str(": [");
    let options = FormatOptions::new().with_null("null");
    let mut shown = 0;
    for chunk in chunks {
        let format = |error: ArrowError| PyValueError::new_err(error.to_string());
        let formatter = ArrayFormatter::try_new(chunk.as_ref(), &options).map_err(format)?;
        for row in 0..chunk.len().min(SHOWN - shown) {
            let comma = if shown > 0 { ", " } else { "" };
            let _ = write!(text, "{comma}{}", formatter.value(row));
            shown += 1;
        }
    }
    text.push_str(if rows > SHOWN { ", …]>" } else { "]>" });
    Ok(text)
}
