//! Driver of rows of characters: a text's code points, or bytes. There are few of them, so they are counted in a table, and what was
//! counted is taken out of it, and set to 0 again, in a second pass over the row.

use std::str;

use super::counts::Counts;
use super::options::Unit;
use super::registry::Registered;
use super::values::Values;

/// Adds the values of a quantity of how often each byte occurs in a row; `None` is a row that is null.
pub fn of_bytes<'a>(
    rows: impl Iterator<Item = Option<&'a [u8]>>,
    quantity: &Registered,
    unit: Unit,
    out: &mut Values,
) {
    let mut counter = Counter::new();
    let mut counts = Counts::new(quantity, unit, out);
    for row in rows {
        match row {
            Some(bytes) => counts.push(counter.of_bytes(bytes), bytes.len()),
            None => counts.push_null(),
        }
    }
    counts.finish();
}

/// Adds the values of a quantity of how often each code point occurs in a text; `None` is a row that is null.
pub fn of_texts<'a>(
    rows: impl Iterator<Item = Option<&'a str>>,
    quantity: &Registered,
    unit: Unit,
    out: &mut Values,
) {
    let mut counter = Counter::new();
    let mut counts = Counts::new(quantity, unit, out);
    for row in rows {
        match row {
            // A byte each.
            Some(text) if text.is_ascii() => counts.push(counter.of_bytes(text.as_bytes()), text.len()),
            Some(text) => counts.push(counter.of_chars(text), text.len()),
            None => counts.push_null(),
        }
    }
    counts.finish();
}

/// Number of code points.
const CODE_POINTS: usize = char::MAX as usize + 1;

/// Counters, which are all 0 between rows.
struct Counter {
    bytes: Box<[u32; 256]>,
    /// One for each code point, made at the first text that isn't ASCII. Pages that are never touched take no memory.
    chars: Vec<u32>,
}

impl Counter {
    fn new() -> Counter {
        Counter { bytes: Box::new([0; 256]), chars: Vec::new() }
    }

    /// Counts of the bytes, and zeros.
    #[inline(always)]
    fn of_bytes<'a>(&'a mut self, bytes: &'a [u8]) -> impl Iterator<Item = usize> {
        take(bytes.iter().map(|byte| usize::from(*byte)), &mut *self.bytes)
    }

    /// Counts of the code points, and zeros.
    fn of_chars<'a>(&'a mut self, text: &'a str) -> impl Iterator<Item = usize> {
        if self.chars.is_empty() {
            self.chars = vec![0; CODE_POINTS];
        }
        take(text.chars().map(|char| char as usize), &mut self.chars)
    }
}

/// Counts of the symbols, each at its first place, and 0 at the others.
#[inline(always)]
fn take(symbols: impl Iterator<Item = usize> + Clone, counters: &mut [u32]) -> impl Iterator<Item = usize> {
    for symbol in symbols.clone() {
        counters[symbol] += 1;
    }
    symbols.map(|symbol| std::mem::take(&mut counters[symbol]) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::quantities::quantity;

    fn of<'a, T: ?Sized>(
        driver: impl Fn(&mut dyn Iterator<Item = Option<&'a T>>, &Registered, Unit, &mut Values),
        rows: &[Option<&'a T>],
    ) -> Vec<Option<f64>> {
        let mut out = Values::default();
        driver(&mut rows.iter().copied(), quantity("entropy").unwrap(), Unit::new(Some(2.0)), &mut out);
        (0..out.len()).map(|i| out.get(i)).collect()
    }

    #[test]
    fn characters_are_code_points_and_bytes_are_bytes() {
        let texts = [Some("noon"), None, Some(""), Some("日本日本"), Some("éé"), Some("zzzz")];
        let of_texts = of(|rows, q, unit, out| of_texts(rows, q, unit, out), &texts);
        assert_eq!(of_texts, [Some(1.0), None, Some(0.0), Some(1.0), Some(0.0), Some(0.0)]);
        let bytes = texts.map(|text| text.map(str::as_bytes));
        let of_bytes = of(|rows, q, unit, out| of_bytes(rows, q, unit, out), &bytes);
        assert_eq!((of_bytes[0], of_bytes[1], of_bytes[4]), (Some(1.0), None, Some(1.0)));
    }

    #[test]
    fn a_long_text_between_short_ones_leaves_no_counts_behind() {
        let long = "ab".repeat(500);
        let rows = [Some("ab"), Some(&*long), Some("aab"), Some(&*long), Some("b")];
        let values = of(|rows, q, unit, out| of_texts(rows, q, unit, out), &rows);
        assert_eq!(
            [values[0], values[1], values[3], values[4]],
            [Some(1.0), Some(1.0), Some(1.0), Some(0.0)]
        );
    }
}
