use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::json;
use throng_pubsub::PubSub;
use throng_runtime::{Address, Exit, Node};

use crate::probe::{Probe, within};

/// Those who stay get every broadcast exactly once while others come and go around them.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn subscribers_that_stay_lose_nothing_while_others_come_and_go() {
    const ROUNDS: usize = 2_000;
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (stays, _s) = Probe::start(&node).await;
    let counts: Arc<Vec<AtomicUsize>> = Arc::new((0..300).map(|_| AtomicUsize::new(0)).collect());
    let (handle, counters) = (pubsub.clone(), counts.clone());
    let _held = within(stays, move |ctx| {
        let subscribe = |index: usize| {
            let counters = counters.clone();
            handle.subscribe_with(ctx, "t", move |_| {
                counters[index].fetch_add(1, Ordering::Relaxed);
            })
        };
        (0..300).map(subscribe).collect::<Vec<_>>()
    })
    .await;
    let done = Arc::new(AtomicBool::new(false));
    let churn = {
        let (node, pubsub, done) = (node.clone(), pubsub.clone(), done.clone());
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let (probe, _p) = Probe::subscribed(&node, &pubsub, "t").await;
                let handle = pubsub.clone();
                within(probe, move |ctx| drop(handle.subscribe_with(ctx, "t", |_| ()))).await;
                probe.exit(Exit::Kill);
                node.wait(probe).await;
            }
        })
    };
    let broadcasts = (0..2).map(|_| {
        let pubsub = pubsub.clone();
        tokio::task::spawn_blocking(move || {
            for _ in 0..ROUNDS {
                pubsub.broadcast("t", "e", json!({})).unwrap();
            }
        })
    });
    for broadcast in broadcasts.collect::<Vec<_>>() {
        broadcast.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    churn.await.unwrap();
    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 2 * ROUNDS));
    assert_eq!(pubsub.subscribers("t"), 300);
}

/// A subscription that ends by its process and by its drop at once ends once, and leaves nothing behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_end_from_two_sides_leaves_nothing_behind() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    for _ in 0..2_000 {
        let (probe, _p) = Probe::start(&node).await;
        let handle = pubsub.clone();
        let held = within(probe, move |ctx| handle.subscribe_with(ctx, "t", |_| ())).await;
        let drops = tokio::task::spawn_blocking(move || drop(held));
        probe.exit(Exit::Kill);
        node.wait(probe).await;
        drops.await.unwrap();
        assert_eq!(pubsub.subscribers("t"), 0);
    }
}
