//! Long-polling (§9).

mod answer;
mod attendance;
mod lines;
mod options;
mod token;

pub use self::options::LongPoll;

/// A session among those of its mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(u64);
