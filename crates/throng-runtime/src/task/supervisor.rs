//! Supervised tasks: a place in the tree for work that is started on demand (T7).

use std::{borrow::Cow, collections::HashSet, time::Duration};

use super::{
    Task,
    job::Job,
    starter::{Place, Starter},
    stream::TaskStream,
};
use crate::{
    address::Address,
    child::{ChildSpec, Shutdown},
    ctx::Ctx,
    exit::{Exit, IntoExit},
    gen_server::{GenServer, Init},
    message::{Exited, Handled, Handler, Message},
    panics::contain,
    pid::ProcessId,
    supervisor::{ChildError, stop},
};

/// How a task is stopped.
const SHUTDOWN: Shutdown = Shutdown::After(Duration::from_secs(5));

/// A supervisor of tasks: it gives them a place in the tree, so that they are stopped with it and seen in it (T7).
///
/// A task that ended is not started again, whatever it ended with. What should be is a server, and belongs under a
/// [`DynamicSupervisor`](crate::DynamicSupervisor). It stops all its tasks at once: each is asked to shut down, and killed
/// after 5 s.
///
/// ```
/// use throng_runtime::{Name, Node, Supervisor, TaskSupervisor};
///
/// const MAILS: Name<TaskSupervisor> = Name::new("mails");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// node.start(Supervisor::one_for_one("tree").child(TaskSupervisor::new("mails").name(MAILS))).await?;
///
/// let mails = node.via(MAILS);
/// // Fire and forget.
/// TaskSupervisor::start_child(&mails, async { println!("sent") }).await?;
/// // With a result.
/// let task = TaskSupervisor::task_nolink(&mails, async { 6 * 7 }).await?;
/// assert_eq!(task.await.unwrap(), 42);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TaskSupervisor {
    children_max: usize,
    children: HashSet<ProcessId>,
}

/// What a [`TaskSupervisor`] is started from; its methods are those of `ChildSpec<TaskSupervisor>`.
#[derive(Clone, Debug)]
pub struct TaskSupervisorFlags {
    children_max: usize,
}

impl TaskSupervisor {
    /// One without tasks.
    pub fn new(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        ChildSpec::supervisor(id, TaskSupervisorFlags { children_max: usize::MAX })
    }
}

impl ChildSpec<TaskSupervisor> {
    /// How many tasks it may have at a time. Any number, unless told otherwise.
    pub fn max_children(mut self, children: usize) -> Self {
        self.args.children_max = children;
        self
    }
}

/// Starts of tasks. They wait until the supervisor has started the task, and no longer.
impl TaskSupervisor {
    /// Runs a future as a task whose result nobody waits for (T7). It may tell by its output how it ended.
    ///
    /// # Errors
    ///
    /// [`ChildError::MaxChildren`], [`ChildError::Supervisor`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the task is started all the same.
    pub async fn start_child<F>(supervisor: &impl Address<Self>, work: F) -> Result<ProcessId, ChildError>
    where
        F: Future<Output: IntoExit> + Send + 'static,
    {
        let job = Job::new::<F>(None, None, size_of::<F>(), Box::pin(async { work.await.into_exit() }));
        supervisor.call(StartTask(job)).no_timeout().await?
    }

    /// Runs a future as a task that is linked to the caller: if either crashes, so does the other; when the caller ends
    /// normally the task runs on (T7). A caller that ends before the task was started leaves none behind.
    ///
    /// # Errors
    ///
    /// [`ChildError::MaxChildren`], where OTP raises; [`ChildError::Supervisor`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets a task that has been started run on, without its handle. One that has not been will not be.
    pub async fn task<S, F>(
        supervisor: &impl Address<Self>,
        ctx: &Ctx<S>,
        work: F,
    ) -> Result<Task<F::Output>, ChildError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Self::start(supervisor, Some(ctx.id()), work).await
    }

    /// Runs a future as a task whose crash is only seen by whoever awaits it, and which outlives the caller (T7).
    ///
    /// # Errors
    ///
    /// As [`task`](TaskSupervisor::task).
    ///
    /// # Cancel safety
    ///
    /// As [`task`](TaskSupervisor::task).
    pub async fn task_nolink<F>(
        supervisor: &impl Address<Self>,
        work: F,
    ) -> Result<Task<F::Output>, ChildError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Self::start(supervisor, None, work).await
    }

    async fn start<F>(
        supervisor: &impl Address<Self>,
        owner: Option<ProcessId>,
        work: F,
    ) -> Result<Task<F::Output>, ChildError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (job, waiting) = Job::with_result(owner, work);
        let id = supervisor.call(StartTask(job)).no_timeout().await??;
        Ok(Task { id, owner, waiting })
    }

    /// As [`Ctx::async_stream`], with the tasks under the supervisor (T8). An element for which it has no place
    /// ([`max_children`](ChildSpec::max_children)) is an error, as is every one while it is not there.
    pub fn async_stream<I, F, Fut>(
        supervisor: impl Address<Self> + 'static,
        input: I,
        work: F,
    ) -> TaskStream<I::IntoIter, F, Fut::Output>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        TaskStream::new(starter(supervisor, true), input.into_iter(), work)
    }

    /// As [`async_stream`](TaskSupervisor::async_stream); a task that crashes is an element, and ends nobody (T8).
    pub fn async_stream_nolink<I, F, Fut>(
        supervisor: impl Address<Self> + 'static,
        input: I,
        work: F,
    ) -> TaskStream<I::IntoIter, F, Fut::Output>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        TaskStream::new(starter(supervisor, false), input.into_iter(), work)
    }

    /// Its tasks, in no order.
    ///
    /// # Errors
    ///
    /// The supervisor is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer, nothing else.
    pub async fn children(supervisor: &impl Address<Self>) -> Result<Vec<ProcessId>, ChildError> {
        Ok(supervisor.call(Children).no_timeout().await?)
    }

    /// Stops a task and waits until it is gone.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`], [`ChildError::Supervisor`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the task is stopped all the same.
    pub async fn terminate_child(supervisor: &impl Address<Self>, task: ProcessId) -> Result<(), ChildError> {
        supervisor.call(Terminate(task)).no_timeout().await?
    }
}

fn starter(supervisor: impl Address<TaskSupervisor> + 'static, linked: bool) -> Starter {
    // A job that nobody gets tells its stream by being dropped.
    let send = move |job| drop(supervisor.cast(RunTask(job)));
    Starter { linked, place: Place::Supervisor(Box::new(send)) }
}

impl GenServer for TaskSupervisor {
    type Args = TaskSupervisorFlags;

    async fn init(flags: TaskSupervisorFlags, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.trap_exits();
        Ok(Self { children_max: flags.children_max, children: HashSet::new() })
    }

    async fn terminate(&mut self, _: &Exit, ctx: &mut Ctx<Self>) {
        let children = self.children.drain().map(|task| (task, SHUTDOWN)).collect();
        stop::stop_all(ctx.id(), children).await;
    }
}

impl TaskSupervisor {
    fn run(&mut self, job: Job, ctx: &Ctx<Self>) -> Result<ProcessId, ChildError> {
        // What the work of a task holds is the user's: its drop must not end the supervisor.
        if !job.is_wanted() {
            // Whoever asked is gone, or has thought better of it: the answer reaches nobody.
            contain("a task that was not started", || drop(job));
            return Err(ChildError::NotFound);
        }
        if self.children.len() >= self.children_max {
            let error = ChildError::MaxChildren(self.children_max);
            contain("a task that was not started", || job.refuse(error.clone().into()));
            return Err(error);
        }
        let task = job.start_under(ctx.node(), ctx.id());
        self.children.insert(task);
        Ok(task)
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Exited> for TaskSupervisor {
    async fn handle(&mut self, exited: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        if let Some(task) = exited.pid.filter(|_| exited.by_link) {
            self.children.remove(&task);
        }
        Ok(())
    }
}

struct StartTask(Job);

impl Message for StartTask {
    type Reply = Result<ProcessId, ChildError>;
}

#[diagnostic::do_not_recommend]
impl Handler<StartTask> for TaskSupervisor {
    async fn handle(&mut self, StartTask(job): StartTask, ctx: &mut Ctx<Self>) -> Handled<StartTask> {
        Ok(self.run(job, ctx))
    }
}

/// As [`StartTask`], for whoever learns by the job how it went.
struct RunTask(Job);

impl Message for RunTask {
    type Reply = ();
}

#[diagnostic::do_not_recommend]
impl Handler<RunTask> for TaskSupervisor {
    async fn handle(&mut self, RunTask(job): RunTask, ctx: &mut Ctx<Self>) -> Handled<RunTask> {
        drop(self.run(job, ctx));
        Ok(())
    }
}

struct Children;

impl Message for Children {
    type Reply = Vec<ProcessId>;
}

#[diagnostic::do_not_recommend]
impl Handler<Children> for TaskSupervisor {
    async fn handle(&mut self, _: Children, _: &mut Ctx<Self>) -> Handled<Children> {
        Ok(self.children.iter().copied().collect())
    }
}

struct Terminate(ProcessId);

impl Message for Terminate {
    type Reply = Result<(), ChildError>;
}

#[diagnostic::do_not_recommend]
impl Handler<Terminate> for TaskSupervisor {
    async fn handle(&mut self, Terminate(task): Terminate, ctx: &mut Ctx<Self>) -> Handled<Terminate> {
        if !self.children.remove(&task) {
            return Ok(Err(ChildError::NotFound));
        }
        stop::stop(ctx.id(), task, SHUTDOWN).await;
        Ok(Ok(()))
    }
}
