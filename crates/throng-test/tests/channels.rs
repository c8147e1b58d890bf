//! Channel tests without a socket, and what they say when they fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use serde_json::Value;
use throng_runtime::Exit;
use throng_test::{TestNode, TestSocket, assert_broadcast, assert_push, json, refute_push};
use throng_web::{Channel, CloseReason, Endpoint, JoinError, PubSub, Refusal, Reply, Socket, SocketRouter};

struct Room;

#[derive(serde::Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
enum RoomIn {
    Shout(Value),
    Whisper(Value),
    Echo(Value),
    Refuse(Value),
    Stop {},
    Crash {},
    Silence {},
}

impl Channel for Room {
    type Assigns = String;
    type Params = Value;
    type Event = RoomIn;

    async fn join(params: Value, socket: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        if params["secret"] == "wrong" {
            return Err(JoinError::unauthorized());
        }
        let hello = json!({ "hello": socket.assigns() });
        socket.reply_to_join(hello).map_err(|_| JoinError::unauthorized())?;
        Ok(Room)
    }

    async fn handle_in(&mut self, event: RoomIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        match event {
            RoomIn::Shout(payload) => socket.broadcast("shout", payload)?,
            RoomIn::Whisper(payload) => socket.push("whisper", payload)?,
            RoomIn::Echo(payload) => return Ok(Reply::ok(payload)),
            RoomIn::Refuse(payload) => return Ok(Reply::error(payload)),
            RoomIn::Stop {} => return Err(Exit::Normal),
            RoomIn::Crash {} => return Err(Exit::other("as asked")),
            RoomIn::Silence {} => return Ok(Reply::none()),
        }
        Ok(Reply::ack())
    }
}

fn endpoint(node: &TestNode) -> Endpoint {
    let sockets =
        SocketRouter::new(async |info| info.params.text("name").map(str::to_owned).ok_or(Refusal::FORBIDDEN))
            .id(|name| Some(format!("user:{name}")))
            .channel::<Room>("room:*");
    Endpoint::builder(node, &PubSub::new()).socket("/socket", sockets).build().unwrap()
}

async fn client(endpoint: &Endpoint, name: &str) -> TestSocket {
    TestSocket::connect(endpoint, "/socket", json!({ "name": name })).await.unwrap()
}

/// What a test says that fails.
async fn complaint(test: impl Future) -> String {
    match AssertUnwindSafe(test).catch_unwind().await {
        Ok(_) => panic!("it did not fail"),
        Err(panic) => *panic.downcast::<String>().unwrap(),
    }
}

#[tokio::test]
async fn a_channel_is_joined_pushed_to_and_left() {
    let node = TestNode::new();
    let endpoint = endpoint(&node);
    let ada = client(&endpoint, "Ada & co").await;
    let mut room = ada.join("room:1", json!({})).await.unwrap();
    assert_eq!(room.response(), &json!({ "hello": "Ada & co" }));
    assert_eq!(room.push("echo", json!({ "a": [1, 2] })).await.assert_ok(json!({ "a": [1, 2] }))["a"][1], 2);
    room.push("refuse", json!({ "reason": "no" })).await.assert_error(json!({ "reason": "no" }));
    room.cast("whisper", json!({ "n": 1 })).await;
    assert_push!(room, "whisper", { "n": 1 });
    room.leave().await;
    while endpoint.channel_count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn all_in_the_room_hear_a_broadcast_and_one_hears_a_push() {
    let node = TestNode::new();
    let endpoint = endpoint(&node);
    let (ada, bob) = (client(&endpoint, "ada").await, client(&endpoint, "bob").await);
    let mut of_ada = ada.join("room:1", json!({})).await.unwrap();
    let mut of_bob = bob.join("room:1", json!({})).await.unwrap();
    let mut elsewhere = bob.join("room:2", json!({})).await.unwrap();
    of_ada.push("whisper", json!({ "n": 1 })).await.assert_ok(json!({}));
    of_ada.push("shout", json!({ "n": 2 })).await.assert_ok(json!({}));
    assert_broadcast!(of_ada, "shout", { "n": 2 });
    assert_push!(of_ada, "whisper");
    assert_push!(of_bob, "shout", { "n": 2 });
    refute_push!(of_bob, "whisper");
    refute_push!(elsewhere, "shout");
}

#[tokio::test]
async fn refusals_are_errors_with_what_was_said() {
    let node = TestNode::new();
    let endpoint = endpoint(&node);
    let refused = TestSocket::connect(&endpoint, "/socket", json!({})).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.to_string().as_str()), (403, "refused with 403 Forbidden "));
    let ada = client(&endpoint, "ada").await;
    let refused = ada.join("room:1", json!({ "secret": "wrong" })).await.unwrap_err();
    assert_eq!(refused.to_string(), r#"the join of room:1 was refused with {"reason":"unauthorized"}"#);
    let unmatched = ada.join("nowhere", json!({})).await.unwrap_err();
    assert_eq!(unmatched.response, json!({ "reason": "unmatched topic" }));
}

#[tokio::test]
async fn ends_are_heard() {
    let node = TestNode::new();
    let endpoint = endpoint(&node);
    let ada = client(&endpoint, "ada").await;
    let mut stops = ada.join("room:1", json!({})).await.unwrap();
    stops.cast("stop", json!({})).await;
    stops.expect_close().await;
    let mut crashes = ada.join("room:2", json!({})).await.unwrap();
    crashes.cast("crash", json!({})).await;
    crashes.expect_crash().await;
    endpoint.disconnect("user:ada").unwrap();
    assert_eq!(ada.expect_end().await, Some(CloseReason::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn what_fails_says_what_was_expected_and_what_came() {
    let node = TestNode::new();
    let ada = client(&endpoint(&node), "ada").await.deadline(Duration::from_secs(1));
    let mut room = ada.join("room:1", json!({})).await.unwrap();
    room.push("whisper", json!({ "n": 1 })).await.assert_ok(json!({}));
    let said = complaint(async { assert_push!(room, "whisper", { "n": 2 }) }).await;
    let expected = r#"room:1 waited for the event `whisper` with {"n":2}; it did not come within 1s. It heard [room:1 whisper {"n":1}]"#;
    assert!(said.starts_with("crates/throng-test/tests/channels.rs:") && said.ends_with(expected), "{said}");
    let said = complaint(async { assert_broadcast!(room, "whisper") }).await;
    assert!(said.contains("the broadcast `whisper`"), "{said}");
    let said = complaint(async { refute_push!(room, "whisper") }).await;
    assert!(said.ends_with(r#"heard room:1 whisper {"n":1}"#), "{said}");
    let said = complaint(async { room.push("silence", json!({})).await.assert_ok(json!({})) }).await;
    assert!(said.contains("waited for a reply to `silence`"), "{said}");
    let said =
        complaint(async { room.push("echo", json!({ "a": 1 })).await.assert_ok(json!({ "a": 2 })) }).await;
    assert_eq!(said, r#"`echo` was to be answered with ok {"a":2}, and was with ok {"a":1}"#);
}

#[tokio::test]
async fn a_wait_on_a_connection_that_has_ended_fails_at_once() {
    let node = TestNode::new();
    let endpoint = endpoint(&node);
    let ada = client(&endpoint, "ada").await;
    let mut room = ada.join("room:1", json!({})).await.unwrap();
    endpoint.disconnect("user:ada").unwrap();
    let said = complaint(async { assert_push!(room, "shout") }).await;
    assert!(said.contains("the server had closed the connection: disconnected (1001)"), "{said}");
}
