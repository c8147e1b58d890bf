//! What becomes of a message: the table of section 4, row by row (`c4a_` is its first), and the rules below it.

use serde_json::{Value, json};

use crate::support::{Server, ok, refused};

#[tokio::test]
async fn c4a_a_heartbeat_is_answered_whatever_is_joined() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.expect_nothing().await;
    client.join("room:1").await;
    client.expect_nothing().await;
}

#[tokio::test]
async fn c4b_a_join_starts_a_channel_if_a_route_leads_there_and_there_is_room() {
    let server = Server::start().await;
    let mut client = server.fast_client("ada").await;
    let join_ref = client.send_join("nowhere", json!({})).await;
    assert_eq!(client.reply_to(&join_ref).await, refused("unmatched topic"));
    for n in 0..5 {
        client.join(&format!("room:{n}")).await;
    }
    let join_ref = client.send_join("room:5", json!({})).await;
    assert_eq!(client.reply_to(&join_ref).await, refused("too many channels joined"));
    assert_eq!(server.channels().await, 5);
}

#[tokio::test]
async fn c4c_a_join_of_what_is_joined_replaces_the_channel() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
}

#[tokio::test]
async fn c4d_a_leave_is_handed_to_the_channel_with_its_join_ref_or_none() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for with in [true, false] {
        let join_ref = client.join("room:1").await;
        let given = if with { join_ref.clone() } else { Value::Null };
        let reference = client.push(&given, "room:1", "phx_leave", json!({})).await;
        client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(json!({}))])).await;
        client.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
    }
    server.has_channels(0).await;
}

#[tokio::test]
async fn c4e_a_leave_with_another_join_ref_is_stale() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.push(&json!("old"), "room:1", "phx_leave", json!({})).await;
    client.expect_nothing().await;
    client.push(&join_ref, "room:1", "ping", json!({})).await;
    assert_eq!(client.receive().await[4], ok(json!({})));
}

#[tokio::test]
async fn c4f_a_leave_of_what_is_not_joined_is_answered_as_it_came() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for (join_ref, reference) in [(json!("3"), json!("4")), (Value::Null, json!(5)), (json!(6), Value::Null)]
    {
        client.send(json!([join_ref, reference, "room:1", "phx_leave", {}])).await;
        client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(json!({}))])).await;
    }
}

#[tokio::test]
async fn c4g_an_event_is_handed_to_the_channel_with_its_join_ref_or_none() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    for given in [join_ref.clone(), Value::Null] {
        let reference = client.push(&given, "room:1", "ping", json!({})).await;
        client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(json!({}))])).await;
    }
}

#[tokio::test]
async fn c4h_an_event_with_another_join_ref_is_stale_and_not_answered() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    for stale in [json!("old"), json!(1), json!("")] {
        client.push(&stale, "room:1", "count", json!({})).await;
        client.expect_nothing().await;
    }
    assert_eq!(client.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
}

#[tokio::test]
async fn c4i_an_event_of_what_is_not_joined_is_unmatched() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for topic in ["room:1", "nowhere", ""] {
        let reference = client.push(&Value::Null, topic, "ping", json!({})).await;
        client.expect(json!([null, reference, topic, "phx_reply", refused("unmatched topic")])).await;
    }
}

#[tokio::test]
async fn c4_1_the_first_route_that_matches_is_taken() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for topic in ["room:1", "room:", "room:*", "room:a:b", "room: ü"] {
        client.join(topic).await;
        assert_eq!(client.ask(topic, "whoami", json!({})).await["response"]["topic"], topic);
    }
    let join_ref = client.send_join("lobby", json!({})).await;
    assert_eq!(client.reply_to(&join_ref).await, ok(json!({"exact": true})));
    for topic in ["room", "Room:1", "lobby2", "lobby:", "Lobby", " room:1", "roo", "*", ""] {
        let join_ref = client.send_join(topic, json!({})).await;
        assert_eq!(client.reply_to(&join_ref).await, refused("unmatched topic"), "{topic}");
    }
}

#[tokio::test]
async fn c4_2_a_join_is_answered_by_the_application() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let cases = [
        ("room:1", json!({}), ok(json!({}))),
        ("room:2", json!({"echo_join": true, "a": 1}), ok(json!({"echo": {"echo_join": true, "a": 1}}))),
        ("room:private", json!({}), refused("unauthorized")),
        ("room:3", json!({"crash": true}), refused("join crashed")),
    ];
    for (topic, params, reply) in cases {
        let join_ref = client.send_join(topic, params).await;
        client.expect(json!([join_ref, join_ref, topic, "phx_reply", reply])).await;
    }
    // Neither a refusal nor a crash says more, and neither harms the others.
    client.expect_nothing().await;
    assert_eq!(client.ask("room:1", "ping", json!({})).await, ok(json!({})));
    server.has_channels(2).await;
}

#[tokio::test]
async fn c4_2_what_is_sent_behind_a_join_is_handled_after_it() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.send_join("room:1", json!({"delay_ms": 50})).await;
    let first = client.push(&join_ref, "room:1", "count", json!({})).await;
    let second = client.push(&join_ref, "room:1", "count", json!({})).await;
    let left = client.push(&join_ref, "room:1", "phx_leave", json!({})).await;
    for (reference, response) in
        [(&join_ref, json!({})), (&first, json!({"n": 1})), (&second, json!({"n": 2})), (&left, json!({}))]
    {
        client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(response)])).await;
    }
    client.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
}

#[tokio::test]
async fn c4_2_what_happens_after_the_join_comes_after_its_reply() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    bob.join("room:1").await;
    for _ in 0..20 {
        let join_ref = ada.send_join("room:1", json!({"announce": true})).await;
        ada.expect(json!([join_ref, join_ref, "room:1", "phx_reply", ok(json!({}))])).await;
        ada.expect(json!([null, null, "room:1", "user_entered", {"user": "ada"}])).await;
        ada.expect(json!([join_ref, null, "room:1", "joined", {"status": "connected"}])).await;
        bob.expect(json!([null, null, "room:1", "user_entered", {"user": "ada"}])).await;
        let left = ada.push(&join_ref, "room:1", "phx_leave", json!({})).await;
        ada.expect(json!([join_ref, left, "room:1", "phx_reply", ok(json!({}))])).await;
        ada.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
        bob.expect(json!([null, null, "room:1", "user_left", {"user": "ada"}])).await;
    }
}

#[tokio::test]
async fn c4_3_a_duplicate_join_replaces_the_channel() {
    let server = Server::start().await;
    let (mut client, mut other) = (server.client("ada").await, server.client("bob").await);
    other.join("room:1").await;
    let old = client.join_with("room:1", json!({"announce": true})).await;
    client.event("joined").await;
    other.event("user_entered").await;
    let new = client.send_join("room:1", json!({"echo_join": 1})).await;
    // Either order will do for clients: they tell the two apart by the join_ref.
    let mut received = [client.receive().await, client.receive().await];
    received.sort_by_key(|message| message[3].as_str() == Some("phx_reply"));
    let closed = json!([old, old, "room:1", "phx_close", {}]);
    let joined = json!([new, new, "room:1", "phx_reply", ok(json!({"echo": {"echo_join": 1}}))]);
    assert_eq!(received, [closed, joined]);
    other.expect(json!([null, null, "room:1", "user_left", {"user": "ada"}])).await;
    // The old one's references are stale, and its subscription is gone.
    client.push(&old, "room:1", "ping", json!({})).await;
    server.broadcast("room:1", "once", json!({})).await;
    client.expect(json!([null, null, "room:1", "once", {}])).await;
    client.expect_nothing().await;
    assert_eq!(server.channels().await, 2);
}

#[tokio::test]
async fn c4_3_many_joins_back_to_back_leave_one_channel() {
    const JOINS: usize = 50;
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let mut sent = Vec::new();
    for _ in 0..JOINS {
        sent.push(client.send_join("room:1", json!({})).await);
    }
    let (mut joined, mut closed) = (Vec::new(), Vec::new());
    while joined.len() + closed.len() < 2 * JOINS - 1 {
        let message = client.receive().await;
        match message[3].as_str().unwrap() {
            "phx_reply" => joined.push(message[1].clone()),
            "phx_close" => closed.push(message[0].clone()),
            other => panic!("{other}"),
        }
    }
    assert_eq!(joined, sent);
    assert_eq!(closed, sent[..JOINS - 1]);
    assert_eq!(client.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
    server.has_channels(1).await;
}

#[tokio::test]
async fn c4_3_a_channel_that_is_busy_gives_way_when_it_is_done() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let old = client.join("room:1").await;
    client.push(&old, "room:1", "sleep", json!({"ms": 100})).await;
    let new = client.send_join("room:1", json!({})).await;
    assert_eq!(client.reply_to(&new).await, ok(json!({})));
    client.push(&new, "room:1", "ping", json!({})).await;
    client.find(|message| message[0] == new && message[3] == "phx_reply").await;
    server.has_channels(1).await;
}

#[tokio::test]
async fn c4_4_a_leave_is_answered_then_closed_then_terminated() {
    let server = Server::start().await;
    let (mut client, mut other) = (server.client("ada").await, server.client("bob").await);
    other.join("room:1").await;
    let join_ref = client.join_with("room:1", json!({"announce": true})).await;
    client.event("joined").await;
    other.event("user_entered").await;
    let reference = client.push(&join_ref, "room:1", "phx_leave", json!({})).await;
    let behind = client.push(&join_ref, "room:1", "ping", json!({})).await;
    client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(json!({}))])).await;
    client.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
    client.expect(json!([null, behind, "room:1", "phx_reply", refused("unmatched topic")])).await;
    other.expect(json!([null, null, "room:1", "user_left", {"user": "ada"}])).await;
    // It can be joined again, and hears what is said from then on.
    client.join("room:1").await;
    server.broadcast("room:1", "again", json!({})).await;
    client.expect(json!([null, null, "room:1", "again", {}])).await;
}

#[tokio::test]
async fn c4_5_a_slot_is_free_again_when_a_channel_has_ended() {
    let server = Server::start().await;
    let mut client = server.fast_client("ada").await;
    for n in 0..5 {
        client.join(&format!("room:{n}")).await;
    }
    // A join of what is joined takes no other slot.
    client.join("room:0").await;
    for (event, end) in [("phx_leave", "phx_close"), ("stop_normal", "phx_close"), ("crash", "phx_error")] {
        let join_ref = client.send_join("room:new", json!({})).await;
        client
            .find(|message| message[1] == join_ref && message[4] == refused("too many channels joined"))
            .await;
        client.push(&Value::Null, "room:0", event, json!({})).await;
        client.find(|message| message[2] == "room:0" && message[3] == end).await;
        client.join("room:0").await;
    }
}

#[tokio::test]
async fn c4_5_a_hundred_channels_are_enough() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for n in 0..100 {
        client.join(&format!("room:{n}")).await;
    }
    client.send(json!(["j", "r", "room:100", "phx_join", {}])).await;
    client.expect(json!(["j", "r", "room:100", "phx_reply", refused("too many channels joined")])).await;
}

#[tokio::test]
async fn c4_6_a_channel_that_ends_unannounced_is_an_error_and_leaves_the_others_alone() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let (first, _second) = (client.join("room:1").await, client.join("room:2").await);
    client.push(&first, "room:1", "crash", json!({})).await;
    client.expect(json!([first, first, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    assert_eq!(client.ask("room:2", "ping", json!({})).await, ok(json!({})));
    assert_eq!(client.ask("room:1", "ping", json!({})).await, refused("unmatched topic"));
}

#[tokio::test]
async fn c4_6_channels_end_in_order_with_their_connection() {
    let server = Server::start().await;
    for goodbye in [true, false] {
        let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
        for topic in ["room:1", "room:2"] {
            bob.join(topic).await;
            ada.join_with(topic, json!({"announce": true})).await;
            ada.event("joined").await;
            bob.event("user_entered").await;
        }
        if goodbye {
            ada.hang_up().await;
        } else {
            drop(ada);
        }
        let mut left = [bob.receive().await, bob.receive().await];
        left.sort_by_key(Value::to_string);
        assert_eq!(left[0], json!([null, null, "room:1", "user_left", {"user": "ada"}]));
        assert_eq!(left[1], json!([null, null, "room:2", "user_left", {"user": "ada"}]));
        server.has_channels(2).await;
        bob.hang_up().await;
        server.has_channels(0).await;
    }
}
