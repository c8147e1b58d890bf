//! The endpoint with its two mounts, and the tree that runs it.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde_json::json;
use throng::{
    prelude::*,
    pubsub::{Extras, PayloadError, Presences},
    web::{
        CheckOrigin, Compress, EndpointError, Limits, LongPoll, Mount, OriginPatternError, Quota, Tokens,
        WeakSecret,
    },
};

use crate::{
    caller::{Caller, Services},
    connect::{answer_to_refusal, connect},
    http,
    lobby::Lobby,
    presence_channel::PresenceChannel,
    room::RoomChannel,
    settings::Settings,
};

/// The pages that may connect, to either mount.
const ORIGINS: [&str; 4] = ["//localhost", "//127.0.0.1", "https://example.com", "//*.wild.test"];

/// The application as a tree for a node to run, and its endpoint.
///
/// # Errors
///
/// [`AppError`].
pub fn tree(node: &Node, settings: &Settings) -> Result<(ChildSpec<Supervisor>, Endpoint), AppError> {
    let pubsub = PubSub::new();
    let services =
        Arc::new(Services { tokens: Tokens::new(settings.secret_key_base())?, presence: presence(&pubsub) });
    let this_endpoint = Arc::new(OnceLock::new());
    let endpoint = Endpoint::builder(node, &pubsub)
        .check_origin(CheckOrigin::list(ORIGINS)?)
        .limits(limits())
        .error_handler(answer_to_refusal)
        .socket(patient(), socket(&services))
        .socket(impatient(), socket_fast(&services))
        .routes(http::routes(this_endpoint.clone()))
        .build()?;
    let _ = this_endpoint.set(endpoint.clone());
    let tree = Supervisor::rest_for_one("conformance")
        .child(&services.presence)
        .child(endpoint.listen(settings.addr()));
    Ok((tree, endpoint))
}

/// Who is there, each with a name made of its key.
fn presence(pubsub: &PubSub) -> Presence {
    let fetch = async |_: Arc<str>, presences: Presences| {
        let mut extras = Extras::new();
        for key in presences.keys() {
            extras.insert(key, json!({ "user": { "name": format!("User {key}") } }))?;
        }
        Ok::<_, PayloadError>(extras)
    };
    Presence::builder("conformance", pubsub).fetch(fetch).build()
}

/// `/socket`, with the usual times and bounds.
fn patient() -> Mount {
    Mount::at("/socket").auth_token().longpoll(LongPoll::default())
}

/// `/socket_fast`, for those who wait for a time to pass or a bound to be reached.
fn impatient() -> Mount {
    let longpoll = LongPoll::default().with(|longpoll| longpoll.window = Duration::from_millis(500));
    Mount::at("/socket_fast").longpoll(longpoll).limits(|limits| {
        limits.idle_timeout = Duration::from_secs(1);
        limits.frame_bytes_max = 65_536;
        limits.channels_per_connection_max = 5;
    })
}

/// Every channel there is.
fn socket(services: &Arc<Services>) -> SocketRouter<Caller> {
    callers(services)
        .compress(Compress::default())
        .channel::<RoomChannel>("room:*")
        .channel::<PresenceChannel>("presence:*")
        .channel::<Lobby>("lobby")
}

/// Rooms alone.
fn socket_fast(services: &Arc<Services>) -> SocketRouter<Caller> {
    callers(services).channel::<RoomChannel>("room:*")
}

fn callers(services: &Arc<Services>) -> SocketRouter<Caller> {
    SocketRouter::with_state(services.clone(), connect).id(Caller::socket_id)
}

/// Who checks a server pushes it further than a client would: what Phoenix does not limit is limited far out.
fn limits() -> Limits {
    Limits::default().with(|limits| {
        limits.frame_bytes_max = 8 << 20;
        limits.outbound_bytes_max = 32 << 20;
        limits.message_rate = Quota::new(1_000_000, 1_000_000);
        limits.join_rate = Quota::new(1_000_000, 1_000_000);
        limits.connections_per_peer_max = limits.connections_max;
    })
}

/// Why the application could not be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The secret is too short.
    #[error("SECRET_KEY_BASE: {0}")]
    Secret(#[from] WeakSecret),
    /// An origin is none.
    #[error(transparent)]
    Origin(#[from] OriginPatternError),
    /// The endpoint cannot be built.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}
