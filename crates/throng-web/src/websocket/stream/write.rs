//! The writing poll: what is queued goes out in as few calls as it can, and what the system did not take is kept.
//!
//! ```text
//!   small frames, heads ─► copied one after another into the worker's buffer ─┐
//!   large payloads ──────► by reference ──────────────────────────────────────┴─► one vectored write
//! ```

use std::{
    io::{self, IoSlice},
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Stream;
use crate::websocket::{Compression, Goodbye, Opcode, Outgoing, ServerHead, scratch};

/// Larger parts are written from where they lie.
const COPIED_BYTES_MAX: usize = 2 << 10;
/// What one call copies.
const GATHERED_BYTES_MAX: usize = 16 << 10;
/// What one call is handed at most.
const SLICES_MAX: usize = 64;
/// Pongs that wait for the write in hand. Beyond it the newest takes the place of all, as it may (RFC 6455 §5.5.3).
const PONG_BYTES_MAX: usize = 4 << 10;

/// What is on its way out. Empty, it owns nothing.
#[derive(Debug, Default)]
pub(super) struct Writing {
    pub(super) frames: Vec<Outgoing>,
    /// Bytes of the first one that are out.
    written: usize,
    /// Bytes of all that are out.
    total: u64,
    pub(super) pongs: Vec<u8>,
    is_unflushed: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// Queues a frame; it is the caller's to bound them.
    pub(crate) fn queue(&mut self, frame: Outgoing) {
        self.writing.queue(frame);
    }

    /// Compresses those that were queued since the last call and are worth it.
    pub(crate) fn compress_queued(&mut self, compression: &Compression) {
        // Of the first one, some bytes may be out.
        let unbegun = usize::from(self.writing.written > 0);
        for frame in self.writing.frames.iter_mut().skip(unbegun) {
            frame.compress(compression);
        }
    }

    /// Says goodbye, after what is queued.
    pub(crate) fn goodbye(&mut self, goodbye: Goodbye<'_>) {
        self.queue(Outgoing::Encoded(goodbye.encode()));
    }

    /// Writes what is queued to the last byte, and flushes it.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Stream { io, writing, .. } = self;
        loop {
            while !writing.frames.is_empty() {
                let written = ready!(writing.poll_write(io, cx))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                writing.advance(written);
            }
            if writing.pongs.is_empty() {
                break;
            }
            writing.queue_pongs();
        }
        if writing.is_unflushed {
            ready!(Pin::new(io).poll_flush(cx))?;
            writing.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Drops what was queued, but for a frame of which a part is out.
    pub(crate) fn forget_unbegun(&mut self) {
        self.writing.frames.truncate(usize::from(self.writing.written > 0));
        self.writing.pongs = Vec::new();
    }

    /// How many bytes are out, of all that ever were queued.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.writing.total
    }
}

impl Writing {
    /// Queues a frame behind the answers to pings that came before.
    pub(super) fn queue(&mut self, frame: Outgoing) {
        if self.frames.capacity() == 0 {
            self.frames = scratch::take_batch();
        }
        self.queue_pongs();
        self.frames.push(frame);
    }

    fn queue_pongs(&mut self) {
        if !self.pongs.is_empty() {
            let pongs = std::mem::take(&mut self.pongs);
            self.frames.push(Outgoing::Encoded(pongs));
        }
    }

    /// Answers a ping, after what is queued.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if self.pongs.len() > PONG_BYTES_MAX {
            self.pongs.clear();
        }
        self.pongs.extend_from_slice(ServerHead::whole(Opcode::Pong, payload.len()).as_bytes());
        self.pongs.extend_from_slice(payload);
    }

    /// One call to the system, or none if it would block.
    fn poll_write(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.is_unflushed = true;
        scratch::with_gathered(|buffer| {
            let pieces = gather(&self.frames, self.written, buffer);
            let io = Pin::new(io);
            if pieces.is_empty() {
                return io.poll_write(cx, buffer);
            }
            let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| piece.slice(buffer)).collect();
            io.poll_write_vectored(cx, &slices)
        })
    }

    /// Drops what is out.
    fn advance(&mut self, bytes: usize) {
        self.written += bytes;
        self.total += bytes as u64;
        let mut whole = 0;
        while let Some(length) = self.frames.get(whole).map(Outgoing::len)
            && length <= self.written
        {
            self.written -= length;
            whole += 1;
        }
        if whole == self.frames.len() {
            scratch::return_batch(std::mem::take(&mut self.frames));
        } else {
            self.frames.drain(..whole);
        }
    }
}

/// Bytes that follow each other on the wire.
enum Piece<'a> {
    /// In the buffer.
    Gathered(Range<usize>),
    Large(&'a [u8]),
}

impl Piece<'_> {
    fn slice<'a>(&'a self, buffer: &'a [u8]) -> IoSlice<'a> {
        IoSlice::new(match self {
            Piece::Gathered(range) => &buffer[range.clone()],
            Piece::Large(bytes) => bytes,
        })
    }
}

/// Lays out the frames, but for bytes at their beginning that are out. Where all is small, there are no pieces: it is the
/// buffer.
fn gather<'a>(frames: &'a [Outgoing], mut skip: usize, buffer: &mut Vec<u8>) -> Vec<Piece<'a>> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    for frame in frames {
        if buffer.len() >= GATHERED_BYTES_MAX || pieces.len() + 3 > SLICES_MAX {
            break;
        }
        let head = frame.head();
        buffer.extend_from_slice(after(head.as_bytes(), &mut skip));
        for part in frame.parts() {
            let part = after(part, &mut skip);
            if part.len() <= COPIED_BYTES_MAX {
                buffer.extend_from_slice(part);
                continue;
            }
            pieces.extend([Piece::Gathered(start..buffer.len()), Piece::Large(part)]);
            start = buffer.len();
        }
    }
    if !pieces.is_empty() {
        pieces.push(Piece::Gathered(start..buffer.len()));
    }
    pieces
}

/// What is left of a part when so many bytes are skipped.
fn after<'a>(part: &'a [u8], skip: &mut usize) -> &'a [u8] {
    let skipped = part.len().min(*skip);
    *skip -= skipped;
    &part[skipped..]
}
