//! The client's end.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::pipe::{Found, Pipe, Sent};
use crate::{close::CloseReason, protocol::Frame};

/// A connected client within this process: [`Endpoint::connect`](crate::Endpoint::connect) shows one at work.
///
/// What it sends and gets are messages of the protocol, as text or bytes. One message may be on its way to the connection; what
/// waits to be read is bounded by [`Limits::outbound_bytes_max`](crate::Limits::outbound_bytes_max), beyond which the server
/// closes. Dropping it is a connection that is lost.
pub struct MemorySocket {
    pipe: Arc<Pipe>,
}

/// A frame for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketFrame {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Bytes),
}

/// Nothing can be sent any more: the connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection has ended")]
pub struct SocketClosed;

impl MemorySocket {
    pub(super) fn new(pipe: Arc<Pipe>) -> MemorySocket {
        MemorySocket { pipe }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.pipe.is_connected()
    }

    /// Sends a text frame, once the one before it was taken.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future sends nothing.
    pub async fn send(&mut self, text: impl Into<String>) -> Result<(), SocketClosed> {
        self.put(Sent::Text(text.into())).await
    }

    /// Sends a binary frame, once the one before it was taken (§3).
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future sends nothing.
    pub async fn send_binary(&mut self, bytes: impl Into<Bytes>) -> Result<(), SocketClosed> {
        self.put(Sent::Binary(bytes.into())).await
    }

    /// The next frame; `None` once the connection has ended and all was read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<SocketFrame> {
        loop {
            match self.pipe.look() {
                Found::Frame(frame) => return Some(frame.into()),
                Found::End => return None,
                Found::Nothing => self.pipe.changed().await,
            }
        }
    }

    /// The next frame, if it is there.
    pub fn try_next(&mut self) -> Option<SocketFrame> {
        match self.pipe.look() {
            Found::Frame(frame) => Some(frame.into()),
            Found::End | Found::Nothing => None,
        }
    }

    /// Why the server closed the connection, if it did.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.pipe.ended().flatten()
    }

    /// Says goodbye, and waits until the connection has ended. What was not read is lost.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is a connection that is lost, if it has not ended.
    pub async fn close(mut self) {
        if self.put(Sent::Close).await.is_ok() {
            while self.next().await.is_some() {}
        }
    }

    async fn put(&mut self, mut sent: Sent) -> Result<(), SocketClosed> {
        loop {
            if self.pipe.ended().is_some() {
                return Err(SocketClosed);
            }
            match self.pipe.try_send(sent) {
                Ok(()) => return Ok(()),
                Err(back) => sent = back,
            }
            self.pipe.changed().await;
        }
    }
}

impl Drop for MemorySocket {
    fn drop(&mut self) {
        self.pipe.hang_up();
    }
}

impl From<Frame> for SocketFrame {
    fn from(frame: Frame) -> SocketFrame {
        match frame.as_text() {
            Some(text) => SocketFrame::Text(text.into_owned()),
            None => SocketFrame::Binary(frame.bytes(0..frame.len())),
        }
    }
}

impl fmt::Debug for MemorySocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySocket").field("ended", &self.pipe.ended()).finish_non_exhaustive()
    }
}
