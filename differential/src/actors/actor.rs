//! A process on Throng that acts as it is told, and notes what it is sent.

use std::collections::{HashMap, HashSet};

use throng_runtime::{
    Address, Ctx, Down, Exit, Exited, GenServer, Handled, Handler, Init, Message, MonitorRef, Pid, ProcessId,
};

use super::{Act, stage::Cast};
use crate::reason::reason;

#[derive(Debug)]
pub(super) struct Actor {
    cast: Cast,
    name: String,
    monitors: HashMap<usize, MonitorRef>,
    /// Whom it monitors, by its own number, and has not heard of.
    outstanding: HashMap<usize, String>,
    /// Of whose end it has heard.
    ended: HashSet<String>,
}

impl GenServer for Actor {
    type Args = (Cast, String, bool);

    async fn init((cast, name, traps): Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        if traps {
            ctx.trap_exits();
        }
        let (monitors, outstanding, ended) = Default::default();
        Ok(Self { cast, name, monitors, outstanding, ended })
    }
}

impl Actor {
    async fn act(&mut self, act: Act, ctx: &mut Ctx<Self>) -> Result<(), Exit> {
        match act {
            Act::Link(peer) => {
                let linked = ctx.link(self.cast.pid(&peer)).map_or("noproc", |()| "ok");
                self.note(format_args!("link {peer}: {linked}"));
            }
            Act::Unlink(peer) => ctx.unlink(self.cast.pid(&peer)),
            Act::UnlinkFlush(peer) => ctx.unlink_flush(self.cast.pid(&peer)),
            Act::Monitor(peer, number) => {
                self.monitors.insert(number, ctx.monitor(self.cast.pid(&peer)));
                self.outstanding.insert(number, peer);
            }
            Act::Demonitor(number) => self.demonitor(number, |monitor| ctx.demonitor(monitor), false),
            Act::DemonitorFlush(number) => {
                self.demonitor(number, |monitor| ctx.demonitor_flush(monitor), true)
            }
            Act::Send(peer, number) => {
                // A pid is an address of its own: it always resolves.
                let _ = self.cast.pid(&peer).cast(Word { from: self.name.clone(), number });
            }
            Act::End(peer, reason) => {
                let pid = self.cast.pid(&peer);
                let gone = ctx.node().wait(pid);
                let _ = pid.cast(Finish(reason.exit()));
                gone.await;
            }
            Act::Exit(peer, reason) => ctx.exit(self.cast.pid(&peer), reason.exit()),
            Act::Stop(reason) => return Err(reason.exit()),
            Act::Panic => panic!("as the scenario says"),
        }
        Ok(())
    }

    fn demonitor(&mut self, number: usize, demonitor: impl FnOnce(MonitorRef) -> bool, flushes: bool) {
        let Some(monitor) = self.monitors.get(&number).copied() else {
            return self.note(format_args!("demonitor {number}: never set"));
        };
        let was_active = demonitor(monitor);
        if was_active || flushes {
            self.outstanding.remove(&number);
        }
        self.note(format_args!("demonitor {number}: {was_active}"));
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        self.cast.journal.note(format_args!("{} {what}", self.name));
    }

    fn heard_of(&mut self, from: Option<ProcessId>, news: std::fmt::Arguments<'_>) {
        let from = self.cast.name(from);
        self.note(format_args!("< {from}: {news}"));
        self.ended.insert(from);
    }
}

/// It is this actor's turn.
pub(super) struct Play(pub(super) Vec<Act>);

impl Message for Play {
    type Reply = ();
}

impl Handler<Play> for Actor {
    async fn handle(&mut self, Play(acts): Play, ctx: &mut Ctx<Self>) -> Handled<Play> {
        for act in acts {
            self.act(act, ctx).await?;
        }
        Ok(())
    }
}

/// Whom it monitors and has not heard of, when all that it was sent before has been dealt with.
pub(super) struct Outstanding;

impl Message for Outstanding {
    type Reply = Vec<String>;
}

impl Handler<Outstanding> for Actor {
    async fn handle(&mut self, _: Outstanding, _: &mut Ctx<Self>) -> Handled<Outstanding> {
        Ok(self.outstanding.values().cloned().collect())
    }
}

struct Finish(Exit);

impl Message for Finish {
    type Reply = ();
}

impl Handler<Finish> for Actor {
    async fn handle(&mut self, Finish(reason): Finish, _: &mut Ctx<Self>) -> Handled<Finish> {
        Err(reason.into())
    }
}

struct Word {
    from: String,
    number: usize,
}

impl Message for Word {
    type Reply = ();
}

impl Handler<Word> for Actor {
    async fn handle(&mut self, Word { from, number }: Word, _: &mut Ctx<Self>) -> Handled<Word> {
        let late = if self.ended.contains(&from) { ", after its end" } else { "" };
        self.note(format_args!("< {from}: message {number}{late}"));
        Ok(())
    }
}

impl Handler<Exited> for Actor {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        let from = self.cast.name(exited.pid);
        // A request says nothing of an end.
        self.note(format_args!("< {from}: exited {}", reason(&exited.reason)));
        Ok(())
    }
}

impl Handler<Down> for Actor {
    async fn handle(&mut self, down: Down, _: &mut Ctx<Self>) -> Handled<Down> {
        let number =
            self.monitors.iter().find(|(_, monitor)| **monitor == down.monitor).map_or(0, |(it, _)| *it);
        self.outstanding.remove(&number);
        self.heard_of(Some(down.pid), format_args!("down {number} {}", reason(&down.reason)));
        Ok(())
    }
}

/// For whoever only wants to name it.
pub(super) type ActorPid = Pid<Actor>;
