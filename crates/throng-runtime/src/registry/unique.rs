//! Keys with one holder each.

use std::{
    any::{TypeId, type_name},
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::Arc,
};

use super::{
    RegistryKey,
    extras::Extras,
    holdings::Holdings,
    listeners::RegistryEvent,
    table::{Held, Table},
};
use crate::{
    control::{self, OnExit},
    ctx::Ctx,
    exit::Exit,
    gen_server::GenServer,
    message::Handler,
    names::is_alive,
    pid::{Pid, ProcessId},
    scheduler,
};

/// A registry whose keys have one holder each. Cloning gives another handle.
///
/// ```
/// use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, Registry, StartError};
///
/// struct Greet;
/// impl Message for Greet {
///     type Reply = String;
/// }
/// struct Room(String);
/// impl GenServer for Room {
///     type Args = String;
///     async fn init(name: String, _: &mut Ctx<Self>) -> Init<Self> {
///         Ok(Room(name))
///     }
/// }
/// impl Handler<Greet> for Room {
///     async fn handle(&mut self, _: Greet, _: &mut Ctx<Self>) -> Handled<Greet> {
///         Ok(format!("welcome to {}", self.0))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// let rooms = Registry::<String>::new();
/// let lobby = rooms.via("lobby".to_owned());
/// let room = Room::child("the lobby".to_owned()).via(lobby.clone());
/// let first = node.start(room.clone()).await?;
/// assert_eq!(lobby.call(Greet).await?, "welcome to the lobby");
///
/// // Of all who race for a key, one gets it.
/// assert!(matches!(node.start(room).await, Err(StartError::AlreadyStarted { holder, .. }) if holder == first.id()));
/// # Ok(()) }
/// ```
pub struct Registry<K, V = ()> {
    shared: Arc<Unique<K, V>>,
}

struct Unique<K, V> {
    table: Table<K, V>,
    holdings: Holdings<K>,
    extras: Extras<K, V>,
}

impl<K: RegistryKey, V: Clone + Send + Sync + 'static> Registry<K, V> {
    /// An empty one.
    pub fn new() -> Self {
        let (table, holdings, extras) = (Table::new(), Holdings::new(), Extras::new());
        Self { shared: Arc::new(Unique { table, holdings, extras }) }
    }

    /// Registers the calling process under a key, with a value (N1). Visible to all when it returns (N11).
    ///
    /// # Errors
    ///
    /// The key is held by a live process, this one included (N2).
    pub fn register<S: 'static>(&self, ctx: &Ctx<S>, key: K, value: V) -> Result<(), AlreadyRegistered> {
        self.claim::<S>(ctx.id(), &key, value).map_err(|pid| AlreadyRegistered { pid })
    }

    /// Takes the calling process' registration back; whether there was one.
    pub fn unregister<S>(&self, ctx: &Ctx<S>, key: &K) -> bool {
        self.unregister_if(ctx, key, |_| true)
    }

    /// As [`unregister`](Registry::unregister), if the value `is_meant` (N4).
    pub fn unregister_if<S>(&self, ctx: &Ctx<S>, key: &K, is_meant: impl FnOnce(&V) -> bool) -> bool {
        let (process, shared) = (ctx.id(), &*self.shared);
        // Nobody but its holder changes a value, so that nobody waits for the predicate, which may use the registry itself.
        let own = |held: &Held<V>, value: &V| (held.process == process && is_meant(value)).then_some(());
        if shared.table.read(key, own).is_none() {
            return false;
        }
        let event = || RegistryEvent::Unregistered { key: key.clone(), process };
        let removed = shared.table.release(key, process, |_| true, || shared.extras.listeners.tell(event));
        if removed {
            shared.holdings.retain(process, |held| held != key);
        }
        removed
    }

    /// The process that holds a key, and its value. A process that has begun to exit holds nothing.
    ///
    /// It takes no lock and waits for nobody.
    pub fn lookup<Q>(&self, key: &Q) -> Option<(ProcessId, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.table.read(key, |held, value| Some((held.process, value.clone())))
    }

    /// As [`lookup`](Registry::lookup), if the value `is_meant`; another is not cloned (N4).
    pub fn lookup_if<Q>(&self, key: &Q, is_meant: impl FnOnce(&V) -> bool) -> Option<(ProcessId, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.table.read(key, |held, value| is_meant(value).then(|| (held.process, value.clone())))
    }

    /// The process that holds a key, if it runs `S`.
    pub fn whereis<S: GenServer>(&self, key: &K) -> Option<Pid<S>> {
        let of_s = |held: &Held<V>| (held.server == TypeId::of::<S>()).then(|| Pid::of(held.process));
        self.shared.table.read(key, |held, _| of_s(held))
    }

    /// Changes the value of the calling process' own registration; the new and the old one (N4). `None` when it has none
    /// under this key.
    pub fn update_value<S: 'static>(
        &self,
        ctx: &Ctx<S>,
        key: &K,
        update: impl FnOnce(&V) -> V,
    ) -> Option<(V, V)> {
        // Nobody but its holder changes a value, so it can be read and written in two steps, with no lock for `update`.
        let (server, old) = self
            .shared
            .table
            .read(key, |held, value| (held.process == ctx.id()).then(|| (held.server, value.clone())))?;
        let new = update(&old);
        self.shared.table.replace(key, Held::new(ctx.id(), server, new.clone())).then_some((new, old))
    }

    /// The value that a process holds a key with (N4).
    pub fn value<Q>(&self, key: &Q, process: impl Into<ProcessId>) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let process = process.into();
        self.shared.table.read(key, |held, value| (held.process == process).then(|| value.clone()))
    }

    /// The keys that a process holds (N4), in the order of their registration.
    pub fn keys(&self, process: impl Into<ProcessId>) -> Vec<K> {
        self.shared.holdings.pick(process.into(), K::clone)
    }

    /// All keys with their holders and values, in no order. Not one moment's picture: others register meanwhile.
    pub fn entries(&self) -> Vec<(K, ProcessId, V)> {
        self.select(|key, process, value| Some((key.clone(), process, value.clone())))
    }

    /// What `pick` makes of those registrations that it picks, in no order (N4). As with [`entries`](Registry::entries), others
    /// register meanwhile.
    ///
    /// ```
    /// # use throng_runtime::Registry;
    /// # let accounts = Registry::<String, u64>::new();
    /// let rich: Vec<String> = accounts.select(|name, _, balance| (*balance > 1_000_000).then(|| name.clone()));
    /// # assert!(rich.is_empty());
    /// ```
    pub fn select<R>(&self, pick: impl FnMut(&K, ProcessId, &V) -> Option<R>) -> Vec<R> {
        self.shared.table.select(pick)
    }

    /// How many registrations there are (N4).
    pub fn count(&self) -> usize {
        self.shared.table.len()
    }

    /// Runs `f` here with the holder of a key, if there is one (N7).
    pub fn dispatch<Q>(&self, key: &Q, f: impl FnOnce(ProcessId, V))
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some((process, value)) = self.lookup(key) {
            f(process, value);
        }
    }

    /// Gives a key to a process that runs `S`.
    pub(crate) fn claim<S: 'static>(&self, process: ProcessId, key: &K, value: V) -> Result<(), ProcessId> {
        let shared = &*self.shared;
        let listeners = &shared.extras.listeners;
        let told = value.clone();
        scheduler::slot(process).mark_holder(process);
        shared.table.claim(key, Held::new(process, TypeId::of::<S>(), value), |dead| {
            if let Some(process) = dead {
                listeners.tell(|| RegistryEvent::Down { key: key.clone(), process });
            }
            listeners.tell(|| RegistryEvent::Registered { key: key.clone(), process, value: told.clone() });
        })?;
        shared.holdings.add(process, key.clone());
        // Alive after the hook was set: then its end, which runs the hooks, is still to come. Else that may be over.
        if !(control::on_exit(process, self.shared.clone()) && is_alive(process)) {
            shared.holdings.retain(process, |held| held != key);
            shared.release_of_dead(key, process);
        }
        Ok(())
    }
}

/// What both kinds of registries have: listeners, metadata, locks.
impl<K: RegistryKey, V: Clone + Send + Sync + 'static> Registry<K, V> {
    /// Has the calling server told of every registration, and of every one that is taken back, from now on; for each key in the
    /// order in which they happen. An entry that ends with its process is not told of, as in OTP (N8).
    ///
    /// A server whose mailbox is bounded misses what does not fit into it.
    pub fn listen<S: Handler<RegistryEvent<K, V>>>(&self, ctx: &Ctx<S>) {
        self.shared.extras.listeners.add(ctx.me(), false);
        ctx.on_exit(self.shared.clone());
    }

    /// As [`listen`](Registry::listen), and of every entry that ends with its process: [`RegistryEvent::Down`], when the key is
    /// free already, and before the monitors of the process are told (N8).
    pub fn listen_to_deaths<S: Handler<RegistryEvent<K, V>>>(&self, ctx: &Ctx<S>) {
        self.shared.extras.listeners.add(ctx.me(), true);
        ctx.on_exit(self.shared.clone());
    }

    /// Keeps a value with the registry, one of each type; it takes the place of the one before (N1).
    ///
    /// ```
    /// # use throng_runtime::Registry;
    /// struct Capacity(usize);
    ///
    /// let rooms = Registry::<String>::new();
    /// rooms.put_meta(Capacity(100));
    /// assert_eq!(rooms.meta::<Capacity>().map(|capacity| capacity.0), Some(100));
    /// ```
    pub fn put_meta<T: Send + Sync + 'static>(&self, value: T) {
        self.shared.extras.meta.put(value);
    }

    /// The value of a type that was put there (N1).
    pub fn meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.extras.meta.get()
    }

    /// Takes the value of a type out (N1).
    pub fn take_meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.shared.extras.meta.remove()
    }

    /// Runs `work` while nobody else runs theirs under this key: first come, first served (N10). The key need not be registered.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, or a panic in `work`, releases the key.
    pub async fn lock<R>(&self, key: K, work: impl AsyncFnOnce() -> R) -> R {
        self.shared.extras.locks.lock(key, work).await
    }
}

impl<K: RegistryKey, V: Send + Sync + 'static> Unique<K, V> {
    fn release_of_dead(&self, key: &K, process: ProcessId) {
        let event = || RegistryEvent::Down { key: key.clone(), process };
        self.table.release(key, process, |_| true, || self.extras.listeners.tell(event));
    }
}

impl<K: RegistryKey, V: Send + Sync + 'static> OnExit for Unique<K, V> {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        self.extras.listeners.remove(id);
        for key in self.holdings.take(id) {
            self.release_of_dead(&key, id);
        }
    }
}

impl<K: RegistryKey, V: Clone + Send + Sync + 'static> Default for Registry<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Clone for Registry<K, V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, V> fmt::Debug for Registry<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry<{}, {}>", type_name::<K>(), type_name::<V>())
    }
}

/// A key has a holder already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is held by process {pid}")]
pub struct AlreadyRegistered {
    /// The holder.
    pub pid: ProcessId,
}
