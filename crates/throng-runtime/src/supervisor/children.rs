//! A supervisor's children in the order of their start, and how each of them is: pure.

use std::ops::{Index, IndexMut, Range};

use super::retry::{Pending, Ticket};
use crate::{
    child::{Child, ChildKind, Restart},
    names::is_alive,
    pid::ProcessId,
};

#[derive(Debug, Default)]
pub(crate) struct Children {
    list: Vec<Place>,
}

/// A child's place in its supervisor.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) child: Child,
    pub(crate) status: ChildStatus,
    /// How often its start has failed since it last succeeded.
    pub(crate) failures: u32,
    /// The attempt that it waits for while it is being restarted.
    pub(crate) pending: Option<Pending>,
}

/// How a child is, as its supervisor knows it. A process that runs may be dead by the time this is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildStatus {
    /// This process runs it.
    Running(ProcessId),
    /// Its restart failed and is tried again.
    Restarting,
    /// It does not run: it ended and was not restarted, it was stopped, or it had nothing to do.
    Stopped,
}

/// A child of a supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its id; children of a dynamic supervisor have none of their own, only that of their specification.
    pub id: String,
    /// How it is.
    pub status: ChildStatus,
    /// What it is.
    pub kind: ChildKind,
}

impl ChildInfo {
    pub(super) fn of(child: &Child, status: ChildStatus) -> Self {
        Self { id: child.id.clone().into_owned(), status, kind: child.kind }
    }
}

/// How many children a supervisor has (S31).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildCount {
    /// All of them, running or not.
    pub specs: usize,
    /// Those whose process runs.
    pub active: usize,
    /// Those that are supervisors, running or not.
    pub supervisors: usize,
    /// Those that are not.
    pub workers: usize,
}

impl<'a> FromIterator<(&'a Child, ChildStatus)> for ChildCount {
    fn from_iter<I: IntoIterator<Item = (&'a Child, ChildStatus)>>(children: I) -> Self {
        let mut count = Self::default();
        for (child, status) in children {
            count.specs += 1;
            count.active += usize::from(matches!(status, ChildStatus::Running(pid) if is_alive(pid)));
            match child.kind {
                ChildKind::Supervisor => count.supervisors += 1,
                ChildKind::Worker => count.workers += 1,
            }
        }
        count
    }
}

impl Place {
    fn new(child: Child, status: ChildStatus) -> Self {
        Self { child, status, failures: 0, pending: None }
    }

    /// Whether it runs or is about to: what all significant children have to be done with (S33).
    pub(crate) fn is_up(&self) -> bool {
        self.status != ChildStatus::Stopped
    }
}

impl Children {
    /// All of them, none running.
    pub(crate) fn new(children: Vec<Child>) -> Self {
        let stopped = |child| Place::new(child, ChildStatus::Stopped);
        Self { list: children.into_iter().map(stopped).collect() }
    }

    /// Adds one at the end of the order.
    pub(crate) fn push(&mut self, child: Child, status: ChildStatus) {
        self.list.push(Place::new(child, status));
    }

    pub(crate) fn remove(&mut self, at: usize) -> Place {
        self.list.remove(at)
    }

    /// Forgets the temporary children of a group that restarts (S13); what is left of the group.
    pub(crate) fn forget_temporary(&mut self, group: Range<usize>) -> Range<usize> {
        let before = self.list.len();
        let mut at = 0;
        self.list.retain(|place| {
            let in_group = group.contains(&at);
            at += 1;
            !(in_group && place.child.restart == Restart::Temporary)
        });
        group.start..group.end - (before - self.list.len())
    }

    /// Where the child with this id is.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.list.iter().position(|place| place.child.id == id)
    }

    /// Where the child that this process runs is.
    pub(crate) fn running(&self, pid: ProcessId) -> Option<usize> {
        self.list.iter().position(|place| place.status == ChildStatus::Running(pid))
    }

    /// Where the child is that waits for this attempt; none that was stopped, forgotten or started meanwhile (S22).
    pub(super) fn awaiting(&self, id: &str, ticket: Ticket) -> Option<usize> {
        self.find(id)
            .filter(|at| self.list[*at].pending.as_ref().is_some_and(|pending| pending.is_for(ticket)))
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Place> {
        self.list.iter()
    }
}

impl Index<usize> for Children {
    type Output = Place;

    fn index(&self, at: usize) -> &Place {
        &self.list[at]
    }
}

impl IndexMut<usize> for Children {
    fn index_mut(&mut self, at: usize) -> &mut Place {
        &mut self.list[at]
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{child::Shutdown, error::StartError};

    fn child(id: &'static str, restart: Restart) -> Child {
        Child {
            id: id.into(),
            restart,
            shutdown: Shutdown::After(Duration::from_secs(5)),
            kind: ChildKind::Worker,
            is_significant: false,
            backoff: None,
            start: Arc::new(|_, _| Box::pin(async { Err(StartError::Ignored) })),
        }
    }

    #[test]
    fn s13_a_group_restart_forgets_its_temporary_children_only() {
        use Restart::{Permanent, Temporary};
        let all = [("a", Temporary), ("b", Permanent), ("c", Temporary), ("d", Permanent)];
        for (group, left, ids) in [(0..4, 0..2, vec!["b", "d"]), (1..4, 1..3, vec!["a", "b", "d"])] {
            let mut children = Children::new(all.iter().map(|(id, restart)| child(id, *restart)).collect());
            assert_eq!(children.forget_temporary(group), left);
            assert_eq!(children.iter().map(|place| &place.child.id).collect::<Vec<_>>(), ids);
        }
    }
}
