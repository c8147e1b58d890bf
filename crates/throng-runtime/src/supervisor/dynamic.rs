//! Dynamic supervisors: children that come and go, of one supervisor and no order.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use super::{
    AutoShutdown, ChildCount, ChildError, ChildInfo, ChildStatus,
    intensity::{Budget, Intensity},
    plan::Fate,
    report,
    requests::{CountChildren, StartChild, WhichChildren, ask},
    retry::{Pending, Retries, Retry},
    stop,
};
use crate::{
    address::Address,
    child::{Child, ChildSpec, IntoChild, Restart},
    ctx::Ctx,
    error::StartError,
    exit::Exit,
    gen_server::{GenServer, Init, InitError},
    message::{Exited, Handled, Handler, Message},
    pid::{Pid, ProcessId},
    scheduler,
};

/// A supervisor that starts empty and whose children are started on demand: rooms, sessions, connections (D1).
///
/// Children are restarted one for one, and share one budget of restarts: a child that crashes without end takes the
/// supervisor, and with it all others, down (D4). Give it a budget that fits its number of children, or
/// [each child one of its own](ChildSpec::<DynamicSupervisor>::per_child_restarts). It stops all children at once (D6).
///
/// ```
/// use throng_runtime::{Address, Ctx, DynamicSupervisor, GenServer, Init, Name, Node, Supervisor};
///
/// struct Room;
/// impl GenServer for Room {
///     type Args = &'static str;
///     async fn init(_name: &'static str, _: &mut Ctx<Self>) -> Init<Self> {
///         Ok(Room)
///     }
/// }
///
/// const ROOMS: Name<DynamicSupervisor> = Name::new("rooms");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// node.start(Supervisor::one_for_one("tree").child(DynamicSupervisor::new("rooms").name(ROOMS))).await?;
///
/// let rooms = node.via(ROOMS);
/// let lobby = DynamicSupervisor::start_child(&rooms, Room::child("lobby")).await?;
/// assert_eq!(DynamicSupervisor::count_children(&rooms).await?.active, 1);
/// DynamicSupervisor::terminate_child(&rooms, lobby).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct DynamicSupervisor {
    children_max: usize,
    intensity: Intensity,
    per_child: Option<Budget>,
    retries: Retries,
    children: HashMap<ProcessId, DynamicChild>,
}

/// What a [`DynamicSupervisor`] is started from; its methods are those of `ChildSpec<DynamicSupervisor>`.
#[derive(Clone, Debug)]
pub struct DynamicSupervisorFlags {
    children_max: usize,
    shared: Option<Budget>,
    per_child: Option<Budget>,
}

#[derive(Debug)]
struct DynamicChild {
    /// For a temporary child without its factory, which nothing would call again (D7).
    child: Child,
    /// Made when it is restarted for the first time; most children never are.
    restarts: Option<Box<Restarts>>,
}

/// What is known of a child that was restarted.
#[derive(Debug, Default)]
struct Restarts {
    /// How often its start has failed since it last succeeded.
    failures: u32,
    /// Its last restart failed, and this attempt comes next; it is known by its old pid until one succeeds.
    pending: Option<Pending>,
    /// What it has used of its own budget, if it has one.
    own: Option<Intensity>,
}

impl DynamicSupervisor {
    /// One without children.
    pub fn new(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        let flags = DynamicSupervisorFlags { children_max: usize::MAX, shared: None, per_child: None };
        ChildSpec::supervisor(id, flags)
    }
}

impl ChildSpec<DynamicSupervisor> {
    /// How many children it may have, those that are being restarted included (D2). Any number, unless told otherwise.
    pub fn max_children(mut self, children: usize) -> Self {
        self.args.children_max = children;
        self
    }

    /// How many restarts within `period` are allowed to all its children together (D4). Three in five seconds, unless told
    /// otherwise; `usize::MAX` is no limit.
    pub fn max_restarts(mut self, restarts: usize, period: Duration) -> Self {
        self.args.shared = Some(Budget { restarts, period });
        self
    }

    /// How many restarts within `period` are allowed to each child. One that needs more is not restarted: it is
    /// reported and forgotten, and the others go on (D4, an extension).
    ///
    /// There is no shared budget then, unless [`max_restarts`](ChildSpec::<DynamicSupervisor>::max_restarts) gives one as
    /// well; that one takes the supervisor down as ever.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use throng_runtime::DynamicSupervisor;
    /// // One broken room of ten thousand is dropped when it crashes for the fourth time in a minute.
    /// let rooms = DynamicSupervisor::new("rooms").per_child_restarts(3, Duration::from_secs(60));
    /// ```
    pub fn per_child_restarts(mut self, restarts: usize, period: Duration) -> Self {
        self.args.per_child = Some(Budget { restarts, period });
        self
    }
}

impl DynamicSupervisorFlags {
    /// What all children share: with budgets of their own they share none, unless it was given (D4).
    fn shared(&self) -> Budget {
        match (self.shared, self.per_child) {
            (Some(budget), _) => budget,
            (None, Some(own)) => Budget { restarts: usize::MAX, ..own },
            (None, None) => Budget::default(),
        }
    }

    /// Refuses what could not work (S3).
    fn check(&self) -> Result<(), StartError> {
        self.shared().check()?;
        self.per_child.map_or(Ok(()), Budget::check)
    }
}

/// Requests to a running dynamic supervisor. They wait for as long as it takes: it starts one child at a time (D8).
impl DynamicSupervisor {
    /// Starts a child.
    ///
    /// # Errors
    ///
    /// [`ChildError::MaxChildren`], [`ChildError::Start`] (nothing is kept; what cannot work, such as a
    /// [significant](ChildSpec::significant) child, is refused without asking the supervisor: D2), [`ChildError::Supervisor`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the child is started all the same.
    pub async fn start_child<S: GenServer>(
        supervisor: &impl Address<Self>,
        child: impl IntoChild<Server = S>,
    ) -> Result<Pid<S>, ChildError> {
        let child = child.into_child().erase();
        child.check(AutoShutdown::Never).map_err(ChildError::Start)?;
        ask(supervisor, StartChild(child)).await?.map(Pid::of)
    }

    /// Stops a child and forgets it. One that is being restarted is known by its old pid (D5).
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`], [`ChildError::Supervisor`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the child is stopped all the same.
    pub async fn terminate_child(
        supervisor: &impl Address<Self>,
        child: impl Into<ProcessId>,
    ) -> Result<(), ChildError> {
        ask(supervisor, Terminate(child.into())).await?
    }

    /// Its children, in no order.
    ///
    /// # Errors
    ///
    /// The supervisor is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer, nothing else.
    pub async fn which_children(supervisor: &impl Address<Self>) -> Result<Vec<ChildInfo>, ChildError> {
        ask(supervisor, WhichChildren).await
    }

    /// How many children it has.
    ///
    /// # Errors
    ///
    /// The supervisor is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer, nothing else.
    pub async fn count_children(supervisor: &impl Address<Self>) -> Result<ChildCount, ChildError> {
        ask(supervisor, CountChildren).await
    }
}

impl GenServer for DynamicSupervisor {
    type Args = DynamicSupervisorFlags;

    async fn init(flags: DynamicSupervisorFlags, ctx: &mut Ctx<Self>) -> Init<Self> {
        flags.check().map_err(InitError::Start)?;
        ctx.trap_exits();
        Ok(Self {
            children_max: flags.children_max,
            intensity: Intensity::new(flags.shared()),
            per_child: flags.per_child,
            retries: Retries::new(),
            children: HashMap::new(),
        })
    }

    async fn terminate(&mut self, _: &Exit, ctx: &mut Ctx<Self>) {
        let running = self.children.drain().filter(|(_, known)| !known.is_restarting());
        let running = running.map(|(pid, known)| (pid, known.child.shutdown)).collect();
        stop::stop_all(ctx.id(), running).await;
    }
}

impl DynamicChild {
    fn is_restarting(&self) -> bool {
        self.restarts.as_ref().is_some_and(|restarts| restarts.pending.is_some())
    }

    fn status(&self, pid: ProcessId) -> ChildStatus {
        if self.is_restarting() { ChildStatus::Restarting } else { ChildStatus::Running(pid) }
    }

    /// Counts a restart against the child's own budget; false when it is one too many.
    fn admit(&mut self, budget: Option<Budget>) -> bool {
        let Some(budget) = budget else { return true };
        let own = &mut self.restarts.get_or_insert_default().own;
        own.get_or_insert_with(|| Intensity::new(budget)).admit(scheduler::now())
    }

    /// It runs again, or for the first time.
    fn started(&mut self) {
        if let Some(restarts) = &mut self.restarts {
            (restarts.failures, restarts.pending) = (0, None);
        }
    }
}

impl DynamicSupervisor {
    async fn restart(&mut self, old: ProcessId, ctx: &mut Ctx<Self>) {
        let Some(mut known) = self.children.remove(&old) else { return };
        if !known.admit(self.per_child) {
            report::dropped(ctx.id(), &known.child);
            return;
        }
        if !self.intensity.admit(scheduler::now()) {
            report::gave_up(ctx.id(), &known.child);
            ctx.stop(Exit::Shutdown);
            return;
        }
        match (known.child.start)(ctx.node().clone(), ctx.id()).await {
            Ok(new) => {
                known.started();
                self.children.insert(new, known);
            }
            // It has nothing to do any more, and is forgotten (D4); so is one whose name another process took meanwhile, as
            // to try again would only use up what all children share.
            Err(StartError::Ignored) => {}
            Err(error @ StartError::AlreadyStarted { .. }) => {
                report::replaced(ctx.id(), &known.child, &error)
            }
            Err(error) => {
                report::restart_failed(ctx.id(), &known.child, &error);
                self.retry_later(old, known, ctx);
            }
        }
    }

    fn retry_later(&mut self, old: ProcessId, mut known: DynamicChild, ctx: &Ctx<Self>) {
        let restarts = known.restarts.get_or_insert_default();
        restarts.failures = restarts.failures.saturating_add(1);
        restarts.pending = Some(self.retries.plan(&known.child, old, restarts.failures, ctx));
        self.children.insert(old, known);
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Exited> for DynamicSupervisor {
    async fn handle(&mut self, exited: Exited, ctx: &mut Ctx<Self>) -> Handled<Exited> {
        let Some(pid) = exited.pid.filter(|_| exited.by_link) else { return Ok(()) };
        let Some(known) = self.children.get(&pid) else { return Ok(()) };
        match Fate::of(known.child.restart, &exited.reason) {
            Fate::Restart => {
                report::restarting(ctx.id(), &known.child, &exited.reason);
                self.restart(pid, ctx).await;
            }
            Fate::Keep | Fate::Forget => drop(self.children.remove(&pid)),
        }
        Ok(())
    }
}

/// The next attempt at a restart that failed (S19).
#[diagnostic::do_not_recommend]
impl Handler<Retry<ProcessId>> for DynamicSupervisor {
    async fn handle(&mut self, retry: Retry<ProcessId>, ctx: &mut Ctx<Self>) -> Handled<Retry<ProcessId>> {
        let restarts = self.children.get(&retry.child).and_then(|known| known.restarts.as_ref());
        let pending = restarts.and_then(|restarts| restarts.pending.as_ref());
        if pending.is_some_and(|pending| pending.is_for(retry.ticket)) {
            self.restart(retry.child, ctx).await;
        }
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<StartChild> for DynamicSupervisor {
    async fn handle(&mut self, StartChild(child): StartChild, ctx: &mut Ctx<Self>) -> Handled<StartChild> {
        if self.children.len() >= self.children_max {
            return Ok(Err(ChildError::MaxChildren(self.children_max)));
        }
        let started = (child.start)(ctx.node().clone(), ctx.id()).await;
        if let Ok(pid) = &started {
            let is_temporary = child.restart == Restart::Temporary;
            let child = if is_temporary { child.without_factory() } else { child };
            self.children.insert(*pid, DynamicChild { child, restarts: None });
        }
        Ok(started.map_err(ChildError::Start))
    }
}

struct Terminate(ProcessId);

impl Message for Terminate {
    type Reply = Result<(), ChildError>;
}

#[diagnostic::do_not_recommend]
impl Handler<Terminate> for DynamicSupervisor {
    async fn handle(&mut self, Terminate(pid): Terminate, ctx: &mut Ctx<Self>) -> Handled<Terminate> {
        let Some(known) = self.children.remove(&pid) else { return Ok(Err(ChildError::NotFound)) };
        if !known.is_restarting() {
            let reason = stop::stop(ctx.id(), pid, known.child.shutdown).await;
            report::stopped(&known.child, &reason);
        }
        Ok(Ok(()))
    }
}

#[diagnostic::do_not_recommend]
impl Handler<WhichChildren> for DynamicSupervisor {
    async fn handle(&mut self, _: WhichChildren, _: &mut Ctx<Self>) -> Handled<WhichChildren> {
        Ok(self.children.iter().map(|(pid, known)| ChildInfo::of(&known.child, known.status(*pid))).collect())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<CountChildren> for DynamicSupervisor {
    async fn handle(&mut self, _: CountChildren, _: &mut Ctx<Self>) -> Handled<CountChildren> {
        Ok(self.children.iter().map(|(pid, known)| (&known.child, known.status(*pid))).collect())
    }
}
