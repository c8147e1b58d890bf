//! What was said on topics lately, for those who missed it (§18.6).

mod answers;
mod carry;
mod clock;
mod keeper;
mod log;
mod logs;
mod options;
mod position;
mod snapshot;
mod store;
pub(crate) mod turn;

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

pub use self::{
    answers::{Answer, AnswerOptions, Claim, Standing},
    keeper::HistoryKeeper,
    options::HistoryOptions,
    position::{Epoch, Position, PositionError, Since},
    snapshot::SnapshotError,
    store::{FileError, FileStore, HistoryStore, StoreError},
};
use self::{
    answers::{Answers, Scope},
    clock::Clock,
    log::{Log, Record},
    logs::Logs,
    options::Rules,
};
use crate::{broadcast::Broadcast, table::Table};

/// What was said on some topics lately: a log for each, in which every message has a number. Cloning gives another handle.
///
/// Given to a [`PubSub`](crate::PubSub), it records the broadcasts of the topics that it was told of, and numbers them in the
/// order in which every subscriber gets them: those who broadcast on one topic take turns. What is recorded carries its
/// [`Position`] to clients in the field `_since` of its payload; a client that comes back says where it was, and gets what it
/// missed.
///
/// A log has an epoch, drawn when it begins, so that a position of another log is never taken for one of its own: clients are
/// told of the gap. Logs are bounded one by one ([`HistoryOptions`]) and together; those that are used least go first. Every node
/// has its own, of all that is broadcast in the cluster.
///
/// Its [`HistoryKeeper`] process belongs at the begin of the supervision tree, by `.child(&history)`. It forgets what is too
/// old, and carries the logs from one run of the program to the next where there is a [store](HistoryBuilder::store).
///
/// ```
/// use serde_json::json;
/// use throng_pubsub::{History, HistoryOptions, PubSub, Since};
///
/// let history = History::builder().topics("room:*", HistoryOptions::default()).build();
/// let pubsub = PubSub::new().with_history(&history);
/// for n in 1..=3 {
///     pubsub.broadcast("room:1", "said", json!({ "n": n }))?;
/// }
/// let kept = history.read("room:1", Since::Start);
/// assert_eq!(kept.messages.len(), 3);
///
/// let seen = kept.messages[0].position().map_or(Since::Unknown, Since::Position);
/// let missed = history.read("room:1", seen);
/// assert_eq!(missed.messages[0].payload().as_json(), r#"{"n":2}"#);
/// assert!(!missed.gap);
/// # Ok::<_, throng_pubsub::BroadcastError>(())
/// ```
#[derive(Clone)]
pub struct History {
    shared: Arc<Shared>,
}

struct Shared {
    rules: Rules,
    logs: Logs,
    answers: Answers,
    clock: Arc<Clock>,
    store: Option<Box<dyn HistoryStore>>,
    /// What is in the store is of an earlier run, and has not been taken.
    is_loaded: AtomicBool,
    /// Where people listen to what is recorded.
    listeners: Mutex<Vec<Weak<Table>>>,
}

/// Says what a [`History`] keeps.
#[must_use]
pub struct HistoryBuilder {
    rules: Rules,
    bytes_max: usize,
    answers: AnswerOptions,
    store: Option<Box<dyn HistoryStore>>,
}

/// What somebody missed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Missed {
    /// The place after it: what comes from now on comes after this.
    pub position: Position,
    /// Whether something is lost: more was missed than is kept, or it was another log. What is kept is here all the same.
    pub gap: bool,
    /// The messages, in order.
    pub messages: Vec<Broadcast>,
}

/// Why histories could not be carried over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// What it kept is not what was written.
    #[error("what was kept cannot be read: {0}")]
    Snapshot(#[from] SnapshotError),
    /// What is to be written has no form.
    #[error("what is known cannot be written")]
    Encode(#[source] serde_json::Error),
}

impl History {
    /// A history that keeps nothing yet: say which topics it is of.
    pub fn builder() -> HistoryBuilder {
        HistoryBuilder {
            rules: Rules::default(),
            bytes_max: 64 << 20,
            answers: AnswerOptions::default(),
            store: None,
        }
    }

    /// Whether the messages of this topic are kept.
    pub fn keeps(&self, topic: &str) -> bool {
        self.shared.rules.find(topic).is_some()
    }

    /// What came after a place on a topic, as far as it is kept. A topic of which nothing is kept has an empty log of its own.
    pub fn read(&self, topic: impl Into<Arc<str>>, since: Since) -> Missed {
        let topic = topic.into();
        self.in_turn(&topic, |log| missed(&topic, log, since))
    }

    /// The place after the newest message of a topic, if there is a log of it.
    pub fn position(&self, topic: &str) -> Option<Position> {
        self.shared.logs.read(topic, Log::position)
    }

    /// Bytes of all logs and answers, with what they cost beside their texts.
    pub fn bytes(&self) -> usize {
        self.shared.logs.bytes() + self.shared.answers.bytes()
    }

    /// How many topics have a log.
    pub fn topics(&self) -> usize {
        self.shared.logs.count_topics()
    }

    /// Says to `resume` how the message stands that a client sent to a topic under an id: now, or when whoever has it in hand is
    /// done (§18.6). It may run in another process, and must be as short as a push into a queue.
    pub fn claim(
        &self,
        client: impl Into<Arc<str>>,
        topic: impl Into<Arc<str>>,
        id: impl Into<Arc<str>>,
        resume: impl FnOnce(Standing) + Send + 'static,
    ) {
        self.shared.answers.claim(Scope { client: client.into(), topic: topic.into() }, id.into(), resume);
    }

    /// Takes in what an earlier run left in the store, and gives back of how many topics. Only the first time it is called;
    /// the [`HistoryKeeper`] does.
    ///
    /// It blocks as long as the store does.
    ///
    /// # Errors
    ///
    /// [`HistoryError`]: then all topics begin new logs.
    pub fn load(&self) -> Result<usize, HistoryError> {
        let Some(store) = &self.shared.store else { return Ok(0) };
        if self.shared.is_loaded.swap(true, Ordering::Relaxed) {
            return Ok(0);
        }
        match store.take().map_err(HistoryError::Store)? {
            Some(bytes) => Ok(self.shared.restore(&snapshot::decode(&bytes)?)),
            None => Ok(0),
        }
    }

    /// Ends all logs and writes them into the store, with the answers that are kept; gives back of how many topics. What is
    /// broadcast from now on begins other logs. The [`HistoryKeeper`] does it when it is shut down.
    ///
    /// It blocks as long as the store does.
    ///
    /// # Errors
    ///
    /// [`HistoryError`]: then the next run begins new logs.
    pub fn save(&self) -> Result<usize, HistoryError> {
        let Some(store) = &self.shared.store else { return Ok(0) };
        let logs = self.shared.logs.take_all();
        self.shared.is_loaded.store(false, Ordering::Relaxed);
        store
            .save(&self.shared.written(&logs).map_err(HistoryError::Encode)?)
            .map_err(HistoryError::Store)?;
        Ok(logs.len())
    }

    /// Whether this broadcast is to be recorded. Bytes are not: they have no place for their position.
    pub(crate) fn keeps_event(&self, broadcast: &Broadcast) -> bool {
        let options = self.shared.rules.find(broadcast.topic());
        !broadcast.payload().is_binary() && options.is_some_and(|options| options.keeps(broadcast.event()))
    }

    /// Records a broadcast and has it handed out, before anybody else records on its topic.
    pub(crate) fn record(&self, broadcast: &Broadcast, hand_out: impl FnOnce(Broadcast)) {
        let Some(options) = self.shared.rules.find(broadcast.topic()) else {
            return hand_out(broadcast.clone());
        };
        let now = self.shared.clock.now();
        self.shared.logs.in_turn(broadcast.shared_topic(), now, |log| {
            let (event, payload) = (broadcast.shared_event().clone(), broadcast.payload().clone());
            hand_out(broadcast.at(log.append(Record { event, payload, at: now }, options)));
        });
    }

    /// Reads what was missed and has `subscribe` run, before anybody else records on the topic.
    pub(crate) fn read_and<T>(
        &self,
        topic: &Arc<str>,
        since: Option<Since>,
        subscribe: impl FnOnce() -> T,
    ) -> (T, Missed) {
        self.in_turn(topic, |log| {
            let nothing = || Missed { position: log.position(), gap: false, messages: Vec::new() };
            let missed = since.map_or_else(nothing, |since| missed(topic, log, since));
            (subscribe(), missed)
        })
    }

    fn in_turn<T>(&self, topic: &Arc<str>, work: impl FnOnce(&mut Log) -> T) -> T {
        let now = self.shared.clock.now();
        self.shared.logs.in_turn(topic, now, |log| {
            if let Some(options) = self.shared.rules.find(topic) {
                log.trim(options, now);
            }
            work(log)
        })
    }

    pub(crate) fn listen(&self, table: &Arc<Table>) {
        self.shared.listeners.lock().push(Arc::downgrade(table));
    }

    /// Forgets what is too old, and topics in which nobody is.
    fn sweep(&self) {
        let tables: Vec<_> = self.shared.listeners.lock().iter().filter_map(Weak::upgrade).collect();
        let is_used = |topic: &str| tables.iter().any(|table| !table.members(topic).is_empty());
        self.shared.logs.sweep(&self.shared.rules, self.shared.clock.now(), is_used);
        self.shared.answers.sweep();
    }
}

fn missed(topic: &Arc<str>, log: &Log, since: Since) -> Missed {
    let (position, reading) = (log.position(), log.read(since));
    let broadcast = |(offset, Record { event, payload, .. })| {
        Broadcast::recorded(topic.clone(), event, payload, Position { offset, ..position })
    };
    Missed { position, gap: reading.gap, messages: reading.records.into_iter().map(broadcast).collect() }
}

impl HistoryBuilder {
    /// Keeps what is broadcast on the topics that a pattern matches: an exact topic, or a prefix with a star at its end. The
    /// first pattern that matches counts.
    ///
    /// # Panics
    ///
    /// When the pattern is empty, or has a star anywhere but at its end.
    pub fn topics(mut self, pattern: &str, options: HistoryOptions) -> HistoryBuilder {
        self.rules.add(pattern, options);
        self
    }

    /// Changes how many bytes all logs may have together: 64 MiB. Beyond it those that were not used for the longest time are
    /// dropped.
    pub fn bytes_max(mut self, bytes: usize) -> HistoryBuilder {
        self.bytes_max = bytes;
        self
    }

    /// Changes which answers are kept for messages that are sent again.
    pub fn answers(mut self, options: AnswerOptions) -> HistoryBuilder {
        self.answers = options;
        self
    }

    /// Carries everything from one run of the program to the next: see [`HistoryKeeper`].
    pub fn store(mut self, store: impl HistoryStore) -> HistoryBuilder {
        self.store = Some(Box::new(store));
        self
    }

    /// The history.
    #[must_use]
    pub fn build(self) -> History {
        let HistoryBuilder { rules, bytes_max, answers, store } = self;
        let clock = Arc::new(Clock::new());
        let (logs, answers) = (Logs::new(bytes_max), Answers::new(answers, clock.clone()));
        let (is_loaded, listeners) = (AtomicBool::new(false), Mutex::default());
        History { shared: Arc::new(Shared { rules, logs, answers, clock, store, is_loaded, listeners }) }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("topics", &self.topics())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HistoryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryBuilder").field("rules", &self.rules).finish_non_exhaustive()
    }
}
