//! The writing half: drains the outbox, flushes once, waits for more.

use std::time::Duration;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{End, Outbox, Sink};
use crate::close::CloseReason;

/// Writes until the connection ends.
pub(super) async fn run(sink: &mut Sink, outbox: &Outbox, write_timeout: Duration) -> End {
    loop {
        if let Err(end) = drain(sink, outbox, write_timeout).await {
            return end;
        }
        outbox.frames_ready().await;
    }
}

/// Writes what is queued, with a single flush at the end: a write call for each frame would cost several times as much.
pub(super) async fn drain(sink: &mut Sink, outbox: &Outbox, write_timeout: Duration) -> Result<(), End> {
    while let Some(frame) = outbox.next_frame() {
        within(write_timeout, sink.feed(Message::Text(frame))).await?;
    }
    within(write_timeout, sink.flush()).await
}

async fn within(limit: Duration, write: impl Future<Output = Result<(), Error>>) -> Result<(), End> {
    match tokio::time::timeout(limit, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::WriteBufferFull(_))) | Err(_) => Err(CloseReason::SlowReader.into()),
        Ok(Err(_)) => Err(End::Gone),
    }
}
