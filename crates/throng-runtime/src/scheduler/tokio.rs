//! The backend over a tokio runtime: a process is a task.

use std::time::Instant;

use tokio::{runtime::Handle, time};

use super::{Backend, ProcessBody};

/// A tokio runtime that runs processes.
#[derive(Clone, Debug)]
pub(crate) struct Tokio {
    handle: Handle,
}

impl Tokio {
    /// The runtime that this code runs in.
    pub(crate) fn current() -> Option<Self> {
        Handle::try_current().ok().map(|handle| Self { handle })
    }
}

impl Backend for Tokio {
    fn spawn(&self, body: ProcessBody) {
        drop(self.handle.spawn(body));
    }

    fn now(&self) -> Instant {
        now()
    }

    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + Send {
        // The timer belongs to the runtime that is entered when it is made, and a caller may be outside of any.
        let _entered = self.handle.enter();
        sleep_until(deadline)
    }
}

pub(super) fn now() -> Instant {
    time::Instant::now().into_std()
}

pub(super) fn sleep_until(deadline: Instant) -> impl Future<Output = ()> + Send {
    time::sleep_until(time::Instant::from_std(deadline))
}
