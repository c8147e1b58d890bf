//! Suspended servers: messages wait, and all else goes on (Y2).

use std::time::Duration;

use throng_runtime::{Address, CallError, Exit, Node, Supervisor, sys};
use tokio::time::Instant;

use crate::clerk::{Idle, Note, child, clerk, hear};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn y2_a_suspended_server_handles_no_message_and_goes_on_in_order_when_it_is_resumed() {
    let node = Node::new("test");
    let (clerk, mut heard, _) = clerk(&node).await;
    sys::suspend(&clerk).await.unwrap();
    (1..=3).for_each(|number| clerk.cast(Note(number)).unwrap());
    let error = clerk.call(Note(4)).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    assert!(heard.try_recv().is_err());
    let status = sys::get_status(clerk).await.unwrap();
    assert_eq!((status.suspended, status.queue_len), (true, 4));
    assert!(sys::get_state(&clerk).await.unwrap().done.is_empty());
    sys::resume(&clerk).await.unwrap();
    for words in ["1", "2", "3", "4"] {
        assert_eq!(hear(&mut heard).await, words);
    }
}

#[tokio::test(start_paused = true)]
async fn y2_to_suspend_twice_is_to_suspend_once() {
    let node = Node::new("test");
    let (clerk, _heard, _) = clerk(&node).await;
    sys::suspend(&clerk).await.unwrap();
    sys::suspend(&clerk).await.unwrap();
    sys::resume(&clerk).await.unwrap();
    clerk.call(Note(1)).await.unwrap();
}

#[tokio::test]
async fn g18_a_stop_reaches_a_suspended_server_past_the_messages_that_wait() {
    let node = Node::new("test");
    for stop_first in [true, false] {
        let (clerk, mut heard, gate) = clerk(&node).await;
        if stop_first {
            // The stop waits in its queue already when it is suspended.
            clerk.cast(crate::clerk::Wait).unwrap();
            tokio::task::yield_now().await;
        }
        clerk.cast(Note(1)).unwrap();
        let stop = tokio::spawn({
            let node = node.clone();
            async move { node.stop(clerk, Exit::Normal, None).await }
        });
        let suspended = sys::suspend(&clerk);
        if stop_first {
            tokio::task::yield_now().await;
            gate.add_permits(1);
        }
        let _ = suspended.await; // it may have stopped first
        stop.await.unwrap().unwrap();
        let last = std::iter::from_fn(|| heard.try_recv().ok()).last().unwrap();
        assert_eq!(last, "terminate: normal");
    }
}

#[tokio::test]
async fn y2_a_suspended_server_is_stopped_by_signals() {
    let node = Node::new("test");
    let (clerk, mut heard, _) = clerk(&node).await;
    sys::suspend(&clerk).await.unwrap();
    (1..=1_000).for_each(|number| clerk.cast(Note(number)).unwrap());
    node.stop(clerk, Exit::shutdown_with("enough"), None).await.unwrap();
    assert_eq!(hear(&mut heard).await, "terminate: shutdown (enough)");
    assert!(heard.recv().await.is_none(), "it handled nothing");
}

#[tokio::test]
async fn y2_a_suspended_child_follows_its_supervisor() {
    let node = Node::new("test");
    let (child, mut heard, _) = child();
    let tree = node.start(Supervisor::one_for_one("tree").child(child)).await.unwrap();
    let children = Supervisor::which_children(&tree).await.unwrap();
    let throng_runtime::ChildStatus::Running(id) = children[0].status else { panic!("not running") };
    let status = sys::get_status(id).await.unwrap();
    assert_eq!(status.parent, Some(tree.id()));
    node.stop(tree, Exit::Normal, None).await.unwrap();
    assert_eq!(hear(&mut heard).await, "terminate: shutdown");
}

#[tokio::test(start_paused = true)]
async fn g13_a_system_request_begins_the_idle_timeout_anew() {
    let node = Node::new("test");
    let (clerk, mut heard, _) = clerk(&node).await;
    clerk.call(Idle(SECOND)).await.unwrap();
    tokio::time::sleep(SECOND * 3 / 4).await;
    sys::get_state(&clerk).await.unwrap();
    let asked = Instant::now();
    assert_eq!(hear(&mut heard).await, "idle");
    assert!(asked.elapsed() >= SECOND, "after {:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn y2_the_idle_timeout_stands_still_while_it_is_suspended() {
    let node = Node::new("test");
    let (clerk, mut heard, _) = clerk(&node).await;
    clerk.call(Idle(SECOND)).await.unwrap();
    sys::suspend(&clerk).await.unwrap();
    tokio::time::sleep(SECOND * 60).await;
    assert!(heard.try_recv().is_err());
    sys::resume(&clerk).await.unwrap();
    let resumed = Instant::now();
    assert_eq!(hear(&mut heard).await, "idle");
    assert!(resumed.elapsed() >= SECOND);
}
