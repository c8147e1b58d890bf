//! A task that is shut down while it finishes, while it is in the middle of something, and while its owner traps exits (T5).

use std::{future::pending, pin::pin, sync::mpsc as blocking, time::Duration};

use throng_runtime::{
    Address, Ctx, Exit, Exited, GenServer, Handled, Handler, Init, Message, Node, Pid, Shutdown, Task,
};
use tokio::sync::{mpsc, oneshot};

use crate::{dice::Dice, is_pending};

/// A task that is in the middle of one long poll, and what ends that.
async fn in_one_long_poll<F>(node: &Node, then: F) -> (Task<F::Output>, blocking::Sender<()>)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (entered, is_in) = oneshot::channel();
    let (release, released) = blocking::channel();
    let task = node.task(async move {
        entered.send(()).unwrap();
        released.recv().unwrap();
        then.await
    });
    is_in.await.unwrap();
    (task, release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_a_result_that_comes_after_the_grace_is_a_result() {
    let node = Node::new("test");
    let (task, release) = in_one_long_poll(&node, async { 1 }).await;
    let mut stopping = pin!(task.shutdown(Shutdown::After(Duration::ZERO)));
    // The task has been asked, and has been killed: neither can interrupt a poll (P38).
    assert!(is_pending(&mut stopping).await);
    release.send(()).unwrap();
    assert_eq!(stopping.await.unwrap().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_a_task_that_obeys_after_the_grace_was_ended_by_the_shutdown_all_the_same() {
    let node = Node::new("test");
    let (task, release) = in_one_long_poll(&node, pending::<()>()).await;
    let mut stopping = pin!(task.shutdown(Shutdown::After(Duration::ZERO)));
    assert!(is_pending(&mut stopping).await);
    release.send(()).unwrap();
    let outcome = stopping.await;
    assert!(outcome.is_none(), "{outcome:?}");
}

#[tokio::test]
async fn t5_an_end_that_another_asked_for_before_is_told() {
    let node = Node::new("test");
    for (how, reason) in [(Shutdown::Infinity, Exit::Kill), (Shutdown::Kill, Exit::Shutdown)] {
        let task = node.task(pending::<()>());
        node.exit(task.id(), reason);
        node.wait(task.id()).await;
        let outcome = task.shutdown(how).await;
        assert!(matches!(outcome, Some(Err(Exit::Killed | Exit::Shutdown))), "{how:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn t4_a_yield_that_is_dropped_loses_nothing() {
    let node = Node::new("test");
    let (open, gate) = oneshot::channel();
    let mut task = node.task(gate);
    assert!(is_pending(task.yield_for(Duration::from_secs(60))).await);
    open.send(1).unwrap();
    assert_eq!(task.await.unwrap(), Ok(1));
}

/// A server that traps exits, and tells of those that reach it.
struct Owner(mpsc::UnboundedSender<String>);

type Told = mpsc::UnboundedReceiver<String>;

impl GenServer for Owner {
    type Args = mpsc::UnboundedSender<String>;

    async fn init(tell: Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.trap_exits();
        Ok(Owner(tell))
    }
}

impl Handler<Exited> for Owner {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        Ok(self.0.send(exited.reason.to_string())?)
    }
}

type Line<R> = Box<dyn FnOnce(&Ctx<Owner>) -> R + Send>;

struct Do<R>(Line<R>);

impl<R: Send + 'static> Message for Do<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Do<R>> for Owner {
    async fn handle(&mut self, Do(line): Do<R>, ctx: &mut Ctx<Self>) -> Handled<Do<R>> {
        Ok(line(ctx))
    }
}

/// Ends a task of its own: at once, or when its exit waits to be handled.
struct EndOne(Shutdown, When);

enum When {
    AtOnce,
    AfterItsEnd,
}

impl Message for EndOne {
    type Reply = bool;
}

impl Handler<EndOne> for Owner {
    async fn handle(&mut self, EndOne(how, when): EndOne, ctx: &mut Ctx<Self>) -> Handled<EndOne> {
        let task = ctx.task(async { 1 });
        let (id, node) = (task.id(), ctx.node().clone());
        if let When::AfterItsEnd = when {
            node.wait(id).await;
            // An exit arrives when the process is polled.
            tokio::task::yield_now().await;
        }
        let outcome = task.shutdown(how).await;
        Ok(!node.is_alive(id) && matches!(outcome, None | Some(Ok(1))))
    }
}

async fn owner(node: &Node) -> (Pid<Owner>, Told) {
    let (tell, told) = mpsc::unbounded_channel();
    (node.start(Owner::child(tell)).await.unwrap(), told)
}

async fn within<R: Send + 'static>(
    owner: Pid<Owner>,
    line: impl FnOnce(&Ctx<Owner>) -> R + Send + 'static,
) -> R {
    owner.call(Do(Box::new(line))).await.unwrap()
}

#[tokio::test]
async fn t1_t3_a_trapping_owner_hears_of_each_end_of_a_linked_task() {
    let node = Node::new("test");
    let (owner, mut told) = owner(&node).await;
    let crashing = within(owner, |ctx| ctx.task(async { panic!("no luck") })).await;
    assert!(matches!(crashing.await, Err::<(), _>(Exit::Panic(_))));
    assert!(told.recv().await.unwrap().ends_with("no luck"));
    let finishing = within(owner, |ctx| ctx.task(async {})).await;
    finishing.await.unwrap();
    assert_eq!(told.recv().await.unwrap(), "normal");
    let alone = within(owner, |ctx| ctx.task_nolink(async { panic!("no luck") })).await;
    assert!(matches!(alone.await, Err::<(), _>(Exit::Panic(_))));
    within(owner, |_| ()).await;
    assert!(told.try_recv().is_err(), "an exit came without a link");
}

#[tokio::test]
async fn t5_a_shutdown_takes_back_an_exit_that_waits_at_the_owner() {
    let node = Node::new("test");
    let (owner, mut told) = owner(&node).await;
    for _ in 0..100 {
        assert!(owner.call(EndOne(Shutdown::Infinity, When::AfterItsEnd)).await.unwrap());
        within(owner, |_| ()).await;
        assert!(told.try_recv().is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_a_shutdown_against_the_result_ends_and_leaves_the_owner_no_message() {
    let mut dice = Dice::new("shutdown against result");
    let node = Node::new("test");
    let (owner, mut told) = owner(&node).await;
    for round in 0..3_000 {
        let how = match dice.roll(3) {
            0 => Shutdown::Kill,
            1 => Shutdown::Infinity,
            _ => Duration::from_micros(dice.roll(50)).into(),
        };
        assert!(owner.call(EndOne(how, When::AtOnce)).await.unwrap(), "round {round}: {how:?}");
        assert!(told.try_recv().is_err(), "round {round}: {how:?} left a message");
    }
}
