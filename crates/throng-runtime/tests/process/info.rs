//! A look at a process from outside.

use std::sync::{Arc, mpsc};

use throng_runtime::{
    Address, Ctx, Exit, GenServer, Handled, Handler, Init, Mailbox, Message, Name, Node, OnExit, Pid,
    ProcessId, ProcessInfo, ProcessStatus, sys,
};
use tokio::{sync::oneshot, task::yield_now};

use crate::{
    dice::Dice,
    probe::{Note, Probe, end, sync, within},
};

#[tokio::test]
async fn p36_the_dead_and_the_processes_of_others_have_no_info() {
    let (node, other) = (Node::new("test"), Node::new("other"));
    let (probe, _seen) = Probe::start(&node).await;
    assert_eq!(node.process_info(probe).map(|info| info.id), Some(probe.id()));
    assert!(other.process_info(probe).is_none(), "it is not a process of that node");
    end(&node, probe, Exit::Normal).await;
    assert!(node.process_info(probe).is_none());
    // Another process in its place is another process.
    let (_next, _s) = Probe::start(&node).await;
    assert!(node.process_info(probe).is_none());
}

#[tokio::test]
async fn p36_names_parents_links_monitors_and_watchers_are_told() {
    let node = Node::new("test");
    let (watcher, _w) = Probe::start(&node).await;
    let (watched, _t) = Probe::start(&node).await;
    let spawned = within(watcher, |ctx| ctx.spawn_link(async |_| std::future::pending::<()>().await)).await;
    let named = node.start(Plain::child(0).name(PLAIN)).await.unwrap();
    within(watcher, move |ctx| [ctx.monitor(watched), ctx.monitor(watched), ctx.monitor(named)]).await;

    let info = node.process_info(watcher).unwrap();
    assert_eq!((info.name.as_deref(), info.parent), (None, None));
    assert_eq!((info.links.first, info.links.total), (vec![spawned], 1));
    assert_eq!((info.monitors.first, info.monitors.total), (vec![watched.id(), watched.id(), named.id()], 3));
    assert_eq!(info.initial_call, std::any::type_name::<Probe>());

    let info = node.process_info(spawned).unwrap();
    assert_eq!((info.parent, info.links.first), (Some(watcher.id()), vec![watcher.id()]));
    assert!(info.initial_call.contains("p36_names_parents"), "{}", info.initial_call);

    let info = node.process_info(named).unwrap();
    assert_eq!(info.name.as_deref(), Some("p36"));
    let _wait = node.wait(named);
    let info = node.process_info(named).unwrap();
    assert_eq!((info.monitored_by.first, info.monitored_by.total), (vec![watcher.id()], 2), "and a future");
}

#[tokio::test]
async fn p36_a_process_with_many_links_lists_some_and_counts_all() {
    let node = Node::new("test");
    let (hub, _seen) = Probe::start(&node).await;
    within(hub, |ctx| {
        for _ in 0..1_500 {
            ctx.spawn_link(async |_| std::future::pending::<()>().await);
        }
    })
    .await;
    let links = node.process_info(hub).unwrap().links;
    assert_eq!((links.first.len(), links.total), (1_000, 1_500));
}

#[tokio::test]
async fn p36_the_status_is_what_the_process_is_doing() {
    let node = Node::new("test");
    let status = |id: ProcessId| node.process_info(id).map(|info| info.status);
    // On this one thread nothing runs until the test waits.
    let here = node.clone();
    let (tell, told) = oneshot::channel();
    let raw = node.spawn(async move |ctx: Ctx| {
        tell.send(here.process_info(ctx.id()).map(|info| info.status)).unwrap();
        std::future::pending::<()>().await
    });
    assert_eq!(status(raw), Some(ProcessStatus::Runnable), "it has not run yet");
    assert_eq!(told.await.unwrap(), Some(ProcessStatus::Running));
    assert_eq!(status(raw), Some(ProcessStatus::Waiting), "inside of its code");

    let (probe, _seen) = Probe::start(&node).await;
    sync(probe).await;
    yield_now().await;
    assert_eq!(status(probe.id()), Some(ProcessStatus::Waiting), "for a message");
    probe.cast(Note(1)).unwrap();
    assert_eq!(status(probe.id()), Some(ProcessStatus::Runnable), "a message has come");

    let (seen, sees) = mpsc::channel();
    node.on_exit(probe, Arc::new(Looks { node: node.clone(), seen })).unwrap();
    end(&node, probe, Exit::Normal).await;
    assert_eq!(sees.recv().unwrap(), Some(ProcessStatus::Exiting));
    assert_eq!(status(probe.id()), None);
}

/// Looks at a process that ends.
struct Looks {
    node: Node,
    seen: mpsc::Sender<Option<ProcessStatus>>,
}

impl OnExit for Looks {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        self.seen.send(self.node.process_info(id).map(|info| info.status)).unwrap();
    }
}

#[tokio::test]
async fn p36_messages_that_wait_are_counted_looked_at_or_not() {
    let node = Node::new("test");
    let len = |id: ProcessId| node.process_info(id).unwrap().queue_len;
    let (busy, _seen) = Probe::start(&node).await;
    (0..5).for_each(|n| busy.cast(Note(n)).unwrap());
    assert_eq!(len(busy.id()), 5);
    sync(busy).await;
    yield_now().await;
    assert_eq!(len(busy.id()), 0);

    let picky = node.spawn_receiver(|mut mailbox: Mailbox<Note>| async move {
        mailbox.recv_matching(|Note(n)| *n == 9).await;
        std::future::pending::<()>().await
    });
    (0..4).for_each(|n| picky.cast(Note(n)).unwrap());
    yield_now().await;
    assert_eq!(len(picky.id()), 4, "it has looked at them, and they are there");
    picky.cast(Note(9)).unwrap();
    yield_now().await;
    assert_eq!(len(picky.id()), 4, "the one that it wanted is gone");
    assert_eq!(node.process_info(picky).unwrap().status, ProcessStatus::Waiting);
}

#[tokio::test]
async fn p36_a_node_lists_its_own_live_processes() {
    let (node, other) = (Node::new("test"), Node::new("other"));
    assert_eq!(node.processes().count(), 0);
    let mut mine = Vec::new();
    for _ in 0..100 {
        mine.push(Probe::start(&node).await.0);
        Probe::start(&other).await;
    }
    for dead in mine.drain(..50) {
        end(&node, dead, Exit::Normal).await;
    }
    let mut listed: Vec<_> = node.processes().collect();
    let mut alive: Vec<_> = mine.iter().map(|probe| probe.id()).collect();
    listed.sort();
    alive.sort();
    assert_eq!(listed, alive);
}

#[tokio::test]
async fn p36_what_a_process_did_is_told_while_it_counts_and_that_it_is_suspended() {
    let node = Node::new("test");
    let (probe, _seen) = Probe::start(&node).await;
    assert!(node.process_info(probe).unwrap().statistics.is_none());
    sys::start_statistics(&probe).await.unwrap();
    (0..100).for_each(|n| probe.cast(Note(n)).unwrap());
    sync(probe).await;
    yield_now().await;
    let counted = node.process_info(probe).unwrap().statistics.unwrap();
    assert!(counted.messages_in >= 100 && !counted.busy.is_zero(), "{counted:?}");
    sys::suspend(&probe).await.unwrap();
    yield_now().await;
    probe.cast(Note(1)).unwrap();
    yield_now().await;
    let info = node.process_info(probe).unwrap();
    assert_eq!((info.status, info.queue_len), (ProcessStatus::Suspended, 1));
    sys::resume(&probe).await.unwrap();
    sync(probe).await;
    yield_now().await;
    assert_eq!(node.process_info(probe).unwrap().status, ProcessStatus::Waiting);
}

#[tokio::test]
async fn p36_memory_has_the_state_and_what_is_attached_in_it() {
    let node = Node::new("test");
    let memory = |id: ProcessId| node.process_info(id).unwrap().memory;
    let plain = node.start(Plain::child(0)).await.unwrap();
    let large = node.start(Large::child(())).await.unwrap();
    assert!(memory(large.id()) >= memory(plain.id()) + 4_096 - 8);
    let before = memory(plain.id());
    let waits: Vec<_> = (0..100).map(|_| node.wait(plain)).collect();
    assert!(memory(plain.id()) > before + 100 * 16);
    drop(waits);
}

#[tokio::test]
async fn p34_exits_are_not_trapped_until_asked_for() {
    let node = Node::new("test");
    let (plain, _p) = Probe::start(&node).await;
    let (trapping, _t) = Probe::start_trapping(&node).await;
    let traps = |probe: Pid<Probe>| node.process_info(probe).unwrap().trap_exit;
    assert_eq!((traps(plain), traps(trapping)), (false, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p36_a_look_against_death_never_shows_the_next_process_in_its_place() {
    let mut dice = Dice::new("info against death");
    let node = Node::new("test");
    for _ in 0..3_000 {
        let plain = node.start(Plain::child(1)).await.unwrap();
        let churn = tokio::spawn({
            let node = node.clone();
            async move {
                node.exit(plain, Exit::Kill);
                node.wait(plain).await;
                // Likely in the same slot.
                let next = node.start(Large::child(())).await.unwrap();
                node.exit(next, Exit::Kill);
            }
        });
        for _ in 0..dice.roll(40) {
            let Some(ProcessInfo { id, initial_call, .. }) = node.process_info(plain) else { break };
            assert_eq!((id, initial_call), (plain.id(), std::any::type_name::<Plain>()));
        }
        for id in node.processes() {
            assert!(node.process_info(id).is_none_or(|info| info.id == id));
        }
        churn.await.unwrap();
    }
}

const PLAIN: Name<Plain> = Name::new("p36");

struct Plain;

impl GenServer for Plain {
    type Args = u64;

    async fn init(_: u64, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self)
    }
}

struct Large([u8; 4_096]);

impl GenServer for Large {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self([1; 4_096]))
    }
}

struct First;

impl Message for First {
    type Reply = u8;
}

impl Handler<First> for Large {
    async fn handle(&mut self, _: First, _: &mut Ctx<Self>) -> Handled<First> {
        Ok(self.0[0])
    }
}
