//! Import of arrays from a foreign producer through the [Arrow C data interface], with checks.
//!
//! [`arrow_array::ffi::from_ffi`] trusts the producer. [`array`] and [`Chunks`] first check all that can be known:
//! counts that are negative, that overflow or that don't fit the type, memory that isn't there, children that are too
//! short. The size of a producer's buffers cannot be known, since the interface doesn't say it.
//!
//! Begin and end of lists and texts, and indices into dictionaries, are checked by the functions of [this crate](super)
//! that read them, and by no others. Texts are taken for bytes, and may not be UTF-8. So an imported array is for those
//! functions only, and this module is no part of the crate's public face.
//!
//! [Arrow C data interface]: https://arrow.apache.org/docs/format/CDataInterface.html

use std::ffi::{CStr, c_char};
use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{ArrayRef, make_array, new_empty_array};
use arrow_schema::{DataType, Field, Fields};

use super::Error;
use super::keys::has_keys;
use super::view::{element_field, is_number};

/// Imports an array of numbers, of lists of them or of keys and weights, or a table with columns of these. No values are
/// copied.
///
/// # Errors
///
/// [`Error::Foreign`] for what the interface does not allow, [`Error::Unsupported`] for a type that is none of these.
///
/// # Safety
///
/// The structures and all that they point to have to be aligned and readable until they are released, nobody else's to
/// change or to release, and releasable from any thread. Buffers have to be as long as their arrays say. That is all:
/// the contents need not make sense. The array may be passed to the functions of this crate only.
///
/// # Example
///
/// ```
/// use arrow_array::ffi::to_ffi;
/// use arrow_array::{Array, Float64Array};
/// use polars_entropy::arrow::{Options, entropy, import};
///
/// let (array, schema) = to_ffi(&Float64Array::from(vec![1.0, 1.0]).into_data()).unwrap();
/// // SAFETY: both come from arrow-rs itself.
/// let array = unsafe { import::array(array, &schema) }?;
/// assert_eq!(entropy(&array, &Options::default())?.len(), 1);
/// # Ok::<(), polars_entropy::arrow::Error>(())
/// ```
pub unsafe fn array(array: FFI_ArrowArray, schema: &FFI_ArrowSchema) -> Result<ArrayRef, Error> {
    // SAFETY: as for this function.
    unsafe { imported(array, &data_type(schema)?) }
}

/// Type that a schema describes. Of nested types only lists, maps and structs are read.
///
/// # Errors
///
/// [`Error::Foreign`] for what the interface does not allow, [`Error::Unsupported`] for another nested type or an
/// extension.
///
/// # Safety
///
/// The structure and all that it points to have to be readable.
pub unsafe fn data_type(schema: &FFI_ArrowSchema) -> Result<DataType, Error> {
    // SAFETY: as for this function.
    unsafe { type_at(schema, 0) }
}

/// Imports an array of a known type.
///
/// # Safety
///
/// The conditions of [`array`].
unsafe fn imported(mut array: FFI_ArrowArray, data_type: &DataType) -> Result<ArrayRef, Error> {
    // SAFETY: as for this function.
    unsafe { check(&mut array, data_type) }?;
    if array.length == 0 {
        // It may lack buffers that arrow-rs wants.
        return Ok(new_empty_array(data_type));
    }
    // SAFETY: counts and pointers are as the type wants them; the caller vouches for the memory behind them.
    let data = unsafe { from_ffi_and_data_type(array, data_type.clone()) }?;
    Ok(make_array(data))
}

fn foreign<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Foreign(what.into()))
}

/// Key of a schema's metadata under which an extension type stands.
const EXTENSION: &[u8] = b"ARROW:extension:name";

/// Value of a key in a schema's metadata, which is the number of pairs, and each key and value after its length. Both
/// are bytes; those that are not UTF-8 are replaced.
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
    // SAFETY: the number of pairs stands before.
    at = unsafe { at.add(4) };
    for _ in 0..pairs {
        let (name, value) = (part(&mut at)?, part(&mut at)?);
        if name == key {
            return Ok(Some(String::from_utf8_lossy(value).into_owned()));
        }
    }
    Ok(None)
}

/// Depth beyond which a type is taken for a loop.
const DEEPEST: usize = 64;

/// Type that a schema describes at this depth of another one.
///
/// # Safety
///
/// The conditions of [`data_type`].
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
    // An extension type is a type of its own, whatever it is stored in.
    // SAFETY: the caller vouches for the metadata.
    if let Some(name) = unsafe { metadata(schema.metadata.cast(), EXTENSION) }? {
        return Err(Error::Unsupported(format!("of the extension type {name:?}")));
    }
    // SAFETY: the caller vouches for the dictionary.
    if let Some(values) = unsafe { schema.dictionary.as_ref() } {
        // SAFETY: likewise.
        let values = unsafe { type_at(values, depth + 1) }?;
        return match index_type(format) {
            Some(index) => Ok(DataType::Dictionary(Box::new(index), Box::new(values))),
            None => foreign(format!("indices into a dictionary have the format {format:?}")),
        };
    }
    Ok(match format {
        "+l" => DataType::List(child(0)?),
        "+L" => DataType::LargeList(child(0)?),
        "+vl" => DataType::ListView(child(0)?),
        "+vL" => DataType::LargeListView(child(0)?),
        "+s" => {
            let columns = usize::try_from(schema.n_children).unwrap_or_default();
            let columns = (0..columns).map(child).collect::<Result<Fields, _>>()?;
            columns.iter().try_for_each(|column| no_struct(column, format))?;
            DataType::Struct(columns)
        }
        "+m" => {
            let entries = child(0)?;
            match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => DataType::Map(entries, false),
                other => {
                    return foreign(format!("the entries of a map are {other}, and not a key and a value"));
                }
            }
        }
        _ if format.starts_with("+w:") => match format["+w:".len()..].parse() {
            Ok(width @ 0..) => {
                let element = child(0)?;
                no_struct(&element, format)?;
                DataType::FixedSizeList(element, width)
            }
            _ => return foreign(format!("format {format:?} has no width")),
        },
        _ if format.starts_with("w:") => match format["w:".len()..].parse() {
            Ok(width @ 0..) => DataType::FixedSizeBinary(width),
            _ => return foreign(format!("format {format:?} has no width")),
        },
        _ if format.starts_with('+') => {
            return Err(Error::Unsupported(format!("of format {format:?}")));
        }
        _ => DataType::try_from(schema)
            .map_err(|_| Error::Unsupported(format!("of the unknown format {format:?}")))?,
    })
}

/// Error for a struct in this place, since arrow-rs slices it there and then its children once more.
fn no_struct(field: &Field, format: &str) -> Result<(), Error> {
    match field.data_type() {
        DataType::Struct(_) => Err(Error::Unsupported(format!("of format {format:?} with structs in it"))),
        _ => Ok(()),
    }
}

/// Type of the indices into a dictionary, which are integers.
fn index_type(format: &str) -> Option<DataType> {
    Some(match format {
        "c" => DataType::Int8,
        "C" => DataType::UInt8,
        "s" => DataType::Int16,
        "S" => DataType::UInt16,
        "i" => DataType::Int32,
        "I" => DataType::UInt32,
        "l" => DataType::Int64,
        "L" => DataType::UInt64,
        _ => return None,
    })
}

/// Text at a pointer, if there is some in UTF-8.
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
/// Behind a pointer that isn't null there have to be `count` elements, and behind each that isn't null a `T` that
/// nobody else refers to.
unsafe fn pointed_at<'a, T>(pointers: *mut *mut T, count: i64, i: usize) -> Option<&'a mut T> {
    let within = usize::try_from(count).is_ok_and(|count| i < count) && !pointers.is_null();
    // SAFETY: i < count, and the caller vouches for the pointers and for what they point to.
    within.then(|| unsafe { pointers.add(i).read_unaligned().as_mut() })?
}

/// Checks the counts and pointers of an array against its type.
///
/// # Safety
///
/// The conditions of [`array`].
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
    let Some(Layout { buffers, parts, children, dictionary }) = Layout::for_type(data_type) else {
        return Err(Error::Unsupported(format!("of {data_type}")));
    };
    if *data_type == DataType::Null && array.n_buffers == 1 {
        // Polars has a buffer there, which means nothing.
        array.n_buffers = 0;
    }
    let fits = match parts {
        Parts::Any => (buffers.len() as i64..MOST_BUFFERS).contains(&array.n_buffers),
        _ => array.n_buffers == buffers.len() as i64,
    };
    if !fits || (array.buffers.is_null() && !buffers.is_empty()) {
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
            Buffer::Bytes => false,
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
    // SAFETY: as for this function; the buffers are there.
    if let Err(what) = unsafe { check_parts(array, parts, length, end) } {
        return fail(what);
    }
    // SAFETY: the caller vouches for the dictionary.
    match (unsafe { array.dictionary.as_mut() }, dictionary) {
        // SAFETY: as for this function.
        (Some(values), Some(value_type)) => unsafe { check(values, value_type) }?,
        (None, None) => {}
        (Some(_), None) => return fail("it has a dictionary".into()),
        (None, Some(_)) => return fail("it has no dictionary".into()),
    }
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

/// Checks the lengths from which arrow-rs takes the size of the buffers of bytes.
///
/// # Safety
///
/// The conditions of [`array`], and all buffers of the layout are there.
unsafe fn check_parts(array: &FFI_ArrowArray, parts: Parts, length: usize, end: usize) -> Result<(), String> {
    let is_possible = |len: i64| usize::try_from(len).is_ok_and(|len| len <= LONGEST);
    let last = match parts {
        Parts::None => return Ok(()),
        Parts::Width(width) => match end.checked_mul(width).filter(|bytes| *bytes <= LONGEST) {
            Some(_) => return Ok(()),
            None => return Err(format!("{end} elements of {width} bytes are not possible")),
        },
        // Neither of these is looked at.
        Parts::Small | Parts::Large if length == 0 => return Ok(()),
        Parts::Small => {
            let offsets = array.buffer(1).cast::<i32>();
            // SAFETY: the caller vouches for one more offset than there are elements.
            offsets.is_aligned().then(|| i64::from(unsafe { offsets.add(end).read() }))
        }
        Parts::Large => {
            let offsets = array.buffer(1).cast::<i64>();
            // SAFETY: likewise.
            offsets.is_aligned().then(|| unsafe { offsets.add(end).read() })
        }
        Parts::Any => {
            let (last, others) = (array.num_buffers() - 1, array.num_buffers() - 3);
            let lengths = array.buffer(last).cast::<i64>();
            if others == 0 {
                return Ok(());
            }
            if lengths.is_null() || !lengths.is_aligned() {
                return Err(format!("buffer {last} is not there, or not aligned"));
            }
            // SAFETY: the caller vouches for a length for each of the other buffers.
            let lengths = unsafe { std::slice::from_raw_parts(lengths, others) };
            return match lengths.iter().find(|length| !is_possible(**length)) {
                None => Ok(()),
                Some(length) => Err(format!("a buffer of {length} bytes is not possible")),
            };
        }
    };
    match last {
        None => Err("buffer 1 is not aligned".into()),
        Some(last) if !is_possible(last) => Err(format!("texts that end at {last} are not possible")),
        Some(_) => Ok(()),
    }
}

/// Number of buffers that no array of views has, since their numbers have 32 bits.
const MOST_BUFFERS: i64 = i32::MAX as i64;

/// Length that no array exceeds. arrow-rs multiplies lengths by the bits of an element, of which the widest type has
/// 256.
const LONGEST: usize = isize::MAX as usize / 512;

/// Content of a buffer.
enum Buffer {
    Validity,
    /// Something for each element.
    Elements,
    /// One more than there are elements.
    Offsets,
    /// As many bytes as are said elsewhere.
    Bytes,
}

/// Source of the number of bytes that all elements take together.
#[derive(Clone, Copy)]
enum Parts {
    /// Their number.
    None,
    /// Their number, each having this many bytes.
    Width(usize),
    /// The last offset, of 32 bits.
    Small,
    /// The last offset, of 64 bits.
    Large,
    /// A last buffer with the lengths of any number of buffers before it.
    Any,
}

/// Buffers and children that an array of some type has.
struct Layout<'a> {
    buffers: &'static [Buffer],
    parts: Parts,
    /// Types of the children, and how many of its elements an element takes, if that is fixed.
    children: Vec<(&'a DataType, Option<usize>)>,
    /// Type of the dictionary.
    dictionary: Option<&'a DataType>,
}

impl Layout<'_> {
    /// Layout of arrays of a type; `None` if the type is not taken.
    fn for_type(data_type: &DataType) -> Option<Layout<'_>> {
        use Buffer::*;
        let (mut parts, mut dictionary) = (Parts::None, None);
        let (buffers, children): (&'static [Buffer], _) = match (data_type, element_field(data_type)) {
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
            (DataType::Utf8 | DataType::Binary, _) => {
                parts = Parts::Small;
                (&[Validity, Offsets, Bytes], vec![])
            }
            (DataType::LargeUtf8 | DataType::LargeBinary, _) => {
                parts = Parts::Large;
                (&[Validity, Offsets, Bytes], vec![])
            }
            (DataType::Utf8View | DataType::BinaryView, _) => {
                parts = Parts::Any;
                (&[Validity, Elements, Bytes], vec![])
            }
            (DataType::FixedSizeBinary(width), _) => {
                parts = Parts::Width(usize::try_from(*width).ok()?);
                (&[Validity, Elements], vec![])
            }
            (DataType::Dictionary(_, values), _) if has_keys(data_type) => {
                dictionary = Some(&**values);
                (&[Validity, Elements], vec![])
            }
            (flat, None) if is_number(flat) || has_keys(flat) => (&[Validity, Elements], vec![]),
            _ => return None,
        };
        Some(Layout { buffers, parts, children, dictionary })
    }
}

/// Arrays of a stream, in the Arrow C stream interface, each checked as by [`array`].
#[derive(Debug)]
pub struct Chunks {
    stream: FFI_ArrowArrayStream,
    data_type: DataType,
}

impl Chunks {
    /// Imports a stream.
    ///
    /// # Errors
    ///
    /// [`Error::Foreign`] if the stream has no type, [`Error::Unsupported`] as by [`data_type`], and [`Error::Stream`]
    /// if it fails.
    ///
    /// # Safety
    ///
    /// The structure has to be readable and its functions callable, and the arrays that they return have to be as for
    /// [`array`].
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

    /// Type of all arrays.
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
            // The interface does not say what a stream does after an error.
            self.stream.get_next = None;
            return Some(Err(error));
        }
        // A released array is the end.
        array.release?;
        // SAFETY: the caller of `new` vouches for the arrays of the stream.
        Some(unsafe { imported(array, &self.data_type) })
    }
}

fn failure(stream: &mut FFI_ArrowArrayStream, code: i32) -> Error {
    // SAFETY: the caller of `Chunks::new` vouches for the function, and its text lives until the next call.
    let message = stream.get_last_error.and_then(|get| unsafe { text(get(stream)) }.map(str::to_owned));
    Error::Stream(message.unwrap_or_else(|| format!("code {code}")))
}
