//! A server on a port of its own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use throng_runtime::{Exit, Node, Pid};
use throng_web::{Drain, Endpoint, EndpointBuilder, Limits, Listener, PubSub};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Client, Note, eventually, sockets, soon};

/// A running endpoint with the test socket at `/socket`, and what its channels note.
pub(crate) struct Server {
    pub(crate) node: Node,
    pub(crate) endpoint: Endpoint,
    pub(crate) addr: SocketAddr,
    pub(crate) listener: Pid<Listener>,
    notes: UnboundedReceiver<Note>,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(|builder| builder).await
    }

    pub(crate) async fn with_limits(change: impl FnOnce(&mut Limits)) -> Server {
        Server::with(|builder| builder.limits(Limits::default().with(change))).await
    }

    /// With channels that are killed soon when they hang.
    pub(crate) async fn with_drain(change: impl FnOnce(&mut Drain)) -> Server {
        let limits = Limits::default().with(|limits| limits.channel_grace = Duration::from_millis(300));
        Server::with(|builder| builder.limits(limits).drain(Drain::default().with(change))).await
    }

    pub(crate) async fn with(change: impl FnOnce(EndpointBuilder) -> EndpointBuilder) -> Server {
        Server::on(&PubSub::new(), change).await
    }

    /// With topics that others share.
    pub(crate) async fn on(
        pubsub: &PubSub,
        change: impl FnOnce(EndpointBuilder) -> EndpointBuilder,
    ) -> Server {
        let node = Node::new("test");
        let (sockets, notes) = sockets();
        let endpoint = change(Endpoint::builder(&node, pubsub)).socket("/socket", sockets).build().unwrap();
        let listener = node.start(endpoint.listen((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let addr = endpoint.local_addr().unwrap();
        Server { node, endpoint, addr, listener, notes }
    }

    /// A client by the name of `user`.
    pub(crate) async fn client(&self, user: &str) -> Client {
        Client::connect(self.addr, &format!("/socket/websocket?user={user}&vsn=2.0.0")).await
    }

    /// What a channel noted next.
    pub(crate) async fn note(&mut self) -> Note {
        soon("a note of a channel", self.notes.recv()).await.unwrap()
    }

    /// What the channels noted up to now.
    pub(crate) fn notes(&mut self) -> Vec<Note> {
        std::iter::from_fn(|| self.notes.try_recv().ok()).collect()
    }

    /// Resolves when neither a connection nor a channel is left.
    pub(crate) async fn is_empty(&self) {
        let counts = || (self.endpoint.connection_count(), self.endpoint.channel_count());
        eventually("the last connection and channel to end", || counts() == (0, 0)).await;
    }

    /// That the server serves: a new client joins and is answered; then that it is empty again.
    pub(crate) async fn is_well(&self) {
        let mut client = self.client("well").await;
        client.join("room:well").await;
        assert_eq!(client.ask("room:well", "echo", 7.into()).await, ("ok".into(), 7.into()));
        client.hang_up().await;
        self.is_empty().await;
    }

    /// Shuts the listener down as its supervisor would, and waits.
    pub(crate) async fn stop(&self) {
        soon("the listener to stop", self.node.stop(self.listener, Exit::Shutdown, None)).await.unwrap();
    }
}
