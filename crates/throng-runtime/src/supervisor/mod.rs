//! Supervisors: processes that start, restart and stop other processes.
//!
//! ```text
//!   start:    a ─► b ─► c       each is ready when the next begins
//!   b ends:   one_for_one  b        one_for_all  c a stop, a b c start        rest_for_one  c stops, b c start
//!   stop:     c ─► b ─► a       each is gone when the next is asked
//! ```
//!
//! A child that ends is restarted by its [`Restart`](crate::Restart); its siblings by the strategy. So many restarts in so
//! long, and the supervisor gives up: it stops its children and ends with [`Exit::Shutdown`], which is its own supervisor's to
//! deal with. What to do is decided in [`plan`] and [`intensity`]; here it is carried out.
//!
//! A supervisor runs no code of its children but their `init`, and handles one thing at a time: while a child starts or
//! stops, whoever asks it waits (S27).

mod children;
mod dynamic;
mod error;
mod intensity;
mod plan;
mod report;
mod requests;
pub(crate) mod stop;

use std::{borrow::Cow, collections::BTreeSet, ops::Range, time::Duration};

use self::{
    children::Children,
    intensity::{Budget, Intensity},
    plan::{Fate, Strategy},
};
pub use self::{
    children::{ChildCount, ChildInfo, ChildStatus},
    dynamic::{DynamicSupervisor, DynamicSupervisorFlags},
    error::ChildError,
};
use crate::{
    address::Address,
    child::{Child, ChildKind, ChildSpec, IntoChild, Restart, Shutdown},
    ctx::Ctx,
    error::StartError,
    exit::Exit,
    gen_server::{GenServer, Init, InitError},
    message::{Exited, Handled, Handler, Message},
    names::is_alive,
    pid::ProcessId,
    scheduler,
};

/// A process that starts its children in order, restarts those that end, and stops them in reverse.
///
/// Made by [`Supervisor::one_for_one`], [`Supervisor::one_for_all`] or [`Supervisor::rest_for_one`]: each gives a
/// [`ChildSpec`], to be run by a [`Node`](crate::Node) or as a child of another supervisor.
///
/// ```
/// use std::time::Duration;
/// use throng_runtime::{Address, Ctx, Exit, GenServer, Handled, Handler, Init, Message, Name, Node, Supervisor};
///
/// struct Count;
/// impl Message for Count {
///     type Reply = u64;
/// }
///
/// struct Counter(u64);
/// impl GenServer for Counter {
///     type Args = ();
///     async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> {
///         Ok(Counter(0))
///     }
/// }
/// impl Handler<Count> for Counter {
///     async fn handle(&mut self, _: Count, _: &mut Ctx<Self>) -> Handled<Count> {
///         self.0 += 1;
///         Ok(self.0)
///     }
/// }
///
/// const COUNTER: Name<Counter> = Name::new("counter");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// let tree = Supervisor::one_for_one("counters")
///     .max_restarts(3, Duration::from_secs(5))
///     .child(Counter::child(()).name(COUNTER));
/// let tree = node.start(tree).await?;
///
/// let first = node.whereis(COUNTER).expect("it was started");
/// node.via(COUNTER).call(Count).await?;
/// node.exit(first, Exit::Kill);
/// node.wait(first).await;
/// // A round trip to the supervisor: it has dealt with the end of its child.
/// assert_eq!(Supervisor::count_children(&tree).await?.active, 1);
/// assert_eq!(node.via(COUNTER).call(Count).await?, 1, "a new incarnation counts from the start");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Supervisor {
    strategy: Strategy,
    intensity: Intensity,
    children: Children,
}

/// What a [`Supervisor`] is started from; its methods are those of `ChildSpec<Supervisor>`.
#[derive(Clone, Debug)]
pub struct SupervisorFlags {
    strategy: Strategy,
    budget: Budget,
    children: Vec<Child>,
}

impl Supervisor {
    /// Only the child that ended is restarted (S10).
    pub fn one_for_one(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        Self::with(id, Strategy::OneForOne)
    }

    /// When one child is restarted, all are (S11).
    pub fn one_for_all(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        Self::with(id, Strategy::OneForAll)
    }

    /// When one child is restarted, so are those that were started after it (S12).
    pub fn rest_for_one(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        Self::with(id, Strategy::RestForOne)
    }

    fn with(id: impl Into<Cow<'static, str>>, strategy: Strategy) -> ChildSpec<Self> {
        let flags = SupervisorFlags { strategy, budget: Budget::default(), children: Vec::new() };
        ChildSpec::supervisor(id, flags)
    }
}

impl ChildSpec<Supervisor> {
    /// Adds a child, started after those that were added before (S5).
    pub fn child(mut self, child: impl IntoChild) -> Self {
        self.args.children.push(child.into_child().erase());
        self
    }

    /// How many restarts within `period` are allowed; with one more the supervisor gives up (S16). Three in five seconds,
    /// unless told otherwise.
    pub fn max_restarts(mut self, restarts: usize, period: Duration) -> Self {
        self.args.budget = Budget { restarts, period };
        self
    }
}

impl GenServer for Supervisor {
    type Args = SupervisorFlags;

    async fn init(flags: SupervisorFlags, ctx: &mut Ctx<Self>) -> Init<Self> {
        check(&flags).map_err(InitError::Start)?;
        ctx.trap_exits();
        let (strategy, intensity) = (flags.strategy, Intensity::new(flags.budget));
        let mut supervisor = Self { strategy, intensity, children: Children::new(flags.children) };
        match supervisor.boot(ctx).await {
            Ok(()) => Ok(supervisor),
            Err(error) => {
                supervisor.stop(0..supervisor.children.len(), ctx).await;
                Err(InitError::Start(error))
            }
        }
    }

    async fn terminate(&mut self, _: &Exit, ctx: &mut Ctx<Self>) {
        self.stop(0..self.children.len(), ctx).await;
    }
}

/// Refuses what could not work, before anything starts (S3).
fn check(flags: &SupervisorFlags) -> Result<(), StartError> {
    let mut ids = BTreeSet::new();
    if let Some(twice) = flags.children.iter().find(|child| !ids.insert(&child.id)) {
        return Err(StartError::Invalid(format!("two children have the id {:?}", twice.id)));
    }
    flags.budget.check()
}

impl Supervisor {
    /// Starts all children for the first time; the first that fails ends it, without a retry (S7).
    async fn boot(&mut self, ctx: &Ctx<Self>) -> Result<(), StartError> {
        let mut at = 0;
        while at < self.children.len() {
            match self.start(at, ctx).await {
                Ok(_) => at += 1,
                // A temporary child that has nothing to do is forgotten (S6).
                Err(StartError::Ignored) if self.children[at].child.restart == Restart::Temporary => {
                    self.children.remove(at);
                }
                Err(StartError::Ignored) => at += 1,
                Err(reason) => {
                    let id = self.children[at].child.id.clone().into_owned();
                    return Err(StartError::Child { id, reason: Box::new(reason) });
                }
            }
        }
        Ok(())
    }

    /// Starts one child, and notes how it is.
    async fn start(&mut self, at: usize, ctx: &Ctx<Self>) -> Result<ProcessId, StartError> {
        let place = &mut self.children[at];
        let started = (place.child.start)(ctx.node().clone(), ctx.id()).await;
        place.status = match &started {
            Ok(pid) => ChildStatus::Running(*pid),
            Err(_) => ChildStatus::Stopped,
        };
        started
    }

    /// Restarts a child, and with it those that the strategy names. One count, however many they are (S17); a start that
    /// fails is tried again by way of the mailbox, so that requests are handled between attempts (S19).
    async fn restart(&mut self, failed: usize, ctx: &mut Ctx<Self>) {
        if !self.intensity.admit(scheduler::now()) {
            report::gave_up(ctx.id(), &self.children.remove(failed).child);
            ctx.stop(Exit::Shutdown);
            return;
        }
        let group = self.strategy.group(failed, self.children.len());
        self.stop(group.clone(), ctx).await;
        for at in self.children.forget_temporary(group) {
            match self.start(at, ctx).await {
                // What has nothing to do any more stays known (S21).
                Ok(_) | Err(StartError::Ignored) => {}
                Err(error) => return self.retry_later(at, &error, ctx),
            }
        }
    }

    fn retry_later(&mut self, at: usize, error: &StartError, ctx: &Ctx<Self>) {
        let place = &mut self.children[at];
        place.status = ChildStatus::Restarting;
        report::restart_failed(ctx.id(), &place.child, error);
        // A pid is an address of its own: it always resolves.
        let _ = ctx.me().cast(Retry(place.child.id.clone().into_owned()));
    }

    /// Stops those of a group that run, in reverse order, one at a time (S23).
    async fn stop(&mut self, group: Range<usize>, ctx: &Ctx<Self>) {
        for at in group.rev() {
            self.stop_one(at, ctx).await;
        }
    }

    async fn stop_one(&mut self, at: usize, ctx: &Ctx<Self>) {
        let place = &mut self.children[at];
        if let ChildStatus::Running(pid) = place.status {
            let reason = stop::stop(ctx.id(), pid, place.child.shutdown).await;
            report::stopped(&place.child, &reason);
        }
        place.status = ChildStatus::Stopped;
    }
}

/// A child ended, or a stranger did, which is nothing to a supervisor (S4).
#[diagnostic::do_not_recommend]
impl Handler<Exited> for Supervisor {
    async fn handle(&mut self, exited: Exited, ctx: &mut Ctx<Self>) -> Handled<Exited> {
        // A child that only says so is still alive. One that was replaced or stopped meanwhile is not found (S15).
        let ended = exited.pid.filter(|pid| !is_alive(*pid));
        let Some(at) = ended.and_then(|pid| self.children.running(pid)) else { return Ok(()) };
        let place = &mut self.children[at];
        match Fate::of(place.child.restart, &exited.reason) {
            Fate::Restart => {
                report::restarting(ctx.id(), &place.child, &exited.reason);
                place.status = ChildStatus::Restarting;
                self.restart(at, ctx).await;
            }
            Fate::Keep => place.status = ChildStatus::Stopped,
            Fate::Forget => drop(self.children.remove(at)),
        }
        Ok(())
    }
}

/// A restart that failed is to be tried again.
struct Retry(String);

impl Message for Retry {
    type Reply = ();
}

#[diagnostic::do_not_recommend]
impl Handler<Retry> for Supervisor {
    async fn handle(&mut self, Retry(id): Retry, ctx: &mut Ctx<Self>) -> Handled<Retry> {
        // Stopped, deleted or started meanwhile: nothing is left to retry (S22).
        match self.children.find(&id) {
            Some(at) if self.children[at].status == ChildStatus::Restarting => self.restart(at, ctx).await,
            _ => {}
        }
        Ok(())
    }
}

/// The kind of every supervisor, and the shutdown that lets a subtree finish (S1, S26).
impl<S: GenServer> ChildSpec<S> {
    pub(crate) fn supervisor(id: impl Into<Cow<'static, str>>, args: S::Args) -> Self {
        let mut spec = Self::new(args).id(id).shutdown(Shutdown::Infinity);
        spec.kind = ChildKind::Supervisor;
        spec
    }
}
