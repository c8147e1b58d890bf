//! Supervisors that end with their significant children (S3, S33, S34).

use throng_runtime::{AutoShutdown, ChildError, ChildSpec, Exit, Pid, Restart, StartError, Supervisor};

use crate::world::{Start, Worker, World, children};

/// A significant worker that is restarted only after a crash.
fn significant(world: &World, name: &'static str) -> ChildSpec<Worker> {
    world.worker(name).restart(Restart::Transient).significant()
}

async fn tree(world: &mut World, auto_shutdown: AutoShutdown) -> Pid<Supervisor> {
    let tree = Supervisor::one_for_one("top")
        .auto_shutdown(auto_shutdown)
        .child(world.worker("plain"))
        .child(significant(world, "a"))
        .child(significant(world, "b").restart(Restart::Temporary))
        .child(world.worker("also").restart(Restart::Transient));
    let tree = world.node.start(tree).await.unwrap();
    world.log(tree).await;
    tree
}

async fn ended(world: &World, tree: Pid<Supervisor>) -> Exit {
    world.node.wait(tree).await
}

#[tokio::test]
async fn s3_significant_children_that_make_no_sense_are_refused() {
    let mut world = World::new();
    let any = || Supervisor::one_for_one("top").auto_shutdown(AutoShutdown::AnySignificant);
    let permanent = any().child(world.worker("p").significant());
    let error = world.node.start(permanent).await.unwrap_err();
    assert!(error.to_string().contains("\"p\" is significant and permanent"), "{error}");
    let never = Supervisor::one_for_one("top").child(significant(&world, "n"));
    let error = world.node.start(never).await.unwrap_err();
    assert!(error.to_string().contains("\"n\" is significant, and its supervisor never"), "{error}");

    // And so they are at run time (S27).
    let tree = world.node.start(any()).await.unwrap();
    let refused = Supervisor::start_child(&tree, world.worker("p").significant()).await;
    assert!(matches!(refused, Err(ChildError::Start(StartError::Invalid(_)))), "{refused:?}");
    assert_eq!(children(tree).await, "");
    assert_eq!(world.log_now(), "");
}

#[tokio::test]
async fn s33_any_significant_child_that_ends_by_itself_ends_the_supervisor() {
    for name in ["a", "b"] {
        let mut world = World::new();
        let tree = tree(&mut world, AutoShutdown::AnySignificant).await;
        // One that is not significant ends nobody.
        world.end("also", Exit::Normal).await;
        assert_eq!(world.log(tree).await, "-also");
        world.end(name, Exit::Normal).await;
        assert!(matches!(ended(&world, tree).await, Exit::Shutdown | Exit::NoProcess));
        let stopped = if name == "a" { "-a -b -plain" } else { "-b -a -plain" };
        assert_eq!(world.log_now(), stopped);
    }
}

#[tokio::test]
async fn s33_all_significant_waits_for_the_last_of_them() {
    let mut world = World::new();
    let tree = tree(&mut world, AutoShutdown::AllSignificant).await;
    world.end("a", Exit::Normal).await;
    assert_eq!(world.log(tree).await, "-a");
    assert!(world.node.is_alive(tree));
    world.crash("b").await;
    assert!(matches!(ended(&world, tree).await, Exit::Shutdown | Exit::NoProcess));
    assert_eq!(world.log_now(), "-b -also -plain");
}

#[tokio::test]
async fn s33_a_significant_child_that_is_restarted_ends_nobody() {
    let mut world = World::new();
    let tree = tree(&mut world, AutoShutdown::AnySignificant).await;
    world.crash("a").await;
    assert_eq!(world.log(tree).await, "-a +a");
    assert!(world.node.is_alive(tree));
}

#[tokio::test]
async fn s33_a_significant_child_that_others_end_ends_nobody() {
    // By terminate_child (S28).
    let mut world = World::new();
    let top = tree(&mut world, AutoShutdown::AnySignificant).await;
    Supervisor::terminate_child(&top, "a").await.unwrap();
    Supervisor::terminate_child(&top, "b").await.unwrap();
    assert_eq!(children(top).await, "+plain -a +also");

    // By the restart of its group.
    let mut world = World::new();
    let all = Supervisor::one_for_all("top")
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(world.worker("plain"))
        .child(significant(&world, "a"))
        .child(significant(&world, "b").restart(Restart::Temporary));
    let all = world.node.start(all).await.unwrap();
    world.log(all).await;
    world.crash("plain").await;
    assert_eq!(world.log(all).await, "-plain -b -a +plain +a");
    assert!(world.node.is_alive(all));

    // Nor does a restart that finds nothing to do (S21).
    let ignoring = Supervisor::one_for_one("top").auto_shutdown(AutoShutdown::AnySignificant).child(
        world
            .scripted("i", |nth| if nth == 1 { Start::Up } else { Start::Ignores })
            .restart(Restart::Transient)
            .significant(),
    );
    let ignoring = world.node.start(ignoring).await.unwrap();
    world.crash("i").await;
    assert_eq!(children(ignoring).await, "-i");
}

#[tokio::test]
async fn s34_a_permanent_supervisor_that_shut_down_is_restarted_a_transient_one_is_not() {
    for (restart, seen) in
        [(Restart::Permanent, "+a -a +a"), (Restart::Transient, "+a -a"), (Restart::Temporary, "+a -a")]
    {
        let mut world = World::new();
        let inner = Supervisor::one_for_one("inner")
            .auto_shutdown(AutoShutdown::AnySignificant)
            .restart(restart)
            .child(significant(&world, "a"));
        let top = world.node.start(Supervisor::one_for_one("top").child(inner)).await.unwrap();
        let throng_runtime::ChildStatus::Running(inner) =
            Supervisor::which_children(&top).await.unwrap()[0].status
        else {
            panic!("it does not run")
        };
        world.end("a", Exit::Normal).await;
        world.node.wait(inner).await;
        assert_eq!(world.log(top).await, seen, "{restart:?}");
    }
}
