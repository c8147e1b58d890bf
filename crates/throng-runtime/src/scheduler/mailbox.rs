//! The mailbox: one atomic word per process, one heap node per message, nothing when empty.
//!
//! ```text
//!            push: one CAS                 drain: one swap, then turn round, a part at a time
//!   senders ───────────────► head ─► n3 ─► n2 ─► n1        runner: n1 n2 n3 (an Incoming, then a Queue)
//!                            low bits: state + SIGNALS
//! ```
//!
//! The word is a stack of nodes, newest first, with the state of its process in the three low bits of the
//! pointer. Guarantees: envelopes of one sender are drained in the order it pushed them; an envelope is either
//! drained exactly once or handed back to its sender; after [`Mailbox::close`] none is accepted.
//!
//! States: `IDLE` (the runner has parked: the next push must wake it), `BUSY` (the runner is running or has a
//! wake-up coming: a message needs none), `CLOSED`. The flag `SIGNALS` says that a signal is among the pushed
//! nodes, so that a runner inside a long handler learns it with one load; a signal always wakes.
//!
//! # Why this is sound
//!
//! A node is owned by exactly one place at a time: the [`Envelope`] that created it, the word after a successful
//! CAS, or the [`Incoming`] after a drain and the [`Queue`] that it becomes. `next` is written only by the owner: by the pusher before the CAS that
//! publishes the node (release), by the drainer after the swap that took the whole stack (acquire). Nodes are at
//! least 8-aligned (`Header` is `repr(align(8))`), so the low bits of their addresses are free for the state. The
//! stack is only ever taken whole, so there is no ABA: a pusher that finds the same head finds the same stack. An
//! [`Incoming`] may be left at any node: each is in its stack or in its queue, and both end with a null `next`.

use std::ptr::{NonNull, null_mut};
#[cfg(not(all(throng_loom, test)))]
use std::sync::atomic::{AtomicPtr, Ordering};

#[cfg(all(throng_loom, test))]
use loom::sync::atomic::{AtomicPtr, Ordering};

use super::envelope::{Envelope, Header};

const IDLE: usize = 0;
const BUSY: usize = 1;
const CLOSED: usize = 2;
const STATE: usize = 3;
const SIGNALS: usize = 4;
const TAGS: usize = STATE | SIGNALS;

/// What a sender has to do after a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Wake the process.
    Wake,
    /// Nothing: the runner is awake and will see the envelope.
    Quiet,
}

pub(crate) struct Mailbox {
    head: AtomicPtr<Header>,
}

impl Mailbox {
    /// A closed mailbox, as every free slot has.
    pub(crate) fn closed() -> Self {
        Self { head: AtomicPtr::new(tagged(null_mut(), CLOSED)) }
    }

    /// Opens a closed mailbox for the next process. Its runner is about to run, so it starts `BUSY`.
    pub(crate) fn open(&self) {
        self.head.store(tagged(null_mut(), BUSY), Ordering::Release);
    }

    /// Adds an envelope, or hands it back when the mailbox is closed.
    pub(crate) fn push(&self, envelope: Envelope) -> Result<Pushed, Envelope> {
        let signal = if envelope.is_signal() { SIGNALS } else { 0 };
        let node = envelope.into_raw();
        let mut seen = self.head.load(Ordering::Relaxed);
        loop {
            let tags = tags(seen);
            if tags & STATE == CLOSED {
                // SAFETY: `node` came from `into_raw` above and was not published.
                return Err(unsafe { Envelope::from_raw(node) });
            }
            // SAFETY: this thread owns the node until the CAS below publishes it.
            unsafe { (*node.as_ptr()).next = pointer(seen) };
            let next = tagged(node.as_ptr(), BUSY | (tags & SIGNALS) | signal);
            // AcqRel: whoever moves IDLE to BUSY also takes over from the runner that parked.
            match self.head.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if tags & STATE == IDLE || signal != 0 => return Ok(Pushed::Wake),
                Ok(_) => return Ok(Pushed::Quiet),
                Err(now) => seen = now,
            }
        }
    }

    /// Runner only: takes everything pushed so far.
    pub(crate) fn drain(&self) -> Incoming {
        if pointer(self.head.load(Ordering::Relaxed)).is_null() {
            return Incoming { stack: None, turned: Queue::new(), has_signals: false };
        }
        self.take(BUSY)
    }

    /// Runner only: parks. False when something was pushed meanwhile, and the runner must drain again.
    ///
    /// A runner that woke for another reason than a push (a timer) finds itself parked still, which is as good.
    pub(crate) fn park(&self) -> bool {
        let busy = tagged(null_mut(), BUSY);
        let idle = tagged(null_mut(), IDLE);
        match self.head.compare_exchange(busy, idle, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => true,
            Err(seen) => seen == idle,
        }
    }

    /// Whether the runner has parked and nothing was pushed since.
    pub(crate) fn is_parked(&self) -> bool {
        tags(self.head.load(Ordering::Relaxed)) & STATE == IDLE
    }

    /// Whether a signal was pushed since the last drain.
    pub(crate) fn has_signals(&self) -> bool {
        tags(self.head.load(Ordering::Relaxed)) & SIGNALS != 0
    }

    /// Closes the mailbox and takes what is left in it.
    pub(crate) fn close(&self) -> Queue {
        self.take(CLOSED).into_queue()
    }

    fn take(&self, state: usize) -> Incoming {
        // The swap takes the whole stack, so its nodes are the result's alone.
        let taken = self.head.swap(tagged(null_mut(), state), Ordering::AcqRel);
        Incoming {
            stack: NonNull::new(pointer(taken)),
            turned: Queue::new(),
            has_signals: tags(taken) & SIGNALS != 0,
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// What a drain took, newest first, on its way to arrival order. Each node is a look at memory that another thread wrote: a
/// million of them keep a worker for many milliseconds, so the way can be gone in parts.
pub(crate) struct Incoming {
    /// Not turned round yet: the older ones, newest first.
    stack: Option<NonNull<Header>>,
    /// The newer ones, oldest first.
    turned: Queue,
    has_signals: bool,
}

// SAFETY: it owns its nodes, and every envelope is `Send`.
unsafe impl Send for Incoming {}

impl Incoming {
    /// Turns so many more nodes round. True when all are.
    pub(crate) fn turn(&mut self, nodes: usize) -> bool {
        for _ in 0..nodes {
            let Some(node) = self.stack else { return true };
            // SAFETY: the stack owns all that is reachable from it; its newest node passes to the queue.
            unsafe {
                self.stack = NonNull::new((*node.as_ptr()).next);
                self.turned.push_front(node);
            }
        }
        self.stack.is_none()
    }

    /// Whether a signal is among it.
    pub(crate) fn has_signals(&self) -> bool {
        self.has_signals
    }

    /// The oldest, as soon as all are turned round.
    pub(crate) fn pop_front(&mut self) -> Option<Envelope> {
        if self.stack.is_some() { None } else { self.turned.pop_front() }
    }

    /// All that is left, however long that takes.
    pub(crate) fn into_queue(mut self) -> Queue {
        self.turn(usize::MAX);
        std::mem::replace(&mut self.turned, Queue::new())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What is turned round drops with the queue.
        self.turn(usize::MAX);
    }
}

/// The runner's side: envelopes in arrival order, linked through the nodes themselves.
pub(crate) struct Queue {
    head: Option<NonNull<Header>>,
    tail: Option<NonNull<Header>>,
}

// SAFETY: a queue owns its nodes, and every envelope is `Send`.
unsafe impl Send for Queue {}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self { head: None, tail: None }
    }

    pub(crate) fn push_back(&mut self, envelope: Envelope) {
        let node = envelope.into_raw();
        // SAFETY: the queue owns its tail, and `node` was just given up to it.
        unsafe {
            (*node.as_ptr()).next = null_mut();
            match self.tail.replace(node) {
                Some(tail) => (*tail.as_ptr()).next = node.as_ptr(),
                None => self.head = Some(node),
            }
        }
    }

    /// # Safety
    ///
    /// The caller owns the node, and gives it up.
    unsafe fn push_front(&mut self, node: NonNull<Header>) {
        let next = self.head.replace(node).map_or(null_mut(), NonNull::as_ptr);
        // SAFETY: by contract.
        unsafe { (*node.as_ptr()).next = next };
        self.tail.get_or_insert(node);
    }

    pub(crate) fn pop_front(&mut self) -> Option<Envelope> {
        let node = self.head?;
        // SAFETY: the queue owns its head; unlinking it passes the ownership to the envelope.
        unsafe {
            self.head = NonNull::new((*node.as_ptr()).next);
            if self.head.is_none() {
                self.tail = None;
            }
            Some(Envelope::from_raw(node))
        }
    }

    pub(crate) fn append(&mut self, mut other: Queue) {
        let Some(head) = other.head.take() else { return };
        let tail = other.tail.take();
        match std::mem::replace(&mut self.tail, tail) {
            // SAFETY: the queue owns its tail, and `other` gave its nodes up.
            Some(last) => unsafe { (*last.as_ptr()).next = head.as_ptr() },
            None => self.head = Some(head),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_none()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        while let Some(envelope) = self.pop_front() {
            drop(envelope);
        }
    }
}

fn tags(word: *mut Header) -> usize {
    word.addr() & TAGS
}

fn pointer(word: *mut Header) -> *mut Header {
    let node = word.map_addr(|addr| addr & !TAGS);
    if node.addr() == 0 { null_mut() } else { node }
}

fn tagged(node: *mut Header, tags: usize) -> *mut Header {
    node.map_addr(|addr| (addr & !TAGS) | tags)
}

#[cfg(test)]
mod tests;
