//! How an endpoint is put together; what is wrong with it is told when it is built.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use throng_pubsub::PubSub;
use throng_runtime::Node;

use super::{
    ChannelCount, Connections, Drain, Endpoint, Limits, Shared, SocketRouter, SocketType, health, upgrade,
};
use crate::origin::CheckOrigin;
use crate::routing::TopicPatternError;

/// Puts an [`Endpoint`] together.
pub struct EndpointBuilder {
    node: Node,
    pubsub: PubSub,
    sockets: Vec<(String, Arc<dyn SocketType>)>,
    routes: axum::Router,
    check_origin: CheckOrigin,
    scheme: &'static str,
    limits: Limits,
    drain: Drain,
}

impl EndpointBuilder {
    pub(super) fn new(node: &Node, pubsub: &PubSub) -> EndpointBuilder {
        EndpointBuilder {
            node: node.clone(),
            pubsub: pubsub.clone(),
            sockets: Vec::new(),
            routes: axum::Router::new(),
            check_origin: CheckOrigin::default(),
            scheme: "http",
            limits: Limits::default(),
            drain: Drain::default(),
        }
    }

    /// Mounts a socket type: clients connect to `<path>/websocket`. A segment `{name}` of the path becomes a parameter.
    #[must_use]
    pub fn socket<A: Clone + Send + Sync + 'static>(mut self, path: &str, sockets: SocketRouter<A>) -> Self {
        self.sockets.push((path.trim_end_matches('/').to_owned(), Arc::new(sockets)));
        self
    }

    /// Adds routes of your own beside the sockets.
    #[must_use]
    pub fn routes(mut self, routes: axum::Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Which pages may connect; unless told otherwise, those that are served from the same scheme, host and port.
    #[must_use]
    pub fn check_origin(mut self, check_origin: CheckOrigin) -> Self {
        self.check_origin = check_origin;
        self
    }

    /// Says that clients reach this endpoint by `https`, through a proxy that ends TLS; it matters for
    /// [`CheckOrigin::SameOrigin`].
    #[must_use]
    pub fn behind_tls(mut self) -> Self {
        self.scheme = "https";
        self
    }

    /// What connections may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How it parts with its clients when it shuts down.
    #[must_use]
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// The endpoint.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] names the first thing that is wrong with its sockets.
    pub fn build(self) -> Result<Endpoint, EndpointError> {
        self.check()?;
        let shared = Arc::new(Shared {
            node: self.node,
            pubsub: self.pubsub,
            connections: Connections::new(self.limits.sockets_max),
            channels: Arc::new(ChannelCount::default()),
            limits: self.limits,
            drain: self.drain,
            check_origin: self.check_origin,
            scheme: self.scheme,
            addr: Mutex::new(None),
        });
        let mut router = self.routes.merge(health::routes(&shared));
        for (path, sockets) in self.sockets {
            router = router.merge(upgrade::route(&path, sockets, &shared));
        }
        Ok(Endpoint { shared, router })
    }

    fn check(&self) -> Result<(), EndpointError> {
        let mut paths = BTreeSet::new();
        for (path, sockets) in &self.sockets {
            if !path.is_empty() && !path.starts_with('/') {
                return Err(EndpointError::Path(path.clone()));
            }
            if !paths.insert(path) {
                return Err(EndpointError::PathTaken(path.clone()));
            }
            if let Some(mistake) = sockets.mistakes().first() {
                return Err(EndpointError::Pattern { path: path.clone(), mistake: mistake.clone() });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for EndpointBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.sockets.iter().map(|(path, _)| path).collect();
        f.debug_struct("EndpointBuilder").field("sockets", &paths).finish_non_exhaustive()
    }
}

/// What is wrong with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A socket's path must begin with a slash.
    #[error("the socket path {0:?} does not begin with a slash")]
    Path(String),
    /// Two sockets share a path.
    #[error("two sockets are mounted at {0:?}")]
    PathTaken(String),
    /// A channel's topic pattern is none.
    #[error("the socket at {path:?} has a bad route: {mistake}")]
    Pattern {
        /// Where the socket is mounted.
        path: String,
        /// What is wrong with the pattern.
        mistake: TopicPatternError,
    },
}
