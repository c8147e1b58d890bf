//! Limits and times of a presence.

use std::time::Duration;

use serde::Serialize;

use super::{error::PresenceRefusal, gossip::Beats, meta::Fields};

/// Limits and times of a [`Presence`](super::Presence).
///
/// ```
/// # use throng_pubsub::{Presence, PresenceOptions, PubSub};
/// let options = PresenceOptions::default().with(|options| options.meta_bytes_max = 1 << 10);
/// let presence = Presence::with_options("lobby", &PubSub::new(), options);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresenceOptions {
    /// The longest topic: 1 KiB.
    pub topic_bytes_max: usize,
    /// The longest key: 256 bytes.
    pub key_bytes_max: usize,
    /// The largest meta, as JSON: 8 KiB.
    pub meta_bytes_max: usize,
    /// How many presences a topic may have, on all nodes, before this one refuses more: 100,000.
    pub presences_per_topic_max: usize,
    /// How many presences a process may have, on all topics: 1,000.
    pub presences_per_process_max: usize,
    /// After a diff has been announced, how long changes of its topic are collected for the next, at least: 20 ms. The first change
    /// after a quiet time is announced at once. When a thousand join in a second, each gets fifty diffs and not a thousand.
    pub diff_period: Duration,
    /// How long changes are collected at most: 2 s. It is up to ten times as long while most of a crowd that joined has not been
    /// written the state yet.
    pub diff_period_max: Duration,
    /// Between these two, changes are collected for as long as the last announcement takes at so many bytes a second: 128 MiB.
    /// What counts is the size of each frame and 1 KiB more, for each client that is told. So the more a topic has to say to the
    /// more clients, the more rarely it speaks.
    pub diff_bytes_per_second: u64,
    /// A larger diff is sent in parts: 1 MiB.
    pub diff_bytes_max: usize,
    /// Topics whose changes are not announced to clients: none. They are told the state when they join; servers that watch are told
    /// all changes. A name that ends with `*` stands for all topics that begin so.
    pub quiet_topics: Vec<String>,
    /// How long a [fetch](super::PresenceBuilder::fetch) may take before clients are told without it: 5 s.
    pub fetch_timeout: Duration,
    /// Into how many parts, by their topics, the presences are divided: 1. Writers of different parts do not meet, and each part has
    /// a tracker of its own. It must be the same on all nodes (§14.1).
    pub pool_size: usize,
    /// How many ends of presences are remembered in each part, so that a node that missed some can be sent these alone: 10,000
    /// (§14.6).
    pub delta_removals_max: usize,
    /// How often other nodes are told what has changed: 1.5 s. All other times between nodes count in these periods (§14.4).
    pub broadcast_period: Duration,
    /// A node without changes tells the others that it lives every so many periods: 10 (§14.4).
    pub silent_periods_max: u32,
    /// What other nodes know is compared every so many periods: 2 (§14.6).
    pub clock_sample_periods: u32,
    /// The presences of a node that was silent for more periods than this do not show: 20, and at least 2 (§14.7).
    pub down_periods: u32,
    /// A node that was silent for more periods than this is forgotten: 800, and more than `down_periods` (§14.7).
    pub permdown_periods: u32,
    /// Whether other nodes drop the presences of this one at once, instead of after `down_periods`, when the tracker is shut down
    /// in an orderly way: `false`, since clients of a node that is replaced come back elsewhere and should not blink (§14.9).
    pub permdown_on_shutdown: bool,
}

impl PresenceOptions {
    /// Changes some of the options.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut PresenceOptions)) -> PresenceOptions {
        change(&mut self);
        self
    }

    /// Refuses a topic or a key that is too long.
    pub(super) fn check_place(&self, topic: &str, key: &str) -> Result<(), PresenceRefusal> {
        if topic.len() > self.topic_bytes_max {
            return Err(PresenceRefusal::TopicTooLong { bytes: topic.len(), max: self.topic_bytes_max });
        }
        if key.len() > self.key_bytes_max {
            return Err(PresenceRefusal::KeyTooLong { bytes: key.len(), max: self.key_bytes_max });
        }
        Ok(())
    }

    /// The fields of a meta; refuses one that is too large or is not an object.
    pub(super) fn check_meta(&self, meta: impl Serialize) -> Result<Fields, PresenceRefusal> {
        let fields = Fields::new(meta)?;
        let (bytes, max) = (fields.bytes(), self.meta_bytes_max);
        if bytes > max { Err(PresenceRefusal::MetaTooLarge { bytes, max }) } else { Ok(fields) }
    }

    /// Whether changes of this topic are not announced to clients.
    pub(super) fn is_quiet(&self, topic: &str) -> bool {
        self.quiet_topics.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => topic.starts_with(prefix),
            None => pattern == topic,
        })
    }

    /// The times between nodes, within their bounds.
    pub(super) fn beats(&self) -> Beats {
        let down = self.down_periods.max(2);
        Beats {
            silent_max: self.silent_periods_max.max(1),
            sample: self.clock_sample_periods.max(1),
            down,
            permdown: self.permdown_periods.max(down.saturating_add(1)),
        }
    }
}

impl Default for PresenceOptions {
    fn default() -> Self {
        Self {
            topic_bytes_max: 1 << 10,
            key_bytes_max: 256,
            meta_bytes_max: 8 << 10,
            presences_per_topic_max: 100_000,
            presences_per_process_max: 1_000,
            diff_period: Duration::from_millis(20),
            diff_period_max: Duration::from_secs(2),
            diff_bytes_per_second: 128 << 20,
            diff_bytes_max: 1 << 20,
            quiet_topics: Vec::new(),
            fetch_timeout: Duration::from_secs(5),
            pool_size: 1,
            delta_removals_max: 10_000,
            broadcast_period: Duration::from_millis(1_500),
            silent_periods_max: 10,
            clock_sample_periods: 2,
            down_periods: 20,
            permdown_periods: 800,
            permdown_on_shutdown: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_11_the_times_are_those_of_phoenix_and_keep_their_order() {
        let options = PresenceOptions::default();
        assert_eq!(options.broadcast_period, Duration::from_millis(1_500));
        assert_eq!(options.broadcast_period * options.down_periods, Duration::from_secs(30));
        assert_eq!(options.broadcast_period * options.permdown_periods, Duration::from_secs(20 * 60));
        assert_eq!(options.beats(), Beats { silent_max: 10, sample: 2, down: 20, permdown: 800 });
        let hasty = options.with(|options| {
            options.silent_periods_max = 0;
            options.clock_sample_periods = 0;
            options.down_periods = 0;
            options.permdown_periods = 1;
        });
        assert_eq!(hasty.beats(), Beats { silent_max: 1, sample: 1, down: 2, permdown: 3 });
    }
}
