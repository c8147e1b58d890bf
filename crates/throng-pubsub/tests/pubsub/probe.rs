//! A server that does what it is told and tells what it was sent.

use std::time::Duration;

use throng_pubsub::{Broadcast, PubSub};
use throng_runtime::{
    Address, Ctx, Down, Exit, GenServer, Handled, Handler, Init, Message, Node, Pid, ProcessId,
};
use tokio::sync::mpsc;

/// What a probe saw, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Saw {
    /// Topic, event and payload of a broadcast.
    Event(String, String, String),
    Down(ProcessId),
}

pub(crate) fn event(topic: &str, event: &str, payload: &str) -> Saw {
    Saw::Event(topic.to_owned(), event.to_owned(), payload.to_owned())
}

pub(crate) struct Seen(mpsc::UnboundedReceiver<Saw>);

impl Seen {
    pub(crate) async fn next(&mut self) -> Saw {
        // A guard against waiting for ever, far above what anything takes.
        let saw = tokio::time::timeout(Duration::from_secs(60), self.0.recv()).await;
        saw.expect("nothing came").expect("the probe ended")
    }

    /// What has been seen so far and not been asked for.
    pub(crate) fn rest(&mut self) -> Vec<Saw> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

pub(crate) struct Probe {
    saw: mpsc::UnboundedSender<Saw>,
}

impl GenServer for Probe {
    type Args = mpsc::UnboundedSender<Saw>;

    async fn init(saw: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self { saw })
    }
}

impl Probe {
    pub(crate) async fn start(node: &Node) -> (Pid<Probe>, Seen) {
        let (saw, seen) = mpsc::unbounded_channel();
        (node.start(Self::child(saw)).await.unwrap(), Seen(seen))
    }

    /// One that is subscribed to a topic.
    pub(crate) async fn subscribed(node: &Node, pubsub: &PubSub, topic: &'static str) -> (Pid<Probe>, Seen) {
        let (probe, seen) = Self::start(node).await;
        let pubsub = pubsub.clone();
        within(probe, move |ctx| pubsub.subscribe(ctx, topic)).await;
        (probe, seen)
    }
}

impl Handler<Broadcast> for Probe {
    async fn handle(&mut self, broadcast: Broadcast, _: &mut Ctx<Self>) -> Handled<Broadcast> {
        self.saw.send(event(broadcast.topic(), broadcast.event(), broadcast.payload().as_json()))?;
        Ok(())
    }
}

impl Handler<Down> for Probe {
    async fn handle(&mut self, down: Down, _: &mut Ctx<Self>) -> Handled<Down> {
        self.saw.send(Saw::Down(down.pid))?;
        Ok(())
    }
}

/// Runs a closure in the process, with its context.
type Work<R> = Box<dyn FnOnce(&mut Ctx<Probe>) -> R + Send>;

pub(crate) struct Do<R>(Work<R>);

impl<R: Send + 'static> Message for Do<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Do<R>> for Probe {
    async fn handle(&mut self, Do(f): Do<R>, ctx: &mut Ctx<Self>) -> Handled<Do<R>> {
        Ok(f(ctx))
    }
}

/// Has `probe` run `f`, and waits for what it gives.
pub(crate) async fn within<R: Send + 'static>(
    probe: Pid<Probe>,
    f: impl FnOnce(&mut Ctx<Probe>) -> R + Send + 'static,
) -> R {
    probe.call(Do(Box::new(f))).await.unwrap()
}

/// A round trip: everything that was sent to `probe` before has been handled.
pub(crate) async fn sync(probe: Pid<Probe>) {
    within(probe, |_| ()).await;
}

pub(crate) async fn end(node: &Node, probe: Pid<Probe>) {
    within(probe, |ctx| ctx.stop(Exit::Normal)).await;
    node.wait(probe).await;
}
