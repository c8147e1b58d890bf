//! What a client of this process may do, and how it ends.

use std::time::Duration;

use serde_json::{Value, json};
use throng_runtime::{Exit, Node};
use throng_web::{
    Channel, CloseReason, Endpoint, JoinError, Limits, MemorySocket, PubSub, Refusal, Reply, Socket,
    SocketClosed, SocketFrame, SocketRouter,
    axum::http::{Request, StatusCode},
};

struct Room;

impl Channel for Room {
    type Assigns = String;
    type Params = Value;
    type Event = Said;

    async fn join(_: Value, _: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        Ok(Room)
    }

    async fn handle_in(&mut self, said: Said, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        match &*said.event {
            "shout" => socket.broadcast("shout", said.payload)?,
            "whisper" => socket.push("whisper", said.payload)?,
            _ => return Ok(Reply::ok(json!({ "by": socket.assigns() }))),
        }
        Ok(Reply::ack())
    }
}

#[derive(serde::Deserialize)]
struct Said {
    event: String,
    payload: Value,
}

fn endpoint(node: &Node, limits: impl FnOnce(&mut Limits)) -> Endpoint {
    let sockets =
        SocketRouter::new(async |info| info.params.text("name").map(str::to_owned).ok_or(Refusal::FORBIDDEN))
            .id(|name| Some(format!("user:{name}")))
            .channel::<Room>("room:*");
    let builder = Endpoint::builder(node, &PubSub::new()).socket("/socket/{name}", sockets);
    builder.limits(Limits::default().with(limits)).build().unwrap()
}

async fn connect(endpoint: &Endpoint) -> MemorySocket {
    let request = Request::get("/socket/ada/websocket?vsn=2.0.0").body(()).unwrap();
    endpoint.connect(request).await.unwrap()
}

async fn text(socket: &mut MemorySocket) -> String {
    let next = tokio::time::timeout(Duration::from_secs(30), socket.next()).await;
    match next.expect("nothing came") {
        Some(SocketFrame::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Reads to the end.
async fn rest(socket: &mut MemorySocket) -> usize {
    let mut count = 0;
    while tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("no end").is_some() {
        count += 1;
    }
    count
}

#[tokio::test]
async fn c1_5_a_request_within_the_process_passes_the_same_checks() {
    let endpoint = endpoint(&Node::new("test"), |_| {});
    let status = async |request: Request<()>| endpoint.connect(request).await.unwrap_err().status();
    let get = |path: &str| Request::get(path).body(()).unwrap();
    assert_eq!(status(get("/socket/ada/websocket?vsn=3.0.0")).await, StatusCode::FORBIDDEN);
    assert_eq!(status(get("/elsewhere")).await, StatusCode::NOT_FOUND);
    assert_eq!(
        status(Request::post("/socket/ada/websocket").body(()).unwrap()).await,
        StatusCode::BAD_REQUEST
    );
    let foreign = Request::get("/socket/ada/websocket").header("origin", "https://evil.test");
    assert_eq!(status(foreign.body(()).unwrap()).await, StatusCode::FORBIDDEN);
    assert_eq!(endpoint.connection_count(), 0);
    let _socket = connect(&endpoint).await;
    assert_eq!(endpoint.connection_count(), 1);
}

#[tokio::test]
async fn messages_go_both_ways_in_their_order() {
    let endpoint = endpoint(&Node::new("test"), |_| {});
    let mut socket = connect(&endpoint).await;
    socket.send(r#"["1","1","room:1","phx_join",{}]"#).await.unwrap();
    socket.send(r#"["1","2","room:1","who",{}]"#).await.unwrap();
    socket.send(r#"["1","3","room:1","shout",{"body":"hi"}]"#).await.unwrap();
    for expected in [
        r#"["1","1","room:1","phx_reply",{"status":"ok","response":{}}]"#,
        r#"["1","2","room:1","phx_reply",{"status":"ok","response":{"by":"ada"}}]"#,
        r#"[null,null,"room:1","shout",{"body":"hi"}]"#,
        r#"["1","3","room:1","phx_reply",{"status":"ok","response":{}}]"#,
    ] {
        assert_eq!(text(&mut socket).await, expected);
    }
    assert_eq!(socket.try_next(), None);
}

#[tokio::test]
async fn whoever_hangs_up_leaves_nothing_behind() {
    let node = Node::new("test");
    let endpoint = endpoint(&node, |_| {});
    let before = node.processes().count();
    let mut lost = connect(&endpoint).await;
    lost.send(r#"["1","1","room:1","phx_join",{}]"#).await.unwrap();
    text(&mut lost).await;
    let mut parting = connect(&endpoint).await;
    parting.send(r#"["1","1","room:1","phx_join",{}]"#).await.unwrap();
    text(&mut parting).await;
    assert_eq!(endpoint.channel_count(), 2);
    drop(lost);
    parting.close().await;
    while endpoint.connection_count() + endpoint.channel_count() > 0 || node.processes().count() > before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn c7_4_a_disconnect_ends_it_with_what_was_queued_before() {
    let endpoint = endpoint(&Node::new("test"), |_| {});
    let mut socket = connect(&endpoint).await;
    socket.send(r#"["1","1","room:1","phx_join",{}]"#).await.unwrap();
    text(&mut socket).await;
    socket.send(r#"["1","2","room:1","whisper",{}]"#).await.unwrap();
    text(&mut socket).await;
    endpoint.disconnect("user:ada").unwrap();
    assert_eq!(rest(&mut socket).await, 1, "the answer to the whisper");
    assert_eq!(socket.close_reason(), Some(CloseReason::Disconnected));
    assert_eq!(socket.send("[]").await, Err(SocketClosed));
}

#[tokio::test]
async fn a_client_that_does_not_look_is_closed_with_a_bounded_queue() {
    let endpoint = endpoint(&Node::new("test"), |limits| limits.outbound_bytes_max = 10_000);
    let mut socket = connect(&endpoint).await;
    socket.send(r#"["1","1","room:1","phx_join",{}]"#).await.unwrap();
    text(&mut socket).await;
    for _ in 0..100 {
        endpoint.broadcast("room:1", "shout", json!({ "body": "x".repeat(1_000) })).unwrap();
        assert!(endpoint.queued_bytes() <= 10_000);
    }
    rest(&mut socket).await;
    assert_eq!(socket.close_reason(), Some(CloseReason::SlowReader));
}

#[tokio::test]
async fn c7_6_what_is_no_message_closes_it() {
    let endpoint = endpoint(&Node::new("test"), |limits| limits.frame_bytes_max = 100);
    for (sent, reason) in [("{".to_owned(), CloseReason::Malformed), ("[".repeat(101), CloseReason::TooBig)] {
        let mut socket = connect(&endpoint).await;
        socket.send(sent).await.unwrap();
        assert_eq!(rest(&mut socket).await, 0);
        assert_eq!(socket.close_reason(), Some(reason));
    }
}
