//! Who is in a tree on Throng: every process is known by its name and how often it was started, and watched to its end.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use throng_runtime::{DynamicSupervisor, GenServer, Naming, Node, Pid, ProcessId, Supervisor};

use super::worker::Worker;
use crate::{journal::Journal, reason::reason};

#[derive(Clone)]
pub(super) struct World {
    pub(super) node: Node,
    pub(super) journal: Journal,
    people: Arc<Mutex<People>>,
}

#[derive(Default)]
struct People {
    /// How often each name was started.
    starts: HashMap<String, usize>,
    /// Whoever was started last under each name.
    last: HashMap<String, Entry>,
    /// Everybody that ever was, as `name#nth`.
    badges: HashMap<ProcessId, String>,
    /// Those whose end has not been noted.
    alive: HashMap<ProcessId, Entry>,
}

/// A process, typed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    Worker(Pid<Worker>),
    Supervisor(Pid<Supervisor>),
    Dynamic(Pid<DynamicSupervisor>),
}

impl Entry {
    pub(super) fn id(self) -> ProcessId {
        match self {
            Self::Worker(pid) => pid.id(),
            Self::Supervisor(pid) => pid.id(),
            Self::Dynamic(pid) => pid.id(),
        }
    }
}

impl World {
    pub(super) fn new(journal: Journal) -> Self {
        Self { node: Node::new("differential"), journal, people: Arc::default() }
    }

    /// A process says who it is, before it does anything else: the how-manieth of its name.
    pub(super) fn enter(&self, name: &str, entry: Entry) -> usize {
        let mut people = self.people();
        let starts = people.starts.entry(name.to_owned()).or_default();
        *starts += 1;
        let (nth, id) = (*starts, entry.id());
        let badge = format!("{name}#{nth}");
        people.last.insert(name.to_owned(), entry);
        people.badges.insert(id, badge.clone());
        people.alive.insert(id, entry);
        drop(people);
        // The monitor is set here, and the process is alive.
        let (world, gone) = (self.clone(), self.node.wait(id));
        tokio::spawn(async move {
            let exit = gone.await;
            world.journal.note(format_args!("{badge} down {}", reason(&exit)));
            world.people().alive.remove(&id);
        });
        nth
    }

    /// Who runs under a name, if somebody does.
    pub(super) fn living(&self, name: &str) -> Option<Entry> {
        let people = self.people();
        let last = people.last.get(name)?;
        people.alive.contains_key(&last.id()).then_some(*last)
    }

    pub(super) fn last(&self, name: &str) -> Option<Entry> {
        self.people().last.get(name).copied()
    }

    pub(super) fn entry(&self, id: ProcessId) -> Option<Entry> {
        self.people().alive.get(&id).copied()
    }

    pub(super) fn badge(&self, id: ProcessId) -> String {
        self.people().badges.get(&id).cloned().unwrap_or_else(|| "a stranger".to_owned())
    }

    /// Everybody whose end has not been noted, sorted.
    pub(super) fn alive(&self) -> Vec<ProcessId> {
        let mut alive: Vec<ProcessId> = self.people().alive.keys().copied().collect();
        alive.sort();
        alive
    }

    /// Waits until the end of a process has been noted.
    pub(super) async fn await_gone(&self, id: ProcessId) {
        while self.people().alive.contains_key(&id) {
            tokio::task::yield_now().await;
        }
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A supervisor runs no code of ours when it starts; but it claims its name, and that is here.
pub(super) struct Door<S> {
    pub(super) world: World,
    pub(super) name: String,
    pub(super) entry: fn(Pid<S>) -> Entry,
}

impl<S: GenServer> Naming<S> for Door<S> {
    fn whereis(&self) -> Option<Pid<S>> {
        None
    }

    fn claim(&self, pid: Pid<S>) -> Result<(), ProcessId> {
        let nth = self.world.enter(&self.name, (self.entry)(pid));
        self.world.journal.note(format_args!("{}#{nth} begins", self.name));
        Ok(())
    }

    fn describe(&self) -> String {
        self.name.clone()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}
