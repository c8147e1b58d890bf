//! HTTP requests beside the sockets: none takes a connection for good.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use throng_web::{Drain, Limits};

use crate::support::{Raw, Server, soon};

/// Routes that read, write a lot, and never answer.
fn routes() -> Router {
    Router::new()
        .route("/read", post(async |body: Bytes| body.len().to_string()))
        .route("/large", get(async || "x".repeat(1 << 20)))
        .route("/hang", get(async || std::future::pending::<()>().await))
}

/// A server that serves one connection at a time: the next is served when the last was hung up on.
async fn narrow(change: impl FnOnce(&mut Limits)) -> Server {
    let limits = Limits::default().with(|limits| limits.connections_max = 1).with(change);
    Server::with(|builder| builder.routes(routes()).limits(limits)).await
}

async fn open(server: &Server, request: &str) -> Raw {
    let mut raw = Raw::connect(server.addr).await;
    raw.write(request.as_bytes()).await;
    raw
}

/// That a request on a new connection is answered.
async fn serves(server: &Server) {
    let mut raw = open(server, "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(raw.head().await.starts_with("HTTP/1.1 200 "));
    raw.end().await;
}

const UNFINISHED: &str = "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{";

#[tokio::test]
async fn a_body_that_never_comes_runs_out_of_time() {
    let server = narrow(|limits| limits.request_timeout = Duration::from_millis(300)).await;
    let _silent = open(&server, UNFINISHED).await;
    serves(&server).await;
    // Nor does a byte now and then buy time.
    let mut trickling = open(&server, UNFINISHED).await;
    let trickle = async {
        loop {
            trickling.write(b"x").await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = trickle => {}
        () = serves(&server) => {}
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_runs_out_of_time() {
    let server = narrow(|limits| limits.request_timeout = Duration::from_millis(300)).await;
    let large = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    // Many at once as well: the next request buys the last answer no time.
    let _lazy = open(&server, &large.repeat(64)).await;
    serves(&server).await;
    let _many = open(&server, &"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200_000)).await;
    serves(&server).await;
}

#[tokio::test]
async fn an_answer_that_is_never_made_runs_out_of_time() {
    let server = narrow(|limits| limits.request_timeout = Duration::from_millis(300)).await;
    let mut waiting = open(&server, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").await;
    waiting.end().await;
    serves(&server).await;
}

#[tokio::test]
async fn each_request_has_its_own_time() {
    // A connection may live for longer than a request, busy or idle.
    let server = narrow(|limits| limits.request_timeout = Duration::from_millis(500)).await;
    let mut raw = Raw::connect(server.addr).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_millis(1_000) {
        raw.write(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").await;
        assert!(raw.head().await.starts_with("HTTP/1.1 200 "));
        assert_eq!(soon("the body", tokio::io::AsyncReadExt::read_u8(&mut raw.stream)).await.unwrap(), b'3');
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    raw.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(raw.head().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_socket_is_no_request() {
    let server = narrow(|limits| limits.request_timeout = Duration::from_millis(200)).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(client.ask("room:1", "echo", 1.into()).await.1, 1);
    serves(&server).await;
}

#[tokio::test]
async fn unfinished_requests_do_not_hold_up_a_shutdown() {
    // Neither for the patience that channels are shown, nor for the time of a request.
    let server = Server::with(|builder| {
        let limits = Limits::default().with(|limits| limits.request_timeout = Duration::from_secs(60));
        let drain = Drain::default().with(|drain| {
            drain.patience = Duration::from_secs(60);
            drain.request_grace = Duration::from_millis(100);
        });
        builder.routes(routes()).limits(limits).drain(drain)
    })
    .await;
    let mut unfinished = Vec::new();
    for _ in 0..50 {
        unfinished.push(open(&server, UNFINISHED).await);
    }
    serves(&server).await;
    server.stop().await;
    for mut raw in unfinished {
        raw.end().await;
    }
}

#[tokio::test]
async fn one_peer_has_so_many_connections() {
    let server = Server::with_limits(|limits| limits.connections_per_peer_max = 2).await;
    let (one, mut two) = (Raw::connect(server.addr).await, Raw::connect(server.addr).await);
    // Served, so that both were counted.
    two.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(two.head().await.starts_with("HTTP/1.1 200 "));
    Raw::connect(server.addr).await.end().await;
    drop(one);
    let place = async {
        loop {
            let mut raw = open(&server, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
            if tokio::io::AsyncReadExt::read_u8(&mut raw.stream).await.is_ok() {
                return;
            }
        }
    };
    soon("a place", place).await;
}
