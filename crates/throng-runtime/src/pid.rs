//! Process identities: which incarnation of which slot, typed or not.

use std::{fmt, hash::Hash, marker::PhantomData, num::NonZero};

use crate::scheduler::Generation;

/// One incarnation of one process, of whatever kind. Never reused (P9), so a stale one finds nobody.
///
/// It prints as `<index.generation>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    index: u32,
    /// Never zero, so that an `Option` of an identity is no larger than one.
    generation: NonZero<Generation>,
}

impl ProcessId {
    pub(crate) const fn new(index: u32, generation: Generation) -> Self {
        match NonZero::new(generation) {
            Some(generation) => Self { index, generation },
            None => panic!("no process has the generation zero"),
        }
    }

    pub(crate) const fn index(self) -> u32 {
        self.index
    }

    pub(crate) const fn generation(self) -> Generation {
        self.generation.get()
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}>", self.index, self.generation)
    }
}

impl fmt::Debug for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identity of a process that runs the server `S`: where typed messages can be sent.
///
/// It is a number, not a handle: copying is free, holding one keeps nothing alive, dropping one ends nothing. It means
/// this incarnation only; to reach whoever holds a name, use a [`Via`](crate::Via).
pub struct Pid<S> {
    id: ProcessId,
    server: PhantomData<fn() -> S>,
}

impl<S> Pid<S> {
    /// Only for a process that runs `S`: envelopes are typed by it.
    pub(crate) const fn of(id: ProcessId) -> Self {
        Self { id, server: PhantomData }
    }

    /// The identity without the type.
    pub const fn id(self) -> ProcessId {
        self.id
    }
}

impl<S> From<Pid<S>> for ProcessId {
    fn from(pid: Pid<S>) -> Self {
        pid.id
    }
}

impl<S> From<&Pid<S>> for ProcessId {
    fn from(pid: &Pid<S>) -> Self {
        pid.id
    }
}

impl<S> Clone for Pid<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Pid<S> {}

impl<S> PartialEq for Pid<S> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<S> Eq for Pid<S> {}

impl<S> Hash for Pid<S> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl<S> fmt::Display for Pid<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.id, f)
    }
}

impl<S> fmt::Debug for Pid<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.id, f)
    }
}
