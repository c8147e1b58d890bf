//! What every process has been from its birth: which node it belongs to, and what it runs. For observers.
//!
//! Eight bytes for each slot of the process table, apart from the slots: they are written once in a life, and a walk over
//! all processes of a node reads nothing else of those that are not its own.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;

use super::slab::{SEGMENT_BITS, SEGMENT_SLOTS, SEGMENTS};

/// What a process runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InitialCall {
    /// The type name of its server, or of the code of a raw process.
    pub(crate) name: fn() -> &'static str,
    /// The bytes of its future, with all that is in it.
    pub(crate) bytes: usize,
}

/// A node's number, never zero, and the number of a [`InitialCall`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Birth {
    pub(crate) node: u32,
    call: u32,
}

static BIRTHS: [OnceLock<Box<[AtomicU64]>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];
static CALLS: LazyLock<RwLock<Calls>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Calls {
    calls: Vec<InitialCall>,
    /// By the address of the name's function, and the size.
    numbers: HashMap<(usize, usize), u32>,
}

impl Birth {
    pub(crate) fn new(node: u32, call: InitialCall) -> Self {
        Self { node, call: number(call) }
    }

    pub(crate) fn initial_call(self) -> Option<InitialCall> {
        CALLS.read().calls.get(self.call as usize).copied()
    }

    fn pack(self) -> u64 {
        u64::from(self.node) << 32 | u64::from(self.call)
    }

    fn unpack(word: u64) -> Option<Self> {
        let (node, call) = ((word >> 32) as u32, word as u32);
        (node != 0).then_some(Self { node, call })
    }
}

/// Notes the birth of the process that takes this slot.
pub(super) fn note(index: u32, birth: Birth) {
    let births = BIRTHS[(index >> SEGMENT_BITS) as usize]
        .get_or_init(|| (0..SEGMENT_SLOTS).map(|_| AtomicU64::new(0)).collect());
    // Release: whoever sees this birth also sees that the one before it in this slot is over.
    births[(index & (SEGMENT_SLOTS - 1)) as usize].store(birth.pack(), Ordering::Release);
}

/// The slot is free.
pub(super) fn forget(index: u32) {
    if let Some(births) = BIRTHS[(index >> SEGMENT_BITS) as usize].get() {
        births[(index & (SEGMENT_SLOTS - 1)) as usize].store(0, Ordering::Release);
    }
}

/// The birth of the process that has this slot now.
pub(super) fn of(index: u32) -> Option<Birth> {
    let births = BIRTHS[(index >> SEGMENT_BITS) as usize].get()?;
    Birth::unpack(births[(index & (SEGMENT_SLOTS - 1)) as usize].load(Ordering::Acquire))
}

/// There are as many as types that are spawned; each thread remembers those that it spawned last.
fn number(call: InitialCall) -> u32 {
    const REMEMBERED: usize = 64;
    thread_local! {
        static LAST: [Cell<(usize, usize, u32)>; REMEMBERED] = const { [const { Cell::new((0, 0, 0)) }; REMEMBERED] };
    }
    let (name, bytes) = (call.name as usize, call.bytes);
    LAST.with(|last| {
        let cell = &last[((name >> 4) ^ (bytes >> 3)) % REMEMBERED];
        let (known_name, known_bytes, number) = cell.get();
        if (known_name, known_bytes) == (name, bytes) {
            return number;
        }
        let number = numbered(call);
        cell.set((name, bytes, number));
        number
    })
}

fn numbered(call: InitialCall) -> u32 {
    let mut all = CALLS.write();
    let Calls { calls, numbers } = &mut *all;
    *numbers.entry((call.name as usize, call.bytes)).or_insert_with(|| {
        calls.push(call);
        (calls.len() - 1) as u32
    })
}
