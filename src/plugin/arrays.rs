//! Array columns: n-dimensional cells, reduced along axes as NumPy counts them on `column.to_numpy()`.
//!
//! Without axis 0 a cell is reduced on its own, row by row. With it the rows of a column or group are reduced together, and
//! arrive imploded: one list of cells for each.

use std::ops::Range;

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, ListArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;

use super::chunks::{ChunkPair, FloatChunks};
use super::convert::{self, Float};
use super::dtypes::{self, Method, Shape};
use super::errors::{in_row, pair_rows};
use super::fixed::Fixed;
use super::kwargs::{AxesKwargs, Span};
use super::totals::{self, Totals};
use crate::kernel::axes::{self, Grid, Validity};
use crate::kernel::layout::Error;
use crate::kernel::options::{NanPolicy, Precision, Unit};
use crate::kernel::registry::Registered;
use crate::kernel::values::Values;

/// Options of a call.
struct Options {
    quantity: &'static Registered,
    totals: Option<Totals>,
    /// For each axis, the column's first, whether it is reduced.
    reduced: Vec<bool>,
    keepdims: bool,
    precision: Precision,
    policy: NanPolicy,
    unit: Unit,
}

/// Field of the values.
pub fn values_field(fields: &[Field], kwargs: &AxesKwargs) -> PolarsResult<Field> {
    let method = Method::value(Shape::Array, kwargs.quantity.0);
    let fields = Totals::split_fields(fields, kwargs.q_totals, &method.path())?;
    dtypes::arr_output(method, &Fixed::fields(kwargs.fixed.as_ref(), fields, false), kwargs)
}

/// Values of p, or of p and q.
pub fn values(inputs: &[Series], kwargs: &AxesKwargs) -> PolarsResult<Series> {
    let (inputs, totals) = Totals::split(inputs, kwargs.q_totals)?;
    let inputs = &*Fixed::inputs(kwargs.fixed.as_ref(), inputs, false)?;
    let fields: Vec<Field> = inputs.iter().map(|s| s.field().into_owned()).collect();
    let out = dtypes::arr_output(Method::value(Shape::Array, kwargs.quantity.0), &fields, kwargs)?;
    let (p, q) = (&inputs[0], inputs.get(1));
    if inputs.iter().any(|s| *dtypes::cell_dtype(s.dtype(), kwargs.span) == DataType::Null) {
        return Ok(convert::nulls(p.name(), common_rows(p, q)?, out.dtype()));
    }
    let reduced = dtypes::reduced_axes(dtypes::cell_dtype(p.dtype(), kwargs.span), kwargs)?;
    let imploded_here = kwargs.span == Span::Column && reduced[0];
    let options = Options {
        quantity: kwargs.quantity.0,
        totals: if imploded_here { totals.map(Totals::of_whole).transpose()? } else { totals },
        reduced,
        keepdims: kwargs.keepdims,
        precision: dtypes::of_series(inputs, false),
        policy: kwargs.nan_policy.0,
        unit: Unit::new(kwargs.base),
    };
    let columns = if imploded_here { imploded(inputs)? } else { inputs.to_vec() };
    let columns = match &options.totals {
        Some(totals) => totals::for_each(&columns, totals)?.into_owned(),
        None => columns,
    };
    let (p, q) = (&columns[0], columns.get(1));
    match options.precision {
        Precision::Single => values_in::<f32>(p, q, &options),
        Precision::Double => values_in::<f64>(p, q, &options),
    }
}

fn common_rows(p: &Series, q: Option<&Series>) -> PolarsResult<usize> {
    Ok(q.map_or(Ok(pair_rows(p, p)?), |q| pair_rows(p, q))?.rows())
}

/// Whole columns as one list each, where only the dtype has told that axis 0 is reduced: this is the second of the two places where
/// a lowering is decided, the first being `_lowering.py`. A q of one row stands for any number of them and stays what it is.
fn imploded(inputs: &[Series]) -> PolarsResult<Vec<Series>> {
    let rows = inputs[0].len();
    let implode = |s: &Series| if s.len() == rows { Ok(s.implode()?.into_series()) } else { Ok(s.clone()) };
    inputs.iter().map(implode).collect()
}

fn values_in<T: Float>(p: &Series, q: Option<&Series>, options: &Options) -> PolarsResult<Series> {
    if options.reduced[0] { by_group::<T>(p, q, options) } else { by_row::<T>(p, q, options) }
}

impl Options {
    /// Shape of the cells that come out of cells of this shape.
    fn cell_shape(&self, shape: &[usize]) -> Vec<usize> {
        axes::result(shape, &self.reduced[1..], self.keepdims)
    }

    /// Number of distributions in a cell of this shape.
    fn per_row(&self, shape: &[usize]) -> usize {
        axes::kept_sizes(shape, &self.reduced[1..]).iter().product()
    }

    /// Adds the values of all distributions of p, or of p and q, which has as many rows as p or one. So many distributions
    /// share each total, after those that come before.
    fn reduce<T: Float>(
        &self,
        p: &Grid<T>,
        q: Option<&Grid<T>>,
        (before, sharing): (usize, usize),
        out: &mut Values,
    ) -> Result<(), Error> {
        let drivers = T::rows(self.quantity);
        axes::with_rows(p, q, &self.reduced, |p, q, pairs| match (q, &self.totals) {
            (Some(q), Some(totals)) => {
                let total_of = |slice| totals.get(before + slice / sharing);
                (drivers.of_total().values)(p, q, pairs, &total_of, self.policy, self.unit, out)
            }
            _ => (drivers.values)(p, q, pairs, self.policy, self.unit, out),
        })
    }
}

/// The memory behind a [`Grid`].
struct Cells<T: Float> {
    rows: usize,
    shape: Vec<usize>,
    /// Validity of the arrays at each depth, whole rows first.
    levels: Vec<Option<Bitmap>>,
    elements: PrimitiveArray<T>,
}

impl<T: Float> Cells<T> {
    fn open(array: &ArrayRef, dtype: &DataType) -> PolarsResult<Cells<T>> {
        let (mut array, mut dtype) = (array.clone(), dtype);
        let rows = array.len();
        let (mut shape, mut levels) = (Vec::new(), Vec::new());
        while let DataType::Array(below, width) = dtype {
            let cells = array.as_any().downcast_ref::<FixedSizeListArray>();
            let cells = cells.ok_or_else(|| polars_err!(ComputeError: "expected cells of {dtype}"))?;
            shape.push(*width);
            levels.push(cells.validity().cloned());
            (array, dtype) = (cells.values().clone(), &**below);
        }
        Ok(Cells { rows, shape, levels, elements: convert::as_floats(array, dtype)? })
    }

    /// Some of the rows.
    fn grid(&self, rows: Range<usize>) -> Grid<'_, T> {
        let levels: Vec<_> = self.levels.iter().map(|level| convert::bits(level.as_ref())).collect();
        Grid::new(rows, &self.shape, &levels, convert::weights(&self.elements))
    }
}

/// Cell by cell: no axis 0.
fn by_row<T: Float>(p: &Series, q: Option<&Series>, options: &Options) -> PolarsResult<Series> {
    let shape = p.dtype().get_shape().unwrap_or_default();
    let per_row = options.per_row(&shape);
    let mut out = Vec::new();
    let mut before = 0;
    let chunks = FloatChunks::of::<T>(p, q)?;
    for pair in &chunks.pairs {
        let rows = pair.rows.rows();
        let p_cells = Cells::<T>::open(&pair.p, p.dtype())?;
        let p_grid = p_cells.grid(0..p_cells.rows);
        let p_grid = if pair.rows.repeats_p() { p_grid.broadcast(rows, &shape) } else { p_grid };
        let q_cells = q.map(|q| Cells::<T>::open(&pair.q, q.dtype())).transpose()?;
        let q_grid = q_cells.as_ref().map(|q| q.grid(0..q.rows));

        let mut values = Values::with_capacity(rows * per_row);
        let sharing = (before, per_row);
        options.reduce(&p_grid, q_grid.as_ref(), sharing, &mut values).map_err(|error| {
            let row = error.row() / per_row.max(1);
            in_row(error, before + row, p.name(), q.map_or("", |q| q.name()))
        })?;
        let levels = levels_of_result(&p_grid, q_grid.as_ref(), pair, options, &shape);
        let values = convert::values(values, options.precision);
        out.push(convert::cells(values, rows, &options.cell_shape(&shape), &levels));
        before += rows;
    }
    chunks.join(p.name(), out)
}

/// Validity of the arrays of a result, whole rows first: null where p is, and whole rows where q is.
fn levels_of_result<T: Float>(
    p: &Grid<T>,
    q: Option<&Grid<T>>,
    pair: &ChunkPair,
    options: &Options,
    shape: &[usize],
) -> Vec<Option<Bitmap>> {
    let rows = pair.rows.rows();
    let count = |depth: usize| rows * shape[..depth].iter().product::<usize>();
    let levels = p.levels().iter().enumerate().take(axes::outermost(&options.reduced));
    let mut levels: Vec<Option<Bitmap>> = levels
        .map(|(depth, level)| level.as_ref().map(|level| convert::bitmap(level, count(depth))))
        .collect();
    if let Some(q_rows) = q.and_then(|q| q.levels()[0].as_ref()) {
        let p_rows: Option<&Validity> = p.levels()[0].as_ref();
        let there = |row| p_rows.is_none_or(|bits| bits.get(row)) && q_rows.get(pair.rows.get(row).1);
        levels[0] = Some((0..rows).map(there).collect());
    }
    levels
}

/// Lists of cells, one for each column or group; or one cell for each, which stands for any number of rows.
struct Groups<T: Float> {
    cells: Cells<T>,
    lists: Option<ListArray<i64>>,
}

impl<T: Float> Groups<T> {
    fn open(s: &Series) -> PolarsResult<Groups<T>> {
        let s = s.rechunk();
        let array = &s.chunks()[0];
        Ok(match (array.as_any().downcast_ref::<ListArray<i64>>(), s.dtype()) {
            (Some(lists), DataType::List(below)) => {
                let (first, last) = (*lists.offsets().first() as usize, *lists.offsets().last() as usize);
                let cells = Cells::open(&lists.values().sliced(first, last - first), below)?;
                Groups { cells, lists: Some(lists.clone()) }
            }
            _ => Groups { cells: Cells::open(array, s.dtype())?, lists: None },
        })
    }

    /// The cells of group `i`, `None` if it is null.
    fn get(&self, i: usize) -> Option<Grid<'_, T>> {
        let Some(lists) = &self.lists else { return Some(self.cells.grid(i..i + 1)) };
        let offsets = lists.offsets().as_slice();
        let valid = lists.validity().is_none_or(|bits| bits.get_bit(i));
        let rows = (offsets[i] - offsets[0]) as usize..(offsets[i + 1] - offsets[0]) as usize;
        valid.then(|| self.cells.grid(rows))
    }
}

/// The rows of each group together: axis 0 is reduced. One cell for each group comes out.
fn by_group<T: Float>(p: &Series, q: Option<&Series>, options: &Options) -> PolarsResult<Series> {
    // A sole p goes along with itself.
    let groups = pair_rows(p, q.unwrap_or(p))?;
    let p_groups = Groups::<T>::open(p)?;
    let q_groups = q.map(Groups::<T>::open).transpose()?;
    let shape = &p_groups.cells.shape;
    let per_group = options.per_row(shape);
    let mut values = Values::with_capacity(groups.rows() * per_group);
    for group in 0..groups.rows() {
        let (i, j) = groups.get(group);
        let (p_cells, q_cells) = (p_groups.get(i), q_groups.as_ref().map(|q| q.get(j)));
        let reduced = match (p_cells, q_cells) {
            (Some(p), None) => options.reduce(&p, None, (group, per_group), &mut values),
            (Some(p), Some(Some(q))) if q.rows() != p.rows() && q.rows() != 1 => {
                Err(Error::Lengths { row: group, p: p.rows(), q: q.rows() })
            }
            (Some(p), Some(Some(q))) => options.reduce(&p, Some(&q), (group, per_group), &mut values),
            _ => {
                values.push_nulls(per_group);
                Ok(())
            }
        };
        reduced.map_err(|error| in_row(error, group, p.name(), q.map_or("", |q| q.name())))?;
    }
    let values = convert::values(values, options.precision);
    let cells = convert::cells(values, groups.rows(), &options.cell_shape(shape), &[]);
    convert::series(p.name(), vec![cells])
}
