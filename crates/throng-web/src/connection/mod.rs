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
mod lease;
mod outbox;
mod queue;
mod rates;
mod waiting;
mod watch;

use std::{sync::Arc, time::Duration};

use throng_pubsub::PubSub;
use throng_runtime::{Ctx, Exit, ProcessId};

pub(crate) use self::{
    backlog::{InFlight, Loan},
    client::{Client, Start},
    end::End,
    outbox::{ChannelNews, Outbox},
    waiting::{Mark, Merge},
};
use self::{channels::Channels, lease::Lease, watch::ConnectionWatch};
use crate::{
    close::CloseReason,
    endpoint::{ChannelCount, Limits, Mounted, Registration, Session},
    fastlane,
    protocol::Serializer,
    telemetry::{self, Observers},
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
    pub(crate) observers: Observers,
    /// The size of the pages in which a client is told what it missed.
    pub(crate) page_bytes_max: usize,
    /// How long a channel may take to end, unless its type says otherwise.
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
    pub(crate) session: Arc<dyn Session>,
    pub(crate) serializer: Serializer,
    pub(crate) registration: Registration,
    pub(crate) mounted: Arc<Mounted>,
}

impl Accepted {
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        self.registration.outbox()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.mounted.limits
    }

    /// The life of the connection's process: open, serve, close.
    ///
    /// A block and not an `async fn`, which would keep a second place for each of its arguments as long as it lives.
    #[allow(clippy::manual_async_fn, reason = "an open connection should be small")]
    pub(crate) fn run<T: Transport>(
        self: Box<Self>,
        mut transport: Box<T>,
        mut ctx: Ctx,
    ) -> impl Future<Output = Exit> + Send {
        async move {
            let limits = &self.mounted.limits;
            let link = Arc::new(self.link(T::NAME, ctx.id()));
            let disconnect = fastlane::to_connection(link.outbox.clone());
            let _disconnects = link.id.clone().map(|id| link.pubsub.subscribe_with(&ctx, id, disconnect));
            let lease = self.session.is_live().then(|| Arc::new(Lease::new(self.session.expires_at())));
            let mut watch = ConnectionWatch::begin(&link);
            let mut client = Client::new(&mut ctx, &link, &self.session, lease.as_ref(), limits);
            let end = match lease.as_deref() {
                None => transport.serve(&mut client).await,
                // In a box of its own: most connections have no end that is known before.
                Some(lease) => Box::pin(serve_within(lease, &mut *transport, &mut client, &link)).await,
            };
            if let Some(watch) = &mut watch {
                watch.ended(&end, client.received());
            }
            let channels = client.into_channels();
            channels.close(matches!(end, End::Server(CloseReason::Restart { .. })));
            // What comes from now on is dropped; what was queued before may still be sent.
            link.outbox.close(end.as_reason());
            // In boxes of their own, which a connection that is open does not carry around.
            Box::pin(transport.close(&link.outbox, &end, limits)).await;
            link.outbox.shut();
            telemetry::connection_closed(link.id.as_deref(), &end.in_words());
            drop(watch);
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
            pubsub: self.mounted.shared.pubsub.clone(),
            id: self.session.id(),
            connection,
            channels: self.mounted.shared.channels.clone(),
            observers: self.mounted.shared.observers.clone(),
            page_bytes_max: self.mounted.limits.frame_bytes_max,
            channel_grace: self.mounted.limits.channel_grace,
        }
    }
}

/// Serves until the connection ends, and asks it to when the client's time is over.
async fn serve_within<T: Transport>(
    lease: &Lease,
    transport: &mut T,
    client: &mut Client<'_>,
    link: &Link,
) -> End {
    let notice = client.limits().expiry_notice;
    let mut serving = std::pin::pin!(transport.serve(client));
    tokio::select! {
        end = serving.as_mut() => end,
        () = lease.watch(link, notice) => serving.await,
    }
}
