//! Tests of the kernel as a whole, over all that is registered: the same bits on every instruction set, and from one machine and
//! version to the next.

use super::broadcast::RowPairs;
use super::groups::group;
use super::layout::{Extents, ListLayout};
use super::options::{NanPolicy, Precision, Unit};
use super::quantities::{FUNCTIONS, OF_LOGITS, QUANTITIES, quantity};
use super::quantity::{GroupSums, Numbers, Sums};
use super::registry::{ByFloat, Registered, Summands};
use super::rows::Rows;
use super::simd::tests::at;
use super::simd::{Fused, Isa};
use super::states::Parts;
use super::summands;
use super::values::Values;
use super::weights::{Bits, Weights};

/// Uniform on (0, 1], from a linear congruential generator (Knuth's MMIX).
pub fn uniform(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 11) as f64 + 1.0) / (1u64 << 53) as f64
    }
}

/// Value of sums of a group, added up one after the other.
pub fn group_of<S: Sums>(p: &[f64], q: &[f64]) -> f64 {
    let [of_p, of_q] = [p, q].map(|x| Weights::new(x, None));
    let pair = S::PARTS.len() > 2;
    let (places, precision) = (0..2 * S::PARTS.len(), Precision::Double);
    let of_q = pair.then_some(of_q);
    let columns = summands::columns::<S, f64>(of_p, of_q, places, precision, NanPolicy::Propagate).unwrap();
    let sums: Vec<f64> = columns.iter().map(|column| column.iter().sum()).collect();
    let (sums, _) = sums.as_chunks::<2>();
    let columns: Vec<_> = sums.iter().map(|halves| halves.each_ref().map(std::slice::from_ref)).collect();
    S::value::<Fused>(group::<S>(&<S::Numbers as Numbers>::from_slice(&columns).unwrap(), 0).1)
}

/// Sums that are scaled by the same power of two.
pub fn scaled_alike<N: Copy>(sums: N) -> GroupSums<N> {
    GroupSums { by_p: sums, by_q: sums, exponents: [0.0; 2] }
}

/// Values of rows of one width.
pub fn rows_of<T: ByFloat>(name: &str, p: &[T], q: &[T], width: usize) -> Vec<f64> {
    rows_with_nulls(quantity(name).unwrap(), p, q, None, width, (NanPolicy::Propagate, Unit::new(None)))
}

fn rows_with_nulls<T: ByFloat>(
    quantity: &Registered,
    p: &[T],
    q: &[T],
    valid: Option<Bits>,
    width: usize,
    (policy, unit): (NanPolicy, Unit),
) -> Vec<f64> {
    let layout = ListLayout { extents: Extents::Width { width, rows: p.len() / width }, valid: None };
    let [p, q] = [p, q].map(|x| Rows { weights: Weights::new(x, valid), layout });
    let mut out = Values::default();
    let pairs = RowPairs::same(layout.extents.len());
    let q = quantity.pair.then_some(&q);
    (T::rows(quantity).values)(&p, q, pairs, policy, unit, &mut out).unwrap();
    out.into_parts().0
}

/// Weights of many magnitudes, with zeros and a NaN here and there; and q near p in every other row.
fn data() -> (Vec<f64>, Vec<f64>, Vec<u8>) {
    let mut next = uniform(7);
    let p: Vec<f64> = (0..3000)
        .map(|i| match i % 17 {
            3 => 0.0,
            5 if i % 5 == 0 => f64::NAN,
            _ => next().powi(i % 9) * 10f64.powi(i % 7),
        })
        .collect();
    let q =
        p.iter().enumerate().map(|(i, p)| if i / 13 % 2 == 0 { p * (1.0 + 1e-9 * next()) } else { next() });
    let q = q.collect();
    (p, q, (0..375).map(|i| if i % 3 == 0 { 0b1110_1111 } else { 0xff }).collect())
}

/// Values of rows of many widths.
fn rows<T: ByFloat>(quantity: &Registered, float: fn(f64) -> T) -> Vec<f64> {
    let (p, q, valid) = data();
    let [p, q] = [p, q].map(|x| x.into_iter().map(float).collect::<Vec<_>>());
    let valid = Some(Bits::new(&valid, 0));
    [1, 7, 8, 13, 100, 1000]
        .into_iter()
        .flat_map(|width| {
            rows_with_nulls(quantity, &p, &q, valid, width, (NanPolicy::Omit, Unit::new(Some(2.0))))
        })
        .collect()
}

/// The sums of so many groups, a lead and a rest for each part.
fn sums(quantity: &Registered, of: &Summands, p: &[f64], q: &[f64], groups: usize) -> Vec<[Vec<f64>; 2]> {
    let [of_p, of_q] = [p, q].map(|x| Weights::new(x, None));
    let of_q = quantity.pair.then_some(of_q);
    let columns = f64::summands(of)(of_p, of_q, 0..of.count, Precision::Double, NanPolicy::Omit).unwrap();
    let sum = |column: &Vec<f64>| column.chunks(p.len() / groups).map(|group| group.iter().sum()).collect();
    columns.as_chunks::<2>().0.iter().map(|halves| halves.each_ref().map(sum)).collect()
}

fn slices(sums: &[[Vec<f64>; 2]]) -> Vec<[&[f64]; 2]> {
    sums.iter().map(|[lead, rest]| [&lead[..], &rest[..]]).collect()
}

/// Values and states of groups, and what the states merge to.
fn groups(quantity: &Registered) -> Vec<f64> {
    let (p, q, _) = data();
    let mut results = vec![];
    for groups in [3000, 100, 10] {
        if let Some(drivers) = &quantity.groups {
            let sums = sums(quantity, &drivers.summands, &p, &q, groups);
            results.extend(sums.iter().flatten().flatten());
            results.extend((drivers.values)(&slices(&sums), None, Unit::new(None)).unwrap().into_parts().0);
        }
        if let Some(drivers) = &quantity.states {
            let sums = sums(quantity, &drivers.summands, &p, &q, groups);
            results.extend(sums.iter().flatten().flatten());
            let states = (drivers.of_sums)(&slices(&sums)).unwrap();
            let (values, _) = states.values.into_parts();
            results.extend(&values);
            let kept: Vec<&[f64]> = states.sums.iter().map(|sums| &sums[..]).collect();
            let parts = Parts { sums: &kept, values: &values, ranks: &states.ranks };
            let merged =
                (drivers.merge)(parts, &[0, groups as i64 / 2, groups as i64], None, Unit::new(None))
                    .unwrap();
            results.extend(merged.sums.iter().flatten());
            results.extend(merged.values.into_parts().0);
        }
    }
    results
}

/// Bits of everything that is computed in loops in double precision.
fn in_double() -> Vec<u64> {
    let (p, q, _) = data();
    let [p, q] = [&p, &q].map(|x| Weights::new(x, None));
    let elements = FUNCTIONS.iter().flat_map(|f| f64::elements(f)(p, f.pair.then_some(q)).unwrap());
    let quantities = QUANTITIES.iter().flat_map(|of| rows(of, |x| x).into_iter().chain(groups(of)));
    let logits = OF_LOGITS.iter().flat_map(|of| rows(of, |x| x));
    elements.chain(quantities).chain(logits).map(f64::to_bits).collect()
}

fn in_single() -> Vec<f64> {
    QUANTITIES.iter().flat_map(|of| rows(of, |x| x as f32)).collect()
}

/// The distance of two doubles of the same sign, in units in the last place.
fn distance(a: u64, b: u64) -> u64 {
    if f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan() { 0 } else { a.abs_diff(b) }
}

#[test]
fn every_instruction_set_with_fused_arithmetic_gives_the_same_bits() {
    let [_, fused @ ..] = Isa::available() else { unreachable!("there is always the baseline") };
    let single = || in_single().into_iter().map(f64::to_bits).collect::<Vec<_>>();
    let best = (in_double(), single());
    for isa in fused {
        assert!(at(*isa, in_double) == best.0, "{isa:?}");
        assert!(at(*isa, single) == best.1, "{isa:?}, single precision");
    }
}

#[test]
fn the_baseline_of_rows_is_within_some_units_in_the_last_place() {
    for quantity in QUANTITIES.iter().chain(OF_LOGITS.first()) {
        let bits = || rows(quantity, |x| x).into_iter().map(f64::to_bits).collect::<Vec<_>>();
        let distances = at(Isa::Baseline, bits).into_iter().zip(bits()).map(|(a, b)| distance(a, b));
        // A handful of roundings more in each logarithm; 5 were seen.
        assert!(distances.max().unwrap() <= 8, "{}", quantity.name);
    }
}

#[test]
fn the_baseline_in_single_precision_is_within_its_error() {
    for (baseline, best) in at(Isa::Baseline, in_single).into_iter().zip(in_single()) {
        // Twice the error that a divergence may have.
        let same = baseline == best || (baseline.is_nan() && best.is_nan());
        assert!(same || (baseline - best).abs() <= 2.8e-7 * best, "{baseline:e} {best:e}");
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> =
        QUANTITIES.iter().map(|of| of.name).chain(FUNCTIONS.iter().map(|of| of.name)).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// A dozen pairs of distributions whose bits are the same on every machine: of one block and of several, short and long, dominated
/// by one weight, nearly equal, and at the ends of the range.
fn dozen() -> Vec<(Vec<f64>, Vec<f64>)> {
    let pair = |(k, width): (usize, usize)| {
        let (mut of_p, mut of_q) = (uniform(k as u64), uniform(100 + k as u64));
        let mut p: Vec<f64> = (0..width).map(|_| of_p()).collect();
        let mut q: Vec<f64> = (0..width).map(|_| of_q()).collect();
        match k % 4 {
            1 => (p[0], q[0]) = (1000.0 * p[0], 3000.0 * q[0]),
            2 => q = p.iter().zip(&q).map(|(p, q)| p + p * q / 1024.0 / 1024.0).collect(),
            3 => p.iter_mut().for_each(|p| *p *= super::math::power_of_two(-1000)),
            _ => {}
        }
        (p, q)
    };
    [1, 2, 3, 7, 8, 9, 64, 100, 129, 200, 1000, 3000].into_iter().enumerate().map(pair).collect()
}

/// Bits of the dozen's rows, and of the same as groups.
fn bits_of_dozen(quantity: &Registered) -> Vec<[u64; 2]> {
    let bits = |(p, q): (Vec<f64>, Vec<f64>)| {
        let [of_p, of_q] = [&p, &q].map(|x| Weights::new(x, None));
        let row = (f64::rows(quantity).value)(of_p, quantity.pair.then_some(of_q), NanPolicy::Propagate);
        let groups = quantity.groups.as_ref().unwrap();
        let sums = sums(quantity, &groups.summands, &p, &q, 1);
        let group = (groups.values)(&slices(&sums), None, Unit::new(None)).unwrap().into_parts().0[0];
        [row.unwrap().unwrap().to_bits(), group.to_bits()]
    };
    dozen().into_iter().map(bits).collect()
}

/// Bits that the version before quantities went by their names gave: rows and groups of [`dozen`], with fused multiply-adds. One
/// group has others since sums are scaled by more: before, its weights near 2^−1000 lost digits. The tests above hold the instruction sets of one machine together; this holds machines and versions together.
const BITS: [(&str, [[u64; 2]; 12]); 2] = [
    (
        "entropy",
        [
            [0x0000_0000_0000_0000, 0x0000_0000_0000_0000],
            [0x3f83_03e8_6311_28c1, 0x3f83_03e8_6311_2b4c],
            [0x3ff1_7795_9d61_8e2c, 0x3ff1_7795_9d61_8e2c],
            [0x3ffd_6ccf_33e5_1b2e, 0x3ffd_6ccf_33e5_1b3b],
            [0x3ffd_a4a5_93e9_cdc4, 0x3ffd_a4a5_93e9_cdc4],
            [0x3fa3_04f0_cc97_90a1, 0x3fa3_04f0_cc97_9021],
            [0x4010_1e7f_1fb6_1a2e, 0x4010_1e7f_1fb6_1a2d],
            [0x4011_92b5_e494_2708, 0x4011_92b5_e494_26e2],
            [0x4012_b5a2_448c_ed54, 0x4012_b5a2_448c_ed52],
            [0x4003_44ea_2451_5852, 0x4003_44ea_2451_5850],
            [0x401a_de17_73f3_05e2, 0x401a_de17_73f3_05e2],
            [0x401f_3ea1_4bb4_0158, 0x401f_3ea1_4bb4_0181],
        ],
    ),
    (
        "kl_div",
        [
            [0x0000_0000_0000_0000, 0x0000_0000_0000_0000],
            [0x3f5e_b8cb_4c30_f457, 0x3f5e_b8cb_4c30_f366],
            [0x3d25_0bee_75f2_f855, 0x3d25_0bee_7643_bdf3],
            [0x3fe6_94e0_d8dc_b3d7, 0x3fe6_94e0_d8dc_b428],
            [0x3fda_89bb_7ad5_c29c, 0x3fda_89bb_7ad5_c29b],
            [0x3f62_1bad_f77d_805e, 0x3f62_1bad_f77d_805d],
            [0x3d29_3da1_75b4_3030, 0x3d29_2bf1_5ee3_ad13],
            [0x3fe1_cccd_970e_d344, 0x3fe1_cccd_970e_d386],
            [0x3fde_1d6d_b8b1_f755, 0x3fde_1d6d_b8b1_f757],
            [0x3fe3_fd6f_caa5_8be2, 0x3fe3_fd6f_caa5_8be3],
            [0x3d26_0e8e_c23f_23e6, 0x3d26_1a72_7475_d2e8],
            [0x3fe0_ab40_5465_64d8, 0x3fe0_ab40_5465_63a5],
        ],
    ),
];

#[test]
fn bits_never_change() {
    let [baseline, fused @ ..] = Isa::available() else { unreachable!("there is always the baseline") };
    let baseline_is_fused = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
    for isa in fused.iter().chain(baseline_is_fused.then_some(baseline)) {
        for (name, bits) in BITS {
            let got = at(*isa, || bits_of_dozen(quantity(name).unwrap()));
            assert!(got == bits, "{name}, {isa:?}: {got:#x?}");
        }
    }
}
