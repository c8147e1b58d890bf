//! What the application answers over plain HTTP.

use std::sync::{Arc, OnceLock};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use throng::prelude::*;

use crate::said::Posting;

/// The endpoint that serves the routes: it is there before anybody asks.
type ThisEndpoint = Arc<OnceLock<Endpoint>>;

/// `/demo/health`, `/demo/stats` and `/demo/broadcast`; whatever else is asked for, by whatever method, is not found.
pub(crate) fn routes(endpoint: ThisEndpoint) -> Router {
    Router::new()
        .route("/demo/health", get(async || Json(json!({ "ok": true }))))
        .route("/demo/stats", get(stats))
        .route("/demo/broadcast", post(broadcast))
        .method_not_allowed_fallback(async || StatusCode::NOT_FOUND)
        .with_state(endpoint)
}

async fn stats(State(endpoint): State<ThisEndpoint>) -> Json<Value> {
    Json(json!({ "channels": endpoint.get().map_or(0, Endpoint::channel_count) }))
}

async fn broadcast(State(endpoint): State<ThisEndpoint>, body: Bytes) -> Response {
    let Some(endpoint) = endpoint.get() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let Ok(Posting { topic, event, payload }) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match endpoint.broadcast(&topic, &event, payload) {
        Ok(()) => Json(json!({ "ok": true })).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}
