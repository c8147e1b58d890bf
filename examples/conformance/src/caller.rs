//! What is known of a client from the request that opened its connection.

use std::{net::IpAddr, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value};
use throng::{
    prelude::*,
    web::{ConnectInfo, Tokens},
};

/// Each channel's copy of what is known of its client.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) card: Arc<Card>,
    pub(crate) services: Arc<Services>,
}

/// What a client has said of itself.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    /// A text as a rule, null for nobody in particular.
    pub(crate) user_id: Value,
    pub(crate) params: Map<String, Value>,
    pub(crate) auth_token: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) x_headers: Map<String, Value>,
    pub(crate) uri_path: String,
    pub(crate) peer: Option<IpAddr>,
}

/// What channels need of the application.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) tokens: Tokens,
    pub(crate) presence: Presence,
}

impl Caller {
    /// Names the client's connections, if the client has a name.
    pub(crate) fn socket_id(&self) -> Option<String> {
        self.card.user_id.as_str().map(socket_id)
    }

    pub(crate) fn user_id(&self) -> &Value {
        &self.card.user_id
    }
}

/// The topic on which a user's connections are told to end.
pub(crate) fn socket_id(user_id: &str) -> String {
    format!("users_socket:{user_id}")
}

impl Card {
    pub(crate) fn new(user_id: Value, info: ConnectInfo) -> Card {
        Card {
            user_id,
            x_headers: x_headers(&info),
            params: info.params.into_map(),
            auth_token: info.auth_token,
            user_agent: info.user_agent,
            uri_path: info.uri.path().to_owned(),
            peer: info.peer.map(|peer| peer.ip()),
        }
    }
}

fn x_headers(info: &ConnectInfo) -> Map<String, Value> {
    info.x_headers()
        .filter_map(|(name, value)| Some((name.to_owned(), value.to_str().ok()?.into())))
        .collect()
}
