//! Who is told (N8).

use throng_runtime::{Address, DuplicateRegistry, Exit, Node, Registry};

use crate::world::{
    Gate, Heard, actor, gone, heard, kill, listener, register, registered, unregistered, within,
};

#[tokio::test]
async fn n8_listeners_hear_of_registrations_and_nothing_of_deaths() {
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::new());
    let listened = registry.clone();
    let listener = listener(&node, move |ctx| (0..2).for_each(|_| listened.listen(ctx))).await;
    register(a, &registry, "one", 1).await.unwrap();
    register(a, &registry, "one", 2).await.unwrap_err();
    register(a, &registry, "two", 2).await.unwrap();
    let held = registry.clone();
    assert!(within(a, move |ctx| held.unregister(ctx, &"one")).await);
    kill(&node, a).await;
    let expected = [registered(a, "one", 1), registered(a, "two", 2), unregistered(a, "one")];
    assert_eq!(heard(listener).await, expected, "once each, however often it asked to listen");
}

#[tokio::test]
async fn n8_who_listens_to_deaths_hears_of_each_entry_when_its_key_is_free_and_before_down() {
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::new());
    let listened = registry.clone();
    let listener = listener(&node, move |ctx| {
        listened.listen_to_deaths(ctx);
        ctx.monitor(a);
    })
    .await;
    register(a, &registry, "one", 1).await.unwrap();
    register(a, &registry, "two", 2).await.unwrap();
    kill(&node, a).await;
    let expected = [
        registered(a, "one", 1),
        registered(a, "two", 2),
        gone(a, "one"),
        gone(a, "two"),
        Heard::Down(a.id()),
    ];
    assert_eq!(heard(listener).await, expected);
}

#[tokio::test]
async fn n8_a_duplicate_entry_is_told_of_as_often_as_it_is_there() {
    let node = Node::new("test");
    let (a, groups) = (actor(&node).await, DuplicateRegistry::new());
    let listened = groups.clone();
    let listener = listener(&node, move |ctx| listened.listen_to_deaths(ctx)).await;
    let held = groups.clone();
    within(a, move |ctx| {
        (1..=4).for_each(|value| held.register(ctx, "key", value));
        assert_eq!(held.unregister_if(ctx, &"key", |value| value % 2 == 0), 2);
    })
    .await;
    kill(&node, a).await;
    let mut expected: Vec<_> = (1..=4).map(|value| registered(a, "key", value)).collect();
    expected.extend([unregistered(a, "key"), unregistered(a, "key"), gone(a, "key"), gone(a, "key")]);
    assert_eq!(heard(listener).await, expected);
}

#[tokio::test]
async fn n8_a_listener_that_is_gone_is_forgotten_and_one_that_asks_for_less_hears_less() {
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::new());
    let listened = registry.clone();
    let former = listener(&node, move |ctx| listened.listen(ctx)).await;
    let listened = registry.clone();
    let modest = listener(&node, move |ctx| {
        listened.listen_to_deaths(ctx);
        listened.listen(ctx);
    })
    .await;
    node.stop(former, Exit::Shutdown, None).await.unwrap();
    register(a, &registry, "key", 1).await.unwrap();
    kill(&node, a).await;
    modest.sync().await.unwrap();
    assert_eq!(heard(modest).await, [registered(a, "key", 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n8_the_end_of_a_dead_holder_is_told_before_its_successor_and_only_once() {
    let node = Node::new("test");
    let (a, b, registry) = (actor(&node).await, actor(&node).await, Registry::new());
    let listened = registry.clone();
    let listener = listener(&node, move |ctx| listened.listen_to_deaths(ctx)).await;
    let (gate, reached, opens) = Gate::new();
    node.on_exit(a, gate).unwrap();
    register(a, &registry, "key", 1).await.unwrap();
    a.exit(Exit::Kill);
    tokio::task::spawn_blocking(move || reached.recv().unwrap()).await.unwrap();
    register(b, &registry, "key", 2).await.unwrap();
    opens.send(()).unwrap();
    node.wait(a).await;
    let expected = [registered(a, "key", 1), gone(a, "key"), registered(b, "key", 2)];
    assert_eq!(heard(listener).await, expected);
}
