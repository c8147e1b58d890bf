//! The endpoint's routes in a router of one's own, served by a server of one's own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{Router, routing::get};
use serde_json::json;
use throng_runtime::Node;
use throng_web::{Endpoint, EndpointError, PubSub};
use tokio::{net::TcpListener, sync::oneshot};

use crate::support::{Client, sockets, soon};

/// An endpoint below `/live` of somebody's application.
async fn application(node: &Node) -> (Endpoint, Router) {
    let (sockets, _) = sockets();
    let endpoint = Endpoint::builder(node, &PubSub::new()).socket("/socket", sockets).build().unwrap();
    let router = Router::new().route("/", get(async || "home")).nest("/live", endpoint.router());
    (endpoint, router)
}

#[tokio::test]
async fn axum_serves_sockets_and_a_drain_lets_it_stop() {
    let node = Node::new("test");
    let (endpoint, router) = application(&node).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let draining = endpoint.clone();
    let server = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move {
                stopped.await.unwrap();
                draining.drain().await;
            })
            .await
    });

    let path = "/live/socket/websocket?user=ada&vsn=2.0.0";
    let mut client = Client::connect(addr, path).await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    let home = Client::try_connect(addr, "/", &[]).await.err().unwrap();
    assert_eq!((home.status, home.body.as_str()), (200, "home"));

    stop.send(()).unwrap();
    assert_eq!(client.close_code().await, Some(1012));
    soon("the server to end", server).await.unwrap().unwrap();
    assert_eq!((endpoint.connection_count(), endpoint.channel_count()), (0, 0));
}

#[tokio::test]
async fn a_drained_application_refuses_sockets_and_serves_the_rest() {
    let node = Node::new("test");
    let (endpoint, router) = application(&node).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint.drain().await;
    for (path, expected) in [
        ("/live/socket/websocket?user=ada&vsn=2.0.0", 503),
        ("/live/health/ready", 503),
        ("/live/health/live", 200),
        ("/", 200),
    ] {
        let refused = Client::try_connect(addr, path, &[]).await.err().unwrap();
        assert_eq!(refused.status, expected, "{path}");
    }
    server.abort();
}

#[tokio::test]
async fn mistakes_are_told_when_the_endpoint_is_built() {
    let node = Node::new("test");
    let build = |path: &str| Endpoint::builder(&node, &PubSub::new()).socket(path, sockets().0).build();
    for path in ["socket", "/a/{b", "/a/{}", "/a/{*rest}", "/:a", "/*a"] {
        assert!(matches!(build(path).unwrap_err(), EndpointError::Path { .. }), "{path}");
    }
    for path in ["", "/", "/a/{b}", "/health", "/health/live"] {
        assert!(build(path).is_ok(), "{path}");
    }
    let twice =
        Endpoint::builder(&node, &PubSub::new()).socket("/a", sockets().0).socket("/a/", sockets().0).build();
    let taken = EndpointError::PathTaken { path: "/a".into(), with: "/a/websocket".into() };
    assert_eq!(twice.unwrap_err(), taken);
    let alike =
        Endpoint::builder(&node, &PubSub::new()).socket("/{a}", sockets().0).socket("/{b}", sockets().0);
    assert!(matches!(alike.build().unwrap_err(), EndpointError::PathTaken { .. }));
    let pattern = Endpoint::builder(&node, &PubSub::new())
        .socket("/a", sockets().0.channel::<crate::support::Room>("a*b"))
        .build();
    assert!(matches!(pattern.unwrap_err(), EndpointError::Pattern { .. }));
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_at_the_start() {
    let node = Node::new("test");
    let (endpoint, _) = application(&node).await;
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = taken.local_addr().unwrap();
    let error = node.start(endpoint.listen(addr)).await.unwrap_err().to_string();
    assert!(error.contains(&format!("cannot listen on {addr}")), "{error}");
}

#[tokio::test]
async fn limits_that_are_not_are_taken_as_never() {
    let server = crate::support::Server::with_limits(|limits| {
        limits.idle_timeout = Duration::MAX;
        limits.write_timeout = Duration::MAX;
        limits.outbound_bytes_max = usize::MAX;
        limits.channels_per_connection_max = usize::MAX;
        limits.sockets_max = usize::MAX;
        limits.connections_max = usize::MAX;
        limits.events_in_flight_max = 0;
    })
    .await;
    server.is_well().await;
    server.stop().await;
}
