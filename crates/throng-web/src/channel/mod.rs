//! Channels: one process per joined topic of a connection.

mod custom;
mod event;
mod opening;
mod presence;
mod replaced;
mod reply;
mod route;
mod server;
mod socket;

use std::time::Duration;

use serde::de::DeserializeOwned;
use throng_pubsub::Broadcast;
use throng_runtime::{Exit, Handled, Message};

pub(crate) use self::{
    custom::CustomRoute,
    replaced::Replaced,
    route::{ChannelProcess, JoinRequest, Route, Start, StartChannel, Starting},
    server::{ChannelServer, Inbound},
};
pub use self::{
    custom::{ClientEvent, ClientLeave, CustomJoin, CustomSocket, FromClient},
    presence::SocketTrackError,
    reply::{JoinError, Reply, SocketRef},
    socket::{ChannelPid, PushError, Socket},
};
use crate::WhenSlow;

/// A topic's server side for one client that joined it; the [crate's front page](crate) shows one at work.
///
/// It is a process: it handles one thing at a time, and its crash reaches nobody else. The client is told (`phx_error`)
/// and rejoins. Its life ends with its connection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a channel",
    note = "write `impl Channel for {Self}`, with `join` and `handle_in`"
)]
pub trait Channel: Sized + Send + 'static {
    /// What the connection knows of its client, as the socket's connect function returned it; each channel has a copy.
    type Assigns: Clone + Send + Sync + 'static;

    /// What a client says when it joins: a type of JSON, or [`Binary`](crate::Binary). The join is refused when its payload
    /// does not deserialize as one.
    type Params: DeserializeOwned + Send;

    /// What a client may send: an enum with `#[serde(tag = "event", content = "payload")]` has a variant per event, and
    /// anything else is answered with an error; a struct with the fields `event` and `payload` takes all. A variant that
    /// holds a [`Binary`](crate::Binary) takes bytes, and a [`Payload`](crate::Payload) both (§3.2).
    type Event: DeserializeOwned + Send;

    /// Events that, when broadcast on the topic, come to [`Channel::handle_out`] instead of the client.
    const INTERCEPTS: &'static [&'static str] = &[];

    /// Whether clients that come back get what they missed, where the topic has a [`History`](throng_pubsub::History) (§18.6).
    ///
    /// The reply to a join then has a `history`: where the client is, and what came since the place that it names in the
    /// parameter `since`. The events that a client sends with a `_message_id` are handled once, however often they are sent. The
    /// application sees neither of the two fields.
    const RECOVERS: bool = false;

    /// What becomes of events, broadcast or pushed, for a client that reads more slowly than it is written to (§18.3). Events
    /// that are not named wait, and end the connection when too much does.
    const WHEN_SLOW: &'static [(&'static str, WhenSlow)] = &[];

    /// How long a channel of this type may take to end before it is killed, where [`Limits::channel_grace`] does not fit: its
    /// [`terminate`](Channel::terminate) saves what must not be lost, say (§5.7).
    ///
    /// [`Limits::channel_grace`]: crate::Limits::channel_grace
    const GRACE: Option<Duration> = None;

    /// Decides whether the client may join, and makes the channel's state (§4.2).
    ///
    /// Broadcasts reach the client from the moment this has returned; pushes are possible from then on.
    /// [`Socket::reply_to_join`] gives the reply a payload.
    ///
    /// # Errors
    ///
    /// [`JoinError`]: refused with a response, or crashed.
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed.
    fn join(
        params: Self::Params,
        socket: &mut Socket<'_, Self>,
    ) -> impl Future<Output = Result<Self, JoinError>> + Send;

    /// Runs right after the join was answered, before any event: the place for pushes that a new member needs.
    ///
    /// # Errors
    ///
    /// A clean reason closes the channel, any other is a crash.
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed.
    fn joined(&mut self, socket: &mut Socket<'_, Self>) -> impl Future<Output = Result<(), Exit>> + Send {
        let _ = socket;
        async { Ok(()) }
    }

    /// Handles one event of the client.
    ///
    /// # Errors
    ///
    /// A clean reason closes the channel, any other is a crash (§7.3); neither answers.
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed.
    fn handle_in(
        &mut self,
        event: Self::Event,
        socket: &mut Socket<'_, Self>,
    ) -> impl Future<Output = Result<Reply, Exit>> + Send;

    /// Handles a broadcast of an intercepted event: pushes it, changed or not, or drops it (§6.3).
    ///
    /// # Errors
    ///
    /// As [`Channel::handle_in`].
    ///
    /// # Cancel safety
    ///
    /// As [`Channel::handle_in`].
    fn handle_out(
        &mut self,
        broadcast: &Broadcast,
        socket: &mut Socket<'_, Self>,
    ) -> impl Future<Output = Result<(), Exit>> + Send {
        async move { Ok(socket.push(broadcast.event(), broadcast.payload())?) }
    }

    /// Whether this client is shown a broadcast that it missed: all of them, unless told otherwise (§18.6).
    ///
    /// Whoever may join may ask for all that the topic's history keeps, also for what was said before it ever joined. Events that
    /// the channel intercepts go through [`Channel::handle_out`] after this.
    fn replays(&self, missed: &Broadcast, socket: &Socket<'_, Self>) -> bool {
        let _ = (missed, socket);
        true
    }

    /// Runs before an orderly end: a leave, a stop, a crash of this code, the end of the connection. Not on a kill.
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed: after the end of the connection it has
    /// [some time](crate::Limits::channel_grace).
    fn terminate(&mut self, reason: &Exit, socket: &mut Socket<'_, Self>) -> impl Future<Output = ()> + Send {
        let _ = (reason, socket);
        async {}
    }
}

/// A channel's answer to messages from other processes, sent to its [`ChannelPid`].
///
/// [`Down`](throng_runtime::Down) is one of them: it comes for what [`Socket::monitor`] watches.
#[diagnostic::on_unimplemented(
    message = "the channel `{Self}` does not handle `{M}`",
    note = "write `impl ChannelHandler<{M}> for {Self}`"
)]
pub trait ChannelHandler<M: Message>: Channel {
    /// Handles one message, with its client's socket at hand.
    ///
    /// # Errors
    ///
    /// A clean reason closes the channel, any other is a crash.
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed.
    fn handle(
        &mut self,
        message: M,
        socket: &mut Socket<'_, Self>,
    ) -> impl Future<Output = Handled<M>> + Send;
}
