//! What waits to be written to one client, and what its channels tell its connection.
//!
//! Bounded by bytes: a client that reads more slowly than it is written to is closed and its queue freed (§18.3), so no
//! client costs more than its share. Frames leave in the order they were put in. Senders never wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::close::CloseReason;
use crate::protocol::Frame;
use crate::socket::ChannelId;

/// What a queued frame costs beside its bytes.
const FRAME_OVERHEAD_BYTES: usize = 64;

/// News of a channel for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelNews {
    /// Its join was accepted and answered.
    Joined(ChannelId),
    /// It ends, and the client knows.
    Closing(ChannelId),
    /// Its process ended.
    Down(ChannelId),
}

/// The outbound side of one connection, shared by its channels and the topics they subscribe to.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Rung for the writer.
    frames: Notify,
    /// Rung for the reader.
    news: Notify,
    /// Events handed to channels and not yet handled.
    in_flight: AtomicUsize,
    in_flight_max: usize,
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Part of `bytes`: what waits in mailboxes of channels.
    lent: usize,
    bytes_max: usize,
    /// Broadcasts of topics whose join reply is not queued yet.
    held: Vec<(ChannelId, Vec<Frame>)>,
    news: VecDeque<ChannelNews>,
    stop: Option<CloseReason>,
}

impl Outbox {
    pub(crate) fn new(bytes_max: usize, in_flight_max: usize) -> Outbox {
        let queue = Queue {
            frames: VecDeque::new(),
            bytes: 0,
            lent: 0,
            bytes_max,
            held: Vec::new(),
            news: VecDeque::new(),
            stop: None,
        };
        Outbox {
            queue: Mutex::new(queue),
            frames: Notify::new(),
            news: Notify::new(),
            in_flight: AtomicUsize::new(0),
            in_flight_max: in_flight_max.max(1),
        }
    }

    /// Queues a frame.
    pub(crate) fn send(&self, frame: Frame) {
        self.put(|queue| queue.push(frame));
    }

    /// Holds what is broadcast to this channel from now on, until its join reply is queued by [`Outbox::release`].
    pub(crate) fn hold(&self, channel: ChannelId) {
        self.queue.lock().held.push((channel, Vec::new()));
    }

    /// Queues a channel's join reply, then what was held meanwhile.
    pub(crate) fn release(&self, channel: ChannelId, join_reply: Frame) {
        self.put(|queue| {
            queue.push(join_reply);
            let Some(index) = queue.held.iter().position(|(held, _)| *held == channel) else { return };
            let (_, held) = queue.held.swap_remove(index);
            queue.frames.extend(held);
        });
    }

    /// Queues a frame that was broadcast to a channel's topic.
    pub(crate) fn broadcast(&self, channel: ChannelId, frame: Frame) {
        self.put(|queue| queue.push_or_hold(channel, frame));
    }

    /// Tells the connection news of a channel.
    pub(crate) fn tell(&self, news: ChannelNews) {
        self.announce([], news);
    }

    /// Queues frames, and tells the connection news that it learns after them: whatever it answers because of the news
    /// follows the frames, and whatever the client sends because of the frames finds the news known.
    pub(crate) fn announce(&self, frames: impl IntoIterator<Item = Frame>, news: ChannelNews) {
        let mut queue = self.queue.lock();
        for frame in frames {
            queue.push(frame);
        }
        queue.news.push_back(news);
        drop(queue);
        self.frames.notify_one();
        self.news.notify_one();
    }

    /// Asks the connection to close; the first reason counts.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.queue.lock().stop.get_or_insert(reason);
        self.news.notify_one();
    }

    /// The next frame to write.
    pub(crate) fn next_frame(&self) -> Option<Frame> {
        let mut queue = self.queue.lock();
        let frame = queue.frames.pop_front()?;
        queue.bytes -= frame.len() + FRAME_OVERHEAD_BYTES;
        if queue.frames.is_empty() {
            // An idle connection keeps no buffer.
            queue.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// The next piece of news, or else the reason to close.
    pub(crate) fn next_news(&self) -> Result<Option<ChannelNews>, CloseReason> {
        let mut queue = self.queue.lock();
        match (queue.news.pop_front(), &queue.stop) {
            (Some(news), _) => Ok(Some(news)),
            (None, Some(reason)) => Err(reason.clone()),
            (None, None) => Ok(None),
        }
    }

    /// Resolves when frames may have been queued since the last time.
    pub(crate) async fn frames_ready(&self) {
        self.frames.notified().await;
    }

    /// Resolves when there may be news, a reason to close, or fewer events in flight.
    pub(crate) async fn news_ready(&self) {
        self.news.notified().await;
    }

    /// Drops what is queued and whatever would be.
    pub(crate) fn shut(&self) {
        let mut queue = self.queue.lock();
        queue.stop.get_or_insert(CloseReason::Internal);
        queue.free();
    }

    /// Bytes that wait for the client.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.lock().bytes
    }

    /// Whether so much is in flight that the client should not be heard.
    pub(crate) fn is_behind(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) >= self.in_flight_max
    }

    pub(super) fn flight_began(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn flight_ended(&self) {
        // The reader only waits for the step over the threshold; every other would wake it for nothing.
        if self.in_flight.fetch_sub(1, Ordering::AcqRel) == self.in_flight_max {
            self.news.notify_one();
        }
    }

    /// Counts bytes that wait elsewhere; false where there are too many, which ends the connection.
    pub(super) fn lend(&self, bytes: usize) -> bool {
        let mut admitted = false;
        self.put(|queue| {
            admitted = queue.admit(bytes);
            if admitted {
                queue.lent += bytes + FRAME_OVERHEAD_BYTES;
            }
        });
        admitted
    }

    pub(super) fn pay_back(&self, bytes: usize) {
        let mut queue = self.queue.lock();
        queue.lent -= bytes + FRAME_OVERHEAD_BYTES;
        queue.bytes -= bytes + FRAME_OVERHEAD_BYTES;
    }

    fn put(&self, change: impl FnOnce(&mut Queue)) {
        let mut queue = self.queue.lock();
        if queue.stop.is_some() {
            return;
        }
        change(&mut queue);
        let overflown = queue.stop.is_some();
        drop(queue);
        self.frames.notify_one();
        if overflown {
            self.news.notify_one();
        }
    }
}

impl Queue {
    fn push(&mut self, frame: Frame) {
        if self.admit(frame.len()) {
            self.frames.push_back(frame);
        }
    }

    fn push_or_hold(&mut self, channel: ChannelId, frame: Frame) {
        if !self.admit(frame.len()) {
            return;
        }
        match self.held.iter_mut().find(|(held, _)| *held == channel) {
            Some((_, frames)) => frames.push(frame),
            None => self.frames.push_back(frame),
        }
    }

    /// Counts a frame in, or ends the connection for having too many.
    fn admit(&mut self, bytes: usize) -> bool {
        if self.stop.is_some() {
            return false;
        }
        let bytes = self.bytes + bytes + FRAME_OVERHEAD_BYTES;
        if bytes > self.bytes_max {
            self.stop = Some(CloseReason::SlowReader);
            self.free();
            return false;
        }
        self.bytes = bytes;
        true
    }

    fn free(&mut self) {
        self.frames = VecDeque::new();
        self.held = Vec::new();
        self.bytes = self.lent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ChannelId = ChannelId(1);
    const B: ChannelId = ChannelId(2);

    fn written(outbox: &Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.next_frame()).map(|frame| frame.to_string()).collect()
    }

    #[test]
    fn frames_leave_in_order() {
        let outbox = Outbox::new(10_000, 8);
        outbox.send("1".into());
        outbox.announce(["2".into(), "3".into()], ChannelNews::Closing(A));
        outbox.broadcast(A, "4".into());
        assert_eq!(written(&outbox), ["1", "2", "3", "4"]);
    }

    #[test]
    fn a_broadcast_never_precedes_the_join_reply() {
        // §4.2
        let outbox = Outbox::new(10_000, 8);
        outbox.hold(A);
        outbox.broadcast(A, "a1".into());
        outbox.broadcast(B, "b1".into());
        outbox.broadcast(A, "a2".into());
        outbox.release(A, "joined".into());
        outbox.broadcast(A, "a3".into());
        assert_eq!(written(&outbox), ["b1", "joined", "a1", "a2", "a3"]);
        assert_eq!(outbox.queue.lock().bytes, 0);
    }

    #[test]
    fn a_full_queue_ends_the_connection_and_is_freed() {
        // §18.3
        let outbox = Outbox::new(2 * (FRAME_OVERHEAD_BYTES + 1), 8);
        outbox.send("1".into());
        outbox.send("2".into());
        assert_eq!(outbox.next_news(), Ok(None));
        outbox.send("3".into());
        assert_eq!(outbox.next_news(), Err(CloseReason::SlowReader));
        assert!(written(&outbox).is_empty());
        outbox.send("4".into());
        assert!(written(&outbox).is_empty());
    }

    #[test]
    fn held_frames_count_as_well() {
        let outbox = Outbox::new(2 * (FRAME_OVERHEAD_BYTES + 1), 8);
        outbox.hold(A);
        for frame in ["1", "2", "3"] {
            outbox.broadcast(A, frame.into());
        }
        assert_eq!(outbox.next_news(), Err(CloseReason::SlowReader));
        assert!(outbox.queue.lock().held.is_empty());
    }

    #[test]
    fn news_comes_before_the_reason_to_close_and_the_first_reason_counts() {
        let outbox = Outbox::new(100, 8);
        outbox.tell(ChannelNews::Joined(A));
        outbox.close(CloseReason::Restart);
        outbox.close(CloseReason::Disconnected);
        assert_eq!(outbox.next_news(), Ok(Some(ChannelNews::Joined(A))));
        assert_eq!(outbox.next_news(), Err(CloseReason::Restart));
    }
}
