//! The kernels by operation, width and float type, in elements per second: `make bench-kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use polars_entropy::kernel::columns;
use polars_entropy::kernel::contract::{NanPolicy, Unit};
use polars_entropy::kernel::rows::{self, Extents, Rows, Values};
use polars_entropy::kernel::weights::{Bits, Weight, Weights};

const ELEMENTS: usize = 1 << 18;
const WIDTHS: [usize; 4] = [10, 100, 1_000, 50_000];

/// Uniform on (0, 1], from a linear congruential generator (Knuth's MMIX).
fn uniform(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 11) as f64 + 1.0) / (1u64 << 53) as f64
    }
}

fn data(seed: u64) -> Vec<f64> {
    let mut next = uniform(seed);
    (0..ELEMENTS).map(|_| next()).collect()
}

fn of_width<'a, T: Weight>(values: &'a [T], valid: Option<Bits<'a>>, width: usize) -> Rows<'a, T> {
    let extents = Extents::Width { width, rows: values.len() / width };
    Rows { weights: Weights::new(values, valid), extents, valid: None }
}

fn bench_rows(c: &mut Criterion) {
    let (p, q) = (data(1), data(2));
    let single: Vec<f32> = p.iter().map(|x| *x as f32).collect();
    let near: Vec<f64> = p.iter().zip(&q).map(|(p, q)| p * (1.0 + 1e-6 * q)).collect();
    // One null in every tenth row of ten.
    let bytes: Vec<u8> = (0..ELEMENTS.div_ceil(8))
        .map(|byte| (0..8).fold(0, |bits, k| bits | (u8::from((8 * byte + k) % 100 != 7) << k)))
        .collect();
    let valid = Some(Bits::new(&bytes, 0));

    let mut group = c.benchmark_group("rows");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    for width in WIDTHS {
        let entropies = |b: &mut criterion::Bencher, x: &Rows<f64>, policy| {
            b.iter(|| {
                let mut out = Values::with_capacity(x.extents.len());
                rows::entropy(x, 0..x.extents.len(), policy, Unit::new(None), &mut out).unwrap();
                black_box(out)
            })
        };
        let divergences = |b: &mut criterion::Bencher, q: &[f64]| {
            let (p, q) = (of_width(&p, None, width), of_width(q, None, width));
            b.iter(|| {
                let mut out = Values::with_capacity(p.extents.len());
                let pairs = (0..p.extents.len()).map(|i| (i, i));
                rows::kl_div(&p, &q, pairs, NanPolicy::Propagate, Unit::new(None), &mut out).unwrap();
                black_box(out)
            })
        };
        group.bench_function(BenchmarkId::new("entropy f64", width), |b| {
            entropies(b, &of_width(&p, None, width), NanPolicy::Propagate)
        });
        group.bench_function(BenchmarkId::new("entropy f64, nulls omitted", width), |b| {
            entropies(b, &of_width(&p, valid, width), NanPolicy::Omit)
        });
        group.bench_function(BenchmarkId::new("entropy f32", width), |b| {
            let x = of_width(&single, None, width);
            b.iter(|| {
                let mut out = Values::with_capacity(x.extents.len());
                let all = 0..x.extents.len();
                rows::entropy(&x, all, NanPolicy::Propagate, Unit::new(None), &mut out).unwrap();
                black_box(out)
            })
        });
        group.bench_function(BenchmarkId::new("kl_div f64", width), |b| divergences(b, &q));
        group.bench_function(BenchmarkId::new("kl_div f64, p near q", width), |b| divergences(b, &near));
    }
    group.finish();
}

fn bench_columns(c: &mut Criterion) {
    let (p, q) = (data(1), data(2));
    let (p, q) = (Weights::new(&p, None), Weights::new(&q, None));
    let mut group = c.benchmark_group("columns");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    group.bench_function("entr", |b| b.iter(|| columns::map(p, &columns::Entr)));
    group.bench_function("mass", |b| b.iter(|| columns::map(p, &columns::Mass)));
    group.bench_function("term", |b| b.iter(|| columns::map(p, &columns::Term)));
    group.bench_function("rank", |b| b.iter(|| columns::ranks(p, NanPolicy::Propagate)));
    group.bench_function("rel_entr", |b| b.iter(|| columns::map_pairs(p, q, &columns::RelEntr)));
    group.bench_function("mass of p", |b| b.iter(|| columns::map_pairs(p, q, &columns::MassP)));
    group.bench_function("term of p and q", |b| b.iter(|| columns::map_pairs(p, q, &columns::TermPq)));
    group.bench_function("rank of p and q", |b| b.iter(|| columns::pair_ranks(p, q, NanPolicy::Propagate)));
    group.finish();
}

criterion_group!(benches, bench_rows, bench_columns);
criterion_main!(benches);
