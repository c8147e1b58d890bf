//! Which of the processes that hold keys of registries are alive.
//!
//! Four bytes for each slot of the process table, apart from the slots: a lookup in a large registry asks this of one random
//! holder after the other, and sixteen of these words share the cache line that one slot has for itself. Only processes that
//! hold a key are noted, so that the others pay nothing for it.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use super::slab::{Generation, SEGMENT_BITS, SEGMENT_SLOTS, SEGMENTS};
use crate::pid::ProcessId;

/// For each slot the generation of the holder that is alive in it; zero, which no process has, when there is none.
static HOLDERS: [OnceLock<Box<[AtomicU32]>>; SEGMENTS] = [const { OnceLock::new() }; SEGMENTS];

/// Whether a process that was marked as a holder has not begun to exit.
pub(crate) fn is_alive_holder(id: ProcessId) -> bool {
    let holders = HOLDERS[(id.index() >> SEGMENT_BITS) as usize].get();
    let holder = holders.map(|holders| &holders[(id.index() & (SEGMENT_SLOTS - 1)) as usize]);
    holder.is_some_and(|alive| alive.load(Ordering::Acquire) == id.generation())
}

pub(super) fn note(index: u32, generation: Generation) {
    let holders = HOLDERS[(index >> SEGMENT_BITS) as usize]
        .get_or_init(|| (0..SEGMENT_SLOTS).map(|_| AtomicU32::new(0)).collect());
    holders[(index & (SEGMENT_SLOTS - 1)) as usize].store(generation, Ordering::Release);
}

pub(super) fn forget(index: u32) {
    if let Some(holders) = HOLDERS[(index >> SEGMENT_BITS) as usize].get() {
        holders[(index & (SEGMENT_SLOTS - 1)) as usize].store(0, Ordering::Release);
    }
}
