//! Partition supervisors: one server many times over, and a key that says which of them is meant.
//!
//! ```text
//!   via(&key) ──► number ──► number mod N ──► seat ──► pid        no process is asked on the way
//!                                              ▲
//!   a regular supervisor starts, restarts and stops ── takes and leaves it
//! ```
//!
//! When one process is the bottleneck, for it does one thing at a time, and the work has keys that do not care for each other.

mod resize;
mod route;
mod table;

use std::{
    borrow::Cow, fmt, hash::Hash, marker::PhantomData, num::NonZero, sync::Arc, thread, time::Duration,
};

use tokio::sync::Mutex;

pub use self::resize::ResizeError;
use self::table::{PartitionSeat, SupervisorSeat, Table};
use super::{Supervisor, intensity::Budget};
use crate::{
    address::{Address, Target, Via},
    child::{ChildSpec, IntoChild},
    gen_server::GenServer,
    pid::Pid,
};

/// A server that runs in several processes, one for each partition of its keys (R1 to R4).
///
/// It is a value, as a registry is: whoever has it routes by it, without asking a process. What runs is a regular
/// [`Supervisor`] (one for one) with the children `"0"`, `"1"` and so on; give a reference to this value to whoever starts it.
///
/// ```
/// use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node, PartitionSupervisor, Supervisor};
///
/// struct Hit(&'static str);
/// impl Message for Hit {
///     type Reply = u64;
/// }
///
/// struct Hits(u64);
/// impl GenServer for Hits {
///     type Args = u64;
///     async fn init(first: u64, _: &mut Ctx<Self>) -> Init<Self> {
///         Ok(Hits(first))
///     }
/// }
/// impl Handler<Hit> for Hits {
///     async fn handle(&mut self, Hit(_page): Hit, _: &mut Ctx<Self>) -> Handled<Hit> {
///         self.0 += 1;
///         Ok(self.0)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// let hits = PartitionSupervisor::of("hits", Hits::child(0)).partitions(4);
/// node.start(Supervisor::one_for_one("site").child(&hits)).await?;
///
/// assert_eq!(hits.via("/home").call(Hit("/home")).await?, 1);
/// assert_eq!(hits.via("/home").call(Hit("/home")).await?, 2);
/// assert_eq!(Supervisor::count_children(&hits.supervisor()).await?.active, 4);
/// # Ok(()) }
/// ```
pub struct PartitionSupervisor<S: GenServer> {
    table: Arc<Table>,
    supervisor: Via<Supervisor>,
    child: ChildSpec<S>,
    arguments: Option<Arc<Arguments<S>>>,
    budget: Budget,
    resizing: Arc<Mutex<()>>,
}

type Arguments<S> = dyn Fn(<S as GenServer>::Args, usize) -> <S as GenServer>::Args + Send + Sync;

impl<S: GenServer> PartitionSupervisor<S> {
    /// As many partitions as the machine has cores, each run by such a child.
    ///
    /// The child's id and name are those of its partition: one that has a name of its own is refused at the start, and so is
    /// one that is [significant](ChildSpec::significant) (R4).
    pub fn of(id: impl Into<Cow<'static, str>>, child: impl IntoChild<Server = S>) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::with(id.into().as_ref().into(), cores, child.into_child())
    }

    fn with(name: Arc<str>, partitions: usize, child: ChildSpec<S>) -> Self {
        let table = Table::new(name, partitions);
        let supervisor = Via::new(SupervisorSeat(table.clone()));
        Self {
            table,
            supervisor,
            child,
            arguments: None,
            budget: Budget::default(),
            resizing: Arc::default(),
        }
    }

    /// So many partitions instead; none at all is refused at the start. It is another supervisor then: clones that were
    /// made before do not know of it.
    pub fn partitions(self, partitions: usize) -> Self {
        let Self { arguments, budget, .. } = self;
        Self { arguments, budget, ..Self::with(self.table.name.clone(), partitions, self.child) }
    }

    /// Gives each partition arguments of its own, made from those of the child and the partition's number (R1).
    ///
    /// ```
    /// # use throng_runtime::{Ctx, GenServer, Init, PartitionSupervisor};
    /// # struct Shard;
    /// # impl GenServer for Shard {
    /// #     type Args = String;
    /// #     async fn init(_: String, _: &mut Ctx<Self>) -> Init<Self> { Ok(Shard) }
    /// # }
    /// let shards = PartitionSupervisor::of("shards", Shard::child("data/shard".to_owned()))
    ///     .with_arguments(|path, partition| format!("{path}-{partition}"));
    /// ```
    pub fn with_arguments(
        mut self,
        make: impl Fn(S::Args, usize) -> S::Args + Send + Sync + 'static,
    ) -> Self {
        self.arguments = Some(Arc::new(make));
        self
    }

    /// How many restarts within `period` are allowed to all partitions together (S16). Three in five seconds, unless told
    /// otherwise.
    pub fn max_restarts(mut self, restarts: usize, period: Duration) -> Self {
        self.budget = Budget { restarts, period };
        self
    }

    /// The partition of a key, as an address (R2).
    ///
    /// It is looked up at each use. In the moment between a crash and the restart nobody is there, and a call says so at
    /// once ([`CallError::NoProcess`](crate::CallError::NoProcess)); so it does when the supervisor does not run (R4).
    ///
    /// An integer, or a type around one, goes to its absolute value modulo the number of partitions; every other key goes by a
    /// hash that is the same in every run. Which partition that is may change with a version of Throng: keep nothing on
    /// disk that relies on it.
    pub fn via<K: Hash + ?Sized>(&self, key: &K) -> Partition<S> {
        Partition { table: self.table.clone(), number: route::number(key), server: PhantomData }
    }

    /// The supervisor beneath, to list and count its children.
    pub fn supervisor(&self) -> Via<Supervisor> {
        self.supervisor.clone()
    }

    /// How many partitions are routed to now.
    pub fn count(&self) -> usize {
        self.table.routed()
    }

    fn partition(&self, partition: usize) -> ChildSpec<S> {
        let mut child = self.child.clone();
        if let Some(make) = &self.arguments {
            child.args = make(child.args, partition);
        }
        let seat = PartitionSeat { table: self.table.clone(), partition };
        let via = Via::new(seat);
        child.label = Some(via.naming().describe().into());
        child.id(partition.to_string()).via(via)
    }

    /// What cannot work (S3).
    fn refused(&self) -> Option<&'static str> {
        match self {
            _ if self.table.len() == 0 => Some("there are no partitions"),
            _ if self.child.name.is_some() => Some("the partitions cannot all have the same name"),
            _ => None,
        }
    }
}

impl<S: GenServer> IntoChild for &PartitionSupervisor<S> {
    type Server = Supervisor;

    fn into_child(self) -> ChildSpec<Supervisor> {
        let Budget { restarts, period } = self.budget;
        let mut tree = Supervisor::one_for_one(self.table.name.to_string())
            .max_restarts(restarts, period)
            .via(self.supervisor.clone());
        tree.args.refused = self.refused();
        (0..self.table.len()).fold(tree, |tree, partition| tree.child(self.partition(partition)))
    }
}

impl<S: GenServer> IntoChild for PartitionSupervisor<S> {
    type Server = Supervisor;

    fn into_child(self) -> ChildSpec<Supervisor> {
        (&self).into_child()
    }
}

impl<S: GenServer> Clone for PartitionSupervisor<S> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            supervisor: self.supervisor.clone(),
            child: self.child.clone(),
            arguments: self.arguments.clone(),
            budget: self.budget,
            resizing: self.resizing.clone(),
        }
    }
}

impl<S: GenServer> fmt::Debug for PartitionSupervisor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionSupervisor")
            .field("name", &self.table.name)
            .field("partitions", &self.table.len())
            .field("routed", &self.table.routed())
            .finish_non_exhaustive()
    }
}

/// Whoever runs the partition of a key at the time of each use; [`PartitionSupervisor::via`] makes it.
pub struct Partition<S> {
    table: Arc<Table>,
    number: u128,
    server: PhantomData<fn() -> S>,
}

impl<S: GenServer> Address<S> for Partition<S> {
    fn resolve(&self) -> Option<Pid<S>> {
        self.table.find(self.number).map(Pid::of)
    }

    fn target(&self) -> Target {
        Target::Name(self.table.name.clone())
    }
}

impl<S> Clone for Partition<S> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), number: self.number, server: PhantomData }
    }
}

impl<S> fmt::Debug for Partition<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partition({}, {})", self.table.name, self.number)
    }
}
