//! T9: what is logged of a task's end, and what is not.

use throng_runtime::{Exit, Node, TaskSupervisor};
use tokio::sync::oneshot;

use crate::log::Log;

async fn count_the_beans() -> u32 {
    panic!("no beans")
}

#[tokio::test]
async fn t9_a_crash_is_logged_once_with_the_function_and_the_starter() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    let (tell, told) = oneshot::channel();
    let starter = node.spawn(async move |ctx| {
        let task = ctx.task_nolink(count_the_beans());
        tell.send(task.id()).unwrap();
        drop(task.await);
    });
    node.wait(starter).await;
    let task = told.await.unwrap();
    node.wait(task).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let (task, starter) = (format!("process={task}"), format!("starter={starter}"));
    for part in ["ERROR", "process crashed", "count_the_beans", "no beans", "reports.rs", &task, &starter] {
        assert!(lines[0].contains(part), "{part:?} is not in {}", lines[0]);
    }
}

#[tokio::test]
async fn t9_tasks_of_streams_and_of_supervisors_name_their_function_too() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    let mut stream = node.async_stream([()], |()| count_the_beans());
    assert!(stream.next().await.unwrap().is_err());
    let tasks = node.start(TaskSupervisor::new("tasks")).await.unwrap();
    node.wait(TaskSupervisor::start_child(&tasks, fail()).await.unwrap()).await;
    // A word of the supervisor would be before the answer.
    TaskSupervisor::children(&tasks).await.unwrap();
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("of_supervisors_name_their_function_too"), "{}", lines[0]);
    assert!(lines[1].contains("reports::fail") && lines[1].contains("no paper"), "{}", lines[1]);
}

async fn fail() -> Result<(), Exit> {
    Err(Exit::other("no paper"))
}

#[tokio::test]
async fn t9_clean_ends_are_silent() {
    let (log, _guard) = Log::capture();
    let node = Node::new("test");
    node.task(async {}).await.unwrap();
    let tasks = node.start(TaskSupervisor::new("tasks")).await.unwrap();
    for reason in [Exit::Normal, Exit::Shutdown, Exit::shutdown_with("a deploy")] {
        let task = TaskSupervisor::start_child(&tasks, async { Err::<(), _>(reason) }).await.unwrap();
        node.wait(task).await;
    }
    // Somebody else's kill is not its own crash.
    let task = node.task(std::future::pending::<()>());
    node.exit(task.id(), Exit::Kill);
    assert!(task.await.is_err());
    assert_eq!(log.lines(), Vec::<String>::new());
}
