//! Input: objects that speak the Arrow PyCapsule interface.

use std::ffi::CStr;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use super::chunks::{self, Column};
use crate::Side;
use crate::arrow::import::{self, Chunks};
use crate::arrow::{Error, Totals, check_type, element_field, is_single, map};
use crate::slices::side_name;

/// Argument that an object is for.
#[derive(Clone, Copy)]
pub enum Argument {
    /// p or q, of numbers or, where they are taken, of lists.
    Weights { side: Side, lists: bool },
    /// p or q, of lists of keys and weights.
    Map { side: Side },
    /// Totals of q.
    Totals,
}

impl Argument {
    fn name(self) -> &'static str {
        match self {
            Argument::Weights { side, .. } | Argument::Map { side } => side_name(side),
            Argument::Totals => "q_total",
        }
    }

    fn check(self, data_type: &DataType) -> Result<(), Error> {
        match self {
            Argument::Weights { side, lists } => check_type(data_type, side, lists),
            Argument::Map { side } => map::check_type(data_type, side),
            Argument::Totals => Totals::check_type(data_type),
        }
    }
}

/// Array, or stream of arrays that has not been read.
pub enum Source {
    Whole(ArrayRef),
    Stream { chunks: Chunks, data_type: DataType },
}

impl Source {
    /// Opens an object that speaks Arrow and holds what the argument takes. A table of one column is that column.
    pub fn open(object: &Bound<'_, PyAny>, argument: Argument) -> PyResult<Source> {
        let source = if object.hasattr("__arrow_c_array__")? {
            let capsules = object.call_method0("__arrow_c_array__")?;
            let (schema, array) = capsules.cast_into::<PyTuple>()?.extract::<(Bound<'_, PyCapsule>, _)>()?;
            let array: Bound<'_, PyCapsule> = array;
            // SAFETY: capsules of these names hold these structures, as the interface has it.
            let schema = unsafe { pointer::<FFI_ArrowSchema>(&schema, c"arrow_schema")?.as_ref() };
            // SAFETY: likewise.
            argument.check(one_column(&unsafe { import::data_type(schema) }?))?;
            let array = pointer(&array, c"arrow_array")?;
            // SAFETY: likewise; the array is marked as released for the capsule.
            let array = unsafe { import::array(FFI_ArrowArray::from_raw(array.as_ptr()), schema) }?;
            Source::Whole(column(array)?)
        } else if object.hasattr("__arrow_c_stream__")? {
            let capsule = object.call_method0("__arrow_c_stream__")?.cast_into::<PyCapsule>()?;
            let stream = pointer(&capsule, c"arrow_array_stream")?;
            // SAFETY: as for arrays.
            let chunks = unsafe { Chunks::new(FFI_ArrowArrayStream::from_raw(stream.as_ptr())) }?;
            let data_type = one_column(chunks.data_type()).clone();
            argument.check(&data_type)?;
            Source::Stream { data_type, chunks }
        } else {
            let kind = object.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "{} must speak the Arrow PyCapsule interface, as arrays of PyArrow, Series of Polars and many others do, and \
                 {kind} has neither `__arrow_c_array__` nor `__arrow_c_stream__`: wrap it, as in `pyarrow.array(…)`",
                argument.name(),
            )));
        };
        Ok(source)
    }

    fn data_type(&self) -> &DataType {
        match self {
            Source::Whole(array) => array.data_type(),
            Source::Stream { data_type, .. } => data_type,
        }
    }

    pub fn is_of_lists(&self) -> bool {
        element_field(self.data_type()).is_some()
    }

    /// True if the numbers ask for single precision.
    pub fn is_single(&self) -> bool {
        is_single(self.data_type())
    }

    /// All chunks at once.
    pub fn column(self) -> Result<Column, Error> {
        Ok(match self {
            Source::Whole(array) => Column::whole(array),
            Source::Stream { chunks, data_type } => {
                let chunks = chunks.map(|chunk| column(chunk?)).collect::<Result<_, _>>()?;
                Column::chunked(data_type, chunks)
            }
        })
    }

    /// Results of a function of each chunk, of which a stream hands out one at a time.
    pub fn map_chunks(
        self,
        function: impl Fn(&dyn Array) -> Result<ArrayRef, Error>,
    ) -> Result<Column, Error> {
        match self {
            Source::Whole(array) => Ok(Column::whole(function(&array)?)),
            Source::Stream { chunks, data_type } => {
                chunks::map_chunks(&data_type, chunks.map(|chunk| column(chunk?)), function)
            }
        }
    }
}

fn pointer<T>(capsule: &Bound<'_, PyCapsule>, name: &CStr) -> PyResult<std::ptr::NonNull<T>> {
    Ok(capsule.pointer_checked(Some(name))?.cast())
}

/// Type of the column of a table that has just one.
fn one_column(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Struct(columns) if columns.len() == 1 => columns[0].data_type(),
        other => other,
    }
}

/// Column of a table that has just one.
fn column(array: ArrayRef) -> Result<ArrayRef, Error> {
    match array.as_struct_opt() {
        Some(table) if table.null_count() > 0 => {
            Err(Error::Unsupported("of structs some of which are null, and so no table".into()))
        }
        Some(table) if table.num_columns() == 1 => Ok(table.column(0).clone()),
        _ => Ok(array),
    }
}
