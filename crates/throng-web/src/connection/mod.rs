//! What all transports share: one process per connection, which dispatches what its client sends; channels run beside it.
//!
//! ```text
//!              ┌───────────── one process ─────────────┐
//!   transport ─┼► Client ─► SocketState ─► channels ───┼─► their mailboxes ─► Channel::join, handle_in …
//!              │                                       │                          │ replies, pushes
//!   transport ◄┼─ Outbox ◄─────────────────────────────┼──────────────────────────┴─── broadcasts (fastlane)
//!              └───────────────────────────────────────┘
//! ```
//!
//! A transport moves frames and knows nothing of their meaning: [`Transport::serve`] feeds what it receives to the [`Client`]
//! and sends what waits in the [`Outbox`]. Joins run in the channels' own processes and hold up nothing else (§18.2), within
//! what may be in flight.

mod backlog;
mod bell;
mod channels;
mod client;
mod end;
mod outbox;
mod queue;
mod rates;

use std::{sync::Arc, time::Duration};

use throng_pubsub::PubSub;
use throng_runtime::{Ctx, Exit, ProcessId};

use self::channels::Channels;
pub(crate) use self::{
    backlog::{InFlight, Loan},
    client::{Client, Start},
    end::End,
    outbox::{ChannelNews, Outbox},
};
use crate::{
    endpoint::{ChannelCount, Limits, Registration, Session, Shared},
    fastlane,
    protocol::Serializer,
    telemetry,
};

/// What the channels of one connection share with it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) serializer: Serializer,
    /// The transport's name.
    pub(crate) transport: &'static str,
    pub(crate) pubsub: PubSub,
    /// The socket id.
    pub(crate) id: Option<Arc<str>>,
    /// The connection's process.
    pub(crate) connection: ProcessId,
    pub(crate) channels: Arc<ChannelCount>,
    /// How long a channel that is replaced may take to end.
    pub(crate) channel_grace: Duration,
}

/// Moves the frames of one client.
pub(crate) trait Transport: Send {
    /// What applications are told of it.
    const NAME: &'static str;

    /// Feeds the client and empties its outbox, until the connection ends. It is not dropped half-way, and must not drop
    /// [`Client::take`] half-way either: a channel may be starting, which would be killed, and not terminated, with it.
    ///
    /// It has to [take the news](Client::take_news) whenever they are [ready](Outbox::news_ready), and before each message;
    /// while the client [is behind](Client::is_behind), it should not be heard.
    fn serve(&mut self, client: &mut Client<'_>) -> impl Future<Output = End> + Send;

    /// Says goodbye in the way that the end asks for, within a bounded time. The outbox takes nothing new by then.
    fn close(self: Box<Self>, outbox: &Outbox, end: &End, limits: &Limits)
    -> impl Future<Output = ()> + Send;
}

/// A client that was let in, for a transport to serve.
pub(crate) struct Accepted {
    pub(crate) session: Box<dyn Session>,
    pub(crate) serializer: Serializer,
    pub(crate) registration: Registration,
    pub(crate) shared: Arc<Shared>,
}

impl Accepted {
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        self.registration.outbox()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The life of the connection's process: open, serve, close.
    ///
    /// A block and not an `async fn`, which would keep a second place for each of its arguments as long as it lives.
    pub(crate) fn run<T: Transport>(
        self: Box<Self>,
        mut transport: Box<T>,
        ctx: &mut Ctx,
    ) -> impl Future<Output = Exit> + Send {
        async move {
            let limits = &self.shared.limits;
            let link = Arc::new(self.link(T::NAME, ctx.id()));
            let disconnect = fastlane::to_connection(link.outbox.clone());
            let _disconnects = link.id.clone().map(|id| link.pubsub.subscribe_with(&*ctx, id, disconnect));
            let mut client = Client::new(ctx, &link, &*self.session, limits);
            let end = transport.serve(&mut client).await;
            let channels = client.into_channels();
            channels.close();
            // What comes from now on is dropped; what was queued before may still be sent.
            link.outbox.close(end.as_reason());
            // In boxes of their own, which a connection that is open does not carry around.
            Box::pin(transport.close(&link.outbox, &end, limits)).await;
            link.outbox.shut();
            telemetry::connection_closed(link.id.as_deref(), &end.in_words());
            // Its place is free for another client, though its channels may take a moment longer.
            drop(self.registration);
            Box::pin(channels.ended(ctx.node(), limits.channel_grace)).await;
            Exit::shutdown_with("closed")
        }
    }

    fn link(&self, transport: &'static str, connection: ProcessId) -> Link {
        Link {
            outbox: self.outbox().clone(),
            serializer: self.serializer,
            transport,
            pubsub: self.shared.pubsub.clone(),
            id: self.session.id(),
            connection,
            channels: self.shared.channels.clone(),
            channel_grace: self.shared.limits.channel_grace,
        }
    }
}
