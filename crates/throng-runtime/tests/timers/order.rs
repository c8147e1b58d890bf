//! Timers whose deadlines come in no order, and what fires them sleeping (P4, P5).

use std::time::Duration;

use throng_runtime::{Address, Exit, Node};
use tokio::time::Instant;

use crate::{Tick, clock, dice::Dice};

#[tokio::test(start_paused = true)]
async fn p5_deadlines_of_every_size_are_kept_in_order_and_none_early() {
    let mut dice = Dice::new("deadlines of every size");
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    let begun = Instant::now();
    // From a fraction of a millisecond to three months, as many of each size, so that every level of the wheel has some.
    let afters: Vec<_> = (0..5_000)
        .map(|_| {
            let size = dice.roll(44);
            Duration::from_micros(dice.roll(1 << size))
        })
        .collect();
    for (n, after) in (0..).zip(&afters) {
        node.send_after(clock, *after, Tick(n));
    }
    let mut last = 0;
    for _ in 0..afters.len() {
        let (n, at) = ticked.recv().await.unwrap();
        let after = afters[n as usize];
        assert!(at - begun >= after, "{after:?} came after {:?}", at - begun);
        // Timers count whole milliseconds.
        let tick = after.as_micros().div_ceil(1_000);
        assert!(tick >= last, "{after:?} came after {last} ms");
        last = tick;
    }
}

#[tokio::test(start_paused = true)]
async fn p5_a_deadline_that_is_set_later_and_comes_sooner_wakes_who_sleeps() {
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    let begun = Instant::now();
    node.send_after(clock, Duration::from_secs(3_600), Tick(3_600));
    // Lets whoever fires timers go to sleep for that hour.
    tokio::time::sleep(Duration::from_secs(1)).await;
    node.send_after(clock, Duration::from_secs(1), Tick(2));
    let (n, at) = ticked.recv().await.unwrap();
    assert_eq!((n, (at - begun).as_secs()), (2, 2));
    assert_eq!(ticked.recv().await.unwrap().0, 3_600);
}

#[tokio::test(start_paused = true)]
async fn p5_a_timer_of_no_time_fires_now() {
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    let now = Instant::now();
    node.send_after(clock, Duration::ZERO, Tick(0));
    assert_eq!(ticked.recv().await, Some((0, now)));
}

#[tokio::test(start_paused = true)]
async fn p4_a_timer_that_its_setter_set_for_another_outlives_the_setters_crash() {
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    let setter = node.spawn(async move |ctx| {
        ctx.node().send_after(clock, Duration::from_secs(1), Tick(1));
        Err::<(), _>(Exit::other("boom"))
    });
    node.wait(setter).await;
    assert_eq!(ticked.recv().await.unwrap().0, 1);
}

#[tokio::test(start_paused = true)]
async fn p4_p9_a_timer_for_a_dead_process_never_reaches_a_new_one() {
    let node = Node::new("test");
    let mut dead = Vec::new();
    for _ in 0..100 {
        let (clock, _ticked) = clock(&node).await;
        clock.exit(Exit::Kill);
        node.wait(clock).await;
        dead.push(clock);
    }
    // In the places of the dead.
    let mut living = Vec::new();
    for _ in 0..100 {
        living.push(clock(&node).await);
    }
    for clock in dead {
        node.send_after(clock, Duration::from_secs(1), Tick(1));
    }
    for (clock, _) in &living {
        node.send_after(*clock, Duration::from_secs(2), Tick(2));
    }
    for (_, mut ticked) in living {
        assert_eq!(ticked.recv().await.unwrap().0, 2);
    }
}
