//! Behind a proxy, a client is who the proxy says it is.

use throng_web::{Endpoint, EndpointError, Limits, PubSub};

use super::support::{Client, Refused, Server};

const PATH: &str = "/socket/websocket?user=ada&vsn=2.0.0";

/// Connects as a client that comes through a proxy would.
async fn connect(server: &Server, forwarded_for: &str) -> Result<Client, Refused> {
    Client::try_connect(server.addr, PATH, &[("x-forwarded-for", forwarded_for)]).await
}

/// Clients connect through what is trusted as a proxy: this machine.
async fn behind_a_proxy() -> Server {
    let limits = Limits::default().with(|limits| {
        limits.sockets_per_peer_max = 1;
        limits.connections_per_peer_max = 1;
    });
    Server::with(|builder| builder.limits(limits).trusted_proxies(["127.0.0.1"])).await
}

#[tokio::test]
async fn clients_are_counted_by_the_address_that_the_proxy_saw() {
    let server = behind_a_proxy().await;
    let _first = connect(&server, "203.0.113.1").await.unwrap();
    let _second = connect(&server, "203.0.113.2").await.unwrap();
    assert!(matches!(connect(&server, "203.0.113.1").await, Err(Refused { status: 429, .. })));
    // What a client claims itself makes it nobody else.
    assert!(matches!(connect(&server, "198.51.100.7, 203.0.113.1").await, Err(Refused { status: 429, .. })));
}

#[tokio::test]
async fn nobody_else_may_say_who_they_are() {
    let limits = Limits::default().with(|limits| limits.sockets_per_peer_max = 1);
    let server = Server::with(|builder| builder.limits(limits).trusted_proxies(["10.0.0.0/8"])).await;
    let _first = connect(&server, "203.0.113.1").await.unwrap();
    assert!(matches!(connect(&server, "203.0.113.2").await, Err(Refused { status: 429, .. })));
}

#[tokio::test]
async fn a_proxy_that_is_none_is_a_mistake() {
    let node = throng_runtime::Node::new("test");
    let built = Endpoint::builder(&node, &PubSub::new()).trusted_proxies(["localhost"]).build();
    assert_eq!(built.unwrap_err(), EndpointError::Network("localhost".to_owned()));
}
