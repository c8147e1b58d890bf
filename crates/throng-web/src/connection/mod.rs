//! One process per connection: it reads, dispatches and writes; channels run beside it.
//!
//! ```text
//!   socket ─► reader ─► SocketState ─► channels' mailboxes ─► Channel::join, handle_in …
//!                                                                   │ replies, pushes
//!   socket ◄─ writer ◄───────────── outbox ◄────────────────────────┴─── broadcasts (fastlane)
//! ```
//!
//! Reading and writing are two halves of one process, so that a client which does not read is still heard, and closed in
//! time. Joins run in the channels' own processes and hold up nothing else (§18.2), within what may be in flight.

mod backlog;
mod channels;
mod closing;
mod meter;
mod outbox;
mod queue;
mod reader;
mod writer;

use std::{borrow::Cow, sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use throng_pubsub::PubSub;
use throng_runtime::{Ctx, Exit, ProcessId};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};

pub(crate) use self::{
    backlog::{InFlight, Loan},
    outbox::{ChannelNews, Outbox},
};
use self::{channels::Channels, meter::Metered, reader::Reader};
use crate::{
    close::CloseReason,
    endpoint::{ChannelCount, Limits, Mounted, Registration, Session},
    fastlane, telemetry,
};

/// What is gathered before it is written.
const WRITE_BUFFER_BYTES: usize = 4096;

type Stream = WebSocketStream<Metered<TokioIo<Upgraded>>>;
type Source = SplitStream<Stream>;
type Sink = SplitSink<Stream, Message>;

/// What the channels of one connection share with it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) pubsub: PubSub,
    /// The socket id.
    pub(crate) id: Option<Arc<str>>,
    /// The connection's process.
    pub(crate) connection: ProcessId,
    pub(crate) channels: Arc<ChannelCount>,
    /// How long a channel that is replaced may take to end.
    pub(crate) channel_grace: Duration,
}

/// A connection that was accepted and waits for its upgrade.
pub(crate) struct Accepted {
    pub(crate) upgrade: OnUpgrade,
    pub(crate) session: Box<dyn Session>,
    pub(crate) registration: Registration,
    pub(crate) mounted: Arc<Mounted>,
}

/// How a connection came to its end.
#[derive(Debug)]
enum End {
    /// The server closes it.
    Server(CloseReason),
    /// The client said goodbye.
    Client,
    /// The transport broke.
    Gone,
}

impl Accepted {
    /// The life of the connection's process.
    pub(crate) async fn run(self, mut ctx: Ctx) -> Exit {
        let Accepted { upgrade, session, registration, mounted } = self;
        let (shared, limits) = (&mounted.shared, &mounted.limits);
        let Ok(Ok(upgraded)) = tokio::time::timeout(limits.upgrade_timeout, upgrade).await else {
            return Exit::shutdown_with("upgrade failed");
        };
        let outbox = registration.outbox().clone();
        let io = Metered::new(TokioIo::new(upgraded), outbox.clone(), limits.message_rate);
        let incomplete = io.incomplete();
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(buffers(limits))).await;
        let link = Arc::new(Link {
            outbox,
            pubsub: shared.pubsub.clone(),
            id: session.id(),
            connection: ctx.id(),
            channels: shared.channels.clone(),
            channel_grace: limits.channel_grace,
        });
        let disconnect = fastlane::to_connection(link.outbox.clone());
        let _disconnects = session.id().map(|id| shared.pubsub.subscribe_with(&ctx, id, disconnect));
        let (mut sink, mut source) = stream.split();
        let reader = Reader::new(&mut ctx, &link, &*session, limits, incomplete);
        let (end, channels) = serve(reader, &link.outbox, limits, &mut sink, &mut source).await;
        channels.close();
        // In a box of its own, which a connection that is open does not carry around.
        Box::pin(closing::close(sink, source, &link.outbox, &end, limits)).await;
        telemetry::connection_closed(link.id.as_deref(), &end.in_words());
        // Its place is free for another client, though its channels may take a moment longer.
        drop(registration);
        channels.ended(ctx.node(), limits.channel_grace).await;
        Exit::shutdown_with("closed")
    }
}

/// Serves until either half ends; hands back the channels that live on.
///
/// The reader is never dropped half-way: it may be starting a channel, which would be killed, and not terminated, with it.
/// When the writer ends first, the reader is told and comes to its end by itself.
async fn serve(
    mut reader: Reader<'_>,
    outbox: &Outbox,
    limits: &Limits,
    sink: &mut Sink,
    source: &mut Source,
) -> (End, Channels) {
    let end = {
        let mut reading = std::pin::pin!(reader.run(source));
        tokio::select! {
            end = reading.as_mut() => end,
            end = writer::run(sink, outbox, limits.write_timeout) => {
                outbox.close(end.as_reason());
                let _: End = reading.await;
                end
            }
        }
    };
    (end, reader.into_channels())
}

impl End {
    /// As the reason with which the outbox stops.
    fn as_reason(&self) -> CloseReason {
        match self {
            End::Server(reason) => reason.clone(),
            End::Client | End::Gone => CloseReason::Internal,
        }
    }

    fn in_words(&self) -> Cow<'static, str> {
        match self {
            End::Server(reason) => reason.text(),
            End::Client => "closed by the client".into(),
            End::Gone => "connection lost".into(),
        }
    }
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> End {
        End::Server(reason)
    }
}

/// Buffers that cost an idle connection little; the library's defaults take 128 KiB each.
///
/// The library queues an answer for each ping while the client does not read: such a client may have as many bytes of
/// them waiting as of frames. What the outbox hands over always fits beside them.
fn buffers(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(
            limits.outbound_bytes_max.saturating_add(WRITE_BUFFER_BYTES + 2 * queue::FRAGMENT_BYTES_MAX),
        )
        .max_message_size(Some(limits.frame_bytes_max))
        .max_frame_size(Some(limits.frame_bytes_max))
}
