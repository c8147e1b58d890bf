//! The writing half: drains the outbox, flushes once, waits for more.

use std::{future::poll_fn, time::Duration};

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Error;

use super::{End, Outbox, Sink};
use crate::close::CloseReason;

/// Writes until the connection ends.
///
/// # Cancel safety
///
/// Dropping the future loses no frame: each is either written to the sink or still in the outbox.
pub(super) async fn run(sink: &mut Sink, outbox: &Outbox, write_timeout: Duration) -> End {
    loop {
        if let Err(end) = drain(sink, outbox, write_timeout).await {
            return end;
        }
        outbox.frames_ready().await;
    }
}

/// Writes what is queued, with a single flush at the end: a write call for each frame would cost several times as much.
///
/// A frame, or a fragment of a large one, is taken from the outbox only when the sink has room for it, so none is lost
/// between the two. What the sink holds, two fragments at most, no longer counts.
pub(super) async fn drain(sink: &mut Sink, outbox: &Outbox, write_timeout: Duration) -> Result<(), End> {
    loop {
        within(write_timeout, poll_fn(|cx| sink.poll_ready_unpin(cx))).await?;
        let Some(message) = outbox.next_message() else { break };
        sink.start_send_unpin(message).map_err(|error| end_by(&error))?;
    }
    within(write_timeout, sink.flush()).await
}

async fn within(limit: Duration, write: impl Future<Output = Result<(), Error>>) -> Result<(), End> {
    match tokio::time::timeout(limit, write).await {
        Ok(written) => written.map_err(|error| end_by(&error)),
        Err(_) => Err(CloseReason::SlowReader.into()),
    }
}

fn end_by(error: &Error) -> End {
    match error {
        // It takes a full measure of pongs that the client asked for and does not read.
        Error::WriteBufferFull(_) => CloseReason::SlowReader.into(),
        _ => End::Gone,
    }
}
