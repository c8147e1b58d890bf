use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use throng_runtime::{
    Address, Ctx, Exit, GenServer, Init, InitError, Name, Node, StartError, census::Census,
};
use tokio::sync::Semaphore;

use crate::actor::{Actor, Part, Say, hear, hear_all, start, start_as, sync, with};

const NAME: Name<Actor> = Name::new("the one");

#[tokio::test]
async fn g1_x2_start_returns_when_init_has_returned() {
    let node = Node::new("test");
    let done = Arc::new(AtomicBool::new(false));
    let (part, _heard) = Part::new();
    let flag = done.clone();
    let slow = part.init(move |_| {
        let flag = flag.clone();
        async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            flag.store(true, Ordering::SeqCst);
            Ok(())
        }
    });
    let actor = node.start(slow.child()).await.unwrap();
    assert!(done.load(Ordering::SeqCst), "start returned before init had");
    sync(actor).await;
}

#[tokio::test]
async fn g1_start_link_links_and_start_does_not() {
    let node = Node::new("test");
    let (parent, _heard) = start(&node).await;
    let (part, mut linked_heard) = Part::new();
    let (alone, _alone_heard) = start(&node).await;
    let linked = with(parent, |ctx| Box::pin(ctx.start_link(part.child()))).await.unwrap();
    parent.exit(Exit::other("boom"));
    node.wait(linked).await;
    assert_eq!(hear_all(&mut linked_heard).await, ["init", "dropped"]);
    sync(alone).await;
}

#[tokio::test]
async fn g1_start_monitor_sees_the_end_of_a_server_that_ends_at_once() {
    let node = Node::new("test");
    let (watcher, mut heard) = start(&node).await;
    for _ in 0..500 {
        let (part, _h) = Part::new();
        let brief = part.init(|ctx| {
            ctx.stop(Exit::other("at once"));
            async { Ok(()) }
        });
        let started = with(watcher, |ctx| Box::pin(ctx.start_monitor(brief.child()))).await;
        started.unwrap();
        // Not "no such process": the monitor was there before the server's first instruction.
        assert_eq!(hear(&mut heard).await, "down (at once)");
    }
}

#[tokio::test]
async fn g1_a_failed_start_monitor_sends_no_down() {
    let node = Node::new("test");
    let (watcher, mut heard) = start(&node).await;
    let (part, _h) = Part::new();
    let failing = part.init(|_| async { Err(Exit::other("no").into()) });
    let started = with(watcher, |ctx| Box::pin(ctx.start_monitor(failing.child()))).await;
    assert!(matches!(started, Err(StartError::Exited(_))), "{started:?}");
    sync(watcher).await;
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn g2_the_name_is_there_before_init_and_a_taken_one_keeps_init_from_running() {
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let seen = Arc::new(AtomicBool::new(false));
    let flag = seen.clone();
    let curious = part.init(move |ctx| {
        flag.store(ctx.node().whereis(NAME).is_some_and(|me| me.id() == ctx.id()), Ordering::SeqCst);
        async { Ok(()) }
    });
    let first = node.start(curious.child().name(NAME)).await.unwrap();
    assert!(seen.load(Ordering::SeqCst));
    assert_eq!(hear(&mut heard).await, "init");

    let (part, mut heard) = Part::new();
    let second = node.start(part.child().name(NAME)).await;
    assert!(
        matches!(second, Err(StartError::AlreadyStarted { holder, .. }) if holder == first.id()),
        "{second:?}"
    );
    assert_eq!(hear(&mut heard).await, "gone", "init ran");
}

#[tokio::test]
async fn g2_a_name_that_is_taken_leaves_no_link() {
    let node = Node::new("test");
    let (first, _heard) = start(&node).await;
    let (parent, mut parent_heard) = start_as(&node, Part::trapping).await;
    first.exit(Exit::Kill);
    node.wait(first).await;
    let (part, _h) = Part::new();
    let holder = node.start(part.child().name(NAME)).await.unwrap();
    let (part, _h) = Part::new();
    let refused = with(parent, |ctx| Box::pin(ctx.start_link(part.child().name(NAME)))).await;
    assert!(matches!(refused, Err(StartError::AlreadyStarted { .. })));
    holder.exit(Exit::Kill);
    node.wait(holder).await;
    sync(parent).await;
    assert!(parent_heard.try_recv().is_err(), "an exit of a server that never was reached its starter");
}

#[tokio::test]
async fn g3_what_init_returns_is_what_start_returns_and_nothing_else_is_heard_of_it() {
    let ignored = |error: &StartError| matches!(error, StartError::Ignored);
    let normal = |error: &StartError| matches!(error, StartError::Exited(Exit::Normal));
    let boom =
        |error: &StartError| matches!(error, StartError::Exited(reason) if reason.to_string() == "boom");
    let panicked = |error: &StartError| matches!(error, StartError::Exited(Exit::Panic(_)));
    fails(|| InitError::Ignore, ignored).await;
    // Not the same as ignore.
    fails(|| InitError::Stop(Exit::Normal), normal).await;
    fails(|| InitError::Stop(Exit::other("boom")), boom).await;
    fails(|| panic!("boom"), panicked).await;
}

async fn fails(error: fn() -> InitError, expected: fn(&StartError) -> bool) {
    let node = Node::new("test");
    let (parent, mut parent_heard) = start_as(&node, Part::trapping).await;
    for _ in 0..200 {
        let (part, mut heard) = Part::new();
        let failing = part.init(move |_| async move { Err(error()) });
        let started = with(parent, |ctx| Box::pin(ctx.start_link(failing.child().name(NAME)))).await;
        // The name is free and the process gone: the next round would fail otherwise.
        assert!(started.as_ref().is_err_and(expected), "{started:?}");
        assert!(node.whereis(NAME).is_none());
        assert_eq!(hear_all(&mut heard).await, ["init", "dropped"]);
    }
    sync(parent).await;
    assert!(parent_heard.try_recv().is_err(), "an exit signal came beside the error");
}

/// A server whose `init` is a plain function that panics before there is a future.
struct Hasty;

impl GenServer for Hasty {
    type Args = ();

    fn init((): (), _: &mut Ctx<Self>) -> impl Future<Output = Init<Self>> + Send {
        if std::hint::black_box(true) {
            panic!("too hasty");
        }
        async { Ok(Hasty) }
    }
}

#[tokio::test]
async fn g3_a_panic_before_the_future_of_init_is_a_panic_in_init() {
    let node = Node::new("test");
    let Err(StartError::Exited(Exit::Panic(panic))) = node.start(Hasty::child(())).await else {
        panic!("no panic")
    };
    assert_eq!(panic.message(), "too hasty");
}

#[tokio::test(start_paused = true)]
async fn g4_an_init_that_takes_too_long_is_killed_and_leaves_nothing() {
    let node = Node::new("test");
    let (parent, mut parent_heard) = start_as(&node, Part::trapping).await;
    let (part, mut heard) = Part::new();
    let slow = part.init(|_| std::future::pending());
    let limited = slow.child().name(NAME).start_timeout(Duration::from_secs(1));
    let started = with(parent, |ctx| Box::pin(ctx.start_link(limited))).await;
    assert!(
        matches!(started, Err(StartError::Timeout(limit)) if limit == Duration::from_secs(1)),
        "{started:?}"
    );
    assert_eq!(hear_all(&mut heard).await, ["init", "dropped"]);
    assert!(node.whereis(NAME).is_none());
    sync(parent).await;
    assert!(parent_heard.try_recv().is_err(), "an exit signal came beside the error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_a_limit_that_meets_the_end_of_init_takes_no_starter_down() {
    let node = Node::new("test");
    for round in 0..1_000 {
        // Not trapping: an exit signal of the child that was given up would end it.
        let (parent, _heard) = start(&node).await;
        let (part, _h) = Part::new();
        let close = part.init(|_| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(())
        });
        let limited = close.child().start_timeout(Duration::from_millis(1 + round % 3));
        let started = with(parent, |ctx| Box::pin(ctx.start_link(limited))).await;
        assert!(node.is_alive(parent), "round {round}: {started:?} and the starter is gone");
        parent.exit(Exit::Kill);
        node.wait(parent).await;
    }
}

#[tokio::test]
async fn a_start_that_is_given_up_kills_the_server_and_frees_its_name() {
    let node = Node::new("test");
    let before = Census::take(&node);
    let (part, mut heard) = Part::new();
    let gate = Arc::new(Semaphore::new(0));
    let entered = gate.clone();
    let stuck = part.init(move |_| {
        entered.add_permits(1);
        std::future::pending()
    });
    tokio::select! {
        started = node.start(stuck.child().name(NAME)) => panic!("{started:?}"),
        reached = gate.acquire() => drop(reached),
    }
    assert_eq!(hear_all(&mut heard).await, ["init", "dropped"]);
    while node.whereis(NAME).is_some() || Census::take(&node) != before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_start_link_that_is_given_up_leaves_its_starter_alive() {
    let node = Node::new("test");
    let (parent, _heard) = start(&node).await;
    let (part, mut heard) = Part::new();
    let stuck = part.init(|_| std::future::pending());
    with(parent, |ctx| {
        let mut starting = Box::pin(ctx.start_link(stuck.child()));
        Box::pin(async move {
            let polled = poll_fn(|cx| Poll::Ready(starting.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
        })
    })
    .await;
    assert_eq!(hear(&mut heard).await, "gone", "it was killed before its first instruction");
    sync(parent).await;
}

#[tokio::test]
async fn a_starter_that_dies_meanwhile_takes_the_half_started_with_it() {
    let node = Node::new("test");
    let (parent, _heard) = start(&node).await;
    let (part, mut heard) = Part::new();
    let gate = Arc::new(Semaphore::new(0));
    let entered = gate.clone();
    let stuck = part.init(move |_| {
        entered.add_permits(1);
        std::future::pending()
    });
    let half = node.spawn(async move |ctx| {
        drop(ctx.start_link(stuck.child().name(NAME)).await);
    });
    drop(gate.acquire().await.unwrap());
    node.exit(half, Exit::Kill);
    assert!(matches!(node.wait(half).await, Exit::Killed | Exit::NoProcess));
    assert_eq!(hear_all(&mut heard).await, ["init", "dropped"]);
    while node.whereis(NAME).is_some() {
        tokio::task::yield_now().await;
    }
    sync(parent).await;
}

#[tokio::test]
async fn a_stop_while_init_runs_ends_it_at_once() {
    // OTP's would wait for the end of init. There is no state that `terminate` could see, so Throng does not.
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let gate = Arc::new(Semaphore::new(0));
    let entered = gate.clone();
    let stuck = part.init(move |_| {
        entered.add_permits(1);
        std::future::pending()
    });
    let starting = tokio::spawn({
        let node = node.clone();
        async move { node.start(stuck.child().name(NAME)).await }
    });
    drop(gate.acquire().await.unwrap());
    let actor = node.whereis(NAME).unwrap();
    node.stop(actor, Exit::Shutdown, None).await.unwrap();
    let started = starting.await.unwrap();
    assert!(matches!(started, Err(StartError::Exited(Exit::Shutdown))), "{started:?}");
    assert_eq!(hear_all(&mut heard).await, ["init", "dropped"]);
}

#[test]
fn a_start_on_a_runtime_that_is_gone_fails() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let node = runtime.block_on(async { Node::new("test") });
    drop(runtime);
    let (part, _heard) = Part::new();
    let other = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let started = other.block_on(node.start(part.child().name(NAME)));
    assert!(matches!(started, Err(StartError::Exited(Exit::Killed))), "{started:?}");
    assert!(node.whereis(NAME).is_none());
}

#[tokio::test]
async fn g11_a_cast_to_a_server_that_just_started_is_handled() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    actor.cast(Say("hello")).unwrap();
    actor.call(Say("called")).await.unwrap();
    assert_eq!(hear(&mut heard).await, "hello");
    assert_eq!(hear(&mut heard).await, "called");
}
