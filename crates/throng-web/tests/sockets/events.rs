//! §2, §4 and §5: what is sent, what is answered, and in which order.

use serde_json::{Value, json};

use crate::support::Server;

fn ok(response: Value) -> Value {
    json!({"status": "ok", "response": response})
}

fn error(reason: &str) -> Value {
    json!({"status": "error", "response": {"reason": reason}})
}

#[tokio::test]
async fn heartbeats_are_answered_by_the_connection() {
    // §2.8, §2.9
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(r#"[null,"7","phoenix","heartbeat",{}]"#).await;
    client.expect(json!([null, "7", "phoenix", "phx_reply", ok(json!({}))])).await;
    client.send(r#"["3",8,"phoenix","heartbeat",{}]"#).await;
    client.expect(json!([null, 8, "phoenix", "phx_reply", ok(json!({}))])).await;
    client.send(r#"[null,"9","phoenix","other",{}]"#).await;
    client.expect(json!([null, "9", "phoenix", "phx_reply", error("unmatched topic")])).await;
}

#[tokio::test]
async fn a_heartbeat_does_not_wait_for_channels() {
    // §2.9
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "hang", json!({})).await;
    client.expect_nothing().await;
}

#[tokio::test]
async fn frames_have_five_elements_and_more_are_ignored() {
    // §2.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(r#"["1","1","room:1","phx_join",{},"more",[1]]"#).await;
    client.expect(json!(["1", "1", "room:1", "phx_reply", ok(json!({}))])).await;
}

#[tokio::test]
async fn references_are_echoed_with_their_types() {
    // §2.4: the integer 1 is not the text "1".
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(r#"[1,1,"room:1","phx_join",{}]"#).await;
    client.expect(json!([1, 1, "room:1", "phx_reply", ok(json!({}))])).await;
    client.send(r#"["1","2","room:1","echo","stale"]"#).await;
    client.expect_nothing().await;
    client.send(r#"[1,{"my":["ref"]},"room:1","echo",5]"#).await;
    client.expect(json!([1, {"my": ["ref"]}, "room:1", "phx_reply", ok(json!(5))])).await;
}

#[tokio::test]
async fn any_json_value_is_a_payload() {
    // §2.5
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    for value in [json!(null), json!(7), json!("text"), json!([1, [2]]), json!({"a": {"b": 1}}), json!(1.5)] {
        assert_eq!(client.ask("room:1", "echo", value.clone()).await, ("ok".into(), value));
    }
}

#[tokio::test]
async fn replies_carry_status_and_response() {
    // §2.7, §5.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "ack", json!({})).await, ("ok".into(), json!({})));
    let refused = client.ask("room:1", "refuse", json!("no")).await;
    assert_eq!(refused, ("error".into(), json!({"reason": "no"})));
    assert_eq!(client.ask("room:1", "status", json!([1])).await, ("teapot".into(), json!([1])));
}

#[tokio::test]
async fn a_request_without_ref_still_gets_a_reply() {
    // §2.8
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.send(r#"[null,null,"room:1","echo",1]"#).await;
    client.expect(json!([join_ref, null, "room:1", "phx_reply", ok(json!(1))])).await;
}

#[tokio::test]
async fn an_event_may_be_left_without_answer() {
    // §5.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "silence", json!({})).await;
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_reserved_name_from_a_client_is_an_event_like_any_other() {
    // §2.6: it reaches the channel, which knows no such event.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    for event in ["phx_reply", "phx_close", "phx_error", "presence_diff", "nonsense"] {
        let (status, response) = client.ask("room:1", event, json!({})).await;
        assert_eq!((status.as_str(), response), ("error", json!({"reason": "unknown event"})), "{event}");
    }
}

#[tokio::test]
async fn an_event_of_another_shape_is_answered_with_an_error() {
    // A deliberate difference to §5.6, where it is a crash.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let (status, response) = client.ask("room:1", "push_many", json!("seven")).await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("invalid payload")));
}

#[tokio::test]
async fn events_of_topics_that_are_not_joined_are_unmatched() {
    // §4, §2.8: with a null join_ref, always.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(r#"["1","5","room:1","echo",{}]"#).await;
    client.expect(json!([null, "5", "room:1", "phx_reply", error("unmatched topic")])).await;
}

#[tokio::test]
async fn a_null_join_ref_is_accepted_and_a_stale_one_ignored() {
    // §4
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    for (sent, answered) in [(Value::Null, true), (join_ref, true), (json!("0"), false), (json!(1), false)] {
        let reference = client.push(sent.clone(), "room:1", "echo", json!(1)).await;
        if answered {
            assert_eq!(client.receive().await[1], reference, "{sent}");
        } else {
            client.expect_nothing().await;
        }
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    // §5.3
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    for n in 0..100 {
        client.push(Value::Null, "room:1", "echo", json!(n)).await;
    }
    for n in 0..100 {
        client.expect(json!([join_ref, (n + 2).to_string(), "room:1", "phx_reply", ok(json!(n))])).await;
    }
}

#[tokio::test]
async fn a_reply_may_come_later_and_out_of_order() {
    // §5.3
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    let first = client.push(Value::Null, "room:1", "defer", json!({})).await;
    let second = client.push(Value::Null, "room:1", "defer", json!({})).await;
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    client.push(Value::Null, "room:1", "answer_deferred", json!("x")).await;
    let answer = |n| ok(json!({"n": n, "value": "x"}));
    client.expect(json!([join_ref, second, "room:1", "phx_reply", answer(0)])).await;
    client.expect(json!([join_ref, first, "room:1", "phx_reply", answer(1)])).await;
}

#[tokio::test]
async fn another_process_may_answer() {
    // §5.3
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "delegate", json!([7])).await, ("error".into(), json!([7])));
}

#[tokio::test]
async fn without_a_ref_nothing_can_be_answered_later() {
    // §5.3
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.send(r#"[null,null,"room:1","defer",{}]"#).await;
    client.push(Value::Null, "room:1", "answer_deferred", json!("x")).await;
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_push_carries_the_join_ref_and_no_ref() {
    // §2.8
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.push(Value::Null, "room:1", "push", json!({"a": [1]})).await;
    client.expect(json!([join_ref, null, "room:1", "pushed", {"a": [1]}])).await;
}

#[tokio::test]
async fn only_objects_are_pushed() {
    // §2.5
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "push_badly", json!({})).await.1, json!(true));
    client.expect_nothing().await;
}

#[tokio::test]
async fn output_comes_in_the_order_of_the_program() {
    // §5.4: a push, a broadcast that the sender gets as well, then the reply.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    for _ in 0..50 {
        let reference = client.push(Value::Null, "room:1", "three", json!({})).await;
        client.expect(json!([join_ref, null, "room:1", "pushed", {}])).await;
        client.expect(json!([null, null, "room:1", "shouted", {}])).await;
        client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(json!({}))])).await;
    }
}

#[tokio::test]
async fn each_channel_has_its_own_copy_of_the_assigns() {
    // §5.5
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.join("room:2").await;
    client.ask("room:1", "assign", json!("eve")).await;
    assert_eq!(client.ask("room:1", "whoami", json!({})).await.1, json!("eve"));
    assert_eq!(client.ask("room:2", "whoami", json!({})).await.1, json!("ada"));
}

#[tokio::test]
async fn messages_of_processes_reach_the_channel() {
    // §5.1
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.ask("room:1", "remind", json!(1)).await;
    client.expect(json!([join_ref, null, "room:1", "reminded", {}])).await;
}

#[tokio::test]
async fn names_may_hold_any_text() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let topic = "room:\"quoted\"\\ é 🦀\n";
    client.join(topic).await;
    assert_eq!(client.ask(topic, "echo", json!("é\u{0}\"")).await.1, json!("é\u{0}\""));
}
