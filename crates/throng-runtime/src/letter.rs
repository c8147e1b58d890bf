//! Letters: the kinds of messages on their way, how each is opened, and what becomes of one that never is.

use std::{any::type_name, sync::Arc};

use crate::{
    address::CallFailure,
    call::{ReplyTo, Unanswered},
    control,
    ctx::Ctx,
    gen_server::GenServer,
    message::{Down, Exited, Halt, Handler, Message},
    pid::ProcessId,
    scheduler::Letter,
};

/// A letter that nobody waits for.
pub(crate) struct Cast<M>(pub(crate) M);

/// A letter that nobody waits for and that its receiver can take back.
pub(crate) struct Notice<M>(pub(crate) M);

/// A letter whose sender waits for the answer.
pub(crate) struct Ask<M: Message> {
    pub(crate) message: M,
    pub(crate) reply: ReplyTo<M::Reply>,
}

/// A letter that is answered when its turn comes, whatever the server handles.
pub(crate) struct Fence {
    pub(crate) reply: ReplyTo<()>,
}

impl<S: Handler<M>, M: Message> Letter<S> for Ask<M> {
    const IS_CALL: bool = true;

    fn open<'a>(self, server: &'a mut S, ctx: &'a mut Ctx<S>) -> impl Future<Output = ()> + Send + 'a {
        // At once, not in the future: that may be dropped before its first poll, and the call has to be settled all the same.
        ctx.begin_call(self.reply.into_cell().map(|cell| cell as Arc<dyn Unanswered>));
        let message = self.message;
        async move {
            match server.handle(message, ctx).await {
                Ok(reply) => ctx.answer::<M::Reply>(reply),
                Err(halt) => refuse(halt, ctx),
            }
        }
    }

    fn abandon(self, why: CallFailure) {
        self.reply.abandon(why);
    }

    fn name() -> &'static str {
        type_name::<M>()
    }

    fn weight(&self) -> usize {
        self.message.weight()
    }
}

impl<S: GenServer> Letter<S> for Fence {
    const IS_CALL: bool = true;

    fn open<'a>(self, _: &'a mut S, ctx: &'a mut Ctx<S>) -> impl Future<Output = ()> + Send + 'a {
        ctx.note_answer();
        // An error means that nobody waits any more.
        let _ = self.reply.send(());
        std::future::ready(())
    }

    fn abandon(self, why: CallFailure) {
        self.reply.abandon(why);
    }

    fn name() -> &'static str {
        "sync"
    }
}

impl<S: Handler<M>, M: Message<Reply = ()>> Letter<S> for Cast<M> {
    fn open<'a>(self, server: &'a mut S, ctx: &'a mut Ctx<S>) -> impl Future<Output = ()> + Send + 'a {
        let message = self.0;
        async move {
            if let Err(halt) = server.handle(message, ctx).await {
                refuse(halt, ctx);
            }
        }
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        type_name::<M>()
    }

    fn weight(&self) -> usize {
        self.0.weight()
    }
}

impl<S: Handler<M>, M: Revocable> Letter<S> for Notice<M> {
    fn open<'a>(self, server: &'a mut S, ctx: &'a mut Ctx<S>) -> impl Future<Output = ()> + Send + 'a {
        let wanted = self.0.redeem(ctx.id()).then_some(Cast(self.0));
        async move {
            if let Some(letter) = wanted {
                letter.open(server, ctx).await;
            }
        }
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        type_name::<M>()
    }
}

/// News that its receiver may have taken back since it was sent (P13, P24).
pub(crate) trait Revocable: Message<Reply = ()> {
    /// Whether the receiver still wants it; from now on it has had it.
    fn redeem(&self, receiver: ProcessId) -> bool;
}

impl Revocable for Down {
    fn redeem(&self, receiver: ProcessId) -> bool {
        control::redeem_down(receiver, self.monitor)
    }
}

impl Revocable for Exited {
    fn redeem(&self, receiver: ProcessId) -> bool {
        match (self.by_link, self.pid) {
            (true, Some(peer)) => control::redeem_exited(receiver, peer),
            _ => true,
        }
    }
}

fn refuse<S: GenServer>(halt: Halt, ctx: &mut Ctx<S>) {
    match halt {
        // The call stays in hand: the death of the server settles it, with this reason.
        Halt::Stop(reason) => ctx.stop(reason),
        Halt::ReplyLater => {
            if let Some(forgotten) = ctx.take_unanswered() {
                forgotten.abandon(CallFailure::ReplyDropped);
            }
        }
    }
}
