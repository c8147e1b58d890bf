//! User code at work: its panic is caught, and a fatal signal drops it at its await point (P8, P38).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use crate::{exit::Exit, inbox::Inbox, panics::contain};

pub(super) struct Guarded<'a, F> {
    code: Option<F>,
    inbox: &'a mut Inbox,
}

/// Why code did not come to its end. Boxed, so that the usual outcome fits into registers.
pub(super) enum Interrupted {
    Panicked(Exit),
    /// A fatal signal came first.
    Ended(Exit),
}

impl<'a, F: Future + Unpin> Guarded<'a, F> {
    pub(super) fn new(code: F, inbox: &'a mut Inbox) -> Self {
        Self { code: Some(code), inbox }
    }

    fn drop_code(&mut self) {
        contain("a destructor in dropped code", || drop(self.code.take()));
    }
}

impl<F: Future + Unpin> Future for Guarded<'_, F> {
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
                // It may wait for long, and others look at how much waits meanwhile.
                self.inbox.settle();
                return Poll::Pending;
            }
            Ok(Poll::Ready(output)) => Ok(output),
            Err(payload) => Err(Box::new(Interrupted::Panicked(Exit::from_panic(payload)))),
        };
        self.drop_code();
        Poll::Ready(outcome)
    }
}
