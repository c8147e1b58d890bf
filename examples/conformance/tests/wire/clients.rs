//! What phoenix.js does, and the clients before it: rows of the list in section 10 (`c10a_` is its first), those rows of section 8
//! that are the client's, and section 17.

use serde_json::{Value, json};

use crate::support::{Client, Poller, Server, ok};

#[tokio::test]
async fn c10a_the_transport_the_parameters_and_the_version_are_in_the_url() {
    let server = Server::start().await;
    // An empty pair at the end is what phoenix.js leaves where it has no parameters.
    for query in ["user_id=ada&vsn=2.0.0", "vsn=2.0.0&", "a=&b&vsn=2.0.0"] {
        let mut client = server.connect(&format!("/socket/websocket?{query}")).await;
        client.join("room:1").await;
        Poller::open(server.addr, &format!("/socket/longpoll?{query}")).await;
    }
}

#[tokio::test]
async fn c10b_a_joins_reply_has_its_ref_and_its_join_ref_or_none() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for topic in ["room:1", "room:private", "nowhere"] {
        let join_ref = client.send_join(topic, json!({})).await;
        let reply = client.receive().await;
        assert!(reply[0] == join_ref || reply[0].is_null(), "phoenix.js would drop {reply}");
        assert_eq!((&reply[1], &reply[2], &reply[3]), (&join_ref, &json!(topic), &json!("phx_reply")));
    }
}

#[tokio::test]
async fn c10c_a_join_that_was_given_up_is_left_and_made_again() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let first = client.send_join("room:1", json!({"delay_ms": 100})).await;
    let left = client.push(&first, "room:1", "phx_leave", json!({})).await;
    let second = client.send_join("room:1", json!({})).await;
    let mut replies = Vec::new();
    while replies.len() < 3 {
        let message = client.receive().await;
        if message[3] == "phx_reply" {
            replies.push(message[1].clone());
        } else {
            assert_eq!((&message[0], &message[3]), (&first, &json!("phx_close")));
        }
    }
    assert_eq!(replies, [first, left, second.clone()]);
    let reference = client.push(&second, "room:1", "ping", json!({})).await;
    client.expect(json!([second, reference, "room:1", "phx_reply", ok(json!({}))])).await;
    server.has_channels(1).await;
}

#[tokio::test]
async fn c10d_a_second_channel_object_leaves_the_first_before_it_joins() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let mut joined = client.join("room:1").await;
    for _ in 0..20 {
        let left = client.push(&joined, "room:1", "phx_leave", json!({})).await;
        let next = client.send_join("room:1", json!({})).await;
        client.expect(json!([joined, left, "room:1", "phx_reply", ok(json!({}))])).await;
        client.expect(json!([joined, joined, "room:1", "phx_close", {}])).await;
        client.expect(json!([next, next, "room:1", "phx_reply", ok(json!({}))])).await;
        joined = next;
    }
    server.has_channels(1).await;
}

#[tokio::test]
async fn c10e_after_a_lost_connection_all_channels_join_at_once_and_pushes_follow() {
    let server = Server::start().await;
    for _ in 0..5 {
        let mut client = server.client("ada").await;
        let topics: Vec<_> = (0..20).map(|n| format!("room:{n}")).collect();
        let mut wanted = Vec::new();
        for topic in &topics {
            wanted.push(client.send_join(topic, json!({})).await);
        }
        for (topic, join_ref) in topics.iter().zip(wanted.clone()) {
            wanted.push(client.push(&join_ref, topic, "ping", json!({})).await);
        }
        while !wanted.is_empty() {
            let reply = client.receive().await;
            assert_eq!(reply[4]["status"], "ok", "{reply}");
            wanted.retain(|reference| *reference != reply[1]);
        }
        drop(client);
    }
    server.has_channels(0).await;
}

#[tokio::test]
async fn c10f_a_heartbeat_is_answered_by_its_ref_among_whatever_else_comes() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.push(&join_ref, "room:1", "seq", json!({"n": 50})).await;
    let heartbeat = client.push(&Value::Null, "phoenix", "heartbeat", json!({})).await;
    assert_eq!(client.reply_to(&heartbeat).await, ok(json!({})));
}

#[tokio::test]
async fn c10g_whoever_falls_back_to_long_polling_finds_the_same_channels() {
    let server = Server::start().await;
    let mut socket = server.client("ada").await;
    socket.join_with("presence:1", json!({})).await;
    let mut poller = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0&user_id=bob").await;
    poller.join("presence:1", json!({})).await;
    let list = poller.ask("presence:1", "list", json!({})).await["response"].clone();
    let mut keys: Vec<_> = list.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["ada", "bob"]);
}

#[tokio::test]
async fn c10h_the_state_of_presence_is_told_after_every_join() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for _ in 0..5 {
        let join_ref = client.join("presence:1").await;
        let state = client.find(|message| message[3] == "presence_state" && message[0] == join_ref).await;
        assert!(state[4].is_object());
    }
}

#[tokio::test]
async fn c8b_heartbeats_are_answered_at_either_mount_and_keep_a_client_alive() {
    let server = Server::start().await;
    for mut client in [server.client("ada").await, server.fast_client("ada").await] {
        for reference in ["1", "2", "3"] {
            client.send(json!([null, reference, "phoenix", "heartbeat", {}])).await;
            client.expect(json!([null, reference, "phoenix", "phx_reply", ok(json!({}))])).await;
        }
    }
}

#[tokio::test]
async fn c8c_an_answer_that_comes_too_late_does_no_harm() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    let late = client.push(&join_ref, "room:1", "async_reply", json!({"delay_ms": 100})).await;
    client.push(&join_ref, "room:1", "phx_leave", json!({})).await;
    let again = client.send_join("room:1", json!({})).await;
    // The channel of the request is gone; its answer still carries the old reference, which phoenix.js drops.
    let answer = client.find(|message| message[1] == late).await;
    assert_eq!((&answer[0], &answer[4]), (&join_ref, &ok(json!({"delay_ms": 100}))));
    let ping = client.push(&again, "room:1", "ping", json!({})).await;
    assert_eq!(client.reply_to(&ping).await, ok(json!({})));
}

#[tokio::test]
async fn c8d_clients_that_were_sent_away_may_come_back_at_once_and_all_together() {
    let server = Server::start().await;
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..30 {
        clients.push(server.client("ada").await);
    }
    for _ in 0..3 {
        for client in &mut clients {
            client.join("room:1").await;
        }
        server.broadcast("users_socket:ada", "disconnect", json!({})).await;
        for client in &mut clients {
            assert_eq!(client.close_code().await, Some(1001));
            *client = server.client("ada").await;
        }
        server.has_channels(0).await;
    }
}

#[tokio::test]
async fn c8e_a_channel_that_crashes_may_be_joined_again_as_often_as_it_takes() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for _ in 0..30 {
        let join_ref = client.join("room:1").await;
        client.push(&join_ref, "room:1", "crash", json!({})).await;
        client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    }
    server.has_channels(0).await;
}

#[tokio::test]
async fn c17_clients_of_every_age_are_understood() {
    let server = Server::start().await;
    // Before 1.3: objects without a join_ref, no version in the URL.
    let mut oldest = server.connect("/socket/websocket?user_id=old").await;
    let message = |event: &str, payload: Value, reference: Value| json!({"topic": "room:1", "event": event, "payload": payload, "ref": reference});
    oldest.send(message("phx_join", json!({}), json!("1"))).await;
    oldest.expect(message("phx_reply", ok(json!({})), json!("1"))).await;
    oldest.send(message("phx_join", json!({}), json!("2"))).await;
    let events = [oldest.receive().await["event"].clone(), oldest.receive().await["event"].clone()];
    assert!(events.contains(&json!("phx_close")) && events.contains(&json!("phx_reply")), "{events:?}");
    // Clients in other languages: references that are numbers, or no join_ref on what follows the join.
    let mut other = server.client("other").await;
    other.send(json!([1, 1, "room:1", "phx_join", {}])).await;
    other.expect(json!([1, 1, "room:1", "phx_reply", ok(json!({}))])).await;
    other.send(json!([null, 2, "room:1", "ping", {}])).await;
    other.expect(json!([1, 2, "room:1", "phx_reply", ok(json!({}))])).await;
    // 1.8.3 to 1.8.11 would have dropped it: 1.8.12 takes it again.
    other.send(json!([null, 3, "room:1", "phx_leave", {}])).await;
    other.expect(json!([1, 3, "room:1", "phx_reply", ok(json!({}))])).await;
    // The token of a session in a header, from 1.8.10 on, or in the query.
    let mut poller = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0").await;
    poller.push("phoenix", "heartbeat", json!({})).await;
    let token = poller.token.take().unwrap();
    let polled = poller.request("GET").header("x-phoenix-longpoll-token", &token).send().await;
    assert_eq!(polled.json()["status"], 200);
}
