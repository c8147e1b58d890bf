//! A WebSocket on a byte stream, as two polls: one reads messages, one writes what is queued.
//!
//! Nothing here waits, spawns or keeps time; whoever polls it does.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use self::write::Writing;
use super::{Decoder, Progress, Violation};

/// A WebSocket of which the server has one end.
pub(crate) struct Stream<T> {
    io: T,
    decoder: Decoder,
    /// What was read and not looked at yet: by the HTTP server before the upgrade, or when whoever reads had enough.
    unread: Bytes,
    is_broken: bool,
    writing: Writing,
}

/// Why nothing can be read any more.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The client hung up, or the network did.
    Gone,
    Violation(Violation),
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// A WebSocket over what was upgraded; `unread` is what came with the handshake.
    pub(crate) fn new(io: T, unread: Bytes, decoder: Decoder) -> Stream<T> {
        Stream { io, decoder, unread, is_broken: false, writing: Writing::default() }
    }

    pub(crate) fn progress(&mut self) -> Progress {
        self.decoder.progress()
    }

    /// Whether the client broke the rules: what else it sends has no meaning.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The byte stream; what was queued or begun is lost.
    pub(crate) fn into_io(self) -> T {
        self.io
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
