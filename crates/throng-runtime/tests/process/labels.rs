//! Labels, ancestors, callers.

use std::collections::BTreeSet;

use throng_runtime::{
    Ctx, DynamicSupervisor, Exit, GenServer, Init, Name, Node, PartitionSupervisor, ProcessId, Supervisor,
    TaskSupervisor, callers,
};

use crate::{
    log::Log,
    probe::{Probe, within},
};

#[tokio::test]
async fn p35_a_label_is_seen_by_observers_and_may_change() {
    let node = Node::new("test");
    let (probe, _seen) = Probe::start(&node).await;
    assert_eq!(node.process_info(probe).unwrap().label, None);
    within(probe, |ctx| ctx.set_label("cart 7")).await;
    assert_eq!(node.process_info(probe).unwrap().label.as_deref(), Some("cart 7"));
    let label = within(probe, |ctx| {
        ctx.set_label(format!("cart {}", 8));
        ctx.label()
    });
    assert_eq!(label.await.as_deref(), Some("cart 8"));
}

#[tokio::test]
async fn p35_a_crash_report_has_the_label() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    let (probe, _seen) = Probe::start(&node).await;
    within(probe, |ctx| {
        ctx.set_label("cart 7");
        ctx.stop(Exit::other("out of stock"));
    })
    .await;
    node.wait(probe).await;
    let raw = node.spawn(async |ctx| {
        ctx.set_label("pump 3");
        Err::<(), _>(Exit::other("dry"))
    });
    node.wait(raw).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("label=\"cart 7\"") && lines[0].contains("out of stock"), "{lines:#?}");
    assert!(lines[1].contains("label=\"pump 3\"") && lines[1].contains("dry"), "{lines:#?}");
}

#[tokio::test]
async fn p35_ancestors_are_listed_parent_first_by_name_where_they_have_one() {
    let node = Node::new("test");
    let tree = Supervisor::one_for_one("upper")
        .name(UPPER)
        .child(Supervisor::one_for_one("lower").child(Leaf::child(()).name(LEAF)));
    let upper = node.start(tree).await.unwrap();
    let leaf = node.whereis(LEAF).unwrap();
    let info = node.process_info(leaf).unwrap();
    let lower = info.parent.unwrap();
    let words: Vec<_> = info.ancestors.iter().map(ToString::to_string).collect();
    assert_eq!(words, [format!("{lower} \"lower\""), "upper".into()]);
    assert_eq!(info.ancestors[1].pid, upper.id());
    assert_eq!(node.process_info(lower).unwrap().ancestors[0].name.as_deref(), Some("upper"));
    assert!(node.process_info(upper).unwrap().ancestors.is_empty());
}

#[tokio::test]
async fn p35_a_process_is_labelled_with_its_childs_id() {
    let node = Node::new("test");
    let tree = Supervisor::one_for_one("tree")
        .child(Leaf::child(()).name(LEAF))
        .child(Leaf::child(()).id("second leaf"))
        .child(DynamicSupervisor::new("crowd"))
        .child(TaskSupervisor::new("errands"))
        .child(PartitionSupervisor::of("shards", Leaf::child(())).partitions(2));
    let tree = node.start(tree).await.unwrap();
    let labels: BTreeSet<_> = node
        .processes()
        .map(|id| node.process_info(id).unwrap().label.map_or("none".to_owned(), |label| label.to_string()))
        .collect();
    let expected = ["none", "second leaf", "crowd", "errands", "shards", "shards[0]", "shards[1]", "tree"];
    assert_eq!(labels, expected.map(String::from).into());
    node.stop(tree, Exit::Shutdown, None).await.unwrap();
}

#[tokio::test]
async fn p35_ancestors_are_remembered_when_they_are_gone_and_no_more_than_32() {
    let node = Node::new("test");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    // Each starts the next one and ends.
    fn next(ctx: &Ctx, left: u32, tell: tokio::sync::mpsc::UnboundedSender<Vec<ProcessId>>) {
        ctx.spawn_link(async move |ctx: Ctx| match left {
            0 => tell.send(ctx.ancestors().iter().map(|ancestor| ancestor.pid).collect()).unwrap(),
            _ => next(&ctx, left - 1, tell),
        });
    }
    let first = node.spawn(async move |ctx: Ctx| next(&ctx, 3, tell));
    let seen = told.recv().await.unwrap();
    assert_eq!((seen.len(), seen.last()), (4, Some(&first)));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    node.spawn(async move |ctx: Ctx| next(&ctx, 100, tell));
    assert_eq!(told.recv().await.unwrap().len(), 32);
}

#[tokio::test]
async fn p35_a_task_inside_a_task_sees_its_parent_and_grandparent_however_it_was_started() {
    let node = Node::new("test");
    let (probe, _seen) = Probe::start(&node).await;
    for outer in 0..3 {
        for inner in 0..3 {
            let here = node.clone();
            let work = async move {
                let seen = callers();
                // A task has no context: it starts others by its node, or by that of a process it spawned.
                let below = match inner {
                    0 => here.task(async { callers() }).await.unwrap(),
                    way => {
                        let (tell, told) = tokio::sync::oneshot::channel();
                        let within = async move |ctx: Ctx| {
                            let task = match way {
                                1 => ctx.task(async { callers() }),
                                _ => ctx.task_nolink(async { callers() }),
                            };
                            tell.send((ctx.id(), task.await.unwrap())).unwrap();
                        };
                        here.spawn(within);
                        let (raw, below) = told.await.unwrap();
                        assert_eq!(below, [raw], "a process that is no task has no callers of its own");
                        here.task(async { callers() }).await.unwrap()
                    }
                };
                (seen, below)
            };
            let handle = node.clone();
            let task = within(probe, move |ctx| match outer {
                0 => ctx.task(work),
                1 => ctx.task_nolink(work),
                _ => handle.task(work),
            })
            .await;
            let id = task.id();
            let (seen, below) = task.await.unwrap();
            assert_eq!(seen, [probe.id()]);
            assert_eq!(below, [id, probe.id()]);
        }
    }
    assert_eq!(node.task(async { callers() }).await.unwrap(), [], "nobody asked from inside of a process");
    assert_eq!(callers(), []);
}

#[tokio::test]
async fn p35_callers_are_shown_to_observers_and_kept_to_the_nearest_32() {
    let node = Node::new("test");
    fn nested(node: Node, left: u32) -> std::pin::Pin<Box<dyn Future<Output = Vec<ProcessId>> + Send>> {
        Box::pin(async move {
            if left == 0 {
                return callers();
            }
            node.task(nested(node.clone(), left - 1)).await.unwrap()
        })
    }
    assert_eq!(node.task(nested(node.clone(), 100)).await.unwrap().len(), 32);
    let (probe, _seen) = Probe::start(&node).await;
    let task = within(probe, |ctx| ctx.task_nolink(std::future::pending::<()>())).await;
    let info = node.process_info(task.id()).unwrap();
    assert_eq!((info.callers, info.parent), (vec![probe.id()], None));
    node.exit(task.id(), Exit::Kill);
}

const UPPER: Name<Supervisor> = Name::new("upper");
const LEAF: Name<Leaf> = Name::new("leaf");

struct Leaf;

impl GenServer for Leaf {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self)
    }
}
