//! Dynamic supervisors: children that come and go, of one supervisor and no order.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use super::{
    ChildCount, ChildError, ChildInfo, ChildStatus,
    intensity::{Budget, Intensity},
    plan::Fate,
    report,
    requests::{CountChildren, StartChild, WhichChildren},
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
    names::is_alive,
    pid::{Pid, ProcessId},
    scheduler,
};

/// A supervisor that starts empty and whose children are started on demand: rooms, sessions, connections (D1).
///
/// Children are restarted one for one, and share one budget of restarts: a child that crashes without end takes the
/// supervisor, and with it all others, down (D4). Give it a budget that fits its number of children. It stops all children at
/// once (D6).
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
    children: HashMap<ProcessId, DynamicChild>,
}

/// What a [`DynamicSupervisor`] is started from; its methods are those of `ChildSpec<DynamicSupervisor>`.
#[derive(Clone, Debug)]
pub struct DynamicSupervisorFlags {
    children_max: usize,
    budget: Budget,
}

#[derive(Debug)]
struct DynamicChild {
    /// For a temporary child without its factory, which nothing would call again (D7).
    child: Child,
    /// Its last restart failed; it is known by its old pid until one succeeds.
    is_restarting: bool,
}

impl DynamicSupervisor {
    /// One without children.
    pub fn new(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        let flags = DynamicSupervisorFlags { children_max: usize::MAX, budget: Budget::default() };
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
    /// otherwise.
    pub fn max_restarts(mut self, restarts: usize, period: Duration) -> Self {
        self.args.budget = Budget { restarts, period };
        self
    }
}

/// Requests to a running dynamic supervisor. They wait for as long as it takes: it starts one child at a time (D8).
///
/// # Cancel safety
///
/// Dropping one of the futures gives up the answer; what was asked is done all the same.
impl DynamicSupervisor {
    /// Starts a child.
    ///
    /// # Errors
    ///
    /// [`ChildError::MaxChildren`], [`ChildError::Start`] (nothing is kept), [`ChildError::Supervisor`].
    pub async fn start_child<S: GenServer>(
        supervisor: &impl Address<Self>,
        child: impl IntoChild<Server = S>,
    ) -> Result<Pid<S>, ChildError> {
        let started = supervisor.call(StartChild(child.into_child().erase())).no_timeout().await?;
        started.map(Pid::of)
    }

    /// Stops a child and forgets it. One that is being restarted is known by its old pid (D5).
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`], [`ChildError::Supervisor`].
    pub async fn terminate_child(
        supervisor: &impl Address<Self>,
        child: impl Into<ProcessId>,
    ) -> Result<(), ChildError> {
        supervisor.call(Terminate(child.into())).no_timeout().await?
    }

    /// Its children, in no order.
    ///
    /// # Errors
    ///
    /// The supervisor is not there.
    pub async fn which_children(supervisor: &impl Address<Self>) -> Result<Vec<ChildInfo>, ChildError> {
        Ok(supervisor.call(WhichChildren).no_timeout().await?)
    }

    /// How many children it has.
    ///
    /// # Errors
    ///
    /// The supervisor is not there.
    pub async fn count_children(supervisor: &impl Address<Self>) -> Result<ChildCount, ChildError> {
        Ok(supervisor.call(CountChildren).no_timeout().await?)
    }
}

impl GenServer for DynamicSupervisor {
    type Args = DynamicSupervisorFlags;

    async fn init(flags: DynamicSupervisorFlags, ctx: &mut Ctx<Self>) -> Init<Self> {
        flags.budget.check().map_err(InitError::Start)?;
        ctx.trap_exits();
        let intensity = Intensity::new(flags.budget);
        Ok(Self { children_max: flags.children_max, intensity, children: HashMap::new() })
    }

    async fn terminate(&mut self, _: &Exit, ctx: &mut Ctx<Self>) {
        let running = self.children.drain().filter(|(_, known)| !known.is_restarting);
        let running = running.map(|(pid, known)| (pid, known.child.shutdown)).collect();
        stop::stop_all(ctx.id(), running).await;
    }
}

impl DynamicSupervisor {
    async fn restart(&mut self, old: ProcessId, ctx: &mut Ctx<Self>) {
        let Some(known) = self.children.remove(&old) else { return };
        if !self.intensity.admit(scheduler::now()) {
            report::gave_up(ctx.id(), &known.child);
            ctx.stop(Exit::Shutdown);
            return;
        }
        match (known.child.start)(ctx.node().clone(), ctx.id()).await {
            Ok(new) => self.keep(new, known.child),
            // It has nothing to do any more, and is forgotten (D4); so is one whose name another process took meanwhile, as
            // to try again would only use up what all children share.
            Err(StartError::Ignored) => {}
            Err(error @ StartError::AlreadyStarted(_)) => report::replaced(ctx.id(), &known.child, &error),
            Err(error) => {
                report::restart_failed(ctx.id(), &known.child, &error);
                self.children.insert(old, DynamicChild { is_restarting: true, ..known });
                // A pid is an address of its own: it always resolves.
                let _ = ctx.me().cast(Retry(old));
            }
        }
    }

    fn keep(&mut self, pid: ProcessId, child: Child) {
        self.children.insert(pid, DynamicChild { child, is_restarting: false });
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Exited> for DynamicSupervisor {
    async fn handle(&mut self, exited: Exited, ctx: &mut Ctx<Self>) -> Handled<Exited> {
        let Some(pid) = exited.pid.filter(|pid| !is_alive(*pid)) else { return Ok(()) };
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

/// A restart that failed is to be tried again (S19).
struct Retry(ProcessId);

impl Message for Retry {
    type Reply = ();
}

#[diagnostic::do_not_recommend]
impl Handler<Retry> for DynamicSupervisor {
    async fn handle(&mut self, Retry(old): Retry, ctx: &mut Ctx<Self>) -> Handled<Retry> {
        if self.children.get(&old).is_some_and(|known| known.is_restarting) {
            self.restart(old, ctx).await;
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
            self.keep(*pid, if is_temporary { child.without_factory() } else { child });
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
        if !known.is_restarting {
            let reason = stop::stop(ctx.id(), pid, known.child.shutdown).await;
            report::stopped(&known.child, &reason);
        }
        Ok(Ok(()))
    }
}

#[diagnostic::do_not_recommend]
impl Handler<WhichChildren> for DynamicSupervisor {
    async fn handle(&mut self, _: WhichChildren, _: &mut Ctx<Self>) -> Handled<WhichChildren> {
        let info = |(pid, known): (&ProcessId, &DynamicChild)| ChildInfo {
            id: known.child.id.clone().into_owned(),
            status: if known.is_restarting { ChildStatus::Restarting } else { ChildStatus::Running(*pid) },
            kind: known.child.kind,
        };
        Ok(self.children.iter().map(info).collect())
    }
}

#[diagnostic::do_not_recommend]
impl Handler<CountChildren> for DynamicSupervisor {
    async fn handle(&mut self, _: CountChildren, _: &mut Ctx<Self>) -> Handled<CountChildren> {
        let mut count = ChildCount::default();
        for (pid, known) in &self.children {
            count.add(known.child.kind, !known.is_restarting && is_alive(*pid));
        }
        Ok(count)
    }
}
