//! Rows of keys and weights, which are lists of structs of two fields. A Map comes to a plugin as such.

use std::borrow::Cow;

use polars::prelude::*;
use polars_arrow::array::{Array as _, BinaryViewArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;
use polars_core::utils::try_get_supertype;
use serde::Deserialize;

use super::chunks;
use super::convert;
use super::dtypes::{self, is_text};
use super::errors::{in_row, pair_rows, refused};
use super::keys::{self, Lists};
use super::kwargs::MapKwargs;
use crate::kernel::broadcast::{Broadcast, RowPairs};
use crate::kernel::keys::of_bytes;
use crate::kernel::maps::{self, EntryRows, LongKeys};
use crate::kernel::options::{Precision, Unit};
use crate::kernel::values::Values;

/// One distribution for all rows of p. Not an input: the streaming engine would repeat it for each row.
#[derive(Deserialize)]
pub struct FixedMap {
    name: String,
    keys: FixedKeys,
    weights: Vec<Option<f64>>,
    /// Whether the weights come from single precision, and so ask for no more.
    single: bool,
}

/// Keys that are passed as an argument. One of these has them.
#[derive(Deserialize)]
struct FixedKeys {
    texts: Option<Vec<Option<String>>>,
    integers: Option<Vec<Option<i64>>>,
    floats: Option<Vec<Option<f64>>>,
    booleans: Option<Vec<Option<bool>>>,
}

/// Entries of a side that are read at a time. Kinds of keys are found anew for each piece, so it has many entries. Both sides take some 3
/// MB, which stay in the cache that cores share.
const PIECE: usize = 1 << 16;

const KEY: PlSmallStr = PlSmallStr::from_static("key");
const WEIGHT: PlSmallStr = PlSmallStr::from_static("weight");

impl FixedMap {
    fn key_dtype(&self) -> DataType {
        match &self.keys {
            FixedKeys { texts: Some(_), .. } => DataType::String,
            FixedKeys { integers: Some(_), .. } => DataType::Int64,
            FixedKeys { floats: Some(_), .. } => DataType::Float64,
            _ => DataType::Boolean,
        }
    }

    fn weight_dtype(&self) -> DataType {
        if self.single { DataType::Float32 } else { DataType::Float64 }
    }

    fn field(&self) -> Field {
        let fields = vec![Field::new(KEY, self.key_dtype()), Field::new(WEIGHT, self.weight_dtype())];
        Field::new(self.name.as_str().into(), DataType::List(Box::new(DataType::Struct(fields))))
    }

    fn row(&self) -> PolarsResult<Series> {
        let keys = match &self.keys {
            FixedKeys { texts: Some(keys), .. } => Series::new(KEY, keys),
            FixedKeys { integers: Some(keys), .. } => Series::new(KEY, keys),
            FixedKeys { floats: Some(keys), .. } => Series::new(KEY, keys),
            FixedKeys { booleans, .. } => Series::new(KEY, booleans.as_deref().unwrap_or_default()),
        };
        let weights = Series::new(WEIGHT, &self.weights).cast(&self.weight_dtype())?;
        let entries =
            StructChunked::from_series(self.name.as_str().into(), keys.len(), [&keys, &weights].into_iter())?;
        Ok(entries.into_series().implode()?.into_series())
    }
}

/// Dtypes of the keys and the weights of a column of lists of structs of two fields; `None` for nothing but nulls.
fn entries<'a>(method: &str, role: &str, field: &'a Field) -> PolarsResult<Option<[&'a DataType; 2]>> {
    let takes = "a Map, or a List of a Struct of two fields, key and weight";
    let refuse = |instead: &str| refused(method, takes, role, field, instead);
    match field.dtype() {
        DataType::Null => Ok(None),
        DataType::List(inner) => match &**inner {
            DataType::Null => Ok(None),
            DataType::Struct(fields) if fields.len() == 2 => {
                let [key, weight] = [fields[0].dtype(), fields[1].dtype()];
                if !dtypes::is_number(weight) {
                    return Err(refuse(&format!(
                        "its second field, the weight, is {weight}; cast it to numbers first"
                    )));
                }
                keys::check(key).map_err(|_| refuse("Polars cannot pass arrays of width 0 to a plugin"))?;
                Ok(Some([key, weight]))
            }
            inner if dtypes::is_number(inner) => {
                Err(refuse(&format!("write `{}`", method.replace("info.map", "info.list"))))
            }
            _ => Err(refuse("make structs of two fields, as with `pl.struct(key, weight).implode()`")),
        },
        DataType::Struct(_) => {
            Err(refuse(&format!("to gather a column or a group write `implode().{method}`")))
        }
        _ => Err(refuse("gather its rows first, as with `group_by(…).agg(pl.struct(key, weight))`")),
    }
}

/// The dtype in which keys of these are compared; `None` if they can't be.
fn common(p: &DataType, q: &DataType) -> Option<DataType> {
    use DataType::*;
    match (p, q) {
        (p, q) if p == q => Some(p.clone()),
        (Null, other) | (other, Null) => Some(other.clone()),
        // Categories have the keys of their texts.
        (p, q) if is_text(p) && is_text(q) => Some(String),
        (UInt128, other) | (other, UInt128) if !other.is_unsigned_integer() => None,
        // In the plugin's own Polars that would be a float.
        (p, q) if p.is_integer() && q.is_integer() && p.is_signed_integer() != q.is_signed_integer() => {
            Some(Int128)
        }
        (p, q) if p.is_primitive_numeric() && q.is_primitive_numeric() => try_get_supertype(p, q).ok(),
        (Decimal(..), q) if q.is_integer() || q.is_decimal() => try_get_supertype(p, q).ok(),
        (p, Decimal(..)) if p.is_integer() => try_get_supertype(p, q).ok(),
        (List(p), List(q)) => Some(List(Box::new(common(p, q)?))),
        (Array(p, width), Array(q, of_q)) if width == of_q => Some(Array(Box::new(common(p, q)?), *width)),
        (Struct(p), Struct(q)) if p.len() == q.len() => {
            let field = |(p, q): (&Field, &Field)| {
                (p.name() == q.name()).then_some(())?;
                Some(Field::new(p.name().clone(), common(p.dtype(), q.dtype())?))
            };
            p.iter().zip(q).map(field).collect::<Option<_>>().map(Struct)
        }
        // A date and a time, or times of several units, would be made one by leaving some of it out.
        _ => None,
    }
}

/// The dtype that keys are cast to before they are compared; `None` as they are.
fn common_key(
    method: &str,
    p: (&Field, &DataType),
    q: (&Field, &DataType),
) -> PolarsResult<Option<DataType>> {
    if p.1 == q.1 || (is_text(p.1) && is_text(q.1)) {
        return Ok(None);
    }
    common(p.1, q.1).map(Some).ok_or_else(|| {
        polars_err!(
            InvalidOperation: "`{method}`: the keys of p ('{}') are {} and those of q ('{}') are {}: cast one of them",
            p.0.name().escape_debug(), p.1, q.0.name().escape_debug(), q.1
        )
    })
}

fn method(kwargs: &MapKwargs) -> String {
    format!("info.map.{}", kwargs.quantity.0.name)
}

/// Precision of the result, and the dtype that keys are cast to before they are compared.
fn resolve(fields: &[Field], kwargs: &MapKwargs) -> PolarsResult<(Precision, Option<DataType>)> {
    let method = method(kwargs);
    let takes = 1 + usize::from(kwargs.quantity.0.pair);
    polars_ensure!(
        fields.len() == takes,
        InvalidOperation: "`{method}` takes {takes} columns, not {}", fields.len()
    );
    let p = entries(&method, "p", &fields[0])?;
    let q = fields.get(1).map(|q| entries(&method, "q", q)).transpose()?.flatten();
    let common = match (p, q) {
        (Some([p, _]), Some([q, _])) => common_key(&method, (&fields[0], p), (&fields[1], q))?,
        _ => None,
    };
    Ok((dtypes::precision([p, q].into_iter().flatten().map(|[_, weight]| weight)), common))
}

/// Field of the values of rows of keys and weights.
pub fn values_field(fields: &[Field], kwargs: &MapKwargs) -> PolarsResult<Field> {
    let fields: Vec<Field> =
        fields.iter().cloned().chain(kwargs.fixed.as_ref().map(FixedMap::field)).collect();
    let (precision, _) = resolve(&fields, kwargs)?;
    Ok(Field::new(fields[0].name.clone(), dtypes::float(precision)))
}

/// Values of rows of keys and weights.
pub fn values(inputs: &[Series], kwargs: &MapKwargs) -> PolarsResult<Series> {
    let inputs = match &kwargs.fixed {
        Some(fixed) => Cow::Owned(inputs.iter().cloned().chain([fixed.row()?]).collect()),
        None => Cow::Borrowed(inputs),
    };
    let fields: Vec<Field> = inputs.iter().map(|s| s.field().into_owned()).collect();
    let (precision, common) = resolve(&fields, kwargs)?;
    let (p, q) = (&inputs[0], inputs.get(1));
    let pairing = q.map_or(Ok(Broadcast::same(p.len())), |q| pair_rows(p, q))?;
    if inputs.iter().any(|s| s.dtype().is_null()) {
        return Ok(convert::nulls(p.name(), pairing.rows(), &dtypes::float(precision)));
    }
    let rows = pairing.rows();
    let piece = rows_of_piece(p, q, pairing)?;
    let mut out = Values::with_capacity(rows);
    for first in (0..rows).step_by(piece) {
        let len = piece.min(rows - first);
        let cut = |s: &Series, repeats| if repeats { s.clone() } else { s.slice(first as i64, len) };
        let of_p = Maps::open(&cut(p, pairing.repeats_p()), common.as_ref())?;
        let of_q = q.map(|q| Maps::open(&cut(q, pairing.repeats_q()), common.as_ref())).transpose()?;
        maps::values(
            &of_p.rows(),
            of_q.as_ref().map(Maps::rows).as_ref(),
            RowPairs::All(pairing.part(len)),
            kwargs.quantity.0,
            kwargs.pseudo_count,
            kwargs.nan_policy.0,
            Unit::new(kwargs.base),
            &mut out,
        )
        .map_err(|error| in_row(error, first + error.row(), p.name(), q.map_or("", |q| q.name())))?;
    }
    convert::series(p.name(), vec![convert::values(out, precision)])
}

/// Number of rows that are read at a time, at least 1.
fn rows_of_piece(p: &Series, q: Option<&Series>, pairing: Broadcast) -> PolarsResult<usize> {
    // The texts of categories would be read again for each piece.
    if keys::has_categories(p.dtype()) || q.is_some_and(|q| keys::has_categories(q.dtype())) {
        return Ok(pairing.rows().max(1));
    }
    let entries = |s: &Series| -> PolarsResult<usize> {
        Ok(s.list()?.downcast_iter().map(|lists| lists.offsets().range() as usize).sum())
    };
    Ok(chunks::rows_of_piece(pairing, [entries(p)?, q.map_or(Ok(0), entries)?], PIECE))
}

/// The memory behind [`EntryRows`].
struct Maps {
    keys: Keys,
    weights: PrimitiveArray<f64>,
    valid: Option<Bitmap>,
    lists: Lists,
}

impl Maps {
    fn open(s: &Series, key: Option<&DataType>) -> PolarsResult<Maps> {
        let (lists, entries) = Lists::open(s)?;
        if entries.dtype().is_null() {
            let none = PrimitiveArray::from_vec(vec![0.0; entries.len()]);
            let valid = Some(Bitmap::new_zeroed(entries.len()));
            return Ok(Maps { keys: Keys::of(&entries)?, weights: none, valid, lists });
        }
        let valid = entries.chunks()[0].validity().cloned();
        let fields = entries.struct_()?.fields_as_series();
        let keys = match key {
            Some(dtype) => fields[0].strict_cast(dtype)?,
            None => fields[0].clone(),
        };
        Ok(Maps { keys: Keys::of(&keys)?, weights: convert::column(&fields[1])?, valid, lists })
    }

    fn rows(&self) -> EntryRows<'_> {
        EntryRows {
            keys: self.keys.keys(),
            valid_keys: convert::bits(self.keys.validity()),
            weights: convert::weights(&self.weights),
            valid: convert::bits(self.valid.as_ref()),
            layout: self.lists.layout(),
        }
    }
}

/// Keys of entries: numbers, or texts or bytes.
enum Keys {
    Numbers(PrimitiveArray<u64>),
    Bytes(BinaryViewArray),
}

impl Keys {
    fn of(s: &Series) -> PolarsResult<Keys> {
        Ok(match s.dtype() {
            DataType::String => Keys::Bytes(s.rechunk().str()?.downcast_as_array().to_binview()),
            DataType::Binary => Keys::Bytes(s.rechunk().binary()?.downcast_as_array().clone()),
            _ => Keys::Numbers(keys::keys(s)?),
        })
    }

    fn keys(&self) -> maps::Keys<'_> {
        match self {
            Keys::Numbers(keys) => maps::Keys::Numbers(keys.values().as_slice()),
            Keys::Bytes(bytes) => {
                maps::Keys::Views(bytemuck::must_cast_slice(bytes.views().as_slice()), bytes)
            }
        }
    }

    fn validity(&self) -> Option<&Bitmap> {
        match self {
            Keys::Numbers(keys) => keys.validity(),
            Keys::Bytes(bytes) => bytes.validity(),
        }
    }
}

impl LongKeys for BinaryViewArray {
    fn key(&self, at: usize) -> u64 {
        // Junk under a null is no text.
        self.get(at).map_or(0, of_bytes)
    }
}
