//! Tasks under a supervisor (T7).

use std::{future::pending, time::Duration};

use throng_runtime::{
    Address, ChildError, Exit, Name, Node, Pid, ProcessId, Shutdown, Supervisor, TaskSupervisor, callers,
};
use tokio::sync::oneshot;

use crate::is_pending;

async fn supervisor(node: &Node) -> Pid<TaskSupervisor> {
    node.start(TaskSupervisor::new("tasks")).await.unwrap()
}

async fn children(tasks: Pid<TaskSupervisor>) -> Vec<ProcessId> {
    TaskSupervisor::children(&tasks).await.unwrap()
}

/// A process with a linked task under the supervisor; both wait.
async fn owner_of_a_task(node: &Node, tasks: Pid<TaskSupervisor>) -> (ProcessId, ProcessId) {
    let (tell, told) = oneshot::channel();
    let owner = node.spawn(async move |ctx| {
        let task = TaskSupervisor::task(&tasks, &ctx, pending::<()>()).await.unwrap();
        tell.send(task.id()).unwrap();
        pending::<()>().await;
    });
    (owner, told.await.unwrap())
}

#[tokio::test]
async fn t7_a_supervised_task_gives_its_result_and_is_forgotten() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let task = TaskSupervisor::task_nolink(&tasks, async { 6 * 7 }).await.unwrap();
    let id = task.id();
    assert_eq!(task.await.unwrap(), 42);
    node.wait(id).await;
    assert_eq!(children(tasks).await, []);
}

#[tokio::test]
async fn t7_a_supervised_task_and_its_owner_crash_together_and_the_supervisor_lives() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let (owner, task) = owner_of_a_task(&node, tasks).await;
    node.exit(task, Exit::other("boom"));
    assert_eq!(node.wait(owner).await.to_string(), "boom");

    let (owner, task) = owner_of_a_task(&node, tasks).await;
    assert_eq!(children(tasks).await, [task]);
    node.exit(owner, Exit::other("bang"));
    assert_eq!(node.wait(task).await.to_string(), "bang");
    assert_eq!(children(tasks).await, []);
}

#[tokio::test]
async fn t7_a_supervised_task_outlives_an_owner_that_ends_normally() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let (tell, told) = oneshot::channel();
    let owner = node.spawn(async move |ctx| {
        drop(tell.send(TaskSupervisor::task(&tasks, &ctx, pending::<()>()).await.unwrap()));
    });
    let task = told.await.unwrap();
    node.wait(owner).await;
    assert!(node.is_alive(task.id()));
    assert!(task.shutdown(Shutdown::Kill).await.is_none());
}

#[tokio::test]
async fn t7_without_a_link_a_supervised_task_and_its_starter_spare_each_other() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let (tell, told) = oneshot::channel();
    let starter = node.spawn(async move |_| {
        let crashing = TaskSupervisor::task_nolink(&tasks, async { panic!("boom") }).await.unwrap();
        assert!(matches!(crashing.await, Err::<(), _>(Exit::Panic(_))));
        drop(tell.send(TaskSupervisor::task_nolink(&tasks, pending::<()>()).await.unwrap()));
        pending::<()>().await;
    });
    let task = told.await.unwrap();
    node.exit(starter, Exit::other("bang"));
    node.wait(starter).await;
    assert!(node.is_alive(task.id()));
}

#[tokio::test]
async fn t7_start_child_is_fire_and_forget() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let (tell, told) = oneshot::channel();
    let task = TaskSupervisor::start_child(&tasks, async { tell.send(7).unwrap() }).await.unwrap();
    assert_eq!(told.await.unwrap(), 7);
    node.wait(task).await;
    let failing = async { Err::<(), _>(Exit::other("no paper")) };
    let task = TaskSupervisor::start_child(&tasks, failing).await.unwrap();
    node.wait(task).await;
    // Temporary: none is started again.
    assert_eq!(children(tasks).await, []);
    assert!(node.is_alive(tasks));
}

#[tokio::test]
async fn t7_too_many_tasks_are_refused_as_an_error() {
    let node = Node::new("test");
    let tasks = node.start(TaskSupervisor::new("tasks").max_children(1)).await.unwrap();
    let first = TaskSupervisor::start_child(&tasks, pending::<()>()).await.unwrap();
    let refused = TaskSupervisor::start_child(&tasks, pending::<()>()).await;
    assert!(matches!(refused, Err(ChildError::MaxChildren(1))), "{refused:?}");
    let refused = TaskSupervisor::task_nolink(&tasks, pending::<()>()).await;
    assert!(matches!(refused, Err(ChildError::MaxChildren(1))), "{refused:?}");
    TaskSupervisor::terminate_child(&tasks, first).await.unwrap();
    assert!(!node.is_alive(first));
    TaskSupervisor::task_nolink(&tasks, async {}).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn t7_a_task_is_terminated_by_its_identity() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let task = TaskSupervisor::task_nolink(&tasks, pending::<()>()).await.unwrap();
    TaskSupervisor::terminate_child(&tasks, task.id()).await.unwrap();
    let again = TaskSupervisor::terminate_child(&tasks, task.id()).await;
    assert!(matches!(again, Err(ChildError::NotFound)), "{again:?}");
    assert!(matches!(task.await, Err(Exit::Shutdown)));
}

#[tokio::test]
async fn t7_the_supervisor_takes_its_tasks_along() {
    const TASKS: Name<TaskSupervisor> = Name::new("tasks");
    let node = Node::new("test");
    let tree = Supervisor::one_for_one("tree").child(TaskSupervisor::new("tasks").name(TASKS));
    let tree = node.start(tree).await.unwrap();
    let tasks = node.via(TASKS);
    let mut ends = Vec::new();
    for _ in 0..10 {
        let task = TaskSupervisor::start_child(&tasks, pending::<()>()).await.unwrap();
        ends.push(node.wait(task));
    }
    node.stop(tree, Exit::Shutdown, None).await.unwrap();
    for end in ends {
        assert!(matches!(end.await, Exit::Shutdown));
    }
    let late = TaskSupervisor::start_child(&tasks, pending::<()>()).await;
    assert!(matches!(late, Err(ChildError::Supervisor(_))), "{late:?}");
}

#[tokio::test]
async fn t7_an_owner_that_ends_before_its_task_began_leaves_no_orphan() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    for linked in [true, false] {
        let (tell, told) = oneshot::channel();
        let (run, ran) = oneshot::channel::<()>();
        let work = async move {
            run.send(()).unwrap();
            pending::<()>().await;
        };
        let owner = node.spawn(async move |ctx| {
            // The request waits at the supervisor, which has not had its turn.
            if linked {
                assert!(is_pending(TaskSupervisor::task(&tasks, &ctx, work)).await);
            } else {
                assert!(is_pending(TaskSupervisor::task_nolink(&tasks, work)).await);
            }
            tell.send(()).unwrap();
        });
        told.await.unwrap();
        node.wait(owner).await;
        tasks.sync().await.unwrap();
        assert_eq!(children(tasks).await, []);
        assert!(ran.await.is_err(), "it never ran");
    }
}

#[tokio::test]
async fn t5_a_supervised_task_is_shut_down_without_a_word_to_its_owner() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let owner = node.spawn(async move |ctx| {
        for how in [Shutdown::Kill, Shutdown::Infinity, Duration::from_secs(5).into()] {
            let task = TaskSupervisor::task(&tasks, &ctx, pending::<()>()).await.unwrap();
            assert!(task.shutdown(how).await.is_none());
        }
        Exit::other("survived")
    });
    assert_eq!(node.wait(owner).await.to_string(), "survived");
    assert_eq!(children(tasks).await, []);
}

#[tokio::test]
async fn p35_every_way_to_start_a_task_notes_whom_it_works_for() {
    let node = Node::new("test");
    let tasks = supervisor(&node).await;
    let (tell, told) = oneshot::channel();
    let asker = node.spawn(async move |ctx| {
        let look = async || callers();
        let mut all = vec![ctx.task(look()).await, ctx.task_nolink(look()).await];
        all.push(TaskSupervisor::task(&tasks, &ctx, look()).await.unwrap().await);
        all.push(TaskSupervisor::task_nolink(&tasks, look()).await.unwrap().await);
        all.push(ctx.async_stream([()], async |()| callers()).next().await.unwrap());
        all.push(TaskSupervisor::async_stream(tasks, [()], async |()| callers()).next().await.unwrap());
        let (seen, sees) = oneshot::channel();
        let child = async { seen.send(callers()).unwrap() };
        TaskSupervisor::start_child(&tasks, child).await.unwrap();
        all.push(Ok(sees.await.unwrap()));
        tell.send(all).unwrap();
    });
    for (way, seen) in told.await.unwrap().into_iter().enumerate() {
        assert_eq!(seen.unwrap(), [asker], "way {way}");
    }
}
