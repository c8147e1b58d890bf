//! A process that is tracked, and does what it is told.

use throng_runtime::{Address, Ctx, Down, GenServer, Handled, Handler, Init, Message, Node, Pid, ProcessId};
use tokio::sync::mpsc;

pub(crate) struct Member {
    downs: mpsc::UnboundedSender<ProcessId>,
}

impl GenServer for Member {
    type Args = mpsc::UnboundedSender<ProcessId>;

    async fn init(downs: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self { downs })
    }
}

impl Member {
    pub(crate) async fn start(node: &Node) -> Pid<Member> {
        Self::watching(node).await.0
    }

    /// One that tells whom it saw end.
    pub(crate) async fn watching(node: &Node) -> (Pid<Member>, mpsc::UnboundedReceiver<ProcessId>) {
        let (downs, seen) = mpsc::unbounded_channel();
        (node.start(Self::child(downs)).await.unwrap(), seen)
    }
}

impl Handler<Down> for Member {
    async fn handle(&mut self, down: Down, _: &mut Ctx<Self>) -> Handled<Down> {
        self.downs.send(down.pid)?;
        Ok(())
    }
}

/// Runs a closure in the process, with its context.
pub(crate) struct Do<R>(Work<R>);

type Work<R> = Box<dyn FnOnce(&mut Ctx<Member>) -> R + Send>;

impl<R: Send + 'static> Message for Do<R> {
    type Reply = R;
}

impl<R: Send + 'static> Handler<Do<R>> for Member {
    async fn handle(&mut self, Do(f): Do<R>, ctx: &mut Ctx<Self>) -> Handled<Do<R>> {
        Ok(f(ctx))
    }
}

/// Has `member` run `f`, and waits for what it gives.
pub(crate) async fn within<R: Send + 'static>(
    member: Pid<Member>,
    f: impl FnOnce(&mut Ctx<Member>) -> R + Send + 'static,
) -> R {
    member.call(Do(Box::new(f))).await.unwrap()
}
