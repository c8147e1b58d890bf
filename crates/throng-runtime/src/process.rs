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

use std::{
    any::type_name,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use crate::{
    address::CallFailure,
    child::ChildSpec,
    control::{self, Control, Watcher},
    ctx::Ctx,
    error::StartError,
    exit::{Exit, IntoExit},
    gen_server::{GenServer, InitError},
    inbox::{Event, Inbox},
    message::Down,
    node::{Node, StopError},
    pid::{Pid, ProcessId},
    reply::Unanswered,
    scheduler::{
        self, Queue, Slot,
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
    start_observed(node, parent, spec, |_| ()).await.map(|(pid, ())| pid)
}

/// Starts a server that is observed before it runs.
pub(crate) async fn start_observed<S: GenServer, O>(
    node: &Node,
    parent: Option<ProcessId>,
    spec: ChildSpec<S>,
    observe: impl FnOnce(ProcessId) -> O,
) -> Result<(Pid<S>, O), StartError> {
    if cfg!(panic = "abort") {
        return Err(StartError::PanicAbort);
    }
    let limit = spec.start_timeout;
    let life = Life::begin(node);
    let pid = Pid::<S>::of(life.id);
    if let Some(via) = spec.resolve_name(node) {
        via.naming().claim(pid).map_err(StartError::AlreadyStarted)?;
    }
    if let Some(parent) = parent {
        // The starter runs this very code, so it is alive unless it was killed since: then the child would be an orphan.
        control::link(life.id, parent).map_err(|_| StartError::Exited(Exit::NoProcess))?;
    }
    let observer = observe(life.id);
    let (started, outcome) = oneshot::channel();
    let mut unfinished = KillOnDrop(Some(pid.id()));
    node.spawn_body(Body::new(pid.id(), node, serve::<S>(life, parent, spec.args, started)));
    let finished = match limit {
        None => Some(outcome.await),
        Some(limit) => timer::within(limit, outcome).await,
    };
    match (finished, limit) {
        (Some(outcome), _) => {
            unfinished.0 = None;
            outcome.unwrap_or(Err(StartError::Exited(Exit::Killed)))
        }
        (None, limit) => {
            drop(unfinished);
            wait(pid.id()).await;
            Err(StartError::Timeout(limit.unwrap_or_default()))
        }
    }
    .map(|()| (pid, observer))
}

/// Starts a raw process.
pub(crate) fn spawn<F, Fut>(node: &Node, parent: Option<ProcessId>, body: F) -> ProcessId
where
    F: FnOnce(Ctx) -> Fut + Send + 'static,
    Fut: Future<Output: IntoExit> + Send + 'static,
{
    launch(node, parent, None, |ctx| Box::pin(async move { body(ctx).await.into_exit() }))
}

/// Starts a raw process whose code is made with its context; `result` is settled by its end at the latest.
pub(crate) fn launch(
    node: &Node,
    parent: Option<ProcessId>,
    result: Option<Arc<dyn Unanswered>>,
    code: impl FnOnce(Ctx) -> Pin<Box<dyn Future<Output = Exit> + Send>>,
) -> ProcessId {
    let life = Life::begin(node);
    let id = life.id;
    if let Some(parent) = parent {
        // As in `start`; a parent that is gone has nobody to tell.
        let _ = control::link(id, parent);
    }
    let code = code(Ctx::new(id, parent, node.clone()));
    node.spawn_body(Body::new(id, node, run(life, parent, result, code)));
    id
}

/// Stops a process in an orderly way and waits (G18).
pub(crate) async fn stop(id: ProcessId, reason: Exit, timeout: Option<Duration>) -> Result<(), StopError> {
    if current::id() == Some(id) {
        return Err(StopError::CallingSelf);
    }
    request_shutdown(id, reason.clone());
    let ended = match timeout {
        None => wait(id).await,
        Some(limit) => timer::within(limit, wait(id)).await.ok_or(StopError::Timeout(limit))?,
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
    struct Forget(ProcessId, crate::message::MonitorRef);
    impl Drop for Forget {
        fn drop(&mut self) {
            control::forget_watcher(self.0, self.1);
        }
    }
    let (tell, told) = oneshot::channel();
    let hook = Box::new(move |down: Down| drop(tell.send(down.reason)));
    let forget = Forget(id, control::monitor(id, Watcher::Hook(hook)));
    async move {
        let _forget = forget;
        told.await.unwrap_or(Exit::NoProcess)
    }
}

/// Kills a process that is being started when whoever waits for it stops waiting.
struct KillOnDrop(Option<ProcessId>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            request_exit(None, id, Exit::Kill);
        }
    }
}

pin_project! {
    /// What a backend polls: a process' code, run as that process.
    struct Body<F> {
        slot: &'static Slot,
        current: Option<Current>,
        #[pin]
        code: F,
    }
}

impl<F> Body<F> {
    fn new(id: ProcessId, node: &Node, code: F) -> Self {
        Self { slot: scheduler::slot(id), current: Some(Current { id, node: node.clone() }), code }
    }
}

impl<F: Future<Output = ()>> Future for Body<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        // Before any look at the mailbox, so that a push which that look misses finds the waker.
        this.slot.waker.register(cx.waker());
        let code = this.code;
        current::enter(this.current, || watchdog::watch(|| code.poll(cx)))
    }
}

/// The life of a server.
async fn serve<S: GenServer>(
    life: Life,
    parent: Option<ProcessId>,
    args: S::Args,
    started: oneshot::Sender<Result<(), StartError>>,
) {
    let mut inbox = Inbox::new(life.slot, life.id, parent);
    let mut ctx = Ctx::<S>::new(life.id, parent, life.node.clone());
    let init = Guarded::new(Box::pin(S::init(args, &mut ctx)), &mut inbox).await;
    let (error, reason) = match init {
        Outcome::Done(Ok(server)) => return live(life, inbox, ctx, server, started).await,
        Outcome::Done(Err(InitError::Ignore)) => (StartError::Ignored, Exit::Normal),
        Outcome::Done(Err(InitError::Stop(reason))) | Outcome::Panicked(reason) => {
            report_crash(life.id, type_name::<S>(), &reason);
            (StartError::Exited(reason.clone()), reason)
        }
        // The report is that of the process which did not start.
        Outcome::Done(Err(InitError::Start(error))) => (error, Exit::Shutdown),
        Outcome::Ended(reason) => (StartError::Exited(reason.clone()), reason),
    };
    // The starter learns of the failure by its answer, not by an exit signal as well (G3).
    if let Some(parent) = parent {
        control::unlink(life.id, parent);
    }
    life.slot.begin_exit();
    life.end(&reason, inbox.into_rest(), None);
    // An error means that the starter is gone.
    let _ = started.send(Err(error));
}

async fn live<S: GenServer>(
    life: Life,
    mut inbox: Inbox,
    mut ctx: Ctx<S>,
    mut server: S,
    started: oneshot::Sender<Result<(), StartError>>,
) {
    inbox.serve();
    // An error means that the starter is gone; then its `KillOnDrop` has killed this process.
    let _ = started.send(Ok(()));
    let reason = match receive(&mut server, &mut ctx, &mut inbox).await {
        Ending::Orderly(reason) => {
            report_crash(life.id, type_name::<S>(), &reason);
            terminate(&mut server, &mut ctx, &mut inbox, reason).await
        }
        Ending::Abrupt(reason) => reason,
    };
    life.slot.begin_exit();
    drop_quietly(server);
    if let Some(answer) = ctx.take_parting_answer() {
        answer();
    }
    life.end(&reason, inbox.into_rest(), ctx.take_unanswered());
}

/// How the receive loop ended.
enum Ending {
    /// With `terminate`.
    Orderly(Exit),
    /// By a fatal signal.
    Abrupt(Exit),
}

async fn receive<S: GenServer>(server: &mut S, ctx: &mut Ctx<S>, inbox: &mut Inbox) -> Ending {
    loop {
        if let Some(reason) = ctx.take_stop() {
            return Ending::Orderly(reason);
        }
        let envelope = match next(ctx, inbox).await {
            Event::Message(envelope) => envelope,
            Event::Shutdown(reason) => return Ending::Orderly(reason),
            Event::Fatal(reason) => return Ending::Abrupt(reason),
        };
        let handler = match envelope.open(server, ctx) {
            Ok(handler) => handler,
            Err(stray) => {
                stray.abandon(CallFailure::NoProcess);
                continue;
            }
        };
        match Guarded::new(handler, inbox).await {
            Outcome::Done(()) => {}
            Outcome::Panicked(reason) => return Ending::Orderly(reason),
            Outcome::Ended(reason) => return Ending::Abrupt(reason),
        }
    }
}

/// What the server does next: what it wanted to continue with, else what arrives, else its idle timeout.
async fn next<S: GenServer>(ctx: &mut Ctx<S>, inbox: &mut Inbox) -> Event {
    if let Some(first) = ctx.take_first() {
        return Event::Message(first);
    }
    let idle = ctx.take_idle();
    ctx.tidy();
    match idle {
        None => inbox.next().await,
        Some(plan) => match timer::within(plan.after, inbox.next()).await {
            Some(event) => event,
            None => Event::Message((plan.message)(ctx.id())),
        },
    }
}

/// Runs `terminate`; what it ends with is what the process ends with.
async fn terminate<S: GenServer>(server: &mut S, ctx: &mut Ctx<S>, inbox: &mut Inbox, reason: Exit) -> Exit {
    match Guarded::new(Box::pin(server.terminate(&reason, ctx)), inbox).await {
        Outcome::Done(()) => reason,
        Outcome::Panicked(other) | Outcome::Ended(other) => other,
    }
}

/// The life of a raw process.
async fn run(
    life: Life,
    parent: Option<ProcessId>,
    result: Option<Arc<dyn Unanswered>>,
    code: Pin<Box<dyn Future<Output = Exit> + Send>>,
) {
    let mut inbox = Inbox::new(life.slot, life.id, parent);
    let reason = match Guarded::new(code, &mut inbox).await {
        Outcome::Done(reason) | Outcome::Panicked(reason) => {
            report_crash(life.id, "process", &reason);
            reason
        }
        Outcome::Ended(reason) => reason,
    };
    life.slot.begin_exit();
    life.end(&reason, inbox.into_rest(), result);
}

/// User code at work: its panic is caught, and a fatal signal drops it at its await point (P8, P38).
struct Guarded<'a, F: ?Sized> {
    code: Option<Pin<Box<F>>>,
    inbox: &'a mut Inbox,
}

enum Outcome<T> {
    Done(T),
    Panicked(Exit),
    Ended(Exit),
}

impl<'a, F: Future + ?Sized> Guarded<'a, F> {
    fn new(code: Pin<Box<F>>, inbox: &'a mut Inbox) -> Self {
        Self { code: Some(code), inbox }
    }
}

impl<F: Future + ?Sized> Future for Guarded<'_, F> {
    type Output = Outcome<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(reason) = self.inbox.fatal_signal() {
            self.inbox.begin_exit();
            drop_quietly(self.code.take());
            return Poll::Ready(Outcome::Ended(reason));
        }
        let Some(code) = self.code.as_mut() else { return Poll::Pending };
        let polled = catch_unwind(AssertUnwindSafe(|| code.as_mut().poll(cx)));
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Outcome::Done(output),
            Err(payload) => Outcome::Panicked(Exit::from_panic(payload)),
        };
        drop_quietly(self.code.take());
        Poll::Ready(outcome)
    }
}

/// Drops user values; a panic in their destructors must not keep the process from ending (X8).
fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        tracing::error!(reason = %Exit::from_panic(payload), "a destructor panicked in a process that ended");
    }
}

fn report_crash(id: ProcessId, server: &str, reason: &Exit) {
    if !reason.is_clean() {
        tracing::error!(process = %id, server, %reason, "process crashed");
    }
}

/// A process' place, and the duty to end it once.
struct Life {
    slot: &'static Slot,
    id: ProcessId,
    node: Node,
    ended: bool,
}

impl Life {
    fn begin(node: &Node) -> Self {
        let (slot, id) = scheduler::acquire();
        Self { slot, id, node: node.clone(), ended: false }
    }

    /// Tells everybody, in the order of X8, and gives the slot back. The state was dropped before.
    fn end(mut self, reason: &Exit, rest: Queue, unanswered: Option<Arc<dyn Unanswered>>) {
        self.finish(reason, rest, unanswered);
    }

    fn finish(&mut self, reason: &Exit, mut rest: Queue, unanswered: Option<Arc<dyn Unanswered>>) {
        self.ended = true;
        let hooks = self
            .slot
            .control(self.id)
            .and_then(|mut control| control.existing().map(|control| std::mem::take(&mut control.hooks)));
        for hook in hooks.into_iter().flatten() {
            let told = catch_unwind(AssertUnwindSafe(|| hook.process_exited(self.id, reason)));
            if let Err(payload) = told {
                tracing::error!(process = %self.id, reason = %Exit::from_panic(payload), "an exit hook panicked");
            }
        }
        let deferred =
            self.slot.seal().map(|control| tell_observers(self.id, reason, *control)).unwrap_or_default();
        rest.append(self.slot.mailbox.close());
        while let Some(envelope) = rest.pop_front() {
            envelope.abandon(CallFailure::Exited(reason.clone()));
        }
        for call in deferred.into_iter().chain(unanswered) {
            call.abandon(CallFailure::Exited(reason.clone()));
        }
        self.slot.release();
    }
}

/// Tells links and monitors; hands back the calls that were to be answered later.
fn tell_observers(id: ProcessId, reason: &Exit, control: Control) -> Vec<Arc<dyn Unanswered>> {
    let deferred = control.deferred();
    for (monitor, target) in control.watching {
        control::forget_watcher(target, monitor);
    }
    for peer in control.links {
        scheduler::signal(
            peer,
            Signal::Exit(ExitSignal { from: Some(id), reason: reason.clone(), by_link: true }),
        );
    }
    for (monitor, watcher) in control.watchers {
        let down = Down { monitor, pid: id, reason: reason.clone() };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| watcher.tell(down))) {
            tracing::error!(process = %id, reason = %Exit::from_panic(payload), "a monitor's hook panicked");
        }
    }
    deferred
}

impl Drop for Life {
    fn drop(&mut self) {
        if !self.ended {
            self.slot.begin_exit();
            self.finish(&Exit::Killed, Queue::new(), None);
        }
    }
}
