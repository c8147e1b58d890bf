//! Who holds which key of a duplicate registry.
//!
//! Each registration has a number; a key's are kept in that order, so that one among thousands is found and taken out
//! without a look at the others.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering},
};

use foldhash::quality::RandomState;
use parking_lot::RwLock;

use super::{RegistryKey, SHARDS, holdings::shrink};
use crate::{names::is_alive, pid::ProcessId};

/// A registration's number in its registry.
pub(super) type Serial = u64;

type Group<V> = BTreeMap<Serial, (ProcessId, V)>;

pub(super) struct Groups<K, V> {
    next: AtomicU64,
    hasher: RandomState,
    shards: [RwLock<HashMap<K, Group<V>>>; SHARDS],
}

impl<K: RegistryKey, V> Groups<K, V> {
    pub(super) fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
            hasher: RandomState::default(),
            shards: std::array::from_fn(|_| RwLock::default()),
        }
    }

    /// `told` runs before anybody else can change the key.
    pub(super) fn add(&self, key: &K, process: ProcessId, value: V, told: impl FnOnce()) -> Serial {
        let mut shard = self.shard(key).write();
        let serial = self.next.fetch_add(1, Ordering::Relaxed);
        shard.entry(key.clone()).or_default().insert(serial, (process, value));
        told();
        serial
    }

    /// Takes those of these registrations out that `are_meant`; which they were. `told` runs for each, in order.
    pub(super) fn remove(
        &self,
        key: &K,
        serials: impl IntoIterator<Item = Serial>,
        are_meant: impl Fn(&V) -> bool,
        told: impl Fn(),
    ) -> Vec<Serial> {
        let mut shard = self.shard(key).write();
        let Some(group) = shard.get_mut(key) else { return Vec::new() };
        let mut gone = Vec::new();
        for serial in serials {
            if group.get(&serial).is_some_and(|(_, value)| are_meant(value)) {
                gone.extend(group.remove(&serial).map(|held| (serial, held)));
                told();
            }
        }
        if group.is_empty() {
            shard.remove(key);
            shrink(&mut shard);
        }
        // Values are the user's: their destructors run without the lock.
        drop(shard);
        gone.into_iter().map(|(serial, _)| serial).collect()
    }

    /// What `pick` makes of each of the living that hold a key, oldest first.
    pub(super) fn read<R>(&self, key: &K, pick: impl FnMut(&(ProcessId, V)) -> Option<R>) -> Vec<R> {
        let shard = self.shard(key).read();
        let held = shard.get(key).into_iter().flat_map(BTreeMap::values);
        held.filter(|(process, _)| is_alive(*process)).filter_map(pick).collect()
    }

    /// What `pick` makes of each registration of the living, one shard after the other.
    pub(super) fn select<R>(&self, mut pick: impl FnMut(&K, ProcessId, &V) -> Option<R>) -> Vec<R> {
        let mut picked = Vec::new();
        for shard in &self.shards {
            let shard = shard.read();
            let held = shard.iter().flat_map(|(key, group)| group.values().map(move |held| (key, held)));
            let alive = held.filter(|(_, (process, _))| is_alive(*process));
            picked.extend(alive.filter_map(|(key, (process, value))| pick(key, *process, value)));
        }
        picked
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().values().map(BTreeMap::len).sum::<usize>()).sum()
    }

    fn shard(&self, key: &K) -> &RwLock<HashMap<K, Group<V>>> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }
}
