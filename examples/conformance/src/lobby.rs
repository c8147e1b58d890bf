//! `lobby`: a channel that can be joined, by this very topic alone.

use serde::de::IgnoredAny;
use serde_json::json;
use throng::prelude::*;

use crate::{caller::Caller, said::Said};

#[derive(Debug)]
pub(crate) struct Lobby;

impl Channel for Lobby {
    type Assigns = Caller;
    type Params = IgnoredAny;
    type Event = Said;

    async fn join(_: IgnoredAny, socket: &mut Socket<'_, Self>) -> Result<Lobby, JoinError> {
        socket.reply_to_join(json!({ "exact": true }))?;
        Ok(Lobby)
    }

    async fn handle_in(&mut self, said: Said, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Err(said.unheard())
    }
}
