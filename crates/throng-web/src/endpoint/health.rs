//! Whether the endpoint lives, and whether it should get new clients: for whoever balances load.

use std::sync::Arc;

use axum::{Router, http::StatusCode, routing::get};

use super::Shared;

/// `/health/live` is 200 as long as anything answers; `/health/ready` is 503 from the moment a shutdown begins.
pub(super) fn routes(shared: &Arc<Shared>) -> Router {
    let connections = shared.connections.clone();
    let ready = move || async move {
        if connections.is_closed() {
            (StatusCode::SERVICE_UNAVAILABLE, "draining")
        } else {
            (StatusCode::OK, "ready")
        }
    };
    Router::new().route("/health/live", get(async || "live")).route("/health/ready", get(ready))
}
