//! What the chat serves over HTTP: its page, and tokens for nicknames.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;
use throng::web::Tokens;

use crate::{
    assets,
    door::Door,
    guest::Guest,
    pace::millis,
    text::{Flaw, Nickname},
};

/// A nickname fits many times.
const BODY_BYTES_MAX: usize = 4 << 10;

/// The page and `POST /api/guests`.
pub(crate) fn routes(tokens: &Arc<Tokens>) -> Router {
    let (tokens, door, opened) = (tokens.clone(), Arc::new(Mutex::new(Door::new())), Instant::now());
    let welcome = async move |peer: Option<Extension<ConnectInfo<SocketAddr>>>, body: Bytes| {
        // Behind a proxy everybody has its address.
        let address =
            peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(ConnectInfo(peer))| peer.ip());
        let passed = door.lock().unwrap_or_else(PoisonError::into_inner).pass(address, opened.elapsed());
        passed.map_or_else(turn_away, |()| welcome(&body, &tokens))
    };
    let limit = DefaultBodyLimit::max(BODY_BYTES_MAX);
    assets::routes().route("/api/guests", post(welcome).layer(limit))
}

/// Who somebody wants to be. A token that is still good keeps its identity, and is renewed for another day.
#[derive(Deserialize)]
struct Wish {
    nickname: String,
    #[serde(default)]
    user_token: String,
}

/// Gives a nickname an identity: 201 with the guest and a token, or 422 with what is wrong.
fn welcome(body: &[u8], tokens: &Tokens) -> Response {
    let Ok(Wish { nickname, user_token }) = serde_json::from_slice(body) else {
        return json_response(StatusCode::BAD_REQUEST, &json!({ "reason": "malformed" }));
    };
    match Nickname::parse(&nickname) {
        Ok(nickname) => admit(nickname, &user_token, tokens),
        Err(flaw) => refuse(flaw),
    }
}

fn admit(nickname: Nickname, user_token: &str, tokens: &Tokens) -> Response {
    let guest = match Guest::verify(tokens, user_token) {
        Ok(known) => Guest { nickname, ..known },
        Err(_) => match Guest::new(nickname) {
            Ok(guest) => guest,
            Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    };
    match guest.sign(tokens) {
        Ok(user_token) => {
            json_response(StatusCode::CREATED, &json!({ "guest": guest, "user_token": user_token }))
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn turn_away(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let body = json!({ "reason": "rate limited", "retry_after_ms": millis(wait) });
    let response = json_response(StatusCode::TOO_MANY_REQUESTS, &body);
    ([(header::RETRY_AFTER, seconds.to_string())], response).into_response()
}

fn refuse(flaw: Flaw) -> Response {
    json_response(StatusCode::UNPROCESSABLE_ENTITY, &json!(flaw))
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    fn tokens() -> Arc<Tokens> {
        Arc::new(Tokens::new("k".repeat(30)).unwrap())
    }

    async fn ask(tokens: &Arc<Tokens>, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::post("/api/guests").body(body.into()).unwrap();
        let response = routes(tokens).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_nickname_becomes_a_guest_with_a_token() {
        let tokens = tokens();
        let (status, answer) = ask(&tokens, r#"{"nickname":" Ada "}"#).await;
        assert_eq!((status, &answer["guest"]["nickname"]), (StatusCode::CREATED, &json!("Ada")));
        let guest = Guest::verify(&tokens, answer["user_token"].as_str().unwrap()).unwrap();
        assert_eq!(answer["guest"]["id"], *guest.id);
    }

    #[tokio::test]
    async fn a_guest_may_be_renamed_and_stays_the_same() {
        let tokens = tokens();
        let known = Guest::called("Ada");
        let wish = json!({ "nickname": "Countess", "user_token": known.sign(&tokens).unwrap() });
        let (_, answer) = ask(&tokens, wish.to_string()).await;
        assert_eq!(answer["guest"], json!({ "id": "Ada", "nickname": "Countess" }));
    }

    #[tokio::test]
    async fn what_is_no_nickname_is_told_why() {
        let tokens = tokens();
        let long = format!(r#"{{"nickname":"{}"}}"#, "x".repeat(25));
        let cases = [
            (r#"{"nickname":""}"#, 422, json!({"reason": "empty"})),
            (long.as_str(), 422, json!({"reason": "too long", "chars_max": 24})),
            (r#"{"nickname":"\u0007"}"#, 422, json!({"reason": "characters not allowed"})),
            (r#"{"nickname":7}"#, 400, json!({"reason": "malformed"})),
            ("{", 400, json!({"reason": "malformed"})),
            ("", 400, json!({"reason": "malformed"})),
        ];
        for (body, status, expected) in cases {
            let answer = ask(&tokens, body.to_owned()).await;
            assert_eq!((answer.0.as_u16(), answer.1), (status, expected), "{body}");
        }
    }

    #[tokio::test]
    async fn an_address_that_takes_tokens_without_end_is_told_to_wait() {
        let routes = routes(&tokens());
        let ask = async |address: [u8; 4]| {
            let mut request = Request::post("/api/guests").body(Body::from(r#"{"nickname":"Ada"}"#)).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 1))));
            routes.clone().oneshot(request).await.unwrap()
        };
        let mut refused = None;
        for _ in 0..100_000 {
            let response = ask([192, 0, 2, 1]).await;
            if response.status() != StatusCode::CREATED {
                refused = Some(response);
                break;
            }
        }
        let refused = refused.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
        let body = to_bytes(refused.into_body(), 1 << 16).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["reason"], "rate limited");
        assert_eq!(ask([192, 0, 2, 2]).await.status(), StatusCode::CREATED, "another address");
    }

    #[tokio::test]
    async fn a_flood_is_not_read_to_its_end() {
        let (status, _) = ask(&tokens(), "x".repeat(BODY_BYTES_MAX + 1)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
