//! Several tasks at once.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::Task;
use crate::{child::Shutdown, exit::Exit, timer};

impl<T: Send + 'static> Task<T> {
    /// Waits this long for several tasks at once: for each, in their order, its result or `None` when it is not done yet. Those
    /// run on, and may be waited for again, unless [`on_timeout`](YieldMany::on_timeout) says otherwise (T4).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use throng_runtime::{Node, OnTimeout, Task};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let node = Node::new("example");
    /// let mut tasks = [node.task(async { 1 }), node.task(std::future::pending())];
    /// let results = Task::yield_many(&mut tasks, Duration::from_secs(1)).on_timeout(OnTimeout::KillTask).await;
    /// assert!(matches!(results[..], [Some(Ok(1)), None]));
    /// # }
    /// ```
    pub fn yield_many(tasks: &mut [Self], time: Duration) -> YieldMany<'_, T> {
        YieldMany { tasks, time, limit: usize::MAX, on_timeout: OnTimeout::Nothing }
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
            let done = poll_all(&mut tasks, &mut results, cx);
            let failed = results.iter().any(|result| matches!(result, Some(Err(_))));
            if failed || done == results.len() { Poll::Ready(()) } else { Poll::Pending }
        });
        timer::within(time, all).await;
        if let Some(at) = results.iter().position(|result| matches!(result, Some(Err(_)))) {
            results.swap(0, at);
        }
        results.into_iter().map(|result| result.unwrap_or(Err(Exit::Timeout))).collect()
    }
}

/// What becomes of tasks that are not done in time (T4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnTimeout {
    /// They run on, and may be waited for again.
    #[default]
    Nothing,
    /// They run on by themselves, as after [`Task::ignore`]. Their handles are used up.
    Ignore,
    /// They are killed, and waited for until they are gone. Their handles are used up.
    KillTask,
}

/// A wait for several tasks: [`Task::yield_many`].
///
/// # Cancel safety
///
/// Dropping the future may lose results that it had already taken; and a task that it killed may not be gone yet.
#[must_use = "it waits for nothing until it is awaited"]
pub struct YieldMany<'a, T> {
    tasks: &'a mut [Task<T>],
    time: Duration,
    limit: usize,
    on_timeout: OnTimeout,
}

impl<T> YieldMany<'_, T> {
    /// Returns early when so many of them are done. The others run on, whatever is to become of late ones.
    pub fn limit(self, done: usize) -> Self {
        Self { limit: done, ..self }
    }

    /// What becomes of those that are not done when the time is up.
    pub fn on_timeout(self, on_timeout: OnTimeout) -> Self {
        Self { on_timeout, ..self }
    }
}

impl<'a, T: Send + 'static> YieldMany<'a, T> {
    async fn outcomes(self) -> Vec<Option<Result<T, Exit>>> {
        let Self { tasks, time, limit, on_timeout } = self;
        let limit = limit.min(tasks.len());
        let mut results: Vec<_> = tasks.iter().map(|_| None).collect();
        let enough =
            poll_fn(
                |cx| {
                    if poll_all(tasks, &mut results, cx) >= limit { Poll::Ready(()) } else { Poll::Pending }
                },
            );
        if timer::within(time, enough).await.is_none() {
            end_late(tasks, &mut results, on_timeout).await;
        }
        results
    }
}

/// Does with those that have no result what is to be done. One may come at the last moment: then it is one.
async fn end_late<T: Send + 'static>(
    tasks: &mut [Task<T>],
    results: &mut [Option<Result<T, Exit>>],
    on_timeout: OnTimeout,
) {
    let late: Vec<_> = (0..results.len()).filter(|at| results[*at].is_none()).collect();
    match on_timeout {
        OnTimeout::Nothing => {}
        OnTimeout::Ignore => late.into_iter().for_each(|at| results[at] = tasks[at].forget()),
        OnTimeout::KillTask => {
            // All at once, and then one wait after the other.
            late.iter().for_each(|at| tasks[*at].kill());
            for at in late {
                results[at] = tasks[at].stop(Shutdown::Kill).await;
            }
        }
    }
}

impl<'a, T: Send + 'static> IntoFuture for YieldMany<'a, T> {
    type Output = Vec<Option<Result<T, Exit>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.outcomes())
    }
}

impl<T> fmt::Debug for YieldMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YieldMany")
            .field("tasks", &self.tasks)
            .field("time", &self.time)
            .field("on_timeout", &self.on_timeout)
            .finish_non_exhaustive()
    }
}

/// Takes the results that are there; how many there are now.
fn poll_all<T: Send + 'static>(
    tasks: &mut [Task<T>],
    results: &mut [Option<Result<T, Exit>>],
    cx: &mut Context<'_>,
) -> usize {
    for (task, result) in tasks.iter_mut().zip(results.iter_mut()).filter(|(_, result)| result.is_none()) {
        if let Poll::Ready(outcome) = Pin::new(task).poll(cx) {
            *result = Some(outcome);
        }
    }
    results.iter().filter(|result| result.is_some()).count()
}
