//! How many presences each process has, on all topics.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

/// Parts of the count, so that processes do not meet there.
const PARTS: usize = 16;

pub(super) struct Quota<P> {
    max: usize,
    parts: [Mutex<HashMap<P, usize, RandomState>>; PARTS],
    hasher: RandomState,
}

impl<P: Hash + Eq + Copy> Quota<P> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, parts: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::default() }
    }

    /// Counts one more in; false when the process has as many as it may.
    pub(super) fn take(&self, process: P) -> bool {
        let mut part = self.part(process).lock();
        let count = part.get(&process).copied().unwrap_or(0);
        if count >= self.max {
            return false;
        }
        part.insert(process, count + 1);
        true
    }

    pub(super) fn give_back(&self, process: P, count: usize) {
        let mut part = self.part(process).lock();
        let left = part.get(&process).copied().unwrap_or(0).saturating_sub(count);
        if left == 0 {
            part.remove(&process);
        } else {
            part.insert(process, left);
        }
    }

    fn part(&self, process: P) -> &Mutex<HashMap<P, usize, RandomState>> {
        &self.parts[self.hasher.hash_one(process) as usize % PARTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_has_its_own_share_and_gets_it_back() {
        let quota = Quota::new(2);
        assert!(quota.take(1) && quota.take(1) && !quota.take(1) && quota.take(2));
        quota.give_back(1, 1);
        assert!(quota.take(1) && !quota.take(1));
        quota.give_back(1, 2);
        quota.give_back(2, 1);
        assert!(quota.parts.iter().all(|part| part.lock().is_empty()), "nothing is left behind");
    }
}
