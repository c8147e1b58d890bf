//! The conformance application: a little of everything that a client of channels can ask for, so that a server is checked
//! from outside. It is ordinary application code; what is checked is the library below it.
//!
//! ```text
//! /demo/health  /demo/stats  /demo/broadcast        http
//! /socket       ─┐             ┌─ room:*            room      what one channel can do
//!                ├─► connect ──┼─ presence:*        presence  who is there
//! /socket_fast  ─┘             └─ lobby             lobby     the smallest channel there is
//! ```
//!
//! Both mounts let the same clients in by the same rules; `/socket_fast` has short times and small bounds, so that a test need not
//! wait for long ones, and rooms alone.
#![forbid(unsafe_code)]

mod app;
mod caller;
mod connect;
mod http;
mod lobby;
mod presence_channel;
mod room;
mod said;
mod settings;

pub use crate::{
    app::{AppError, tree},
    settings::Settings,
};
