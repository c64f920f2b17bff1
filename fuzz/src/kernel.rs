//! Rows of all quantities, with arbitrary layouts, validity and bits of floats.

use arbitrary::Unstructured;
use polars_entropy::kernel::broadcast::RowPairs;
use polars_entropy::kernel::layout::{Error, Extents, ListLayout, Offsets, Pairing};
use polars_entropy::kernel::options::{NanPolicy, Unit};
use polars_entropy::kernel::quantities::{OF_LOGITS, QUANTITIES};
use polars_entropy::kernel::registry::{ByFloat, Registered};
use polars_entropy::kernel::rows::Rows;
use polars_entropy::kernel::values::Values;
use polars_entropy::kernel::weights::{Bits, Weights};

/// Rows of two buffers, wherever the fuzzer has them.
pub fn kernel(data: &[u8]) {
    let _ = layouts(&mut Unstructured::new(data));
}

/// Layout of lists, as plain memory.
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

    fn layout(&self) -> ListLayout<'_> {
        let ints = |large, small| if self.small { Offsets::Small(small) } else { Offsets::Large(large) };
        let (offsets, sizes) = (ints(&self.offsets, &self.narrow.0), ints(&self.sizes, &self.narrow.1));
        let extents = match self.kind {
            0 => Extents::Offsets { offsets, start: self.start },
            1 => Extents::Views { offsets, sizes, start: self.start },
            _ => Extents::Width { width: self.width, rows: self.sizes.len() },
        };
        ListLayout { extents, valid: self.valid.as_ref().map(|bytes| Bits::new(bytes, 3)) }
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

fn layouts(u: &mut Unstructured) -> arbitrary::Result<()> {
    let len = u.int_in_range(0..=300)?;
    let (p, q) = (floats(u, len)?, floats(u, len)?);
    let valid = if u.arbitrary()? { Some(bytes(u, len)?) } else { None };
    let (place_p, place_q) = (Place::new(u, 30)?, Place::new(u, 30)?);
    let (outer_p, outer_q) = (Place::new(u, 6)?, Place::new(u, 6)?);
    let narrow = |xs: &[f64]| xs.iter().map(|x| *x as f32).collect::<Vec<_>>();
    let places = [&place_p, &place_q, &outer_p, &outer_q];
    in_float(&p, &q, valid.as_deref(), places);
    in_float(&narrow(&p), &narrow(&q), valid.as_deref(), places);
    Ok(())
}

fn in_float<T: ByFloat>(p: &[T], q: &[T], p_valid: Option<&[u8]>, places: [&Place; 4]) {
    let [p_layout, q_layout, outer_p, outer_q] = places.map(Place::layout);
    let p_is = is_within(p_layout, p.len());
    let q_is = is_within(q_layout, q.len());
    let outer_is = is_within(outer_p, p_layout.extents.len()) & is_within(outer_q, q_layout.extents.len());
    if !p_is {
        return;
    }
    let p = Rows { weights: Weights::new(p, p_valid.map(|bytes| Bits::new(bytes, 3))), layout: p_layout };
    let q = Rows { weights: Weights::new(q, None), layout: q_layout };
    for quantity in QUANTITIES.iter().chain(OF_LOGITS) {
        for policy in [NanPolicy::Propagate, NanPolicy::Omit, NanPolicy::Raise] {
            let case = |q| Case { quantity, p: &p, q, policy };
            if !quantity.pair {
                case(None).check(RowPairs::same(p_layout.extents.len()));
                continue;
            }
            case(Some(&p)).check(RowPairs::same(p_layout.extents.len()));
            if q_is {
                let rows = p_layout.extents.len().min(q_layout.extents.len());
                case(Some(&q)).check(RowPairs::same(rows));
            }
            if q_is && outer_is {
                let rows = outer_p.extents.len().min(outer_q.extents.len());
                let pairs = (0..rows).map(|i| (i, i)).collect();
                if let Ok(pairing) = Pairing::below(pairs, &[outer_p], &[outer_q]) {
                    case(Some(&q)).check(pairing.rows());
                }
            }
        }
    }
}

/// True if all rows are within this many elements, and so may be read.
fn is_within(layout: ListLayout, len: usize) -> bool {
    let Ok(span) = layout.span(0..layout.extents.len(), len) else { return false };
    assert!(span.start <= span.end && span.end <= len);
    for range in (0..layout.extents.len()).filter_map(|i| layout.get(i)) {
        assert!(range.start <= range.end && range.end <= len);
        assert!(span.start <= range.start && range.end <= span.end);
    }
    true
}

/// Rows where all that none of them covers is cut off.
fn cut<'a, T: ByFloat>(x: &Rows<'a, T>) -> Rows<'a, T> {
    let span = x.layout.span(0..x.layout.extents.len(), x.weights.len()).expect("checked");
    let (extents, first) = x.layout.extents.cut_at(span.start);
    Rows { weights: x.weights.slice(first..span.end), layout: ListLayout { extents, ..x.layout } }
}

/// Call of a quantity. If q is p itself, it is the same object.
#[derive(Clone, Copy)]
struct Case<'a, T> {
    quantity: &'a Registered,
    p: &'a Rows<'a, T>,
    q: Option<&'a Rows<'a, T>>,
    policy: NanPolicy,
}

impl<T: ByFloat> Case<'_, T> {
    fn values(&self, pairs: RowPairs) -> Result<Vec<Option<f64>>, Error> {
        let (mut out, unit) = (Values::default(), Unit::new(None));
        (T::rows(self.quantity).values)(self.p, self.q, pairs, self.policy, unit, &mut out)?;
        let (values, valid) = out.into_parts();
        let valid = valid.as_ref().map(|bytes| Bits::new(bytes, 0));
        let value = |(i, x): (usize, &f64)| valid.is_none_or(|bits| bits.get(i)).then_some(*x);
        Ok(values.iter().enumerate().map(value).collect())
    }

    /// Checks that each value is such as the rules have it, the same as if its row were alone, and the same where the
    /// buffers are cut.
    fn check(&self, pairs: RowPairs) {
        let Ok(values) = self.values(pairs) else { return };
        let name = self.quantity.name;
        let (p, q) = (cut(self.p), self.q.map(cut));
        let cut = Case { p: &p, q: q.as_ref(), ..*self };
        let in_cut = cut.values(pairs).expect("the whole has no error");
        for (row, value) in values.into_iter().enumerate() {
            let pair = pairs.get(row);
            let alone = self.values(RowPairs::Listed(&[pair])).expect("the whole has no error");
            assert!(same(alone[0], value), "{name} of row {row}: {value:?} and alone {alone:?}");
            assert!(same(in_cut[row], value), "{name} of row {row}: {value:?} and cut {:?}", in_cut[row]);
            if let Some(value) = value.filter(|value| value.is_finite()) {
                assert!(value >= 0.0 && value.is_sign_positive(), "{name} of row {row}: {value}");
                self.check_bounds(value, pair.0);
            }
        }
    }

    /// Checks what a single quantity promises of a finite value.
    fn check_bounds(&self, value: f64, p_row: usize) {
        match self.quantity.name {
            "entropy" | "logits.entropy" => {
                let len = self.p.layout.get(p_row).map_or(0, |range| range.len());
                // The bounds of single and double precision at the head of the quantity's file.
                let error = if T::SINGLE { 1.5e-8 } else { 1e-15 };
                let most = (len.max(1) as f64).ln() * (1.0 + error);
                assert!(value <= most, "row {p_row} of {len} weights: {value}");
            }
            "kl_div" | "logits.kl_div" if self.q.is_some_and(|q| std::ptr::eq(self.p, q)) => {
                assert!(value == 0.0, "row {p_row}: {value} from itself");
            }
            _ => {}
        }
    }
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a.map(f64::to_bits) == b.map(f64::to_bits) || (a.is_some_and(f64::is_nan) && b.is_some_and(f64::is_nan))
}
