//! Where a panic happened: a hook that remembers the place for a process' crash report.
//!
//! The default hook prints every panic. A supervised process' panic is reported once, by its exit; so inside a process
//! the hook only notes the location, and everywhere else it leaves the panic to the hook that was there before.

use std::{cell::RefCell, panic, sync::Once};

use crate::scheduler::current;

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
