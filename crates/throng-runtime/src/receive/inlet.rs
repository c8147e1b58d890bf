//! The end of a mailbox that a raw process' code shares with what watches over it.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use parking_lot::Mutex;

use crate::{
    exit::Exit,
    inbox::{Event, Inbox},
    pid::ProcessId,
    process::Watch,
    scheduler::{Envelope, Queue, current},
};

/// The code takes messages out, the watch over it looks for fatal signals; both run in the process' turns, so they never wait
/// for each other.
#[derive(Clone)]
pub(super) struct Inlet(Arc<Mutex<Shared>>);

struct Shared {
    /// `None` when the process is over, should its mailbox have been carried off.
    inbox: Option<Inbox>,
    /// A fatal signal that the code came across.
    doom: Option<Exit>,
    /// Of a wait that the process' own waker does not reach: inside of a future that polls only what woke it.
    waiting: Option<Waker>,
}

impl Inlet {
    pub(super) fn new(id: ProcessId) -> Self {
        let shared = Shared { inbox: Some(Inbox::new(id)), doom: None, waiting: None };
        Self(Arc::new(Mutex::new(shared)))
    }

    /// The other side of it, of which there is one.
    pub(super) fn outlook(&self) -> Outlook {
        Outlook(self.clone())
    }

    /// The next message that has arrived.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Envelope> {
        let mut shared = self.0.lock();
        let Some(inbox) = &mut shared.inbox else { return Poll::Pending };
        match inbox.poll_next(cx) {
            Poll::Ready(Event::Message(envelope)) => return Poll::Ready(envelope),
            Poll::Ready(Event::Fatal(reason) | Event::Shutdown(reason)) => {
                // The watch deals with it, in the process' next turn.
                shared.doom = Some(*reason);
                cx.waker().wake_by_ref();
            }
            // Of servers alone.
            Poll::Ready(Event::Requests | Event::Hibernate) => cx.waker().wake_by_ref(),
            Poll::Pending if !current::is_polled_by(cx.waker()) => shared.waiting = Some(cx.waker().clone()),
            Poll::Pending => {}
        }
        Poll::Pending
    }

    /// As [`poll_next`](Inlet::poll_next) for a look that is no wait. A fatal signal has woken the process already.
    pub(super) fn poll_now(&self) -> Poll<Envelope> {
        let cx = &mut Context::from_waker(Waker::noop());
        // Until nothing is left to find: a process' turn may be over, or a part taken in, to let others run.
        loop {
            let polled = self.poll_next(cx);
            if polled.is_ready() || self.has_seen_all() {
                return polled;
            }
        }
    }

    fn has_seen_all(&self) -> bool {
        let shared = self.0.lock();
        shared.doom.is_some() || shared.inbox.as_ref().is_none_or(Inbox::is_parked)
    }
}

/// The side of what watches over the code. With it goes the process, and then the code's side, wherever it was carried,
/// receives nothing any more: the place of the process is another's by and by.
pub(super) struct Outlook(Inlet);

impl Outlook {
    fn take_inbox(&self) -> Option<Inbox> {
        self.0.0.lock().inbox.take()
    }
}

impl Drop for Outlook {
    fn drop(&mut self) {
        drop(self.take_inbox());
    }
}

impl Watch for Outlook {
    fn fatal_signal(&mut self) -> Option<Exit> {
        let mut shared = self.0.0.lock();
        let doom = shared.doom.take();
        let Some(inbox) = &mut shared.inbox else { return doom };
        let doom = doom.or_else(|| inbox.fatal_signal());
        // Whoever waits has parked the mailbox: if it is not parked any more, something came, and it has to look again.
        let waiting = if inbox.is_parked() { None } else { shared.waiting.take() };
        drop(shared);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        doom
    }

    fn begin_exit(&self) {
        if let Some(inbox) = &self.0.0.lock().inbox {
            inbox.begin_exit();
        }
    }

    /// No system requests reach a raw process.
    fn is_observed(&self) -> bool {
        false
    }

    fn note_busy(&self, _: Duration) {}

    fn pause(&mut self) {
        if let Some(inbox) = &mut self.0.0.lock().inbox {
            let waits_for_mail = inbox.is_parked();
            inbox.pause(!waits_for_mail);
        }
    }

    fn resume(&mut self) {
        if let Some(inbox) = &mut self.0.0.lock().inbox {
            inbox.resume();
        }
    }

    fn into_rest(self) -> Queue {
        self.take_inbox().map_or_else(Queue::new, Inbox::into_rest)
    }
}
