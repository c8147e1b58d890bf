//! Partition supervisors (R1 to R4).

use std::{collections::BTreeSet, num::NonZero, sync::Arc, thread, time::Duration};

use throng_runtime::{
    Address, CallError, ChildError, ChildStatus, Ctx, DynamicSupervisor, Exit, GenServer, Handled, Handler,
    Init, Message, Name, Node, Partition, PartitionSupervisor, ProcessId, ResizeError, Restart, StartError,
    Supervisor,
};

#[path = "../support/dice.rs"]
mod dice;

/// Knows what it was started with, and counts.
struct Counter {
    start: u64,
    count: u64,
}

impl GenServer for Counter {
    type Args = u64;

    async fn init(start: u64, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Counter { start, count: 0 })
    }
}

/// Who it is, what it was started with, how often it was asked.
struct Ask;

impl Message for Ask {
    type Reply = (ProcessId, u64, u64);
}

impl Handler<Ask> for Counter {
    async fn handle(&mut self, _: Ask, ctx: &mut Ctx<Self>) -> Handled<Ask> {
        self.count += 1;
        Ok((ctx.id(), self.start, self.count))
    }
}

fn counters(partitions: usize) -> PartitionSupervisor<Counter> {
    PartitionSupervisor::of("counters", Counter::child(100))
        .partitions(partitions)
        .with_arguments(|start, partition| start + partition as u64)
        .max_restarts(usize::MAX, Duration::from_secs(1))
}

async fn started(node: &Node, partitions: usize) -> PartitionSupervisor<Counter> {
    let counters = counters(partitions);
    node.start(&counters).await.unwrap();
    counters
}

/// Which partition a key comes to, as its process says.
async fn partition_of(address: Partition<Counter>) -> u64 {
    address.call(Ask).await.unwrap().1 - 100
}

#[tokio::test]
async fn r1_each_partition_is_a_child_with_its_number_and_its_own_arguments() {
    let node = Node::new("test");
    let counters = started(&node, 3).await;
    let children = Supervisor::which_children(&counters.supervisor()).await.unwrap();
    let ids: Vec<_> = children.iter().rev().map(|child| child.id.as_str()).collect();
    assert_eq!(ids, ["0", "1", "2"]);
    for key in 0..3_u64 {
        assert_eq!(counters.via(&key).call(Ask).await.unwrap().1, 100 + key);
    }
    // Restarted from the same arguments, one for one.
    let before: Vec<_> = (0..3_u8).map(|key| counters.via(&key).resolve().unwrap()).collect();
    node.exit(before[1], Exit::Kill);
    node.wait(before[1]).await;
    Supervisor::count_children(&counters.supervisor()).await.unwrap();
    assert_eq!(counters.via(&1).call(Ask).await.unwrap().1, 101);
    let after: Vec<_> = (0..3_u8).map(|key| counters.via(&key).resolve().unwrap()).collect();
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert_ne!(after[1], before[1]);
}

#[tokio::test]
async fn r1_there_are_as_many_as_cores_and_three_restarts_in_five_seconds_unless_told_otherwise() {
    let node = Node::new("test");
    let counters = PartitionSupervisor::of("counters", Counter::child(0));
    assert_eq!(counters.count(), thread::available_parallelism().map_or(1, NonZero::get));
    let tree = node.start(&counters).await.unwrap();
    for _ in 0..4 {
        let victim = counters.via(&0).resolve().unwrap();
        node.exit(victim, Exit::Kill);
        node.wait(victim).await;
        let _ = Supervisor::count_children(&tree).await;
    }
    assert!(matches!(node.wait(tree).await, Exit::Shutdown | Exit::NoProcess));
    assert!(counters.via(&0).resolve().is_none());
}

#[tokio::test]
async fn d8_a_partitioned_dynamic_supervisor_starts_children_side_by_side() {
    let node = Node::new("test");
    let rooms = PartitionSupervisor::of("rooms", DynamicSupervisor::new("rooms")).partitions(2);
    node.start(&rooms).await.unwrap();
    for key in 0..10_u64 {
        DynamicSupervisor::start_child(&rooms.via(&key), Counter::child(key)).await.unwrap();
    }
    for key in [0, 1] {
        assert_eq!(DynamicSupervisor::count_children(&rooms.via(&key)).await.unwrap().active, 5);
    }
    let partitions = Supervisor::count_children(&rooms.supervisor()).await.unwrap();
    assert_eq!((partitions.supervisors, partitions.workers), (2, 0));
}

#[tokio::test]
async fn r2_integers_are_routed_by_their_absolute_value_and_all_else_by_a_hash() {
    let node = Node::new("test");
    let counters = started(&node, 4).await;
    for (key, partition) in [(0_i64, 0), (5, 1), (-5, 1), (7, 3), (-8, 0), (i64::MIN, 0)] {
        assert_eq!(partition_of(counters.via(&key)).await, partition, "{key}");
    }
    assert_eq!(partition_of(counters.via(&u128::MAX)).await, 3);
    let mut seen = BTreeSet::new();
    for name in 0..100 {
        let key = format!("user:{name}");
        let partition = partition_of(counters.via(&key)).await;
        assert_eq!(partition_of(counters.via(key.as_str())).await, partition, "{key}");
        seen.insert(partition);
    }
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn r3_shrinking_stops_the_last_and_growing_starts_them_again() {
    let node = Node::new("test");
    let counters = started(&node, 8).await;
    let supervisor = counters.supervisor();
    let last = counters.via(&7).resolve().unwrap();
    assert_eq!(counters.resize(4).await.unwrap(), 8);
    assert!(!node.is_alive(last));
    let count = Supervisor::count_children(&supervisor).await.unwrap();
    assert_eq!((count.active, count.specs), (4, 8));
    assert_eq!(partition_of(counters.via(&7)).await, 3);

    let kept = counters.via(&3).resolve().unwrap();
    assert_eq!(counters.resize(6).await.unwrap(), 4);
    assert_eq!(Supervisor::count_children(&supervisor).await.unwrap().active, 6);
    assert_eq!(partition_of(counters.via(&5)).await, 5);
    assert_eq!(counters.via(&3).resolve(), Some(kept), "those that ran run on");

    assert_eq!(counters.resize(6).await.unwrap(), 6);
    assert_eq!(counters.resize(0).await.unwrap(), 6);
    assert!(matches!(counters.via(&3).call(Ask).await, Err(CallError::NoProcess { .. })));
    assert_eq!(Supervisor::count_children(&supervisor).await.unwrap().active, 0);
    assert_eq!(counters.resize(8).await.unwrap(), 0);
    assert_eq!(partition_of(counters.via(&7)).await, 7);

    let refused = counters.resize(9).await;
    assert!(matches!(refused, Err(ResizeError::TooMany { asked: 9, made: 8 })), "{refused:?}");
    assert_eq!(counters.count(), 8);
}

#[tokio::test]
async fn r3_a_partition_that_does_not_start_again_leaves_the_routes_as_they_were() {
    /// Refuses to be the second of its kind once its switch is off.
    struct Picky;
    impl GenServer for Picky {
        type Args = (usize, Arc<std::sync::atomic::AtomicBool>);
        async fn init((partition, broken): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
            if partition == 2 && broken.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(Exit::other("no disk").into());
            }
            Ok(Picky)
        }
    }
    let node = Node::new("test");
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let picky = PartitionSupervisor::of("picky", Picky::child((0, broken.clone())))
        .partitions(3)
        .with_arguments(|(_, broken), partition| (partition, broken));
    node.start(&picky).await.unwrap();
    picky.resize(1).await.unwrap();
    broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let failed = picky.resize(3).await;
    assert!(
        matches!(failed, Err(ResizeError::Child(ChildError::Start(StartError::Exited(_))))),
        "{failed:?}"
    );
    assert_eq!(picky.count(), 1);
    // The second, which had started, does not run for nobody.
    assert_eq!(Supervisor::count_children(&picky.supervisor()).await.unwrap().active, 1);
    broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(picky.resize(3).await.unwrap(), 1);
    assert!(picky.via(&2).resolve().is_some());
}

#[tokio::test]
async fn r3_temporary_partitions_come_back_as_well() {
    let node = Node::new("test");
    let child = Counter::child(0).restart(Restart::Temporary);
    let counters = PartitionSupervisor::of("counters", child).partitions(2);
    node.start(&counters).await.unwrap();
    counters.resize(1).await.unwrap();
    counters.resize(2).await.unwrap();
    assert!(counters.via(&1).call(Ask).await.is_ok());
}

#[tokio::test]
async fn r3_a_supervisor_that_is_restarted_has_all_its_partitions_again() {
    let node = Node::new("test");
    let counters = counters(4);
    let top = node.start(Supervisor::one_for_one("top").child(&counters)).await.unwrap();
    counters.resize(2).await.unwrap();
    let supervisor = counters.supervisor().resolve().unwrap();
    node.exit(supervisor, Exit::Kill);
    node.wait(supervisor).await;
    Supervisor::count_children(&top).await.unwrap();
    assert_eq!(counters.count(), 4);
    assert_eq!(partition_of(counters.via(&3)).await, 3);
}

#[tokio::test]
async fn r4_nobody_is_there_before_the_start_and_after_the_end() {
    let node = Node::new("test");
    let counters = counters(2);
    let gone = |result| matches!(result, Err(CallError::NoProcess { .. }));
    assert!(gone(counters.via(&1).call(Ask).await));
    assert!(matches!(
        counters.resize(1).await,
        Err(ResizeError::Child(ChildError::Supervisor(CallError::NoProcess { .. })))
    ));
    // The start is synchronous: when it returns all partitions answer.
    let tree = node.start(&counters).await.unwrap();
    assert!(counters.via(&0).call(Ask).await.is_ok());
    assert!(counters.via(&1).call(Ask).await.is_ok());
    let second = node.start(&counters).await;
    assert!(
        matches!(second, Err(StartError::AlreadyStarted { holder, .. }) if holder == tree.id()),
        "{second:?}"
    );
    node.stop(tree, Exit::Shutdown, None).await.unwrap();
    let error = counters.via(&1).call(Ask).await.unwrap_err();
    assert_eq!(error.to_string(), "counters is not there");
}

#[tokio::test]
async fn r4_what_cannot_be_partitioned_is_refused_at_the_start() {
    const NAME: Name<Counter> = Name::new("counter");
    let node = Node::new("test");
    let significant = Counter::child(0).restart(Restart::Transient).significant();
    for refused in [
        PartitionSupervisor::of("significant", significant),
        PartitionSupervisor::of("named", Counter::child(0).name(NAME)),
        PartitionSupervisor::of("none", Counter::child(0)).partitions(0),
    ] {
        let error = node.start(&refused).await.unwrap_err();
        assert!(matches!(error, StartError::Invalid(_)), "{error}");
    }
}

/// Whoever calls while partitions crash and the count changes is answered by the right one or told that nobody is there, and in the
/// end all is as it should be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_routes_stay_right_while_partitions_crash_and_their_number_changes() {
    const ROUNDS: u64 = 2_000;
    let node = Node::new("test");
    let counters = started(&node, 8).await;
    let caller = tokio::spawn({
        let counters = counters.clone();
        async move {
            let mut answered = 0;
            for key in 0..ROUNDS * 4 {
                match counters.via(&key).call(Ask).await {
                    // The count may be another by the time of the answer, but the key fits one of them.
                    Ok((_, start, _)) => {
                        assert!((1..=8).any(|partitions| key % partitions == start - 100), "{key}: {start}");
                        answered += 1;
                    }
                    Err(CallError::NoProcess { .. } | CallError::Exited { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            answered
        }
    });
    let mut dice = dice::Dice::new("routes");
    for _ in 0..ROUNDS {
        match dice.roll(4) {
            0 => drop(counters.resize(1 + dice.roll(8) as usize).await.unwrap()),
            _ => counters.via(&dice.roll(8)).exit(Exit::Kill),
        }
    }
    assert!(caller.await.unwrap() > 0);
    counters.resize(8).await.unwrap();
    let children = Supervisor::which_children(&counters.supervisor()).await.unwrap();
    for (key, child) in children.iter().rev().enumerate() {
        // One that was killed last may be on its way.
        let ChildStatus::Running(pid) = child.status else { panic!("{child:?}") };
        let routed = counters.via(&key).resolve().map(|pid| pid.id());
        assert!(routed == Some(pid) || !node.is_alive(pid), "{key}: {routed:?}, not {pid}");
    }
}

#[tokio::test]
async fn r3_a_resize_without_a_supervisor_routes_to_as_many_as_before() {
    let node = Node::new("test");
    let counters = counters(4);
    for partitions in [2, 0] {
        assert!(matches!(counters.resize(partitions).await, Err(ResizeError::Child(_))));
        assert_eq!(counters.count(), 4);
    }
    node.start(&counters).await.unwrap();
    assert_eq!(counters.resize(2).await.unwrap(), 4);
}

/// A supervisor that is killed while it shrinks comes back with all its partitions. What was still to be stopped would then be
/// stopped there, and routed to for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_whatever_dies_during_a_resize_each_partition_that_is_routed_to_runs() {
    let node = Node::new("test");
    let mut dice = dice::Dice::new("whatever_dies_during_a_resize");
    let counters = counters(8);
    let top =
        Supervisor::one_for_one("top").max_restarts(usize::MAX, Duration::from_secs(1)).child(&counters);
    let top = node.start(top).await.unwrap();
    for round in 0..3_000 {
        let supervisor = counters.supervisor().resolve().unwrap();
        let (killer, spins) = (node.clone(), dice.roll(30_000));
        let kill = tokio::spawn(async move {
            (0..spins).for_each(|_| std::hint::spin_loop());
            killer.exit(supervisor, Exit::Kill);
        });
        let partitions = dice.roll(8) as usize;
        let _ = counters.resize(partitions).await;
        kill.await.unwrap();
        node.wait(supervisor).await;
        Supervisor::count_children(&top).await.unwrap();
        Supervisor::count_children(&counters.supervisor()).await.unwrap();
        for key in 0..counters.count() {
            let partition = counters.via(&key).resolve();
            assert!(partition.is_some(), "round {round}: {key} of {} does not run", counters.count());
        }
        counters.resize(8).await.unwrap();
    }
}
