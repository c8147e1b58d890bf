//! Servers: processes with a state that answer messages one at a time.

use std::{error::Error, fmt};

use crate::{child::ChildSpec, ctx::Ctx, error::StartError, exit::Exit};

/// A process with a state, started by `init`, that handles one message at a time.
///
/// A callback that blocks its thread, or computes for long without an `.await`, keeps others on that thread from running and
/// cannot be killed meanwhile: a kill takes effect at the next await point, where the callback's future is dropped with
/// its guards and buffers (P38, P39). Between two messages a server is its state and one small future, and holds nothing else;
/// what [`hibernate`](GenServer::hibernate) can give back is what the state holds in reserve (G14).
///
/// ```
/// use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node};
///
/// struct Add(u64);
/// impl Message for Add {
///     type Reply = u64;
/// }
///
/// struct Counter(u64);
/// impl GenServer for Counter {
///     type Args = u64;
///     async fn init(first: u64, _: &mut Ctx<Self>) -> Init<Self> {
///         Ok(Counter(first))
///     }
/// }
/// impl Handler<Add> for Counter {
///     async fn handle(&mut self, Add(n): Add, _: &mut Ctx<Self>) -> Handled<Add> {
///         self.0 += n;
///         Ok(self.0)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new("example");
/// let counter = node.start(Counter::child(40)).await?;
/// assert_eq!(counter.call(Add(2)).await?, 42);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a server",
    note = "write `impl GenServer for {Self}`, with an `async fn init`",
    note = "if it is a state machine, it runs as the server `Machine<{Self}>`, and handles messages by `EventHandler`"
)]
pub trait GenServer: Sized + Send + 'static {
    /// What `init` begins from. `Clone`: a restart begins from the same words.
    type Args: Clone + Send + Sync + 'static;

    /// Makes the state. Whoever starts the server waits for it (G1); slow work belongs in [`Ctx::continue_with`].
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed meanwhile or its start times out.
    fn init(args: Self::Args, ctx: &mut Ctx<Self>) -> impl Future<Output = Init<Self>> + Send;

    /// Runs before an orderly end: a callback stopped or crashed the server, its supervisor or somebody's `stop` asked for it,
    /// or its parent ended while it traps exits (G19). Never on a kill.
    ///
    /// Unlike OTP's, it runs on a supervisor's shutdown whether or not exits are trapped.
    ///
    /// # Cancel safety
    ///
    /// Dropped at an await point when the process is killed: by its supervisor, for one, when its grace is over.
    fn terminate(&mut self, reason: &Exit, ctx: &mut Ctx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (reason, ctx);
        async {}
    }

    /// Gives back memory that the state holds in reserve: `shrink_to_fit`, caches, buffers (G14).
    ///
    /// It is called when the server has been idle for as long as
    /// [`ChildSpec::hibernate_after`](crate::ChildSpec::hibernate_after) says, or a callback asked for it by
    /// [`Ctx::hibernate`] and no message waits. The next message finds the server as it is.
    fn hibernate(&mut self) {}

    /// What an observer is shown of the state (Y1, Y3): by default the type's name, so that no secret is shown that nobody thought
    /// of. [`sys::get_status`](crate::sys::get_status) asks for it.
    ///
    /// # Errors
    ///
    /// Only the formatter's own.
    fn inspect(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<Self>())
    }

    /// How a supervisor starts, restarts and stops this server: permanent, with 5 s to shut down (S1).
    fn child(args: Self::Args) -> ChildSpec<Self> {
        ChildSpec::new(args)
    }
}

/// What `init` returns.
pub type Init<S> = Result<S, InitError>;

/// Why a server did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// It has nothing to do, which is no failure (G3, S6).
    Ignore,
    /// It could not start.
    Stop(Exit),
    /// A process that it cannot do without did not start: whoever started this one is told that, as it is (S7).
    Start(StartError),
}

impl From<Exit> for InitError {
    fn from(reason: Exit) -> Self {
        Self::Stop(reason)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for InitError {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}
