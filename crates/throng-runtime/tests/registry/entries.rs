//! Keys, values, counts and dispatch (N1 to N5, N7).

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use throng_runtime::{Address, AlreadyRegistered, DuplicateRegistry, Exit, Node, Registry};

use crate::world::{Actor, Gate, actor, kill, register, within};

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

#[tokio::test]
async fn n1_a_registry_keeps_one_value_of_each_type_about_itself() {
    #[derive(Debug, PartialEq)]
    struct Capacity(usize);
    let rooms = Registry::<String>::new();
    assert!(rooms.meta::<Capacity>().is_none());
    rooms.put_meta(Capacity(1));
    rooms.put_meta("a text");
    rooms.clone().put_meta(Capacity(2));
    assert_eq!(rooms.meta::<Capacity>().as_deref(), Some(&Capacity(2)));
    assert_eq!(rooms.take_meta::<Capacity>().as_deref(), Some(&Capacity(2)));
    assert!(rooms.meta::<Capacity>().is_none());
    assert_eq!(rooms.meta::<&str>().as_deref(), Some(&"a text"));

    let groups = DuplicateRegistry::<String>::new();
    groups.put_meta(Capacity(3));
    assert_eq!(groups.meta::<Capacity>().as_deref(), Some(&Capacity(3)));
    assert_eq!(groups.take_meta::<Capacity>().as_deref(), Some(&Capacity(3)));
    assert!(groups.take_meta::<Capacity>().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_a_dead_holder_makes_room_before_it_is_cleaned_up() {
    let node = Node::new("test");
    let (a, b, registry) = (actor(&node).await, actor(&node).await, Registry::new());
    let (gate, reached, opens) = Gate::new();
    node.on_exit(a, gate).unwrap();
    register(a, &registry, "key", 1).await.unwrap();
    a.exit(Exit::Kill);
    tokio::task::spawn_blocking(move || reached.recv().unwrap()).await.unwrap();
    // It has begun to exit, and its entry is there still: it holds nothing, and is in nobody's way.
    assert_eq!((registry.lookup(&"key"), registry.count()), (None, 1));
    register(b, &registry, "key", 2).await.unwrap();
    opens.send(()).unwrap();
    node.wait(a).await;
    assert_eq!(registry.lookup(&"key"), Some((b.id(), 2)), "its cleanup leaves the successor alone");
    assert_eq!((registry.keys(a).len(), registry.count()), (0, 1));
}

#[tokio::test]
async fn n4_values_are_matched_by_what_they_are() {
    let node = Node::new("test");
    let (a, b, registry) = (actor(&node).await, actor(&node).await, Registry::new());
    register(a, &registry, "one", 1).await.unwrap();
    register(b, &registry, "two", 2).await.unwrap();
    assert_eq!(registry.lookup_if(&"one", |value| *value == 1), Some((a.id(), 1)));
    assert_eq!(registry.lookup_if(&"one", |value| *value == 2), None);
    assert_eq!((registry.value(&"one", a), registry.value(&"one", b)), (Some(1), None));
    assert_eq!(registry.select(|key, _, value| (*value > 1).then_some(*key)), ["two"]);
    let held = registry.clone();
    within(a, move |ctx| {
        assert!(!held.unregister_if(ctx, &"one", |value| *value == 2));
        assert!(!held.unregister_if(ctx, &"two", |_| true), "another's");
        assert!(held.unregister_if(ctx, &"one", |value| *value == 1));
    })
    .await;
    assert_eq!((registry.count(), registry.keys(a).len()), (1, 0));
}

#[tokio::test]
async fn n4_duplicate_values_are_matched_by_what_they_are() {
    let node = Node::new("test");
    let (a, b, groups) = (actor(&node).await, actor(&node).await, DuplicateRegistry::new());
    for (actor, values) in [(a, 0..4), (b, 4..6)] {
        let groups = groups.clone();
        within(actor, move |ctx| values.for_each(|value| groups.register(ctx, "key", value))).await;
    }
    let is_even = |value: &i32| value % 2 == 0;
    assert_eq!(groups.lookup_if(&"key", is_even), [(a.id(), 0), (a.id(), 2), (b.id(), 4)]);
    assert_eq!((groups.count_if(&"key", is_even), groups.count_if(&"other", is_even)), (3, 0));
    let held = groups.clone();
    assert_eq!(within(a, move |ctx| held.unregister_if(ctx, &"key", is_even)).await, 2);
    assert_eq!((groups.values(&"key", a), groups.keys(a)), (vec![1, 3], vec!["key", "key"]));
    assert_eq!(groups.select(|_, process, value| (process == a.id()).then_some(*value)), [1, 3]);
    kill(&node, a).await;
    assert_eq!(groups.lookup(&"key"), [(b.id(), 4), (b.id(), 5)]);
}

#[tokio::test]
async fn n4_the_keys_and_values_of_the_dead_are_given_back() {
    /// Counts how many of it there are.
    struct Counted(Arc<AtomicUsize>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::SeqCst);
            Self(self.0.clone())
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let node = Node::new("test");
    let live = Arc::new(AtomicUsize::new(1));
    let value = Counted(live.clone());
    let (registry, groups) = (Registry::new(), DuplicateRegistry::new());
    for _ in 0..3 {
        let a = actor(&node).await;
        let (names, members, value) = (registry.clone(), groups.clone(), value.clone());
        within(a, move |ctx| {
            for key in 0..20_000 {
                names.register(ctx, key, value.clone()).unwrap();
                members.register(ctx, key % 7, value.clone());
            }
        })
        .await;
        assert_eq!(live.load(Ordering::SeqCst), 40_001);
        kill(&node, a).await;
        assert_eq!((registry.count(), groups.count()), (0, 0));
        assert_eq!(live.load(Ordering::SeqCst), 1, "nobody reads: all are dropped at once");
    }
}

#[tokio::test]
async fn n4_a_destructor_of_a_value_may_use_the_registry_and_may_panic() {
    #[derive(Clone)]
    struct Nosy {
        groups: DuplicateRegistry<&'static str, Nosy>,
        looks: Arc<AtomicUsize>,
    }
    impl Drop for Nosy {
        fn drop(&mut self) {
            let holders = |key| self.groups.count_if(&key, |_| true);
            if (holders("armed"), holders("key")) == (1, 0) {
                self.looks.fetch_add(1, Ordering::SeqCst);
                panic!("a destructor's");
            }
        }
    }
    let node = Node::new("test");
    let (a, groups) = (actor(&node).await, DuplicateRegistry::new());
    let (registry, looks) = (Registry::new(), Arc::new(AtomicUsize::new(0)));
    let (names, held, looked) = (registry.clone(), groups.clone(), looks.clone());
    within(a, move |ctx| {
        let nosy = || Nosy { groups: held.clone(), looks: looked.clone() };
        names.register(ctx, "key", nosy()).unwrap();
        held.register(ctx, "key", nosy());
    })
    .await;
    let (held, looked) = (groups.clone(), looks.clone());
    let armed = actor(&node).await;
    within(armed, move |ctx| held.register(ctx, "armed", Nosy { groups: held.clone(), looks: looked })).await;
    kill(&node, a).await;
    assert_eq!((registry.count(), groups.count()), (0, 1));
    assert_eq!(looks.load(Ordering::SeqCst), 2, "both looked, and panicked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n7_a_parallel_dispatch_shares_the_holders_out_among_tasks() {
    let node = Node::new("test");
    let (a, groups) = (actor(&node).await, DuplicateRegistry::new());
    let held = groups.clone();
    within(a, move |ctx| (0..10).for_each(|value| held.register(ctx, "key", value))).await;
    let shares = Arc::new(Mutex::new(Vec::new()));
    let dispatcher = node.task({
        let (node, groups, shares) = (node.clone(), groups.clone(), shares.clone());
        async move {
            let (ran, has_run) = tokio::sync::oneshot::channel();
            let caller = node.spawn(async move |ctx| {
                let note = move |share: &[(_, i32)]| {
                    let values: Vec<_> = share.iter().map(|(_, value)| *value).collect();
                    shares.lock().unwrap().push(values);
                };
                let three = NonZero::new(3).unwrap();
                groups.dispatch_parallel(&ctx, &"key", three, note.clone()).await.unwrap();
                let nobody = groups.dispatch_parallel(&ctx, &"nobody", three, |_| panic!("nobody is there"));
                nobody.await.unwrap();
                ran.send(()).unwrap();
            });
            has_run.await.unwrap();
            node.wait(caller).await
        }
    });
    dispatcher.await.unwrap();
    let mut shares = std::mem::take(&mut *shares.lock().unwrap());
    shares.sort();
    assert_eq!(shares, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
}

#[tokio::test]
async fn n7_a_parallel_dispatch_that_crashes_takes_its_caller_along() {
    let node = Node::new("test");
    let (a, groups) = (actor(&node).await, DuplicateRegistry::<&str>::new());
    let held = groups.clone();
    within(a, move |ctx| held.register(ctx, "key", ())).await;
    let caller = node.spawn(async move |ctx| {
        let crashed = groups.dispatch_parallel(&ctx, &"key", NonZero::<usize>::MIN, |_| panic!("crash"));
        // As with every linked task, unless the caller traps exits.
        crashed.await
    });
    assert!(matches!(node.wait(caller).await, Exit::Panic(panic) if panic.message() == "crash"));
}
