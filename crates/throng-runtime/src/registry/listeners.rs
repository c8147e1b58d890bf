//! Who is told of registrations (N8).

use std::sync::Arc;

use parking_lot::RwLock;

use crate::{message::Message, pid::ProcessId};

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
}

impl<K: Send + 'static, V: Send + 'static> Message for RegistryEvent<K, V> {
    type Reply = ();
}

type Tell<K, V> = Arc<dyn Fn(RegistryEvent<K, V>) + Send + Sync>;

pub(super) struct Listeners<K, V> {
    list: RwLock<Vec<(ProcessId, Tell<K, V>)>>,
}

impl<K, V> Listeners<K, V> {
    pub(super) fn new() -> Self {
        Self { list: RwLock::default() }
    }

    /// Adds a listener; one that is there already is told once all the same.
    pub(super) fn add(
        &self,
        listener: ProcessId,
        tell: impl Fn(RegistryEvent<K, V>) + Send + Sync + 'static,
    ) {
        let mut list = self.list.write();
        list.retain(|(known, _)| *known != listener);
        list.push((listener, Arc::new(tell)));
    }

    pub(super) fn remove(&self, listener: ProcessId) {
        self.list.write().retain(|(known, _)| *known != listener);
    }

    /// Tells everybody. Nothing is locked meanwhile, and nothing made when nobody listens.
    pub(super) fn tell(&self, event: impl Fn() -> RegistryEvent<K, V>) {
        let list = self.list.read();
        if list.is_empty() {
            return;
        }
        let tells: Vec<_> = list.iter().map(|(_, tell)| tell.clone()).collect();
        drop(list);
        tells.iter().for_each(|tell| tell(event()));
    }
}
