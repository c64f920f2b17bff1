//! States as Struct columns, and what they merge to.
//!
//! A state has the sums, the value in nats and the rank of its distribution. The rank's dtype carries the precision of what
//! the states merge to, because the sums and the value are always in double precision.

use polars::prelude::*;
use polars_arrow::array::{Array, ListArray, PrimitiveArray, StructArray};

use super::leaf;
use crate::kernel::contract::{Precision, Rank, Unit};
use crate::kernel::states::{Parts, States};

/// A kind of state with N sums.
#[derive(Clone, Copy, Debug)]
pub struct Kind<const N: usize> {
    /// The method that makes them, and the one that merges them.
    pub makes: &'static str,
    pub merges: &'static str,
    /// The fields of the sums, and that of the value.
    pub sums: [&'static str; N],
    pub value: &'static str,
}

pub const ENTROPY: Kind<1> =
    Kind { makes: "entropy_state", merges: "entropy_merge", sums: ["mass"], value: "entropy" };

pub const KL_DIV: Kind<3> = Kind {
    makes: "kl_div_state",
    merges: "kl_div_merge",
    sums: ["mass_p", "mass_q", "excess"],
    value: "divergence",
};

const RANK: &str = "rank";

fn rank_dtype(precision: Precision) -> DataType {
    match precision {
        Precision::Double => DataType::UInt8,
        Precision::Single => DataType::Int8,
    }
}

fn rank_array(ranks: Vec<u8>, precision: Precision) -> ArrayRef {
    match precision {
        Precision::Double => PrimitiveArray::from_vec(ranks).boxed(),
        Precision::Single => PrimitiveArray::from_vec(ranks.into_iter().map(|r| r as i8).collect()).boxed(),
    }
}

fn rank_numbers(array: &ArrayRef) -> PolarsResult<Vec<u8>> {
    let array = array.as_any();
    match (array.downcast_ref::<PrimitiveArray<u8>>(), array.downcast_ref::<PrimitiveArray<i8>>()) {
        (Some(double), _) => Ok(double.values().as_slice().to_vec()),
        (_, Some(single)) => Ok(single.values().iter().map(|r| *r as u8).collect()),
        _ => polars_bail!(ComputeError: "expected ranks"),
    }
}

impl<const N: usize> Kind<N> {
    fn fields(self) -> impl Iterator<Item = &'static str> {
        self.sums.into_iter().chain([self.value])
    }

    /// The dtype of a state.
    pub fn dtype(self, precision: Precision) -> DataType {
        let floats = self.fields().map(|name| Field::new(name.into(), DataType::Float64));
        let rank = Field::new(RANK.into(), rank_dtype(precision));
        DataType::Struct(floats.chain([rank]).collect())
    }

    /// The precision of what states in lists merge to.
    pub fn precision(self, field: &Field) -> PolarsResult<Precision> {
        let state = match field.dtype() {
            DataType::List(state) => &**state,
            dtype => dtype,
        };
        [Precision::Double, Precision::Single].into_iter().find(|p| self.dtype(*p) == *state).ok_or_else(
            || {
                polars_err!(
                    InvalidOperation:
                    "`info.{}` takes the states that `info.{}` makes, but '{}' is {}",
                    self.merges, self.makes, field.name().escape_debug(), state
                )
            },
        )
    }

    /// States as an array of structs.
    pub fn array(self, states: States<N>, precision: Precision) -> ArrayRef {
        let rows = states.ranks.len();
        let floats = states.sums.map(|sums| leaf::floats(sums, None, Precision::Double));
        let values = leaf::values(states.values, Precision::Double);
        let ranks = rank_array(states.ranks, precision);
        let arrays: Vec<ArrayRef> = floats.into_iter().chain([values, ranks]).collect();
        let dtype = self.dtype(precision).to_arrow(CompatLevel::newest());
        StructArray::new(dtype, rows, arrays, None).boxed()
    }

    /// Merges the states in each list with `merge`.
    pub fn merge(
        self,
        lists: &Series,
        unit: Unit,
        merge: impl Fn(Parts<N>, &[i64], Unit) -> States<N>,
    ) -> PolarsResult<States<N>> {
        let lists = lists.rechunk();
        let array = lists.chunks()[0].as_any().downcast_ref::<ListArray<i64>>();
        let array = array.ok_or_else(|| polars_err!(ComputeError: "expected lists of states"))?;
        let offsets = array.offsets().as_slice();
        let (first, last) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        let states = array.values().sliced(first, last - first);
        let states = states.as_any().downcast_ref::<StructArray>();
        let states = states.ok_or_else(|| polars_err!(ComputeError: "expected lists of states"))?;
        let floats: Vec<_> = states.values()[..=N]
            .iter()
            .map(|field| leaf::leaf::<f64>(field.clone(), &DataType::Float64))
            .collect::<PolarsResult<_>>()?;
        let mut ranks = rank_numbers(&states.values()[N + 1])?;
        for (i, rank) in ranks.iter_mut().enumerate() {
            let lacks_a_sum = floats[..N].iter().any(|sums| sums.is_null(i));
            if states.is_null(i) || lacks_a_sum || states.values()[N + 1].is_null(i) {
                *rank = Rank::Null as u8;
            }
        }
        let parts = Parts {
            sums: std::array::from_fn(|k| floats[k].values().as_slice()),
            values: floats[N].values().as_slice(),
            ranks: &ranks,
        };
        Ok(merge(parts, offsets, unit))
    }
}
