//! Who polls a session, and since when nobody does (§9.8).
//!
//! Pure: `now` is an argument. Only the newest poll waits; whoever polled before it is sent home, for a client polls one
//! at a time, and what is left of an earlier poll is a connection that nobody reads.

use std::time::Duration;

use tokio::time::Instant;

/// The polls of one session.
#[derive(Debug)]
pub(super) struct Attendance {
    newest: Poll,
    waiting: usize,
    /// When the last poll ended, or the session began.
    alone_since: Instant,
}

/// One poll among those of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Poll(u64);

impl Attendance {
    pub(super) fn new(now: Instant) -> Attendance {
        Attendance { newest: Poll(0), waiting: 0, alone_since: now }
    }

    /// A poll arrives, and takes the place of those before it.
    pub(super) fn arrive(&mut self) -> Poll {
        self.newest.0 += 1;
        self.waiting += 1;
        self.newest
    }

    /// A poll was answered, or given up by its client.
    pub(super) fn leave(&mut self, now: Instant) {
        self.waiting -= 1;
        self.alone_since = now;
    }

    pub(super) fn is_newest(&self, poll: Poll) -> bool {
        self.newest == poll
    }

    /// When to look again whether anybody polls; `None` if nobody has for too long.
    pub(super) fn look_again(&self, now: Instant, patience: Duration) -> Option<Instant> {
        let since = if self.waiting > 0 { now } else { self.alone_since };
        // One that the clock cannot tell is as good as never.
        let Some(deadline) = since.checked_add(patience) else { return Some(now + FAR_OFF) };
        (deadline > now).then_some(deadline)
    }
}

const FAR_OFF: Duration = Duration::from_secs(60 * 60 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(15);

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn c9_8_a_session_that_nobody_polls_is_given_up() {
        let start = Instant::now();
        let mut attendance = Attendance::new(start);
        assert_eq!(attendance.look_again(start, PATIENCE), Some(after(start, 15)), "from its beginning");
        assert_eq!(attendance.look_again(after(start, 15), PATIENCE), None);
        attendance.arrive();
        // As long as one waits, it does not matter how long.
        assert_eq!(attendance.look_again(after(start, 100), PATIENCE), Some(after(start, 115)));
        attendance.leave(after(start, 101));
        assert_eq!(attendance.look_again(after(start, 115), PATIENCE), Some(after(start, 116)));
        assert_eq!(attendance.look_again(after(start, 116), PATIENCE), None);
    }

    #[test]
    fn the_newest_poll_takes_the_place_of_the_others() {
        let start = Instant::now();
        let mut attendance = Attendance::new(start);
        let (first, second) = (attendance.arrive(), attendance.arrive());
        assert!(!attendance.is_newest(first));
        assert!(attendance.is_newest(second));
        attendance.leave(start);
        assert!(attendance.look_again(after(start, 100), PATIENCE).is_some(), "the second still waits");
        attendance.leave(start);
        assert!(attendance.is_newest(second), "though it has left");
    }

    #[test]
    fn no_window_is_too_long() {
        let start = Instant::now();
        assert!(Attendance::new(start).look_again(start, Duration::MAX).is_some());
    }
}
