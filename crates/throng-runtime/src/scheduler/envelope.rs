//! Envelopes: what a mailbox holds, each one heap node with its type erased behind a thin pointer.
//!
//! ```text
//!   in the mailbox   Header │ letter                     one allocation for a message, from the
//!   being handled    Header │ the handler's future       send to the end of its handler
//! ```
//!
//! A node is a `Header` followed by room for a *letter*, and in its place later for the future of its handler, if that is
//! small. The header's table knows how to open the letter for the server type it was addressed to, how to abandon it,
//! and how large the node is. Sizes are powers of two, which allocators serve fastest.
//!
//! # Why this is sound
//!
//! Each table is built for one `(S, L)` pair by [`Table::of`], and [`Envelope::new`] allocates a node by the layout of the table
//! that it writes into it, so there is room for the letter, and every later access computes the same place from the same
//! layout. The table's functions are the only ones that touch the letter, at its own type. A future is written into the
//! room only if [`Memory::hold`] finds that it fits (else a box of it, which always does), and is touched only through
//! the functions that were made for its type there. [`Envelope::open`] needs the *server* type to match as well, and
//! checks it: the table carries the server's `TypeId`. A message for another type of server, which an earlier process of
//! the slot may have been, is handed back. A node is freed by [`Memory`], with the layout that it was allocated by.

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    any::TypeId,
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll},
};

use super::Generation;
use crate::{address::CallFailure, ctx::Ctx, gen_server::GenServer, signal::Signal};

/// A message on its way to a server of type `S`.
pub(crate) trait Letter<S: GenServer>: Send + Sized + 'static {
    /// Whether somebody waits for its answer.
    const IS_CALL: bool = false;

    /// Hands the message to the server's handler.
    fn open<'a>(self, server: &'a mut S, ctx: &'a mut Ctx<S>) -> impl Future<Output = ()> + Send + 'a;

    /// Tells a waiting caller, if there is one, that no answer will come.
    fn abandon(self, why: CallFailure);

    /// What a crash report calls the message.
    fn name() -> &'static str;

    /// How many bytes it holds besides its own size, for mailboxes that are bounded.
    fn weight(&self) -> usize {
        0
    }
}

/// What is in an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Message,
    Signal,
    /// The right to take a message that is kept elsewhere.
    Ticket,
}

#[repr(C, align(8))]
pub(super) struct Header {
    /// The mailbox's and the queue's link; see their module for who may write it.
    pub(super) next: *mut Header,
    table: NonNull<Common>,
    generation: Generation,
    kind: Kind,
}

/// A future that is larger does not make the nodes of queued messages larger: it gets a box when its message's turn comes.
const LARGEST_HANDLER: usize = 128 - size_of::<Header>();
/// Beyond this a power of two wastes too much.
const LARGEST_ROUNDED: usize = 256;

/// The layout of a node for this letter and, if it is small, this handler's future. There is room for a box in any case.
const fn node_layout(letter: Layout, handler: Layout) -> Layout {
    let align = if letter.align() > align_of::<Header>() { letter.align() } else { align_of::<Header>() };
    let fits = handler.size() <= LARGEST_HANDLER && handler.align() <= align;
    let later = if fits { handler.size() } else { size_of::<Pin<Box<()>>>() };
    let size = room_at(align) + if letter.size() > later { letter.size() } else { later };
    let rounded = if size <= LARGEST_ROUNDED { size.next_power_of_two() } else { size };
    match Layout::from_size_align(rounded, align) {
        Ok(layout) => layout.pad_to_align(),
        Err(_) => panic!("a message is too large to be allocated"),
    }
}

/// Where in a node of this alignment the room for the letter begins.
const fn room_at(align: usize) -> usize {
    // An alignment is a power of two; the general way to round up would divide.
    (size_of::<Header>() + align - 1) & !(align - 1)
}

/// An owned node with a letter in it.
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
    letter: TypeId,
    layout: Layout,
    is_call: bool,
    weigh: unsafe fn(NonNull<u8>) -> usize,
    abandon: unsafe fn(Memory, CallFailure),
    name: fn() -> &'static str,
    free: unsafe fn(Memory),
}

#[repr(C)]
struct Table<S: GenServer> {
    common: Common,
    open: for<'a> unsafe fn(Memory, &'a mut S, &'a mut Ctx<S>) -> Running<'a>,
}

impl<S: GenServer> Table<S> {
    const fn of<L: Letter<S>>() -> &'static Self {
        const {
            &Self {
                common: Common {
                    server: TypeId::of::<S>(),
                    letter: TypeId::of::<L>(),
                    layout: node_layout(Layout::new::<L>(), output_layout(<L as Letter<S>>::open)),
                    is_call: L::IS_CALL,
                    weigh: weigh::<S, L>,
                    abandon: abandon::<S, L>,
                    name: L::name,
                    free: free::<L>,
                },
                open: open::<S, L>,
            }
        }
    }
}

/// The layout of what this function returns. (It does not depend on lifetimes, and is checked again when it counts.)
const fn output_layout<L, S, C, F>(_: fn(L, &'static mut S, &'static mut C) -> F) -> Layout {
    Layout::new::<F>()
}

static SIGNAL_TABLE: Common = Common {
    server: TypeId::of::<Signal>(),
    letter: TypeId::of::<Signal>(),
    layout: node_layout(Layout::new::<Signal>(), Layout::new::<()>()),
    is_call: false,
    weigh: |_| 0,
    abandon: forget::<Signal>,
    name: || "signal",
    free: free::<Signal>,
};

/// What is in the envelope of a ticket. No server has this type.
struct Ticket;

static TICKET_TABLE: Common = Common {
    server: TypeId::of::<Ticket>(),
    letter: TypeId::of::<Ticket>(),
    layout: node_layout(Layout::new::<Ticket>(), Layout::new::<()>()),
    is_call: false,
    weigh: |_| 0,
    abandon: forget::<Ticket>,
    name: || "ticket",
    free: free::<Ticket>,
};

impl Envelope {
    /// A message for the process of type `S` that has this generation.
    pub(crate) fn message<S: GenServer, L: Letter<S>>(to: Generation, letter: L) -> Self {
        // SAFETY: the table is `L`'s.
        unsafe { Self::new(to, NonNull::from(Table::<S>::of::<L>()).cast(), Kind::Message, letter) }
    }

    /// A signal for the process of this generation.
    pub(crate) fn signal(to: Generation, signal: Signal) -> Self {
        // SAFETY: the table is the signals'.
        unsafe { Self::new(to, NonNull::from(&SIGNAL_TABLE), Kind::Signal, signal) }
    }

    /// The right of the process of this generation to take a message that is kept for it elsewhere.
    pub(crate) fn ticket(to: Generation) -> Self {
        // SAFETY: the table is the tickets'.
        unsafe { Self::new(to, NonNull::from(&TICKET_TABLE), Kind::Ticket, Ticket) }
    }

    /// # Safety
    ///
    /// The table was built for the letter's type.
    unsafe fn new<L>(generation: Generation, table: NonNull<Common>, kind: Kind, letter: L) -> Self {
        let header = Header { next: std::ptr::null_mut(), table, generation, kind };
        // SAFETY: every table is static.
        let layout = unsafe { table.as_ref() }.layout;
        // SAFETY: no layout is smaller than a header, so its size is not zero.
        let Some(node) = NonNull::new(unsafe { alloc(layout) }.cast::<Header>()) else {
            handle_alloc_error(layout)
        };
        // SAFETY: by contract the layout has room for a header and then an `L`.
        unsafe {
            node.write(header);
            room(node, layout).cast::<L>().write(letter);
        }
        Self { node }
    }

    /// Whether it was addressed to this incarnation, and not to an earlier one of the same slot.
    pub(crate) fn is_for(&self, generation: Generation) -> bool {
        self.header().generation == generation
    }

    pub(crate) fn is_signal(&self) -> bool {
        self.kind() == Kind::Signal
    }

    pub(crate) fn kind(&self) -> Kind {
        self.header().kind
    }

    /// Whether somebody waits for its answer.
    pub(crate) fn is_call(&self) -> bool {
        self.table().is_call
    }

    /// How many bytes it takes: those of its node, and what its message says that it holds besides.
    pub(crate) fn cost(&self) -> usize {
        let table = self.table();
        // SAFETY: the layout and the function are those of the node's own table, and its letter is in the room.
        let weight = unsafe { (table.weigh)(room(self.node, table.layout)) };
        table.layout.size().saturating_add(weight)
    }

    /// What a crash report calls what is inside; asked only when there is one to write.
    pub(crate) fn name(&self) -> fn() -> &'static str {
        self.table().name
    }

    /// Begins to handle a message, or hands the envelope back when it is not for this type of server.
    pub(crate) fn open<'a, S: GenServer>(
        self,
        server: &'a mut S,
        ctx: &'a mut Ctx<S>,
    ) -> Result<Running<'a>, Self> {
        if self.table().server != TypeId::of::<S>() {
            return Err(self);
        }
        let table = self.header().table.cast::<Table<S>>();
        // SAFETY: the type says that the node was made by `message::<S, _>` (a signal's table has `Signal`'s type, which
        // is no server), so its table is a `Table<S>`, and its own `open` takes the letter.
        Ok(unsafe { (table.as_ref().open)(self.into_memory(), server, ctx) })
    }

    /// The signal inside, or the envelope itself when it is a message.
    pub(crate) fn into_signal(self) -> Result<Signal, Self> {
        if !self.is_signal() {
            return Err(self);
        }
        // SAFETY: signal nodes are made by `signal` alone.
        Ok(unsafe { take(&self.into_memory()) })
    }

    /// The letter inside, or the envelope itself when it is one of another type.
    pub(crate) fn into_letter<L: 'static>(self) -> Result<L, Self> {
        if self.table().letter != TypeId::of::<L>() {
            return Err(self);
        }
        // SAFETY: each table names the type of the letter that it was made for, and `L` is that.
        Ok(unsafe { take(&self.into_memory()) })
    }

    /// Drops it, telling a waiting caller why.
    pub(crate) fn abandon(self, why: CallFailure) {
        let abandon = self.table().abandon;
        // SAFETY: it is the node's own table's.
        unsafe { abandon(self.into_memory(), why) }
    }

    /// Hides that it is a signal, so that a test of the mailbox can use it as a plain letter.
    #[cfg(test)]
    pub(super) fn disguised(mut self) -> Self {
        // SAFETY: the envelope owns a live node.
        unsafe { self.node.as_mut() }.kind = Kind::Message;
        self
    }

    /// Undoes [`Envelope::disguised`].
    #[cfg(test)]
    pub(super) fn undisguised(mut self) -> Self {
        // SAFETY: the envelope owns a live node.
        unsafe { self.node.as_mut() }.kind = Kind::Signal;
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

    fn table(&self) -> &'static Common {
        // SAFETY: every table is static.
        unsafe { self.header().table.as_ref() }
    }

    fn into_memory(self) -> Memory {
        Memory { node: self.into_raw() }
    }
}

impl Drop for Envelope {
    fn drop(&mut self) {
        let free = self.table().free;
        // SAFETY: it is the node's own table's, and the node is not used afterwards.
        unsafe { free(Memory { node: self.node }) }
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

/// The place of the letter, or of what took its place.
///
/// # Safety
///
/// The node is live and was allocated by this layout.
unsafe fn room(node: NonNull<Header>, layout: Layout) -> NonNull<u8> {
    // SAFETY: every node's layout has its room at this place.
    unsafe { node.cast::<u8>().add(room_at(layout.align())) }
}

/// A node whose room holds nothing that has to be dropped: frees the node.
struct Memory {
    node: NonNull<Header>,
}

// SAFETY: it owns its node, and there is nothing else in it.
unsafe impl Send for Memory {}

impl Memory {
    fn layout(&self) -> Layout {
        // SAFETY: the node is live, and its table static.
        unsafe { self.node.as_ref().table.as_ref() }.layout
    }

    fn room(&self) -> NonNull<u8> {
        // SAFETY: the layout is that of the node's own table.
        unsafe { room(self.node, self.layout()) }
    }

    /// Puts a future into the room, or a box of it when it is too large.
    fn hold<'a, F: Future<Output = ()> + Send + 'a>(self, future: F) -> Running<'a> {
        let (layout, needed) = (self.layout(), Layout::new::<F>());
        let size = layout.size() - room_at(layout.align());
        if needed.size() <= size && needed.align() <= layout.align() {
            // SAFETY: it fits, as was just seen.
            unsafe { self.room().cast::<F>().write(future) };
            Running {
                run: const { &Run { poll: poll::<F>, drop: drop_in_place::<F> } },
                memory: self,
                lent: PhantomData,
            }
        } else {
            // SAFETY: `node_layout` leaves room for a box, which needs no more than a header's alignment.
            unsafe { self.room().cast::<Pin<Box<F>>>().write(Box::pin(future)) };
            let run = const { &Run { poll: poll::<Pin<Box<F>>>, drop: drop_in_place::<Pin<Box<F>>> } };
            Running { run, memory: self, lent: PhantomData }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the node was allocated by this layout and is not used afterwards.
        unsafe { dealloc(self.node.as_ptr().cast(), self.layout()) }
    }
}

/// A handler at work, in the node of its message.
pub(crate) struct Running<'a> {
    run: &'static Run,
    memory: Memory,
    /// The server and the context, for as long as the future may use them.
    lent: PhantomData<&'a mut ()>,
}

/// How to treat the future in the room.
struct Run {
    poll: unsafe fn(NonNull<u8>, &mut Context<'_>) -> Poll<()>,
    drop: unsafe fn(NonNull<u8>),
}

// SAFETY: `Memory::hold` takes only futures that are `Send`.
unsafe impl Send for Running<'_> {}

impl Future for Running<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `hold` wrote the future that these functions are for. It stays in its node until it is dropped there.
        unsafe { (self.run.poll)(self.memory.room(), cx) }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `poll`; nothing touches the future afterwards, and its memory is freed after this.
        unsafe { (self.run.drop)(self.memory.room()) }
    }
}

/// # Safety
///
/// There is an `F` in the room, it is not moved before it is dropped, and nobody else uses it meanwhile.
unsafe fn poll<F: Future<Output = ()>>(room: NonNull<u8>, cx: &mut Context<'_>) -> Poll<()> {
    // SAFETY: by contract.
    unsafe { Pin::new_unchecked(room.cast::<F>().as_mut()) }.poll(cx)
}

/// # Safety
///
/// There is an `F` in the room, and nobody uses it any more.
unsafe fn drop_in_place<F>(room: NonNull<u8>) {
    // SAFETY: by contract.
    unsafe { room.cast::<F>().drop_in_place() }
}

/// # Safety
///
/// There is an `L` in the node's room, and the caller takes it once.
unsafe fn take<L>(memory: &Memory) -> L {
    // SAFETY: by contract.
    unsafe { memory.room().cast::<L>().read() }
}

/// # Safety
///
/// As for [`take`].
unsafe fn open<'a, S: GenServer, L: Letter<S>>(
    memory: Memory,
    server: &'a mut S,
    ctx: &'a mut Ctx<S>,
) -> Running<'a> {
    // SAFETY: by contract.
    let letter = unsafe { take::<L>(&memory) };
    memory.hold(letter.open(server, ctx))
}

/// # Safety
///
/// As for [`take`].
unsafe fn abandon<S: GenServer, L: Letter<S>>(memory: Memory, why: CallFailure) {
    // SAFETY: by contract.
    let letter = unsafe { take::<L>(&memory) };
    drop(memory);
    letter.abandon(why);
}

/// # Safety
///
/// There is an `L` in the room, and nobody else uses it meanwhile.
unsafe fn weigh<S: GenServer, L: Letter<S>>(room: NonNull<u8>) -> usize {
    // SAFETY: by contract.
    unsafe { room.cast::<L>().as_ref() }.weight()
}

/// # Safety
///
/// As for [`take`].
unsafe fn forget<L>(memory: Memory, _: CallFailure) {
    // SAFETY: by contract.
    drop(unsafe { take::<L>(&memory) });
}

/// # Safety
///
/// As for [`take`].
unsafe fn free<L>(memory: Memory) {
    // SAFETY: by contract.
    drop(unsafe { take::<L>(&memory) });
}

#[cfg(test)]
mod tests;
