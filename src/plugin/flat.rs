//! Flat columns: element by element, and the sums of columns, groups and windows.
//!
//! A group's value is taken from native sums over what the `summand` expressions make of each element, so that it stays
//! in the engine's own group-by. The channel of ranks, of which the maximum is taken, carries the precision of the result
//! in its dtype, because the sums themselves are always in double precision.

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;
use polars_arrow::bitmap::Bitmap;
use polars_arrow::compute::utils::combine_validities_and;

use super::dtypes;
use super::errors::{flat_rows, missing_in_column};
use super::kwargs::{ElementKwargs, Part, SummandKwargs};
use super::leaf::{self, Leaf};
use super::states::{self, Kind};
use crate::kernel::columns::{self, Finish};
use crate::kernel::contract::{NanPolicy, Precision, Side, Unit, missing_side};
use crate::kernel::rows::Values;
use crate::kernel::states::States;

/// The column in one piece, as floats.
fn column<T: Leaf>(s: &Series) -> PolarsResult<PrimitiveArray<T>> {
    leaf::leaf(s.rechunk().chunks()[0].clone(), s.dtype())
}

/// Summands, which Polars sums. Over overlapping windows, Polars before 2 does so by adding what comes in and subtracting what
/// goes out, which leaves behind what the large ones rounded off; but only in a column of one chunk. There, a second is added.
fn summands(name: &PlSmallStr, values: Vec<f64>, kwargs: &SummandKwargs) -> PolarsResult<Series> {
    let mut chunks = vec![leaf::floats(values, None, Precision::Double)];
    if kwargs.two_chunks {
        chunks.push(leaf::floats(Vec::new(), None, Precision::Double));
    }
    leaf::series(name, chunks)
}

/// A channel of ranks, which under `raise` also tell where an element is missing.
fn ranks(
    name: &PlSmallStr,
    ranks: Vec<u8>,
    side: impl Fn(usize) -> Side,
    kwargs: &SummandKwargs,
    precision: Precision,
) -> PolarsResult<Series> {
    let array = match (kwargs.nan_policy.0, precision) {
        (NanPolicy::Raise, Precision::Double) => {
            PrimitiveArray::from_vec(columns::located(ranks, side)).boxed()
        }
        (NanPolicy::Raise, Precision::Single) => {
            let located = columns::located(ranks, side).into_iter().map(|rank| rank as u64).collect();
            PrimitiveArray::<u64>::from_vec(located).boxed()
        }
        (_, precision) => rank_array(ranks, precision),
    };
    leaf::series(name, vec![array])
}

/// The dtype of ranks that belong to a result of this precision.
pub fn rank_dtype(precision: Precision) -> DataType {
    match precision {
        Precision::Double => DataType::UInt8,
        Precision::Single => DataType::Int8,
    }
}

/// Ranks in that dtype.
pub fn rank_array(ranks: Vec<u8>, precision: Precision) -> ArrayRef {
    match precision {
        Precision::Double => PrimitiveArray::from_vec(ranks).boxed(),
        Precision::Single => PrimitiveArray::from_vec(ranks.into_iter().map(|r| r as i8).collect()).boxed(),
    }
}

/// Ranks read back.
pub fn rank_numbers(array: &ArrayRef) -> PolarsResult<Vec<u8>> {
    let array = array.as_any();
    match (array.downcast_ref::<PrimitiveArray<u8>>(), array.downcast_ref::<PrimitiveArray<i8>>()) {
        (Some(double), _) => Ok(double.values().as_slice().to_vec()),
        (_, Some(single)) => Ok(single.values().iter().map(|r| *r as u8).collect()),
        _ => polars_bail!(ComputeError: "expected ranks"),
    }
}

/// Calls `$f` with the columns' weights, in single precision if all of them have it.
macro_rules! with_weights {
    ([$($s:expr),+], |$($x:ident),+| $f:expr) => {
        if dtypes::precision([$($s.dtype()),+]) == Precision::Single {
            $(let $x = column::<f32>($s)?;)+
            $(let $x = leaf::weights(&$x);)+
            $f
        } else {
            $(let $x = column::<f64>($s)?;)+
            $(let $x = leaf::weights(&$x);)+
            $f
        }
    };
}

/// −x ln x, null for null.
pub fn entr(x: &Series, precision: Precision) -> PolarsResult<Series> {
    let values = with_weights!([x], |w| columns::map(w, &columns::Entr));
    leaf::series(x.name(), vec![leaf::floats(values, validity(x), precision)])
}

/// x ln(x/y), null for null.
pub fn rel_entr(
    x: &Series,
    y: &Series,
    kwargs: &ElementKwargs,
    precision: Precision,
) -> PolarsResult<Series> {
    let rows = flat_rows(x, y, kwargs.sequence)?;
    let values = with_weights!([x, y], |p, q| columns::map_pairs(p, q, &columns::RelEntr));
    let spread = |s: &Series| match validity(s) {
        Some(bits) if s.len() != rows => Some(Bitmap::new_with_value(bits.get_bit(0), rows)),
        bits => bits,
    };
    let validity = combine_validities_and(spread(x).as_ref(), spread(y).as_ref());
    leaf::series(x.name(), vec![leaf::floats(values, validity, precision)])
}

fn validity(s: &Series) -> Option<Bitmap> {
    match s.dtype() {
        DataType::Null => Some(Bitmap::new_zeroed(s.len())),
        _ => s.rechunk().chunks()[0].validity().cloned(),
    }
}

/// The dtype of a channel that belongs to a result of this precision.
pub fn part_dtype(kwargs: &SummandKwargs, precision: Precision) -> DataType {
    match (kwargs.part, kwargs.nan_policy.0, precision) {
        (Part::Rank, NanPolicy::Raise, Precision::Double) => DataType::Int64,
        (Part::Rank, NanPolicy::Raise, Precision::Single) => DataType::UInt64,
        (Part::Rank, _, precision) => rank_dtype(precision),
        _ => DataType::Float64,
    }
}

/// The precision of the result that these ranks belong to.
pub fn precision_of_ranks(dtype: &DataType) -> Precision {
    match dtype {
        DataType::Int8 | DataType::UInt64 => Precision::Single,
        _ => Precision::Double,
    }
}

/// A part of the entropy's sums.
pub fn entropy_summand(x: &Series, kwargs: &SummandKwargs, precision: Precision) -> PolarsResult<Series> {
    with_weights!([x], |w| match kwargs.part {
        Part::MassP | Part::MassQ => summands(x.name(), columns::map(w, &columns::Mass), kwargs),
        Part::Near | Part::Far | Part::TermApart => polars_bail!(ComputeError: "an entropy has no such part"),
        Part::Term => summands(x.name(), columns::map(w, &columns::Term), kwargs),
        Part::Rank => {
            ranks(x.name(), columns::ranks(w, kwargs.nan_policy.0), |_| Side::P, kwargs, precision)
        }
    })
}

/// A part of the divergence's sums.
pub fn kl_div_summand(
    p: &Series,
    q: &Series,
    kwargs: &SummandKwargs,
    precision: Precision,
) -> PolarsResult<Series> {
    flat_rows(p, q, kwargs.sequence)?;
    with_weights!([p, q], |x, y| match kwargs.part {
        Part::MassP => summands(p.name(), columns::map_pairs(x, y, &columns::MassP), kwargs),
        Part::MassQ => summands(p.name(), columns::map_pairs(x, y, &columns::MassQ), kwargs),
        Part::Term => summands(p.name(), columns::map_pairs(x, y, &columns::TermPq), kwargs),
        Part::Near => summands(p.name(), columns::map_pairs(x, y, &columns::Near), kwargs),
        Part::Far => summands(p.name(), columns::map_pairs(x, y, &columns::Far), kwargs),
        Part::TermApart => summands(p.name(), columns::map_pairs(x, y, &columns::TermApart), kwargs),
        Part::Rank => {
            let side = |at| missing_side(x.get(if x.len() == 1 { 0 } else { at }));
            ranks(p.name(), columns::pair_ranks(x, y, kwargs.nan_policy.0), side, kwargs, precision)
        }
    })
}

/// Sums and highest ranks of groups, as they come back from the engine, and the values that belong to them.
struct Finished<const N: usize> {
    sums: [PrimitiveArray<f64>; N],
    ranks: PrimitiveArray<f64>,
    values: Values,
    precision: Precision,
}

fn finish<F: Finish<N>, const N: usize>(inputs: &[Series], unit: Unit) -> PolarsResult<Finished<N>> {
    polars_ensure!(inputs.len() == N + 1, ComputeError: "expected {N} sums and the ranks");
    let sums = inputs[..N].iter().map(column::<f64>).collect::<PolarsResult<Vec<_>>>()?;
    let ranks = column::<f64>(&inputs[N])?;
    if let Some(missing) = leaf::weights(&ranks).iter().flatten().find_map(columns::missing) {
        return Err(missing_in_column(missing, inputs[0].name(), inputs[1].name()));
    }
    let slices: [&[f64]; N] = std::array::from_fn(|k| sums[k].values().as_slice());
    let values = columns::finish::<F, N>(slices, leaf::weights(&ranks), unit);
    let sums = std::array::from_fn(|k| sums[k].clone());
    Ok(Finished { sums, ranks, values, precision: precision_of_ranks(inputs[N].dtype()) })
}

fn finished<F: Finish<N>, const N: usize>(inputs: &[Series], unit: Unit) -> PolarsResult<Series> {
    let done = finish::<F, N>(inputs, unit)?;
    leaf::series(inputs[0].name(), vec![leaf::values(done.values, done.precision)])
}

/// The states of groups, which keep what `kept` makes of the sums.
fn state<F: Finish<N>, const N: usize, const M: usize>(
    inputs: &[Series],
    kind: Kind<M>,
    kept: impl Fn([f64; N]) -> [f64; M],
) -> PolarsResult<Series> {
    let done = finish::<F, N>(inputs, Unit::new(None))?;
    let mut states = States::with_capacity(done.ranks.len());
    for (i, rank) in leaf::weights(&done.ranks).iter().enumerate() {
        let sums = std::array::from_fn(|k| done.sums[k].value(i));
        states.push(kept(sums), columns::rank_of_group(rank));
    }
    states.values = done.values;
    leaf::series(inputs[0].name(), vec![kind.array(states, done.precision)])
}

/// The entropies of groups from their sums: mass, term, rank.
pub fn entropy_of_sums(inputs: &[Series], unit: Unit) -> PolarsResult<Series> {
    finished::<columns::Entropy, 2>(inputs, unit)
}

/// The divergences of groups from their sums: mass of p, mass of q, term, rank.
pub fn kl_div_of_sums(inputs: &[Series], unit: Unit) -> PolarsResult<Series> {
    finished::<columns::KlDiv, 3>(inputs, unit)
}

/// The states of groups from the sums that their entropies are taken from.
pub fn entropy_state_of_sums(inputs: &[Series]) -> PolarsResult<Series> {
    state::<columns::Entropy, 2, 1>(inputs, states::ENTROPY, |[mass, _]| [mass])
}

/// The states of groups from their sums: mass of p, mass of q, excess near and far, term, rank.
pub fn kl_div_state_of_sums(inputs: &[Series]) -> PolarsResult<Series> {
    state::<columns::KlDivApart, 5, 3>(inputs, states::KL_DIV, |[p, q, near, far, _]| [p, q, near + far])
}
