//! Crashes without end under supervisors: none is lost, none is seen twice, the registry is exact, and the heap is as before.
//!
//! 20,000 crashes, unless `THRONG_CRASHES` says how many; a million take less than a minute in a release build. The heap is counted
//! by the allocator, so this file has one test and no neighbours.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{
    alloc::System,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use throng_runtime::{
    Address, Ctx, DynamicSupervisor, Exit, GenServer, Handled, Handler, Init, Message, Name, Node, Pid,
    Registry, Supervisor, census::Census,
};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Half of them under a supervisor, half under a dynamic one.
const WORKERS: u64 = 64;
/// Enough to reach every high-water mark: tables, slabs, thread caches.
const WARM_UP_ROUNDS: u64 = 100;
/// Hash maps and the like may stand at another size than before.
const SLACK: isize = 64 * 1024;

const POOL: Name<DynamicSupervisor> = Name::new("pool");
const STATIC: Name<Supervisor> = Name::new("static");

/// Counts its starts, which outlive it, and crashes when told to.
struct Worker {
    incarnation: u64,
}

impl GenServer for Worker {
    type Args = Arc<AtomicU64>;

    async fn init(starts: Arc<AtomicU64>, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self { incarnation: starts.fetch_add(1, Ordering::SeqCst) + 1 })
    }
}

struct Panic;

impl Message for Panic {
    type Reply = ();
}

impl Handler<Panic> for Worker {
    async fn handle(&mut self, _: Panic, _: &mut Ctx<Self>) -> Handled<Panic> {
        panic!("as planned, for the {}. time", self.incarnation)
    }
}

struct Fail;

impl Message for Fail {
    type Reply = ();
}

impl Handler<Fail> for Worker {
    async fn handle(&mut self, _: Fail, _: &mut Ctx<Self>) -> Handled<Fail> {
        Err(Exit::other("as planned").into())
    }
}

/// The how-manieth it is.
struct Incarnation;

impl Message for Incarnation {
    type Reply = u64;
}

impl Handler<Incarnation> for Worker {
    async fn handle(&mut self, _: Incarnation, _: &mut Ctx<Self>) -> Handled<Incarnation> {
        Ok(self.incarnation)
    }
}

/// A tree of workers under keys of a registry.
struct Tree {
    node: Node,
    top: Pid<Supervisor>,
    names: Registry<u64>,
    starts: Vec<Arc<AtomicU64>>,
}

impl Tree {
    async fn start(node: &Node) -> Self {
        let names = Registry::new();
        let starts: Vec<_> = (0..WORKERS).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let worker =
            |key: u64| Worker::child(starts[key as usize].clone()).id(key.to_string()).via(names.via(key));
        // Budgets that hold whatever a machine can do in a second, and count it.
        let limit = (5_000_000, Duration::from_secs(1));
        let fixed = Supervisor::one_for_one("static").max_restarts(limit.0, limit.1).name(STATIC);
        let fixed = (0..WORKERS / 2).fold(fixed, |fixed, key| fixed.child(worker(key)));
        let pool = DynamicSupervisor::new("pool").max_restarts(limit.0, limit.1).name(POOL);
        let top = node.start(Supervisor::one_for_all("top").child(fixed).child(pool)).await.unwrap();
        for key in WORKERS / 2..WORKERS {
            DynamicSupervisor::start_child(&node.via(POOL), worker(key)).await.unwrap();
        }
        Self { node: node.clone(), top, names, starts }
    }

    /// Has every worker crash once, and looks at what became of it.
    async fn round(&self, round: u64) {
        let victims: Vec<Pid<Worker>> = (0..WORKERS).map(|key| self.names.whereis(&key).unwrap()).collect();
        for (key, victim) in victims.iter().enumerate() {
            match (round + key as u64) % 3 {
                0 => victim.cast(Panic).unwrap(),
                1 => victim.cast(Fail).unwrap(),
                _ => victim.exit(Exit::Kill),
            }
        }
        for victim in &victims {
            self.node.wait(victim).await;
        }
        // Each supervisor was told before this question reaches it.
        let fixed = Supervisor::count_children(&self.node.via(STATIC)).await.unwrap();
        let pool = DynamicSupervisor::count_children(&self.node.via(POOL)).await.unwrap();
        let half = WORKERS as usize / 2;
        assert_eq!((fixed.specs, fixed.active, pool.specs, pool.active), (half, half, half, half));
        assert_eq!(self.names.count(), WORKERS as usize);
        for (key, victim) in victims.iter().enumerate() {
            let key = key as u64;
            let heir = self.names.whereis::<Worker>(&key).unwrap();
            assert_ne!(heir, *victim, "round {round}, worker {key}");
            assert!(self.names.keys(*victim).is_empty(), "round {round}, worker {key}");
            assert_eq!(self.names.keys(heir), [key]);
            // One start for each crash, and the first.
            assert_eq!(heir.call(Incarnation).await.unwrap(), round + 2, "round {round}, worker {key}");
            assert_eq!(self.starts[key as usize].load(Ordering::SeqCst), round + 2);
        }
    }

    async fn stop(self) {
        self.node.stop(self.top, Exit::Shutdown, None).await.unwrap();
        assert_eq!(self.names.count(), 0);
        let shared = self.starts.iter().filter(|starts| Arc::strong_count(starts) > 1).count();
        assert_eq!(shared, 0, "a worker's words are still held");
    }
}

/// Starts a tree, has it crash so many times all over, and stops it.
async fn live(node: &Node, rounds: u64) {
    let tree = Tree::start(node).await;
    for round in 0..rounds {
        tree.round(round).await;
    }
    tree.stop().await;
    while Census::take(node) != (Census { processes: 0, timers: 0 }) {
        tokio::task::yield_now().await;
    }
}

fn live_bytes() -> isize {
    let stats = HEAP.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s9_every_crash_is_one_restart_and_nothing_is_left_of_it() {
    let crashes = std::env::var("THRONG_CRASHES").map_or(20_000, |crashes| crashes.parse::<u64>().unwrap());
    let rounds = crashes.div_ceil(WORKERS);
    let node = Node::new("soak");
    live(&node, WARM_UP_ROUNDS.min(rounds)).await;
    let before = live_bytes();
    live(&node, rounds).await;
    let grown = live_bytes() - before;
    println!("{} crashes, {grown} bytes more on the heap", rounds * WORKERS);
    assert!(grown < SLACK, "{} crashes left {grown} bytes behind", rounds * WORKERS);
    assert!(node.whereis(STATIC).is_none() && node.whereis(POOL).is_none());
}
