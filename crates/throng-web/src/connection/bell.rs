//! What wakes whoever waits for one thing: a waker, and whether it was rung.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use atomic_waker::AtomicWaker;

/// Rung by anybody, heard by one task: the last that listened. What was rung while nobody did is heard by the next who does.
#[derive(Debug, Default)]
pub(super) struct Bell {
    waker: AtomicWaker,
    is_rung: AtomicBool,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.is_rung.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Ready, and silent again, if it was rung.
    pub(super) fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.take() {
            return Poll::Ready(());
        }
        self.waker.register(cx.waker());
        // It may have been rung since; whoever did found no waker.
        if self.take() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn take(&self) -> bool {
        self.is_rung.load(Ordering::Relaxed) && self.is_rung.swap(false, Ordering::Acquire)
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
    fn it_is_heard_once_however_often_it_was_rung() {
        let bell = Bell::default();
        let heard = || poll_fn(|cx| bell.poll_rung(cx)).now_or_never().is_some();
        assert!(!heard());
        bell.ring();
        bell.ring();
        assert!(heard());
        assert!(!heard());
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
            while bell.poll_rung(&mut Context::from_waker(&waker)).is_pending() {
                thread::park();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    listen(&bell);
                    answered.ring();
                }
            });
            for _ in 0..ROUNDS {
                bell.ring();
                listen(&answered);
            }
        });
    }
}
