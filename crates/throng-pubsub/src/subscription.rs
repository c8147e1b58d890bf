//! Subscriptions: how a topic's broadcasts get to a process, and for how long.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use throng_runtime::ProcessId;

use crate::{broadcast::Broadcast, table::Table};

/// How a broadcast gets to a subscriber. It runs in the broadcaster.
pub(crate) type Delivery = Box<dyn Fn(&Broadcast) + Send + Sync>;

/// One subscription as its topic keeps it.
pub(crate) struct Subscriber {
    pub(crate) topic: Arc<str>,
    pub(crate) process: ProcessId,
    /// Tells apart the subscriptions of one process to one topic.
    pub(crate) id: u64,
    /// Where it stands among its topic's members; only changed under the lock of the topic.
    pub(crate) place: AtomicUsize,
    ended: AtomicBool,
    /// It was delivered a presence diff.
    heard_diff: AtomicBool,
    deliver: Delivery,
}

impl Subscriber {
    pub(crate) fn new(topic: Arc<str>, process: ProcessId, id: u64, deliver: Delivery) -> Self {
        Self {
            topic,
            process,
            id,
            place: AtomicUsize::new(usize::MAX),
            ended: AtomicBool::new(false),
            heard_diff: AtomicBool::new(false),
            deliver,
        }
    }

    /// Hands a broadcast over. A delivery that panics harms neither the broadcaster nor the other subscribers.
    pub(crate) fn deliver(&self, broadcast: &Broadcast) {
        if self.has_ended() {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| (self.deliver)(broadcast))).is_err() {
            tracing::error!(topic = %self.topic, process = %self.process, "a delivery panicked; the broadcast is lost to it");
        }
    }

    /// It is about to be delivered a presence diff.
    pub(crate) fn hear_diff(&self) {
        self.heard_diff.store(true, Ordering::Relaxed);
    }

    pub(crate) fn heard_diff(&self) -> bool {
        self.heard_diff.load(Ordering::Relaxed)
    }

    /// No delivery begins from now on.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("topic", &self.topic)
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

/// A subscription with a delivery of its own: it lasts until it is dropped or its process ends.
///
/// Once it has ended no delivery begins; one that runs in a broadcaster at that very time goes on to its end.
#[must_use = "a subscription ends when it is dropped"]
pub struct Subscription {
    table: Arc<Table>,
    subscriber: Arc<Subscriber>,
}

impl Subscription {
    pub(crate) fn new(table: Arc<Table>, subscriber: Arc<Subscriber>) -> Self {
        Self { table, subscriber }
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.subscriber.topic
    }

    pub(crate) fn subscriber(&self) -> &Arc<Subscriber> {
        &self.subscriber
    }

    /// Ends it before it is dropped; again, to no effect.
    pub fn end(&self) {
        self.table.remove(&self.subscriber);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("topic", &self.topic()).finish_non_exhaustive()
    }
}
