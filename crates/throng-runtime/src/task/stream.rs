//! A stream of results: a task for each element, so many at a time (T8).

use std::{
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_core::Stream;

use super::{
    failure::StreamFailure,
    flight::{Flight, Gone, Running},
    job::Job,
    schedule::{Limits, Schedule},
    seat::Seat,
    starter::Starter,
};
use crate::{exit::Exit, scheduler, timer, timer::Alarm};

/// So many elements in a row are given before others get their turn (P38).
const BUDGET: u8 = 64;

/// Results of a function for each element of an input, each found by a task of its own, so many at a time (T8).
///
/// [`Ctx::async_stream`](crate::Ctx::async_stream), its `_nolink`, [`Node::async_stream`](crate::Node::async_stream) and those of
/// [`TaskSupervisor`](crate::TaskSupervisor) make one. It is lazy: elements are taken and tasks started only while
/// somebody asks for [`next`](TaskStream::next), or polls it as a [`Stream`]. Options come before that.
///
/// ```
/// # use throng_runtime::Node;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = Node::new("example");
/// let mut squares = node.async_stream(1..=4, async |n: u32| n * n).max_concurrency(2);
/// let mut sum = 0;
/// while let Some(square) = squares.next().await {
///     sum += square.unwrap();
/// }
/// assert_eq!(sum, 30);
/// # }
/// ```
///
/// # What an element becomes
///
/// The function's result; or how its task ended without one ([`zip_input_on_exit`](TaskStream::zip_input_on_exit) adds the element).
/// The tasks of [`Ctx::async_stream`](crate::Ctx::async_stream) are linked with the process that consumes the stream, whichever that is: if one
/// crashes, the consumer ends with it, unless it traps exits; then it gets the reason as the element, and no message.
///
/// # Bounds
///
/// At most [`max_concurrency`](TaskStream::max_concurrency) tasks run at once. A slot is free when its task is gone: while the
/// first result is awaited the others run on, and their results wait. OTP lets any number of them wait; here
/// at most [`max_buffered`](TaskStream::max_buffered) more elements than run at once are begun and not delivered.
///
/// # The end
///
/// `None` comes when all elements were delivered and all tasks are gone. A stream that is dropped before kills the tasks that
/// run, and leaves no link and no message; it does not wait for them, as a drop cannot. [`halt`](TaskStream::halt) does.
/// A panic of the input goes on to the consumer, and has killed the tasks. A task that holds its thread ends at its next
/// await point (P38).
///
/// # Panics
///
/// The options panic when the first element has been asked for already.
#[must_use = "a stream does nothing until its elements are asked for"]
pub struct TaskStream<I, F, T, E = Exit>
where
    I: Iterator,
    T: Send + 'static,
    E: StreamFailure<I::Item>,
{
    input: Option<I>,
    work: Arc<F>,
    starter: Starter,
    options: Options,
    schedule: Schedule<Result<T, E>>,
    flight: Flight<T, E::Kept>,
    alarm: Option<Alarm>,
    budget: u8,
}

/// What a stream does about a task that takes too long (T8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStreamTimeout {
    /// The stream ends: [`Exit::Timeout`] is its last element, and its tasks are killed. In OTP the consumer exits; here it does
    /// when it passes the error on.
    #[default]
    Exit,
    /// The task is killed, its element is [`Exit::Timeout`], and the stream goes on.
    KillTask,
}

struct Options {
    timeout: Option<Duration>,
    on_timeout: OnStreamTimeout,
    /// None: as many as four times the concurrency.
    buffered: Option<usize>,
}

impl<I, F, Fut, T> TaskStream<I, F, T>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn new(starter: Starter, input: I, work: F) -> Self {
        let concurrency = std::thread::available_parallelism().map_or(1, usize::from);
        let limits = Limits { concurrency, buffered: concurrency.saturating_mul(4), ordered: true };
        let timeout = Some(Duration::from_secs(5));
        Self {
            input: Some(input),
            work: Arc::new(work),
            starter,
            options: Options { timeout, on_timeout: OnStreamTimeout::Exit, buffered: None },
            schedule: Schedule::new(limits),
            flight: Flight::new(),
            alarm: None,
            budget: BUDGET,
        }
    }
}

impl<I, F, T, E> TaskStream<I, F, T, E>
where
    I: Iterator,
    T: Send + 'static,
    E: StreamFailure<I::Item>,
{
    /// How many tasks run at once; as many as the machine has cores, unless told otherwise.
    ///
    /// # Panics
    ///
    /// For none at all, with which it would never come to an end.
    pub fn max_concurrency(self, tasks: usize) -> Self {
        assert!(tasks > 0, "a stream needs at least one task at a time: max_concurrency(0)");
        self.with(|stream| {
            stream.schedule.limits.concurrency = tasks;
            stream.schedule.limits.buffered = stream.options.buffered.unwrap_or(tasks.saturating_mul(4));
        })
    }

    /// How many more elements than run at once may be begun and not delivered; four times as many as run, unless told
    /// otherwise. With none, a slow first element lets no other begin in place of those that are done.
    pub fn max_buffered(self, results: usize) -> Self {
        self.with(|stream| {
            stream.options.buffered = Some(results);
            stream.schedule.limits.buffered = results;
        })
    }

    /// Whether results come in the order of their elements, which is the default, or as they are found.
    pub fn ordered(self, ordered: bool) -> Self {
        self.with(|stream| stream.schedule.limits.ordered = ordered)
    }

    /// How long each task may take from its start; 5 s, unless told otherwise.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|stream| stream.options.timeout = Some(timeout))
    }

    /// The tasks may take as long as they like.
    pub fn no_timeout(self) -> Self {
        self.with(|stream| stream.options.timeout = None)
    }

    /// What happens when a task takes longer than it may.
    pub fn on_timeout(self, on_timeout: OnStreamTimeout) -> Self {
        self.with(|stream| stream.options.on_timeout = on_timeout)
    }

    /// Gives the element as well where there is no result: `Err((element, exit))`.
    pub fn zip_input_on_exit(self) -> TaskStream<I, F, T, (I::Item, Exit)>
    where
        I::Item: Clone + Send,
    {
        let Self { input, work, starter, options, schedule, alarm, budget, .. } = self.with(|_| ());
        let (schedule, flight) = (Schedule::new(schedule.limits), Flight::new());
        TaskStream { input, work, starter, options, schedule, flight, alarm, budget }
    }

    fn with(mut self, set: impl FnOnce(&mut Self)) -> Self {
        assert!(!self.schedule.has_begun(), "the options of a stream are set before its first element");
        set(&mut self);
        self
    }

    /// Ends the stream early, and waits until its tasks are gone: they are killed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves tasks that have been killed, and may not be gone yet.
    pub async fn halt(mut self) {
        self.close();
        poll_fn(|cx| {
            while let Some(Gone::Killed) = self.flight.next_gone(cx) {
                self.schedule.release();
            }
            if self.schedule.is_over() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Nothing is begun or delivered any more.
    fn close(&mut self) {
        self.input = None;
        self.alarm = None;
        self.schedule.close();
        self.flight.kill_all();
    }
}

impl<I, F, Fut, T, E> TaskStream<I, F, T, E>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
    E: StreamFailure<I::Item>,
{
    /// The next result; `None` when there is none any more, and all tasks are gone.
    ///
    /// # Panics
    ///
    /// When the input does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, E>> {
        poll_fn(|cx| self.poll_element(cx)).await
    }

    fn poll_element(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, E>>> {
        let polled = if self.budget == 0 { self.pass(cx) } else { self.poll_now(cx) };
        self.budget = if polled.is_ready() { self.budget - 1 } else { BUDGET };
        polled
    }

    /// Lets others have their turn.
    fn pass<R>(&self, cx: &Context<'_>) -> Poll<R> {
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_now(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, E>>> {
        while let Some(gone) = self.flight.next_gone(cx) {
            match gone {
                Gone::Killed => self.schedule.release(),
                Gone::Finished(number, outcome, kept) => {
                    self.schedule.finish(number, outcome.map_err(|reason| E::of(kept, reason)));
                }
                // This process deals with its signals before it polls again, and does not come back.
                Gone::WithItsOwner => return self.pass(cx),
            }
        }
        self.begin_elements();
        if let Some(last) = self.poll_late(cx) {
            return Poll::Ready(Some(Err(last)));
        }
        match self.schedule.take() {
            Some(result) => Poll::Ready(Some(result)),
            None if self.schedule.is_over() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// Begins as many elements as may be.
    fn begin_elements(&mut self) {
        while self.schedule.may_begin() {
            match self.take_element() {
                Some((kept, element)) => self.begin(kept, element),
                None => {
                    self.input = None;
                    self.schedule.exhaust();
                }
            }
        }
    }

    /// The input is the user's code: if it panics, the stream is over before the consumer learns of it.
    fn take_element(&mut self) -> Option<(E::Kept, I::Item)> {
        let input = self.input.as_mut()?;
        let taken =
            catch_unwind(AssertUnwindSafe(|| input.next().map(|element| (E::keep(&element), element))));
        taken.unwrap_or_else(|panic| {
            self.close();
            resume_unwind(panic)
        })
    }

    fn begin(&mut self, kept: E::Kept, element: I::Item) {
        let owner = scheduler::current::id().filter(|_| self.starter.linked);
        let number = self.schedule.begin();
        let seat = Seat::new(number, owner, self.flight.board().clone());
        let work = self.work.clone();
        let code = seat.code(move || work(element));
        let job = Job::new::<F>(owner, Some(seat.clone()), size_of::<Fut>(), code);
        let deadline = self.options.timeout.map(|timeout| timer::later(scheduler::now(), timeout));
        self.flight.begin(number, Running { seat, deadline, kept });
        self.starter.start(job);
    }

    /// Deals with tasks that are late, and waits for the next that will be. The last element, if the stream ends of it.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Option<E> {
        loop {
            let deadline = self.flight.deadline()?;
            let alarm = self.alarm.get_or_insert_with(|| alarm_at(deadline));
            if alarm.poll_ring(cx).is_pending() {
                return None;
            }
            // It may have been set for a task that is done meanwhile.
            self.alarm = None;
            let now = scheduler::now();
            while let Some((number, kept)) = self.flight.kill_late(now) {
                let late = E::of(kept, Exit::Timeout);
                match self.options.on_timeout {
                    OnStreamTimeout::KillTask => self.schedule.resolve(number, Err(late)),
                    OnStreamTimeout::Exit => {
                        self.close();
                        return Some(late);
                    }
                }
            }
        }
    }
}

fn alarm_at(deadline: Instant) -> Alarm {
    Alarm::after(deadline.saturating_duration_since(scheduler::now()))
}

impl<I, F, T, E> Unpin for TaskStream<I, F, T, E>
where
    I: Iterator,
    T: Send + 'static,
    E: StreamFailure<I::Item>,
{
}

impl<I, F, Fut, T, E> Stream for TaskStream<I, F, T, E>
where
    I: Iterator<Item: Send + 'static>,
    F: Fn(I::Item) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
    E: StreamFailure<I::Item>,
{
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_element(cx)
    }
}

impl<I, F, T, E> fmt::Debug for TaskStream<I, F, T, E>
where
    I: Iterator,
    T: Send + 'static,
    E: StreamFailure<I::Item>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream")
            .field("limits", &self.schedule.limits)
            .field("undelivered", &self.schedule.undelivered())
            .field("exhausted", &self.input.is_none())
            .finish_non_exhaustive()
    }
}
