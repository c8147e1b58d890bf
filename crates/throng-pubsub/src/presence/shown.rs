//! The presences of all replicas that are up, by topic.

use std::{collections::HashMap, sync::Arc};

use super::{diff::Diff, presences::Presences, record::Entry, replica::Tag};

/// An index over the entries that show. Each of its changes is noted in a diff.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    topics: HashMap<Arc<str>, Presences>,
}

impl Shown {
    pub(crate) fn show(&mut self, tag: Tag, entry: &Entry, diff: &mut Diff) {
        diff.join(tag.clone(), entry);
        self.topics.entry(entry.topic.clone()).or_default().insert(&entry.key, tag, entry.meta.clone());
    }

    pub(crate) fn hide(&mut self, tag: Tag, entry: &Entry, diff: &mut Diff) {
        if let Some(presences) = self.topics.get_mut(&entry.topic) {
            presences.remove(&entry.key, &tag);
            if presences.is_empty() {
                self.topics.remove(&entry.topic);
            }
        }
        diff.leave(tag, entry);
    }

    pub(crate) fn list(&self, topic: &str) -> Presences {
        self.topics.get(topic).cloned().unwrap_or_default()
    }
}
