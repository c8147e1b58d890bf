//! Whoever starts what is played: the parent that an end may come from.

use throng_runtime::{
    ChildSpec, Ctx, Exit, Exited, GenServer, Handled, Handler, Init, Message, Node, Pid, StartError,
};

/// Starts what it is told to, linked, and survives its end.
pub(crate) struct Parent;

impl Parent {
    pub(crate) async fn start(node: &Node) -> Result<Pid<Self>, StartError> {
        node.start(Self::child(())).await
    }
}

impl GenServer for Parent {
    type Args = ();

    async fn init((): (), ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.trap_exits();
        Ok(Self)
    }
}

pub(crate) struct Begin<S: GenServer>(pub(crate) ChildSpec<S>);

impl<S: GenServer> Message for Begin<S> {
    type Reply = Result<Pid<S>, StartError>;
}

impl<S: GenServer> Handler<Begin<S>> for Parent {
    async fn handle(&mut self, Begin(child): Begin<S>, ctx: &mut Ctx<Self>) -> Handled<Begin<S>> {
        Ok(ctx.start_link(child).await)
    }
}

pub(crate) struct End(pub(crate) Exit);

impl Message for End {
    type Reply = ();
}

impl Handler<End> for Parent {
    async fn handle(&mut self, End(reason): End, _: &mut Ctx<Self>) -> Handled<End> {
        Err(reason.into())
    }
}

impl Handler<Exited> for Parent {
    async fn handle(&mut self, _: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        Ok(())
    }
}
