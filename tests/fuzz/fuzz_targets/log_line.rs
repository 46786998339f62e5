#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wpengine_fuzz::log_line(data));
