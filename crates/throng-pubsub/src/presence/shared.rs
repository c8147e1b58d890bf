//! What all handles of a presence share.

use std::sync::Arc;

use throng_runtime::ProcessId;

use super::{fetch::Fetch, options::PresenceOptions, quota::Quota, shard::Shard, watch::Watchers};
use crate::pubsub::PubSub;

pub(super) struct Shared {
    pub(super) setup: Arc<Setup>,
    /// One for each slot of the pool (§14.1).
    pub(super) shards: Box<[Arc<Shard>]>,
}

/// What the shards share.
pub(super) struct Setup {
    pub(super) name: Box<str>,
    pub(super) pubsub: PubSub,
    pub(super) options: PresenceOptions,
    pub(super) fetch: Option<Fetch>,
    pub(super) watchers: Watchers,
    pub(super) quota: Quota<ProcessId>,
}

impl Shared {
    pub(super) fn new(setup: Setup) -> Self {
        let setup = Arc::new(setup);
        let shards = (0..setup.pool_size()).map(|slot| Shard::new(&setup, slot)).collect();
        Self { setup, shards }
    }

    /// The shard that a topic belongs to, on every node that has as many.
    pub(super) fn shard(&self, topic: &str) -> &Arc<Shard> {
        &self.shards[(fnv(topic) % self.shards.len() as u64) as usize]
    }
}

impl Setup {
    pub(super) fn pool_size(&self) -> usize {
        self.options.pool_size.max(1)
    }

    /// What the peers of a slot are called between nodes. Nodes with pools of another size do not meet there: what they would tell
    /// each other belongs to other slots.
    pub(super) fn channel(&self, slot: usize) -> String {
        match self.pool_size() {
            1 => self.name.to_string(),
            slots => format!("{}:{slot}/{slots}", self.name),
        }
    }
}

/// The hash that tells which slot a topic has (FNV-1a): part of what nodes agree on, so it never changes.
fn fnv(topic: &str) -> u64 {
    topic.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_1_a_topic_has_the_same_slot_on_all_nodes() {
        assert_eq!(fnv(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv("foobar"), 0x8594_4171_f739_67e8);
    }
}
