//! §1.1, §1.6, §1.8, §1.9, §8: what holds for one mount alone.

use std::time::Duration;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use throng_web::{CheckOrigin, ConnectInfo, Endpoint, EndpointError, Mount, PubSub, Refusal, SocketRouter};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::support::{Client, Refused, Server, sockets};

/// Sockets that let everybody in, and what connect saw of them.
fn seen() -> (SocketRouter<()>, UnboundedReceiver<ConnectInfo>) {
    let (seen, infos) = mpsc::unbounded_channel();
    let sockets = SocketRouter::new(move |info: ConnectInfo| {
        seen.send(info).unwrap();
        async { Ok(()) }
    });
    (sockets, infos)
}

async fn refused(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> Refused {
    Client::try_connect(server.addr, path, headers).await.err().unwrap()
}

#[tokio::test]
async fn c1_1_paths_and_suffixes_are_configurable_and_their_segments_are_parameters() {
    let (sockets, mut infos) = seen();
    let mount = Mount::at("/of/{tenant}").websocket_path("ws/{room}");
    let server = Server::with(|builder| builder.socket(mount, sockets)).await;
    Client::connect(server.addr, "/of/acme/ws/7?room=9&a=b&vsn=2.0.0").await.hang_up().await;
    let params = infos.recv().await.unwrap().params.into_map();
    assert_eq!(Value::Object(params), json!({"tenant": "acme", "room": "7", "a": "b", "vsn": "2.0.0"}));
    assert_eq!(refused(&server, "/of/acme/websocket?vsn=2.0.0", &[]).await.status, 404);
}

#[tokio::test]
async fn c1_1_one_socket_type_is_mounted_twice_with_different_limits() {
    let (sockets, _notes) = sockets();
    let fast = Mount::at("/fast").limits(|limits| {
        limits.channels_per_connection_max = 1;
        limits.frame_bytes_max = 1000;
    });
    let server = Server::with(|builder| builder.socket("/slow", sockets.clone()).socket(fast, sockets)).await;
    let (slow, fast) = ("/slow/websocket?user=ada&vsn=2.0.0", "/fast/websocket?user=ada&vsn=2.0.0");
    let (mut slow, mut fast) =
        (Client::connect(server.addr, slow).await, Client::connect(server.addr, fast).await);
    for client in [&mut slow, &mut fast] {
        client.join("room:1").await;
    }
    slow.join("room:2").await;
    let (_, reply) = fast.try_join("room:2", json!({})).await;
    assert_eq!(reply["response"]["reason"], "too many channels joined");
    let long = "x".repeat(2000);
    assert_eq!(slow.ask("room:1", "echo", json!(long)).await.1, json!(long));
    fast.push(Value::Null, "room:1", "echo", json!(long)).await;
    assert_eq!(fast.close_code().await, Some(1009));
    slow.hang_up().await;
}

#[tokio::test]
async fn c8_the_idle_timeout_of_a_mount_is_its_own() {
    let (sockets, _notes) = sockets();
    let hasty = Mount::at("/hasty").limits(|limits| limits.idle_timeout = Duration::from_millis(50));
    let server = Server::with(|builder| builder.socket(hasty, sockets)).await;
    let mut patient = server.client("ada").await;
    let mut hasty = Client::connect(server.addr, "/hasty/websocket?user=ada&vsn=2.0.0").await;
    assert_eq!(hasty.close_code().await, Some(1001));
    patient.expect_nothing().await;
    patient.hang_up().await;
}

#[tokio::test]
async fn c1_2_a_mount_need_not_take_websockets() {
    let (sockets, _notes) = sockets();
    let server =
        Server::with(|builder| builder.socket(Mount::at("/none").without_websocket(), sockets)).await;
    assert_eq!(refused(&server, "/none/websocket?user=ada&vsn=2.0.0", &[]).await.status, 404);
}

fn say(status: StatusCode) -> impl Fn(&Refusal) -> Response + Send + Sync + 'static {
    move |refusal| (status, format!("because {}", refusal.reason().unwrap_or("?"))).into_response()
}

#[tokio::test]
async fn c1_6_an_error_handler_answers_refusals_that_have_a_reason() {
    let picky = || {
        SocketRouter::<()>::new(async |info: ConnectInfo| {
            Err(match info.params.text("why") {
                Some("plain") => Refusal::FORBIDDEN,
                Some("own") => Refusal::new(StatusCode::IM_A_TEAPOT, "short and stout"),
                _ => Refusal::because("rate limit"),
            })
        })
    };
    let panics = Mount::at("/panics").error_handler(|_| panic!("told to"));
    let server = Server::with(|builder| {
        builder
            .error_handler(say(StatusCode::TOO_MANY_REQUESTS))
            .socket("/a", picky())
            .socket(Mount::at("/b").error_handler(say(StatusCode::PAYMENT_REQUIRED)), picky())
            .socket(panics, picky())
    })
    .await;
    let cases = [
        ("/a/websocket?vsn=2.0.0", 429, "because rate limit"),
        ("/b/websocket?vsn=2.0.0", 402, "because rate limit"),
        ("/a/websocket?why=plain&vsn=2.0.0", 403, ""),
        ("/a/websocket?why=own&vsn=2.0.0", 418, "short and stout"),
        ("/panics/websocket?vsn=2.0.0", 403, ""),
    ];
    for (path, status, body) in cases {
        let expected = Refused { status, body: body.to_owned() };
        assert_eq!(refused(&server, path, &[]).await, expected, "{path}");
    }
    server.is_well().await;
}

#[tokio::test]
async fn c1_8_other_subprotocols_may_be_agreed_upon() {
    let (sockets, mut infos) = seen();
    let mount = Mount::at("/sub").subprotocols(["chat.v2", "chat.v1"]);
    let server = Server::with(|builder| builder.socket(mount, sockets)).await;
    let path = "/sub/websocket?vsn=2.0.0";
    let offer = [("sec-websocket-protocol", "chat.v1, chat.v2, phoenix")];
    let client = Client::try_connect(server.addr, path, &offer).await.unwrap();
    assert_eq!(client.response.headers()["sec-websocket-protocol"], "chat.v2");
    assert_eq!(infos.recv().await.unwrap().auth_token, None);
    client.hang_up().await;
    assert_eq!(refused(&server, path, &[("sec-websocket-protocol", "phoenix")]).await.status, 403);
    Client::connect(server.addr, path).await.hang_up().await;
}

#[tokio::test]
async fn c1_9_a_mount_gives_its_connects_constants_and_the_session_of_its_pages() {
    #[derive(Clone, Debug, PartialEq)]
    struct Region(&'static str);
    #[derive(Clone)]
    struct Session {
        user: String,
        csrf: String,
    }
    let read = |cookies: throng_web::Cookies<'_>| {
        let (user, csrf) = cookies.get("session")?.split_once('.')?;
        Some(Session { user: user.to_owned(), csrf: csrf.to_owned() })
    };
    let (sockets, mut infos) = seen();
    let mount = Mount::at("/page")
        .constant(Region("eu"))
        .session(read, |session: &Session, token| session.csrf == token);
    let server = Server::with(|builder| builder.socket(mount, sockets)).await;
    let cookie = [("cookie", "session=ada.s3cret")];
    for (query, expected) in [("&_csrf_token=s3cret", Some("ada")), ("&_csrf_token=guess", None), ("", None)]
    {
        let path = format!("/page/websocket?vsn=2.0.0{query}");
        Client::try_connect(server.addr, &path, &cookie).await.unwrap().hang_up().await;
        let info = infos.recv().await.unwrap();
        assert_eq!(info.session::<Session>().map(|session| session.user.as_str()), expected, "{query}");
        assert_eq!(info.constant(), Some(&Region("eu")));
        assert_eq!(info.transport, "websocket");
    }
}

#[tokio::test]
async fn mistakes_in_the_urls_of_an_endpoint_are_told_when_it_is_built() {
    let node = throng_runtime::Node::new("test");
    let builder = || Endpoint::builder(&node, &PubSub::new()).socket("/socket", sockets().0);
    for url in ["", "chat.example.com", "https://", "//chat.example.com"] {
        assert_eq!(builder().url(url).build().unwrap_err(), EndpointError::Url(url.to_owned()));
    }
    let no_url = builder().check_origin(CheckOrigin::Url).build().unwrap_err();
    assert_eq!(no_url, EndpointError::NoUrl { path: "/socket".to_owned() });
}
