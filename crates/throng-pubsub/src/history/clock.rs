//! The time of a history: milliseconds since 1970 when it began, and from then on as they pass.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock that never goes back while the program runs, and that the next run can compare with.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    began_at: u64,
}

impl Clock {
    pub(super) fn new() -> Clock {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { began: Instant::now(), began_at: millis(since_1970.as_millis()) }
    }

    pub(super) fn now(&self) -> u64 {
        self.began_at.saturating_add(millis(self.began.elapsed().as_millis()))
    }
}

fn millis(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
