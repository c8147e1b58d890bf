//! System requests pass the messages that wait.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use throng_runtime::{Address, CallError, Exit, Node, sys};

use crate::{
    clerk::{Note, Wait, clerk},
    dice::Dice,
};

const QUEUED: u64 = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y1_a_server_with_a_million_queued_messages_tells_its_state_before_them() {
    let node = Node::new("test");
    let (clerk, _heard, gate) = clerk(&node).await;
    clerk.cast(Wait).unwrap();
    (0..QUEUED).for_each(|number| clerk.cast(Note(number)).unwrap());
    // Asked while it is inside a callback: answered after that, before the next message.
    let asked = sys::with_state(&clerk, |state| (state.done.len(), Instant::now()));
    let opened = Instant::now();
    gate.add_permits(1);
    let (handled_before, answered) = asked.await.unwrap();
    println!("{QUEUED} queued: answered {:?} after the callback", answered.duration_since(opened));
    assert_eq!(handled_before, 0);
    // Asked while it works through them: answered within one turn.
    let before = clerk.call(Note(QUEUED)).no_timeout().send();
    let began = Instant::now();
    let left = sys::get_status(clerk).await.unwrap().queue_len;
    println!("{left} still queued: answered within {:?}", began.elapsed());
    before.await.unwrap();
    assert_eq!(sys::with_state(&clerk, |state| state.done.len() as u64).await.unwrap(), QUEUED + 1);
}

/// A request once waited for a million nodes that were taken in at one go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y1_requests_at_any_moment_pass_a_million_messages_that_are_sent_and_taken_in() {
    const ROUNDS: u64 = 4;
    let node = Node::new("test");
    let mut dice = Dice::new("requests_at_any_moment");
    let (mut slowest, mut requests) = (Duration::ZERO, 0);
    for round in 1..=ROUNDS {
        let (clerk, mut heard, gate) = clerk(&node).await;
        clerk.cast(Wait).unwrap();
        // It is inside a callback while so many are sent, and takes them in at one go; in the last round that is all of them.
        let held_back = if round == ROUNDS { QUEUED - 1 } else { dice.roll(QUEUED) };
        let opened = Arc::new(OnceLock::new());
        let opens = opened.clone();
        let sender = tokio::task::spawn_blocking(move || {
            for number in 0..QUEUED {
                clerk.cast(Note(number)).unwrap();
                if number == held_back {
                    opens.set(Instant::now()).unwrap();
                    gate.add_permits(1);
                }
            }
        });
        let (mut told, mut in_a_row) = (Vec::new(), 8);
        while (told.len() as u64) < QUEUED {
            // A few in a row, which meet it where it takes messages in and handles none; the next after some messages.
            if in_a_row == 0 {
                in_a_row = dice.roll(8);
                heard.recv_many(&mut told, 1 + dice.roll(QUEUED / 20) as usize).await;
            } else {
                in_a_row -= 1;
            }
            let began = Instant::now();
            let asked = sys::with_state(&clerk, |state| (state.done.len(), Instant::now()));
            // All that it has handled by now, after it was asked, but for one that it may be handling.
            let handled_before = told.len() + heard.len();
            let (handled, answered) = asked.await.unwrap();
            assert!(handled <= handled_before + 1, "{} messages came first", handled - handled_before);
            let could_answer = opened.get().map_or(began, |opened| began.max(*opened));
            slowest = slowest.max(answered.saturating_duration_since(could_answer));
            requests += 1;
        }
        sender.await.unwrap();
        clerk.sync().await.unwrap();
        assert!(sys::with_state(&clerk, |state| state.done.is_sorted()).await.unwrap());
    }
    println!("{ROUNDS} times {QUEUED} messages: the slowest of {requests} answers took {slowest:?}");
}

#[tokio::test]
async fn y1_requests_are_answered_in_their_order_between_two_messages() {
    let node = Node::new("test");
    let (clerk, _heard, gate) = clerk(&node).await;
    clerk.cast(Wait).unwrap();
    (1..=3).for_each(|number| clerk.cast(Note(number)).unwrap());
    let push = |number| {
        sys::replace_state(&clerk, move |state| {
            let mut state = state.clone();
            state.done.push(number);
            state
        })
    };
    let pushes = [push(10), push(20)];
    gate.add_permits(1);
    clerk.sync().await.unwrap();
    for pushed in pushes {
        pushed.await.unwrap();
    }
    assert_eq!(sys::get_state(&clerk).await.unwrap().done, [10, 20, 1, 2, 3]);
}

#[tokio::test]
async fn y1_the_end_of_a_server_tells_those_who_asked() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    clerk.cast(Wait).unwrap();
    tokio::task::yield_now().await;
    let asked = sys::get_state(&clerk);
    node.exit(clerk, Exit::Kill);
    let error = asked.await.err().unwrap();
    assert!(matches!(error, CallError::Exited { reason: Exit::Killed, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn y1_a_request_times_out_after_five_seconds_or_as_told() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    clerk.cast(Wait).unwrap();
    tokio::task::yield_now().await;
    for (asked, seconds) in
        [(sys::suspend(&clerk), 5), (sys::suspend(&clerk).timeout(Duration::from_secs(60)), 60)]
    {
        let error = asked.await.unwrap_err();
        let CallError::Timeout { after, .. } = error else { panic!("{error}") };
        assert_eq!(after.as_secs(), seconds);
    }
}

#[tokio::test]
async fn y1_the_lane_is_bounded_too() {
    let node = Node::new("test");
    let (clerk, _heard, gate) = clerk(&node).await;
    clerk.cast(Wait).unwrap();
    tokio::task::yield_now().await;
    let asked: Vec<_> = (0..2_000).map(|_| sys::with_state(&clerk, |_| ())).collect();
    gate.add_permits(1);
    let mut refused = 0;
    for answer in asked {
        match answer.await {
            Ok(()) => {}
            Err(CallError::Overloaded { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 2_000 - 1_024);
}
