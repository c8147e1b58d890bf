//! An endpoint: sockets mounted at paths, with the rules that hold for all of them.
//!
//! It is a value. [`Endpoint::router`] mounts in a router of your own, served by whatever serves you;
//! [`Endpoint::listen`] is a child for a supervisor, with an accept loop of its own that shuts down in order.

mod build;
mod client_session;
mod connect;
mod descriptors;
mod drain;
mod exchange;
mod gate;
pub(crate) mod handshake;
mod health;
mod limits;
mod listener;
mod mount;
mod mounted;
mod peers;
mod proxies;
mod registry;
mod revocations;
mod router;
mod session;
mod subprotocol;
mod upgrade;
mod visitor;

use std::{fmt, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use throng_pubsub::{BroadcastError, IntoPayload, PubSub};
use throng_runtime::{ChildSpec, GenServer, Node};

pub use self::{
    build::{EndpointBuilder, EndpointError},
    connect::{ConnectInfo, Refusal},
    gate::TokenGate,
    limits::{Drain, Limits},
    listener::{ListenError, Listener},
    mount::Mount,
    revocations::Revocations,
    router::SocketRouter,
    session::Cookies,
};
pub(crate) use self::{
    exchange::Watched,
    mounted::Mounted,
    proxies::TrustedProxies,
    registry::{ChannelCount, Connections, Registration},
    router::{Session, SocketType},
    visitor::{Refused, Visitor},
};
use crate::{OutboundCounts, fastlane, protocol::Payload, telemetry::Observers};

/// Sockets, the routes around them, and the clients that are connected; cloning gives another handle.
#[derive(Clone)]
pub struct Endpoint {
    shared: Arc<Shared>,
    router: axum::Router,
}

/// What an endpoint's connections share.
pub(crate) struct Shared {
    pub(crate) node: Node,
    pub(crate) pubsub: PubSub,
    pub(crate) limits: Limits,
    pub(crate) drain: Drain,
    pub(crate) observers: Observers,
    pub(crate) scheme: &'static str,
    pub(crate) proxies: TrustedProxies,
    pub(crate) connections: Arc<Connections>,
    pub(crate) channels: Arc<ChannelCount>,
    pub(crate) addr: Mutex<Option<SocketAddr>>,
}

impl Endpoint {
    /// An endpoint whose processes run on the node, and whose channels join the topics of the [`PubSub`].
    ///
    /// Whoever holds the same `PubSub` broadcasts to clients and hears what they broadcast; a
    /// [`Presence`](throng_pubsub::Presence) has to be made over the same one.
    pub fn builder(node: &Node, pubsub: &PubSub) -> EndpointBuilder {
        EndpointBuilder::new(node, pubsub)
    }

    /// All its routes: the sockets, `/health/live`, `/health/ready`, and those that were added.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()` if connects should see the peer's address.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// The same endpoint with more routes, such as those of a [`ServerApi`](crate::ServerApi), which come of it.
    ///
    /// # Panics
    ///
    /// When it has one of them already.
    #[must_use]
    pub fn with_routes(self, routes: axum::Router) -> Endpoint {
        Endpoint { router: self.router.merge(routes), ..self }
    }

    /// A child that listens on an address and serves the routes; it shuts down in order within its grace (§16.2).
    ///
    /// When it begins to listen, it raises the process's soft limit of open files to the hard one, and warns if that is
    /// less than [`Limits`] let in.
    pub fn listen(&self, addr: impl Into<SocketAddr>) -> ChildSpec<Listener> {
        let drain = &self.shared.drain;
        // Batches take as long as they take; a supervisor must not kill what still says goodbye.
        let batches = self.shared.limits.sockets_max.div_ceil(drain.batch_size.max(1));
        let pauses = drain.batch_interval.saturating_mul(u32::try_from(batches).unwrap_or(u32::MAX));
        let grace =
            pauses.saturating_add(drain.patience.saturating_mul(3)).saturating_add(drain.request_grace);
        let grace = grace.saturating_add(drain.notice);
        Listener::child((self.clone(), addr.into())).shutdown(grace)
    }

    /// The address it listens on, once it does: with port 0, the port that was free.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        *self.shared.addr.lock()
    }

    /// The topics that its channels join.
    pub fn pubsub(&self) -> &PubSub {
        &self.shared.pubsub
    }

    /// Sends an event to all who joined a topic, on all nodes (§6.1).
    ///
    /// # Errors
    ///
    /// When the payload is neither a JSON object nor bytes, or other nodes cannot be told: then nobody got it.
    pub fn broadcast(
        &self,
        topic: &str,
        event: &str,
        payload: impl IntoPayload,
    ) -> Result<(), BroadcastError> {
        self.shared.pubsub.broadcast(topic, event, payload)
    }

    /// Ends all connections of a socket id, with all their channels, on all nodes (§7.4).
    ///
    /// # Errors
    ///
    /// When other nodes cannot be told: then none has ended.
    pub fn disconnect(&self, id: &str) -> Result<(), BroadcastError> {
        self.shared.pubsub.broadcast(id, fastlane::DISCONNECT, Payload::empty())
    }

    /// Whether nobody is let in any more, as a shutdown has begun (§18.2): what `/health/ready` tells.
    pub fn is_draining(&self) -> bool {
        self.shared.connections.is_closed()
    }

    /// Open connections.
    pub fn connection_count(&self) -> usize {
        self.shared.connections.count()
    }

    /// Living channels of all connections.
    pub fn channel_count(&self) -> usize {
        self.shared.channels.get()
    }

    /// Bytes that wait to be written, over all connections; each counts for no more than
    /// [its limit](Limits::outbound_bytes_max), and a broadcast for each client that it waits for. It looks at every
    /// connection: a figure for a dashboard, not for a hot path.
    pub fn queued_bytes(&self) -> usize {
        self.shared.connections.queued_bytes()
    }

    /// How often events were not sent as they were, for clients that were slow (§18.3), since the endpoint was built. It looks at
    /// every connection, as [`Endpoint::queued_bytes`] does.
    pub fn outbound_counts(&self) -> OutboundCounts {
        self.shared.connections.outbound_counts()
    }

    /// Lets nobody in any more, and closes all connections, a batch at a time: what a server of your own calls before it
    /// stops (§16.2). Resolves when all have ended, or patience has run out.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the endpoint closed and the batches that were not reached open.
    pub async fn drain(&self) {
        drain::drain(&self.shared).await;
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("addr", &self.local_addr())
            .field("connections", &self.connection_count())
            .finish_non_exhaustive()
    }
}
