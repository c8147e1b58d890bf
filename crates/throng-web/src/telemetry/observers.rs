//! Who is told of events.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    Event, Filter, TARGET,
    event::{Parameters, Source},
};
use crate::{Params, protocol::Payload};

/// Sees events; it runs in the process that they happen to.
pub(crate) type Observe = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// Those who observe an endpoint; nobody costs nothing.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<Arc<Observing>>);

struct Observing {
    observers: Vec<Observer>,
    filter: Filter,
}

struct Observer {
    observe: Observe,
    /// Whether it has panicked: that is told once.
    has_failed: AtomicBool,
}

impl Observers {
    pub(crate) fn new(observers: Vec<Observe>, filter: Filter) -> Observers {
        let is_watched = !observers.is_empty();
        let observer = |observe| Observer { observe, has_failed: AtomicBool::new(false) };
        let observers = observers.into_iter().map(observer).collect();
        Observers(is_watched.then(|| Arc::new(Observing { observers, filter })))
    }

    /// Whether anybody observes: what only they want to know need not be found out otherwise.
    pub(crate) fn are_there(&self) -> bool {
        self.0.is_some()
    }

    /// Tells everybody. One that panics is told of the next event all the same; nobody else notices.
    pub(crate) fn tell<'a>(&'a self, event: impl FnOnce(&'a Filter) -> Event<'a>) {
        let Some(observing) = &self.0 else { return };
        let event = event(&observing.filter);
        for observer in &observing.observers {
            let told = std::panic::catch_unwind(AssertUnwindSafe(|| (observer.observe)(&event)));
            if told.is_err() && !observer.has_failed.swap(true, Ordering::Relaxed) {
                tracing::error!(target: TARGET, event = event.name(), "an observer panicked");
            }
        }
    }
}

impl Filter {
    pub(crate) fn query<'a>(&'a self, params: &'a Params) -> Parameters<'a> {
        Parameters { of: Source::Query(params), filter: self }
    }

    pub(crate) fn join<'a>(&'a self, payload: &'a Payload) -> Parameters<'a> {
        Parameters { of: Source::Join(payload), filter: self }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.as_ref().map_or(0, |observing| observing.observers.len());
        f.debug_tuple("Observers").field(&count).finish()
    }
}
