//! What is known about a process besides what it does: its label, its ancestors, on whose behalf it runs.
//!
//! ```text
//!   ancestors   who started it, who started that one, …          a supervision tree, upwards
//!   callers     the process that a task works for, its caller, …  a request, backwards
//! ```
//!
//! All of it hangs from the process' [`Control`], which is made when first needed. The list of ancestors is shared by all children
//! of one parent. Both lists end after 32 processes, so that a chain of processes that start one another does not grow.

use std::{fmt, iter, sync::Arc};

use crate::{
    control::Control,
    ctx::Ctx,
    dictionary::Dictionary,
    node::Node,
    pid::ProcessId,
    scheduler::{self, current},
};

/// So many ancestors and callers are kept, the nearest ones.
const KEPT: usize = 32;

/// A process that another descends from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ancestor {
    /// Its identity; it may be gone.
    pub pid: ProcessId,
    /// The name that it had on its node, if it had one.
    pub name: Option<Arc<str>>,
    /// What it called itself when it started the first of its descendants.
    pub label: Option<Arc<str>>,
}

/// By its name, else by its id, as OTP lists them; the latter with its label, if it has one.
impl fmt::Display for Ancestor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.label) {
            (Some(name), _) => f.write_str(name),
            (None, Some(label)) => write!(f, "{} {label:?}", self.pid),
            (None, None) => fmt::Display::fmt(&self.pid, f),
        }
    }
}

/// What few processes have, made when first needed.
#[derive(Default)]
pub(crate) struct About {
    pub(crate) label: Option<Arc<str>>,
    pub(crate) callers: Option<Arc<[ProcessId]>>,
    pub(crate) dictionary: Dictionary,
    /// The ancestors of its children: itself, and its own.
    line: Option<Arc<[Ancestor]>>,
}

/// Notes that `parent`, on `node`, started `child`.
pub(crate) fn descend(node: &Node, child: ProcessId, parent: ProcessId) {
    let Some(line) = line(node, parent) else { return };
    if let Some(mut control) = scheduler::slot(child).control(child) {
        control.get().ancestors = Some(line);
    }
}

/// The ancestors of a process' children.
fn line(node: &Node, id: ProcessId) -> Option<Arc<[Ancestor]>> {
    let slot = scheduler::slot(id);
    let known = slot.control(id)?.existing().and_then(|control| control.about.as_ref()?.line.clone());
    if known.is_some() {
        return known;
    }
    let me = Ancestor { pid: id, name: node.name_of(id), label: label(id) };
    let mut control = slot.control(id)?;
    let control = control.get();
    let own = control.ancestors.iter().flat_map(|line| line.iter().cloned());
    let line: Arc<[Ancestor]> = iter::once(me).chain(own).take(KEPT).collect();
    control.about().line = Some(line.clone());
    Some(line)
}

/// Notes that the process `id`, which has not run yet, works on behalf of `caller`.
pub(crate) fn work_for(id: ProcessId, caller: ProcessId) {
    let before = look(caller, |control| control.about.as_ref()?.callers.clone()).unwrap_or_default();
    let callers = iter::once(caller).chain(before.iter().copied()).take(KEPT).collect();
    if let Some(mut control) = scheduler::slot(id).control(id) {
        control.get().about().callers = Some(callers);
    }
}

/// Who started and linked a process.
pub(crate) fn parent(id: ProcessId) -> Option<ProcessId> {
    look(id, |control| Some(control.ancestors.as_ref()?.first()?.pid))
}

/// Who started a task.
pub(crate) fn caller(id: ProcessId) -> Option<ProcessId> {
    look(id, |control| control.about.as_ref()?.callers.as_ref()?.first().copied())
}

/// How many messages the bounds of its mailbox have dropped.
pub(crate) fn dropped(id: ProcessId) -> u64 {
    look(id, |control| Some(control.dropped())).unwrap_or_default()
}

/// What a process calls itself.
pub(crate) fn label(id: ProcessId) -> Option<Arc<str>> {
    look(id, |control| control.about.as_ref()?.label.clone())
}

/// Gives a process another label.
pub(crate) fn set_label(id: ProcessId, label: Arc<str>) {
    // What was there is dropped without the lock.
    let before =
        scheduler::slot(id).control(id).and_then(|mut control| control.get().about().label.replace(label));
    drop(before);
}

/// A short look at what is attached to a process, under its lock.
fn look<R>(id: ProcessId, look: impl FnOnce(&Control) -> Option<R>) -> Option<R> {
    look(scheduler::slot(id).control(id)?.existing()?)
}

impl<S> Ctx<S> {
    /// Gives this process a label: words by which observers and crash reports call it. It is no name, and need not be unique
    /// (P35).
    pub fn set_label(&self, label: impl Into<Arc<str>>) {
        set_label(self.id(), label.into());
    }

    /// The label of this process, if it has one.
    pub fn label(&self) -> Option<Arc<str>> {
        label(self.id())
    }

    /// Who started this process, who started that one, and so on: its parent first (P35). The nearest 32 are kept.
    ///
    /// They are those that started and linked the next one; a process that nothing is linked to at its start has none.
    pub fn ancestors(&self) -> Vec<Ancestor> {
        look(self.id(), |control| Some(control.ancestors.as_ref()?.to_vec())).unwrap_or_default()
    }

    /// On whose behalf this task runs: the process that started it, and that one's callers if it is a task itself, the newest
    /// first (P35). Empty in a process that is no task. The nearest 32 are kept.
    pub fn callers(&self) -> Vec<ProcessId> {
        callers_of(self.id())
    }
}

/// On whose behalf the running process works, the newest first; empty outside of a task (P35).
///
/// The body of a [`Task`](crate::Task) has no context to ask.
///
/// ```
/// # use throng_runtime::{Node, callers};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = Node::new("example");
/// let outer = node.spawn({
///     let node = node.clone();
///     async move |ctx| {
///         let seen = node.task(async { callers() }).await?;
///         assert_eq!(seen, [ctx.id()]);
///         Ok::<(), throng_runtime::Exit>(())
///     }
/// });
/// assert!(node.wait(outer).await.is_clean());
/// # }
/// ```
pub fn callers() -> Vec<ProcessId> {
    current::id().map(callers_of).unwrap_or_default()
}

fn callers_of(id: ProcessId) -> Vec<ProcessId> {
    look(id, |control| Some(control.about.as_ref()?.callers.as_ref()?.to_vec())).unwrap_or_default()
}
