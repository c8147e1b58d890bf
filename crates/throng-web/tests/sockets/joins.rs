//! §4.1 to §4.3: routes, joins, and joins of what is joined.

use serde_json::{Value, json};
use throng_web::Quota;

use crate::support::{Client, Server};

fn error(reason: &str) -> Value {
    json!({"status": "error", "response": {"reason": reason}})
}

#[tokio::test]
async fn a_topic_leads_to_the_first_route_that_matches() {
    // §4.1
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for topic in ["room:1", "room:", "room:*", "lobby"] {
        assert_eq!(client.try_join(topic, json!({})).await.1["status"], "ok", "{topic}");
    }
    let (_, picky) = client.try_join("room:picky", json!({"age": 7})).await;
    assert_eq!(picky["response"], json!({"picky": 7}));
    for topic in ["room", "Room:1", "xroom:1", "lobby2", ""] {
        assert_eq!(client.try_join(topic, json!({})).await.1, error("unmatched topic"), "{topic}");
    }
}

#[tokio::test]
async fn an_unmatched_join_is_answered_without_join_ref() {
    // §2.8
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.push(json!("1"), "nowhere", "phx_join", json!({})).await;
    client.expect(json!([null, "1", "nowhere", "phx_reply", error("unmatched topic")])).await;
}

#[tokio::test]
async fn a_join_is_answered_with_its_own_references() {
    // §2.7, §2.8, §4.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.push(json!("1"), "room:1", "phx_join", json!({})).await;
    client.expect(json!(["1", "1", "room:1", "phx_reply", {"status": "ok", "response": {}}])).await;
    client.push(json!(2), "room:2", "phx_join", json!({"how": "reply"})).await;
    let response = json!({"status": "ok", "response": {"topic": "room:2", "user": "ada"}});
    client.expect(json!([2, "2", "room:2", "phx_reply", response])).await;
}

#[tokio::test]
async fn a_join_without_join_ref_is_known_by_its_ref() {
    // §2.8: replies and pushes carry the ref, closes carry what the join sent.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.push(Value::Null, "room:1", "phx_join", json!({})).await;
    client.expect(json!([null, "1", "room:1", "phx_reply", {"status": "ok", "response": {}}])).await;
    client.push(Value::Null, "room:1", "ack", json!({})).await;
    client.expect(json!(["1", "2", "room:1", "phx_reply", {"status": "ok", "response": {}}])).await;
    client.push(Value::Null, "room:1", "push", json!({"a": 1})).await;
    client.expect(json!(["1", null, "room:1", "pushed", {"a": 1}])).await;
    client.push(Value::Null, "room:1", "stop", json!("normal")).await;
    client.expect(json!([null, null, "room:1", "phx_close", {}])).await;
}

#[tokio::test]
async fn a_join_may_be_refused() {
    // §4.2: no phx_close and no phx_error follow.
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    server.note().await;
    let cases = [
        ("refuse", json!({"reason": "told to"})),
        ("refuse with", json!({"code": 7})),
        ("unauthorized", json!({"reason": "unauthorized"})),
    ];
    for (how, response) in cases {
        let (join_ref, _) = client.try_join("room:1", json!({"how": "none"})).await;
        client.push(join_ref.clone(), "room:1", "phx_leave", json!({})).await;
        assert_eq!(client.receive().await[3], "phx_reply");
        assert_eq!(client.receive().await[3], "phx_close");
        let (_, reply) = client.try_join("room:1", json!({"how": how})).await;
        assert_eq!(reply, json!({"status": "error", "response": response}));
        client.expect_nothing().await;
    }
    client.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn a_join_that_breaks_is_answered_and_harms_nobody() {
    // §4.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:other").await;
    for how in ["crash", "panic"] {
        let reference = client.push(json!("7"), "room:1", "phx_join", json!({"how": how})).await;
        client.expect(json!(["7", reference, "room:1", "phx_reply", error("join crashed")])).await;
        client.expect_nothing().await;
    }
    assert_eq!(client.ask("room:other", "echo", json!(1)).await.1, json!(1));
    // The topic is free again.
    client.join("room:1").await;
}

#[tokio::test]
async fn params_of_another_shape_refuse_the_join() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for params in [json!({}), json!({"age": "old"}), json!([]), json!(null)] {
        assert_eq!(client.try_join("room:picky", params).await.1, error("invalid params"));
    }
}

#[tokio::test]
async fn a_join_that_hangs_holds_up_nobody() {
    // §18.2, §2.9: heartbeats and other topics go on.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.push(json!("1"), "room:slow", "phx_join", json!({"how": "hang"})).await;
    client.expect_nothing().await;
    client.join("room:quick").await;
    assert_eq!(client.ask("room:quick", "echo", json!(1)).await.1, json!(1));
}

#[tokio::test]
async fn what_is_sent_behind_a_join_is_handled_after_it() {
    // §4.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.push(json!("1"), "room:1", "phx_join", json!({"how": "slow"})).await;
    client.push(json!("1"), "room:1", "echo", json!("a")).await;
    client.push(json!("1"), "room:1", "phx_leave", json!({})).await;
    let ok = |response| json!({"status": "ok", "response": response});
    client.expect(json!(["1", "1", "room:1", "phx_reply", ok(json!({}))])).await;
    client.expect(json!(["1", "2", "room:1", "phx_reply", ok(json!("a"))])).await;
    client.expect(json!(["1", "3", "room:1", "phx_reply", ok(json!({}))])).await;
    client.expect(json!(["1", "1", "room:1", "phx_close", {}])).await;
}

#[tokio::test]
async fn what_is_sent_behind_a_join_that_fails_finds_nobody() {
    // §4.2
    let server = Server::start().await;
    for (how, reason) in [("refuse", "told to"), ("crash", "join crashed")] {
        let mut client = server.client("ada").await;
        client.push(json!("1"), "room:1", "phx_join", json!({"how": how})).await;
        client.push(json!("1"), "room:1", "echo", json!("a")).await;
        client.push(json!("1"), "room:1", "phx_leave", json!({})).await;
        client.expect(json!(["1", "1", "room:1", "phx_reply", error(reason)])).await;
        client.expect(json!([null, "2", "room:1", "phx_reply", error("unmatched topic")])).await;
        client.expect(json!(["1", "3", "room:1", "phx_reply", {"status": "ok", "response": {}}])).await;
        client.hang_up().await;
    }
    server.is_empty().await;
}

#[tokio::test]
async fn nothing_is_pushed_before_the_join_is_answered() {
    // §5.4
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let (_, reply) = client.try_join("room:1", json!({"how": "push"})).await;
    assert_eq!(reply["response"], json!({"refused": true}));
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_broadcast_within_the_join_does_not_reach_the_joiner() {
    // §4.2
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    bob.join("room:1").await;
    ada.join_with("room:1", json!({"how": "broadcast"})).await;
    ada.expect_nothing().await;
    bob.expect(json!([null, null, "room:1", "from_join", {}])).await;
}

#[tokio::test]
async fn what_joined_pushes_follows_the_reply() {
    // §4.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.push(json!("1"), "room:1", "phx_join", json!({"greeting": {"hello": 1}})).await;
    client.expect(json!(["1", "1", "room:1", "phx_reply", {"status": "ok", "response": {}}])).await;
    client.expect(json!(["1", null, "room:1", "greeting", {"hello": 1}])).await;
}

#[tokio::test]
async fn a_channel_may_end_right_after_its_join() {
    // §7.1, §7.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.push(json!("1"), "room:1", "phx_join", json!({"how": "stop in joined"})).await;
    assert_eq!(client.receive().await[4]["status"], "ok");
    client.expect(json!(["1", "1", "room:1", "phx_close", {}])).await;
    client.push(json!("2"), "room:1", "phx_join", json!({"how": "crash in joined"})).await;
    assert_eq!(client.receive().await[4]["status"], "ok");
    client.expect(json!(["2", "2", "room:1", "phx_error", {"reason": "channel_crash"}])).await;
}

#[tokio::test]
async fn a_second_join_replaces_the_first() {
    // §4.3
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    server.note().await;
    let first = client.join("room:1").await;
    client.ask("room:1", "assign", json!("eve")).await;
    let second = json!("second");
    let reference = client.push(second.clone(), "room:1", "phx_join", json!({})).await;
    // Either order will do for clients: they tell the two apart by the join_ref.
    let mut received = [client.receive().await, client.receive().await];
    received.sort_by_key(|message| message[3].as_str() == Some("phx_reply"));
    let closed = json!([first, first, "room:1", "phx_close", {}]);
    let joined = json!([second, reference, "room:1", "phx_reply", {"status": "ok", "response": {}}]);
    assert_eq!(received, [closed, joined]);
    let note = server.note().await;
    assert_eq!(note.what, "terminate shutdown (duplicate_join)");
    // The state of the first is gone, and messages for it are stale.
    assert_eq!(client.ask("room:1", "whoami", json!({})).await.1, json!("ada"));
    client.push(first, "room:1", "echo", json!("stale")).await;
    client.expect_nothing().await;
    assert_eq!(server.endpoint.channel_count(), 1);
}

#[tokio::test]
async fn joins_may_come_back_to_back() {
    // §4.3: forty joins of one topic, without a wait in between.
    const JOINS: u64 = 40;
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    for join in 1..=JOINS {
        let how = if join % 3 == 0 { "slow" } else { "" };
        client.push(join.into(), "room:1", "phx_join", json!({"how": how})).await;
    }
    let (mut joined, mut closed) = (Vec::new(), Vec::new());
    while joined.len() as u64 + closed.len() as u64 != 2 * JOINS - 1 {
        let message = client.receive().await;
        let join_ref = message[0].as_u64().unwrap();
        match message[3].as_str().unwrap() {
            "phx_reply" => {
                assert_eq!(message[4]["status"], "ok", "{message}");
                joined.push(join_ref);
            }
            "phx_close" => closed.push(join_ref),
            other => panic!("{other}"),
        }
    }
    assert_eq!(joined, (1..=JOINS).collect::<Vec<_>>());
    assert_eq!(closed, (1..JOINS).collect::<Vec<_>>());
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    assert_eq!(server.endpoint.channel_count(), 1);
    let ends = server.notes().iter().filter(|note| note.what.contains("duplicate_join")).count();
    assert_eq!(ends as u64, JOINS - 1);
}

#[tokio::test]
async fn a_channel_that_hangs_is_killed_in_favour_of_the_next_join() {
    // §4.3
    let grace = std::time::Duration::from_millis(100);
    let server = Server::with_limits(|limits| limits.channel_grace = grace).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "hang", json!({})).await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    // A join that hangs gives way as well.
    client.push(json!("x"), "room:2", "phx_join", json!({"how": "hang"})).await;
    client.join("room:2").await;
    assert_eq!(server.endpoint.channel_count(), 2);
}

#[tokio::test]
async fn two_connections_may_join_the_same_topic() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.client("ada").await, server.client("ada").await);
    one.join("room:1").await;
    two.join("room:1").await;
    one.expect_nothing().await;
    assert_eq!(server.endpoint.channel_count(), 2);
    let clients: [Client; 2] = [one, two];
    for client in clients {
        client.hang_up().await;
    }
    server.is_empty().await;
}

/// The client sends faster than channels end; beyond twice the limit of topics its joins were refused.
#[tokio::test]
async fn c4_3_joins_back_to_back_are_all_let_in() {
    let server = Server::with_limits(|limits| limits.join_rate = Quota::new(10_000, 10_000)).await;
    let mut client = server.client("ada").await;
    let mut references = Vec::new();
    for n in 0..1_000 {
        references.push(client.push(json!(n), "room:1", "phx_join", json!({})).await);
    }
    for reference in references {
        let reply = loop {
            let message = client.receive().await;
            if message[3] == "phx_reply" {
                break message;
            }
        };
        assert_eq!((&reply[1], &reply[4]["status"]), (&json!(reference), &json!("ok")));
    }
    client.hang_up().await;
    server.is_empty().await;
}
