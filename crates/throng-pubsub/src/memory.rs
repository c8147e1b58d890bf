//! A network in memory: several nodes in one program, with partitions at the flip of a switch.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::transport::{Receiver, Transport, TransportError};

/// Joins several [`PubSub`](crate::PubSub)s of one program, for tests.
///
/// A message is handed over before its send returns, so it arrives in order and a test need not wait for it. A message
/// over a cut link is lost.
///
/// ```
/// # use throng_pubsub::{Network, PubSub};
/// let network = Network::new();
/// let (here, there) = (PubSub::over(network.join("a")), PubSub::over(network.join("b")));
/// here.broadcast("news", "headline", serde_json::json!({ "text": "it works" }))?;
/// # let _ = there;
/// # Ok::<_, throng_pubsub::BroadcastError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Network {
    links: Arc<Mutex<Links>>,
}

#[derive(Debug, Default)]
struct Links {
    nodes: BTreeMap<Arc<str>, Port>,
    /// Pairs of nodes that do not hear each other, the lesser name first.
    cuts: BTreeSet<(Arc<str>, Arc<str>)>,
    joins: u64,
}

/// Where a node is plugged in.
struct Port {
    /// Which join of that name it is: a node that joined again takes the place of the earlier one.
    join: u64,
    receiver: Option<Weak<dyn Receiver>>,
}

impl Network {
    /// A network without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node. One that has this name already is unplugged, as if it had been restarted.
    pub fn join(&self, name: impl Into<Arc<str>>) -> MemoryTransport {
        let (name, mut links) = (name.into(), self.links.lock());
        links.joins += 1;
        let join = links.joins;
        links.nodes.insert(name.clone(), Port { join, receiver: None });
        MemoryTransport { network: self.clone(), name, join }
    }

    /// Unplugs a node: it can neither send nor receive.
    pub fn unplug(&self, name: &str) {
        self.links.lock().nodes.remove(name);
    }

    /// Cuts every link between one side and the other.
    pub fn split(&self, one: &[&str], other: &[&str]) {
        let mut links = self.links.lock();
        for a in one {
            links.cuts.extend(other.iter().map(|b| pair(a, b)));
        }
    }

    /// Makes every link whole again.
    pub fn heal(&self) {
        self.links.lock().cuts.clear();
    }
}

impl Links {
    /// The receivers of a message of `from`.
    fn receivers(&self, from: &str) -> Vec<Weak<dyn Receiver>> {
        let others = self.nodes.iter().filter(|(name, _)| ***name != *from);
        others
            .filter(|(name, _)| self.is_whole(from, name))
            .filter_map(|(_, port)| port.receiver.clone())
            .collect()
    }

    fn is_whole(&self, a: &str, b: &str) -> bool {
        !self.cuts.contains(&pair(a, b))
    }
}

fn pair(a: &str, b: &str) -> (Arc<str>, Arc<str>) {
    if a <= b { (a.into(), b.into()) } else { (b.into(), a.into()) }
}

/// One node's plug in a [`Network`].
#[derive(Clone)]
pub struct MemoryTransport {
    network: Network,
    name: Arc<str>,
    join: u64,
}

impl MemoryTransport {
    fn plugged(&self, links: &Links) -> Result<(), TransportError> {
        let port = links.nodes.get(&self.name);
        if port.is_some_and(|port| port.join == self.join) { Ok(()) } else { Err(TransportError::Closed) }
    }

    /// Without any lock: a receiver may send in turn.
    fn hand_over(&self, receivers: Vec<Weak<dyn Receiver>>, message: &[u8]) {
        for receiver in receivers.iter().filter_map(Weak::upgrade) {
            receiver.receive(&self.name, message);
        }
    }
}

impl Transport for MemoryTransport {
    fn node(&self) -> &str {
        &self.name
    }

    fn broadcast(&self, message: Bytes) -> Result<(), TransportError> {
        let links = self.network.links.lock();
        self.plugged(&links)?;
        let receivers = links.receivers(&self.name);
        drop(links);
        self.hand_over(receivers, &message);
        Ok(())
    }

    fn send(&self, node: &str, message: Bytes) -> Result<(), TransportError> {
        let links = self.network.links.lock();
        self.plugged(&links)?;
        let port = links.nodes.get(node).ok_or_else(|| TransportError::UnknownNode(node.to_owned()))?;
        let receiver = if links.is_whole(&self.name, node) { port.receiver.clone() } else { None };
        drop(links);
        self.hand_over(receiver.into_iter().collect(), &message);
        Ok(())
    }

    fn attach(&self, receiver: Weak<dyn Receiver>) {
        let mut links = self.network.links.lock();
        if let Some(port) = links.nodes.get_mut(&self.name)
            && port.join == self.join
        {
            port.receiver = Some(receiver);
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("join", &self.join).finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryTransport").field(&self.name).finish()
    }
}
