use std::time::Duration;

use throng_runtime::{Address, Exit, Node};

use crate::probe::{Note, Probe, Saw, end, sync, within};

#[tokio::test]
async fn p1_messages_of_one_sender_arrive_in_the_order_it_sent_them() {
    let node = Node::new("test");
    let (probe, mut seen) = Probe::start(&node).await;
    (0..10_000).for_each(|n| probe.cast(Note(n)).unwrap());
    for n in 0..10_000 {
        assert_eq!(seen.recv().await, Some(Saw::Note(n)));
    }
}

#[tokio::test]
async fn p2_a_message_sent_before_the_end_is_seen_before_the_end() {
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    let worker = node.spawn(async move |_| watcher.cast(Note(1)).map_err(Exit::from));
    // The monitor may be too late for the worker, never for the order.
    let monitor = within(watcher, move |ctx| ctx.monitor(worker)).await;
    assert_eq!(seen.recv().await, Some(Saw::Note(1)));
    assert!(matches!(seen.recv().await, Some(Saw::Down(m, ..)) if m == monitor));
}

#[tokio::test]
async fn p3_a_message_to_a_dead_process_is_lost_in_silence() {
    let node = Node::new("test");
    let (probe, _seen) = Probe::start(&node).await;
    end(&node, probe, Exit::Normal).await;
    assert!(probe.cast(Note(1)).is_ok());
}

#[tokio::test]
async fn p4_messages_of_a_dead_process_are_lost_and_its_callers_told() {
    let node = Node::new("test");
    let (probe, mut seen) = Probe::start(&node).await;
    within(probe, |ctx| ctx.stop(Exit::Normal)).await;
    let late = probe.call(Note(2)).await;
    assert!(late.is_err(), "{late:?}");
    assert_eq!(seen.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn p4_a_timer_outlives_the_process_that_set_it_for_another() {
    let node = Node::new("test");
    let (probe, mut seen) = Probe::start(&node).await;
    let other = node.clone();
    let setter = node.spawn(async move |_| drop(other.send_after(probe, Duration::from_secs(1), Note(1))));
    node.wait(setter).await;
    assert_eq!(seen.recv().await, Some(Saw::Note(1)));
}

#[tokio::test(start_paused = true)]
async fn p5_a_timer_fires_no_sooner_and_can_be_cancelled_until_it_did() {
    let node = Node::new("test");
    let (probe, mut seen) = Probe::start(&node).await;
    let start = tokio::time::Instant::now();
    let fired = within(probe, |ctx| ctx.send_after(Duration::from_millis(1_500), Note(1))).await;
    let cancelled = within(probe, |ctx| ctx.send_after(Duration::from_secs(60), Note(2))).await;
    let left = cancelled.cancel().unwrap();
    assert!(left > Duration::from_secs(59), "{left:?} was left");
    assert_eq!(cancelled.cancel(), None);
    assert_eq!(seen.recv().await, Some(Saw::Note(1)));
    assert!(start.elapsed() >= Duration::from_millis(1_500));
    assert_eq!(fired.cancel(), None);
    tokio::time::sleep(Duration::from_secs(120)).await;
    sync(probe).await;
    assert!(seen.try_recv().is_err(), "the cancelled timer fired");
}

#[tokio::test]
async fn p38_a_process_with_a_full_mailbox_lets_others_run() {
    let node = Node::new("test");
    let (busy, _notes) = Probe::start(&node).await;
    (0..100_000).for_each(|n| busy.cast(Note(n)).unwrap());
    // On this one-threaded runtime the other gets its turn only if the busy one gives way.
    let (other, mut seen) = Probe::start(&node).await;
    other.cast(Note(1)).unwrap();
    assert_eq!(seen.recv().await, Some(Saw::Note(1)));
    assert!(node.is_alive(busy));
}
