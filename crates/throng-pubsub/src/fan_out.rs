//! Who is told how many subscriptions each broadcast was handed to.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::RwLock;

use crate::broadcast::Broadcast;

type Observe = Arc<dyn Fn(&Broadcast, usize) + Send + Sync>;

/// Those who are told; nobody costs one load.
#[derive(Default)]
pub(crate) struct FanOut {
    are_there: AtomicBool,
    observers: RwLock<Vec<Observe>>,
}

impl FanOut {
    pub(crate) fn add(&self, observe: impl Fn(&Broadcast, usize) + Send + Sync + 'static) {
        self.observers.write().push(Arc::new(observe));
        self.are_there.store(true, Ordering::Release);
    }

    pub(crate) fn tell(&self, broadcast: &Broadcast, deliveries: usize) {
        if self.are_there.load(Ordering::Acquire) {
            // None is held while it runs: it may broadcast in its turn.
            let observers = self.observers.read().clone();
            observers.iter().for_each(|observe| observe(broadcast, deliveries));
        }
    }
}
