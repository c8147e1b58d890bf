//! Who drives a shard: the tracker of its slot, when one runs.

use std::{mem, sync::Arc};

use throng_runtime::{Address, Node, Pid};

use super::{
    rest::Rest,
    tracker::{Changed, Rested, Tracker},
};

/// The tracker that is to announce changes, when one runs.
#[derive(Default)]
pub(super) struct Driver {
    pub(super) tracker: Option<Pid<Tracker>>,
    /// The node of the last tracker: what is fetched is fetched in processes there.
    pub(super) node: Option<Node>,
    /// The tracker has been notified of changes, and has not begun to announce them.
    pub(super) notified: bool,
}

/// A tracker, as who wakes topics that rest.
pub(super) struct Waker {
    tracker: Pid<Tracker>,
    node: Node,
}

impl Driver {
    /// Notifies the tracker, unless it has been and has not begun; false when there is none.
    pub(super) fn notify(&mut self) -> bool {
        let Some(tracker) = self.tracker else { return false };
        if !mem::replace(&mut self.notified, true) {
            // If it ends before it gets this, its exit hook announces the changes.
            drop(tracker.cast(Changed));
        }
        true
    }

    pub(super) fn waker(&self) -> Option<Waker> {
        Some(Waker { tracker: self.tracker?, node: self.node.clone()? })
    }
}

impl Waker {
    pub(super) fn wake_after(&self, topic: Arc<str>, rest: Rest) {
        self.node.send_after(self.tracker, rest.length, Rested { topic, rest });
    }
}

/// Why a tracker did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttachError {
    #[error("presence {0:?} has a tracker already")]
    AlreadyDriven(Box<str>),
    #[error("another presence on the same topics is called {0:?}")]
    NameTaken(Box<str>),
}
