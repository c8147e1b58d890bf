//! `cargo +nightly fuzz run protocol_text`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_web::fuzzing::run("protocol_text", bytes));
