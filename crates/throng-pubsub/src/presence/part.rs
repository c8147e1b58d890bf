//! What replicas send each other: parts of the state, and contexts.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{record::Record, replica::Replica};

/// Records of some replicas: whole ones, or deltas, or slices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Part {
    #[serde(with = "pairs")]
    pub(crate) records: BTreeMap<Replica, Record>,
}

impl Part {
    /// Splits it into parts of about so many bytes each, to be merged one by one.
    pub(crate) fn split(self, bytes_max: usize) -> impl Iterator<Item = Part> {
        self.records.into_iter().flat_map(move |(replica, record)| {
            let slices = record.slices(bytes_max).into_iter();
            slices.map(move |slice| Part { records: BTreeMap::from([(replica.clone(), slice)]) })
        })
    }
}

/// The contiguous clock of each replica: all of its changes up to there are known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Context {
    #[serde(with = "pairs")]
    pub(crate) clocks: BTreeMap<Replica, u64>,
}

impl Context {
    pub(crate) fn get(&self, replica: &Replica) -> Option<u64> {
        self.clocks.get(replica).copied()
    }

    /// Whether each of the other's clocks is at most the one here.
    pub(crate) fn covers(&self, other: &Context) -> bool {
        other.clocks.iter().all(|(replica, clock)| self.get(replica).unwrap_or(0) >= *clock)
    }
}

impl FromIterator<(Replica, u64)> for Context {
    fn from_iter<I: IntoIterator<Item = (Replica, u64)>>(clocks: I) -> Self {
        Self { clocks: clocks.into_iter().collect() }
    }
}

/// A map whose keys are not strings, as a list of pairs.
mod pairs {
    use super::{BTreeMap, Deserialize, Deserializer, Replica, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, V: Serialize>(
        map: &BTreeMap<Replica, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Replica, V>, D::Error> {
        Ok(Vec::<(Replica, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
