//! The guide: how to think in Throng, chapter by chapter. Every example in it runs in the tests.
//!
//! 1. [Processes, servers, supervision](processes)

#[doc = include_str!("guide/processes.md")]
pub mod processes {}
