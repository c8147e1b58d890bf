//! The subscribers of one topic: a list that is cheap to take a snapshot of, and to change while snapshots are in use.

use std::sync::{Arc, atomic::Ordering};

use crate::subscription::Subscriber;

/// Members in one chunk. A change during a broadcast copies one chunk or two and the list of chunks, not all members.
const CHUNK: usize = 128;

type Chunk = Arc<Vec<Arc<Subscriber>>>;

/// All chunks are full but the last. Every member knows its place, so that taking it out does not search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    chunks: Arc<Vec<Chunk>>,
    count: usize,
}

impl Members {
    pub(crate) fn add(&mut self, member: Arc<Subscriber>) {
        member.place.store(self.count, Ordering::Relaxed);
        let chunks = Arc::make_mut(&mut self.chunks);
        match chunks.last_mut() {
            Some(last) if !self.count.is_multiple_of(CHUNK) => Arc::make_mut(last).push(member),
            _ => chunks.push(Arc::new(vec![member])),
        }
        self.count += 1;
    }

    /// Takes a member out, the last one taking its place. False when it was not there.
    pub(crate) fn remove(&mut self, member: &Arc<Subscriber>) -> bool {
        let place = member.place.load(Ordering::Relaxed);
        if !self.at(place).is_some_and(|found| Arc::ptr_eq(found, member)) {
            return false;
        }
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(last) = chunks.last_mut().and_then(|chunk| Arc::make_mut(chunk).pop()) else { return false };
        self.count -= 1;
        if self.count.is_multiple_of(CHUNK) {
            chunks.pop();
        }
        if place < self.count {
            last.place.store(place, Ordering::Relaxed);
            Arc::make_mut(&mut chunks[place / CHUNK])[place % CHUNK] = last;
        }
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Subscriber>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    fn at(&self, place: usize) -> Option<&Arc<Subscriber>> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use throng_runtime::Node;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_holds_who_was_added_and_not_removed(steps in prop::collection::vec((0..4_u8, any::<prop::sample::Index>()), 0..1_500)) {
            let process = tokio::runtime::Runtime::new().unwrap().block_on(async {
                Node::new("test").spawn(async |_| ())
            });
            let mut members = Members::default();
            let (mut model, mut snapshots) = (Vec::<Arc<Subscriber>>::new(), Vec::new());
            for (id, (kind, index)) in steps.into_iter().enumerate() {
                match kind {
                    0 if !model.is_empty() => {
                        let gone = model.swap_remove(index.index(model.len()));
                        prop_assert!(members.remove(&gone));
                        prop_assert!(!members.remove(&gone), "it was there twice");
                    }
                    1 if snapshots.len() < 8 => snapshots.push((members.clone(), sorted(model.iter()))),
                    _ => {
                        let new = Arc::new(Subscriber::new("t".into(), process, id as u64, Box::new(|_| ())));
                        model.push(new.clone());
                        members.add(new);
                    }
                }
            }
            prop_assert_eq!(members.len(), model.len());
            prop_assert_eq!(sorted(members.iter()), sorted(model.iter()));
            for (snapshot, then) in snapshots {
                prop_assert_eq!(sorted(snapshot.iter()), then, "a snapshot changed");
            }
        }
    }

    fn sorted<'a>(members: impl Iterator<Item = &'a Arc<Subscriber>>) -> Vec<u64> {
        let mut ids: Vec<_> = members.map(|member| member.id).collect();
        ids.sort_unstable();
        ids
    }
}
