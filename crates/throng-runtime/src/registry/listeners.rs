//! Who is told of registrations (N8).

use std::sync::Arc;

use parking_lot::RwLock;

use crate::{
    address::Address,
    message::{Handler, Message},
    names::is_alive,
    pid::{Pid, ProcessId},
};

/// What happened in a registry, as a message to the servers that [listen](super::Registry::listen).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryEvent<K, V> {
    /// A process was registered.
    Registered {
        /// Under this key.
        key: K,
        /// The holder.
        process: ProcessId,
        /// With this value.
        value: V,
    },
    /// A process took its registration back.
    Unregistered {
        /// Under this key.
        key: K,
        /// Who held it.
        process: ProcessId,
    },
    /// A registration ended with its process. Only for those that [listen to deaths](super::Registry::listen_to_deaths) too.
    Down {
        /// Under this key.
        key: K,
        /// Who held it.
        process: ProcessId,
    },
}

impl<K: Send + 'static, V: Send + 'static> Message for RegistryEvent<K, V> {
    type Reply = ();
}

pub(super) struct Listeners<K, V> {
    /// Replaced as a whole, so that nothing is locked while they are told.
    list: RwLock<Arc<Vec<Listener<K, V>>>>,
}

struct Listener<K, V> {
    process: ProcessId,
    hears_deaths: bool,
    tell: Arc<dyn Fn(RegistryEvent<K, V>) + Send + Sync>,
}

impl<K: Send + 'static, V: Send + 'static> Listeners<K, V> {
    pub(super) fn new() -> Self {
        Self { list: RwLock::default() }
    }

    /// Adds a listener, or changes what it hears: one that is there already is told once all the same.
    pub(super) fn add<S: Handler<RegistryEvent<K, V>>>(&self, listener: Pid<S>, hears_deaths: bool) {
        let tell = Arc::new(move |event| drop(listener.cast(event)));
        let process = listener.id();
        self.replace(process, Some(Listener { process, hears_deaths, tell }));
        // Its end, which takes it off the list, may have been a moment ago.
        if !is_alive(process) {
            self.remove(process);
        }
    }

    pub(super) fn remove(&self, process: ProcessId) {
        if self.list.read().iter().any(|known| known.process == process) {
            self.replace(process, None);
        }
    }

    /// Tells everybody whom it concerns; nothing is made when nobody listens.
    pub(super) fn tell(&self, event: impl Fn() -> RegistryEvent<K, V>) {
        if self.list.read().is_empty() {
            return;
        }
        let list = self.list.read().clone();
        for listener in list.iter() {
            let event = event();
            if listener.hears_deaths || !matches!(event, RegistryEvent::Down { .. }) {
                (listener.tell)(event);
            }
        }
    }

    fn replace(&self, process: ProcessId, by: Option<Listener<K, V>>) {
        let mut list = self.list.write();
        let others = list.iter().filter(|known| known.process != process).cloned();
        *list = Arc::new(others.chain(by).collect());
    }
}

impl<K, V> Clone for Listener<K, V> {
    fn clone(&self) -> Self {
        Self { process: self.process, hears_deaths: self.hears_deaths, tell: self.tell.clone() }
    }
}
