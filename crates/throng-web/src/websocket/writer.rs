//! The writing half: drains the outbox, flushes once, waits for more.

use std::{future::poll_fn, time::Duration};

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::frame::{
        Frame as Fragment,
        coding::{Data, OpCode},
    },
};

use super::Sink;
use crate::{
    close::CloseReason,
    connection::{End, Outbox},
    protocol::Frame,
};

/// Larger frames are written in fragments, so that the buffer of a socket, which copies what it is given and never
/// shrinks, is small, and the time for a write is that of a fragment.
pub(super) const FRAGMENT_BYTES_MAX: usize = 64 << 10;

/// The sink, and what is written to it.
pub(super) struct Writer {
    pub(super) sink: Sink,
    fragments: Fragments,
}

impl Writer {
    pub(super) fn new(sink: Sink) -> Writer {
        Writer { sink, fragments: Fragments::default() }
    }

    /// Writes until the connection ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no frame: each is either written to the sink, or in hand, or still in the outbox.
    pub(super) async fn run(&mut self, outbox: &Outbox, write_timeout: Duration) -> End {
        loop {
            if let Err(end) = self.drain(outbox, write_timeout).await {
                return end;
            }
            outbox.frames_ready().await;
        }
    }

    /// Writes what is queued, with a single flush at the end: a write call for each frame would cost several times as much.
    ///
    /// A frame, or a fragment of a large one, is taken only when the sink has room for it, so none is lost between the two.
    /// What the sink holds, two fragments at most, no longer counts.
    pub(super) async fn drain(&mut self, outbox: &Outbox, write_timeout: Duration) -> Result<(), End> {
        let Writer { sink, fragments } = self;
        loop {
            within(write_timeout, poll_fn(|cx| sink.poll_ready_unpin(cx))).await?;
            let Some(message) = fragments.next(|| outbox.next_frame()) else { break };
            sink.start_send_unpin(message).map_err(|error| end_by(&error))?;
        }
        within(write_timeout, sink.flush()).await
    }
}

/// The frame in hand, and what of it was handed on.
#[derive(Default)]
struct Fragments {
    in_hand: Option<(Frame, usize)>,
}

impl Fragments {
    /// The next message for the sink: a frame, or a fragment of a large one, which may end within a character (RFC 6455
    /// §5.6).
    fn next(&mut self, next_frame: impl FnOnce() -> Option<Frame>) -> Option<Message> {
        let (frame, start) = match self.in_hand.take() {
            Some(in_hand) => in_hand,
            None => (next_frame()?, 0),
        };
        let length = frame.len();
        let end = length.min(start + FRAGMENT_BYTES_MAX);
        let opcode = match (start, frame.is_binary()) {
            (0, false) => Data::Text,
            (0, true) => Data::Binary,
            _ => Data::Continue,
        };
        let fragment = Fragment::message(frame.bytes(start..end), OpCode::Data(opcode), end == length);
        if end < length {
            self.in_hand = Some((frame, end));
        }
        Some(Message::Frame(fragment))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_frame_comes_in_fragments() {
        // RFC 6455 §5.4
        let mut fragments = Fragments::default();
        // Within a character, too.
        let text = format!("x{}", "ö".repeat(FRAGMENT_BYTES_MAX + 1));
        let mut frames = vec![Frame::from("after"), Frame::from(&*text)];
        let (mut heads, mut read) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let Some(Message::Frame(part)) = fragments.next(|| frames.pop()) else { panic!("no fragment") };
            heads.push((part.header().opcode, part.header().is_final, part.payload().len()));
            read.extend_from_slice(part.payload());
        }
        let (text_frame, rest) = (OpCode::Data(Data::Text), OpCode::Data(Data::Continue));
        let (full, last) = (FRAGMENT_BYTES_MAX, 3);
        let expected =
            [(text_frame, false, full), (rest, false, full), (rest, true, last), (text_frame, true, 5)];
        assert_eq!(heads, expected);
        assert_eq!(read, format!("{text}after").into_bytes());
        assert_eq!(fragments.next(|| None), None);
    }
}
