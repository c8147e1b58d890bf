//! A process that remembers what it is sent.

use std::{
    any::{Any, type_name},
    collections::VecDeque,
    fmt,
    time::Duration,
};

use throng_runtime::{
    Address, Ctx, Down, Exit, Exited, GenServer, Handled, Handler, Init, Message, MonitorRef, NoProcess,
    Node, Pid, ProcessId,
};
use tokio::sync::{mpsc, oneshot};

use crate::deadline::{DEFAULT_DEADLINE, in_time};

/// A process that remembers what it is sent, in order, and gives it out one by one: casts of any type, the [`Down`] of what it
/// monitors, the [`Exited`] of what it is linked to (it traps exits).
///
/// It lives for as long as this handle.
///
/// ```
/// # use throng_runtime::{Address, Exit, Message};
/// # use throng_test::{Probe, TestNode};
/// #[derive(Debug, PartialEq)]
/// struct Ready(u16);
/// impl Message for Ready {
///     type Reply = ();
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let node = TestNode::new();
/// let mut probe = Probe::start(&node).await;
/// let me = probe.pid();
/// let server = node.spawn(async move |_| {
///     let _ = me.cast(Ready(4000));
///     std::future::pending::<()>().await
/// });
/// probe.monitor(server).await;
/// assert_eq!(probe.expect::<Ready>().await, Ready(4000));
///
/// node.exit(server, Exit::Shutdown);
/// assert!(matches!(probe.expect_down(server).await, Exit::Shutdown));
/// probe.expect_nothing().await;
/// # }
/// ```
#[derive(Debug)]
pub struct Probe {
    node: Node,
    pid: Pid<Recorder>,
    pub(crate) seen: mpsc::UnboundedReceiver<Received>,
    /// Looked at and not taken yet.
    pub(crate) ahead: VecDeque<Received>,
    pub(crate) deadline: Duration,
}

impl Probe {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When the node's runtime is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done kills the probe that was being started.
    pub async fn start(node: &Node) -> Self {
        let (saw, seen) = mpsc::unbounded_channel();
        let started = node.start(Recorder::child(saw)).await;
        let pid = started.unwrap_or_else(|error| panic!("a probe did not start: {error}"));
        Self { node: node.clone(), pid, seen, ahead: VecDeque::new(), deadline: DEFAULT_DEADLINE }
    }

    /// Waits this long for what is expected, instead of [`DEFAULT_DEADLINE`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Where to send to.
    pub fn pid(&self) -> Pid<Recorder> {
        self.pid
    }

    /// Has the probe monitor a process; its end comes as a [`Down`].
    ///
    /// # Panics
    ///
    /// When the probe was killed.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Probe::run).
    pub async fn monitor(&self, target: impl Into<ProcessId>) -> MonitorRef {
        let target = target.into();
        self.run(move |ctx| ctx.monitor(target)).await
    }

    /// Links the probe with a process; its end comes as an [`Exited`].
    ///
    /// # Errors
    ///
    /// The process is dead.
    ///
    /// # Panics
    ///
    /// When the probe was killed.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Probe::run).
    pub async fn link(&self, peer: impl Into<ProcessId>) -> Result<(), NoProcess> {
        let peer = peer.into();
        self.run(move |ctx| ctx.link(peer)).await
    }

    /// Runs `f` in the probe's process, with its context, and gives what it gives.
    ///
    /// # Panics
    ///
    /// When the probe was killed, by `f` for example.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses what `f` gives. It runs all the same, once the future has been polled.
    pub async fn run<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Ctx<Recorder>) -> R + Send + 'static,
    ) -> R {
        let (tell, told) = oneshot::channel();
        let line = Do(Box::new(move |ctx| drop(tell.send(f(ctx)))));
        if let Err(error) = self.pid.call(line).await {
            panic!("the probe was killed: {error}");
        }
        told.await.unwrap_or_else(|_| panic!("what was to run in the probe was dropped"))
    }

    /// The next thing that it is sent.
    ///
    /// # Panics
    ///
    /// When nothing comes in time, or the probe was killed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    #[expect(clippy::should_implement_trait, reason = "the field's word; this one is awaited")]
    pub fn next(&mut self) -> impl Future<Output = Received> {
        let deadline = self.deadline;
        let next = async {
            if let Some(ahead) = self.ahead.pop_front() {
                return ahead;
            }
            self.seen.recv().await.unwrap_or_else(|| panic!("the probe was killed"))
        };
        in_time(deadline, next, || "anything to be sent to the probe".into())
    }

    /// The next thing that it is sent, which has to be an `M`.
    ///
    /// # Panics
    ///
    /// When something else comes, or nothing in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect<M: Message>(&mut self) -> impl Future<Output = M> {
        let place = std::panic::Location::caller();
        let next = self.next();
        async move {
            let received = next.await;
            received.downcast().unwrap_or_else(|other| {
                panic!("{place}: expected {}, was sent {}", type_name::<M>(), other.type_name())
            })
        }
    }

    /// The next thing that it is sent, which has to be the [`Down`] of this process: its reason.
    ///
    /// # Panics
    ///
    /// When something else comes, or nothing in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect_down(&mut self, process: impl Into<ProcessId>) -> impl Future<Output = Exit> {
        let (process, place) = (process.into(), std::panic::Location::caller());
        let down = self.expect::<Down>();
        async move {
            let down = down.await;
            assert_eq!(down.pid, process, "{place}: the end of another process");
            down.reason
        }
    }

    /// The next thing that it is sent, which has to be the [`Exited`] of this process: its reason.
    ///
    /// # Panics
    ///
    /// When something else comes, or nothing in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect_exited(&mut self, process: impl Into<ProcessId>) -> impl Future<Output = Exit> {
        let (process, place) = (process.into(), std::panic::Location::caller());
        let exited = self.expect::<Exited>();
        async move {
            let exited = exited.await;
            assert_eq!(exited.pid, Some(process), "{place}: the exit of another process");
            exited.reason
        }
    }

    /// Checks that there is nothing more: all that was sent to it before this has been taken.
    ///
    /// # Panics
    ///
    /// When there is more, with what it is; or when the probe was killed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn expect_nothing(&mut self) {
        if let Err(error) = self.pid.sync().await {
            panic!("the probe was killed: {error}");
        }
        while let Ok(received) = self.seen.try_recv() {
            self.ahead.push_back(received);
        }
        assert!(self.ahead.is_empty(), "the probe was sent more: {:?}", self.ahead);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.node.exit(self.pid, Exit::Kill);
    }
}

/// Something that a probe was sent.
pub struct Received {
    message: Box<dyn Any + Send>,
    type_name: &'static str,
}

impl Received {
    /// The message, if it is an `M`.
    ///
    /// # Errors
    ///
    /// This, if it is not.
    pub fn downcast<M: Message>(self) -> Result<M, Self> {
        let Self { message, type_name } = self;
        message.downcast().map(|message| *message).map_err(|message| Self { message, type_name })
    }

    pub(crate) fn as_ref<M: Message>(&self) -> Option<&M> {
        self.message.downcast_ref()
    }

    /// Whether it is an `M`.
    pub fn is<M: Message>(&self) -> bool {
        self.message.is::<M>()
    }

    /// What type it has.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name)
    }
}

/// The server behind a [`Probe`]: it handles every message that can be cast.
#[derive(Debug)]
pub struct Recorder {
    saw: mpsc::UnboundedSender<Received>,
}

impl GenServer for Recorder {
    type Args = mpsc::UnboundedSender<Received>;

    async fn init(saw: Self::Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.trap_exits();
        Ok(Self { saw })
    }
}

impl<M: Message<Reply = ()>> Handler<M> for Recorder {
    async fn handle(&mut self, message: M, _: &mut Ctx<Self>) -> Handled<M> {
        // An error means that the probe's handle is gone, and this process about to be.
        let _ = self.saw.send(Received { message: Box::new(message), type_name: type_name::<M>() });
        Ok(())
    }
}

/// Something to do in the probe's process.
struct Do(Line);

type Line = Box<dyn FnOnce(&mut Ctx<Recorder>) + Send>;

/// It was done. (No unit: those messages are recorded.)
struct Done;

impl Message for Do {
    type Reply = Done;
}

impl Handler<Do> for Recorder {
    async fn handle(&mut self, Do(line): Do, ctx: &mut Ctx<Self>) -> Handled<Do> {
        line(ctx);
        Ok(Done)
    }
}
