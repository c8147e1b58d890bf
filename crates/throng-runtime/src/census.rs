//! How much there is of what must not leak, for soak tests.

use crate::{node::Node, pid::ProcessId, scheduler};

/// What exists at the moment; exact when nothing starts or ends meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Processes of the whole program that have not ended.
    pub processes: usize,
    /// Timers and deadlines of this node that are set.
    pub timers: usize,
}

impl Census {
    /// Counts.
    pub fn take(node: &Node) -> Self {
        Self { processes: scheduler::live(), timers: node.timers().len() }
    }
}

/// How many messages wait for a process, for tests that fill mailboxes.
pub fn queue_len(process: ProcessId) -> usize {
    scheduler::slot(process).queue_len()
}
