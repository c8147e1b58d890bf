//! Mutual exclusion by key (N10).

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::RegistryKey;

/// One queue per key that somebody holds or waits for; none for the others.
pub(super) struct KeyLock<K> {
    turns: Mutex<HashMap<K, Turn>>,
}

/// The queue of one key: fair, so that whoever came first is served first, and a waiter that was dropped is skipped.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl<K: RegistryKey> KeyLock<K> {
    pub(super) fn new() -> Self {
        Self { turns: Mutex::default() }
    }

    pub(super) async fn lock<R>(&self, key: K, work: impl AsyncFnOnce() -> R) -> R {
        let turn = self.turns.lock().entry(key.clone()).or_default().clone();
        let _forget = Forget { locks: self, key };
        let _held = turn.lock_owned().await;
        work().await
    }
}

/// Forgets a key when its last user is gone.
struct Forget<'a, K: RegistryKey> {
    locks: &'a KeyLock<K>,
    key: K,
}

impl<K: RegistryKey> Drop for Forget<'_, K> {
    fn drop(&mut self) {
        let mut turns = self.locks.turns.lock();
        // Locals drop in reverse order: this user's own share of the queue is gone by now.
        if turns.get(&self.key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.key);
        }
    }
}
