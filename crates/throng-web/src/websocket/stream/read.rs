//! The reading poll.

use std::{
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{ReadError, Stream, write::Writing};
use crate::websocket::{Decoder, Incoming, Input, Outgoing, Violation, scratch};

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// Reads once, and hands `take` every message that came, until it breaks off: what follows then waits for the next call.
    /// Pings and closes are answered, as soon as there is [writing](Stream::poll_write).
    ///
    /// A message that is not whole is no news; the caller polls again, until nothing is there to be read.
    pub(crate) fn poll_read<B>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnMut(Incoming<'_>) -> ControlFlow<B>,
    ) -> Poll<Result<ControlFlow<B>, ReadError>> {
        let Stream { io, decoder, unread, is_broken, writing } = self;
        scratch::with_read_buffer(|buffer| {
            let read = if unread.is_empty() {
                ready!(poll_read(io, cx, buffer))?
            } else {
                let first = unread.split_to(unread.len().min(buffer.len()));
                buffer[..first.len()].copy_from_slice(&first);
                first.len()
            };
            let mut input = Input::new(&mut buffer[..read]);
            let flow = decode(decoder, &mut input, writing, take).map_err(|violation| {
                *is_broken = true;
                ReadError::Violation(violation)
            })?;
            if !input.rest().is_empty() {
                *unread = [input.rest(), unread].concat().into();
            } else if unread.is_empty() {
                *unread = Bytes::new();
            }
            Poll::Ready(Ok(flow))
        })
    }
}

/// How many bytes were there; none is the end.
fn poll_read(
    io: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<Result<usize, ReadError>> {
    let mut buffer = ReadBuf::new(buffer);
    let read = ready!(Pin::new(io).poll_read(cx, &mut buffer));
    Poll::Ready(match (read, buffer.filled().len()) {
        (Err(_), _) | (Ok(()), 0) => Err(ReadError::Gone),
        (Ok(()), bytes) => Ok(bytes),
    })
}

fn decode<B>(
    decoder: &mut Decoder,
    input: &mut Input<'_>,
    writing: &mut Writing,
    mut take: impl FnMut(Incoming<'_>) -> ControlFlow<B>,
) -> Result<ControlFlow<B>, Violation> {
    while let Some(incoming) = decoder.next(input)? {
        match incoming {
            Incoming::Ping(payload) => writing.pong(payload),
            Incoming::Close(goodbye) => writing.queue(Outgoing::Encoded(goodbye.echo().encode())),
            _ => {}
        }
        if let ControlFlow::Break(end) = take(incoming) {
            return Ok(ControlFlow::Break(end));
        }
    }
    Ok(ControlFlow::Continue(()))
}
