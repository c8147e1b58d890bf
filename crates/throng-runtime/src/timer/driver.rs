//! What sleeps until the next timer, and fires it.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use atomic_waker::AtomicWaker;

use crate::scheduler::{Backend, Tokio};

pub(super) struct Driver {
    pub(super) running: AtomicBool,
    /// The tick that it sleeps until; whoever sets an earlier timer rings.
    pub(super) wakes_at: AtomicU64,
    pub(super) bell: Bell,
}

/// What wakes the driver: a ring that is not lost when it comes before the wait.
#[derive(Default)]
pub(super) struct Bell {
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.rung.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Fires timers until the node is gone.
pub(super) async fn drive(backend: Tokio, driver: Arc<Driver>, node: Weak<crate::node::Shared>) {
    loop {
        let next = match node.upgrade() {
            Some(node) => node.timers().fire_due(backend.now()),
            None => return,
        };
        let mut slept = next.map(|next| Box::pin(backend.sleep_until(next)));
        std::future::poll_fn(|cx| {
            if driver.bell.poll_rung(cx).is_ready() {
                return Poll::Ready(());
            }
            slept.as_mut().map_or(Poll::Pending, |slept| slept.as_mut().poll(cx))
        })
        .await;
    }
}
