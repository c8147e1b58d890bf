//! Which process holds which key, in shards that seldom meet.
//!
//! Two maps tell it, from keys to entries and from processes to keys. A process is put into the second before the first and
//! taken out of it last, so that whatever an ended process holds is found and removed. No two locks are held at once.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
};

use parking_lot::{Mutex, RwLock};

use crate::pid::ProcessId;

const SHARDS: usize = 16;

/// What can be a key: compared strictly, so that `1` and `1.0` are two (N5).
pub trait RegistryKey: Clone + Eq + Hash + Send + Sync + 'static {}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> RegistryKey for K {}

/// One registration.
#[derive(Clone, Debug)]
pub(super) struct Entry<E> {
    pub(super) process: ProcessId,
    pub(super) value: E,
}

pub(super) struct Table<K, E> {
    hasher: RandomState,
    entries: [RwLock<HashMap<K, Vec<Entry<E>>>>; SHARDS],
    keys: [Mutex<HashMap<ProcessId, Vec<K>>>; SHARDS],
}

impl<K: RegistryKey, E> Table<K, E> {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            entries: std::array::from_fn(|_| RwLock::default()),
            keys: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Adds an entry, unless `refuse` finds a reason among those that the key has; it may also take some of them away.
    pub(super) fn add<R>(
        &self,
        key: &K,
        entry: Entry<E>,
        refuse: impl FnOnce(&mut Vec<Entry<E>>) -> Option<R>,
    ) -> Result<(), R> {
        let process = entry.process;
        self.keys_of(process).lock().entry(process).or_default().push(key.clone());
        let mut entries = self.shard(key).write();
        let held = entries.entry(key.clone()).or_default();
        let Some(refused) = refuse(held) else {
            held.push(entry);
            return Ok(());
        };
        if held.is_empty() {
            entries.remove(key);
        }
        drop(entries);
        self.forget_key(process, key, false);
        Err(refused)
    }

    /// Reads the entries of a key.
    pub(super) fn read<R>(&self, key: &K, read: impl FnOnce(&[Entry<E>]) -> R) -> R {
        read(self.shard(key).read().get(key).map_or(&[], Vec::as_slice))
    }

    /// Changes the value of a process' own entry.
    pub(super) fn change<R>(
        &self,
        key: &K,
        process: ProcessId,
        change: impl FnOnce(&mut E) -> R,
    ) -> Option<R> {
        let mut entries = self.shard(key).write();
        let own = entries.get_mut(key)?.iter_mut().find(|entry| entry.process == process)?;
        Some(change(&mut own.value))
    }

    /// Removes all entries that a process has for a key; how many they were.
    pub(super) fn remove(&self, key: &K, process: ProcessId) -> usize {
        let removed = self.remove_entries(key, process);
        self.forget_key(process, key, true);
        removed
    }

    /// Removes all that a process holds.
    pub(super) fn remove_all(&self, process: ProcessId) -> Vec<K> {
        let keys = self.keys_of(process).lock().remove(&process).unwrap_or_default();
        for key in &keys {
            self.remove_entries(key, process);
        }
        keys
    }

    /// The keys that a process holds, as often as it holds them.
    pub(super) fn keys(&self, process: ProcessId) -> Vec<K> {
        self.keys_of(process).lock().get(&process).cloned().unwrap_or_default()
    }

    /// What `pick` makes of each entry, one shard after the other.
    pub(super) fn collect<R>(&self, pick: impl Fn(&K, &Entry<E>) -> Option<R>) -> Vec<R> {
        let mut picked = Vec::new();
        for shard in &self.entries {
            let shard = shard.read();
            let entries = shard.iter().flat_map(|(key, held)| held.iter().map(move |entry| (key, entry)));
            picked.extend(entries.filter_map(|(key, entry)| pick(key, entry)));
        }
        picked
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.iter().map(|shard| shard.read().values().map(Vec::len).sum::<usize>()).sum()
    }

    fn remove_entries(&self, key: &K, process: ProcessId) -> usize {
        let mut entries = self.shard(key).write();
        let Some(held) = entries.get_mut(key) else { return 0 };
        let before = held.len();
        let (gone, left) = std::mem::take(held).into_iter().partition(|entry| entry.process == process);
        *held = left;
        let removed = before - held.len();
        if held.is_empty() {
            entries.remove(key);
        }
        // Values are the user's: their destructors run without the lock.
        drop(entries);
        drop::<Vec<Entry<E>>>(gone);
        removed
    }

    fn forget_key(&self, process: ProcessId, key: &K, all: bool) {
        let mut keys = self.keys_of(process).lock();
        let Some(held) = keys.get_mut(&process) else { return };
        if all {
            held.retain(|known| known != key);
        } else if let Some(last) = held.iter().rposition(|known| known == key) {
            held.remove(last);
        }
        if held.is_empty() {
            keys.remove(&process);
        }
    }

    fn shard(&self, key: &K) -> &RwLock<HashMap<K, Vec<Entry<E>>>> {
        &self.entries[self.hasher.hash_one(key) as usize % SHARDS]
    }

    fn keys_of(&self, process: ProcessId) -> &Mutex<HashMap<ProcessId, Vec<K>>> {
        &self.keys[process.index() as usize % SHARDS]
    }
}
