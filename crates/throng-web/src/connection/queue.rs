//! The frames that wait for one client, counted.

use std::collections::VecDeque;

use super::{
    ChannelNews,
    waiting::{Mark, Rule, Waiting},
};
use crate::{OutboundCounts, close::CloseReason, protocol::Frame, socket::ChannelId, telemetry::Traffic};

/// What a queued frame costs beside its bytes.
const FRAME_OVERHEAD_BYTES: usize = 64;
/// What is handed out together; the last frame may exceed it.
const BATCH_BYTES: usize = 32 << 10;
/// How many frames may wait whatever their size.
const FRAMES_OF_ANY_SIZE: usize = 4;

/// What one connection has yet to write and to hear.
pub(super) struct Queue {
    frames: Waiting,
    /// Part of `load`: the frames that were handed out last.
    in_hand: Load,
    /// Broadcasts of topics whose join reply is not queued yet.
    held: Vec<(ChannelId, Vec<Held>)>,
    /// What waits, here and in mailboxes of channels.
    load: Load,
    /// Part of `load`: what waits in mailboxes.
    lent: Load,
    /// What may wait.
    charge_max: usize,
    record: Record,
    news: VecDeque<ChannelNews>,
    stop: Option<CloseReason>,
    /// What was done with events for a client that is slow.
    counts: OutboundCounts,
}

/// What has passed through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    pub(crate) sent: Traffic,
    pub(crate) dropped: u64,
    pub(crate) bytes_peak: usize,
}

type Held = (Frame, Option<Box<Mark>>);

/// What waits, in bytes, and what of it counts for the bound.
#[derive(Clone, Copy, Default)]
struct Load {
    bytes: usize,
    charge: usize,
}

impl Queue {
    pub(super) fn new(bytes_max: usize) -> Queue {
        Queue {
            frames: Waiting::default(),
            in_hand: Load::default(),
            held: Vec::new(),
            load: Load::default(),
            lent: Load::default(),
            charge_max: bytes_max,
            record: Record::default(),
            news: VecDeque::new(),
            stop: None,
            counts: OutboundCounts::default(),
        }
    }

    /// Queues a frame that has to arrive, or one of an event that the rule in its mark says otherwise of.
    pub(super) fn push(&mut self, frame: Frame, mark: Option<Box<Mark>>) {
        let Some(mark) = mark else {
            if self.admit(frame.len()) {
                self.frames.push(frame, None);
            }
            return;
        };
        match mark.rule {
            Rule::Drop => self.push_droppable(frame, mark),
            Rule::Replace => self.push_latest(frame, mark),
            Rule::Merge(_) => self.push_merged(frame, mark),
        }
    }

    fn push_droppable(&mut self, frame: Frame, mark: Box<Mark>) {
        if self.is_stopped() {
            return;
        }
        if self.make_room(frame.len()) {
            self.load.add(self.load_of(frame.len()));
            self.frames.push(frame, Some(mark));
        } else {
            self.counts.dropped += 1;
        }
    }

    fn push_latest(&mut self, frame: Frame, mark: Box<Mark>) {
        if self.frames.single(&mark).is_some() {
            self.counts.superseded += 1;
            self.replace(frame, mark);
        } else if self.admit(frame.len()) {
            self.frames.push(frame, Some(mark));
        }
    }

    /// What two become may not grow into what counts for less than it is.
    fn push_merged(&mut self, frame: Frame, mark: Box<Mark>) {
        let bytes_max = (self.charge_max / FRAMES_OF_ANY_SIZE).saturating_sub(FRAME_OVERHEAD_BYTES);
        let merged = self.frames.merged(&mark).filter(|(frame, _)| frame.len() <= bytes_max);
        if let Some((frame, mark)) = merged {
            self.counts.coalesced += 1;
            self.replace(frame, mark);
        } else if self.admit(frame.len()) {
            self.frames.push(frame, Some(mark));
        }
    }

    /// Puts a frame in the place of the one of its kind that waits, which it may exceed: each kind has one frame of a bounded
    /// charge.
    fn replace(&mut self, frame: Frame, mark: Box<Mark>) {
        let old = self.frames.single(&mark).map_or(0, Frame::len);
        self.load.remove(self.load_of(old));
        self.load.add(self.load_of(frame.len()));
        self.frames.replace(frame, mark);
    }

    /// Begins to hold what is broadcast to a channel.
    pub(super) fn hold(&mut self, channel: ChannelId) {
        self.held.push((channel, Vec::new()));
    }

    pub(super) fn push_or_hold(&mut self, channel: ChannelId, frame: Frame, mark: Option<Box<Mark>>) {
        match self.held.iter().position(|(held, _)| *held == channel) {
            Some(at) if self.admit(frame.len()) => self.held[at].1.push((frame, mark)),
            Some(_) => {}
            None => self.push(frame, mark),
        }
    }

    /// Queues what was held for a channel, and holds no more.
    pub(super) fn release(&mut self, channel: ChannelId) {
        let Some(index) = self.held.iter().position(|(held, _)| *held == channel) else { return };
        let (_, held) = self.held.swap_remove(index);
        if self.held.is_empty() {
            self.held = Vec::new();
        }
        for (frame, mark) in held {
            self.load.remove(self.load_of(frame.len()));
            self.push(frame, mark);
        }
    }

    /// Drops what was held for a channel that ended before its join was answered.
    pub(super) fn drop_held(&mut self, channel: ChannelId) {
        let Some(index) = self.held.iter().position(|(held, _)| *held == channel) else { return };
        let (_, held) = self.held.swap_remove(index);
        for (frame, _) in held {
            self.load.remove(self.load_of(frame.len()));
        }
    }

    /// Whether less than half of what may wait does, or nothing that could be sent.
    pub(super) fn has_room(&self) -> bool {
        self.is_stopped() || self.is_empty() || self.load.charge <= self.charge_max / 2
    }

    /// The next frame to be sent. The one before it counts until then.
    pub(super) fn next_frame(&mut self) -> Option<Frame> {
        self.load.remove(std::mem::take(&mut self.in_hand));
        let frame = self.frames.pop()?;
        self.record.sent.count(frame.len());
        self.in_hand = self.load_of(frame.len());
        Some(frame)
    }

    /// The next frames to be sent, as many as make a batch; false when there are none. Those before them count until then.
    pub(super) fn next_batch(&mut self, mut take: impl FnMut(Frame)) -> bool {
        self.load.remove(std::mem::take(&mut self.in_hand));
        while self.in_hand.bytes < BATCH_BYTES
            && let Some(frame) = self.frames.pop()
        {
            self.record.sent.count(frame.len());
            self.in_hand.add(self.load_of(frame.len()));
            take(frame);
        }
        self.in_hand.bytes > 0
    }

    pub(super) fn tell(&mut self, news: ChannelNews) {
        self.news.push_back(news);
    }

    /// The next piece of news, or else the reason to close.
    pub(super) fn next_news(&mut self) -> Result<Option<ChannelNews>, CloseReason> {
        let news = self.news.pop_front();
        if self.news.is_empty() {
            self.news = VecDeque::new();
        }
        match (news, &self.stop) {
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
        self.record.dropped += self.frames() as u64;
        self.frames = Waiting::default();
        self.in_hand = Load::default();
        self.held = Vec::new();
        self.load = self.lent;
    }

    pub(super) fn record(&self) -> Record {
        self.record
    }

    pub(super) fn bytes(&self) -> usize {
        self.load.bytes
    }

    /// What was done with events, and whether the client was too slow in the end.
    pub(super) fn counts(&self) -> OutboundCounts {
        let closed = u64::from(self.stop == Some(CloseReason::SlowReader));
        OutboundCounts { closed, ..self.counts }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.len() == 0
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
        if !self.make_room(bytes) {
            self.stop(CloseReason::SlowReader);
            self.free();
            return false;
        }
        self.load.add(self.load_of(bytes));
        self.record.bytes_peak = self.record.bytes_peak.max(self.load.bytes);
        true
    }

    /// Whether so many bytes more may wait, once what may be dropped has been.
    fn make_room(&mut self, bytes: usize) -> bool {
        let load = self.load_of(bytes);
        while self.load.charge > 0 && self.load.charge + load.charge > self.charge_max {
            let Some(dropped) = self.frames.drop_oldest() else { return false };
            self.load.remove(self.load_of(dropped.len()));
            self.counts.dropped += 1;
        }
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
    use throng_pubsub::Payload;

    use super::*;
    use crate::{
        connection::waiting::Merge,
        protocol::{Ref, Serializer},
    };

    const MAX: usize = 100_000;

    fn frame(bytes: usize) -> Frame {
        (&*"x".repeat(bytes)).into()
    }

    fn fits(frames: &[usize]) -> bool {
        let mut queue = Queue::new(MAX);
        frames.iter().for_each(|bytes| queue.push(frame(*bytes), None));
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

    fn mark(event: &'static str, rule: Rule) -> Option<Box<Mark>> {
        Some(Box::new(Mark { channel: ChannelId(1), event, rule }))
    }

    /// Payloads of arrays under `all`, put one after the other.
    fn merge(older: &Payload, newer: &Payload) -> Option<Payload> {
        let all = |payload: &Payload| payload.parse::<serde_json::Value>().ok()?["all"].as_array().cloned();
        let all = [all(older)?, all(newer)?].concat();
        Payload::new(serde_json::json!({ "all": all })).ok()
    }

    fn push_merged(queue: &mut Queue, n: u32) {
        let payload = Payload::new(serde_json::json!({ "all": [n] })).unwrap();
        let frame = Serializer::V2.push(&Ref::NULL, "t", "add", &payload).unwrap();
        let (serializer, join_ref, topic) = (Serializer::V2, Ref::NULL, "t".into());
        queue.push(frame, mark("add", Rule::Merge(Merge { merge, serializer, join_ref, topic, payload })));
    }

    fn text(frame: Option<Frame>) -> String {
        frame.unwrap().as_text().unwrap().into_owned()
    }

    #[test]
    fn c18_3_what_may_be_dropped_makes_room_for_what_may_not() {
        let mut queue = Queue::new(MAX);
        for _ in 0..1_000 {
            queue.push(frame(1_000), mark("tick", Rule::Drop));
        }
        assert!(!queue.is_stopped() && queue.bytes() <= MAX);
        let dropped = queue.counts().dropped;
        assert!(dropped >= 900, "{dropped}");
        for _ in 0..90 {
            queue.push(frame(1_000), None);
        }
        assert!(!queue.is_stopped() && queue.bytes() <= MAX);
        for _ in 0..90 {
            queue.push(frame(1_000), None);
        }
        assert!(queue.is_stopped(), "nothing is left to be dropped");
        assert_eq!(queue.counts().closed, 1);
    }

    #[test]
    fn c18_3_the_latest_alone_waits() {
        let mut queue = Queue::new(MAX);
        for n in 0..1_000 {
            queue.push((&*format!("{n}")).into(), mark("cursor", Rule::Replace));
        }
        assert_eq!((queue.frames(), queue.counts().superseded), (1, 999));
        assert_eq!(text(queue.next_frame()), "999");
        queue.push("next".into(), mark("cursor", Rule::Replace));
        assert_eq!(text(queue.next_frame()), "next");
        assert_eq!((queue.next_frame(), queue.bytes()), (None, 0));
    }

    #[test]
    fn c18_3_what_waits_is_merged_up_to_a_size() {
        let mut queue = Queue::new(MAX);
        (0..3).for_each(|n| push_merged(&mut queue, n));
        assert_eq!(text(queue.next_frame()), r#"[null,null,"t","add",{"all":[0,1,2]}]"#);
        assert_eq!(queue.counts().coalesced, 2);
        let mut queue = Queue::new(2_000);
        (0..300).for_each(|n| push_merged(&mut queue, n));
        assert_eq!((queue.frames(), queue.is_stopped()), (3, false), "one frame has a largest size");
        while queue.next_frame().is_some() {}
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn c18_3_a_push_that_cannot_be_merged_waits_by_itself() {
        let mut queue = Queue::new(MAX);
        push_merged(&mut queue, 1);
        let (serializer, join_ref, topic) = (Serializer::V2, Ref::NULL, "t".into());
        let other = Merge { merge, serializer, join_ref, topic, payload: Payload::empty() };
        queue.push("other".into(), mark("add", Rule::Merge(other)));
        push_merged(&mut queue, 2);
        assert_eq!(queue.frames(), 3);
        while queue.next_frame().is_some() {}
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn one_frame_is_admitted_whatever_the_bound() {
        let mut queue = Queue::new(0);
        queue.push(frame(10), None);
        assert!(queue.next_frame().is_some());
        queue.push(frame(10), None);
        assert!(!queue.is_stopped());
    }

    #[test]
    fn held_frames_count_as_well() {
        let mut queue = Queue::new(MAX);
        queue.hold(ChannelId(1));
        for _ in 0..100 {
            queue.push_or_hold(ChannelId(1), frame(1_000), None);
        }
        assert!(queue.is_stopped());
        assert_eq!((queue.frames(), queue.bytes()), (0, 0));
    }

    #[test]
    fn a_frame_counts_until_the_next_is_asked_for() {
        let mut queue = Queue::new(MAX);
        queue.push(frame(500), None);
        queue.push(frame(10), None);
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
            queue.push(frame(bytes), None);
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
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn a_queue_that_is_freed_with_a_frame_in_hand_counts_nothing() {
        let mut queue = Queue::new(MAX);
        queue.push(frame(2 * MAX), None);
        assert!(queue.next_frame().is_some());
        queue.stop(CloseReason::SlowReader);
        queue.free();
        assert_eq!((queue.next_frame(), queue.bytes()), (None, 0));
    }
}
