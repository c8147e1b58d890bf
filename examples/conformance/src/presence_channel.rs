//! `presence:*`: a channel whose clients show themselves, and each other, to those who look.

use serde::Deserialize;
use serde_json::{Value, json};
use throng::{
    prelude::*,
    pubsub::{TrackError, UpdateError},
    web::SocketTrackError,
};

use crate::{caller::Caller, said::Said};

/// One client among those who are present.
#[derive(Debug)]
pub(crate) struct PresenceChannel {
    /// Under which the client shows itself, unless it says otherwise.
    key: String,
    /// What it shows when it has joined; nothing if it would rather not be seen.
    shows: Option<Value>,
}

/// Which presence an event is about, and what it shows.
#[derive(Debug, Deserialize)]
struct Wish {
    key: Option<String>,
    #[serde(default = "nothing")]
    meta: Value,
}

impl Channel for PresenceChannel {
    type Assigns = Caller;
    type Params = Value;
    type Event = Said;

    async fn join(params: Value, socket: &mut Socket<'_, Self>) -> Result<Self, JoinError> {
        let key = as_key(&params["key"]).or_else(|| as_key(socket.assigns().user_id()));
        let meta = Some(&params["meta"]).filter(|meta| !meta.is_null()).cloned().unwrap_or_else(nothing);
        let shows = (params["track"] != false).then_some(meta);
        Ok(PresenceChannel { key: key.unwrap_or_else(|| "anon".to_owned()), shows })
    }

    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let presence = &socket.assigns().services.presence;
        if let Some(meta) = self.shows.take() {
            socket.track(presence, &*self.key, meta)?;
        }
        socket.push_presence_state(presence)?;
        Ok(())
    }

    async fn handle_in(&mut self, said: Said, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        match &*said.event {
            "track" => self.track(said.read()?, socket),
            "update" => self.update(said.read()?, socket),
            "untrack" => Ok(self.untrack(said.read()?, socket)),
            "list" => Ok(Reply::ok(socket.assigns().services.presence.fetch_list(socket.topic()).await?)),
            "get" => self.look_up(said.read()?, socket).await,
            "crash" => panic!("the channel was told to crash"),
            _ => Err(said.unheard()),
        }
    }
}

impl PresenceChannel {
    fn track(&self, wish: Wish, socket: &Socket<'_, Self>) -> Result<Reply, Exit> {
        let key = wish.key.as_ref().unwrap_or(&self.key);
        match socket.track(&socket.assigns().services.presence, &**key, wish.meta) {
            Ok(phx_ref) => Ok(Reply::ok(json!({ "phx_ref": phx_ref }))),
            Err(SocketTrackError::Refused(TrackError::AlreadyTracked)) => {
                Ok(Reply::refused("already_tracked"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn update(&self, wish: Wish, socket: &Socket<'_, Self>) -> Result<Reply, Exit> {
        let key = wish.key.as_ref().unwrap_or(&self.key);
        match socket.update_presence(&socket.assigns().services.presence, &**key, wish.meta) {
            Ok(phx_ref) => Ok(Reply::ok(json!({ "phx_ref": phx_ref }))),
            Err(UpdateError::NoPresence) => Ok(Reply::refused("nopresence")),
            Err(error) => Err(error.into()),
        }
    }

    async fn look_up(&self, wish: Wish, socket: &Socket<'_, Self>) -> Result<Reply, Exit> {
        let key = wish.key.as_ref().unwrap_or(&self.key);
        let found = socket.assigns().services.presence.fetch_by_key(socket.topic(), key).await?;
        Ok(Reply::ok(json!({ "presence": found.get(key) })))
    }

    fn untrack(&self, wish: Wish, socket: &Socket<'_, Self>) -> Reply {
        let key = wish.key.as_ref().unwrap_or(&self.key);
        socket.untrack(&socket.assigns().services.presence, &**key);
        Reply::ack()
    }
}

/// A key is a text; another value is spelled out.
fn as_key(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn nothing() -> Value {
    json!({})
}
