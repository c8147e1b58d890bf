//! What the tests share: a server, and clients that know nothing of it.

pub(crate) mod binary;
mod client;
mod http;
mod poller;
mod raw;
mod server;

use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use self::{
    binary::Binary,
    client::{Client, End, Frame},
    http::{Answer, Request},
    poller::Poller,
    raw::Raw,
    server::Server,
};

/// No wait in these tests is longer: what has not come by then will not come.
const DEADLINE: Duration = Duration::from_secs(20);

/// The result of a future that must not take long.
#[track_caller]
pub(crate) fn soon<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(DEADLINE, future).await {
            Ok(output) => output,
            Err(_) => panic!("waited in vain for {what} at {place}"),
        }
    }
}

/// The payload of a reply with status `ok`.
pub(crate) fn ok(response: Value) -> Value {
    json!({ "status": "ok", "response": response })
}

/// The payload of a reply with status `error`.
pub(crate) fn error(response: Value) -> Value {
    json!({ "status": "error", "response": response })
}

/// The payload of a refusal that says why.
pub(crate) fn refused(reason: &str) -> Value {
    error(json!({ "reason": reason }))
}
