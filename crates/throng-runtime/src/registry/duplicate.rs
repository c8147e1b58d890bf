//! Keys with any number of holders.

use std::{any::type_name, fmt, sync::Arc};

use super::table::{Entry, RegistryKey, Table};
use crate::{
    control::{self, OnExit},
    ctx::Ctx,
    exit::Exit,
    names::is_alive,
    pid::ProcessId,
};

/// A registry whose keys have any number of holders: groups of processes. Cloning gives another handle.
///
/// A key of it is no address, as it would not say which of its holders is meant (N9).
///
/// ```
/// use throng_runtime::{DuplicateRegistry, Node};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = Node::new("example");
/// let watchers = DuplicateRegistry::<&str, u32>::new();
/// let (registered, is_registered) = tokio::sync::oneshot::channel();
/// let process = node.spawn({
///     let watchers = watchers.clone();
///     async move |ctx| {
///         watchers.register(&ctx, "news", 1);
///         watchers.register(&ctx, "news", 2);
///         registered.send(()).ok();
///         std::future::pending::<()>().await
///     }
/// });
/// is_registered.await.unwrap();
/// assert_eq!(watchers.lookup(&"news"), [(process, 1), (process, 2)]);
/// # }
/// ```
pub struct DuplicateRegistry<K, V = ()> {
    shared: Arc<Duplicate<K, V>>,
}

struct Duplicate<K, V>(Table<K, V>);

impl<K: RegistryKey, V: Clone + Send + Sync + 'static> DuplicateRegistry<K, V> {
    /// An empty one.
    pub fn new() -> Self {
        Self { shared: Arc::new(Duplicate(Table::new())) }
    }

    /// Registers the calling process under a key, once more if it is there already (N3).
    pub fn register<S>(&self, ctx: &Ctx<S>, key: K, value: V) {
        let entry = Entry { process: ctx.id(), value };
        let Ok(()) = self.shared.0.add(&key, entry, |_| None::<std::convert::Infallible>);
        control::on_exit(ctx.id(), self.shared.clone());
    }

    /// Takes all of the calling process' registrations under a key back; how many there were (N3).
    pub fn unregister<S>(&self, ctx: &Ctx<S>, key: &K) -> usize {
        self.shared.0.remove(key, ctx.id())
    }

    /// Who holds a key, oldest first. A process that has begun to exit holds nothing.
    pub fn lookup(&self, key: &K) -> Vec<(ProcessId, V)> {
        self.shared.0.read(key, |entries| {
            let alive = entries.iter().filter(|entry| is_alive(entry.process));
            alive.map(|entry| (entry.process, entry.value.clone())).collect()
        })
    }

    /// The values that a process holds a key with (N4).
    pub fn values(&self, key: &K, process: impl Into<ProcessId>) -> Vec<V> {
        let process = process.into();
        self.shared.0.read(key, |entries| {
            let own = entries.iter().filter(|entry| entry.process == process);
            own.map(|entry| entry.value.clone()).collect()
        })
    }

    /// The keys that a process holds, as often as it holds them (N3).
    pub fn keys(&self, process: impl Into<ProcessId>) -> Vec<K> {
        self.shared.0.keys(process.into())
    }

    /// How many registrations there are (N4).
    pub fn count(&self) -> usize {
        self.shared.0.len()
    }

    /// Runs `f` here, once, with the holders of a key, unless there is none (N7). Nothing is locked while it runs.
    pub fn dispatch(&self, key: &K, f: impl FnOnce(&[(ProcessId, V)])) {
        let holders = self.lookup(key);
        if !holders.is_empty() {
            f(&holders);
        }
    }
}

impl<K: RegistryKey, V: Send + Sync + 'static> OnExit for Duplicate<K, V> {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        self.0.remove_all(id);
    }
}

impl<K: RegistryKey, V: Clone + Send + Sync + 'static> Default for DuplicateRegistry<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Clone for DuplicateRegistry<K, V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, V> fmt::Debug for DuplicateRegistry<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DuplicateRegistry<{}, {}>", type_name::<K>(), type_name::<V>())
    }
}
