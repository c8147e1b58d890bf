//! The server's own view of who comes, goes and changes.

use std::{collections::HashMap, sync::Arc};

use serde::Deserialize;
use throng_runtime::{Address, Ctx, Handler, Message};

use super::{diff::TopicDiff, meta::Meta, presences::Presences};
use crate::{broadcast::Broadcast, owner::Owner, payload::Payload, pubsub::PubSub};

/// The topic under which those are kept who watch all topics.
const ALL: &str = "";

/// What has changed on a topic, for the servers that [watch](super::Presence::watch) it: the same that clients are told, in the same
/// order, with the presences as they are afterwards (§12.6).
#[derive(Clone, Debug)]
pub struct PresenceDiff {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    topic: Arc<str>,
    diff: TopicDiff,
    presences: Presences,
}

impl Message for PresenceDiff {
    type Reply = ();
}

/// What became of one presence.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PresenceChange<'a> {
    /// A process came.
    Joined {
        /// Under which key.
        key: &'a str,
        /// What it shows.
        meta: &'a Meta,
    },
    /// A process changed what it shows.
    Updated {
        /// Under which key.
        key: &'a str,
        /// What it showed.
        old: &'a Meta,
        /// What it shows.
        new: &'a Meta,
    },
    /// A process went.
    Left {
        /// Under which key.
        key: &'a str,
        /// What it showed last.
        meta: &'a Meta,
    },
}

impl PresenceDiff {
    pub(super) fn new(topic: &Arc<str>, diff: &TopicDiff, presences: &Presences) -> Self {
        let (topic, diff, presences) = (topic.clone(), diff.clone(), presences.clone());
        Self { inner: Arc::new(Inner { topic, diff, presences }) }
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.inner.topic
    }

    /// The metas that came, also those that went again.
    pub fn joins(&self) -> &Presences {
        &self.inner.diff.joins
    }

    /// The metas that went.
    pub fn leaves(&self) -> &Presences {
        &self.inner.diff.leaves
    }

    /// The presences of the topic after this diff.
    pub fn presences(&self) -> &Presences {
        &self.inner.presences
    }

    /// What became of each presence, by key. What came and went within this diff is not among it; several updates of one presence
    /// are one.
    pub fn changes(&self) -> Vec<PresenceChange<'_>> {
        let keys =
            self.joins().keys().chain(self.leaves().keys().filter(|key| !self.joins().contains_key(key)));
        keys.flat_map(|key| self.changes_of(key)).collect()
    }

    fn changes_of<'a>(&'a self, key: &'a str) -> Vec<PresenceChange<'a>> {
        let (joins, leaves) = (self.joins().metas(key), self.leaves().metas(key));
        let came: HashMap<String, &Meta> = joins.iter().map(|meta| (meta.phx_ref(), meta)).collect();
        let mut gone: HashMap<String, &Meta> = leaves.iter().map(|meta| (meta.phx_ref(), meta)).collect();
        // What is in both was there for a moment only; it links what was before to what is now.
        let stays = joins.iter().filter(|meta| !self.leaves().contains(key, &meta.tag));
        let changes: Vec<_> = stays
            .map(|new| match earlier(new, &came).and_then(|old| gone.remove(&old)) {
                Some(old) => PresenceChange::Updated { key, old, new },
                None => PresenceChange::Joined { key, meta: new },
            })
            .collect();
        let left = leaves.iter().filter(|meta| !came.contains_key(&meta.phx_ref()));
        let left = left.filter(|meta| gone.contains_key(&meta.phx_ref()));
        changes.into_iter().chain(left.map(|meta| PresenceChange::Left { key, meta })).collect()
    }
}

/// The reference of what a presence showed before this diff, past all that it showed for a moment; `None` when it was not there.
fn earlier(meta: &Meta, came: &HashMap<String, &Meta>) -> Option<String> {
    #[derive(Deserialize)]
    struct References {
        phx_ref_prev: Option<String>,
    }
    let previous = |meta: &Meta| meta.parse::<References>().ok()?.phx_ref_prev;
    let mut reference = previous(meta)?;
    // Another node's metas are its own affair: a circle among them must not hold up this one.
    for _ in 0..came.len() {
        match came.get(&reference) {
            Some(momentary) => reference = previous(momentary)?,
            None => break,
        }
    }
    Some(reference)
}

/// Who watches which topics. What they are told runs past the topics themselves, which clients may be on.
#[derive(Default)]
pub(super) struct Watchers {
    by_topic: PubSub,
    of_all: PubSub,
}

/// What is put into a broadcast for watchers.
struct Told(Option<PresenceDiff>);

impl Watchers {
    pub(super) fn add<S: Handler<PresenceDiff>>(&self, ctx: &Ctx<S>, topic: Option<Arc<str>>) {
        let me = ctx.me();
        let deliver = move |broadcast: &Broadcast| {
            if let Told(Some(diff)) = broadcast.encoded(|_| Told(None)) {
                drop(me.cast(diff.clone()));
            }
        };
        match topic {
            Some(topic) => self.by_topic.subscribe_for_life(ctx, topic, deliver),
            None => self.of_all.subscribe_for_life(ctx, ALL.into(), deliver),
        }
    }

    pub(super) fn remove(&self, owner: &impl Owner, topic: Option<&str>) {
        match topic {
            Some(topic) => self.by_topic.unsubscribe(owner, topic),
            None => self.of_all.unsubscribe(owner, ALL),
        }
    }

    pub(super) fn tell(&self, topic: &Arc<str>, diff: impl FnOnce() -> PresenceDiff) {
        if self.by_topic.subscribers(topic) + self.of_all.subscribers(ALL) == 0 {
            return;
        }
        let told = Told(Some(diff()));
        for (pubsub, topic, told) in
            [(&self.by_topic, topic.clone(), Told(told.0.clone())), (&self.of_all, ALL.into(), told)]
        {
            if let Ok(broadcast) = Broadcast::new(topic, "", Payload::empty()) {
                broadcast.encoded(|_| told);
                pubsub.local_dispatch(&broadcast, None);
            }
        }
    }
}
