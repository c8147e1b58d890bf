//! What is attached to a process and told at its end: links, monitors, exit hooks, deferred replies.
//!
//! It is made when first needed: a process that nobody links or monitors has none. Each process' own sits behind its slot's
//! lock; no two are ever locked at once, and nothing is delivered under a lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    exit::Exit,
    message::{Down, Exited, MonitorRef},
    pid::ProcessId,
    reply::Unanswered,
    scheduler::{self, Envelope, Generation},
};

/// Something to do when a process ends: after its state was dropped, before its links and monitors are told (P20, X8).
///
/// Name tables use it, so that whoever sees [`Down`] finds the name free.
pub trait OnExit: Send + Sync {
    /// Runs in the dying process; it must be short and must not block.
    fn process_exited(&self, id: ProcessId, reason: &Exit);
}

#[derive(Default)]
pub(crate) struct Control {
    pub(crate) links: BTreeSet<ProcessId>,
    /// Who monitors this process.
    pub(crate) watchers: BTreeMap<MonitorRef, Watcher>,
    /// Whom this process monitors.
    pub(crate) watching: BTreeMap<MonitorRef, ProcessId>,
    /// How an exit signal becomes a message; there when the process traps exits.
    pub(crate) trap: Option<fn(Generation, Exited) -> Envelope>,
    pub(crate) hooks: Vec<Arc<dyn OnExit>>,
    deferred: Vec<Weak<dyn Unanswered>>,
    prune_deferred_at: usize,
}

/// Who is told about an end.
pub(crate) enum Watcher {
    /// A process, by a message.
    Process { id: ProcessId, message: fn(Generation, Down) -> Envelope },
    /// A short piece of code that runs in the dying process.
    Hook(Box<dyn FnOnce(Down) + Send>),
}

impl Control {
    /// Remembers a call that its server answers later, so that the server's death can settle it.
    pub(crate) fn defer(&mut self, call: Weak<dyn Unanswered>) {
        // Pruned whenever it doubled: the cost stays constant per call, the size that of the open ones.
        if self.deferred.len() >= self.prune_deferred_at {
            self.deferred.retain(|call| call.upgrade().is_some_and(|call| call.is_open()));
            self.prune_deferred_at = (self.deferred.len() * 2).max(8);
        }
        self.deferred.push(call);
    }

    pub(crate) fn deferred(&self) -> Vec<Arc<dyn Unanswered>> {
        self.deferred.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Watcher {
    /// Tells it, and forgets the monitor on its side.
    pub(crate) fn tell(self, down: Down) {
        match self {
            Self::Process { id, message } => {
                if let Some(mut control) = scheduler::slot(id).control(id)
                    && let Some(control) = control.existing()
                {
                    control.watching.remove(&down.monitor);
                }
                drop(scheduler::deliver(id, message(id.generation(), down)));
            }
            Self::Hook(hook) => hook(down),
        }
    }

    fn owner(&self) -> Option<ProcessId> {
        match self {
            Self::Process { id, .. } => Some(*id),
            Self::Hook(_) => None,
        }
    }
}

/// Links two processes (P10 to P12). `me` is the running process.
pub(crate) fn link(me: ProcessId, peer: ProcessId) -> Result<(), NoProcess> {
    if me == peer {
        return Ok(());
    }
    add_link(me, peer);
    if add_link(peer, me) {
        return Ok(());
    }
    remove_link(me, peer);
    Err(NoProcess { pid: peer })
}

/// Takes a link away from both sides; an exit signal of it that has not arrived yet is dropped on arrival (P13).
pub(crate) fn unlink(me: ProcessId, peer: ProcessId) {
    remove_link(me, peer);
    remove_link(peer, me);
}

fn add_link(to: ProcessId, peer: ProcessId) -> bool {
    scheduler::slot(to).control(to).map(|mut control| control.get().links.insert(peer)).is_some()
}

/// Whether the link was there.
pub(crate) fn remove_link(from: ProcessId, peer: ProcessId) -> bool {
    let Some(mut control) = scheduler::slot(from).control(from) else { return false };
    control.existing().is_some_and(|control| control.links.remove(&peer))
}

/// Monitors `target`; when it is dead already the watcher is told at once (P22).
pub(crate) fn monitor(target: ProcessId, watcher: Watcher) -> MonitorRef {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let monitor = MonitorRef(NEXT.fetch_add(1, Ordering::Relaxed));
    if let Some(owner) = watcher.owner()
        && let Some(mut control) = scheduler::slot(owner).control(owner)
    {
        control.get().watching.insert(monitor, target);
    }
    let refused = match scheduler::slot(target).control(target) {
        Some(mut control) => {
            control.get().watchers.insert(monitor, watcher);
            None
        }
        None => Some(watcher),
    };
    if let Some(watcher) = refused {
        watcher.tell(Down { monitor, pid: target, reason: Exit::NoProcess });
    }
    monitor
}

/// Takes a monitor away. True when it was active: then no `Down` comes (P24).
pub(crate) fn demonitor(owner: ProcessId, monitor: MonitorRef) -> bool {
    let target = scheduler::slot(owner)
        .control(owner)
        .and_then(|mut control| control.existing().and_then(|control| control.watching.remove(&monitor)));
    target.is_some_and(|target| forget_watcher(target, monitor))
}

/// Takes a watcher away from its target. True when it was there.
pub(crate) fn forget_watcher(target: ProcessId, monitor: MonitorRef) -> bool {
    // The watcher is dropped after the lock is released: its drop may run other code.
    let watcher = scheduler::slot(target)
        .control(target)
        .and_then(|mut control| control.existing().and_then(|control| control.watchers.remove(&monitor)));
    watcher.is_some()
}

/// Adds an exit hook to a live process; the same one twice counts once. False when the process is gone.
pub(crate) fn on_exit(id: ProcessId, hook: Arc<dyn OnExit>) -> bool {
    let Some(mut control) = scheduler::slot(id).control(id) else { return false };
    let hooks = &mut control.get().hooks;
    if !hooks.iter().any(|known| Arc::ptr_eq(known, &hook)) {
        hooks.push(hook);
    }
    true
}

/// There is no such process (any more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no process {pid}")]
pub struct NoProcess {
    /// Whom the request was for.
    pub pid: ProcessId,
}
