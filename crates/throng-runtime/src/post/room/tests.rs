//! What the bounds let in, and in which order, as tables.

use super::*;
use crate::{exit::Exit, signal::Signal};

/// Signals serve as the letters here.
fn note(words: &str) -> Envelope {
    Envelope::signal(1, Signal::End(Exit::other(words)))
}

fn words(envelope: Envelope) -> String {
    match envelope.into_signal() {
        Ok(Signal::End(reason)) => reason.to_string(),
        other => panic!("{other:?} was never offered"),
    }
}

fn room(messages: usize, bytes: usize, overflow: Overflow) -> Room {
    Room::new(Bounds::messages(messages).bytes(bytes).on_overflow(overflow))
}

/// What became of a message, in words.
fn offer(room: &mut Room, name: &str, cost: usize) -> String {
    match room.offer(note(name), cost) {
        Offer::In { ticket, dropped } => {
            let dropped: Vec<_> = dropped.into_iter().map(words).collect();
            format!(
                "in{}{}",
                if ticket { "" } else { ", no ticket" },
                match dropped.is_empty() {
                    true => String::new(),
                    false => format!(", for {}", dropped.join(" ")),
                }
            )
        }
        Offer::Full { may_wait: true, .. } => "may wait".into(),
        Offer::Full { .. } => "full".into(),
        Offer::Dropped(_) => "dropped".into(),
        Offer::Doomed { end: Some(full), .. } => format!("kills: {full}"),
        Offer::Doomed { .. } => "doomed".into(),
    }
}

fn content(room: &mut Room) -> Vec<String> {
    std::iter::from_fn(|| room.redeem()).map(words).collect()
}

#[test]
fn p34_each_policy_says_what_happens_to_the_message_that_does_not_fit() {
    let cases = [
        (Overflow::Block, "may wait", vec!["a", "b"]),
        (Overflow::Refuse, "full", vec!["a", "b"]),
        (Overflow::DropNewest, "dropped", vec!["a", "b"]),
        (Overflow::DropOldest, "in, no ticket, for a", vec!["b", "c"]),
        (Overflow::Kill, "kills: its mailbox was full, with 2 messages of 20 bytes", vec!["a", "b"]),
    ];
    for (overflow, expected, left) in cases {
        let mut room = room(2, usize::MAX, overflow);
        assert_eq!(offer(&mut room, "a", 10), "in");
        assert_eq!(offer(&mut room, "b", 10), "in");
        assert_eq!(offer(&mut room, "c", 10), expected, "{overflow:?}");
        assert_eq!(content(&mut room), left, "{overflow:?}");
    }
}

#[test]
fn p34_bytes_bound_it_as_well_as_messages() {
    let mut room = room(10, 100, Overflow::Refuse);
    assert_eq!(offer(&mut room, "a", 60), "in");
    assert_eq!(offer(&mut room, "b", 41), "full");
    assert_eq!(offer(&mut room, "c", 40), "in");
    assert_eq!(offer(&mut room, "d", 0), "in");
    assert_eq!(offer(&mut room, "e", usize::MAX), "full");
}

#[test]
fn p34_what_is_larger_than_the_mailbox_never_fits_and_never_waits() {
    for (overflow, expected) in [
        (Overflow::Block, "full"),
        (Overflow::Refuse, "full"),
        (Overflow::DropNewest, "dropped"),
        (Overflow::DropOldest, "dropped"),
    ] {
        let mut room = room(10, 100, overflow);
        assert_eq!(offer(&mut room, "a", 100), "in");
        assert_eq!(offer(&mut room, "b", 101), expected, "{overflow:?}");
        assert_eq!(content(&mut room), ["a"], "{overflow:?}");
    }
}

#[test]
fn p34_several_small_ones_make_room_for_a_large_one_and_their_tickets_are_used_again() {
    let mut room = room(10, 30, Overflow::DropOldest);
    for name in ["a", "b", "c"] {
        assert_eq!(offer(&mut room, name, 10), "in");
    }
    assert_eq!(offer(&mut room, "d", 25), "in, no ticket, for a b c");
    assert_eq!(offer(&mut room, "e", 5), "in, no ticket");
    assert_eq!(offer(&mut room, "f", 0), "in, no ticket");
    assert_eq!(offer(&mut room, "g", 0), "in");
    assert_eq!(room.tickets, 4);
    assert_eq!(content(&mut room), ["d", "e", "f", "g"]);
}

#[test]
fn p34_a_doomed_process_takes_nothing_more() {
    let mut room = room(1, usize::MAX, Overflow::Kill);
    offer(&mut room, "a", 1);
    offer(&mut room, "b", 1);
    room.line_up(note("waits for the end"), 1, None);
    assert_eq!(content(&mut room), ["a"]);
    assert_eq!(offer(&mut room, "c", 1), "doomed");
    assert_eq!(room.let_in().len(), 0);
    assert_eq!(room.leave().line.len(), 1);
}

#[test]
fn p34_those_who_wait_get_in_first_come_first_served() {
    let mut room = room(2, 100, Overflow::Block);
    offer(&mut room, "a", 50);
    offer(&mut room, "b", 50);
    room.line_up(note("large"), 80, None);
    let second = room.line_up(note("second"), 1, None);
    room.line_up(note("third"), 1, None);
    assert_eq!(words(room.redeem().unwrap()), "a");
    assert_eq!(room.let_in().len(), 0, "the large one is first and does not fit");
    assert_eq!(offer(&mut room, "late", 1), "may wait", "nobody passes the line");
    assert_eq!(words(room.withdraw(second).unwrap()), "second");
    assert_eq!(words(room.redeem().unwrap()), "b");
    assert_eq!(room.let_in().len(), 2);
    assert!(room.withdraw(second).is_none());
    assert_eq!(content(&mut room), ["large", "third"]);
}
