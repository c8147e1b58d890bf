//! The life of a process: start, receive loop, end.
//!
//! ```text
//!   start: slot, name, link ─► init ─► receive ─► terminate ─► state dropped ─► names freed
//!                                         │  fatal signal          ▲             ─► links, monitors told
//!                                         └────────────────────────┘             ─► mailbox dropped, slot given back
//! ```
//!
//! A body is one future that the backend polls. Every piece of user code in it runs under a [`Guarded`], which catches
//! panics and drops the code when a fatal signal arrives at an await point. Whatever happens to the body (even a runtime that is
//! torn down), the end runs once: it belongs to [`Life`], whose drop does what was not done (X8).

mod guarded;
mod life;
mod server;

use std::{
    any::type_name,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;

pub(crate) use self::guarded::Watch;
use self::{
    guarded::{Guarded, Interrupted},
    life::Life,
    server::{Started, serve},
};
use crate::{
    address::CallFailure,
    call::{ReplyCell, Unanswered, Waiting},
    child::ChildSpec,
    control::{self, Watcher},
    ctx::Ctx,
    error::StartError,
    exit::{Exit, IntoExit},
    gen_server::GenServer,
    inbox::Inbox,
    introspect,
    message::{Down, MonitorRef},
    node::{Node, StopError},
    pid::{Pid, ProcessId},
    post, report,
    scheduler::{
        self, Birth, InitialCall,
        current::{self, Current},
        watchdog,
    },
    signal::{ExitSignal, Signal},
    timer,
};

/// Starts a server and waits for its `init` (G1 to G4).
pub(crate) async fn start<S: GenServer>(
    node: &Node,
    parent: Option<ProcessId>,
    spec: ChildSpec<S>,
) -> Result<Pid<S>, StartError> {
    Starting::begin(node, parent, spec, |_| ())?.0.finish().await
}

/// As [`start`], with a wait for its end from before its first instruction (G1).
pub(crate) async fn start_and_wait<S: GenServer>(
    node: &Node,
    spec: ChildSpec<S>,
) -> Result<(Pid<S>, impl Future<Output = Exit> + Send + use<S>), StartError> {
    let (starting, ended) = Starting::begin(node, None, spec, wait)?;
    Ok((starting.finish().await?, ended))
}

/// As [`start`], with a monitor of `owner` from before its first instruction (G1).
pub(crate) async fn start_monitor<S: GenServer>(
    node: &Node,
    owner: ProcessId,
    spec: ChildSpec<S>,
    message: fn(scheduler::Generation, Down) -> scheduler::Envelope,
) -> Result<(Pid<S>, MonitorRef), StartError> {
    let monitor = |id| control::monitor(id, Watcher::Process { id: owner, message });
    let (starting, monitor) = Starting::begin(node, None, spec, monitor)?;
    let mut unneeded = FlushOnDrop { owner, monitor, needed: false };
    let pid = starting.finish().await?;
    unneeded.needed = true;
    Ok((pid, monitor))
}

/// A server that has been spawned and has not said how its `init` went. Dropping this kills it.
struct Starting<S> {
    pid: Pid<S>,
    parent: Option<ProcessId>,
    limit: Option<Duration>,
    outcome: Waiting<Result<(), StartError>>,
    over: bool,
}

impl<S: GenServer> Starting<S> {
    /// Claims the name, links, does what `before` says, and spawns.
    fn begin<R>(
        node: &Node,
        parent: Option<ProcessId>,
        spec: ChildSpec<S>,
        before: impl FnOnce(ProcessId) -> R,
    ) -> Result<(Self, R), StartError> {
        if cfg!(panic = "abort") {
            return Err(StartError::PanicAbort);
        }
        let (started, outcome) = Started::alone();
        let call = InitialCall { name: type_name::<S>, bytes: const { server_bytes(serve::<S>) } };
        let life = Life::begin(Some(started), Birth::new(node.number(), call));
        let pid = Pid::<S>::of(life.id);
        furnish(life.id, &spec);
        if let Some(via) = spec.resolve_name(node) {
            via.claim(pid)?;
        }
        if let Some(parent) = parent {
            // The starter runs this very code, so it is alive unless it was killed since: then the child would be an orphan.
            control::adopt(life.id, parent).map_err(|_| StartError::Exited(Exit::NoProcess))?;
            introspect::descend(node, life.id, parent);
        }
        let prepared = before(life.id);
        node.spawn_body(Body::new(
            pid.id(),
            node,
            serve::<S>(life, node.clone(), parent, Box::new(spec.args)),
        ));
        Ok((Self { pid, parent, limit: spec.start_timeout, outcome, over: false }, prepared))
    }

    async fn finish(mut self) -> Result<Pid<S>, StartError> {
        let outcome = match self.limit {
            None => Some((&mut self.outcome).await),
            Some(limit) => timer::within(limit, &mut self.outcome).await,
        };
        let (pid, limit) = (self.pid, self.limit);
        self.over = outcome.is_some();
        drop(self);
        match (outcome, limit) {
            (Some(Ok(outcome)), _) => outcome.map(|()| pid),
            (Some(Err(CallFailure::Exited(reason))), _) => Err(StartError::Exited(reason)),
            (Some(Err(_)), _) => Err(StartError::Exited(Exit::Killed)),
            (None, limit) => {
                wait(pid.id()).await;
                Err(StartError::Timeout(limit.unwrap_or_default()))
            }
        }
    }
}

impl<S> Drop for Starting<S> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        // Not by its link as well, should `init` have ended at this very moment (G4).
        if let Some(parent) = self.parent {
            control::unlink(parent, self.pid.id());
        }
        request_exit(None, self.pid.id(), Exit::Kill);
    }
}

/// Gives a server that nobody knows yet what its specification asks for.
fn furnish<S: GenServer>(id: ProcessId, spec: &ChildSpec<S>) {
    let slot = scheduler::slot(id);
    slot.mark_server();
    if let Some(bounds) = spec.mailbox {
        post::bound(id, bounds);
    }
    if let (Some(idle), Some(mut control)) = (spec.hibernate_after, slot.control(id)) {
        control.get().hibernate_after = Some(idle);
    }
    if let Some(label) = spec.label.clone().or_else(|| spec.id.as_deref().map(Into::into)) {
        introspect::set_label(id, label);
    }
}

/// Takes the monitor of a start that failed away, with its `Down`.
struct FlushOnDrop {
    owner: ProcessId,
    monitor: MonitorRef,
    needed: bool,
}

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        if !self.needed {
            control::demonitor_flush(self.owner, self.monitor);
        }
    }
}

/// What a raw process runs.
pub(crate) type RawCode = Pin<Box<dyn Future<Output = Exit> + Send>>;

/// Starts a raw process.
pub(crate) fn spawn<F, Fut>(node: &Node, parent: Option<ProcessId>, body: F) -> ProcessId
where
    F: FnOnce(Ctx) -> Fut + Send + 'static,
    Fut: Future<Output: IntoExit> + Send + 'static,
{
    let code = |ctx: Ctx| -> RawCode { Box::pin(async move { body(ctx).await.into_exit() }) };
    launch_as::<F>(node, parent, None, size_of::<Fut>(), code)
}

/// Starts a raw process that `owner` monitors from its first instruction.
pub(crate) fn spawn_monitored<F, Fut>(
    node: &Node,
    owner: ProcessId,
    message: fn(scheduler::Generation, Down) -> scheduler::Envelope,
    body: F,
) -> (ProcessId, MonitorRef)
where
    F: FnOnce(Ctx) -> Fut + Send + 'static,
    Fut: Future<Output: IntoExit> + Send + 'static,
{
    let mut monitor = MonitorRef(0);
    let id = launch_as::<F>(node, None, None, size_of::<Fut>(), |ctx| {
        monitor = control::monitor(ctx.id(), Watcher::Process { id: owner, message });
        Box::pin(async move { body(ctx).await.into_exit() })
    });
    (id, monitor)
}

/// Starts a raw process whose code is made with its context; its end settles `promise` at the latest. Observers see the
/// type `K` as what it runs, with a future of so many bytes.
pub(crate) fn launch_as<K>(
    node: &Node,
    parent: Option<ProcessId>,
    promise: Option<Arc<dyn Unanswered>>,
    bytes: usize,
    code: impl FnOnce(Ctx) -> RawCode,
) -> ProcessId {
    launch(node, parent, promise, InitialCall { name: type_name::<K>, bytes }, code)
}

/// As [`launch_as`], when the type that observers see has been forgotten.
pub(crate) fn launch(
    node: &Node,
    parent: Option<ProcessId>,
    promise: Option<Arc<dyn Unanswered>>,
    work: InitialCall,
    code: impl FnOnce(Ctx) -> RawCode,
) -> ProcessId {
    launch_watched(node, parent, promise, work, |ctx: Ctx| {
        let inbox = Inbox::new(ctx.id());
        (code(ctx), inbox)
    })
}

/// A process that ended before anybody asked: its identity finds no process, now and ever.
pub(crate) fn nobody() -> ProcessId {
    static NOBODY: LazyLock<ProcessId> = LazyLock::new(|| {
        let call = InitialCall { name: || "nobody", bytes: 0 };
        Life::<dyn Unanswered>::begin(None, Birth::new(0, call)).id
    });
    *NOBODY
}

/// As [`launch_as`], for code that comes with what watches it.
pub(crate) fn launch_watched<S, I: Watch>(
    node: &Node,
    parent: Option<ProcessId>,
    promise: Option<Arc<dyn Unanswered>>,
    work: InitialCall,
    code: impl FnOnce(Ctx<S>) -> (RawCode, I),
) -> ProcessId {
    let call = InitialCall { bytes: work.bytes + const { body_bytes(run::<I>) }, ..work };
    let life = Life::begin(promise, Birth::new(node.number(), call));
    let id = life.id;
    if let Some(parent) = parent {
        // As in `Starting::begin`; a parent that is gone has nobody to tell. Only servers follow their parents (G17).
        let _ = control::link(id, parent);
        introspect::descend(node, id, parent);
    }
    let (code, inbox) = code(Ctx::new(id, parent, node.clone()));
    node.spawn_body(Body::new(id, node, run(life, code, inbox)));
    id
}

/// The life of a raw process.
#[expect(clippy::manual_async_fn, reason = "an async fn keeps its arguments twice in its future")]
fn run<I: Watch>(
    life: Life<dyn Unanswered>,
    code: RawCode,
    mut inbox: I,
) -> impl Future<Output = ()> + Send + use<I> {
    async move {
        let ended = Guarded::new(code, &mut inbox).await;
        let reason = match ended.map_err(|interrupted| *interrupted) {
            Ok(reason) | Err(Interrupted::Panicked(reason)) => {
                report::raw_crash(life.id, &reason);
                reason
            }
            Err(Interrupted::Ended(reason)) => reason,
        };
        life.begin_exit();
        life.end(&reason, inbox.into_rest(), None);
    }
}

/// Stops a process in an orderly way and waits (G18).
pub(crate) async fn stop(id: ProcessId, reason: Exit, timeout: Option<Duration>) -> Result<(), StopError> {
    if current::id() == Some(id) {
        return Err(StopError::CallingSelf);
    }
    // Before the request: an end that comes at once would be missed.
    let ended = wait(id);
    request_shutdown(id, reason.clone());
    let ended = match timeout {
        None => ended.await,
        Some(limit) => timer::within(limit, ended).await.ok_or(StopError::Timeout(limit))?,
    };
    match ended {
        Exit::NoProcess => Err(StopError::NoProcess(id)),
        ended if ended.is_same(&reason) => Ok(()),
        ended => Err(StopError::Exited(ended)),
    }
}

/// Asks a process to end (P16 to P19).
pub(crate) fn request_exit(from: Option<ProcessId>, to: ProcessId, reason: Exit) {
    scheduler::signal(to, Signal::Exit(ExitSignal { from, reason, by_link: false }));
}

/// Asks a process to end in an orderly way, as its supervisor does: `terminate` runs.
pub(crate) fn request_shutdown(to: ProcessId, reason: Exit) {
    scheduler::signal(to, Signal::Shutdown(reason));
}

/// Resolves with the exit reason when the process is gone; with `NoProcess` if it was already when this was called.
pub(crate) fn wait(id: ProcessId) -> impl Future<Output = Exit> + Send {
    struct Forget(ProcessId, MonitorRef);
    impl Drop for Forget {
        fn drop(&mut self) {
            control::forget_watcher(self.0, self.1);
        }
    }
    let (tell, told) = ReplyCell::alone();
    let hook = Box::new(move |down: Down| drop(tell.settle(Ok(down.reason))));
    let forget = Forget(id, control::monitor(id, Watcher::Hook { owner: None, hook }));
    async move {
        let _forget = forget;
        told.await.unwrap_or(Exit::NoProcess)
    }
}

pin_project! {
    /// What a backend polls: a process' code, run as that process.
    struct Body<F> {
        current: Option<Current>,
        #[pin]
        code: F,
    }
}

impl<F> Body<F> {
    fn new(id: ProcessId, node: &Node, code: F) -> Self {
        Self { current: Some(Current::new(id, node.clone())), code }
    }
}

impl<F: Future<Output = ()>> Future for Body<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if let Some(current) = this.current {
            // Before any look at the mailbox, so that a push which that look misses finds the waker.
            current.polled_by(cx.waker());
        }
        let code = this.code;
        current::enter(this.current, || watchdog::watch(|| code.poll(cx)))
    }
}

/// The bytes of what a server's life becomes.
const fn server_bytes<A, B, C, D, F>(_: fn(A, B, C, D) -> F) -> usize {
    size_of::<Body<F>>()
}

/// The bytes of what a raw process' life becomes, without its code.
const fn body_bytes<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
    size_of::<Body<F>>()
}
