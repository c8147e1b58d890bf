//! Where the original could be better (section 18), as far as clients see it.

use serde_json::json;

use crate::support::{Client, End, Poller, Raw, Server, ok, soon};

const FAST: &str = "/socket_fast/websocket?vsn=2.0.0&user_id=raw";

#[tokio::test]
async fn c7_5_the_server_never_closes_with_1000_of_its_own() {
    let server = Server::start().await;
    let mut codes = Vec::new();
    for bytes in
        [&[0x81, 0x00][..], &[0x83, 0x80, 0, 0, 0, 0], &[0x82, 0x80, 0, 0, 0, 0], &[0x81, 0x80, 0, 0, 0, 0]]
    {
        let mut raw = Raw::upgraded(server.addr, FAST).await;
        raw.write(bytes).await;
        codes.push(raw.close_code().await);
    }
    let mut large = server.fast_client("ada").await;
    large.send_text("x".repeat(70_000)).await;
    codes.push(large.close_code().await);
    let mut idle = server.fast_client("ada").await;
    codes.push(idle.close_code().await);
    let mut dismissed = server.client("ada").await;
    server.broadcast("users_socket:ada", "disconnect", json!({})).await;
    codes.push(dismissed.close_code().await);
    let mut drained = server.client("ada").await;
    let (code, ()) = tokio::join!(drained.close_code(), server.stop());
    codes.push(code);
    assert!(codes.iter().all(|code| code.is_some_and(|code| code != 1000)), "{codes:?}");
}

#[tokio::test]
async fn c18_1_idle_clients_and_bare_sockets_are_told_to_come_back() {
    let server = Server::start().await;
    let mut idle = server.fast_client("ada").await;
    assert_eq!(idle.close_code().await, Some(1001));
    let mut bare = server.client("ada").await;
    let (code, ()) = tokio::join!(bare.close_code(), server.stop());
    assert_eq!(code, Some(1012));
}

#[tokio::test]
async fn c18_2_a_join_that_takes_its_time_holds_up_nobody_else() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:2").await;
    let slow = client.send_join("room:1", json!({"delay_ms": 500})).await;
    client.expect_nothing().await;
    assert_eq!(client.ask("room:2", "ping", json!({})).await, ok(json!({})));
    client.join("room:3").await;
    client.expect(json!([slow, slow, "room:1", "phx_reply", ok(json!({}))])).await;
}

#[tokio::test]
async fn c18_3_what_waits_for_a_client_that_does_not_read_is_bounded() {
    let server = Server::start().await;
    let mut deaf = Raw::upgraded(server.addr, "/socket/websocket?vsn=2.0.0&user_id=deaf").await;
    deaf.text(r#"["1","1","room:1","phx_join",{}]"#).await;
    let mut bob = server.client("bob").await;
    bob.join("room:1").await;
    server.has_channels(2).await;
    let megabyte = json!({"x": "x".repeat(1 << 20)});
    // Far more than sockets and the server together hold for one client.
    let mut sent = 0;
    while server.channels().await == 2 {
        assert!(sent < 400, "{sent} MB wait for a client that does not read");
        assert_eq!(bob.ask("room:1", "shout", megabyte.clone()).await, ok(json!({})));
        sent += 1;
    }
    assert_eq!(bob.ask("room:1", "ping", json!({})).await, ok(json!({})));
}

#[tokio::test]
async fn c18_4_a_protocol_failure_is_told_by_a_code_and_a_reason() {
    let server = Server::start().await;
    for (text, code) in [("[", 1007), ("{}", 1007), (r#"[null,"1","phoenix","heartbeat"]"#, 1007)] {
        let mut client: Client = server.client("ada").await;
        client.send_text(text).await;
        let End::Close(told, reason) = client.end().await else { panic!("no close") };
        assert_eq!(told, code, "{text}");
        assert!(!reason.is_empty() && !reason.contains(text), "{reason}");
    }
}

#[tokio::test]
async fn c18_5_a_poll_that_waits_is_released_when_its_session_ends() {
    let server = Server::start().await;
    let mut client = server.client("bob").await;
    client.join("room:1").await;
    let mut poller = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0&user_id=ada").await;
    poller.join("room:1", json!({})).await;
    // Another poll, begun before, waits for its whole window of ten seconds.
    let bystander = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0&user_id=eve").await;
    let ended = async {
        let disconnect = client.ask("room:1", "disconnect_user", json!({"user_id": "ada"}));
        tokio::join!(poller.poll(), disconnect).0
    };
    let first = tokio::select! {
        biased;
        polled = ended => polled,
        polled = bystander.poll() => panic!("the bystander was first: {polled}"),
    };
    assert_eq!(first["status"], 410);
}

#[tokio::test]
async fn c18_5_a_post_that_is_no_message_is_answered_at_once() {
    let server = Server::start().await;
    let poller = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0&user_id=ada").await;
    let bystander = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0&user_id=eve").await;
    let status = tokio::select! {
        biased;
        status = poller.post("[nonsense") => status,
        polled = soon("its window", bystander.poll()) => panic!("the bystander was first: {polled}"),
    };
    assert!([400, 410].contains(&status), "{status}");
}
