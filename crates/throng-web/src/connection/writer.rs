//! The writing half: drains the outbox, flushes once, waits for more.

use std::future::poll_fn;
use std::time::Duration;

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{Error, Message};

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
/// A frame is taken from the outbox only when the sink has room for it, so none is lost between the two.
pub(super) async fn drain(sink: &mut Sink, outbox: &Outbox, write_timeout: Duration) -> Result<(), End> {
    loop {
        within(write_timeout, poll_fn(|cx| sink.poll_ready_unpin(cx))).await?;
        let Some(frame) = outbox.next_frame() else { break };
        sink.start_send_unpin(Message::Text(frame)).map_err(|error| end_by(&error))?;
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
        Error::WriteBufferFull(_) => CloseReason::SlowReader.into(),
        _ => End::Gone,
    }
}
