//! Encodings of one message, each made once, when it is first needed.

use std::{any::Any, fmt, sync::OnceLock};

/// A chain of slots, one for each type that the message was encoded as. There are as many as there are serializers: one or
/// two.
#[derive(Default)]
pub(crate) struct Encodings {
    made: OnceLock<Box<dyn Any + Send + Sync>>,
    next: OnceLock<Box<Encodings>>,
}

impl Encodings {
    /// The encoding of type `T`; the first call makes it, and others wait for it.
    pub(crate) fn get_or_make<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> &T {
        let mut make = Some(make);
        let mut slot = self;
        loop {
            let made = slot.made.get_or_init(|| match make.take() {
                Some(make) => Box::new(make()),
                None => unreachable!("a slot that was filled here holds a T and ended the search"),
            });
            if let Some(encoding) = made.downcast_ref() {
                return encoding;
            }
            slot = slot.next.get_or_init(Box::default);
        }
    }
}

impl fmt::Debug for Encodings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encodings")
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use super::*;

    #[test]
    fn every_type_is_made_once() {
        let encodings = Encodings::default();
        assert_eq!(encodings.get_or_make(|| 1_u8), &1);
        assert_eq!(encodings.get_or_make(|| "two"), &"two");
        assert_eq!(encodings.get_or_make(|| 3_u8), &1);
        assert_eq!(encodings.get_or_make(|| "four"), &"two");
        assert_eq!(encodings.get_or_make(|| 5_u16), &5);
    }

    #[test]
    fn threads_that_race_make_each_type_once() {
        for _ in 0..2_000 {
            let (encodings, barrier, makes) = (Encodings::default(), Barrier::new(2), AtomicUsize::new(0));
            let count = || makes.fetch_add(1, Ordering::Relaxed);
            let ask = || {
                barrier.wait();
                encodings.get_or_make(|| count() as u32);
                encodings.get_or_make(|| count() as u64);
            };
            thread::scope(|scope| {
                scope.spawn(ask);
                scope.spawn(ask);
            });
            assert_eq!(makes.into_inner(), 2);
        }
    }
}
