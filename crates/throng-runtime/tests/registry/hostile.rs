//! Keys and values whose own code goes wrong, or takes its time.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use throng_runtime::{DuplicateRegistry, Node, Registry};

use crate::world::{actor, kill, within};

#[derive(Clone)]
struct Mine(Arc<AtomicBool>);

impl Drop for Mine {
    fn drop(&mut self) {
        assert!(!self.0.load(Ordering::Relaxed), "a drop panics");
    }
}

#[tokio::test]
async fn n6_values_whose_drop_panics_keep_no_entry_of_the_dead() {
    let node = Node::new("test");
    let (duplicate, unique) = (DuplicateRegistry::new(), Registry::new());
    let armed = Arc::new(AtomicBool::new(false));
    let holder = actor(&node).await;
    for key in 0..4 {
        let (duplicate, unique, mine) = (duplicate.clone(), unique.clone(), Mine(armed.clone()));
        within(holder, move |ctx| {
            duplicate.register(ctx, key / 2, mine.clone());
            unique.register(ctx, key, mine).unwrap();
        })
        .await;
    }
    armed.store(true, Ordering::Relaxed);
    kill(&node, holder).await;
    armed.store(false, Ordering::Relaxed);
    assert_eq!((duplicate.count(), unique.count()), (0, 0));
    assert!(duplicate.keys(holder).is_empty() && unique.keys(holder).is_empty());
}

/// A predicate is the caller's code, and may take its time: nobody else is to wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn n4_nobody_waits_for_the_predicate_of_another() {
    let node = Node::new("test");
    let registry = Registry::<u32, u32>::new();
    let (a, b) = (actor(&node).await, actor(&node).await);
    let of_a = registry.clone();
    within(a, move |ctx| of_a.register(ctx, 0, 0)).await.unwrap();
    let (began, begun) = mpsc::channel();
    let (finish, finished) = mpsc::channel::<()>();
    let finished = Mutex::new(finished);
    let of_a = registry.clone();
    let unregistered = tokio::spawn(within(a, move |ctx| {
        let mut in_time = false;
        let was_there = of_a.unregister_if(ctx, &0, |_| {
            began.send(()).unwrap();
            in_time = finished.lock().unwrap().recv_timeout(Duration::from_secs(10)).is_ok();
            true
        });
        was_there && in_time
    }));
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
    // So many that one of them would share whatever the key of the other one has locked.
    within(b, move |ctx| (1..2_000).for_each(|key| registry.register(ctx, key, 0).unwrap())).await;
    finish.send(()).unwrap();
    assert!(unregistered.await.unwrap());
}
