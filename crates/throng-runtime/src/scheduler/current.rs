//! Which process this thread is running at the moment.

use std::{cell::RefCell, task::Waker, time::Instant};

use crate::{node::Node, pid::ProcessId, timer::Wakeup};

/// A running process, as code that it calls can see it.
#[derive(Debug)]
pub(crate) struct Current {
    id: ProcessId,
    node: Node,
    /// The address of what its own waker wakes.
    polled_by: usize,
    wakeup: Wakeup,
}

impl Current {
    pub(crate) fn new(id: ProcessId, node: Node) -> Self {
        Self { id, node, polled_by: 0, wakeup: Wakeup::default() }
    }

    /// From now on this waker runs the process.
    pub(crate) fn polled_by(&mut self, waker: &Waker) {
        super::slot(self.id).waker.register(waker);
        // Written only when it changed: a write just before the value moves would hold up the move.
        let by = waker.data().addr();
        if self.polled_by != by {
            self.polled_by = by;
        }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        self.wakeup.cancel(&self.node);
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Runs `poll` as this process. The value changes places with what the thread had, and back, so that a poll costs no reference
/// count.
pub(crate) fn enter<R>(process: &mut Option<Current>, poll: impl FnOnce() -> R) -> R {
    struct Leave<'a>(&'a mut Option<Current>);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(|current| std::mem::swap(current, self.0));
        }
    }
    CURRENT.with_borrow_mut(|current| std::mem::swap(current, process));
    let _leave = Leave(process);
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

/// Whether this waker is the running process' own, and not that of a future which only polls what woke it.
pub(crate) fn is_polled_by(waker: &Waker) -> bool {
    let by = |current: &RefCell<Option<Current>>| {
        current.borrow().as_ref().is_some_and(|current| current.polled_by == waker.data().addr())
    };
    CURRENT.try_with(by).unwrap_or(false)
}

/// Sees to it that the process that is running is woken by `deadline`. False when none is, or when it would not help: the
/// waker is not the process' own but that of a future which only polls what woke it.
pub(crate) fn wake_by(deadline: Instant, waker: &Waker) -> bool {
    let seen = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        let Some(current) = current.as_mut().filter(|current| current.polled_by == waker.data().addr())
        else {
            return false;
        };
        current.wakeup.set_by(deadline, current.id, &current.node);
        true
    });
    seen.unwrap_or(false)
}
