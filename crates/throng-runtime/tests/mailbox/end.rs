//! Senders that wait, against the end of the process they wait for: nothing is lost, nobody hangs.

use throng_runtime::{Address, Bounds, Exit, Node, Overflow};

use crate::{
    desk::{Job, busy_desk, wait_for_queue},
    dice::Dice,
};

const ROUNDS: u64 = if cfg!(debug_assertions) { 500 } else { 3_000 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p34_whoever_waits_for_room_is_told_whatever_happens_meanwhile() {
    let node = Node::new("test");
    let mut dice = Dice::new("whoever_waits_for_room_is_told");
    for _ in 0..ROUNDS {
        let bounds = Bounds::messages(1 + dice.roll(3) as usize).on_overflow(Overflow::Block);
        let (desk, hands) = busy_desk(&node, Some(bounds)).await;
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let gives_up = dice.roll(2) == 0;
                tokio::spawn(async move {
                    for number in 0..5 {
                        let sending = desk.send(Job(sender * 10 + number));
                        if gives_up && number == 3 {
                            tokio::select! {
                                biased;
                                sent = sending => drop(sent),
                                () = tokio::task::yield_now() => {}
                            }
                        } else if sending.await.is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        hands.gate.add_permits(dice.roll(25) as usize);
        for _ in 0..dice.roll(50) {
            tokio::task::yield_now().await;
        }
        node.exit(desk, Exit::Kill);
        for sender in senders {
            sender.await.unwrap();
        }
        node.wait(desk).await;
        // The mailbox goes after its process' observers were told (X8).
        wait_for_queue(desk, 0).await;
    }
}
