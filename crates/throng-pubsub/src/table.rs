//! The subscribers of each topic, and the subscriptions of each process.
//!
//! Both sides are sharded by hash. The lock of a topic may be taken under that of a process, not the other way about; none is
//! held while a delivery runs.

use std::{
    collections::{BTreeMap, HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use throng_runtime::{Exit, OnExit, ProcessId};

use crate::{
    broadcast::Broadcast,
    fan_out::FanOut,
    members::Members,
    subscription::{Delivery, Subscriber},
};

const SHARDS: usize = 64;

#[derive(Default)]
pub(crate) struct Table {
    topics: Shards<RwLock<HashMap<Arc<str>, Members>>>,
    processes: Shards<Mutex<BTreeMap<Key, Arc<Subscriber>>>>,
    next_id: AtomicU64,
    /// Told of every broadcast that was handed out.
    pub(crate) fan_out: FanOut,
}

/// The subscriptions of a process stand together in this order, and among them those to one topic.
type Key = (ProcessId, Arc<str>, u64);

impl Table {
    pub(crate) fn add(&self, topic: Arc<str>, process: ProcessId, deliver: Delivery) -> Arc<Subscriber> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let subscriber = Arc::new(Subscriber::new(topic.clone(), process, id, deliver));
        // Under the lock of the process, so that nobody who ends it finds it on one side alone.
        let mut subscriptions = self.processes.of(&process).lock();
        subscriptions.insert(key(&subscriber), subscriber.clone());
        self.topics.of(&*topic).write().entry(topic).or_default().add(subscriber.clone());
        drop(subscriptions);
        subscriber
    }

    pub(crate) fn remove(&self, subscriber: &Arc<Subscriber>) {
        self.processes.of(&subscriber.process).lock().remove(&key(subscriber));
        self.take_out(subscriber);
    }

    /// Ends all subscriptions of a process to a topic (§6.7).
    pub(crate) fn remove_from(&self, topic: &str, process: ProcessId) {
        self.remove_range(process, topic, |other| other == topic);
    }

    /// A snapshot of the subscribers of a topic.
    pub(crate) fn members(&self, topic: &str) -> Members {
        self.topics.of(topic).read().get(topic).cloned().unwrap_or_default()
    }

    /// Hands a broadcast to every subscriber of its topic, once for each subscription, but not to the process `except`.
    pub(crate) fn dispatch(&self, broadcast: &Broadcast, except: Option<ProcessId>) {
        self.dispatch_where(broadcast, |subscriber| Some(subscriber.process) != except);
    }

    /// Hands a broadcast to the subscribers of its topic that `hears` picks.
    pub(crate) fn dispatch_where(&self, broadcast: &Broadcast, mut hears: impl FnMut(&Subscriber) -> bool) {
        let members = self.members(broadcast.topic());
        let mut deliveries = 0;
        for subscriber in members.iter().filter(|subscriber| hears(subscriber)) {
            subscriber.deliver(broadcast);
            deliveries += 1;
        }
        self.fan_out.tell(broadcast, deliveries);
    }

    /// Ends the subscriptions of a process from `topic` on, as long as `belongs` says so.
    fn remove_range(&self, process: ProcessId, topic: &str, belongs: impl Fn(&str) -> bool) {
        let mut subscriptions = self.processes.of(&process).lock();
        let ended: Vec<_> = subscriptions
            .range((process, Arc::from(topic), 0)..)
            .take_while(|((owner, topic, _), _)| *owner == process && belongs(topic))
            .map(|(_, subscriber)| subscriber.clone())
            .collect();
        for subscriber in &ended {
            subscriptions.remove(&key(subscriber));
        }
        drop(subscriptions);
        for subscriber in &ended {
            self.take_out(subscriber);
        }
    }

    fn take_out(&self, subscriber: &Arc<Subscriber>) {
        subscriber.end();
        let mut topics = self.topics.of(&*subscriber.topic).write();
        if let Some(members) = topics.get_mut(&subscriber.topic)
            && members.remove(subscriber)
            && members.is_empty()
        {
            topics.remove(&subscriber.topic);
        }
    }
}

impl OnExit for Table {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        self.remove_range(id, "", |_| true);
    }
}

fn key(subscriber: &Subscriber) -> Key {
    (subscriber.process, subscriber.topic.clone(), subscriber.id)
}

/// Many of a kind, one for each part of the keys.
pub(crate) struct Shards<T> {
    shards: Box<[T]>,
    hasher: RandomState,
}

impl<T> Shards<T> {
    pub(crate) fn of(&self, key: &(impl Hash + ?Sized)) -> &T {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.shards.iter()
    }
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| T::default()).collect(), hasher: RandomState::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use throng_runtime::Node;

    use super::*;

    #[tokio::test]
    async fn a_subscription_that_is_ended_while_it_begins_leaves_nothing_behind() {
        let process = Node::new("test").spawn(async |_| ());
        let (table, barrier, begun) = (Table::default(), Barrier::new(2), AtomicU64::new(0));
        let rounds = 5_000;
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..rounds {
                    barrier.wait();
                    table.add("t".into(), process, Box::new(|_| ()));
                    begun.fetch_add(1, Ordering::Release);
                }
            });
            for round in 1..=rounds {
                barrier.wait();
                while begun.load(Ordering::Acquire) < round {
                    table.remove_from("t", process);
                }
            }
        });
        table.remove_from("t", process);
        assert_eq!(table.members("t").len(), 0);
    }
}
