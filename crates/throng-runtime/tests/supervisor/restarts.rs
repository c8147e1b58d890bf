//! Who is restarted when a child ends (S9 to S15, S20 to S22).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use throng_runtime::{ChildSpec, Exit, Pid, Restart, Supervisor};

use crate::world::{Start, World, children};

/// A tree of the workers a, b, c and d.
async fn four(world: &mut World, tree: ChildSpec<Supervisor>) -> Pid<Supervisor> {
    let tree = ["a", "b", "c", "d"].into_iter().fold(tree, |tree, name| tree.child(world.worker(name)));
    let tree = world.node.start(tree).await.unwrap();
    assert_eq!(world.log(tree).await, "+a +b +c +d");
    tree
}

#[tokio::test]
async fn s9_a_child_is_restarted_by_its_kind_and_reason() {
    let reasons = || [Exit::Normal, Exit::Shutdown, Exit::shutdown_with("done"), Exit::other("boom")];
    for (restart, restarted) in [
        (Restart::Permanent, [true, true, true, true]),
        (Restart::Transient, [false, false, false, true]),
        (Restart::Temporary, [false, false, false, false]),
    ] {
        for (reason, restarted) in reasons().into_iter().zip(restarted) {
            let mut world = World::new();
            let tree = Supervisor::one_for_one("top").child(world.worker("a").restart(restart));
            let tree = world.node.start(tree).await.unwrap();
            world.end("a", reason.clone()).await;
            let seen = world.log(tree).await;
            assert_eq!(seen, if restarted { "+a -a +a" } else { "+a -a" }, "{restart:?}, {reason}");
        }
    }
}

#[tokio::test]
async fn s9_what_is_not_restarted_is_kept_or_forgotten_and_touches_nobody() {
    for strategy in [Supervisor::one_for_one, Supervisor::one_for_all, Supervisor::rest_for_one] {
        let mut world = World::new();
        let tree = strategy("top")
            .child(world.worker("transient").restart(Restart::Transient))
            .child(world.worker("temporary").restart(Restart::Temporary))
            .child(world.worker("c"));
        let tree = world.node.start(tree).await.unwrap();
        world.end("transient", Exit::Normal).await;
        world.crash("temporary").await;
        assert_eq!(world.log(tree).await, "+transient +temporary +c -transient -temporary");
        assert_eq!(children(tree).await, "-transient +c");
    }
}

#[tokio::test]
async fn s10_one_for_one_restarts_the_child_alone_in_its_place() {
    let mut world = World::new();
    let tree = four(&mut world, Supervisor::one_for_one("top")).await;
    world.crash("b").await;
    assert_eq!(world.log(tree).await, "-b +b");
    assert_eq!(children(tree).await, "+a +b +c +d");
}

#[tokio::test]
async fn s11_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order() {
    let mut world = World::new();
    let tree = four(&mut world, Supervisor::one_for_all("top")).await;
    world.node.exit(world.pid("b"), Exit::Kill);
    world.node.wait(world.pid("b")).await;
    assert_eq!(world.log(tree).await, "-d -c -a +a +b +c +d");
}

#[tokio::test]
async fn s12_rest_for_one_restarts_those_that_were_started_after_it() {
    let mut world = World::new();
    let tree = four(&mut world, Supervisor::rest_for_one("top")).await;
    world.node.exit(world.pid("b"), Exit::Kill);
    world.node.wait(world.pid("b")).await;
    assert_eq!(world.log(tree).await, "-d -c +b +c +d");
}

#[tokio::test]
async fn s13_a_group_restart_forgets_the_temporary_and_revives_the_finished() {
    let mut world = World::new();
    let tree = Supervisor::one_for_all("top")
        .child(world.worker("a"))
        .child(world.worker("temporary").restart(Restart::Temporary))
        .child(world.worker("ended").restart(Restart::Transient))
        .child(world.worker("stopped"));
    let tree = world.node.start(tree).await.unwrap();
    world.end("ended", Exit::Normal).await;
    Supervisor::terminate_child(&tree, "stopped").await.unwrap();
    world.log(tree).await;
    world.crash("a").await;
    assert_eq!(world.log(tree).await, "-a -temporary +a +ended +stopped");
    assert_eq!(children(tree).await, "+a +ended +stopped");
}

#[tokio::test]
async fn s14_children_that_were_added_take_part_after_the_others() {
    let mut world = World::new();
    let tree = Supervisor::rest_for_one("top").child(world.worker("a")).child(world.worker("b"));
    let tree = world.node.start(tree).await.unwrap();
    Supervisor::start_child(&tree, world.worker("c")).await.unwrap();
    world.log(tree).await;
    world.crash("a").await;
    assert_eq!(world.log(tree).await, "-a -c -b +a +b +c");
}

#[tokio::test]
async fn s15_children_that_end_together_count_once_in_a_group() {
    // Two at once, with a budget of one: under one_for_all that is one restart.
    let mut world = World::new();
    let tree = Supervisor::one_for_all("top")
        .max_restarts(1, Duration::from_secs(5))
        .child(world.worker("a"))
        .child(world.worker("b"))
        .child(world.worker("c"));
    let tree = world.node.start(tree).await.unwrap();
    let (a, b) = (world.pid("a"), world.pid("b"));
    world.node.exit(a, Exit::Kill);
    world.node.exit(b, Exit::Kill);
    world.node.wait(a).await;
    world.node.wait(b).await;
    assert_eq!(world.log(tree).await, "+a +b +c -c +a +b +c");
    assert!(world.node.is_alive(tree));
}

#[tokio::test]
async fn s15_children_that_end_together_count_each_under_one_for_one() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top")
        .max_restarts(1, Duration::from_secs(5))
        .child(world.worker("a"))
        .child(world.worker("b"));
    let tree = world.node.start(tree).await.unwrap();
    world.node.exit(world.pid("a"), Exit::Kill);
    world.node.exit(world.pid("b"), Exit::Kill);
    assert!(matches!(world.node.wait(tree).await, Exit::Shutdown));
    assert_eq!(world.log_now(), "+a +b +a -a");
}

#[tokio::test]
async fn s20_one_for_all_starts_all_anew_when_one_of_them_fails() {
    let mut world = World::new();
    let tree = Supervisor::one_for_all("top")
        .child(world.worker("a"))
        .child(world.scripted("b", |nth| if nth == 2 { Start::Fails } else { Start::Up }))
        .child(world.worker("c"));
    let tree = world.node.start(tree).await.unwrap();
    world.crash("a").await;
    Supervisor::count_children(&tree).await.unwrap();
    assert_eq!(world.log(tree).await, "+a +b +c -a -c -b +a -a +a +b +c");
}

#[tokio::test]
async fn s20_rest_for_one_goes_on_from_the_one_that_failed() {
    let mut world = World::new();
    let tree = Supervisor::rest_for_one("top")
        .child(world.worker("a"))
        .child(world.scripted("b", |nth| if nth == 2 { Start::Fails } else { Start::Up }))
        .child(world.worker("c"));
    let tree = world.node.start(tree).await.unwrap();
    world.crash("a").await;
    Supervisor::count_children(&tree).await.unwrap();
    assert_eq!(world.log(tree).await, "+a +b +c -a -c -b +a +b +c");
}

#[tokio::test]
async fn s21_a_restart_with_nothing_to_do_is_no_failure() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.scripted("a", |nth| if nth == 2 { Start::Ignores } else { Start::Up }));
    let tree = world.node.start(tree).await.unwrap();
    world.crash("a").await;
    assert_eq!(world.log(tree).await, "+a -a");
    assert_eq!(children(tree).await, "-a");
}

#[tokio::test]
async fn s22_stopping_a_child_that_is_being_restarted_cancels_its_retry() {
    let mut world = World::new();
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = broken.clone();
    let tree = Supervisor::one_for_one("top").max_restarts(1_000_000, Duration::from_secs(5)).child(
        world.scripted("a", move |_| if is_broken.load(Ordering::SeqCst) { Start::Fails } else { Start::Up }),
    );
    let tree = world.node.start(tree).await.unwrap();
    broken.store(true, Ordering::SeqCst);
    world.crash("a").await;
    // Requests are handled between the attempts, however fast these follow each other (S19).
    assert_eq!(children(tree).await, "~a");
    Supervisor::terminate_child(&tree, "a").await.unwrap();
    broken.store(false, Ordering::SeqCst);
    assert_eq!(children(tree).await, "-a");
    assert_eq!(world.log(tree).await, "+a -a");
    Supervisor::restart_child(&tree, "a").await.unwrap();
    assert_eq!(children(tree).await, "+a");
}
