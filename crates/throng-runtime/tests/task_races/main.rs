//! Tasks in races, from printed seeds: whatever wins, nothing is left. A process of its own, because the census counts all
//! processes of a program.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "../support/consumer.rs"]
mod consumer;
#[path = "../support/dice.rs"]
mod dice;

use std::{future::pending, time::Duration};

use throng_runtime::{
    Address, Ctx, Exit, GenServer, Handled, Handler, Message, Node, OnStreamTimeout, Pid, Shutdown,
    TaskSupervisor, census::Census,
};
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot};

use crate::{consumer::Consumer, dice::Dice};

const ROUNDS: u64 = 2_000;

/// Held by the test whose processes are counted.
static COUNTED: Mutex<()> = Mutex::const_new(());

/// A node of which nothing may be left but what was there at the beginning.
struct Counted {
    node: Node,
    before: Census,
    _alone: MutexGuard<'static, ()>,
}

impl Counted {
    async fn new() -> Self {
        let alone = COUNTED.lock().await;
        let node = Node::new("test");
        Self { before: Census::take(&node), node, _alone: alone }
    }

    /// What is there now is meant to be.
    fn begin(&mut self) {
        self.before = Census::take(&self.node);
    }

    /// Waits until there are no more processes than at the beginning: one is gone a moment after it told so.
    async fn no_process_is_left(&self, round: u64) {
        self.comes_to(|census| census.processes == self.before.processes, round).await;
    }

    /// Also no timer: a process that waited with a deadline keeps one at most, until it ends or wakes of it.
    async fn nothing_is_left(&self) {
        self.comes_to(|census| census == self.before, ROUNDS).await;
    }

    async fn comes_to(&self, hoped: impl Fn(Census) -> bool, round: u64) {
        let looking = async {
            while !hoped(Census::take(&self.node)) {
                tokio::task::yield_now().await;
            }
        };
        let there = tokio::time::timeout(Duration::from_secs(60), looking).await;
        assert!(there.is_ok(), "round {round}: {:?} in place of {:?}", Census::take(&self.node), self.before);
    }
}

/// Some turns of others.
async fn turns(count: u64) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_handle_is_dropped_runs_on_and_leaves_nothing() {
    let counted = Counted::new().await;
    let (tell, told) = oneshot::channel();
    drop(counted.node.task(async move {
        turns(1).await;
        tell.send(()).unwrap();
    }));
    told.await.unwrap();
    counted.nothing_is_left().await;
}

/// Takes some elements of a stream, and ends it: by a halt, or by dropping it.
struct TakeSome {
    take: u64,
    halts: bool,
    ordered: bool,
    turns: u64,
    tasks: Option<Pid<TaskSupervisor>>,
}

impl Message for TakeSome {
    type Reply = ();
}

macro_rules! take_some {
    ($stream:expr, $plan:expr) => {{
        let mut stream = $stream.max_concurrency(4).ordered($plan.ordered);
        for _ in 0..$plan.take {
            drop(stream.next().await);
        }
        if $plan.halts {
            stream.halt().await;
        }
    }};
}

impl Handler<TakeSome> for Consumer {
    async fn handle(&mut self, plan: TakeSome, ctx: &mut Ctx<Self>) -> Handled<TakeSome> {
        let most = plan.turns;
        let work = move |number: u64| async move {
            turns(number * 7 % (most + 1)).await;
            assert!(number % 5 != 4, "an unlucky number");
        };
        match plan.tasks {
            None => take_some!(ctx.async_stream(0..12, work), plan),
            Some(tasks) => take_some!(TaskSupervisor::async_stream(tasks, 0..12, work), plan),
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t8_an_early_halt_against_the_ends_of_tasks_leaves_nothing() {
    let mut dice = Dice::new("halt against completion");
    let mut counted = Counted::new().await;
    let all_gone = counted.before;
    let (tell, mut told) = mpsc::unbounded_channel();
    let consumer = counted.node.start(Consumer::child(tell)).await.unwrap();
    let tasks = counted.node.start(TaskSupervisor::new("tasks")).await.unwrap();
    counted.begin();
    for round in 0..ROUNDS {
        let plan = TakeSome {
            take: dice.roll(14),
            halts: dice.roll(2) == 0,
            ordered: dice.roll(2) == 0,
            turns: dice.roll(8),
            tasks: (dice.roll(3) == 0).then_some(tasks),
        };
        consumer.call(plan).no_timeout().await.unwrap();
        counted.no_process_is_left(round).await;
        tasks.sync().await.unwrap();
        assert_eq!(TaskSupervisor::children(&tasks).await.unwrap(), [], "round {round}");
        consumer.sync().await.unwrap();
        assert_eq!(told.try_recv().ok(), None, "round {round} left a message");
    }
    counted.node.exit(consumer, Exit::Kill);
    counted.node.exit(tasks, Exit::Kill);
    counted.before = all_gone;
    counted.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t8_a_timeout_against_a_result_gives_one_of_the_two_for_each_element() {
    let mut dice = Dice::new("timeout against result");
    let counted = Counted::new().await;
    for round in 0..300 {
        let time = Duration::from_millis(1 + dice.roll(2));
        let mut stream = counted
            .node
            .async_stream(0..8_u32, move |number| async move {
                tokio::time::sleep(time).await;
                number
            })
            .zip_input_on_exit()
            .max_concurrency(8)
            .timeout(Duration::from_millis(1 + dice.roll(2)))
            .on_timeout(OnStreamTimeout::KillTask);
        let mut seen = Vec::new();
        while let Some(result) = stream.next().await {
            seen.push(match result {
                Ok(number) | Err((number, Exit::Timeout)) => number,
                Err((number, reason)) => panic!("round {round}: {number} ended with {reason}"),
            });
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>(), "round {round}");
        drop(stream);
        counted.no_process_is_left(round).await;
    }
    counted.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t8_the_death_of_a_consumer_against_the_starts_of_its_tasks_leaves_nothing() {
    let mut dice = Dice::new("death of a consumer");
    let counted = Counted::new().await;
    for round in 0..ROUNDS {
        let linked = dice.roll(2) == 0;
        let consumer = counted.node.spawn(async move |ctx| {
            if linked {
                let mut stream = ctx.async_stream(0.., turns).max_concurrency(4);
                while stream.next().await.is_some() {}
            } else {
                let mut stream = ctx.async_stream_nolink(0.., turns).max_concurrency(4);
                while stream.next().await.is_some() {}
            }
        });
        turns(dice.roll(20)).await;
        counted.node.exit(consumer, if dice.roll(2) == 0 { Exit::Kill } else { Exit::other("boom") });
        counted.no_process_is_left(round).await;
    }
    counted.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_the_death_of_an_owner_against_the_start_of_its_task_leaves_no_orphan() {
    let mut dice = Dice::new("death of an owner");
    let mut counted = Counted::new().await;
    let all_gone = counted.before;
    let tasks = counted.node.start(TaskSupervisor::new("tasks")).await.unwrap();
    counted.begin();
    for round in 0..ROUNDS {
        let owner = counted.node.spawn(async move |ctx| {
            let task = TaskSupervisor::task(&tasks, &ctx, pending::<()>()).await.unwrap();
            drop(task.await);
        });
        turns(dice.roll(12)).await;
        counted.node.exit(owner, if dice.roll(2) == 0 { Exit::Kill } else { Exit::other("boom") });
        counted.node.wait(owner).await;
        counted.no_process_is_left(round).await;
        tasks.sync().await.unwrap();
        assert_eq!(TaskSupervisor::children(&tasks).await.unwrap(), [], "round {round}");
    }
    counted.node.exit(tasks, Exit::Kill);
    counted.before = all_gone;
    counted.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_the_end_of_a_supervisor_against_the_starts_of_tasks_leaves_nothing() {
    let mut dice = Dice::new("end of a supervisor");
    let counted = Counted::new().await;
    for round in 0..ROUNDS {
        let tasks = counted.node.start(TaskSupervisor::new("tasks")).await.unwrap();
        let starts = tokio::spawn(async move {
            while TaskSupervisor::start_child(&tasks, pending::<()>()).await.is_ok() {}
        });
        let mut stream = TaskSupervisor::async_stream_nolink(tasks, 0..4_u64, turns);
        let consumer = tokio::spawn(async move { while stream.next().await.is_some() {} });
        turns(dice.roll(12)).await;
        if dice.roll(2) == 0 {
            counted.node.stop(tasks, Exit::Shutdown, None).await.unwrap();
        } else {
            counted.node.exit(tasks, Exit::Kill);
        }
        starts.await.unwrap();
        consumer.await.unwrap();
        counted.no_process_is_left(round).await;
    }
    counted.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_a_shutdown_against_a_result_under_a_supervisor_leaves_nothing() {
    let mut dice = Dice::new("supervised shutdown against result");
    let mut counted = Counted::new().await;
    let all_gone = counted.before;
    let tasks = counted.node.start(TaskSupervisor::new("tasks")).await.unwrap();
    counted.begin();
    for round in 0..ROUNDS {
        let (work, wait, how) = (dice.roll(6), dice.roll(6), dice.roll(3));
        let (survive, survived) = oneshot::channel();
        counted.node.spawn(async move |ctx| {
            let task = TaskSupervisor::task(&tasks, &ctx, turns(work)).await.unwrap();
            turns(wait).await;
            let outcome = match how {
                0 => task.shutdown(Shutdown::Kill).await,
                1 => task.shutdown(Shutdown::Infinity).await,
                _ => task.ignore(),
            };
            survive.send(outcome).unwrap();
        });
        let outcome = survived.await;
        assert!(matches!(outcome, Ok(None | Some(Ok(())))), "round {round}: {outcome:?}");
        counted.no_process_is_left(round).await;
    }
    counted.node.exit(tasks, Exit::Kill);
    counted.before = all_gone;
    counted.nothing_is_left().await;
}
