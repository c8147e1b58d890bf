//! Panics: where one happened, for a process' crash report, and how one is kept from spreading.
//!
//! The default hook prints every panic. A process' panic is reported once, by its end (see [`report`](crate::report)); so
//! inside a process the hook only notes the location, and everywhere else it leaves the panic to the hook that was there before.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use crate::{exit::Exit, scheduler::current};

thread_local! {
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs the hook, once per program.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match current::id() {
            Some(_) => LOCATION.with_borrow_mut(|place| *place = info.location().map(ToString::to_string)),
            None => before(info),
        }));
    });
}

/// The place of the panic that this thread caught last.
pub(crate) fn take_location() -> Option<String> {
    LOCATION.with_borrow_mut(Option::take)
}

/// Runs user code whose panic must not keep what comes after it from happening (X8); it is logged.
#[inline]
pub(crate) fn contain(what: &str, code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(code)) {
        report(what, payload);
    }
}

#[cold]
fn report(what: &str, payload: Box<dyn Any + Send>) {
    let reason = Exit::from_panic(payload);
    tracing::error!(process = ?current::id(), %reason, "{what} panicked");
}
