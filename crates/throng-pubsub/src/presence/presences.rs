//! The presences on a topic: keys, each with its metas.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{meta::Meta, replica::Tag};
use crate::payload::Payload;

/// The presences on a topic: each key with its metas, one for each process that is present under it (§12.1).
///
/// It is a snapshot: what changes afterwards does not change it. It serializes to what clients expect of `presence_state`:
/// `{"ann": {"metas": [{"phx_ref": "…"}]}}`.
#[derive(Clone, Default, PartialEq)]
pub struct Presences {
    keys: Arc<BTreeMap<Arc<str>, Vec<Meta>>>,
}

impl Presences {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nobody is present.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether anybody is present under this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// The metas of a key; empty when nobody is present under it.
    pub fn metas(&self, key: &str) -> &[Meta] {
        self.keys.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// All keys with their metas, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Meta])> {
        self.keys.iter().map(|(key, metas)| (&**key, metas.as_slice()))
    }

    /// Adds a meta, or replaces the one with the same tag.
    pub(crate) fn insert(&mut self, key: &Arc<str>, tag: Tag, fields: Payload) {
        let metas = Arc::make_mut(&mut self.keys).entry(key.clone()).or_default();
        let meta = Meta { tag, fields };
        match metas.binary_search_by(|other| other.tag.cmp(&meta.tag)) {
            Ok(at) => metas[at] = meta,
            Err(at) => metas.insert(at, meta),
        }
    }

    /// Takes a meta out. False when it was not there.
    pub(crate) fn remove(&mut self, key: &str, tag: &Tag) -> bool {
        if self.find(key, tag).is_none() {
            return false;
        }
        let keys = Arc::make_mut(&mut self.keys);
        if let Some(metas) = keys.get_mut(key) {
            metas.retain(|meta| meta.tag != *tag);
            if metas.is_empty() {
                keys.remove(key);
            }
        }
        true
    }

    fn find(&self, key: &str, tag: &Tag) -> Option<&Meta> {
        let metas = self.keys.get(key)?;
        metas.binary_search_by(|meta| meta.tag.cmp(tag)).ok().map(|at| &metas[at])
    }
}

impl Serialize for Presences {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Entry<'a> {
            metas: &'a [Meta],
        }
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, metas) in self.iter() {
            map.serialize_entry(key, &Entry { metas })?;
        }
        map.end()
    }
}

impl fmt::Debug for Presences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.iter().map(|(key, metas)| (key, metas.len()));
        f.debug_map().entries(keys).finish()
    }
}
