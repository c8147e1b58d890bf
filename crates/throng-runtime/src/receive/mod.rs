//! Raw processes that receive: one future with a mailbox of its own, out of which it takes what it wants next (P37).
//!
//! ```text
//!   cast, alias, Down, Exited ──► the process' mailbox ──recv──► received, in order ──► the first that matches
//!                                                                 └── the others stay, in their order
//! ```
//!
//! For what is a sequence of steps rather than a state that answers: a protocol with another process, a script, a pump. Most
//! processes are better servers: a message that nobody asks for stays in this mailbox for ever.

mod aliases;
mod inlet;
mod raw;

use std::{
    any::type_name,
    collections::VecDeque,
    fmt,
    future::poll_fn,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

pub use self::{aliases::AliasMode, raw::Raw};
use self::{
    aliases::Until,
    inlet::Inlet,
    raw::{Aliased, News, Received, Told},
};
use crate::{
    address::CallFailure,
    control::{self, Watcher},
    ctx::Ctx,
    exit::IntoExit,
    message::{Down, Exited, Message, MonitorRef},
    node::Node,
    panics::contain,
    pid::{Pid, ProcessId},
    process,
    scheduler::{self, Envelope, InitialCall},
    timer,
};

/// A raw process' handle on itself and its mailbox: all of [`Ctx`], and messages of type `M`.
///
/// ```
/// # use throng_runtime::{Address, Down, Exit, Mailbox, Message, Node, ProcessId};
/// enum Note {
///     Work(u32),
///     Done,
///     Down(Down),
/// }
/// impl Message for Note {
///     type Reply = ();
/// }
/// impl From<Down> for Note {
///     fn from(down: Down) -> Self {
///         Note::Down(down)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = Node::new("example");
/// let process = node.spawn_receiver(|mut mailbox: Mailbox<Note>| async move {
///     // Whatever came before it stays where it is.
///     mailbox.recv_matching(|note| matches!(note, Note::Done)).await;
///     match mailbox.recv().await {
///         Note::Work(7) => Ok(()),
///         _ => Err(Exit::other("that was not the first")),
///     }
/// });
/// process.cast(Note::Work(7)).unwrap();
/// process.cast(Note::Done).unwrap();
/// assert!(node.wait(process).await.is_clean());
/// # }
/// ```
pub struct Mailbox<M: Message<Reply = ()>> {
    ctx: Ctx<Raw<M>>,
    raw: Raw<M>,
    inlet: Inlet,
    /// What was received and not wanted yet.
    received: VecDeque<Received<M>>,
}

impl<M: Message<Reply = ()>> Mailbox<M> {
    /// The next message, in the order of arrival (P37).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> M {
        self.recv_matching(|_| true).await
    }

    /// The first message in the order of arrival that matches; the others stay, in their order (P37). Each is looked at once
    /// for each receive, so a mailbox that is full of what nobody wants makes this slow.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv_matching(&mut self, mut matches: impl FnMut(&M) -> bool + Send) -> M {
        let mut seen = 0;
        poll_fn(|cx| self.next_match(&mut matches, &mut seen, |inlet| inlet.poll_next(cx))).await
    }

    /// The next message, if it comes within this time. With no time at all, as [`try_recv`](Mailbox::try_recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv_timeout(&mut self, time: Duration) -> Option<M> {
        match timer::within(time, self.recv()).await {
            Some(message) => Some(message),
            // One of the last moment counts.
            None => self.try_recv(),
        }
    }

    /// The next message, if one is there: a receive `after 0` (P37).
    pub fn try_recv(&mut self) -> Option<M> {
        self.try_recv_matching(|_| true)
    }

    /// The first message that matches, if one is there (P37).
    pub fn try_recv_matching(&mut self, mut matches: impl FnMut(&M) -> bool) -> Option<M> {
        match self.next_match(&mut matches, &mut 0, Inlet::poll_now) {
            Poll::Ready(message) => Some(message),
            Poll::Pending => None,
        }
    }

    /// Looks through what was received, from the first that was not `seen`, then through what arrives.
    fn next_match(
        &mut self,
        matches: &mut impl FnMut(&M) -> bool,
        seen: &mut usize,
        mut next: impl FnMut(&Inlet) -> Poll<Envelope>,
    ) -> Poll<M> {
        loop {
            while let Some(received) = self.received.get(*seen) {
                if matches(&received.message) {
                    return self.take(*seen).map_or(Poll::Pending, Poll::Ready);
                }
                *seen += 1;
            }
            let envelope = ready!(next(&self.inlet));
            self.take_in(envelope);
        }
    }

    /// Receives what arrived into the mailbox; a message that its process does not want any more vanishes.
    fn take_in(&mut self, envelope: Envelope) {
        match envelope.open(&mut self.raw, &mut self.ctx) {
            Ok(mut opening) => {
                let opened = Pin::new(&mut opening).poll(&mut Context::from_waker(Waker::noop()));
                debug_assert!(opened.is_ready(), "a raw process' letters wait for nothing");
            }
            Err(stray) => contain("a message that was dropped", || stray.abandon(CallFailure::NoProcess)),
        }
        if let Some(received) = self.raw.received.take() {
            // It waits still, as far as others can tell.
            scheduler::slot(self.ctx.id()).count_queued();
            self.received.push_back(received);
        }
    }

    fn take(&mut self, at: usize) -> Option<M> {
        let received = self.received.remove(at)?;
        scheduler::slot(self.ctx.id()).count_taken(1);
        Some(received.message)
    }

    /// Takes news back that were received and not asked for yet.
    fn flush(&mut self, news: News) {
        if let Some(at) = self.received.iter().position(|received| received.news == Some(news)) {
            drop(self.take(at));
        }
    }

    /// Starts a process that this one monitors from its first instruction (P7).
    pub fn spawn_monitor<F, Fut>(&self, body: F) -> (ProcessId, MonitorRef)
    where
        M: From<Down>,
        F: FnOnce(Ctx) -> Fut + Send + 'static,
        Fut: Future<Output: IntoExit> + Send + 'static,
    {
        process::spawn_monitored(self.ctx.node(), self.ctx.id(), Self::down_message, body)
    }

    /// Has a [`Down`] received, as a message of this process' own type, when `target` ends; or at once if it is gone (P21, P22).
    pub fn monitor(&self, target: impl Into<ProcessId>) -> MonitorRef
    where
        M: From<Down>,
    {
        control::monitor(target.into(), Watcher::Process { id: self.ctx.id(), message: Self::down_message })
    }

    fn down_message(generation: scheduler::Generation, down: Down) -> Envelope
    where
        M: From<Down>,
    {
        Envelope::message::<Raw<M>, _>(generation, Told(down))
    }

    /// As [`Ctx::demonitor`] (P24, P25); an alias that was made with the monitor may end with it (P28).
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        self.raw.aliases.monitor_is_over(monitor.0);
        self.ctx.demonitor(monitor)
    }

    /// As [`demonitor`](Mailbox::demonitor); a [`Down`] that is in the mailbox or on its way is not received any more (P24).
    pub fn demonitor_flush(&mut self, monitor: MonitorRef) -> bool {
        self.raw.aliases.monitor_is_over(monitor.0);
        let was_active = self.ctx.demonitor_flush(monitor);
        self.flush(News::Down(monitor));
        was_active
    }

    /// As [`Ctx::unlink_flush`]: an [`Exited`] of the link that is in the mailbox is not received any more (P13).
    pub fn unlink_flush(&mut self, peer: impl Into<ProcessId>) {
        let peer = peer.into();
        self.ctx.unlink_flush(peer);
        self.flush(News::Exited(peer));
    }

    /// Has exit signals received, as messages of this process' own type, instead of ending this process (P14). That of the parent
    /// is one too: only servers follow their parents.
    ///
    /// A request to stop in an orderly way ([`Node::stop`]) ends it all the same, as there is no `terminate` to run.
    pub fn trap_exits(&mut self)
    where
        M: From<Exited>,
    {
        if let Some(mut control) = scheduler::slot(self.ctx.id()).control(self.ctx.id()) {
            control.get().trap =
                Some(|generation, exited| Envelope::message::<Raw<M>, _>(generation, Told(exited)));
        }
    }

    /// Another destination for messages to this process, until it is [taken back](Mailbox::unalias) (P27): to give away what
    /// can be made ineffective later.
    ///
    /// ```
    /// # use throng_runtime::{Exit, Mailbox, Message, Node};
    /// # struct Answer(u32);
    /// # impl Message for Answer { type Reply = (); }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let node = Node::new("example");
    /// let asker = node.spawn_receiver(|mut mailbox: Mailbox<Answer>| async move {
    ///     let alias = mailbox.alias();
    ///     alias.send(Answer(1)); // from whomever it was given to
    ///     mailbox.unalias(alias);
    ///     alias.send(Answer(2));
    ///     // Neither is received: the first had not been when the alias was taken back.
    ///     assert!(mailbox.try_recv().is_none());
    /// });
    /// # assert!(node.wait(asker).await.is_clean());
    /// # }
    /// ```
    pub fn alias(&mut self) -> Alias<M> {
        self.open_alias(control::next_reference(), Until::Unalias)
    }

    /// As [`alias`](Mailbox::alias), for one message: the first that is received ends it (P27).
    pub fn alias_for_reply(&mut self) -> Alias<M> {
        self.open_alias(control::next_reference(), Until::Reply)
    }

    /// A monitor and an alias in one, that end as the mode says (P28).
    pub fn monitor_alias(&mut self, target: impl Into<ProcessId>, mode: AliasMode) -> (MonitorRef, Alias<M>)
    where
        M: From<Down>,
    {
        let monitor = self.monitor(target);
        (monitor, self.open_alias(monitor.0, Until::Monitor(mode)))
    }

    fn open_alias(&mut self, number: u64, until: Until) -> Alias<M> {
        self.raw.aliases.open(number, until);
        Alias { process: self.ctx.me(), number }
    }

    /// Takes an alias back. True when it was active. What was sent through it and not received yet vanishes; its monitor, if it
    /// has one, stays (P27).
    pub fn unalias(&mut self, alias: Alias<M>) -> bool {
        alias.process == self.ctx.me() && self.raw.aliases.close(alias.number)
    }
}

/// The process' identity, links, and all that needs no handler.
impl<M: Message<Reply = ()>> Deref for Mailbox<M> {
    type Target = Ctx<Raw<M>>;

    fn deref(&self) -> &Ctx<Raw<M>> {
        &self.ctx
    }
}

impl<M: Message<Reply = ()>> Drop for Mailbox<M> {
    fn drop(&mut self) {
        scheduler::slot(self.ctx.id()).count_taken(self.received.len() as u32);
    }
}

impl<M: Message<Reply = ()>> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("id", &self.ctx.id()).finish_non_exhaustive()
    }
}

/// A destination for messages to one process that this process can make ineffective (P27).
///
/// It is a number, as a [`Pid`] is. What is sent through one that is not active vanishes.
pub struct Alias<M> {
    process: Pid<Raw<M>>,
    number: u64,
}

impl<M: Message<Reply = ()>> Alias<M> {
    /// Sends a message through it, and goes on; nothing tells whether it is active.
    pub fn send(self, message: M) {
        let id = self.process.id();
        let letter = Aliased { alias: self.number, message };
        drop(scheduler::deliver(id, Envelope::message::<Raw<M>, _>(id.generation(), letter)));
    }
}

impl<M> Clone for Alias<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Alias<M> {}

impl<M> PartialEq for Alias<M> {
    fn eq(&self, other: &Self) -> bool {
        (self.process, self.number) == (other.process, other.number)
    }
}

impl<M> Eq for Alias<M> {}

impl<M> fmt::Debug for Alias<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alias({} of {})", self.number, self.process)
    }
}

/// Starts a raw process with a mailbox.
fn spawn<M, F, Fut>(node: &Node, parent: Option<ProcessId>, body: F) -> Pid<Raw<M>>
where
    M: Message<Reply = ()>,
    F: FnOnce(Mailbox<M>) -> Fut + Send + 'static,
    Fut: Future<Output: IntoExit> + Send + 'static,
{
    let code = |ctx: Ctx<Raw<M>>| {
        let inlet = Inlet::new(ctx.id());
        let outlook = inlet.outlook();
        let mailbox = Mailbox { ctx, raw: Raw::new(), inlet, received: VecDeque::new() };
        let code: process::RawCode = Box::pin(async move { body(mailbox).await.into_exit() });
        (code, outlook)
    };
    let work = InitialCall { name: type_name::<F>, bytes: size_of::<Fut>() };
    Pid::of(process::launch_watched(node, parent, None, work, code))
}

impl Node {
    /// As [`Node::spawn`], for a process that receives messages (P37).
    pub fn spawn_receiver<M, F, Fut>(&self, body: F) -> Pid<Raw<M>>
    where
        M: Message<Reply = ()>,
        F: FnOnce(Mailbox<M>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoExit> + Send + 'static,
    {
        spawn(self, None, body)
    }
}

impl<S> Ctx<S> {
    /// As [`Ctx::spawn_link`], for a process that receives messages (P37).
    pub fn spawn_receiver_link<M, F, Fut>(&self, body: F) -> Pid<Raw<M>>
    where
        M: Message<Reply = ()>,
        F: FnOnce(Mailbox<M>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoExit> + Send + 'static,
    {
        spawn(self.node(), Some(self.id()), body)
    }
}
