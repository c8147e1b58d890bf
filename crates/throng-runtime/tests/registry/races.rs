//! Races, thousands of rounds on two threads, from a printed seed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use throng_runtime::{
    Address, DuplicateRegistry, Exit, GenServer, Node, Registry, RegistryEvent, StartError,
};

use crate::{
    dice::Dice,
    world::{Actor, Heard, actor, heard, kill, listener, register, within},
};

const ROUNDS: u64 = 3_000;

fn spin(dice: &mut Dice) {
    (0..dice.roll(400)).for_each(|_| std::hint::spin_loop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_whoever_sees_the_end_of_a_holder_finds_its_keys_free() {
    let node = Node::new("test");
    let registry = Registry::new();
    for _ in 0..ROUNDS {
        let a = actor(&node).await;
        register(a, &registry, "key", 1).await.expect("free since the last holder's end was seen");
        kill(&node, a).await;
        assert_eq!((registry.lookup(&"key"), registry.count()), (None, 0));
    }
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
            assert!(
                matches!(loser, StartError::AlreadyStarted { holder, .. } if *holder == winner),
                "{loser}"
            );
        }
    }
    assert_eq!(registry.count(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_n11_a_newcomer_against_the_death_of_the_holder_against_a_reader() {
    let mut dice = Dice::new("newcomer against death");
    let node = Node::new("test");
    let registry = Registry::new();
    let mut holder = actor(&node).await;
    register(holder, &registry, "key", 0).await.unwrap();
    for round in 0..ROUNDS {
        let newcomer = actor(&node).await;
        let over = Arc::new(AtomicBool::new(false));
        let reader = std::thread::spawn({
            let (registry, over, old, new) = (registry.clone(), over.clone(), holder.id(), newcomer.id());
            move || {
                let mut was_there = false;
                while !over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                    match registry.lookup(&"key") {
                        Some((id, _)) if id == new => was_there = true,
                        Some((id, _)) => assert!(id == old && !was_there, "the old holder came back"),
                        None => assert!(!was_there, "the new holder was gone for a moment"),
                    }
                }
            }
        });
        spin(&mut dice);
        holder.exit(Exit::Kill);
        spin(&mut dice);
        // Refused while the old one lives; the first time that it is not, at once and for good.
        let names = registry.clone();
        within(newcomer, move |ctx| while names.register(ctx, "key", round as u32).is_err() {}).await;
        assert_eq!(registry.lookup(&"key").unwrap().0, newcomer.id());
        node.wait(holder).await;
        assert_eq!((registry.lookup(&"key").unwrap().0, registry.count()), (newcomer.id(), 1));
        over.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        holder = newcomer;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_who_registers_while_it_dies_leaves_nothing_behind() {
    let mut dice = Dice::new("registration against death");
    let node = Node::new("test");
    let (registry, groups) = (Registry::<u32>::new(), DuplicateRegistry::<u32>::new());
    for round in 0..ROUNDS {
        // A process' handle on itself that is used elsewhere while the process ends.
        let (give, given) = tokio::sync::oneshot::channel();
        let process = node.spawn(async move |ctx| {
            give.send(ctx).unwrap();
            std::future::pending::<()>().await
        });
        let ctx = given.await.unwrap();
        let (names, members, mut other_dice) = (registry.clone(), groups.clone(), Dice::from(round + 1));
        let registrar = std::thread::spawn(move || {
            for key in 0..4 {
                spin(&mut other_dice);
                names.register(&ctx, key, ()).unwrap();
                members.register(&ctx, key, ());
            }
        });
        spin(&mut dice);
        node.exit(process, Exit::Kill);
        node.wait(process).await;
        assert!(
            registry.entries().is_empty() && groups.lookup(&0).is_empty(),
            "an entry after the end was seen"
        );
        registrar.join().unwrap();
        assert_eq!((registry.count(), groups.count()), (0, 0), "round {round}");
        assert_eq!((registry.keys(process), groups.keys(process)), (vec![], vec![]), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n8_what_listeners_hear_of_a_key_is_what_happened_in_that_order() {
    let mut dice = Dice::new("the order of events");
    let node = Node::new("test");
    let registry = Registry::new();
    let listened = registry.clone();
    let listener = listener(&node, move |ctx| listened.listen_to_deaths(ctx)).await;
    let rivals: Vec<_> = (0..3)
        .map(|_| {
            let (node, registry, mut dice) =
                (node.clone(), registry.clone(), Dice::from(dice.roll(u64::MAX) + 1));
            tokio::spawn(async move {
                let mut rival = actor(&node).await;
                for _ in 0..ROUNDS {
                    spin(&mut dice);
                    let _ = register(rival, &registry, "key", 0).await;
                    spin(&mut dice);
                    if dice.roll(2) == 0 {
                        let names = registry.clone();
                        within(rival, move |ctx| names.unregister(ctx, &"key")).await;
                    } else {
                        kill(&node, rival).await;
                        rival = actor(&node).await;
                    }
                }
                kill(&node, rival).await;
            })
        })
        .collect();
    for rival in rivals {
        rival.await.unwrap();
    }
    let mut holder = None;
    let events = heard(listener).await;
    assert!(events.len() as u64 > ROUNDS);
    for event in events {
        match event {
            Heard::Event(RegistryEvent::Registered { process, .. }) => {
                assert_eq!(holder.replace(process), None, "told of a holder before its predecessor's end");
            }
            Heard::Event(
                RegistryEvent::Unregistered { process, .. } | RegistryEvent::Down { process, .. },
            ) => {
                assert_eq!(holder.take(), Some(process));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(holder, None);
}
