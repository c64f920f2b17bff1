#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| polars_entropy_fuzz::arrow_map(data));
