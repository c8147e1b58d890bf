//! Children whose own code goes wrong where it runs in their supervisor: it is their failure, and not the supervisor's.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use throng_runtime::{
    Address, ChildError, Ctx, DynamicSupervisor, Exit, GenServer, Handled, Handler, Init, Message, Name,
    Node, Pid, Restart, StartError, Supervisor, TaskSupervisor,
};

/// Arguments that panic when they are cloned as often as is said, or when they are dropped and armed.
struct Mine {
    clones: Arc<AtomicUsize>,
    panics: fn(usize) -> bool,
    armed: Arc<AtomicBool>,
}

impl Mine {
    fn new(panics: fn(usize) -> bool) -> Self {
        Self { clones: Arc::default(), panics, armed: Arc::default() }
    }
}

impl Clone for Mine {
    fn clone(&self) -> Self {
        let clone = self.clones.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(!(self.panics)(clone), "clone {clone} panics");
        Self { clones: self.clones.clone(), panics: self.panics, armed: self.armed.clone() }
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        assert!(!self.armed.load(Ordering::Relaxed) || std::thread::panicking(), "a drop panics");
    }
}

struct Carrier;

const CARRIER: Name<Carrier> = Name::new("carrier");

impl GenServer for Carrier {
    type Args = Mine;

    async fn init(mine: Mine, _: &mut Ctx<Self>) -> Init<Self> {
        std::mem::forget(mine);
        Ok(Carrier)
    }
}

/// Tells its supervisor of an end that is not its own, and crashes.
struct Lie;

impl Message for Lie {
    type Reply = ();
}

impl Handler<Lie> for Carrier {
    async fn handle(&mut self, _: Lie, ctx: &mut Ctx<Self>) -> Handled<Lie> {
        if let Some(parent) = ctx.parent() {
            ctx.node().exit(parent, Exit::Normal);
        }
        panic!("after a lie");
    }
}

/// A round trip: the supervisor has dealt with all that happened before. How many of its children run.
async fn active(supervisor: Pid<DynamicSupervisor>) -> usize {
    DynamicSupervisor::count_children(&supervisor).await.unwrap().active
}

#[tokio::test]
async fn d2_arguments_that_cannot_be_cloned_are_a_failed_start_and_the_others_run_on() {
    let node = Node::new("test");
    let rooms = node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    DynamicSupervisor::start_child(&rooms, Carrier::child(Mine::new(|_| false))).await.unwrap();
    let failed = DynamicSupervisor::start_child(&rooms, Carrier::child(Mine::new(|_| true))).await;
    assert!(matches!(failed, Err(ChildError::Start(StartError::Exited(Exit::Panic(_))))), "{failed:?}");
    assert_eq!(active(rooms).await, 1);
}

#[tokio::test]
async fn s8_arguments_that_cannot_be_cloned_are_a_failed_restart_that_is_tried_again() {
    let node = Node::new("test");
    let child = Carrier::child(Mine::new(|clone| clone == 2)).name(CARRIER);
    let tree = node.start(Supervisor::one_for_one("tree").child(child)).await.unwrap();
    for _ in 0..2 {
        let child = node.whereis(CARRIER).unwrap();
        node.exit(child, Exit::Kill);
        node.wait(child).await;
        // An attempt that failed has sent another, which comes before the second of these.
        for _ in 0..2 {
            Supervisor::count_children(&tree).await.unwrap();
        }
    }
    assert_eq!(Supervisor::count_children(&tree).await.unwrap().active, 1);
}

#[tokio::test]
async fn d7_arguments_whose_drop_panics_leave_their_supervisor_alone() {
    let node = Node::new("test");
    let rooms = node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    for restart in [Restart::Temporary, Restart::Permanent] {
        let mine = Mine::new(|_| false);
        mine.armed.store(true, Ordering::Relaxed);
        let child = Carrier::child(mine).restart(restart);
        let child = DynamicSupervisor::start_child(&rooms, child).await.unwrap();
        DynamicSupervisor::terminate_child(&rooms, child).await.unwrap();
    }
    assert_eq!(active(rooms).await, 0);
}

#[tokio::test]
async fn s9_what_a_child_says_of_its_end_is_not_its_end() {
    let node = Node::new("test");
    let carrier = || Carrier::child(Mine::new(|_| false)).restart(Restart::Transient);
    let tree = node.start(Supervisor::one_for_one("tree").child(carrier().name(CARRIER))).await.unwrap();
    let child = node.whereis(CARRIER).unwrap();
    // On one thread, so that the supervisor hears of both when the child is dead.
    let rooms = node.start(DynamicSupervisor::new("rooms")).await.unwrap();
    let room = DynamicSupervisor::start_child(&rooms, carrier()).await.unwrap();
    for liar in [child, room] {
        liar.cast(Lie).unwrap();
        node.wait(liar).await;
    }
    assert_eq!(Supervisor::count_children(&tree).await.unwrap().active, 1);
    assert_eq!(active(rooms).await, 1);
}

#[tokio::test]
async fn t7_a_task_that_is_refused_and_panics_as_it_is_dropped_leaves_its_supervisor_alone() {
    let node = Node::new("test");
    let tasks = node.start(TaskSupervisor::new("tasks").max_children(1)).await.unwrap();
    let first = TaskSupervisor::start_child(&tasks, std::future::pending::<()>()).await.unwrap();
    let mine = Mine::new(|_| false);
    mine.armed.store(true, Ordering::Relaxed);
    let refused = TaskSupervisor::start_child(&tasks, async move { drop(mine) }).await;
    assert!(matches!(refused, Err(ChildError::MaxChildren(1))), "{refused:?}");
    assert_eq!(TaskSupervisor::children(&tasks).await.unwrap(), [first]);
}
