//! What a client sends, below the messages: where frames begin and end, how many are fragments, how long one takes.
//!
//! The library hands out whole messages. A message that never ends would be silence to whoever looks at those alone, and
//! its fragments, which may be empty, would cost nothing.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{
    close::CloseReason,
    connection::Outbox,
    rate::{Gcra, Quota},
};

/// What is shared of a meter with who looks at it: since when a message has been on its way.
#[derive(Clone, Default)]
pub(super) struct Incomplete(Arc<Mutex<Option<Instant>>>);

impl Incomplete {
    pub(super) fn since(&self) -> Option<Instant> {
        *self.0.lock()
    }
}

/// A stream whose input is measured; fragments beyond the quota close the connection.
pub(super) struct Metered<S> {
    stream: S,
    outbox: Arc<Outbox>,
    incomplete: Incomplete,
    frames: Frames,
    fragments: Gcra,
    quota: Quota,
    began: Instant,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S, outbox: Arc<Outbox>, quota: Quota) -> Metered<S> {
        Metered {
            stream,
            outbox,
            incomplete: Incomplete::default(),
            frames: Frames::default(),
            fragments: Gcra::default(),
            quota,
            began: Instant::now(),
        }
    }

    pub(super) fn incomplete(&self) -> Incomplete {
        self.incomplete.clone()
    }

    fn measure(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Measured { fragments, messages } = self.frames.read(bytes);
        let mut since = self.incomplete.0.lock();
        if messages > 0 {
            *since = None;
        }
        if self.frames.is_amid_message() {
            since.get_or_insert_with(Instant::now);
        }
        drop(since);
        if fragments > 0 {
            let now = self.began.elapsed();
            if (0..fragments).any(|_| self.fragments.take(&self.quota, now).is_err()) {
                self.outbox.close(CloseReason::Policy("too many fragments"));
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.measure(&buf.filled()[before..]);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where in the frames of a client the input is (RFC 6455 §5.2). What breaks their rules is the library's to notice.
#[derive(Default)]
struct Frames {
    /// The bytes of a head that is not complete.
    head: [u8; HEAD_BYTES_MAX],
    head_length: usize,
    /// Bytes of a payload that are still to come.
    payload_left: u64,
    /// Whether the frame in hand is the last of its message, or a control frame.
    ends_message: bool,
    /// A frame of a message has come, but not its last.
    is_fragmented: bool,
}

/// What some bytes brought.
#[derive(Debug, Default, PartialEq, Eq)]
struct Measured {
    /// Frames that continue a message.
    fragments: u32,
    /// Ends of messages.
    messages: u32,
}

/// Two bytes, eight of length, four of mask.
const HEAD_BYTES_MAX: usize = 14;

impl Frames {
    fn read(&mut self, mut bytes: &[u8]) -> Measured {
        let mut measured = Measured::default();
        while let Some((byte, rest)) = bytes.split_first() {
            if self.payload_left == 0 {
                self.head[self.head_length] = *byte;
                self.head_length += 1;
                bytes = rest;
                if self.head_length == self.head_bytes() {
                    self.begin(&mut measured);
                }
            } else {
                let passed = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len());
                self.payload_left -= passed as u64;
                bytes = &bytes[passed..];
            }
            if self.head_length == 0 && self.payload_left == 0 {
                self.end(&mut measured);
            }
        }
        measured
    }

    /// Whether the first bytes of a message, or of a control frame, have come and the last have not.
    fn is_amid_message(&self) -> bool {
        self.is_fragmented || self.head_length > 0 || self.payload_left > 0
    }

    /// How long the head is, as far as its first two bytes tell.
    fn head_bytes(&self) -> usize {
        if self.head_length < 2 {
            return HEAD_BYTES_MAX;
        }
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + usize::from(self.head[1] >> 7) * 4
    }

    /// A head is complete.
    fn begin(&mut self, measured: &mut Measured) {
        let [first, second, length @ ..] = self.head;
        self.payload_left = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes([length[0], length[1]])),
            127 => length[..8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            short => u64::from(short),
        };
        let (is_final, opcode) = (first >> 7 == 1, first & 0x0f);
        let is_control = opcode >= 8;
        measured.fragments += u32::from(opcode == 0);
        self.ends_message = is_final && !is_control;
        self.is_fragmented |= !is_final;
        self.head_length = 0;
    }

    /// A frame is complete.
    fn end(&mut self, measured: &mut Measured) {
        if self.ends_message {
            self.is_fragmented = false;
        }
        measured.messages += u32::from(!self.is_fragmented);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as clients send it, with a mask of nothing.
    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match length {
            short @ ..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
            medium @ ..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.resize(frame.len() + 4 + length, 0);
        frame
    }

    const TEXT: u8 = 0x81;
    const FIRST: u8 = 0x01;
    const MIDDLE: u8 = 0x00;
    const LAST: u8 = 0x80;
    const PING: u8 = 0x89;

    #[test]
    fn frames_are_told_apart_however_they_are_cut() {
        let sent = [
            (TEXT, 0),
            (TEXT, 125),
            (TEXT, 126),
            (PING, 5),
            (TEXT, 70_000),
            (FIRST, 10),
            (MIDDLE, 0),
            (PING, 0),
            (MIDDLE, 300),
            (LAST, 0),
            (TEXT, 1),
        ];
        let bytes: Vec<u8> = sent.iter().flat_map(|(first, length)| frame(*first, *length)).collect();
        for cut in [1, 2, 3, 7, 512, bytes.len()] {
            let mut frames = Frames::default();
            let mut all = Measured::default();
            for part in bytes.chunks(cut) {
                let Measured { fragments, messages } = frames.read(part);
                all.fragments += fragments;
                all.messages += messages;
            }
            assert_eq!(all, Measured { fragments: 3, messages: 7 }, "in parts of {cut}");
            assert!(!frames.is_amid_message());
        }
    }

    #[test]
    fn a_message_is_on_its_way_from_its_first_byte_to_its_last() {
        let mut frames = Frames::default();
        let text = frame(TEXT, 3);
        for byte in &text[..text.len() - 1] {
            frames.read(&[*byte]);
            assert!(frames.is_amid_message());
        }
        frames.read(&[0]);
        assert!(!frames.is_amid_message());
        // Control frames may come in between, and end nothing.
        for (first, amid) in [(FIRST, true), (PING, true), (MIDDLE, true), (LAST, false), (PING, false)] {
            frames.read(&frame(first, 2));
            assert_eq!(frames.is_amid_message(), amid, "{first:x}");
        }
    }

    #[test]
    fn a_length_that_nobody_can_send_is_none_of_its_business() {
        let mut frames = Frames::default();
        frames.read(&[TEXT, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        frames.read(&[0; 1000]);
        assert!(frames.is_amid_message());
    }
}
