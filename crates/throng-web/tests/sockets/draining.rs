//! §16.2: parting with all clients in order.

use std::time::Duration;

use serde_json::{Value, json};
use throng_web::{Drain, Limits};
use tokio::time::Instant;

use crate::support::{Client, Raw, Refused, Server, eventually, soon};

/// The status of a GET on a new connection.
async fn status(server: &Server, path: &str) -> u16 {
    let mut raw = Raw::connect(server.addr).await;
    raw.write(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await;
    raw.head().await.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn new_client(server: &Server) -> Result<Client, Refused> {
    Client::try_connect(server.addr, "/socket/websocket?user=late&vsn=2.0.0", &[]).await
}

#[tokio::test]
async fn c16_2_a_drain_refuses_closes_waits_and_only_then_stops_listening() {
    let mut server = Server::with_drain(|drain| {
        drain.batch_size = 1;
        drain.batch_interval = Duration::from_millis(100);
    })
    .await;
    let (mut one, mut two) = (server.client("one").await, server.client("two").await);
    one.join("room:1").await;
    two.join("room:1").await;
    server.notes();
    let (node, listener) = (server.node.clone(), server.listener);
    let stopping =
        tokio::spawn(async move { node.stop(listener, throng_runtime::Exit::Shutdown, None).await });
    // The first sign that it has begun: not ready any more, though very much alive.
    while status(&server, "/health/ready").await == 200 {}
    assert_eq!(status(&server, "/health/live").await, 200);
    let Err(Refused { status: refused, .. }) = new_client(&server).await else { panic!("let in") };
    assert_eq!(refused, 503);
    // All are closed with 1012, and their channels terminate.
    for client in [&mut one, &mut two] {
        let (code, reason) = client.close().await.unwrap();
        assert_eq!(code, 1012);
        // And are told when to come back (§18.12).
        let retry_in =
            reason.strip_prefix("service restart; retry in ").and_then(|rest| rest.strip_suffix("ms"));
        assert!(retry_in.is_some_and(|ms| (1..=2000).contains(&ms.parse::<u64>().unwrap())), "{reason}");
    }
    soon("the listener to stop", stopping).await.unwrap().unwrap();
    let ends = server.notes();
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|end| end.what == "terminate shutdown (closed)"), "{ends:?}");
    assert_eq!((server.endpoint.connection_count(), server.endpoint.channel_count()), (0, 0));
    assert_eq!(server.endpoint.local_addr(), None);
    assert!(tokio::net::TcpStream::connect(server.addr).await.is_err());
}

#[tokio::test]
async fn c16_2_connections_are_closed_in_paced_batches() {
    // §16.2: so that they do not all come back at once.
    let server = Server::with_drain(|drain| {
        drain.batch_size = 3;
        drain.batch_interval = Duration::from_millis(200);
    })
    .await;
    let mut clients = Vec::new();
    for n in 0..8 {
        let mut client = server.client(&format!("user{n}")).await;
        if n % 2 == 0 {
            client.join("room:1").await;
        }
        clients.push(client);
    }
    let began = Instant::now();
    let ends = clients.into_iter().map(|mut client| async move {
        assert_eq!(client.close_code().await, Some(1012), "with a channel or without");
        began.elapsed()
    });
    let drained = server.endpoint.drain();
    let (mut ends, ()) =
        soon("the drain", futures_util::future::join(futures_util::future::join_all(ends), drained)).await;
    ends.sort();
    // No batch is early; how late one is depends on the machine.
    assert!(ends[3] >= Duration::from_millis(200), "{ends:?}");
    assert!(ends[6] >= Duration::from_millis(400), "{ends:?}");
}

#[tokio::test]
async fn frames_queued_before_the_drain_arrive_before_the_close() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    for n in 0..100 {
        server.endpoint.broadcast("room:1", "shouted", json!({ "n": n })).unwrap();
    }
    let ((), ()) = futures_util::future::join(server.endpoint.drain(), async {
        for n in 0..100 {
            client.expect(json!([null, null, "room:1", "shouted", { "n": n }])).await;
        }
        assert_eq!(client.close_code().await, Some(1012));
    })
    .await;
}

#[tokio::test]
async fn c16_2_no_phx_close_or_phx_error_is_sent_to_drained_channels() {
    // §16.2: they are to come back.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let ((), message) = futures_util::future::join(server.endpoint.drain(), async {
        soon("the close", futures_util::StreamExt::next(&mut client.socket)).await
    })
    .await;
    assert!(message.unwrap().unwrap().is_close());
}

#[tokio::test]
async fn whoever_does_not_leave_is_left_when_patience_runs_out() {
    let server = Server::with(|builder| {
        // Longer than the patience by far: the channel hangs on, and ends with the node.
        let limits = Limits::default().with(|limits| limits.channel_grace = Duration::from_secs(60));
        builder
            .limits(limits)
            .drain(Drain::default().with(|drain| drain.patience = Duration::from_millis(100)))
    })
    .await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "hang", json!({})).await;
    client.expect_nothing().await;
    soon("the drain", server.endpoint.drain()).await;
    assert_eq!(server.endpoint.channel_count(), 1, "its channel hangs");
}

#[tokio::test]
async fn a_client_that_connects_while_the_drain_begins_is_drained_as_well() {
    // Many times over: whoever was let in is told 1012, whoever was not 503; nobody is forgotten, and nobody sees 1000.
    for _ in 0..30 {
        let server = Server::start().await;
        let visitors = (0..8).map(|_| async {
            match new_client(&server).await {
                Ok(mut client) => assert_eq!(client.close_code().await, Some(1012)),
                Err(refused) => assert_eq!(refused.status, 503),
            }
        });
        let visits = futures_util::future::join_all(visitors);
        let drain = async {
            eventually("somebody to be inside", || server.endpoint.connection_count() > 0).await;
            server.endpoint.drain().await;
        };
        soon("the drain", futures_util::future::join(visits, drain)).await;
        assert_eq!(server.endpoint.connection_count(), 0);
    }
}

#[tokio::test]
async fn several_may_wait_for_the_same_drain() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..5 {
        clients.push(server.client(&format!("user{n}")).await);
    }
    let closes = clients.iter_mut().map(Client::close_code);
    let drains = [server.endpoint.drain(), server.endpoint.drain(), server.endpoint.drain()];
    let (codes, _) = soon(
        "all drains",
        futures_util::future::join(
            futures_util::future::join_all(closes),
            futures_util::future::join_all(drains),
        ),
    )
    .await;
    assert_eq!(codes, [Some(1012); 5]);
}

#[tokio::test]
async fn an_endpoint_that_was_stopped_may_listen_again() {
    let server = Server::start().await;
    server.client("ada").await.hang_up().await;
    server.stop().await;
    let addr = (std::net::Ipv4Addr::LOCALHOST, 0);
    server.node.start(server.endpoint.listen(addr)).await.unwrap();
    let addr = server.endpoint.local_addr().unwrap();
    let path = "/socket/websocket?user=ada&vsn=2.0.0";
    Client::connect(addr, path).await.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn requests_in_hand_are_answered_before_the_end() {
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let slow = axum::Router::new().route(
        "/slow",
        axum::routing::get(move || async move {
            asked.send(()).unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            "done"
        }),
    );
    let server = Server::with(|builder| builder.routes(slow)).await;
    let request = async { status(&server, "/slow").await };
    let stop = async {
        was_asked.recv().await.unwrap();
        server.stop().await;
    };
    let (status, ()) = soon("both", futures_util::future::join(request, stop)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn c18_2_whoever_balances_the_load_has_time_to_notice() {
    let server = Server::with_drain(|drain| drain.notice = Duration::from_secs(3600)).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let endpoint = server.endpoint.clone();
    let draining = tokio::spawn(async move { endpoint.drain().await });
    while status(&server, "/health/ready").await == 200 {}
    let Err(Refused { status: refused, .. }) = new_client(&server).await else { panic!("let in") };
    assert_eq!(refused, 503);
    // Who is in goes on as ever.
    assert_eq!(client.ask("room:1", "echo", 7.into()).await.1, 7);
    draining.abort();
    client.hang_up().await;
}
