//! One connection, as observers see it: they are told of its end, whatever ends it.

use std::{borrow::Cow, sync::Arc, time::Instant};

use super::{End, Link};
use crate::telemetry::{Event, SocketDisconnected, Traffic};

/// Follows a connection for the observers of its endpoint; made where there are any. Dropping it tells of the end.
pub(super) struct ConnectionWatch {
    link: Arc<Link>,
    began: Instant,
    reason: Cow<'static, str>,
    code: Option<u16>,
    received: Traffic,
}

impl ConnectionWatch {
    pub(super) fn begin(link: &Arc<Link>) -> Option<Box<ConnectionWatch>> {
        let watch = || ConnectionWatch {
            link: link.clone(),
            began: Instant::now(),
            // What is told of one that never came to say how it ended.
            reason: "connection killed".into(),
            code: None,
            received: Traffic::default(),
        };
        link.observers.are_there().then(|| Box::new(watch()))
    }

    pub(super) fn ended(&mut self, end: &End, received: Traffic) {
        (self.reason, self.code, self.received) = (end.in_words(), end.code(), received);
    }
}

impl Drop for ConnectionWatch {
    fn drop(&mut self) {
        let link = &self.link;
        link.observers.tell(|_| {
            let record = link.outbox.record();
            Event::SocketDisconnected(SocketDisconnected {
                duration: self.began.elapsed(),
                transport: link.transport,
                id: link.id.as_deref(),
                reason: self.reason.clone(),
                code: self.code,
                received: self.received,
                sent: record.sent,
                queued_bytes_peak: record.bytes_peak,
                frames_dropped: record.dropped,
                outbound: link.outbox.counts(),
            })
        });
    }
}
