//! Messages, and what a server says to one.

use std::error::Error;

use crate::{ctx::Ctx, exit::Exit, gen_server::GenServer, pid::ProcessId};

/// A value that can be sent to a server. It knows the type of its answer.
///
/// `#[derive(Message)]` writes this for you.
///
/// ```
/// # use throng_runtime::Message;
/// struct Withdraw(u64);
/// impl Message for Withdraw {
///     type Reply = u64;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    note = "write `#[derive(Message)]` above it, with `#[message(reply = …)]` if it has a reply"
)]
pub trait Message: Send + 'static {
    /// What a call with it is answered with; `()` for those that are cast.
    type Reply: Send + 'static;

    /// How many bytes it holds besides its own size, such as those of its strings and buffers: what counts against a mailbox
    /// that is [bounded by bytes](crate::Bounds::bytes) (P34). Asked once, when it is sent to such a one.
    fn weight(&self) -> usize {
        0
    }
}

/// A server's answer to the message `M`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{M}`",
    label = "no handler for this message",
    note = "write `impl Handler<{M}> for {Self}`"
)]
pub trait Handler<M: Message>: GenServer {
    /// Handles one message; no other runs in this process meanwhile.
    ///
    /// `Ok` is the reply. An error ends the process with that reason, which its caller is told (G6).
    ///
    /// # Cancel safety
    ///
    /// A kill or a fatal exit signal drops this future at its next await point; destructors run, `terminate` does not (P39).
    fn handle(&mut self, message: M, ctx: &mut Ctx<Self>) -> impl Future<Output = Handled<M>> + Send;
}

/// What a handler returns: the reply, or why there is none now.
pub type Handled<M> = Result<<M as Message>::Reply, Halt>;

/// Why a handler gives no reply.
#[derive(Debug)]
#[non_exhaustive]
pub enum Halt {
    /// The process ends with this reason.
    Stop(Exit),
    /// The reply comes later, by a [`ReplyTo`](crate::ReplyTo) that [`Ctx::reply_later`] gave out.
    ReplyLater,
}

impl From<Exit> for Halt {
    fn from(reason: Exit) -> Self {
        Self::Stop(reason)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}

/// A monitor's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorRef(pub(crate) u64);

/// A monitored process ended: exactly one comes for each monitor (P21).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Down {
    /// What [`Ctx::monitor`] returned.
    pub monitor: MonitorRef,
    /// Who ended.
    pub pid: ProcessId,
    /// Why; [`Exit::NoProcess`] when it was already gone (P22).
    pub reason: Exit,
}

impl Message for Down {
    type Reply = ();
}

/// A linked process ended, or somebody asked this one to: the message that a server which traps exits gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exited {
    /// Who ended or asked; `None` when the request came from outside of any process.
    pub pid: Option<ProcessId>,
    /// Why.
    pub reason: Exit,
    /// It came over a link, so that an unlink can still take it back.
    pub(crate) by_link: bool,
}

impl Message for Exited {
    type Reply = ();
}

/// No message came within the time that [`Ctx::idle_timeout`] asked for (G13).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct IdleTimeout;

impl Message for IdleTimeout {
    type Reply = ();
}
