//! What both kinds of registries have beside their keys.

use super::{RegistryKey, listeners::Listeners, lock::KeyLock, meta::Meta};

pub(super) struct Extras<K, V> {
    pub(super) listeners: Listeners<K, V>,
    pub(super) locks: KeyLock<K>,
    pub(super) meta: Meta,
}

impl<K: RegistryKey, V: Send + 'static> Extras<K, V> {
    pub(super) fn new() -> Self {
        Self { listeners: Listeners::new(), locks: KeyLock::new(), meta: Meta::default() }
    }
}
