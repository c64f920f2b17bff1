//! The kernels by operation, width and float type, in elements per second: `make bench-kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use polars_entropy::kernel::columns;
use polars_entropy::kernel::contract::{NanPolicy, Precision, Unit};
use polars_entropy::kernel::groups::{self, Half, Role, Summing};
use polars_entropy::kernel::levels::{Extents, Level};
use polars_entropy::kernel::rows::{self, Rows, Values, Which};
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
    Rows { weights: Weights::new(values, valid), level: Level { extents, valid: None } }
}

/// One null in every tenth row of ten, and in every row from a hundred on.
fn some_nulls() -> Vec<u8> {
    let byte = |i| (0..8).fold(0, |bits, k| bits | (u8::from((8 * i + k) % 100 != 7) << k));
    (0..ELEMENTS.div_ceil(8)).map(byte).collect()
}

fn bench_rows_of<T: Weight>(c: &mut Criterion, float: &str, of: impl Fn(f64) -> T) {
    let (p, q) = (data(1), data(2));
    let near: Vec<T> = p.iter().zip(&q).map(|(p, q)| of(p * (1.0 + 1e-6 * q))).collect();
    // In every row of ten one weight has nearly all of the mass, and in every longer row some have.
    let dominated: Vec<T> =
        p.iter().enumerate().map(|(i, p)| of(if i % 10 == 3 { 1e3 } else { 1e-3 * p })).collect();
    let [p, q]: [Vec<T>; 2] = [p, q].map(|x| x.into_iter().map(&of).collect());
    let nulls = some_nulls();
    let nulls = Some(Bits::new(&nulls, 0));

    let mut group = c.benchmark_group("rows");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    for width in WIDTHS {
        let entropies = [
            ("clean", of_width(&p, None, width), NanPolicy::Propagate),
            ("nulls omitted", of_width(&p, nulls, width), NanPolicy::Omit),
            ("dominant shares", of_width(&dominated, None, width), NanPolicy::Propagate),
        ];
        for (what, x, policy) in entropies {
            group.bench_function(BenchmarkId::new(format!("entropy {float}, {what}"), width), |b| {
                b.iter(|| {
                    let mut out = Values::with_capacity(x.level.extents.len());
                    let all = Which::all(x.level.extents.len());
                    rows::entropy(&x, all, policy, Unit::new(None), &mut out).unwrap();
                    black_box(out)
                })
            });
        }
        let divergences = [
            ("clean", of_width(&p, None, width), of_width(&q, None, width), NanPolicy::Propagate),
            ("nulls omitted", of_width(&p, nulls, width), of_width(&q, None, width), NanPolicy::Omit),
            ("p near q", of_width(&p, None, width), of_width(&near, None, width), NanPolicy::Propagate),
        ];
        for (what, p, q, policy) in divergences {
            group.bench_function(BenchmarkId::new(format!("kl_div {float}, {what}"), width), |b| {
                b.iter(|| {
                    let mut out = Values::with_capacity(p.level.extents.len());
                    let all = Which::all(p.level.extents.len());
                    rows::kl_div(&p, &q, all, policy, Unit::new(None), &mut out).unwrap();
                    black_box(out)
                })
            });
        }
    }
    group.finish();
}

fn bench_rows(c: &mut Criterion) {
    bench_rows_of(c, "f64", |x| x);
    bench_rows_of(c, "f32", |x| x as f32);
}

fn bench_columns(c: &mut Criterion) {
    let (p, q) = (data(1), data(2));
    let (p, q) = (Weights::new(&p, None), Weights::new(&q, None));
    let mut group = c.benchmark_group("columns");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    group.bench_function("entr", |b| b.iter(|| columns::map(p, &columns::Entr)));
    group.bench_function("rel_entr", |b| b.iter(|| columns::map_pairs(p, q, &columns::RelEntr)));
    let how = |role, half| Summing { role, half, precision: Precision::Double, policy: NanPolicy::Propagate };
    for (name, half) in [("high", Half::High), ("low", Half::Low)] {
        let (mass, term) = (how(Role::Mass, half), how(Role::Term, half));
        let mut bench = |what: &str, of: &dyn Fn() -> Vec<f64>| {
            group.bench_function(format!("{what}, {name} half"), |b| b.iter(of));
        };
        bench("mass", &|| groups::summands(p, &columns::Mass, mass));
        bench("term", &|| groups::summands(p, &columns::Term, term));
        bench("mass of p", &|| groups::pair_summands(p, q, &columns::MassP, mass));
        bench("term of p and q", &|| groups::pair_summands(p, q, &columns::TermPq, term));
    }
    group.finish();
}

criterion_group!(benches, bench_rows, bench_columns);
criterion_main!(benches);
