//! The tasks of a stream that are on their way. Dropping it kills them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    task::Context,
    time::Instant,
};

use super::seat::{Board, End, Seat};
use crate::exit::Exit;

pub(super) struct Flight<T: Send + 'static, K> {
    board: Arc<Board<T>>,
    /// Ends that were taken from the board and not dealt with.
    ends: VecDeque<End<T>>,
    /// By their numbers, which is the order of their starts, and so of their deadlines.
    running: BTreeMap<u64, Running<T, K>>,
    /// How many have been killed and are not gone.
    dying: usize,
}

/// A task whose outcome is wanted.
pub(super) struct Running<T, K> {
    pub(super) seat: Arc<Seat<T>>,
    pub(super) deadline: Option<Instant>,
    /// What is kept of its element, for the case that there is no result.
    pub(super) kept: K,
}

/// A task that is gone.
pub(super) enum Gone<T, K> {
    /// What it was to find out is known.
    Finished(u64, Result<T, Exit>, K),
    /// It had been killed.
    Killed,
    /// Its crash is about to end the running process as well.
    WithItsOwner,
}

impl<T: Send + 'static, K> Flight<T, K> {
    pub(super) fn new() -> Self {
        Self { board: Board::new(), ends: VecDeque::new(), running: BTreeMap::new(), dying: 0 }
    }

    pub(super) fn board(&self) -> &Arc<Board<T>> {
        &self.board
    }

    pub(super) fn begin(&mut self, number: u64, task: Running<T, K>) {
        self.running.insert(number, task);
    }

    /// The next task that is gone. When there is none, the next end wakes this consumer.
    pub(super) fn next_gone(&mut self, cx: &Context<'_>) -> Option<Gone<T, K>> {
        if self.ends.is_empty() {
            self.board.watch(cx);
            self.ends.extend(self.board.take());
        }
        let (number, outcome) = self.ends.pop_front()?;
        let Some(task) = self.running.remove(&number) else {
            self.dying -= 1;
            return Some(Gone::Killed);
        };
        if let Err(reason) = &outcome {
            if task.seat.takes_its_owner_down(reason) {
                self.running.insert(number, task);
                self.ends.push_front((number, outcome));
                return Some(Gone::WithItsOwner);
            }
            task.seat.leave();
        }
        Some(Gone::Finished(number, outcome, task.kept))
    }

    /// When the next one will be late.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.running.first_key_value().and_then(|(_, task)| task.deadline)
    }

    /// Kills the next one that is late: its number, and what was kept of its element.
    pub(super) fn kill_late(&mut self, now: Instant) -> Option<(u64, K)> {
        let first =
            self.running.first_entry().filter(|first| first.get().deadline.is_some_and(|at| at <= now))?;
        let (number, task) = first.remove_entry();
        self.dying += 1;
        task.seat.kill();
        Some((number, task.kept))
    }

    pub(super) fn kill_all(&mut self) {
        for task in std::mem::take(&mut self.running).into_values() {
            self.dying += 1;
            task.seat.kill();
        }
    }
}

impl<T: Send + 'static, K> Drop for Flight<T, K> {
    fn drop(&mut self) {
        self.kill_all();
    }
}
