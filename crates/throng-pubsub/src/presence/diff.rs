//! Changes that have not been announced yet.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{presences::Presences, record::Entry, replica::Tag};

/// Changes of several topics since the last announcement.
///
/// It stays consistent for a client that applies joins first and then leaves (§12.4), whatever happened in between. A presence
/// that came and went is in both; one that went and came back (as when its node was thought down) is in the joins only. Its size
/// is bounded by the presences that show and those that ended since.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Diff {
    topics: BTreeMap<Arc<str>, TopicDiff>,
    changes: usize,
}

/// What has changed on one topic: the payload of `presence_diff` (§12.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct TopicDiff {
    pub(crate) joins: Presences,
    pub(crate) leaves: Presences,
}

impl Diff {
    pub(crate) fn join(&mut self, tag: Tag, entry: &Entry) {
        let topic = self.topics.entry(entry.topic.clone()).or_default();
        topic.leaves.remove(&entry.key, &tag);
        topic.joins.insert(&entry.key, tag, entry.meta.clone());
        self.changes += 1;
    }

    pub(crate) fn leave(&mut self, tag: Tag, entry: &Entry) {
        let topic = self.topics.entry(entry.topic.clone()).or_default();
        topic.leaves.insert(&entry.key, tag, entry.meta.clone());
        self.changes += 1;
    }

    /// The number of changes that were noted.
    pub(crate) fn changes(&self) -> usize {
        self.changes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    pub(crate) fn into_topics(self) -> impl Iterator<Item = (Arc<str>, TopicDiff)> {
        self.topics.into_iter()
    }

    #[cfg(test)]
    pub(crate) fn topic(&self, topic: &str) -> TopicDiff {
        self.topics.get(topic).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{payload::Payload, presence::replica::Replica};

    fn tag(clock: u64) -> Tag {
        Tag { replica: Replica { name: "a".into(), version: 1 }, clock }
    }

    fn entry(key: &str) -> Entry {
        Entry { topic: "t".into(), key: key.into(), meta: Payload::empty() }
    }

    fn json(diff: &Diff) -> String {
        serde_json::to_string(&diff.topic("t")).unwrap()
    }

    #[test]
    fn p12_3_a_diff_always_has_both_sides() {
        let mut diff = Diff::default();
        diff.join(tag(1), &entry("k"));
        assert_eq!(json(&diff), r#"{"joins":{"k":{"metas":[{}]}},"leaves":{}}"#);
    }

    #[test]
    fn p12_4_a_presence_that_came_and_went_is_in_both() {
        let mut diff = Diff::default();
        diff.join(tag(1), &entry("k"));
        diff.leave(tag(1), &entry("k"));
        assert_eq!(json(&diff), r#"{"joins":{"k":{"metas":[{}]}},"leaves":{"k":{"metas":[{}]}}}"#);
    }

    #[test]
    fn a_presence_that_went_and_came_back_is_not_taken_away_again() {
        // Clients apply the leaves last: a leave that stayed would hide somebody who is there.
        let mut diff = Diff::default();
        diff.leave(tag(1), &entry("k"));
        diff.join(tag(1), &entry("k"));
        assert_eq!(json(&diff), r#"{"joins":{"k":{"metas":[{}]}},"leaves":{}}"#);
    }

    #[test]
    fn topics_and_keys_are_kept_apart() {
        let mut diff = Diff::default();
        diff.join(tag(1), &entry("k"));
        diff.join(tag(2), &entry("k"));
        diff.leave(tag(3), &entry("l"));
        diff.join(tag(4), &Entry { topic: "u".into(), ..entry("k") });
        let topics: Vec<_> = diff.clone().into_topics().map(|(topic, _)| topic.to_string()).collect();
        assert_eq!(topics, ["t", "u"]);
        let of_t = diff.topic("t");
        assert_eq!((of_t.joins.metas("k").len(), of_t.leaves.metas("l").len()), (2, 1));
        assert_eq!(diff.changes(), 4);
    }
}
