//! Notes between nodes: for the parts of Throng that talk with their like elsewhere, past all topics.

use std::{collections::HashMap, sync::Weak};

use parking_lot::RwLock;

use crate::payload::Payload;

/// Who is handed the notes that other nodes send to a name.
pub(crate) trait Lane: Send + Sync {
    /// Takes a note; it does not wait.
    fn hear(&self, from: &str, body: &Payload);
}

#[derive(Default)]
pub(crate) struct Lanes {
    open: RwLock<HashMap<Box<str>, Weak<dyn Lane>>>,
}

impl Lanes {
    /// False when another lane has the name. One that is gone does not hold it.
    pub(crate) fn open(&self, name: &str, lane: Weak<dyn Lane>) -> bool {
        let mut open = self.open.write();
        let taken = open.get(name).is_some_and(|held| held.strong_count() > 0 && !Weak::ptr_eq(held, &lane));
        if !taken {
            open.insert(name.into(), lane);
        }
        !taken
    }

    pub(crate) fn hear(&self, name: &str, from: &str, body: &Payload) {
        let lane = self.open.read().get(name).and_then(Weak::upgrade);
        match lane {
            Some(lane) => Lane::hear(&*lane, from, body),
            None => tracing::debug!(name, node = from, "nobody here talks with that node"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct Ear(Mutex<Vec<String>>);

    impl Lane for Ear {
        fn hear(&self, from: &str, body: &Payload) {
            self.0.lock().push(format!("{from}: {}", body.as_json()));
        }
    }

    fn weak(ear: &Arc<Ear>) -> Weak<dyn Lane> {
        let lane: Arc<dyn Lane> = ear.clone();
        Arc::downgrade(&lane)
    }

    #[test]
    fn a_name_belongs_to_one_lane_as_long_as_it_is_there() {
        let (lanes, first, second) = (Lanes::default(), Arc::<Ear>::default(), Arc::<Ear>::default());
        assert!(lanes.open("x", weak(&first)));
        assert!(lanes.open("x", weak(&first)), "the same one may come again");
        assert!(!lanes.open("x", weak(&second)));
        lanes.hear("x", "a", &Payload::empty());
        lanes.hear("y", "a", &Payload::empty());
        assert_eq!(*first.0.lock(), ["a: {}"]);
        drop(first);
        lanes.hear("x", "a", &Payload::empty());
        assert!(lanes.open("x", weak(&second)));
        lanes.hear("x", "b", &Payload::empty());
        assert_eq!(*second.0.lock(), ["b: {}"]);
    }
}
