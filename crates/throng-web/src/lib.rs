//! Sockets and channels over WebSocket, for the clients of Phoenix: `phoenix.js` and its kin connect unmodified. Health
//! endpoints, graceful shutdown, and signed tokens that Phoenix reads and writes.
//!
//! A *socket type* ([`SocketRouter`]) says who may connect and which topics lead to which channels. A [`Channel`] is the
//! server's side of one topic for one client: a process of its own, which joins, handles events, pushes and replies. An
//! [`Endpoint`] is socket types mounted at paths, with limits; it listens by itself, under a supervisor, or hangs in a
//! [router of your own](#in-a-router-of-your-own).
//!
//! ```text
//!   browser ══ WebSocket ══ connection ──┬── channel room:1 ──┐
//!                            (process)   └── channel room:2 ──┤ (a process each)
//!   browser ══ WebSocket ══ connection ───── channel room:1 ──┤
//!                                ▲                            ▼ broadcast
//!                                └──────── fastlane ────── PubSub ◄──► your processes, other nodes
//! ```
//!
//! # A chat room
//!
//! ```
//! use serde::Deserialize;
//! use serde_json::json;
//! use throng_runtime::{Exit, Node};
//! use throng_web::{Channel, Endpoint, JoinError, PubSub, Refusal, Reply, Socket, SocketRouter};
//!
//! /// A room, as one of its members knows it.
//! struct Room;
//!
//! /// What a member may send: `push("shout", {body: "…"})`.
//! #[derive(Deserialize)]
//! #[serde(tag = "event", content = "payload", rename_all = "snake_case")]
//! enum RoomIn {
//!     Shout { body: String },
//!     Ping,
//! }
//!
//! impl Channel for Room {
//!     type Assigns = String; // what the socket knows of its client: a name
//!     type Params = ();      // what a client says when it joins
//!     type Event = RoomIn;   // anything else is refused at the door
//!
//!     async fn join(_: (), socket: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
//!         match socket.topic() {
//!             "room:secret" => Err(JoinError::unauthorized()),
//!             _ => Ok(Room),
//!         }
//!     }
//!
//!     async fn handle_in(&mut self, event: RoomIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
//!         match event {
//!             RoomIn::Shout { body } if body.len() > 500 => Ok(Reply::refused("too long")),
//!             RoomIn::Shout { body } => {
//!                 socket.broadcast("shout", json!({ "by": socket.assigns(), "body": body }))?;
//!                 Ok(Reply::ack())
//!             }
//!             RoomIn::Ping => Ok(Reply::ok("pong")),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sockets = SocketRouter::new(async |info| {
//!     // Trust a signed token (see `Tokens`) rather than a bare name.
//!     info.params.text("name").map(str::to_owned).ok_or(Refusal::FORBIDDEN)
//! })
//! .channel::<Room>("room:*");
//!
//! let (node, pubsub) = (Node::new("chat"), PubSub::new());
//! let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build()?;
//! // Under a supervisor: `.child(endpoint.listen(addr))`.
//! node.start(endpoint.listen(([127, 0, 0, 1], 0))).await?;
//! println!("ws://{}/socket/websocket", endpoint.local_addr().ok_or("not listening")?);
//! # use futures_util::{SinkExt, StreamExt};
//! # use tokio_tungstenite::{connect_async, tungstenite::Message};
//! # let addr = endpoint.local_addr().ok_or("not listening")?;
//! # assert!(connect_async(format!("ws://{addr}/socket/websocket?vsn=2.0.0")).await.is_err());
//! # let (mut client, _) = connect_async(format!("ws://{addr}/socket/websocket?name=ada&vsn=2.0.0")).await?;
//! # for (sent, expected) in [
//! #     (r#"["1","1","room:1","phx_join",{}]"#, r#"["1","1","room:1","phx_reply",{"status":"ok","response":{}}]"#),
//! #     (r#"["1","2","room:1","ping",{}]"#, r#"["1","2","room:1","phx_reply",{"status":"ok","response":"pong"}]"#),
//! #     (r#"["1","3","room:1","shout",{"body":"hi"}]"#, r#"[null,null,"room:1","shout",{"body":"hi","by":"ada"}]"#),
//! # ] {
//! #     client.send(Message::text(sent)).await?;
//! #     assert_eq!(client.next().await.ok_or("closed")??.to_text()?, expected);
//! # }
//! # Ok(()) }
//! ```
//!
//! In the browser:
//!
//! ```js
//! const socket = new Socket("/socket", { params: { name: "ada" } });
//! socket.connect();
//! const room = socket.channel("room:1");
//! room.on("shout", ({ by, body }) => console.log(`${by}: ${body}`));
//! room.join().receive("ok", () => room.push("shout", { body: "hello" }));
//! ```
//!
//! # In a router of your own
//!
//! ```
//! # use std::net::SocketAddr;
//! use axum::{Router, routing::get};
//! # use throng_runtime::Node;
//! # use throng_web::{Endpoint, PubSub, SocketRouter};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (node, pubsub) = (Node::new("chat"), PubSub::new());
//! # let sockets = SocketRouter::new(async |_| Ok(()));
//! let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build()?;
//! let app = Router::new().route("/", get(async || "home")).merge(endpoint.router());
//!
//! # let shutdown_signal = async || ();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
//!     .with_graceful_shutdown(async move {
//!         shutdown_signal().await;
//!         // Refuses new sockets, closes the others in paced batches, and waits for them.
//!         endpoint.drain().await;
//!     })
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # Who is here
//!
//! Topics are those of the [`PubSub`] that the endpoint was built with: share it with your own processes, and they broadcast
//! to clients and hear them. A [`Presence`](throng_pubsub::Presence) over the same `PubSub` shows who is on a topic:
//!
//! ```
//! # use serde_json::json;
//! # use throng_pubsub::Presence;
//! # use throng_runtime::Exit;
//! # use throng_web::{Channel, JoinError, Reply, Socket};
//! # #[derive(Clone)] struct User { name: String, presence: Presence }
//! # struct Room;
//! # impl Channel for Room {
//! #     type Assigns = User; type Params = (); type Event = serde_json::Value;
//! #     async fn join(_: (), _: &mut Socket<'_, Self>) -> Result<Self, JoinError> { Ok(Room) }
//! #     async fn handle_in(&mut self, _: serde_json::Value, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> { Ok(Reply::none()) }
//! // Runs right after the join was answered; the presence ends with the channel.
//! async fn joined(&mut self, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
//!     let User { name, presence } = socket.assigns();
//!     socket.track(presence, name.as_str(), json!({ "typing": false }))?;
//!     socket.push_presence_state(presence)?;
//!     Ok(())
//! }
//! # }
//! ```
//!
//! # What holds
//!
//! - Frames of a connection are dispatched in the order of their arrival, and those of one topic handled in it. A join, or an
//!   event, that takes its time holds up its own topic alone, as long as no more waits behind it than a connection may have
//!   in flight: 128 events, or a mebibyte of them. Beyond that the connection is not read until the channel has caught up,
//!   and closed if it does not within the idle timeout. What a channel pushes, broadcasts and replies arrives in the order
//!   of the program.
//! - A channel that crashes is told to its client, which rejoins; its connection and its siblings do not notice.
//! - Everything is bounded ([`Limits`]): frames, topics, rates, events in flight, and what waits for a client that does not
//!   read. Who exceeds a bound is told, or closed with a code that says why ([`CloseReason`]), and nobody else is harmed.
//! - The server never closes with code 1000 of its own: clients would not come back.
//!
//! Rules are named after the sections of the protocol's description (§4.3); what Phoenix' clients cannot tell apart may be done
//! differently: an unknown event is answered with an error and does not crash the channel, joins do not block the connection,
//! and a drain refuses new sockets first.
//!
//! Ids in parentheses, such as `(§4.3)`, are those of the rules in the guide (crate `throng`).
#![forbid(unsafe_code)]

/// The axum whose [`Router`](axum::Router)s an endpoint takes and gives: an application that uses this one cannot have
/// another major version by mistake.
pub use axum;

mod channel;
mod close;
mod connection;
mod endpoint;
mod fastlane;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod longpoll;
mod memory;
mod origin;
mod params;
mod protocol;
mod rate;
mod recovery;
mod routing;
mod server_api;
mod slow;
mod small_map;
mod socket;
pub mod telemetry;
mod token;
mod vsn;
mod websocket;

pub use channel::{
    Channel, ChannelHandler, ChannelPid, ClientEvent, ClientLeave, CustomJoin, CustomSocket, FromClient,
    JoinError, PushError, Reply, Socket, SocketRef, SocketTrackError,
};
pub use close::CloseReason;
pub use endpoint::{
    ConnectInfo, Cookies, Drain, Endpoint, EndpointBuilder, EndpointError, Limits, ListenError, Listener,
    Mount, Refusal, Revocations, SocketRouter, TokenGate,
};
pub use longpoll::LongPoll;
pub use memory::{MemorySocket, SocketClosed, SocketFrame};
pub use origin::{CheckOrigin, Origin, OriginPattern, OriginPatternError};
pub use params::{Params, ParamsError};
pub use protocol::Ref;
pub use rate::Quota;
pub use routing::{TopicPattern, TopicPatternError};
pub use server_api::{ServerApi, WeakKey};
pub use slow::{OutboundCounts, WhenSlow};
pub use throng_pubsub::{Binary, Broadcast, BroadcastError, IntoPayload, Payload, PayloadError, PubSub};
pub use token::{Digest, MaxAge, SignError, Term, TokenData, TokenError, Tokens, Validity, WeakSecret};
pub use websocket::Compress;
