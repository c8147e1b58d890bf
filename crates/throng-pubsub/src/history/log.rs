//! What was said on one topic lately (pure).
//!
//! ```text
//!    offsets   1 … 4 │ 5   6   7   8 │ 9 …
//!            trimmed │    records    │ to come
//!
//!    since 4..=8 is answered, since less has a gap, since more is of another log
//! ```

use std::{collections::VecDeque, sync::Arc};

use super::{HistoryOptions, Position, Since, position::Epoch};
use crate::payload::Payload;

/// What a record costs beside its payload and the name of its event.
pub(super) const RECORD_OVERHEAD_BYTES: usize = 96;

/// One message, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) event: Arc<str>,
    pub(super) payload: Payload,
    /// When it was said, in milliseconds.
    pub(super) at: u64,
}

/// The newest messages of a topic, numbered without gaps.
#[derive(Debug)]
pub(super) struct Log {
    epoch: Epoch,
    /// The offset of the newest message, kept or not.
    last: u64,
    records: VecDeque<Record>,
    bytes: usize,
}

/// What a reader missed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    /// The records with their offsets, in order.
    pub(super) records: Vec<(u64, Record)>,
    /// Whether some that came before them are lost.
    pub(super) gap: bool,
}

impl Record {
    fn bytes(&self) -> usize {
        RECORD_OVERHEAD_BYTES + self.event.len() + self.payload.as_json().len()
    }
}

impl Log {
    pub(super) fn new(epoch: Epoch) -> Log {
        Log { epoch, last: 0, records: VecDeque::new(), bytes: 0 }
    }

    /// A log as it was when it was written down; `records` are its last.
    pub(super) fn restored(at: Position, records: Vec<Record>) -> Log {
        let bytes = records.iter().map(Record::bytes).sum();
        Log { epoch: at.epoch, last: at.offset, records: records.into(), bytes }
    }

    /// Takes in a message and forgets what is too much. Gives back its place.
    pub(super) fn append(&mut self, record: Record, options: &HistoryOptions) -> Position {
        let now = record.at;
        self.last += 1;
        self.bytes += record.bytes();
        self.records.push_back(record);
        self.trim(options, now);
        self.position()
    }

    /// Forgets what is too old or too much.
    pub(super) fn trim(&mut self, options: &HistoryOptions, now: u64) {
        while let Some(oldest) = self.records.front() {
            let is_old = now.saturating_sub(oldest.at) >= options.age_max_ms();
            if !is_old && self.records.len() <= options.messages_max && self.bytes <= options.bytes_max {
                break;
            }
            self.bytes -= oldest.bytes();
            self.records.pop_front();
        }
        if self.records.is_empty() {
            // A topic that is silent keeps no buffer.
            self.records = VecDeque::new();
        }
    }

    /// What came after a place.
    pub(super) fn read(&self, since: Since) -> Reading {
        let first = self.first();
        let (from, gap) = match since {
            Since::Start => (first, false),
            Since::Position(Position { epoch, offset })
                if epoch == self.epoch && (first - 1..=self.last).contains(&offset) =>
            {
                (offset + 1, false)
            }
            // What is kept is news all the same: nothing of it can have been heard at a place that is lost, or in another log.
            Since::Position(_) | Since::Unknown => (first, true),
        };
        let skipped = usize::try_from(from - first).unwrap_or(usize::MAX);
        let records = (from..).zip(self.records.iter().skip(skipped).cloned()).collect();
        Reading { records, gap }
    }

    /// The place after the newest message.
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch, offset: self.last }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    /// The offset of the oldest message that is kept, or of the next.
    fn first(&self) -> u64 {
        self.last + 1 - self.records.len() as u64
    }
}

#[cfg(test)]
mod tests;
