#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| polars_entropy_fuzz::kernel(data));
