//! The open connections and living channels of an endpoint: counted, bounded, and findable when it shuts down.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use throng_runtime::{Exit, OnExit, ProcessId};
use tokio::sync::Notify;

use super::{
    Limits,
    peers::{Peer, Peers},
};
use crate::{OutboundCounts, connection::Outbox};

/// The open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    max: usize,
    /// How many of them each peer has.
    peers: Arc<Peers>,
    /// Rung when one ends.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    outboxes: HashMap<u64, Arc<Outbox>>,
    /// Of connections that have ended.
    counts: OutboundCounts,
    /// Nobody is let in any more.
    closed: bool,
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Arc<Connections> {
        let peers = Peers::new(limits.sockets_per_peer_max);
        Arc::new(Connections { open: Mutex::default(), max: limits.sockets_max, peers, ended: Notify::new() })
    }

    /// A place for one more connection, if there is one and the peer has not too many.
    pub(crate) fn register(
        self: &Arc<Self>,
        outbox: Outbox,
        peer: Option<IpAddr>,
    ) -> Result<Registration, NoPlace> {
        let mut open = self.open.lock();
        if open.closed {
            return Err(NoPlace::Closed);
        }
        if open.outboxes.len() >= self.max {
            return Err(NoPlace::Full);
        }
        let peer = peer.map(|peer| self.peers.admit(peer).ok_or(NoPlace::Peer)).transpose()?;
        open.next += 1;
        let (key, outbox) = (open.next, Arc::new(outbox));
        open.outboxes.insert(key, outbox.clone());
        Ok(Registration { connections: self.clone(), key, outbox, _peer: peer })
    }

    /// Lets nobody in any more, and hands out those that are in.
    pub(crate) fn close(&self) -> Vec<Arc<Outbox>> {
        let mut open = self.open.lock();
        open.closed = true;
        open.outboxes.values().cloned().collect()
    }

    /// Lets connections in again: the endpoint was started anew.
    pub(crate) fn open(&self) {
        self.open.lock().closed = false;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.open.lock().closed
    }

    pub(crate) fn count(&self) -> usize {
        self.open.lock().outboxes.len()
    }

    /// Bytes that wait for clients.
    pub(crate) fn queued_bytes(&self) -> usize {
        let outboxes: Vec<_> = self.open.lock().outboxes.values().cloned().collect();
        outboxes.iter().map(|outbox| outbox.queued_bytes()).sum()
    }

    /// What was done with events for slow clients, of those that have gone as well.
    pub(crate) fn outbound_counts(&self) -> OutboundCounts {
        let open = self.open.lock();
        let (mut counts, outboxes) = (open.counts, open.outboxes.values().cloned().collect::<Vec<_>>());
        drop(open);
        outboxes.iter().for_each(|outbox| counts.add(outbox.counts()));
        counts
    }

    /// Resolves when no connection is left.
    pub(crate) async fn all_ended(&self) {
        none_left(&self.ended, || self.count()).await;
    }
}

/// Why there is no place for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// The endpoint shuts down.
    Closed,
    /// All places are taken.
    Full,
    /// All places of its peer are taken.
    Peer,
}

/// A connection's place; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Registration {
    connections: Arc<Connections>,
    key: u64,
    outbox: Arc<Outbox>,
    _peer: Option<Peer>,
}

impl Registration {
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.outboxes.remove(&self.key);
        open.counts.add(self.outbox.counts());
        drop(open);
        self.connections.ended.notify_waiters();
    }
}

/// How many channel processes live.
#[derive(Debug, Default)]
pub(crate) struct ChannelCount {
    living: AtomicUsize,
    ended: Notify,
}

impl ChannelCount {
    pub(crate) fn opened(&self) {
        self.living.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn get(&self) -> usize {
        self.living.load(Ordering::Acquire)
    }

    /// Resolves when no channel is left.
    pub(crate) async fn all_ended(&self) {
        none_left(&self.ended, || self.get()).await;
    }
}

impl OnExit for ChannelCount {
    fn process_exited(&self, _: ProcessId, _: &Exit) {
        self.living.fetch_sub(1, Ordering::AcqRel);
        self.ended.notify_waiters();
    }
}

/// Resolves when the count is zero; `ended` rings for everyone who waits after each step down.
async fn none_left(ended: &Notify, count: impl Fn() -> usize) {
    loop {
        // Made before the look at the count: it hears what rings after that look, even before it is polled.
        let ring = ended.notified();
        if count() == 0 {
            return;
        }
        ring.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Limits;

    fn outbox() -> Outbox {
        Outbox::new(&Limits::default())
    }

    fn connections(sockets_max: usize, sockets_per_peer_max: usize) -> Arc<Connections> {
        Connections::new(&Limits::default().with(|limits| {
            limits.sockets_max = sockets_max;
            limits.sockets_per_peer_max = sockets_per_peer_max;
        }))
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let connections = connections(2, 2);
        let first = connections.register(outbox(), None).unwrap();
        let _second = connections.register(outbox(), None).unwrap();
        assert_eq!(connections.register(outbox(), None).unwrap_err(), NoPlace::Full);
        drop(first);
        assert!(connections.register(outbox(), None).is_ok());
    }

    #[test]
    fn places_of_one_peer_are_bounded_and_given_back() {
        let connections = connections(9, 1);
        let (one, other) = (Some([192, 0, 2, 1].into()), Some([192, 0, 2, 2].into()));
        let place = connections.register(outbox(), one).unwrap();
        assert_eq!(connections.register(outbox(), one).unwrap_err(), NoPlace::Peer);
        assert!(connections.register(outbox(), other).is_ok());
        drop(place);
        assert!(connections.register(outbox(), one).is_ok());
    }

    #[test]
    fn c16_2_nobody_is_let_in_after_the_close() {
        let connections = connections(2, 2);
        let place = connections.register(outbox(), None).unwrap();
        assert_eq!(connections.close().len(), 1);
        assert_eq!(connections.register(outbox(), None).unwrap_err(), NoPlace::Closed);
        drop(place);
        assert_eq!(connections.count(), 0);
        connections.open();
        assert!(connections.register(outbox(), None).is_ok());
    }
}
