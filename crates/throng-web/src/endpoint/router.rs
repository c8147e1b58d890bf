//! A socket type: who may connect, what is known of them, and which channels their topics lead to.

use std::{fmt, pin::Pin, sync::Arc, time::SystemTime};

use throng_runtime::{ChildSpec, GenServer, Handler, Node};

use super::{ConnectInfo, Refusal, TokenGate, client_session::ClientSession, gate::DeadToken};
use crate::{
    LongPoll,
    channel::{Channel, CustomJoin, CustomRoute, FromClient, JoinRequest, Route, StartChannel, Starting},
    origin::CheckOrigin,
    routing::{Routes, TopicPattern, TopicPatternError},
    websocket::Compress,
};

type Connect<A> =
    Arc<dyn Fn(ConnectInfo) -> Pin<Box<dyn Future<Output = Result<A, Refusal>> + Send>> + Send + Sync>;
type Identify<A> = Arc<dyn Fn(&A) -> Option<String> + Send + Sync>;
type Expires<A> = Arc<dyn Fn(&A) -> Option<SystemTime> + Send + Sync>;
type Refresh<A> =
    Arc<dyn Fn(A, String) -> Pin<Box<dyn Future<Output = Result<A, Refusal>> + Send>> + Send + Sync>;

/// A socket type with clients of the assigns `A`, to be mounted at a path of an [`Endpoint`](super::Endpoint), or at
/// several: it is cheap to clone.
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
    pub(super) identify: Identify<A>,
    pub(super) gate: Option<TokenGate>,
    pub(super) expires: Option<Expires<A>>,
    pub(super) refresh: Option<Refresh<A>>,
    pub(super) routes: Routes<Arc<dyn StartChannel<A>>>,
    mistakes: Vec<TopicPatternError>,
    options: SocketOptions,
}

/// What holds for all mounts of a socket type, unless a mount says otherwise (§16.4).
#[derive(Clone, Debug, Default)]
pub(crate) struct SocketOptions {
    /// Instead of the endpoint's own.
    pub(crate) check_origin: Option<CheckOrigin>,
    pub(crate) auth_token: bool,
    pub(crate) compress: Option<Compress>,
    pub(crate) longpoll: Option<LongPoll>,
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
        SocketRouter::letting_in(Arc::new(move |info| Box::pin(connect(info))))
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
        SocketRouter::letting_in(Arc::new(move |info| Box::pin(connect(state.clone(), info))))
    }

    fn letting_in(connect: Connect<A>) -> SocketRouter<A> {
        SocketRouter {
            connect,
            identify: Arc::new(|_| None),
            gate: None,
            expires: None,
            refresh: None,
            routes: Routes::new(),
            mistakes: Vec::new(),
            options: SocketOptions::default(),
        }
    }

    /// Which pages may connect, whatever the endpoint says; a [`Mount`](super::Mount) may say otherwise (§1.7).
    pub fn check_origin(mut self, check_origin: CheckOrigin) -> SocketRouter<A> {
        self.options.check_origin = Some(check_origin);
        self
    }

    /// Takes the token that phoenix.js sends as its `authToken`: it travels in `Sec-WebSocket-Protocol`, so no log of URLs
    /// shows it. Connects then find it in [`ConnectInfo::auth_token`], at all mounts (§1.8).
    pub fn auth_token(mut self) -> SocketRouter<A> {
        self.options.auth_token = true;
        self
    }

    /// Compresses messages for clients that offer it; without this call none are (§1.10).
    pub fn compress(mut self, compress: Compress) -> SocketRouter<A> {
        self.options.compress = Some(compress);
        self
    }

    /// Offers long-polling beside WebSockets, at `<path>/longpoll`, at all mounts (§1.2, §9).
    ///
    /// phoenix.js turns to it by itself where it was given `longPollFallbackMs` and no WebSocket opens.
    pub fn longpoll(mut self, longpoll: LongPoll) -> SocketRouter<A> {
        self.options.longpoll = Some(longpoll);
        self
    }

    /// Names each client's connections: a broadcast of `disconnect` on the topic of this name ends them all (§7.4).
    pub fn id(mut self, identify: impl Fn(&A) -> Option<String> + Send + Sync + 'static) -> SocketRouter<A> {
        self.identify = Arc::new(identify);
        self
    }

    /// Lets in those alone whose token lives, and only for as long as it does (§18.9). Takes the
    /// [`auth_token`](SocketRouter::auth_token).
    pub fn gate(mut self, gate: TokenGate) -> SocketRouter<A> {
        self.gate = Some(gate);
        self.auth_token()
    }

    /// Until when a client may stay, by what is known of it: for tokens of other kinds than a [`TokenGate`] takes. Then its
    /// connection is closed with 4001, and phoenix.js comes back with a new token (§18.9).
    pub fn expires_at(
        mut self,
        expires: impl Fn(&A) -> Option<SystemTime> + Send + Sync + 'static,
    ) -> SocketRouter<A> {
        self.expires = Some(Arc::new(expires));
        self
    }

    /// Takes new tokens of clients that are connected: the event `access_token` with `{token}` on the topic `phoenix`. What
    /// it returns is known of the client from then on, to channels that it joins later; its [id](SocketRouter::id) has to
    /// stay the same (§18.9).
    ///
    /// With a [`TokenGate`] it may be left out: a new token with the same data then buys more time, and nothing else.
    ///
    /// ```
    /// # use std::time::SystemTime;
    /// # use throng_web::{ConnectInfo, Refusal, SocketRouter};
    /// # async fn introspect(_: &str) -> Option<(String, SystemTime)> { None }
    /// #[derive(Clone)]
    /// struct User { name: String, until: SystemTime }
    ///
    /// /// Asks whoever gave the token out.
    /// async fn user(token: &str) -> Result<User, Refusal> {
    ///     let (name, until) = introspect(token).await.ok_or(Refusal::FORBIDDEN)?;
    ///     Ok(User { name, until })
    /// }
    /// let sockets = SocketRouter::new(async |info: ConnectInfo| {
    ///     user(info.auth_token.as_deref().ok_or(Refusal::FORBIDDEN)?).await
    /// })
    /// .auth_token()
    /// .id(|user: &User| Some(format!("users_socket:{}", user.name)))
    /// .expires_at(|user| Some(user.until))
    /// .refresh(async |_, token: String| user(&token).await);
    /// # let _ = sockets;
    /// ```
    pub fn refresh<F, Fut>(mut self, refresh: F) -> SocketRouter<A>
    where
        F: Fn(A, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Refusal>> + Send + 'static,
    {
        self.refresh = Some(Arc::new(move |assigns, token| Box::pin(refresh(assigns, token))));
        self
    }

    /// Leads topics to a channel type: an exact topic, or `"prefix*"`; the first match wins (§4.1).
    ///
    /// An invalid pattern is reported when the endpoint is built.
    pub fn channel<C: Channel<Assigns = A>>(self, pattern: &str) -> SocketRouter<A> {
        self.route(pattern, Route::<C, _>::new(|_| ()))
    }

    /// As [`SocketRouter::channel`], and changes what is known of the client for the channels of this route: one type then
    /// serves several (§4.1).
    pub fn channel_with<C: Channel<Assigns = A>>(
        self,
        pattern: &str,
        assign: impl Fn(&mut A) + Send + Sync + 'static,
    ) -> SocketRouter<A> {
        self.route(pattern, Route::<C, _>::new(assign))
    }

    /// Leads topics to servers of the application's own, one for each join, which answer the join, the events and the leave
    /// by themselves (§5.8). Most have no need of it: a [`Channel`] does all that.
    ///
    /// ```
    /// # use throng_runtime::{Ctx, Exit, GenServer, Halt, Handled, Handler, Init};
    /// # use throng_web::{CustomJoin, FromClient, SocketRouter};
    /// /// Says what it hears.
    /// struct Echo(CustomJoin<()>);
    ///
    /// impl GenServer for Echo {
    ///     type Args = CustomJoin<()>;
    ///     async fn init(join: CustomJoin<()>, ctx: &mut Ctx<Self>) -> Init<Self> {
    ///         join.socket.accept(ctx, &join.params)?;
    ///         Ok(Echo(join))
    ///     }
    /// }
    ///
    /// impl Handler<FromClient> for Echo {
    ///     async fn handle(&mut self, message: FromClient, _: &mut Ctx<Self>) -> Handled<FromClient> {
    ///         match message {
    ///             FromClient::Event(event) => return Ok(event.reply.ok(&event.payload)?),
    ///             FromClient::Leave(leave) => leave.confirm(),
    ///             _ => {}
    ///         }
    ///         Err(Halt::Stop(Exit::Normal))
    ///     }
    /// }
    ///
    /// let sockets = SocketRouter::new(async |_| Ok(())).custom("echo:*", Echo::child);
    /// ```
    pub fn custom<S>(
        self,
        pattern: &str,
        child: impl Fn(CustomJoin<A>) -> ChildSpec<S> + Send + Sync + 'static,
    ) -> SocketRouter<A>
    where
        S: GenServer + Handler<FromClient>,
    {
        self.route(pattern, CustomRoute(child))
    }

    fn route(mut self, pattern: &str, to: impl StartChannel<A> + 'static) -> SocketRouter<A> {
        match TopicPattern::parse(pattern) {
            Ok(pattern) => self.routes.add(pattern, Arc::new(to)),
            Err(mistake) => self.mistakes.push(mistake),
        }
        self
    }
}

impl<A> Clone for SocketRouter<A> {
    fn clone(&self) -> SocketRouter<A> {
        SocketRouter {
            connect: self.connect.clone(),
            identify: self.identify.clone(),
            gate: self.gate.clone(),
            expires: self.expires.clone(),
            refresh: self.refresh.clone(),
            routes: self.routes.clone(),
            mistakes: self.mistakes.clone(),
            options: self.options.clone(),
        }
    }
}

impl<A> fmt::Debug for SocketRouter<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketRouter").finish_non_exhaustive()
    }
}

/// A socket type without the type of its assigns.
pub(crate) trait SocketType: Send + Sync {
    /// Holds the client's token against the gate, if there is one.
    fn check_token(&self, info: &mut ConnectInfo) -> Result<(), Refusal>;

    /// Runs the application's connect function.
    fn connect(self: Arc<Self>, info: ConnectInfo) -> Connecting;

    /// What is wrong with its routes.
    fn mistakes(&self) -> &[TopicPatternError];

    fn options(&self) -> &SocketOptions;
}

pub(crate) type Connecting = Pin<Box<dyn Future<Output = Result<Arc<dyn Session>, Refusal>> + Send>>;

impl<A: Clone + Send + Sync + 'static> SocketType for SocketRouter<A> {
    fn check_token(&self, info: &mut ConnectInfo) -> Result<(), Refusal> {
        if let Some(gate) = &self.gate {
            info.token = gate.check(info, SystemTime::now()).map_err(DeadToken::refusal)?;
        }
        Ok(())
    }

    fn connect(self: Arc<Self>, info: ConnectInfo) -> Connecting {
        Box::pin(async move {
            let token = info.token.clone();
            let assigns = (self.connect)(info).await?;
            let session = ClientSession::new(assigns, token, self)?;
            Ok(Arc::new(session) as Arc<dyn Session>)
        })
    }

    fn mistakes(&self) -> &[TopicPatternError] {
        &self.mistakes
    }

    fn options(&self) -> &SocketOptions {
        &self.options
    }
}

/// A connected client, without the type of its assigns.
pub(crate) trait Session: Send + Sync {
    /// The socket id.
    fn id(&self) -> Option<Arc<str>>;

    /// Whether the client's time may be bounded.
    fn is_live(&self) -> bool;

    /// Whether it may send new tokens.
    fn renews(&self) -> bool;

    /// Until when it may stay; for ever, if none.
    fn expires_at(&self) -> Option<SystemTime>;

    /// Looks at a new token, and says until when the client may stay with it.
    fn refresh(self: Arc<Self>, token: String) -> Refreshing;

    /// Whether the topic leads to a channel.
    fn routes(&self, topic: &str) -> bool;

    /// Starts the channel of the join's topic.
    fn start<'a>(&'a self, node: &'a Node, join: JoinRequest) -> Starting<'a>;
}

pub(crate) type Refreshing = Pin<Box<dyn Future<Output = Result<Option<SystemTime>, Refusal>> + Send>>;
