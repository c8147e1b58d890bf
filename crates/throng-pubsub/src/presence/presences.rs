//! The presences on a topic: keys, each with its metas.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{extras::Extras, meta::Meta, replica::Tag, sorted::SortedMap};
use crate::payload::Payload;

/// The presences on a topic: each key with its metas, one for each process that is present under it (§12.1).
///
/// It is a snapshot: what changes afterwards does not change it, and taking or cloning one costs a few counters, however many
/// are present. It serializes to what clients expect of `presence_state`: `{"ann": {"metas": [{"phx_ref": "…"}]}}`, with what
/// was [fetched](super::PresenceBuilder::fetch) beside the metas.
#[derive(Clone, Default)]
pub struct Presences {
    keys: SortedMap<Arc<[Meta]>>,
    metas: usize,
    extras: Option<Arc<Extras>>,
}

impl Presences {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nobody is present.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many metas there are under all keys: one for each process that is present.
    pub fn metas_len(&self) -> usize {
        self.metas
    }

    /// Whether anybody is present under this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.keys.get(key).is_some()
    }

    /// The metas of a key; empty when nobody is present under it.
    pub fn metas(&self, key: &str) -> &[Meta] {
        self.keys.get(key).map(|metas| &**metas).unwrap_or_default()
    }

    /// What there is under a key, in the form that clients get: `{"metas": […], …}`.
    ///
    /// ```
    /// # use throng_pubsub::{Presence, PubSub};
    /// let presence = Presence::new("lobby", &PubSub::new());
    /// assert_eq!(serde_json::to_string(&presence.list("room:1").get("ann"))?, "null");
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn get(&self, key: &str) -> Option<PresenceEntry<'_>> {
        self.keys.get(key).map(|metas| PresenceEntry { metas, extras: self.extras(key) })
    }

    /// What was fetched for a key beside its metas (§12.5); nothing in a snapshot for which nothing was fetched.
    pub fn extras(&self, key: &str) -> Option<&Map<String, Value>> {
        self.extras.as_ref()?.get(key)
    }

    /// All keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(key, _)| &**key)
    }

    /// All keys with their metas, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Meta])> {
        self.keys.iter().map(|(key, metas)| (&**key, &**metas))
    }

    /// The same presences with what was fetched for them.
    #[must_use]
    pub(crate) fn with_extras(mut self, extras: Extras) -> Self {
        self.extras = (!extras.is_empty()).then(|| Arc::new(extras));
        self
    }

    /// The part of it under one key.
    pub(crate) fn only(&self, key: &str) -> Presences {
        let mut part = self.none();
        part.take_from(self, key);
        part
    }

    /// A part of it with no keys yet.
    pub(crate) fn none(&self) -> Presences {
        Presences { extras: self.extras.clone(), ..Presences::default() }
    }

    /// Puts what another has under a key, if it has anything.
    pub(crate) fn take_from(&mut self, other: &Presences, key: &str) {
        if let Some((key, metas)) = other.keys.entry(key) {
            self.put(key, metas.clone());
        }
    }

    /// About how much a key takes on the wire.
    pub(crate) fn entry_bytes(&self, key: &str) -> usize {
        let metas = self.metas(key).iter().map(|meta| meta.payload().as_json().len() + 1);
        let extras = self.extras(key).and_then(|fields| serde_json::to_string(fields).ok());
        key.len() + 16 + metas.sum::<usize>() + extras.map_or(0, |fields| fields.len())
    }

    /// Puts all metas of a key.
    fn put(&mut self, key: &Arc<str>, metas: Arc<[Meta]>) {
        self.metas += metas.len();
        if let Some(old) = self.keys.insert(key, metas) {
            self.metas -= old.len();
        }
    }

    /// Adds a meta, or replaces the one with the same tag.
    pub(crate) fn insert(&mut self, key: &Arc<str>, tag: Tag, fields: Payload) {
        let meta = Meta { tag, fields };
        let old = self.metas(key);
        let metas = match old.binary_search_by(|other| other.tag.cmp(&meta.tag)) {
            Ok(at) => [&old[..at], &[meta], &old[at + 1..]].concat(),
            Err(at) => [&old[..at], &[meta], &old[at..]].concat(),
        };
        self.put(key, metas.into());
    }

    /// Takes a meta out. False when it was not there.
    pub(crate) fn remove(&mut self, key: &str, tag: &Tag) -> bool {
        let Some((key, old)) = self.keys.entry(key) else { return false };
        let Ok(at) = old.binary_search_by(|meta| meta.tag.cmp(tag)) else { return false };
        let metas = [&old[..at], &old[at + 1..]].concat();
        if metas.is_empty() {
            let key = key.clone();
            self.keys.remove(&key);
            self.metas -= 1;
        } else {
            let key = key.clone();
            self.put(&key, metas.into());
        }
        true
    }

    /// Whether this very meta is among them.
    pub(crate) fn contains(&self, key: &str, tag: &Tag) -> bool {
        self.metas(key).binary_search_by(|meta| meta.tag.cmp(tag)).is_ok()
    }

    /// The keys as they are shared.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<[Meta]>)> {
        self.keys.iter()
    }
}

impl Serialize for Presences {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, metas) in self.iter() {
            map.serialize_entry(key, &PresenceEntry { metas, extras: self.extras(key) })?;
        }
        map.end()
    }
}

/// One key's presences: its metas, and what was fetched for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresenceEntry<'a> {
    metas: &'a [Meta],
    extras: Option<&'a Map<String, Value>>,
}

impl<'a> PresenceEntry<'a> {
    /// The metas: one for each process that is present under the key, and never none.
    pub fn metas(&self) -> &'a [Meta] {
        self.metas
    }

    /// What was fetched for the key.
    pub fn extras(&self) -> Option<&'a Map<String, Value>> {
        self.extras
    }
}

impl Serialize for PresenceEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.extras.map_or(0, Map::len)))?;
        map.serialize_entry("metas", self.metas)?;
        for (field, value) in self.extras.into_iter().flatten() {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

impl PartialEq for Presences {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.extras == other.extras
    }
}

impl fmt::Debug for Presences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.iter().map(|(key, metas)| (key, metas.len()));
        f.debug_map().entries(keys).finish()
    }
}
