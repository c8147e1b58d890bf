//! The server under attack, clients that mean well and others, and numbers from a seed.

mod noise;
mod server;
mod wire;
mod witness;

pub(crate) use self::{
    noise::Noise,
    server::{Server, eventually},
    wire::{Parting, Peer, TEXT, masked, tcp, tcp_from, upgrade},
    witness::Witness,
};

pub(crate) const MIB: u64 = 1 << 20;

/// How many times as much as usual is done: `THRONG_SOAK`.
pub(crate) fn times() -> u64 {
    std::env::var("THRONG_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}
