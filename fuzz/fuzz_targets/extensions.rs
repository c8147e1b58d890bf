//! `cargo +nightly fuzz run extensions`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_web::fuzzing::run("extensions", bytes));
