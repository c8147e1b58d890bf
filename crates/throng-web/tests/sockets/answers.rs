//! §5: what a channel may answer, and what an application makes of events that it does not know.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use throng_runtime::Exit;
use throng_web::{Channel, ConnectInfo, JoinError, Payload, Reply, Socket, SocketRouter};
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::support::{Client, Server, soon};

/// What the socket knows of its client: how it connected, and what the route says.
#[derive(Clone)]
struct User {
    info: ConnectInfo,
    route: &'static str,
    ended: UnboundedSender<String>,
}

/// A channel for which an event that it does not know is a crash, as in Phoenix.
struct Strict;

/// Any event, with any payload.
#[derive(Deserialize)]
struct AnyEvent {
    event: String,
    payload: Payload,
}

impl Channel for Strict {
    type Assigns = User;
    type Params = Option<Value>;
    type Event = AnyEvent;
    const GRACE: Option<Duration> = Some(Duration::from_secs(60));

    async fn join(_: Option<Value>, _: &mut Socket<'_, Self>) -> Result<Strict, JoinError> {
        Ok(Strict)
    }

    async fn handle_in(
        &mut self,
        AnyEvent { event, payload }: AnyEvent,
        socket: &mut Socket<'_, Self>,
    ) -> Result<Reply, Exit> {
        Ok(match event.as_str() {
            "echo" => Reply::ok(payload),
            "bare" => Reply::bare(payload.parse::<String>()?),
            "status" => Reply::status("maybe", payload),
            "stop" => Reply::ok(json!({"bye": true})).then_stop(Exit::Shutdown),
            "stop_badly" => Reply::ok(payload).then_stop(Exit::other("told to")),
            "whoami" => {
                let User { info, route, .. } = socket.assigns();
                Reply::ok(json!({
                    "transport": socket.transport(),
                    "route": route,
                    "topic": socket.topic(),
                    "join_ref": socket.join_ref().as_json(),
                    "ref": socket.reference().map(|reference| reference.as_json()),
                    "takes_bytes": socket.takes_bytes(),
                    "user": info.params.text("user"),
                    "user_agent": info.user_agent,
                    "x": info.headers.get("x-my").and_then(|value| value.to_str().ok()),
                    "path": info.uri.path(),
                    "has_peer": info.peer.is_some(),
                }))
            }
            unknown => return Err(Exit::other(format!("no handler for {unknown}"))),
        })
    }

    async fn terminate(&mut self, reason: &Exit, socket: &mut Socket<'_, Self>) {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let _ = socket.assigns().ended.send(reason.to_string());
    }
}

async fn server() -> (Server, mpsc::UnboundedReceiver<String>) {
    let (ended, ends) = mpsc::unbounded_channel();
    let sockets = SocketRouter::with_state(ended, async |ended, info| Ok(User { info, route: "", ended }))
        .channel_with::<Strict>("room:*", |user| user.route = "rooms")
        .channel_with::<Strict>("broken", |_| panic!("told to"))
        .channel::<Strict>("*");
    let server = Server::with(|builder| {
        let limits = throng_web::Limits::default().with(|limits| {
            limits.channel_grace = Duration::from_millis(50);
        });
        builder.limits(limits).socket("/strict", sockets)
    });
    (server.await, ends)
}

async fn joined(server: &Server) -> (Client, Value) {
    let path = "/strict/websocket?user=ada&vsn=2.0.0";
    let headers = [("user-agent", "test"), ("x-my", "7")];
    let mut client = Client::try_connect(server.addr, path, &headers).await.unwrap();
    let join_ref = client.join("room:1").await;
    (client, join_ref)
}

#[tokio::test]
async fn c5_2_a_reply_has_any_status_with_or_without_a_response() {
    let (server, _ends) = server().await;
    let (mut client, _) = joined(&server).await;
    assert_eq!(client.ask("room:1", "bare", json!("ok")).await, ("ok".into(), json!({})));
    assert_eq!(client.ask("room:1", "bare", json!("error")).await, ("error".into(), json!({})));
    assert_eq!(client.ask("room:1", "status", json!([1])).await, ("maybe".into(), json!([1])));
    for value in [json!(null), json!(1), json!("x"), json!([]), json!({"a": {}})] {
        assert_eq!(client.ask("room:1", "echo", value.clone()).await, ("ok".into(), value));
    }
}

#[tokio::test]
async fn c5_2_a_reply_may_be_the_last() {
    let (server, _ends) = server().await;
    for (event, response, end) in
        [("stop", json!({"bye": true}), "phx_close"), ("stop_badly", json!({}), "phx_error")]
    {
        let (mut client, join_ref) = joined(&server).await;
        assert_eq!(client.ask("room:1", event, json!({})).await, ("ok".into(), response));
        let told = client.receive().await;
        assert_eq!((&told[0], &told[3]), (&join_ref, &json!(end)));
    }
}

#[tokio::test]
async fn c5_5_a_channel_knows_its_client() {
    let (server, _ends) = server().await;
    let (mut client, join_ref) = joined(&server).await;
    let (_, response) = client.ask("room:1", "whoami", json!({})).await;
    let expected = json!({
        "transport": "websocket", "route": "rooms", "topic": "room:1", "join_ref": join_ref.to_string(),
        "ref": "\"2\"", "takes_bytes": true, "user": "ada", "user_agent": "test", "x": "7",
        "path": "/strict/websocket", "has_peer": true,
    });
    assert_eq!(response, expected);
}

#[tokio::test]
async fn c4_1_a_route_adds_to_what_is_known_of_the_client() {
    let (server, _ends) = server().await;
    let (mut client, _) = joined(&server).await;
    client.join("lobby").await;
    for (topic, route) in [("room:1", "rooms"), ("lobby", "")] {
        assert_eq!(client.ask(topic, "whoami", json!({})).await.1["route"], route);
    }
}

#[tokio::test]
async fn c4_2_a_route_that_panics_is_a_join_that_crashed() {
    let (server, _ends) = server().await;
    let (mut client, _) = joined(&server).await;
    let (_, reply) = client.try_join("broken", json!({})).await;
    assert_eq!(reply, json!({"status": "error", "response": {"reason": "join crashed"}}));
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
}

#[tokio::test]
async fn c5_6_an_application_may_have_an_unknown_event_crash_the_channel() {
    let (server, _ends) = server().await;
    let (mut client, join_ref) = joined(&server).await;
    client.push(Value::Null, "room:1", "nonsense", json!({})).await;
    client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    client.join("room:1").await;
}

#[tokio::test]
async fn c5_7_a_channel_type_may_take_longer_to_end_than_others() {
    let (server, mut ends) = server().await;
    let (client, _) = joined(&server).await;
    client.hang_up().await;
    // It takes eight times what others may.
    assert_eq!(soon("the end", ends.recv()).await.unwrap(), "shutdown (closed)");
    server.is_empty().await;
}

#[tokio::test]
async fn c5_7_and_whoever_joins_anew_waits_for_it() {
    let (server, mut ends) = server().await;
    let (mut client, _) = joined(&server).await;
    client.join("room:1").await;
    assert_eq!(ends.try_recv().unwrap(), "shutdown (duplicate_join)");
}
