//! User code at work: its panic is caught, and a fatal signal drops it at its await point (P8, P38).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use crate::{exit::Exit, inbox::Inbox, panics::contain, scheduler::Queue};

pub(super) struct Guarded<'a, F, I = Inbox> {
    code: Option<F>,
    inbox: &'a mut I,
}

/// What guarded code is watched by: its process' end of the mailbox.
pub(crate) trait Watch: Send + 'static {
    /// The reason to end the code, if one has come.
    fn fatal_signal(&mut self) -> Option<Exit>;

    /// The process has been told to end: not alive any more to observers (P32).
    fn begin_exit(&self);

    /// Whether somebody wants to know how busy the process is.
    fn is_observed(&self) -> bool;

    /// The code was at work for this long.
    fn note_busy(&self, time: Duration);

    /// The code is at an await point, where it may stay for long, and others look at the process meanwhile.
    fn pause(&mut self);

    /// The code is over.
    fn resume(&mut self);

    /// What nobody will handle any more.
    fn into_rest(self) -> Queue;
}

impl Watch for Inbox {
    fn fatal_signal(&mut self) -> Option<Exit> {
        self.fatal_signal()
    }

    fn begin_exit(&self) {
        self.begin_exit();
    }

    fn is_observed(&self) -> bool {
        self.is_observed()
    }

    fn note_busy(&self, time: Duration) {
        self.note_busy(time);
    }

    fn pause(&mut self) {
        self.pause(true);
    }

    fn resume(&mut self) {
        self.resume();
    }

    fn into_rest(self) -> Queue {
        self.into_rest()
    }
}

/// Why code did not come to its end. Boxed, so that the usual outcome fits into registers.
pub(super) enum Interrupted {
    Panicked(Exit),
    /// A fatal signal came first.
    Ended(Exit),
}

impl<'a, F: Future + Unpin, I: Watch> Guarded<'a, F, I> {
    pub(super) fn new(code: F, inbox: &'a mut I) -> Self {
        Self { code: Some(code), inbox }
    }

    fn drop_code(&mut self) {
        contain("a destructor in dropped code", || drop(self.code.take()));
    }
}

impl<F: Future + Unpin, I: Watch> Future for Guarded<'_, F, I> {
    type Output = Result<F::Output, Box<Interrupted>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(reason) = self.inbox.fatal_signal() {
            self.inbox.begin_exit();
            self.drop_code();
            return Poll::Ready(Err(Box::new(Interrupted::Ended(reason))));
        }
        let began = self.inbox.is_observed().then(Instant::now);
        let Some(code) = self.code.as_mut() else { return Poll::Pending };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(code).poll(cx)));
        if let Some(began) = began {
            self.inbox.note_busy(began.elapsed());
        }
        let outcome = match polled {
            Ok(Poll::Pending) => {
                self.inbox.pause();
                return Poll::Pending;
            }
            Ok(Poll::Ready(output)) => Ok(output),
            Err(payload) => Err(Box::new(Interrupted::Panicked(Exit::from_panic(payload)))),
        };
        self.inbox.resume();
        self.drop_code();
        Poll::Ready(outcome)
    }
}
