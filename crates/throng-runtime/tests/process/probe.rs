//! A server that does what it is told and remembers what it saw.

use throng_runtime::{
    Address, Ctx, Down, Exit, Exited, GenServer, Handled, Handler, Init, Message, MonitorRef, Node, Pid,
    ProcessId,
};
use tokio::sync::mpsc;

/// What a probe saw, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Saw {
    Note(u64),
    Down(MonitorRef, ProcessId, String),
    Exited(Option<ProcessId>, String),
}

pub(crate) type Seen = mpsc::UnboundedReceiver<Saw>;

pub(crate) struct Probe {
    saw: mpsc::UnboundedSender<Saw>,
}

#[derive(Clone)]
pub(crate) struct Args {
    saw: mpsc::UnboundedSender<Saw>,
    trap: bool,
}

impl GenServer for Probe {
    type Args = Args;

    async fn init(args: Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        if args.trap {
            ctx.trap_exits();
        }
        Ok(Self { saw: args.saw })
    }
}

impl Probe {
    pub(crate) async fn start(node: &Node) -> (Pid<Probe>, Seen) {
        Self::start_with(node, false).await
    }

    pub(crate) async fn start_trapping(node: &Node) -> (Pid<Probe>, Seen) {
        Self::start_with(node, true).await
    }

    async fn start_with(node: &Node, trap: bool) -> (Pid<Probe>, Seen) {
        let (saw, seen) = mpsc::unbounded_channel();
        (node.start(Self::child(Args { saw, trap })).await.unwrap(), seen)
    }
}

pub(crate) struct Note(pub(crate) u64);

impl Message for Note {
    type Reply = ();
}

impl Handler<Note> for Probe {
    async fn handle(&mut self, Note(n): Note, _: &mut Ctx<Self>) -> Handled<Note> {
        self.saw.send(Saw::Note(n))?;
        Ok(())
    }
}

impl Handler<Down> for Probe {
    async fn handle(&mut self, down: Down, _: &mut Ctx<Self>) -> Handled<Down> {
        self.saw.send(Saw::Down(down.monitor, down.pid, down.reason.to_string()))?;
        Ok(())
    }
}

impl Handler<Exited> for Probe {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        self.saw.send(Saw::Exited(exited.pid, exited.reason.to_string()))?;
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

/// Has `probe` end with a reason of its own.
pub(crate) async fn end(node: &Node, probe: Pid<Probe>, reason: Exit) {
    within(probe, move |ctx| ctx.stop(reason)).await;
    node.wait(probe).await;
}
