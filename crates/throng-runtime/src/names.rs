//! A node's own names: one process per name, one name per process (P31).

use std::{
    any::TypeId,
    collections::HashMap,
    fmt,
    sync::{Arc, Weak},
};

use parking_lot::RwLock;

use crate::{
    address::{Name, Naming, Via},
    control::{self, OnExit},
    gen_server::GenServer,
    node::{Node, Shared},
    pid::{Pid, ProcessId},
    scheduler,
};

#[derive(Default)]
pub(crate) struct Names {
    held: RwLock<Held>,
}

#[derive(Default)]
struct Held {
    by_name: HashMap<&'static str, Holder>,
    by_process: HashMap<ProcessId, &'static str>,
}

#[derive(Clone, Copy)]
struct Holder {
    id: ProcessId,
    server: TypeId,
}

impl Names {
    /// Who holds the name, if it is alive and runs `S`.
    pub(crate) fn whereis<S: GenServer>(&self, name: Name<S>) -> Option<Pid<S>> {
        let holder = *self.held.read().by_name.get(name.as_str())?;
        (holder.server == TypeId::of::<S>() && is_alive(holder.id)).then(|| Pid::of(holder.id))
    }

    /// The name that a process holds.
    pub(crate) fn name_of(&self, id: ProcessId) -> Option<Arc<str>> {
        self.held.read().by_process.get(&id).map(|&name| name.into())
    }

    fn claim<S: GenServer>(self: &Arc<Self>, name: Name<S>, pid: Pid<S>) -> Result<(), ProcessId> {
        let id = pid.id();
        let mut held = self.held.write();
        if let Some(holder) = held.by_name.get(name.as_str()) {
            return Err(holder.id);
        }
        if held.by_process.contains_key(&id) {
            return Err(id);
        }
        held.by_name.insert(name.as_str(), Holder { id, server: TypeId::of::<S>() });
        held.by_process.insert(id, name.as_str());
        drop(held);
        control::on_exit(id, self.clone());
        Ok(())
    }
}

impl OnExit for Names {
    fn process_exited(&self, id: ProcessId, _: &crate::Exit) {
        let mut held = self.held.write();
        if let Some(name) = held.by_process.remove(&id) {
            held.by_name.remove(name);
        }
    }
}

/// Whether a process is alive: not, as soon as it has begun to exit (P32).
pub(crate) fn is_alive(id: ProcessId) -> bool {
    scheduler::slot(id).is_alive(id)
}

/// A name of a node, as an address.
pub(crate) fn via<S: GenServer>(node: &Node, name: Name<S>) -> Via<S> {
    Via::new(OnNode { node: node.downgrade(), name })
}

struct OnNode<S> {
    node: Weak<Shared>,
    name: Name<S>,
}

impl<S: GenServer> Naming<S> for OnNode<S> {
    fn whereis(&self) -> Option<Pid<S>> {
        self.node.upgrade()?.names().whereis(self.name)
    }

    fn claim(&self, pid: Pid<S>) -> Result<(), ProcessId> {
        self.node.upgrade().map_or(Ok(()), |node| node.names().claim(self.name, pid))
    }

    fn describe(&self) -> String {
        self.name.as_str().to_owned()
    }
}

impl<S> fmt::Debug for OnNode<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}
