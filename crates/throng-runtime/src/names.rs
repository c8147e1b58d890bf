//! A node's own names: one process per name, one name per process (P31).
//!
//! They are kept in a [`Registry`]. That a process has one name at most is the child specification's doing, which holds one.

use crate::{
    address::{Name, Naming, Via},
    gen_server::GenServer,
    pid::{Pid, ProcessId},
    registry::Registry,
    scheduler,
};

pub(crate) type Names = Registry<&'static str>;

/// Whether a process is alive: not, as soon as it has begun to exit (P32).
pub(crate) fn is_alive(id: ProcessId) -> bool {
    scheduler::slot(id).is_alive(id)
}

/// A name of a node, as an address.
pub(crate) fn via<S: GenServer>(names: &Names, name: Name<S>) -> Via<S> {
    Via::new(OnNode { names: names.clone(), name })
}

struct OnNode<S> {
    names: Names,
    name: Name<S>,
}

impl<S: GenServer> Naming<S> for OnNode<S> {
    fn whereis(&self) -> Option<Pid<S>> {
        self.names.whereis(&self.name.as_str())
    }

    fn claim(&self, pid: Pid<S>) -> Result<(), ProcessId> {
        self.names.claim::<S>(pid.id(), &self.name.as_str(), ())
    }

    fn describe(&self) -> String {
        self.name.as_str().to_owned()
    }
}
