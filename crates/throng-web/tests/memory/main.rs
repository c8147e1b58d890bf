//! The in-memory transport: clients within the process.

mod million;
mod transport;
