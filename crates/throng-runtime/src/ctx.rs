//! A process' handle on itself.

mod plans;

use std::{
    any::Any,
    fmt,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use self::plans::Plans;
use crate::{
    address::CallFailure,
    call::{ReplyCell, ReplyTo, Unanswered},
    child::IntoChild,
    control::{self, NoProcess, OnExit, Watcher},
    error::StartError,
    exit::{Exit, IntoExit},
    gen_server::GenServer,
    letter::{Cast, Notice},
    message::{Down, Exited, Halt, Handler, IdleTimeout, Message, MonitorRef},
    node::Node,
    pid::{Pid, ProcessId},
    process,
    scheduler::{self, Envelope, Generation},
    task::Task,
    timer::TimerRef,
};

/// A process' handle on itself: its identity, its links and monitors, what it starts, and what it wants to do next.
///
/// Servers get `&mut Ctx<Self>` in every callback; a raw process gets a `Ctx` of its own. What needs a handler asks for it
/// in its bounds: `ctx.monitor(..)` compiles only if the server handles [`Down`].
///
/// ```
/// # use throng_runtime::{Exit, Node};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let node = Node::new("example");
/// let parent = node.spawn(async |ctx| {
///     ctx.set_label("parent");
///     let child = ctx.spawn_link(async |ctx| ctx.parent().map_or(Exit::NoProcess, |_| Exit::other("enough")));
///     assert_ne!(ctx.id(), child);
///     std::future::pending::<()>().await // it does not trap exits, so it ends with its child
/// });
/// assert_eq!(node.wait(parent).await.to_string(), "enough");
/// # }
/// ```
pub struct Ctx<S = ()> {
    id: ProcessId,
    parent: Option<ProcessId>,
    node: Node,
    /// The call that is being handled, until it is answered.
    call: Option<Arc<dyn Unanswered>>,
    /// The message in hand has been answered; for observers.
    answered: bool,
    plans: Plans,
    server: PhantomData<fn() -> S>,
}

impl<S> Ctx<S> {
    pub(crate) fn new(id: ProcessId, parent: Option<ProcessId>, node: Node) -> Self {
        Self { id, parent, node, call: None, answered: false, plans: Plans::default(), server: PhantomData }
    }

    /// This process.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// The node it runs on.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The process that started and linked it, if one did.
    pub fn parent(&self) -> Option<ProcessId> {
        self.parent
    }

    /// Links this process with another: when one ends, the other gets an exit signal (P10 to P15).
    ///
    /// # Errors
    ///
    /// The other is dead (P12).
    pub fn link(&self, peer: impl Into<ProcessId>) -> Result<(), NoProcess> {
        control::link(self.id, peer.into())
    }

    /// Takes a link away: no new exit signal of it has any effect (P13).
    pub fn unlink(&self, peer: impl Into<ProcessId>) {
        control::unlink(self.id, peer.into());
    }

    /// Asks a process to end (P16 to P19). `Exit::Kill` cannot be refused.
    pub fn exit(&self, peer: impl Into<ProcessId>, reason: Exit) {
        process::request_exit(Some(self.id), peer.into(), reason);
    }

    /// As [`unlink`](Ctx::unlink); an [`Exited`] of the link that waits in the mailbox is not handled any more either (P13).
    pub fn unlink_flush(&self, peer: impl Into<ProcessId>) {
        control::unlink_flush(self.id, peer.into());
    }

    /// Runs `tell` when `target` ends, or now if it is gone; not any more when this process is gone. It runs in the dying
    /// process: keep it as short as a push into a queue.
    ///
    /// With it a `Down` arrives as a message of your own (P26): `ctx.monitor_with(room, move |down| drop(me.cast(..)))`.
    pub fn monitor_with(
        &self,
        target: impl Into<ProcessId>,
        tell: impl FnOnce(Down) + Send + 'static,
    ) -> MonitorRef {
        control::monitor(target.into(), Watcher::Hook { owner: Some(self.id), hook: Box::new(tell) })
    }

    /// Takes a monitor away. True when it was active: then no [`Down`] comes. False: its `Down` has been sent (P24), or it is
    /// not a monitor of this process (P25).
    pub fn demonitor(&self, monitor: MonitorRef) -> bool {
        control::demonitor(self.id, monitor)
    }

    /// As [`demonitor`](Ctx::demonitor); a [`Down`] that waits in the mailbox, or is on its way, is not handled any more
    /// either (P24).
    pub fn demonitor_flush(&self, monitor: MonitorRef) -> bool {
        control::demonitor_flush(self.id, monitor)
    }

    /// Starts a server that is linked to this process, and waits until its `init` is done (G1).
    ///
    /// # Errors
    ///
    /// As [`Node::start`]; a failed start leaves no link, no name and no exit signal behind (G3).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done kills the process that was being started.
    pub fn start_link<C: IntoChild>(
        &self,
        child: C,
    ) -> impl Future<Output = Result<Pid<C::Server>, StartError>> + Send + use<S, C> {
        let (node, me, child) = (self.node.clone(), self.id, child.into_child());
        async move { process::start(&node, Some(me), child).await }
    }

    /// Starts a server that this process monitors from its first instruction, and waits until its `init` is done (G1).
    ///
    /// # Errors
    ///
    /// As [`Node::start`]; a failed start sends no [`Down`].
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](Ctx::start_link).
    pub fn start_monitor<C: IntoChild>(
        &self,
        child: C,
    ) -> impl Future<Output = Result<(Pid<C::Server>, MonitorRef), StartError>> + Send + use<S, C>
    where
        S: Handler<Down>,
    {
        let (node, me, child) = (self.node.clone(), self.id, child.into_child());
        async move { process::start_monitor(&node, me, child, Self::down_message).await }
    }

    /// Starts a process that is linked to this one from its first instruction (P7).
    pub fn spawn_link<F, Fut>(&self, body: F) -> ProcessId
    where
        F: FnOnce(Ctx) -> Fut + Send + 'static,
        Fut: Future<Output: IntoExit> + Send + 'static,
    {
        process::spawn(&self.node, Some(self.id), body)
    }

    /// Starts a process that this one monitors from its first instruction (P7).
    pub fn spawn_monitor<F, Fut>(&self, body: F) -> (ProcessId, MonitorRef)
    where
        S: Handler<Down>,
        F: FnOnce(Ctx) -> Fut + Send + 'static,
        Fut: Future<Output: IntoExit> + Send + 'static,
    {
        process::spawn_monitored(&self.node, self.id, Self::down_message, body)
    }

    /// Has `hook` run at the end of this process, before anybody is told; the same hook twice runs once.
    pub fn on_exit(&self, hook: Arc<dyn OnExit>) {
        control::on_exit(self.id, hook);
    }

    /// Runs a future in a process of its own, linked to this one: if either crashes, so does the other (T1).
    pub fn task<F>(&self, work: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task::start(&self.node, Some(self.id), work)
    }

    /// Runs a future in a process of its own whose crash is only seen by whoever awaits it (T7).
    pub fn task_nolink<F>(&self, work: F) -> Task<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Task::start(&self.node, None, work)
    }
}

impl<S: GenServer> Ctx<S> {
    /// This process, typed.
    pub fn me(&self) -> Pid<S> {
        Pid::of(self.id)
    }

    /// Has a [`Down`] sent when `target` ends, or at once if it is gone (P21, P22).
    pub fn monitor(&self, target: impl Into<ProcessId>) -> MonitorRef
    where
        S: Handler<Down>,
    {
        control::monitor(target.into(), Watcher::Process { id: self.id, message: Self::down_message })
    }

    fn down_message(generation: Generation, down: Down) -> Envelope
    where
        S: Handler<Down>,
    {
        Envelope::message::<S, _>(generation, Notice(down))
    }

    /// Has exit signals arrive as [`Exited`] messages from now on, instead of ending this process (P14).
    ///
    /// An exit of the parent is no message: it stops the server, by way of `terminate` (G17).
    pub fn trap_exits(&mut self)
    where
        S: Handler<Exited>,
    {
        if let Some(mut control) = scheduler::slot(self.id).control(self.id) {
            control.get().trap =
                Some(|generation, exited| Envelope::message::<S, _>(generation, Notice(exited)));
        }
    }

    /// Ends this process after the callback that runs now. Its reply, if it gives one, reaches the caller after `terminate`
    /// ran (G6).
    pub fn stop(&mut self, reason: Exit) {
        self.plans.stop(reason);
    }

    /// Keeps the right to answer the call that is being handled, for later and from anywhere (G8).
    ///
    /// ```
    /// # use throng_runtime::{Ctx, GenServer, Handled, Handler, Init, Message, ReplyTo};
    /// # struct Ask;
    /// # impl Message for Ask { type Reply = u32; }
    /// # struct Desk { waiting: Vec<ReplyTo<u32>> }
    /// # impl GenServer for Desk {
    /// #     type Args = ();
    /// #     async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Desk { waiting: Vec::new() }) }
    /// # }
    /// impl Handler<Ask> for Desk {
    ///     async fn handle(&mut self, _: Ask, ctx: &mut Ctx<Self>) -> Handled<Ask> {
    ///         ctx.reply_later(|reply_to| self.waiting.push(reply_to))
    ///     }
    /// }
    /// ```
    ///
    /// For a message that was cast, the answer goes nowhere.
    ///
    /// # Errors
    ///
    /// Always [`Halt::ReplyLater`], for the handler to return.
    pub fn reply_later<R: Send + 'static>(&mut self, keep: impl FnOnce(ReplyTo<R>)) -> Result<R, Halt> {
        keep(match self.take_call::<R>() {
            Some(cell) => {
                // A call that is kept again, as a postponed one may be any number of times, is remembered already.
                if Arc::weak_count(&cell) == 0
                    && let Some(mut control) = scheduler::slot(self.id).control(self.id)
                {
                    let call: Arc<dyn Unanswered> = cell.clone();
                    control.get().defer(Arc::downgrade(&call));
                }
                ReplyTo::from_cell(cell, self.id)
            }
            None => ReplyTo::nobody(self.id),
        });
        Err(Halt::ReplyLater)
    }

    /// Handles `message` next, before any other, even those that wait in the mailbox (G5). From `init`: after the start has
    /// returned, so slow work belongs there.
    pub fn continue_with<M: Message<Reply = ()>>(&mut self, message: M)
    where
        S: Handler<M>,
    {
        let envelope = Envelope::message::<S, _>(self.id.generation(), Cast(message));
        self.plans.handle_first(envelope);
    }

    /// Sends [`IdleTimeout`] if no message comes within this time after the callback that runs now. Any message cancels it; it
    /// is no periodic tick (G13).
    pub fn idle_timeout(&mut self, after: Duration)
    where
        S: Handler<IdleTimeout>,
    {
        let message = |id: ProcessId| Envelope::message::<S, _>(id.generation(), Cast(IdleTimeout));
        self.plans.idle_timeout(after, message);
    }

    /// Has [`GenServer::hibernate`] called after the callback that runs now, when no message waits (G14).
    pub fn hibernate(&mut self) {
        self.plans.hibernate();
    }

    /// Sends a message to this process after a time, not earlier (P5). Dropping the result does not cancel.
    pub fn send_after<M: Message<Reply = ()>>(&self, after: Duration, message: M) -> TimerRef
    where
        S: Handler<M>,
    {
        self.node.send_after(self.me(), after, message)
    }

    /// Has this letter opened before all others, even those that are to come first.
    pub(crate) fn put_first(&mut self, letter: Envelope) {
        self.plans.handle_before_all(letter);
    }

    pub(crate) fn begin_call(&mut self, call: Option<Arc<dyn Unanswered>>) {
        self.call = call;
    }

    /// The call in hand, typed. A call of another type is in hand only if `R` was written wrongly by hand.
    fn take_call<R: Send + 'static>(&mut self) -> Option<Arc<ReplyCell<R>>> {
        let in_hand: &dyn Any = &**self.call.as_ref()?;
        // Before it is taken: the call stays in hand, so that the caller learns of the crash.
        assert!(in_hand.is::<ReplyCell<R>>(), "the reply type is not the one of the message in hand");
        let call: Arc<dyn Any + Send + Sync> = self.call.take()?;
        call.downcast().ok()
    }

    /// Answers the call in hand: now, or after `terminate` if the callback also asked to stop.
    pub(crate) fn answer<R: Send + 'static>(&mut self, reply: R) {
        let Some(cell) = self.take_call::<R>() else { return };
        self.note_answer();
        if self.is_stopping() {
            self.plans.answer_last(Box::new(move || drop(cell.settle(Ok(reply)))));
        } else {
            // An error means that the caller gave up.
            drop(cell.settle(Ok(reply)));
        }
    }

    pub(crate) fn note_answer(&mut self) {
        self.answered = true;
    }

    pub(crate) fn forget_answer(&mut self) {
        self.answered = false;
    }

    pub(crate) fn has_answered(&self) -> bool {
        self.answered
    }

    pub(crate) fn take_unanswered(&mut self) -> Option<Arc<dyn Unanswered>> {
        self.call.take()
    }

    pub(crate) fn take_parting_answer(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        self.plans.take_parting_answer()
    }

    pub(crate) fn is_stopping(&mut self) -> bool {
        self.plans.is_stopping()
    }

    pub(crate) fn take_stop(&mut self) -> Option<Exit> {
        self.plans.take_stop()
    }

    pub(crate) fn continues(&mut self) -> bool {
        self.plans.continues()
    }

    pub(crate) fn take_first(&mut self) -> Option<Envelope> {
        self.plans.take_first()
    }

    /// The idle timeout's message when it is time. Frees what earlier callbacks needed and a wait does not.
    pub(crate) fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Envelope> {
        self.plans.poll_idle(self.id, cx)
    }

    /// Whether to give memory back: at once if a callback asked for it, else when `after` has passed without a message.
    pub(crate) fn poll_nap(&mut self, after: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        self.plans.poll_nap(after, cx)
    }

    /// A system request came: what it waits for begins anew (G13).
    pub(crate) fn rearm(&mut self) {
        self.plans.rearm();
    }

    /// A message came: the idle timeout is off, and no other plan is left when one is taken from the mailbox.
    pub(crate) fn tidy(&mut self) {
        self.plans.tidy();
    }
}

impl<S> Drop for Ctx<S> {
    /// A process' end takes the call in hand and settles it; this one never got there, because its runtime was torn down.
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.abandon(CallFailure::Exited(Exit::Killed));
        }
    }
}

impl<S> fmt::Debug for Ctx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx").field("id", &self.id).field("parent", &self.parent).finish_non_exhaustive()
    }
}
