//! Ends: stop, crash, kill, parents (F6 with G6 and G17 to G19).

use throng_runtime::{Address, CallError, Exit, Machine, Name, Node, StateMachine};

use crate::player::{Await, Part, Player, act, expect, full, go, only_in, start, start_as};

#[tokio::test]
async fn f6_stop_and_reply_answers_and_enters_no_other_state() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    let last = act("last", |ctx| {
        ctx.next_state("busy");
        ctx.stop(Exit::Shutdown);
    });
    assert_eq!(player.call(last).await.unwrap(), "last");
    expect(&mut heard, &["last in idle", "terminate in idle (shutdown)", "dropped"]).await;
}

#[tokio::test]
async fn f6_a_postponed_caller_is_told_how_the_machine_ended() {
    let node = Node::new("test");
    let ends = [("stop", Exit::Shutdown), ("error", Exit::other("broken")), ("kill", Exit::Killed)];
    for (how, reason) in ends {
        let (player, _heard) = start(&node).await;
        let waits = player.call(only_in("never", "waits")).no_timeout().send();
        player.sync().await.unwrap();
        match how {
            "stop" => player.cast(act("stop", |ctx| ctx.stop(Exit::Shutdown)).quietly()).unwrap(),
            "error" => {
                player.cast(full("fail", |_, _, _| Err(Exit::other("broken").into())).quietly()).unwrap();
            }
            _ => player.exit(Exit::Kill),
        }
        let error = waits.await.unwrap_err();
        let CallError::Exited { reason: told, .. } = &error else { panic!("{how}: {error}") };
        assert!(told.is_same(&reason), "{how}: {told}");
    }
}

#[tokio::test]
async fn f6_a_panic_tells_who_was_postponed_and_who_asked() {
    let node = Node::new("test");
    let (player, _heard) = start(&node).await;
    let waits = player.call(only_in("never", "waits")).no_timeout().send();
    let asks = player.call(act("panics", |_| panic!("a bad day"))).await;
    for error in [waits.await.unwrap_err(), asks.unwrap_err()] {
        assert!(error.to_string().contains("a bad day"), "{error}");
    }
}

#[tokio::test]
async fn f6_g18_a_stop_runs_terminate_in_its_turn() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    player.cast(go("busy").quietly()).unwrap();
    node.stop(player, Exit::Normal, None).await.unwrap();
    expect(&mut heard, &["go in idle", "enter busy from idle", "terminate in busy (normal)", "dropped"])
        .await;
}

#[tokio::test]
async fn f6_g17_the_end_of_the_parent_ends_a_machine_that_traps_and_another_end_is_an_event() {
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let part = part.enter(|_, ctx| {
        ctx.trap_exits();
        Ok(())
    });
    let (tell, told) = tokio::sync::oneshot::channel();
    let parent = node.spawn(async move |ctx| {
        let player = ctx.start_link(Player::child(part)).await.unwrap();
        tell.send(player).unwrap();
        std::future::pending::<()>().await;
    });
    let player = told.await.unwrap();
    let peer = node.spawn(async move |ctx| {
        ctx.link(player).unwrap();
        Err::<(), _>(Exit::other("a peer"))
    });
    node.wait(peer).await;
    expect(&mut heard, &["enter idle from idle", "exited (a peer) in idle"]).await;
    node.exit(parent, Exit::other("over"));
    expect(&mut heard, &["terminate in idle (over)", "dropped"]).await;
}

#[tokio::test]
async fn f6_g19_a_kill_drops_the_event_at_its_await_point_and_runs_no_terminate() {
    let node = Node::new("test");
    let (player, mut heard) = start(&node).await;
    player.cast(Await(Box::pin(std::future::pending()))).unwrap();
    player.exit(Exit::Kill);
    expect(&mut heard, &["dropped", "gone"]).await;
}

#[tokio::test]
async fn f6_a_first_state_that_cannot_be_entered_ends_the_machine_after_its_start() {
    let node = Node::new("test");
    let (player, mut heard) =
        start_as(&node, |part| part.enter(|_, _| Err(Exit::other("cannot enter")))).await;
    expect(&mut heard, &["terminate in idle (cannot enter)", "dropped"]).await;
    node.wait(player).await;
}

#[tokio::test]
async fn f6_a_machine_has_a_name_as_any_server_has() {
    const NAME: Name<Machine<Player>> = Name::new("player");
    let node = Node::new("test");
    let (part, _heard) = Part::new();
    node.start(Player::child(part).name(NAME)).await.unwrap();
    assert_eq!(node.via(NAME).call(act("by name", |_| {})).await.unwrap(), "by name");
}
