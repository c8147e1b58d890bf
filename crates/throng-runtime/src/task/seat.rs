//! One element's task, as the stream and the task's process both know it; and the board where the ends of tasks are posted.

use std::{sync::Arc, task::Context};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use crate::{
    address::CallFailure,
    call::Unanswered,
    control,
    exit::Exit,
    pid::ProcessId,
    process::{self, RawCode},
    scheduler,
};

/// The ends of a stream's tasks, as they come: the number of the element, and its outcome.
pub(super) struct Board<T> {
    ends: Mutex<Vec<End<T>>>,
    consumer: AtomicWaker,
}

pub(super) type End<T> = (u64, Result<T, Exit>);

impl<T> Board<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { ends: Mutex::default(), consumer: AtomicWaker::new() })
    }

    /// From now on an end wakes this consumer.
    pub(super) fn watch(&self, cx: &Context<'_>) {
        self.consumer.register(cx.waker());
    }

    /// What was posted since the last look.
    pub(super) fn take(&self) -> Vec<End<T>> {
        std::mem::take(&mut self.ends.lock())
    }

    fn post(&self, end: End<T>) {
        self.ends.lock().push(end);
        self.consumer.wake();
    }
}

/// The place of one element's task. A task is there from its first poll: one that is under a supervisor, or waits for one, needs no
/// answer of it.
pub(super) struct Seat<T> {
    number: u64,
    owner: Option<ProcessId>,
    board: Arc<Board<T>>,
    phase: Mutex<Phase<T>>,
}

enum Phase<T> {
    /// Not polled yet.
    Queued,
    Running(ProcessId),
    /// It has its result, and its end is at hand.
    Done(ProcessId, T),
    /// Nobody wants it any more, and it has not begun.
    Cancelled,
    /// Its end has been posted.
    Over(Option<ProcessId>),
}

impl<T: Send + 'static> Seat<T> {
    /// A seat for a task that is to be linked to `owner`.
    pub(super) fn new(number: u64, owner: Option<ProcessId>, board: Arc<Board<T>>) -> Arc<Self> {
        Arc::new(Self { number, owner, board, phase: Mutex::new(Phase::Queued) })
    }

    /// What the task's process does.
    pub(super) fn code<F, Fut>(self: &Arc<Self>, work: F) -> RawCode
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        let seat = self.clone();
        Box::pin(async move {
            let Some(me) = scheduler::current::id() else { return Exit::Normal };
            if seat.sit_down(me) {
                let result = work().await;
                *seat.phase.lock() = Phase::Done(me, result);
            }
            // An end that is no crash is nobody's business: not even a trapping owner hears of it (T8).
            if let Some(owner) = seat.owner {
                control::unlink(me, owner);
            }
            Exit::Normal
        })
    }

    fn sit_down(&self, me: ProcessId) -> bool {
        let mut phase = self.phase.lock();
        let is_wanted = matches!(*phase, Phase::Queued);
        if is_wanted {
            *phase = Phase::Running(me);
        }
        is_wanted
    }

    /// Has the task end, or not begin. Its owner does not hear of it; the board does, when it is gone.
    pub(super) fn kill(&self) {
        if let Some(task) = self.leave() {
            process::request_exit(scheduler::current::id(), task, Exit::Kill);
        }
    }

    /// Takes the link away, and the exit that it may have left with an owner that traps exits.
    pub(super) fn leave(&self) -> Option<ProcessId> {
        let task = {
            let mut phase = self.phase.lock();
            if let Phase::Queued = *phase {
                *phase = Phase::Cancelled;
            }
            phase.process()?
        };
        if let Some(owner) = self.owner {
            control::unlink_flush(owner, task);
        }
        Some(task)
    }

    /// Whether the running process is about to learn by its link that this task crashed, and to end of it.
    pub(super) fn takes_its_owner_down(&self, reason: &Exit) -> bool {
        let owner = self.owner.filter(|owner| Some(*owner) == scheduler::current::id());
        reason.kills_linked()
            && owner.is_some_and(|owner| {
                !control::is_trapping(owner) && scheduler::slot(owner).mailbox.has_signals()
            })
    }
}

impl<T> Phase<T> {
    fn process(&self) -> Option<ProcessId> {
        match self {
            Self::Running(task) | Self::Done(task, _) | Self::Over(Some(task)) => Some(*task),
            Self::Queued | Self::Cancelled | Self::Over(None) => None,
        }
    }
}

impl<T: Send + 'static> Unanswered for Seat<T> {
    /// Posts the end of the task, once: it is the last that its process does.
    fn abandon(&self, why: CallFailure) {
        let mut phase = self.phase.lock();
        let over = Phase::Over(phase.process());
        let before = std::mem::replace(&mut *phase, over);
        drop(phase);
        let outcome = match before {
            Phase::Over(_) => return,
            Phase::Done(_, result) => Ok(result),
            Phase::Queued | Phase::Running(_) | Phase::Cancelled => Err(match why {
                CallFailure::Exited(reason) => reason,
                _ => Exit::NoProcess,
            }),
        };
        self.board.post((self.number, outcome));
    }

    fn is_open(&self) -> bool {
        matches!(*self.phase.lock(), Phase::Queued | Phase::Running(_))
    }
}
