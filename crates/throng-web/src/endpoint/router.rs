//! A socket type: who may connect, what is known of them, and which channels their topics lead to.

use std::{fmt, pin::Pin, sync::Arc};

use throng_runtime::{Node, StartError};

use super::{ConnectInfo, Refusal};
use crate::{
    channel::{Channel, JoinRequest, Route, Start, StartChannel, Starting},
    origin::CheckOrigin,
    routing::{Routes, TopicPattern, TopicPatternError},
    websocket::Compress,
};

type Connect<A> =
    Box<dyn Fn(ConnectInfo) -> Pin<Box<dyn Future<Output = Result<A, Refusal>> + Send>> + Send + Sync>;
type Identify<A> = Box<dyn Fn(&A) -> Option<String> + Send + Sync>;

/// A socket type with clients of the assigns `A`, to be mounted at a path of an [`Endpoint`](super::Endpoint).
///
/// ```
/// # use throng_web::{Channel, JoinError, Reply, Socket, SocketRouter, Refusal};
/// # use throng_runtime::Exit;
/// # struct Room;
/// # impl Channel for Room {
/// #     type Assigns = String; type Params = (); type Event = serde_json::Value;
/// #     async fn join(_: (), _: &mut Socket<'_, Self>) -> Result<Self, JoinError> { Ok(Room) }
/// #     async fn handle_in(&mut self, _: serde_json::Value, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> { Ok(Reply::none()) }
/// # }
/// let sockets = SocketRouter::new(async |info| {
///     info.params.text("user").map(str::to_owned).ok_or(Refusal::FORBIDDEN)
/// })
/// .id(|user: &String| Some(format!("users_socket:{user}")))
/// .channel::<Room>("room:*");
/// ```
#[must_use = "a socket type is mounted by `EndpointBuilder::socket`"]
pub struct SocketRouter<A> {
    connect: Connect<A>,
    identify: Identify<A>,
    routes: Routes<Box<dyn StartChannel<A>>>,
    mistakes: Vec<TopicPatternError>,
    options: MountOptions,
}

/// What holds for one mount alone.
#[derive(Debug, Default)]
pub(crate) struct MountOptions {
    /// Instead of the endpoint's own.
    pub(crate) check_origin: Option<CheckOrigin>,
    pub(crate) auth_token: bool,
    pub(crate) compress: Option<Compress>,
}

impl<A: Clone + Send + Sync + 'static> SocketRouter<A> {
    /// A socket type whose clients are let in by `connect`: it returns what is known of them, or refuses (§1.6).
    ///
    /// Where `connect` needs anything of the application, use [`SocketRouter::with_state`].
    pub fn new<F, Fut>(connect: F) -> SocketRouter<A>
    where
        F: Fn(ConnectInfo) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Refusal>> + Send + 'static,
    {
        SocketRouter::letting_in(Box::new(move |info| Box::pin(connect(info))))
    }

    /// As [`SocketRouter::new`], with state of the application for `connect`: each connect gets a clone.
    ///
    /// The future of an async closure borrows what the closure captures, and a connect outlives the call: so what
    /// `connect` needs is handed to it, and it captures nothing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use throng_web::{ConnectInfo, MaxAge, Refusal, SocketRouter, Tokens};
    /// # #[derive(Clone)] struct User { name: String }
    /// let tokens = Arc::new(Tokens::new("a secret key base of at least twenty bytes")?);
    /// let sockets = SocketRouter::with_state(tokens, async |tokens, info| {
    ///     let token = info.params.text("token").ok_or(Refusal::FORBIDDEN)?;
    ///     let data = tokens.verify("user socket", token, MaxAge::FromToken).map_err(|_| Refusal::FORBIDDEN)?;
    ///     Ok(User { name: data.as_str().ok_or(Refusal::FORBIDDEN)?.to_owned() })
    /// });
    /// # let _: SocketRouter<User> = sockets;
    /// # Ok::<(), throng_web::WeakSecret>(())
    /// ```
    pub fn with_state<S, F, Fut>(state: S, connect: F) -> SocketRouter<A>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S, ConnectInfo) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Refusal>> + Send + 'static,
    {
        SocketRouter::letting_in(Box::new(move |info| Box::pin(connect(state.clone(), info))))
    }

    fn letting_in(connect: Connect<A>) -> SocketRouter<A> {
        SocketRouter {
            connect,
            identify: Box::new(|_| None),
            routes: Routes::new(),
            mistakes: Vec::new(),
            options: MountOptions::default(),
        }
    }

    /// Which pages may connect here, whatever the endpoint says (§1.7).
    pub fn check_origin(mut self, check_origin: CheckOrigin) -> SocketRouter<A> {
        self.options.check_origin = Some(check_origin);
        self
    }

    /// Takes the token that phoenix.js sends as its `authToken`: it travels in `Sec-WebSocket-Protocol`, so no log of URLs
    /// shows it. Connects then find it in [`ConnectInfo::auth_token`] (§1.8).
    pub fn auth_token(mut self) -> SocketRouter<A> {
        self.options.auth_token = true;
        self
    }

    /// Compresses messages for clients that offer it; without this call none are (§1.10).
    pub fn compress(mut self, compress: Compress) -> SocketRouter<A> {
        self.options.compress = Some(compress);
        self
    }

    /// Names each client's connections: a broadcast of `disconnect` on the topic of this name ends them all (§7.4).
    pub fn id(mut self, identify: impl Fn(&A) -> Option<String> + Send + Sync + 'static) -> SocketRouter<A> {
        self.identify = Box::new(identify);
        self
    }

    /// Leads topics to a channel type: an exact topic, or `"prefix*"`; the first match wins (§4.1).
    ///
    /// An invalid pattern is reported when the endpoint is built.
    pub fn channel<C: Channel<Assigns = A>>(mut self, pattern: &str) -> SocketRouter<A> {
        match TopicPattern::parse(pattern) {
            Ok(pattern) => self.routes.add(pattern, Box::new(Route::<C>::new())),
            Err(mistake) => self.mistakes.push(mistake),
        }
        self
    }
}

impl<A> fmt::Debug for SocketRouter<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketRouter").finish_non_exhaustive()
    }
}

/// A socket type without the type of its assigns.
pub(crate) trait SocketType: Send + Sync {
    /// Runs the application's connect function.
    fn connect(self: Arc<Self>, info: ConnectInfo) -> Connecting;

    /// What is wrong with its routes.
    fn mistakes(&self) -> &[TopicPatternError];

    fn options(&self) -> &MountOptions;
}

pub(crate) type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Session>, Refusal>> + Send>>;

impl<A: Clone + Send + Sync + 'static> SocketType for SocketRouter<A> {
    fn connect(self: Arc<Self>, info: ConnectInfo) -> Connecting {
        Box::pin(async move {
            let assigns = (self.connect)(info).await?;
            let id = (self.identify)(&assigns).map(Arc::from);
            Ok(Box::new(ClientSession { assigns, id, router: self }) as Box<dyn Session>)
        })
    }

    fn mistakes(&self) -> &[TopicPatternError] {
        &self.mistakes
    }

    fn options(&self) -> &MountOptions {
        &self.options
    }
}

/// A connected client, without the type of its assigns.
pub(crate) trait Session: Send + Sync {
    /// The socket id.
    fn id(&self) -> Option<Arc<str>>;

    /// Whether the topic leads to a channel.
    fn routes(&self, topic: &str) -> bool;

    /// Starts the channel of the join's topic.
    fn start<'a>(&'a self, node: &'a Node, join: JoinRequest) -> Starting<'a>;
}

struct ClientSession<A> {
    assigns: A,
    id: Option<Arc<str>>,
    router: Arc<SocketRouter<A>>,
}

impl<A: Clone + Send + Sync + 'static> Session for ClientSession<A> {
    fn id(&self) -> Option<Arc<str>> {
        self.id.clone()
    }

    fn routes(&self, topic: &str) -> bool {
        self.router.routes.find(topic).is_some()
    }

    fn start<'a>(&'a self, node: &'a Node, join: JoinRequest) -> Starting<'a> {
        match self.router.routes.find(&join.message.topic) {
            Some(route) => route.start(node, Start { assigns: self.assigns.clone(), join }),
            // Only joins of routed topics get here.
            None => Box::pin(std::future::ready(Err(StartError::Ignored))),
        }
    }
}
