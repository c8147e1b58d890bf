//! What one replica has done, as far as it is known: the lattice under everything here.
//!
//! ```text
//!    seen      1 2 3 4 5 . . 8      changes that are known
//!    entries   .   3   5     8      those of them that began a presence which has not ended
//! ```
//!
//! Each change takes the next reading of its replica's clock. A reading that is seen and has no entry began a presence that has
//! ended, or was itself an end. So a record needs no tombstones, and an entry that one side has seen and does not have is gone
//! for good (observed remove). Any part of the clock's readings with the entries that belong to them is a record as well, as
//! are a delta and a slice of a state too large for one message.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::clocks::Clocks;
use crate::payload::{Payload, PayloadError};

/// A presence: its topic, its key and its meta.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) topic: Arc<str>,
    pub(crate) key: Arc<str>,
    #[serde(serialize_with = "crate::payload::serialize_json")]
    pub(crate) meta: Payload,
}

/// Known changes of one replica. All entries are seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Arrived")]
pub(crate) struct Record {
    pub(crate) seen: Clocks,
    pub(crate) entries: BTreeMap<u64, Entry>,
}

/// What a merge changed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    pub(crate) joins: Vec<(u64, Entry)>,
    pub(crate) leaves: Vec<(u64, Entry)>,
}

impl Record {
    /// Takes in what another record knows (§14.2). Merging is commutative, associative and idempotent.
    pub(crate) fn merge(&mut self, other: &Record) -> Changes {
        let ended = self.ended_in(other);
        let leaves = ended.into_iter().filter_map(|clock| self.entries.remove_entry(&clock)).collect();
        let unknown = other.entries.iter().filter(|(clock, _)| !self.seen.contains(**clock));
        let joins: Vec<_> = unknown.map(|(clock, entry)| (*clock, entry.clone())).collect();
        self.entries.extend(joins.iter().cloned());
        self.seen.union(&other.seen);
        Changes { joins, leaves }
    }

    /// The record in slices of about so many bytes each. Slices of the clock are records themselves, so they can be merged one by
    /// one, in any order, and one that is lost is asked for again.
    pub(crate) fn slices(self, bytes_max: usize) -> Vec<Record> {
        let (mut slices, mut slice, mut bytes, mut from) = (Vec::new(), Record::default(), 0, 0);
        for (clock, entry) in self.entries {
            if bytes > bytes_max {
                slice.seen = self.seen.within(from, clock - 1);
                slices.push(std::mem::take(&mut slice));
                (bytes, from) = (0, clock);
            }
            bytes += entry.bytes();
            slice.entries.insert(clock, entry);
        }
        slice.seen = self.seen.within(from, u64::MAX);
        slices.push(slice);
        slices
    }

    /// Entries that the other has seen and does not have any more.
    fn ended_in(&self, other: &Record) -> Vec<u64> {
        let both_saw = other.seen.ranges().flat_map(|(first, last)| self.entries.range(first..=last));
        both_saw.map(|(clock, _)| *clock).filter(|clock| !other.entries.contains_key(clock)).collect()
    }
}

impl Entry {
    /// About how much it takes on the wire.
    fn bytes(&self) -> usize {
        self.topic.len() + self.key.len() + self.meta.as_json().len() + 48
    }
}

/// A record as it arrived.
#[derive(Deserialize)]
struct Arrived {
    seen: Clocks,
    entries: BTreeMap<u64, Entry>,
}

impl TryFrom<Arrived> for Record {
    type Error = PayloadError;

    fn try_from(Arrived { mut seen, entries }: Arrived) -> Result<Self, PayloadError> {
        for (clock, entry) in &entries {
            entry.meta.clone().into_object()?;
            seen.add(*clock, *clock);
        }
        Ok(Self { seen, entries })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};

    use super::*;

    /// A replica's own record, with all that it ever was: every subset of its changes is a record that somebody may have.
    #[derive(Clone, Debug)]
    struct History {
        /// For each clock reading: what it ended, if it began nothing.
        ends: Vec<Option<u64>>,
    }

    impl History {
        /// What a replica knows that received its first `until` changes, without those in `missed`.
        fn known(&self, until: usize, missed: &[Index]) -> Record {
            let until = until.min(self.ends.len());
            let mut own = Record::default();
            for (index, ends) in self.ends[..until].iter().enumerate() {
                let clock = index as u64 + 1;
                match ends {
                    Some(ended) => drop(own.entries.remove(ended)),
                    None => drop(own.entries.insert(clock, entry(clock))),
                }
                own.seen.add(clock, clock);
            }
            let mut missed: Vec<u64> = if until == 0 {
                Vec::new()
            } else {
                missed.iter().map(|index| index.index(until) as u64 + 1).collect()
            };
            missed.sort_unstable();
            own.entries.retain(|clock, _| missed.binary_search(clock).is_err());
            let mut seen = Clocks::default();
            for clock in (1..=until as u64).filter(|clock| missed.binary_search(clock).is_err()) {
                seen.add(clock, clock);
            }
            Record { seen, entries: own.entries }
        }
    }

    fn entry(clock: u64) -> Entry {
        Entry { topic: "t".into(), key: format!("k{clock}").into(), meta: Payload::empty() }
    }

    fn history() -> impl Strategy<Value = History> {
        prop::collection::vec(prop::option::of(any::<Index>()), 0..24).prop_map(|steps| {
            let (mut ends, mut live) = (Vec::new(), Vec::<u64>::new());
            for (index, step) in steps.into_iter().enumerate() {
                let end = step.filter(|_| !live.is_empty()).map(|at| live.swap_remove(at.index(live.len())));
                if end.is_none() {
                    live.push(index as u64 + 1);
                }
                ends.push(end);
            }
            History { ends }
        })
    }

    /// Three records of one replica, as three others may know them.
    fn three() -> impl Strategy<Value = [Record; 3]> {
        let view = || (0..25_usize, prop::collection::vec(any::<Index>(), 0..4));
        (history(), view(), view(), view())
            .prop_map(|(history, a, b, c)| [a, b, c].map(|(until, missed)| history.known(until, &missed)))
    }

    fn merged(records: &[&Record]) -> Record {
        let mut all = Record::default();
        for record in records {
            all.merge(record);
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn c14_2_merge_commutes([a, b, _] in three()) {
            prop_assert_eq!(merged(&[&a, &b]), merged(&[&b, &a]));
        }

        #[test]
        fn c14_2_merge_associates([a, b, c] in three()) {
            prop_assert_eq!(merged(&[&merged(&[&a, &b]), &c]), merged(&[&a, &merged(&[&b, &c])]));
        }

        #[test]
        fn c14_2_merge_is_idempotent([a, b, _] in three()) {
            let once = merged(&[&a, &b]);
            let mut twice = once.clone();
            prop_assert_eq!(twice.merge(&b), Changes::default());
            prop_assert_eq!(twice.merge(&once), Changes::default());
            prop_assert_eq!(twice, once);
        }

        #[test]
        fn c14_2_what_one_side_has_seen_and_has_not_any_more_is_gone([mut a, b, _] in three()) {
            let (before, changes) = (a.clone(), a.merge(&b));
            for (clock, _) in &changes.leaves {
                prop_assert!(b.seen.contains(*clock) && !b.entries.contains_key(clock));
            }
            for (clock, _) in &changes.joins {
                prop_assert!(!before.seen.contains(*clock), "{clock} came back");
            }
            for clock in a.entries.keys() {
                prop_assert!(a.seen.contains(*clock));
                let ended = |record: &Record| record.seen.contains(*clock) && !record.entries.contains_key(clock);
                prop_assert!(!ended(&before) && !ended(&b), "{clock} should have ended");
            }
        }

        #[test]
        fn c14_2_the_changes_of_a_merge_are_the_difference([mut a, b, _] in three()) {
            let mut before = a.clone();
            let changes = a.merge(&b);
            for (clock, entry) in changes.leaves {
                prop_assert_eq!(before.entries.remove(&clock), Some(entry));
            }
            for (clock, entry) in changes.joins {
                prop_assert_eq!(before.entries.insert(clock, entry), None);
            }
            prop_assert_eq!(before.entries, a.entries);
        }

        #[test]
        fn slices_in_any_order_make_the_record([a, _, _] in three(), bytes_max in 0..400_usize, order in any::<Index>()) {
            let mut slices = a.clone().slices(bytes_max);
            let turn = order.index(slices.len());
            slices.rotate_left(turn);
            prop_assert_eq!(merged(&slices.iter().collect::<Vec<_>>()), a);
        }

        #[test]
        fn what_is_encoded_decodes_to_the_same([a, _, _] in three()) {
            let text = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), a);
        }
    }

    #[test]
    fn a_slice_is_cut_when_it_is_full() {
        let entries: BTreeMap<_, _> = (1..=10).map(|clock| (clock, entry(clock))).collect();
        let record = Record { seen: Clocks::range(1, 12), entries };
        let slices = record.slices(2 * entry(1).bytes());
        assert_eq!(slices.iter().map(|slice| slice.entries.len()).collect::<Vec<_>>(), [3, 3, 3, 1]);
        let seen = |slice: &Record| slice.seen.ranges().collect::<Vec<_>>();
        assert_eq!(slices.iter().map(seen).collect::<Vec<_>>(), [[(1, 3)], [(4, 6)], [(7, 9)], [(10, 12)]]);
    }

    #[test]
    fn an_entry_that_arrives_unseen_or_without_an_object_does_not_break_the_rule() {
        let entry =
            |meta| format!(r#"{{"seen":[],"entries":{{"7":{{"topic":"t","key":"k","meta":{meta}}}}}}}"#);
        let record: Record = serde_json::from_str(&entry("{}")).unwrap();
        assert!(record.seen.contains(7));
        assert!(serde_json::from_str::<Record>(&entry("7")).is_err());
    }
}
