//! What can be set about a presence.

use std::time::Duration;

/// Limits and times of a [`Presence`](super::Presence).
///
/// ```
/// # use throng_pubsub::{Presence, PresenceOptions, PubSub};
/// let options = PresenceOptions { meta_bytes_max: 1 << 10, ..PresenceOptions::default() };
/// let presence = Presence::with_options("lobby", &PubSub::new(), options);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceOptions {
    /// The longest topic: 1 KiB.
    pub topic_bytes_max: usize,
    /// The longest key: 256 bytes.
    pub key_bytes_max: usize,
    /// The largest meta, as JSON: 8 KiB.
    pub meta_bytes_max: usize,
    /// After a diff has been announced, how long changes are collected for the next: 20 ms. The first change after a quiet time
    /// is announced at once; of a thousand who join in a second, each hears of the others in fifty diffs and not in a thousand.
    pub diff_period: Duration,
}

impl Default for PresenceOptions {
    fn default() -> Self {
        Self {
            topic_bytes_max: 1 << 10,
            key_bytes_max: 256,
            meta_bytes_max: 8 << 10,
            diff_period: Duration::from_millis(20),
        }
    }
}
