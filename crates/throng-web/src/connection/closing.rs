//! The end of a connection: the last frames, the close code, and time for the client to see it.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{End, Outbox, Sink, Source, Stream, writer};
use crate::close::CloseReason;
use crate::endpoint::Limits;

/// How long a client has to take the close frame and to answer it, each.
const GOODBYE: Duration = Duration::from_secs(2);
/// What is read and thrown away while waiting for the client to hang up.
const DISCARD_BYTES_MAX: usize = 1 << 20;

/// Closes in the way that the end asks for; it takes a few seconds at most.
pub(super) async fn close(mut sink: Sink, source: Source, outbox: &Outbox, end: &End, limits: &Limits) {
    let said_goodbye = match end {
        End::Gone => false,
        // The library has queued the echo; the last frames are not read any more.
        End::Client => tokio::time::timeout(GOODBYE, sink.flush()).await.is_ok(),
        End::Server(reason) => {
            // A slow reader gets no more of what it did not read.
            let flushed = *reason == CloseReason::SlowReader
                || writer::drain(&mut sink, outbox, limits.write_timeout.min(GOODBYE)).await.is_ok();
            flushed && send_close(&mut sink, reason).await
        }
    };
    outbox.shut();
    if said_goodbye {
        if let Ok(stream) = sink.reunite(source) {
            linger(stream).await;
        }
    }
}

async fn send_close(sink: &mut Sink, reason: &CloseReason) -> bool {
    let frame = CloseFrame { code: reason.code().into(), reason: reason.text().as_ref().into() };
    let sent = sink.send(tokio_tungstenite::tungstenite::Message::Close(Some(frame)));
    matches!(tokio::time::timeout(GOODBYE, sent).await, Ok(Ok(())))
}

/// Waits for the client to hang up: closing a socket with unread input resets it, and the client might lose the close
/// frame to the reset.
async fn linger(stream: Stream) {
    let mut io = stream.into_inner();
    let discard = async {
        tokio::io::AsyncWriteExt::shutdown(&mut io).await?;
        let mut scratch = [0; 1024];
        let mut left = DISCARD_BYTES_MAX;
        while left > 0 {
            match io.read(&mut scratch).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        std::io::Result::Ok(())
    };
    // An error or the time running out both mean that nobody is left to be polite to.
    drop(tokio::time::timeout(GOODBYE, discard).await);
}
