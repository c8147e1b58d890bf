//! What each process holds, so that its end finds it.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::SHARDS;
use crate::pid::ProcessId;

pub(super) struct Holdings<T> {
    shards: [Mutex<HashMap<ProcessId, Vec<T>>>; SHARDS],
}

impl<T> Holdings<T> {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    pub(super) fn add(&self, process: ProcessId, held: T) {
        self.shard(process).lock().entry(process).or_default().push(held);
    }

    /// Forgets those that are not to `keep`.
    pub(super) fn retain(&self, process: ProcessId, mut keep: impl FnMut(&T) -> bool) {
        let mut shard = self.shard(process).lock();
        let Some(held) = shard.get_mut(&process) else { return };
        let forgotten: Vec<_> = held.extract_if(.., |held| !keep(held)).collect();
        if held.is_empty() {
            shard.remove(&process);
            shrink(&mut shard);
        }
        // Keys are the user's: their destructors run without the lock.
        drop(shard);
        drop(forgotten);
    }

    /// Forgets, and gives, all that a process holds.
    pub(super) fn take(&self, process: ProcessId) -> Vec<T> {
        let mut shard = self.shard(process).lock();
        let held = shard.remove(&process).unwrap_or_default();
        shrink(&mut shard);
        held
    }

    /// What `pick` makes of each thing that a process holds, in the order in which they came.
    pub(super) fn pick<R>(&self, process: ProcessId, pick: impl FnMut(&T) -> R) -> Vec<R> {
        self.shard(process).lock().get(&process).map_or_else(Vec::new, |held| held.iter().map(pick).collect())
    }

    fn shard(&self, process: ProcessId) -> &Mutex<HashMap<ProcessId, Vec<T>>> {
        &self.shards[process.index() as usize % SHARDS]
    }
}

/// Gives memory back when most of it is unused; so seldom that it costs nothing on average.
pub(super) fn shrink<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>) {
    const WORTH_IT: usize = 64;
    if map.capacity() > WORTH_IT && map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}
