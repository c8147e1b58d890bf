//! Waiting between failed restarts (S19, S22), on a paused clock.

use std::time::Duration;

use throng_runtime::{
    ChildError, ChildSpec, ChildStatus, DynamicSupervisor, Exit, Pid, StartError, Supervisor,
};
use tokio::time::Instant;

use crate::world::{Start, Worker, World, children};

const MIN: Duration = Duration::from_millis(100);
const MAX: Duration = Duration::from_millis(1_000);

/// A worker whose second start and those after it, up to `last`, fail.
fn failing(world: &World, name: &'static str, last: usize) -> ChildSpec<Worker> {
    let script = move |nth| if (2..=last).contains(&nth) { Start::Fails } else { Start::Up };
    world.scripted(name, script).backoff(MIN, MAX, 0.0)
}

async fn start(world: &mut World, child: ChildSpec<Worker>) -> Pid<Supervisor> {
    let tree = Supervisor::one_for_one("top").max_restarts(100, Duration::from_secs(60)).child(child);
    let tree = world.node.start(tree).await.unwrap();
    world.log(tree).await;
    tree
}

#[tokio::test(start_paused = true)]
async fn s19_with_a_backoff_the_attempts_come_further_and_further_apart() {
    let mut world = World::new();
    let child = failing(&world, "a", 6);
    let tree = start(&mut world, child).await;
    let crashed = Instant::now();
    world.crash("a").await;
    assert_eq!(world.next().await, "-a");
    // The first restart is at once; then 100, 200, 400, 800 and 1,000 ms.
    assert_eq!(world.next().await, "+a");
    assert!((2_500..2_520).contains(&crashed.elapsed().as_millis()), "{:?}", crashed.elapsed());
    assert_eq!(children(tree).await, "+a");
}

#[tokio::test(start_paused = true)]
async fn s19_after_a_start_that_succeeded_the_waits_begin_anew() {
    let mut world = World::new();
    let script = |nth| if [2, 3, 5].contains(&nth) { Start::Fails } else { Start::Up };
    let child = world.scripted("a", script).backoff(MIN, MAX, 0.0);
    start(&mut world, child).await;
    for wait in [300, 100] {
        let crashed = Instant::now();
        world.crash("a").await;
        assert_eq!((world.next().await, world.next().await), ("-a".to_owned(), "+a".to_owned()));
        assert!((wait..wait + 10).contains(&crashed.elapsed().as_millis()), "{:?}", crashed.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn s19_each_attempt_after_a_wait_counts() {
    // Two in ten seconds: the restart itself and one attempt; the third is one too many.
    let world = World::new();
    let tree = Supervisor::one_for_one("top").max_restarts(2, Duration::from_secs(10)).child(
        world.scripted("a", |nth| if nth == 1 { Start::Up } else { Start::Fails }).backoff(MIN, MAX, 0.5),
    );
    let tree = world.node.start(tree).await.unwrap();
    let crashed = Instant::now();
    world.crash("a").await;
    assert!(matches!(world.node.wait(tree).await, Exit::Shutdown));
    assert!((150..310).contains(&crashed.elapsed().as_millis()), "{:?}", crashed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn s19_while_it_waits_requests_are_answered_and_siblings_go_on() {
    let mut world = World::new();
    let child = failing(&world, "a", 2);
    let tree = start(&mut world, child).await;
    Supervisor::start_child(&tree, world.worker("b")).await.unwrap();
    world.crash("a").await;
    assert_eq!(children(tree).await, "~a +b");
    // S27, S29 and S30 for a child that is being restarted.
    let again = Supervisor::start_child(&tree, world.worker("a")).await;
    assert!(matches!(again, Err(ChildError::AlreadyPresent)));
    assert!(matches!(Supervisor::restart_child(&tree, "a").await, Err(ChildError::Restarting)));
    assert!(matches!(Supervisor::delete_child(&tree, "a").await, Err(ChildError::Restarting)));
    world.crash("b").await;
    assert_eq!(children(tree).await, "~a +b");
    assert_eq!(world.log_now(), "+b -a -b +b");
    assert_eq!(world.next().await, "+a");
}

#[tokio::test(start_paused = true)]
async fn s22_terminating_a_child_ends_its_wait() {
    let mut world = World::new();
    let child = failing(&world, "a", 2);
    let tree = start(&mut world, child).await;
    world.crash("a").await;
    assert_eq!(children(tree).await, "~a");
    Supervisor::terminate_child(&tree, "a").await.unwrap();
    assert_eq!(children(tree).await, "-a");
    tokio::time::sleep(10 * MAX).await;
    assert_eq!(children(tree).await, "-a");
    assert_eq!(world.log_now(), "-a");
}

/// An attempt that a stop had overtaken was made all the same when the child had crashed again meanwhile: a second
/// one, which counted.
#[tokio::test(start_paused = true)]
async fn s22_an_attempt_that_was_cancelled_is_not_made_for_a_later_crash() {
    let mut world = World::new();
    let script = |nth| if [2, 4, 5].contains(&nth) { Start::Fails } else { Start::Up };
    let child = world.scripted("a", script).backoff(Duration::from_secs(1), Duration::from_secs(1), 0.0);
    let tree = start(&mut world, child).await;
    world.crash("a").await;
    assert_eq!(children(tree).await, "~a");
    tokio::time::advance(Duration::from_millis(900)).await;
    Supervisor::terminate_child(&tree, "a").await.unwrap();
    Supervisor::restart_child(&tree, "a").await.unwrap();
    let crashed = Instant::now();
    world.crash("a").await;
    assert_eq!(world.log(tree).await, "-a +a -a");
    // Two waits of a second, which the attempt of before does not cut short.
    assert_eq!(world.next().await, "+a");
    assert!((2_000..2_010).contains(&crashed.elapsed().as_millis()), "{:?}", crashed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn s22_a_shutdown_does_not_wait_for_the_next_attempt() {
    let mut world = World::new();
    let child = failing(&world, "a", usize::MAX);
    let tree = start(&mut world, child).await;
    world.crash("a").await;
    assert_eq!(children(tree).await, "~a");
    let began = Instant::now();
    world.node.stop(tree, Exit::Shutdown, None).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn s20_while_a_group_waits_those_that_started_stay_up() {
    let mut world = World::new();
    let b = failing(&world, "b", 2);
    let tree = Supervisor::one_for_all("top").child(world.worker("a")).child(b).child(world.worker("c"));
    let tree = world.node.start(tree).await.unwrap();
    world.log(tree).await;
    world.crash("a").await;
    assert_eq!(world.log(tree).await, "-a -c -b +a");
    assert_eq!(children(tree).await, "+a ~b -c");
    assert_eq!(world.next().await, "-a");
    assert_eq!(world.log(tree).await, "+a +b +c");
}

#[tokio::test(start_paused = true)]
async fn s3_a_backoff_that_makes_no_sense_is_refused() {
    let world = World::new();
    for child in [
        world.worker("a").backoff(Duration::ZERO, MAX, 0.0),
        world.worker("a").backoff(MAX, MIN, 0.0),
        world.worker("a").backoff(MIN, MAX, 2.0),
    ] {
        let tree = Supervisor::one_for_one("top").child(child);
        assert!(matches!(world.node.start(tree).await, Err(StartError::Invalid(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn d4_dynamic_children_wait_alike_and_d5_are_terminated_by_their_old_pids() {
    let mut world = World::new();
    let rooms = DynamicSupervisor::new("rooms").max_children(2);
    let rooms = world.node.start(rooms).await.unwrap();
    let (a, b) = (failing(&world, "a", 2), failing(&world, "b", usize::MAX));
    DynamicSupervisor::start_child(&rooms, a).await.unwrap();
    let old = DynamicSupervisor::start_child(&rooms, b).await.unwrap();
    let crashed = Instant::now();
    world.crash("a").await;
    assert_eq!(world.next().await, "+a");
    assert_eq!(world.next().await, "+b");
    assert_eq!(world.next().await, "-a");
    assert_eq!(world.next().await, "+a");
    assert!((100..110).contains(&crashed.elapsed().as_millis()), "{:?}", crashed.elapsed());

    world.crash("b").await;
    let listed = DynamicSupervisor::which_children(&rooms).await.unwrap();
    assert!(listed.iter().any(|child| child.status == ChildStatus::Restarting), "{listed:?}");
    // It takes its place while it waits (D2).
    let refused = DynamicSupervisor::start_child(&rooms, world.worker("c")).await;
    assert!(matches!(refused, Err(ChildError::MaxChildren(2))));
    DynamicSupervisor::terminate_child(&rooms, old).await.unwrap();
    tokio::time::sleep(10 * MAX).await;
    assert_eq!(DynamicSupervisor::count_children(&rooms).await.unwrap().specs, 1);
}
