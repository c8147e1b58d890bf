//! Where processes live and what runs them: the narrow seam between process semantics and a backend.
//!
//! ```text
//!   process layer ──spawn(body)──► backend ──poll──► body
//!        │                            ▲
//!        └──deliver(pid, envelope)──► slot.mailbox ──wake──┘
//! ```
//!
//! A spawn hands over a process body, a future that is `Ready` when the process is gone. The backend polls it; a push into
//! a parked mailbox, or a signal, wakes it. A backend also tells the time and can wait for an instant. Nothing else of a
//! backend is visible to the process layer, so that a second one can take its place.
//!
//! `unsafe` lives in [`mailbox`] and [`envelope`], here and nowhere else in the project.

mod birth;
pub(crate) mod current;
#[allow(unsafe_code, reason = "type erasure: see its proof")]
mod envelope;
mod holders;
#[allow(unsafe_code, reason = "the intrusive queue: see its proof")]
mod mailbox;
mod slab;
mod tokio;
pub(crate) mod watchdog;

use std::{pin::Pin, time::Instant};

pub(crate) use self::{
    birth::{Birth, InitialCall},
    envelope::{Envelope, Kind, Letter, Running},
    holders::is_alive_holder,
    mailbox::{Incoming, Pushed, Queue},
    slab::{Generation, Slot, acquire, birth, both, live, of_node, slot},
    tokio::Tokio,
};
use crate::{pid::ProcessId, signal::Signal};

/// A process body. Boxed, so that a backend is compiled once and not for every kind of process, and adds no more to
/// one than its own header: a tokio task's begins a cache line pair and rounds up to whole ones.
pub(crate) type ProcessBody = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What runs process bodies.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Runs a process body to its end. Dropping the backend may drop the body at any of its await points.
    fn spawn(&self, body: ProcessBody);

    /// The backend's clock: monotonic, and possibly paused in tests.
    fn now(&self) -> Instant;

    /// Resolves at `deadline`, not earlier.
    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + Send;
}

/// The clock of the backend that runs this code.
pub(crate) fn now() -> Instant {
    tokio::now()
}

/// Resolves at `deadline` by the backend that runs this code, for code that is no process.
pub(crate) fn sleep_until(deadline: Instant) -> impl Future<Output = ()> + Send {
    tokio::sleep_until(deadline)
}

/// Puts an envelope into a process' mailbox and wakes the process if need be; hands it back when the process is gone.
pub(crate) fn deliver(to: ProcessId, envelope: Envelope) -> Result<(), Envelope> {
    let slot = slot(to);
    if !slot.is(to) {
        return Err(envelope);
    }
    let counts = envelope.kind() == Kind::Message;
    if counts {
        // Before the push, so that whoever takes it off again does so later.
        slot.count_queued();
    }
    match slot.mailbox.push(envelope) {
        Ok(Pushed::Wake) => slot.waker.wake(),
        Ok(Pushed::Quiet) => {}
        Err(unsent) => {
            slot.count_taken(u32::from(counts));
            return Err(unsent);
        }
    }
    Ok(())
}

/// Wakes a process for its deadline's sake.
pub(crate) fn ring(id: ProcessId) {
    let slot = slot(id);
    if slot.is(id) {
        slot.ring();
        slot.waker.wake();
    }
}

/// Sends a signal; a process that is gone needs none.
pub(crate) fn signal(to: ProcessId, signal: Signal) {
    drop(deliver(to, Envelope::signal(to.generation(), signal)));
}
