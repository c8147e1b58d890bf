//! Callers, changes and ends at once: nobody is forgotten.

use throng_runtime::{Address, CallError, Exit, Node};

use crate::{
    dice::Dice,
    player::{go, only_in, start},
};

/// Callers who are postponed while the machine changes and ends: each has an answer or a reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_f6_of_those_who_are_postponed_against_an_end_none_is_forgotten() {
    let mut dice = Dice::new("f4_f6_of_those_who_are_postponed_against_an_end_none_is_forgotten");
    let node = Node::new("test");
    for _ in 0..2_000 {
        let (player, _heard) = start(&node).await;
        let callers: Vec<_> = (0..4)
            .map(|_| node.task(async move { player.call(only_in("busy", "waits")).no_timeout().await }))
            .collect();
        let spins = dice.roll(200);
        let kills = dice.roll(2) == 0;
        node.spawn(async move |_| {
            (0..spins).for_each(|_| std::hint::spin_loop());
            if kills { player.exit(Exit::Kill) } else { player.cast(go("busy").quietly()).unwrap() }
        });
        for caller in callers {
            match caller.await.unwrap() {
                Ok(reply) => assert_eq!(reply, "waits"),
                Err(CallError::Exited { reason: Exit::Killed, .. } | CallError::NoProcess { .. })
                    if kills => {}
                Err(error) => panic!("{error}"),
            }
        }
        player.exit(Exit::Kill);
    }
}
