//! The process table: slots that live as long as the program, addressed by index and generation.
//!
//! A slot outlives the processes that use it, so a send by pid needs neither a reference count nor an epoch: find
//! the slot, compare the generation, push. A pid of a dead process finds another generation, and its message goes
//! nowhere. The table is memory, as an allocator is, and therefore the one global of the runtime; it never shrinks
//! below the high-water mark of live processes.
//!
//! Guarantees (P9): a `(index, generation)` pair is given out once. A slot whose generations are used up is retired.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};

use atomic_waker::AtomicWaker;
use parking_lot::{Mutex, MutexGuard};

use super::{
    birth::{self, Birth},
    holders,
    mailbox::Mailbox,
};
use crate::{control::Control, pid::ProcessId};

/// Which incarnation of a slot a pid means. Zero is never one.
pub(crate) type Generation = u32;

pub(super) const SEGMENT_BITS: u32 = 12;
pub(super) const SEGMENT_SLOTS: u32 = 1 << SEGMENT_BITS;
pub(super) const SEGMENTS: usize = 1 << 15;
const FREE_LISTS: usize = 8;

/// What every process has, whether idle or not: 64 bytes, one cache line.
#[repr(align(64))]
pub(crate) struct Slot {
    pub(crate) mailbox: Mailbox,
    pub(crate) waker: AtomicWaker,
    index: u32,
    generation: AtomicU32,
    /// Messages that were pushed and are not being handled yet. It belongs to the slot: whoever adds one also sees to it
    /// that it is taken off again, so that it needs no reset, which a late push could make wrong.
    queued: AtomicU32,
    status: AtomicU8,
    nature: AtomicU8,
    /// The wake-up that was set for a deadline has come.
    rung: AtomicBool,
    /// System requests wait in its control.
    asked: AtomicBool,
    control: Mutex<Option<Box<Control>>>,
}

/// A bit of a slot's nature: its mailbox is bounded.
const BOUNDED: u8 = 1;
/// A bit of a slot's nature: its process is a server, which answers system requests.
const SERVER: u8 = 2;
/// A bit of a slot's nature: its process' code waits for something else than messages.
const AT_WORK: u8 = 4;
/// A bit of a slot's nature: its process holds keys of registries, or did.
const HOLDER: u8 = 8;

/// How far the process of a slot has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Alive = 0,
    /// It has begun to exit: no longer alive to observers (P32), its links and monitors not yet told.
    Exiting = 1,
    /// Its links and monitors were taken to be told: nothing can be attached any more.
    Dead = 2,
}

static TABLE: [OnceLock<Box<[Slot]>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];
static NEVER_USED: AtomicU32 = AtomicU32::new(0);
static FREE_COUNT: AtomicU32 = AtomicU32::new(0);
static FREE: [Mutex<Vec<u32>>; FREE_LISTS] = [const { Mutex::new(Vec::new()) }; FREE_LISTS];

/// Takes a free slot, opens its mailbox and gives it a new identity.
///
/// # Panics
///
/// When 134 million processes are alive at once.
pub(crate) fn acquire(born: Birth) -> ProcessId {
    let slot = reuse().unwrap_or_else(fresh);
    birth::note(slot.index, born);
    slot.nature.store(0, Ordering::Relaxed);
    slot.asked.store(false, Ordering::Relaxed);
    // Release: whoever reads this status sees the new generation as well.
    slot.status.store(Status::Alive as u8, Ordering::Release);
    slot.mailbox.open();
    slot.id()
}

/// The slot that a pid points into, whichever process uses it now.
pub(crate) fn slot(id: ProcessId) -> &'static Slot {
    segment(id.index())
        .map_or_else(|| unreachable!("a pid is only made for a slot"), |(slots, at)| &slots[at])
}

/// The birth of a process; `None` when this incarnation is gone.
pub(crate) fn birth(id: ProcessId) -> Option<Birth> {
    // The birth first: another process may take the slot meanwhile, and then the generation differs.
    birth::of(id.index()).filter(|_| slot(id).is(id))
}

/// The processes of a node that have not ended, in the order of the table. Those that start or end meanwhile may be missed.
pub(crate) fn of_node(node: u32) -> impl Iterator<Item = ProcessId> + Send {
    let used = NEVER_USED.load(Ordering::Relaxed);
    (0..used).filter(move |&index| birth::of(index).is_some_and(|birth| birth.node == node)).filter_map(
        move |index| {
            let (slots, at) = segment(index)?;
            let id = slots[at].id();
            (slots[at].status() != Status::Dead && birth(id).is_some_and(|birth| birth.node == node))
                .then_some(id)
        },
    )
}

/// How many slots are taken.
pub(crate) fn live() -> usize {
    let free = FREE_COUNT.load(Ordering::Relaxed);
    NEVER_USED.load(Ordering::Relaxed).saturating_sub(free) as usize
}

/// The controls of two processes at once, or `None` when either is dead.
///
/// Locked in the order of the table, so that no two threads wait for each other.
pub(crate) fn both(a: ProcessId, b: ProcessId) -> Option<(ControlGuard<'static>, ControlGuard<'static>)> {
    match a.index().cmp(&b.index()) {
        std::cmp::Ordering::Less => {
            let first = slot(a).control(a)?;
            Some((first, slot(b).control(b)?))
        }
        std::cmp::Ordering::Greater => {
            let first = slot(b).control(b)?;
            Some((slot(a).control(a)?, first))
        }
        // Two incarnations of one slot: one of them is gone.
        std::cmp::Ordering::Equal => None,
    }
}

fn reuse() -> Option<&'static Slot> {
    if FREE_COUNT.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let home = home();
    let index = (0..FREE_LISTS).find_map(|step| FREE[(home + step) % FREE_LISTS].lock().pop())?;
    FREE_COUNT.fetch_sub(1, Ordering::Relaxed);
    segment(index).map(|(slots, at)| &slots[at])
}

fn fresh() -> &'static Slot {
    let index = NEVER_USED.fetch_add(1, Ordering::Relaxed);
    let number = (index >> SEGMENT_BITS) as usize;
    assert!(number < SEGMENTS, "the process table is full: {index} processes are alive");
    let first = index & !(SEGMENT_SLOTS - 1);
    let slots = TABLE[number].get_or_init(|| (first..first + SEGMENT_SLOTS).map(Slot::free).collect());
    &slots[(index & (SEGMENT_SLOTS - 1)) as usize]
}

fn segment(index: u32) -> Option<(&'static [Slot], usize)> {
    let slots = TABLE[(index >> SEGMENT_BITS) as usize].get()?;
    Some((slots, (index & (SEGMENT_SLOTS - 1)) as usize))
}

/// Threads start their search at different lists, so that they seldom meet.
fn home() -> usize {
    thread_local! {
        static HOME: usize = {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            NEXT.fetch_add(1, Ordering::Relaxed) as usize % FREE_LISTS
        };
    }
    HOME.with(|home| *home)
}

impl Slot {
    fn free(index: u32) -> Self {
        Self {
            mailbox: Mailbox::closed(),
            waker: AtomicWaker::new(),
            index,
            generation: AtomicU32::new(1),
            queued: AtomicU32::new(0),
            status: AtomicU8::new(Status::Dead as u8),
            nature: AtomicU8::new(0),
            rung: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            control: Mutex::new(None),
        }
    }

    /// The identity of the process that uses it now; for that process itself.
    pub(crate) fn id(&self) -> ProcessId {
        ProcessId::new(self.index, self.generation.load(Ordering::Relaxed))
    }

    /// How many messages wait: exact while its process waits too, a few too many while it works through its queue, as it
    /// takes them off in handfuls.
    pub(crate) fn queue_len(&self) -> usize {
        self.queued.load(Ordering::Relaxed) as usize
    }

    /// From now on its messages go by way of its control's room. Before anybody knows the process.
    pub(crate) fn mark_bounded(&self) {
        self.nature.fetch_or(BOUNDED, Ordering::Relaxed);
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.nature.load(Ordering::Relaxed) & BOUNDED != 0
    }

    /// Its process answers system requests. Before anybody knows the process.
    pub(crate) fn mark_server(&self) {
        self.nature.fetch_or(SERVER, Ordering::Relaxed);
    }

    pub(crate) fn is_server(&self) -> bool {
        self.nature.load(Ordering::Relaxed) & SERVER != 0
    }

    /// From now on [`is_alive_holder`](super::is_alive_holder) knows of the process, until it begins to exit. Only the process' own
    /// code and whoever starts it may say so: neither runs while it begins to exit.
    pub(crate) fn mark_holder(&self, id: ProcessId) {
        let is_new = self.nature.load(Ordering::Relaxed) & HOLDER == 0;
        if is_new && self.is_alive(id) {
            self.nature.fetch_or(HOLDER, Ordering::Relaxed);
            holders::note(self.index, id.generation());
        }
    }

    /// A system request was put into its control.
    pub(crate) fn mark_asked(&self) {
        self.asked.store(true, Ordering::Release);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Its system requests are about to be taken, under their lock.
    pub(crate) fn mark_answered(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }

    pub(crate) fn count_queued(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_taken(&self, messages: u32) {
        self.queued.fetch_sub(messages, Ordering::Relaxed);
    }

    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
    }

    /// Tells observers whether its code is at an await point of its own. For the process itself.
    pub(crate) fn set_at_work(&self, is: bool) {
        // Written only when it changed: senders work on the same cache line.
        if self.is_at_work() != is {
            self.nature.fetch_xor(AT_WORK, Ordering::Relaxed);
        }
    }

    /// Whether it waits, as far as anybody else can tell: for a message, or inside of its code.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_at_work() || self.mailbox.is_parked()
    }

    fn is_at_work(&self) -> bool {
        self.nature.load(Ordering::Relaxed) & AT_WORK != 0
    }

    /// Whether it has rung since this was asked last.
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed) && self.rung.swap(false, Ordering::Acquire)
    }

    /// Whether its process is this incarnation and has not begun to exit.
    pub(crate) fn is_alive(&self, id: ProcessId) -> bool {
        // The status first: another process may take the slot meanwhile, and then the generation differs.
        self.status() == Status::Alive && self.is(id)
    }

    /// Whether this incarnation has begun to exit and is not gone yet.
    pub(crate) fn is_exiting(&self, id: ProcessId) -> bool {
        self.status() != Status::Alive && self.is(id)
    }

    pub(crate) fn is(&self, id: ProcessId) -> bool {
        self.generation.load(Ordering::Acquire) == id.generation()
    }

    pub(crate) fn begin_exit(&self) {
        // First: whoever sees that it exits finds it in no registry (P32).
        self.forget_holder();
        self.status.store(Status::Exiting as u8, Ordering::Release);
    }

    /// The process' links, monitors and hooks, made when first needed; `None` when this incarnation is dead.
    pub(crate) fn control(&self, id: ProcessId) -> Option<ControlGuard<'_>> {
        let guard = self.control.lock();
        (self.status() != Status::Dead && self.is(id)).then_some(ControlGuard(guard))
    }

    /// Takes what is attached to the process; more can be attached still.
    pub(crate) fn take_control(&self) -> Option<Box<Control>> {
        self.control.lock().take()
    }

    /// Marks the process dead and takes what was attached to it. Nothing can be attached afterwards.
    pub(crate) fn seal(&self) -> Option<Box<Control>> {
        let mut guard = self.control.lock();
        self.forget_holder();
        self.status.store(Status::Dead as u8, Ordering::Release);
        guard.take()
    }

    /// Gives the slot back. Its mailbox is closed and its control sealed.
    pub(crate) fn release(&self) {
        drop(self.waker.take());
        birth::forget(self.index);
        let used = self.generation.load(Ordering::Relaxed);
        let Some(next) = used.checked_add(1) else { return };
        self.generation.store(next, Ordering::Release);
        let mut free = FREE[home()].lock();
        free.push(self.index);
        // Under the lock: whoever pops this slot has already been counted.
        FREE_COUNT.fetch_add(1, Ordering::Relaxed);
    }

    fn forget_holder(&self) {
        if self.nature.load(Ordering::Relaxed) & HOLDER != 0 {
            holders::forget(self.index);
        }
    }

    fn status(&self) -> Status {
        match self.status.load(Ordering::Acquire) {
            0 => Status::Alive,
            1 => Status::Exiting,
            _ => Status::Dead,
        }
    }
}

/// Access to a live process' [`Control`].
pub(crate) struct ControlGuard<'a>(MutexGuard<'a, Option<Box<Control>>>);

impl ControlGuard<'_> {
    /// For reading: nothing is made when nothing is there.
    pub(crate) fn existing(&mut self) -> Option<&mut Control> {
        self.0.as_deref_mut()
    }

    pub(crate) fn get(&mut self) -> &mut Control {
        self.0.get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{birth::InitialCall, is_alive_holder};

    #[test]
    fn a_slot_is_one_cache_line() {
        assert_eq!(size_of::<Slot>(), 64);
    }

    #[test]
    fn p9_an_identity_is_never_given_out_twice() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..(if cfg!(miri) { 100 } else { 10_000 }) {
            let id = acquire(Birth::new(1, InitialCall { name: || "test", bytes: 0 }));
            let slot = slot(id);
            assert!(seen.insert(id), "{id} came back");
            drop(slot.mailbox.close());
            slot.seal();
            slot.release();
            assert!(!slot.is(id));
        }
    }

    #[test]
    fn p32_a_holder_is_known_as_alive_until_it_begins_to_exit_and_so_is_no_other() {
        let born = || Birth::new(1, InitialCall { name: || "test", bytes: 0 });
        let (holder, other) = (acquire(born()), acquire(born()));
        assert!(!is_alive_holder(holder), "it was not marked yet");
        slot(holder).mark_holder(holder);
        assert!(is_alive_holder(holder) && !is_alive_holder(other));

        slot(holder).begin_exit();
        assert!(!is_alive_holder(holder));
        slot(holder).mark_holder(holder);
        assert!(!is_alive_holder(holder), "who registers while it exits holds nothing");
        for id in [holder, other] {
            drop(slot(id).mailbox.close());
            slot(id).seal();
            slot(id).release();
        }
    }
}
