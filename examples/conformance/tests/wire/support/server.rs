//! The application under test, on a port of its own.

use std::net::SocketAddr;

use conformance::Settings;
use serde_json::{Value, json};
use throng::{Exit, Node, Pid, Supervisor};

use super::{Client, Request, soon};

/// A running server, known by its address alone; only [`Server::stop`] reaches behind it, as an operator would.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    node: Node,
    tree: Pid<Supervisor>,
}

impl Server {
    pub(crate) async fn start() -> Server {
        let node = Node::new("conformance");
        let (tree, endpoint) = conformance::tree(&node, &Settings::on_a_free_port()).unwrap();
        let tree = node.start(tree).await.unwrap();
        Server { addr: endpoint.local_addr().unwrap(), node, tree }
    }

    /// A client of `/socket` by the name of `user`.
    pub(crate) async fn client(&self, user: &str) -> Client {
        self.connect(&format!("/socket/websocket?user_id={user}&vsn=2.0.0")).await
    }

    /// A client of `/socket_fast`.
    pub(crate) async fn fast_client(&self, user: &str) -> Client {
        self.connect(&format!("/socket_fast/websocket?user_id={user}&vsn=2.0.0")).await
    }

    /// A client of any path, which is let in.
    pub(crate) async fn connect(&self, path: &str) -> Client {
        Client::connect(self.addr, path, &[]).await.unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        Request::new(self.addr, "GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        Request::new(self.addr, "POST", path)
    }

    /// Broadcasts over HTTP.
    pub(crate) async fn broadcast(&self, topic: &str, event: &str, payload: Value) {
        let body = json!({ "topic": topic, "event": event, "payload": payload });
        let answer = self.post("/demo/broadcast").body(body.to_string()).send().await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true })));
    }

    /// Living channels.
    pub(crate) async fn channels(&self) -> u64 {
        self.get("/demo/stats").send().await.json()["channels"].as_u64().unwrap()
    }

    /// Resolves when so many channels live: nobody announces it.
    #[track_caller]
    pub(crate) fn has_channels(&self, wanted: u64) -> impl Future<Output = ()> {
        soon("the channels to be so many", async move {
            while self.channels().await != wanted {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        })
    }

    /// Shuts it down in order.
    pub(crate) async fn stop(self) {
        let stop = self.node.stop(self.tree, Exit::Shutdown, None);
        soon("the server to stop", stop).await.unwrap();
    }
}
