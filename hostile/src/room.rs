//! `room:*`: a channel that does what its client asks for, as much of it as the client asks for. Clients of `room:recalled:*` are
//! told what they missed.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use throng::prelude::*;

/// Topics that begin with this take their time to end.
const LINGERING: &str = "room:lingering";
const LINGERS_FOR: Duration = Duration::from_millis(20);

/// One client in one room.
#[derive(Debug)]
pub(crate) struct Room;

/// What a client may ask for.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
pub(crate) enum Asked {
    /// Its own words back.
    Echo(Value),
    /// Numbered broadcasts on a topic.
    Broadcast(Many),
    /// As many pushes to itself.
    Push(Many),
    /// To end.
    Crash,
}

/// How many of something, how large, and where.
#[derive(Debug, Deserialize)]
pub(crate) struct Many {
    #[serde(default)]
    topic: String,
    first: u64,
    count: u64,
    bytes: usize,
}

impl Channel for Room {
    type Assigns = ();
    type Params = Value;
    type Event = Asked;

    const RECOVERS: bool = true;

    async fn join(_: Value, _: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        Ok(Room)
    }

    async fn handle_in(&mut self, asked: Asked, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        match asked {
            Asked::Echo(words) => Ok(Reply::ok(words)),
            Asked::Broadcast(many) => {
                for payload in many.payloads() {
                    socket.pubsub().broadcast(many.topic.as_str(), "numbered", payload)?;
                }
                Ok(Reply::ack())
            }
            Asked::Push(many) => {
                for payload in many.payloads() {
                    socket.push("numbered", payload)?;
                }
                Ok(Reply::ack())
            }
            Asked::Crash => panic!("told to"),
        }
    }

    async fn terminate(&mut self, _: &Exit, socket: &mut Socket<'_, Self>) {
        if socket.topic().starts_with(LINGERING) {
            tokio::time::sleep(LINGERS_FOR).await;
        }
    }
}

impl Many {
    fn payloads(&self) -> impl Iterator<Item = Value> {
        let padding = "x".repeat(self.bytes);
        (self.first..self.first + self.count).map(move |n| json!({ "n": n, "padding": padding }))
    }
}
