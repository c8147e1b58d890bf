//! What is to be announced, topic by topic. Pure: the end of a rest is told, not measured.
//!
//! ```text
//!    quiet ──change──► due ──turn──► at work ──done──► resting ──rested──► due, or forgotten
//!                                       ▲                 │ changes and newcomers wait
//!                                       └── newcomers ────┘ when no change does
//! ```
//!
//! A topic is at work for one at a time, so what is said of it is said in order. After an announcement it rests: the changes of
//! that time are announced together, and whoever comes in that time is told the state as it is then. When nothing has changed,
//! or next to nothing and the topic does not rest, a newcomer is told at once.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
};

use super::diff::{Change, TopicDiff};

/// Newcomers are told the state at once while no more changes than this wait for the announcement that is about to begin. Each
/// such state is an encoding of its own; in a crowd they would be many.
const CHANGES_AT_ONCE_MAX: usize = 8;

#[derive(Debug)]
pub(crate) struct Agenda<N> {
    topics: HashMap<Arc<str>, Item<N>>,
    /// Topics that may be due.
    ready: VecDeque<Arc<str>>,
    /// Changes that wait, on all topics.
    changes: usize,
    at_work: usize,
    at_work_max: usize,
}

/// A topic of which something is to be said, is being said, or was said lately.
#[derive(Debug)]
struct Item<N> {
    diff: TopicDiff,
    changes: usize,
    newcomers: Vec<N>,
    at_work: bool,
    resting: bool,
    /// It stands among those that are ready.
    queued: bool,
}

/// What is to be said of one topic now.
#[derive(Debug)]
pub(crate) struct Turn<N> {
    pub(crate) topic: Arc<str>,
    pub(crate) diff: TopicDiff,
    /// Who is to be told the state.
    pub(crate) newcomers: Vec<N>,
}

impl<N> Agenda<N> {
    /// At most so many topics are at work at a time.
    pub(crate) fn new(at_work_max: usize) -> Self {
        Self { topics: HashMap::new(), ready: VecDeque::new(), changes: 0, at_work: 0, at_work_max }
    }

    /// A change is to be announced.
    pub(crate) fn note(&mut self, change: Change) {
        self.changes += 1;
        self.alter(&change.topic().clone(), |item| {
            item.changes += 1;
            item.diff.add(change);
        });
    }

    /// Somebody is to be told the state of a topic.
    pub(crate) fn welcome(&mut self, topic: &Arc<str>, newcomer: N) {
        self.alter(topic, |item| item.newcomers.push(newcomer));
    }

    /// Begins with the next topic that is due.
    pub(crate) fn next_turn(&mut self) -> Option<Turn<N>> {
        while self.at_work < self.at_work_max {
            let topic = self.ready.pop_front()?;
            let Some(item) = self.topics.get_mut(&topic) else { continue };
            item.queued = false;
            if item.is_due() {
                let (diff, newcomers) = (mem::take(&mut item.diff), mem::take(&mut item.newcomers));
                self.changes -= mem::take(&mut item.changes);
                item.at_work = true;
                self.at_work += 1;
                return Some(Turn { topic, diff, newcomers });
            }
        }
        None
    }

    /// Begins with the newcomers of a topic, where they need not wait for an announcement. Changes that wait are left.
    pub(crate) fn newcomers_turn(&mut self, topic: &str) -> Option<Turn<N>> {
        if self.at_work >= self.at_work_max {
            return None;
        }
        let (topic, _) = self.topics.get_key_value(topic)?;
        let topic = topic.clone();
        let item = self.topics.get_mut(&topic).filter(|item| item.has_room_for_newcomers())?;
        let newcomers = mem::take(&mut item.newcomers);
        item.at_work = true;
        self.at_work += 1;
        Some(Turn { topic, diff: TopicDiff::default(), newcomers })
    }

    /// What was begun is over. A topic that rests goes on when it [has rested](Self::rested).
    pub(crate) fn done(&mut self, topic: &Arc<str>, rests: bool) {
        self.at_work -= 1;
        self.alter(topic, |item| {
            item.at_work = false;
            item.resting |= rests;
        });
    }

    pub(crate) fn rested(&mut self, topic: &Arc<str>) {
        if self.topics.contains_key(topic) {
            self.alter(topic, |item| item.resting = false);
        }
    }

    /// Ends all rests.
    pub(crate) fn wake(&mut self) {
        let resting: Vec<_> =
            self.topics.iter().filter(|(_, item)| item.resting).map(|(topic, _)| topic.clone()).collect();
        for topic in resting {
            self.rested(&topic);
        }
    }

    /// Whether a turn may be taken.
    pub(crate) fn is_due(&self) -> bool {
        !self.ready.is_empty() && self.at_work < self.at_work_max
    }

    /// How many changes wait.
    pub(crate) fn changes(&self) -> usize {
        self.changes
    }

    /// Alters what is known of a topic, queues it when it is due, and forgets it when nothing is left.
    fn alter(&mut self, topic: &Arc<str>, alter: impl FnOnce(&mut Item<N>)) {
        let item = self.topics.entry(topic.clone()).or_default();
        alter(item);
        if item.is_due() && !mem::replace(&mut item.queued, true) {
            self.ready.push_back(topic.clone());
        } else if item.is_over() {
            self.topics.remove(topic);
        }
    }
}

impl<N> Item<N> {
    fn is_due(&self) -> bool {
        let (news, newcomers) = (!self.diff.is_empty(), !self.newcomers.is_empty());
        !self.at_work && if self.resting { newcomers && !news } else { newcomers || news }
    }

    fn has_room_for_newcomers(&self) -> bool {
        let changes_max = if self.resting { 0 } else { CHANGES_AT_ONCE_MAX };
        !self.at_work && !self.newcomers.is_empty() && self.changes <= changes_max
    }

    fn is_over(&self) -> bool {
        !self.at_work && !self.resting && self.diff.is_empty() && self.newcomers.is_empty()
    }
}

impl<N> Default for Item<N> {
    fn default() -> Self {
        Self {
            diff: TopicDiff::default(),
            changes: 0,
            newcomers: Vec::new(),
            at_work: false,
            resting: false,
            queued: false,
        }
    }
}

#[cfg(test)]
mod tests;
