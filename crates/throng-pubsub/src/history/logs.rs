//! The logs of all topics, each with its turn.
//!
//! Whoever records, or subscribes with a reading, holds the topic's turn until every subscriber of that moment has been handed
//! the message. The topics' own locks are below it: a turn is never taken by somebody who holds one of them, nor another turn
//! (see [`turn`](super::turn)).

use std::{
    collections::{HashMap, hash_map::Entry},
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};

use super::{HistoryOptions, log::Log, options::Rules, position::Epochs};
use crate::table::Shards;

/// After the bound on all logs was reached, so much of it is free again.
const ROOM: f64 = 0.1;

pub(super) struct Logs {
    topics: Shards<RwLock<HashMap<Arc<str>, Arc<TopicLog>>>>,
    epochs: Epochs,
    bytes: AtomicUsize,
    bytes_max: usize,
    /// Held while room is made, so that one does it and the others wait: the bound is a bound.
    making_room: Mutex<()>,
}

struct TopicLog {
    turn: Mutex<Turn>,
    /// When it was last written or read.
    used: AtomicU64,
}

struct Turn {
    log: Log,
    /// It is no longer the topic's log: whoever found it before has to look again.
    is_retired: bool,
}

impl Logs {
    pub(super) fn new(bytes_max: usize) -> Logs {
        let (topics, epochs, bytes) = (Shards::default(), Epochs::default(), AtomicUsize::new(0));
        Logs { topics, epochs, bytes, bytes_max, making_room: Mutex::new(()) }
    }

    /// Runs `work` on the log of a topic, which begins now if there is none, while nobody else has its turn.
    pub(super) fn in_turn<T>(&self, topic: &Arc<str>, now: u64, work: impl FnOnce(&mut Log) -> T) -> T {
        let worked = loop {
            let found = self.find_or_begin(topic, now);
            let mut turn = found.turn.lock();
            if turn.is_retired {
                continue;
            }
            found.used.store(now, Ordering::Relaxed);
            let before = turn.log.bytes();
            let worked = work(&mut turn.log);
            self.count(before, turn.log.bytes());
            break worked;
        };
        self.make_room();
        worked
    }

    /// Runs `work` on the log of a topic, if there is one.
    pub(super) fn read<T>(&self, topic: &str, work: impl FnOnce(&Log) -> T) -> Option<T> {
        let found = self.topics.of(topic).read().get(topic).cloned()?;
        let turn = found.turn.lock();
        (!turn.is_retired).then(|| work(&turn.log))
    }

    /// Gives a topic a log that was written down, unless it has one.
    pub(super) fn restore(&self, topic: Arc<str>, log: Log, now: u64) {
        let bytes = weight(&topic) + log.bytes();
        let mut topics = self.topics.of(&*topic).write();
        if let Entry::Vacant(vacant) = topics.entry(topic) {
            vacant.insert(Arc::new(TopicLog::new(log, now)));
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        drop(topics);
        self.make_room();
    }

    /// Takes all logs out, with their topics: whoever speaks from now on begins others.
    pub(super) fn take_all(&self) -> Vec<(Arc<str>, Log)> {
        let found = self.all();
        found
            .into_iter()
            .filter_map(|(topic, found)| Some((topic.clone(), self.retire(&topic, &found)?)))
            .collect()
    }

    /// Forgets what is too old, and the logs of topics that are silent and in which `is_used` finds nobody.
    pub(super) fn sweep(&self, rules: &Rules, now: u64, is_used: impl Fn(&str) -> bool) {
        for (topic, found) in self.all() {
            let Some(options) = rules.find(&topic) else { continue };
            let mut turn = found.turn.lock();
            if turn.is_retired {
                continue;
            }
            let before = turn.log.bytes();
            turn.log.trim(options, now);
            self.count(before, turn.log.bytes());
            let is_silent = turn.log.is_empty() && found.is_unused(options, now);
            drop(turn);
            if is_silent && !is_used(&topic) {
                self.retire_if(&topic, &found, |log| log.is_empty() && found.is_unused(options, now));
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn count_topics(&self) -> usize {
        self.topics.all().map(|topics| topics.read().len()).sum()
    }

    fn find_or_begin(&self, topic: &Arc<str>, now: u64) -> Arc<TopicLog> {
        let shard = self.topics.of(&**topic);
        if let Some(found) = shard.read().get(topic) {
            return found.clone();
        }
        let begin = || {
            self.bytes.fetch_add(weight(topic), Ordering::Relaxed);
            Arc::new(TopicLog::new(Log::new(self.epochs.draw()), now))
        };
        shard.write().entry(topic.clone()).or_insert_with(begin).clone()
    }

    /// Drops the logs that have not been used for the longest time, until there is room again.
    ///
    /// It looks at all of them, which pays because it makes room for many messages at a time.
    fn make_room(&self) {
        if self.bytes() <= self.bytes_max {
            return;
        }
        let _one_at_a_time = self.making_room.lock();
        if self.bytes() <= self.bytes_max {
            return;
        }
        let mut found = self.all();
        found.sort_by_key(|(_, found)| found.used.load(Ordering::Relaxed));
        let aim = (self.bytes_max as f64 * (1.0 - ROOM)) as usize;
        let mut dropped = 0_usize;
        for (topic, found) in found {
            if self.bytes() <= aim {
                break;
            }
            dropped += usize::from(self.retire(&topic, &found).is_some());
        }
        tracing::debug!(dropped, "histories were dropped: those of all topics are too large together");
    }

    fn retire(&self, topic: &Arc<str>, found: &Arc<TopicLog>) -> Option<Log> {
        self.retire_if(topic, found, |_| true)
    }

    /// Ends a log. The topic's next has another epoch.
    fn retire_if(
        &self,
        topic: &Arc<str>,
        found: &Arc<TopicLog>,
        may: impl FnOnce(&Log) -> bool,
    ) -> Option<Log> {
        let mut turn = found.turn.lock();
        if turn.is_retired || !may(&turn.log) {
            return None;
        }
        turn.is_retired = true;
        self.topics.of(&**topic).write().remove(topic);
        let log = std::mem::replace(&mut turn.log, Log::new(self.epochs.draw()));
        self.bytes.fetch_sub(weight(topic) + log.bytes(), Ordering::Relaxed);
        Some(log)
    }

    fn all(&self) -> Vec<(Arc<str>, Arc<TopicLog>)> {
        let of = |topics: &RwLock<HashMap<_, _>>| topics.read().clone().into_iter().collect::<Vec<_>>();
        self.topics.all().flat_map(of).collect()
    }

    fn count(&self, before: usize, after: usize) {
        // Wraps to a subtraction.
        self.bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }
}

impl TopicLog {
    fn new(log: Log, now: u64) -> TopicLog {
        TopicLog { turn: Mutex::new(Turn { log, is_retired: false }), used: AtomicU64::new(now) }
    }

    /// A position that was told so long ago need not be honoured.
    fn is_unused(&self, options: &HistoryOptions, now: u64) -> bool {
        now.saturating_sub(self.used.load(Ordering::Relaxed)) >= options.age_max_ms()
    }
}

/// What a log costs beside its messages.
fn weight(topic: &str) -> usize {
    size_of::<TopicLog>() + 2 * size_of::<usize>() + topic.len() + 64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{
        history::{log::Record, position::Epoch},
        payload::Payload,
    };

    fn rules() -> Rules {
        let mut rules = Rules::default();
        rules
            .add("*", HistoryOptions::default().with(|options| options.age_max = Duration::from_millis(100)));
        rules
    }

    fn say(logs: &Logs, topic: &str, bytes: usize, now: u64) -> Epoch {
        let payload = Payload::new(json!({ "x": "x".repeat(bytes) })).unwrap();
        let options = HistoryOptions::default();
        logs.in_turn(&topic.into(), now, |log| {
            log.append(Record { event: "said".into(), payload, at: now }, &options).epoch
        })
    }

    #[test]
    fn c18_6_the_logs_together_are_bounded_and_the_least_used_go_first() {
        let logs = Logs::new(20_000);
        let first = say(&logs, "busy", 1_000, 0);
        for n in 1..200 {
            let quiet = say(&logs, &format!("quiet:{n}"), 1_000, n * 10);
            assert_eq!(say(&logs, "busy", 10, n * 10 + 1), first, "it is used all the time");
            assert!(logs.bytes() <= 20_000, "{}", logs.bytes());
            assert_eq!(logs.read(&format!("quiet:{n}"), |log| log.position().epoch), Some(quiet));
        }
        assert!(logs.read("quiet:1", |_| ()).is_none());
        assert_ne!(say(&logs, "quiet:1", 1, 9_999), say(&logs, "quiet:2", 1, 9_999));
    }

    #[test]
    fn empty_logs_count_as_well() {
        let logs = Logs::new(100_000);
        for n in 0..10_000 {
            logs.in_turn(&format!("topic:{n}").into(), n, |_| ());
        }
        assert!(logs.bytes() <= 100_000 && logs.count_topics() < 1_000);
    }

    #[test]
    fn a_silent_topic_gives_its_memory_back_and_begins_another_log() {
        let logs = Logs::new(usize::MAX);
        let before = say(&logs, "room", 1_000, 0);
        logs.sweep(&rules(), 99, |_| false);
        assert_eq!(logs.count_topics(), 1);
        logs.sweep(&rules(), 100, |_| true);
        assert_eq!(logs.read("room", |log| (log.is_empty(), log.position().offset)), Some((true, 1)));
        logs.sweep(&rules(), 150, |_| false);
        assert_eq!((logs.count_topics(), logs.bytes()), (0, 0));
        assert_ne!(say(&logs, "room", 1, 200), before);
    }

    #[test]
    fn whoever_found_a_log_that_ends_meanwhile_looks_again() {
        let logs = Logs::new(usize::MAX);
        std::thread::scope(|scope| {
            let speakers: Vec<_> = (0..3)
                .map(|n| {
                    scope.spawn({
                        let logs = &logs;
                        move || {
                            (0..2_000).for_each(|now| {
                                say(logs, &format!("room:{}", now % 2), n, now);
                            })
                        }
                    })
                })
                .collect();
            while speakers.iter().any(|speaker| !speaker.is_finished()) {
                drop(logs.take_all());
            }
        });
        drop(logs.take_all());
        assert_eq!((logs.count_topics(), logs.bytes()), (0, 0));
    }
}
