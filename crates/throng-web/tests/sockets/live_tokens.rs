//! §18.9: tokens are watched while a socket is open, renewed on it, and turned away when they are dead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};
use throng_web::{ConnectInfo, EndpointBuilder, Limits, Refusal, SocketRouter, TokenGate, Tokens, Validity};

use crate::support::{Client, Refused, Server};

const SALT: &str = "user socket";
const PATH: &str = "/live/websocket?vsn=2.0.0";
const HOUR: Duration = Duration::from_secs(3600);

/// What is known of a client whose time is its own affair.
#[derive(Clone)]
struct Guest {
    name: String,
    until: SystemTime,
}

/// The token is a name and how many milliseconds it is good for.
fn guest(token: &str) -> Result<Guest, Refusal> {
    let (name, millis) = token.split_once(' ').ok_or(Refusal::because("no such token"))?;
    let left = Duration::from_millis(millis.parse().map_err(|_| Refusal::because("no such token"))?);
    Ok(Guest { name: name.to_owned(), until: SystemTime::now() + left })
}

fn guests() -> SocketRouter<Guest> {
    SocketRouter::new(async |info: ConnectInfo| guest(info.params.text("guest").unwrap_or_default()))
        .id(|guest: &Guest| Some(guest.name.clone()))
        .expires_at(|guest| Some(guest.until))
        .refresh(async |_, token: String| match token.as_str() {
            "panic" => panic!("told to"),
            "hang" => std::future::pending().await,
            token => guest(token),
        })
}

async fn guest_client(server: &Server, token: &str) -> Client {
    Client::connect(server.addr, &format!("{PATH}&guest={}", token.replace(' ', "+"))).await
}

/// Pushes a new token; what the server says to it.
async fn renew(client: &mut Client, token: Value) -> Value {
    let reference = client.push(Value::Null, "phoenix", "access_token", json!({ "token": token })).await;
    client.reply_to(&reference.into()).await
}

async fn serve<A: Clone + Send + Sync + 'static>(sockets: SocketRouter<A>) -> Server {
    Server::with(|builder| builder.socket("/live", sockets)).await
}

#[tokio::test]
async fn c18_9_a_client_is_told_before_its_token_expires_and_closed_with_4001_then() {
    let server = serve(guests()).await;
    let mut client = guest_client(&server, "ada 100").await;
    let notice = client.receive().await;
    assert_eq!(
        (&notice[0], &notice[1], &notice[2], &notice[3]),
        (&Value::Null, &Value::Null, &json!("phoenix"), &json!("token_expiring"))
    );
    assert!(notice[4]["expires_in_ms"].as_u64().is_some_and(|left| left <= 100), "{notice}");
    assert_eq!(client.close().await, Some((4001, "token expired".to_owned())));
    server.is_empty().await;
}

#[tokio::test]
async fn c18_9_a_new_token_buys_more_time() {
    let server = serve(guests()).await;
    let mut renewed = guest_client(&server, "ada 2000").await;
    let reply = renew(&mut renewed, json!("ada 3600000")).await;
    assert_eq!(reply["status"], "ok", "{reply}");
    assert!(reply["response"]["expires_in_ms"].as_u64().is_some_and(|left| left > 3_000_000), "{reply}");
    // It came later, for as long: when its time is over, so is what the other's would have been.
    let mut later = guest_client(&server, "bob 2000").await;
    assert_eq!(later.close_code().await, Some(4001));
    renewed.expect_nothing().await;
    // A shorter time counts as well.
    assert_eq!(renew(&mut renewed, json!("ada 1")).await["status"], "ok");
    assert_eq!(renewed.close_code().await, Some(4001));
}

#[tokio::test]
async fn c18_9_a_token_that_is_refused_changes_nothing() {
    let limits = Limits::default().with(|limits| limits.upgrade_timeout = Duration::from_millis(50));
    let server = Server::with(|builder| builder.limits(limits).socket("/live", guests())).await;
    let mut client = guest_client(&server, "ada 3600000").await;
    // The notice is due in an hour less half a minute.
    for (token, reason) in [
        (json!("nonsense"), "no such token"),
        (json!("eve 3600000"), "the token is another client's"),
        (json!("ada 0"), "token expired"),
        (json!("panic"), "refresh failed"),
        (json!("hang"), "refresh took too long"),
        (json!(7), "token missing"),
    ] {
        let expected = json!({"status": "error", "response": {"reason": reason}});
        assert_eq!(renew(&mut client, token).await, expected);
    }
    client.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn c18_9_where_nobody_looks_at_tokens_the_event_is_like_any_other() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let reply = renew(&mut client, json!("ada 1")).await;
    assert_eq!(reply, json!({"status": "error", "response": {"reason": "unmatched topic"}}));
    client.hang_up().await;
}

#[tokio::test]
async fn c18_9_one_token_is_looked_at_at_a_time_and_the_connection_is_heard_meanwhile() {
    let server = serve(guests()).await;
    let mut client = guest_client(&server, "ada 3600000").await;
    client.push(Value::Null, "phoenix", "access_token", json!({"token": "hang"})).await;
    let second = renew(&mut client, json!("ada 3600000")).await;
    assert_eq!(second["response"]["reason"], "another token is in hand");
    client.expect_nothing().await;
    client.hang_up().await;
    server.is_empty().await;
}

/// Sockets behind a gate, and how often connect was asked.
fn gated(tokens: &Arc<Tokens>) -> (SocketRouter<String>, TokenGate, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let gate = TokenGate::new(tokens.clone(), SALT).param("user_token");
    let count = asked.clone();
    let sockets = SocketRouter::new(move |info: ConnectInfo| {
        count.fetch_add(1, Ordering::SeqCst);
        let name = info.token.and_then(|token| token.data.as_str().map(str::to_owned));
        async { name.ok_or(Refusal::FORBIDDEN) }
    });
    (sockets.id(|name: &String| Some(name.clone())).gate(gate.clone()), gate, asked)
}

fn one_place(builder: EndpointBuilder) -> EndpointBuilder {
    builder.limits(Limits::default().with(|limits| limits.sockets_max = 1)).error_handler(|refusal| {
        let reason = refusal.reason().unwrap_or_default().to_owned();
        (StatusCode::UNAUTHORIZED, reason).into_response()
    })
}

fn token(tokens: &Tokens, name: &str, signed_at: SystemTime) -> String {
    tokens.sign_for(SALT, name, Validity::lasting(HOUR).from_time(signed_at)).unwrap()
}

#[tokio::test]
async fn c18_9_dead_tokens_take_no_place_and_nobody_is_asked() {
    let tokens = Arc::new(Tokens::new([b'k'; 64]).unwrap());
    let (sockets, gate, asked) = gated(&tokens);
    let server = Server::with(|builder| one_place(builder).socket("/live", sockets)).await;
    let now = SystemTime::now();
    let alive = token(&tokens, "ada", now);
    let with = |token: &str| format!("{PATH}&user_token={token}");
    let client = Client::connect(server.addr, &with(&alive)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    gate.revocations().revoke_before("eve", now);
    let dead = [
        (PATH.to_owned(), "token missing"),
        (with("nonsense"), "token invalid"),
        (with(&format!("{alive}x")), "token invalid"),
        (with(&token(&tokens, "ada", now - 2 * HOUR)), "token expired"),
        (with(&token(&tokens, "eve", now - HOUR / 2)), "token revoked"),
    ];
    for (path, reason) in dead {
        let refused = Client::try_connect(server.addr, &path, &[]).await.err().unwrap();
        assert_eq!(refused, Refused { status: 401, body: reason.to_owned() }, "the only place is taken");
    }
    let full = Client::try_connect(server.addr, &with(&alive), &[]).await.err().unwrap();
    assert_eq!(full.status, 503);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    client.hang_up().await;
}

#[tokio::test]
async fn c18_9_a_gate_takes_the_auth_token_and_renews_for_the_same_client_alone() {
    use base64::Engine as _;
    let tokens = Arc::new(Tokens::new([b'k'; 64]).unwrap());
    let (sockets, gate, _) = gated(&tokens);
    let server = serve(sockets).await;
    let now = SystemTime::now();
    let bearer = base64::prelude::BASE64_STANDARD_NO_PAD.encode(token(&tokens, "ada", now));
    let offer = format!("phoenix, base64url.bearer.phx.{bearer}");
    let mut client =
        Client::try_connect(server.addr, PATH, &[("sec-websocket-protocol", &offer)]).await.unwrap();
    let good = renew(&mut client, json!(token(&tokens, "ada", now))).await;
    assert_eq!(good["status"], "ok", "{good}");
    assert!(good["response"]["expires_in_ms"].as_u64().is_some_and(|left| left <= 3_600_000), "{good}");
    gate.revocations().revoke_before("ada", now - HOUR / 2);
    for (name, signed_at, reason) in [
        ("bob", now, "the token is another client's"),
        ("ada", now - 2 * HOUR, "token expired"),
        ("ada", now - HOUR * 3 / 4, "token revoked"),
    ] {
        let refused = renew(&mut client, json!(token(&tokens, name, signed_at))).await;
        assert_eq!(refused["response"]["reason"], reason);
    }
    client.hang_up().await;
}
