//! Who holds which key of a unique registry: read without a lock, written in turns.
//!
//! Readers pin the map's memory for as long as they look, which costs a store and a fence in their own thread. What a writer
//! takes out is freed by the last thread that may still see it.
//!
//! A lookup in a large table is a handful of cache misses and little else: the node, the bytes of a key that is a `String`.
//! Whether the holder is alive is asked of a dense table ([`is_alive_holder`]), not of its slot, which would be one more.
//!
//! Writers of one key take turns, on one of a few locks: so the answer to "is its holder dead?" still holds when the new
//! one goes in, and whoever is told of changes is told in their order. A turn ends before the pin of the same
//! writer: the destructors of what it took out run with no lock held.

use std::{
    any::TypeId,
    borrow::Borrow,
    hash::{BuildHasher, Hash},
    mem::needs_drop,
};

use foldhash::quality::RandomState;
use papaya::{Guard, HashMap};
use parking_lot::{Mutex, MutexGuard};

use super::{RegistryKey, SHARDS};
use crate::{panics::contain, pid::ProcessId, scheduler::is_alive_holder};

/// One registration. Aligned so that the map's node of a `String` and of this is one cache line, not a part of two.
#[repr(align(32))]
pub(super) struct Held<V> {
    pub(super) process: ProcessId,
    /// The type of the process' server.
    pub(super) server: TypeId,
    /// There until it is dropped.
    value: Option<V>,
}

impl<V> Held<V> {
    pub(super) fn new(process: ProcessId, server: TypeId, value: V) -> Self {
        Self { process, server, value: Some(value) }
    }
}

impl<V> Drop for Held<V> {
    /// It may be any reader that drops it, which must not pay for a destructor that panics.
    fn drop(&mut self) {
        if needs_drop::<V>() {
            let value = self.value.take();
            contain("a registered value that was dropped", || drop(value));
        }
    }
}

pub(super) struct Table<K, V> {
    holders: HashMap<K, Held<V>, RandomState>,
    hasher: RandomState,
    turns: [Mutex<()>; SHARDS],
}

impl<K: RegistryKey, V: Send + Sync + 'static> Table<K, V> {
    pub(super) fn new() -> Self {
        let hasher = RandomState::default();
        Self {
            holders: HashMap::with_hasher(hasher.clone()),
            hasher,
            turns: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// What `read` makes of a key's holder, if it has one that lives.
    pub(super) fn read<Q, R>(&self, key: &Q, read: impl FnOnce(&Held<V>, &V) -> Option<R>) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let holders = self.holders.pin();
        let held = holders.get(key).filter(|held| is_alive_holder(held.process))?;
        read(held, held.value.as_ref()?)
    }

    /// Gives a key to a process, unless one that lives holds it. `told` learns of the dead one that made room (N2).
    pub(super) fn claim(
        &self,
        key: &K,
        new: Held<V>,
        told: impl FnOnce(Option<ProcessId>),
    ) -> Result<(), ProcessId> {
        let guard = self.holders.guard();
        let turn = self.turn(key);
        let holder = self.holders.get(key, &guard).map(|held| held.process);
        if let Some(holder) = holder.filter(|holder| is_alive_holder(*holder)) {
            return Err(holder);
        }
        self.holders.insert(key.clone(), new, &guard);
        told(holder);
        drop(turn);
        if holder.is_some() {
            guard.flush();
        }
        Ok(())
    }

    /// Takes a key from a process, if it holds it with a value that `is_meant`; whether it did.
    pub(super) fn release<Q>(
        &self,
        key: &Q,
        process: ProcessId,
        is_meant: impl FnOnce(&V) -> bool,
        told: impl FnOnce(),
    ) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let guard = self.holders.guard();
        let turn = self.turn(key);
        let own = self.holders.get(key, &guard).filter(|held| held.process == process);
        let is_meant = own.and_then(|held| held.value.as_ref()).is_some_and(is_meant);
        if is_meant {
            self.holders.remove(key, &guard);
            told();
            drop(turn);
            // What was taken out is freed now, unless somebody reads it, and does not wait until there is more of it.
            guard.flush();
        }
        is_meant
    }

    /// Gives a process' own registration another value; false when it has none.
    pub(super) fn replace(&self, key: &K, new: Held<V>) -> bool {
        let guard = self.holders.guard();
        let turn = self.turn(key);
        let is_own = self.holders.get(key, &guard).is_some_and(|held| held.process == new.process);
        if is_own {
            self.holders.insert(key.clone(), new, &guard);
            drop(turn);
            guard.flush();
        }
        is_own
    }

    /// What `pick` makes of each registration of the living.
    pub(super) fn select<R>(&self, mut pick: impl FnMut(&K, ProcessId, &V) -> Option<R>) -> Vec<R> {
        let holders = self.holders.pin();
        let alive = holders.iter().filter(|(_, held)| is_alive_holder(held.process));
        alive.filter_map(|(key, held)| pick(key, held.process, held.value.as_ref()?)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.holders.len()
    }

    fn turn<Q: Hash + ?Sized>(&self, key: &Q) -> MutexGuard<'_, ()> {
        self.turns[self.hasher.hash_one(key) as usize % SHARDS].lock()
    }
}
