//! `cargo +nightly fuzz run inflate`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_web::fuzzing::run("inflate", bytes));
