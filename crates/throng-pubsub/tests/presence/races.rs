use serde_json::json;
use throng_pubsub::{OtherProcess, Presence, PubSub, TrackError};
use throng_runtime::{Address, Exit, Node};

use crate::{
    client::{Client, listed},
    member::{Member, within},
};

/// Processes come, change and are killed on several threads while the tracker crashes again and again; what a client was told
/// adds up to what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_clients_are_told_adds_up_to_what_is_there() {
    const MEMBERS: usize = 8;
    const ROUNDS: usize = 300;
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let members = (0..MEMBERS).map(|index| {
        let (node, presence) = (node.clone(), presence.clone());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let member = Member::start(&node).await;
                let handle = presence.clone();
                within(member, move |ctx| {
                    let key = format!("key{}", index % 3);
                    handle.track(ctx, "t", key.clone(), json!({ "round": round })).unwrap();
                    handle.update(ctx, "t", key.clone(), json!({})).unwrap();
                    if round % 4 == 0 {
                        handle.untrack(ctx, "t", key);
                    }
                })
                .await;
                if round + 1 < ROUNDS {
                    member.exit(Exit::Kill);
                    node.wait(member).await;
                }
            }
        })
    });
    let members: Vec<_> = members.collect();
    while !members.iter().all(|member| member.is_finished()) {
        let tracker = node.start(&presence).await.unwrap();
        tokio::task::yield_now().await;
        tracker.exit(Exit::Kill);
        node.wait(tracker).await;
    }
    for member in members {
        member.await.unwrap();
    }
    let there = listed(&presence, "t");
    assert_eq!(there.len(), MEMBERS);
    client.until(|client| client.refs() == there).await;
    client.catch_up();
    assert_eq!(client.refs(), there);
}

/// A process that is tracked and subscribed by another, while it is killed, leaves nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn c12_2_a_process_that_ends_while_another_tracks_it_leaves_nothing_behind() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    node.start(&presence).await.unwrap();
    let mut late = 0;
    for round in 0..4_000_u32 {
        let process = node.spawn(async |_| std::future::pending::<()>().await);
        let killer = {
            let node = node.clone();
            tokio::task::spawn_blocking(move || node.exit(process, Exit::Kill))
        };
        (0..round % 64 * 16).for_each(|_| std::hint::spin_loop());
        let owner = OtherProcess::new(&node, process);
        let subscription = pubsub.subscribe_with(&owner, "t", |_| ());
        match presence.track(&owner, "t", "ann", json!({})) {
            Ok(_) => {}
            Err(TrackError::NoProcess(gone)) => late += u32::from(gone == process),
            Err(error) => panic!("{error}"),
        }
        killer.await.unwrap();
        node.wait(process).await;
        assert!(presence.list("t").is_empty(), "round {round}");
        assert_eq!(pubsub.subscribers("t"), 0, "round {round}");
        drop(subscription);
        let again = presence.track(&owner, "t", "ann", json!({}));
        assert!(matches!(again, Err(TrackError::NoProcess(_))) && presence.list("t").is_empty());
    }
    println!("in {late} of 4,000 rounds the process was gone first");
}
