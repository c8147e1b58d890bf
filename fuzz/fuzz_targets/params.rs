//! `cargo +nightly fuzz run params`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_web::fuzzing::run("params", bytes));
