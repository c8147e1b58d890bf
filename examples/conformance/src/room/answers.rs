//! What a client is told itself: at once, later, and of itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use throng::{
    prelude::*,
    web::{Binary, Payload},
};

use super::{Many, RoomChannel};
use crate::{caller::Card, connect::USER_SALT, said::Said};

type Outcome = Result<Reply, Exit>;

/// A status and nothing else.
pub(super) fn status_only(said: &Said) -> Outcome {
    let asked: Value = said.read()?;
    Ok(if asked["status"] == "error" { Reply::error(json!({})) } else { Reply::ack() })
}

/// The client's bytes, and two more.
pub(super) fn longer_by_two(said: &Said) -> Outcome {
    let Binary(bytes) = said.read()?;
    let longer = [&bytes[..], &[3, 4]].concat();
    Ok(Reply::ok(Payload::bytes(longer)))
}

/// The client's own event back, with what it carries.
pub(super) fn push_back(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    socket.push(&said.event, &said.payload)?;
    Ok(Reply::none())
}

/// An event of the client's own choice, instead of an answer.
pub(super) fn push(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    #[derive(Deserialize)]
    struct Wish {
        event: String,
        payload: Payload,
    }
    let Wish { event, payload } = said.read()?;
    socket.push(&event, payload)?;
    Ok(Reply::none())
}

/// Many events in a row, and the answer behind them.
pub(super) fn push_many(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    let Many { n } = said.read()?;
    for i in 1..=n {
        socket.push("seq", json!({ "i": i }))?;
    }
    Ok(Reply::ok(json!({ "n": n })))
}

/// An answer for which the whole channel waits.
pub(super) async fn sleep(said: &Said) -> Outcome {
    #[derive(Deserialize)]
    struct Nap {
        ms: u64,
    }
    let Nap { ms } = said.read()?;
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(Reply::ok(json!({ "slept": ms })))
}

/// An answer for which the channel does not wait (§5.3).
pub(super) fn later(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    #[derive(Deserialize)]
    struct Wait {
        #[serde(default)]
        delay_ms: u64,
    }
    let Wait { delay_ms } = said.read()?;
    let answer = said.payload.clone();
    let socket_ref = socket.socket_ref().ok_or_else(|| Exit::other("there is nothing to answer to"))?;
    socket.node().spawn(async move |_| {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        socket_ref.ok(answer).map_err(Exit::from)
    });
    Ok(Reply::none())
}

/// What the server knows of the client.
pub(super) fn whoami(socket: &Socket<'_, RoomChannel>) -> Outcome {
    #[derive(Serialize)]
    struct Known<'a> {
        #[serde(flatten)]
        card: &'a Card,
        transport: &'a str,
        topic: &'a str,
        join_ref: Value,
    }
    let known = Known {
        card: &socket.assigns().card,
        transport: socket.transport(),
        topic: socket.topic(),
        join_ref: serde_json::from_str(socket.join_ref().as_json())?,
    };
    Ok(Reply::ok(known))
}

/// A token for whom the client names, as old as it likes.
pub(super) fn issue_token(said: &Said, socket: &Socket<'_, RoomChannel>) -> Outcome {
    #[derive(Deserialize)]
    struct Order {
        user_id: String,
        /// In seconds.
        signed_at: Option<u64>,
    }
    let Order { user_id, signed_at } = said.read()?;
    let at = match signed_at {
        Some(seconds) => UNIX_EPOCH + Duration::from_secs(seconds),
        None => SystemTime::now(),
    };
    let token = socket.assigns().services.tokens.sign_at(USER_SALT, user_id, at)?;
    Ok(Reply::ok(json!({ "token": token })))
}
