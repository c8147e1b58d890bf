//! The one-shot answer to a call.
//!
//! A [`ReplyCell`] is shared by the caller, who waits in a [`Waiting`], and the server's side. It is settled once:
//! answered, abandoned with the reason why no answer will come, or given up by the caller. Whatever comes second finds it
//! settled: a late or second answer is handed back (P30), and no late answer ever reaches a caller that stopped waiting (P29).

use std::{
    any::Any,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use crate::{address::CallFailure, pid::ProcessId, scheduler};

pub(crate) struct ReplyCell<R> {
    state: Mutex<State<R>>,
}

enum State<R> {
    Waiting(Option<Waker>),
    Settled(Result<R, CallFailure>),
    /// The caller has its answer, or stopped waiting for one.
    Over,
}

/// A call that a server has not answered yet, without the type of its answer.
pub(crate) trait Unanswered: Any + Send + Sync {
    /// Tells the caller that no answer will come.
    fn abandon(&self, why: CallFailure);

    /// Whether the caller still waits.
    fn is_open(&self) -> bool;
}

impl<R: Send + 'static> ReplyCell<R> {
    /// The two ends of one call to `server`.
    pub(crate) fn pair(server: ProcessId) -> (Waiting<R>, ReplyTo<R>) {
        let (cell, waiting) = Self::alone();
        (waiting, ReplyTo { cell: Some(cell), server })
    }

    /// A cell that its own process settles, and who waits for it.
    pub(crate) fn alone() -> (Arc<Self>, Waiting<R>) {
        let cell = Arc::new(Self { state: Mutex::new(State::Waiting(None)) });
        (cell.clone(), Waiting { cell, over: false })
    }

    pub(crate) fn settle(&self, outcome: Result<R, CallFailure>) -> Result<(), Result<R, CallFailure>> {
        let mut state = self.state.lock();
        let State::Waiting(waker) = &mut *state else { return Err(outcome) };
        let waker = waker.take();
        *state = State::Settled(outcome);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

impl<R: Send + 'static> Unanswered for ReplyCell<R> {
    fn abandon(&self, why: CallFailure) {
        // An error means that it is settled or given up already.
        drop(self.settle(Err(why)));
    }

    fn is_open(&self) -> bool {
        matches!(*self.state.lock(), State::Waiting(_))
    }
}

/// The caller's end: resolves when the call is settled; dropping it gives the call up.
pub(crate) struct Waiting<R> {
    cell: Arc<ReplyCell<R>>,
    over: bool,
}

impl<R> Waiting<R> {
    /// Stops waiting, unless the answer came at the last moment (P29, step 7).
    pub(crate) fn give_up(&self) -> Option<Result<R, CallFailure>> {
        // In two statements: what was there is dropped without the lock.
        let before = std::mem::replace(&mut *self.cell.state.lock(), State::Over);
        match before {
            State::Settled(outcome) => Some(outcome),
            State::Waiting(_) | State::Over => None,
        }
    }
}

impl<R> Future for Waiting<R> {
    type Output = Result<R, CallFailure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut state = this.cell.state.lock();
        match &mut *state {
            State::Waiting(Some(waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            State::Waiting(waker) => {
                let before = waker.replace(cx.waker().clone());
                drop(state);
                drop(before);
                Poll::Pending
            }
            State::Settled(_) | State::Over => {
                this.over = true;
                match std::mem::replace(&mut *state, State::Over) {
                    State::Settled(outcome) => Poll::Ready(outcome),
                    _ => Poll::Ready(Err(CallFailure::ReplyDropped)),
                }
            }
        }
    }
}

impl<R> Drop for Waiting<R> {
    fn drop(&mut self) {
        if !self.over {
            drop(self.give_up());
        }
    }
}

/// The right to answer one call, once, from anywhere (G8).
///
/// [`Ctx::reply_later`](crate::Ctx::reply_later) gives it. Dropping it unanswered tells the caller
/// [`CallError::ReplyDropped`](crate::CallError::ReplyDropped); if the server dies first, the caller is told the server's exit
/// reason.
///
/// ```
/// # use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node};
/// struct Square(u64);
/// impl Message for Square {
///     type Reply = u64;
/// }
///
/// # struct Desk;
/// # impl GenServer for Desk { type Args = (); async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Desk) } }
/// impl Handler<Square> for Desk {
///     async fn handle(&mut self, Square(n): Square, ctx: &mut Ctx<Self>) -> Handled<Square> {
///         let node = ctx.node().clone();
///         ctx.reply_later(move |caller| {
///             // A process of its own answers, and the server handles what comes next. The caller may have given up.
///             node.spawn(async move |_| drop(caller.send(n * n)));
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::new("example");
/// let desk = node.start(Desk::child(())).await?;
/// assert_eq!(desk.call(Square(7)).await?, 49);
/// # Ok(()) }
/// ```
pub struct ReplyTo<R: Send + 'static> {
    cell: Option<Arc<ReplyCell<R>>>,
    server: ProcessId,
}

impl<R: Send + 'static> ReplyTo<R> {
    /// Answers.
    ///
    /// # Errors
    ///
    /// Hands the answer back when nobody waits for it any more.
    pub fn send(mut self, reply: R) -> Result<(), R> {
        let Some(cell) = self.cell.take() else { return Err(reply) };
        cell.settle(Ok(reply)).map_err(|unsent| match unsent {
            Ok(reply) => reply,
            Err(_) => unreachable!("an answer was offered"),
        })
    }

    /// Whether the caller still waits.
    pub fn is_open(&self) -> bool {
        self.cell.as_ref().is_some_and(|cell| cell.is_open())
    }

    /// For a message that was cast: nobody waits.
    pub(crate) fn nobody(server: ProcessId) -> Self {
        Self { cell: None, server }
    }

    pub(crate) fn from_cell(cell: Arc<ReplyCell<R>>, server: ProcessId) -> Self {
        Self { cell: Some(cell), server }
    }

    pub(crate) fn into_cell(mut self) -> Option<Arc<ReplyCell<R>>> {
        self.cell.take()
    }

    pub(crate) fn abandon(mut self, why: CallFailure) {
        if let Some(cell) = self.cell.take() {
            cell.abandon(why);
        }
    }
}

impl<R: Send + 'static> Drop for ReplyTo<R> {
    fn drop(&mut self) {
        let Some(cell) = self.cell.take() else { return };
        // A dying server's calls are settled by its death, which knows the reason.
        let crashing = std::thread::panicking() && scheduler::current::id() == Some(self.server);
        if !crashing && !scheduler::slot(self.server).is_exiting(self.server) {
            cell.abandon(CallFailure::ReplyDropped);
        }
    }
}

impl<R: Send + 'static> fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyTo").field("server", &self.server).field("open", &self.is_open()).finish()
    }
}

#[cfg(test)]
mod tests;
