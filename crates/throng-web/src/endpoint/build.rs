//! How an endpoint is put together; what is wrong with it is told when it is built.

use std::{fmt, sync::Arc};

use matchit::InsertError;
use parking_lot::Mutex;
use throng_pubsub::PubSub;
use throng_runtime::Node;

use super::{
    ChannelCount, Connections, Drain, Endpoint, Limits, Shared, SocketRouter, SocketType, health, upgrade,
};
use crate::{origin::CheckOrigin, routing::TopicPatternError};

/// Puts an [`Endpoint`] together.
#[must_use = "an endpoint comes of `build`"]
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
    ///
    /// An invalid path, or one that another socket takes, is reported when the endpoint is built.
    pub fn socket<A: Clone + Send + Sync + 'static>(mut self, path: &str, sockets: SocketRouter<A>) -> Self {
        self.sockets.push((path.trim_end_matches('/').to_owned(), Arc::new(sockets)));
        self
    }

    /// Adds routes of your own beside the sockets. `/health/live`, `/health/ready` and the sockets' own
    /// `<path>/websocket` are taken: [`EndpointBuilder::build`] panics when a route repeats one of them.
    ///
    /// ```
    /// use throng_web::axum::{Router, routing::get};
    /// # use throng_runtime::Node;
    /// # use throng_web::{Endpoint, PubSub};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), throng_web::EndpointError> {
    /// # let (node, pubsub) = (Node::new("shop"), PubSub::new());
    /// let endpoint = Endpoint::builder(&node, &pubsub)
    ///     .routes(Router::new().route("/", get(async || "home")))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// When two routers that were added have a route in common.
    pub fn routes(mut self, routes: axum::Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Which pages may connect; unless told otherwise, those that are served from the same scheme, host and port.
    pub fn check_origin(mut self, check_origin: CheckOrigin) -> Self {
        self.check_origin = check_origin;
        self
    }

    /// Says that clients reach this endpoint by `https`, through a proxy that ends TLS; it matters for
    /// [`CheckOrigin::SameOrigin`].
    pub fn behind_tls(mut self) -> Self {
        self.scheme = "https";
        self
    }

    /// What connections may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How it parts with its clients when it shuts down.
    pub fn drain(mut self, drain: Drain) -> Self {
        self.drain = drain;
        self
    }

    /// The endpoint.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] names the first thing that is wrong with its sockets.
    ///
    /// # Panics
    ///
    /// When [routes of your own](EndpointBuilder::routes) repeat a route of the endpoint: axum does not tell which routes a
    /// router has.
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
            router = router.merge(upgrade::routes(&path, sockets, &shared));
        }
        Ok(Endpoint { shared, router })
    }

    fn check(&self) -> Result<(), EndpointError> {
        let mut paths = matchit::Router::new();
        for (path, sockets) in &self.sockets {
            check_path(path, &mut paths)?;
            if let Some(mistake) = sockets.mistakes().first() {
                return Err(EndpointError::Pattern { path: path.clone(), mistake: mistake.clone() });
            }
        }
        Ok(())
    }
}

/// Adds a mount's path to those before it, by the rules of the router that serves them.
fn check_path(path: &str, paths: &mut matchit::Router<()>) -> Result<(), EndpointError> {
    let invalid = |why: &str| EndpointError::Path { path: path.to_owned(), why: why.to_owned() };
    if !path.is_empty() && !path.starts_with('/') {
        return Err(invalid("it does not begin with a slash"));
    }
    // The router refuses what was a parameter to its older versions.
    if path.split('/').any(|segment| segment.starts_with([':', '*'])) {
        return Err(invalid("a parameter is written {name}"));
    }
    paths.insert(upgrade::path(path), ()).map_err(|error| match error {
        InsertError::Conflict { with } => EndpointError::PathTaken { path: path.to_owned(), with },
        error => invalid(&error.to_string()),
    })
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
    /// A socket's path is invalid.
    #[error("the socket path {path:?} is invalid: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two sockets share a path, or their paths differ in the names of parameters alone.
    #[error("the socket path {path:?} is taken by {with:?}")]
    PathTaken {
        /// The path of the later one.
        path: String,
        /// The route that was there before.
        with: String,
    },
    /// A channel's topic pattern is invalid.
    #[error("the socket at {path:?} has a bad route: {mistake}")]
    Pattern {
        /// Where the socket is mounted.
        path: String,
        /// What is wrong with the pattern.
        mistake: TopicPatternError,
    },
}
