//! The word's protocol, under loom (every interleaving) and as stress (real threads; also what Miri runs).
//!
//! Whoever is told to wake runs the process there and then; exclusive access to what the runs write is what is checked.

#[cfg(not(throng_loom))]
use std::{sync::Arc, thread};

#[cfg(throng_loom)]
use loom::{cell::UnsafeCell, sync::Arc, thread};

use super::*;
use crate::{exit::Exit, signal::Signal};

#[cfg(not(throng_loom))]
struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(throng_loom))]
impl<T> UnsafeCell<T> {
    fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

fn model(check: impl Fn() + Send + Sync + 'static) {
    #[cfg(throng_loom)]
    {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(check);
    }
    #[cfg(not(throng_loom))]
    for _ in 0..(if cfg!(miri) { 5 } else { 2_000 }) {
        check();
    }
}

/// A mailbox and what its runs saw.
struct Process {
    mailbox: Mailbox,
    seen: UnsafeCell<Vec<String>>,
}

// SAFETY: `seen` is only touched by the runner, of which the mailbox promises that there is one; loom checks it.
unsafe impl Sync for Process {}
// SAFETY: as above.
unsafe impl Send for Process {}

impl Process {
    fn parked() -> Arc<Self> {
        let process = Self { mailbox: Mailbox::closed(), seen: UnsafeCell::new(Vec::new()) };
        process.mailbox.open();
        assert!(process.mailbox.park());
        Arc::new(process)
    }

    /// Sends, and runs the process if that is what waking means.
    fn send(&self, words: &str) {
        if self.mailbox.push(note(words)).is_ok_and(|pushed| pushed == Pushed::Wake) {
            self.run();
        }
    }

    fn run(&self) {
        loop {
            let mut arrived = self.mailbox.drain();
            // In parts, with pushes between.
            while !arrived.turn(1) {}
            self.seen.with_mut(|seen| {
                while let Some(envelope) = arrived.pop_front() {
                    // SAFETY: one runner at a time.
                    unsafe { (*seen).push(words(envelope)) };
                }
            });
            if self.mailbox.park() {
                return;
            }
        }
    }

    fn seen(&self) -> Vec<String> {
        // SAFETY: called after the threads were joined.
        self.seen.with_mut(|seen| unsafe { (*seen).clone() })
    }
}

/// Signals serve as the letters here; this test is about the word, so it hides that they are signals.
fn note(words: &str) -> Envelope {
    Envelope::signal(1, Signal::Shutdown(Exit::other(words))).disguised()
}

fn words(envelope: Envelope) -> String {
    match envelope.undisguised().into_signal() {
        Ok(Signal::Shutdown(reason)) => reason.to_string(),
        other => panic!("{other:?} was never sent"),
    }
}

#[test]
fn p1_no_message_is_lost_or_doubled_and_each_senders_order_is_kept() {
    model(|| {
        let process = Process::parked();
        let senders: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|who| {
                let process = process.clone();
                thread::spawn(move || [1, 2].into_iter().for_each(|n| process.send(&format!("{who}{n}"))))
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        let mut seen = process.seen();
        for who in ["a", "b"] {
            let own: Vec<_> = seen.iter().filter(|words| words.starts_with(who)).collect();
            assert_eq!(own, [&format!("{who}1"), &format!("{who}2")]);
        }
        seen.sort();
        assert_eq!(seen, ["a1", "a2", "b1", "b2"]);
    });
}

#[test]
fn a_signal_is_noticed_while_the_runner_is_busy() {
    model(|| {
        let process = Process::parked();
        assert_eq!(process.mailbox.push(note("first")).unwrap(), Pushed::Wake);
        // This thread is the runner now, inside a long handler; another sends a signal.
        let sender = {
            let process = process.clone();
            thread::spawn(move || {
                let signal = Envelope::signal(1, Signal::Shutdown(Exit::other("signal")));
                assert_eq!(process.mailbox.push(signal).unwrap(), Pushed::Wake);
            })
        };
        sender.join().unwrap();
        assert!(process.mailbox.has_signals());
        drop(process.mailbox.drain());
        assert!(!process.mailbox.has_signals());
        assert!(process.mailbox.park());
    });
}

#[test]
fn a_closed_mailbox_hands_envelopes_back_and_leaks_none() {
    model(|| {
        let process = Process::parked();
        let sender = {
            let process = process.clone();
            thread::spawn(move || (0..3).filter(|_| process.mailbox.push(note("x")).is_ok()).count())
        };
        let mut left = process.mailbox.close();
        let taken = std::iter::from_fn(|| left.pop_front()).count();
        assert_eq!(sender.join().unwrap(), taken);
        assert!(process.mailbox.push(note("late")).is_err());
    });
}

#[test]
fn a_queue_keeps_its_order_over_appends() {
    model(|| {
        let (mut queue, mut more) = (Queue::new(), Queue::new());
        queue.push_back(note("1"));
        more.push_back(note("2"));
        more.push_back(note("3"));
        queue.append(more);
        queue.append(Queue::new());
        queue.push_back(note("4"));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop_front()).map(words).collect();
        assert_eq!(order, ["1", "2", "3", "4"]);
        assert!(queue.is_empty());
    });
}

#[test]
fn p1_a_stack_is_turned_round_in_parts_and_keeps_its_order() {
    model(|| {
        for part in 1..=6 {
            let mailbox = Mailbox::closed();
            mailbox.open();
            (1..=5).for_each(|n| assert!(mailbox.push(note(&n.to_string())).is_ok()));
            let mut arrived = mailbox.drain();
            let mut turns = 1;
            while !arrived.turn(part) {
                assert!(arrived.pop_front().is_none(), "the oldest is not known yet");
                // It belongs to the next drain.
                assert!(mailbox.push(note("late")).is_ok());
                turns += 1;
            }
            assert_eq!(turns, 5_usize.div_ceil(part));
            assert!(!arrived.has_signals());
            assert_eq!(words(arrived.pop_front().unwrap()), "1");
            let mut rest = arrived.into_queue();
            rest.push_back(note("6"));
            let order: Vec<_> = std::iter::from_fn(|| rest.pop_front()).map(words).collect();
            assert_eq!(order, ["2", "3", "4", "5", "6"]);
            let mut late = mailbox.close();
            assert_eq!(std::iter::from_fn(|| late.pop_front()).count(), turns - 1);
        }
    });
}

#[test]
fn a_stack_that_is_left_half_turned_round_is_freed_whole() {
    use std::sync::Arc as Words;

    model(|| {
        for part in 0..=4 {
            for whole in [false, true] {
                let held: Words<str> = Words::from("held");
                let mailbox = Mailbox::closed();
                mailbox.open();
                for _ in 0..3 {
                    let signal = Signal::Shutdown(Exit::Other(Words::clone(&held)));
                    assert!(mailbox.push(Envelope::signal(1, signal)).is_ok());
                }
                let mut arrived = mailbox.drain();
                assert!(arrived.has_signals());
                assert_eq!(arrived.turn(part), part >= 3);
                assert_eq!(Words::strong_count(&held), 4);
                match whole {
                    true => drop(arrived.into_queue()),
                    false => drop(arrived),
                }
                assert_eq!(Words::strong_count(&held), 1);
            }
        }
    });
}
