//! Array columns: n-dimensional cells, reduced along axes as NumPy counts them on `column.to_numpy()`.
//!
//! Without axis 0 a cell is reduced on its own, row by row. With it the rows of a column or group are reduced together, and
//! arrive imploded: one list of cells for each.

use std::borrow::Cow;
use std::ops::Range;

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, ListArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;

use super::dtypes::{self, Method, Shape};
use super::errors::{common_rows, in_row};
use super::kwargs::{CellKwargs, Fixed, Span};
use super::leaf::{self, Leaf};
use super::lists::aligned_chunks;
use crate::kernel::axes;
use crate::kernel::contract::{NanPolicy, Precision, Unit};
use crate::kernel::levels::{Extents, Level};
use crate::kernel::rows::{self, Rows, Values, Which};
use crate::kernel::weights::Weights;

/// Everything about a call but the data.
struct Options {
    /// For each axis, the column's first, whether it is reduced.
    reduced: Vec<bool>,
    keepdims: bool,
    precision: Precision,
    policy: NanPolicy,
    unit: Unit,
}

/// The values of p, or of p and q.
pub fn apply(inputs: &[Series], kwargs: &CellKwargs) -> PolarsResult<Series> {
    let inputs = &*Fixed::inputs(kwargs.fixed.as_ref(), inputs, false)?;
    let method = Method::of_distributions(Shape::Array, inputs.len());
    let fields: Vec<Field> = inputs.iter().map(|s| s.field().into_owned()).collect();
    let out = dtypes::arr_output(method, &fields, kwargs)?;
    let (p, q) = (&inputs[0], inputs.get(1));
    if inputs.iter().any(|s| *dtypes::cell_dtype(s.dtype(), kwargs.span) == DataType::Null) {
        return Ok(leaf::nulls(p.name(), q.map_or(Ok(p.len()), |q| common_rows(p, q))?, out.dtype()));
    }
    let options = Options {
        reduced: dtypes::reduced_axes(dtypes::cell_dtype(p.dtype(), kwargs.span), kwargs)?,
        keepdims: kwargs.keepdims,
        precision: dtypes::of_series(inputs, false),
        policy: kwargs.nan_policy.0,
        unit: Unit::new(kwargs.base),
    };
    let whole_column = kwargs.span == Span::Column && options.reduced[0];
    // A q of one row stands for any number of them and stays what it is.
    let imploded =
        |s: &Series| if s.len() == p.len() { Ok(s.implode()?.into_series()) } else { Ok(s.clone()) };
    let columns: Vec<Series> = match whole_column {
        true => inputs.iter().map(imploded).collect::<PolarsResult<_>>()?,
        false => inputs.to_vec(),
    };
    let (p, q) = (&columns[0], columns.get(1));
    match options.precision {
        Precision::Single => apply_in::<f32>(p, q, &options),
        Precision::Double => apply_in::<f64>(p, q, &options),
    }
}

fn apply_in<T: Leaf>(p: &Series, q: Option<&Series>, options: &Options) -> PolarsResult<Series> {
    if options.reduced[0] { by_group::<T>(p, q, options) } else { by_row::<T>(p, q, options) }
}

impl Options {
    /// The shape of the cells that come out of cells of this shape.
    fn cell_shape(&self, shape: &[usize]) -> Vec<usize> {
        axes::result(shape, &self.reduced[1..], self.keepdims)
    }

    /// The first axis that is reduced. Nulls of whole arrays above it are null distributions, below it missing elements.
    fn outermost(&self) -> usize {
        self.reduced.iter().position(|reduced| *reduced).unwrap_or(self.reduced.len())
    }
}

/// Cells of one shape, taken apart.
struct Grid<'a, T: Leaf> {
    rows: usize,
    shape: Vec<usize>,
    /// For each array level, whole rows first, which arrays are there.
    levels: Vec<Option<Bitmap>>,
    values: Cow<'a, [T]>,
    valid: Option<Bitmap>,
}

/// The memory behind a [`Grid`].
struct Opened<T: Leaf> {
    rows: usize,
    shape: Vec<usize>,
    levels: Vec<Option<Bitmap>>,
    leaf: PrimitiveArray<T>,
}

impl<T: Leaf> Opened<T> {
    fn new(array: &ArrayRef, dtype: &DataType) -> PolarsResult<Opened<T>> {
        let (mut array, mut dtype) = (array.clone(), dtype);
        let rows = array.len();
        let (mut shape, mut levels) = (Vec::new(), Vec::new());
        while let DataType::Array(below, width) = dtype {
            let cells = array.as_any().downcast_ref::<FixedSizeListArray>();
            let cells = cells.ok_or_else(|| polars_err!(ComputeError: "expected cells of {dtype}"))?;
            shape.push(*width);
            levels.push(cells.validity().filter(|bits| bits.unset_bits() > 0).cloned());
            (array, dtype) = (cells.values().clone(), &**below);
        }
        Ok(Opened { rows, shape, levels, leaf: leaf::leaf(array, dtype)? })
    }

    /// Some of the rows.
    fn grid(&self, rows: Range<usize>) -> Grid<'_, T> {
        let cut = |bits: &Bitmap, per_row: usize| {
            let bits = bits.clone().sliced(rows.start * per_row, rows.len() * per_row);
            (bits.unset_bits() > 0).then_some(bits)
        };
        let per_row = |level: usize| self.shape[..level].iter().product();
        let cell = per_row(self.shape.len());
        Grid {
            rows: rows.len(),
            shape: self.shape.clone(),
            levels: self
                .levels
                .iter()
                .enumerate()
                .map(|(k, level)| level.as_ref().and_then(|bits| cut(bits, per_row(k))))
                .collect(),
            values: Cow::Borrowed(&self.leaf.values().as_slice()[rows.start * cell..rows.end * cell]),
            valid: self.leaf.validity().and_then(|bits| cut(bits, cell)),
        }
    }
}

impl<T: Leaf> Grid<'_, T> {
    fn dims(&self) -> Vec<usize> {
        std::iter::once(self.rows).chain(self.shape.iter().copied()).collect()
    }

    /// Repeats cells to as many rows and as many leading axes as `like` has.
    fn broadcast(&self, like: &Grid<T>) -> Grid<'static, T> {
        let added = like.shape.len() - self.shape.len();
        let one_row = self.rows == 1;
        // The arrays of a level: those within a row of the result, and which of them each is here.
        let sources = |level: usize, own: usize| {
            let wide: usize = like.shape[..level].iter().product();
            let narrow: usize = self.shape[..own].iter().product();
            (0..like.rows * wide).map(move |i| {
                let row = if one_row { 0 } else { i / wide };
                row * narrow + i % wide % narrow
            })
        };
        let levels = (0..like.shape.len()).map(|level| {
            let own = if level == 0 { 0 } else { level.checked_sub(added).filter(|own| *own > 0)? };
            let bits = self.levels[own].as_ref()?;
            Some(sources(level, own).map(|i| bits.get_bit(i)).collect())
        });
        let leaves = || sources(like.shape.len(), self.shape.len());
        Grid {
            rows: like.rows,
            shape: like.shape.clone(),
            levels: levels.collect(),
            values: leaves().map(|i| self.values[i]).collect(),
            valid: self.valid.as_ref().map(|bits| leaves().map(|i| bits.get_bit(i)).collect()),
        }
    }
}

/// The distributions of a grid, one after the other in memory.
struct Slices<'a, T: Leaf> {
    count: usize,
    width: usize,
    values: Cow<'a, [T]>,
    /// Which elements are there.
    valid: Option<Bitmap>,
    /// Which distributions are there.
    there: Option<Bitmap>,
}

impl<'a, T: Leaf> Slices<'a, T> {
    fn new(grid: &'a Grid<T>, options: &Options) -> Slices<'a, T> {
        let (dims, reduced) = (grid.dims(), &options.reduced[..]);
        let kept = axes::sizes(&dims, reduced, false);
        let count = kept.iter().product();
        let width = axes::sizes(&dims, reduced, true).iter().product();
        let outermost = options.outermost();

        let above = grid.levels.iter().enumerate().take(outermost);
        let above: Vec<(usize, &Bitmap)> =
            above.filter_map(|(k, bits)| Some((kept[k + 1..].iter().product(), bits.as_ref()?))).collect();
        let there = (!above.is_empty())
            .then(|| (0..count).map(|i| above.iter().all(|(per, bits)| bits.get_bit(i / per))).collect());

        let within = grid.levels.iter().enumerate().skip(outermost);
        let mut within: Vec<(usize, &Bitmap)> =
            within.filter_map(|(k, bits)| Some((dims[k + 1..].iter().product(), bits.as_ref()?))).collect();
        within.extend(grid.valid.as_ref().map(|bits| (1, bits)));
        let is_there = |i: usize| within.iter().all(|(per, bits)| bits.get_bit(i / per));

        if axes::are_trailing(reduced) {
            let valid = match within[..] {
                [] => None,
                [(1, bits)] => Some(bits.clone()),
                _ => Some((0..grid.values.len()).map(is_there).collect()),
            };
            return Slices { count, width, values: Cow::Borrowed(&*grid.values), valid, there };
        }
        let positions = || axes::positions(&dims, reduced);
        let values = positions().map(|i| grid.values[i]).collect();
        let valid = (!within.is_empty()).then(|| positions().map(is_there).collect());
        Slices { count, width, values, valid, there }
    }

    fn rows(&self) -> Rows<'_, T> {
        Rows {
            weights: Weights::new(&self.values, leaf::bits(self.valid.as_ref())),
            level: Level {
                extents: Extents::Width { width: self.width, rows: self.count },
                valid: leaf::bits(self.there.as_ref()),
            },
        }
    }
}

/// The values of all distributions of p, or of p and q, which has as many rows as p or one.
fn reduce<T: Leaf>(
    p: &Grid<T>,
    q: Option<&Grid<T>>,
    options: &Options,
    out: &mut Values,
) -> Result<(), rows::Error> {
    let (policy, unit) = (options.policy, options.unit);
    let of_p = Slices::new(p, options);
    let Some(q) = q else {
        return rows::entropy(&of_p.rows(), Which::all(of_p.count), policy, unit, out);
    };
    let same = q.shape == p.shape;
    if same && q.rows == p.rows {
        let of_q = Slices::new(q, options);
        return rows::kl_div(&of_p.rows(), &of_q.rows(), Which::all(of_p.count), policy, unit, out);
    }
    if same && q.rows == 1 && !options.reduced[0] && axes::are_trailing(&options.reduced) {
        let of_q = Slices::new(q, options);
        let which = Which::All { rows: of_p.count, p: of_p.count, q: of_q.count };
        return rows::kl_div(&of_p.rows(), &of_q.rows(), which, policy, unit, out);
    }
    let q = q.broadcast(p);
    let of_q = Slices::new(&q, options);
    rows::kl_div(&of_p.rows(), &of_q.rows(), Which::all(of_p.count), policy, unit, out)
}

/// The row of the column that the `i`-th of `count` distributions belongs to.
fn row_of(i: usize, count: usize, rows: usize) -> usize {
    i / (count / rows.max(1)).max(1)
}

/// Cell by cell: no axis 0.
fn by_row<T: Leaf>(p: &Series, q: Option<&Series>, options: &Options) -> PolarsResult<Series> {
    let shape = p.dtype().get_shape().unwrap_or_default();
    let out_shape = options.cell_shape(&shape);
    let per_row: usize = axes::sizes(&shape, &options.reduced[1..], false).iter().product();
    let mut out = Vec::new();
    let mut before = 0;
    // A sole p goes along with itself.
    for pair in aligned_chunks(p, q.unwrap_or(p))? {
        let of_p = Opened::<T>::new(&pair.p, p.dtype())?;
        let of_p = of_p.grid(0..of_p.rows);
        let of_p = if of_p.rows == pair.rows {
            of_p
        } else {
            let like = Grid {
                rows: pair.rows,
                shape: shape.clone(),
                levels: vec![],
                values: Cow::default(),
                valid: None,
            };
            of_p.broadcast(&like)
        };
        let of_q = q.map(|q| Opened::<T>::new(&pair.q, q.dtype())).transpose()?;
        let of_q = of_q.as_ref().map(|q| q.grid(0..q.rows));

        let mut values = Values::with_capacity(pair.rows * per_row);
        reduce(&of_p, of_q.as_ref(), options, &mut values).map_err(|e| {
            let row = row_of(e.row(), pair.rows * per_row, pair.rows);
            in_row(e, before + row, p.name(), q.map_or("", |q| q.name()))
        })?;
        let mut levels = of_p.levels.clone();
        levels.truncate(options.outermost());
        if let Some(nulls_of_q) = of_q.as_ref().and_then(|q| q.levels[0].as_ref()) {
            let nulls_of_p = levels[0].take();
            let there = pair.indices().enumerate().map(|(row, (_, j))| {
                nulls_of_p.as_ref().is_none_or(|bits| bits.get_bit(row)) && nulls_of_q.get_bit(j)
            });
            levels[0] = Some(there.collect());
        }
        out.push(leaf::cells(leaf::values(values, options.precision), pair.rows, &out_shape, &levels));
        before += pair.rows;
    }
    leaf::series(p.name(), out)
}

/// Lists of cells, one for each column or group; or one cell for each, which stands for any number of rows.
struct Groups<T: Leaf> {
    cells: Opened<T>,
    lists: Option<ListArray<i64>>,
}

impl<T: Leaf> Groups<T> {
    fn new(s: &Series) -> PolarsResult<Groups<T>> {
        let s = s.rechunk();
        let array = &s.chunks()[0];
        Ok(match (array.as_any().downcast_ref::<ListArray<i64>>(), s.dtype()) {
            (Some(lists), DataType::List(below)) => {
                let (first, last) = (*lists.offsets().first() as usize, *lists.offsets().last() as usize);
                let cells = Opened::new(&lists.values().sliced(first, last - first), below)?;
                Groups { cells, lists: Some(lists.clone()) }
            }
            _ => Groups { cells: Opened::new(array, s.dtype())?, lists: None },
        })
    }

    /// The rows of group `i`, `None` if it is null.
    fn get(&self, i: usize) -> Option<Range<usize>> {
        let Some(lists) = &self.lists else { return Some(i..i + 1) };
        let offsets = lists.offsets().as_slice();
        let valid = lists.validity().is_none_or(|bits| bits.get_bit(i));
        valid.then(|| (offsets[i] - offsets[0]) as usize..(offsets[i + 1] - offsets[0]) as usize)
    }
}

/// The rows of each group together: axis 0 is reduced. One cell for each group comes out.
fn by_group<T: Leaf>(p: &Series, q: Option<&Series>, options: &Options) -> PolarsResult<Series> {
    let groups = q.map_or(Ok(p.len()), |q| common_rows(p, q))?;
    let of_p = Groups::<T>::new(p)?;
    let of_q = q.map(Groups::<T>::new).transpose()?;
    let shape = &of_p.cells.shape;
    let per_group: usize = axes::sizes(shape, &options.reduced[1..], false).iter().product();
    let mut values = Values::with_capacity(groups * per_group);
    let one_for_all = |s: &Series, i| if s.len() == 1 { 0 } else { i };
    for i in 0..groups {
        let fail = |e| in_row(e, i, p.name(), q.map_or("", |q| q.name()));
        let cells = of_p.get(one_for_all(p, i)).map(|rows| of_p.cells.grid(rows));
        let reference = match (q, &of_q) {
            (Some(q), Some(of_q)) => Some(of_q.get(one_for_all(q, i)).map(|rows| of_q.cells.grid(rows))),
            _ => None,
        };
        match (cells, reference) {
            (Some(p), None) => reduce(&p, None, options, &mut values).map_err(fail)?,
            (Some(p), Some(Some(q))) if q.rows == p.rows || q.rows == 1 => {
                reduce(&p, Some(&q), options, &mut values).map_err(fail)?;
            }
            (Some(p), Some(Some(q))) => {
                return Err(fail(rows::Error::Lengths { row: i, p: p.rows, q: q.rows }));
            }
            _ => values.push_nulls(per_group),
        }
    }
    let out_shape = options.cell_shape(shape);
    leaf::series(
        p.name(),
        vec![leaf::cells(leaf::values(values, options.precision), groups, &out_shape, &[])],
    )
}
