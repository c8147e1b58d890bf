//! §1.7: which pages may open a socket, in every mode, over real requests.

use std::sync::Arc;

use throng_web::{CheckOrigin, EndpointBuilder, Mount};

use crate::support::{Client, Server, sockets};

/// Whether the server lets pages of each origin in; `HOST` and `PORT` stand for the server's own.
async fn check(configure: impl FnOnce(EndpointBuilder) -> EndpointBuilder, cases: &[(&str, bool)]) {
    let server = Server::with(configure).await;
    for (origin, expected) in cases {
        let host = server.addr.ip().to_string();
        let origin = origin.replace("HOST", &host).replace("PORT", &server.addr.port().to_string());
        let headers = [("origin", origin.as_str())];
        let path = "/socket/websocket?user=ada&vsn=2.0.0";
        match Client::try_connect(server.addr, path, &headers).await {
            Ok(client) => {
                client.hang_up().await;
                assert!(expected, "{origin:?} was let in");
            }
            Err(refused) => {
                assert!(!expected, "{origin:?} was refused");
                assert_eq!((refused.status, refused.body.as_str()), (403, ""), "{origin:?}");
            }
        }
    }
    // No page stands behind a request without the header.
    server.client("ada").await.hang_up().await;
}

#[tokio::test]
async fn c1_7_by_default_pages_of_the_same_origin_are_let_in() {
    let cases = [
        ("http://HOST:PORT", true),
        ("https://HOST:PORT", false),
        ("http://HOST", false),
        ("http://HOST:1", false),
        ("http://localhost:PORT", false),
        ("//HOST:PORT", false),
        ("null", false),
        ("file://", false),
        ("", false),
    ];
    check(|builder| builder, &cases).await;
}

#[tokio::test]
async fn c1_7_with_a_url_pages_of_its_host_are_let_in_whatever_scheme_and_port() {
    let cases = [
        ("https://chat.example.com", true),
        ("http://chat.example.com:8080", true),
        ("https://CHAT.example.com", true),
        ("https://example.com", false),
        ("https://a.chat.example.com", false),
        ("https://chat.example.com.evil.test", false),
        ("https://chat.example.com@evil.test", false),
        ("http://HOST:PORT", false),
        ("null", false),
        ("file:///etc/passwd", false),
    ];
    check(|builder| builder.url("https://chat.example.com/app"), &cases).await;
}

#[tokio::test]
async fn c1_7_a_list_lets_in_what_it_names() {
    let list = ["//localhost", "https://example.com", "//*.wild.test", "//host.test:888", "//[::1]"];
    let cases = [
        ("http://localhost:3000", true),
        ("https://example.com", true),
        ("https://example.com:443", true),
        ("http://example.com", false),
        ("https://example.com:444", false),
        ("https://wild.test", true),
        ("https://a.b.wild.test:1", true),
        ("https://evilwild.test", false),
        ("https://wild.test.evil.test", false),
        ("http://host.test:888", true),
        ("http://host.test", false),
        ("http://[::1]:4000", true),
        ("http://[::2]", false),
        ("null", false),
        ("http://HOST:PORT", false),
    ];
    check(|builder| builder.check_origin(CheckOrigin::list(list).unwrap()), &cases).await;
}

#[tokio::test]
async fn c1_7_a_function_decides_alone() {
    let no_host = CheckOrigin::Function(Arc::new(|origin| match origin.host.as_str() {
        "panic.test" => panic!("told to"),
        host => host.is_empty(),
    }));
    let cases =
        [("null", true), ("file://", true), ("https://example.com", false), ("https://panic.test", false)];
    check(|builder| builder.check_origin(no_host), &cases).await;
}

#[tokio::test]
async fn c1_7_any_page_is_let_in_where_nothing_is_checked() {
    let cases = [("null", true), ("file://", true), ("https://evil.test", true), ("\u{fc}", true)];
    check(|builder| builder.check_origin(CheckOrigin::Any), &cases).await;
}

#[tokio::test]
async fn c1_7_the_rule_of_a_mount_goes_before_the_socket_types_and_that_before_the_endpoints() {
    let evil = |name: &str| CheckOrigin::list([name]).unwrap();
    let (one, _notes) = sockets();
    let one = one.check_origin(evil("//one.test"));
    let server = Server::with(|builder| {
        builder
            .check_origin(evil("//three.test"))
            .socket("/of_type", one.clone())
            .socket(Mount::at("/of_mount").check_origin(evil("//two.test")), one)
    })
    .await;
    for (path, allowed) in [("/of_type", "one"), ("/of_mount", "two"), ("/socket", "three")] {
        for name in ["one", "two", "three"] {
            let path = format!("{path}/websocket?user=ada&vsn=2.0.0");
            let origin = format!("https://{name}.test");
            let client = Client::try_connect(server.addr, &path, &[("origin", &origin)]).await;
            assert_eq!(client.is_ok(), name == allowed, "{origin} at {path}");
        }
    }
}
