//! Races, thousands of rounds on two threads, from a printed seed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use throng_runtime::{Address, Exit, NoProcess, Node, OnExit, ProcessId};

use crate::{
    dice::Dice,
    probe::{Probe, Saw, within},
};

const ROUNDS: u64 = 3_000;

fn spin(dice: &mut Dice) {
    (0..dice.roll(400)).for_each(|_| std::hint::spin_loop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_spawn_link_leaves_no_gap_for_a_child_that_dies_at_once() {
    let node = Node::new("test");
    let (parent, mut seen) = Probe::start_trapping(&node).await;
    for _ in 0..ROUNDS {
        let child =
            within(parent, |ctx| ctx.spawn_link(async |_| Err::<(), _>(Exit::other("at once")))).await;
        assert_eq!(seen.recv().await, Some(Saw::Exited(Some(child), "at once".into())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_a_link_to_a_dying_process_either_fails_or_tells() {
    let mut dice = Dice::new("link against death");
    let node = Node::new("test");
    let (linker, mut seen) = Probe::start_trapping(&node).await;
    for _ in 0..ROUNDS {
        let peer = node.spawn(async |_| std::future::pending::<()>().await);
        let killer = tokio::spawn({
            let node = node.clone();
            async move { node.exit(peer, Exit::Kill) }
        });
        spin(&mut dice);
        if within(linker, move |ctx| ctx.link(peer)).await.is_ok() {
            assert_eq!(seen.recv().await, Some(Saw::Exited(Some(peer), "killed".into())));
        }
        killer.await.unwrap();
    }
    assert!(seen.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p21_a_monitor_against_death_gives_exactly_one_down() {
    let mut dice = Dice::new("monitor against death");
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    for _ in 0..ROUNDS {
        let target = node.spawn(async |_| std::future::pending::<()>().await);
        let killer = tokio::spawn({
            let node = node.clone();
            async move { node.exit(target, Exit::Kill) }
        });
        spin(&mut dice);
        let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
        let Some(Saw::Down(which, who, reason)) = seen.recv().await else { panic!("no down") };
        assert_eq!((which, who), (monitor, target));
        assert!(reason == "killed" || reason == "no such process", "{reason}");
        killer.await.unwrap();
    }
    assert!(seen.try_recv().is_err(), "more downs than monitors");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p24_a_demonitor_against_death_tells_the_truth() {
    let mut dice = Dice::new("demonitor against death");
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    for _ in 0..ROUNDS {
        let target = node.spawn(async |_| std::future::pending::<()>().await);
        let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
        let killer = tokio::spawn({
            let node = node.clone();
            async move { node.exit(target, Exit::Kill) }
        });
        spin(&mut dice);
        if !within(watcher, move |ctx| ctx.demonitor(monitor)).await {
            assert!(matches!(seen.recv().await, Some(Saw::Down(which, ..)) if which == monitor));
        }
        killer.await.unwrap();
        assert!(seen.try_recv().is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p13_an_unlink_against_death_leaves_the_caller_alive() {
    let mut dice = Dice::new("unlink against death");
    let node = Node::new("test");
    let (survivor, _seen) = Probe::start(&node).await;
    for round in 0..ROUNDS {
        let peer = within(survivor, |ctx| {
            let peer = ctx.node().spawn(async |_| std::future::pending::<()>().await);
            ctx.link(peer).unwrap();
            peer
        })
        .await;
        let spin = dice.roll(400);
        within(survivor, move |ctx| {
            let node = ctx.node().clone();
            let killer = std::thread::spawn(move || node.exit(peer, Exit::Kill));
            (0..spin).for_each(|_| std::hint::spin_loop());
            ctx.unlink(peer);
            killer.join().unwrap();
        })
        .await;
        node.wait(peer).await;
        assert!(node.is_alive(survivor), "round {round}: an unlinked peer took the caller down");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p29_a_call_against_death_always_ends() {
    let mut dice = Dice::new("call against death");
    let node = Node::new("test");
    for _ in 0..ROUNDS {
        let (server, _seen) = Probe::start(&node).await;
        let killer = tokio::spawn({
            let node = node.clone();
            async move { node.exit(server, Exit::Kill) }
        });
        spin(&mut dice);
        // Without a timeout: a call that was neither answered nor told of the death would hang here.
        let _ = server.call(crate::probe::Note(1)).no_timeout().await;
        killer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x8_a_hook_that_was_set_from_elsewhere_runs_once() {
    #[derive(Default)]
    struct Count(AtomicUsize);
    impl OnExit for Count {
        fn process_exited(&self, _: ProcessId, _: &Exit) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let node = Node::new("test");
    let mut dice = Dice::new("x8");
    for round in 0..ROUNDS {
        let process = node.spawn(async |_| std::future::pending::<()>().await);
        let killer = {
            let (node, spin) = (node.clone(), dice.roll(400));
            tokio::task::spawn_blocking(move || {
                (0..spin).for_each(|_| std::hint::spin_loop());
                node.exit(process, Exit::Kill);
            })
        };
        spin(&mut dice);
        let hook = Arc::<Count>::default();
        let set = node.on_exit(process, hook.clone());
        let again = node.on_exit(process, hook.clone());
        killer.await.unwrap();
        node.wait(process).await;
        let ran = hook.0.load(Ordering::Relaxed);
        assert!(set.is_ok() || again.is_err(), "the dead rose in round {round}");
        assert!(set.is_err() || ran >= 1, "it did not run in round {round}");
        // Set again while the process ends, it may run again.
        assert!(again.is_err() || ran == 1, "it ran {ran} times in round {round}");
        assert_eq!(node.on_exit(process, hook), Err(NoProcess { pid: process }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p9_a_monitor_of_the_dead_never_watches_who_comes_after() {
    let mut dice = Dice::new("monitor against reuse");
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    for _ in 0..ROUNDS {
        let target = node.spawn(async |_| ());
        // Takes the slot as soon as it is free, and keeps it: whoever watched this one by mistake would wait for ever.
        let squatter = tokio::spawn({
            let node = node.clone();
            let spins = dice.roll(200);
            async move {
                (0..spins).for_each(|_| std::hint::spin_loop());
                node.spawn(async |_| std::future::pending::<()>().await)
            }
        });
        spin(&mut dice);
        let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
        assert!(
            matches!(seen.recv().await, Some(Saw::Down(which, who, _)) if (which, who) == (monitor, target))
        );
        assert!(!node.is_alive(target));
        node.exit(squatter.await.unwrap(), Exit::Kill);
    }
}
