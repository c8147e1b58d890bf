//! Keys with any number of holders.

use std::{any::type_name, fmt, num::NonZero, sync::Arc};

use super::{
    RegistryKey,
    extras::Extras,
    groups::{Groups, Serial},
    holdings::Holdings,
    listeners::RegistryEvent,
};
use crate::{
    control::{self, OnExit},
    ctx::Ctx,
    exit::Exit,
    message::Handler,
    names::is_alive,
    panics::contain,
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

struct Duplicate<K, V> {
    groups: Groups<K, V>,
    holdings: Holdings<(K, Serial)>,
    extras: Extras<K, V>,
}

impl<K: RegistryKey, V: Clone + Send + Sync + 'static> DuplicateRegistry<K, V> {
    /// An empty one.
    pub fn new() -> Self {
        let (groups, holdings, extras) = (Groups::new(), Holdings::new(), Extras::new());
        Self { shared: Arc::new(Duplicate { groups, holdings, extras }) }
    }

    /// Registers the calling process under a key, once more if it is there already (N3).
    pub fn register<S>(&self, ctx: &Ctx<S>, key: K, value: V) {
        let (process, shared) = (ctx.id(), &*self.shared);
        let told = value.clone();
        let event = || RegistryEvent::Registered { key: key.clone(), process, value: told.clone() };
        let serial = shared.groups.add(&key, process, value, || shared.extras.listeners.tell(event));
        shared.holdings.add(process, (key.clone(), serial));
        // Alive after the hook was set: then its end, which runs the hooks, is still to come. Else that may be over.
        if !(control::on_exit(process, self.shared.clone()) && is_alive(process)) {
            shared.holdings.retain(process, |(_, held)| *held != serial);
            shared.release_of_dead(&key, process, [serial]);
        }
    }

    /// Takes all of the calling process' registrations under a key back; how many there were (N3).
    pub fn unregister<S>(&self, ctx: &Ctx<S>, key: &K) -> usize {
        self.unregister_if(ctx, key, |_| true)
    }

    /// Takes those of the calling process' registrations under a key back whose values `are_meant`; how many there were (N4).
    /// The predicate must not use the registry.
    pub fn unregister_if<S>(&self, ctx: &Ctx<S>, key: &K, are_meant: impl Fn(&V) -> bool) -> usize {
        let (process, shared) = (ctx.id(), &*self.shared);
        let event = || RegistryEvent::Unregistered { key: key.clone(), process };
        let own = shared.holdings.pick(process, |(held, serial)| (held == key).then_some(*serial));
        let own = own.into_iter().flatten();
        let removed = shared.groups.remove(key, own, are_meant, || shared.extras.listeners.tell(event));
        if !removed.is_empty() {
            shared.holdings.retain(process, |(_, serial)| removed.binary_search(serial).is_err());
        }
        removed.len()
    }

    /// Who holds a key, oldest first. A process that has begun to exit holds nothing.
    pub fn lookup(&self, key: &K) -> Vec<(ProcessId, V)> {
        self.shared.groups.read(key, |held| Some(held.clone()))
    }

    /// Who holds a key with a value that `is_meant`, oldest first; others are not cloned (N4). The predicate must not use the
    /// registry.
    pub fn lookup_if(&self, key: &K, is_meant: impl Fn(&V) -> bool) -> Vec<(ProcessId, V)> {
        self.shared.groups.read(key, |held| is_meant(&held.1).then(|| held.clone()))
    }

    /// How many registrations under a key have a value that `is_meant` (N4). The predicate must not use the registry.
    pub fn count_if(&self, key: &K, is_meant: impl Fn(&V) -> bool) -> usize {
        self.shared.groups.read(key, |(_, value)| is_meant(value).then_some(())).len()
    }

    /// The values that a process holds a key with (N4), oldest first.
    pub fn values(&self, key: &K, process: impl Into<ProcessId>) -> Vec<V> {
        let process = process.into();
        self.shared.groups.read(key, |(holder, value)| (*holder == process).then(|| value.clone()))
    }

    /// The keys that a process holds, as often as it holds them (N3).
    pub fn keys(&self, process: impl Into<ProcessId>) -> Vec<K> {
        self.shared.holdings.pick(process.into(), |(key, _)| key.clone())
    }

    /// What `pick` makes of those registrations that it picks, those of one key oldest first (N4). Not one moment's picture:
    /// others register meanwhile. It must not use the registry.
    pub fn select<R>(&self, pick: impl FnMut(&K, ProcessId, &V) -> Option<R>) -> Vec<R> {
        self.shared.groups.select(pick)
    }

    /// How many registrations there are (N4).
    pub fn count(&self) -> usize {
        self.shared.groups.len()
    }

    /// Runs `f` here, once, with the holders of a key, unless there is none (N7). Nothing is locked while it runs.
    pub fn dispatch(&self, key: &K, f: impl FnOnce(&[(ProcessId, V)])) {
        let holders = self.lookup(key);
        if !holders.is_empty() {
            f(&holders);
        }
    }

    /// Runs `f` in `tasks` tasks of the calling process at most, each with its share of a key's holders, and waits for all of
    /// them (N7). A share is never empty: with few holders there are as few tasks, with none there is none.
    ///
    /// # Errors
    ///
    /// How the first of the tasks that crashed ended; the tasks are linked, so a caller that does not trap exits ends with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets the tasks run on.
    pub async fn dispatch_parallel<S>(
        &self,
        ctx: &Ctx<S>,
        key: &K,
        tasks: NonZero<usize>,
        f: impl Fn(&[(ProcessId, V)]) + Clone + Send + 'static,
    ) -> Result<(), Exit> {
        let holders = self.lookup(key);
        let share = holders.len().div_ceil(tasks.get()).max(1);
        let start = |share: &[(ProcessId, V)]| {
            let (share, f) = (share.to_vec(), f.clone());
            ctx.task(async move { f(&share) })
        };
        let tasks: Vec<_> = holders.chunks(share).map(start).collect();
        let mut outcome = Ok(());
        for task in tasks {
            outcome = outcome.and(task.await);
        }
        outcome
    }
}

/// What both kinds of registries have: listeners, metadata, locks.
impl<K: RegistryKey, V: Clone + Send + Sync + 'static> DuplicateRegistry<K, V> {
    /// As [`Registry::listen`](super::Registry::listen) (N8).
    pub fn listen<S: Handler<RegistryEvent<K, V>>>(&self, ctx: &Ctx<S>) {
        self.shared.extras.listeners.add(ctx.me(), false);
        ctx.on_exit(self.shared.clone());
    }

    /// As [`Registry::listen_to_deaths`](super::Registry::listen_to_deaths): one event for each entry (N8).
    pub fn listen_to_deaths<S: Handler<RegistryEvent<K, V>>>(&self, ctx: &Ctx<S>) {
        self.shared.extras.listeners.add(ctx.me(), true);
        ctx.on_exit(self.shared.clone());
    }

    /// As [`Registry::put_meta`](super::Registry::put_meta) (N1).
    pub fn put_meta<T: Send + Sync + 'static>(&self, value: T) {
        self.shared.extras.meta.put(value);
    }

    /// As [`Registry::meta`](super::Registry::meta) (N1).
    pub fn meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.extras.meta.get()
    }

    /// As [`Registry::take_meta`](super::Registry::take_meta) (N1).
    pub fn take_meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.extras.meta.remove()
    }

    /// As [`Registry::lock`](super::Registry::lock) (N10).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, or a panic in `work`, releases the key.
    pub async fn lock<R>(&self, key: K, work: impl AsyncFnOnce() -> R) -> R {
        self.shared.extras.locks.lock(key, work).await
    }
}

impl<K: RegistryKey, V: Send + Sync + 'static> Duplicate<K, V> {
    fn release_of_dead(&self, key: &K, process: ProcessId, serials: impl IntoIterator<Item = Serial>) {
        let event = || RegistryEvent::Down { key: key.clone(), process };
        self.groups.remove(key, serials, |_| true, || self.extras.listeners.tell(event));
    }
}

impl<K: RegistryKey, V: Send + Sync + 'static> OnExit for Duplicate<K, V> {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        self.extras.listeners.remove(id);
        for (key, serial) in self.holdings.take(id) {
            // A value's destructor that panics must not keep the other entries of the dead.
            contain("a registered value that was dropped", || self.release_of_dead(&key, id, [serial]));
        }
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
