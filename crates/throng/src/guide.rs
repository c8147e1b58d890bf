//! The guide: how to think in Throng, chapter by chapter. Every example in it runs in the tests.
//!
//! 1. [Processes and servers](processes)
//! 2. [Supervision, names, applications](supervision)

#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/supervision.md")]
pub mod supervision {}
