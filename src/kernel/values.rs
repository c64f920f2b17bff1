//! One value per row, with validity as Arrow has it.

use super::blocks::{Block, LANES};
use super::options::Unit;
use super::weights::Bits;

/// One value per row, with Arrow's validity.
#[derive(Debug, Default)]
pub struct Values {
    values: Vec<f64>,
    /// Made at the first null.
    valid: Option<Vec<u8>>,
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Values { values, valid: None }
    }
}

impl Values {
    /// Values with room for this many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Values { values: Vec::with_capacity(rows), valid: None }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds a row, `None` being null.
    #[inline(always)]
    pub fn push(&mut self, value: Option<f64>) {
        let i = self.values.len();
        if value.is_none() && self.valid.is_none() {
            self.valid = Some(vec![u8::MAX; i.div_ceil(8)]);
        }
        if let Some(valid) = &mut self.valid {
            if i.is_multiple_of(8) {
                valid.push(u8::MAX);
            }
            if value.is_none() {
                valid[i / 8] &= !(1 << (i % 8));
            }
        }
        self.values.push(value.unwrap_or_default());
    }

    /// Replaces the value of row `i`.
    #[inline(always)]
    pub(super) fn put(&mut self, i: usize, value: f64) {
        self.values[i] = value;
    }

    /// Replaces the values of eight rows from `i` on.
    #[inline(always)]
    pub(super) fn put_eight(&mut self, i: usize, values: Block) {
        self.values[i..i + LANES].copy_from_slice(&values);
    }

    /// Replaces the value of row `i`, given in nats.
    #[inline(always)]
    pub(super) fn set(&mut self, i: usize, nats: Option<f64>, unit: Unit) {
        match nats {
            Some(nats) => self.values[i] = unit.express(nats),
            None => {
                let rows = self.values.len();
                let valid = self.valid.get_or_insert_with(|| vec![u8::MAX; rows.div_ceil(8)]);
                valid[i / 8] &= !(1 << (i % 8));
            }
        }
    }

    /// The value of row `i`, `None` being null.
    pub fn get(&self, i: usize) -> Option<f64> {
        let valid = self.valid.as_ref().is_none_or(|valid| Bits::new(valid, 0).get(i));
        valid.then(|| self.values[i])
    }

    /// Adds rows with the value 0.
    pub(super) fn push_zeros(&mut self, rows: usize) {
        self.values.resize(self.values.len() + rows, 0.0);
        if let Some(valid) = &mut self.valid {
            valid.resize(self.values.len().div_ceil(8), u8::MAX);
        }
    }

    /// The values, 0 for null.
    pub fn as_slice(&self) -> &[f64] {
        &self.values
    }

    /// Adds rows without a value.
    pub fn push_nulls(&mut self, rows: usize) {
        (0..rows).for_each(|_| self.push(None));
    }

    /// The values and, if there are nulls, the validity bits, least significant first.
    pub fn into_parts(self) -> (Vec<f64>, Option<Vec<u8>>) {
        (self.values, self.valid)
    }
}
