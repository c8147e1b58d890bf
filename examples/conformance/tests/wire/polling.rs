//! The same channels over long-polling, at both mounts.

use serde_json::{Value, json};

use crate::support::{Poller, Server, ok, refused, soon};

const SLOW: &str = "/socket/longpoll?vsn=2.0.0&user_id=ada";
const FAST: &str = "/socket_fast/longpoll?vsn=2.0.0&user_id=ada";

#[tokio::test]
async fn c9_1_the_status_that_counts_stands_in_the_body() {
    let server = Server::start().await;
    for path in [SLOW, FAST] {
        let answer = Poller::new(server.addr, path).request("GET").send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.json();
        assert_eq!((&body["status"], &body["messages"]), (&json!(410), &json!([])));
        assert!(body["token"].is_string());
        let answer = Poller::new(server.addr, path).request("POST").body("").send().await;
        assert_eq!((answer.status, answer.json()), (200, json!({"status": 410})));
    }
}

#[tokio::test]
async fn c9_2_the_token_is_taken_from_the_header_or_the_query_and_the_header_wins() {
    let server = Server::start().await;
    let mut poller = Poller::open(server.addr, SLOW).await;
    poller.push("phoenix", "heartbeat", json!({})).await;
    let token = poller.token.take().unwrap();
    let header = poller.request("GET").header("x-phoenix-longpoll-token", &token).send().await;
    assert_eq!(header.json()["status"], 200);
    let both = server.get(&format!("{SLOW}&token=nonsense"));
    poller.token = Some(token.clone());
    poller.push("phoenix", "heartbeat", json!({})).await;
    assert_eq!(both.header("x-phoenix-longpoll-token", &token).send().await.json()["status"], 200);
}

#[tokio::test]
async fn c9_3_without_a_session_the_client_is_let_in_or_not() {
    let server = Server::start().await;
    for mount in ["/socket", "/socket_fast"] {
        let refusals =
            ["reject=true&vsn=2.0.0", "ratelimit=true&vsn=2.0.0", "user_token=x&vsn=2.0.0", "vsn=3.0.0"];
        for query in refusals {
            let body = Poller::new(server.addr, &format!("{mount}/longpoll?{query}")).poll().await;
            assert_eq!((&body["status"], &body["token"]), (&json!(403), &Value::Null), "{query}");
        }
        for token in ["nonsense", ""] {
            let body =
                Poller::new(server.addr, &format!("{mount}/longpoll?vsn=2.0.0&token={token}")).poll().await;
            assert_eq!(body["status"], 410);
            assert!(body["token"].is_string());
        }
    }
}

#[tokio::test]
async fn c9_4_a_poll_is_answered_with_all_there_is_and_released_when_something_comes() {
    let server = Server::start().await;
    let mut poller = Poller::open(server.addr, SLOW).await;
    poller.join("room:1", json!({})).await;
    for n in 0..3 {
        server.broadcast("room:1", "news", json!({"n": n})).await;
    }
    for n in 0..3 {
        poller.expect(json!([null, null, "room:1", "news", {"n": n}])).await;
    }
    let (polled, ()) = tokio::join!(poller.poll(), server.broadcast("room:1", "news", json!({"n": 3})));
    let message = json!([null, null, "room:1", "news", {"n": 3}]).to_string();
    let messages: Vec<Value> = vec![message.into()];
    assert_eq!((&polled["status"], &polled["messages"]), (&json!(200), &Value::from(messages)));
    assert_eq!(polled["token"], json!(poller.token));
}

#[tokio::test]
async fn c9_4_a_poll_ends_with_its_window() {
    let server = Server::start().await;
    let poller = Poller::open(server.addr, FAST).await;
    let polled = poller.poll().await;
    assert_eq!((&polled["status"], &polled["messages"]), (&json!(204), &json!([])));
    assert_eq!(polled["token"], json!(poller.token));
}

#[tokio::test]
async fn c9_5_messages_are_texts_as_a_websocket_would_carry_them_in_either_version() {
    let server = Server::start().await;
    let old = Poller::open(server.addr, "/socket/longpoll?user_id=old").await;
    let message = json!({"topic": "room:1", "event": "phx_join", "payload": {}, "ref": "1"});
    let answer = old.request("POST").header("Content-Type", "application/json").body(message.to_string());
    assert_eq!(answer.send().await.json(), json!({"status": 200}));
    let polled = old.poll().await;
    let text = polled["messages"][0].as_str().unwrap();
    let reply = json!({"topic": "room:1", "event": "phx_reply", "payload": ok(json!({})), "ref": "1"});
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), reply);
}

#[tokio::test]
async fn c9_6_lines_are_handled_in_order_and_bytes_travel_in_base64() {
    use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
    let server = Server::start().await;
    let mut poller = Poller::open(server.addr, SLOW).await;
    poller.join("room:1", json!({})).await;
    let bytes = BASE64.encode(crate::support::binary::push("", "12", "room:1", "ping", b"\x01\x02"));
    let lines = [
        json!([null, "10", "room:1", "count", {}]).to_string(),
        json!([null, "11", "room:1", "count", {}]).to_string(),
        bytes,
        json!([null, "13", "room:1", "count", {}]).to_string(),
    ];
    assert_eq!(poller.post(&lines.join("\n")).await, 200);
    let responses =
        [("10", json!({"n": 1})), ("11", json!({"n": 2})), ("12", json!({})), ("13", json!({"n": 3}))];
    for (reference, response) in responses {
        poller.expect(json!(["1", reference, "room:1", "phx_reply", ok(response)])).await;
    }
}

#[tokio::test]
async fn c9_6_of_more_than_a_hundred_lines_the_rest_is_ignored() {
    let server = Server::start().await;
    let mut poller = Poller::open(server.addr, SLOW).await;
    poller.join("room:1", json!({})).await;
    let lines = vec![json!([null, null, "room:1", "count", {}]).to_string(); 120];
    assert_eq!(poller.post(&lines.join("\r\n")).await, 200);
    for n in 1..=100 {
        poller.expect(json!(["1", null, "room:1", "phx_reply", ok(json!({"n": n}))])).await;
    }
    assert_eq!(poller.ask("room:1", "count", json!({})).await, ok(json!({"n": 101})));
}

#[tokio::test]
async fn c9_7_what_is_no_message_is_told_at_once() {
    let server = Server::start().await;
    let poller = Poller::open(server.addr, SLOW).await;
    let status = poller.post("[nonsense").await;
    assert!([400, 410].contains(&status), "{status}");
}

#[tokio::test]
async fn c9_8_a_session_that_nobody_polls_ends_with_its_channels() {
    let server = Server::start().await;
    let mut bob = server.client("bob").await;
    bob.join("room:1").await;
    let mut poller = Poller::open(server.addr, FAST).await;
    poller.join("room:1", json!({"announce": true})).await;
    bob.expect(json!([null, null, "room:1", "user_entered", {"user": "ada"}])).await;
    bob.expect(json!([null, null, "room:1", "user_left", {"user": "ada"}])).await;
    let old = poller.token.clone();
    let polled = poller.poll().await;
    assert_eq!(polled["status"], 410);
    assert_ne!(polled["token"], json!(old), "a new session");
}

#[tokio::test]
async fn c9_8_a_disconnect_ends_the_session_and_releases_its_poll() {
    let server = Server::start().await;
    for path in [SLOW, FAST] {
        let mut poller = Poller::open(server.addr, path).await;
        poller.join("room:1", json!({})).await;
        let disconnect = server.broadcast("users_socket:ada", "disconnect", json!({}));
        let (polled, ()) = tokio::join!(poller.poll(), disconnect);
        // The poll may have come after the end of the session already.
        assert_eq!(polled["status"], 410);
        server.has_channels(0).await;
        assert_eq!(poller.post("[null,\"1\",\"phoenix\",\"heartbeat\",{}]").await, 410);
    }
}

#[tokio::test]
async fn c9_9_other_methods_and_pages_get_what_they_are_due() {
    let server = Server::start().await;
    let poller = Poller::new(server.addr, SLOW);
    let options =
        poller.request("OPTIONS").header("access-control-request-headers", "x-one, x-two").send().await;
    assert_eq!(options.status, 200);
    assert_eq!(options.header("access-control-allow-headers"), Some("x-one, x-two"));
    assert_eq!(options.header("access-control-allow-methods"), Some("get, post, options"));
    assert_eq!(options.header("access-control-max-age"), Some("3600"));
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(poller.request(method).send().await.status, 400, "{method}");
    }
    let foreign = poller.request("GET").header("origin", "http://evil.test").send().await;
    assert_eq!((foreign.status, &foreign.json()["status"]), (200, &json!(403)));
    let friendly = poller.request("GET").header("origin", "https://a.wild.test").send().await;
    assert_eq!(friendly.json()["status"], 410);
}

#[tokio::test]
async fn c1_9_connect_is_told_the_same_over_long_polling() {
    let server = Server::start().await;
    let poller = Poller::new(server.addr, SLOW);
    let opened = poller.request("GET").header("User-Agent", "test/1.0").header("X-One", "1");
    let opened = opened.header("X-Phoenix-AuthToken", "a token").send().await.json();
    let mut poller = poller;
    poller.token = Some(opened["token"].as_str().unwrap().to_owned());
    poller.join("room:1", json!({})).await;
    let me = poller.ask("room:1", "whoami", json!({})).await["response"].clone();
    let expected = json!({
        "user_id": "ada",
        "transport": "longpoll",
        "topic": "room:1",
        "join_ref": "1",
        "params": { "vsn": "2.0.0", "user_id": "ada" },
        "auth_token": "a token",
        "user_agent": "test/1.0",
        "uri_path": "/socket/longpoll",
        "peer": "127.0.0.1",
    });
    let mut me = me.as_object().unwrap().clone();
    let x_headers = me.remove("x_headers").unwrap();
    assert_eq!((Value::from(me), &x_headers["x-one"]), (expected, &json!("1")));
}

#[tokio::test]
async fn c4_3_the_table_holds_over_long_polling() {
    let server = Server::start().await;
    let mut poller = Poller::open(server.addr, FAST).await;
    let unmatched = poller.push("room:1", "ping", json!({})).await;
    poller.expect(json!([null, unmatched, "room:1", "phx_reply", refused("unmatched topic")])).await;
    poller.join("room:1", json!({})).await;
    assert_eq!(poller.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
    poller.join("room:1", json!({})).await;
    assert_eq!(poller.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
    poller.push("room:1", "crash", json!({})).await;
    let told = soon("the crash", poller.receive()).await;
    assert_eq!((&told[3], &told[4]), (&json!("phx_error"), &json!({"reason": "channel_crash"})));
    for n in 0..5 {
        poller.join(&format!("room:{n}"), json!({})).await;
    }
    let reply = poller.ask("room:5", "phx_join", json!({})).await;
    assert_eq!(reply, refused("too many channels joined"));
}

#[tokio::test]
async fn c6_1_both_transports_hear_each_other() {
    let server = Server::start().await;
    let mut client = server.client("bob").await;
    client.join("room:1").await;
    let mut poller = Poller::open(server.addr, SLOW).await;
    poller.join("room:1", json!({})).await;
    assert_eq!(poller.ask("room:1", "shout", json!({"a": 1})).await, ok(json!({})));
    client.expect(json!([null, null, "room:1", "shout", {"a": 1}])).await;
    assert_eq!(client.ask("room:1", "shout", json!({"b": 2})).await, ok(json!({})));
    poller.expect(json!([null, null, "room:1", "shout", {"b": 2}])).await;
}
