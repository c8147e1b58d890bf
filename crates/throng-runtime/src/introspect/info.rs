//! A look at a process from outside (P36).
//!
//! What it costs the process: its lock, for as long as it takes to copy what is attached to it, which is bounded; no message, and
//! no turn of its own. So it works for a process that is stuck as well.

use std::sync::Arc;

use super::Ancestor;
use crate::{
    control::{Control, Watcher},
    node::Node,
    pid::ProcessId,
    scheduler::{self, Slot, watchdog},
    sys::Statistics,
};

/// So many links, monitors and watchers are listed.
const LISTED: usize = 1_000;

/// What a process is, and what it is doing: a snapshot by [`Node::process_info`].
///
/// ```
/// # use throng_runtime::{Node, Supervisor, TaskSupervisor};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// let tree = node.start(Supervisor::one_for_one("tree").child(TaskSupervisor::new("mails"))).await?;
/// let info = node.process_info(tree).ok_or("gone")?;
/// assert_eq!((info.links.total, info.trap_exit, info.queue_len), (1, true, 0));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The process.
    pub id: ProcessId,
    /// The name that it is registered under on its node.
    pub name: Option<Arc<str>>,
    /// What it calls itself ([`Ctx::set_label`](crate::Ctx::set_label)); else the id that its specification gives it.
    pub label: Option<Arc<str>>,
    /// What it runs: the type name of its server, or of the code of a raw process or task.
    pub initial_call: &'static str,
    /// Who started and linked it.
    pub parent: Option<ProcessId>,
    /// Its parent, and that one's ancestors.
    pub ancestors: Vec<Ancestor>,
    /// On whose behalf it runs, if it is a task.
    pub callers: Vec<ProcessId>,
    /// Whom it is linked with.
    pub links: Listed,
    /// Whom it monitors, once for each monitor whose `Down` it has not had.
    pub monitors: Listed,
    /// Who monitors it. Whoever waits for its end without being a process is counted, and not listed.
    pub monitored_by: Listed,
    /// How many messages wait for it, those included that a raw process has looked at and left.
    pub queue_len: usize,
    /// How many messages the [bounds](crate::Bounds) of its mailbox have dropped: those that came too late
    /// ([`DropNewest`](crate::Overflow::DropNewest)), or made room for others ([`DropOldest`](crate::Overflow::DropOldest)).
    pub dropped: u64,
    /// What it is doing.
    pub status: ProcessStatus,
    /// Whether exit signals reach it as messages.
    pub trap_exit: bool,
    /// What it did, messages and busy time, since somebody [asked it to count](crate::sys::start_statistics).
    pub statistics: Option<Statistics>,
    /// Bytes that are known to be its own: its future with the server's state in it, its place in the process table, its links,
    /// monitors and what else is attached to it.
    ///
    /// Not in it: what its state and its handlers' locals keep on the heap, the futures of handlers while they run, messages that
    /// wait, its timers and names. There is no accounting of those, and so no limit either.
    pub memory: usize,
    /// The types of what is in its [dictionary](crate::dictionary).
    pub dictionary: Vec<&'static str>,
}

/// Some of them, and how many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The first thousand: a supervisor may have a million links, and must not be held up for them.
    pub first: Vec<ProcessId>,
    /// How many there are.
    pub total: usize,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessStatus {
    /// A worker runs it at this moment.
    Running,
    /// It has something to do and waits for a worker.
    Runnable,
    /// It waits: for a message, or inside of its code for something else. When what its code waited for has come, it is
    /// shown as waiting until it runs.
    Waiting,
    /// It waits to be [resumed](crate::sys::resume).
    Suspended,
    /// It has begun to end.
    Exiting,
}

/// Looks at a process of a node.
pub(crate) fn of(node: &Node, id: ProcessId) -> Option<ProcessInfo> {
    let birth = scheduler::birth(id).filter(|birth| birth.node == node.number())?;
    let call = birth.initial_call()?;
    let name = node.name_of(id);
    let slot = scheduler::slot(id);
    let mut info = ProcessInfo {
        id,
        name,
        label: None,
        initial_call: (call.name)(),
        parent: None,
        ancestors: Vec::new(),
        callers: Vec::new(),
        links: Listed::default(),
        monitors: Listed::default(),
        monitored_by: Listed::default(),
        queue_len: slot.queue_len(),
        dropped: 0,
        status: status(slot, id),
        trap_exit: false,
        statistics: None,
        memory: call.bytes + size_of::<Slot>(),
        dictionary: Vec::new(),
    };
    if let Some(control) = slot.control(id)?.existing() {
        info.add(control);
    }
    // What was read before is of this process only if it was still there afterwards.
    slot.is(id).then_some(info)
}

impl ProcessInfo {
    fn add(&mut self, control: &Control) {
        let ancestors = control.ancestors.as_deref().unwrap_or_default();
        self.parent = ancestors.first().map(|parent| parent.pid);
        self.ancestors = ancestors.to_vec();
        self.links = Listed::of(control.links.len(), control.links.iter().copied());
        self.monitors = Listed::of(control.watching.len(), control.watching.values().copied());
        let watchers = control.watchers.values().filter_map(Watcher::owner);
        self.monitored_by = Listed::of(control.watchers.len(), watchers);
        self.trap_exit = control.trap.is_some();
        self.dropped = control.dropped();
        self.memory += control.bytes();
        if let Some(system) = &control.system {
            self.statistics = system.debugging.statistics();
            if system.debugging.suspended && self.status == ProcessStatus::Waiting {
                self.status = ProcessStatus::Suspended;
            }
        }
        if let Some(about) = &control.about {
            self.label = about.label.clone();
            self.callers = about.callers.as_deref().unwrap_or_default().to_vec();
            self.dictionary = about.dictionary.keys();
        }
    }
}

impl Listed {
    fn of(total: usize, all: impl Iterator<Item = ProcessId>) -> Self {
        Self { first: all.take(LISTED).collect(), total }
    }
}

fn status(slot: &Slot, id: ProcessId) -> ProcessStatus {
    if slot.is_exiting(id) {
        ProcessStatus::Exiting
    } else if watchdog::is_running(id) {
        ProcessStatus::Running
    } else if slot.is_waiting() {
        ProcessStatus::Waiting
    } else {
        ProcessStatus::Runnable
    }
}
