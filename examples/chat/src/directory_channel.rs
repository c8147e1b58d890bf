//! The list of open rooms: a channel that only listens, to the presences of the rooms themselves.

use serde::de::IgnoredAny;
use throng::prelude::*;

use crate::room_channel::Visitor;

/// One person who sees the list.
#[derive(Debug)]
pub(crate) struct DirectoryChannel;

impl DirectoryChannel {
    /// The topic on which rooms are present: the key is a room's name, the meta its number of members.
    pub(crate) const TOPIC: &str = "rooms";
}

impl Channel for DirectoryChannel {
    type Assigns = Visitor;
    type Params = IgnoredAny;
    type Event = IgnoredAny;

    async fn join(_: IgnoredAny, _: &mut Socket<'_, Self>) -> Result<Self, JoinError> {
        Ok(DirectoryChannel)
    }

    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        Ok(socket.push_presence_state(socket.assigns().rooms.presence())?)
    }

    async fn handle_in(&mut self, _: IgnoredAny, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::refused("unknown event"))
    }
}
