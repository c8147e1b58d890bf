//! The frames that wait for one client, counted.

use std::collections::VecDeque;

use super::ChannelNews;
use crate::{close::CloseReason, protocol::Frame, socket::ChannelId};

/// What a queued frame costs beside its bytes.
const FRAME_OVERHEAD_BYTES: usize = 64;
/// What is handed out together; the last frame may exceed it.
const BATCH_BYTES: usize = 32 << 10;
/// How many frames may wait whatever their size.
const FRAMES_OF_ANY_SIZE: usize = 4;

/// What one connection has yet to write and to hear.
pub(super) struct Queue {
    frames: VecDeque<Frame>,
    /// Part of `load`: the frames that were handed out last.
    in_hand: Load,
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
            in_hand: Load::default(),
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

    /// The next frame to be sent. The one before it counts until then.
    #[allow(dead_code, reason = "for transports that wait for either by itself")]
    pub(super) fn next_frame(&mut self) -> Option<Frame> {
        self.load.remove(std::mem::take(&mut self.in_hand));
        let frame = self.frames.pop_front()?;
        self.in_hand = self.load_of(frame.len());
        if self.frames.is_empty() {
            // An idle connection keeps no buffer.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// The next frames to be sent, as many as make a batch; false when there are none. Those before them count until then.
    pub(super) fn next_batch(&mut self, mut take: impl FnMut(Frame)) -> bool {
        self.load.remove(std::mem::take(&mut self.in_hand));
        while self.in_hand.bytes < BATCH_BYTES
            && let Some(frame) = self.frames.pop_front()
        {
            self.in_hand.add(self.load_of(frame.len()));
            take(frame);
        }
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        self.in_hand.bytes > 0
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
        self.in_hand = Load::default();
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

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 100_000;

    fn frame(bytes: usize) -> Frame {
        (&*"x".repeat(bytes)).into()
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
        assert!(queue.next_frame().is_some());
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
    fn a_frame_counts_until_the_next_is_asked_for() {
        let mut queue = Queue::new(MAX);
        queue.push(frame(500));
        queue.push(frame(10));
        queue.next_frame();
        assert_eq!(queue.bytes(), 510 + 2 * FRAME_OVERHEAD_BYTES);
        queue.next_frame();
        assert_eq!(queue.bytes(), 10 + FRAME_OVERHEAD_BYTES);
        assert_eq!((queue.next_frame(), queue.bytes()), (None, 0));
    }

    #[test]
    fn a_batch_is_what_fits_and_counts_until_the_next() {
        let mut queue = Queue::new(MAX);
        for bytes in [20_000, 20_000, 10] {
            queue.push(frame(bytes));
        }
        let mut batches = Vec::new();
        loop {
            let mut batch = Vec::new();
            if !queue.next_batch(|frame| batch.push(frame.len())) {
                break;
            }
            batches.push((batch, queue.bytes() > 100));
        }
        assert_eq!(batches, [(vec![20_000, 20_000], true), (vec![10], false)]);
        assert_eq!((queue.bytes(), queue.frames.capacity()), (0, 0));
    }

    #[test]
    fn a_queue_that_is_freed_with_a_frame_in_hand_counts_nothing() {
        let mut queue = Queue::new(MAX);
        queue.push(frame(2 * MAX));
        assert!(queue.next_frame().is_some());
        queue.stop(CloseReason::SlowReader);
        queue.free();
        assert_eq!((queue.next_frame(), queue.bytes()), (None, 0));
    }
}
