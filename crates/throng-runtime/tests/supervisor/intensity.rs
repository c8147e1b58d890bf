//! How often is too often (S16 to S19), on a paused clock.

use std::time::Duration;

use throng_runtime::{Bounds, Exit, Overflow, Restart, Supervisor};

use crate::world::{Start, World};

#[tokio::test(start_paused = true)]
async fn s2_s16_of_three_restarts_in_five_seconds_the_fourth_ends_the_supervisor() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top").child(world.worker("other")).child(world.worker("a"));
    let tree = world.node.start(tree).await.unwrap();
    world.log(tree).await;
    for _ in 0..3 {
        world.crash("a").await;
        assert_eq!(world.log(tree).await, "-a +a");
    }
    world.crash("a").await;
    // S18: the others are stopped, and the reason is Shutdown.
    assert!(matches!(world.node.wait(tree).await, Exit::Shutdown | Exit::NoProcess));
    assert_eq!(world.log_now(), "-a -other");
}

#[tokio::test(start_paused = true)]
async fn s16_restarts_leave_the_window_again() {
    let mut world = World::new();
    let tree =
        Supervisor::one_for_one("top").max_restarts(2, Duration::from_secs(5)).child(world.worker("a"));
    let tree = world.node.start(tree).await.unwrap();
    world.log(tree).await;
    for _ in 0..10 {
        world.crash("a").await;
        assert_eq!(world.log(tree).await, "-a +a");
        tokio::time::advance(Duration::from_millis(2_600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s16_without_a_budget_the_first_end_is_the_last() {
    let world = World::new();
    let tree =
        Supervisor::one_for_one("top").max_restarts(0, Duration::from_secs(5)).child(world.worker("a"));
    let tree = world.node.start(tree).await.unwrap();
    world.end("a", Exit::Normal).await;
    assert!(matches!(world.node.wait(tree).await, Exit::Shutdown | Exit::NoProcess));
}

#[tokio::test(start_paused = true)]
async fn s17_only_restarts_count_and_a_group_counts_once() {
    let mut world = World::new();
    let tree = Supervisor::one_for_all("top")
        .max_restarts(1, Duration::from_secs(5))
        .child(world.worker("a"))
        .child(world.worker("b"))
        .child(world.worker("done").restart(Restart::Transient));
    let tree = world.node.start(tree).await.unwrap();
    // None of these is a restart by the supervisor.
    world.end("done", Exit::Normal).await;
    Supervisor::restart_child(&tree, "done").await.unwrap();
    Supervisor::terminate_child(&tree, "b").await.unwrap();
    Supervisor::restart_child(&tree, "b").await.unwrap();
    Supervisor::start_child(&tree, world.worker("c")).await.unwrap();
    world.log(tree).await;
    // One event, four restarts, one count.
    world.crash("a").await;
    assert_eq!(world.log(tree).await, "-a -c -done -b +a +b +done +c");
    world.crash("a").await;
    assert!(matches!(world.node.wait(tree).await, Exit::Shutdown | Exit::NoProcess));
}

#[tokio::test(start_paused = true)]
async fn s18_a_supervisor_that_gave_up_is_restarted_if_permanent_and_not_if_transient() {
    for (restart, expected) in [(Restart::Permanent, "-a +a"), (Restart::Transient, "-a")] {
        let mut world = World::new();
        let inner = Supervisor::one_for_one("inner")
            .max_restarts(0, Duration::from_secs(5))
            .restart(restart)
            .child(world.worker("a"));
        let tree = world.node.start(Supervisor::one_for_one("top").child(inner)).await.unwrap();
        let inner = Supervisor::which_children(&tree).await.unwrap()[0].status;
        let throng_runtime::ChildStatus::Running(inner) = inner else { panic!("{inner:?}") };
        world.log(tree).await;
        world.crash("a").await;
        world.node.wait(inner).await;
        assert_eq!(world.log(tree).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn s19_retries_follow_at_once_and_each_counts() {
    // Two failures, then success: three counts, which three allow.
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.scripted("a", |nth| if nth == 2 || nth == 3 { Start::Fails } else { Start::Up }))
        .child(world.worker("b"));
    let tree = world.node.start(tree).await.unwrap();
    world.crash("a").await;
    for _ in 0..2 {
        Supervisor::count_children(&tree).await.unwrap();
    }
    assert_eq!(world.log(tree).await, "+a +b -a +a");

    // Three failures: the fourth attempt is one too many. The clock stood still all the while.
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.scripted("a", |nth| if nth == 1 { Start::Up } else { Start::Panics }))
        .child(world.worker("b"));
    let tree = world.node.start(tree).await.unwrap();
    world.crash("a").await;
    assert!(matches!(world.node.wait(tree).await, Exit::Shutdown | Exit::NoProcess));
    assert_eq!(world.log_now(), "+a +b -a -b");
}

/// An attempt is a message, and one that was lost left its child in between for good.
#[tokio::test(start_paused = true)]
async fn s19_a_full_mailbox_loses_no_attempt() {
    let mut world = World::new();
    let slow = world
        .scripted("a", |nth| if nth == 2 { Start::Hangs } else { Start::Up })
        .start_timeout(Duration::from_millis(50));
    let tree = Supervisor::one_for_one("top")
        .mailbox(Bounds::messages(1).on_overflow(Overflow::DropNewest))
        .child(slow);
    let tree = world.node.start(tree).await.unwrap();
    world.crash("a").await;
    // It hangs in the start; this fills its mailbox.
    let count = tokio::spawn(async move { Supervisor::count_children(&tree).await });
    assert_eq!((world.next().await, world.next().await), ("+a".to_owned(), "-a".to_owned()));
    assert_eq!(world.next().await, "+a");
    assert_eq!(count.await.unwrap().unwrap().specs, 1);
}
