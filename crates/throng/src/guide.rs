//! The guide: how to think in Throng, chapter by chapter. Every example in it runs in the tests.
//!
//! 1. [Processes and servers](processes)
//! 2. [State machines and agents](state_machines)
//! 3. [Supervision](supervision)
//! 4. [Names and registries](names)
//! 5. [Tasks, streams of results](tasks)
//! 6. [Applications, settings, signals](applications)
//! 7. [Topics](topics)
//! 8. [Channels](channels); [bytes, versions of the protocol, answers](binary_and_versions); [long-polling](longpoll)
//! 9. [Presence](presence)
//! 10. [Recovery after a reconnect](recovery)
//! 11. [Limits](limits) and [security]
//! 12. [Deployment](deployment), and [the HTTP interface for other servers](server_api)
//! 13. [Testing an application](testing)
//! 14. [Looking at what runs](debugging)
//!
//! For those who know [OTP](differences), those who know [tokio, kameo or ractor](coming_from_rust), and those who
//! [come from Phoenix](migrating_from_phoenix). [Beside Phoenix, Socket.IO and Centrifugo](compared) says what each is good at.
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

#[doc = include_str!("guide/topics.md")]
pub mod topics {}

#[doc = include_str!("guide/channels.md")]
pub mod channels {}

#[doc = include_str!("guide/migrating_from_phoenix.md")]
pub mod migrating_from_phoenix {}

#[doc = include_str!("guide/compared.md")]
pub mod compared {}

#[doc = include_str!("guide/binary_and_versions.md")]
pub mod binary_and_versions {}

#[doc = include_str!("guide/recovery.md")]
pub mod recovery {}

#[doc = include_str!("guide/presence.md")]
pub mod presence {}

#[doc = include_str!("guide/longpoll.md")]
pub mod longpoll {}

#[doc = include_str!("guide/deployment.md")]
#[doc = "\n# `nginx.conf`\n\n```nginx"]
#[doc = include_str!("guide/deployment/nginx.conf")]
#[doc = "```\n\n# `haproxy.cfg`\n\n```haproxy"]
#[doc = include_str!("guide/deployment/haproxy.cfg")]
#[doc = "```\n\n# `app.service`\n\n```ini"]
#[doc = include_str!("guide/deployment/app.service")]
#[doc = "```"]
pub mod deployment {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/security.md")]
pub mod security {}

#[doc = include_str!("guide/server_api.md")]
pub mod server_api {}

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
