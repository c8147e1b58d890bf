//! Tables for the rules of §14.

use serde_json::json;

use super::*;
use crate::presence::presences::Presences;

const REMOVALS_MAX: usize = 1_000;

pub(super) type Test = State<u8>;

pub(super) fn replica(name: &str) -> Replica {
    Replica { name: name.into(), version: 1 }
}

pub(super) fn state(name: &str, peers: &[&str]) -> Test {
    let mut state = State::new(replica(name), REMOVALS_MAX);
    for peer in peers {
        state.replica_up(&replica(peer), &mut Diff::default());
    }
    state
}

pub(super) fn fields(n: u64) -> Fields {
    Fields::new(json!({ "n": n })).unwrap()
}

fn join(state: &mut Test, process: u8, key: &str) -> Tag {
    state.join(process, &"t".into(), &key.into(), fields(0), &mut Diff::default()).unwrap()
}

fn leave(state: &mut Test, process: u8, key: &str) {
    assert!(state.leave(process, &"t".into(), &key.into(), &mut Diff::default()));
}

/// Has `to` learn all that `from` knows and would tell it.
fn tell(from: &Test, to: &mut Test) -> (Vec<String>, Vec<String>) {
    let mut diff = Diff::default();
    to.merge(&from.extract(to.me(), &to.context()), &mut diff);
    let diff = diff.topic("t");
    let keys = |presences: &Presences| presences.iter().map(|(key, _)| key.to_owned()).collect();
    (keys(&diff.joins), keys(&diff.leaves))
}

fn keys(state: &Test) -> Vec<String> {
    state.list("t").iter().map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn c14_2_a_join_takes_the_next_reading_of_the_own_clock() {
    let mut a = state("a", &[]);
    assert_eq!(join(&mut a, 1, "x").clock, 1);
    assert_eq!(join(&mut a, 1, "y").clock, 2);
    assert_eq!(a.join(1, &"t".into(), &"x".into(), fields(1), &mut Diff::default()), Err(Taken));
    assert_eq!((a.clock(), keys(&a)), (2, vec!["x".to_owned(), "y".to_owned()]));
}

#[test]
fn c14_2_a_leave_takes_a_reading_too() {
    let mut a = state("a", &[]);
    join(&mut a, 1, "x");
    leave(&mut a, 1, "x");
    assert_eq!((a.clock(), a.context()), (2, Context::from_iter([(replica("a"), 2)])));
    assert!(!a.leave(1, &"t".into(), &"x".into(), &mut Diff::default()));
}

#[test]
fn c14_2_an_update_takes_two_readings_and_is_one_step_for_readers() {
    let mut a = state("a", &[]);
    let old = join(&mut a, 1, "x");
    let mut diff = Diff::default();
    let new = a.update(1, &"t".into(), &"x".into(), fields(7), &mut diff).unwrap();
    assert_eq!((new.clock, a.clock()), (3, 3));
    let diff = diff.topic("t");
    assert_eq!((&diff.joins.metas("x")[0].tag, &diff.leaves.metas("x")[0].tag), (&new, &old));
    assert_eq!(a.own_meta(1, &"t".into(), &"x".into()).unwrap().tag, new);
    assert_eq!(a.update(2, &"t".into(), &"x".into(), fields(0), &mut Diff::default()), None);
}

#[test]
fn c14_2_a_merge_gives_the_joins_and_leaves_that_it_made() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "x");
    join(&mut a, 2, "y");
    assert_eq!(tell(&a, &mut b), (vec!["x".into(), "y".into()], vec![]));
    assert_eq!(tell(&a, &mut b), (vec![], vec![]));
    leave(&mut a, 1, "x");
    join(&mut a, 3, "z");
    assert_eq!(tell(&a, &mut b), (vec!["z".into()], vec!["x".into()]));
    assert_eq!(keys(&b), ["y", "z"]);
}

#[test]
fn c14_2_what_others_say_about_the_own_presences_is_not_believed() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "x");
    tell(&a, &mut b);
    // B claims to have seen A's presence end, as a faulty or confused peer might.
    let mut part = Part { records: b.records.iter().map(|(r, k)| (r.clone(), k.record.clone())).collect() };
    part.records.get_mut(&replica("a")).unwrap().entries.clear();
    let mut diff = Diff::default();
    a.merge(&part, &mut diff);
    assert!(diff.is_empty());
    assert_eq!(keys(&a), ["x"]);
}

#[test]
fn c14_2_presences_of_an_unknown_replica_are_not_taken_from_others() {
    let (mut a, mut b, mut c) = (state("a", &["b"]), state("b", &["a", "c"]), state("c", &["b"]));
    join(&mut c, 1, "x");
    tell(&c, &mut b);
    let everything = Part { records: b.records.iter().map(|(r, k)| (r.clone(), k.record.clone())).collect() };
    a.merge(&everything, &mut Diff::default());
    assert_eq!(keys(&a), Vec::<String>::new());
    a.replica_up(&replica("c"), &mut Diff::default());
    a.merge(&everything, &mut Diff::default());
    assert_eq!(keys(&a), ["x"]);
}

#[test]
fn c14_5_a_replica_that_comes_up_again_has_its_kept_presences_join_again() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "x");
    tell(&a, &mut b);
    let mut down = Diff::default();
    b.replica_down(&replica("a"), &mut down);
    b.replica_down(&replica("a"), &mut down);
    assert_eq!((down.topic("t").leaves.len(), keys(&b)), (1, vec![]));
    let mut up = Diff::default();
    assert!(b.replica_up(&replica("a"), &mut up));
    assert!(!b.replica_up(&replica("a"), &mut up));
    assert_eq!((up.topic("t").joins.len(), keys(&b)), (1, vec!["x".to_owned()]));
}

#[test]
fn c14_6_a_delta_answers_who_lacks_own_changes_only() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "old");
    tell(&a, &mut b);
    leave(&mut a, 1, "old");
    join(&mut a, 1, "new");
    let part = a.extract(b.me(), &b.context());
    let record = &part.records[&replica("a")];
    // The reading that began what ended, and all since: what B knows already is not sent again.
    assert_eq!(record.seen.ranges().collect::<Vec<_>>(), [(1, 3)]);
    assert_eq!(record.entries.keys().copied().collect::<Vec<_>>(), [3]);
    assert_eq!(a.delta(3).unwrap().records[&replica("a")], Record::default());
}

#[test]
fn c14_6_a_replica_that_lacks_forgotten_removals_gets_everything() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "stays");
    join(&mut a, 1, "goes");
    tell(&a, &mut b);
    let known = b.context();
    leave(&mut a, 1, "goes");
    for _ in 0..REMOVALS_MAX {
        join(&mut a, 2, "x");
        leave(&mut a, 2, "x");
    }
    assert!(a.delta(known.get(&replica("a")).unwrap()).is_none());
    assert!(a.removals.len() <= REMOVALS_MAX);
    assert_eq!(tell(&a, &mut b), (vec![], vec!["goes".into()]));
    assert_eq!(keys(&b), ["stays"]);
}

#[test]
fn c14_6_a_transfer_leaves_out_the_requester_and_whom_it_does_not_know() {
    let (mut a, mut b, mut c) = (state("a", &["b", "c"]), state("b", &["a"]), state("c", &["a"]));
    join(&mut b, 1, "of b");
    join(&mut c, 1, "of c");
    tell(&b, &mut a);
    tell(&c, &mut a);
    join(&mut a, 1, "of a");
    let of =
        |part: Part| part.records.into_keys().map(|replica| replica.name.to_string()).collect::<Vec<_>>();
    assert_eq!(of(a.extract(b.me(), &b.context())), ["a"]);
    let knows_c = Context::from_iter([(replica("a"), 0), (replica("b"), 1), (replica("c"), 0)]);
    assert_eq!(of(a.extract(b.me(), &knows_c)), ["a", "c"]);
}

#[test]
fn c14_6_replicas_that_are_down_are_not_advertised() {
    let mut a = state("a", &["b"]);
    a.replica_down(&replica("b"), &mut Diff::default());
    assert_eq!(a.context(), Context::from_iter([(replica("a"), 0)]));
}

#[test]
fn c14_7_a_replica_that_is_forgotten_leaves_nothing_behind() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "x");
    tell(&a, &mut b);
    let mut diff = Diff::default();
    b.forget_replica(&replica("a"), &mut diff);
    assert_eq!((diff.topic("t").leaves.len(), keys(&b), b.records.len()), (1, vec![], 1));
    let mut own = Diff::default();
    b.forget_replica(&replica("b"), &mut own);
    b.replica_down(&replica("b"), &mut own);
    assert!(own.is_empty() && b.records.len() == 1);
}

#[test]
fn c14_8_what_ended_during_a_split_is_gone_after_it_and_the_rest_is_back() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "stays");
    join(&mut a, 2, "goes");
    tell(&a, &mut b);
    b.replica_down(&replica("a"), &mut Diff::default());
    leave(&mut a, 2, "goes");
    join(&mut a, 3, "comes");
    b.replica_up(&replica("a"), &mut Diff::default());
    assert_eq!(keys(&b), ["goes", "stays"]);
    assert_eq!(tell(&a, &mut b), (vec!["comes".into()], vec!["goes".into()]));
    assert_eq!(keys(&b), ["comes", "stays"]);
}

#[test]
fn c14_8_two_replicas_under_one_key_are_two_metas() {
    let (mut a, mut b) = (state("a", &["b"]), state("b", &["a"]));
    join(&mut a, 1, "x");
    join(&mut b, 1, "x");
    tell(&a, &mut b);
    tell(&b, &mut a);
    assert_eq!(a.list("t"), b.list("t"));
    assert_eq!(a.list("t").metas("x").len(), 2);
}

#[test]
fn leave_all_ends_the_presences_of_one_process_only() {
    let mut a = state("a", &[]);
    for (process, key) in [(1, "x"), (2, "x"), (2, ""), (2, "z"), (3, "x")] {
        join(&mut a, process, key);
    }
    assert_eq!(a.leave_all(2, &mut Diff::default()), 3);
    assert_eq!(a.leave_all(2, &mut Diff::default()), 0);
    assert_eq!((keys(&a), a.list("t").metas("x").len()), (vec!["x".to_owned()], 2));
}
