//! A node is a value, so several live in one program. Three things belong to the program instead: the process table, which is
//! memory as an allocator is; the panic hook, of which a program has one; and the watchdog's thread.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{
    address::{Name, Via},
    child::IntoChild,
    control::{self, NoProcess, OnExit},
    ctx::Ctx,
    error::StartError,
    exit::{Exit, IntoExit},
    gen_server::GenServer,
    introspect::{self, ProcessInfo},
    letter::Cast,
    message::{Handler, Message},
    names::{self, Names},
    panics,
    pid::{Pid, ProcessId},
    process,
    scheduler::{self, Backend, Envelope, Tokio, now, watchdog},
    task::Task,
    timer::{TimerRef, Timers, send_later},
};

/// A place where processes run: names, timers and what runs them. Cloning gives another handle on the same node.
///
/// Dropping the handles ends nothing: supervisors own life.
///
/// ```
/// use throng_runtime::{Node, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shop = Node::new("shop");
/// let tree = shop.start(Supervisor::one_for_one("tree")).await?;
///
/// let other = Node::new("another"); // in the same program, and nothing is shared between the two
/// assert!(shop.processes().eq([tree.id()]));
/// assert_eq!(other.processes().count(), 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    name: Arc<str>,
    backend: Tokio,
    names: Names,
    timers: Timers,
}

impl Node {
    /// A node that runs its processes on the tokio runtime that this is called in.
    ///
    /// The first node of a program installs a panic hook, before the one that is there: a panic inside a process is not printed
    /// but becomes its exit reason, every other goes to the hook that was there.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled.
    pub fn new(name: impl Into<String>) -> Self {
        let Some(backend) = Tokio::current() else {
            panic!("a Node needs a tokio runtime: call Node::new inside #[tokio::main] or Runtime::block_on")
        };
        panics::install_hook();
        watchdog::start();
        Self::on(backend, name.into().into())
    }

    /// A node without what a program has once for all its nodes.
    pub(crate) fn on(backend: Tokio, name: Arc<str>) -> Self {
        let shared = Shared { name, backend, names: Names::new(), timers: Timers::new(now()) };
        Self { shared: Arc::new(shared) }
    }

    /// What it was called.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Starts a server that nothing is linked to, and waits until its `init` is done (G1).
    ///
    /// # Errors
    ///
    /// [`StartError`]; the process is gone and its name free when it returns one (G3).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done kills the process that was being started.
    pub async fn start<S: GenServer>(&self, child: impl IntoChild<Server = S>) -> Result<Pid<S>, StartError> {
        process::start(self, None, child.into_child()).await
    }

    /// As [`Node::start`], and monitors the process from its first instruction: however soon it ends, the future tells with
    /// which reason (G1).
    ///
    /// # Errors
    ///
    /// As [`Node::start`].
    ///
    /// # Cancel safety
    ///
    /// As [`Node::start`]; dropping the future that it gives forgets the wait, nothing else.
    pub async fn start_monitor<S: GenServer>(
        &self,
        child: impl IntoChild<Server = S>,
    ) -> Result<(Pid<S>, impl Future<Output = Exit> + Send), StartError> {
        process::start_and_wait(self, child.into_child()).await
    }

    /// Starts a process from a future; it returns at once (P6).
    ///
    /// ```
    /// # use throng_runtime::{Exit, Node};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let node = Node::new("example");
    /// let process = node.spawn(async |_| Err::<(), _>(Exit::other("no bananas")));
    /// assert_eq!(node.wait(process).await.to_string(), "no bananas");
    /// # }
    /// ```
    pub fn spawn<F, Fut>(&self, body: F) -> ProcessId
    where
        F: FnOnce(Ctx) -> Fut + Send + 'static,
        Fut: Future<Output: IntoExit> + Send + 'static,
    {
        process::spawn(self, None, body)
    }

    /// Runs a future in a process of its own; await the task for its result (T7).
    pub fn task<F>(&self, work: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task::start(self, None, work)
    }

    /// The process that holds a name now.
    pub fn whereis<S: GenServer>(&self, name: Name<S>) -> Option<Pid<S>> {
        self.shared.names.whereis(&name.as_str())
    }

    /// A name of this node as an address: whoever holds it at the time of each use.
    pub fn via<S: GenServer>(&self, name: Name<S>) -> Via<S> {
        names::via(&self.shared.names, name)
    }

    /// Whether a process is alive; not any more as soon as it has begun to exit (P32).
    pub fn is_alive(&self, process: impl Into<ProcessId>) -> bool {
        names::is_alive(process.into())
    }

    /// What a process is and what it is doing (P36); `None` when it is dead, or of another node. The process is not asked, so this
    /// works for one that is stuck.
    ///
    /// ```
    /// # use throng_runtime::{Node, ProcessStatus};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let node = Node::new("example");
    /// let process = node.spawn(async |ctx| {
    ///     ctx.set_label("sleeper");
    ///     std::future::pending::<()>().await
    /// });
    /// tokio::task::yield_now().await;
    /// let info = node.process_info(process).unwrap();
    /// assert_eq!(info.label.as_deref(), Some("sleeper"));
    /// assert_eq!(info.status, ProcessStatus::Waiting);
    /// # }
    /// ```
    pub fn process_info(&self, process: impl Into<ProcessId>) -> Option<ProcessInfo> {
        introspect::process_info(self, process.into())
    }

    /// The processes of this node that have not ended, in no particular order. It looks at the process table while it goes: one
    /// that starts or ends meanwhile may be missed, and whoever is named may be gone.
    pub fn processes(&self) -> impl Iterator<Item = ProcessId> + Send + use<> {
        scheduler::of_node(self.number())
    }

    /// Has `hook` run at the end of a process, before anybody is told; the same hook twice runs once.
    ///
    /// Whoever then notes something that the hook is to clean up looks afterwards whether the process still
    /// [is alive](Node::is_alive): if it is not, the hook may have run before there was anything to clean up.
    ///
    /// # Errors
    ///
    /// The process has begun to exit, or is gone; then it is open whether the hook runs.
    pub fn on_exit(&self, process: impl Into<ProcessId>, hook: Arc<dyn OnExit>) -> Result<(), NoProcess> {
        let pid = process.into();
        // Alive after the hook was set: then its end, which runs the hooks, is still to come.
        if control::on_exit(pid, hook) && names::is_alive(pid) { Ok(()) } else { Err(NoProcess { pid }) }
    }

    /// Asks a process to end (P16 to P19).
    pub fn exit(&self, process: impl Into<ProcessId>, reason: Exit) {
        process::request_exit(scheduler::current::id(), process.into(), reason);
    }

    /// Resolves when a process is gone, with its exit reason; with [`Exit::NoProcess`] if it was gone already when this was called:
    /// the monitor is set here, not by the first poll.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the wait, nothing else.
    pub fn wait<P: Into<ProcessId>>(&self, process: P) -> impl Future<Output = Exit> + Send + use<P> {
        process::wait(process.into())
    }

    /// Stops a process in an orderly way and waits until it is gone (G18): a server handles what it was sent before, then
    /// `terminate` runs.
    ///
    /// # Errors
    ///
    /// [`StopError`]; a timeout gives up waiting and does not kill.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the wait, not the stop.
    pub async fn stop(
        &self,
        process: impl Into<ProcessId>,
        reason: Exit,
        timeout: Option<Duration>,
    ) -> Result<(), StopError> {
        process::stop(process.into(), reason, timeout).await
    }

    /// Sends a message to a process after a time, not earlier (P5). Dropping the result does not cancel.
    pub fn send_after<S: Handler<M>, M: Message<Reply = ()>>(
        &self,
        to: Pid<S>,
        after: Duration,
        message: M,
    ) -> TimerRef {
        let envelope = Envelope::message::<S, _>(to.id().generation(), Cast(message));
        send_later(self, to.id(), after, envelope)
    }

    pub(crate) fn spawn_body(&self, body: impl Future<Output = ()> + Send + 'static) {
        self.shared.backend.spawn(Box::pin(body));
    }

    /// Its number in the process table: never zero.
    pub(crate) fn number(&self) -> u32 {
        (self.shared.timers.number() % u64::from(u32::MAX)) as u32 + 1
    }

    pub(crate) fn name_of(&self, id: ProcessId) -> Option<Arc<str>> {
        self.shared.names.keys(id).first().map(|&name| name.into())
    }

    pub(crate) fn backend(&self) -> &Tokio {
        &self.shared.backend
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.shared.timers
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }
}

impl Shared {
    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

/// Why a process did not stop as asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// It was gone already.
    #[error("there is no process {0}")]
    NoProcess(ProcessId),
    /// It ended with another reason.
    #[error("it ended with another reason: {0}")]
    Exited(Exit),
    /// It is still there; it stops when it gets to it.
    #[error("it did not stop within {0:?}, and has not been killed")]
    Timeout(Duration),
    /// A process cannot wait for its own end; use [`Ctx::stop`].
    #[error("a process cannot wait for its own end")]
    CallingSelf,
}
