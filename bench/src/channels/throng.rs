//! Throng's server: two channels, as a user writes them.

use std::net::SocketAddr;

use serde::Deserialize;
use throng_pubsub::Presence;
use throng_runtime::{Exit, Node};
use throng_web::{Channel, Endpoint, JoinError, Limits, Payload, PubSub, Quota, Reply, Socket, SocketRouter};

/// Starts it on a free port.
///
/// # Errors
///
/// One line that says why it did not start.
pub(super) async fn start() -> Result<(SocketAddr, (Node, Endpoint)), String> {
    let (node, pubsub) = (Node::new("bench"), PubSub::new());
    let presence = Presence::new("bench", &pubsub);
    node.start(&presence).await.map_err(|error| error.to_string())?;
    let sockets = SocketRouter::with_state(presence, async |presence, _| Ok(presence))
        .channel::<Room>("room:*")
        .channel::<Present>("presence:*");
    let endpoint = Endpoint::builder(&node, &pubsub)
        .socket("/socket", sockets)
        .limits(limits())
        .build()
        .map_err(|error| error.to_string())?;
    node.start(endpoint.listen(([127, 0, 0, 1], 0))).await.map_err(|error| error.to_string())?;
    let addr = endpoint.local_addr().ok_or("it does not listen")?;
    Ok((addr, (node, endpoint)))
}

/// All clients come from a few addresses, and some speak a lot.
fn limits() -> Limits {
    Limits::default().with(|limits| {
        limits.connections_per_peer_max = 20_000;
        limits.message_rate = Quota::new(100_000, 100_000);
    })
}

/// Answers `echo`, broadcasts `new_msg`.
struct Room;

#[derive(Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
enum RoomIn {
    Echo(Payload),
    NewMsg(Payload),
}

impl Channel for Room {
    type Assigns = Presence;
    type Params = Payload;
    type Event = RoomIn;

    async fn join(_: Payload, _: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        Ok(Room)
    }

    async fn handle_in(&mut self, event: RoomIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        match event {
            RoomIn::Echo(payload) => Ok(Reply::ok(payload)),
            RoomIn::NewMsg(payload) => {
                socket.broadcast("new_msg", payload)?;
                Ok(Reply::ack())
            }
        }
    }
}

/// Tracks its client, and shows it who is there.
struct Present {
    key: String,
}

#[derive(Deserialize)]
struct Me {
    key: String,
}

impl Channel for Present {
    type Assigns = Presence;
    type Params = Me;
    type Event = RoomIn;

    async fn join(me: Me, _: &mut Socket<'_, Self>) -> Result<Present, JoinError> {
        Ok(Present { key: me.key })
    }

    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let presence = socket.assigns().clone();
        socket.track(&presence, self.key.as_str(), serde_json::json!({}))?;
        socket.push_presence_state(&presence)?;
        Ok(())
    }

    async fn handle_in(&mut self, _: RoomIn, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::none())
    }
}
