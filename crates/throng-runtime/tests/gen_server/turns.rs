//! What a server does next: continues before messages, idle timeouts, giving way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use throng_runtime::{Address, Ctx, Exit, Handled, Handler, Message, Node};
use tokio::sync::Semaphore;

use crate::actor::{Actor, Part, Say, act, hear, start, sync, wait_for};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn g5_a_continue_comes_before_any_message() {
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let eager = part.init(move |ctx| {
        ctx.me().cast(Say("a message to itself")).unwrap();
        let held = held.clone();
        ctx.continue_with(wait_for(async move { drop(held.acquire().await.unwrap()) }));
        async { Ok(()) }
    });
    // The slow part of init does not hold up the start.
    let actor = node.start(eager.child()).await.unwrap();
    gate.add_permits(1);
    for words in ["init", "awaited", "a message to itself"] {
        assert_eq!(hear(&mut heard).await, words);
    }

    actor
        .cast(act(|actor, ctx| {
            ctx.me().cast(Say("queued"))?;
            ctx.continue_with(Say("first"));
            ctx.continue_with(act(|actor, ctx| {
                actor.say("second");
                ctx.continue_with(Say("third"));
                Ok(())
            }));
            actor.say("begun");
            Ok(())
        }))
        .unwrap();
    for words in ["begun", "first", "second", "third", "queued"] {
        assert_eq!(hear(&mut heard).await, words);
    }
}

/// Has itself handled again and again, without an await point of its own.
struct Forever(Arc<AtomicU64>);

impl Message for Forever {
    type Reply = ();
}

impl Handler<Forever> for Actor {
    async fn handle(&mut self, Forever(turns): Forever, ctx: &mut Ctx<Self>) -> Handled<Forever> {
        turns.fetch_add(1, Ordering::Relaxed);
        ctx.continue_with(Forever(turns));
        Ok(())
    }
}

#[tokio::test]
async fn p38_a_server_that_continues_for_ever_lets_others_run_and_can_be_killed() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let turns = Arc::new(AtomicU64::new(0));
    actor.cast(Forever(turns.clone())).unwrap();
    let (other, _o) = start(&node).await;
    while turns.load(Ordering::Relaxed) < 1_000 {
        sync(other).await;
    }
    actor.exit(Exit::Kill);
    assert!(matches!(node.wait(actor).await, Exit::Killed));
}

#[tokio::test]
async fn p38_a_kill_takes_effect_at_the_next_await_point() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    actor
        .cast(act(|actor, ctx| {
            ctx.exit(ctx.id(), Exit::Kill);
            // No await point since: it is still running.
            actor.say("still here");
            ctx.continue_with(Say("not any more"));
            Ok(())
        }))
        .unwrap();
    assert_eq!(hear(&mut heard).await, "still here");
    assert_eq!(hear(&mut heard).await, "dropped");
    assert!(matches!(node.wait(actor).await, Exit::Killed | Exit::NoProcess));
}

#[tokio::test(start_paused = true)]
async fn g13_an_idle_timeout_comes_once_when_nothing_else_does() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    let asked = tokio::time::Instant::now();
    actor.cast(IdleAfter(SECOND)).unwrap();
    assert_eq!(hear(&mut heard).await, "idle");
    assert!(asked.elapsed() >= SECOND);
    // It is no tick.
    tokio::time::sleep(10 * SECOND).await;
    sync(actor).await;
    assert!(heard.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn g13_any_message_takes_the_idle_timeout_away_for_good() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    actor.cast(IdleAfter(SECOND)).unwrap();
    tokio::time::sleep(SECOND / 2).await;
    actor.cast(Say("a message")).unwrap();
    assert_eq!(hear(&mut heard).await, "a message");
    tokio::time::sleep(10 * SECOND).await;
    sync(actor).await;
    assert!(heard.try_recv().is_err(), "it came back");
}

#[tokio::test(start_paused = true)]
async fn g13_an_idle_timeout_of_zero_is_lost_to_a_message_that_waits() {
    let node = Node::new("test");
    let (actor, mut heard) = start(&node).await;
    actor.cast(IdleAfter(Duration::ZERO)).unwrap();
    actor.cast(Say("it waited")).unwrap();
    assert_eq!(hear(&mut heard).await, "it waited");
    sync(actor).await;
    assert!(heard.try_recv().is_err());
    actor.cast(IdleAfter(Duration::ZERO)).unwrap();
    assert_eq!(hear(&mut heard).await, "idle");
}

#[tokio::test(start_paused = true)]
async fn g13_init_can_ask_for_it_and_an_ignored_signal_is_no_message() {
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let idle = part.init(|ctx| {
        ctx.idle_timeout(SECOND);
        async { Ok(()) }
    });
    let actor = node.start(idle.child()).await.unwrap();
    assert_eq!(hear(&mut heard).await, "init");
    tokio::time::sleep(SECOND / 2).await;
    node.exit(actor, Exit::Normal);
    assert_eq!(hear(&mut heard).await, "idle");
}

/// Asks for an idle timeout.
struct IdleAfter(Duration);

impl Message for IdleAfter {
    type Reply = ();
}

impl Handler<IdleAfter> for Actor {
    async fn handle(&mut self, IdleAfter(time): IdleAfter, ctx: &mut Ctx<Self>) -> Handled<IdleAfter> {
        ctx.idle_timeout(time);
        Ok(())
    }
}
