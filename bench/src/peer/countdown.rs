//! Waiting until many have done their part, in the same cheap way for every peer.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// Counts from a number down to nothing; clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Countdown {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    left: AtomicU64,
    done: Notify,
}

impl Countdown {
    pub(crate) fn from(count: u64) -> Countdown {
        Countdown { shared: Arc::new(Shared { left: AtomicU64::new(count), done: Notify::new() }) }
    }

    /// One part is done.
    pub(crate) fn count(&self) {
        if self.shared.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.done.notify_one();
        }
    }

    /// Waits until all parts are done; for one waiter.
    pub(crate) async fn wait(&self) {
        self.shared.done.notified().await;
    }
}
