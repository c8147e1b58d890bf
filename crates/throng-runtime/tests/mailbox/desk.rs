//! A server that works only when it is let, so that a test can fill its mailbox.

use std::sync::Arc;

use throng_runtime::{
    Address, Bounds, ChildSpec, Ctx, GenServer, Handled, Handler, Init, Message, Node, Pid, census,
};
use tokio::sync::{Semaphore, mpsc};

pub(crate) struct Desk {
    said: mpsc::UnboundedSender<u64>,
    gate: Arc<Semaphore>,
}

/// The desk from outside: whom it handled, and what lets it work.
pub(crate) struct Hands {
    pub(crate) heard: mpsc::UnboundedReceiver<u64>,
    pub(crate) gate: Arc<Semaphore>,
}

impl GenServer for Desk {
    type Args = (mpsc::UnboundedSender<u64>, Arc<Semaphore>);

    async fn init((said, gate): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self { said, gate })
    }
}

/// Handled when the gate lets it.
#[derive(Debug, PartialEq)]
pub(crate) struct Job(pub(crate) u64);

impl Message for Job {
    type Reply = ();

    fn weight(&self) -> usize {
        usize::try_from(self.0 / 1_000).unwrap()
    }
}

impl Handler<Job> for Desk {
    async fn handle(&mut self, Job(number): Job, _: &mut Ctx<Self>) -> Handled<Job> {
        self.gate.acquire().await?.forget();
        Ok(self.said.send(number)?)
    }
}

/// Handled when the gate lets it, and answered.
pub(crate) struct Question(pub(crate) u64);

impl Message for Question {
    type Reply = u64;
}

impl Handler<Question> for Desk {
    async fn handle(&mut self, Question(number): Question, _: &mut Ctx<Self>) -> Handled<Question> {
        self.gate.acquire().await?.forget();
        self.said.send(number)?;
        Ok(number)
    }
}

/// A desk that has one job in hand and none in its mailbox.
pub(crate) async fn busy_desk(node: &Node, bounds: Option<Bounds>) -> (Pid<Desk>, Hands) {
    busy_desk_as(node, |child| match bounds {
        Some(bounds) => child.mailbox(bounds),
        None => child,
    })
    .await
}

/// As [`busy_desk`], with what its specification says besides.
pub(crate) async fn busy_desk_as(
    node: &Node,
    specify: impl FnOnce(ChildSpec<Desk>) -> ChildSpec<Desk>,
) -> (Pid<Desk>, Hands) {
    let (said, heard) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let desk = node.start(specify(Desk::child((said, gate.clone())))).await.unwrap();
    desk.cast(Job(0)).unwrap();
    wait_for_queue(desk, 0).await;
    (desk, Hands { heard, gate })
}

impl Hands {
    /// Lets it do so many jobs, and tells which it did.
    pub(crate) async fn work(&mut self, jobs: usize) -> Vec<u64> {
        self.gate.add_permits(jobs);
        let mut done = Vec::new();
        for _ in 0..jobs {
            done.push(self.heard.recv().await.unwrap());
        }
        done
    }
}

pub(crate) fn queue_len(process: Pid<impl GenServer>) -> usize {
    census::queue_len(process.id())
}

pub(crate) async fn wait_for_queue(process: Pid<impl GenServer>, length: usize) {
    while queue_len(process) != length {
        tokio::task::yield_now().await;
    }
}
