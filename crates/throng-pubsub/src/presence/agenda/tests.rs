use super::*;
use crate::{
    payload::Payload,
    presence::{
        diff::Diff,
        record::Entry,
        replica::{Replica, Tag},
    },
};

fn agenda() -> Agenda<u32> {
    Agenda::new(usize::MAX)
}

fn join(agenda: &mut Agenda<u32>, topic: &str, clock: u64) {
    let tag = Tag { replica: Replica { name: "a".into(), version: 1 }, clock };
    let entry = Entry { topic: topic.into(), key: format!("k{clock}").into(), meta: Payload::empty() };
    let mut diff = Diff::default();
    diff.join(tag, &entry);
    diff.into_changes().for_each(|change| agenda.note(change));
}

/// The topic, the keys that joined, and the newcomers of a turn.
type Said = (String, Vec<String>, Vec<u32>);

fn said(Turn { topic, diff, newcomers }: Turn<u32>) -> Said {
    (topic.to_string(), diff.joins.keys().map(str::to_owned).collect(), newcomers)
}

fn turn(agenda: &mut Agenda<u32>) -> Option<Said> {
    agenda.next_turn().map(said)
}

fn of(topic: &str, keys: &[&str], newcomers: &[u32]) -> Option<Said> {
    Some((topic.into(), keys.iter().map(|key| (*key).to_owned()).collect(), newcomers.to_vec()))
}

#[test]
fn c18_7_the_first_change_is_announced_at_once_and_the_next_ones_together() {
    let mut agenda = agenda();
    join(&mut agenda, "t", 1);
    assert_eq!(turn(&mut agenda), of("t", &["k1"], &[]));
    join(&mut agenda, "t", 2);
    assert_eq!(turn(&mut agenda), None, "it is at work");
    agenda.done(&"t".into(), true);
    join(&mut agenda, "t", 3);
    assert_eq!((turn(&mut agenda), agenda.changes()), (None, 2), "it rests");
    agenda.rested(&"t".into());
    assert_eq!(turn(&mut agenda), of("t", &["k2", "k3"], &[]));
}

#[test]
fn c18_7_a_topic_that_rests_holds_up_no_other() {
    let mut agenda = agenda();
    for (topic, clock) in [("t", 1), ("u", 2)] {
        join(&mut agenda, topic, clock);
    }
    assert_eq!(turn(&mut agenda), of("t", &["k1"], &[]));
    agenda.done(&"t".into(), true);
    join(&mut agenda, "t", 3);
    assert_eq!(turn(&mut agenda), of("u", &["k2"], &[]));
    assert_eq!(turn(&mut agenda), None);
}

#[test]
fn c12_3_a_newcomer_in_a_quiet_time_is_told_at_once() {
    let mut agenda = agenda();
    join(&mut agenda, "t", 1);
    agenda.welcome(&"t".into(), 7);
    assert_eq!(agenda.newcomers_turn("t").map(said), of("t", &[], &[7]));
    assert_eq!(turn(&mut agenda), None, "nothing overtakes what is being said");
    agenda.done(&"t".into(), false);
    assert_eq!(turn(&mut agenda), of("t", &["k1"], &[]), "its own coming is announced all the same");
}

#[test]
fn c18_7_newcomers_of_a_busy_time_are_told_with_the_next_announcement() {
    let mut agenda = agenda();
    join(&mut agenda, "t", 1);
    agenda.next_turn().unwrap();
    for n in 2..5 {
        join(&mut agenda, "t", n);
        agenda.welcome(&"t".into(), n as u32);
        assert!(agenda.newcomers_turn("t").is_none(), "it is at work");
    }
    agenda.done(&"t".into(), true);
    assert!(agenda.newcomers_turn("t").is_none() && turn(&mut agenda).is_none(), "it rests");
    agenda.rested(&"t".into());
    assert_eq!(turn(&mut agenda), of("t", &["k2", "k3", "k4"], &[2, 3, 4]));
}

#[test]
fn whoever_comes_when_nothing_has_changed_need_not_wait_for_the_end_of_a_rest() {
    let mut agenda = agenda();
    join(&mut agenda, "t", 1);
    agenda.next_turn().unwrap();
    agenda.welcome(&"t".into(), 1);
    agenda.done(&"t".into(), true);
    assert_eq!(turn(&mut agenda), of("t", &[], &[1]));
    agenda.done(&"t".into(), true);
    agenda.welcome(&"t".into(), 2);
    assert_eq!(agenda.newcomers_turn("t").map(said), of("t", &[], &[2]));
}

#[test]
fn a_crowd_that_comes_before_the_first_announcement_waits_for_it() {
    let mut agenda = agenda();
    for n in 0..=CHANGES_AT_ONCE_MAX as u64 {
        join(&mut agenda, "t", n);
    }
    agenda.welcome(&"t".into(), 1);
    assert!(agenda.newcomers_turn("t").is_none());
    assert_eq!(agenda.next_turn().unwrap().newcomers, [1]);
}

#[test]
fn no_more_topics_are_at_work_than_may_be() {
    let mut agenda = Agenda::new(1);
    join(&mut agenda, "t", 1);
    join(&mut agenda, "u", 2);
    agenda.next_turn().unwrap();
    agenda.welcome(&"u".into(), 1);
    assert!(agenda.next_turn().is_none() && agenda.newcomers_turn("u").is_none() && !agenda.is_due());
    agenda.done(&"t".into(), true);
    assert!(agenda.is_due());
    assert_eq!(turn(&mut agenda), of("u", &["k2"], &[1]));
}

#[test]
fn what_is_over_leaves_nothing_behind() {
    let mut agenda = agenda();
    for n in 0..10 {
        join(&mut agenda, "t", n);
        agenda.welcome(&"u".into(), 1);
        while let Some(turn) = agenda.next_turn() {
            agenda.done(&turn.topic, true);
        }
        agenda.wake();
    }
    agenda.rested(&"t".into());
    assert!(agenda.topics.is_empty() && agenda.ready.is_empty() && agenda.changes() == 0);
}
