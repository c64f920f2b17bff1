//! Entropies of the lists in a column of an Arrow IPC file, batch by batch:
//!
//! ```sh
//! cargo run --no-default-features --features arrow --example ipc_entropies -- FILE COLUMN [BASE]
//! ```
//!
//! `make demo-arrow` writes a file of handwritten digits, 8 × 8 pixels each, and shows the entropy of their ink.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use arrow::ipc::reader::FileReader;
use polars_entropy::arrow::{NanPolicy, Options, entropy};

/// How many values are printed.
const SHOWN: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (path, column, base) = match &arguments[..] {
        [path, column] => (path, column, None),
        [path, column, base] => (path, column, Some(base.parse()?)),
        _ => return Err("write: ipc_entropies FILE COLUMN [BASE]".into()),
    };
    let options = Options { base, nan_policy: NanPolicy::Omit };
    // The other columns are not read.
    let reader = BufReader::new(File::open(path)?);
    let index = FileReader::try_new(reader, None)?.schema().index_of(column)?;
    let batches = FileReader::try_new(BufReader::new(File::open(path)?), Some(vec![index]))?;

    let (mut rows, mut sum) = (0, 0.0);
    for batch in batches {
        let values = entropy(batch?.column(0), &options)?;
        for value in values.as_primitive::<Float64Type>().iter().flatten() {
            if rows < SHOWN {
                println!("{value:.6}");
            }
            rows += 1;
            sum += value;
        }
    }
    println!("… {rows} distributions, with a mean entropy of {:.6}", sum / rows as f64);
    Ok(())
}
