//! Dynamic supervisors (D1 to D8).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use throng_runtime::{
    ChildError, ChildStatus, Ctx, DynamicSupervisor, Exit, GenServer, Init, Pid, Registry, Restart, Shutdown,
    StartError,
};
use tokio::time::Instant;

use crate::world::{Start, World};

/// A round trip: the supervisor has dealt with all that happened before. How many of its children run.
async fn active(supervisor: Pid<DynamicSupervisor>) -> usize {
    DynamicSupervisor::count_children(&supervisor).await.unwrap().active
}

#[tokio::test]
async fn d1_it_starts_empty_and_its_children_need_no_ids() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    assert_eq!(active(rooms).await, 0);
    let one = DynamicSupervisor::start_child(&rooms, world.worker("room")).await.unwrap();
    let two = DynamicSupervisor::start_child(&rooms, world.worker("room")).await.unwrap();
    assert_ne!(one, two);
    let children = DynamicSupervisor::which_children(&rooms).await.unwrap();
    let mut pids: Vec<_> = children.iter().map(|child| child.status).collect();
    pids.sort_by_key(|status| format!("{status:?}"));
    let mut expected = [ChildStatus::Running(one.id()), ChildStatus::Running(two.id())];
    expected.sort_by_key(|status| format!("{status:?}"));
    assert_eq!(pids, expected);
}

#[tokio::test]
async fn d2_there_are_no_more_children_than_allowed() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms").max_children(1)).await.unwrap();
    let one = DynamicSupervisor::start_child(&rooms, world.worker("a")).await.unwrap();
    let refused = DynamicSupervisor::start_child(&rooms, world.worker("b")).await;
    assert!(matches!(refused, Err(ChildError::MaxChildren(1))));
    DynamicSupervisor::terminate_child(&rooms, one).await.unwrap();
    DynamicSupervisor::start_child(&rooms, world.worker("b")).await.unwrap();

    let none = world.node.start(DynamicSupervisor::new("none").max_children(0)).await.unwrap();
    let refused = DynamicSupervisor::start_child(&none, world.worker("c")).await;
    assert!(matches!(refused, Err(ChildError::MaxChildren(0))));
}

#[tokio::test]
async fn d2_what_did_not_start_is_not_kept() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    let failed = DynamicSupervisor::start_child(&rooms, world.scripted("x", |_| Start::Fails)).await;
    assert!(matches!(failed, Err(ChildError::Start(StartError::Exited(_)))));
    let ignored = DynamicSupervisor::start_child(&rooms, world.scripted("x", |_| Start::Ignores)).await;
    assert!(matches!(ignored, Err(ChildError::Start(StartError::Ignored))));
    assert_eq!(DynamicSupervisor::count_children(&rooms).await.unwrap().specs, 0);
}

#[tokio::test]
async fn d2_a_significant_child_is_refused_before_the_supervisor_is_asked() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    // It is gone, so the refusal cannot be its own.
    world.node.stop(rooms, Exit::Shutdown, None).await.unwrap();
    for child in [
        world.worker("a").restart(Restart::Transient).significant(),
        world.worker("a").backoff(Duration::ZERO, Duration::ZERO, 0.0),
    ] {
        let refused = DynamicSupervisor::start_child(&rooms, child).await;
        assert!(matches!(refused, Err(ChildError::Start(StartError::Invalid(_)))), "{refused:?}");
    }
}

/// A supervisor with one child that crashed and whose restarts fail; the child's old pid.
async fn restarting(world: &World, supervisor: Pid<DynamicSupervisor>) -> Pid<crate::world::Worker> {
    let child = world.scripted("a", |nth| if nth == 1 { Start::Up } else { Start::Fails });
    let old = DynamicSupervisor::start_child(&supervisor, child).await.unwrap();
    world.crash("a").await;
    let children = DynamicSupervisor::which_children(&supervisor).await.unwrap();
    assert_eq!(children[0].status, ChildStatus::Restarting);
    old
}

#[tokio::test]
async fn d2_a_child_that_is_being_restarted_takes_a_place() {
    let world = World::new();
    let rooms =
        DynamicSupervisor::new("rooms").max_children(1).max_restarts(1_000_000, Duration::from_secs(5));
    let rooms = world.node.start(rooms).await.unwrap();
    restarting(&world, rooms).await;
    let refused = DynamicSupervisor::start_child(&rooms, world.worker("b")).await;
    assert!(matches!(refused, Err(ChildError::MaxChildren(1))));
}

/// D3: what Elixir calls extra arguments are the factory's own here, and the same at each restart.
#[tokio::test]
async fn d3_a_restart_begins_from_the_same_words() {
    struct Counting;
    impl GenServer for Counting {
        type Args = Arc<AtomicUsize>;
        async fn init(starts: Arc<AtomicUsize>, _: &mut Ctx<Self>) -> Init<Self> {
            starts.fetch_add(1, Ordering::SeqCst);
            Ok(Counting)
        }
    }
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    let starts = Arc::new(AtomicUsize::new(0));
    let child = DynamicSupervisor::start_child(&rooms, Counting::child(starts.clone())).await.unwrap();
    world.node.exit(child, Exit::Kill);
    world.node.wait(child).await;
    assert_eq!(active(rooms).await, 1);
    assert_eq!(starts.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn d4_children_are_restarted_by_their_kind_under_new_pids() {
    let mut world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    for (name, restart) in [("p", Restart::Permanent), ("tr", Restart::Transient), ("te", Restart::Temporary)]
    {
        DynamicSupervisor::start_child(&rooms, world.worker(name).restart(restart)).await.unwrap();
    }
    let old = world.pid("p");
    world.end("p", Exit::Normal).await;
    world.end("tr", Exit::Normal).await;
    world.crash("te").await;
    assert_eq!(active(rooms).await, 1);
    assert_eq!(world.log_now(), "+p +tr +te -p +p -tr -te");
    assert_ne!(world.pid("p"), old);
    DynamicSupervisor::terminate_child(&rooms, world.pid("p")).await.unwrap();
}

#[tokio::test]
async fn d4_all_children_share_one_budget_and_giving_up_is_a_shutdown() {
    let world = World::new();
    let rooms = DynamicSupervisor::new("rooms").max_restarts(1, Duration::from_secs(5));
    let rooms = world.node.start(rooms).await.unwrap();
    for name in ["a", "b", "c"] {
        DynamicSupervisor::start_child(&rooms, world.worker(name)).await.unwrap();
    }
    world.crash("a").await;
    assert_eq!(active(rooms).await, 3);
    world.crash("b").await;
    assert!(matches!(world.node.wait(rooms).await, Exit::Shutdown | Exit::NoProcess));
    assert!(!world.node.is_alive(world.pid("c")));
}

#[tokio::test(start_paused = true)]
async fn d4_with_budgets_of_their_own_one_bad_child_is_dropped_and_the_others_go_on() {
    let mut world = World::new();
    let rooms = DynamicSupervisor::new("rooms").per_child_restarts(2, Duration::from_secs(5));
    let rooms = world.node.start(rooms).await.unwrap();
    for name in ["a", "b", "c"] {
        DynamicSupervisor::start_child(&rooms, world.worker(name)).await.unwrap();
    }
    // Six restarts, far more than three in five seconds: there is no shared budget unless it is given.
    for name in ["a", "b", "c", "a", "b", "c"] {
        world.crash(name).await;
        assert_eq!(active(rooms).await, 3);
    }
    world.log_now();
    world.crash("b").await;
    assert_eq!(active(rooms).await, 2);
    assert_eq!(world.log_now(), "-b");
    assert_eq!(DynamicSupervisor::count_children(&rooms).await.unwrap().specs, 2, "it is forgotten");
    // Its siblings' restarts leave the window, as ever.
    tokio::time::advance(Duration::from_secs(6)).await;
    world.crash("a").await;
    assert_eq!(active(rooms).await, 2);
}

#[tokio::test(start_paused = true)]
async fn d4_failed_attempts_count_against_the_childs_own_budget() {
    let world = World::new();
    let rooms = DynamicSupervisor::new("rooms").per_child_restarts(3, Duration::from_secs(5));
    let rooms = world.node.start(rooms).await.unwrap();
    DynamicSupervisor::start_child(&rooms, world.worker("good")).await.unwrap();
    let broken = world.scripted("broken", |nth| if nth == 1 { Start::Up } else { Start::Fails });
    DynamicSupervisor::start_child(&rooms, broken).await.unwrap();
    world.crash("broken").await;
    while active(rooms).await != 1 || DynamicSupervisor::count_children(&rooms).await.unwrap().specs != 1 {}
    assert!(world.node.is_alive(world.pid("good")));
}

#[tokio::test]
async fn d4_a_shared_budget_that_was_given_as_well_still_counts() {
    let world = World::new();
    let rooms = DynamicSupervisor::new("rooms")
        .per_child_restarts(5, Duration::from_secs(5))
        .max_restarts(1, Duration::from_secs(5));
    let rooms = world.node.start(rooms).await.unwrap();
    for name in ["a", "b"] {
        DynamicSupervisor::start_child(&rooms, world.worker(name)).await.unwrap();
    }
    world.crash("a").await;
    assert_eq!(active(rooms).await, 2);
    world.crash("b").await;
    assert!(matches!(world.node.wait(rooms).await, Exit::Shutdown | Exit::NoProcess));

    let endless = DynamicSupervisor::new("rooms").per_child_restarts(1, Duration::ZERO);
    assert!(matches!(world.node.start(endless).await, Err(StartError::Invalid(_))));
}

#[tokio::test]
async fn d4_a_restart_with_nothing_to_do_forgets_the_child() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    let child = world.scripted("a", |nth| if nth == 1 { Start::Up } else { Start::Ignores });
    DynamicSupervisor::start_child(&rooms, child).await.unwrap();
    world.crash("a").await;
    assert_eq!(DynamicSupervisor::count_children(&rooms).await.unwrap().specs, 0);
}

/// A name that was taken while its holder was down used to be fought for at full speed, until the budget of all children was
/// gone. Throng's own rule: whoever took it keeps it.
#[tokio::test]
async fn d4_a_child_whose_name_was_taken_meanwhile_is_forgotten() {
    let world = World::new();
    let names = Registry::<&str>::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    DynamicSupervisor::start_child(&rooms, world.worker("other")).await.unwrap();
    let a = world.worker("a").via(names.via("a"));
    let first = DynamicSupervisor::start_child(&rooms, a.clone()).await.unwrap();
    // The supervisor is busy while the child dies and another process takes its name.
    let slow = world.scripted("slow", |_| Start::Hangs).start_timeout(Duration::from_millis(50));
    let (_, second) = tokio::join!(DynamicSupervisor::start_child(&rooms, slow), async {
        world.node.exit(first, Exit::Kill);
        world.node.wait(first).await;
        world.node.start(a).await.unwrap()
    });
    let count = DynamicSupervisor::count_children(&rooms).await.unwrap();
    assert_eq!((count.specs, count.active), (1, 1));
    assert_eq!(names.whereis(&"a"), Some(second));
}

#[tokio::test]
async fn d5_a_child_is_terminated_by_its_pid() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    let child = DynamicSupervisor::start_child(&rooms, world.worker("a")).await.unwrap();
    DynamicSupervisor::terminate_child(&rooms, child).await.unwrap();
    assert!(!world.node.is_alive(child));
    let again = DynamicSupervisor::terminate_child(&rooms, child).await;
    assert!(matches!(again, Err(ChildError::NotFound)));
}

#[tokio::test]
async fn d5_a_child_that_is_being_restarted_is_terminated_by_its_old_pid() {
    let world = World::new();
    let rooms = DynamicSupervisor::new("rooms").max_restarts(1_000_000, Duration::from_secs(5));
    let rooms = world.node.start(rooms).await.unwrap();
    let old = restarting(&world, rooms).await;
    DynamicSupervisor::terminate_child(&rooms, old).await.unwrap();
    assert_eq!(DynamicSupervisor::count_children(&rooms).await.unwrap().specs, 0);
}

#[tokio::test(start_paused = true)]
async fn d6_all_children_stop_at_once() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    for (name, secs) in [("a", 1), ("b", 3), ("c", 2), ("d", 3)] {
        let child = world.stubborn(name).shutdown(Duration::from_secs(secs));
        DynamicSupervisor::start_child(&rooms, child).await.unwrap();
    }
    DynamicSupervisor::start_child(&rooms, world.worker("willing").shutdown(Shutdown::Infinity))
        .await
        .unwrap();
    DynamicSupervisor::start_child(&rooms, world.stubborn("killed").shutdown(Shutdown::Kill)).await.unwrap();
    let began = Instant::now();
    world.node.stop(rooms, Exit::Shutdown, None).await.unwrap();
    assert!((3_000..3_010).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    for name in ["a", "b", "c", "d", "willing", "killed"] {
        assert!(!world.node.is_alive(world.pid(name)), "{name}");
    }
}

#[tokio::test]
async fn d7_a_temporary_child_keeps_none_of_its_arguments() {
    struct Holder;
    impl GenServer for Holder {
        type Args = Arc<()>;
        async fn init(_: Arc<()>, _: &mut Ctx<Self>) -> Init<Self> {
            Ok(Holder)
        }
    }
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    for (restart, held) in [(Restart::Permanent, 2), (Restart::Temporary, 1)] {
        let words = Arc::new(());
        let child = Holder::child(words.clone()).restart(restart);
        DynamicSupervisor::start_child(&rooms, child).await.unwrap();
        assert_eq!(Arc::strong_count(&words), held, "{restart:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn d8_starts_are_one_after_the_other() {
    let world = World::new();
    let rooms = world.node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    let slow = world.scripted("slow", |_| Start::Hangs).start_timeout(Duration::from_secs(5));
    let (first, second) = tokio::join!(
        DynamicSupervisor::start_child(&rooms, slow),
        DynamicSupervisor::start_child(&rooms, world.worker("quick")),
    );
    assert!(matches!(first, Err(ChildError::Start(StartError::Timeout(_)))));
    second.unwrap();
}
