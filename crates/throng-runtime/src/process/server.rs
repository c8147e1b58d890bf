//! The life of a server: `init`, the receive loop, `terminate`.

use std::{any::type_name, sync::Arc};

use super::{
    guarded::{Guarded, Outcome},
    life::Life,
};
use crate::{
    address::CallFailure,
    control,
    ctx::Ctx,
    error::StartError,
    exit::Exit,
    gen_server::{GenServer, InitError},
    inbox::{Event, Inbox},
    panics::contain,
    pid::ProcessId,
    reply::ReplyCell,
    timer,
};

/// What whoever starts a server waits for.
pub(super) type Started = ReplyCell<Result<(), StartError>>;

pub(super) async fn serve<S: GenServer>(
    mut life: Life,
    parent: Option<ProcessId>,
    args: S::Args,
    started: Arc<Started>,
) {
    let mut inbox = Inbox::new(life.slot, life.id, parent);
    let mut ctx = Ctx::<S>::new(life.id, parent, life.node.clone());
    let init = Guarded::new(Box::pin(async { S::init(args, &mut ctx).await }), &mut inbox).await;
    let (error, reason) = match init {
        Outcome::Done(Ok(server)) => return live(life, inbox, ctx, server, started).await,
        Outcome::Done(Err(InitError::Ignore)) => (StartError::Ignored, Exit::Normal),
        Outcome::Done(Err(InitError::Stop(reason))) | Outcome::Panicked(reason) => {
            report_crash::<S>(life.id, &reason, Some(|| "init"));
            (StartError::Exited(reason.clone()), reason)
        }
        // The report is that of the process which did not start.
        Outcome::Done(Err(InitError::Start(error))) => (error, Exit::Shutdown),
        Outcome::Ended(reason) => (StartError::Exited(reason.clone()), reason),
    };
    // The starter learns of the failure by its answer, not by an exit signal as well (G3); and when all is over.
    if let Some(parent) = parent {
        control::unlink(life.id, parent);
    }
    life.promise = None;
    life.slot.begin_exit();
    life.end(&reason, inbox.into_rest(), None);
    announce(started, Err(error));
}

async fn live<S: GenServer>(
    mut life: Life,
    mut inbox: Inbox,
    mut ctx: Ctx<S>,
    mut server: S,
    started: Arc<Started>,
) {
    inbox.serve();
    life.promise = None;
    announce(started, Ok(()));
    let reason = match receive(&mut server, &mut ctx, &mut inbox).await {
        Ending::Orderly { reason, during } => {
            report_crash::<S>(life.id, &reason, during);
            terminate(&mut server, &mut ctx, &mut inbox, reason).await
        }
        Ending::Abrupt(reason) => reason,
    };
    life.slot.begin_exit();
    contain("a server's destructor", || drop(server));
    if let Some(answer) = ctx.take_parting_answer() {
        contain("an answer that was dropped", answer);
    }
    life.end(&reason, inbox.into_rest(), ctx.take_unanswered());
}

/// Tells the starter; when it is gone, its [`Starting`](super::Starting) has killed this process.
fn announce(started: Arc<Started>, outcome: Result<(), StartError>) {
    drop(started.settle(Ok(outcome)));
}

/// How the receive loop ended.
enum Ending {
    /// With `terminate`; `during` is what was being handled.
    Orderly { reason: Exit, during: Option<fn() -> &'static str> },
    /// By a fatal signal.
    Abrupt(Exit),
}

async fn receive<S: GenServer>(server: &mut S, ctx: &mut Ctx<S>, inbox: &mut Inbox) -> Ending {
    let mut during = None;
    loop {
        if let Some(reason) = ctx.take_stop() {
            return Ending::Orderly { reason, during };
        }
        let envelope = match next(ctx, inbox).await {
            Event::Message(envelope) => envelope,
            Event::Shutdown(reason) => return Ending::Orderly { reason, during: None },
            Event::Fatal(reason) => return Ending::Abrupt(reason),
        };
        during = Some(envelope.name());
        let handler = match envelope.open(server, ctx) {
            Ok(handler) => handler,
            Err(stray) => {
                contain("a message that was dropped", || stray.abandon(CallFailure::NoProcess));
                continue;
            }
        };
        match Guarded::new(handler, inbox).await {
            Outcome::Done(()) => {}
            Outcome::Panicked(reason) => return Ending::Orderly { reason, during },
            Outcome::Ended(reason) => return Ending::Abrupt(reason),
        }
    }
}

/// What the server does next: what it wanted to continue with, else what arrives, else its idle timeout.
async fn next<S: GenServer>(ctx: &mut Ctx<S>, inbox: &mut Inbox) -> Event {
    if let Some(first) = ctx.take_first() {
        inbox.take_turn().await;
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
    let last = Box::pin(async { server.terminate(&reason, ctx).await });
    match Guarded::new(last, inbox).await {
        Outcome::Done(()) => reason,
        Outcome::Panicked(other) => {
            report_crash::<S>(inbox.id(), &other, Some(|| "terminate"));
            other
        }
        Outcome::Ended(other) => other,
    }
}

/// The crash report (G20): who, what, why, and what it was doing.
fn report_crash<S>(id: ProcessId, reason: &Exit, during: Option<fn() -> &'static str>) {
    if !reason.is_clean() {
        let during = during.map(|name| name());
        tracing::error!(process = %id, server = type_name::<S>(), during, %reason, "process crashed");
    }
}
