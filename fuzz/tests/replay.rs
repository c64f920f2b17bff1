//! Replay of the corpora, without the fuzzer, so that what it has found stays found.

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let inputs: Vec<_> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inputs.len() >= 10, "the corpus of {target} has {} inputs", inputs.len());
    for path in inputs {
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
    }
}

#[test]
fn arrow_import() {
    replay("arrow_import", polars_entropy_fuzz::arrow_import);
}

#[test]
fn arrow_map() {
    replay("arrow_map", polars_entropy_fuzz::arrow_map);
}

#[test]
fn kernel() {
    replay("kernel", polars_entropy_fuzz::kernel);
}
