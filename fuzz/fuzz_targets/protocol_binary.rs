//! `cargo +nightly fuzz run protocol_binary`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_web::fuzzing::run("protocol_binary", bytes));
