//! A sorted map that is small while it holds little (pure).
//!
//! Most processes are monitored by one other, or by none. A tree's first node has room for eleven, and a million processes pay
//! for it; a process that monitors thousands wants a tree.

use std::collections::BTreeMap;

/// Up to so many entries are a list.
const FEW: usize = 8;

/// A map in the order of its keys.
#[derive(Debug)]
pub(crate) enum Few<K, V> {
    List(Vec<(K, V)>),
    Tree(BTreeMap<K, V>),
}

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Few::List(Vec::new())
    }
}

impl<K: Ord, V> Few<K, V> {
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if let Few::List(list) = self
            && list.len() == FEW
        {
            *self = Few::Tree(std::mem::take(list).into_iter().collect());
        }
        match self {
            Few::Tree(tree) => drop(tree.insert(key, value)),
            Few::List(list) => match list.binary_search_by(|(other, _)| other.cmp(&key)) {
                Ok(at) => list[at].1 = value,
                Err(at) => {
                    list.reserve_exact(1);
                    list.insert(at, (key, value));
                }
            },
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        match self {
            Few::Tree(tree) => tree.get(key),
            Few::List(list) => {
                let at = list.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
                Some(&list[at].1)
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            Few::Tree(tree) => tree.remove(key),
            Few::List(list) => {
                let at = list.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
                Some(list.remove(at).1)
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Few::List(list) => list.len(),
            Few::Tree(tree) => tree.len(),
        }
    }

    /// The values, in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        let (list, tree) = match self {
            Few::List(list) => (Some(list), None),
            Few::Tree(tree) => (None, Some(tree)),
        };
        let listed = list.into_iter().flatten().map(|(_, value)| value);
        listed.chain(tree.into_iter().flat_map(BTreeMap::values))
    }
}

impl<K: Ord, V> IntoIterator for Few<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Few::List(list) => list.into_iter(),
            Few::Tree(tree) => tree.into_iter().collect::<Vec<_>>().into_iter(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_whatever_its_size(steps in prop::collection::vec((0..24_u8, any::<bool>()), 0..100)) {
            let (mut few, mut model) = (Few::default(), BTreeMap::new());
            for (number, (key, inserts)) in steps.into_iter().enumerate() {
                if inserts {
                    few.insert(key, number);
                    model.insert(key, number);
                } else {
                    prop_assert_eq!(few.remove(&key), model.remove(&key));
                }
                prop_assert_eq!(few.get(&key), model.get(&key));
                prop_assert_eq!(few.len(), model.len());
                prop_assert!(few.values().eq(model.values()));
            }
            prop_assert!(few.into_iter().eq(model));
        }
    }

    #[test]
    fn one_entry_takes_the_room_of_one() {
        let mut few = Few::default();
        few.insert(1_u64, 2_u64);
        let Few::List(list) = &few else { panic!("a tree of one") };
        assert_eq!(list.capacity(), 1);
    }
}
