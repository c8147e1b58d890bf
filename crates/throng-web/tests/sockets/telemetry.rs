//! §15: what observers are told, and that nobody else notices them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use throng_web::{
    Drain, EndpointBuilder, PubSub,
    telemetry::{Event, Filter, JoinResult},
};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::support::{Client, Server, soon};

/// What happened, as JSON, without what no two runs have in common.
struct Seen(UnboundedReceiver<Value>);

impl Seen {
    /// The next event of this name; what is of others is skipped.
    async fn next(&mut self, name: &str) -> Value {
        loop {
            let event = soon(name, self.0.recv()).await.unwrap();
            if event["name"] == name {
                return event;
            }
        }
    }
}

fn shown(event: &Event<'_>) -> Value {
    let mut shown = match event {
        Event::SocketConnected(it) => json!({
            "path": it.path, "transport": it.transport, "vsn": it.vsn, "id": it.id,
            "params": it.params.to_json(), "error": it.result.err(),
        }),
        Event::SocketRefused(it) => json!({"path": it.path, "status": it.status, "reason": it.reason}),
        Event::SocketDisconnected(it) => json!({
            "id": it.id, "transport": it.transport, "reason": it.reason, "code": it.code,
            "received": it.received.messages, "received_bytes": it.received.bytes,
            "sent": it.sent.messages, "sent_bytes": it.sent.bytes,
            "peak": it.queued_bytes_peak, "dropped": it.frames_dropped,
        }),
        Event::SocketDrain(it) => {
            json!({"count": it.count, "total": it.total, "index": it.index, "rounds": it.rounds})
        }
        Event::ChannelJoined(it) => json!({
            "topic": it.topic, "id": it.id, "params": it.params.to_json(),
            "result": match it.result {
                JoinResult::Ok => "ok".to_owned(),
                JoinResult::Refused => "refused".to_owned(),
                JoinResult::Crashed(_) => "crashed".to_owned(),
            },
        }),
        Event::ChannelHandledIn(it) => json!({"topic": it.topic, "event": it.event, "id": it.id}),
        Event::ChannelEnded(it) => json!({
            "topic": it.topic, "id": it.id, "reason": it.reason.to_string(),
            "leave": it.is_leave(), "crash": it.is_crash(),
        }),
        Event::Broadcast(it) => {
            json!({"topic": it.topic, "event": it.event, "bytes": it.bytes, "deliveries": it.deliveries})
        }
        other => json!({"unknown": format!("{other:?}")}),
    };
    shown["name"] = event.name().into();
    shown
}

async fn observed(change: impl FnOnce(EndpointBuilder) -> EndpointBuilder) -> (Server, Seen) {
    let (see, seen) = mpsc::unbounded_channel();
    let observe = move |event: &Event<'_>| drop(see.send(shown(event)));
    (Server::with(|builder| change(builder).observe(observe)).await, Seen(seen))
}

#[tokio::test]
async fn c15_a_connect_is_told_with_its_parameters_but_no_password_and_no_token() {
    let (server, mut seen) = observed(|builder| builder).await;
    let path = "/socket/websocket?user=ada&password=x&my_token=y&vsn=2.0.0";
    Client::connect(server.addr, path).await.hang_up().await;
    let connected = json!({
        "name": "socket.connected", "path": "/socket/websocket", "transport": "websocket", "vsn": "2.0.0",
        "id": "users_socket:ada", "error": null,
        "params": {"user": "ada", "password": "[FILTERED]", "my_token": "[FILTERED]", "vsn": "2.0.0"},
    });
    assert_eq!(seen.next("socket.connected").await, connected);
    // The application refuses; before it is asked, a rule does.
    for path in ["/socket/websocket?vsn=2.0.0", "/socket/websocket?user=ada&vsn=9.0.0"] {
        assert!(Client::try_connect(server.addr, path, &[]).await.is_err());
    }
    let refused = seen.next("socket.connected").await;
    assert_eq!((&refused["error"], &refused["id"]), (&json!("refused by connect"), &Value::Null));
    let refused = seen.next("socket.refused").await;
    assert_eq!((&refused["status"], &refused["reason"]), (&json!(403), &json!("vsn is not supported")));
}

#[tokio::test]
async fn c15_a_keep_list_shows_nothing_else() {
    let (server, mut seen) = observed(|builder| builder.filter_params(Filter::keeping(["vsn"]))).await;
    server.client("ada").await.hang_up().await;
    let params = &seen.next("socket.connected").await["params"];
    assert_eq!(*params, json!({"user": "[FILTERED]", "vsn": "2.0.0"}));
}

#[tokio::test]
async fn c15_a_channel_is_followed_from_its_join_to_its_end() {
    let (server, mut seen) = observed(|builder| builder).await;
    let mut client = server.client("ada").await;
    for (how, result) in [("refuse", "refused"), ("crash", "crashed"), ("panic", "crashed"), ("", "ok")] {
        client.try_join("room:1", json!({"how": how, "greeting_token": 1})).await;
        let expected = json!({
            "name": "channel.joined", "topic": "room:1", "id": "users_socket:ada", "result": result,
            "params": {"how": how, "greeting_token": "[FILTERED]"},
        });
        assert_eq!(seen.next("channel.joined").await, expected);
    }
    client.ask("room:1", "echo", json!(1)).await;
    let handled = json!({
        "name": "channel.handled_in", "topic": "room:1", "event": "echo", "id": "users_socket:ada"
    });
    assert_eq!(seen.next("channel.handled_in").await, handled);
    for (end, payload, reason, leave, crash) in [
        ("phx_leave", json!({}), "shutdown (left)", true, false),
        ("stop", json!("normal"), "normal", false, false),
        ("crash", Value::Null, "told to", false, true),
        ("kill", Value::Null, "killed", false, true),
    ] {
        if end != "phx_leave" {
            client.join("room:1").await;
        }
        client.push(Value::Null, "room:1", end, payload).await;
        let ended = seen.next("channel.ended").await;
        let seen = (&ended["reason"], &ended["leave"], &ended["crash"]);
        assert_eq!(seen, (&json!(reason), &json!(leave), &json!(crash)), "{end}");
        // What ends it is told to the client as well, before it can join again.
        while !["phx_close", "phx_error"].contains(&client.receive().await[3].as_str().unwrap()) {}
    }
    client.hang_up().await;
}

#[tokio::test]
async fn c18_10_a_disconnect_is_told_with_what_the_connection_carried() {
    let (server, mut seen) = observed(|builder| builder).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.ask("room:1", "echo", json!("x".repeat(1000))).await;
    client.hang_up().await;
    let gone = seen.next("socket.disconnected").await;
    assert_eq!((&gone["id"], &gone["reason"]), (&json!("users_socket:ada"), &json!("closed by the client")));
    assert_eq!((&gone["code"], &gone["dropped"]), (&Value::Null, &json!(0)));
    assert_eq!((&gone["received"], &gone["sent"]), (&json!(2), &json!(2)));
    for bytes in ["received_bytes", "sent_bytes", "peak"] {
        assert!(gone[bytes].as_u64().is_some_and(|bytes| bytes > 1000), "{bytes}: {gone}");
    }
    let client = server.client("bob").await;
    server.endpoint.disconnect("users_socket:bob").unwrap();
    assert_eq!(seen.next("socket.disconnected").await["code"], 1001);
    drop(client);
    let mut client = server.client("eve").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "kill_connection", Value::Null).await;
    assert_eq!(seen.next("socket.disconnected").await["reason"], "connection killed");
}

#[tokio::test]
async fn c18_10_a_broadcast_is_told_with_how_many_it_reached() {
    let (server, mut seen) = observed(|builder| builder).await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    for client in [&mut ada, &mut bob] {
        client.join("room:1").await;
    }
    server.endpoint.broadcast("room:1", "news", json!({"a": 1})).unwrap();
    let expected =
        json!({"name": "broadcast", "topic": "room:1", "event": "news", "bytes": 7, "deliveries": 2});
    assert_eq!(seen.next("broadcast").await, expected);
    ada.push(Value::Null, "room:1", "broadcast_from", json!({})).await;
    assert_eq!(seen.next("broadcast").await["deliveries"], 1);
}

#[tokio::test]
async fn c15_a_drain_is_told_batch_by_batch() {
    let drain = Drain::default().with(|drain| {
        drain.batch_size = 2;
        drain.batch_interval = Duration::ZERO;
    });
    let (server, mut seen) = observed(|builder| builder.drain(drain)).await;
    let mut clients = Vec::new();
    for name in ["ada", "bob", "eve"] {
        clients.push(server.client(name).await);
    }
    let endpoint = server.endpoint.clone();
    let draining = tokio::spawn(async move { endpoint.drain().await });
    for (index, count) in [(1, 2), (2, 1)] {
        let expected =
            json!({"name": "socket.drain", "count": count, "total": 3, "index": index, "rounds": 2});
        assert_eq!(seen.next("socket.drain").await, expected);
    }
    for client in &mut clients {
        assert_eq!(client.close_code().await, Some(1012));
    }
    soon("the drain", draining).await.unwrap();
}

#[tokio::test]
async fn c15_an_observer_that_panics_harms_nobody() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let server = Server::on(&PubSub::new(), |builder| {
        builder.observe(|event| panic!("at {}", event.name())).observe(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        })
    })
    .await;
    server.is_well().await;
    // Connected, joined, handled an event, disconnected, ended.
    assert!(told.load(Ordering::SeqCst) >= 4);
}
