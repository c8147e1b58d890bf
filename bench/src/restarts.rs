//! How restarts are timed, in the same way for every peer.

use std::{
    panic,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What one series of restarts came to.
#[derive(Debug)]
pub(crate) struct Restarts {
    /// From each crash to its restart.
    pub(crate) each: Vec<Duration>,
    /// From the first crash to the last restart.
    pub(crate) all: Duration,
}

/// What the incarnations of one server tell: that this one crashes now, and that the next one, reached by `R`, lives.
#[derive(Debug)]
pub(crate) struct Witness<R> {
    crashed_at: Arc<AtomicU64>,
    births: UnboundedSender<(Duration, R)>,
}

/// Where the births are waited for.
#[derive(Debug)]
pub(crate) struct Births<R>(UnboundedReceiver<(Duration, R)>);

pub(crate) fn witness<R>() -> (Witness<R>, Births<R>) {
    let (births, born) = unbounded_channel();
    (Witness { crashed_at: Arc::default(), births }, Births(born))
}

impl<R> Witness<R> {
    /// The last line of an incarnation.
    pub(crate) fn crash(&self) -> ! {
        self.crashed_at.store(now(), Ordering::Release);
        panic!("as planned")
    }

    /// The first line of an incarnation.
    pub(crate) fn born(&self, reference: R) {
        let time = Duration::from_nanos(now() - self.crashed_at.load(Ordering::Acquire));
        // Nobody waits any more for the one that lives on when all has been measured.
        let _ = self.births.send((time, reference));
    }
}

impl<R> Clone for Witness<R> {
    fn clone(&self) -> Self {
        Witness { crashed_at: self.crashed_at.clone(), births: self.births.clone() }
    }
}

impl<R> Births<R> {
    /// Has a server that was started crash `before` times, and then `count` times by the clock.
    pub(crate) async fn time(mut self, before: u64, count: u64, crash: impl Fn(&R)) -> Restarts {
        let (_, mut reference) = self.next().await;
        for _ in 0..before {
            crash(&reference);
            (_, reference) = self.next().await;
        }
        let mut each = Vec::with_capacity(count as usize);
        let began = Instant::now();
        for _ in 0..count {
            crash(&reference);
            let (time, next) = self.next().await;
            each.push(time);
            reference = next;
        }
        Restarts { each, all: began.elapsed() }
    }

    async fn next(&mut self) -> (Duration, R) {
        self.0.recv().await.expect("the server is restarted")
    }
}

/// Crashes are what is measured, not what is printed about them; the BEAM's logger is silent as well.
pub(crate) fn silence_crashes() {
    panic::set_hook(Box::new(|_| {}));
    // An error means that somebody listens already.
    let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
}

fn now() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    EPOCH.get_or_init(Instant::now).elapsed().as_nanos() as u64
}
