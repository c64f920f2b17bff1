//! Flat columns: element by element, and the sums of columns, groups and windows.
//!
//! A group's value is taken from native sums over what the `summand` expressions make of each element, so that it stays
//! in the engine's own group-by.

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;
use polars_arrow::bitmap::Bitmap;
use polars_arrow::compute::utils::combine_validities_and;

use super::dtypes;
use super::errors::{flat_rows, missing_in_column};
use super::kwargs::{ElementKwargs, Part, Sequence, SummandKwargs};
use super::leaf::{self, Leaf};
use super::states::{self, Kind};
use crate::kernel::columns;
use crate::kernel::contract::{Precision, Unit};
use crate::kernel::groups::{self, Finish, Half, Halves, Role};
use crate::kernel::states::States;

/// The column in one piece, as floats.
fn column<T: Leaf>(s: &Series) -> PolarsResult<PrimitiveArray<T>> {
    leaf::leaf(s.rechunk().chunks()[0].clone(), s.dtype())
}

/// Summands, which Polars sums. Over overlapping windows (`rolling`, `group_by_dynamic`) it may do so by adding what comes in and
/// subtracting what goes out, which leaves behind what the large ones rounded off; but only in a column of one chunk. So there
/// is a second.
fn summands(
    name: &PlSmallStr,
    values: Vec<f64>,
    kwargs: &SummandKwargs,
    precision: Precision,
) -> PolarsResult<Series> {
    let told = told_precision(kwargs, precision);
    let summands = match told {
        Precision::Double => PrimitiveArray::from_vec(values).boxed(),
        Precision::Single => PrimitiveArray::from_vec(groups::single_marks(values)).boxed(),
    };
    leaf::series(name, vec![summands, leaf::floats(Vec::new(), None, told)])
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

/// The precision that a summand has in a result of this one: it is told by the low half of the term, which has nothing but
/// marks in single precision.
fn told_precision(kwargs: &SummandKwargs, precision: Precision) -> Precision {
    match (kwargs.part.role(), kwargs.half()) {
        (Role::Term, Half::Low) => precision,
        _ => Precision::Double,
    }
}

/// The dtype of a summand in a result of this precision.
pub fn summand_dtype(kwargs: &SummandKwargs, precision: Precision) -> DataType {
    dtypes::float(told_precision(kwargs, precision))
}

/// The precision of the result that belongs to sums of these dtypes.
pub fn precision_of_sums<'a>(dtypes: impl IntoIterator<Item = &'a DataType>) -> Precision {
    let told = dtypes.into_iter().any(|dtype| *dtype == DataType::Float32);
    if told { Precision::Single } else { Precision::Double }
}

/// A half of a part of the entropy's sums.
pub fn entropy_summand(x: &Series, kwargs: &SummandKwargs, precision: Precision) -> PolarsResult<Series> {
    let how = kwargs.summing(precision);
    let values = with_weights!([x], |w| match kwargs.part {
        Part::MassP => groups::summands(w, &columns::Mass, how),
        Part::Term => groups::summands(w, &columns::Term, how),
        _ => polars_bail!(ComputeError: "an entropy has no such part"),
    });
    summands(x.name(), values, kwargs, precision)
}

/// A half of a part of the divergence's sums.
pub fn kl_div_summand(
    p: &Series,
    q: &Series,
    kwargs: &SummandKwargs,
    precision: Precision,
) -> PolarsResult<Series> {
    flat_rows(p, q, kwargs.sequence)?;
    let how = kwargs.summing(precision);
    let values = with_weights!([p, q], |x, y| match kwargs.part {
        Part::MassP => groups::pair_summands(x, y, &columns::MassP, how),
        Part::MassQ => groups::pair_summands(x, y, &columns::MassQ, how),
        Part::Term => groups::pair_summands(x, y, &columns::TermPq, how),
        Part::Near => groups::pair_summands(x, y, &columns::Near, how),
        Part::Far => groups::pair_summands(x, y, &columns::Far, how),
        Part::TermApart => groups::pair_summands(x, y, &columns::TermApart, how),
    });
    summands(p.name(), values, kwargs, precision)
}

/// Where elements are missing.
pub fn missing(x: &Series) -> PolarsResult<Series> {
    let missing = with_weights!([x], |w| groups::missing(w));
    leaf::series(x.name(), vec![PrimitiveArray::from_vec(missing).boxed()])
}

/// Where elements of pairs are missing.
pub fn missing_pairs(p: &Series, q: &Series, sequence: Sequence) -> PolarsResult<Series> {
    flat_rows(p, q, sequence)?;
    let missing = with_weights!([p, q], |x, y| groups::missing_pairs(x, y));
    leaf::series(p.name(), vec![PrimitiveArray::from_vec(missing).boxed()])
}

/// The sums of groups: of two halves each, the mass of p first and the terms last.
struct Sums<const N: usize> {
    halves: [Halves<PrimitiveArray<f64>>; N],
    precision: Precision,
}

impl<const N: usize> Sums<N> {
    /// Under `raise` the greatest of [`missing`] follows the sums.
    fn of(inputs: &[Series]) -> PolarsResult<Self> {
        polars_ensure!((2 * N..=2 * N + 1).contains(&inputs.len()), ComputeError: "expected {} sums", 2 * N);
        if let Some(located) = inputs.get(2 * N) {
            let located = column::<f64>(located)?;
            if let Some(missing) = leaf::weights(&located).iter().flatten().find_map(groups::first_missing) {
                // Q's sums, if there are any, come after those of p.
                return Err(missing_in_column(missing, inputs[0].name(), inputs[2].name()));
            }
        }
        let sums = inputs[..2 * N].iter().map(column::<f64>).collect::<PolarsResult<Vec<_>>>()?;
        let mut halves: [_; N] = std::array::from_fn(|k| [sums[2 * k].clone(), sums[2 * k + 1].clone()]);
        let precision = precision_of_sums(inputs.iter().map(|s| s.dtype()));
        if precision == Precision::Single {
            let [_, marks] = &mut halves[N - 1];
            *marks = PrimitiveArray::from_vec(groups::marks_of_single(marks.values()));
        }
        Ok(Sums { halves, precision })
    }

    fn slices(&self) -> [Halves<&[f64]>; N] {
        self.halves.each_ref().map(|halves| halves.each_ref().map(|half| half.values().as_slice()))
    }
}

fn finished<F: Finish<N>, const N: usize>(inputs: &[Series], unit: Unit) -> PolarsResult<Series> {
    let sums = Sums::of(inputs)?;
    let values = groups::finish::<F, N>(sums.slices(), unit);
    leaf::series(inputs[0].name(), vec![leaf::values(values, sums.precision)])
}

/// The states of groups, which keep what `kept` makes of the sums.
fn state<F: Finish<N>, const N: usize, const M: usize>(
    inputs: &[Series],
    kind: Kind<M>,
    kept: impl Fn([f64; N]) -> [f64; M],
) -> PolarsResult<Series> {
    let sums = Sums::of(inputs)?;
    let slices = sums.slices();
    let rows = slices[0][0].len();
    let mut states = States::with_capacity(rows);
    for i in 0..rows {
        let group = slices.map(|halves| halves.map(|half| half[i]));
        states.push(kept(groups::sums(group)), groups::rank(group));
    }
    states.values = groups::finish::<F, N>(slices, Unit::new(None));
    leaf::series(inputs[0].name(), vec![kind.array(states, sums.precision)])
}

/// The entropies of groups from their sums: mass, term.
pub fn entropy_of_sums(inputs: &[Series], unit: Unit) -> PolarsResult<Series> {
    finished::<groups::Entropy, 2>(inputs, unit)
}

/// The divergences of groups from their sums: mass of p, mass of q, term.
pub fn kl_div_of_sums(inputs: &[Series], unit: Unit) -> PolarsResult<Series> {
    finished::<groups::KlDiv, 3>(inputs, unit)
}

/// The states of groups from the sums that their entropies are taken from.
pub fn entropy_state_of_sums(inputs: &[Series]) -> PolarsResult<Series> {
    state::<groups::Entropy, 2, 1>(inputs, states::ENTROPY, |[mass, _]| [mass])
}

/// The states of groups from their sums: mass of p, mass of q, excess near and far, term.
pub fn kl_div_state_of_sums(inputs: &[Series]) -> PolarsResult<Series> {
    state::<groups::KlDivApart, 5, 3>(inputs, states::KL_DIV, |[p, q, near, far, _]| [p, q, near + far])
}
