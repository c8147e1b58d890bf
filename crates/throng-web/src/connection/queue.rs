//! The frames that wait for one client, counted.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame as Fragment,
        coding::{Data, OpCode},
    },
};

use super::ChannelNews;
use crate::{close::CloseReason, protocol::Frame, socket::ChannelId};

/// Larger frames are written in fragments, so that the buffer of a socket, which copies what it is given and never
/// shrinks, is small, and the time for a write is that of a fragment.
pub(super) const FRAGMENT_BYTES_MAX: usize = 64 << 10;
/// What a queued frame costs beside its bytes.
const FRAME_OVERHEAD_BYTES: usize = 64;
/// How many frames may wait whatever their size.
const FRAMES_OF_ANY_SIZE: usize = 4;

/// What one connection has yet to write and to hear.
pub(super) struct Queue {
    frames: VecDeque<Frame>,
    /// Bytes of the first frame that were handed out.
    handed_out: usize,
    /// Broadcasts of topics whose join reply is not queued yet.
    held: Vec<(ChannelId, Vec<Frame>)>,
    /// What waits, here and in mailboxes of channels.
    load: Load,
    /// Part of `load`: what waits in mailboxes.
    lent: Load,
    /// What may wait.
    charge_max: usize,
    news: VecDeque<ChannelNews>,
    stop: Option<CloseReason>,
}

/// What waits, in bytes, and what of it counts for the bound.
#[derive(Clone, Copy, Default)]
struct Load {
    bytes: usize,
    charge: usize,
}

impl Queue {
    pub(super) fn new(bytes_max: usize) -> Queue {
        Queue {
            frames: VecDeque::new(),
            handed_out: 0,
            held: Vec::new(),
            load: Load::default(),
            lent: Load::default(),
            charge_max: bytes_max,
            news: VecDeque::new(),
            stop: None,
        }
    }

    pub(super) fn push(&mut self, frame: Frame) {
        if self.admit(frame.len()) {
            self.frames.push_back(frame);
        }
    }

    /// Begins to hold what is broadcast to a channel.
    pub(super) fn hold(&mut self, channel: ChannelId) {
        self.held.push((channel, Vec::new()));
    }

    pub(super) fn push_or_hold(&mut self, channel: ChannelId, frame: Frame) {
        if !self.admit(frame.len()) {
            return;
        }
        match self.held.iter_mut().find(|(held, _)| *held == channel) {
            Some((_, frames)) => frames.push(frame),
            None => self.frames.push_back(frame),
        }
    }

    /// Queues what was held for a channel, and holds no more.
    pub(super) fn release(&mut self, channel: ChannelId) {
        let Some(index) = self.held.iter().position(|(held, _)| *held == channel) else { return };
        let (_, held) = self.held.swap_remove(index);
        self.frames.extend(held);
    }

    /// The next message for the socket. A frame that is large comes in fragments, and counts until the last is out.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        let frame = self.frames.front()?;
        let (start, length) = (self.handed_out, frame.len());
        let end = length.min(start + FRAGMENT_BYTES_MAX);
        if end < length {
            self.handed_out = end;
            return Some(fragment(frame, start, end));
        }
        let frame = self.frames.pop_front()?;
        self.handed_out = 0;
        self.load.remove(self.load_of(length));
        if self.frames.is_empty() {
            // An idle connection keeps no buffer.
            self.frames = VecDeque::new();
        }
        Some(if start == 0 { Message::Text(frame) } else { fragment(&frame, start, end) })
    }

    pub(super) fn tell(&mut self, news: ChannelNews) {
        self.news.push_back(news);
    }

    /// The next piece of news, or else the reason to close.
    pub(super) fn next_news(&mut self) -> Result<Option<ChannelNews>, CloseReason> {
        match (self.news.pop_front(), &self.stop) {
            (Some(news), _) => Ok(Some(news)),
            (None, Some(reason)) => Err(reason.clone()),
            (None, None) => Ok(None),
        }
    }

    /// Counts in what waits elsewhere; false where there is too much, which ends the connection.
    pub(super) fn lend(&mut self, bytes: usize) -> bool {
        let admitted = self.admit(bytes);
        if admitted {
            self.lent.add(self.load_of(bytes));
        }
        admitted
    }

    pub(super) fn pay_back(&mut self, bytes: usize) {
        let load = self.load_of(bytes);
        self.lent.remove(load);
        self.load.remove(load);
    }

    /// Takes nothing more; the first reason counts.
    pub(super) fn stop(&mut self, reason: CloseReason) {
        self.stop.get_or_insert(reason);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// Drops the frames.
    pub(super) fn free(&mut self) {
        self.frames = VecDeque::new();
        self.handed_out = 0;
        self.held = Vec::new();
        self.load = self.lent;
    }

    pub(super) fn bytes(&self) -> usize {
        self.load.bytes
    }

    /// How many frames wait.
    pub(super) fn frames(&self) -> usize {
        self.frames.len() + self.held.iter().map(|(_, frames)| frames.len()).sum::<usize>()
    }

    /// Counts a frame in, or ends the connection for having too many.
    fn admit(&mut self, bytes: usize) -> bool {
        if self.is_stopped() {
            return false;
        }
        let load = self.load_of(bytes);
        if self.load.charge > 0 && self.load.charge + load.charge > self.charge_max {
            self.stop(CloseReason::SlowReader);
            self.free();
            return false;
        }
        self.load.add(load);
        true
    }

    /// A frame counts for a share of the bound at most: that one is large, a presence state say, makes no reader slow.
    fn load_of(&self, bytes: usize) -> Load {
        let bytes = bytes + FRAME_OVERHEAD_BYTES;
        Load { bytes, charge: bytes.min(self.charge_max / FRAMES_OF_ANY_SIZE) }
    }
}

impl Load {
    fn add(&mut self, other: Load) {
        self.bytes += other.bytes;
        self.charge += other.charge;
    }

    fn remove(&mut self, other: Load) {
        self.bytes -= other.bytes;
        self.charge -= other.charge;
    }
}

/// A part of a large frame; it may end within a character (RFC 6455 §5.6).
fn fragment(frame: &Frame, start: usize, end: usize) -> Message {
    let opcode = OpCode::Data(if start == 0 { Data::Text } else { Data::Continue });
    let payload = Bytes::from(frame.clone()).slice(start..end);
    Message::Frame(Fragment::message(payload, opcode, end == frame.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 100_000;

    fn frame(bytes: usize) -> Frame {
        "x".repeat(bytes).into()
    }

    fn fits(frames: &[usize]) -> bool {
        let mut queue = Queue::new(MAX);
        frames.iter().for_each(|bytes| queue.push(frame(*bytes)));
        !queue.is_stopped()
    }

    #[test]
    fn a_few_frames_of_any_size_may_wait_and_small_ones_behind_them() {
        assert!(fits(&[10 * MAX]));
        assert!(fits(&[5 * MAX; 4]));
        assert!(!fits(&[5 * MAX; 5]));
        assert!(fits(&[100, 5 * MAX, 5 * MAX, 100, 100]), "a reply, two states, and what happens meanwhile");
        assert!(!fits(&[1_000; 100]), "small ones count as they are");
    }

    #[test]
    fn one_frame_is_admitted_whatever_the_bound() {
        let mut queue = Queue::new(0);
        queue.push(frame(10));
        assert!(queue.next_message().is_some());
        queue.push(frame(10));
        assert!(!queue.is_stopped());
    }

    #[test]
    fn held_frames_count_as_well() {
        let mut queue = Queue::new(MAX);
        queue.hold(ChannelId(1));
        for _ in 0..100 {
            queue.push_or_hold(ChannelId(1), frame(1_000));
        }
        assert!(queue.is_stopped());
        assert_eq!((queue.frames(), queue.bytes()), (0, 0));
    }

    #[test]
    fn a_large_frame_comes_in_fragments_and_counts_to_the_last() {
        // RFC 6455 §5.4
        let mut queue = Queue::new(MAX);
        // Within a character, too.
        let text = "ö".repeat(FRAGMENT_BYTES_MAX + 1);
        queue.push(format!("x{text}").into());
        queue.push("after".into());
        let (mut heads, mut read) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            assert!(queue.bytes() > text.len());
            let Some(Message::Frame(part)) = queue.next_message() else { panic!("no fragment") };
            heads.push((part.header().opcode, part.header().is_final, part.payload().len()));
            read.extend_from_slice(part.payload());
        }
        let (text_frame, rest) = (OpCode::Data(Data::Text), OpCode::Data(Data::Continue));
        let (full, last) = (FRAGMENT_BYTES_MAX, 3);
        assert_eq!(heads, [(text_frame, false, full), (rest, false, full), (rest, true, last)]);
        assert_eq!(read, format!("x{text}").into_bytes());
        assert_eq!(queue.next_message(), Some(Message::text("after")));
        assert_eq!((queue.next_message(), queue.bytes()), (None, 0));
    }

    #[test]
    fn a_queue_that_is_freed_amid_a_frame_begins_no_other() {
        let mut queue = Queue::new(MAX);
        queue.push(frame(2 * FRAGMENT_BYTES_MAX));
        assert!(queue.next_message().is_some());
        queue.stop(CloseReason::SlowReader);
        queue.free();
        assert_eq!((queue.next_message(), queue.bytes()), (None, 0));
    }
}
