//! Topics shared with the rest of the application, and with other nodes (§6.1, §7.4, §13).

use serde_json::json;
use throng_pubsub::{Broadcast, Network, PubSub};
use throng_runtime::{Ctx, Exit, GenServer, Handled, Handler, Init, Node};
use throng_web::{Channel, ChannelHandler, Endpoint, JoinError, Reply, Socket, SocketRouter};
use tokio::sync::mpsc::UnboundedSender;

use crate::support::{Client, Server, soon};

/// A process of the application that hears what is said in a room.
struct Listener(UnboundedSender<String>);

impl GenServer for Listener {
    type Args = (PubSub, UnboundedSender<String>);

    async fn init((pubsub, heard): Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        pubsub.subscribe(ctx, "room:1");
        Ok(Listener(heard))
    }
}

impl Handler<Broadcast> for Listener {
    async fn handle(&mut self, broadcast: Broadcast, _: &mut Ctx<Self>) -> Handled<Broadcast> {
        self.0.send(format!("{} {}", broadcast.event(), broadcast.payload().as_json()))?;
        Ok(())
    }
}

#[tokio::test]
async fn processes_of_the_application_share_topics_with_channels() {
    let pubsub = PubSub::new();
    let server = Server::on(&pubsub, |builder| builder).await;
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    server.node.start(Listener::child((pubsub.clone(), tell))).await.unwrap();
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    // From a client to a process, and from anywhere to a client.
    client.ask("room:1", "broadcast", json!({"n": 1})).await;
    assert_eq!(soon("the broadcast", heard.recv()).await.unwrap(), r#"shouted {"n":1}"#);
    pubsub.broadcast("room:1", "news", json!({"n": 2})).unwrap();
    client.expect(json!([null, null, "room:1", "news", {"n": 2}])).await;
    assert_eq!(soon("the news", heard.recv()).await.unwrap(), r#"news {"n":2}"#);
}

#[tokio::test]
async fn nothing_of_a_client_is_left_in_the_topics() {
    let server = Server::start().await;
    let pubsub = server.endpoint.pubsub().clone();
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.join("room:2").await;
    client.join("room:2").await;
    let subscribers = |topic| pubsub.subscribers(topic);
    assert_eq!((subscribers("room:1"), subscribers("room:2"), subscribers("users_socket:ada")), (1, 1, 1));
    client.push(join_ref, "room:1", "phx_leave", json!({})).await;
    while client.receive().await[3] != "phx_close" {}
    assert_eq!(subscribers("room:1"), 0, "with the close");
    client.hang_up().await;
    server.is_empty().await;
    assert_eq!((subscribers("room:2"), subscribers("users_socket:ada")), (0, 0));
}

#[tokio::test]
async fn a_broadcast_reaches_clients_of_other_nodes() {
    // §6.1, §6.2
    let network = Network::new();
    let (one, two) = (node(&network, "one").await, node(&network, "two").await);
    let (mut ada, mut bob) = (one.client("ada").await, two.client("bob").await);
    ada.join("room:1").await;
    bob.join("room:1").await;
    ada.ask("room:1", "broadcast", json!({"n": 1})).await;
    bob.expect(json!([null, null, "room:1", "shouted", {"n": 1}])).await;
    bob.ask("room:1", "broadcast_from", json!({"n": 2})).await;
    ada.expect(json!([null, null, "room:1", "shouted", {"n": 2}])).await;
    bob.expect_nothing().await;
}

#[tokio::test]
async fn a_disconnect_reaches_connections_of_other_nodes() {
    // §7.4: cluster-wide
    let network = Network::new();
    let (one, two) = (node(&network, "one").await, node(&network, "two").await);
    let (mut here, mut there) = (one.client("ada").await, two.client("ada").await);
    one.endpoint.disconnect("users_socket:ada").unwrap();
    assert_eq!(here.close_code().await, Some(1001));
    assert_eq!(there.close_code().await, Some(1001));
}

async fn node(network: &Network, name: &str) -> Server {
    let pubsub = PubSub::over(network.join(name));
    Server::on(&pubsub, |builder| builder).await
}

/// A channel that hears another topic than its own, and answers there.
struct Desk(
    #[expect(dead_code, reason = "held for as long as the channel lives")] throng_pubsub::Subscription,
);

impl Channel for Desk {
    type Assigns = ();
    type Params = ();
    type Event = serde_json::Value;

    async fn join(_: (), socket: &mut Socket<'_, Self>) -> Result<Desk, JoinError> {
        Ok(Desk(socket.subscribe("orders")))
    }

    async fn handle_in(&mut self, event: Self::Event, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        socket.pubsub().broadcast("answers", "answered", event)?;
        Ok(Reply::ack())
    }
}

impl ChannelHandler<Broadcast> for Desk {
    async fn handle(&mut self, order: Broadcast, socket: &mut Socket<'_, Self>) -> Handled<Broadcast> {
        if order.event() == "endless" {
            std::future::pending::<()>().await;
        }
        socket.push("ordered", order.payload())?;
        Ok(())
    }
}

/// An endpoint with desks, and a client.
async fn open_desks() -> (Endpoint, Client) {
    let node = Node::new("test");
    let endpoint = Endpoint::builder(&node, &PubSub::new())
        .socket("/desk", SocketRouter::new(async |_| Ok(())).channel::<Desk>("desk:*"))
        .build()
        .unwrap();
    node.start(endpoint.listen((std::net::Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let client = Client::connect(endpoint.local_addr().unwrap(), "/desk/websocket?vsn=2.0.0").await;
    (endpoint, client)
}

#[tokio::test]
async fn a_channel_that_is_behind_with_what_it_subscribed_to_costs_its_client_the_connection() {
    // §18.3: the mailbox of a channel that hangs grew by every broadcast, 200 MB of them in a test.
    let (endpoint, mut client) = open_desks().await;
    client.join("desk:1").await;
    endpoint.pubsub().broadcast("orders", "endless", json!({})).unwrap();
    let large = "x".repeat(100_000);
    for _ in 0..50 {
        endpoint.pubsub().broadcast("orders", "new", json!({ "pizza": large })).unwrap();
    }
    assert_eq!(client.close_code().await, Some(1013));
}

#[tokio::test]
async fn a_channel_may_hear_other_topics_and_speak_on_them() {
    let (endpoint, mut client) = open_desks().await;
    let join_ref = client.join("desk:1").await;
    endpoint.pubsub().broadcast("orders", "new", json!({"pizza": 1})).unwrap();
    client.expect(json!([join_ref, null, "desk:1", "ordered", {"pizza": 1}])).await;
    client.hang_up().await;
    crate::support::eventually("the subscription to end", || endpoint.pubsub().subscribers("orders") == 0)
        .await;
}
