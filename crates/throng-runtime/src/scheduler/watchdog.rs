//! The watchdog: reports a process that keeps a worker without reaching an await point (P38).
//!
//! Every worker thread publishes two numbers, which poll it is in and whose: plain stores, no read-modify-write. One thread
//! for the whole program looks at them now and then; a worker found twice in the same poll, a bound apart, is reported. It can
//! see a hog, not stop one: nothing can take a thread away from code that does not return.

use std::{
    sync::{
        Arc, Once, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;

use super::current;
use crate::{pid::ProcessId, report};

/// A poll that takes longer is reported.
const BOUND: Duration = Duration::from_millis(10);
/// After so many bounds a program is told in which nobody listens. Not sooner: a busy machine alone holds a poll up for one.
const LOOKS_LONG: u32 = 100;
/// How often it looks when nothing runs: a new hog is seen this much later.
const IDLE_LOOK: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Worker {
    /// Odd while a process is being polled.
    poll: AtomicU64,
    process: AtomicU64,
}

static WORKERS: Mutex<Vec<Weak<Worker>>> = Mutex::new(Vec::new());

thread_local! {
    static WORKER: Arc<Worker> = {
        let worker = Arc::new(Worker::default());
        WORKERS.lock().push(Arc::downgrade(&worker));
        worker
    };
}

/// Runs one poll of the current process under watch.
pub(crate) fn watch<R>(poll: impl FnOnce() -> R) -> R {
    struct Leave<'a>(&'a Worker, u64);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            self.0.poll.store(self.1 + 2, Ordering::Release);
        }
    }
    WORKER.with(|worker| {
        let before = worker.poll.load(Ordering::Relaxed) & !1;
        let id = current::id().map_or(0, number);
        worker.process.store(id, Ordering::Relaxed);
        worker.poll.store(before + 1, Ordering::Release);
        let _leave = Leave(worker, before);
        poll()
    })
}

/// Whether a worker is in a poll of this process.
pub(crate) fn is_running(id: ProcessId) -> bool {
    WORKERS.lock().iter().filter_map(Weak::upgrade).any(|worker| {
        worker.poll.load(Ordering::Acquire) & 1 == 1 && worker.process.load(Ordering::Relaxed) == number(id)
    })
}

fn number(id: ProcessId) -> u64 {
    u64::from(id.index()) << 32 | u64::from(id.generation())
}

/// Starts the watching thread, once per program.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let watching = thread::Builder::new().name("throng-watchdog".into()).spawn(look_after_workers);
        if let Err(error) = watching {
            tracing::warn!(%error, "no watchdog: processes that block a worker will not be reported");
        }
    });
}

fn look_after_workers() {
    let mut seen: Vec<Seen> = Vec::new();
    loop {
        thread::sleep(if seen.is_empty() { IDLE_LOOK } else { BOUND });
        let mut busy = Vec::new();
        WORKERS
            .lock()
            .retain(|worker| worker.upgrade().inspect(|worker| busy.push(worker.clone())).is_some());
        busy.retain(|worker| worker.poll.load(Ordering::Acquire) & 1 == 1);
        seen = busy.into_iter().map(|worker| look(worker, &seen)).collect();
    }
}

/// A worker that is in a poll, which one, and how often it was found there before.
type Seen = (Arc<Worker>, u64, u32);

/// What to remember of a worker that is in a poll; reports it when it was in the same one before.
fn look(worker: Arc<Worker>, seen: &[Seen]) -> Seen {
    let poll = worker.poll.load(Ordering::Acquire);
    let before = seen.iter().find(|(known, at, _)| Arc::ptr_eq(known, &worker) && *at == poll);
    let looks = before.map_or(0, |(.., looks)| looks.saturating_add(1));
    let id = worker.process.load(Ordering::Relaxed);
    let process = (id != 0).then(|| ProcessId::new((id >> 32) as u32, id as u32));
    match (process, looks) {
        (Some(process), 1) => report::hog(process, BOUND),
        (Some(process), LOOKS_LONG) => report::long_hog(process, BOUND * LOOKS_LONG),
        _ => {}
    }
    (worker, poll, looks)
}
