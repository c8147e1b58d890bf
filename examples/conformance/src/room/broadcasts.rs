//! What a client has told to others.

use serde::Deserialize;
use serde_json::json;
use throng::prelude::*;

use super::{Many, RoomChannel};
use crate::{
    caller::socket_id,
    said::{Posting, Said},
};

type Outcome = Result<Reply, Exit>;

/// To everybody in the room, the client itself included.
pub(super) fn to_all(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    socket.broadcast(&said.event, &said.payload)?;
    Ok(Reply::ack())
}

/// To everybody but this channel.
pub(super) fn to_others(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    socket.broadcast_from(&said.event, &said.payload)?;
    Ok(Reply::ack())
}

/// To everybody, without an answer.
pub(super) fn in_silence(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    socket.broadcast(&said.event, &said.payload)?;
    Ok(Reply::none())
}

/// Many in a row.
pub(super) fn in_bulk(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    let Many { n } = said.read()?;
    for i in 1..=n {
        socket.broadcast("bulk", json!({ "i": i }))?;
    }
    Ok(Reply::ok(json!({ "n": n })))
}

/// To those of any topic.
pub(super) fn elsewhere(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    let Posting { topic, event, payload } = said.read()?;
    socket.pubsub().broadcast(topic, event, payload)?;
    Ok(Reply::ack())
}

/// Ends all connections of a user (§7.4).
pub(super) fn disconnect(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    #[derive(Deserialize)]
    struct User {
        user_id: String,
    }
    let User { user_id } = said.read()?;
    socket.pubsub().broadcast(socket_id(&user_id), "disconnect", json!({}))?;
    Ok(Reply::ack())
}
