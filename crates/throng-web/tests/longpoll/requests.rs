//! What is asked and how: paths, methods, headers, tokens.

use std::time::Duration;

use serde_json::json;
use throng_web::{CheckOrigin, EndpointError, LongPoll, Mount, OriginPattern, PubSub};

use super::support::{Client, Polled, Server, request};

const PATH: &str = "/socket/longpoll?user=ada&vsn=2.0.0";

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Polled {
    request(server.addr, "GET", path, headers, b"").await.answer().await.json().into()
}

#[tokio::test]
async fn c1_2_long_polling_is_off_unless_a_socket_asks_for_it() {
    let server = Server::with(
        |_| (),
        |builder| {
            let connect = throng_web::SocketRouter::new(async |_| Ok(()));
            builder.socket("/plain", connect)
        },
    )
    .await;
    let answer = request(server.addr, "GET", "/plain/longpoll?vsn=2.0.0", &[], b"").await.answer().await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn c1_2_a_mount_can_turn_it_on() {
    let server = Server::with(
        |_| (),
        |builder| {
            let connect = throng_web::SocketRouter::new(async |_| Ok(()));
            builder.socket(Mount::at("/plain").longpoll(LongPoll::default()), connect)
        },
    )
    .await;
    assert_eq!(get(&server, "/plain/longpoll?vsn=2.0.0", &[]).await.status, 410);
}

#[tokio::test]
async fn c1_1_its_path_is_the_mounts_to_choose_and_names_parameters() {
    let mut server =
        Server::with(|longpoll| longpoll.path = "poll/{room}".to_owned(), |builder| builder).await;
    assert_eq!(get(&server, "/socket/poll/7?user=ada&vsn=2.0.0", &[]).await.status, 410);
    assert_eq!(server.note().await.what, r#"connect {"room":"7","user":"ada","vsn":"2.0.0"}"#);
}

#[tokio::test]
async fn c1_8_the_auth_token_comes_in_a_header_of_the_first_poll() {
    // That connects see it, and no header shows it, is told by what they are given.
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let connect = throng_web::SocketRouter::new(move |info: throng_web::ConnectInfo| {
        let shown = info.x_headers().any(|(name, _)| name == "x-phoenix-authtoken");
        let _ = told.send((info.auth_token, shown));
        async { Ok(()) }
    });
    let mount = Mount::at("/token").auth_token().longpoll(LongPoll::default());
    let server = Server::with(|_| (), |builder| builder.socket(mount, connect)).await;
    get(&server, "/token/longpoll?vsn=2.0.0", &[("X-Phoenix-AuthToken", "s3cret")]).await;
    assert_eq!(heard.recv().await, Some((Some("s3cret".to_owned()), false)));
    get(&server, "/token/longpoll?vsn=2.0.0", &[]).await;
    assert_eq!(heard.recv().await, Some((None, false)));
}

#[tokio::test]
async fn c9_1_http_says_200_and_the_body_says_the_rest() {
    let server = Server::start().await;
    for (method, path) in [("GET", PATH), ("GET", "/socket/longpoll?vsn=2.0.0"), ("POST", PATH)] {
        let answer = request(server.addr, method, path, &[], b"").await.answer().await;
        assert_eq!(answer.status, 200);
        for (name, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
        assert!(answer.json()["status"].is_u64());
    }
}

#[tokio::test]
async fn c9_2_the_token_is_taken_from_the_header_or_the_query_and_the_header_wins() {
    let server = Server::patient().await;
    let client = server.client("ada").await;
    let header = [("X-Phoenix-LongPoll-Token", client.token.as_str())];
    let polls =
        [(PATH.to_owned(), &header[..]), (format!("{PATH}&token=garbage"), &header[..]), (client.uri(), &[])];
    for (path, headers) in polls {
        assert_eq!(client.post(r#"[null,"1","phoenix","heartbeat",{}]"#).await, 200);
        let polled = get(&server, &path, headers).await;
        assert_eq!((polled.status, polled.messages.len()), (200, 1), "{path}");
        assert_eq!(polled.token.as_ref(), Some(&client.token));
    }
    assert_eq!(get(&server, &client.uri(), &[("X-Phoenix-LongPoll-Token", "garbage")]).await.status, 410);
}

#[tokio::test]
async fn c9_2_an_application_may_have_a_token_of_its_own() {
    let mut server = Server::start().await;
    let mut client = Client::new(server.addr, &format!("{PATH}&token=theirs"));
    client.open().await;
    let own = r#"connect {"token":"theirs","user":"ada","vsn":"2.0.0"}"#;
    assert_eq!(server.note().await.what, own);
    // The session is over; the next poll connects again, and its token is nobody's.
    client.post("garbage!").await;
    assert_eq!(client.poll().await.status, 410);
    assert_eq!(server.note().await.what, own);
}

#[tokio::test]
async fn c9_2_a_token_that_was_tampered_with_names_no_session() {
    let server = Server::start().await;
    let client = server.client("ada").await;
    for index in 0..client.token.len() {
        let mut bytes = client.token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(bytes).unwrap();
        // Bits at the end of an encoding that stand for nothing are no change.
        let polled = request(server.addr, "POST", &format!("{PATH}&token={token}"), &[], b"[").await;
        let mut polled = polled;
        let status = polled.answer().await.json()["status"].as_u64().unwrap();
        assert!(
            status == 410 || token[..index] == client.token[..index] && index + 1 == token.len(),
            "{token}"
        );
    }
}

#[tokio::test]
async fn c9_3_a_poll_without_a_session_connects() {
    let mut server = Server::start().await;
    for token in ["", "&token=", "&token=garbage", "&token=SFMyNTY.g2gDYQFuBgAAaOXPiwFiAAFRgA.AAAA", "&"] {
        let polled = get(&server, &format!("{PATH}{token}"), &[]).await;
        assert_eq!((polled.status, polled.messages.len()), (410, 0));
        assert!(polled.token.is_some());
        assert!(server.note().await.what.starts_with("connect"));
    }
}

#[tokio::test]
async fn c9_3_who_is_refused_is_told_403_and_gets_no_token() {
    let server = Server::start().await;
    for path in [
        "/socket/longpoll?vsn=2.0.0",
        "/socket/longpoll?user=ada&vsn=2.0.0&refuse=429",
        "/socket/longpoll?user=ada&vsn=3.0.0",
        "/socket/longpoll?user=ada&vsn=2.0",
    ] {
        let answer = request(server.addr, "GET", path, &[], b"").await.answer().await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": 403 })), "{path}");
    }
    let path = "/socket/longpoll?user=ada&vsn=2.0.0&connect=panic";
    let answer = request(server.addr, "GET", path, &[], b"").await.answer().await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": 500 })), "the client tries again");
    assert_eq!(server.endpoint.connection_count(), 0);
}

#[tokio::test]
async fn c9_9_pages_from_elsewhere_may_ask_what_they_may_send() {
    let server = Server::start().await;
    let asked = [("Access-Control-Request-Headers", "content-type, x-phoenix-authtoken")];
    let answer = request(server.addr, "OPTIONS", PATH, &asked, b"").await.answer().await;
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", "content-type, x-phoenix-authtoken"),
        ("access-control-allow-methods", "get, post, options"),
        ("access-control-max-age", "3600"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
}

#[tokio::test]
async fn c9_9_other_methods_are_bad_requests() {
    let server = Server::start().await;
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(request(server.addr, method, PATH, &[], b"").await.answer().await.status, 400, "{method}");
    }
}

#[tokio::test]
async fn c9_9_an_origin_that_is_not_allowed_is_told_403_in_the_body() {
    let origins = CheckOrigin::List(vec![OriginPattern::parse("https://example.com").unwrap()]);
    let server = Server::with(|_| (), |builder| builder.check_origin(origins)).await;
    let client = server.client("ada").await;
    for method in ["GET", "POST", "OPTIONS"] {
        let evil = [("Origin", "https://evil.test")];
        let answer = request(server.addr, method, &client.uri(), &evil, b"[]").await.answer().await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": 403 })), "{method}");
    }
    assert_eq!(get(&server, PATH, &[("Origin", "https://example.com")]).await.status, 410);
}

#[tokio::test]
async fn c9_10_a_session_of_another_server_is_none_here() {
    let (here, there) = (Server::start().await, Server::start().await);
    let mut client = there.client("ada").await;
    client.join("room:a").await;
    let polled = get(&here, &format!("{PATH}&token={}", client.token), &[]).await;
    assert_eq!(polled.status, 410);
    assert_ne!(polled.token, Some(client.token.clone()));
    assert_eq!(
        request(here.addr, "POST", &client.uri(), &[], b"[]").await.answer().await.json()["status"],
        410
    );
    assert_eq!(client.ask("room:a", "ack", json!(null)).await.0, "ok", "there it lives on");
}

#[tokio::test]
async fn c8_a_session_whose_token_is_too_old_is_over_for_its_client() {
    let server = Server::with(|longpoll| longpoll.token_max_age = Duration::ZERO, |builder| builder).await;
    let client = server.client("ada").await;
    assert_eq!(client.poll().await.status, 410);
    assert_eq!(client.post("[]").await, 410);
}

#[tokio::test]
async fn a_window_that_no_request_may_last_is_a_mistake() {
    let node = throng_runtime::Node::new("test");
    let window = throng_web::Limits::default().request_timeout;
    let longpoll = LongPoll::default().with(|longpoll| longpoll.window = window);
    let sockets = throng_web::SocketRouter::new(async |_| Ok(())).longpoll(longpoll);
    let built = throng_web::Endpoint::builder(&node, &PubSub::new()).socket("/socket", sockets).build();
    assert_eq!(built.unwrap_err(), EndpointError::Window { path: "/socket".to_owned() });
}
