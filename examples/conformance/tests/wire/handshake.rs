//! How a connection comes about, and how it is refused.

use serde_json::{Value, json};

use crate::support::{Client, Raw, Server, ok};

/// What the server knows of a client.
async fn whoami(client: &mut Client) -> Value {
    client.join("room:whoami").await;
    let reply = client.ask("room:whoami", "whoami", json!({})).await;
    assert_eq!(reply["status"], "ok");
    reply["response"].clone()
}

/// The status and the body with which a path is refused.
async fn refusal(server: &Server, path: &str) -> (u16, String) {
    let answer = Client::connect(server.addr, path, &[]).await.err().unwrap();
    (answer.status, answer.body)
}

#[tokio::test]
async fn c1_1_the_transport_hangs_below_each_mount() {
    let server = Server::start().await;
    for mount in ["/socket", "/socket_fast"] {
        let mut client = server.connect(&format!("{mount}/websocket?vsn=2.0.0")).await;
        client.join("room:1").await;
        assert_eq!(refusal(&server, mount).await.0, 404);
    }
}

#[tokio::test]
async fn c1_1_mounts_of_one_socket_have_routes_and_options_of_their_own() {
    let server = Server::start().await;
    let (mut slow, mut fast) = (server.client("ada").await, server.fast_client("ada").await);
    for topic in ["presence:1", "lobby"] {
        slow.join(topic).await;
        let join_ref = fast.send_join(topic, json!({})).await;
        assert_eq!(fast.reply_to(&join_ref).await["response"], json!({ "reason": "unmatched topic" }));
    }
    fast.join("room:1").await;
}

#[tokio::test]
async fn c1_3_the_query_is_decoded_as_plug_does_and_handed_to_connect() {
    let server = Server::start().await;
    let query = "a[b]=1&a[c][d]=2&l[]=x&l[]=y&twice=1&twice=2&name=J%C3%BCrgen+M&empty=&bare&vsn=2.0.0&";
    let mut client = server.connect(&format!("/socket/websocket?{query}")).await;
    let expected = json!({
        "a": { "b": "1", "c": { "d": "2" } },
        "l": ["x", "y"],
        "twice": "2",
        "name": "Jürgen M",
        "empty": "",
        "bare": "",
        "vsn": "2.0.0",
    });
    assert_eq!(whoami(&mut client).await["params"], expected);
}

#[tokio::test]
async fn c1_4_the_second_version_is_spoken_with_those_who_name_it() {
    let server = Server::start().await;
    for vsn in ["2.0.0", "2.0.9"] {
        let mut client = server.connect(&format!("/socket/websocket?vsn={vsn}")).await;
        client.send(json!([null, "1", "phoenix", "heartbeat", {}])).await;
        client.expect(json!([null, "1", "phoenix", "phx_reply", ok(json!({}))])).await;
    }
}

#[tokio::test]
async fn c1_4_versions_that_are_none_or_not_spoken_are_refused() {
    let server = Server::start().await;
    let refused = [
        "vsn=2.1.0",
        "vsn=3.0.0",
        "vsn=1.1.0",
        "vsn=0.9.0",
        "vsn=2.0",
        "vsn=2",
        "vsn=abc",
        "vsn=",
        "vsn[]=2.0.0",
        "vsn[a]=2.0.0",
        "vsn=2.0.0.0",
        "vsn=v2.0.0",
    ];
    for query in refused {
        assert_eq!(refusal(&server, &format!("/socket/websocket?{query}")).await.0, 403, "{query}");
    }
}

#[tokio::test]
async fn c1_5_checks_come_in_their_order() {
    let server = Server::start().await;
    // Connect would answer 429: what answers otherwise was looked at before.
    let (limited, evil) = ("ratelimit=true", [("origin", "http://evil.test")]);
    let status = async |query: &str, headers: &[(&'static str, &str)]| {
        let path = format!("/socket/websocket?{query}");
        Client::connect(server.addr, &path, headers).await.err().unwrap().status
    };
    assert_eq!(status(&format!("{limited}&vsn=2.0.0"), &[]).await, 429);
    assert_eq!(status(&format!("{limited}&vsn=2.0.0"), &evil).await, 403);
    assert_eq!(status(&format!("{limited}&vsn=9.0.0"), &[]).await, 403);
    assert_eq!(status(&format!("{limited}&vsn=2.0.0"), &[("sec-websocket-protocol", "other")]).await, 403);
}

#[tokio::test]
async fn c1_5_what_is_no_upgrade_is_a_bad_request_with_a_reason() {
    let server = Server::start().await;
    let path = "/socket/websocket?vsn=2.0.0";
    let answer = server.get(path).send().await;
    assert_eq!(answer.status, 400);
    assert!(!answer.body.is_empty());
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = crate::support::Request::new(server.addr, method, path).send().await;
        assert_eq!(answer.status, 400, "{method}");
    }
    assert_eq!(refusal(&server, "/nowhere/websocket?vsn=2.0.0").await.0, 404);
}

#[tokio::test]
async fn c1_6_connect_refuses_with_403_or_as_the_error_handler_says() {
    let server = Server::start().await;
    for mount in ["/socket", "/socket_fast"] {
        let refused =
            async |query: &str| refusal(&server, &format!("{mount}/websocket?vsn=2.0.0&{query}")).await;
        assert_eq!(refused("reject=true").await, (403, String::new()));
        assert_eq!(refused("ratelimit=true").await, (429, "Too many requests".to_owned()));
        assert_eq!(refused("user_token=nonsense").await, (403, String::new()));
        server.connect(&format!("{mount}/websocket?vsn=2.0.0&reject=false&ratelimit=false")).await;
    }
}

#[tokio::test]
async fn c1_6_who_is_let_in_switches_protocols() {
    let server = Server::start().await;
    let mut raw = Raw::connect(server.addr).await;
    raw.write(Raw::request(server.addr, "/socket/websocket?vsn=2.0.0").as_bytes()).await;
    let head = raw.head().await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    // Of the key in RFC 6455 §1.3.
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
}

/// The head of the answer to a handshake with a header of one's own.
async fn head(server: &Server, path: &str, header: &str) -> String {
    let mut raw = Raw::connect(server.addr).await;
    let request = Raw::request(server.addr, path);
    let request = request.replacen("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"), 1);
    raw.write(request.as_bytes()).await;
    raw.head().await.to_lowercase()
}

#[tokio::test]
async fn c1_8_a_token_travels_in_the_subprotocols() {
    let server = Server::start().await;
    let path = "/socket/websocket?vsn=2.0.0";
    // `btoa` of the token, without its padding; the url-safe alphabet will do as well.
    for encoded in ["aGVsbG8/fn4+w79h", "aGVsbG8_fn4-w79h"] {
        let offered = format!("phoenix, base64url.bearer.phx.{encoded}");
        let headers = [("sec-websocket-protocol", offered.as_str())];
        let mut client = Client::connect(server.addr, path, &headers).await.unwrap();
        assert_eq!(client.response.headers()["sec-websocket-protocol"], "phoenix");
        assert_eq!(whoami(&mut client).await["auth_token"], "hello?~~>ÿa");
    }
}

#[tokio::test]
async fn c1_8_without_a_token_there_is_none() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    assert!(!client.response.headers().contains_key("sec-websocket-protocol"));
    assert_eq!(whoami(&mut client).await["auth_token"], Value::Null);
    let headers = [("sec-websocket-protocol", "phoenix")];
    let mut client = Client::connect(server.addr, "/socket/websocket?vsn=2.0.0", &headers).await.unwrap();
    assert_eq!(client.response.headers()["sec-websocket-protocol"], "phoenix");
    assert_eq!(whoami(&mut client).await["auth_token"], Value::Null);
}

#[tokio::test]
async fn c1_8_subprotocols_of_others_and_tokens_that_are_none_are_refused() {
    let server = Server::start().await;
    let path = "/socket/websocket?vsn=2.0.0";
    let refused = ["other", "base64url.bearer.phx.aGVsbG8", "phoenix, base64url.bearer.phx.%%%"];
    for offered in refused {
        let head = head(&server, path, &format!("Sec-WebSocket-Protocol: {offered}")).await;
        let status = head.split(' ').nth(1).unwrap();
        assert!(["400", "403"].contains(&status), "{offered}: {head}");
    }
}

#[tokio::test]
async fn c1_8_a_mount_that_asks_for_no_token_selects_nothing() {
    let server = Server::start().await;
    let header = "Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.aGVsbG8";
    let head = head(&server, "/socket_fast/websocket?vsn=2.0.0", header).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
}

#[tokio::test]
async fn c1_9_connect_is_told_of_the_peer_the_address_and_the_headers_it_may_see() {
    let server = Server::start().await;
    let headers = [
        ("user-agent", "test/1.0"),
        ("x-one", "1"),
        ("x-two", "2"),
        ("cookie", "session=secret"),
        ("authorization", "Bearer secret"),
        ("traceparent", "00-1-2-01"),
    ];
    let path = "/socket/websocket?vsn=2.0.0&user_id=ada";
    let mut client = Client::connect(server.addr, path, &headers).await.unwrap();
    let me = whoami(&mut client).await;
    assert_eq!(
        me,
        json!({
            "user_id": "ada",
            "transport": "websocket",
            "topic": "room:whoami",
            "join_ref": "1",
            "params": { "vsn": "2.0.0", "user_id": "ada" },
            "auth_token": null,
            "user_agent": "test/1.0",
            "x_headers": { "x-one": "1", "x-two": "2" },
            "uri_path": "/socket/websocket",
            "peer": "127.0.0.1",
        })
    );
}

#[tokio::test]
async fn c1_9_what_a_request_does_not_say_is_nothing() {
    let server = Server::start().await;
    let mut client = server.connect("/socket/websocket?vsn=2.0.0").await;
    let me = whoami(&mut client).await;
    for absent in ["user_id", "auth_token", "user_agent"] {
        assert_eq!(me[absent], Value::Null, "{absent}");
    }
    assert_eq!(me["x_headers"], json!({}));
}
