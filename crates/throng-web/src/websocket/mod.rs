//! The WebSocket transport: frames over a connection that was upgraded.
//!
//! Reading and writing are two halves of one process, so that a client which does not read is still heard, and closed in
//! time.

mod closing;
mod meter;
mod reader;
mod writer;

use futures_util::{
    StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use throng_runtime::{Ctx, Exit};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};

use self::{
    meter::{Incomplete, Metered},
    reader::Reader,
    writer::Writer,
};
use crate::{
    connection::{Accepted, Client, End, Outbox, Transport},
    endpoint::Limits,
};

/// What is gathered before it is written.
const WRITE_BUFFER_BYTES: usize = 4096;

type Stream = WebSocketStream<Metered<TokioIo<Upgraded>>>;
type Source = SplitStream<Stream>;
type Sink = SplitSink<Stream, Message>;

/// One client's WebSocket.
pub(crate) struct WebSocket {
    source: Source,
    writer: Writer,
    incomplete: Incomplete,
}

/// The life of a connection's process, from the answer to its handshake on.
pub(crate) async fn run(upgrade: OnUpgrade, accepted: Accepted, ctx: Ctx) -> Exit {
    match WebSocket::open(upgrade, &accepted).await {
        Some(socket) => accepted.run(socket, ctx).await,
        None => Exit::shutdown_with("upgrade failed"),
    }
}

impl WebSocket {
    async fn open(upgrade: OnUpgrade, accepted: &Accepted) -> Option<WebSocket> {
        let limits = accepted.limits();
        let upgraded = tokio::time::timeout(limits.upgrade_timeout, upgrade).await.ok()?.ok()?;
        let io = Metered::new(TokioIo::new(upgraded), accepted.outbox().clone(), limits.message_rate);
        let incomplete = io.incomplete();
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(buffers(limits))).await;
        let (sink, source) = stream.split();
        Some(WebSocket { source, writer: Writer::new(sink), incomplete })
    }
}

impl Transport for WebSocket {
    const NAME: &'static str = "websocket";

    /// The reader is never dropped half-way: when the writer ends first, the reader is told and comes to its end by itself.
    async fn serve(&mut self, client: &mut Client<'_>) -> End {
        let WebSocket { source, writer, incomplete } = self;
        let (outbox, limits) = (client.outbox(), client.limits());
        let mut reading = std::pin::pin!(Reader::new(client, incomplete).run(source));
        tokio::select! {
            end = reading.as_mut() => end,
            end = writer.run(outbox, limits.write_timeout) => {
                outbox.close(end.as_reason());
                let _: End = reading.await;
                end
            }
        }
    }

    async fn close(self, outbox: &Outbox, end: &End, limits: &Limits) {
        closing::close(self.writer, self.source, outbox, end, limits).await;
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
            limits.outbound_bytes_max.saturating_add(WRITE_BUFFER_BYTES + 2 * writer::FRAGMENT_BYTES_MAX),
        )
        .max_message_size(Some(limits.frame_bytes_max))
        .max_frame_size(Some(limits.frame_bytes_max))
}
