//! What becomes of events for a client that reads more slowly than it is written to (§18.3).

use std::fmt;

use throng_pubsub::Payload;

/// What becomes of an event while frames wait for its client (§18.3).
///
/// It is said for each event by [`Channel::WHEN_SLOW`](crate::Channel::WHEN_SLOW). Nothing is done to a client that keeps up: its
/// queue is empty. What was done is counted in [`Endpoint::outbound_counts`](crate::Endpoint::outbound_counts).
///
/// ```
/// # use throng_pubsub::Payload;
/// use throng_web::WhenSlow;
///
/// const WHEN_SLOW: &[(&str, WhenSlow)] = &[
///     ("tick", WhenSlow::DropOldest),      // prices: a missing one does no harm
///     ("cursor", WhenSlow::KeepLatest),    // a position: only the newest is of any use
///     ("score", WhenSlow::Coalesce(sum)),  // points won: they add up
/// ];
///
/// fn sum(older: &Payload, newer: &Payload) -> Option<Payload> {
///     #[derive(serde::Deserialize, serde::Serialize)]
///     struct Score { points: u64 }
///     let (older, newer): (Score, Score) = (older.parse().ok()?, newer.parse().ok()?);
///     Payload::new(Score { points: older.points + newer.points }).ok()
/// }
/// # let sum = sum(&Payload::new(serde_json::json!({"points": 1})).unwrap(), &Payload::new(serde_json::json!({"points": 2})).unwrap());
/// # assert_eq!(sum.unwrap().as_json(), r#"{"points":3}"#);
/// # let _ = WHEN_SLOW;
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum WhenSlow {
    /// It waits. When more waits than [may](crate::Limits::outbound_bytes_max), the client is closed with 1013 and comes back.
    /// This holds for every event that is not named.
    Close,
    /// When too much waits, the oldest of these events that wait make room, for each other and for anything else; where there
    /// are none, the newest is dropped.
    DropOldest,
    /// While one waits, the next takes its place: the client gets the last state, earlier than what was queued behind the
    /// first. Each channel has one of each event waiting at most.
    KeepLatest,
    /// While one waits, the next is merged into it by this function, given the older and the newer payload; where it makes
    /// nothing of them, or something that is no object, or too large, both wait.
    Coalesce(fn(&Payload, &Payload) -> Option<Payload>),
}

/// What a channel type says of its events.
pub(crate) type WhenSlowRules = &'static [(&'static str, WhenSlow)];

/// Two are the same when they are of one kind: functions cannot be compared.
impl PartialEq for WhenSlow {
    fn eq(&self, other: &WhenSlow) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Debug for WhenSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhenSlow::Close => "Close",
            WhenSlow::DropOldest => "DropOldest",
            WhenSlow::KeepLatest => "KeepLatest",
            WhenSlow::Coalesce(_) => "Coalesce",
        })
    }
}

/// How often events were not sent as they were, for clients that were slow (§18.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboundCounts {
    /// Events that were dropped.
    pub dropped: u64,
    /// Events whose place was taken by a newer one.
    pub superseded: u64,
    /// Events that were merged into an older one.
    pub coalesced: u64,
    /// Connections that were closed because too much waited for them.
    pub closed: u64,
}

impl OutboundCounts {
    pub(crate) fn add(&mut self, other: OutboundCounts) {
        self.dropped += other.dropped;
        self.superseded += other.superseded;
        self.coalesced += other.coalesced;
        self.closed += other.closed;
    }
}
