//! §1: who becomes a WebSocket, and what the others are told.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use throng_web::{CheckOrigin, Limits, SocketRouter};

use crate::support::{Client, Raw, Refused, Server, sockets};

const PATH: &str = "/socket/websocket?user=ada&vsn=2.0.0";

async fn refused(addr: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Refused {
    match Client::try_connect(addr, path, headers).await {
        Ok(_) => panic!("{path} was let in"),
        Err(refused) => refused,
    }
}

/// The parameters that connect saw.
async fn params(server: &mut Server, query: &str) -> Value {
    let client = Client::connect(server.addr, &format!("/socket/websocket?{query}")).await;
    let note = server.note().await.what;
    client.hang_up().await;
    serde_json::from_str(note.strip_prefix("connect ").unwrap()).unwrap()
}

#[tokio::test]
async fn c1_2_websockets_are_taken_below_the_mount_and_long_polls_are_not() {
    let server = Server::start().await;
    let client = Client::connect(server.addr, PATH).await;
    assert_eq!(client.response.status(), 101);
    client.hang_up().await;
    for path in ["/socket?user=ada&vsn=2.0.0", "/socket/longpoll?vsn=2.0.0", "/websocket?vsn=2.0.0"] {
        assert_eq!(refused(server.addr, path, &[]).await.status, 404, "{path}");
    }
    server.is_empty().await;
}

#[tokio::test]
async fn c1_1_segments_of_the_mount_become_parameters() {
    let (second, mut notes) = sockets();
    let server = Server::with(|builder| builder.socket("/of/{tenant}/socket", second)).await;
    // The path's value wins over the query's.
    let path = "/of/acme/socket/websocket?user=ada&tenant=evil&vsn=2.0.0";
    Client::connect(server.addr, path).await.hang_up().await;
    let note = notes.recv().await.unwrap();
    assert_eq!(note.what, r#"connect {"tenant":"acme","user":"ada","vsn":"2.0.0"}"#);
}

#[tokio::test]
async fn c1_3_the_query_is_decoded_and_handed_to_connect() {
    let mut server = Server::start().await;
    let seen =
        params(&mut server, "user=ada&a[b]=1&l[]=x&l[]=y&twice=1&twice=2&text=%C3%A9+%26&vsn=2.0.0&").await;
    let expected = json!({
        "user": "ada", "a": {"b": "1"}, "l": ["x", "y"], "twice": "2", "text": "é &", "vsn": "2.0.0"
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn c1_3_a_query_that_cannot_be_decoded_is_a_bad_request() {
    let server = Server::start().await;
    for query in ["user=%ff&vsn=2.0.0", "user=%zz&vsn=2.0.0"] {
        assert_eq!(refused(server.addr, &format!("/socket/websocket?{query}"), &[]).await.status, 400);
    }
}

#[tokio::test]
async fn c1_4_two_versions_of_the_protocol_are_spoken() {
    let server = Server::start().await;
    for query in ["vsn=2.0.0", "vsn=2.0.9", "vsn=1.0.0", "vsn=1.0.7", ""] {
        let path = format!("/socket/websocket?user=ada&{query}");
        Client::connect(server.addr, &path).await.hang_up().await;
    }
    for query in ["vsn=2.1.0", "vsn=3.0.0", "vsn=1.1.0", "vsn=2.0", "vsn=abc", "vsn[]=2.0.0", "vsn[a]=2.0.0"]
    {
        let path = format!("/socket/websocket?user=ada&{query}");
        let refused = refused(server.addr, &path, &[]).await;
        assert_eq!(refused.status, 403, "{query}");
        assert!(refused.body.contains("?vsn=2.0.0"), "{query}: {}", refused.body);
    }
}

#[tokio::test]
async fn c1_5_whatever_is_no_upgrade_is_a_bad_request_with_a_reason() {
    let server = Server::start().await;
    let good = Raw::request(server.addr);
    let cases = [
        (good.replace("GET ", "POST "), "only GET"),
        (good.replace("GET ", "DELETE "), "only GET"),
        (good.replace("Upgrade: websocket\r\n", ""), "does not ask to upgrade"),
        (good.replace("Connection: Upgrade", "Connection: close"), "does not ask to upgrade"),
        (good.replace("Version: 13", "Version: 8"), "version 13"),
        (good.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), "Sec-WebSocket-Key"),
        // Without the upgrade, HTTP/1.0 has none.
        (good.replace("HTTP/1.1", "HTTP/1.0"), ""),
    ];
    for (request, reason) in cases {
        let mut raw = Raw::connect(server.addr).await;
        raw.write(request.as_bytes()).await;
        let head = raw.head().await;
        assert_eq!(head.split(' ').nth(1), Some("400"), "{request}\n{head}");
        let mut body = vec![0; 200];
        let length = tokio::io::AsyncReadExt::read(&mut raw.stream, &mut body).await.unwrap();
        let body = String::from_utf8_lossy(&body[..length]).into_owned();
        assert!(body.contains(reason), "{body:?} does not say {reason:?}");
    }
    server.is_empty().await;
}

#[tokio::test]
async fn c1_5_checks_come_in_the_order_of_the_rule() {
    // §1.5: origin, then version, then the application.
    let mut server = Server::start().await;
    let evil = [("origin", "https://evil.example")];
    let path = "/socket/websocket?user=ada&vsn=9.0.0&refuse=429";
    assert_eq!(refused(server.addr, path, &evil).await, Refused { status: 403, body: "".into() });
    let other_version = refused(server.addr, path, &[]).await;
    assert!(other_version.status == 403 && other_version.body.contains("vsn"), "{other_version:?}");
    let path = "/socket/websocket?user=ada&vsn=2.0.0&refuse=429";
    assert_eq!(refused(server.addr, path, &[]).await.status, 429);
    assert!(server.notes().is_empty(), "the application saw nothing of what was refused before it");
}

#[tokio::test]
async fn c1_6_connect_may_refuse_with_a_status_of_its_own() {
    let server = Server::start().await;
    let nobody = refused(server.addr, "/socket/websocket?vsn=2.0.0", &[]).await;
    assert_eq!(nobody, Refused { status: 403, body: "".into() });
    let busy = refused(server.addr, "/socket/websocket?user=ada&refuse=429&vsn=2.0.0", &[]).await;
    assert_eq!(busy, Refused { status: 429, body: "told to".into() });
    server.is_empty().await;
}

#[tokio::test]
async fn c1_6_a_connect_that_panics_or_hangs_hurts_nobody_else() {
    let server = Server::with(|builder| {
        builder.limits(Limits::default().with(|limits| limits.upgrade_timeout = Duration::from_millis(50)))
    })
    .await;
    let panics = refused(server.addr, "/socket/websocket?user=ada&connect=panic&vsn=2.0.0", &[]).await;
    assert_eq!(panics, Refused { status: 500, body: "".into() });
    let hangs = refused(server.addr, "/socket/websocket?user=ada&connect=hang&vsn=2.0.0", &[]).await;
    assert_eq!(hangs.status, 503);
    server.is_well().await;
}

#[tokio::test]
async fn foreign_pages_are_refused_before_the_upgrade() {
    // §1.7; the origins themselves are tested as a table beside the rule.
    let server = Server::start().await;
    let here = format!("http://{}", server.addr);
    Client::try_connect(server.addr, PATH, &[("origin", &here)]).await.unwrap().hang_up().await;
    Client::try_connect(server.addr, PATH, &[]).await.unwrap().hang_up().await;
    for origin in
        ["https://evil.example", "null", "file://", "http://127.0.0.1", &here.replace("http", "https")]
    {
        let refused = refused(server.addr, PATH, &[("origin", origin)]).await;
        assert_eq!(refused, Refused { status: 403, body: "".into() }, "{origin}");
    }
    server.is_empty().await;
}

#[tokio::test]
async fn c1_7_the_list_of_origins_belongs_to_the_mount() {
    let (open, _notes) = sockets();
    let list = CheckOrigin::list(["https://*.example.com"]).unwrap();
    let server = Server::with(|builder| {
        builder.check_origin(list).socket("/open", open.check_origin(CheckOrigin::Any))
    })
    .await;
    let evil = [("origin", "https://evil.example")];
    let friend = [("origin", "https://chat.example.com")];
    assert_eq!(refused(server.addr, PATH, &evil).await.status, 403);
    Client::try_connect(server.addr, PATH, &friend).await.unwrap().hang_up().await;
    let open = "/open/websocket?user=ada&vsn=2.0.0";
    Client::try_connect(server.addr, open, &evil).await.unwrap().hang_up().await;
}

#[tokio::test]
async fn c1_8_a_token_may_travel_in_the_subprotocols() {
    let tokens = SocketRouter::new(async |info: throng_web::ConnectInfo| {
        assert!(!format!("{info:?}").contains("secret"));
        match info.auth_token.as_deref() {
            Some("secret") => Ok(()),
            _ => Err(throng_web::Refusal::FORBIDDEN),
        }
    });
    let server = Server::with(|builder| builder.socket("/tokens", tokens.auth_token())).await;
    let path = "/tokens/websocket?vsn=2.0.0";
    // btoa("secret") without its padding.
    let offer = "phoenix, base64url.bearer.phx.c2VjcmV0";
    let client = Client::try_connect(server.addr, path, &[("sec-websocket-protocol", offer)]).await.unwrap();
    assert_eq!(client.response.headers()["sec-websocket-protocol"], "phoenix");
    client.hang_up().await;
    for offer in ["phoenix", "phoenix, base64url.bearer.phx.ZXZpbA", "base64url.bearer.phx.c2VjcmV0", "other"]
    {
        let headers = [("sec-websocket-protocol", offer)];
        assert_eq!(refused(server.addr, path, &headers).await.status, 403, "{offer}");
    }
    assert_eq!(refused(server.addr, path, &[]).await.status, 403);
}

#[tokio::test]
async fn c1_8_without_the_option_subprotocols_are_ignored() {
    let server = Server::start().await;
    let mut raw = Raw::connect(server.addr).await;
    let request = Raw::request(server.addr);
    let offers = "\r\nSec-WebSocket-Protocol: phoenix, base64url.bearer.phx.c2VjcmV0\r\n\r\n";
    raw.write(request.replace("\r\n\r\n", offers).as_bytes()).await;
    let head = raw.head().await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 ") && !head.contains("sec-websocket-protocol"), "{head}");
}

#[tokio::test]
async fn c1_10_compression_is_not_negotiated_unless_asked_for() {
    // §1.10: off, so that no bomb inflates.
    let server = Server::start().await;
    let offer = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];
    let client = Client::try_connect(server.addr, PATH, &offer).await.unwrap();
    assert!(!client.response.headers().contains_key("sec-websocket-extensions"));
    client.hang_up().await;
}

#[tokio::test]
async fn health_is_told_on_the_same_port() {
    let server = Server::start().await;
    for (path, body) in [("/health/live", "live"), ("/health/ready", "ready")] {
        let Refused { status, body: said } = refused(server.addr, path, &[]).await;
        assert_eq!((status, said.as_str()), (200, body));
    }
}

#[tokio::test]
async fn c1_9_connect_sees_who_asks_but_neither_cookies_nor_credentials() {
    let (seen, mut infos) = tokio::sync::mpsc::unbounded_channel();
    let curious = SocketRouter::new(move |info: throng_web::ConnectInfo| {
        let seen = seen.clone();
        async move {
            seen.send(info).unwrap();
            Ok(())
        }
    });
    let server = Server::with(|builder| builder.socket("/curious", curious)).await;
    let headers = [
        ("user-agent", "test/1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("traceparent", "00-1-2-01"),
        ("cookie", "session=secret"),
        ("authorization", "Bearer secret"),
    ];
    Client::try_connect(server.addr, "/curious/websocket?vsn=2.0.0", &headers).await.unwrap().hang_up().await;
    let info = infos.recv().await.unwrap();
    assert!(info.peer.is_some_and(|peer| peer.ip().is_loopback()));
    assert_eq!(info.user_agent.as_deref(), Some("test/1"));
    assert_eq!(info.uri.to_string(), format!("http://{}/curious/websocket?vsn=2.0.0", server.addr));
    assert_eq!(names(info.x_headers()), ["x-forwarded-for"]);
    assert_eq!(names(info.trace_context_headers()), ["traceparent"]);
    assert_eq!(names(info.sec_websocket_headers()), ["sec-websocket-key", "sec-websocket-version"]);
    assert_eq!(info.headers.len(), 4);
}

/// The names among headers, in order.
fn names<'a>(headers: impl Iterator<Item = (&'a str, &'a axum::http::HeaderValue)>) -> Vec<&'a str> {
    let mut names: Vec<_> = headers.map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn frames_that_come_with_the_request_are_not_lost() {
    let server = Server::start().await;
    let mut raw = Raw::connect(server.addr).await;
    let mut bytes = Raw::request(server.addr).into_bytes();
    bytes.extend(crate::support::masked(0x81, br#"["1","1","room:1","phx_join",{}]"#));
    bytes.extend(crate::support::masked(0x81, br#"["1","2","room:1","echo",7]"#));
    raw.write(&bytes).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 101 "));
    let (_, joined) = raw.read_frame().await.unwrap();
    assert_eq!(joined, br#"["1","1","room:1","phx_reply",{"status":"ok","response":{}}]"#);
    let (_, echoed) = raw.read_frame().await.unwrap();
    assert_eq!(echoed, br#"["1","2","room:1","phx_reply",{"status":"ok","response":7}]"#);
}
