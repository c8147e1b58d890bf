//! A process' own end of its mailbox: what arrived, in order, with the signals dealt with on arrival.
//!
//! Envelopes move from the mailbox into a queue of the process' own. That is when a signal *arrives*: a fatal one ends the
//! process before messages that are still queued (they would be lost anyway, P2), an exit that is trapped becomes a message in
//! its place, an ignored one vanishes.
//!
//! Where very many have been pushed, they are taken in a part at a time, with others' turns between: no message is handled until
//! all are in, so that none passes a signal that came before it, but system requests are answered (Y1).

use std::{
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use crate::{
    address::CallFailure,
    control,
    exit::Exit,
    message::Exited,
    panics::contain,
    pid::ProcessId,
    post, report,
    scheduler::{self, Envelope, Incoming, Kind, Queue, Slot},
    signal::{ExitSignal, Receiver, Signal, Verdict, judge},
    sys::{self, Served, SysEvent, SysEventKind},
};

/// After so many messages in a row a process lets others run (P38).
const BUDGET: u8 = 64;

/// After so many envelopes that were only taken in, too: they are looked at, and not handled.
const INTAKE: usize = 4_096;

pub(crate) struct Inbox {
    slot: &'static Slot,
    queue: Queue,
    /// What came after the queue and is not all taken in yet. Seldom: most of the time it is in one go.
    incoming: Option<Box<Incoming>>,
    budget: u8,
    /// Messages that were taken from the queue and not yet off the slot's count: in handfuls, so that the senders' cache
    /// line is left alone.
    taken: u8,
    serving: bool,
    /// No message is handled until it is resumed (Y2).
    suspended: bool,
    /// Somebody asked to be told what it does (Y3).
    observed: bool,
    /// It answered system requests last.
    served: bool,
    /// A request to shut down is in the queue.
    stops: bool,
    nap: Nap,
}

/// How a server that is idle for long shrinks (G14).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nap {
    Never,
    /// When it has waited for long enough.
    Due,
    /// It has since its last message.
    Taken,
}

/// What a server does next. What is rare is boxed, so that a message fits into registers.
pub(crate) enum Event {
    Message(Envelope),
    /// End in an orderly way.
    Shutdown(Box<Exit>),
    /// End at once.
    Fatal(Box<Exit>),
    /// Answer the system requests.
    Requests,
    /// Give memory back: nothing is there to do.
    Hibernate,
}

impl Inbox {
    pub(crate) fn new(id: ProcessId) -> Self {
        Self {
            slot: scheduler::slot(id),
            queue: Queue::new(),
            incoming: None,
            budget: BUDGET,
            taken: 0,
            serving: false,
            suspended: false,
            observed: false,
            served: false,
            stops: false,
            nap: Nap::Never,
        }
    }

    /// From now on a request to shut down waits for its turn, and `terminate` runs; before, it is fatal.
    pub(crate) fn serve(&mut self) {
        self.serving = true;
        let naps = self.slot.control(self.id()).is_some_and(|mut control| {
            control.existing().is_some_and(|control| control.hibernate_after.is_some())
        });
        if naps {
            self.nap = Nap::Due;
        }
    }

    /// The next event.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.suspended {
            return self.poll_suspended(cx);
        }
        loop {
            if self.queue.is_empty() {
                self.settle();
            }
            if self.queue.is_empty() || self.has_more_to_see() {
                if let Some(reason) = self.arrive() {
                    return Poll::Ready(Event::Fatal(Box::new(reason)));
                }
                if self.is_taking_in() {
                    return self.give_way(cx);
                }
            }
            if self.queue.is_empty() {
                if self.slot.mailbox.park() {
                    self.budget = BUDGET;
                    return Poll::Pending;
                }
                continue;
            }
            ready!(self.poll_turn(cx));
            let Some(envelope) = self.queue.pop_front() else { continue };
            let kind = envelope.kind();
            self.taken += u8::from(kind == Kind::Message);
            if !envelope.is_for(self.id().generation()) {
                discard(envelope);
                continue;
            }
            match kind {
                Kind::Message => return Poll::Ready(Event::Message(envelope)),
                Kind::Ticket => match post::redeem(self.slot, self.id()) {
                    Some(envelope) => return Poll::Ready(Event::Message(envelope)),
                    None => continue,
                },
                Kind::Signal => {}
            }
            if let Ok(Signal::Shutdown(reason)) = envelope.into_signal() {
                return Poll::Ready(Event::Shutdown(Box::new(reason)));
            }
        }
    }

    /// Only an end reaches a process that is suspended; a request to stop passes the messages that wait (Y2).
    fn poll_suspended(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        self.settle();
        loop {
            if let Some(reason) = self.arrive() {
                return Poll::Ready(Event::Fatal(Box::new(reason)));
            }
            if self.is_taking_in() {
                return self.give_way(cx);
            }
            if let Some(reason) = self.take_stop() {
                return Poll::Ready(Event::Shutdown(Box::new(reason)));
            }
            if self.slot.mailbox.park() {
                self.budget = BUDGET;
                return Poll::Pending;
            }
        }
    }

    /// The first request to stop in the queue: the only kind of signal that waits in it.
    fn take_stop(&mut self) -> Option<Exit> {
        if !std::mem::take(&mut self.stops) {
            return None;
        }
        let (mut found, mut rest) = (None, Queue::new());
        while let Some(envelope) = self.queue.pop_front() {
            match envelope.is_signal() && found.is_none() {
                true => found = envelope.into_signal().ok(),
                false => rest.push_back(envelope),
            }
        }
        self.queue = rest;
        match found {
            Some(Signal::Shutdown(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Whether it is time for the system requests, if it is asked: not twice in a row when something else has arrived.
    pub(crate) fn serves_now(&mut self, asked: bool) -> bool {
        let others_wait = if self.suspended { self.stops } else { !self.queue.is_empty() };
        self.served = asked && !(self.served && others_wait);
        self.served
    }

    /// Whether system requests wait.
    pub(crate) fn is_asked(&self) -> bool {
        self.slot.is_asked()
    }

    /// What the system requests have made of it.
    pub(crate) fn heed(&mut self, served: &Served) {
        self.suspended = served.suspended;
        self.observed = served.observed;
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether somebody wants to know what it does.
    pub(crate) fn is_observed(&self) -> bool {
        self.observed
    }

    pub(crate) fn note(&self, kind: SysEventKind, message: &'static str) {
        let event = SysEvent { at: SystemTime::now(), kind, message };
        sys::with_debugging(self.id(), |debugging| debugging.note(self.id(), event));
    }

    pub(crate) fn note_busy(&self, time: Duration) {
        sys::with_debugging(self.id(), |debugging| debugging.note_busy(time));
    }

    /// How long it has to be idle until it gives memory back, if it is to and has not yet.
    pub(crate) fn nap_after(&self) -> Option<Duration> {
        if self.nap != Nap::Due {
            return None;
        }
        self.slot.control(self.id())?.existing()?.hibernate_after
    }

    /// It gives memory back now, and not again before its next message.
    pub(crate) fn nap(&mut self) {
        if self.nap == Nap::Due {
            self.nap = Nap::Taken;
        }
    }

    pub(crate) fn wake_up(&mut self) {
        if self.nap == Nap::Taken {
            self.nap = Nap::Due;
        }
    }

    /// For a message that does not come from the mailbox: it counts as one all the same (P38).
    pub(crate) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.budget == 0 {
            return self.give_way(cx);
        }
        self.budget -= 1;
        Poll::Ready(())
    }

    /// Lets others run.
    fn give_way<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.budget = BUDGET;
        self.settle();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// For code that is at work: the reason to end it, if one has come.
    pub(crate) fn fatal_signal(&mut self) -> Option<Exit> {
        if self.has_more_to_see() { self.arrive() } else { None }
    }

    /// Whether there may be signals that have not arrived.
    fn has_more_to_see(&self) -> bool {
        self.is_taking_in() || self.slot.mailbox.has_signals()
    }

    /// Whether what was pushed is taken in only in part, so that it has to go on with that.
    pub(crate) fn is_taking_in(&self) -> bool {
        self.incoming.is_some()
    }

    /// The process has been told to end: not alive any more to observers (P32).
    pub(crate) fn begin_exit(&self) {
        self.slot.begin_exit();
    }

    /// The process' code is at an await point; `at_work` when it waits for something else than messages.
    pub(crate) fn pause(&mut self, at_work: bool) {
        self.settle();
        self.slot.set_at_work(at_work);
        if self.has_more_to_see() {
            self.slot.waker.wake();
        }
    }

    /// The code is over.
    pub(crate) fn resume(&mut self) {
        self.slot.set_at_work(false);
    }

    /// Whether it parked, and nothing has come since.
    pub(crate) fn is_parked(&self) -> bool {
        self.slot.mailbox.is_parked()
    }

    /// Takes what was begun off the count of those that wait.
    pub(crate) fn settle(&mut self) {
        if self.taken > 0 {
            self.slot.count_taken(u32::from(std::mem::take(&mut self.taken)));
        }
    }

    /// What nobody will handle any more. It counts as waiting still.
    pub(crate) fn into_rest(mut self) -> Queue {
        self.take_rest()
    }

    fn take_rest(&mut self) -> Queue {
        let mut rest = std::mem::replace(&mut self.queue, Queue::new());
        if let Some(incoming) = self.incoming.take() {
            rest.append(incoming.into_queue());
        }
        rest
    }

    fn id(&self) -> ProcessId {
        self.slot.id()
    }

    /// Takes in what was pushed, or a part of it; a fatal signal's reason, if there is one.
    pub(crate) fn arrive(&mut self) -> Option<Exit> {
        match self.incoming.take() {
            None => self.take_in(self.slot.mailbox.drain()),
            Some(incoming) => self.take_in(*incoming),
        }
    }

    fn take_in(&mut self, mut incoming: Incoming) -> Option<Exit> {
        if !incoming.turn(INTAKE) {
            self.incoming = Some(Box::new(incoming));
            return None;
        }
        if !incoming.has_signals() {
            // Nothing to deal with on arrival: the nodes are not even looked at, as each look may be a cache miss.
            self.queue.append(incoming.into_queue());
            return None;
        }
        for _ in 0..INTAKE {
            let fatal = self.admit(incoming.pop_front()?);
            if fatal.is_some() {
                self.queue.append(incoming.into_queue());
                return fatal;
            }
        }
        self.incoming = Some(Box::new(incoming));
        None
    }

    /// One envelope arrives.
    fn admit(&mut self, envelope: Envelope) -> Option<Exit> {
        if !envelope.is_for(self.id().generation()) {
            self.slot.count_taken(u32::from(envelope.kind() == Kind::Message));
            discard(envelope);
            return None;
        }
        if !envelope.is_signal() {
            self.queue.push_back(envelope);
            return None;
        }
        match envelope.into_signal() {
            Err(_) => None,
            Ok(Signal::Shutdown(reason)) => self.follow(reason),
            Ok(Signal::Exit(signal)) => self.obey(signal),
            Ok(Signal::End(reason)) => {
                report::ended(self.id(), &reason);
                Some(reason)
            }
        }
    }

    /// Ends in an orderly way when the turn comes; at once when there is no server that could.
    fn follow(&mut self, reason: Exit) -> Option<Exit> {
        if !self.serving {
            return Some(reason);
        }
        self.stops = true;
        self.queue.push_back(Envelope::signal(self.id().generation(), Signal::Shutdown(reason)));
        None
    }

    fn obey(&mut self, signal: ExitSignal) -> Option<Exit> {
        if let (true, Some(peer)) = (signal.by_link, signal.from)
            && !control::remove_link(self.id(), peer)
        {
            return None; // Unlinked meanwhile (P13).
        }
        let id = self.id();
        let (trap, parent) = self
            .slot
            .control(id)
            .and_then(|mut control| control.existing().map(|control| (control.trap, control.parent)))
            .unwrap_or_default();
        let receiver = Receiver { id, parent, trapping: trap.is_some() };
        match judge(&signal, receiver) {
            Verdict::Ignore => None,
            Verdict::Die(reason) => Some(reason),
            Verdict::Follow(reason) => self.follow(reason),
            Verdict::Deliver => {
                if let Some(message) = trap {
                    let ExitSignal { from: pid, reason, by_link } = signal;
                    if let (true, Some(peer)) = (by_link, pid) {
                        control::note_exited(self.id(), peer);
                    }
                    let exited = Exited { pid, reason, by_link };
                    self.slot.count_queued();
                    self.queue.push_back(message(self.id().generation(), exited));
                }
                None
            }
        }
    }
}

impl Drop for Inbox {
    /// What is still in it goes with the process' runtime.
    fn drop(&mut self) {
        self.settle();
        let mut rest = self.take_rest();
        while let Some(envelope) = rest.pop_front() {
            self.slot.count_taken(u32::from(envelope.kind() == Kind::Message));
            contain("a message that was dropped", || drop(envelope));
        }
    }
}

/// Drops an envelope that was meant for an earlier process of the slot.
fn discard(envelope: Envelope) {
    contain("a message that was dropped", || envelope.abandon(CallFailure::NoProcess));
}
