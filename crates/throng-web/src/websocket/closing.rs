//! The end of a connection: the last frames, the close code, and time for the client to see it.

use std::{future::poll_fn, io, ops::ControlFlow};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Compression, Goodbye, Incoming, ReadError, Stream};
use crate::{
    close::CloseReason,
    connection::{End, Outbox},
    endpoint::Limits,
};

/// What is read and thrown away while waiting for the client to hang up.
const DISCARD_BYTES_MAX: usize = 1 << 20;
/// What a message without a payload takes at least, head and mask: empty ones must not be free.
const HEAD_BYTES_MIN: usize = 6;

/// Closes in the way that the end asks for; it takes twice the close timeout at most.
pub(super) async fn close<T: AsyncRead + AsyncWrite + Unpin>(
    mut stream: Stream<T>,
    compression: Option<Compression>,
    outbox: &Outbox,
    end: &End,
    limits: &Limits,
) {
    let goodbye = say_goodbye(&mut stream, compression, outbox, end);
    let said_goodbye = tokio::time::timeout(limits.close_timeout, goodbye).await;
    outbox.shut();
    if matches!(said_goodbye, Ok(Ok(true))) {
        // An error or the time running out both mean that nobody is left to be polite to.
        drop(tokio::time::timeout(limits.close_timeout, linger(stream)).await);
    }
}

/// Whether the client was told, and will answer.
async fn say_goodbye<T: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut Stream<T>,
    compression: Option<Compression>,
    outbox: &Outbox,
    end: &End,
) -> io::Result<bool> {
    let reason = match end {
        End::Gone => return Ok(false),
        End::Client => {
            // The stream has queued the echo, which is the last word.
            poll_fn(|cx| stream.poll_write(cx)).await?;
            return Ok(false);
        }
        End::Server(reason) => reason,
    };
    if *reason == CloseReason::SlowReader {
        // It gets no more of what it did not read.
        stream.forget_unbegun();
    } else {
        drain(stream, compression, outbox).await?;
    }
    stream.goodbye(Goodbye::new(reason.code(), &reason.text()));
    poll_fn(|cx| stream.poll_write(cx)).await?;
    Ok(true)
}

/// Writes what was queued before the end.
async fn drain<T: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut Stream<T>,
    compression: Option<Compression>,
    outbox: &Outbox,
) -> io::Result<()> {
    loop {
        poll_fn(|cx| stream.poll_write(cx)).await?;
        if !outbox.next_batch(|frame| stream.queue(frame.into())) {
            return Ok(());
        }
        if let Some(compression) = &compression {
            stream.compress_queued(compression);
        }
    }
}

/// Waits for the client's answer, or for it to hang up: closing a socket with unread input resets it, and the client might
/// lose the close frame to the reset.
pub(crate) async fn linger<T: AsyncRead + AsyncWrite + Unpin>(mut stream: Stream<T>) -> io::Result<()> {
    let mut left = DISCARD_BYTES_MAX;
    while !stream.is_broken() && left > 0 {
        let read = poll_fn(|cx| {
            stream.poll_read(cx, |incoming| match incoming {
                Incoming::Close(_) => ControlFlow::Break(()),
                other => {
                    left = left.saturating_sub(other.len() + HEAD_BYTES_MIN);
                    ControlFlow::Continue(())
                }
            })
        });
        match read.await {
            Ok(ControlFlow::Break(())) | Err(ReadError::Gone) => return Ok(()),
            Ok(ControlFlow::Continue(())) | Err(ReadError::Violation(_)) => {}
        }
    }
    // Whatever else the client sends is no frame.
    discard(stream.into_io(), left).await
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
