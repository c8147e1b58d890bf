//! Settings: from TOML files and the environment into your own serde struct, with every mistake told at once (L5).
//!
//! ```text
//!   config/default.toml ─► config/dev.toml ─► hook ─► CHAT__ROOMS__MAX=7         the later goes above
//!                                   │
//!                                   ▼
//!             one tree, in which each value knows its file and line, or its variable
//!                                   │
//!                                   ▼
//!                   your struct, or all that is wrong with it
//! ```
//!
//! The types are yours, and their names are the keys:
//!
//! ```
//! use throng_config::Sources;
//!
//! #[derive(Debug, serde::Deserialize)]
//! struct Settings {
//!     port: u16,
//!     rooms: Rooms,
//! }
//! #[derive(Debug, serde::Deserialize)]
//! struct Rooms {
//!     max: usize,
//!     #[serde(default)]
//!     greeting: String,
//! }
//!
//! let sources = || Sources::of("chat").text("built-in", "port = 4000\nrooms = { max = 10 }");
//! let settings: Settings = sources().environment([("CHAT__ROOMS__MAX", "7")]).load()?;
//! assert_eq!((settings.port, settings.rooms.max, settings.rooms.greeting.as_str()), (4000, 7, ""));
//!
//! let wrong = [("CHAT__PORT", "many"), ("CHAT__ROOMS__MAXX", "7")];
//! let error = sources().environment(wrong).load::<Settings>().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "2 mistakes in the settings:\n  \
//!      CHAT__PORT: `port`: expected a number from 0 to 65535, found text\n  \
//!      CHAT__ROOMS__MAXX: unknown key `rooms.maxx`; did you mean `max`?"
//! );
//! # Ok::<(), throng_config::ConfigError>(())
//! ```
//!
//! A [`Duration`](std::time::Duration) is written with its unit, in a file and in a variable: `"300ms"`, `"5s"`, `"1h30m"`.
//!
//! No value is ever part of an error, because any of them may be a secret; [`Secret`] keeps one out of logs as well. Settings are
//! values and do not change while a program runs: what does is a process' state.
#![forbid(unsafe_code)]

mod document;
mod duration;
mod environment;
mod error;
mod mistake;
mod names;
mod reader;
mod recovery;
mod secret;
mod setting;
mod sources;
mod stand_in;

pub use crate::{
    mistake::{ConfigError, Mistake, Place},
    secret::Secret,
    sources::{Overrides, Sources},
};
