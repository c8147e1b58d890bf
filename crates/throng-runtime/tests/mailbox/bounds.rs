//! What happens to what does not fit.

use throng_runtime::{
    Address, Bounds, CallError, CastError, Exit, MailboxFull, Name, Node, Overflow, census, sys,
};

use crate::{
    desk::{Desk, Job, Question, busy_desk, busy_desk_as, queue_len, wait_for_queue},
    log::Log,
};

fn two(overflow: Overflow) -> Option<Bounds> {
    Some(Bounds::messages(2).on_overflow(overflow))
}

#[tokio::test]
async fn p36_the_queue_is_counted_without_the_message_in_hand() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, None).await;
    (1..=300).for_each(|number| desk.cast(Job(number)).unwrap());
    assert_eq!(queue_len(desk), 300);
    hands.work(100).await;
    wait_for_queue(desk, 200).await;
    hands.work(201).await;
    wait_for_queue(desk, 0).await;
}

#[tokio::test]
async fn p34_an_unbounded_mailbox_takes_whatever_comes() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, None).await;
    (1..10_000).for_each(|number| desk.cast(Job(number)).unwrap());
    assert_eq!(hands.work(10_000).await, (0..10_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn p34_refuse_gives_the_message_back_and_tells_callers() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, two(Overflow::Refuse)).await;
    desk.cast(Job(1)).unwrap();
    desk.send(Job(2)).await.unwrap();
    let refused = desk.cast(Job(3)).unwrap_err();
    assert!(matches!(refused, CastError::Full { .. }), "{refused}");
    assert_eq!(refused.into_message(), Job(3));
    assert!(matches!(desk.send(Job(4)).await.unwrap_err(), CastError::Full { message: Job(4), .. }));
    assert!(matches!(desk.call(Question(5)).await.unwrap_err(), CallError::Overloaded { .. }));
    assert_eq!(queue_len(desk), 2);
    assert_eq!(hands.work(3).await, [0, 1, 2]);
    desk.cast(Job(6)).unwrap();
    assert_eq!(hands.work(1).await, [6]);
}

#[tokio::test]
async fn p34_drop_newest_loses_casts_in_silence_and_tells_callers() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, two(Overflow::DropNewest)).await;
    (1..=9).for_each(|number| desk.cast(Job(number)).unwrap());
    desk.send(Job(10)).await.unwrap();
    assert!(matches!(desk.call(Question(5)).await.unwrap_err(), CallError::Overloaded { .. }));
    assert_eq!(hands.work(3).await, [0, 1, 2]);
}

#[tokio::test]
async fn p36_observers_see_how_many_messages_were_dropped() {
    let node = Node::new("test");
    for (overflow, dropped) in [(Overflow::DropNewest, 8), (Overflow::DropOldest, 8), (Overflow::Refuse, 0)] {
        let (desk, mut hands) = busy_desk(&node, two(overflow)).await;
        // Those that were refused are with their sender, who knows.
        (1..=10).for_each(|number| drop(desk.cast(Job(number))));
        assert_eq!(node.process_info(desk).unwrap().dropped, dropped, "{overflow:?}");
        hands.work(3).await;
        assert_eq!(sys::get_status(desk).await.unwrap().dropped, dropped, "{overflow:?}");
    }
}

#[tokio::test]
async fn p34_drop_oldest_makes_room_and_tells_the_caller_that_waited_longest_at_once() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, two(Overflow::DropOldest)).await;
    let oldest = desk.call(Question(1)).no_timeout().send();
    (2..=9).for_each(|number| desk.cast(Job(number)).unwrap());
    assert!(matches!(oldest.await.unwrap_err(), CallError::Overloaded { .. }));
    let newest = desk.call(Question(10)).send();
    assert_eq!(queue_len(desk), 2);
    assert_eq!(hands.work(3).await, [0, 9, 10]);
    assert_eq!(newest.await.unwrap(), 10);
}

#[tokio::test]
async fn p34_kill_ends_the_process_with_a_typed_reason() {
    let node = Node::new("test");
    let (desk, _hands) = busy_desk(&node, two(Overflow::Kill)).await;
    let ended = node.wait(desk);
    (1..=2).for_each(|number| desk.cast(Job(number)).unwrap());
    let error = desk.call(Question(3)).await.unwrap_err();
    assert!(matches!(error, CallError::Exited { reason: Exit::Error(_), .. }), "{error}");
    let Exit::Error(reason) = ended.await else { panic!("not an error") };
    let full = reason.downcast_ref::<MailboxFull>().unwrap();
    assert_eq!(full.messages, 2);
    assert!(matches!(desk.send(Job(4)).await.unwrap_err(), CastError::NoProcess { message: Job(4), .. }));
    desk.cast(Job(5)).unwrap(); // lost in silence, as to every dead process (P3)
}

/// A call that found the mailbox beyond help was answered while the process still had its end before it: whoever then started
/// another in its place was told that the name is taken.
#[tokio::test]
async fn p34_whoever_finds_a_process_beyond_help_is_told_when_its_name_is_free() {
    const DESK: Name<Desk> = Name::new("desk");
    let node = Node::new("test");
    for _ in 0..10 {
        let bounds = Bounds::messages(1).on_overflow(Overflow::Kill);
        let (desk, _hands) = busy_desk_as(&node, |child| child.name(DESK).mailbox(bounds)).await;
        desk.cast(Job(1)).unwrap();
        desk.cast(Job(2)).unwrap(); // it is this one that is too much
        let call = desk.call(Question(3)).send();
        let given_up = desk.call(Question(4)).send();
        let sent = desk.send(Job(5));
        drop(given_up);
        assert!(matches!(call.await.unwrap_err(), CallError::Exited { reason: Exit::Error(_), .. }));
        assert!(!node.is_alive(desk));
        assert_eq!(node.whereis(DESK), None);
        assert!(matches!(sent.await.unwrap_err(), CastError::NoProcess { message: Job(5), .. }));
    }
}

#[tokio::test]
async fn p34_the_report_of_a_process_beyond_help_names_its_server() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    let (desk, _hands) = busy_desk(&node, two(Overflow::Kill)).await;
    (1..=3).for_each(|number| desk.cast(Job(number)).unwrap());
    node.wait(desk).await;
    let report = log.lines();
    assert_eq!(report.len(), 1, "{report:#?}");
    for part in ["process crashed", "desk::Desk\"", "its mailbox was full"] {
        assert!(report[0].contains(part), "{part:?} is not in {}", report[0]);
    }
}

#[tokio::test]
async fn p34_block_lets_senders_wait_their_turn() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, two(Overflow::Block)).await;
    (1..=2).for_each(|number| desk.cast(Job(number)).unwrap());
    assert!(matches!(desk.cast(Job(9)).unwrap_err(), CastError::Full { message: Job(9), .. }));
    let mut third = Box::pin(desk.send(Job(3)));
    assert!(poll_once(&mut third).await.is_none());
    let fourth = desk.call(Question(4)).send();
    let mut fifth = Box::pin(desk.send(Job(5)));
    assert!(poll_once(&mut fifth).await.is_none());
    assert_eq!(queue_len(desk), 2);
    assert_eq!(hands.work(6).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(fourth.await.unwrap(), 4);
    third.await.unwrap();
    fifth.await.unwrap();
}

#[tokio::test]
async fn p34_a_message_that_waits_for_room_is_taken_back_when_its_sender_stops_waiting() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, two(Overflow::Block)).await;
    (1..=2).for_each(|number| desk.cast(Job(number)).unwrap());
    let mut given_up = Box::pin(desk.send(Job(3)));
    assert!(poll_once(&mut given_up).await.is_none());
    let abandoned = desk.call(Question(4)).send();
    let mut kept = Box::pin(desk.send(Job(5)));
    assert!(poll_once(&mut kept).await.is_none());
    drop((given_up, abandoned));
    assert_eq!(hands.work(4).await, [0, 1, 2, 5]);
    kept.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn p34_a_call_waits_for_room_within_its_own_timeout_and_is_not_handled_after_it() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, two(Overflow::Block)).await;
    (1..=2).for_each(|number| desk.cast(Job(number)).unwrap());
    assert!(matches!(desk.call(Question(3)).await.unwrap_err(), CallError::Timeout { .. }));
    assert_eq!(hands.work(3).await, [0, 1, 2]);
    desk.cast(Job(4)).unwrap();
    assert_eq!(hands.work(1).await, [4]);
}

#[tokio::test]
async fn p34_an_end_tells_all_who_wait_for_room_and_gives_their_messages_back() {
    let node = Node::new("test");
    let (desk, _hands) = busy_desk(&node, two(Overflow::Block)).await;
    (1..=2).for_each(|number| desk.cast(Job(number)).unwrap());
    let mut waiting = Box::pin(desk.send(Job(3)));
    assert!(poll_once(&mut waiting).await.is_none());
    let call = desk.call(Question(4)).no_timeout().send();
    desk.exit(Exit::Kill);
    assert!(matches!(waiting.await.unwrap_err(), CastError::NoProcess { message: Job(3), .. }));
    assert!(matches!(call.await.unwrap_err(), CallError::Exited { reason: Exit::Killed, .. }));
    node.wait(desk).await;
    assert_eq!(census::queue_len(desk.id()), 0);
}

#[tokio::test]
async fn p34_what_a_message_holds_counts_in_bytes() {
    let node = Node::new("test");
    let bounds = Bounds::messages(1_000).bytes(10_000).on_overflow(Overflow::Refuse);
    let (desk, mut hands) = busy_desk(&node, Some(bounds)).await;
    // A job weighs a thousandth of its number.
    desk.cast(Job(9_000_000)).unwrap();
    assert!(matches!(desk.cast(Job(1_000_000)).unwrap_err(), CastError::Full { .. }));
    desk.cast(Job(1)).unwrap();
    assert!(matches!(desk.cast(Job(11_000_000)).unwrap_err(), CastError::Full { .. }));
    hands.work(3).await;
    assert!(matches!(desk.send(Job(11_000_000)).await.unwrap_err(), CastError::Full { .. }), "it never fits");
}

#[tokio::test]
async fn p34_what_the_runtime_sends_does_not_count() {
    let node = Node::new("test");
    let (desk, mut hands) = busy_desk(&node, two(Overflow::Refuse)).await;
    (1..=2).for_each(|number| desk.cast(Job(number)).unwrap());
    node.send_after(desk, std::time::Duration::ZERO, Job(3));
    wait_for_queue(desk, 3).await;
    let looked = sys::with_state(&desk, |_| ());
    assert_eq!(hands.work(4).await, [0, 1, 2, 3]);
    looked.await.unwrap();
    (4..=5).for_each(|number| desk.cast(Job(number)).unwrap());
    let stopping = tokio::spawn({
        let node = node.clone();
        async move { node.stop(desk, Exit::Normal, None).await }
    });
    // In its place in the queue, behind what was sent before.
    assert_eq!(hands.work(2).await, [4, 5]);
    stopping.await.unwrap().unwrap();
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    use std::{future::poll_fn, pin::Pin, task::Poll};
    poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
