//! One turn at a time.
//!
//! Deliveries run while their topic's turn is held. One that broadcasts itself must not wait for another turn, or two of them
//! would wait for each other; so what is said within a turn is said right after it, by the same thread.

use std::{cell::RefCell, collections::VecDeque};

type Work = Box<dyn FnOnce()>;

thread_local! {
    /// What waits for the end of this thread's turn; `None` while it has none.
    static WAITING: RefCell<Option<VecDeque<Work>>> = const { RefCell::new(None) };
}

/// Ends the turn also when the work panics.
struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|waiting| *waiting = None);
    }
}

/// Runs `work`, which may take a turn: now, or when this thread's turn is over.
pub(crate) fn take(work: impl FnOnce() + 'static) {
    let is_first = WAITING.with_borrow_mut(|waiting| {
        let is_first = waiting.is_none();
        waiting.get_or_insert_default();
        is_first
    });
    if !is_first {
        WAITING.with_borrow_mut(|waiting| waiting.get_or_insert_default().push_back(Box::new(work)));
        return;
    }
    let _ended = Ended;
    work();
    while let Some(next) = WAITING.with_borrow_mut(|waiting| waiting.as_mut()?.pop_front()) {
        next();
    }
}

/// Whether this thread has a turn.
pub(crate) fn is_taken() -> bool {
    WAITING.with_borrow(Option::is_some)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    #[test]
    fn what_is_begun_within_a_turn_follows_it() {
        let order = Rc::new(RefCell::new(Vec::new()));
        let say = |what: &'static str| {
            let order = order.clone();
            move || order.borrow_mut().push(what)
        };
        let (b, c, after, d) = (say("b"), say("c"), say("a"), say("d"));
        take(move || {
            take(move || {
                take(c);
                b();
            });
            after();
        });
        take(d);
        assert_eq!(*order.borrow(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_panic_leaves_no_turn_behind() {
        assert!(std::panic::catch_unwind(|| take(|| panic!("within"))).is_err());
        assert!(!is_taken());
    }
}
