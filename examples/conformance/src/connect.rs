//! Who may connect, and under which name.

use std::{sync::Arc, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;
use throng::{
    prelude::*,
    web::{ConnectInfo, Params, Tokens},
};

use crate::caller::{Caller, Card, Services};

/// What tokens of users are signed under.
pub(crate) const USER_SALT: &str = "user socket";
/// Why a client is refused that comes too often.
const RATE_LIMIT: &str = "rate limit";
const DAY: Duration = Duration::from_secs(86_400);

/// Lets a client in, or says why not.
///
/// # Errors
///
/// The client asks to be refused, or its token is not good.
pub(crate) async fn connect(services: Arc<Services>, info: ConnectInfo) -> Result<Caller, Refusal> {
    if info.params.text("reject") == Some("true") {
        return Err(Refusal::FORBIDDEN);
    }
    if info.params.text("ratelimit") == Some("true") {
        return Err(Refusal::because(RATE_LIMIT));
    }
    let user_id = user_id(&info.params, &services.tokens)?;
    Ok(Caller { card: Arc::new(Card::new(user_id, info)), services })
}

/// What a client is answered that is refused for a reason (§1.6).
pub(crate) fn answer_to_refusal(refusal: &Refusal) -> Response {
    match refusal.reason() {
        Some(RATE_LIMIT) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests").into_response(),
        _ => refusal.clone().into_response(),
    }
}

/// The name in a token, if there is one; otherwise the client's word for it.
fn user_id(params: &Params, tokens: &Tokens) -> Result<Value, Refusal> {
    match params.get("user_token") {
        Some(token) => signed(token.as_str().unwrap_or_default(), tokens).ok_or(Refusal::FORBIDDEN),
        None => Ok(params.get("user_id").or_else(|| params.get("user")).cloned().unwrap_or_default()),
    }
}

fn signed(token: &str, tokens: &Tokens) -> Option<Value> {
    let data = tokens.verify(USER_SALT, token, DAY.into()).ok()?;
    data.as_str().map(Value::from)
}
