//! A mount: the path where a socket type hangs, and what holds there alone.
//!
//! ```text
//!   Mount::at("/of/{tenant}/socket")          /of/acme/socket/websocket?user=ada
//!         └── websocket (or a path of yours)  └── {tenant} and the query become the parameters of connect
//! ```

use std::{fmt, sync::Arc};

use axum::{http::Extensions, response::Response};

use super::{Cookies, Limits, Refusal, session::SessionReader};
use crate::{LongPoll, origin::CheckOrigin};

/// Where a socket type hangs, and what holds there alone; a path is a mount with nothing special about it (§1.1).
///
/// Two mounts may share one [`SocketRouter`](super::SocketRouter), which is cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use throng_web::Mount;
/// # use throng_runtime::Node;
/// # use throng_web::{Endpoint, PubSub, SocketRouter};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), throng_web::EndpointError> {
/// # let (node, pubsub) = (Node::new("shop"), PubSub::new());
/// # let sockets = SocketRouter::new(async |_| Ok(()));
/// let impatient = Mount::at("/socket_fast").limits(|limits| {
///     limits.idle_timeout = Duration::from_secs(1);
///     limits.channels_per_connection_max = 5;
/// });
/// let endpoint = Endpoint::builder(&node, &pubsub)
///     .socket("/socket", sockets.clone())
///     .socket(impatient, sockets)
///     .build()?;
/// # Ok(()) }
/// ```
#[must_use = "a mount is used by `EndpointBuilder::socket`"]
pub struct Mount {
    pub(super) path: String,
    pub(super) websocket: Option<String>,
    pub(super) longpoll: Option<LongPoll>,
    pub(super) check_origin: Option<CheckOrigin>,
    pub(super) auth_token: bool,
    pub(super) subprotocols: Vec<String>,
    pub(super) limits: Vec<LimitsChange>,
    pub(super) error_handler: Option<ErrorHandler>,
    pub(super) constants: Extensions,
    pub(super) session: Option<SessionReader>,
}

type LimitsChange = Box<dyn FnOnce(&mut Limits) + Send>;

/// Makes the answer to a client that was refused for a reason.
pub(crate) type ErrorHandler = Arc<dyn Fn(&Refusal) -> Response + Send + Sync>;

impl Mount {
    /// At this path; a segment `{name}` becomes a parameter of the connect (§1.1).
    pub fn at(path: impl Into<String>) -> Mount {
        Mount {
            path: path.into().trim_end_matches('/').to_owned(),
            websocket: Some("websocket".to_owned()),
            longpoll: None,
            check_origin: None,
            auth_token: false,
            subprotocols: Vec::new(),
            limits: Vec::new(),
            error_handler: None,
            constants: Extensions::new(),
            session: None,
        }
    }

    /// Takes WebSockets at another path below the mount than `websocket`; it may have `{name}` segments as well.
    pub fn websocket_path(mut self, path: &str) -> Mount {
        self.websocket = Some(path.trim_matches('/').to_owned());
        self
    }

    /// Takes no WebSockets here (§1.2).
    pub fn without_websocket(mut self) -> Mount {
        self.websocket = None;
        self
    }

    /// Offers long-polling here, whatever the socket type says (§1.2, §9).
    pub fn longpoll(mut self, longpoll: LongPoll) -> Mount {
        self.longpoll = Some(longpoll);
        self
    }

    /// Which pages may connect here, whatever the endpoint says (§1.7).
    pub fn check_origin(mut self, check_origin: CheckOrigin) -> Mount {
        self.check_origin = Some(check_origin);
        self
    }

    /// Takes the token that phoenix.js sends as its `authToken`: it travels in a header, so no log of URLs shows it.
    /// Connects then find it in [`ConnectInfo::auth_token`](super::ConnectInfo::auth_token) (§1.8).
    pub fn auth_token(mut self) -> Mount {
        self.auth_token = true;
        self
    }

    /// Subprotocols that clients may ask for beside `phoenix`, the preferred ones first (§1.8).
    pub fn subprotocols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Mount {
        self.subprotocols.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Changes limits of the connections made here; the others are the endpoint's (§8).
    ///
    /// What bounds the endpoint as a whole stays as it is: [`Limits::sockets_max`], [`Limits::sockets_per_peer_max`], and
    /// what holds for HTTP connections before they become sockets.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits) + Send + 'static) -> Mount {
        self.limits.push(Box::new(change));
        self
    }

    /// Makes the answers to clients that connect refuses [for a reason](Refusal::because), instead of the endpoint's own
    /// [error handler](super::EndpointBuilder::error_handler) (§1.6).
    pub fn error_handler(mut self, handler: impl Fn(&Refusal) -> Response + Send + Sync + 'static) -> Mount {
        self.error_handler = Some(Arc::new(handler));
        self
    }

    /// A value that connects here find by its type: [`ConnectInfo::constant`](super::ConnectInfo::constant) (§1.9).
    pub fn constant<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Mount {
        self.constants.insert(value);
        self
    }

    /// Hands connects the session that your pages keep in a cookie, if the page proves that it is yours (§1.9).
    ///
    /// Browsers send cookies with whatever page opens the socket. So the session that `read` finds is handed out only if
    /// the parameter `_csrf_token` is there and `verify` accepts it for this session; else
    /// [`ConnectInfo::session`](super::ConnectInfo::session) is none.
    ///
    /// ```
    /// # use throng_web::Mount;
    /// #[derive(Clone)]
    /// struct Session { user: String, csrf: String }
    /// # fn unseal(_: &str) -> Option<Session> { None }
    /// # fn same_secret(_: &str, _: &str) -> bool { false }
    ///
    /// let mount = Mount::at("/socket").session(
    ///     |cookies| unseal(cookies.get("session")?),
    ///     |session: &Session, token| same_secret(&session.csrf, token),
    /// );
    /// # let _ = mount;
    /// ```
    pub fn session<S: Clone + Send + Sync + 'static>(
        mut self,
        read: impl Fn(Cookies<'_>) -> Option<S> + Send + Sync + 'static,
        verify: impl Fn(&S, &str) -> bool + Send + Sync + 'static,
    ) -> Mount {
        self.session = Some(SessionReader::new(read, verify));
        self
    }

    /// All routes below it.
    pub(super) fn routes(&self) -> impl Iterator<Item = String> {
        self.websocket_route().into_iter().chain(self.longpoll_route())
    }

    /// Where WebSockets are opened, if they are taken.
    pub(super) fn websocket_route(&self) -> Option<String> {
        self.websocket.as_ref().map(|suffix| self.below(suffix))
    }

    /// Where clients poll, if they may.
    pub(super) fn longpoll_route(&self) -> Option<String> {
        self.longpoll.as_ref().map(|longpoll| self.below(longpoll.path.trim_matches('/')))
    }

    /// A path below the mount.
    fn below(&self, suffix: &str) -> String {
        if suffix.is_empty() { self.path.clone() } else { format!("{}/{suffix}", self.path) }
    }
}

impl From<&str> for Mount {
    fn from(path: &str) -> Mount {
        Mount::at(path)
    }
}

impl From<String> for Mount {
    fn from(path: String) -> Mount {
        Mount::at(path)
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("path", &self.path).finish_non_exhaustive()
    }
}
