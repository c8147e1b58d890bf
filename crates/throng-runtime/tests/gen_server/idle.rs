//! Idle timeouts of no time, which are where idleness is hard to tell from haste (G13, P38).

use std::time::Duration;

use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, IdleTimeout, Init, Message, Node, Pid};
use tokio::{sync::mpsc, time::Instant};

use crate::actor::{Heard, hear, start, sync};

const SECOND: Duration = Duration::from_secs(1);

/// A server that says when it is asked and when it is idle, and then is idle again for so many times.
struct Idler {
    said: mpsc::UnboundedSender<String>,
    again: u64,
}

impl GenServer for Idler {
    type Args = (mpsc::UnboundedSender<String>, u64);

    async fn init((said, again): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Idler { said, again })
    }
}

struct Ask(Duration);

impl Message for Ask {
    type Reply = ();
}

impl Handler<Ask> for Idler {
    async fn handle(&mut self, Ask(after): Ask, ctx: &mut Ctx<Self>) -> Handled<Ask> {
        ctx.idle_timeout(after);
        Ok(self.said.send("asked".into())?)
    }
}

impl Handler<IdleTimeout> for Idler {
    async fn handle(&mut self, _: IdleTimeout, ctx: &mut Ctx<Self>) -> Handled<IdleTimeout> {
        if self.again > 0 {
            self.again -= 1;
            ctx.idle_timeout(Duration::ZERO);
        }
        Ok(self.said.send("idle".into())?)
    }
}

async fn idler(node: &Node, again: u64) -> (Pid<Idler>, Heard) {
    let (said, heard) = mpsc::unbounded_channel();
    (node.start(Idler::child((said, again))).await.unwrap(), heard)
}

#[tokio::test]
async fn g13_a_server_is_not_idle_while_messages_wait_however_many() {
    // More than it handles before it gives way: at that moment nothing is in hand, and the mailbox is not empty.
    let node = Node::new("test");
    let (idler, mut heard) = idler(&node, 0).await;
    (0..1_000).for_each(|_| idler.cast(Ask(Duration::ZERO)).unwrap());
    for n in 0..1_000 {
        assert_eq!(hear(&mut heard).await, "asked", "after {n} messages");
    }
    assert_eq!(hear(&mut heard).await, "idle");
}

#[tokio::test]
async fn p38_a_server_that_is_idle_for_no_time_again_and_again_lets_others_run() {
    let node = Node::new("test");
    let (idler, mut heard) = idler(&node, 100_000).await;
    let (other, _other_heard) = start(&node).await;
    idler.cast(Ask(Duration::ZERO)).unwrap();
    assert_eq!(hear(&mut heard).await, "asked");
    // On this one-threaded runtime the other gets its turn only if the idler gives way.
    sync(other).await;
    assert!(heard.len() < 100_000, "it did not give way until it was done");
    for _ in 0..=100_000 {
        assert_eq!(hear(&mut heard).await, "idle");
    }
}

#[tokio::test(start_paused = true)]
async fn g13_asking_again_begins_the_whole_time_again() {
    let node = Node::new("test");
    let (idler, mut heard) = idler(&node, 0).await;
    idler.cast(Ask(SECOND)).unwrap();
    tokio::time::sleep(SECOND * 3 / 4).await;
    let asked_again = Instant::now();
    idler.cast(Ask(SECOND)).unwrap();
    for words in ["asked", "asked", "idle"] {
        assert_eq!(hear(&mut heard).await, words);
    }
    assert!(asked_again.elapsed() >= SECOND);
}
