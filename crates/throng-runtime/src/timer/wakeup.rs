//! One wake-up for all deadlines of a process.

use std::time::Instant;

use super::{Fire, TimerKey};
use crate::{node::Node, pid::ProcessId, scheduler};

/// The one wake-up that a process has set for all its deadlines: the earliest of them, or earlier.
///
/// Nearly every deadline is a call's that is answered long before. So an earlier call's wake-up is left to stand for the
/// next call's, which sets none of its own: when it comes, the process looks at its deadlines and sets another for what
/// is left. It costs a process that calls all the time one idle wake-up in a time limit, instead of setting and
/// cancelling a timer for each call.
#[derive(Debug, Default)]
pub(crate) struct Wakeup {
    set: Option<(Instant, TimerKey)>,
}

impl Wakeup {
    /// Sees to it that the process is woken by `deadline`. It is the running one.
    pub(crate) fn set_by(&mut self, deadline: Instant, id: ProcessId, node: &Node) {
        // What has rung is gone. What rings after this look wakes the process again after this poll.
        if scheduler::slot(id).has_rung() {
            self.set = None;
        }
        if self.set.is_none_or(|(due, _)| due > deadline) {
            self.cancel(node);
            self.set = Some((deadline, node.timers().set(node, deadline, Fire::Ring(id))));
        }
    }

    pub(crate) fn cancel(&mut self, node: &Node) {
        if let Some((_, timer)) = self.set.take() {
            drop(node.timers().take(timer));
        }
    }
}
