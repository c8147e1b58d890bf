//! `cargo +nightly fuzz run websocket`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| throng_web::fuzzing::run("websocket", bytes));
