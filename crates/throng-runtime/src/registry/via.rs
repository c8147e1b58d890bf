//! A key of a registry as an address (N9).

use std::fmt;

use super::{Registry, RegistryKey};
use crate::{
    address::{Naming, Via},
    gen_server::GenServer,
    pid::{Pid, ProcessId},
};

impl<K, V> Registry<K, V>
where
    K: RegistryKey + fmt::Debug,
    V: Clone + Default + Send + Sync + 'static,
{
    /// A key as an address: whoever holds it at the time of each use, if it runs `S` (N9). As the name of a child
    /// ([`ChildSpec::via`](crate::ChildSpec::via)) it is registered before `init` runs, with the value's default, which
    /// [`update_value`](Registry::update_value) changes.
    pub fn via<S: GenServer>(&self, key: K) -> Via<S> {
        Via::new(InRegistry { registry: self.clone(), key })
    }
}

struct InRegistry<K, V> {
    registry: Registry<K, V>,
    key: K,
}

impl<K, V, S> Naming<S> for InRegistry<K, V>
where
    K: RegistryKey + fmt::Debug,
    V: Clone + Default + Send + Sync + 'static,
    S: GenServer,
{
    fn whereis(&self) -> Option<Pid<S>> {
        self.registry.whereis(&self.key)
    }

    fn claim(&self, pid: Pid<S>) -> Result<(), ProcessId> {
        self.registry.claim::<S>(pid.id(), &self.key, V::default())
    }

    fn describe(&self) -> String {
        let words = format!("{:?}", self.key);
        // A key that is text needs no quotes: whoever logs it adds some. What was escaped in it stays so.
        let text = words.strip_prefix('"').and_then(|words| words.strip_suffix('"'));
        text.map_or_else(|| words.clone(), str::to_owned)
    }
}
