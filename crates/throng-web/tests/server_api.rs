//! §18.11: what servers of other makes may ask, over real requests; and that the guide's page about it tells the truth.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{net::Ipv4Addr, process::Command, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use throng_pubsub::{History, HistoryOptions, Presence};
use throng_runtime::Node;
use throng_web::{Broadcast, Endpoint, PubSub, ServerApi, SocketRouter, WeakKey};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tower::ServiceExt as _;

const KEY: &str = "a secret of at least twenty bytes";

/// An API over topics of its own.
struct World {
    node: Node,
    pubsub: PubSub,
    presence: Presence,
    routes: Router,
}

fn world() -> World {
    let node = Node::new("test");
    let history = History::builder().topics("kept:*", HistoryOptions::default()).build();
    let pubsub = PubSub::new().with_history(&history);
    let presence = Presence::new("who", &pubsub);
    let sockets = SocketRouter::new(async |_| Ok(()));
    let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build().unwrap();
    let api = ServerApi::new(&endpoint, KEY).unwrap().or_key("another key of twenty bytes").unwrap();
    let routes = api.presence(&presence).body_bytes_max(10_000).batch_max(3).routes();
    World { node, pubsub, presence, routes }
}

impl World {
    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(authorized(path).method("POST").body(body.to_string().into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(authorized(path).body(Body::empty()).unwrap()).await
    }

    /// What is broadcast on a topic from now on.
    fn listen(&self, topic: &str) -> UnboundedReceiver<Broadcast> {
        let (heard, hears) = mpsc::unbounded_channel();
        let (pubsub, topic) = (self.pubsub.clone(), topic.to_owned());
        let (ready, is_ready) = std::sync::mpsc::channel();
        self.node.spawn(async move |ctx| {
            let _subscription =
                pubsub.subscribe_with(&ctx, topic, move |broadcast| drop(heard.send(broadcast.clone())));
            ready.send(()).unwrap();
            std::future::pending::<()>().await;
        });
        is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
        hears
    }
}

fn authorized(path: &str) -> axum::http::request::Builder {
    Request::builder().uri(path).header("authorization", format!("Bearer {KEY}"))
}

fn wrong(field: &str, reason: &str) -> Value {
    json!({"error": {"field": field, "reason": reason}})
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_11_an_event_is_published_to_all_who_joined_the_topic() {
    let world = world();
    let mut heard = world.listen("room:1");
    let body = json!({"topic": "room:1", "event": "price", "payload": {"eur": 12}});
    assert_eq!(world.post("/publish", body).await, (200, json!({"ok": true})));
    let broadcast = heard.recv().await.unwrap();
    assert_eq!((broadcast.event(), broadcast.payload().as_json()), ("price", r#"{"eur":12}"#));
    let body = json!({"topic": "room:1", "event": "photo", "payload_base64": "AQID"});
    assert_eq!(world.post("/publish", body).await.0, 200);
    let broadcast = heard.recv().await.unwrap();
    assert_eq!((broadcast.event(), broadcast.payload().as_wire()), ("photo", &[1, 2, 3][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_11_of_a_batch_all_is_published_or_nothing() {
    let world = world();
    let mut heard = world.listen("room:1");
    let good = |n: u8| json!({"topic": "room:1", "event": "n", "payload": {"n": n}});
    let bad = json!({"messages": [good(1), {"topic": "room:1", "event": "", "payload": {}}]});
    assert_eq!(
        world.post("/publish_batch", bad).await,
        (400, wrong("messages[1].event", "must not be empty"))
    );
    let two = json!({"messages": [good(2), good(3)]});
    assert_eq!(world.post("/publish_batch", two).await, (200, json!({"ok": true, "published": 2})));
    for n in [2, 3] {
        assert_eq!(heard.recv().await.unwrap().payload().as_json(), json!({ "n": n }).to_string());
    }
    let many = json!({"messages": [good(0), good(0), good(0), good(0)]});
    assert_eq!(world.post("/publish_batch", many).await, (400, wrong("messages", "are more than 3")));
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_11_what_is_wrong_is_named() {
    let world = world();
    let long = "x".repeat(1025);
    let cases = [
        ("/publish", json!({}), "topic", "is missing"),
        ("/publish", json!({"topic": 7}), "topic", "must be a string"),
        ("/publish", json!({"topic": ""}), "topic", "must not be empty"),
        ("/publish", json!({"topic": long}), "topic", "is too long"),
        ("/publish", json!({"topic": "t"}), "event", "is missing"),
        ("/publish", json!({"topic": "t", "event": "phx_close"}), "event", "is reserved"),
        (
            "/publish",
            json!({"topic": "t", "event": "e", "payload": {}, "payload_base64": ""}),
            "payload",
            "is given twice",
        ),
        (
            "/publish",
            json!({"topic": "t", "event": "e", "payload_base64": "?"}),
            "payload_base64",
            "is not base64",
        ),
        ("/publish", json!([1]), "body", "must be a JSON object"),
        ("/publish_batch", json!({}), "messages", "is missing"),
        ("/publish_batch", json!({"messages": {}}), "messages", "must be a list"),
        ("/publish_batch", json!({"messages": [1]}), "messages[0]", "must be an object"),
        ("/disconnect", json!({"id": null}), "id", "must be a string"),
    ];
    for (path, body, field, reason) in cases {
        assert_eq!(world.post(path, body.clone()).await, (400, wrong(field, reason)), "{path} {body}");
    }
    let (status, error) = world.post("/publish", json!({"topic": "t", "event": "e", "payload": 7})).await;
    assert_eq!((status, &error["error"]["field"]), (400, &json!("payload")));
    let broken = authorized("/publish").method("POST").body("{\"topic\": hunter2".into()).unwrap();
    let (status, error) = world.send(broken).await;
    assert_eq!((status, &error["error"]["field"]), (400, &json!("body")));
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let huge = json!({"topic": "t", "event": "e", "payload": {"x": "y".repeat(10_000)}});
    assert_eq!(world.post("/publish", huge).await, (413, wrong("body", "is too large")));
    let deep = format!(r#"{{"topic":"t","event":"e","payload":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let deep = authorized("/publish").method("POST").body(deep.into()).unwrap();
    assert_eq!(world.send(deep).await.0, 400);
    assert_eq!(world.get("/presence").await, (400, wrong("topic", "is missing")));
    assert_eq!(world.get("/presence?topic=t&presence=no").await, (404, wrong("presence", "there is none")));
    assert_eq!(
        world.get("/history?topic=kept:1&since=now").await,
        (400, wrong("since", "must be epoch:offset"))
    );
    assert_eq!(world.get("/history?topic=kept:1&limit=x").await, (400, wrong("limit", "must be a number")));
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_11_nothing_is_done_or_told_without_the_key() {
    let world = world();
    let mut heard = world.listen("room:1");
    let body = json!({"topic": "room:1", "event": "price"}).to_string();
    for key in [None, Some("Bearer guess"), Some("Basic a secret of at least twenty bytes"), Some("")] {
        for (method, path) in [
            ("POST", "/publish"),
            ("POST", "/publish_batch"),
            ("POST", "/disconnect"),
            ("GET", "/presence?topic=t"),
            ("GET", "/history?topic=kept:1"),
            ("GET", "/counts"),
        ] {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(key) = key {
                request = request.header("authorization", key);
            }
            let answer = world.send(request.body(body.clone().into()).unwrap()).await;
            assert_eq!(answer, (401, json!({"error": {"reason": "unauthorized"}})), "{path} with {key:?}");
        }
    }
    assert!(heard.try_recv().is_err());
    let other =
        Request::builder().uri("/counts").header("authorization", "Bearer another key of twenty bytes");
    assert_eq!(world.send(other.body(Body::empty()).unwrap()).await.0, StatusCode::OK.as_u16());
    let endpoint = Endpoint::builder(&world.node, &world.pubsub).build().unwrap();
    for weak in ["", "short"] {
        assert_eq!(ServerApi::new(&endpoint, weak).unwrap_err(), WeakKey);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_11_presences_are_shown() {
    let world = world();
    let (presence, (tracked, is_tracked)) = (world.presence.clone(), std::sync::mpsc::channel());
    world.node.spawn(async move |ctx| {
        presence.track(&ctx, "room:1", "ada", json!({"typing": true})).unwrap();
        tracked.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    is_tracked.recv_timeout(Duration::from_secs(20)).unwrap();
    let (status, shown) = world.get("/presence?topic=room:1").await;
    assert_eq!((status, &shown["count"]), (200, &json!(1)));
    assert_eq!(shown["presences"]["ada"]["metas"][0]["typing"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_11_a_history_is_read_in_parts() {
    let world = world();
    for n in 0..5 {
        world.pubsub.broadcast("kept:1", "n", json!({ "n": n })).unwrap();
    }
    let (status, first) = world.get("/history?topic=kept:1&limit=2").await;
    assert_eq!((status, &first["more"], &first["gap"]), (200, &json!(true), &json!(false)));
    let numbers = |answer: &Value| -> Vec<Value> {
        answer["messages"].as_array().unwrap().iter().map(|message| message["payload"]["n"].clone()).collect()
    };
    assert_eq!(numbers(&first), [0, 1]);
    let since = first["position"].as_str().unwrap();
    let (_, rest) = world.get(&format!("/history?topic=kept:1&since={since}")).await;
    assert_eq!((numbers(&rest), &rest["more"]), (vec![json!(2), json!(3), json!(4)], &json!(false)));
    let end = rest["position"].as_str().unwrap();
    let (_, nothing) = world.get(&format!("/history?topic=kept:1&since={end}")).await;
    assert_eq!(nothing["messages"], json!([]));
}

/// Each block of `sh` in the page is run; the block of `json` after it is what it has to print.
#[tokio::test(flavor = "multi_thread")]
async fn c18_11_what_the_guide_shows_of_curl_is_what_curl_prints() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("NOTICE: curl is not here; the guide's examples were not run");
        return;
    }
    let world = world();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let api = format!("http://{}/api", listener.local_addr().unwrap());
    let server =
        tokio::spawn(axum::serve(listener, Router::new().nest("/api", world.routes.clone())).into_future());
    let page = include_str!("../../throng/src/guide/server_api.md");
    let mut examples = 0;
    for block in page.split("```sh\n").skip(1) {
        let (command, rest) = block.split_once("```").unwrap();
        let expected = rest.split_once("```json\n").unwrap().1.split_once("```").unwrap().0.trim();
        let mut run = Command::new("sh");
        run.args(["-c", command]).env("API", &api).env("KEY", KEY);
        let output = tokio::task::block_in_place(|| run.output()).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{command}");
        examples += 1;
    }
    assert!(examples >= 8, "{examples}");
    server.abort();
}
