//! Speed of the kernel in elements per second, of all that is registered: rows by width and float type, elements, and
//! columns of summands. `make bench-kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use polars_entropy::kernel::broadcast::RowPairs;
use polars_entropy::kernel::layout::{Extents, ListLayout};
use polars_entropy::kernel::options::{NanPolicy, Precision, Unit};
use polars_entropy::kernel::quantities::{FUNCTIONS, OF_LOGITS, QUANTITIES};
use polars_entropy::kernel::registry::{ByFloat, Registered};
use polars_entropy::kernel::rows::Rows;
use polars_entropy::kernel::values::Values;
use polars_entropy::kernel::weights::{Bits, Weights};

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

/// Validity with one null in every tenth row of ten, and in every row from a hundred on.
fn some_nulls() -> Vec<u8> {
    let byte = |i| (0..8).fold(0, |bits, k| bits | (u8::from((8 * i + k) % 100 != 7) << k));
    (0..ELEMENTS.div_ceil(8)).map(byte).collect()
}

/// Weights of one float type.
struct Data<T> {
    p: Vec<T>,
    q: Vec<T>,
    /// Weights close to those of p.
    near: Vec<T>,
    /// Weights one of which, in every row of ten, has nearly all of the mass; some have in every longer row.
    dominated: Vec<T>,
    nulls: Vec<u8>,
}

impl<T: ByFloat> Data<T> {
    fn new(float: fn(f64) -> T) -> Data<T> {
        let (p, q) = (data(1), data(2));
        let near = p.iter().zip(&q).map(|(p, q)| float(p * (1.0 + 1e-6 * q))).collect();
        let dominated = |(i, p)| float(if i % 10 == 3 { 1e3 } else { 1e-3 * p });
        Data {
            near,
            dominated: p.iter().enumerate().map(dominated).collect(),
            p: p.into_iter().map(float).collect(),
            q: q.into_iter().map(float).collect(),
            nulls: some_nulls(),
        }
    }

    /// Inputs that take different ways through the kernel. A quantity of one input ignores q.
    fn cases(&self, pair: bool) -> [(&'static str, Weights<'_, T>, Weights<'_, T>, NanPolicy); 3] {
        let weights = |x| Weights::new(x, None);
        let (p, q) = (weights(&self.p), weights(&self.q));
        let with_nulls = Weights::new(&self.p, Some(Bits::new(&self.nulls, 0)));
        [
            ("clean", p, q, NanPolicy::Propagate),
            ("nulls omitted", with_nulls, q, NanPolicy::Omit),
            if pair {
                ("p near q", p, weights(&self.near), NanPolicy::Propagate)
            } else {
                ("dominant shares", weights(&self.dominated), q, NanPolicy::Propagate)
            },
        ]
    }
}

fn bench_rows_of<T: ByFloat>(c: &mut Criterion, quantity: &Registered, float: &str, data: &Data<T>) {
    let mut group = c.benchmark_group("rows");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    for width in WIDTHS {
        let rows = ELEMENTS / width;
        let layout = ListLayout { extents: Extents::Width { width, rows }, valid: None };
        for (case, p, q, policy) in data.cases(quantity.pair) {
            let [p, q] = [p, q].map(|weights| Rows { weights, layout });
            let q = quantity.pair.then_some(&q);
            let (pairs, unit) = (RowPairs::same(rows), Unit::new(None));
            group.bench_function(
                BenchmarkId::new(format!("{} {float}, {case}", quantity.name), width),
                |b| {
                    b.iter(|| {
                        let mut out = Values::with_capacity(rows);
                        (T::rows(quantity).values)(&p, q, pairs, policy, unit, &mut out).unwrap();
                        black_box(out)
                    })
                },
            );
        }
    }
    group.finish();
}

fn bench_rows(c: &mut Criterion) {
    let (double, single) = (Data::new(|x| x), Data::new(|x| x as f32));
    for quantity in QUANTITIES.iter().chain(OF_LOGITS) {
        bench_rows_of(c, quantity, "f64", &double);
        bench_rows_of(c, quantity, "f32", &single);
    }
}

fn bench_elements(c: &mut Criterion) {
    let (p, q) = (data(1), data(2));
    let [p, q] = [&p, &q].map(|x| Weights::new(x, None));
    let mut group = c.benchmark_group("elements");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    for function in FUNCTIONS {
        let q = function.pair.then_some(q);
        group.bench_function(function.name, |b| b.iter(|| f64::elements(function)(p, q).unwrap()));
    }
    group.finish();
}

/// Columns of summands of a quantity, for its value and for its state: one of them, and all.
fn bench_columns(c: &mut Criterion) {
    let (p, q) = (data(1), data(2));
    let [p, q] = [&p, &q].map(|x| Weights::new(x, None));
    let how = (Precision::Double, NanPolicy::Propagate);
    let mut group = c.benchmark_group("columns");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    for quantity in QUANTITIES {
        let q = quantity.pair.then_some(q);
        for (of_state, kind) in [(false, ""), (true, " state")] {
            let Some(summands) = quantity.summands(of_state) else { continue };
            let (columns, count) = (f64::summands(summands), summands.count);
            for (name, places) in [("first", 0..1), ("all", 0..count)] {
                group.bench_function(format!("{}{kind} {name}", quantity.name), |b| {
                    b.iter(|| columns(p, q, places.clone(), how.0, how.1).unwrap())
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, bench_rows, bench_elements, bench_columns);
criterion_main!(benches);
