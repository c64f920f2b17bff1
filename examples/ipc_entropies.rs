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

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_cast::cast;
use arrow_ipc::reader::FileReader;
use arrow_schema::DataType;
use polars_entropy::arrow::{NanPolicy, Options, entropy};

/// Number of values that are printed.
const SHOWN: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (path, column, base) = match &arguments[..] {
        [path, column] => (path, column, None),
        [path, column, base] => (path, column, Some(base.parse()?)),
        _ => return Err("write: ipc_entropies FILE COLUMN [BASE]".into()),
    };
    let options = Options { base, nan_policy: NanPolicy::Omit };
    let batches = FileReader::try_new(BufReader::new(File::open(path)?), None)?;
    let index = batches.schema().index_of(column)?;

    let (mut rows, mut known, mut sum) = (0, 0, 0.0);
    for batch in batches {
        // Single precision becomes double. Lists that are nested deeper have no number for each row: an error.
        let values = cast(&entropy(batch?.column(index), &options)?, &DataType::Float64)?;
        for value in values.as_primitive::<Float64Type>() {
            if rows < SHOWN {
                println!("{}", value.map_or("null".into(), |value| format!("{value:.6}")));
            }
            rows += 1;
            if let Some(value) = value.filter(|value| value.is_finite()) {
                known += 1;
                sum += value;
            }
        }
    }
    println!("… {rows} rows, of which {known} have an entropy, on average {:.6}", sum / f64::from(known));
    Ok(())
}
