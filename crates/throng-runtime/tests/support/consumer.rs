//! A server that traps exits, and tells of those that reach it.

use throng_runtime::{Ctx, Exited, GenServer, Handled, Handler, Init};
use tokio::sync::mpsc;

/// Consumes streams of tasks, as each test has it do.
pub(crate) struct Consumer(mpsc::UnboundedSender<String>);

impl GenServer for Consumer {
    type Args = mpsc::UnboundedSender<String>;

    async fn init(tell: Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.trap_exits();
        Ok(Self(tell))
    }
}

impl Handler<Exited> for Consumer {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        Ok(self.0.send(exited.reason.to_string())?)
    }
}
