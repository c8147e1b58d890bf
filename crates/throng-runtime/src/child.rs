//! Child specifications: how a process is started, named, restarted and stopped (S1).

use std::{
    borrow::Cow,
    fmt,
    future::{poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, LazyLock},
    task::Poll,
    time::Duration,
};

use crate::{
    address::{Name, Via},
    error::StartError,
    exit::Exit,
    gen_server::GenServer,
    node::Node,
    panics::contain,
    pid::ProcessId,
    post::Bounds,
    process,
    supervisor::Backoff,
};

/// When a supervisor starts a child again after it ended (S9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// Unless it ended cleanly.
    Transient,
    /// Never.
    Temporary,
}

/// How a supervisor stops a child (S24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Kill it at once.
    Kill,
    /// Ask it to shut down, wait this long, then kill it.
    After(Duration),
    /// Ask it to shut down and wait for as long as it takes.
    Infinity,
}

impl From<Duration> for Shutdown {
    fn from(grace: Duration) -> Self {
        Self::After(grace)
    }
}

/// Whether a child supervises others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    /// It does not.
    Worker,
    /// It does.
    Supervisor,
}

/// How to start a server of type `S`, and how its supervisor treats it.
///
/// [`GenServer::child`] makes one; the defaults are permanent, 5 s to shut down, no name, no limit on `init`.
///
/// ```
/// # use std::time::Duration;
/// # use throng_runtime::{Ctx, GenServer, Init, Name, Node, Restart, Supervisor};
/// # struct Counter;
/// # impl GenServer for Counter { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Counter) } }
/// const COUNTER: Name<Counter> = Name::new("counter");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// let counter = Counter::child(())
///     .name(COUNTER)
///     .restart(Restart::Transient)
///     .shutdown(Duration::from_secs(10))
///     .start_timeout(Duration::from_secs(1));
/// node.start(Supervisor::one_for_one("tree").child(counter)).await?;
/// assert!(node.whereis(COUNTER).is_some());
/// # Ok(()) }
/// ```
#[must_use = "it says how to start a child, and starts nothing"]
pub struct ChildSpec<S: GenServer> {
    pub(crate) id: Option<Cow<'static, str>>,
    /// What observers call its process, when that is not its id.
    pub(crate) label: Option<Arc<str>>,
    pub(crate) args: S::Args,
    pub(crate) name: Option<ChildName<S>>,
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) kind: ChildKind,
    pub(crate) is_significant: bool,
    pub(crate) backoff: Option<Box<Backoff>>,
    pub(crate) mailbox: Option<Bounds>,
    pub(crate) hibernate_after: Option<Duration>,
}

/// A name that is resolved when the node is known.
pub(crate) enum ChildName<S> {
    OnNode(Name<S>),
    Via(Via<S>),
}

impl<S: GenServer> ChildSpec<S> {
    pub(crate) fn new(args: S::Args) -> Self {
        Self {
            id: None,
            label: None,
            args,
            name: None,
            start_timeout: None,
            restart: Restart::default(),
            shutdown: Shutdown::After(Duration::from_secs(5)),
            kind: ChildKind::Worker,
            is_significant: false,
            backoff: None,
            mailbox: None,
            hibernate_after: None,
        }
    }

    /// The id in its supervisor; unless given, its name, else the server's type name. One that is given is the label of its
    /// process as well, until that [gives itself another](crate::Ctx::set_label) (P35).
    pub fn id(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Registers it under this name of its node before `init` runs (G2).
    pub fn name(mut self, name: Name<S>) -> Self {
        self.name = Some(ChildName::OnNode(name));
        self
    }

    /// Registers it under a name of a registry before `init` runs (G2).
    pub fn via(mut self, via: Via<S>) -> Self {
        self.name = Some(ChildName::Via(via));
        self
    }

    /// When its supervisor restarts it.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How its supervisor stops it.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.shutdown = shutdown.into();
        self
    }

    /// How long `init` may take; then it is killed and the start fails (G4).
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.start_timeout = Some(limit);
        self
    }

    /// Its supervisor may end with it (S33): see [`AutoShutdown`](crate::AutoShutdown), without which this is refused. So it is
    /// for a permanent child, which never ends for good.
    pub fn significant(mut self) -> Self {
        self.is_significant = true;
        self
    }

    /// Has its supervisor wait before it tries again when a *re*start failed: `min` after the first failure, twice that
    /// after the second and so on, never more than `max`; each wait is shortened by chance, by up to the share `jitter` (0 to 1)
    /// of it, so that many who wait for the same thing do not all come back at once. Unless told so, the next attempt
    /// follows at once (S19).
    ///
    /// While it waits the child is [`Restarting`](crate::ChildStatus::Restarting), and its supervisor answers requests; to
    /// terminate the child, or to shut down, ends the wait (S22). A child that starts and then crashes is started again at once, as
    /// ever: what it waits for belongs into `init`.
    ///
    /// Each attempt counts, so choose the supervisor's `max_restarts` with it: three in five seconds, the default, are
    /// never reached by a child that waits two seconds each time, which then is tried for ever; and are used up at once by one that
    /// waits ten milliseconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use throng_runtime::{Ctx, GenServer, Init, Supervisor};
    /// # struct Mirror;
    /// # impl GenServer for Mirror {
    /// #     type Args = ();
    /// #     async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Mirror) }
    /// # }
    /// let mirror = Mirror::child(()).backoff(Duration::from_millis(100), Duration::from_secs(10), 0.2);
    /// // Ten attempts, which take more than half a minute; then it gives up.
    /// let tree = Supervisor::one_for_one("mirrors").max_restarts(10, Duration::from_secs(60)).child(mirror);
    /// ```
    pub fn backoff(mut self, min: Duration, max: Duration, jitter: f64) -> Self {
        self.backoff = Some(Box::new(Backoff { min, max, jitter }));
        self
    }

    /// Bounds its mailbox, and says what happens to what does not fit (P34). Unless given, it takes whatever comes.
    pub fn mailbox(mut self, bounds: Bounds) -> Self {
        self.mailbox = Some(bounds);
        self
    }

    /// Has it [give memory back](GenServer::hibernate) when no message came for so long (G14).
    pub fn hibernate_after(mut self, idle: Duration) -> Self {
        self.hibernate_after = Some(idle);
        self
    }

    pub(crate) fn resolve_name(&self, node: &Node) -> Option<Via<S>> {
        self.name.as_ref().map(|name| match name {
            ChildName::OnNode(name) => node.via(*name),
            ChildName::Via(via) => via.clone(),
        })
    }

    /// The id that its supervisor knows it by.
    pub(crate) fn child_id(&self) -> Cow<'static, str> {
        match (&self.id, &self.name) {
            (Some(id), _) => id.clone(),
            (None, Some(ChildName::OnNode(name))) => name.as_str().into(),
            (None, Some(ChildName::Via(via))) => via.naming().describe().into(),
            (None, None) => std::any::type_name::<S>().into(),
        }
    }

    /// The same child without its type: what a supervisor keeps.
    pub(crate) fn erase(self) -> Child {
        let (id, restart, shutdown, kind) = (self.child_id(), self.restart, self.shutdown, self.kind);
        let (is_significant, backoff) = (self.is_significant, self.backoff.clone());
        let kept = Kept(Some(self));
        let start = move |node: Node, parent: ProcessId| -> StartFuture {
            match catch_unwind(AssertUnwindSafe(|| kept.0.clone())) {
                Ok(spec) => Box::pin(start_contained(node, parent, spec)),
                Err(panic) => Box::pin(ready(Err(StartError::Exited(Exit::from_panic(panic))))),
            }
        };
        Child { id, restart, shutdown, kind, is_significant, backoff, start: Arc::new(start) }
    }
}

/// What a supervisor keeps of a child: the drop of its arguments is the user's code, and must not end the supervisor.
struct Kept<S: GenServer>(Option<ChildSpec<S>>);

impl<S: GenServer> Drop for Kept<S> {
    fn drop(&mut self) {
        let spec = self.0.take();
        contain("a child's arguments that were dropped", || drop(spec));
    }
}

/// Starts a child in its supervisor, where a panic of its arguments or its name is a failed start like another (S6).
async fn start_contained<S: GenServer>(
    node: Node,
    parent: ProcessId,
    spec: Option<ChildSpec<S>>,
) -> Result<ProcessId, StartError> {
    // There until the supervisor forgets the child, which does not start it again.
    let Some(spec) = spec else { return Err(StartError::Ignored) };
    let mut start = pin!(process::start(&node, Some(parent), spec));
    let started = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| start.as_mut().poll(cx)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(StartError::Exited(Exit::from_panic(panic)))))
    });
    started.await.map(ProcessId::from)
}

impl<S: GenServer> Clone for ChildSpec<S> {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            label: self.label.clone(),
            args: self.args.clone(),
            name: self.name.clone(),
            start_timeout: self.start_timeout,
            restart: self.restart,
            shutdown: self.shutdown,
            kind: self.kind,
            is_significant: self.is_significant,
            backoff: self.backoff.clone(),
            mailbox: self.mailbox,
            hibernate_after: self.hibernate_after,
        }
    }
}

impl<S> Clone for ChildName<S> {
    fn clone(&self) -> Self {
        match self {
            Self::OnNode(name) => Self::OnNode(*name),
            Self::Via(via) => Self::Via(via.clone()),
        }
    }
}

impl<S: GenServer> fmt::Debug for ChildSpec<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.child_id())
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}

/// Something that can be started: a [`ChildSpec`], or what makes one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be started",
    note = "a server is started from its child specification: write `Server::child(args)`"
)]
pub trait IntoChild {
    /// The server that will run.
    type Server: GenServer;

    /// How to start and treat it.
    fn into_child(self) -> ChildSpec<Self::Server>;
}

impl<S: GenServer> IntoChild for ChildSpec<S> {
    type Server = S;

    fn into_child(self) -> ChildSpec<S> {
        self
    }
}

/// Starts a child on a node, linked to a parent.
pub(crate) type Factory = Arc<dyn Fn(Node, ProcessId) -> StartFuture + Send + Sync>;

pub(crate) type StartFuture = Pin<Box<dyn Future<Output = Result<ProcessId, StartError>> + Send>>;

/// A child without its type. Its factory can run any number of times (X1).
#[derive(Clone)]
pub(crate) struct Child {
    pub(crate) id: Cow<'static, str>,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) kind: ChildKind,
    pub(crate) is_significant: bool,
    pub(crate) backoff: Option<Box<Backoff>>,
    pub(crate) start: Factory,
}

impl Child {
    /// The same child when it will not be started again: what its factory holds is freed.
    pub(crate) fn without_factory(self) -> Self {
        static NO_FACTORY: LazyLock<Factory> =
            LazyLock::new(|| Arc::new(|_, _| Box::pin(async { Err(StartError::Ignored) })));
        Self { start: NO_FACTORY.clone(), ..self }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
