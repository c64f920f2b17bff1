//! The axes of a column of n-dimensional cells, as NumPy counts them on `column.to_numpy()`: axis 0 runs down the column,
//! the others inside the cell.

use std::fmt;

/// An axis that the array doesn't have, or one that is named twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisError {
    /// As in `numpy.exceptions.AxisError`.
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

/// Which of `ndim` axes are reduced: those in `axis`, or all if that is `None`.
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
pub fn are_trailing(reduced: &[bool]) -> bool {
    reduced.is_sorted()
}

/// The sizes of the axes that are kept, or those that are reduced.
pub fn sizes(dims: &[usize], reduced: &[bool], which: bool) -> Vec<usize> {
    dims.iter().zip(reduced).filter(|(_, r)| **r == which).map(|(d, _)| *d).collect()
}

/// The shape of the result: reduced axes go, or stay with width 1.
pub fn result(dims: &[usize], reduced: &[bool], keepdims: bool) -> Vec<usize> {
    if keepdims {
        dims.iter().zip(reduced).map(|(d, r)| if *r { 1 } else { *d }).collect()
    } else {
        sizes(dims, reduced, false)
    }
}

/// The positions of an array's elements, distribution by distribution: kept axes outside, reduced ones inside.
pub fn positions(dims: &[usize], reduced: &[bool]) -> impl Iterator<Item = usize> {
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
