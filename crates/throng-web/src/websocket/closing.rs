//! The end of a connection: the last frames, the close code, and time for the client to see it.

use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::{Sink, Source, Writer};
use crate::{
    close::CloseReason,
    connection::{End, Outbox},
    endpoint::Limits,
};

/// What is read and thrown away while waiting for the client to hang up.
const DISCARD_BYTES_MAX: usize = 1 << 20;

/// Closes in the way that the end asks for; it takes twice the close timeout at most.
pub(super) async fn close(mut writer: Writer, source: Source, outbox: &Outbox, end: &End, limits: &Limits) {
    let said_goodbye =
        tokio::time::timeout(limits.close_timeout, say_goodbye(&mut writer, outbox, end, limits)).await;
    outbox.shut();
    if said_goodbye == Ok(true) {
        // An error or the time running out both mean that nobody is left to be polite to.
        drop(tokio::time::timeout(limits.close_timeout, linger(writer.sink, source)).await);
    }
}

/// Whether the client was told, and will answer.
async fn say_goodbye(writer: &mut Writer, outbox: &Outbox, end: &End, limits: &Limits) -> bool {
    match end {
        End::Gone => false,
        End::Client => {
            // The library has queued the echo, which is the last word.
            drop(writer.sink.flush().await);
            false
        }
        // A slow reader gets no more of what it did not read.
        End::Server(reason @ CloseReason::SlowReader) => send_close(&mut writer.sink, reason).await,
        End::Server(reason) => {
            writer.drain(outbox, limits.write_timeout).await.is_ok()
                && send_close(&mut writer.sink, reason).await
        }
    }
}

async fn send_close(sink: &mut Sink, reason: &CloseReason) -> bool {
    let frame = CloseFrame { code: reason.code().into(), reason: reason.text().as_ref().into() };
    sink.send(Message::Close(Some(frame))).await.is_ok()
}

/// Waits for the client's answer, or for it to hang up: closing a socket with unread input resets it, and the client might
/// lose the close frame to the reset.
async fn linger(sink: Sink, mut source: Source) -> io::Result<()> {
    let mut left = DISCARD_BYTES_MAX;
    while let Some(Ok(message)) = source.next().await {
        if message.is_close() || message.len() > left {
            return Ok(());
        }
        left -= message.len();
    }
    // The stream is of no use any more; whatever else the client sends is no frame.
    let Ok(stream) = sink.reunite(source) else { return Ok(()) };
    discard(stream.into_inner(), left).await
}

async fn discard(mut io: impl AsyncRead + AsyncWrite + Unpin, mut left: usize) -> io::Result<()> {
    io.shutdown().await?;
    let mut scratch = [0; 1024];
    while left > 0 {
        match io.read(&mut scratch).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
