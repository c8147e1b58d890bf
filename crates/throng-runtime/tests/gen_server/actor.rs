//! A server that runs the lines it is given and says what it did.

use std::{future::Future, pin::Pin, sync::Arc};

use throng_runtime::{
    Address, ChildSpec, Ctx, Down, Exit, Exited, GenServer, Halt, Handled, Handler, IdleTimeout, Init,
    InitError, Message, Node, Pid,
};
use tokio::sync::mpsc;

pub(crate) type Heard = mpsc::UnboundedReceiver<String>;
type Line<R> = Box<dyn FnOnce(&mut Actor, &mut Ctx<Actor>) -> R + Send>;
type Wait<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// How an actor begins and ends. It says `init` and `terminate (why)` by itself.
#[derive(Clone)]
pub(crate) struct Part {
    said: mpsc::UnboundedSender<String>,
    init: Arc<First>,
    last: Arc<Last>,
}

type First = dyn Fn(&mut Ctx<Actor>) -> Wait<Result<(), InitError>> + Send + Sync;
type Last = dyn Fn() -> Wait<()> + Send + Sync;

pub(crate) struct Actor {
    said: mpsc::UnboundedSender<String>,
    last: Arc<Last>,
}

impl Part {
    pub(crate) fn new() -> (Self, Heard) {
        let (said, heard) = mpsc::unbounded_channel();
        let part = Self {
            said,
            init: Arc::new(|_| Box::pin(async { Ok(()) })),
            last: Arc::new(|| Box::pin(async {})),
        };
        (part, heard)
    }

    /// What `init` does.
    pub(crate) fn init<F: Future<Output = Result<(), InitError>> + Send + 'static>(
        self,
        init: impl Fn(&mut Ctx<Actor>) -> F + Send + Sync + 'static,
    ) -> Self {
        Self { init: Arc::new(move |ctx| Box::pin(init(ctx))), ..self }
    }

    /// What `terminate` does.
    pub(crate) fn last<F: Future<Output = ()> + Send + 'static>(
        self,
        last: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self { last: Arc::new(move || Box::pin(last())), ..self }
    }

    pub(crate) fn trapping(self) -> Self {
        self.init(|ctx| {
            ctx.trap_exits();
            async { Ok(()) }
        })
    }

    pub(crate) fn child(self) -> ChildSpec<Actor> {
        Actor::child(self)
    }
}

impl GenServer for Actor {
    type Args = Part;

    async fn init(part: Part, ctx: &mut Ctx<Self>) -> Init<Self> {
        let actor = Self { said: part.said, last: part.last };
        actor.say("init");
        (part.init)(ctx).await?;
        Ok(actor)
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        self.say(format!("terminate ({reason})"));
        (self.last)().await;
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.say("dropped");
    }
}

impl Actor {
    pub(crate) fn say(&self, words: impl Into<String>) {
        // An error means that the test listens no more.
        let _ = self.said.send(words.into());
    }
}

/// Has the actor say something; nobody waits for it.
#[derive(Clone)]
pub(crate) struct Say(pub(crate) &'static str);

impl Message for Say {
    type Reply = ();
}

impl Handler<Say> for Actor {
    async fn handle(&mut self, Say(words): Say, _: &mut Ctx<Self>) -> Handled<Say> {
        self.say(words);
        Ok(())
    }
}

/// Has the actor do something that gives a result, or none.
pub(crate) struct Do<R>(Line<Result<R, Halt>>);

impl<R: Send + 'static> Message for Do<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Do<R>> for Actor {
    async fn handle(&mut self, Do(line): Do<R>, ctx: &mut Ctx<Self>) -> Handled<Do<R>> {
        line(self, ctx)
    }
}

pub(crate) fn act<R>(
    line: impl FnOnce(&mut Actor, &mut Ctx<Actor>) -> Result<R, Halt> + Send + 'static,
) -> Do<R> {
    Do(Box::new(line))
}

/// Has the actor end with this reason.
pub(crate) fn stop(reason: Exit) -> Do<()> {
    act(|_, ctx| {
        ctx.stop(reason);
        Ok(())
    })
}

/// Has the actor drop something.
pub(crate) fn take(what: impl Send + 'static) -> Do<()> {
    act(|_, _| {
        drop(what);
        Ok(())
    })
}

/// Has the actor wait for a future.
pub(crate) struct Await(Wait<()>);

impl Message for Await {
    type Reply = ();
}

impl Handler<Await> for Actor {
    async fn handle(&mut self, Await(work): Await, _: &mut Ctx<Self>) -> Handled<Await> {
        work.await;
        self.say("awaited");
        Ok(())
    }
}

pub(crate) fn wait_for(work: impl Future<Output = ()> + Send + 'static) -> Await {
    Await(Box::pin(work))
}

type Work<R> =
    Box<dyn for<'a> FnOnce(&'a mut Ctx<Actor>) -> Pin<Box<dyn Future<Output = R> + Send + 'a>> + Send>;

/// Has the actor do something that takes its context and time.
pub(crate) struct With<R>(Work<R>);

impl<R: Send + 'static> Message for With<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<With<R>> for Actor {
    async fn handle(&mut self, With(work): With<R>, ctx: &mut Ctx<Self>) -> Handled<With<R>> {
        Ok(work(ctx).await)
    }
}

/// Has `actor` do `work` and waits for what it gives.
pub(crate) async fn with<R: Send + 'static>(
    actor: Pid<Actor>,
    work: impl for<'a> FnOnce(&'a mut Ctx<Actor>) -> Pin<Box<dyn Future<Output = R> + Send + 'a>> + Send + 'static,
) -> R {
    actor.call(with_ctx(work)).no_timeout().await.unwrap()
}

pub(crate) fn with_ctx<R>(
    work: impl for<'a> FnOnce(&'a mut Ctx<Actor>) -> Pin<Box<dyn Future<Output = R> + Send + 'a>> + Send + 'static,
) -> With<R> {
    With(Box::new(work))
}

impl Handler<Down> for Actor {
    async fn handle(&mut self, down: Down, _: &mut Ctx<Self>) -> Handled<Down> {
        self.say(format!("down ({})", down.reason));
        Ok(())
    }
}

impl Handler<Exited> for Actor {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        self.say(format!("exited ({})", exited.reason));
        Ok(())
    }
}

impl Handler<IdleTimeout> for Actor {
    async fn handle(&mut self, _: IdleTimeout, _: &mut Ctx<Self>) -> Handled<IdleTimeout> {
        self.say("idle");
        Ok(())
    }
}

pub(crate) async fn start(node: &Node) -> (Pid<Actor>, Heard) {
    start_as(node, |part| part).await
}

/// Starts an actor that has said `init`, which is no longer heard.
pub(crate) async fn start_as(node: &Node, cast: impl FnOnce(Part) -> Part) -> (Pid<Actor>, Heard) {
    let (part, mut heard) = Part::new();
    let actor = node.start(cast(part).child()).await.unwrap();
    assert_eq!(hear(&mut heard).await, "init");
    (actor, heard)
}

/// The next thing that the actor says; `"gone"` when it is dead and has said all.
pub(crate) async fn hear(heard: &mut Heard) -> String {
    heard.recv().await.unwrap_or_else(|| "gone".into())
}

/// Everything it says until it is gone.
pub(crate) async fn hear_all(heard: &mut Heard) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(words) = heard.recv().await {
        all.push(words);
    }
    all
}

/// A round trip: everything that was sent before has been handled.
pub(crate) async fn sync(actor: Pid<Actor>) {
    actor.call(act(|_, _| Ok(()))).await.unwrap();
}
