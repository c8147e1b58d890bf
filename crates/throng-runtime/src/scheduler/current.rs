//! Which process this thread is running at the moment.

use std::cell::RefCell;

use crate::{node::Node, pid::ProcessId};

/// A running process, as code that it calls can see it.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) id: ProcessId,
    pub(crate) node: Node,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Runs `poll` as this process. The value moves into the thread and back, so that a poll costs no reference count.
pub(crate) fn enter<R>(process: &mut Option<Current>, poll: impl FnOnce() -> R) -> R {
    struct Leave<'a> {
        process: &'a mut Option<Current>,
        outer: Option<Current>,
    }
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            *self.process = CURRENT.replace(self.outer.take());
        }
    }
    let outer = CURRENT.replace(process.take());
    let _leave = Leave { process, outer };
    poll()
}

/// The process that is running, if any.
pub(crate) fn id() -> Option<ProcessId> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(|current| current.id)).ok().flatten()
}

/// Lends the node of the process that is running, if any. `f` must not run user code.
pub(crate) fn with_node<R>(f: impl FnOnce(&Node) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(|current| f(&current.node))).ok().flatten()
}
