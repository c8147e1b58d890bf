//! Envelopes: what a mailbox holds, each one heap node with its type erased behind a thin pointer.
//!
//! A node is `Header` followed by a *letter*. The header's table knows how to open the letter for the server type
//! it was addressed to, how to abandon it, and how to free it.
//!
//! # Why this is sound
//!
//! `Node<L>` is `repr(C)` with the header first, so a pointer to the node is a pointer to its header and back. Each
//! table is built for one `(S, L)` pair by [`Table::of`] and is the only one that touches such a node, so the
//! letter is read at its own type. [`Envelope::open`] needs the *server* type to match as well, and checks it: the
//! table carries the server's `TypeId`. A message for another type of server, which an earlier process of the slot may
//! have been, is handed back.

use std::{any::TypeId, fmt, mem::ManuallyDrop, ptr::NonNull};

use super::Generation;
use crate::{address::CallFailure, ctx::Ctx, gen_server::GenServer, message::HandlerFuture, signal::Signal};

/// A message on its way to a server of type `S`.
pub(crate) trait Letter<S: GenServer>: Send + 'static {
    /// Hands the message to the server's handler.
    fn open<'a>(self, server: &'a mut S, ctx: &'a mut Ctx<S>) -> HandlerFuture<'a>;

    /// Tells a waiting caller, if there is one, that no answer will come.
    fn abandon(self, why: CallFailure);

    /// What a crash report calls the message.
    fn name() -> &'static str;
}

#[repr(C, align(8))]
pub(super) struct Header {
    /// The mailbox's and the queue's link; see their module for who may write it.
    pub(super) next: *mut Header,
    table: NonNull<()>,
    generation: Generation,
    signal: bool,
}

#[repr(C)]
struct Node<L> {
    header: Header,
    letter: ManuallyDrop<L>,
}

/// An owned node.
pub(crate) struct Envelope {
    node: NonNull<Header>,
}

// SAFETY: letters and signals are `Send`, and an envelope owns its node.
unsafe impl Send for Envelope {}

/// The part of every table that needs no server type.
#[repr(C)]
struct Common {
    /// What the letter can be opened by; for signals, the type of the signal.
    server: TypeId,
    abandon: unsafe fn(NonNull<Header>, CallFailure),
    name: fn() -> &'static str,
    free: unsafe fn(NonNull<Header>),
}

#[repr(C)]
struct Table<S: GenServer> {
    common: Common,
    open: for<'a> unsafe fn(NonNull<Header>, &'a mut S, &'a mut Ctx<S>) -> HandlerFuture<'a>,
}

impl<S: GenServer> Table<S> {
    const fn of<L: Letter<S>>() -> &'static Self {
        const {
            &Self {
                common: Common {
                    server: TypeId::of::<S>(),
                    abandon: abandon::<S, L>,
                    name: L::name,
                    free: free::<L>,
                },
                open: open::<S, L>,
            }
        }
    }
}

static SIGNAL_TABLE: Common = Common {
    server: TypeId::of::<Signal>(),
    abandon: forget_signal,
    name: || "signal",
    free: free::<Signal>,
};

impl Envelope {
    /// A message for the process of type `S` that has this generation.
    pub(crate) fn message<S: GenServer, L: Letter<S>>(to: Generation, letter: L) -> Self {
        Self::new(to, NonNull::from(Table::<S>::of::<L>()).cast(), false, letter)
    }

    /// A signal for the process of this generation.
    pub(crate) fn signal(to: Generation, signal: Signal) -> Self {
        Self::new(to, NonNull::from(&SIGNAL_TABLE).cast(), true, signal)
    }

    fn new<L>(generation: Generation, table: NonNull<()>, signal: bool, letter: L) -> Self {
        let header = Header { next: std::ptr::null_mut(), table, generation, signal };
        let node = Box::new(Node { header, letter: ManuallyDrop::new(letter) });
        Self { node: NonNull::from(Box::leak(node)).cast() }
    }

    /// Whether it was addressed to this incarnation, and not to an earlier one of the same slot.
    pub(crate) fn is_for(&self, generation: Generation) -> bool {
        self.header().generation == generation
    }

    pub(crate) fn is_signal(&self) -> bool {
        self.header().signal
    }

    /// What a crash report calls what is inside; asked only when there is one to write.
    pub(crate) fn name(&self) -> fn() -> &'static str {
        // SAFETY: every table starts with a `Common`.
        unsafe { self.header().table.cast::<Common>().as_ref() }.name
    }

    /// Delivers a message, or hands the envelope back when it is not for this type of server.
    pub(crate) fn open<'a, S: GenServer>(
        self,
        server: &'a mut S,
        ctx: &'a mut Ctx<S>,
    ) -> Result<HandlerFuture<'a>, Self> {
        // SAFETY: every table starts with a `Common`.
        if unsafe { self.header().table.cast::<Common>().as_ref() }.server != TypeId::of::<S>() {
            return Err(self);
        }
        let node = self.into_raw();
        // SAFETY: the type says that the node was made by `message::<S, _>` (a signal's table has `Signal`'s type, which
        // is no server), so its table is a `Table<S>`, and `open` consumes the node.
        Ok(unsafe { (node.as_ref().table.cast::<Table<S>>().as_ref().open)(node, server, ctx) })
    }

    /// The signal inside, or the envelope itself when it is a message.
    pub(crate) fn into_signal(self) -> Result<Signal, Self> {
        if !self.is_signal() {
            return Err(self);
        }
        let node = self.into_raw().cast::<Node<Signal>>();
        // SAFETY: signal nodes are made by `signal` alone, and `into_raw` gave this one up.
        Ok(unsafe { take(node) })
    }

    /// Drops it, telling a waiting caller why.
    pub(crate) fn abandon(self, why: CallFailure) {
        let node = self.into_raw();
        // SAFETY: every table starts with a `Common` (`repr(C)`), and `abandon` consumes the node.
        unsafe { (node.as_ref().table.cast::<Common>().as_ref().abandon)(node, why) }
    }

    /// Hides that it is a signal, so that a test of the mailbox can use it as a plain letter.
    #[cfg(test)]
    pub(super) fn disguised(mut self) -> Self {
        // SAFETY: the envelope owns a live node.
        unsafe { self.node.as_mut() }.signal = false;
        self
    }

    /// Undoes [`Envelope::disguised`].
    #[cfg(test)]
    pub(super) fn undisguised(mut self) -> Self {
        // SAFETY: the envelope owns a live node.
        unsafe { self.node.as_mut() }.signal = true;
        self
    }

    pub(super) fn into_raw(self) -> NonNull<Header> {
        ManuallyDrop::new(self).node
    }

    /// # Safety
    ///
    /// `node` came from [`Envelope::into_raw`], and its ownership passes to the result.
    pub(super) unsafe fn from_raw(node: NonNull<Header>) -> Self {
        Self { node }
    }

    fn header(&self) -> &Header {
        // SAFETY: the envelope owns a live node.
        unsafe { self.node.as_ref() }
    }
}

impl Drop for Envelope {
    fn drop(&mut self) {
        // SAFETY: every table starts with a `Common`; the node is live and is not used afterwards.
        unsafe { (self.node.as_ref().table.cast::<Common>().as_ref().free)(self.node) }
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").field("signal", &self.is_signal()).finish_non_exhaustive()
    }
}

/// # Safety
///
/// `node` is a live `Node<L>` that the caller owns and gives up.
unsafe fn take<L>(node: NonNull<Node<L>>) -> L {
    // SAFETY: the node was leaked from a `Box<Node<L>>`; the letter is moved out and the box freed without it.
    let node = unsafe { Box::from_raw(node.as_ptr()) };
    ManuallyDrop::into_inner(node.letter)
}

/// # Safety
///
/// As for [`take`].
unsafe fn open<'a, S: GenServer, L: Letter<S>>(
    node: NonNull<Header>,
    server: &'a mut S,
    ctx: &'a mut Ctx<S>,
) -> HandlerFuture<'a> {
    // SAFETY: by contract the node is a `Node<L>`.
    unsafe { take(node.cast::<Node<L>>()) }.open(server, ctx)
}

/// # Safety
///
/// As for [`take`].
unsafe fn abandon<S: GenServer, L: Letter<S>>(node: NonNull<Header>, why: CallFailure) {
    // SAFETY: by contract the node is a `Node<L>`.
    unsafe { take(node.cast::<Node<L>>()) }.abandon(why);
}

/// # Safety
///
/// `node` is a signal node that the caller owns and gives up.
unsafe fn forget_signal(node: NonNull<Header>, _: CallFailure) {
    // SAFETY: by contract the node is a `Node<Signal>`.
    drop(unsafe { take(node.cast::<Node<Signal>>()) });
}

/// # Safety
///
/// As for [`take`].
unsafe fn free<L>(node: NonNull<Header>) {
    // SAFETY: by contract the node is a `Node<L>`.
    drop(unsafe { take(node.cast::<Node<L>>()) });
}
