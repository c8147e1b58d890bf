//! A state machine's handle on itself, in its callbacks.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    EventHandler, StateMachine,
    engine::{Engine, Timeout},
    machine::Machine,
};
use crate::{
    call::ReplyTo,
    ctx::Ctx,
    exit::Exit,
    letter::{Ask, Cast},
    message::{Exited, Halt, Message},
    scheduler::Envelope,
};

/// The handle of [`StateMachine::state_enter`]: timeouts, and everything that a shared [`Ctx`] can do.
pub struct EnterCtx<'a, D: StateMachine> {
    ctx: &'a mut Ctx<Machine<D>>,
    /// Never locked, only reached by `&mut`, as in [`Ctx`].
    engine: &'a mut Mutex<Engine<Envelope>>,
}

/// The handle of [`EventHandler::handle_event`]: what the machine does with the event and next, and everything that an
/// [`EnterCtx`] and a shared [`Ctx`] can do. What it is asked for takes effect after the callback.
pub struct EventCtx<'a, D: StateMachine> {
    enter: EnterCtx<'a, D>,
    next: Next<D::State>,
}

/// Which state comes next.
pub(super) enum Next<S> {
    Keep,
    Repeat,
    To(S),
}

/// More events wait for a change of state than the machine allows (F4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {max} events were postponed")]
#[non_exhaustive]
pub struct TooManyPostponed {
    /// [`StateMachine::POSTPONED_MAX`].
    pub max: usize,
}

impl<'a, D: StateMachine> EventCtx<'a, D> {
    pub(super) fn new(ctx: &'a mut Ctx<Machine<D>>, engine: &'a mut Mutex<Engine<Envelope>>) -> Self {
        Self { enter: EnterCtx::new(ctx, engine), next: Next::Keep }
    }

    pub(super) fn into_next(self) -> Next<D::State> {
        self.next
    }

    /// Goes to `state` after this callback. If that is the present one, nothing has changed: nothing is entered, and what was
    /// postponed waits on (F2). Without a word the state is kept.
    pub fn next_state(&mut self, state: D::State) {
        self.next = Next::To(state);
    }

    /// Enters the present state again after this callback; what was postponed waits on, and a state timeout runs on (F2).
    pub fn repeat_state(&mut self) {
        self.next = Next::Repeat;
    }

    /// Keeps the event in hand until the state has changed; then all such events come again, the oldest first, before
    /// what waits in the mailbox (F4). A caller goes on waiting: it is answered by the handler that does not postpone, or told how
    /// the machine ended.
    ///
    /// # Errors
    ///
    /// Always, for the handler to return: [`Halt::ReplyLater`]; [`Halt::Stop`] with [`TooManyPostponed`] when too many wait.
    pub fn postpone<M: Message>(&mut self, event: M) -> Result<M::Reply, Halt>
    where
        D: EventHandler<M>,
    {
        let engine = self.enter.engine.get_mut();
        if engine.postponed() >= D::POSTPONED_MAX {
            return Err(TooManyPostponed { max: D::POSTPONED_MAX }.into());
        }
        let ctx = &mut *self.enter.ctx;
        let mut kept = ReplyTo::nobody(ctx.id());
        let answer = ctx.reply_later(|reply_to| kept = reply_to);
        let letter = Ask { message: event, reply: kept };
        engine.postpone(Envelope::message::<Machine<D>, _>(ctx.id().generation(), letter));
        answer
    }

    /// Has the machine handle `event` after this callback, before any other event; of several, the first comes first (F3).
    pub fn next_event<M: Message<Reply = ()>>(&mut self, event: M)
    where
        D: EventHandler<M>,
    {
        let event = self.enter.event(event);
        self.enter.engine.get_mut().insert(event);
    }
}

impl<'a, D: StateMachine> EnterCtx<'a, D> {
    pub(super) fn new(ctx: &'a mut Ctx<Machine<D>>, engine: &'a mut Mutex<Engine<Envelope>>) -> Self {
        Self { ctx, engine }
    }

    /// `event` comes after this time, unless any other event comes first (F5).
    pub fn event_timeout<M: Message<Reply = ()>>(&mut self, after: Duration, event: M)
    where
        D: EventHandler<M>,
    {
        self.set(Timeout::Event, after, event);
    }

    /// `event` comes after this time, unless the state changes first (F5).
    pub fn state_timeout<M: Message<Reply = ()>>(&mut self, after: Duration, event: M)
    where
        D: EventHandler<M>,
    {
        self.set(Timeout::State, after, event);
    }

    /// `event` comes after this time, whatever happens meanwhile; setting the same name again begins anew (F5).
    pub fn timeout<M: Message<Reply = ()>>(&mut self, name: &'static str, after: Duration, event: M)
    where
        D: EventHandler<M>,
    {
        self.set(Timeout::named(name), after, event);
    }

    /// Takes a timeout back. Its event does not come any more, even if its time was up (F5).
    pub fn cancel_timeout(&mut self, timeout: Timeout) {
        self.engine.get_mut().cancel_timeout(timeout);
    }

    /// Another event for a timeout that keeps its time; one that is not set comes at once (F5).
    pub fn update_timeout<M: Message<Reply = ()>>(&mut self, timeout: Timeout, event: M)
    where
        D: EventHandler<M>,
    {
        let event = self.event(event);
        self.engine.get_mut().update_timeout(timeout, event);
    }

    /// As [`Ctx::stop`]: the state does not change any more.
    pub fn stop(&mut self, reason: Exit) {
        self.ctx.stop(reason);
    }

    /// As [`Ctx::hibernate`] (F6).
    pub fn hibernate(&mut self) {
        self.ctx.hibernate();
    }

    /// As [`Ctx::trap_exits`].
    pub fn trap_exits(&mut self)
    where
        D: EventHandler<Exited>,
    {
        self.ctx.trap_exits();
    }

    /// As [`Ctx::reply_later`].
    ///
    /// # Errors
    ///
    /// Always [`Halt::ReplyLater`], for the handler to return.
    pub fn reply_later<R: Send + 'static>(&mut self, keep: impl FnOnce(ReplyTo<R>)) -> Result<R, Halt> {
        self.ctx.reply_later(keep)
    }

    fn set<M: Message<Reply = ()>>(&mut self, timeout: Timeout, after: Duration, event: M)
    where
        D: EventHandler<M>,
    {
        let event = self.event(event);
        self.engine.get_mut().set_timeout(timeout, after, event);
    }

    fn event<M: Message<Reply = ()>>(&self, event: M) -> Envelope
    where
        D: EventHandler<M>,
    {
        Envelope::message::<Machine<D>, _>(self.ctx.id().generation(), Cast(event))
    }
}

impl<'a, D: StateMachine> Deref for EventCtx<'a, D> {
    type Target = EnterCtx<'a, D>;

    fn deref(&self) -> &Self::Target {
        &self.enter
    }
}

impl<D: StateMachine> DerefMut for EventCtx<'_, D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.enter
    }
}

impl<D: StateMachine> Deref for EnterCtx<'_, D> {
    type Target = Ctx<Machine<D>>;

    fn deref(&self) -> &Self::Target {
        self.ctx
    }
}

impl<D: StateMachine> fmt::Debug for EventCtx<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventCtx").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl<D: StateMachine> fmt::Debug for EnterCtx<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterCtx").field("id", &self.id()).finish_non_exhaustive()
    }
}
