//! Registries (rules N), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use throng_runtime::{
    Address, AlreadyRegistered, CallError, Ctx, DuplicateRegistry, Exit, GenServer, Handled, Handler, Init,
    Message, Node, Pid, Registry, RegistryEvent, StartError,
};

/// A server that runs what it is sent.
struct Actor;

impl GenServer for Actor {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Actor)
    }
}

type Work<R> = Box<dyn FnOnce(&mut Ctx<Actor>) -> R + Send>;

struct Do<R>(Work<R>);

impl<R: Send + 'static> Message for Do<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Do<R>> for Actor {
    async fn handle(&mut self, Do(work): Do<R>, ctx: &mut Ctx<Self>) -> Handled<Do<R>> {
        Ok(work(ctx))
    }
}

async fn within<R: Send + 'static>(
    actor: Pid<Actor>,
    work: impl FnOnce(&mut Ctx<Actor>) -> R + Send + 'static,
) -> R {
    actor.call(Do(Box::new(work))).await.unwrap()
}

async fn actor(node: &Node) -> Pid<Actor> {
    node.start(Actor::child(())).await.unwrap()
}

/// Has the actor register itself in `registry`.
async fn register(
    actor: Pid<Actor>,
    registry: &Registry<&'static str, u32>,
    key: &'static str,
    value: u32,
) -> Result<(), AlreadyRegistered> {
    let registry = registry.clone();
    within(actor, move |ctx| registry.register(ctx, key, value)).await
}

async fn kill(node: &Node, actor: Pid<Actor>) {
    node.exit(actor, Exit::Kill);
    node.wait(actor).await;
}

#[tokio::test]
async fn n1_a_process_registers_itself_with_a_value() {
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::new());
    register(a, &registry, "a", 7).await.unwrap();
    assert_eq!(registry.lookup(&"a"), Some((a.id(), 7)));
    assert_eq!(registry.lookup(&"b"), None);
    assert_eq!(registry.whereis::<Actor>(&"a"), Some(a));
}

#[tokio::test]
async fn n2_a_key_has_one_holder_and_a_dead_one_makes_room() {
    let node = Node::new("test");
    let (a, b, registry) = (actor(&node).await, actor(&node).await, Registry::new());
    register(a, &registry, "key", 1).await.unwrap();
    assert_eq!(register(b, &registry, "key", 2).await, Err(AlreadyRegistered { pid: a.id() }));
    assert_eq!(register(a, &registry, "key", 3).await, Err(AlreadyRegistered { pid: a.id() }));
    assert_eq!(registry.keys(b), [""; 0], "a refused registration leaves nothing behind");
    kill(&node, a).await;
    register(b, &registry, "key", 2).await.unwrap();
    assert_eq!(registry.lookup(&"key"), Some((b.id(), 2)));
}

#[tokio::test]
async fn n3_a_duplicate_key_is_held_as_often_as_it_was_registered() {
    let node = Node::new("test");
    let (a, b) = (actor(&node).await, actor(&node).await);
    let registry = DuplicateRegistry::new();
    for (actor, values) in [(a, vec![1, 2]), (b, vec![3])] {
        let registry = registry.clone();
        within(actor, move |ctx| values.into_iter().for_each(|value| registry.register(ctx, "key", value)))
            .await;
    }
    assert_eq!(registry.lookup(&"key"), [(a.id(), 1), (a.id(), 2), (b.id(), 3)]);
    assert_eq!(registry.keys(a), ["key", "key"]);
    assert_eq!(registry.values(&"key", a), [1, 2]);
    assert_eq!(registry.count(), 3);
    let held = registry.clone();
    assert_eq!(within(a, move |ctx| held.unregister(ctx, &"key")).await, 2);
    assert_eq!(registry.lookup(&"key"), [(b.id(), 3)]);
    assert!(registry.keys(a).is_empty());
    kill(&node, b).await;
    assert_eq!(registry.count(), 0);
}

#[tokio::test]
async fn n4_keys_values_and_counts_are_those_of_the_living() {
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::new());
    register(a, &registry, "one", 1).await.unwrap();
    register(a, &registry, "two", 2).await.unwrap();
    let mut keys = registry.keys(a);
    keys.sort_unstable();
    assert_eq!((keys, registry.count()), (vec!["one", "two"], 2));
    let mut entries = registry.entries();
    entries.sort_unstable();
    assert_eq!(entries, [("one", a.id(), 1), ("two", a.id(), 2)]);

    let held = registry.clone();
    let updated = within(a, move |ctx| held.update_value(ctx, &"one", |old| old + 10)).await;
    assert_eq!(updated, Some((11, 1)));
    let (b, held) = (actor(&node).await, registry.clone());
    assert_eq!(within(b, move |ctx| held.update_value(ctx, &"one", |_| 0)).await, None, "not its own");

    let held = registry.clone();
    assert!(within(a, move |ctx| held.unregister(ctx, &"two")).await);
    assert_eq!(registry.count(), 1);
}

#[tokio::test]
async fn n5_keys_are_compared_strictly() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    enum Number {
        Whole(u64),
        Bits(u64),
    }
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::<Number>::new());
    let held = registry.clone();
    within(a, move |ctx| held.register(ctx, Number::Whole(1), ())).await.unwrap();
    assert!(registry.lookup(&Number::Whole(1)).is_some());
    assert!(registry.lookup(&Number::Bits(1)).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_whoever_sees_the_end_of_a_holder_finds_its_keys_free() {
    let node = Node::new("test");
    let registry = Registry::new();
    for _ in 0..3_000 {
        let a = actor(&node).await;
        register(a, &registry, "key", 1).await.expect("free since the last holder's end was seen");
        kill(&node, a).await;
        assert_eq!((registry.lookup(&"key"), registry.count()), (None, 0));
    }
}

#[tokio::test]
async fn n7_dispatch_runs_here_and_only_if_somebody_is_there() {
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::new());
    registry.dispatch(&"key", |_, _| panic!("nobody is there"));
    register(a, &registry, "key", 1).await.unwrap();
    let mut called = Vec::new();
    registry.dispatch(&"key", |pid, value| called.push((pid, value)));
    assert_eq!(called, [(a.id(), 1)]);

    let groups = DuplicateRegistry::<&str>::new();
    groups.dispatch(&"key", |_| panic!("nobody is there"));
    let held = groups.clone();
    within(a, move |ctx| (0..3).for_each(|_| held.register(ctx, "key", ()))).await;
    let mut calls = Vec::new();
    groups.dispatch(&"key", |holders| calls.push(holders.len()));
    assert_eq!(calls, [3], "once, with all of them");
}

/// Remembers what a registry told.
struct Listener(Vec<RegistryEvent<&'static str, u32>>);

impl GenServer for Listener {
    type Args = Registry<&'static str, u32>;

    async fn init(registry: Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        registry.listen(ctx);
        registry.listen(ctx);
        Ok(Listener(Vec::new()))
    }
}

impl Handler<RegistryEvent<&'static str, u32>> for Listener {
    async fn handle(
        &mut self,
        event: RegistryEvent<&'static str, u32>,
        _: &mut Ctx<Self>,
    ) -> Handled<RegistryEvent<&'static str, u32>> {
        self.0.push(event);
        Ok(())
    }
}

struct Heard;

impl Message for Heard {
    type Reply = Vec<String>;
}

impl Handler<Heard> for Listener {
    async fn handle(&mut self, _: Heard, _: &mut Ctx<Self>) -> Handled<Heard> {
        Ok(self.0.drain(..).map(|event| format!("{event:?}")).collect())
    }
}

#[tokio::test]
async fn n8_listeners_hear_of_registrations_and_nothing_of_deaths() {
    let node = Node::new("test");
    let (a, registry) = (actor(&node).await, Registry::new());
    let listener = node.start(Listener::child(registry.clone())).await.unwrap();
    register(a, &registry, "one", 1).await.unwrap();
    register(a, &registry, "one", 2).await.unwrap_err();
    register(a, &registry, "two", 2).await.unwrap();
    let held = registry.clone();
    assert!(within(a, move |ctx| held.unregister(ctx, &"one")).await);
    kill(&node, a).await;
    assert_eq!(
        listener.call(Heard).await.unwrap(),
        [
            format!("Registered {{ key: \"one\", process: {a}, value: 1 }}"),
            format!("Registered {{ key: \"two\", process: {a}, value: 2 }}"),
            format!("Unregistered {{ key: \"one\", process: {a} }}"),
        ]
    );
    // A listener that is gone is forgotten.
    node.stop(listener, Exit::Shutdown, None).await.unwrap();
    register(actor(&node).await, &registry, "three", 3).await.unwrap();
}

#[tokio::test]
async fn n9_a_key_is_an_address_of_whoever_holds_it() {
    let node = Node::new("test");
    let registry = Registry::<&str>::new();
    let via = registry.via::<Actor>("key");
    let nobody = via.call(Do(Box::new(|_| ()))).await;
    assert!(matches!(nobody, Err(CallError::NoProcess { .. })));
    let first = node.start(Actor::child(()).via(via.clone())).await.unwrap();
    assert_eq!(via.call(Do(Box::new(|ctx: &mut Ctx<Actor>| ctx.me()))).await.unwrap(), first);
    assert_eq!(registry.lookup(&"key"), Some((first.id(), ())));

    // At another server's type the key is not an address of it.
    struct Other;
    impl GenServer for Other {
        type Args = ();
        async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
            Ok(Other)
        }
    }
    assert!(registry.via::<Other>("key").resolve().is_none());
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_of_all_who_race_for_a_key_exactly_one_gets_it() {
    let node = Node::new("test");
    let registry = Registry::<u32>::new();
    for key in 0..1_000 {
        let racers = (0..4).map(|_| {
            let (node, via) = (node.clone(), registry.via::<Actor>(key));
            tokio::spawn(async move { node.start(Actor::child(()).via(via)).await })
        });
        let mut outcomes = Vec::new();
        for racer in racers.collect::<Vec<_>>() {
            outcomes.push(racer.await.unwrap());
        }
        let winners: Vec<_> = outcomes.iter().flatten().collect();
        assert_eq!(winners.len(), 1, "key {key}");
        let winner = winners[0].id();
        assert_eq!(registry.lookup(&key).unwrap().0, winner);
        for loser in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert!(matches!(loser, StartError::AlreadyStarted(holder) if *holder == winner), "{loser}");
        }
    }
    assert_eq!(registry.count(), 1_000);
}
