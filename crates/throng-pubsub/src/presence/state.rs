//! The presences of all nodes, as one replica knows them: the delta CRDT of §14.2. Pure.
//!
//! For each replica there is a [`Record`] of its changes. The replica's own is the truth about it and is never touched by a
//! merge; the others are what has been received. A replica that is down keeps its record, but its presences do not show.
//!
//! ```text
//!    own changes ──► own record ─┐
//!                                ├──► shown: topic → key → metas ──► list
//!    parts from others ──► records of replicas that are up ─┘   └──► diff
//! ```
//!
//! What others need is made when they ask, from the records and a short log of removals: since a record's entries carry the
//! clock reading of their birth, "everything since reading 7" is a range of them. Nothing accumulates for others that never
//! ask, so nothing has to be reset.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    clocks::Clocks,
    diff::Diff,
    meta::{Fields, Meta},
    part::{Context, Part},
    record::{Entry, Record},
    replica::{Replica, Tag},
    shown::{Shown, Views},
};

/// Why a replica always finds its own record.
const OWN_RECORD: &str = "the own record is made with the state and is never forgotten";

/// The presences known to one replica; `P` tells its own processes apart.
#[derive(Debug)]
pub(crate) struct State<P> {
    me: Replica,
    records: BTreeMap<Replica, Known>,
    /// Own presences by process, with the clock reading that began each.
    owned: BTreeMap<(P, Arc<str>, Arc<str>), u64>,
    shown: Shown,
    removals: VecDeque<Removal>,
    removals_max: usize,
    /// The reading of the last removal that has been forgotten.
    removals_from: u64,
}

/// A replica, as far as it is known.
#[derive(Debug, Default)]
struct Known {
    record: Record,
    down: bool,
}

/// An end: which reading of the own clock it took, and which one had begun what ended.
#[derive(Debug)]
struct Removal {
    at: u64,
    began: u64,
}

/// The process is present on that topic under that key already.
#[derive(Debug, PartialEq)]
pub(crate) struct Taken;

impl<P: Ord + Copy> State<P> {
    /// It remembers so many removals, so that a replica that missed some can be sent these alone (§14.6).
    pub(crate) fn new(me: Replica, removals_max: usize) -> Self {
        let records = BTreeMap::from([(me.clone(), Known::default())]);
        Self {
            me,
            records,
            owned: BTreeMap::new(),
            shown: Shown::default(),
            removals: VecDeque::new(),
            removals_max,
            removals_from: 0,
        }
    }

    /// Begins a presence of an own process (§14.2).
    pub(crate) fn join(
        &mut self,
        process: P,
        topic: &Arc<str>,
        key: &Arc<str>,
        fields: Fields,
        diff: &mut Diff,
    ) -> Result<Tag, Taken> {
        let owned = (process, topic.clone(), key.clone());
        if self.owned.contains_key(&owned) {
            return Err(Taken);
        }
        let tag = self.tag(self.clock() + 1);
        let meta = fields.stamp(&tag, None);
        self.begin(owned, Entry { topic: topic.clone(), key: key.clone(), meta }, diff);
        Ok(tag)
    }

    /// Replaces what a presence shows: an end and a begin in one step (§14.2). `None` when there is no such presence.
    pub(crate) fn update(
        &mut self,
        process: P,
        topic: &Arc<str>,
        key: &Arc<str>,
        fields: Fields,
        diff: &mut Diff,
    ) -> Option<Tag> {
        let owned = (process, topic.clone(), key.clone());
        let began = *self.owned.get(&owned)?;
        let tag = self.tag(self.clock() + 2);
        let meta = fields.stamp(&tag, Some(&self.tag(began)));
        self.end(began, diff);
        self.begin(owned, Entry { topic: topic.clone(), key: key.clone(), meta }, diff);
        Some(tag)
    }

    /// Ends a presence of an own process. False when there is none.
    pub(crate) fn leave(&mut self, process: P, topic: &Arc<str>, key: &Arc<str>, diff: &mut Diff) -> bool {
        let Some(began) = self.owned.remove(&(process, topic.clone(), key.clone())) else { return false };
        self.end(began, diff);
        true
    }

    /// Ends all presences of an own process, and gives back how many it had.
    pub(crate) fn leave_all(&mut self, process: P, diff: &mut Diff) -> usize {
        let from = (process, Arc::from(""), Arc::from(""));
        let of_process = self.owned.range(from..).take_while(|((owner, _, _), _)| *owner == process);
        let ended: Vec<_> = of_process.map(|(owned, began)| (owned.clone(), *began)).collect();
        for (owned, began) in &ended {
            self.owned.remove(owned);
            self.end(*began, diff);
        }
        ended.len()
    }

    /// Takes in what another replica sent (§14.2). Records of replicas that are not known here are left out, and so is the
    /// own one: no other replica knows it better.
    pub(crate) fn merge(&mut self, part: &Part, diff: &mut Diff) {
        for (replica, record) in part.records.iter().filter(|(replica, _)| **replica != self.me) {
            let Some(known) = self.records.get_mut(replica) else { continue };
            let changes = known.record.merge(record);
            if known.down {
                continue;
            }
            for (clock, entry) in &changes.leaves {
                self.shown.hide(tag(replica, *clock), entry, diff);
            }
            for (clock, entry) in &changes.joins {
                self.shown.show(tag(replica, *clock), entry, diff);
            }
        }
    }

    /// A replica was heard of: its presences show, the kept ones as joins (§14.5). False when it was up already.
    pub(crate) fn replica_up(&mut self, replica: &Replica, diff: &mut Diff) -> bool {
        let known =
            self.records.entry(replica.clone()).or_insert_with(|| Known { down: true, ..Known::default() });
        if !std::mem::take(&mut known.down) {
            return false;
        }
        for (clock, entry) in &known.record.entries {
            self.shown.show(tag(replica, *clock), entry, diff);
        }
        true
    }

    /// A replica has been silent: its presences do not show, and are kept (§14.7).
    pub(crate) fn replica_down(&mut self, replica: &Replica, diff: &mut Diff) {
        let known = if *replica == self.me { None } else { self.records.get_mut(replica) };
        let Some(known) = known.filter(|known| !known.down) else { return };
        known.down = true;
        for (clock, entry) in &known.record.entries {
            self.shown.hide(tag(replica, *clock), entry, diff);
        }
    }

    /// A replica will not come back: it is forgotten (§14.7).
    pub(crate) fn forget_replica(&mut self, replica: &Replica, diff: &mut Diff) {
        if *replica != self.me {
            self.replica_down(replica, diff);
            self.records.remove(replica);
        }
    }

    /// Lets readers see all that has changed.
    pub(crate) fn commit(&mut self) {
        self.shown.commit();
    }

    pub(crate) fn views(&self) -> &Views {
        self.shown.views()
    }

    pub(crate) fn has(&self, process: P, topic: &Arc<str>, key: &Arc<str>) -> bool {
        self.owned.contains_key(&(process, topic.clone(), key.clone()))
    }

    /// The presences on a topic that show, whether readers see them yet or not.
    #[cfg(test)]
    pub(crate) fn list(&self, topic: &str) -> super::presences::Presences {
        self.shown.list(topic)
    }

    /// What an own presence shows now.
    pub(crate) fn own_meta(&self, process: P, topic: &Arc<str>, key: &Arc<str>) -> Option<Meta> {
        let began = *self.owned.get(&(process, topic.clone(), key.clone()))?;
        let entry = self.own().entries.get(&began)?;
        Some(Meta { tag: self.tag(began), fields: entry.meta.clone() })
    }

    pub(crate) fn me(&self) -> &Replica {
        &self.me
    }

    /// Whether presences of this replica show.
    pub(crate) fn is_up(&self, replica: &Replica) -> bool {
        self.records.get(replica).is_some_and(|known| !known.down)
    }

    #[cfg(test)]
    pub(crate) fn knows(&self, replica: &Replica) -> bool {
        self.records.contains_key(replica)
    }

    /// The last reading of the own clock.
    pub(crate) fn clock(&self) -> u64 {
        self.own().seen.contiguous()
    }

    /// The contiguous clock of every replica that is up.
    ///
    /// Those that are down are left out: replicas that disagree on them would ask each other for them for ever (§14.6).
    pub(crate) fn context(&self) -> Context {
        let up = self.records.iter().filter(|(_, known)| !known.down);
        up.map(|(replica, known)| (replica.clone(), known.record.seen.contiguous())).collect()
    }

    /// The own changes after the reading `since`; `None` when that is so long ago that removals have been forgotten.
    pub(crate) fn delta(&self, since: u64) -> Option<Part> {
        let since = since.min(self.clock());
        if since < self.removals_from {
            return None;
        }
        let mut record = Record { seen: Clocks::range(since + 1, self.clock()), ..Record::default() };
        record
            .entries
            .extend(self.own().entries.range(since + 1..).map(|(clock, entry)| (*clock, entry.clone())));
        for removal in self.removals.iter().rev().take_while(|removal| removal.at > since) {
            record.seen.add(removal.began, removal.began);
        }
        Some(Part { records: BTreeMap::from([(self.me.clone(), record)]) })
    }

    /// What a requester with this context lacks (§14.6): the delta of the own record when it lacks nothing else; otherwise the
    /// whole records of the replicas in its context that are up, but not its own.
    pub(crate) fn extract(&self, requester: &Replica, context: &Context) -> Part {
        let is_told = |replica: &Replica, clock: u64| {
            replica == self.me()
                || replica == requester
                || context.get(replica).is_none_or(|known| known >= clock)
        };
        if self.context().clocks.into_iter().all(|(replica, clock)| is_told(&replica, clock))
            && let Some(delta) = context.get(&self.me).and_then(|since| self.delta(since))
        {
            return delta;
        }
        let wanted = self.records.iter().filter(|(replica, known)| {
            *replica != requester && context.get(replica).is_some() && !known.down
        });
        Part { records: wanted.map(|(replica, known)| (replica.clone(), known.record.clone())).collect() }
    }

    fn own(&self) -> &Record {
        match self.records.get(&self.me) {
            Some(own) => &own.record,
            None => unreachable!("{OWN_RECORD}"),
        }
    }

    fn own_mut(&mut self) -> &mut Record {
        match self.records.get_mut(&self.me) {
            Some(own) => &mut own.record,
            None => unreachable!("{OWN_RECORD}"),
        }
    }

    fn tag(&self, clock: u64) -> Tag {
        tag(&self.me, clock)
    }

    fn begin(&mut self, owned: (P, Arc<str>, Arc<str>), entry: Entry, diff: &mut Diff) {
        let clock = self.bump();
        self.shown.show(tag(&self.me, clock), &entry, diff);
        self.own_mut().entries.insert(clock, entry);
        self.owned.insert(owned, clock);
    }

    /// An end takes a reading of the clock too, so that those who missed it can tell (§14.2).
    fn end(&mut self, began: u64, diff: &mut Diff) {
        let at = self.bump();
        if let Some(entry) = self.own_mut().entries.remove(&began) {
            self.shown.hide(tag(&self.me, began), &entry, diff);
        }
        self.removals.push_back(Removal { at, began });
        if self.removals.len() > self.removals_max
            && let Some(forgotten) = self.removals.pop_front()
        {
            self.removals_from = forgotten.at;
        }
    }

    fn bump(&mut self) -> u64 {
        let clock = self.clock() + 1;
        self.own_mut().seen.add(clock, clock);
        clock
    }
}

fn tag(replica: &Replica, clock: u64) -> Tag {
    Tag { replica: replica.clone(), clock }
}

#[cfg(test)]
mod convergence;
#[cfg(test)]
mod tests;
