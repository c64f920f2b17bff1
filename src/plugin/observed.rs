//! Observed values, whose weights are how often they occur: keys of columns, rows of keys, characters.

use polars::prelude::*;
use polars_arrow::array::{BinaryViewArray, PrimitiveArray, Utf8ViewArray};

use super::convert;
use super::errors::{in_row, null_in_row, null_value, pair_values, refused, refused_as_stored};
use super::keys::{self, Lists};
use super::kwargs::{CharacterKwargs, KeyKwargs, KeyRowKwargs, PairKwargs};
use crate::kernel::characters;
use crate::kernel::counts::{self, KeyRows};
use crate::kernel::keys::of_several;
use crate::kernel::layout::Error;
use crate::kernel::options::{NanPolicy, Precision, Unit};
use crate::kernel::registry::PairSide;
use crate::kernel::values::Values;

fn check_values(method: &str, role: &str, field: &Field) -> PolarsResult<()> {
    keys::check(field.dtype()).map_err(|within| {
        let instead = format!(
            "Polars passes no {within} to a plugin as it is; make lists of arrays, with `arr.to_list()`"
        );
        refused_as_stored(method, "a column of values that a group-by takes", role, field, &instead)
    })
}

/// Field of the keys of a column, or of one side of a pair of columns.
pub fn keys_field(fields: &[Field], kwargs: &KeyKwargs) -> PolarsResult<Field> {
    let method = format!("info.values.{}", kwargs.method);
    polars_ensure!(fields.len() == 1 + usize::from(kwargs.side.is_some()), InvalidOperation: "`{method}`: wrong number of columns");
    for (field, role) in fields.iter().zip(["x", "y"]) {
        check_values(&method, role, field)?;
    }
    Ok(Field::new(fields[0].name.clone(), DataType::UInt64))
}

/// Keys of a column, or of one side of a pair of columns, where a pair is null as soon as one of its values is.
pub fn keys(inputs: &[Series], kwargs: &KeyKwargs) -> PolarsResult<Series> {
    let keys = match (inputs, &kwargs.side) {
        ([x, y], Some(side)) => keys_of_pairs(x, y, side.0, kwargs)?,
        _ => keys::keys(&inputs[0])?,
    };
    if kwargs.nan_policy.0 == NanPolicy::Raise
        && let Some(valid) = convert::bits(keys.validity())
        && let Some(at) = (0..keys.len()).find(|at| !valid.get(*at))
    {
        let x = &inputs[0];
        let in_x = x.get(if x.len() == 1 { 0 } else { at })?.is_null();
        let (is_y, column) = if in_x { (false, x) } else { (true, &inputs[1]) };
        return Err(null_value(is_y, column.name(), at));
    }
    convert::series(inputs[0].name(), vec![keys.boxed()])
}

fn keys_of_pairs(
    x: &Series,
    y: &Series,
    side: PairSide,
    kwargs: &KeyKwargs,
) -> PolarsResult<PrimitiveArray<u64>> {
    let pairs = pair_values(x, y, kwargs.sequence)?;
    // Of a side that isn't asked for, only nulls are of interest.
    let valid_alone = |s: &Series| {
        let valid = s.is_not_null();
        PrimitiveArray::from_vec(vec![0_u64; s.len()])
            .with_validity(Some(valid.rechunk().downcast_as_array().values().clone()))
    };
    let of_x = if side == PairSide::Y { valid_alone(x) } else { keys::keys(x)? };
    let of_y = if side == PairSide::X { valid_alone(y) } else { keys::keys(y)? };
    let pair = |row| {
        let (i, j) = pairs.get(row);
        let (x, y) = (of_x.get(i)?, of_y.get(j)?);
        Some(match side {
            PairSide::X => x,
            PairSide::Y => y,
            PairSide::Both => of_several([Some(x), Some(y)]),
        })
    };
    Ok((0..pairs.rows()).map(pair).collect())
}

/// Field of the values of rows of observed values.
pub fn rows_field(fields: &[Field], kwargs: &KeyRowKwargs) -> PolarsResult<Field> {
    let p = &fields[0];
    if !kwargs.gathered {
        let method = format!("info.list.values.{}", kwargs.quantity.0.name);
        let refuse = |instead: &str| Err(refused_as_stored(&method, "a List column", "x", p, instead));
        match p.dtype() {
            DataType::List(inner) => {
                check_values(&method, "x", &Field::new(p.name.clone(), (**inner).clone()))?
            }
            DataType::Null => (),
            DataType::Array(..) => return refuse("make it a List, with `arr.to_list()`"),
            _ => {
                let name = kwargs.quantity.0.name;
                return refuse(&format!("for a column as one distribution write `info.values.{name}`"));
            }
        }
    }
    Ok(Field::new(p.name.clone(), DataType::Float64))
}

/// Values of rows of observed values.
pub fn rows(inputs: &[Series], kwargs: &KeyRowKwargs) -> PolarsResult<Series> {
    let (quantity, policy, unit) = (kwargs.quantity.0, kwargs.nan_policy.0, Unit::new(kwargs.base));
    of_rows(inputs, |rows, out| counts::values(&rows[0], quantity, policy, unit, out))
}

/// Field of the values of columns, groups and windows of pairs, from the keys of the sides.
pub fn pairs_field(fields: &[Field]) -> PolarsResult<Field> {
    Ok(Field::new(fields[0].name.clone(), DataType::Float64))
}

/// Values of columns, groups and windows of pairs, from the keys of the sides.
pub fn pairs(inputs: &[Series], kwargs: &PairKwargs) -> PolarsResult<Series> {
    let (pairs, policy, unit) = (kwargs.pairs.0, kwargs.nan_policy.0, Unit::new(kwargs.base));
    polars_ensure!(inputs.len() == pairs.terms.len(), ComputeError: "{} takes {} lists", pairs.name, pairs.terms.len());
    of_rows(inputs, |rows, out| counts::of_pairs(rows, pairs, policy, unit, out))
}

/// The keys of the lists of a column.
struct Keys {
    keys: PrimitiveArray<u64>,
    lists: Lists,
}

impl Keys {
    fn open(s: &Series) -> PolarsResult<Keys> {
        let (lists, values) = Lists::open(s)?;
        Ok(Keys { keys: keys::keys(&values)?, lists })
    }

    fn rows(&self) -> KeyRows<'_> {
        let keys = self.keys.values().as_slice();
        KeyRows { keys, valid: convert::bits(self.keys.validity()), layout: self.lists.layout() }
    }
}

fn of_rows(
    inputs: &[Series],
    compute: impl FnOnce(&[KeyRows], &mut Values) -> Result<(), Error>,
) -> PolarsResult<Series> {
    let name = inputs[0].name();
    if *inputs[0].dtype() == DataType::Null {
        return Ok(convert::nulls(name, inputs[0].len(), &DataType::Float64));
    }
    let keys = inputs.iter().map(Keys::open).collect::<PolarsResult<Vec<_>>>()?;
    let rows: Vec<KeyRows> = keys.iter().map(Keys::rows).collect();
    let mut out = Values::with_capacity(inputs[0].len());
    compute(&rows, &mut out).map_err(|error| match error {
        Error::Missing { row, missing } => null_in_row(name, row, missing.at),
        error => in_row(error, error.row(), name, ""),
    })?;
    convert::series(name, vec![convert::values(out, Precision::Double)])
}

/// Field of the values of characters.
pub fn characters_field(fields: &[Field], kwargs: &CharacterKwargs) -> PolarsResult<Field> {
    let x = &fields[0];
    let (accessor, takes, dtype, other) = match kwargs.bytes {
        true => ("info.bin", "a Binary column", DataType::Binary, "info.str"),
        false => ("info.str", "a String column", DataType::String, "info.bin"),
    };
    if *x.dtype() != dtype && !x.dtype().is_null() {
        let instead = match x.dtype() {
            DataType::String | DataType::Binary => format!("write `{other}.entropy`"),
            DataType::Categorical(..) | DataType::Enum(..) => "cast it, with `cast(pl.String)`".into(),
            _ => "for the entropy of how often each value occurs write `info.values.entropy`".into(),
        };
        return Err(refused(&format!("{accessor}.entropy"), takes, "x", x, &instead));
    }
    Ok(Field::new(x.name.clone(), DataType::Float64))
}

/// Values of the characters of each row.
pub fn characters(inputs: &[Series], kwargs: &CharacterKwargs) -> PolarsResult<Series> {
    let (x, quantity, unit) = (&inputs[0], kwargs.quantity.0, Unit::new(kwargs.base));
    if x.dtype().is_null() {
        return Ok(convert::nulls(x.name(), x.len(), &DataType::Float64));
    }
    let mut chunks = vec![];
    for array in x.chunks() {
        let mut out = Values::with_capacity(array.len());
        if let Some(texts) = array.as_any().downcast_ref::<Utf8ViewArray>() {
            characters::of_texts(texts.iter(), quantity, unit, &mut out);
        } else if let Some(bytes) = array.as_any().downcast_ref::<BinaryViewArray>() {
            characters::of_bytes(bytes.iter(), quantity, unit, &mut out);
        } else {
            polars_bail!(ComputeError: "expected text or bytes, got {:?}", array.dtype());
        }
        chunks.push(convert::values(out, Precision::Double));
    }
    convert::series(x.name(), chunks)
}
