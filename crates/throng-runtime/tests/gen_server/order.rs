//! What comes before what when a server ends (X8), and what waits for its turn (G6, G17, G18).

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use throng_runtime::{
    Address, CallError, Ctx, Exit, GenServer, Handled, Handler, Init, Message, Name, Node, OnExit, ProcessId,
    StopError, Supervisor,
};
use tokio::sync::{Semaphore, oneshot};

use crate::actor::{Part, Say, act, hear, hear_all, start, start_as, wait_for, with};

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    /// Something that notes when it is dropped.
    fn mark(&self, what: &'static str) -> Mark {
        Mark(what, self.clone())
    }
}

struct Mark(&'static str, Log);

impl Drop for Mark {
    fn drop(&mut self) {
        self.1.note(self.0);
    }
}

/// A server that notes how it ends.
struct Dying {
    log: Log,
    _state: Mark,
}

const NAME: Name<Dying> = Name::new("dying");

impl GenServer for Dying {
    type Args = Log;

    async fn init(log: Log, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.on_exit(Arc::new(Hook { log: log.clone() }));
        Ok(Dying { _state: log.mark("state"), log })
    }

    async fn terminate(&mut self, _: &Exit, _: &mut Ctx<Self>) {
        self.log.note("terminate");
    }
}

struct Hook {
    log: Log,
}

impl OnExit for Hook {
    fn process_exited(&self, _: ProcessId, _: &Exit) {
        self.log.note("hook");
    }
}

/// Ends the server when the gate opens.
struct EndAt(oneshot::Receiver<()>);

impl Message for EndAt {
    type Reply = ();
}

impl Handler<EndAt> for Dying {
    async fn handle(&mut self, EndAt(gate): EndAt, _: &mut Ctx<Self>) -> Handled<EndAt> {
        gate.await?;
        Err(Exit::Normal.into())
    }
}

/// Carries something to be dropped.
struct Carry(#[expect(dead_code, reason = "it is there to be dropped")] Mark);

impl Message for Carry {
    type Reply = ();
}

impl Handler<Carry> for Dying {
    async fn handle(&mut self, _: Carry, _: &mut Ctx<Self>) -> Handled<Carry> {
        Ok(())
    }
}

#[tokio::test]
async fn x8_an_end_goes_from_the_inside_out() {
    let node = Node::new("test");
    let log = Log::default();
    let dying = node.start(Dying::child(log.clone()).name(NAME)).await.unwrap();
    let (watcher, _heard) = start(&node).await;
    let (told, here) = (log.clone(), node.clone());
    with(watcher, move |ctx| {
        ctx.monitor_with(dying, move |_| {
            told.note(if here.whereis(NAME).is_none() { "monitor" } else { "monitor before name" });
        });
        Box::pin(async {})
    })
    .await;
    node.send_after(dying, Duration::from_secs(3_600), Carry(log.mark("timer")));
    let (open, gate) = oneshot::channel();
    dying.cast(EndAt(gate)).unwrap();
    dying.cast(Carry(log.mark("mailbox"))).unwrap();
    let ended = node.wait(dying);
    open.send(()).unwrap();
    ended.await;
    // Whoever waited is told as the monitors are: the mailbox may be dropped a moment later, by the same poll.
    tokio::task::yield_now().await;
    assert_eq!(*log.0.lock().unwrap(), ["terminate", "state", "timer", "hook", "monitor", "mailbox"]);
}

#[tokio::test]
async fn x8_a_server_that_is_killed_goes_the_same_way_without_terminate() {
    let node = Node::new("test");
    let log = Log::default();
    let dying = node.start(Dying::child(log.clone())).await.unwrap();
    node.send_after(dying, Duration::from_secs(3_600), Carry(log.mark("timer")));
    let (_open, gate) = oneshot::channel();
    dying.cast(EndAt(gate)).unwrap();
    dying.cast(Carry(log.mark("mailbox"))).unwrap();
    dying.exit(Exit::Kill);
    node.wait(dying).await;
    tokio::task::yield_now().await;
    assert_eq!(*log.0.lock().unwrap(), ["state", "timer", "hook", "mailbox"]);
}

#[tokio::test]
async fn p39_a_kill_drops_a_handler_where_it_waits_and_what_it_holds() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    let lock = Arc::new(tokio::sync::Mutex::new(()));
    let (shared, (entered, is_in)) = (lock.clone(), oneshot::channel());
    let at_work = wait_for(async move {
        let _guard = shared.lock().await;
        entered.send(()).unwrap();
        pending::<()>().await;
    });
    actor.cast(at_work).unwrap();
    is_in.await.unwrap();
    assert!(lock.try_lock().is_err());
    actor.exit(Exit::Kill);
    node.wait(actor).await;
    assert!(lock.try_lock().is_ok());
    assert_eq!(hear_all(&mut heard).await, ["dropped"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p38_a_kill_does_not_interrupt_a_handler_that_does_not_wait() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    let (entered, is_in) = oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let at_work = actor.call(act(move |_, ctx| {
        entered.send(()).unwrap();
        released.recv()?;
        ctx.continue_with(Say("not any more"));
        Ok("done")
    }));
    let at_work = at_work.send();
    is_in.await.unwrap();
    let queued = actor.call(Say("not any more")).send();
    actor.exit(Exit::Kill);
    release.send(()).unwrap();
    // It came to its end, and that counts; nothing else does.
    assert_eq!(at_work.await.unwrap(), "done");
    assert!(matches!(queued.await, Err(CallError::Exited { reason: Exit::Killed, .. })));
    assert_eq!(hear_all(&mut heard).await, ["dropped"]);
}

#[tokio::test]
async fn g5_a_stop_comes_before_what_the_server_would_continue_with() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    let leaving = act(|_, ctx| {
        ctx.continue_with(Say("not any more"));
        ctx.stop(Exit::Normal);
        ctx.continue_with(Say("not any more"));
        Ok(())
    });
    actor.cast(leaving).unwrap();
    assert_eq!(hear_all(&mut heard).await, ["terminate (normal)", "dropped"]);
}

#[tokio::test]
async fn g6_a_reply_with_a_stop_is_given_whatever_becomes_of_terminate() {
    let node = Node::new("test");
    let (actor, _heard) = start_as(&node, |part| part.last(|| async { panic!("no luck") })).await;
    let answer = actor.call(act(|_, ctx| {
        ctx.stop(Exit::Normal);
        Ok(1)
    }));
    assert_eq!(answer.await.unwrap(), 1);

    let (actor, mut heard) = start_as(&node, |part| part.last(pending)).await;
    let answer = actor.call(act(|_, ctx| {
        ctx.stop(Exit::Normal);
        Ok(2)
    }));
    let answer = answer.send();
    assert_eq!(hear(&mut heard).await, "terminate (normal)");
    actor.exit(Exit::Kill);
    assert_eq!(answer.await.unwrap(), 2);
}

#[tokio::test]
async fn g17_the_end_of_the_parent_waits_for_its_turn() {
    let node = Node::new("test");
    let (parent, _parent_heard) = start(&node).await;
    let (part, mut heard) = Part::new();
    let child = with(parent, |ctx| Box::pin(ctx.start_link(part.trapping().child()))).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    child.cast(wait_for(async move { drop(held.acquire().await.unwrap()) })).unwrap();
    child.cast(Say("before")).unwrap();
    parent.exit(Exit::other("boom"));
    node.wait(parent).await;
    child.cast(Say("after")).unwrap();
    gate.add_permits(1);
    assert_eq!(hear_all(&mut heard).await, ["init", "awaited", "before", "terminate (boom)", "dropped"]);
}

#[tokio::test]
async fn g18_of_two_who_stop_a_server_the_first_has_its_way_and_the_second_is_told() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    let (first, second) =
        tokio::join!(node.stop(actor, Exit::Shutdown, None), node.stop(actor, Exit::other("mine"), None),);
    first.unwrap();
    assert!(matches!(second, Err(StopError::Exited(Exit::Shutdown))), "{second:?}");
    assert_eq!(hear_all(&mut heard).await, ["terminate (shutdown)", "dropped"]);
}

#[tokio::test]
async fn g18_a_reason_in_the_same_words_is_the_same() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let leaving = wait_for(async move { drop(held.acquire().await.unwrap()) });
    actor.cast(leaving).unwrap();
    // It ends by itself before the stop gets its turn, and happens to say the same.
    actor.cast(act(|_, _| Err(Exit::other("enough").into()))).unwrap();
    let (stopped, ()) = tokio::join!(node.stop(actor, Exit::other("enough"), None), async {
        gate.add_permits(1);
    });
    stopped.unwrap();
}

#[tokio::test]
async fn g19_a_supervisors_shutdown_reaches_terminate_without_trapping_exits() {
    // OTP's would be killed by the signal: there, only a server that traps exits is told.
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let tree = node.start(Supervisor::one_for_one("top").child(part.child())).await.unwrap();
    node.stop(tree, Exit::Shutdown, None).await.unwrap();
    assert_eq!(hear_all(&mut heard).await, ["init", "terminate (shutdown)", "dropped"]);
}
