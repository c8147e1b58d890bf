//! A server that does what it is told, and one that remembers what a registry told it.

use std::sync::{Arc, Mutex, mpsc};

use throng_runtime::{
    Address, AlreadyRegistered, Ctx, Down, Exit, GenServer, Handled, Handler, Init, Message, Node, OnExit,
    Pid, ProcessId, Registry, RegistryEvent,
};

/// A server that runs what it is sent.
pub(crate) struct Actor;

impl GenServer for Actor {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Actor)
    }
}

pub(crate) type Work<R> = Box<dyn FnOnce(&mut Ctx<Actor>) -> R + Send>;

pub(crate) struct Do<R>(pub(crate) Work<R>);

impl<R: Send + 'static> Message for Do<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Do<R>> for Actor {
    async fn handle(&mut self, Do(work): Do<R>, ctx: &mut Ctx<Self>) -> Handled<Do<R>> {
        Ok(work(ctx))
    }
}

pub(crate) async fn within<R: Send + 'static>(
    actor: Pid<Actor>,
    work: impl FnOnce(&mut Ctx<Actor>) -> R + Send + 'static,
) -> R {
    actor.call(Do(Box::new(work))).await.unwrap()
}

pub(crate) async fn actor(node: &Node) -> Pid<Actor> {
    node.start(Actor::child(())).await.unwrap()
}

/// Has the actor register itself in `registry`.
pub(crate) async fn register(
    actor: Pid<Actor>,
    registry: &Registry<&'static str, u32>,
    key: &'static str,
    value: u32,
) -> Result<(), AlreadyRegistered> {
    let registry = registry.clone();
    within(actor, move |ctx| registry.register(ctx, key, value)).await
}

pub(crate) async fn kill(node: &Node, actor: Pid<Actor>) {
    node.exit(actor, Exit::Kill);
    node.wait(actor).await;
}

pub(crate) type Event = RegistryEvent<&'static str, u32>;

/// Remembers what a registry told, and which monitored processes ended, in order.
pub(crate) struct Listener(Vec<Heard>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Event(Event),
    Down(ProcessId),
}

impl GenServer for Listener {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Listener(Vec::new()))
    }
}

impl Handler<Event> for Listener {
    async fn handle(&mut self, event: Event, _: &mut Ctx<Self>) -> Handled<Event> {
        self.0.push(Heard::Event(event));
        Ok(())
    }
}

impl Handler<Down> for Listener {
    async fn handle(&mut self, down: Down, _: &mut Ctx<Self>) -> Handled<Down> {
        self.0.push(Heard::Down(down.pid));
        Ok(())
    }
}

type SetupWork = Box<dyn FnOnce(&Ctx<Listener>) + Send>;

pub(crate) struct Setup(SetupWork);

impl Message for Setup {
    type Reply = ();
}

impl Handler<Setup> for Listener {
    async fn handle(&mut self, Setup(work): Setup, ctx: &mut Ctx<Self>) -> Handled<Setup> {
        work(ctx);
        Ok(())
    }
}

struct TakeHeard;

impl Message for TakeHeard {
    type Reply = Vec<Heard>;
}

impl Handler<TakeHeard> for Listener {
    async fn handle(&mut self, _: TakeHeard, _: &mut Ctx<Self>) -> Handled<TakeHeard> {
        Ok(std::mem::take(&mut self.0))
    }
}

/// Starts a listener and has it do something first, such as to listen.
pub(crate) async fn listener(
    node: &Node,
    setup: impl FnOnce(&Ctx<Listener>) + Send + 'static,
) -> Pid<Listener> {
    let listener = node.start(Listener::child(())).await.unwrap();
    listener.call(Setup(Box::new(setup))).await.unwrap();
    listener
}

/// What it has heard since it was asked last.
pub(crate) async fn heard(listener: Pid<Listener>) -> Vec<Heard> {
    listener.call(TakeHeard).await.unwrap()
}

pub(crate) fn registered(actor: Pid<Actor>, key: &'static str, value: u32) -> Heard {
    Heard::Event(RegistryEvent::Registered { key, process: actor.id(), value })
}

pub(crate) fn unregistered(actor: Pid<Actor>, key: &'static str) -> Heard {
    Heard::Event(RegistryEvent::Unregistered { key, process: actor.id() })
}

pub(crate) fn gone(actor: Pid<Actor>, key: &'static str) -> Heard {
    Heard::Event(RegistryEvent::Down { key, process: actor.id() })
}

/// Tells that a process waits at a gate.
type Reached = mpsc::Receiver<()>;

/// Opens a gate.
type Opens = mpsc::Sender<()>;

/// Keeps a dying process from going on: it waits in its exit hook until the gate is opened.
pub(crate) struct Gate {
    reached: mpsc::Sender<()>,
    open: Mutex<mpsc::Receiver<()>>,
}

impl Gate {
    /// The gate, what tells that a process waits at it, and what opens it.
    pub(crate) fn new() -> (Arc<Self>, Reached, Opens) {
        let (reached, is_reached) = mpsc::channel();
        let (opens, open) = mpsc::channel();
        (Arc::new(Self { reached, open: Mutex::new(open) }), is_reached, opens)
    }
}

impl OnExit for Gate {
    fn process_exited(&self, _: ProcessId, _: &Exit) {
        self.reached.send(()).unwrap();
        self.open.lock().unwrap().recv().unwrap();
    }
}
