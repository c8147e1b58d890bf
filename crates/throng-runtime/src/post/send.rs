//! A message that waits for room in its receiver's mailbox (P34).

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Seat, Unsent, post_or_wait};
use crate::{
    address::{CastError, Target},
    call::{ReplyCell, Waiting},
    letter::Cast,
    message::Message,
    pid::ProcessId,
    scheduler::Envelope,
};

/// A message that is being sent by [`Address::send`](crate::Address::send).
#[must_use = "a message is not sent until this is awaited"]
pub struct Sending<M> {
    state: State<M>,
    message: PhantomData<fn() -> M>,
}

enum State<M> {
    Unsent { to: ProcessId, envelope: Envelope, target: Target },
    Waiting { told: Waiting<Option<Envelope>>, target: Target, seat: Seat },
    Failed(CastError<M>),
    Over,
}

impl<M: Message<Reply = ()>> Sending<M> {
    pub(crate) fn new(to: ProcessId, envelope: Envelope, target: Target) -> Self {
        Self { state: State::Unsent { to, envelope, target }, message: PhantomData }
    }

    pub(crate) fn failed(error: CastError<M>) -> Self {
        Self { state: State::Failed(error), message: PhantomData }
    }

    /// Sends it if it can be now.
    fn begin(to: ProcessId, envelope: Envelope, target: Target) -> Result<State<M>, CastError<M>> {
        let (tell, told) = ReplyCell::alone();
        match post_or_wait(to, envelope, Some(tell)) {
            Ok(None) => Ok(State::Over),
            Ok(Some(seat)) => Ok(State::Waiting { told, target, seat }),
            Err(Unsent::Full(unsent)) => Err(CastError::Full { target, message: unpack(unsent) }),
            Err(Unsent::Gone(unsent)) => Err(CastError::NoProcess { target, message: unpack(unsent) }),
        }
    }
}

/// The message of an envelope that came back to whoever made it of a cast.
pub(crate) fn unpack<M: Message<Reply = ()>>(envelope: Envelope) -> M {
    match envelope.into_letter::<Cast<M>>() {
        Ok(Cast(message)) => message,
        Err(other) => unreachable!("{other:?} came back in the place of another"),
    }
}

impl<M> Unpin for Sending<M> {}

impl<M: Message<Reply = ()>> Future for Sending<M> {
    type Output = Result<(), CastError<M>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Unsent { to, envelope, target } => self.state = Self::begin(to, envelope, target)?,
                State::Waiting { mut told, target, seat } => match Pin::new(&mut told).poll(cx) {
                    Poll::Pending => {
                        self.state = State::Waiting { told, target, seat };
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Some(unsent))) => {
                        return Poll::Ready(Err(CastError::NoProcess { target, message: unpack(unsent) }));
                    }
                    Poll::Ready(Ok(None) | Err(_)) => return Poll::Ready(Ok(())),
                },
                State::Failed(error) => return Poll::Ready(Err(error)),
                State::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<M> fmt::Debug for Sending<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
