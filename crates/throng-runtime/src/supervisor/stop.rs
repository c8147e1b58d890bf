//! How children are stopped: one after the other, or all at once.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use atomic_waker::AtomicWaker;

use crate::{
    child::Shutdown,
    control::{self, Watcher},
    exit::Exit,
    pid::ProcessId,
    process, scheduler, timer,
};

/// Stops a process and waits until it is gone (S24); what it ended with, `NoProcess` if it was gone before.
///
/// The monitor comes first, and links do not matter: a child that unlinked itself hangs nobody (S25).
///
/// # Cancel safety
///
/// Dropped, the process was asked to stop, and may not have been killed in time.
pub(crate) async fn stop(me: ProcessId, child: ProcessId, how: Shutdown) -> Exit {
    let mut gone = pin!(process::wait(child));
    ask(me, child, how);
    if let Shutdown::After(grace) = how {
        if let Some(reason) = timer::within(grace, gone.as_mut()).await {
            return reason;
        }
        kill(me, child);
    }
    gone.await
}

/// Stops processes all at once and waits until they are gone: as long as the slowest takes, not their sum (D6).
///
/// # Cancel safety
///
/// As [`stop`].
pub(crate) async fn stop_all(me: ProcessId, children: Vec<(ProcessId, Shutdown)>) {
    let gone = Arc::new(Countdown { left: AtomicUsize::new(children.len()), waker: AtomicWaker::new() });
    let mut by_grace = BTreeMap::<Duration, Vec<ProcessId>>::new();
    for (child, how) in children {
        let gone = gone.clone();
        control::monitor(child, Watcher::Hook { owner: None, hook: Box::new(move |_| gone.count_down()) });
        ask(me, child, how);
        if let Shutdown::After(grace) = how {
            by_grace.entry(grace).or_default().push(child);
        }
    }
    let began = scheduler::now();
    for (grace, late) in by_grace {
        let left = grace.saturating_sub(scheduler::now().saturating_duration_since(began));
        if timer::within(left, gone.reached_zero()).await.is_some() {
            return;
        }
        // Whoever is gone needs no killing.
        late.into_iter().for_each(|child| kill(me, child));
    }
    gone.reached_zero().await;
}

fn ask(me: ProcessId, child: ProcessId, how: Shutdown) {
    match how {
        Shutdown::Kill => kill(me, child),
        Shutdown::After(_) | Shutdown::Infinity => process::request_shutdown(child, Exit::Shutdown),
    }
}

fn kill(me: ProcessId, child: ProcessId) {
    process::request_exit(Some(me), child, Exit::Kill);
}

/// How many are not gone yet.
struct Countdown {
    left: AtomicUsize,
    waker: AtomicWaker,
}

impl Countdown {
    fn count_down(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waker.wake();
        }
    }

    async fn reached_zero(&self) {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.left.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
