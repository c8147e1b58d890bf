//! What replicas tell each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{record::Record, replica::Replica};

/// Records of some replicas: all that is known, or a delta, or a slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Part {
    #[serde(with = "pairs")]
    pub(crate) records: BTreeMap<Replica, Record>,
}

impl Part {
    /// In parts of about so many bytes each, to be merged one by one.
    pub(crate) fn split(self, bytes_max: usize) -> impl Iterator<Item = Part> {
        self.records.into_iter().flat_map(move |(replica, record)| {
            let slices = record.slices(bytes_max).into_iter();
            slices.map(move |slice| Part { records: BTreeMap::from([(replica.clone(), slice)]) })
        })
    }
}

/// How far each replica's changes are known without a gap.
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

    /// Whether it is at least as far for every replica that the other has.
    pub(crate) fn covers(&self, other: &Context) -> bool {
        other.clocks.iter().all(|(replica, clock)| self.get(replica).unwrap_or(0) >= *clock)
    }
}

impl FromIterator<(Replica, u64)> for Context {
    fn from_iter<I: IntoIterator<Item = (Replica, u64)>>(clocks: I) -> Self {
        Self { clocks: clocks.into_iter().collect() }
    }
}

/// A map whose keys are no strings, as a list of pairs.
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
