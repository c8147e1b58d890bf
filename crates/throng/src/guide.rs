//! The guide: how to think in Throng, chapter by chapter. Every example in it runs in the tests.
//!
//! 1. [Processes and servers](processes)
//! 2. [State machines and agents](state_machines)
//! 3. [Supervision](supervision)
//! 4. [Names and registries](names)
//! 5. [Tasks, streams of results](tasks)
//! 6. [Applications, settings, signals](applications)
//! 7. [Topics, channels, presence](channels); [bytes, versions of the protocol, answers](binary_and_versions)
//! 8. [Testing an application](testing)
//! 9. [Looking at what runs](debugging)
//!
//! For those who know [OTP](differences), and those who know [tokio, kameo or ractor](coming_from_rust).
//!
//! [The rules, by their ids](rules), says what the documentation means by `(P14)`, and [those of channels](channel_rules) what by
//! `(§4.3)`.

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

#[doc = include_str!("guide/binary_and_versions.md")]
pub mod binary_and_versions {}

#[doc = include_str!("guide/recovery.md")]
pub mod recovery {}

#[doc = include_str!("guide/debugging.md")]
pub mod debugging {}

#[doc = include_str!("guide/rules.md")]
pub mod rules {}

#[doc = include_str!("guide/channel_rules.md")]
pub mod channel_rules {}

#[doc = include_str!("guide/tasks.md")]
pub mod tasks {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}

#[doc = include_str!("guide/applications.md")]
pub mod applications {}

#[doc = include_str!("guide/differences.md")]
pub mod differences {}

#[doc = include_str!("guide/coming_from_rust.md")]
pub mod coming_from_rust {}
