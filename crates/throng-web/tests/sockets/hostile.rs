//! §8 and the rows of the reliability plan that are about HTTP: who takes places and gives nothing is hung up on, and nobody
//! else notices.

use std::time::Duration;

use serde_json::json;
use throng_web::{Limits, Quota};
use tokio::task::JoinSet;

use crate::support::{Client, Raw, Refused, Server, eventually};

const SLOW_MAX: usize = 5_000;

/// How many slow clients the process has descriptors for: each takes two, one at either end.
fn slow_clients() -> usize {
    let granted = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let count = usize::try_from(granted.saturating_sub(1000) / 4).unwrap_or(SLOW_MAX).clamp(20, SLOW_MAX);
    println!("{count} slow clients, with {granted} descriptors");
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_thousands_of_slow_clients_are_reaped_and_a_healthy_one_does_not_notice() {
    let count = slow_clients();
    let server = Server::with_limits(|limits| {
        limits.header_timeout = Duration::from_secs(3);
        // The healthy one asks as fast as it is answered.
        limits.message_rate = Quota::new(1_000_000, 1_000_000);
        limits.connections_max = SLOW_MAX + 100;
        limits.connections_per_peer_max = SLOW_MAX + 100;
    })
    .await;
    let mut healthy = server.client("ada").await;
    healthy.join("room:1").await;
    let request = Raw::request(server.addr);
    let mut slow = JoinSet::new();
    for index in 0..count {
        let (addr, request) = (server.addr, request.clone());
        slow.spawn(async move {
            let mut raw = Raw::connect(addr).await;
            // Some say nothing, some a little now and then, some nearly all at once.
            match index % 3 {
                0 => {}
                1 => {
                    for byte in request.as_bytes().iter().take(5) {
                        raw.write(&[*byte]).await;
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
                _ => raw.write(&request.as_bytes()[..request.len() - 2]).await,
            }
            raw.end().await;
        });
    }
    // Every question of the healthy one is answered, in order, for as long as any slow one is there.
    let mut asked: u32 = 0;
    while !slow.is_empty() {
        assert_eq!(healthy.ask("room:1", "echo", json!(asked)).await, ("ok".to_owned(), json!(asked)));
        asked += 1;
        while let Some(reaped) = slow.try_join_next() {
            reaped.unwrap();
        }
        tokio::task::yield_now().await;
    }
    assert!(asked > 0);
    healthy.hang_up().await;
    server.is_well().await;
}

#[tokio::test]
async fn c8_a_socket_counts_for_its_peer_until_it_closes() {
    let server = Server::with_limits(|limits| limits.sockets_per_peer_max = 2).await;
    let (one, mut two) = (server.client("ada").await, server.client("bob").await);
    two.join("room:1").await;
    let path = "/socket/websocket?user=eve&vsn=2.0.0";
    let third = Client::try_connect(server.addr, path, &[]).await.err().unwrap();
    assert_eq!(third, Refused { status: 429, body: "too many requests".to_owned() });
    one.hang_up().await;
    eventually("a place", || server.endpoint.connection_count() == 1).await;
    server.client("eve").await.hang_up().await;
    two.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn c8_who_does_not_take_what_was_answered_holds_no_place_for_good() {
    // The handshake is answered, and the client goes away before it is one.
    let limits = Limits::default().with(|limits| {
        limits.sockets_max = 3;
        limits.idle_timeout = Duration::from_millis(200);
        limits.close_timeout = Duration::from_millis(100);
    });
    let server = Server::with(|builder| builder.limits(limits)).await;
    for _ in 0..20 {
        let mut raw = Raw::connect(server.addr).await;
        raw.write(Raw::request(server.addr).as_bytes()).await;
        drop(raw);
    }
    server.is_empty().await;
    // Half-open: it is there and says nothing.
    let _silent = Raw::upgraded(server.addr).await;
    server.is_empty().await;
}

#[tokio::test]
async fn c8_behind_a_trusted_proxy_sockets_count_for_who_is_before_it() {
    let limits = Limits::default().with(|limits| limits.sockets_per_peer_max = 1);
    let server = Server::with(|builder| builder.limits(limits).trusted_proxies(["127.0.0.0/8"])).await;
    let path = "/socket/websocket?user=ada&vsn=2.0.0";
    let from = |addr: &'static str| [("x-forwarded-for", addr)];
    let one = Client::try_connect(server.addr, path, &from("192.0.2.1")).await.unwrap();
    let again = Client::try_connect(server.addr, path, &from("9.9.9.9, 192.0.2.1")).await;
    assert_eq!(again.err().unwrap().status, 429);
    let two = Client::try_connect(server.addr, path, &from("192.0.2.2")).await.unwrap();
    one.hang_up().await;
    two.hang_up().await;
    server.is_empty().await;
}
