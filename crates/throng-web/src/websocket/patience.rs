//! How long a client may take (pure): to say something, to say the whole of it, and to read.

use std::time::Duration;

use tokio::time::Instant;

use crate::{close::CloseReason, endpoint::Limits};

/// What a client has to read in one [`Limits::write_timeout`], if so much waits.
const WRITTEN_BYTES_MIN: u64 = 64 << 10;

/// Since when the client owes what.
#[derive(Debug)]
pub(super) struct Patience {
    silent_since: Instant,
    /// When the first byte came of a message that is not whole.
    incomplete_since: Option<Instant>,
    /// Since when a write waits, and how many bytes had been written by then.
    blocked: Option<(Instant, u64)>,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Patience {
        Patience { silent_since: now, incomplete_since: None, blocked: None }
    }

    /// The client sent something. The first byte of a message is a sign of life that buys the rest as much time; what comes
    /// between, be it pings, buys no more.
    pub(super) fn heard(&mut self, now: Instant, has_completed: bool, is_amid_message: bool) {
        self.silent_since = now;
        if has_completed {
            self.incomplete_since = None;
        }
        if is_amid_message {
            self.incomplete_since.get_or_insert(now);
        }
    }

    /// The client was not read for a while, and is again.
    pub(super) fn listens_again(&mut self, now: Instant) {
        self.silent_since = now;
        self.incomplete_since = self.incomplete_since.map(|_| now);
    }

    /// A write waits for the client; so much has been written in all. True if it has just begun to.
    pub(super) fn is_blocked(&mut self, now: Instant, written: u64) -> bool {
        match self.blocked {
            Some((_, before)) if written - before < WRITTEN_BYTES_MIN => false,
            _ => {
                self.blocked = Some((now, written));
                true
            }
        }
    }

    pub(super) fn has_written_all(&mut self) {
        self.blocked = None;
    }

    /// When patience ends, and with what.
    pub(super) fn ends(&self, limits: &Limits, is_behind: bool) -> (Instant, CloseReason) {
        let heard = match self.incomplete_since {
            Some(began) if !is_behind => began,
            _ => self.silent_since,
        };
        let reason = if is_behind { CloseReason::Behind } else { CloseReason::Idle };
        let hearing = (after(heard, limits.idle_timeout), reason);
        match self.blocked {
            Some((since, _)) => {
                let writing = (after(since, limits.write_timeout), CloseReason::SlowReader);
                if writing.0 < hearing.0 { writing } else { hearing }
            }
            None => hearing,
        }
    }
}

/// A point in time; one that the clock cannot tell is as good as never.
fn after(start: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    start.checked_add(time).unwrap_or(start + NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: u64 = 60;
    const WRITE: u64 = 30;

    fn limits() -> Limits {
        Limits::default().with(|limits| {
            limits.idle_timeout = Duration::from_secs(IDLE);
            limits.write_timeout = Duration::from_secs(WRITE);
        })
    }

    /// A client, and the second at which each thing happens.
    fn client() -> (Patience, impl Fn(u64) -> Instant) {
        let began = Instant::now();
        (Patience::new(began), move |second| began + Duration::from_secs(second))
    }

    #[test]
    fn c8_whatever_is_received_buys_time_but_for_a_message_that_does_not_end() {
        let (mut client, at) = client();
        let limits = limits();
        assert_eq!(client.ends(&limits, false), (at(IDLE), CloseReason::Idle));
        client.heard(at(10), true, false);
        assert_eq!(client.ends(&limits, false).0, at(10 + IDLE));
        client.heard(at(20), false, true);
        client.heard(at(30), false, true);
        assert_eq!(client.ends(&limits, false).0, at(20 + IDLE));
        // The end of it, and the beginning of another.
        client.heard(at(40), true, true);
        assert_eq!(client.ends(&limits, false).0, at(40 + IDLE));
        client.heard(at(50), true, false);
        assert_eq!(client.ends(&limits, false).0, at(50 + IDLE));
    }

    #[test]
    fn c8_a_client_that_was_not_heard_is_not_blamed() {
        let (mut client, at) = client();
        client.heard(at(0), false, true);
        assert_eq!(client.ends(&limits(), true), (at(IDLE), CloseReason::Behind));
        client.listens_again(at(50));
        assert_eq!(client.ends(&limits(), false), (at(50 + IDLE), CloseReason::Idle));
    }

    #[test]
    fn c18_3_a_write_that_stands_still_or_creeps_ends_the_connection() {
        let (mut client, at) = client();
        let limits = limits();
        assert!(client.is_blocked(at(1), 0));
        assert!(!client.is_blocked(at(20), WRITTEN_BYTES_MIN - 1), "too little to buy time");
        assert_eq!(client.ends(&limits, false), (at(1 + WRITE), CloseReason::SlowReader));
        assert!(client.is_blocked(at(25), WRITTEN_BYTES_MIN));
        assert_eq!(client.ends(&limits, false), (at(25 + WRITE), CloseReason::SlowReader));
        client.has_written_all();
        assert_eq!(client.ends(&limits, false), (at(IDLE), CloseReason::Idle));
    }
}
