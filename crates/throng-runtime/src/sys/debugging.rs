//! What is watched of a server, and what was seen.

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use crate::{introspect, panics::contain, pid::ProcessId};

/// What somebody asked to have watched. Nothing, for nearly every process, and then a message costs it one flag.
#[derive(Default)]
pub(crate) struct Debugging {
    pub(crate) suspended: bool,
    statistics: Option<Counted>,
    log: Option<Log>,
    pub(crate) traced: bool,
    listeners: Vec<Listener>,
}

pub(super) type Listener = Box<dyn FnMut(ProcessId, &SysEvent) + Send>;

struct Counted {
    since: SystemTime,
    messages_in: u64,
    messages_out: u64,
    busy: Duration,
}

struct Log {
    keep: usize,
    events: VecDeque<SysEvent>,
}

/// Something that a server did, as [`trace`](crate::sys::trace), [`log`](crate::sys::log) and
/// [`install`](crate::sys::install) tell it (Y3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SysEvent {
    /// When.
    pub at: SystemTime,
    /// What.
    pub kind: SysEventKind,
    /// The type of the message, by name: what is in it is the server's affair.
    pub message: &'static str,
}

/// What a server did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SysEventKind {
    /// It began to handle a message that nobody waits for.
    In,
    /// It began to handle a call.
    InCall,
    /// It answered the call in hand.
    Out,
    /// It handled a message and gave no answer: as for every cast, where none is due, and for a call that is answered later.
    NoReply,
}

/// What a server did since its statistics were turned on (Y1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// When they were turned on.
    pub since: SystemTime,
    /// When they were asked for.
    pub now: SystemTime,
    /// The messages that it began to handle.
    pub messages_in: u64,
    /// The calls that it answered from their handler.
    pub messages_out: u64,
    /// The time that its handlers were at work, without their waits.
    pub busy: Duration,
}

impl Debugging {
    /// Whether its events matter to anybody.
    pub(crate) fn is_on(&self) -> bool {
        self.statistics.is_some() || self.log.is_some() || self.traced || !self.listeners.is_empty()
    }

    pub(crate) fn note(&mut self, id: ProcessId, event: SysEvent) {
        if let Some(counted) = &mut self.statistics {
            counted.count(event.kind);
        }
        if self.traced {
            let label = introspect::label(id);
            let (label, message) = (label.as_deref(), event.message);
            tracing::info!(process = %id, label, event = ?event.kind, message, "server traced");
        }
        for listener in &mut self.listeners {
            contain("a listener to a server's events", || listener(id, &event));
        }
        if let Some(log) = &mut self.log {
            log.push(event);
        }
    }

    pub(crate) fn note_busy(&mut self, time: Duration) {
        if let Some(counted) = &mut self.statistics {
            counted.busy += time;
        }
    }

    /// Counting begins anew when it is turned on, unless it is.
    pub(super) fn count(&mut self, on: bool) {
        match on {
            true => drop(self.statistics.get_or_insert_with(Counted::begin)),
            false => self.statistics = None,
        }
    }

    pub(crate) fn statistics(&self) -> Option<Statistics> {
        self.statistics.as_ref().map(Counted::now)
    }

    /// Keeps the last `keep` events; with none, what was kept is forgotten.
    pub(super) fn keep_log(&mut self, keep: usize) {
        let mut events = self.log.take().map(|log| log.events).unwrap_or_default();
        while events.len() > keep {
            events.pop_front();
        }
        self.log = (keep > 0).then_some(Log { keep, events });
    }

    pub(super) fn log(&self) -> Vec<SysEvent> {
        self.log.iter().flat_map(|log| &log.events).cloned().collect()
    }

    pub(super) fn listen(&mut self, listener: Listener) {
        self.listeners.push(listener);
    }

    pub(super) fn listeners(&self) -> usize {
        self.listeners.len()
    }

    /// Watches nothing any more; a server that is suspended stays so.
    pub(super) fn turn_off(&mut self) {
        let before = std::mem::take(self);
        self.suspended = before.suspended;
    }
}

impl Drop for Debugging {
    /// A panic of a listener's destructor must not keep its process' end from going on (X8).
    fn drop(&mut self) {
        for listener in self.listeners.drain(..) {
            contain("a listener that was dropped", || drop(listener));
        }
    }
}

impl Counted {
    fn begin() -> Self {
        Self { since: SystemTime::now(), messages_in: 0, messages_out: 0, busy: Duration::ZERO }
    }

    fn count(&mut self, kind: SysEventKind) {
        match kind {
            SysEventKind::In | SysEventKind::InCall => self.messages_in += 1,
            SysEventKind::Out => self.messages_out += 1,
            SysEventKind::NoReply => {}
        }
    }

    fn now(&self) -> Statistics {
        let Self { since, messages_in, messages_out, busy } = *self;
        Statistics { since, now: SystemTime::now(), messages_in, messages_out, busy }
    }
}

impl Log {
    fn push(&mut self, event: SysEvent) {
        if self.events.len() >= self.keep {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &'static str) -> SysEvent {
        SysEvent { at: SystemTime::UNIX_EPOCH, kind: SysEventKind::In, message }
    }

    fn kept(debugging: &Debugging) -> Vec<&'static str> {
        debugging.log().iter().map(|event| event.message).collect()
    }

    #[test]
    fn y3_the_log_keeps_the_last_events_and_no_more() {
        let mut debugging = Debugging::default();
        debugging.keep_log(2);
        ["a", "b", "c"].into_iter().for_each(|name| debugging.note(ProcessId::new(1, 1), event(name)));
        assert_eq!(kept(&debugging), ["b", "c"]);
        debugging.keep_log(1);
        assert_eq!(kept(&debugging), ["c"]);
        debugging.keep_log(0);
        assert!(!debugging.is_on());
    }

    #[test]
    fn y1_turning_debugging_off_leaves_a_suspended_server_suspended() {
        let mut debugging = Debugging::default();
        debugging.suspended = true;
        debugging.count(true);
        debugging.turn_off();
        assert!(debugging.suspended && !debugging.is_on());
    }
}
