//! An endpoint in a tree: what stops before what, and what a restart leaves alone.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use throng_runtime::{Ctx, Exit, GenServer, Init, Node, Supervisor};
use throng_web::{Endpoint, PubSub};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::support::{Client, Note, eventually, sockets, soon};

const PATH: &str = "/socket/websocket?user=ada&vsn=2.0.0";

fn endpoint(node: &Node) -> (Endpoint, UnboundedReceiver<Note>) {
    let (sockets, notes) = sockets();
    (Endpoint::builder(node, &PubSub::new()).socket("/socket", sockets).build().unwrap(), notes)
}

/// Something that channels rely on, so that it stands before the endpoint in the tree. It tells how many connections and
/// channels there are when it stops, and whether the endpoint still listens.
struct Pillar(Endpoint, UnboundedSender<(usize, usize, bool)>);

impl GenServer for Pillar {
    type Args = (Endpoint, UnboundedSender<(usize, usize, bool)>);

    async fn init((endpoint, tell): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Pillar(endpoint, tell))
    }

    async fn terminate(&mut self, _: &Exit, _: &mut Ctx<Self>) {
        let Pillar(endpoint, tell) = self;
        let listens = endpoint.local_addr().is_some();
        tell.send((endpoint.connection_count(), endpoint.channel_count(), listens)).unwrap();
    }
}

#[tokio::test]
async fn the_tree_stops_after_the_last_client_has_gone() {
    // §16.2
    let node = Node::new("test");
    let (endpoint, mut notes) = endpoint(&node);
    let listen = endpoint.listen((Ipv4Addr::LOCALHOST, 0));
    let (tell, mut told) = mpsc::unbounded_channel();
    let pillar = Pillar::child((endpoint.clone(), tell));
    let tree = Supervisor::one_for_one("app").child(pillar).child(listen);
    let tree = node.start(tree).await.unwrap();
    let mut client = Client::connect(endpoint.local_addr().unwrap(), PATH).await;
    client.join("room:1").await;
    notes.recv().await.unwrap();
    let stop = node.stop(tree, Exit::Shutdown, None);
    let (stopped, close) =
        soon("the tree to stop", futures_util::future::join(stop, client.close_code())).await;
    stopped.unwrap();
    assert_eq!(close, Some(1012));
    assert_eq!(told.recv().await, Some((0, 0, false)));
    assert_eq!(notes.recv().await.unwrap().what, "terminate shutdown (closed)");
}

#[tokio::test]
async fn a_listener_that_crashes_is_restarted_and_open_sockets_live_on() {
    let node = Node::new("test");
    let (endpoint, _notes) = endpoint(&node);
    // A port that the second incarnation finds free again.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr: SocketAddr = free.local_addr().unwrap();
    drop(free);
    let name = throng_runtime::Name::new("listener");
    let tree = Supervisor::one_for_one("app").child(endpoint.listen(addr).name(name));
    let tree = node.start(tree).await.unwrap();
    let mut client = Client::connect(addr, PATH).await;
    client.join("room:1").await;
    for _ in 0..3 {
        let listener = node.whereis(name).unwrap();
        node.exit(listener, Exit::Kill);
        eventually("the next listener", || node.whereis(name).is_some_and(|next| next != listener)).await;
        assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    }
    soon("a new client", async {
        while tokio::net::TcpStream::connect(addr).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    Client::connect(addr, PATH).await.hang_up().await;
    client.hang_up().await;
    soon("the tree to stop", node.stop(tree, Exit::Shutdown, None)).await.unwrap();
}
