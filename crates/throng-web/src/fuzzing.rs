//! Doors to what is not public, for fuzzers and for the echo server that conformance suites run against. Not part of the
//! API: the feature `fuzzing` and everything in here may change at any time.

mod decoders;
mod echo;

pub use self::{
    decoders::{TARGETS, Target},
    echo::echo,
};

/// Feeds bytes to the decoder of that name.
///
/// # Panics
///
/// When there is none of that name, or it breaks a promise.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("there is no target {name}"));
    (target.run)(bytes);
}
