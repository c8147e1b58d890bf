//! Properties of several replicas that change, and whose messages arrive late, twice and in any order.

use std::{array, collections::btree_map};

use proptest::{prelude::*, sample::Index};

use super::{
    tests::{Test, fields, replica, state},
    *,
};
use crate::{payload::Payload, presence::diff::TopicDiff};

/// What happens to three replicas, one step at a time.
#[derive(Clone, Debug)]
enum Step {
    Join {
        at: usize,
        process: u8,
        key: u8,
    },
    Update {
        at: usize,
        process: u8,
        key: u8,
    },
    Leave {
        at: usize,
        process: u8,
        key: u8,
    },
    Exit {
        at: usize,
        process: u8,
    },
    /// The own changes since some earlier reading reach a peer.
    Delta {
        from: usize,
        to: usize,
        since: Index,
    },
    /// One answers the other's request.
    Transfer {
        from: usize,
        to: usize,
    },
    /// What was told earlier arrives again, or late.
    Again {
        which: Index,
        to: usize,
    },
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn step() -> impl Strategy<Value = Step> {
    let at = || 0..3_usize;
    let who = || (at(), 0..3_u8, 0..3_u8);
    prop_oneof![
        3 => who().prop_map(|(at, process, key)| Step::Join { at, process, key }),
        2 => who().prop_map(|(at, process, key)| Step::Update { at, process, key }),
        2 => who().prop_map(|(at, process, key)| Step::Leave { at, process, key }),
        1 => (at(), 0..3_u8).prop_map(|(at, process)| Step::Exit { at, process }),
        3 => (at(), at(), any::<Index>()).prop_map(|(from, to, since)| Step::Delta { from, to, since }),
        2 => (at(), at()).prop_map(|(from, to)| Step::Transfer { from, to }),
        2 => (any::<Index>(), at()).prop_map(|(which, to)| Step::Again { which, to }),
    ]
}

/// Three replicas, and a simple model of what should show: the presences that joined and did not leave.
struct World {
    states: [Test; 3],
    /// What each replica's diffs add up to.
    told: [BTreeMap<Tag, Payload>; 3],
    model: BTreeMap<(usize, u8, u8), Tag>,
    sent: Vec<Part>,
}

impl World {
    fn new() -> Self {
        let states = NAMES
            .map(|name| state(name, &NAMES.into_iter().filter(|peer| *peer != name).collect::<Vec<_>>()));
        Self { states, told: Default::default(), model: BTreeMap::new(), sent: Vec::new() }
    }

    fn run(&mut self, step: &Step) {
        let topic = Arc::from("t");
        let name = |key: &u8| Arc::from(key.to_string());
        let mut diff = Diff::default();
        match step {
            Step::Join { at, process, key } => {
                let joined = self.states[*at].join(*process, &topic, &name(key), fields(0), &mut diff);
                match self.model.entry((*at, *process, *key)) {
                    btree_map::Entry::Occupied(_) => assert_eq!(joined, Err(Taken)),
                    btree_map::Entry::Vacant(entry) => drop(entry.insert(joined.unwrap())),
                }
                self.note(*at, diff);
            }
            Step::Update { at, process, key } => {
                let updated = self.states[*at].update(*process, &topic, &name(key), fields(1), &mut diff);
                let expected = self.model.get_mut(&(*at, *process, *key));
                assert_eq!(updated.is_some(), expected.is_some());
                if let (Some(tag), Some(updated)) = (expected, updated) {
                    *tag = updated;
                }
                self.note(*at, diff);
            }
            Step::Leave { at, process, key } => {
                let left = self.states[*at].leave(*process, &topic, &name(key), &mut diff);
                assert_eq!(left, self.model.remove(&(*at, *process, *key)).is_some());
                self.note(*at, diff);
            }
            Step::Exit { at, process } => {
                self.states[*at].leave_all(*process, &mut diff);
                self.model.retain(|(node, owner, _), _| (node, owner) != (at, process));
                self.note(*at, diff);
            }
            Step::Delta { from, to, since } => {
                let since = since.index(self.states[*from].clock() as usize + 1) as u64;
                let part = self.states[*from].delta(since).unwrap();
                self.arrive(*to, part);
            }
            Step::Transfer { from, to } => {
                let to_state = &self.states[*to];
                let part = self.states[*from].extract(to_state.me(), &to_state.context());
                self.arrive(*to, part);
            }
            Step::Again { which, to } if !self.sent.is_empty() => {
                let part = which.get(&self.sent).clone();
                self.arrive(*to, part);
            }
            Step::Again { .. } => {}
        }
    }

    fn arrive(&mut self, to: usize, part: Part) {
        let mut diff = Diff::default();
        self.states[to].merge(&part, &mut diff);
        self.note(to, diff);
        self.sent.push(part);
    }

    fn note(&mut self, at: usize, diff: Diff) {
        let TopicDiff { joins, leaves } = diff.topic("t");
        for meta in joins.iter().flat_map(|(_, metas)| metas) {
            self.told[at].insert(meta.tag.clone(), meta.fields.clone());
        }
        for meta in leaves.iter().flat_map(|(_, metas)| metas) {
            self.told[at].remove(&meta.tag);
        }
    }

    /// Everybody asks everybody, until nobody learns anything.
    fn settle(&mut self) {
        for _ in 0..2 {
            for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
                self.run(&Step::Transfer { from, to });
            }
        }
    }

    fn shown(&self, at: usize) -> BTreeMap<Tag, Payload> {
        let list = self.states[at].list("t");
        list.iter().flat_map(|(_, metas)| metas).map(|meta| (meta.tag.clone(), meta.fields.clone())).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn c14_2_replicas_converge_to_who_joined_and_did_not_leave(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        world.settle();
        let mut expected: Vec<_> = world.model.values().cloned().collect();
        expected.sort();
        for (at, name) in NAMES.iter().enumerate() {
            prop_assert_eq!(world.shown(at).into_keys().collect::<Vec<_>>(), expected.clone(), "at {}", name);
            prop_assert_eq!(world.states[at].list("t"), world.states[0].list("t"));
            prop_assert_eq!(world.states[at].context(), world.states[0].context());
        }
    }

    #[test]
    fn c12_4_the_diffs_that_were_told_add_up_to_what_shows(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
            for (at, name) in NAMES.iter().enumerate() {
                prop_assert_eq!(&world.told[at], &world.shown(at), "at {}", name);
            }
        }
    }

    #[test]
    fn c14_2_nobody_shows_what_its_own_replica_has_ended_once_it_was_told(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        let before: [_; 3] = array::from_fn(|at| world.shown(at));
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            world.run(&Step::Transfer { from, to });
            for tag in world.shown(to).into_keys().filter(|tag| *tag.replica.name == *NAMES[from]) {
                prop_assert!(before[from].contains_key(&tag), "{tag:?} rose again");
            }
        }
    }

    #[test]
    fn c14_2_deltas_in_any_order_equal_the_full_state(
        steps in prop::collection::vec(step(), 1..60),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
        order in any::<u64>(),
    ) {
        let mut world = World::new();
        let mut deltas = vec![];
        let mut since = 0;
        for (index, step) in steps.iter().enumerate() {
            world.run(step);
            if index + 1 == steps.len() || cuts.iter().any(|cut| cut.index(steps.len()) == index) {
                deltas.push(world.states[0].delta(since).unwrap());
                since = world.states[0].clock();
            }
        }
        let (mut by_deltas, mut at_once) = (state("z", &["a"]), state("z", &["a"]));
        let mut shuffled = order;
        while !deltas.is_empty() {
            shuffled = shuffled.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let next = (shuffled >> 33) as usize % deltas.len();
            // Now and then one arrives twice.
            let delta = if shuffled & 4 == 0 { deltas[next].clone() } else { deltas.swap_remove(next) };
            by_deltas.merge(&delta, &mut Diff::default());
        }
        at_once.merge(&world.states[0].extract(at_once.me(), &Context::from_iter([(replica("a"), 0)])), &mut Diff::default());
        prop_assert_eq!(by_deltas.list("t"), at_once.list("t"));
        prop_assert_eq!(&by_deltas.records[&replica("a")].record, &at_once.records[&replica("a")].record);
        prop_assert_eq!(&at_once.records[&replica("a")].record, world.states[0].own());
    }

    #[test]
    fn a_part_that_is_encoded_decodes_to_the_same(steps in prop::collection::vec(step(), 0..40)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        for part in &world.sent {
            let text = serde_json::to_string(part).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Part>(&text).unwrap(), part);
        }
    }
}
