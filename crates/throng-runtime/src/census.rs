//! How much there is of what must not leak, for soak tests.

use crate::{node::Node, scheduler};

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
