//! The guide: how to think in Throng, chapter by chapter. Every example in it runs in the tests.
//!
//! 1. [Processes and servers](processes)
//! 2. [Supervision, names, applications](supervision)
//! 3. [Topics, channels, presence](channels)

#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/supervision.md")]
pub mod supervision {}

#[doc = include_str!("guide/channels.md")]
pub mod channels {}
