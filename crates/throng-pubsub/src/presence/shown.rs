//! The presences of all replicas that are up, by topic: what readers see.
//!
//! ```text
//!    a change ──► open: the topics that it touches ──► commit ──► views ◄── readers, without a lock
//! ```
//!
//! A reader sees a change whole or not at all: an update never shows two metas or none.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, OnceLock},
};

use foldhash::quality::RandomState;

use super::{diff::Diff, presences::Presences, record::Entry, replica::Tag};
use crate::payload::{Payload, PayloadError};

/// One version of a topic's presences, with its encoding, which the first who needs it makes for all.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) presences: Presences,
    json: OnceLock<Payload>,
}

impl View {
    pub(crate) fn new(presences: Presences) -> Self {
        Self { presences, json: OnceLock::new() }
    }

    /// The payload of `presence_state`.
    pub(crate) fn state(&self) -> Result<&Payload, PayloadError> {
        if let Some(made) = self.json.get() {
            return Ok(made);
        }
        let made = Payload::new(&self.presences)?;
        Ok(self.json.get_or_init(|| made))
    }
}

/// The current view of each topic on which anybody is present. Cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Views {
    topics: Arc<papaya::HashMap<Arc<str>, Arc<View>, RandomState>>,
}

impl Views {
    /// It waits for nobody.
    pub(crate) fn get(&self, topic: &str) -> Option<Arc<View>> {
        self.topics.pin().get(topic).cloned()
    }

    pub(crate) fn list(&self, topic: &str) -> Presences {
        self.topics.pin().get(topic).map(|view| view.presences.clone()).unwrap_or_default()
    }

    pub(crate) fn read<T>(&self, topic: &str, look: impl FnOnce(&Presences) -> T) -> Option<T> {
        self.topics.pin().get(topic).map(|view| look(&view.presences))
    }

    fn publish(&self, topic: Arc<str>, presences: Presences) {
        let topics = self.topics.pin();
        if presences.is_empty() {
            topics.remove(&topic);
        } else {
            topics.insert(topic, Arc::new(View::new(presences)));
        }
    }
}

/// An index over the entries that show. Each of its changes is noted in a diff.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    views: Views,
    /// Topics that have changed since the last commit.
    open: HashMap<Arc<str>, Presences>,
}

impl Shown {
    pub(crate) fn show(&mut self, tag: Tag, entry: &Entry, diff: &mut Diff) {
        self.open(&entry.topic).insert(&entry.key, tag.clone(), entry.meta.clone());
        diff.join(tag, entry);
    }

    pub(crate) fn hide(&mut self, tag: Tag, entry: &Entry, diff: &mut Diff) {
        self.open(&entry.topic).remove(&entry.key, &tag);
        diff.leave(tag, entry);
    }

    /// Has readers see all changes since the last commit.
    pub(crate) fn commit(&mut self) {
        for (topic, presences) in mem::take(&mut self.open) {
            self.views.publish(topic, presences);
        }
    }

    /// With the changes that are not committed.
    #[cfg(test)]
    pub(crate) fn list(&self, topic: &str) -> Presences {
        self.open.get(topic).cloned().unwrap_or_else(|| self.views.list(topic))
    }

    pub(crate) fn views(&self) -> &Views {
        &self.views
    }

    fn open(&mut self, topic: &Arc<str>) -> &mut Presences {
        self.open.entry(topic.clone()).or_insert_with(|| self.views.list(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::replica::Replica;

    fn tag(clock: u64) -> Tag {
        Tag { replica: Replica { name: "a".into(), version: 1 }, clock }
    }

    fn entry(key: &str) -> Entry {
        Entry { topic: "t".into(), key: key.into(), meta: Payload::empty() }
    }

    #[test]
    fn c14_2_readers_see_a_change_when_it_is_whole() {
        let (mut shown, mut diff) = (Shown::default(), Diff::default());
        shown.show(tag(1), &entry("k"), &mut diff);
        shown.commit();
        let views = shown.views().clone();
        shown.hide(tag(1), &entry("k"), &mut diff);
        assert_eq!((views.list("t").metas_len(), shown.list("t").metas_len()), (1, 0));
        shown.show(tag(3), &entry("k"), &mut diff);
        assert_eq!(views.list("t").metas("k")[0].tag, tag(1));
        shown.commit();
        assert_eq!(views.list("t").metas("k")[0].tag, tag(3));
    }

    #[test]
    fn a_version_is_encoded_once_and_an_empty_topic_leaves_nothing_behind() {
        let (mut shown, mut diff) = (Shown::default(), Diff::default());
        shown.show(tag(1), &entry("k"), &mut diff);
        shown.commit();
        let (one, other) = (shown.views().get("t").unwrap(), shown.views().get("t").unwrap());
        assert_eq!(one.state().unwrap().as_json().as_ptr(), other.state().unwrap().as_json().as_ptr());
        shown.hide(tag(1), &entry("k"), &mut diff);
        shown.commit();
        assert!(shown.views().get("t").is_none() && shown.views().topics.is_empty());
    }
}
