//! Buffers that all connections of a worker take turns with: a connection that is idle owns none.

use std::cell::Cell;

use super::Outgoing;

/// What one read takes.
pub(super) const READ_BYTES: usize = 16 << 10;

thread_local! {
    static READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static GATHERED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static BATCH: Cell<Vec<Outgoing>> = const { Cell::new(Vec::new()) };
}

/// Lends the worker's buffer for reading.
pub(super) fn with_read_buffer<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = READ.take();
    buffer.resize(READ_BYTES, 0);
    let result = read(&mut buffer);
    READ.set(buffer);
    result
}

/// Lends the worker's buffer, empty, for what is small and written together.
pub(super) fn with_gathered<R>(write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = GATHERED.take();
    buffer.clear();
    let result = write(&mut buffer);
    GATHERED.set(buffer);
    result
}

/// Room for what is written in one go.
pub(super) fn take_batch() -> Vec<Outgoing> {
    BATCH.take()
}

/// Gives it back.
pub(super) fn return_batch(mut batch: Vec<Outgoing>) {
    batch.clear();
    BATCH.set(batch);
}
