//! A server on Throng that does what its scenario says.

use std::{future::pending, sync::Arc};

use throng_runtime::{
    Address, Ctx, Exit, Exited, GenServer, Handled, Handler, IdleTimeout, Init as Started, InitError,
    Message, ReplyTo,
};
use tokio::sync::Notify;

use super::{Init, StartSpec, Then};
use crate::{
    journal::Journal,
    reason::{Reason, call_failure, reason},
};

#[derive(Debug)]
pub(super) struct Server {
    args: Args,
    deferred: Vec<(usize, ReplyTo<usize>)>,
}

#[derive(Clone, Debug)]
pub(super) struct Args {
    pub(super) journal: Journal,
    pub(super) name: &'static str,
    pub(super) spec: StartSpec,
    /// Told of each idle timeout.
    pub(super) idle: Arc<Notify>,
}

impl GenServer for Server {
    type Args = Args;

    async fn init(args: Args, ctx: &mut Ctx<Self>) -> Started<Self> {
        if args.spec.traps {
            ctx.trap_exits();
        }
        let server = Self { args, deferred: Vec::new() };
        server.note("init");
        match server.args.spec.init {
            Init::Up => {}
            Init::Continues(times) => ctx.continue_with(Again(times)),
            Init::Fails(reason) => return Err(InitError::Stop(reason.exit())),
            Init::Panics => panic!("as the scenario says"),
            Init::Ignores => return Err(InitError::Ignore),
            Init::Hangs => pending().await,
        }
        Ok(server)
    }

    async fn terminate(&mut self, why: &Exit, _: &mut Ctx<Self>) {
        self.note(format_args!("terminate {}", reason(why)));
        assert!(!self.args.spec.panics, "as the scenario says");
    }
}

impl Server {
    fn note(&self, what: impl std::fmt::Display) {
        self.args.journal.note(format_args!("{} {what}", self.args.name));
    }

    fn go_on(then: Then, ctx: &mut Ctx<Self>) {
        match then {
            Then::Waits => {}
            Then::Continues(times) => ctx.continue_with(Again(times)),
            Then::Idles => ctx.idle_timeout(std::time::Duration::ZERO),
        }
    }
}

/// To be continued so many times.
struct Again(usize);

impl Message for Again {
    type Reply = ();
}

impl Handler<Again> for Server {
    async fn handle(&mut self, Again(times): Again, ctx: &mut Ctx<Self>) -> Handled<Again> {
        self.note(format_args!("continue {times}"));
        if times > 1 {
            ctx.continue_with(Again(times - 1));
        }
        Ok(())
    }
}

pub(super) struct Word(pub(super) usize);

impl Message for Word {
    type Reply = ();
}

impl Handler<Word> for Server {
    async fn handle(&mut self, Word(number): Word, _: &mut Ctx<Self>) -> Handled<Word> {
        self.note(format_args!("message {number}"));
        Ok(())
    }
}

/// A call, and what its handler does.
pub(super) struct Ask(pub(super) usize, pub(super) How);

#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Answers,
    Defers,
    Stops { reason: Reason, answers: bool },
    Panics,
}

impl Message for Ask {
    type Reply = usize;
}

impl Handler<Ask> for Server {
    async fn handle(&mut self, Ask(number, how): Ask, ctx: &mut Ctx<Self>) -> Handled<Ask> {
        self.note(format_args!("call {number}"));
        match how {
            How::Answers => Ok(number),
            How::Defers => ctx.reply_later(|reply_to| self.deferred.push((number, reply_to))),
            How::Stops { reason, answers: true } => {
                ctx.stop(reason.exit());
                Ok(number)
            }
            How::Stops { reason, answers: false } => Err(reason.exit().into()),
            How::Panics => panic!("as the scenario says"),
        }
    }
}

/// Answer the deferred calls, the newest first.
pub(super) struct Answer;

impl Message for Answer {
    type Reply = ();
}

impl Handler<Answer> for Server {
    async fn handle(&mut self, _: Answer, _: &mut Ctx<Self>) -> Handled<Answer> {
        self.note("answers");
        while let Some((number, reply_to)) = self.deferred.pop() {
            // A caller that gave up is not told.
            let _ = reply_to.send(number);
        }
        Ok(())
    }
}

pub(super) enum Finish {
    Stop(Exit),
    Panic,
}

impl Message for Finish {
    type Reply = ();
}

impl Handler<Finish> for Server {
    async fn handle(&mut self, finish: Finish, _: &mut Ctx<Self>) -> Handled<Finish> {
        match finish {
            Finish::Stop(reason) => Err(reason.into()),
            Finish::Panic => panic!("as the scenario says"),
        }
    }
}

/// Be at work until it is over, then go on like this.
pub(super) struct Work(pub(super) Arc<Latch>, pub(super) Then);

/// Both ends of some [`Work`].
#[derive(Debug, Default)]
pub(super) struct Latch {
    pub(super) begun: Notify,
    pub(super) over: Notify,
}

impl Message for Work {
    type Reply = ();
}

impl Handler<Work> for Server {
    async fn handle(&mut self, Work(latch, then): Work, ctx: &mut Ctx<Self>) -> Handled<Work> {
        latch.begun.notify_one();
        latch.over.notified().await;
        Self::go_on(then, ctx);
        Ok(())
    }
}

/// Say so when nothing comes for a while.
pub(super) struct BeIdle;

impl Message for BeIdle {
    type Reply = ();
}

impl Handler<BeIdle> for Server {
    async fn handle(&mut self, _: BeIdle, ctx: &mut Ctx<Self>) -> Handled<BeIdle> {
        ctx.idle_timeout(std::time::Duration::from_millis(2));
        Ok(())
    }
}

impl Handler<IdleTimeout> for Server {
    async fn handle(&mut self, _: IdleTimeout, _: &mut Ctx<Self>) -> Handled<IdleTimeout> {
        self.note("idle");
        self.args.idle.notify_one();
        Ok(())
    }
}

pub(super) struct CallYourself;

impl Message for CallYourself {
    type Reply = ();
}

impl Handler<CallYourself> for Server {
    async fn handle(&mut self, _: CallYourself, ctx: &mut Ctx<Self>) -> Handled<CallYourself> {
        let called = ctx.me().call(Ask(0, How::Answers)).await;
        self.note(called.map_or_else(|error| call_failure(&error), |number| number.to_string()));
        Ok(())
    }
}

impl Handler<Exited> for Server {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        self.note(format_args!("exited {}", reason(&exited.reason)));
        Ok(())
    }
}
