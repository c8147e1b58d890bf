//! What observers ask of a machine (F6 with G14 and Y1 to Y3).

use throng_runtime::{Address, Node, sys};

use crate::player::{act, cue, expect, go, nothing_more, only_in, start};

#[tokio::test]
async fn f6_an_observer_sees_the_state() {
    let node = Node::new("test");
    let (player, _heard) = start(&node).await;
    player.call(go("busy")).await.unwrap();
    assert_eq!(sys::with_state(&player, |machine| *machine.state()).await.unwrap(), "busy");
    assert_eq!(sys::with_state(&player, |machine| machine.data().hibernated).await.unwrap(), 0);
}

#[tokio::test]
async fn f6_an_observer_sees_how_many_events_are_postponed() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    assert!(sys::get_status(player).await.unwrap().state.ends_with("Player"));
    player.cast(only_in("busy", "first").quietly()).unwrap();
    let second = player.call(only_in("busy", "second")).send();
    expect(&mut heard, &["first in idle", "second in idle"]).await;
    player.sync().await.unwrap();
    assert_eq!(sys::with_state(&player, |machine| machine.postponed()).await.unwrap(), 2);
    assert!(sys::get_status(player).await.unwrap().state.ends_with("Player, 2 postponed"));
    player.call(go("busy")).await.unwrap();
    second.await.unwrap();
    assert_eq!(sys::with_state(&player, |machine| machine.postponed()).await.unwrap(), 0);
}

#[tokio::test]
async fn f6_a_suspended_machine_keeps_its_events_and_their_order() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    sys::suspend(&player).await.unwrap();
    player.cast(act("inserts", |ctx| ctx.next_event(cue("inserted"))).quietly()).unwrap();
    player.cast(cue("mail")).unwrap();
    assert_eq!(heard.try_recv().ok(), None);
    sys::resume(&player).await.unwrap();
    expect(&mut heard, &["inserts in idle", "inserted in idle", "mail in idle"]).await;
    nothing_more(player, &mut heard).await;
}

#[tokio::test]
async fn f6_an_event_can_have_the_machine_hibernate() {
    let node = Node::new("test");
    let (player, _heard) = start(&node).await;
    player.call(act("hibernates", |ctx| ctx.hibernate())).await.unwrap();
    // It happens when no message waits: by now, or after the message that the look itself is.
    while sys::with_state(&player, |machine| machine.data().hibernated).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(player.call(act("awake", |_| {})).await.unwrap(), "awake");
}
