//! What is attached to a process and told at its end: links, monitors, exit hooks, deferred replies, timers.
//!
//! It is made when first needed: a process that nobody links or monitors has none. Each process' own sits behind its slot's
//! lock. A link is on both sides or on neither, so its two are locked together, in the table's order; nothing is
//! delivered under a lock.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    call::Unanswered,
    exit::Exit,
    few::Few,
    introspect::{About, Ancestor},
    message::{Down, Exited, MonitorRef},
    pid::ProcessId,
    post::Room,
    scheduler::{self, Envelope, Generation},
    sys::System,
    timer::TimerRef,
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
    /// Who started and linked this process (G17).
    pub(crate) parent: Option<ProcessId>,
    /// Who monitors this process.
    pub(crate) watchers: Few<MonitorRef, Watcher>,
    /// Whom this process monitors, until it handles the `Down`.
    pub(crate) watching: Few<MonitorRef, ProcessId>,
    /// How an exit signal becomes a message; there when the process traps exits.
    pub(crate) trap: Option<fn(Generation, Exited) -> Envelope>,
    /// Linked processes whose exits were trapped, until it handles the `Exited`.
    exited: BTreeSet<ProcessId>,
    pub(crate) hooks: Vec<Arc<dyn OnExit>>,
    deferred: WhileOpen<Weak<dyn Unanswered>>,
    timers: WhileOpen<TimerRef>,
    /// Who started and linked it, who that one, and so on.
    pub(crate) ancestors: Option<Arc<[Ancestor]>>,
    pub(crate) about: Option<Box<About>>,
    /// The messages of a mailbox that is bounded.
    pub(crate) room: Option<Box<Room>>,
    /// System requests that wait, and the debugging that earlier ones asked for.
    pub(crate) system: Option<Box<System>>,
    pub(crate) hibernate_after: Option<Duration>,
}

/// Who is told about an end.
pub(crate) enum Watcher {
    /// A process, by a message.
    Process { id: ProcessId, message: fn(Generation, Down) -> Envelope },
    /// A short piece of code that runs in the dying process, for this one if for any.
    Hook { owner: Option<ProcessId>, hook: Box<dyn FnOnce(Down) + Send> },
}

impl Control {
    /// Remembers a call that its server answers later, so that the server's death can settle it.
    pub(crate) fn defer(&mut self, call: Weak<dyn Unanswered>) {
        self.deferred.push(call, |call| call.upgrade().is_some_and(|call| call.is_open()));
    }

    pub(crate) fn deferred(&self) -> Vec<Arc<dyn Unanswered>> {
        self.deferred.items.iter().filter_map(Weak::upgrade).collect()
    }

    /// How many messages a bounded mailbox has dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.room.as_ref().map_or(0, |room| room.dropped())
    }

    pub(crate) fn about(&mut self) -> &mut About {
        self.about.get_or_insert_default()
    }

    /// The bytes of all this, about: a tree's node is counted as half full.
    pub(crate) fn bytes(&self) -> usize {
        let ids = self.links.len() + self.exited.len() + self.watching.len();
        size_of::<Self>()
            + self.about.as_ref().map_or(0, |about| size_of_val(&**about))
            + 2 * ids * size_of::<(MonitorRef, ProcessId)>()
            + 2 * self.watchers.len() * size_of::<(MonitorRef, Watcher)>()
            + self.timers.items.capacity() * size_of::<TimerRef>()
            + self.hooks.capacity() * size_of::<Arc<dyn OnExit>>()
    }

    pub(crate) fn take_timers(&mut self) -> Vec<TimerRef> {
        std::mem::take(&mut self.timers.items)
    }
}

/// Things that close by themselves, kept for about as long as they are open.
struct WhileOpen<T> {
    items: Vec<T>,
    prune_at: usize,
}

impl<T> WhileOpen<T> {
    /// Prunes whenever it doubled: the cost stays constant per item, the size that of the open ones.
    fn push(&mut self, item: T, is_open: impl Fn(&T) -> bool) {
        if self.items.len() >= self.prune_at {
            self.items.retain(is_open);
            self.prune_at = (self.items.len() * 2).max(8);
        }
        self.items.push(item);
    }
}

impl<T> Default for WhileOpen<T> {
    fn default() -> Self {
        Self { items: Vec::new(), prune_at: 0 }
    }
}

impl Watcher {
    /// Tells it. A process forgets the monitor when it handles the message, the owner of a hook now.
    pub(crate) fn tell(self, down: Down) {
        match self {
            Self::Process { id, message } => drop(scheduler::deliver(id, message(id.generation(), down))),
            Self::Hook { owner, hook } => {
                if let Some(owner) = owner {
                    redeem_down(owner, down.monitor);
                }
                hook(down);
            }
        }
    }

    /// The process that is told, if it is one.
    pub(crate) fn owner(&self) -> Option<ProcessId> {
        match self {
            Self::Process { id, .. } => Some(*id),
            Self::Hook { owner, .. } => *owner,
        }
    }
}

/// Links two processes (P10 to P12). `me` is the running process.
pub(crate) fn link(me: ProcessId, peer: ProcessId) -> Result<(), NoProcess> {
    if me == peer {
        return Ok(());
    }
    let Some((mut mine, mut theirs)) = scheduler::both(me, peer) else {
        return Err(NoProcess { pid: peer });
    };
    mine.get().links.insert(peer);
    theirs.get().links.insert(me);
    Ok(())
}

/// Links a process that is being started with the one that starts it.
pub(crate) fn adopt(child: ProcessId, parent: ProcessId) -> Result<(), NoProcess> {
    link(child, parent)?;
    if let Some(mut control) = scheduler::slot(child).control(child) {
        control.get().parent = Some(parent);
    }
    Ok(())
}

/// Takes a link away from both sides; an exit signal of it that has not arrived yet is dropped on arrival (P13).
pub(crate) fn unlink(me: ProcessId, peer: ProcessId) {
    match scheduler::both(me, peer) {
        Some((mut mine, mut theirs)) => {
            mine.existing().map(|control| control.links.remove(&peer));
            theirs.existing().map(|control| control.links.remove(&me));
        }
        // One of them is gone, and its links with it.
        None => {
            remove_link(me, peer);
            remove_link(peer, me);
        }
    }
}

/// As [`unlink`]; an exit of the link that was trapped and not handled yet is taken back too (P13).
pub(crate) fn unlink_flush(me: ProcessId, peer: ProcessId) {
    unlink(me, peer);
    redeem_exited(me, peer);
}

/// Whether exit signals become messages of the process (P14).
pub(crate) fn is_trapping(id: ProcessId) -> bool {
    let Some(mut control) = scheduler::slot(id).control(id) else { return false };
    control.existing().is_some_and(|control| control.trap.is_some())
}

/// An exit that came over a link is about to wait in the process' queue.
pub(crate) fn note_exited(id: ProcessId, peer: ProcessId) {
    if let Some(mut control) = scheduler::slot(id).control(id) {
        control.get().exited.insert(peer);
    }
}

/// Whether a trapped exit is still wanted. A process ends once, so there is one at most.
pub(crate) fn redeem_exited(id: ProcessId, peer: ProcessId) -> bool {
    let Some(mut control) = scheduler::slot(id).control(id) else { return false };
    control.existing().is_some_and(|control| control.exited.remove(&peer))
}

/// Whether the link was there.
pub(crate) fn remove_link(from: ProcessId, peer: ProcessId) -> bool {
    let Some(mut control) = scheduler::slot(from).control(from) else { return false };
    control.existing().is_some_and(|control| control.links.remove(&peer))
}

/// The number of a new monitor or alias: none is given out twice.
pub(crate) fn next_reference() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Monitors `target`; when it is dead already the watcher is told at once (P22).
pub(crate) fn monitor(target: ProcessId, watcher: Watcher) -> MonitorRef {
    let monitor = MonitorRef(next_reference());
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

/// Takes a monitor away. True when it was active: then no `Down` comes; else one that was sent stays (P24).
pub(crate) fn demonitor(owner: ProcessId, monitor: MonitorRef) -> bool {
    let target = scheduler::slot(owner).control(owner).and_then(|mut control| {
        control.existing().and_then(|control| control.watching.get(&monitor).copied())
    });
    let was_active = target.is_some_and(|target| forget_watcher(target, monitor));
    if was_active {
        redeem_down(owner, monitor);
    }
    was_active
}

/// As [`demonitor`]; a `Down` that was sent and not handled yet is taken back too.
pub(crate) fn demonitor_flush(owner: ProcessId, monitor: MonitorRef) -> bool {
    let target = take_watching(owner, monitor);
    target.is_some_and(|target| forget_watcher(target, monitor))
}

/// Whether a `Down` is still wanted.
pub(crate) fn redeem_down(owner: ProcessId, monitor: MonitorRef) -> bool {
    take_watching(owner, monitor).is_some()
}

fn take_watching(owner: ProcessId, monitor: MonitorRef) -> Option<ProcessId> {
    let mut control = scheduler::slot(owner).control(owner)?;
    control.existing()?.watching.remove(&monitor)
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

/// A message was set to be sent to the process later. False when the process is gone.
pub(crate) fn expect_timer(id: ProcessId, timer: TimerRef) -> bool {
    let Some(mut control) = scheduler::slot(id).control(id) else { return false };
    control.get().timers.push(timer, TimerRef::is_set);
    true
}

/// There is no such process (any more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no process {pid}")]
pub struct NoProcess {
    /// Whom the request was for.
    pub pid: ProcessId,
}
