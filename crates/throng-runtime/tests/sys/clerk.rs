//! A server with a state to look at, that tells what it handles.

use std::{fmt, sync::Arc};

use throng_runtime::{
    Ctx, Exit, GenServer, Halt, Handled, Handler, IdleTimeout, Init, Message, Node, Pid, ReplyTo,
};
use tokio::sync::{Semaphore, mpsc};

#[derive(Clone)]
pub(crate) struct Clerk {
    pub(crate) done: Vec<u64>,
    pub(crate) secret: &'static str,
    pub(crate) said: mpsc::UnboundedSender<String>,
    pub(crate) gate: Arc<Semaphore>,
}

pub(crate) type Heard = mpsc::UnboundedReceiver<String>;

impl GenServer for Clerk {
    type Args = (mpsc::UnboundedSender<String>, Arc<Semaphore>);

    async fn init((said, gate): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self { done: Vec::new(), secret: "hunter2", said, gate })
    }

    async fn terminate(&mut self, reason: &Exit, _: &mut Ctx<Self>) {
        let _ = self.said.send(format!("terminate: {reason}"));
    }

    fn hibernate(&mut self) {
        self.done.shrink_to_fit();
        let _ = self.said.send("hibernate".into());
    }

    fn inspect(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} done", self.done.len())
    }
}

/// Written down.
pub(crate) struct Note(pub(crate) u64);

impl Message for Note {
    type Reply = ();
}

impl Handler<Note> for Clerk {
    async fn handle(&mut self, Note(number): Note, _: &mut Ctx<Self>) -> Handled<Note> {
        self.done.push(number);
        Ok(self.said.send(number.to_string())?)
    }
}

/// Waits for the gate.
pub(crate) struct Wait;

impl Message for Wait {
    type Reply = ();
}

impl Handler<Wait> for Clerk {
    async fn handle(&mut self, _: Wait, _: &mut Ctx<Self>) -> Handled<Wait> {
        self.gate.acquire().await?.forget();
        Ok(())
    }
}

/// Answers later, at once: which is no answer of the handler.
pub(crate) struct Later;

impl Message for Later {
    type Reply = ();
}

impl Handler<Later> for Clerk {
    async fn handle(&mut self, _: Later, ctx: &mut Ctx<Self>) -> Handled<Later> {
        ctx.reply_later(|to: ReplyTo<()>| to.send(()).unwrap())
    }
}

/// Asks for an idle timeout.
pub(crate) struct Idle(pub(crate) std::time::Duration);

impl Message for Idle {
    type Reply = ();
}

impl Handler<Idle> for Clerk {
    async fn handle(&mut self, Idle(after): Idle, ctx: &mut Ctx<Self>) -> Handled<Idle> {
        ctx.idle_timeout(after);
        Ok(())
    }
}

impl Handler<IdleTimeout> for Clerk {
    async fn handle(&mut self, _: IdleTimeout, _: &mut Ctx<Self>) -> Handled<IdleTimeout> {
        Ok(self.said.send("idle".into())?)
    }
}

/// Asks to hibernate.
pub(crate) struct Hibernate;

impl Message for Hibernate {
    type Reply = ();
}

impl Handler<Hibernate> for Clerk {
    async fn handle(&mut self, _: Hibernate, ctx: &mut Ctx<Self>) -> Handled<Hibernate> {
        ctx.hibernate();
        Ok(())
    }
}

/// Fails, in this way.
pub(crate) struct Fail(pub(crate) &'static str);

impl Message for Fail {
    type Reply = u64;
}

impl Handler<Fail> for Clerk {
    async fn handle(&mut self, Fail(why): Fail, _: &mut Ctx<Self>) -> Handled<Fail> {
        Err(Halt::Stop(Exit::other(why)))
    }
}

pub(crate) fn child() -> (throng_runtime::ChildSpec<Clerk>, Heard, Arc<Semaphore>) {
    let (said, heard) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    (Clerk::child((said, gate.clone())), heard, gate)
}

pub(crate) async fn clerk(node: &Node) -> (Pid<Clerk>, Heard, Arc<Semaphore>) {
    let (child, heard, gate) = child();
    (node.start(child).await.unwrap(), heard, gate)
}

pub(crate) async fn hear(heard: &mut Heard) -> String {
    heard.recv().await.unwrap()
}
