//! The chat put together: the endpoint, and the tree that runs it.
//!
//! ```text
//! chat (rest for one)
//!  ├─ history     what was said lately; carried over a restart
//!  ├─ presence
//!  ├─ rooms (dynamic) ── room, room, …   each by its name in a registry
//!  ├─ listener ── connections ── channels, each monitoring its room
//!  └─ announcement
//! ```
//!
//! Stopped from the bottom: the listener lets its clients go first, the rooms end when nobody is in them any more, and what was
//! said is written down when nobody can say more.

use std::{sync::Arc, time::Duration};

use throng::{
    ChildSpec, GenServer, Node, Supervisor,
    pubsub::{FileStore, History, HistoryOptions, Presence, PubSub},
    web::{Endpoint, EndpointError, Limits, LongPoll, Quota, Refusal, SocketRouter, Tokens},
};

use crate::{
    announcement::Announcement,
    config::Config,
    directory_channel::DirectoryChannel,
    guest::Guest,
    http,
    log::Log,
    room_channel::{RoomChannel, Visitor},
    rooms::Rooms,
    secret,
};

/// The whole chat as a tree for a node to run.
///
/// # Errors
///
/// [`AppError`].
pub(crate) fn tree(node: &Node, config: &Config, log: &Log) -> Result<ChildSpec<Supervisor>, AppError> {
    let tokens = Arc::new(secret::tokens(config.secret_key_base.as_ref())?);
    let history = history(config);
    let pubsub = PubSub::new().with_history(&history);
    let presence = Presence::new("chat", &pubsub);
    let rooms = Rooms::new(node, &pubsub, &presence, config.into());
    let mut endpoint = Endpoint::builder(node, &pubsub)
        .socket("/socket", sockets(&tokens, &rooms))
        .routes(http::routes(&tokens))
        .trusted_proxies(config.trusted_proxies.iter().map(String::as_str))
        .limits(limits());
    if config.behind_tls {
        endpoint = endpoint.behind_tls();
    }
    let endpoint = endpoint.build()?;
    let tree = Supervisor::rest_for_one("chat")
        .child(&history)
        .child(&presence)
        .child(rooms.supervisor())
        .child(endpoint.listen(config.addr()))
        .child(Announcement::child((endpoint, log.clone())));
    Ok(tree)
}

/// What was said in each room within an hour, in bytes of JSON: whoever comes in gets it at once, and gets besides what is being
/// said. A burst of it and this fit together into what a connection may have waiting.
pub(crate) fn history(config: &Config) -> History {
    let options = HistoryOptions::default().with(|options| {
        options.messages_max = config.history_max;
        options.bytes_max = 256 << 10;
        options.age_max = Duration::from_secs(3600);
    });
    let history = History::builder().topics("room:*", options);
    match &config.state_file {
        Some(file) => history.store(FileStore::new(file)).build(),
        None => history.build(),
    }
}

fn sockets(tokens: &Arc<Tokens>, rooms: &Rooms) -> SocketRouter<Visitor> {
    let state = (tokens.clone(), rooms.clone());
    SocketRouter::with_state(state, async |(tokens, rooms), info| {
        let token = info.params.text("user_token").unwrap_or_default();
        let guest = Guest::verify(&tokens, token).map_err(|_| Refusal::FORBIDDEN)?;
        Ok(Visitor { guest, rooms })
    })
    .id(|visitor| Some(format!("guest:{}", visitor.guest.id)))
    // For those whose network lets no WebSocket through.
    .longpoll(LongPoll::default())
    .channel::<RoomChannel>("room:*")
    .channel::<DirectoryChannel>(DirectoryChannel::TOPIC)
}

/// Nobody types faster than this, and a message of two thousand characters fits into a frame.
fn limits() -> Limits {
    Limits::default().with(|limits| {
        limits.frame_bytes_max = 16 << 10;
        limits.channels_per_connection_max = 16;
        limits.message_rate = Quota::new(10, 40);
        limits.join_rate = Quota::new(5, 20);
    })
}

/// Why the chat could not be put together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    Secret(#[from] secret::SecretError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}
