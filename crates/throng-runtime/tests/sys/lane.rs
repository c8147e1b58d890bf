//! System requests pass the messages that wait.

use std::time::Instant;

use throng_runtime::{Address, CallError, Exit, Node, sys};

use crate::clerk::{Note, Wait, clerk};

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
        [(sys::suspend(&clerk), 5), (sys::suspend(&clerk).timeout(std::time::Duration::from_secs(60)), 60)]
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
