//! Registries: names of your own making for processes, for as long as they live (N1 to N11).
//!
//! A registry is a value, held by whoever uses it; no process of its own can crash and take the registered with it. What an
//! ended process held is removed before anybody is told of its end: whoever sees [`Down`](crate::Down) finds the key free, a
//! stronger promise than OTP's.
//!
//! - [`Registry`]: a key has one holder, and is an address ([`Registry::via`]).
//! - [`DuplicateRegistry`]: a key has any number of holders.
//!
//! Keys and values are cloned; keep them small. Reads take a shared lock on one of a few shards.

mod duplicate;
mod listeners;
mod lock;
mod table;
mod unique;

pub use self::{
    duplicate::DuplicateRegistry,
    listeners::RegistryEvent,
    table::RegistryKey,
    unique::{AlreadyRegistered, Registry},
};
