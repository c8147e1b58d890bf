//! Conversations of several replicas over a network that loses, delays and splits, from a seed.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::presence::{meta::Fields, replica::Tag};

const BEATS: Beats = Beats { silent_max: 10, sample: 2, down: 20, permdown: 800 };

/// One life of a node.
struct Node {
    state: State<u8>,
    gossip: Gossip,
    /// What its diffs add up to.
    told: BTreeSet<Tag>,
}

impl Node {
    fn new(name: &str, version: u64) -> Self {
        let state = State::new(Replica { name: name.into(), version }, 1_000);
        Self { state, gossip: Gossip::new(BEATS), told: BTreeSet::new() }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Gossip, &mut State<u8>, &mut Diff) -> T) -> T {
        let mut news = Diff::default();
        let done = act(&mut self.gossip, &mut self.state, &mut news);
        for (_, diff) in news.into_topics() {
            self.told.extend(diff.joins.iter().flat_map(|(_, metas)| metas).map(|meta| meta.tag.clone()));
            for meta in diff.leaves.iter().flat_map(|(_, metas)| metas) {
                self.told.remove(&meta.tag);
            }
        }
        assert_eq!(self.told, self.shown(), "what was told does not add up");
        done
    }

    fn join(&mut self, process: u8, key: &str) {
        let fields = Fields::new(json!({})).unwrap();
        self.act(|_, state, news| drop(state.join(process, &"t".into(), &key.into(), fields, news)));
    }

    fn leave(&mut self, process: u8, key: &str) {
        self.act(|_, state, news| state.leave(process, &"t".into(), &key.into(), news));
    }

    fn shown(&self) -> BTreeSet<Tag> {
        self.state.list("t").iter().flat_map(|(_, metas)| metas).map(|meta| meta.tag.clone()).collect()
    }

    fn keys(&self) -> Vec<String> {
        self.state.list("t").iter().map(|(key, _)| key.to_owned()).collect()
    }
}

/// Nodes and what is on its way between them.
#[derive(Default)]
struct World {
    nodes: BTreeMap<&'static str, Node>,
    cuts: BTreeSet<(&'static str, &'static str)>,
    on_the_way: VecDeque<(&'static str, &'static str, PeerMessage)>,
    /// All that was ever sent, with its receiver; none for all.
    log: Vec<(&'static str, Option<&'static str>, PeerMessage)>,
}

impl World {
    fn of(names: &[&'static str]) -> Self {
        let mut world = Self::default();
        for name in names {
            world.nodes.insert(name, Node::new(name, 1));
        }
        world
    }

    fn node(&mut self, name: &str) -> &mut Node {
        self.nodes.get_mut(name).unwrap()
    }

    /// One period for everybody, and everything sent arrives.
    fn beat(&mut self) {
        for name in self.names() {
            self.beat_at(name);
        }
        while self.deliver() {}
    }

    fn beats(&mut self, count: u32) {
        for _ in 0..count {
            self.beat();
        }
    }

    fn beat_at(&mut self, name: &'static str) {
        let actions = self.node(name).act(Gossip::beat);
        self.send(name, actions);
    }

    /// The oldest message arrives. False when there is none.
    fn deliver(&mut self) -> bool {
        let Some((from, to, message)) = self.on_the_way.pop_front() else { return false };
        if self.is_cut(from, to) || !self.nodes.contains_key(to) {
            return true;
        }
        // Over the wire and back, as the real ones.
        let message = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
        let actions = self.node(to).act(|gossip, state, news| gossip.receive(message, state, news));
        self.send(to, actions);
        true
    }

    fn send(&mut self, from: &'static str, actions: Vec<Action>) {
        let names = self.names();
        for action in actions {
            match action {
                Action::ToAll(message) => {
                    let others = names.iter().filter(|name| **name != from);
                    self.on_the_way.extend(others.map(|to| (from, *to, message.clone())));
                    self.log.push((from, None, message));
                }
                Action::To(to, message) => {
                    if let Some(to) = names.iter().find(|name| ***name == *to) {
                        self.on_the_way.push_back((from, to, message.clone()));
                        self.log.push((from, Some(to), message));
                    }
                }
            }
        }
    }

    fn split(&mut self, one: &[&'static str], other: &[&'static str]) {
        self.cuts.extend(one.iter().flat_map(|a| other.iter().map(|b| (*a, *b))));
    }

    fn is_cut(&self, a: &'static str, b: &'static str) -> bool {
        self.cuts.contains(&(a, b)) || self.cuts.contains(&(b, a))
    }

    fn names(&self) -> Vec<&'static str> {
        self.nodes.keys().copied().collect()
    }

    fn keys(&self) -> Vec<Vec<String>> {
        self.nodes.values().map(Node::keys).collect()
    }

    fn requests(&self) -> usize {
        self.log.iter().filter(|(_, _, message)| matches!(message, PeerMessage::Request { .. })).count()
    }
}

#[test]
fn c14_4_a_change_is_told_with_the_next_beat_and_once() {
    let mut world = World::of(&["a", "b"]);
    world.beats(2);
    world.node("a").join(1, "x");
    assert_eq!(world.keys(), [vec!["x"], vec![]]);
    world.beat();
    assert_eq!(world.keys(), [["x"], ["x"]]);
    world.log.clear();
    world.beats(5);
    assert_eq!(world.log, []);
}

#[test]
fn c14_4_an_idle_replica_speaks_now_and_then() {
    let mut world = World::of(&["a"]);
    world.beats(31);
    let beats = world.log.iter().filter(|(_, to, message)| {
        to.is_none() && matches!(message, PeerMessage::Heartbeat { delta: None, .. })
    });
    assert_eq!(beats.count(), 4, "the first beat, and every tenth after it");
}

#[test]
fn c14_4_a_replica_whose_tracker_starts_again_speaks_with_the_next_beat() {
    let mut world = World::of(&["a"]);
    world.beats(4);
    world.log.clear();
    world.node("a").gossip.wake();
    world.beat();
    assert_eq!(world.log.len(), 1);
}

#[test]
fn c14_5_a_newcomer_knows_everybody_after_one_beat() {
    let mut world = World::of(&["a", "b"]);
    world.node("a").join(1, "x");
    world.node("b").join(1, "y");
    world.beats(3);
    world.nodes.insert("c", Node::new("c", 1));
    world.node("c").join(1, "z");
    world.beat_at("c");
    while world.deliver() {}
    assert_eq!(world.keys(), [["x", "y", "z"]; 3]);
}

#[test]
fn c14_5_a_node_that_starts_again_takes_the_place_of_its_earlier_life() {
    let mut world = World::of(&["a", "b"]);
    world.node("a").join(1, "before");
    world.beats(2);
    assert_eq!(world.node("b").keys(), ["before"]);
    world.nodes.insert("a", Node::new("a", 2));
    world.node("a").join(1, "after");
    world.beat();
    assert_eq!(world.keys(), [["after"], ["after"]]);
    assert_eq!(world.node("b").gossip.peers.len(), 1);
}

#[test]
fn c14_6_a_lost_delta_is_asked_for() {
    let mut world = World::of(&["a", "b"]);
    world.beats(2);
    world.node("a").join(1, "lost");
    world.beat_at("a");
    world.on_the_way.clear();
    world.node("a").join(1, "kept");
    world.beat();
    assert_eq!(world.node("b").keys(), ["kept"]);
    world.beats(2);
    assert_eq!(world.node("b").keys(), ["kept", "lost"]);
}

#[test]
fn c14_6_a_lost_leave_is_asked_for() {
    let mut world = World::of(&["a", "b"]);
    world.node("a").join(1, "x");
    world.beats(2);
    world.node("a").leave(1, "x");
    world.beat_at("a");
    world.on_the_way.clear();
    // Nothing more changes: only the heartbeat of an idle replica can tell that something was missed.
    world.beats(12);
    assert_eq!(world.keys(), [Vec::<String>::new(), vec![]]);
}

#[test]
fn c14_6_of_those_who_know_more_the_fewest_are_asked() {
    let mut world = World::of(&["a", "b", "c"]);
    world.beats(2);
    world.split(&["a"], &["c"]);
    world.node("c").join(1, "x");
    world.beat();
    // B has heard C and A has not. A learns it from B, by one request.
    let before = world.requests();
    world.beats(12);
    assert_eq!(world.keys(), [["x"], ["x"], ["x"]]);
    assert_eq!(world.requests() - before, 1);
}

#[test]
fn c14_6_a_replica_that_is_down_here_and_up_there_causes_no_endless_traffic() {
    // Each comparison would find that the other knows more of it, and each answer would leave it out.
    let mut world = World::of(&["a", "b", "c"]);
    world.beats(2);
    world.split(&["a"], &["c"]);
    world.beats(40);
    assert!(!world.node("a").state.is_up(&Replica { name: "c".into(), version: 1 }));
    world.node("c").join(1, "x");
    world.beats(10);
    let before = world.requests();
    world.beats(100);
    assert_eq!(world.requests(), before);
}

#[test]
fn c14_7_a_silent_node_is_hidden_and_after_a_long_time_forgotten() {
    let mut world = World::of(&["a", "b"]);
    world.node("a").join(1, "x");
    world.beats(1);
    world.nodes.remove("a");
    let a = Replica { name: "a".into(), version: 1 };
    world.beats(20);
    assert_eq!(world.node("b").keys(), ["x"]);
    world.beats(1);
    assert!(world.node("b").keys().is_empty());
    assert!(world.node("b").state.knows(&a));
    world.beats(800);
    assert!(!world.node("b").state.knows(&a));
    assert!(world.node("b").gossip.peers.is_empty());
}

#[test]
fn c14_8_a_split_hides_each_side_from_the_other_and_a_heal_brings_back_what_is_left() {
    let mut world = World::of(&["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        world.node(name).join(1, name);
        world.node(name).join(2, "both");
    }
    world.beats(3);
    assert_eq!(world.keys(), [["a", "b", "both", "c"]; 3]);
    world.split(&["a"], &["b", "c"]);
    world.beats(35);
    assert_eq!(world.keys(), [vec!["a", "both"], vec!["b", "both", "c"], vec!["b", "both", "c"]]);
    world.node("a").leave(1, "a");
    world.node("c").join(3, "during");
    world.beats(5);
    world.cuts.clear();
    world.beats(12);
    assert_eq!(world.keys(), [["b", "both", "c", "during"]; 3]);
    assert_eq!(world.node("a").state.list("t").metas("both").len(), 3);
}

#[test]
fn c14_8_after_a_very_long_split_everything_is_told_anew() {
    let mut world = World::of(&["a", "b"]);
    world.node("a").join(1, "x");
    world.node("b").join(1, "y");
    world.beats(3);
    world.split(&["a"], &["b"]);
    world.beats(900);
    assert_eq!(world.keys(), [["x"], ["y"]]);
    world.cuts.clear();
    world.beats(12);
    assert_eq!(world.keys(), [["x", "y"]; 2]);
}

#[test]
fn c14_9_a_node_that_says_goodbye_is_forgotten_at_once() {
    let mut world = World::of(&["a", "b"]);
    world.node("a").join(1, "x");
    world.beats(2);
    let goodbye = PeerMessage::Goodbye { from: world.node("a").state.me().clone() };
    world.send("a", vec![Action::ToAll(goodbye)]);
    world.nodes.remove("a");
    while world.deliver() {}
    assert!(world.node("b").keys().is_empty());
    assert!(world.node("b").gossip.peers.is_empty());
}

#[test]
fn c14_10_a_presence_that_came_and_went_between_two_beats_is_not_heard_of_elsewhere() {
    let mut world = World::of(&["a", "b"]);
    world.beats(2);
    world.node("a").join(1, "short");
    world.node("a").leave(1, "short");
    world.beat();
    assert!(world.node("b").keys().is_empty());
    let requests = world.requests();
    world.beats(20);
    assert_eq!(world.requests(), requests, "nothing was missed");
}

#[test]
fn a_large_state_travels_in_slices() {
    let mut world = World::of(&["a", "b"]);
    world.beats(2);
    let meta = "x".repeat(40_000);
    for key in 0..100 {
        let fields = Fields::new(json!({ "large": meta })).unwrap();
        let key = format!("key{key:02}").into();
        world.node("a").act(|_, state, news| drop(state.join(1, &"t".into(), &key, fields, news)));
    }
    world.log.clear();
    world.beat();
    assert_eq!(world.node("b").keys().len(), 100);
    assert!(world.log.len() >= 4);
    for (_, _, message) in &world.log {
        assert!(serde_json::to_string(message).unwrap().len() < 2 * SLICE_BYTES);
    }
}

#[test]
fn what_a_stranger_of_the_own_name_says_is_not_heard() {
    let mut a = Node::new("a", 1);
    a.join(1, "x");
    for version in [1, 2] {
        let from = Replica { name: "a".into(), version };
        let heartbeat =
            PeerMessage::Heartbeat { from: from.clone(), delta: None, context: Context::default() };
        for message in [heartbeat, PeerMessage::Goodbye { from }] {
            assert_eq!(a.act(|gossip, state, news| gossip.receive(message, state, news)), []);
        }
    }
    assert_eq!((a.keys(), a.gossip.peers.len()), (vec!["x".to_owned()], 0));
}

/// What may happen to four nodes; `luck` decides what gets lost.
#[derive(Clone, Debug)]
enum Event {
    Join(usize, u8, u8),
    Leave(usize, u8, u8),
    Exit(usize, u8),
    Beat(usize),
    Deliver(usize),
    Lose,
    Split(usize),
    Heal,
    Restart(usize),
    Wait(u32),
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn event() -> impl Strategy<Value = Event> {
    let at = || 0..NAMES.len();
    prop_oneof![
        6 => (at(), 0..3_u8, 0..4_u8).prop_map(|(at, process, key)| Event::Join(at, process, key)),
        4 => (at(), 0..3_u8, 0..4_u8).prop_map(|(at, process, key)| Event::Leave(at, process, key)),
        1 => (at(), 0..3_u8).prop_map(|(at, process)| Event::Exit(at, process)),
        6 => at().prop_map(Event::Beat),
        8 => (1..20_usize).prop_map(Event::Deliver),
        3 => Just(Event::Lose),
        1 => (1..NAMES.len()).prop_map(Event::Split),
        1 => Just(Event::Heal),
        1 => at().prop_map(Event::Restart),
        1 => (1..60_u32).prop_map(Event::Wait),
    ]
}

fn run(world: &mut World, event: &Event, lives: &mut u64) {
    match event {
        Event::Join(at, process, key) => world.node(NAMES[*at]).join(*process, &key.to_string()),
        Event::Leave(at, process, key) => world.node(NAMES[*at]).leave(*process, &key.to_string()),
        Event::Exit(at, process) => {
            world.node(NAMES[*at]).act(|_, state, news| state.leave_all(*process, news));
        }
        Event::Beat(at) => world.beat_at(NAMES[*at]),
        Event::Deliver(count) => {
            for _ in 0..*count {
                world.deliver();
            }
        }
        Event::Lose => drop(world.on_the_way.pop_front()),
        Event::Split(at) => {
            let (one, other) = NAMES.split_at(*at);
            world.split(one, other);
        }
        Event::Heal => world.cuts.clear(),
        Event::Restart(at) => {
            *lives += 1;
            world.nodes.insert(NAMES[*at], Node::new(NAMES[*at], *lives));
        }
        Event::Wait(beats) => world.beats(*beats),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn c14_8_after_anything_a_whole_network_agrees_on_who_is_there(events in prop::collection::vec(event(), 0..120)) {
        let (mut world, mut lives) = (World::of(&NAMES), 1);
        for event in &events {
            run(&mut world, event, &mut lives);
        }
        world.cuts.clear();
        world.beats(30);
        // Each knows its own best.
        let mut there = BTreeSet::new();
        for node in world.nodes.values() {
            there.extend(node.shown().into_iter().filter(|tag| tag.replica == *node.state.me()));
        }
        for (name, node) in &world.nodes {
            prop_assert_eq!(&node.shown(), &there, "at {}", name);
            prop_assert_eq!(node.gossip.peers.len(), NAMES.len() - 1);
        }
        world.log.clear();
        world.beats(40);
        prop_assert_eq!(world.requests(), 0, "a network at rest asks nothing");
        prop_assert!(world.log.len() <= 5 * NAMES.len(), "a network at rest is quiet");
    }
}
