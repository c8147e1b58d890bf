//! The guide: how to think in Throng, chapter by chapter. Every example in it runs in the tests.
//!
//! 1. [Processes and servers](processes)
//! 2. [Supervision, names, applications](supervision)
//! 3. [Topics, channels, presence](channels)
//! 4. [Testing an application](testing)
//! 5. [Looking at what runs](debugging)
//!
//! [The rules, by their ids](rules), says what the documentation means by `(P14)` or `(§4.3)`.

#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/supervision.md")]
pub mod supervision {}

#[doc = include_str!("guide/channels.md")]
pub mod channels {}

#[doc = include_str!("guide/debugging.md")]
pub mod debugging {}

#[doc = include_str!("guide/rules.md")]
pub mod rules {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}
