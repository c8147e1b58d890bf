//! Which pages may connect.

use serde_json::json;

use crate::support::{Client, Server};

const ALLOWED: [&str; 9] = [
    "http://localhost",
    "https://localhost:8443",
    "http://127.0.0.1:3000",
    "https://example.com",
    "https://example.com:443",
    "http://wild.test",
    "http://a.wild.test",
    "https://a.b.wild.test:4000",
    "HTTPS://EXAMPLE.COM",
];

const REFUSED: [&str; 11] = [
    "http://example.com",
    "https://example.com:8443",
    "https://sub.example.com",
    "https://example.com.evil.test",
    "https://evilwild.test",
    "https://wild.test.evil.test",
    "http://evil.test",
    "null",
    "file://",
    "",
    "localhost",
];

const MOUNTS: [&str; 2] = ["/socket", "/socket_fast"];

#[tokio::test]
async fn c1_7_pages_of_the_list_may_connect_and_no_others() {
    let server = Server::start().await;
    for mount in MOUNTS {
        let path = format!("{mount}/websocket?vsn=2.0.0");
        for origin in ALLOWED {
            let client = Client::connect(server.addr, &path, &[("origin", origin)]).await;
            assert!(client.is_ok(), "{origin} at {mount}");
        }
        for origin in REFUSED {
            let refused = Client::connect(server.addr, &path, &[("origin", origin)]).await.err().unwrap();
            assert_eq!((refused.status, &*refused.body), (403, ""), "{origin:?} at {mount}");
        }
    }
}

#[tokio::test]
async fn c1_7_a_client_that_is_no_page_has_no_origin_and_is_let_in() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "ping", json!({})).await["status"], "ok");
}
