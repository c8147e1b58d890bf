//! What observers are told: one type for each thing that happens, with its measurements and what they are of.

use std::{borrow::Cow, fmt, time::Duration};

use serde_json::Value;
use throng_runtime::Exit;

use super::Filter;
use crate::{OutboundCounts, Params, protocol::Payload};

/// Something that happened to a socket, a channel or a topic.
///
/// | event | what Phoenix calls it |
/// |---|---|
/// | `socket.connected` | `socket_connected`, if the application was asked |
/// | `socket.refused`, `socket.disconnected` | |
/// | `socket.drain` | `socket_drain` |
/// | `channel.joined`, `channel.handled_in` | `channel_joined`, `channel_handled_in` |
/// | `channel.ended` | |
/// | `broadcast`, `presence.tracked` | |
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The application let a client in, or did not.
    SocketConnected(SocketConnected<'a>),
    /// A client was turned away before the application was asked.
    SocketRefused(SocketRefused<'a>),
    /// A connection has ended.
    SocketDisconnected(SocketDisconnected<'a>),
    /// A batch of connections is asked to come back elsewhere.
    SocketDrain(SocketDrain),
    /// A channel's join was answered.
    ChannelJoined(ChannelJoined<'a>),
    /// A channel handled an event of its client.
    ChannelHandledIn(ChannelHandledIn<'a>),
    /// A channel that was joined has ended.
    ChannelEnded(ChannelEnded<'a>),
    /// A broadcast was handed to the subscribers on this node.
    Broadcast(FanOut<'a>),
    /// A channel shows its client in a presence.
    PresenceTracked(PresenceTracked<'a>),
}

impl Event<'_> {
    /// Its name, for metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Event::SocketConnected(_) => "socket.connected",
            Event::SocketRefused(_) => "socket.refused",
            Event::SocketDisconnected(_) => "socket.disconnected",
            Event::SocketDrain(_) => "socket.drain",
            Event::ChannelJoined(_) => "channel.joined",
            Event::ChannelHandledIn(_) => "channel.handled_in",
            Event::ChannelEnded(_) => "channel.ended",
            Event::Broadcast(_) => "broadcast",
            Event::PresenceTracked(_) => "presence.tracked",
        }
    }
}

/// See [`Event::SocketConnected`].
#[derive(Debug)]
#[non_exhaustive]
pub struct SocketConnected<'a> {
    /// How long the application took.
    pub duration: Duration,
    /// The path of the request.
    pub path: &'a str,
    /// `websocket` or `longpoll`.
    pub transport: &'static str,
    /// The version of the protocol: `1.0.0` or `2.0.0`.
    pub vsn: &'static str,
    /// The socket id, of a client that was let in and has one.
    pub id: Option<&'a str>,
    /// The connect parameters.
    pub params: Parameters<'a>,
    /// Why the client was refused, if it was.
    pub result: Result<(), &'a str>,
}

/// See [`Event::SocketRefused`].
#[derive(Debug)]
#[non_exhaustive]
pub struct SocketRefused<'a> {
    /// The path of the request.
    pub path: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// Why, in words.
    pub reason: &'a str,
}

/// See [`Event::SocketDisconnected`].
#[derive(Debug)]
#[non_exhaustive]
pub struct SocketDisconnected<'a> {
    /// How long the connection was open.
    pub duration: Duration,
    /// `websocket` or `longpoll`.
    pub transport: &'static str,
    /// The socket id.
    pub id: Option<&'a str>,
    /// Why it ended, in words.
    pub reason: Cow<'static, str>,
    /// The close code that the server sent, if it was the server that closed.
    pub code: Option<u16>,
    /// What the client sent.
    pub received: Traffic,
    /// What was sent to the client, without the transport's own framing.
    pub sent: Traffic,
    /// The largest number of bytes that ever waited for the client.
    pub queued_bytes_peak: usize,
    /// Frames that were dropped at the end: the client did not read them, or had gone.
    pub frames_dropped: u64,
    /// What was done with events because the client was slow.
    pub outbound: OutboundCounts,
}

/// Messages in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// How many.
    pub messages: u64,
    /// How large they were together.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// See [`Event::SocketDrain`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SocketDrain {
    /// Connections in this batch.
    pub count: usize,
    /// Connections in all batches.
    pub total: usize,
    /// The number of this batch, from one on.
    pub index: usize,
    /// How many batches there are.
    pub rounds: usize,
    /// The time between two.
    pub interval: Duration,
}

/// See [`Event::ChannelJoined`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ChannelJoined<'a> {
    /// How long it took to answer, the start of the channel's process included.
    pub duration: Duration,
    /// The topic.
    pub topic: &'a str,
    /// The socket id.
    pub id: Option<&'a str>,
    /// What the client said when it joined.
    pub params: Parameters<'a>,
    /// What became of the join.
    pub result: JoinResult<'a>,
}

/// What became of a join.
#[derive(Clone, Copy, Debug)]
pub enum JoinResult<'a> {
    /// The client was let in.
    Ok,
    /// The channel refused the client.
    Refused,
    /// The channel ended before it had answered.
    Crashed(&'a Exit),
}

/// See [`Event::ChannelHandledIn`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChannelHandledIn<'a> {
    /// How long it took.
    pub duration: Duration,
    /// The topic.
    pub topic: &'a str,
    /// The event's name, as the client sent it: any text, so no label of a metric by itself.
    pub event: &'a str,
    /// The socket id.
    pub id: Option<&'a str>,
}

/// See [`Event::ChannelEnded`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChannelEnded<'a> {
    /// How long it was joined.
    pub duration: Duration,
    /// The topic.
    pub topic: &'a str,
    /// The socket id.
    pub id: Option<&'a str>,
    /// Why.
    pub reason: &'a Exit,
}

impl ChannelEnded<'_> {
    /// Whether the client left of its own.
    pub fn is_leave(&self) -> bool {
        matches!(self.reason, Exit::ShutdownWith(why) if **why == *"left")
    }

    /// Whether it was a crash, or was killed.
    pub fn is_crash(&self) -> bool {
        !self.reason.is_clean()
    }
}

/// See [`Event::Broadcast`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FanOut<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The event.
    pub event: &'a str,
    /// The size of its payload.
    pub bytes: usize,
    /// How many subscriptions of this node it was handed to.
    pub deliveries: usize,
}

/// See [`Event::PresenceTracked`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PresenceTracked<'a> {
    /// The presence's name.
    pub presence: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// How many are present there now.
    pub size: usize,
}

/// Parameters of a client, shown without what should not be seen.
#[derive(Clone, Copy)]
pub struct Parameters<'a> {
    pub(super) of: Source<'a>,
    pub(super) filter: &'a Filter,
}

#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Query(&'a Params),
    Join(&'a Payload),
}

impl Parameters<'_> {
    /// The parameters, [filtered](Filter); bytes are shown as their number.
    pub fn to_json(&self) -> Value {
        let value = match self.of {
            Source::Query(params) => Value::Object(params.clone().into_map()),
            Source::Join(payload) if payload.is_binary() => return payload.as_wire().len().into(),
            Source::Join(payload) => payload.parse().unwrap_or(Value::Null),
        };
        self.filter.apply(value)
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_json(), f)
    }
}
