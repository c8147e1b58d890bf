//! Transitions, and the order of events around them (F1 to F4, F6).

use throng_runtime::{Address, CallError, Exit, Node, ReplyTo, TooManyPostponed};
use tokio::sync::mpsc;

use crate::player::{Await, act, cue, expect, full, go, nothing_more, only_in, start, start_as};

#[tokio::test]
async fn f1_calls_casts_news_and_timeouts_are_events_alike() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    assert_eq!(player.call(act("call", |_| {})).await.unwrap(), "call");
    player.cast(cue("cast")).unwrap();
    let watched = node.spawn(async |_| Err::<(), _>(Exit::other("news")));
    node.wait(watched).await;
    player
        .call(act("watch", move |ctx| {
            ctx.monitor(watched);
        }))
        .await
        .unwrap();
    expect(&mut heard, &["call in idle", "cast in idle", "watch in idle"]).await;
    expect(&mut heard, &["down (no such process) in idle"]).await;
}

#[tokio::test]
async fn f2_another_state_is_entered_and_the_same_one_is_not() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    player.cast(only_in("busy", "waits").quietly()).unwrap();
    expect(&mut heard, &["waits in idle"]).await;
    player.call(go("idle")).await.unwrap();
    expect(&mut heard, &["go in idle"]).await;
    nothing_more(player, &mut heard).await;
    player.call(go("busy")).await.unwrap();
    expect(&mut heard, &["go in idle", "enter busy from idle", "waits in busy"]).await;
}

#[tokio::test]
async fn f2_a_repeated_state_is_entered_again_and_what_was_postponed_waits_on() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    player.cast(only_in("busy", "waits").quietly()).unwrap();
    player.call(act("repeat", |ctx| ctx.repeat_state())).await.unwrap();
    expect(&mut heard, &["waits in idle", "repeat in idle", "enter idle from idle"]).await;
    nothing_more(player, &mut heard).await;
}

#[tokio::test]
async fn f3_the_first_state_is_entered_after_the_start_and_before_any_event() {
    let node = Node::new("test");
    let (_player, mut heard) = start_as(&node, |part| part.begin("continued")).await;
    expect(&mut heard, &["continued in idle"]).await;
}

#[tokio::test]
async fn f3_inserted_events_come_before_postponed_ones_and_those_before_the_mailbox() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    player.cast(only_in("busy", "first").quietly()).unwrap();
    player.cast(only_in("busy", "second").quietly()).unwrap();
    let (open, gate) = tokio::sync::oneshot::channel::<()>();
    player.cast(Await(Box::pin(async { drop(gate.await) }))).unwrap();
    let change = act("change", |ctx| {
        ctx.next_event(act("inserted", |ctx| ctx.next_event(cue("by inserted"))).quietly());
        ctx.next_event(cue("inserted too"));
        ctx.next_state("busy");
    });
    player.cast(change.quietly()).unwrap();
    player.cast(cue("mail")).unwrap();
    open.send(()).unwrap();
    expect(&mut heard, &["first in idle", "second in idle", "change in idle", "enter busy from idle"]).await;
    expect(&mut heard, &["inserted in busy", "by inserted in busy", "inserted too in busy"]).await;
    expect(&mut heard, &["first in busy", "second in busy", "mail in busy"]).await;
}

#[tokio::test]
async fn f3_an_event_may_postpone_itself_and_change_the_state() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    let itself = full("itself", |state, ask, ctx| match state {
        "idle" => {
            ctx.next_state("busy");
            ctx.postpone(ask)
        }
        state => Ok(format!("answered in {state}")),
    });
    assert_eq!(player.call(itself).await.unwrap(), "answered in busy");
    expect(&mut heard, &["itself in idle", "enter busy from idle", "itself in busy"]).await;
}

#[tokio::test]
async fn f4_a_postponed_call_is_answered_by_the_state_that_can_however_often_it_waits() {
    let node = Node::new("test");
    let (player, _heard) = start(&node).await;
    let waits = player.call(only_in("third", "waits")).send();
    for state in ["first", "second", "first", "third"] {
        player.call(go(state)).await.unwrap();
    }
    assert_eq!(waits.await.unwrap(), "waits");
}

#[tokio::test]
async fn f4_news_can_be_postponed_too() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    let watched = node.spawn(async |_| std::future::pending::<()>().await);
    let watch = act("watch", move |ctx| {
        ctx.monitor(watched);
        ctx.next_state("busy");
    });
    player.call(watch).await.unwrap();
    node.exit(watched, Exit::other("gone"));
    node.wait(watched).await;
    player.call(go("idle")).await.unwrap();
    expect(&mut heard, &["watch in idle", "enter busy from idle", "go in busy", "enter idle from busy"])
        .await;
    expect(&mut heard, &["down (gone) in idle"]).await;
}

#[tokio::test]
async fn f4_too_many_postponed_events_end_the_machine_and_every_caller_is_told() {
    let node = Node::new("test");
    let (player, _heard) = start(&node).await;
    let waiting: Vec<_> =
        (0..101).map(|_| player.call(only_in("never", "waits")).no_timeout().send()).collect();
    for answer in waiting {
        let Err(CallError::Exited { reason: Exit::Error(error), .. }) = answer.await else {
            panic!("not the reason")
        };
        assert_eq!(error.downcast_ref::<TooManyPostponed>().unwrap().max, 100);
    }
}

#[tokio::test]
async fn f4_a_caller_who_gave_up_is_not_waited_for() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    drop(player.call(only_in("busy", "waits")).send());
    player.call(go("busy")).await.unwrap();
    // The event is handled all the same, its answer dropped.
    expect(&mut heard, &["waits in idle", "go in idle", "enter busy from idle", "waits in busy"]).await;
    nothing_more(player, &mut heard).await;
}

#[tokio::test]
async fn f6_a_reply_is_given_before_the_next_state_is_entered() {
    let node = Node::new("test");
    let (player, mut heard) = start_as(&node, |part| {
        part.enter(|state, _| match state {
            "broken" => Err(Exit::other("cannot enter")),
            _ => Ok(()),
        })
    })
    .await;
    assert_eq!(player.call(go("broken")).await.unwrap(), "go");
    expect(&mut heard, &["go in idle", "enter broken from idle"]).await;
    expect(&mut heard, &["terminate in broken (cannot enter)", "dropped"]).await;
}

#[tokio::test]
async fn f6_another_event_can_give_the_reply() {
    let node = Node::new("test");
    let (player, _heard) = start(&node).await;
    let (keep, mut kept) = mpsc::unbounded_channel::<ReplyTo<String>>();
    let asked = full("asked", move |_, _, ctx| ctx.reply_later(|to| keep.send(to).unwrap()));
    let answer = player.call(asked).send();
    let to = kept.recv().await.unwrap();
    let reply = std::sync::Mutex::new(Some(to));
    let answers = act("answers", move |_| {
        reply.lock().unwrap().take().unwrap().send("later".into()).unwrap();
    });
    player.call(answers).await.unwrap();
    assert_eq!(answer.await.unwrap(), "later");
}
