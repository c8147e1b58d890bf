//! Tasks: one future in a process of its own, awaited for its result.
//!
//! ```text
//!   Ctx::task, Node::task ──────┐
//!   async_stream, element ──────┼──► Job ──► process        (the one place where tasks start)
//!   TaskSupervisor (its server) ┘
//! ```

mod failure;
mod flight;
mod job;
mod many;
mod schedule;
mod seat;
mod starter;
mod stream;
mod supervisor;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use self::job::Job;
pub use self::{
    failure::StreamFailure,
    many::{OnTimeout, YieldMany},
    stream::{OnStreamTimeout, TaskStream},
    supervisor::{TaskSupervisor, TaskSupervisorFlags},
};
use crate::{
    address::CallFailure,
    call::{ReplyCell, Waiting},
    child::Shutdown,
    control,
    exit::Exit,
    node::Node,
    pid::ProcessId,
    process, scheduler, timer,
};

/// A future that runs in a process of its own (T1).
///
/// Awaiting it gives the result, or how the process ended without one. A linked task ([`Ctx::task`](crate::Ctx::task)) and its
/// owner end together if either crashes; one that is not ([`Ctx::task_nolink`](crate::Ctx::task_nolink),
/// [`Node::task`](crate::Node::task)) is seen only by whoever awaits it.
///
/// In OTP only the process that started a task may await it, and another one that tries raises. Here whoever holds the handle
/// may: it is owned and is no number, so it can be given away, and not be used twice at the same time. The link stays where it was.
///
/// ```
/// # use throng_runtime::Node;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = Node::new("example");
/// let sum = node.task(async { (1..=4).sum::<u32>() });
/// assert_eq!(sum.await.unwrap(), 10);
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the handle ends nothing: the task runs on, and only its result is lost. A wait for `&mut task` may be dropped and
/// begun again.
#[must_use = "a task runs without being awaited, but its result is lost"]
pub struct Task<T> {
    id: ProcessId,
    /// Whom it is linked to.
    owner: Option<ProcessId>,
    waiting: Waiting<T>,
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start<F>(node: &Node, owner: Option<ProcessId>, work: F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (job, waiting) = Job::with_result(owner, work);
        Self { id: job.start(node), owner, waiting }
    }

    /// A task that is done already: no process is started (T6). Its [`id`](Task::id) is that of no process.
    ///
    /// For code that sometimes has the answer at hand, and must give a task all the same.
    ///
    /// ```
    /// # use throng_runtime::{Node, Task};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let known = Task::completed(42);
    /// assert_eq!(known.await.unwrap(), 42);
    /// # }
    /// ```
    pub fn completed(value: T) -> Self {
        let (cell, waiting) = ReplyCell::alone();
        // Nobody else has it: it is open.
        drop(cell.settle(Ok(value)));
        Self { id: process::nobody(), owner: None, waiting }
    }

    /// The process that runs it.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Waits this long for the result (T2). When the time is up the result is given up and the task runs on: what ends a linked one
    /// is the end of its owner, which the error means when it is passed on by `?`.
    ///
    /// # Errors
    ///
    /// How the task ended without a result; [`Exit::Timeout`] when the time was up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets the task run on, without its handle.
    pub async fn await_for(mut self, time: Duration) -> Result<T, Exit> {
        let outcome = timer::within(time, &mut self).await;
        outcome.or_else(|| self.give_up()).unwrap_or(Err(Exit::Timeout))
    }

    /// Waits this long for the result; `None` leaves the task running and may be repeated (T4).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn yield_for(&mut self, time: Duration) -> Option<Result<T, Exit>> {
        timer::within(time, &mut *self).await
    }

    /// Ends the task and waits until it is gone (T5). Its result if it came first; `None` when this ended it; how it ended when
    /// that was something else, `Killed` if it did not stop in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a task that was asked to stop but not killed.
    pub async fn shutdown(mut self, how: Shutdown) -> Option<Result<T, Exit>> {
        self.stop(how).await
    }

    /// Lets the task run on by itself: it is not linked any more, and its result goes nowhere (T6). Its result, or how it ended,
    /// if that was there already; `None` when it runs.
    pub fn ignore(mut self) -> Option<Result<T, Exit>> {
        self.forget()
    }

    fn forget(&mut self) -> Option<Result<T, Exit>> {
        self.unlink();
        self.give_up()
    }

    fn unlink(&self) {
        if let Some(owner) = self.owner {
            control::unlink_flush(owner, self.id);
        }
    }

    /// Stops waiting, unless the outcome came at the last moment.
    fn give_up(&mut self) -> Option<Result<T, Exit>> {
        self.waiting.give_up().map(|outcome| outcome.map_err(exit_of))
    }

    /// Has it end without a wait.
    fn kill(&self) {
        self.unlink();
        process::request_exit(scheduler::current::id(), self.id, Exit::Kill);
    }

    async fn stop(&mut self, how: Shutdown) -> Option<Result<T, Exit>> {
        self.unlink();
        let outcome = self.end(how).await;
        // A result comes a moment before the end.
        process::wait(self.id).await;
        outcome
    }

    async fn end(&mut self, how: Shutdown) -> Option<Result<T, Exit>> {
        let (grace, asked) = match how {
            Shutdown::Kill => (None, Exit::Kill),
            Shutdown::After(grace) => (Some(grace), Exit::Shutdown),
            Shutdown::Infinity => (None, Exit::Shutdown),
        };
        let killed_by_us = matches!(asked, Exit::Kill);
        process::request_exit(scheduler::current::id(), self.id, asked);
        let outcome = match grace {
            None => (&mut *self).await,
            Some(grace) => match self.yield_for(grace).await {
                Some(outcome) => outcome,
                None => {
                    process::request_exit(scheduler::current::id(), self.id, Exit::Kill);
                    // It may have obeyed meanwhile: then this ended it all the same.
                    (&mut *self).await
                }
            },
        };
        match outcome {
            Err(Exit::Killed) if killed_by_us => None,
            Err(Exit::Shutdown) if !killed_by_us => None,
            other => Some(other),
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, Exit>;

    /// # Cancel safety
    ///
    /// Dropping a task's handle lets the task run on.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.waiting).poll(cx).map_err(exit_of)
    }
}

fn exit_of(failure: CallFailure) -> Exit {
    match failure {
        CallFailure::Exited(reason) => reason,
        // The result was taken already: there is nothing left to wait for (T5).
        _ => Exit::NoProcess,
    }
}

impl<T> Unpin for Task<T> {}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("id", &self.id).field("owner", &self.owner).finish_non_exhaustive()
    }
}
