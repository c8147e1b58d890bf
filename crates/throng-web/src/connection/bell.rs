//! What wakes whoever serves a connection, and what it was woken for.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    task::{Context, Poll},
};

use atomic_waker::AtomicWaker;

/// Frames may have been queued.
pub(super) const FRAMES: u8 = 1;
/// There may be news, a reason to close, or fewer events in flight.
pub(super) const NEWS: u8 = 2;

/// Rung by anybody, heard by one task for each of what it is rung for: the process of a WebSocket listens for both, that of a
/// long-poll session for news, and its requests for frames. What was rung while nobody listened is heard by the next who does.
#[derive(Debug, Default)]
pub(super) struct Bell {
    frames: AtomicWaker,
    news: AtomicWaker,
    rung: AtomicU8,
}

impl Bell {
    pub(super) fn ring(&self, what: u8) {
        self.rung.fetch_or(what, Ordering::Release);
        self.wakers(what).for_each(AtomicWaker::wake);
    }

    /// Ready, and silent again, if it was rung for any of this.
    pub(super) fn poll_rung(&self, what: u8, cx: &mut Context<'_>) -> Poll<()> {
        if self.take(what) {
            return Poll::Ready(());
        }
        self.wakers(what).for_each(|waker| waker.register(cx.waker()));
        // It may have been rung since; whoever did found no waker.
        if self.take(what) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn wakers(&self, what: u8) -> impl Iterator<Item = &AtomicWaker> {
        let wakers = [(FRAMES, &self.frames), (NEWS, &self.news)];
        wakers.into_iter().filter(move |(kind, _)| what & kind != 0).map(|(_, waker)| waker)
    }

    fn take(&self, what: u8) -> bool {
        self.rung.load(Ordering::Relaxed) & what != 0
            && self.rung.fetch_and(!what, Ordering::Acquire) & what != 0
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::Arc,
        task::{Wake, Waker},
        thread,
    };

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn it_is_heard_once_for_each_of_what_it_was_rung_for() {
        let bell = Bell::default();
        let heard = |what| poll_fn(|cx| bell.poll_rung(what, cx)).now_or_never().is_some();
        assert!(!heard(FRAMES));
        bell.ring(FRAMES);
        bell.ring(FRAMES | NEWS);
        assert!(heard(NEWS) && heard(FRAMES));
        assert!(!heard(NEWS) && !heard(FRAMES | NEWS));
        bell.ring(NEWS);
        assert!(heard(FRAMES | NEWS));
    }

    #[test]
    fn no_ring_is_lost_on_a_listener_that_goes_to_sleep() {
        struct Unpark(thread::Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        const ROUNDS: usize = 20_000;
        let (bell, answered) = (Bell::default(), Bell::default());
        let listen = |bell: &Bell| {
            let waker = Waker::from(Arc::new(Unpark(thread::current())));
            while bell.poll_rung(FRAMES, &mut Context::from_waker(&waker)).is_pending() {
                thread::park();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    listen(&bell);
                    answered.ring(FRAMES);
                }
            });
            for _ in 0..ROUNDS {
                bell.ring(FRAMES);
                listen(&answered);
            }
        });
    }
}
