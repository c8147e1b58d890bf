//! What can be asked of a running supervisor (S27 to S32).

use throng_runtime::{CallError, ChildCount, ChildError, ChildStatus, Exit, Restart, StartError, Supervisor};

use crate::world::{Start, World, children};

#[tokio::test]
async fn s27_start_child_adds_one_and_says_why_not() {
    let world = World::new();
    let tree = world.node.start(Supervisor::one_for_one("top")).await.unwrap();
    let a = Supervisor::start_child(&tree, world.worker("a")).await.unwrap();
    assert_eq!(a, world.pid("a"));
    let again = Supervisor::start_child(&tree, world.worker("a")).await;
    assert!(matches!(again, Err(ChildError::AlreadyStarted(pid)) if pid == a.id()));

    Supervisor::terminate_child(&tree, "a").await.unwrap();
    let known = Supervisor::start_child(&tree, world.worker("a")).await;
    assert!(matches!(known, Err(ChildError::AlreadyPresent)));

    let fails = Supervisor::start_child(&tree, world.scripted("x", |_| Start::Fails)).await;
    assert!(matches!(fails, Err(ChildError::Start(StartError::Exited(_)))));
    assert_eq!(children(tree).await, "-a", "what did not start is not kept");

    for (name, restart) in [("kept", Restart::Permanent), ("gone", Restart::Temporary)] {
        let idle = world.scripted(name, |_| Start::Ignores).restart(restart);
        let ignored = Supervisor::start_child(&tree, idle).await;
        assert!(matches!(ignored, Err(ChildError::Start(StartError::Ignored))));
    }
    assert_eq!(children(tree).await, "-a -kept");
}

#[tokio::test]
async fn s28_terminate_child_stops_it_and_keeps_it_known() {
    let mut world = World::new();
    let tree = Supervisor::one_for_all("top")
        .child(world.worker("a"))
        .child(world.worker("b"))
        .child(world.worker("t").restart(Restart::Temporary));
    let tree = world.node.start(tree).await.unwrap();
    world.log(tree).await;
    Supervisor::terminate_child(&tree, "a").await.unwrap();
    Supervisor::terminate_child(&tree, "a").await.unwrap();
    Supervisor::terminate_child(&tree, "t").await.unwrap();
    // No restart, and no sibling touched.
    assert_eq!(world.log(tree).await, "-a -t");
    assert_eq!(children(tree).await, "-a +b");
    let unknown = Supervisor::terminate_child(&tree, "zzz").await;
    assert!(matches!(unknown, Err(ChildError::NotFound)));
}

#[tokio::test]
async fn s29_restart_child_starts_what_does_not_run() {
    let world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.worker("a"))
        .child(world.scripted("x", |nth| if nth == 1 { Start::Up } else { Start::Fails }));
    let tree = world.node.start(tree).await.unwrap();
    assert!(matches!(Supervisor::restart_child(&tree, "a").await, Err(ChildError::Running)));
    assert!(matches!(Supervisor::restart_child(&tree, "zzz").await, Err(ChildError::NotFound)));
    Supervisor::terminate_child(&tree, "a").await.unwrap();
    assert_eq!(Supervisor::restart_child(&tree, "a").await.unwrap(), world.pid("a").id());

    Supervisor::terminate_child(&tree, "x").await.unwrap();
    assert!(matches!(Supervisor::restart_child(&tree, "x").await, Err(ChildError::Start(_))));
    assert_eq!(children(tree).await, "+a -x", "its specification is kept");
}

#[tokio::test]
async fn s30_delete_child_forgets_what_does_not_run() {
    let world = World::new();
    let tree = world.node.start(Supervisor::one_for_one("top").child(world.worker("a"))).await.unwrap();
    assert!(matches!(Supervisor::delete_child(&tree, "a").await, Err(ChildError::Running)));
    assert!(matches!(Supervisor::delete_child(&tree, "zzz").await, Err(ChildError::NotFound)));
    Supervisor::terminate_child(&tree, "a").await.unwrap();
    Supervisor::delete_child(&tree, "a").await.unwrap();
    assert_eq!(children(tree).await, "");
    Supervisor::start_child(&tree, world.worker("a")).await.unwrap();
}

#[tokio::test]
async fn s31_children_are_listed_newest_first_and_counted() {
    let world = World::new();
    let tree = Supervisor::one_for_one("top")
        .child(world.worker("a"))
        .child(Supervisor::one_for_one("inner"))
        .child(world.worker("done").restart(Restart::Transient));
    let tree = world.node.start(tree).await.unwrap();
    world.end("done", Exit::Normal).await;
    let listed = Supervisor::which_children(&tree).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|child| child.id.as_str()).collect();
    assert_eq!(ids, ["done", "inner", "a"]);
    assert_eq!(listed[0].status, ChildStatus::Stopped);
    assert_eq!(listed[2].status, ChildStatus::Running(world.pid("a").id()));
    let ChildCount { specs, active, supervisors, workers, .. } =
        Supervisor::count_children(&tree).await.unwrap();
    assert_eq!((specs, active, supervisors, workers), (3, 2, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn s32_requests_wait_for_as_long_as_it_takes() {
    let world = World::new();
    let tree = world.node.start(Supervisor::one_for_one("top").child(world.stubborn("a"))).await.unwrap();
    let stubborn = world.stubborn("b").shutdown(std::time::Duration::from_secs(600));
    Supervisor::start_child(&tree, stubborn).await.unwrap();
    let began = tokio::time::Instant::now();
    Supervisor::terminate_child(&tree, "b").await.unwrap();
    assert!(began.elapsed().as_secs() >= 600, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_request_to_a_supervisor_that_is_gone_is_an_error() {
    let world = World::new();
    let tree = world.node.start(Supervisor::one_for_one("top")).await.unwrap();
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    let refused = Supervisor::start_child(&tree, world.worker("a")).await;
    assert!(matches!(refused, Err(ChildError::Supervisor(CallError::NoProcess { .. }))));
}
