//! The way in for arrays of a foreign producer: the [Arrow C data interface], checked.
//!
//! [`arrow::ffi::from_ffi`] believes what a producer says. [`array`] and [`Chunks`] first look at all of it that can be known:
//! counts that are negative, that overflow or that don't fit the type, memory that isn't there, children that are too
//! short. Only the size of a producer's buffers cannot be known, since the interface doesn't tell it.
//!
//! Where lists begin and end is checked by the functions of [this crate](super) that read them, and by no others: so what comes
//! out is for those only, and this module no part of the crate's public face.
//!
//! [Arrow C data interface]: https://arrow.apache.org/docs/format/CDataInterface.html

use std::ffi::{CStr, c_char};
use std::sync::Arc;

use arrow::array::{ArrayRef, make_array, new_empty_array};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use super::{Error, nest};

/// Takes over an array of numbers, of lists of them, or a table with columns of these; no values are copied.
///
/// # Errors
///
/// [`Error::Foreign`] for what the interface does not allow, [`Error::Unsupported`] for a type that is none of these.
///
/// # Safety
///
/// The structures and all that they point to have to be aligned and readable until they are released, nobody else's to change or
/// to release, and releasable from any thread; buffers have to be as long as their arrays say. That is all: what is written
/// there need not make sense. The array may be passed to the functions of this crate only.
///
/// # Example
///
/// ```
/// use arrow::array::{Array, Float64Array};
/// use arrow::ffi::to_ffi;
/// use polars_entropy::arrow::{Options, entropy, ffi};
///
/// let (array, schema) = to_ffi(&Float64Array::from(vec![1.0, 1.0]).into_data()).unwrap();
/// // SAFETY: both come from arrow-rs itself.
/// let array = unsafe { ffi::array(array, &schema) }?;
/// assert_eq!(entropy(&array, &Options::default())?.len(), 1);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub unsafe fn array(array: FFI_ArrowArray, schema: &FFI_ArrowSchema) -> Result<ArrayRef, Error> {
    // SAFETY: as for this function.
    unsafe { imported(array, &data_type(schema)?) }
}

/// The type that a schema describes. Of nested types only lists and structs are read, and a dictionary's keys are not told
/// apart.
///
/// # Errors
///
/// [`Error::Foreign`] for what the interface does not allow, [`Error::Unsupported`] for another nested type or an extension.
///
/// # Safety
///
/// The structure and all that it points to have to be readable.
pub unsafe fn data_type(schema: &FFI_ArrowSchema) -> Result<DataType, Error> {
    // SAFETY: as for this function.
    unsafe { type_at(schema, 0) }
}

/// Takes over an array of a type that is known.
///
/// # Safety
///
/// As for [`array`].
unsafe fn imported(mut array: FFI_ArrowArray, data_type: &DataType) -> Result<ArrayRef, Error> {
    // SAFETY: as for this function.
    unsafe { check(&mut array, data_type) }?;
    if array.length == 0 {
        // Which may lack buffers that arrow-rs wants.
        return Ok(new_empty_array(data_type));
    }
    // SAFETY: counts and pointers are as the type wants them; the caller vouches for the memory behind them.
    let data = unsafe { from_ffi_and_data_type(array, data_type.clone()) }?;
    Ok(make_array(data))
}

fn foreign<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Foreign(what.into()))
}

/// The key under which a schema says what it means beside what it is.
const EXTENSION: &[u8] = b"ARROW:extension:name";

/// The value of a key in a schema's metadata: the number of pairs, and each key and value after its length. They are bytes, of
/// which this makes text as far as it can; and nothing else is made of them, since a producer may write what it likes.
///
/// # Safety
///
/// Behind a pointer that isn't null there have to be as many bytes as the numbers there say.
unsafe fn metadata(mut at: *const u8, key: &[u8]) -> Result<Option<String>, Error> {
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller vouches for four bytes wherever a number stands.
    let number = |at: *const u8| i32::from_ne_bytes(unsafe { at.cast::<[u8; 4]>().read() });
    let part = |at: &mut *const u8| {
        let Ok(len) = usize::try_from(number(*at)) else {
            return foreign("its metadata has a negative length");
        };
        // SAFETY: the caller vouches for so many bytes behind the number.
        let (bytes, next) = unsafe { (std::slice::from_raw_parts(at.add(4), len), at.add(4 + len)) };
        *at = next;
        Ok(bytes)
    };
    let pairs = number(at);
    // SAFETY: there is the number of pairs before.
    at = unsafe { at.add(4) };
    for _ in 0..pairs {
        let (name, value) = (part(&mut at)?, part(&mut at)?);
        if name == key {
            return Ok(Some(String::from_utf8_lossy(value).into_owned()));
        }
    }
    Ok(None)
}

/// Deeper types than this are no data, but a loop.
const DEEPEST: usize = 64;

/// The type that a schema describes at this depth of another one.
///
/// # Safety
///
/// As for [`data_type`].
unsafe fn type_at(schema: &FFI_ArrowSchema, depth: usize) -> Result<DataType, Error> {
    if schema.release.is_none() {
        return foreign("the schema has been released");
    }
    // SAFETY: the caller vouches for the text.
    let Some(format) = (unsafe { text(schema.format) }) else {
        return foreign("the schema has no format, or none in UTF-8");
    };
    if depth > DEEPEST {
        return foreign(format!("the schema has more than {DEEPEST} levels"));
    }
    let child = |i: usize| -> Result<Arc<Field>, Error> {
        // SAFETY: the caller vouches for as many children as the schema says.
        match unsafe { pointed_at(schema.children, schema.n_children, i) } {
            Some(child) => {
                // SAFETY: likewise.
                let name = unsafe { text(child.name) }.unwrap_or(Field::LIST_FIELD_DEFAULT_NAME);
                // Nulls are looked for in the data.
                // SAFETY: as for this function.
                Ok(Arc::new(Field::new(name, unsafe { type_at(child, depth + 1) }?, true)))
            }
            None => foreign(format!("format {format:?} lacks child {i}")),
        }
    };
    // A type of its own, whatever it is stored in.
    // SAFETY: the caller vouches for the metadata.
    if let Some(name) = unsafe { metadata(schema.metadata.cast(), EXTENSION) }? {
        return Err(Error::Unsupported(format!("of the extension type {name:?}")));
    }
    // SAFETY: the caller vouches for the dictionary.
    if let Some(values) = unsafe { schema.dictionary.as_ref() } {
        // SAFETY: likewise.
        let values = unsafe { type_at(values, depth + 1) }?;
        return Ok(DataType::Dictionary(Box::new(DataType::Int32), Box::new(values)));
    }
    Ok(match format {
        "+l" => DataType::List(child(0)?),
        "+L" => DataType::LargeList(child(0)?),
        "+vl" => DataType::ListView(child(0)?),
        "+vL" => DataType::LargeListView(child(0)?),
        // Only a table is taken, and it is at the top. Of structs within structs arrow-rs slices the children twice.
        "+s" if depth == 0 => {
            let columns = usize::try_from(schema.n_children).unwrap_or_default();
            DataType::Struct((0..columns).map(child).collect::<Result<Fields, _>>()?)
        }
        _ if format.starts_with("+w:") => match format["+w:".len()..].parse() {
            Ok(width @ 0..) => DataType::FixedSizeList(child(0)?, width),
            _ => return foreign(format!("format {format:?} has no width")),
        },
        _ if format.starts_with('+') => {
            return Err(Error::Unsupported(format!("of format {format:?}")));
        }
        _ => DataType::try_from(schema)
            .map_err(|_| Error::Unsupported(format!("of the unknown format {format:?}")))?,
    })
}

/// Text in UTF-8, if there is any.
///
/// # Safety
///
/// Behind a pointer that isn't null there has to be text with its terminating zero.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a str> {
    // SAFETY: as for this function.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_str().ok())?
}

/// Element `i` of an array of pointers, if it is there.
///
/// # Safety
///
/// Behind a pointer that isn't null there have to be `count` elements, and behind each that isn't null a `T` that nobody else
/// refers to.
unsafe fn pointed_at<'a, T>(pointers: *mut *mut T, count: i64, i: usize) -> Option<&'a mut T> {
    let within = usize::try_from(count).is_ok_and(|count| i < count) && !pointers.is_null();
    // SAFETY: i is within the array, as the caller has it.
    within.then(|| unsafe { pointers.add(i).read_unaligned().as_mut() })?
}

/// Holds the counts and pointers of an array against its type.
///
/// # Safety
///
/// As for [`array`].
unsafe fn check(array: &mut FFI_ArrowArray, data_type: &DataType) -> Result<(), Error> {
    let fail = |what: String| foreign(format!("{data_type}: {what}"));
    if array.release.is_none() {
        return fail("it has been released".into());
    }
    let counts = [array.length, array.offset, array.length.saturating_add(array.offset)];
    let [Some(length), Some(offset), Some(end)] =
        counts.map(|x| usize::try_from(x).ok().filter(|x| *x <= LONGEST))
    else {
        return fail(format!("length {} and offset {} are not possible", array.length, array.offset));
    };
    if !array.dictionary.is_null() {
        return fail("it has a dictionary".into());
    }
    let Some(Layout { buffers, children }) = Layout::of(data_type) else {
        return Err(Error::Unsupported(format!("of {data_type}")));
    };
    if array.n_buffers != buffers.len() as i64 || (array.buffers.is_null() && !buffers.is_empty()) {
        return fail(format!("{} buffers in place of {}", array.n_buffers, buffers.len()));
    }
    if array.n_children != children.len() as i64 {
        return fail(format!("{} children in place of {}", array.n_children, children.len()));
    }
    for (i, buffer) in buffers.iter().enumerate() {
        let needed = match buffer {
            Buffer::Validity => array.null_count > 0,
            // An array without any elements may lack its only offset, too.
            Buffer::Elements | Buffer::Offsets => end > 0,
        };
        if needed && array.buffer(i).is_null() {
            return fail(format!("buffer {i} is not there"));
        }
    }
    if array.null_count > array.length || array.null_count < -1 {
        return fail(format!("{} nulls among {length} elements", array.null_count));
    }
    // To be counted: a null that the count denies would be taken for a weight.
    array.null_count = -1;
    for (i, (child_type, width)) in children.into_iter().enumerate() {
        // SAFETY: the caller vouches for as many children as the array says.
        let Some(child) = (unsafe { pointed_at(array.children, array.n_children, i) }) else {
            return fail(format!("child {i} is not there"));
        };
        // SAFETY: as for this function.
        unsafe { check(child, child_type) }?;
        let needed = width.map(|width| end.checked_mul(width).filter(|needed| *needed <= LONGEST));
        match needed {
            Some(None) => return fail(format!("{offset} + {length} of them are not possible")),
            Some(Some(needed)) if (child.length as usize) < needed => {
                return fail(format!("child {i} has {} elements and {needed} are needed", child.length));
            }
            _ => {}
        }
    }
    Ok(())
}

/// No array is longer: arrow-rs multiplies lengths by the bits of an element, of which the widest type has 256.
const LONGEST: usize = isize::MAX as usize / 512;

/// What a buffer holds.
enum Buffer {
    Validity,
    /// Something for each element.
    Elements,
    /// One more than there are elements.
    Offsets,
}

/// What an array of some type consists of.
struct Layout<'a> {
    buffers: &'static [Buffer],
    /// The children, and how many elements of each an element takes, if that is fixed.
    children: Vec<(&'a DataType, Option<usize>)>,
}

impl Layout<'_> {
    /// `None` is a type that is not taken.
    fn of(data_type: &DataType) -> Option<Layout<'_>> {
        use Buffer::*;
        let (buffers, children): (&'static [Buffer], _) = match (data_type, nest::element(data_type)) {
            (DataType::Null, _) => (&[], vec![]),
            (DataType::Struct(columns), _) => {
                (&[Validity], columns.iter().map(|column| (column.data_type(), Some(1))).collect())
            }
            (DataType::FixedSizeList(_, width), Some(element)) => {
                (&[Validity], vec![(element.data_type(), usize::try_from(*width).ok())])
            }
            (DataType::ListView(_) | DataType::LargeListView(_), Some(element)) => {
                (&[Validity, Elements, Elements], vec![(element.data_type(), None)])
            }
            (_, Some(element)) => (&[Validity, Offsets], vec![(element.data_type(), None)]),
            (number, None) if nest::is_number(number) => (&[Validity, Elements], vec![]),
            _ => return None,
        };
        Some(Layout { buffers, children })
    }
}

/// The arrays of a stream, in the Arrow C stream interface, each checked as by [`array`].
#[derive(Debug)]
pub struct Chunks {
    stream: FFI_ArrowArrayStream,
    data_type: DataType,
}

impl Chunks {
    /// Takes over a stream.
    ///
    /// # Errors
    ///
    /// [`Error::Foreign`] if the stream tells no type, [`Error::Unsupported`] as by [`data_type`], and [`Error::Stream`] if it
    /// fails.
    ///
    /// # Safety
    ///
    /// The structure has to be readable and its functions callable, and what they hand out has to be as for [`array`].
    pub unsafe fn new(mut stream: FFI_ArrowArrayStream) -> Result<Chunks, Error> {
        let (Some(get_schema), Some(_), Some(_)) = (stream.get_schema, stream.get_next, stream.release)
        else {
            return foreign("the stream has been released, or lacks a function");
        };
        let mut schema = FFI_ArrowSchema::empty();
        // SAFETY: the caller vouches for the function.
        let code = unsafe { get_schema(&mut stream, &mut schema) };
        if code != 0 {
            return Err(failure(&mut stream, code));
        }
        // SAFETY: the caller vouches for the schema.
        Ok(Chunks { data_type: unsafe { data_type(&schema) }?, stream })
    }

    /// The type of all arrays.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }
}

impl Iterator for Chunks {
    type Item = Result<ArrayRef, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: the caller of `new` vouches for the function, which is there.
        let code = unsafe { (self.stream.get_next?)(&mut self.stream, &mut array) };
        if code != 0 {
            let error = failure(&mut self.stream, code);
            // What a stream does after an error is not said.
            self.stream.get_next = None;
            return Some(Err(error));
        }
        // A released array is the end.
        array.release?;
        // SAFETY: the caller of `new` vouches for what the stream hands out.
        Some(unsafe { imported(array, &self.data_type) })
    }
}

fn failure(stream: &mut FFI_ArrowArrayStream, code: i32) -> Error {
    // SAFETY: the caller of `Chunks::new` vouches for the function, and its text lives until the next call.
    let message = stream.get_last_error.and_then(|get| unsafe { text(get(stream)) }.map(str::to_owned));
    Error::Stream(message.unwrap_or_else(|| format!("code {code}")))
}
