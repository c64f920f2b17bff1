//! Keys of observed values: 64 bits for each, equal where a data frame's group-by takes the values for equal.
//!
//! A value that fits 64 bits is its own key, so that no two numbers, dates or Booleans share one. Of text, bytes, wider numbers and nested
//! values the key is a hash. Two of n different values share a hash with a probability of some n²/2⁶⁵: 3e-8 for a million.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

/// Key of a float: the same for all NaNs, and for both zeros.
#[inline(always)]
pub fn of_float(x: f64) -> u64 {
    // A sum with 0 has no −0.
    if x.is_nan() { f64::NAN.to_bits() } else { (x + 0.0).to_bits() }
}

/// The most bytes that are short.
pub const SHORT: usize = 12;

/// Views that are asked for ahead of the one that is read: a page of them, at the end of which the processor's own reading ahead stops.
pub const VIEWS_AHEAD: usize = 4096 / size_of::<u128>();

/// Key of bytes, such as those of a text. The same in every process.
#[inline]
pub fn of_bytes(bytes: &[u8]) -> u64 {
    if bytes.len() <= SHORT {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        view[4..][..bytes.len()].copy_from_slice(bytes);
        return of_short_bytes(u128::from_le_bytes(view));
    }
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Key of short bytes: of their number in 32 bits, and of themselves, as a view array has them (Arrow's format), the first the lowest.
#[inline(always)]
pub fn of_short_bytes(view: u128) -> u64 {
    // Folded products, as foldhash has them. No number of bytes makes the first factor 0. (Digits of π.)
    let folded = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    let first = folded(view as u64 ^ 0x243f_6a88_85a3_08d3, (view >> 64) as u64 ^ 0x1319_8a2e_0370_7344);
    folded(first ^ view as u64, 0xa409_3822_299f_31d1)
}

/// Key of an integer of 128 bits.
#[inline]
pub fn of_wide(x: i128) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write_i128(x);
    hasher.finish()
}

/// Key of several values together, some of which may be null: a pair, a struct, a list.
#[inline]
pub fn of_several(keys: impl IntoIterator<Item = Option<u64>>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    let mut count = 0_u64;
    for key in keys {
        hasher.write_u8(key.is_some().into());
        hasher.write_u64(key.unwrap_or_default());
        count += 1;
    }
    // A list is no prefix of another.
    hasher.write_u64(count);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn floats_are_equal_as_in_a_group_by() {
        assert_eq!(of_float(0.0), of_float(-0.0));
        assert_eq!(of_float(f64::NAN), of_float(-f64::NAN));
        assert_eq!(of_float(f64::NAN), of_float(f64::from_bits(0x7ff0_0000_0000_0001)));
        assert_ne!(of_float(1.0), of_float(1.0 + f64::EPSILON));
    }

    #[test]
    fn short_texts_of_any_kind_have_different_keys() {
        let mut texts: Vec<String> = (0..100_000).map(|i| format!("bin {i}")).collect();
        texts.extend((0..100_000).map(|i| format!("{i}")));
        texts.extend((0..=12).map(|len| "\0".repeat(len)));
        texts.extend((0..100_000).map(|i| format!("{i:012}")));
        let keys: HashSet<u64> = texts.iter().map(|text| of_bytes(text.as_bytes())).collect();
        assert_eq!(keys.len(), texts.iter().collect::<HashSet<_>>().len());
        // The bits of a table's places are spread.
        let places: HashSet<u64> = texts[..1000].iter().map(|text| of_bytes(text.as_bytes()) >> 48).collect();
        assert!(places.len() > 980);
    }

    #[test]
    fn different_values_have_different_keys() {
        let several: [&[Option<u64>]; 8] = [
            &[],
            &[None],
            &[Some(0)],
            &[None, None],
            &[Some(0), Some(0)],
            &[Some(1), Some(2)],
            &[Some(2), Some(1)],
            &[Some(1), None],
        ];
        let keys: HashSet<u64> = several.iter().map(|keys| of_several(keys.iter().copied())).collect();
        assert_eq!(keys.len(), several.len());
        let texts: HashSet<u64> = ["", "\0", "a", "b", "ab", "ba"].map(|s| of_bytes(s.as_bytes())).into();
        assert_eq!(texts.len(), 6);
        let wide: HashSet<u64> = [0, 1, -1, 1 << 64, i128::MIN].map(of_wide).into();
        assert_eq!(wide.len(), 5);
    }
}
