//! The time that a client was let in for: watched while its connection is open, and renewed by a new token (§18.9).
//!
//! ```text
//!   connect ──────────────────────────► notice ──────────► end: closed with 4001, the client comes back with a new token
//!            "access_token" {token} ─────────┴─► a new end, or an error and the old one
//! ```

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use serde::Deserialize;
use throng_runtime::Node;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::Link;
use crate::{
    close::CloseReason,
    endpoint::{Limits, Session},
    protocol::{CONNECTION_TOPIC, Message, Payload, Ref, event},
};

/// Until when a client may stay.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Never, if none.
    end: watch::Sender<Option<Instant>>,
    /// Whether a new token is being looked at: one at a time.
    in_hand: AtomicBool,
}

/// What a client sends to stay.
#[derive(Deserialize)]
struct Renewal {
    token: String,
}

impl Lease {
    pub(super) fn new(expires_at: Option<SystemTime>) -> Lease {
        Lease { end: watch::Sender::new(instant(expires_at)), in_hand: AtomicBool::new(false) }
    }

    /// Tells the client some time before its time is over, and asks the connection to close when it is.
    pub(super) async fn watch(&self, link: &Link, notice: Duration) {
        let mut ends = self.end.subscribe();
        loop {
            let end = *ends.borrow_and_update();
            let Some(end) = end else {
                // Its sender is our own: there will be another end, or none for ever.
                drop(ends.changed().await);
                continue;
            };
            let noticed = async {
                sleep_until(end.checked_sub(notice).unwrap_or(end)).await;
                if !notice.is_zero() {
                    tell(link, end.saturating_duration_since(Instant::now()));
                }
                sleep_until(end).await;
            };
            tokio::select! {
                biased;
                _ = ends.changed() => {}
                () = noticed => {
                    link.outbox.close(CloseReason::TokenExpired);
                    return;
                }
            }
        }
    }

    /// Has a new token looked at, in a process of its own: the connection hears its client meanwhile.
    pub(super) fn renew(
        self: &Arc<Self>,
        node: &Node,
        session: &Arc<dyn Session>,
        link: &Arc<Link>,
        limits: &Limits,
        message: Message,
    ) {
        let answer = |link: &Link, reference: &Ref, status: &str, response: &Payload| {
            let (topic, serializer) = (CONNECTION_TOPIC, link.serializer);
            link.outbox.send(serializer.text_reply(&Ref::NULL, reference, topic, status, response));
        };
        let Ok(Renewal { token }) = message.payload.parse() else {
            return answer(link, &message.reference, "error", &Payload::reason("token missing"));
        };
        if self.in_hand.swap(true, Ordering::AcqRel) {
            return answer(link, &message.reference, "error", &Payload::reason("another token is in hand"));
        }
        let (lease, session, link) = (self.clone(), session.clone(), link.clone());
        let (timeout, reference) = (limits.upgrade_timeout, message.reference);
        node.spawn(async move |_| {
            let refreshed = AssertUnwindSafe(async { session.refresh(token).await }).catch_unwind();
            let refreshed = tokio::time::timeout(timeout, refreshed).await;
            lease.in_hand.store(false, Ordering::Release);
            match refreshed {
                Ok(Ok(Ok(expires_at))) => {
                    lease.end.send_replace(instant(expires_at));
                    answer(&link, &reference, "ok", &renewed(expires_at));
                }
                Ok(Ok(Err(refusal))) => {
                    let reason = refusal.reason().unwrap_or("token refused");
                    answer(&link, &reference, "error", &Payload::reason(reason));
                }
                Ok(Err(_panic)) => answer(&link, &reference, "error", &Payload::reason("refresh failed")),
                Err(_elapsed) => {
                    answer(&link, &reference, "error", &Payload::reason("refresh took too long"))
                }
            }
        });
    }
}

/// Tells a client that its time will be over.
fn tell(link: &Link, left: Duration) {
    let notice = link.serializer.push(&Ref::NULL, CONNECTION_TOPIC, event::TOKEN_EXPIRING, &expires_in(left));
    // JSON can always be sent.
    notice.into_iter().for_each(|frame| link.outbox.send(frame));
}

fn renewed(expires_at: Option<SystemTime>) -> Payload {
    match expires_at {
        Some(time) => expires_in(time.duration_since(SystemTime::now()).unwrap_or_default()),
        None => Payload::empty(),
    }
}

fn expires_in(left: Duration) -> Payload {
    let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    Payload::from_fields(serde_json::Map::from_iter([("expires_in_ms".to_owned(), millis.into())]))
}

/// A point of the wall's clock on ours, which nobody sets: a client stays for as long as it was let in for.
fn instant(time: Option<SystemTime>) -> Option<Instant> {
    let left = time?.duration_since(SystemTime::now()).unwrap_or_default();
    Instant::now().checked_add(left)
}
