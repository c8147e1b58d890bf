//! The identities of a replica and of a presence.

use std::{collections::hash_map::RandomState, fmt, hash::BuildHasher, sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};

/// One life of one node's presence: a node that starts again is a new replica (§14.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Replica {
    pub(crate) name: Arc<str>,
    pub(crate) version: u64,
}

impl Replica {
    /// A replica with a version of its own: 64 random bits, seeded anew each time.
    pub(crate) fn unique(name: &str) -> Self {
        Self { name: name.into(), version: RandomState::new().hash_one(SystemTime::now()) }
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:x}", self.name, self.version)
    }
}

/// The change that began a presence: the presence's identity wherever it is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag {
    pub(crate) replica: Replica,
    pub(crate) clock: u64,
}

impl Tag {
    /// The tag as clients see it: unique among all nodes and all their lives (§12.1).
    pub(crate) fn phx_ref(&self) -> String {
        format!("{:x}-{:x}", self.replica.version, self.clock)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}", self.replica, self.clock)
    }
}
