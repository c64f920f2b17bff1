//! Keys of the values of an array: see [`keys`](crate::kernel::keys).
//!
//! Texts, views and indices of a foreign producer are read here for the first time, and so checked here.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    BinaryType, BinaryViewType, ByteArrayType, ByteViewType, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DecimalType, Float64Type, Int64Type, LargeBinaryType, LargeUtf8Type, StringViewType,
    UInt64Type, Utf8Type,
};
use arrow_array::{Array, ArrayRef, GenericByteArray, GenericByteViewArray};
use arrow_buffer::{ArrowNativeType, NullBuffer, ScalarBuffer, i256};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::Error;
use super::view::check_room;
use crate::kernel::keys::{SHORT, of_bytes, of_float, of_several, of_wide};
use crate::kernel::rules::Side;

/// Kind of a type of keys, which decides what it is compared with.
#[derive(Clone, Copy, PartialEq)]
enum Kind<'a> {
    /// Nothing but nulls.
    Null,
    Signed,
    Unsigned,
    Float,
    /// With this scale.
    Decimal(i8),
    Text,
    Bytes,
    /// Booleans, dates and times, which are equal to those of the same type only.
    Other(&'a DataType),
}

impl Kind<'_> {
    fn of(data_type: &DataType) -> Option<Kind<'_>> {
        match data_type {
            DataType::Dictionary(_, values) if !matches!(**values, DataType::Dictionary(..)) => {
                Kind::of(values)
            }
            DataType::Null => Some(Kind::Null),
            integer if integer.is_signed_integer() => Some(Kind::Signed),
            integer if integer.is_unsigned_integer() => Some(Kind::Unsigned),
            float if float.is_floating() => Some(Kind::Float),
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => Some(Kind::Decimal(*scale)),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Kind::Text),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Some(Kind::Bytes),
            DataType::Boolean
            | DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Duration(_) => Some(Kind::Other(data_type)),
            _ => None,
        }
    }

    /// Form in which values of this kind alone are compared.
    fn form(self) -> Form {
        match self {
            Kind::Float => Form::Float,
            Kind::Decimal(scale) => Form::Decimal(scale),
            _ => Form::Own,
        }
    }
}

/// Form in which values are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Their own, of integers up to 64 bits, of dates and times, and of bytes.
    Own,
    /// Integers of 128 bits.
    Wide,
    /// Floats.
    Float,
    /// Decimals of this scale.
    Decimal(i8),
}

/// True for a type whose values have keys.
pub fn has_keys(data_type: &DataType) -> bool {
    Kind::of(data_type).is_some()
}

/// Form in which keys of a type are compared with each other.
pub fn form(data_type: &DataType) -> Form {
    Kind::of(data_type).map_or(Form::Own, Kind::form)
}

/// Form in which keys of two types are compared, as they are in Polars; `None` if they can't be.
pub fn common_form(p: &DataType, q: &DataType) -> Option<Form> {
    use Kind::*;
    match (Kind::of(p)?, Kind::of(q)?) {
        (p, q) if p == q => Some(p.form()),
        (Null, other) | (other, Null) => Some(other.form()),
        (Signed, Unsigned) | (Unsigned, Signed) => Some(Form::Wide),
        (Float, Signed | Unsigned) | (Signed | Unsigned, Float) => Some(Form::Float),
        (Decimal(p), Decimal(q)) => Some(Form::Decimal(p.max(q))),
        (Decimal(scale), Signed | Unsigned) | (Signed | Unsigned, Decimal(scale)) => {
            Some(Form::Decimal(scale.max(0)))
        }
        // A date and a time, or times of several units, would be made one by leaving some of it out.
        _ => None,
    }
}

/// Key of each value of an array, null for null.
pub struct Keys {
    /// Keys, with anything behind a null.
    pub keys: ScalarBuffer<u64>,
    /// Validity.
    pub nulls: Option<NullBuffer>,
}

impl Keys {
    /// Keys of an array whose type has them, in the form in which they are compared.
    pub fn of(array: &ArrayRef, form: Form, side: Side) -> Result<Keys, Error> {
        // Nulls alone, and values of width 0, take up no memory before.
        check_room(array.len())?;
        if let Some(dictionary) = array.as_any_dictionary_opt() {
            return Keys::of_dictionary(dictionary.keys(), dictionary.values(), form, side);
        }
        let nulls = array.logical_nulls();
        let is_there = |at: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at));
        let keys = match (form, array.data_type()) {
            (_, DataType::Null) => vec![0; array.len()].into(),
            (_, text) if is_text(text) => {
                of_texts(array, (0..array.len()).map(|at| is_there(at).then_some(at)), side)?
            }
            (_, DataType::FixedSizeBinary(_)) => {
                let bytes = array.as_fixed_size_binary();
                (0..bytes.len()).map(|i| of_bytes(bytes.value(i))).collect()
            }
            (Form::Float, _) => {
                let floats = cast(array, &DataType::Float64)?;
                floats.as_primitive::<Float64Type>().values().iter().map(|x| of_float(*x)).collect()
            }
            (Form::Decimal(scale), _) => of_decimals(array, scale)?,
            (Form::Wide, unsigned) if unsigned.is_unsigned_integer() => {
                bits(array)?.iter().map(|x| of_wide((*x).into())).collect()
            }
            (Form::Wide, _) => bits(array)?.iter().map(|x| of_wide((*x as i64).into())).collect(),
            (Form::Own, _) => bits(array)?,
        };
        Ok(Keys { keys, nulls })
    }

    /// Keys of indices into values, which are equal where the values are.
    fn of_dictionary(indices: &dyn Array, values: &ArrayRef, form: Form, side: Side) -> Result<Keys, Error> {
        // As above.
        check_room(values.len())?;
        let nulls = values.logical_nulls();
        let mut places = Vec::with_capacity(indices.len());
        for (at, index) in bits(indices)?.iter().enumerate() {
            let place = usize::try_from(*index).ok().filter(|place| *place < values.len());
            places.push(match place {
                _ if indices.is_null(at) => None,
                None => return Err(Error::Key { side, key: at }),
                Some(place) => nulls.as_ref().is_none_or(|nulls| nulls.is_valid(place)).then_some(place),
            });
        }
        let keys = if is_text(values.data_type()) && values.len() > places.len() {
            // As where many chunks share one dictionary: only the values in use are hashed.
            of_texts(values, places.iter().copied(), side)?
        } else {
            let of_values = Keys::of(values, form, side)?.keys;
            places.iter().map(|place| place.map_or(0, |place| of_values[place])).collect()
        };
        let valid: Vec<bool> = places.iter().map(Option::is_some).collect();
        Ok(Keys { keys, nulls: Some(valid.into()) })
    }
}

/// Bits of integers, Booleans, dates and times, which are their own keys; of 64 bits they are not copied.
fn bits(array: &dyn Array) -> Result<ScalarBuffer<u64>, Error> {
    if array.data_type().is_unsigned_integer() {
        return Ok(cast(array, &DataType::UInt64)?.as_primitive::<UInt64Type>().values().clone());
    }
    let integers = cast(array, &DataType::Int64)?;
    Ok(integers.as_primitive::<Int64Type>().values().inner().clone().into())
}

/// True for texts and bytes of any length.
fn is_text(data_type: &DataType) -> bool {
    use DataType::*;
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView)
}

/// Keys of the texts or bytes at these places, 0 where there is no place; an error for one that does not lie within the bytes of the
/// array.
fn of_texts(
    array: &ArrayRef,
    places: impl Iterator<Item = Option<usize>>,
    side: Side,
) -> Result<ScalarBuffer<u64>, Error> {
    fn of(
        places: impl Iterator<Item = Option<usize>>,
        key_at: impl Fn(usize) -> Option<u64>,
        side: Side,
    ) -> Result<ScalarBuffer<u64>, Error> {
        let key = |at: usize| key_at(at).ok_or(Error::Key { side, key: at });
        places.map(|place| place.map_or(Ok(0), key)).collect::<Result<Vec<u64>, _>>().map(ScalarBuffer::from)
    }
    match array.data_type() {
        DataType::Utf8 => of(places, of_text(array.as_bytes::<Utf8Type>()), side),
        DataType::LargeUtf8 => of(places, of_text(array.as_bytes::<LargeUtf8Type>()), side),
        DataType::Binary => of(places, of_text(array.as_bytes::<BinaryType>()), side),
        DataType::LargeBinary => of(places, of_text(array.as_bytes::<LargeBinaryType>()), side),
        DataType::BinaryView => of(places, of_view(array.as_byte_view::<BinaryViewType>()), side),
        _ => of(places, of_view(array.as_byte_view::<StringViewType>()), side),
    }
}

/// Key of the text or bytes at a place, `None` if they don't lie within the bytes of the array.
fn of_text<T: ByteArrayType>(array: &GenericByteArray<T>) -> impl Fn(usize) -> Option<u64> {
    let (offsets, bytes) = (array.value_offsets(), array.value_data());
    move |at| bytes.get(offsets[at].to_usize()?..offsets[at + 1].to_usize()?).map(of_bytes)
}

/// Key of the text or bytes of the view at a place, `None` if they don't lie within the buffers of the array.
fn of_view<T: ByteViewType + ?Sized>(array: &GenericByteViewArray<T>) -> impl Fn(usize) -> Option<u64> {
    let (views, buffers) = (array.views(), array.data_buffers());
    move |at| {
        let view = &views[at];
        let part = |first: u32| (view >> first) as u32 as usize;
        let len = part(0);
        if len <= SHORT {
            return Some(of_bytes(&view.to_le_bytes()[4..][..len]));
        }
        let first = part(96);
        buffers.get(part(64))?.get(first..first.checked_add(len)?).map(of_bytes)
    }
}

/// Keys of decimals and integers, as decimals of a scale that is none of theirs or larger.
fn of_decimals(array: &ArrayRef, scale: i8) -> Result<ScalarBuffer<u64>, Error> {
    fn of<T: DecimalType>(
        array: &ArrayRef,
        up: impl Fn(i8) -> u32,
        wide: fn(T::Native) -> i256,
    ) -> ScalarBuffer<u64> {
        let decimals = array.as_primitive::<T>();
        let up = up(decimals.scale());
        decimals.values().iter().map(|x| of_decimal(wide(*x), up)).collect()
    }
    let up = |own: i8| (i32::from(scale) - i32::from(own)).max(0).unsigned_abs();
    Ok(match array.data_type() {
        DataType::Decimal32(..) => of::<Decimal32Type>(array, up, |x| i256::from_i128(x.into())),
        DataType::Decimal64(..) => of::<Decimal64Type>(array, up, |x| i256::from_i128(x.into())),
        DataType::Decimal128(..) => of::<Decimal128Type>(array, up, i256::from_i128),
        DataType::Decimal256(..) => of::<Decimal256Type>(array, up, |x| x),
        unsigned if unsigned.is_unsigned_integer() => {
            bits(array)?.iter().map(|x| of_decimal(i256::from_i128((*x).into()), up(0))).collect()
        }
        _ => bits(array)?.iter().map(|x| of_decimal(i256::from_i128((*x as i64).into()), up(0))).collect(),
    })
}

/// Key of a decimal whose scale goes up by so many places.
fn of_decimal(x: i256, up: u32) -> u64 {
    let scaled = match up {
        _ if up == 0 || x == i256::ZERO => Some(x),
        _ => i256::from_i128(10).checked_pow(up).and_then(|factor| x.checked_mul(factor)),
    };
    match scaled.map(|x| (x, x.to_i128())) {
        Some((_, Some(x))) => of_wide(x),
        Some((x, None)) => of_bytes(&x.to_le_bytes()),
        // Larger than any on the other side, whose scale stays as it is.
        None => of_several([of_bytes(&x.to_le_bytes()), up.into()].map(Some)),
    }
}
