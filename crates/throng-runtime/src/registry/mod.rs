//! Registries: names of your own making for processes, for as long as they live (N1 to N11).
//!
//! A registry is a value, held by whoever uses it; no process of its own can crash and take the registered with it. What an
//! ended process held is removed before anybody is told of its end: whoever sees [`Down`](crate::Down) finds the key free, a
//! stronger promise than OTP's.
//!
//! - [`Registry`]: a key has one holder, and is an address ([`Registry::via`]). A lookup takes no lock.
//! - [`DuplicateRegistry`]: a key has any number of holders.
//!
//! Keys and values are cloned; keep them small. Their own code (`Hash`, `Eq`, `Clone`, `Drop`) must not use the registry that
//! they are in.
//!
//! ```text
//!   Registry ──────────► table      key → holder, read without a lock
//!      │     ╲
//!      │      ╲────────► holdings   process → its keys, for its end
//!      │      ╱
//!   DuplicateRegistry ─► groups     key → holders, oldest first
//!      │
//!      └───────────────► extras     listeners, metadata, locks: what both have
//! ```

mod duplicate;
mod extras;
mod groups;
mod holdings;
mod listeners;
mod lock;
mod meta;
mod table;
mod unique;
mod via;

use std::hash::Hash;

pub use self::{
    duplicate::DuplicateRegistry,
    listeners::RegistryEvent,
    unique::{AlreadyRegistered, Registry},
};

/// How many locks the writers of one table share out among themselves.
const SHARDS: usize = 16;

/// What can be a key: compared strictly, so that `1` and `1.0` are two (N5).
pub trait RegistryKey: Clone + Eq + Hash + Send + Sync + 'static {}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> RegistryKey for K {}
