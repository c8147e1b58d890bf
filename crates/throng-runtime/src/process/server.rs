//! The life of a server: `init`, the receive loop, `terminate`.

use std::{
    any::type_name,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    guarded::{Guarded, Interrupted},
    life::Life,
};
use crate::{
    address::CallFailure,
    call::ReplyCell,
    control,
    ctx::Ctx,
    error::StartError,
    exit::Exit,
    gen_server::{GenServer, InitError},
    inbox::{Event, Inbox},
    node::Node,
    panics::contain,
    pid::ProcessId,
    report,
    scheduler::Running,
    sys::{self, SysEventKind},
};

/// What whoever starts a server waits for.
pub(super) type Started = ReplyCell<Result<(), StartError>>;

/// Every process is one such future for as long as it lives, so it is kept small: what is captured is used where it is, and
/// what is seldom needed is boxed.
pub(super) fn serve<S: GenServer>(
    mut life: Life<Started>,
    node: Node,
    parent: Option<ProcessId>,
    args: Box<S::Args>,
) -> impl Future<Output = ()> + Send {
    let mut inbox = Inbox::new(life.id);
    let mut ctx = Ctx::<S>::new(life.id, parent, node);
    async move {
        let init = Box::pin(async { S::init(*args, &mut ctx).await });
        let mut server = match Guarded::new(init, &mut inbox).await {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => return fail(life, inbox, &ctx, error.into()),
            Err(interrupted) => return fail(life, inbox, &ctx, interrupted.into()),
        };
        inbox.serve();
        announce(life.promise.take(), Ok(()));
        let ending = receive(&mut server, &mut ctx, &mut inbox).await;
        let reason = match farewell(ending, &mut server, &mut ctx) {
            Ok(last) => last_words::<S>(life.id, Guarded::new(last, &mut inbox).await),
            Err(reason) => reason,
        };
        life.begin_exit();
        contain("a server's destructor", || drop(server));
        end(life, inbox, ctx, &reason);
    }
}

/// How a server did not come to be.
enum Failed {
    /// It had nothing to do.
    Ignored,
    Crashed(Exit),
    /// A process that it cannot do without did not start.
    Child(StartError),
    /// A fatal signal came first.
    Ended(Exit),
}

impl From<InitError> for Failed {
    fn from(error: InitError) -> Self {
        match error {
            InitError::Ignore => Self::Ignored,
            InitError::Stop(reason) => Self::Crashed(reason),
            InitError::Start(error) => Self::Child(error),
        }
    }
}

impl From<Box<Interrupted>> for Failed {
    fn from(interrupted: Box<Interrupted>) -> Self {
        match *interrupted {
            Interrupted::Panicked(reason) => Self::Crashed(reason),
            Interrupted::Ended(reason) => Self::Ended(reason),
        }
    }
}

fn fail<S>(mut life: Life<Started>, inbox: Inbox, ctx: &Ctx<S>, failed: Failed) {
    let (error, reason) = match failed {
        Failed::Ignored => (StartError::Ignored, Exit::Normal),
        Failed::Ended(reason) => (StartError::Exited(reason.clone()), reason),
        Failed::Crashed(reason) => {
            report_crash::<S>(life.id, &reason, Some(|| "init"));
            (StartError::Exited(reason.clone()), reason)
        }
        // The report is that of the process which did not start.
        Failed::Child(error) => (error, Exit::Shutdown),
    };
    // The starter learns of the failure by its answer, not by an exit signal as well (G3); and when all is over.
    if let Some(parent) = ctx.parent() {
        control::unlink(life.id, parent);
    }
    let started = life.promise.take();
    life.begin_exit();
    life.end(&reason, inbox.into_rest(), None);
    announce(started, Err(error));
}

fn end<S: GenServer>(life: Life<Started>, inbox: Inbox, mut ctx: Ctx<S>, reason: &Exit) {
    if let Some(answer) = ctx.take_parting_answer() {
        contain("an answer that was dropped", answer);
    }
    life.end(reason, inbox.into_rest(), ctx.take_unanswered());
}

/// Tells the starter; when it is gone, its [`Starting`](super::Starting) has killed this process.
fn announce(started: Option<Arc<Started>>, outcome: Result<(), StartError>) {
    drop(started.map(|started| started.settle(Ok(outcome))));
}

/// How the receive loop ended.
enum Ending {
    /// With `terminate`; `during` is what was being handled.
    Orderly { reason: Exit, during: Option<fn() -> &'static str> },
    /// By a fatal signal.
    Abrupt(Exit),
}

#[expect(clippy::manual_async_fn, reason = "an async fn keeps its arguments twice in its future")]
fn receive<S: GenServer>(
    server: &mut S,
    ctx: &mut Ctx<S>,
    inbox: &mut Inbox,
) -> impl Future<Output = Ending> + Send {
    async move {
        let mut during = None;
        loop {
            if let Some(reason) = ctx.take_stop() {
                return Ending::Orderly { reason, during };
            }
            let next = poll_fn(|cx| poll_next(ctx, inbox, cx)).await;
            let handler = match begin(next, server, ctx, inbox, &mut during) {
                Ok(handler) => handler,
                Err(Some(ending)) => return *ending,
                Err(None) => continue,
            };
            if let Err(interrupted) = Guarded::new(handler, inbox).await {
                return match *interrupted {
                    Interrupted::Panicked(reason) => Ending::Orderly { reason, during },
                    Interrupted::Ended(reason) => Ending::Abrupt(reason),
                };
            }
            if inbox.is_observed() {
                note_done(ctx, inbox, during);
            }
        }
    }
}

/// What the server does next: what it wanted to continue with, else what it is asked by the system's lane, else what arrives,
/// else its idle timeout, or to give memory back.
///
/// Whoever asks all the time holds up neither its end nor its messages: a fatal signal goes before, and after each round of
/// requests something else gets its turn.
fn poll_next<S: GenServer>(ctx: &mut Ctx<S>, inbox: &mut Inbox, cx: &mut Context<'_>) -> Poll<Event> {
    if ctx.continues() {
        ready!(inbox.poll_turn(cx));
        if let Some(first) = ctx.take_first() {
            return Poll::Ready(Event::Message(first));
        }
    }
    let asked = inbox.is_asked();
    if asked {
        if let Some(reason) = inbox.arrive() {
            return Poll::Ready(Event::Fatal(Box::new(reason)));
        }
        ready!(inbox.poll_turn(cx));
    }
    if inbox.serves_now(asked) {
        return Poll::Ready(Event::Requests);
    }
    if let Poll::Ready(event) = inbox.poll_next(cx) {
        ctx.tidy();
        inbox.wake_up();
        return Poll::Ready(event);
    }
    if asked && !inbox.is_taking_in() {
        return Poll::Ready(Event::Requests);
    }
    if inbox.is_suspended() || inbox.is_taking_in() {
        return Poll::Pending;
    }
    if ctx.poll_nap(inbox.nap_after(), cx).is_ready() {
        return Poll::Ready(Event::Hibernate);
    }
    ctx.poll_idle(cx).map(|idle| {
        inbox.wake_up();
        Event::Message(idle)
    })
}

/// Begins to handle a message; an error is what to do instead: end, or go on.
fn begin<'a, S: GenServer>(
    next: Event,
    server: &'a mut S,
    ctx: &'a mut Ctx<S>,
    inbox: &mut Inbox,
    during: &mut Option<fn() -> &'static str>,
) -> Result<Running<'a>, Option<Box<Ending>>> {
    let envelope = match next {
        Event::Message(envelope) => envelope,
        Event::Shutdown(reason) => {
            return Err(Some(Box::new(Ending::Orderly { reason: *reason, during: None })));
        }
        Event::Fatal(reason) => return Err(Some(Box::new(Ending::Abrupt(*reason)))),
        Event::Requests => {
            inbox.heed(&sys::serve(ctx.id(), server));
            ctx.rearm();
            return Err(None);
        }
        Event::Hibernate => {
            inbox.nap();
            return Err(hibernate(server));
        }
    };
    let name = envelope.name();
    *during = Some(name);
    if inbox.is_observed() {
        let kind = if envelope.is_call() { SysEventKind::InCall } else { SysEventKind::In };
        inbox.note(kind, name());
        ctx.forget_answer();
    }
    envelope.open(server, ctx).map_err(|stray| {
        contain("a message that was dropped", || stray.abandon(CallFailure::NoProcess));
        None
    })
}

/// The message in hand has been handled; somebody wants to know.
fn note_done<S: GenServer>(ctx: &Ctx<S>, inbox: &Inbox, during: Option<fn() -> &'static str>) {
    let kind = if ctx.has_answered() { SysEventKind::Out } else { SysEventKind::NoReply };
    inbox.note(kind, during.map_or("", |name| name()));
}

/// A panic in there ends the server, as in any other callback.
fn hibernate<S: GenServer>(server: &mut S) -> Option<Box<Ending>> {
    let hibernated = catch_unwind(AssertUnwindSafe(|| server.hibernate()));
    let reason = Exit::from_panic(hibernated.err()?);
    Some(Box::new(Ending::Orderly { reason, during: Some(|| "hibernate") }))
}

/// `terminate` as a future that gives the reason back, if the ending has one; else the reason.
fn farewell<'a, S: GenServer>(
    ending: Ending,
    server: &'a mut S,
    ctx: &'a mut Ctx<S>,
) -> Result<Pin<Box<impl Future<Output = Exit> + Send + 'a>>, Exit> {
    match ending {
        Ending::Abrupt(reason) => Err(reason),
        Ending::Orderly { reason, during } => {
            report_crash::<S>(ctx.id(), &reason, during);
            Ok(Box::pin(async move {
                server.terminate(&reason, ctx).await;
                reason
            }))
        }
    }
}

/// What `terminate` ended with is what the process ends with (G19).
fn last_words<S>(id: ProcessId, outcome: Result<Exit, Box<Interrupted>>) -> Exit {
    match outcome.map_err(|interrupted| *interrupted) {
        Ok(reason) | Err(Interrupted::Ended(reason)) => reason,
        Err(Interrupted::Panicked(reason)) => {
            report_crash::<S>(id, &reason, Some(|| "terminate"));
            reason
        }
    }
}

fn report_crash<S>(id: ProcessId, reason: &Exit, during: Option<fn() -> &'static str>) {
    report::crash(id, type_name::<S>(), during.map(|name| name()), reason);
}
