//! A worker on Throng that does what its scenario says.

use std::{future::pending, sync::Arc};

use throng_runtime::{Ctx, Exit, Exited, GenServer, Handled, Handler, Init, InitError, Message};
use tokio::sync::Notify;

use super::{
    Farewell, Outcome, WorkerSpec,
    world::{Entry, World},
};
use crate::reason::{Reason, reason};

#[derive(Debug)]
pub(super) struct Worker {
    world: World,
    spec: Arc<WorkerSpec>,
    badge: String,
}

impl GenServer for Worker {
    type Args = (World, Arc<WorkerSpec>);

    async fn init((world, spec): Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        if spec.traps {
            ctx.trap_exits();
        }
        let nth = world.enter(&spec.name, Entry::Worker(ctx.me()));
        let badge = format!("{}#{nth}", spec.name);
        let outcome = spec.starts.get(nth - 1).copied().unwrap_or(Outcome::Up);
        let words = match outcome {
            Outcome::Up => "up",
            Outcome::Fails => "fails",
            Outcome::Panics => "panics",
            Outcome::Ignores => "ignores",
        };
        world.journal.note(format_args!("{badge} {words}"));
        match outcome {
            Outcome::Up => Ok(Self { world, spec, badge }),
            Outcome::Fails => Err(InitError::Stop(Reason::Boom.exit())),
            Outcome::Panics => panic!("as the scenario says"),
            Outcome::Ignores => Err(InitError::Ignore),
        }
    }

    async fn terminate(&mut self, why: &Exit, _: &mut Ctx<Self>) {
        self.note("terminate", why);
        match self.spec.farewell {
            Farewell::Hangs if matches!(why, Exit::Shutdown) => pending().await,
            Farewell::Panics => panic!("as the scenario says"),
            Farewell::Hangs | Farewell::Notes => {}
        }
    }
}

impl Worker {
    fn note(&self, what: &str, why: &Exit) {
        self.world.journal.note(format_args!("{} {what} {}", self.badge, reason(why)));
    }
}

/// Stop yourself.
pub(super) struct Finish(pub(super) Exit);

impl Message for Finish {
    type Reply = ();
}

impl Handler<Finish> for Worker {
    async fn handle(&mut self, Finish(reason): Finish, _: &mut Ctx<Self>) -> Handled<Finish> {
        Err(reason.into())
    }
}

/// Panic.
pub(super) struct Panic;

impl Message for Panic {
    type Reply = ();
}

impl Handler<Panic> for Worker {
    async fn handle(&mut self, _: Panic, _: &mut Ctx<Self>) -> Handled<Panic> {
        panic!("as the scenario says")
    }
}

impl Handler<Exited> for Worker {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        self.note("exited", &exited.reason);
        Ok(())
    }
}

/// A child whose start keeps its supervisor busy until it is let go, and then comes to nothing.
#[derive(Debug)]
pub(super) struct Gate;

/// Both ends of a [`Gate`].
#[derive(Debug, Default)]
pub(super) struct Latch {
    pub(super) entered: Notify,
    pub(super) opened: Notify,
}

impl GenServer for Gate {
    type Args = Arc<Latch>;

    async fn init(latch: Arc<Latch>, _: &mut Ctx<Self>) -> Init<Self> {
        latch.entered.notify_one();
        latch.opened.notified().await;
        Err(InitError::Ignore)
    }
}
