//! What a state machine does next: the order of events, postponed ones, timeouts (pure).
//!
//! ```text
//!   an event ends ─► state change? ──► [enter] ─► inserted events ─► postponed ones, oldest first ─► due timeouts ─► mailbox
//!                                                └─────────────────── the queue ───────────────────┘
//! ```
//!
//! It knows neither states nor what an event is. Whoever drives it says when an event begins and ends, tells it of timers that
//! rang, and carries out its [`Action`]s.

use std::{borrow::Cow, collections::VecDeque, time::Duration};

/// Which timeout of a state machine: there is one of each at a time (F5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// Any event cancels it, an inserted one too.
    Event,
    /// A change of state cancels it.
    State,
    /// Nothing but the machine itself cancels it.
    Named(Cow<'static, str>),
}

impl Timeout {
    /// The timeout with this name.
    pub const fn named(name: &'static str) -> Self {
        Self::Named(Cow::Borrowed(name))
    }
}

/// What the driver of an engine has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Have [`Engine::ring`] called with this serial after a time.
    Start { serial: u64, after: Duration },
    /// It need not be called any more; if it is all the same, nothing happens.
    Cancel { serial: u64 },
}

pub(super) struct Engine<E> {
    /// What comes before the mailbox.
    queue: VecDeque<Queued<E>>,
    /// In the order of their arrival.
    postponed: Vec<E>,
    timers: Vec<Timer<E>>,
    serial: u64,
    turn: Turn<E>,
    actions: Vec<Action>,
}

enum Queued<E> {
    Event(E),
    /// A timeout that is due, unless it is cancelled before its turn.
    Due(u64),
}

struct Timer<E> {
    timeout: Timeout,
    serial: u64,
    event: E,
}

/// What the callback at work has asked for: it takes effect when the event ends.
struct Turn<E> {
    inserted: Vec<E>,
    postponed: Vec<E>,
    timeouts: Vec<Request<E>>,
}

enum Request<E> {
    Set(Timeout, Duration, E),
    Update(Timeout, E),
    Cancel(Timeout),
}

impl<E> Engine<E> {
    pub(super) fn new() -> Self {
        let turn = Turn { inserted: Vec::new(), postponed: Vec::new(), timeouts: Vec::new() };
        Self {
            queue: VecDeque::new(),
            postponed: Vec::new(),
            timers: Vec::new(),
            serial: 0,
            turn,
            actions: Vec::new(),
        }
    }

    /// An event is about to be handled.
    pub(super) fn begin_event(&mut self) {
        self.cancel(&Timeout::Event);
    }

    /// Has `event` handled before anything else; of several the first comes first.
    pub(super) fn insert(&mut self, event: E) {
        self.turn.inserted.push(event);
    }

    /// Keeps the event in hand until the state changes.
    pub(super) fn postpone(&mut self, event: E) {
        self.turn.postponed.push(event);
    }

    pub(super) fn set_timeout(&mut self, timeout: Timeout, after: Duration, event: E) {
        self.turn.timeouts.push(Request::Set(timeout, after, event));
    }

    pub(super) fn update_timeout(&mut self, timeout: Timeout, event: E) {
        self.turn.timeouts.push(Request::Update(timeout, event));
    }

    pub(super) fn cancel_timeout(&mut self, timeout: Timeout) {
        self.turn.timeouts.push(Request::Cancel(timeout));
    }

    /// The event was handled (F3). The new state's timeouts are those that the event asked for and those of the enter call.
    pub(super) fn end_event(&mut self, state_changed: bool) {
        self.postponed.append(&mut self.turn.postponed);
        if state_changed {
            self.cancel(&Timeout::State);
            prepend(&mut self.queue, &mut self.postponed);
        }
        prepend(&mut self.queue, &mut self.turn.inserted);
    }

    /// All callbacks of the event have run: its timeouts begin.
    pub(super) fn begin_timeouts(&mut self) {
        for request in std::mem::take(&mut self.turn.timeouts) {
            match request {
                Request::Set(timeout, after, event) => self.set(timeout, after, event),
                Request::Update(timeout, event) => self.update(timeout, event),
                Request::Cancel(timeout) => self.cancel(&timeout),
            }
        }
    }

    /// A timer came to its end.
    pub(super) fn ring(&mut self, serial: u64) {
        self.queue.push_back(Queued::Due(serial));
    }

    /// The event that comes before what is in the mailbox.
    pub(super) fn next(&mut self) -> Option<E> {
        while let Some(queued) = self.queue.pop_front() {
            match queued {
                Queued::Event(event) => return Some(event),
                Queued::Due(serial) => {
                    if let Some(at) = self.timers.iter().position(|timer| timer.serial == serial) {
                        return Some(self.timers.swap_remove(at).event);
                    }
                }
            }
        }
        None
    }

    pub(super) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// How many events wait for a change of state.
    pub(super) fn postponed(&self) -> usize {
        self.postponed.len() + self.turn.postponed.len()
    }

    fn set(&mut self, timeout: Timeout, after: Duration, event: E) {
        self.cancel(&timeout);
        self.serial += 1;
        let serial = self.serial;
        self.timers.push(Timer { timeout, serial, event });
        if after.is_zero() {
            self.queue.push_back(Queued::Due(serial));
        } else {
            self.actions.push(Action::Start { serial, after });
        }
    }

    fn update(&mut self, timeout: Timeout, event: E) {
        match self.timers.iter_mut().find(|timer| timer.timeout == timeout) {
            Some(timer) => timer.event = event,
            None => self.set(timeout, Duration::ZERO, event),
        }
    }

    fn cancel(&mut self, timeout: &Timeout) {
        if let Some(at) = self.timers.iter().position(|timer| timer.timeout == *timeout) {
            let serial = self.timers.swap_remove(at).serial;
            self.actions.push(Action::Cancel { serial });
        }
    }
}

/// Puts events before all that are queued, in their order.
fn prepend<E>(queue: &mut VecDeque<Queued<E>>, events: &mut Vec<E>) {
    for event in events.drain(..).rev() {
        queue.push_front(Queued::Event(event));
    }
}

#[cfg(test)]
mod tests;
