//! The server that a state machine runs as: it carries out what the engine decides.

use std::{fmt, mem};

use parking_lot::Mutex;

use super::{
    EventHandler, StateMachine,
    ctx::{EnterCtx, EventCtx, Next},
    engine::{Action, Engine},
};
use crate::{
    address::CallFailure,
    ctx::Ctx,
    exit::Exit,
    gen_server::{GenServer, Init},
    message::{Halt, Handled, Handler, Message},
    scheduler::{Envelope, Letter},
    timer::{self, TimerRef},
};

/// The server that the state machine `D` runs as: `Pid<Machine<Door>>`, `Name<Machine<Door>>`.
///
/// It handles every message that `D` has an [`EventHandler`] for.
pub struct Machine<D: StateMachine> {
    data: D,
    state: D::State,
    /// Reached by `&mut`, as in [`Ctx`]; locked only for observers, whom nobody else meets there.
    engine: Mutex<Engine<Envelope>>,
    timers: Vec<(u64, TimerRef)>,
}

impl<D: StateMachine> GenServer for Machine<D> {
    type Args = D::Args;

    async fn init(args: D::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        let (state, data) = D::init(args, ctx).await?;
        // Before what `init` continues with: the state is entered first.
        ctx.put_first(Envelope::message::<Self, _>(ctx.id().generation(), Begin));
        Ok(Self { data, state, engine: Mutex::new(Engine::new()), timers: Vec::new() })
    }

    async fn terminate(&mut self, reason: &Exit, ctx: &mut Ctx<Self>) {
        self.data.terminate(&self.state, reason, ctx).await;
    }

    fn hibernate(&mut self) {
        self.data.hibernate();
    }

    fn inspect(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data.inspect(&self.state, f)?;
        match self.postponed() {
            0 => Ok(()),
            postponed => write!(f, ", {postponed} postponed"),
        }
    }
}

impl<D: EventHandler<M>, M: Message> Handler<M> for Machine<D> {
    async fn handle(&mut self, message: M, ctx: &mut Ctx<Self>) -> Handled<M> {
        self.engine.get_mut().begin_event();
        let mut event = EventCtx::new(ctx, &mut self.engine);
        let outcome = self.data.handle_event(&self.state, message, &mut event).await;
        let next = event.into_next();
        // The answer is given before the next state is entered, which may fail.
        match outcome {
            Ok(reply) => ctx.answer::<M::Reply>(reply),
            Err(Halt::ReplyLater) => {}
            Err(stop) => return Err(stop),
        }
        if !ctx.is_stopping() {
            self.advance(next, ctx).await?;
        }
        Err(Halt::ReplyLater)
    }
}

impl<D: StateMachine> Machine<D> {
    /// The state that it is in, for [`sys::with_state`](crate::sys::with_state).
    pub fn state(&self) -> &D::State {
        &self.state
    }

    /// Its data, for [`sys::with_state`](crate::sys::with_state).
    pub fn data(&self) -> &D {
        &self.data
    }

    /// How many events wait for a change of state (F4), for [`sys::with_state`](crate::sys::with_state). They are in no queue that
    /// others see: not in the mailbox' length, which counts what has not been looked at.
    pub fn postponed(&self) -> usize {
        self.engine.lock().postponed()
    }

    /// From the end of an event to the beginning of the next (F3).
    async fn advance(&mut self, next: Next<D::State>, ctx: &mut Ctx<Self>) -> Result<(), Exit> {
        let (enter, old) = match next {
            Next::To(state) if state != self.state => (true, Some(mem::replace(&mut self.state, state))),
            Next::Repeat => (true, None),
            Next::To(_) | Next::Keep => (false, None),
        };
        self.engine.get_mut().end_event(old.is_some());
        if enter {
            self.enter(old.as_ref(), ctx).await?;
        }
        self.proceed(ctx);
        Ok(())
    }

    async fn enter(&mut self, old: Option<&D::State>, ctx: &mut Ctx<Self>) -> Result<(), Exit> {
        let mut enter = EnterCtx::new(ctx, &mut self.engine);
        self.data.state_enter(old.unwrap_or(&self.state), &self.state, &mut enter).await
    }

    /// Sets the timers, and has the next event handled before the mailbox is looked at.
    fn proceed(&mut self, ctx: &mut Ctx<Self>) {
        let engine = self.engine.get_mut();
        engine.begin_timeouts();
        for action in engine.take_actions() {
            match action {
                Action::Start { serial, after } => {
                    let ring = Envelope::message::<Self, _>(ctx.id().generation(), Ring(serial));
                    self.timers.push((serial, timer::send_later(ctx.node(), ctx.id(), after, ring)));
                }
                Action::Cancel { serial } => forget(&mut self.timers, serial),
            }
        }
        if let Some(event) = engine.next() {
            ctx.put_first(event);
        }
    }
}

/// Takes a timer back, if it has not fired.
fn forget(timers: &mut Vec<(u64, TimerRef)>, serial: u64) {
    if let Some(at) = timers.iter().position(|(known, _)| *known == serial) {
        timers.swap_remove(at).1.cancel();
    }
}

/// Has the first state entered, after the start has returned.
struct Begin;

impl<D: StateMachine> Letter<Machine<D>> for Begin {
    async fn open(self, machine: &mut Machine<D>, ctx: &mut Ctx<Machine<D>>) {
        match machine.enter(None, ctx).await {
            Ok(()) => machine.proceed(ctx),
            Err(reason) => ctx.stop(reason),
        }
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        "state_enter"
    }
}

/// A timeout's time is up. Its event is with the engine, which knows whether it was cancelled meanwhile.
struct Ring(u64);

impl<D: StateMachine> Letter<Machine<D>> for Ring {
    async fn open(self, machine: &mut Machine<D>, ctx: &mut Ctx<Machine<D>>) {
        forget(&mut machine.timers, self.0);
        machine.engine.get_mut().ring(self.0);
        machine.proceed(ctx);
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        "timeout"
    }
}

impl<D: StateMachine> fmt::Debug for Machine<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{address::Address, node::Node, scheduler};

    /// Turns between two states; a passenger waits for a third.
    struct Wheel;

    impl StateMachine for Wheel {
        type Args = ();
        type State = u8;

        async fn init((): (), _: &mut Ctx<Machine<Self>>) -> Init<(u8, Self)> {
            Ok((0, Wheel))
        }
    }

    struct Turn;

    impl Message for Turn {
        type Reply = ();
    }

    impl EventHandler<Turn> for Wheel {
        async fn handle_event(&mut self, state: &u8, _: Turn, ctx: &mut EventCtx<'_, Self>) -> Handled<Turn> {
            ctx.next_state(1 - state);
            Ok(())
        }
    }

    struct Passenger;

    impl Message for Passenger {
        type Reply = ();
    }

    impl EventHandler<Passenger> for Wheel {
        async fn handle_event(
            &mut self,
            _: &u8,
            passenger: Passenger,
            ctx: &mut EventCtx<'_, Self>,
        ) -> Handled<Passenger> {
            ctx.postpone(passenger)
        }
    }

    #[tokio::test]
    async fn f4_a_call_that_is_postponed_again_and_again_takes_no_more_memory() {
        let node = Node::new("test");
        let wheel = node.start(Wheel::child(())).await.unwrap();
        let _waits = wheel.call(Passenger).no_timeout().send();
        for _ in 0..1_000 {
            wheel.call(Turn).await.unwrap();
        }
        let mut control = scheduler::slot(wheel.id()).control(wheel.id()).unwrap();
        assert_eq!(control.get().deferred().len(), 1);
    }
}
