//! How a supervisor starts its children (S1 to S8).

use std::time::Duration;

use throng_runtime::{ChildKind, Exit, InitError, Name, Restart, StartError, Supervisor};

use crate::world::{Start, World, children};

#[tokio::test]
async fn s1_a_child_is_known_by_its_id_else_its_name_else_its_type() {
    let world = World::new();
    let named = Supervisor::one_for_one("x").name(Name::new("named"));
    let tree = Supervisor::one_for_one("top").child(named.clone().id("own")).child(world.worker("w"));
    let tree = world.node.start(tree).await.unwrap();
    assert_eq!(children(tree).await, "+own +w");
    let kinds: Vec<_> =
        Supervisor::which_children(&tree).await.unwrap().into_iter().map(|child| child.kind).collect();
    assert_eq!(kinds, [ChildKind::Worker, ChildKind::Supervisor]);
}

#[tokio::test]
async fn s3_what_cannot_work_is_refused_before_anything_starts() {
    let mut world = World::new();
    let twice = Supervisor::one_for_one("top").child(world.worker("a")).child(world.worker("a"));
    let error = world.node.start(twice).await.unwrap_err();
    assert_eq!(error.to_string(), "the supervisor's children are wrong: two children have the id \"a\"");

    let no_period = Supervisor::one_for_one("top").max_restarts(3, Duration::ZERO).child(world.worker("b"));
    assert!(matches!(world.node.start(no_period).await, Err(StartError::Invalid(_))));
    assert_eq!(world.log_now(), "");
}

#[tokio::test]
async fn s4_a_supervisor_ignores_strangers_and_follows_its_parent() {
    let mut world = World::new();
    let inner = Supervisor::one_for_one("inner").child(world.worker("a"));
    let tree = world.node.start(Supervisor::one_for_one("top").child(inner)).await.unwrap();
    world.node.exit(tree, Exit::Shutdown);
    world.node.exit(tree, Exit::other("whatever"));
    assert_eq!(world.log(tree).await, "+a");

    // The parent's end, for any reason, is its end, and its children are stopped in order.
    let worker = world.pid("a");
    world.node.stop(tree, Exit::Normal, None).await.unwrap();
    assert_eq!(world.log_now(), "-a");
    assert!(!world.node.is_alive(worker));
}

#[tokio::test]
async fn s4_a_killed_supervisor_takes_its_children_along() {
    let world = World::new();
    let tree = Supervisor::one_for_one("top").child(world.worker("a")).child(world.worker("b"));
    let tree = world.node.start(tree).await.unwrap();
    let workers = [world.pid("a"), world.pid("b")];
    world.node.exit(tree, Exit::Kill);
    for worker in workers {
        let reason = world.node.wait(worker).await;
        assert!(matches!(reason, Exit::Killed | Exit::NoProcess), "{reason}");
    }
}

#[tokio::test]
async fn s5_a_child_starts_when_the_one_before_it_is_ready() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.worker("a"))
        .child(world.scripted("slow", |_| Start::Hangs).start_timeout(Duration::from_millis(20)))
        .child(world.worker("c"));
    let error = world.node.start(tree).await.unwrap_err();
    // The third never started, as the second was never ready.
    assert_eq!(world.log_now(), "+a -a");
    assert!(
        matches!(error, StartError::Child { id, reason } if id == "slow" && matches!(*reason, StartError::Timeout(_)))
    );
}

#[tokio::test]
async fn s6_a_child_with_nothing_to_do_is_kept_unless_it_is_temporary() {
    let world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.scripted("idle", |_| Start::Ignores))
        .child(world.scripted("gone", |_| Start::Ignores).restart(Restart::Temporary))
        .child(world.worker("c"));
    let tree = world.node.start(tree).await.unwrap();
    assert_eq!(children(tree).await, "-idle +c");
}

#[tokio::test]
async fn s7_a_failure_at_the_first_start_stops_what_was_started_and_is_not_retried() {
    for failure in [Start::Fails, Start::Panics] {
        let mut world = World::new();
        let tree = Supervisor::one_for_one("top")
            .max_restarts(100, Duration::from_secs(5))
            .child(world.worker("a"))
            .child(world.worker("b"))
            .child(world.scripted("x", move |nth| if nth == 1 { failure } else { Start::Up }))
            .child(world.worker("z"));
        let error = world.node.start(tree).await.unwrap_err();
        assert_eq!(world.log_now(), "+a +b -b -a");
        let StartError::Child { id, reason } = error else { panic!("{error}") };
        assert_eq!(id, "x");
        assert!(matches!(*reason, StartError::Exited(_)));
    }
}

#[tokio::test]
async fn s7_the_failure_of_a_nested_child_is_told_with_its_path() {
    let world = World::new();
    let inner = Supervisor::one_for_one("inner").child(world.scripted("x", |_| Start::Fails));
    let error = world.node.start(Supervisor::one_for_one("top").child(inner)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "child \"inner\" failed to start: child \"x\" failed to start: init failed: no luck"
    );
    // Which is also what an `init` that starts others with `?` would pass on.
    assert!(matches!(InitError::Start(error), InitError::Start(StartError::Child { .. })));
}

#[tokio::test]
async fn s8_a_failure_at_a_restart_is_retried() {
    let mut world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.scripted("a", |nth| if nth == 2 { Start::Fails } else { Start::Up }));
    let tree = world.node.start(tree).await.unwrap();
    world.crash("a").await;
    // Once more than the retry needs, as it comes by way of the mailbox.
    Supervisor::count_children(&tree).await.unwrap();
    assert_eq!(world.log(tree).await, "+a -a +a");
}
