//! A process' place, and the duty to end it once.

use std::sync::Arc;

use crate::{
    address::CallFailure,
    call::Unanswered,
    control::{self, Control, OnExit},
    dictionary::Dictionary,
    exit::Exit,
    message::Down,
    panics::contain,
    pid::ProcessId,
    post::{self, Room},
    scheduler::{self, Birth, Kind, Queue, Slot},
    signal::{ExitSignal, Signal},
    sys::System,
};

pub(super) struct Life<P: Unanswered + ?Sized> {
    pub(super) id: ProcessId,
    /// What somebody waits for that this process does; its end settles it at the latest.
    pub(super) promise: Option<Arc<P>>,
    ended: bool,
}

impl<P: Unanswered + ?Sized> Life<P> {
    pub(super) fn begin(promise: Option<Arc<P>>, born: Birth) -> Self {
        Self { id: scheduler::acquire(born), promise, ended: false }
    }

    /// Not alive any more to observers (P32).
    pub(super) fn begin_exit(&self) {
        self.slot().begin_exit();
    }

    fn slot(&self) -> &'static Slot {
        scheduler::slot(self.id)
    }

    /// Tells everybody, in the order of X8, and gives the slot back. The state was dropped before.
    pub(super) fn end(mut self, reason: &Exit, rest: Queue, call: Option<Arc<dyn Unanswered>>) {
        self.finish(reason, rest, call);
    }

    /// Every piece of user code in here is contained: none keeps the next step from happening.
    fn finish(&mut self, reason: &Exit, rest: Queue, call: Option<Arc<dyn Unanswered>>) {
        self.ended = true;
        let slot = self.slot();
        cancel_timers(slot, self.id);
        drop(dictionary(slot, self.id));
        self.run_hooks(reason);
        // In two rounds: a late observer that finds the process dead can rely on the earlier ones having been told.
        let mut open = tell_observers(self.id, reason, slot.take_control());
        let late = tell_observers(self.id, reason, slot.seal());
        open.calls.extend(late.calls);
        open.calls.extend(call);
        self.abandon_rest(reason, rest);
        let why = CallFailure::Exited(reason.clone());
        if let Some(room) = open.room {
            post::abandon(slot, *room, &why);
        }
        for request in [open.system, late.system].into_iter().flatten().flat_map(|system| system.into_lane())
        {
            request.abandon(why.clone());
        }
        for call in open.calls {
            call.abandon(why.clone());
        }
        if let Some(promise) = self.promise.take() {
            promise.abandon(CallFailure::Exited(reason.clone()));
        }
        slot.release();
    }

    /// A hook may add another: it goes on until none is left.
    fn run_hooks(&self, reason: &Exit) {
        loop {
            let hooks = self
                .slot()
                .control(self.id)
                .and_then(|mut control| control.existing().map(|control| std::mem::take(&mut control.hooks)))
                .unwrap_or_default();
            if hooks.is_empty() {
                return;
            }
            hooks.into_iter().for_each(|hook| run_hook(hook, self.id, reason));
        }
    }

    fn abandon_rest(&self, reason: &Exit, mut rest: Queue) {
        rest.append(self.slot().mailbox.close());
        while let Some(envelope) = rest.pop_front() {
            self.slot().count_taken(u32::from(envelope.kind() == Kind::Message));
            let why = match envelope.is_for(self.id.generation()) {
                true => CallFailure::Exited(reason.clone()),
                false => CallFailure::NoProcess,
            };
            contain("a message that was dropped", || envelope.abandon(why));
        }
    }
}

impl<P: Unanswered + ?Sized> Drop for Life<P> {
    fn drop(&mut self) {
        if !self.ended {
            self.begin_exit();
            self.finish(&Exit::Killed, Queue::new(), None);
        }
    }
}

/// Messages that were set to be sent to it later: nobody will handle them (P4).
fn cancel_timers(slot: &Slot, id: ProcessId) {
    let timers = slot
        .control(id)
        .and_then(|mut control| control.existing().map(Control::take_timers))
        .unwrap_or_default();
    for timer in timers {
        contain("a timer's message that was dropped", || {
            let _ = timer.cancel();
        });
    }
}

/// The values that the process kept by their types go with its state.
fn dictionary(slot: &Slot, id: ProcessId) -> Option<Dictionary> {
    let mut control = slot.control(id)?;
    control.existing()?.about.as_mut().map(|about| std::mem::take(&mut about.dictionary))
}

fn run_hook(hook: Arc<dyn OnExit>, id: ProcessId, reason: &Exit) {
    contain("an exit hook", || hook.process_exited(id, reason));
    contain("an exit hook that was dropped", || drop(hook));
}

/// What is still open when links and monitors have been told.
#[derive(Default)]
struct Open {
    /// Calls that were to be answered later.
    calls: Vec<Arc<dyn Unanswered>>,
    room: Option<Box<Room>>,
    system: Option<Box<System>>,
}

/// Tells links and monitors; hands back what is open still.
fn tell_observers(id: ProcessId, reason: &Exit, control: Option<Box<Control>>) -> Open {
    let Some(control) = control else { return Open::default() };
    let open = Open { calls: control.deferred(), room: control.room, system: control.system };
    // Added by an observer between the last look and the seal.
    control.hooks.into_iter().for_each(|hook| run_hook(hook, id, reason));
    for (monitor, target) in control.watching {
        contain("a monitor's hook that was dropped", || {
            let _ = control::forget_watcher(target, monitor);
        });
    }
    for peer in control.links {
        scheduler::signal(
            peer,
            Signal::Exit(ExitSignal { from: Some(id), reason: reason.clone(), by_link: true }),
        );
    }
    for (monitor, watcher) in control.watchers {
        let down = Down { monitor, pid: id, reason: reason.clone() };
        contain("a monitor's hook", || watcher.tell(down));
    }
    open
}
