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

mod backoff;
mod children;
mod dynamic;
mod error;
mod intensity;
mod partition;
mod plan;
mod report;
mod requests;
mod retry;
mod spec;
pub(crate) mod stop;

use std::ops::Range;

pub(crate) use self::backoff::Backoff;
use self::{
    children::Children,
    intensity::Intensity,
    plan::{Fate, Strategy},
    retry::{Retries, Retry},
};
pub use self::{
    children::{ChildCount, ChildInfo, ChildStatus},
    dynamic::{DynamicSupervisor, DynamicSupervisorFlags},
    error::ChildError,
    partition::{Partition, PartitionSupervisor, ResizeError},
    plan::AutoShutdown,
    spec::SupervisorFlags,
};
use crate::{
    child::{Child, Restart},
    ctx::Ctx,
    error::StartError,
    exit::Exit,
    gen_server::{GenServer, Init, InitError},
    message::{Exited, Handled, Handler},
    pid::ProcessId,
    scheduler,
};

/// A process that starts its children in order, restarts those that end, and stops them in reverse.
///
/// Made by [`Supervisor::one_for_one`], [`Supervisor::one_for_all`] or [`Supervisor::rest_for_one`]: each gives a
/// [`ChildSpec`](crate::ChildSpec), to be run by a [`Node`](crate::Node) or as a child of another supervisor.
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
    auto_shutdown: AutoShutdown,
    retries: Retries,
    children: Children,
}

impl GenServer for Supervisor {
    type Args = SupervisorFlags;

    async fn init(flags: SupervisorFlags, ctx: &mut Ctx<Self>) -> Init<Self> {
        flags.check().map_err(InitError::Start)?;
        ctx.trap_exits();
        let mut supervisor = Self {
            strategy: flags.strategy,
            intensity: Intensity::new(flags.budget),
            auto_shutdown: flags.auto_shutdown,
            retries: Retries::new(),
            children: Children::new(flags.children),
        };
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
        (place.status, place.failures) = match &started {
            Ok(pid) => (ChildStatus::Running(*pid), 0),
            Err(StartError::Ignored) => (ChildStatus::Stopped, 0),
            Err(_) => (ChildStatus::Stopped, place.failures.saturating_add(1)),
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
        let id = place.child.id.clone().into_owned();
        place.pending = Some(self.retries.plan(&place.child, id, place.failures, ctx));
    }

    /// Ends with a significant child that is not restarted, if it is that kind of supervisor (S33).
    fn follow(&self, ended: &Child, ctx: &mut Ctx<Self>) {
        if self.auto_shutdown.follows(ended, &self.children) {
            report::followed(ctx.id(), ended);
            ctx.stop(Exit::Shutdown);
        }
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
        place.pending = None;
    }
}

/// A child ended, or a stranger did, which is nothing to a supervisor (S4).
#[diagnostic::do_not_recommend]
impl Handler<Exited> for Supervisor {
    async fn handle(&mut self, exited: Exited, ctx: &mut Ctx<Self>) -> Handled<Exited> {
        // What a child only says of its end comes over no link. One that was replaced or stopped meanwhile is not found (S15).
        let ended = exited.pid.filter(|_| exited.by_link);
        let Some(at) = ended.and_then(|pid| self.children.running(pid)) else { return Ok(()) };
        let place = &mut self.children[at];
        match Fate::of(place.child.restart, &exited.reason) {
            Fate::Restart => {
                report::restarting(ctx.id(), &place.child, &exited.reason);
                place.status = ChildStatus::Restarting;
                self.restart(at, ctx).await;
            }
            Fate::Keep => {
                place.status = ChildStatus::Stopped;
                self.follow(&self.children[at].child, ctx);
            }
            Fate::Forget => {
                let ended = self.children.remove(at).child;
                self.follow(&ended, ctx);
            }
        }
        Ok(())
    }
}

/// The next attempt at a restart that failed (S19).
#[diagnostic::do_not_recommend]
impl Handler<Retry<String>> for Supervisor {
    async fn handle(&mut self, retry: Retry<String>, ctx: &mut Ctx<Self>) -> Handled<Retry<String>> {
        if let Some(at) = self.children.awaiting(&retry.child, retry.ticket) {
            self.restart(at, ctx).await;
        }
        Ok(())
    }
}
