//! How a supervisor stops its children (S23 to S26), on a paused clock.

use std::time::Duration;

use throng_runtime::{Address, Exit, Shutdown, Supervisor};
use tokio::time::Instant;

use crate::world::{Start, Unlink, World};

#[tokio::test(start_paused = true)]
async fn s23_children_stop_one_at_a_time_in_reverse() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.worker("a"))
        .child(world.stubborn("b").shutdown(Duration::from_secs(7)))
        .child(world.worker("c"));
    let tree = world.node.start(tree).await.unwrap();
    assert_eq!(world.log(tree).await, "+a +b +c");
    let (a, b) = (world.pid("a"), world.pid("b"));
    let node = world.node.clone();
    let stopping = tokio::spawn(async move { node.stop(tree, Exit::Shutdown, None).await });
    assert_eq!(world.next().await, "-c");
    // While `b` takes its time `a` has not even been asked.
    assert!(world.node.is_alive(a));
    assert!(matches!(world.node.wait(b).await, Exit::Killed));
    assert_eq!(world.next().await, "-a");
    stopping.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn s24_a_child_that_does_not_stop_in_time_is_killed() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top").child(world.stubborn("a").shutdown(Duration::from_millis(50)));
    let tree = world.node.start(tree).await.unwrap();
    world.log(tree).await;
    let (a, began) = (world.pid("a"), Instant::now());
    let ended = tokio::spawn({
        let node = world.node.clone();
        async move { node.wait(a).await }
    });
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    assert!(matches!(ended.await.unwrap(), Exit::Killed));
    assert!((50..60).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn s24_five_seconds_unless_told_otherwise() {
    let world = World::new();
    let tree = world.node.start(Supervisor::one_for_one("top").child(world.stubborn("a"))).await.unwrap();
    let began = Instant::now();
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    assert!((5_000..5_010).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn s24_a_brutal_kill_asks_nothing() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top").child(world.worker("a").shutdown(Shutdown::Kill));
    let tree = world.node.start(tree).await.unwrap();
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    // No `-a`: `terminate` did not run.
    assert_eq!(world.log_now(), "+a");
}

#[tokio::test(start_paused = true)]
async fn s24_infinity_waits_for_as_long_as_it_takes() {
    let world = World::new();
    let tree = Supervisor::one_for_one("top").child(world.stubborn("a").shutdown(Shutdown::Infinity));
    let tree = world.node.start(tree).await.unwrap();
    let a = world.pid("a");
    let patience = Some(Duration::from_secs(3600));
    assert!(world.node.stop(tree, Exit::Shutdown, patience).await.is_err());
    assert!(world.node.is_alive(a));
    world.node.exit(a, Exit::Kill);
    assert!(matches!(world.node.wait(tree).await, Exit::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn s25_the_time_to_stop_is_the_sum_over_the_children() {
    let world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.stubborn("a").shutdown(Duration::from_secs(1)))
        .child(world.stubborn("b").shutdown(Duration::from_secs(2)));
    let tree = world.node.start(tree).await.unwrap();
    let began = Instant::now();
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    assert!((3_000..3_010).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn s25_a_child_that_unlinked_itself_hangs_nobody() {
    let mut world = World::new();
    let tree = world.node.start(Supervisor::one_for_one("top").child(world.worker("a"))).await.unwrap();
    let a = world.pid("a");
    a.call(Unlink(tree.id())).await.unwrap();
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    assert_eq!(world.log_now(), "+a -a");
    assert!(!world.node.is_alive(a));
}

#[tokio::test(start_paused = true)]
async fn s26_a_subtree_may_finish() {
    let world = World::new();
    let inner = Supervisor::one_for_one("inner").child(world.stubborn("a").shutdown(Duration::from_secs(60)));
    let tree = world.node.start(Supervisor::one_for_one("top").child(inner)).await.unwrap();
    let began = Instant::now();
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    assert!((60_000..60_010).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_killed_while_a_child_starts_leaves_no_orphan() {
    let world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.worker("a"))
        .child(world.scripted("slow", |_| Start::Hangs))
        .start_timeout(Duration::from_millis(50));
    assert!(world.node.start(tree).await.is_err());
    let reason = world.node.wait(world.pid("a")).await;
    assert!(matches!(reason, Exit::Killed | Exit::NoProcess), "{reason}");
}
