//! Keys with one holder each.

use std::{
    any::{TypeId, type_name},
    fmt,
    sync::Arc,
};

use super::{
    listeners::{Listeners, RegistryEvent},
    lock::KeyLock,
    table::{Entry, RegistryKey, Table},
};
use crate::{
    address::{Address, Naming, Via},
    control::{self, OnExit},
    ctx::Ctx,
    exit::Exit,
    gen_server::GenServer,
    message::Handler,
    names::is_alive,
    pid::{Pid, ProcessId},
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
/// assert!(matches!(node.start(room).await, Err(StartError::AlreadyStarted(winner)) if winner == first.id()));
/// # Ok(()) }
/// ```
pub struct Registry<K, V = ()> {
    shared: Arc<Unique<K, V>>,
}

struct Unique<K, V> {
    table: Table<K, Held<V>>,
    locks: KeyLock<K>,
    listeners: Listeners<K, V>,
}

struct Held<V> {
    server: TypeId,
    value: V,
}

impl<K: RegistryKey, V: Clone + Send + Sync + 'static> Registry<K, V> {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Unique {
                table: Table::new(),
                locks: KeyLock::new(),
                listeners: Listeners::new(),
            }),
        }
    }

    /// A key as an address: whoever holds it at the time of each use, if it runs `S` (N9). As the name of a child
    /// ([`ChildSpec::via`](crate::ChildSpec::via)) it is registered before `init` runs, with the value's default.
    pub fn via<S: GenServer>(&self, key: K) -> Via<S>
    where
        K: fmt::Debug,
        V: Default,
    {
        Via::new(InRegistry { registry: self.clone(), key })
    }

    /// Registers the calling process under a key, with a value (N1). Visible to all when it returns (N11).
    ///
    /// # Errors
    ///
    /// The key is held by a live process, this one included (N2).
    pub fn register<S: 'static>(&self, ctx: &Ctx<S>, key: K, value: V) -> Result<(), AlreadyRegistered> {
        let held = Held { server: TypeId::of::<S>(), value };
        self.claim(ctx.id(), &key, held).map_err(|pid| AlreadyRegistered { pid })
    }

    /// Takes the calling process' registration back; whether there was one.
    pub fn unregister<S>(&self, ctx: &Ctx<S>, key: &K) -> bool {
        let removed = self.shared.table.remove(key, ctx.id()) > 0;
        if removed {
            self.shared
                .listeners
                .tell(|| RegistryEvent::Unregistered { key: key.clone(), process: ctx.id() });
        }
        removed
    }

    /// Has the calling server told of every registration, and of every one that is taken back, from now on. An entry that
    /// ends with its process is not told of: monitor the process if you need that (N8).
    pub fn listen<S: Handler<RegistryEvent<K, V>>>(&self, ctx: &Ctx<S>) {
        let me = ctx.me();
        self.shared.listeners.add(ctx.id(), move |event| drop(me.cast(event)));
        ctx.on_exit(self.shared.clone());
    }

    /// The process that holds a key. A process that has begun to exit holds nothing.
    pub fn lookup(&self, key: &K) -> Option<(ProcessId, V)> {
        self.shared.table.read(key, |entries| {
            let entry = entries.iter().find(|entry| is_alive(entry.process))?;
            Some((entry.process, entry.value.value.clone()))
        })
    }

    /// The process that holds a key, if it runs `S`.
    pub fn whereis<S: GenServer>(&self, key: &K) -> Option<Pid<S>> {
        self.shared.table.read(key, |entries| {
            let runs_s = |entry: &&Entry<Held<V>>| entry.value.server == TypeId::of::<S>();
            let entry = entries.iter().find(|entry| is_alive(entry.process)).filter(runs_s)?;
            Some(Pid::of(entry.process))
        })
    }

    /// Changes the value of the calling process' own registration; the new and the old one (N4). `update` runs under the lock of
    /// the key: it must be short, and must not use the registry.
    pub fn update_value<S>(&self, ctx: &Ctx<S>, key: &K, update: impl FnOnce(&V) -> V) -> Option<(V, V)> {
        self.shared.table.change(key, ctx.id(), |held| {
            let new = update(&held.value);
            (new.clone(), std::mem::replace(&mut held.value, new))
        })
    }

    /// The keys that a process holds (N4).
    pub fn keys(&self, process: impl Into<ProcessId>) -> Vec<K> {
        self.shared.table.keys(process.into())
    }

    /// All keys with their holders and values, in no order. Not one moment's picture: others register meanwhile.
    pub fn entries(&self) -> Vec<(K, ProcessId, V)> {
        self.shared.table.collect(|key, entry| {
            is_alive(entry.process).then(|| (key.clone(), entry.process, entry.value.value.clone()))
        })
    }

    /// How many registrations there are (N4).
    pub fn count(&self) -> usize {
        self.shared.table.len()
    }

    /// Runs `f` here with the holder of a key, if there is one (N7).
    pub fn dispatch(&self, key: &K, f: impl FnOnce(ProcessId, V)) {
        if let Some((process, value)) = self.lookup(key) {
            f(process, value);
        }
    }

    /// Runs `work` while nobody else runs theirs under this key: first come, first served (N10). The key need not be registered.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, or a panic in `work`, releases the key.
    pub async fn lock<R>(&self, key: K, work: impl AsyncFnOnce() -> R) -> R {
        self.shared.locks.lock(key, work).await
    }

    fn claim(&self, process: ProcessId, key: &K, value: Held<V>) -> Result<(), ProcessId> {
        // Values are the user's: their destructors run after the lock is released.
        let mut dead = Vec::new();
        let told = value.value.clone();
        self.shared.table.add(key, Entry { process, value }, |held| {
            // A dead holder makes room at once, even if it is not cleaned up yet (N2).
            dead.extend(held.extract_if(.., |entry| !is_alive(entry.process)));
            held.first().map(|entry| entry.process)
        })?;
        control::on_exit(process, self.shared.clone());
        self.shared.listeners.tell(|| RegistryEvent::Registered {
            key: key.clone(),
            process,
            value: told.clone(),
        });
        Ok(())
    }
}

impl<K: RegistryKey, V: Clone + Send + Sync + 'static> OnExit for Unique<K, V> {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        self.table.remove_all(id);
        self.listeners.remove(id);
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
        self.registry.claim(pid.id(), &self.key, Held { server: TypeId::of::<S>(), value: V::default() })
    }

    fn describe(&self) -> String {
        format!("{:?}", self.key)
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
