//! How an endpoint is put together; what is wrong with it is told when it is built.

use std::{fmt, sync::Arc};

use axum::response::Response;
use matchit::InsertError;
use parking_lot::Mutex;
use throng_pubsub::PubSub;
use throng_runtime::Node;

use super::{
    ChannelCount, Connections, Drain, Endpoint, Limits, Mount, Mounted, Refusal, Shared, SocketRouter,
    SocketType, TrustedProxies, health, mount::ErrorHandler, proxies::Network, upgrade,
};
use crate::{
    longpoll,
    origin::{CheckOrigin, Origin},
    routing::TopicPatternError,
    telemetry::{Event, FanOut, Filter, Observe, Observers},
};

/// Puts an [`Endpoint`] together.
#[must_use = "an endpoint comes of `build`"]
pub struct EndpointBuilder {
    node: Node,
    pubsub: PubSub,
    sockets: Vec<(Mount, Arc<dyn SocketType>)>,
    routes: axum::Router,
    serves_health: bool,
    url: Option<String>,
    check_origin: Option<CheckOrigin>,
    error_handler: Option<ErrorHandler>,
    observers: Vec<Observe>,
    filter: Filter,
    scheme: &'static str,
    proxies: Vec<String>,
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
            serves_health: true,
            url: None,
            check_origin: None,
            error_handler: None,
            observers: Vec::new(),
            filter: Filter::default(),
            scheme: "http",
            proxies: Vec::new(),
            limits: Limits::default(),
            drain: Drain::default(),
        }
    }

    /// Mounts a socket type: clients connect to `<path>/websocket`. A segment `{name}` of the path becomes a parameter. A
    /// [`Mount`] in the place of the path says more about it.
    ///
    /// An invalid path, or one that another socket takes, is reported when the endpoint is built.
    pub fn socket<A: Clone + Send + Sync + 'static>(
        mut self,
        mount: impl Into<Mount>,
        sockets: SocketRouter<A>,
    ) -> Self {
        let (mut mount, sockets) = (mount.into(), Arc::new(sockets));
        mount.longpoll = mount.longpoll.or_else(|| sockets.options().longpoll.clone());
        self.sockets.push((mount, sockets));
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

    /// Where pages and clients find this endpoint, such as `https://chat.example.com`: the scheme of its requests, and the
    /// host whose pages may connect, unless [`EndpointBuilder::check_origin`] says otherwise (§1.7, §16.4).
    ///
    /// What is not a URL with a host is reported when the endpoint is built.
    pub fn url(mut self, url: &str) -> Self {
        self.url = Some(url.to_owned());
        self
    }

    /// Which pages may connect; unless told otherwise, those of the host of the endpoint's [`url`](EndpointBuilder::url),
    /// and where it has none, those that are served from the same scheme, host and port.
    pub fn check_origin(mut self, check_origin: CheckOrigin) -> Self {
        self.check_origin = Some(check_origin);
        self
    }

    /// Makes the answers to clients that connect refuses [for a reason](Refusal::because) (§1.6).
    pub fn error_handler(mut self, handler: impl Fn(&Refusal) -> Response + Send + Sync + 'static) -> Self {
        self.error_handler = Some(Arc::new(handler));
        self
    }

    /// Tells this function of everything that [happens](crate::telemetry) to sockets and channels (§15); there may be several.
    pub fn observe(mut self, observe: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observers.push(Box::new(observe));
        self
    }

    /// Which parameters observers may see, instead of all but passwords and tokens (§15).
    pub fn filter_params(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Leaves out `/health/live` and `/health/ready`: an application with paths of its own asks
    /// [`Endpoint::is_draining`](super::Endpoint::is_draining).
    pub fn without_health(mut self) -> Self {
        self.serves_health = false;
        self
    }

    /// Says that clients reach this endpoint by `https`, through a proxy that ends TLS; it matters for
    /// [`CheckOrigin::SameOrigin`].
    pub fn behind_tls(mut self) -> Self {
        self.scheme = "https";
        self
    }

    /// Networks of proxies in front of this endpoint, such as `10.0.0.0/8` or `127.0.0.1`, which are believed what they
    /// write in `X-Forwarded-For`.
    ///
    /// Behind one all clients come from its address. Where it is named here, [`ConnectInfo::peer`](super::ConnectInfo::peer)
    /// is the client's address, [`Limits::sockets_per_peer_max`] counts by it, and the proxy's own connections are not
    /// counted by [`Limits::connections_per_peer_max`]. A listening endpoint tells its other routes the same, where they
    /// extract axum's `ConnectInfo`. Name no network from which clients come directly: they would choose
    /// their addresses themselves.
    ///
    /// What is no network is reported when the endpoint is built.
    ///
    /// ```
    /// # use throng_runtime::Node;
    /// # use throng_web::{Endpoint, PubSub};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), throng_web::EndpointError> {
    /// # let (node, pubsub) = (Node::new("shop"), PubSub::new());
    /// let endpoint = Endpoint::builder(&node, &pubsub).behind_tls().trusted_proxies(["127.0.0.1", "::1"]).build()?;
    /// # Ok(()) }
    /// ```
    pub fn trusted_proxies<'a>(mut self, networks: impl IntoIterator<Item = &'a str>) -> Self {
        self.proxies.extend(networks.into_iter().map(str::to_owned));
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
        self.check_paths()?;
        let origins = Origins::new(self.url, self.check_origin)?;
        let observers = Observers::new(self.observers, self.filter);
        tell_of_broadcasts(&observers, &self.pubsub);
        let proxies = trusted(&self.proxies)?;
        let shared = Arc::new(Shared {
            observers,
            node: self.node,
            pubsub: self.pubsub,
            connections: Connections::new(&self.limits),
            channels: Arc::new(ChannelCount::default()),
            limits: self.limits,
            drain: self.drain,
            scheme: if origins.are_secure() { "https" } else { self.scheme },
            proxies,
            addr: Mutex::new(None),
        });
        let mut router = self.routes;
        if self.serves_health {
            router = router.merge(health::routes(&shared));
        }
        for (mut mount, sockets) in self.sockets {
            let own_rule = mount.check_origin.take().or_else(|| sockets.options().check_origin.clone());
            let rule = origins.rule(own_rule, &mount.path)?;
            let websocket = mount.websocket_route();
            let longpoll = mount.longpoll_route().zip(mount.longpoll.take());
            let mounted = Mounted::new(mount, sockets, rule, self.error_handler.clone(), &shared);
            if let Some(path) = websocket {
                router = router.merge(upgrade::routes(&path, mounted.clone()));
            }
            if let Some((path, options)) = longpoll {
                router = router.merge(longpoll::routes(&path, options, mounted)?);
            }
        }
        Ok(Endpoint { shared, router })
    }

    fn check_paths(&self) -> Result<(), EndpointError> {
        let mut paths = matchit::Router::new();
        for (mount, sockets) in &self.sockets {
            for route in mount.routes() {
                check_path(&mount.path, route, &mut paths)?;
            }
            if let Some(window) = mount.longpoll.as_ref().map(|longpoll| longpoll.window)
                && window >= self.limits.request_timeout
            {
                return Err(EndpointError::Window { path: mount.path.clone() });
            }
            if let Some(mistake) = sockets.mistakes().first() {
                return Err(EndpointError::Pattern { path: mount.path.clone(), mistake: mistake.clone() });
            }
        }
        Ok(())
    }
}

/// Passes on how many subscriptions each broadcast reaches, if anybody wants to know.
fn tell_of_broadcasts(observers: &Observers, pubsub: &PubSub) {
    if !observers.are_there() {
        return;
    }
    let observers = observers.clone();
    pubsub.observe(move |broadcast, deliveries| {
        let (topic, event) = (broadcast.topic(), broadcast.event());
        let bytes = broadcast.payload().as_wire().len();
        observers.tell(|_| Event::Broadcast(FanOut { topic, event, bytes, deliveries }));
    });
}

/// The endpoint's own address, and which origins it lets in.
struct Origins {
    url: Option<Origin>,
    default: CheckOrigin,
}

impl Origins {
    fn new(url: Option<String>, rule: Option<CheckOrigin>) -> Result<Origins, EndpointError> {
        let url = url.map(|url| match Origin::parse(&url) {
            origin if origin.host.is_empty() || origin.scheme.is_empty() => Err(EndpointError::Url(url)),
            origin => Ok(origin),
        });
        let url = url.transpose()?;
        let default = rule.unwrap_or(if url.is_some() { CheckOrigin::Url } else { CheckOrigin::SameOrigin });
        Ok(Origins { url, default })
    }

    fn are_secure(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.scheme == "https")
    }

    /// The rule of one mount, with the endpoint's host where it asks for it.
    fn rule(&self, own: Option<CheckOrigin>, path: &str) -> Result<CheckOrigin, EndpointError> {
        match (own.unwrap_or_else(|| self.default.clone()), &self.url) {
            (CheckOrigin::Url, Some(url)) => Ok(CheckOrigin::Host(url.host.clone())),
            (CheckOrigin::Url, None) => Err(EndpointError::NoUrl { path: path.to_owned() }),
            (rule, _) => Ok(rule),
        }
    }
}

fn trusted(networks: &[String]) -> Result<TrustedProxies, EndpointError> {
    let parsed =
        networks.iter().map(|text| text.parse::<Network>().map_err(|_| EndpointError::Network(text.clone())));
    parsed.collect()
}

/// Adds a route of a mount to those before it, by the rules of the router that serves them.
fn check_path(path: &str, route: String, paths: &mut matchit::Router<()>) -> Result<(), EndpointError> {
    let invalid = |why: &str| EndpointError::Path { path: path.to_owned(), why: why.to_owned() };
    if !route.starts_with('/') {
        return Err(invalid("it does not begin with a slash"));
    }
    // The router refuses what was a parameter to its older versions.
    if route.split('/').any(|segment| segment.starts_with([':', '*'])) {
        return Err(invalid("a parameter is written {name}"));
    }
    paths.insert(route, ()).map_err(|error| match error {
        InsertError::Conflict { with } => EndpointError::PathTaken { path: path.to_owned(), with },
        error => invalid(&error.to_string()),
    })
}

impl fmt::Debug for EndpointBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.sockets.iter().map(|(mount, _)| &mount.path).collect();
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
    /// The endpoint's URL is none, or has no host.
    #[error("{0:?} is not the URL of an endpoint: write https://host")]
    Url(String),
    /// A socket lets in the pages of the endpoint's host, and the endpoint has none.
    #[error("the socket at {path:?} checks origins against the endpoint's url, which is not set")]
    NoUrl {
        /// Where the socket is mounted.
        path: String,
    },
    /// A poll would be hung up on before it is answered.
    #[error("the socket at {path:?} holds polls for as long as a request may take, or longer")]
    Window {
        /// Where the socket is mounted.
        path: String,
    },
    /// What was to be the network of a trusted proxy is none.
    #[error("{0:?} is no network: write 10.0.0.0/8, or an address")]
    Network(String),
    /// The system has no random bytes, of which the secret of long-polling is made.
    #[error("no random bytes: {0}")]
    Random(String),
    /// A channel's topic pattern is invalid.
    #[error("the socket at {path:?} has a bad route: {mistake}")]
    Pattern {
        /// Where the socket is mounted.
        path: String,
        /// What is wrong with the pattern.
        mistake: TopicPatternError,
    },
}
