//! A call on its way: send, wait, give up in time (P29).

mod multi;
mod reply;
mod requests;
mod retry;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

pub use self::{
    multi::{Replies, abcast, multi_call, multi_call_within},
    reply::ReplyTo,
    requests::Requests,
};
pub(crate) use self::{
    reply::{ReplyCell, Unanswered, Waiting},
    retry::call_retry,
};
use crate::{
    address::{CallError, CallFailure, DEFAULT_CALL_TIMEOUT, Target},
    gen_server::GenServer,
    letter::{Ask, Fence},
    message::{Handler, Message},
    pid::{Pid, ProcessId},
    post::{self, Seat},
    scheduler::{self, Envelope, Letter},
    timer::Alarm,
};

/// A call that has not been sent yet: await it, or [`send`](Call::send) it and await the answer later (G10).
#[must_use = "a call does nothing until it is awaited or sent"]
pub struct Call<S: GenServer, M> {
    to: Option<Pid<S>>,
    target: Target,
    message: M,
    timeout: Option<Duration>,
}

impl<S: GenServer, M: Message> Call<S, M> {
    pub(crate) fn new(to: Option<Pid<S>>, target: Target, message: M) -> Self {
        Self { to, target, message, timeout: Some(DEFAULT_CALL_TIMEOUT) }
    }

    /// Waits this long for the answer.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Waits until the answer comes or the server ends.
    pub fn no_timeout(self) -> Self {
        Self { timeout: None, ..self }
    }

    /// Sends the request now; the answer is awaited apart. The timeout begins here.
    pub fn send(self) -> Answer<M::Reply>
    where
        S: Handler<M>,
    {
        let Self { to, target, message, timeout } = self;
        dispatch(to, target, timeout, |reply| Ask { message, reply })
    }
}

/// A round trip through a server's mailbox, past its handlers.
pub(crate) fn fence<S: GenServer>(to: Option<Pid<S>>, target: Target) -> Answer<()> {
    dispatch(to, target, Some(DEFAULT_CALL_TIMEOUT), |reply| Fence { reply })
}

fn dispatch<S: GenServer, L: Letter<S>, R: Send + 'static>(
    to: Option<Pid<S>>,
    target: Target,
    timeout: Option<Duration>,
    letter: impl FnOnce(ReplyTo<R>) -> L,
) -> Answer<R> {
    let wait = match to {
        None => Wait::Failed(Some(CallFailure::NoProcess)),
        Some(pid) if scheduler::current::id() == Some(pid.id()) => {
            Wait::Failed(Some(CallFailure::CallingSelf))
        }
        Some(pid) => request(pid, letter),
    };
    Answer::new(wait, target, timeout)
}

/// An answer that is known already.
pub(crate) fn answered<R: Send + 'static>(target: Target, answer: R) -> Answer<R> {
    let (cell, waiting) = ReplyCell::alone();
    // Nobody gave it up meanwhile.
    drop(cell.settle(Ok(answer)));
    Answer { wait: Wait::Reply { waiting, seat: None }, target, deadline: None }
}

/// A request by another way than the mailbox: `ask` sends it.
pub(crate) fn ask_system<R: Send + 'static>(
    to: Option<ProcessId>,
    target: Target,
    ask: impl FnOnce(ProcessId, ReplyTo<R>),
) -> Answer<R> {
    let wait = match to {
        None => Wait::Failed(Some(CallFailure::NoProcess)),
        Some(id) if scheduler::current::id() == Some(id) => Wait::Failed(Some(CallFailure::CallingSelf)),
        Some(id) => {
            let (waiting, reply) = ReplyCell::pair(id);
            ask(id, reply);
            Wait::Reply { waiting, seat: None }
        }
    };
    Answer::new(wait, target, Some(DEFAULT_CALL_TIMEOUT))
}

fn request<S: GenServer, L: Letter<S>, R: Send + 'static>(
    pid: Pid<S>,
    letter: impl FnOnce(ReplyTo<R>) -> L,
) -> Wait<R> {
    let (waiting, reply) = ReplyCell::pair(pid.id());
    let envelope = Envelope::message::<S, _>(pid.id().generation(), letter(reply));
    let seat = match post::post_or_wait(pid.id(), envelope, None) {
        Ok(seat) => seat.map(Box::new),
        Err(unsent) => {
            unsent.abandon();
            None
        }
    };
    Wait::Reply { waiting, seat }
}

impl<S: Handler<M>, M: Message> IntoFuture for Call<S, M> {
    type Output = Result<M::Reply, CallError>;
    type IntoFuture = Answer<M::Reply>;

    fn into_future(self) -> Answer<M::Reply> {
        self.send()
    }
}

impl<S: GenServer, M> fmt::Debug for Call<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("target", &self.target)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The answer to a call that was sent.
///
/// # Cancel safety
///
/// Dropping it abandons the call: the request is handled all the same, its answer dropped. One that waits for room in a
/// bounded mailbox is taken back (P34).
#[must_use = "an answer does nothing until it is awaited"]
pub struct Answer<R> {
    wait: Wait<R>,
    target: Target,
    deadline: Option<(Duration, Alarm)>,
}

enum Wait<R> {
    /// With a place in the line, if it may be waiting for room.
    Reply {
        waiting: Waiting<R>,
        seat: Option<Box<Seat>>,
    },
    Failed(Option<CallFailure>),
}

impl<R> Answer<R> {
    fn new(wait: Wait<R>, target: Target, timeout: Option<Duration>) -> Self {
        let deadline = match wait {
            Wait::Failed(_) => None,
            Wait::Reply { .. } => timeout.map(|after| (after, Alarm::after(after))),
        };
        Self { wait, target, deadline }
    }

    /// Waits this long from now, whatever was said before.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self::new(self.wait, self.target, Some(timeout))
    }
}

impl<R> Unpin for Answer<R> {}

impl<R> Future for Answer<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let outcome = match &mut this.wait {
            Wait::Failed(failure) => Err(failure.take().unwrap_or(CallFailure::ReplyDropped)),
            Wait::Reply { waiting, seat } => match Pin::new(&mut *waiting).poll(cx) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    let Some((after, alarm)) = &mut this.deadline else { return Poll::Pending };
                    ready!(alarm.poll_ring(cx));
                    let outcome = waiting.give_up().unwrap_or(Err(CallFailure::Timeout(*after)));
                    *seat = None;
                    outcome
                }
            },
        };
        Poll::Ready(outcome.map_err(|failure| failure.at(this.target.clone())))
    }
}

impl<R> fmt::Debug for Answer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("target", &self.target).finish_non_exhaustive()
    }
}
