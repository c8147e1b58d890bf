//! One process per connection: it reads, dispatches and writes; channels run beside it.
//!
//! Reading and writing are two halves of one process, so that a client which does not read is still heard, and closed in
//! time. Joins run in the channels' own processes and hold up nothing else (§18.2).

mod closing;
mod outbox;
mod reader;
mod writer;

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{SplitSink, SplitStream};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use throng_runtime::{Ctx, Exit, ProcessId};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

pub(crate) use self::outbox::{ChannelNews, InFlight, Outbox};
use self::reader::Reader;
use crate::close::CloseReason;
use crate::endpoint::{ChannelCount, Limits, Registration, Session, Shared};
use crate::fanout::{Fanout, Subscriber};
use crate::telemetry;

type Stream = WebSocketStream<TokioIo<Upgraded>>;
type Source = SplitStream<Stream>;
type Sink = SplitSink<Stream, Message>;

/// What the channels of one connection share with it.
#[derive(Debug)]
pub struct Link {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) fanout: Fanout,
    /// The socket id.
    pub(crate) id: Option<Arc<str>>,
    /// The connection's process.
    pub(crate) connection: ProcessId,
    pub(crate) channels: Arc<ChannelCount>,
}

/// A connection that was accepted and waits for its upgrade.
pub(crate) struct Accepted {
    pub(crate) upgrade: OnUpgrade,
    pub(crate) session: Box<dyn Session>,
    pub(crate) registration: Registration,
    pub(crate) shared: Arc<Shared>,
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

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> End {
        End::Server(reason)
    }
}

impl Accepted {
    /// The life of the connection's process.
    pub(crate) async fn run(self, mut ctx: Ctx) -> Exit {
        let Accepted { upgrade, session, registration, shared } = self;
        let limits = &shared.limits;
        let Ok(Ok(upgraded)) = tokio::time::timeout(limits.upgrade_timeout, upgrade).await else {
            return Exit::shutdown_with("upgrade failed");
        };
        let io = TokioIo::new(upgraded);
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(buffers(limits))).await;
        let link = Arc::new(Link {
            outbox: registration.outbox().clone(),
            fanout: shared.fanout.clone(),
            id: session.id(),
            connection: ctx.id(),
            channels: shared.channels.clone(),
        });
        // Dropped, and with it the subscription, when the connection ends.
        let _disconnects = link
            .id
            .as_ref()
            .map(|id| link.fanout.subscribe(id, Subscriber::connection(ctx.id(), link.outbox.clone())));
        let end = serve(&mut ctx, &link, &*session, limits, stream).await;
        telemetry::connection_closed(link.id.as_deref(), &end_in_words(&end));
        match end {
            End::Server(CloseReason::Internal) => Exit::other("connection failed"),
            _ => Exit::shutdown_with("closed"),
        }
    }
}

/// Serves until either half ends, then closes in the way that the end asks for.
async fn serve(
    ctx: &mut Ctx,
    link: &Arc<Link>,
    session: &dyn Session,
    limits: &Limits,
    stream: Stream,
) -> End {
    let (mut sink, mut source) = stream.split();
    let end = {
        let mut reader = Reader::new(ctx, link, session, limits);
        tokio::select! {
            end = reader.run(&mut source) => end,
            end = writer::run(&mut sink, &link.outbox, limits.write_timeout) => end,
        }
    };
    closing::close(sink, source, &link.outbox, &end, limits).await;
    end
}

/// Buffers that cost an idle connection little; the library's defaults take 128 KiB each.
fn buffers(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(4096)
        .max_write_buffer_size(limits.outbound_bytes_max.saturating_add(8192))
        .max_message_size(Some(limits.frame_bytes_max))
        .max_frame_size(Some(limits.frame_bytes_max))
}

fn end_in_words(end: &End) -> std::borrow::Cow<'static, str> {
    match end {
        End::Server(reason) => reason.text(),
        End::Client => "closed by the client".into(),
        End::Gone => "connection lost".into(),
    }
}
