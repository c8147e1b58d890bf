//! `room:*`: a channel that does what its client tells it, so that whatever a channel can do is seen from outside.

mod answers;
mod broadcasts;

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use throng::{prelude::*, web::Payload};

use crate::{caller::Caller, said::Said};

/// One client in one room.
#[derive(Debug)]
pub(crate) struct RoomChannel {
    /// Whether others are told that the client comes and goes.
    announces: bool,
    /// How often it was told to count.
    counted: u64,
}

impl Channel for RoomChannel {
    type Assigns = Caller;
    /// Of any kind: what it does not say has not been asked for.
    type Params = Payload;
    type Event = Said;

    const INTERCEPTS: &'static [&'static str] = &["intercepted", "hidden"];

    async fn join(params: Payload, socket: &mut Socket<'_, Self>) -> Result<Self, JoinError> {
        if socket.topic() == "room:private" {
            return Err(JoinError::unauthorized());
        }
        let params: Value = params.parse().unwrap_or_default();
        if let Some(delay) = params["delay_ms"].as_u64() {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if params["crash"] == true {
            panic!("the join was told to crash");
        }
        if is_truthy(&params["echo_join"]) {
            socket.reply_to_join(json!({ "echo": params }))?;
        }
        Ok(RoomChannel { announces: params["announce"] == true, counted: 0 })
    }

    async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        if self.announces {
            socket.broadcast("user_entered", json!({ "user": socket.assigns().user_id() }))?;
            socket.push("joined", json!({ "status": "connected" }))?;
        }
        Ok(())
    }

    async fn handle_in(&mut self, said: Said, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        match &*said.event {
            "new_msg" | "hidden" => broadcasts::to_all(&said, socket),
            "shout" => broadcasts::to_others(&said, socket),
            "bin_bcast" | "intercepted" => broadcasts::in_silence(&said, socket),
            "bulk_bcast" => broadcasts::in_bulk(&said, socket),
            "bcast_topic" => broadcasts::elsewhere(&said, socket),
            "disconnect_user" => broadcasts::disconnect(&said, socket),
            "echo" => Ok(Reply::ok(said.payload)),
            "echo_error" => Ok(Reply::error(said.payload)),
            "custom_status" => Ok(Reply::status("maybe", said.payload)),
            "status_only" => answers::status_only(&said),
            "bin_reply" => answers::longer_by_two(&said),
            "bin_push" => answers::push_back(&said, socket),
            "ping" => Ok(Reply::ack()),
            "noreply" => Ok(Reply::none()),
            "push_me" => answers::push(&said, socket),
            "seq" => answers::push_many(&said, socket),
            "count" => Ok(self.count()),
            "sleep" => answers::sleep(&said).await,
            "async_reply" => answers::later(&said, socket),
            "whoami" => answers::whoami(socket),
            "issue_token" => answers::issue_token(&said, socket),
            "crash" => panic!("the channel was told to crash"),
            "stop_normal" => Err(Exit::Normal),
            "stop_reply" => Ok(Reply::ok(json!({ "bye": true })).then_stop(Exit::Shutdown)),
            "stop_abnormal" => Err(Exit::other("the channel was told to stop")),
            _ => Err(said.unheard()),
        }
    }

    /// Each client gets `intercepted` with its own name in it, and nobody gets `hidden` (§6.3).
    async fn handle_out(&mut self, broadcast: &Broadcast, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        if broadcast.event() == "intercepted" {
            let mut payload: Value = broadcast.payload().parse()?;
            payload["for"] = socket.assigns().user_id().clone();
            socket.push("intercepted", payload)?;
        }
        Ok(())
    }

    async fn terminate(&mut self, _: &Exit, socket: &mut Socket<'_, Self>) {
        if self.announces {
            // The channel ends whether or not others hear of it.
            let _ = socket.broadcast_from("user_left", json!({ "user": socket.assigns().user_id() }));
        }
    }
}

impl RoomChannel {
    fn count(&mut self) -> Reply {
        self.counted += 1;
        Reply::ok(json!({ "n": self.counted }))
    }
}

/// How many of something.
#[derive(Debug, Deserialize)]
struct Many {
    n: u64,
}

/// As Elixir sees it: everything but nothing and no.
fn is_truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}
