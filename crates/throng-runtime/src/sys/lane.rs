//! The lane of system requests: apart from the mailbox and ahead of it, however long that is.

use std::{
    any::Any,
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::debugging::Debugging;
use crate::{
    address::CallFailure, call::ReplyTo, exit::Exit, gen_server::GenServer, panics::contain, pid::ProcessId,
    scheduler,
};

/// So many system requests wait at most; a server that long in a callback has nothing to tell to more.
const LANE_MAX: usize = 1_024;

/// What a process has for its observers, made when first needed.
#[derive(Default)]
pub(crate) struct System {
    lane: VecDeque<Box<dyn Request>>,
    pub(crate) debugging: Debugging,
}

impl System {
    pub(crate) fn take_lane(&mut self) -> VecDeque<Box<dyn Request>> {
        std::mem::take(&mut self.lane)
    }

    pub(crate) fn into_lane(self) -> VecDeque<Box<dyn Request>> {
        self.lane
    }
}

/// Something that is asked of a server between two messages.
pub(crate) trait Request: Send {
    fn serve(self: Box<Self>, subject: &mut Subject<'_>);

    /// Tells whoever asked that no answer will come.
    fn abandon(self: Box<Self>, why: CallFailure);
}

/// A server as its system requests see it.
pub(crate) struct Subject<'a> {
    pub(crate) id: ProcessId,
    pub(crate) server: &'static str,
    state: &'a mut (dyn Any + Send),
    inspect: fn(&(dyn Any + Send), &mut fmt::Formatter<'_>) -> fmt::Result,
    pub(crate) debugging: &'a mut Debugging,
}

impl<'a> Subject<'a> {
    pub(crate) fn new<S: GenServer>(id: ProcessId, state: &'a mut S, debugging: &'a mut Debugging) -> Self {
        Self { id, server: std::any::type_name::<S>(), state, inspect: inspect::<S>, debugging }
    }

    /// Its state, if it is of this type.
    pub(crate) fn state<S: GenServer>(&mut self) -> Result<&mut S, CallFailure> {
        self.state.downcast_mut().ok_or(CallFailure::NoProcess)
    }

    /// What the server shows of its state.
    pub(crate) fn shown(&self) -> String {
        struct Shown<'s>(&'s Subject<'s>);
        impl fmt::Display for Shown<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (self.0.inspect)(&*self.0.state, f)
            }
        }
        Shown(self).to_string()
    }
}

fn inspect<S: GenServer>(state: &(dyn Any + Send), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match state.downcast_ref::<S>() {
        Some(state) => state.inspect(f),
        None => f.write_str(std::any::type_name::<S>()),
    }
}

/// A closure, and who waits for what it returns.
pub(super) struct Ask<F, R: Send + 'static> {
    pub(super) ask: F,
    pub(super) reply: ReplyTo<R>,
}

impl<F, R> Request for Ask<F, R>
where
    F: FnOnce(&mut Subject<'_>) -> Result<R, CallFailure> + Send,
    R: Send + 'static,
{
    fn serve(self: Box<Self>, subject: &mut Subject<'_>) {
        let Self { ask, reply } = *self;
        // What is asked may be code of whoever asks: its panic is theirs, and the server lives on (Y1).
        match catch_unwind(AssertUnwindSafe(|| ask(subject))) {
            // An error means that nobody waits any more.
            Ok(Ok(answer)) => contain("an answer that was dropped", || drop(reply.send(answer))),
            Ok(Err(why)) => reply.abandon(why),
            Err(payload) => reply.abandon(CallFailure::Panicked(Exit::from_panic(payload))),
        }
    }

    fn abandon(self: Box<Self>, why: CallFailure) {
        let Self { ask, reply } = *self;
        reply.abandon(why);
        contain("a system request that was dropped", || drop(ask));
    }
}

/// Puts a request into a server's lane and wakes the server.
pub(super) fn ask(id: ProcessId, request: Box<dyn Request>) {
    let slot = scheduler::slot(id);
    if !slot.is_server() {
        return request.abandon(CallFailure::NoProcess);
    }
    let refused = match slot.control(id) {
        None => Some((request, CallFailure::NoProcess)),
        Some(mut control) => {
            let system = control.get().system.get_or_insert_default();
            if system.lane.len() < LANE_MAX {
                system.lane.push_back(request);
                slot.mark_asked();
                None
            } else {
                Some((request, CallFailure::Overloaded))
            }
        }
    };
    match refused {
        Some((request, why)) => request.abandon(why),
        None => slot.waker.wake(),
    }
}

/// What a server does with its lane.
pub(crate) struct Served {
    pub(crate) suspended: bool,
    pub(crate) observed: bool,
}

/// Answers all that is in the lane of this process, which is between two messages.
pub(crate) fn serve<S: GenServer>(id: ProcessId, state: &mut S) -> Served {
    let slot = scheduler::slot(id);
    let (lane, mut debugging) = match slot.control(id) {
        Some(mut control) => {
            slot.mark_answered();
            let system = control.get().system.get_or_insert_default();
            (system.take_lane(), std::mem::take(&mut system.debugging))
        }
        None => Default::default(),
    };
    // Nothing is locked while they run.
    let mut subject = Subject::new(id, state, &mut debugging);
    for request in lane {
        request.serve(&mut subject);
    }
    let served = Served { suspended: debugging.suspended, observed: debugging.is_on() };
    put_back(id, debugging);
    served
}

/// Lends the debugging of this process to `f`, with nothing locked.
pub(crate) fn with_debugging(id: ProcessId, f: impl FnOnce(&mut Debugging)) {
    let lent = scheduler::slot(id).control(id).and_then(|mut control| {
        let system = control.existing()?.system.as_mut()?;
        Some(std::mem::take(&mut system.debugging))
    });
    if let Some(mut debugging) = lent {
        f(&mut debugging);
        put_back(id, debugging);
    }
}

fn put_back(id: ProcessId, debugging: Debugging) {
    if let Some(mut control) = scheduler::slot(id).control(id) {
        control.get().system.get_or_insert_default().debugging = debugging;
    }
}
