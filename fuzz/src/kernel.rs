//! The kernels on arbitrary places, validity and bits of floats.

use arbitrary::Unstructured;
use polars_entropy::kernel::contract::{NanPolicy, Unit};
use polars_entropy::kernel::levels::{Extents, Ints, Level, Pairing};
use polars_entropy::kernel::rows::{self, Rows, Values, Which};
use polars_entropy::kernel::weights::{Bits, Weight, Weights};

/// Rows of two buffers, wherever the fuzzer has them.
pub fn kernel(data: &[u8]) {
    let _ = levels(&mut Unstructured::new(data));
}

/// A level, as plain memory.
#[derive(Debug)]
struct Place {
    small: bool,
    kind: u8,
    offsets: Vec<i64>,
    sizes: Vec<i64>,
    width: usize,
    start: usize,
    valid: Option<Vec<u8>>,
    narrow: (Vec<i32>, Vec<i32>),
}

impl Place {
    fn new(u: &mut Unstructured, most: usize) -> arbitrary::Result<Place> {
        let rows = u.int_in_range(0..=most)?;
        let (kind, sorted) = (u.int_in_range(0..=2)?, u.ratio(3, 4)?);
        let mut last = 0;
        let mut ints = |count: usize, sorted: bool, u: &mut Unstructured| -> arbitrary::Result<Vec<i64>> {
            (0..count)
                .map(|_| {
                    let wild = u.ratio(1, 100)?;
                    let step: u8 = u.arbitrary()?;
                    last = if sorted { last + i64::from(step % 16) } else { i64::from(step % 70) };
                    if wild { u.arbitrary() } else { Ok(last) }
                })
                .collect()
        };
        let offsets = ints(rows + usize::from(kind == 0), sorted, u)?;
        let sizes = ints(rows, false, u)?;
        let small = |ints: &[i64]| ints.iter().map(|x| *x as i32).collect();
        Ok(Place {
            small: u.arbitrary()?,
            kind,
            narrow: (small(&offsets), small(&sizes)),
            width: if u.ratio(1, 50)? { u.arbitrary()? } else { u.int_in_range(0..=70)? },
            start: u.int_in_range(0..=2)?,
            valid: if u.arbitrary()? { Some(bytes(u, rows)?) } else { None },
            sizes: if kind == 1 { sizes } else { vec![0; rows] },
            offsets,
        })
    }

    fn level(&self) -> Level<'_> {
        let ints = |large, small| if self.small { Ints::Small(small) } else { Ints::Large(large) };
        let (offsets, sizes) = (ints(&self.offsets, &self.narrow.0), ints(&self.sizes, &self.narrow.1));
        let extents = match self.kind {
            0 => Extents::Offsets { offsets, start: self.start },
            1 => Extents::Views { offsets, sizes, start: self.start },
            _ => Extents::Width { width: self.width, rows: self.sizes.len() },
        };
        Level { extents, valid: self.valid.as_ref().map(|bytes| Bits::new(bytes, 3)) }
    }
}

/// Bits for so many elements from the fourth on.
fn bytes(u: &mut Unstructured, len: usize) -> arbitrary::Result<Vec<u8>> {
    let mut bytes = vec![0xff; (len + 3).div_ceil(8)];
    let given = u.len().min(bytes.len());
    u.fill_buffer(&mut bytes[..given])?;
    Ok(bytes)
}

fn floats(u: &mut Unstructured, len: usize) -> arbitrary::Result<Vec<f64>> {
    let plain = u.ratio(2, 3)?;
    (0..len)
        .map(|_| {
            Ok(if plain {
                // Some alike, some zero, many magnitudes.
                f64::from(u.arbitrary::<u8>()?) * 2f64.powi(i32::from(u.arbitrary::<u8>()? % 4) * 9 - 20)
            } else {
                f64::from_bits(u.arbitrary()?)
            })
        })
        .collect()
}

fn levels(u: &mut Unstructured) -> arbitrary::Result<()> {
    let len = u.int_in_range(0..=300)?;
    let (p, q) = (floats(u, len)?, floats(u, len)?);
    let valid = [if u.arbitrary()? { Some(bytes(u, len)?) } else { None }, None];
    let (place_p, place_q) = (Place::new(u, 30)?, Place::new(u, 30)?);
    let (outer_p, outer_q) = (Place::new(u, 6)?, Place::new(u, 6)?);
    let narrow = |xs: &[f64]| xs.iter().map(|x| *x as f32).collect::<Vec<_>>();
    values(&p, &q, &valid, [&place_p, &place_q, &outer_p, &outer_q]);
    values(&narrow(&p), &narrow(&q), &valid, [&place_p, &place_q, &outer_p, &outer_q]);
    Ok(())
}

fn values<T: Weight>(p: &[T], q: &[T], valid: &[Option<Vec<u8>>; 2], places: [&Place; 4]) {
    let [p_level, q_level, outer_p, outer_q] = places.map(Place::level);
    let checked = [
        (p_level, p.len()),
        (q_level, q.len()),
        (outer_p, p_level.extents.len()),
        (outer_q, q_level.extents.len()),
    ];
    let [p_is, q_is, outer_p_is, outer_q_is] =
        checked.map(|(level, len)| match level.span(0..level.extents.len(), len) {
            Ok(span) => {
                assert!(span.start <= span.end && span.end <= len);
                (0..level.extents.len()).filter_map(|i| level.get(i)).for_each(|range| {
                    assert!(range.start <= range.end && range.end <= len);
                    assert!(span.start <= range.start && range.end <= span.end);
                });
                true
            }
            Err(_) => false,
        });
    let bits = |side: usize| valid[side].as_ref().map(|bytes| Bits::new(bytes, 3));
    let p = Rows { weights: Weights::new(p, bits(0)), level: p_level };
    let q = Rows { weights: Weights::new(q, bits(1)), level: q_level };
    for policy in [NanPolicy::Propagate, NanPolicy::Omit, NanPolicy::Raise] {
        if p_is {
            entropies(&p, policy);
            divergences(&p, &p, Which::all(p.level.extents.len()), policy, true);
        }
        if p_is && q_is {
            let rows = p.level.extents.len().min(q.level.extents.len());
            divergences(&p, &q, Which::all(rows), policy, false);
            if outer_p_is && outer_q_is {
                let rows = outer_p.extents.len().min(outer_q.extents.len());
                let pairs = (0..rows).map(|i| (i, i)).collect();
                if let Ok(pairing) = Pairing::new(pairs, &[outer_p], &[outer_q]) {
                    divergences(&p, &q, Which::Listed(&pairing.pairs), policy, false);
                }
            }
        }
    }
}

type Listed = Vec<Option<f64>>;

fn listed(values: Values) -> Listed {
    let (values, valid) = values.into_parts();
    let valid = valid.as_ref().map(|bytes| Bits::new(bytes, 0));
    values.iter().enumerate().map(|(i, x)| valid.is_none_or(|bits| bits.get(i)).then_some(*x)).collect()
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a.map(f64::to_bits) == b.map(f64::to_bits) || (a.is_some_and(f64::is_nan) && b.is_some_and(f64::is_nan))
}

/// What the contract allows, and each row as if it were alone.
fn entropies<T: Weight>(x: &Rows<T>, policy: NanPolicy) {
    fn of<T: Weight>(x: &Rows<T>, which: Which, policy: NanPolicy) -> Result<Listed, rows::Error> {
        let mut out = Values::default();
        rows::entropy(x, which, policy, Unit::new(None), &mut out).map(|()| listed(out))
    }
    let all = Which::all(x.level.extents.len());
    let Ok(values) = of(x, all, policy) else { return };
    // The same where all that no row covers is cut off.
    let span = x.level.span(0..x.level.extents.len(), x.weights.len()).expect("checked");
    let (extents, first) = x.level.extents.cut_at(span.start);
    let level = Level { extents, ..x.level };
    let cut = of(&Rows { weights: x.weights.slice(first..span.end), level }, all, policy)
        .expect("the whole has no error");
    assert!(cut.iter().zip(&values).all(|(a, b)| same(*a, *b)));
    for (i, value) in values.iter().enumerate() {
        let alone = of(x, Which::Listed(&[(i, 0)]), policy).expect("the whole has no error");
        assert!(same(alone[0], *value), "row {i}: {value:?} and alone {alone:?}");
        let len = x.level.get(i).map_or(0, |range| range.len());
        // What the head of the kernel's `entropy` promises.
        let error = if T::SINGLE { 1.5e-8 } else { 1e-15 };
        match value {
            Some(h) if h.is_nan() || *h == f64::NEG_INFINITY => {}
            Some(h) => assert!(
                *h >= 0.0 && h.is_sign_positive() && *h <= (len.max(1) as f64).ln() * (1.0 + error),
                "row {i} of {len}: {h}"
            ),
            None => {}
        }
    }
}

fn divergences<T: Weight>(p: &Rows<T>, q: &Rows<T>, which: Which, policy: NanPolicy, of_itself: bool) {
    fn of<T: Weight>(
        p: &Rows<T>,
        q: &Rows<T>,
        which: Which,
        policy: NanPolicy,
    ) -> Result<Listed, rows::Error> {
        let mut out = Values::default();
        rows::kl_div(p, q, which, policy, Unit::new(None), &mut out).map(|()| listed(out))
    }
    let Ok(values) = of(p, q, which, policy) else { return };
    for (i, value) in values.iter().enumerate() {
        let pair = match which {
            Which::Listed(pairs) => pairs[i],
            Which::All { .. } => (i, i),
        };
        let alone = of(p, q, Which::Listed(&[pair]), policy).expect("the whole has no error");
        assert!(same(alone[0], *value), "row {i}: {value:?} and alone {alone:?}");
        match value {
            Some(d) if d.is_nan() || *d == f64::INFINITY => {}
            Some(d) => {
                assert!(*d >= 0.0 && d.is_sign_positive(), "row {i}: {d}");
                assert!(!of_itself || *d == 0.0, "row {i}: {d} from itself");
            }
            None => {}
        }
    }
}
