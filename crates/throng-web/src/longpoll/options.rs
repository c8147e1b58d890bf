//! What a mount says of its long-poll transport.

use std::time::Duration;

/// Plug's bound on a body.
const BODY_BYTES_MAX: usize = 8_000_000;
const FOURTEEN_DAYS: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The long-poll transport of one mount, for clients whose network lets no WebSocket through; off unless a mount asks
/// for it (§1.2).
///
/// ```
/// # use std::time::Duration;
/// # use throng_web::{LongPoll, SocketRouter};
/// let sockets = SocketRouter::new(async |_| Ok(()))
///     .longpoll(LongPoll::default().with(|longpoll| longpoll.window = Duration::from_secs(5)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LongPoll {
    /// Where its clients poll, below the mount's path: `longpoll`. A segment `{name}` becomes a parameter (§1.1).
    pub path: String,
    /// How long a poll is held while there is nothing to tell: 10 s (§9.4). A session that nobody polls for one and a half
    /// of them ends (§9.8). A client may take as long for a message that the channels are too busy to take (§9.6).
    ///
    /// phoenix.js gives a poll up after 20 s, and a listening endpoint an answer after
    /// [`Limits::request_timeout`](crate::Limits::request_timeout): it has to be shorter than both.
    pub window: Duration,
    /// How old a session's token may become: 14 days (§8). The client then connects anew.
    pub token_max_age: Duration,
    /// Bytes of one POST: 8,000,000 (§8). Its messages are taken one by one as they arrive, and each is bounded by
    /// [`Limits::frame_bytes_max`](crate::Limits::frame_bytes_max), so that a body of any size takes the memory of one.
    pub body_bytes_max: usize,
}

impl Default for LongPoll {
    fn default() -> LongPoll {
        LongPoll {
            path: "longpoll".to_owned(),
            window: Duration::from_secs(10),
            token_max_age: FOURTEEN_DAYS,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }
}

impl LongPoll {
    /// Changes some of the options.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut LongPoll)) -> LongPoll {
        change(&mut self);
        self
    }

    /// How long a session lives that nobody polls (§9.8).
    pub(crate) fn patience(&self) -> Duration {
        self.window.saturating_mul(3) / 2
    }
}
