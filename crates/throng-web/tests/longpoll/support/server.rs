//! A server on a port of its own, whose socket offers long-polling.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use throng_runtime::{Exit, Node, Pid};
use throng_web::{Endpoint, EndpointBuilder, Limits, Listener, LongPoll, PubSub};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    Client, eventually,
    room::{Note, sockets},
    soon,
};

const LONG: Duration = Duration::from_secs(600);

/// A running endpoint with the test socket at `/socket`, and what its channels note.
pub(crate) struct Server {
    pub(crate) node: Node,
    pub(crate) endpoint: Endpoint,
    pub(crate) addr: SocketAddr,
    listener: Pid<Listener>,
    notes: UnboundedReceiver<Note>,
}

impl Server {
    /// With the defaults.
    pub(crate) async fn start() -> Server {
        Server::with(|_| (), |builder| builder).await
    }

    /// With a window that outlasts any wait of the tests: what comes, comes before it has passed.
    pub(crate) async fn patient() -> Server {
        let limits = Limits::default().with(|limits| limits.request_timeout = 2 * LONG);
        Server::with(|longpoll| longpoll.window = LONG, |builder| builder.limits(limits)).await
    }

    /// With a window that passes soon.
    pub(crate) async fn hasty(window: Duration) -> Server {
        Server::with(move |longpoll| longpoll.window = window, |builder| builder).await
    }

    pub(crate) async fn with_limits(change: impl FnOnce(&mut Limits)) -> Server {
        Server::with(|_| (), |builder| builder.limits(Limits::default().with(change))).await
    }

    pub(crate) async fn with(
        options: impl FnOnce(&mut LongPoll),
        change: impl FnOnce(EndpointBuilder) -> EndpointBuilder,
    ) -> Server {
        let (sockets, notes) = sockets();
        let sockets = sockets.auth_token().longpoll(LongPoll::default().with(options));
        let node = Node::new("test");
        let builder = change(Endpoint::builder(&node, &PubSub::new()));
        let endpoint = builder.socket("/socket", sockets).build().unwrap();
        let listener = node.start(endpoint.listen((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let addr = endpoint.local_addr().unwrap();
        Server { node, endpoint, addr, listener, notes }
    }

    /// A client by the name of `user`, with a session.
    pub(crate) async fn client(&self, user: &str) -> Client {
        let mut client = Client::new(self.addr, &format!("/socket/longpoll?user={user}&vsn=2.0.0"));
        client.open().await;
        client
    }

    /// What a channel noted next.
    pub(crate) async fn note(&mut self) -> Note {
        soon("a note of a channel", self.notes.recv()).await.unwrap()
    }

    /// Waits until a channel has noted this.
    pub(crate) async fn noted(&mut self, what: &str) {
        while self.note().await.what != what {}
    }

    /// Resolves when neither a session nor a channel is left.
    pub(crate) async fn is_empty(&self) {
        let counts = || (self.endpoint.connection_count(), self.endpoint.channel_count());
        eventually("the last session and channel to end", || counts() == (0, 0)).await;
    }

    /// That the server serves: a new client joins and is answered.
    pub(crate) async fn is_well(&self) {
        let mut client = self.client("well").await;
        client.join("room:well").await;
        assert_eq!(client.ask("room:well", "echo", 7.into()).await, ("ok".into(), 7.into()));
    }

    /// Shuts the listener down as its supervisor would, and waits.
    pub(crate) async fn stop(&self) {
        soon("the listener to stop", self.node.stop(self.listener, Exit::Shutdown, None)).await.unwrap();
    }
}
