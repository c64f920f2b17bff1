//! What the fuzzer has found stays found: every input of the corpora, without the fuzzer.

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
fn way_in() {
    replay("way_in", polars_entropy_fuzz::way_in);
}

#[test]
fn kernel() {
    replay("kernel", polars_entropy_fuzz::kernel);
}
