//! Rows of weights that a driver makes, on their way to the driver of [`rows`](super::rows) of a quantity, some of them at a time.

use super::broadcast::RowPairs;
use super::layout::{Extents, ListLayout, Offsets};
use super::options::{NanPolicy, Unit};
use super::registry::{ByFloat, Registered};
use super::rows::Rows;
use super::values::Values;
use super::weights::Weights;

/// Number of weights and rows from which on they go to the quantity.
const FULL: usize = 1 << 14;

/// Rows whose values are added to those of a result.
pub struct Batch<'a> {
    /// The quantity.
    pub quantity: &'a Registered,
    policy: NanPolicy,
    unit: Unit,
    out: &'a mut Values,
    /// Weights of p; those behind the last row are a row that is not complete.
    pub p: Vec<f64>,
    /// Weights of q, as many; none for a quantity of one input.
    pub q: Vec<f64>,
    offsets: Vec<i64>,
}

impl<'a> Batch<'a> {
    /// Rows whose values are added to `out`.
    pub fn new(quantity: &'a Registered, policy: NanPolicy, unit: Unit, out: &'a mut Values) -> Batch<'a> {
        debug_assert_ne!(policy, NanPolicy::Raise, "a missing weight has no place that anyone knows");
        Batch { quantity, policy, unit, out, p: vec![], q: vec![], offsets: vec![0] }
    }

    /// Completes a row.
    #[inline]
    pub fn end_row(&mut self) {
        self.offsets.push(self.p.len() as i64);
        if self.p.len() + self.offsets.len() > FULL {
            self.flush();
        }
    }

    /// Adds a row whose value in nats is known; `None` is null.
    #[inline]
    pub fn push_value(&mut self, nats: Option<f64>) {
        self.flush();
        self.out.push(nats.map(|nats| self.unit.express(nats)));
    }

    /// Hands over the rows that are there.
    #[inline]
    pub fn flush(&mut self) {
        if self.offsets.len() > 1 {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let extents = Extents::Offsets { offsets: Offsets::Large(&self.offsets), start: 0 };
        let layout = ListLayout { extents, valid: None };
        let [p, q] = [&self.p, &self.q].map(|x| Rows { weights: Weights::new(x, None), layout });
        let (values, q) = (f64::rows(self.quantity).values, self.quantity.pair.then_some(&q));
        values(&p, q, RowPairs::same(extents.len()), self.policy, self.unit, self.out)
            .expect("rows have one length, and are not searched for what is missing");
        self.p.clear();
        self.q.clear();
        self.offsets.truncate(1);
    }
}
