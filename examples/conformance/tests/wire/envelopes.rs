//! What a message looks like.

use serde_json::{Value, json};

use crate::support::{Server, error, ok, refused};

#[tokio::test]
async fn c2_1_a_message_has_five_fields() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(json!(["7", "8", "room:1", "phx_join", {"echo_join": true}])).await;
    client.expect(json!(["7", "8", "room:1", "phx_reply", ok(json!({"echo": {"echo_join": true}}))])).await;
    client.send(json!(["7", "9", "room:1", "push_me", {"event": "hi", "payload": {"a": 1}}])).await;
    client.expect(json!(["7", null, "room:1", "hi", {"a": 1}])).await;
}

#[tokio::test]
async fn c2_2_further_elements_are_ignored() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(json!([null, "1", "phoenix", "heartbeat", {}, "more", 6, {"seven": 7}])).await;
    client.expect(json!([null, "1", "phoenix", "phx_reply", ok(json!({}))])).await;
    client.send_text(" [ null , \"2\" ,\n\"phoenix\",\t\"heartbeat\" , { } ] ").await;
    client.expect(json!([null, "2", "phoenix", "phx_reply", ok(json!({}))])).await;
}

#[tokio::test]
async fn c2_2_whatever_is_no_message_ends_its_connection() {
    let server = Server::start().await;
    let broken = [
        "",
        "{",
        "null",
        "7",
        "\"text\"",
        "[]",
        r#"[null,"1","phoenix","heartbeat"]"#,
        r#"{"topic":"phoenix"}"#,
        r#"[null,"1","phoenix","heartbeat",{}"#,
        r#"[null,"1",7,"heartbeat",{}]"#,
        r#"[null,"1","phoenix",null,{}]"#,
    ];
    for text in broken {
        let mut client = server.client("ada").await;
        client.send_text(text).await;
        let code = client.close_code().await;
        assert!(code.is_some_and(|code| code != 1000), "{text}: {code:?}");
    }
}

#[tokio::test]
async fn c2_4_references_come_back_as_they_came() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for (n, reference) in
        [json!(1), json!("1"), json!("x"), json!(-7), json!(""), json!("ü\"\n")].into_iter().enumerate()
    {
        let topic = format!("room:{n}");
        client.send(json!([reference, reference, topic, "phx_join", {}])).await;
        client.expect(json!([reference, reference, topic, "phx_reply", ok(json!({}))])).await;
        client.send(json!([reference, reference, topic, "ping", {}])).await;
        client.expect(json!([reference, reference, topic, "phx_reply", ok(json!({}))])).await;
    }
}

#[tokio::test]
async fn c2_4_a_number_and_its_text_are_two_references() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(json!([1, 1, "room:1", "phx_join", {}])).await;
    client.expect(json!([1, 1, "room:1", "phx_reply", ok(json!({}))])).await;
    client.send(json!(["1", 2, "room:1", "ping", {}])).await;
    client.expect_nothing().await;
    client.send(json!([1, 3, "room:1", "ping", {}])).await;
    client.expect(json!([1, 3, "room:1", "phx_reply", ok(json!({}))])).await;
}

#[tokio::test]
async fn c2_5_any_json_value_is_a_payload_and_a_response() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5),
        json!("text"),
        json!(""),
        json!([]),
        json!([1, [2, {}]]),
        json!({}),
        json!({"a": {"b": [null]}}),
        json!("😀\u{0}\u{2028}"),
        json!(9_007_199_254_740_993_u64),
    ];
    for value in values {
        assert_eq!(client.ask("room:1", "echo", value.clone()).await, ok(value.clone()));
        assert_eq!(client.ask("room:1", "echo_error", value.clone()).await, error(value));
    }
    for value in [json!(null), json!([]), json!("text"), json!(7)] {
        let join_ref = client.send_join("room:join", value.clone()).await;
        assert_eq!(client.reply_to(&join_ref).await, ok(json!({})), "{value}");
    }
}

#[tokio::test]
async fn c2_5_what_is_pushed_or_broadcast_is_an_object() {
    let server = Server::start().await;
    for (event, payload) in [("push_me", json!({"event": "x", "payload": [1]})), ("new_msg", json!("text"))] {
        let mut client = server.client("ada").await;
        let join_ref = client.join("room:1").await;
        client.push(&join_ref, "room:1", event, payload).await;
        client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    }
}

#[tokio::test]
async fn c2_6_a_reserved_name_from_a_client_is_an_event_like_any_other() {
    let server = Server::start().await;
    for event in ["phx_reply", "phx_error", "phx_close", "presence_diff", "heartbeat"] {
        let mut client = server.client("ada").await;
        let join_ref = client.join("room:1").await;
        client.push(&join_ref, "room:1", event, json!({})).await;
        // The channel has no handler for it: it was the channel that got it.
        client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    }
}

#[tokio::test]
async fn c2_7_a_reply_has_a_status_and_a_response() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let cases = [
        ("ping", json!({}), ok(json!({}))),
        ("status_only", json!({"status": "ok"}), ok(json!({}))),
        ("status_only", json!({"status": "error"}), error(json!({}))),
        ("custom_status", json!({"a": 1}), json!({"status": "maybe", "response": {"a": 1}})),
        ("custom_status", json!([1]), json!({"status": "maybe", "response": [1]})),
    ];
    for (event, payload, reply) in cases {
        assert_eq!(client.ask("room:1", event, payload).await, reply);
    }
}

#[tokio::test]
async fn c2_8_a_reply_to_a_join_carries_what_the_join_did() {
    let server = Server::start().await;
    let mut client = server.fast_client("ada").await;
    let join = async |client: &mut crate::support::Client, join_ref: Value, topic: &str, params: Value| {
        client.send(json!([join_ref, "ref", topic, "phx_join", params])).await;
        let reply = client.receive().await;
        assert_eq!(reply[0], join_ref, "{reply}");
        assert_eq!((&reply[1], &reply[3]), (&json!("ref"), &json!("phx_reply")));
        reply[4].clone()
    };
    for join_ref in [json!("j"), Value::Null] {
        assert_eq!(
            join(&mut client, join_ref.clone(), "room:private", json!({})).await,
            refused("unauthorized")
        );
        assert_eq!(
            join(&mut client, join_ref, "room:x", json!({"crash": true})).await,
            refused("join crashed")
        );
    }
    for n in 0..5 {
        let join_ref = if n % 2 == 0 { Value::Null } else { json!("j") };
        assert_eq!(join(&mut client, join_ref, &format!("room:{n}"), json!({})).await, ok(json!({})));
    }
    assert_eq!(join(&mut client, json!("j"), "room:5", json!({})).await, refused("too many channels joined"));
}

#[tokio::test]
async fn c2_8_a_channel_answers_with_its_own_join_ref() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    // The join's reference stands in for one that was not given.
    for (join_ref, own) in [(json!("j"), json!("j")), (Value::Null, json!("r"))] {
        client.send(json!([join_ref, "r", "room:1", "phx_join", {}])).await;
        client.receive().await;
        for reference in [json!("2"), Value::Null] {
            client.send(json!([null, reference, "room:1", "ping", {}])).await;
            client.expect(json!([own, reference, "room:1", "phx_reply", ok(json!({}))])).await;
        }
        client.send(json!([null, "3", "room:1", "push_me", {"event": "e", "payload": {}}])).await;
        client.expect(json!([own, null, "room:1", "e", {}])).await;
        client.send(json!([null, "4", "room:1", "new_msg", {}])).await;
        client.expect(json!([null, null, "room:1", "new_msg", {}])).await;
        client.expect(json!([own, "4", "room:1", "phx_reply", ok(json!({}))])).await;
        client.send(json!([null, null, "room:1", "intercepted", {}])).await;
        client.expect(json!([own, null, "room:1", "intercepted", {"for": "ada"}])).await;
        // What ends the channel carries the join_ref of the join itself, twice.
        client.send(json!([null, "5", "room:1", "crash", {}])).await;
        client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    }
}

#[tokio::test]
async fn c2_8_a_close_carries_the_join_ref_of_the_join_twice() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for join_ref in [json!("j"), Value::Null] {
        client.send(json!([join_ref, "r", "room:1", "phx_join", {}])).await;
        client.receive().await;
        client.send(json!([null, "2", "room:1", "stop_normal", {}])).await;
        client.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
    }
}

#[tokio::test]
async fn c2_8_what_no_channel_answers_carries_what_the_table_says() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(json!(["j", "1", "room:1", "ping", {}])).await;
    client.expect(json!([null, "1", "room:1", "phx_reply", refused("unmatched topic")])).await;
    client.send(json!(["j", "2", "nowhere", "phx_join", {}])).await;
    client.expect(json!([null, "2", "nowhere", "phx_reply", refused("unmatched topic")])).await;
    client.send(json!(["j", "3", "phoenix", "heartbeat", {}])).await;
    client.expect(json!([null, "3", "phoenix", "phx_reply", ok(json!({}))])).await;
    client.send(json!(["j", "4", "room:1", "phx_leave", {}])).await;
    client.expect(json!(["j", "4", "room:1", "phx_reply", ok(json!({}))])).await;
}

#[tokio::test]
async fn c2_8_presence_is_pushed_with_a_join_ref_and_its_changes_without() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("presence:1").await;
    let (mut state, mut diff) = (None, None);
    while state.is_none() || diff.is_none() {
        let message = client.receive().await;
        match message[3].as_str().unwrap() {
            "presence_state" => state = Some((message[0].clone(), message[1].clone())),
            "presence_diff" => diff = Some((message[0].clone(), message[1].clone())),
            other => panic!("{other}"),
        }
    }
    assert_eq!((state, diff), (Some((join_ref, Value::Null)), Some((Value::Null, Value::Null))));
}

#[tokio::test]
async fn c2_9_heartbeats_are_answered_by_the_connection_and_wait_for_no_channel() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    let asleep = client.push(&join_ref, "room:1", "sleep", json!({"ms": 300})).await;
    client.send(json!([null, "7", "phoenix", "heartbeat", {}])).await;
    client.expect(json!([null, "7", "phoenix", "phx_reply", ok(json!({}))])).await;
    assert_eq!(client.reply_to(&asleep).await, ok(json!({"slept": 300})));
}

#[tokio::test]
async fn c2_9_nothing_else_happens_on_the_topic_of_heartbeats() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for event in ["ping", "phx_join"] {
        client.send(json!([null, "1", "phoenix", event, {}])).await;
        client.expect(json!([null, "1", "phoenix", "phx_reply", refused("unmatched topic")])).await;
    }
    client.send(json!([null, "2", "room:1", "heartbeat", {}])).await;
    client.expect(json!([null, "2", "room:1", "phx_reply", refused("unmatched topic")])).await;
}
