//! A sorted map whose snapshots are free, and which is cheap to change while snapshots are in use.

use std::{mem, sync::Arc};

/// Entries in one chunk. A change copies one chunk and the list of chunks, not all entries.
const CHUNK: usize = 64;

type Chunk<V> = Arc<Vec<(Arc<str>, V)>>;

/// Names with a value each, in the order of the names. Cloning shares everything.
///
/// ```text
///    chunks ──► [ann bob cid] [dan eve] [fay … ]      each sorted, none empty
/// ```
#[derive(Clone, Debug)]
pub(crate) struct SortedMap<V> {
    chunks: Arc<Vec<Chunk<V>>>,
    len: usize,
}

impl<V> Default for SortedMap<V> {
    fn default() -> Self {
        Self { chunks: Arc::default(), len: 0 }
    }
}

impl<V: Clone> SortedMap<V> {
    /// Puts a value under a name, and gives back the one that was there.
    pub(crate) fn insert(&mut self, name: &Arc<str>, value: V) -> Option<V> {
        let index = self.chunk_of(name).min(self.chunks.len().saturating_sub(1));
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(shared) = chunks.get_mut(index) else {
            chunks.push(Arc::new(vec![(name.clone(), value)]));
            self.len = 1;
            return None;
        };
        let at = match find(shared, name) {
            Ok(at) => return Some(mem::replace(&mut Arc::make_mut(shared)[at].1, value)),
            Err(at) => at,
        };
        self.len += 1;
        let entry = (name.clone(), value);
        if shared.len() < CHUNK {
            Arc::make_mut(shared).insert(at, entry);
        } else if at == CHUNK {
            // Names that come in their order fill whole chunks.
            chunks.push(Arc::new(vec![entry]));
        } else {
            let lower = Arc::make_mut(shared);
            let mut upper = lower.split_off(CHUNK / 2);
            if at <= CHUNK / 2 {
                lower.insert(at, entry)
            } else {
                upper.insert(at - CHUNK / 2, entry)
            }
            chunks.insert(index + 1, Arc::new(upper));
        }
        None
    }

    /// Takes a name out with its value.
    pub(crate) fn remove(&mut self, name: &str) -> Option<V> {
        let index = self.chunk_of(name);
        let at = find(self.chunks.get(index)?, name).ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let chunk = Arc::make_mut(&mut chunks[index]);
        let (_, value) = chunk.remove(at);
        self.len -= 1;
        if chunk.is_empty() {
            chunks.remove(index);
        } else {
            join(chunks, index);
            join(chunks, index.wrapping_sub(1));
        }
        Some(value)
    }
}

impl<V> SortedMap<V> {
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.entry(name).map(|(_, value)| value)
    }

    /// A name as it is shared, and its value.
    pub(crate) fn entry(&self, name: &str) -> Option<(&Arc<str>, &V)> {
        let chunk = self.chunks.get(self.chunk_of(name))?;
        let (name, value) = &chunk[find(chunk, name).ok()?];
        Some((name, value))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(name, value)| (name, value)))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The chunk that has the name, or where it belongs; one past the last when it comes after all.
    fn chunk_of(&self, name: &str) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|(last, _)| **last < *name))
    }
}

/// Joins a chunk and the one after it where both are small, so that there are never many small ones.
fn join<V: Clone>(chunks: &mut Vec<Chunk<V>>, index: usize) {
    let (Some(one), Some(next)) = (chunks.get(index), chunks.get(index.wrapping_add(1))) else { return };
    if one.len() + next.len() <= CHUNK / 2 {
        let next = chunks.remove(index + 1);
        Arc::make_mut(&mut chunks[index]).extend(next.iter().cloned());
    }
}

fn find<V>(chunk: &[(Arc<str>, V)], name: &str) -> Result<usize, usize> {
    chunk.binary_search_by(|(other, _)| (**other).cmp(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn entries(map: &SortedMap<u32>) -> Vec<(Arc<str>, u32)> {
        map.iter().map(|(name, value)| (name.clone(), *value)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn it_is_a_sorted_map_and_its_snapshots_stay_as_they_were(
            steps in prop::collection::vec((0..5_u8, 0..400_u32), 0..1_200)
        ) {
            let (mut map, mut model) = (SortedMap::default(), BTreeMap::<Arc<str>, u32>::new());
            let mut snapshots = Vec::new();
            for (step, (kind, name)) in steps.into_iter().enumerate() {
                let (name, value): (Arc<str>, _) = (name.to_string().into(), step as u32);
                match kind {
                    0 | 1 => prop_assert_eq!(map.remove(&name), model.remove(&name)),
                    2 if snapshots.len() < 8 => snapshots.push((map.clone(), model.clone())),
                    _ => prop_assert_eq!(map.insert(&name, value), model.insert(name.clone(), value)),
                }
                prop_assert_eq!(map.get(&name), model.get(&name));
                prop_assert!(map.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK));
            }
            snapshots.push((map, model));
            for (map, model) in snapshots {
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(entries(&map), model.into_iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_change_copies_one_chunk_and_shares_the_others() {
        let mut map = SortedMap::default();
        for n in 0..1_000 {
            map.insert(&format!("{n:04}").into(), n);
        }
        assert_eq!(map.chunks.len(), 1_000_usize.div_ceil(CHUNK), "in order they fill the chunks");
        let before = map.clone();
        map.insert(&"0500".into(), 0);
        let pairs = map.chunks.iter().zip(before.chunks.iter());
        assert_eq!(pairs.filter(|(one, other)| !Arc::ptr_eq(one, other)).count(), 1);
    }

    #[test]
    fn chunks_that_were_emptied_nearly_are_joined() {
        let mut map = SortedMap::default();
        for n in 0..1_000 {
            map.insert(&format!("{n:04}").into(), n);
        }
        for n in (0..1_000).filter(|n| n % 100 != 0) {
            map.remove(&format!("{n:04}"));
        }
        assert_eq!((map.len(), map.chunks.len()), (10, 1));
    }
}
