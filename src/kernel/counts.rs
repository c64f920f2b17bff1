//! Driver of rows of observed values: it counts how often each occurs, and hands the counts as weights to the driver of rows of a
//! quantity. A sole value counts as any other, so no quantity knows of it.
//!
//! The counts of a row are sorted, so that neither the order of the values nor their names change a bit of the result.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::batch::Batch;
use super::few::{self, MANY};
use super::layout::{Error, ListLayout};
use super::options::{NanPolicy, Unit};
use super::registry::{Pairs, Registered};
use super::rules::{Missing, Side};
use super::simd::{Arithmetic, Loop, vectorised};
use super::values::Values;
use super::weights::Bits;

/// Rows of keys, some of which may be null as a whole.
#[derive(Clone, Copy, Debug)]
pub struct KeyRows<'a> {
    /// The keys of all rows.
    pub keys: &'a [u64],
    /// Validity of the keys; `None` where none is null.
    pub valid: Option<Bits<'a>>,
    /// Layout of the rows.
    pub layout: ListLayout<'a>,
}

/// Adds the values of a quantity of the counts of each row.
pub fn values(
    rows: &KeyRows,
    quantity: &Registered,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    vectorised(EachRow { rows, policy, counts: Counts::new(quantity, unit, out) })
}

/// The rows of keys, whose counts go to a quantity.
struct EachRow<'a> {
    rows: &'a KeyRows<'a>,
    policy: NanPolicy,
    counts: Counts<'a>,
}

impl Loop for EachRow<'_> {
    type Out = Result<(), Error>;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> Result<(), Error> {
        let EachRow { rows, policy, mut counts } = self;
        let (mut counters, mut table) = (Counters::default(), Table::default());
        let mut there = Vec::new();
        for row in 0..rows.layout.extents.len() {
            let Some(range) = rows.layout.get(row) else {
                counts.push_null();
                continue;
            };
            let mut keys = &rows.keys[range.clone()];
            let valid = rows.valid.map(|bits| bits.from(range.start)).filter(|bits| !bits.all(keys.len()));
            if let Some(valid) = valid {
                match policy {
                    NanPolicy::Propagate => {
                        counts.push_null();
                        continue;
                    }
                    NanPolicy::Omit => {
                        there.clear();
                        there.extend((0..keys.len()).filter(|i| valid.get(*i)).map(|i| keys[i]));
                        keys = &there;
                    }
                    NanPolicy::Raise => {
                        let at = (0..keys.len()).position(|i| !valid.get(i)).unwrap_or_default();
                        return Err(Error::Missing { row, missing: Missing { side: Side::P, at } });
                    }
                }
            }
            if keys.len() <= SHORT {
                counts.push(of_short_row(keys), keys.len());
            } else if let Some((least, width)) = near_each_other(keys) {
                counts.push(counters.count(keys, least, width), keys.len());
            } else {
                counts.push(table.count(keys), keys.len());
            }
        }
        counts.finish();
        Ok(())
    }
}

/// Length up to which each key is compared with each other, which is quicker than a table.
const SHORT: usize = 32;

/// Counts of the keys, each at its first place, and 0 at the others.
#[inline(always)]
fn of_short_row(keys: &[u64]) -> impl Iterator<Item = usize> {
    let equal_to = |key: u64, keys: &[u64]| keys.iter().map(|other| u64::from(*other == key)).sum::<u64>();
    (0..keys.len()).map(move |i| {
        let (before, from_here) = keys.split_at(i);
        let is_first = equal_to(keys[i], before) == 0;
        if is_first { equal_to(keys[i], from_here) as usize } else { 0 }
    })
}

/// Adds the values of a quantity of pairs of observed values, from the keys of the sides that it asks for, in its order. Where a pair
/// is missing, all sides are.
pub fn of_pairs(
    sides: &[KeyRows],
    pairs: &Pairs,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    let mut entropies = Vec::with_capacity(sides.len());
    for rows in sides {
        let mut nats = Values::default();
        values(rows, &pairs.entropy, policy, Unit::new(None), &mut nats)?;
        entropies.push(nats);
    }
    let rows = entropies.iter().map(Values::len).min().unwrap_or_default();
    for row in 0..rows {
        let mut value = Some(0.0);
        for ((_, sign), nats) in pairs.terms.iter().zip(&entropies) {
            value = value.zip(nats.get(row)).map(|(value, nats)| value + sign * nats);
        }
        // What rounding leaves of nothing may be a hair below it.
        out.push(value.map(|nats| unit.express(nats.max(0.0))));
    }
    Ok(())
}

/// A key as a number that is near those of other integers near it, whatever their signs.
#[inline(always)]
fn place(key: u64) -> u64 {
    key ^ (1 << 63)
}

/// The least place of the keys, and the number of places from there to the greatest, if there are hardly more of them than keys: small
/// integers, dates.
#[inline(always)]
fn near_each_other(keys: &[u64]) -> Option<(u64, usize)> {
    let (least, greatest) = keys.iter().fold((u64::MAX, 0), |(least, greatest), key| {
        let place = place(*key);
        (if place < least { place } else { least }, if place > greatest { place } else { greatest })
    });
    let width = usize::try_from(greatest.wrapping_sub(least)).ok()?.checked_add(1)?;
    (width / 2 <= keys.len() && keys.len() <= u32::MAX as usize).then_some((least, width))
}

/// Counts of the keys of a row that are near each other, by place.
#[derive(Default)]
struct Counters(Vec<u32>);

impl Counters {
    #[inline(always)]
    fn count(&mut self, keys: &[u64], least: u64, width: usize) -> impl Iterator<Item = usize> {
        self.0.clear();
        self.0.resize(width, 0);
        for key in keys {
            self.0[(place(*key) - least) as usize] += 1;
        }
        self.0.iter().map(|count| *count as usize)
    }
}

/// Counts of the keys of a row, by key.
#[derive(Default)]
struct Table(HashMap<u64, usize, RandomState>);

/// Number of keys up to which the memory of a row before is kept, however much it is.
const FEW_KEYS: usize = 1024;

impl Table {
    fn count(&mut self, keys: &[u64]) -> impl Iterator<Item = usize> {
        // To clear a table takes the longer, the more it once held.
        if self.0.capacity() / 4 > keys.len().max(FEW_KEYS) {
            self.0 = HashMap::default();
        }
        self.0.clear();
        for key in keys {
            *self.0.entry(*key).or_insert(0) += 1;
        }
        self.0.values().copied()
    }
}

/// Rows of counts on their way to a quantity.
pub struct Counts<'a> {
    batch: Batch<'a>,
    sorted: Vec<usize>,
}

impl<'a> Counts<'a> {
    /// Rows of counts whose values are added to `out`.
    pub fn new(quantity: &'a Registered, unit: Unit, out: &'a mut Values) -> Counts<'a> {
        // Counts are never missing.
        Counts { batch: Batch::new(quantity, NanPolicy::Propagate, unit, out), sorted: Vec::new() }
    }

    /// Adds the counts of a row of no more than `most` observations. Counts of 0 are none.
    #[inline]
    pub fn push(&mut self, counts: impl Iterator<Item = usize>, most: usize) {
        if let (Some(of_few), true) = (self.batch.quantity.of_few, most < MANY) {
            let (mut observations, mut kinds, mut terms) = (0, 0, 0);
            for count in counts {
                observations += count;
                kinds += usize::from(count > 0);
                terms += few::term(count);
            }
            let entropy = few::entropy(observations, terms);
            self.batch.push_value(Some(of_few(entropy, observations, kinds)));
            return;
        }
        self.sorted.clear();
        self.sorted.extend(counts.filter(|count| *count > 0));
        self.sorted.sort_unstable();
        self.batch.p.extend(self.sorted.iter().map(|count| *count as f64));
        self.batch.end_row();
    }

    /// Adds a row that is null.
    pub fn push_null(&mut self) {
        self.batch.push_value(None);
    }

    /// Hands the rest over.
    pub fn finish(mut self) {
        self.batch.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::layout::{Extents, Offsets};
    use crate::kernel::quantities::{OF_PAIRS, quantity};

    fn entropies(keys: &[u64], valid: Option<&[u8]>, offsets: &[i64], policy: NanPolicy) -> Vec<Option<f64>> {
        let valid = valid.map(|bytes| Bits::new(bytes, 0));
        let extents = Extents::Offsets { offsets: Offsets::Large(offsets), start: 0 };
        let rows = KeyRows { keys, valid, layout: ListLayout { extents, valid: None } };
        let mut out = Values::default();
        values(&rows, quantity("entropy").unwrap(), policy, Unit::new(Some(2.0)), &mut out).unwrap();
        (0..out.len()).map(|i| out.get(i)).collect()
    }

    #[test]
    fn rows_of_keys() {
        let keys = [7, 7, 8, 9, 5, 5, 5];
        let all = entropies(&keys, None, &[0, 4, 4, 7], NanPolicy::Propagate);
        assert_eq!(all, [Some(1.5), Some(0.0), Some(0.0)]);
    }

    #[test]
    fn nulls_follow_the_policy() {
        let keys = [7, 7, 8, 9];
        let valid = [0b0000_1011];
        assert_eq!(entropies(&keys, Some(&valid), &[0, 4], NanPolicy::Propagate), [None]);
        assert_eq!(entropies(&keys, Some(&valid), &[0, 2, 4], NanPolicy::Propagate), [Some(0.0), None]);
        let [h] = entropies(&keys, Some(&valid), &[0, 4], NanPolicy::Omit)[..] else { panic!() };
        assert!((h.unwrap() - (3f64.log2() - 2.0 / 3.0)).abs() < 1e-15);
    }

    #[test]
    fn a_long_row_before_short_ones_and_more_rows_than_go_at_once() {
        let mut keys: Vec<u64> = (0..100_000).collect();
        let mut offsets = vec![0, 100_000];
        for row in 0..20_000_u64 {
            keys.extend([row, row + 1]);
            offsets.push(keys.len() as i64);
        }
        let h = entropies(&keys, None, &offsets, NanPolicy::Propagate);
        assert!((h[0].unwrap() - 100_000f64.log2()).abs() < 1e-14);
        assert!(h[1..].iter().all(|h| *h == Some(1.0)) && h.len() == 20_001);
    }

    #[test]
    fn keys_near_each_other_and_far_apart_have_the_same_value() {
        let near: Vec<u64> = (0..5000_i64).map(|i| (i * i % 97 - 40) as u64).collect();
        let far: Vec<u64> = near.iter().map(|key| key.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        for offsets in [&[0, 5000][..], &[0, 33, 100, 600, 5000], &[0, 31, 63, 64]] {
            let [a, b] = [&near, &far].map(|keys| entropies(keys, None, offsets, NanPolicy::Omit));
            assert_eq!(a, b);
        }
        // The ends of the range are as far apart as can be.
        let ends: Vec<u64> = [0, u64::MAX, 1 << 63, (1 << 63) - 1].repeat(10);
        assert_eq!(entropies(&ends, None, &[0, 40], NanPolicy::Omit), [Some(2.0)]);
    }

    #[test]
    fn pairs() {
        let (x, y, xy) = ([0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]);
        let independent = ([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 2, 3]);
        for ((x, y, xy), [mutual, cond]) in [((x, y, xy), [1.0, 0.0]), (independent, [0.0, 1.0])] {
            let rows = |keys| KeyRows {
                keys,
                valid: None,
                layout: ListLayout { extents: Extents::Width { width: 4, rows: 1 }, valid: None },
            };
            for (pairs, sides, expected) in [
                (&OF_PAIRS[0], vec![rows(&x), rows(&y), rows(&xy)], mutual),
                (&OF_PAIRS[1], vec![rows(&xy), rows(&y)], cond),
            ] {
                let mut out = Values::default();
                of_pairs(&sides, pairs, NanPolicy::Propagate, Unit::new(Some(2.0)), &mut out).unwrap();
                assert_eq!(out.get(0), Some(expected), "{}", pairs.name);
            }
        }
    }
}
