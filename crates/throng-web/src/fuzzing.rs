//! Doors to what is not public, for fuzzers and for the echo server that conformance suites run against. Not part of the
//! API: the feature `fuzzing` and everything in here may change at any time.

mod decoders;
mod echo;

pub use self::{
    decoders::{TARGETS, Target},
    echo::echo,
};
