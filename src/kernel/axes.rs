//! Axes of a column of n-dimensional cells, as NumPy counts them on `column.to_numpy()`: axis 0 runs down the column, the others
//! inside the cell. A slice along the reduced axes is a distribution, and becomes a row.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::broadcast::{Broadcast, RowPairs};
use super::layout::{Extents, ListLayout};
use super::rows::Rows;
use super::weights::{Bits, Weight, Weights};

/// An axis that the array doesn't have, or one that is named twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisError {
    /// Axis that there isn't, as in `numpy.exceptions.AxisError`.
    OutOfBounds {
        /// The axis as it was given.
        axis: i64,
        /// The number of axes.
        ndim: usize,
    },
    /// Named twice, perhaps once from the front and once from the back.
    Repeated {
        /// The axis as it was given the second time.
        axis: i64,
    },
}

impl fmt::Display for AxisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisError::OutOfBounds { axis, ndim } => {
                write!(f, "axis {axis} is out of bounds for an array of {ndim} dimensions")
            }
            AxisError::Repeated { axis } => write!(f, "axis {axis} is named twice"),
        }
    }
}

/// Flags of the `ndim` axes are reduced: those in `axis`, or all if that is `None`.
pub fn reduced(axis: Option<&[i64]>, ndim: usize) -> Result<Vec<bool>, AxisError> {
    let Some(axis) = axis else { return Ok(vec![true; ndim]) };
    let mut reduced = vec![false; ndim];
    for &axis in axis {
        let from_front = if axis < 0 { axis + ndim as i64 } else { axis };
        let slot = usize::try_from(from_front).ok().and_then(|i| reduced.get_mut(i));
        match slot {
            None => return Err(AxisError::OutOfBounds { axis, ndim }),
            Some(true) => return Err(AxisError::Repeated { axis }),
            Some(slot) => *slot = true,
        }
    }
    Ok(reduced)
}

/// Whether no kept axis comes after a reduced one, so that each distribution is contiguous.
fn are_trailing(reduced: &[bool]) -> bool {
    reduced.is_sorted()
}

/// Sizes of the axes that are kept.
pub fn kept_sizes(dims: &[usize], reduced: &[bool]) -> Vec<usize> {
    dims.iter().zip(reduced).filter(|(_, reduced)| !**reduced).map(|(size, _)| *size).collect()
}

/// Sizes of the axes that are reduced.
pub fn reduced_sizes(dims: &[usize], reduced: &[bool]) -> Vec<usize> {
    dims.iter().zip(reduced).filter(|(_, reduced)| **reduced).map(|(size, _)| *size).collect()
}

/// Shape of the result: reduced axes go, or stay with width 1.
pub fn result(dims: &[usize], reduced: &[bool], keepdims: bool) -> Vec<usize> {
    if keepdims {
        dims.iter().zip(reduced).map(|(d, r)| if *r { 1 } else { *d }).collect()
    } else {
        kept_sizes(dims, reduced)
    }
}

/// Positions of an array's elements, distribution by distribution: kept axes outside, reduced ones inside.
fn positions(dims: &[usize], reduced: &[bool]) -> impl Iterator<Item = usize> {
    let mut strides = vec![1; dims.len()];
    for k in (1..dims.len()).rev() {
        strides[k - 1] = strides[k] * dims[k];
    }
    let in_order: Vec<(usize, usize)> = [false, true]
        .into_iter()
        .flat_map(|which| (0..dims.len()).filter(move |&k| reduced[k] == which))
        .map(|k| (dims[k], strides[k]))
        .collect();
    let count: usize = dims.iter().product();
    (0..count).map(move |mut n| {
        let mut position = 0;
        for &(size, stride) in in_order.iter().rev() {
            position += n % size * stride;
            n /= size;
        }
        position
    })
}

/// Validity bits, borrowed or made here.
#[derive(Clone, Debug)]
pub enum Validity<'a> {
    /// Bits of an array.
    Borrowed(Bits<'a>),
    /// Bits that were gathered, least significant first.
    Owned(Vec<u8>),
}

impl FromIterator<bool> for Validity<'_> {
    fn from_iter<I: IntoIterator<Item = bool>>(valid: I) -> Self {
        let mut bytes = Vec::new();
        for (i, valid) in valid.into_iter().enumerate() {
            if i % 8 == 0 {
                bytes.push(0);
            }
            bytes[i / 8] |= u8::from(valid) << (i % 8);
        }
        Validity::Owned(bytes)
    }
}

impl Validity<'_> {
    /// The bits.
    pub fn bits(&self) -> Bits<'_> {
        match self {
            Validity::Borrowed(bits) => *bits,
            Validity::Owned(bytes) => Bits::new(bytes, 0),
        }
    }

    /// Whether the `i`-th is set.
    pub fn get(&self, i: usize) -> bool {
        self.bits().get(i)
    }
}

/// A column of cells of one shape.
#[derive(Clone, Debug)]
pub struct Grid<'a, T: Clone> {
    rows: usize,
    shape: Vec<usize>,
    /// Validity of the arrays at each depth, whole rows first.
    levels: Vec<Option<Validity<'a>>>,
    values: Cow<'a, [T]>,
    valid: Option<Validity<'a>>,
}

impl<'a, T: Weight> Grid<'a, T> {
    /// Some rows of a column of cells: of all its arrays at each depth, the validity, whole rows first, and of all its elements,
    /// the weights.
    pub fn new(
        rows: Range<usize>,
        shape: &[usize],
        levels: &[Option<Bits<'a>>],
        weights: Weights<'a, T>,
    ) -> Grid<'a, T> {
        let per_row = |depth: usize| shape[..depth].iter().product::<usize>();
        let level = |(depth, bits): (usize, &Option<Bits<'a>>)| {
            let bits = (*bits)?.from(rows.start * per_row(depth));
            (!bits.all(rows.len() * per_row(depth))).then_some(Validity::Borrowed(bits))
        };
        let cell = per_row(shape.len());
        let weights = weights.slice(rows.start * cell..rows.end * cell);
        Grid {
            rows: rows.len(),
            shape: shape.to_vec(),
            levels: levels.iter().enumerate().map(level).collect(),
            values: Cow::Borrowed(weights.values()),
            valid: weights.nulls().map(Validity::Borrowed),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Validity of the arrays at each depth, whole rows first.
    pub fn levels(&self) -> &[Option<Validity<'a>>] {
        &self.levels
    }

    fn dims(&self) -> Vec<usize> {
        std::iter::once(self.rows).chain(self.shape.iter().copied()).collect()
    }

    /// Cells repeated to so many rows and along leading axes, to this shape.
    pub fn broadcast(&self, rows: usize, shape: &[usize]) -> Grid<'static, T> {
        let added = shape.len() - self.shape.len();
        let rows_of_it = Broadcast::new(self.rows, rows).unwrap_or(Broadcast::same(rows));
        // For the arrays of a depth, one after the other, which of them each is here.
        let sources = |depth: usize, own: usize| {
            let wide: usize = shape[..depth].iter().product();
            let narrow: usize = self.shape[..own].iter().product();
            (0..rows * wide).map(move |i| rows_of_it.get(i / wide).0 * narrow + i % wide % narrow)
        };
        let levels = (0..shape.len()).map(|depth| {
            let own = if depth == 0 { 0 } else { depth.checked_sub(added).filter(|own| *own > 0)? };
            let bits = self.levels[own].as_ref()?;
            Some(sources(depth, own).map(|i| bits.get(i)).collect())
        });
        let elements = || sources(shape.len(), self.shape.len());
        Grid {
            rows,
            shape: shape.to_vec(),
            levels: levels.collect(),
            values: elements().map(|i| self.values[i]).collect(),
            valid: self.valid.as_ref().map(|bits| elements().map(|i| bits.get(i)).collect()),
        }
    }

    /// The distributions, one after the other in memory.
    fn slices(&self, reduced: &[bool]) -> Slices<'_, T> {
        let dims = self.dims();
        let kept = kept_sizes(&dims, reduced);
        let count = kept.iter().product();
        let width = reduced_sizes(&dims, reduced).iter().product();
        let outermost = outermost(reduced);

        let above = self.levels.iter().enumerate().take(outermost);
        let above: Vec<(usize, &Validity)> =
            above.filter_map(|(k, bits)| Some((kept[k + 1..].iter().product(), bits.as_ref()?))).collect();
        let there = (!above.is_empty())
            .then(|| (0..count).map(|i| above.iter().all(|(per, bits)| bits.get(i / per))).collect());

        let within = self.levels.iter().enumerate().skip(outermost);
        let mut within: Vec<(usize, &Validity)> =
            within.filter_map(|(k, bits)| Some((dims[k + 1..].iter().product(), bits.as_ref()?))).collect();
        within.extend(self.valid.as_ref().map(|bits| (1, bits)));
        let is_there = |i: usize| within.iter().all(|(per, bits)| bits.get(i / per));

        if are_trailing(reduced) {
            let valid = match within[..] {
                [] => None,
                [(1, bits)] => Some(Validity::Borrowed(bits.bits())),
                _ => Some((0..self.values.len()).map(is_there).collect()),
            };
            return Slices { count, width, values: Cow::Borrowed(&*self.values), valid, there };
        }
        let positions = || positions(&dims, reduced);
        let values = positions().map(|i| self.values[i]).collect();
        let valid = (!within.is_empty()).then(|| positions().map(is_there).collect());
        Slices { count, width, values, valid, there }
    }
}

/// First axis that is reduced. Nulls of whole arrays above it are null distributions, below it missing elements.
pub fn outermost(reduced: &[bool]) -> usize {
    reduced.iter().position(|reduced| *reduced).unwrap_or(reduced.len())
}

/// Distributions of a grid.
struct Slices<'a, T: Clone> {
    count: usize,
    width: usize,
    values: Cow<'a, [T]>,
    /// Validity of the elements.
    valid: Option<Validity<'a>>,
    /// Validity of the distributions.
    there: Option<Validity<'a>>,
}

impl<T: Weight> Slices<'_, T> {
    fn rows(&self) -> Rows<'_, T> {
        Rows {
            weights: Weights::new(&self.values, self.valid.as_ref().map(Validity::bits)),
            layout: ListLayout {
                extents: Extents::Width { width: self.width, rows: self.count },
                valid: self.there.as_ref().map(Validity::bits),
            },
        }
    }
}

/// Hands the distributions of p, or of p and q, to a driver of rows. q has as many rows as p or one, and p's shape or its last
/// axes.
pub fn with_rows<T: Weight, R>(
    p: &Grid<T>,
    q: Option<&Grid<T>>,
    reduced: &[bool],
    driver: impl FnOnce(&Rows<T>, Option<&Rows<T>>, RowPairs) -> R,
) -> R {
    let p_slices = p.slices(reduced);
    let pairs = RowPairs::same(p_slices.count);
    let Some(q) = q else { return driver(&p_slices.rows(), None, pairs) };
    let same_shape = q.shape == p.shape;
    // One row of q as it is, where no distribution reaches over several rows or is put together from places apart.
    let one_row = q.rows == 1 && !reduced[0] && are_trailing(reduced);
    if same_shape && (q.rows == p.rows || one_row) {
        let q_slices = q.slices(reduced);
        let pairs = match Broadcast::new(p.rows, q.rows) {
            // One row of q has as many distributions as each of p.
            Ok(rows) if one_row => RowPairs::All(rows.times(q_slices.count)),
            _ => pairs,
        };
        return driver(&p_slices.rows(), Some(&q_slices.rows()), pairs);
    }
    let q = q.broadcast(p.rows, &p.shape);
    let q_slices = q.slices(reduced);
    driver(&p_slices.rows(), Some(&q_slices.rows()), pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_from_both_ends() {
        assert_eq!(reduced(Some(&[-1]), 3), Ok(vec![false, false, true]));
        assert_eq!(reduced(Some(&[2, 0]), 3), Ok(vec![true, false, true]));
        assert_eq!(reduced(None, 2), Ok(vec![true, true]));
        assert_eq!(reduced(Some(&[2]), 2), Err(AxisError::OutOfBounds { axis: 2, ndim: 2 }));
        assert_eq!(reduced(Some(&[-3]), 2), Err(AxisError::OutOfBounds { axis: -3, ndim: 2 }));
        assert_eq!(reduced(Some(&[0, -2]), 2), Err(AxisError::Repeated { axis: -2 }));
    }

    #[test]
    fn results_keep_or_drop_reduced_axes() {
        let reduced = [false, true, false];
        assert_eq!(result(&[2, 3, 4], &reduced, false), [2, 4]);
        assert_eq!(result(&[2, 3, 4], &reduced, true), [2, 1, 4]);
        assert!(!are_trailing(&reduced));
        assert!(are_trailing(&[false, true, true]));
    }

    #[test]
    fn positions_transpose() {
        let column_by_column: Vec<usize> = positions(&[2, 3], &[true, false]).collect();
        assert_eq!(column_by_column, [0, 3, 1, 4, 2, 5]);
        let in_order: Vec<usize> = positions(&[2, 3], &[false, true]).collect();
        assert_eq!(in_order, [0, 1, 2, 3, 4, 5]);
        assert_eq!(positions(&[2, 0], &[true, false]).count(), 0);
    }
}
