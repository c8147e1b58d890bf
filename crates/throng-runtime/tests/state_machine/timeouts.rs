//! The three kinds of timeouts (F5), on a clock that is paused.

use std::time::Duration;

use throng_runtime::{Address, Machine, Node, Pid, Timeout};
use tokio::time::Instant;

use crate::player::{Heard, Player, act, cue, expect, go, nothing_more, start, start_as};

const SECOND: Duration = Duration::from_secs(1);

/// A player for whom all three run, for one, two and three seconds.
async fn with_all(node: &Node) -> (Pid<Machine<Player>>, Heard) {
    let (player, mut heard) = start(node).await;
    let set = act("set", |ctx| {
        ctx.event_timeout(SECOND, cue("event"));
        ctx.state_timeout(SECOND * 2, cue("state"));
        ctx.timeout("lamp", SECOND * 3, cue("named"));
    });
    player.call(set).await.unwrap();
    expect(&mut heard, &["set in idle"]).await;
    (player, heard)
}

#[tokio::test(start_paused = true)]
async fn f5_each_timeout_is_an_event_when_its_time_has_come() {
    let node = Node::new("test");
    let began = Instant::now();
    let (_player, mut heard) = with_all(&node).await;
    for (seconds, line) in [(1, "event in idle"), (2, "state in idle"), (3, "named in idle")] {
        expect(&mut heard, &[line]).await;
        assert!(began.elapsed() >= SECOND * seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn f5_any_event_cancels_the_event_timeout() {
    let node = Node::new("test");
    let (player, mut heard) = with_all(&node).await;
    player.cast(cue("any")).unwrap();
    expect(&mut heard, &["any in idle", "state in idle", "named in idle"]).await;
    nothing_more(player, &mut heard).await;
}

#[tokio::test(start_paused = true)]
async fn f5_a_change_cancels_the_state_timeout_and_a_named_one_survives_it() {
    let node = Node::new("test");
    let (player, mut heard) = with_all(&node).await;
    player.cast(go("idle").quietly()).unwrap();
    player.cast(go("busy").quietly()).unwrap();
    expect(&mut heard, &["go in idle", "go in idle", "enter busy from idle", "named in busy"]).await;
    nothing_more(player, &mut heard).await;
}

#[tokio::test(start_paused = true)]
async fn f5_a_state_timeout_survives_a_repeated_state() {
    let node = Node::new("test");
    let (player, mut heard) = with_all(&node).await;
    player.cast(act("repeat", |ctx| ctx.repeat_state()).quietly()).unwrap();
    expect(&mut heard, &["repeat in idle", "enter idle from idle", "state in idle", "named in idle"]).await;
}

#[tokio::test(start_paused = true)]
async fn f5_a_state_sets_its_own_timeout_when_it_is_entered() {
    let node = Node::new("test");
    let (player, mut heard) = start_as(&node, |part| {
        part.enter(|state, ctx| {
            if state == "green" {
                ctx.state_timeout(SECOND, go("idle").quietly());
            }
            Ok(())
        })
    })
    .await;
    player.cast(go("green").quietly()).unwrap();
    expect(&mut heard, &["go in idle", "enter green from idle", "go in green", "enter idle from green"])
        .await;
    nothing_more(player, &mut heard).await;
}

#[tokio::test(start_paused = true)]
async fn f5_a_timeout_is_cancelled_updated_and_set_again() {
    let node = Node::new("test");
    let (player, mut heard) = with_all(&node).await;
    let began = Instant::now();
    let change = act("change", |ctx| {
        ctx.cancel_timeout(Timeout::State);
        ctx.update_timeout(Timeout::named("lamp"), cue("updated"));
        ctx.timeout("door", SECOND, cue("door"));
        ctx.timeout("door", SECOND * 4, cue("door again"));
    });
    player.cast(change.quietly()).unwrap();
    expect(&mut heard, &["change in idle", "updated in idle"]).await;
    assert!(began.elapsed() >= SECOND * 3 && began.elapsed() < SECOND * 4, "it kept its time");
    expect(&mut heard, &["door again in idle"]).await;
    assert!(began.elapsed() >= SECOND * 4);
    nothing_more(player, &mut heard).await;
}

#[tokio::test(start_paused = true)]
async fn f5_a_timeout_that_rang_while_the_machine_was_at_work_can_still_be_cancelled() {
    let node = Node::new("test");
    let (player, mut heard) = with_all(&node).await;
    // The times of all three are up before the next event ends: the rings wait in the mailbox, behind the change.
    player.cast(crate::player::Await(Box::pin(tokio::time::sleep(SECOND * 10)))).unwrap();
    player
        .cast(
            act("change", |ctx| {
                ctx.cancel_timeout(Timeout::named("lamp"));
                ctx.next_state("busy");
            })
            .quietly(),
        )
        .unwrap();
    expect(&mut heard, &["change in idle", "enter busy from idle"]).await;
    nothing_more(player, &mut heard).await;
}

#[tokio::test(start_paused = true)]
async fn f5_a_timeout_of_no_time_comes_before_the_mailbox() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    player.cast(act("set", |ctx| ctx.event_timeout(Duration::ZERO, cue("at once"))).quietly()).unwrap();
    player.cast(cue("mail")).unwrap();
    expect(&mut heard, &["set in idle", "at once in idle", "mail in idle"]).await;
}
