//! Clients of channels, without a socket: a test speaks to an endpoint as a client does, and waits for what it hears.
//!
//! Payloads are JSON. What a test expects of one is a pattern: an object fits when it has at least the pattern's fields, as in a
//! `match`; everything else has to be equal.

mod channel;
mod pattern;
mod query;
mod socket;
mod wire;

pub use serde_json::{Value, json};

pub use self::{
    channel::{JoinRefused, TestChannel, TestReply},
    socket::{Refused, TestSocket},
};

/// Waits until a channel's client hears an event with a payload that fits, and gives the payload. What comes before stays for
/// later. Without a payload, any will do.
///
/// It may have been pushed or broadcast: clients cannot tell. [`assert_broadcast!`](crate::assert_broadcast) can.
///
/// ```
/// # use serde_json::Value;
/// # use throng_runtime::Exit;
/// # use throng_web::{Channel, Endpoint, JoinError, PubSub, Reply, Socket, SocketRouter};
/// # use throng_test::{TestNode, TestSocket, assert_push, json, refute_push};
/// # struct Room;
/// # #[derive(serde::Deserialize)] struct Said { event: String, payload: Value }
/// # impl Channel for Room {
/// #     type Assigns = (); type Params = Value; type Event = Said;
/// #     async fn join(_: Value, _: &mut Socket<'_, Self>) -> Result<Self, JoinError> { Ok(Room) }
/// #     async fn handle_in(&mut self, said: Said, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
/// #         socket.broadcast(&said.event, said.payload)?;
/// #         Ok(Reply::ack())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (node, pubsub) = (TestNode::new(), PubSub::new());
/// # let sockets = SocketRouter::new(async |_| Ok(())).channel::<Room>("room:*");
/// # let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build()?;
/// let client = TestSocket::connect(&endpoint, "/socket", json!({})).await?;
/// let mut room = client.join("room:1", json!({})).await?;
/// room.push("shout", json!({ "body": "hi", "loud": true })).await.assert_ok(json!({}));
/// let heard = assert_push!(room, "shout", { "body": "hi" });
/// assert_eq!(heard["loud"], true);
/// refute_push!(room, "shout");
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// When no such thing comes in time, with what came instead.
#[macro_export]
macro_rules! assert_push {
    ($channel:expr, $event:expr $(,)?) => {
        $channel.expect_push($event, $crate::json!({})).await
    };
    ($channel:expr, $event:expr, $($payload:tt)+) => {
        $channel.expect_push($event, $crate::json!($($payload)+)).await
    };
}

/// Checks that a channel's client has heard no such event so far. It waits for no time: to be sure that something has had its
/// chance, wait for what comes after it, a reply say.
///
/// # Panics
///
/// When it has.
#[macro_export]
macro_rules! refute_push {
    ($channel:expr, $event:expr $(,)?) => {
        $channel.refuse_push($event, $crate::json!({})).await
    };
    ($channel:expr, $event:expr, $($payload:tt)+) => {
        $channel.refuse_push($event, $crate::json!($($payload)+)).await
    };
}

/// As [`assert_push!`](crate::assert_push), for what was broadcast to all of the topic.
///
/// # Panics
///
/// When no such thing comes in time, with what came instead.
#[macro_export]
macro_rules! assert_broadcast {
    ($channel:expr, $event:expr $(,)?) => {
        $channel.expect_broadcast($event, $crate::json!({})).await
    };
    ($channel:expr, $event:expr, $($payload:tt)+) => {
        $channel.expect_broadcast($event, $crate::json!($($payload)+)).await
    };
}
