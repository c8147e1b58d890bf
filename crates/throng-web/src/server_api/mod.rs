//! What servers in other languages may ask of an endpoint, over HTTP (§18.11).
//!
//! ```text
//!   POST /publish        {topic, event, payload}            GET /presence?topic=…
//!   POST /publish_batch  {messages: [{…}, …]}               GET /history?topic=…&since=…
//!   POST /disconnect     {id}                               GET /counts
//! ```
//!
//! Every request carries `Authorization: Bearer <key>`. Answers are JSON; an error names the field that is wrong.

mod actions;
mod error;
mod fields;
mod keys;

use std::{fmt, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Map, Value};
use throng_pubsub::Presence;

pub use self::keys::WeakKey;
use self::{error::ApiError, keys::Keys};
use crate::{Endpoint, Params};

/// Routes by which servers that know a key publish, disconnect clients and look around; none is mounted unless you do.
///
/// They belong where browsers do not come: on a listener of the internal network, or behind a proxy that lets nobody else
/// through. In the application's own router they are protected by the key alone.
///
/// ```
/// # use throng_runtime::Node;
/// # use throng_web::{Endpoint, PubSub, ServerApi, axum::Router};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (node, pubsub) = (Node::new("shop"), PubSub::new());
/// let endpoint = Endpoint::builder(&node, &pubsub).build()?;
/// let api = ServerApi::new(&endpoint, "at least twenty bytes of secret")?;
///
/// // On a listener of its own:
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let internal = throng_web::axum::serve(listener, Router::new().nest("/api", api.clone().routes()));
/// // Or beside the sockets:
/// let endpoint = endpoint.with_routes(Router::new().nest("/api", api.routes()));
/// # drop((internal.into_future(), endpoint));
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "the API is mounted by its routes"]
pub struct ServerApi {
    endpoint: Endpoint,
    keys: Keys,
    presences: Vec<Presence>,
    body_bytes_max: usize,
    batch_max: usize,
}

/// What is done with a request: its parameters or its body's fields in, the answer's body out.
type Action = fn(&ServerApi, &Map<String, Value>) -> Result<Value, ApiError>;

impl ServerApi {
    /// For whoever knows the key.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] when it has less than 20 bytes: there is no API without a key.
    pub fn new(endpoint: &Endpoint, key: impl AsRef<[u8]>) -> Result<ServerApi, WeakKey> {
        Ok(ServerApi {
            endpoint: endpoint.clone(),
            keys: Keys::new(key.as_ref())?,
            presences: Vec::new(),
            body_bytes_max: 1 << 20,
            batch_max: 1000,
        })
    }

    /// Takes another key as well, so that keys can be changed without a pause.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] when it has less than 20 bytes.
    pub fn or_key(mut self, key: impl AsRef<[u8]>) -> Result<ServerApi, WeakKey> {
        self.keys.add(key.as_ref())?;
        Ok(self)
    }

    /// Shows a presence. Where there are several, a request names one by the parameter `presence`.
    pub fn presence(mut self, presence: &Presence) -> ServerApi {
        self.presences.push(presence.clone());
        self
    }

    /// How large a body may be: 1 MiB, unless changed here.
    pub fn body_bytes_max(mut self, bytes: usize) -> ServerApi {
        self.body_bytes_max = bytes;
        self
    }

    /// How many messages a batch may have, and a history's answer: 1,000, unless changed here.
    pub fn batch_max(mut self, messages: usize) -> ServerApi {
        self.batch_max = messages;
        self
    }

    /// The routes, to be nested or merged into a router.
    pub fn routes(self) -> Router {
        let api = Arc::new(self);
        let on = |action: Action| {
            let api = api.clone();
            move |request: Request| async move { api.answer(action, request).await }
        };
        Router::new()
            .route("/publish", post(on(actions::publish)))
            .route("/publish_batch", post(on(actions::publish_batch)))
            .route("/disconnect", post(on(actions::disconnect)))
            .route("/presence", get(on(actions::presence)))
            .route("/history", get(on(actions::history)))
            .route("/counts", get(on(actions::counts)))
    }

    async fn answer(&self, action: Action, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let answered = match self.read(&parts, body).await {
            Ok(fields) => action(self, &fields),
            Err(error) => Err(error),
        };
        match answered {
            Ok(value) => json(StatusCode::OK, &value),
            Err(error) => error.into_response(),
        }
    }

    /// The fields of a request whose key is known; nothing is read of any other.
    async fn read(&self, parts: &Parts, body: Body) -> Result<Map<String, Value>, ApiError> {
        if !self.keys.know(&parts.headers) {
            return Err(ApiError::Unauthorized);
        }
        if parts.method != axum::http::Method::POST {
            let query = parts.uri.query().unwrap_or_default();
            return Params::decode(query)
                .map(Params::into_map)
                .map_err(|why| ApiError::body(why.to_string()));
        }
        let bytes = to_bytes(body, self.body_bytes_max).await.map_err(|_| ApiError::TooLarge)?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(ApiError::body("must be a JSON object".to_owned())),
            Err(error) => Err(ApiError::body(format!(
                "is not JSON: {:?} at line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ))),
        }
    }
}

fn json(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

impl fmt::Debug for ServerApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerApi").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
