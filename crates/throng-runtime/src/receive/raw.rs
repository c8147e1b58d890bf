//! A raw process as a target of messages: what each kind of letter becomes when the process takes it in.

use std::{any::type_name, convert::Infallible, fmt};

use super::aliases::{Admission, Aliases};
use crate::{
    address::CallFailure,
    control,
    ctx::Ctx,
    gen_server::{GenServer, Init},
    letter::Revocable,
    message::{Down, Exited, Handled, Handler, Message, MonitorRef},
    pid::ProcessId,
    scheduler::Letter,
};

/// The type of a raw process that receives messages of type `M`, for its [`Pid`](crate::Pid): `cast`, `send_after` and whatever
/// else sends to an [`Address`](crate::Address) works with it.
///
/// A `call` is answered, with `()`, when the process has received the message into its mailbox. Such a process is spawned by
/// [`Node::spawn_receiver`](crate::Node::spawn_receiver), and not started as a server: there are no arguments to start it with.
pub struct Raw<M> {
    /// What the letter in hand became.
    pub(super) received: Option<Received<M>>,
    pub(super) aliases: Aliases,
}

/// A message in the mailbox.
pub(super) struct Received<M> {
    pub(super) message: M,
    pub(super) news: Option<News>,
}

/// What a message tells, if it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Down(MonitorRef),
    Exited(ProcessId),
}

impl<M> Raw<M> {
    pub(super) fn new() -> Self {
        Self { received: None, aliases: Aliases::default() }
    }

    fn receive(&mut self, message: M, news: Option<News>) {
        self.received = Some(Received { message, news });
    }
}

impl<M: Message<Reply = ()>> GenServer for Raw<M> {
    type Args = Infallible;

    async fn init(never: Infallible, _: &mut Ctx<Self>) -> Init<Self> {
        match never {}
    }
}

impl<M: Message<Reply = ()>> Handler<M> for Raw<M> {
    async fn handle(&mut self, message: M, _: &mut Ctx<Self>) -> Handled<M> {
        self.receive(message, None);
        Ok(())
    }
}

impl<M> fmt::Debug for Raw<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}

/// A `Down` or an `Exited` on its way to a raw process, where it becomes one of its messages.
pub(super) struct Told<N>(pub(super) N);

impl<M: Message<Reply = ()> + From<Down>> Letter<Raw<M>> for Told<Down> {
    fn open<'a>(self, raw: &'a mut Raw<M>, ctx: &'a mut Ctx<Raw<M>>) -> impl Future<Output = ()> + Send + 'a {
        let down = self.0;
        if down.redeem(ctx.id()) {
            let monitor = down.monitor;
            raw.aliases.monitor_is_over(monitor.0);
            raw.receive(M::from(down), Some(News::Down(monitor)));
        }
        std::future::ready(())
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        type_name::<Down>()
    }
}

impl<M: Message<Reply = ()> + From<Exited>> Letter<Raw<M>> for Told<Exited> {
    fn open<'a>(self, raw: &'a mut Raw<M>, ctx: &'a mut Ctx<Raw<M>>) -> impl Future<Output = ()> + Send + 'a {
        let exited = self.0;
        if exited.redeem(ctx.id()) {
            let news = exited.pid.filter(|_| exited.by_link).map(News::Exited);
            raw.receive(M::from(exited), news);
        }
        std::future::ready(())
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        type_name::<Exited>()
    }
}

/// A message through an alias.
pub(super) struct Aliased<M> {
    pub(super) alias: u64,
    pub(super) message: M,
}

impl<M: Message<Reply = ()>> Letter<Raw<M>> for Aliased<M> {
    fn open<'a>(self, raw: &'a mut Raw<M>, ctx: &'a mut Ctx<Raw<M>>) -> impl Future<Output = ()> + Send + 'a {
        match raw.aliases.admit(self.alias) {
            Admission::Vanish => {}
            Admission::Deliver => raw.receive(self.message, None),
            Admission::DeliverAndDemonitor => {
                control::demonitor_flush(ctx.id(), MonitorRef(self.alias));
                raw.receive(self.message, None);
            }
        }
        std::future::ready(())
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        type_name::<M>()
    }
}
