//! What waits to be written to one client, and what its channels tell its connection.
//!
//! Bounded by bytes: a client that reads more slowly than it is written to is closed and its queue freed (§18.3), so no
//! client costs more than its share. Frames leave in the order they were put in. Senders never wait.

use std::{
    fmt,
    future::poll_fn,
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    backlog::Flights,
    bell::Bell,
    queue::{Queue, Record},
    waiting::Mark,
};
use crate::{OutboundCounts, close::CloseReason, endpoint::Limits, protocol::Frame, socket::ChannelId};

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
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Rung for whoever sends the frames.
    frames: Bell,
    /// Rung for the connection's process.
    news: Bell,
    /// Rung for whoever waits for room.
    sent: Notify,
    /// Held by the channel that tells the client what it missed; there is none before a channel does.
    replay: OnceLock<Box<tokio::sync::Mutex<()>>>,
    /// Events handed to channels and not yet handled.
    flights: Mutex<Flights>,
}

impl Outbox {
    pub(crate) fn new(limits: &Limits) -> Outbox {
        Outbox {
            queue: Mutex::new(Queue::new(limits.outbound_bytes_max)),
            frames: Bell::default(),
            news: Bell::default(),
            sent: Notify::new(),
            replay: OnceLock::new(),
            flights: Mutex::new(Flights::new(limits)),
        }
    }

    /// Queues a frame.
    pub(crate) fn send(&self, frame: Frame) {
        self.send_marked(frame, None);
    }

    /// Queues a frame of an event that may have a rule for slow clients.
    pub(crate) fn send_marked(&self, frame: Frame, mark: Option<Box<Mark>>) {
        self.put(|queue| queue.push(frame, mark));
    }

    /// Holds what is broadcast to this channel from now on, until its join reply is queued by [`Outbox::release`].
    pub(crate) fn hold(&self, channel: ChannelId) {
        self.queue.lock().hold(channel);
    }

    /// Queues a channel's join reply, then what was held meanwhile.
    pub(crate) fn release(&self, channel: ChannelId, join_reply: Frame) {
        self.put(|queue| {
            queue.push(join_reply, None);
            queue.release(channel);
        });
    }

    /// Drops what was held for a channel that ended before its join was answered.
    pub(crate) fn drop_held(&self, channel: ChannelId) {
        self.queue.lock().drop_held(channel);
    }

    /// Resolves when no other channel tells the client what it missed, until what this returns is dropped. What they have to say
    /// waits in their histories meanwhile, and not a copy of it for each topic of a client that does not read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses its place among those who wait.
    pub(crate) async fn turn_to_replay(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.replay.get_or_init(Box::default).lock().await
    }

    /// Resolves when so much has been sent that much more may be queued, or nothing will be sent any more.
    pub(crate) async fn has_room(&self) {
        loop {
            let mut sent = pin!(self.sent.notified());
            sent.as_mut().enable();
            if self.queue.lock().has_room() {
                return;
            }
            sent.await;
        }
    }

    /// Queues a frame that was broadcast to a channel's topic.
    pub(crate) fn broadcast(&self, channel: ChannelId, frame: Frame, mark: Option<Box<Mark>>) {
        self.put(|queue| queue.push_or_hold(channel, frame, mark));
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
            queue.push(frame, None);
        }
        queue.tell(news);
        drop(queue);
        self.frames.ring();
        self.news.ring();
    }

    /// Asks the connection to close; the first reason counts.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.queue.lock().stop(reason);
        self.news.ring();
        self.sent.notify_waiters();
    }

    /// The next frame to be sent. The one before it has been by then, and no longer counts.
    pub(crate) fn next_frame(&self) -> Option<Frame> {
        let frame = self.queue.lock().next_frame();
        self.sent.notify_waiters();
        frame
    }

    /// Hands out the next frames to be sent; false when there are none. Those before them have been sent by then, and no
    /// longer count.
    pub(crate) fn next_batch(&self, take: impl FnMut(Frame)) -> bool {
        let handed_out = self.queue.lock().next_batch(take);
        self.sent.notify_waiters();
        handed_out
    }

    /// Whether no frame waits to be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.lock().is_empty()
    }

    /// The next piece of news, or else the reason to close.
    pub(crate) fn next_news(&self) -> Result<Option<ChannelNews>, CloseReason> {
        self.queue.lock().next_news()
    }

    /// Resolves when frames may have been queued since the last time.
    pub(crate) async fn frames_ready(&self) {
        poll_fn(|cx| self.frames.poll_rung(cx)).await;
    }

    /// Resolves when there may be news, a reason to close, or fewer events in flight.
    pub(crate) async fn news_ready(&self) {
        poll_fn(|cx| self.news.poll_rung(cx)).await;
    }

    /// Resolves, once it is [rung](Outbox::frames_ready) for either, for a transport that looks by itself what there is.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Both, so that either wakes.
        match (self.frames.poll_rung(cx), self.news.poll_rung(cx)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// Drops what is queued and whatever would be.
    pub(crate) fn shut(&self) {
        let mut queue = self.queue.lock();
        queue.stop(CloseReason::Internal);
        queue.free();
        drop(queue);
        self.sent.notify_waiters();
    }

    /// What has passed through.
    pub(crate) fn record(&self) -> Record {
        self.queue.lock().record()
    }

    /// Bytes that wait for the client.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.lock().bytes()
    }

    /// What was done with events because the client was slow.
    pub(crate) fn counts(&self) -> OutboundCounts {
        self.queue.lock().counts()
    }

    /// Whether so much is in flight that the client should not be heard.
    pub(crate) fn is_behind(&self) -> bool {
        self.flights.lock().are_too_many()
    }

    pub(super) fn flight_began(&self, bytes: usize) {
        self.flights.lock().begin(bytes);
    }

    pub(super) fn flight_ended(&self, bytes: usize) {
        let mut flights = self.flights.lock();
        let were_too_many = flights.are_too_many();
        flights.end(bytes);
        // The reader only waits for the step back under the bound; every other would wake it for nothing.
        if were_too_many && !flights.are_too_many() {
            drop(flights);
            self.news.ring();
        }
    }

    /// Counts bytes that wait elsewhere; false where there are too many, which ends the connection.
    pub(super) fn lend(&self, bytes: usize) -> bool {
        let mut lent = false;
        self.put(|queue| lent = queue.lend(bytes));
        lent
    }

    pub(super) fn pay_back(&self, bytes: usize) {
        self.queue.lock().pay_back(bytes);
    }

    fn put(&self, change: impl FnOnce(&mut Queue)) {
        let mut queue = self.queue.lock();
        if queue.is_stopped() {
            return;
        }
        change(&mut queue);
        let overflown = queue.is_stopped();
        drop(queue);
        self.frames.ring();
        if overflown {
            self.news.ring();
            self.sent.notify_waiters();
        }
    }
}

/// Counts alone: what waits is what people said to each other, and what they sign in with.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut outbox = f.debug_struct("Outbox");
        // Whoever holds the lock may be the one who prints.
        if let Some(queue) = self.queue.try_lock() {
            outbox.field("frames", &queue.frames()).field("bytes", &queue.bytes());
        }
        outbox.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use std::sync::Arc;

    use super::*;

    const A: ChannelId = ChannelId(1);
    const B: ChannelId = ChannelId(2);

    fn outbox(bytes_max: usize) -> Outbox {
        Outbox::new(&Limits::default().with(|limits| limits.outbound_bytes_max = bytes_max))
    }

    fn written(outbox: &Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.next_frame())
            .map(|frame| frame.as_text().unwrap().into_owned())
            .collect()
    }

    #[test]
    fn frames_leave_in_order() {
        let outbox = outbox(10_000);
        outbox.send("1".into());
        outbox.announce(["2".into(), "3".into()], ChannelNews::Closing(A));
        outbox.broadcast(A, "4".into(), None);
        assert_eq!(written(&outbox), ["1", "2", "3", "4"]);
    }

    #[test]
    fn a_broadcast_never_precedes_the_join_reply() {
        // §4.2
        let outbox = outbox(10_000);
        outbox.hold(A);
        outbox.broadcast(A, "a1".into(), None);
        outbox.broadcast(B, "b1".into(), None);
        outbox.broadcast(A, "a2".into(), None);
        outbox.release(A, "joined".into());
        outbox.broadcast(A, "a3".into(), None);
        assert_eq!(written(&outbox), ["b1", "joined", "a1", "a2", "a3"]);
        assert_eq!(outbox.queued_bytes(), 0);
    }

    #[test]
    fn a_full_queue_ends_the_connection_and_is_freed() {
        // §18.3
        let outbox = outbox(300);
        for frame in ["1", "2", "3", "4"] {
            outbox.send(frame.into());
        }
        assert_eq!(outbox.next_news(), Ok(None));
        outbox.send("5".into());
        assert_eq!(outbox.next_news(), Err(CloseReason::SlowReader));
        assert!(written(&outbox).is_empty());
        outbox.send("6".into());
        assert!(written(&outbox).is_empty());
        assert_eq!(outbox.queued_bytes(), 0);
    }

    #[test]
    fn what_is_printed_of_it_is_counts() {
        let outbox = outbox(10_000);
        outbox.send("hunter2".into());
        outbox.hold(A);
        outbox.broadcast(A, "hunter2".into(), None);
        let shown = format!("{outbox:?}");
        assert!(!shown.contains("hunter2") && shown.contains("frames: 2"), "{shown}");
    }

    /// The session of a long-poll waits for news in its process, and for frames in whatever request polls.
    #[tokio::test(start_paused = true)]
    async fn one_task_may_wait_for_frames_and_another_for_news() {
        let outbox = Arc::new(outbox(10_000));
        for first in ["frames", "news"] {
            let mut waiting = Vec::new();
            for what in [first, if first == "news" { "frames" } else { "news" }] {
                let outbox = outbox.clone();
                waiting.push(tokio::spawn(async move {
                    match what {
                        "frames" => outbox.frames_ready().await,
                        _ => outbox.news_ready().await,
                    }
                }));
                tokio::task::yield_now().await;
            }
            outbox.send("1".into());
            outbox.tell(ChannelNews::Joined(A));
            for task in waiting {
                let heard = tokio::time::timeout(Duration::from_secs(10), task).await;
                assert!(heard.is_ok(), "one of them did not hear, with {first} first");
            }
            while outbox.next_frame().is_some() {}
        }
    }

    #[test]
    fn news_comes_before_the_reason_to_close_and_the_first_reason_counts() {
        let outbox = outbox(100);
        outbox.tell(ChannelNews::Joined(A));
        outbox.close(CloseReason::Restart { retry_in: Duration::ZERO });
        outbox.close(CloseReason::Disconnected);
        assert_eq!(outbox.next_news(), Ok(Some(ChannelNews::Joined(A))));
        assert_eq!(outbox.next_news(), Err(CloseReason::Restart { retry_in: Duration::ZERO }));
    }
}
