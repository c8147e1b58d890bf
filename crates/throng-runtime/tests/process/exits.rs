use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use throng_runtime::{Address, Exit, Node, ProcessId};

use crate::probe::{Note, Probe, Saw, end, sync, within};

#[tokio::test]
async fn p6_spawn_returns_at_once_and_the_child_may_be_gone_by_then() {
    let node = Node::new("test");
    let child = node.spawn(async |_| ());
    assert!(matches!(node.wait(child).await, Exit::Normal | Exit::NoProcess));
}

#[tokio::test]
async fn p8_the_end_of_the_body_is_the_reason() {
    let node = Node::new("test");
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let held = |reason: Result<(), Exit>| {
        let gate = gate.clone();
        node.spawn(async move |_| {
            gate.acquire().await?.forget();
            reason
        })
    };
    let normal = held(Ok(()));
    let failed = held(Err(Exit::other("boom")));
    let panicking = {
        let gate = gate.clone();
        node.spawn(async move |_| {
            gate.acquire().await.unwrap().forget();
            if gate.available_permits() < 99 {
                panic!("no {}", "bananas");
            }
        })
    };
    let (normal, failed, panicking) = tokio::join!(node.wait(normal), node.wait(failed), async {
        gate.add_permits(3);
        node.wait(panicking).await
    });
    assert!(matches!(normal, Exit::Normal));
    assert_eq!(failed.to_string(), "boom");
    let Exit::Panic(panic) = panicking else { panic!("{panicking} is no panic") };
    assert_eq!(panic.message(), "no bananas");
    assert!(panic.location().is_some_and(|place| place.contains("exits.rs")), "{panic}");
}

#[tokio::test]
async fn p9_a_pid_of_a_dead_process_never_means_a_new_one() {
    let node = Node::new("test");
    let dead: Vec<ProcessId> = (0..500).map(|_| node.spawn(async |_| ())).collect();
    for process in &dead {
        node.wait(*process).await;
    }
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let alive: Vec<ProcessId> = (0..500)
        .map(|_| {
            let gate = gate.clone();
            node.spawn(async move |_| drop(gate.acquire().await))
        })
        .collect();
    assert!(alive.iter().all(|process| !dead.contains(process)));
    for process in dead {
        assert!(!node.is_alive(process));
        assert!(matches!(node.wait(process).await, Exit::NoProcess));
        node.exit(process, Exit::Kill);
    }
    assert!(
        alive.iter().all(|process| node.is_alive(*process)),
        "an exit to a dead pid reached another process"
    );
}

#[tokio::test]
async fn p16_a_kill_cannot_be_refused_and_is_seen_as_killed() {
    let node = Node::new("test");
    let (victim, _) = Probe::start_trapping(&node).await;
    let (watcher, mut seen) = Probe::start_trapping(&node).await;
    within(watcher, move |ctx| ctx.link(victim)).await.unwrap();
    victim.exit(Exit::Kill);
    assert_eq!(seen.recv().await, Some(Saw::Exited(Some(victim.id()), "killed".into())));
}

#[tokio::test]
async fn p17_a_normal_request_is_ignored_or_trapped_but_ones_own_is_obeyed() {
    let node = Node::new("test");
    let (deaf, _a) = Probe::start(&node).await;
    let (trapping, mut seen) = Probe::start_trapping(&node).await;
    deaf.exit(Exit::Normal);
    trapping.exit(Exit::Normal);
    sync(deaf).await;
    assert_eq!(seen.recv().await, Some(Saw::Exited(None, "normal".into())));
    let own = node.spawn(async |ctx| {
        ctx.exit(ctx.id(), Exit::Normal);
        std::future::pending::<()>().await
    });
    assert!(matches!(node.wait(own).await, Exit::Normal | Exit::NoProcess));
}

#[tokio::test]
async fn p18_any_other_request_ends_a_process_unless_it_traps() {
    let node = Node::new("test");
    let (plain, _a) = Probe::start(&node).await;
    let (trapping, mut seen) = Probe::start_trapping(&node).await;
    let sender = node.spawn(async move |ctx| {
        ctx.exit(plain, Exit::other("go"));
        ctx.exit(trapping, Exit::other("go"));
    });
    assert_eq!(node.wait(plain).await.to_string(), "go");
    assert_eq!(seen.recv().await, Some(Saw::Exited(Some(sender), "go".into())));
    sync(trapping).await;
}

#[tokio::test]
async fn p19_an_exit_request_to_a_dead_process_is_nothing() {
    let node = Node::new("test");
    let (probe, _seen) = Probe::start(&node).await;
    end(&node, probe, Exit::Normal).await;
    node.exit(probe, Exit::Kill);
    probe.exit(Exit::other("late"));
    assert!(!node.is_alive(probe));
}

#[tokio::test]
async fn p32_a_process_is_not_alive_once_it_has_begun_to_exit() {
    struct Check(Node, std::sync::OnceLock<ProcessId>, Arc<AtomicBool>);
    impl Drop for Check {
        fn drop(&mut self) {
            self.2.store(self.1.get().is_some_and(|id| self.0.is_alive(*id)), Ordering::SeqCst);
        }
    }
    let node = Node::new("test");
    let alive_while_dropped = Arc::new(AtomicBool::new(true));
    let flag = alive_while_dropped.clone();
    let process = node.spawn(async move |ctx| {
        let check = Check(ctx.node().clone(), std::sync::OnceLock::new(), flag);
        check.1.set(ctx.id()).unwrap();
        std::future::pending::<()>().await
    });
    tokio::task::yield_now().await;
    node.exit(process, Exit::Kill);
    assert!(matches!(node.wait(process).await, Exit::Killed));
    assert!(!alive_while_dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn p39_a_kill_runs_destructors_at_the_next_await_point() {
    struct Guard(Arc<AtomicBool>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let node = Node::new("test");
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = Guard(dropped.clone());
    let process = node.spawn(async move |_| {
        let _guard = guard;
        std::future::pending::<()>().await
    });
    node.exit(process, Exit::Kill);
    node.wait(process).await;
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn x8_a_panicking_destructor_does_not_keep_a_process_from_ending() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    let process = node.spawn(async move |_| {
        let _bomb = Bomb;
        std::future::pending::<()>().await
    });
    tokio::task::yield_now().await;
    let monitor = within(watcher, move |ctx| ctx.monitor(process)).await;
    node.exit(process, Exit::Kill);
    assert_eq!(seen.recv().await, Some(Saw::Down(monitor, process, "killed".into())));
    watcher.cast(Note(1)).unwrap();
    assert_eq!(seen.recv().await, Some(Saw::Note(1)));
}

#[test]
fn a_runtime_that_is_torn_down_ends_its_processes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (node, process) = runtime.block_on(async {
        let node = Node::new("test");
        let process = node.spawn(async |_| std::future::pending::<()>().await);
        tokio::task::yield_now().await;
        (node, process)
    });
    let ended = node.wait(process);
    drop(runtime);
    let elsewhere = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(matches!(elsewhere.block_on(ended), Exit::Killed));
}
