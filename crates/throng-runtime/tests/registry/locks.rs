//! Work under a key (N10).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use throng_runtime::{DuplicateRegistry, Exit, Node, Registry};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n10_work_under_one_key_excludes_other_work_under_it() {
    let registry = Registry::<u8>::new();
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (registry, inside, most) = (registry.clone(), inside.clone(), most.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..200 {
                registry
                    .lock(1, async || {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                    })
                    .await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn n10_a_lock_is_released_by_the_end_of_its_holder_and_skips_the_dead() {
    let node = Node::new("test");
    let registry = Registry::<u8>::new();
    let hold = |registry: &Registry<u8>| {
        let registry = registry.clone();
        async move |_| registry.lock(1, async || std::future::pending::<()>().await).await
    };
    let holder = node.spawn(hold(&registry));
    let waiter = node.spawn(hold(&registry));
    tokio::task::yield_now().await;
    let mine = tokio::spawn({
        let registry = registry.clone();
        async move { registry.lock(1, async || 42).await }
    });
    // Other keys are free all the while.
    assert_eq!(registry.lock(2, async || 1).await, 1);
    node.exit(waiter, Exit::Kill);
    node.wait(waiter).await;
    node.exit(holder, Exit::Kill);
    assert_eq!(mine.await.unwrap(), 42);
}

#[tokio::test]
async fn n10_who_comes_first_is_served_first_and_a_panic_lets_the_next_one_in() {
    let node = Node::new("test");
    let registry = DuplicateRegistry::<u8>::new();
    let (served, mut order) = tokio::sync::mpsc::unbounded_channel();
    let (open, opened) = tokio::sync::oneshot::channel::<()>();
    let holder = node.spawn({
        let registry = registry.clone();
        async move |_| {
            let crash = async || {
                opened.await.unwrap();
                panic!("the holder's")
            };
            registry.lock::<()>(1, crash).await
        }
    });
    tokio::task::yield_now().await;
    for number in 0..100 {
        let (registry, served) = (registry.clone(), served.clone());
        node.spawn(async move |_| registry.lock(1, async || served.send(number).unwrap()).await);
        // This thread runs one at a time: it waits for its turn now.
        tokio::task::yield_now().await;
    }
    open.send(()).unwrap();
    assert!(matches!(node.wait(holder).await, Exit::Panic(_)));
    drop(served);
    let mut heard = Vec::new();
    while let Some(number) = order.recv().await {
        heard.push(number);
    }
    assert_eq!(heard, (0..100).collect::<Vec<_>>());
}
