//! States as Struct columns, and what they merge to.
//!
//! | field | dtype | content |
//! | --- | --- | --- |
//! | the kept sums, by the quantity's names for them | Float64 | totals, times 2⁻²⁰ |
//! | one that goes by the name of the quantity | Float64 | the value in nats |
//! | `rule` | Int32 | the code of the strongest rule, see [`Rank::code`] |
//! | `single` | Boolean | there only if the result has single precision |
//!
//! The names tell the quantity, and whether `single` is there tells the precision: both survive whatever table format the states go
//! through. What a format may change is taken as it comes: the order of the fields, the width of `rule`, and null for a sum or value
//! that isn't finite.

use polars::prelude::*;
use polars_arrow::array::{Array, BooleanArray, ListArray, PrimitiveArray, StructArray};
use polars_arrow::compute::utils::combine_validities_and;

use super::convert::{self, Float};
use super::totals::{self, Totals};
use crate::kernel::broadcast::RowPairs;
use crate::kernel::layout::Error;
use crate::kernel::options::{NanPolicy, Precision, Unit};
use crate::kernel::quantities::QUANTITIES;
use crate::kernel::registry::{Registered, StateDrivers};
use crate::kernel::remainder::TotalOf;
use crate::kernel::rows::Rows;
use crate::kernel::rules::{Rank, SplitSum};
use crate::kernel::states::{Parts, States};

const RULE: &str = "rule";
const SINGLE: &str = "single";

/// Kind of a state: the quantity, and the precision of what it merges to.
#[derive(Clone, Copy)]
pub struct StateKind {
    quantity: &'static Registered,
    drivers: &'static StateDrivers,
    precision: Precision,
}

impl StateKind {
    /// The kind of states of a quantity.
    pub fn new(quantity: &'static Registered, precision: Precision) -> PolarsResult<StateKind> {
        let drivers = quantity.states.as_ref().ok_or_else(|| {
            polars_err!(
                InvalidOperation:
                "{} has no state, since that of a whole does not come from those of its parts", quantity.name
            )
        })?;
        Ok(StateKind { quantity, drivers, precision })
    }

    /// The kind of states in lists.
    pub fn of_lists(field: &Field) -> PolarsResult<StateKind> {
        let state = match field.dtype() {
            DataType::List(state) => &**state,
            dtype => dtype,
        };
        let kinds = QUANTITIES.iter().flat_map(|quantity| {
            [Precision::Double, Precision::Single].map(|precision| StateKind::new(quantity, precision))
        });
        let recognised = kinds.flatten().find(|kind| kind.is_of(state));
        recognised.ok_or_else(|| {
            let makers = QUANTITIES.iter().filter(|quantity| quantity.states.is_some());
            let makers: Vec<_> = makers.map(|quantity| format!("`info.{}_state`", quantity.name)).collect();
            polars_err!(
                InvalidOperation:
                "`info.merge` takes the states that {} make, but '{}' is {}",
                makers.join(" and "), field.name().escape_debug(), described(state)
            )
        })
    }

    pub fn precision(self) -> Precision {
        self.precision
    }

    /// Number of the columns of summands that the state of a group comes from.
    pub fn summands(self) -> usize {
        self.drivers.summands.count
    }

    /// Names of the fields in double precision: the kept sums, and the value.
    fn floats(self) -> impl Iterator<Item = &'static str> {
        self.drivers.kept.iter().copied().chain([self.quantity.name])
    }

    /// Dtype of a state.
    pub fn dtype(self) -> DataType {
        let field = |name: &str, dtype| Field::new(name.into(), dtype);
        let mut fields: Vec<Field> = self.floats().map(|name| field(name, DataType::Float64)).collect();
        fields.push(field(RULE, DataType::Int32));
        if self.precision == Precision::Single {
            fields.push(field(SINGLE, DataType::Boolean));
        }
        DataType::Struct(fields)
    }

    /// Whether values of this dtype are such states, perhaps after a way through a file.
    fn is_of(self, dtype: &DataType) -> bool {
        let (DataType::Struct(fields), DataType::Struct(own)) = (dtype, self.dtype()) else { return false };
        let fits = |field: &Field, own: &Field| match own.dtype() {
            DataType::Int32 => field.dtype().is_integer(),
            dtype => field.dtype() == dtype || field.dtype().is_null(),
        };
        let find = |own: &Field| fields.iter().find(|field| field.name() == own.name());
        fields.len() == own.len() && own.iter().all(|own| find(own).is_some_and(|field| fits(field, own)))
    }

    /// States of rows.
    pub fn of_rows<T: Float>(
        self,
        p: &Rows<T>,
        q: Option<&Rows<T>>,
        pairs: RowPairs,
        policy: NanPolicy,
    ) -> Result<States, Error> {
        match T::rows(self.quantity).states {
            Some(states) => states(p, q, pairs, policy),
            None => unreachable!("a kind has states"),
        }
    }

    /// States of groups from sums, `None` if there aren't as many as there should be.
    pub fn of_sums(self, sums: &[SplitSum<&[f64]>]) -> Option<States> {
        (self.drivers.of_sums)(sums)
    }

    /// States as an array of structs.
    pub fn array(self, states: States) -> ArrayRef {
        let rows = states.ranks.len();
        let floats = states.sums.into_iter().map(|sums| convert::floats(sums, None, Precision::Double));
        let mut arrays: Vec<ArrayRef> = floats.collect();
        arrays.push(convert::values(states.values, Precision::Double));
        arrays.push(PrimitiveArray::from_vec(states.ranks.into_iter().map(Rank::code).collect()).boxed());
        if self.precision == Precision::Single {
            arrays.push(BooleanArray::from_slice(vec![true; rows]).boxed());
        }
        StructArray::new(self.dtype().to_arrow(CompatLevel::newest()), rows, arrays, None).boxed()
    }

    /// Merges the states in each list, perhaps with a total of q for each.
    pub fn merge(self, lists: &Series, totals: Option<&Totals>, unit: Unit) -> PolarsResult<States> {
        let lists = lists.rechunk();
        let array = lists.chunks()[0].as_any().downcast_ref::<ListArray<i64>>();
        let array = array.ok_or_else(|| polars_err!(ComputeError: "expected lists of states"))?;
        let offsets = array.offsets().as_slice();
        let (first, last) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        let states = array.values().sliced(first, last - first);
        let states = Opened::new(&*states, lists.dtype())?;
        let floats = self.floats().map(|name| states.floats(name)).collect::<PolarsResult<Vec<_>>>()?;
        let mut sums: Vec<&[f64]> = floats.iter().map(|floats| floats.values().as_slice()).collect();
        let values = sums.pop().unwrap_or_default();
        let parts = Parts { sums: &sums, values, ranks: &states.ranks()? };
        let merge = |total_of: Option<TotalOf>| (self.drivers.merge)(parts, offsets, total_of, unit);
        let merged = totals::of_groups(totals, lists.len(), merge)?;
        merged.ok_or_else(|| polars_err!(ComputeError: "expected states of {}", self.quantity.name))
    }
}

/// Dtype in words that name the fields, by which states differ.
fn described(dtype: &DataType) -> String {
    match dtype {
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|of| format!("{}: {}", of.name(), of.dtype())).collect();
            format!("struct[{}]", fields.join(", "))
        }
        dtype => dtype.to_string(),
    }
}

/// An array of states taken apart.
struct Opened<'a> {
    array: &'a StructArray,
    fields: &'a [Field],
}

impl<'a> Opened<'a> {
    fn new(array: &'a dyn Array, lists: &'a DataType) -> PolarsResult<Opened<'a>> {
        match (array.as_any().downcast_ref::<StructArray>(), lists.inner_dtype()) {
            (Some(array), Some(DataType::Struct(fields))) => Ok(Opened { array, fields }),
            _ => polars_bail!(ComputeError: "expected lists of states"),
        }
    }

    fn field(&self, name: &str) -> PolarsResult<(&ArrayRef, &Field)> {
        let found = self.fields.iter().position(|field| field.name() == name);
        let at = found.ok_or_else(|| polars_err!(ComputeError: "a state has no field {name:?}"))?;
        Ok((&self.array.values()[at], &self.fields[at]))
    }

    /// The numbers of a field. One that is null, as in a format without infinities, is none.
    fn floats(&self, name: &str) -> PolarsResult<PrimitiveArray<f64>> {
        let (array, field) = self.field(name)?;
        let numbers = convert::as_floats::<f64>(array.clone(), field.dtype())?;
        if numbers.null_count() == 0 {
            return Ok(numbers);
        }
        let or_nan = convert::weights(&numbers).iter().map(|x| x.unwrap_or(f64::NAN)).collect();
        Ok(PrimitiveArray::from_vec(or_nan))
    }

    /// The ranks: null for a state that is null as a whole, or whose rule is.
    fn ranks(&self) -> PolarsResult<Vec<Rank>> {
        let (array, field) = self.field(RULE)?;
        let codes = convert::primitives::<i64>(array.clone(), field.dtype(), &DataType::Int64)?;
        let there = combine_validities_and(self.array.validity(), codes.validity());
        let rank = |(i, code): (usize, &i64)| {
            if there.as_ref().is_some_and(|bits| !bits.get_bit(i)) {
                return Ok(Rank::Null);
            }
            Rank::from_code(*code).ok_or_else(|| {
                polars_err!(ComputeError: "a state's rule is {code}, which no version of this library writes")
            })
        };
        codes.values().iter().enumerate().map(rank).collect()
    }
}
