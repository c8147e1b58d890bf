//! Changes that have not been announced yet.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{presences::Presences, record::Entry, replica::Tag};

/// Changes of several topics, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Diff {
    changes: Vec<Change>,
}

/// A presence began to show, or no longer does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    joins: bool,
    tag: Tag,
    entry: Entry,
}

/// What has changed on one topic: the payload of `presence_diff` (§12.3).
///
/// It stays consistent for a client that applies joins first and then leaves (§12.4), whatever happened in between. A presence
/// that came and went is in both; one that went and came back (as when its node was thought down) is in the joins only. Its size
/// is bounded by the presences that show and those that ended since.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct TopicDiff {
    pub(crate) joins: Presences,
    pub(crate) leaves: Presences,
}

impl Diff {
    pub(crate) fn join(&mut self, tag: Tag, entry: &Entry) {
        self.changes.push(Change { joins: true, tag, entry: entry.clone() });
    }

    pub(crate) fn leave(&mut self, tag: Tag, entry: &Entry) {
        self.changes.push(Change { joins: false, tag, entry: entry.clone() });
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn into_changes(self) -> impl Iterator<Item = Change> {
        self.changes.into_iter()
    }

    #[cfg(test)]
    pub(crate) fn topic(&self, topic: &str) -> TopicDiff {
        self.clone().into_topics().remove(topic).unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn into_topics(self) -> BTreeMap<Arc<str>, TopicDiff> {
        let mut topics = BTreeMap::<_, TopicDiff>::new();
        for change in self.changes {
            topics.entry(change.topic().clone()).or_default().add(change);
        }
        topics
    }
}

impl Change {
    pub(crate) fn topic(&self) -> &Arc<str> {
        &self.entry.topic
    }
}

impl TopicDiff {
    pub(crate) fn add(&mut self, Change { joins, tag, entry }: Change) {
        if joins {
            self.leaves.remove(&entry.key, &tag);
            self.joins.insert(&entry.key, tag, entry.meta);
        } else {
            self.leaves.insert(&entry.key, tag, entry.meta);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.joins.is_empty() && self.leaves.is_empty()
    }

    /// The diff in parts of about so many bytes each. What it says of one key stays together: clients that apply the parts one by
    /// one see no update in halves.
    pub(crate) fn split(self, bytes_max: usize) -> Vec<TopicDiff> {
        let mut keys = BTreeMap::<Arc<str>, usize>::new();
        for side in [&self.joins, &self.leaves] {
            for (key, _) in side.entries() {
                *keys.entry(key.clone()).or_default() += side.entry_bytes(key);
            }
        }
        if keys.values().sum::<usize>() <= bytes_max {
            return vec![self];
        }
        let (mut parts, mut part, mut part_bytes) = (Vec::new(), self.empty_part(), 0);
        for (key, bytes) in keys {
            if part_bytes > 0 && part_bytes + bytes > bytes_max {
                parts.push(std::mem::replace(&mut part, self.empty_part()));
                part_bytes = 0;
            }
            part_bytes += bytes;
            part.joins.take_from(&self.joins, &key);
            part.leaves.take_from(&self.leaves, &key);
        }
        parts.push(part);
        parts
    }

    fn empty_part(&self) -> TopicDiff {
        TopicDiff { joins: self.joins.none(), leaves: self.leaves.none() }
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
    fn c12_3_a_diff_always_has_both_sides() {
        let mut diff = Diff::default();
        diff.join(tag(1), &entry("k"));
        assert_eq!(json(&diff), r#"{"joins":{"k":{"metas":[{}]}},"leaves":{}}"#);
    }

    #[test]
    fn c12_4_a_presence_that_came_and_went_is_in_both() {
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
        let topics: Vec<_> = diff.clone().into_topics().into_keys().map(|topic| topic.to_string()).collect();
        assert_eq!(topics, ["t", "u"]);
        let of_t = diff.topic("t");
        assert_eq!((of_t.joins.metas("k").len(), of_t.leaves.metas("l").len()), (2, 1));
    }

    #[test]
    fn c18_7_a_large_diff_is_cut_between_keys() {
        let mut diff = Diff::default();
        for clock in 0..100 {
            let key = format!("key{clock:02}");
            diff.leave(tag(clock), &entry(&key));
            diff.join(tag(100 + clock), &entry(&key));
        }
        let whole = diff.topic("t");
        assert_eq!(whole.clone().split(usize::MAX), std::slice::from_ref(&whole));
        assert_eq!(whole.clone().split(0).len(), 100, "a key is never cut");
        let parts = whole.clone().split(1_000);
        assert!((2..20).contains(&parts.len()), "{}", parts.len());
        let mut seen = 0;
        for part in &parts {
            assert!(serde_json::to_string(part).unwrap().len() <= 1_100);
            assert!(part.joins.keys().eq(part.leaves.keys()), "a key is in one part alone");
            seen += part.joins.len();
        }
        assert_eq!(seen, 100);
    }
}
