use throng_runtime::{Address, Ctx, Exit, GenServer, Init, Name, Node};

use crate::probe::{Probe, Saw, end, sync, within};

#[tokio::test]
async fn p21_every_monitor_gives_one_down_of_its_own() {
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    let (target, _t) = Probe::start(&node).await;
    let (first, second) = within(watcher, move |ctx| (ctx.monitor(target), ctx.monitor(target))).await;
    assert_ne!(first, second);
    end(&node, target, Exit::other("boom")).await;
    let mut downs = [seen.recv().await.unwrap(), seen.recv().await.unwrap()];
    downs.sort_by_key(|saw| format!("{saw:?}"));
    assert_eq!(downs, [first, second].map(|m| Saw::Down(m, target.id(), "boom".into())));
    sync(watcher).await;
    assert!(seen.try_recv().is_err(), "a third down came");
}

#[tokio::test]
async fn p22_a_monitor_of_a_dead_process_answers_at_once() {
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    let (target, _t) = Probe::start(&node).await;
    end(&node, target, Exit::Normal).await;
    let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
    assert_eq!(seen.recv().await, Some(Saw::Down(monitor, target.id(), "no such process".into())));
}

#[tokio::test]
async fn p22_a_monitor_follows_the_process_not_its_name() {
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    let named = || async { node.start(Named::child(()).name(NAMED)).await.unwrap() };
    let first = named().await;
    let monitor = within(watcher, move |ctx| ctx.monitor(first)).await;
    first.exit(Exit::Kill);
    assert_eq!(seen.recv().await, Some(Saw::Down(monitor, first.id(), "killed".into())));
    let second = named().await;
    second.exit(Exit::Kill);
    node.wait(second).await;
    sync(watcher).await;
    assert!(seen.try_recv().is_err(), "the monitor followed the name");
    assert!(node.whereis(NAMED).is_none());
}

const NAMED: Name<Named> = Name::new("p22");

struct Named;

impl GenServer for Named {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self)
    }
}

#[tokio::test]
async fn p24_after_demonitor_no_down_comes_unless_it_had_been_sent() {
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    let (target, _t) = Probe::start(&node).await;
    let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
    assert!(within(watcher, move |ctx| ctx.demonitor(monitor)).await, "it was active");
    assert!(!within(watcher, move |ctx| ctx.demonitor(monitor)).await, "it was active twice");
    end(&node, target, Exit::Normal).await;
    sync(watcher).await;
    assert!(seen.try_recv().is_err());

    let (target, _t) = Probe::start(&node).await;
    let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
    end(&node, target, Exit::Normal).await;
    assert!(!within(watcher, move |ctx| ctx.demonitor(monitor)).await);
    assert_eq!(seen.recv().await, Some(Saw::Down(monitor, target.id(), "normal".into())));
}

#[tokio::test]
async fn p25_only_its_maker_can_take_a_monitor_away() {
    let node = Node::new("test");
    let (watcher, mut seen) = Probe::start(&node).await;
    let (stranger, _s) = Probe::start(&node).await;
    let (target, _t) = Probe::start(&node).await;
    let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
    assert!(!within(stranger, move |ctx| ctx.demonitor(monitor)).await);
    end(&node, target, Exit::Normal).await;
    assert_eq!(seen.recv().await, Some(Saw::Down(monitor, target.id(), "normal".into())));
}

#[tokio::test]
async fn a_watcher_that_dies_leaves_nothing_behind() {
    let node = Node::new("test");
    let (target, mut seen) = Probe::start(&node).await;
    for _ in 0..1_000 {
        let (watcher, _w) = Probe::start(&node).await;
        within(watcher, move |ctx| ctx.monitor(target)).await;
        end(&node, watcher, Exit::Normal).await;
    }
    // Whoever is gone is not told: only the live watcher is, once.
    let (watcher, mut downs) = Probe::start(&node).await;
    let monitor = within(watcher, move |ctx| ctx.monitor(target)).await;
    end(&node, target, Exit::Normal).await;
    assert_eq!(downs.recv().await, Some(Saw::Down(monitor, target.id(), "normal".into())));
    assert_eq!(seen.recv().await, None);
}
