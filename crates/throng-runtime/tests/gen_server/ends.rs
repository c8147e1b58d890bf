use std::{sync::Arc, time::Duration};

use throng_runtime::{Address, Exit, Halt, Name, Node, Pid, StopError};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::actor::{
    Actor, Part, Say, act, hear, hear_all, start, start_as, stop, sync, take, wait_for, with, with_ctx,
};

#[tokio::test]
async fn g17_a_trapping_server_follows_its_parent_and_nobody_else() {
    let node = Node::new("test");
    for reason in [Exit::Normal, Exit::Shutdown, Exit::other("boom")] {
        let (parent, _p) = start(&node).await;
        let (stranger, _s) = start(&node).await;
        let (part, mut heard) = Part::new();
        let child = with(parent, |ctx| Box::pin(ctx.start_link(part.trapping().child()))).await.unwrap();
        with(child, move |ctx| {
            let linked = ctx.link(stranger);
            Box::pin(async move { linked.unwrap() })
        })
        .await;
        let words = reason.to_string();
        end(&node, stranger, reason.clone()).await;
        end(&node, parent, reason).await;
        // The stranger's end is a message; the parent's is not, whatever its reason.
        let said =
            ["init".into(), format!("exited ({words})"), format!("terminate ({words})"), "dropped".into()];
        assert_eq!(hear_all(&mut heard).await, said);
    }
}

#[tokio::test]
async fn g17_a_server_that_does_not_trap_is_ended_without_terminate() {
    let node = Node::new("test");
    let (parent, _p) = start(&node).await;
    let (part, mut heard) = Part::new();
    with(parent, |ctx| Box::pin(ctx.start_link(part.child()))).await.unwrap();
    end(&node, parent, Exit::Shutdown).await;
    assert_eq!(hear_all(&mut heard).await, ["init", "dropped"]);
}

#[tokio::test]
async fn g17_a_parent_that_asks_is_followed_too() {
    // OTP cannot tell its request from its end.
    let node = Node::new("test");
    let (parent, _p) = start(&node).await;
    let (part, mut heard) = Part::new();
    let child = with(parent, |ctx| Box::pin(ctx.start_link(part.trapping().child()))).await.unwrap();
    with(parent, move |ctx| {
        ctx.exit(child, Exit::other("please"));
        Box::pin(async {})
    })
    .await;
    assert_eq!(hear_all(&mut heard).await, ["init", "terminate (please)", "dropped"]);
}

#[tokio::test]
async fn g18_a_stop_waits_its_turn_and_for_the_end() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    actor.cast(Say("before")).unwrap();
    node.stop(actor, Exit::other("enough"), None).await.unwrap();
    assert_eq!(hear_all(&mut heard).await, ["before", "terminate (enough)", "dropped"]);
    assert!(
        matches!(node.stop(actor, Exit::Normal, None).await, Err(StopError::NoProcess(id)) if id == actor.id())
    );
}

#[tokio::test]
async fn g18_a_stop_fails_with_the_reason_if_it_is_another() {
    let node = Node::new("test");
    let (actor, _heard) = start_as(&node, |part| part.last(|| async { panic!("in terminate") })).await;
    let stopped = node.stop(actor, Exit::Normal, None).await;
    assert!(matches!(stopped, Err(StopError::Exited(Exit::Panic(_)))), "{stopped:?}");
}

#[tokio::test(start_paused = true)]
async fn g18_a_stop_that_takes_too_long_does_not_kill() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    actor.cast(wait_for(async move { drop(held.acquire().await.unwrap()) })).unwrap();
    let limit = Duration::from_millis(50);
    let stopped = node.stop(actor, Exit::Shutdown, Some(limit)).await;
    assert!(matches!(stopped, Err(StopError::Timeout(after)) if after == limit), "{stopped:?}");
    assert!(node.is_alive(actor));
    // It stops when it gets there.
    gate.add_permits(1);
    assert_eq!(hear_all(&mut heard).await, ["awaited", "terminate (shutdown)", "dropped"]);
}

#[tokio::test]
async fn g18_a_process_cannot_wait_for_its_own_stop() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let stopped = with(actor, |ctx| {
        let (node, me) = (ctx.node().clone(), ctx.me());
        Box::pin(async move { node.stop(me, Exit::Normal, None).await })
    });
    assert!(matches!(stopped.await, Err(StopError::CallingSelf)));
}

#[tokio::test]
async fn g19_terminate_runs_for_every_orderly_end_and_for_no_other() {
    let node = Node::new("test");
    for (end, said) in [
        (End::Stop, vec!["terminate (stopped)", "dropped"]),
        (End::Error, vec!["terminate (failed)", "dropped"]),
        (End::Shutdown, vec!["terminate (shutdown)", "dropped"]),
        (End::Kill, vec!["dropped"]),
        (End::Exit, vec!["dropped"]),
    ] {
        let (actor, mut heard) = start(&node).await;
        match end {
            End::Stop => actor.cast(stop(Exit::other("stopped"))).unwrap(),
            End::Error => actor.cast(act(|_, _| Err(Halt::Stop(Exit::other("failed"))))).unwrap(),
            End::Shutdown => node.stop(actor, Exit::Shutdown, None).await.unwrap(),
            End::Kill => actor.exit(Exit::Kill),
            End::Exit => actor.exit(Exit::other("boom")),
        }
        assert_eq!(hear_all(&mut heard).await, said);
    }
    let (actor, mut heard) = start(&node).await;
    actor.cast(act(|_, _| panic!("boom"))).unwrap();
    let said = hear_all(&mut heard).await;
    assert!(said[0].starts_with("terminate (panic at ") && said[0].ends_with(": boom)"), "{said:?}");
}

enum End {
    Stop,
    Error,
    Shutdown,
    Kill,
    Exit,
}

#[tokio::test]
async fn g19_a_panic_in_terminate_is_the_reason_and_a_kill_ends_it() {
    let node = Node::new("test");
    let (actor, _heard) = start_as(&node, |part| part.last(|| async { panic!("last") })).await;
    let ended = node.wait(actor);
    let (reason, ()) = tokio::join!(ended, async {
        actor.cast(stop(Exit::Normal)).unwrap();
    });
    assert!(matches!(reason, Exit::Panic(panic) if panic.message() == "last"));

    let (actor, mut heard) = start_as(&node, |part| part.last(std::future::pending)).await;
    actor.cast(stop(Exit::Normal)).unwrap();
    assert_eq!(hear(&mut heard).await, "terminate (normal)");
    actor.exit(Exit::Kill);
    assert!(matches!(node.wait(actor).await, Exit::Killed));
    assert_eq!(hear(&mut heard).await, "dropped");
}

const NAME: Name<Actor> = Name::new("x8");

#[tokio::test]
async fn x8_whoever_sees_down_can_bind_the_port_and_take_the_name_again() {
    let node = Node::new("test");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    for _ in 0..100 {
        let (part, _heard) = Part::new();
        let actor = node.start(part.child().name(NAME)).await.unwrap();
        let bound = match listener.take() {
            Some(bound) => bound,
            None => TcpListener::bind(address).await.unwrap(),
        };
        // The server owns the port for as long as it lives.
        actor
            .cast(wait_for(async move {
                let _bound = bound;
                std::future::pending::<()>().await
            }))
            .unwrap();
        tokio::task::yield_now().await;
        actor.exit(Exit::Kill);
        node.wait(actor).await;
    }
}

/// A value that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb was dropped");
    }
}

#[tokio::test]
async fn x8_a_destructor_that_panics_stops_none_of_the_steps() {
    let node = Node::new("test");
    let (watcher, mut watched) = start(&node).await;
    for _ in 0..100 {
        let (part, _heard) = Part::new();
        let actor = node.start(part.child().name(NAME)).await.unwrap();
        with(watcher, move |ctx| {
            ctx.monitor(actor);
            Box::pin(async {})
        })
        .await;
        let at_work = actor.call(wait_for(std::future::pending())).no_timeout().send();
        actor.cast(take(Bomb)).unwrap();
        let queued = actor.call(Say("behind the bomb")).no_timeout().send();
        actor.cast(take(Bomb)).unwrap();
        tokio::task::yield_now().await;
        actor.exit(Exit::Kill);
        assert!(at_work.await.is_err());
        assert!(queued.await.is_err(), "a caller behind the bomb waits for ever");
        assert_eq!(hear(&mut watched).await, "down (killed)");
    }
}

#[tokio::test]
async fn x8_a_state_whose_destructor_panics_is_gone_all_the_same() {
    let node = Node::new("test");
    for _ in 0..100 {
        let (part, mut heard) = Part::new();
        let armed = part.last(|| {
            // Dropped when `terminate` is, in the middle of it.
            let bomb = Bomb;
            async move {
                let _bomb = bomb;
                std::future::pending::<()>().await;
            }
        });
        let actor = node.start(armed.child().name(NAME)).await.unwrap();
        actor.cast(stop(Exit::Normal)).unwrap();
        assert_eq!(hear(&mut heard).await, "init");
        assert_eq!(hear(&mut heard).await, "terminate (normal)");
        actor.exit(Exit::Kill);
        assert!(matches!(node.wait(actor).await, Exit::Killed));
    }
}

#[tokio::test]
async fn p13_unlink_flush_takes_back_an_exit_that_waits() {
    let node = Node::new("test");
    let (actor, mut heard) = start_as(&node, Part::trapping).await;
    for flush in [true, false] {
        let (peer, _p) = start(&node).await;
        let gate = Arc::new(Semaphore::new(0));
        let held = gate.clone();
        with(actor, move |ctx| {
            let linked = ctx.link(peer);
            Box::pin(async move { linked.unwrap() })
        })
        .await;
        let at_work = actor.call(with_ctx(move |ctx| {
            Box::pin(async move {
                drop(held.acquire().await.unwrap());
                if flush { ctx.unlink_flush(peer) } else { ctx.unlink(peer) }
            })
        }));
        let at_work = at_work.send();
        end(&node, peer, Exit::other("boom")).await;
        gate.add_permits(1);
        at_work.await.unwrap();
        sync(actor).await;
        let heard = heard.try_recv();
        if flush {
            assert!(heard.is_err(), "{heard:?}");
        } else {
            assert_eq!(heard.unwrap(), "exited (boom)");
        }
    }
}

#[tokio::test]
async fn p24_demonitor_flush_takes_back_a_down_that_waits() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    for flush in [true, false] {
        let (target, _t) = start(&node).await;
        let gate = Arc::new(Semaphore::new(0));
        let held = gate.clone();
        let at_work = actor.call(with_ctx(move |ctx| {
            let monitor = ctx.monitor(target);
            Box::pin(async move {
                drop(held.acquire().await.unwrap());
                let active = if flush { ctx.demonitor_flush(monitor) } else { ctx.demonitor(monitor) };
                assert!(!active, "it had ended before");
            })
        }));
        let at_work = at_work.send();
        sync_other(&node).await;
        end(&node, target, Exit::other("boom")).await;
        gate.add_permits(1);
        at_work.await.unwrap();
        sync(actor).await;
        let heard = heard.try_recv();
        if flush {
            assert!(heard.is_err(), "{heard:?}");
        } else {
            assert_eq!(heard.unwrap(), "down (boom)");
        }
    }
}

#[tokio::test]
async fn p26_a_down_can_arrive_as_a_message_of_ones_own() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    let (target, _t) = start(&node).await;
    let (other, _o) = start(&node).await;
    let dropped = with(actor, move |ctx| {
        let me = ctx.me();
        ctx.monitor_with(target, move |_| drop(me.cast(Say("the target is gone"))));
        let second = ctx.monitor_with(other, move |_| drop(me.cast(Say("the other is gone"))));
        let active = ctx.demonitor(second);
        Box::pin(async move { active })
    });
    assert!(dropped.await, "a monitor with a hook can be taken away as any");
    end(&node, other, Exit::Normal).await;
    end(&node, target, Exit::Normal).await;
    assert_eq!(hear(&mut heard).await, "the target is gone");
    sync(actor).await;
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn a_monitor_with_a_hook_ends_with_its_owner() {
    let node = Node::new("test");
    let (owner, _o) = start(&node).await;
    let (target, _t) = start(&node).await;
    let held = Arc::new(());
    let hook_holds = held.clone();
    with(owner, move |ctx| {
        ctx.monitor_with(target, move |_| drop(hook_holds));
        Box::pin(async {})
    })
    .await;
    assert_eq!(Arc::strong_count(&held), 2);
    end(&node, owner, Exit::Normal).await;
    assert_eq!(Arc::strong_count(&held), 1, "a dead process' hook is kept for as long as its target lives");
    sync(target).await;
}

/// Has an actor end with a reason of its own, and waits for it.
async fn end(node: &Node, actor: Pid<Actor>, reason: Exit) {
    actor.cast(stop(reason)).unwrap();
    node.wait(actor).await;
}

/// Lets everything that is ready on this one-threaded runtime run.
async fn sync_other(node: &Node) {
    let (other, _o) = start(node).await;
    sync(other).await;
}
