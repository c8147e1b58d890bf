//! A machine in a supervisor.

use throng_runtime::{Address, Exit, Machine, Name, Node, StateMachine, Supervisor};

use crate::player::{Part, Player, act, expect, go};

const NAME: Name<Machine<Player>> = Name::new("player");

#[tokio::test]
async fn f6_a_machine_that_crashed_begins_again_in_its_first_state() {
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let tree = Supervisor::one_for_one("tree").child(Player::child(part).name(NAME));
    let tree = node.start(tree).await.unwrap();
    let player = node.via(NAME);
    player.call(go("busy")).await.unwrap();
    player.call(act("crash", |_| panic!("a bad day"))).await.unwrap_err();
    expect(&mut heard, &["enter idle from idle", "go in idle", "enter busy from idle", "crash in busy"])
        .await;
    let last = heard.recv().await.unwrap();
    assert!(last.starts_with("terminate in busy") && last.contains("a bad day"), "{last}");
    expect(&mut heard, &["dropped", "enter idle from idle"]).await;
    node.stop(tree, Exit::Shutdown, None).await.unwrap();
    expect(&mut heard, &["terminate in idle (shutdown)", "dropped"]).await;
}
