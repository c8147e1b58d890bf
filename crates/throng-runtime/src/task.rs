//! Tasks: one future in a process of its own, awaited for its result.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use crate::{
    about,
    address::CallFailure,
    child::Shutdown,
    control,
    exit::Exit,
    node::Node,
    pid::ProcessId,
    process,
    reply::{ReplyCell, Waiting},
    scheduler, timer,
};

/// A future that runs in a process of its own (T1).
///
/// Awaiting it gives the result, or how the process ended without one. A linked task ([`Ctx::task`](crate::Ctx::task)) and its
/// owner end together if either crashes; one that is not ([`Ctx::task_nolink`](crate::Ctx::task_nolink),
/// [`Node::task`](crate::Node::task)) is seen only by whoever awaits it. Dropping the handle ends nothing: the task runs on.
///
/// ```
/// # use throng_runtime::Node;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = Node::new("example");
/// let sum = node.task(async { (1..=4).sum::<u32>() });
/// assert_eq!(sum.await.unwrap(), 10);
/// # }
/// ```
#[must_use = "a task runs without being awaited, but its result is lost"]
pub struct Task<T> {
    id: ProcessId,
    owner: Option<ProcessId>,
    waiting: Waiting<T>,
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start<F>(node: &Node, owner: Option<ProcessId>, work: F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (cell, waiting) = ReplyCell::alone();
        let result = cell.clone();
        let work = Box::pin(async move {
            // An error means that nobody awaits the result any more.
            drop(result.settle(Ok(work.await)));
            Exit::Normal
        });
        // One that is not linked is asked for by whoever runs this (P35).
        let caller = owner.or_else(scheduler::current::id);
        let id = process::launch_as::<F>(node, owner, Some(cell), size_of::<F>(), |ctx| {
            if let Some(caller) = caller {
                about::work_for(ctx.id(), caller);
            }
            work
        });
        Self { id, owner, waiting }
    }

    /// The process that runs it.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Waits this long for the result; `None` leaves the task running and may be repeated (T4).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn yield_for(&mut self, time: Duration) -> Option<Result<T, Exit>> {
        timer::within(time, &mut *self).await
    }

    /// Waits this long for several tasks at once: for each, in their order, its result or `None` when it is not done yet. Those
    /// run on, and may be waited for again (T4).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may lose results that it had already taken.
    pub async fn yield_many(tasks: &mut [Self], time: Duration) -> Vec<Option<Result<T, Exit>>> {
        let mut results: Vec<_> = tasks.iter().map(|_| None).collect();
        timer::within(time, poll_fn(|cx| poll_all(tasks, &mut results, cx))).await;
        results
    }

    /// Waits for all of them, this long at most: their results in their order, or how the first of them failed; `Timeout` when
    /// one was late (T4). The tasks run on in either case; as in OTP, linked ones end with an owner that fails.
    ///
    /// # Errors
    ///
    /// As soon as one task has failed, how; [`Exit::Timeout`] when the time was up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets the tasks run on, without their handles.
    pub async fn await_many(tasks: impl IntoIterator<Item = Self>, time: Duration) -> Result<Vec<T>, Exit> {
        let mut tasks: Vec<_> = tasks.into_iter().collect();
        let mut results: Vec<_> = tasks.iter().map(|_| None).collect();
        let all = poll_fn(|cx| {
            let polled = poll_all(&mut tasks, &mut results, cx);
            let failed = results.iter().any(|result| matches!(result, Some(Err(_))));
            if failed { Poll::Ready(()) } else { polled }
        });
        timer::within(time, all).await;
        if let Some(at) = results.iter().position(|result| matches!(result, Some(Err(_)))) {
            results.swap(0, at);
        }
        results.into_iter().map(|result| result.unwrap_or(Err(Exit::Timeout))).collect()
    }

    /// Ends the task and waits until it is gone (T5). Its result if it came first; `None` when this ended it; how it ended when
    /// that was something else, `Killed` if it did not stop in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a task that was asked to stop but not killed.
    pub async fn shutdown(mut self, how: Shutdown) -> Option<Result<T, Exit>> {
        if let Some(owner) = self.owner {
            control::unlink_flush(owner, self.id);
        }
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
        Pin::new(&mut self.waiting).poll(cx).map_err(|failure| match failure {
            CallFailure::Exited(reason) => reason,
            // The result was taken already: there is nothing left to wait for (T5).
            _ => Exit::NoProcess,
        })
    }
}

/// Ready when each of them has a result.
fn poll_all<T: Send + 'static>(
    tasks: &mut [Task<T>],
    results: &mut [Option<Result<T, Exit>>],
    cx: &mut Context<'_>,
) -> Poll<()> {
    for (task, result) in tasks.iter_mut().zip(results.iter_mut()).filter(|(_, result)| result.is_none()) {
        if let Poll::Ready(outcome) = Pin::new(task).poll(cx) {
            *result = Some(outcome);
        }
    }
    if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
}

impl<T> Unpin for Task<T> {}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("id", &self.id).field("owner", &self.owner).finish_non_exhaustive()
    }
}
