//! The guide: how to think in Throng, chapter by chapter. Every example in it runs in the tests.
//!
//! 1. [Processes and servers](processes)
//! 2. [State machines and agents](state_machines)
//! 3. [Supervision, applications](supervision)
//! 4. [Names and registries](names)
//! 5. [Topics, channels, presence](channels)
//! 6. [Testing an application](testing)
//! 7. [Looking at what runs](debugging)
//!
//! [The rules, by their ids](rules), says what the documentation means by `(P14)` or `(§4.3)`.

#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/state_machines.md")]
pub mod state_machines {}

#[doc = include_str!("guide/supervision.md")]
pub mod supervision {}

#[doc = include_str!("guide/names.md")]
pub mod names {}

#[doc = include_str!("guide/channels.md")]
pub mod channels {}

#[doc = include_str!("guide/debugging.md")]
pub mod debugging {}

#[doc = include_str!("guide/rules.md")]
pub mod rules {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}
